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
query *query_retain(query *q);        /* another reference, given back by query_free */
bool query_is_shared(const query *q); /* somebody else has a reference */
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

/* What a predicate demands of single fields. True: a row can match only if one of the guards lets its value through, so with
 * none no row can. False: it demands nothing that can be said so, or more than there is room for. */
typedef struct query_guard {
    property_key property;
    bool equal;
    value value;      /* equal; lives as long as the query */
    double low, high; /* else, of numbers, both inside */
} query_guard;
bool query_guards(const query *q, query_guard *out, size_t room, size_t *count);
bool query_guard_lets(const query_guard *g, const value *v);

typedef VECTOR(row_key) row_vector;
bool query_matches(const query *q, const model_view *view, row_key row); /* alive and true */
/* The predicate over values from anywhere (leave records): get fills the value or null. No links or lists. */
typedef void (*query_getter)(void *context, property_key p, value *out);
bool query_matches_values(const query *q, query_getter get, void *context);
/* Plain: it asks the row's own fields of one value, and follows no link. What query_matches_values can tell. */
bool query_is_plain(const query *q);
/* What a predicate reads, step by step from the row; target: the class behind a link or embedded object, or 0. */
enum { QUERY_PATH_STEPS_MAX = 8 };
typedef struct query_step {
    class_key class_of, target;
    property_key property;
} query_step;
typedef struct query_path {
    query_step steps[QUERY_PATH_STEPS_MAX];
    size_t count;
} query_path;
typedef VECTOR(query_path) query_path_vector;
/* Adds each once. NOT_SUPPORTED: the predicate asks for more than what is on paths (@links, obj). */
status query_paths(const query *q, query_path_vector *out) MUST_CHECK;
status query_paths_check(bytes text) MUST_CHECK; /* the same before there is a schema */
/* Rows from anywhere: with collections, embedded objects and what links lead to. */
typedef struct query_rows {
    const model_schema *schema;
    void (*get)(void *context, class_key c, row_key row, property_key p, value *out);
    void (*each)(void *context, class_key c, row_key row, property_key p,
                 model_collection_visitor visit, void *visit_context);
    void *context;
} query_rows;
bool query_matches_rows(const query *q, const query_rows *rows, row_key row);
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

/* ---- a query over what one object holds, instead of over its whole class ---- */
typedef enum query_base_kind {
    QUERY_BASE_CLASS,
    QUERY_BASE_COLLECTION /* the objects in a list, set or dictionary of the row */
} query_base_kind;
typedef struct query_base {
    query_base_kind kind;
    class_key class_of; /* of the row */
    row_key row;
    property_key property;
} query_base;
status query_over(const query *q, const query_base *base, query **out) MUST_CHECK;
bool query_has_base(const query *q);

/* ---- change sets ---- */
/* Deletions and modifications by the old indexes, insertions and modifications_new by the new ones, ascending. What moved
 * is among the deletions and the insertions too; moves are in the order of the new indexes. */
typedef VECTOR(uint64_t) index_vector;
typedef struct result_changes {
    index_vector deletions, insertions, modifications, modifications_new, moves_from, moves_to;
} result_changes;
void result_changes_free(result_changes *changes);
/* Two sequences of identities, which may repeat. */
typedef struct sequence_pair {
    const uint64_t *old_items, *new_items;
    size_t old_count, new_count;
    /* Whether an item that stayed is to be told as modified; NULL: none is. */
    status (*is_modified)(void *context, size_t old_index, size_t new_index, bool *out);
    void *context;
} sequence_pair;
status sequence_difference(const sequence_pair *pair, result_changes *out) MUST_CHECK;

/* Which properties, of an object and behind its links, a listener wants to hear of: "name", "owner.name", "owner.*",
 * "@links.Task.owner" and "@links.Task.owner.title" of what links to it. */
typedef struct key_paths key_paths;
/* UNKNOWN_PROPERTY names what is not there. No paths: nothing but insertions, deletions and moves. */
status key_paths_new(const model_schema *schema, class_key c, const bytes *texts, size_t count,
                     key_paths **out) MUST_CHECK;
void key_paths_free(key_paths *paths);
/* The rows of a class that changes concern, ascending. paths NULL: every property up to four links away. */
status changes_reach(const model_view *before, const model_view *view, const model_changes *changes,
                     class_key c, const key_paths *paths, row_vector *out) MUST_CHECK;
bool rows_contain(const row_vector *rows, row_key row); /* of ascending rows */
/* The properties of one object that changes concern. paths NULL: its own properties, not what is behind its links. *linked is
 * set when a path that begins with @links tells of a change, which is no property's. */
typedef VECTOR(property_key) property_vector;
status changes_reach_properties(const model_view *before, const model_view *view,
                                const model_changes *changes, class_key c, row_key row,
                                const key_paths *paths, property_vector *out,
                                bool *linked) MUST_CHECK;

/* Change set of results between two versions, from the commits' changes; cost follows the changes unless the query has a
 * LIMIT or a base, or reads through links that changed. */
status results_advance(const query *q, const model_view *before, const model_view *after,
                       const model_changes *changes,
                       const key_paths *paths /* whose changes are modifications */,
                       row_vector *rows /* in: rows at before; out: rows at after */,
                       result_changes *out) MUST_CHECK;
#endif
