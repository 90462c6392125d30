/* Random predicates over lists, sets, dictionaries, subqueries, links and back, against plain code that shares nothing with the
 * query layer, while commits change what they look at: a new run, each row alone and the followed results must agree with it.
 * A failure prints its seed and the query. */
#include "base/random.h"
#include "fixture.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

enum { PEOPLE = 14, MEMBERS = 4, TEXT_MAX = 2000, FOLLOWED = 12, ROUNDS = 12, SEEDS = 60 };

typedef struct number {
    bool null;
    int value;
} number;
typedef struct numbers {
    number items[PEOPLE * MEMBERS * MEMBERS];
    int count;
} numbers;

typedef struct person {
    bool alive;
    row_key row;
    int age, friend; /* -1: none */
    numbers numbers;
    int friends[MEMBERS], friend_count;
    bool colors[3], has_mark[3];
    number marks[3];
} person;

static const char *const colors[] = {"red", "green", "blue"};
static const char *const keys[] = {"art", "math", "sport"};

typedef struct world {
    random_state random;
    fixture realm;
    model_txn *txn;
    person people[PEOPLE];
} world;

static int pick(world *w, int bound)
{
    return (int)random_below(&w->random, (uint64_t)bound);
}

/* ---- the realm ---- */

static property_key property(world *w, const char *name)
{
    return fixture_property(w->realm.person, name);
}

static void set(world *w, person *p, const char *name, value v)
{
    OK(model_set(w->txn, w->realm.person->key, p->row, property(w, name), &v));
}

static int someone(world *w)
{
    int i = pick(w, PEOPLE);
    return w->people[i].alive ? i : -1;
}

static void change_mark(world *w, person *p)
{
    int k = pick(w, 3);
    bool removed = false;
    bytes key = bytes_text(keys[k]);
    class_key c = w->realm.person->key;
    p->has_mark[k] = pick(w, 4) != 0;
    p->marks[k] = (number){pick(w, 4) == 0, pick(w, 5)};
    value v = p->marks[k].null ? value_null() : value_int(p->marks[k].value);
    if (p->has_mark[k])
        OK(model_dictionary_put(w->txn, c, p->row, property(w, "marks"), key, &v));
    else
        OK(model_dictionary_erase(w->txn, c, p->row, property(w, "marks"), key, &removed));
}

static void change_color(world *w, person *p)
{
    int k = pick(w, 3);
    bool told = false;
    value v = value_string(bytes_text(colors[k]));
    class_key c = w->realm.person->key;
    if (p->colors[k])
        OK(model_set_erase(w->txn, c, p->row, property(w, "colors"), &v, &told));
    else
        OK(model_set_insert(w->txn, c, p->row, property(w, "colors"), &v, &told));
    cr_assert(told);
    p->colors[k] = !p->colors[k];
}

static void change_numbers(world *w, person *p)
{
    property_key key = property(w, "numbers");
    class_key c = w->realm.person->key;
    if (p->numbers.count == MEMBERS || (p->numbers.count > 0 && pick(w, 3) == 0)) {
        OK(model_list_clear(w->txn, c, p->row, key));
        p->numbers.count = 0;
        return;
    }
    number n = {false, pick(w, 4)};
    value v = value_int(n.value);
    OK(model_list_insert(w->txn, c, p->row, key, (uint64_t)p->numbers.count, &v));
    p->numbers.items[p->numbers.count++] = n;
}

static void change_friends(world *w, person *p)
{
    property_key key = property(w, "friends");
    class_key c = w->realm.person->key;
    int friend = someone(w);
    if (friend < 0 || p->friend_count == MEMBERS) {
        OK(model_list_clear(w->txn, c, p->row, key));
        p->friend_count = 0;
        return;
    }
    value v = value_link(w->people[friend].row);
    OK(model_list_insert(w->txn, c, p->row, key, 0, &v));
    memmove(p->friends + 1, p->friends, (size_t)p->friend_count * sizeof *p->friends);
    p->friends[0] = friend;
    p->friend_count++;
}

static void forget(world *w, int gone)
{
    for (int i = 0; i < PEOPLE; i++) {
        person *p = &w->people[i];
        int kept = 0;
        if (p->friend == gone) p->friend = -1;
        for (int k = 0; k < p->friend_count; k++)
            if (p->friends[k] != gone) p->friends[kept++] = p->friends[k];
        p->friend_count = kept;
    }
}

static void live_or_die(world *w, int i)
{
    person *p = &w->people[i];
    if (p->alive) {
        OK(model_delete(w->txn, w->realm.person->key, p->row));
        forget(w, i);
        p->alive = false;
        return;
    }
    value key = value_int(i);
    *p = (person){.alive = true, .friend = -1};
    OK(model_create(w->txn, w->realm.person->key, &key, &p->row));
}

static void change_something(world *w)
{
    int i = pick(w, PEOPLE), what = pick(w, 9);
    person *p = &w->people[i];
    if (!p->alive || what == 0) {
        live_or_die(w, i);
    } else if (what < 3) {
        p->age = pick(w, 6);
        set(w, p, "age", value_int(p->age));
    } else if (what == 3) {
        p->friend = someone(w);
        set(w, p, "friend", p->friend < 0 ? value_null() : value_link(w->people[p->friend].row));
    } else if (what == 4) {
        change_mark(w, p);
    } else if (what == 5) {
        change_color(w, p);
    } else if (what == 6) {
        change_numbers(w, p);
    } else {
        change_friends(w, p);
    }
}

static void commit_changes(world *w, int count)
{
    OK(model_begin(w->realm.db, COMMIT_LOCAL, &w->txn));
    for (int i = 0; i < count; i++) change_something(w);
    OK(model_commit(w->txn, NULL));
}

/* ---- plain truth ---- */

static const char *const signs[] = {"==", "!=", "<", "<=", ">", ">="};
static const char *const quantifiers[] = {"", "ANY ", "ALL ", "NONE "};

static bool holds(int sign, number left, number right)
{
    bool equal = left.null == right.null && (left.null || left.value == right.value);
    bool both = !left.null && !right.null;
    switch (sign) {
    case 0: return equal;
    case 1: return !equal;
    case 2: return both && left.value < right.value;
    case 3: return equal || (both && left.value < right.value);
    case 4: return both && left.value > right.value;
    default: return equal || (both && left.value > right.value);
    }
}

static bool decide(int quantifier, int matching, int count)
{
    return quantifier < 2 ? matching > 0 : quantifier == 2 ? matching == count : matching == 0;
}

static bool quantified(int left_word, const numbers *left, int sign, int right_word,
                       const numbers *right)
{
    int matching = 0;
    for (int i = 0; i < left->count; i++) {
        int partners = 0;
        for (int k = 0; k < right->count; k++)
            partners += holds(sign, left->items[i], right->items[k]);
        matching += decide(right_word, partners, right->count);
    }
    return decide(left_word, matching, left->count);
}

static numbers one(number n)
{
    numbers out = {.count = 1};
    out.items[0] = n;
    return out;
}

static number plain(int value)
{
    return (number){false, value};
}

static const number null = {true, 0};

static number age_of(const world *w, int i)
{
    return i < 0 ? null : plain(w->people[i].age);
}

static void add(numbers *to, number n)
{
    to->items[to->count++] = n;
}

static numbers friend_ages(const world *w, const person *p)
{
    numbers out = {.count = 0};
    for (int i = 0; i < p->friend_count; i++) add(&out, age_of(w, p->friends[i]));
    return out;
}

/* ---- predicates: a text with holes, the draws that fill them, and the truth of a person ---- */

typedef struct draws {
    int left_word, right_word, sign, bound, other, which;
} draws;

static numbers list_of(const draws *d)
{
    numbers out = {.count = d->which % 3};
    out.items[0] = plain(d->bound);
    out.items[1] = plain(d->other);
    return out;
}

static void say_list(const draws *d, char *to)
{
    static const char *const forms[] = {"{}", "{%d}", "{%d, %d}"};
    sprintf(to, forms[d->which % 3], d->bound, d->other);
}

static bool numbers_and_list(const world *w, const person *p, const draws *d, char *to)
{
    char list[40];
    (void)w;
    say_list(d, list);
    /* Without any word two lists are compared as a whole: another rule. */
    int word = d->left_word == 0 ? 1 : d->left_word;
    sprintf(to, "%snumbers %s %s%s", quantifiers[word], signs[d->sign], quantifiers[d->right_word],
            list);
    numbers right = list_of(d);
    return quantified(word, &p->numbers, d->sign, d->right_word, &right);
}

static bool numbers_and_ages(const world *w, const person *p, const draws *d, char *to)
{
    sprintf(to, "%snumbers %s %sfriends.age", quantifiers[d->left_word], signs[d->sign],
            quantifiers[d->right_word]);
    numbers ages = friend_ages(w, p);
    return quantified(d->left_word, &p->numbers, d->sign, d->right_word, &ages);
}

static bool whole_lists(const world *w, const person *p, const draws *d, char *to)
{
    char list[40];
    numbers right = list_of(d);
    bool equal = d->sign % 2 == 0, other = d->left_word == 0;
    say_list(d, list);
    if (other) right = p->friend < 0 ? (numbers){.count = 0} : w->people[p->friend].numbers;
    sprintf(to, "numbers %s %s", equal ? "==" : "!=", other ? "friend.numbers" : list);
    bool same = right.count == p->numbers.count;
    for (int i = 0; i < right.count && same; i++)
        same = right.items[i].value == p->numbers.items[i].value;
    return same == equal;
}

static bool element(const world *w, const person *p, const draws *d, char *to)
{
    static const char *const names[] = {"0", "1", "FIRST", "LAST"};
    int which = d->which % 4, at = which == 0 || which == 2 ? 0
                                   : which == 1             ? 1
                                                            : p->numbers.count - 1;
    (void)w;
    sprintf(to, "numbers[%s] %s %d", names[which], signs[d->sign], d->bound);
    return at >= 0 && at < p->numbers.count &&
           holds(d->sign, p->numbers.items[at], plain(d->bound));
}

static bool friend_element(const world *w, const person *p, const draws *d, char *to)
{
    bool last = d->which % 2 == 1;
    sprintf(to, "friends[%s].age %s %d", last ? "LAST" : "0", signs[d->sign], d->bound);
    if (p->friend_count == 0) return false;
    return holds(d->sign, age_of(w, p->friends[last ? p->friend_count - 1 : 0]), plain(d->bound));
}

static bool color(const world *w, const person *p, const draws *d, char *to)
{
    int matching = 0, count = 0;
    (void)w;
    sprintf(to, "%scolors == '%s'", quantifiers[d->left_word], colors[d->which % 3]);
    for (int i = 0; i < 3; i++) {
        count += p->colors[i];
        matching += p->colors[i] && i == d->which % 3;
    }
    return decide(d->left_word, matching, count);
}

static bool counts(const world *w, const person *p, const draws *d, char *to)
{
    static const char *const names[] = {"colors", "marks", "numbers", "friends"};
    int which = d->which % 4, count = which == 2 ? p->numbers.count : p->friend_count;
    (void)w;
    if (which < 2) count = 0;
    for (int i = 0; i < 3; i++) {
        if (which == 0) count += p->colors[i];
        if (which == 1) count += p->has_mark[i];
    }
    sprintf(to, "%s.@count %s %d", names[which], signs[d->sign], d->bound);
    return holds(d->sign, plain(count), plain(d->bound));
}

static bool mark(const world *w, const person *p, const draws *d, char *to)
{
    int k = d->which % 3;
    bool dot = d->other == 0;
    (void)w;
    number right = d->bound == 0 ? null : plain(d->bound);
    char constant[20];
    sprintf(constant, d->bound == 0 ? "null" : "%d", d->bound);
    sprintf(to, dot ? "marks.%s %s %s" : "marks['%s'] %s %s", keys[k], signs[d->sign], constant);
    return holds(d->sign, p->has_mark[k] ? p->marks[k] : null, right);
}

static bool any_mark(const world *w, const person *p, const draws *d, char *to)
{
    numbers values = {.count = 0}, right = one(plain(d->bound));
    (void)w;
    for (int i = 0; i < 3; i++)
        if (p->has_mark[i]) add(&values, p->marks[i]);
    sprintf(to, "%smarks.@values %s %d", quantifiers[d->left_word], signs[d->sign], d->bound);
    return quantified(d->left_word, &values, d->sign, 0, &right);
}

static bool mark_key(const world *w, const person *p, const draws *d, char *to)
{
    int matching = 0, count = 0;
    (void)w;
    for (int i = 0; i < 3; i++) {
        count += p->has_mark[i];
        matching += p->has_mark[i] && i == d->which % 3;
    }
    sprintf(to, "%smarks.@keys == '%s'", quantifiers[d->left_word], keys[d->which % 3]);
    return decide(d->left_word, matching, count);
}

static bool subquery(const world *w, const person *p, const draws *d, char *to)
{
    int count = 0;
    sprintf(to, "SUBQUERY(friends, $f, $f.age >= %d and NONE $f.numbers == %d).@count %s %d",
            d->bound, d->other, signs[d->sign], d->which % 3);
    for (int i = 0; i < p->friend_count; i++) {
        const person *f = &w->people[p->friends[i]];
        numbers right = one(plain(d->other));
        count += f->age >= d->bound && quantified(3, &f->numbers, 0, 0, &right);
    }
    return holds(d->sign, plain(count), plain(d->which % 3));
}

static bool aggregate(const world *w, const person *p, const draws *d, char *to)
{
    static const char *const names[] = {"friends.@max.age", "friends.@min.age", "friends.@sum.age",
                                        "numbers.@max",     "numbers.@min",     "numbers.@sum"};
    int which = d->which % 6, kind = which % 3;
    numbers all = which < 3 ? friend_ages(w, p) : p->numbers;
    number result = kind == 2 ? plain(0) : null;
    for (int i = 0; i < all.count; i++) {
        int v = all.items[i].value;
        bool better = i == 0 || (kind == 0 ? v > result.value : v < result.value);
        if (kind == 2)
            result.value += v;
        else if (better)
            result = plain(v);
    }
    sprintf(to, "%s + age %s %d", names[which], signs[d->sign], d->bound + d->other);
    if (!result.null) result.value += p->age;
    return holds(d->sign, result, plain(d->bound + d->other));
}

static bool far_age(const world *w, const person *p, const draws *d, char *to)
{
    int far = p->friend < 0 ? -1 : w->people[p->friend].friend;
    sprintf(to, "friend.friend.age %s %d", signs[d->sign], d->bound);
    return holds(d->sign, age_of(w, far), plain(d->bound));
}

static bool far_list(const world *w, const person *p, const draws *d, char *to)
{
    numbers all = {.count = 0}, right = one(plain(d->bound));
    for (int i = 0; i < p->friend_count; i++) {
        const person *f = &w->people[p->friends[i]];
        for (int k = 0; k < f->friend_count; k++) add(&all, age_of(w, f->friends[k]));
    }
    sprintf(to, "%sfriends.friends.age %s %d", quantifiers[d->left_word], signs[d->sign], d->bound);
    return quantified(d->left_word, &all, d->sign, 0, &right);
}

static bool named_object(const world *w, const person *p, const draws *d, char *to)
{
    int wanted = d->which % PEOPLE;
    bool equal = d->sign % 2 == 0, found = p->friend == wanted && w->people[wanted].alive;
    if (d->left_word == 0) {
        sprintf(to, "friend %s obj('Person', %d)", equal ? "==" : "!=", wanted);
        return found == equal;
    }
    found = false;
    for (int i = 0; i < p->friend_count; i++) found = found || p->friends[i] == wanted;
    sprintf(to, "obj('Person', %d) IN friends", wanted);
    return found;
}

static bool friend_in_friends(const world *w, const person *p, const draws *d, char *to)
{
    (void)w, (void)d;
    sprintf(to, "friend IN friends");
    for (int i = 0; i < p->friend_count; i++)
        if (p->friends[i] == p->friend) return true;
    return false;
}

static int links_to(const world *w, int target, bool in_list, const person *from)
{
    int count = 0;
    if (!from->alive) return 0;
    if (!in_list) return from->friend >= 0 && &w->people[from->friend] == &w->people[target];
    for (int i = 0; i < from->friend_count; i++) count += from->friends[i] == target;
    return count;
}

static bool backlinks(const world *w, const person *p, const draws *d, char *to)
{
    numbers ages = {.count = 0}, right = one(plain(d->bound));
    bool in_list = d->which % 2 == 0;
    int target = (int)(p - w->people);
    for (int i = 0; i < PEOPLE; i++)
        if (links_to(w, target, in_list, &w->people[i]) > 0) add(&ages, age_of(w, i));
    sprintf(to, "%s@links.Person.%s.age %s %d", quantifiers[d->left_word],
            in_list ? "friends" : "friend", signs[d->sign], d->bound);
    return quantified(d->left_word, &ages, d->sign, 0, &right);
}

static bool link_count(const world *w, const person *p, const draws *d, char *to)
{
    int count = 0, target = (int)(p - w->people);
    bool in_list = d->which % 2 == 0, all = d->left_word < 2;
    for (int i = 0; i < PEOPLE; i++) {
        int single = links_to(w, target, false, &w->people[i]),
            listed = links_to(w, target, true, &w->people[i]);
        count += all ? single + listed : in_list ? listed > 0 : single;
    }
    if (all)
        sprintf(to, "@links.@count %s %d", signs[d->sign], d->bound);
    else
        sprintf(to, "@links.Person.%s.@count %s %d", in_list ? "friends" : "friend", signs[d->sign],
                d->bound);
    return holds(d->sign, plain(count), plain(d->bound));
}

typedef bool (*truth)(const world *w, const person *p, const draws *d, char *to);
static const truth truths[] = {
    numbers_and_list, numbers_and_ages,
    whole_lists,      element,
    friend_element,   color,
    counts,           mark,
    any_mark,         mark_key,
    subquery,         aggregate,
    far_age,          far_list,
    named_object,     friend_in_friends,
    backlinks,        link_count,
};
enum { TRUTHS = sizeof truths / sizeof *truths };

typedef struct predicate {
    truth truth[2];
    draws draws[2];
    int join; /* 0 the first alone, 1 and, 2 or, 3 not the first */
    char text[TEXT_MAX];
    query *query;
    row_vector rows;
} predicate;

static bool is_true(const world *w, const predicate *x, const person *p)
{
    char ignored[TEXT_MAX];
    bool first = x->truth[0](w, p, &x->draws[0], ignored);
    if (x->join == 0 || x->join == 3) return first == (x->join == 0);
    bool second = x->truth[1](w, p, &x->draws[1], ignored);
    return x->join == 1 ? first && second : first || second;
}

static void make(world *w, predicate *x)
{
    static const char *const forms[] = {"%s", "(%s) and (%s)", "(%s) or (%s)", "!(%s)"};
    char parts[2][TEXT_MAX / 3];
    *x = (predicate){.join = pick(w, 4)};
    for (int i = 0; i < 2; i++) {
        x->truth[i] = truths[pick(w, TRUTHS)];
        x->draws[i] =
            (draws){pick(w, 4), pick(w, 4), pick(w, 6), pick(w, 5), pick(w, 5), pick(w, 60)};
        x->truth[i](w, &w->people[0], &x->draws[i], parts[i]);
    }
    snprintf(x->text, sizeof x->text, forms[x->join], parts[0], parts[1]);
    status made = query_new(model_view_schema(w->realm.pinned), w->realm.person->key,
                            bytes_text(x->text), NULL, &x->query);
    if (made != ATOLL_OK) cr_assert_fail("`%s`: %s", x->text, fail_text());
}

/* ---- three ways to the same rows ---- */

static void check_rows(const world *w, const predicate *x, const model_view *view,
                       const row_vector *rows, const char *how, int seed)
{
    size_t wanted = 0;
    for (int i = 0; i < PEOPLE; i++) {
        const person *p = &w->people[i];
        if (!p->alive) continue;
        bool matches = is_true(w, x, p), found = false;
        for (size_t k = 0; k < rows->count; k++) found = found || rows->items[k] == p->row;
        cr_assert_eq(found, matches, "seed %d, %s: `%s`: person %d %s", seed, how, x->text, i,
                     matches ? "is missing" : "should not match");
        cr_assert_eq(query_matches(x->query, view, p->row), matches,
                     "seed %d: `%s`: person %d alone", seed, x->text, i);
        wanted += matches;
    }
    cr_assert_eq(rows->count, wanted, "seed %d, %s: `%s`", seed, how, x->text);
}

static void follow(world *w, predicate *followed, int seed)
{
    model_view *before = model_view_newest(w->realm.db);
    commit_changes(w, pick(w, 4) + 1);
    model_view *after = model_view_newest(w->realm.db);
    model_changes *changes = NULL;
    OK(model_changes_between(w->realm.db, model_view_version(before), model_view_version(after),
                             &changes));
    for (int i = 0; i < FOLLOWED; i++) {
        predicate *x = &followed[i];
        row_vector run = {0};
        result_changes told = {0};
        OK(results_advance(x->query, before, after, changes, NULL, &x->rows, &told));
        check_rows(w, x, after, &x->rows, "followed", seed);
        OK(query_run(x->query, after, &run));
        check_rows(w, x, after, &run, "run", seed);
        cr_assert(run.count == 0 ||
                      memcmp(run.items, x->rows.items, run.count * sizeof *run.items) == 0,
                  "seed %d: `%s`: another order", seed, x->text);
        result_changes_free(&told);
        vector_free(&run);
    }
    model_changes_free(changes);
    model_view_release(after);
    model_view_release(before);
}

static void run_seed(int seed)
{
    world *w = calloc(1, sizeof *w);
    predicate *followed = calloc(FOLLOWED, sizeof *followed);
    w->random.state = (uint64_t)seed;
    fixture_open(&w->realm);
    for (int i = 0; i < PEOPLE; i++) w->people[i].friend = -1;
    commit_changes(w, 150);
    model_view *view = model_view_newest(w->realm.db);
    for (int i = 0; i < FOLLOWED; i++) {
        make(w, &followed[i]);
        OK(query_run(followed[i].query, view, &followed[i].rows));
        check_rows(w, &followed[i], view, &followed[i].rows, "first", seed);
    }
    model_view_release(view);
    for (int i = 0; i < ROUNDS; i++) follow(w, followed, seed);
    for (int i = 0; i < FOLLOWED; i++) {
        query_free(followed[i].query);
        vector_free(&followed[i].rows);
    }
    fixture_close(&w->realm);
    free(followed);
    free(w);
}

Test(query_random, collections_agree_with_plain_code_and_results_follow_them)
{
    for (int seed = 1; seed <= SEEDS; seed++) run_seed(seed);
}
