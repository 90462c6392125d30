/* Access and refresh tokens by libjwt; the only file that includes it.
 * Must never: accept another algorithm than the one that it signs with ("none" above all).
 * Invariant: a token that token_read accepts was written by token_write with the same key and is not expired. */
#include "server/tokens.h"

#include <errno.h>
#include <jwt.h>
#include <stdio.h>
#include <stdlib.h>

#define TOKEN_TEXT_SIZE_MAX 4096

static const char *use_name(token_use use)
{
    return use == TOKEN_ACCESS ? "access" : "refresh";
}

status token_write(const uint8_t key[TOKEN_KEY_SIZE], const token *t, int64_t now_ms, buffer *out)
{
    jwt_t *jwt = NULL;
    char *text = NULL;
    status result = ATOLL_OK;
    int code = jwt_new(&jwt);
    if (code == 0) code = jwt_set_alg(jwt, JWT_ALG_HS256, key, TOKEN_KEY_SIZE);
    if (code == 0) code = jwt_add_grant(jwt, "sub", t->user_id);
    if (code == 0) code = jwt_add_grant(jwt, "app", t->app_id);
    if (code == 0) code = jwt_add_grant(jwt, "sid", t->log_in);
    if (code == 0) code = jwt_add_grant(jwt, "typ", use_name(t->use));
    if (code == 0) code = jwt_add_grant_int(jwt, "iat", (long)(now_ms / 1000));
    if (code == 0) code = jwt_add_grant_int(jwt, "exp", (long)(t->expires_ms / 1000));
    if (code == 0) text = jwt_encode_str(jwt);
    if (text == NULL)
        result = fail(ATOLL_ERROR_INTERNAL, "could not sign a token: %s",
                      strerror(code != 0 ? code : errno));
    else
        result = buffer_append(out, text, strlen(text));
    if (text != NULL) free(text) /* libjwt allocates by malloc */;
    jwt_free(jwt);
    return result;
}

static bool copy_grant(jwt_t *jwt, const char *name, char to[TOKEN_ID_SIZE_MAX])
{
    const char *value = jwt_get_grant(jwt, name);
    if (value == NULL || value[0] == '\0' || strlen(value) >= TOKEN_ID_SIZE_MAX) return false;
    snprintf(to, TOKEN_ID_SIZE_MAX, "%s", value);
    return true;
}

status token_read(const uint8_t key[TOKEN_KEY_SIZE], bytes text, token_use use, int64_t now_ms,
                  token *out)
{
    if (text.size == 0)
        return fail(ATOLL_ERROR_BAD_TOKEN,
                    "no token: send metadata authorization: Bearer <access token>");
    if (text.size >= TOKEN_TEXT_SIZE_MAX || memchr(text.data, '\0', text.size) != NULL) {
        return fail(ATOLL_ERROR_BAD_TOKEN, "the token is not one of this server");
    }
    char copy[TOKEN_TEXT_SIZE_MAX];
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    jwt_t *jwt = NULL;
    if (jwt_decode(&jwt, copy, key, TOKEN_KEY_SIZE) != 0) {
        return fail(ATOLL_ERROR_BAD_TOKEN, "the token is not one of this server: log in again");
    }
    token t = {.use = use};
    const char *typ = jwt_get_grant(jwt, "typ");
    bool good = jwt_get_alg(jwt) == JWT_ALG_HS256 && typ != NULL &&
                strcmp(typ, use_name(use)) == 0 && copy_grant(jwt, "sub", t.user_id) &&
                copy_grant(jwt, "app", t.app_id) && copy_grant(jwt, "sid", t.log_in);
    t.expires_ms = (int64_t)jwt_get_grant_int(jwt, "exp") * 1000;
    jwt_free(jwt);
    if (!good)
        return fail(ATOLL_ERROR_BAD_TOKEN, "the token is no %s token of this server",
                    use_name(use));
    if (now_ms >= t.expires_ms)
        return fail(ATOLL_ERROR_BAD_TOKEN, "the %s token has expired", use_name(use));
    *out = t;
    return ATOLL_OK;
}
