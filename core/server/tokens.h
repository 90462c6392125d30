#ifndef ATOLL_SERVER_TOKENS_H
#define ATOLL_SERVER_TOKENS_H
#include "base/bytes.h"
#include "server/config.h"

/* Signed tokens (JWT, HS256). What a token says is true if its signature and time are good. */
enum { TOKEN_KEY_SIZE = 32, TOKEN_ID_SIZE_MAX = 80 };
typedef enum token_use { TOKEN_ACCESS = 1, TOKEN_REFRESH = 2 } token_use;
typedef struct token {
    token_use use;
    char user_id[TOKEN_ID_SIZE_MAX];
    char app_id[TOKEN_ID_SIZE_MAX];
    char log_in[TOKEN_ID_SIZE_MAX]; /* the log-in that it belongs to: gone after a log-out */
    int64_t expires_ms;
} token;

status token_write(const uint8_t key[TOKEN_KEY_SIZE], const token *t, int64_t now_ms,
                   buffer *out) MUST_CHECK; /* appended */
/* BAD_TOKEN: not one of ours, changed, expired, or of the other use. */
status token_read(const uint8_t key[TOKEN_KEY_SIZE], bytes text, token_use use, int64_t now_ms,
                  token *out) MUST_CHECK;

/* ---- tokens of somebody else ---- */
enum { FOREIGN_SUBJECT_SIZE_MAX = 512, FOREIGN_FIELDS_MAX = 8, FOREIGN_FIELD_SIZE_MAX = 512 };
typedef struct foreign_token {
    char subject[FOREIGN_SUBJECT_SIZE_MAX + 1];
    size_t field_count;
    struct {
        const char *name; /* of ProfileField */
        char value[FOREIGN_FIELD_SIZE_MAX + 1];
    } fields[FOREIGN_FIELDS_MAX];
} foreign_token;
/* INVALID_CREDENTIALS says what is wrong: signature, algorithm, issuer, audience, time, no subject. */
status foreign_token_read(const token_provider *provider, bytes text, int64_t now_ms,
                          foreign_token *out) MUST_CHECK;
/* Public keys: a JSON Web Key Set, or PEM. MISMATCHED_CONFIG. */
status provider_keys_read(bytes content, token_provider *to) MUST_CHECK;
#endif
