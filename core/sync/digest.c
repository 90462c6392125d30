/* Digest: a hash of the objects that match a query, the same on every copy that holds the same objects.
 * It must never depend on local keys or on order. Invariant: the digest is the sum over objects, so that equal sets give equal
 * digests however they were built. */
#include "sync/digest.h"

#include "sync/rows.h"

static uint64_t mix(uint64_t hash, uint64_t more)
{
    return hash_u64(hash ^ (more + 0x9e3779b97f4a7c15ull + (hash << 6) + (hash >> 2)));
}

static uint64_t text_hash(const char *text)
{
    return hash_bytes(text, strlen(text), 17);
}

/* Stable across machines and local keys: links and embedded objects come as keys. */
static uint64_t stable_hash(const value *v)
{
    uint64_t seed = (uint64_t)v->type * 1099511628211ull;
    switch (v->type) {
    case VALUE_BOOL: return mix(seed, v->as.boolean);
    case VALUE_INT: return mix(seed, (uint64_t)v->as.integer);
    case VALUE_FLOAT:
    case VALUE_DOUBLE: {
        uint64_t bits = 0;
        memcpy(&bits, &v->as.real, sizeof bits);
        return mix(seed, bits);
    }
    case VALUE_STRING:
    case VALUE_BINARY: return hash_bytes(v->as.text.data, v->as.text.size, seed);
    case VALUE_TIMESTAMP:
        return mix(mix(seed, (uint64_t)v->as.timestamp.seconds),
                   (uint64_t)v->as.timestamp.nanoseconds);
    case VALUE_DECIMAL:
    case VALUE_UUID:
    case VALUE_EMBEDDED: return hash_bytes(v->as.id, 16, seed);
    case VALUE_OBJECT_ID: return hash_bytes(v->as.id, 12, seed);
    default: break;
    }
    return seed;
}

static status row_hash(const model_view *view, const model_class *c, row_key row, int depth,
                       uint64_t *out);

static status owned_hash(const model_view *view, class_key target, row_key child, int depth,
                         uint64_t *out)
{
    *out = 0;
    if (!model_alive(view, target, child) || depth > 200) return ATOLL_OK;
    return row_hash(view, schema_class(model_view_schema(view), target), child, depth + 1, out);
}

static status value_hash_of(const model_view *view, const model_property *p, const value *v,
                            int depth, uint64_t *out)
{
    const model_schema *schema = model_view_schema(view);
    value key;
    switch (v->type) {
    case VALUE_LINK:
        TRY(rows_key(view, schema_class(schema, p->target), v->as.row, &key));
        *out = stable_hash(&key);
        return ATOLL_OK;
    case VALUE_TYPED_LINK: {
        const model_class *target = schema_class(schema, v->as.link.class_of);
        TRY(rows_key(view, target, v->as.link.row, &key));
        *out = mix(text_hash(target->name), stable_hash(&key));
        return ATOLL_OK;
    }
    case VALUE_EMBEDDED: return owned_hash(view, p->target, v->as.row, depth, out);
    case VALUE_LIST:
    case VALUE_DICTIONARY: return owned_hash(view, v->as.link.class_of, v->as.link.row, depth, out);
    default: *out = stable_hash(v); return ATOLL_OK;
    }
}

/* The elements of a set stand in another order on every copy, where they are links. */
static status collection_hash(const model_view *view, const model_class *c, row_key row,
                              const model_property *p, int depth, uint64_t *out)
{
    uint64_t hash = 3, count = model_list_count(view, c->key, row, p->key);
    for (uint64_t i = 0; i < count; i++) {
        value v;
        element_id id;
        uint64_t element = 0;
        bytes key;
        TRY(model_list_get(view, c->key, row, p->key, i, &v, &id));
        TRY(value_hash_of(view, p, &v, depth, &element));
        if ((p->flags & PROPERTY_DICTIONARY) != 0) {
            TRY(model_dictionary_key(view, c->key, row, p->key, i, &key));
            element = mix(hash_bytes(key.data, key.size, 19), element);
        }
        hash = (p->flags & PROPERTY_SET) != 0 ? hash + hash_u64(element) : mix(hash, element);
    }
    *out = hash;
    return ATOLL_OK;
}

/* Properties are added up, so that their order, and properties that hold nothing, make no difference. */
static status row_hash(const model_view *view, const model_class *c, row_key row, int depth,
                       uint64_t *out)
{
    uint64_t sum = 7;
    for (size_t i = 0; i < c->property_count; i++) {
        const model_property *p = &c->properties[i];
        uint64_t hash = 0;
        if ((p->flags & PROPERTY_COLLECTION) != 0) {
            if (model_list_count(view, c->key, row, p->key) == 0) continue;
            TRY(collection_hash(view, c, row, p, depth, &hash));
        } else {
            value v;
            TRY(model_get_raw(view, c->key, row, p->key, &v));
            if (v.type == VALUE_NULL) continue;
            TRY(value_hash_of(view, p, &v, depth, &hash));
        }
        sum += mix(text_hash(p->name), hash);
    }
    *out = hash_u64(sum);
    return ATOLL_OK;
}

status digest_query(const query *q, const model_view *view, uint64_t *digest, uint64_t *count)
{
    const model_class *c = schema_class(model_view_schema(view), query_class(q));
    row_vector rows = {0};
    uint64_t sum = 0;
    if (c == NULL)
        return fail(ATOLL_ERROR_UNKNOWN_CLASS, "the class of the query is not in the schema");
    status result = query_run(q, view, &rows);
    for (size_t i = 0; i < rows.count && result == ATOLL_OK; i++) {
        uint64_t hash = 0;
        result = row_hash(view, c, rows.items[i], 0, &hash);
        sum += hash;
    }
    size_t total = rows.count;
    vector_free(&rows);
    if (result != ATOLL_OK) return result;
    *digest = sum;
    *count = total;
    return ATOLL_OK;
}
