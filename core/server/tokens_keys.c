/* Public keys of token providers: JSON Web Key Sets (RFC 7517) and PEM, by OpenSSL.
 * Must never: take a key that is too short to prove anything.
 * Invariant: every key that was added is the PEM of an RSA public key of at least 2048 bits. */
#include "server/tokens.h"

#include <jansson.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>

#define NUMBER_SIZE_MAX 1024 /* bytes of a modulus */
#define RSA_BITS_MIN 2048

static status refuse(const char *why)
{
    return fail(ATOLL_ERROR_MISMATCHED_CONFIG, "keys: %s", why);
}

/* base64 with - and _ and without padding. Answers the size, 0: not of that form. */
static size_t decode_base64url(const char *text, uint8_t to[NUMBER_SIZE_MAX])
{
    size_t size = strlen(text), filled = 0;
    char padded[NUMBER_SIZE_MAX / 3 * 4 + 8];
    if (size == 0 || size > sizeof padded - 4) return 0;
    for (; filled < size; filled++) {
        char c = text[filled];
        padded[filled] = (char)(c == '-' ? '+' : c == '_' ? '/' : c);
    }
    while (filled % 4 != 0) padded[filled++] = '=';
    uint8_t raw[sizeof padded];
    int got = EVP_DecodeBlock(raw, (const uint8_t *)padded, (int)filled);
    size_t real = got < 0 ? 0 : (size_t)got - (filled - size);
    if (real == 0 || real > NUMBER_SIZE_MAX) return 0;
    memcpy(to, raw, real);
    return real;
}

static BIGNUM *number_of(json_t *key, const char *name)
{
    const char *text = json_string_value(json_object_get(key, name));
    uint8_t raw[NUMBER_SIZE_MAX];
    size_t size = text == NULL ? 0 : decode_base64url(text, raw);
    return size == 0 ? NULL : BN_bin2bn(raw, (int)size, NULL);
}

static EVP_PKEY *rsa_of(json_t *key)
{
    EVP_PKEY *made = NULL;
    BIGNUM *n = number_of(key, "n"), *e = number_of(key, "e");
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    OSSL_PARAM *parameters = NULL;
    if (n != NULL && e != NULL && builder != NULL && context != NULL &&
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e) == 1) {
        parameters = OSSL_PARAM_BLD_to_param(builder);
    }
    if (parameters != NULL && EVP_PKEY_fromdata_init(context) == 1 &&
        EVP_PKEY_fromdata(context, &made, EVP_PKEY_PUBLIC_KEY, parameters) != 1) {
        made = NULL;
    }
    OSSL_PARAM_free(parameters);
    OSSL_PARAM_BLD_free(builder);
    EVP_PKEY_CTX_free(context);
    BN_free(n);
    BN_free(e);
    return made;
}

static status add_key(token_provider *to, EVP_PKEY *public, const char *id)
{
    if (public == NULL) return refuse("a key of the file is no RSA public key");
    if (EVP_PKEY_get_base_id(public) != EVP_PKEY_RSA || EVP_PKEY_get_bits(public) < RSA_BITS_MIN)
        return refuse("a key of the file is no RSA key of at least 2048 bits");
    BIO *memory = BIO_new(BIO_s_mem());
    char *pem = NULL;
    long size = memory == NULL || PEM_write_bio_PUBKEY(memory, public) != 1
                    ? 0
                    : BIO_get_mem_data(memory, &pem);
    provider_key key = {0};
    status result = size <= 0 ? refuse("a key of the file cannot be used") : ATOLL_OK;
    if (result == ATOLL_OK) {
        key.text = memory_copy_text(pem, (size_t)size);
        key.size = (size_t)size;
        if (id != NULL) key.id = memory_copy_text(id, strlen(id));
        result = key.text == NULL || (id != NULL && key.id == NULL) ? ATOLL_ERROR_OUT_OF_MEMORY
                                                                    : vector_push(&to->keys, key);
    }
    BIO_free(memory);
    if (result != ATOLL_OK) {
        memory_free(key.id);
        memory_free(key.text);
    }
    return result;
}

static status read_set(json_t *root, token_provider *to)
{
    json_t *key;
    size_t index;
    status result = ATOLL_OK;
    json_array_foreach(json_object_get(root, "keys"), index, key)
    {
        const char *type = json_string_value(json_object_get(key, "kty"));
        const char *use = json_string_value(json_object_get(key, "use"));
        if (type == NULL || strcmp(type, "RSA") != 0) continue; /* a set may hold other kinds */
        if (use != NULL && strcmp(use, "sig") != 0) continue;
        EVP_PKEY *public = rsa_of(key);
        result = add_key(to, public, json_string_value(json_object_get(key, "kid")));
        EVP_PKEY_free(public);
        if (result != ATOLL_OK) return result;
    }
    return to->keys.count > 0 ? ATOLL_OK : refuse("the file has no RSA key that signs");
}

static status read_pem(bytes content, token_provider *to)
{
    BIO *memory = BIO_new_mem_buf(content.data, (int)content.size);
    EVP_PKEY *public = memory == NULL ? NULL : PEM_read_bio_PUBKEY(memory, NULL, NULL, NULL);
    BIO_free(memory);
    status result = add_key(to, public, NULL);
    EVP_PKEY_free(public);
    return result;
}

status provider_keys_read(bytes content, token_provider *to)
{
    size_t at = 0;
    while (at < content.size && (content.data[at] == ' ' || content.data[at] == '\n')) at++;
    if (at == content.size || content.data[at] != '{') return read_pem(content, to);
    json_t *root = json_loadb((const char *)content.data, content.size, 0, NULL);
    if (root == NULL) return refuse("the file is neither JSON nor PEM");
    status result = read_set(root, to);
    json_decref(root);
    return result;
}
