// The library's log: level and sink.
#ifndef CPPREALM_LOGGER_HPP
#define CPPREALM_LOGGER_HPP

#include <cpprealm/internal/error.hpp>

#include <vector>

namespace realm
{

struct logger {
    enum class level : std::int32_t {
        all = ATOLL_LOG_ALL,
        trace = ATOLL_LOG_TRACE,
        debug = ATOLL_LOG_DEBUG,
        detail = ATOLL_LOG_DETAIL,
        info = ATOLL_LOG_INFO,
        warn = ATOLL_LOG_WARN,
        error = ATOLL_LOG_ERROR,
        fatal = ATOLL_LOG_FATAL,
        off = ATOLL_LOG_OFF
    };
    virtual ~logger() = default;
    // Any thread may call it; it must not call the library.
    virtual void do_log(const std::string &category, level level, const std::string &message) = 0;
};

inline void set_default_level_threshold(logger::level level)
{
    atoll_log_set_level(static_cast<std::int32_t>(level));
}

// Of one category and of all that belong to it: "Realm.Sync" is also "Realm.Sync.Client.Session".
inline void set_category_level_threshold(const std::string &category, logger::level level)
{
    internal::checked(atoll_log_set_category_level, category.data(), category.size(),
                      static_cast<std::int32_t>(level));
}

inline logger::level category_level_threshold(const std::string &category)
{
    return static_cast<logger::level>(
        internal::checked(atoll_log_category_level, category.data(), category.size()));
}

// The names of all categories. "Realm" is the first, and all belong to it.
inline std::vector<std::string> log_categories()
{
    std::vector<std::string> names;
    for (std::int32_t i = 0; i < atoll_log_category_count(); i++) {
        names.push_back(internal::to_string(atoll_log_category_name(i)));
    }
    return names;
}

// An empty pointer goes back to standard error.
inline void set_default_logger(std::shared_ptr<logger> to)
{
    using held = std::shared_ptr<logger>;
    if (!to) {
        atoll_log_set_sink(nullptr, nullptr, nullptr);
        return;
    }
    atoll_log_set_sink(
        [](void *data, std::int32_t level, const char *category, const char *message) {
            (*static_cast<held *>(data))
                ->do_log(category, static_cast<logger::level>(level), message);
        },
        new held(std::move(to)), [](void *data) { delete static_cast<held *>(data); });
}

} // namespace realm
#endif
