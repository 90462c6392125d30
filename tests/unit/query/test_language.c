/* The text side of queries: canonical texts, positions and words of errors, limits. No rows are read. */
#include "fixture.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

static const value argument_values[] = {
    {.type = VALUE_INT, .as.integer = 7},
    {.type = VALUE_STRING, .as.text = {(const uint8_t *)"x\"y", 3}},
    {.type = VALUE_LINK, .as.row = 12},
    {.type = VALUE_NULL},
    {.type = VALUE_BINARY, .as.text = {(const uint8_t *)"\0\1\2", 3}},
    {.type = VALUE_NULL},
};
static const value list_values[] = {{.type = VALUE_INT, .as.integer = 1},
                                    {.type = VALUE_INT, .as.integer = 2}};
static const query_arguments list_argument = {list_values, 2, NULL};
static const query_arguments *const argument_lists[6] = {NULL, NULL, NULL,
                                                         NULL, NULL, &list_argument};
static const query_arguments arguments = {argument_values, 6, argument_lists};

static status make(const model_schema *schema, bytes text, query **out)
{
    return query_new(schema, schema_class_named(schema, bytes_text("Person"))->key, text,
                     &arguments, out);
}

static const char *const canonical[][2] = {
    {"", "TRUEPREDICATE"},
    {"truepredicate", "TRUEPREDICATE"},
    {"FALSEPREDICATE", "FALSEPREDICATE"},
    {"age<3", "age < 3"},
    {"name = 'foo'", "name == \"foo\""},
    {"name == \"bar\" AND _id == 1230", "name == \"bar\" and _id == 1230"},
    {"age == 1 && age == 2 && age == 3", "age == 1 and age == 2 and age == 3"},
    {"age == 1 and (age == 2 and age == 3)", "age == 1 and age == 2 and age == 3"},
    {"age == 1 or age == 2 and age == 3", "(age == 1 or age == 2 and age == 3)"},
    {"(age == 1 or age == 2) and age == 3", "(age == 1 or age == 2) and age == 3"},
    {"not age == 1", "!(age == 1)"},
    {"! (age == 1 || done == true)", "!((age == 1 or done == true))"},
    {"NOT age == 1 and age == 2", "!(age == 1) and age == 2"},
    {"age => 1 and age =< 2 and age <> 3", "age >= 1 and age <= 2 and age != 3"},
    {"age between {1, 5}", "age BETWEEN {1, 5}"},
    {"age BETWEEN {$0, 9} or done == TRUE", "(age BETWEEN {7, 9} or done == true)"},
    {"age between $5", "age BETWEEN {1, 2}"},
    {"age IN {1,2,3}", "age IN {1, 2, 3}"},
    {"height == InF Or height == NAn or name == NiL",
     "(height == inf or height == nan or name == NULL)"},
    {"name BeginsWith 'a' aNd name lIkE[c] '?'", "name BEGINSWITH \"a\" and name LIKE[c] \"?\""},
    {"TRUEPREDICATE Sort(age Descending) dISTINCT(age) limit(1)",
     "TRUEPREDICATE SORT(age DESC) DISTINCT(age) LIMIT(1)"},
    {"age IN $5", "age IN {1, 2}"},
    {"age == ANY {1}", "age == ANY {1}"},
    {"age in {}", "age IN {}"},
    {"'a' IN tags", "\"a\" IN tags"},
    {"ANY tags beginswith[c] 'x'", "ANY tags BEGINSWITH[c] \"x\""},
    {"SOME numbers > 3 and all numbers < 9 and NONE numbers == 5",
     "ANY numbers > 3 and ALL numbers < 9 and NONE numbers == 5"},
    {"tags.@size > 2", "tags.@count > 2"},
    {"name.@count == 3", "name.@count == 3"},
    {"dog.name == nil", "dog.name == NULL"},
    {"dog == $2 and name == $3 and age == $0 and name == $1",
     "dog == O12 and name == NULL and age == 7 and name == \"x\\\"y\""},
    {"dog == O5", "dog == O5"},
    {"dogs.age >= 4", "dogs.age >= 4"},
    {"home.city == 'Oslo'", "home.city == \"Oslo\""},
    {"photo == $4", "photo == B64\"AAEC\""},
    {"photo == B64'AAEC' or photo == bin('ab') or photo == binary(B64\"AA==\")",
     "(photo == B64\"AAEC\" or photo == B64\"YWI=\" or photo == B64\"AA==\")"},
    {"height > 1.50", "height > 1.5"},
    {"height > 1.", "height > 1"},
    {"height > .5f", "height > 0.5"},
    {"height > -1e3 and height < 1E400", "height > -1000 and height < inf"},
    {"height == -0.0", "height == 0"},
    {"height == 0.1", "height == 0.1"},
    {"height == nan or height == -inf or height == +infinity",
     "(height == nan or height == -inf or height == inf)"},
    {"age == 0x1F and age == -0x10 and age == +007", "age == 31 and age == -16 and age == 7"},
    {"age == -9223372036854775808", "age == -9223372036854775808"},
    {"born == 2021-03-04@05:06:07", "born == T1614834367:0"},
    {"born == 2021-03-04T05:06:07:89", "born == T1614834367:89"},
    {"born > 1969-12-31@23:59:59:5 and born > T-1:-5", "born > T-1:-5 and born > T-1:-5"},
    {"uid == uuid(01234567-89ab-CDEF-0123-456789abcdef)",
     "uid == uuid(01234567-89ab-cdef-0123-456789abcdef)"},
    {"oid == oid(0123456789abcdef01234567)", "oid == oid(0123456789abcdef01234567)"},
    {"name == '\\u00e9\\ud83d\\ude00\\n\\t\\'\\/'", "name == \"\xc3\xa9\xf0\x9f\x98\x80\\n\\t'/\""},
    {"name == '\\0'", "name == \"\\u0000\""},
    {"given\\ name == 'Ann'", "given\\ name == \"Ann\""},
    {"3 < age", "3 < age"},
    {"age == weight", "age == weight"},
    {"name contains[c] NULL", "name CONTAINS[c] NULL"},
    {"null CONTAINS name", "FALSEPREDICATE"},
    {"age + 1 == 3", "(age + 1) == 3"},
    {"age -1 == 3", "(age + -1) == 3"},
    {"age - 1 == 3", "(age - 1) == 3"},
    {"age / 2f > 1. and age + 1e30 * 0.0 / -0.0 == 0.5 / age",
     "(age / 2.0) > 1 and (age + nan) == (0.5 / age)"},
    {"age + 1e30 + -inf + -0.0 == 0", "(age + 1e+30 + -inf + -0.0) == 0"},
    {"3 + 4 * 2 == age", "11 == age"},
    {"age > 7 / 2", "age > 3"},
    {"age > 7 / 0", "age > NULL"},
    {"(age + 1) * weight - 2 == score / 3", "(((age + 1) * weight) - 2) == (score / 3)"},
    {"(age) == (3)", "age == 3"},
    {"((age == 3))", "age == 3"},
    {"ALL numbers between {1, 2}", "ALL numbers BETWEEN {1, 2}"},
    {"numbers[0] == 1", "numbers[0] == 1"},
    {"numbers[first] == 1 && numbers[LAST] == 1 && numbers[*] == 1 && numbers[$0] == 1",
     "numbers[FIRST] == 1 and numbers[LAST] == 1 and numbers[*] == 1 and numbers[7] == 1"},
    {"numbers[SIZE] == 1 and name[size] == 2", "numbers.@count == 1 and name.@count == 2"},
    {"dogs[0].name == 'a'", "dogs[0].name == \"a\""},
    {"numbers.@max == 1 && numbers.@min == 1 && numbers.@sum == 1 && numbers.@avg == 1",
     "numbers.@max == 1 and numbers.@min == 1 and numbers.@sum == 1 and numbers.@avg == 1"},
    {"dogs.@avg.age > friends.@max.score", "dogs.@avg.age > friends.@max.score"},
    {"subquery(dogs, $x, $x.age > 1 or $x.name == 'a').@size > 1",
     "SUBQUERY(dogs, $x, ($x.age > 1 or $x.name == \"a\")).@count > 1"},
    {"SUBQUERY(friends, $f, SUBQUERY($f.dogs, $d, $d.age > 1).@count == 2).@count > 1",
     "SUBQUERY(friends, $f, SUBQUERY($f.dogs, $d, $d.age > 1).@count == 2).@count > 1"},
    {"friends.@count == SUBQUERY(friends, $f, $f == $2 and $f.@links.@count > 0).@count",
     "friends.@count == SUBQUERY(friends, $f, $f == O12 and $f.@links.@count > 0).@count"},
    {"friend == obj('Person', 12)", "friend == obj(\"Person\", 12)"},
    {"friend IN {obj('Person', $0), null}", "friend IN {obj(\"Person\", 7), NULL}"},
    {"dogs.age == ALL {1,2}", "dogs.age == ALL {1, 2}"},
    {"ANY {1, 2} == age and ALL $5 == ANY numbers",
     "ANY {1, 2} == age and ALL {1, 2} == ANY numbers"},
    {"numbers == more", "numbers == more"},
    {"spot geowithin GEOBOX([1,2],[3.5,4,100])", "spot GEOWITHIN geoBox([1, 2], [3.5, 4])"},
    {"ANY spots GEOWITHIN geoCircle([$0, 2], 0.5)", "ANY spots GEOWITHIN geoCircle([7, 2], 0.5)"},
    {"spot GEOWITHIN geoPolygon({[0,0],[9,0],[0,9],[0,0]}, {[1,1],[2,1],[1,2],[1,1]})",
     "spot GEOWITHIN geoPolygon({[0, 0], [9, 0], [0, 9], [0, 0]}, {[1, 1], [2, 1], [1, 2], [1, "
     "1]})"},
    {"marks['a b'] == 1 and marks.x\\ y == 2 and marks.@values == 3 and marks.@keys == 'x'",
     "marks[\"a b\"] == 1 and marks[\"x y\"] == 2 and marks[*] == 3 and marks.@keys == \"x\""},
    {"pets.name == 'a' and pets.@keys.@count == 1",
     "pets.name == \"a\" and pets.@keys.@count == 1"},
    {"@links.@count == 3", "@links.@count == 3"},
    {"@links.Person.friend.name == 'a' and dog.@links.Person.dogs.age == 3",
     "@links.Person.friend.name == \"a\" and dog.@links.Person.dogs.age == 3"},
    {"friends.story text 'a -b c*'", "friends.story TEXT \"a -b c*\""},
    {"TRUEPREDICATE distinct(name, dog.age) Limit(3) SORT(age ASC) DISTINCT(age)",
     "TRUEPREDICATE DISTINCT(name, dog.age) LIMIT(3) SORT(age ASC) DISTINCT(age)"},
    {"age > 1 LIMIT(3) FILTER(done == true) LIMIT(1)",
     "age > 1 LIMIT(3) FILTER(done == true) LIMIT(1)"},
    {"TRUEPREDICATE SORT(age asc, dog.name DESCENDING) LIMIT(5)",
     "TRUEPREDICATE SORT(age ASC, dog.name DESC) LIMIT(5)"},
    {"age > 1 limit(0) sort(name descending)", "age > 1 LIMIT(0) SORT(name DESC)"},
};

Test(query_language, canonical_text_and_its_own_reading)
{
    model_schema schema;
    fixture_schema(&schema);
    for (size_t i = 0; i < sizeof canonical / sizeof *canonical; i++) {
        query *first = NULL, *second = NULL;
        status made = make(&schema, bytes_text(canonical[i][0]), &first);
        cr_assert_eq(made, ATOLL_OK, "`%s`: %s", canonical[i][0], fail_text());
        bytes text = query_text(first);
        cr_assert(bytes_equal(text, bytes_text(canonical[i][1])), "`%s` became `%.*s`, not `%s`",
                  canonical[i][0], (int)text.size, text.data, canonical[i][1]);
        OK(make(&schema, text, &second));
        cr_assert(bytes_equal(text, query_text(second)), "`%.*s` reads back as another text",
                  (int)text.size, text.data);
        query_free(second);
        query_free(first);
    }
    schema_free(&schema);
}

static const struct {
    const char *text;
    status code;
    const char *part; /* of the message */
} errors[] = {
    {"age <", ATOLL_ERROR_QUERY_SYNTAX, "at 1:6: expected a property or a constant, found the end"},
    {"age", ATOLL_ERROR_QUERY_SYNTAX, "at 1:4: expected a comparison, found the end"},
    {"age 3", ATOLL_ERROR_QUERY_SYNTAX, "at 1:5: expected a comparison, found `3`"},
    {"age == 1 age == 2", ATOLL_ERROR_QUERY_SYNTAX,
     "at 1:10: expected `and`, `or`, SORT, DISTINCT, LIMIT or the end, found `age`"},
    {"(age == 1", ATOLL_ERROR_QUERY_SYNTAX, "at 1:10: expected `and`, `or` or `)`, found the end"},
    {"age == 1)", ATOLL_ERROR_QUERY_SYNTAX, "at 1:9: "},
    {"age == 1 and\n\n  and", ATOLL_ERROR_QUERY_SYNTAX,
     "at 3:3: expected a property or a constant, found `and`"},
    {"name == '\xc3\xa9\xc3\xa9' x", ATOLL_ERROR_QUERY_SYNTAX, "at 1:14: "},
    {"name == 'abc", ATOLL_ERROR_QUERY_SYNTAX,
     "at 1:9: expected the string that starts here to end"},
    {"name == 'a\\q'", ATOLL_ERROR_QUERY_SYNTAX, "at 1:11: expected one of"},
    {"name == '\\ud800'", ATOLL_ERROR_QUERY_SYNTAX, "at 1:10: expected a pair of surrogates"},
    {"name == '\\u12'", ATOLL_ERROR_QUERY_SYNTAX, "at 1:10: expected four hexadecimal digits"},
    {"age == 9223372036854775808", ATOLL_ERROR_QUERY_SYNTAX,
     "at 1:8: expected a number that fits 64 bits"},
    {"age == 12ab", ATOLL_ERROR_QUERY_SYNTAX, "at 1:8: expected a number without letters"},
    {"age == 0x", ATOLL_ERROR_QUERY_SYNTAX, "at 1:8: expected hexadecimal digits"},
    {"age == #", ATOLL_ERROR_QUERY_SYNTAX, "at 1:8: this character has no meaning"},
    {"age IN {1, 2", ATOLL_ERROR_QUERY_SYNTAX, "at 1:13: expected `,` or `}`"},
    {"age IN {1 2}", ATOLL_ERROR_QUERY_SYNTAX, "at 1:11: expected `,` or `}`"},
    {"age IN {weight}", ATOLL_ERROR_QUERY_SYNTAX, "at 1:9: expected a constant, found `weight`"},
    {"age BETWEEN {1}", ATOLL_ERROR_QUERY_SYNTAX,
     "at 1:13: expected {lowest, highest} after BETWEEN"},
    {"age In {1}", ATOLL_ERROR_QUERY_SYNTAX, "at 1:5: expected a comparison, found `In`"},
    {"Any numbers == 1", ATOLL_ERROR_QUERY_SYNTAX, "at 1:5: expected a comparison"},
    {"Not age == 1", ATOLL_ERROR_QUERY_SYNTAX, "at 1:5: expected a comparison"},
    {"done == True", ATOLL_ERROR_UNKNOWN_PROPERTY, "no property 'True'"},
    {"numbers[First] == 1", ATOLL_ERROR_QUERY_SYNTAX, "at 1:9: expected an index"},
    {"numbers.@Count == 1", ATOLL_ERROR_QUERY_SYNTAX, "at 1:9: expected @count"},
    {"name CONTAINS[C] 'x'", ATOLL_ERROR_QUERY_SYNTAX,
     "at 1:14: expected a property or a constant"},
    {"like == 1", ATOLL_ERROR_UNKNOWN_PROPERTY, "no property 'like'"},
    {"contains contains 'x'", ATOLL_ERROR_UNKNOWN_PROPERTY, "no property 'contains'"},
    {"text TEXT 'x' and sort > 1", ATOLL_ERROR_UNKNOWN_PROPERTY, "no property 'text'"},
    {"dog.in IN {1}", ATOLL_ERROR_UNKNOWN_PROPERTY, "class 'Dog' has no property 'in'"},
    {"any > 1", ATOLL_ERROR_UNKNOWN_PROPERTY, "no property 'any'"},
    {"ANY some[0] == 1", ATOLL_ERROR_UNKNOWN_PROPERTY, "no property 'some'"},
    {"age > 1 SORT(limit ASC)", ATOLL_ERROR_UNKNOWN_PROPERTY, "no property 'limit'"},
    {"subquery == 1", ATOLL_ERROR_UNKNOWN_PROPERTY, "no property 'subquery'"},
    {"age BETWEEN $0", ATOLL_ERROR_QUERY_TYPE, "BETWEEN needs a list of two constants"},
    {"age BETWEEN {1, 'x'}", ATOLL_ERROR_QUERY_TYPE, "cannot compare int with string"},
    {"done BETWEEN {true, true}", ATOLL_ERROR_QUERY_TYPE, "bool has no order"},
    {"age <[c] 3", ATOLL_ERROR_QUERY_SYNTAX, "at 1:6: expected a value: [c]"},
    {"SORT(age ASC)", ATOLL_ERROR_QUERY_SYNTAX, "at 1:5: expected a comparison, found `(`"},
    {"age > 1 SORT(age)", ATOLL_ERROR_QUERY_SYNTAX, "at 1:17: expected ASC or DESC, found `)`"},
    {"age > 1 LIMIT(-1)", ATOLL_ERROR_QUERY_SYNTAX, "at 1:15: expected a number of rows"},
    {"age > 1 LIMIT(1", ATOLL_ERROR_QUERY_SYNTAX, "at 1:16: expected `)`"},
    {"dog. == 1", ATOLL_ERROR_QUERY_SYNTAX, "at 1:6: expected the name of a property"},
    {"tags.@foo == 1", ATOLL_ERROR_QUERY_SYNTAX, "at 1:6: expected @count, @size, @type"},
    {"born == 1899-01-01@00:00:00", ATOLL_ERROR_QUERY_SYNTAX, "at 1:9: expected a date"},
    {"born == 2021-02-29@00:00:00", ATOLL_ERROR_QUERY_SYNTAX, "at 1:9: expected a date"},
    {"born == T1:-1", ATOLL_ERROR_QUERY_SYNTAX, "at 1:9: expected T<seconds>:<nanoseconds>"},
    {"uid == uuid(1)", ATOLL_ERROR_QUERY_SYNTAX, "at 1:8: expected uuid("},
    {"oid == oid(xyz)", ATOLL_ERROR_QUERY_SYNTAX, "at 1:8: expected oid("},
    {"photo == B64'a'", ATOLL_ERROR_QUERY_SYNTAX, "at 1:10: expected base64"},
    {"photo == bin(bin('a'))", ATOLL_ERROR_QUERY_SYNTAX, "at 1:10: expected one string"},
    {"name == '\xff'", ATOLL_ERROR_QUERY_SYNTAX, "not valid UTF-8"},
    {"nme == 1", ATOLL_ERROR_UNKNOWN_PROPERTY,
     "class 'Person' has no property 'nme' (in the query at 1:1)"},
    {"age == 1 and dog.nme == 1", ATOLL_ERROR_UNKNOWN_PROPERTY,
     "class 'Dog' has no property 'nme' (in the query at 1:18)"},
    {"name.x == 1", ATOLL_ERROR_QUERY_TYPE, "'Person.name' is no link"},
    {"age == 'x'", ATOLL_ERROR_QUERY_TYPE, "cannot compare int with string (in the query at 1:5)"},
    {"age == true", ATOLL_ERROR_QUERY_TYPE, "cannot compare int with bool"},
    {"done < true", ATOLL_ERROR_QUERY_TYPE, "bool has no order"},
    {"dog > $2", ATOLL_ERROR_QUERY_TYPE, "link has no order"},
    {"dog == 3", ATOLL_ERROR_QUERY_TYPE, "cannot compare link with int"},
    {"age CONTAINS 'x'", ATOLL_ERROR_QUERY_TYPE, "a string operator works on strings"},
    {"age ==[c] 3", ATOLL_ERROR_QUERY_TYPE, "[c] works on strings"},
    {"dogs == null", ATOLL_ERROR_QUERY_TYPE, "cannot compare a list of links with null"},
    {"age IN {1, 'x'}", ATOLL_ERROR_QUERY_TYPE, "cannot compare int with string"},
    {"age IN weight", ATOLL_ERROR_QUERY_TYPE, "IN needs a list"},
    {"ANY age == 3", ATOLL_ERROR_QUERY_TYPE, "ANY, ALL and NONE need a list"},
    {"age.@count == 3", ATOLL_ERROR_QUERY_TYPE, "only lists, strings and binaries"},
    {"1 == 1", ATOLL_ERROR_QUERY_TYPE, "needs a property on one side (in the query at 1:3)"},
    {"age > 1 SORT(tags ASC)", ATOLL_ERROR_QUERY_TYPE,
     "cannot sort by a list (in the query at 1:14)"},
    {"age > 1 SORT(nme ASC)", ATOLL_ERROR_UNKNOWN_PROPERTY,
     "no property 'nme' (in the query at 1:14)"},
    {"age == $6", ATOLL_ERROR_QUERY_ARGUMENT, "uses $6 at 1:8, but has 6 arguments"},
    {"age == $1", ATOLL_ERROR_QUERY_TYPE, "cannot compare int with string"},
    {"age IN {$5}", ATOLL_ERROR_QUERY_ARGUMENT, "list inside a list"},
    {"name TEXT 'x'", ATOLL_ERROR_QUERY_TYPE,
     "TEXT needs a string property with a full-text index (in the query at 1:1)"},
    {"age TEXT 'x'", ATOLL_ERROR_QUERY_TYPE, "TEXT needs a string property"},
    {"story TEXT 3", ATOLL_ERROR_QUERY_TYPE, "TEXT needs a string of words"},
    {"story TEXT null", ATOLL_ERROR_QUERY_TYPE, "TEXT needs a string of words"},
    {"story TEXT name", ATOLL_ERROR_QUERY_TYPE, "TEXT needs a string of words"},
    {"story TEXT ''", ATOLL_ERROR_QUERY_ARGUMENT, "there is no word to search for"},
    {"story TEXT ' \\t'", ATOLL_ERROR_QUERY_ARGUMENT, "there is no word to search for"},
    {"story TEXT 'full-text'", ATOLL_ERROR_QUERY_ARGUMENT, "'full-text' may hold letters"},
    {"story TEXT 'what?'", ATOLL_ERROR_QUERY_ARGUMENT, "'what?' may hold letters"},
    {"story TEXT 'a *b'", ATOLL_ERROR_QUERY_ARGUMENT, "'*b' may hold letters"},
    {"story TEXT 'a -'", ATOLL_ERROR_QUERY_ARGUMENT, "'-' may hold letters"},
    {"story TEXT '*'", ATOLL_ERROR_QUERY_ARGUMENT, "'*' may hold letters"},
    {"story TEXT 'Ab -\xc3\xa1"
     "b'",
     ATOLL_ERROR_QUERY_ARGUMENT, "both asked for and excluded"},
    {"(age)", ATOLL_ERROR_QUERY_SYNTAX, "at 1:6: expected a comparison, found the end"},
    {"(age) and done == true", ATOLL_ERROR_QUERY_SYNTAX, "at 1:7: expected a comparison"},
    {"not (age)", ATOLL_ERROR_QUERY_SYNTAX, "at 1:10: expected a comparison"},
    {"(age == 1) + 1 == 2", ATOLL_ERROR_QUERY_SYNTAX, "at 1:1: expected a property or a constant"},
    {"age == (age == 1)", ATOLL_ERROR_QUERY_SYNTAX, "at 1:8: expected a property or a constant"},
    {"age + == 3", ATOLL_ERROR_QUERY_SYNTAX, "at 1:7: expected a property or a constant"},
    {"age + name == 3", ATOLL_ERROR_QUERY_TYPE, "arithmetic works on numbers, not on string"},
    {"age + numbers == 3", ATOLL_ERROR_QUERY_TYPE, "not on lists (in the query at 1:7)"},
    {"3 + 4 == 7", ATOLL_ERROR_QUERY_TYPE, "needs a property on one side"},
    {"numbers[-1] == 1", ATOLL_ERROR_QUERY_SYNTAX, "at 1:9: expected an index, a key in quotes"},
    {"numbers['a'] == 1", ATOLL_ERROR_QUERY_TYPE, "only dictionaries have keys"},
    {"age[0] == 1", ATOLL_ERROR_QUERY_TYPE, "only lists have an index in brackets"},
    {"marks[0] == 1", ATOLL_ERROR_QUERY_TYPE, "only lists have an index in brackets"},
    {"colors[0] == 'a'", ATOLL_ERROR_QUERY_TYPE, "only lists have an index in brackets"},
    {"marks.a.b == 1", ATOLL_ERROR_QUERY_TYPE, "only dictionaries have keys"},
    {"numbers.@keys == 'a'", ATOLL_ERROR_QUERY_TYPE, "only dictionaries have keys"},
    {"numbers[0][1] == 1", ATOLL_ERROR_QUERY_TYPE, "only lists have an index in brackets"},
    {"numbers[$1] == 1", ATOLL_ERROR_QUERY_TYPE, "only dictionaries have keys"},
    {"numbers[$3] == 1", ATOLL_ERROR_QUERY_ARGUMENT,
     "in brackets at 1:9 must be an index or a key"},
    {"numbers[$9] == 1", ATOLL_ERROR_QUERY_ARGUMENT, "uses $9 at 1:9, but has 6 arguments"},
    {"numbers.@type == 'int'", ATOLL_ERROR_QUERY_TYPE, "only mixed values have @type"},
    {"age.@max == 1", ATOLL_ERROR_QUERY_TYPE, "@min, @max, @sum and @avg need a list"},
    {"tags.@max == 'a'", ATOLL_ERROR_QUERY_TYPE, "string has no @min and @max"},
    {"tags.@sum == 1", ATOLL_ERROR_QUERY_TYPE, "string has no @sum and @avg"},
    {"dogs.@max.name == 1", ATOLL_ERROR_QUERY_TYPE, "string has no @min and @max"},
    {"dogs.@max == 1", ATOLL_ERROR_QUERY_TYPE, "link has no @min and @max"},
    {"dogs.@max.nme == 1", ATOLL_ERROR_UNKNOWN_PROPERTY, "class 'Dog' has no property 'nme'"},
    {"friends.@max.numbers == 1", ATOLL_ERROR_QUERY_TYPE, "needs a property of one value"},
    {"SUBQUERY(dogs, x, $x.age > 1).@count > 1", ATOLL_ERROR_QUERY_SYNTAX,
     "at 1:16: expected a variable such as $x"},
    {"SUBQUERY(dogs, $x, $x.age > 1) > 1", ATOLL_ERROR_QUERY_SYNTAX, "at 1:32: expected `.@count`"},
    {"SUBQUERY(dogs, $x, $x.age > 1).@max > 1", ATOLL_ERROR_QUERY_SYNTAX,
     "at 1:32: expected @count or @size"},
    {"SUBQUERY(dog, $x, $x.age > 1).@count > 1", ATOLL_ERROR_QUERY_TYPE,
     "SUBQUERY needs a list of objects"},
    {"SUBQUERY(tags, $x, $x == 'a').@count > 1", ATOLL_ERROR_QUERY_TYPE,
     "SUBQUERY needs a list of objects"},
    {"SUBQUERY(dogs, $x, $y.age > 1).@count > 1", ATOLL_ERROR_UNKNOWN_PROPERTY,
     "class 'Dog' has no property '$y'"},
    {"SUBQUERY(friends, $x, SUBQUERY($x.dogs, $y, $x.age > 1).@count > 1).@count > 1",
     ATOLL_ERROR_QUERY_SYNTAX, "at 1:45: expected the variable of the innermost SUBQUERY"},
    {"@links.Person.dog == 1", ATOLL_ERROR_QUERY_TYPE,
     "property 'Person.dog' does not link to 'Person'"},
    {"@links.Nobody.dog.age == 1", ATOLL_ERROR_UNKNOWN_CLASS, "the schema has no class 'Nobody'"},
    {"@links.Person.dogg == 1", ATOLL_ERROR_UNKNOWN_PROPERTY,
     "class 'Person' has no property 'dogg'"},
    {"@links == 1", ATOLL_ERROR_QUERY_SYNTAX, "at 1:8: expected `.` and the class that links here"},
    {"@links.@max == 1", ATOLL_ERROR_QUERY_TYPE, "need a list"},
    {"dog == obj('Dog', 1)", ATOLL_ERROR_QUERY_TYPE, "class 'Dog' has no primary key"},
    {"dog == obj('Person', 1)", ATOLL_ERROR_QUERY_TYPE,
     "cannot compare a link to 'Dog' with an object of 'Person'"},
    {"friend == dog", ATOLL_ERROR_QUERY_TYPE,
     "cannot compare a link to 'Person' with an object of 'Dog'"},
    {"friend IN {obj('Nobody', 1)}", ATOLL_ERROR_UNKNOWN_CLASS, "no class 'Nobody'"},
    {"friend == obj('Person', 'x')", ATOLL_ERROR_QUERY_TYPE,
     "the key of 'Person' is of type int, not string"},
    {"$K0 == 1", ATOLL_ERROR_QUERY_ARGUMENT, "used at 1:1, must be the text of a key path"},
    {"$K1 == 1", ATOLL_ERROR_QUERY_SYNTAX, "in the key path of argument $1"},
    {"$K9 == 1", ATOLL_ERROR_QUERY_ARGUMENT, "uses $9 at 1:1"},
    {"tags > tags", ATOLL_ERROR_QUERY_TYPE, "two lists have no order; write ANY, ALL or NONE"},
    {"tags == numbers", ATOLL_ERROR_QUERY_TYPE, "cannot compare string with int"},
    {"ANY $0 == age", ATOLL_ERROR_QUERY_TYPE, "ANY, ALL and NONE need a list"},
    {"numbers BETWEEN {1, 2}", ATOLL_ERROR_QUERY_TYPE, "BETWEEN takes a list only with ALL"},
    {"NONE numbers BETWEEN {1, 2}", ATOLL_ERROR_QUERY_TYPE, "BETWEEN takes a list only with ALL"},
    {"age IN {1, {2}}", ATOLL_ERROR_QUERY_SYNTAX, "at 1:12: expected a constant, found `{`"},
    {"age > 1 DISTINCT(tags)", ATOLL_ERROR_QUERY_TYPE, "cannot take distinct values of a list"},
    {"age > 1 DISTINCT(name", ATOLL_ERROR_QUERY_SYNTAX, "at 1:22: expected `,` or `)`"},
    {"age > 1 DISTINCT()", ATOLL_ERROR_QUERY_SYNTAX, "at 1:18: expected the name of a property"},
    {"age > 1 SORT(tags.@count ASC)", ATOLL_ERROR_QUERY_SYNTAX, "expected ASC or DESC"},
    {"age GEOWITHIN geoBox([1,2],[3,4])", ATOLL_ERROR_QUERY_TYPE, "GEOWITHIN needs an embedded"},
    {"home GEOWITHIN geoBox([1,2],[3,4])", ATOLL_ERROR_QUERY_TYPE, "GEOWITHIN needs an embedded"},
    {"spot GEOWITHIN geoHexagon([1,2])", ATOLL_ERROR_QUERY_SYNTAX, "at 1:16: expected geoBox"},
    {"spot GEOWITHIN geoBox([1,2],[3])", ATOLL_ERROR_QUERY_SYNTAX, "at 1:31: expected `,`"},
    {"spot GEOWITHIN geoBox([1,'2'],[3,4])", ATOLL_ERROR_QUERY_SYNTAX,
     "at 1:26: expected a number"},
    {"spot GEOWITHIN geoBox([1,2],[181,4])", ATOLL_ERROR_QUERY_ARGUMENT,
     "longitude 181 and latitude 4"},
    {"spot GEOWITHIN geoCircle([1,-91], 1)", ATOLL_ERROR_QUERY_ARGUMENT, "latitude from -90 to 90"},
    {"spot GEOWITHIN geoCircle([1,2], -1)", ATOLL_ERROR_QUERY_ARGUMENT, "zero or more radians"},
    {"spot GEOWITHIN geoCircle([1,2], nan)", ATOLL_ERROR_QUERY_ARGUMENT, "zero or more radians"},
    {"spot GEOWITHIN geoPolygon({[0,0],[1,0],[1,1]})", ATOLL_ERROR_QUERY_ARGUMENT,
     "the last point of a ring must be its first one"},
    {"spot GEOWITHIN geoPolygon({[0,0],[1,0],[0,0]})", ATOLL_ERROR_QUERY_ARGUMENT,
     "at least three different points"},
    {"spot GEOWITHIN geoPolygon({[0,0],[2,2],[2,0],[0,2],[0,0]})", ATOLL_ERROR_QUERY_ARGUMENT,
     "the edges of a ring cross"},
    {"spot GEOWITHIN geoPolygon({[0,0],[2,0],[0,2],[0,0]},{[5,5],[6,5],[5,6],[5,5]})",
     ATOLL_ERROR_QUERY_ARGUMENT, "a hole of the polygon is not inside"},
    {"spot GEOWITHIN $1", ATOLL_ERROR_QUERY_SYNTAX,
     "in the shape of argument $1: the query is wrong"},
    {"spot GEOWITHIN $0", ATOLL_ERROR_QUERY_ARGUMENT, "must be a shape as text"},
};

Test(query_language, errors_name_the_place_and_what_was_expected)
{
    model_schema schema;
    fixture_schema(&schema);
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        query *made = NULL;
        status code = make(&schema, bytes_text(errors[i].text), &made);
        cr_assert_eq(code, errors[i].code, "`%s` gave %d: %s", errors[i].text, code,
                     code == 0 ? "" : fail_text());
        cr_assert_not_null(strstr(fail_text(), errors[i].part), "`%s`: `%s` lacks `%s`",
                           errors[i].text, fail_text(), errors[i].part);
        cr_assert_null(made);
    }
    schema_free(&schema);
}

static char *repeated(const char *part, size_t count, const char *middle, const char *end)
{
    char *text = calloc(1, (strlen(part) + strlen(end)) * count + strlen(middle) + 1), *at = text;
    for (size_t i = 0; i < count; i++, at += strlen(part)) memcpy(at, part, strlen(part));
    memcpy(at, middle, strlen(middle));
    at += strlen(middle);
    for (size_t i = 0; i < count; i++, at += strlen(end)) memcpy(at, end, strlen(end));
    return text;
}

static status make_repeated(const model_schema *schema, const char *part, size_t count,
                            const char *end)
{
    query *made = NULL;
    char *text = repeated(part, count, "age == 1", end);
    status code = make(schema, bytes_text(text), &made);
    if (code == ATOLL_OK) {
        query *again = NULL;
        OK(make(schema, query_text(made), &again));
        query_free(again);
    }
    query_free(made);
    free(text);
    return code;
}

Test(query_language, depth_and_size_have_limits)
{
    model_schema schema;
    fixture_schema(&schema);
    cr_assert_eq(make_repeated(&schema, "!(", LIMIT_QUERY_DEPTH_MAX, ")"), ATOLL_OK);
    cr_assert_eq(make_repeated(&schema, "!", LIMIT_QUERY_DEPTH_MAX, ""), ATOLL_OK);
    cr_assert_eq(make_repeated(&schema, "!(", LIMIT_QUERY_DEPTH_MAX + 1, ")"),
                 ATOLL_ERROR_LIMIT_EXCEEDED);
    cr_assert_eq(make_repeated(&schema, "(", 4 * LIMIT_QUERY_DEPTH_MAX, ")"), ATOLL_OK);
    cr_assert_eq(make_repeated(&schema, "(", 4 * LIMIT_QUERY_DEPTH_MAX + 1, ")"),
                 ATOLL_ERROR_LIMIT_EXCEEDED);
    cr_assert_eq(make_repeated(&schema, "(", 100000, ""), ATOLL_ERROR_LIMIT_EXCEEDED);
    cr_assert_eq(make_repeated(&schema, "age == 2 or ", 10000, ""), ATOLL_OK,
                 "a chain has no depth");
    cr_assert_eq(make_repeated(&schema, "1 + ", 10000, ""), ATOLL_OK);
    static const char subquery[] = "SUBQUERY(friends, $x, ", end[] = ").@count > 0";
    cr_assert_eq(make_repeated(&schema, subquery, LIMIT_QUERY_DEPTH_MAX, end), ATOLL_OK);
    cr_assert_eq(make_repeated(&schema, subquery, LIMIT_QUERY_DEPTH_MAX + 1, end),
                 ATOLL_ERROR_LIMIT_EXCEEDED);
    cr_assert_eq(make_repeated(&schema, subquery, 10000, ""), ATOLL_ERROR_LIMIT_EXCEEDED);
    cr_assert_eq(
        make_repeated(&schema, subquery, LIMIT_QUERY_DEPTH_MAX - 1, ").@count BETWEEN {0, 1}"),
        ATOLL_OK, "what nests in BETWEEN is not taken twice");
    cr_assert_eq(make_repeated(&schema, "age == (1 + ", 100, ")"), ATOLL_ERROR_QUERY_SYNTAX);
    cr_assert_eq(make_repeated(&schema, "friend.", LIMIT_QUERY_PATH_MAX - 1, ""), ATOLL_OK);
    cr_assert_eq(make_repeated(&schema, "friend.", LIMIT_QUERY_PATH_MAX, ""),
                 ATOLL_ERROR_LIMIT_EXCEEDED);
    static const char *const bottomless[] = {"{ANY ", "ANY {", "obj('Dog', ",   "NOT ",
                                             "{",     "1 + (", "geoPolygon({[", "bin("};
    for (size_t i = 0; i < sizeof bottomless / sizeof *bottomless; i++)
        cr_assert_neq(make_repeated(&schema, bottomless[i], 15000, ""), ATOLL_OK, "%s",
                      bottomless[i]);

    query *made = NULL;
    char *text = malloc(LIMIT_QUERY_SIZE_MAX + 2);
    memset(text, ' ', LIMIT_QUERY_SIZE_MAX + 2);
    memcpy(text, "age == 1", 8);
    OK(make(&schema, bytes_of(text, LIMIT_QUERY_SIZE_MAX), &made));
    query_free(made);
    cr_assert_eq(make(&schema, bytes_of(text, LIMIT_QUERY_SIZE_MAX + 1), &made),
                 ATOLL_ERROR_LIMIT_EXCEEDED);
    free(text);
    schema_free(&schema);
}

Test(query_language, properties_read_by_the_predicate)
{
    model_schema schema;
    fixture_schema(&schema);
    const model_class *person = schema_class_named(&schema, bytes_text("Person"));
    const property_key *keys = NULL;
    size_t count = 0;
    bool links = false;
    query *made = NULL;
    OK(make(&schema, bytes_text("age > 1 and (name == 'x' or age < 9) SORT(score ASC)"), &made));
    OK(query_properties(made, &keys, &count, &links));
    cr_assert_eq(count, 2);
    cr_assert_eq(keys[0], fixture_property(person, "age"));
    cr_assert_eq(keys[1], fixture_property(person, "name"));
    cr_assert(!links && query_has_suffixes(made));
    query_free(made);
    OK(make(&schema, bytes_text("dog.age > 1"), &made));
    OK(query_properties(made, &keys, &count, &links));
    cr_assert(count == 1 && keys[0] == fixture_property(person, "dog") && links &&
              !query_has_suffixes(made));
    query_free(made);
    schema_free(&schema);
}

Test(query_language, and_joins_two_queries)
{
    static const char *const cases[][3] = {
        {"age > 1", "age < 9", "age > 1 and age < 9"},
        {"", "age < 9", "age < 9"},
        {"age < 9", "", "age < 9"},
        {"", "", "TRUEPREDICATE"},
        {"age == 1 or age == 2", "done == true", "(age == 1 or age == 2) and done == true"},
        {"age > 1 SORT(name ASC)", "done == true SORT(age DESC)",
         "age > 1 and done == true SORT(name ASC) SORT(age DESC)"},
        {"name == $1", "dog == $2", "name == \"x\\\"y\" and dog == O12"},
        {"age > 1 LIMIT(3)", "done == true", "age > 1 LIMIT(3) FILTER(done == true)"},
        {"age > 1 LIMIT(3)", "", "age > 1 LIMIT(3)"},
        {"age > 1 DISTINCT(age) SORT(name ASC)", "age == 1 or age == 2 LIMIT(1)",
         "age > 1 DISTINCT(age) SORT(name ASC) FILTER((age == 1 or age == 2)) LIMIT(1)"},
    };
    model_schema schema;
    fixture_schema(&schema);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        query *a = NULL, *b = NULL, *both = NULL;
        OK(make(&schema, bytes_text(cases[i][0]), &a));
        OK(make(&schema, bytes_text(cases[i][1]), &b));
        OK(query_and(a, b, &both));
        cr_assert(bytes_equal(query_text(both), bytes_text(cases[i][2])), "%.*s",
                  (int)query_text(both).size, query_text(both).data);
        query_free(both);
        query_free(b);
        query_free(a);
    }
    schema_free(&schema);
}

Test(query_language, failed_allocations_leave_nothing_behind)
{
    static const char text[] =
        "age IN {1, 2} and !(name CONTAINS[c] 'x' or dog.age BETWEEN {$0, 9}) and "
        "SUBQUERY(friends, "
        "$x, $x.age + 2 * 3 > -1 and $x IN {obj('Person', 1), $2}).@count > 1 and spot GEOWITHIN "
        "geoPolygon({[0,0],[9,0],[0,9],[0,0]}) and numbers[$0] == 3 and dogs.@max.age > 3 "
        "SORT(dog.name ASC) DISTINCT(age) LIMIT(3)";
    model_schema schema;
    fixture_schema(&schema);
    int64_t live = memory_live_count();
    bool reached_end = false;
    for (uint64_t k = 1; k < 1000 && !reached_end; k++) {
        query *made = NULL;
        memory_fail_at(k);
        status code = make(&schema, bytes_text(text), &made);
        memory_fail_at(0);
        reached_end = code == ATOLL_OK;
        cr_assert(reached_end || code == ATOLL_ERROR_OUT_OF_MEMORY, "%d: %s", code, fail_text());
        query_free(made);
        cr_assert_eq(memory_live_count(), live, "allocation %d left something", (int)k);
    }
    cr_assert(reached_end);
    schema_free(&schema);
}
