/* SORT by one property of the class itself that holds numbers or texts: the common one, done without making a value of
 * each row. It must give what the general way in sort.c gives. Invariant: rows that are equal keep their order. */
#include "query/query_internal.h"

typedef struct column_sorter {
    const model_view *view;
    const path_step *step;
    class_key class_of;
    bool descending, is_text;
    row_vector *rows; /* ascending */
    sortable *items, *spare;
    bytes *texts;  /* of texts: index of an item → text; without data: null */
    size_t shared; /* so many bytes all texts begin with */
} column_sorter;

/* ---- keys ---- */

static bool add_text(column_sorter *s, size_t i, const model_column *c, size_t at)
{
    bool null =
        c->present ? c->null_bits != NULL && model_window_bit(c->null_bits, at) : s->step->nullable;
    bytes text = bytes_of("", 0);
    if (!null && c->present)
        text = bytes_of(c->heap + c->offsets[at], c->offsets[at + 1] - c->offsets[at]);
    s->texts[i] = null ? (bytes){NULL, 0} : text;
    s->items[i].index = i;
    return true;
}

static bool add_number(column_sorter *s, size_t i, const model_column *c, size_t at)
{
    if (c->present ? c->null_bits != NULL && model_window_bit(c->null_bits, at) : s->step->nullable)
        return false;
    uint64_t bits = 0;
    if (s->step->type == VALUE_DOUBLE)
        bits = sort_bits_of_double(c->present ? c->doubles[at] : 0);
    else if (s->step->type == VALUE_BOOL)
        bits = sort_bits_of_integer(c->present && model_window_bit(c->bits, at));
    else
        bits = sort_bits_of_integer(c->present ? c->integers[at] : 0);
    s->items[i] = (sortable){s->descending ? ~bits : bits, s->rows->items[i]};
    return true;
}

/* *whole false: there are nulls among the numbers, or texts out of line. */
static status read_column(column_sorter *s, bool *whole)
{
    uint64_t cursor = 0;
    size_t i = 0, count = s->rows->count;
    model_segment segment;
    status result = ATOLL_OK;
    *whole = true;
    while (i < count && model_scan(s->view, s->class_of, &cursor, &segment, &result)) {
        row_key end = segment.first + MODEL_BLOCK_ROWS;
        if (s->rows->items[i] >= end) continue;
        model_column column = {0};
        TRY(model_segment_column(s->view, s->class_of, &segment, s->step->property, &column));
        if (column.has_large) *whole = false; /* the general way reads what lies out of line */
        for (; i < count && s->rows->items[i] < end && *whole; i++) {
            size_t at = (size_t)(s->rows->items[i] - segment.first);
            *whole = (s->is_text ? add_text : add_number)(s, i, &column, at);
        }
        if (!*whole) return ATOLL_OK;
    }
    TRY(result);
    return i == count ? ATOLL_OK : fail(ATOLL_ERROR_INTERNAL, "a row to sort is not in its class");
}

/* ---- texts ---- */

static size_t shared_size(bytes a, bytes b, size_t size_max)
{
    size_t size = 0;
    while (size < size_max && size < a.size && size < b.size && a.data[size] == b.data[size])
        size++;
    return size;
}

static void find_shared(column_sorter *s)
{
    const bytes *first = &s->texts[0];
    s->shared = first->size;
    for (size_t i = 1; i < s->rows->count && s->shared != 0; i++)
        s->shared = shared_size(*first, s->texts[i], s->shared);
}

/* Eight bytes from a place on, as a number that sorts as they do; what is missing counts as zeros. */
static uint64_t text_bits(const column_sorter *s, bytes text, size_t from)
{
    uint64_t bits = 0;
    for (size_t i = from; i < from + 8; i++) bits = bits << 8 | (i < text.size ? text.data[i] : 0);
    return s->descending ? ~bits : bits;
}

static int compare_texts(const column_sorter *s, const sortable *a, const sortable *b)
{
    bytes left = s->texts[a->index], right = s->texts[b->index];
    int order = (left.data != NULL) - (right.data != NULL);
    if (order == 0 && left.data != NULL) order = bytes_compare(left, right);
    return s->descending ? -order : order;
}

static void merge(column_sorter *s, size_t from, size_t middle, size_t to)
{
    size_t left = from, right = middle;
    for (size_t i = from; i < to; i++) {
        bool take_left = left < middle &&
                         (right >= to || compare_texts(s, &s->items[left], &s->items[right]) <= 0);
        s->spare[i] = take_left ? s->items[left++] : s->items[right++];
    }
    memcpy(s->items + from, s->spare + from, (to - from) * sizeof *s->items);
}

/* Bottom-up, so that the depth of the stack does not follow the data. */
static void merge_sort(column_sorter *s, size_t from, size_t to)
{
    for (size_t width = 1; width < to - from; width *= 2)
        for (size_t at = from; at + width < to; at += 2 * width)
            merge(s, at, at + width, at + 2 * width < to ? at + 2 * width : to);
}

static size_t run_end(const column_sorter *s, size_t from, size_t end)
{
    size_t to = from + 1;
    while (to < end && s->items[to].bits == s->items[from].bits) to++;
    return to;
}

/* Texts with the same first eight bytes, by the next eight; whoever is still together is compared in full. */
static void sort_run(column_sorter *s, size_t from, size_t end)
{
    for (size_t i = from; i < end; i++)
        s->items[i].bits = text_bits(s, s->texts[s->items[i].index], s->shared + 8);
    radix_sort(s->items + from, s->spare + from, end - from);
    for (size_t to = from; from < end; from = to) {
        to = run_end(s, from, end);
        if (to - from > 1) merge_sort(s, from, to);
    }
}

static void sort_texts(column_sorter *s)
{
    size_t count = s->rows->count;
    find_shared(s);
    for (size_t i = 0; i < count; i++) s->items[i].bits = text_bits(s, s->texts[i], s->shared);
    radix_sort(s->items, s->spare, count);
    for (size_t from = 0, to = 0; from < count; from = to) {
        to = run_end(s, from, count);
        if (to - from > 1) sort_run(s, from, to);
    }
}

/* ---- the whole ---- */

static status sort_rows(column_sorter *s, bool *done)
{
    size_t count = s->rows->count;
    TRY(read_column(s, done));
    if (!*done) return ATOLL_OK;
    if (s->is_text) {
        sort_texts(s);
        for (size_t i = 0; i < count; i++) s->items[i].index = s->rows->items[s->items[i].index];
    } else {
        radix_sort(s->items, s->spare, count);
    }
    for (size_t i = 0; i < count; i++) s->rows->items[i] = s->items[i].index;
    return ATOLL_OK;
}

status sort_by_column(const suffix *suffix, const model_view *view, row_vector *rows, bool *done)
{
    const operand *path = &suffix->keys[0].path;
    const path_step *step = &path->steps[0];
    bool is_text = step->type == VALUE_STRING || step->type == VALUE_BINARY,
         is_number =
             step->type == VALUE_INT || step->type == VALUE_BOOL || step->type == VALUE_DOUBLE;
    *done = false;
    if (suffix->key_count != 1 || path->step_count != 1 || step->list || path->post != POST_VALUE ||
        !(is_text || is_number))
        return ATOLL_OK;
    column_sorter s = {.view = view,
                       .step = step,
                       .class_of = step->class_of,
                       .descending = suffix->keys[0].descending,
                       .is_text = is_text,
                       .rows = rows};
    s.items = memory_allocate(rows->count * sizeof *s.items);
    s.spare = memory_allocate(rows->count * sizeof *s.spare);
    if (is_text) s.texts = memory_allocate(rows->count * sizeof *s.texts);
    status result = s.items == NULL || s.spare == NULL || (is_text && s.texts == NULL)
                        ? ATOLL_ERROR_OUT_OF_MEMORY
                        : sort_rows(&s, done);
    memory_free(s.items);
    memory_free(s.spare);
    memory_free(s.texts);
    return result;
}
