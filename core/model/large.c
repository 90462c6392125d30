/* Values out of line: a text or binary above a kilobyte lies in an extent of its own, so that its block stays small, is
 * not written again with it, and does not bring it along when it is read. It must never change one that a version has:
 * another value is another extent. Invariant: a row with a value out of line has an empty text in the block's heap. */
#include "model/cache.h"
#include "model/codec.h"

static large_value *large_new(uint32_t row, uint32_t size)
{
    large_value *l = memory_allocate_zero(sizeof *l);
    if (l == NULL) return NULL;
    atomic_init(&l->references, 1);
    l->row = row;
    l->size = size;
    return l;
}

large_value *large_retain(large_value *l)
{
    atomic_fetch_add_explicit(&l->references, 1, memory_order_relaxed);
    return l;
}

void large_release(large_value *l)
{
    if (l == NULL || atomic_fetch_sub_explicit(&l->references, 1, memory_order_acq_rel) != 1)
        return;
    memory_free(atomic_load(&l->data));
    memory_free(l);
}

/* Where the row is, or belongs, among the block's. */
static uint32_t position_of(const block_data *d, uint32_t row)
{
    uint32_t low = 0, high = d->large_count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (d->large[middle]->row < row)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

large_value *large_find(const block_data *d, uint32_t row)
{
    if (d->large_count == 0) return NULL;
    uint32_t at = position_of(d, row);
    return at < d->large_count && d->large[at]->row == row ? d->large[at] : NULL;
}

static status large_insert(block_data *d, large_value *l)
{
    uint32_t at = position_of(d, l->row);
    large_value **grown = memory_reallocate(d->large, (d->large_count + 1) * sizeof *grown);
    if (grown == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    memmove(grown + at + 1, grown + at, (d->large_count - at) * sizeof *grown);
    grown[at] = l;
    d->large = grown;
    d->large_count++;
    return ATOLL_OK;
}

status large_set(const tree_writer *w, block_data *d, uint32_t row, bytes text)
{
    large_value *l = large_new(row, (uint32_t)text.size);
    uint8_t *copy = l == NULL ? NULL : memory_allocate(text.size);
    status result = copy == NULL ? ATOLL_ERROR_OUT_OF_MEMORY : ATOLL_OK;
    if (copy != NULL) {
        memcpy(copy, text.data, text.size);
        atomic_init(&l->data, copy);
        l->id = extent_new(w);
        l->born = w->extents->version;
        l->stamp = w->stamp;
        result = large_insert(d, l);
    }
    if (result != ATOLL_OK) {
        large_release(l);
        return result;
    }
    cache_loaded(w->store, text.size);
    return ATOLL_OK;
}

status large_clear(const tree_writer *w, block_data *d, uint32_t row)
{
    if (large_find(d, row) == NULL) return ATOLL_OK;
    uint32_t at = position_of(d, row);
    large_value *l = d->large[at];
    if (l->stamp != w->stamp) TRY(extent_drop(w, l->id, l->born));
    memmove(d->large + at, d->large + at + 1, (d->large_count - at - 1) * sizeof *d->large);
    d->large_count--;
    large_release(l);
    return ATOLL_OK;
}

status large_drop_all(const tree_writer *w, const block_data *d)
{
    for (uint32_t i = 0; i < d->large_count; i++)
        if (d->large[i]->stamp != w->stamp) TRY(extent_drop(w, d->large[i]->id, d->large[i]->born));
    return ATOLL_OK;
}

status large_copy_all(const block_data *from, block_data *to)
{
    to->large = NULL;
    to->large_count = 0;
    if (from->large_count == 0) return ATOLL_OK;
    to->large = memory_allocate(from->large_count * sizeof *to->large);
    if (to->large == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    for (uint32_t i = 0; i < from->large_count; i++) to->large[i] = large_retain(from->large[i]);
    to->large_count = from->large_count;
    return ATOLL_OK;
}

void large_free_all(block_data *d)
{
    for (uint32_t i = 0; i < d->large_count; i++) large_release(d->large[i]);
    memory_free(d->large);
}

/* ---- the stored form ---- */
static status damaged(void)
{
    return fail(ATOLL_ERROR_FILE_CORRUPT, "a large value of the realm is damaged or missing: "
                                          "restore a copy, or delete the realm and download it "
                                          "again");
}

static status load(storage *store, const large_value *l, uint8_t **out)
{
    uint8_t key[9];
    buffer record;
    reader r;
    bool found = false;
    uint64_t version = 0;
    buffer_init(&record, RECORD_SIZE_MAX);
    status result = storage_get(store, extent_key(key, l->id), &record, &found);
    if (result == ATOLL_OK && !found) result = damaged();
    if (result == ATOLL_OK)
        result = codec_open(buffer_view(&record), "a large value", &r, &version);
    if (result == ATOLL_OK && (size_t)(r.end - r.at) != l->size) result = damaged();
    uint8_t *data = result == ATOLL_OK ? memory_allocate(l->size) : NULL;
    if (data != NULL) {
        memcpy(data, r.at, l->size);
        *out = data;
    } else if (result == ATOLL_OK) {
        result = ATOLL_ERROR_OUT_OF_MEMORY;
    }
    buffer_free(&record);
    return result;
}

status large_load(storage *store, large_value *l, bytes *out)
{
    uint8_t *data = atomic_load_explicit(&l->data, memory_order_acquire);
    if (!atomic_load_explicit(&l->used, memory_order_relaxed))
        atomic_store_explicit(&l->used, true, memory_order_relaxed);
    if (data == NULL) {
        uint8_t *loaded = NULL;
        TRY(load(store, l, &loaded));
        if (atomic_compare_exchange_strong(&l->data, &data, loaded)) {
            data = loaded;
            cache_loaded(store, l->size);
        } else {
            memory_free(loaded); /* Another reader was faster. */
        }
    }
    *out = bytes_of(data, l->size);
    return ATOLL_OK;
}

status codec_large(buffer *to, uint64_t version, const large_value *l)
{
    TRY(codec_begin(to, version));
    TRY(buffer_append(to, atomic_load(&l->data), l->size));
    codec_seal(to);
    return ATOLL_OK;
}

status codec_large_list(buffer *to, const block_data *d)
{
    TRY(buffer_append_varint(to, d->large_count));
    for (uint32_t i = 0; i < d->large_count; i++) {
        TRY(buffer_append_varint(to, d->large[i]->row));
        TRY(buffer_append_varint(to, d->large[i]->size));
        TRY(buffer_append_varint(to, d->large[i]->id));
    }
    return ATOLL_OK;
}

status codec_take_large_list(reader *from, block_data *d)
{
    uint64_t count = reader_varint(from), row = 0;
    if (from->failed || count > MODEL_BLOCK_ROWS) return damaged();
    for (uint64_t i = 0; i < count; i++) {
        uint64_t next = reader_varint(from), size = reader_varint(from);
        if (from->failed || next >= MODEL_BLOCK_ROWS || (i != 0 && next <= row) ||
            size > LIMIT_VALUE_SIZE_MAX + 64u) /* a mixed value has its type in front */
            return damaged();
        row = next;
        large_value *l = large_new((uint32_t)row, (uint32_t)size);
        if (l == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
        l->id = reader_varint(from);
        atomic_init(&l->stored, true);
        status result = large_insert(d, l);
        if (result == ATOLL_OK) continue;
        large_release(l);
        return result;
    }
    return ATOLL_OK;
}
