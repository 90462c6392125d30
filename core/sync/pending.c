/* The pending table of a client: local commits folded per row, so that months offline cost what differs, not what happened.
 * It must never lose a touched field before the server acknowledged it, nor fold a commit twice. Invariant: entries and
 * log records above the folded version together name every local change that is not acknowledged. */
#include "sync/pending.h"
#include "sync/breakage.h"

#include "model/list.h"

/* Keys in the side table: two letters, then big-endian numbers, so that they iterate in order. */
enum { KEY_ROW_SIZE = 14, KEY_NUMBER_SIZE = 10, RECORD_SIZE_MAX = 1 << 20 };

static void key_row(uint8_t key[KEY_ROW_SIZE], char kind, class_key c, row_key row)
{
    key[0] = 'c';
    key[1] = (uint8_t)kind;
    key_put_u32(key + 2, c);
    key_put_u64(key + 6, row);
}

static void key_number(uint8_t key[KEY_NUMBER_SIZE], char kind, uint64_t number)
{
    key[0] = 'c';
    key[1] = (uint8_t)kind;
    key_put_u64(key + 2, number);
}

/* ---- state ---- */

static const uint8_t state_key[2] = {'c', 's'};

status sync_state_read(model_db *db, sync_state *out)
{
    buffer record;
    bool found = false;
    buffer_init(&record, RECORD_SIZE_MAX);
    sync_state s = {.next_sequence = 1};
    status result = model_side_get(db, bytes_of(state_key, sizeof state_key), &record, &found);
    if (result == ATOLL_OK && found) {
        reader r = reader_of(buffer_view(&record));
        uint64_t *numbers[] = {&s.ident,         &s.epoch,        &s.cursor,
                               &s.seen,          &s.sent_bound,   &s.last_stamp,
                               &s.next_sequence, &s.view_version, &s.acknowledged_version};
        for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
            *numbers[i] = reader_varint(&r);
        s.has_acknowledged = reader_byte(&r) != 0;
        bytes ids = reader_take(&r, 48);
        if (r.failed) {
            result = fail(ATOLL_ERROR_FILE_CORRUPT, "the sync state of %zu bytes is damaged",
                          record.size);
        } else {
            memcpy(s.secret, ids.data, 16);
            memcpy(s.sent_batch, ids.data + 16, 16);
            memcpy(s.acknowledged_batch, ids.data + 32, 16);
        }
    }
    buffer_free(&record);
    if (result == ATOLL_OK) *out = s;
    return result;
}

status sync_state_write(model_txn *txn, const sync_state *s)
{
    buffer record;
    buffer_init(&record, RECORD_SIZE_MAX);
    const uint64_t numbers[] = {s->ident,         s->epoch,        s->cursor,
                                s->seen,          s->sent_bound,   s->last_stamp,
                                s->next_sequence, s->view_version, s->acknowledged_version};
    status result = ATOLL_OK;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers && result == ATOLL_OK; i++)
        result = buffer_append_varint(&record, numbers[i]);
    if (result == ATOLL_OK) result = buffer_append_byte(&record, s->has_acknowledged);
    if (result == ATOLL_OK) result = buffer_append(&record, s->secret, 16);
    if (result == ATOLL_OK) result = buffer_append(&record, s->sent_batch, 16);
    if (result == ATOLL_OK) result = buffer_append(&record, s->acknowledged_batch, 16);
    if (result == ATOLL_OK)
        result = model_side_put(txn, bytes_of(state_key, sizeof state_key), buffer_view(&record));
    buffer_free(&record);
    return result;
}

/* ---- entries ---- */

void pending_entry_free(pending_entry *e)
{
    vector_free(&e->fields);
}

pending_field *pending_entry_field(pending_entry *e, property_key p)
{
    for (size_t i = 0; i < e->fields.count; i++) {
        if (e->fields.items[i].property == p) return &e->fields.items[i];
    }
    return NULL;
}

static uint64_t sum(int64_t a, int64_t b)
{
    return (uint64_t)a + (uint64_t)b; /* Wrapping, as the engine counts. */
}

int64_t pending_field_added(const pending_field *f)
{
    bool counts = f->sent_version != 0 && f->sent_version >= f->version;
    return counts ? (int64_t)sum(f->added, f->sent) : f->added;
}

bool pending_field_sent(const pending_field *f, uint64_t bound)
{
    return (f->version != 0 && f->version <= bound) ||
           (f->added_version != 0 && f->added_version <= bound) ||
           (f->sent_version != 0 && f->sent_version <= bound);
}

static status field_write(buffer *to, const pending_field *f)
{
    bool added = f->added_version != 0 || f->sent_version != 0;
    TRY(buffer_append_varint(to, (uint64_t)f->property << 2 | added << 1 | f->is_default));
    TRY(buffer_append_varint(to, f->version));
    if (!added) return ATOLL_OK;
    TRY(buffer_append_fixed64(to, (uint64_t)f->added));
    TRY(buffer_append_varint(to, f->added_version));
    TRY(buffer_append_fixed64(to, (uint64_t)f->sent));
    return buffer_append_varint(to, f->sent_version);
}

static pending_field field_read(reader *r)
{
    uint64_t head = reader_varint(r);
    pending_field f = {.property = (property_key)(head >> 2), .is_default = (head & 1) != 0};
    f.version = reader_varint(r);
    if ((head & 2) == 0) return f;
    f.added = (int64_t)reader_fixed64(r);
    f.added_version = reader_varint(r);
    f.sent = (int64_t)reader_fixed64(r);
    f.sent_version = reader_varint(r);
    return f;
}

static status entry_write(buffer *to, const pending_entry *e)
{
    const uint64_t numbers[] = {e->base,         e->life,   e->met,         e->created,
                                e->deleted,      e->newest, e->flight,      e->presumed,
                                e->alive_before, e->hidden, e->fields.count};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        TRY(buffer_append_varint(to, numbers[i]));
    for (size_t i = 0; i < e->fields.count; i++) TRY(field_write(to, &e->fields.items[i]));
    return ATOLL_OK;
}

static status entry_read(class_key c, row_key row, bytes from, pending_entry *out)
{
    reader r = reader_of(from);
    pending_entry e = {.class_of = c, .row = row};
    uint64_t *numbers[] = {&e.base,    &e.life,   &e.met,    &e.created,
                           &e.deleted, &e.newest, &e.flight, &e.presumed};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) *numbers[i] = reader_varint(&r);
    e.alive_before = reader_varint(&r) != 0;
    e.hidden = reader_varint(&r) != 0;
    uint64_t count = reader_varint(&r);
    status result = ATOLL_OK;
    for (uint64_t i = 0; i < count && !r.failed && result == ATOLL_OK; i++) {
        pending_field f = field_read(&r);
        result = vector_push(&e.fields, f);
    }
    if (result == ATOLL_OK && r.failed)
        result =
            fail(ATOLL_ERROR_FILE_CORRUPT, "a pending record of %zu bytes is damaged", from.size);
    if (result != ATOLL_OK) {
        pending_entry_free(&e);
        return result;
    }
    *out = e;
    return ATOLL_OK;
}

status pending_get(model_txn *txn, class_key c, row_key row, pending_entry *out, bool *found)
{
    uint8_t key[KEY_ROW_SIZE];
    buffer record;
    buffer_init(&record, RECORD_SIZE_MAX);
    key_row(key, 'p', c, row);
    bool there = false;
    status result = model_side_get_txn(txn, bytes_of(key, sizeof key), &record, &there);
    if (result == ATOLL_OK) {
        if (there) {
            result = entry_read(c, row, buffer_view(&record), out);
        } else {
            *out = (pending_entry){.class_of = c, .row = row};
        }
    }
    buffer_free(&record);
    if (result == ATOLL_OK) *found = there;
    return result;
}

status pending_put(model_txn *txn, const pending_entry *e)
{
    uint8_t key[KEY_ROW_SIZE];
    buffer record;
    buffer_init(&record, RECORD_SIZE_MAX);
    key_row(key, 'p', e->class_of, e->row);
    status result = entry_write(&record, e);
    if (result == ATOLL_OK)
        result = model_side_put(txn, bytes_of(key, sizeof key), buffer_view(&record));
    buffer_free(&record);
    return result;
}

status pending_drop(model_txn *txn, class_key c, row_key row)
{
    uint8_t key[KEY_ROW_SIZE];
    key_row(key, 'p', c, row);
    return model_side_delete(txn, bytes_of(key, sizeof key));
}

/* Steps over every key of a kind. */
static status side_each(model_db *db, char kind,
                        status (*each)(void *context, bytes key, bytes value), void *context)
{
    const uint8_t from[2] = {'c', (uint8_t)kind}, to[2] = {'c', (uint8_t)(kind + 1)};
    storage_iterator *i = NULL;
    TRY(model_side_iterate(db, bytes_of(from, 2), bytes_of(to, 2), &i));
    bytes key, value;
    status result = ATOLL_OK;
    while (result == ATOLL_OK && storage_iterator_next(i, &key, &value))
        result = each(context, key, value);
    if (result == ATOLL_OK) result = storage_iterator_status(i);
    storage_iterator_free(i);
    return result;
}

typedef struct each_entry {
    status (*each)(void *context, pending_entry *e);
    void *context;
} each_entry;

static status one_entry(void *context, bytes key, bytes record)
{
    each_entry *x = context;
    if (key.size != KEY_ROW_SIZE)
        return fail(ATOLL_ERROR_FILE_CORRUPT, "a pending key has %zu bytes", key.size);
    pending_entry e;
    TRY(entry_read(key_get_u32(key.data + 2), key_get_u64(key.data + 6), record, &e));
    status result = x->each(x->context, &e);
    pending_entry_free(&e);
    return result;
}

status pending_each(model_db *db, status (*each)(void *context, pending_entry *e), void *context)
{
    each_entry x = {each, context};
    return side_each(db, 'p', one_entry, &x);
}

static status any_exists(void *context, bytes key, bytes value)
{
    (void)key;
    (void)value;
    *(bool *)context = true;
    return ATOLL_ERROR_CANCELLED; /* One is enough. */
}

status pending_any(model_db *db, bool *any)
{
    bool there = false;
    const char kinds[] = {'p', 'o'};
    for (int i = 0; i < 2 && !there; i++) {
        status result = side_each(db, kinds[i], any_exists, &there);
        if (result != ATOLL_OK && !(there && result == ATOLL_ERROR_CANCELLED)) return result;
    }
    *any = there;
    return ATOLL_OK;
}

/* ---- lives ---- */

status pending_life(model_txn *txn, class_key c, row_key row, known_life *out, bool *found)
{
    uint8_t key[KEY_ROW_SIZE];
    buffer record;
    buffer_init(&record, 64);
    key_row(key, 'r', c, row);
    bool there = false;
    status result = model_side_get_txn(txn, bytes_of(key, sizeof key), &record, &there);
    if (result == ATOLL_OK && there) {
        reader r = reader_of(buffer_view(&record));
        uint64_t packed = reader_varint(&r);
        *out = (known_life){packed >> 1, (packed & 1) != 0};
    } else {
        *out = (known_life){1, false};
    }
    buffer_free(&record);
    if (result == ATOLL_OK) *found = there;
    return result;
}

status pending_set_life(model_txn *txn, class_key c, row_key row, uint64_t life, bool dead)
{
    if (life == 1 && !dead) return pending_forget_life(txn, c, row);
    uint8_t key[KEY_ROW_SIZE];
    buffer record;
    buffer_init(&record, 64);
    key_row(key, 'r', c, row);
    status result = buffer_append_varint(&record, life << 1 | dead);
    if (result == ATOLL_OK)
        result = model_side_put(txn, bytes_of(key, sizeof key), buffer_view(&record));
    buffer_free(&record);
    return result;
}

status pending_forget_life(model_txn *txn, class_key c, row_key row)
{
    uint8_t key[KEY_ROW_SIZE];
    known_life life;
    bool found = false;
    TRY(pending_life(txn, c, row, &life, &found));
    if (!found) return ATOLL_OK;
    key_row(key, 'r', c, row);
    return model_side_delete(txn, bytes_of(key, sizeof key));
}

/* ---- fold ---- */

typedef struct fold {
    model_txn *txn;
    sync_state *state;
    uint64_t newest;
} fold;

static status fold_life(fold *f, pending_entry *e, bool created)
{
    known_life life;
    bool found = false;
    e->base = f->state->cursor;
    TRY(pending_life(f->txn, e->class_of, e->row, &life, &found));
    e->alive_before = !created;
    if (!created) {
        e->life = life.life;
    } else {
        e->life = found && life.dead ? life.life : 0;
    }
    return ATOLL_OK;
}

/* The row ends: what was pending inside it is moot. True: nobody else ever saw it, no trace remains. */
static bool fold_delete(fold *f, pending_entry *e, uint64_t version)
{
    bool in_flight = e->created != 0 && e->created <= f->state->sent_bound;
    e->fields.count = 0;
    if (in_flight) e->flight = f->state->sent_bound;
    if (e->created == 0 || in_flight || e->flight != 0) {
        e->deleted = version;
        return false;
    }
    e->created = 0;
    if (e->met == 0)
        return !e->alive_before; /* Else it was deleted before it was created again: that stays. */
    e->life = e->met;
    e->met = 0;
    e->alive_before = true;
    e->deleted = version;
    return false;
}

/* What the batch in flight has is put aside before more is added. */
static void part_from_sent(const fold *f, pending_field *field)
{
    uint64_t bound = f->state->sent_bound;
    if (bound == 0 || field->added_version == 0 || field->added_version > bound) return;
    if (BREAKAGE(BREAKAGE_ADDED_OVER_A_BOUND)) return;
    field->sent = (int64_t)sum(field->sent, field->added);
    field->sent_version = field->added_version;
    field->added = 0;
    field->added_version = 0;
}

static status fold_field(fold *f, pending_entry *e, const row_change *change, size_t i,
                         uint64_t version)
{
    row_increment by = {.set = true};
    if (change->increments != NULL) by = change->increments[i];
    pending_field *field = pending_entry_field(e, change->properties[i]);
    if (field == NULL) {
        pending_field fresh = {.property = change->properties[i]};
        TRY(vector_push(&e->fields, fresh));
        field = &e->fields.items[e->fields.count - 1];
    }
    part_from_sent(f, field);
    if (by.set) {
        field->is_default = change->defaults != NULL && change->defaults[i] != 0;
        field->version = version;
        field->added = 0;
        field->added_version = 0;
    }
    if (!by.incremented) return ATOLL_OK;
    field->added = (int64_t)sum(field->added, by.added);
    field->added_version = version;
    return ATOLL_OK;
}

static status fold_row(fold *f, const row_change *change, uint64_t version)
{
    pending_entry e;
    bool found = false, gone = false;
    TRY(pending_get(f->txn, change->class_of, change->row, &e, &found));
    bool first_creates = change->created && !change->deleted_first;
    status result = ATOLL_OK;
    if (!found) result = fold_life(f, &e, first_creates);
    if (result == ATOLL_OK && change->deleted &&
        (change->deleted_first || !change->created || found)) {
        if (first_creates) e.created = version;
        gone = fold_delete(f, &e, version) && !(change->deleted_first && change->created);
    } else if (change->deleted) {
        gone = true; /* Created and deleted within the commit. */
    }
    bool alive_after = !change->deleted || change->deleted_first;
    if (e.hidden && change->created) {
        /* The key was taken again by somebody who did not see the hidden object: not its successor, but a meeting. */
        e.hidden = e.alive_before = false;
        e.life = e.deleted = 0;
        e.fields.count = 0; /* The engine gave the key a fresh object. */
        e.base = f->state->cursor;
    }
    if (result == ATOLL_OK && change->created && alive_after) {
        e.created = version;
        e.base = f->state->cursor; /* What its writer knew when it began the life. */
    }
    for (size_t i = 0; result == ATOLL_OK && alive_after && i < change->property_count; i++)
        result = fold_field(f, &e, change, i, version);
    e.newest = version;
    if (result == ATOLL_OK) {
        if (!gone) {
            result = pending_put(f->txn, &e);
        } else if (found) {
            result = pending_drop(f->txn, e.class_of, e.row);
        }
    }
    pending_entry_free(&e);
    return result;
}

static status fold_asymmetric(fold *f, const asymmetric_row *row, uint64_t version)
{
    uint8_t key[KEY_NUMBER_SIZE];
    buffer record;
    buffer_init(&record, LIMIT_TRANSACTION_SIZE_MAX);
    key_number(key, 'o', f->state->next_sequence);
    status result = buffer_append_varint(&record, version);
    if (result == ATOLL_OK) result = buffer_append_varint(&record, row->class_of);
    if (result == ATOLL_OK) result = buffer_append(&record, row->payload.data, row->payload.size);
    if (result == ATOLL_OK)
        result = model_side_put(f->txn, bytes_of(key, sizeof key), buffer_view(&record));
    buffer_free(&record);
    if (result == ATOLL_OK) f->state->next_sequence++;
    return result;
}

typedef struct clock_record {
    int64_t wall_ms;
    uint64_t monotonic_ms, boot_id, stamp, seen;
} clock_record;

static status clock_put(model_txn *txn, uint64_t version, const clock_record *c)
{
    uint8_t key[KEY_NUMBER_SIZE];
    buffer record;
    buffer_init(&record, 64);
    key_number(key, 't', version);
    const uint64_t numbers[] = {(uint64_t)c->wall_ms, c->monotonic_ms, c->boot_id, c->stamp,
                                c->seen};
    status result = ATOLL_OK;
    for (int i = 0; i < 5 && result == ATOLL_OK; i++)
        result = buffer_append_fixed64(&record, numbers[i]);
    if (result == ATOLL_OK)
        result = model_side_put(txn, bytes_of(key, sizeof key), buffer_view(&record));
    buffer_free(&record);
    return result;
}

static status clock_read(bytes from, clock_record *out)
{
    reader r = reader_of(from);
    clock_record c = {(int64_t)reader_fixed64(&r), reader_fixed64(&r), reader_fixed64(&r),
                      reader_fixed64(&r), reader_fixed64(&r)};
    if (r.failed) return fail(ATOLL_ERROR_FILE_CORRUPT, "a commit's clock record is damaged");
    *out = c;
    return ATOLL_OK;
}

static status fold_commit(void *context, const local_commit *commit)
{
    fold *f = context;
    clock_record c = {commit->wall_ms, commit->monotonic_ms, commit->boot_id, 0, f->state->seen};
    TRY(clock_put(f->txn, commit->version, &c));
    for (size_t i = 0; i < model_changes_count(commit->changes); i++) {
        TRY(fold_row(f, model_changes_row(commit->changes, i), commit->version));
    }
    for (size_t i = 0; i < commit->asymmetric_count; i++)
        TRY(fold_asymmetric(f, &commit->asymmetric[i], commit->version));
    f->newest = commit->version;
    return ATOLL_OK;
}

status pending_fold(model_txn *txn, model_db *db, sync_state *state, uint64_t *newest)
{
    fold f = {txn, state, model_folded(db)};
    uint64_t before = f.newest;
    TRY(model_local_commits(db, before, fold_commit, &f));
    if (f.newest > before) TRY(model_set_folded(txn, f.newest));
    *newest = f.newest;
    return ATOLL_OK;
}

/* ---- acknowledgement ---- */

typedef struct acknowledgement {
    model_txn *txn;
    uint64_t bound;
} acknowledgement;

static status clean_list(model_txn *txn, class_key c, row_key row, property_key p, uint64_t bound)
{
    list_state state;
    list_state_init(&state);
    bool changed = false;
    status result = model_list_state(model_txn_view(txn), c, row, p, &state);
    for (size_t i = 0; result == ATOLL_OK && i < state.elements.count; i++) {
        list_element *e = &state.elements.items[i];
        if (e->touched == 0 || e->touched > bound) continue;
        e->touched = 0;
        changed = true;
    }
    if (result == ATOLL_OK && changed) result = model_list_store(txn, c, row, p, &state);
    list_state_free(&state);
    return result;
}

/* *kept false: the server has all of the field. */
static pending_field acknowledge_field(pending_field f, uint64_t bound, bool *kept)
{
    if (f.version <= bound) {
        f.version = 0;
        f.is_default = false;
    }
    if (f.sent_version <= bound) f.sent = 0, f.sent_version = 0;
    if (f.added_version <= bound) f.added = 0, f.added_version = 0;
    *kept = f.version != 0 || f.sent_version != 0 || f.added_version != 0;
    return f;
}

/* What of an entry the server has now: its creation and deletion become the life that later changes build on. */
static void settle(pending_entry *e, uint64_t bound)
{
    bool in_flight = e->flight == bound && bound != 0,
         created = e->created != 0 && e->created <= bound,
         deleted = e->deleted != 0 && e->deleted <= bound;
    bool sent_dead =
        deleted && (e->created == 0 || e->created > bound || e->deleted > e->created) && !in_flight;
    if (sent_dead) {
        if (!e->alive_before && e->met != 0) e->life = e->met;
        e->alive_before = false;
    } else if (created || in_flight) {
        e->presumed = bound;
        e->life = e->met != 0 ? e->met : e->life + 1;
        e->alive_before = true;
    }
    if (created || sent_dead || in_flight) e->met = 0; /* What a later create met stays. */
    if (created) e->created = 0;
    if (deleted) e->deleted = 0;
    if (e->flight <= bound) e->flight = 0;
}

/* What an upload says of the row, and of which life. */
row_kind pending_entry_kind(const pending_entry *e, uint64_t *life)
{
    bool dead = e->deleted > e->created, born = e->created != 0 && !dead;
    *life = e->life;
    if (born) return e->alive_before ? ROW_REPLACE : ROW_CREATE;
    if (!dead) return ROW_EDIT;
    if (e->alive_before) return ROW_REMOVE;
    *life = e->met;
    return e->met != 0 ? ROW_REMOVE : ROW_NONE;
}

static status acknowledge_one(void *context, bytes key, bytes record)
{
    acknowledgement *a = context;
    pending_entry e;
    class_key class_of = key_get_u32(key.data + 2);
    row_key row = key_get_u64(key.data + 6);
    bool found = true;
    if (model_side_touched(a->txn, key))
        TRY(pending_get(a->txn, class_of, row, &e, &found));
    else
        TRY(entry_read(class_of, row, record, &e));
    if (!found) return ATOLL_OK;
    const model_view *view = model_txn_view(a->txn);
    const model_class *c = schema_class(model_view_schema(view), e.class_of);
    bool readable = false;
    status result = model_is_there(view, e.class_of, e.row, &readable);
    size_t kept = 0;
    for (size_t i = 0; i < e.fields.count && result == ATOLL_OK; i++) {
        pending_field f = e.fields.items[i];
        const model_property *p = c == NULL ? NULL : class_property(c, f.property);
        if (p != NULL && (p->flags & PROPERTY_COLLECTION) != 0 && readable)
            result = clean_list(a->txn, e.class_of, e.row, f.property, a->bound);
        bool keep = false;
        f = acknowledge_field(f, a->bound, &keep);
        if (keep) e.fields.items[kept++] = f;
    }
    e.fields.count = kept;
    if (result == ATOLL_OK) {
        settle(&e, a->bound);
        if (c != NULL && c->kind == CLASS_NORMAL)
            result = pending_set_life(a->txn, e.class_of, e.row, e.life, !e.alive_before);
    }
    bool empty = e.fields.count == 0 && e.created == 0 && e.deleted == 0 &&
                 (!e.hidden || e.newest <= a->bound);
    if (result == ATOLL_OK) {
        if (!empty) {
            result = pending_put(a->txn, &e);
        } else {
            result = pending_drop(a->txn, e.class_of, e.row);
            if (result == ATOLL_OK && e.hidden) {
                /* Nothing of it is unsent any more: it leaves for good. */
                result = model_delete(a->txn, e.class_of, e.row);
                if (result == ATOLL_OK) result = pending_forget_life(a->txn, e.class_of, e.row);
            }
        }
    }
    pending_entry_free(&e);
    return result;
}

static status drop_numbered(void *context, bytes key, bytes record)
{
    acknowledgement *a = context;
    reader r = reader_of(record);
    uint64_t version = key.data[1] == 'o' ? reader_varint(&r) : key_get_u64(key.data + 2);
    return version <= a->bound ? model_side_delete(a->txn, key) : ATOLL_OK;
}

status pending_acknowledge(model_txn *txn, model_db *db, uint64_t bound)
{
    acknowledgement a = {txn, bound};
    TRY(side_each(db, 'p', acknowledge_one, &a));
    TRY(side_each(db, 'o', drop_numbered, &a));
    return side_each(db, 't', drop_numbered, &a);
}

/* ---- stamps ---- */

typedef struct stamping {
    model_txn *txn;
    sync_state *state;
    const clock_offset *offset;
} stamping;

static status stamp_one(stamping *s, uint64_t version, clock_record *c)
{
    const clock_offset *o = s->offset;
    bool same_boot = c->boot_id == o->boot_id;
    int64_t at = same_boot ? (int64_t)c->monotonic_ms + o->monotonic_offset_ms
                           : c->wall_ms + o->wall_offset_ms;
    if (at > o->server_now_ms) at = o->server_now_ms;
    if (at < 0) at = 0;
    uint64_t stamp = (uint64_t)at << 16;
    if (stamp <= c->seen) stamp = c->seen + 1;
    if (stamp <= s->state->last_stamp) stamp = s->state->last_stamp + 1;
    c->stamp = s->state->last_stamp = stamp;
    return clock_put(s->txn, version, c);
}

static status stamp_key(void *context, bytes key, bytes record)
{
    stamping *s = context;
    clock_record c;
    (void)record;
    buffer now;
    bool found = false;
    buffer_init(&now, 64);
    status result = model_side_get_txn(s->txn, key, &now, &found);
    if (result == ATOLL_OK && found) {
        result = clock_read(buffer_view(&now), &c);
        if (result == ATOLL_OK && c.stamp == 0)
            result = stamp_one(s, key_get_u64(key.data + 2), &c);
    }
    buffer_free(&now);
    return result;
}

status pending_stamp(model_txn *txn, model_db *db, sync_state *state, const clock_offset *offset)
{
    stamping s = {txn, state, offset};
    return side_each(db, 't', stamp_key, &s);
}

status pending_clock(model_txn *txn, uint64_t version, const platform *p, uint64_t seen)
{
    clock_record c = {p->wall_ms(p->context), p->monotonic_ms(p->context), p->boot_id(p->context),
                      0, seen};
    return clock_put(txn, version, &c);
}

status pending_stamp_of(model_txn *txn, model_db *db, uint64_t version, uint64_t *out)
{
    uint8_t key[KEY_NUMBER_SIZE];
    buffer record;
    bool found = false;
    buffer_init(&record, 64);
    key_number(key, 't', version);
    bytes name = bytes_of(key, sizeof key);
    status result = txn != NULL ? model_side_get_txn(txn, name, &record, &found)
                                : model_side_get(db, name, &record, &found);
    clock_record c = {0};
    if (result == ATOLL_OK && found) result = clock_read(buffer_view(&record), &c);
    buffer_free(&record);
    if (result == ATOLL_OK) *out = c.stamp;
    return result;
}

/* ---- outbox ---- */

typedef struct each_outbox {
    uint64_t after;
    status (*each)(void *context, const outbox_record *r);
    void *context;
} each_outbox;

static status one_outbox(void *context, bytes key, bytes record)
{
    each_outbox *x = context;
    reader r = reader_of(record);
    outbox_record o = {.sequence = key_get_u64(key.data + 2)};
    if (o.sequence <= x->after) return ATOLL_OK;
    o.version = reader_varint(&r);
    o.class_of = (class_key)reader_varint(&r);
    o.payload = bytes_of(r.at, (size_t)(r.end - r.at));
    if (r.failed)
        return fail(ATOLL_ERROR_FILE_CORRUPT, "record %llu of the outbox is damaged",
                    (unsigned long long)o.sequence);
    return x->each(x->context, &o);
}

status outbox_each(model_db *db, uint64_t after_sequence,
                   status (*each)(void *context, const outbox_record *r), void *context)
{
    each_outbox x = {after_sequence, each, context};
    return side_each(db, 'o', one_outbox, &x);
}
