/* The stored form of collections: small ones in their block, the nodes of others as extents. It must never trust a byte
 * that it reads. Invariant: what is loaded equals what was stored. */
#include "model/codec.h"
#include "model/engine.h"

enum { CELL_EMPTY = 0, CELL_INLINE = 1, CELL_EXTENT = 2 /* and the height */ };

bytes extent_key(uint8_t to[9], uint64_t id)
{
    to[0] = KEY_EXTENT;
    key_put_u64(to + 1, id);
    return bytes_of(to, 9);
}

static status damaged(void)
{
    return fail(ATOLL_ERROR_FILE_CORRUPT,
                "a collection of the realm is damaged: restore a copy, or "
                "delete the realm and download it again");
}

/* ---- cells, in a block ---- */
static status put_leaf(buffer *to, const list_leaf *leaf)
{
    TRY(buffer_append_varint(to, leaf->count));
    return buffer_append(to, leaf->packed, leaf->size);
}

static status put_cell(buffer *to, const list_cell *cell)
{
    const list_leaf *leaf = list_cell_inline(cell);
    TRY(buffer_append_varint(to, cell->life));
    if (cell->root == NULL) return buffer_append_byte(to, CELL_EMPTY);
    if (leaf == NULL) {
        TRY(buffer_append_byte(to, (uint8_t)(CELL_EXTENT + cell->height)));
        TRY(buffer_append_varint(to, cell->root->id));
        TRY(buffer_append_varint(to, cell->count));
        return buffer_append_varint(to, cell->visible);
    }
    TRY(buffer_append_byte(to, CELL_INLINE));
    size_t head = 1;
    for (uint32_t x = leaf->count; x > 127; x >>= 7) head++;
    TRY(buffer_append_varint(to, head + leaf->size));
    return put_leaf(to, leaf);
}

status codec_cells(buffer *to, const block_data *d, size_t rows)
{
    for (size_t i = 0; i < rows; i++) {
        const list_cell *cell = block_cell(d, (uint32_t)i);
        if (cell == NULL) continue;
        TRY(buffer_append_varint(to, i + 1));
        TRY(put_cell(to, cell));
    }
    return buffer_append_varint(to, 0);
}

static status take_root(reader *from, list_cell *cell)
{
    uint8_t kind = reader_byte(from);
    if (from->failed || kind > CELL_EXTENT + LIST_HEIGHT_MAX) return damaged();
    if (kind == CELL_EMPTY) return ATOLL_OK;
    if (kind == CELL_INLINE) {
        list_leaf *leaf = NULL;
        bytes packed = reader_bytes(from);
        if (from->failed) return damaged();
        TRY(leaf_read(packed, &leaf));
        cell->root = list_node_new(true, 0);
        if (cell->root == NULL) {
            memory_free(leaf);
            return ATOLL_ERROR_OUT_OF_MEMORY;
        }
        atomic_init(&cell->root->data, leaf);
        cell->count = leaf->count;
        cell->visible = leaf->visible;
        return leaf->count == 0 ? damaged() : ATOLL_OK;
    }
    uint64_t id = reader_varint(from);
    cell->height = (uint32_t)kind - CELL_EXTENT;
    cell->count = reader_varint(from);
    cell->visible = reader_varint(from);
    bool sound = !from->failed && cell->count != 0 && cell->count <= LIMIT_LIST_COUNT_MAX &&
                 cell->visible <= cell->count;
    if (!sound) return damaged();
    cell->root = list_node_handle(id, cell->height == 0);
    return cell->root == NULL ? ATOLL_ERROR_OUT_OF_MEMORY : ATOLL_OK;
}

status codec_take_cells(reader *from, block_data *d)
{
    list_cell **cells = (list_cell **)(void *)d->slots;
    for (uint64_t row = reader_varint(from); row != 0 && !from->failed; row = reader_varint(from)) {
        if (row > MODEL_BLOCK_ROWS || cells[row - 1] != NULL) return damaged();
        list_cell *cell = cells[row - 1] = list_cell_new(0);
        if (cell == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
        cell->life = reader_varint(from);
        TRY(take_root(from, cell));
    }
    return ATOLL_OK;
}

/* ---- nodes ---- */
static status put_inner(buffer *to, const list_inner *inner)
{
    uint64_t numbers[LIST_FANOUT];
    TRY(buffer_append_byte(to, (uint8_t)inner->used));
    for (uint32_t i = 0; i < inner->used; i++) numbers[i] = inner->children[i].node->id;
    TRY(leaf_numbers_write(to, numbers, inner->used));
    for (uint32_t i = 0; i < inner->used; i++) numbers[i] = inner->children[i].count;
    TRY(leaf_numbers_write(to, numbers, inner->used));
    for (uint32_t i = 0; i < inner->used; i++) numbers[i] = inner->children[i].visible;
    TRY(leaf_numbers_write(to, numbers, inner->used));
    return buffer_append_byte(to, inner->children[0].node->leaf);
}

status codec_list_node(buffer *to, uint64_t version, const list_node *n)
{
    const void *data = atomic_load(&n->data);
    TRY(codec_begin(to, version));
    TRY(buffer_append_byte(to, n->leaf));
    TRY(n->leaf ? put_leaf(to, data) : put_inner(to, data));
    codec_seal(to);
    return ATOLL_OK;
}

static void inner_free(list_inner *inner)
{
    for (uint32_t i = 0; i < inner->used; i++) list_node_release(inner->children[i].node);
    memory_free(inner);
}

/* Numbers are loaded eight bytes at a time: the record gets room behind it. */
static status take_inner(bytes body, list_inner *inner)
{
    uint8_t padded[3 * (LIST_FANOUT * 8 + 11) + 2 + LEAF_PADDING] = {0};
    if (body.size == 0 || body.size > sizeof padded - LEAF_PADDING) return damaged();
    memcpy(padded, body.data, body.size);
    reader r = reader_of(bytes_of(padded, body.size));
    uint32_t used = reader_byte(&r);
    if (used == 0 || used > LIST_FANOUT) return damaged();
    leaf_numbers ids = leaf_numbers_read(&r, used), counts = leaf_numbers_read(&r, used),
                 visibles = leaf_numbers_read(&r, used);
    uint8_t leaves = reader_byte(&r);
    if (r.failed || r.at != r.end || leaves > 1) return damaged();
    for (uint32_t i = 0; i < used; i++) {
        uint64_t count = leaf_number(&counts, i), visible = leaf_number(&visibles, i);
        if (count == 0 || count > LIMIT_LIST_COUNT_MAX || visible > count) return damaged();
        list_node *child = list_node_handle(leaf_number(&ids, i), leaves != 0);
        if (child == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
        inner->children[inner->used++] = (list_child){child, (uint32_t)count, (uint32_t)visible};
    }
    return ATOLL_OK;
}

static status take_node(bytes record, bool leaf, void **out)
{
    reader r;
    uint64_t version = 0;
    TRY(codec_open(record, "a collection", &r, &version));
    bool is_leaf = reader_byte(&r) != 0;
    bytes body = bytes_of(r.at, (size_t)(r.end - r.at));
    if (r.failed || is_leaf != leaf) return damaged();
    if (leaf) {
        list_leaf *read = NULL;
        TRY(leaf_read(body, &read));
        *out = read;
        return ATOLL_OK;
    }
    list_inner *inner = memory_allocate_zero(sizeof *inner);
    if (inner == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    status result = take_inner(body, inner);
    if (result != ATOLL_OK) {
        inner_free(inner);
        return result;
    }
    *out = inner;
    return ATOLL_OK;
}

status store_load_list(storage *store, const list_node *n, void **out)
{
    uint8_t key[9];
    buffer record;
    bool found = false;
    buffer_init(&record, RECORD_SIZE_MAX);
    status result = storage_get(store, extent_key(key, n->id), &record, &found);
    if (result == ATOLL_OK && !found) result = damaged();
    if (result == ATOLL_OK) result = take_node(buffer_view(&record), n->leaf, out);
    buffer_free(&record);
    return result;
}
