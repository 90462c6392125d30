/* The trie of the indexes against a plain array: keys of every shape, versions that stay, the store and back. */
#include "fixture.h"
#include "model/tree.h"

enum { PAIRS_MAX = 6000 };
typedef struct pairs {
    index_entry items[PAIRS_MAX];
    size_t count;
} pairs;

static index_entry *pairs_find(pairs *p, uint64_t key, uint64_t value)
{
    for (size_t i = 0; i < p->count; i++)
        if (p->items[i].key == key && (value == 0 || p->items[i].value == value))
            return &p->items[i];
    return NULL;
}

static bool collect(void *context, index_entry e)
{
    pairs *p = context;
    cr_assert_lt(p->count, PAIRS_MAX);
    p->items[p->count++] = e;
    return false;
}

static int by_key(const void *a, const void *b)
{
    const index_entry *x = a, *y = b;
    if (x->key != y->key) return x->key < y->key ? -1 : 1;
    return (x->value > y->value) - (x->value < y->value);
}

static void expect_same(storage *store, index_node *root, const pairs *expected, uint64_t seed)
{
    static pairs found, wanted;
    found.count = 0;
    wanted = *expected;
    MUST(index_range(store, root, 0, 0, collect, &found));
    cr_assert_eq(found.count, wanted.count, "seed %llu: %zu of %zu entries",
                 (unsigned long long)seed, found.count, wanted.count);
    qsort(found.items, found.count, sizeof *found.items, by_key);
    qsort(wanted.items, wanted.count, sizeof *wanted.items, by_key);
    cr_assert(memcmp(found.items, wanted.items, found.count * sizeof *found.items) == 0,
              "seed %llu: other entries", (unsigned long long)seed);
}

typedef struct shape {
    random_state random;
    int kind;
    uint64_t next;
} shape;

static uint64_t next_key(shape *s)
{
    uint64_t n = random_below(&s->random, 4000);
    switch (s->kind) {
    case 0: return hash_u64(n);
    case 1: return index_pair(n % 2, 1 + n);                    /* few values, many rows */
    case 2: s->next++; return index_pair(s->next / 3, s->next); /* in order */
    case 3: return hash_u64(n % 40);                            /* few keys, many values */
    default: return n % 5 == 0 ? n << 59 : n;                   /* long common beginnings */
    }
}

static void change_one(const tree_writer *w, index_node **root, pairs *p, shape *s, bool counts)
{
    bool old = p->count != 0 && random_below(&s->random, 100) < 45;
    index_entry e = {.key = next_key(s), .value = 1 + random_below(&s->random, 500)};
    if (old) e = p->items[random_below(&s->random, p->count)];
    index_entry *at = pairs_find(p, e.key, counts ? 0 : e.value);
    if (old && random_below(&s->random, 10) < 8) {
        if (counts) e.value = at->value > 1 ? 1 : at->value;
        index_change c = {.key = e.key, .value = e.value};
        MUST(counts ? index_count_down(w, root, c) : index_remove(w, root, c));
        if (counts && at->value > e.value)
            at->value -= e.value;
        else
            *at = p->items[--p->count];
        return;
    }
    if (counts) e.value = 1;
    MUST(counts ? index_count_up(w, root, (index_change){e.key, e.value, 0})
                : index_put(w, root, (index_change){e.key, e.value, 0}));
    if (at == NULL)
        p->items[p->count++] = e;
    else if (counts)
        at->value++;
}

/* As a checkpoint does: children first. Counts the nodes. */
static size_t save(storage_batch *batch, buffer *record, index_node *n, uint64_t version)
{
    index_data *d = atomic_load(&n->data);
    uint8_t key[INDEX_RECORD_KEY_SIZE];
    size_t count = 1;
    for (size_t i = 0; d != NULL && i < INDEX_FANOUT && !index_is_leaf(d); i = index_run_end(d, i))
        if (index_children(d)[i] != NULL)
            count += save(batch, record, index_children(d)[i], version);
    if (d == NULL || atomic_load(&n->stored)) return count;
    MUST(index_encode(record, version, n));
    MUST(storage_batch_put(batch, index_record_key(key, n), buffer_view(record)));
    for (unsigned bit = 2; bit < 2 * INDEX_FANOUT; bit++)
        if ((d->dropped >> bit & 1) != 0)
            MUST(storage_batch_delete(batch, index_dropped_key(key, n, bit)));
    atomic_store(&n->stored, true);
    return count;
}

static size_t records(storage *store)
{
    storage_iterator *i = NULL;
    bytes key, value;
    size_t count = 0;
    MUST(storage_iterate(store, bytes_of(NULL, 0), bytes_of(NULL, 0), &i));
    while (storage_iterator_next(i, &key, &value)) count++;
    storage_iterator_free(i);
    return count;
}

static index_node *reload(storage *store, index_node *root, uint64_t version, pairs *expected,
                          uint64_t seed)
{
    storage_batch *batch = NULL;
    buffer record;
    buffer_init(&record, 1 << 24);
    MUST(index_range(store, root, 0, 0, collect, &(pairs){.count = 0})); /* all loaded */
    MUST(storage_batch_new(store, &batch));
    size_t nodes = save(batch, &record, root, version);
    MUST(storage_write(store, batch, false));
    storage_batch_free(batch);
    buffer_free(&record);
    cr_assert_eq(records(store), nodes, "seed %llu: %zu records for %zu nodes",
                 (unsigned long long)seed, records(store), nodes);
    index_node *fresh = index_handle(1, 0, 0, 0);
    cr_assert_not_null(fresh);
    expect_same(store, fresh, expected, seed);
    return fresh;
}

static void run(uint64_t seed)
{
    static pairs now, before;
    shape s = {.random = {seed}, .kind = (int)(seed % 5), .next = 1};
    bool counts = seed % 3 == 0;
    index_path recent[INDEX_RECENT] = {{NULL, NULL}};
    memory_disk *disk = memory_disk_new(seed);
    storage *store = NULL;
    MUST(storage_open_memory(disk, &store));
    tree_writer w = {.store = store, .stamp = 1, .recent = seed % 2 ? recent : NULL};
    index_node *root = index_new(1, 0, w.stamp), *old = NULL;
    now.count = before.count = 0;
    for (int step = 0; step < 12; step++) {
        for (int i = 0; i < 400; i++) change_one(&w, &root, &now, &s, counts);
        if (old != NULL) expect_same(store, old, &before, seed);
        index_release(old);
        old = NULL;
        if (random_below(&s.random, 2) == 0) {
            index_node *fresh = reload(store, root, w.stamp, &now, seed);
            index_release(root);
            root = fresh;
        } else {
            old = index_retain(root);
            before = now;
        }
        expect_same(store, root, &now, seed);
        memset(recent, 0, sizeof recent);
        w.stamp++;
    }
    index_release(root);
    index_release(old);
    storage_close(store);
    memory_disk_free(disk);
}

Test(index, changes_agree_with_an_array_in_every_version_and_after_reload)
{
    int64_t live = memory_live_count();
    for (uint64_t seed = 1; seed <= 30; seed++) run(seed);
    cr_assert_eq(memory_live_count(), live);
}

typedef struct values {
    uint64_t items[8];
    size_t count;
} values;

static bool note(void *context, uint64_t value)
{
    values *v = context;
    v->items[v->count++] = value;
    return false;
}

Test(index, a_key_finds_all_of_its_values_and_no_others)
{
    tree_writer w = {.stamp = 1};
    index_node *root = index_new(1, 0, 1);
    for (uint64_t i = 1; i <= 5000; i++)
        MUST(index_put(&w, &root, (index_change){hash_u64(i / 3), i, 0}));
    for (uint64_t i = 3; i < 4998; i += 3) {
        values found = {.count = 0};
        MUST(index_find(NULL, NULL, root, hash_u64(i / 3), note, &found));
        cr_assert_eq(found.count, 3);
        for (size_t k = 0; k < 3; k++) cr_assert_eq(found.items[k] / 3, i / 3);
    }
    values none = {.count = 0};
    MUST(index_find(NULL, NULL, root, hash_u64(77777), note, &none));
    cr_assert_eq(none.count, 0);
    index_release(root);
}

/* Replay passes over what a leaf has already: what is counted would be counted twice. */
Test(index, a_replayed_change_that_a_leaf_has_is_passed_over)
{
    static pairs expected;
    memory_disk *disk = memory_disk_new(1);
    storage *store = NULL;
    MUST(storage_open_memory(disk, &store));
    tree_writer w = {.store = store, .stamp = 1};
    index_node *root = index_new(1, 0, 1);
    MUST(index_count_up(&w, &root, (index_change){5, 1, 0}));
    MUST(index_count_up(&w, &root, (index_change){5, 1, 0}));
    expected.items[0] = (index_entry){5, 2};
    expected.count = 1;
    index_node *stored = reload(store, root, 7, &expected, 0);
    w.stamp = 2;
    MUST(index_count_up(&w, &stored, (index_change){5, 1, 7}));
    expect_same(store, stored, &expected, 0);
    MUST(index_count_up(&w, &stored, (index_change){5, 1, 8}));
    expected.items[0].value = 3;
    expect_same(store, stored, &expected, 0);
    index_release(root);
    index_release(stored);
    storage_close(store);
    memory_disk_free(disk);
}

Test(index, damaged_records_are_refused)
{
    memory_disk *disk = memory_disk_new(1);
    storage *store = NULL;
    storage_batch *batch = NULL;
    uint8_t key[INDEX_RECORD_KEY_SIZE];
    const index_data *d = NULL;
    MUST(storage_open_memory(disk, &store));
    index_node *root = index_handle(1, 0, 0, 0);
    cr_assert_eq(index_load(store, root, &d), ATOLL_ERROR_FILE_CORRUPT); /* missing */
    MUST(storage_batch_new(store, &batch));
    MUST(storage_batch_put(batch, index_record_key(key, root), bytes_text("not an index node")));
    MUST(storage_write(store, batch, false));
    storage_batch_free(batch);
    cr_assert_eq(index_load(store, root, &d), ATOLL_ERROR_FILE_CORRUPT);
    index_release(root);
    storage_close(store);
    memory_disk_free(disk);
}
