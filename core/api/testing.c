/* What tests of apps ask for: errors, cuts, clocks. It must never change what a realm holds but by the way that a real error
 * takes. Invariant: nothing here is called by the library itself. */
#include "api/api.h"

atoll_status atoll_testing_simulate_error(const atoll_session *session, atoll_status code,
                                          const char *message, size_t message_size, bool fatal,
                                          atoll_error **error)
{
    status result = session_check(session);
    if (result == ATOLL_OK) result = API_TEXT(message, message_size);
    if (result == ATOLL_OK && code == ATOLL_OK)
        result = fail(ATOLL_ERROR_INVALID_ARGUMENT, "ATOLL_OK is no error");
    if (result == ATOLL_OK)
        runner_session_simulate_error(session->session, code, bytes_of(message, message_size),
                                      fatal);
    return api_result(error, result);
}

atoll_status atoll_testing_set_network(const atoll_app *app, bool on, atoll_error **error)
{
    status result = API_NOT_NULL(app);
    if (result == ATOLL_OK) runner_set_network(app->runner, on);
    return api_result(error, result);
}

void atoll_testing_set_clock_offset(int64_t offset_ms)
{
    platform_posix_set_clock_offset(offset_ms);
}
