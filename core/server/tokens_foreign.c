/* Tokens of other providers (JWT, HS256 or RS256) by libjwt.
 * Must never: let the token choose how it is checked: the algorithm is the configuration's, before a key is used.
 * Invariant: what leaves foreign_token_read was signed by the provider, for us, and is valid now. */
#include "server/tokens.h"

#include <jansson.h>
#include <jwt.h>
#include <stdio.h>
#include <stdlib.h>

#define FOREIGN_TEXT_SIZE_MAX (16u << 10)
#define FOREIGN_LEEWAY_S 60 /* between two clocks */

static status refuse(const char *why)
{
    return fail(ATOLL_ERROR_INVALID_CREDENTIALS, "the token was refused: %s", why);
}

static bool key_fits(const provider_key *key, const char *wanted)
{
    return wanted == NULL || key->id == NULL || strcmp(key->id, wanted) == 0;
}

/* The token with its signature proven, or NULL. */
static jwt_t *verify(const token_provider *provider, const char *text, const char *key_id)
{
    jwt_alg_t algorithm = provider->shared_secret ? JWT_ALG_HS256 : JWT_ALG_RS256;
    for (size_t i = 0; i < provider->keys.count; i++) {
        const provider_key *key = &provider->keys.items[i];
        jwt_t *jwt = NULL;
        if (!key_fits(key, key_id)) continue;
        if (jwt_decode(&jwt, text, (const unsigned char *)key->text, (int)key->size) != 0) continue;
        if (jwt_get_alg(jwt) == algorithm) return jwt;
        jwt_free(jwt);
    }
    return NULL;
}

static status decode(const token_provider *provider, const char *text, jwt_t **out)
{
    jwt_t *unproven = NULL;
    char key_id[256] = "";
    if (jwt_decode(&unproven, text, NULL, 0) != 0) return refuse("it is no JWT");
    const char *wanted = provider->shared_secret ? "HS256" : "RS256";
    const char *algorithm = jwt_get_header(unproven, "alg");
    bool fits = algorithm != NULL && strcmp(algorithm, wanted) == 0;
    const char *given = jwt_get_header(unproven, "kid");
    bool has_id = given != NULL && strlen(given) < sizeof key_id;
    if (has_id) snprintf(key_id, sizeof key_id, "%s", given);
    jwt_free(unproven);
    if (!fits)
        return refuse(provider->shared_secret ? "it is not signed by HS256"
                                              : "it is not signed by RS256");
    *out = verify(provider, text, has_id ? key_id : NULL);
    return *out != NULL ? ATOLL_OK : refuse("its signature is not that of a known key");
}

static bool is_wanted(const token_provider *provider, const char *audience)
{
    for (size_t i = 0; audience != NULL && i < provider->audiences.count; i++) {
        if (strcmp(provider->audiences.items[i], audience) == 0) return true;
    }
    return false;
}

/* "aud" is a text or a list of texts. */
static bool audience_is_ours(const token_provider *provider, jwt_t *jwt)
{
    if (provider->audiences.count == 0) return true;
    char *text = jwt_get_grants_json(jwt, "aud");
    json_t *value = text == NULL ? NULL : json_loads(text, JSON_DECODE_ANY, NULL), *item;
    bool ours = is_wanted(provider, json_string_value(value));
    size_t index;
    json_array_foreach(value, index, item) ours =
        ours || is_wanted(provider, json_string_value(item));
    json_decref(value);
    free(text); /* libjwt allocates by malloc */
    return ours;
}

static status check_claims(const token_provider *provider, jwt_t *jwt, int64_t now_s)
{
    const char *issuer = jwt_get_grant(jwt, "iss");
    int64_t expires = jwt_get_grant_int(jwt, "exp"), begins = jwt_get_grant_int(jwt, "nbf");
    if (provider->issuer != NULL && (issuer == NULL || strcmp(issuer, provider->issuer) != 0))
        return refuse("its issuer (iss) is another one");
    if (!audience_is_ours(provider, jwt)) return refuse("its audience (aud) is another one");
    if (expires == 0) return refuse("it has no end (exp)");
    if (now_s - FOREIGN_LEEWAY_S >= expires) return refuse("it has expired (exp)");
    if (now_s + FOREIGN_LEEWAY_S < begins) return refuse("it is not valid yet (nbf)");
    return ATOLL_OK;
}

static void copy_fields(jwt_t *jwt, foreign_token *out)
{
    static const char *const claims[][2] = {{"name", "name"},
                                            {"email", "email"},
                                            {"given_name", "first_name"},
                                            {"family_name", "last_name"},
                                            {"picture", "picture_url"},
                                            {"gender", "gender"},
                                            {"birthdate", "birthday"}};
    for (size_t i = 0; i < sizeof claims / sizeof *claims; i++) {
        const char *value = jwt_get_grant(jwt, claims[i][0]);
        if (value == NULL || strlen(value) > FOREIGN_FIELD_SIZE_MAX) continue;
        out->fields[out->field_count].name = claims[i][1];
        snprintf(out->fields[out->field_count++].value, FOREIGN_FIELD_SIZE_MAX + 1, "%s", value);
    }
}

status foreign_token_read(const token_provider *provider, bytes text, int64_t now_ms,
                          foreign_token *out)
{
    if (text.size == 0 || text.size > FOREIGN_TEXT_SIZE_MAX ||
        memchr(text.data, '\0', text.size) != NULL)
        return refuse("it is no JWT");
    char *copy = memory_copy_text((const char *)text.data, text.size);
    jwt_t *jwt = NULL;
    if (copy == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    status result = decode(provider, copy, &jwt);
    memory_free(copy);
    if (result != ATOLL_OK) return result;
    result = check_claims(provider, jwt, now_ms / 1000);
    const char *subject = jwt_get_grant(jwt, "sub");
    if (result == ATOLL_OK &&
        (subject == NULL || subject[0] == '\0' || strlen(subject) > FOREIGN_SUBJECT_SIZE_MAX)) {
        result = refuse("it names no user (sub)");
    }
    if (result == ATOLL_OK) {
        *out = (foreign_token){0};
        snprintf(out->subject, sizeof out->subject, "%s", subject);
        copy_fields(jwt, out);
    }
    jwt_free(jwt);
    return result;
}
