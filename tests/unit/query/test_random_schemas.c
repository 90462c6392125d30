/* Random predicates over random data of random schemas, against plain code that shares nothing with the query layer: a run,
 * each row alone, the count, the canonical text read again, and the results moved over a commit must all agree with it.
 * A failure prints its seed and the query. */
#include "random_realm.h"

enum { SEEDS = 800, PREDICATES = 16, TEXT_MAX = 3000, VALUES_MAX = 64, HOPS = 2, CROSSED = 400 };

/* ---- predicates as trees ---- */
typedef enum node_kind {
    NODE_AND,
    NODE_OR,
    NODE_NOT,
    NODE_COMPARE, /* path sign constant */
    NODE_PAIR,    /* two properties */
    NODE_IN,
    NODE_BETWEEN,
    NODE_TEXT,  /* BEGINSWITH and so on */
    NODE_COUNT, /* of a collection */
    NODE_KEY,   /* of a dictionary */
    NODE_ELEMENT,
    NODE_LINKS, /* what links here */
    NODE_KINDS
} node_kind;

typedef struct path { /* links, then a property */
    int hops[HOPS], hop_count, property;
    int class_of; /* of the property */
    bool many;
} path;

typedef struct node {
    node_kind kind;
    int left, right; /* nodes; or numbers of the kind */
    path path;
    int quantifier, sign, other, first_value, value_count;
    bool folds;
} node;

typedef struct predicate {
    char text[TEXT_MAX];
    size_t size;
    value values[VALUES_MAX];
    int value_count, class_of, node_count;
    node nodes[40];
} predicate;

static const char *const signs[] = {"==", "!=", "<", "<=", ">", ">="};
static const char *const quantifiers[] = {"", "ANY ", "ALL ", "NONE "};
static const char *const text_words[] = {"BEGINSWITH", "ENDSWITH", "CONTAINS"};

static void say(predicate *p, const char *text)
{
    size_t size = strlen(text);
    cr_assert(p->size + size < TEXT_MAX);
    memcpy(p->text + p->size, text, size + 1);
    p->size += size;
}

static void say_value(predicate *p, value v)
{
    char text[12];
    if (v.type == VALUE_NULL) {
        say(p, "null");
    } else {
        snprintf(text, sizeof text, "$%d", p->value_count);
        say(p, text);
    }
    cr_assert(p->value_count < VALUES_MAX);
    p->values[p->value_count++] = v;
}

/* ---- plain truth ---- */
static bool holds(int sign, const value *a, const value *b)
{
    int order = 1;
    bool none = a->type == VALUE_NULL && b->type == VALUE_NULL;
    bool both = a->type != VALUE_NULL && b->type != VALUE_NULL && random_order(a, b, &order);
    bool equal = none || (both && order == 0);
    switch (sign) {
    case 0: return equal;
    case 1: return !equal;
    case 2: return both && order < 0;
    case 3: return equal || (both && order < 0);
    case 4: return both && order > 0;
    default: return equal || (both && order > 0);
    }
}

/* The values at the end of a path. A link that is null gives null, or no element of a collection behind it. */
static void walk_path(const random_realm *w, const path *p, int at, int class_of, int object,
                      value *out, int *count)
{
    bool last = at == p->hop_count;
    int index = last ? p->property : p->hops[at];
    const random_property *property = &w->classes[class_of].properties[index];
    if (object == NOBODY) {
        bool empty = random_is_collection(property);
        if (last && !empty) out[(*count)++] = value_null();
        if (!last && !empty) walk_path(w, p, at + 1, property->target, NOBODY, out, count);
        return;
    }
    const cell *c = &w->classes[class_of].objects[object].cells[index];
    for (int i = 0; i < c->count; i++) {
        cr_assert(*count < CROSSED);
        if (last)
            out[(*count)++] = c->items[i];
        else
            walk_path(w, p, at + 1, property->target, c->targets[i], out, count);
    }
}

static bool decide(int quantifier, int matching, int count)
{
    return quantifier < 2 ? matching > 0 : quantifier == 2 ? matching == count : matching == 0;
}

static char lower_byte(const bytes *t, size_t i)
{
    char c = (char)t->data[i];
    return c == 'A' ? 'a' : c == '\x89' ? '\xa9' : c;
}

static bool part_at(const bytes *text, size_t at, const bytes *part, bool folds)
{
    for (size_t i = 0; i < part->size; i++) {
        bool same = folds ? lower_byte(text, at + i) == lower_byte(part, i)
                          : text->data[at + i] == part->data[i];
        if (!same) return false;
    }
    return true;
}

static bool text_holds(int word, const value *v, const value *constant, bool folds)
{
    const bytes *text = &v->as.text, *part = &constant->as.text;
    if (v->type != VALUE_STRING || part->size > text->size) return false;
    size_t end = text->size - part->size, first = word == 1 ? end : 0, last = word == 0 ? 0 : end;
    for (size_t at = first; at <= last; at++)
        if (part_at(text, at, part, folds)) return true;
    return false;
}

static bool one_holds(const predicate *p, const node *n, const value *v)
{
    const value *constants = p->values + n->first_value;
    bool any = false;
    switch (n->kind) {
    case NODE_IN:
        for (int i = 0; i < n->value_count; i++) any |= holds(0, v, &constants[i]);
        return any;
    case NODE_BETWEEN: return holds(5, v, &constants[0]) && holds(3, v, &constants[1]);
    case NODE_TEXT: return text_holds(n->sign, v, &constants[0], n->folds);
    default: return holds(n->sign, v, &constants[0]);
    }
}

static int links_to(const random_realm *w, int class_of, int object)
{
    int count = 0;
    for (int c = 0; c < w->class_count; c++)
        for (int i = 0; i < w->classes[c].property_count; i++) {
            const random_property *p = &w->classes[c].properties[i];
            if (p->type != VALUE_LINK || p->target != class_of) continue;
            for (int k = 0; k < w->classes[c].object_count; k++) {
                const random_object *o = &w->classes[c].objects[k];
                const cell *at = &o->cells[i];
                for (int x = 0; x < at->count && o->alive; x++) count += at->targets[x] == object;
            }
        }
    return count;
}

static bool leaf_truth(const random_realm *w, const predicate *p, const node *n, int object)
{
    value values[CROSSED], found = value_null();
    int count = 0, matching = 0;
    const cell *cells = w->classes[p->class_of].objects[object].cells,
               *c = &cells[n->path.property];
    switch (n->kind) {
    case NODE_PAIR: return holds(n->sign, &c->items[0], &cells[n->other].items[0]);
    case NODE_COUNT:
        found = value_int(c->count);
        return holds(n->sign, &found, &p->values[n->first_value]);
    case NODE_LINKS:
        found = value_int(links_to(w, p->class_of, object));
        return holds(n->sign, &found, &p->values[n->first_value]);
    case NODE_KEY:
        for (int i = 0; i < c->count; i++)
            if (c->keys[i] == n->other) found = c->items[i];
        return holds(n->sign, &found, &p->values[n->first_value]);
    case NODE_ELEMENT:
        if (n->other >= c->count) return false;
        return holds(n->sign, &c->items[n->other], &p->values[n->first_value]);
    default: break;
    }
    walk_path(w, &n->path, 0, p->class_of, object, values, &count);
    for (int i = 0; i < count; i++) matching += one_holds(p, n, &values[i]);
    return n->path.many ? decide(n->quantifier, matching, count) : matching > 0;
}

static bool truth(const random_realm *w, const predicate *p, int at, int object)
{
    const node *n = &p->nodes[at];
    switch (n->kind) {
    case NODE_AND: return truth(w, p, n->left, object) && truth(w, p, n->right, object);
    case NODE_OR: return truth(w, p, n->left, object) || truth(w, p, n->right, object);
    case NODE_NOT: return !truth(w, p, n->left, object);
    default: return leaf_truth(w, p, n, object);
    }
}

/* ---- drawing a predicate ---- */
static void draw_path(random_realm *w, predicate *p, path *to)
{
    *to = (path){.class_of = p->class_of};
    for (int hops = random_pick(w, 5) - HOPS; hops > 0; hops--) {
        const random_class *c = &w->classes[to->class_of];
        int index = random_pick(w, c->property_count);
        const random_property *link = &c->properties[index];
        bool many = random_is_collection(link);
        if (link->type != VALUE_LINK || (many && to->many)) continue;
        to->hops[to->hop_count++] = index;
        to->many |= many;
        to->class_of = link->target;
    }
    to->property = random_pick(w, w->classes[to->class_of].property_count);
    to->many |= random_is_collection(&w->classes[to->class_of].properties[to->property]);
}

static void say_path(const random_realm *w, predicate *p, const path *of)
{
    int class_of = p->class_of;
    for (int i = 0; i < of->hop_count; i++) {
        const random_property *link = &w->classes[class_of].properties[of->hops[i]];
        say(p, link->name);
        say(p, ".");
        class_of = link->target;
    }
    say(p, w->classes[class_of].properties[of->property].name);
}

/* A constant that may stand beside the type: numbers of any kind beside numbers. */
static value draw_constant(random_realm *w, value_type type)
{
    static const value_type numbers[] = {VALUE_INT, VALUE_DOUBLE, VALUE_FLOAT, VALUE_DECIMAL};
    const value sample = {.type = type};
    if (random_is_number(&sample)) return random_value(w, numbers[random_pick(w, 4)]);
    return random_value(w, type);
}

static bool has_order(value_type type)
{
    const value sample = {.type = type};
    return random_is_number(&sample) || type == VALUE_STRING || type == VALUE_TIMESTAMP ||
           type == VALUE_UUID || type == VALUE_OBJECT_ID;
}

static int draw_sign(random_realm *w, value_type type, const value *constant)
{
    value_type asked = type == VALUE_MIXED ? constant->type : type;
    return random_pick(w, has_order(asked) ? 6 : 2);
}

static void say_compare(predicate *p, node *n, value constant)
{
    say(p, " ");
    say(p, signs[n->sign]);
    say(p, " ");
    n->first_value = p->value_count;
    say_value(p, constant);
}

/* False: this kind is nothing for the property, and nothing was said. */
static bool draw_special(random_realm *w, predicate *p, node *n, const random_property *property)
{
    char text[24];
    bool direct = n->path.hop_count == 0, link = property->type == VALUE_LINK;
    int kind = property->flags & PROPERTY_COLLECTION;
    value number = value_int(random_pick(w, 4)), constant = draw_constant(w, property->type);
    if (link && kind == 0 && direct) {
        snprintf(text, sizeof text, "%s", property->name);
        n->kind = NODE_COMPARE;
        n->sign = random_pick(w, 2);
        constant = value_null();
    } else if (kind != 0 && direct && (link || random_pick(w, 3) == 0)) {
        snprintf(text, sizeof text, "%s.@count", property->name);
        n->kind = NODE_COUNT;
        n->sign = random_pick(w, 6);
        constant = number;
    } else if (kind == PROPERTY_DICTIONARY && direct && !link && random_pick(w, 2) == 0) {
        n->kind = NODE_KEY;
        n->other = random_pick(w, ITEMS_MAX);
        n->sign = draw_sign(w, property->type, &constant);
        snprintf(text, sizeof text, "%s['k%d']", property->name, n->other);
    } else if (kind == PROPERTY_LIST && direct && !link && random_pick(w, 2) == 0) {
        n->kind = NODE_ELEMENT;
        n->other = random_pick(w, 2);
        n->sign = draw_sign(w, property->type, &constant);
        snprintf(text, sizeof text, "%s[%d]", property->name, n->other);
    } else if (random_pick(w, 15) == 0) {
        n->kind = NODE_LINKS;
        n->sign = random_pick(w, 6);
        constant = number;
        snprintf(text, sizeof text, "@links.@count");
    } else {
        return false;
    }
    say(p, text);
    say_compare(p, n, constant);
    return true;
}

static bool same_kind(const random_property *a, const random_property *b)
{
    const value x = {.type = a->type}, y = {.type = b->type};
    return a->type == b->type || (random_is_number(&x) && random_is_number(&y));
}

/* Two properties of one object. */
static bool draw_pair(random_realm *w, predicate *p, node *n, const random_property *property)
{
    const random_class *c = &w->classes[p->class_of];
    int other = random_pick(w, c->property_count);
    const random_property *right = &c->properties[other];
    bool fits = n->path.hop_count == 0 && !n->path.many && !random_is_collection(right) &&
                property->type != VALUE_MIXED && property->type != VALUE_LINK &&
                same_kind(property, right);
    if (!fits) return false;
    n->kind = NODE_PAIR;
    n->other = other;
    n->sign = random_pick(w, has_order(property->type) ? 6 : 2);
    say(p, property->name);
    say(p, " ");
    say(p, signs[n->sign]);
    say(p, " ");
    say(p, right->name);
    return true;
}

static void draw_in(random_realm *w, predicate *p, node *n, const random_property *property)
{
    n->kind = NODE_IN;
    n->value_count = 1 + random_pick(w, 3);
    n->first_value = p->value_count;
    say(p, " IN {");
    for (int i = 0; i < n->value_count; i++) {
        if (i > 0) say(p, ", ");
        value v = draw_constant(w, property->type);
        while (v.type == VALUE_NULL) v = draw_constant(w, property->type);
        say_value(p, v);
    }
    say(p, "}");
}

static void draw_between(random_realm *w, predicate *p, node *n, const random_property *property)
{
    n->kind = NODE_BETWEEN;
    n->value_count = 2;
    n->first_value = p->value_count;
    say(p, " BETWEEN {");
    say_value(p, draw_constant(w, property->type));
    say(p, ", ");
    say_value(p, draw_constant(w, property->type));
    say(p, "}");
}

static void draw_leaf(random_realm *w, predicate *p, node *n)
{
    const random_property *property = NULL;
    for (;;) {
        draw_path(w, p, &n->path);
        property = &w->classes[n->path.class_of].properties[n->path.property];
        if (draw_special(w, p, n, property)) return;
        if (property->type != VALUE_LINK) break;
    }
    if (random_pick(w, 5) == 0 && draw_pair(w, p, n, property)) return;
    int form = random_pick(w, 6);
    if (n->path.many) {
        n->quantifier = random_pick(w, 4);
        say(p, quantifiers[n->quantifier]);
    }
    say_path(w, p, &n->path);
    if (property->type == VALUE_STRING && form < 2) {
        n->kind = NODE_TEXT;
        n->sign = random_pick(w, 3);
        n->folds = random_pick(w, 2) == 0;
        say(p, " ");
        say(p, text_words[n->sign]);
        say(p, n->folds ? "[c] " : " ");
        n->first_value = p->value_count;
        say_value(p, random_value(w, VALUE_STRING));
    } else if (form == 2 && !n->path.many) {
        draw_in(w, p, n, property);
    } else if (form == 3 && !n->path.many && has_order(property->type)) {
        draw_between(w, p, n, property);
    } else {
        n->kind = NODE_COMPARE;
        value v = random_pick(w, 8) == 0 ? value_null() : draw_constant(w, property->type);
        n->sign = draw_sign(w, property->type, &v);
        say_compare(p, n, v);
    }
}

static int draw(random_realm *w, predicate *p, int depth)
{
    int at = p->node_count++, form = depth == 0 ? 3 : random_pick(w, 5);
    if (form > 2) {
        draw_leaf(w, p, &p->nodes[at]);
        return at;
    }
    p->nodes[at].kind = (node_kind)form;
    say(p, form == NODE_NOT ? "!(" : "(");
    p->nodes[at].left = draw(w, p, depth - 1);
    if (form != NODE_NOT) {
        say(p, form == NODE_AND ? ") and (" : ") or (");
        p->nodes[at].right = draw(w, p, depth - 1);
    }
    say(p, ")");
    return at;
}

/* ---- agreement ---- */
static void expect_rows(const random_realm *w, const predicate *p, const row_vector *rows,
                        const char *when, uint64_t seed)
{
    const random_class *c = &w->classes[p->class_of];
    size_t at = 0;
    for (int i = 0; i < c->object_count; i++) {
        bool wanted = c->objects[i].alive && truth(w, p, 0, i);
        bool got = at < rows->count && rows->items[at] == c->objects[i].row;
        cr_assert_eq(got, wanted, "seed %lu, %s: C%d: `%s`: object %d %s", seed, when, p->class_of,
                     p->text, i, wanted ? "is missing" : "should not match");
        at += wanted;
    }
    cr_assert_eq(at, rows->count, "seed %lu, %s: `%s`", seed, when, p->text);
}

static void check(const random_realm *w, const predicate *p, const query *q, const model_view *view,
                  const row_vector *rows, uint64_t seed)
{
    const random_class *c = &w->classes[p->class_of];
    query *again = NULL;
    uint64_t count = 0;
    expect_rows(w, p, rows, "a run", seed);
    for (int i = 0; i < c->object_count; i += 1 + c->object_count / 60)
        cr_assert_eq(query_matches(q, view, c->objects[i].row),
                     c->objects[i].alive && truth(w, p, 0, i), "seed %lu: `%s`: object %d alone",
                     seed, p->text, i);
    OK(query_count(q, view, &count));
    cr_assert_eq(count, rows->count, "seed %lu: the count of `%s`", seed, p->text);
    bytes text = query_text(q);
    status read = query_new(model_view_schema(view), c->key, text, NULL, &again);
    cr_assert_eq(read, ATOLL_OK, "seed %lu: `%.*s`: %s", seed, (int)text.size,
                 (const char *)text.data, fail_text());
    OK(query_count(again, view, &count));
    cr_assert_eq(count, rows->count, "seed %lu: `%s` and its canonical text `%.*s` differ", seed,
                 p->text, (int)text.size, (const char *)text.data);
    query_free(again);
}

static void check_one(random_realm *w, predicate *p, uint64_t seed)
{
    row_vector rows = {0};
    query *q = NULL;
    model_changes *changes = NULL;
    result_changes told = {0};
    memset(p, 0, sizeof *p);
    p->class_of = random_pick(w, w->class_count);
    draw(w, p, 2);
    const query_arguments arguments = {p->values, (size_t)p->value_count, NULL};
    model_view *before = model_view_newest(w->db);
    status made = query_new(model_view_schema(before), w->classes[p->class_of].key,
                            bytes_text(p->text), &arguments, &q);
    cr_assert_eq(made, ATOLL_OK, "seed %lu: C%d: `%s`: %s", seed, p->class_of, p->text,
                 fail_text());
    OK(query_run(q, before, &rows));
    check(w, p, q, before, &rows, seed);
    random_realm_change(w, 1 + random_pick(w, 6));
    model_view *after = model_view_newest(w->db);
    OK(model_changes_between(w->db, model_view_version(before), model_view_version(after),
                             &changes));
    OK(results_advance(q, before, after, changes, NULL, &rows, &told));
    expect_rows(w, p, &rows, "moved over a commit", seed);
    result_changes_free(&told);
    model_changes_free(changes);
    model_view_release(after);
    model_view_release(before);
    query_free(q);
    vector_free(&rows);
}

Test(query_random_schemas, predicates_agree_with_plain_code)
{
    predicate *p = malloc(sizeof *p);
    uint64_t kinds[NODE_KINDS] = {0};
    const uint64_t first = random_first_seed();
    for (uint64_t seed = first; seed < first + SEEDS; seed++) {
        random_realm *w = random_realm_new(seed);
        for (int i = 0; i < PREDICATES; i++) {
            check_one(w, p, seed);
            for (int k = 0; k < p->node_count; k++) kinds[p->nodes[k].kind]++;
        }
        random_realm_free(w);
    }
    for (int i = 0; i < NODE_KINDS; i++)
        cr_assert_gt(kinds[i], 60, "only %lu of kind %d", (unsigned long)kinds[i], i);
    free(p);
}
