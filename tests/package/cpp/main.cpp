#include <cpprealm/sdk.hpp>
#include <iostream>

namespace realm
{
struct Dog {
    primary_key<int64_t> _id;
    std::string name;
};
REALM_SCHEMA(Dog, _id, name)
} // namespace realm

// A consumer in C++.
int main(int, char **arguments)
{
    realm::db_config config;
    config.set_path(arguments[1]);
    realm::db db(config);
    db.write([&] {
        realm::Dog dog;
        dog._id = 1;
        dog.name = "Rex";
        db.add(std::move(dog));
    });
    auto found = db.objects<realm::Dog>().size();
    std::cout << "found " << found << "\n";
    return found == 1 ? 0 : 1;
}
