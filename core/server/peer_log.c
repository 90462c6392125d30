/* What one session did, for whoever runs the server, and for the client's log.
 * Must never: log values of objects, or what proves who somebody is.
 * Invariant: the client is told only what it asked for at Bind. */
#include "server/app.h"
#include "server/events.h"

#include <stdio.h>

void peer_set_log_id(peer *p, const char *id)
{
    snprintf(p->log_id, sizeof p->log_id, "%s", id);
}

/* A line that is lost for want of memory is no reason to end a session. */
static void tell(peer *p, int32_t level, const char *text)
{
    if (p->log_level == 0 || level < p->log_level || p->closing) return;
    server_message m = {.kind = SERVER_LOG_LINE, .log = {level, text}};
    if (peer_queue(p, &m) != ATOLL_OK)
        log_write(LOG_WARN, "Realm.Sync.Server", "a log line could not be sent to its client");
}

void peer_log_bound(peer *p, const char *user_agent, uint64_t cursor)
{
    char text[300];
    EVENT(LOG_INFO, "session starts", {"session", p->log_id, 0}, {"app", p->app->app_id, 0},
          {"user", p->user_id, 0}, {"ident", NULL, p->ident}, {"cursor", NULL, cursor},
          {"newest", NULL, model_version(p->app->db)}, {"client", user_agent, 0});
    snprintf(text, sizeof text, "session %s is bound as ident %llu, from version %llu on",
             p->log_id, (unsigned long long)p->ident, (unsigned long long)cursor);
    tell(p, LOG_DEBUG, text);
}

void peer_log_error(peer *p, status code, const char *text, bool fatal)
{
    bool reset = code == ATOLL_ERROR_CLIENT_RESET || code == ATOLL_ERROR_COPIED_FOLDER;
    EVENT(code == ATOLL_ERROR_CONNECTION_CLOSED ? LOG_INFO : LOG_WARN,
          reset ? "client has to reset" : "session error", {"session", p->log_id, 0},
          {"app", p->app->app_id, 0}, {"user", p->user_id, 0}, {"ident", NULL, p->ident},
          {"code", NULL, (uint64_t)code}, {"fatal", NULL, fatal}, {"text", text, 0});
}

void peer_log_refused(peer *p, const char *class_name, const char *reason)
{
    char text[300];
    p->counters.writes_refused++;
    EVENT(LOG_INFO, "write refused", {"session", p->log_id, 0}, {"app", p->app->app_id, 0},
          {"user", p->user_id, 0}, {"ident", NULL, p->ident}, {"class", class_name, 0},
          {"reason", reason, 0});
    snprintf(text, sizeof text, "session %s: a write to '%.100s' was refused: %.100s", p->log_id,
             class_name, reason);
    tell(p, LOG_INFO, text);
}

void peer_log_upload(peer *p, uint64_t rows, uint64_t bytes, uint64_t ms)
{
    char text[300];
    EVENT(LOG_DETAIL, "upload applied", {"session", p->log_id, 0}, {"app", p->app->app_id, 0},
          {"user", p->user_id, 0}, {"ident", NULL, p->ident}, {"rows", NULL, rows},
          {"bytes", NULL, bytes}, {"ms", NULL, ms}, {"version", NULL, p->ack.version});
    snprintf(text, sizeof text, "session %s: %llu rows of an upload were applied as version %llu",
             p->log_id, (unsigned long long)rows, (unsigned long long)p->ack.version);
    tell(p, LOG_DETAIL, text);
}

void peer_log_download(peer *p, uint64_t rows, uint64_t bytes)
{
    EVENT(LOG_DETAIL, "download sent", {"session", p->log_id, 0}, {"app", p->app->app_id, 0},
          {"user", p->user_id, 0}, {"ident", NULL, p->ident}, {"rows", NULL, rows},
          {"bytes", NULL, bytes}, {"cursor", NULL, p->cursor});
}
