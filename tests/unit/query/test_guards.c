/* Guards of predicates: a row that matches has a value that one of the guards lets through, whatever the predicate. */
#include "base/random.h"
#include "query/query.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define MUST(expression) cr_assert_eq((expression), ATOLL_OK, "%s: %s", #expression, fail_text())

enum { GUARDS = 16, TEXT = 2000 };

static model_schema guard_schema(void)
{
    model_schema s = {0};
    size_t c = 0;
    MUST(schema_add_class(&s, bytes_text("Item"), CLASS_NORMAL, &c));
    MUST(schema_add_property(&s, c, bytes_text("_id"), VALUE_INT, PROPERTY_PRIMARY_KEY,
                             bytes_text("")));
    MUST(schema_add_property(&s, c, bytes_text("team"), VALUE_INT, PROPERTY_NULLABLE,
                             bytes_text("")));
    MUST(schema_add_property(&s, c, bytes_text("name"), VALUE_STRING, PROPERTY_NULLABLE,
                             bytes_text("")));
    MUST(schema_add_property(&s, c, bytes_text("score"), VALUE_DOUBLE, PROPERTY_NULLABLE,
                             bytes_text("")));
    MUST(schema_add_property(&s, c, bytes_text("done"), VALUE_BOOL, 0, bytes_text("")));
    s.classes[c].key = 1; /* as the engine numbers them */
    for (property_key i = 0; i < s.classes[c].property_count; i++)
        s.classes[c].properties[i].key = i + 1;
    s.classes[c].primary_key = 1;
    return s;
}

static void put_predicate(random_state *r, char *to, int depth)
{
    static const char *const names[] = {"'a'", "'b'", "'A'", "'ab'", "nil"};
    static const char *const signs[] = {"==", "!=", "<", "<=", ">", ">="};
    static const char *const numbers[] = {"0", "1", "2", "3", "1.5", "2.0", "-1"};
    char left[TEXT / 2], right[TEXT / 2];
    const char *sign = signs[random_below(r, 6)], *number = numbers[random_below(r, 7)];
    switch (random_below(r, depth > 0 ? 14 : 9)) {
    case 0: sprintf(to, "team %s %s", sign, number); return;
    case 1: sprintf(to, "score %s %s", sign, number); return;
    case 2: sprintf(to, "name == %s", names[random_below(r, 5)]); return;
    case 3: sprintf(to, "name ==[c] %s", names[random_below(r, 4)]); return;
    case 4: sprintf(to, "team IN {%s, 1, 2}", number); return;
    case 5: sprintf(to, "done == %s", random_below(r, 2) ? "true" : "false"); return;
    case 6: sprintf(to, "name BEGINSWITH %s", names[random_below(r, 4)]); return;
    case 7: sprintf(to, "%s %s team", number, sign); return;
    case 8: sprintf(to, random_below(r, 4) ? "team BETWEEN {1, 2}" : "TRUEPREDICATE"); return;
    default: break;
    }
    put_predicate(r, left, depth - 1);
    put_predicate(r, right, depth - 1);
    if (random_below(r, 5) == 0)
        sprintf(to, "NOT (%s)", left);
    else
        sprintf(to, "(%s) %s (%s)", left, random_below(r, 2) ? "AND" : "OR", right);
}

static void get(void *context, property_key p, value *out)
{
    *out = ((value *)context)[p];
}

static void random_row(random_state *r, value row[6])
{
    static const char *const names[] = {"a", "b", "A", "ab", ""};
    row[1] = value_int((int64_t)random_below(r, 9));
    row[2] = random_below(r, 5) ? value_int((int64_t)random_below(r, 5) - 1) : value_null();
    row[3] =
        random_below(r, 5) ? value_string(bytes_text(names[random_below(r, 5)])) : value_null();
    row[4] = random_below(r, 5) ? value_double((double)random_below(r, 8) / 2 - 1) : value_null();
    row[5] = value_bool(random_below(r, 2) != 0);
}

Test(guards, a_row_that_matches_passes_a_guard)
{
    random_state r = {7};
    model_schema schema = guard_schema();
    char text[4 * TEXT];
    int guarded = 0, matched = 0, kept_away = 0;
    for (int i = 0; i < 4000; i++) {
        query *q = NULL;
        query_guard guards[GUARDS];
        size_t count = 0;
        put_predicate(&r, text, 3);
        MUST(query_new(&schema, 1, bytes_text(text), NULL, &q));
        bool has = query_guards(q, guards, GUARDS, &count);
        guarded += has;
        for (int k = 0; k < 20 && has; k++) {
            value row[6];
            bool lets = false;
            random_row(&r, row);
            for (size_t g = 0; g < count; g++)
                lets |= query_guard_lets(&guards[g], &row[guards[g].property]);
            bool matches = query_matches_values(q, get, row);
            cr_assert(lets || !matches, "%s", text);
            matched += matches;
            kept_away += !lets;
        }
        query_free(q);
    }
    cr_assert(guarded > 500 && matched > 1000 && kept_away > 1000, "%d %d %d", guarded, matched,
              kept_away);
    schema_free(&schema);
}

Test(guards, equalities_are_chosen_before_ranges_and_too_many_are_none)
{
    model_schema schema = guard_schema();
    query *q = NULL;
    query_guard guards[2];
    size_t count = 0;
    MUST(query_new(&schema, 1, bytes_text("score > 1 AND team == 4 AND done == true"), NULL, &q));
    cr_assert(query_guards(q, guards, 2, &count));
    cr_assert(count == 1 && guards[0].equal && guards[0].property == 2);
    query_free(q);
    MUST(query_new(&schema, 1, bytes_text("team IN {1, 2, 3}"), NULL, &q));
    cr_assert(!query_guards(q, guards, 2, &count));
    query_free(q);
    MUST(query_new(&schema, 1, bytes_text("FALSEPREDICATE"), NULL, &q));
    cr_assert(query_guards(q, guards, 2, &count) && count == 0);
    query_free(q);
    schema_free(&schema);
}
