#ifndef ATOLL_BASE_LOG_H
#define ATOLL_BASE_LOG_H
#include <stdbool.h>
#include <stdint.h>

/* Levelled log to one sink; the only mutable global of the core. Levels are those of the ABI (0 all .. 8 off).
 * Categories are the public names: "Realm.Storage", "Realm.Storage.Transaction", "Realm.Sync.Client.Session", ... */
enum {
    LOG_TRACE = 1,
    LOG_DEBUG = 2,
    LOG_DETAIL = 3,
    LOG_INFO = 4,
    LOG_WARN = 5,
    LOG_ERROR = 6,
    LOG_FATAL = 7,
    LOG_OFF = 8
};
typedef void (*log_function)(void *user_data, int32_t level, const char *category,
                             const char *message);
typedef void (*log_free_function)(void *user_data);
void log_set_level(int32_t level);
int32_t log_level(void);
/* function NULL: back to stderr. The old sink's free function runs once no call to it is under way. */
void log_set_sink(log_function function, void *user_data, log_free_function free_user_data);
bool log_wants(int32_t level);
void log_write(int32_t level, const char *category, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
#endif
