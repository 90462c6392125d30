#ifndef ATOLL_PLATFORM_CIPHER_H
#define ATOLL_PLATFORM_CIPHER_H
#include "base/bytes.h"

/* Authenticated encryption of records with one 64-byte key: AES-256-GCM. Any thread. */
enum { CIPHER_KEY_SIZE = 64, CIPHER_OVERHEAD = 28 };
typedef struct cipher cipher;
status cipher_new(bytes key, cipher **out) MUST_CHECK; /* INVALID_ARGUMENT: not 64 bytes */
void cipher_free(cipher *c);
/* Seals plain.size bytes at `to`, which has room for CIPHER_OVERHEAD more. The name is bound in, not kept: a record
 * opens under its own name only. */
status cipher_seal(cipher *c, bytes name, bytes plain, uint8_t *to) MUST_CHECK;
/* Opens a sealed record in place: the first size - CIPHER_OVERHEAD bytes are then plain. *genuine false: another key,
 * another name, or damage; the bytes are then worthless. */
status cipher_open(cipher *c, bytes name, uint8_t *sealed, size_t size, bool *genuine) MUST_CHECK;
/* Unpredictable bytes of the machine. */
status cipher_random(void *to, size_t size) MUST_CHECK;
enum { CIPHER_DIGEST_SIZE = 32 };
status cipher_digest(bytes data, uint8_t out[CIPHER_DIGEST_SIZE]) MUST_CHECK; /* SHA-256 */
void cipher_wipe(void *secret, size_t size);
#endif
