// Two devices in one program: what one writes reaches the other, session calls in both published forms work, and a local
// realm has no session. Arguments: the server's URL and an empty folder.
#include <cpprealm/sdk.hpp>

#include <cstdlib>
#include <iostream>

namespace realm {

struct Task {
    primary_key<object_id> _id;
    std::string name;
    std::string status;
    int64_t minutes = 0;
};
REALM_SCHEMA(Task, _id, name, status, minutes)

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

#define REQUIRE(condition)                                                                        \
    do {                                                                                          \
        if (!(condition)) {                                                                       \
            std::cerr << __FILE__ << ":" << __LINE__ << ": not true: " #condition << std::endl;   \
            std::exit(1);                                                                         \
        }                                                                                         \
    } while (0)

using realm::sync_session;

static realm::App open_app(const std::string &url, const std::string &folder) {
    realm::App::configuration configuration;
    configuration.app_id = "cpp-tasks";
    configuration.base_url = url;
    configuration.path = folder;
    return realm::App(configuration);
}

static void subscribe(realm::db &db) {
    bool complete = db.subscriptions()
                        .update([](realm::mutable_sync_subscription_set &set) {
                            set.add<realm::Task>("short tasks", [](auto &task) { return task.minutes < 60; });
                        })
                        .get();
    REQUIRE(complete);
    REQUIRE(db.subscriptions().state() == realm::sync_subscription_set::state::complete);
}

static realm::object_id add_task(realm::db &db, const std::string &name, int64_t minutes) {
    realm::Task task;
    task._id = realm::object_id::generate();
    task.name = name;
    task.status = "open";
    task.minutes = minutes;
    return db.write([&] { return db.add(std::move(task))._id.detach(); });
}

static void local_realm_has_no_session(const std::string &folder) {
    realm::db_config config;
    config.set_path(folder + "/local.realm");
    auto local = realm::open<realm::Task>(config);
    std::optional<sync_session> session = local.get_sync_session();
    REQUIRE(!session);
    add_task(local, "stays here", 1);
    REQUIRE(local.objects<realm::Task>().size() == 1);
}

static void stop_and_go(realm::db &first, realm::db &second, const realm::object_id &id) {
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
        if (now == sync_session::connection_state::connected && !told.exchange(true)) connected.set_value();
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

static void two_devices(const std::string &url, const std::string &folder) {
    auto ann_app = open_app(url, folder + "/ann");
    auto bob_app = open_app(url, folder + "/bob");
    auto ann = ann_app.login(realm::App::credentials::anonymous()).get();
    bob_app.register_user("bob@example.com", "secret pass").get();
    auto bob = bob_app.login(realm::App::credentials::username_password("bob@example.com", "secret pass")).get();
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
    auto token = task->observe([&told](auto &&change) { told += static_cast<int>(change.property_changes.size()); });
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

static void measurements_go_one_way(const std::string &url, const std::string &folder) {
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

int main(int count, char **arguments) {
    if (count != 3) {
        std::cerr << "use: program URL FOLDER" << std::endl;
        return 2;
    }
    try {
        local_realm_has_no_session(arguments[2]);
        two_devices(arguments[1], arguments[2]);
        measurements_go_one_way(arguments[1], arguments[2]);
    } catch (const realm::exception &e) {
        std::cerr << e.name() << ": " << e.what() << std::endl;
        return 1;
    }
    std::cout << "cpp program: ok" << std::endl;
    return 0;
}
