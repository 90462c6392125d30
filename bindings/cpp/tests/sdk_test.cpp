// The C++ SDK over a local realm: every type, links, lists, queries, notifications, errors.
#include "check.hpp"

struct Person;
struct Address {
    std::string street;
    std::optional<int64_t> number;
};
REALM_EMBEDDED_SCHEMA(Address, street, number)

enum class mood { calm, wild };

struct Dog {
    realm::primary_key<int64_t> _id;
    std::string name;
    int64_t age = 0;
    double weight = 0;
    bool good = false;
    mood temper = mood::calm;
    std::optional<std::string> nick;
    std::optional<int64_t> legs;
    std::vector<uint8_t> photo;
    std::chrono::time_point<std::chrono::system_clock> born;
    realm::uuid chip;
    realm::object_id tag;
    Person *owner = nullptr;
    Address *home = nullptr;
    std::vector<std::string> tricks;
    std::vector<Address *> places;
    std::string not_stored;
};
REALM_SCHEMA(Dog, _id, name, age, weight, good, temper, nick, legs, photo, born, chip, tag, owner,
             home, tricks, places)

struct Person {
    realm::primary_key<realm::uuid> _id;
    std::string name;
    std::vector<Dog *> dogs;
};
REALM_SCHEMA(Person, _id, name, dogs)

namespace realm
{ // As the published examples have it.
struct Bird {
    realm::primary_key<std::string> _id;
    double wings = 0;
};
REALM_SCHEMA(Bird, _id, wings)
} // namespace realm

static realm::db open()
{
    return realm::db(realm::db_config(check::folder() + "/dogs.realm"));
}

static Dog make(int64_t id, const std::string &name, int64_t age)
{
    Dog dog;
    dog._id = id;
    dog.name = name;
    dog.age = age;
    return dog;
}

static void fill(realm::db &db, int count)
{
    db.write([&] {
        for (int i = 0; i < count; i++) db.add(make(i, "dog" + std::to_string(i), i));
    });
}

TEST(every_type_comes_back_as_it_was_written)
{
    auto db = open();
    Dog dog = make(1, std::string("Rex \xF0\x9F\x8C\xB4\0end", 12), -3);
    dog.weight = 2.5;
    dog.good = true;
    dog.temper = mood::wild;
    dog.nick = "R";
    dog.legs = 4;
    dog.photo = {0, 255, 7};
    dog.born = std::chrono::system_clock::time_point(std::chrono::milliseconds(-1500));
    dog.chip = realm::uuid("00112233-4455-6677-8899-aabbccddeeff");
    dog.tag = realm::object_id("507f1f77bcf86cd799439011");
    Address home{"Hill", 3};
    dog.home = &home;
    dog.tricks = {"sit", "roll"};
    dog.places = {&home};
    auto made = db.write([&] { return db.add(std::move(dog)); });
    auto found = *db.find<Dog>(1);
    EXPECT(found == made);
    EXPECT(found._id == 1);
    EXPECT(found.name == std::string("Rex \xF0\x9F\x8C\xB4\0end", 12));
    EXPECT(found.age == -3);
    EXPECT(found.weight == 2.5);
    EXPECT(found.good == true);
    EXPECT(found.temper == mood::wild);
    EXPECT(found.nick == "R");
    EXPECT(found.legs.detach() == std::optional<int64_t>(4));
    EXPECT(found.photo.detach() == std::vector<uint8_t>({0, 255, 7}));
    EXPECT(found.born == std::chrono::system_clock::time_point(std::chrono::milliseconds(-1500)));
    EXPECT(found.chip.detach().to_string() == "00112233-4455-6677-8899-aabbccddeeff");
    EXPECT(found.tag.detach().to_string() == "507f1f77bcf86cd799439011");
    EXPECT(found.home->street == "Hill");
    EXPECT(found.home->number.detach() == std::optional<int64_t>(3));
    EXPECT(found.tricks.detach() == std::vector<std::string>({"sit", "roll"}));
    EXPECT(found.places.size() == 1 && found.places[0].street == "Hill");
    EXPECT(found.owner == nullptr);
}

TEST(values_are_read_as_their_own_type)
{
    auto db = open();
    fill(db, 1);
    auto dog = db.objects<Dog>()[0];
    std::string name = dog.name;
    int64_t age = dog.age;
    EXPECT(name == "dog0" && age == 0);
    auto kept = db.objects<Dog>()[0].name; // Outlives the object that it was taken from.
    EXPECT(kept.detach() == "dog0");
    db.write([&] {
        dog.age += 5;
        dog.age -= 1;
        ++dog.age;
        dog.nick = "n";
        dog.legs = 3;
    });
    EXPECT(dog.age == 5 && dog.nick.has_value() && dog.legs == 3);
    db.write([&] {
        dog.nick = std::nullopt;
        dog.legs = std::nullopt;
    });
    EXPECT(!dog.nick.has_value() && dog.legs == std::nullopt);
}

TEST(a_throwing_write_leaves_nothing)
{
    auto db = open();
    bool caught = false;
    try {
        db.write([&] {
            db.add(make(1, "x", 1));
            throw std::runtime_error("mine");
        });
    } catch (const std::runtime_error &e) {
        caught = std::string(e.what()) == "mine";
    }
    EXPECT(caught);
    EXPECT(!db.is_in_transaction());
    EXPECT(db.objects<Dog>().size() == 0);
}

TEST(writes_need_a_transaction)
{
    auto db = open();
    EXPECT_ERROR(ATOLL_ERROR_NO_TRANSACTION, db.add(make(1, "x", 1)));
    fill(db, 1);
    auto dog = db.objects<Dog>()[0];
    EXPECT_ERROR(ATOLL_ERROR_NO_TRANSACTION, dog.age = 4);
    EXPECT(dog.age == 0);
}

TEST(adding_a_key_again_overwrites_the_object)
{
    auto db = open();
    fill(db, 1);
    db.write([&] { db.objects<Dog>()[0].nick = "old"; });
    db.write([&] { db.add(make(0, "new", 9)); });
    EXPECT(db.objects<Dog>().size() == 1);
    auto dog = db.objects<Dog>()[0];
    EXPECT(dog.name == "new" && dog.age == 9 && !dog.nick.has_value());
}

TEST(a_graph_with_a_circle_is_added_once)
{
    auto db = open();
    Person ann;
    ann._id = realm::uuid::generate();
    ann.name = "Ann";
    Dog rex = make(1, "Rex", 3);
    rex.owner = &ann;
    ann.dogs = {&rex};
    db.write([&] { db.add(rex); });
    EXPECT(db.objects<Person>().size() == 1);
    auto dog = db.objects<Dog>()[0];
    EXPECT(dog.owner->name == "Ann");
    EXPECT(dog.owner->dogs.size() == 1 && dog.owner->dogs[0] == dog);
    db.write([&] { dog.owner = nullptr; });
    EXPECT(dog.owner == nullptr && !dog.owner);
    db.write([&] { dog.owner = db.objects<Person>()[0]; });
    EXPECT(dog.owner != nullptr);
    db.write([&] { db.remove(*dog.owner); });
    EXPECT(dog.owner == nullptr);
}

TEST(lists_take_every_change)
{
    auto db = open();
    fill(db, 3);
    auto dog = db.objects<Dog>()[0];
    Person ann;
    ann._id = realm::uuid::generate();
    auto person = db.write([&] { return db.add(ann); });
    db.write([&] {
        dog.tricks.push_back("a");
        dog.tricks.insert(0, "b");
        dog.tricks.set(1, "A");
        dog.tricks.push_back("c");
        dog.tricks.erase(0);
        for (auto each : db.objects<Dog>()) person.dogs.push_back(each);
    });
    EXPECT(dog.tricks.detach() == std::vector<std::string>({"A", "c"}));
    EXPECT(person.dogs.size() == 3);
    int64_t sum = 0;
    for (auto each : person.dogs) sum += each.age;
    EXPECT(sum == 3);
    EXPECT_ERROR(ATOLL_ERROR_OUT_OF_RANGE, dog.tricks[2]);
    std::vector<realm::collection_change> told;
    auto token = person.dogs.observe([&](auto &&change) { told.push_back(change); });
    db.refresh();
    told.clear();
    db.write([&] {
        dog.tricks = {"x"};
        db.remove(db.objects<Dog>().where("_id == 1", {})[0]);
    });
    EXPECT(dog.tricks.size() == 1 && dog.tricks[0] == "x");
    // A deleted object is gone from the lists that held it; the list tells, and its positions close up.
    EXPECT(person.dogs.size() == 2 && person.dogs[1].age == 2);
    EXPECT(told.size() == 1 && told[0].deletions == std::vector<uint64_t>({1}) &&
           told[0].insertions.empty());
    db.write([&] { person.dogs.erase(1); });
    EXPECT(person.dogs.size() == 1 && person.dogs[0].age == 0);
    db.write([&] { dog.tricks.clear(); });
    EXPECT(dog.tricks.empty());
}

TEST(queries_by_text_and_by_comparison_agree)
{
    auto db = open();
    fill(db, 10);
    db.write([&] { (*db.find<Dog>(3)).nick = "Three"; });
    auto dogs = db.objects<Dog>();
    EXPECT(dogs.where("age > $0", {3}).size() == 6);
    EXPECT(dogs.where([](auto &d) { return d.age > 3; }).size() == 6);
    EXPECT(dogs.where("age >= $0 AND name != $1", {3, "dog9"}).size() == 6);
    EXPECT(dogs.where([](auto &d) { return d.age >= 3 && d.name != "dog9"; }).size() == 6);
    EXPECT(dogs.where([](auto &d) { return d.age < 1 || d.name == "dog9"; }).size() == 2);
    EXPECT(dogs.where([](auto &d) { return !(d.age <= 7); }).size() == 2);
    EXPECT(dogs.where([](auto &d) { return d.nick == std::nullopt; }).size() == 9);
    EXPECT(dogs.where([](auto &d) { return d.nick == "Three"; }).size() == 1);
    EXPECT(dogs.where([](auto &d) { return d.name.contains("g7"); }).size() == 1);
    EXPECT(dogs.where([](auto &d) { return d.name.begins_with("DOG"); }).size() == 0);
    EXPECT(dogs.where([](auto &d) { return d.name.begins_with("DOG", false); }).size() == 10);
    EXPECT(dogs.where([](auto &) { return true; }).size() == 10);
    auto sorted = dogs.where([](auto &d) { return d.age < 3; }).sort("age", false);
    EXPECT(sorted.size() == 3 && sorted[0].age == 2 && sorted[2].age == 0);
    EXPECT(dogs.sum("age").get<int64_t>() == 45);
    EXPECT(!db.find<Dog>(99));
}

TEST(a_bad_query_says_where)
{
    auto db = open();
    EXPECT_ERROR(ATOLL_ERROR_QUERY_SYNTAX, db.objects<Dog>().where("age >").size());
    EXPECT_ERROR(
        ATOLL_ERROR_INVALID_ARGUMENT,
        db.objects<Dog>().where([](auto &d) -> realm::rbool { return bool(d.age > 3); }).size());
}

TEST(results_tell_what_changed)
{
    auto db = open();
    fill(db, 3);
    auto dogs = db.objects<Dog>().sort("age");
    std::vector<realm::collection_change> told;
    size_t size = 0;
    auto token = dogs.observe([&](auto &&change) {
        told.push_back(change);
        size = change.collection->size();
    });
    db.refresh();
    EXPECT(told.size() == 1 && told[0].initial && told[0].empty());
    db.write([&] {
        db.remove(dogs[0]);
        db.add(make(9, "nine", 9));
        (*db.find<Dog>(1)).name = "changed";
    });
    EXPECT(told.size() == 2 && size == 3);
    if (told.size() == 2) {
        EXPECT(told[1].deletions == std::vector<uint64_t>({0}));
        EXPECT(told[1].insertions == std::vector<uint64_t>({2}));
        EXPECT(told[1].modifications == std::vector<uint64_t>({0}));
    }
    token.unregister();
    fill(db, 1);
    EXPECT(told.size() == 2);
}

TEST(an_object_tells_which_properties_changed)
{
    auto db = open();
    fill(db, 1);
    auto dog = db.objects<Dog>()[0];
    std::vector<std::string> told;
    auto token = dog.observe([&](auto &&change) {
        std::string line = change.is_deleted ? "deleted" : "";
        for (auto &property : change.property_changes) line += property.name;
        told.push_back(line);
    });
    db.write([&] { dog.nick = "new"; });
    db.write([&] { db.remove(dog); });
    EXPECT(told == std::vector<std::string>({"nick", "deleted"}));
    EXPECT(dog.is_invalidated());
    EXPECT_ERROR(ATOLL_ERROR_OBJECT_INVALID, dog.name.detach());
}

TEST(another_instance_sees_a_commit_after_refresh)
{
    auto first = open();
    auto second = open();
    fill(first, 2);
    EXPECT(second.objects<Dog>().size() == 0);
    EXPECT(second.refresh());
    EXPECT(second.objects<Dog>().size() == 2);
    EXPECT(!second.refresh());
}

TEST(a_realm_belongs_to_its_thread)
{
    auto db = open();
    std::thread([&] { EXPECT_ERROR(ATOLL_ERROR_WRONG_THREAD, db.objects<Dog>().size()); }).join();
}

TEST(a_local_realm_has_no_session)
{
    auto db = open();
    EXPECT(!db.get_sync_session());
    EXPECT(!db.get_sync_session().has_value());
    EXPECT_ERROR(ATOLL_ERROR_NOT_SUPPORTED, db.subscriptions());
}

TEST(what_is_stored_is_there_after_reopening)
{
    {
        auto db = open();
        fill(db, 5);
        db.close();
        EXPECT(db.is_closed());
        EXPECT_ERROR(ATOLL_ERROR_CLOSED, db.objects<Dog>().size());
    }
    auto db = realm::open<Dog, Person, Address>(check::folder() + "/dogs.realm");
    EXPECT(db.objects<Dog>().size() == 5);
    db.write([&] { db.remove_all<Dog>(); });
    EXPECT(db.objects<Dog>().empty());
}

TEST(models_may_live_in_namespace_realm)
{
    auto db = open();
    realm::Bird bird;
    bird._id = "owl";
    bird.wings = 2;
    db.write([&] { db.add(bird); });
    EXPECT(db.objects<realm::Bird>().where([](auto &b) { return b._id == "owl"; }).size() == 1);
}

TEST(ids_read_and_write_their_text)
{
    EXPECT(realm::uuid("00112233-4455-6677-8899-AABBCCDDEEFF").to_string() ==
           "00112233-4455-6677-8899-aabbccddeeff");
    EXPECT_ERROR(ATOLL_ERROR_INVALID_ARGUMENT, realm::uuid("00112233445566778899aabbccddeeff"));
    EXPECT_ERROR(ATOLL_ERROR_INVALID_ARGUMENT,
                 realm::uuid("00112233-4455-6677-8899-aabbccddeeff0"));
    EXPECT_ERROR(ATOLL_ERROR_INVALID_ARGUMENT, realm::object_id("507f1f77bcf86cd79943901"));
    EXPECT(realm::uuid::generate() != realm::uuid::generate());
    EXPECT(realm::object_id::generate() != realm::object_id::generate());
}

int main(int count, char **arguments)
{
    return check::run(count > 1 ? arguments[1] : nullptr);
}
