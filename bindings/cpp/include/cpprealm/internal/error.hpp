// Errors of the C interface as C++ exceptions, and owners for its handles.
#ifndef CPPREALM_INTERNAL_ERROR_HPP
#define CPPREALM_INTERNAL_ERROR_HPP

#include <atoll/atoll.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

namespace realm
{

// What every failing call throws. `code()` is one of ATOLL_ERROR_* and never changes its meaning;
// the text says what failed and how to mend it, and is for people only.
class exception : public std::runtime_error
{
public:
    exception(atoll_status code, const std::string &message, bool retryable = false)
        : std::runtime_error(message), code_(code), retryable_(retryable)
    {
    }

    atoll_status code() const noexcept { return code_; }
    std::string name() const
    {
        const char *text = atoll_status_name(code_);
        return text ? text : "";
    }
    bool is_retryable() const noexcept { return retryable_; }

private:
    atoll_status code_;
    bool retryable_;
};

namespace internal
{

[[noreturn]] inline void raise(atoll_error *error)
{
    const char *message = atoll_error_message(error);
    exception thrown(atoll_error_code(error), message ? message : "",
                     atoll_error_is_retryable(error));
    atoll_error_free(error);
    throw thrown;
}

[[noreturn]] inline void not_supported(const std::string &what)
{
    throw exception(ATOLL_ERROR_NOT_SUPPORTED, "not supported yet: " + what);
}

// Calls a function of the C interface whose last parameter is the error, and throws what it reports.
template <class F, class... A> auto checked(F function, A &&...arguments)
{
    atoll_error *error = nullptr;
    auto result = function(std::forward<A>(arguments)..., &error);
    if (error) {
        raise(error);
    }
    return result;
}

inline std::string to_string(atoll_bytes bytes)
{
    return bytes.data ? std::string(bytes.data, bytes.size) : std::string();
}

inline std::shared_ptr<atoll_object> own(atoll_object *p)
{
    return {p, atoll_object_free};
}
inline std::shared_ptr<atoll_list> own(atoll_list *p)
{
    return {p, atoll_list_free};
}
inline std::shared_ptr<atoll_set> own(atoll_set *p)
{
    return {p, atoll_set_free};
}
inline std::shared_ptr<atoll_dictionary> own(atoll_dictionary *p)
{
    return {p, atoll_dictionary_free};
}
inline std::shared_ptr<atoll_migration> own(atoll_migration *p)
{
    return {p, atoll_migration_free};
}
inline std::shared_ptr<atoll_reference> own(atoll_reference *p)
{
    return {p, atoll_reference_free};
}
inline std::shared_ptr<atoll_results> own(atoll_results *p)
{
    return {p, atoll_results_free};
}
inline std::shared_ptr<atoll_values> own(atoll_values *p)
{
    return {p, atoll_values_free};
}
inline std::shared_ptr<atoll_realm> own(atoll_realm *p)
{
    return {p, atoll_realm_free};
}
inline std::shared_ptr<atoll_config> own(atoll_config *p)
{
    return {p, atoll_config_free};
}
inline std::shared_ptr<atoll_schema> own(atoll_schema *p)
{
    return {p, atoll_schema_free};
}
inline std::shared_ptr<atoll_queue> own(atoll_queue *p)
{
    return {p, atoll_queue_free};
}
inline std::shared_ptr<atoll_event> own(atoll_event *p)
{
    return {p, atoll_event_free};
}
inline std::shared_ptr<atoll_app> own(atoll_app *p)
{
    return {p, atoll_app_free};
}
inline std::shared_ptr<atoll_app_config> own(atoll_app_config *p)
{
    return {p, atoll_app_config_free};
}
inline std::shared_ptr<atoll_user> own(atoll_user *p)
{
    return {p, atoll_user_free};
}
inline std::shared_ptr<atoll_session> own(atoll_session *p)
{
    return {p, atoll_session_free};
}
inline std::shared_ptr<atoll_subscriptions> own(atoll_subscriptions *p)
{
    return {p, atoll_subscriptions_free};
}
inline std::shared_ptr<atoll_subscription_update> own(atoll_subscription_update *p)
{
    return {p, atoll_subscription_update_free};
}

} // namespace internal
} // namespace realm
#endif
