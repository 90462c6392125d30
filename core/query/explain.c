/* Says in words how a query would run now. It must never run it. Invariant: what it says of the start of the scan is what
 * scan_begin would do. */
#include "query/query_internal.h"
#include <stdio.h>

static status put(buffer *to, const char *text)
{
    return buffer_append(to, text, strlen(text));
}

static const char *pass_name(const node *n)
{
    if (n->kind == NODE_TEXT) return "the words of each row's text";
    if (n->kind != NODE_COMPARE) return "row by row";
    switch (n->pass) {
    case PASS_ROW: return "row by row";
    case PASS_INTEGER:
    case PASS_DOUBLE:
    case PASS_TIMESTAMP: return "a range over its column";
    case PASS_COLUMN: return "over its column";
    case PASS_LINKED: return "over the column of the target, once for each of its rows";
    }
    return "row by row";
}

static status put_part(buffer *to, const node *n)
{
    TRY(put(to, "\n  "));
    TRY(query_write_node(to, n));
    TRY(put(to, ": "));
    return put(to, pass_name(n));
}

static status put_start(buffer *to, const candidates *from, uint64_t all, const char *name)
{
    char text[200];
    snprintf(text, sizeof text, "%s: %llu of %llu objects", name,
             (unsigned long long)(from->by == NULL ? all : from->rows.count),
             (unsigned long long)all);
    TRY(put(to, text));
    if (from->by == NULL) return ATOLL_OK;
    TRY(put(to, ", from the index by "));
    return query_write_node(to, from->by);
}

static status put_suffixes(buffer *to, const tree *t)
{
    static const char *const names[] = {"sort", "distinct", "limit", "filter"};
    for (size_t i = 0; i < t->suffix_count; i++) {
        TRY(put(to, "\n  then "));
        TRY(put(to, names[t->suffixes[i].kind]));
    }
    return ATOLL_OK;
}

status query_explain(const query *q, const model_view *view, buffer *to)
{
    const node *root = q->tree.root;
    candidates from;
    TRY(candidates_find(view, q->class_of, root, &from));
    status result = put_start(to, &from, model_count(view, q->class_of), q->class_name);
    vector_free(&from.rows);
    TRY(result);
    if (root->kind == NODE_AND) {
        for (size_t i = 0; i < root->child_count; i++) TRY(put_part(to, root->children[i]));
    } else if (root->kind != NODE_TRUE) {
        TRY(put_part(to, root));
    }
    return put_suffixes(to, &q->tree);
}
