#ifndef ATOLL_MODEL_CODEC_H
#define ATOLL_MODEL_CODEC_H
#include "model/tree.h"

/* The stored form of blocks, segment headers (index nodes: model/index.h); docs/storage_format.md describes it. */
enum { SLOT_HEADER = 0x7fffffff, RECORD_SIZE_MAX = 0x7fffffff };
bytes block_key(uint8_t to[17], class_key c, uint32_t slot, uint64_t segment_index);
/* crc32c, version, then the body; codec_seal fills in the crc. */
status codec_begin(buffer *to, uint64_t version) MUST_CHECK;
void codec_seal(buffer *b);
status codec_open(bytes record, const char *what, reader *body, uint64_t *version) MUST_CHECK;
bool codec_block_is_empty(const block_data *d); /* every row holds what a fresh block holds */
status codec_block(buffer *to, uint64_t version, const block_data *d) MUST_CHECK;
status codec_block_read(bytes record, column_type type, block_data **out) MUST_CHECK;
/* ---- large.c ---- */
status codec_large(buffer *to, uint64_t version, const large_value *l) MUST_CHECK;
status codec_large_list(buffer *to, const block_data *d) MUST_CHECK;
status codec_take_large_list(reader *from, block_data *d) MUST_CHECK;
status codec_segment(buffer *to, uint64_t version, const segment_data *d) MUST_CHECK;
bytes extent_key(uint8_t to[9], uint64_t id);
status codec_cells(buffer *to, const block_data *d, size_t rows) MUST_CHECK;
status codec_take_cells(reader *from, block_data *d) MUST_CHECK;
status codec_list_node(buffer *to, uint64_t version, const list_node *n) MUST_CHECK;

/* ---- pack.c ---- */
status pack_integers(buffer *to, const int64_t *from, size_t stride, size_t count) MUST_CHECK;
void unpack_integers(reader *from, int64_t *to, size_t stride, size_t count);
status pack_bits(buffer *to, const uint64_t bits[BLOCK_WORDS], size_t count) MUST_CHECK;
void unpack_bits(reader *from, uint64_t bits[BLOCK_WORDS], size_t count);
/* The rows that differ from those of a fresh block, their count, and the number of rows up to the last of them. */
size_t pack_present(const block_data *d, uint64_t present[BLOCK_WORDS], size_t *rows);
/* A copy with the present rows moved to the front; its heap is lent from d. NULL: out of memory. */
block_data *pack_gather(const block_data *d, const uint64_t present[BLOCK_WORDS]);
void pack_gathered_free(block_data *gathered);
void pack_spread(block_data *d, const uint64_t present[BLOCK_WORDS], size_t count); /* back */
#endif
