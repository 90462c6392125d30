/* What paths, arithmetic, quantifiers, aggregates and suffixes find: tables of the language's own examples. */
#include "fixture.h"
#include <criterion/criterion.h>
#include <stdio.h>

static fixture realm;
static model_txn *txn;
static row_key people[5], dogs[3];

static void set(row_key row, const char *name, value v)
{
    OK(model_set(txn, realm.person->key, row, fixture_property(realm.person, name), &v));
}

static void append(row_key row, const char *name, value v)
{
    property_key p = fixture_property(realm.person, name);
    uint64_t count = model_list_count(model_txn_view(txn), realm.person->key, row, p);
    OK(model_list_insert(txn, realm.person->key, row, p, count, &v));
}

static void append_all(row_key row, const char *name, const char *digits)
{
    for (; *digits != 0; digits++) append(row, name, value_int(*digits - '0'));
}

static void put(row_key row, const char *name, const char *key, value v)
{
    OK(model_dictionary_put(txn, realm.person->key, row, fixture_property(realm.person, name),
                            bytes_text(key), &v));
}

static void include(row_key row, const char *name, const char *element)
{
    bool added = false;
    value v = value_string(bytes_text(element));
    OK(model_set_insert(txn, realm.person->key, row, fixture_property(realm.person, name), &v,
                        &added));
}

static void fill_keyed(void)
{
    include(people[1], "colors", "red");
    include(people[1], "colors", "Green");
    include(people[1], "shades", "Green");
    include(people[1], "shades", "red");
    include(people[2], "colors", "red");
    include(people[4], "shades", "grey");
    put(people[1], "marks", "math", value_int(5));
    put(people[1], "marks", "art", value_int(2));
    put(people[2], "marks", "math", value_null());
    put(people[4], "marks", "Sport", value_int(9));
    put(people[1], "pets", "best", value_link(dogs[0]));
    put(people[1], "pets", "other", value_link(dogs[2]));
    put(people[2], "pets", "best", value_link(dogs[1]));
    put(people[4], "pets", "none", value_null());
}

static void make_dogs(void)
{
    static const char *const names[] = {"Rex", NULL, "Fido"};
    static const int ages[] = {3, 8, 12};
    for (int i = 0; i < 3; i++) {
        value age = value_int(ages[i]);
        OK(model_create(txn, realm.dog->key, NULL, &dogs[i]));
        OK(model_set(txn, realm.dog->key, dogs[i], fixture_property(realm.dog, "age"), &age));
        if (names[i] == NULL) continue;
        value name = value_string(bytes_text(names[i]));
        OK(model_set(txn, realm.dog->key, dogs[i], fixture_property(realm.dog, "name"), &name));
    }
}

/* 1 Ann, 2 BOB, 3 has hardly anything, 4 is fond of repetition */
static void fill(void)
{
    fixture_open(&realm);
    OK(model_begin(realm.db, COMMIT_LOCAL, &txn));
    make_dogs();
    for (int i = 1; i <= 4; i++) {
        static const int ages[] = {0, 30, -4, 30, 0};
        static const double scores[] = {0, 2.5, -1, 3, 0};
        value key = value_int(i);
        OK(model_create(txn, realm.person->key, &key, &people[i]));
        set(people[i], "age", value_int(ages[i]));
        set(people[i], "score", value_double(scores[i]));
    }
    set(people[1], "name", value_string(bytes_text("Ann")));
    set(people[2], "name", value_string(bytes_text("BOB")));
    set(people[1], "weight", value_int(60));
    set(people[3], "weight", value_int(30));
    set(people[1], "dog", value_link(dogs[0]));
    set(people[2], "dog", value_link(dogs[1]));
    set(people[1], "friend", value_link(people[2]));
    set(people[2], "friend", value_link(people[1]));
    set(people[4], "friend", value_link(people[3]));
    append_all(people[1], "numbers", "153");
    append_all(people[1], "more", "153");
    append_all(people[2], "numbers", "9");
    append_all(people[4], "numbers", "55");
    append_all(people[4], "more", "56");
    append(people[1], "tags", value_string(bytes_text("red")));
    append(people[1], "tags", value_string(bytes_text("Blue")));
    append(people[1], "dogs", value_link(dogs[0]));
    append(people[1], "dogs", value_link(dogs[2]));
    append(people[2], "dogs", value_link(dogs[1]));
    append(people[1], "friends", value_link(people[2]));
    append(people[1], "friends", value_link(people[3]));
    append(people[2], "friends", value_link(people[1]));
    append(people[4], "friends", value_link(people[4]));
    append(people[4], "friends", value_link(people[1]));
    append(people[4], "friends", value_link(people[1]));
    fill_keyed();
    set(people[1], "story",
        value_string(bytes_text("The full-text search: Fa\xc3\xa7"
                                "ade, na\xc3\xafve.")));
    set(people[2], "story", value_string(bytes_text("Search the text, SEARCH!")));
    set(people[4], "story", value_string(bytes_text("")));
    OK(model_commit(txn, NULL));
}

static void find(query *q, const model_view *view, char *to)
{
    row_vector rows = {0};
    OK(query_run(q, view, &rows));
    *to = 0;
    for (size_t i = 0; i < rows.count; i++) {
        value key;
        OK(model_get(view, realm.person->key, rows.items[i], realm.person->primary_key, &key));
        to += sprintf(to, i == 0 ? "%d" : " %d", (int)key.as.integer);
    }
    vector_free(&rows);
}

typedef struct example {
    const char *text, *wanted;
} example;

static void check(const example *examples, size_t count, const query_arguments *arguments)
{
    fill();
    model_view *view = model_view_newest(realm.db);
    for (size_t i = 0; i < count; i++) {
        char got[100], again[100];
        query *q = NULL, *read_back = NULL;
        const model_schema *schema = model_view_schema(view);
        status made =
            query_new(schema, realm.person->key, bytes_text(examples[i].text), arguments, &q);
        if (made != ATOLL_OK) cr_assert_fail("`%s`: %s", examples[i].text, fail_text());
        find(q, view, got);
        cr_assert_str_eq(got, examples[i].wanted, "`%s` found %s instead of %s", examples[i].text,
                         got, examples[i].wanted);
        OK(query_new(schema, realm.person->key, query_text(q), NULL, &read_back));
        find(read_back, view, again);
        cr_assert_str_eq(again, got, "`%s` and its canonical text differ", examples[i].text);
        uint64_t number = 0, wanted = *got == 0 ? 0 : (strlen(got) + 1) / 2;
        OK(query_count(q, view, &number));
        cr_assert_eq(number, wanted, "`%s` counts %d", examples[i].text, (int)number);
        query_free(read_back);
        query_free(q);
    }
    model_view_release(view);
    fixture_close(&realm);
}
#define CHECK(examples, arguments) check(examples, sizeof(examples) / sizeof *(examples), arguments)

Test(query_values, arithmetic)
{
    static const example examples[] = {
        {"age + 1 == 31", "1 3"},
        {"age - weight == -30", "1"},
        {"weight * 2 == age + 90", "1"},
        {"age / 7 == 4", "1 3"},
        {"age / -3 == 1", "2"},
        {"age -1 == 29", "1 3"},
        {"2 + 3 * 10 == age + 2", "1 3"},
        {"(2 + 3) * 6 == age", "1 3"},
        {"30 - 20 - 10 == age", "4"},
        {"100 / 5 / 2 * 3 == age", "1 3"},
        {"weight + 1 == null", "2 4"},
        {"weight + 1 != 61", "2 3 4"},
        {"weight + null == null", "1 2 3 4"},
        {"age / 0 == null", "1 2 3 4"},
        {"1 / age == null", "4"},
        {"score + 1 == 3.5", "1"},
        {"score * 2 > age", "2"},
        {"age * 1.5 == 45", "1 3"},
        {"age + score > 32", "1 3"},
        {"friend.age + age == 26", "1 2"},
        {"friend.age + age == null", "3"},
        {"dogs.@count * 10 + numbers.@sum == 29", "1"},
        {"dogs.@max.age - dogs.@min.age == 9", "1"},
        {"age + 9223372036854775807 < 0", "1 3"},
        {"(age + 1) BETWEEN {0, 31}", "1 3 4"},
    };
    CHECK(examples, NULL);
}

Test(query_values, paths_and_selectors)
{
    static const value list[] = {{.type = VALUE_INT, .as.integer = 30},
                                 {.type = VALUE_INT, .as.integer = 0}};
    static const query_arguments inner = {list, 2, NULL};
    static const query_arguments *const lists[] = {NULL, NULL, NULL, &inner};
    static const value values[] = {
        {.type = VALUE_INT, .as.integer = 1},
        {.type = VALUE_STRING, .as.text = {(const uint8_t *)"friend.age", 10}},
        {.type = VALUE_STRING, .as.text = {(const uint8_t *)"numbers", 7}},
        {.type = VALUE_NULL}};
    static const query_arguments arguments = {values, 4, lists};
    static const example examples[] = {
        {"numbers[0] == 1", "1"},
        {"numbers[1] == 5", "1 4"},
        {"numbers[$0] == 5", "1 4"},
        {"numbers[9] == null", ""},
        {"numbers[9] != 3", ""},
        {"numbers[FIRST] == 5", "4"},
        {"numbers[LAST] == 3", "1"},
        {"numbers[*] == 3", "1"},
        {"ALL numbers[*] == 5", "3 4"},
        {"numbers[SIZE] == 2", "4"},
        {"tags[0].@count == 3", "1"},
        {"tags[last] == 'Blue'", "1"},
        {"dogs[0].name == 'Rex'", "1"},
        {"dogs[1].name == 'Fido'", "1"},
        {"dogs[0].name == null", "2"},
        {"friends[LAST].friends[FIRST].age == -4", "2 4"},
        {"$K1 == -4", "1"},
        {"$K1 == 30", "2 4"},
        {"ANY $K2 == 5 SORT($K1 ASC)", "1 4"},
        {"$K2.@count == 1", "2"},
        {"friend.$K2 == 9", "1"},
        {"age IN $3", "1 3 4"},
        {"ANY $3 == age", "1 3 4"},
        {"age == NONE $3", "2"},
        {"friend.friend.age == 30", "1"},
        {"friend.friend.name == null", "3 4"},
        {"friend == obj('Person', 2)", "1"},
        {"friend != obj('Person', 2)", "2 3 4"},
        {"friend == obj('Person', 99)", ""},
        {"obj('Person', 1) IN friends", "2 4"},
        {"friend IN {obj('Person', $0), obj('Person', 3), null}", "2 3 4"},
        {"friend IN friends", "1 2"},
        {"friend.friend IN friends", ""},
        {"age > friend.age", "1"},
        {"friends.age == age", "1 4"},
        {"ALL friends.age > -1", "2 3 4"},
        {"friends.numbers == 9", "1"},
        {"ALL friends.numbers == 9", "1 3"},
        {"friends.friends.age == 0", "4"},
        {"friends.@count == 3", "4"},
        {"friends.friends.@count == 2", "2 4"},
    };
    CHECK(examples, &arguments);
}

Test(query_values, sets_and_dictionaries)
{
    static const value values[] = {{.type = VALUE_STRING, .as.text = {(const uint8_t *)"math", 4}}};
    static const query_arguments arguments = {values, 1, NULL};
    static const example examples[] = {
        {"colors == 'red'", "1 2"},
        {"ALL colors == 'red'", "2 3 4"},
        {"NONE colors ==[c] 'GREEN'", "2 3 4"},
        {"'red' IN colors", "1 2"},
        {"colors.@count == 2", "1"},
        {"colors.@size == 0", "3 4"},
        {"colors == shades", "1 3"},
        {"colors != shades", "2 4"},
        {"colors == {'red', 'Green'}", "1"},
        {"colors == {'Green', 'red'}", "1"},
        {"ANY colors == ANY shades", "1"},
        {"colors CONTAINS 'ee'", "1"},
        {"marks['math'] == 5", "1"},
        {"marks['math'] == null", "2 3 4"},
        {"marks['math'] != 5", "2 3 4"},
        {"marks[$0] > 4", "1"},
        {"marks.math == 5", "1"},
        {"marks.Sport == 9 or marks.art == 2", "1 4"},
        {"marks == 5", "1"},
        {"marks.@values == 9", "4"},
        {"ALL marks.@values > 1", "1 3 4"},
        {"marks == null", "2"},
        {"marks.@count == 1", "2 4"},
        {"marks.@keys.@count == 2", "1"},
        {"marks.@keys == 'math'", "1 2"},
        {"marks.@keys BEGINSWITH[c] 's'", "4"},
        {"ALL marks.@keys == 'math'", "2 3"},
        {"marks.@max == 5", "1"},
        {"marks.@sum == 7", "1"},
        {"marks.@avg == null", "2 3"},
        {"marks.math + 1 == 6", "1"},
        {"pets.age > 8", "1"},
        {"pets['best'].name == 'Rex'", "1"},
        {"pets['best'].name == null", "2 3 4"},
        {"pets['best'] == null", "3 4"},
        {"pets == null", "4"},
        {"pets.@count == 1", "2 4"},
        {"pets.@max.age == 12", "1"},
        {"SUBQUERY(pets, $p, $p.age > 5).@count == 1", "1 2"},
        {"friends.marks.math == 5", "2 4"},
        {"TRUEPREDICATE SORT(marks['math'] ASC) LIMIT(3)", "2 3 4"},
        {"TRUEPREDICATE DISTINCT(marks.math)", "1 2"},
    };
    CHECK(examples, &arguments);
}

Test(query_values, full_text)
{
    static const value values[] = {
        {.type = VALUE_STRING, .as.text = {(const uint8_t *)"text FULL", 9}}};
    static const query_arguments arguments = {values, 1, NULL};
    static const example examples[] = {
        {"story TEXT 'search'", "1 2"},         {"story TEXT 'sear'", ""},
        {"story TEXT 'sear*'", "1 2"},          {"story TEXT 'SEARCH Full'", "1"},
        {"story TEXT 'search -full'", "2"},     {"story TEXT 'search -fu*'", "2"},
        {"story TEXT '-full'", "2 4"},          {"story TEXT 'facade NA\xc3\x8fVE'", "1"},
        {"story TEXT 'fa* na* se*'", "1"},      {"story TEXT $0", "1"},
        {"NOT story TEXT $0", "2 3 4"},         {"friend.story TEXT 'full'", "2"},
        {"friends.story TEXT 'full'", "2 4"},   {"ALL friends.story TEXT 'search'", "2 3"},
        {"story TEXT 'text' and age > 0", "1"},
    };
    CHECK(examples, &arguments);
}

Test(query_values, links_back)
{
    static const example examples[] = {
        {"@links.Person.friend.age == 30", "2"},
        {"@links.Person.friend.age == -4", "1"},
        {"@links.Person.friend.@count == 0", "4"},
        {"@links.Person.friends.@count == 2", "1"},
        {"@links.@count == 4", "1"},
        {"@links.@count == 1", "4"},
        {"ALL @links.Person.friends.age > -1", "2 3 4"},
        {"@links.Person.friends.numbers == 5", "1 2 3 4"},
        {"dog.@links.Person.dogs.name == 'Ann'", "1"},
        {"dog.@links.@count == 3", "1 2"},
        {"friend.@links.Person.friends.@count == 1", "1 4"},
        {"@links.Person.friends.@max.age == 30", "2 3"},
        {"SUBQUERY(@links.Person.friends, $p, $p.age < 1).@count == 2", "1"},
        {"@links.Person.friend.@links.Person.friend.age == 30", "1"},
    };
    CHECK(examples, NULL);
}

Test(query_values, quantifiers)
{
    static const example examples[] = {
        /* of two lists: the examples of the language's manual */
        {"ANY {1, 2, 3} > ALL {1, 2}", "1 2 3 4"},
        {"ANY {1, 2, 3} == NONE {1, 2}", "1 2 3 4"},
        {"ANY {4, 8} == ANY {5, 9, 11}", ""},
        {"ANY {1, 2, 7} <= NONE {1, 2}", "1 2 3 4"},
        {"ALL {1, 2} IN ANY {1, 2, 3}", "1 2 3 4"},
        {"ALL {3, 1, 4, 3} == NONE {1, 2}", ""},
        {"ALL {} in ALL {1, 2}", "1 2 3 4"},
        {"NONE {1, 2, 3, 12} > ALL {5, 9, 11}", ""},
        {"NONE {4, 8} > ALL {5, 9, 11}", "1 2 3 4"},
        {"NONE {0, 1} < NONE {1, 2}", "1 2 3 4"},
        {"ANY numbers > ALL {1, 2}", "1 2 4"},
        {"ALL numbers > NONE more", "2 3 4"},
        {"ANY numbers == ANY more", "1 4"},
        {"ALL numbers == ANY more", "1 3 4"},
        {"ANY numbers != ALL more", "2"},
        {"SOME numbers IN more", "1 4"},
        {"NONE numbers IN more", "2 3"},
        {"age == {30, 0}", "1 3 4"},
        {"{30, 0} == age", "1 3 4"},
        {"age == NONE {30, 0}", "2"},
        {"age != ALL {30, 0}", "2"},
        {"age > ALL {-4, 0}", "1 3"},
        {"ALL {-4, -5} < age", "1 3 4"},
        {"age < ALL {}", "1 2 3 4"},
        {"age < ANY {}", ""},
        {"ALL numbers BETWEEN {1, 5}", "1 3 4"},
        {"ANY dogs.name BEGINSWITH {'F', 'x'}", "1"},
        {"name IN[c] {'bob', 'ANN'}", "1 2"},
        {"ANY tags ==[c] ANY {'BLUE'}", "1"},
        {"!(ANY numbers == 5)", "2 3"},
        /* two lists, no word: element by element */
        {"numbers == more", "1 3"},
        {"numbers != more", "2 4"},
        {"numbers == {1, 5, 3}", "1"},
        {"numbers == {5, 1, 3}", ""},
        {"{5, 5} == numbers", "4"},
        {"numbers == {}", "3"},
        {"numbers != {9}", "1 3 4"},
        {"tags ==[c] {'RED', 'bLUE'}", "1"},
        {"friend.numbers == {9}", "1"},
        {"numbers == {9.0}", "2"},
    };
    CHECK(examples, NULL);
}

Test(query_values, aggregates_of_lists)
{
    static const example examples[] = {
        {"numbers.@count == 0", "3"},
        {"numbers.@max == 5", "1 4"},
        {"numbers.@min == 1", "1"},
        {"numbers.@sum == 10", "4"},
        {"numbers.@sum == 0", "3"},
        {"numbers.@sum != 0", "1 2 4"},
        {"numbers.@avg == 3", "1"},
        {"numbers.@max == null", "3"},
        {"numbers.@min == null", "3"},
        {"numbers.@avg == null", "3"},
        {"numbers.@sum > more.@sum", "2"},
        {"friends.@max.weight == 60", "2 4"},
        {"friends.@max.weight == 30", "1"},
        {"friends.@max.weight == null", "3"},
        {"friends.@sum.weight == 120", "4"},
        {"friends.@avg.weight == 30", "1"},
        {"friends.@min.score == -1", "1"},
        {"friends.@sum.score == 5", "4"},
        {"dogs.@sum.age == 15", "1"},
        {"friends.numbers.@max == 9", "1"},
        {"friends.dogs.@max.age == 12", "2 4"},
        {"20 > friends.@max.age", ""},
        {"friends.@max.age == age", "1"},
    };
    CHECK(examples, NULL);
}

Test(query_values, subqueries)
{
    static const example examples[] = {
        {"SUBQUERY(dogs, $d, $d.age > 5).@count == 1", "1 2"},
        {"SUBQUERY(dogs, $d, $d.age > 5 and $d.name == null).@count > 0", "2"},
        {"SUBQUERY(dogs, $d, TRUEPREDICATE).@count == dogs.@count", "1 2 3 4"},
        {"SUBQUERY(friends, $f, $f.age == 30).@size == 2", "4"},
        {"SUBQUERY(friends, $f, age == 30).@count == 1", "1 2"},
        {"SUBQUERY(friends, $f, $f == obj('Person', 1)).@count == 2", "4"},
        {"SUBQUERY(friends, $f, $f.friend == $f).@count == 0", "1 2 3 4"},
        {"SUBQUERY(friends, $f, SUBQUERY($f.dogs, $d, $d.age < 9).@count == 1).@count == 1", "1 2"},
        {"SUBQUERY(friend.dogs, $d, $d.age > 1).@count == 2", "2"},
        {"SUBQUERY(friends.dogs, $d, $d.age > 1).@count == 4", "4"},
        {"SUBQUERY(friends, $f, $f.age + 4 == 0 or ANY $f.numbers == 5).@count > 0", "1 2 4"},
        {"NOT SUBQUERY(friends, $f, $f.age > 0).@count > 0", "3"},
        {"SUBQUERY(friends, $f, $f.age > 0).@count + 1 == 2", "1 2"},
    };
    CHECK(examples, NULL);
}

Test(query_values, suffixes_from_left_to_right)
{
    static const example examples[] = {
        {"TRUEPREDICATE DISTINCT(age)", "1 2 4"},
        {"TRUEPREDICATE SORT(_id DESC) DISTINCT(age)", "4 3 2"},
        {"TRUEPREDICATE DISTINCT(age) SORT(_id DESC)", "4 2 1"},
        {"TRUEPREDICATE DISTINCT(weight)", "1 2 3"},
        {"TRUEPREDICATE DISTINCT(age, weight)", "1 2 3 4"},
        {"TRUEPREDICATE DISTINCT(friend.age)", "1 2"},
        {"TRUEPREDICATE DISTINCT(friend)", "1 2 3 4"},
        {"TRUEPREDICATE DISTINCT(dog.name)", "1 2"},
        {"TRUEPREDICATE DISTINCT(score)", "1 2 3 4"},
        {"TRUEPREDICATE LIMIT(2) DISTINCT(age)", "1 2"},
        {"TRUEPREDICATE DISTINCT(age) LIMIT(2)", "1 2"},
        {"TRUEPREDICATE LIMIT(3) SORT(_id DESC) LIMIT(2)", "3 2"},
        {"TRUEPREDICATE SORT(_id DESC) LIMIT(3) SORT(_id ASC)", "2 3 4"},
        {"TRUEPREDICATE LIMIT(3) LIMIT(5)", "1 2 3"},
        {"TRUEPREDICATE LIMIT(0) SORT(age ASC) DISTINCT(age)", ""},
        {"TRUEPREDICATE SORT(age ASC) SORT(weight ASC)", "2 4 3 1"},
        {"TRUEPREDICATE SORT(friend.age ASC)", "1 2 4 3"},
        {"TRUEPREDICATE SORT(friend.age DESC)", "3 2 4 1"},
        {"TRUEPREDICATE SORT(friend.weight ASC)", "1 4 2 3"},
        {"TRUEPREDICATE SORT(numbers[0] ASC)", "3 1 4 2"},
        {"TRUEPREDICATE LIMIT(3) FILTER(age > 0)", "1 3"},
        {"TRUEPREDICATE SORT(age DESC) DISTINCT(age) FILTER(age < 30) LIMIT(1)", "4"},
        {"age > -1 DISTINCT(age) DISTINCT(score)", "1 4"},
    };
    CHECK(examples, NULL);
}

Test(query_values, filtering_limited_results_looks_at_what_is_left)
{
    static const char *const cases[][3] = {
        {"TRUEPREDICATE LIMIT(3)", "age == 30", "1 3"},
        {"TRUEPREDICATE SORT(_id DESC) LIMIT(2)", "age == 30", "3"},
        {"TRUEPREDICATE DISTINCT(age)", "weight == 30 or age == 0", "4"},
        {"age > -9 LIMIT(3)", "TRUEPREDICATE SORT(age ASC) LIMIT(2)", "2 1"},
        {"TRUEPREDICATE SORT(age DESC)", "age != 0", "1 3 2"},
    };
    fill();
    model_view *view = model_view_newest(realm.db);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        query *parts[2], *both = NULL;
        char got[100];
        for (int k = 0; k < 2; k++)
            OK(query_new(model_view_schema(view), realm.person->key, bytes_text(cases[i][k]), NULL,
                         &parts[k]));
        OK(query_and(parts[0], parts[1], &both));
        query_free(parts[0]);
        query_free(parts[1]);
        find(both, view, got);
        cr_assert_str_eq(got, cases[i][2], "`%s`, then `%s`: %s", cases[i][0], cases[i][1], got);
        query_free(both);
    }
    model_view_release(view);
    fixture_close(&realm);
}
