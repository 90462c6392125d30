// Two devices in one program: what one writes reaches the other, session calls in both published forms work, and a local
// realm has no session. Arguments: the server's URL and an empty folder.
#include <cpprealm/sdk.hpp>
#include <cpprealm/testing.hpp>

#include <cstdlib>
#include <filesystem>
#include <iostream>

namespace realm
{

struct Task {
    primary_key<object_id> _id;
    std::string name;
    std::string status;
    int64_t minutes = 0;
};
REALM_SCHEMA(Task, _id, name, status, minutes)

struct Note {
    primary_key<uuid> _id;
    std::string _partition;
    std::string text;
};
REALM_SCHEMA(Note, _id, _partition, text)

struct Shelf {
    primary_key<int64_t> _id;
    int64_t visits = 0;
    std::set<std::string> labels;
    std::map<std::string, int64_t> counts;
    mixed extra;
};
REALM_SCHEMA(Shelf, _id, visits, labels, counts, extra)

struct Place {
    std::string room;
};
REALM_EMBEDDED_SCHEMA(Place, room)

struct Measurement {
    primary_key<uuid> _id;
    double value = 0;
    Place *place = nullptr;
};
REALM_ASYMMETRIC_SCHEMA(Measurement, _id, value, place)

} // namespace realm

#define REQUIRE(condition)                                                                      \
    do {                                                                                        \
        if (!(condition)) {                                                                     \
            std::cerr << __FILE__ << ":" << __LINE__ << ": not true: " #condition << std::endl; \
            std::exit(1);                                                                       \
        }                                                                                       \
    } while (0)

using realm::sync_session;

static realm::App open_app(const std::string &url, const std::string &folder)
{
    realm::App::configuration configuration;
    configuration.app_id = "cpp-tasks";
    configuration.base_url = url;
    configuration.path = folder;
    return realm::App(configuration);
}

static void subscribe(realm::db &db)
{
    bool complete =
        db.subscriptions()
            .update([](realm::mutable_sync_subscription_set &set) {
                set.add<realm::Task>("short tasks", [](auto &task) { return task.minutes < 60; });
            })
            .get();
    REQUIRE(complete);
    REQUIRE(db.subscriptions().state() == realm::sync_subscription_set::state::complete);
}

static realm::object_id add_task(realm::db &db, const std::string &name, int64_t minutes)
{
    realm::Task task;
    task._id = realm::object_id::generate();
    task.name = name;
    task.status = "open";
    task.minutes = minutes;
    return db.write([&] { return db.add(std::move(task))._id.detach(); });
}

static void local_realm_has_no_session(const std::string &folder)
{
    realm::db_config config;
    config.set_path(folder + "/local.realm");
    auto local = realm::open<realm::Task>(config);
    std::optional<sync_session> session = local.get_sync_session();
    REQUIRE(!session);
    add_task(local, "stays here", 1);
    REQUIRE(local.objects<realm::Task>().size() == 1);
}

static void stop_and_go(realm::db &first, realm::db &second, const realm::object_id &id)
{
    auto session = *first.get_sync_session();
    session.pause();
    REQUIRE(session.state() == sync_session::state::paused);
    REQUIRE(session.connection_state() == sync_session::connection_state::disconnected);
    first.write([&] { (*first.find<realm::Task>(id)).status = "paused edit"; });
    auto there = second.get_sync_session();
    there->wait_for_download_completion().get();
    second.refresh();
    REQUIRE(second.find<realm::Task>(id)->status == "done");

    std::promise<void> connected;
    std::atomic<bool> told{false};
    auto token = session.observe_connection_change([&](auto, auto now) {
        if (now == sync_session::connection_state::connected && !told.exchange(true))
            connected.set_value();
    });
    session.resume();
    REQUIRE(connected.get_future().wait_for(std::chrono::seconds(30)) == std::future_status::ready);
    session.unregister_connection_change_observer(token);
    session.wait_for_upload_completion().get();
    REQUIRE(session.state() == sync_session::state::active);
    session.reconnect(); // Connected already: it changes nothing.
    there->wait_for_download_completion().get();
    second.refresh();
    REQUIRE(second.find<realm::Task>(id)->status == "paused edit");
}

static void two_devices(const std::string &url, const std::string &folder)
{
    auto ann_app = open_app(url, folder + "/ann");
    auto bob_app = open_app(url, folder + "/bob");
    auto ann = ann_app.login(realm::App::credentials::anonymous()).get();
    bob_app.register_user("bob@example.com", "secret pass").get();
    auto bob =
        bob_app.login(realm::App::credentials::username_password("bob@example.com", "secret pass"))
            .get();
    REQUIRE(ann.is_logged_in() && bob.is_logged_in() && ann.identifier() != bob.identifier());
    REQUIRE(bob_app.get_current_user()->identifier() == bob.identifier());

    auto first = realm::open<realm::Task>(ann.flexible_sync_configuration());
    subscribe(first);
    auto sync_session = first.get_sync_session();
    REQUIRE(sync_session.has_value());
    REQUIRE(sync_session->state() == realm::sync_session::state::active);

    auto id = add_task(first, "Write the report", 30);
    sync_session->wait_for_upload_completion().get();
    sync_session->wait_for_upload_completion().get_future().get();

    auto second = realm::open<realm::Task>(bob.flexible_sync_configuration());
    subscribe(second);
    second.get_sync_session()->wait_for_download_completion().get();
    second.refresh();
    auto task = second.find<realm::Task>(id);
    REQUIRE(task && task->name == "Write the report");

    // A change comes down; the realm shows it from refresh() on, and the observer is told there.
    int told = 0;
    auto token = task->observe(
        [&told](auto &&change) { told += static_cast<int>(change.property_changes.size()); });
    first.write([&] { (*first.find<realm::Task>(id)).status = "done"; });
    sync_session->wait_for_upload_completion().get();
    second.get_sync_session()->wait_for_download_completion().get_future().get();
    REQUIRE(task->status == "open");
    REQUIRE(second.refresh());
    REQUIRE(task->status == "done" && told == 1);

    stop_and_go(first, second, id);

    // Wrong credentials are an error with its code, thrown where the future is asked.
    try {
        ann_app.login(realm::App::credentials::username_password("bob@example.com", "wrong")).get();
        REQUIRE(!"a wrong password was accepted");
    } catch (const realm::exception &e) {
        REQUIRE(e.code() == ATOLL_ERROR_INVALID_CREDENTIALS);
    }
    first.close();
    second.close();
}

template <class F> static void require_error(atoll_status code, F &&call)
{
    try {
        call();
    } catch (const realm::exception &e) {
        if (e.code() == code) return;
        std::cerr << "expected " << atoll_status_name(code) << ", got " << e.name() << ": "
                  << e.what() << std::endl;
        std::exit(1);
    }
    std::cerr << "expected " << atoll_status_name(code) << ", nothing was thrown" << std::endl;
    std::exit(1);
}

static void a_view_follows_its_subscriptions(const std::string &url, const std::string &folder)
{
    auto app = open_app(url, folder + "/views");
    auto user = app.login(realm::App::credentials::anonymous()).get();
    auto config = user.flexible_sync_configuration();
    std::atomic<int> errors{0}, last_error{0};
    std::vector<realm::compensating_write_error_info> writes;
    config.sync_config().set_error_handler([&](realm::sync_session, realm::sync_error error) {
        last_error = error.code;
        writes = error.compensating_writes_info();
        errors++; // Last: who sees it sees the others.
    });
    auto db = realm::open<realm::Task>(config);
    // Until something is subscribed, a write would have nowhere to go.
    require_error(ATOLL_ERROR_NO_SUBSCRIPTION, [&] { add_task(db, "lost", 1); });
    REQUIRE(!db.is_in_transaction() && db.objects<realm::Task>().empty());

    subscribe(db);
    auto named = db.subscriptions().find("short tasks");
    REQUIRE(named && named->object_class_name == "Task" &&
            named->query_string.find("60") != std::string::npos);
    db.refresh();
    size_t few = db.objects<realm::Task>().size();
    auto id = add_task(db, "short", 5);
    db.write([&] { (*db.find<realm::Task>(id)).name = "grows"; });
    auto session = *db.get_sync_session();
    session.wait_for_upload_completion().get();
    db.refresh();
    REQUIRE(db.objects<realm::Task>().size() == few + 1 && errors == 0);
    // A change that takes it out of the view is kept, and takes it out of the realm with its acknowledgement.
    db.write([&] { (*db.find<realm::Task>(id)).minutes = 600; });
    session.wait_for_upload_completion().get();
    session.wait_for_download_completion().get();
    db.refresh();
    REQUIRE(db.objects<realm::Task>().size() == few && !db.find<realm::Task>(id) && errors == 0);
    // What begins outside the view is refused: it goes, and the error handler is told once.
    auto refused = add_task(db, "outside", 700);
    session.wait_for_upload_completion().get();
    session.wait_for_download_completion().get();
    db.refresh();
    REQUIRE(!db.find<realm::Task>(refused));
    for (int i = 0; i < 1000 && errors == 0; i++)
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    REQUIRE(errors == 1 && last_error == ATOLL_ERROR_COMPENSATING_WRITE);
    REQUIRE(writes.size() == 1 && writes[0].object_name == "Task" &&
            writes[0].primary_key == realm::mixed(refused) &&
            writes[0].reason == "the object is outside of the current view");

    require_error(ATOLL_ERROR_INVALID_ARGUMENT, [&] {
        db.subscriptions().update(
            [](realm::mutable_sync_subscription_set &set) { set.remove("no such name"); });
    });
    REQUIRE(db.subscriptions().size() == 1);
    db.subscriptions()
        .update([](realm::mutable_sync_subscription_set &set) {
            set.update_subscription<realm::Task>("short tasks", "minutes >= $0", {60});
        })
        .get();
    db.refresh();
    REQUIRE(db.objects<realm::Task>().size() == 1 && db.objects<realm::Task>()[0].name == "grows");
    REQUIRE(errors == 1);
}

static void partitions_keep_apart(const std::string &url, const std::string &folder)
{
    realm::App::configuration configuration;
    configuration.app_id = "cpp-notes";
    configuration.base_url = url;
    configuration.path = folder + "/notes";
    realm::App app(configuration);
    auto user = app.login(realm::App::credentials::anonymous()).get();
    auto ours = realm::open<realm::Note>(user.partition_sync_configuration("ours"));
    auto theirs = realm::open<realm::Note>(user.partition_sync_configuration("theirs"));
    REQUIRE(ours.path() != theirs.path());
    realm::Note note;
    note._id = realm::uuid::generate();
    note._partition = "ours";
    note.text = "hello";
    ours.write([&] { ours.add(note); });
    ours.get_sync_session()->wait_for_upload_completion().get();
    theirs.get_sync_session()->wait_for_download_completion().get();
    theirs.refresh();
    REQUIRE(theirs.objects<realm::Note>().empty());

    // Another device of the same partition has it.
    configuration.path = folder + "/notes2";
    realm::App other(configuration);
    auto reader = realm::open<realm::Note>(other.login(realm::App::credentials::anonymous())
                                               .get()
                                               .partition_sync_configuration("ours"));
    reader.get_sync_session()->wait_for_download_completion().get();
    reader.refresh();
    REQUIRE(reader.objects<realm::Note>().size() == 1 &&
            reader.objects<realm::Note>()[0].text == "hello");
    REQUIRE(*ours.get_sync_session() != *theirs.get_sync_session());
}

static void measurements_go_one_way(const std::string &url, const std::string &folder)
{
    realm::App::configuration configuration;
    configuration.app_id = "cpp-weather";
    configuration.base_url = url;
    configuration.path = folder + "/station";
    realm::App app(configuration);
    auto user = app.login(realm::App::credentials::anonymous()).get();
    auto db = realm::open<realm::Measurement, realm::Place>(user.flexible_sync_configuration());
    db.write([&] {
        for (int i = 0; i < 10; i++) {
            realm::Place place{"attic"};
            realm::Measurement measurement;
            measurement._id = realm::uuid::generate();
            measurement.value = i;
            measurement.place = &place;
            db.add(measurement);
        }
    });
    db.get_sync_session()->wait_for_upload_completion().get();
}

// Keys and tokens are asked of the server; what it doesn't offer, it says.
static void accounts(const std::string &url, const std::string &folder)
{
    realm::App::configuration config;
    config.app_id = "cpp-accounts";
    config.base_url = url;
    config.path = folder + "/accounts";
    config.metadata_encryption_key = std::array<char, 64>{};
    config.custom_http_headers = std::map<std::string, std::string>{{"x-tenant", "blue"}};
    realm::App app(config);
    using credentials = realm::App::credentials;
    auto refused = [&](const credentials &who, atoll_status code, const char *text) {
        try {
            app.login(who).get();
        } catch (const realm::exception &e) {
            REQUIRE(e.code() == code && std::string(e.what()).find(text) != std::string::npos);
            return;
        }
        REQUIRE(!"it was not refused");
    };
    refused(credentials::api_key("nothing"), ATOLL_ERROR_INVALID_CREDENTIALS, "unknown");
    refused(credentials::custom("x.y.z"), ATOLL_ERROR_LOGIN_METHOD_DISABLED, "custom-token");
    refused(credentials::facebook("x"), ATOLL_ERROR_NOT_SUPPORTED, "not offered by this server");
    refused(credentials::function("{}"), ATOLL_ERROR_NOT_SUPPORTED, "not offered by this server");
    auto user = app.login(credentials::anonymous()).get();
    REQUIRE(!user.custom_data() && !user.refresh_token().empty());
    for (bool service : {false, true}) {
        try {
            if (service) user.mongo_client("atlas");
            (void)user.call_function("sum", "[]");
            REQUIRE(!"it was offered");
        } catch (const realm::exception &e) {
            REQUIRE(e.code() == ATOLL_ERROR_NOT_SUPPORTED &&
                    std::string(e.what()).find("not offered by this server") != std::string::npos);
        }
    }
    user.refresh_custom_user_data().get();
    app.update_base_url("http://127.0.0.1:1").get();
    REQUIRE(user.state() == realm::user::state::logged_out);
}

// What two devices add to a number, a set and a map at once is all there in the end.
static void collections_and_counters(const std::string &url, const std::string &folder)
{
    struct device {
        realm::App app;
        realm::db db;
        device(const std::string &url, const std::string &folder)
            : app(open_app(url, folder)),
              db(realm::open<realm::Shelf>(app.login(realm::App::credentials::anonymous())
                                               .get()
                                               .flexible_sync_configuration()))
        {
            db.subscriptions()
                .update(
                    [](realm::mutable_sync_subscription_set &set) { set.add<realm::Shelf>("all"); })
                .get();
        }
        void settle()
        {
            db.get_sync_session()->wait_for_upload_completion().get();
            db.get_sync_session()->wait_for_download_completion().get();
            db.refresh();
        }
    };
    device a(url, folder + "/shelves1"), b(url, folder + "/shelves2");
    realm::Shelf made;
    made._id = 1;
    made.visits = 10;
    made.extra = realm::mixed("text");
    a.db.write([&] { a.db.add(made); });
    a.settle();
    b.settle();
    REQUIRE(b.db.find<realm::Shelf>(1)->extra == realm::mixed("text"));
    auto edit = [](realm::db &db, int64_t by, const std::string &label) {
        auto shelf = *db.find<realm::Shelf>(1);
        db.write([&] {
            shelf.visits += by;
            shelf.labels.insert(label);
            shelf.counts[label] = by;
        });
    };
    a.db.get_sync_session()->pause();
    b.db.get_sync_session()->pause();
    edit(a.db, 3, "red");
    edit(b.db, 4, "blue");
    a.db.get_sync_session()->resume();
    b.db.get_sync_session()->resume();
    a.settle();
    b.settle();
    a.settle();
    for (auto *device : {&a, &b}) {
        auto shelf = *device->db.find<realm::Shelf>(1);
        REQUIRE(shelf.visits == 17);
        REQUIRE(shelf.labels.size() == 2 && shelf.counts.size() == 2);
    }
}

// The server asks for a client reset: the handlers see the realm before and after it, and what was unsent.
static void client_resets(const std::string &url, const std::string &folder)
{
    auto app = open_app(url, folder + "/resets");
    auto user = app.login(realm::App::credentials::anonymous()).get();
    auto config = user.flexible_sync_configuration();
    std::promise<std::string> told;
    std::atomic<bool> fails{false};
    std::string seen;
    config.sync_config().set_client_reset_handler(
        realm::client_reset::recover_or_discard_unsynced_changes(
            [&](realm::db before) {
                seen = before.is_frozen() ? "frozen " : "live ";
                seen += std::to_string(before.objects<realm::Task>().size());
                if (fails) throw std::runtime_error("not now");
            },
            [&](realm::db before, realm::db after, bool recovered) {
                seen += " then " + std::to_string(before.objects<realm::Task>().size()) + " " +
                        std::to_string(after.objects<realm::Task>().size());
                told.set_value(seen + (recovered ? " recovered" : " discarded"));
            }));
    auto again = realm::open<realm::Task>(config); // The handler is called once all the same.
    std::promise<realm::sync_error> failed;
    std::atomic<int> errors{0};
    config.sync_config().set_error_handler([&](realm::sync_session, realm::sync_error error) {
        if (++errors == 1) failed.set_value(error);
    });
    auto db = realm::open<realm::Task>(config);
    auto twice = realm::open<realm::Task>(config);
    subscribe(db);
    auto session = *db.get_sync_session();
    session.wait_for_download_completion().get();
    db.refresh();
    auto count = db.objects<realm::Task>().size();
    session.pause();
    add_task(db, "not sent yet", 6);
    session.resume();
    realm::testing::simulate_client_reset(session);
    auto what = told.get_future();
    REQUIRE(what.wait_for(std::chrono::seconds(30)) == std::future_status::ready);
    auto all = std::to_string(count + 1);
    REQUIRE(what.get() == "frozen " + all + " then " + all + " " + all + " recovered");
    session.wait_for_upload_completion().get();
    // A handler that throws ends the session.
    fails = true;
    realm::testing::simulate_client_reset(session);
    auto error = failed.get_future();
    REQUIRE(error.wait_for(std::chrono::seconds(30)) == std::future_status::ready);
    auto ended = error.get();
    REQUIRE(ended.is_client_reset_requested() &&
            ended.code == ATOLL_ERROR_AUTO_CLIENT_RESET_FAILED &&
            ended.message.find("not now") != std::string::npos);
    // Each error is told once, however often the realm is open.
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    REQUIRE(errors == 1);
}

// With the manual mode nothing happens to the realm until the program moves it away.
static void manual_client_resets(const std::string &url, const std::string &folder)
{
    auto app = open_app(url, folder + "/manual");
    auto user = app.login(realm::App::credentials::anonymous()).get();
    auto config = user.flexible_sync_configuration();
    std::promise<realm::sync_error> told;
    config.sync_config().set_client_reset_handler(realm::client_reset::manual());
    config.sync_config().set_error_handler(
        [&](realm::sync_session, realm::sync_error error) { told.set_value(error); });
    {
        auto db = realm::open<realm::Task>(config);
        subscribe(db);
        realm::testing::simulate_client_reset(*db.get_sync_session());
        auto error = told.get_future();
        REQUIRE(error.wait_for(std::chrono::seconds(30)) == std::future_status::ready);
        REQUIRE(error.get().is_client_reset_requested());
        REQUIRE(!realm::db::set_aside(config, folder + "/manual/later.realm"));
        db.close();
    }
    bool moved = false; // Its session takes a moment to end.
    for (int i = 0; i < 1000 && !moved; i++) {
        try {
            realm::db::move_files(config, folder + "/manual/moved.realm");
            moved = true;
        } catch (const realm::exception &e) {
            REQUIRE(e.code() == ATOLL_ERROR_FILE_IN_USE);
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
    }
    REQUIRE(moved && std::filesystem::exists(folder + "/manual/moved.realm"));
    config.sync_config().set_error_handler({});
    auto db = realm::open<realm::Task>(config);
    REQUIRE(db.subscriptions().size() == 0);
}

// Subscriptions of the first opening, which fails as a whole when they do; changes of the user; errors that end a session.
static void first_openings(const std::string &url, const std::string &folder)
{
    auto app = open_app(url, folder + "/first");
    auto user = app.login(realm::App::credentials::anonymous()).get();
    auto config = user.flexible_sync_configuration();
    int times = 0;
    bool fails = true;
    config.sync_config().set_initial_subscriptions(
        [&](realm::db &db, realm::mutable_sync_subscription_set &set) {
            REQUIRE(db.objects<realm::Task>().size() == 0);
            set.add<realm::Task>("all");
            times++;
            if (fails) throw std::runtime_error("not today");
        });
    try {
        realm::open<realm::Task>(config);
        REQUIRE(!"it was swallowed");
    } catch (const std::runtime_error &e) {
        REQUIRE(std::string(e.what()) == "not today");
    }
    fails = false;
    for (int i = 0; i < 2; i++) {
        auto db = realm::open<realm::Task>(config);
        REQUIRE(db.subscriptions().size() == 1 && db.subscriptions().version() == 1 && times == 2);
        db.subscriptions().wait().get();
    }
    std::promise<realm::sync_error> told;
    config.sync_config().set_initial_subscriptions(
        [&](realm::db &, realm::mutable_sync_subscription_set &set) {
            times++;
            set.clear();
            set.add<realm::Task>("short", "minutes < $0", {std::int64_t{60}});
        },
        true);
    config.sync_config().set_error_handler(
        [&](realm::sync_session, realm::sync_error error) { told.set_value(error); });
    auto db = realm::open<realm::Task>(config);
    REQUIRE(times == 3 && db.subscriptions().size() == 1 && db.subscriptions().find("short"));
    auto session = *db.get_sync_session();
    realm::testing::simulate_error(session, ATOLL_ERROR_PERMISSION_DENIED, "no", true);
    auto error = told.get_future();
    REQUIRE(error.wait_for(std::chrono::seconds(30)) == std::future_status::ready);
    REQUIRE(error.get().is_fatal());
    std::promise<bool> gone;
    std::atomic<bool> once{false};
    auto token = user.observe_changes([&](const realm::user &who) {
        if (!who.is_logged_in() && !once.exchange(true)) gone.set_value(true);
    });
    user.log_out().get();
    auto left = gone.get_future();
    REQUIRE(left.wait_for(std::chrono::seconds(30)) == std::future_status::ready);
    user.unregister_change_observer(token);
}

int main(int count, char **arguments)
{
    if (count != 3) {
        std::cerr << "use: program URL FOLDER" << std::endl;
        return 2;
    }
    try {
        local_realm_has_no_session(arguments[2]);
        two_devices(arguments[1], arguments[2]);
        a_view_follows_its_subscriptions(arguments[1], arguments[2]);
        partitions_keep_apart(arguments[1], arguments[2]);
        measurements_go_one_way(arguments[1], arguments[2]);
        accounts(arguments[1], arguments[2]);
        collections_and_counters(arguments[1], arguments[2]);
        client_resets(arguments[1], arguments[2]);
        manual_client_resets(arguments[1], arguments[2]);
        first_openings(arguments[1], arguments[2]);
    } catch (const realm::exception &e) {
        std::cerr << e.name() << ": " << e.what() << std::endl;
        return 1;
    }
    std::cout << "cpp program: ok" << std::endl;
    return 0;
}
