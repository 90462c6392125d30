/* Changes: log records folded to one entry per row. It must never read rows. Invariant: entries of a class stand
 * together, in order of first touch, and each names a property at most once. */
#include "model/changeset.h"
#include <stdatomic.h>

typedef struct touch {
    property_key property;
    uint8_t is_default, is_set;
    uint32_t next;      /* index + 1 of the next touch of the row; 0: none */
    uint32_t increment; /* index + 1 of what was added; 0: nothing */
} touch;

typedef struct entry {
    row_change change;
    uint32_t first, last; /* index + 1 into touches */
} entry;

struct changes_builder {
    VECTOR(entry) entries;
    VECTOR(touch) touches;
    VECTOR(int64_t) increments;
    VECTOR(map64) rows; /* by class key - 1: row → entry */
};

struct model_changes {
    atomic_uint references;
    size_t count;
    row_change *rows;
    property_key *properties;
    uint8_t *defaults;
    row_increment *increments; /* NULL: nothing was incremented */
};

status changes_builder_new(changes_builder **out)
{
    *out = memory_allocate_zero(sizeof **out);
    return *out == NULL ? ATOLL_ERROR_OUT_OF_MEMORY : ATOLL_OK;
}

static void builder_free(changes_builder *b)
{
    for (size_t i = 0; i < b->rows.count; i++) map64_free(&b->rows.items[i]);
    vector_free(&b->rows);
    vector_free(&b->entries);
    vector_free(&b->touches);
    vector_free(&b->increments);
    memory_free(b);
}

static status entry_of(changes_builder *b, class_key c, row_key row, entry **out)
{
    if (c == 0 || c > LIMIT_CLASS_KEYS_MAX)
        return fail(ATOLL_ERROR_FILE_CORRUPT, "a log record names class %u", c);
    if (b->entries.count > 0) {
        entry *last = &b->entries.items[b->entries.count - 1];
        *out = last;
        if (last->change.row == row && last->change.class_of == c) return ATOLL_OK;
    }
    while (b->rows.count < c) TRY(vector_push(&b->rows, (map64){0}));
    uint64_t *at = map64_get(&b->rows.items[c - 1], row);
    if (at == NULL) {
        TRY(vector_push(&b->entries, ((entry){.change = {.class_of = c, .row = row}})));
        status result = map64_put(&b->rows.items[c - 1], row, b->entries.count - 1);
        if (result != ATOLL_OK) {
            b->entries.count--;
            return result;
        }
        *out = &b->entries.items[b->entries.count - 1];
        return ATOLL_OK;
    }
    *out = &b->entries.items[*at];
    return ATOLL_OK;
}

static void life_changed(entry *e, bool from, bool to)
{
    if (from == to) return;
    if (to) {
        e->change.created = true;
        e->change.deleted = e->change.deleted_first;
        return;
    }
    if (!e->change.deleted && !e->change.created) e->change.deleted_first = true;
    e->change.deleted = true;
    if (e->change.created && !e->change.deleted_first) return;
    e->change.created = false;
}

/* A set forgets what was added before it. */
static status change_touch(changes_builder *b, touch *t, const operation *o)
{
    if (o->kind != OP_INCREMENT) {
        t->is_default = o->is_default;
        t->is_set = true;
        t->increment = 0;
        return ATOLL_OK;
    }
    if (t->increment == 0) {
        TRY(vector_push(&b->increments, 0));
        t->increment = (uint32_t)b->increments.count;
    }
    int64_t *sum = &b->increments.items[t->increment - 1];
    *sum = (int64_t)((uint64_t)*sum + (uint64_t)o->value.as.integer);
    return ATOLL_OK;
}

static status add_touch(changes_builder *b, entry *e, const operation *o)
{
    for (uint32_t i = e->first; i != 0; i = b->touches.items[i - 1].next) {
        if (b->touches.items[i - 1].property == o->property)
            return change_touch(b, &b->touches.items[i - 1], o);
    }
    TRY(vector_push(&b->touches, ((touch){.property = o->property})));
    uint32_t at = (uint32_t)b->touches.count;
    if (e->first == 0)
        e->first = at;
    else
        b->touches.items[e->last - 1].next = at;
    e->last = at;
    e->change.property_count++;
    return change_touch(b, &b->touches.items[at - 1], o);
}

static status add_operation(changes_builder *b, const operation *o)
{
    entry *e = NULL;
    switch (o->kind) {
    case OP_LIFE:
        TRY(entry_of(b, o->class_of, o->row, &e));
        life_changed(e, o->from == 1, o->to == 1);
        return ATOLL_OK;
    case OP_SET:
    case OP_INCREMENT:
    case OP_LIST_INSERT:
    case OP_LIST_SET:
    case OP_LIST_ERASE:
    case OP_LIST_CLEAR:
    case OP_LIST_STORE:
    case OP_LIST_MOVE: TRY(entry_of(b, o->class_of, o->row, &e)); return add_touch(b, e, o);
    case OP_KEY:
    case OP_UNKEY:
    case OP_DROP:
    case OP_OWNER:
    case OP_ASYMMETRIC:
    case OP_FORGET:
    case OP_REKEY:
    case OP_SCHEMA: return ATOLL_OK;
    }
    return ATOLL_OK;
}

status changes_builder_add(changes_builder *b, bytes record)
{
    return changes_builder_take(b, record, NULL);
}

static status add_step(void *context, const operation *o)
{
    return add_operation(context, o);
}

status changes_builder_add_folded(changes_builder *b, bytes folded)
{
    return changes_unfold(folded, add_step, b);
}

status changes_builder_take(changes_builder *b, bytes record, asymmetric_vector *asymmetric)
{
    changeset_reader r;
    record_header header;
    operation o;
    bool more = true;
    TRY(changeset_open(&r, record, &header));
    for (;;) {
        TRY(changeset_next(&r, &o, &more));
        if (!more) return ATOLL_OK;
        if (o.kind == OP_ASYMMETRIC && asymmetric != NULL)
            TRY(vector_push(asymmetric,
                            ((asymmetric_row){.class_of = o.class_of, .payload = o.blob})));
        TRY(add_operation(b, &o));
    }
}

/* A row that came and went inside the run is no change for anybody. */
static bool is_nothing(const entry *e)
{
    const row_change *c = &e->change;
    return c->created && c->deleted && !c->deleted_first;
}

static void emit(const changes_builder *b, const entry *e, model_changes *to, size_t *used)
{
    row_change *row = &to->rows[to->count++];
    *row = e->change;
    row->properties = to->properties + *used;
    row->defaults = to->defaults + *used;
    if (to->increments != NULL) row->increments = to->increments + *used;
    for (uint32_t i = e->first; i != 0; i = b->touches.items[i - 1].next) {
        const touch *t = &b->touches.items[i - 1];
        to->properties[*used] = t->property;
        if (to->increments != NULL)
            to->increments[*used] = (row_increment){
                .added = t->increment == 0 ? 0 : b->increments.items[t->increment - 1],
                .set = t->is_set != 0,
                .incremented = t->increment != 0};
        to->defaults[(*used)++] = t->is_default;
    }
}

status changes_builder_finish(changes_builder *b, model_changes **out)
{
    model_changes *changes = memory_allocate_zero(sizeof *changes);
    size_t touches = b->touches.count + 1, used = 0;
    if (changes != NULL) {
        atomic_init(&changes->references, 1);
        changes->rows = memory_allocate((b->entries.count + 1) * sizeof *changes->rows);
        changes->properties = memory_allocate(touches * sizeof *changes->properties);
        changes->defaults = memory_allocate(touches);
        if (b->increments.count > 0)
            changes->increments = memory_allocate(touches * sizeof *changes->increments);
    }
    if (changes == NULL || changes->rows == NULL || changes->properties == NULL ||
        changes->defaults == NULL || (b->increments.count > 0 && changes->increments == NULL)) {
        model_changes_free(changes);
        builder_free(b);
        return ATOLL_ERROR_OUT_OF_MEMORY;
    }
    for (class_key c = 1; c <= b->rows.count; c++) {
        if (b->rows.items[c - 1].count == 0) continue;
        for (size_t i = 0; i < b->entries.count; i++)
            if (b->entries.items[i].change.class_of == c && !is_nothing(&b->entries.items[i]))
                emit(b, &b->entries.items[i], changes, &used);
    }
    builder_free(b);
    *out = changes;
    return ATOLL_OK;
}

size_t model_changes_count(const model_changes *changes)
{
    return changes->count;
}

const row_change *model_changes_row(const model_changes *changes, size_t index)
{
    return index < changes->count ? &changes->rows[index] : NULL;
}

void model_changes_free(model_changes *changes)
{
    if (changes == NULL || atomic_fetch_sub(&changes->references, 1) != 1) return;
    memory_free(changes->rows);
    memory_free(changes->properties);
    memory_free(changes->defaults);
    memory_free(changes->increments);
    memory_free(changes);
}
