/* Full-text search, and queries that begin with an index: what they find, what they say of it. */
#include "fixture.h"
#include <criterion/criterion.h>
#include <stdio.h>

static fixture realm;

static void fill(void)
{
    static const char *const texts[] = {"Caf\xc3\xa9 au lait, full-text search",
                                        "cafe noir",
                                        "The noir of a stout",
                                        "",
                                        "searching and searched",
                                        NULL};
    static const char *const names[] = {"Ann", "Bob", "Cid"};
    model_txn *txn = NULL;
    fixture_open(&realm);
    OK(model_begin(realm.db, COMMIT_LOCAL, &txn));
    for (int64_t i = 0; i < 6000; i++) {
        value key = value_int(i + 1), age = value_int(i % 600),
              name = value_string(bytes_text(names[i % 3])), friend = value_link(1);
        row_key row = 0;
        class_key c = realm.person->key;
        OK(model_create(txn, c, &key, &row));
        OK(model_set(txn, c, row, fixture_property(realm.person, "age"), &age));
        OK(model_set(txn, c, row, fixture_property(realm.person, "name"), &name));
        if (i % 1000 == 7)
            OK(model_set(txn, c, row, fixture_property(realm.person, "friend"), &friend));
        if (i >= 6 || texts[i] == NULL) continue;
        value text = value_string(bytes_text(texts[i]));
        OK(model_set(txn, c, row, fixture_property(realm.person, "story"), &text));
    }
    OK(model_commit(txn, NULL));
}

static query *compile(const char *text, const value *arguments, size_t count)
{
    query *q = NULL;
    query_arguments given = {.values = arguments, .count = count};
    model_view *view = model_view_newest(realm.db);
    OK(query_new(model_view_schema(view), realm.person->key, bytes_text(text), &given, &q));
    model_view_release(view);
    return q;
}

static void expect(const char *text, const char *wanted)
{
    row_vector rows = {0};
    char found[300] = "";
    query *q = compile(text, NULL, 0);
    model_view *view = model_view_newest(realm.db);
    uint64_t count = 0;
    OK(query_run(q, view, &rows));
    OK(query_count(q, view, &count));
    cr_assert_eq(count, rows.count, "%s: count", text);
    for (size_t i = 0; i < rows.count && i < 40; i++)
        snprintf(found + strlen(found), sizeof found - strlen(found), "%llu ",
                 (unsigned long long)rows.items[i]);
    cr_assert_str_eq(found, wanted, "%s found %s", text, found);
    vector_free(&rows);
    model_view_release(view);
    query_free(q);
}

Test(query_text, words_are_wanted_excluded_or_begun)
{
    fill();
    expect("story TEXT 'cafe'", "1 2 ");
    expect("story TEXT 'CAF\xc3\x89 noir'", "2 ");
    expect("story TEXT 'noir -cafe'", "3 ");
    expect("story TEXT 'text full'", "1 ");
    expect("story TEXT 'search'", "1 ");
    expect("story TEXT 'search*'", "1 5 ");
    expect("story TEXT 'search* -searching'", "1 ");
    expect("story TEXT 'sear'", "");
    expect("story TEXT '-cafe' and _id < 7", "3 4 5 ");
    expect("story TEXT 'noir' or age == 599 and name == 'Cid' and _id < 1300", "2 3 600 1200 ");
    expect("!(story TEXT 'noir') and _id < 4", "1 ");
    fixture_close(&realm);
}

Test(query_text, the_canonical_text_parses_back)
{
    fixture_open(&realm);
    query *q = compile("story text \"noir -cafe\"", NULL, 0);
    bytes text = query_text(q);
    cr_assert(bytes_equal(text, bytes_text("story TEXT \"noir -cafe\"")), "%.*s", (int)text.size,
              (const char *)text.data);
    query_free(q);
    fixture_close(&realm);
}

static void expect_plan(const char *text, const value *arguments, const char *wanted)
{
    buffer plan;
    buffer_init(&plan, 10000);
    query *q = compile(text, arguments, arguments == NULL ? 0 : 1);
    model_view *view = model_view_newest(realm.db);
    OK(query_explain(q, view, &plan));
    cr_assert(bytes_equal(buffer_view(&plan), bytes_text(wanted)), "%s: %.*s", text, (int)plan.size,
              (const char *)plan.data);
    model_view_release(view);
    buffer_free(&plan);
    query_free(q);
}

Test(query_plan, says_which_index_a_query_begins_with)
{
    fill();
    expect_plan("TRUEPREDICATE SORT(age ASC) LIMIT(3)", NULL,
                "Person: 6000 of 6000 objects\n  then sort\n  then limit");
    expect_plan("score > 3", NULL,
                "Person: 6000 of 6000 objects\n  score > 3: a range over its column");
    expect_plan("age == 7 and score >= 0", NULL,
                "Person: 10 of 6000 objects, from the index by age == 7\n"
                "  age == 7: a range over its column\n  score >= 0: a range over its column");
    expect_plan("_id == 77", NULL,
                "Person: 1 of 6000 objects, from the index by _id == 77\n"
                "  _id == 77: a range over its column");
    expect_plan("age IN {7, 8.0, 8.5}", NULL,
                "Person: 20 of 6000 objects, from the index by age IN {7, 8, 8.5}\n"
                "  age IN {7, 8, 8.5}: over its column");
    expect_plan("name == 'Ann'", NULL, /* a third of them: the column is quicker */
                "Person: 6000 of 6000 objects\n  name == \"Ann\": over its column");
    expect_plan("age == 0", NULL, /* what was never set is in no index */
                "Person: 6000 of 6000 objects\n  age == 0: a range over its column");
    expect_plan("story TEXT 'noir cafe'", NULL,
                "Person: 2 of 6000 objects, from the index by story TEXT \"noir cafe\"\n"
                "  story TEXT \"noir cafe\": the words of each row's text");
    fixture_close(&realm);
}

Test(query_plan, links_are_found_from_their_target)
{
    fill();
    model_view *view = model_view_newest(realm.db);
    value target = {.type = VALUE_TYPED_LINK};
    target.as.link.row = 1;
    target.as.link.class_of = realm.person->key;
    query *q = compile("friend == $0", &target, 1);
    row_vector rows = {0};
    buffer plan;
    buffer_init(&plan, 10000);
    OK(query_run(q, view, &rows));
    OK(query_explain(q, view, &plan));
    cr_assert_eq(rows.count, 6);
    for (size_t i = 0; i < 6; i++) cr_assert_eq(rows.items[i], 8 + 1000 * i);
    cr_assert_eq(memcmp(plan.data, "Person: 6 of 6000 objects, from the index by ", 45), 0, "%.*s",
                 (int)plan.size, (const char *)plan.data);
    vector_free(&rows);
    buffer_free(&plan);
    query_free(q);
    model_view_release(view);
    fixture_close(&realm);
}
