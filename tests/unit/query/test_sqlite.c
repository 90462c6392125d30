/* Random queries in both languages over the same people, here and in SQLite: predicates, arithmetic, aggregates of
 * lists, subqueries, sorts, distincts and limits. SQL's third truth value is spelled out, since ours has two. A failure
 * prints its seed and both texts. */
#include "base/random.h"
#include "fixture.h"
#include <criterion/criterion.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

enum { PEOPLE = 60, TEXT_MAX = 40000, SEEDS = 25, QUERIES = 40 };

typedef struct text {
    char chars[TEXT_MAX];
    size_t size;
} text;

typedef struct world {
    random_state random;
    fixture realm;
    model_txn *txn;
    sqlite3 *sql;
    row_key rows[PEOPLE];
    text ours, theirs;
} world;

static int pick(world *w, int bound)
{
    return (int)random_below(&w->random, (uint64_t)bound);
}

static void say(text *t, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(t->chars + t->size, TEXT_MAX - t->size, format, arguments);
    va_end(arguments);
    cr_assert(size >= 0 && t->size + (size_t)size < TEXT_MAX);
    t->size += (size_t)size;
}

static void both(world *w, const char *chars)
{
    say(&w->ours, "%s", chars);
    say(&w->theirs, "%s", chars);
}

/* ---- the same people twice ---- */

static void execute(world *w, const char *format, ...)
{
    char sql[400], *error = NULL;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sql, sizeof sql, format, arguments);
    va_end(arguments);
    int code = sqlite3_exec(w->sql, sql, NULL, NULL, &error);
    cr_assert_eq(code, SQLITE_OK, "%s: %s", sql, error);
}

static void set(world *w, int i, const char *name, value v)
{
    const model_class *person = w->realm.person;
    OK(model_set(w->txn, person->key, w->rows[i], fixture_property(person, name), &v));
}

static void append(world *w, int i, const char *name, uint64_t at, value v)
{
    const model_class *person = w->realm.person;
    OK(model_list_insert(w->txn, person->key, w->rows[i], fixture_property(person, name), at, &v));
}

static void fill_person(world *w, int i)
{
    static const char *const names[] = {"",    "a",   "A",  "ab",
                                        "abc", "bca", "c*", "\xc3\xa9t\xc3\xa9"};
    int age = pick(w, 12) - 4, weight = pick(w, 6), name = pick(w, 8);
    double score = pick(w, 9) / 2.0 - 1;
    set(w, i, "age", value_int(age));
    set(w, i, "score", value_double(score));
    execute(w, "INSERT INTO person(id, age, score) VALUES(%d, %d, %g)", i, age, score);
    if (pick(w, 3) != 0) {
        set(w, i, "weight", value_int(weight));
        execute(w, "UPDATE person SET weight = %d WHERE id = %d", weight, i);
    }
    if (pick(w, 4) != 0) {
        set(w, i, "name", value_string(bytes_text(names[name])));
        execute(w, "UPDATE person SET name = '%s' WHERE id = %d", names[name], i);
    }
    if (pick(w, 3) != 0) {
        int friend = pick(w, PEOPLE);
        set(w, i, "friend", value_link(w->rows[friend]));
        execute(w, "UPDATE person SET friend = %d WHERE id = %d", friend, i);
    }
    for (int k = pick(w, 4); k > 0; k--) {
        int number = pick(w, 5);
        append(w, i, "numbers", 0, value_int(number));
        execute(w, "INSERT INTO numbers VALUES(%d, %d)", i, number);
    }
    for (int k = pick(w, 3); k > 0; k--) {
        int friend = pick(w, PEOPLE);
        append(w, i, "friends", 0, value_link(w->rows[friend]));
        execute(w, "INSERT INTO friends VALUES(%d, %d)", i, friend);
    }
}

static void world_open(world *w, uint64_t seed)
{
    *w = (world){.random = {seed}};
    fixture_open(&w->realm);
    cr_assert_eq(sqlite3_open(":memory:", &w->sql), SQLITE_OK);
    execute(w,
            "CREATE TABLE person(id INTEGER PRIMARY KEY, age, weight, score REAL, name, friend)");
    execute(w, "CREATE TABLE numbers(person, number)");
    execute(w, "CREATE TABLE friends(person, friend)");
    OK(model_begin(w->realm.db, COMMIT_LOCAL, &w->txn));
    for (int i = 0; i < PEOPLE; i++) {
        value key = value_int(i);
        OK(model_create(w->txn, w->realm.person->key, &key, &w->rows[i]));
    }
    execute(w, "BEGIN");
    for (int i = 0; i < PEOPLE; i++) fill_person(w, i);
    execute(w, "COMMIT");
    OK(model_commit(w->txn, NULL));
}

static void world_close(world *w)
{
    sqlite3_close(w->sql);
    fixture_close(&w->realm);
}

/* ---- values ---- */

static void column(world *w)
{
    static const char *const forms[][2] = {
        {"age", "p.age"},
        {"weight", "p.weight"},
        {"score", "p.score"},
        {"friend.age", "(SELECT age FROM person WHERE id = p.friend)"},
        {"friend.weight", "(SELECT weight FROM person WHERE id = p.friend)"},
        {"friend.friend.score", "(SELECT b.score FROM person a JOIN person b ON b.id = a.friend "
                                "WHERE a.id = p.friend)"},
        {"name.@count", "length(CAST(p.name AS BLOB))"},
        {"numbers.@count", "(SELECT count(*) FROM numbers WHERE person = p.id)"},
        {"numbers.@sum", "(SELECT coalesce(sum(number), 0) FROM numbers WHERE person = p.id)"},
        {"numbers.@max", "(SELECT max(number) FROM numbers WHERE person = p.id)"},
        {"numbers.@min", "(SELECT min(number) FROM numbers WHERE person = p.id)"},
        {"numbers.@avg", "(SELECT avg(number) FROM numbers WHERE person = p.id)"},
        {"friends.@count", "(SELECT count(*) FROM friends WHERE person = p.id)"},
        {"friends.@sum.age", "(SELECT coalesce(sum(f.age), 0) FROM friends x JOIN person f ON "
                             "f.id = x.friend WHERE x.person = p.id)"},
        {"friends.@max.weight", "(SELECT max(f.weight) FROM friends x JOIN person f ON "
                                "f.id = x.friend WHERE x.person = p.id)"},
        {"friends.@avg.score", "(SELECT avg(f.score) FROM friends x JOIN person f ON "
                               "f.id = x.friend WHERE x.person = p.id)"},
        {"SUBQUERY(friends, $f, $f.age > 1 and $f.weight != 3).@count",
         "(SELECT count(*) FROM friends x JOIN person f ON f.id = x.friend WHERE x.person = p.id "
         "AND f.age > 1 AND f.weight IS NOT 3)"},
    };
    int which = pick(w, sizeof forms / sizeof *forms);
    say(&w->ours, "%s", forms[which][0]);
    say(&w->theirs, "%s", forms[which][1]);
}

static void constant(world *w)
{
    char digits[40];
    int form = pick(w, 8);
    if (form == 0)
        snprintf(digits, sizeof digits, "null");
    else if (form < 5)
        snprintf(digits, sizeof digits, "%d", pick(w, 9) - 3);
    else
        snprintf(digits, sizeof digits, "%.1f", pick(w, 16) / 2.0 - 3);
    both(w, digits);
}

static void number(world *w, int depth)
{
    static const char *const operators[] = {" + ", " - ", " * "};
    if (depth == 0 || pick(w, 3) != 0) {
        if (pick(w, 3) == 0)
            constant(w);
        else
            column(w);
        return;
    }
    both(w, "(");
    number(w, depth - 1);
    if (pick(w, 4) == 0) {
        both(w, pick(w, 2) ? " / 3" : " / -2"); /* by zero the languages differ */
    } else {
        both(w, operators[pick(w, 3)]);
        number(w, depth - 1);
    }
    both(w, ")");
}

/* ---- predicates ---- */

static const char *const signs[] = {"==", "!=", "<", "<=", ">", ">="};

/* A number in SQL is said twice where null needs a case of its own, so it is kept aside first. */
static void number_aside(world *w, int depth, char sql[TEXT_MAX])
{
    size_t start = w->theirs.size;
    number(w, depth);
    memcpy(sql, w->theirs.chars + start, w->theirs.size - start + 1);
    w->theirs.size = start;
}

static void compare_numbers(world *w)
{
    int sign = pick(w, 6);
    char *left = malloc(TEXT_MAX), *right = malloc(TEXT_MAX);
    number_aside(w, 2, left);
    say(&w->ours, " %s ", signs[sign]);
    number_aside(w, 1, right);
    if (sign < 2)
        say(&w->theirs, "(%s IS %s%s)", left, sign == 0 ? "" : "NOT ", right);
    else if (sign == 2 || sign == 4)
        say(&w->theirs, "coalesce(%s %s %s, 0)", left, signs[sign], right);
    else
        say(&w->theirs, "(coalesce(%s %s %s, 0) OR (%s IS NULL AND %s IS NULL))", left, signs[sign],
            right, left, right);
    free(left);
    free(right);
}

static void compare_names(world *w)
{
    static const char *const forms[][2] = {
        {"name == 'ab'", "(p.name IS 'ab')"},
        {"name != ''", "(p.name IS NOT '')"},
        {"name > 'a'", "coalesce(p.name > 'a', 0)"},
        {"name <= 'ab'", "coalesce(p.name <= 'ab', 0)"},
        {"name == null", "p.name IS NULL"},
        {"name BEGINSWITH 'a'", "coalesce(substr(p.name, 1, 1) = 'a', 0)"},
        {"name ENDSWITH 'c'", "coalesce(substr(p.name, -1) = 'c', 0)"},
        {"name CONTAINS 'b'", "coalesce(instr(p.name, 'b') > 0, 0)"},
        {"name CONTAINS ''", "p.name IS NOT NULL"},
        {"name LIKE '?b*'", "coalesce(p.name GLOB '?b*', 0)"},
        {"name LIKE '*'", "p.name IS NOT NULL"},
        {"name LIKE '*t?'", "coalesce(p.name GLOB '*t?', 0)"},
        {"name ==[c] 'AB'", "coalesce(lower(p.name) = 'ab', 0)"},
        {"name IN {'a', 'abc', null}", "(p.name IS NULL OR p.name IN ('a', 'abc'))"},
        {"name == friend.name", "(p.name IS (SELECT name FROM person WHERE id = p.friend))"},
        {"name < friend.name",
         "coalesce(p.name < (SELECT name FROM person WHERE id = p.friend), 0)"},
    };
    int which = pick(w, sizeof forms / sizeof *forms);
    say(&w->ours, "%s", forms[which][0]);
    say(&w->theirs, "%s", forms[which][1]);
}

static void compare_lists(world *w)
{
    static const char *const quantifiers[] = {"", "ANY ", "ALL ", "NONE "};
    int quantifier = pick(w, 4), sign = pick(w, 6), bound = pick(w, 5);
    static const char *const turned[] = {"<>", "=", ">=", ">", "<=", "<"};
    bool friends = pick(w, 2);
    say(&w->ours, "%s%s %s %d", quantifiers[quantifier], friends ? "friends.age" : "numbers",
        signs[sign], bound);
    say(&w->theirs, "%sEXISTS(SELECT 1 FROM ", quantifier < 2 ? "" : "NOT ");
    const char *how = quantifier == 2 ? turned[sign] : signs[sign];
    if (friends)
        say(&w->theirs,
            "friends x JOIN person f ON f.id = x.friend WHERE x.person = p.id AND f.age %s %d)",
            how, bound);
    else
        say(&w->theirs, "numbers WHERE person = p.id AND number %s %d)", how, bound);
}

static void compare_sets(world *w)
{
    int low = pick(w, 6) - 3, high = low + pick(w, 4);
    if (pick(w, 2)) {
        say(&w->ours, "weight BETWEEN {%d, %d}", low, high);
        say(&w->theirs, "coalesce(p.weight BETWEEN %d AND %d, 0)", low, high);
    } else {
        int third = pick(w, 5);
        say(&w->ours, "age IN {%d, %d, %d}", low, high, third);
        say(&w->theirs, "p.age IN (%d, %d, %d)", low, high, third);
    }
}

static void predicate(world *w, int depth)
{
    static void (*const leaves[])(world *) = {compare_numbers, compare_numbers, compare_names,
                                              compare_lists, compare_sets};
    int form = depth == 0 ? 0 : pick(w, 4);
    if (form == 0) {
        leaves[pick(w, sizeof leaves / sizeof *leaves)](w);
        return;
    }
    both(w, form == 1 ? "NOT (" : "(");
    predicate(w, depth - 1);
    if (form > 1) {
        both(w, form == 2 ? ") AND (" : ") OR (");
        predicate(w, depth - 1);
    }
    both(w, ")");
}

/* ---- suffixes: each wraps what SQL has so far, which counts its rows in `place` ---- */

static const char *const keys[] = {"age", "weight", "score", "name"};

static void wrap(world *w, const char *before, const char *after)
{
    text *inner = malloc(sizeof *inner);
    *inner = w->theirs;
    w->theirs.size = 0;
    say(&w->theirs, "%s%s%s", before, inner->chars, after);
    free(inner);
}

static void suffix_sort(world *w)
{
    char before[300], part[120];
    int count = pick(w, 2) + 1;
    strcpy(before, "SELECT id, age, weight, score, name, friend, row_number() OVER (ORDER BY ");
    say(&w->ours, " SORT(");
    for (int i = 0; i < count; i++) {
        const char *key = keys[pick(w, 4)];
        bool descending = pick(w, 2);
        say(&w->ours, "%s%s %s", i == 0 ? "" : ", ", key, descending ? "DESC" : "ASC");
        snprintf(part, sizeof part, "%s %s NULLS %s, ", key, descending ? "DESC" : "ASC",
                 descending ? "LAST" : "FIRST");
        strcat(before, part);
    }
    say(&w->ours, ")");
    strcat(before, "place) AS place FROM (");
    wrap(w, before, ")");
}

static void suffix_distinct(world *w)
{
    char before[300];
    const char *first = keys[pick(w, 4)], *second = keys[pick(w, 4)];
    bool two = pick(w, 2);
    say(&w->ours, " DISTINCT(%s%s%s)", first, two ? ", " : "", two ? second : "");
    snprintf(before, sizeof before,
             "SELECT * FROM (SELECT p.*, row_number() OVER (PARTITION BY %s%s%s ORDER BY place) "
             "AS nth FROM (",
             first, two ? ", " : "", two ? second : "");
    wrap(w, before, ") p) WHERE nth = 1");
}

static void suffix_limit(world *w)
{
    char after[100];
    int limit = pick(w, PEOPLE);
    say(&w->ours, " LIMIT(%d)", limit);
    snprintf(after, sizeof after, ") ORDER BY place LIMIT %d", limit);
    wrap(w, "SELECT * FROM (", after);
}

/* Between two suffixes only the columns of the table and the place are left. */
static void only_columns(world *w)
{
    wrap(w, "SELECT id, age, weight, score, name, friend, place FROM (", ")");
}

static void make_texts(world *w)
{
    static void (*const suffixes[])(world *) = {suffix_sort, suffix_distinct, suffix_limit};
    w->ours.size = w->theirs.size = 0;
    say(&w->theirs, "SELECT p.*, p.id AS place FROM person p WHERE ");
    predicate(w, 3);
    for (int count = pick(w, 4); count > 0; count--) {
        suffixes[pick(w, 3)](w);
        only_columns(w);
    }
    wrap(w, "SELECT id, age FROM (", ") ORDER BY place");
}

/* ---- both answers ---- */

static void check(world *w, const model_view *view, int seed)
{
    query *q = NULL;
    row_vector rows = {0};
    sqlite3_stmt *statement = NULL;
    make_texts(w);
    const char *ours = w->ours.chars, *theirs = w->theirs.chars;
    status made =
        query_new(model_view_schema(view), w->realm.person->key, bytes_text(ours), NULL, &q);
    if (made == ATOLL_ERROR_QUERY_TYPE) return; /* constants on both sides */
    cr_assert_eq(made, ATOLL_OK, "seed %d: `%s`: %s", seed, ours, fail_text());
    OK(query_run(q, view, &rows));
    int code = sqlite3_prepare_v2(w->sql, theirs, -1, &statement, NULL);
    cr_assert_eq(code, SQLITE_OK, "seed %d: %s: %s", seed, theirs, sqlite3_errmsg(w->sql));
    size_t at = 0;
    int64_t sum = 0;
    for (; sqlite3_step(statement) == SQLITE_ROW; at++) {
        int id = sqlite3_column_int(statement, 0);
        sum += sqlite3_column_int(statement, 1);
        cr_assert(at < rows.count && rows.items[at] == w->rows[id],
                  "seed %d: person %d at %d\n%s\n%s", seed, id, (int)at, ours, theirs);
    }
    cr_assert_eq(at, rows.count, "seed %d: %d rows, not %d\n%s\n%s", seed, (int)rows.count, (int)at,
                 ours, theirs);
    uint64_t count = 0;
    value total;
    OK(query_count(q, view, &count));
    OK(query_aggregate(q, view, fixture_property(w->realm.person, "age"), AGGREGATE_SUM, &total));
    cr_assert(count == at && total.as.integer == sum, "seed %d: %s", seed, ours);
    sqlite3_finalize(statement);
    vector_free(&rows);
    query_free(q);
}

Test(query_sqlite, random_queries_have_the_same_answer)
{
    world *w = malloc(sizeof *w);
    for (int seed = 1; seed <= SEEDS; seed++) {
        world_open(w, (uint64_t)seed);
        model_view *view = model_view_newest(w->realm.db);
        for (int i = 0; i < QUERIES; i++) check(w, view, seed);
        model_view_release(view);
        world_close(w);
    }
    free(w);
}
