// App, users, log-in, and the configuration of a realm.
#ifndef CPPREALM_APP_HPP
#define CPPREALM_APP_HPP

#include <cpprealm/internal/object.hpp>

#include <cpprealm/client_reset.hpp>

#include <map>

namespace realm
{

struct db_config;
class db;
class mutable_sync_subscription_set;

// What a synced realm adds to its configuration.
class sync_config
{
public:
    using error_handler = std::function<void(sync_session, sync_error)>;
    // Runs on a background thread.
    void set_error_handler(error_handler &&handler) { handler_ = std::move(handler); }
    // One of client_reset::*; without it, what is unsent is recovered or, where that cannot be, discarded.
    void set_client_reset_handler(const client_reset::client_reset_mode &handler)
    {
        reset_ = handler;
    }
    using initial_subscriptions = std::function<void(db &, mutable_sync_subscription_set &)>;
    // Called when a realm of flexible sync is opened that never had subscriptions, or at every opening; what it adds takes
    // effect as one update. What it throws fails the opening and leaves the subscriptions as they were.
    void set_initial_subscriptions(initial_subscriptions &&subscribe, bool rerun_on_open = false)
    {
        subscribe_ = std::move(subscribe);
        rerun_on_open_ = rerun_on_open;
    }
    const initial_subscriptions &subscribe() const { return subscribe_; }
    bool reruns_on_open() const { return rerun_on_open_; }
    const error_handler &handler() const { return handler_; }
    const std::optional<client_reset::client_reset_mode> &reset() const { return reset_; }

private:
    error_handler handler_;
    initial_subscriptions subscribe_;
    bool rerun_on_open_ = false;
    std::optional<client_reset::client_reset_mode> reset_;
};

class user
{
public:
    enum class state : std::int32_t {
        logged_out = ATOLL_USER_LOGGED_OUT,
        logged_in = ATOLL_USER_LOGGED_IN,
        removed = ATOLL_USER_REMOVED
    };
    user(std::shared_ptr<internal::app_state> app, std::shared_ptr<atoll_user> handle)
        : app_(std::move(app)), handle_(std::move(handle))
    {
    }

    std::string identifier() const { return internal::to_string(atoll_user_id(handle_.get())); }
    std::string provider() const { return internal::to_string(atoll_user_provider(handle_.get())); }
    [[nodiscard]] enum state state() const
    {
        return static_cast<enum state>(atoll_user_state(handle_.get()));
    }
    bool is_logged_in() const { return state() == state::logged_in; }
    std::string access_token() const
    {
        auto token = internal::own(internal::checked(atoll_user_access_token, handle_.get()));
        return internal::codec<std::optional<std::string>>::take(token.get(), 0).value_or("");
    }
    std::string refresh_token() const
    {
        auto token = internal::own(internal::checked(atoll_user_refresh_token, handle_.get()));
        if (!token) return "";
        return internal::codec<std::optional<std::string>>::take(token.get(), 0).value_or("");
    }
    // The custom data as of the last log-in or refresh, as JSON; none: there are none.
    std::optional<std::string> custom_data() const
    {
        auto data = internal::own(internal::checked(atoll_user_custom_data, handle_.get()));
        if (!data) return std::nullopt;
        return internal::codec<std::optional<std::string>>::take(data.get(), 0);
    }
    task<void> refresh_custom_user_data() const
    {
        return internal::request<void>(
            app_->events,
            [&](atoll_queue *queue) {
                return internal::checked(atoll_user_refresh, handle_.get(), queue);
            },
            [](const atoll_event *) {});
    }
    // Not offered by the server.
    task<std::string> call_function(const std::string &name, const std::string &) const
    {
        throw exception(ATOLL_ERROR_NOT_SUPPORTED,
                        "the function " + name + " is not offered by this server");
    }
    // Not offered by the server.
    void mongo_client(const std::string &service) const
    {
        throw exception(ATOLL_ERROR_NOT_SUPPORTED,
                        "the service " + service + " is not offered by this server");
    }
    task<void> log_out() const
    {
        return internal::request<void>(
            app_->events,
            [&](atoll_queue *queue) {
                return internal::checked(atoll_user_log_out, handle_.get(), queue);
            },
            [](const atoll_event *) {});
    }
    // `observer(user)` runs on a background thread when state, tokens, profile or custom data changed; it may come more often.
    std::uint64_t observe_changes(std::function<void(const user &)> &&observer) const
    {
        return app_->events->add(
            [&](atoll_queue *queue) {
                return internal::checked(atoll_user_observe, handle_.get(), queue);
            },
            [who = *this, observer = std::move(observer)](const atoll_event *) { observer(who); },
            false);
    }
    void unregister_change_observer(std::uint64_t token) const
    {
        atoll_user_unobserve(handle_.get(), token);
        app_->events->remove(token);
    }
    // A realm that holds what its subscriptions ask for.
    db_config flexible_sync_configuration() const;
    // A realm that holds the objects with this partition value: string, int, object id, uuid or null.
    db_config partition_sync_configuration(const mixed &partition) const;

    const std::shared_ptr<atoll_user> &handle() const { return handle_; }
    friend bool operator==(const user &a, const user &b)
    {
        return atoll_user_equals(a.handle_.get(), b.handle_.get());
    }
    friend bool operator!=(const user &a, const user &b) { return !(a == b); }

private:
    std::shared_ptr<internal::app_state> app_;
    std::shared_ptr<atoll_user> handle_;
};

class migration;

struct db_config {
    db_config() = default;
    explicit db_config(std::string path) : path_(std::move(path)) {}

    void set_path(const std::string &path) { path_ = path; }
    // The folder of the realm; for a synced realm without a path of its own the derived one.
    std::string path() const
    {
        return internal::to_string(internal::checked(atoll_config_path, build(classes()).get()));
    }
    // Limits the realm to these classes; without it the realm has every class of the program.
    template <class... T> void set_schema() { classes_ = {&internal::describe<T>...}; }
    // Off: a commit may be lost when the power fails, never when the program is killed.
    void set_sync_commits(bool on) { sync_commits_ = on; }
    // The property that says to which partition an object belongs; "_partition" if not set.
    void set_partition_property(const std::string &name) { partition_property_ = name; }
    realm::sync_config &sync_config() { return sync_; }

    // 64 random bytes, needed at every opening.
    void set_encryption_key(const std::array<char, 64> &key) { encryption_key_ = key; }
    enum class schema_mode {
        automatic,      // a changed schema needs a higher schema version
        immutable,      // read only: the realm must exist and have every class and property
        hard_reset_file // a changed schema empties the realm
    };
    void set_schema_mode(schema_mode mode) { schema_mode_ = mode; }
    // In memory only: the path is then an identifier, and the realm is gone with its last instance.
    void set_in_memory(bool on) { in_memory_ = on; }
    // How many versions may be in use before a commit fails; 0 is any number.
    void set_max_active_versions(std::uint64_t count) { version_max_count_ = count; }
    void set_schema_version(std::uint64_t version) { schema_version_ = version; }
    // The run loop of the thread that opens the realm: observers are called there, without refresh().
    void set_scheduler(std::shared_ptr<scheduler> loop) { scheduler_ = std::move(loop); }
    // Called once when a stored realm has a lower schema version, in one transaction with the change of its classes.
    // Without it new properties have their zero values, and missing ones go.
    void set_migration(std::function<void(migration &)> callback)
    {
        migration_ = std::move(callback);
    }
    // Asked at opening with the size of the realm and what of it is in use, in bytes; true compacts it, if nobody has it open.
    void should_compact_on_launch(std::function<bool(std::uint64_t, std::uint64_t)> decide)
    {
        compact_ = std::move(decide);
    }

private:
    friend class user;
    friend class db;

    const std::vector<internal::describe_function> &classes() const
    {
        return classes_.empty() ? internal::registered_classes() : classes_;
    }
    std::shared_ptr<atoll_config>
    build(const std::vector<internal::describe_function> &classes) const;

    std::string path_;
    std::vector<internal::describe_function> classes_;
    std::optional<bool> sync_commits_;
    std::uint64_t schema_version_ = 0;
    std::function<void(migration &)> migration_;
    std::shared_ptr<scheduler> scheduler_;
    std::optional<std::array<char, 64>> encryption_key_;
    schema_mode schema_mode_ = schema_mode::automatic;
    bool in_memory_ = false;
    std::uint64_t version_max_count_ = 0;
    std::function<bool(std::uint64_t, std::uint64_t)> compact_;
    std::string partition_property_;
    realm::sync_config sync_;
    std::shared_ptr<internal::app_state> app_;
    std::shared_ptr<atoll_user> user_;
    std::optional<mixed> partition_; // set with user_: partition sync; user_ alone: flexible sync
};

class App
{
public:
    struct timeouts {
        std::optional<std::chrono::milliseconds> connect, request, ping_period, pong;
        std::optional<std::chrono::milliseconds> connection_linger; // after the last session
        std::optional<std::chrono::milliseconds> reconnect_delay, reconnect_delay_max;
        std::optional<std::int32_t> reconnect_multiplier, reconnect_jitter_divisor;
    };
    struct configuration {
        std::string app_id;
        std::optional<std::string>
            base_url;                    // without it ATOLL_BASE_URL, else http://127.0.0.1:7700
        std::optional<std::string> path; // folder of users and synced realms
        // Encrypts what is kept of the users on this device.
        std::optional<std::array<char, 64>> metadata_encryption_key;
        std::optional<std::map<std::string, std::string>> custom_http_headers;
        std::optional<std::string>
            proxy_url; // http://HOST:PORT, with USER:PASSWORD@ before the host if it asks for that
        std::optional<std::string> trusted_certificates; // PEM; without it those of the system
        App::timeouts timeouts;
    };

    class credentials
    {
    public:
        static credentials anonymous(bool reuse = true)
        {
            credentials made;
            made.reuse_ = reuse;
            return made;
        }
        static credentials username_password(std::string email, std::string password)
        {
            credentials made;
            made.anonymous_ = false;
            made.email_ = std::move(email);
            made.password_ = std::move(password);
            return made;
        }
        // Of a user, or of a server: `atoll key create`.
        static credentials api_key(const std::string &key) { return token("api-key", key); }
        // A token (JWT) that the server's configured provider signed.
        static credentials custom(const std::string &jwt) { return token("custom-token", jwt); }
        static credentials google_id_token(const std::string &jwt)
        {
            return token("oauth2-google", jwt);
        }
        static credentials apple(const std::string &jwt) { return token("oauth2-apple", jwt); }
        // These three are not offered by the server: the log-in says so.
        static credentials google_auth_code(const std::string &code)
        {
            return token("oauth2-google-code", code);
        }
        static credentials facebook(const std::string &access_token)
        {
            return token("oauth2-facebook", access_token);
        }
        static credentials function(const std::string &payload)
        {
            return token("custom-function", payload);
        }

    private:
        friend class App;
        static credentials token(std::string provider, std::string text)
        {
            credentials made;
            made.anonymous_ = false;
            made.provider_ = std::move(provider);
            made.password_ = std::move(text);
            return made;
        }
        bool anonymous_ = true, reuse_ = true;
        std::string provider_; // empty: an address and its password
        std::string email_, password_;
    };

    explicit App(const configuration &config);
    explicit App(const std::string &app_id) : App(make(app_id)) {}

    std::string app_id() const { return internal::to_string(atoll_app_id(state_->app.get())); }

    task<user> login(const credentials &who)
    {
        return internal::request<user>(
            state_->events,
            [&](atoll_queue *queue) {
                if (who.anonymous_)
                    return internal::checked(atoll_app_log_in_anonymous, state_->app.get(),
                                             who.reuse_, queue);
                if (!who.provider_.empty())
                    return internal::checked(atoll_app_log_in_token, state_->app.get(),
                                             who.provider_.data(), who.provider_.size(),
                                             who.password_.data(), who.password_.size(), queue);
                return internal::checked(atoll_app_log_in_email, state_->app.get(),
                                         who.email_.data(), who.email_.size(), who.password_.data(),
                                         who.password_.size(), queue);
            },
            [state = state_](const atoll_event *event) {
                return user(state, internal::own(atoll_event_user(event)));
            });
    }
    task<void> register_user(const std::string &email, const std::string &password)
    {
        return internal::request<void>(
            state_->events,
            [&](atoll_queue *queue) {
                return internal::checked(atoll_app_register_email, state_->app.get(), email.data(),
                                         email.size(), password.data(), password.size(), queue);
            },
            [](const atoll_event *) {});
    }
    std::optional<user> get_current_user() const
    {
        auto found = internal::own(internal::checked(atoll_app_current_user, state_->app.get()));
        if (!found) return std::nullopt;
        return user(state_, found);
    }
    std::vector<user> all_users() const
    {
        std::vector<user> users;
        for (std::int32_t i = 0; i < atoll_app_user_count(state_->app.get()); i++) {
            users.emplace_back(
                state_, internal::own(internal::checked(atoll_app_user, state_->app.get(), i)));
        }
        return users;
    }
    void switch_user(const user &to)
    {
        internal::checked(atoll_app_switch_user, state_->app.get(), to.handle().get());
    }
    void reconnect() { atoll_app_reconnect(state_->app.get()); }
    // Another server: all users are logged out, their log-ins belong to the one that gave them.
    task<void> update_base_url(const std::string &url)
    {
        return internal::request<void>(
            state_->events,
            [&](atoll_queue *queue) {
                return internal::checked(atoll_app_set_base_url, state_->app.get(), url.data(),
                                         url.size(), queue);
            },
            [](const atoll_event *) {});
    }

private:
    static configuration make(const std::string &app_id)
    {
        configuration config;
        config.app_id = app_id;
        return config;
    }
    std::shared_ptr<internal::app_state> state_;
};

inline App::App(const configuration &config) : state_(std::make_shared<internal::app_state>())
{
    using internal::checked;
    auto made =
        internal::own(checked(atoll_app_config_new, config.app_id.data(), config.app_id.size()));
    atoll_app_config *c = made.get();
    if (config.base_url)
        checked(atoll_app_config_set_base_url, c, config.base_url->data(), config.base_url->size());
    if (config.path)
        checked(atoll_app_config_set_base_path, c, config.path->data(), config.path->size());
    auto set = [c](auto setter, const auto &value) {
        if (value) checked(setter, c, static_cast<std::int64_t>(value->count()));
    };
    if (config.metadata_encryption_key)
        checked(atoll_app_config_set_metadata_encryption_key, c,
                config.metadata_encryption_key->data(), config.metadata_encryption_key->size());
    if (config.custom_http_headers)
        for (const auto &[name, value] : *config.custom_http_headers)
            checked(atoll_app_config_add_header, c, name.data(), name.size(), value.data(),
                    value.size());
    if (config.proxy_url)
        checked(atoll_app_config_set_proxy_url, c, config.proxy_url->data(),
                config.proxy_url->size());
    if (config.trusted_certificates)
        checked(atoll_app_config_set_trusted_certificates, c, config.trusted_certificates->data(),
                config.trusted_certificates->size());
    const App::timeouts &t = config.timeouts;
    set(atoll_app_config_set_connect_timeout_ms, t.connect);
    set(atoll_app_config_set_request_timeout_ms, t.request);
    set(atoll_app_config_set_ping_period_ms, t.ping_period);
    set(atoll_app_config_set_pong_timeout_ms, t.pong);
    set(atoll_app_config_set_connection_linger_ms, t.connection_linger);
    set(atoll_app_config_set_reconnect_delay_ms, t.reconnect_delay);
    set(atoll_app_config_set_reconnect_delay_max_ms, t.reconnect_delay_max);
    if (t.reconnect_multiplier)
        checked(atoll_app_config_set_reconnect_multiplier, c, *t.reconnect_multiplier);
    if (t.reconnect_jitter_divisor)
        checked(atoll_app_config_set_reconnect_jitter_divisor, c, *t.reconnect_jitter_divisor);
    state_->app = internal::own(checked(atoll_app_open, made.get()));
    state_->events = internal::dispatcher::get();
}

inline db_config user::flexible_sync_configuration() const
{
    db_config config;
    config.app_ = app_;
    config.user_ = handle_;
    return config;
}

inline db_config user::partition_sync_configuration(const mixed &partition) const
{
    db_config config = flexible_sync_configuration();
    config.partition_ = partition;
    return config;
}

namespace internal
{
inline std::shared_ptr<atoll_schema> build_schema(const std::vector<describe_function> &classes)
{
    auto schema = own(checked(atoll_schema_new));
    for (auto describe : classes) {
        const class_description &c = describe();
        auto index =
            checked(atoll_schema_add_class, schema.get(), c.name.data(), c.name.size(), c.kind);
        for (const auto &p : c.properties) {
            if (p.computed) continue;
            checked(atoll_schema_add_property, schema.get(), index, p.name.data(), p.name.size(),
                    p.type, p.flags, p.target.data(), p.target.size());
        }
    }
    return schema;
}
} // namespace internal

inline std::shared_ptr<atoll_config>
db_config::build(const std::vector<internal::describe_function> &classes) const
{
    using internal::checked;
    auto config = internal::own(checked(atoll_config_new));
    std::string path = path_.empty() && !user_ ? "default.realm" : path_;
    if (!path.empty()) checked(atoll_config_set_path, config.get(), path.data(), path.size());
    checked(atoll_config_set_schema, config.get(), internal::build_schema(classes).get());
    if (sync_commits_) checked(atoll_config_set_sync_commits, config.get(), *sync_commits_);
    if (schema_version_ != 0)
        checked(atoll_config_set_schema_version, config.get(),
                static_cast<std::int64_t>(schema_version_));
    if (encryption_key_)
        checked(atoll_config_set_encryption_key, config.get(), encryption_key_->data(),
                encryption_key_->size());
    checked(atoll_config_set_read_only, config.get(), schema_mode_ == schema_mode::immutable);
    checked(atoll_config_set_delete_if_migration_needed, config.get(),
            schema_mode_ == schema_mode::hard_reset_file);
    checked(atoll_config_set_in_memory, config.get(), in_memory_);
    checked(atoll_config_set_version_max_count, config.get(),
            static_cast<std::int64_t>(version_max_count_));
    if (user_ && partition_) {
        checked(atoll_config_set_partition, config.get(), user_.get(),
                internal::values_of({*partition_}).get());
    } else if (user_) {
        checked(atoll_config_set_flexible, config.get(), user_.get());
    }
    if (!partition_property_.empty()) {
        checked(atoll_config_set_partition_property, config.get(), partition_property_.data(),
                partition_property_.size());
    }
    if (user_ && sync_.reset()) {
        checked(atoll_config_set_client_reset_mode, config.get(), sync_.reset()->mode);
        checked(atoll_config_set_ask_client_resets, config.get(), sync_.reset()->asks());
    }
    return config;
}

} // namespace realm
#endif
