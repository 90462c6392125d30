/* The stored form of index nodes: a record each, named by the bits that its keys share, so that all below a node lie
 * side by side. It must never trust a byte that it reads. Invariant: a parent's record is written after its children's,
 * and what it does not name any more goes in the batch with it: every root on disk finds all that it names. */
#include "model/codec.h"
#include "model/engine.h"

static status damaged(void)
{
    return fail(ATOLL_ERROR_FILE_CORRUPT, "an index of the realm is damaged: restore a copy, or "
                                          "delete the realm and download it again");
}

static bytes name_key(uint8_t to[INDEX_RECORD_KEY_SIZE], const index_node *of, uint64_t prefix,
                      unsigned bits)
{
    to[0] = KEY_INDEX;
    key_put_u32(to + 1, of->class_of);
    key_put_u32(to + 5, of->tree);
    key_put_u64(to + 9, prefix);
    to[17] = (uint8_t)bits;
    return bytes_of(to, INDEX_RECORD_KEY_SIZE);
}

bytes index_record_key(uint8_t to[INDEX_RECORD_KEY_SIZE], const index_node *n)
{
    return name_key(to, n, n->prefix, n->bits);
}

bytes index_dropped_key(uint8_t to[INDEX_RECORD_KEY_SIZE], const index_node *inner, unsigned bit)
{
    unsigned level = 31 - (unsigned)__builtin_clz(bit);
    uint64_t number = bit - (1u << level);
    return name_key(to, inner, inner->prefix | number << (INDEX_KEY_BITS - level) >> inner->bits,
                    inner->bits + level);
}

/* ---- writing ---- */
/* By key: few enough for the simplest sort whose steps shrink. */
static void entries_sort(index_entry *e, size_t count)
{
    static const size_t gaps[] = {301, 132, 57, 23, 10, 4, 1};
    for (size_t g = 0; g < sizeof gaps / sizeof *gaps; g++) {
        for (size_t i = gaps[g]; i < count; i++) {
            index_entry moved = e[i];
            size_t at = i;
            for (; at >= gaps[g] && e[at - gaps[g]].key > moved.key; at -= gaps[g])
                e[at] = e[at - gaps[g]];
            e[at] = moved;
        }
    }
}

static status put_entries(buffer *to, const index_node *n, const index_entry *e, size_t count)
{
    uint64_t before = n->prefix, least = UINT64_MAX, most = 0;
    for (size_t i = 0; i < count; i++) {
        TRY(buffer_append_varint(to, e[i].key - before));
        before = e[i].key;
        if (e[i].value < least) least = e[i].value;
        if (e[i].value > most) most = e[i].value;
    }
    uint8_t width = 0;
    while (width < 8 && count != 0 && (most - least) >> (8 * width) != 0) width++;
    TRY(buffer_append_varint(to, least));
    TRY(buffer_append_byte(to, width));
    TRY(buffer_reserve(to, count * width));
    uint8_t *at = to->data + to->size;
    for (size_t i = 0; i < count; i++)
        for (uint8_t k = 0; k < width; k++) *at++ = (uint8_t)((e[i].value - least) >> (8 * k));
    to->size += count * width;
    return ATOLL_OK;
}

static status put_leaf(buffer *to, const index_node *n, const index_data *d)
{
    index_entry local[INDEX_PLACES_MAX], *sorted = local;
    size_t count = d->count + n->extra_count;
    if (count > INDEX_PLACES_MAX) {
        sorted = memory_allocate(count * sizeof *sorted);
        if (sorted == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    }
    memcpy(sorted, n->extra, n->extra_count * sizeof *sorted);
    count = n->extra_count;
    for (uint32_t i = 0; i < d->places; i++)
        if (index_entries(d)[i].value != 0) sorted[count++] = index_entries(d)[i];
    entries_sort(sorted, count);
    status result = buffer_append_varint(to, count);
    if (result == ATOLL_OK) result = put_entries(to, n, sorted, count);
    if (sorted != local) memory_free(sorted);
    return result;
}

/* A child's places are told by where it begins and which places are taken. */
static status put_inner(buffer *to, const index_data *d)
{
    uint32_t taken = 0, begins = 0;
    for (size_t i = 0; i < INDEX_FANOUT; i = index_run_end(d, i)) {
        if (index_children(d)[i] == NULL) continue;
        begins |= (uint32_t)1 << i;
        for (size_t k = i; k < index_run_end(d, i); k++) taken |= (uint32_t)1 << k;
    }
    TRY(buffer_append_fixed32(to, begins));
    return buffer_append_fixed32(to, taken);
}

status index_encode(buffer *to, uint64_t version, const index_node *n)
{
    const index_data *d = atomic_load(&n->data);
    TRY(codec_begin(to, version));
    TRY(buffer_append_byte(to, index_is_leaf(d)));
    TRY(index_is_leaf(d) ? put_leaf(to, n, d) : put_inner(to, d));
    codec_seal(to);
    return ATOLL_OK;
}

/* ---- reading ---- */
static status take_leaf(reader *r, const index_node *n, index_data **out)
{
    uint64_t count = reader_varint(r);
    if (r->failed || count > (uint64_t)(r->end - r->at)) return damaged();
    index_data *d = index_leaf_data((uint32_t)count);
    index_entry *sorted = memory_allocate((size_t)count * sizeof *sorted + 1);
    status result = d == NULL || sorted == NULL ? ATOLL_ERROR_OUT_OF_MEMORY : ATOLL_OK;
    uint64_t key = n->prefix;
    for (uint64_t i = 0; i < count && result == ATOLL_OK; i++) {
        key += reader_varint(r);
        sorted[i].key = key;
        if (n->bits != 0 && (key ^ n->prefix) >> (INDEX_KEY_BITS - n->bits) != 0)
            result = damaged();
    }
    uint64_t least = reader_varint(r);
    uint8_t width = reader_byte(r);
    bytes values = reader_take(r, r->failed || width > 8 ? SIZE_MAX : (size_t)count * width);
    if (result == ATOLL_OK && r->failed) result = damaged();
    for (uint64_t i = 0; i < count && result == ATOLL_OK; i++) {
        uint64_t value = 0;
        for (uint8_t k = 0; k < width; k++)
            value |= (uint64_t)values.data[i * width + k] << (8 * k);
        sorted[i].value = least + value;
        if (sorted[i].value == 0) result = damaged();
        if (result == ATOLL_OK) index_leaf_insert(d, sorted[i]);
    }
    memory_free(sorted);
    if (result == ATOLL_OK)
        *out = d;
    else
        memory_free(d);
    return result;
}

/* *out may be set on failure too: the caller frees it. */
static status take_inner(reader *r, const index_node *n, index_data **out)
{
    uint32_t begins = reader_fixed32(r), taken = reader_fixed32(r);
    if (r->failed || n->bits + INDEX_FANOUT_BITS > INDEX_KEY_BITS + 1 || (begins & ~taken) != 0)
        return damaged();
    index_data *d = index_inner_data();
    if (d == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    *out = d;
    for (unsigned i = 0; i < INDEX_FANOUT; i++) {
        if ((taken >> i & 1) == 0) continue;
        unsigned width = 1;
        if ((begins >> i & 1) == 0) return damaged();
        while (i + width < INDEX_FANOUT && (taken & ~begins) >> (i + width) & 1) width++;
        if ((width & (width - 1)) != 0 || i % width != 0 || width == INDEX_FANOUT) return damaged();
        uint8_t bits = (uint8_t)(n->bits + INDEX_FANOUT_BITS - __builtin_ctz(width));
        uint64_t prefix = (uint64_t)i << (INDEX_KEY_BITS - INDEX_FANOUT_BITS) >> n->bits;
        index_node *child = bits > INDEX_KEY_BITS
                                ? NULL
                                : index_handle(n->class_of, n->tree, bits, n->prefix | prefix);
        if (child == NULL) return bits > INDEX_KEY_BITS ? damaged() : ATOLL_ERROR_OUT_OF_MEMORY;
        for (unsigned k = 0; k < width; k++) index_children(d)[i + k] = child;
        i += width - 1;
    }
    return ATOLL_OK;
}

static status decode(bytes record, const index_node *n, index_data **out)
{
    reader r;
    uint64_t version = 0;
    index_data *d = NULL;
    TRY(codec_open(record, "an index", &r, &version));
    status result = reader_byte(&r) != 0 ? take_leaf(&r, n, &d) : take_inner(&r, n, &d);
    if (result == ATOLL_OK && (r.failed || r.at != r.end)) result = damaged();
    if (result != ATOLL_OK) {
        index_data_free(d);
        return result;
    }
    d->stored_version = version;
    *out = d;
    return ATOLL_OK;
}

status store_load_index(storage *store, const index_node *n, index_data **out)
{
    uint8_t key[INDEX_RECORD_KEY_SIZE];
    buffer record;
    bool found = false;
    buffer_init(&record, RECORD_SIZE_MAX);
    status result = storage_get_checked(store, index_record_key(key, n), &record, &found);
    if (result == ATOLL_OK) result = found ? decode(buffer_view(&record), n, out) : damaged();
    buffer_free(&record);
    return result;
}

/* The child that a record is of, if it is wanted. */
static index_node *child_named(const index_node *inner, const index_data *d, bytes key)
{
    if (key.size != INDEX_RECORD_KEY_SIZE) return NULL;
    uint64_t prefix = key_get_u64(key.data + 9);
    index_node *child = index_children(d)[index_slot(inner, prefix)];
    bool wanted = child != NULL && child->prefix == prefix && child->bits == key.data[17] &&
                  atomic_load_explicit(&child->data, memory_order_acquire) == NULL;
    return wanted ? child : NULL;
}

/* A child that was not loaded before the snapshot was taken has in it exactly what its handle stands for: a transaction
 * loads a handle before it writes anything else under its key. */
status store_load_index_children(storage *store, const index_node *inner)
{
    enum { READ_MAX = 2 * INDEX_FANOUT }; /* records of grandchildren may lie between */
    const index_data *d = atomic_load_explicit(&inner->data, memory_order_acquire);
    const index_node *first = NULL, *last = NULL;
    for (size_t i = 0; i < INDEX_FANOUT; i = index_run_end(d, i)) {
        const index_node *child = index_children(d)[i];
        if (child == NULL || atomic_load_explicit(&child->data, memory_order_acquire) != NULL)
            continue;
        last = child;
        if (first == NULL) first = child;
    }
    if (first == NULL) return ATOLL_OK;
    /* One byte longer than the last key: just behind it. */
    uint8_t from[INDEX_RECORD_KEY_SIZE], to[INDEX_RECORD_KEY_SIZE + 1] = {0};
    storage_iterator *i = NULL;
    bytes key, record;
    status result = storage_iterate(store, index_record_key(from, first),
                                    bytes_of(to, index_record_key(to, last).size + 1), &i);
    for (int n = 0; n < READ_MAX && result == ATOLL_OK && storage_iterator_next(i, &key, &record);
         n++) {
        index_node *child = child_named(inner, d, key);
        index_data *loaded = NULL;
        if (child == NULL) continue;
        result = decode(record, child, &loaded);
        if (result == ATOLL_OK) (void)index_publish(child, loaded);
    }
    if (result == ATOLL_OK) result = storage_iterator_status(i);
    storage_iterator_free(i);
    return result;
}
