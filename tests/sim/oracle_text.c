/* The reference model's state as text, as fixture.c tells a copy's. It includes nothing of the code under test. */
#include "oracle_internal.h"

#include <stdio.h>
#include <stdlib.h>

static int compare_numbers(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static bool same_element(const element *a, const element *b)
{
    return a->origin_counter == b->origin_counter && a->origin_actor == b->origin_actor;
}

/* All places of an element are one: counted at the first of them. */
static bool first_place(const object *x, int i)
{
    for (int k = 0; k < i; k++) {
        if (same_element(&x->elements[k], &x->elements[i])) return false;
    }
    return true;
}

static bool erased_anywhere(const object *x, int i)
{
    for (int k = 0; k < x->element_count; k++) {
        if (same_element(&x->elements[k], &x->elements[i]) && x->elements[k].erased) return true;
    }
    return false;
}

static int64_t value_anywhere(const object *x, int i)
{
    for (int k = 0; k < x->element_count; k++) {
        if (same_element(&x->elements[k], &x->elements[i]) && x->elements[k].value >= 0)
            return x->elements[k].value;
    }
    return -1;
}

static int compare_keyed(const void *a, const void *b)
{
    const upload_keyed *x = a, *y = b;
    return (x->key > y->key) - (x->key < y->key);
}

static size_t dump_types(const object *x, char *text, size_t room)
{
    const field *any = &x->fields[FIELD_ANY];
    size_t at = (size_t)snprintf(text, room, " hits %lld", (long long)oracle_counter(x));
    for (int k = 0; k < KEYED_KINDS; k++) {
        const keyed *d = &x->keyed[k];
        if (d->count > 1) qsort(d->items, (size_t)d->count, sizeof *d->items, compare_keyed);
        at += (size_t)snprintf(text + at, room - at, k == KEYED_MARKS ? " marks {" : " pairs {");
        for (int i = 0; i < d->count; i++) {
            const upload_keyed *e = &d->items[i];
            if (e->erased) continue;
            if (k == KEYED_PAIRS)
                at += (size_t)snprintf(text + at, room - at, "k%lld:", (long long)e->key);
            at += (size_t)snprintf(text + at, room - at, "%lld,", (long long)e->value);
        }
        at += (size_t)snprintf(text + at, room - at, "}");
    }
    if (!any->set || any->value == 0) return at;
    bool is_text = any->value >= ORACLE_TEXT;
    return at + (size_t)snprintf(text + at, room - at, is_text ? " any '%lld'" : " any %lld",
                                 (long long)any->value - (is_text ? ORACLE_TEXT : 0));
}

char *oracle_dump(const oracle *o, unsigned mask, bool no_score)
{
    size_t capacity = 1 << 20, at = 0;
    char *text = malloc(capacity);
    if (text == NULL) abort();
    text[0] = '\0';
    for (int i = 0; i < ORACLE_OBJECTS; i++) {
        const object *x = &o->now.objects[i];
        int64_t team = x->fields[FIELD_TEAM].set ? x->fields[FIELD_TEAM].value : 0, tags[2000];
        int count = 0;
        if (!x->alive || team < 0 || team >= ORACLE_TEAMS || (mask >> team & 1) == 0) continue;
        at += (size_t)snprintf(
            text + at, capacity - at, "%d team %lld score %lld", i, (long long)team,
            (long long)(x->fields[FIELD_SCORE].set && !no_score ? x->fields[FIELD_SCORE].value
                                                                : 0));
        if (x->fields[FIELD_NAME].set)
            at += (size_t)snprintf(text + at, capacity - at, " name %lld",
                                   (long long)x->fields[FIELD_NAME].value);
        for (int k = 0; k < x->element_count && count < 2000; k++) {
            if (first_place(x, k) && !erased_anywhere(x, k)) tags[count++] = value_anywhere(x, k);
        }
        qsort(tags, (size_t)count, sizeof *tags, compare_numbers);
        at += (size_t)snprintf(text + at, capacity - at, " tags [");
        for (int k = 0; k < count && at + 100 < capacity; k++)
            at += (size_t)snprintf(text + at, capacity - at, "%lld,", (long long)tags[k]);
        at += (size_t)snprintf(text + at, capacity - at, "]");
        for (int k = 0; k < x->part_count; k++) {
            if (x->parts[k].identity == x->fields[FIELD_PART].value && x->parts[k].identity != 0)
                at += (size_t)snprintf(text + at, capacity - at, " one %lld",
                                       (long long)x->parts[k].x);
        }
        at += dump_types(x, text + at, capacity - at);
        at += (size_t)snprintf(text + at, capacity - at, "\n");
    }
    return text;
}
