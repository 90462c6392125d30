/* Queries over what one object holds: the objects of a list, set or dictionary of links.
 * It must never keep rows: they are read from the view each time. Invariant: rows come in the order of the collection,
 * as often as they are in it; links to objects that are gone are left out, and an object that is gone holds nothing. */
#include "query/query_internal.h"

bool query_has_base(const query *q)
{
    return q->base.kind != QUERY_BASE_CLASS;
}

status query_over(const query *q, const query_base *base, query **out)
{
    if (query_has_base(q))
        return fail(ATOLL_ERROR_INVALID_ARGUMENT, "the query is over a collection already");
    query *made = NULL;
    TRY(query_copy(q, &made));
    made->base = *base;
    *out = made;
    return ATOLL_OK;
}

static status collection_rows(const query_base *b, const model_view *view, row_vector *out)
{
    uint64_t count = 0;
    TRY(model_list_size(view, b->class_of, b->row, b->property, &count));
    for (uint64_t i = 0; i < count; i++) {
        value v;
        element_id id;
        TRY(model_list_get(view, b->class_of, b->row, b->property, i, &v, &id));
        if (v.type == VALUE_LINK || v.type == VALUE_EMBEDDED) TRY(vector_push(out, v.as.row));
    }
    return ATOLL_OK;
}

static status matching_rows(const query *q, const model_view *view, row_vector *rows)
{
    row_source source = {.view = view};
    size_t kept = 0;
    for (size_t i = 0; i < rows->count; i++) {
        bool alive;
        TRY(model_is_alive(view, q->class_of, rows->items[i], &alive));
        if (!alive || !row_matches(&source, q->tree.root, q->class_of, rows->items[i])) continue;
        rows->items[kept++] = rows->items[i];
    }
    rows->count = kept;
    return source.error;
}

status base_rows(const query *q, const model_view *view, row_vector *out)
{
    bool alive;
    TRY(model_is_alive(view, q->base.class_of, q->base.row, &alive));
    if (!alive) return ATOLL_OK;
    TRY(collection_rows(&q->base, view, out));
    return matching_rows(q, view, out);
}

bool base_concerns(const query *q, const row_change *change)
{
    if (!query_has_base(q)) return false;
    if (change->class_of == q->class_of) return true;
    return change->class_of == q->base.class_of && change->row == q->base.row;
}
