#include "oracle.h"
#include <stdio.h>

/* ---- values by number ---- */
enum { TEXT_SIZE = 2200 };

static value text_value(char to[TEXT_SIZE], int n, value_type type)
{
    int size = snprintf(to, TEXT_SIZE, "text %d ", n);
    int more = n % 11 == 3 ? 1100 + n : n % 7 * 20; /* some lie out of line */
    for (int i = 0; i < more; i++) to[size++] = (char)('a' + n % 26);
    return (value){.type = type, .as.text = bytes_of(to, (size_t)size)};
}

static value uid_value(int n)
{
    uint8_t id[16];
    for (int i = 0; i < 16; i++) id[i] = (uint8_t)(n * 7 + i);
    return value_uuid(id);
}

/* The zero that a required decimal starts with, or a number with a point. */
static value price_value(int n)
{
    decimal d = decimal_from_int(n), tenth = {{0}};
    MUST(decimal_parse(bytes_text("0.10"), &tenth));
    if (n != 0) d = decimal_multiply(&d, &tenth);
    return value_decimal(&d);
}

static value any_value(int n, char text[TEXT_SIZE])
{
    switch (n % 9) {
    case 0: return value_bool(n / 9 & 1);
    case 1: return value_int(n * 1000000007ll);
    case 2: return value_double(n / 7.0);
    case 3: return value_float((float)n / 7);
    case 4: return price_value(n);
    case 5: return text_value(text, n, VALUE_STRING);
    case 6: return text_value(text, n, VALUE_BINARY);
    case 7: return value_timestamp(-n, -n);
    default: return uid_value(n);
    }
}

static value scalar(int property, int n, char text[TEXT_SIZE])
{
    if (property == ITEM_COUNT) return value_int(n * 1000000007ll); /* below zero too */
    if (n == ORACLE_NONE) return value_null();
    switch (property) {
    case ITEM_NAME: return text_value(text, n, VALUE_STRING);
    case ITEM_SCORE: return value_double(n * 0.5);
    case ITEM_AT: return value_timestamp(n * 1000003ll, n % 1000);
    case ITEM_DONE: return value_bool(n & 1);
    case ITEM_DATA:
        return n == 0 ? value_binary(bytes_of("", 0)) : text_value(text, n, VALUE_BINARY);
    case ITEM_UID: return uid_value(n);
    case ITEM_RATIO: return value_float((float)n / 3);
    case ITEM_PRICE: return price_value(n);
    case ITEM_ANY: return any_value(n, text);
    default: return value_int(n * 1000000007ll);
    }
}

static int *scalar_slot(oracle_item *item, int property)
{
    switch (property) {
    case ITEM_NAME: return &item->name;
    case ITEM_SCORE: return &item->score;
    case ITEM_AT: return &item->at;
    case ITEM_DONE: return &item->done;
    case ITEM_DATA: return &item->data;
    case ITEM_UID: return &item->uid;
    case ITEM_RATIO: return &item->ratio;
    case ITEM_PRICE: return &item->price;
    case ITEM_ANY: return &item->any;
    default: return &item->count;
    }
}

static const int scalars[] = {ITEM_NAME, ITEM_SCORE, ITEM_AT,    ITEM_DONE,  ITEM_DATA,
                              ITEM_UID,  ITEM_COUNT, ITEM_RATIO, ITEM_PRICE, ITEM_ANY};
enum { SCALAR_COUNT = sizeof scalars / sizeof scalars[0] };

static oracle_item empty_item(void)
{
    return (oracle_item){.name = ORACLE_NONE,
                         .done = ORACLE_NONE,
                         .uid = ORACLE_NONE,
                         .link = ORACLE_NONE,
                         .ratio = ORACLE_NONE,
                         .any = ORACLE_NONE};
}

void oracle_init(oracle *o)
{
    memset(o, 0, sizeof *o);
    for (int i = 0; i < ORACLE_KEYS; i++) o->items[i] = empty_item();
}

/* ---- changes ---- */
typedef struct change_context {
    oracle *o;
    model_txn *txn;
    random_state *r;
    bool identity;
    int key;
    oracle_item *item;
    row_key row;
} change_context;

static status change_life(change_context *c)
{
    value key = value_int(c->key);
    if (!c->item->alive && !c->item->hidden) {
        TRY(model_create(c->txn, ITEM, &key, &c->row));
        *c->item = empty_item();
        c->item->alive = true;
        return ATOLL_OK;
    }
    if (c->item->hidden &&
        random_below(c->r, 2) == 0) { /* A create over a hidden row starts empty. */
        TRY(model_create(c->txn, ITEM, &key, &c->row));
        *c->item = empty_item();
        c->item->alive = true;
        return ATOLL_OK;
    }
    if (c->identity && random_below(c->r, 3) == 0) {
        TRY(model_hide(c->txn, ITEM, c->row, c->item->alive));
        c->item->hidden = c->item->alive;
        c->item->alive = !c->item->alive;
        return ATOLL_OK;
    }
    TRY(model_delete(c->txn, ITEM, c->row));
    *c->item = empty_item();
    /* A row that never comes back takes the links to it along. */
    for (int i = 0; i < ORACLE_KEYS && !c->identity; i++)
        if (c->o->items[i].link == c->key) c->o->items[i].link = ORACLE_NONE;
    return ATOLL_OK;
}

static status change_scalar(change_context *c)
{
    char text[TEXT_SIZE];
    int property = scalars[random_below(c->r, SCALAR_COUNT)];
    bool nullable = property == ITEM_NAME || property == ITEM_DONE || property == ITEM_UID ||
                    property == ITEM_RATIO || property == ITEM_ANY;
    int n = nullable && random_below(c->r, 4) == 0 ? ORACLE_NONE : (int)random_below(c->r, 1000);
    value v = scalar(property, n, text);
    TRY(model_set(c->txn, ITEM, c->row, (property_key)property, &v));
    *scalar_slot(c->item, property) = property == ITEM_DONE && n != ORACLE_NONE ? n & 1 : n;
    return ATOLL_OK;
}

/* The count is kept as a multiple of the number that scalar gives. */
static status change_count(change_context *c)
{
    int n = (int)random_below(c->r, 2000) - 1000;
    TRY(model_increment(c->txn, ITEM, c->row, ITEM_COUNT, n * 1000000007ll));
    c->item->count += n;
    return ATOLL_OK;
}

static status change_link(change_context *c)
{
    int target = (int)random_below(c->r, ORACLE_KEYS);
    value v = value_null(), key = value_int(target);
    if (!c->o->items[target].alive) target = ORACLE_NONE;
    if (target != ORACLE_NONE) {
        v.type = VALUE_LINK;
        TRY(model_find(model_txn_view(c->txn), ITEM, &key, &v.as.row));
    }
    TRY(model_set(c->txn, ITEM, c->row, ITEM_LINK, &v));
    c->item->link = target;
    return ATOLL_OK;
}

static status change_tags(change_context *c)
{
    char text[TEXT_SIZE];
    int n = (int)random_below(c->r, 1000), *tags = c->item->tags, count = c->item->tag_count;
    value v = text_value(text, n, VALUE_STRING);
    uint64_t at = random_below(c->r, (uint64_t)count + 1);
    if (random_below(c->r, 12) == 0) {
        TRY(model_list_clear(c->txn, ITEM, c->row, ITEM_TAGS));
        c->item->tag_count = 0;
    } else if (count < ORACLE_TAGS && random_below(c->r, 2) == 0) {
        TRY(model_list_insert(c->txn, ITEM, c->row, ITEM_TAGS, at, &v));
        memmove(tags + at + 1, tags + at, (size_t)(count - (int)at) * sizeof *tags);
        tags[at] = n;
        c->item->tag_count++;
    } else if (at < (uint64_t)count && random_below(c->r, 2) == 0) {
        TRY(model_list_set(c->txn, ITEM, c->row, ITEM_TAGS, at, &v));
        tags[at] = n;
    } else if (at < (uint64_t)count) {
        TRY(model_list_erase(c->txn, ITEM, c->row, ITEM_TAGS, at));
        memmove(tags + at, tags + at + 1, (size_t)(count - (int)at - 1) * sizeof *tags);
        c->item->tag_count--;
    }
    return ATOLL_OK;
}

static status fill_part(change_context *c, row_key part, oracle_part *to)
{
    char text[TEXT_SIZE];
    row_key deep = 0;
    *to = (oracle_part){.x = (int64_t)random_below(c->r, 1000), .deep = ORACLE_NONE};
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

static status change_one(change_context *c)
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

static status change_many(change_context *c)
{
    row_key part = 0;
    oracle_part fresh, *many = c->item->many;
    int count = c->item->many_count;
    uint64_t at = random_below(c->r, (uint64_t)count + 1);
    if (count < ORACLE_MANY && random_below(c->r, 2) == 0) {
        TRY(model_list_insert_embedded(c->txn, ITEM, c->row, ITEM_MANY, at, &part));
        TRY(fill_part(c, part, &fresh));
        memmove(many + at + 1, many + at, (size_t)(count - (int)at) * sizeof *many);
        many[at] = fresh;
        c->item->many_count++;
    } else if (at < (uint64_t)count && random_below(c->r, 2) == 0) {
        TRY(model_list_set_embedded(c->txn, ITEM, c->row, ITEM_MANY, at, &part));
        TRY(fill_part(c, part, &fresh));
        many[at] = fresh;
    } else if (at < (uint64_t)count) {
        value v;
        TRY(model_list_get(model_txn_view(c->txn), ITEM, c->row, ITEM_MANY, at, &v, NULL));
        if (random_below(c->r, 2) == 0)
            TRY(model_list_erase(c->txn, ITEM, c->row, ITEM_MANY, at));
        else
            TRY(model_delete(c->txn, PART, v.as.row));
        memmove(many + at, many + at + 1, (size_t)(count - (int)at - 1) * sizeof *many);
        c->item->many_count--;
    }
    return ATOLL_OK;
}

static status change_note(change_context *c)
{
    char text[TEXT_SIZE];
    row_key row = 0;
    value v = text_value(text, c->o->next_note, VALUE_STRING);
    TRY(model_create(c->txn, NOTE, NULL, &row));
    TRY(model_set(c->txn, NOTE, row, NOTE_TEXT, &v));
    c->o->notes++;
    c->o->next_note++;
    return ATOLL_OK;
}

const char *const oracle_kind_names[KIND_COUNT] = {
    "create, delete or hide", "object without a key", "value",           "link",
    "list of texts",          "embedded object",      "list of embedded"};
uint64_t oracle_kinds[KIND_COUNT];

/* What to do to an object, of ten parts. */
static int kind_of(uint64_t part, bool alive)
{
    static const uint8_t kinds[10] = {KIND_LIFE, KIND_SCALAR, KIND_SCALAR, KIND_SCALAR, KIND_LINK,
                                      KIND_TAGS, KIND_TAGS,   KIND_ONE,    KIND_MANY,   KIND_MANY};
    if (alive) return kinds[part];
    return part == 1 ? KIND_NOTE : KIND_LIFE;
}

static status change_as(change_context *c, int kind)
{
    switch (kind) {
    case KIND_LIFE: return change_life(c);
    case KIND_NOTE: return change_note(c);
    case KIND_SCALAR: return random_below(c->r, 6) == 0 ? change_count(c) : change_scalar(c);
    case KIND_LINK: return change_link(c);
    case KIND_TAGS: return change_tags(c);
    case KIND_ONE: return change_one(c);
    default: return change_many(c);
    }
}

status oracle_change(oracle *o, model_txn *txn, random_state *r, bool identity)
{
    for (uint64_t n = 1 + random_below(r, 8); n > 0; n--) {
        change_context c = {.o = o,
                            .txn = txn,
                            .r = r,
                            .identity = identity,
                            .key = (int)random_below(r, ORACLE_KEYS)};
        value key = value_int(c.key);
        c.item = &o->items[c.key];
        TRY(model_find_any(model_txn_view(txn), ITEM, &key, &c.row));
        int kind = kind_of(random_below(r, 10), c.item->alive);
        TRY(change_as(&c, kind));
        oracle_kinds[kind]++;
    }
    return ATOLL_OK;
}

/* ---- comparison ---- */
static void compare_part(const model_view *view, row_key row, const oracle_part *part,
                         const char *when, uint64_t seed)
{
    char text[TEXT_SIZE];
    cr_assert_eq(test_get(view, PART, row, PART_X).as.integer, part->x, "%s, seed %lu", when, seed);
    value deep = test_get(view, PART, row, PART_DEEP);
    cr_assert_eq(deep.type, part->deep == ORACLE_NONE ? VALUE_NULL : VALUE_EMBEDDED, "%s, seed %lu",
                 when, seed);
    if (part->deep == ORACLE_NONE) return;
    value y = test_get(view, DEEP, deep.as.row, DEEP_Y),
          expected = text_value(text, part->deep, VALUE_STRING);
    cr_assert(value_equal(&y, &expected), "%s, seed %lu", when, seed);
    class_key root_class = 0;
    row_key root = 0, owner = 0;
    model_owner direct;
    MUST(model_root_get(view, DEEP, deep.as.row, &root_class, &root));
    MUST(model_owner_get(view, DEEP, deep.as.row, &direct));
    MUST(model_root_get(view, PART, row, &root_class, &owner));
    cr_assert(root_class == ITEM && root == owner && direct.row == row && direct.class_of == PART &&
              direct.property == PART_DEEP);
}

static void compare_item(const oracle *o, const model_view *view, int key, row_key row,
                         const char *when, uint64_t seed)
{
    const oracle_item *item = &o->items[key];
    char text[TEXT_SIZE];
    for (size_t i = 0; i < SCALAR_COUNT; i++) {
        value expected =
            scalar(scalars[i], *scalar_slot((oracle_item *)(uintptr_t)item, scalars[i]), text);
        value v = test_get(view, ITEM, row, (property_key)scalars[i]);
        cr_assert(value_equal(&v, &expected), "%s, seed %lu: property %d of key %d", when, seed,
                  scalars[i], key);
    }
    value link = test_get(view, ITEM, row, ITEM_LINK);
    bool linked = item->link != ORACLE_NONE && o->items[item->link].alive;
    cr_assert_eq(link.type, linked ? VALUE_LINK : VALUE_NULL, "%s, seed %lu: link of key %d", when,
                 seed, key);
    if (linked)
        cr_assert_eq(link.as.row, test_find(view, item->link), "%s, seed %lu: link of key %d", when,
                     seed, key);
    cr_assert_eq(model_list_count(view, ITEM, row, ITEM_TAGS), (uint64_t)item->tag_count,
                 "%s, seed %lu: tags of key %d", when, seed, key);
    for (int i = 0; i < item->tag_count; i++) {
        value v, expected = text_value(text, item->tags[i], VALUE_STRING);
        MUST(model_list_get(view, ITEM, row, ITEM_TAGS, (uint64_t)i, &v, NULL));
        cr_assert(value_equal(&v, &expected), "%s, seed %lu: tag %d of key %d", when, seed, i, key);
    }
    value one = test_get(view, ITEM, row, ITEM_ONE);
    cr_assert_eq(one.type, item->has_one ? VALUE_EMBEDDED : VALUE_NULL,
                 "%s, seed %lu: part of key %d", when, seed, key);
    if (item->has_one) compare_part(view, one.as.row, &item->one, when, seed);
    cr_assert_eq(model_list_count(view, ITEM, row, ITEM_MANY), (uint64_t)item->many_count,
                 "%s, seed %lu: parts of key %d", when, seed, key);
    for (int i = 0; i < item->many_count; i++) {
        value v;
        MUST(model_list_get(view, ITEM, row, ITEM_MANY, (uint64_t)i, &v, NULL));
        cr_assert_eq(v.type, VALUE_EMBEDDED, "%s, seed %lu", when, seed);
        compare_part(view, v.as.row, &item->many[i], when, seed);
    }
}

static uint64_t count_by_scan(const model_view *view, class_key c)
{
    model_segment segment;
    uint64_t cursor = 0, count = 0;
    status scanned = ATOLL_OK;
    while (model_scan(view, c, &cursor, &segment, &scanned)) {
        uint32_t bits = 0;
        for (size_t i = 0; i < MODEL_BLOCK_ROWS / 64; i++)
            bits += (uint32_t)__builtin_popcountll(segment.alive[i]);
        cr_assert_eq(bits, segment.alive_count);
        count += bits;
    }
    cr_assert_eq(scanned, ATOLL_OK);
    return count;
}

void oracle_compare(const oracle *o, const model_view *view, const char *when, uint64_t seed)
{
    uint64_t items = 0, parts = 0, deeps = 0;
    for (int key = 0; key < ORACLE_KEYS; key++) {
        const oracle_item *item = &o->items[key];
        row_key row = test_find(view, key);
        cr_assert_eq(row != 0, item->alive, "%s, seed %lu: life of key %d", when, seed, key);
        if (!item->alive) continue;
        items++;
        parts += item->has_one + (uint64_t)item->many_count;
        deeps += item->has_one && item->one.deep != ORACLE_NONE;
        for (int i = 0; i < item->many_count; i++) deeps += item->many[i].deep != ORACLE_NONE;
        compare_item(o, view, key, row, when, seed);
    }
    const uint64_t expected[] = {items, (uint64_t)o->notes, parts, deeps};
    for (class_key c = ITEM; c <= DEEP; c++) {
        cr_assert_eq(model_count(view, c), expected[c - 1], "%s, seed %lu: count of class %u", when,
                     seed, c);
        cr_assert_eq(count_by_scan(view, c), expected[c - 1], "%s, seed %lu: scan of class %u",
                     when, seed, c);
    }
}

void oracle_compare_changes(const oracle *before, const oracle *after, const model_view *old_view,
                            const model_view *new_view, const model_changes *changes)
{
    bool seen[ORACLE_KEYS] = {0};
    for (size_t i = 0; i < model_changes_count(changes); i++) {
        const row_change *c = model_changes_row(changes, i);
        if (c->class_of != ITEM) continue;
        for (int key = 0; key < ORACLE_KEYS; key++) {
            row_key old_row = test_find(old_view, key), new_row = test_find(new_view, key);
            if (c->row == old_row && old_row != new_row) cr_assert(c->deleted && !c->created);
            if (c->row == new_row && old_row != new_row) cr_assert(c->created && !c->deleted_first);
            if (c->row == old_row || c->row == new_row) seen[key] = true;
        }
    }
    for (int key = 0; key < ORACLE_KEYS; key++) {
        bool same = memcmp(&before->items[key], &after->items[key], sizeof before->items[key]) == 0;
        bool visible = before->items[key].alive || after->items[key].alive;
        if (!same && visible) {
            /* A change inside an embedded object is one of that object. */
            oracle_item a = before->items[key], b = after->items[key];
            bool shallow = a.alive != b.alive || a.name != b.name || a.score != b.score ||
                           a.tag_count != b.tag_count || a.many_count != b.many_count ||
                           a.has_one != b.has_one;
            if (shallow) cr_assert(seen[key], "the change of key %d is missing", key);
        }
    }
}
