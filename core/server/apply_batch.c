/* A whole batch: its parts in their order, its embedded objects after their roots, and the one commit.
 * It must never commit a part of a batch, nor hold more than one of its messages decoded. Invariant: what the batch did to
 * the ident's record, to marks and to rows is in one commit, or nowhere. */
#include "server/apply.h"
#include "sync/breakage.h"

enum { ROUNDS_MAX = 16 }; /* so often a batch is applied again without what was refused */

/* ---- embedded objects: checked with their root, which the batch names ---- */

static status apply_embedded_row(batch_apply *a, wire_rows *rows, size_t i, const model_class *c,
                                 bool *done)
{
    const model_view *view = model_txn_view(a->txn);
    value id = wire_column_value(&rows->key, i);
    row_key row = 0, root = 0;
    class_key root_class = 0;
    bool lost = false;
    TRY(model_embedded_find(view, c->key, id.as.id, &row));
    if (row == 0 || !model_alive(view, c->key, row)) return ATOLL_OK;
    *done = true;
    TRY(model_root_get(view, c->key, row, &root_class, &root));
    uint64_t name = root_name(root_class, root);
    a->broken_list = false;
    if (!map64_has_bit(&a->named, name))
        return fail(ATOLL_ERROR_INVALID_ARGUMENT,
                    "an embedded object of class '%s' comes without its root", c->name);
    if (map64_has_bit(&a->refused, name)) return ATOLL_OK;
    row_mark mark, root_mark = {0};
    TRY(meta_read(a->app, c->key, row, &mark));
    field_target target = {.c = c, .row = row, .mark = &mark, .lost = &lost};
    status result = apply_fields(a, rows, i, &target);
    if (result == ATOLL_OK) result = meta_write(a->app, c->key, row, &mark);
    if (result == ATOLL_OK) result = meta_read(a->app, root_class, root, &root_mark);
    if (result == ATOLL_OK) result = meta_touch(a->app, root_class, root, &root_mark, a->version);
    if (result == ATOLL_OK) result = meta_write(a->app, root_class, root, &root_mark);
    if (result == ATOLL_OK && lost)
        result = apply_outcome(a, root_class, root, root_mark.life, a->broken_list);
    row_mark_free(&mark);
    row_mark_free(&root_mark);
    return result;
}

/* It is not there (any more): whoever uploaded it gets its root's state. */
static status miss_embedded(batch_apply *a, wire_rows *rows, size_t i)
{
    const model_view *view = model_txn_view(a->txn);
    const model_class *owner =
        schema_class_named(model_view_schema(view), bytes_text(rows->owner_class));
    value key = wire_column_value(&rows->owner_keys, i);
    row_key row = 0;
    if (owner == NULL || owner->kind != CLASS_NORMAL || owner->primary_key == 0) return ATOLL_OK;
    const model_property *p = class_property(owner, owner->primary_key);
    if (p == NULL || p->type != key.type) return ATOLL_OK;
    TRY(model_find_any(view, owner->key, &key, &row));
    return row == 0 ? ATOLL_OK : apply_outcome(a, owner->key, row, 0, false);
}

/* first: how many rows of embedded classes came before these in the batch, so that each has a number of its own. */
static status apply_embedded(batch_apply *a, wire_rows *rows, uint64_t first, bool final,
                             size_t *progress)
{
    const model_schema *schema = model_view_schema(model_txn_view(a->txn));
    const model_class *c = schema_class_named(schema, bytes_text(rows->class_name));
    const model_class *owner = schema_class_named(schema, bytes_text(rows->owner_class));
    if (c == NULL || c->kind != CLASS_EMBEDDED || rows->key.type != VALUE_EMBEDDED) {
        return fail(ATOLL_ERROR_INVALID_ARGUMENT,
                    "'%s' is no embedded class, or its keys are no identities", rows->class_name);
    }
    if (owner != NULL && owner->kind == CLASS_ASYMMETRIC) return ATOLL_OK;
    for (size_t i = 0; i < rows->count; i++) {
        bool done = false;
        model_read_pause(model_txn_view(a->txn)); /* Nothing is held of the row before. */
        if (map64_has_bit(&a->placed, first + i)) continue;
        TRY(apply_embedded_row(a, rows, i, c, &done));
        if (done) TRY(map64_put_bit(&a->placed, first + i, true));
        if (!done && final) TRY(miss_embedded(a, rows, i));
        *progress += done;
    }
    return ATOLL_OK;
}

/* What is written inside of an embedded object is written in its root: they are judged together, so this is known first.
 * Objects that are new come with the field that holds them. */
static status find_forbidden(batch_apply *a, const wire_rows *rows)
{
    const model_view *view = model_txn_view(a->txn);
    const model_class *c =
        schema_class_named(model_view_schema(view), bytes_text(rows->class_name));
    if (c == NULL || c->kind != CLASS_EMBEDDED || rows->key.type != VALUE_EMBEDDED) return ATOLL_OK;
    for (size_t i = 0; i < rows->count; i++) {
        value id = wire_column_value(&rows->key, i);
        model_owner top = {0};
        row_key row = 0;
        TRY(model_embedded_find(view, c->key, id.as.id, &row));
        if (row == 0 || !model_alive(view, c->key, row)) continue;
        TRY(model_owner_get(view, c->key, row, &top));
        TRY(rules_top_owner(view, &top));
        if (!rules_writes_field(a->views->rules, top.class_of, top.property))
            TRY(map64_put_bit(&a->forbidden, root_name(top.class_of, top.row), true));
    }
    return ATOLL_OK;
}

static status forbidden_in_part(batch_apply *a, const wire_upload *u)
{
    for (size_t i = 0; i < u->rows.count; i++) {
        if (u->rows.items[i]->owner_class[0] != '\0') TRY(find_forbidden(a, u->rows.items[i]));
    }
    return ATOLL_OK;
}

/* Those of asymmetric classes concern no row, and no row them. */
static status apply_roots(batch_apply *a, const wire_upload *u)
{
    for (size_t i = 0; i < u->rows.count; i++) {
        if (u->rows.items[i]->owner_class[0] == '\0') TRY(apply_group(a, u->rows.items[i]));
    }
    return ingest_rows(a->app, a->txn, a->ident, &a->record, a->views->rules, u);
}

/* *first: the number of its first row; of the part after it, at the end. */
static status embedded_in_part(batch_apply *a, const wire_upload *u, bool final, uint64_t *first,
                               size_t *progress)
{
    for (size_t i = 0; i < u->rows.count; i++) {
        if (u->rows.items[i]->owner_class[0] == '\0') continue;
        TRY(apply_embedded(a, u->rows.items[i], *first, final, progress));
        *first += u->rows.items[i]->count;
    }
    return ATOLL_OK;
}

static status embedded_in_parts(batch_apply *a, staged_batch *batch, bool final, size_t *progress)
{
    uint64_t first = 1;
    const wire_upload *u = NULL;
    for (size_t k = 0; k < batch->parts.count; k++) {
        if (!batch->parts.items[k].embedded) continue;
        TRY(staging_read(batch, k, &u));
        TRY(embedded_in_part(a, u, final, &first, progress));
    }
    return ATOLL_OK;
}

/* One message is in memory at a time; each pass reads those again that concern it. The roots before `first` are done. */
static status apply_parts(batch_apply *a, staged_batch *batch, size_t first)
{
    size_t progress = 1;
    bool any_embedded = false;
    const wire_upload *u = NULL;
    for (size_t k = 0; k < batch->parts.count; k++) {
        any_embedded |= batch->parts.items[k].embedded;
        if (!a->views->rules->restricts || !batch->parts.items[k].embedded) continue;
        TRY(staging_read(batch, k, &u));
        TRY(forbidden_in_part(a, u));
    }
    for (size_t k = first; k < batch->parts.count; k++) {
        TRY(staging_read(batch, k, &u));
        TRY(apply_roots(a, u));
    }
    for (int pass = 0; any_embedded && pass < 100 && progress > 0; pass++) {
        progress = 0;
        TRY(embedded_in_parts(a, batch, false, &progress));
    }
    return any_embedded ? embedded_in_parts(a, batch, true, &progress) : ATOLL_OK;
}

/* Conditions that ask for more than fields of one value, now that embedded objects and what links lead to are there. */
static status judge_later(batch_apply *a)
{
    const model_view *after = model_txn_view(a->txn);
    for (size_t i = 0; i < a->later.count; i++) {
        const later_check *l = &a->later.items[i];
        const class_rules *rules = rules_of(a->views->rules, l->class_of);
        const char *reason = l->not_in_view;
        model_read_pause(after); /* Nothing is held of the row before. */
        for (size_t k = 0; k < a->views->count && reason != NULL; k++) {
            if (view_matches(a->views->items[k], after, l->class_of, l->row)) reason = NULL;
        }
        bool allowed = !l->written || rules == NULL || rules->write == NULL ||
                       query_matches(rules->write, after, l->row);
        if (!allowed) reason = rules_no_write;
        /* One refusal may lead to another; in the end all that has to be asked is refused. */
        if (reason == NULL && a->rounds >= ROUNDS_MAX) reason = rules_no_write;
        if (reason == NULL || BREAKAGE(BREAKAGE_WRITE_NOT_JUDGED)) continue;
        TRY(map64_put(&a->refused_later, l->place, (uint64_t)(uintptr_t)reason));
    }
    return ATOLL_OK;
}

static status keep_uncertain(batch_apply *a, uint64_t cursor)
{
    size_t kept = 0;
    for (size_t i = 0; i < a->record.uncertain.count; i++) {
        if (a->record.uncertain.items[i].version > cursor)
            a->record.uncertain.items[kept++] = a->record.uncertain.items[i];
    }
    a->record.uncertain.count = kept;
    for (size_t i = 0; i < a->record.outcome.count; i++) {
        uncertain_row row = {a->record.outcome.items[i].class_of, a->record.outcome.items[i].row,
                             a->version};
        TRY(vector_push(&a->record.uncertain, row));
    }
    return ATOLL_OK;
}

/* The newest few: whoever resets, or was copied, may have no acknowledgement of one. */
static status remember_applied(ident_record *r, const staged_batch *b, uint64_t version)
{
    applied_batch batch = {.bound = b->bound, .version = version};
    memcpy(batch.id, b->id, sizeof batch.id);
    if (r->applied.count == APPLIED_BATCHES_MAX) {
        r->applied.count--;
        memmove(r->applied.items, r->applied.items + 1, r->applied.count * sizeof batch);
    }
    return vector_push(&r->applied, batch);
}

static status apply_all(batch_apply *a, staged_batch *batch, size_t first)
{
    TRY(apply_parts(a, batch, first));
    TRY(judge_later(a));
    a->record.has_batch = true;
    TRY(remember_applied(&a->record, batch, a->version));
    memcpy(a->record.last_batch, batch->id, 16);
    a->record.bound = batch->bound;
    a->record.batch_version = a->version;
    TRY(keep_uncertain(a, batch->cursor));
    TRY(marks_flush(a->app, a->txn));
    TRY(ident_write(a->txn, a->ident, &a->record));
    return app_record_write(a->app, a->txn);
}

/* Nothing of what was tried stays. */
static void forget_attempt(batch_apply *a)
{
    ident_record_free(&a->record);
    a->record = (ident_record){0};
    map64_clear(&a->named);
    map64_clear(&a->refused);
    map64_clear(&a->outcome);
    map64_clear(&a->forbidden);
    map64_clear(&a->placed);
    a->later.count = 0;
    a->place = 0;
}

void batch_free(batch_apply *a)
{
    forget_attempt(a);
    map64_free(&a->named);
    map64_free(&a->refused);
    map64_free(&a->outcome);
    map64_free(&a->forbidden);
    map64_free(&a->placed);
    map64_free(&a->refused_later);
    vector_free(&a->later);
    if (a->before != NULL) model_view_release((model_view *)(uintptr_t)a->before);
}

bool batch_judges_plainly(const judging_views *views)
{
    bool plain = true;
    for (size_t i = 0; i < views->rules->classes.count && plain; i++) {
        const class_rules *c = &views->rules->classes.items[i];
        plain = (c->read == NULL || query_is_plain(c->read)) &&
                (c->write == NULL || query_is_plain(c->write));
    }
    for (size_t i = 0; i < views->count && plain; i++) {
        const server_view *v = views->items[i];
        for (size_t k = 0; k < v->queries.count && plain; k++)
            plain = query_is_plain(v->queries.items[k]);
    }
    return plain;
}

status batch_begin(batch_apply *a, const wire_upload *first)
{
    bool found = false;
    TRY(ident_read(a->app, a->ident, &a->record, &found));
    if (!found)
        return fail(ATOLL_ERROR_INTERNAL, "ident %llu is not known", (unsigned long long)a->ident);
    ident_forget_rejected(&a->record);
    a->record.outcome.count = 0;
    TRY(app_begin(a->app, &a->txn));
    a->version = model_txn_version(a->txn);
    /* So the memory budget holds within a batch too: of what was read for one row nothing is kept for the next. */
    model_txn_rest(a->txn);
    return trails_take(a->app, a->txn, a->ident, a->record.batch_version, first);
}

status batch_part(batch_apply *a, const wire_upload *u)
{
    model_reader *reader = model_read_begin(a->app->db);
    a->limit = (uint64_t)app_now_ms(a->app) << 16 | 0xffff;
    status result = apply_roots(a, u);
    model_read_end(a->app->db, reader);
    return result;
}

/* *again: some objects were refused when all was there, and nothing was committed. Ends the transaction. */
static status apply_and_commit(batch_apply *a, staged_batch *batch, size_t first, uint64_t *version,
                               bool *again)
{
    model_reader *reader = model_read_begin(a->app->db);
    size_t refused = a->refused_later.count;
    status result = apply_all(a, batch, first);
    model_read_end(a->app->db, reader);
    model_txn *txn = a->txn;
    a->txn = NULL;
    *again = result == ATOLL_OK && a->refused_later.count > refused;
    if (result == ATOLL_OK && !*again) return model_commit(txn, version);
    model_rollback(txn);
    return result;
}

/* The rest of a batch of which all messages but the last were applied as they came. */
static status end_early(batch_apply *a, staged_batch *batch, size_t parts, app_state *state,
                        uint64_t *version)
{
    server_app *app = a->app;
    bool again = false;
    app_state_swap(app, state);
    status result = apply_and_commit(a, batch, parts, version, &again);
    if (result != ATOLL_OK) app_state_swap(app, state);
    app_state_free(app, state);
    return result;
}

static status attempt(batch_apply *a, staged_batch *batch, uint64_t *version, bool *again)
{
    server_app *app = a->app;
    const wire_upload *first = NULL;
    uint64_t clock = app->clock, ingest = app->ingest_position, stored = app->ingest_bytes;
    a->rounds++;
    *again = false;
    TRY(staging_read(batch, 0, &first));
    status result = batch_begin(a, first);
    if (result == ATOLL_OK) {
        result = apply_and_commit(a, batch, 0, version, again);
    } else {
        model_rollback(a->txn);
        a->txn = NULL;
    }
    if (result == ATOLL_OK && !*again) return ATOLL_OK;
    marks_forget(app);
    app->clock = clock;
    app->ingest_position = ingest;
    app->ingest_bytes = stored;
    return result;
}

static status apply_whole(batch_apply *a, staged_batch *batch, uint64_t *version)
{
    if (!batch_judges_plainly(a->views)) {
        a->before = model_view_newest(a->app->db);
        if (a->before == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    }
    status result = ATOLL_OK;
    for (bool again = true; again && result == ATOLL_OK;) {
        forget_attempt(a);
        result = attempt(a, batch, version, &again);
    }
    return result;
}

status apply_batch(server_app *app, uint64_t ident, const judging_views *views, staged_batch *batch,
                   uint64_t *version)
{
    batch_apply a = {.app = app, .ident = ident};
    app_state state;
    size_t parts = 0;
    bool early = early_take(app, batch, &a, &parts, &state);
    a.view = views->items[0];
    a.views = views;
    a.limit = (uint64_t)app_now_ms(app) << 16 | 0xffff;
    status result =
        early ? end_early(&a, batch, parts, &state, version) : apply_whole(&a, batch, version);
    marks_settle(app);
    links_tidy(app);
    batch_free(&a);
    return result;
}
