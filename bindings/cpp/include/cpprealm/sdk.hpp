// The C++ SDK of Atoll: include this, link with libatoll, C++17.
//
//     struct Dog {
//         realm::primary_key<int64_t> _id;
//         std::string name;
//         int64_t age;
//     };
//     REALM_SCHEMA(Dog, _id, name, age)
//
//     realm::db db(realm::db_config("dogs.realm"));
//     db.write([&] { db.add(Dog{1, "Rex", 3}); });
//     for (auto dog : db.objects<Dog>().where([](auto &d) { return d.age > 2; })) std::cout << dog.name;
#ifndef CPPREALM_SDK_HPP
#define CPPREALM_SDK_HPP

#include <cpprealm/db.hpp>
#include <cpprealm/logger.hpp>

#endif
