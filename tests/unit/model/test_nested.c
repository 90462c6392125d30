/* Lists and dictionaries in mixed values, beside a plain tree: the same after each commit, a power cut and a reopening,
 * and no row behind a collection outlives the value that held it. */
#include "fixture.h"

enum { CHILDREN_MAX = 4, DEPTH_MAX = 4, TEXT_MAX = 4000, ROOTS = 3 };

typedef struct tree {
    value_type type; /* int, list, dictionary; null */
    int number;
    struct tree *children[CHILDREN_MAX];
    char keys[CHILDREN_MAX]; /* of a dictionary, ascending */
    int count;
} tree;

static void tree_free(tree *t)
{
    for (int i = 0; i < t->count; i++) {
        tree_free(t->children[i]);
        free(t->children[i]);
    }
    *t = (tree){.type = VALUE_NULL};
}

static int tree_collections(const tree *t)
{
    int sum = t->type == VALUE_LIST || t->type == VALUE_DICTIONARY;
    for (int i = 0; i < t->count; i++) sum += tree_collections(t->children[i]);
    return sum;
}

static void say(char *to, const char *text)
{
    cr_assert_lt(strlen(to) + strlen(text), TEXT_MAX);
    strcat(to, text);
}

static void tree_text(const tree *t, char *to)
{
    char part[32];
    if (t->type == VALUE_INT) snprintf(part, sizeof part, "%d", t->number);
    say(to, t->type == VALUE_NULL ? "null" : t->type == VALUE_INT ? part : "");
    if (t->type != VALUE_LIST && t->type != VALUE_DICTIONARY) return;
    say(to, t->type == VALUE_LIST ? "[" : "{");
    for (int i = 0; i < t->count; i++) {
        snprintf(part, sizeof part, "%c:", t->keys[i]);
        if (t->type == VALUE_DICTIONARY) say(to, part);
        tree_text(t->children[i], to);
        say(to, ",");
    }
    say(to, t->type == VALUE_LIST ? "]" : "}");
}

static void value_text(const model_view *view, const value *v, char *to)
{
    char part[32];
    if (v->type == VALUE_INT) snprintf(part, sizeof part, "%d", (int)v->as.integer);
    say(to, v->type == VALUE_NULL ? "null" : v->type == VALUE_INT ? part : "");
    if (v->type != VALUE_LIST && v->type != VALUE_DICTIONARY) return;
    say(to, v->type == VALUE_LIST ? "[" : "{");
    class_key c = v->as.link.class_of;
    uint64_t count = model_list_count(view, c, v->as.link.row, SCHEMA_HIDDEN_ITEMS);
    for (uint64_t i = 0; i < count; i++) {
        value item;
        bytes key = {0};
        if (v->type == VALUE_DICTIONARY) {
            MUST(model_dictionary_key(view, c, v->as.link.row, SCHEMA_HIDDEN_ITEMS, i, &key));
            snprintf(part, sizeof part, "%.*s:", (int)key.size, (const char *)key.data);
            say(to, part);
        }
        MUST(model_list_get(view, c, v->as.link.row, SCHEMA_HIDDEN_ITEMS, i, &item, NULL));
        value_text(view, &item, to);
        say(to, ",");
    }
    say(to, v->type == VALUE_LIST ? "]" : "}");
}

typedef struct nest {
    random_state r;
    memory_disk *disk;
    model_options options;
    model_db *db;
    tree roots[ROOTS];
    row_key rows[ROOTS];
} nest;

static value random_value(nest *n, tree *made)
{
    uint64_t kind = random_below(&n->r, 5);
    *made = (tree){.type = kind < 2   ? VALUE_INT
                           : kind < 4 ? VALUE_LIST
                                      : VALUE_DICTIONARY,
                   .number = (int)random_below(&n->r, 100)};
    return made->type == VALUE_INT ? value_int(made->number) : (value){.type = made->type};
}

/* One change inside a list: insert, set or erase. */
static void change_list(nest *n, model_txn *txn, tree *t, class_key c, row_key row)
{
    tree made;
    int at = (int)random_below(&n->r, (uint64_t)t->count + 1);
    value v = random_value(n, &made);
    if (t->count < CHILDREN_MAX && random_below(&n->r, 2) == 0) {
        MUST(model_list_insert(txn, c, row, SCHEMA_HIDDEN_ITEMS, (uint64_t)at, &v));
        memmove(t->children + at + 1, t->children + at,
                (size_t)(t->count - at) * sizeof *t->children);
        t->children[at] = malloc(sizeof made);
        *t->children[at] = made;
        t->count++;
    } else if (at < t->count && random_below(&n->r, 2) == 0) {
        MUST(model_list_set(txn, c, row, SCHEMA_HIDDEN_ITEMS, (uint64_t)at, &v));
        tree_free(t->children[at]);
        *t->children[at] = made;
    } else if (at < t->count) {
        MUST(model_list_erase(txn, c, row, SCHEMA_HIDDEN_ITEMS, (uint64_t)at));
        tree_free(t->children[at]);
        free(t->children[at]);
        memmove(t->children + at, t->children + at + 1,
                (size_t)(t->count - at - 1) * sizeof *t->children);
        t->count--;
    }
}

static void change_dictionary(nest *n, model_txn *txn, tree *t, class_key c, row_key row)
{
    tree made;
    char key[2] = {(char)('a' + random_below(&n->r, CHILDREN_MAX)), 0};
    int at = 0;
    bool removed = false;
    value v = random_value(n, &made);
    while (at < t->count && t->keys[at] < key[0]) at++;
    bool there = at < t->count && t->keys[at] == key[0];
    if (there && random_below(&n->r, 2) == 0) {
        MUST(model_dictionary_erase(txn, c, row, SCHEMA_HIDDEN_ITEMS, bytes_text(key), &removed));
        cr_assert(removed);
        tree_free(t->children[at]);
        free(t->children[at]);
        size_t behind = (size_t)(t->count - at - 1);
        memmove(t->children + at, t->children + at + 1, behind * sizeof *t->children);
        memmove(t->keys + at, t->keys + at + 1, behind);
        t->count--;
        return;
    }
    MUST(model_dictionary_put(txn, c, row, SCHEMA_HIDDEN_ITEMS, bytes_text(key), &v));
    if (!there) {
        size_t behind = (size_t)(t->count - at);
        memmove(t->children + at + 1, t->children + at, behind * sizeof *t->children);
        memmove(t->keys + at + 1, t->keys + at, behind);
        t->children[at] = calloc(1, sizeof made);
        t->keys[at] = key[0];
        t->count++;
    }
    tree_free(t->children[at]);
    *t->children[at] = made;
}

static void change_tree(nest *n, model_txn *txn)
{
    int root = (int)random_below(&n->r, ROOTS), depth = 0;
    tree *t = &n->roots[root], made;
    value v = test_get(model_txn_view(txn), ITEM, n->rows[root], ITEM_ANY);
    bool collection = t->type == VALUE_LIST || t->type == VALUE_DICTIONARY;
    if (!collection || random_below(&n->r, 12) == 0) {
        v = random_value(n, &made);
        test_set(txn, ITEM, n->rows[root], ITEM_ANY, v);
        tree_free(t);
        *t = made;
        return;
    }
    for (; t->count > 0 && depth < DEPTH_MAX && random_below(&n->r, 3) != 0; depth++) {
        int at = (int)random_below(&n->r, (uint64_t)t->count);
        value_type type = t->children[at]->type;
        if (type != VALUE_LIST && type != VALUE_DICTIONARY) break;
        MUST(model_list_get(model_txn_view(txn), v.as.link.class_of, v.as.link.row,
                            SCHEMA_HIDDEN_ITEMS, (uint64_t)at, &v, NULL));
        t = t->children[at];
    }
    if (t->type == VALUE_LIST)
        change_list(n, txn, t, v.as.link.class_of, v.as.link.row);
    else
        change_dictionary(n, txn, t, v.as.link.class_of, v.as.link.row);
}

static void compare(const nest *n, const char *when, uint64_t seed)
{
    model_view *view = model_view_newest(n->db);
    const model_schema *schema = model_view_schema(view);
    uint64_t held = 0, expected = 0;
    for (int i = 0; i < ROOTS; i++) {
        char wanted[TEXT_MAX] = "", got[TEXT_MAX] = "";
        value v = test_get(view, ITEM, n->rows[i], ITEM_ANY);
        tree_text(&n->roots[i], wanted);
        value_text(view, &v, got);
        cr_assert_str_eq(got, wanted, "%s, seed %lu", when, seed);
        expected += (uint64_t)tree_collections(&n->roots[i]);
    }
    for (size_t i = 0; i < schema->class_count; i++)
        if (schema_class_is_hidden(&schema->classes[i]))
            held += model_count(view, schema->classes[i].key);
    cr_assert_eq(held, expected, "%s, seed %lu: %lu rows for %lu collections", when, seed, held,
                 expected);
    model_view_release(view);
}

static void run(uint64_t seed)
{
    nest n = {.r = {seed}, .disk = memory_disk_new(seed), .options = test_options(false)};
    n.db = test_open(n.disk, &n.options);
    model_txn *txn = test_begin(n.db);
    for (int i = 0; i < ROOTS; i++) n.rows[i] = test_create(txn, i);
    test_commit(txn);
    for (int round = 0; round < 30; round++) {
        txn = test_begin(n.db);
        for (uint64_t k = random_below(&n.r, 8); k > 0; k--) change_tree(&n, txn);
        test_commit(txn);
        compare(&n, "after a commit", seed);
        if (round % 7 == 3) MUST(model_checkpoint(n.db));
        if (round % 5 != 4) continue;
        if (round % 2 == 0) memory_disk_crash(n.disk);
        model_close(n.db);
        n.db = test_open(n.disk, &n.options);
        compare(&n, round % 2 == 0 ? "after a power cut" : "after a reopening", seed);
    }
    txn = test_begin(n.db);
    for (int i = 0; i < ROOTS; i++) {
        MUST(model_delete(txn, ITEM, n.rows[i]));
        tree_free(&n.roots[i]);
    }
    test_commit(txn);
    model_view *view = model_view_newest(n.db);
    for (size_t i = 0; i < model_view_schema(view)->class_count; i++)
        cr_assert_eq(model_count(view, (class_key)i + 1), 0, "seed %lu: class %zu", seed, i + 1);
    model_view_release(view);
    model_close(n.db);
    memory_disk_free(n.disk);
}

Test(nested, collections_in_mixed_values_agree_with_a_plain_tree)
{
    for (uint64_t seed = 1; seed <= 150; seed++) run(seed);
    cr_assert_eq(memory_live_count(), 0);
}
