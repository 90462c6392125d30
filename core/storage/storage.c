/* The storage door: dispatch to one of its implementations. It must never know what keys or values mean.
 * Invariant: every handle names the table of the implementation that made it. */
#include "storage/storage_internal.h"

void storage_close(storage *s)
{
    if (s != NULL) s->operations->close(s);
}

bool storage_read_only(const storage *s)
{
    return s->read_only;
}

void storage_set_owner(storage *s, void *owner)
{
    s->owner = owner;
}

void *storage_owner(const storage *s)
{
    return s->owner;
}

bool storage_is_sealed(const storage *s)
{
    return s->sealed;
}

status storage_get(storage *s, bytes key, buffer *out, bool *found)
{
    buffer_clear(out);
    *found = false;
    return s->operations->get(s, key, out, found);
}

status storage_get_checked(storage *s, bytes key, buffer *out, bool *found)
{
    buffer_clear(out);
    *found = false;
    return (s->operations->get_checked == NULL ? s->operations->get
                                               : s->operations->get_checked)(s, key, out, found);
}

status storage_batch_new(storage *s, storage_batch **out)
{
    return s->operations->batch_new(s, out);
}

void storage_batch_free(storage_batch *b)
{
    if (b != NULL) b->operations->batch_free(b);
}

status storage_batch_put(storage_batch *b, bytes key, bytes value)
{
    return b->operations->batch_put(b, key, value);
}

status storage_batch_delete(storage_batch *b, bytes key)
{
    return b->operations->batch_delete(b, key);
}

status storage_batch_delete_range(storage_batch *b, bytes from, bytes to)
{
    return b->operations->batch_delete_range(b, from, to);
}

static status refuse_read_only(const storage *s)
{
    if (!s->read_only) return ATOLL_OK;
    return fail(ATOLL_ERROR_READ_ONLY,
                "the realm was opened read-only; open it without read_only to write");
}

status storage_write(storage *s, storage_batch *b, bool sync)
{
    TRY(refuse_read_only(s));
    return s->operations->write(s, b, sync);
}

status storage_sync(storage *s)
{
    TRY(refuse_read_only(s));
    return s->operations->sync(s);
}

status storage_settle(storage *s)
{
    TRY(refuse_read_only(s));
    return s->operations->settle == NULL ? ATOLL_OK : s->operations->settle(s);
}

status storage_iterate(storage *s, bytes from, bytes to, storage_iterator **out)
{
    return s->operations->iterate(s, from, to, out);
}

void storage_iterator_strip(storage_iterator *i, size_t size)
{
    i->strip = size;
}

bool storage_iterator_next(storage_iterator *i, bytes *key, bytes *value)
{
    if (!i->operations->iterator_next(i, key, value)) return false;
    size_t strip = i->strip < key->size ? i->strip : key->size;
    *key = bytes_of(key->data + strip, key->size - strip);
    return true;
}

status storage_iterator_status(const storage_iterator *i)
{
    return i->operations->iterator_status(i);
}

void storage_iterator_free(storage_iterator *i)
{
    if (i != NULL) i->operations->iterator_free(i);
}

status storage_compact(storage *s)
{
    TRY(refuse_read_only(s));
    return s->operations->compact == NULL ? ATOLL_OK : s->operations->compact(s);
}

uint64_t storage_used_bytes(storage *s)
{
    return s->operations->used_bytes == NULL ? s->operations->size_bytes(s)
                                             : s->operations->used_bytes(s);
}

uint64_t storage_size_bytes(storage *s)
{
    return s->operations->size_bytes(s);
}
