/* The log: a level for each category, one sink. It must never fail and never call back into the library while its lock
 * is held by the same thread (a sink that logs is ignored). Invariant: the sink is replaced only between two calls of
 * it; no category has a level below `least`, so that what nobody wants costs one comparison. */
#include "base/log.h"
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define LOG_LINE_SIZE_MAX 2048

/* A name belongs to what its beginning names: Realm.Sync.Client.Session to Realm.Sync.Client, that to Realm.Sync. */
static const char *const categories[] = {
    "Realm",
    "Realm.App",
    "Realm.SDK",
    "Realm.Storage",
    "Realm.Storage.Notification",
    "Realm.Storage.Object",
    "Realm.Storage.Query",
    "Realm.Storage.Transaction",
    "Realm.Sync",
    "Realm.Sync.Client",
    "Realm.Sync.Client.Changeset",
    "Realm.Sync.Client.Network",
    "Realm.Sync.Client.Reset",
    "Realm.Sync.Client.Session",
    "Realm.Sync.Server",
};
enum { CATEGORY_COUNT = sizeof categories / sizeof *categories };
static atomic_int levels[CATEGORY_COUNT] = {LOG_INFO, LOG_INFO, LOG_INFO, LOG_INFO, LOG_INFO,
                                            LOG_INFO, LOG_INFO, LOG_INFO, LOG_INFO, LOG_INFO,
                                            LOG_INFO, LOG_INFO, LOG_INFO, LOG_INFO, LOG_INFO};
static atomic_int least = LOG_INFO;
static pthread_mutex_t sink_lock = PTHREAD_MUTEX_INITIALIZER;
static log_function sink;
static log_free_function sink_free;
static void *sink_data;
static _Thread_local bool inside_sink;

size_t log_category_count(void)
{
    return CATEGORY_COUNT;
}

const char *log_category_name(size_t index)
{
    return index < CATEGORY_COUNT ? categories[index] : NULL;
}

static bool belongs(const char *category, const char *to, size_t size)
{
    return strncmp(category, to, size) == 0 && (category[size] == 0 || category[size] == '.');
}

bool log_set_category_level(const char *category, size_t size, int32_t level)
{
    bool known = false;
    pthread_mutex_lock(&sink_lock);
    for (size_t i = 0; i < CATEGORY_COUNT; i++)
        known =
            known || (strlen(categories[i]) == size && memcmp(categories[i], category, size) == 0);
    int lowest = LOG_OFF;
    for (size_t i = 0; i < CATEGORY_COUNT; i++) {
        if (known && belongs(categories[i], category, size)) atomic_store(&levels[i], level);
        if (atomic_load(&levels[i]) < lowest) lowest = atomic_load(&levels[i]);
    }
    atomic_store(&least, lowest);
    pthread_mutex_unlock(&sink_lock);
    return known;
}

bool log_category_level(const char *category, size_t size, int32_t *level)
{
    for (size_t i = 0; i < CATEGORY_COUNT; i++) {
        if (strlen(categories[i]) != size || memcmp(categories[i], category, size) != 0) continue;
        *level = atomic_load(&levels[i]);
        return true;
    }
    return false;
}

void log_set_level(int32_t level)
{
    (void)log_set_category_level("Realm", 5, level);
}

int32_t log_level(void)
{
    return atomic_load(&levels[0]);
}

bool log_wants(int32_t level, const char *category)
{
    int32_t own = LOG_INFO;
    if (level >= LOG_OFF || level < atomic_load_explicit(&least, memory_order_relaxed))
        return false;
    if (!log_category_level(category, strlen(category), &own)) own = log_level();
    return level >= own;
}
void log_set_sink(log_function function, void *user_data, log_free_function free_user_data)
{
    if (inside_sink) return;
    pthread_mutex_lock(&sink_lock);
    log_free_function old_free = sink_free;
    void *old_data = sink_data;
    sink = function;
    sink_data = user_data;
    sink_free = free_user_data;
    pthread_mutex_unlock(&sink_lock);
    if (old_free != NULL) old_free(old_data);
}

static void write_stderr(int32_t level, const char *category, const char *message)
{
    static const char *const names[] = {"all",  "trace", "debug", "detail",
                                        "info", "warn",  "error", "fatal"};
    fprintf(stderr, "atoll %s [%s] %s\n", names[level & 7], category, message);
}

void log_write(int32_t level, const char *category, const char *format, ...)
{
    if (inside_sink || !log_wants(level, category)) return;
    char line[LOG_LINE_SIZE_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    inside_sink = true;
    pthread_mutex_lock(&sink_lock);
    if (sink != NULL)
        sink(sink_data, level, category, line);
    else
        write_stderr(level, category, line);
    pthread_mutex_unlock(&sink_lock);
    inside_sink = false;
}
