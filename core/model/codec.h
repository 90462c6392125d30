#ifndef ATOLL_MODEL_CODEC_H
#define ATOLL_MODEL_CODEC_H
#include "model/tree.h"

/* The stored form of blocks, segment headers and index nodes; docs/storage_format.md describes it. */
enum { SLOT_HEADER = 0x7fffffff, RECORD_SIZE_MAX = 0x7fffffff };
bytes block_key(uint8_t to[17], class_key c, uint32_t slot, uint64_t segment_index);
bytes index_key(uint8_t to[14], const index_node *n);
/* crc32c, version, then the body; codec_seal fills in the crc. */
status codec_begin(buffer *to, uint64_t version) MUST_CHECK;
void codec_seal(buffer *b);
status codec_open(bytes record, const char *what, reader *body, uint64_t *version) MUST_CHECK;
status codec_block(buffer *to, uint64_t version, const block_data *d) MUST_CHECK;
status codec_segment(buffer *to, uint64_t version, const segment_data *d) MUST_CHECK;
status codec_index(buffer *to, uint64_t version, const index_data *d) MUST_CHECK;
#endif
