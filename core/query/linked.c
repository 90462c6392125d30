/* Comparisons of what a link leads to: the comparison is made once for each row of the target class, segment by segment
 * as they are needed, and the links then only look up its answer.
 * It must never outlive the run that it belongs to: the view may be written to between two runs.
 * Invariant: a link that is null, or whose target is not alive, has the answer of null. */
#include "query/query_internal.h"

typedef struct linked_answers {
    bool known;
    uint64_t alive[MASK_WORDS], matches[MASK_WORDS];
} linked_answers;

struct linked {
    const node *of;
    node over_target; /* the comparison with the link taken off its path */
    bool null_matches, worth_it;
    linked_answers **segments;
    size_t segment_count;
    linked *next;
};

void linked_free(linked *l)
{
    while (l != NULL) {
        linked *next = l->next;
        for (size_t i = 0; i < l->segment_count; i++) memory_free(l->segments[i]);
        memory_free(l->segments);
        memory_free(l);
        l = next;
    }
}

/* Few rows that point all over a big class are quicker followed one by one. */
static bool is_worth_it(const segment_source *s, class_key target)
{
    return model_count(s->rows.view, s->class_of) * 64 >= model_count(s->rows.view, target);
}

static status linked_of(segment_source *s, const node *n, linked **out)
{
    for (*out = s->linked; *out != NULL; *out = (*out)->next)
        if ((*out)->of == n) return ATOLL_OK;
    linked *made = memory_allocate_zero(sizeof *made);
    if (made == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    value null = value_null();
    made->of = n;
    made->over_target = *n;
    made->over_target.left.steps++;
    made->over_target.left.step_count--;
    pass_plan(&made->over_target);
    made->null_matches = constants_match(n, &null);
    made->worth_it = is_worth_it(s, n->left.steps[0].target);
    made->next = s->linked;
    s->linked = *out = made;
    return ATOLL_OK;
}

static status segments_reserve(linked *l, size_t count)
{
    if (count <= l->segment_count) return ATOLL_OK;
    size_t wanted = count < l->segment_count * 2 ? l->segment_count * 2 : count;
    linked_answers **segments = memory_reallocate(l->segments, wanted * sizeof(linked_answers *));
    if (segments == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    memset(segments + l->segment_count, 0, (wanted - l->segment_count) * sizeof(linked_answers *));
    l->segments = segments;
    l->segment_count = wanted;
    return ATOLL_OK;
}

static status answer(segment_source *s, linked *l, uint64_t index, const linked_answers **out)
{
    TRY(segments_reserve(l, index + 1));
    linked_answers *a = l->segments[index];
    if (a == NULL) {
        a = l->segments[index] = memory_allocate_zero(sizeof *a);
        if (a == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    }
    *out = a;
    if (a->known) return ATOLL_OK;
    segment_source target = {.rows = {.view = s->rows.view},
                             .class_of = l->of->left.steps[0].target};
    uint64_t cursor = index;
    status result = ATOLL_OK;
    bool found = model_scan(target.rows.view, target.class_of, &cursor, &target.segment, &result);
    TRY(result);
    if (found && target.segment.first == index * MODEL_BLOCK_ROWS) {
        memcpy(a->alive, target.segment.alive, sizeof a->alive);
        memcpy(a->matches, a->alive, sizeof a->matches);
        segment_matches(&target, &l->over_target, a->matches);
        TRY(target.rows.error);
    }
    a->known = true;
    return ATOLL_OK;
}

static status link_matches(segment_source *s, linked *l, row_key row, bool *out)
{
    const linked_answers *a = NULL;
    uint64_t index = row / MODEL_BLOCK_ROWS;
    if (index < l->segment_count && l->segments[index] != NULL && l->segments[index]->known)
        a = l->segments[index];
    else
        TRY(answer(s, l, index, &a));
    size_t word = row % MODEL_BLOCK_ROWS / 64;
    bool alive = row != 0 && (a->alive[word] >> (row % 64) & 1) != 0;
    *out = alive ? (a->matches[word] >> (row % 64) & 1) != 0 : l->null_matches;
    return ATOLL_OK;
}

status linked_pass(segment_source *s, const node *n, const model_column *links,
                   uint64_t mask[MASK_WORDS], bool *done)
{
    linked *l = NULL;
    TRY(linked_of(s, n, &l));
    *done = l->worth_it;
    for (size_t w = 0; w < MASK_WORDS && l->worth_it; w++) {
        for (uint64_t left = mask[w]; left != 0; left &= left - 1) {
            unsigned bit = (unsigned)__builtin_ctzll(left);
            bool null = links->null_bits != NULL && (links->null_bits[w] >> bit & 1) != 0,
                 matches = l->null_matches;
            if (!null) TRY(link_matches(s, l, (row_key)links->integers[64 * w + bit], &matches));
            if (!matches) mask[w] &= ~((uint64_t)1 << bit);
        }
    }
    return ATOLL_OK;
}
