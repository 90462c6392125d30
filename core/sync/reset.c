/* Client reset: what is durable of it, and how what is pending meets a server that has another history (design rule 11).
 * It must never drop what is pending in a recovery, except edits of objects that are gone, nor apply anything twice. Invariant:
 * the phase changes in the commit that does what the phase stands for. */
#include "sync/reset.h"
#include "sync/pending_block.h"
#include "sync/trail.h"
#include "sync/side.h"

static const uint8_t record_key[2] = {'c', 'Z'}, began_key[2] = {'c', 'y'};

enum { BEGAN_SIZE_MAX = 1 << 20 };

/* ---- the record ---- */

status reset_read(model_db *db, reset_record *out)
{
    buffer record;
    bool found = false;
    reset_record x = {0};
    buffer_init(&record, 256);
    status result = model_side_get(db, bytes_of(record_key, 2), &record, &found);
    reader r = reader_of(buffer_view(&record));
    if (result == ATOLL_OK && found) {
        x.phase = (reset_phase)reader_byte(&r);
        uint8_t kind = reader_byte(&r);
        x.discard = (kind & 1) != 0;
        x.copied = (kind & 2) != 0;
        uint64_t *numbers[] = {&x.in_a_row,       &x.through, &x.lost_after, &x.previous_ident,
                               &x.previous_bound, &x.common,  &x.began,      &x.as_of};
        for (int i = 0; i < 8; i++) *numbers[i] = reader_fixed64(&r);
        (void)reader_fixed64(&r); /* Of earlier builds. */
        bytes ids = reader_take(&r, 32);
        if (r.failed) {
            result = fail(ATOLL_ERROR_FILE_CORRUPT, "the record of a client reset is damaged");
        } else {
            memcpy(x.previous_secret, ids.data, 16);
            memcpy(x.previous_batch, ids.data + 16, 16);
        }
    }
    buffer_free(&record);
    if (result == ATOLL_OK) *out = x;
    return result;
}

static status reset_write(model_txn *txn, const reset_record *x)
{
    buffer record;
    if (x->phase == RESET_NONE) {
        TRY(model_side_delete(txn, bytes_of(began_key, 2)));
        return model_side_delete(txn, bytes_of(record_key, 2));
    }
    buffer_init(&record, 256);
    const uint64_t numbers[] = {x->in_a_row,       x->through,        x->lost_after,
                                x->previous_ident, x->previous_bound, x->common,
                                x->began,          x->as_of,          0};
    status result = buffer_append_byte(&record, (uint8_t)x->phase);
    if (result == ATOLL_OK) result = buffer_append_byte(&record, x->discard | x->copied << 1);
    for (int i = 0; i < 9 && result == ATOLL_OK; i++)
        result = buffer_append_fixed64(&record, numbers[i]);
    if (result == ATOLL_OK) result = buffer_append(&record, x->previous_secret, 16);
    if (result == ATOLL_OK) result = buffer_append(&record, x->previous_batch, 16);
    if (result == ATOLL_OK)
        result = model_side_put(txn, bytes_of(record_key, 2), buffer_view(&record));
    buffer_free(&record);
    return result;
}

/* ---- begin ---- */

status reset_begin(model_db *db, sync_state *state, reset_record *record, bool discard, bool copied)
{
    model_txn *txn = NULL;
    uint64_t newest = 0;
    sync_state next = *state;
    reset_record r = {.phase = RESET_DOWNLOADING,
                      .discard = discard,
                      .copied = copied || (record->phase == RESET_DOWNLOADING && record->copied),
                      .in_a_row = record->in_a_row + 1,
                      .lost_after = UINT64_MAX,
                      .previous_ident = state->ident,
                      .previous_bound = state->sent_bound,
                      .as_of = state->cursor};
    if (record->phase == RESET_DOWNLOADING) r.as_of = record->as_of; /* Nothing came since. */
    memcpy(r.previous_secret, state->secret, 16);
    memcpy(r.previous_batch, state->sent_batch, 16);
    TRY(model_begin(db, COMMIT_REMOTE, &txn));
    status result = pending_fold(txn, db, &next, &newest);
    next.ident = next.epoch = next.cursor = next.sent_bound = next.acknowledged_version = 0;
    next.has_acknowledged = false;
    memset(next.secret, 0, 16);
    memset(next.sent_batch, 0, 16);
    memset(next.acknowledged_batch, 0, 16);
    if (result == ATOLL_OK) result = sync_state_write(txn, &next);
    if (result == ATOLL_OK) result = reset_write(txn, &r);
    if (result != ATOLL_OK) {
        model_rollback(txn);
        return result;
    }
    TRY(model_commit(txn, NULL));
    *state = next;
    *record = r;
    return ATOLL_OK;
}

/* ---- bound ---- */

/* The newest version of the server's history that this copy has seen and that is still there. */
static status common_version(model_db *db, const wire_bound *b, reset_record *out)
{
    remembered_line line;
    out->common = out->lost_after = 0;
    out->began = b->history.count > 0 ? b->history.items[0].began : 0;
    TRY(remember_line(db, &line));
    for (size_t i = line.count; i > 0 && out->common == 0; i--) {
        for (size_t k = 0; k < b->history.count && out->common == 0; k++) {
            const remembered_epoch *mine = &line.items[i - 1];
            uint64_t last = b->history.items[k].last;
            if (b->history.items[k].id != mine->id) continue;
            out->common = mine->id;
            out->lost_after = last < mine->last ? last : mine->last;
            out->began = k + 1 < b->history.count ? b->history.items[k + 1].began : 0;
        }
    }
    vector_free(&line);
    return ATOLL_OK;
}

/* What the reset before this one found applied, and put aside: in this history it is there, and stays aside, or it is lost. */
static status settle_aside(model_txn *txn, model_db *db, const wire_bound *b, const reset_record *r)
{
    remembered_at at;
    bool there = false;
    TRY(remember_aside_at(db, &at));
    if (at.version == 0) return ATOLL_OK;
    for (size_t i = 0; i < b->history.count; i++)
        there |= b->history.items[i].id == at.epoch && b->history.items[i].last >= at.version;
    return there ? ATOLL_OK : remember_aside_as(txn, db, r->lost_after + 1);
}

/* Where in the history the batch is that was on its way. */
static remembered_at applied_at(const wire_bound *b)
{
    remembered_at at = {b->epoch, b->previous_version != 0 ? b->previous_version : b->newest};
    for (size_t i = b->history.count; i-- > 0;)
        if (b->history.items[i].last >= at.version) at.epoch = b->history.items[i].id;
    return at;
}

/* Where each stretch of the history began: what was claimed in one of them keeps its place. */
static status began_write(model_txn *txn, const wire_bound *b)
{
    buffer record;
    buffer_init(&record, BEGAN_SIZE_MAX);
    status result = ATOLL_OK;
    for (size_t i = 0; i < b->history.count && result == ATOLL_OK; i++)
        result = buffer_append_fixed64(&record, b->history.items[i].began);
    if (result == ATOLL_OK)
        result = model_side_put(txn, bytes_of(began_key, 2), buffer_view(&record));
    buffer_free(&record);
    return result;
}

static status began_read(reset_apply *a)
{
    buffer record;
    bool found = false;
    buffer_init(&record, BEGAN_SIZE_MAX);
    status result = model_side_get(a->db, bytes_of(began_key, 2), &record, &found);
    reader r = reader_of(buffer_view(&record));
    while (result == ATOLL_OK && found && r.at != r.end && !r.failed)
        result = vector_push(&a->began, reader_fixed64(&r));
    buffer_free(&record);
    return result;
}

status reset_bound(model_txn *txn, model_db *db, const wire_bound *b, int64_t now_ms,
                   reset_record *record)
{
    reset_record next = *record;
    uint64_t there = 0, shared = 0; /* log versions up to which everything is at the server */
    TRY(common_version(db, b, &next));
    if (next.previous_ident != 0) TRY(settle_aside(txn, db, b, &next));
    if (b->previous_high_water != 0 && b->previous_high_water == next.previous_bound) {
        TRY(remember_aside(txn, db, next.previous_bound, applied_at(b), now_ms));
        there = next.previous_bound;
    }
    /* The other copy of this folder sent what both have: its batch was everything that was pending until then. */
    if (b->shared_commit != 0) TRY(trail_find(db, b->shared_commit, &shared));
    if (shared > there) there = shared;
    if (there != 0) TRY(trail_shared(txn, db, there));
    next.previous_ident = next.previous_bound = 0;
    TRY(began_write(txn, b));
    TRY(reset_write(txn, &next));
    *record = next;
    return ATOLL_OK;
}

/* ---- what is pending, in terms of the new history ---- */

static uint64_t name_of(class_key c, row_key row)
{
    return (uint64_t)c << 44 ^ row;
}

static status add_name(reset_apply *r, class_key c, row_key row)
{
    if (map64_get(&r->named, name_of(c, row)) != NULL) return ATOLL_OK;
    TRY(map64_put(&r->named, name_of(c, row), 1));
    pending_entry e = {.class_of = c, .row = row};
    return vector_push(&r->names, e);
}

static status name_run(void *context, const pending_run *run)
{
    for (uint32_t i = 0; i < run->count; i++) TRY(add_name(context, run->class_of, run->first + i));
    return ATOLL_OK;
}

static status name_commit(void *context, const local_commit *commit)
{
    for (size_t i = 0; i < model_changes_count(commit->changes); i++) {
        const row_change *c = model_changes_row(commit->changes, i);
        TRY(add_name(context, c->class_of, c->row));
    }
    return ATOLL_OK;
}

typedef struct lost_rows {
    reset_apply *r;
    uint64_t version, after; /* of this commit; of the server's history that is still there */
} lost_rows;

/* Lost versions in terms of stamps: all before anything that was written since, in their own order, the same for every copy
 * that claims. */
static void stamp_claim(const reset_record *r, claim_stamp *c)
{
    uint64_t from = 2 * r->lost_after;
    c->began = r->began;
    c->stamp = r->began == 0 ? 0 : r->began + (c->place > from ? c->place - from : 0);
}

/* What was added at a version is in what is claimed as of it. */
static claim_stamp claim_of(const lost_rows *l, uint64_t version, bool as_of)
{
    claim_stamp c = {.place = 2 * version + as_of};
    stamp_claim(l->r->record, &c);
    return c;
}

static claim_stamp claim_as_of(const lost_rows *l, uint64_t version)
{
    uint64_t as_of = l->r->record->as_of;
    return claim_of(l, version > as_of ? version : as_of, true);
}

/* The history in which an earlier reset claimed may be lost as well. */
static bool claim_stands(const reset_apply *r, const claim_stamp *c)
{
    bool there = false;
    for (size_t i = 0; i < r->began.count; i++) there |= r->began.items[i] == c->began;
    return c->place != 0 && there;
}

static void restate(const reset_apply *r, claim_stamp *c)
{
    if (c->place != 0 && !claim_stands(r, c)) stamp_claim(r->record, c);
}

/* What is set is set now; what is added is added now, whether a batch had it or not; a claim is as it was. */
static void rebase_field(const reset_apply *r, pending_field *f, uint64_t version)
{
    restate(r, &f->set);
    int64_t claimed = pending_field_claimed(f);
    f->added = (int64_t)((uint64_t)pending_field_added(f) - (uint64_t)claimed);
    f->added_version = f->added != 0 ? version : 0;
    f->sent = 0;
    f->sent_version = 0;
    f->claimed = claimed;
    f->claimed_version = claimed != 0 ? version : 0;
    if (f->version != 0) f->version = version;
}

/* The field as it is here. */
static status claim(const lost_rows *l, pending_entry *e, const model_property *p, uint64_t set)
{
    pending_field *there = pending_entry_field(e, p->key);
    pending_field f = {.property = p->key, .version = l->version};
    if ((p->flags & PROPERTY_COLLECTION) == 0) f.set = claim_as_of(l, set);
    if (there == NULL) return vector_push(&e->fields, f);
    if (there->version != 0) return ATOLL_OK;
    rebase_field(l->r, there, l->version); /* Only added to: with what it was before. */
    there->claimed = 0;
    there->claimed_version = 0;
    there->version = l->version;
    there->set = f.set;
    return ATOLL_OK;
}

/* What this copy added to the field, once more. */
static status claim_added(lost_rows *l, pending_entry *e, const remembered_row *m, property_key p)
{
    pending_field fresh = {.property = p}, *f = pending_entry_field(e, p);
    if (f != NULL && f->version != 0) return ATOLL_OK; /* Set since: that was before. */
    if (f == NULL) TRY(vector_push(&e->fields, fresh));
    for (size_t i = 0; i < m->increments.count; i++) {
        const remembered_increment *n = &m->increments.items[i];
        pending_claim x = {p, n->claim, n->added};
        if (n->property != p || n->version <= l->after) continue;
        /* Claimed in a history that is lost itself: a value of that history has it, as of this version. */
        if (!claim_stands(l->r, &x.stamp)) x.stamp = claim_of(l, n->version, false);
        f = pending_entry_field(e, p);
        f->claimed = (int64_t)((uint64_t)f->claimed + (uint64_t)n->added);
        f->claimed_version = l->version;
        TRY(vector_push(&e->claims, x));
    }
    return ATOLL_OK;
}

/* The whole object as it is here. What is null is not claimed: somebody else may have made the object anew. */
static status claim_all(lost_rows *l, pending_entry *e, const model_class *c)
{
    model_txn *txn = l->r->g->txn;
    for (size_t i = 0; i < c->property_count; i++) {
        const model_property *p = &c->properties[i];
        value now = {.type = VALUE_LIST};
        bool collection = (p->flags & PROPERTY_COLLECTION) != 0;
        if ((p->flags & PROPERTY_PRIMARY_KEY) != 0) continue;
        if (collection) {
            TRY(integrate_touch_list(txn, c, e->row, p, l->version));
        } else {
            TRY(model_get_raw(model_txn_view(txn), c->key, e->row, p->key, &now));
        }
        if (now.type != VALUE_NULL) TRY(claim(l, e, p, 0));
    }
    return ATOLL_OK;
}

/* An embedded object goes with the object that holds it. */
static status claim_embedded(void *context, const model_class *c, row_key row,
                             const model_owner *owner)
{
    lost_rows *l = context;
    model_txn *txn = l->r->g->txn;
    pending_entry e;
    bool found = false;
    (void)owner;
    TRY(pending_get(txn, c->key, row, &e, &found));
    e.alive_before = true;
    e.newest = l->version;
    status result = claim_all(l, &e, c);
    if (result == ATOLL_OK) result = add_name(l->r, c->key, row);
    if (result == ATOLL_OK) result = pending_put(txn, &e);
    pending_entry_free(&e);
    return result;
}

static status claim_fields(lost_rows *l, pending_entry *e, const model_class *c,
                           const remembered_row *m)
{
    const model_view *view = model_txn_view(l->r->g->txn);
    for (size_t i = 0; i < m->fields.count; i++) {
        const remembered_field *f = &m->fields.items[i];
        const model_property *p = class_property(c, f->property);
        if (p == NULL || f->version <= l->after) continue;
        if (f->set <= l->after) {
            TRY(claim_added(l, e, m, p->key));
            continue;
        }
        /* What the field holds may be another's: the server has it with the field, or not at all. */
        TRY(claim(l, e, p, f->set));
        TRY(rows_walk_field(view, c, e->row, p, claim_embedded, l));
    }
    return ATOLL_OK;
}

/* What was acknowledged and is lost is pending again. */
static status take_lost(void *context, const remembered_row *m)
{
    lost_rows *l = context;
    model_txn *txn = l->r->g->txn;
    const model_view *view = model_txn_view(txn);
    const model_class *c = schema_class(model_view_schema(view), m->class_of);
    pending_entry e;
    bool found = false;
    if (c == NULL || c->kind == CLASS_ASYMMETRIC) return ATOLL_OK;
    bool alive = model_alive(view, m->class_of, m->row);
    TRY(pending_get(txn, m->class_of, m->row, &e, &found));
    alive |= found && e.hidden;
    status result = ATOLL_OK;
    bool born = m->created > l->after && alive, died = m->deleted > l->after && !alive;
    bool ended =
        m->deleted > l->after; /* A life that the server has again: it is to end once more. */
    if (!found || ended) e.alive_before = true;
    if (born && c->kind == CLASS_NORMAL) {
        e.created = l->version;
        e.alive_before = ended || (found && e.created != 0 && e.alive_before);
        e.deleted = 0;
        result = claim_all(l, &e, c);
        if (result == ATOLL_OK) result = rows_walk_embedded(view, c, m->row, claim_embedded, l);
    } else if (died) { /* If the server never had it: reset_finish drops that. */
        e.deleted = l->version;
    } else if (alive && e.created == 0) { /* Else it begins anew: those fields have ended. */
        result = claim_fields(l, &e, c, m);
    }
    bool any = found || e.created != 0 || e.deleted != 0 || e.fields.count > 0;
    e.newest = l->version;
    if (result == ATOLL_OK && any) result = add_name(l->r, e.class_of, e.row);
    if (result == ATOLL_OK && any) result = pending_put(txn, &e);
    pending_entry_free(&e);
    return result;
}

/* Made at the reset, of no life yet. */
static status rebase(reset_apply *r, class_key c, row_key row, uint64_t version)
{
    pending_entry e;
    bool found = false;
    uint64_t own = 0;
    TRY(pending_get(r->g->txn, c, row, &e, &found));
    /* Deleted here after the server's object of that key was seen: that one is meant. */
    if (e.met != 0 && e.deleted > e.created) e.alive_before = true;
    e.flight = e.presumed = e.met = 0;
    row_kind kind = pending_entry_kind(&e, &own);
    e.base = e.life = 0;
    e.newest = version;
    /* A life that a REPLACE ends stays ended, also when the one that it begins ends before it is sent. */
    e.created = kind == ROW_CREATE || kind == ROW_REPLACE ? version : 0;
    e.deleted = kind == ROW_REMOVE || kind == ROW_REPLACE ? version : 0;
    for (size_t i = 0; i < e.fields.count; i++) rebase_field(r, &e.fields.items[i], version);
    for (size_t i = 0; i < e.claims.count; i++) restate(r, &e.claims.items[i].stamp);
    pending_entry_drop_claims(&e);
    trail_parts_acknowledged(&e, 0);
    status result = ATOLL_OK;
    if (found)
        result = kind == ROW_NONE ? pending_drop(r->g->txn, c, row) : pending_put(r->g->txn, &e);
    pending_entry_free(&e);
    return result;
}

static status discard_one(reset_apply *r, class_key c, row_key row)
{
    pending_entry e;
    bool found = false;
    TRY(pending_get(r->g->txn, c, row, &e, &found));
    bool hidden = found && e.hidden;
    pending_entry_free(&e);
    if (hidden) TRY(model_delete(r->g->txn, c, row));
    return found ? pending_drop(r->g->txn, c, row) : ATOLL_OK;
}

status reset_prepare(reset_apply *r)
{
    model_txn *txn = r->g->txn;
    uint64_t newest = 0, version = model_txn_version(txn);
    TRY(began_read(r));
    TRY(pending_each_run(r->db, name_run, r));
    TRY(model_local_commits(r->db, model_folded(r->db), name_commit, r));
    TRY(pending_fold(txn, r->db, r->state, &newest));
    TRY(model_set_folded(txn, version)); /* Nothing is local between the newest and this commit. */
    /* Lives and clock readings are those of the old history. */
    TRY(side_drop(txn, r->db, 'r'));
    TRY(side_drop(txn, r->db, 't'));
    for (size_t i = 0; i < r->names.count && r->record->discard; i++)
        TRY(discard_one(r, r->names.items[i].class_of, r->names.items[i].row));
    if (r->record->discard) return remember_forget_after(txn, r->db, r->record->lost_after);
    lost_rows lost = {r, version, r->record->lost_after};
    bool copied = r->record->copied;
    if (!copied) TRY(remember_after(r->db, r->record->lost_after, take_lost, &lost));
    TRY(remember_forget_after(txn, r->db, copied ? 0 : r->record->lost_after));
    for (size_t i = 0; i < r->names.count; i++)
        TRY(rebase(r, r->names.items[i].class_of, r->names.items[i].row, version));
    if (r->names.count > 0)
        TRY(trail_put(txn, version, platform_random_u64(r->platform) | 1)); /* What is claimed. */
    return pending_clock(txn, version, r->platform, r->state->seen);
}

/* ---- after the rows ---- */

static status drop_entry(void *context, const model_class *c, row_key row, const model_owner *owner)
{
    reset_apply *r = context;
    (void)owner;
    return pending_drop(r->g->txn, c->key, row);
}

/* A row that the server does not have, or that is outside of the view now. */
static status row_leaves(reset_apply *r, const model_class *c, row_key row, bool hidden)
{
    bool alive = model_alive(model_txn_view(r->g->txn), c->key, row);
    if (alive) TRY(rows_walk_embedded(model_txn_view(r->g->txn), c, row, drop_entry, r));
    TRY(pending_drop(r->g->txn, c->key, row));
    return alive || hidden ? model_delete(r->g->txn, c->key, row) : ATOLL_OK;
}

static status settle_name(reset_apply *r, class_key class_of, row_key row, uint64_t to)
{
    pending_entry e;
    bool found = false;
    uint64_t own = 0;
    const model_class *c = schema_class(model_view_schema(model_txn_view(r->g->txn)), class_of);
    TRY(pending_get(r->g->txn, class_of, row, &e, &found));
    status result = ATOLL_OK;
    bool told = row_set_has(r->g->told, class_of, row);
    row_kind kind = pending_entry_kind(&e, &own);
    bool normal = c != NULL && c->kind == CLASS_NORMAL;
    bool born = kind == ROW_CREATE || kind == ROW_REPLACE;
    e.base = to;
    if (found && normal && !told && born) {
        e.alive_before = false;
        e.life = e.deleted = 0;
    } else if (found && normal && !told) {
        result = row_leaves(r, c, row, e.hidden);
        found = false;
    }
    if (result == ATOLL_OK && found) result = pending_put(r->g->txn, &e);
    if (result == ATOLL_OK && found && born) result = row_set_add(r->g->told, class_of, row);
    pending_entry_free(&e);
    return result;
}

static status sweep_class(reset_apply *r, const model_class *c)
{
    VECTOR(row_key) leaving = {0};
    uint64_t cursor = 0;
    model_segment segment;
    status result = ATOLL_OK;
    while (result == ATOLL_OK &&
           model_scan(model_txn_view(r->g->txn), c->key, &cursor, &segment, &result)) {
        for (uint32_t bit = 0; bit < MODEL_BLOCK_ROWS && result == ATOLL_OK; bit++) {
            if ((segment.alive[bit / 64] >> (bit % 64) & 1) == 0) continue;
            if (!row_set_has(r->g->told, c->key, segment.first + bit))
                result = vector_push(&leaving, segment.first + bit);
        }
    }
    for (size_t i = 0; i < leaving.count && result == ATOLL_OK; i++)
        result = row_leaves(r, c, leaving.items[i], false);
    vector_free(&leaving);
    return result;
}

/* An embedded object lives as long as something holds it. */
static status drop_unheld(reset_apply *r, class_key class_of, row_key row)
{
    const model_view *view = model_txn_view(r->g->txn);
    const model_class *c = schema_class(model_view_schema(view), class_of);
    if (c == NULL || c->kind != CLASS_EMBEDDED || model_alive(view, class_of, row)) return ATOLL_OK;
    return pending_drop(r->g->txn, class_of, row);
}

status reset_finish(reset_apply *r, uint64_t to)
{
    model_txn *txn = r->g->txn;
    const model_schema *schema = model_view_schema(model_txn_view(txn));
    for (size_t i = 0; i < r->names.count; i++)
        TRY(settle_name(r, r->names.items[i].class_of, r->names.items[i].row, to));
    for (size_t i = 0; i < schema->class_count; i++) {
        if (schema->classes[i].kind == CLASS_NORMAL) TRY(sweep_class(r, &schema->classes[i]));
    }
    for (size_t i = 0; i < r->names.count; i++)
        TRY(drop_unheld(r, r->names.items[i].class_of, r->names.items[i].row));
    TRY(remember_turn(txn, r->db));
    TRY(remember_no_longer_aside(txn, r->db));
    r->record->phase = RESET_UPLOADING;
    r->record->through = model_txn_version(txn);
    return reset_write(txn, r->record);
}

void reset_apply_end(reset_apply *r)
{
    vector_free(&r->began);
    vector_free(&r->names);
    map64_free(&r->named);
}

status reset_acknowledged(model_txn *txn, reset_record *record, uint64_t bound)
{
    if (record->phase != RESET_UPLOADING || bound < record->through) return ATOLL_OK;
    reset_record none = {0};
    TRY(reset_write(txn, &none));
    *record = none;
    return ATOLL_OK;
}
