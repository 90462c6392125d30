// The C++ SDK over a local realm: queries over collections, what observers are told, words, references, log categories.
#include "check.hpp"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

struct Berry {
    realm::primary_key<int64_t> _id;
    realm::full_text<> text;
    realm::indexed<int64_t> weight;
};
REALM_SCHEMA(Berry, _id, text, weight)

struct Basket {
    realm::primary_key<int64_t> _id;
    std::vector<Berry *> list;
    std::set<Berry *> set;
    std::map<std::string, Berry *> map;
    std::vector<int64_t> numbers;
    std::set<int64_t> marks;
    std::map<std::string, std::string> names;
};
REALM_SCHEMA(Basket, _id, list, set, map, numbers, marks, names)

static realm::db_config config()
{
    realm::db_config made(check::folder() + "/baskets.realm");
    made.set_schema<Berry, Basket>();
    return made;
}

static realm::managed<Basket> fill(realm::db &db)
{
    Berry berries[] = {
        {1, "a red berry of the wood", 5}, {2, "blue, of the garden", 3}, {3, "red again", 9}};
    Basket basket;
    basket._id = 1;
    basket.list = {&berries[0], &berries[1], &berries[2]};
    basket.set = {&berries[0], &berries[2]};
    basket.map = {{"first", &berries[0]}, {"second", &berries[1]}};
    basket.numbers = {1, 2, 3};
    basket.marks = {7, 8};
    basket.names = {{"en", "basket"}};
    return db.write([&] { return db.add(basket); });
}

TEST(text_is_searched_by_its_words)
{
    realm::db db(config());
    fill(db);
    auto red = db.objects<Berry>().where("text TEXT $0", {"red"});
    EXPECT(red.size() == 2);
    EXPECT(db.objects<Berry>().where("text TEXT 'red -wood'").size() == 1);
    EXPECT(db.objects<Berry>().where([](auto &b) { return b.weight == 3; }).size() == 1);
    auto berry = red[0];
    db.write([&] {
        berry.text = std::string("now green");
        berry.weight = 4;
    });
    EXPECT(red.size() == 1 && berry.weight == 4 && berry.text == "now green");
}

TEST(collections_of_objects_are_queries)
{
    realm::db db(config());
    auto basket = fill(db);
    EXPECT(basket.list.as_results().size() == 3);
    auto heavy = basket.list.where([](auto &b) { return b.weight > 4; });
    EXPECT(heavy.size() == 2 && heavy.sum("weight") == 14);
    EXPECT(basket.list.sort("weight", false)[0].text == "red again");
    EXPECT(basket.set.where("weight > $0", {5}).size() == 1);
    EXPECT(basket.map.as_results().min("weight") == 3);
    db.write([&] { basket.list.erase(2); });
    EXPECT(heavy.size() == 1);
}

TEST(change_sets_tell_moves_clearing_and_keys)
{
    realm::db db(config());
    auto basket = fill(db);
    realm::collection_change list;
    realm::map_change map;
    int berries = 0;
    auto one = basket.list.observe([&](realm::collection_change c) { list = std::move(c); });
    auto two = basket.names.observe([&](realm::map_change c) { map = std::move(c); });
    auto three = basket.list.observe([&](realm::collection_change c) { berries += !c.initial; },
                                     std::vector<std::string>{"weight"});
    db.refresh();
    db.write([&] {
        basket.list.move(0, 2);
        basket.names["de"] = std::string("Korb");
        basket.names["en"] = std::string("hamper");
    });
    EXPECT(list.moves.size() == 1 && list.moves[0].from == 0 && list.moves[0].to == 2);
    EXPECT(map.inserted_keys == std::vector<std::string>{"de"});
    EXPECT(map.modified_keys == std::vector<std::string>{"en"});
    int before = berries;
    auto berry = db.objects<Berry>().where("_id == 2")[0];
    db.write([&] { berry.text = std::string("other words"); });
    EXPECT(berries == before);
    db.write([&] { berry.weight = 100; });
    EXPECT(berries == before + 1);
    db.write([&] {
        basket.list.clear();
        basket.names.erase("de");
    });
    EXPECT(list.cleared && list.deletions.size() == 3);
    EXPECT(map.deleted_keys == std::vector<std::string>{"de"});
    EXPECT_ERROR(ATOLL_ERROR_UNKNOWN_PROPERTY,
                 (void)basket.list.observe([](realm::collection_change) {},
                                           std::vector<std::string>{"nothing"}));
}

TEST(frozen_collections_stay_as_they_were_on_any_thread)
{
    realm::db db(config());
    auto basket = fill(db);
    auto numbers = basket.numbers.freeze();
    auto marks = basket.marks.freeze();
    auto names = basket.names.freeze();
    EXPECT(numbers.is_frozen() && marks.is_frozen() && names.is_frozen() &&
           !basket.marks.is_frozen());
    db.write([&] {
        basket.numbers.clear();
        basket.marks.clear();
        basket.names.clear();
    });
    std::size_t seen = 0;
    std::thread([&] { seen = numbers.size() * 100 + marks.size() * 10 + names.size(); }).join();
    EXPECT(seen == 321);
    EXPECT(names["en"] == "basket" && names.thaw().empty());
}

TEST(collections_and_results_cross_threads_by_reference)
{
    realm::db db(config());
    auto basket = fill(db);
    realm::thread_safe_reference<std::vector<int64_t>> numbers(basket.numbers);
    realm::thread_safe_reference<std::map<std::string, std::string>> names(basket.names);
    realm::thread_safe_reference<realm::results<Berry>> heavy(
        db.objects<Berry>().where("weight > 4").sort("weight"));
    std::string seen;
    std::thread([&] {
        realm::db mine(config());
        auto found = mine.resolve(std::move(numbers));
        mine.write([&] { found.push_back(4); });
        seen = std::to_string(found.size()) + mine.resolve(std::move(names))["en"].detach() +
               std::to_string(mine.resolve(std::move(heavy))[1].weight.detach());
        EXPECT_ERROR(ATOLL_ERROR_INVALID_ARGUMENT, mine.resolve(std::move(heavy)));
    }).join();
    EXPECT(seen == "4basket9");
    db.refresh();
    EXPECT(basket.numbers.size() == 4);
}

// A run loop as programs have them.
struct loop : realm::scheduler {
    std::mutex guard;
    std::condition_variable more;
    std::deque<std::function<void()>> waiting;
    std::thread::id thread = std::this_thread::get_id();

    void invoke(std::function<void()> &&function) override
    {
        std::lock_guard<std::mutex> lock(guard);
        waiting.push_back(std::move(function));
        more.notify_one();
    }
    bool is_on_thread() const noexcept override { return std::this_thread::get_id() == thread; }
    bool is_same_as(const scheduler *other) const noexcept override { return other == this; }
    bool can_invoke() const noexcept override { return true; }
    // Runs what comes until `done`; false if that takes more than ten seconds.
    template <class F> bool run_until(F done)
    {
        auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
        std::unique_lock<std::mutex> lock(guard);
        while (!done()) {
            if (!more.wait_until(lock, end, [&] { return !waiting.empty(); })) return false;
            auto next = std::move(waiting.front());
            waiting.pop_front();
            lock.unlock();
            next();
            lock.lock();
        }
        return true;
    }
};

TEST(a_scheduler_delivers_what_other_threads_wrote)
{
    auto runner = std::make_shared<loop>();
    auto c = config();
    c.set_scheduler(runner);
    {
        realm::db db(c);
        std::vector<std::size_t> seen;
        auto token = db.objects<Berry>().observe(
            [&](auto change) { seen.push_back(change.collection->size()); });
        EXPECT(runner->run_until([&] { return seen.size() == 1; }) && seen[0] == 0);
        std::thread([&] {
            realm::db mine(config());
            mine.write([&] { mine.add(Berry{1, "a berry", 2}); });
            EXPECT_ERROR(ATOLL_ERROR_WRONG_THREAD, realm::db{c});
        }).join();
        EXPECT(runner->run_until([&] { return seen.size() == 2; }) && seen[1] == 1);
        EXPECT(db.objects<Berry>()[0].weight == 2);
    }
    // What is still waiting when the realm is gone does nothing.
    runner->run_until([&] { return runner->waiting.empty(); });
    auto manual = config();
    manual.set_scheduler(realm::scheduler::make_default());
    EXPECT(realm::db(manual).objects<Berry>().size() == 1);
}

TEST(levels_are_kept_by_category)
{
    auto names = realm::log_categories();
    EXPECT(names.size() > 3 && names[0] == "Realm");
    auto before = realm::category_level_threshold("Realm.Sync");
    realm::set_category_level_threshold("Realm.Sync", realm::logger::level::debug);
    EXPECT(realm::category_level_threshold("Realm.Sync.Client.Session") ==
           realm::logger::level::debug);
    EXPECT(realm::category_level_threshold("Realm.Storage") != realm::logger::level::debug);
    realm::set_category_level_threshold("Realm.Sync", before);
    EXPECT_ERROR(ATOLL_ERROR_INVALID_ARGUMENT,
                 realm::set_category_level_threshold("Nothing", before));
}

int main(int count, char **arguments)
{
    return check::run(count > 1 ? arguments[1] : nullptr);
}
