/* Integration: the server's state becomes the client's, and what is pending stays until it is acknowledged.
 * It must never drop an unsent change, except one that the server's deletion has overruled. Invariant: after it, every field
 * that is not pending holds the server's value. */
#include "sync/integrate_internal.h"
#include "sync/breakage.h"

#include <stdlib.h>

enum {
    EMBEDDED_PASSES_MAX = 100,
    KEYS_AHEAD = 6 /* so many keys before its turn, the memory is asked for a key's place */
};

void integration_begin(integration *g, model_txn *txn, uint64_t outcome_bound, uint64_t sent_bound)
{
    *g = (integration){.txn = txn, .outcome_bound = outcome_bound, .sent_bound = sent_bound};
}

void integration_end(integration *g)
{
    row_set_free(&g->skipped);
    row_set_free(&g->whole);
    integrate_run_free(g->run);
}

status integrate_tell(integration *g, const model_class *c, row_key row)
{
    return g->told == NULL ? ATOLL_OK : row_set_add(g->told, c->key, row);
}

/* ---- what a row's message means beside what is pending ---- */

typedef enum outcome_of_row { TAKE, TAKE_AND_DROP_PENDING, IGNORE } outcome_of_row;

/* Whether the batch in flight makes the row, though it was deleted since. */
static bool in_flight(const integration *g, const pending_entry *e)
{
    return e->flight != 0 && e->flight == g->sent_bound;
}

static outcome_of_row judge_alive(integration *g, pending_entry *e, uint64_t life)
{
    uint64_t own = 0;
    bool presumed = g->outcome_bound != 0 && e->presumed == g->outcome_bound;
    if (presumed) e->life = life;
    if (in_flight(g, e)) {
        /* Created in the batch in flight and deleted since, perhaps created again: what comes in is of a life that is
         * ours to end once the batch is acknowledged. */
        if (life > e->life) e->met = life;
        return IGNORE;
    }
    switch (pending_entry_kind(e, &own)) {
    case ROW_EDIT: return life == own ? TAKE : life > own ? TAKE_AND_DROP_PENDING : IGNORE;
    case ROW_REMOVE: return life <= own ? IGNORE : TAKE_AND_DROP_PENDING;
    case ROW_CREATE:
    case ROW_REPLACE:
        /* The server decides whether ours joins that life. */
        if (own != 0 && life <= own) return IGNORE;
        e->met = life;
        return TAKE;
    case ROW_NONE: return TAKE_AND_DROP_PENDING;
    case ROW_FULL:
    case ROW_DELTA:
    case ROW_DELETED:
    case ROW_EVICTED:
    case ROW_REVERTED: break;
    }
    return IGNORE;
}

/* After a reset a life is whatever the server says now. */
static outcome_of_row judge_reset(pending_entry *e, uint64_t life)
{
    uint64_t own = 0;
    switch (pending_entry_kind(e, &own)) {
    case ROW_EDIT: e->life = life; return TAKE;
    case ROW_CREATE: e->met = life; return TAKE;
    case ROW_REMOVE:
    case ROW_REPLACE: e->life = life; return IGNORE;
    default: return TAKE_AND_DROP_PENDING;
    }
}

static outcome_of_row judge_deleted(integration *g, const pending_entry *e, uint64_t life)
{
    uint64_t own = 0;
    bool presumed = g->outcome_bound != 0 && e->presumed == g->outcome_bound;
    if (in_flight(g, e)) return IGNORE; /* The outcome of the batch in flight will tell. */
    switch (pending_entry_kind(e, &own)) {
    case ROW_EDIT: return life >= own || presumed ? TAKE_AND_DROP_PENDING : IGNORE;
    case ROW_REMOVE: return life >= own ? TAKE_AND_DROP_PENDING : IGNORE;
    case ROW_CREATE: return own == 0 || life > own ? TAKE_AND_DROP_PENDING : IGNORE;
    case ROW_REPLACE: return life > own ? TAKE_AND_DROP_PENDING : IGNORE;
    case ROW_NONE: return TAKE_AND_DROP_PENDING;
    case ROW_FULL:
    case ROW_DELTA:
    case ROW_DELETED:
    case ROW_EVICTED:
    case ROW_REVERTED: break;
    }
    return TAKE_AND_DROP_PENDING;
}

/* ---- fields ---- */

#define SET_HERE (UINT64_MAX - 1) /* while merging: later than any stamp */

static uint64_t element_name(const list_element *e)
{
    return hash_bytes(&e->id, sizeof e->id, 0);
}

/* Our elements beside the server's, each by its identity: what comes out otherwise than the server has it is unsent, what is
 * unsent wins. */
static status merge_reset_list(integration *g, const model_property *p, list_state *own,
                               const list_state *incoming)
{
    map64 there = {0};
    status result = ATOLL_OK;
    for (size_t i = 0; i < incoming->elements.count && result == ATOLL_OK; i++)
        result = map64_put(&there, element_name(&incoming->elements.items[i]), i);
    bool ahead = own->life > incoming->life;
    if (own->life < incoming->life) own->elements.count = 0;
    for (size_t i = 0; i < own->elements.count; i++) {
        list_element *e = &own->elements.items[i];
        uint64_t *at = map64_get(&there, element_name(e));
        /* Another copy of this folder may have sent it: it stands where the server has it. */
        if (at != NULL) e->stamp = incoming->elements.items[*at].stamp;
        if (e->touched != 0 && !list_moved_away(e)) e->value_stamp = SET_HERE;
    }
    if (result == ATOLL_OK) result = rows_list_merge(p, own, incoming);
    for (size_t i = 0; i < own->elements.count && result == ATOLL_OK; i++) {
        list_element *e = &own->elements.items[i];
        uint64_t *at = map64_get(&there, element_name(e));
        const list_element *x = at == NULL || ahead ? NULL : &incoming->elements.items[*at];
        bool same = x != NULL && x->erased == e->erased && x->value_stamp == e->value_stamp &&
                    x->value_actor == e->value_actor;
        if (!same && e->touched == 0) e->touched = g->reset;
        if (e->value_stamp == SET_HERE) e->value_stamp = 0;
    }
    map64_free(&there);
    return result;
}

status integrate_touch_list(model_txn *txn, const model_class *c, row_key row,
                            const model_property *p, uint64_t version)
{
    list_state state;
    list_state_init(&state);
    status result = model_list_state(model_txn_view(txn), c->key, row, p->key, &state);
    for (size_t i = 0; i < state.elements.count; i++) {
        if (state.elements.items[i].touched == 0) state.elements.items[i].touched = version;
    }
    if (result == ATOLL_OK && state.elements.count > 0)
        result = model_list_store(txn, c->key, row, p->key, &state);
    list_state_free(&state);
    return result;
}

static status take_list(integration *g, const model_class *c, row_key row, const model_property *p,
                        const wire_column *column, size_t entry, bool whole, bool pending)
{
    list_state incoming, own;
    TRY(rows_list_in(g->txn, p, column, entry, &incoming));
    list_state_init(&own);
    status result = model_list_state(model_txn_view(g->txn), c->key, row, p->key, &own);
    if (result == ATOLL_OK && ((whole && !pending) || BREAKAGE(BREAKAGE_LIST_REPLACED))) {
        result = rows_list_store(g->txn, c, row, p, &incoming);
    } else if (result == ATOLL_OK && g->reset != 0) {
        result = merge_reset_list(g, p, &own, &incoming);
        if (result == ATOLL_OK) result = rows_list_store(g->txn, c, row, p, &own);
    } else if (result == ATOLL_OK && whole && own.life <= incoming.life) {
        /* The server's form counts; of ours only what it has not got yet. */
        size_t kept = 0;
        for (size_t i = 0; i < own.elements.count; i++) {
            if (own.elements.items[i].touched != 0)
                own.elements.items[kept++] = own.elements.items[i];
        }
        own.elements.count = kept;
        if (own.life < incoming.life) own.elements.count = 0;
        if (result == ATOLL_OK) result = rows_list_merge(p, &incoming, &own);
        if (result == ATOLL_OK) result = rows_list_store(g->txn, c, row, p, &incoming);
    } else if (result == ATOLL_OK) {
        result = rows_list_merge(p, &own, &incoming);
        if (result == ATOLL_OK) result = rows_list_store(g->txn, c, row, p, &own);
    }
    list_state_free(&own);
    list_state_free(&incoming);
    return result;
}

/* What was pending in an embedded object when it ended is not pending in the one that comes back under its identity. */
static status forget_ended(integration *g, const model_property *p, const value *v)
{
    const model_view *view = model_txn_view(g->txn);
    class_key c = p->target;
    row_key row = 0;
    bool there = true;
    bool nested = v->type == VALUE_LIST || v->type == VALUE_DICTIONARY;
    if (nested) {
        const char *name = v->type == VALUE_LIST ? SCHEMA_HIDDEN_LIST : SCHEMA_HIDDEN_DICTIONARY;
        const model_class *hidden = schema_class_named(model_view_schema(view), bytes_text(name));
        c = hidden == NULL ? 0 : hidden->key;
    }
    if (c == 0 || !(nested || (p->type == VALUE_EMBEDDED && v->type == VALUE_UUID)))
        return ATOLL_OK;
    TRY(model_embedded_find(view, c, v->as.id, &row));
    if (row != 0) TRY(model_is_there(view, c, row, &there));
    return there ? ATOLL_OK : pending_drop(g->txn, c, row);
}

/* The server's value of a field; where it was only added to here, with what the server has not got yet. */
static status take_value(integration *g, const model_class *c, row_key row, const model_property *p,
                         const pending_field *pending, const value *v)
{
    value sum = *v;
    bool set = pending != NULL && pending->version != 0; /* Set here, and not sent yet. */
    if (set && !BREAKAGE(BREAKAGE_PENDING_OVERWRITTEN)) return ATOLL_OK;
    if (pending != NULL && sum.type == VALUE_INT)
        sum.as.integer =
            (int64_t)((uint64_t)sum.as.integer + (uint64_t)pending_field_added(pending));
    TRY(forget_ended(g, p, v));
    return rows_set(g->txn, c, row, p, &sum);
}

/* Absent in a whole object means empty. */
static status take_absent(integration *g, const model_class *c, row_key row,
                          const model_property *p, const pending_field *pending)
{
    value zero = (p->flags & PROPERTY_NULLABLE) != 0 ? value_null() : value_int(0);
    if (pending == NULL) return rows_reset(g->txn, c, row, p);
    bool counted = p->type == VALUE_INT && (p->flags & PROPERTY_COLLECTION) == 0;
    return counted ? take_value(g, c, row, p, pending, &zero) : ATOLL_OK;
}

status integrate_column(integration *g, wire_rows *rows, size_t n, size_t i, const model_class *c,
                        row_key row, pending_entry *e, bool whole)
{
    wire_column *column = rows->columns.items[n];
    const model_property *p = NULL;
    size_t entry = 0;
    if (!wire_column_seek(column, i, &entry)) return ATOLL_OK;
    TRY(rows_property(model_view_schema(model_txn_view(g->txn)), c, column, &p));
    if (p == NULL) return ATOLL_OK;
    pending_field *pending = e == NULL ? NULL : pending_entry_field(e, p->key);
    if (column->list != NULL) return take_list(g, c, row, p, column, entry, whole, pending != NULL);
    value v = wire_column_value(column, entry);
    return take_value(g, c, row, p, pending, &v);
}

static status take_fields(integration *g, wire_rows *rows, size_t i, const model_class *c,
                          row_key row, pending_entry *e, bool whole)
{
    for (size_t k = 0; k < c->property_count && whole; k++) {
        const model_property *p = &c->properties[k];
        size_t entry = 0;
        bool there = false;
        for (size_t n = 0; n < rows->columns.count && !there; n++) {
            there = strcmp(rows->columns.items[n]->property, p->name) == 0 &&
                    wire_column_seek(rows->columns.items[n], i, &entry);
        }
        pending_field *pending = e == NULL ? NULL : pending_entry_field(e, p->key);
        if (!there && (p->flags & PROPERTY_PRIMARY_KEY) == 0)
            TRY(take_absent(g, c, row, p, pending));
        if (!there && pending != NULL && g->reset != 0 && (p->flags & PROPERTY_COLLECTION) != 0)
            TRY(integrate_touch_list(g->txn, c, row, p, g->reset));
    }
    for (size_t n = 0; n < rows->columns.count; n++)
        TRY(integrate_column(g, rows, n, i, c, row, e, whole));
    return ATOLL_OK;
}

/* ---- rows ---- */

static status drop_embedded(void *context, const model_class *c, row_key row,
                            const model_owner *owner)
{
    (void)owner;
    integration *g = context;
    return pending_drop(g->txn, c->key, row);
}

/* What was refused goes, and what was done on top of it. */
static status drop_reverted(integration *g, const model_class *c, row_key row)
{
    pending_entry e;
    bool pending = false;
    if (row == 0) return ATOLL_OK;
    TRY(pending_get(g->txn, c->key, row, &e, &pending));
    bool hidden = pending && e.hidden;
    pending_entry_free(&e);
    if (hidden) TRY(model_hide(g->txn, c->key, row, false));
    if (model_alive(model_txn_view(g->txn), c->key, row))
        TRY(rows_walk_embedded(model_txn_view(g->txn), c, row, drop_embedded, g));
    return pending ? pending_drop(g->txn, c->key, row) : ATOLL_OK;
}

static status make_alive(integration *g, const model_class *c, const value *key, row_key *row,
                         bool *fresh)
{
    const model_view *view = model_txn_view(g->txn);
    pending_entry e;
    bool found = false;
    *fresh = false;
    if (*row != 0 && model_alive(view, c->key, *row)) return ATOLL_OK;
    if (*row != 0) {
        TRY(pending_get(g->txn, c->key, *row, &e, &found));
        bool hidden = found && e.hidden;
        e.hidden = false;
        status result = hidden ? pending_put(g->txn, &e) : ATOLL_OK;
        pending_entry_free(&e);
        if (result != ATOLL_OK) return result;
        if (hidden) return model_hide(g->txn, c->key, *row, false);
    }
    *fresh = true;
    return model_create(g->txn, c->key, key, row);
}

static status take_alive(integration *g, wire_rows *rows, size_t i, const model_class *c,
                         const value *key, row_key row, uint64_t life)
{
    pending_entry e = {0};
    bool pending = false, fresh = false, whole = rows->kinds.items[i] != ROW_DELTA;
    outcome_of_row judged = TAKE;
    status result = ATOLL_OK;
    if (row != 0) TRY(pending_get(g->txn, c->key, row, &e, &pending));
    if (pending) {
        judged = g->reset != 0 ? judge_reset(&e, life) : judge_alive(g, &e, life);
        e.presumed = 0;
        if (judged == TAKE_AND_DROP_PENDING) {
            if (e.hidden) result = model_delete(g->txn, c->key, row);
            if (result == ATOLL_OK) result = pending_drop(g->txn, c->key, row);
            pending_entry_free(&e);
            pending = false;
        } else {
            result = pending_put(g->txn, &e);
        }
    }
    if (result == ATOLL_OK && judged == IGNORE) {
        result = row_set_add(&g->skipped, c->key, row);
        if (result == ATOLL_OK) result = integrate_tell(g, c, row);
        pending_entry_free(&e);
        return result;
    }
    if (result == ATOLL_OK) result = make_alive(g, c, key, &row, &fresh);
    if (result == ATOLL_OK && fresh && !whole)
        result =
            fail(ATOLL_ERROR_BAD_CHANGESET,
                 "a change of an object of class '%s' came, and the object is not here", c->name);
    if (result == ATOLL_OK) result = integrate_tell(g, c, row);
    if (result == ATOLL_OK && whole) result = row_set_add(&g->whole, c->key, row);
    if (result == ATOLL_OK) result = pending_set_life(g->txn, c->key, row, life, false);
    if (result == ATOLL_OK) result = take_fields(g, rows, i, c, row, pending ? &e : NULL, whole);
    pending_entry_free(&e);
    return result;
}

static status take_deleted(integration *g, const model_class *c, row_key row, uint64_t life)
{
    pending_entry e;
    bool pending = false;
    if (row == 0) return ATOLL_OK;
    TRY(pending_get(g->txn, c->key, row, &e, &pending));
    outcome_of_row judged = pending ? judge_deleted(g, &e, life) : TAKE;
    bool hidden = pending && e.hidden;
    pending_entry_free(&e);
    if (judged == IGNORE) return integrate_tell(g, c, row);
    if (judged == TAKE_AND_DROP_PENDING) TRY(pending_drop(g->txn, c->key, row));
    if (hidden || model_alive(model_txn_view(g->txn), c->key, row))
        TRY(model_delete(g->txn, c->key, row));
    return pending_set_life(g->txn, c->key, row, life, true);
}

typedef struct newest_embedded {
    integration *g;
    uint64_t newest, base;
} newest_embedded;

static status find_newest(void *context, const model_class *c, row_key row,
                          const model_owner *owner)
{
    newest_embedded *n = context;
    pending_entry e;
    bool pending = false;
    (void)owner;
    TRY(pending_get(n->g->txn, c->key, row, &e, &pending));
    if (pending && (n->newest == 0 || e.base < n->base)) n->base = e.base;
    if (pending && e.newest > n->newest) n->newest = e.newest;
    pending_entry_free(&e);
    return ATOLL_OK;
}

/* An object whose embedded objects have something unsent is pending itself: without fields, as long as they are. */
static status adopt_embedded(integration *g, const model_class *c, row_key row, pending_entry *e,
                             bool *pending)
{
    newest_embedded n = {g, 0, 0};
    known_life life;
    bool found = false;
    TRY(rows_walk_embedded(model_txn_view(g->txn), c, row, find_newest, &n));
    if (n.newest > e->newest) e->newest = n.newest;
    if (*pending || n.newest == 0) return ATOLL_OK;
    TRY(pending_life(g->txn, c->key, row, &life, &found));
    e->base = n.base;
    e->life = life.life;
    e->alive_before = *pending = true;
    return ATOLL_OK;
}

/* A row left the view. What is unsent in it stays, hidden, until it is acknowledged or refused (design rule 6). */
static status take_evicted(integration *g, const model_class *c, row_key row, uint64_t life)
{
    pending_entry e;
    bool pending = false;
    if (row == 0) return ATOLL_OK;
    TRY(pending_get(g->txn, c->key, row, &e, &pending));
    bool alive = model_alive(model_txn_view(g->txn), c->key, row);
    status result = alive ? adopt_embedded(g, c, row, &e, &pending) : ATOLL_OK;
    if (BREAKAGE(BREAKAGE_EVICT_OF_A_PENDING_ROW) && pending) {
        result = pending_drop(g->txn, c->key, row);
        pending = e.hidden = false;
    }
    /* The outcome tells in which life what we created found itself. */
    if (pending && life != 0 && g->outcome_bound != 0 && e.presumed == g->outcome_bound) {
        e.life = life;
        if (result == ATOLL_OK) result = pending_put(g->txn, &e);
    }
    uint64_t own = 0;
    row_kind kind = pending ? pending_entry_kind(&e, &own) : ROW_NONE;
    if (kind == ROW_CREATE || kind == ROW_REPLACE) {
        /* The life that left is not the one that begins here: its own upload decides about it. */
    } else if (result == ATOLL_OK && pending && alive) {
        e.hidden = true;
        result = pending_put(g->txn, &e);
        if (result == ATOLL_OK) result = model_hide(g->txn, c->key, row, true);
    } else if (result == ATOLL_OK && !pending) {
        if (alive) result = model_delete(g->txn, c->key, row);
        if (result == ATOLL_OK) result = pending_forget_life(g->txn, c->key, row);
    }
    pending_entry_free(&e);
    return result;
}

/* row 0: its key is not here. */
static status take_row(integration *g, wire_rows *rows, size_t i, const model_class *c,
                       const value *key, row_key row)
{
    uint64_t life = wire_one_or_each(&rows->lives, i, 1);
    switch ((row_kind)rows->kinds.items[i]) {
    case ROW_REVERTED: TRY(drop_reverted(g, c, row)); /* fall through */
    case ROW_FULL:
    case ROW_DELTA: return take_alive(g, rows, i, c, key, row, life);
    case ROW_DELETED: return take_deleted(g, c, row, life);
    case ROW_EVICTED:
        if (life == 0 && g->outcome_bound != 0) TRY(drop_reverted(g, c, row));
        return take_evicted(g, c, row, life);
    case ROW_NONE:
    case ROW_CREATE:
    case ROW_EDIT:
    case ROW_REMOVE:
    case ROW_REPLACE: break;
    }
    return ATOLL_OK;
}

/* The rows of a group from one to before another. */
static status integrate_group(integration *g, wire_rows *rows, size_t from, size_t to)
{
    const model_view *view = model_txn_view(g->txn);
    const model_class *c =
        schema_class_named(model_view_schema(view), bytes_text(rows->class_name));
    if (c == NULL || c->kind != CLASS_NORMAL)
        return ATOLL_OK; /* A class of a newer version of the app. */
    const model_property *key_property = class_property(c, c->primary_key);
    if (key_property == NULL || key_property->type != rows->key.type) {
        return fail(ATOLL_ERROR_TYPE_MISMATCH, "the server's keys of class '%s' have another type",
                    c->name);
    }
    for (size_t i = from; i < to;) {
        value key = wire_column_value(&rows->key, i);
        row_key row = 0;
        size_t taken = 1;
        if (i + KEYS_AHEAD < to) {
            value later = wire_column_value(&rows->key, i + KEYS_AHEAD);
            model_find_fetch(view, c->key, &later);
        }
        TRY(model_find_any(view, c->key, &key, &row));
        if (row == 0 && rows->kinds.items[i] == ROW_FULL)
            TRY(integrate_run(g, rows, c, i, to, &taken));
        else
            TRY(take_row(g, rows, i, c, &key, row));
        i += taken;
    }
    return ATOLL_OK;
}

/* ---- embedded objects ---- */

/* Its owner holds it now: a row that exists only because a slot or an element names it. */
static status take_embedded(integration *g, wire_rows *rows, size_t i, const model_class *c,
                            bool *taken)
{
    const model_view *view = model_txn_view(g->txn);
    value id = wire_column_value(&rows->key, i);
    row_key row = 0, root = 0;
    class_key root_class = 0;
    *taken = false;
    TRY(model_embedded_find(view, c->key, id.as.id, &row));
    if (row == 0 || !model_alive(view, c->key, row)) return ATOLL_OK;
    *taken = true;
    TRY(model_root_get(view, c->key, row, &root_class, &root));
    if (row_set_has(&g->skipped, root_class, root)) return ATOLL_OK;
    pending_entry e;
    bool pending = false;
    TRY(pending_get(g->txn, c->key, row, &e, &pending));
    bool whole = row_set_has(&g->whole, root_class, root);
    status result = take_fields(g, rows, i, c, row, pending ? &e : NULL, whole);
    pending_entry_free(&e);
    return result;
}

static status embedded_pass(integration *g, const integration_plan *plan, size_t from, size_t to,
                            uint8_t *done, size_t *progress)
{
    const model_schema *schema = model_view_schema(model_txn_view(g->txn));
    const model_class *c = NULL;
    const wire_rows *last = NULL;
    for (size_t i = from; i < to; i++) {
        const embedded_place *x = &plan->embedded.items[i];
        wire_rows *rows = plan->list->items[x->group];
        bool taken = false;
        if (done[i - from]) continue;
        if (rows != last) c = schema_class_named(schema, bytes_text(rows->class_name));
        last = rows;
        if (c == NULL || c->kind != CLASS_EMBEDDED || rows->key.type != VALUE_EMBEDDED) continue;
        TRY(take_embedded(g, rows, x->index, c, &taken));
        done[i - from] = taken;
        *progress += taken;
    }
    return ATOLL_OK;
}

static status integrate_embedded(integration *g, const integration_plan *plan, size_t from,
                                 size_t to)
{
    size_t progress = 1;
    if (from == to) return ATOLL_OK;
    uint8_t *done = memory_allocate_zero(to - from);
    if (done == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    status result = ATOLL_OK;
    for (int pass = 0; pass < EMBEDDED_PASSES_MAX && progress > 0 && result == ATOLL_OK; pass++) {
        progress = 0;
        result = embedded_pass(g, plan, from, to, done, &progress);
    }
    memory_free(done);
    return result;
}

/* ---- a message, or a part of it ---- */

static uint64_t place_name(const char *class_name, const wire_column *keys, size_t i)
{
    value key = wire_column_value(keys, i);
    return hash_bytes(class_name, strlen(class_name), value_hash(&key));
}

/* Embedded rows whose owner is known by now are of its root. */
static status plan_pass(integration_plan *plan, const wire_rows_list *list, map64 *roots,
                        row_set *placed, bool *progress)
{
    for (size_t k = 0; k < list->count; k++) {
        wire_rows *rows = list->items[k];
        if (rows->owner_class[0] == '\0') continue;
        for (size_t i = 0; i < rows->count; i++) {
            if (row_set_has(placed, (class_key)k, i)) continue;
            uint64_t *root = map64_get(roots, place_name(rows->owner_class, &rows->owner_keys, i));
            if (root == NULL) continue;
            embedded_place x = {k, i, *root};
            TRY(map64_put(roots, place_name(rows->class_name, &rows->key, i), *root));
            TRY(row_set_add(placed, (class_key)k, i));
            TRY(vector_push(&plan->embedded, x));
            *progress = true;
        }
    }
    return ATOLL_OK;
}

static int compare_places(const void *a, const void *b)
{
    const embedded_place *x = a, *y = b;
    if (x->root != y->root) return x->root < y->root ? -1 : 1;
    if (x->group != y->group) return x->group < y->group ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

static status plan_embedded(integration_plan *plan, const wire_rows_list *list, map64 *roots,
                            row_set *placed)
{
    size_t at = 0;
    bool progress = true;
    for (size_t k = 0; k < list->count; k++) {
        wire_rows *rows = list->items[k];
        if (rows->owner_class[0] != '\0') continue;
        for (size_t i = 0; i < rows->count; i++)
            TRY(map64_put(roots, place_name(rows->class_name, &rows->key, i), at++));
    }
    for (int pass = 0; pass < EMBEDDED_PASSES_MAX && progress; pass++) {
        progress = false;
        TRY(plan_pass(plan, list, roots, placed, &progress));
    }
    /* Of nothing that the message names: with its last row. */
    for (size_t k = 0; k < list->count; k++) {
        wire_rows *rows = list->items[k];
        for (size_t i = 0; rows->owner_class[0] != '\0' && i < rows->count; i++) {
            embedded_place x = {k, i, plan->rows == 0 ? 0 : plan->rows - 1};
            if (!row_set_has(placed, (class_key)k, i)) TRY(vector_push(&plan->embedded, x));
        }
    }
    if (plan->embedded.items != NULL)
        qsort(plan->embedded.items, plan->embedded.count, sizeof *plan->embedded.items,
              compare_places);
    return ATOLL_OK;
}

status integration_plan_make(const wire_rows_list *list, integration_plan *out)
{
    integration_plan plan = {.list = list};
    map64 roots = {0};
    row_set placed = {0};
    size_t embedded = 0;
    for (size_t k = 0; k < list->count; k++) {
        size_t *to = list->items[k]->owner_class[0] == '\0' ? &plan.rows : &embedded;
        *to += list->items[k]->count;
    }
    status result = embedded == 0 ? ATOLL_OK : plan_embedded(&plan, list, &roots, &placed);
    map64_free(&roots);
    row_set_free(&placed);
    if (result != ATOLL_OK) {
        integration_plan_free(&plan);
        return result;
    }
    *out = plan;
    return ATOLL_OK;
}

void integration_plan_free(integration_plan *plan)
{
    vector_free(&plan->embedded);
}

/* The first embedded row of a root, or of a later one. */
static size_t embedded_of(const integration_plan *plan, size_t root)
{
    size_t low = 0, high = plan->embedded.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (plan->embedded.items[middle].root < root)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

size_t integration_plan_slice(const integration_plan *plan, size_t from, size_t rows_max)
{
    size_t to = from, embedded = embedded_of(plan, from), taken = 0;
    while (to < plan->rows && taken < rows_max) {
        taken++;
        for (; embedded < plan->embedded.count && plan->embedded.items[embedded].root == to;
             embedded++)
            taken++;
        to++;
    }
    return to;
}

status integrate_slice(integration *g, const integration_plan *plan, size_t from, size_t to)
{
    size_t first = 0;
    integrate_run_forget(g->run);
    for (size_t k = 0; k < plan->list->count; k++) {
        wire_rows *rows = plan->list->items[k];
        if (rows->owner_class[0] != '\0') continue;
        size_t low = from > first ? from - first : 0, high = to > first ? to - first : 0;
        if (high > rows->count) high = rows->count;
        if (low < high) TRY(integrate_group(g, rows, low, high));
        first += rows->count;
    }
    size_t end = to >= plan->rows ? plan->embedded.count : embedded_of(plan, to);
    return integrate_embedded(g, plan, embedded_of(plan, from), end);
}

status integrate_rows(integration *g, const wire_rows_list *rows)
{
    integration_plan plan;
    TRY(integration_plan_make(rows, &plan));
    status result = integrate_slice(g, &plan, 0, plan.rows);
    integration_plan_free(&plan);
    return result;
}

/* ---- sweep ---- */

typedef VECTOR(row_key) row_vector;

/* Rows of the segment, from one on, that are alive and were not named. */
static status collect_leaving(const integration *g, class_key c, const model_segment *segment,
                              row_key from, row_vector *leaving)
{
    const row_block *told = row_set_block(g->told, c, segment->first);
    for (size_t word = 0; word < MODEL_BLOCK_ROWS / 64; word++) {
        uint64_t bits = segment->alive[word] & ~(told == NULL ? 0 : told->bits[word]);
        for (uint32_t bit = 0; bits != 0; bit++, bits >>= 1) {
            row_key row = segment->first + word * 64 + bit;
            if ((bits & 1) != 0 && row >= from) TRY(vector_push(leaving, row));
        }
    }
    return ATOLL_OK;
}

static status sweep_class(integration *g, const model_class *c, integration_sweep *at,
                          size_t rows_max, bool *more)
{
    row_vector leaving = {0};
    model_segment segment;
    status result = ATOLL_OK;
    uint64_t cursor = at->row / MODEL_BLOCK_ROWS;
    *more = true;
    while (result == ATOLL_OK && leaving.count < rows_max) {
        *more = model_scan(model_txn_view(g->txn), c->key, &cursor, &segment, &result);
        if (!*more) break;
        result = collect_leaving(g, c->key, &segment, at->row, &leaving);
        at->row = cursor * MODEL_BLOCK_ROWS;
    }
    if (leaving.count > rows_max) {
        leaving.count = rows_max;
        at->row = leaving.items[rows_max - 1] + 1; /* The rest of the segment comes next. */
    }
    for (size_t i = 0; i < leaving.count && result == ATOLL_OK; i++)
        result = take_evicted(g, c, leaving.items[i], 0);
    at->left += leaving.count;
    vector_free(&leaving);
    return result;
}

status integrate_sweep(integration *g, integration_sweep *at, size_t rows_max)
{
    const model_schema *schema = model_view_schema(model_txn_view(g->txn));
    at->left = 0;
    for (bool more; at->class_index < schema->class_count; at->class_index++, at->row = 0) {
        const model_class *c = &schema->classes[at->class_index];
        if (c->kind != CLASS_NORMAL) continue;
        do {
            if (at->left >= rows_max) return ATOLL_OK;
            TRY(sweep_class(g, c, at, rows_max - at->left, &more));
        } while (more);
    }
    at->done = true;
    return ATOLL_OK;
}
