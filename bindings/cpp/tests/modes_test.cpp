// The C++ SDK over a local realm: how it is opened, frozen things, references for other threads, aggregates.
#include "check.hpp"

#include <thread>

struct Cup {
    realm::primary_key<int64_t> _id;
    std::string name;
    std::optional<int64_t> size;
    std::vector<int64_t> marks;
};
REALM_SCHEMA(Cup, _id, name, size, marks)

static realm::db_config config(const std::string &name = "cups.realm")
{
    return realm::db_config(check::folder() + "/" + name);
}

static realm::managed<Cup> add(realm::db &db, int64_t id, const std::string &name,
                               std::optional<int64_t> size = std::nullopt)
{
    Cup cup;
    cup._id = id;
    cup.name = name;
    cup.size = size;
    cup.marks = {id};
    return db.write([&] { return db.add(cup); });
}

TEST(a_realm_in_memory_goes_with_its_last_instance)
{
    auto c = config("memory");
    c.set_in_memory(true);
    {
        realm::db one(c);
        add(one, 1, "a");
        realm::db two(c);
        EXPECT(two.objects<Cup>().size() == 1);
    }
    EXPECT(!std::filesystem::exists(c.path()));
    realm::db again(c);
    EXPECT(again.objects<Cup>().empty());
}

TEST(an_immutable_realm_refuses_writes)
{
    auto c = config();
    c.set_schema_mode(realm::db_config::schema_mode::immutable);
    EXPECT_ERROR(ATOLL_ERROR_FILE_NOT_FOUND, realm::db{c});
    {
        realm::db db(config());
        add(db, 1, "a");
    }
    realm::db db(c);
    EXPECT(db.objects<Cup>()[0].name == "a");
    bool refused = false;
    try {
        db.begin_write();
    } catch (const realm::exception &) {
        refused = true;
    }
    EXPECT(refused);
}

TEST(an_encrypted_realm_needs_its_key)
{
    auto c = config();
    std::array<char, 64> key{};
    key[3] = 7;
    c.set_encryption_key(key);
    {
        realm::db db(c);
        add(db, 1, "secret");
    }
    EXPECT(realm::db(c).objects<Cup>()[0].name == "secret");
    key[3] = 8;
    c.set_encryption_key(key);
    EXPECT_ERROR(ATOLL_ERROR_WRONG_KEY, realm::db{c});
    EXPECT_ERROR(ATOLL_ERROR_WRONG_KEY, realm::db{config()});
}

TEST(copies_and_compaction)
{
    uint64_t asked = 0;
    auto c = config();
    c.should_compact_on_launch([&](uint64_t total, uint64_t used) {
        asked++;
        return total >= used;
    });
    {
        realm::db db(c);
        EXPECT(asked == 0); // there was no realm yet
        add(db, 1, "a");
        db.write_copy_to(config("copy.realm"));
        EXPECT_ERROR(ATOLL_ERROR_FILE_EXISTS, db.write_copy_to(config("copy.realm")));
        EXPECT(!realm::db::compact(config()));
    }
    EXPECT(realm::db::compact(config()));
    EXPECT(realm::db(config("copy.realm")).objects<Cup>()[0].name == "a");
    EXPECT(realm::db(c).objects<Cup>().size() == 1);
    EXPECT(asked == 1);
}

TEST(a_bound_on_versions_is_kept)
{
    auto c = config();
    c.set_max_active_versions(2);
    realm::db db(c);
    auto cup = add(db, 1, "a");
    std::vector<realm::db> held;
    bool refused = false;
    for (int i = 0; i < 5 && !refused; i++) {
        held.push_back(db.freeze());
        try {
            db.write([&] { cup.size = i; });
        } catch (const realm::exception &) {
            refused = true;
        }
    }
    EXPECT(refused);
}

TEST(frozen_things_stay_as_they_were_on_any_thread)
{
    realm::db db(config());
    auto cup = add(db, 1, "before");
    auto all = db.objects<Cup>();
    realm::db frozen = db.freeze();
    auto frozen_cup = cup.freeze();
    auto frozen_all = all.freeze();
    EXPECT(frozen.is_frozen() && frozen_cup.is_frozen() && frozen_all.is_frozen());
    EXPECT(!db.is_frozen() && !cup.is_frozen() && !all.is_frozen());
    db.write([&] { cup.name = "after"; });
    add(db, 2, "new");
    std::string seen;
    std::thread([&] {
        seen = frozen_cup.name.detach() + " " + std::to_string(frozen_all.size()) + " " +
               frozen.objects<Cup>()[0].name.detach() + " " + std::to_string(frozen_cup.marks[0]);
    }).join();
    EXPECT(seen == "before 1 before 1");
    EXPECT(frozen_cup.freeze() == frozen_cup);
    EXPECT(frozen_cup.thaw().name == "after" && frozen_all.thaw().size() == 2);
    EXPECT(!frozen.thaw().is_frozen() && frozen.thaw().objects<Cup>().size() == 2);
    EXPECT_ERROR(ATOLL_ERROR_FROZEN, (void)frozen_cup.observe([](realm::object_change) {}));
}

TEST(a_reference_is_resolved_once_on_another_thread)
{
    realm::db db(config());
    auto cup = add(db, 1, "a");
    realm::thread_safe_reference<Cup> reference(cup), gone(cup);
    std::string seen;
    std::thread([&] {
        realm::db mine(config());
        auto found = mine.resolve(std::move(reference));
        seen = found.name;
        EXPECT_ERROR(ATOLL_ERROR_INVALID_ARGUMENT, mine.resolve(std::move(reference)));
        mine.write([&] { mine.remove(found); });
        EXPECT(!mine.resolve(std::move(gone)).is_valid());
    }).join();
    EXPECT(seen == "a");
}

TEST(results_have_their_aggregates)
{
    realm::db db(config());
    auto all = db.objects<Cup>();
    EXPECT(all.sum("size") == 0 && all.min("size").is_null() && all.average("size").is_null());
    add(db, 1, "a", 4);
    add(db, 2, "b");
    add(db, 3, "c", -2);
    EXPECT(all.sum("size") == 2 && all.min("size") == -2 && all.max("size") == 4);
    EXPECT(all.average("size") == 1.0);
    EXPECT_ERROR(ATOLL_ERROR_QUERY_TYPE, all.sum("name"));
}

int main(int count, char **arguments)
{
    return check::run(count > 1 ? arguments[1] : nullptr);
}
