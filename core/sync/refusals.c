/* Refused writes, from the session that heard of them to every listener.
 * It must never change after it was given to a second holder.
 * Invariant: a text key points into the refusal's own memory. */
#include "sync/refusals.h"

#include <string.h>

status refusals_new(refusals **out)
{
    refusals *r = memory_allocate_zero(sizeof *r);
    if (r == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    atomic_init(&r->references, 1);
    *out = r;
    return ATOLL_OK;
}

static void refusal_free(refusal *x)
{
    memory_free(x->class_name);
    memory_free(x->reason);
    memory_free(x->owned);
}

status refusals_add(refusals *r, const char *class_name, const value *key, const char *reason)
{
    refusal x = {.class_name = memory_copy_text(class_name, strlen(class_name)),
                 .reason = memory_copy_text(reason, strlen(reason)),
                 .key = *key};
    bool text = key->type == VALUE_STRING;
    if (text) {
        x.owned = memory_copy_text((const char *)key->as.text.data, key->as.text.size);
        x.key.as.text = bytes_of(x.owned, key->as.text.size);
    }
    bool good = x.class_name != NULL && x.reason != NULL && (!text || x.owned != NULL);
    status result = good ? vector_push(&r->items, x) : ATOLL_ERROR_OUT_OF_MEMORY;
    if (result != ATOLL_OK) refusal_free(&x);
    return result;
}

refusals *refusals_retain(refusals *r)
{
    if (r != NULL) atomic_fetch_add(&r->references, 1);
    return r;
}

void refusals_release(refusals *r)
{
    if (r == NULL || atomic_fetch_sub(&r->references, 1) != 1) return;
    for (size_t i = 0; i < r->items.count; i++) refusal_free(&r->items.items[i]);
    vector_free(&r->items);
    memory_free(r);
}
