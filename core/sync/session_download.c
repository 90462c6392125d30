/* Downloads: the parts of a group are collected until it is complete, in memory or on disk, and then published.
 * It must never publish a part of a group before all of it is here. Invariant: the cursor moves in the transaction that
 * publishes the last of what lies below it. */
#include "sync/breakage.h"
#include "sync/session_internal.h"

enum { CURSOR_STORES = 100 }; /* while the maximum offline time goes by */

/* ---- collecting ---- */

static bool is_staging(const session *s)
{
    const session_stage *t = &s->stage;
    return t->record.count > 0 && !t->abandoned && !t->publishing && !t->paused;
}

bool session_collects(const session *s)
{
    return s->staged.count > 0 || is_staging(s);
}

void session_unstage(session *s)
{
    for (size_t i = 0; i < s->staged.count; i++) kept_message_free(s->staged.items[i]);
    s->staged.count = 0;
    s->staged_rows = s->staged_bytes = 0;
    if (is_staging(s)) s->stage.abandoned = true;
}

void session_pause_stage(session *s)
{
    session_stage *t = &s->stage;
    bool goes_on = is_staging(s) && t->record.resumable > 0 && s->reset.phase == RESET_NONE;
    if (goes_on) t->paused = true;
    session_unstage(s);
}

/* What is on disk is given up, or gone on with, or not there yet. */
static status stage_from(const session *s, model_txn *txn, const wire_download *d,
                         stage_record *next)
{
    const session_stage *t = &s->stage;
    *next = t->record;
    next->epoch = s->sync.epoch;
    if (is_staging(s)) return ATOLL_OK;
    if (t->paused && d->continues) return stage_cut(txn, next);
    *next = (stage_record){.ident = s->sync.ident, .epoch = s->sync.epoch};
    return stage_drop(txn, t->record.count);
}

/* One commit, which is not on disk when it returns: what is lost comes again. */
static status stage_one(session *s, bytes message, const wire_download *d)
{
    session_stage *t = &s->stage;
    stage_record next;
    model_txn *txn = NULL;
    TRY(model_begin(s->options.db, COMMIT_REMOTE, &txn));
    status result = stage_from(s, txn, d, &next);
    if (d->last) {
        const download_end *e = &s->ended;
        next.complete = true;
        next.sweep = e->sweep;
        next.to = e->to;
        next.view_version = e->view_version;
        next.clock = e->clock;
        if (result == ATOLL_OK && s->subscribed.version != 0)
            result = subscription_set_keep_staged(txn, &s->subscribed);
    }
    if (result == ATOLL_OK) result = stage_add(txn, &next, message);
    if (d->last) next.resumable = 0;
    if (d->position.size > 0 && d->position.size <= STAGE_POSITION_MAX) {
        memcpy(next.position, d->position.data, d->position.size);
        next.position_size = d->position.size;
        next.resumable = next.count;
    }
    if (result == ATOLL_OK) result = stage_write(txn, &next);
    if (result != ATOLL_OK) {
        model_rollback(txn);
        return result;
    }
    TRY(model_commit_as(txn, false, NULL));
    if (t->paused && d->continues) NOTE_CONTINUED(next.count - 1);
    t->record = next;
    t->abandoned = t->paused = false;
    return ATOLL_OK;
}

/* What is in memory goes to the disk, of a complete group with the message that ends it. */
static status stage_all(session *s, bytes last)
{
    size_t rows = s->staged_rows, count = s->staged.count;
    for (size_t i = 0; i < count; i++) {
        const kept_message *k = s->staged.items[i];
        bool ends = last.data != NULL && i + 1 == count;
        TRY(stage_one(s, ends ? last : bytes_of(k->bytes, k->size), &k->message.download));
    }
    for (size_t i = 0; i < count; i++) kept_message_free(s->staged.items[i]);
    s->staged.count = 0;
    s->staged_bytes = 0;
    s->staged_rows = rows;
    return ATOLL_OK;
}

static status collect(session *s, kept_message *k, bytes message, bool *kept)
{
    const wire_download *d = &k->message.download;
    if (is_staging(s) || d->continues) return stage_one(s, message, d);
    if (!d->last) {
        k->bytes = memory_allocate(message.size);
        if (k->bytes == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
        memcpy(k->bytes, message.data, message.size);
    }
    TRY(vector_push(&s->staged, k));
    *kept = true;
    s->staged_bytes += message.size;
    if (d->last || s->staged_bytes <= STAGE_BYTES_MAX) return ATOLL_OK;
    return stage_all(s, bytes_of(NULL, 0));
}

typedef status (*download_visitor)(void *context, const wire_download *d);

status session_each_download(session *s, download_visitor each, void *context)
{
    for (size_t i = 0; i < s->staged.count; i++)
        TRY(each(context, &s->staged.items[i]->message.download));
    if (!is_staging(s)) return ATOLL_OK;
    for (uint64_t i = 0; i < s->stage.record.count; i++) {
        kept_message *k = NULL;
        TRY(session_read_staged(s, i, &k));
        status result = each(context, &k->message.download);
        kept_message_free(k);
        if (result != ATOLL_OK) return result;
    }
    return ATOLL_OK;
}

static status take_schema(void *context, const wire_download *d)
{
    return session_take_schema(context, &d->schema);
}

/* Also of a group without rows: it is told once. */
status session_take_schemas(session *s)
{
    return session_each_download(s, take_schema, s);
}

/* ---- taking a complete group ---- */

status session_settle_view(session *s, model_txn *txn, sync_state *next, uint64_t view_version)
{
    if (view_version == 0 || view_version <= next->view_version) return ATOLL_OK;
    next->view_version = view_version;
    bool pending = false;
    TRY(pending_any(s->options.db, &pending));
    if (pending || s->local_changes) TRY(subscription_set_keep_before(txn));
    TRY(subscription_set_settle(txn, view_version, SUBSCRIPTION_COMPLETE, NULL));
    return s->subscribed.version == view_version
               ? subscription_set_activate(txn, &s->subscribed)
               : subscription_set_activate_staged(txn, view_version);
}

static status take_rows(void *context, const wire_download *d)
{
    return integrate_rows(context, &d->rows);
}

static status integrate_group(session *s, model_txn *txn, sync_state *next)
{
    uint64_t newest = 0;
    const download_end *e = &s->ended;
    integration g;
    row_set told = {0};
    integration_sweep sweep = {0};
    TRY(pending_fold(txn, s->options.db, next, &newest));
    integration_begin(&g, txn, 0, next->sent_bound);
    g.told = e->sweep ? &told : NULL;
    status result = session_each_download(s, take_rows, &g);
    if (result == ATOLL_OK && e->sweep && !BREAKAGE(BREAKAGE_NO_SWEEP))
        result = integrate_sweep(&g, &sweep, SIZE_MAX);
    integration_end(&g);
    row_set_free(&told);
    if (result != ATOLL_OK) return result;
    if (e->clock > next->seen) next->seen = e->clock;
    next->cursor = e->to;
    TRY(session_settle_view(s, txn, next, e->view_version));
    return sync_state_write(txn, next);
}

void session_group_taken(session *s, const sync_state *next)
{
    bool subscriptions = next->view_version > s->sync.view_version;
    s->sync = *next;
    s->catching_up = false;
    if (!subscriptions) return;
    session_queue(s, SESSION_ACTION_SUBSCRIPTIONS, 0, ATOLL_OK, NULL);
    if (s->subscribed.version <= next->view_version) subscription_set_free(&s->subscribed);
    s->subscribe_wanted = true;
}

static status take_whole(session *s)
{
    sync_state next = s->sync;
    model_txn *txn = NULL;
    bool subscriptions = s->ended.view_version > s->sync.view_version;
    TRY(model_begin(s->options.db, COMMIT_REMOTE, &txn));
    status result = integrate_group(s, txn, &next);
    if (result != ATOLL_OK) {
        model_rollback(txn);
        return result;
    }
    /* A power cut may take it back, cursor and all: then it comes again. */
    TRY(model_commit_as(txn, subscriptions, NULL));
    session_group_taken(s, &next);
    return ATOLL_OK;
}

static uint64_t objects_here(const session *s)
{
    model_view *view = model_view_newest(s->options.db);
    uint64_t count = 0;
    const model_schema *schema = view == NULL ? NULL : model_view_schema(view);
    for (size_t i = 0; schema != NULL && i < schema->class_count; i++)
        count += model_count(view, schema->classes[i].key);
    model_view_release(view);
    return count;
}

/* What others wrote together is seen together, as long as it is not large; what was missed comes in slices. */
static bool wants_slices(const session *s)
{
    uint64_t work = s->staged_rows + (s->ended.sweep ? objects_here(s) : 0);
    if (work <= SLICE_ROWS_MAX) return false;
    return s->ended.sweep || s->catching_up || work > WHOLE_ROWS_MAX ||
           s->staged_bytes > STAGE_BYTES_MAX;
}

/* A copy that nothing happens to for weeks must not look as if it had been away. */
static status store_cursor(session *s)
{
    uint64_t now_ms = s->options.platform->monotonic_ms(s->options.platform->context);
    if (s->offline_ms == 0 || now_ms - s->cursor_stored_ms < s->offline_ms / CURSOR_STORES)
        return ATOLL_OK;
    s->cursor_stored_ms = now_ms;
    sync_state now = s->sync;
    return session_store_state(s, &now);
}

static status take_group(session *s, uint64_t now_ms, bytes message)
{
    const download_end *e = &s->ended;
    bool on_disk = is_staging(s), subscriptions = e->view_version > s->sync.view_version;
    if (!on_disk) TRY(session_take_schemas(s));
    if (!on_disk && s->staged_rows == 0 && !e->sweep && !subscriptions) {
        /* Only the cursor moves: remembered, and written with the next thing that is worth a commit. */
        s->sync.cursor = e->to;
        s->catching_up = false;
        if (e->clock > s->sync.seen) s->sync.seen = e->clock;
        return store_cursor(s);
    }
    if (s->reset.phase == RESET_DOWNLOADING) return session_reset_take(s);
    if (s->stage.paused && e->sweep) {
        s->stage.paused = false; /* There is another view, or a newer one. */
        s->stage.abandoned = true;
    }
    if (!on_disk && !wants_slices(s)) return take_whole(s);
    if (!on_disk) TRY(stage_all(s, message));
    session_publish_begin(s, now_ms);
    return ATOLL_OK;
}

/* ---- messages ---- */

static size_t rows_in(const wire_rows_list *rows)
{
    size_t count = 0;
    for (size_t i = 0; i < rows->count; i++) count += rows->items[i]->count;
    return count;
}

status session_take_download(session *s, uint64_t now_ms, kept_message *k, bytes message,
                             bool *kept)
{
    const wire_download *d = &k->message.download;
    bool last =
        d->last; /* The message may be on disk, and not here any more, once it is collected. */
    if (d->to < d->from)
        return fail(ATOLL_ERROR_PROTOCOL, "a download goes from version %llu to %llu",
                    (unsigned long long)d->from, (unsigned long long)d->to);
    if (d->continues && !s->stage.paused && !is_staging(s))
        return fail(ATOLL_ERROR_PROTOCOL, "a download goes on behind what is not here");
    if (s->staged.count > 0 && s->staged.items[0]->message.kind != SERVER_DOWNLOAD)
        return fail(ATOLL_ERROR_PROTOCOL, "a download inside of an acknowledgement");
    s->ended = (download_end){d->from, d->to, d->view_version, d->clock, d->sweep};
    s->staged_rows += rows_in(&d->rows);
    session_progress_received(s, k->size, s->staged_rows, last ? 0 : d->remaining_rows + 1);
    TRY(collect(s, k, message, kept));
    if (BREAKAGE(BREAKAGE_MARK_MOVED_ON_A_MISS) && !last) {
        sync_state next = s->sync;
        next.cursor = s->ended.to;
        TRY(session_store_state(s, &next));
    }
    if (!last) return ATOLL_OK;
    if (session_reset_asks(s)) return ATOLL_OK;
    status result = take_group(s, now_ms, message);
    session_unstage(s);
    if (s->stage.publishing) return ATOLL_OK; /* The end of that ends the group. */
    session_progress_group_ends(s, result == ATOLL_OK);
    if (result == ATOLL_OK) backoff_reset(&s->delay);
    return result;
}
