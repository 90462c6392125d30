#ifndef ATOLL_BASE_LOG_H
#define ATOLL_BASE_LOG_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Levelled log to one sink; the only mutable global of the core. Each category has a level of its own. Levels are those of the ABI (0 all .. 8 off).
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
void log_set_level(int32_t level); /* of all categories */
int32_t log_level(void);           /* of the root */
/* With what belongs to it. False: there is no such category. */
bool log_set_category_level(const char *category, size_t size, int32_t level);
bool log_category_level(const char *category, size_t size, int32_t *level);
size_t log_category_count(void);
const char *log_category_name(size_t index); /* NULL past the end; the root first */
/* function NULL: back to stderr. The old sink's free function runs once no call to it is under way. */
void log_set_sink(log_function function, void *user_data, log_free_function free_user_data);
bool log_wants(int32_t level, const char *category);
void log_write(int32_t level, const char *category, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
#endif
