/* The reference model. Plain arrays, whole copies for history, no cleverness: it must be possible to see that it is right.
 * It includes nothing of the code under test. */
#include "oracle_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *grow(void *old, size_t count, size_t size)
{
    void *now = realloc(old, (count + 1) * size);
    if (now == NULL) abort();
    return now;
}

static void *copy_of(const void *from, size_t size)
{
    void *to = malloc(size + 1);
    if (to == NULL) abort();
    if (size > 0) memcpy(to, from, size);
    return to;
}

static const char *wrong(oracle *o, const char *format, ...) __attribute__((format(printf, 2, 3)));
static const char *wrong(oracle *o, const char *format, ...)
{
    va_list a;
    va_start(a, format);
    vsnprintf(o->wrong, sizeof o->wrong, format, a);
    va_end(a);
    return o->wrong;
}

static void state_copy(state *to, const state *from)
{
    *to = *from;
    for (int i = 0; i < ORACLE_OBJECTS; i++) {
        to->objects[i].elements = copy_of(from->objects[i].elements,
                                          (size_t)from->objects[i].element_count * sizeof(element));
        const object *x = &from->objects[i];
        to->objects[i].parts = copy_of(x->parts, (size_t)x->part_count * sizeof(part));
        to->objects[i].added = copy_of(x->added, (size_t)x->added_count * sizeof(added));
        for (int k = 0; k < KEYED_KINDS; k++)
            to->objects[i].keyed[k].items =
                copy_of(x->keyed[k].items, (size_t)x->keyed[k].count * sizeof(upload_keyed));
    }
}

static void state_free(state *s)
{
    for (int i = 0; i < ORACLE_OBJECTS; i++) {
        free(s->objects[i].elements);
        free(s->objects[i].parts);
        free(s->objects[i].added);
        for (int k = 0; k < KEYED_KINDS; k++) free(s->objects[i].keyed[k].items);
    }
}

static void batch_clear(batch *b)
{
    for (int i = 0; i < b->object_count; i++) {
        free(b->objects[i].elements);
        free(b->objects[i].keyed);
    }
    free(b->objects);
    free(b->parts);
    free(b->sequences);
    free(b->readings);
    *b = (batch){0};
}

oracle *oracle_new(void)
{
    oracle *o = calloc(1, sizeof *o);
    if (o == NULL) abort();
    o->past = grow(NULL, 1, sizeof *o->past);
    state_copy(&o->past[o->past_count++], &o->now);
    return o;
}

void oracle_free(oracle *o)
{
    for (int i = 0; i < o->past_count; i++) state_free(&o->past[i]);
    for (int i = 0; i < ORACLE_OBJECTS; i++) free(o->seen[i].items);
    for (int i = 0; i < ORACLE_CLIENTS; i++) {
        free(o->writers[i].ops);
        batch_clear(&o->batches[i]);
    }
    state_free(&o->now);
    free(o->past);
    free(o);
}

void oracle_op(oracle *o, int client, op what)
{
    writer *w = &o->writers[client];
    w->ops = grow(w->ops, (size_t)w->count + 1, sizeof *w->ops);
    w->ops[w->count++] = what;
}

void oracle_client_lost(oracle *o, int client, uint64_t newest_version)
{
    writer *w = &o->writers[client];
    while (w->count > 0 && w->ops[w->count - 1].version > newest_version) w->count--;
}

/* ---- a batch ---- */

void oracle_batch_begin(oracle *o, int client)
{
    batch_clear(&o->batches[client]);
}

void oracle_batch_object(oracle *o, int client, const upload_object *u)
{
    batch *b = &o->batches[client];
    b->objects = grow(b->objects, (size_t)b->object_count + 1, sizeof *b->objects);
    b->objects[b->object_count] = *u;
    b->objects[b->object_count].keyed =
        copy_of(u->keyed, (size_t)u->keyed_count * sizeof *u->keyed);
    b->objects[b->object_count++].elements =
        copy_of(u->elements, (size_t)u->element_count * sizeof *u->elements);
}

void oracle_batch_part(oracle *o, int client, const upload_part *u)
{
    batch *b = &o->batches[client];
    b->parts = grow(b->parts, (size_t)b->part_count + 1, sizeof *b->parts);
    b->parts[b->part_count++] = *u;
}

void oracle_batch_reading(oracle *o, int client, uint64_t sequence, int64_t value)
{
    batch *b = &o->batches[client];
    b->sequences = grow(b->sequences, (size_t)b->reading_count + 1, sizeof *b->sequences);
    b->readings = grow(b->readings, (size_t)b->reading_count + 1, sizeof *b->readings);
    b->sequences[b->reading_count] = sequence;
    b->readings[b->reading_count++] = value;
}

static const upload_object *find_upload(const batch *b, int object)
{
    for (int i = 0; i < b->object_count; i++) {
        if (b->objects[i].object == object) return &b->objects[i];
    }
    return NULL;
}

/* For whoever looks into a broken seed. */
static void print_ops(const oracle *o, int client, int object)
{
    const struct object *x = &o->now.objects[object];
    if (getenv("ORACLE_TRACE") == NULL) return;
    fprintf(stderr, "object %d: life %llu alive %d since %llu ended %llu; client %d applied %llu\n",
            object, (unsigned long long)x->life, x->alive, (unsigned long long)x->since,
            (unsigned long long)x->ended, client, (unsigned long long)o->now.bounds[client]);
    for (int i = 0; i < o->writers[client].count; i++) {
        const op *p = &o->writers[client].ops[i];
        if (p->object == object && p->kind != OP_READING) {
            fprintf(stderr, "  op %d field %d value %lld version %llu base %llu\n", p->kind,
                    p->field, (long long)p->value, (unsigned long long)p->version,
                    (unsigned long long)p->base);
        }
    }
}

/* Does something later of the same batch decide instead of operation i? */
static bool superseded(const writer *w, int i, uint64_t bound)
{
    const op *x = &w->ops[i];
    for (int k = i + 1; k < w->count && w->ops[k].version <= bound; k++) {
        const op *y = &w->ops[k];
        if (y->object != x->object || y->kind == OP_READING) continue;
        if (y->kind == OP_GONE || (y->kind == OP_MADE && x->kind != OP_GONE)) return true;
        if (x->kind == OP_SET && y->kind == OP_SET && y->field == x->field) return true;
        if (x->kind == OP_TAG && y->kind == OP_TAG && y->field == 1)
            return true; /* Erased again, perhaps. */
        if (x->kind == OP_ADD && y->kind == OP_SET && y->field == FIELD_HITS) return true;
        bool same = x->field == y->field;
        if (x->kind == OP_KEYED && y->kind == OP_KEYED && same && x->value == y->value) return true;
        if ((x->kind == OP_KEYED || x->kind == OP_CLEAR) && y->kind == OP_CLEAR && same)
            return true;
    }
    return false;
}

/* An edit of an object that its writer made shares the fate of the making. */
static uint64_t effective_base(const oracle *o, int client, int i)
{
    const writer *w = &o->writers[client];
    uint64_t base = w->ops[i].base;
    for (int k = 0; k < i; k++) {
        const op *y = &w->ops[k];
        bool made = y->object == w->ops[i].object && y->kind == OP_MADE;
        if (made && y->version > o->now.bounds_before[client]) base = y->base;
    }
    return base;
}

static const char *check_deletion(oracle *o, int client, int i, const upload_object *u)
{
    const writer *w = &o->writers[client];
    const op *x = &w->ops[i];
    bool made_here = false;
    for (int k = 0; k < i; k++) {
        const op *y = &w->ops[k];
        if (y->object == x->object && y->version > o->now.bounds[client])
            made_here |= y->kind == OP_MADE;
    }
    if (made_here || !o->now.objects[x->object].alive || u != NULL) return NULL;
    print_ops(o, client, x->object);
    return wrong(o, "client %d: the deletion of %d is missing in the batch", client, x->object);
}

static bool overruled(const oracle *o, int client, int i)
{
    const op *x = &o->writers[client].ops[i];
    return o->now.objects[x->object].ended > effective_base(o, client, i) || x->moot;
}

/* All that was added and not sent yet, no more and no less: else something would count twice, or never. */
static const char *check_added(oracle *o, int client, int i, uint64_t bound, const upload_object *u)
{
    const writer *w = &o->writers[client];
    const op *x = &w->ops[i];
    uint64_t sum = 0;
    for (int k = 0; k < w->count && w->ops[k].version <= bound; k++) {
        const op *y = &w->ops[k];
        bool counts =
            y->kind == OP_ADD && y->object == x->object && y->version > o->now.bounds[client];
        if (counts && !overruled(o, client, k) && !superseded(w, k, bound))
            sum += (uint64_t)y->value;
    }
    if (u != NULL && (u->kind == KIND_REMOVE || (u->has_added ? u->added : 0) == (int64_t)sum))
        return NULL;
    if (u == NULL && sum == 0) return NULL;
    print_ops(o, client, x->object);
    return wrong(o, "client %d: object %d: %lld was added, the batch has %lld", client, x->object,
                 (long long)sum, u == NULL ? 0LL : (long long)u->added);
}

static bool has_keyed(const upload_object *u, const op *x)
{
    bool there = u != NULL && u->has_keyed[x->field] && u->keyed_life[x->field] > x->life;
    for (int k = 0; u != NULL && k < u->keyed_count && x->kind == OP_KEYED; k++)
        there |= u->keyed[k].kind == x->field && u->keyed[k].key == x->value;
    return there;
}

static const char *check_operation(oracle *o, int client, int i, uint64_t bound)
{
    const writer *w = &o->writers[client];
    const op *x = &w->ops[i];
    if (overruled(o, client, i) || superseded(w, i, bound) || x->kind == OP_PART_X ||
        (x->kind == OP_TAG && x->field != 0))
        return NULL;
    const upload_object *u = find_upload(&o->batches[client], x->object);
    if (x->kind == OP_GONE) return check_deletion(o, client, i, u);
    if (x->kind == OP_ADD) return check_added(o, client, i, bound, u);
    bool found = u != NULL && (x->kind == OP_MADE || u->kind == KIND_REMOVE);
    if (x->kind == OP_KEYED || x->kind == OP_CLEAR) found |= has_keyed(u, x);
    for (int k = 0; u != NULL && k < u->element_count && x->kind == OP_TAG; k++)
        found |= u->elements[k].value == x->value;
    for (int k = 0; u != NULL && k < u->field_count && x->kind == OP_SET; k++) {
        found |=
            u->fields[k].field == x->field && (x->value == -2 || u->fields[k].value == x->value);
    }
    if (found) return NULL;
    print_ops(o, client, x->object);
    return wrong(o,
                 "client %d: field %d of object %d, set to %lld at %llu (base %llu), is missing in "
                 "the batch up to %llu",
                 client, x->field, x->object, (long long)x->value, (unsigned long long)x->version,
                 (unsigned long long)x->base, (unsigned long long)bound);
}

/* Everything that the writer did up to the bound and that nobody's deletion overruled must be in the batch. */
static const char *check_complete(oracle *o, int client, uint64_t bound)
{
    const writer *w = &o->writers[client];
    const batch *b = &o->batches[client];
    int readings = 0;
    for (int i = 0; i < w->count; i++) {
        const op *x = &w->ops[i];
        if (x->version <= o->now.bounds[client] || x->version > bound) continue;
        if (x->kind != OP_READING) {
            const char *problem = check_operation(o, client, i, bound);
            if (problem != NULL) return problem;
        } else if (readings >= b->reading_count || b->readings[readings++] != x->value) {
            return wrong(o, "client %d: reading %lld is missing in the batch up to %llu", client,
                         (long long)x->value, (unsigned long long)bound);
        }
    }
    return NULL;
}

/* ---- the rules, once more ---- */

static bool field_wins(uint64_t stamp, uint64_t author, bool is_default, const field *there)
{
    if (!there->set) return true;
    if (is_default != there->is_default) return there->is_default;
    if (stamp != there->stamp) return stamp > there->stamp;
    return author >= there->author;
}

typedef enum fate { FATE_LOSE, FATE_JOIN, FATE_INTO, FATE_BEGIN, FATE_END, FATE_AGAIN } fate;

static fate fate_of(const object *x, const upload_object *u)
{
    if (u->kind == KIND_EDIT) return x->alive && x->life == u->life ? FATE_INTO : FATE_LOSE;
    if (u->kind == KIND_REMOVE) return x->alive && x->life == u->life ? FATE_END : FATE_LOSE;
    if (u->kind == KIND_REPLACE && (x->life < u->life || u->life == 0)) return FATE_LOSE;
    if (u->kind == KIND_REPLACE && x->life == u->life) return x->alive ? FATE_AGAIN : FATE_BEGIN;
    bool knows = x->ended <= u->base || u->life >= x->life,
         same_next = u->life != 0 && x->alive && x->life == u->life + 1;
    if (!knows && !same_next) return FATE_LOSE;
    return x->alive ? FATE_JOIN : FATE_BEGIN;
}

static bool in_masks(int64_t team, const unsigned *masks, int count)
{
    for (int i = 0; i < count; i++) {
        if (team >= 0 && team < ORACLE_TEAMS && (masks[i] >> team & 1) != 0) return true;
    }
    return false;
}

static bool seen_at_base(const oracle *o, int object, uint64_t base, uint64_t ident,
                         const unsigned *masks, int count)
{
    const history *h = &o->seen[object];
    for (int i = 1; i < h->count; i++) {
        const moment *before = &h->items[i - 1], *after = &h->items[i];
        if (after->version <= base || !before->alive) continue;
        bool leaves = !after->alive || after->team != before->team || after->since != before->since;
        if (!leaves) continue;
        return (before->since <= base || before->author == ident) &&
               in_masks(before->team, masks, count);
    }
    return false;
}

static int64_t team_after(const object *x, const upload_object *u, fate f, uint64_t author)
{
    bool fresh = f == FATE_BEGIN || f == FATE_AGAIN;
    field there = fresh ? (field){0} : x->fields[FIELD_TEAM];
    for (int i = 0; i < u->field_count; i++) {
        const upload_field *v = &u->fields[i];
        if (v->field == FIELD_TEAM && field_wins(v->stamp, author, v->is_default, &there))
            return v->value;
    }
    return there.set ? there.value : 0;
}

static bool allowed(const oracle *o, const upload_object *u, fate f, uint64_t ident,
                    const unsigned *masks, int count)
{
    const object *x = &o->now.objects[u->object];
    bool before = x->alive && in_masks(x->fields[FIELD_TEAM].set ? x->fields[FIELD_TEAM].value : 0,
                                       masks, count);
    bool after = f != FATE_END && in_masks(team_after(x, u, f, ident), masks, count);
    bool creates = f == FATE_BEGIN || f == FATE_JOIN;
    if (after || before) return true;
    return !creates && seen_at_base(o, u->object, u->base, ident, masks, count);
}

/* By the roles: the object before and the merged one after, whatever the views are. */
static bool permitted(const oracle *o, const oracle_rights *r, const upload_object *u, fate f,
                      uint64_t ident)
{
    const object *x = &o->now.objects[u->object];
    int64_t team = x->fields[FIELD_TEAM].set ? x->fields[FIELD_TEAM].value : 0;
    bool creates = f == FATE_BEGIN || f == FATE_AGAIN, removes = f == FATE_END || f == FATE_AGAIN;
    if (!r->limited) return true;
    if (x->alive && (!in_masks(team, &r->reads, 1) || !in_masks(team, &r->writes, 1))) return false;
    if ((creates && !r->insert) || (removes && !r->remove)) return false;
    if (f == FATE_END) return true;
    for (int i = 0; i < u->field_count && r->no_score; i++) {
        if (u->fields[i].field == FIELD_SCORE && !u->fields[i].is_default) return false;
    }
    return in_masks(team_after(x, u, f, ident), &r->writes, 1);
}

/* Whoever may see an object of a team may know of it for ever after. */
static void learn(oracle *o, int client, int object_number)
{
    const object *x = &o->now.objects[object_number];
    writer *w = &o->writers[client];
    int64_t team = x->fields[FIELD_TEAM].set ? x->fields[FIELD_TEAM].value : 0;
    if (x->alive && (!w->rights.limited || in_masks(team, &w->rights.reads, 1)))
        w->knows[object_number] = true;
}

void oracle_set_rights(oracle *o, int client, const oracle_rights *rights)
{
    o->writers[client].rights = *rights;
    for (int i = 0; i < ORACLE_OBJECTS; i++) learn(o, client, i);
}

bool oracle_may_know(const oracle *o, int client, int object)
{
    return object < 0 || object >= ORACLE_OBJECTS || o->writers[client].knows[object];
}

static void merge_elements(object *x, const upload_object *u)
{
    for (int i = 0; i < u->element_count; i++) {
        const upload_element *e = &u->elements[i];
        int at = 0;
        while (at < x->element_count &&
               (x->elements[at].counter != e->counter || x->elements[at].actor != e->actor))
            at++;
        if (at == x->element_count) {
            x->elements = grow(x->elements, (size_t)x->element_count + 1, sizeof *x->elements);
            x->elements[x->element_count++] = (element){
                e->counter, e->actor, e->value, e->erased, e->origin_counter, e->origin_actor};
        }
        x->elements[at].erased |= e->erased;
        if (e->value >= 0 && x->elements[at].value < 0) x->elements[at].value = e->value;
    }
}

static bool later(uint64_t stamp, uint64_t author, uint64_t there, uint64_t its_author)
{
    return stamp != there ? stamp > there : author >= its_author;
}

/* A set keeps what was added after it; a default all. */
int64_t oracle_counter(const object *x)
{
    const field *f = &x->fields[FIELD_HITS];
    uint64_t sum = f->set ? (uint64_t)f->value : 0;
    for (int i = 0; i < x->added_count; i++) {
        const added *a = &x->added[i];
        if (!f->set || f->is_default || later(a->stamp, a->author, f->stamp, f->author))
            sum += (uint64_t)a->value;
    }
    return (int64_t)sum;
}

static void apply_added(object *x, const upload_object *u, uint64_t ident)
{
    if (!u->has_added) return;
    x->added = grow(x->added, (size_t)x->added_count + 1, sizeof *x->added);
    x->added[x->added_count++] = (added){u->added, u->added_stamp, ident};
}

static void merge_keyed(keyed *to, const upload_object *u, int kind)
{
    if (!u->has_keyed[kind] || u->keyed_life[kind] < to->life) return;
    if (u->keyed_life[kind] > to->life) to->count = 0;
    to->life = u->keyed_life[kind];
    for (int i = 0; i < u->keyed_count; i++) {
        const upload_keyed *e = &u->keyed[i];
        int at = 0;
        if (e->kind != kind) continue;
        while (at < to->count && to->items[at].key != e->key) at++;
        if (at == to->count) {
            to->items = grow(to->items, (size_t)to->count + 1, sizeof *to->items);
            to->items[to->count++] = *e;
        } else if (later(e->stamp, e->author, to->items[at].stamp, to->items[at].author)) {
            to->items[at] = *e;
        }
    }
}

static void apply_object(oracle *o, const upload_object *u, fate f, uint64_t ident,
                         uint64_t version, bool no_score)
{
    object *x = &o->now.objects[u->object];
    if (f == FATE_END || f == FATE_AGAIN) {
        x->alive = false;
        x->ended = x->since = version;
        x->since_author = ident;
        x->element_count = x->part_count = x->added_count = 0;
        for (int k = 0; k < KEYED_KINDS; k++) x->keyed[k].count = 0, x->keyed[k].life = 0;
        memset(x->fields, 0, sizeof x->fields);
    }
    if (f == FATE_BEGIN || f == FATE_AGAIN) {
        x->alive = true;
        if (x->life < u->life) x->life = u->life; /* Later than each that the writer saw end. */
        x->life++;
        x->since = version;
        x->since_author = ident;
    }
    if (f == FATE_END) return;
    for (int i = 0; i < u->field_count; i++) {
        const upload_field *v = &u->fields[i];
        if (no_score && v->field == FIELD_SCORE) continue; /* a default; others were refused */
        if (!field_wins(v->stamp, ident, v->is_default, &x->fields[v->field])) continue;
        /* What the slot does not hold any more is gone, and begins anew when it comes back. */
        if (v->field == FIELD_PART && v->value != x->fields[FIELD_PART].value) x->part_count = 0;
        x->fields[v->field] = (field){true, v->is_default, v->value, v->stamp, ident};
    }
    apply_added(x, u, ident);
    for (int k = 0; k < KEYED_KINDS; k++) merge_keyed(&x->keyed[k], u, k);
    merge_elements(x, u);
}

static void apply_part(oracle *o, const upload_part *u, uint64_t ident)
{
    object *x = &o->now.objects[u->object];
    int at = 0;
    if (!x->alive || x->fields[FIELD_PART].value != u->identity || !u->has_x) return;
    while (at < x->part_count && x->parts[at].identity != u->identity) at++;
    if (at == x->part_count) {
        x->parts = grow(x->parts, (size_t)x->part_count + 1, sizeof *x->parts);
        x->parts[x->part_count++] = (part){.identity = u->identity};
    }
    field there = {x->parts[at].set, false, x->parts[at].x, x->parts[at].stamp,
                   x->parts[at].author};
    if (field_wins(u->stamp, ident, false, &there))
        x->parts[at] = (part){u->identity, u->x, u->stamp, ident, true};
}

static void remember(oracle *o, int object_number, uint64_t version)
{
    const object *x = &o->now.objects[object_number];
    history *h = &o->seen[object_number];
    moment m = {version, x->since, x->since_author, x->alive,
                x->fields[FIELD_TEAM].set ? x->fields[FIELD_TEAM].value : 0};
    h->items = grow(h->items, (size_t)h->count + 1, sizeof *h->items);
    h->items[h->count++] = m;
}

const char *oracle_applied(oracle *o, int client, uint64_t ident, uint64_t bound, uint64_t version,
                           const unsigned *masks, int mask_count)
{
    batch *b = &o->batches[client];
    bool taken[ORACLE_OBJECTS] = {false};
    memset(o->writers[client].refused, 0, sizeof o->writers[client].refused);
    o->writers[client].denied = false;
    const char *problem = bound < o->now.bounds[client]
                              ? wrong(o, "client %d: a batch was applied twice", client)
                              : check_complete(o, client, bound);
    if (problem != NULL) return problem;
    for (int i = 0; i < b->object_count; i++) {
        const upload_object *u = &b->objects[i];
        fate f = fate_of(&o->now.objects[u->object], u);
        o->writers[client].knows[u->object] = true;
        bool denied = f != FATE_LOSE && (!allowed(o, u, f, ident, masks, mask_count) ||
                                         !permitted(o, &o->writers[client].rights, u, f, ident));
        if (f == FATE_LOSE || denied) {
            o->writers[client].refused[u->object] = true;
            o->writers[client].denied |= denied;
            continue;
        }
        apply_object(o, u, f, ident, version, o->writers[client].rights.no_score);
        taken[u->object] = true;
    }
    for (int i = 0; i < b->part_count; i++) {
        if (taken[b->parts[i].object]) apply_part(o, &b->parts[i], ident);
    }
    for (int i = 0; i < b->reading_count; i++) {
        if (b->sequences[i] <= o->now.sequences[client])
            return wrong(o, "client %d: sequence %llu twice", client,
                         (unsigned long long)b->sequences[i]);
        o->now.sequences[client] = b->sequences[i];
        o->now.readings++;
    }
    for (int i = 0; i < ORACLE_OBJECTS; i++) {
        if (taken[i]) remember(o, i, version);
        for (int c = 0; c < ORACLE_CLIENTS; c++) learn(o, c, i);
    }
    o->now.bounds_before[client] = o->now.bounds[client];
    o->now.bounds[client] = bound;
    o->now.version = version;
    o->past = grow(o->past, (size_t)o->past_count + 1, sizeof *o->past);
    state_copy(&o->past[o->past_count++], &o->now);
    o->applied++;
    batch_clear(b);
    return NULL;
}

bool oracle_denied(const oracle *o, int client)
{
    return o->writers[client].denied;
}

void oracle_acknowledged(oracle *o, int client, uint64_t bound)
{
    writer *w = &o->writers[client];
    w->acknowledged = bound;
    /* The outcome reverts what was refused, and with it what was done there since. */
    for (int i = 0; i < w->count; i++)
        w->ops[i].moot |= w->ops[i].kind != OP_READING && w->refused[w->ops[i].object];
}

const char *oracle_server_lost(oracle *o, uint64_t newest_version)
{
    while (o->past_count > 1 && o->past[o->past_count - 1].version > newest_version)
        state_free(&o->past[--o->past_count]);
    state_free(&o->now);
    state_copy(&o->now, &o->past[o->past_count - 1]);
    for (int i = 0; i < ORACLE_OBJECTS; i++) {
        history *h = &o->seen[i];
        while (h->count > 0 && h->items[h->count - 1].version > newest_version) h->count--;
    }
    for (int i = 0; i < ORACLE_CLIENTS; i++) {
        batch_clear(&o->batches[i]);
        if (o->writers[i].acknowledged > o->now.bounds[i]) {
            return wrong(
                o, "the server lost what it acknowledged to client %d up to %llu (it has %llu)", i,
                (unsigned long long)o->writers[i].acknowledged,
                (unsigned long long)o->now.bounds[i]);
        }
    }
    return NULL;
}

/* ---- what is left ---- */

size_t oracle_readings(const oracle *o)
{
    return o->now.readings;
}

/* Made and gone before anything was sent: nobody needs to hear of it. */
static bool vanished(const oracle *o, int client, int object)
{
    const writer *w = &o->writers[client];
    bool first = true, made_first = false, dead = false;
    for (int i = 0; i < w->count; i++) {
        const op *x = &w->ops[i];
        if (x->object != object || x->kind == OP_READING || x->version <= o->now.bounds[client])
            continue;
        if (first) made_first = x->kind == OP_MADE;
        first = false;
        dead = x->kind == OP_GONE;
    }
    return made_first && dead;
}

size_t oracle_unsent(const oracle *o, int client)
{
    size_t count = 0;
    const writer *w = &o->writers[client];
    for (int i = 0; i < w->count; i++) {
        const op *x = &w->ops[i];
        if (x->version <= o->now.bounds[client] || x->moot) continue;
        if (x->kind != OP_READING &&
            (o->now.objects[x->object].ended > x->base || vanished(o, client, x->object)))
            continue;
        count++;
    }
    return count;
}

uint64_t oracle_batches(const oracle *o)
{
    return o->applied;
}

void oracle_trace(const oracle *o, int object)
{
    for (int i = 0; i < ORACLE_CLIENTS; i++) print_ops(o, i, object);
}
