/* A store around a store: values are sealed with authenticated encryption, bound to their keys; keys stay as they are,
 * for they hold numbers and seeded hashes only. It must never hand a value down in clear. One record more, before every
 * other key, tells the right encryption key from a wrong one; it is never shown above.
 * Invariant: a store either has that record and every value in it is sealed, or has neither. */
#include "platform/cipher.h"
#include "storage/storage_internal.h"

static const uint8_t check_key[2] = {0, 'k'};
static const char check_text[] = "atoll realm, sealed";

typedef struct sealed_store {
    storage base;
    storage *inner;
    cipher *cipher;
} sealed_store;

typedef struct sealed_batch {
    storage_batch base;
    storage_batch *inner;
    cipher *cipher;
    buffer record;
} sealed_batch;

typedef struct sealed_iterator {
    storage_iterator base;
    storage_iterator *inner;
    cipher *cipher;
    buffer record;
    status failed;
} sealed_iterator;

static const storage_operations sealed_operations;

static status seal(cipher *c, bytes key, bytes value, buffer *to)
{
    buffer_clear(to);
    TRY(buffer_reserve(to, value.size + CIPHER_OVERHEAD));
    TRY(cipher_seal(c, key, value, to->data));
    to->size = value.size + CIPHER_OVERHEAD;
    return ATOLL_OK;
}

static status open_record(cipher *c, bytes key, buffer *record)
{
    bool genuine = false;
    status result = cipher_open(c, key, record->data, record->size, &genuine);
    if (result == ATOLL_OK && !genuine)
        result = fail(ATOLL_ERROR_FILE_CORRUPT,
                      "a sealed record was changed or damaged; restore a copy, or delete the realm "
                      "and download it again");
    if (result == ATOLL_OK)
        record->size -= CIPHER_OVERHEAD;
    else
        buffer_clear(record);
    return result;
}

/* ---- opening ---- */
static status is_empty(storage *inner, bool *empty)
{
    storage_iterator *i = NULL;
    bytes key, value;
    TRY(storage_iterate(inner, bytes_of(NULL, 0), bytes_of(NULL, 0), &i));
    *empty = !storage_iterator_next(i, &key, &value);
    status result = storage_iterator_status(i);
    storage_iterator_free(i);
    return result;
}

static status write_check(const sealed_store *s)
{
    buffer record;
    storage_batch *batch = NULL;
    bytes key = bytes_of(check_key, sizeof check_key);
    buffer_init(&record, 1024);
    status result = seal(s->cipher, key, bytes_text(check_text), &record);
    if (result == ATOLL_OK) result = storage_batch_new(s->inner, &batch);
    if (result == ATOLL_OK) result = storage_batch_put(batch, key, buffer_view(&record));
    if (result == ATOLL_OK) result = storage_write(s->inner, batch, true);
    storage_batch_free(batch);
    buffer_free(&record);
    return result;
}

static status check_cipher(const sealed_store *s, buffer *record)
{
    bool genuine = false;
    TRY(cipher_open(s->cipher, bytes_of(check_key, sizeof check_key), record->data, record->size,
                    &genuine));
    if (genuine) return ATOLL_OK;
    return fail(ATOLL_ERROR_WRONG_KEY,
                "the realm is encrypted with another key; open it with the key that it was "
                "created with");
}

static status check_store(sealed_store *s)
{
    buffer record;
    bool found = false, empty = false;
    buffer_init(&record, 1024);
    status result = storage_get(s->inner, bytes_of(check_key, sizeof check_key), &record, &found);
    if (result == ATOLL_OK && found && s->cipher == NULL)
        result = fail(ATOLL_ERROR_WRONG_KEY, "the realm is encrypted; give its key to open it");
    else if (result == ATOLL_OK && found)
        result = check_cipher(s, &record);
    buffer_free(&record);
    if (result != ATOLL_OK || found || s->cipher == NULL) return result;
    TRY(is_empty(s->inner, &empty));
    if (!empty)
        return fail(ATOLL_ERROR_WRONG_KEY,
                    "the realm is not encrypted; open it without a key, and write an encrypted "
                    "copy of it");
    return write_check(s);
}

status storage_seal(storage *inner, bytes key, storage **out)
{
    sealed_store *s = memory_allocate_zero(sizeof *s);
    status result = s == NULL ? ATOLL_ERROR_OUT_OF_MEMORY : ATOLL_OK;
    if (result == ATOLL_OK) {
        s->base.operations = &sealed_operations;
        s->base.read_only = inner->read_only;
        s->base.sealed = true;
        s->inner = inner;
        if (key.size != 0) result = cipher_new(key, &s->cipher);
    }
    if (result == ATOLL_OK) result = check_store(s);
    if (result == ATOLL_OK && s->cipher != NULL) {
        *out = &s->base;
        return ATOLL_OK;
    }
    if (s != NULL) cipher_free(s->cipher);
    memory_free(s);
    if (result == ATOLL_OK)
        *out = inner;
    else
        storage_close(inner);
    return result;
}

static void sealed_close(storage *base)
{
    sealed_store *s = (sealed_store *)base;
    storage_close(s->inner);
    cipher_free(s->cipher);
    memory_free(s);
}

/* ---- reading and writing ---- */
static status sealed_get(storage *base, bytes key, buffer *out, bool *found)
{
    sealed_store *s = (sealed_store *)base;
    out->size_max += CIPHER_OVERHEAD; /* the bound is that of the value in clear */
    status result = storage_get_checked(s->inner, key, out, found); /* the seal tells */
    out->size_max -= CIPHER_OVERHEAD;
    if (result == ATOLL_OK && *found) result = open_record(s->cipher, key, out);
    *found = *found && result == ATOLL_OK;
    return result;
}

static status sealed_batch_new(storage *base, storage_batch **out)
{
    sealed_store *s = (sealed_store *)base;
    sealed_batch *b = memory_allocate_zero(sizeof *b);
    if (b == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    b->base.operations = &sealed_operations;
    b->cipher = s->cipher;
    buffer_init(&b->record, INT32_MAX);
    status result = storage_batch_new(s->inner, &b->inner);
    if (result == ATOLL_OK)
        *out = &b->base;
    else
        memory_free(b);
    return result;
}

static void sealed_batch_free(storage_batch *base)
{
    sealed_batch *b = (sealed_batch *)base;
    storage_batch_free(b->inner);
    buffer_free(&b->record);
    memory_free(b);
}

static status sealed_batch_put(storage_batch *base, bytes key, bytes value)
{
    sealed_batch *b = (sealed_batch *)base;
    TRY(seal(b->cipher, key, value, &b->record));
    return storage_batch_put(b->inner, key, buffer_view(&b->record));
}

static status sealed_batch_delete(storage_batch *base, bytes key)
{
    return storage_batch_delete(((sealed_batch *)base)->inner, key);
}

static status sealed_batch_delete_range(storage_batch *base, bytes from, bytes to)
{
    return storage_batch_delete_range(((sealed_batch *)base)->inner, from, to);
}

static status sealed_write(storage *base, storage_batch *batch, bool sync)
{
    return storage_write(((sealed_store *)base)->inner, ((sealed_batch *)batch)->inner, sync);
}

static status sealed_sync(storage *base)
{
    return storage_sync(((sealed_store *)base)->inner);
}

static status sealed_settle(storage *base)
{
    return storage_settle(((sealed_store *)base)->inner);
}

static status sealed_compact(storage *base)
{
    return storage_compact(((sealed_store *)base)->inner);
}

static uint64_t sealed_used_bytes(storage *base)
{
    return storage_used_bytes(((sealed_store *)base)->inner);
}

static uint64_t sealed_size_bytes(storage *base)
{
    return storage_size_bytes(((sealed_store *)base)->inner);
}

/* ---- iteration ---- */
static void sealed_iterator_free(storage_iterator *base)
{
    sealed_iterator *i = (sealed_iterator *)base;
    storage_iterator_free(i->inner);
    buffer_free(&i->record);
    memory_free(i);
}

static status sealed_iterate(storage *base, bytes from, bytes to, storage_iterator **out)
{
    static const uint8_t after_check[3] = {0, 'k', 0};
    sealed_store *s = (sealed_store *)base;
    sealed_iterator *i = memory_allocate_zero(sizeof *i);
    if (i == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    i->base.operations = &sealed_operations;
    i->cipher = s->cipher;
    buffer_init(&i->record, INT32_MAX);
    bytes first = bytes_of(after_check, sizeof after_check);
    status result =
        storage_iterate(s->inner, bytes_compare(from, first) < 0 ? first : from, to, &i->inner);
    if (result == ATOLL_OK)
        *out = &i->base;
    else
        memory_free(i);
    return result;
}

static bool sealed_iterator_next(storage_iterator *base, bytes *key, bytes *value)
{
    sealed_iterator *i = (sealed_iterator *)base;
    bytes sealed;
    if (i->failed != ATOLL_OK || !storage_iterator_next(i->inner, key, &sealed)) return false;
    buffer_clear(&i->record);
    i->failed = buffer_append(&i->record, sealed.data, sealed.size);
    if (i->failed == ATOLL_OK) i->failed = open_record(i->cipher, *key, &i->record);
    *value = buffer_view(&i->record);
    return i->failed == ATOLL_OK;
}

static status sealed_iterator_status(const storage_iterator *base)
{
    const sealed_iterator *i = (const sealed_iterator *)base;
    return i->failed != ATOLL_OK ? i->failed : storage_iterator_status(i->inner);
}

static const storage_operations sealed_operations = {
    .close = sealed_close,
    .get = sealed_get,
    .batch_new = sealed_batch_new,
    .write = sealed_write,
    .sync = sealed_sync,
    .settle = sealed_settle,
    .iterate = sealed_iterate,
    .compact = sealed_compact,
    .size_bytes = sealed_size_bytes,
    .used_bytes = sealed_used_bytes,
    .batch_free = sealed_batch_free,
    .batch_put = sealed_batch_put,
    .batch_delete = sealed_batch_delete,
    .batch_delete_range = sealed_batch_delete_range,
    .iterator_next = sealed_iterator_next,
    .iterator_status = sealed_iterator_status,
    .iterator_free = sealed_iterator_free,
};
