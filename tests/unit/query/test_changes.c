/* Change sets: applied to what was, they give what is; a move is one of the deletions with one of the insertions; what
 * happens behind links is told as far as key paths go. Beside plain code that follows every link from every row. */
#include "query/query.h"
#include "base/random.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#define OK(expression) cr_assert_eq((expression), ATOLL_OK, "%s", fail_text())

/* ---- sequences ---- */

static void check_moves(const index_vector *from, const index_vector *to, const uint64_t *old_items,
                        const uint64_t *new_items, const result_changes *c, const char *name)
{
    cr_assert_eq(from->count, to->count);
    for (size_t i = 0; i < from->count; i++) {
        bool deleted = false, inserted = false;
        for (size_t k = 0; k < c->deletions.count; k++)
            deleted = deleted || c->deletions.items[k] == from->items[i];
        for (size_t k = 0; k < c->insertions.count; k++)
            inserted = inserted || c->insertions.items[k] == to->items[i];
        cr_assert(deleted && inserted, "%s: a move is a deletion and an insertion", name);
        cr_assert_eq(old_items[from->items[i]], new_items[to->items[i]], "%s: of one item", name);
    }
}

/* Applies deletions and insertions; gives for each new index the old one of what stayed, or SIZE_MAX. */
static size_t *apply(const uint64_t *old_items, size_t old_count, const uint64_t *new_items,
                     size_t new_count, const result_changes *c, const char *name)
{
    size_t *origin = malloc((new_count + 1) * sizeof *origin);
    size_t at = 0, deleted = 0, inserted = 0;
    for (size_t i = 0; i < new_count; i++) {
        origin[i] = SIZE_MAX;
        if (inserted < c->insertions.count && c->insertions.items[inserted] == i) {
            inserted++;
            continue;
        }
        while (deleted < c->deletions.count && c->deletions.items[deleted] == at) at++, deleted++;
        cr_assert(at < old_count, "%s: too few are left at %d", name, (int)i);
        cr_assert_eq(old_items[at], new_items[i], "%s: another item at %d", name, (int)i);
        origin[i] = at++;
    }
    while (deleted < c->deletions.count && c->deletions.items[deleted] == at) at++, deleted++;
    cr_assert_eq(at, old_count, "%s: something is left over", name);
    cr_assert(deleted == c->deletions.count && inserted == c->insertions.count, "%s", name);
    check_moves(&c->moves_from, &c->moves_to, old_items, new_items, c, name);
    return origin;
}

static status odd_is_modified(void *context, size_t old_index, size_t new_index, bool *out)
{
    const uint64_t *items = context;
    (void)old_index;
    *out = items[new_index] % 2 == 1;
    return ATOLL_OK;
}

static size_t random_sequence(random_state *random, uint64_t *items, size_t most)
{
    size_t count = (size_t)random_below(random, most);
    for (size_t i = 0; i < count; i++) items[i] = random_below(random, 12);
    return count;
}

Test(changes, sequences_with_repetitions_and_moves)
{
    random_state random = {.state = 5};
    for (int round = 0; round < 4000; round++) {
        uint64_t old_items[20], new_items[20];
        char name[40];
        size_t old_count = random_sequence(&random, old_items, 20);
        size_t new_count = random_sequence(&random, new_items, 20);
        sequence_pair pair = {old_items, new_items,       old_count,
                              new_count, odd_is_modified, new_items};
        result_changes c = {0};
        snprintf(name, sizeof name, "round %d", round);
        OK(sequence_difference(&pair, &c));
        size_t *origin = apply(old_items, old_count, new_items, new_count, &c, name);
        size_t modified = 0;
        for (size_t i = 0; i < new_count; i++) {
            if (origin[i] == SIZE_MAX || new_items[i] % 2 == 0) continue;
            cr_assert(modified < c.modifications.count, "%s", name);
            cr_assert_eq(c.modifications_new.items[modified], i, "%s", name);
            cr_assert_eq(c.modifications.items[modified++], origin[i], "%s", name);
        }
        cr_assert_eq(modified, c.modifications.count, "%s", name);
        free(origin);
        result_changes_free(&c);
    }
}

Test(changes, one_item_that_moves_is_one_move)
{
    uint64_t old_items[] = {1, 2, 3, 4, 5}, new_items[] = {2, 3, 4, 1, 5};
    sequence_pair pair = {old_items, new_items, 5, 5, NULL, NULL};
    result_changes c = {0};
    OK(sequence_difference(&pair, &c));
    cr_assert(c.moves_from.count == 1 && c.moves_from.items[0] == 0 && c.moves_to.items[0] == 3);
    cr_assert(c.deletions.count == 1 && c.insertions.count == 1);
    result_changes_free(&c);
}

/* ---- a realm of nodes: Node { name: int, rank: int, next: Node, friends: [Node], box: Box }, Box { size: int } ---- */

enum { NODE = 1, BOX = 2, NODES_MAX = 400, BOXES = 3, FRIENDS = 2, NOBODY = -1 };
enum { NAME = 1, RANK = 2, NEXT = 3, LIST = 4, IN_BOX = 5, SIZE = 1 };
typedef struct node_copy {
    row_key row;
    bool alive, name_changed, rank_changed, next_changed, friends_changed, box_changed;
    int64_t rank;
    int next, friends[FRIENDS], box, friend_count;
} node_copy;
typedef struct graph {
    memory_disk *disk;
    model_db *db;
    model_txn *txn;
    random_state random;
    node_copy nodes[NODES_MAX];
    int count;
    row_key boxes[BOXES];
    bool box_changed[BOXES];
} graph;

static int pick(graph *g, int bound)
{
    return (int)random_below(&g->random, (uint64_t)bound);
}

static void begin(graph *g)
{
    OK(model_begin(g->db, COMMIT_LOCAL, &g->txn));
}

static void commit(graph *g)
{
    uint64_t version;
    OK(model_commit(g->txn, &version));
}

static void set(graph *g, class_key c, row_key row, property_key p, value v)
{
    OK(model_set(g->txn, c, row, p, &v));
}

static int living(graph *g)
{
    for (int tries = 0; tries < 50; tries++) {
        int i = pick(g, g->count);
        if (g->nodes[i].alive) return i;
    }
    return NOBODY;
}

static void add_node(graph *g)
{
    if (g->count == NODES_MAX) return;
    node_copy *n = &g->nodes[g->count];
    *n = (node_copy){.alive = true, .next = NOBODY, .box = NOBODY, .name_changed = true};
    OK(model_create(g->txn, NODE, NULL, &n->row));
    n->rank = pick(g, 40);
    set(g, NODE, n->row, NAME, value_int(g->count));
    set(g, NODE, n->row, RANK, value_int(n->rank));
    g->count++;
}

static void link_node(graph *g, node_copy *n)
{
    n->next = living(g);
    n->next_changed = true;
    set(g, NODE, n->row, NEXT,
        n->next == NOBODY ? value_null() : value_link(g->nodes[n->next].row));
}

static void befriend(graph *g, node_copy *n)
{
    int friend_of = living(g);
    if (n->friend_count == FRIENDS || friend_of == NOBODY) return;
    value v = value_link(g->nodes[friend_of].row);
    OK(model_list_insert(g->txn, NODE, n->row, LIST, 0, &v));
    memmove(n->friends + 1, n->friends, sizeof n->friends - sizeof n->friends[0]);
    n->friends[0] = friend_of;
    n->friend_count++;
    n->friends_changed = true;
}

static void delete_node(graph *g, int index)
{
    g->nodes[index].alive = false;
    OK(model_delete(g->txn, NODE, g->nodes[index].row));
}

static void change_something(graph *g)
{
    int index = living(g), form = pick(g, 16);
    node_copy *n = index == NOBODY ? NULL : &g->nodes[index];
    if (n == NULL || form < 2) {
        add_node(g);
    } else if (form < 4) {
        delete_node(g, index);
    } else if (form < 9) {
        n->rank = pick(g, 40);
        n->rank_changed = true;
        set(g, NODE, n->row, RANK, value_int(n->rank));
    } else if (form < 11) {
        link_node(g, n);
    } else if (form < 13) {
        befriend(g, n);
    } else if (form == 13) {
        n->box = pick(g, BOXES);
        n->box_changed = true;
        set(g, NODE, n->row, IN_BOX, value_link(g->boxes[n->box]));
    } else {
        int box = pick(g, BOXES);
        g->box_changed[box] = true;
        set(g, BOX, g->boxes[box], SIZE, value_int(pick(g, 1000)));
    }
}

static graph *graph_new(uint64_t seed, int nodes)
{
    graph *g = calloc(1, sizeof *g);
    model_schema schema = {0};
    size_t c;
    storage *store = NULL;
    model_options options = {.platform = platform_posix(), .use = SCHEMA_LOCAL, .durable = false};
    bytes none = bytes_of(NULL, 0), node = bytes_text("Node"), box = bytes_text("Box");
    g->random.state = seed;
    g->disk = memory_disk_new(1);
    OK(schema_add_class(&schema, node, CLASS_NORMAL, &c));
    OK(schema_add_property(&schema, c, bytes_text("name"), VALUE_INT, 0, none));
    OK(schema_add_property(&schema, c, bytes_text("rank"), VALUE_INT, 0, none));
    OK(schema_add_property(&schema, c, bytes_text("next"), VALUE_LINK, PROPERTY_NULLABLE, node));
    OK(schema_add_property(&schema, c, bytes_text("friends"), VALUE_LINK, PROPERTY_LIST, node));
    OK(schema_add_property(&schema, c, bytes_text("box"), VALUE_LINK, PROPERTY_NULLABLE, box));
    OK(schema_add_class(&schema, box, CLASS_NORMAL, &c));
    OK(schema_add_property(&schema, c, bytes_text("size"), VALUE_INT, 0, none));
    OK(storage_open_memory(g->disk, &store));
    OK(model_open(store, &options, &schema, &g->db));
    schema_free(&schema);
    begin(g);
    for (int i = 0; i < BOXES; i++) OK(model_create(g->txn, BOX, NULL, &g->boxes[i]));
    for (int i = 0; i < nodes; i++) add_node(g);
    for (int i = 0; i < nodes; i++) change_something(g);
    commit(g);
    return g;
}

static void graph_free(graph *g)
{
    model_close(g->db);
    memory_disk_free(g->disk);
    free(g);
}

/* ---- plain code: from the row along every link ---- */

typedef struct before_round {
    bool alive[NODES_MAX];
    node_copy nodes[NODES_MAX];
    int count;
} before_round;

static bool takes(const char *step, const char *name)
{
    return strcmp(step, "*") == 0 || strcmp(step, name) == 0;
}

static bool is_reached(const graph *g, const before_round *was, int index,
                       const char *const *steps);

static bool links_to(const node_copy *from, bool by_friends, int target)
{
    bool links = !by_friends && from->next == target;
    for (int i = 0; by_friends && i < from->friend_count; i++) links |= from->friends[i] == target;
    return from->alive && links;
}

/* "<next": along what links here by that property, now or before the round. */
static bool back_reached(const graph *g, const before_round *was, int index,
                         const char *const *steps)
{
    bool by_friends = strcmp(steps[0], "<friends") == 0;
    for (int i = 0; i < g->count; i++) {
        const node_copy *now = &g->nodes[i], *old = i < was->count ? &was->nodes[i] : NULL;
        bool before = old != NULL && links_to(old, by_friends, index);
        bool came_or_went = old == NULL || old->alive != now->alive;
        if (!before && !links_to(now, by_friends, index)) continue;
        if (came_or_went || (by_friends ? now->friends_changed : now->next_changed)) return true;
        if (steps[1] != NULL && is_reached(g, was, i, steps + 1)) return true;
    }
    return false;
}

/* The target went in this round, or something further on changed. */
static bool behind(const graph *g, const before_round *was, int target, const char *const *rest)
{
    if (target == NOBODY) return false;
    if (was->alive[target] != g->nodes[target].alive) return true;
    return rest[0] != NULL && g->nodes[target].alive && is_reached(g, was, target, rest);
}

static bool is_reached(const graph *g, const before_round *was, int index, const char *const *steps)
{
    const node_copy *n = &g->nodes[index];
    const char *step = steps[0];
    if (step[0] == '<') return back_reached(g, was, index, steps);
    if (takes(step, "name") && n->name_changed) return true;
    if (takes(step, "rank") && n->rank_changed) return true;
    if (takes(step, "next") && (n->next_changed || behind(g, was, n->next, steps + 1))) return true;
    if (takes(step, "friends")) {
        if (n->friends_changed) return true;
        for (int i = 0; i < n->friend_count; i++)
            if (behind(g, was, n->friends[i], steps + 1)) return true;
    }
    if (!takes(step, "box")) return false;
    bool box_has_size = steps[1] != NULL && takes(steps[1], "size");
    return n->box_changed || (n->box != NOBODY && box_has_size && g->box_changed[n->box]);
}

typedef struct watched {
    const char *query;
    const char *path;     /* NULL: the default */
    const char *steps[7]; /* the same, for the plain code */
} watched;
static const watched watching[] = {
    {"", NULL, {"*", "*", "*", "*", "*"}},
    {"rank > 9", "rank", {"rank"}},
    {"rank > 5 SORT(rank ASC)", NULL, {"*", "*", "*", "*", "*"}},
    {"TRUEPREDICATE SORT(rank DESC, name ASC)", "next.rank", {"next", "rank"}},
    {"rank < 30 SORT(name ASC) SORT(rank ASC)", "friends.*", {"friends", "*"}},
    {"TRUEPREDICATE SORT(rank ASC) LIMIT(5)", "*", {"*"}},
    {"next.rank > 10", "*.rank", {"*", "rank"}},
    {"box.size > 300 SORT(box.size ASC)", "box.size", {"box", "size"}},
    {"TRUEPREDICATE SORT(next.rank ASC)", "next.next.next", {"next", "next", "next"}},
    {"friends.rank > 3 SORT(name DESC)", "friends.box", {"friends", "box"}},
    {"rank < 35", "@links.Node.next", {"<next"}},
    {"rank > 2 SORT(rank ASC)", "@links.Node.next.rank", {"<next", "rank"}},
    {"", "@links.Node.friends.box.size", {"<friends", "box", "size"}},
    {"", "next.@links.Node.friends", {"next", "<friends"}},
    {"rank > 20", "@links.Node.next.@links.Node.friends.name", {"<next", "<friends", "name"}},
};
enum { WATCHED = sizeof watching / sizeof *watching };
typedef struct watcher {
    query *q;
    key_paths *paths;
    row_vector rows;
} watcher;

static int node_of(const graph *g, row_key row)
{
    for (int i = 0; i < g->count; i++)
        if (g->nodes[i].row == row) return i;
    cr_assert_fail("row %d is of no node", (int)row);
    return 0;
}

static void check_watcher(graph *g, watcher *w, const watched *by, const before_round *was,
                          const model_view *before, const model_view *after,
                          const model_changes *changes, const char *name)
{
    row_vector old = {0}, wanted = {0};
    result_changes told = {0};
    for (size_t i = 0; i < w->rows.count; i++) OK(vector_push(&old, w->rows.items[i]));
    OK(results_advance(w->q, before, after, changes, w->paths, &w->rows, &told));
    OK(query_run(w->q, after, &wanted));
    cr_assert_eq(w->rows.count, wanted.count, "%s: %d rows instead of %d", name, (int)w->rows.count,
                 (int)wanted.count);
    for (size_t i = 0; i < wanted.count; i++)
        cr_assert_eq(w->rows.items[i], wanted.items[i], "%s: another row at %d", name, (int)i);
    size_t *origin = apply(old.items, old.count, wanted.items, wanted.count, &told, name);
    size_t modified = 0;
    for (size_t i = 0; i < wanted.count; i++) {
        int index = node_of(g, wanted.items[i]);
        if (origin[i] == SIZE_MAX || !is_reached(g, was, index, by->steps)) continue;
        cr_assert(modified < told.modifications.count, "%s: row %d was modified", name,
                  (int)wanted.items[i]);
        cr_assert_eq(told.modifications_new.items[modified], i, "%s: row %d", name,
                     (int)wanted.items[i]);
        cr_assert_eq(told.modifications.items[modified++], origin[i], "%s", name);
    }
    cr_assert_eq(modified, told.modifications.count, "%s: too many modified", name);
    free(origin);
    vector_free(&old);
    vector_free(&wanted);
    result_changes_free(&told);
}

static void play_round(graph *g, watcher *watchers, uint64_t seed, int round)
{
    before_round was = {.count = g->count};
    char name[160];
    model_view *before = model_view_newest(g->db);
    for (int i = 0; i < g->count; i++) {
        node_copy *n = &g->nodes[i];
        was.alive[i] = n->alive;
        was.nodes[i] = *n;
        n->name_changed = n->rank_changed = n->next_changed = n->friends_changed = n->box_changed =
            false;
    }
    memset(g->box_changed, 0, sizeof g->box_changed);
    begin(g);
    /* Few changes are followed back one by one, many by a look at all rows. */
    for (int steps = round % 8 == 7 ? 150 : pick(g, 6); steps >= 0; steps--) change_something(g);
    commit(g);
    model_view *after = model_view_newest(g->db);
    model_changes *changes = NULL;
    OK(model_changes_between(g->db, model_view_version(before), model_view_version(after),
                             &changes));
    for (int i = 0; i < WATCHED; i++) {
        snprintf(name, sizeof name, "seed %d round %d `%s` along %s", (int)seed, round,
                 watching[i].query, watching[i].path == NULL ? "all" : watching[i].path);
        check_watcher(g, &watchers[i], &watching[i], &was, before, after, changes, name);
    }
    model_changes_free(changes);
    model_view_release(before);
    model_view_release(after);
}

Test(changes, random_results_advance_with_moves_along_key_paths)
{
    for (uint64_t seed = 1; seed <= 40; seed++) {
        graph *g = graph_new(seed, (int)(seed * 7 % 200) + 3);
        watcher watchers[WATCHED] = {{0}};
        model_view *view = model_view_newest(g->db);
        for (int i = 0; i < WATCHED; i++) {
            watcher *w = &watchers[i];
            OK(query_new(model_view_schema(view), NODE, bytes_text(watching[i].query), NULL,
                         &w->q));
            OK(query_run(w->q, view, &w->rows));
            bytes path = bytes_text(watching[i].path == NULL ? "" : watching[i].path);
            if (watching[i].path != NULL)
                OK(key_paths_new(model_view_schema(view), NODE, &path, 1, &w->paths));
        }
        model_view_release(view);
        for (int round = 0; round < 25; round++) play_round(g, watchers, seed, round);
        for (int i = 0; i < WATCHED; i++) {
            query_free(watchers[i].q);
            key_paths_free(watchers[i].paths);
            vector_free(&watchers[i].rows);
        }
        graph_free(g);
    }
}

/* ---- depth, and paths that are refused ---- */

Test(changes, what_is_more_than_four_links_away_is_not_told)
{
    graph *g = graph_new(1, 0);
    row_vector reached = {0};
    begin(g);
    for (int i = 0; i < 7; i++) add_node(g);
    for (int i = 0; i < 6; i++)
        set(g, NODE, g->nodes[i].row, NEXT, value_link(g->nodes[i + 1].row));
    commit(g);
    model_view *before = model_view_newest(g->db);
    begin(g);
    set(g, NODE, g->nodes[6].row, RANK, value_int(-1));
    commit(g);
    model_view *after = model_view_newest(g->db);
    model_changes *changes = NULL;
    OK(model_changes_between(g->db, model_view_version(before), model_view_version(after),
                             &changes));
    OK(changes_reach(before, after, changes, NODE, NULL, &reached));
    cr_assert_eq(reached.count, 5, "the node itself and four before it");
    cr_assert(!rows_contain(&reached, g->nodes[1].row) && rows_contain(&reached, g->nodes[2].row));
    vector_free(&reached);
    model_changes_free(changes);
    model_view_release(before);
    model_view_release(after);
    graph_free(g);
}

Test(changes, key_paths_that_lead_nowhere_are_refused_by_name)
{
    static const struct {
        const char *path;
        status code;
        const char *says;
    } bad[] = {
        {"nam", ATOLL_ERROR_UNKNOWN_PROPERTY, "Node has no property nam"},
        {"next.nam", ATOLL_ERROR_UNKNOWN_PROPERTY, "Node has no property nam"},
        {"box.rank", ATOLL_ERROR_UNKNOWN_PROPERTY, "Box has no property rank"},
        {"*.nam", ATOLL_ERROR_UNKNOWN_PROPERTY, "*.nam"},
        {"rank.name", ATOLL_ERROR_INVALID_ARGUMENT, "rank of class Node is no link"},
        {"", ATOLL_ERROR_INVALID_ARGUMENT, "empty name"},
        {"next..rank", ATOLL_ERROR_INVALID_ARGUMENT, "empty name at character 6"},
        {"next.", ATOLL_ERROR_INVALID_ARGUMENT, "empty name"},
        {"@links.Nodes.next", ATOLL_ERROR_UNKNOWN_CLASS, "Nodes.next, which is not in the schema"},
        {"@links.Node.nex", ATOLL_ERROR_UNKNOWN_PROPERTY, "Node.nex, which is not in the schema"},
        {"@links.Node.box", ATOLL_ERROR_INVALID_ARGUMENT, "does not link to class Node"},
        {"@links.Node", ATOLL_ERROR_INVALID_ARGUMENT, "empty name"},
        {"*.@links.Node.next", ATOLL_ERROR_INVALID_ARGUMENT, "can't follow a *"},
        {"*.*.*.*.*.*.*.*.*.*.*.*.*.*.*.*.*", ATOLL_ERROR_LIMIT_EXCEEDED, "17 steps"},
    };
    static const char *const good[] = {"name",
                                       "next.next.rank",
                                       "*",
                                       "*.size",
                                       "next.*",
                                       "*.*",
                                       "box.size",
                                       "friends.box.*",
                                       "box.@links.Node.box.name",
                                       "*.*.*.*.*.*.*.*.*.*.*.*.*.*.*.*"};
    graph *g = graph_new(1, 0);
    model_view *view = model_view_newest(g->db);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        key_paths *paths = NULL;
        bytes path = bytes_text(bad[i].path);
        cr_assert_eq(key_paths_new(model_view_schema(view), NODE, &path, 1, &paths), bad[i].code,
                     "%s", bad[i].path);
        cr_assert_not_null(strstr(fail_text(), bad[i].says), "%s: %s", bad[i].path, fail_text());
        cr_assert_null(paths);
    }
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        key_paths *paths = NULL;
        bytes path = bytes_text(good[i]);
        OK(key_paths_new(model_view_schema(view), NODE, &path, 1, &paths));
        key_paths_free(paths);
    }
    model_view_release(view);
    graph_free(g);
}

/* ---- what one object holds ---- */

Test(changes, queries_over_a_list_keep_its_order_and_follow_it)
{
    graph *g = graph_new(3, 0);
    begin(g);
    for (int i = 0; i < 5; i++) add_node(g);
    for (int i = 0; i < 5; i++) {
        value v = value_link(g->nodes[4 - i].row);
        set(g, NODE, g->nodes[i].row, RANK, value_int(i));
        OK(model_list_insert(g->txn, NODE, g->nodes[0].row, LIST, (uint64_t)i, &v));
    }
    value again = value_link(g->nodes[3].row);
    OK(model_list_insert(g->txn, NODE, g->nodes[0].row, LIST, 5, &again));
    set(g, NODE, g->nodes[2].row, NEXT, value_link(g->nodes[0].row));
    commit(g);
    model_view *view = model_view_newest(g->db);
    query *all = NULL, *over = NULL, *few = NULL, *both = NULL;
    row_vector rows = {0};
    uint64_t count = 0;
    value sum;
    query_base friends = {QUERY_BASE_COLLECTION, NODE, g->nodes[0].row, LIST};
    OK(query_new(model_view_schema(view), NODE, bytes_of(NULL, 0), NULL, &all));
    OK(query_new(model_view_schema(view), NODE, bytes_text("rank > 1 SORT(rank ASC)"), NULL, &few));
    OK(query_over(all, &friends, &over));
    OK(query_and(over, few, &both));
    OK(query_run(over, view, &rows));
    cr_assert(rows.count == 6 && rows.items[0] == g->nodes[4].row && rows.items[5] == rows.items[1],
              "in the order of the list, as often as they are in it");
    OK(query_run(both, view, &rows));
    cr_assert(rows.count == 4 && rows.items[0] == g->nodes[2].row &&
              rows.items[3] == g->nodes[4].row);
    OK(query_count(over, view, &count));
    cr_assert_eq(count, 6);
    OK(query_aggregate(over, view, RANK, AGGREGATE_SUM, &sum));
    cr_assert_eq(sum.as.integer, 13);
    OK(query_run(over, view, &rows));
    begin(g);
    OK(model_list_erase(g->txn, NODE, g->nodes[0].row, LIST, 0));
    set(g, NODE, g->nodes[3].row, RANK, value_int(30));
    commit(g);
    model_view *after = model_view_newest(g->db);
    model_changes *changes = NULL;
    result_changes told = {0};
    OK(model_changes_between(g->db, model_view_version(view), model_view_version(after), &changes));
    OK(results_advance(over, view, after, changes, NULL, &rows, &told));
    cr_assert(rows.count == 5 && told.deletions.count == 1 && told.deletions.items[0] == 0);
    cr_assert(told.modifications.count >= 2 && told.modifications_new.items[0] == 0);
    result_changes_free(&told);
    model_changes_free(changes);
    query_free(all), query_free(over), query_free(few), query_free(both);
    vector_free(&rows);
    model_view_release(view);
    model_view_release(after);
    graph_free(g);
}
