/* Publishing a download in slices: a few rows a commit, so that who wants to write waits for no more than one of them.
 * It must never move the cursor, nor the state of a subscription set, before the last slice. Invariant: what is not published
 * yet is on disk, so that publishing goes on after a restart, and before anything else of the server is taken. */
#include "sync/breakage.h"
#include "sync/session_internal.h"

#include <stdio.h>

/* A commit aims at a fraction of what a frame of a display lasts, and is made of steps: after each it looks whether somebody
 * waits to write, and at the platform's clock, which tells how long the next step may be. */
enum {
    ROWS_FIRST = 100,
    ROWS_LEAST = 10,
    ROWS_MOST = 500,
    STEP_LONG_US = 800,
    STEP_SHORT_US = 400,
    HOLD_AIM_US = 1500, /* while others write */
    HOLD_AIM_ALONE_US = 4000,
    UNSYNCED_ROWS_MAX = 1000, /* while others write: they wait for what of it is not on disk */
    UNSYNCED_ROWS_ALONE = 200000,
    RETRY_MS = 5000
};

static const char category[] = "Realm.Sync.Client.Session";

/* ---- what is on disk ---- */

void kept_message_free(kept_message *k)
{
    if (k == NULL) return;
    server_message_free(&k->message);
    arena_free(&k->memory);
    memory_free(k->bytes);
    memory_free(k);
}

static status decode(bytes message, kept_message **out)
{
    kept_message *k = memory_allocate_zero(sizeof *k);
    if (k == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    arena_init(&k->memory, 16 * message.size + (1u << 20));
    status result = codec_server_read(message, &k->memory, &k->message);
    if (result == ATOLL_OK && k->message.kind != SERVER_DOWNLOAD)
        result = fail(ATOLL_ERROR_FILE_CORRUPT, "a staged message is no download");
    if (result != ATOLL_OK) {
        kept_message_free(k);
        return result;
    }
    *out = k;
    return ATOLL_OK;
}

status session_read_staged(session *s, uint64_t number, kept_message **out)
{
    buffer message;
    buffer_init(&message, LIMIT_MESSAGE_SIZE_MAX);
    status result = stage_message(s->options.db, number, &message);
    if (result == ATOLL_OK) result = decode(buffer_view(&message), out);
    buffer_free(&message);
    return result;
}

static void forget_message(session_stage *t)
{
    if (t->message == NULL) return;
    integration_plan_free(&t->plan);
    kept_message_free(t->message);
    t->message = NULL;
}

/* Without the lock: what the next slices need is read and decoded. */
static status read_next(session *s)
{
    session_stage *t = &s->stage;
    kept_message *k = NULL;
    if (t->message != NULL || t->record.next >= t->record.count) return ATOLL_OK;
    TRY(session_read_staged(s, t->record.next, &k));
    status result = session_take_schema(s, &k->message.download.schema);
    if (result == ATOLL_OK) result = integration_plan_make(&k->message.download.rows, &t->plan);
    if (result != ATOLL_OK) {
        kept_message_free(k);
        return result;
    }
    t->message = k;
    return ATOLL_OK;
}

/* ---- what a sweep must know ---- */

static status tell_rows(session *s, const model_view *view, wire_rows *rows, size_t count)
{
    const model_class *c =
        schema_class_named(model_view_schema(view), bytes_text(rows->class_name));
    if (c == NULL || c->kind != CLASS_NORMAL) return ATOLL_OK;
    for (size_t i = 0; i < count; i++) {
        value key = wire_column_value(&rows->key, i);
        row_key row = 0;
        if (rows->kinds.items[i] == ROW_EVICTED) continue;
        TRY(model_find_any(view, c->key, &key, &row));
        if (row != 0) TRY(row_set_add(&s->stage.told, c->key, row));
    }
    return ATOLL_OK;
}

/* After a restart: what was published of the group before it. */
static status tell_published(session *s, const model_view *view)
{
    const stage_record *r = &s->stage.record;
    for (uint64_t i = 0; i <= r->next && i < r->count; i++) {
        kept_message *k = NULL;
        TRY(session_read_staged(s, i, &k));
        const wire_rows_list *list = &k->message.download.rows;
        uint64_t left = i < r->next ? UINT64_MAX : r->row;
        status result = ATOLL_OK;
        for (size_t n = 0; n < list->count && left > 0 && result == ATOLL_OK; n++) {
            wire_rows *rows = list->items[n];
            if (rows->owner_class[0] != '\0') continue;
            uint64_t count = rows->count < left ? rows->count : left;
            result = tell_rows(s, view, rows, (size_t)count);
            left -= left == UINT64_MAX ? 0 : count;
        }
        kept_message_free(k);
        if (result != ATOLL_OK) return result;
    }
    return ATOLL_OK;
}

static status know_told(session *s)
{
    if (s->stage.told_known || !s->stage.record.sweep) return ATOLL_OK;
    model_view *view = model_view_newest(s->options.db);
    if (view == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    row_set_free(&s->stage.told);
    status result = BREAKAGE(BREAKAGE_TOLD_FORGOTTEN) ? ATOLL_OK : tell_published(s, view);
    model_view_release(view);
    s->stage.told_known = result == ATOLL_OK;
    return result;
}

/* ---- a slice ---- */

typedef struct slice {
    stage_record record; /* after it */
    sync_state state;
    size_t rows;
    bool last;
} slice;

static void note_step(session_stage *t, uint64_t took_us)
{
    size_t most = ROWS_MOST < SLICE_ROWS_LONG ? ROWS_MOST : SLICE_ROWS_LONG;
    if (took_us > STEP_LONG_US) t->rows_max -= t->rows_max / 2;
    if (took_us < STEP_SHORT_US) t->rows_max += t->rows_max / 4 + 1;
    if (t->rows_max < ROWS_LEAST) t->rows_max = ROWS_LEAST;
    if (t->rows_max > most) t->rows_max = most;
}

/* Of the message at hand. *more: it has others. */
static status take_step(const session_stage *t, integration *g, slice *x, bool *more)
{
    stage_record *r = &x->record;
    size_t from = (size_t)r->row, to = integration_plan_slice(&t->plan, from, t->rows_max);
    TRY(integrate_slice(g, &t->plan, from, to));
    x->rows += to - from;
    r->row = to;
    *more = to < t->plan.rows;
    return ATOLL_OK;
}

static status sweep_step(const session_stage *t, integration *g, slice *x, bool *more)
{
    stage_record *r = &x->record;
    integration_sweep at = {.class_index = (size_t)r->sweep_class, .row = r->sweep_row};
    TRY(integrate_sweep(g, &at, t->rows_max));
    x->rows += at.left;
    r->sweep_class = at.class_index;
    r->sweep_row = at.row;
    *more = !at.done;
    return ATOLL_OK;
}

static status take_slice(session *s, integration *g, slice *x)
{
    session_stage *t = &s->stage;
    stage_record *r = &x->record;
    const platform *p = s->options.platform;
    bool message = t->message != NULL, sweeps = r->sweep && !BREAKAGE(BREAKAGE_NO_SWEEP);
    bool more = message || sweeps;
    const uint64_t aim = t->others_write ? HOLD_AIM_US : HOLD_AIM_ALONE_US;
    for (uint64_t began = platform_now_us(p), last = began, now; more; last = now) {
        TRY(message ? take_step(t, g, x, &more) : sweep_step(t, g, x, &more));
        now = platform_now_us(p);
        note_step(t, now - last);
        bool enough = x->rows + t->rows_max > SLICE_ROWS_LONG || now - began >= aim;
        if (enough || model_writer_waits(s->options.db)) break;
    }
    if (message && !more) r->next++, r->row = 0;
    x->last = !more && r->next >= r->count && (!message || !sweeps);
    return ATOLL_OK;
}

/* With the last one the cursor moves, the view is the new one, and nothing of the group stays. */
static status finish_slice(session *s, model_txn *txn, slice *x)
{
    if (x->record.clock > x->state.seen) x->state.seen = x->record.clock;
    if (BREAKAGE(BREAKAGE_CURSOR_WITH_THE_FIRST_SLICE)) {
        x->state.cursor = x->record.to;
        TRY(sync_state_write(txn, &x->state));
        return stage_drop(txn, x->record.count);
    }
    if (!x->last) {
        TRY(stage_write(txn, &x->record));
        return sync_state_write(txn, &x->state);
    }
    x->state.cursor = x->record.to;
    TRY(session_settle_view(s, txn, &x->state, x->record.view_version));
    TRY(stage_drop(txn, x->record.count));
    return sync_state_write(txn, &x->state);
}

static status integrate_one(session *s, model_txn *txn, slice *x)
{
    uint64_t newest = 0;
    integration g;
    TRY(pending_fold(txn, s->options.db, &x->state, &newest));
    integration_begin(&g, txn, 0, x->state.sent_bound);
    g.told = x->record.sweep ? &s->stage.told : NULL;
    status result = take_slice(s, &g, x);
    integration_end(&g);
    return result == ATOLL_OK ? finish_slice(s, txn, x) : result;
}

static void note_hold(session_stage *t, size_t rows, uint64_t took_us)
{
    hold_times *h = &t->holds;
    int bucket = 0;
    while (bucket + 1 < HOLD_BUCKETS && took_us >> (bucket + 1) != 0) bucket++;
    h->counts[bucket]++;
    h->slices++;
    h->rows += rows;
    if (took_us > h->max_us) h->max_us = took_us;
}

/* Not under the lock, and now and then before the end: who writes waits for what of the slices is not on disk yet. */
static void sync_slices(session *s, const slice *x, bool durable)
{
    session_stage *t = &s->stage;
    uint64_t version = 0;
    t->unsynced_rows += x->rows;
    size_t most = t->others_write ? UNSYNCED_ROWS_MAX : UNSYNCED_ROWS_ALONE;
    if (!(x->last && durable) && t->unsynced_rows < most) return;
    t->unsynced_rows = 0;
    if (model_sync(s->options.db, &version) != ATOLL_OK)
        log_write(LOG_WARN, category, "a download is not on disk yet: %s", fail_text());
}

static status publish_one(session *s, slice *x)
{
    session_stage *t = &s->stage;
    model_txn *txn = NULL;
    TRY(read_next(s));
    TRY(know_told(s));
    *x = (slice){.record = t->record, .state = s->sync};
    bool durable = t->record.view_version > s->sync.view_version;
    const platform *p = s->options.platform;
    TRY(model_begin(s->options.db, COMMIT_REMOTE, &txn));
    uint64_t began_us = platform_now_us(p), version = model_txn_version(txn);
    if (t->version != 0 && version != t->version + 1) t->others_write = true;
    status result = integrate_one(s, txn, x);
    if (result != ATOLL_OK) {
        model_rollback(txn);
        t->told_known = false; /* Rows that it gave are not there. */
        return result;
    }
    TRY(model_commit_as(txn, false, NULL));
    note_hold(t, x->rows, platform_now_us(p) - began_us);
    NOTE_SLICE();
    if (x->record.next != t->record.next) forget_message(t);
    t->record = x->record;
    t->version = version;
    sync_slices(s, x, durable);
    return ATOLL_OK;
}

/* ---- all of them ---- */

static uint64_t hold_percentile(const hold_times *h, double part)
{
    uint64_t below = 0;
    for (int i = 0; i < HOLD_BUCKETS; i++) {
        below += h->counts[i];
        uint64_t bound = 2ull << i;
        if ((double)below >= part * (double)h->slices) return bound < h->max_us ? bound : h->max_us;
    }
    return h->max_us;
}

static void log_holds(const hold_times *h)
{
    char text[400];
    int used = 0;
    for (int i = 0; i < HOLD_BUCKETS && used < (int)sizeof text - 30; i++) {
        if (h->counts[i] == 0) continue;
        used += snprintf(text + used, sizeof text - (size_t)used, " <%llu:%llu", 2ull << i,
                         (unsigned long long)h->counts[i]);
    }
    log_write(LOG_DEBUG, category,
              "%llu rows were published in %llu slices; the write lock was held us: p50 <=%llu p99 "
              "<=%llu max %llu;%s",
              (unsigned long long)h->rows, (unsigned long long)h->slices,
              (unsigned long long)hold_percentile(h, 0.5),
              (unsigned long long)hold_percentile(h, 0.99), (unsigned long long)h->max_us, text);
}

void session_publish_begin(session *s, uint64_t now_ms)
{
    session_stage *t = &s->stage;
    t->publishing = true;
    t->told_known = t->record.next == 0 && t->record.row == 0;
    row_set_free(&t->told);
    t->due_ms = now_ms;
    t->rows_max = ROWS_FIRST < SLICE_ROWS_LONG ? ROWS_FIRST : SLICE_ROWS_LONG;
    t->version = 0;
    t->others_write = false;
    t->holds = (hold_times){{0}, 0, 0, 0};
    s->pong_deadline_ms = 0; /* Nothing that comes is looked at until the end. */
}

void session_publish_end(session *s)
{
    session_stage *t = &s->stage;
    forget_message(t);
    row_set_free(&t->told);
    t->abandoned = t->record.count > 0;
    t->publishing = t->paused = false;
}

status session_resume_stage(session *s)
{
    session_stage *t = &s->stage;
    TRY(stage_read(s->options.db, &t->record));
    const stage_record *r = &t->record;
    bool ours = r->complete && s->sync.ident != 0 && r->ident == s->sync.ident &&
                r->epoch == s->sync.epoch && s->reset.phase != RESET_DOWNLOADING &&
                !BREAKAGE(BREAKAGE_SLICES_NOT_RESUMED);
    if (r->count > 0 && ours) {
        NOTE_RESUMED();
        session_publish_begin(s, 0);
        t->told_known = false;
    }
    t->paused = !r->complete && r->resumable > 0 && s->sync.ident != 0 &&
                r->ident == s->sync.ident && s->reset.phase == RESET_NONE;
    t->abandoned = r->count > 0 && !ours && !t->paused;
    return ATOLL_OK;
}

static void published(session *s, uint64_t now_ms, const slice *x)
{
    session_stage *t = &s->stage;
    log_holds(&t->holds);
    t->record = (stage_record){0};
    session_publish_end(s);
    session_group_taken(s, &x->state);
    backoff_reset(&s->delay);
    session_progress_group_ends(s, true);
    session_take_held(s, now_ms);
    session_check_waits(s, now_ms);
}

static void publish_failed(session *s, uint64_t now_ms, status code)
{
    session_stage *t = &s->stage;
    forget_message(t);
    session_progress_group_ends(s, false);
    /* What can't be taken now is kept; what never can is asked for again. */
    bool never = code == ATOLL_ERROR_PROTOCOL || code == ATOLL_ERROR_INVALID_ARGUMENT ||
                 code == ATOLL_ERROR_TYPE_MISMATCH || code == ATOLL_ERROR_BAD_CHANGESET ||
                 code == ATOLL_ERROR_FILE_CORRUPT;
    t->due_ms = now_ms + RETRY_MS;
    if (never) session_publish_end(s);
    session_failed_here(s, now_ms, code, "publishing a download");
    if (code == ATOLL_ERROR_BAD_CHANGESET) session_ask_for_everything(s);
}

/* What a group that was cut left on disk. */
static void drop_abandoned(session *s, uint64_t now_ms)
{
    session_stage *t = &s->stage;
    model_txn *txn = NULL;
    t->due_ms = now_ms + RETRY_MS;
    if (model_begin(s->options.db, COMMIT_REMOTE, &txn) != ATOLL_OK) return;
    if (stage_drop(txn, t->record.count) != ATOLL_OK) {
        model_rollback(txn);
        return;
    }
    if (model_commit_as(txn, false, NULL) != ATOLL_OK) return;
    t->record = (stage_record){0};
    t->abandoned = false;
}

bool session_publish_due(const session *s, uint64_t now_ms)
{
    return session_publish_deadline(s) <= now_ms;
}

uint64_t session_publish_deadline(const session *s)
{
    const session_stage *t = &s->stage;
    bool running = s->state == STATE_ACTIVE || s->state == STATE_DYING;
    return running && (t->publishing || t->abandoned) ? t->due_ms : UINT64_MAX;
}

void session_publish_slice(session *s, uint64_t now_ms)
{
    slice x;
    if (!s->stage.publishing) {
        drop_abandoned(s, now_ms);
        return;
    }
    status result = publish_one(s, &x);
    if (result != ATOLL_OK) {
        publish_failed(s, now_ms, result);
    } else if (x.last || BREAKAGE(BREAKAGE_CURSOR_WITH_THE_FIRST_SLICE)) {
        published(s, now_ms, &x);
    } else {
        s->sync = x.state;
        s->stage.due_ms = now_ms + SLICE_DELAY_MS;
    }
}

bool session_takes_messages(const session *s)
{
    return !s->stage.publishing;
}
