// What the handles of one opened realm share: the realm, the keys of its classes, and its observers.
#ifndef CPPREALM_INTERNAL_STATE_HPP
#define CPPREALM_INTERNAL_STATE_HPP

#include <cpprealm/internal/codec.hpp>
#include <cpprealm/internal/dispatcher.hpp>
#include <cpprealm/scheduler.hpp>

#include <map>

namespace realm::internal
{

struct property_description {
    std::string name;
    atoll_value_type type = ATOLL_TYPE_NULL;
    std::int32_t flags = 0;
    std::string target;
    bool computed = false; // not stored: linking_objects
};

// A class of the program as REALM_SCHEMA declared it. `properties` is in declaration order; a property's
// index in the macros counts down, so that it is `properties.size() - 1 - position`.
struct class_description {
    std::string name;
    std::int32_t kind = ATOLL_CLASS_NORMAL;
    std::vector<property_description> properties;
    const property_description &at(std::int32_t index) const
    {
        return properties[properties.size() - 1 - index];
    }
};

using describe_function = const class_description &(*)();

inline std::vector<describe_function> &registered_classes()
{
    static std::vector<describe_function> classes;
    return classes;
}

struct class_info {
    const class_description *description = nullptr;
    std::uint32_t class_key = 0;
    std::vector<std::uint32_t> keys; // by the index of the macros
};

struct app_state {
    std::shared_ptr<dispatcher> events;
    std::shared_ptr<atoll_app> app;
};

struct realm_state {
    std::shared_ptr<app_state> app; // empty for a local realm
    std::shared_ptr<atoll_queue> queue;
    std::shared_ptr<atoll_realm> realm;
    std::map<const class_description *, class_info> classes;
    std::map<std::uint64_t, std::function<void(const atoll_event *)>> observers;
    std::shared_ptr<atoll_config> config;       // how it was opened, for thaw()
    std::shared_ptr<realm_state> frozen_source; // a frozen realm is read while that one is open
    std::function<void()> on_release;   // ends what the configuration registered for this realm
    std::shared_ptr<void> resets;       // answers client resets while the realm is open
    std::shared_ptr<scheduler> loop;    // empty: notifications come by refresh()
    std::shared_ptr<dispatcher> events; // set with it: tells of versions that others wrote
    std::uint64_t pending = 0;
    std::weak_ptr<realm_state> self;
    bool delivering = false;

    ~realm_state()
    {
        if (on_release) on_release();
        if (events) events->remove(pending);
    }

    const class_info &info(const class_description &description)
    {
        auto found = classes.find(&description);
        if (found != classes.end()) return found->second;
        class_info info;
        info.description = &description;
        info.class_key = checked(atoll_realm_class, realm.get(), description.name.data(),
                                 description.name.size());
        info.keys.resize(description.properties.size());
        for (std::size_t i = 0; i < info.keys.size(); i++) {
            const auto &property = description.at(static_cast<std::int32_t>(i));
            if (property.computed) continue; // key 0 is no property's
            const std::string &name = property.name;
            info.keys[i] = checked(atoll_realm_property, realm.get(), info.class_key, name.data(),
                                   name.size());
        }
        return classes[&description] = std::move(info);
    }

    // The same realm at its version for ever. It knows its classes from the start, for any thread may read it.
    static std::shared_ptr<realm_state> frozen(const std::shared_ptr<realm_state> &live)
    {
        if (live->frozen_source) return live;
        auto made = std::make_shared<realm_state>();
        made->app = live->app;
        made->queue = live->queue;
        made->realm = own(checked(atoll_realm_freeze, live->realm.get()));
        made->classes = live->classes;
        made->config = live->config;
        made->frozen_source = live;
        return made;
    }

    // A live instance on this thread of what this one is.
    static std::shared_ptr<realm_state> thawed(const std::shared_ptr<realm_state> &frozen)
    {
        if (!frozen->frozen_source) return frozen;
        auto made = std::make_shared<realm_state>();
        made->app = frozen->app;
        made->config = frozen->config;
        made->queue = own(checked(atoll_queue_new));
        made->realm = own(checked(atoll_realm_open, made->config.get()));
        made->classes = frozen->classes;
        return made;
    }

    // From now on notifications come through a run loop, which is this thread's.
    static void watch(const std::shared_ptr<realm_state> &state, std::shared_ptr<scheduler> loop)
    {
        if (!loop->is_on_thread())
            throw exception(ATOLL_ERROR_WRONG_THREAD,
                            "a realm with a scheduler is opened on the scheduler's thread");
        std::weak_ptr<realm_state> weak = state;
        state->loop = loop;
        state->self = weak;
        state->events = dispatcher::get();
        state->pending = state->events->add(
            [&](atoll_queue *queue) {
                return checked(atoll_realm_observe, state->realm.get(), queue);
            },
            [weak, loop](const atoll_event *event) {
                if (atoll_event_type(event) != ATOLL_EVENT_REALM_PENDING) return;
                loop->invoke([weak] {
                    auto there = weak.lock();
                    if (there) there->advance();
                });
            },
            false);
    }

    // On the realm's thread: takes a newer version in, unless a transaction is open, which has it already.
    void advance()
    {
        if (atoll_realm_is_closed(realm.get())) return;
        if (!atoll_realm_is_in_transaction(realm.get())) checked(atoll_realm_refresh, realm.get());
        deliver();
    }

    // A new observer is told what there is without waiting for a change.
    void observed()
    {
        if (!loop) return;
        loop->invoke([weak = self] {
            auto there = weak.lock();
            if (there && !atoll_realm_is_closed(there->realm.get())) there->deliver();
        });
    }

    // Tells the observers what is queued. An observer that refreshes or writes adds to the same run.
    void deliver()
    {
        if (delivering) return;
        delivering = true;
        struct done {
            bool &flag;
            ~done() { flag = false; }
        } ends{delivering};
        while (auto event = own(checked(atoll_queue_next, queue.get(), std::int64_t{0}))) {
            auto found = observers.find(atoll_event_registration(event.get()));
            if (found == observers.end()) continue;
            auto observer = found->second; // A copy: the observer may end itself.
            observer(event.get());
        }
    }
};

} // namespace realm::internal

namespace realm
{

// Keeps an observer alive; when it goes, the observer ends.
class notification_token
{
public:
    notification_token() = default;
    notification_token(std::shared_ptr<internal::realm_state> state, std::uint64_t registration)
        : state_(std::move(state)), registration_(registration)
    {
        state_->observed();
    }
    notification_token(notification_token &&other) noexcept { *this = std::move(other); }
    notification_token &operator=(notification_token &&other) noexcept
    {
        std::swap(state_, other.state_);
        std::swap(registration_, other.registration_);
        return *this;
    }
    notification_token(const notification_token &) = delete;
    notification_token &operator=(const notification_token &) = delete;
    ~notification_token() { unregister(); }
    void unregister()
    {
        if (!state_) return;
        atoll_realm_unobserve(state_->realm.get(), registration_);
        state_->observers.erase(registration_);
        state_.reset();
    }

private:
    std::shared_ptr<internal::realm_state> state_;
    std::uint64_t registration_ = 0;
};

// Which positions changed: deletions in the old order, insertions and modifications in the new one.
struct collection_change {
    std::vector<std::uint64_t> deletions;
    std::vector<std::uint64_t> insertions;
    std::vector<std::uint64_t> modifications;
    struct move {
        std::uint64_t from, to;
    };
    std::vector<move> moves; // of elements that are deletions and insertions too
    bool cleared = false;    // everything that was there is gone, and nothing came instead
    bool collection_root_was_deleted = false;
    bool initial = false; // the first call, which describes no change
    bool empty() const
    {
        return deletions.empty() && insertions.empty() && modifications.empty() &&
               !collection_root_was_deleted;
    }
};

// What happened to a map: also the keys, in the order of the positions.
struct map_change : collection_change {
    std::vector<std::string> deleted_keys;
    std::vector<std::string> inserted_keys;
    std::vector<std::string> modified_keys;
};

namespace internal
{
inline std::vector<std::uint64_t> event_indexes(const atoll_event *event, std::int32_t kind)
{
    std::vector<std::uint64_t> indexes;
    std::int64_t count = atoll_event_change_count(event, kind);
    indexes.reserve(static_cast<std::size_t>(count));
    for (std::int64_t i = 0; i < count; i++) {
        indexes.push_back(static_cast<std::uint64_t>(atoll_event_change(event, kind, i)));
    }
    return indexes;
}

inline void read_change(const atoll_event *event, collection_change &change)
{
    change.deletions = event_indexes(event, ATOLL_CHANGE_DELETIONS);
    change.insertions = event_indexes(event, ATOLL_CHANGE_INSERTIONS);
    change.modifications = event_indexes(event, ATOLL_CHANGE_MODIFICATIONS_NEW);
    auto from = event_indexes(event, ATOLL_CHANGE_MOVES_FROM);
    auto to = event_indexes(event, ATOLL_CHANGE_MOVES_TO);
    for (std::size_t i = 0; i < from.size(); i++) change.moves.push_back({from[i], to[i]});
    change.cleared = atoll_event_is_cleared(event);
    change.initial = atoll_event_is_initial(event);
    change.collection_root_was_deleted = atoll_event_is_deleted(event);
}

inline std::vector<std::string> event_keys(const atoll_event *event, std::int32_t kind)
{
    std::vector<std::string> keys;
    std::int64_t count = atoll_event_change_count(event, kind);
    for (std::int64_t i = 0; i < count; i++) {
        keys.push_back(to_string(atoll_event_change_key(event, kind, i)));
    }
    return keys;
}

inline void read_change(const atoll_event *event, map_change &change)
{
    read_change(event, static_cast<collection_change &>(change));
    change.deleted_keys = event_keys(event, ATOLL_CHANGE_DELETIONS);
    change.inserted_keys = event_keys(event, ATOLL_CHANGE_INSERTIONS);
    change.modified_keys = event_keys(event, ATOLL_CHANGE_MODIFICATIONS);
}

// Which changes an observer wants to hear of: names joined by dots along links, "*" for any. Nothing is everything up to
// four links away; an empty list is the collection itself, not its elements.
using key_paths = std::optional<std::vector<std::string>>;

inline std::shared_ptr<atoll_values> key_path_values(const key_paths &paths)
{
    if (!paths) return nullptr;
    auto values = own(checked(atoll_values_new));
    for (const auto &path : *paths) {
        checked(atoll_values_add_string, values.get(), path.data(), path.size());
    }
    return values;
}
} // namespace internal
} // namespace realm
#endif
