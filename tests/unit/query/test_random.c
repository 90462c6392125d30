/* Random predicates over random people, against plain code that shares nothing with the query layer; and results that
 * are advanced over random commits. A failure prints its seed and the query. */
#include "fixture.h"
#include "base/random.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

enum { PEOPLE_MAX = 2600, DOGS = 5, TAGS_MAX = 3, TEXT_MAX = 3000 };

typedef struct person {
    bool alive, touched, lost_dog, replaced, has_weight, has_height, has_name, has_born, done;
    int64_t age, weight, seconds;
    int32_t nanoseconds;
    double height;
    char name[4];
    int dog, tag_count; /* dog -1: none */
    char tags[TAGS_MAX][2];
    row_key row;
} person;

typedef struct world {
    random_state random;
    fixture realm;
    model_txn *txn;
    person people[PEOPLE_MAX];
    int count;
    row_key dogs[DOGS];
    int64_t dog_ages[DOGS];
    bool dog_touched[DOGS];
} world;

static int pick(world *w, int bound)
{
    return (int)random_below(&w->random, (uint64_t)bound);
}

/* ---- the realm ---- */

static void set(world *w, row_key row, const char *name, value v)
{
    OK(model_set(w->txn, w->realm.person->key, row, fixture_property(w->realm.person, name), &v));
}

static void set_random_name(world *w, person *p)
{
    static const char *const letters[] = {"a", "A", "b", "\xc3\xa9", "\xc3\x89"};
    p->has_name = pick(w, 5) != 0;
    p->name[0] = 0;
    if (p->has_name && pick(w, 6) != 0) strcat(p->name, letters[pick(w, 5)]);
    if (p->has_name && strlen(p->name) == 1 && pick(w, 2)) strcat(p->name, letters[pick(w, 3)]);
    set(w, p->row, "name", p->has_name ? value_string(bytes_text(p->name)) : value_null());
}

static void set_random(world *w, person *p, int what)
{
    p->touched = true;
    switch (what) {
    case 0:
        p->age = pick(w, 12) - 4;
        set(w, p->row, "age", value_int(p->age));
        break;
    case 1:
        p->has_weight = pick(w, 3) != 0;
        p->weight = pick(w, 6);
        set(w, p->row, "weight", p->has_weight ? value_int(p->weight) : value_null());
        break;
    case 2:
        p->has_height = pick(w, 4) != 0;
        p->height = pick(w, 9) / 2.0 - 1;
        set(w, p->row, "height", p->has_height ? value_double(p->height) : value_null());
        break;
    case 3:
        p->done = pick(w, 2);
        set(w, p->row, "done", value_bool(p->done));
        break;
    case 4: set_random_name(w, p); break;
    case 5:
        p->has_born = pick(w, 4) != 0;
        p->seconds = pick(w, 3) + 1;
        p->nanoseconds = pick(w, 3);
        set(w, p->row, "born",
            p->has_born ? value_timestamp(p->seconds, p->nanoseconds) : value_null());
        break;
    default:
        p->dog = pick(w, DOGS + 1) - 1;
        set(w, p->row, "dog", p->dog < 0 ? value_null() : value_link(w->dogs[p->dog]));
        break;
    }
}

static void add_tag(world *w, person *p)
{
    if (p->tag_count == TAGS_MAX) return;
    p->touched = true;
    p->tags[p->tag_count][0] = (char)('x' + pick(w, 3));
    p->tags[p->tag_count][1] = 0;
    value v = value_string(bytes_text(p->tags[p->tag_count]));
    OK(model_list_insert(w->txn, w->realm.person->key, p->row,
                         fixture_property(w->realm.person, "tags"), (uint64_t)p->tag_count, &v));
    p->tag_count++;
}

static void add_person(world *w)
{
    if (w->count == PEOPLE_MAX) return;
    person *p = &w->people[w->count];
    *p = (person){.alive = true, .dog = -1};
    value key = value_int(w->count++);
    OK(model_create(w->txn, w->realm.person->key, &key, &p->row));
    for (int what = 0; what < 7; what++) {
        if (pick(w, 4) != 0) set_random(w, p, what);
    }
    if (pick(w, 3) == 0) add_tag(w, p);
    if (pick(w, 3) == 0) add_tag(w, p);
}

static void set_dog_age(world *w, int dog)
{
    w->dog_ages[dog] = pick(w, 6);
    w->dog_touched[dog] = true;
    value age = value_int(w->dog_ages[dog]);
    OK(model_set(w->txn, w->realm.dog->key, w->dogs[dog], fixture_property(w->realm.dog, "age"),
                 &age));
}

static void begin(world *w)
{
    OK(model_begin(w->realm.db, COMMIT_LOCAL, &w->txn));
}

static uint64_t commit(world *w)
{
    uint64_t version = 0;
    OK(model_commit(w->txn, &version));
    return version;
}

static world *world_new(uint64_t seed, int people)
{
    world *w = calloc(1, sizeof *w);
    cr_assert_not_null(w);
    w->random.state = seed;
    fixture_open(&w->realm);
    begin(w);
    for (int i = 0; i < DOGS; i++) {
        OK(model_create(w->txn, w->realm.dog->key, NULL, &w->dogs[i]));
        set_dog_age(w, i);
    }
    for (int i = 0; i < people; i++) add_person(w);
    for (int i = 0; i < people / 10; i++) {
        person *p = &w->people[pick(w, w->count)];
        if (p->alive) OK(model_delete(w->txn, w->realm.person->key, p->row));
        p->alive = false;
    }
    commit(w);
    return w;
}

static void world_free(world *w)
{
    fixture_close(&w->realm);
    free(w);
}

/* ---- predicates: the text and, for each person, the plain truth ---- */

typedef struct predicate {
    char text[TEXT_MAX];
    size_t size;
    bool truth[PEOPLE_MAX];
} predicate;

static void say(predicate *p, const char *text)
{
    size_t size = strlen(text);
    cr_assert(p->size + size < TEXT_MAX);
    memcpy(p->text + p->size, text, size + 1);
    p->size += size;
}

static const char *const signs[] = {"==", "!=", "<", "<=", ">", ">="};

/* order: of the value relative to the constant. */
static bool holds(int sign, bool value_null_, bool constant_null, double order)
{
    bool equal = value_null_ && constant_null   ? true
                 : value_null_ != constant_null ? false
                                                : order == 0;
    bool both = !value_null_ && !constant_null;
    switch (sign) {
    case 0: return equal;
    case 1: return !equal;
    case 2: return both && order < 0;
    case 3: return equal || (both && order < 0);
    case 4: return both && order > 0;
    default: return equal || (both && order > 0);
    }
}

static void number_leaf(world *w, predicate *p)
{
    static const char *const names[] = {"age", "weight", "height", "dog.age", "tags.@count"};
    char text[100], constant[40];
    int which = pick(w, 5), sign = pick(w, 6);
    bool null = pick(w, 8) == 0, turned = !null && pick(w, 4) == 0;
    double number = pick(w, 2) ? pick(w, 10) - 4 : pick(w, 20) / 2.0 - 4;
    snprintf(constant, sizeof constant, null ? "null" : "%g", number);
    static const int turned_signs[] = {0, 1, 4, 5, 2, 3};
    if (turned)
        snprintf(text, sizeof text, "%s %s %s", constant, signs[turned_signs[sign]], names[which]);
    else
        snprintf(text, sizeof text, "%s %s %s", names[which], signs[sign], constant);
    say(p, text);
    for (int i = 0; i < w->count; i++) {
        const person *q = &w->people[i];
        bool missing = which == 1   ? !q->has_weight
                       : which == 2 ? !q->has_height
                       : which == 3 ? q->dog < 0
                                    : false;
        double v = which == 0   ? (double)q->age
                   : which == 1 ? (double)q->weight
                   : which == 2 ? q->height
                   : which == 3 ? (missing ? 0 : (double)w->dog_ages[q->dog])
                                : q->tag_count;
        p->truth[i] = holds(sign, missing, null, v - number);
    }
}

static void in_leaf(world *w, predicate *p)
{
    int constants[3], count = pick(w, 4);
    char text[40];
    say(p, "age IN {");
    for (int k = 0; k < count; k++) {
        constants[k] = pick(w, 10) - 4;
        snprintf(text, sizeof text, "%s%d", k == 0 ? "" : ", ", constants[k]);
        say(p, text);
    }
    say(p, "}");
    for (int i = 0; i < w->count; i++) {
        p->truth[i] = false;
        for (int k = 0; k < count; k++)
            p->truth[i] = p->truth[i] || w->people[i].age == constants[k];
    }
}

static void between_leaf(world *w, predicate *p)
{
    char text[60];
    int low = pick(w, 8) - 4, high = low + pick(w, 4);
    snprintf(text, sizeof text, "weight BETWEEN {%d, %d}", low, high);
    say(p, text);
    for (int i = 0; i < w->count; i++) {
        p->truth[i] =
            w->people[i].has_weight && w->people[i].weight >= low && w->people[i].weight <= high;
    }
}

static void bool_leaf(world *w, predicate *p)
{
    bool wanted = pick(w, 2), equal = pick(w, 2);
    char text[40];
    snprintf(text, sizeof text, "done %s %s", equal ? "==" : "!=", wanted ? "true" : "false");
    say(p, text);
    for (int i = 0; i < w->count; i++) p->truth[i] = (w->people[i].done == wanted) == equal;
}

static void born_leaf(world *w, predicate *p)
{
    char text[60];
    int sign = pick(w, 6), seconds = pick(w, 4) + 1, nanoseconds = pick(w, 3);
    snprintf(text, sizeof text, "born %s T%d:%d", signs[sign], seconds, nanoseconds);
    say(p, text);
    for (int i = 0; i < w->count; i++) {
        const person *q = &w->people[i];
        double order = ((double)q->seconds - seconds) * 100 + (q->nanoseconds - nanoseconds);
        p->truth[i] = holds(sign, !q->has_born, false, order);
    }
}

/* Both letters of the alphabet above that have a case. */
static void lower(const char *from, char *to)
{
    for (; *from != 0; from++, to++) *to = *from == 'A' ? 'a' : *from == '\x89' ? '\xa9' : *from;
    *to = 0;
}

static bool text_holds(int operator, const char * name, const char *part)
{
    size_t size = strlen(name), part_size = strlen(part);
    if (operator== 0) return strcmp(name, part) == 0;
    if (operator== 1) return strcmp(name, part) != 0;
    if (part_size > size) return false;
    if (operator== 2) return strncmp(name, part, part_size) == 0;
    if (operator== 3) return strcmp(name + size - part_size, part) == 0;
    return strstr(name, part) != NULL;
}

static void name_leaf(world *w, predicate *p)
{
    static const char *const operators[] = {"==", "!=", "BEGINSWITH", "ENDSWITH", "CONTAINS"};
    static const char *const parts[] = {"a", "A", "", "\xc3\xa9", "b", "ab"};
    int operator= pick(w, 5);
    bool fold = pick(w, 2);
    const char *part = parts[pick(w, 6)];
    char text[60], folded_part[8], folded[8];
    snprintf(text, sizeof text, "name %s%s \"%s\"", operators[operator], fold ? "[c]" : "", part);
    say(p, text);
    lower(part, folded_part);
    for (int i = 0; i < w->count; i++) {
        const person *q = &w->people[i];
        lower(q->name, folded);
        p->truth[i] = !q->has_name ? operator== 1
            : text_holds(operator, fold ? folded : q->name, fold ? folded_part : part);
    }
}

static void tags_leaf(world *w, predicate *p)
{
    static const char *const quantifiers[] = {"", "ANY ", "ALL ", "NONE "};
    int quantifier = pick(w, 4);
    char tag = (char)('x' + pick(w, 3)), text[40];
    snprintf(text, sizeof text, "%stags == '%c'", quantifiers[quantifier], tag);
    say(p, text);
    for (int i = 0; i < w->count; i++) {
        int equal = 0, count = w->people[i].tag_count;
        for (int k = 0; k < count; k++) equal += w->people[i].tags[k][0] == tag;
        p->truth[i] = quantifier < 2 ? equal > 0 : quantifier == 2 ? equal == count : equal == 0;
    }
}

static void dog_leaf(world *w, predicate *p)
{
    int dog = pick(w, DOGS + 1) - 1;
    bool equal = pick(w, 2);
    char text[40], constant[20];
    if (dog < 0)
        snprintf(constant, sizeof constant, "null");
    else
        snprintf(constant, sizeof constant, "O%d", (int)w->dogs[dog]);
    snprintf(text, sizeof text, "dog %s %s", equal ? "==" : "!=", constant);
    say(p, text);
    for (int i = 0; i < w->count; i++) p->truth[i] = (w->people[i].dog == dog) == equal;
}

static void leaf(world *w, predicate *p)
{
    static void (*const leaves[])(world *, predicate *) = {
        number_leaf, number_leaf, number_leaf, in_leaf,   between_leaf,
        bool_leaf,   born_leaf,   name_leaf,   tags_leaf, dog_leaf,
    };
    leaves[pick(w, sizeof leaves / sizeof *leaves)](w, p);
}

static void expression(world *w, predicate *p, int depth)
{
    int form = depth == 0 ? 0 : pick(w, 4);
    if (form == 0) {
        leaf(w, p);
        return;
    }
    if (form == 1) {
        say(p, "!(");
        expression(w, p, depth - 1);
        say(p, ")");
        for (int i = 0; i < w->count; i++) p->truth[i] = !p->truth[i];
        return;
    }
    bool *left = malloc(sizeof p->truth);
    say(p, "(");
    expression(w, p, depth - 1);
    memcpy(left, p->truth, sizeof p->truth);
    say(p, form == 2 ? ") and (" : ") or (");
    expression(w, p, depth - 1);
    say(p, ")");
    for (int i = 0; i < w->count; i++)
        p->truth[i] = form == 2 ? left[i] && p->truth[i] : left[i] || p->truth[i];
    free(left);
}

static query *make(world *w, const char *text)
{
    query *made = NULL;
    status code = query_new(model_view_schema(w->realm.pinned), w->realm.person->key,
                            bytes_text(text), NULL, &made);
    if (code != ATOLL_OK) cr_assert_fail("`%s`: %s", text, fail_text());
    return made;
}

static void check_predicate(world *w, const model_view *view, predicate *p, uint64_t seed)
{
    row_vector rows = {0};
    *p = (predicate){.size = 0};
    expression(w, p, 3);
    query *q = make(w, p->text), *again = NULL;
    OK(query_run(q, view, &rows));
    size_t at = 0;
    for (int i = 0; i < w->count; i++) {
        bool wanted = w->people[i].alive && p->truth[i];
        bool got = at < rows.count && rows.items[at] == w->people[i].row;
        cr_assert_eq(got, wanted, "seed %d: `%s`: person %d %s", (int)seed, p->text, i,
                     wanted ? "is missing" : "should not match");
        cr_assert_eq(query_matches(q, view, w->people[i].row), wanted,
                     "seed %d: `%s`: person %d alone", (int)seed, p->text, i);
        at += wanted;
    }
    cr_assert_eq(at, rows.count);
    uint64_t count = 0;
    OK(query_count(q, view, &count));
    cr_assert_eq(count, at);
    OK(query_new(model_view_schema(view), w->realm.person->key, query_text(q), NULL, &again));
    OK(query_count(again, view, &count));
    cr_assert_eq(count, at, "seed %d: `%s` and its canonical text differ", (int)seed, p->text);
    cr_assert(bytes_equal(query_text(q), query_text(again)));
    query_free(again);
    query_free(q);
    vector_free(&rows);
}

Test(query_random, predicates_agree_with_plain_code)
{
    predicate *p = malloc(sizeof *p);
    for (uint64_t seed = 1; seed <= 300; seed++) {
        world *w = world_new(seed, seed % 50 == 0 ? 2500 : (int)(seed % 70) + 1);
        model_view *view = model_view_newest(w->realm.db);
        for (int i = 0; i < 20; i++) check_predicate(w, view, p, seed);
        model_view_release(view);
        world_free(w);
    }
    free(p);
}

/* ---- results that follow commits ---- */

/* Whoever had it reads null from now on, without having been touched. */
static void replace_dog(world *w, int dog)
{
    OK(model_delete(w->txn, w->realm.dog->key, w->dogs[dog]));
    for (int i = 0; i < w->count; i++) {
        if (w->people[i].dog != dog) continue;
        w->people[i].dog = -1;
        w->people[i].lost_dog = true;
    }
    OK(model_create(w->txn, w->realm.dog->key, NULL, &w->dogs[dog]));
    set_dog_age(w, dog);
}

static void mutate(world *w)
{
    int steps = pick(w, 8);
    for (int i = 0; i < steps; i++) {
        int form = pick(w, 12);
        person *p = &w->people[pick(w, w->count)];
        if (form == 0)
            add_person(w);
        else if (form == 1 && pick(w, 3) == 0)
            replace_dog(w, pick(w, DOGS));
        else if (form == 1)
            set_dog_age(w, pick(w, DOGS));
        else if (!p->alive)
            continue;
        else if (form == 2) {
            OK(model_delete(w->txn, w->realm.person->key, p->row));
            p->alive = false;
        } else if (form == 3)
            add_tag(w, p);
        else
            set_random(w, p, pick(w, 7));
    }
}

static bool contains(const row_vector *rows, row_key row)
{
    for (size_t i = 0; i < rows->count; i++) {
        if (rows->items[i] == row) return true;
    }
    return false;
}

static bool contains_index(const index_vector *indexes, uint64_t index)
{
    for (size_t i = 0; i < indexes->count; i++) {
        if (indexes->items[i] == index) return true;
    }
    return false;
}

static const person *person_of(const world *w, row_key row)
{
    for (int i = 0; i < w->count; i++) {
        if (w->people[i].row == row) return &w->people[i];
    }
    return NULL;
}

/* Deletions, then insertions, make the new list of the old one. */
static void check_application(const row_vector *before, const row_vector *after,
                              const result_changes *c, const char *name)
{
    row_key *list = malloc((before->count + after->count + 1) * sizeof *list);
    size_t count = before->count;
    if (count > 0) memcpy(list, before->items, count * sizeof *list);
    for (size_t i = c->deletions.count; i-- > 0;) {
        uint64_t at = c->deletions.items[i];
        cr_assert(at < count, "%s: deletion %d of %d", name, (int)at, (int)count);
        cr_assert(i == 0 || c->deletions.items[i - 1] < at, "%s: deletions ascend", name);
        memmove(list + at, list + at + 1, (--count - at) * sizeof *list);
    }
    for (size_t i = 0; i < c->insertions.count; i++) {
        uint64_t at = c->insertions.items[i];
        cr_assert(at <= count && at < after->count, "%s: insertion at %d", name, (int)at);
        cr_assert(i == 0 || c->insertions.items[i - 1] < at, "%s: insertions ascend", name);
        memmove(list + at + 1, list + at, (count++ - at) * sizeof *list);
        list[at] = after->items[at];
    }
    cr_assert_eq(count, after->count, "%s: %d rows instead of %d", name, (int)count,
                 (int)after->count);
    cr_assert(count == 0 || memcmp(list, after->items, count * sizeof *list) == 0,
              "%s: another order", name);
    free(list);
}

/* Also by what happened to the dog. */
static bool concerned(const world *w, row_key row)
{
    const person *p = person_of(w, row);
    return p->touched || p->lost_dog || (p->dog >= 0 && w->dog_touched[p->dog]);
}

static void check_modifications(const world *w, const row_vector *before, const row_vector *after,
                                const result_changes *c, const char *name)
{
    cr_assert_eq(c->modifications.count, c->modifications_new.count);
    for (size_t i = 0; i < c->modifications.count; i++) {
        row_key row = before->items[c->modifications.items[i]];
        cr_assert_eq(row, after->items[c->modifications_new.items[i]],
                     "%s: both indexes name one row", name);
        cr_assert(concerned(w, row), "%s: row %d was not touched", name, (int)row);
    }
    for (size_t i = 0; i < after->count; i++) {
        row_key row = after->items[i];
        bool stays = contains(before, row) && !contains_index(&c->insertions, i);
        if (!stays || !concerned(w, row)) continue;
        cr_assert(contains_index(&c->modifications_new, i), "%s: row %d was touched", name,
                  (int)row);
    }
    /* Without an order, a row is told as moved only when it came or went. */
    if (strstr(name, "SORT") != NULL) return;
    for (size_t i = 0; i < c->insertions.count; i++) {
        cr_assert(!contains(before, after->items[c->insertions.items[i]]),
                  "%s: inserted although it was there", name);
    }
}

static const char *const followed[] = {
    "",
    "age > 0",
    "weight == null or done == true",
    "dog.age > 2",
    "dog == null",
    "age > -3 and NONE tags == 'y' SORT(dog.age DESC) LIMIT(3)",
    "tags == 'x'",
    "age >= 0 SORT(age ASC)",
    "TRUEPREDICATE SORT(name DESC, weight ASC)",
    "TRUEPREDICATE SORT(dog.age ASC)",
    "TRUEPREDICATE SORT(age DESC) LIMIT(4)",
    "TRUEPREDICATE DISTINCT(age)",
    "age > -2 DISTINCT(dog.age) LIMIT(3)",
    "TRUEPREDICATE SORT(age ASC) LIMIT(9) FILTER(done == true)",
    "dog.age + age BETWEEN {2, 5}",
    "tags.@count * 2 > dog.@links.@count or weight == age",
    "FALSEPREDICATE",
};
enum { FOLLOWED = sizeof followed / sizeof *followed };

static void follow_round(world *w, query *const *queries, row_vector *rows, uint64_t seed)
{
    char name[200];
    model_view *before = model_view_newest(w->realm.db);
    for (int i = 0; i < w->count; i++) w->people[i].touched = w->people[i].lost_dog = false;
    memset(w->dog_touched, 0, sizeof w->dog_touched);
    for (int commits = pick(w, 3); commits >= 0; commits--) {
        begin(w);
        mutate(w);
        commit(w);
    }
    model_view *after = model_view_newest(w->realm.db);
    model_changes *changes = NULL;
    OK(model_changes_between(w->realm.db, model_view_version(before), model_view_version(after),
                             &changes));
    for (int i = 0; i < FOLLOWED; i++) {
        row_vector old = {0}, wanted = {0};
        result_changes told = {0};
        snprintf(name, sizeof name, "seed %d: `%s`", (int)seed, followed[i]);
        for (size_t k = 0; k < rows[i].count; k++)
            cr_assert_eq(vector_push(&old, rows[i].items[k]), ATOLL_OK);
        OK(results_advance(queries[i], before, after, changes, NULL, &rows[i], &told));
        OK(query_run(queries[i], after, &wanted));
        cr_assert_eq(rows[i].count, wanted.count, "%s: %d rows instead of %d", name,
                     (int)rows[i].count, (int)wanted.count);
        cr_assert(wanted.count == 0 ||
                      memcmp(rows[i].items, wanted.items, wanted.count * sizeof *wanted.items) == 0,
                  "%s", name);
        check_application(&old, &wanted, &told, name);
        check_modifications(w, &old, &wanted, &told, name);
        result_changes_free(&told);
        vector_free(&wanted);
        vector_free(&old);
    }
    model_changes_free(changes);
    model_view_release(after);
    model_view_release(before);
}

Test(query_random, advanced_results_equal_a_new_run_and_tell_what_changed)
{
    for (uint64_t seed = 1; seed <= 100; seed++) {
        world *w = world_new(seed + 1000, (int)(seed % 40) + 2);
        query *queries[FOLLOWED];
        row_vector rows[FOLLOWED] = {{0}};
        model_view *view = model_view_newest(w->realm.db);
        for (int i = 0; i < FOLLOWED; i++) {
            queries[i] = make(w, followed[i]);
            OK(query_run(queries[i], view, &rows[i]));
        }
        model_view_release(view);
        for (int round = 0; round < 10; round++) follow_round(w, queries, rows, seed);
        for (int i = 0; i < FOLLOWED; i++) {
            query_free(queries[i]);
            vector_free(&rows[i]);
        }
        world_free(w);
    }
}

Test(query_random, an_unconcerned_commit_costs_no_row)
{
    world *w = world_new(7, 50);
    query *q = make(w, "age >= -100");
    key_paths *own = NULL;
    bytes age = bytes_text("age");
    row_vector rows = {0};
    result_changes told = {0};
    model_changes *changes = NULL;
    model_view *before = model_view_newest(w->realm.db);
    OK(query_run(q, before, &rows));
    OK(key_paths_new(model_view_schema(before), w->realm.person->key, &age, 1, &own));
    const row_key *items = rows.items;
    size_t count = rows.count;
    begin(w);
    set_dog_age(w, 0);
    commit(w);
    model_view *after = model_view_newest(w->realm.db);
    OK(model_changes_between(w->realm.db, model_view_version(before), model_view_version(after),
                             &changes));
    OK(results_advance(q, before, after, changes, own, &rows, &told));
    cr_assert(rows.items == items && rows.count == count, "the list was not built again");
    cr_assert(told.deletions.count + told.insertions.count + told.modifications.count == 0);
    model_changes_free(changes);
    model_view_release(after);
    model_view_release(before);
    vector_free(&rows);
    key_paths_free(own);
    query_free(q);
    world_free(w);
}
