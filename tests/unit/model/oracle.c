/* The model beside plain arrays: what is done to objects, how often, and the comparison of the whole. */
#include "oracle_parts.h"

static oracle_item empty_item(void)
{
    oracle_item item;
    memset(&item, 0, sizeof item); /* the padding too */
    item.name = item.done = item.uid = item.link = item.ratio = item.any = ORACLE_NONE;
    item.any_link = ORACLE_NONE;
    for (int i = 0; i < ORACLE_MAP; i++) item.map[i] = ORACLE_ABSENT;
    for (int i = 0; i < ORACLE_MATES; i++) item.mates[i] = ORACLE_ABSENT;
    return item;
}

void oracle_init(oracle *o)
{
    memset(o, 0, sizeof *o);
    for (int i = 0; i < ORACLE_KEYS; i++) o->items[i] = empty_item();
}

/* ---- changes ---- */
status random_target(change_context *c, int *target, value *v)
{
    int found = (int)random_below(c->r, ORACLE_KEYS);
    value key = value_int(found);
    *target = ORACLE_NONE;
    *v = value_null();
    if (!c->o->items[found].alive) return ATOLL_OK;
    row_key row = 0;
    TRY(model_find(model_txn_view(c->txn), ITEM, &key, &row));
    *v = value_link(row);
    *target = found;
    return ATOLL_OK;
}

/* A row that never comes back takes the links to it along. */
static void forget_links(oracle *o, int key)
{
    for (int i = 0; i < ORACLE_KEYS; i++) {
        oracle_item *item = &o->items[i];
        if (item->link == key) item->link = ORACLE_NONE;
        if (item->any_link == key) item->any_link = ORACLE_NONE;
        for (int k = 0; k < item->ref_count; k++)
            if (item->refs[k] == key) item->refs[k] = ORACLE_NONE;
        for (int k = 0; k < ORACLE_MATES; k++)
            if (item->mates[k] == key) item->mates[k] = ORACLE_NONE;
        item->friends &= ~(1u << key);
    }
    for (int i = 0; i < SHAPE_ROWS; i++)
        for (int k = 0; k < SHAPE_PROPERTIES; k++)
            if (o->shape.properties[k].name != 0 && o->shape.properties[k].type == SHAPE_LINK &&
                o->shape.values[i][k] == key)
                o->shape.values[i][k] = ORACLE_NONE;
}

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
    if (!c->identity) forget_links(c->o, c->key);
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
    if (property != ITEM_ANY) return ATOLL_OK;
    c->item->any_link = ORACLE_NONE;
    memset(&c->item->nest, 0, sizeof c->item->nest);
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
    int target = 0;
    value v;
    TRY(random_target(c, &target, &v));
    TRY(model_set(c->txn, ITEM, c->row, ITEM_LINK, &v));
    c->item->link = target;
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

const char *const oracle_kind_names[KIND_COUNT] = {"create, delete or hide",
                                                   "object without a key",
                                                   "value",
                                                   "counter",
                                                   "link",
                                                   "list of texts",
                                                   "list of links",
                                                   "embedded object",
                                                   "list of embedded",
                                                   "set",
                                                   "dictionary",
                                                   "dictionary of embedded",
                                                   "collection in a mixed value",
                                                   "object of the class that changes",
                                                   "of these, moves of list elements",
                                                   "addition to the schema",
                                                   "migration"};
uint64_t oracle_kinds[KIND_COUNT];

/* What to do to an object. */
static int kind_of(random_state *r, bool alive)
{
    static const uint8_t kinds[] = {
        KIND_NAMED,  KIND_DICTIONARIES, KIND_SCALAR,       KIND_SCALAR, KIND_SCALAR,
        KIND_SCALAR, KIND_LINK,         KIND_TAGS,         KIND_TAGS,   KIND_TAGS,
        KIND_REFS,   KIND_REFS,         KIND_ONE,          KIND_MANY,   KIND_MANY,
        KIND_SETS,   KIND_SETS,         KIND_DICTIONARIES, KIND_SHAPE,  KIND_SHAPE,
        KIND_SHAPE,  KIND_COUNTER,      KIND_NEST,         KIND_NEST,   KIND_SETS};
    uint64_t part = random_below(r, sizeof kinds);
    if (!alive) return part < 6 ? KIND_NOTE : part < 10 ? KIND_SHAPE : KIND_LIFE;
    return random_below(r, 150) == 0 ? KIND_LIFE : kinds[part];
}

static status change_as(change_context *c, int kind)
{
    static status (*const changes[])(change_context *) = {[KIND_LIFE] = change_life,
                                                          [KIND_NOTE] = change_note,
                                                          [KIND_SCALAR] = change_scalar,
                                                          [KIND_COUNTER] = change_count,
                                                          [KIND_LINK] = change_link,
                                                          [KIND_TAGS] = change_tags,
                                                          [KIND_REFS] = change_refs,
                                                          [KIND_ONE] = change_one,
                                                          [KIND_MANY] = change_many,
                                                          [KIND_SETS] = change_sets,
                                                          [KIND_DICTIONARIES] = change_dictionaries,
                                                          [KIND_NAMED] = change_named,
                                                          [KIND_NEST] = change_nest,
                                                          [KIND_SHAPE] = change_shape};
    return changes[kind](c);
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
        int kind = kind_of(r, c.item->alive);
        TRY(change_as(&c, kind));
        oracle_kinds[kind]++;
    }
    return ATOLL_OK;
}

/* ---- comparison ---- */
static void compare_item(compare_context *c, int key)
{
    const oracle_item *item = &c->o->items[key];
    row_key row = c->rows[key];
    char text[TEXT_SIZE];
    for (size_t i = 0; i < SCALAR_COUNT; i++) {
        int n = *scalar_slot((oracle_item *)(uintptr_t)item, scalars[i]);
        bool elsewhere = item->any_link != ORACLE_NONE || item->nest.type != VALUE_NULL;
        if (scalars[i] == ITEM_ANY && elsewhere) continue;
        value expected = scalar(scalars[i], n, text);
        value v = test_get(c->view, ITEM, row, (property_key)scalars[i]);
        cr_assert(value_equal(&v, &expected), "%s, seed %lu: property %d of key %d", c->when,
                  c->seed, scalars[i], key);
    }
    value link = test_get(c->view, ITEM, row, ITEM_LINK);
    row_key target = item->link == ORACLE_NONE ? 0 : c->rows[item->link];
    cr_assert(target == 0 ? link.type == VALUE_NULL
                          : link.type == VALUE_LINK && link.as.row == target,
              "%s, seed %lu: link of key %d", c->when, c->seed, key);
    if (target != 0) c->links[item->link]++;
    compare_lists(c, item, row);
    compare_embedded(c, item, row);
    compare_keyed(c, item, row);
    compare_nest(c, item, row);
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

static uint64_t count_hidden_classes(const model_view *view)
{
    const model_schema *schema = model_view_schema(view);
    uint64_t count = 0;
    for (size_t i = 0; i < schema->class_count; i++)
        if (schema_class_is_hidden(&schema->classes[i]))
            count += model_count(view, schema->classes[i].key);
    return count;
}

static void compare_counts(compare_context *c, uint64_t items)
{
    const uint64_t expected[] = {items, (uint64_t)c->o->notes, c->parts, c->deeps};
    for (class_key k = ITEM; k <= DEEP; k++) {
        cr_assert_eq(model_count(c->view, k), expected[k - 1], "%s, seed %lu: count of class %u",
                     c->when, c->seed, k);
        cr_assert_eq(count_by_scan(c->view, k), expected[k - 1], "%s, seed %lu: scan of class %u",
                     c->when, c->seed, k);
    }
    cr_assert_eq(count_hidden_classes(c->view), c->collections,
                 "%s, seed %lu: rows of collections in mixed values", c->when, c->seed);
    for (int key = 0; key < ORACLE_KEYS; key++) {
        uint64_t links = 0;
        if (c->rows[key] == 0) continue;
        MUST(model_backlink_count(c->view, ITEM, c->rows[key], &links));
        cr_assert_eq(links, c->links[key], "%s, seed %lu: %lu links to key %d, not %lu", c->when,
                     c->seed, links, key, c->links[key]);
    }
}

void oracle_compare(const oracle *o, const model_view *view, const char *when, uint64_t seed)
{
    compare_context c = {.o = o, .view = view, .when = when, .seed = seed};
    uint64_t items = 0;
    for (int key = 0; key < ORACLE_KEYS; key++) {
        c.rows[key] = test_find(view, key);
        cr_assert_eq(c.rows[key] != 0, o->items[key].alive, "%s, seed %lu: life of key %d", when,
                     seed, key);
        items += o->items[key].alive;
    }
    for (int key = 0; key < ORACLE_KEYS; key++)
        if (c.rows[key] != 0) compare_item(&c, key);
    compare_shape(&c);
    compare_counts(&c, items);
}

static bool has_property(const row_change *c, int property)
{
    for (size_t i = 0; c != NULL && i < c->property_count; i++)
        if (c->properties[i] == (property_key)property) return true;
    return false;
}

/* A change of a property is named, but for what comes with a new life. */
static void compare_properties(const oracle_item *a, const oracle_item *b, const row_change *c,
                               int key)
{
    for (size_t i = 0; i < SCALAR_COUNT; i++)
        cr_assert(*scalar_slot((oracle_item *)(uintptr_t)a, scalars[i]) ==
                          *scalar_slot((oracle_item *)(uintptr_t)b, scalars[i]) ||
                      has_property(c, scalars[i]),
                  "property %d of key %d is missing", scalars[i], key);
    const struct {
        int property;
        bool differs;
    } others[] = {
        {ITEM_MARKS, a->marks != b->marks},
        {ITEM_WORDS, a->words != b->words},
        {ITEM_MAP, memcmp(a->map, b->map, sizeof a->map) != 0},
        {ITEM_TAGS, memcmp(a->tags, b->tags, sizeof a->tags) != 0},
        {ITEM_MANY, a->many_count != b->many_count},
        {ITEM_ONE, a->has_one != b->has_one},
        {ITEM_NAMED, memcmp(a->is_named, b->is_named, sizeof a->is_named) != 0},
    };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        cr_assert(!others[i].differs || has_property(c, others[i].property),
                  "property %d of key %d is missing", others[i].property, key);
}

void oracle_compare_changes(const oracle *before, const oracle *after, const model_view *old_view,
                            const model_view *new_view, const model_changes *changes)
{
    for (int key = 0; key < ORACLE_KEYS; key++) {
        const oracle_item *a = &before->items[key], *b = &after->items[key];
        row_key old_row = test_find(old_view, key), new_row = test_find(new_view, key);
        const row_change *seen = NULL;
        for (size_t i = 0; i < model_changes_count(changes); i++) {
            const row_change *c = model_changes_row(changes, i);
            if (c->class_of != ITEM || c->row == 0) continue;
            if (c->row == old_row && old_row != new_row) cr_assert(c->deleted && !c->created);
            if (c->row == new_row && old_row != new_row) cr_assert(c->created && !c->deleted_first);
            if (c->row == new_row || (new_row == 0 && c->row == old_row)) seen = c;
        }
        cr_assert(a->alive == b->alive || seen != NULL, "the change of key %d is missing", key);
        if (a->alive && b->alive && old_row == new_row && (seen == NULL || !seen->created))
            compare_properties(a, b, seen, key);
    }
}
