/* Authenticated encryption by OpenSSL: AES-256-GCM under a key derived from all 64 bytes of the caller's. It must never
 * use a nonce twice under one key. A nonce is 64 random bits, drawn when the cipher is made and again after 2^32 seals,
 * and a 32-bit counter: two runs would have to draw the same 64 bits, which after 2^20 runs has a chance of 2^-25; a
 * copied folder draws its own. Sealed: the ciphertext, the nonce (12 bytes), the tag (16 bytes). */
#include "platform/cipher.h"
#include "platform/thread.h"
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

enum { NONCE_SIZE = 12, TAG_SIZE = 16, RANDOM_SIZE = 8, KEPT_MAX = 8, DERIVED_SIZE = 32 };

/* Contexts have the key set up: threads take one, and give it back. */
typedef struct context_pool {
    EVP_CIPHER_CTX *kept[KEPT_MAX];
    size_t count;
} context_pool;

struct cipher {
    mutex lock;
    context_pool sealing, opening;
    uint8_t key[DERIVED_SIZE], prefix[RANDOM_SIZE];
    uint64_t sealed; /* with this prefix */
};

static status out_of_order(const char *what)
{
    return fail(ATOLL_ERROR_INTERNAL, "the cryptographic library failed to %s", what);
}

status cipher_random(void *to, size_t size)
{
    return RAND_bytes(to, (int)size) == 1 ? ATOLL_OK : out_of_order("give random bytes");
}

status cipher_digest(bytes data, uint8_t out[CIPHER_DIGEST_SIZE])
{
    return EVP_Digest(data.data, data.size, out, NULL, EVP_sha256(), NULL) == 1
               ? ATOLL_OK
               : out_of_order("compute a digest");
}

void cipher_wipe(void *secret, size_t size)
{
    OPENSSL_cleanse(secret, size);
}

status cipher_new(bytes key, cipher **out)
{
    static const uint8_t purpose[] = "atoll: records of a realm";
    unsigned derived = 0;
    if (key.size != CIPHER_KEY_SIZE)
        return fail(ATOLL_ERROR_INVALID_ARGUMENT,
                    "an encryption key has %d bytes; %zu were given: make one with a secure random "
                    "generator and keep it safe",
                    CIPHER_KEY_SIZE, key.size);
    cipher *c = memory_allocate_zero(sizeof *c);
    if (c == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    status result = mutex_init(&c->lock);
    if (result != ATOLL_OK) {
        memory_free(c);
        return result;
    }
    if (HMAC(EVP_sha256(), key.data, CIPHER_KEY_SIZE, purpose, sizeof purpose, c->key, &derived) ==
            NULL ||
        derived != DERIVED_SIZE)
        result = out_of_order("derive a key");
    if (result == ATOLL_OK) result = cipher_random(c->prefix, RANDOM_SIZE);
    if (result != ATOLL_OK)
        cipher_free(c);
    else
        *out = c;
    return result;
}

static void pool_free(context_pool *pool)
{
    for (size_t i = 0; i < pool->count; i++) EVP_CIPHER_CTX_free(pool->kept[i]);
}

void cipher_free(cipher *c)
{
    if (c == NULL) return;
    pool_free(&c->sealing);
    pool_free(&c->opening);
    mutex_destroy(&c->lock);
    OPENSSL_cleanse(c, sizeof *c);
    memory_free(c);
}

static status context_new(const cipher *c, bool seals, EVP_CIPHER_CTX **out)
{
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    if (context == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    if (EVP_CipherInit_ex(context, EVP_aes_256_gcm(), NULL, c->key, NULL, seals) != 1) {
        EVP_CIPHER_CTX_free(context);
        return out_of_order("set up AES-256-GCM");
    }
    *out = context;
    return ATOLL_OK;
}

static EVP_CIPHER_CTX *pool_take(context_pool *pool)
{
    return pool->count == 0 ? NULL : pool->kept[--pool->count];
}

static void give_back(cipher *c, context_pool *pool, EVP_CIPHER_CTX *context)
{
    mutex_lock(&c->lock);
    bool kept = pool->count < KEPT_MAX;
    if (kept) pool->kept[pool->count++] = context;
    mutex_unlock(&c->lock);
    if (!kept) EVP_CIPHER_CTX_free(context);
}

static status take_nonce(cipher *c, uint8_t nonce[NONCE_SIZE], EVP_CIPHER_CTX **context)
{
    status result = ATOLL_OK;
    mutex_lock(&c->lock);
    if (c->sealed >> 32 != 0) {
        result = cipher_random(c->prefix, RANDOM_SIZE);
        if (result == ATOLL_OK) c->sealed = 0;
    }
    if (result == ATOLL_OK) {
        memcpy(nonce, c->prefix, RANDOM_SIZE);
        key_put_u32(nonce + RANDOM_SIZE, (uint32_t)c->sealed++);
        *context = pool_take(&c->sealing);
    }
    mutex_unlock(&c->lock);
    if (result == ATOLL_OK && *context == NULL) result = context_new(c, true, context);
    return result;
}

/* The library counts in int; records are below 2 GB. */
static bool run(EVP_CIPHER_CTX *context, const uint8_t *nonce, bytes name, const uint8_t *from,
                size_t size, uint8_t *to)
{
    int done = 0;
    return EVP_CipherInit_ex(context, NULL, NULL, NULL, nonce, -1) == 1 &&
           EVP_CipherUpdate(context, NULL, &done, name.data, (int)name.size) == 1 &&
           (size == 0 || EVP_CipherUpdate(context, to, &done, from, (int)size) == 1);
}

status cipher_seal(cipher *c, bytes name, bytes plain, uint8_t *to)
{
    uint8_t *nonce = to + plain.size, *tag = nonce + NONCE_SIZE;
    EVP_CIPHER_CTX *context = NULL;
    int done = 0;
    if (plain.size > INT32_MAX - CIPHER_OVERHEAD)
        return fail(ATOLL_ERROR_LIMIT_EXCEEDED, "a record of %zu bytes is too large to be sealed",
                    plain.size);
    TRY(take_nonce(c, nonce, &context));
    bool good = run(context, nonce, name, plain.data, plain.size, to) &&
                EVP_CipherFinal_ex(context, nonce, &done) == 1 &&
                EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, TAG_SIZE, tag) == 1;
    give_back(c, &c->sealing, context);
    return good ? ATOLL_OK : out_of_order("seal a record");
}

status cipher_open(cipher *c, bytes name, uint8_t *sealed, size_t size, bool *genuine)
{
    *genuine = false;
    if (size < CIPHER_OVERHEAD || size > INT32_MAX) return ATOLL_OK;
    size_t plain = size - CIPHER_OVERHEAD;
    uint8_t *nonce = sealed + plain, *tag = nonce + NONCE_SIZE;
    mutex_lock(&c->lock);
    EVP_CIPHER_CTX *context = pool_take(&c->opening);
    mutex_unlock(&c->lock);
    if (context == NULL) TRY(context_new(c, false, &context));
    int done = 0;
    uint8_t end[TAG_SIZE];
    bool good = run(context, nonce, name, sealed, plain, sealed) &&
                EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, TAG_SIZE, tag) == 1;
    if (good) *genuine = EVP_CipherFinal_ex(context, end, &done) == 1;
    give_back(c, &c->opening, context);
    return good ? ATOLL_OK : out_of_order("open a record");
}
