/* Uploads: a batch is everything pending at its snapshot, cut into messages of about a megabyte.
 * It must never send what is not durable here, nor begin a batch while another is unanswered. Invariant: the id and bound of a
 * batch are on disk before its first byte leaves. */
#include "sync/session_internal.h"
#include "sync/trail.h"

enum { SNAPSHOT_ATTEMPTS_MAX = 20, SNAPSHOT_RETRY_MS = 20 };

static const char category[] = "Realm.Sync.Client.Session";

static status found_one(void *context, const local_commit *commit)
{
    (void)commit;
    *(bool *)context = true;
    return ATOLL_ERROR_CANCELLED;
}

bool session_has_pending(session *s)
{
    bool any = false;
    if (s->batch.active) return true;
    if (pending_any(s->options.db, &any) != ATOLL_OK || any) return true;
    status result =
        model_local_commits(s->options.db, model_folded(s->options.db), found_one, &any);
    return any || result != ATOLL_OK;
}

bool session_upload_ready(const session *s, uint64_t now_ms)
{
    return s->phase == PHASE_BOUND && s->local_changes && !s->hold_upload &&
           s->reset.phase != RESET_DOWNLOADING && s->reset_asks == RESET_ASKS_NOTHING &&
           s->sync.sent_bound == 0 && now_ms >= s->upload_retry_ms;
}

void session_upload_end(session *s)
{
    upload_batch *b = &s->batch;
    pending_cursor_free(&b->next_row);
    pending_cursor_free(&b->next_embedded);
    pending_snapshot_free(&b->pending);
    map64_free(&b->stamps);
    map64_free(&b->roots);
    model_view_release(b->view);
    *b = (upload_batch){0};
}

/* ---- the snapshot ---- */

static void set_server_now(session *s)
{
    const platform *p = s->options.platform;
    s->clock.server_now_ms = (int64_t)p->monotonic_ms(p->context) + s->clock.monotonic_offset_ms;
}

/* New elements get their stamps in the realm itself: their order is the same here and everywhere from now on. */
static status stamp_list(session *s, model_txn *txn, class_key c, row_key row, property_key p)
{
    list_state state;
    list_state_init(&state);
    bool changed = false;
    status result = model_list_state(model_txn_view(txn), c, row, p, &state);
    for (size_t i = 0; result == ATOLL_OK && i < state.elements.count; i++) {
        list_element *x = &state.elements.items[i];
        if (x->touched == 0 || (x->stamp != 0 && x->value_stamp != 0)) continue;
        uint64_t stamp = 0;
        result = pending_stamp_of(txn, s->options.db, x->touched, &stamp);
        if (stamp == 0) stamp = s->sync.last_stamp;
        if (x->stamp == 0) x->stamp = stamp;
        if (x->value_stamp == 0) {
            x->value_stamp = stamp;
            x->value_actor = s->sync.ident;
        }
        changed = true;
    }
    if (result == ATOLL_OK && changed) result = model_list_store(txn, c, row, p, &state);
    list_state_free(&state);
    return result;
}

static status stamp_run(session *s, model_txn *txn, const model_class *c, const pending_run *run)
{
    for (size_t k = 0; k < run->entry->fields.count; k++) {
        const model_property *p = class_property(c, run->entry->fields.items[k].property);
        if (p == NULL || (p->flags & PROPERTY_COLLECTION) == 0) continue;
        for (uint32_t i = 0; i < run->count; i++) {
            bool there = false;
            TRY(model_is_there(model_txn_view(txn), c->key, run->first + i, &there));
            if (there) TRY(stamp_list(s, txn, c->key, run->first + i, p->key));
        }
    }
    return ATOLL_OK;
}

static status stamp_lists(session *s, model_txn *txn)
{
    const model_schema *schema = model_view_schema(model_txn_view(txn));
    pending_cursor cursor = {0};
    pending_run run = {0};
    status result = ATOLL_OK;
    do {
        result = pending_cursor_next(&s->batch.pending, &cursor, &run);
        const model_class *c = schema_class(schema, run.class_of);
        if (result != ATOLL_OK || run.count == 0 || c == NULL) continue;
        s->batch.embedded |= c->kind == CLASS_EMBEDDED;
        result = stamp_run(s, txn, c, &run);
    } while (result == ATOLL_OK && run.count > 0);
    pending_cursor_free(&cursor);
    return result;
}

/* Folds and stamps. *newest: everything at or below it is folded. */
static status fold_all(session *s, uint64_t *newest)
{
    model_txn *txn = NULL;
    sync_state next = s->sync;
    TRY(model_begin(s->options.db, COMMIT_REMOTE, &txn));
    status result = pending_fold(txn, s->options.db, &next, newest);
    if (result == ATOLL_OK) result = sync_state_write(txn, &next);
    if (result != ATOLL_OK) {
        model_rollback(txn);
        return result;
    }
    TRY(model_commit_as(txn, false, NULL)); /* session_upload_begin syncs before anything leaves */
    s->sync = next;
    return ATOLL_OK;
}

static status nothing_new(session *s, bool *again)
{
    bool any = false;
    status result =
        model_local_commits(s->options.db, model_folded(s->options.db), found_one, &any);
    *again = any;
    return any ? ATOLL_OK : result;
}

/* One try: *again when a local commit came between. */
static status snapshot(session *s, bool *again, bool *empty)
{
    uint64_t newest = 0, version = 0;
    model_txn *txn = NULL;
    TRY(nothing_new(s, again));
    if (*again || model_folded(s->options.db) == 0) TRY(fold_all(s, &newest));
    newest = model_folded(s->options.db);
    session_upload_end(s);
    TRY(pending_any(s->options.db, empty));
    *empty = !*empty;
    *again = false;
    if (*empty) return ATOLL_OK;
    TRY(pending_snapshot_take(s->options.db, &s->batch.pending));
    sync_state next = s->sync;
    TRY(model_begin(s->options.db, COMMIT_REMOTE, &txn));
    status result = nothing_new(s, again);
    set_server_now(s);
    if (result == ATOLL_OK && !*again) result = pending_stamp(txn, s->options.db, &next, &s->clock);
    s->sync.last_stamp = next.last_stamp;
    if (result == ATOLL_OK && !*again) result = stamp_lists(s, txn);
    next.sent_bound = newest;
    s->options.platform->random(s->options.platform->context, next.sent_batch, 16);
    if (result == ATOLL_OK && !*again) result = sync_state_write(txn, &next);
    if (result != ATOLL_OK || *again) {
        model_rollback(txn);
        return result;
    }
    TRY(model_commit_as(txn, false, &version));
    s->sync = next;
    s->batch.cursor = next.cursor;
    s->batch.view = model_view_newest(s->options.db);
    if (s->batch.view == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    *again = model_view_version(s->batch.view) != version;
    return ATOLL_OK;
}

status session_upload_begin(session *s, uint64_t now_ms, bool *begun)
{
    bool again = true, empty = false;
    uint64_t durable = 0, before = model_version(s->options.db);
    *begun = false;
    s->upload_retry_ms = 0;
    for (int i = 0; i < SNAPSHOT_ATTEMPTS_MAX && again; i++) {
        status result = snapshot(s, &again, &empty);
        if (result != ATOLL_OK) {
            session_upload_end(s);
            return result;
        }
        if (empty) break;
    }
    if (empty) {
        TRY(session_reset_done(s));
        session_upload_end(s);
        s->local_changes = false;
        s->uploaded_through = before;
        session_progress_all_sent(s);
        return ATOLL_OK;
    }
    if (again) {
        /* The app commits faster than we take snapshots: let it breathe. Nothing left the folder under this id. */
        session_upload_end(s);
        s->sync.sent_bound = 0;
        s->upload_retry_ms = now_ms + SNAPSHOT_RETRY_MS;
        return ATOLL_OK;
    }
    TRY(model_sync(s->options.db, &durable));
    s->local_changes = false;
    s->batch.active = true;
    session_progress_batch_begins(s);
    *begun = true;
    log_write(LOG_DEBUG, category, "uploading a batch of %llu rows up to version %llu",
              (unsigned long long)s->batch.pending.rows, (unsigned long long)s->sync.sent_bound);
    return ATOLL_OK;
}

/* ---- its parts ---- */

static status stamp_of(session *s, uint64_t version, uint64_t *out)
{
    uint64_t *known = map64_get(&s->batch.stamps, version);
    if (known != NULL) {
        *out = *known;
        return ATOLL_OK;
    }
    TRY(pending_stamp_of(NULL, s->options.db, version, out));
    return map64_put(&s->batch.stamps, version, *out);
}

/* What was added before a reset and is lost on the server: each with its own stamp, a column each. */
static status put_claims(session *s, wire_builder *b, wire_rows *group, const pending_entry *e,
                         const pending_field *f, const model_property *p)
{
    for (size_t i = 0; i < e->claims.count; i++) {
        const pending_claim *c = &e->claims.items[i];
        uint64_t stamp = c->stamp.stamp;
        if (c->property != f->property) continue;
        if (stamp == 0) TRY(stamp_of(s, f->claimed_version, &stamp));
        TRY(wire_builder_add(b, group, p->name, c->added, stamp));
    }
    return ATOLL_OK;
}

/* A field that was set, without what was added since: that is told apart. */
static status put_field(session *s, wire_builder *b, wire_rows *group, const model_class *c,
                        row_key row, const pending_entry *e, const pending_field *f,
                        const model_property *p)
{
    uint64_t stamp = 0;
    int64_t claimed = pending_field_claimed(f),
            fresh = (int64_t)((uint64_t)pending_field_added(f) - (uint64_t)claimed);
    bool added = pending_field_added(f) != 0;
    if (f->version != 0) {
        TRY(stamp_of(s, f->version, &stamp));
        if (f->set.stamp != 0) stamp = f->set.stamp;
        if ((p->flags & PROPERTY_COLLECTION) != 0) {
            /* Elements with an unsent change; touched is a log version, 0 when clean. */
            return rows_put_list(b, group, s->batch.view, c, row, p, 1, UINT64_MAX, stamp);
        }
        if (!added) return rows_put_field(b, group, s->batch.view, c, row, p, stamp, f->is_default);
        value v;
        TRY(model_get_raw(s->batch.view, c->key, row, p->key, &v));
        if (v.type == VALUE_INT)
            v.as.integer = (int64_t)((uint64_t)v.as.integer - (uint64_t)pending_field_added(f));
        TRY(wire_builder_put(b, group, p->name, p->type, VALUE_NULL, &v, stamp, f->is_default));
    }
    if (claimed != 0) TRY(put_claims(s, b, group, e, f, p));
    if (fresh == 0) return ATOLL_OK;
    uint64_t newest = f->added_version != 0 ? f->added_version : f->sent_version;
    TRY(stamp_of(s, newest, &stamp));
    return wire_builder_add(b, group, p->name, fresh, stamp);
}

static status put_fields(session *s, wire_builder *b, wire_rows *group, const model_class *c,
                         row_key row, const pending_entry *e)
{
    for (size_t i = 0; i < e->fields.count; i++) {
        const pending_field *f = &e->fields.items[i];
        const model_property *p = class_property(c, f->property);
        if (p == NULL || (p->flags & PROPERTY_PRIMARY_KEY) != 0) continue;
        TRY(put_field(s, b, group, c, row, e, f, p));
    }
    return ATOLL_OK;
}

static uint64_t root_name(class_key c, row_key row)
{
    return (uint64_t)c << 44 ^ row;
}

static status put_row(session *s, wire_builder *b, wire_rows *group, const model_class *c,
                      row_key row, const pending_entry *e, row_kind kind, uint64_t life)
{
    value key;
    TRY(rows_key(s->batch.view, c, row, &key));
    TRY(wire_builder_row(b, group, kind, &key, life, e->base));
    if (s->batch.embedded) TRY(map64_put(&s->batch.roots, root_name(c->key, row), 1));
    return kind == ROW_REMOVE ? ATOLL_OK : put_fields(s, b, group, c, row, e);
}

/* Rows of which every field was set and stands in a column: column by column. Not *done: row by row. */
static status put_columns(session *s, wire_builder *b, wire_rows *group, const model_class *c,
                          const pending_run *run, row_kind kind, uint64_t life, bool *done)
{
    value values[ROWS_RUN_MAX];
    const pending_entry *e = run->entry;
    const model_property *key = class_property(c, c->primary_key);
    bool plain = key != NULL && run->count > 1 && kind != ROW_REMOVE;
    *done = false;
    for (size_t i = 0; i < e->fields.count && plain; i++) {
        const pending_field *f = &e->fields.items[i];
        const model_property *p = class_property(c, f->property);
        if (p == NULL || (p->flags & PROPERTY_PRIMARY_KEY) != 0) continue;
        plain = f->version != 0 && pending_field_added(f) == 0;
        if (plain) TRY(rows_read_run(s->batch.view, c, run->first, run->count, p, values, &plain));
    }
    if (plain) TRY(rows_read_run(s->batch.view, c, run->first, run->count, key, values, &plain));
    if (!plain) return ATOLL_OK;
    size_t first = group->count;
    TRY(wire_builder_rows(b, group, kind, values, run->count, life, e->base));
    for (uint32_t i = 0; i < run->count && s->batch.embedded; i++)
        TRY(map64_put(&s->batch.roots, root_name(c->key, run->first + i), 1));
    for (size_t i = 0; i < e->fields.count && plain; i++) {
        const pending_field *f = &e->fields.items[i];
        const model_property *p = class_property(c, f->property);
        if (p == NULL || (p->flags & PROPERTY_PRIMARY_KEY) != 0) continue;
        wire_field field = {p->name, p->type, VALUE_NULL, 0, f->is_default};
        TRY(stamp_of(s, f->version, &field.stamp));
        TRY(rows_read_run(s->batch.view, c, run->first, run->count, p, values, &plain));
        if (plain) TRY(wire_builder_put_rows(b, group, &field, first, values, run->count));
    }
    *done = true;
    return plain ? ATOLL_OK : fail(ATOLL_ERROR_INTERNAL, "a column changed while it was read");
}

/* As much of the run as there is room for. *done: rows of it that need not come again. */
static status put_run(session *s, wire_builder *b, const pending_run *run, uint32_t *done)
{
    const model_class *c = schema_class(model_view_schema(s->batch.view), run->class_of);
    uint64_t life = 0;
    *done = run->count;
    if (c == NULL || c->kind != CLASS_NORMAL) return ATOLL_OK;
    row_kind kind = pending_entry_kind(run->entry, &life);
    if (kind == ROW_NONE) return ATOLL_OK;
    wire_rows *group = NULL;
    TRY(wire_builder_group(b, c->name, "", "", &group));
    bool whole = false;
    TRY(put_columns(s, b, group, c, run, kind, life, &whole));
    if (whole) return ATOLL_OK;
    uint32_t i = 0;
    for (; i < run->count && b->size < MESSAGE_SIZE_TARGET; i++)
        TRY(put_row(s, b, group, c, run->first + i, run->entry, kind, life));
    *done = i;
    return ATOLL_OK;
}

/* An embedded object travels with its root; a root that is not pending itself is named without fields. */
static status put_root(session *s, wire_builder *b, class_key c, row_key row, uint64_t base)
{
    const model_class *root = schema_class(model_view_schema(s->batch.view), c);
    if (map64_get(&s->batch.roots, root_name(c, row)) != NULL) return ATOLL_OK;
    uint8_t life_key[14] = {'c', 'r'};
    buffer record;
    bool found = false;
    buffer_init(&record, 64);
    key_put_u32(life_key + 2, c);
    key_put_u64(life_key + 6, row);
    status result =
        model_side_get(s->options.db, bytes_of(life_key, sizeof life_key), &record, &found);
    reader r = reader_of(buffer_view(&record));
    uint64_t life = found ? reader_varint(&r) >> 1 : 1;
    buffer_free(&record);
    if (result != ATOLL_OK) return result;
    value key;
    wire_rows *group = NULL;
    TRY(rows_key(s->batch.view, root, row, &key));
    TRY(wire_builder_group(b, root->name, "", "", &group));
    TRY(wire_builder_row(b, group, ROW_EDIT, &key, life, base));
    return map64_put(&s->batch.roots, root_name(c, row), 1);
}

static status put_embedded(session *s, wire_builder *b, const model_class *c, row_key row,
                           const pending_entry *e)
{
    bool there = false;
    TRY(model_is_there(s->batch.view, c->key, row, &there));
    if (!there) return ATOLL_OK; /* It went with its slot or its root. */
    model_owner owner;
    class_key root_class = 0;
    row_key root = 0;
    wire_rows *group = NULL;
    TRY(model_owner_get(s->batch.view, c->key, row, &owner));
    TRY(model_root_get(s->batch.view, c->key, row, &root_class, &root));
    TRY(put_root(s, b, root_class, root, e->base));
    TRY(rows_put_embedded(b, s->batch.view, c, row, &owner, &group));
    return put_fields(s, b, group, c, row, e);
}

static status put_embedded_run(session *s, wire_builder *b, const pending_run *run, uint32_t *done)
{
    const model_class *c = schema_class(model_view_schema(s->batch.view), run->class_of);
    *done = run->count;
    if (c == NULL || c->kind != CLASS_EMBEDDED) return ATOLL_OK;
    uint32_t i = 0;
    for (; i < run->count && b->size < MESSAGE_SIZE_TARGET; i++)
        TRY(put_embedded(s, b, c, run->first + i, run->entry));
    *done = i;
    return ATOLL_OK;
}

/* ---- asymmetric objects ---- */

/* An embedded object or a collection in a mixed value: a row of its own, made when its owner's is complete. */
typedef struct payload_part {
    const model_class *owner;
    value owner_key, id;
    const model_property *property;
    bool in_list;
    element_id element;
    value_type type;
    reader content;
} payload_part;

typedef struct payload_writer {
    session *s;
    wire_builder *b;
    uint64_t sequence, count; /* count: parts of this object */
    bool full;
    VECTOR(payload_part) parts;
} payload_writer;

/* What an embedded object or a collection holds follows its type at once. */
static bool has_content(value_type type)
{
    return type == VALUE_EMBEDDED || type == VALUE_LIST || type == VALUE_DICTIONARY;
}

static value payload_value(reader *r)
{
    value_type type = r->failed || r->at == r->end ? VALUE_NULL : (value_type)*r->at;
    if (!has_content(type)) return value_read(r);
    reader_byte(r);
    return (value){.type = type};
}

static void skip_content(reader *r, value_type type, int depth)
{
    uint64_t count = reader_varint(r);
    r->failed |= depth > LIMIT_PAYLOAD_DEPTH_MAX + 1;
    for (uint64_t i = 0; i < count && !r->failed; i++) {
        if (type == VALUE_EMBEDDED) (void)reader_varint(r);
        if (type == VALUE_DICTIONARY) (void)reader_bytes(r);
        value v = payload_value(r);
        if (has_content(v.type)) skip_content(r, v.type, depth + 1);
    }
}

/* Names the part, and leaves the reader behind it. */
static status put_off(payload_writer *w, payload_part *part, reader *r)
{
    part->id = (value){.type = VALUE_EMBEDDED};
    key_put_u64(part->id.as.id, w->sequence);
    key_put_u64(part->id.as.id + 8, ++w->count);
    part->content = *r;
    skip_content(r, part->type, 0);
    return vector_push(&w->parts, *part);
}

static status link_key(payload_writer *w, const model_property *p, value *v)
{
    const model_view *view = w->s->batch.view;
    bool typed = v->type == VALUE_TYPED_LINK;
    if (v->type != VALUE_LINK && !typed) return ATOLL_OK;
    const model_class *target =
        schema_class(model_view_schema(view), typed ? v->as.link.class_of : p->target);
    value key;
    TRY(rows_key(view, target, typed ? v->as.link.row : v->as.row, &key));
    if (typed) return wire_link_make(w->b->memory, target->name, &key, v);
    *v = key;
    return ATOLL_OK;
}

/* An element that has content: the wire has its name, as of one of a list of a row. */
static status put_element(payload_writer *w, const model_class *c, const value *key,
                          const model_property *p, list_element *e, reader *r)
{
    payload_part part = {c, *key, {0}, p, true, e->id, e->value.type, {0}};
    TRY(put_off(w, &part, r));
    if (part.type == VALUE_EMBEDDED) {
        memcpy(e->embedded, part.id.as.id, 16);
        e->value = value_null();
    } else {
        memcpy(e->value.as.id, part.id.as.id, 16);
    }
    return ATOLL_OK;
}

static status put_payload_collection(payload_writer *w, wire_rows *group, const model_class *c,
                                     const value *key, const model_property *p, reader *r)
{
    list_state state;
    list_state_init(&state);
    uint64_t count = reader_varint(r);
    status result = ATOLL_OK;
    bool keys = (p->flags & PROPERTY_DICTIONARY) != 0;
    for (uint64_t i = 0; i < count && result == ATOLL_OK && !r->failed; i++) {
        list_element e = {.id = {i + 1, 1},
                          .parent = {i, 1},
                          .side = LIST_SIDE_RIGHT,
                          .stamp = 1,
                          .value_stamp = 1};
        if (keys) e.key = reader_bytes(r);
        e.value = payload_value(r);
        result =
            has_content(e.value.type) ? put_element(w, c, key, p, &e, r) : link_key(w, p, &e.value);
        if (result == ATOLL_OK) result = vector_push(&state.elements, e);
    }
    if (result == ATOLL_OK)
        result = wire_builder_list(w->b, group, p, rows_key_type(w->s->batch.view, p), &state, 0);
    list_state_free(&state);
    return result;
}

static status put_payload_field(payload_writer *w, wire_rows *group, const model_class *c,
                                const value *key, const model_property *p, reader *r)
{
    value v = payload_value(r);
    if ((p->flags & PROPERTY_COLLECTION) != 0)
        return put_payload_collection(w, group, c, key, p, r);
    if (has_content(v.type)) {
        payload_part part = {c, *key, {0}, p, false, {0, 0}, v.type, {0}};
        TRY(put_off(w, &part, r));
        v = part.id;
        v.type = part.type;
    } else if ((p->flags & PROPERTY_PRIMARY_KEY) != 0) {
        return ATOLL_OK;
    } else {
        TRY(link_key(w, p, &v));
    }
    return wire_builder_put(w->b, group, p->name, p->type, rows_key_type(w->s->batch.view, p), &v,
                            0, false);
}

static status put_payload(payload_writer *w, wire_rows *group, const model_class *c,
                          const value *key, reader *r)
{
    uint64_t count = reader_varint(r);
    for (uint64_t i = 0; i < count && !r->failed; i++) {
        const model_property *p = class_property(c, (property_key)reader_varint(r));
        if (p == NULL) r->failed = true;
        if (!r->failed) TRY(put_payload_field(w, group, c, key, p, r));
    }
    return r->failed ? fail(ATOLL_ERROR_FILE_CORRUPT,
                            "an asymmetric object of class '%s' is damaged", c->name)
                     : ATOLL_OK;
}

static status put_part(payload_writer *w, const payload_part *part)
{
    const model_schema *schema = model_view_schema(w->s->batch.view);
    const model_class *c =
        part->type == VALUE_EMBEDDED
            ? schema_class(schema, part->property->target)
            : schema_class_named(schema,
                                 bytes_text(part->type == VALUE_LIST ? SCHEMA_HIDDEN_LIST
                                                                     : SCHEMA_HIDDEN_DICTIONARY));
    wire_rows *group = NULL;
    reader r = part->content;
    if (c == NULL || c->property_count == 0)
        return fail(ATOLL_ERROR_INTERNAL,
                    "an asymmetric object of class '%s' holds what is in no "
                    "class",
                    part->owner->name);
    TRY(wire_builder_group(w->b, c->name, part->owner->name, part->property->name, &group));
    TRY(wire_builder_row(w->b, group, ROW_NONE, &part->id, 0, 0));
    TRY(wire_builder_owner(w->b, group, &part->owner_key, part->in_list, part->element));
    if (part->type == VALUE_EMBEDDED) return put_payload(w, group, c, &part->id, &r);
    return put_payload_collection(w, group, c, &part->id, &c->properties[0], &r);
}

/* A row is complete before the next one of its group begins. */
static status put_object(payload_writer *w, wire_rows *group, const model_class *c,
                         const value *key, reader *r)
{
    w->count = 0;
    w->parts.count = 0;
    TRY(put_payload(w, group, c, key, r));
    for (size_t i = 0; i < w->parts.count; i++) {
        const payload_part part = w->parts.items[i];
        TRY(put_part(w, &part));
    }
    return ATOLL_OK;
}

static status payload_key(const model_class *c, bytes payload, value *out)
{
    reader r = reader_of(payload);
    uint64_t count = reader_varint(&r);
    for (uint64_t i = 0; i < count && !r.failed; i++) {
        property_key p = (property_key)reader_varint(&r);
        value v = payload_value(&r);
        if (p == c->primary_key && !r.failed) {
            *out = v;
            return ATOLL_OK;
        }
        if (has_content(v.type)) break; /* The key comes first. */
    }
    return fail(ATOLL_ERROR_FILE_CORRUPT, "an asymmetric object of class '%s' has no key", c->name);
}

static status put_outbox(void *context, const outbox_object *o)
{
    payload_writer *w = context;
    session *s = w->s;
    const model_class *c = schema_class(model_view_schema(s->batch.view), o->class_of);
    w->full = w->b->size >= MESSAGE_SIZE_TARGET;
    if (w->full || o->version > s->sync.sent_bound) return ATOLL_ERROR_CANCELLED;
    if (c == NULL) return ATOLL_OK;
    wire_rows *group = NULL;
    value key;
    reader r = reader_of(o->payload);
    TRY(payload_key(c, o->payload, &key));
    TRY(wire_builder_group(w->b, c->name, "", "", &group));
    TRY(wire_builder_row(w->b, group, ROW_NONE, &key, 0, 0));
    TRY(arena_push(w->b->memory, &group->sequences, o->sequence));
    w->sequence = o->sequence;
    TRY(put_object(w, group, c, &key, &r));
    s->batch.last_sequence = o->sequence;
    s->batch.next_record = o->record;
    return ATOLL_OK;
}

typedef status (*run_writer)(session *s, wire_builder *b, const pending_run *run, uint32_t *done);

/* *full: the message is, and more of it comes in the next one. */
static status put_runs(session *s, wire_builder *b, pending_cursor *cursor, run_writer put,
                       bool *full)
{
    pending_run run = {0};
    for (;;) {
        uint32_t done = 0;
        *full = b->size >= MESSAGE_SIZE_TARGET;
        if (*full) return ATOLL_OK;
        TRY(pending_cursor_next(&s->batch.pending, cursor, &run));
        if (run.count == 0) return ATOLL_OK;
        TRY(put(s, b, &run, &done));
        pending_cursor_return(cursor, run.count - done);
        s->batch.given += done;
    }
}

status session_put_names(session *s, arena *memory, uint64_t bound, uint64_t *trail,
                         wire_u64 *commits)
{
    trail_names names = {0};
    if (s->sync.trail == 0) return ATOLL_OK;
    TRY(trail_through(s->options.db, bound, &names));
    status result = ATOLL_OK;
    for (size_t i = 0; i < names.count && result == ATOLL_OK; i++)
        result = arena_push(memory, commits, names.items[i]);
    if (result == ATOLL_OK && names.count > 0) *trail = s->sync.trail;
    vector_free(&names);
    return result;
}

status session_upload_part(session *s, client_message *message, arena *memory)
{
    upload_batch *u = &s->batch;
    wire_builder b = {.memory = memory};
    bool full = false;
    TRY(put_runs(s, &b, &u->next_row, put_run, &full));
    if (!full && u->embedded) TRY(put_runs(s, &b, &u->next_embedded, put_embedded_run, &full));
    if (!full) {
        payload_writer w = {.s = s, .b = &b};
        status result =
            outbox_each(s->options.db, u->next_record, u->last_sequence, put_outbox, &w);
        vector_free(&w.parts);
        if (result != ATOLL_OK && result != ATOLL_ERROR_CANCELLED) return result;
        full = w.full;
    }
    TRY(wire_builder_finish(&b));
    *message = (client_message){.kind = CLIENT_UPLOAD};
    message->upload = (wire_upload){.batch = bytes_of(s->sync.sent_batch, 16),
                                    .bound = s->sync.sent_bound,
                                    .cursor = u->cursor,
                                    .part = u->part++,
                                    .last = !full,
                                    .rows = b.rows};
    if (s->sync.has_acknowledged)
        message->upload.previous_batch = bytes_of(s->sync.acknowledged_batch, 16);
    if (message->upload.part == 0)
        TRY(session_put_names(s, memory, s->sync.sent_bound, &message->upload.trail,
                              &message->upload.commits));
    u->sent_all = !full;
    double rows = (double)u->pending.rows * (u->embedded ? 2 : 1); /* Seen twice then. */
    session_progress_sent(s, b.size, rows < 1.0 ? 0 : (double)u->given / rows);
    return ATOLL_OK;
}
