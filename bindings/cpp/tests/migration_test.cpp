// The C++ SDK: migrations by callback. The same class in two shapes lies in two namespaces.
#include "check.hpp"

namespace before
{
struct Member {
    realm::primary_key<int64_t> _id;
    std::string first;
    std::string last;
    std::optional<std::string> age;
    Member *friend_of = nullptr;
    std::vector<std::string> tags;
};
REALM_SCHEMA(Member, _id, first, last, age, friend_of, tags)

struct Old {
    realm::primary_key<int64_t> _id;
};
REALM_SCHEMA(Old, _id)
} // namespace before

namespace after
{
struct Member {
    realm::primary_key<std::string> _id;
    std::string whole;
    int64_t age = 0;
    Member *buddy = nullptr;
    std::vector<std::string> tags;
};
REALM_SCHEMA(Member, _id, whole, age, buddy, tags)
} // namespace after

static realm::db_config old_config()
{
    realm::db_config made(check::folder() + "/members.realm");
    made.set_schema<before::Member, before::Old>();
    return made;
}

static realm::db_config new_config(std::function<void(realm::migration &)> callback)
{
    realm::db_config made(check::folder() + "/members.realm");
    made.set_schema<after::Member>();
    made.set_schema_version(1);
    made.set_migration(std::move(callback));
    return made;
}

static void fill()
{
    realm::db db(old_config());
    before::Member ada{1, "Ada", "Lovelace", "36", nullptr, {"maths", "poetry"}};
    before::Member alan{2, "Alan", "Turing", std::nullopt, &ada, {}};
    db.write([&] {
        db.add(alan);
        db.add(before::Old{1});
    });
}

static void change(realm::migration &m)
{
    m.rename_property("Member", "friend_of", "buddy");
    m.remove_class("Old");
    m.enumerate<after::Member>("Member", [](const realm::dynamic_object &old, auto &now) {
        now.whole = old.get<std::string>("first") + " " + old.get<std::string>("last");
        auto age = old.get<std::optional<std::string>>("age");
        now.age = age ? std::stoll(*age) : 0;
        realm::dynamic_object(now).set("_id", "m" + std::to_string(old.get<int64_t>("_id")));
    });
}

TEST(a_migration_moves_values_over)
{
    fill();
    int runs = 0;
    auto c = new_config([&](realm::migration &m) {
        runs++;
        EXPECT(m.old_version() == 0);
        auto alan = m.old_objects("Member", "_id == 2").at(0);
        EXPECT(alan.get_object("friend_of")->get<std::vector<std::string>>("tags").size() == 2);
        EXPECT(alan.is_null("age"));
        EXPECT_ERROR(ATOLL_ERROR_UNKNOWN_PROPERTY, (void)alan.get<std::string>("whole"));
        change(m);
        after::Member grace;
        grace._id = std::string("m3");
        m.add(grace);
    });
    {
        realm::db db(c);
        EXPECT(db.objects<after::Member>().size() == 3);
        auto alan = db.find<after::Member>("m2");
        EXPECT(alan && alan->whole == "Alan Turing" && alan->age == 0);
        EXPECT(alan->buddy->whole == "Ada Lovelace" && alan->buddy->age == 36);
        EXPECT(alan->buddy->tags.size() == 2);
    }
    realm::db again(c);
    EXPECT(runs == 1);
}

TEST(a_migration_that_throws_changes_nothing)
{
    fill();
    bool thrown = false;
    try {
        realm::db db(new_config([](realm::migration &m) {
            change(m);
            throw std::runtime_error("no");
        }));
    } catch (const std::runtime_error &) {
        thrown = true;
    }
    EXPECT(thrown);
    EXPECT_ERROR(ATOLL_ERROR_DUPLICATE_PRIMARY_KEY, realm::db{new_config([](realm::migration &m) {
                     m.enumerate<after::Member>("Member",
                                                [](const realm::dynamic_object &, auto &now) {
                                                    realm::dynamic_object(now).set("_id", "same");
                                                });
                 })});
    realm::db db(old_config());
    EXPECT(db.objects<before::Member>().size() == 2 && db.objects<before::Old>().size() == 1);
    EXPECT(db.find<before::Member>(1)->first == "Ada");
}

int main(int count, char **arguments)
{
    return check::run(count > 1 ? arguments[1] : nullptr);
}
