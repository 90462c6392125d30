// What an app's own tests need: errors, cuts and clocks as no test could wait for.
#ifndef CPPREALM_TESTING_HPP
#define CPPREALM_TESTING_HPP

#include <cpprealm/app.hpp>

namespace realm::testing
{

// Lets the session meet an error as if the server had sent it; with `fatal` it ends, else it connects again.
inline void simulate_error(const sync_session &session, atoll_status code,
                           const std::string &message, bool fatal = true)
{
    internal::checked(atoll_testing_simulate_error, session.handle().get(), code, message.data(),
                      message.size(), fatal);
}

// Begins a client reset as if the server had asked for it.
inline void simulate_client_reset(const sync_session &session)
{
    simulate_error(session, ATOLL_ERROR_CLIENT_RESET, "a client reset, by a test");
}

} // namespace realm::testing
#endif
