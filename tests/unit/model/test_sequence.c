/* Long lists, sets and dictionaries against plain arrays: random changes, pinned versions, reopening, power cuts, and
 * that nothing of them stays in the store when they are gone. */
#include "base/log.h"
#include "fixture.h"

enum { BAG = 1, THING = 2, BOX = 3 };
enum { NUMBERS = 1, TEXTS, UNIQUE, NAMED, LINKS, BOXES, KINDS };
enum { COUNT_MAX = 4000, PINS = 3, SOME = 40 };

static model_schema bag_schema(void)
{
    model_schema s = {0};
    size_t bag = 0, thing = 0, box = 0;
    MUST(schema_add_class(&s, bytes_text("Bag"), CLASS_NORMAL, &bag));
    MUST(schema_add_class(&s, bytes_text("Thing"), CLASS_NORMAL, &thing));
    MUST(schema_add_class(&s, bytes_text("Box"), CLASS_EMBEDDED, &box));
    const struct {
        const char *name;
        value_type type;
        uint8_t flags;
        const char *target;
    } properties[] = {{"numbers", VALUE_INT, PROPERTY_LIST | PROPERTY_NULLABLE, ""},
                      {"texts", VALUE_STRING, PROPERTY_LIST, ""},
                      {"unique", VALUE_INT, PROPERTY_SET, ""},
                      {"named", VALUE_STRING, PROPERTY_DICTIONARY | PROPERTY_NULLABLE, ""},
                      {"links", VALUE_LINK, PROPERTY_DICTIONARY, "Thing"},
                      {"boxes", VALUE_EMBEDDED, PROPERTY_DICTIONARY, "Box"},
                      {"kinds", VALUE_TIMESTAMP, PROPERTY_SET, ""}};
    for (size_t i = 0; i < sizeof properties / sizeof properties[0]; i++)
        MUST(schema_add_property(&s, bag, bytes_text(properties[i].name), properties[i].type,
                                 properties[i].flags, bytes_text(properties[i].target)));
    MUST(schema_add_property(&s, thing, bytes_text("x"), VALUE_INT, 0, bytes_text("")));
    MUST(schema_add_property(&s, box, bytes_text("x"), VALUE_INT, 0, bytes_text("")));
    return s;
}

static status open_bag(memory_disk *disk, const model_options *options, model_db **db)
{
    storage *store = NULL;
    model_schema schema = bag_schema();
    status result = storage_open_memory(disk, &store);
    if (result == ATOLL_OK) result = model_open(store, options, &schema, db);
    schema_free(&schema);
    return result;
}

/* ---- the plain arrays ---- */
typedef struct plain {
    int numbers[COUNT_MAX], texts[COUNT_MAX]; /* -1: null */
    int number_count, text_count;
    bool unique[COUNT_MAX];
    int named[COUNT_MAX];          /* by key; -2: not there, -1: null */
    bool kinds[SOME], alive[SOME]; /* timestamps of the set; things */
    int links[SOME], boxes[SOME]; /* by key; -2: not there, -1: null; a thing, what is in the box */
    row_key things[SOME];
} plain;

typedef struct world {
    memory_disk *disk;
    model_options options;
    model_db *db;
    random_state r;
    uint64_t seed;
    row_key row;
    plain *now, *tried;
    struct {
        model_view *view;
        plain *state;
    } pins[PINS];
} world;

static int below(world *w, int n)
{
    return (int)random_below(&w->r, (uint64_t)n);
}

static value text_of(char to[80], int n)
{
    int size = snprintf(to, 80, "text %d ", n);
    for (int i = 0; i < n % 7 * 5; i++) to[size++] = (char)('a' + n % 26);
    return value_string(bytes_of(to, (size_t)size));
}

static bytes key_of(char to[16], int n)
{
    return bytes_of(to, (size_t)snprintf(to, 16, "k%05d", n));
}

static void shift(int *items, int *count, int at, int by)
{
    memmove(items + at + (by > 0), items + at + (by < 0),
            (size_t)(*count - at - (by < 0)) * sizeof *items);
    *count += by;
}

/* ---- changes to both ---- */
static status change_numbers(world *w, model_txn *txn, plain *p)
{
    int kind = below(w, 8), count = p->number_count, at = below(w, count + 1), n = below(w, 100000);
    value v = n % 9 == 0 ? value_null() : value_int(n);
    if (n % 9 == 0) n = -1;
    if (kind < 4 && count < COUNT_MAX) {
        if (kind == 0) at = count;
        TRY(model_list_insert(txn, BAG, w->row, NUMBERS, (uint64_t)at, &v));
        shift(p->numbers, &p->number_count, at, 1);
        p->numbers[at] = n;
    } else if (at == count) {
        return ATOLL_OK;
    } else if (kind == 4) {
        TRY(model_list_set(txn, BAG, w->row, NUMBERS, (uint64_t)at, &v));
        p->numbers[at] = n;
    } else if (kind == 5) {
        int to = below(w, count), held = p->numbers[at];
        TRY(model_list_move(txn, BAG, w->row, NUMBERS, (uint64_t)at, (uint64_t)to));
        shift(p->numbers, &p->number_count, at, -1);
        shift(p->numbers, &p->number_count, to, 1);
        p->numbers[to] = held;
    } else {
        TRY(model_list_erase(txn, BAG, w->row, NUMBERS, (uint64_t)at));
        shift(p->numbers, &p->number_count, at, -1);
    }
    return ATOLL_OK;
}

static status change_texts(world *w, model_txn *txn, plain *p)
{
    char text[80];
    int kind = below(w, 6), count = p->text_count, at = below(w, count + 1), n = below(w, 100000);
    value v = text_of(text, n);
    if (kind < 3 && count < COUNT_MAX) {
        TRY(model_list_insert(txn, BAG, w->row, TEXTS, (uint64_t)at, &v));
        shift(p->texts, &p->text_count, at, 1);
        p->texts[at] = n;
    } else if (at == count) {
        return ATOLL_OK;
    } else if (kind == 3) { /* A text that lies in the list itself. */
        int from = below(w, count);
        TRY(model_list_get(model_txn_view(txn), BAG, w->row, TEXTS, (uint64_t)from, &v, NULL));
        TRY(model_list_set(txn, BAG, w->row, TEXTS, (uint64_t)at, &v));
        p->texts[at] = p->texts[from];
    } else {
        TRY(model_list_erase(txn, BAG, w->row, TEXTS, (uint64_t)at));
        shift(p->texts, &p->text_count, at, -1);
    }
    return ATOLL_OK;
}

static status change_unique(world *w, model_txn *txn, plain *p)
{
    int n = below(w, COUNT_MAX);
    value v = value_int(n * 7ll - 5000);
    bool put = below(w, 5) < 3, changed = false;
    TRY((put ? model_set_insert : model_set_erase)(txn, BAG, w->row, UNIQUE, &v, &changed));
    cr_assert_eq(changed, p->unique[n] != put);
    p->unique[n] = put;
    return ATOLL_OK;
}

static status change_named(world *w, model_txn *txn, plain *p)
{
    char key[16], text[80];
    int n = below(w, COUNT_MAX), to = below(w, 1000);
    bool removed = false;
    if (below(w, 5) < 3) {
        value v = to % 10 == 0 ? value_null() : text_of(text, to);
        TRY(model_dictionary_put(txn, BAG, w->row, NAMED, key_of(key, n), &v));
        p->named[n] = to % 10 == 0 ? -1 : to;
        return ATOLL_OK;
    }
    TRY(model_dictionary_erase(txn, BAG, w->row, NAMED, key_of(key, n), &removed));
    cr_assert_eq(removed, p->named[n] != -2);
    p->named[n] = -2;
    return ATOLL_OK;
}

static status change_kinds(world *w, model_txn *txn, plain *p)
{
    int n = below(w, SOME);
    value v = value_timestamp(n / 4 * 1000ll, n % 4 * 7);
    bool put = below(w, 2) == 0, changed = false;
    TRY((put ? model_set_insert : model_set_erase)(txn, BAG, w->row, KINDS, &v, &changed));
    cr_assert_eq(changed, p->kinds[n] != put);
    p->kinds[n] = put;
    return ATOLL_OK;
}

/* Links to things that come and go. */
static status change_links(world *w, model_txn *txn, plain *p)
{
    char key[16];
    int n = below(w, SOME), thing = below(w, SOME), kind = below(w, 6);
    bool removed = false;
    value v = value_null();
    if (kind == 0 && !p->alive[thing]) {
        TRY(model_create(txn, THING, NULL, &p->things[thing]));
        for (int i = 0; i < SOME; i++)
            if (p->links[i] == thing) p->links[i] = -1; /* Another row: old links stay null. */
        p->alive[thing] = true;
    } else if (kind == 1 && p->alive[thing]) {
        TRY(model_delete(txn, THING, p->things[thing]));
        p->alive[thing] = false;
    } else if (kind == 2) {
        TRY(model_dictionary_erase(txn, BAG, w->row, LINKS, key_of(key, n), &removed));
        cr_assert_eq(removed, p->links[n] != -2);
        p->links[n] = -2;
    } else {
        if (p->alive[thing]) v = value_link(p->things[thing]);
        TRY(model_dictionary_put(txn, BAG, w->row, LINKS, key_of(key, n), &v));
        p->links[n] = p->alive[thing] ? thing : -1;
    }
    return ATOLL_OK;
}

static status change_boxes(world *w, model_txn *txn, plain *p)
{
    char key[16];
    int n = below(w, SOME), x = below(w, 1000), kind = below(w, 5);
    value null = value_null(), v = value_int(x);
    bool removed = false;
    row_key box = 0;
    if (kind == 0) {
        TRY(model_dictionary_erase(txn, BAG, w->row, BOXES, key_of(key, n), &removed));
        cr_assert_eq(removed, p->boxes[n] != -2);
        p->boxes[n] = -2;
    } else if (kind == 1) {
        TRY(model_dictionary_put(txn, BAG, w->row, BOXES, key_of(key, n), &null));
        p->boxes[n] = -1;
    } else {
        TRY(model_dictionary_put_embedded(txn, BAG, w->row, BOXES, key_of(key, n), &box));
        TRY(model_set(txn, BOX, box, 1, &v));
        p->boxes[n] = x;
    }
    return ATOLL_OK;
}

static void plain_clear(plain *p)
{
    plain cleared = {.number_count = 0};
    memcpy(cleared.alive, p->alive, sizeof p->alive);
    memcpy(cleared.things, p->things, sizeof p->things);
    *p = cleared;
    for (int i = 0; i < COUNT_MAX; i++) p->named[i] = -2;
    for (int i = 0; i < SOME; i++) p->links[i] = p->boxes[i] = -2;
}

static status clear_all(world *w, model_txn *txn, plain *p)
{
    for (property_key k = NUMBERS; k <= KINDS; k++) TRY(model_list_clear(txn, BAG, w->row, k));
    plain_clear(p);
    return ATOLL_OK;
}

static status change_all(world *w, model_txn *txn, plain *p)
{
    int count = below(w, 6) == 0 ? 400 : below(w, 30);
    if (below(w, 60) == 0) return clear_all(w, txn, p);
    int kind = below(w, 8);
    for (int i = 0; i < count; i++) {
        if (below(w, 20) == 0) kind = below(w, 8);
        if (kind == 5) TRY(change_kinds(w, txn, p));
        if (kind == 6) TRY(change_links(w, txn, p));
        if (kind == 7) TRY(change_boxes(w, txn, p));
        if (kind == 0) TRY(change_numbers(w, txn, p));
        if (kind == 1) TRY(change_texts(w, txn, p));
        if (kind == 2) TRY(change_unique(w, txn, p));
        if (kind == 3) TRY(change_named(w, txn, p));
        if (kind == 4 && p->number_count < COUNT_MAX) { /* typing at the end */
            value v = value_int(p->number_count);
            TRY(model_list_insert(txn, BAG, w->row, NUMBERS, (uint64_t)p->number_count, &v));
            p->numbers[p->number_count] = p->number_count;
            p->number_count++;
        }
    }
    return ATOLL_OK;
}

/* ---- comparison ---- */
typedef struct comparison {
    const world *w;
    const plain *p;
    property_key property;
    uint64_t seen;
    int next;
} comparison;

static void compare_element(comparison *c, uint64_t index, bytes key, const value *v)
{
    char text[80], key_text[16];
    const plain *p = c->p;
    value expected = value_null();
    bytes expected_key = bytes_of(NULL, 0);
    cr_assert_eq(index, c->seen, "seed %lu", c->w->seed);
    switch (c->property) {
    case NUMBERS:
        if (p->numbers[index] >= 0) expected = value_int(p->numbers[index]);
        break;
    case TEXTS: expected = text_of(text, p->texts[index]); break;
    case UNIQUE:
        while (c->next < COUNT_MAX && !p->unique[c->next]) c->next++;
        expected = value_int(c->next++ * 7ll - 5000);
        break;
    default:
        while (c->next < COUNT_MAX && p->named[c->next] == -2) c->next++;
        expected_key = key_of(key_text, c->next);
        if (p->named[c->next] >= 0) expected = text_of(text, p->named[c->next]);
        c->next++;
    }
    cr_assert(value_equal(&expected, v) && bytes_equal(expected_key, key),
              "seed %lu: element %lu of property %u", c->w->seed, index, c->property);
}

static bool visit(void *context, uint64_t index, bytes key, const value *v)
{
    comparison *c = context;
    compare_element(c, index, key, v);
    c->seen++;
    return true;
}

static void compare_one(world *w, const model_view *view, const plain *p, property_key property,
                        uint64_t count)
{
    comparison c = {.w = w, .p = p, .property = property};
    MUST(model_collection_each(view, BAG, w->row, property, visit, &c));
    cr_assert_eq(c.seen, count, "seed %lu: property %u", w->seed, property);
    cr_assert_eq(model_list_count(view, BAG, w->row, property), count);
    for (int i = 0; i < 5 && count != 0; i++) {
        uint64_t at = random_below(&w->r, count);
        value v;
        bytes key = {NULL, 0};
        MUST(model_list_get(view, BAG, w->row, property, at, &v, NULL));
        if (property == NAMED) MUST(model_dictionary_key(view, BAG, w->row, property, at, &key));
        if (property == NUMBERS || property == TEXTS) {
            c.seen = at;
            compare_element(&c, at, key, &v);
            continue;
        }
        bool found = false;
        uint64_t index = 0;
        if (property == UNIQUE)
            MUST(model_set_find(view, BAG, w->row, UNIQUE, &v, &found, &index));
        else
            MUST(model_dictionary_find(view, BAG, w->row, NAMED, key, &found, &index, &v));
        cr_assert(found && index == at);
    }
}

static void compare_some(world *w, const model_view *view, const plain *p)
{
    uint64_t kinds = 0, links = 0, boxes = 0, held = 0, things = 0;
    for (int i = 0; i < SOME; i++) {
        char key[16];
        bool found = false;
        value v = value_timestamp(i / 4 * 1000ll, i % 4 * 7), x;
        MUST(model_set_find(view, BAG, w->row, KINDS, &v, &found, NULL));
        cr_assert_eq(found, p->kinds[i]);
        MUST(model_dictionary_find(view, BAG, w->row, LINKS, key_of(key, i), &found, NULL, &v));
        cr_assert_eq(found, p->links[i] != -2);
        bool alive = found && p->links[i] >= 0 && p->alive[p->links[i]];
        if (found) cr_assert_eq(v.type, alive ? VALUE_LINK : VALUE_NULL, "seed %lu", w->seed);
        if (alive) cr_assert_eq(v.as.row, p->things[p->links[i]]);
        MUST(model_dictionary_find(view, BAG, w->row, BOXES, key_of(key, i), &found, NULL, &v));
        cr_assert_eq(found, p->boxes[i] != -2);
        if (found) cr_assert_eq(v.type, p->boxes[i] >= 0 ? VALUE_EMBEDDED : VALUE_NULL);
        if (found && p->boxes[i] >= 0) {
            MUST(model_get(view, BOX, v.as.row, 1, &x));
            cr_assert_eq(x.as.integer, p->boxes[i]);
        }
        kinds += p->kinds[i], links += p->links[i] != -2, boxes += p->boxes[i] != -2;
        held += p->boxes[i] >= 0, things += p->alive[i];
    }
    cr_assert_eq(model_list_count(view, BAG, w->row, KINDS), kinds);
    cr_assert_eq(model_list_count(view, BAG, w->row, LINKS), links);
    cr_assert_eq(model_list_count(view, BAG, w->row, BOXES), boxes);
    cr_assert_eq(model_count(view, BOX), held, "seed %lu: embedded objects", w->seed);
    cr_assert_eq(model_count(view, THING), things);
}

static void compare(world *w, const model_view *view, const plain *p)
{
    uint64_t unique = 0, named = 0;
    for (int i = 0; i < COUNT_MAX; i++) {
        unique += p->unique[i];
        named += p->named[i] != -2;
    }
    compare_some(w, view, p);
    compare_one(w, view, p, NUMBERS, (uint64_t)p->number_count);
    compare_one(w, view, p, TEXTS, (uint64_t)p->text_count);
    compare_one(w, view, p, UNIQUE, unique);
    compare_one(w, view, p, NAMED, named);
}

/* ---- worlds ---- */
static void start(world *w, uint64_t seed, bool identity)
{
    *w = (world){.seed = seed, .r = {seed}, .options = test_options(identity)};
    w->disk = memory_disk_new(seed);
    w->now = malloc(sizeof(plain));
    w->tried = malloc(sizeof(plain));
    memset(w->now, 0, sizeof(plain));
    for (int i = 0; i < PINS; i++) w->pins[i].state = malloc(sizeof(plain));
    plain_clear(w->now);
    MUST(open_bag(w->disk, &w->options, &w->db));
    model_txn *txn = test_begin(w->db);
    MUST(model_create(txn, BAG, NULL, &w->row));
    test_commit(txn);
}

static void unpin(world *w)
{
    for (int i = 0; i < PINS; i++) {
        model_view_release(w->pins[i].view);
        w->pins[i].view = NULL;
    }
}

static void finish(world *w)
{
    unpin(w);
    model_close(w->db);
    memory_disk_free(w->disk);
    free(w->now);
    free(w->tried);
    for (int i = 0; i < PINS; i++) free(w->pins[i].state);
}

static void pin(world *w)
{
    int i = below(w, PINS);
    if (w->pins[i].view != NULL) compare(w, w->pins[i].view, w->pins[i].state);
    model_view_release(w->pins[i].view);
    w->pins[i].view = model_view_newest(w->db);
    *w->pins[i].state = *w->now;
}

static void compare_newest(world *w)
{
    model_view *view = model_view_newest(w->db);
    compare(w, view, w->now);
    model_view_release(view);
}

static uint64_t extents_in(memory_disk *disk)
{
    storage *store = NULL;
    storage_iterator *i = NULL;
    bytes key, value;
    uint64_t count = 0;
    MUST(storage_open_memory(disk, &store));
    MUST(storage_iterate(store, bytes_text("E"), bytes_text("F"), &i));
    while (storage_iterator_next(i, &key, &value)) count++;
    MUST(storage_iterator_status(i));
    storage_iterator_free(i);
    storage_close(store);
    return count;
}

/* When all is erased and a checkpoint is done, nothing is left in the store. */
static void expect_no_rest(world *w)
{
    unpin(w);
    model_txn *txn = test_begin(w->db);
    MUST(clear_all(w, txn, w->now));
    test_commit(txn);
    model_close(w->db);
    cr_assert_eq(extents_in(w->disk), 0, "seed %lu: %lu extents are left", w->seed,
                 extents_in(w->disk));
    MUST(open_bag(w->disk, &w->options, &w->db));
    compare_newest(w);
}

static void run(uint64_t seed, bool identity)
{
    world w;
    start(&w, seed, identity);
    for (int step = 0; step < 120; step++) {
        *w.tried = *w.now;
        model_txn *txn = test_begin(w.db);
        MUST(change_all(&w, txn, w.tried));
        if (below(&w, 4) == 0) compare(&w, model_txn_view(txn), w.tried);
        if (below(&w, 6) == 0) {
            model_rollback(txn);
        } else {
            test_commit(txn);
            *w.now = *w.tried;
        }
        if (below(&w, 4) == 0) compare_newest(&w);
        if (below(&w, 5) == 0) pin(&w);
        if (below(&w, 7) == 0) MUST(model_checkpoint(w.db));
        if (below(&w, 15) != 0) continue;
        unpin(&w);
        model_close(w.db);
        MUST(open_bag(w.disk, &w.options, &w.db));
        compare_newest(&w);
    }
    expect_no_rest(&w);
    finish(&w);
}

Test(sequence, long_collections_do_what_plain_arrays_do)
{
    for (uint64_t seed = 1; seed <= 12; seed++) run(seed, false);
    cr_assert_eq(memory_live_count(), 0);
}

Test(sequence, collections_with_identities_do_what_plain_arrays_do)
{
    for (uint64_t seed = 101; seed <= 112; seed++) run(seed, true);
    cr_assert_eq(memory_live_count(), 0);
}

/* ---- power cuts ---- */
static bool cut_now(void *context)
{
    uint64_t *left = context;
    return --*left == 0;
}

/* Commits are durable: what is there is the last acknowledged version, or the one that was under way. */
static uint64_t work_until_cut(world *w)
{
    uint64_t acknowledged = model_version(w->db);
    for (int step = 0; step < 40; step++) {
        model_txn *txn = NULL;
        *w->tried = *w->now;
        if (model_begin(w->db, COMMIT_LOCAL, &txn) != ATOLL_OK) break;
        if (change_all(w, txn, w->tried) != ATOLL_OK) {
            model_rollback(txn);
            break;
        }
        if (model_commit(txn, &acknowledged) != ATOLL_OK) break;
        *w->now = *w->tried;
        if (below(w, 4) == 0 && model_checkpoint(w->db) != ATOLL_OK) break;
    }
    return acknowledged;
}

static void run_cuts(uint64_t seed)
{
    world w;
    log_set_level(LOG_ERROR);
    start(&w, seed, seed % 2 == 0);
    for (int round = 0; round < 8; round++) {
        uint64_t left = 1 + random_below(&w.r, 80);
        memory_disk_set_hook(w.disk, cut_now, &left);
        uint64_t acknowledged = work_until_cut(&w);
        memory_disk_crash(w.disk);
        model_close(w.db);
        memory_disk_set_hook(w.disk, NULL, NULL);
        MUST(open_bag(w.disk, &w.options, &w.db));
        cr_assert(model_version(w.db) - acknowledged <= 1);
        if (model_version(w.db) > acknowledged) *w.now = *w.tried;
        compare_newest(&w);
    }
    expect_no_rest(&w);
    finish(&w);
}

Test(sequence, a_power_cut_leaves_whole_collections_and_no_rest_in_the_store)
{
    for (uint64_t seed = 1; seed <= 60; seed++) run_cuts(seed);
    cr_assert_eq(memory_live_count(), 0);
}

/* ---- memory that runs out ---- */
static status long_scenario(model_db *db, row_key *row)
{
    model_txn *txn = NULL;
    status result = model_begin(db, COMMIT_LOCAL, &txn);
    if (result != ATOLL_OK) return result;
    if (*row == 0) result = model_create(txn, BAG, NULL, row);
    for (int i = 0; i < 600 && result == ATOLL_OK; i++) {
        char text[80], key[16];
        bool changed;
        value number = value_int(i * 31), words = text_of(text, i);
        result = model_list_insert(txn, BAG, *row, NUMBERS, (uint64_t)(i / 2), &number);
        if (result == ATOLL_OK && i % 3 == 0)
            result = model_dictionary_put(txn, BAG, *row, NAMED, key_of(key, i * 7 % 600), &words);
        if (result == ATOLL_OK && i % 5 == 0)
            result = model_set_insert(txn, BAG, *row, UNIQUE, &number, &changed);
    }
    for (int i = 0; i < 300 && result == ATOLL_OK; i++)
        result = model_list_erase(txn, BAG, *row, NUMBERS, (uint64_t)(i % 2 * 100));
    if (result != ATOLL_OK) {
        model_rollback(txn);
        return result;
    }
    result = model_commit(txn, NULL);
    return result == ATOLL_OK ? model_checkpoint(db) : result;
}

Test(sequence, memory_that_runs_out_leaves_the_realm_usable)
{
    uint64_t step = 1;
    bool done = false;
    log_set_level(LOG_OFF);
    for (uint64_t k = 1; !done; k += step, step += step / 8 + (k > 60)) {
        model_options options = test_options(k % 2 == 0);
        memory_disk *disk = memory_disk_new(k);
        model_db *db = NULL;
        row_key row = 0, kept = 0;
        MUST(open_bag(disk, &options, &db));
        MUST(long_scenario(db, &row));
        kept = row;
        model_view *before = model_view_newest(db);
        memory_fail_at(k);
        status result = long_scenario(db, &row);
        memory_fail_at(0);
        done = result == ATOLL_OK;
        if (!done) cr_assert_eq(result, ATOLL_ERROR_OUT_OF_MEMORY, "%s", fail_text());
        cr_assert_eq(model_list_count(before, BAG, kept, NUMBERS), 300);
        model_view *after = model_view_newest(db);
        uint64_t count = model_list_count(after, BAG, kept, NUMBERS);
        cr_assert(count == 300 || count == 600);
        model_view_release(after);
        model_view_release(before);
        model_close(db);
        memory_disk_free(disk);
        cr_assert_eq(memory_live_count(), 0, "allocation %lu", k);
    }
}

/* A copy of a realm that synced is local, and has the erased elements still. */
Test(sequence, a_copy_that_syncs_no_more_goes_on_as_a_plain_realm)
{
    for (uint64_t seed = 1; seed <= 6; seed++) {
        world w;
        start(&w, seed, true);
        for (int step = 0; step < 30; step++) {
            model_txn *txn = test_begin(w.db);
            MUST(change_all(&w, txn, w.now));
            test_commit(txn);
        }
        memory_disk *copy = memory_disk_new(seed);
        storage *store = NULL;
        MUST(storage_open_memory(copy, &store));
        MUST(model_copy(w.db, store, SCHEMA_LOCAL));
        model_close(w.db);
        memory_disk_free(w.disk);
        w.disk = copy;
        w.options.identity_rows = false;
        MUST(open_bag(w.disk, &w.options, &w.db));
        compare_newest(&w);
        for (int step = 0; step < 30; step++) {
            model_txn *txn = test_begin(w.db);
            MUST(change_all(&w, txn, w.now));
            test_commit(txn);
            if (step % 3 == 0) compare_newest(&w);
        }
        expect_no_rest(&w);
        finish(&w);
    }
}

/* Cold collections: each call of the disk fails once, on the way to a change or in its checkpoint. */
Test(sequence, a_disk_that_fails_leaves_the_old_or_the_new_collections)
{
    bool done = false;
    log_set_level(LOG_OFF);
    for (uint64_t k = 1; !done; k++) {
        model_options options = test_options(k % 2 == 0);
        memory_disk *disk = memory_disk_new(k);
        model_db *db = NULL;
        row_key row = 0;
        MUST(open_bag(disk, &options, &db));
        MUST(long_scenario(db, &row));
        model_close(db);
        MUST(open_bag(disk, &options, &db));
        memory_disk_fail_at(disk, k, ATOLL_ERROR_DISK_FULL);
        done = long_scenario(db, &row) == ATOLL_OK && k > 8;
        memory_disk_fail_at(disk, 0, ATOLL_OK);
        model_close(db);
        MUST(open_bag(disk, &options, &db));
        model_view *view = model_view_newest(db);
        uint64_t count = model_list_count(view, BAG, row, NUMBERS), seen = 0;
        cr_assert(count == 300 || count == 600, "call %lu: %lu elements", k, count);
        for (; seen < count; seen++) {
            value v;
            MUST(model_list_get(view, BAG, row, NUMBERS, seen, &v, NULL));
        }
        model_view_release(view);
        model_close(db);
        memory_disk_free(disk);
        cr_assert_eq(memory_live_count(), 0, "call %lu", k);
    }
}
