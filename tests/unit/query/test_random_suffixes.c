/* SORT, DISTINCT and LIMIT in any order, and aggregates, over random data of random schemas, against plain code. A failure
 * prints its seed and the query. */
#include "random_realm.h"
#include <math.h>

enum { SEEDS = 250, QUERIES = 12, TEXT_MAX = 400, KEYS_MAX = 2, SUFFIXES_MAX = 3 };

typedef struct sort_key { /* a property, or one behind a link */
    int link, property;   /* link NOBODY: of the object itself */
    bool down;
} sort_key;

typedef struct world {
    random_realm *realm;
    int class_of;
    int found[OBJECTS_MAX], count;
    char text[TEXT_MAX];
} world;

static bool has_order(value_type type)
{
    const value sample = {.type = type};
    return random_is_number(&sample) || type == VALUE_STRING || type == VALUE_TIMESTAMP ||
           type == VALUE_BOOL || type == VALUE_UUID || type == VALUE_OBJECT_ID;
}

static void say(world *w, const char *text)
{
    cr_assert(strlen(w->text) + strlen(text) < TEXT_MAX);
    strcat(w->text, text);
}

/* ---- keys ---- */
static bool is_plain(const random_property *p)
{
    return !random_is_collection(p) && has_order(p->type);
}

static bool draw_key(world *w, sort_key *to)
{
    random_realm *r = w->realm;
    for (int tries = 0; tries < 30; tries++) {
        const random_class *c = &r->classes[w->class_of];
        *to = (sort_key){.link = NOBODY, .down = random_pick(r, 2) == 0};
        int first = random_pick(r, c->property_count);
        const random_property *p = &c->properties[first];
        if (p->type == VALUE_LINK && !random_is_collection(p)) {
            to->link = first;
            c = &r->classes[p->target];
            to->property = random_pick(r, c->property_count);
        } else {
            to->property = first;
        }
        if (is_plain(&c->properties[to->property])) return true;
    }
    return false;
}

static const random_class *class_of_key(const world *w, const sort_key *k)
{
    const random_class *c = &w->realm->classes[w->class_of];
    return k->link == NOBODY ? c : &w->realm->classes[c->properties[k->link].target];
}

static void say_key(world *w, const sort_key *k)
{
    const random_class *c = &w->realm->classes[w->class_of];
    if (k->link != NOBODY) {
        say(w, c->properties[k->link].name);
        say(w, ".");
    }
    say(w, class_of_key(w, k)->properties[k->property].name);
}

/* NULL: a link on the way is null. */
static const value *key_value(const world *w, const sort_key *k, int object)
{
    const random_class *c = &w->realm->classes[w->class_of];
    if (k->link == NOBODY) return &c->objects[object].cells[k->property].items[0];
    int target = c->objects[object].cells[k->link].targets[0];
    return target == NOBODY ? NULL
                            : &class_of_key(w, k)->objects[target].cells[k->property].items[0];
}

/* Ascending: null, then the others; what is behind no link comes last. */
static int order_by(const world *w, const sort_key *k, int left, int right)
{
    const value *a = key_value(w, k, left), *b = key_value(w, k, right);
    int order = 0;
    if (a == NULL || b == NULL)
        order = (a == NULL) - (b == NULL);
    else if (a->type == VALUE_NULL || b->type == VALUE_NULL)
        order = (a->type != VALUE_NULL) - (b->type != VALUE_NULL);
    else
        cr_assert(random_order(a, b, &order));
    return k->down ? -order : order;
}

/* ---- suffixes ---- */
static int draw_keys(world *w, sort_key keys[KEYS_MAX], bool directed)
{
    int count = 0;
    for (int wanted = 1 + random_pick(w->realm, KEYS_MAX); wanted > 0; wanted--) {
        if (!draw_key(w, &keys[count])) break;
        say(w, count > 0 ? ", " : directed ? " SORT(" : " DISTINCT(");
        say_key(w, &keys[count]);
        if (directed) say(w, keys[count].down ? " DESC" : " ASC");
        count++;
    }
    if (count > 0) say(w, ")");
    return count;
}

static void apply_sort(world *w)
{
    sort_key keys[KEYS_MAX];
    int count = draw_keys(w, keys, true);
    for (int i = 1; i < w->count; i++) { /* stable */
        int moved = w->found[i], at = i;
        for (; at > 0; at--) {
            int order = 0;
            for (int k = 0; k < count && order == 0; k++)
                order = order_by(w, &keys[k], w->found[at - 1], moved);
            if (order <= 0) break;
            w->found[at] = w->found[at - 1];
        }
        w->found[at] = moved;
    }
}

static bool same_keys(const world *w, const sort_key *keys, int count, int left, int right)
{
    for (int k = 0; k < count; k++)
        if (order_by(w, &keys[k], left, right) != 0) return false;
    return true;
}

static void apply_distinct(world *w)
{
    sort_key keys[KEYS_MAX];
    int count = draw_keys(w, keys, false), kept = 0;
    for (int i = 0; i < w->count && count > 0; i++) {
        bool wanted = true;
        for (int k = 0; k < count; k++) wanted &= key_value(w, &keys[k], w->found[i]) != NULL;
        for (int k = 0; k < kept; k++)
            wanted = wanted && !same_keys(w, keys, count, w->found[k], w->found[i]);
        if (wanted) w->found[kept++] = w->found[i];
    }
    if (count > 0) w->count = kept;
}

static void apply_limit(world *w)
{
    char text[24];
    int limit = random_pick(w->realm, 40);
    snprintf(text, sizeof text, " LIMIT(%d)", limit);
    say(w, text);
    if (limit < w->count) w->count = limit;
}

static void check_order(world *w, uint64_t seed)
{
    const random_class *c = &w->realm->classes[w->class_of];
    model_view *view = model_view_newest(w->realm->db);
    row_vector rows = {0};
    query *q = NULL;
    uint64_t count = 0;
    status made = query_new(model_view_schema(view), c->key, bytes_text(w->text), NULL, &q);
    cr_assert_eq(made, ATOLL_OK, "seed %lu: `%s`: %s", seed, w->text, fail_text());
    OK(query_run(q, view, &rows));
    cr_assert_eq(rows.count, (size_t)w->count, "seed %lu: `%s`: %zu rows instead of %d", seed,
                 w->text, rows.count, w->count);
    for (int i = 0; i < w->count; i++)
        cr_assert_eq(rows.items[i], c->objects[w->found[i]].row, "seed %lu: C%d: `%s`: place %d",
                     seed, w->class_of, w->text, i);
    OK(query_count(q, view, &count));
    cr_assert_eq(count, rows.count);
    vector_free(&rows);
    query_free(q);
    model_view_release(view);
}

static void begin(world *w)
{
    const random_class *c = &w->realm->classes[w->class_of];
    w->count = 0;
    strcpy(w->text, "TRUEPREDICATE");
    for (int i = 0; i < c->object_count; i++)
        if (c->objects[i].alive) w->found[w->count++] = i;
}

Test(query_random_suffixes, sorts_distincts_and_limits_agree_with_plain_code)
{
    static void (*const suffixes[])(world *) = {apply_sort, apply_sort, apply_distinct,
                                                apply_limit};
    world *w = calloc(1, sizeof *w);
    const uint64_t first = random_first_seed();
    for (uint64_t seed = first; seed < first + SEEDS; seed++) {
        w->realm = random_realm_new(seed + 5000);
        for (int i = 0; i < QUERIES; i++) {
            w->class_of = random_pick(w->realm, w->realm->class_count);
            begin(w);
            for (int n = 1 + random_pick(w->realm, SUFFIXES_MAX); n > 0; n--)
                suffixes[random_pick(w->realm, 4)](w);
            check_order(w, seed + 5000);
            random_realm_change(w->realm, 3);
        }
        random_realm_free(w->realm);
    }
    free(w);
}

/* ---- aggregates: small halves, so that doubles are exact ---- */
static double number_of(const value *v)
{
    value half;
    for (int n = -8; n < 8000; n++) {
        int order = 1;
        half = value_double(n / 2.0);
        if (v->type != VALUE_DECIMAL) break;
        if (random_order(v, &half, &order) && order == 0) return n / 2.0;
    }
    return v->type == VALUE_INT ? (double)v->as.integer : v->as.real;
}

static void check_aggregate(world *w, const query *q, const model_view *view, int property,
                            uint64_t seed)
{
    static const char *const names[] = {"sum", "minimum", "maximum", "average"};
    const random_class *c = &w->realm->classes[w->class_of];
    double wanted[4] = {0, INFINITY, -INFINITY, 0};
    int count = 0;
    for (int i = 0; i < w->count; i++) {
        const value *v = &c->objects[w->found[i]].cells[property].items[0];
        if (v->type == VALUE_NULL) continue;
        double n = number_of(v);
        count++;
        wanted[0] += n;
        if (n < wanted[1]) wanted[1] = n;
        if (n > wanted[2]) wanted[2] = n;
    }
    wanted[3] = wanted[0] / count;
    for (int kind = AGGREGATE_SUM; kind <= AGGREGATE_AVERAGE; kind++) {
        value got;
        OK(query_aggregate(q, view, c->properties[property].key, (aggregate_kind)kind, &got));
        if (count == 0 && kind != AGGREGATE_SUM) {
            cr_assert_eq(got.type, VALUE_NULL, "seed %lu: %s of nothing", seed, names[kind]);
            continue;
        }
        double is = 0;
        if (got.type == VALUE_DECIMAL) {
            decimal d = value_as_decimal(&got);
            is = decimal_to_double(&d);
        } else {
            is = got.type == VALUE_INT ? (double)got.as.integer : got.as.real;
        }
        cr_assert(fabs(is - wanted[kind]) < 1e-6, "seed %lu: C%d.%s: the %s is %g, not %g", seed,
                  w->class_of, c->properties[property].name, names[kind], is, wanted[kind]);
    }
}

Test(query_random_suffixes, aggregates_agree_with_plain_code)
{
    world *w = calloc(1, sizeof *w);
    const uint64_t first = random_first_seed();
    for (uint64_t seed = first; seed < first + SEEDS; seed++) {
        w->realm = random_realm_new(seed + 9000);
        for (w->class_of = 0; w->class_of < w->realm->class_count; w->class_of++) {
            const random_class *c = &w->realm->classes[w->class_of];
            model_view *view = model_view_newest(w->realm->db);
            query *q = NULL;
            begin(w);
            OK(query_new(model_view_schema(view), c->key, bytes_text(""), NULL, &q));
            for (int i = 0; i < c->property_count; i++) {
                const value sample = {.type = c->properties[i].type};
                if (!random_is_number(&sample) || random_is_collection(&c->properties[i])) continue;
                check_aggregate(w, q, view, i, seed + 9000);
            }
            query_free(q);
            model_view_release(view);
        }
        random_realm_free(w->realm);
    }
    free(w);
}
