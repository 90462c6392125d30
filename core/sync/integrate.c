/* Integration: the server's state becomes the client's, and what is pending stays until it is acknowledged.
 * It must never drop an unsent change, except one that the server's deletion has overruled. Invariant: after it, every field
 * that is not pending holds the server's value. */
#include "sync/integrate.h"
#include "sync/breakage.h"

enum { EMBEDDED_PASSES_MAX = 100 };

void integration_begin(integration *g, model_txn *txn, uint64_t outcome_bound, uint64_t sent_bound)
{
    *g = (integration){.txn = txn, .outcome_bound = outcome_bound, .sent_bound = sent_bound};
}

void integration_end(integration *g)
{
    map64_free(&g->told);
    map64_free(&g->skipped);
    map64_free(&g->whole);
}

static uint64_t name_of(class_key c, row_key row)
{
    return (uint64_t)c << 44 ^ row; /* Rows are counted from 1 up and stay far below 2^44. */
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

static status take_fields(integration *g, wire_rows *rows, size_t i, const model_class *c,
                          row_key row, pending_entry *e, bool whole)
{
    const model_schema *schema = model_view_schema(model_txn_view(g->txn));
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
    for (size_t n = 0; n < rows->columns.count; n++) {
        wire_column *column = rows->columns.items[n];
        const model_property *p = NULL;
        size_t entry = 0;
        if (!wire_column_seek(column, i, &entry)) continue;
        TRY(rows_property(schema, c, column, &p));
        if (p == NULL) continue;
        if (column->list != NULL) {
            TRY(take_list(g, c, row, p, column, entry, whole,
                          e != NULL && pending_entry_field(e, p->key) != NULL));
        } else {
            value v = wire_column_value(column, entry);
            TRY(take_value(g, c, row, p, e == NULL ? NULL : pending_entry_field(e, p->key), &v));
        }
    }
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
        result = map64_put(&g->skipped, name_of(c->key, row), 1);
        pending_entry_free(&e);
        return result;
    }
    if (result == ATOLL_OK) result = make_alive(g, c, key, &row, &fresh);
    if (result == ATOLL_OK && fresh && !whole)
        result =
            fail(ATOLL_ERROR_BAD_CHANGESET,
                 "a change of an object of class '%s' came, and the object is not here", c->name);
    if (result == ATOLL_OK) result = map64_put(&g->told, name_of(c->key, row), life);
    if (result == ATOLL_OK && whole) result = map64_put(&g->whole, name_of(c->key, row), 1);
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
    if (judged == IGNORE) return map64_put(&g->told, name_of(c->key, row), life);
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

static status integrate_group(integration *g, wire_rows *rows)
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
    for (size_t i = 0; i < rows->count; i++) {
        value key = wire_column_value(&rows->key, i);
        uint64_t life = wire_one_or_each(&rows->lives, i, 1);
        row_key row = 0;
        TRY(model_find_any(model_txn_view(g->txn), c->key, &key, &row));
        switch ((row_kind)rows->kinds.items[i]) {
        case ROW_REVERTED: TRY(drop_reverted(g, c, row)); /* fall through */
        case ROW_FULL:
        case ROW_DELTA: TRY(take_alive(g, rows, i, c, &key, row, life)); break;
        case ROW_DELETED: TRY(take_deleted(g, c, row, life)); break;
        case ROW_EVICTED:
            if (life == 0 && g->outcome_bound != 0) TRY(drop_reverted(g, c, row));
            TRY(take_evicted(g, c, row, life));
            break;
        case ROW_NONE:
        case ROW_CREATE:
        case ROW_EDIT:
        case ROW_REMOVE:
        case ROW_REPLACE: break;
        }
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
    if (map64_get(&g->skipped, name_of(root_class, root)) != NULL) return ATOLL_OK;
    pending_entry e;
    bool pending = false;
    TRY(pending_get(g->txn, c->key, row, &e, &pending));
    bool whole = map64_get(&g->whole, name_of(root_class, root)) != NULL;
    status result = take_fields(g, rows, i, c, row, pending ? &e : NULL, whole);
    pending_entry_free(&e);
    return result;
}

static status embedded_pass(integration *g, wire_rows *rows, uint8_t *done, size_t *progress)
{
    const model_class *c =
        schema_class_named(model_view_schema(model_txn_view(g->txn)), bytes_text(rows->class_name));
    if (c == NULL || c->kind != CLASS_EMBEDDED || rows->key.type != VALUE_EMBEDDED) return ATOLL_OK;
    for (size_t i = 0; i < rows->count; i++) {
        bool taken = false;
        if (done[i]) continue;
        TRY(take_embedded(g, rows, i, c, &taken));
        done[i] = taken;
        *progress += taken;
    }
    return ATOLL_OK;
}

static status integrate_embedded(integration *g, const wire_rows_list *list)
{
    size_t total = 0, progress = 1;
    for (size_t k = 0; k < list->count; k++)
        total += list->items[k]->owner_class[0] != '\0' ? list->items[k]->count : 0;
    if (total == 0) return ATOLL_OK;
    uint8_t *done = memory_allocate_zero(total);
    if (done == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    status result = ATOLL_OK;
    for (int pass = 0; pass < EMBEDDED_PASSES_MAX && progress > 0 && result == ATOLL_OK; pass++) {
        size_t at = 0;
        progress = 0;
        for (size_t k = 0; k < list->count && result == ATOLL_OK; k++) {
            wire_rows *rows = list->items[k];
            if (rows->owner_class[0] == '\0') continue;
            result = embedded_pass(g, rows, done + at, &progress);
            at += rows->count;
        }
    }
    memory_free(done);
    return result;
}

status integrate_rows(integration *g, const wire_rows_list *rows)
{
    for (size_t k = 0; k < rows->count; k++) {
        if (rows->items[k]->owner_class[0] == '\0') TRY(integrate_group(g, rows->items[k]));
    }
    return integrate_embedded(g, rows);
}

/* ---- sweep ---- */

status integrate_sweep(integration *g)
{
    const model_schema *schema = model_view_schema(model_txn_view(g->txn));
    VECTOR(row_key) leaving = {0};
    status result = ATOLL_OK;
    for (size_t k = 0; k < schema->class_count && result == ATOLL_OK; k++) {
        const model_class *c = &schema->classes[k];
        uint64_t cursor = 0;
        model_segment segment;
        if (c->kind != CLASS_NORMAL) continue;
        leaving.count = 0;
        while (result == ATOLL_OK &&
               model_scan(model_txn_view(g->txn), c->key, &cursor, &segment, &result)) {
            for (uint32_t bit = 0; bit < MODEL_BLOCK_ROWS && result == ATOLL_OK; bit++) {
                if ((segment.alive[bit / 64] >> (bit % 64) & 1) == 0) continue;
                if (map64_get(&g->told, name_of(c->key, segment.first + bit)) == NULL)
                    result = vector_push(&leaving, segment.first + bit);
            }
        }
        for (size_t i = 0; i < leaving.count && result == ATOLL_OK; i++)
            result = take_evicted(g, c, leaving.items[i], 0);
    }
    vector_free(&leaving);
    return result;
}
