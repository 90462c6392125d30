/* Applying a batch: the one place where clients' writes become the server's state, in one commit.
 * It must never apply a part of a batch, nor let one refused object undo the others. Invariant: every object that came out
 * otherwise than uploaded is in the outcome of the batch's record, written in the same commit. */
#include "server/apply.h"
#include "sync/breakage.h"

#include <stdio.h>
#include <stdlib.h>

enum { KEYS_AHEAD = 6 }; /* so many rows before its turn, the memory is asked for a row's place */

#define LIFE_MAX \
    ((uint64_t)1 << 60) /* what a client may make up stays far from the end of the numbers */

status apply_outcome(batch_apply *a, class_key c, row_key row, uint64_t life, bool reverted)
{
    if (map64_has_bit(&a->outcome, root_name(c, row))) return ATOLL_OK;
    TRY(map64_put_bit(&a->outcome, root_name(c, row), true));
    outcome_row o = {c, row, life, reverted};
    return vector_push(&a->record.outcome, o);
}

/* Nothing of it was taken, so nothing of its embedded objects is. */
static status refuse_root(batch_apply *a, class_key c, row_key row)
{
    TRY(map64_put_bit(&a->refused, root_name(c, row), true));
    return map64_put_bit(&a->named, root_name(c, row), true);
}

static status reject(batch_apply *a, const model_class *c, row_key row, const value *key,
                     const char *reason)
{
    TRY(ident_reject(&a->record, c->key, key, reason));
    TRY(refuse_root(a, c->key, row));
    return apply_outcome(a, c->key, row, 0, true);
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

static wire_column *column_named(wire_rows *rows, const char *name, bool increment)
{
    for (size_t i = 0; i < rows->columns.count; i++) {
        wire_column *c = rows->columns.items[i];
        if (c->increment == increment && strcmp(c->property, name) == 0) return c;
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

static int64_t add_wrapping(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

/* A set keeps what was added after it by its stamp, though it was uploaded before. */
static value with_added(const value *set, int64_t added)
{
    value v = *set;
    if (v.type == VALUE_INT) v.as.integer = add_wrapping(v.as.integer, added);
    return v;
}

/* The value before increments of this upload. *set: the set that it comes from, where one is known. */
static void merged_set(merged_values *m, const model_property *p, value *out, field_claim *set,
                       bool *known)
{
    size_t entry = 0;
    field_mark *there = m->fresh ? NULL : row_mark_field(m->mark, p->key);
    *known = there != NULL;
    if (there != NULL) *set = (field_claim){there->stamp, there->author, there->is_default};
    wire_column *column = column_named(m->rows, p->name, false);
    field_claim claim;
    if (column != NULL && wire_column_seek(column, m->index, &entry) &&
        column_wins(m->a, column, entry, m->mark, p->key, m->fresh, &claim)) {
        value v = wire_column_value(column, entry);
        *out = with_added(&v, m->fresh ? 0 : row_mark_added(m->mark, p->key, &claim, false));
        *set = claim;
        *known = true;
        return;
    }
    if (!m->fresh && m->row != 0 &&
        model_get_raw(model_txn_view(m->a->txn), m->c->key, m->row, p->key, out) == ATOLL_OK)
        return;
    bool nullable = (p->flags & PROPERTY_NULLABLE) != 0;
    if (!nullable && p->type != VALUE_LINK && p->type != VALUE_EMBEDDED) *out = value_zero(p->type);
}

static void merged_value(void *context, property_key key, value *out)
{
    merged_values *m = context;
    const model_property *p = class_property(m->c, key);
    size_t entry = 0;
    field_claim set, claim;
    bool known = false;
    *out = value_null();
    if (p == NULL) return;
    if ((p->flags & PROPERTY_PRIMARY_KEY) != 0) {
        *out = wire_column_value(&m->rows->key, m->index);
        return;
    }
    merged_set(m, p, out, &set, &known);
    for (size_t i = 0; i < m->rows->columns.count; i++) {
        wire_column *added = m->rows->columns.items[i];
        if (!added->increment || strcmp(added->property, p->name) != 0 ||
            !wire_column_seek(added, m->index, &entry))
            continue;
        claim = (field_claim){clamp(m->a, wire_column_stamp(added, entry)), m->a->ident, false};
        if (merge_increment_counts(&claim, known ? &set : NULL))
            *out = with_added(out, added->integers.items[entry]);
    }
    /* A link of a mixed value names no row here, and no query of a view asks for one. */
    if (out->type == VALUE_TYPED_LINK) *out = value_null();
}

/* The server's state before the batch; before the row will do where conditions ask nothing else. */
static const model_view *state_before(const batch_apply *a)
{
    return a->before != NULL ? a->before : model_txn_view(a->txn);
}

static bool sees(const batch_apply *a, class_key c, row_key row)
{
    for (size_t i = 0; i < a->views->count; i++) {
        if (view_matches(a->views->items[i], state_before(a), c, row)) return true;
    }
    return false;
}

bool apply_is_plain(const batch_apply *a, class_key c)
{
    const class_rules *rules = rules_of(a->views->rules, c);
    bool plain = rules == NULL || rules->write == NULL || query_is_plain(rules->write);
    for (size_t i = 0; i < a->views->count && plain; i++) {
        const server_view *v = a->views->items[i];
        for (size_t k = 0; k < v->queries.count && plain; k++)
            plain = query_class(v->queries.items[k]) != c || query_is_plain(v->queries.items[k]);
    }
    return plain;
}

static bool sees_merged(const batch_apply *a, merged_values *m)
{
    for (size_t i = 0; i < a->views->count; i++) {
        if (view_matches_values(a->views->items[i], m->c->key, merged_value, m)) return true;
    }
    return false;
}

/* Did the client see the row when it wrote? A write into what has left the view meanwhile is not outside of it. */
static status matched_at_base(batch_apply *a, const merged_values *m, uint64_t base, bool *out)
{
    leave_record left;
    bool found = false;
    *out = false;
    TRY(meta_oldest_leave(a->app, a->txn, m->c->key, m->row, m->mark, base, a->ident, &left,
                          &found));
    if (!found) return ATOLL_OK;
    bool there = left.since <= base || left.since_author == a->ident;
    for (size_t i = 0; i < a->views->count && there && !*out; i++)
        *out = view_matches_leave(a->views->items[i], m->c->key, &left);
    buffer_free(&left.values);
    return ATOLL_OK;
}

static bool partition_value_ok(batch_apply *a, const value *v)
{
    return value_equal(v, &a->view->partition_value);
}

/* NULL: allowed. Partition: before and after lie in the session's partition. Flexible: the object is in the view before,
 * after, or when the client wrote. */
static status judge_view(batch_apply *a, merged_values *m, merge_verdict verdict, bool joined,
                         uint64_t base, later_check *later, const char **reason)
{
    bool plain = a->before == NULL || apply_is_plain(a, m->c->key);
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
    bool after = verdict != MERGE_END && plain && sees_merged(a, m);
    bool creates = verdict == MERGE_BEGIN || (verdict == MERGE_APPLY && joined);
    if (after || (before && !creates)) return ATOLL_OK;
    if (joined && before) return ATOLL_OK;
    if (!creates && m->row != 0) {
        bool at_base = false;
        TRY(matched_at_base(a, m, base, &at_base));
        if (at_base) return ATOLL_OK;
    }
    *reason = joined ? rules_key_taken : rules_outside;
    if (plain || verdict == MERGE_END) return ATOLL_OK;
    later->not_in_view = *reason;
    *reason = NULL;
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
    return m->row != 0 && map64_has_bit(&a->forbidden, root_name(m->c->key, m->row));
}

/* NULL: the session's roles allow it. They judge the server's state before and the merged one after. */
static const char *judge_rules(const batch_apply *a, merged_values *m, merge_verdict verdict,
                               bool joined, later_check *later)
{
    const session_rules *rules = a->views->rules;
    const class_rules *of = rules_of(rules, m->c->key);
    bool plain = of == NULL || of->write == NULL || query_is_plain(of->write);
    later->written = !plain && verdict != MERGE_END;
    rules_question q = {.class_of = m->c->key,
                        .before = state_before(a),
                        .later = !plain,
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

/* Somebody else changed the field after what the writer had seen: what it has is not the outcome. */
static void lose_unless_seen(const batch_apply *a, const field_target *t, property_key p)
{
    if (row_mark_news(t->mark, p, t->base, a->ident)) *t->lost = true;
}

static status mark_field(batch_apply *a, const field_target *t, const model_property *p,
                         const field_claim *claim)
{
    if (claim->stamp > a->app->clock) a->app->clock = claim->stamp;
    field_mark f = {p->key, claim->is_default, claim->stamp, a->ident, a->version};
    return row_mark_set(t->mark, &f);
}

/* A row that hangs on one that changes: it changes with it, though no field of its own does. */
static status leave_hanging(batch_apply *a, class_key c, row_key row)
{
    row_mark mark;
    TRY(meta_read(a->app, c, row, &mark));
    uint64_t changed = mark.changed;
    status result = ATOLL_OK;
    if (mark.alive && mark.since != a->version && mark.left != a->version) {
        result = meta_leave(a->app, a->txn, c, row, &mark, &mark, a->version);
        if (result == ATOLL_OK) result = meta_touch(a->app, c, row, &mark, a->version);
        if (result == ATOLL_OK) result = meta_write(a->app, c, row, &mark);
        if (result == ATOLL_OK) result = places_touch(a->app, a->txn, c, row, &mark, changed);
    }
    row_mark_free(&mark);
    return result;
}

typedef struct leaving {
    batch_apply *a;
    class_key class_of;
    row_key row;
    const field_target *root; /* NULL: its life changes, which has its own record */
} leaving;

static status leave_one(void *context, class_key c, row_key row)
{
    const leaving *l = context;
    batch_apply *a = l->a;
    if (c != l->class_of || row != l->row) return leave_hanging(a, c, row);
    const field_target *t = l->root;
    if (t == NULL || t->before.since == a->version || t->mark->left == a->version) return ATOLL_OK;
    return meta_leave(a->app, a->txn, c, row, &t->before, t->mark, a->version);
}

/* Before a field of the row changes: whatever is seen by it leaves a record. */
static status leave_before(batch_apply *a, const field_target *t, const model_property *p)
{
    leaving l = {.a = a};
    if (BREAKAGE(BREAKAGE_NO_LEAVE_RECORD)) return ATOLL_OK;
    if (t->is_root) l = (leaving){a, t->c->key, t->row, t};
    return hanging_on_field(a->app, model_txn_view(a->txn), t->c->key, t->row, p->key, leave_one,
                            &l);
}

/* The same before a row comes or goes, for those that link to it. */
static status leave_life(batch_apply *a, class_key c, row_key row)
{
    leaving l = {a, c, row, NULL};
    if (row == 0 || BREAKAGE(BREAKAGE_NO_LEAVE_RECORD)) return ATOLL_OK;
    return hanging_on_life(a->app, model_txn_view(a->txn), c, row, leave_one, &l);
}

static status apply_collection(batch_apply *a, const field_target *t, const model_property *p,
                               const wire_column *column, size_t entry)
{
    field_claim claim;
    bool wins = column_wins(a, column, entry, t->mark, p->key, false, &claim);
    /* Elements of others that the writer had not seen: the mark names one author, and its own change would hide them. */
    lose_unless_seen(a, t, p->key);
    TRY(leave_before(a, t, p));
    const list_merge merge = {a->txn, a->limit, a->version};
    status result = apply_list(&merge, t->c, t->row, p, column, entry, t->lost);
    if (result == ATOLL_OK)
        result = links_note(a->app, model_txn_view(a->txn), t->c->key, t->row, p);
    if (result == ATOLL_ERROR_BAD_CHANGESET) {
        /* Its elements hang on some that were never here: this list is refused, the rest of the batch is not. */
        log_write(LOG_WARN, "Realm.Sync.Server", "a list of '%s.%s' from ident %llu is refused: %s",
                  t->c->name, p->name, (unsigned long long)a->ident, fail_text());
        a->broken_list = *t->lost = true;
        return ATOLL_OK;
    }
    if (result != ATOLL_OK) return result;
    claim.stamp = wins ? claim.stamp : row_mark_field(t->mark, p->key)->stamp;
    return mark_field(a, t, p, &claim);
}

typedef struct held_object {
    class_key class_of;
    row_key row; /* 0: never seen here */
    bool elsewhere, ended;
} held_object;

/* What an embedded object or nested collection that is put into a slot is here. */
static status find_held(batch_apply *a, const field_target *t, const model_property *p,
                        const value *v, held_object *out)
{
    const model_view *view = model_txn_view(a->txn);
    bool nested = v->type == VALUE_LIST || v->type == VALUE_DICTIONARY;
    model_owner owner;
    *out = (held_object){.class_of = p->target};
    if (nested) {
        const char *name = v->type == VALUE_LIST ? SCHEMA_HIDDEN_LIST : SCHEMA_HIDDEN_DICTIONARY;
        const model_class *c = schema_class_named(model_view_schema(view), bytes_text(name));
        out->class_of = c == NULL ? 0 : c->key;
    }
    bool holds = p->type == VALUE_EMBEDDED ? v->type == VALUE_UUID : nested;
    if (!holds || out->class_of == 0) return ATOLL_OK;
    TRY(model_embedded_find(view, out->class_of, v->as.id, &out->row));
    if (out->row == 0) return ATOLL_OK;
    TRY(model_owner_get(view, out->class_of, out->row, &owner));
    out->elsewhere = owner.class_of != t->c->key || owner.row != t->row || owner.property != p->key;
    out->ended = !model_alive(view, out->class_of, out->row);
    return ATOLL_OK;
}

static status apply_set(batch_apply *a, const field_target *t, const model_property *p,
                        const wire_column *column, size_t entry)
{
    field_claim claim;
    if (!column_wins(a, column, entry, t->mark, p->key, false, &claim)) {
        *t->lost = true;
        return ATOLL_OK;
    }
    value v = wire_column_value(column, entry);
    int64_t added = row_mark_added(t->mark, p->key, &claim, true);
    if (added != 0) {
        v = with_added(&v, added);
        *t->lost = true;
    }
    held_object held;
    TRY(find_held(a, t, p, &v, &held));
    if (held.elsewhere) { /* It is another's: this field is refused, the rest of the batch is not. */
        a->broken_list = *t->lost = true;
        return ATOLL_OK;
    }
    TRY(leave_before(a, t, p));
    TRY(rows_set(a->txn, t->c, t->row, p, &v));
    TRY(links_note(a->app, model_txn_view(a->txn), t->c->key, t->row, p));
    /* One that comes back begins anew: no field of it was ever set. */
    row_mark none = {0};
    if (held.ended) TRY(meta_write(a->app, held.class_of, held.row, &none));
    return mark_field(a, t, p, &claim);
}

static status apply_increment(batch_apply *a, const field_target *t, const model_property *p,
                              const wire_column *column, size_t entry)
{
    value now;
    field_claim claim = {clamp(a, wire_column_stamp(column, entry)), a->ident, false}, set;
    field_mark *there = row_mark_field(t->mark, p->key);
    if (p->type != VALUE_INT || (p->flags & PROPERTY_COLLECTION) != 0)
        return fail(ATOLL_ERROR_TYPE_MISMATCH, "'%s.%s' is no int and can't be incremented",
                    t->c->name, p->name);
    if (there != NULL) set = (field_claim){there->stamp, there->author, there->is_default};
    lose_unless_seen(a, t, p->key);
    if (!merge_increment_counts(&claim, there == NULL ? NULL : &set)) {
        *t->lost = true;
        return ATOLL_OK;
    }
    TRY(model_get_raw(model_txn_view(a->txn), t->c->key, t->row, p->key, &now));
    if (now.type == VALUE_NULL) *t->lost = true; /* Nothing becomes more by that. */
    now = with_added(&now, column->integers.items[entry]);
    TRY(leave_before(a, t, p));
    if (now.type == VALUE_INT) TRY(rows_set(a->txn, t->c, t->row, p, &now));
    if (claim.stamp > a->app->clock) a->app->clock = claim.stamp;
    counter_mark c = {p->key, claim.stamp, a->ident, a->version, column->integers.items[entry]};
    return row_mark_add(t->mark, &c);
}

static status apply_column(batch_apply *a, const field_target *t, wire_column *column, size_t entry)
{
    /* A batch changes no schema, and each time that a message is read again its columns are new. */
    if (column->found == NULL)
        TRY(rows_property(model_view_schema(model_txn_view(a->txn)), t->c, column, &column->found));
    const model_property *p = column->found;
    if (p == NULL)
        return fail(ATOLL_ERROR_UNKNOWN_PROPERTY, "class '%s' has no property '%s'", t->c->name,
                    column->property);
    if ((p->flags & PROPERTY_PRIMARY_KEY) != 0) return ATOLL_OK;
    if (t->is_root && !rules_writes_field(a->views->rules, t->c->key, p->key)) {
        bool of_partition = a->view->partition && strcmp(p->name, a->app->partition_property) == 0;
        *t->lost |= !of_partition;
        if (!of_partition) return ATOLL_OK;
    }
    if (column->increment) return apply_increment(a, t, p, column, entry);
    return column->list != NULL ? apply_collection(a, t, p, column, entry)
                                : apply_set(a, t, p, column, entry);
}

status apply_fields(batch_apply *a, wire_rows *rows, size_t i, field_target *t)
{
    t->before = *t->mark;
    t->base = wire_one_or_each(&rows->bases, i, 0);
    for (int increments = 0; increments <= 1; increments++) {
        for (size_t n = 0; n < rows->columns.count; n++) {
            wire_column *column = rows->columns.items[n];
            size_t entry = 0;
            if (column->increment != (increments == 1) || !wire_column_seek(column, i, &entry))
                continue;
            TRY(apply_column(a, t, column, entry));
        }
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
    TRY(meta_leave(a->app, a->txn, c->key, row, mark, mark, a->version));
    TRY(leave_life(a, c->key, row));
    TRY(model_delete(a->txn, c->key, row));
    mark->alive = false;
    mark->since = a->version;
    mark->since_author = a->ident;
    mark->ended = a->version;
    row_mark_begin(mark);
    if (BREAKAGE(BREAKAGE_NO_TOMBSTONE)) mark->ended = 0;
    return ATOLL_OK;
}

/* seen: the life whose end the writer saw; its tombstone may be trimmed here. */
static status begin_life(batch_apply *a, const model_class *c, const value *key, uint64_t seen,
                         row_key *row, row_mark *mark)
{
    TRY(leave_life(a, c->key, *row));
    TRY(model_create(a->txn, c->key, key, row));
    bool trimmed = seen > mark->life && seen < LIFE_MAX;
    if (!BREAKAGE(BREAKAGE_LIFE_NOT_RAISED) || mark->life == 0)
        mark->life = (trimmed ? seen : mark->life) + 1;
    mark->alive = true;
    mark->since = a->version;
    mark->since_author = a->ident;
    row_mark_begin(mark);
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

status note_outside(batch_apply *a, const model_class *c, row_key row, const row_mark *mark)
{
    bool inside = true;
    if (!mark->alive) return ATOLL_OK;
    for (size_t i = 0; i < a->views->in_force && inside; i++)
        inside = view_matches(a->views->items[i], model_txn_view(a->txn), c->key, row);
    if (inside) return ATOLL_OK;
    const uncertain_row outside = {c->key, row, a->version};
    return vector_push(&a->record.uncertain, outside);
}

static status take_row(batch_apply *a, wire_rows *rows, size_t i, const model_class *c,
                       upload_row *u, row_mark *mark, merge_verdict verdict, bool joined)
{
    bool lost = false;
    uint64_t changed = mark->changed;
    a->broken_list = false;
    TRY(places_before(a->app, model_txn_view(a->txn), c->key, u->row, u->row != 0 && mark->alive));
    if (verdict == MERGE_END || verdict == MERGE_RESTART) TRY(end_life(a, c, u->row, mark));
    if (verdict == MERGE_BEGIN || verdict == MERGE_RESTART)
        TRY(begin_life(a, c, &u->key, u->life, &u->row, mark));
    if (verdict != MERGE_END) {
        field_target target = {.c = c, .row = u->row, .mark = mark, .is_root = true, .lost = &lost};
        TRY(apply_fields(a, rows, i, &target));
        TRY(fill_partition(a, c, u->row, mark));
    }
    TRY(meta_touch(a->app, c->key, u->row, mark, a->version));
    TRY(meta_write(a->app, c->key, u->row, mark));
    TRY(map64_put_bit(&a->refused, root_name(c->key, u->row), false));
    TRY(map64_put_bit(&a->named, root_name(c->key, u->row), true));
    TRY(places_after(a->app, a->txn, c->key, u->row, mark, changed));
    TRY(note_outside(a, c, u->row, mark));
    bool differs = lost || joined || mark->life != presumed_life(u);
    return differs ? apply_outcome(a, c->key, u->row, mark->life, a->broken_list) : ATOLL_OK;
}

/* What can only be told when all of the batch is there. */
static status keep_later(batch_apply *a, const model_class *c, row_key row, const later_check *l)
{
    if (l->not_in_view == NULL && !l->written) return ATOLL_OK;
    const later_check one = {c->key, row, a->place, l->not_in_view, l->written};
    return vector_push(&a->later, one);
}

static const char *refused_later(const batch_apply *a)
{
    const uint64_t *reason = map64_get(&a->refused_later, a->place);
    return reason == NULL ? NULL : (const char *)(uintptr_t)*reason;
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
    if (verdict == MERGE_SAME) return refuse_root(a, c->key, u->row);
    if (verdict == MERGE_LOSE) {
        TRY(refuse_root(a, c->key, u->row));
        return apply_outcome(a, c->key, u->row, 0, true);
    }
    merged_values after = {a, rows, i, c, u->row, mark, verdict != MERGE_APPLY};
    later_check later = {0};
    reason = refused_later(a);
    if (reason == NULL) TRY(judge_view(a, &after, verdict, joined, u->base, &later, &reason));
    if (reason == NULL) reason = judge_rules(a, &after, verdict, joined, &later);
    if (reason == NULL) {
        TRY(take_row(a, rows, i, c, u, mark, verdict, joined));
        return keep_later(a, c, u->row, &later);
    }
    if (u->row == 0) TRY(model_ghost(a->txn, c->key, &u->key, &u->row));
    return reject(a, c, u->row, &u->key, reason);
}

status judge_new(batch_apply *a, wire_rows *rows, size_t i, const model_class *c, bool seen,
                 bool *allowed)
{
    row_mark none = {0};
    merged_values after = {a, rows, i, c, 0, &none, true};
    later_check later = {0}; /* Runs are of classes that have nothing to ask later. */
    const char *reason = NULL;
    value partition = value_null();
    *allowed = false;
    if (a->view->partition) {
        const model_property *p = class_property_named(c, bytes_text(a->app->partition_property));
        if (p != NULL) merged_value(&after, p->key, &partition);
        if (partition.type == VALUE_NULL) return ATOLL_OK; /* It is filled in. */
    }
    if (!seen) TRY(judge_view(a, &after, MERGE_BEGIN, false, 0, &later, &reason));
    *allowed = reason == NULL && judge_rules(a, &after, MERGE_BEGIN, false, &later) == NULL;
    return ATOLL_OK;
}

static status apply_row(batch_apply *a, wire_rows *rows, size_t i, const model_class *c)
{
    const model_view *view = model_txn_view(a->txn);
    upload_row u = {(row_kind)rows->kinds.items[i], wire_one_or_each(&rows->lives, i, 0),
                    wire_one_or_each(&rows->bases, i, 0), wire_column_value(&rows->key, i), 0};
    row_mark mark = {0};
    if (i + KEYS_AHEAD < rows->count) {
        value later = wire_column_value(&rows->key, i + KEYS_AHEAD);
        model_find_fetch(view, c->key, &later);
    }
    model_read_pause(view); /* Nothing is held of the row before. */
    TRY(model_find_any(view, c->key, &u.key, &u.row));
    if (u.row != 0) TRY(meta_read(a->app, c->key, u.row, &mark));
    status result = apply_row_with(a, rows, i, c, &u, &mark);
    row_mark_free(&mark);
    return result;
}

status apply_group(batch_apply *a, wire_rows *rows)
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
    upload_run run;
    status result = upload_run_begin(&run, a, rows, c);
    for (size_t i = 0, taken = 0; i < rows->count && result == ATOLL_OK; i += taken) {
        result = upload_run_take(&run, i, &taken);
        if (result == ATOLL_OK && taken == 0) {
            result = apply_row(a, rows, i, c);
            taken = 1;
        }
        a->place += taken;
    }
    upload_run_end(&run);
    return result;
}
