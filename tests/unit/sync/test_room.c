/* Objects that are too large to be synced are refused where they are made; the largest ones arrive. */
#include "copies.h"

#include <stdlib.h>
#include <string.h>

enum { THING = 1, ONE = 2, TWO, THREE, MANY };

static model_schema thing_schema(void)
{
    static const char *const names[] = {"one", "two", "three"};
    model_schema s = {0};
    size_t c = 0;
    MUST(schema_add_class(&s, bytes_text("Thing"), CLASS_NORMAL, &c));
    MUST(schema_add_property(&s, c, bytes_text("_id"), VALUE_INT, PROPERTY_PRIMARY_KEY,
                             bytes_of("", 0)));
    for (size_t i = 0; i < 3; i++)
        MUST(schema_add_property(&s, c, bytes_text(names[i]), VALUE_BINARY, PROPERTY_NULLABLE,
                                 bytes_of("", 0)));
    MUST(schema_add_property(&s, c, bytes_text("many"), VALUE_BINARY, PROPERTY_LIST,
                             bytes_of("", 0)));
    return s;
}

/* Sets or adds values of so many bytes, in one commit. */
static status put(world *w, int64_t id, property_key p, size_t size, int count)
{
    client *c = &w->clients[0];
    model_txn *txn = NULL;
    row_key row = 0;
    uint8_t *data = calloc(1, size);
    value key = value_int(id), v = {.type = VALUE_BINARY, .as.text = bytes_of(data, size)};
    MUST(model_begin(c->db, COMMIT_LOCAL, &txn));
    class_key thing =
        schema_class_named(model_view_schema(model_txn_view(txn)), bytes_text("Thing"))->key;
    MUST(model_find(model_txn_view(txn), thing, &key, &row));
    if (row == 0) MUST(model_create(txn, thing, &key, &row));
    for (int i = 0; i < count && p != MANY; i++)
        MUST(model_set(txn, thing, row, p + (property_key)i, &v));
    for (int i = 0; i < count && p == MANY; i++) MUST(model_list_insert(txn, thing, row, p, 0, &v));
    free(data);
    status result = model_commit(txn, NULL);
    if (result == ATOLL_OK) session_committed(c->session, w->now_ms);
    return result;
}

static size_t size_at(model_db *db, int64_t id, property_key p)
{
    model_view *view = model_view_newest(db);
    row_key row = 0;
    value key = value_int(id), v = value_null();
    class_key thing = schema_class_named(model_view_schema(view), bytes_text("Thing"))->key;
    MUST(model_find(view, thing, &key, &row));
    if (row != 0) MUST(model_get(view, thing, row, p, &v));
    model_view_release(view);
    return v.type == VALUE_BINARY ? v.as.text.size : 0;
}

Test(room, an_object_that_fits_no_message_is_refused_at_the_commit_and_the_largest_arrives)
{
    const size_t large = 10u << 20;
    const char *classes[] = {"Thing"}, *queries[] = {"TRUEPREDICATE"};
    world w;
    MUST(world_start(&w, 6, 2, true, thing_schema()));
    for (int i = 0; i < 2; i++) MUST(world_subscribe(&w, &w.clients[i], classes, queries, 1));
    SETTLE(&w);
    cr_assert_eq(put(&w, 1, ONE, large, 3), ATOLL_ERROR_LIMIT_EXCEEDED);
    cr_assert_not_null(strstr(fail_text(), "the object 1 of class 'Thing' has"), "%s", fail_text());
    /* Bit by bit is no other way, and a list is none either. */
    MUST(put(&w, 2, ONE, large, 2));
    cr_assert_eq(put(&w, 2, THREE, large, 1), ATOLL_ERROR_LIMIT_EXCEEDED);
    cr_assert_eq(put(&w, 2, MANY, large / 4, 5), ATOLL_ERROR_LIMIT_EXCEEDED);
    MUST(put(&w, 2, THREE, large - 4096, 1));
    MUST(put(&w, 3, ONE, 100, 1));
    SETTLE(&w);
    for (int64_t id = 2; id <= 3; id++)
        cr_assert_eq(size_at(w.clients[1].db, id, ONE), id == 2 ? large : 100);
    cr_assert_eq(size_at(w.clients[1].db, 2, THREE), large - 4096);
    cr_assert_eq(size_at(w.clients[1].db, 1, ONE), 0);
    world_end(&w);
}
