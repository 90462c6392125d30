#ifndef ATOLL_PLATFORM_SPOOL_H
#define ATOLL_PLATFORM_SPOOL_H
#include "base/bytes.h"

/* Bytes that are put aside and read back by their place, for as long as the process lives: no sync, no name, nothing of it is
 * there after a crash. Logic gets it as a table, so that the simulator has its own. */
typedef struct spool spool;
typedef struct spool_operations {
    status (*append)(spool *s, bytes data); /* at `size`; all of it or nothing */
    status (*read)(spool *s, uint64_t at, uint8_t *to, size_t size);
    void (*release)(spool *s);
} spool_operations;
struct spool {
    const spool_operations *operations;
    uint64_t size;
};
/* Where new ones come from. */
typedef struct spool_source {
    void *context;
    status (*open)(void *context, spool **out);
} spool_source;

/* context: the path of a folder, which is made if missing; whoever opened it before no longer uses it. */
status spool_open_file(void *context, spool **out) MUST_CHECK;

static inline MUST_CHECK status spool_append(spool *s, bytes data)
{
    return s->operations->append(s, data);
}
static inline MUST_CHECK status spool_read(spool *s, uint64_t at, uint8_t *to, size_t size)
{
    return s->operations->read(s, at, to, size);
}
static inline void spool_free(spool *s) /* NULL is fine */
{
    if (s != NULL) s->operations->release(s);
}
#endif
