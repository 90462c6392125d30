/* Views: which objects a session sees, now and at an earlier version.
 * It must never let a query through that leave records can't answer. Invariant: the queries of a view read declared paths
 * only (image.c), those of the rules included, so that view_had is exact for every version at or after the declaration. */
#include "server/app.h"

#include <stdio.h>

void view_free(server_view *v)
{
    for (size_t i = 0; i < v->queries.count; i++) query_free(v->queries.items[i]);
    vector_free(&v->queries);
    for (size_t i = 0; i < v->sources.count; i++) {
        memory_free(v->sources.items[i].class_name);
        memory_free(v->sources.items[i].text);
    }
    vector_free(&v->sources);
    schemas_drop(v->shared);
    buffer_free(&v->partition_text);
    *v = (server_view){0};
}

static status view_start(server_app *app, server_view *v)
{
    *v = (server_view){0};
    buffer_init(&v->partition_text, LIMIT_VALUE_SIZE_MAX);
    model_view *view = model_view_newest(app->db);
    if (view == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    status result = schemas_share(app, model_view_schema(view), &v->shared);
    model_view_release(view);
    return result;
}

/* A subscription reads its objects alone, with what is embedded in them, as in the systems before; a role may follow links. */
static status check_fields(const query *q, const model_class *c, const model_schema *schema)
{
    query_path_vector paths = {0};
    status result = query_paths(q, &paths);
    for (size_t i = 0; i < paths.count && result == ATOLL_OK; i++) {
        const query_path *path = &paths.items[i];
        for (size_t k = 0; k < path->count && result == ATOLL_OK; k++) {
            const model_class *target = schema_class(schema, path->steps[k].target);
            if (target == NULL || target->kind == CLASS_EMBEDDED) continue;
            result = fail(ATOLL_ERROR_NOT_SUPPORTED,
                          "not supported yet: links in a subscription to '%s'; put what is asked "
                          "for into the object, or into one that is embedded in it",
                          c->name);
        }
    }
    vector_free(&paths);
    return result;
}

/* Fields that are declared, and that the session may read: to learn of objects by what one may not see is to see it. */
static status check_allowed(const server_app *app, const session_rules *rules, const query *q,
                            const model_class *c)
{
    const property_key *properties = NULL;
    size_t count = 0;
    bool links = false;
    TRY(query_properties(q, &properties, &count, &links));
    for (size_t i = 0; i < count; i++) {
        const model_property *p = class_property(c, properties[i]);
        bool key = (p->flags & PROPERTY_PRIMARY_KEY) != 0;
        if (!key && app->roles != NULL && !role_set_queryable(app->roles, c->name, p->name))
            return fail(ATOLL_ERROR_BAD_QUERY,
                        "the field '%s' of class '%s' is not queryable: add it to the app's "
                        "queryable_fields, or leave it out of the subscription",
                        p->name, c->name);
        if (!rules_reads_field(rules, c->key, p->key))
            return fail(ATOLL_ERROR_BAD_QUERY,
                        "the field '%s' of class '%s' may not be read by this user, nor be in a "
                        "subscription",
                        p->name, c->name);
    }
    return ATOLL_OK;
}

/* Takes q over. Objects of a class that may not be read at all match nothing: there is no query. */
static status push_query(server_view *v, const session_rules *rules, query *q)
{
    const class_rules *c = rules->restricts ? rules_of(rules, query_class(q)) : NULL;
    if (rules->restricts && (c == NULL || !c->reads)) {
        query_free(q);
        return ATOLL_OK;
    }
    query *both = NULL;
    status result = query_and(q, c == NULL ? NULL : c->read, &both);
    query_free(q);
    if (result == ATOLL_OK) result = vector_push(&v->queries, both);
    if (result != ATOLL_OK && both != NULL) query_free(both);
    return result;
}

static status check_query(server_app *app, const session_rules *rules, const server_view *v,
                          const query *q, const model_class *c, const char *text, bool strict,
                          bool *drop)
{
    if (query_has_suffixes(q))
        return fail(ATOLL_ERROR_BAD_QUERY, "a subscription can't sort or limit: '%s'", text);
    TRY(check_fields(q, c, &v->shared->schema));
    status result = check_allowed(app, rules, q, c);
    *drop = result == ATOLL_ERROR_BAD_QUERY && !strict;
    return *drop ? ATOLL_OK : result;
}

static status add_query(server_app *app, const session_rules *rules, bool strict, server_view *v,
                        const wire_query *from)
{
    const model_class *c = schema_class_named(&v->shared->schema, bytes_text(from->class_name));
    query *q = NULL;
    bool drop = false;
    if (c == NULL && !strict) return ATOLL_OK; /* It was removed: nothing matches. */
    if (c == NULL)
        return fail(ATOLL_ERROR_BAD_QUERY,
                    "a subscription names the class '%s', which is not in the schema",
                    from->class_name);
    if (c->kind != CLASS_NORMAL)
        return fail(ATOLL_ERROR_BAD_QUERY, "class '%s' is %s and can't be subscribed to", c->name,
                    c->kind == CLASS_EMBEDDED ? "embedded" : "asymmetric");
    status result = schemas_query(v->shared, c->key, from->text, &q);
    if (result != ATOLL_OK && result != ATOLL_ERROR_OUT_OF_MEMORY && !strict &&
        app->removed.count > 0)
        return ATOLL_OK; /* So was a field of it. */
    TRY(result);
    result = check_query(app, rules, v, q, c, from->text, strict, &drop);
    if (result == ATOLL_OK && !drop) return push_query(v, rules, q);
    query_free(q);
    return result;
}

static status keep_source(server_view *v, const wire_query *from)
{
    view_source s = {memory_copy_text(from->class_name, strlen(from->class_name)),
                     memory_copy_text(from->text, strlen(from->text))};
    status result = s.class_name == NULL || s.text == NULL ? ATOLL_ERROR_OUT_OF_MEMORY
                                                           : vector_push(&v->sources, s);
    if (result == ATOLL_OK) return ATOLL_OK;
    memory_free(s.class_name);
    memory_free(s.text);
    return result;
}

static status finish(status result, server_view *made, server_view *out)
{
    if (result != ATOLL_OK)
        view_free(made);
    else
        *out = *made;
    return result;
}

status view_flexible(server_app *app, const session_rules *rules, const wire_queries *queries,
                     bool strict, server_view *out)
{
    server_view v;
    status result = view_start(app, &v);
    for (size_t i = 0; i < queries->count && result == ATOLL_OK; i++) {
        result = add_query(app, rules, strict, &v, &queries->items[i]);
        if (result == ATOLL_OK) result = keep_source(&v, &queries->items[i]);
    }
    return finish(result, &v, out);
}

status view_partition(server_app *app, const session_rules *rules, const value *partition,
                      server_view *out)
{
    server_view v;
    char text[LIMIT_PROPERTY_NAME_SIZE_MAX + 16];
    query_arguments arguments = {partition, 1, NULL};
    status result = view_start(app, &v);
    v.partition = true;
    v.partition_value = *partition;
    if (result == ATOLL_OK && partition->type == VALUE_STRING) {
        result = buffer_append(&v.partition_text, partition->as.text.data, partition->as.text.size);
        v.partition_value.as.text = buffer_view(&v.partition_text);
    }
    snprintf(text, sizeof text, "%s == $0", app->partition_property);
    for (size_t i = 0; result == ATOLL_OK && i < v.shared->schema.class_count; i++) {
        const model_class *c = &v.shared->schema.classes[i];
        query *q = NULL;
        if (c->kind != CLASS_NORMAL || !rules->reads_partition || removed_is_hidden(c->name) ||
            class_property_named(c, bytes_text(app->partition_property)) == NULL)
            continue;
        result = query_new(&v.shared->schema, c->key, bytes_text(text), &arguments, &q);
        if (result == ATOLL_OK) result = push_query(&v, rules, q);
    }
    return finish(result, &v, out);
}

status view_again(server_app *app, const session_rules *rules, const server_view *v,
                  server_view *out)
{
    server_view made;
    if (v->partition) return view_partition(app, rules, &v->partition_value, out);
    status result = view_start(app, &made);
    for (size_t i = 0; i < v->sources.count && result == ATOLL_OK; i++) {
        wire_query q = {v->sources.items[i].class_name, v->sources.items[i].text};
        result = add_query(app, rules, false, &made, &q);
        if (result == ATOLL_OK) result = keep_source(&made, &q);
    }
    return finish(result, &made, out);
}

bool view_matches(const server_view *v, const model_view *view, class_key c, row_key row)
{
    for (size_t i = 0; i < v->queries.count; i++) {
        if (query_class(v->queries.items[i]) == c && query_matches(v->queries.items[i], view, row))
            return true;
    }
    return false;
}

bool view_matches_values(const server_view *v, class_key c, query_getter get, void *context)
{
    for (size_t i = 0; i < v->queries.count; i++) {
        if (query_class(v->queries.items[i]) == c &&
            query_matches_values(v->queries.items[i], get, context))
            return true;
    }
    return false;
}

bool view_matches_leave(const server_view *v, class_key c, const leave_record *r)
{
    for (size_t i = 0; i < v->queries.count; i++) {
        const query *q = v->queries.items[i];
        if (query_class(q) == c && image_matches(q, &v->shared->schema, buffer_view(&r->values)))
            return true;
    }
    return false;
}

bool view_had(const server_view *v, const model_view *view, class_key c, row_key row,
              const row_mark *m, const leave_record *oldest, uint64_t version, uint64_t ident)
{
    if (m->alive && m->since > version && m->since_author == ident)
        return true; /* It made this life itself. */
    if (oldest != NULL && oldest->own_life) return true;
    uint64_t since = oldest != NULL ? oldest->since : m->since,
             author = oldest != NULL ? oldest->since_author : m->since_author;
    if (since > version && author != ident) return false;
    if (oldest != NULL) return view_matches_leave(v, c, oldest);
    return m->alive && view_matches(v, view, c, row);
}

static status declare(server_app *app, model_txn *txn, const server_view *v, bool *missing)
{
    query_path_vector paths = {0};
    status result = ATOLL_OK;
    for (size_t i = 0; i < v->queries.count && result == ATOLL_OK; i++)
        result = query_paths(v->queries.items[i], &paths);
    for (size_t i = 0; i < paths.count && result == ATOLL_OK; i++) {
        *missing |= !paths_have(app, &paths.items[i]);
        if (txn != NULL) result = paths_add(app, txn, &paths.items[i]);
    }
    vector_free(&paths);
    return result == ATOLL_OK ? places_declare(app, txn, v, missing) : result;
}

status view_declare_queryables(server_app *app, const server_view *v)
{
    model_txn *txn = NULL;
    bool missing = false;
    size_t paths = app->paths.count, places = places_declared(app);
    TRY(declare(app, NULL, v, &missing));
    if (!missing) return ATOLL_OK;
    TRY(app_begin(app, &txn));
    status result = declare(app, txn, v, &missing);
    if (result == ATOLL_OK)
        result = model_commit(txn, NULL);
    else
        model_rollback(txn);
    if (result != ATOLL_OK) { /* What memory says is what the store says. */
        app->paths.count = paths;
        places_undeclare(app, places);
    }
    return result;
}
