/* What the server says: bound, downloads, acknowledgements, errors.
 * It must never apply a part of an outcome before it is complete. Invariant: an acknowledgement counts only in the transaction
 * that integrates its outcome. */
#include "sync/breakage.h"
#include "sync/session_internal.h"

#include <stdio.h>

static const char category[] = "Realm.Sync.Client.Session";

static void broken_protocol(session *s, uint64_t now_ms, const char *what)
{
    log_write(LOG_ERROR, category, "the server broke the protocol: %s", what);
    session_queue(s, SESSION_ACTION_ERROR, 0, ATOLL_ERROR_PROTOCOL, what);
    s->wants_close = true;
    session_lost(s, now_ms, 0);
}

status session_store_state(session *s, const sync_state *next)
{
    model_txn *txn = NULL;
    TRY(model_begin(s->options.db, COMMIT_REMOTE, &txn));
    status result = sync_state_write(txn, next);
    if (result != ATOLL_OK) {
        model_rollback(txn);
        return result;
    }
    TRY(model_commit(txn, NULL));
    s->sync = *next;
    return ATOLL_OK;
}

void session_failed_here(session *s, uint64_t now_ms, status code, const char *doing)
{
    char text[512];
    snprintf(text, sizeof text, "while %s: %s", doing, fail_text());
    log_write(LOG_ERROR, category, "%s", text);
    session_queue(s, SESSION_ACTION_ERROR, 0, code, text);
    s->wants_close = true;
    session_lost(s, now_ms, 0);
}

/* What came builds on something that is not here: taking it again would fail again for ever. A cursor of zero makes the
 * server send the whole view at the next bind, with a sweep; merging it is harmless, and nothing unsent is touched. */
void session_ask_for_everything(session *s)
{
    if (s->sync.cursor == 0) return;
    NOTE_MENDED();
    log_write(LOG_WARN, category,
              "something of the server's state is missing here: the whole view is asked for again");
    sync_state next = s->sync;
    next.cursor = 0;
    if (session_store_state(s, &next) != ATOLL_OK)
        log_write(LOG_ERROR, category, "the cursor could not be set back: %s", fail_text());
}

/* ---- bound ---- */

status session_take_schema(session *s, const model_schema *schema)
{
    return schema->class_count == 0 ? ATOLL_OK : model_add_schema(s->options.db, schema);
}

static void measure_clock(session *s, int64_t server_ms)
{
    const platform *p = s->options.platform;
    s->clock.known = true;
    s->clock.boot_id = p->boot_id(p->context);
    s->clock.monotonic_offset_ms = server_ms - (int64_t)p->monotonic_ms(p->context);
    s->clock.wall_offset_ms = server_ms - p->wall_ms(p->context);
}

static bool same_id(bytes id, const uint8_t mine[16], bool have)
{
    return have ? id.size == 16 && memcmp(id.data, mine, 16) == 0 : id.size == 0;
}

static status store_bound(session *s, const sync_state *next, const wire_bound *b)
{
    model_txn *txn = NULL;
    reset_record record = s->reset;
    bool anew = s->sync.ident == 0 && record.phase == RESET_DOWNLOADING;
    TRY(model_begin(s->options.db, COMMIT_REMOTE, &txn));
    const platform *p = s->options.platform;
    status result =
        anew ? reset_bound(txn, s->options.db, b, p->wall_ms(p->context), &record) : ATOLL_OK;
    /* In a reset what was acknowledged belongs to the line before, until the reset is applied. */
    bool aside = record.phase == RESET_DOWNLOADING;
    if (result == ATOLL_OK) result = remember_bound(txn, s->options.db, b, aside, anew);
    if (result == ATOLL_OK) result = sync_state_write(txn, next);
    if (result != ATOLL_OK) {
        model_rollback(txn);
        return result;
    }
    TRY(model_commit(txn, NULL));
    s->sync = *next;
    s->reset = record;
    return ATOLL_OK;
}

static status take_bound(session *s, uint64_t now_ms, const wire_bound *b)
{
    sync_state next = s->sync;
    if (b->version < WIRE_VERSION_MINIMUM || b->version > WIRE_VERSION_MAXIMUM) {
        return fail(ATOLL_ERROR_PROTOCOL,
                    "the server chose version %u of the protocol; this client offered %d to %d",
                    b->version, WIRE_VERSION_MINIMUM, WIRE_VERSION_MAXIMUM);
    }
    if (b->ident == 0 || b->secret.size != 16 || (next.ident != 0 && next.ident != b->ident)) {
        return fail(ATOLL_ERROR_PROTOCOL, "the server gave the ident %llu",
                    (unsigned long long)b->ident);
    }
    TRY(session_take_schema(s, &b->schema));
    next.ident = b->ident;
    next.epoch = b->epoch;
    memcpy(next.secret, b->secret.data, 16);
    /* A batch that the server has not: it never arrived whole, and what it held is still pending. */
    if (next.sent_bound != 0 &&
        same_id(b->last_batch, next.acknowledged_batch, next.has_acknowledged))
        next.sent_bound = 0;
    if (memcmp(&next, &s->sync, sizeof next) != 0) TRY(store_bound(s, &next, b));
    s->offline_ms = b->offline_ms;
    measure_clock(s, b->server_ms);
    s->packs = b->accepts_zstd;
    s->phase = PHASE_BOUND;
    s->catching_up = true;
    s->bound_at_ms = now_ms;
    if (b->log_id != NULL && b->log_id[0] != '\0')
        log_write(LOG_DEBUG, category, "the server's log calls this session %.40s", b->log_id);
    s->connect_deadline_ms = 0;
    s->ping_due_ms = now_ms + random_below(&s->random, s->options.ping_period_ms);
    bool fast = s->lost_at_ms != 0 && now_ms - s->lost_at_ms < FAST_RECONNECT_LIMIT_MS;
    s->hold_upload = !fast;
    s->hold_sent = false;
    s->hold_mark = s->next_mark++;
    s->batch.active = s->sync.sent_bound != 0; /* Its acknowledgement comes now. */
    s->batch.sent_all = s->batch.active;
    session_set_connection(s, CONNECTION_CONNECTED);
    return ATOLL_OK;
}

/* ---- acknowledgements ---- */

static status integrate_outcome(session *s, model_txn *txn, sync_state *next, reset_record *record,
                                uint64_t bound)
{
    uint64_t newest = 0;
    integration g;
    const platform *p = s->options.platform;
    uint64_t version = s->staged.items[s->staged.count - 1]->message.ack.version;
    TRY(pending_fold(txn, s->options.db, next, &newest));
    TRY(remember_batch(txn, s->options.db, bound, version, p->wall_ms(p->context), s->offline_ms,
                       &s->remembered));
    TRY(pending_acknowledge(txn, s->options.db,
                            BREAKAGE(BREAKAGE_ACKNOWLEDGED_TOO_MUCH) ? UINT64_MAX : bound));
    TRY(reset_acknowledged(txn, record, bound));
    integration_begin(&g, txn, bound, 0);
    status result = ATOLL_OK;
    for (size_t i = 0; i < s->staged.count && result == ATOLL_OK; i++) {
        const wire_ack *a = &s->staged.items[i]->message.ack;
        if (!BREAKAGE(BREAKAGE_ACKNOWLEDGED_WITHOUT_OUTCOME)) result = integrate_rows(&g, &a->rows);
        if (a->clock > next->seen) next->seen = a->clock;
        if (a->cursor > next->cursor) next->cursor = a->cursor;
    }
    integration_end(&g);
    if (result != ATOLL_OK) return result;
    if (newest <= bound) TRY(subscription_set_drop_before(txn));
    memcpy(next->acknowledged_batch, next->sent_batch, 16);
    next->has_acknowledged = true;
    next->acknowledged_version = version;
    next->sent_bound = 0;
    return sync_state_write(txn, next);
}

/* Without memory for the list its text is told all the same. */
static refusals *collect_refused(const session *s)
{
    refusals *list = NULL;
    if (refusals_new(&list) != ATOLL_OK) return NULL;
    for (size_t i = 0; i < s->staged.count; i++) {
        const wire_ack *a = &s->staged.items[i]->message.ack;
        for (size_t k = 0; k < a->rejected.count; k++) {
            const wire_rejected *r = &a->rejected.items[k];
            if (refusals_add(list, r->class_name, &r->primary_key, r->reason) == ATOLL_OK) continue;
            refusals_release(list);
            return NULL;
        }
    }
    return list;
}

/* Told once, after the revert is visible. */
static void report_rejected(session *s)
{
    size_t count = 0;
    const wire_rejected *first = NULL;
    for (size_t i = 0; i < s->staged.count; i++) {
        const wire_ack *a = &s->staged.items[i]->message.ack;
        if (first == NULL && a->rejected.count > 0) first = &a->rejected.items[0];
        count += a->rejected.count;
    }
    if (first == NULL) return;
    char text[1024];
    snprintf(text, sizeof text,
             "%zu writes were refused and reverted; the first: object %s of class '%s': %s", count,
             first->key, first->class_name, first->reason);
    session_queue_refused(s, text, collect_refused(s));
}

static bool any_rejected(const session *s)
{
    for (size_t i = 0; i < s->staged.count; i++)
        if (s->staged.items[i]->message.ack.rejected.count > 0) return true;
    return false;
}

static status take_outcome(session *s, uint64_t bound)
{
    sync_state next = s->sync;
    model_txn *txn = NULL;
    TRY(model_begin(s->options.db, COMMIT_REMOTE, &txn));
    reset_record record = s->reset;
    status result = integrate_outcome(s, txn, &next, &record, bound);
    if (result != ATOLL_OK) {
        model_rollback(txn);
        return result;
    }
    /* What is told once must not be forgotten; the rest the server says again. Before the next batch leaves all is synced. */
    TRY(model_commit_as(txn, any_rejected(s), NULL));
    s->sync = next;
    s->reset = record;
    s->uploaded_through = bound > s->uploaded_through ? bound : s->uploaded_through;
    s->local_changes = true;
    session_progress_acknowledged(s);
    session_upload_end(s);
    report_rejected(s);
    return ATOLL_OK;
}

static status take_ack(session *s, kept_message *k, bool *kept)
{
    const wire_ack *a = &k->message.ack;
    if (s->sync.sent_bound == 0 || !same_id(a->batch, s->sync.sent_batch, true) ||
        a->bound != s->sync.sent_bound) {
        return fail(ATOLL_ERROR_PROTOCOL, "an acknowledgement of a batch that was not sent");
    }
    bool outcome = s->staged.count > 0 && s->staged.items[0]->message.kind == SERVER_UPLOAD_ACK;
    if (session_collects(s) && !outcome)
        return fail(ATOLL_ERROR_PROTOCOL, "an acknowledgement inside of a download");
    TRY(vector_push(&s->staged, k));
    *kept = true;
    if (!a->last) return ATOLL_OK;
    status result = take_outcome(s, a->bound);
    session_unstage(s);
    return result;
}

/* ---- the rest ---- */

static void take_mark_reply(session *s, uint64_t mark)
{
    size_t kept = 0;
    backoff_reset(&s->delay);
    if (!session_collects(s)) session_progress_group_ends(s, true); /* All of then is here. */
    if (s->hold_upload && mark == s->hold_mark) s->hold_upload = false;
    for (size_t i = 0; i < s->waits.count; i++) {
        session_wait w = s->waits.items[i];
        if (w.kind == WAIT_DOWNLOAD && w.sent && w.target == mark) {
            session_queue(s, SESSION_ACTION_DONE, w.request, ATOLL_OK, NULL);
        } else {
            s->waits.items[kept++] = w;
        }
    }
    s->waits.count = kept;
}

static status take_subscription_state(session *s, const wire_subscription_state *w)
{
    model_txn *txn = NULL;
    if (w->code == ATOLL_OK) return ATOLL_OK;
    TRY(model_begin(s->options.db, COMMIT_REMOTE, &txn));
    status result = subscription_set_settle(txn, w->version, SUBSCRIPTION_ERROR, w->text);
    if (result != ATOLL_OK) {
        model_rollback(txn);
        return result;
    }
    TRY(model_commit(txn, NULL));
    subscription_set_free(&s->subscribed);
    if (!session_collects(s)) session_progress_group_ends(s, true); /* The view before stays. */
    session_queue(s, SESSION_ACTION_SUBSCRIPTIONS, 0, ATOLL_OK, NULL);
    return ATOLL_OK;
}

static void take_error(session *s, uint64_t now_ms, const wire_error *e)
{
    /* With it whoever runs the server finds what its log has of this session. */
    char text[700];
    bool known = e->log_id != NULL && e->log_id[0] != '\0';
    snprintf(text, sizeof text, known ? "%.600s [session %.40s]" : "%.600s", e->text, e->log_id);
    log_write(e->fatal ? LOG_ERROR : LOG_INFO, category, "the server says: %d %s", e->code, text);
    if (session_reset_needed(e->code)) {
        session_reset(s, now_ms, e->code, text, e->no_recovery);
        return;
    }
    if (e->fatal) {
        session_fatal(s, e->code == ATOLL_OK ? ATOLL_ERROR_SERVER : e->code, text);
        return;
    }
    s->wants_close = true;
    session_end_waits_if_wanted(s, e->code, text);
    session_lost(s, now_ms, e->retry_delay_ms);
}

static status take_body(session *s, uint64_t now_ms, kept_message *k, bytes message, bool *kept)
{
    const server_message *m = &k->message;
    if (s->phase == PHASE_BINDING && m->kind != SERVER_BOUND && m->kind != SERVER_ERROR &&
        m->kind != SERVER_LOG_LINE) {
        return fail(ATOLL_ERROR_PROTOCOL, "the first message was not Bound");
    }
    switch (m->kind) {
    case SERVER_BOUND:
        if (s->phase != PHASE_BINDING) return fail(ATOLL_ERROR_PROTOCOL, "a second Bound");
        return take_bound(s, now_ms, &m->bound);
    case SERVER_SUBSCRIPTION_STATE: return take_subscription_state(s, &m->subscription_state);
    case SERVER_DOWNLOAD: return session_take_download(s, now_ms, k, message, kept);
    case SERVER_UPLOAD_ACK: return take_ack(s, k, kept);
    case SERVER_MARK_REPLY: take_mark_reply(s, m->mark); return ATOLL_OK;
    case SERVER_PONG: s->pong_deadline_ms = 0; return ATOLL_OK;
    case SERVER_ERROR: take_error(s, now_ms, &m->error); return ATOLL_OK;
    case SERVER_LOG_LINE:
        log_write(m->log.level, "Realm.Sync.Server", "%s", m->log.text);
        return ATOLL_OK;
    }
    return ATOLL_OK;
}

void session_take_message(session *s, uint64_t now_ms, bytes message)
{
    kept_message *k = memory_allocate_zero(sizeof *k);
    bool kept = false;
    status result = k == NULL ? ATOLL_ERROR_OUT_OF_MEMORY : ATOLL_OK;
    if (k != NULL) {
        arena_init(&k->memory, 16 * message.size + (1u << 20));
        result = codec_server_read(message, &k->memory, &k->message);
        if (result == ATOLL_OK) {
            k->size = message.size;
            result = take_body(s, now_ms, k, message, &kept);
        }
        if (!kept) kept_message_free(k);
    }
    if (result == ATOLL_OK) return;
    char text[512];
    snprintf(text, sizeof text, "%s", fail_text());
    session_unstage(s);
    bool protocol = result == ATOLL_ERROR_PROTOCOL || result == ATOLL_ERROR_INVALID_ARGUMENT ||
                    result == ATOLL_ERROR_TYPE_MISMATCH;
    if (protocol) {
        broken_protocol(s, now_ms, text);
    } else {
        session_failed_here(s, now_ms, result, "taking a message of the server");
        if (result == ATOLL_ERROR_BAD_CHANGESET) session_ask_for_everything(s);
    }
}
