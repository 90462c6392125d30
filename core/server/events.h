#ifndef ATOLL_SERVER_EVENTS_H
#define ATOLL_SERVER_EVENTS_H
#include "base/log.h"
#include "platform/platform.h"

/* What happens on the server, one line each, with what it is about as named fields. */
typedef struct event_field {
    const char *name;
    const char *text; /* NULL: the number */
    uint64_t number;
} event_field;
enum { EVENT_FIELDS_MAX = 16 };
void event_write(int32_t level, const char *what, const event_field *fields, size_t count);
#define EVENT(level, what, ...)                                  \
    event_write(level, what, (const event_field[]){__VA_ARGS__}, \
                sizeof((const event_field[]){__VA_ARGS__}) / sizeof(event_field))

/* Sinks for log_set_sink; user_data is the platform that tells the time. Lines go to standard error:
 *   2026-01-31T12:00:00.000Z info [Realm.Sync.Server] session ends session=1f00aa01-7 app=tasks code=0
 *   {"time":"2026-01-31T12:00:00.000Z","level":"info","category":"Realm.Sync.Server","event":"session ends","session":...} */
void event_sink_text(void *user_data, int32_t level, const char *category, const char *message);
void event_sink_json(void *user_data, int32_t level, const char *category, const char *message);
#endif
