/* The pending table of a client: local commits folded per row, so that months offline cost what differs, not what happened.
 * It must never lose a touched field before the server acknowledged it, nor fold a commit twice. Invariant: entries and
 * log records above the folded version together name every local change that is not acknowledged. */
#include "sync/breakage.h"
#include "sync/outbox.h"
#include "sync/pending_block.h"
#include "sync/side.h"
#include "sync/trail.h"

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
        if (!r.failed && r.at != r.end) { /* Earlier builds end here. */
            s.trail = reader_fixed64(&r);
            s.trail_newest = reader_fixed64(&r);
        }
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
    if (result == ATOLL_OK) result = buffer_append_fixed64(&record, s->trail);
    if (result == ATOLL_OK) result = buffer_append_fixed64(&record, s->trail_newest);
    if (result == ATOLL_OK)
        result = model_side_put(txn, bytes_of(state_key, sizeof state_key), buffer_view(&record));
    buffer_free(&record);
    return result;
}

/* ---- entries ---- */

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

int64_t pending_field_claimed(const pending_field *f)
{
    return f->claimed_version > f->version ? f->claimed : 0;
}

int64_t pending_field_added(const pending_field *f)
{
    bool counts = f->sent_version != 0 && f->sent_version >= f->version;
    int64_t own = counts ? (int64_t)sum(f->added, f->sent) : f->added;
    return (int64_t)sum(own, pending_field_claimed(f));
}

void pending_entry_drop_claims(pending_entry *e)
{
    size_t kept = 0;
    for (size_t i = 0; i < e->claims.count; i++) {
        pending_field *f = pending_entry_field(e, e->claims.items[i].property);
        if (f != NULL && f->claimed_version != 0) e->claims.items[kept++] = e->claims.items[i];
    }
    e->claims.count = kept;
}

bool pending_field_sent(const pending_field *f, uint64_t bound)
{
    return (f->version != 0 && f->version <= bound) ||
           (f->added_version != 0 && f->added_version <= bound) ||
           (f->sent_version != 0 && f->sent_version <= bound) ||
           (f->claimed_version != 0 && f->claimed_version <= bound);
}

static status one_block(void *context, class_key c, uint64_t number)
{
    (void)c;
    (void)number;
    *(bool *)context = true;
    return ATOLL_ERROR_CANCELLED; /* One is enough. */
}

status pending_any(model_db *db, bool *any)
{
    bool there = false;
    status result = pending_block_each(db, one_block, &there);
    if (result != ATOLL_OK && !(there && result == ATOLL_ERROR_CANCELLED)) return result;
    if (!there) TRY(outbox_any(db, &there));
    *any = there;
    return ATOLL_OK;
}

static status found_key(void *context, bytes key, bytes value)
{
    (void)value;
    *(char *)context = (char)key.data[1];
    return ATOLL_ERROR_CANCELLED;
}

status pending_check_layout(model_db *db)
{
    const char earlier[] = {'p', 'o', 'a',
                            'k'}; /* One record a row, an object, an acknowledged row. */
    for (size_t i = 0; i < sizeof earlier; i++) {
        char found = 0;
        status result = side_each(db, earlier[i], found_key, &found);
        if (found != 0)
            return fail(ATOLL_ERROR_NOT_SUPPORTED,
                        "not supported yet: reading what an earlier build kept of unsent changes; "
                        "upload them with that build, then begin with a fresh folder");
        if (result != ATOLL_OK) return result;
    }
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

/* What the last change of a row made of its entry: the next row that is changed alike, from an equal entry, gets the same. */
typedef struct fold_memo {
    const row_change *change; /* of the commit that is being folded; NULL: nothing yet */
    const pending_block *block;
    uint64_t numbering;
    uint16_t from, to;
} fold_memo;

typedef struct fold {
    model_txn *txn;
    sync_state *state;
    uint64_t newest;
    fold_memo memo;
    outbox_writer outbox;
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
    e->fields.count = e->claims.count = e->parts.count = 0;
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
        field->set = (claim_stamp){0};
        field->added = 0;
        field->added_version = 0;
        trail_drop_parts(e, field->property);
    }
    if (!by.incremented) return ATOLL_OK;
    field->added = (int64_t)sum(field->added, by.added);
    field->added_version = version;
    return trail_part(e, field->property, version, by.added, f->state->sent_bound);
}

static status fold_change(fold *f, const row_change *change, uint64_t version)
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
        e.fields.count = e.claims.count = e.parts.count =
            0; /* The engine gave the key a fresh object. */
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

static bool same_change(const row_change *a, const row_change *b)
{
    size_t count = a->property_count;
    if (a->created != b->created || a->deleted_first != b->deleted_first ||
        count != b->property_count || (a->defaults == NULL) != (b->defaults == NULL))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (a->properties[i] != b->properties[i]) return false;
        if (a->defaults != NULL && a->defaults[i] != b->defaults[i]) return false;
    }
    return true;
}

/* Whether what comes of the change depends on the entry alone. */
static status fold_is_plain(fold *f, const row_change *change, uint16_t at, bool *plain)
{
    known_life life;
    bool found = false;
    *plain = false;
    if (change->deleted) return ATOLL_OK;
    for (size_t i = 0; change->increments != NULL && i < change->property_count; i++)
        if (change->increments[i].incremented) return ATOLL_OK;
    if (at == 0) TRY(pending_life(f->txn, change->class_of, change->row, &life, &found));
    *plain = !found;
    return ATOLL_OK;
}

static status fold_row(fold *f, const row_change *change, uint64_t version)
{
    pending_block *b = NULL;
    fold_memo *m = &f->memo;
    bool plain = false;
    uint64_t number = change->row / PENDING_BLOCK_ROWS;
    TRY(pending_block_of(f->txn, change->class_of, number, &b));
    uint16_t from = pending_block_at(b, change->row);
    TRY(fold_is_plain(f, change, from, &plain));
    if (plain && m->change != NULL && m->block == b && m->numbering == b->numbering &&
        m->from == from && same_change(m->change, change)) {
        pending_block_set(b, change->row, m->to);
        return ATOLL_OK;
    }
    uint64_t numbering = b->numbering;
    TRY(fold_change(f, change, version));
    TRY(pending_block_of(f->txn, change->class_of, number, &b));
    bool stands = plain && numbering == b->numbering;
    *m = stands ? (fold_memo){change, b, numbering, from, pending_block_at(b, change->row)}
                : (fold_memo){0};
    return ATOLL_OK;
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
    f->memo.change = NULL;
    for (size_t i = 0; i < model_changes_count(commit->changes); i++) {
        TRY(fold_row(f, model_changes_row(commit->changes, i), commit->version));
    }
    for (size_t i = 0; i < commit->asymmetric_count; i++)
        TRY(outbox_add(&f->outbox, f->txn, f->state, &commit->asymmetric[i], commit->version));
    f->newest = commit->version;
    return trail_fold(f->txn, f->state, commit);
}

status pending_fold(model_txn *txn, model_db *db, sync_state *state, uint64_t *newest)
{
    fold f = {.txn = txn, .state = state, .newest = model_folded(db)};
    uint64_t before = f.newest;
    outbox_writer_init(&f.outbox);
    status result = model_local_commits(db, before, fold_commit, &f);
    if (result == ATOLL_OK) result = outbox_flush(&f.outbox, txn);
    outbox_writer_free(&f.outbox);
    if (result != ATOLL_OK) return result;
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
        f.set = (claim_stamp){0};
        f.is_default = false;
    }
    if (f.claimed_version <= bound) f.claimed = 0, f.claimed_version = 0;
    if (f.sent_version <= bound) f.sent = 0, f.sent_version = 0;
    if (f.added_version <= bound) f.added = 0, f.added_version = 0;
    *kept = f.version != 0 || f.sent_version != 0 || f.added_version != 0 || f.claimed_version != 0;
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
        if (e->met != 0 && (!e->alive_before || e->met > e->life)) e->life = e->met;
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
    /* A batch that never arrived had its creation: what came in meanwhile was passed over as ours to end. */
    if (e->alive_before && e->met <= e->life) return ROW_REMOVE;
    *life = e->met;
    return e->met != 0 ? ROW_REMOVE : ROW_NONE;
}

/* What an acknowledgement makes of an entry, for every row of a block that has it. */
typedef struct acknowledged_entry {
    uint16_t from, to; /* from 0: none yet */
    pending_entry entry;
    const model_class *class_of; /* NULL: not in the schema any more */
    VECTOR(property_key) lists;
} acknowledged_entry;

static void acknowledged_free(acknowledged_entry *x)
{
    pending_entry_free(&x->entry);
    vector_free(&x->lists);
    x->from = 0;
}

static status acknowledge_fields(acknowledgement *a, acknowledged_entry *x)
{
    pending_entry *e = &x->entry;
    size_t kept = 0;
    for (size_t i = 0; i < e->fields.count; i++) {
        pending_field f = e->fields.items[i];
        const model_property *p =
            x->class_of == NULL ? NULL : class_property(x->class_of, f.property);
        /* What is made anew since has all of its elements still to be sent. */
        if (p != NULL && (p->flags & PROPERTY_COLLECTION) != 0 && e->created <= a->bound)
            TRY(vector_push(&x->lists, f.property));
        bool keep = false;
        f = acknowledge_field(f, a->bound, &keep);
        if (keep) e->fields.items[kept++] = f;
    }
    e->fields.count = kept;
    pending_entry_drop_claims(e);
    trail_parts_acknowledged(e, a->bound);
    return ATOLL_OK;
}

static status acknowledge_entry(acknowledgement *a, pending_block *b, uint16_t from,
                                acknowledged_entry *x)
{
    const model_schema *schema = model_view_schema(model_txn_view(a->txn));
    acknowledged_free(x);
    TRY(pending_entry_copy(&b->shared.items[from - 1], b->class_of, 0, &x->entry));
    x->class_of = schema_class(schema, b->class_of);
    TRY(acknowledge_fields(a, x));
    pending_entry *e = &x->entry;
    settle(e, a->bound);
    bool empty = e->fields.count == 0 && e->created == 0 && e->deleted == 0 &&
                 (!e->hidden || e->newest <= a->bound);
    uint64_t numbering = b->numbering;
    x->to = 0;
    if (!empty) TRY(pending_block_share(b, e, &x->to));
    x->from = numbering == b->numbering ? from : 0; /* Else every place has another name now. */
    return ATOLL_OK;
}

/* A life that nobody has seen, of a row that nothing is known of: there is nothing to remember. */
static status acknowledge_life(acknowledgement *a, const pending_entry *e, row_key row)
{
    known_life life;
    bool found = true;
    if (e->life == 0) TRY(pending_life(a->txn, e->class_of, row, &life, &found));
    return found ? pending_set_life(a->txn, e->class_of, row, e->life, !e->alive_before) : ATOLL_OK;
}

static status acknowledge_row(acknowledgement *a, pending_block *b, row_key row,
                              const acknowledged_entry *x)
{
    const pending_entry *e = &x->entry;
    bool readable = false;
    if (x->lists.count > 0)
        TRY(model_is_there(model_txn_view(a->txn), e->class_of, row, &readable));
    for (size_t i = 0; i < x->lists.count && readable; i++)
        TRY(clean_list(a->txn, e->class_of, row, x->lists.items[i], a->bound));
    if (x->class_of != NULL && x->class_of->kind == CLASS_NORMAL) TRY(acknowledge_life(a, e, row));
    pending_block_set(b, row, x->to);
    if (x->to != 0 || !e->hidden) return ATOLL_OK;
    /* Nothing of it is unsent any more: it leaves for good. */
    TRY(model_delete(a->txn, e->class_of, row));
    return pending_forget_life(a->txn, e->class_of, row);
}

static status acknowledge_block(void *context, class_key c, uint64_t number)
{
    acknowledgement *a = context;
    acknowledged_entry x = {0};
    pending_block *b = NULL;
    TRY(pending_block_of(a->txn, c, number, &b));
    status result = ATOLL_OK;
    for (uint32_t i = 0; i < PENDING_BLOCK_ROWS && result == ATOLL_OK; i++) {
        uint16_t at = pending_block_at(b, i);
        if (at == 0) continue;
        if (x.from != at) result = acknowledge_entry(a, b, at, &x);
        if (result == ATOLL_OK) result = acknowledge_row(a, b, number * PENDING_BLOCK_ROWS + i, &x);
    }
    acknowledged_free(&x);
    return result;
}

static status drop_clock(void *context, bytes key, bytes record)
{
    acknowledgement *a = context;
    (void)record;
    return key_get_u64(key.data + 2) <= a->bound ? model_side_delete(a->txn, key) : ATOLL_OK;
}

status pending_acknowledge(model_txn *txn, model_db *db, uint64_t bound)
{
    acknowledgement a = {txn, bound};
    TRY(pending_block_each(db, acknowledge_block, &a));
    TRY(outbox_acknowledge(txn, db, bound));
    TRY(trail_acknowledge(txn, db, bound));
    return side_each(db, 't', drop_clock, &a);
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
