// The C++ SDK over a local realm: decimals, mixed values, sets, maps, counters, moved elements, backlinks.
#include "check.hpp"

struct Part {
    std::string label;
};
REALM_EMBEDDED_SCHEMA(Part, label)

enum class level : int32_t { low = 1, high = 2 };

struct Item;
struct Box {
    realm::primary_key<int64_t> _id;
    int64_t hits = 0;
    int32_t narrow = 0;
    float ratio = 0;
    realm::decimal128 price;
    std::optional<realm::decimal128> discount;
    realm::mixed any;
    std::vector<realm::mixed> anys;
    std::vector<int64_t> steps;
    std::set<int64_t> numbers;
    std::set<std::string> names;
    std::set<Item *> friends;
    std::map<std::string, int64_t> counts;
    std::map<std::string, Part *> parts;
    std::map<std::string, Item *> links;
    std::map<std::string, realm::mixed> loose;
    Item *first = nullptr;
    std::vector<Item *> items;
    level grade = level::low;
    std::optional<level> maybe_grade;
    std::vector<level> grades;
};
REALM_SCHEMA(Box, _id, hits, narrow, ratio, price, discount, any, anys, steps, numbers, names,
             friends, counts, parts, links, loose, first, items, grade, maybe_grade, grades)

struct Item {
    realm::primary_key<int64_t> _id;
    realm::linking_objects<&Box::first> firsts;
    realm::linking_objects<&Box::items> boxes;
    std::string name;
};
REALM_SCHEMA(Item, _id, firsts, boxes, name)

static realm::db open()
{
    return realm::db(realm::db_config(check::folder() + "/boxes.realm"));
}

static realm::managed<Box> add_box(realm::db &db, Box box = Box())
{
    return db.write([&] { return db.add(box); });
}

static Item item(int64_t id, const std::string &name)
{
    Item made;
    made._id = id;
    made.name = name;
    return made;
}

TEST(decimals_and_floats_come_back)
{
    auto db = open();
    Box box;
    box.ratio = 0.1f;
    box.price = realm::decimal128("1234567890123456789012345678.901230");
    box.discount = realm::decimal128("-0.10");
    auto found = add_box(db, box);
    EXPECT(found.ratio == 0.1f);
    EXPECT(found.price.detach().to_string() == "1234567890123456789012345678.901230");
    EXPECT(found.discount.detach() == realm::decimal128("-0.1"));
    db.write([&] { found.discount = std::nullopt; });
    EXPECT(!found.discount.has_value());
    EXPECT(db.objects<Box>()
               .where([](auto &b) { return b.price > realm::decimal128("1E+27"); })
               .size() == 1);
    EXPECT(db.objects<Box>().where([](auto &b) { return b.ratio == 0.1f; }).size() == 1);
}

TEST(decimals_compare_by_value)
{
    using d = realm::decimal128;
    EXPECT(d("1.10") == d("1.1") && d("0") == d("-0.00") && d("1E+3") == d("1000"));
    EXPECT(d("-2") < d("-1") && d("-1") < d("0") && d("0.09") < d("0.1") && d("9") < d("10"));
    EXPECT(d("1E-6176") > d("0") && d("-Infinity") < d("-9E+6144") && d("Infinity") > d("1"));
    EXPECT(d("NaN").is_NaN() && d("NaN") != d("NaN") && !(d("NaN") < d("1")));
    EXPECT(d(int64_t{-42}).to_string() == "-42" && d(d("7.50").to_bytes()).to_string() == "7.50");
    EXPECT_ERROR(ATOLL_ERROR_INVALID_ARGUMENT, d("seven"));
}

TEST(decimals_are_calculated_with)
{
    using d = realm::decimal128;
    EXPECT((d("0.1") + d("0.2")).to_string() == "0.3" && d("1") - d("1.10") == d("-0.1"));
    EXPECT(d("1.5") * d("-2") == d("-3") && (d("2") / d("3")).to_string().size() == 36);
    EXPECT((d("1") / d("0")).to_string() == "Infinity" && (d("0") / d("0")).is_NaN());
    EXPECT(-d("7.5") == d("-7.5") && -d("-1") == d("1"));
    d sum("1");
    sum += d("2");
    sum -= d("0.5");
    sum *= d("4");
    sum /= d("5");
    EXPECT(sum == d("2"));
}

TEST(a_mixed_value_is_what_it_was_set_to)
{
    auto db = open();
    auto box = add_box(db);
    EXPECT(box.any.detach().is_null());
    auto other = db.write([&] { return db.add(item(1, "one")); });
    const std::vector<realm::mixed> all = {true,
                                           int64_t{7},
                                           1.5f,
                                           2.5,
                                           realm::decimal128("3.50"),
                                           "text",
                                           std::vector<uint8_t>{1, 0, 2},
                                           realm::uuid("00112233-4455-6677-8899-aabbccddeeff"),
                                           realm::object_id("507f1f77bcf86cd799439011"),
                                           realm::timestamp(std::chrono::milliseconds(-1500)),
                                           other,
                                           nullptr};
    for (const auto &value : all) {
        db.write([&] { box.any = value; });
        EXPECT(box.any.detach() == value);
        EXPECT(box.any.detach().value().index() == value.value().index());
    }
    db.write([&] { box.anys = all; });
    EXPECT(box.anys.detach() == all);
    db.write([&] { box.any = "needle"; });
    EXPECT(db.objects<Box>().where([](auto &b) { return b.any == "needle"; }).size() == 1);
    EXPECT(db.objects<Box>().where([](auto &b) { return b.any == 7; }).size() == 0);
}

TEST(a_set_holds_each_value_once)
{
    auto db = open();
    Box made;
    made.numbers = {3, 1};
    auto box = add_box(db, made);
    db.write([&] {
        EXPECT(box.numbers.insert(2));
        EXPECT(!box.numbers.insert(3));
        EXPECT(box.numbers.erase(1) == 1 && box.numbers.erase(9) == 0);
        box.names = std::set<std::string>{"a", "b"};
    });
    EXPECT(box.numbers.detach() == std::set<int64_t>({2, 3}));
    EXPECT(box.numbers.contains(2) && !box.numbers.contains(1) && box.numbers.count(3) == 1);
    EXPECT(*box.numbers.find(3) == 3 && box.numbers.find(8) == box.numbers.end());
    EXPECT(box.names.size() == 2 && *box.names.begin() == "a");
    EXPECT(db.objects<Box>().where("numbers == 2").size() == 1);
    EXPECT_ERROR(ATOLL_ERROR_NO_TRANSACTION, box.numbers.insert(5));
    db.write([&] { box.numbers.clear(); });
    EXPECT(box.numbers.empty());
}

TEST(a_set_of_objects_loses_what_is_deleted)
{
    auto db = open();
    Box made;
    Item one = item(1, "one"), two = item(2, "two");
    made.friends = {&one, &two};
    auto box = add_box(db, made);
    EXPECT(box.friends.size() == 2);
    auto stored = *db.find<Item>(1);
    EXPECT(box.friends.contains(stored));
    db.write([&] { EXPECT(!box.friends.insert(stored)); });
    db.write([&] { db.remove(stored); });
    EXPECT(box.friends.size() == 1 && box.friends[0].name == "two");
}

TEST(a_map_has_one_value_for_a_key)
{
    auto db = open();
    Box made;
    Part part{"p"};
    Item one = item(1, "one");
    made.counts = {{"a", 1}};
    made.parts = {{"left", &part}};
    made.links = {{"x", &one}, {"none", nullptr}};
    made.loose = {{"k", realm::mixed("v")}};
    auto box = add_box(db, made);
    db.write([&] {
        box.counts["b"] = 2;
        box.counts["a"] = 5;
        EXPECT(!box.counts.insert({"a", 7}) && box.counts.emplace("c", 3));
        EXPECT(box.counts.erase("c") == 1 && box.counts.erase("c") == 0);
        box.parts["right"] = &part;
        box.links["y"] = *db.find<Item>(1);
        box.loose["n"] = realm::mixed(int64_t{4});
    });
    EXPECT((box.counts.detach() == std::map<std::string, int64_t>({{"a", 5}, {"b", 2}})));
    int64_t a = box.counts["a"];
    EXPECT(a == 5 && box.counts.contains("b") && box.counts.find("zz") == box.counts.end());
    EXPECT_ERROR(ATOLL_ERROR_OUT_OF_RANGE, box.counts["zz"].detach());
    EXPECT(box.parts["right"]->label == "p" && box.parts.size() == 2);
    EXPECT(box.links["y"]->name == "one" && box.links["none"].is_null());
    EXPECT(box.loose["n"] == realm::mixed(4) && box.loose["k"] == realm::mixed("v"));
    std::string keys;
    for (auto [key, value] : box.links) keys += key + (value.is_null() ? "0 " : "1 ");
    EXPECT(keys == "none0 x1 y1 ");
    EXPECT_ERROR(ATOLL_ERROR_NOT_SUPPORTED, db.write([&] { box.counts["a.b"] = 1; }));
    db.write([&] { box.counts = std::map<std::string, int64_t>{{"z", 9}}; });
    EXPECT(box.counts.size() == 1 && box.counts["z"] == 9);
}

TEST(sets_and_maps_tell_what_changed)
{
    auto db = open();
    auto box = add_box(db);
    int sets = 0, maps = 0;
    auto first = box.numbers.observe([&](realm::collection_change change) {
        if (!change.initial) sets += static_cast<int>(change.insertions.size());
    });
    auto second = box.counts.observe([&](realm::collection_change change) {
        if (!change.initial) maps += static_cast<int>(change.insertions.size());
    });
    db.refresh();
    db.write([&] {
        box.numbers = std::set<int64_t>{1, 2};
        box.counts["a"] = 1;
    });
    EXPECT(sets == 2 && maps == 1);
}

TEST(integers_count)
{
    auto db = open();
    auto box = add_box(db);
    db.write([&] {
        box.hits += 5;
        box.hits -= 2;
        ++box.hits;
        box.narrow += 7;
    });
    EXPECT(box.hits == 4 && box.narrow == 7);
    EXPECT_ERROR(ATOLL_ERROR_NO_TRANSACTION, box.hits += 1);
}

TEST(a_list_element_moves)
{
    auto db = open();
    Box made;
    made.steps = {1, 2, 3, 4};
    auto box = add_box(db, made);
    db.write([&] { box.steps.move(0, 2); });
    EXPECT(box.steps.detach() == std::vector<int64_t>({2, 3, 1, 4}));
    EXPECT_ERROR(ATOLL_ERROR_OUT_OF_RANGE, db.write([&] { box.steps.move(0, 9); }));
}

TEST(enums_are_stored_as_integers)
{
    auto db = open();
    Box made;
    made.grade = level::high;
    made.grades = {level::low, level::high};
    auto box = add_box(db, made);
    EXPECT(box.grade == level::high && !box.maybe_grade.has_value());
    db.write([&] { box.maybe_grade = level::low; });
    EXPECT(box.maybe_grade.detach() == level::low);
    EXPECT(box.grades[1] == level::high);
    EXPECT(db.objects<Box>().where([](auto &b) { return b.grade == level::high; }).size() == 1);
}

TEST(an_object_knows_what_links_to_it)
{
    auto db = open();
    auto one = db.write([&] { return db.add(item(1, "one")); });
    EXPECT(one.firsts.empty() && one.boxes.size() == 0);
    db.write([&] {
        for (int i = 0; i < 3; i++) {
            Box made;
            made._id = i;
            auto box = db.add(made);
            if (i > 0) box.first = one;
            box.items.push_back(one);
        }
    });
    EXPECT(one.firsts.size() == 2 && one.boxes.size() == 3);
    EXPECT(one.firsts.where("_id == 2")[0]._id == 2);
    db.write([&] { db.remove(*db.find<Box>(int64_t{2})); });
    EXPECT(one.firsts.size() == 1 && one.firsts[0]._id == 1);
}

int main(int count, char **arguments)
{
    return check::run(count > 1 ? arguments[1] : nullptr);
}
