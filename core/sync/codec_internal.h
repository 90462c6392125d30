#ifndef ATOLL_SYNC_CODEC_INTERNAL_H
#define ATOLL_SYNC_CODEC_INTERNAL_H
#include "sync.pb-c.h"
#include "sync/codec.h"

/* Shared by the two halves of the codec, codec_rows.c and codec.c. */
typedef Atoll__Sync__V1__Rows pb_rows;
typedef Atoll__Sync__V1__Class pb_class;
typedef Atoll__Sync__V1__Query pb_query;
status codec_rows_read(arena *memory, pb_rows **from, size_t count, bool upload,
                       wire_rows_list *out) MUST_CHECK;
status codec_rows_write(arena *memory, const wire_rows_list *from, size_t *count,
                        pb_rows ***out) MUST_CHECK;
status codec_schema_read(pb_class **from, size_t count,
                         model_schema *out) MUST_CHECK; /* frees what it made on failure */
status codec_schema_write(arena *memory, const model_schema *from, size_t *count,
                          pb_class ***out) MUST_CHECK;
#endif
