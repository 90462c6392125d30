/* List states: the sequence CRDT (Fugue) as plain data: order, merge, encoding. It must never know rows or blocks.
 * Invariant: texts of values point into the state's own heap, once they were pushed, copied or read. */
#include "model/list.h"
#include <stdlib.h>

void list_state_init(list_state *s)
{
    *s = (list_state){0};
    buffer_init(&s->heap, LIST_HEAP_SIZE_MAX);
}

void list_state_free(list_state *s)
{
    vector_free(&s->elements);
    buffer_free(&s->heap);
    s->life = 0;
}

static bool has_text(const value *v)
{
    return v->type == VALUE_STRING || v->type == VALUE_BINARY;
}

static void move_text(bytes *text, const uint8_t *old, size_t size, const uint8_t *grown)
{
    bool inside = old != NULL && text->size != 0 && text->data >= old && text->data < old + size;
    if (inside) text->data = grown + (text->data - old);
}

/* When the heap moves, the texts that point into it move with it. */
static status heap_reserve(list_state *s, size_t extra)
{
    if (s->heap.size + extra <= s->heap.capacity) return ATOLL_OK;
    buffer grown;
    buffer_init(&grown, s->heap.size_max);
    status result =
        buffer_reserve(&grown, s->heap.size + (s->heap.size > extra ? s->heap.size : extra));
    if (result == ATOLL_OK) result = buffer_append(&grown, s->heap.data, s->heap.size);
    if (result != ATOLL_OK) {
        buffer_free(&grown);
        return result;
    }
    const uint8_t *old = s->heap.data;
    for (size_t i = 0; i < s->elements.count; i++) {
        list_element *e = &s->elements.items[i];
        if (has_text(&e->value)) move_text(&e->value.as.text, old, s->heap.size, grown.data);
        move_text(&e->key, old, s->heap.size, grown.data);
    }
    buffer_free(&s->heap);
    s->heap = grown;
    return ATOLL_OK;
}

static status own_bytes(list_state *s, bytes *text)
{
    if (text->size == 0) {
        text->data = (const uint8_t *)"";
        return ATOLL_OK;
    }
    /* A text of this very heap would be freed by the move: take its place by offset. */
    const uint8_t *data = text->data, *old = s->heap.data;
    bool inside = old != NULL && data >= old && data < old + s->heap.size;
    size_t offset = inside ? (size_t)(data - old) : 0;
    TRY(heap_reserve(s, text->size));
    uint8_t *to = s->heap.data + s->heap.size;
    /* There is room, so there is a heap: the check cannot know of that. NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker) */
    memcpy(to, inside ? s->heap.data + offset : data, text->size);
    s->heap.size += text->size;
    text->data = to;
    return ATOLL_OK;
}

status list_state_own_text(list_state *s, value *v)
{
    return has_text(v) ? own_bytes(s, &v->as.text) : ATOLL_OK;
}

status list_state_push(list_state *s, const list_element *element)
{
    if (s->elements.count >= LIMIT_LIST_COUNT_MAX)
        return fail(ATOLL_ERROR_LIMIT_EXCEEDED,
                    "a list has at most %u elements, erased ones included", LIMIT_LIST_COUNT_MAX);
    list_element copy = *element;
    TRY(vector_reserve(&s->elements, 1));
    TRY(list_state_own_text(s, &copy.value));
    /* The key may move the heap, and this element is not among those that move along yet. */
    list_element *at = &s->elements.items[s->elements.count++];
    *at = copy;
    status result = copy.key.size == 0 ? ATOLL_OK : own_bytes(s, &copy.key);
    if (result == ATOLL_OK)
        at->key = copy.key;
    else
        s->elements.count--;
    return result;
}

status list_state_copy(const list_state *s, list_state *out)
{
    list_state copy;
    list_state_init(&copy);
    copy.life = s->life;
    size_t text_size = 0;
    for (size_t i = 0; i < s->elements.count; i++)
        text_size +=
            (has_text(&s->elements.items[i].value) ? s->elements.items[i].value.as.text.size : 0) +
            s->elements.items[i].key.size;
    status result = vector_reserve(&copy.elements, s->elements.count + 1);
    if (result == ATOLL_OK && text_size != 0) result = buffer_reserve(&copy.heap, text_size);
    for (size_t i = 0; i < s->elements.count && result == ATOLL_OK; i++)
        result = list_state_push(&copy, &s->elements.items[i]);
    if (result != ATOLL_OK) {
        list_state_free(&copy);
        return result;
    }
    *out = copy;
    return ATOLL_OK;
}

/* ---- order ---- */
static int id_compare(element_id a, element_id b)
{
    if (a.counter != b.counter) return a.counter < b.counter ? -1 : 1;
    return (a.actor > b.actor) - (a.actor < b.actor);
}

static bool id_is_zero(element_id id)
{
    return id.counter == 0 && id.actor == 0;
}

/* An element in the tree: where it is in the state, its parent's position (SIZE_MAX: the root) and its key among siblings. */
typedef struct tree_item {
    size_t at, parent;
    element_id id;
    uint64_t stamp;
    uint8_t side;
} tree_item;

static int compare_ids(const void *a, const void *b)
{
    return id_compare(((const tree_item *)a)->id, ((const tree_item *)b)->id);
}

/* By parent, side, then (stamp, actor, counter); what has no stamp yet comes last. */
static int compare_siblings(const void *left, const void *right)
{
    const tree_item *a = left, *b = right;
    if (a->parent != b->parent) return a->parent < b->parent ? -1 : 1;
    if (a->side != b->side) return a->side < b->side ? -1 : 1;
    uint64_t x = a->stamp - 1, y = b->stamp - 1;
    if (x != y) return x < y ? -1 : 1;
    if (a->id.actor != b->id.actor) return a->id.actor < b->id.actor ? -1 : 1;
    return (a->id.counter > b->id.counter) - (a->id.counter < b->id.counter);
}

static size_t find_id(const tree_item *items, size_t count, element_id id)
{
    tree_item wanted = {.id = id};
    const tree_item *found = bsearch(&wanted, items, count, sizeof *items, compare_ids);
    return found == NULL ? SIZE_MAX : found->at;
}

static status resolve_parents(const list_state *s, tree_item *items, const tree_item *by_id)
{
    size_t count = s->elements.count;
    for (size_t i = 0; i < count; i++) {
        const list_element *e = &s->elements.items[i];
        items[i] = (tree_item){
            .at = i, .parent = SIZE_MAX, .id = e->id, .stamp = e->stamp, .side = e->side};
        if (e->side != LIST_SIDE_LEFT && e->side != LIST_SIDE_RIGHT)
            return fail(ATOLL_ERROR_BAD_CHANGESET,
                        "a list element hangs on side %d, which does not exist", (int)e->side);
        if (id_is_zero(e->parent)) continue;
        items[i].parent = find_id(by_id, count, e->parent);
        if (items[i].parent == SIZE_MAX)
            return fail(ATOLL_ERROR_BAD_CHANGESET,
                        "a list element hangs on an element that the list does not have");
    }
    return ATOLL_OK;
}

/* In-order walk without recursion: typing makes chains as long as the list. first[p] is the first child of position p
 * among the sorted items; a frame is a position and the next child to look at. */
typedef struct frame {
    size_t node, child;
    bool emitted;
} frame;

static size_t walk(const tree_item *items, const size_t *first, size_t count, frame *stack,
                   size_t *order)
{
    size_t depth = 0, used = 0;
    stack[depth++] = (frame){SIZE_MAX, first[count], true};
    while (depth > 0) {
        frame *top = &stack[depth - 1];
        bool more = top->child < count && items[top->child].parent == top->node;
        bool left = more && items[top->child].side == LIST_SIDE_LEFT;
        if (!left && !top->emitted) {
            order[used++] = top->node;
            top->emitted = true;
        } else if (more) {
            size_t node = items[top->child++].at;
            stack[depth++] = (frame){node, first[node], false};
        } else {
            depth--;
        }
    }
    return used;
}

static status order_of(const list_state *s, tree_item *items, tree_item *by_id, size_t *first,
                       frame *stack, size_t *order)
{
    size_t count = s->elements.count;
    for (size_t i = 0; i < count; i++)
        by_id[i] = (tree_item){.at = i, .id = s->elements.items[i].id};
    qsort(by_id, count, sizeof *by_id, compare_ids);
    for (size_t i = 0; i < count; i++)
        if (id_is_zero(by_id[i].id) || (i > 0 && id_compare(by_id[i - 1].id, by_id[i].id) == 0))
            return fail(ATOLL_ERROR_BAD_CHANGESET,
                        "a list element has a zero id, or one that another element has");
    TRY(resolve_parents(s, items, by_id));
    qsort(items, count, sizeof *items, compare_siblings);
    for (size_t i = 0; i <= count; i++) first[i] = count;
    for (size_t i = count; i > 0; i--)
        first[items[i - 1].parent == SIZE_MAX ? count : items[i - 1].parent] = i - 1;
    if (walk(items, first, count, stack, order) != count)
        return fail(ATOLL_ERROR_BAD_CHANGESET, "list elements hang on each other in a circle");
    return ATOLL_OK;
}

static bool is_ordered(const list_state *s, const size_t *order)
{
    for (size_t i = 0; i < s->elements.count; i++)
        if (order[i] != i) return false;
    return true;
}

status list_state_order(list_state *s)
{
    size_t count = s->elements.count;
    if (count == 0) return ATOLL_OK;
    status result = ATOLL_ERROR_OUT_OF_MEMORY;
    tree_item *items = memory_allocate(count * 2 * sizeof *items);
    size_t *first = memory_allocate((count * 2 + 1) * sizeof *first);
    frame *stack = memory_allocate((count + 1) * sizeof *stack);
    list_element *sorted = memory_allocate(count * sizeof *sorted);
    if (items == NULL || first == NULL || stack == NULL || sorted == NULL) goto done;
    size_t *order = first + count + 1;
    TRY_GOTO(order_of(s, items, items + count, first, stack, order));
    if (is_ordered(s, order)) goto done;
    for (size_t i = 0; i < count; i++) sorted[i] = s->elements.items[order[i]];
    memcpy(s->elements.items, sorted, count * sizeof *sorted);
done:
    memory_free(items);
    memory_free(first);
    memory_free(stack);
    memory_free(sorted);
    return result;
}

/* ---- merge ---- */
static int later(uint64_t stamp_a, uint64_t actor_a, uint64_t stamp_b, uint64_t actor_b)
{
    uint64_t x = stamp_a - 1, y = stamp_b - 1; /* No stamp yet is later than any. */
    if (x != y) return x < y ? -1 : 1;
    return (actor_a > actor_b) - (actor_a < actor_b);
}

/* Ends with the content, so that the result is the same whichever side is asked. */
static bool value_wins(const list_element *a, const list_element *b)
{
    int order = later(a->value_stamp, a->value_actor, b->value_stamp, b->value_actor);
    if (order == 0) order = memcmp(a->embedded, b->embedded, sizeof a->embedded);
    if (order == 0) order = value_compare(&a->value, &b->value);
    return order > 0;
}

static status merge_element(list_state *into, list_element *mine, const list_element *other)
{
    if (other->stamp - 1 < mine->stamp - 1) mine->stamp = other->stamp;
    if (other->touched > mine->touched) mine->touched = other->touched;
    bool gone =
        (mine->erased && !list_moved_away(mine)) || (other->erased && !list_moved_away(other));
    bool away = list_moved_away(mine) && list_moved_away(other);
    if (value_wins(other, mine)) {
        value fresh = other->value;
        TRY(list_state_own_text(into, &fresh));
        mine->value = fresh;
        mine->value_stamp = other->value_stamp;
        mine->value_actor = other->value_actor;
        memcpy(mine->embedded, other->embedded, sizeof mine->embedded);
    }
    mine->erased = gone || away; /* What is away here only, has another place: settling tells. */
    if (mine->erased) mine->value = value_null();
    return ATOLL_OK;
}

static status merge_into(list_state *merged, const list_state *other)
{
    size_t own = merged->elements.count;
    tree_item *by_id = memory_allocate((own + 1) * sizeof *by_id);
    if (by_id == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    for (size_t i = 0; i < own; i++)
        by_id[i] = (tree_item){.at = i, .id = merged->elements.items[i].id};
    qsort(by_id, own, sizeof *by_id, compare_ids);
    status result = ATOLL_OK;
    for (size_t i = 0; i < other->elements.count && result == ATOLL_OK; i++) {
        const list_element *e = &other->elements.items[i];
        size_t at = find_id(by_id, own, e->id);
        result = at == SIZE_MAX ? list_state_push(merged, e)
                                : merge_element(merged, &merged->elements.items[at], e);
    }
    memory_free(by_id);
    if (result == ATOLL_OK) result = list_state_settle(merged);
    return result == ATOLL_OK ? list_state_order(merged) : result;
}

status list_state_merge(list_state *into, const list_state *other)
{
    if (other->life < into->life) return ATOLL_OK;
    list_state merged;
    bool replace = other->life > into->life;
    TRY(list_state_copy(replace ? other : into, &merged));
    status result = replace ? list_state_settle(&merged) : merge_into(&merged, other);
    if (result == ATOLL_OK && replace) result = list_state_order(&merged);
    if (result != ATOLL_OK) {
        list_state_free(&merged);
        return result;
    }
    list_state_free(into);
    *into = merged;
    return ATOLL_OK;
}

/* ---- encoding ---- */
static status element_write(buffer *to, const list_element *e)
{
    bool embedded = false;
    for (size_t i = 0; i < sizeof e->embedded; i++) embedded |= e->embedded[i] != 0;
    TRY(buffer_append_byte(
        to, (uint8_t)(e->side | e->erased << 1 | embedded << 2 | (e->key.size != 0) << 3)));
    TRY(buffer_append_varint(to, e->id.counter));
    TRY(buffer_append_fixed64(to, e->id.actor));
    TRY(buffer_append_varint(to, e->parent.counter));
    TRY(buffer_append_fixed64(to, e->parent.actor));
    TRY(buffer_append_varint(to, e->stamp));
    TRY(buffer_append_varint(to, e->value_stamp));
    TRY(buffer_append_fixed64(to, e->value_actor));
    TRY(buffer_append_varint(to, e->touched));
    if (embedded) TRY(buffer_append(to, e->embedded, sizeof e->embedded));
    if (e->key.size != 0) TRY(buffer_append_bytes(to, e->key));
    return value_write(to, &e->value);
}

status list_state_write(buffer *to, const list_state *s)
{
    TRY(buffer_append_varint(to, s->life));
    TRY(buffer_append_varint(to, s->elements.count));
    for (size_t i = 0; i < s->elements.count; i++) TRY(element_write(to, &s->elements.items[i]));
    return ATOLL_OK;
}

static list_element element_read(reader *from)
{
    list_element e = {0};
    uint8_t bits = reader_byte(from);
    e.side = bits & 1;
    e.erased = (bits >> 1 & 1) != 0;
    e.id.counter = reader_varint(from);
    e.id.actor = reader_fixed64(from);
    e.parent.counter = reader_varint(from);
    e.parent.actor = reader_fixed64(from);
    e.stamp = reader_varint(from);
    e.value_stamp = reader_varint(from);
    e.value_actor = reader_fixed64(from);
    e.touched = reader_varint(from);
    if ((bits & 4) != 0) {
        bytes id = reader_take(from, sizeof e.embedded);
        if (!from->failed) memcpy(e.embedded, id.data, id.size);
    }
    if ((bits & 8) != 0) e.key = reader_bytes(from);
    e.value = value_read(from);
    if (bits > 15) from->failed = true;
    return e;
}

status list_state_read(bytes from, list_state *out)
{
    list_state read;
    list_state_init(&read);
    reader r = reader_of(from);
    read.life = reader_varint(&r);
    uint64_t count = reader_varint(&r);
    status result = ATOLL_OK;
    for (uint64_t i = 0; i < count && !r.failed && result == ATOLL_OK; i++) {
        list_element e = element_read(&r);
        if (!r.failed) result = list_state_push(&read, &e);
    }
    if (result == ATOLL_OK && (r.failed || r.at != r.end))
        result = fail(ATOLL_ERROR_BAD_CHANGESET, "a list's bytes are damaged");
    if (result != ATOLL_OK) {
        list_state_free(&read);
        return result;
    }
    *out = read;
    return ATOLL_OK;
}
