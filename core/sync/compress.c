/* Compression of messages by zstd at its fastest level. It must never write past the size that a message declares, nor
 * believe a size that the bytes sent do not pay for. Invariant: decompress(compress(x)) is x. */
#include "sync/compress.h"

#include "base/limits.h"

#include <zstd.h>

enum { LEVEL = 1, ARENA_FACTOR = 16 };

status compress(bytes from, buffer *to, bool *made)
{
    *made = false;
    if (from.size < COMPRESS_SIZE_MIN) return ATOLL_OK;
    size_t before = to->size, room = ZSTD_compressBound(from.size);
    TRY(buffer_reserve(to, room));
    size_t size = ZSTD_compress(to->data + before, room, from.data, from.size, LEVEL);
    /* A failure of zstd is one of its memory; the message goes as it is. */
    if (ZSTD_isError(size) || size + size / 8 >= from.size ||
        from.size / COMPRESS_RATIO_MAX >= size)
        return ATOLL_OK;
    to->size = before + size;
    *made = true;
    return ATOLL_OK;
}

status decompress(bytes from, uint64_t size, arena *memory, bytes *out)
{
    if (size > LIMIT_MESSAGE_SIZE_MAX)
        return fail(ATOLL_ERROR_MESSAGE_TOO_LARGE, "a compressed message of %llu bytes",
                    (unsigned long long)size);
    if (size / COMPRESS_RATIO_MAX > from.size) {
        return fail(ATOLL_ERROR_INVALID_ARGUMENT,
                    "a message of %zu bytes says that it becomes %llu bytes", from.size,
                    (unsigned long long)size);
    }
    /* What the message may take is counted by its own size, not by that of the form in which it came. */
    memory->total_max += (ARENA_FACTOR + 1) * size;
    uint8_t *to = arena_take(memory, size);
    if (to == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    size_t made = ZSTD_decompress(to, size, from.data, from.size);
    if (ZSTD_isError(made) || made != size)
        return fail(ATOLL_ERROR_INVALID_ARGUMENT, "a compressed message can't be read: %s",
                    ZSTD_isError(made) ? ZSTD_getErrorName(made) : "it is shorter than it says");
    *out = bytes_of(to, size);
    return ATOLL_OK;
}
