/* The tap: what is on the wire, told to the reference model in plain numbers. It must never know what is right. */
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>

static int64_t digits(const value *v)
{
    char text[40];
    if (v->type != VALUE_STRING) return -1;
    snprintf(text, sizeof text, "%.*s", (int)(v->as.text.size < 30 ? v->as.text.size : 30),
             (const char *)v->as.text.data);
    return atoll(text);
}

static int64_t identity_of(const value *v)
{
    int64_t x = 0;
    if (v->type == VALUE_NULL) return 0;
    memcpy(&x, v->as.id, 8);
    return x == 0 ? 1 : x;
}

static int field_of(const char *name)
{
    return strcmp(name, "team") == 0    ? FIELD_TEAM
           : strcmp(name, "score") == 0 ? FIELD_SCORE
           : strcmp(name, "name") == 0  ? FIELD_NAME
           : strcmp(name, "one") == 0   ? FIELD_PART
           : strcmp(name, "hits") == 0  ? FIELD_HITS
           : strcmp(name, "any") == 0   ? FIELD_ANY
                                        : -1;
}

int64_t tap_any(const value *v)
{
    if (v->type == VALUE_STRING) return digits(v) + ORACLE_TEXT;
    return v->type == VALUE_INT ? v->as.integer : 0;
}

static void tap_keyed(upload_object *u, const wire_column *column, size_t entry, int kind)
{
    list_state state;
    if (wire_list_state(column, entry, &state) != ATOLL_OK) abort();
    u->keyed =
        realloc(u->keyed, ((size_t)u->keyed_count + state.elements.count + 1) * sizeof *u->keyed);
    if (u->keyed == NULL) abort();
    u->has_keyed[kind] = true;
    u->keyed_life[kind] = state.life;
    for (size_t i = 0; i < state.elements.count; i++) {
        const list_element *e = &state.elements.items[i];
        value key = value_string(bytes_of(e->key.data + 1, e->key.size - 1));
        u->keyed[u->keyed_count++] =
            (upload_keyed){kind,
                           kind == KEYED_PAIRS ? digits(&key) : e->value.as.integer,
                           e->value.as.integer,
                           e->value_stamp,
                           e->value_actor,
                           e->erased};
    }
    list_state_free(&state);
}

static void tap_elements(upload_object *u, const wire_column *column, size_t entry)
{
    list_state state;
    if (wire_list_state(column, entry, &state) != ATOLL_OK) abort();
    u->elements = calloc(state.elements.count + 1, sizeof *u->elements);
    if (u->elements == NULL) abort();
    for (size_t i = 0; i < state.elements.count; i++) {
        const list_element *e = &state.elements.items[i];
        element_id origin = list_origin(e);
        u->elements[u->element_count++] = (upload_element){
            e->id.counter,  e->id.actor, digits(&e->value), e->erased && !list_moved_away(e),
            origin.counter, origin.actor};
    }
    list_state_free(&state);
}

static int64_t part_of(const upload_object *u)
{
    for (int i = 0; i < u->field_count; i++) {
        if (u->fields[i].field == FIELD_PART) return u->fields[i].value;
    }
    return -1;
}

static void tap_object(oracle *o, const client *c, uint64_t bound, wire_rows *rows, size_t i)
{
    upload_object u = {.object = (int)rows->key.integers.items[i],
                       .kind = rows->kinds.items[i],
                       .life = wire_one_or_each(&rows->lives, i, 0),
                       .base = wire_one_or_each(&rows->bases, i, 0)};
    for (size_t k = 0; k < rows->columns.count; k++) {
        wire_column *column = rows->columns.items[k];
        size_t entry = 0;
        if (!wire_column_seek(column, i, &entry)) continue;
        if (column->list != NULL) {
            if (strcmp(column->property, "tags") == 0) tap_elements(&u, column, entry);
            if (strcmp(column->property, "marks") == 0) tap_keyed(&u, column, entry, KEYED_MARKS);
            if (strcmp(column->property, "pairs") == 0) tap_keyed(&u, column, entry, KEYED_PAIRS);
            continue;
        }
        if (column->increment) {
            u.has_added = true;
            u.added = column->integers.items[entry];
            u.added_stamp = wire_column_stamp(column, entry);
            continue;
        }
        value v = wire_column_value(column, entry);
        int field = field_of(column->property);
        if (field < 0) continue;
        int64_t number = field == FIELD_NAME   ? digits(&v)
                         : field == FIELD_PART ? identity_of(&v)
                         : field == FIELD_ANY  ? tap_any(&v)
                                               : v.as.integer;
        u.fields[u.field_count++] = (upload_field){field, number, wire_column_stamp(column, entry),
                                                   wire_column_default(column, entry)};
    }
    const char *trace = getenv("ORACLE_TRACE");
    if (trace != NULL && (atoi(trace) == u.object || atoi(trace) == 1000)) {
        fprintf(stderr,
                "%llu c%d uploads object %d kind %d life %llu base %llu bound %llu fields %d part "
                "%lld elements %d\n",
                (unsigned long long)c->node.world->now_ms, c->number, u.object, u.kind,
                (unsigned long long)u.life, (unsigned long long)u.base, (unsigned long long)bound,
                u.field_count, (long long)part_of(&u), u.element_count);
        for (int k = 0; k < u.element_count; k++)
            fprintf(stderr, "  %lld%s", (long long)u.elements[k].value,
                    u.elements[k].erased ? " erased" : "");
        if (u.element_count > 0) fprintf(stderr, "\n");
    }
    oracle_batch_object(o, c->number, &u);
    free(u.elements);
    free(u.keyed);
}

static void tap_part(oracle *o, const client *c, wire_rows *rows, size_t i)
{
    value id = wire_column_value(&rows->key, i);
    upload_part u = {.identity = identity_of(&id),
                     .object = (int)rows->owner_keys.integers.items[i]};
    for (size_t k = 0; k < rows->columns.count; k++) {
        size_t entry = 0;
        if (strcmp(rows->columns.items[k]->property, "x") != 0 ||
            !wire_column_seek(rows->columns.items[k], i, &entry))
            continue;
        u.x = wire_column_value(rows->columns.items[k], entry).as.integer;
        u.stamp = wire_column_stamp(rows->columns.items[k], entry);
        u.has_x = true;
    }
    oracle_batch_part(o, c->number, &u);
}

static void tap_reading(oracle *o, const client *c, wire_rows *rows, size_t i)
{
    for (size_t k = 0; k < rows->columns.count; k++) {
        size_t entry = 0;
        if (strcmp(rows->columns.items[k]->property, "text") != 0 ||
            !wire_column_seek(rows->columns.items[k], i, &entry))
            continue;
        value v = wire_column_value(rows->columns.items[k], entry);
        oracle_batch_reading(o, c->number, rows->sequences.items[i], digits(&v));
    }
}

void tap_upload(oracle *o, const client *c, const client_message *m)
{
    if (m->upload.part == 0) oracle_batch_begin(o, c->number);
    for (size_t k = 0; k < m->upload.rows.count; k++) {
        wire_rows *rows = m->upload.rows.items[k];
        for (size_t i = 0; i < rows->count; i++) {
            if (strcmp(rows->class_name, "Item") == 0) tap_object(o, c, m->upload.bound, rows, i);
            if (strcmp(rows->class_name, "Part") == 0 && strcmp(rows->owner_property, "one") == 0)
                tap_part(o, c, rows, i);
            if (strcmp(rows->class_name, "Reading") == 0) tap_reading(o, c, rows, i);
        }
    }
}
