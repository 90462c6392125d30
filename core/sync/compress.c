/* Compression of messages by zstd at its fastest level. It must never write past the size that a message declares, nor
 * believe a size that the bytes sent do not pay for. Invariant: decompress(compress(x)) is x. */
#include "sync/compress.h"

#include "base/limits.h"

#include <zstd.h>

enum {
    LEVEL = 1,
    /* A message is columns one after the other: a block of zstd that holds the end of one and the begin of another codes
     * both badly. Short blocks have few of these, and their own tables cost less than that (24.2 bytes an object where one
     * call over the message makes 25.4). */
    BLOCK = 16384,
    ARENA_FACTOR = 16
};

/* The size in `to`, which has `room`; an error of zstd otherwise, or 0 when it does not fit. */
static size_t compress_blocks(ZSTD_CCtx *context, bytes from, uint8_t *to, size_t room)
{
    ZSTD_outBuffer out = {to, room, 0};
    for (size_t at = 0; at < from.size; at += BLOCK) {
        bool last = from.size - at <= BLOCK;
        ZSTD_inBuffer in = {from.data + at, last ? from.size - at : BLOCK, 0};
        size_t left = ZSTD_compressStream2(context, &out, &in, last ? ZSTD_e_end : ZSTD_e_flush);
        if (ZSTD_isError(left)) return left;
        if (left > 0) return 0;
    }
    return out.pos;
}

static size_t compress_into(bytes from, uint8_t *to, size_t room)
{
    if (from.size <= BLOCK) return ZSTD_compress(to, room, from.data, from.size, LEVEL);
    ZSTD_CCtx *context = ZSTD_createCCtx();
    if (context == NULL) return 0;
    size_t size = ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, LEVEL);
    if (!ZSTD_isError(size)) size = ZSTD_CCtx_setPledgedSrcSize(context, from.size);
    if (!ZSTD_isError(size)) size = compress_blocks(context, from, to, room);
    ZSTD_freeCCtx(context);
    return size;
}

status compress(bytes from, buffer *to, bool *made)
{
    *made = false;
    if (from.size < COMPRESS_SIZE_MIN) return ATOLL_OK;
    size_t before = to->size, room = ZSTD_compressBound(from.size);
    TRY(buffer_reserve(to, room));
    size_t size = compress_into(from, to->data + before, room);
    /* A failure of zstd is one of its memory; the message goes as it is. */
    if (ZSTD_isError(size) || size == 0 || size + size / 8 >= from.size ||
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
