/* Data of properties and classes that the schema has no more: out of the version at once, out of the store with the next
 * checkpoint. It must never touch a column that the schema still names. Invariant: a key that was forgotten is not given
 * again, so what is left in the store belongs to nobody. */
#include "model/codec.h"
#include "model/engine.h"

/* A text block of this transaction waits to be finished: not this one. */
static void drop_text(model_txn *txn, const block *b)
{
    size_t kept = 0;
    for (size_t i = 0; i < txn->texts.count; i++)
        if (txn->texts.items[i] != b) txn->texts.items[kept++] = txn->texts.items[i];
    txn->texts.count = kept;
}

/* What the collections of the column have in the store outside of it. */
static status drop_collections(model_txn *txn, block *b)
{
    const block_data *d = NULL;
    if (b == NULL || (b->type.kind != COLUMN_LIST && b->type.kind != COLUMN_TEXT)) return ATOLL_OK;
    TRY(block_load(txn->writer.store, b, &d));
    if (b->type.kind == COLUMN_TEXT) return large_drop_all(&txn->writer, d);
    for (uint32_t row = 0; row < MODEL_BLOCK_ROWS; row++)
        if (block_cell(d, row) != NULL) TRY(list_cell_drop(&txn->writer, block_cell(d, row)));
    return ATOLL_OK;
}

static status forget_column(model_txn *txn, const operation *o, uint64_t gate)
{
    const class_state *state = txn->view->classes[o->class_of - 1];
    uint64_t end = (state->next_row + MODEL_BLOCK_ROWS - 1) / MODEL_BLOCK_ROWS;
    uint32_t slot = slot_of(o->property);
    for (uint64_t i = 0; i < end; i++) {
        segment *s = class_segment(txn->view->classes[o->class_of - 1], i);
        const segment_data *before = NULL;
        if (s == NULL) continue;
        TRY(segment_load(txn->writer.store, txn->writer.schema, s, &before));
        if (slot >= before->slot_count || before->blocks[slot] == NULL) continue;
        /* Row 0 is no row, but any other of the segment will do. */
        TRY(apply_own_segment(txn, o->class_of, i * MODEL_BLOCK_ROWS + 1, gate, &s));
        if (s == NULL) continue;
        segment_data *d = atomic_load_explicit(&s->data, memory_order_relaxed);
        TRY(drop_collections(txn, d->blocks[slot]));
        if (d->blocks[slot]->stamp == txn->writer.stamp) drop_text(txn, d->blocks[slot]);
        block_release(d->blocks[slot]);
        d->blocks[slot] = NULL;
    }
    return ATOLL_OK;
}

static status drop_collections_of(model_txn *txn, const class_state *state)
{
    uint64_t end = (state->next_row + MODEL_BLOCK_ROWS - 1) / MODEL_BLOCK_ROWS;
    for (uint64_t i = 0; i < end; i++) {
        segment *s = class_segment(state, i);
        const segment_data *d = NULL;
        if (s == NULL) continue;
        TRY(segment_load(txn->writer.store, txn->writer.schema, s, &d));
        for (uint32_t slot = 0; slot < d->slot_count; slot++)
            TRY(drop_collections(txn, d->blocks[slot]));
    }
    return ATOLL_OK;
}

/* Row keys are not given again either. */
static status forget_class(model_txn *txn, class_key c)
{
    TRY(drop_collections_of(txn, txn->view->classes[c - 1]));
    class_state *fresh = class_state_new(c, txn->writer.stamp);
    if (fresh == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    class_state **place = &txn->view->classes[c - 1];
    for (size_t i = txn->texts.count; i > 0; i--)
        if (txn->texts.items[i - 1]->class_of == c) drop_text(txn, txn->texts.items[i - 1]);
    fresh->next_row = (*place)->next_row;
    fresh->stored_version = (*place)->stored_version;
    txn->view->last = NULL;
    class_state_release(*place);
    *place = fresh;
    return ATOLL_OK;
}

status forget_apply(model_txn *txn, const operation *o, uint64_t gate)
{
    class_state *state = NULL;
    TRY(apply_own_class(txn, o->class_of, &state));
    memset(txn->recent, 0, sizeof txn->recent); /* a leaf of what goes may be among them */
    if (o->property == 0 && !o->all) {
        index_release(state->index);
        state->index = NULL;
        return ATOLL_OK;
    }
    TRY(vector_push(&txn->forgotten, ((forgotten){.class_of = o->class_of,
                                                  .property = o->property,
                                                  .version = txn->view->version})));
    return o->property != 0 ? forget_column(txn, o, gate) : forget_class(txn, o->class_of);
}

void forget_publish(model_db *db, const model_txn *txn)
{
    for (size_t i = 0; i < txn->forgotten.count; i++)
        db->forgotten.items[db->forgotten.count++] = txn->forgotten.items[i];
}

/* All records of the class whose key begins with that letter. */
static status delete_of_class(storage_batch *batch, uint8_t letter, class_key c)
{
    uint8_t from[5] = {letter}, to[5] = {letter};
    key_put_u32(from + 1, c);
    key_put_u32(to + 1, c + 1);
    return storage_batch_delete_range(batch, bytes_of(from, 5), bytes_of(to, 5));
}

static status delete_records(storage_batch *batch, const forgotten *f)
{
    uint8_t from[17], to[17];
    if (f->property != 0)
        return storage_batch_delete_range(batch,
                                          block_key(from, f->class_of, slot_of(f->property), 0),
                                          block_key(to, f->class_of, slot_of(f->property) + 1, 0));
    TRY(delete_of_class(batch, KEY_BLOCK, f->class_of));
    return delete_of_class(batch, KEY_INDEX, f->class_of);
}

status forget_records(model_db *db, uint64_t version, storage_batch *batch)
{
    for (size_t i = 0;; i++) {
        forgotten f = {0};
        mutex_lock(&db->lock);
        bool more = i < db->forgotten.count;
        if (more) f = db->forgotten.items[i];
        mutex_unlock(&db->lock);
        if (!more) return ATOLL_OK;
        if (f.version <= version) TRY(delete_records(batch, &f));
    }
}

void forget_done(model_db *db, uint64_t version)
{
    size_t kept = 0;
    for (size_t i = 0; i < db->forgotten.count; i++)
        if (db->forgotten.items[i].version > version)
            db->forgotten.items[kept++] = db->forgotten.items[i];
    db->forgotten.count = kept;
}
