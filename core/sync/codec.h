#ifndef ATOLL_SYNC_CODEC_H
#define ATOLL_SYNC_CODEC_H
#include "sync/wire.h"

/* Bytes ↔ messages. Reading checks everything (wire_rows_check included) and leaves views into `memory`; free the message
 * with client_message_free / server_message_free, then the arena. Writing appends to `to`. */
status codec_client_read(bytes from, arena *memory, client_message *out) MUST_CHECK;
status codec_server_read(bytes from, arena *memory, server_message *out) MUST_CHECK;
status codec_client_write(buffer *to, const client_message *m) MUST_CHECK;
status codec_server_write(buffer *to, const server_message *m) MUST_CHECK;
/* Puts the compressed form in the place of a message, if it is worth it. The other side has said that it takes it. */
status codec_client_pack(buffer *message) MUST_CHECK;
status codec_server_pack(buffer *message) MUST_CHECK;
#endif
