/* Tokens of other providers: what makes one acceptable. */
#include "base/memory.h"
#include "server/tokens.h"

#include <criterion/criterion.h>
#include <jwt.h>
#include <stdio.h>
#include <stdlib.h>

static const char secret[] = "a secret of more than thirty-two bytes";

#include "test_tokens_key.h"

static token_provider shared(void)
{
    token_provider p = {.name = "custom-token", .shared_secret = true};
    provider_key key = {.text = (char *)(uintptr_t)secret, .size = sizeof secret - 1};
    cr_assert_eq(vector_push(&p.keys, key), ATOLL_OK);
    return p;
}

typedef struct claims {
    jwt_alg_t algorithm;
    const char *key, *kid, *subject, *issuer, *audience;
    long expires, begins;
} claims;

static char *make(const claims *c)
{
    jwt_t *jwt = NULL;
    cr_assert_eq(jwt_new(&jwt), 0);
    if (c->kid != NULL) cr_assert_eq(jwt_add_header(jwt, "kid", c->kid), 0);
    if (c->subject != NULL) cr_assert_eq(jwt_add_grant(jwt, "sub", c->subject), 0);
    if (c->issuer != NULL) cr_assert_eq(jwt_add_grant(jwt, "iss", c->issuer), 0);
    if (c->audience != NULL && c->audience[0] == '[') {
        char text[200];
        snprintf(text, sizeof text, "{\"aud\": %s}", c->audience);
        cr_assert_eq(jwt_add_grants_json(jwt, text), 0);
    } else if (c->audience != NULL) {
        cr_assert_eq(jwt_add_grant(jwt, "aud", c->audience), 0);
    }
    cr_assert_eq(jwt_add_grant(jwt, "email", "ann@x.org"), 0);
    if (c->expires != 0) cr_assert_eq(jwt_add_grant_int(jwt, "exp", c->expires), 0);
    if (c->begins != 0) cr_assert_eq(jwt_add_grant_int(jwt, "nbf", c->begins), 0);
    if (c->algorithm != JWT_ALG_NONE)
        cr_assert_eq(
            jwt_set_alg(jwt, c->algorithm, (const unsigned char *)c->key, (int)strlen(c->key)), 0);
    char *text = jwt_encode_str(jwt);
    jwt_free(jwt);
    cr_assert_not_null(text);
    return text;
}

static status check(const token_provider *p, const claims *c)
{
    foreign_token out = {0};
    char *text = make(c);
    status result = foreign_token_read(p, bytes_text(text), 1000000, &out);
    if (result == ATOLL_OK) {
        cr_assert_str_eq(out.subject, c->subject);
        cr_assert_eq(out.field_count, 1u);
        cr_assert_str_eq(out.fields[0].name, "email");
        cr_assert_str_eq(out.fields[0].value, "ann@x.org");
    }
    free(text);
    return result;
}

Test(tokens, of_a_provider_are_checked_for_everything_that_they_claim)
{
    token_provider p = shared();
    claims good = {JWT_ALG_HS256, secret, NULL, "77", "https://issuer.example", "us", 2000, 0};
    p.issuer = (char *)(uintptr_t) "https://issuer.example";
    cr_assert_eq(vector_push(&p.audiences, (char *)(uintptr_t) "them"), ATOLL_OK);
    cr_assert_eq(vector_push(&p.audiences, (char *)(uintptr_t) "us"), ATOLL_OK);
    cr_assert_eq(check(&p, &good), ATOLL_OK, "%s", fail_text());
    claims c = good;
    c.audience = "[\"others\", \"us\"]";
    cr_assert_eq(check(&p, &c), ATOLL_OK, "%s", fail_text());
    c.audience = "[\"others\"]";
    cr_assert_eq(check(&p, &c), ATOLL_ERROR_INVALID_CREDENTIALS);
    cr_assert_not_null(strstr(fail_text(), "(aud)"));
    c.audience = NULL;
    cr_assert_eq(check(&p, &c), ATOLL_ERROR_INVALID_CREDENTIALS);
    c = good;
    c.issuer = "https://other.example";
    cr_assert_eq(check(&p, &c), ATOLL_ERROR_INVALID_CREDENTIALS);
    cr_assert_not_null(strstr(fail_text(), "(iss)"));
    c = good;
    c.expires = 900;
    cr_assert_eq(check(&p, &c), ATOLL_ERROR_INVALID_CREDENTIALS);
    c.expires = 0;
    cr_assert_eq(check(&p, &c), ATOLL_ERROR_INVALID_CREDENTIALS);
    cr_assert_not_null(strstr(fail_text(), "(exp)"));
    c = good;
    c.begins = 1100;
    cr_assert_eq(check(&p, &c), ATOLL_ERROR_INVALID_CREDENTIALS);
    cr_assert_not_null(strstr(fail_text(), "(nbf)"));
    c = good;
    c.subject = NULL;
    cr_assert_eq(check(&p, &c), ATOLL_ERROR_INVALID_CREDENTIALS);
    cr_assert_not_null(strstr(fail_text(), "(sub)"));
    vector_free(&p.keys);
    vector_free(&p.audiences);
}

Test(tokens, of_a_provider_cannot_choose_their_algorithm)
{
    token_provider p = shared(), public = {.name = "custom-token"};
    claims c = {JWT_ALG_NONE, "", NULL, "77", NULL, NULL, 2000, 0};
    cr_assert_eq(check(&p, &c), ATOLL_ERROR_INVALID_CREDENTIALS);
    c.algorithm = JWT_ALG_HS256, c.key = "another secret, of enough bytes too";
    cr_assert_eq(check(&p, &c), ATOLL_ERROR_INVALID_CREDENTIALS);
    cr_assert_eq(provider_keys_read(bytes_text(public_pem), &public), ATOLL_OK, "%s", fail_text());
    /* The public key is public: a token "signed" with its text as secret proves nothing. */
    c.key = public.keys.items[0].text;
    cr_assert_eq(check(&public, &c), ATOLL_ERROR_INVALID_CREDENTIALS);
    cr_assert_not_null(strstr(fail_text(), "RS256"));
    cr_assert_eq(check(&p, &(claims){JWT_ALG_RS256, private_pem, NULL, "77", NULL, NULL, 2000, 0}),
                 ATOLL_ERROR_INVALID_CREDENTIALS);
    cr_assert_eq(
        check(&public, &(claims){JWT_ALG_RS256, private_pem, NULL, "77", NULL, NULL, 2000, 0}),
        ATOLL_OK, "%s", fail_text());
    memory_free(public.keys.items[0].text);
    vector_free(&public.keys);
    vector_free(&p.keys);
    cr_assert_eq(memory_live_count(), 0);
}

Test(tokens, keys_of_a_set_are_chosen_by_their_id)
{
    token_provider p = {.name = "oauth2-google"};
    claims c = {JWT_ALG_RS256, private_pem, "first", "77", NULL, NULL, 2000, 0};
    cr_assert_eq(provider_keys_read(bytes_text(key_set), &p), ATOLL_OK, "%s", fail_text());
    cr_assert_eq(p.keys.count, 1u, "the elliptic key and the one to encrypt are passed over");
    cr_assert_eq(check(&p, &c), ATOLL_OK, "%s", fail_text());
    c.kid = "second";
    cr_assert_eq(check(&p, &c), ATOLL_ERROR_INVALID_CREDENTIALS);
    c.kid = NULL;
    cr_assert_eq(check(&p, &c), ATOLL_OK);
    memory_free(p.keys.items[0].text);
    memory_free(p.keys.items[0].id);
    vector_free(&p.keys);
    cr_assert_eq(memory_live_count(), 0);
    const char *bad[] = {"",
                         "{",
                         "{}",
                         "{\"keys\": []}",
                         "-----BEGIN PUBLIC KEY-----\nx",
                         "{\"keys\": [{\"kty\": \"RSA\", \"n\": \"AQAB\", \"e\": \"AQAB\"}]}",
                         "{\"keys\": [{\"kty\": \"RSA\", \"n\": \"*\", \"e\": \"AQAB\"}]}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        cr_assert_eq(provider_keys_read(bytes_text(bad[i]), &p), ATOLL_ERROR_MISMATCHED_CONFIG,
                     "%s", bad[i]);
    }
    cr_assert_eq(memory_live_count(), 0);
}
