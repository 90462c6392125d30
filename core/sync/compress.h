#ifndef ATOLL_SYNC_COMPRESS_H
#define ATOLL_SYNC_COMPRESS_H
#include "sync/arena.h"

/* Compressed messages: only compress.c knows zstd. */
#ifdef ATOLL_SIMULATOR
enum { COMPRESS_SIZE_MIN = 64 }; /* so that worlds of small messages have them too */
#else
enum { COMPRESS_SIZE_MIN = 4096 };
#endif
/* How much more than was sent a message may claim to be: what it makes the other side take follows from what it costs to
 * send. A message that shrinks more is sent as it is. */
enum { COMPRESS_RATIO_MAX = 256 };

/* *made false: it is not worth it. */
status compress(bytes from, buffer *to, bool *made) MUST_CHECK;
/* Of exactly the declared size, in the arena. INVALID_ARGUMENT: it is not, or it claims too much. */
status decompress(bytes from, uint64_t size, arena *memory, bytes *out) MUST_CHECK;
#endif
