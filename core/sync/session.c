/* The client's end of a synced realm: states, attempts, timers, waits.
 * It must never touch a socket, a thread or a clock: time comes with each call, outputs are pulled by session_poll. Invariant:
 * a stream is open exactly in the phases after PHASE_CLOSED, and every wait ends exactly once. */
#include "sync/session_internal.h"

static const char category[] = "Realm.Sync.Client.Session";

/* ---- life ---- */

static status copy_options(session *s, const session_options *o)
{
    s->options = *o;
    s->user_id = memory_copy_text(o->user_id != NULL ? o->user_id : "",
                                  strlen(o->user_id != NULL ? o->user_id : ""));
    s->app_id = memory_copy_text(o->app_id != NULL ? o->app_id : "",
                                 strlen(o->app_id != NULL ? o->app_id : ""));
    const char *property = o->partition_property != NULL ? o->partition_property : "_partition";
    s->partition_property = memory_copy_text(property, strlen(property));
    if (s->user_id == NULL || s->app_id == NULL || s->partition_property == NULL)
        return ATOLL_ERROR_OUT_OF_MEMORY;
    s->options.user_id = s->user_id;
    s->options.app_id = s->app_id;
    s->options.partition_property = s->partition_property;
    value_type t = o->partition.type;
    bool legal = t == VALUE_NULL || t == VALUE_INT || t == VALUE_STRING || t == VALUE_UUID ||
                 t == VALUE_OBJECT_ID;
    if (!o->flexible && !legal)
        return fail(ATOLL_ERROR_BAD_PARTITION_VALUE,
                    "a partition is a string, an int, an object id, a uuid or null");
    if (t == VALUE_STRING) {
        TRY(buffer_append(&s->partition_text, o->partition.as.text.data,
                          o->partition.as.text.size));
        s->options.partition.as.text = buffer_view(&s->partition_text);
    }
    return ATOLL_OK;
}

/* A folder belongs to one user for ever. */
static status check_user(session *s)
{
    static const uint8_t key[2] = {'c', 'u'};
    buffer record;
    bool found = false;
    buffer_init(&record, 4096);
    status result = model_side_get(s->options.db, bytes_of(key, 2), &record, &found);
    bytes user = bytes_text(s->user_id);
    if (result == ATOLL_OK && found && !bytes_equal(buffer_view(&record), user)) {
        result = fail(ATOLL_ERROR_USER_MISMATCH,
                      "the realm belongs to the user '%.*s', not to '%s'; use another path",
                      (int)record.size, (char *)record.data, s->user_id);
    } else if (result == ATOLL_OK && !found) {
        model_txn *txn = NULL;
        result = model_begin(s->options.db, COMMIT_REMOTE, &txn);
        if (result == ATOLL_OK) {
            result = model_side_put(txn, bytes_of(key, 2), user);
            if (result == ATOLL_OK) {
                result = model_commit(txn, NULL);
            } else {
                model_rollback(txn);
            }
        }
    }
    buffer_free(&record);
    return result;
}

status session_new(const session_options *options, session **out)
{
    session *s = memory_allocate_zero(sizeof *s);
    if (s == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    buffer_init(&s->partition_text, LIMIT_VALUE_SIZE_MAX);
    buffer_init(&s->out, LIMIT_MESSAGE_SIZE_MAX);
    s->reason = "first";
    s->wants_open = true;
    s->next_mark = 1;
    s->local_changes = true;
    s->subscribe_wanted = options->flexible;
    session_progress_init(s);
    s->delay =
        (backoff){options->reconnect_delay_ms != 0 ? options->reconnect_delay_ms : 1000,
                  options->reconnect_delay_ms_max != 0 ? options->reconnect_delay_ms_max : 300000,
                  options->reconnect_multiplier != 0 ? options->reconnect_multiplier : 2,
                  options->reconnect_jitter_divisor, 0};
    status result = copy_options(s, options);
    if (result == ATOLL_OK) {
        if (s->options.connect_timeout_ms == 0) s->options.connect_timeout_ms = 120000;
        if (s->options.ping_period_ms == 0) s->options.ping_period_ms = 60000;
        if (s->options.pong_timeout_ms == 0) s->options.pong_timeout_ms = 120000;
        s->random.state = platform_random_u64(options->platform);
        s->run = platform_random_u64(options->platform) | 1;
        result = check_user(s);
    }
    if (result == ATOLL_OK) result = pending_check_layout(options->db);
    if (result == ATOLL_OK) result = sync_state_read(options->db, &s->sync);
    if (result == ATOLL_OK) result = reset_read(options->db, &s->reset);
    if (result == ATOLL_OK) result = session_resume_stage(s);
    if (result != ATOLL_OK) {
        session_free(s);
        return result;
    }
    *out = s;
    return ATOLL_OK;
}

void session_free(session *s)
{
    if (s == NULL) return;
    session_upload_end(s);
    session_unstage(s);
    session_publish_end(s);
    session_drop_held(s);
    vector_free(&s->held);
    vector_free(&s->staged);
    subscription_set_free(&s->subscribed);
    for (size_t i = s->queue_first; i < s->queue.count; i++) {
        memory_free(s->queue.items[i].text);
        refusals_release(s->queue.items[i].refused);
    }
    vector_free(&s->queue);
    vector_free(&s->waits);
    memory_free(s->last_text);
    refusals_release(s->last_refused);
    memory_free(s->user_id);
    memory_free(s->app_id);
    memory_free(s->partition_property);
    buffer_free(&s->partition_text);
    buffer_free(&s->out);
    memory_free(s);
}

/* ---- outputs ---- */

static void queue_push(session *s, queued_action a)
{
    if (vector_push(&s->queue, a) != ATOLL_OK) {
        memory_free(a.text);
        refusals_release(a.refused);
        log_write(LOG_ERROR, category, "an event was lost: out of memory");
    }
}

void session_queue(session *s, session_action_kind kind, uint64_t request, status code,
                   const char *text)
{
    queue_push(s,
               (queued_action){.kind = kind,
                               .request = request,
                               .code = code,
                               .text = text == NULL ? NULL : memory_copy_text(text, strlen(text))});
}

void session_queue_numbers(session *s, session_action_kind kind, int32_t first, int32_t second)
{
    queue_push(s, (queued_action){.kind = kind, .number_old = first, .number_new = second});
}

void session_queue_refused(session *s, const char *text, refusals *refused)
{
    queue_push(s, (queued_action){.kind = SESSION_ACTION_ERROR,
                                  .code = ATOLL_ERROR_COMPENSATING_WRITE,
                                  .text = memory_copy_text(text, strlen(text)),
                                  .refused = refused});
}

/* The one place that assigns the connection state. */
void session_set_connection(session *s, int32_t connection)
{
    if (s->connection == connection) return;
    queue_push(s, (queued_action){.kind = SESSION_ACTION_CONNECTION,
                                  .number_old = s->connection,
                                  .number_new = connection});
    s->connection = connection;
}

/* ---- attempts ---- */

static void stream_gone(session *s, uint64_t now_ms)
{
    if (s->phase == PHASE_BOUND) s->lost_at_ms = now_ms == 0 ? 1 : now_ms;
    s->phase = PHASE_CLOSED;
    session_upload_end(s);
    session_drop_held(s);
    if (s->reset_asks != RESET_ASKS_BEFORE)
        session_pause_stage(s); /* What was asked about waits. */
    for (size_t i = 0; i < s->waits.count; i++) s->waits.items[i].sent = false;
    s->connect_deadline_ms = s->ping_due_ms = s->pong_deadline_ms = 0;
    s->local_changes = true;
    s->subscribe_wanted = s->options.flexible;
    subscription_set_free(&s->subscribed);
    session_set_connection(s, CONNECTION_DISCONNECTED);
}

void session_lost(session *s, uint64_t now_ms, uint64_t delay_at_least_ms)
{
    if (s->phase == PHASE_CLOSED) return;
    stream_gone(s, now_ms);
    if (s->state != STATE_ACTIVE && s->state != STATE_DYING) return;
    uint64_t delay = backoff_next(&s->delay, &s->random);
    if (delay < delay_at_least_ms) delay = delay_at_least_ms;
    s->wants_open = true;
    s->reason = "retry";
    s->next_attempt_ms = now_ms + delay;
}

static void end_waits(session *s, status code, const char *text)
{
    for (size_t i = 0; i < s->waits.count; i++)
        session_queue(s, SESSION_ACTION_DONE, s->waits.items[i].request, code, text);
    s->waits.count = 0;
}

void session_end_waits_if_wanted(session *s, status code, const char *text)
{
    if (s->options.chosen.cancel_waits && code != ATOLL_OK) end_waits(s, code, text);
}

static void close_stream(session *s, uint64_t now_ms)
{
    if (s->phase == PHASE_CLOSED) return;
    stream_gone(s, now_ms);
    s->wants_close = true;
}

void session_fatal(session *s, status code, const char *text)
{
    if (text == NULL) text = "";
    close_stream(s, 0);
    s->wants_open = false;
    s->fatal = code;
    if (s->state == STATE_DYING) session_queue(s, SESSION_ACTION_DIED, 0, code, NULL);
    s->state = STATE_INACTIVE;
    queue_push(s, (queued_action){.kind = SESSION_ACTION_ERROR,
                                  .code = code,
                                  .text = memory_copy_text(text, strlen(text)),
                                  .number_old = 1});
    end_waits(s, code, text);
}

void session_start(session *s, uint64_t now_ms)
{
    if (s->state == STATE_DYING) return;
    bool running = s->state == STATE_ACTIVE;
    s->state = STATE_ACTIVE;
    s->fatal = ATOLL_OK;
    if (running && s->phase != PHASE_CLOSED) return;
    backoff_reset(&s->delay);
    s->wants_open = true;
    s->next_attempt_ms = now_ms;
    s->reason = "resume";
    session_check_waits(s, now_ms);
}

void session_stop(session *s, uint64_t now_ms)
{
    if (s->state == STATE_PAUSED) return;
    close_stream(s, now_ms);
    s->wants_open = false;
    if (s->state == STATE_DYING) session_queue(s, SESSION_ACTION_DIED, 0, ATOLL_OK, NULL);
    s->state = STATE_PAUSED;
    end_waits(s, ATOLL_ERROR_SESSION_INACTIVE, "Sync session became inactive");
}

void session_reconnect(session *s, uint64_t now_ms)
{
    if (s->state != STATE_ACTIVE && s->state != STATE_DYING) return;
    backoff_reset(&s->delay);
    if (s->phase == PHASE_BOUND) {
        s->ping_due_ms = now_ms;
        return;
    }
    if (s->phase != PHASE_CLOSED) return;
    s->wants_open = true;
    s->next_attempt_ms = now_ms;
    s->reason = "reconnect";
}

static void check_dying(session *s)
{
    if (s->state != STATE_DYING || s->batch.active || session_has_pending(s)) return;
    close_stream(s, 0);
    s->wants_open = false;
    s->state = STATE_INACTIVE;
    session_queue(s, SESSION_ACTION_DIED, 0, ATOLL_OK, NULL);
}

void session_close_when_uploaded(session *s, uint64_t now_ms)
{
    (void)now_ms;
    if (s->state != STATE_ACTIVE) {
        session_queue(s, SESSION_ACTION_DIED, 0, ATOLL_OK, NULL);
        s->state = STATE_INACTIVE;
        return;
    }
    s->state = STATE_DYING;
    check_dying(s);
}

void session_opened(session *s, uint64_t now_ms)
{
    (void)now_ms;
    if (s->phase == PHASE_OPENING) s->phase = PHASE_OPENED;
}

void session_closed(session *s, uint64_t now_ms, status why, const char *text)
{
    if (s->phase == PHASE_CLOSED) return;
    log_write(LOG_INFO, category, "the stream ended: %s",
              why == ATOLL_OK ? "closed"
              : text != NULL  ? text
                              : "connection lost");
    if (why == ATOLL_ERROR_USER_DISABLED || why == ATOLL_ERROR_NOT_LOGGED_IN) {
        session_fatal(s, why, text);
        s->wants_close = false;
        return;
    }
    session_end_waits_if_wanted(s, why, text != NULL ? text : "connection lost");
    session_lost(s, now_ms, 0);
}

void session_received(session *s, uint64_t now_ms, bytes message)
{
    if (s->phase != PHASE_BINDING && s->phase != PHASE_BOUND) return;
    if (s->reset_asks != RESET_ASKS_NOTHING || s->stage.publishing) {
        session_hold(s, message);
        return;
    }
    session_take_message(s, now_ms, message);
    session_check_waits(s, now_ms);
}

void session_committed(session *s, uint64_t now_ms)
{
    (void)now_ms;
    s->local_changes = true;
    session_progress_to_upload(s);
}

void session_subscriptions_changed(session *s, uint64_t now_ms)
{
    s->subscribe_wanted = s->options.flexible;
    session_progress_to_download(s);
    session_check_waits(s, now_ms);
}

void session_tick(session *s, uint64_t now_ms)
{
    if (session_publish_due(s, now_ms)) session_publish_slice(s, now_ms);
    if (s->connect_deadline_ms != 0 && now_ms >= s->connect_deadline_ms) {
        s->wants_close = true;
        log_write(LOG_WARN, category, "no answer within the connect timeout");
        session_end_waits_if_wanted(s, ATOLL_ERROR_TIMEOUT, "no answer within the connect timeout");
        session_lost(s, now_ms, 0);
    }
    if (s->pong_deadline_ms != 0 && now_ms >= s->pong_deadline_ms) {
        s->wants_close = true;
        log_write(LOG_WARN, category, "no pong within the timeout");
        session_end_waits_if_wanted(s, ATOLL_ERROR_TIMEOUT, "no pong within the timeout");
        session_lost(s, now_ms, 0);
    }
}

/* ---- waits ---- */

static status wait_result(session *s, const session_wait *w, bool *done, char **text)
{
    *done = false;
    if (w->kind == WAIT_UPLOAD) {
        if (s->uploaded_through < w->target && !session_has_pending(s))
            s->uploaded_through = model_version(s->options.db);
        *done = s->uploaded_through >= w->target;
        return ATOLL_OK;
    }
    if (w->kind == WAIT_DOWNLOAD) return ATOLL_OK; /* The reply ends it. */
    subscription_state state = SUBSCRIPTION_PENDING;
    status result = subscription_set_state(s->options.db, w->target, &state, text);
    *done = result != ATOLL_OK || state != SUBSCRIPTION_PENDING;
    if (result == ATOLL_OK && state == SUBSCRIPTION_ERROR) return ATOLL_ERROR_SUBSCRIPTION_FAILED;
    return result;
}

void session_check_waits(session *s, uint64_t now_ms)
{
    (void)now_ms;
    size_t kept = 0;
    if (s->state != STATE_ACTIVE && s->state != STATE_DYING) return;
    for (size_t i = 0; i < s->waits.count; i++) {
        session_wait w = s->waits.items[i];
        bool done = false;
        char *text = NULL;
        status result = wait_result(s, &w, &done, &text);
        if (done) {
            session_queue(s, SESSION_ACTION_DONE, w.request, result,
                          text != NULL         ? text
                          : result != ATOLL_OK ? fail_text()
                                               : NULL);
        } else {
            s->waits.items[kept++] = w;
        }
        memory_free(text);
    }
    s->waits.count = kept;
    check_dying(s);
}

static void add_wait(session *s, uint64_t now_ms, session_wait w)
{
    if (s->state == STATE_INACTIVE) {
        session_queue(s, SESSION_ACTION_DONE, w.request,
                      s->fatal != ATOLL_OK ? s->fatal : ATOLL_ERROR_SESSION_INACTIVE,
                      "the session is inactive");
        return;
    }
    if (vector_push(&s->waits, w) != ATOLL_OK) {
        session_queue(s, SESSION_ACTION_DONE, w.request, ATOLL_ERROR_OUT_OF_MEMORY, NULL);
        return;
    }
    session_check_waits(s, now_ms);
}

void session_wait_upload(session *s, uint64_t now_ms, uint64_t request)
{
    s->local_changes = true;
    add_wait(s, now_ms,
             (session_wait){
                 .kind = WAIT_UPLOAD, .request = request, .target = model_version(s->options.db)});
}

void session_wait_download(session *s, uint64_t now_ms, uint64_t request)
{
    add_wait(s, now_ms,
             (session_wait){.kind = WAIT_DOWNLOAD, .request = request, .target = s->next_mark++});
}

void session_wait_subscriptions(session *s, uint64_t now_ms, uint64_t request, uint64_t version)
{
    s->subscribe_wanted = s->options.flexible;
    add_wait(s, now_ms,
             (session_wait){.kind = WAIT_SUBSCRIPTIONS, .request = request, .target = version});
}

void session_cancel(session *s, uint64_t request)
{
    size_t kept = 0;
    for (size_t i = 0; i < s->waits.count; i++) {
        if (s->waits.items[i].request != request) s->waits.items[kept++] = s->waits.items[i];
    }
    if (kept < s->waits.count)
        session_queue(s, SESSION_ACTION_DONE, request, ATOLL_ERROR_CANCELLED, "cancelled");
    s->waits.count = kept;
}

/* ---- sending on demand ---- */

static status give_message(session *s, const client_message *m, session_action *out)
{
    buffer_clear(&s->out);
    TRY(codec_client_write(&s->out, m));
    if (s->packs && m->kind == CLIENT_UPLOAD) TRY(codec_client_pack(&s->out));
    *out = (session_action){.kind = SESSION_ACTION_SEND, .message = buffer_view(&s->out)};
    return ATOLL_OK;
}

static status queries_of(arena *memory, const subscription_set *set, wire_queries *out)
{
    for (size_t i = 0; i < set->items.count; i++) {
        wire_query q = {set->items.items[i].class_name, set->items.items[i].query};
        TRY(arena_push(memory, out, q));
    }
    return ATOLL_OK;
}

/* Lines of the server that nobody here would see need not be sent. */
static int32_t wanted_log_level(void)
{
    static const char server[] = "Realm.Sync.Server";
    int32_t level = LOG_OFF;
    if (!log_category_level(server, sizeof server - 1, &level) || level >= LOG_OFF) return 0;
    return level < LOG_TRACE ? LOG_TRACE : level;
}

static status make_bind(session *s, arena *memory, session_action *out)
{
    static const uint8_t zeros[16] = {0};
    const platform *p = s->options.platform;
    model_view *view = model_view_newest(s->options.db);
    if (view == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    client_message m = {.kind = CLIENT_BIND};
    sync_state *y = &s->sync;
    m.bind = (wire_bind){.accepts_zstd = !s->options.plain,
                         .version_minimum = WIRE_VERSION_MINIMUM,
                         .version_maximum = WIRE_VERSION_MAXIMUM,
                         .app_id = s->app_id,
                         .user_agent = "atoll",
                         .flexible = s->options.flexible,
                         .partition = s->options.partition,
                         .ident = y->ident,
                         .cursor = y->cursor,
                         .run = s->run,
                         .acknowledged_version = y->acknowledged_version,
                         .epoch = y->epoch,
                         .sent_bound = y->sent_bound,
                         .view_version = y->view_version,
                         .schema = *model_view_schema(view),
                         .log_level = wanted_log_level(),
                         .wall_ms = p->wall_ms(p->context)};
    if (y->ident != 0) m.bind.secret = bytes_of(y->secret, 16);
    if (s->stage.paused)
        m.bind.resume = bytes_of(s->stage.record.position, s->stage.record.position_size);
    bool anew = y->ident == 0 && s->reset.phase == RESET_DOWNLOADING;
    if (anew) {
        m.bind.previous_ident = s->reset.previous_ident;
        m.bind.previous_secret = bytes_of(s->reset.previous_secret, 16);
        m.bind.sent_bound = s->reset.previous_bound;
        if (m.bind.sent_bound != 0) m.bind.sent_batch = bytes_of(s->reset.previous_batch, 16);
    }
    if (!anew && memcmp(y->sent_batch, zeros, 16) != 0)
        m.bind.sent_batch = bytes_of(y->sent_batch, 16);
    if (y->has_acknowledged) m.bind.acknowledged_batch = bytes_of(y->acknowledged_batch, 16);
    subscription_set active = {0}, before = {0};
    status result =
        s->options.flexible ? subscription_set_active(s->options.db, &active) : ATOLL_OK;
    if (result == ATOLL_OK && s->options.flexible)
        result = subscription_set_before(s->options.db, &before);
    if (result == ATOLL_OK) result = queries_of(memory, &active, &m.bind.view);
    if (result == ATOLL_OK) result = queries_of(memory, &before, &m.bind.view_before);
    if (result == ATOLL_OK && m.bind.previous_ident != 0)
        result = session_put_names(s, memory, UINT64_MAX, &m.bind.trail, &m.bind.commits);
    if (result == ATOLL_OK) result = give_message(s, &m, out);
    subscription_set_free(&active);
    subscription_set_free(&before);
    model_view_release(view);
    return result;
}

static status make_subscribe(session *s, arena *memory, session_action *out, bool *made)
{
    subscription_set newest;
    s->subscribe_wanted = false;
    TRY(subscription_set_newest(s->options.db, &newest));
    bool already = newest.state != SUBSCRIPTION_PENDING || newest.version == s->subscribed.version;
    *made = !already;
    if (already) {
        subscription_set_free(&newest);
        return ATOLL_OK;
    }
    subscription_set_free(&s->subscribed);
    s->subscribed = newest;
    client_message m = {.kind = CLIENT_SUBSCRIBE, .subscribe = {.version = newest.version}};
    TRY(queries_of(memory, &s->subscribed, &m.subscribe.queries));
    return give_message(s, &m, out);
}

static bool take_mark(session *s, uint64_t *mark)
{
    if (s->hold_upload && !s->hold_sent) {
        s->hold_sent = true;
        *mark = s->hold_mark;
        return true;
    }
    for (size_t i = 0; i < s->waits.count; i++) {
        session_wait *w = &s->waits.items[i];
        if (w->kind != WAIT_DOWNLOAD || w->sent) continue;
        w->sent = true;
        *mark = w->target;
        return true;
    }
    return false;
}

static status make_next(session *s, uint64_t now_ms, arena *memory, session_action *out, bool *made)
{
    client_message m = {0};
    *made = false;
    if (s->stage.publishing) return ATOLL_OK; /* What is said to the server tells of the cursor. */
    *made = true;
    if (s->phase == PHASE_OPENED) {
        s->phase = PHASE_BINDING;
        return make_bind(s, memory, out);
    }
    *made = false;
    if (s->phase != PHASE_BOUND) return ATOLL_OK;
    if (s->subscribe_wanted && s->reset.phase != RESET_DOWNLOADING)
        TRY(make_subscribe(s, memory, out, made));
    if (*made) return ATOLL_OK;
    *made = true;
    if (take_mark(s, &m.mark)) {
        m.kind = CLIENT_MARK;
        return give_message(s, &m, out);
    }
    if (s->ping_due_ms != 0 && now_ms >= s->ping_due_ms) {
        s->ping_due_ms = now_ms + s->options.ping_period_ms -
                         random_below(&s->random, s->options.ping_period_ms / 10 + 1);
        if (s->pong_deadline_ms == 0) s->pong_deadline_ms = now_ms + s->options.pong_timeout_ms;
        m.kind = CLIENT_PING;
        m.ping = (int64_t)now_ms;
        return give_message(s, &m, out);
    }
    *made = false;
    if (!s->batch.active && session_upload_ready(s, now_ms)) {
        bool begun = false;
        TRY(session_upload_begin(s, now_ms, &begun));
        if (!begun) session_check_waits(s, now_ms);
    }
    if (!s->batch.active || s->batch.sent_all || s->batch.view == NULL) return ATOLL_OK;
    TRY(session_upload_part(s, &m, memory));
    *made = true;
    return give_message(s, &m, out);
}

static bool give_queued(session *s, session_action *out)
{
    if (s->queue_first == s->queue.count) return false;
    queued_action a = s->queue.items[s->queue_first++];
    if (s->queue_first == s->queue.count) s->queue_first = s->queue.count = 0;
    memory_free(s->last_text);
    s->last_text = a.text;
    refusals_release(s->last_refused);
    s->last_refused = a.refused;
    *out = (session_action){.kind = a.kind,
                            .request = a.request,
                            .code = a.code,
                            .text = a.text,
                            .refused = a.refused,
                            .number_old = a.number_old,
                            .number_new = a.number_new};
    return true;
}

bool session_poll(session *s, uint64_t now_ms, session_action *out)
{
    if (give_queued(s, out)) return true;
    if (s->wants_close) {
        s->wants_close = false;
        *out = (session_action){.kind = SESSION_ACTION_CLOSE};
        return true;
    }
    bool may_open = s->wants_open && s->reset_asks == RESET_ASKS_NOTHING && !s->stage.publishing;
    if (may_open && s->phase == PHASE_CLOSED && now_ms >= s->next_attempt_ms) {
        s->wants_open = false;
        s->phase = PHASE_OPENING;
        s->connect_deadline_ms = now_ms + s->options.connect_timeout_ms;
        session_set_connection(s, CONNECTION_CONNECTING);
        *out = (session_action){.kind = SESSION_ACTION_OPEN, .text = s->reason};
        return true;
    }
    arena memory;
    arena_init(&memory, LIMIT_TRANSACTION_SIZE_MAX);
    bool made = false;
    status result = make_next(s, now_ms, &memory, out, &made);
    arena_free(&memory);
    if (result == ATOLL_OK && made) return true;
    if (result != ATOLL_OK) {
        /* The realm can't be read or written (full disk, closed store): what is on disk stays, later attempts follow. */
        char *text = memory_copy_text(fail_text(), strlen(fail_text()));
        log_write(LOG_ERROR, category, "a message could not be made: %s", text != NULL ? text : "");
        s->wants_close = s->phase != PHASE_CLOSED;
        session_lost(s, now_ms, 0);
        session_queue(s, SESSION_ACTION_ERROR, 0, result, text);
        memory_free(text);
        return give_queued(s, out);
    }
    if (s->progress_changed) {
        s->progress_changed = false;
        *out = (session_action){.kind = SESSION_ACTION_PROGRESS};
        return true;
    }
    return give_queued(s, out);
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return b != 0 && b < a ? b : a;
}

uint64_t session_deadline(const session *s)
{
    uint64_t at = UINT64_MAX;
    bool may_open = s->wants_open && s->reset_asks == RESET_ASKS_NOTHING && !s->stage.publishing;
    if (may_open && s->phase == PHASE_CLOSED) at = s->next_attempt_ms;
    uint64_t publish = session_publish_deadline(s);
    if (publish < at) at = publish;
    at = earlier(at, s->connect_deadline_ms);
    at = earlier(at, s->pong_deadline_ms);
    bool talks = s->phase == PHASE_BOUND && !s->stage.publishing;
    if (talks) at = earlier(at, s->ping_due_ms);
    /* Only while nothing else is in the way: else the loop would be woken for it again and again. */
    if (talks && session_upload_ready(s, s->upload_retry_ms)) at = earlier(at, s->upload_retry_ms);
    return at;
}

int32_t session_state(const session *s)
{
    return s->state;
}

int32_t session_connection_state(const session *s)
{
    return s->connection;
}
