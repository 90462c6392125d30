#ifndef ATOLL_STORAGE_INTERNAL_H
#define ATOLL_STORAGE_INTERNAL_H
#include "storage/storage.h"

/* What an implementation of the door provides. Its own structs start with the base structs below. */
typedef struct storage_operations {
    void (*close)(storage *s);
    status (*get)(storage *s, bytes key, buffer *out, bool *found);
    status (*get_checked)(storage *s, bytes key, buffer *out, bool *found); /* NULL: as get */
    status (*batch_new)(storage *s, storage_batch **out);
    status (*write)(storage *s, storage_batch *b, bool sync);
    status (*sync)(storage *s);
    status (*settle)(storage *s);
    status (*iterate)(storage *s, bytes from, bytes to, storage_iterator **out);
    status (*compact)(storage *s); /* NULL: there is never anything to gain */
    uint64_t (*size_bytes)(storage *s);
    uint64_t (*used_bytes)(storage *s); /* NULL: all of it */
    void (*batch_free)(storage_batch *b);
    status (*batch_put)(storage_batch *b, bytes key, bytes value);
    status (*batch_delete)(storage_batch *b, bytes key);
    status (*batch_delete_range)(storage_batch *b, bytes from, bytes to);
    bool (*iterator_next)(storage_iterator *i, bytes *key, bytes *value);
    status (*iterator_status)(const storage_iterator *i);
    void (*iterator_free)(storage_iterator *i);
} storage_operations;

struct storage {
    const storage_operations *operations;
    bool read_only, sealed;
    void *owner; /* of the layer above */
};
struct storage_batch {
    const storage_operations *operations;
};
struct storage_iterator {
    const storage_operations *operations;
    size_t strip; /* bytes that are cut off the front of each key */
};
#endif
