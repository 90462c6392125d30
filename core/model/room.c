/* How large a synced object may be: it travels as one row of a message, so one that fits no message would hold everything
 * behind it for ever. It must never look at objects that no large value was put into. Invariant: an object is measured at the
 * commit that put a value of HEAVY_SIZE into it; what smaller ones come to together, in long collections, is not. */
#include "model/engine.h"

#include <stdio.h>

enum {
    HEAVY_SIZE = 64 << 10,
    ELEMENT_SIZE = 16 /* on the wire, beside the value */
};

static size_t text_size(const value *v)
{
    return v->type == VALUE_STRING || v->type == VALUE_BINARY ? v->as.text.size : 0;
}

status room_note(model_txn *txn, const operation *o)
{
    bool counts = txn->db->options.use != SCHEMA_LOCAL && txn->origin == COMMIT_LOCAL;
    bool of_list = o->kind == OP_LIST_INSERT ||
                   o->kind == OP_LIST_SET; /* Only what a kind has is filled in. */
    if (!counts || (o->kind != OP_SET && !of_list)) return ATOLL_OK;
    bool heavy = text_size(of_list ? &o->element.value : &o->value) >= HEAVY_SIZE;
    size_t count = txn->heavy.count;
    if (!heavy) return ATOLL_OK;
    if (count >= 2 && txn->heavy.items[count - 2] == o->class_of &&
        txn->heavy.items[count - 1] == o->row)
        return ATOLL_OK;
    TRY(vector_reserve(&txn->heavy, 2));
    txn->heavy.items[txn->heavy.count++] = o->class_of;
    txn->heavy.items[txn->heavy.count++] = o->row;
    return ATOLL_OK;
}

static bool add_element(void *context, uint64_t index, bytes key, const value *v)
{
    (void)index;
    *(uint64_t *)context += ELEMENT_SIZE + key.size + text_size(v);
    return true;
}

static status measure(const model_txn *txn, const model_class *c, row_key row, uint64_t *out)
{
    for (size_t i = 0; i < c->property_count; i++) {
        const model_property *p = &c->properties[i];
        value v;
        if ((p->flags & PROPERTY_COLLECTION) != 0) {
            TRY(model_collection_each(txn->view, c->key, row, p->key, add_element, out));
            continue;
        }
        TRY(model_get_raw(txn->view, c->key, row, p->key, &v));
        *out += sizeof v + text_size(&v);
    }
    return ATOLL_OK;
}

static status too_large(const model_txn *txn, const model_class *c, row_key row, uint64_t size)
{
    value key = value_null();
    char name[80] = "";
    if (c->primary_key != 0) TRY(model_get_raw(txn->view, c->key, row, c->primary_key, &key));
    if (key.type == VALUE_INT) snprintf(name, sizeof name, " %lld", (long long)key.as.integer);
    if (key.type == VALUE_STRING)
        snprintf(name, sizeof name, " '%.*s'", (int)(key.as.text.size > 60 ? 60 : key.as.text.size),
                 (const char *)key.as.text.data);
    return fail(ATOLL_ERROR_LIMIT_EXCEEDED,
                "the object%s of class '%s' has %llu bytes in all, at most %u can be synced; put "
                "large values into objects of their own",
                name, c->name, (unsigned long long)size, LIMIT_SYNCED_OBJECT_SIZE_MAX);
}

status room_check(const model_txn *txn)
{
    for (size_t i = 0; i + 1 < txn->heavy.count; i += 2) {
        const model_class *c = schema_class(txn->writer.schema, (class_key)txn->heavy.items[i]);
        row_key row = txn->heavy.items[i + 1];
        uint64_t size = 0;
        bool alive = false;
        if (c == NULL || c->kind == CLASS_ASYMMETRIC) continue; /* Their payloads are measured. */
        TRY(model_is_alive(txn->view, c->key, row, &alive));
        if (!alive) continue;
        TRY(measure(txn, c, row, &size));
        if (size > LIMIT_SYNCED_OBJECT_SIZE_MAX) return too_large(txn, c, row, size);
    }
    return ATOLL_OK;
}
