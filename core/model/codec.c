/* The stored form of blocks and segments, and the loading of it. It must never trust a byte that it reads.
 * Invariant: what is loaded equals what was stored; every record has its checksum and the version that it is of. */
#include "model/codec.h"
#include "model/engine.h"

bytes block_key(uint8_t to[17], class_key c, uint32_t slot, uint64_t segment_index)
{
    to[0] = KEY_BLOCK;
    key_put_u32(to + 1, c);
    key_put_u32(to + 5, slot);
    key_put_u64(to + 9, segment_index);
    return bytes_of(to, 17);
}

status codec_begin(buffer *to, uint64_t version)
{
    buffer_clear(to);
    TRY(buffer_append_fixed32(to, 0));
    return buffer_append_fixed64(to, version);
}

void codec_seal(buffer *b)
{
    uint32_t crc = crc32c(0, b->data + 4, b->size - 4);
    for (int i = 0; i < 4; i++) b->data[i] = (uint8_t)(crc >> (8 * i));
}

static status damaged(const char *what)
{
    return fail(
        ATOLL_ERROR_FILE_CORRUPT,
        "%s of the realm is damaged: restore a copy, or delete the realm and download it again",
        what);
}

status codec_open(bytes record, const char *what, reader *body, uint64_t *version)
{
    reader r = reader_of(record);
    uint32_t crc = reader_fixed32(&r);
    if (r.failed || crc != crc32c(0, record.data + 4, record.size - 4)) return damaged(what);
    *version = reader_fixed64(&r);
    *body = r;
    return r.failed ? damaged(what) : ATOLL_OK;
}

/* ---- blocks ---- */
static status put_text(buffer *to, const block_data *d, size_t rows)
{
    const uint32_t *offsets = (const uint32_t *)(const void *)d->slots;
    int64_t sizes[MODEL_BLOCK_ROWS];
    for (size_t i = 0; i < rows; i++) sizes[i] = offsets[i + 1] - offsets[i];
    TRY(pack_integers(to, sizes, 1, rows));
    return buffer_append(to, d->heap, d->heap_size);
}

static status put_floats(buffer *to, const block_data *d, size_t rows)
{
    TRY(buffer_reserve(to, rows * sizeof(float)));
    const double *from = (const double *)(const void *)d->slots;
    for (size_t i = 0; i < rows; i++) {
        float small = (float)from[i];
        memcpy(to->data + to->size + i * sizeof small, &small, sizeof small);
    }
    to->size += rows * sizeof(float);
    return ATOLL_OK;
}

static void take_floats(reader *from, block_data *d, size_t rows)
{
    bytes view = reader_take(from, rows * sizeof(float));
    double *to = (double *)(void *)d->slots;
    for (size_t i = 0; i < rows && !from->failed; i++) {
        float small;
        memcpy(&small, view.data + i * sizeof small, sizeof small);
        to[i] = small;
    }
}

static status put_body(buffer *to, const block_data *d, size_t rows)
{
    const int64_t *slots = (const int64_t *)(const void *)d->slots;
    switch (d->type.kind) {
    case COLUMN_FIXED8:
        if (d->type.type == VALUE_FLOAT) return put_floats(to, d, rows);
        return d->type.type == VALUE_DOUBLE ? buffer_append(to, d->slots, rows * 8)
                                            : pack_integers(to, slots, 1, rows);
    case COLUMN_FIXED16:
        if (d->type.type != VALUE_TIMESTAMP) return buffer_append(to, d->slots, rows * 16);
        TRY(pack_integers(to, slots, 2, rows));
        return pack_integers(to, slots + 1, 2, rows);
    case COLUMN_TEXT: return put_text(to, d, rows);
    case COLUMN_BITS: return pack_bits(to, (const uint64_t *)(const void *)d->slots, rows);
    default: return codec_cells(to, d, rows);
    }
}

/* Rows that hold what a fresh block holds are left out once that saves more than their bits cost. */
enum { SPARSE_MIN = 48 };
enum { BLOCK_NULLABLE = 1, BLOCK_RANGE = 2, BLOCK_SPARSE = 4, BLOCK_NULLS = 8, BLOCK_LARGE = 16 };

static status put_rows(buffer *to, const block_data *d, const uint64_t present[BLOCK_WORDS],
                       size_t count)
{
    block_data *gathered = pack_gather(d, present);
    if (gathered == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    status result = put_body(to, gathered, count);
    pack_gathered_free(gathered);
    return result;
}

bool codec_block_is_empty(const block_data *d)
{
    uint64_t present[BLOCK_WORDS];
    size_t rows = 0;
    if (d->type.kind != COLUMN_LIST)
        return d->large_count == 0 && pack_present(d, present, &rows) == 0;
    for (uint32_t i = 0; i < MODEL_BLOCK_ROWS; i++)
        if (block_cell(d, i) != NULL) return false;
    return true;
}

status codec_block(buffer *to, uint64_t version, const block_data *d)
{
    uint64_t present[BLOCK_WORDS], nulls = 0;
    size_t rows = MODEL_BLOCK_ROWS, count = rows;
    bool sparse = false;
    if (d->type.kind != COLUMN_LIST) {
        count = pack_present(d, present, &rows);
        sparse = rows - count >= SPARSE_MIN && d->type.kind != COLUMN_BITS;
        for (size_t i = 0; i < BLOCK_WORDS; i++) /* a null that is not as in a fresh block */
            if (d->type.nullable)
                nulls |= sparse ? d->null_bits[i] & present[i] : d->null_bits[i] != ~present[i];
        if (d->type.nullable && !sparse && rows != count) nulls = 1;
    }
    uint8_t flags = (uint8_t)(d->type.nullable | d->has_range << 1 | sparse << 2 |
                              (nulls != 0) << 3 | (d->large_count != 0) << 4);
    TRY(codec_begin(to, version));
    TRY(buffer_append_byte(to, d->type.kind));
    TRY(buffer_append_byte(to, d->type.type));
    TRY(buffer_append_byte(to, flags));
    TRY(buffer_append_varint(to, rows));
    if (d->has_range) TRY(buffer_append(to, &d->range, sizeof d->range));
    if (d->large_count != 0) TRY(codec_large_list(to, d));
    if (sparse) TRY(pack_bits(to, present, rows));
    if (nulls != 0) TRY(pack_bits(to, d->null_bits, rows));
    TRY(sparse ? put_rows(to, d, present, count) : put_body(to, d, rows));
    codec_seal(to);
    return ATOLL_OK;
}

static status take_text(reader *from, block_data *d, size_t rows)
{
    uint32_t *offsets = (uint32_t *)(void *)d->slots;
    int64_t sizes[MODEL_BLOCK_ROWS];
    uint64_t total = 0;
    unpack_integers(from, sizes, 1, rows);
    for (size_t i = 0; i < rows && !from->failed; i++) {
        offsets[i] = (uint32_t)total;
        if (sizes[i] < 0 || sizes[i] > UINT32_MAX) from->failed = true;
        total += (uint64_t)sizes[i];
    }
    bytes heap = reader_take(from, from->failed ? 0 : total);
    if (from->failed) return ATOLL_OK;
    for (size_t i = rows; i <= MODEL_BLOCK_ROWS; i++) offsets[i] = (uint32_t)total;
    d->filled = (uint32_t)rows;
    if (total == 0) return ATOLL_OK;
    d->heap = memory_allocate(total);
    if (d->heap == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    memcpy(d->heap, heap.data, total);
    d->heap_size = d->heap_capacity = total;
    return ATOLL_OK;
}

static status take_body(reader *from, block_data *d, size_t rows)
{
    int64_t *slots = (int64_t *)(void *)d->slots;
    bool raw = d->type.type == VALUE_DOUBLE ||
               (d->type.kind == COLUMN_FIXED16 && d->type.type != VALUE_TIMESTAMP);
    if (d->type.kind == COLUMN_TEXT) return take_text(from, d, rows);
    if (d->type.kind == COLUMN_LIST) return codec_take_cells(from, d);
    if (d->type.kind == COLUMN_BITS) {
        unpack_bits(from, (uint64_t *)(void *)d->slots, rows);
        return ATOLL_OK;
    }
    if (raw) {
        bytes view = reader_take(from, rows * (d->type.kind == COLUMN_FIXED16 ? 16 : 8));
        if (!from->failed && view.size != 0) memcpy(d->slots, view.data, view.size);
    } else if (d->type.type == VALUE_FLOAT) {
        take_floats(from, d, rows);
    } else if (d->type.kind == COLUMN_FIXED8) {
        unpack_integers(from, slots, 1, rows);
    } else {
        unpack_integers(from, slots, 2, rows);
        unpack_integers(from, slots + 1, 2, rows);
    }
    return ATOLL_OK;
}

static uint64_t first_bits(size_t count, size_t word)
{
    if (count >= word * 64 + 64) return UINT64_MAX;
    return count <= word * 64 ? 0 : ((uint64_t)1 << (count - word * 64)) - 1;
}

/* Rows that are left out, and those behind the last, are null where the column can be. */
static status take_rows(reader *r, block_data *d, uint8_t flags, size_t rows)
{
    uint64_t present[BLOCK_WORDS], nulls[BLOCK_WORDS] = {0};
    size_t count = 0;
    bool sparse = (flags & BLOCK_SPARSE) != 0;
    if (sparse && (d->type.kind == COLUMN_LIST || d->type.kind == COLUMN_BITS))
        return damaged("a column block");
    if (sparse) unpack_bits(r, present, rows);
    if ((flags & BLOCK_NULLS) != 0) unpack_bits(r, nulls, rows);
    if (r->failed) return ATOLL_OK; /* the caller says it */
    for (size_t i = 0; i < BLOCK_WORDS; i++) {
        uint64_t here = first_bits(rows, i);
        if (!sparse) present[i] = here;
        if (d->type.nullable) d->null_bits[i] = ~present[i] | (nulls[i] & here);
        count += (size_t)__builtin_popcountll(present[i]);
    }
    TRY(take_body(r, d, sparse ? count : rows));
    if (sparse && !r->failed) pack_spread(d, present, count);
    return ATOLL_OK;
}

status codec_block_read(bytes record, column_type type, block_data **out)
{
    reader r;
    uint64_t version = 0;
    TRY(codec_open(record, "a column block", &r, &version));
    uint8_t kind = reader_byte(&r), value_kind = reader_byte(&r), flags = reader_byte(&r);
    uint64_t rows = reader_varint(&r);
    if (r.failed || kind != type.kind || value_kind != type.type ||
        (flags & BLOCK_NULLABLE) != type.nullable || rows > MODEL_BLOCK_ROWS)
        return damaged("a column block");
    block_data *d = block_data_new(type);
    if (d == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    d->has_range = (flags & BLOCK_RANGE) != 0;
    bytes range = reader_take(&r, d->has_range ? sizeof d->range : 0);
    if (!r.failed && range.size != 0) memcpy(&d->range, range.data, range.size);
    status result = ATOLL_OK;
    if ((flags & BLOCK_LARGE) != 0)
        result =
            type.kind == COLUMN_TEXT ? codec_take_large_list(&r, d) : damaged("a column block");
    if (result == ATOLL_OK) result = take_rows(&r, d, flags, (size_t)rows);
    if (result == ATOLL_OK && r.failed) result = damaged("a column block");
    if (result != ATOLL_OK) {
        block_data_free(d);
        return result;
    }
    *out = d;
    return ATOLL_OK;
}

status store_load_block(storage *store, const block *b, block_data **out)
{
    uint8_t key[17];
    buffer record;
    bool found = false;
    buffer_init(&record, RECORD_SIZE_MAX);
    status result = storage_get_checked(store, block_key(key, b->class_of, b->slot, b->segment),
                                        &record, &found);
    if (result == ATOLL_OK && !found && atomic_load(&b->absent)) {
        block_data *d = block_data_new(b->type);
        if (d == NULL) result = ATOLL_ERROR_OUT_OF_MEMORY;
        if (d != NULL) *out = d;
    } else if (result == ATOLL_OK && !found) {
        result = damaged("a column block (it is missing)");
    }
    if (result == ATOLL_OK && found) result = codec_block_read(buffer_view(&record), b->type, out);
    buffer_free(&record);
    return result;
}

/* ---- segments ---- */
static bool is_listed(const block *b)
{
    return b != NULL && !atomic_load(&b->absent);
}

static bool any_bits(const uint64_t bits[BLOCK_WORDS])
{
    uint64_t any = 0;
    for (size_t i = 0; i < BLOCK_WORDS; i++) any |= bits[i];
    return any != 0;
}

/* A segment without rows and columns keeps its version, a few bytes: the replay needs it. */
status codec_segment(buffer *to, uint64_t version, const segment_data *d)
{
    uint32_t present = 0, last = 0;
    bool alive = any_bits(d->alive), hidden = any_bits(d->hidden);
    for (uint32_t i = 0; i < d->slot_count; i++) {
        if (!is_listed(d->blocks[i])) continue;
        present++;
        last = i + 1;
    }
    TRY(codec_begin(to, version));
    TRY(buffer_append_byte(to, (uint8_t)(alive | hidden << 1)));
    if (alive) TRY(buffer_append(to, d->alive, sizeof d->alive));
    if (hidden) TRY(buffer_append(to, d->hidden, sizeof d->hidden));
    TRY(buffer_append_varint(to, last));
    TRY(buffer_append_varint(to, present));
    for (uint32_t i = 0; i < last; i++) {
        if (!is_listed(d->blocks[i])) continue;
        column_type type = d->blocks[i]->type;
        TRY(buffer_append_varint(to, i));
        TRY(buffer_append_byte(to, type.kind));
        TRY(buffer_append_byte(to, type.type));
        TRY(buffer_append_byte(to, type.nullable));
    }
    codec_seal(to);
    return ATOLL_OK;
}

static status take_blocks(reader *r, const segment *s, segment_data *d)
{
    uint64_t slots = reader_varint(r), present = reader_varint(r);
    if (r->failed || slots > LIMIT_PROPERTY_KEYS_MAX + 16 || present > slots)
        return damaged("a segment");
    d->blocks = memory_allocate_zero((slots + 1) * sizeof *d->blocks);
    if (d->blocks == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    d->slot_count = (uint32_t)slots;
    for (uint64_t i = 0; i < present; i++) {
        uint64_t slot = reader_varint(r);
        column_type type = {.kind = reader_byte(r)};
        type.type = reader_byte(r);
        type.nullable = reader_byte(r) != 0;
        if (r->failed || slot >= slots || type.kind < COLUMN_FIXED8 || type.kind > COLUMN_BITS ||
            d->blocks[slot] != NULL)
            return damaged("a segment");
        d->blocks[slot] = block_handle(s->class_of, (uint32_t)slot, s->index, type);
        if (d->blocks[slot] == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    }
    return ATOLL_OK;
}

static status decode_segment(bytes record, const segment *s, segment_data *d)
{
    reader r;
    TRY(codec_open(record, "a segment", &r, &d->stored_version));
    uint8_t flags = reader_byte(&r);
    bytes alive = reader_take(&r, (flags & 1) != 0 ? sizeof d->alive : 0);
    bytes hidden = reader_take(&r, (flags & 2) != 0 ? sizeof d->hidden : 0);
    if (r.failed || flags > 3) return damaged("a segment");
    if (alive.size != 0) memcpy(d->alive, alive.data, alive.size);
    if (hidden.size != 0) memcpy(d->hidden, hidden.data, hidden.size);
    for (size_t i = 0; i < BLOCK_WORDS; i++)
        d->alive_count += (uint32_t)__builtin_popcountll(d->alive[i]);
    return take_blocks(&r, s, d);
}

status store_load_segment(storage *store, const model_schema *schema, const segment *s,
                          segment_data **out)
{
    uint8_t key[17];
    buffer record;
    bool found = false;
    (void)schema;
    segment_data *d = memory_allocate_zero(sizeof *d);
    if (d == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    buffer_init(&record, RECORD_SIZE_MAX);
    status result = storage_get_checked(store, block_key(key, s->class_of, SLOT_HEADER, s->index),
                                        &record, &found);
    if (result == ATOLL_OK && found) result = decode_segment(buffer_view(&record), s, d);
    buffer_free(&record);
    if (result != ATOLL_OK) {
        segment_data_free(d);
        return result;
    }
    *out = d;
    return ATOLL_OK;
}
