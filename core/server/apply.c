/* Applying a batch: the one place where clients' writes become the server's state, in one commit.
 * It must never apply a part of a batch, nor let one refused object undo the others. Invariant: every object that came out
 * otherwise than uploaded is in the outcome of the batch's record, written in the same commit. */
#include "server/app.h"
#include "sync/breakage.h"

#include <stdio.h>
#include <stdlib.h>

#define LIFE_MAX \
    ((uint64_t)1 << 60) /* what a client may make up stays far from the end of the numbers */

typedef struct batch_apply {
    server_app *app;
    model_txn *txn;
    const server_view *view; /* the one in force: it tells the partition */
    const judging_views *views;
    uint64_t ident, version, limit; /* limit: no stamp is later than the server's now */
    ident_record record;
    bool broken_list; /* of the object under way */
    map64 taken;      /* root → 1 accepted, 2 not */
    map64 outcome;    /* roots in the outcome */
    map64 forbidden;  /* roots in which an embedded object was written that may not be */
} batch_apply;

static uint64_t root_name(class_key c, row_key row)
{
    return (uint64_t)c << 44 ^ row;
}

static status add_outcome(batch_apply *a, class_key c, row_key row, uint64_t life, bool reverted)
{
    if (map64_get(&a->outcome, root_name(c, row)) != NULL) return ATOLL_OK;
    TRY(map64_put(&a->outcome, root_name(c, row), 1));
    outcome_row o = {c, row, life, reverted};
    return vector_push(&a->record.outcome, o);
}

static status reject(batch_apply *a, const model_class *c, row_key row, const value *key,
                     const char *reason)
{
    TRY(ident_reject(&a->record, c->key, key, reason));
    TRY(map64_put(&a->taken, root_name(c->key, row), 2));
    return add_outcome(a, c->key, row, 0, true);
}

static uint64_t clamp(const batch_apply *a, uint64_t stamp)
{
    return stamp > a->limit ? a->limit : stamp;
}

/* ---- the state after, for the check of the view ---- */

typedef struct merged_values {
    batch_apply *a;
    wire_rows *rows;
    size_t index;
    const model_class *c;
    row_key row;
    row_mark *mark;
    bool fresh; /* a new life: nothing of the old counts */
} merged_values;

static wire_column *column_named(wire_rows *rows, const char *name)
{
    for (size_t i = 0; i < rows->columns.count; i++) {
        if (strcmp(rows->columns.items[i]->property, name) == 0) return rows->columns.items[i];
    }
    return NULL;
}

static bool column_wins(batch_apply *a, const wire_column *column, size_t entry, row_mark *mark,
                        property_key p, bool fresh, field_claim *claim)
{
    *claim = (field_claim){clamp(a, wire_column_stamp(column, entry)), a->ident,
                           wire_column_default(column, entry)};
    field_mark *stored = fresh ? NULL : row_mark_field(mark, p);
    if (stored == NULL) return true;
    field_claim there = {stored->stamp, stored->author, stored->is_default};
    return merge_field_wins(claim, &there);
}

static void merged_value(void *context, property_key key, value *out)
{
    merged_values *m = context;
    const model_property *p = class_property(m->c, key);
    size_t entry = 0;
    field_claim claim;
    *out = value_null();
    if (p == NULL) return;
    if ((p->flags & PROPERTY_PRIMARY_KEY) != 0) {
        *out = wire_column_value(&m->rows->key, m->index);
        return;
    }
    wire_column *column = column_named(m->rows, p->name);
    if (column != NULL && wire_column_seek(column, m->index, &entry) &&
        column_wins(m->a, column, entry, m->mark, key, m->fresh, &claim)) {
        *out = wire_column_value(column, entry);
        return;
    }
    if (!m->fresh && m->row != 0 &&
        model_get_raw(model_txn_view(m->a->txn), m->c->key, m->row, key, out) == ATOLL_OK)
        return;
    bool nullable = (p->flags & PROPERTY_NULLABLE) != 0;
    if (!nullable && p->type != VALUE_LINK && p->type != VALUE_EMBEDDED) *out = value_zero(p->type);
}

static bool sees(const batch_apply *a, class_key c, row_key row)
{
    for (size_t i = 0; i < a->views->count; i++) {
        if (view_matches(a->views->items[i], model_txn_view(a->txn), c, row)) return true;
    }
    return false;
}

static bool sees_merged(const batch_apply *a, merged_values *m)
{
    for (size_t i = 0; i < a->views->count; i++) {
        if (view_matches_values(a->views->items[i], m->c->key, merged_value, m)) return true;
    }
    return false;
}

typedef struct base_search {
    const batch_apply *a;
    class_key c;
    row_key row;
    bool found, matched;
    uint64_t base;
} base_search;

static status oldest_leave(void *context, class_key c, row_key row, const leave_record *r)
{
    base_search *s = context;
    if (s->found || c != s->c || row != s->row) return ATOLL_OK;
    s->found = true;
    if (r->since > s->base && r->since_author != s->a->ident) return ATOLL_OK;
    for (size_t i = 0; i < s->a->views->count && !s->matched; i++)
        s->matched = view_matches_leave(s->a->views->items[i], c, r);
    return ATOLL_OK;
}

/* Did the client see the row when it wrote? A write into what has left the view meanwhile is not outside of it. */
static status matched_at_base(batch_apply *a, const model_class *c, row_key row, uint64_t base,
                              bool *out)
{
    base_search s = {a, c->key, row, false, false, base};
    TRY(meta_leaves(a->app, base, oldest_leave, &s));
    *out = s.found && s.matched;
    return ATOLL_OK;
}

static bool partition_value_ok(batch_apply *a, const value *v)
{
    return value_equal(v, &a->view->partition_value);
}

/* NULL: allowed. Partition: before and after lie in the session's partition. Flexible: the object is in the view before,
 * after, or when the client wrote. */
static status judge_view(batch_apply *a, merged_values *m, merge_verdict verdict, bool joined,
                         uint64_t base, const char **reason)
{
    bool alive_before = m->row != 0 && m->mark->alive;
    bool before = alive_before && sees(a, m->c->key, m->row);
    *reason = NULL;
    if (a->view->partition) {
        const model_property *p =
            class_property_named(m->c, bytes_text(a->app->partition_property));
        value after = value_null();
        if (p != NULL) merged_value(m, p->key, &after);
        bool fill = after.type == VALUE_NULL; /* Filled in by apply_row. */
        bool after_ok = verdict == MERGE_END || fill || partition_value_ok(a, &after);
        if (p == NULL || (alive_before && !before) || !after_ok)
            *reason = "the object belongs to another partition";
        return ATOLL_OK;
    }
    bool after = verdict != MERGE_END && sees_merged(a, m);
    bool creates = verdict == MERGE_BEGIN || (verdict == MERGE_APPLY && joined);
    if (after || (before && !creates)) return ATOLL_OK;
    if (joined && before) return ATOLL_OK;
    if (!creates && m->row != 0) {
        bool at_base = false;
        TRY(matched_at_base(a, m->c, m->row, base, &at_base));
        if (at_base) return ATOLL_OK;
    }
    *reason = joined ? rules_key_taken : rules_outside;
    return ATOLL_OK;
}

/* The defaults of a new object and empty lists are nobody's decision: they are dropped instead, where they may not be
 * written. */
static bool writes_forbidden(const batch_apply *a, const merged_values *m)
{
    const session_rules *rules = a->views->rules;
    for (size_t n = 0; n < m->rows->columns.count; n++) {
        wire_column *column = m->rows->columns.items[n];
        const model_property *p = class_property_named(m->c, bytes_text(column->property));
        size_t entry = 0;
        if (p == NULL || (p->flags & PROPERTY_PRIMARY_KEY) != 0 ||
            !wire_column_seek(column, m->index, &entry) || wire_column_default(column, entry))
            continue;
        bool empty = column->list != NULL && column->list->counts.items[entry] == 0;
        bool of_partition = a->view->partition && strcmp(p->name, a->app->partition_property) == 0;
        if (!empty && !of_partition && !rules_writes_field(rules, m->c->key, p->key)) return true;
    }
    return m->row != 0 && map64_get(&a->forbidden, root_name(m->c->key, m->row)) != NULL;
}

/* NULL: the session's roles allow it. They judge the server's state before and the merged one after. */
static const char *judge_rules(const batch_apply *a, merged_values *m, merge_verdict verdict,
                               bool joined)
{
    const session_rules *rules = a->views->rules;
    rules_question q = {.class_of = m->c->key,
                        .before = model_txn_view(a->txn),
                        .row = m->row,
                        .alive_before = m->row != 0 && m->mark->alive,
                        .creates = verdict == MERGE_BEGIN || verdict == MERGE_RESTART,
                        .removes = verdict == MERGE_END || verdict == MERGE_RESTART,
                        .joined = joined,
                        .get = merged_value,
                        .context = m};
    q.forbidden = rules->restricts && writes_forbidden(a, m);
    if (BREAKAGE(BREAKAGE_WRITE_NOT_JUDGED)) return NULL;
    return rules_judge(rules, &q);
}

/* ---- fields ---- */

static bool element_changed(const list_element *before, const list_element *after)
{
    return before->erased != after->erased || before->stamp != after->stamp ||
           before->value_stamp != after->value_stamp || before->value_actor != after->value_actor ||
           memcmp(before->embedded, after->embedded, 16) != 0;
}

/* Elements of one state to be found by those of another: of lists by id, of sets by value, of dictionaries by key. */
typedef struct element_index {
    const list_element **sorted;
    size_t count;
    wire_collection kind;
} element_index;

static int compare_element_id(const void *a, const void *b)
{
    const list_element *x = *(const list_element *const *)a, *y = *(const list_element *const *)b;
    if (x->id.actor != y->id.actor) return x->id.actor < y->id.actor ? -1 : 1;
    return (x->id.counter > y->id.counter) - (x->id.counter < y->id.counter);
}

static int compare_element_value(const void *a, const void *b)
{
    const list_element *x = *(const list_element *const *)a, *y = *(const list_element *const *)b;
    return value_compare(&x->value, &y->value);
}

static int compare_element_key(const void *a, const void *b)
{
    const list_element *x = *(const list_element *const *)a, *y = *(const list_element *const *)b;
    return bytes_compare(x->key, y->key);
}

static int (*const element_orders[])(const void *, const void *) = {
    compare_element_id, compare_element_value, compare_element_key};

static status element_index_make(const list_state *s, wire_collection kind, element_index *out)
{
    element_index x = {.count = s->elements.count, .kind = kind};
    x.sorted = memory_allocate((x.count + 1) * sizeof *x.sorted);
    if (x.sorted == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    for (size_t i = 0; i < x.count; i++) x.sorted[i] = &s->elements.items[i];
    if (kind == WIRE_LIST) /* The others stand in their order. */
        qsort(x.sorted, x.count, sizeof *x.sorted, element_orders[kind]);
    *out = x;
    return ATOLL_OK;
}

static const list_element *element_find(const element_index *x, const list_element *wanted)
{
    const list_element **there =
        x->count == 0
            ? NULL
            : bsearch(&wanted, x->sorted, x->count, sizeof *x->sorted, element_orders[x->kind]);
    return there == NULL ? NULL : *there;
}

/* Elements of the merged collection that differ from the stored one carry this commit's version. */
static status mark_elements(const list_state *before, list_state *after, wire_collection kind,
                            uint64_t version)
{
    element_index x;
    TRY(element_index_make(before, kind, &x));
    for (size_t i = 0; i < after->elements.count; i++) {
        list_element *e = &after->elements.items[i];
        const list_element *there = element_find(&x, e);
        if (there == NULL || before->life != after->life || element_changed(there, e))
            e->touched = version;
    }
    memory_free(x.sorted);
    return ATOLL_OK;
}

/* Tells by *lost whether an uploaded element came out otherwise than its writer has it. */
static status compare_elements(const list_state *merged, const list_state *incoming,
                               wire_collection kind, bool *lost)
{
    element_index x;
    TRY(element_index_make(merged, kind, &x));
    if (merged->life != incoming->life) *lost = true;
    for (size_t i = 0; i < incoming->elements.count && !*lost; i++) {
        const list_element *e = &incoming->elements.items[i], *there = element_find(&x, e);
        *lost = there == NULL || there->erased != e->erased ||
                there->value_stamp != e->value_stamp || there->value_actor != e->value_actor;
    }
    memory_free(x.sorted);
    return ATOLL_OK;
}

static status apply_list(batch_apply *a, const model_class *c, row_key row, const model_property *p,
                         const wire_column *column, size_t entry, bool *lost)
{
    list_state incoming, stored, merged;
    TRY(rows_list_in(a->txn, p, column, entry, &incoming));
    list_state_init(&stored);
    list_state_init(&merged);
    for (size_t i = 0; i < incoming.elements.count; i++) {
        list_element *e = &incoming.elements.items[i];
        e->stamp = clamp(a, e->stamp == 0 ? a->limit : e->stamp);
        e->value_stamp = clamp(a, e->value_stamp == 0 ? a->limit : e->value_stamp);
    }
    status result = model_list_state(model_txn_view(a->txn), c->key, row, p->key, &stored);
    if (result == ATOLL_OK)
        result = model_list_state(model_txn_view(a->txn), c->key, row, p->key, &merged);
    if (result == ATOLL_OK) result = rows_list_merge(p, &merged, &incoming);
    if (result == ATOLL_OK)
        result = compare_elements(&merged, &incoming, wire_collection_of(p), lost);
    if (result == ATOLL_OK)
        result = mark_elements(&stored, &merged, wire_collection_of(p), a->version);
    if (result == ATOLL_OK) result = rows_list_store(a->txn, c, row, p, &merged);
    list_state_free(&incoming);
    list_state_free(&stored);
    list_state_free(&merged);
    return result;
}

/* Takes the fields that win. *lost: some did not. root_mark: where a leave is remembered, NULL for embedded rows. */
static status apply_fields(batch_apply *a, wire_rows *rows, size_t i, const model_class *c,
                           row_key row, row_mark *mark, bool is_root, bool *lost)
{
    const model_schema *schema = model_view_schema(model_txn_view(a->txn));
    row_mark before = *mark; /* For the leave record: of the life that was there. */
    for (size_t n = 0; n < rows->columns.count; n++) {
        wire_column *column = rows->columns.items[n];
        const model_property *p = NULL;
        size_t entry = 0;
        field_claim claim;
        if (!wire_column_seek(column, i, &entry)) continue;
        TRY(rows_property(schema, c, column, &p));
        if (p == NULL)
            return fail(ATOLL_ERROR_UNKNOWN_PROPERTY, "class '%s' has no property '%s'", c->name,
                        column->property);
        if ((p->flags & PROPERTY_PRIMARY_KEY) != 0) continue;
        if (is_root && !rules_writes_field(a->views->rules, c->key, p->key)) {
            bool of_partition =
                a->view->partition && strcmp(p->name, a->app->partition_property) == 0;
            *lost |= !of_partition;
            if (!of_partition) continue;
        }
        bool wins = column_wins(a, column, entry, mark, p->key, false, &claim);
        if (column->list != NULL) {
            /* Elements of others that the writer had not seen: the mark names one author, and its own change would hide them. */
            const field_mark *there = row_mark_field(mark, p->key);
            if (there != NULL && there->author != a->ident &&
                there->version > wire_one_or_each(&rows->bases, i, 0))
                *lost = true;
            status result = apply_list(a, c, row, p, column, entry, lost);
            if (result == ATOLL_ERROR_BAD_CHANGESET) {
                /* Its elements hang on some that were never here: this list is refused, the rest of the batch is not. */
                log_write(LOG_WARN, "Realm.Sync.Server",
                          "a list of '%s.%s' from ident %llu is refused: %s", c->name, p->name,
                          (unsigned long long)a->ident, fail_text());
                a->broken_list = *lost = true;
                continue;
            }
            if (result != ATOLL_OK) return result;
            claim.stamp = wins ? claim.stamp : row_mark_field(mark, p->key)->stamp;
        } else if (!wins) {
            *lost = true;
            continue;
        } else {
            value v = wire_column_value(column, entry);
            if (is_root && before.since != a->version &&
                meta_is_queryable(a->app, c->key, p->key) && !BREAKAGE(BREAKAGE_NO_LEAVE_RECORD)) {
                TRY(meta_leave(a->app, a->txn, c->key, row, &before, a->version));
            }
            TRY(rows_set(a->txn, c, row, p, &v));
        }
        if (claim.stamp > a->app->clock) a->app->clock = claim.stamp;
        field_mark f = {p->key, claim.is_default, claim.stamp, a->ident, a->version};
        TRY(row_mark_set(mark, &f));
    }
    return ATOLL_OK;
}

/* An object without a partition gets the session's; its writer is told, because the author is the server. */
static status fill_partition(batch_apply *a, const model_class *c, row_key row, row_mark *mark)
{
    if (!a->view->partition) return ATOLL_OK;
    const model_property *p = class_property_named(c, bytes_text(a->app->partition_property));
    value now;
    if (p == NULL || a->view->partition_value.type == VALUE_NULL) return ATOLL_OK;
    TRY(model_get_raw(model_txn_view(a->txn), c->key, row, p->key, &now));
    if (now.type != VALUE_NULL) return ATOLL_OK;
    TRY(model_set(a->txn, c->key, row, p->key, &a->view->partition_value));
    field_mark f = {p->key, false, a->limit, 0, a->version};
    return row_mark_set(mark, &f);
}

/* ---- rows ---- */

static status end_life(batch_apply *a, const model_class *c, row_key row, row_mark *mark)
{
    TRY(meta_leave(a->app, a->txn, c->key, row, mark, a->version));
    TRY(model_delete(a->txn, c->key, row));
    mark->alive = false;
    mark->since = a->version;
    mark->since_author = a->ident;
    mark->ended = a->version;
    mark->fields.count = 0;
    if (BREAKAGE(BREAKAGE_NO_TOMBSTONE)) mark->ended = 0;
    return ATOLL_OK;
}

/* seen: the life whose end the writer saw; its tombstone may be trimmed here. */
static status begin_life(batch_apply *a, const model_class *c, const value *key, uint64_t seen,
                         row_key *row, row_mark *mark)
{
    TRY(model_create(a->txn, c->key, key, row));
    bool trimmed = seen > mark->life && seen < LIFE_MAX;
    if (!BREAKAGE(BREAKAGE_LIFE_NOT_RAISED) || mark->life == 0)
        mark->life = (trimmed ? seen : mark->life) + 1;
    mark->alive = true;
    mark->since = a->version;
    mark->since_author = a->ident;
    mark->fields.count = 0;
    return ATOLL_OK;
}

typedef struct upload_row {
    row_kind kind;
    uint64_t life, base;
    value key;
    row_key row;
} upload_row;

/* The life that the writer presumes to be in after its own operation. */
static uint64_t presumed_life(const upload_row *u)
{
    return u->kind == ROW_CREATE || u->kind == ROW_REPLACE ? u->life + 1 : u->life;
}

static status take_row(batch_apply *a, wire_rows *rows, size_t i, const model_class *c,
                       upload_row *u, row_mark *mark, merge_verdict verdict, bool joined)
{
    bool lost = false;
    a->broken_list = false;
    if (verdict == MERGE_END || verdict == MERGE_RESTART) TRY(end_life(a, c, u->row, mark));
    if (verdict == MERGE_BEGIN || verdict == MERGE_RESTART)
        TRY(begin_life(a, c, &u->key, u->life, &u->row, mark));
    if (verdict != MERGE_END) {
        TRY(apply_fields(a, rows, i, c, u->row, mark, true, &lost));
        TRY(fill_partition(a, c, u->row, mark));
    }
    TRY(meta_touch(a->app, c->key, u->row, mark, a->version));
    TRY(meta_write(a->app, c->key, u->row, mark));
    TRY(map64_put(&a->taken, root_name(c->key, u->row), 1));
    bool differs = lost || joined || mark->life != presumed_life(u);
    return differs ? add_outcome(a, c->key, u->row, mark->life, a->broken_list) : ATOLL_OK;
}

static status apply_row_with(batch_apply *a, wire_rows *rows, size_t i, const model_class *c,
                             upload_row *u, row_mark *mark)
{
    bool joined = false;
    const char *reason = NULL;
    merge_verdict verdict = merge_row(mark, u->kind, u->life, u->base, &joined);
    if (u->row == 0 && (verdict == MERGE_LOSE || verdict == MERGE_SAME)) {
        /* A key that was never here: name it, so that the outcome can. */
        TRY(model_ghost(a->txn, c->key, &u->key, &u->row));
    }
    if (verdict == MERGE_SAME) return map64_put(&a->taken, root_name(c->key, u->row), 2);
    if (verdict == MERGE_LOSE) {
        TRY(map64_put(&a->taken, root_name(c->key, u->row), 2));
        return add_outcome(a, c->key, u->row, 0, true);
    }
    merged_values after = {a, rows, i, c, u->row, mark, verdict != MERGE_APPLY};
    TRY(judge_view(a, &after, verdict, joined, u->base, &reason));
    if (reason == NULL) reason = judge_rules(a, &after, verdict, joined);
    if (reason == NULL) return take_row(a, rows, i, c, u, mark, verdict, joined);
    if (u->row == 0) TRY(model_ghost(a->txn, c->key, &u->key, &u->row));
    return reject(a, c, u->row, &u->key, reason);
}

static status apply_group(batch_apply *a, wire_rows *rows)
{
    const model_schema *schema = model_view_schema(model_txn_view(a->txn));
    const model_class *c = schema_class_named(schema, bytes_text(rows->class_name));
    if (c == NULL)
        return fail(ATOLL_ERROR_UNKNOWN_CLASS,
                    "the upload names the class '%s', which is not in the schema",
                    rows->class_name);
    if (c->kind == CLASS_ASYMMETRIC) return ATOLL_OK; /* ingest.c */
    if (c->kind == CLASS_EMBEDDED)
        return fail(ATOLL_ERROR_INVALID_ARGUMENT,
                    "objects of the embedded class '%s' come with their owners", c->name);
    const model_property *key = class_property(c, c->primary_key);
    if (key == NULL || key->type != rows->key.type) {
        return fail(ATOLL_ERROR_TYPE_MISMATCH, "keys of class '%s' are of type %s, not %s", c->name,
                    key == NULL ? "none" : value_type_name(key->type),
                    value_type_name(rows->key.type));
    }
    /* Rows with sequences have no kinds, whatever class they name. */
    if (rows->kinds.count != rows->count)
        return fail(ATOLL_ERROR_INVALID_ARGUMENT, "objects of the class '%s' come with kinds",
                    c->name);
    for (size_t i = 0; i < rows->count; i++) {
        upload_row u = {(row_kind)rows->kinds.items[i], wire_one_or_each(&rows->lives, i, 0),
                        wire_one_or_each(&rows->bases, i, 0), wire_column_value(&rows->key, i), 0};
        row_mark mark = {0};
        TRY(model_find_any(model_txn_view(a->txn), c->key, &u.key, &u.row));
        if (u.row != 0) TRY(meta_read(a->app, c->key, u.row, &mark));
        status result = apply_row_with(a, rows, i, c, &u, &mark);
        row_mark_free(&mark);
        if (result != ATOLL_OK) return result;
    }
    return ATOLL_OK;
}

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
    uint64_t *taken = map64_get(&a->taken, root_name(root_class, root));
    a->broken_list = false;
    if (taken == NULL)
        return fail(ATOLL_ERROR_INVALID_ARGUMENT,
                    "an embedded object of class '%s' comes without its root", c->name);
    if (*taken != 1) return ATOLL_OK;
    row_mark mark, root_mark = {0};
    TRY(meta_read(a->app, c->key, row, &mark));
    status result = apply_fields(a, rows, i, c, row, &mark, false, &lost);
    if (result == ATOLL_OK) result = meta_write(a->app, c->key, row, &mark);
    if (result == ATOLL_OK) result = meta_read(a->app, root_class, root, &root_mark);
    if (result == ATOLL_OK) result = meta_touch(a->app, root_class, root, &root_mark, a->version);
    if (result == ATOLL_OK) result = meta_write(a->app, root_class, root, &root_mark);
    if (result == ATOLL_OK && lost)
        result = add_outcome(a, root_class, root, root_mark.life, a->broken_list);
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
    return row == 0 ? ATOLL_OK : add_outcome(a, owner->key, row, 0, false);
}

static status apply_embedded(batch_apply *a, wire_rows *rows, bool final, size_t *progress)
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
        uint64_t name = hash_u64((uint64_t)(uintptr_t)rows + i * 8191);
        if (map64_get(&a->taken, name) != NULL) continue;
        TRY(apply_embedded_row(a, rows, i, c, &done));
        if (done) TRY(map64_put(&a->taken, name, 3));
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
            TRY(map64_put(&a->forbidden, root_name(top.class_of, top.row), 1));
    }
    return ATOLL_OK;
}

static status apply_parts(batch_apply *a, const staged_uploads *parts)
{
    size_t progress = 1;
    bool any_embedded = false;
    for (size_t k = 0; a->views->rules->restricts && k < parts->count; k++) {
        const wire_rows_list *list = &parts->items[k]->message.upload.rows;
        for (size_t i = 0; i < list->count; i++) {
            if (list->items[i]->owner_class[0] != '\0') TRY(find_forbidden(a, list->items[i]));
        }
    }
    for (size_t k = 0; k < parts->count; k++) {
        const wire_rows_list *list = &parts->items[k]->message.upload.rows;
        for (size_t i = 0; i < list->count; i++) {
            any_embedded |= list->items[i]->owner_class[0] != '\0';
            if (list->items[i]->owner_class[0] == '\0') TRY(apply_group(a, list->items[i]));
        }
    }
    for (int pass = 0; any_embedded && pass < 100 && progress > 0; pass++) {
        progress = 0;
        for (size_t k = 0; k < parts->count; k++) {
            const wire_rows_list *list = &parts->items[k]->message.upload.rows;
            for (size_t i = 0; i < list->count; i++) {
                if (list->items[i]->owner_class[0] != '\0')
                    TRY(apply_embedded(a, list->items[i], false, &progress));
            }
        }
    }
    for (size_t k = 0; any_embedded && k < parts->count; k++) {
        const wire_rows_list *list = &parts->items[k]->message.upload.rows;
        for (size_t i = 0; i < list->count; i++) {
            if (list->items[i]->owner_class[0] != '\0')
                TRY(apply_embedded(a, list->items[i], true, &progress));
        }
    }
    for (size_t k = 0; k < parts->count; k++)
        TRY(ingest_rows(a->app, a->txn, a->ident, &a->record, a->views->rules,
                        &parts->items[k]->message.upload));
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
static status remember_applied(ident_record *r, const wire_upload *u)
{
    applied_batch batch = {.bound = u->bound};
    if (u->batch.size == sizeof batch.id) memcpy(batch.id, u->batch.data, sizeof batch.id);
    if (r->applied.count == APPLIED_BATCHES_MAX) {
        r->applied.count--;
        memmove(r->applied.items, r->applied.items + 1, r->applied.count * sizeof batch);
    }
    return vector_push(&r->applied, batch);
}

static status apply_all(batch_apply *a, const staged_uploads *parts)
{
    const wire_upload *first = &parts->items[0]->message.upload;
    a->version = model_txn_version(a->txn);
    TRY(apply_parts(a, parts));
    a->record.has_batch = true;
    TRY(remember_applied(&a->record, first));
    memcpy(a->record.last_batch, first->batch.data, 16);
    a->record.bound = first->bound;
    a->record.batch_version = a->version;
    TRY(keep_uncertain(a, first->cursor));
    TRY(marks_flush(a->app, a->txn));
    TRY(ident_write(a->txn, a->ident, &a->record));
    return app_record_write(a->app, a->txn);
}

status apply_batch(server_app *app, uint64_t ident, const judging_views *views,
                   const staged_uploads *parts, uint64_t *version)
{
    batch_apply a = {.app = app, .view = views->items[0], .views = views, .ident = ident};
    bool found = false;
    uint64_t clock = app->clock, ingest = app->ingest_position;
    a.limit = (uint64_t)app_now_ms(app) << 16 | 0xffff;
    TRY(ident_read(app, ident, &a.record, &found));
    ident_forget_rejected(&a.record);
    a.record.outcome.count = 0;
    status result =
        found ? model_begin(app->db, COMMIT_SERVER, &a.txn)
              : fail(ATOLL_ERROR_INTERNAL, "ident %llu is not known", (unsigned long long)ident);
    if (result == ATOLL_OK) {
        result = apply_all(&a, parts);
        if (result == ATOLL_OK) {
            result = model_commit(a.txn, version);
        } else {
            model_rollback(a.txn);
        }
    }
    if (result != ATOLL_OK) {
        marks_forget(app);
        app->clock = clock;
        app->ingest_position = ingest;
    }
    marks_settle(app);
    ident_record_free(&a.record);
    map64_free(&a.taken);
    map64_free(&a.outcome);
    map64_free(&a.forbidden);
    return result;
}
