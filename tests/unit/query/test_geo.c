/* GEOWITHIN over the sphere, by the text of queries, with points at known places. */
#include "fixture.h"
#include <criterion/criterion.h>
#include <stdio.h>

typedef struct place {
    const char *type;
    double numbers[3];
    int count;
} place;

/* The keys count from 1. */
static const place places[] = {
    {"Point", {10, 20}, 2},
    {"point", {-0.1278, 51.5074, 35}, 3}, /* London */
    {"Point", {179.5, 0}, 2},
    {"Point", {-179.5, 0}, 2},
    {"Polygon", {10, 20}, 2},
    {"Point", {10}, 1},
    {"Point", {0, 89.9}, 2},
    {"Point", {5, 60.1}, 2}, /* north of the parallel, south of the great circle */
    {"Point", {200, 20}, 2},
};
enum { PLACES = sizeof places / sizeof *places };

static fixture realm;

static void add_point(model_txn *txn, row_key row, const place *p)
{
    value type = value_string(bytes_text(p->type));
    property_key coordinates = fixture_property(realm.point, "coordinates");
    OK(model_set(txn, realm.point->key, row, fixture_property(realm.point, "type"), &type));
    for (int i = 0; i < p->count; i++) {
        value v = value_double(p->numbers[i]);
        OK(model_list_insert(txn, realm.point->key, row, coordinates, (uint64_t)i, &v));
    }
}

/* Besides one row for each place, 10 has no place, 11 has the first two in a list. */
static void fill(void)
{
    model_txn *txn = NULL;
    row_key person = 0, spot = 0;
    fixture_open(&realm);
    OK(model_begin(realm.db, COMMIT_LOCAL, &txn));
    for (int i = 0; i < PLACES + 2; i++) {
        value key = value_int(i + 1);
        OK(model_create(txn, realm.person->key, &key, &person));
        if (i >= PLACES) continue;
        OK(model_set_embedded(txn, realm.person->key, person,
                              fixture_property(realm.person, "spot"), &spot));
        add_point(txn, spot, &places[i]);
    }
    for (uint64_t i = 0; i < 2; i++) {
        OK(model_list_insert_embedded(txn, realm.person->key, person,
                                      fixture_property(realm.person, "spots"), i, &spot));
        add_point(txn, spot, &places[i]);
    }
    OK(model_commit(txn, NULL));
}

static const char *const examples[][2] = {
    {"spot GEOWITHIN geoBox([9, 19], [11, 21])", "1"},
    {"spot GEOWITHIN geoBox([10, 20], [10, 20])", "1"},
    {"spot GEOWITHIN geoBox([11, 21], [9, 19])", ""},
    {"spot GEOWITHIN geoBox([179, -1], [-179, 1])", "3 4"},
    {"spot GEOWITHIN geoBox([-179, -1], [179, 1])", ""},
    {"spot GEOWITHIN geoBox([-180, -90], [180, 90])", "1 2 3 4 7 8"},
    {"spot GEOWITHIN geoCircle([0, 51.5], 0.002)", "2"},
    {"spot GEOWITHIN geoCircle([180, 0], 0.01)", "3 4"},
    {"spot GEOWITHIN geoCircle([90, 90], 0.01)", "7"},
    {"spot GEOWITHIN geoCircle([10, 20], 0)", "1"},
    {"spot GEOWITHIN geoCircle([0, 0], 3.2)", "1 2 3 4 7 8"},
    {"spot GEOWITHIN geoPolygon({[9, 19], [11, 19], [11, 21], [9, 21], [9, 19]})", "1"},
    {"spot GEOWITHIN geoPolygon({[9, 19], [9, 21], [11, 21], [11, 19], [9, 19]})", "1"},
    {"spot GEOWITHIN geoPolygon({[9, 19], [11, 19], [11, 21], [9, 21], [9, 19]}, "
     "{[9.5, 19.5], [10.5, 19.5], [10.5, 20.5], [9.5, 20.5], [9.5, 19.5]})",
     ""},
    {"spot GEOWITHIN geoPolygon({[10, 20], [11, 19], [11, 21], [10, 20]})", "1"},
    {"spot GEOWITHIN geoPolygon({[179, -1], [-179, -1], [-179, 1], [179, 1], [179, -1]})", "3 4"},
    {"spot GEOWITHIN geoPolygon({[0, 80], [120, 80], [-120, 80], [0, 80]})", "7"},
    /* An edge of a polygon is a great circle: between two places of one latitude it goes north of it. */
    {"spot GEOWITHIN geoPolygon({[-30, 50], [40, 50], [40, 60], [-30, 60], [-30, 50]})", "8"},
    {"spot GEOWITHIN geoBox([-30, 50], [40, 60])", "2"},
    {"spot GEOWITHIN $0", "1"},
    {"NOT spot GEOWITHIN $0", "2 3 4 5 6 7 8 9 10 11"},
    {"spot GEOWITHIN geoCircle([$1, 51.5], $2)", "2"},
    {"spots GEOWITHIN $0", "11"},
    {"ALL spots GEOWITHIN $0", "1 2 3 4 5 6 7 8 9 10"},
    {"NONE spots GEOWITHIN $0 and _id > 9", "10"},
    {"ALL spots GEOWITHIN geoBox([-180, -90], [180, 90]) and _id > 9", "10 11"},
};

Test(query_geo, shapes_contain_their_points)
{
    static const char box[] = "geoBox([9,19],[11,21])";
    value values[] = {value_string(bytes_text(box)), value_int(0), value_double(0.002)};
    query_arguments arguments = {values, 3, NULL};
    fill();
    model_view *view = model_view_newest(realm.db);
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        char found[100] = "", *to = found;
        query *q = NULL;
        row_vector rows = {0};
        status made = query_new(model_view_schema(view), realm.person->key,
                                bytes_text(examples[i][0]), &arguments, &q);
        if (made != ATOLL_OK) cr_assert_fail("`%s`: %s", examples[i][0], fail_text());
        OK(query_run(q, view, &rows));
        for (size_t k = 0; k < rows.count; k++)
            to += sprintf(to, k == 0 ? "%d" : " %d", (int)rows.items[k]);
        cr_assert_str_eq(found, examples[i][1], "`%s` found %s instead of %s", examples[i][0],
                         found, examples[i][1]);
        vector_free(&rows);
        query_free(q);
    }
    model_view_release(view);
    fixture_close(&realm);
}
