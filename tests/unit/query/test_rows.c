/* A small realm and what each expression finds in it; aggregates; one row; values from elsewhere. */
#include "fixture.h"
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static model_txn *txn;
static fixture *realm;

static value text_value(const char *text)
{
    return value_string(bytes_text(text));
}

static void set(row_key row, const char *name, value v)
{
    OK(model_set(txn, realm->person->key, row, fixture_property(realm->person, name), &v));
}

static void append(row_key row, const char *name, value v)
{
    property_key p = fixture_property(realm->person, name);
    uint64_t count = model_list_count(model_txn_view(txn), realm->person->key, row, p);
    OK(model_list_insert(txn, realm->person->key, row, p, count, &v));
}

static void commit(void)
{
    uint64_t version = 0;
    OK(model_commit(txn, &version));
}

static row_key create_person(int64_t id)
{
    value key = value_int(id);
    row_key row = 0;
    OK(model_create(txn, realm->person->key, &key, &row));
    return row;
}

static row_key create_dog(const char *name, int64_t age)
{
    row_key row = 0;
    value age_value = value_int(age), name_value = name == NULL ? value_null() : text_value(name);
    OK(model_create(txn, realm->dog->key, NULL, &row));
    OK(model_set(txn, realm->dog->key, row, fixture_property(realm->dog, "age"), &age_value));
    OK(model_set(txn, realm->dog->key, row, fixture_property(realm->dog, "name"), &name_value));
    return row;
}

static void set_home(row_key person, const char *city, int64_t zip)
{
    row_key home = 0;
    value city_value = text_value(city), zip_value = value_int(zip);
    OK(model_set_embedded(txn, realm->person->key, person, fixture_property(realm->person, "home"),
                          &home));
    OK(model_set(txn, realm->address->key, home, fixture_property(realm->address, "city"),
                 &city_value));
    OK(model_set(txn, realm->address->key, home, fixture_property(realm->address, "zip"),
                 &zip_value));
}

static row_key dogs[3];

/* 1 Ann, 2 BOB, 3 École, 4 nobody, 5 deleted */
static void fill(fixture *f)
{
    static const uint8_t id[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
    realm = f;
    OK(model_begin(f->db, COMMIT_LOCAL, &txn));
    dogs[0] = create_dog("Rex", 3);
    dogs[1] = create_dog(NULL, 8);
    dogs[2] = create_dog("Fido", 12);
    row_key ann = create_person(1), bob = create_person(2), ecole = create_person(3);
    create_person(4);
    row_key gone = create_person(5);
    set(ann, "name", text_value("Ann"));
    set(ann, "age", value_int(30));
    set(ann, "weight", value_int(60));
    set(ann, "height", value_double(1.7));
    set(ann, "score", value_double(2.5));
    set(ann, "done", value_bool(true));
    set(ann, "photo", value_binary(bytes_of("\0ab", 3)));
    set(ann, "born", value_timestamp(100, 5));
    set(ann, "uid", value_uuid(id));
    set(ann, "oid", value_object_id(id));
    set(ann, "dog", value_link(dogs[0]));
    append(ann, "tags", text_value("red"));
    append(ann, "tags", text_value("Blue"));
    append(ann, "numbers", value_int(1));
    append(ann, "numbers", value_int(5));
    append(ann, "dogs", value_link(dogs[0]));
    append(ann, "dogs", value_link(dogs[2]));
    set_home(ann, "Oslo", 10);
    set(bob, "name", text_value("BOB"));
    set(bob, "age", value_int(-4));
    set(bob, "height", value_double((double)NAN));
    set(bob, "score", value_double(-1e300));
    set(bob, "born", value_timestamp(-1, -5));
    set(bob, "dog", value_link(dogs[1]));
    append(bob, "numbers", value_int(9));
    append(bob, "dogs", value_link(dogs[1]));
    set(ecole, "name",
        text_value("\xc3\x89"
                   "cole"));
    set(ecole, "age", value_int(30));
    set(ecole, "weight", value_int(30));
    set(ecole, "height", value_double(1.5));
    set(ecole, "score", value_double(3));
    set(ecole, "photo", value_binary(bytes_of("", 0)));
    append(ecole, "tags", text_value("red"));
    set(gone, "name", text_value("Ann"));
    set(gone, "age", value_int(30));
    OK(model_delete(txn, f->person->key, gone));
    commit();
}

static query *make(const char *text, const query_arguments *arguments)
{
    query *made = NULL;
    status code = query_new(model_view_schema(realm->pinned), realm->person->key, bytes_text(text),
                            arguments, &made);
    if (code != ATOLL_OK) cr_assert_fail("`%s`: %s", text, fail_text());
    return made;
}

/* The keys of what is found, in order: "1 3". */
static void found(const query *q, const model_view *view, char *to)
{
    row_vector rows = {0};
    OK(query_run(q, view, &rows));
    *to = 0;
    for (size_t i = 0; i < rows.count; i++) {
        value key;
        OK(model_get(view, realm->person->key, rows.items[i], realm->person->primary_key, &key));
        to += sprintf(to, i == 0 ? "%d" : " %d", (int)key.as.integer);
    }
    vector_free(&rows);
}

static const char *const expressions[][2] = {
    {"", "1 2 3 4"},
    {"FALSEPREDICATE", ""},
    {"age == 30", "1 3"},
    {"age != 30", "2 4"},
    {"age < 0", "2"},
    {"age <= 0", "2 4"},
    {"age > 29", "1 3"},
    {"age >= 31", ""},
    {"30 == age", "1 3"},
    {"0 > age", "2"},
    {"0 <= age", "1 3 4"},
    {"age == 30.0", "1 3"},
    {"age > 29.5", "1 3"},
    {"age < -3.5", "2"},
    {"age <= -3.5", "2"},
    {"age == 29.5", ""},
    {"age != 29.5", "1 2 3 4"},
    {"age < 1e30", "1 2 3 4"},
    {"age > -inf", "1 2 3 4"},
    {"age < -9223372036854775808", ""},
    {"age >= -9223372036854775808", "1 2 3 4"},
    {"age > 9223372036854775807", ""},
    {"weight == null", "2 4"},
    {"weight != null", "1 3"},
    {"weight != 60", "2 3 4"},
    {"!(weight == 60)", "2 3 4"},
    {"weight < 60", "3"},
    {"!(weight < 60)", "1 2 4"},
    {"weight < null", ""},
    {"weight <= null", "2 4"},
    {"weight >= null", "2 4"},
    {"age == null", ""},
    {"age != null", "1 2 3 4"},
    {"weight == age", "3"},
    {"weight != age", "1 2 4"},
    {"age < weight", "1"},
    {"age >= score", "1 2 3 4"},
    {"age IN {30, 0}", "1 3 4"},
    {"age IN {}", ""},
    {"weight IN {null, 60}", "1 2 4"},
    {"age == {-4, 0}", "2 4"},
    {"name IN[c] {'ann', 'bob'}", "1 2"},
    {"age != {30, 0}", "1 2 3 4"},
    {"!(age IN {30})", "2 4"},
    {"age BETWEEN {-4, 0}", "2 4"},
    {"weight BETWEEN {30, 60}", "1 3"},
    {"weight BETWEEN {60, 30}", ""},
    {"weight BETWEEN {31, 9e99}", "1"},
    {"weight BETWEEN {null, 9}", ""},
    {"weight BETWEEN {null, null}", "2 4"},
    {"age BETWEEN {-3.5, 29.5}", "4"},
    {"score BETWEEN {2.5, 3}", "1 3"},
    {"score BETWEEN {3, 2.5}", ""},
    {"score BETWEEN {-inf, inf}", "1 2 3 4"},
    {"score BETWEEN {nan, 3}", ""},
    {"height BETWEEN {1, 1.6}", "3"},
    {"name BETWEEN {'A', 'B'}", "1"},
    {"born BETWEEN {T-1:-5, T100:4}", "2"},
    {"born BETWEEN {T100:6, T100:5}", ""},
    {"born BETWEEN {T100:5, T100:5}", "1"},
    {"dog.age BETWEEN {3, 7}", "1"},
    {"dog.age BETWEEN {null, null}", "3 4"},
    {"NOT weight BETWEEN {30, 59}", "1 2 4"},
    {"height > 1.5", "1"},
    {"height >= 1.5", "1 3"},
    {"height < 2", "1 3"},
    {"height != 1.5", "1 2 4"},
    {"height == nan", "2"},
    {"height != nan", "1 3 4"},
    {"height == null", "4"},
    {"score < 0", "2"},
    {"score == 3", "3"},
    {"score > 2", "1 3"},
    {"score == 0", "4"},
    {"score < -inf", ""},
    {"score > -inf", "1 2 3 4"},
    {"done == true", "1"},
    {"done == false", "2 3 4"},
    {"done != true", "2 3 4"},
    {"done == null", ""},
    {"name == 'Ann'", "1"},
    {"name == 'ann'", ""},
    {"name ==[c] 'aNN'", "1"},
    {"name !=[c] 'ann'", "2 3 4"},
    {"name ==[c] '\xc3\xa9"
     "COLE'",
     "3"},
    {"name < 'B'", "1"},
    {"name >= 'B'", "2 3"},
    {"name == null", "4"},
    {"name == ''", ""},
    {"name BEGINSWITH 'A'", "1"},
    {"name BEGINSWITH[c] '\xc3\xa9'", "3"},
    {"name BEGINSWITH ''", "1 2 3"},
    {"name ENDSWITH 'n'", "1"},
    {"name ENDSWITH[c] 'b'", "2"},
    {"name CONTAINS 'o'", "3"},
    {"name CONTAINS[c] 'o'", "2 3"},
    {"name CONTAINS null", "1 2 3 4"},
    {"name BEGINSWITH[c] null", "1 2 3 4"},
    {"name LIKE null", "4"},
    {"null LIKE name", "4"},
    {"null CONTAINS name", ""},
    {"name LIKE 'A*'", "1"},
    {"name LIKE '?cole'", "3"},
    {"name LIKE[c] 'b?B'", "2"},
    {"name LIKE '*n*n*'", "1"},
    {"name LIKE '*'", "1 2 3"},
    {"name LIKE '?"
     "?'",
     ""},
    {"'Annabel' BEGINSWITH name", "1 4"},
    {"name.@count == 3", "1 2"},
    {"name.@size > 3", "3"},
    {"photo.@count == 0", "3"},
    {"photo == null", "2 4"},
    {"photo == B64'AGFi'", "1"},
    {"photo CONTAINS 'ab'", "1"},
    {"photo CONTAINS[c] null", "1 3"},
    {"photo CONTAINS null", "1 2 3 4"},
    {"photo ENDSWITH[c] 'B'", "1"},
    {"born == T100:5", "1"},
    {"born < 1970-01-01@00:00:00", "2"},
    {"born < T-1:-4", "2"},
    {"born < T-1:-5", ""},
    {"born <= T-1:-5", "2"},
    {"born > T100:4", "1"},
    {"born > T100:5", ""},
    {"born != T100:5", "2 3 4"},
    {"born == null", "3 4"},
    {"born > T99:999999999", "1"},
    {"born < T0:0", "2"},
    {"born > T-1:-999999999", "1 2"},
    {"uid == uuid(01020304-0506-0708-090a-0b0c0d0e0f10)", "1"},
    {"uid > uuid(00000000-0000-0000-0000-000000000000)", "1"},
    {"uid == null", "2 3 4"},
    {"oid == oid(0102030405060708090a0b0c)", "1"},
    {"oid != oid(0102030405060708090a0b0c)", "2 3 4"},
    {"dog == null", "3 4"},
    {"dog != null", "1 2"},
    {"dog == $0", "1"},
    {"dog != $0", "2 3 4"},
    {"dog IN $2", "1 2"},
    {"dog.name == 'Rex'", "1"},
    {"dog.name == null", "2 3 4"},
    {"dog.age > 2", "1 2"},
    {"dog.age != 3", "2 3 4"},
    {"dogs.age > 9", "1"},
    {"ANY dogs.name == null", "2"},
    {"dogs == $0", "1"},
    {"$0 IN dogs", "1"},
    {"dogs.@count == 2", "1"},
    {"dogs.@count == 0", "3 4"},
    {"dog.name.@count == 3", "1"},
    {"tags == 'red'", "1 3"},
    {"'red' IN tags", "1 3"},
    {"ANY tags ==[c] 'BLUE'", "1"},
    {"ALL tags == 'red'", "2 3 4"},
    {"NONE tags == 'red'", "2 4"},
    {"tags != 'red'", "1"},
    {"tags.@count > 0", "1 3"},
    {"tags CONTAINS 'e'", "1 3"},
    {"numbers > 4", "1 2"},
    {"ALL numbers > 4", "2 3 4"},
    {"NONE numbers > 4", "3 4"},
    {"ANY numbers IN {1, 2}", "1"},
    {"ALL numbers BETWEEN {0, 6}", "1 3 4"},
    {"5 IN numbers", "1"},
    {"age IN numbers", ""},
    {"home.city == 'Oslo'", "1"},
    {"home == null", "2 3 4"},
    {"home != null", "1"},
    {"home.zip < 11", "1"},
    {"home.city == null", "2 3 4"},
    {"age == 30 and done == true", "1"},
    {"age == 30 and not done == true", "3"},
    {"age == -4 or name == null", "2 4"},
    {"!(age == 30 or age == 0)", "2"},
    {"age == 30 or (age == 0 and done == false)", "1 3 4"},
    {"age == $1", "1 3"},
    {"TRUEPREDICATE SORT(age ASC)", "2 4 1 3"},
    {"TRUEPREDICATE SORT(age DESC)", "1 3 4 2"},
    {"TRUEPREDICATE SORT(name ASC)", "4 1 2 3"},
    {"TRUEPREDICATE SORT(name DESC)", "3 2 1 4"},
    {"TRUEPREDICATE SORT(height ASC)", "4 2 3 1"},
    {"TRUEPREDICATE SORT(height DESC)", "1 3 2 4"},
    {"TRUEPREDICATE SORT(age DESC, weight ASC)", "3 1 4 2"},
    {"TRUEPREDICATE SORT(weight ASC)", "2 4 3 1"},
    {"TRUEPREDICATE SORT(name ASC) SORT(age ASC)", "2 4 1 3"},
    {"TRUEPREDICATE SORT(name DESC) SORT(age ASC)", "2 4 3 1"},
    {"TRUEPREDICATE SORT(dog.name ASC)", "2 1 3 4"},
    {"TRUEPREDICATE SORT(dog.name DESC)", "3 4 1 2"},
    {"TRUEPREDICATE SORT(born ASC)", "3 4 2 1"},
    {"TRUEPREDICATE SORT(done DESC)", "1 2 3 4"},
    {"TRUEPREDICATE LIMIT(2)", "1 2"},
    {"TRUEPREDICATE LIMIT(0)", ""},
    {"age == 30 LIMIT(1)", "1"},
    {"TRUEPREDICATE LIMIT(2) SORT(age ASC)", "2 1"},
    {"TRUEPREDICATE SORT(age ASC) LIMIT(2)", "2 4"},
};

Test(query_rows, expressions_find_their_rows)
{
    fixture f;
    fixture_open(&f);
    fill(&f);
    value list[2] = {value_link(dogs[0]), value_link(dogs[1])};
    query_arguments inner = {list, 2, NULL};
    const query_arguments *lists[3] = {NULL, NULL, &inner};
    value values[3] = {value_link(dogs[0]), value_int(30), value_null()};
    query_arguments arguments = {values, 3, lists};
    model_view *view = model_view_newest(f.db);
    for (size_t i = 0; i < sizeof expressions / sizeof *expressions; i++) {
        char keys[100];
        query *q = make(expressions[i][0], &arguments);
        found(q, view, keys);
        cr_assert_str_eq(keys, expressions[i][1], "`%s` found %s instead of %s", expressions[i][0],
                         keys, expressions[i][1]);
        uint64_t count = 0,
                 wanted = *expressions[i][1] == 0 ? 0 : (strlen(expressions[i][1]) + 1) / 2;
        OK(query_count(q, view, &count));
        cr_assert_eq(count, wanted, "`%s` counts %d", expressions[i][0], (int)count);
        query_free(q);
    }
    model_view_release(view);
    fixture_close(&f);
}

Test(query_rows, integers_and_doubles_compare_by_number)
{
    static const char *const beyond[][2] = {
        {"score < 9007199254740993", "1"},
        {"score <= 9007199254740993", "1"},
        {"score == 9007199254740993", ""},
        {"score > 9007199254740991", "1"},
        {"score == 9007199254740992", "1"},
        {"age > 9.1e18", "1"},
        {"age > 9.3e18", ""},
        {"age < 9223372036854775808.0", "1"},
        {"age == 9223372036854775808.0", ""},
        {"age < nan", ""},
        {"age != nan", "1"},
        {"age == inf", ""},
        {"age > score", "1"},
        {"age >= -9.3e18", "1"},
    };
    fixture f;
    fixture_open(&f);
    realm = &f;
    OK(model_begin(f.db, COMMIT_LOCAL, &txn));
    row_key row = create_person(1);
    set(row, "score", value_double(9007199254740992.0));
    set(row, "age", value_int(INT64_MAX));
    commit();
    model_view *view = model_view_newest(f.db);
    for (size_t i = 0; i < sizeof beyond / sizeof *beyond; i++) {
        char keys[100];
        query *q = make(beyond[i][0], NULL);
        found(q, view, keys);
        cr_assert_str_eq(keys, beyond[i][1], "`%s` found %s instead of %s", beyond[i][0], keys,
                         beyond[i][1]);
        query_free(q);
    }
    model_view_release(view);
    fixture_close(&f);
}

static void check_aggregate(const model_view *view, const char *text, const char *property,
                            aggregate_kind kind, value wanted)
{
    value got;
    query *q = make(text, NULL);
    OK(query_aggregate(q, view, fixture_property(realm->person, property), kind, &got));
    cr_assert(got.type == wanted.type &&
                  (got.type == VALUE_NULL || value_compare(&got, &wanted) == 0),
              "%s of %s over `%s`: %f", property, kind == AGGREGATE_SUM ? "sum" : "other", text,
              got.type == VALUE_DOUBLE ? got.as.real : (double)got.as.integer);
    query_free(q);
}

Test(query_rows, aggregates)
{
    fixture f;
    fixture_open(&f);
    fill(&f);
    model_view *view = model_view_newest(f.db);
    check_aggregate(view, "", "age", AGGREGATE_SUM, value_int(56));
    check_aggregate(view, "", "weight", AGGREGATE_SUM, value_int(90));
    check_aggregate(view, "", "weight", AGGREGATE_AVERAGE, value_double(45));
    check_aggregate(view, "", "weight", AGGREGATE_MINIMUM, value_int(30));
    check_aggregate(view, "", "weight", AGGREGATE_MAXIMUM, value_int(60));
    check_aggregate(view, "score > 0", "score", AGGREGATE_SUM, value_double(5.5));
    check_aggregate(view, "", "height", AGGREGATE_MINIMUM, value_double(1.5));
    check_aggregate(view, "", "height", AGGREGATE_MAXIMUM, value_double(1.7));
    check_aggregate(view, "", "born", AGGREGATE_MINIMUM, value_timestamp(-1, -5));
    check_aggregate(view, "", "born", AGGREGATE_MAXIMUM, value_timestamp(100, 5));
    check_aggregate(view, "FALSEPREDICATE", "age", AGGREGATE_SUM, value_int(0));
    check_aggregate(view, "FALSEPREDICATE", "age", AGGREGATE_MAXIMUM, value_null());
    check_aggregate(view, "FALSEPREDICATE", "age", AGGREGATE_AVERAGE, value_null());
    check_aggregate(view, "name == null", "weight", AGGREGATE_SUM, value_int(0));
    check_aggregate(view, "TRUEPREDICATE SORT(age ASC) LIMIT(2)", "age", AGGREGATE_SUM,
                    value_int(-4));
    value got;
    query *q = make("", NULL);
    cr_assert_eq(query_aggregate(q, view, fixture_property(f.person, "name"), AGGREGATE_SUM, &got),
                 ATOLL_ERROR_QUERY_TYPE);
    cr_assert_eq(query_aggregate(q, view, fixture_property(f.person, "born"), AGGREGATE_SUM, &got),
                 ATOLL_ERROR_QUERY_TYPE);
    cr_assert_eq(query_aggregate(q, view, 999, AGGREGATE_SUM, &got), ATOLL_ERROR_UNKNOWN_PROPERTY);
    model_view_release(view);
    OK(model_begin(f.db, COMMIT_LOCAL, &txn));
    set(create_person(10), "age", value_int(INT64_MAX));
    commit();
    view = model_view_newest(f.db);
    cr_assert_eq(query_aggregate(q, view, fixture_property(f.person, "age"), AGGREGATE_SUM, &got),
                 ATOLL_ERROR_OUT_OF_RANGE);
    query_free(q);
    model_view_release(view);
    fixture_close(&f);
}

Test(query_rows, a_link_to_a_deleted_row_is_null)
{
    fixture f;
    fixture_open(&f);
    fill(&f);
    query *q = make("dog == null", NULL), *named = make("dog.age == 3", NULL);
    char keys[100];
    OK(model_begin(f.db, COMMIT_LOCAL, &txn));
    OK(model_delete(txn, f.dog->key, dogs[0]));
    found(q, model_txn_view(txn), keys);
    cr_assert_str_eq(keys, "1 3 4", "the transaction's own view: %s", keys);
    found(named, model_txn_view(txn), keys);
    cr_assert_str_eq(keys, "");
    commit();
    query_free(named);
    query_free(q);
    fixture_close(&f);
}

Test(query_rows, one_row_matches_only_while_alive)
{
    fixture f;
    fixture_open(&f);
    fill(&f);
    query *q = make("age == 30", NULL), *all = make("", NULL);
    model_view *view = model_view_newest(f.db);
    row_key rows[5];
    for (int64_t i = 1; i <= 5; i++) {
        value key = value_int(i);
        OK(model_find_any(view, f.person->key, &key, &rows[i - 1]));
    }
    cr_assert(query_matches(q, view, rows[0]) && !query_matches(q, view, rows[1]) &&
              query_matches(q, view, rows[2]));
    cr_assert(query_matches(all, view, rows[3]));
    cr_assert(!query_matches(all, view, 1000));
    if (rows[4] != 0) cr_assert(!query_matches(q, view, rows[4]));
    model_view_release(view);
    query_free(all);
    query_free(q);
    fixture_close(&f);
}

typedef struct values_given {
    property_key age, name;
    value age_value, name_value;
} values_given;

static void get_given(void *context, property_key p, value *out)
{
    const values_given *given = context;
    *out = p == given->age ? given->age_value : p == given->name ? given->name_value : value_null();
}

Test(query_rows, values_from_elsewhere)
{
    fixture f;
    fixture_open(&f);
    realm = &f;
    values_given given = {fixture_property(f.person, "age"), fixture_property(f.person, "name"),
                          value_int(5), value_null()};
    static const struct {
        const char *text;
        bool wanted;
    } cases[] = {{"age == 5", true},
                 {"age > 5", false},
                 {"name == null and age IN {4, 5}", true},
                 {"score == null", true},
                 {"!(name == 'x')", true},
                 {"tags == 'x'", false},
                 {"FALSEPREDICATE", false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        query *q = make(cases[i].text, NULL);
        cr_assert_eq(query_matches_values(q, get_given, &given), cases[i].wanted, "%s",
                     cases[i].text);
        query_free(q);
    }
    fixture_close(&f);
}

/* The answers for a link's targets are found once and looked up; following each link must say the same. Some links are
 * null, some lead to a deleted dog, the dogs fill several segments, and one of them is empty. */
Test(query_rows, links_followed_together_say_what_each_alone_says)
{
    enum { COUNT = 5000 };
    static row_key all_dogs[COUNT], people[COUNT];
    static const char *const texts[] = {"dog.age > 3",
                                        "dog.age == null",
                                        "dog.age != 3",
                                        "NOT dog.age <= 3",
                                        "dog.name == 'b'",
                                        "dog.name == null",
                                        "dog.name IN {'a', 'c', null}",
                                        "home.zip < 50",
                                        "home.zip == null",
                                        "dog.age > 3 OR dog.name BEGINSWITH 'a'"};
    fixture f;
    fixture_open(&f);
    realm = &f;
    property_key dog = fixture_property(f.person, "dog"), home = fixture_property(f.person, "home");
    OK(model_begin(f.db, COMMIT_LOCAL, &txn));
    for (int i = 0; i < COUNT; i++) {
        value age = value_int(i % 7), name = value_string(bytes_of(&"abcd"[i % 4], 1)),
              key = value_int(i), zip = value_int(i % 100);
        OK(model_create(txn, f.dog->key, NULL, &all_dogs[i]));
        OK(model_set(txn, f.dog->key, all_dogs[i], fixture_property(f.dog, "age"), &age));
        if (i % 5 != 0)
            OK(model_set(txn, f.dog->key, all_dogs[i], fixture_property(f.dog, "name"), &name));
        OK(model_create(txn, f.person->key, &key, &people[i]));
        value link = value_link(all_dogs[(i * 37) % (i + 1)]);
        row_key address = 0;
        if (i % 6 != 0) OK(model_set(txn, f.person->key, people[i], dog, &link));
        if (i % 3 != 0) OK(model_set_embedded(txn, f.person->key, people[i], home, &address));
        if (i % 3 != 0)
            OK(model_set(txn, f.address->key, address, fixture_property(f.address, "zip"), &zip));
    }
    for (int i = 0; i < COUNT; i++)
        if (i % 9 == 0 || all_dogs[i] / MODEL_BLOCK_ROWS == 2)
            OK(model_delete(txn, f.dog->key, all_dogs[i]));
    commit();
    model_view *view = model_view_newest(f.db);
    for (size_t t = 0; t < sizeof texts / sizeof *texts; t++) {
        query *q = make(texts[t], NULL);
        row_vector rows = {0};
        uint64_t count = 0;
        size_t at = 0;
        OK(query_run(q, view, &rows));
        OK(query_count(q, view, &count));
        cr_assert(rows.count == count && count > 0 && count < COUNT, "%s: %zu rows, count %llu",
                  texts[t], rows.count, (unsigned long long)count);
        for (int i = 0; i < COUNT; i++) {
            bool in = at < rows.count && rows.items[at] == people[i];
            cr_assert_eq(in, query_matches(q, view, people[i]), "%s: person %d", texts[t], i);
            at += in;
        }
        cr_assert_eq(at, rows.count);
        vector_free(&rows);
        query_free(q);
    }
    model_view_release(view);
    fixture_close(&f);
}

/* Segments that cannot hold a better value are passed over: those that can must not be. */
Test(query_rows, the_least_and_greatest_are_found_in_any_segment)
{
    enum { COUNT = 4 * MODEL_BLOCK_ROWS };
    fixture f;
    fixture_open(&f);
    realm = &f;
    OK(model_begin(f.db, COMMIT_LOCAL, &txn));
    for (int i = 0; i < COUNT; i++) {
        row_key row = 0;
        value key = value_int(i),
              age = value_int(i == 3000   ? -9
                              : i == 1500 ? 999
                                          : i % 100),
              score = value_double(i == 3500 ? -2.5
                                   : i == 40 ? 77.5
                                             : i % 50);
        OK(model_create(txn, f.person->key, &key, &row));
        OK(model_set(txn, f.person->key, row, fixture_property(f.person, "age"), &age));
        OK(model_set(txn, f.person->key, row, fixture_property(f.person, "score"), &score));
    }
    commit();
    model_view *view = model_view_newest(f.db);
    check_aggregate(view, "", "age", AGGREGATE_MINIMUM, value_int(-9));
    check_aggregate(view, "", "age", AGGREGATE_MAXIMUM, value_int(999));
    check_aggregate(view, "", "score", AGGREGATE_MINIMUM, value_double(-2.5));
    check_aggregate(view, "", "score", AGGREGATE_MAXIMUM, value_double(77.5));
    check_aggregate(view, "_id > 1500", "age", AGGREGATE_MAXIMUM, value_int(99));
    check_aggregate(view, "_id != 3000 AND _id != 3500", "score", AGGREGATE_MINIMUM,
                    value_double(0));
    model_view_release(view);
    fixture_close(&f);
}
