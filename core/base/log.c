/* The log: one level, one sink. It must never fail and never call back into the library while its lock is held
 * by the same thread (a sink that logs is ignored). Invariant: the sink is replaced only between two calls of it. */
#include "base/log.h"
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>

#define LOG_LINE_SIZE_MAX 2048

static atomic_int level_now = LOG_INFO;
static pthread_mutex_t sink_lock = PTHREAD_MUTEX_INITIALIZER;
static log_function sink;
static log_free_function sink_free;
static void *sink_data;
static _Thread_local bool inside_sink;

void log_set_level(int32_t level)
{
    atomic_store(&level_now, level);
}

int32_t log_level(void)
{
    return atomic_load(&level_now);
}

bool log_wants(int32_t level)
{
    return level >= atomic_load_explicit(&level_now, memory_order_relaxed) && level < LOG_OFF;
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
    if (!log_wants(level) || inside_sink) return;
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
