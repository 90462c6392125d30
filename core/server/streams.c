/* Session streams: joins gRPC calls to peers, and makes commits of many streams durable with one sync.
 *
 *   messages of one loop turn → peers → commits, unsynced → one sync per app → acknowledgements and downloads leave
 *
 * Must never: let an acknowledgement leave before the sync; read on from a client that doesn't read.
 * Invariant: a stream is in its app's list from its begin to its close. */
#include "server/runner_internal.h"

#include "base/log.h"
#include "server/events.h"
#include "sync/codec.h"

#include <stdio.h>

#define STREAM_UNSENT_TARGET (1u << 20) /* messages are made while less than this waits */
#define STREAM_UNSENT_MAX (4u << 20)    /* above, nothing more is read from the client */
#define STREAM_BIND_MEMORY_MAX (64u << 20)
#define STREAM_PARTITION_SIZE_MAX (64u << 20)
#define STREAM_SLICE_SIZE \
    (64u << 10) /* after a message of that size the other streams have their turn */
#define SESSIONS_A_MS 2
#define PAUSE_MS_MAX 50
#define EXPIRY_GRACE_MS 60000 /* for a batch that is under way */
#define CATEGORY "Realm.Sync.Server"

static status authenticate(server_runner *r, grpc_call *call, stream *s)
{
    token t;
    user who = {0};
    TRY(token_read(r->token_key, grpc_call_token(call), TOKEN_ACCESS, runner_wall_ms(r), &t));
    TRY(users_check(r->users, &t, &who));
    user_free(&who);
    TRY(apps_find(r, bytes_text(t.app_id), &s->app));
    memcpy(s->user_id, t.user_id, sizeof s->user_id);
    memcpy(s->log_in, t.log_in, sizeof s->log_in);
    s->token_until_ms = t.expires_ms;
    return ATOLL_OK;
}

/* A newer token of the same log-in, said on the stream. */
static status authenticate_again(void *owner, bytes text)
{
    stream *s = owner;
    token t;
    user who = {0};
    TRY(token_read(s->runner->token_key, text, TOKEN_ACCESS, runner_wall_ms(s->runner), &t));
    if (strcmp(t.user_id, s->user_id) != 0 || strcmp(t.log_in, s->log_in) != 0)
        return fail(ATOLL_ERROR_BAD_TOKEN, "the token is of another log-in than the stream's");
    TRY(users_check(s->runner->users, &t, &who));
    user_free(&who);
    s->token_until_ms = t.expires_ms;
    return ATOLL_OK;
}

/* There is room since stream_begin: each is there once, or twice while the list is being worked through. */
static void stream_wake(stream *s)
{
    if (s->to_poll) return;
    s->to_poll = true;
    s->app->polls.items[s->app->polls.count++] = s;
    connection_touch(s->connection); /* so that the loop does not wait */
}

void stream_begin(server_runner *r, connection *c, grpc_call *call)
{
    stream *s = memory_allocate_zero(sizeof *s);
    if (s == NULL) {
        grpc_finish(call, ATOLL_ERROR_OUT_OF_MEMORY, fail_text());
        return;
    }
    s->state.kind = CALL_STREAM;
    s->runner = r;
    s->connection = c;
    s->call = call;
    status result = authenticate(r, call, s);
    if (result == ATOLL_OK)
        result = vector_reserve(&s->app->polls, 2 * (s->app->streams.count + 1));
    if (result == ATOLL_OK) result = vector_reserve(&s->app->held, s->app->streams.count + 1);
    if (result == ATOLL_OK) result = vector_push(&s->app->streams, s);
    if (result == ATOLL_OK) {
        s->index = s->app->streams.count - 1;
        s->number = ++r->stream_count;
        snprintf(s->log_id, sizeof s->log_id, "%08x-%llu", r->run, (unsigned long long)s->number);
        s->opened_ms = runner_wall_ms(r);
        grpc_call_set_user(call, s);
        result = grpc_accept(call);
        if (result != ATOLL_OK) stream_finish(s, result, fail_text());
        return;
    }
    EVENT(LOG_INFO, "session refused", {"code", NULL, (uint64_t)result}, {"text", fail_text(), 0});
    grpc_finish(call, result, fail_text());
    memory_free(s);
}

/* The first message opens the app, which in development gets its mode from the bind in it. */
static status start_peer(stream *s, bytes message)
{
    bool flexible = true;
    if (s->app->app == NULL && !s->app->config.mode_known) {
        arena memory;
        client_message first = {0};
        arena_init(&memory, STREAM_BIND_MEMORY_MAX);
        status result = codec_client_read(message, &memory, &first);
        if (result == ATOLL_OK) {
            if (first.kind == CLIENT_BIND)
                flexible = first.bind.flexible;
            else
                result = fail(ATOLL_ERROR_PROTOCOL, "the first message of a stream must be Bind");
            client_message_free(&first);
        }
        arena_free(&memory);
        if (result != ATOLL_OK) return result;
    }
    TRY(app_use(s->runner, s->app, flexible));
    TRY(peer_new(s->app->app, s->user_id, &s->peer));
    peer_set_log_id(s->peer, s->log_id);
    peer_set_owner(s->peer, s);
    peer_set_authenticator(s->peer, authenticate_again);
    user who = {0};
    bool found = false;
    status result =
        users_find(s->runner->users, s->app->config.id, bytes_text(s->user_id), &who, &found);
    if (result == ATOLL_OK && found)
        result = peer_set_user_data(s->peer, bytes_text(who.custom_data));
    user_free(&who);
    return result;
}

/* What the counters have since the batch before. */
static void log_upload(stream *s, uint64_t ms)
{
    peer_counters now, *before = &s->logged;
    peer_get_counters(s->peer, &now);
    s->upload_ms += ms;
    if (now.uploads_applied == before->uploads_applied) {
        if (now.rows_in == before->rows_in) s->upload_ms = 0;
        return;
    }
    peer_log_upload(s->peer, now.rows_in - before->rows_in, now.bytes_in - before->bytes_in,
                    s->upload_ms);
    before->uploads_applied = now.uploads_applied;
    before->rows_in = now.rows_in;
    before->bytes_in = now.bytes_in;
    s->upload_ms = 0;
}

static void log_download(stream *s)
{
    peer_counters now, *before = &s->logged;
    peer_get_counters(s->peer, &now);
    if (now.rows_out != before->rows_out)
        peer_log_download(s->peer, now.rows_out - before->rows_out,
                          now.bytes_out - before->bytes_out);
    before->rows_out = now.rows_out;
    before->bytes_out = now.bytes_out;
}

void stream_received(stream *s, bytes message)
{
    if (s->finished) return;
    if (s->peer == NULL) {
        status result = start_peer(s, message);
        if (result != ATOLL_OK) {
            stream_finish(s, result, fail_text());
            return;
        }
    }
    uint64_t begin_ms = runner_now_ms(s->runner);
    peer_received(s->peer, begin_ms, message);
    log_upload(s, runner_now_ms(s->runner) - begin_ms);
    stream_wake(s);
}

void stream_drained(stream *s)
{
    if (grpc_unsent(s->call) >= STREAM_UNSENT_TARGET) return;
    stream_wake(s);
    grpc_pause(s->call, false);
}

void stream_finish(stream *s, status code, const char *text)
{
    if (s->finished) return;
    s->finished = true;
    code = server_public_error(code, &text);
    s->end_code = code;
    if (code != ATOLL_OK && s->peer == NULL) /* a peer has told why */
        EVENT(LOG_WARN, "session error", {"session", s->log_id, 0}, {"app", s->app->config.id, 0},
              {"user", s->user_id, 0}, {"code", NULL, (uint64_t)code},
              {"text", text == NULL ? "" : text, 0});
    grpc_finish(s->call, code, text);
    connection_touch(s->connection);
}

status stream_record(const stream *s, session_record *out)
{
    session_record record = {.number = s->number, .opened_ms = s->opened_ms};
    buffer partition;
    buffer_init(&partition, STREAM_PARTITION_SIZE_MAX);
    snprintf(record.app_id, sizeof record.app_id, "%s", s->app->config.id);
    memcpy(record.user_id, s->user_id, sizeof record.user_id);
    status result = ATOLL_OK;
    if (s->peer != NULL) {
        record.ident = peer_ident(s->peer);
        result = peer_partition(s->peer, &partition);
        peer_get_counters(s->peer, &record.counters);
    }
    if (result == ATOLL_OK) {
        record.partition = memory_copy_text((const char *)partition.data, partition.size);
        if (record.partition == NULL) result = ATOLL_ERROR_OUT_OF_MEMORY;
    }
    buffer_free(&partition);
    if (result == ATOLL_OK) *out = record;
    return result;
}

static void remember(server_runner *r, const stream *s)
{
    session_record record;
    if (stream_record(s, &record) != ATOLL_OK) return; /* a line of statistics less */
    if (r->ended.count < SESSIONS_ENDED_MAX) {
        if (vector_push(&r->ended, record) != ATOLL_OK) memory_free(record.partition);
        return;
    }
    memory_free(r->ended.items[r->ended_at].partition);
    r->ended.items[r->ended_at] = record;
    r->ended_at = (r->ended_at + 1) % SESSIONS_ENDED_MAX;
}

static void log_end(const stream *s)
{
    peer_counters c = {0};
    if (s->peer != NULL) peer_get_counters(s->peer, &c);
    EVENT(LOG_INFO, "session ends", {"session", s->log_id, 0}, {"app", s->app->config.id, 0},
          {"user", s->user_id, 0}, {"ident", NULL, s->peer == NULL ? 0 : peer_known_ident(s->peer)},
          {"code", NULL, (uint64_t)(s->finished ? s->end_code : ATOLL_ERROR_CONNECTION_CLOSED)},
          {"seconds", NULL, (uint64_t)(runner_wall_ms(s->runner) - s->opened_ms) / 1000},
          {"uploads", NULL, c.uploads_applied}, {"rows_in", NULL, c.rows_in},
          {"rows_out", NULL, c.rows_out}, {"bytes_in", NULL, c.bytes_in},
          {"bytes_out", NULL, c.bytes_out}, {"refused", NULL, c.writes_refused});
}

void stream_closed(stream *s)
{
    served_app *a = s->app;
    log_end(s);
    stream *last = a->streams.items[--a->streams.count];
    a->streams.items[s->index] = last;
    last->index = s->index;
    for (size_t i = 0; s->to_poll && i < a->polls.count; i++) {
        if (a->polls.items[i] == s) a->polls.items[i] = NULL;
    }
    for (size_t i = 0; s->held && i < a->held.count; i++) {
        if (a->held.items[i] != s) continue;
        a->held.items[i] = a->held.items[--a->held.count];
        break;
    }
    remember(s->runner, s);
    if (s->peer != NULL) peer_free(s->peer);
    memory_free(s);
}

/* The more sessions a commit concerns, the longer each waits for the next one's changes: many small commits then reach
 * many sessions in few messages. With few there is no pause. */
static void pace(stream *s, uint64_t now_ms)
{
    bool early = now_ms < s->next_group_ms;
    bool waits = peer_hold(s->peer, early);
    if (waits && early && !s->held) {
        s->held = true;
        s->app->held.items[s->app->held.count++] = s;
    } else if (waits && !early) {
        s->next_group_ms = now_ms + s->app->pause_ms;
    }
}

static void poll_stream(stream *s, uint64_t now_ms)
{
    s->to_poll = false;
    if (s->peer == NULL) return;
    pace(s, now_ms);
    peer_action action;
    while (!s->finished && grpc_unsent(s->call) < STREAM_UNSENT_TARGET &&
           peer_poll(s->peer, now_ms, &action)) {
        size_t size = action.kind == PEER_ACTION_SEND ? action.message.size : 0;
        if (action.kind == PEER_ACTION_CLOSE) {
            stream_finish(s, action.code, action.text);
        } else if (grpc_send(s->call, action.message) != ATOLL_OK) {
            stream_finish(s, ATOLL_ERROR_INTERNAL, fail_text());
        }
        connection_touch(s->connection);
        if (size >= STREAM_SLICE_SIZE || peer_acknowledged(s->peer)) {
            stream_wake(s); /* The others come first. */
            break;
        }
    }
    log_download(s);
    if (s->finished) return;
    grpc_pause(s->call, grpc_unsent(s->call) >= STREAM_UNSENT_MAX);
    if (s->ended && grpc_unsent(s->call) < STREAM_UNSENT_TARGET) stream_finish(s, ATOLL_OK, NULL);
}

void stream_ended(stream *s)
{
    s->ended = true; /* what it sent last is answered first */
    stream_wake(s);
    if (s->peer == NULL) stream_finish(s, ATOLL_OK, NULL);
}

static status commit_app(served_app *a, uint64_t now_ms)
{
    uint64_t version = model_version(server_app_db(a->app));
    if (version != a->version_synced) {
        TRY(server_app_sync(a->app));
        a->version_synced = version;
    }
    if (a->sink != NULL) sink_advance(a->sink, server_app_ingested(a->app));
    TRY(server_app_watch(a->app));
    uint64_t woken = 0;
    for (peer *p = server_app_woken(a->app); p != NULL; p = server_app_woken(a->app), woken++)
        if (peer_owner(p) != NULL) stream_wake(peer_owner(p));
    if (woken > 0)
        a->pause_ms = woken / SESSIONS_A_MS < PAUSE_MS_MAX ? woken / SESSIONS_A_MS : PAUSE_MS_MAX;
    for (size_t i = a->held.count; i-- > 0;) {
        stream *s = a->held.items[i];
        if (now_ms < s->next_group_ms) continue;
        a->held.items[i] = a->held.items[--a->held.count];
        s->held = false;
        stream_wake(s);
    }
    /* What a poll wakes waits for the next turn. */
    size_t count = a->polls.count;
    if (count == 0) return ATOLL_OK;
    for (size_t i = 0; i < count; i++) {
        stream *s = a->polls.items[i];
        a->polls.items[i] = NULL;
        if (s != NULL) poll_stream(s, now_ms);
    }
    memmove(a->polls.items, a->polls.items + count, (a->polls.count - count) * sizeof(stream *));
    a->polls.count -= count;
    return ATOLL_OK;
}

status streams_commit(server_runner *r)
{
    uint64_t now_ms = runner_now_ms(r);
    for (size_t i = 0; i < r->apps.count; i++) {
        served_app *a = r->apps.items[i];
        if (a->app == NULL) continue;
        status result = commit_app(a, now_ms);
        if (result == ATOLL_OK) continue;
        /* Without the sync nothing may be promised: the streams end, their clients keep what was not acknowledged. */
        log_write(LOG_ERROR, CATEGORY, "app \"%s\": %s", a->config.id, fail_text());
        for (size_t j = 0; j < a->streams.count; j++)
            stream_finish(a->streams.items[j], result, "the server's disk refused a write");
    }
    return ATOLL_OK;
}

void streams_end_log_in(served_app *a, const char *user_id, const char *log_in, status code,
                        const char *text)
{
    for (size_t i = 0; i < a->streams.count; i++) {
        stream *s = a->streams.items[i];
        if (strcmp(s->user_id, user_id) != 0 || (log_in != NULL && strcmp(s->log_in, log_in) != 0))
            continue;
        stream_finish(s, code, text);
    }
}

void streams_end_expired(server_runner *r)
{
    int64_t now_ms = runner_wall_ms(r);
    for (size_t i = 0; i < r->apps.count; i++) {
        served_app *a = r->apps.items[i];
        for (size_t j = 0; j < a->streams.count; j++) {
            stream *s = a->streams.items[j];
            if (s->finished || now_ms < s->token_until_ms) continue;
            bool busy = s->peer != NULL && peer_is_busy(s->peer);
            if (busy && now_ms < s->token_until_ms + EXPIRY_GRACE_MS) continue;
            stream_finish(s, ATOLL_ERROR_BAD_TOKEN, "the token has expired: come with a new one");
        }
    }
}

bool streams_drain(server_runner *r, bool all)
{
    bool more = false;
    for (size_t i = 0; i < r->apps.count; i++) {
        served_app *a = r->apps.items[i];
        for (size_t j = 0; j < a->streams.count; j++) {
            stream *s = a->streams.items[j];
            bool busy = !all && !s->finished && s->peer != NULL && peer_is_busy(s->peer);
            more = more || busy;
            if (!busy) stream_finish(s, ATOLL_ERROR_CONNECTION_CLOSED, "the server is stopping");
        }
    }
    return more;
}

uint64_t streams_deadline(const server_runner *r)
{
    uint64_t at = UINT64_MAX;
    for (size_t i = 0; i < r->apps.count; i++) {
        const served_app *a = r->apps.items[i];
        for (size_t k = 0; k < a->held.count; k++)
            if (a->held.items[k]->next_group_ms < at) at = a->held.items[k]->next_group_ms;
    }
    return at;
}
