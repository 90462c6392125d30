/* What indexes know of the cells: each change of a cell goes into the indexes of its property, in the transaction that
 * makes it and again in the replay. It must never look at the life of a row: readers do.
 * Invariant: an index of values has exactly the cells that differ from those of a row that was never written; backlinks
 * have exactly the links, each as often as it is there; full text has exactly the words of each text. */
#include "base/words.h"
#include "model/engine.h"

enum {
    KIND_VALUES = 1 << INDEX_OF_VALUES,
    KIND_BACKLINKS = 1 << INDEX_OF_BACKLINKS,
    KIND_TEXT = 1 << INDEX_OF_TEXT
};

typedef struct tracked {
    model_txn *txn;
    class_state *state;
    const model_property *property;
    row_key row;
    uint64_t gate;
    unsigned kinds;
} tracked;

static unsigned kinds_of(const model_property *p)
{
    unsigned kinds = 0;
    bool single = (p->flags & PROPERTY_COLLECTION) == 0;
    bool key = (p->flags & PROPERTY_PRIMARY_KEY) != 0;
    if (single && !key && (p->flags & PROPERTY_INDEXED) != 0) kinds |= KIND_VALUES;
    if (single && p->type == VALUE_STRING && (p->flags & PROPERTY_FULL_TEXT) != 0)
        kinds |= KIND_TEXT;
    if (p->type == VALUE_LINK || p->type == VALUE_MIXED) kinds |= KIND_BACKLINKS;
    return kinds;
}

bool property_is_tracked(const model_property *p)
{
    return kinds_of(p) != 0;
}

/* ---- what a value is filed under ---- */
/* Numbers that are equal are filed together whatever their type is, and so are string and binary. */
uint64_t index_value_hash(const model_db *db, const value *v)
{
    value like = *v;
    if (v->type == VALUE_BINARY) like.type = VALUE_STRING;
    if (v->type == VALUE_FLOAT || v->type == VALUE_DOUBLE) {
        double real = v->as.real;
        bool whole = real > -9.2e18 && real < 9.2e18 && real == (double)(int64_t)real;
        if (real != real) return key_hash(db, &(value){.type = VALUE_NULL});
        like = whole ? value_int((int64_t)real) : value_double(real);
    }
    return key_hash(db, &like);
}

uint64_t index_link_first(const value *link)
{
    if (link->type == VALUE_TYPED_LINK)
        return link->as.link.row + (uint64_t)link->as.link.class_of * 0x9e3779b1u;
    return link->as.row;
}

bool value_is_blank(const model_property *p, const value *v)
{
    if (v->type == VALUE_NULL || column_type_of(p).nullable) return v->type == VALUE_NULL;
    static const uint8_t zeros[16];
    value zero;
    switch (v->type) {
    case VALUE_BOOL: return !v->as.boolean;
    case VALUE_INT: return v->as.integer == 0;
    case VALUE_STRING:
    case VALUE_BINARY: return v->as.text.size == 0;
    case VALUE_TIMESTAMP: return v->as.timestamp.seconds == 0 && v->as.timestamp.nanoseconds == 0;
    case VALUE_DOUBLE: /* asked for beside integers */
    case VALUE_FLOAT:
    case VALUE_DECIMAL: zero = value_int(0); return value_compare_numbers(v, &zero) == 0;
    case VALUE_UUID: return memcmp(v->as.id, zeros, 16) == 0;
    case VALUE_OBJECT_ID: return memcmp(v->as.id, zeros, 12) == 0;
    default: return false;
    }
}

/* ---- one cell ---- */
static status tree_of(const tracked *t, uint32_t kind, index_node ***out)
{
    uint32_t tree = index_tree(t->property->key, kind);
    class_index *found = class_tree(t->state, tree);
    if (found == NULL)
        return fail(ATOLL_ERROR_FILE_CORRUPT,
                    "the property '%s' has lost its index: export the "
                    "realm to another one",
                    t->property->name);
    *out = &found->root;
    return ATOLL_OK;
}

static status file_value(const tracked *t, const value *v, bool enters)
{
    index_node **root = NULL;
    if (value_is_blank(t->property, v)) return ATOLL_OK;
    TRY(tree_of(t, INDEX_OF_VALUES, &root));
    index_change c = {index_pair(index_value_hash(t->txn->db, v), t->row), t->row, t->gate};
    return enters ? index_put(&t->txn->writer, root, c) : index_remove(&t->txn->writer, root, c);
}

static status file_link(const tracked *t, const value *v, bool enters)
{
    index_node **root = NULL;
    if (v->type != VALUE_LINK && v->type != VALUE_TYPED_LINK) return ATOLL_OK;
    TRY(tree_of(t, INDEX_OF_BACKLINKS, &root));
    index_change c = {index_pair(index_link_first(v), t->row), 1, t->gate};
    return enters ? index_count_up(&t->txn->writer, root, c)
                  : index_count_down(&t->txn->writer, root, c);
}

static status file_words(const tracked *t, const value *v, bool enters)
{
    index_node **root = NULL;
    if (v->type != VALUE_STRING) return ATOLL_OK;
    TRY(tree_of(t, INDEX_OF_TEXT, &root));
    word_reader words = words_of(v->as.text);
    uint8_t word[WORD_SIZE_MAX];
    size_t size = 0;
    while (word_next(&words, word, &size)) {
        value token = value_string(bytes_of(word, size));
        index_change c = {index_pair(key_hash(t->txn->db, &token), t->row), t->row, t->gate};
        TRY(enters ? index_put(&t->txn->writer, root, c) : index_remove(&t->txn->writer, root, c));
    }
    return ATOLL_OK;
}

static status file(const tracked *t, const value *v, bool enters)
{
    if ((t->kinds & KIND_VALUES) != 0) TRY(file_value(t, v, enters));
    if ((t->kinds & KIND_BACKLINKS) != 0) TRY(file_link(t, v, enters));
    if ((t->kinds & KIND_TEXT) != 0) TRY(file_words(t, v, enters));
    return ATOLL_OK;
}

/* False: no index knows the property. */
static bool begin(model_txn *txn, class_key c, property_key p, row_key row, uint64_t gate,
                  tracked *out)
{
    const model_class *class_of = schema_class(txn->writer.schema, c);
    if (txn->db->options.plain || class_of == NULL || !class_of->tracked) return false;
    const model_property *property = class_property(class_of, p);
    *out = (tracked){.txn = txn, .property = property, .row = row, .gate = gate};
    if (property != NULL) out->kinds = kinds_of(property);
    return out->kinds != 0;
}

static status own_state(tracked *t, class_key c)
{
    class_state **place = &t->txn->view->classes[c - 1];
    TRY(class_state_own(place, t->txn->writer.stamp));
    t->state = *place;
    return ATOLL_OK;
}

status track_set(model_txn *txn, class_key c, property_key p, row_key row, const block *b,
                 const value *v, uint64_t gate)
{
    tracked t;
    value old;
    if (!begin(txn, c, p, row, gate, &t)) return ATOLL_OK;
    TRY(block_read(txn->writer.store, atomic_load_explicit(&b->data, memory_order_relaxed),
                   (uint32_t)(row % MODEL_BLOCK_ROWS), &old));
    if (value_equal(&old, v)) return ATOLL_OK;
    TRY(own_state(&t, c));
    TRY(file(&t, &old, false));
    return file(&t, v, true);
}

static status file_cell(const tracked *t, const list_cell *cell, bool enters)
{
    list_walk walk = {.store = t->txn->writer.store, .cell = cell};
    list_element e;
    while (list_walk_next(&walk, &e)) TRY(file(t, &e.value, enters));
    return walk.result;
}

/* Everything in a cell of the block. */
static status file_row(tracked *t, const block_data *d, row_key row, bool enters)
{
    uint32_t at = (uint32_t)(row % MODEL_BLOCK_ROWS);
    value v;
    t->row = row;
    if (d->type.kind == COLUMN_LIST) return file_cell(t, block_cell(d, at), enters);
    TRY(block_read(t->txn->writer.store, d, at, &v));
    return file(t, &v, enters);
}

status track_drop(model_txn *txn, class_key c, property_key p, row_key row, block *b, uint64_t gate)
{
    tracked t;
    const block_data *d = NULL;
    if (!begin(txn, c, p, row, gate, &t)) return ATOLL_OK;
    TRY(block_load(txn->writer.store, b, &d));
    TRY(own_state(&t, c));
    return file_row(&t, d, row, false);
}

status track_element(model_txn *txn, class_key c, property_key p, row_key row, const value *left,
                     const value *entered, uint64_t gate)
{
    tracked t;
    if (!begin(txn, c, p, row, gate, &t)) return ATOLL_OK;
    TRY(own_state(&t, c));
    if (left != NULL) TRY(file(&t, left, false));
    return entered == NULL ? ATOLL_OK : file(&t, entered, true);
}

status track_cell(model_txn *txn, class_key c, property_key p, row_key row, const list_cell *cell,
                  bool enters, uint64_t gate)
{
    tracked t;
    if (!begin(txn, c, p, row, gate, &t)) return ATOLL_OK;
    TRY(own_state(&t, c));
    return file_cell(&t, cell, enters);
}

/* ---- whole indexes, when the schema changes ---- */
/* A segment that is newer than the record that is replayed has what it will have: its later changes are passed over. */
static status build(tracked *t, class_key c)
{
    const tree_writer *w = &t->txn->writer;
    uint32_t slot = slot_of(t->property->key);
    TRY(own_state(t, c));
    uint64_t end = (t->state->next_row + MODEL_BLOCK_ROWS - 1) / MODEL_BLOCK_ROWS;
    for (uint64_t i = 0; i < end; i++) {
        segment *s = class_segment(t->state, i);
        const segment_data *now = NULL;
        const block_data *d = NULL;
        if (s != NULL) TRY(segment_load(w->store, w->schema, s, &now));
        if (now == NULL || slot >= now->slot_count || now->blocks[slot] == NULL) continue;
        TRY(block_load(w->store, now->blocks[slot], &d));
        for (row_key row = i * MODEL_BLOCK_ROWS; row < (i + 1) * MODEL_BLOCK_ROWS; row++)
            TRY(file_row(t, d, row, true));
    }
    return ATOLL_OK;
}

/* A property that is new has no cells, unless the replay found them on disk already, or a migration gives it the column
 * of another. */
static status follow(model_txn *txn, class_key c, const model_property *old,
                     const model_property *p, bool replayed)
{
    unsigned before = old == NULL ? 0 : kinds_of(old), after = p == NULL ? 0 : kinds_of(p);
    tracked t = {.txn = txn, .property = p, .kinds = after & ~before};
    if (before == after) return ATOLL_OK;
    TRY(own_state(&t, c));
    for (uint32_t kind = INDEX_OF_VALUES; kind <= INDEX_OF_TEXT; kind++) {
        class_index *fresh = NULL;
        uint32_t tree = index_tree(p == NULL ? old->key : p->key, kind);
        if ((before & ~after & 1u << kind) != 0) class_tree_drop(t.state, tree);
        if ((t.kinds & 1u << kind) != 0)
            TRY(class_tree_add(t.state, tree, txn->writer.stamp, &fresh));
    }
    bool has_cells = old != NULL || replayed || txn->migrates;
    return t.kinds != 0 && has_cells ? build(&t, c) : ATOLL_OK;
}

status track_schema(model_txn *txn, const model_schema *before, bool replayed)
{
    const model_schema *after = txn->writer.schema;
    memset(txn->recent, 0, sizeof txn->recent);
    for (size_t i = 0; i < after->class_count && !txn->db->options.plain; i++) {
        const model_class *c = &after->classes[i], *was = schema_class(before, c->key);
        if (c->kind == CLASS_ASYMMETRIC) continue;
        for (size_t k = 0; k < c->property_count; k++)
            TRY(follow(txn, c->key, was == NULL ? NULL : class_property(was, c->properties[k].key),
                       &c->properties[k], replayed));
        for (size_t k = 0; was != NULL && k < was->property_count; k++)
            if (class_property(c, was->properties[k].key) == NULL)
                TRY(follow(txn, c->key, &was->properties[k], NULL, replayed));
    }
    return ATOLL_OK;
}
