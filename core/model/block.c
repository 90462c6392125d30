/* Blocks: one column of 1024 consecutive rows. A block of a published version must never change; one that carries the
 * open transaction's stamp is changed in place. Invariant of text: offsets never decrease, and offsets[filled] is the
 * heap's size. Invariant of the range: every value that is not null lies in it (NaN excepted). */
#include "model/cache.h"
#include "model/tree.h"

column_type column_type_of(const model_property *p)
{
    column_type t = {.type = (uint8_t)p->type, .kind = COLUMN_FIXED8};
    t.nullable =
        (p->flags & PROPERTY_NULLABLE) != 0 || p->type == VALUE_LINK || p->type == VALUE_EMBEDDED;
    if ((p->flags & PROPERTY_COLLECTION) != 0) {
        t.kind = COLUMN_LIST;
        t.nullable = false;
    } else if (p->type == VALUE_STRING || p->type == VALUE_BINARY || p->type == VALUE_MIXED) {
        t.kind = COLUMN_TEXT;
    } else if (p->type == VALUE_TIMESTAMP || p->type == VALUE_UUID || p->type == VALUE_OBJECT_ID ||
               p->type == VALUE_DECIMAL) {
        t.kind = COLUMN_FIXED16;
    } else if (p->type == VALUE_BOOL) {
        t.kind = COLUMN_BITS;
    }
    return t;
}

column_type column_type_system(uint32_t slot)
{
    bool wide = slot == SLOT_IDENTITY || slot == SLOT_OWNER_ELEMENT;
    return (column_type){.kind = wide ? COLUMN_FIXED16 : COLUMN_FIXED8,
                         .type = wide ? VALUE_UUID : VALUE_INT};
}

static size_t slots_size(uint8_t kind)
{
    switch (kind) {
    case COLUMN_FIXED8: return MODEL_BLOCK_ROWS * 8;
    case COLUMN_FIXED16: return MODEL_BLOCK_ROWS * 16;
    case COLUMN_BITS: return BLOCK_WORDS * sizeof(uint64_t);
    case COLUMN_TEXT: return (MODEL_BLOCK_ROWS + 1) * sizeof(uint32_t);
    default: return MODEL_BLOCK_ROWS * sizeof(list_cell *);
    }
}

static uint32_t *offsets_of(const block_data *d)
{
    return (uint32_t *)(uintptr_t)d->slots;
}

static list_cell **cells_of(const block_data *d)
{
    return (list_cell **)(uintptr_t)d->slots;
}

block_data *block_data_new(column_type type)
{
    block_data *d = memory_allocate_zero(sizeof *d + slots_size(type.kind));
    if (d == NULL) return NULL;
    atomic_init(&d->references, 1);
    d->type = type;
    if (type.nullable) memset(d->null_bits, 0xff, sizeof d->null_bits);
    /* A row that was never set reads as zero in a required column, so zero is in the range from the start. */
    d->has_range = !type.nullable && (type.type == VALUE_INT || type.type == VALUE_BOOL ||
                                      type.type == VALUE_DOUBLE || type.type == VALUE_FLOAT);
    return d;
}

block_data *block_data_retain(block_data *d)
{
    atomic_fetch_add_explicit(&d->references, 1, memory_order_relaxed);
    return d;
}

size_t block_data_size(const block_data *d)
{
    return sizeof *d + slots_size(d->type.kind) + d->heap_capacity +
           d->large_count * (sizeof(large_value) + sizeof(large_value *));
}

/* The cells of lists are shared by versions one by one. */
bool block_is_evictable(const block_data *d)
{
    return d != NULL && d->type.kind != COLUMN_LIST;
}

void block_data_free(block_data *d)
{
    if (d == NULL || atomic_fetch_sub_explicit(&d->references, 1, memory_order_acq_rel) != 1)
        return;
    if (d->type.kind == COLUMN_LIST)
        for (size_t i = 0; i < MODEL_BLOCK_ROWS; i++) list_cell_release(cells_of(d)[i]);
    large_free_all(d);
    memory_free(d->heap);
    memory_free(d);
}

block *block_handle(class_key c, uint32_t slot, uint64_t segment_index, column_type type)
{
    block *b = memory_allocate_zero(sizeof *b);
    if (b == NULL) return NULL;
    atomic_init(&b->references, 1);
    atomic_init(&b->stored, true);
    b->type = type;
    b->class_of = c;
    b->slot = slot;
    b->segment = segment_index;
    return b;
}

static status texts_push(const tree_writer *w, block *b)
{
    if (b->type.kind != COLUMN_TEXT || w->texts == NULL) return ATOLL_OK;
    return vector_push(w->texts, b);
}

block *block_new(const tree_writer *w, class_key c, uint32_t slot, uint64_t segment_index,
                 column_type type)
{
    block *b = block_handle(c, slot, segment_index, type);
    if (b == NULL) return NULL;
    atomic_init(&b->stored, false);
    b->stamp = w->stamp;
    atomic_init(&b->data, block_data_new(type));
    if (atomic_load(&b->data) != NULL && texts_push(w, b) == ATOLL_OK) {
        cache_loaded(w->store, block_data_size(atomic_load(&b->data)));
        return b;
    }
    block_release(b);
    return NULL;
}

block *block_retain(block *b)
{
    if (b != NULL) atomic_fetch_add_explicit(&b->references, 1, memory_order_relaxed);
    return b;
}

void block_release(block *b)
{
    if (b == NULL || atomic_fetch_sub_explicit(&b->references, 1, memory_order_acq_rel) != 1)
        return;
    block_data_free(atomic_load(&b->data));
    cache_drop_spilled(atomic_load(&b->spill));
    memory_free(b);
}

status block_load(storage *store, block *b, const block_data **out)
{
    block_data *d = atomic_load_explicit(&b->data, memory_order_acquire);
    if (d == NULL) {
        block_data *loaded = NULL;
        const struct block_spill *spill = atomic_load(&b->spill);
        TRY(spill == NULL ? store_load_block(store, b, &loaded)
                          : cache_load_spilled(store, b, spill, &loaded));
        atomic_store_explicit(&b->used, true, memory_order_relaxed);
        if (atomic_compare_exchange_strong(&b->data, &d, loaded)) {
            d = loaded;
            cache_loaded(store, block_data_size(d));
        } else {
            block_data_free(loaded); /* Another reader was faster; d is theirs. */
        }
    } else if (!atomic_load_explicit(&b->used, memory_order_relaxed)) {
        atomic_store_explicit(&b->used, true, memory_order_relaxed);
    }
    *out = d;
    return ATOLL_OK;
}

static block_data *data_copy(const block_data *from)
{
    size_t size = sizeof *from + slots_size(from->type.kind);
    block_data *d = memory_allocate(size);
    if (d == NULL) return NULL;
    size_t first = offsetof(block_data, type); /* others count their references to it meanwhile */
    memcpy((uint8_t *)d + first, (const uint8_t *)from + first, size - first);
    atomic_init(&d->references, 1);
    d->heap = NULL;
    d->heap_capacity = 0;
    if (large_copy_all(from, d) != ATOLL_OK) {
        memory_free(d);
        return NULL;
    }
    if (from->heap_size != 0) {
        d->heap_capacity = from->heap_size + from->heap_size / 8 + 64;
        d->heap = memory_allocate(d->heap_capacity);
        if (d->heap == NULL) {
            large_free_all(d);
            memory_free(d);
            return NULL;
        }
        memcpy(d->heap, from->heap, from->heap_size);
    }
    if (d->type.kind == COLUMN_LIST)
        for (size_t i = 0; i < MODEL_BLOCK_ROWS; i++)
            if (cells_of(d)[i] != NULL)
                atomic_fetch_add_explicit(&cells_of(d)[i]->references, 1, memory_order_relaxed);
    return d;
}

/* Its own block: what was spilled of it comes back, and is void once it is changed. */
static status own_again(const tree_writer *w, block *b)
{
    const block_data *d = atomic_load_explicit(&b->data, memory_order_relaxed);
    block_spill *spill = atomic_load_explicit(&b->spill, memory_order_relaxed);
    if (d == NULL) TRY(block_load(w->store, b, &d));
    if (spill == NULL) return ATOLL_OK;
    atomic_store(&b->spill, NULL);
    cache_drop_spilled(spill);
    return ATOLL_OK;
}

status block_own(const tree_writer *w, block **place)
{
    block *old = *place;
    if (old->stamp == w->stamp) return own_again(w, old);
    const block_data *from = NULL;
    atomic_store(&old->superseded, true); /* first: see cache.c */
    TRY(block_load(w->store, old, &from));
    block *fresh = block_handle(old->class_of, old->slot, old->segment, old->type);
    if (fresh == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    atomic_init(&fresh->stored, false);
    fresh->stamp = w->stamp;
    atomic_init(&fresh->data, data_copy(from));
    if (atomic_load(&fresh->data) == NULL || texts_push(w, fresh) != ATOLL_OK) {
        block_release(fresh);
        return ATOLL_ERROR_OUT_OF_MEMORY;
    }
    *place = fresh;
    block_release(old);
    cache_loaded(w->store, block_data_size(atomic_load(&fresh->data)));
    return ATOLL_OK;
}

static void set_null_bit(block_data *d, uint32_t row, bool null)
{
    uint64_t bit = 1ull << (row % 64);
    if (!d->type.nullable) return;
    if (null)
        d->null_bits[row / 64] |= bit;
    else
        d->null_bits[row / 64] &= ~bit;
}

static void widen_integer(block_data *d, int64_t i)
{
    if (!d->has_range) d->range.integer.minimum = d->range.integer.maximum = i;
    if (i < d->range.integer.minimum) d->range.integer.minimum = i;
    if (i > d->range.integer.maximum) d->range.integer.maximum = i;
    d->has_range = true;
}

static void widen_real(block_data *d, double x)
{
    if (x != x) return;
    if (!d->has_range) d->range.real.minimum = d->range.real.maximum = x;
    if (x < d->range.real.minimum) d->range.real.minimum = x;
    if (x > d->range.real.maximum) d->range.real.maximum = x;
    d->has_range = true;
}

static void set_fixed8(block_data *d, uint32_t row, const value *v)
{
    int64_t *slot = (int64_t *)(void *)d->slots + row;
    switch (v->type) {
    case VALUE_INT:
        *slot = v->as.integer;
        widen_integer(d, *slot);
        return;
    case VALUE_FLOAT:
    case VALUE_DOUBLE:
        memcpy(slot, &v->as.real, sizeof *slot);
        widen_real(d, v->as.real);
        return;
    default: *slot = (int64_t)v->as.row; return;
    }
}

static void set_bit(block_data *d, uint32_t row, bool on)
{
    uint64_t *word = (uint64_t *)(void *)d->slots + row / 64, bit = (uint64_t)1 << (row % 64);
    *word = on ? *word | bit : *word & ~bit;
    widen_integer(d, on);
}

static void set_fixed16(block_data *d, uint32_t row, const value *v)
{
    uint8_t *slot = d->slots + (size_t)row * 16;
    int64_t pair[2] = {v->as.timestamp.seconds, v->as.timestamp.nanoseconds};
    if (v->type == VALUE_TIMESTAMP) {
        memcpy(slot, pair, sizeof pair);
        return;
    }
    if (v->type == VALUE_DECIMAL) {
        value_decimal_turn(slot, v->as.id);
        return;
    }
    memset(slot, 0, 16);
    memcpy(slot, v->as.id, v->type == VALUE_OBJECT_ID ? 12 : 16);
}

/* Makes room for `extra` more bytes. The old heap is given back for the caller to free after it has copied its source,
 * which may lie in it. */
static status heap_reserve(block_data *d, size_t extra, uint8_t **old)
{
    *old = NULL;
    if (d->heap_size + extra > UINT32_MAX) /* Large values lie out of line. */
        return fail(ATOLL_ERROR_INTERNAL, "a column block of %zu bytes", d->heap_size + extra);
    if (d->heap_size + extra <= d->heap_capacity) return ATOLL_OK;
    size_t capacity = d->heap_capacity * 2 < 1024 ? 1024 : d->heap_capacity * 2;
    while (capacity < d->heap_size + extra) capacity *= 2;
    uint8_t *heap = memory_allocate(capacity);
    if (heap == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    if (d->heap_size != 0) memcpy(heap, d->heap, d->heap_size);
    *old = d->heap;
    d->heap = heap;
    d->heap_capacity = capacity;
    return ATOLL_OK;
}

static status append_text(block_data *d, uint32_t row, bytes text)
{
    uint32_t *offsets = offsets_of(d);
    uint8_t *old = NULL;
    TRY(heap_reserve(d, text.size, &old));
    if (text.size != 0) memmove(d->heap + d->heap_size, text.data, text.size);
    memory_free(old);
    for (uint32_t i = d->filled; i <= row; i++) offsets[i] = (uint32_t)d->heap_size;
    d->heap_size += text.size;
    offsets[row + 1] = (uint32_t)d->heap_size;
    d->filled = row + 1;
    return ATOLL_OK;
}

/* Puts another text into the middle: what follows moves. */
static status splice_text(block_data *d, uint32_t row, bytes text)
{
    uint32_t *offsets = offsets_of(d);
    uint32_t start = offsets[row], old_size = offsets[row + 1] - start;
    uint8_t *old = NULL, *copy = NULL;
    if (text.size > old_size) TRY(heap_reserve(d, text.size - old_size, &old));
    bool inside = text.size != 0 && text.data >= d->heap && text.data < d->heap + d->heap_size;
    if (inside) { /* The move below would tear the source. */
        copy = memory_allocate(text.size);
        if (copy == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
        memcpy(copy, text.data, text.size);
        text.data = copy;
    }
    size_t tail = d->heap_size - start - old_size;
    if (tail != 0 && text.size != old_size)
        memmove(d->heap + start + text.size, d->heap + start + old_size, tail);
    if (text.size != 0) memcpy(d->heap + start, text.data, text.size);
    memory_free(old);
    memory_free(copy);
    int64_t grown = (int64_t)text.size - (int64_t)old_size;
    if (grown != 0)
        for (uint32_t i = row + 1; i <= d->filled; i++)
            offsets[i] = (uint32_t)((int64_t)offsets[i] + grown);
    d->heap_size = (size_t)((int64_t)d->heap_size + grown);
    return ATOLL_OK;
}

/* The heap of a row with a value out of line is empty. The text may lie in the value that it replaces. */
static status set_text(const tree_writer *w, block_data *d, uint32_t row, bytes text)
{
    large_value *old = large_find(d, row);
    if (old != NULL) {
        large_retain(old);
        status result = large_clear(w, d, row);
        if (result == ATOLL_OK) result = set_text(w, d, row, text);
        large_release(old);
        return result;
    }
    if (text.size >= LARGE_SIZE_MIN) {
        TRY(large_set(w, d, row, text));
        text = bytes_of(NULL, 0);
    }
    bool fresh = row >= d->filled;
    if (fresh && text.size == 0) return ATOLL_OK;
    return fresh ? append_text(d, row, text) : splice_text(d, row, text);
}

static status set_mixed(const tree_writer *w, block_data *d, uint32_t row, const value *v)
{
    buffer packed;
    buffer_init(&packed, LIMIT_VALUE_SIZE_MAX + 64u);
    status result = v->type == VALUE_NULL ? ATOLL_OK : value_write(&packed, v);
    if (result == ATOLL_OK) result = set_text(w, d, row, buffer_view(&packed));
    buffer_free(&packed);
    return result;
}

status block_set(const tree_writer *w, block *b, uint32_t row, const value *v)
{
    block_data *d = atomic_load_explicit(&b->data, memory_order_relaxed);
    bool null = v->type == VALUE_NULL;
    value zero; /* looked up only when it is needed */
    if (null) {
        /* An embedded slot keeps the last row behind its null bit. */
        if (!d->type.nullable) return fail(ATOLL_ERROR_INTERNAL, "null for a required column");
        zero = value_zero((value_type)d->type.type);
        v = &zero;
    }
    if (d->type.type == VALUE_MIXED) {
        TRY(set_mixed(w, d, row, v));
    } else if (d->type.kind == COLUMN_TEXT) {
        TRY(set_text(w, d, row, v->as.text));
    } else if (!null || d->type.type == VALUE_LINK) {
        if (d->type.kind == COLUMN_FIXED8)
            set_fixed8(d, row, v);
        else if (d->type.kind == COLUMN_BITS)
            set_bit(d, row, v->as.boolean);
        else
            set_fixed16(d, row, v);
    }
    set_null_bit(d, row, null);
    return ATOLL_OK;
}

static bytes text_at(const block_data *d, uint32_t row)
{
    if (row >= d->filled) return bytes_of(NULL, 0);
    const uint32_t *offsets = offsets_of(d);
    return bytes_of(d->heap + offsets[row], offsets[row + 1] - offsets[row]);
}

static bool bit_at(const block_data *d, uint32_t row)
{
    return model_window_bit((const uint64_t *)(const void *)d->slots, row);
}

void block_get(const block_data *d, uint32_t row, value *out)
{
    if (block_is_null(d, row)) {
        *out = value_null();
        return;
    }
    const uint8_t *slot = d->slots + (size_t)row * (d->type.kind == COLUMN_FIXED16 ? 16 : 8);
    int64_t pair[2];
    out->type = (value_type)d->type.type;
    switch (out->type) {
    case VALUE_BOOL: out->as.boolean = bit_at(d, row); return;
    case VALUE_INT: memcpy(&out->as.integer, slot, 8); return;
    case VALUE_FLOAT:
    case VALUE_DOUBLE: memcpy(&out->as.real, slot, 8); return;
    case VALUE_LINK:
    case VALUE_EMBEDDED: memcpy(&out->as.row, slot, 8); return;
    case VALUE_STRING:
    case VALUE_BINARY: out->as.text = text_at(d, row); return;
    case VALUE_MIXED: *out = value_unpack(text_at(d, row)); return;
    case VALUE_TIMESTAMP:
        memcpy(pair, slot, sizeof pair);
        out->as.timestamp.seconds = pair[0];
        out->as.timestamp.nanoseconds = (int32_t)pair[1];
        return;
    case VALUE_DECIMAL: value_decimal_turn(out->as.id, slot); return;
    case VALUE_UUID:
    case VALUE_OBJECT_ID: memcpy(out->as.id, slot, 16); return;
    default: *out = value_null(); return;
    }
}

status block_read(storage *store, const block_data *d, uint32_t row, value *out)
{
    block_get(d, row, out);
    large_value *l = large_find(d, row);
    bytes text;
    if (l == NULL) return ATOLL_OK;
    TRY(large_load(store, l, &text));
    if (d->type.type == VALUE_MIXED)
        *out = value_unpack(text);
    else
        out->as.text = text;
    return ATOLL_OK;
}

void block_finish(block *b)
{
    block_data *d = atomic_load_explicit(&b->data, memory_order_relaxed);
    if (d == NULL || d->type.kind != COLUMN_TEXT) return;
    uint32_t *offsets = offsets_of(d);
    for (uint32_t i = d->filled; i <= MODEL_BLOCK_ROWS; i++) offsets[i] = (uint32_t)d->heap_size;
}

/* True when the row holds what a fresh block holds. */
static bool row_is_empty(const block_data *d, uint32_t row)
{
    if (d->type.kind == COLUMN_LIST) return cells_of(d)[row] == NULL;
    if (d->type.kind == COLUMN_TEXT)
        return (!d->type.nullable || block_is_null(d, row)) && text_at(d, row).size == 0 &&
               large_find(d, row) == NULL;
    if (d->type.nullable) return block_is_null(d, row);
    if (d->type.kind == COLUMN_BITS) return !bit_at(d, row);
    static const uint8_t zeros[16];
    size_t width = d->type.kind == COLUMN_FIXED16 ? 16 : 8;
    return memcmp(d->slots + row * width, zeros, width) == 0;
}

status block_clear_row(const tree_writer *w, block **place, uint32_t row)
{
    const block_data *now = NULL;
    TRY(block_load(w->store, *place, &now));
    if (row_is_empty(now, row)) return ATOLL_OK;
    TRY(block_own(w, place));
    block_data *d = atomic_load(&(*place)->data);
    if (d->type.kind == COLUMN_LIST) {
        TRY(list_cell_drop(w, cells_of(d)[row]));
        list_cell_release(cells_of(d)[row]);
        cells_of(d)[row] = NULL;
        return ATOLL_OK;
    }
    value zero = value_zero((value_type)d->type.type);
    if (d->type.nullable) zero = value_null();
    return block_set(w, *place, row, &zero);
}

list_cell *block_cell(const block_data *d, uint32_t row)
{
    return cells_of(d)[row];
}

status block_own_cell(block *b, uint32_t row, list_cell **out)
{
    list_cell **place = &cells_of(atomic_load(&b->data))[row];
    if (*place == NULL) {
        *place = list_cell_new(b->stamp);
        if (*place == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    }
    TRY(list_cell_own(place, b->stamp));
    *out = *place;
    return ATOLL_OK;
}
