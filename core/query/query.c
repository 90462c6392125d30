/* The door of the query layer: making, freeing, joining and running queries.
 * It must never change a query after query_new gave it out: any thread may run it at any time.
 * Invariant: rows without SORT are in ascending order, which is what results_advance builds on. */
#include "query/kernels.h"

/* ---- memory ---- */

typedef struct arena_block {
    struct arena_block *next;
    size_t size, used;
    max_align_t data[];
} arena_block;

/* Most queries are small, and a server keeps those of all its sessions; each block is twice the one before. */
enum { ARENA_BLOCK_SIZE_FIRST = 512, ARENA_BLOCK_SIZE_MAX = 8192 };

void *query_arena_take(arena *a, size_t size)
{
    size = (size + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
    if (a->blocks == NULL || a->blocks->size - a->blocks->used < size) {
        size_t wanted = a->blocks == NULL ? ARENA_BLOCK_SIZE_FIRST : 2 * a->blocks->size;
        if (wanted > ARENA_BLOCK_SIZE_MAX) wanted = ARENA_BLOCK_SIZE_MAX;
        if (wanted < size) wanted = size;
        arena_block *made = memory_allocate_zero(sizeof *made + wanted);
        if (made == NULL) return NULL;
        made->size = wanted;
        made->next = a->blocks;
        a->blocks = made;
    }
    uint8_t *taken = (uint8_t *)a->blocks->data + a->blocks->used;
    a->blocks->used += size;
    return taken;
}

status query_arena_copy(arena *a, bytes from, bytes *out)
{
    uint8_t *copy = query_arena_take(a, from.size + 1);
    if (copy == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    if (from.size > 0) memcpy(copy, from.data, from.size);
    *out = bytes_of(copy, from.size);
    return ATOLL_OK;
}

void query_arena_free(arena *a)
{
    while (a->blocks != NULL) {
        arena_block *next = a->blocks->next;
        memory_free(a->blocks);
        a->blocks = next;
    }
}

/* ---- making ---- */

static status make_empty(class_key c, bytes name, query **out)
{
    query *made = memory_allocate_zero(sizeof *made);
    bytes kept = {0};
    if (made == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    atomic_init(&made->references, 1);
    made->class_of = c;
    made->plain = true;
    status result = query_arena_copy(&made->memory, name, &kept);
    if (result != ATOLL_OK) {
        query_free(made);
        return result;
    }
    made->class_name = (const char *)kept.data; /* query_arena_copy leaves a zero behind. */
    *out = made;
    return ATOLL_OK;
}

status query_new(const model_schema *schema, class_key c, bytes text,
                 const query_arguments *arguments, query **out)
{
    const model_class *class_of = schema_class(schema, c);
    if (class_of == NULL)
        return fail(ATOLL_ERROR_UNKNOWN_CLASS, "the schema has no class of key %u", c);
    query *made = NULL;
    status result = ATOLL_OK;
    bytes kept = {0}, name = bytes_text(class_of->name);
    TRY(make_empty(c, name, &made));
    /* Names in the tree point into the text, which need not live as long as the query. */
    if (text.size <= LIMIT_QUERY_SIZE_MAX)
        TRY_GOTO(query_arena_copy(&made->memory, text, &kept));
    else
        kept = text;
    TRY_GOTO(query_parse(&made->memory, kept, &made->tree));
    TRY_GOTO(query_bind(made, schema, class_of, arguments));
    TRY_GOTO(query_write_text(made));
    query_note_plain(made, class_of);
    *out = made;
    return ATOLL_OK;
done:
    query_free(made);
    return result;
}

query *query_retain(query *q)
{
    atomic_fetch_add_explicit(&q->references, 1, memory_order_relaxed);
    return q;
}

bool query_is_shared(const query *q)
{
    return atomic_load_explicit(&q->references, memory_order_relaxed) > 1;
}

void query_free(query *q)
{
    /* A chain of filters hangs on its first parts, so their number costs no stack. */
    while (q != NULL && atomic_fetch_sub_explicit(&q->references, 1, memory_order_acq_rel) == 1) {
        query *first = q->parts[0], *second = q->parts[1];
        query_arena_free(&q->memory);
        vector_free(&q->properties);
        vector_free(&q->dependencies);
        memory_free(q);
        query_free(second);
        q = first;
    }
}

class_key query_class(const query *q)
{
    return q->class_of;
}

bytes query_text(const query *q)
{
    return q->text;
}

bool query_has_suffixes(const query *q)
{
    return q->tree.suffix_count > 0;
}

static size_t term_count(const node *n)
{
    return n->kind == NODE_TRUE ? 0 : n->kind == NODE_AND ? n->child_count : 1;
}

static void add_terms(const node *n, node **to)
{
    size_t count = term_count(n);
    if (n->kind == NODE_AND)
        memcpy(to, n->children, count * sizeof(node *));
    else if (count == 1)
        *to = (node *)(uintptr_t)n;
}

/* After a LIMIT or DISTINCT the second predicate is over what these left: it becomes a suffix. */
static status join_suffixes(query *made, const tree *a, const tree *b, bool filter)
{
    size_t count = a->suffix_count + b->suffix_count + (filter ? 1 : 0), at = a->suffix_count;
    suffix *suffixes = query_arena_take(&made->memory, count * sizeof *suffixes + 1);
    if (suffixes == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    if (a->suffix_count > 0) memcpy(suffixes, a->suffixes, a->suffix_count * sizeof *suffixes);
    if (filter) suffixes[at++] = (suffix){.kind = SUFFIX_FILTER, .predicate = b->root};
    if (b->suffix_count > 0) memcpy(suffixes + at, b->suffixes, b->suffix_count * sizeof *suffixes);
    made->tree.suffixes = suffixes;
    made->tree.suffix_count = count;
    return ATOLL_OK;
}

/* The new tree points at the nodes of both, which are kept alive; so a filter costs nothing but its own node. */
static status join_trees(query *made, const query *first, const query *second)
{
    const tree *a = &first->tree, *b = &second->tree;
    size_t left = term_count(a->root), right = term_count(b->root);
    bool filter = first->has_subset && right > 0;
    node *root = left == 0 ? b->root : a->root;
    if (left > 0 && right > 0 && !filter) {
        node **children = query_arena_take(&made->memory, (left + right) * sizeof *children);
        root = query_arena_take(&made->memory, sizeof *root);
        if (children == NULL || root == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
        add_terms(a->root, children);
        add_terms(b->root, children + left);
        *root = (node){.kind = NODE_AND, .children = children, .child_count = left + right};
    }
    made->tree.root = filter ? a->root : root;
    made->has_subset = filter;
    return join_suffixes(made, a, b, filter);
}

static status take_facts(query *to, const query *from)
{
    for (size_t i = 0; i < from->properties.count; i++)
        TRY(query_note_property(to, from->properties.items[i]));
    for (size_t i = 0; i < from->dependencies.count; i++) {
        TRY(query_note_dependency(to, from->dependencies.items[i].class_of,
                                  from->dependencies.items[i].life_only));
    }
    to->crosses_links = to->crosses_links || from->crosses_links;
    to->plain = to->plain && from->plain;
    to->has_sort = to->has_sort || from->has_sort;
    to->has_subset = to->has_subset || from->has_subset;
    return ATOLL_OK;
}

status query_and(const query *a, const query *b, query **out)
{
    if (b == NULL) {
        *out = query_retain((query *)(uintptr_t)a);
        return ATOLL_OK;
    }
    if (a->class_of != b->class_of) {
        return fail(ATOLL_ERROR_INVALID_ARGUMENT,
                    "a query of class '%s' and one of class '%s' cannot be joined", a->class_name,
                    b->class_name);
    }
    query *made = NULL;
    status result = ATOLL_OK;
    TRY(make_empty(a->class_of, bytes_text(a->class_name), &made));
    made->parts[0] = query_retain((query *)(uintptr_t)a);
    made->parts[1] = query_retain((query *)(uintptr_t)b);
    TRY_GOTO(join_trees(made, a, b));
    made->base = a->base;
    TRY_GOTO(take_facts(made, a));
    TRY_GOTO(take_facts(made, b));
    TRY_GOTO(query_write_text(made));
    *out = made;
    return ATOLL_OK;
done:
    query_free(made);
    return result;
}

/* The tree points at the nodes of the original, which is kept alive. */
status query_copy(const query *q, query **out)
{
    query *made = NULL;
    status result = ATOLL_OK;
    TRY(make_empty(q->class_of, bytes_text(q->class_name), &made));
    made->parts[0] = query_retain((query *)(uintptr_t)q);
    made->tree = q->tree;
    made->base = q->base;
    TRY_GOTO(take_facts(made, q));
    TRY_GOTO(query_write_text(made));
    *out = made;
    return ATOLL_OK;
done:
    query_free(made);
    return result;
}

status query_properties(const query *q, const property_key **out, size_t *count,
                        bool *crosses_links)
{
    *out = q->properties.items;
    *count = q->properties.count;
    *crosses_links = q->crosses_links;
    return ATOLL_OK;
}

/* ---- running ---- */

bool query_matches(const query *q, const model_view *view, row_key row)
{
    row_source source = {.view = view};
    if (!model_alive(view, q->class_of, row)) return false;
    bool matches = row_matches(&source, q->tree.root, q->class_of, row);
    model_view_failed(view, source.error);
    return matches && source.error == ATOLL_OK;
}

bool query_matches_values(const query *q, query_getter get, void *context)
{
    row_source source = {.get = get, .get_context = context};
    return row_matches(&source, q->tree.root, q->class_of, 0);
}

static status push_rows(const model_segment *segment, const uint64_t mask[MASK_WORDS],
                        row_vector *out)
{
    TRY(vector_reserve(out, kernel_count(mask)));
    if (out->items == NULL) return ATOLL_OK; /* No bit is set, and none was before. */
    for (size_t w = 0; w < MASK_WORDS; w++) {
        row_key first = segment->first + 64 * w, *to = out->items + out->count;
        if (mask[w] == UINT64_MAX) {
            for (unsigned i = 0; i < 64; i++) to[i] = first + i;
        } else {
            for (uint64_t left = mask[w]; left != 0; left &= left - 1)
                *to++ = first + (unsigned)__builtin_ctzll(left);
        }
        out->count += (size_t)__builtin_popcountll(mask[w]);
    }
    return ATOLL_OK;
}

/* A LIMIT before any SORT bounds the scan itself. */
static uint64_t scan_limit(const query *q)
{
    bool first_limits = q->tree.suffix_count > 0 && q->tree.suffixes[0].kind == SUFFIX_LIMIT;
    return first_limits ? q->tree.suffixes[0].limit : UINT64_MAX;
}

static status scan(const query *q, const model_view *view, row_vector *out)
{
    if (query_has_base(q)) return base_rows(q, view, out);
    uint64_t limit = scan_limit(q), mask[MASK_WORDS];
    segment_scan s;
    if (q->tree.root->kind == NODE_TRUE && limit == UINT64_MAX)
        TRY(vector_reserve(out, (size_t)model_count(view, q->class_of)));
    TRY(scan_begin(&s, view, q->class_of, q->tree.root));
    while (out->count < limit && scan_next(&s, mask)) {
        s.result = push_rows(&s.source.segment, mask, out);
        if (s.result != ATOLL_OK) break;
    }
    if (out->count > limit) out->count = (size_t)limit;
    scan_end(&s);
    return s.result;
}

static status rows_filter(const suffix *s, class_key c, const model_view *view, row_vector *rows)
{
    row_source source = {.view = view};
    size_t kept = 0;
    for (size_t i = 0; i < rows->count && source.error == ATOLL_OK; i++) {
        row_key row = rows->items[i];
        if (row_matches(&source, s->predicate, c, row)) rows->items[kept++] = row;
    }
    rows->count = kept;
    return source.error;
}

static status apply_suffix(const query *q, const suffix *s, const model_view *view,
                           row_vector *rows)
{
    switch (s->kind) {
    case SUFFIX_SORT: return rows_sort(s, view, rows);
    case SUFFIX_DISTINCT: return rows_distinct(s, view, rows);
    case SUFFIX_FILTER: return rows_filter(s, q->class_of, view, rows);
    case SUFFIX_LIMIT: break;
    }
    if (rows->count > s->limit) rows->count = (size_t)s->limit;
    return ATOLL_OK;
}

status query_run(const query *q, const model_view *view, row_vector *out)
{
    row_vector rows = {0};
    status result = ATOLL_OK;
    TRY_GOTO(scan(q, view, &rows));
    for (size_t i = 0; i < q->tree.suffix_count; i++)
        TRY_GOTO(apply_suffix(q, &q->tree.suffixes[i], view, &rows));
    vector_free(out);
    *out = rows;
    return ATOLL_OK;
done:
    vector_free(&rows);
    return result;
}

/* Sorting and limiting leave a number that is known without the rows; other suffixes need them. */
static bool counts_without_rows(const query *q)
{
    for (size_t i = 0; i < q->tree.suffix_count; i++) {
        suffix_kind kind = q->tree.suffixes[i].kind;
        if (kind != SUFFIX_SORT && kind != SUFFIX_LIMIT) return false;
    }
    return true;
}

static status count_rows(const query *q, const model_view *view, uint64_t *out)
{
    row_vector rows = {0};
    status result = query_run(q, view, &rows);
    if (result == ATOLL_OK) *out = rows.count;
    vector_free(&rows);
    return result;
}

static status count_segments(const query *q, const model_view *view, uint64_t *out)
{
    uint64_t mask[MASK_WORDS];
    segment_scan s;
    TRY(scan_begin(&s, view, q->class_of, q->tree.root));
    while (scan_next(&s, mask)) *out += kernel_count(mask);
    scan_end(&s);
    return s.result;
}

status query_count(const query *q, const model_view *view, uint64_t *out)
{
    uint64_t count = 0;
    if (query_has_base(q) || !counts_without_rows(q)) return count_rows(q, view, out);
    if (q->tree.root->kind == NODE_TRUE) {
        count = model_count(view, q->class_of);
    } else {
        TRY(count_segments(q, view, &count));
    }
    for (size_t i = 0; i < q->tree.suffix_count; i++) {
        const suffix *s = &q->tree.suffixes[i];
        if (s->kind == SUFFIX_LIMIT && count > s->limit) count = s->limit;
    }
    *out = count;
    return ATOLL_OK;
}
