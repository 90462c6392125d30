#ifndef ATOLL_SERVER_PASSWORDS_H
#define ATOLL_SERVER_PASSWORDS_H
#include "base/bytes.h"
#include "platform/platform.h"

/* Argon2id on a thread of its own, since one hash takes tens of milliseconds and the server's loop must not. */
enum { PASSWORD_HASH_SIZE_MAX = 128 };
typedef struct passwords passwords;
typedef struct password_job {
    bool verify;                       /* else hash */
    char hash[PASSWORD_HASH_SIZE_MAX]; /* in or out: the encoded form, terminated */
    bool matches;                      /* out */
    status code;                       /* out */
    void *user;
    /* for passwords.c */
    struct password_job *after;
    char *password;
    size_t password_size;
} password_job;

/* wake is called on the worker's thread when a job is done. */
status passwords_new(const platform *p, void (*wake)(void *context), void *context,
                     passwords **out) MUST_CHECK;
void passwords_free(passwords *p); /* jobs that are still there are freed */
/* job by memory_allocate_zero; passwords owns it until passwords_done gives it back. */
status passwords_add(passwords *p, password_job *job,
                     bytes password) MUST_CHECK; /* BUSY: too many wait; the job stays yours */
password_job *passwords_done(passwords *p);      /* NULL: none; free it by memory_free */
/* The work itself, on the calling thread. */
status password_hash(const platform *p, bytes password,
                     char hash[PASSWORD_HASH_SIZE_MAX]) MUST_CHECK;
bool password_matches(bytes password, const char *hash);
#endif
