/* The admin's view of an app's schema: to show it, to remove a class or property from it, to give one back.
 * Must never: delete data, nor leave a client with the schema of before. Invariant: schema, record and the end of the
 * history are in one commit, after which every client resets. */
#include "server/app.h"

#include <jansson.h>
#include <stdio.h>

enum { HIDDEN = 1, KEY_SIZE = 10 };

typedef struct removal {
    server_app *app;
    model_schema schema; /* as it will be */
    class_key class_of;
    property_key property; /* 0: the class */
    const char *name;      /* the one that people know */
} removal;

static model_class *class_of_key(model_schema *s, class_key key)
{
    for (size_t i = 0; i < s->class_count; i++)
        if (s->classes[i].key == key) return &s->classes[i];
    return NULL;
}

static status rename_text(char **at, const char *name)
{
    char *copy = memory_copy_text(name, strlen(name));
    if (copy == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    memory_free(*at);
    *at = copy;
    return ATOLL_OK;
}

/* Links name their class, those that were removed as well. */
static status rename_class(model_schema *s, model_class *c, const char *name)
{
    for (size_t i = 0; i < s->class_count; i++) {
        for (size_t k = 0; k < s->classes[i].property_count; k++) {
            model_property *p = &s->classes[i].properties[k];
            if (p->target_name != NULL && strcmp(p->target_name, c->name) == 0)
                TRY(rename_text(&p->target_name, name));
        }
    }
    return rename_text(&c->name, name);
}

static status rename_it(removal *r, const char *name)
{
    model_class *c = class_of_key(&r->schema, r->class_of);
    if (c == NULL) return fail(ATOLL_ERROR_INTERNAL, "a class is not in its schema");
    if (r->property == 0) return rename_class(&r->schema, c, name);
    for (size_t k = 0; k < c->property_count; k++)
        if (c->properties[k].key == r->property) return rename_text(&c->properties[k].name, name);
    return fail(ATOLL_ERROR_INTERNAL, "a property is not in its class");
}

static status put_record(model_txn *txn, const removal *r, bool removes)
{
    uint8_t key[KEY_SIZE] = {'s', 'y'};
    key_put_u32(key + 2, r->class_of);
    key_put_u32(key + 6, r->property);
    return removes ? model_side_put(txn, bytes_of(key, KEY_SIZE), bytes_text(r->name))
                   : model_side_delete(txn, bytes_of(key, KEY_SIZE));
}

static status apply_removal(removal *r, bool removes)
{
    model_txn *txn = NULL;
    TRY(app_begin(r->app, &txn));
    status result = model_txn_set_schema(txn, &r->schema);
    if (result == ATOLL_OK) result = put_record(txn, r, removes);
    if (result == ATOLL_OK) result = history_end_all(r->app, txn, HISTORY_SCHEMA_BROKEN);
    if (result != ATOLL_OK) {
        model_rollback(txn);
        return result;
    }
    TRY(model_commit(txn, NULL));
    r->app->schema_generation++;
    TRY(removed_load(r->app));
    history_tell_end(r->app, HISTORY_SCHEMA_BROKEN);
    return server_app_sync(r->app);
}

/* ---- remove ---- */

static status check_unused(const removal *r, const model_class *c)
{
    for (size_t i = 0; i < r->schema.class_count; i++) {
        const model_class *from = &r->schema.classes[i];
        for (size_t k = 0; k < from->property_count; k++) {
            const model_property *p = &from->properties[k];
            if (p->target_name == NULL || strcmp(p->target_name, c->name) != 0) continue;
            if (from == c || removed_is_hidden(p->name) || removed_is_hidden(from->name)) continue;
            return fail(ATOLL_ERROR_INVALID_ARGUMENT,
                        "'%s.%s' refers to class '%s': remove that property first", from->name,
                        p->name, c->name);
        }
    }
    return ATOLL_OK;
}

static status find_removal(removal *r, const char *class_name, const char *property)
{
    const model_class *c = schema_class_named(&r->schema, bytes_text(class_name));
    if (c == NULL || schema_class_is_hidden(c) || removed_is_hidden(class_name))
        return fail(ATOLL_ERROR_UNKNOWN_CLASS, "the app '%s' has no class '%s'", r->app->app_id,
                    class_name);
    r->class_of = c->key;
    r->name = class_name;
    if (property[0] == '\0') return check_unused(r, c);
    const model_property *p = class_property_named(c, bytes_text(property));
    if (p == NULL || removed_is_hidden(property))
        return fail(ATOLL_ERROR_UNKNOWN_PROPERTY, "class '%s' has no property '%s'", class_name,
                    property);
    if ((p->flags & PROPERTY_PRIMARY_KEY) != 0 || strcmp(property, r->app->partition_property) == 0)
        return fail(ATOLL_ERROR_INVALID_ARGUMENT,
                    "'%s.%s' is the primary key, or tells the partition, and stays", class_name,
                    property);
    r->property = p->key;
    r->name = property;
    return ATOLL_OK;
}

static status copy_schema(server_app *app, model_schema *out)
{
    model_view *view = model_view_newest(app->db);
    if (view == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    status result = schema_copy(model_view_schema(view), out);
    model_view_release(view);
    return result;
}

status server_app_remove(server_app *app, const char *class_name, const char *property)
{
    removal r = {.app = app};
    char hidden[24];
    TRY(copy_schema(app, &r.schema));
    status result = find_removal(&r, class_name, property);
    snprintf(hidden, sizeof hidden, "%c%u", HIDDEN, r.property != 0 ? r.property : r.class_of);
    if (result == ATOLL_OK) result = rename_it(&r, hidden);
    if (result == ATOLL_OK) result = apply_removal(&r, true);
    schema_free(&r.schema);
    return result;
}

/* ---- restore ---- */

/* The one that was removed last. */
static const removed_name *find_removed(const removal *r, const char *class_name,
                                        const char *property)
{
    const removed_name *found = NULL;
    const model_class *c = schema_class_named(&r->schema, bytes_text(class_name));
    bool whole = property[0] == '\0';
    for (size_t i = 0; i < r->app->removed.count; i++) {
        const removed_name *x = &r->app->removed.items[i];
        bool fits = whole ? x->property == 0 && strcmp(x->name, class_name) == 0
                          : c != NULL && x->class_of == c->key && x->property != 0 &&
                                strcmp(x->name, property) == 0;
        if (fits) found = x;
    }
    return found;
}

status server_app_restore(server_app *app, const char *class_name, const char *property)
{
    removal r = {.app = app};
    TRY(copy_schema(app, &r.schema));
    const removed_name *x = find_removed(&r, class_name, property);
    const model_class *c = schema_class_named(&r.schema, bytes_text(class_name));
    bool taken = property[0] == '\0'
                     ? c != NULL
                     : c != NULL && class_property_named(c, bytes_text(property)) != NULL;
    status result = ATOLL_OK;
    if (x == NULL)
        result =
            fail(ATOLL_ERROR_INVALID_ARGUMENT, "nothing that was removed had the name '%s%s%s'",
                 class_name, property[0] != '\0' ? "." : "", property);
    else if (taken)
        result =
            fail(ATOLL_ERROR_INVALID_ARGUMENT, "'%s%s%s' is there already: remove that one first",
                 class_name, property[0] != '\0' ? "." : "", property);
    if (result == ATOLL_OK && x != NULL) {
        r.class_of = x->class_of;
        r.property = x->property;
        r.name = property[0] != '\0' ? property : class_name;
        result = rename_it(&r, r.name);
    }
    if (result == ATOLL_OK) result = apply_removal(&r, false);
    schema_free(&r.schema);
    return result;
}

/* ---- show ---- */

static const char *name_of(const server_app *app, class_key c, property_key p, const char *name)
{
    for (size_t i = 0; i < app->removed.count; i++)
        if (app->removed.items[i].class_of == c && app->removed.items[i].property == p)
            return app->removed.items[i].name;
    return name;
}

static json_t *show_property(const server_app *app, const model_class *c, const model_property *p)
{
    char type[256];
    bool hidden = removed_is_hidden(p->name);
    model_property shown = *p;
    shown.target_name = NULL;
    schema_property_describe(&shown, type, sizeof type);
    json_t *out =
        json_pack("{s:s, s:s}", "name", name_of(app, c->key, p->key, p->name), "type", type);
    if (out != NULL && p->target_name != NULL)
        json_object_set_new(out, "target", json_string(name_of(app, p->target, 0, p->target_name)));
    if (out != NULL && hidden) json_object_set_new(out, "removed", json_true());
    return out;
}

static json_t *show_class(const server_app *app, const model_class *c)
{
    static const char *const kinds[] = {"object", "embedded", "asymmetric"};
    json_t *properties = json_array();
    for (size_t k = 0; k < c->property_count; k++)
        json_array_append_new(properties, show_property(app, c, &c->properties[k]));
    json_t *out = json_pack("{s:s, s:s, s:o}", "name", name_of(app, c->key, 0, c->name), "kind",
                            kinds[c->kind], "properties", properties);
    if (out != NULL && removed_is_hidden(c->name)) json_object_set_new(out, "removed", json_true());
    return out;
}

status server_app_show_schema(server_app *app, char **json)
{
    model_schema schema = {0};
    TRY(copy_schema(app, &schema));
    json_t *classes = json_array();
    for (size_t i = 0; i < schema.class_count; i++)
        if (!schema_class_is_hidden(&schema.classes[i]))
            json_array_append_new(classes, show_class(app, &schema.classes[i]));
    schema_free(&schema);
    json_t *all = json_pack("{s:o}", "classes", classes);
    size_t size = all == NULL ? 0 : json_dumpb(all, NULL, 0, JSON_INDENT(2));
    char *text = size == 0 ? NULL : memory_allocate(size + 1);
    if (text != NULL) text[json_dumpb(all, text, size, JSON_INDENT(2))] = '\0';
    json_decref(all);
    if (text == NULL) return fail(ATOLL_ERROR_OUT_OF_MEMORY, "no memory to show the schema");
    *json = text;
    return ATOLL_OK;
}
