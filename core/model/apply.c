/* Operations applied to the version tree: by the transaction that makes them, and again by the replay of the log.
 * It must never decide anything: what is to be done is in the operation. Invariant: an operation of a replayed record
 * changes a segment only when the segment on disk is older than the record. */
#include "model/engine.h"

status apply_own_class(model_txn *txn, class_key c, class_state **out)
{
    if (c == 0 || c > txn->view->class_count)
        return fail(ATOLL_ERROR_FILE_CORRUPT, "an operation names class %u, which does not exist",
                    c);
    class_state **place = &txn->view->classes[c - 1];
    TRY(class_state_own(place, txn->writer.stamp));
    *out = *place;
    return ATOLL_OK;
}

/* *out NULL: the segment on disk has the change already. */
status apply_own_segment(model_txn *txn, class_key c, row_key row, uint64_t gate, segment **out)
{
    class_state *state = NULL;
    segment *last = txn->view->last;
    if (row == 0) return fail(ATOLL_ERROR_FILE_CORRUPT, "an operation names row 0");
    if (gate == 0 && last != NULL && last->class_of == c && last->index == row / MODEL_BLOCK_ROWS) {
        *out = last; /* Writes come in runs: the way to it is owned already. */
        return ATOLL_OK;
    }
    TRY(apply_own_class(txn, c, &state));
    *out = NULL;
    if (gate != 0) {
        segment *old = class_segment(state, row / MODEL_BLOCK_ROWS);
        const segment_data *d = NULL;
        if (old != NULL) TRY(segment_load(txn->writer.store, txn->writer.schema, old, &d));
        if (d != NULL && d->stored_version >= gate) return ATOLL_OK;
    }
    TRY(class_segment_own(&txn->writer, state, row / MODEL_BLOCK_ROWS, out));
    txn->view->last = *out;
    return ATOLL_OK;
}

/* The block if the transaction owns it already, and it is not spilled, or NULL. */
static block *own_block(const model_txn *txn, const segment *s, uint32_t slot)
{
    const segment_data *d = atomic_load_explicit(&s->data, memory_order_relaxed);
    block *b = slot < d->slot_count ? d->blocks[slot] : NULL;
    bool here = b != NULL && b->stamp == txn->writer.stamp &&
                atomic_load_explicit(&b->data, memory_order_relaxed) != NULL &&
                atomic_load_explicit(&b->spill, memory_order_relaxed) == NULL;
    return here ? b : NULL;
}

status apply_set(model_txn *txn, class_key c, row_key row, uint32_t slot, column_type type,
                 const value *v, uint64_t gate)
{
    segment *s = NULL;
    TRY(apply_own_segment(txn, c, row, gate, &s));
    if (s == NULL) return ATOLL_OK;
    block *b = own_block(txn, s, slot);
    if (b == NULL) TRY(segment_block_own(&txn->writer, s, slot, type, &b));
    if (slot > SLOT_FIRST) TRY(track_set(txn, c, slot - SLOT_FIRST, row, b, v, gate));
    return block_set(&txn->writer, b, (uint32_t)(row % MODEL_BLOCK_ROWS), v);
}

/* The short way for a block that is the transaction's own and a property that no index follows. */
static status set_property(model_txn *txn, const operation *o, const model_property *p,
                           uint64_t gate)
{
    segment *s = NULL;
    TRY(apply_own_segment(txn, o->class_of, o->row, gate, &s));
    block *b = s == NULL ? NULL : own_block(txn, s, slot_of(p->key));
    if (b != NULL && !property_is_tracked(p))
        return block_set(&txn->writer, b, (uint32_t)(o->row % MODEL_BLOCK_ROWS), &o->value);
    return apply_set(txn, o->class_of, o->row, slot_of(p->key), column_type_of(p), &o->value, gate);
}

static status find_property(const model_txn *txn, const operation *o, const model_property **out)
{
    const model_class *c = schema_class(txn->writer.schema, o->class_of);
    *out = c == NULL ? NULL : class_property(c, o->property);
    return *out == NULL ? fail(ATOLL_ERROR_FILE_CORRUPT,
                               "an operation names property %u.%u, which does not exist",
                               o->class_of, o->property)
                        : ATOLL_OK;
}

/* Applied twice it would count twice: the gate alone keeps a replay from that. */
static status apply_increment(model_txn *txn, const operation *o, uint64_t gate)
{
    const model_property *p = NULL;
    segment *s = NULL;
    value now;
    TRY(find_property(txn, o, &p));
    if (p->type != VALUE_INT || (p->flags & PROPERTY_COLLECTION) != 0 || o->value.type != VALUE_INT)
        return fail(ATOLL_ERROR_FILE_CORRUPT, "an operation increments '%s', which is no int",
                    p->name);
    TRY(apply_own_segment(txn, o->class_of, o->row, gate, &s));
    if (s == NULL) return ATOLL_OK;
    TRY(read_slot(txn->view, o->class_of, o->row, slot_of(p->key), &now));
    if (now.type != VALUE_INT && column_type_of(p).nullable) return ATOLL_OK;
    uint64_t before = now.type == VALUE_INT ? (uint64_t)now.as.integer : 0;
    value after = value_int((int64_t)(before + (uint64_t)o->value.as.integer));
    return apply_set(txn, o->class_of, o->row, slot_of(p->key), column_type_of(p), &after, gate);
}

static status apply_life(model_txn *txn, const operation *o, uint64_t gate)
{
    class_state *state = NULL;
    segment *s = NULL;
    TRY(apply_own_class(txn, o->class_of, &state));
    if (gate == 0 || state->stored_version < gate) {
        if (o->row >= state->next_row) state->next_row = o->row + 1;
        state->alive_count += (uint64_t)(o->to == ROW_ALIVE) - (uint64_t)(o->from == ROW_ALIVE);
    }
    TRY(apply_own_segment(txn, o->class_of, o->row, gate, &s));
    if (s == NULL) return ATOLL_OK;
    segment_data *d = atomic_load_explicit(&s->data, memory_order_relaxed);
    size_t word = o->row % MODEL_BLOCK_ROWS / 64;
    uint64_t bit = 1ull << (o->row % 64);
    d->alive_count += (uint32_t)(o->to == ROW_ALIVE) - (uint32_t)((d->alive[word] & bit) != 0);
    d->alive[word] = o->to == ROW_ALIVE ? d->alive[word] | bit : d->alive[word] & ~bit;
    d->hidden[word] = o->to == ROW_HIDDEN ? d->hidden[word] | bit : d->hidden[word] & ~bit;
    return ATOLL_OK;
}

status apply_index_key(model_txn *txn, class_key c, uint64_t hash, row_key row, uint64_t gate)
{
    class_state *state = NULL;
    TRY(apply_own_class(txn, c, &state));
    if (state->index == NULL) {
        state->index = index_new(c, INDEX_OF_KEY, txn->writer.stamp);
        if (state->index == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    }
    return index_put(&txn->writer, &state->index, (index_change){hash, row, gate});
}

static status apply_key(model_txn *txn, const operation *o, uint64_t gate)
{
    const model_class *c = schema_class(txn->writer.schema, o->class_of);
    const model_property *p = c == NULL ? NULL : class_property(c, c->primary_key);
    if (p == NULL)
        return fail(ATOLL_ERROR_FILE_CORRUPT,
                    "an operation gives a key to class %u, which has none", o->class_of);
    TRY(apply_set(txn, o->class_of, o->row, slot_of(p->key), column_type_of(p), &o->value, gate));
    return apply_index_key(txn, o->class_of, key_hash(txn->db, &o->value), o->row, gate);
}

static status apply_unkey(model_txn *txn, const operation *o, uint64_t gate)
{
    class_state *state = NULL;
    TRY(apply_own_class(txn, o->class_of, &state));
    if (state->index == NULL) return ATOLL_OK;
    return index_remove(&txn->writer, &state->index, (index_change){o->hash, o->row, gate});
}

static status apply_owner(model_txn *txn, const operation *o, uint64_t gate)
{
    uint8_t element[16];
    memcpy(element, &o->owner.element.counter, 8);
    memcpy(element + 8, &o->owner.element.actor, 8);
    value id = value_uuid(o->id), owner_row = value_int((int64_t)o->owner.row),
          owner_element = value_uuid(element);
    value place = value_int((int64_t)((uint64_t)o->owner.class_of << 32 | o->owner.property));
    TRY(apply_set(txn, o->class_of, o->row, SLOT_IDENTITY, column_type_system(SLOT_IDENTITY), &id,
                  gate));
    TRY(apply_set(txn, o->class_of, o->row, SLOT_OWNER_ROW, column_type_system(SLOT_OWNER_ROW),
                  &owner_row, gate));
    TRY(apply_set(txn, o->class_of, o->row, SLOT_OWNER_PLACE, column_type_system(SLOT_OWNER_PLACE),
                  &place, gate));
    TRY(apply_set(txn, o->class_of, o->row, SLOT_OWNER_ELEMENT,
                  column_type_system(SLOT_OWNER_ELEMENT), &owner_element, gate));
    return apply_index_key(txn, o->class_of, key_hash(txn->db, &id), o->row, gate);
}

static status apply_drop(model_txn *txn, const operation *o, uint64_t gate)
{
    const model_class *c = schema_class(txn->writer.schema, o->class_of);
    segment *s = NULL;
    TRY(apply_own_segment(txn, o->class_of, o->row, gate, &s));
    if (s == NULL || c == NULL) return ATOLL_OK;
    segment_data *d = atomic_load_explicit(&s->data, memory_order_relaxed);
    for (uint32_t slot = 0; slot < d->slot_count; slot++) {
        bool identity = slot <= SLOT_FIRST || slot == slot_of(c->primary_key);
        if (d->blocks[slot] == NULL || (identity && !o->all)) continue;
        if (slot > SLOT_FIRST)
            TRY(track_drop(txn, c->key, slot - SLOT_FIRST, o->row, d->blocks[slot], gate));
        TRY(block_clear_row(&txn->writer, &d->blocks[slot], (uint32_t)(o->row % MODEL_BLOCK_ROWS)));
    }
    return ATOLL_OK;
}

static status own_cell(model_txn *txn, const operation *o, uint64_t gate,
                       const model_property **property, list_cell **out)
{
    const model_property *p = NULL;
    segment *s = NULL;
    block *b = NULL;
    *out = NULL;
    TRY(find_property(txn, o, &p));
    if ((p->flags & PROPERTY_COLLECTION) == 0)
        return fail(ATOLL_ERROR_FILE_CORRUPT, "an operation changes '%s' as a list", p->name);
    *property = p;
    TRY(apply_own_segment(txn, o->class_of, o->row, gate, &s));
    if (s == NULL) return ATOLL_OK;
    TRY(segment_block_own(&txn->writer, s, slot_of(p->key), column_type_of(p), &b));
    return block_own_cell(b, (uint32_t)(o->row % MODEL_BLOCK_ROWS), out);
}

static status store_list(model_txn *txn, list_cell *cell, bytes blob)
{
    list_state state;
    TRY(list_state_read(blob, &state));
    status result = list_cell_store(&txn->writer, cell, &state);
    list_state_free(&state);
    return result;
}

/* Where nothing is merged, an erased element need not be remembered. A set knows its elements by their values. */
static enum list_erasure erasure_of(const model_txn *txn, const model_property *p)
{
    if (!txn->db->options.identity_rows) return LIST_ERASE_WHOLE;
    if ((p->flags & PROPERTY_DICTIONARY) != 0) return LIST_ERASE_IN_DICTIONARY;
    return (p->flags & PROPERTY_SET) != 0 ? LIST_ERASE_IN_SET : LIST_ERASE_IN_LIST;
}

/* What the operation is about to do to the elements. */
static status track_list(model_txn *txn, const operation *o, const list_cell *cell, uint64_t gate)
{
    list_element old = {.erased = true};
    bool enters = o->kind == OP_LIST_INSERT ? !o->element.erased : o->kind == OP_LIST_SET;
    if (o->kind == OP_LIST_MOVE) return ATOLL_OK;
    if (o->kind == OP_LIST_CLEAR || o->kind == OP_LIST_STORE)
        return track_cell(txn, o->class_of, o->property, o->row, cell, false, gate);
    if (o->kind != OP_LIST_INSERT && o->position < list_cell_count(cell))
        TRY(list_cell_element(txn->writer.store, cell, o->position, &old));
    return track_element(txn, o->class_of, o->property, o->row, old.erased ? NULL : &old.value,
                         enters ? &o->element.value : NULL, gate);
}

/* The one place where elements enter and leave a collection, but for OP_DROP, which ends it with its row. */
static status apply_list(model_txn *txn, const operation *o, uint64_t gate)
{
    const tree_writer *w = &txn->writer;
    const model_property *p = NULL;
    list_cell *cell = NULL;
    TRY(own_cell(txn, o, gate, &p, &cell));
    if (cell == NULL) return ATOLL_OK;
    if (property_is_tracked(p)) TRY(track_list(txn, o, cell, gate));
    switch (o->kind) {
    case OP_LIST_INSERT: return list_cell_insert(w, cell, o->position, &o->element);
    case OP_LIST_SET: return list_cell_set(w, cell, o->position, &o->element);
    case OP_LIST_ERASE:
        return list_cell_erase(w, cell, o->position, o->all ? LIST_ERASE_MOVED : erasure_of(txn, p),
                               o->element.touched);
    case OP_LIST_MOVE: return list_cell_move(w, cell, o->position, o->hash);
    case OP_LIST_CLEAR: return list_cell_clear(w, cell, o->position);
    case OP_LIST_STORE:
        TRY(store_list(txn, cell, o->blob));
        return track_cell(txn, o->class_of, p->key, o->row, cell, true, gate);
    default: return fail(ATOLL_ERROR_INTERNAL, "operation %d is none of a list", (int)o->kind);
    }
}

static status apply_schema(model_txn *txn, const operation *o, uint64_t gate)
{
    shared_schema *fresh = memory_allocate_zero(sizeof *fresh);
    if (fresh == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    atomic_init(&fresh->references, 1);
    status result = schema_read(o->blob, &fresh->schema);
    size_t count = fresh->schema.key_count;
    class_state **classes =
        result == ATOLL_OK ? memory_reallocate(txn->view->classes, (count + 1) * sizeof *classes)
                           : NULL;
    if (classes == NULL) {
        shared_schema_release(fresh);
        return result == ATOLL_OK ? ATOLL_ERROR_OUT_OF_MEMORY : result;
    }
    txn->view->classes = classes;
    while (txn->view->class_count < count) {
        class_state *state =
            class_state_new((class_key)(txn->view->class_count + 1), txn->writer.stamp);
        if (state == NULL) {
            shared_schema_release(fresh);
            return ATOLL_ERROR_OUT_OF_MEMORY;
        }
        classes[txn->view->class_count++] = state;
    }
    shared_schema *before = txn->view->schema;
    txn->view->schema = fresh;
    txn->writer.schema = &fresh->schema;
    result = track_schema(txn, &before->schema, gate != 0);
    shared_schema_release(before);
    txn->changes_schema = true;
    return result;
}

status apply_operation(model_txn *txn, const operation *o, uint64_t gate)
{
    const model_property *p = NULL;
    switch (o->kind) {
    case OP_LIFE: return apply_life(txn, o, gate);
    case OP_KEY: return apply_key(txn, o, gate);
    case OP_UNKEY: return apply_unkey(txn, o, gate);
    case OP_DROP: return apply_drop(txn, o, gate);
    case OP_SET: TRY(find_property(txn, o, &p)); return set_property(txn, o, p, gate);
    case OP_INCREMENT: return apply_increment(txn, o, gate);
    case OP_LIST_INSERT:
    case OP_LIST_SET:
    case OP_LIST_ERASE:
    case OP_LIST_CLEAR:
    case OP_LIST_MOVE:
    case OP_LIST_STORE: return apply_list(txn, o, gate);
    case OP_OWNER: return apply_owner(txn, o, gate);
    case OP_REKEY: return apply_index_key(txn, o->class_of, o->hash, o->row, gate);
    case OP_FORGET: return forget_apply(txn, o, gate);
    case OP_ASYMMETRIC: return ATOLL_OK;
    case OP_SCHEMA: return apply_schema(txn, o, gate);
    }
    return fail(ATOLL_ERROR_FILE_CORRUPT, "unknown operation %d", (int)o->kind);
}
