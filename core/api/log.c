/* The log's public face: level, sink, or a queue of LOG events. It must never log itself.
 * Invariant: one sink at a time. */
#include "api/api.h"
#include "base/log.h"

void atoll_log_set_level(int32_t level)
{
    log_set_level(level < ATOLL_LOG_ALL   ? ATOLL_LOG_ALL
                  : level > ATOLL_LOG_OFF ? ATOLL_LOG_OFF
                                          : level);
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
