#ifndef ATOLL_QUERY_QUERY_H
#define ATOLL_QUERY_QUERY_H
#include "model/model.h"
#include "base/vector.h"

/* text → tokens → tree → bound and checked → passes over column blocks; docs/query_language.md has the language.
 * What Atoll does not have yet of it is refused by name ("not supported yet: TEXT at 1:14"). Errors name line:column and
 * what was expected. */
typedef struct query query; /* immutable; any thread */
typedef struct query_arguments {
    const value *values;
    size_t count;
    /* list arguments: index i is a list when lists[i].count or is_list[i] */
    const struct query_arguments *const
        *lists; /* NULL or an array of count entries, each NULL or a list */
} query_arguments;

/* The schema is only read during the call. text empty: all rows. */
status query_new(const model_schema *schema, class_key c, bytes text,
                 const query_arguments *arguments, query **out) MUST_CHECK;
/* The objects of class `from` whose property links to the row. INVALID_ARGUMENT: it does not link to that class. */
status query_backlinks(const model_schema *schema, class_key target, row_key row, class_key from,
                       property_key p, query **out) MUST_CHECK;
query *query_retain(query *q); /* another reference, given back by query_free */
void query_free(query *q);
class_key query_class(const query *q);
bytes query_text(
    const query *
        q); /* canonical, arguments filled in: `age < 3`, `a == "x" and b == 1`, TRUEPREDICATE; parses back to the same */
bool query_has_suffixes(const query *q); /* SORT, DISTINCT, LIMIT */
/* Both conditions hold: (a) and (b); sorted by a, then by b, whose order dominates. b NULL: a itself, once more. After a
 * LIMIT or DISTINCT in a, b is over the rows that are left. */
status query_and(const query *a, const query *b, query **out) MUST_CHECK;
/* The properties of the class that the predicate reads (for queryable fields), each once. links: true if it crosses one. */
status query_properties(const query *q, const property_key **out, size_t *count,
                        bool *crosses_links) MUST_CHECK;

typedef VECTOR(row_key) row_vector;
bool query_matches(const query *q, const model_view *view, row_key row); /* alive and true */
/* The predicate over values from anywhere (leave records): get fills the value or null. No links or lists. */
typedef void (*query_getter)(void *context, property_key p, value *out);
bool query_matches_values(const query *q, query_getter get, void *context);
status query_run(const query *q, const model_view *view,
                 row_vector *out) MUST_CHECK; /* rows in order (sort, else row order) */
status query_count(const query *q, const model_view *view,
                   uint64_t *out) MUST_CHECK; /* without building rows when possible */
/* How it would run on the view, in words: the class, the index it starts from, the passes. Appends. */
status query_explain(const query *q, const model_view *view, buffer *to) MUST_CHECK;
typedef enum aggregate_kind {
    AGGREGATE_SUM,
    AGGREGATE_MINIMUM,
    AGGREGATE_MAXIMUM,
    AGGREGATE_AVERAGE
} aggregate_kind;
status query_aggregate(const query *q, const model_view *view, property_key p, aggregate_kind kind,
                       value *out) MUST_CHECK;
/* The same over rows that were found before; those that are not alive any more do not count. */
status query_aggregate_rows(const model_view *view, class_key c, const row_key *rows, size_t count,
                            property_key p, aggregate_kind kind, value *out) MUST_CHECK;

/* Change set of results between two versions: old rows (at `before`) and new rows, from the commit's changes; cost follows
 * the changes when the query is unsorted. Indexes: deletions and modifications in the old order, insertions and
 * modifications_new in the new one. */
typedef VECTOR(uint64_t) index_vector;
typedef struct result_changes {
    index_vector deletions, insertions, modifications, modifications_new;
} result_changes;
void result_changes_free(result_changes *changes);
status results_advance(const query *q, const model_view *before, const model_view *after,
                       const model_changes *changes,
                       row_vector *rows /* in: rows at before; out: rows at after */,
                       result_changes *out) MUST_CHECK;
#endif
