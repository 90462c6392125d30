#ifndef ATOLL_BASE_STATUS_H
#define ATOLL_BASE_STATUS_H
#include <atoll/status.h>
#include <stdarg.h>

/* Result of every fallible internal function. A failing function calls fail() once, where it knows what, where and
 * how to mend it; callers pass the status on. The text is kept per thread until the next fail(). */
typedef atoll_status status;
#define MUST_CHECK __attribute__((warn_unused_result))

/* fail(code, format, ...) answers the code. A macro, so that compilers and analyzers, which see one file at a time, know
 * that a failure with a constant is never ATOLL_OK. */
#define fail(code, ...) (fail_format(__VA_ARGS__), fail_code(code))
void fail_format(const char *format, ...) __attribute__((format(printf, 1, 2)));
static inline status fail_code(status code)
{
    return code;
}
/* The text of the last fail() of this thread; never NULL. */
const char *fail_text(void);
/* Puts a prefix ("while opening x: ") before the last text and returns the code unchanged. */
status fail_context(status code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Returns from the function with the status of expr unless it is ATOLL_OK. */
#define TRY(expr)                                        \
    do {                                                 \
        status try_status_ = (expr);                     \
        if (try_status_ != ATOLL_OK) return try_status_; \
    } while (0)
/* Same with `result` as variable and a label `done` for cleanup. */
#define TRY_GOTO(expr)                     \
    do {                                   \
        result = (expr);                   \
        if (result != ATOLL_OK) goto done; \
    } while (0)
#endif
