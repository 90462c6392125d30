/* The memory budget: which blocks are let go, and when what they held is freed. It must never let go what the store
 * cannot give again as it was, nor free what somebody may still look at. Invariants: data that was let go waits with the
 * epoch at which that happened, and is freed when no reader that is awake is from that epoch or before; a block that
 * has a successor in some transaction (superseded) is only let go once it is spilled, for the store may hold the
 * successor under the same key. One thread at a time sweeps; a checkpoint waits for it before it writes. */
#include "model/cache.h"
#include "model/codec.h"
#include "model/engine.h"

enum { READERS = 128, STEP_SIZE_MIN = 16 << 10 };

struct model_reader {
    _Alignas(64) atomic_uint_least64_t epoch; /* 0: nobody reads with it */
};

struct block_spill {
    cache *owner;
    uint64_t id;
};

typedef struct retired {
    block_data *block; /* or */
    uint8_t *large;    /* a value out of line */
    size_t size;
    uint64_t epoch;
} retired;

struct cache {
    model_db *db;
    uint64_t budget; /* 0: none */
    atomic_uint_least64_t bytes, trigger, epoch;
    atomic_uint_least64_t
        relief; /* bytes below which a transaction does not look for what it could spill */
    atomic_uint_least64_t relieved; /* how often it did */
    atomic_uint crowd;              /* readers that found no place below */
    model_reader readers[READERS];
    /* of the thread that sweeps */
    VECTOR(retired) waiting;
    uint64_t hand;
    atomic_uint_least64_t waiting_bytes;
    uint32_t sweeps;
    mutex lock; /* what follows */
    VECTOR(uint64_t) dropped;
    uint64_t spill_id;
    atomic_uint_least64_t evicted, spilled, loaded_back;
};

typedef enum sweep_pass { PASS_COUNT, PASS_COLD, PASS_ANY, PASS_SPILL } sweep_pass;

typedef struct sweep {
    cache *cache;
    sweep_pass pass;
    bool is_newest;
    uint64_t stamp;         /* of a transaction: only its own blocks are spilled */
    uint64_t total, excess; /* bytes that are in memory; that should go */
    buffer record;
} sweep;

status cache_new(model_db *db, uint64_t budget, cache **out)
{
    cache *k = memory_allocate_zero(sizeof *k);
    if (k == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    status result = mutex_init(&k->lock);
    if (result != ATOLL_OK) {
        memory_free(k);
        return result;
    }
    k->db = db;
    k->budget = budget;
    atomic_init(&k->epoch, 1);
    atomic_init(&k->trigger, budget == 0 ? UINT64_MAX : budget);
    *out = k;
    return ATOLL_OK;
}

void cache_free(cache *k)
{
    if (k == NULL) return;
    for (size_t i = 0; i < k->waiting.count; i++) {
        block_data_free(k->waiting.items[i].block);
        memory_free(k->waiting.items[i].large);
    }
    vector_free(&k->waiting);
    vector_free(&k->dropped);
    mutex_destroy(&k->lock);
    memory_free(k);
}

cache *cache_of(storage *store)
{
    return storage_owner(store);
}

uint64_t cache_epoch(const cache *k)
{
    return atomic_load(&k->epoch);
}

bool cache_is_full(const cache *k)
{
    return k->budget != 0 && atomic_load_explicit(&k->bytes, memory_order_relaxed) > k->budget;
}

model_memory model_memory_now(model_db *db)
{
    cache *k = db->cache;
    return (model_memory){.bytes = atomic_load(&k->bytes),
                          .waiting_bytes = atomic_load(&k->waiting_bytes),
                          .evicted = atomic_load(&k->evicted),
                          .spilled = atomic_load(&k->spilled),
                          .loaded_back = atomic_load(&k->loaded_back),
                          .relieved = atomic_load(&k->relieved)};
}

/* ---- readers ---- */
static _Thread_local model_reader *reader_now;
static _Thread_local cache *reader_cache;

model_reader *model_read_begin(model_db *db)
{
    cache *k = db->cache;
    size_t start = (size_t)(thread_self() >> 8);
    reader_cache = k;
    for (size_t i = 0; i < READERS; i++) {
        model_reader *r = &k->readers[(start + i) % READERS];
        uint64_t free = 0;
        if (!atomic_compare_exchange_strong(&r->epoch, &free, cache_epoch(k))) continue;
        reader_now = r;
        return r;
    }
    atomic_fetch_add(&k->crowd, 1);
    reader_now = NULL;
    return NULL;
}

void model_read_end(model_db *db, model_reader *r)
{
    reader_now = NULL;
    if (r != NULL)
        atomic_store_explicit(&r->epoch, 0, memory_order_release);
    else
        atomic_fetch_sub(&db->cache->crowd, 1);
}

void model_read_pause(const model_view *view)
{
    if (reader_now == NULL || reader_cache != view->db->cache) return;
    uint64_t epoch = cache_epoch(reader_cache);
    if (atomic_load_explicit(&reader_now->epoch, memory_order_relaxed) != epoch)
        atomic_exchange(&reader_now->epoch, epoch);
}

/* The oldest epoch from which somebody may hold a pointer. */
static uint64_t oldest_epoch(cache *k)
{
    model_db *db = k->db;
    uint64_t oldest = UINT64_MAX;
    mutex_lock(&db->lock);
    for (const model_view *v = db->newest; v != NULL; v = v->older)
        if (v->awake != 0 && v->awake_since < oldest) oldest = v->awake_since;
    if (db->writer != NULL && !db->writer->resting && db->writer->awake_since < oldest)
        oldest = db->writer->awake_since;
    mutex_unlock(&db->lock);
    for (size_t i = 0; i < READERS; i++) {
        uint64_t epoch = atomic_load(&k->readers[i].epoch);
        if (epoch != 0 && epoch < oldest) oldest = epoch;
    }
    return atomic_load(&k->crowd) != 0 ? 0 : oldest;
}

/* ---- letting go ---- */
static void free_waiting(cache *k)
{
    if (k->waiting.count == 0) return;
    uint64_t oldest = oldest_epoch(k);
    size_t kept = 0;
    for (size_t i = 0; i < k->waiting.count; i++) {
        retired item = k->waiting.items[i];
        if (item.epoch >= oldest) {
            k->waiting.items[kept++] = item;
            continue;
        }
        k->waiting_bytes -= item.size;
        block_data_free(item.block);
        memory_free(item.large);
    }
    k->waiting.count = kept;
}

/* The caller has made room in waiting. */
static void retire(sweep *s, block_data *d, uint8_t *large, size_t size)
{
    cache *k = s->cache;
    k->waiting.items[k->waiting.count++] =
        (retired){.block = d, .large = large, .size = size, .epoch = cache_epoch(k)};
    k->waiting_bytes += size;
    s->excess -= size < s->excess ? size : s->excess;
    s->total -= size < s->total ? size : s->total;
}

/* A clean block: the store gives it again. A transaction that takes it over meanwhile marks it first and loads it then,
 * so either it sees that the data is gone and loads it, or the mark is seen here. */
static void evict(sweep *s, block *b)
{
    cache *k = s->cache;
    if (!atomic_load(&b->stored) || atomic_load(&b->superseded)) return;
    if (!block_is_evictable(atomic_load(&b->data)) || vector_reserve(&k->waiting, 1) != ATOLL_OK)
        return;
    block_data *d = atomic_exchange(&b->data, NULL), *none = NULL;
    if (d == NULL) return;
    if (atomic_load(&b->superseded) && atomic_compare_exchange_strong(&b->data, &none, d)) return;
    retire(s, d, NULL, block_data_size(d));
    atomic_fetch_add(&k->evicted, 1);
}

/* An extent stays in the store for as long as a version names it. */
static void evict_large(sweep *s, large_value *l)
{
    cache *k = s->cache;
    if (!atomic_load(&l->stored) || vector_reserve(&k->waiting, 1) != ATOLL_OK) return;
    uint8_t *data = atomic_exchange(&l->data, NULL);
    if (data == NULL) return;
    retire(s, NULL, data, l->size);
    atomic_fetch_add(&k->evicted, 1);
}

static void visit_large(sweep *s, large_value *l)
{
    if (atomic_load(&l->data) == NULL) return;
    if (s->pass == PASS_COUNT) {
        if (l->swept != s->cache->sweeps) s->total += l->size;
        l->swept = s->cache->sweeps;
    } else if (s->excess != 0 && !(s->pass == PASS_COLD && atomic_exchange(&l->used, false))) {
        evict_large(s, l);
    }
}

static bool is_spillable(const block_data *d)
{
    for (uint32_t i = 0; i < d->large_count; i++)
        if (!atomic_load(&d->large[i]->stored)) return false;
    return block_is_evictable(d);
}

static bytes spill_key(uint8_t to[9], uint64_t id)
{
    to[0] = KEY_SPILL;
    key_put_u64(to + 1, id);
    return bytes_of(to, 9);
}

static status write_spill(cache *k, buffer *record, const block_data *d, block_spill **out)
{
    uint8_t key[9];
    storage_batch *batch = NULL;
    TRY(codec_block(record, 0, d));
    block_spill *spill = memory_allocate(sizeof *spill);
    if (spill == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    mutex_lock(&k->lock);
    *spill = (block_spill){k, ++k->spill_id};
    mutex_unlock(&k->lock);
    status result = storage_batch_new(k->db->store, &batch);
    if (result == ATOLL_OK)
        result = storage_batch_put(batch, spill_key(key, spill->id), buffer_view(record));
    if (result == ATOLL_OK) result = storage_write(k->db->store, batch, false);
    storage_batch_free(batch);
    if (result == ATOLL_OK)
        *out = spill;
    else
        memory_free(spill);
    return result;
}

/* A block that the store does not have, or will have no longer. */
static void spill(sweep *s, block *b)
{
    cache *k = s->cache;
    block_data *d = atomic_load(&b->data);
    block_spill *spill = atomic_load(&b->spill);
    if (d == NULL || !is_spillable(d) || storage_read_only(k->db->store)) return;
    if (vector_reserve(&k->waiting, 1) != ATOLL_OK) return;
    if (spill == NULL) {
        if (write_spill(k, &s->record, d, &spill) != ATOLL_OK) return;
        atomic_store(&b->spill, spill);
        atomic_fetch_add(&k->spilled, 1);
    }
    d = atomic_exchange(&b->data, NULL);
    retire(s, d, NULL, block_data_size(d));
}

status cache_load_spilled(storage *store, const block *b, const block_spill *spill,
                          block_data **out)
{
    uint8_t key[9];
    buffer record;
    bool found = false;
    buffer_init(&record, RECORD_SIZE_MAX);
    status result = storage_get(store, spill_key(key, spill->id), &record, &found);
    if (result == ATOLL_OK)
        result = found ? codec_block_read(buffer_view(&record), b->type, out)
                       : fail(ATOLL_ERROR_FILE_CORRUPT, "a spilled block is missing");
    buffer_free(&record);
    if (result == ATOLL_OK) atomic_fetch_add(&spill->owner->loaded_back, 1);
    return result;
}

void cache_drop_spilled(block_spill *spill)
{
    if (spill == NULL) return;
    cache *k = spill->owner;
    mutex_lock(&k->lock);
    /* One that cannot be noted stays until the next opening. */
    (void)!vector_push(&k->dropped, spill->id);
    mutex_unlock(&k->lock);
    memory_free(spill);
}

/* Takes what was dropped out of the store. */
static void delete_dropped(cache *k)
{
    uint8_t key[9];
    storage_batch *batch = NULL;
    VECTOR(uint64_t) ids;
    mutex_lock(&k->lock);
    memcpy(&ids, &k->dropped, sizeof ids);
    memset(&k->dropped, 0, sizeof k->dropped);
    mutex_unlock(&k->lock);
    status result = ids.count == 0 ? ATOLL_OK : storage_batch_new(k->db->store, &batch);
    for (size_t i = 0; i < ids.count && result == ATOLL_OK; i++)
        result = storage_batch_delete(batch, spill_key(key, ids.items[i]));
    if (result == ATOLL_OK && batch != NULL) (void)!storage_write(k->db->store, batch, false);
    storage_batch_free(batch);
    vector_free(&ids);
}

/* ---- the sweep ---- */
static void visit_block(sweep *s, block *b)
{
    block_data *d = b == NULL ? NULL : atomic_load(&b->data);
    if (d == NULL) return;
    for (uint32_t i = 0; i < d->large_count; i++) visit_large(s, d->large[i]);
    if (s->pass == PASS_COUNT) {
        if (b->swept != s->cache->sweeps) s->total += block_data_size(d);
        b->swept = s->cache->sweeps;
        return;
    }
    if (s->excess == 0) return;
    if (s->pass == PASS_SPILL) {
        /* The next checkpoint stores the newest version's own blocks: better than to write them twice. */
        bool soon = s->is_newest && s->cache->db->checkpoint_thread != NULL &&
                    s->total < s->cache->budget * 2;
        if (atomic_load(&b->stored) && !atomic_load(&b->superseded))
            evict(s, b);
        else if (!soon && (s->stamp == 0 || b->stamp == s->stamp))
            spill(s, b);
        return;
    }
    if (s->pass == PASS_COLD && atomic_exchange(&b->used, false)) return;
    evict(s, b);
}

static void visit_view(sweep *s, const model_view *view)
{
    for (size_t c = 0; c < view->class_count; c++) {
        const class_state *state = view->classes[c];
        uint64_t count = (state->next_row + MODEL_BLOCK_ROWS - 1) / MODEL_BLOCK_ROWS;
        for (uint64_t i = 0; i < count; i++) {
            segment *at = class_segment(state, (i + s->cache->hand) % count);
            const segment_data *d = at == NULL ? NULL : atomic_load(&at->data);
            for (uint32_t slot = 0; d != NULL && slot < d->slot_count; slot++)
                visit_block(s, d->blocks[slot]);
            if (s->pass == PASS_COLD && s->excess == 0) {
                s->cache->hand = (i + s->cache->hand) % count; /* goes on from here next time */
                return;
            }
        }
    }
}

typedef VECTOR(model_view *) view_vector;

static bool sweep_begin(cache *k, view_vector *views)
{
    model_db *db = k->db;
    bool begun = false;
    mutex_lock(&db->lock);
    if (!db->sweeping) {
        begun = db->sweeping = true;
        for (model_view *v = db->newest; v != NULL && begun; v = v->older) {
            begun = vector_push(views, v) == ATOLL_OK;
            if (begun) view_hold(v, false);
        }
        if (!begun) db->sweeping = false;
    }
    mutex_unlock(&db->lock);
    return begun;
}

static void sweep_end(cache *k, view_vector *views)
{
    mutex_lock(&k->db->lock);
    k->db->sweeping = false;
    condition_broadcast(&k->db->changed);
    mutex_unlock(&k->db->lock);
    for (size_t i = 0; i < views->count; i++) view_let_go(views->items[i], false);
    vector_free(views);
}

void cache_wait(cache *k)
{
    if (k == NULL || k->budget == 0) return;
    mutex_lock(&k->db->lock);
    while (k->db->sweeping) condition_wait(&k->db->changed, &k->db->lock);
    mutex_unlock(&k->db->lock);
}

static void ask_for_checkpoint(model_db *db)
{
    mutex_lock(&db->lock);
    if (db->newest->version != db->checkpoint_version) db->checkpoint_wanted = true;
    condition_broadcast(&db->checkpoint_due);
    mutex_unlock(&db->lock);
}

static uint64_t step_size(const cache *k)
{
    return k->budget / 8 < STEP_SIZE_MIN ? STEP_SIZE_MIN : k->budget / 8;
}

static void sweep_run(cache *k)
{
    view_vector views = {0};
    sweep s = {.cache = k};
    if (!sweep_begin(k, &views)) {
        for (size_t i = 0; i < views.count; i++) view_let_go(views.items[i], false);
        vector_free(&views);
        return;
    }
    uint64_t before = atomic_load(&k->bytes), step = step_size(k);
    free_waiting(k);
    if (atomic_load(&k->waiting_bytes) > k->budget / 2) { /* To let more go would free nothing. */
        atomic_store(&k->trigger, before + step);
        sweep_end(k, &views);
        return;
    }
    buffer_init(&s.record, RECORD_SIZE_MAX);
    k->sweeps++;
    for (s.pass = PASS_COUNT; s.pass <= PASS_SPILL; s.pass++) {
        for (size_t i = 0; i < views.count; i++) {
            s.is_newest = i == 0;
            visit_view(&s, views.items[i]);
        }
        if (s.pass == PASS_COUNT && s.total + step > k->budget)
            s.excess = s.total + step - k->budget;
        if (s.excess == 0) break;
    }
    buffer_free(&s.record);
    atomic_fetch_add(&k->epoch, 1);
    free_waiting(k);
    atomic_fetch_add(&k->bytes, s.total - before); /* what was loaded meanwhile stays counted */
    atomic_store(&k->trigger, (s.total > k->budget ? s.total : k->budget) + step);
    atomic_store(&k->relief, 0);
    delete_dropped(k);
    if (s.excess != 0) ask_for_checkpoint(k->db);
    sweep_end(k, &views);
}

void cache_loaded(storage *store, size_t size)
{
    cache *k = cache_of(store);
    if (k == NULL) return;
    uint64_t bytes = atomic_fetch_add_explicit(&k->bytes, size, memory_order_relaxed) + size;
    if (bytes > atomic_load_explicit(&k->trigger, memory_order_relaxed)) sweep_run(k);
}

void cache_relieve(cache *k, model_txn *txn)
{
    view_vector views = {0};
    if (k == NULL || !cache_is_full(k) || atomic_load(&k->bytes) < atomic_load(&k->relief)) return;
    if (!sweep_begin(k, &views)) return;
    sweep s = {.cache = k, .pass = PASS_SPILL, .stamp = txn->writer.stamp, .excess = k->budget / 2};
    s.total = atomic_load(&k->bytes);
    uint64_t before = s.total;
    buffer_init(&s.record, RECORD_SIZE_MAX);
    for (size_t i = 0; i < txn->texts.count; i++) block_finish(txn->texts.items[i]);
    visit_view(&s, txn->view);
    txn->view->last = NULL;
    buffer_free(&s.record);
    atomic_fetch_add(&k->epoch, 1);
    free_waiting(k);
    atomic_fetch_sub(&k->bytes, before - s.total);
    /* All blocks were looked at: what could not go now is not asked for again before there is a good deal more. */
    atomic_store(&k->relief, s.total + step_size(k));
    atomic_fetch_add(&k->relieved, 1);
    sweep_end(k, &views);
}
