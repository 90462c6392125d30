/* Identities of embedded objects in slots: made from the place, so that two devices that fill a slot at once make one
 * object. It must never give an identity that this copy has seen: what is set after a null, or in the place of another
 * object, is a new one. Invariant: an identity of this kind tells its place, and no other place may have it. */
#include "model/engine.h"

enum { SEED_FIRST = 0x61746f6c, SEED_SECOND = 0x6c6f7461, NUMBER_MAX = 1 << 24 };

/* The last byte is odd; those of chance are even there (identity_random). */
static bool is_of_place(const uint8_t id[16])
{
    return (id[15] & 1) != 0;
}

void identity_random(model_txn *txn, uint8_t id[16])
{
    txn->db->options.platform->random(txn->db->options.platform->context, id, 16);
    id[15] &= 0xfe;
}

static status describe_place(const model_view *view, const model_owner *owner, buffer *to)
{
    const model_class *c = NULL;
    const model_property *p = NULL;
    uint8_t id[16];
    value key;
    TRY(need_property(view, owner->class_of, owner->property, &c, &p));
    TRY(buffer_append_bytes(to, bytes_text(c->name)));
    TRY(buffer_append_bytes(to, bytes_text(p->name)));
    if (c->kind == CLASS_EMBEDDED) {
        TRY(model_embedded_identity(view, c->key, owner->row, id));
        return buffer_append(to, id, sizeof id);
    }
    TRY(read_slot(view, c->key, owner->row, slot_of(c->primary_key), &key));
    return value_write(to, &key);
}

/* The number-th object of a place. */
static void make(const buffer *place, uint32_t number, uint8_t id[16])
{
    uint64_t first = hash_bytes(place->data, place->size, SEED_FIRST ^ (uint64_t)number << 32),
             second = hash_bytes(place->data, place->size, SEED_SECOND ^ (uint64_t)number << 32);
    key_put_u64(id, first);
    key_put_u64(id + 8, second);
    for (int i = 0; i < 3; i++) id[12 + i] = (uint8_t)(number >> (8 * i));
    id[15] |= 1;
}

static status is_known(const model_view *view, class_key c, const buffer *place, uint32_t number,
                       bool *out)
{
    uint8_t id[16];
    row_key row = 0;
    make(place, number, id);
    TRY(model_embedded_find(view, c, id, &row));
    *out = row != 0;
    return ATOLL_OK;
}

/* The first number that is not known, where one is known all before it are: usually 0. */
static status next_number(const model_view *view, class_key c, const buffer *place, uint32_t *out)
{
    uint32_t low = 0, high = 0;
    bool known = false;
    TRY(is_known(view, c, place, 0, &known));
    while (known && high < NUMBER_MAX / 2) {
        low = high;
        high = high == 0 ? 1 : high * 2;
        TRY(is_known(view, c, place, high, &known));
    }
    while (low + 1 < high) {
        uint32_t middle = low + (high - low) / 2;
        TRY(is_known(view, c, place, middle, &known));
        if (known)
            low = middle;
        else
            high = middle;
    }
    *out = high;
    return ATOLL_OK;
}

status identity_of_place(const model_view *view, class_key c, const model_owner *owner,
                         uint8_t id[16])
{
    buffer place;
    uint32_t number = 0;
    buffer_init(&place, LIMIT_VALUE_SIZE_MAX);
    status result = describe_place(view, owner, &place);
    if (result == ATOLL_OK) result = next_number(view, c, &place, &number);
    if (result == ATOLL_OK) make(&place, number, id);
    buffer_free(&place);
    return result;
}

status identity_check(const model_view *view, const uint8_t id[16], const model_owner *owner)
{
    buffer place;
    uint8_t wanted[16];
    uint32_t number = id[12] | (uint32_t)id[13] << 8 | (uint32_t)id[14] << 16;
    if (!is_of_place(id)) return ATOLL_OK;
    buffer_init(&place, LIMIT_VALUE_SIZE_MAX);
    status result = describe_place(view, owner, &place);
    if (result == ATOLL_OK) make(&place, number, wanted);
    if (result == ATOLL_OK && memcmp(id, wanted, sizeof wanted) != 0)
        result = fail(ATOLL_ERROR_INVALID_ARGUMENT,
                      "an embedded object has the identity of another place; one of chance has an "
                      "even last byte");
    buffer_free(&place);
    return result;
}
