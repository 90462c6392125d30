/* The oracle's lists of texts and of links, and its embedded objects: alone, in a list, in a dictionary. */
#include "oracle_parts.h"

/* ---- plain arrays ---- */
void array_insert(void *items, size_t size, int *count, uint64_t at, const void *fresh)
{
    char *place = (char *)items + at * size;
    memmove(place + size, place, ((size_t)*count - at) * size);
    memcpy(place, fresh, size);
    ++*count;
}

/* What is behind the last one is zero, so that equal ones have equal bytes. */
void array_erase(void *items, size_t size, int *count, uint64_t at)
{
    char *place = (char *)items + at * size;
    memmove(place, place + size, ((size_t)*count - at - 1) * size);
    --*count;
    memset((char *)items + (size_t)*count * size, 0, size);
}

void array_move(void *items, size_t size, uint64_t from, uint64_t to)
{
    char moved[sizeof(nest_element)], *all = items;
    cr_assert(size <= sizeof moved);
    memcpy(moved, all + from * size, size);
    if (from < to) memmove(all + from * size, all + (from + 1) * size, (to - from) * size);
    if (to < from) memmove(all + (to + 1) * size, all + to * size, (from - to) * size);
    memcpy(all + to * size, moved, size);
}

/* ---- lists of texts and of links ---- */
static status change_list(change_context *c, property_key p, int *items, int *count, int bound,
                          int n, const value *v)
{
    uint64_t what = random_below(c->r, 10), at = random_below(c->r, (uint64_t)*count + (what < 5));
    if (what < 5 ? *count == bound : *count == 0) return ATOLL_OK;
    if (what < 5) {
        TRY(model_list_insert(c->txn, ITEM, c->row, p, at, v));
        array_insert(items, sizeof *items, count, at, &n);
    } else if (what < 7) {
        uint64_t to = random_below(c->r, (uint64_t)*count);
        TRY(model_list_move(c->txn, ITEM, c->row, p, at, to));
        array_move(items, sizeof *items, at, to);
        oracle_kinds[KIND_MOVE]++;
    } else if (what == 7) {
        TRY(model_list_set(c->txn, ITEM, c->row, p, at, v));
        items[at] = n;
    } else if (what == 8 || random_below(c->r, 3) != 0) {
        TRY(model_list_erase(c->txn, ITEM, c->row, p, at));
        array_erase(items, sizeof *items, count, at);
    } else {
        TRY(model_list_clear(c->txn, ITEM, c->row, p));
        memset(items, 0, (size_t)bound * sizeof *items);
        *count = 0;
    }
    return ATOLL_OK;
}

status change_tags(change_context *c)
{
    char text[TEXT_SIZE];
    int n = (int)random_below(c->r, 1000);
    value v = text_value(text, n, VALUE_STRING);
    return change_list(c, ITEM_TAGS, c->item->tags, &c->item->tag_count, ORACLE_TAGS, n, &v);
}

status change_refs(change_context *c)
{
    int target = 0;
    value v;
    TRY(random_target(c, &target, &v));
    if (target == ORACLE_NONE) return ATOLL_OK;
    return change_list(c, ITEM_REFS, c->item->refs, &c->item->ref_count, ORACLE_REFS, target, &v);
}

/* ---- embedded objects ---- */
static status fill_part(change_context *c, row_key part, oracle_part *to)
{
    char text[TEXT_SIZE];
    row_key deep = 0;
    memset(to, 0, sizeof *to);
    to->x = (int64_t)random_below(c->r, 1000);
    to->deep = ORACLE_NONE;
    value v = value_int(to->x);
    TRY(model_set(c->txn, PART, part, PART_X, &v));
    if (random_below(c->r, 3) != 0) return ATOLL_OK;
    int n = (int)random_below(c->r, 1000);
    TRY(model_set_embedded(c->txn, PART, part, PART_DEEP, &deep));
    v = text_value(text, n, VALUE_STRING);
    TRY(model_set(c->txn, DEEP, deep, DEEP_Y, &v));
    to->deep = n;
    return ATOLL_OK;
}

status change_one(change_context *c)
{
    row_key part = 0;
    value null = value_null();
    if (c->item->has_one && random_below(c->r, 3) == 0) {
        TRY(model_set(c->txn, ITEM, c->row, ITEM_ONE, &null));
        c->item->has_one = false;
        return ATOLL_OK;
    }
    oracle_part fresh;
    TRY(model_set_embedded(c->txn, ITEM, c->row, ITEM_ONE, &part));
    TRY(fill_part(c, part, &fresh));
    c->item->one = fresh;
    c->item->has_one = true;
    return ATOLL_OK;
}

/* Away by its list or by itself. */
static status erase_part(change_context *c, uint64_t at)
{
    value v;
    TRY(model_list_get(model_txn_view(c->txn), ITEM, c->row, ITEM_MANY, at, &v, NULL));
    if (random_below(c->r, 2) == 0)
        TRY(model_list_erase(c->txn, ITEM, c->row, ITEM_MANY, at));
    else
        TRY(model_delete(c->txn, PART, v.as.row));
    array_erase(c->item->many, sizeof c->item->many[0], &c->item->many_count, at);
    return ATOLL_OK;
}

status change_many(change_context *c)
{
    row_key part = 0;
    oracle_part fresh, *many = c->item->many;
    int *count = &c->item->many_count;
    uint64_t at = random_below(c->r, (uint64_t)*count + 1);
    if (*count < ORACLE_MANY && random_below(c->r, 2) == 0) {
        TRY(model_list_insert_embedded(c->txn, ITEM, c->row, ITEM_MANY, at, &part));
        TRY(fill_part(c, part, &fresh));
        array_insert(many, sizeof fresh, count, at, &fresh);
    } else if (!c->identity && at < (uint64_t)*count && random_below(c->r, 4) == 0) {
        uint64_t to = random_below(c->r, (uint64_t)*count);
        TRY(model_list_move(c->txn, ITEM, c->row, ITEM_MANY, at, to));
        array_move(many, sizeof fresh, at, to);
        oracle_kinds[KIND_MOVE]++;
    } else if (at < (uint64_t)*count && random_below(c->r, 2) == 0) {
        TRY(model_list_set_embedded(c->txn, ITEM, c->row, ITEM_MANY, at, &part));
        TRY(fill_part(c, part, &fresh));
        many[at] = fresh;
    } else if (at < (uint64_t)*count) {
        return erase_part(c, at);
    }
    return ATOLL_OK;
}

status change_named(change_context *c)
{
    char key[16];
    int n = (int)random_below(c->r, ORACLE_NAMED);
    bytes name = numbered(key, "part ", n);
    bool removed = false;
    row_key part = 0;
    if (random_below(c->r, 3) == 0) {
        TRY(model_dictionary_erase(c->txn, ITEM, c->row, ITEM_NAMED, name, &removed));
        cr_assert_eq(removed, c->item->is_named[n]);
        c->item->is_named[n] = false;
        memset(&c->item->named[n], 0, sizeof c->item->named[n]);
        return ATOLL_OK;
    }
    oracle_part fresh;
    TRY(model_dictionary_put_embedded(c->txn, ITEM, c->row, ITEM_NAMED, name, &part));
    TRY(fill_part(c, part, &fresh));
    c->item->named[n] = fresh;
    c->item->is_named[n] = true;
    return ATOLL_OK;
}

/* ---- comparison ---- */
void compare_lists(compare_context *c, const oracle_item *item, row_key row)
{
    char text[TEXT_SIZE];
    cr_assert_eq(model_list_count(c->view, ITEM, row, ITEM_TAGS), (uint64_t)item->tag_count,
                 "%s, seed %lu: tags", c->when, c->seed);
    for (int i = 0; i < item->tag_count; i++) {
        value v, expected = text_value(text, item->tags[i], VALUE_STRING);
        MUST(model_list_get(c->view, ITEM, row, ITEM_TAGS, (uint64_t)i, &v, NULL));
        cr_assert(value_equal(&v, &expected), "%s, seed %lu: tag %d", c->when, c->seed, i);
    }
    cr_assert_eq(model_list_count(c->view, ITEM, row, ITEM_REFS), (uint64_t)item->ref_count,
                 "%s, seed %lu: links in a list", c->when, c->seed);
    uint64_t shown = 0;
    for (int i = 0; i < item->ref_count; i++) {
        value v;
        int target = item->refs[i];
        row_key expected = target == ORACLE_NONE ? 0 : c->rows[target];
        if (expected == 0) continue;
        c->links[target]++;
        uint64_t count = 0, index = 0;
        MUST(model_list_shown(c->view, ITEM, row, ITEM_REFS, shown++, &count, &index));
        cr_assert_eq(index, (uint64_t)i, "%s, seed %lu: what is shown of links", c->when, c->seed);
        MUST(model_list_get(c->view, ITEM, row, ITEM_REFS, (uint64_t)i, &v, NULL));
        cr_assert(v.type == VALUE_LINK && v.as.row == expected, "%s, seed %lu: link %d of a list",
                  c->when, c->seed, i);
    }
}

static void compare_part(compare_context *c, const value *held, const oracle_part *part)
{
    char text[TEXT_SIZE];
    cr_assert_eq(held->type, VALUE_EMBEDDED, "%s, seed %lu", c->when, c->seed);
    row_key row = held->as.row;
    c->parts++;
    cr_assert_eq(test_get(c->view, PART, row, PART_X).as.integer, part->x, "%s, seed %lu", c->when,
                 c->seed);
    value deep = test_get(c->view, PART, row, PART_DEEP);
    cr_assert_eq(deep.type, part->deep == ORACLE_NONE ? VALUE_NULL : VALUE_EMBEDDED, "%s, seed %lu",
                 c->when, c->seed);
    if (part->deep == ORACLE_NONE) return;
    c->deeps++;
    value y = test_get(c->view, DEEP, deep.as.row, DEEP_Y),
          expected = text_value(text, part->deep, VALUE_STRING);
    cr_assert(value_equal(&y, &expected), "%s, seed %lu", c->when, c->seed);
    class_key root_class = 0;
    row_key root = 0, owner = 0;
    model_owner direct;
    MUST(model_root_get(c->view, DEEP, deep.as.row, &root_class, &root));
    MUST(model_owner_get(c->view, DEEP, deep.as.row, &direct));
    MUST(model_root_get(c->view, PART, row, &root_class, &owner));
    cr_assert(root_class == ITEM && root == owner && direct.row == row && direct.class_of == PART &&
              direct.property == PART_DEEP);
}

static void compare_named(compare_context *c, const oracle_item *item, row_key row)
{
    uint64_t at = 0;
    for (int i = 0; i < ORACLE_NAMED; i++) {
        char key[16];
        bytes stored;
        value v;
        if (!item->is_named[i]) continue;
        bytes name = numbered(key, "part ", i);
        MUST(model_dictionary_key(c->view, ITEM, row, ITEM_NAMED, at, &stored));
        cr_assert(bytes_equal(stored, name), "%s, seed %lu: name %d", c->when, c->seed, i);
        MUST(model_list_get(c->view, ITEM, row, ITEM_NAMED, at++, &v, NULL));
        compare_part(c, &v, &item->named[i]);
    }
    cr_assert_eq(model_list_count(c->view, ITEM, row, ITEM_NAMED), at, "%s, seed %lu: named parts",
                 c->when, c->seed);
}

void compare_embedded(compare_context *c, const oracle_item *item, row_key row)
{
    value one = test_get(c->view, ITEM, row, ITEM_ONE);
    if (item->has_one)
        compare_part(c, &one, &item->one);
    else
        cr_assert_eq(one.type, VALUE_NULL, "%s, seed %lu: a part", c->when, c->seed);
    cr_assert_eq(model_list_count(c->view, ITEM, row, ITEM_MANY), (uint64_t)item->many_count,
                 "%s, seed %lu: parts", c->when, c->seed);
    for (int i = 0; i < item->many_count; i++) {
        value v;
        MUST(model_list_get(c->view, ITEM, row, ITEM_MANY, (uint64_t)i, &v, NULL));
        compare_part(c, &v, &item->many[i]);
    }
    compare_named(c, item, row);
}
