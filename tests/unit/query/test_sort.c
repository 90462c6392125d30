/* SORT by one column against a plain stable sort of the values, with many equal ones, nulls, NaN, texts that share their
 * beginning; and the radix sort below it with keys that differ in any of their bits. */
#include "fixture.h"
#include "query/query_internal.h"
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROWS = 3000 };

Test(query_sort, radix)
{
    static sortable items[5000], spare[5000];
    for (uint64_t seed = 1; seed <= 40; seed++) {
        size_t count = (size_t)(hash_u64(seed) % 5000) + 1;
        unsigned shift = (unsigned)(seed * 7 % 64), kinds = 1u << seed % 20;
        for (size_t i = 0; i < count; i++) {
            uint64_t random = hash_u64(seed * 100000 + i);
            items[i] = (sortable){seed % 3 == 0 ? random : random % kinds << shift, i};
        }
        radix_sort(items, spare, count);
        for (size_t i = 1; i < count; i++) {
            cr_assert_leq(items[i - 1].bits, items[i].bits);
            if (items[i - 1].bits == items[i].bits)
                cr_assert_lt(items[i - 1].index, items[i].index, "equal items changed places");
        }
    }
}

static value text_of(uint64_t random, char room[40])
{
    static const char *const heads[] = {"", "person-", "person-of-the-same-beginning-", "p",
                                        "\xc3\xa4"};
    snprintf(room, 40, "%s%llu", heads[random % 5], (unsigned long long)(random >> 8) % 50);
    return value_string(bytes_text(random % 7 == 0 ? heads[random % 5] : room));
}

static value score_of(uint64_t random)
{
    static const double hard[] = {0.0, -0.0, NAN, INFINITY, -INFINITY};
    return value_double(random % 6 < 5 ? hard[random % 6] : (double)(int64_t)random / 1e6);
}

static void fill(const fixture *f, model_txn *txn)
{
    static char long_text[9000]; /* out of line */
    char room[40];
    memset(long_text, 'p', sizeof long_text);
    property_key name = fixture_property(f->person, "name"),
                 age = fixture_property(f->person, "age"),
                 score = fixture_property(f->person, "score"),
                 done = fixture_property(f->person, "done"),
                 weight = fixture_property(f->person, "weight");
    for (int64_t i = 0; i < ROWS; i++) {
        value key = value_int(i), v;
        row_key row = 0;
        uint64_t random = hash_u64((uint64_t)i + 1);
        OK(model_create(txn, f->person->key, &key, &row));
        v = text_of(random, room);
        if (random % 97 == 0) v = value_string(bytes_of(long_text, sizeof long_text - random % 9));
        if (random % 11 != 0) OK(model_set(txn, f->person->key, row, name, &v));
        v = value_int((int64_t)(random % 100) - 50);
        OK(model_set(txn, f->person->key, row, age, &v));
        v = score_of(random);
        OK(model_set(txn, f->person->key, row, score, &v));
        v = value_bool(random % 2 == 0);
        OK(model_set(txn, f->person->key, row, done, &v));
        v = value_int((int64_t)random);
        if (random % 5 != 0) OK(model_set(txn, f->person->key, row, weight, &v));
        if (random % 13 == 0) OK(model_delete(txn, f->person->key, row));
    }
}

/* Null first, then NaN, then by value; both zeros are equal. */
static int plain_order(const value *a, const value *b)
{
    if (a->type == VALUE_NULL || b->type == VALUE_NULL)
        return (a->type != VALUE_NULL) - (b->type != VALUE_NULL);
    if (a->type != VALUE_DOUBLE) return value_compare(a, b);
    double x = a->as.real, y = b->as.real;
    if (isnan(x) || isnan(y)) return (int)isnan(y) - (int)isnan(x);
    return (x > y) - (x < y);
}

static void check_order(const fixture *f, const model_view *view, const char *property, bool down)
{
    char text[80];
    query *q = NULL;
    row_vector rows = {0};
    property_key p = fixture_property(f->person, property);
    snprintf(text, sizeof text, "TRUEPREDICATE SORT(%s %s)", property, down ? "DESC" : "ASC");
    OK(query_new(model_view_schema(view), f->person->key, bytes_text(text), NULL, &q));
    OK(query_run(q, view, &rows));
    cr_assert_eq(rows.count, model_count(view, f->person->key));
    for (size_t i = 1; i < rows.count; i++) {
        value before, after;
        OK(model_get(view, f->person->key, rows.items[i - 1], p, &before));
        OK(model_get(view, f->person->key, rows.items[i], p, &after));
        int order = down ? plain_order(&after, &before) : plain_order(&before, &after);
        cr_assert_leq(order, 0, "%s: rows %zu and %zu stand the wrong way", text, i - 1, i);
        if (order == 0)
            cr_assert_lt(rows.items[i - 1], rows.items[i], "%s: equal rows changed places", text);
    }
    vector_free(&rows);
    query_free(q);
}

Test(query_sort, one_column)
{
    static const char *const properties[] = {"name", "age", "score", "done", "weight", "height"};
    fixture f;
    model_txn *txn = NULL;
    fixture_open(&f);
    OK(model_begin(f.db, COMMIT_LOCAL, &txn));
    fill(&f, txn);
    for (size_t i = 0; i < sizeof properties / sizeof *properties; i++) {
        check_order(&f, model_txn_view(txn), properties[i], false);
        check_order(&f, model_txn_view(txn), properties[i], true);
    }
    model_rollback(txn);
    fixture_close(&f);
}
