/* The log's public face: levels, sink, or a queue of LOG events. It must never log itself.
 * Invariant: one sink at a time. */
#include "api/api.h"
#include "base/log.h"

static int32_t inside(int32_t level)
{
    if (level < ATOLL_LOG_ALL) return ATOLL_LOG_ALL;
    return level > ATOLL_LOG_OFF ? ATOLL_LOG_OFF : level;
}

void atoll_log_set_level(int32_t level)
{
    log_set_level(inside(level));
}

static status unknown(const char *category, size_t size)
{
    return fail(ATOLL_ERROR_INVALID_ARGUMENT,
                "there is no log category \"%.*s\"; atoll_log_category_name has them all",
                (int)size, size == 0 ? "" : category);
}

atoll_status atoll_log_set_category_level(const char *category, size_t category_size, int32_t level,
                                          atoll_error **error)
{
    status result = API_TEXT(category, category_size);
    if (result == ATOLL_OK && !log_set_category_level(category, category_size, inside(level)))
        result = unknown(category, category_size);
    return api_result(error, result);
}

int32_t atoll_log_category_level(const char *name, size_t name_size, atoll_error **error)
{
    int32_t level = 0;
    status result = API_TEXT(name, name_size);
    if (result == ATOLL_OK && !log_category_level(name, name_size, &level))
        result = unknown(name, name_size);
    return api_ok(error, result) ? level : 0;
}

int32_t atoll_log_category_count(void)
{
    return (int32_t)log_category_count();
}

atoll_bytes atoll_log_category_name(int32_t index)
{
    return api_text(index < 0 ? NULL : log_category_name((size_t)index));
}

int32_t atoll_log_level(void)
{
    return log_level();
}

void atoll_log_set_sink(atoll_log_function function, void *user_data,
                        atoll_free_function free_user_data)
{
    log_set_sink(function, user_data, free_user_data);
}

static void push_line(void *user_data, int32_t level, const char *category, const char *message)
{
    atoll_event *event = event_new(ATOLL_EVENT_LOG, 0);
    if (event == NULL) return;
    event->numbers[0] = level;
    event->texts[0] = memory_copy_text(category, strlen(category));
    event->texts[1] = memory_copy_text(message, strlen(message));
    queue_push(user_data, event);
}

static void release_queue(void *user_data)
{
    queue_release(user_data);
}

void atoll_log_set_queue(atoll_queue *queue)
{
    if (queue == NULL)
        log_set_sink(NULL, NULL, NULL);
    else
        log_set_sink(push_line, queue_retain(queue), release_queue);
}
