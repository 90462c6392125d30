/* The realm that all tests of the query layer use. It must never leave anything on a real disk. */
#include "fixture.h"
#include <criterion/criterion.h>

void check_status(status s, const char *file, int line)
{
    if (s != ATOLL_OK) cr_assert_fail("%s:%d: status %d: %s", file, line, (int)s, fail_text());
}

static void add(model_schema *s, size_t c, const char *name, value_type type, uint8_t flags,
                const char *target)
{
    OK(schema_add_property(s, c, bytes_text(name), type, flags, bytes_text(target)));
}

static void build(model_schema *s, uint8_t indexed)
{
    size_t dog = 0, address = 0, point = 0, person = 0;
    OK(schema_add_class(s, bytes_text("Dog"), CLASS_NORMAL, &dog));
    add(s, dog, "name", VALUE_STRING, PROPERTY_NULLABLE, "");
    add(s, dog, "age", VALUE_INT, 0, "");
    OK(schema_add_class(s, bytes_text("Address"), CLASS_EMBEDDED, &address));
    add(s, address, "city", VALUE_STRING, 0, "");
    add(s, address, "zip", VALUE_INT, 0, "");
    OK(schema_add_class(s, bytes_text("Point"), CLASS_EMBEDDED, &point));
    add(s, point, "type", VALUE_STRING, 0, "");
    add(s, point, "coordinates", VALUE_DOUBLE, PROPERTY_LIST, "");
    OK(schema_add_class(s, bytes_text("Person"), CLASS_NORMAL, &person));
    add(s, person, "_id", VALUE_INT, PROPERTY_PRIMARY_KEY, "");
    add(s, person, "name", VALUE_STRING, PROPERTY_NULLABLE | indexed, "");
    add(s, person, "age", VALUE_INT, indexed, "");
    add(s, person, "weight", VALUE_INT, PROPERTY_NULLABLE | indexed, "");
    add(s, person, "height", VALUE_DOUBLE, PROPERTY_NULLABLE, "");
    add(s, person, "score", VALUE_DOUBLE, 0, "");
    add(s, person, "done", VALUE_BOOL, indexed, "");
    add(s, person, "photo", VALUE_BINARY, PROPERTY_NULLABLE, "");
    add(s, person, "born", VALUE_TIMESTAMP, PROPERTY_NULLABLE | indexed, "");
    add(s, person, "uid", VALUE_UUID, PROPERTY_NULLABLE | indexed, "");
    add(s, person, "oid", VALUE_OBJECT_ID, PROPERTY_NULLABLE | indexed, "");
    add(s, person, "dog", VALUE_LINK, PROPERTY_NULLABLE, "Dog");
    add(s, person, "dogs", VALUE_LINK, PROPERTY_LIST, "Dog");
    add(s, person, "tags", VALUE_STRING, PROPERTY_LIST, "");
    add(s, person, "numbers", VALUE_INT, PROPERTY_LIST, "");
    add(s, person, "home", VALUE_EMBEDDED, PROPERTY_NULLABLE, "Address");
    add(s, person, "given name", VALUE_STRING, PROPERTY_NULLABLE, "");
    add(s, person, "story", VALUE_STRING, PROPERTY_NULLABLE | PROPERTY_FULL_TEXT, "");
    add(s, person, "more", VALUE_INT, PROPERTY_LIST, "");
    add(s, person, "friend", VALUE_LINK, PROPERTY_NULLABLE, "Person");
    add(s, person, "friends", VALUE_LINK, PROPERTY_LIST, "Person");
    add(s, person, "colors", VALUE_STRING, PROPERTY_SET, "");
    add(s, person, "shades", VALUE_STRING, PROPERTY_SET, "");
    add(s, person, "marks", VALUE_INT, PROPERTY_DICTIONARY | PROPERTY_NULLABLE, "");
    add(s, person, "pets", VALUE_LINK, PROPERTY_DICTIONARY | PROPERTY_NULLABLE, "Dog");
    add(s, person, "spot", VALUE_EMBEDDED, PROPERTY_NULLABLE, "Point");
    add(s, person, "spots", VALUE_EMBEDDED, PROPERTY_LIST, "Point");
}

void fixture_schema(model_schema *out)
{
    model_schema app = {0};
    bool changed = false;
    build(&app, 0);
    *out = (model_schema){0};
    OK(schema_merge(out, &app, &changed));
    schema_free(&app);
}

/* Every second realm has no indexes: what is found must not depend on them. */
void fixture_open(fixture *f)
{
    static unsigned opened;
    model_schema app = {0};
    storage *store = NULL;
    model_options options = {.platform = platform_posix(), .use = SCHEMA_LOCAL};
    *f = (fixture){.live = memory_live_count()};
    f->disk = memory_disk_new(1);
    cr_assert_not_null(f->disk);
    build(&app, opened++ % 2 == 0 ? PROPERTY_INDEXED : 0);
    OK(storage_open_memory(f->disk, &store));
    OK(model_open(store, &options, &app, &f->db));
    schema_free(&app);
    f->pinned = model_view_newest(f->db);
    const model_schema *schema = model_view_schema(f->pinned);
    f->person = schema_class_named(schema, bytes_text("Person"));
    f->dog = schema_class_named(schema, bytes_text("Dog"));
    f->address = schema_class_named(schema, bytes_text("Address"));
    f->point = schema_class_named(schema, bytes_text("Point"));
}

void fixture_close(fixture *f)
{
    model_view_release(f->pinned);
    model_close(f->db);
    memory_disk_free(f->disk);
    cr_assert_eq(memory_live_count(), f->live, "%d allocations are left",
                 (int)(memory_live_count() - f->live));
}

property_key fixture_property(const model_class *c, const char *name)
{
    const model_property *p = class_property_named(c, bytes_text(name));
    if (p == NULL) cr_assert_fail("no property %s.%s", c->name, name);
    return p->key;
}
