/* What an admin removed from an app's schema: classes and properties that bear a hidden name from then on, so that the name
 * is free, and what stands on their keys stays as it is. Their data stays until they are restored.
 *
 *   s y class u32, property u32 (0: the class itself) → the name before
 *
 * It must never let an app of before fail to sync, nor see what took the name since. Invariant: a property has a hidden name
 * exactly as long as its record is there. */
#include "server/app.h"

enum { KEY_SIZE = 10, HIDDEN = 1 };

bool removed_is_hidden(const char *name)
{
    return name[0] == HIDDEN;
}

/* ---- what there is ---- */

static status add_one(server_app *app, class_key c, property_key p, bytes name)
{
    removed_name r = {c, p, memory_copy_text((const char *)name.data, name.size)};
    if (r.name == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    status result = vector_push(&app->removed, r);
    if (result != ATOLL_OK) memory_free(r.name);
    return result;
}

status removed_load(server_app *app)
{
    const uint8_t from[2] = {'s', 'y'}, to[2] = {'s', 'y' + 1};
    storage_iterator *i = NULL;
    bytes key, value;
    removed_free(app);
    TRY(model_side_iterate(app->db, bytes_of(from, 2), bytes_of(to, 2), &i));
    status result = ATOLL_OK;
    while (result == ATOLL_OK && storage_iterator_next(i, &key, &value)) {
        if (key.size == KEY_SIZE)
            result = add_one(app, key_get_u32(key.data + 2), key_get_u32(key.data + 6), value);
    }
    if (result == ATOLL_OK) result = storage_iterator_status(i);
    storage_iterator_free(i);
    return result;
}

void removed_free(server_app *app)
{
    for (size_t i = 0; i < app->removed.count; i++) memory_free(app->removed.items[i].name);
    vector_free(&app->removed);
}

/* ---- an app of before ---- */

void gone_free(gone_names *gone)
{
    for (size_t i = 0; i < gone->count; i++) {
        memory_free(gone->items[i].class_name);
        memory_free(gone->items[i].property);
    }
    vector_free(gone);
}

/* property "": the whole class. */
bool gone_has(const gone_names *gone, const char *class_name, const char *property)
{
    for (size_t i = 0; i < gone->count; i++) {
        const gone_name *g = &gone->items[i];
        if (strcmp(g->class_name, class_name) == 0 &&
            (g->property[0] == '\0' || strcmp(g->property, property) == 0))
            return true;
    }
    return false;
}

static status gone_add(gone_names *gone, const char *class_name, const char *property)
{
    gone_name g = {memory_copy_text(class_name, strlen(class_name)),
                   memory_copy_text(property, strlen(property))};
    status result = g.class_name == NULL || g.property == NULL ? ATOLL_ERROR_OUT_OF_MEMORY
                                                               : vector_push(gone, g);
    if (result == ATOLL_OK) return ATOLL_OK;
    memory_free(g.class_name);
    memory_free(g.property);
    return result;
}

/* The name was this property's, and the app knows no other under it. */
static bool was_removed(const server_app *app, const model_class *c, const model_property *p)
{
    const model_property *live = class_property_named(c, bytes_text(p->name));
    if (live != NULL && schema_property_same(live, p)) return false;
    for (size_t i = 0; i < app->removed.count; i++) {
        const removed_name *r = &app->removed.items[i];
        const model_property *old =
            r->class_of == c->key && r->property != 0 ? class_property(c, r->property) : NULL;
        if (old == NULL || strcmp(r->name, p->name) != 0) continue;
        /* Its target may have been removed after it. */
        model_property like = *old;
        if (old->target_name != NULL && removed_is_hidden(old->target_name))
            like.target_name = p->target_name;
        if (schema_property_same(&like, p)) return true;
    }
    return false;
}

static bool class_was_removed(const server_app *app, const model_schema *now, const char *name)
{
    if (schema_class_named(now, bytes_text(name)) != NULL) return false;
    for (size_t i = 0; i < app->removed.count; i++)
        if (app->removed.items[i].property == 0 && strcmp(app->removed.items[i].name, name) == 0)
            return true;
    return false;
}

static status find_gone(const server_app *app, const model_schema *now, const model_schema *given,
                        gone_names *gone)
{
    for (size_t i = 0; i < given->class_count; i++) {
        const model_class *from = &given->classes[i],
                          *c = schema_class_named(now, bytes_text(from->name));
        if (removed_is_hidden(from->name))
            return fail(ATOLL_ERROR_INVALID_ARGUMENT, "a class has a name that is reserved");
        if (c == NULL && class_was_removed(app, now, from->name))
            TRY(gone_add(gone, from->name, ""));
        for (size_t k = 0; k < from->property_count; k++) {
            if (removed_is_hidden(from->properties[k].name))
                return fail(ATOLL_ERROR_INVALID_ARGUMENT, "a property has a name that is reserved");
            if (c != NULL && was_removed(app, c, &from->properties[k]))
                TRY(gone_add(gone, from->name, from->properties[k].name));
        }
    }
    return ATOLL_OK;
}

static status without(const model_schema *given, const gone_names *gone, model_schema *out)
{
    for (size_t i = 0; i < given->class_count; i++) {
        const model_class *from = &given->classes[i];
        size_t index = 0;
        if (gone_has(gone, from->name, "")) continue;
        TRY(schema_add_class(out, bytes_text(from->name), from->kind, &index));
        for (size_t k = 0; k < from->property_count; k++) {
            const model_property *p = &from->properties[k];
            if (gone_has(gone, from->name, p->name)) continue;
            TRY(schema_add_property(out, index, bytes_text(p->name), p->type, p->flags,
                                    bytes_text(p->target_name != NULL ? p->target_name : "")));
        }
    }
    return ATOLL_OK;
}

status removed_from_schema(server_app *app, model_schema *given, gone_names *gone)
{
    model_schema kept = {0};
    if (app->removed.count == 0) return ATOLL_OK;
    model_view *view = model_view_newest(app->db);
    if (view == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    status result = find_gone(app, model_view_schema(view), given, gone);
    model_view_release(view);
    if (result == ATOLL_OK && gone->count > 0) {
        result = without(given, gone, &kept);
        if (result == ATOLL_OK) {
            schema_free(given);
            *given = kept;
        } else {
            schema_free(&kept);
        }
    }
    return result;
}

static bool group_is_gone(const gone_names *gone, const wire_rows *g)
{
    return gone_has(gone, g->class_name, "") ||
           (g->owner_class[0] != '\0' && gone_has(gone, g->owner_class, g->owner_property));
}

/* What an app of before says of what is not there any more stays on its device. */
void removed_from_upload(const gone_names *gone, wire_upload *u)
{
    size_t groups = 0;
    for (size_t i = 0; i < u->rows.count && gone->count > 0; i++) {
        wire_rows *g = u->rows.items[i];
        size_t columns = 0;
        if (group_is_gone(gone, g)) continue;
        for (size_t k = 0; k < g->columns.count; k++)
            if (!gone_has(gone, g->class_name, g->columns.items[k]->property))
                g->columns.items[columns++] = g->columns.items[k];
        g->columns.count = columns;
        u->rows.items[groups++] = g;
    }
    if (gone->count > 0) u->rows.count = groups;
}

/* Of the owner of an embedded object, up to its root: whether any of them is not for this session. */
status removed_hides_owned(const server_app *app, const gone_names *gone, const model_view *view,
                           const model_owner *owner, bool *hides)
{
    model_owner at = *owner;
    *hides = false;
    if (app->removed.count == 0) return ATOLL_OK;
    for (;;) {
        const model_class *c = schema_class(model_view_schema(view), at.class_of);
        const model_property *p = c == NULL ? NULL : class_property(c, at.property);
        if (p == NULL) return ATOLL_OK;
        *hides = removed_hides(gone, c, p);
        if (*hides || c->kind != CLASS_EMBEDDED) return ATOLL_OK;
        TRY(model_owner_get(view, at.class_of, at.row, &at));
    }
}

bool removed_hides(const gone_names *gone, const model_class *c, const model_property *p)
{
    return removed_is_hidden(p->name) || gone_has(gone, c->name, p->name);
}
