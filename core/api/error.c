/* atoll_error: what a caller gets when a function fails. It must never fail itself: out of memory uses one static
 * object. Invariant: code is never ATOLL_OK. */
#include "api/api.h"
#include "api/status_table.h"
#include <stdio.h>

struct atoll_error {
    status code;
    char message[];
};

static atoll_error out_of_memory = {ATOLL_ERROR_OUT_OF_MEMORY};
static const char out_of_memory_text[] = "out of memory; free some and try again";

void api_error_set(atoll_error **error, status code)
{
    if (error == NULL || *error != NULL || code == ATOLL_OK) return;
    const char *text = fail_text();
    size_t size = strlen(text);
    atoll_error *made =
        code == ATOLL_ERROR_OUT_OF_MEMORY ? NULL : memory_allocate(sizeof *made + size + 1);
    if (made == NULL) {
        *error = &out_of_memory;
        return;
    }
    made->code = code;
    memcpy(made->message, text, size + 1);
    *error = made;
}

status api_result(atoll_error **error, status code)
{
    api_error_set(error, code);
    return code;
}

atoll_status atoll_error_code(const atoll_error *error)
{
    return error == NULL ? ATOLL_OK : error->code;
}

const char *atoll_error_message(const atoll_error *error)
{
    if (error == NULL) return "";
    return error == &out_of_memory ? out_of_memory_text : error->message;
}

bool atoll_error_is_retryable(const atoll_error *error)
{
    return error != NULL && status_table_retryable(error->code);
}

void atoll_error_free(atoll_error *error)
{
    if (error != &out_of_memory) memory_free(error);
}

const char *atoll_status_name(atoll_status code)
{
    return status_table_name(code);
}

const char *atoll_version(void)
{
    return ATOLL_VERSION_TEXT;
}
