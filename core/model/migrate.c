/* Opening a local realm with another schema: what the version rule asks, and migrations. A migration is one transaction:
 * the old version stays readable beside it, and either all of it is there afterwards or nothing. It must never be used
 * for a realm that syncs: that one's schema only grows, or changes names on its server. Invariant: data of what the schema no longer names leaves with
 * the commit of the migration, never before, so that it can still be renamed. */
#include "model/engine.h"
#include "model/schema_change.h"
#include <stdlib.h>

struct model_migration {
    model_db *db;
    model_view *old;
    model_txn *txn;
    schema_plan plan;
    VECTOR(class_key) gone; /* removed classes */
};

status model_txn_set_schema(model_txn *txn, const model_schema *schema)
{
    buffer blob;
    buffer_init(&blob, LIMIT_TRANSACTION_SIZE_MAX);
    status result = schema_write(&blob, schema);
    if (result == ATOLL_OK)
        result = txn_operation(txn, &(operation){.kind = OP_SCHEMA, .blob = buffer_view(&blob)});
    buffer_free(&blob);
    return result;
}

/* ---- rows ---- */
typedef status (*row_function)(model_migration *m, class_key c, row_key row, void *context);

static status each_row(model_migration *m, class_key c, row_function each, void *context)
{
    uint64_t cursor = 0;
    model_segment segment;
    status result = ATOLL_OK;
    while (model_scan(m->txn->view, c, &cursor, &segment, &result)) {
        for (row_key i = 0; i < MODEL_BLOCK_ROWS; i++)
            if (model_window_bit(segment.alive, i)) TRY(each(m, c, segment.first + i, context));
    }
    return result;
}

/* A value that was null becomes the default where null is not allowed: nothing is set. A required one in a column that
 * was never written is the zero of its type, and stays it where null is allowed. */
static status copy_value(model_migration *m, class_key c, row_key row, void *context)
{
    const schema_copied *copied = context;
    const model_property *old =
        class_property(schema_class(&m->old->schema->schema, c), copied->from);
    value v;
    TRY(read_slot(m->txn->view, c, row, slot_of(copied->from), &v));
    if (v.type == VALUE_NULL && (old->flags & PROPERTY_NULLABLE) == 0) v = value_zero(old->type);
    if (v.type == VALUE_NULL) return ATOLL_OK;
    return txn_operation(
        m->txn, &(operation){
                    .kind = OP_SET, .class_of = c, .row = row, .property = copied->to, .value = v});
}

static status delete_row_of(model_migration *m, class_key c, row_key row, void *context)
{
    (void)context;
    return write_delete(m->txn, c, row);
}

static status delete_children(model_migration *m, class_key c, row_key row, void *context)
{
    const schema_removal *removed = context;
    const model_property p = {.key = removed->property,
                              .type = removed->type,
                              .target = removed->target,
                              .flags = removed->flags};
    return write_delete_owned(m->txn, c, row, &p);
}

/* ---- begin ---- */
static status start(model_migration *m)
{
    TRY(model_txn_set_schema(m->txn, &m->plan.schema));
    for (size_t i = 0; i < m->plan.rekeyed.count; i++)
        TRY(txn_operation(m->txn,
                          &(operation){.kind = OP_FORGET, .class_of = m->plan.rekeyed.items[i]}));
    for (size_t i = 0; i < m->plan.copied.count; i++)
        TRY(each_row(m, m->plan.copied.items[i].class_of, copy_value, &m->plan.copied.items[i]));
    return ATOLL_OK;
}

static void migration_free(model_migration *m)
{
    if (m->txn != NULL) model_rollback(m->txn);
    model_view_release(m->old);
    schema_plan_free(&m->plan);
    vector_free(&m->gone);
    memory_free(m);
}

static status migration_start(model_db *db, schema_plan *plan, uint64_t version,
                              model_migration **out)
{
    model_migration *m = memory_allocate_zero(sizeof *m);
    if (m == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    m->db = db;
    m->old = model_view_newest(db);
    m->plan = *plan;
    *plan = (schema_plan){0};
    m->plan.schema.version = version;
    status result = schema_validate(&m->plan.schema, db->options.use);
    if (result == ATOLL_OK) result = model_begin(db, COMMIT_LOCAL, &m->txn);
    if (result == ATOLL_OK) {
        m->txn->migrates = true;
        result = start(m);
    }
    if (result == ATOLL_OK)
        *out = m;
    else
        migration_free(m);
    return result;
}

/* The rule of versions. *migrates: the stored schema is of a lower version. */
static status check_version(const model_schema *stored, const schema_plan *plan, uint64_t version,
                            bool *migrates)
{
    *migrates = version > stored->version;
    if (version < stored->version)
        return fail(ATOLL_ERROR_SCHEMA_VERSION_LOWER,
                    "the realm has schema version %llu and is opened with version %llu: versions "
                    "only grow",
                    (unsigned long long)stored->version, (unsigned long long)version);
    if (version == stored->version && plan->needs_version)
        return fail(ATOLL_ERROR_MIGRATION_REQUIRED,
                    "the schema differs from the stored one of the same version %llu, raise "
                    "schema_version to migrate: %s",
                    (unsigned long long)version, (const char *)plan->text.data);
    return ATOLL_OK;
}

status model_migration_begin(model_db *db, const model_schema *schema, uint64_t version,
                             model_migration **out)
{
    schema_plan plan = {0};
    model_view *view = model_view_newest(db);
    const model_schema *stored = &view->schema->schema;
    bool migrates = false, fresh = stored->class_count == 0;
    *out = NULL;
    status result = schema_plan_make(stored, schema, &plan);
    if (result == ATOLL_OK && !fresh) result = check_version(stored, &plan, version, &migrates);
    model_view_release(view);
    if (result == ATOLL_OK && migrates) result = migration_start(db, &plan, version, out);
    schema_plan_free(&plan);
    return result;
}

model_txn *model_migration_txn(model_migration *m)
{
    return m->txn;
}

model_view *model_migration_old(model_migration *m)
{
    return m->old;
}

/* ---- rename ---- */
static schema_removal *find_removal(model_migration *m, class_key c, property_key p)
{
    for (size_t i = 0; i < m->plan.removed.count; i++) {
        schema_removal *r = &m->plan.removed.items[i];
        if (r->class_of == c && r->property == p) return r;
    }
    return NULL;
}

static model_property *own_property(const model_class *c, bytes name)
{
    const model_property *p = class_property_named(c, name);
    return p == NULL ? NULL : &((model_class *)(uintptr_t)c)->properties[p - c->properties];
}

static int compare_keys(const void *a, const void *b)
{
    property_key left = ((const model_property *)a)->key, right = ((const model_property *)b)->key;
    return (left > right) - (left < right);
}

/* The property takes over the column that it had under another name; its own, empty or not, goes in its stead. */
static status take_column(model_migration *m, const model_class *c, model_property *to,
                          schema_removal *removed)
{
    model_class *own = (model_class *)(uintptr_t)c;
    property_key fresh = to->key;
    to->key = removed->property;
    if ((to->flags & PROPERTY_PRIMARY_KEY) != 0) own->primary_key = to->key;
    *removed = (schema_removal){.class_of = c->key,
                                .property = fresh,
                                .type = to->type,
                                .target = to->target,
                                .flags = to->flags};
    qsort(own->properties, own->property_count, sizeof *own->properties, compare_keys);
    return model_txn_set_schema(m->txn, &m->plan.schema);
}

status model_migration_rename(model_migration *m, bytes class_name, bytes from, bytes to)
{
    const model_class *c = schema_class_named(&m->plan.schema, class_name),
                      *before = schema_class_named(&m->old->schema->schema, class_name);
    if (c == NULL || before == NULL)
        return fail(ATOLL_ERROR_UNKNOWN_CLASS,
                    "class '%.*s' cannot have a property renamed: it is not in the %s schema",
                    (int)class_name.size, (const char *)class_name.data, c == NULL ? "new" : "old");
    const model_property *old = class_property_named(before, from);
    model_property *fresh = own_property(c, to);
    if (old == NULL || fresh == NULL)
        return fail(ATOLL_ERROR_UNKNOWN_PROPERTY,
                    "class '%s' has no property '%.*s' in the %s schema", c->name,
                    (int)(old == NULL ? from : to).size,
                    (const char *)(old == NULL ? from : to).data, old == NULL ? "old" : "new");
    schema_removal *removed = find_removal(m, c->key, old->key);
    if (removed == NULL || class_property_named(c, from) != NULL)
        return fail(ATOLL_ERROR_INVALID_ARGUMENT,
                    "property '%s.%s' cannot be renamed: the new schema has it still, or it was "
                    "renamed before",
                    c->name, old->name);
    if (class_property(before, fresh->key) != NULL) /* of another type it begins anew */
        return fail(ATOLL_ERROR_INVALID_ARGUMENT,
                    "property '%s.%s' cannot be renamed to '%s': the old schema has that one too",
                    c->name, old->name, fresh->name);
    model_property left = *old, right = *fresh;
    left.flags &= (uint8_t)~PROPERTY_PRIMARY_KEY;
    right.flags &= (uint8_t)~PROPERTY_PRIMARY_KEY;
    if (schema_property_same(&left, &right)) return take_column(m, c, fresh, removed);
    left.flags |= PROPERTY_NULLABLE;
    if ((right.flags & PROPERTY_COLLECTION) != 0 || !schema_property_same(&left, &right))
        return fail(ATOLL_ERROR_TYPE_MISMATCH,
                    "property '%s.%s' cannot be renamed to '%s': their types differ", c->name,
                    old->name, fresh->name);
    schema_copied copied = {c->key, old->key, fresh->key};
    status result = each_row(m, c->key, copy_value, &copied);
    /* Half of the values must not be all that is left. */
    return result == ATOLL_OK ? ATOLL_OK : txn_remember(m->txn, result);
}

/* ---- remove a class ---- */
static bool owns_objects(const model_class *c)
{
    for (size_t i = 0; i < c->property_count; i++)
        if (c->properties[i].type == VALUE_EMBEDDED || c->properties[i].type == VALUE_MIXED)
            return true;
    return false;
}

static bool is_in(const class_key *keys, size_t count, class_key key)
{
    for (size_t i = 0; i < count; i++)
        if (keys[i] == key) return true;
    return false;
}

status model_migration_remove_class(model_migration *m, const model_schema *given, bytes name)
{
    const model_class *c = schema_class_named(&m->plan.schema, name);
    if (c == NULL)
        return fail(ATOLL_ERROR_UNKNOWN_CLASS, "the realm has no class '%.*s' to remove",
                    (int)name.size, (const char *)name.data);
    if (schema_class_named(given, name) != NULL)
        return fail(ATOLL_ERROR_INVALID_ARGUMENT,
                    "class '%s' is in the new schema and cannot be removed", c->name);
    if (owns_objects(c)) TRY(each_row(m, c->key, delete_row_of, NULL));
    TRY(vector_push(&m->gone, c->key));
    schema_class_remove(&m->plan.schema, c->key);
    TRY(model_txn_set_schema(m->txn, &m->plan.schema));
    return txn_operation(
        m->txn,
        &(operation){.kind = OP_FORGET, .class_of = m->gone.items[m->gone.count - 1], .all = true});
}

/* ---- commit ---- */
static status forget_property(model_migration *m, schema_removal *r)
{
    if (is_in(m->gone.items, m->gone.count, r->class_of)) return ATOLL_OK;
    bool owns = r->type == VALUE_MIXED ||
                (r->type == VALUE_EMBEDDED && !is_in(m->gone.items, m->gone.count, r->target));
    if (owns) TRY(each_row(m, r->class_of, delete_children, r));
    return txn_operation(
        m->txn, &(operation){.kind = OP_FORGET, .class_of = r->class_of, .property = r->property});
}

static status describe_duplicate(const model_class *c, const value *key)
{
    const model_property *p = class_property(c, c->primary_key);
    if (key->type == VALUE_INT)
        return fail(ATOLL_ERROR_DUPLICATE_PRIMARY_KEY,
                    "after the migration several objects of '%s' have '%s' %lld as primary key; "
                    "nothing was changed",
                    c->name, p->name, (long long)key->as.integer);
    bool text = key->type == VALUE_STRING;
    return fail(ATOLL_ERROR_DUPLICATE_PRIMARY_KEY,
                "after the migration several objects of '%s' have the same primary key '%s'%s%.*s; "
                "nothing was changed",
                c->name, p->name, text ? ": " : "",
                text ? (int)(key->as.text.size > 200 ? 200 : key->as.text.size) : 0,
                text ? (const char *)key->as.text.data : "");
}

/* Each row stands in the index under its key, and alone. */
static status check_row_key(model_migration *m, class_key c, row_key row, void *context)
{
    const model_class *class_of = context;
    row_key found = 0;
    value key, stored;
    TRY(model_get_raw(m->txn->view, c, row, class_of->primary_key, &key));
    TRY(read_slot(m->txn->view, c, row, slot_of(class_of->primary_key), &stored));
    TRY(model_find_any(m->txn->view, c, &key, &found));
    if (found == row) return ATOLL_OK;
    if (found != 0) return describe_duplicate(class_of, &key);
    /* A column that is not there holds defaults, and a look-up compares with what is there. */
    bool absent = stored.type != key.type;
    return txn_operation(m->txn, &(operation){.kind = absent ? OP_KEY : OP_REKEY,
                                              .class_of = c,
                                              .row = row,
                                              .value = key,
                                              .hash = key_hash(m->db, &key)});
}

static status check_keys(model_migration *m)
{
    for (size_t i = 0; i < m->plan.schema.class_count; i++) {
        const model_class *c = &m->plan.schema.classes[i];
        bool changed = is_in(m->plan.rekeyed.items, m->plan.rekeyed.count, c->key) ||
                       map64_get(&m->txn->rekeyed, c->key) != NULL;
        if (changed && c->primary_key != 0)
            TRY(each_row(m, c->key, check_row_key, (void *)(uintptr_t)c));
    }
    return ATOLL_OK;
}

static status finish(model_migration *m)
{
    TRY(txn_usable(m->txn));
    TRY(schema_validate(&m->plan.schema, m->db->options.use));
    for (size_t i = 0; i < m->plan.removed.count; i++)
        TRY(forget_property(m, &m->plan.removed.items[i]));
    return check_keys(m);
}

status model_migration_commit(model_migration *m)
{
    status result = finish(m);
    if (result == ATOLL_OK) {
        /* Before the commit: a checkpoint deletes what only this view still has. */
        model_view_release(m->old);
        m->old = NULL;
        model_txn *txn = m->txn;
        m->txn = NULL;
        result = model_commit(txn, NULL);
    }
    migration_free(m);
    return result;
}

void model_migration_cancel(model_migration *m)
{
    if (m != NULL) migration_free(m);
}

/* ---- opening ---- */
static status store_first(model_db *db, const model_schema *schema, uint64_t version)
{
    model_schema first = {0};
    TRY(schema_copy(schema, &first));
    first.version = version;
    status result = model_add_schema(db, &first);
    schema_free(&first);
    return result;
}

status model_update_schema(model_db *db, const model_schema *schema, uint64_t version,
                           bool may_migrate)
{
    model_migration *m = NULL;
    model_view *view = model_view_newest(db);
    bool fresh = view->schema->schema.class_count == 0;
    uint64_t stored = view->schema->schema.version;
    model_view_release(view);
    if (fresh) return store_first(db, schema, version);
    if (version > stored && !may_migrate)
        return fail(ATOLL_ERROR_MISMATCHED_CONFIG,
                    "the realm is open in this process with schema version %llu, not %llu; close "
                    "it first",
                    (unsigned long long)stored, (unsigned long long)version);
    TRY(model_migration_begin(db, schema, version, &m));
    if (m != NULL) TRY(model_migration_commit(m));
    return db_add_schema(db, schema, may_migrate);
}
