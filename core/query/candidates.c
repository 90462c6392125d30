/* Where a scan begins: the rows outside of which nothing can match, from an index, or all rows of the class. It must
 * never decide what matches: the tree is asked about each candidate. Invariant: every row that matches is a candidate. */
#include "query/query_internal.h"
#include <stdlib.h>

/* Above this part of the class a scan over its columns is quicker. */
enum { SELECTIVE_PART = 16, SELECTIVE_MIN = 256 };

typedef struct chooser {
    const model_view *view;
    class_key class_of;
    const model_class *schema;
    uint64_t limit;
} chooser;

typedef struct choice {
    bool usable;
    model_rows rows;
    const node *by;
} choice;

static void choice_drop(choice *c)
{
    vector_free(&c->rows);
    *c = (choice){.usable = false};
}

/* The smaller of two; the other is freed. */
static void choice_take(choice *best, choice *other)
{
    bool better = other->usable && (!best->usable || other->rows.count < best->rows.count);
    choice lost = better ? *best : *other;
    if (better) *best = *other;
    choice_drop(&lost);
}

static const model_property *plain_property(const chooser *c, const operand *o)
{
    if (o->kind != OPERAND_PATH || o->step_count != 1 || o->post != POST_VALUE || o->aggregated ||
        o->quantifier > QUANTIFIER_ANY || o->variable.size != 0)
        return NULL;
    const path_step *s = &o->steps[0];
    bool plain = s->kind == STEP_PROPERTY && s->selector_count == 0;
    return plain ? class_property(c->schema, s->property) : NULL;
}

/* Equal values of other types are filed elsewhere, but for numbers that are whole. */
static bool is_filed(const model_property *p, const value *v)
{
    bool number = v->type == VALUE_INT || v->type == VALUE_DOUBLE || v->type == VALUE_FLOAT;
    bool text = v->type == VALUE_STRING || v->type == VALUE_BINARY;
    if ((p->flags & PROPERTY_COLLECTION) != 0) return false;
    if ((p->flags & PROPERTY_PRIMARY_KEY) != 0) return v->type == p->type;
    if (p->type == VALUE_INT) return number;
    if (p->type == VALUE_STRING) return text;
    return p->type != VALUE_MIXED && p->type != VALUE_BOOL && v->type == p->type;
}

static status by_value(const chooser *c, const model_property *p, const value *v, model_rows *out,
                       bool *usable)
{
    *usable = false;
    if (p->type == VALUE_LINK && v->type == VALUE_LINK && (p->flags & PROPERTY_DICTIONARY) == 0) {
        *usable = true;
        return model_backlink_candidates(c->view, v->as.row, c->class_of, p->key, c->limit, out,
                                         usable);
    }
    if (!is_filed(p, v)) return ATOLL_OK;
    return model_index_candidates(c->view, c->class_of, p->key, v, c->limit, out, usable);
}

static status by_comparison(const chooser *c, const node *n, choice *out)
{
    bool turned = n->left.kind == OPERAND_CONSTANT;
    const operand *path = turned ? &n->right : &n->left, *other = turned ? &n->left : &n->right;
    const model_property *p = plain_property(c, path);
    bool equal =
        n->comparison == COMPARE_EQUAL && !n->fold && !n->types && !n->whole && !n->between;
    bool list = other->kind == OPERAND_CONSTANTS && !other->has_objects &&
                other->quantifier <= QUANTIFIER_ANY;
    if (p == NULL || !equal || (!list && other->kind != OPERAND_CONSTANT)) return ATOLL_OK;
    size_t count = list ? other->item_count : 1;
    status result = ATOLL_OK;
    out->usable = true;
    for (size_t i = 0; i < count && result == ATOLL_OK && out->usable; i++) {
        model_rows rows = {0};
        result =
            by_value(c, p, list ? &other->constants[i] : &other->constant, &rows, &out->usable);
        for (size_t k = 0; k < rows.count && result == ATOLL_OK; k++)
            result = vector_push(&out->rows, rows.items[k]);
        vector_free(&rows);
        if (out->rows.count > c->limit) out->usable = false;
    }
    out->by = n;
    return result;
}

static status by_text(const chooser *c, const node *n, choice *out)
{
    const model_property *p = plain_property(c, &n->left);
    bytes word = text_search_word(n->search);
    if (p == NULL || word.size == 0) return ATOLL_OK;
    out->by = n;
    return model_text_candidates(c->view, c->class_of, p->key, word, c->limit, &out->rows,
                                 &out->usable);
}

static status choose(const chooser *c, const node *n, choice *out);

static status choose_and(const chooser *c, const node *n, choice *out)
{
    enum { FEW = 64 };
    for (size_t i = 0; i < n->child_count; i++) {
        choice one = {.usable = false};
        status result = choose(c, n->children[i], &one);
        choice_take(out, &one);
        TRY(result);
        if (out->usable && out->rows.count <= FEW) return ATOLL_OK;
    }
    return ATOLL_OK;
}

static status choose_or(const chooser *c, const node *n, choice *out)
{
    status result = ATOLL_OK;
    out->usable = true;
    for (size_t i = 0; i < n->child_count && result == ATOLL_OK && out->usable; i++) {
        choice one = {.usable = false};
        result = choose(c, n->children[i], &one);
        for (size_t k = 0; k < one.rows.count && result == ATOLL_OK; k++)
            result = vector_push(&out->rows, one.rows.items[k]);
        out->usable = one.usable && out->rows.count <= c->limit;
        choice_drop(&one);
    }
    out->by = n;
    return result;
}

/* Not usable: whatever is in *out is the caller's to drop. */
static status choose(const chooser *c, const node *n, choice *out)
{
    switch (n->kind) {
    case NODE_COMPARE: return by_comparison(c, n, out);
    case NODE_TEXT: return by_text(c, n, out);
    case NODE_AND: return choose_and(c, n, out);
    case NODE_OR: return choose_or(c, n, out);
    case NODE_TRUE:
    case NODE_FALSE:
    case NODE_NOT:
    case NODE_GEO: break;
    }
    return ATOLL_OK;
}

static int by_row(const void *a, const void *b)
{
    row_key x = *(const row_key *)a, y = *(const row_key *)b;
    return (x > y) - (x < y);
}

status candidates_find(const model_view *view, class_key c, const node *root, candidates *out)
{
    chooser chooser = {
        .view = view, .class_of = c, .schema = schema_class(model_view_schema(view), c)};
    choice found = {.usable = false};
    *out = (candidates){.by = NULL};
    if (root->kind == NODE_TRUE || chooser.schema == NULL) return ATOLL_OK;
    chooser.limit = model_count(view, c) / SELECTIVE_PART + SELECTIVE_MIN;
    status result = choose(&chooser, root, &found);
    if (result != ATOLL_OK || !found.usable) {
        choice_drop(&found);
        return result;
    }
    if (found.rows.count > 1)
        qsort(found.rows.items, found.rows.count, sizeof *found.rows.items, by_row);
    *out = (candidates){.by = found.by, .rows = found.rows};
    return ATOLL_OK;
}

/* ---- steps over segments ---- */
status scan_begin(segment_scan *s, const model_view *view, class_key c, const node *root)
{
    *s = (segment_scan){.source = {.rows = {.view = view}, .class_of = c}, .root = root};
    return candidates_find(view, c, root, &s->from);
}

void scan_end(segment_scan *s)
{
    linked_free(s->source.linked);
    vector_free(&s->from.rows);
}

/* The candidates of the next segment that has any. */
static bool next_candidates(segment_scan *s, uint64_t mask[MASK_WORDS])
{
    const row_key *rows = s->from.rows.items;
    size_t count = s->from.rows.count;
    while (s->at < count && s->result == ATOLL_OK) {
        uint64_t index = rows[s->at] / MODEL_BLOCK_ROWS, cursor = index;
        memset(mask, 0, MASK_WORDS * sizeof *mask);
        for (; s->at < count && rows[s->at] / MODEL_BLOCK_ROWS == index; s->at++)
            mask[rows[s->at] % MODEL_BLOCK_ROWS / 64] |= (uint64_t)1 << (rows[s->at] % 64);
        bool found = model_scan(s->source.rows.view, s->source.class_of, &cursor,
                                &s->source.segment, &s->result);
        if (!found || s->source.segment.first != index * MODEL_BLOCK_ROWS) continue;
        for (size_t w = 0; w < MASK_WORDS; w++) mask[w] &= s->source.segment.alive[w];
        return true;
    }
    return false;
}

bool scan_next(segment_scan *s, uint64_t mask[MASK_WORDS])
{
    bool more = false;
    if (s->result != ATOLL_OK) return false;
    if (s->from.by != NULL) {
        more = next_candidates(s, mask);
    } else {
        more = model_scan(s->source.rows.view, s->source.class_of, &s->cursor, &s->source.segment,
                          &s->result);
        if (more) memcpy(mask, s->source.segment.alive, MASK_WORDS * sizeof *mask);
    }
    if (!more) return false;
    segment_matches(&s->source, s->root, mask);
    if (s->result == ATOLL_OK) s->result = s->source.rows.error;
    return s->result == ATOLL_OK;
}
