/* The memory store: the store of realms that live in memory, and a virtual disk for tests and the simulator that can
 * lose unsynced batches and fail any call. It must never keep anything that a real disk would not: what a crash drops
 * is gone from the map itself. Invariant: the map is the durable state plus all unsynced batches; each batch keeps what
 * undoes it, unless the disk dies with its store anyway. */
#include "base/random.h"
#include "base/vector.h"
#include "platform/thread.h"
#include "storage/storage_internal.h"

#define SKIP_HEIGHT_MAX 20

typedef struct node {
    uint8_t *key, *value;
    size_t key_size, value_size;
    int height;
    struct node *next[];
} node;

typedef struct undo {
    uint8_t *key, *value; /* value NULL: the key was absent */
    size_t key_size, value_size;
} undo;

typedef struct undo_batch {
    VECTOR(undo) items;
} undo_batch;

struct memory_disk {
    mutex lock;
    node *head;
    random_state random;
    VECTOR(undo_batch) unsynced;
    uint64_t operations, fail_in, generation, size;
    status fail_code;
    bool (*before)(void *context);
    void *before_context;
    bool ignore_sync, full;
    bool is_volatile; /* belongs to its store: nothing is ever undone */
    struct memory_store *open;
};

typedef struct memory_store {
    storage base;
    memory_disk *disk;
    uint64_t generation;
    bool dead;
} memory_store;

typedef struct memory_change {
    enum { CHANGE_PUT, CHANGE_REMOVE, CHANGE_REMOVE_RANGE } kind;
    uint8_t *key, *value; /* value: of a put, or the end of a range */
    size_t key_size, value_size;
} memory_change;

typedef struct memory_batch {
    storage_batch base;
    VECTOR(memory_change) changes;
} memory_batch;

typedef struct memory_iterator {
    storage_iterator base;
    VECTOR(memory_change) items;
    size_t at;
} memory_iterator;

static const storage_operations memory_operations;

/* ---- the map: a skip list ---- */
static uint8_t *copy_bytes(bytes from)
{
    uint8_t *to = memory_allocate(from.size);
    if (to != NULL && from.size != 0) memcpy(to, from.data, from.size);
    return to;
}

static bytes node_key(const node *n)
{
    return bytes_of(n->key, n->key_size);
}

static node *node_new(memory_disk *d, bytes key)
{
    int height = 1;
    while (height < SKIP_HEIGHT_MAX && random_next(&d->random) % 4 == 0) height++;
    node *n = memory_allocate_zero(sizeof *n + (size_t)height * sizeof n->next[0]);
    if (n == NULL) return NULL;
    n->height = height;
    n->key = copy_bytes(key);
    n->key_size = key.size;
    if (n->key != NULL) return n;
    memory_free(n);
    return NULL;
}

static void node_free(node *n)
{
    if (n == NULL) return;
    memory_free(n->key);
    memory_free(n->value);
    memory_free(n);
}

/* The first node with key >= key; before[level] gets the last node below it. */
static node *map_seek(memory_disk *d, bytes key, node **before)
{
    node *at = d->head;
    for (int level = SKIP_HEIGHT_MAX - 1; level >= 0; level--) {
        while (at->next[level] != NULL && bytes_compare(node_key(at->next[level]), key) < 0)
            at = at->next[level];
        if (before != NULL) before[level] = at;
    }
    return at->next[0];
}

static node *map_find(memory_disk *d, bytes key)
{
    node *n = map_seek(d, key, NULL);
    return n != NULL && bytes_equal(node_key(n), key) ? n : NULL;
}

static void map_link(memory_disk *d, node *fresh)
{
    node *before[SKIP_HEIGHT_MAX];
    map_seek(d, node_key(fresh), before);
    for (int level = 0; level < fresh->height; level++) {
        fresh->next[level] = before[level]->next[level];
        before[level]->next[level] = fresh;
    }
    d->size += fresh->key_size + fresh->value_size;
}

/* Unlinks the node of the key and gives it back. */
static node *map_unlink(memory_disk *d, bytes key)
{
    node *before[SKIP_HEIGHT_MAX];
    node *n = map_seek(d, key, before);
    if (n == NULL || !bytes_equal(node_key(n), key)) return NULL;
    for (int level = 0; level < n->height; level++) before[level]->next[level] = n->next[level];
    d->size -= n->key_size + n->value_size;
    return n;
}

/* ---- the disk ---- */
memory_disk *memory_disk_new(uint64_t seed)
{
    memory_disk *d = memory_allocate_zero(sizeof *d);
    if (d == NULL) return NULL;
    d->random.state = seed;
    d->head = memory_allocate_zero(sizeof *d->head + SKIP_HEIGHT_MAX * sizeof d->head->next[0]);
    if (d->head == NULL || mutex_init(&d->lock) != ATOLL_OK) {
        memory_free(d->head);
        memory_free(d);
        return NULL;
    }
    d->head->height = SKIP_HEIGHT_MAX;
    return d;
}

static void undo_batch_free(undo_batch *b)
{
    for (size_t i = 0; i < b->items.count; i++) {
        memory_free(b->items.items[i].key);
        memory_free(b->items.items[i].value);
    }
    vector_free(&b->items);
}

static void forget_unsynced(memory_disk *d)
{
    for (size_t i = 0; i < d->unsynced.count; i++) undo_batch_free(&d->unsynced.items[i]);
    d->unsynced.count = 0;
}

void memory_disk_free(memory_disk *d)
{
    if (d == NULL) return;
    forget_unsynced(d);
    vector_free(&d->unsynced);
    for (node *n = d->head->next[0], *next; n != NULL; n = next) {
        next = n->next[0];
        node_free(n);
    }
    memory_free(d->head);
    mutex_destroy(&d->lock);
    memory_free(d);
}

memory_disk *memory_disk_copy(const memory_disk *d)
{
    memory_disk *copy = memory_disk_new(d->random.state + 1);
    if (copy == NULL) return NULL;
    for (const node *n = d->head->next[0]; n != NULL; n = n->next[0]) {
        node *fresh = node_new(copy, node_key(n));
        if (fresh != NULL) fresh->value = copy_bytes(bytes_of(n->value, n->value_size));
        if (fresh == NULL || fresh->value == NULL) {
            node_free(fresh);
            memory_disk_free(copy);
            return NULL;
        }
        fresh->value_size = n->value_size;
        map_link(copy, fresh);
    }
    return copy;
}

static void undo_apply(memory_disk *d, undo *u)
{
    bytes key = bytes_of(u->key, u->key_size);
    node *n = map_find(d, key);
    if (u->value == NULL) {
        node_free(map_unlink(d, key));
        return;
    }
    if (n == NULL) {
        n = node_new(d, key);
        if (n == NULL) return;
        map_link(d, n);
    }
    memory_free(n->value);
    d->size = d->size - n->value_size + u->value_size;
    n->value = u->value;
    n->value_size = u->value_size;
    u->value = NULL;
}

void memory_disk_crash(memory_disk *d)
{
    mutex_lock(&d->lock);
    d->generation++;
    d->open = NULL;
    size_t keep = (size_t)random_below(&d->random, d->unsynced.count + 1);
    while (d->unsynced.count > keep) {
        undo_batch *last = &d->unsynced.items[--d->unsynced.count];
        for (size_t i = last->items.count; i > 0; i--) undo_apply(d, &last->items.items[i - 1]);
        undo_batch_free(last);
    }
    forget_unsynced(d);
    mutex_unlock(&d->lock);
}

void memory_disk_fail_at(memory_disk *d, uint64_t k, status code)
{
    d->fail_in = k;
    d->fail_code = code;
}

uint64_t memory_disk_operations(const memory_disk *d)
{
    return d->operations;
}

void memory_disk_set_hook(memory_disk *d, bool (*before)(void *context), void *context)
{
    d->before = before;
    d->before_context = context;
}

void memory_disk_set_full(memory_disk *d, bool on)
{
    d->full = on;
}

void memory_disk_set_ignore_sync(memory_disk *d, bool on)
{
    d->ignore_sync = on;
}

/* ---- the store ---- */
status storage_open_memory(memory_disk *disk, storage **out)
{
    if (disk->open != NULL && !disk->open->dead)
        return fail(ATOLL_ERROR_FILE_IN_USE,
                    "the virtual disk is open already; close the other handle first");
    memory_store *s = memory_allocate_zero(sizeof *s);
    if (s == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    s->base.operations = &memory_operations;
    s->disk = disk;
    s->generation = disk->generation;
    disk->open = s;
    *out = &s->base;
    return ATOLL_OK;
}

status storage_open_volatile(storage **out)
{
    memory_disk *disk = memory_disk_new(1);
    if (disk == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    disk->is_volatile = true;
    status result = storage_open_memory(disk, out);
    if (result != ATOLL_OK) memory_disk_free(disk);
    return result;
}

static void memory_close(storage *base)
{
    memory_store *s = (memory_store *)base;
    if (s->disk->is_volatile) {
        memory_disk_free(s->disk);
        memory_free(s);
        return;
    }
    if (s->generation == s->disk->generation && s->disk->open == s) s->disk->open = NULL;
    memory_free(s);
}

/* Counts the call, asks the hook, injects the failure that was ordered. */
static status memory_enter(memory_store *s)
{
    memory_disk *d = s->disk;
    if (s->generation == d->generation && !s->dead && d->before != NULL &&
        d->before(d->before_context))
        s->dead = true;
    if (s->generation != d->generation || s->dead)
        return fail(ATOLL_ERROR_FILE_ACCESS, "the virtual disk has lost power; open it again");
    mutex_lock(&d->lock);
    d->operations++;
    bool failing = d->fail_in != 0 && --d->fail_in == 0;
    mutex_unlock(&d->lock);
    if (failing) return fail(d->fail_code, "the virtual disk failed this call as it was told to");
    return ATOLL_OK;
}

static status memory_get(storage *base, bytes key, buffer *out, bool *found)
{
    memory_store *s = (memory_store *)base;
    TRY(memory_enter(s));
    mutex_lock(&s->disk->lock);
    node *n = map_find(s->disk, key);
    status result = n == NULL ? ATOLL_OK : buffer_append(out, n->value, n->value_size);
    mutex_unlock(&s->disk->lock);
    *found = n != NULL && result == ATOLL_OK;
    return result;
}

static status memory_batch_new(storage *s, storage_batch **out)
{
    (void)s;
    memory_batch *b = memory_allocate_zero(sizeof *b);
    if (b == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    b->base.operations = &memory_operations;
    *out = &b->base;
    return ATOLL_OK;
}

static void memory_batch_free(storage_batch *base)
{
    memory_batch *b = (memory_batch *)base;
    for (size_t i = 0; i < b->changes.count; i++) {
        memory_free(b->changes.items[i].key);
        memory_free(b->changes.items[i].value);
    }
    vector_free(&b->changes);
    memory_free(b);
}

static status batch_add(storage_batch *base, int kind, bytes key, bytes value)
{
    memory_batch *b = (memory_batch *)base;
    memory_change c = {.kind = kind, .key_size = key.size, .value_size = value.size};
    c.key = copy_bytes(key);
    c.value = copy_bytes(value);
    if (c.key != NULL && c.value != NULL && vector_push(&b->changes, c) == ATOLL_OK)
        return ATOLL_OK;
    memory_free(c.key);
    memory_free(c.value);
    return ATOLL_ERROR_OUT_OF_MEMORY;
}

static status memory_batch_put(storage_batch *b, bytes key, bytes value)
{
    return batch_add(b, CHANGE_PUT, key, value);
}

static status memory_batch_delete(storage_batch *b, bytes key)
{
    return batch_add(b, CHANGE_REMOVE, key, bytes_of(NULL, 0));
}

static status memory_batch_delete_range(storage_batch *b, bytes from, bytes to)
{
    return batch_add(b, CHANGE_REMOVE_RANGE, from, to);
}

/* Takes a value of the map out into an undo record, or notes the absence. Room was reserved. */
static status undo_push(undo_batch *to, bytes key, uint8_t *value, size_t value_size)
{
    undo u = {
        .key = copy_bytes(key), .key_size = key.size, .value = value, .value_size = value_size};
    if (u.key == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    if (vector_push(&to->items, u) == ATOLL_OK) return ATOLL_OK;
    memory_free(u.key);
    return ATOLL_ERROR_OUT_OF_MEMORY;
}

static status apply_put(memory_disk *d, const memory_change *c, undo_batch *undo_to)
{
    bytes key = bytes_of(c->key, c->key_size);
    uint8_t *value = copy_bytes(bytes_of(c->value, c->value_size));
    if (value == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    node *n = map_find(d, key);
    node *fresh = n == NULL ? node_new(d, key) : NULL;
    status result = n == NULL && fresh == NULL ? ATOLL_ERROR_OUT_OF_MEMORY : ATOLL_OK;
    if (result == ATOLL_OK)
        result =
            undo_push(undo_to, key, n == NULL ? NULL : n->value, n == NULL ? 0 : n->value_size);
    if (result != ATOLL_OK) {
        memory_free(value);
        node_free(fresh);
        return result;
    }
    if (n == NULL) {
        fresh->value = value;
        fresh->value_size = c->value_size;
        map_link(d, fresh);
        return ATOLL_OK;
    }
    d->size = d->size - n->value_size + c->value_size;
    n->value = value;
    n->value_size = c->value_size;
    return ATOLL_OK;
}

static status apply_remove(memory_disk *d, bytes key, undo_batch *undo_to)
{
    node *n = map_find(d, key);
    if (n == NULL) return ATOLL_OK;
    TRY(undo_push(undo_to, key, n->value, n->value_size));
    map_unlink(d, key);
    n->value = NULL;
    node_free(n);
    return ATOLL_OK;
}

static status apply_change(memory_disk *d, const memory_change *c, undo_batch *undo_to)
{
    bytes key = bytes_of(c->key, c->key_size), end = bytes_of(c->value, c->value_size);
    switch (c->kind) {
    case CHANGE_PUT: return apply_put(d, c, undo_to);
    case CHANGE_REMOVE: return apply_remove(d, key, undo_to);
    case CHANGE_REMOVE_RANGE:
        for (node *n = map_seek(d, key, NULL); n != NULL && bytes_compare(node_key(n), end) < 0;
             n = map_seek(d, key, NULL))
            TRY(apply_remove(d, node_key(n), undo_to));
        return ATOLL_OK;
    }
    return fail(ATOLL_ERROR_INTERNAL, "unknown change %d in a batch", (int)c->kind);
}

static status memory_write(storage *base, storage_batch *batch, bool sync)
{
    memory_store *s = (memory_store *)base;
    memory_batch *b = (memory_batch *)batch;
    memory_disk *d = s->disk;
    TRY(memory_enter(s));
    if (d->full) return fail(ATOLL_ERROR_DISK_FULL, "the virtual disk is full");
    undo_batch undone = {0};
    mutex_lock(&d->lock);
    status result = vector_reserve(&d->unsynced, 1);
    for (size_t i = 0; i < b->changes.count && result == ATOLL_OK; i++)
        result = apply_change(d, &b->changes.items[i], &undone);
    if (result == ATOLL_OK && d->is_volatile) {
        undo_batch_free(&undone);
    } else if (result == ATOLL_OK) {
        d->unsynced.items[d->unsynced.count++] = undone;
        if (sync && !d->ignore_sync) forget_unsynced(d);
    } else {
        for (size_t i = undone.items.count; i > 0; i--) undo_apply(d, &undone.items.items[i - 1]);
        undo_batch_free(&undone);
    }
    mutex_unlock(&d->lock);
    return result;
}

static status memory_sync(storage *base)
{
    memory_store *s = (memory_store *)base;
    TRY(memory_enter(s));
    mutex_lock(&s->disk->lock);
    if (!s->disk->ignore_sync) forget_unsynced(s->disk);
    mutex_unlock(&s->disk->lock);
    return ATOLL_OK;
}

static void memory_iterator_free(storage_iterator *base)
{
    memory_iterator *i = (memory_iterator *)base;
    for (size_t k = 0; k < i->items.count; k++) {
        memory_free(i->items.items[k].key);
        memory_free(i->items.items[k].value);
    }
    vector_free(&i->items);
    memory_free(i);
}

/* The snapshot is a copy of the range; what the engine iterates is short, but for its log when it opens. */
static status memory_iterate(storage *base, bytes from, bytes to, storage_iterator **out)
{
    memory_store *s = (memory_store *)base;
    TRY(memory_enter(s));
    memory_iterator *i = memory_allocate_zero(sizeof *i);
    if (i == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    i->base.operations = &memory_operations;
    status result = ATOLL_OK;
    mutex_lock(&s->disk->lock);
    for (node *n = map_seek(s->disk, from, NULL); n != NULL && result == ATOLL_OK; n = n->next[0]) {
        if (to.size != 0 && bytes_compare(node_key(n), to) >= 0) break;
        memory_change c = {
            .kind = CHANGE_PUT, .key_size = n->key_size, .value_size = n->value_size};
        c.key = copy_bytes(node_key(n));
        c.value = copy_bytes(bytes_of(n->value, n->value_size));
        if (c.key == NULL || c.value == NULL || vector_push(&i->items, c) != ATOLL_OK) {
            memory_free(c.key);
            memory_free(c.value);
            result = ATOLL_ERROR_OUT_OF_MEMORY;
        }
    }
    mutex_unlock(&s->disk->lock);
    if (result != ATOLL_OK) {
        memory_iterator_free(&i->base);
        return result;
    }
    *out = &i->base;
    return ATOLL_OK;
}

static bool memory_iterator_next(storage_iterator *base, bytes *key, bytes *value)
{
    memory_iterator *i = (memory_iterator *)base;
    if (i->at == i->items.count) return false;
    const memory_change *c = &i->items.items[i->at++];
    *key = bytes_of(c->key, c->key_size);
    *value = bytes_of(c->value, c->value_size);
    return true;
}

static status memory_iterator_status(const storage_iterator *i)
{
    (void)i;
    return ATOLL_OK;
}

static uint64_t memory_size_bytes(storage *base)
{
    return ((memory_store *)base)->disk->size;
}

static const storage_operations memory_operations = {
    .close = memory_close,
    .get = memory_get,
    .batch_new = memory_batch_new,
    .write = memory_write,
    .sync = memory_sync,
    .iterate = memory_iterate,
    .size_bytes = memory_size_bytes,
    .batch_free = memory_batch_free,
    .batch_put = memory_batch_put,
    .batch_delete = memory_batch_delete,
    .batch_delete_range = memory_batch_delete_range,
    .iterator_next = memory_iterator_next,
    .iterator_status = memory_iterator_status,
    .iterator_free = memory_iterator_free,
};
