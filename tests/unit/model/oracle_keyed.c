/* The oracle's sets, dictionaries, and lists and dictionaries in mixed values. */
#include "oracle_parts.h"

enum { WORD_NULL = 31 }; /* the bit of null */

/* ---- sets ---- */
static value mark_value(int n)
{
    return value_int(n * 7 - 50);
}

static value word_value(int n, char text[TEXT_SIZE])
{
    return n == WORD_NULL ? value_null() : text_value(text, n, VALUE_STRING);
}

static status change_set(change_context *c, property_key p, uint32_t *held, int n, const value *v)
{
    bool done = false, there = *held >> n & 1;
    if (random_below(c->r, 3) != 0) {
        TRY(model_set_insert(c->txn, ITEM, c->row, p, v, &done));
        cr_assert_eq(done, !there);
        *held |= 1u << n;
    } else {
        TRY(model_set_erase(c->txn, ITEM, c->row, p, v, &done));
        cr_assert_eq(done, there);
        *held &= ~(1u << n);
    }
    return ATOLL_OK;
}

status change_sets(change_context *c)
{
    static const property_key sets[] = {ITEM_MARKS, ITEM_WORDS, ITEM_FRIENDS};
    oracle_item *item = c->item;
    char text[TEXT_SIZE];
    uint64_t which = random_below(c->r, 3);
    uint32_t *held = which == 0 ? &item->marks : which == 1 ? &item->words : &item->friends;
    int n = (int)random_below(c->r, ORACLE_MARKS);
    value v = mark_value(n);
    if (random_below(c->r, 15) == 0) {
        TRY(model_list_clear(c->txn, ITEM, c->row, sets[which]));
        *held = 0;
        return ATOLL_OK;
    }
    if (which == 1) {
        if (n >= ORACLE_WORDS) n = WORD_NULL;
        v = word_value(n, text);
    }
    if (which == 2) TRY(random_target(c, &n, &v));
    return n == ORACLE_NONE ? ATOLL_OK : change_set(c, sets[which], held, n, &v);
}

static void compare_set(compare_context *c, row_key row, property_key p, uint32_t held)
{
    char text[TEXT_SIZE], before[TEXT_SIZE];
    value last = value_null();
    uint64_t count = (uint64_t)__builtin_popcount(held);
    cr_assert_eq(model_list_count(c->view, ITEM, row, p), count, "%s, seed %lu: size of set %u",
                 c->when, c->seed, p);
    for (int n = 0; n < 32; n++) {
        bool found = false;
        if ((held >> n & 1) == 0 || (n + (int)c->seed) % 4 != 0) continue;
        value v = p == ITEM_MARKS ? mark_value(n) : word_value(n, text);
        MUST(model_set_find(c->view, ITEM, row, p, &v, &found, NULL));
        cr_assert(found, "%s, seed %lu: %d is not in set %u", c->when, c->seed, n, p);
    }
    for (uint64_t i = 0; i < count; i++) {
        value v;
        MUST(model_list_get(c->view, ITEM, row, p, i, &v, NULL));
        cr_assert(i == 0 || value_compare(&last, &v) < 0, "%s, seed %lu: order of set %u", c->when,
                  c->seed, p);
        last = v;
        if (v.type != VALUE_STRING) continue;
        cr_assert(v.as.text.size <= sizeof before);
        memcpy(before, v.as.text.data, v.as.text.size);
        last.as.text = bytes_of(before, v.as.text.size);
    }
}

static void compare_friends(compare_context *c, const oracle_item *item, row_key row)
{
    uint64_t alive = 0, shown = 0, index = 0;
    for (int n = 0; n < ORACLE_KEYS; n++) {
        bool found = false;
        value v = value_link(c->rows[n]);
        if ((item->friends >> n & 1) == 0 || c->rows[n] == 0) continue;
        alive++;
        c->links[n]++;
        MUST(model_set_find(c->view, ITEM, row, ITEM_FRIENDS, &v, &found, NULL));
        cr_assert(found, "%s, seed %lu: %d is not in the set of links", c->when, c->seed, n);
    }
    MUST(model_list_shown(c->view, ITEM, row, ITEM_FRIENDS, ORACLE_KEYS, &shown, &index));
    cr_assert_eq(shown, alive, "%s, seed %lu: links in a set", c->when, c->seed);
}

/* ---- dictionaries ---- */
static bytes key_text(char to[16], int n)
{
    return numbered(to, "key ", n);
}

status change_dictionaries(change_context *c)
{
    char text[TEXT_SIZE], key[16];
    bool links = random_below(c->r, 2) == 0, removed = false;
    property_key p = links ? ITEM_MATES : ITEM_MAP;
    int count = links ? ORACLE_MATES : ORACLE_MAP, *slots = links ? c->item->mates : c->item->map;
    int at = (int)random_below(c->r, (uint64_t)count), n = (int)random_below(c->r, 1000);
    value v = text_value(text, n, VALUE_STRING);
    if (random_below(c->r, 15) == 0) {
        TRY(model_list_clear(c->txn, ITEM, c->row, p));
        for (int i = 0; i < count; i++) slots[i] = ORACLE_ABSENT;
        return ATOLL_OK;
    }
    if (random_below(c->r, 3) == 0) {
        TRY(model_dictionary_erase(c->txn, ITEM, c->row, p, key_text(key, at), &removed));
        cr_assert_eq(removed, slots[at] != ORACLE_ABSENT);
        slots[at] = ORACLE_ABSENT;
        return ATOLL_OK;
    }
    if (links) TRY(random_target(c, &n, &v));
    if (!links && n % 5 == 0) {
        n = ORACLE_NONE;
        v = value_null();
    }
    TRY(model_dictionary_put(c->txn, ITEM, c->row, p, key_text(key, at), &v));
    slots[at] = n;
    return ATOLL_OK;
}

static void compare_dictionary(compare_context *c, row_key row, property_key p, const int *slots,
                               int count)
{
    char text[TEXT_SIZE], key[16];
    uint64_t at = 0;
    for (int i = 0; i < count; i++) {
        bool found = false;
        uint64_t index = 0;
        value v = value_null(), expected = value_null();
        bytes stored, name = key_text(key, i);
        MUST(model_dictionary_find(c->view, ITEM, row, p, name, &found, &index, &v));
        cr_assert_eq(found, slots[i] != ORACLE_ABSENT, "%s, seed %lu: key %d of %u", c->when,
                     c->seed, i, p);
        if (!found) continue;
        cr_assert_eq(index, at);
        MUST(model_dictionary_key(c->view, ITEM, row, p, at++, &stored));
        cr_assert(bytes_equal(stored, name), "%s, seed %lu: key %d of %u", c->when, c->seed, i, p);
        if (slots[i] >= 0 && p == ITEM_MAP) expected = text_value(text, slots[i], VALUE_STRING);
        if (slots[i] >= 0 && p == ITEM_MATES && c->rows[slots[i]] != 0) {
            expected = value_link(c->rows[slots[i]]);
            c->links[slots[i]]++;
        }
        cr_assert(value_equal(&v, &expected), "%s, seed %lu: value of key %d of %u", c->when,
                  c->seed, i, p);
    }
    cr_assert_eq(model_list_count(c->view, ITEM, row, p), at, "%s, seed %lu: size of %u", c->when,
                 c->seed, p);
}

void compare_keyed(compare_context *c, const oracle_item *item, row_key row)
{
    compare_set(c, row, ITEM_MARKS, item->marks);
    compare_set(c, row, ITEM_WORDS, item->words);
    compare_friends(c, item, row);
    compare_dictionary(c, row, ITEM_MAP, item->map, ORACLE_MAP);
    compare_dictionary(c, row, ITEM_MATES, item->mates, ORACLE_MATES);
}

/* ---- collections in mixed values ---- */
typedef struct nest_level { /* one collection: its elements are of either kind */
    value_type type;
    char *elements;
    size_t size;
    int *count;
} nest_level;

static int *level_key(const nest_level *l, int at)
{
    return (int *)(void *)(l->elements + (size_t)at * l->size);
}

/* What to put there: an int, or in the outer one an empty collection too. */
static value fresh_element(change_context *c, const nest_level *l, nest_element *to)
{
    static const value_type types[] = {VALUE_INT, VALUE_INT, VALUE_LIST, VALUE_DICTIONARY};
    memset(to, 0, sizeof *to);
    to->number = (int)random_below(c->r, 100);
    to->type = l->size == sizeof *to ? types[random_below(c->r, 4)] : VALUE_INT;
    return to->type == VALUE_INT ? value_int(to->number) : (value){.type = to->type};
}

static status change_nested_list(change_context *c, const nest_level *l, const value *at_row)
{
    nest_element fresh;
    class_key held = at_row->as.link.class_of;
    row_key row = at_row->as.link.row;
    uint64_t at = random_below(c->r, (uint64_t)*l->count + 1);
    value v = fresh_element(c, l, &fresh);
    bool there = at < (uint64_t)*l->count;
    uint64_t what = random_below(c->r, 4);
    if (*l->count < ORACLE_NEST && what < 2) {
        TRY(model_list_insert(c->txn, held, row, SCHEMA_HIDDEN_ITEMS, at, &v));
        array_insert(l->elements, l->size, l->count, at, &fresh);
    } else if (there && what == 2) {
        TRY(model_list_set(c->txn, held, row, SCHEMA_HIDDEN_ITEMS, at, &v));
        memcpy(level_key(l, (int)at), &fresh, l->size);
    } else if (there && !c->identity && random_below(c->r, 2) == 0) {
        uint64_t to = random_below(c->r, (uint64_t)*l->count);
        TRY(model_list_move(c->txn, held, row, SCHEMA_HIDDEN_ITEMS, at, to));
        array_move(l->elements, l->size, at, to);
        oracle_kinds[KIND_MOVE]++;
    } else if (there) {
        TRY(model_list_erase(c->txn, held, row, SCHEMA_HIDDEN_ITEMS, at));
        array_erase(l->elements, l->size, l->count, at);
    }
    return ATOLL_OK;
}

static status change_nested_dictionary(change_context *c, const nest_level *l, const value *at_row)
{
    nest_element fresh;
    char key[16];
    bool removed = false;
    class_key held = at_row->as.link.class_of;
    row_key row = at_row->as.link.row;
    int n = (int)random_below(c->r, ORACLE_NEST), at = 0;
    while (at < *l->count && *level_key(l, at) < n) at++;
    bool there = at < *l->count && *level_key(l, at) == n;
    if (there && random_below(c->r, 2) == 0) {
        TRY(model_dictionary_erase(c->txn, held, row, SCHEMA_HIDDEN_ITEMS, key_text(key, n),
                                   &removed));
        array_erase(l->elements, l->size, l->count, (uint64_t)at);
        return ATOLL_OK;
    }
    value v = fresh_element(c, l, &fresh);
    fresh.key = n;
    TRY(model_dictionary_put(c->txn, held, row, SCHEMA_HIDDEN_ITEMS, key_text(key, n), &v));
    if (there)
        memcpy(level_key(l, at), &fresh, l->size);
    else
        array_insert(l->elements, l->size, l->count, (uint64_t)at, &fresh);
    return ATOLL_OK;
}

static status replace_nest(change_context *c)
{
    int target = ORACLE_NONE;
    value v = {.type = random_below(c->r, 2) == 0 ? VALUE_LIST : VALUE_DICTIONARY};
    if (random_below(c->r, 4) == 0) TRY(random_target(c, &target, &v));
    if (v.type == VALUE_LINK)
        v = (value){.type = VALUE_TYPED_LINK, .as.link = {.class_of = ITEM, .row = v.as.row}};
    TRY(model_set(c->txn, ITEM, c->row, ITEM_ANY, &v));
    memset(&c->item->nest, 0, sizeof c->item->nest);
    if (v.type == VALUE_LIST || v.type == VALUE_DICTIONARY) c->item->nest.type = v.type;
    c->item->any = ORACLE_NONE;
    c->item->any_link = target;
    return ATOLL_OK;
}

status change_nest(change_context *c)
{
    oracle_nest *n = &c->item->nest;
    value v;
    if (n->type == VALUE_NULL || random_below(c->r, 12) == 0) return replace_nest(c);
    nest_level level = {n->type, (char *)n->elements, sizeof n->elements[0], &n->count};
    TRY(model_get(model_txn_view(c->txn), ITEM, c->row, ITEM_ANY, &v));
    uint64_t at = random_below(c->r, (uint64_t)n->count + 1);
    if (at < (uint64_t)n->count && n->elements[at].type != VALUE_INT) { /* one level down */
        nest_element *e = &n->elements[at];
        level = (nest_level){e->type, (char *)e->leaves, sizeof e->leaves[0], &e->count};
        TRY(model_list_get(model_txn_view(c->txn), v.as.link.class_of, v.as.link.row,
                           SCHEMA_HIDDEN_ITEMS, at, &v, NULL));
    }
    return level.type == VALUE_LIST ? change_nested_list(c, &level, &v)
                                    : change_nested_dictionary(c, &level, &v);
}

static value nested_item(compare_context *c, const value *held, uint64_t at, int key)
{
    char text[16];
    bytes stored;
    value v;
    class_key class_of = held->as.link.class_of;
    row_key row = held->as.link.row;
    MUST(model_list_get(c->view, class_of, row, SCHEMA_HIDDEN_ITEMS, at, &v, NULL));
    if (held->type == VALUE_LIST) return v;
    MUST(model_dictionary_key(c->view, class_of, row, SCHEMA_HIDDEN_ITEMS, at, &stored));
    cr_assert(bytes_equal(stored, key_text(text, key)), "%s, seed %lu: nested key %d", c->when,
              c->seed, key);
    return v;
}

static void compare_nested(compare_context *c, const value *held, value_type type, int count)
{
    cr_assert_eq(held->type, type, "%s, seed %lu: kind of what is nested", c->when, c->seed);
    cr_assert_eq(
        model_list_count(c->view, held->as.link.class_of, held->as.link.row, SCHEMA_HIDDEN_ITEMS),
        (uint64_t)count, "%s, seed %lu: size of what is nested", c->when, c->seed);
    c->collections++;
}

void compare_nest(compare_context *c, const oracle_item *item, row_key row)
{
    const oracle_nest *n = &item->nest;
    value held = test_get(c->view, ITEM, row, ITEM_ANY);
    if (n->type == VALUE_NULL) { /* A link, or a value that is compared elsewhere. */
        row_key target = item->any_link == ORACLE_NONE ? 0 : c->rows[item->any_link];
        if (item->any_link == ORACLE_NONE) return;
        if (target != 0) c->links[item->any_link]++;
        cr_assert(target == 0 ? held.type == VALUE_NULL
                              : held.type == VALUE_TYPED_LINK && held.as.link.row == target &&
                                    held.as.link.class_of == ITEM,
                  "%s, seed %lu: link in a mixed value", c->when, c->seed);
        return;
    }
    compare_nested(c, &held, n->type, n->count);
    for (int i = 0; i < n->count; i++) {
        const nest_element *e = &n->elements[i];
        value v = nested_item(c, &held, (uint64_t)i, e->key);
        if (e->type == VALUE_INT) {
            cr_assert(v.type == VALUE_INT && v.as.integer == e->number, "%s, seed %lu: nested",
                      c->when, c->seed);
            continue;
        }
        compare_nested(c, &v, e->type, e->count);
        for (int k = 0; k < e->count; k++) {
            value leaf = nested_item(c, &v, (uint64_t)k, e->leaves[k].key);
            cr_assert(leaf.type == VALUE_INT && leaf.as.integer == e->leaves[k].number,
                      "%s, seed %lu: nested twice", c->when, c->seed);
        }
    }
}
