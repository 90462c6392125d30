/* Password hashes by libargon2; the only file that includes it.
 * Must never: keep a password longer than its job, or hash on the loop's thread.
 * Invariant: a job is in exactly one of: waiting, in work, done, or its owner's hands. */
#include "server/passwords.h"

#include "platform/thread.h"

#include <argon2.h>

/* OWASP's second recommendation for Argon2id: 19 MiB, two passes, one lane. */
#define ARGON2_PASSES 2
#define ARGON2_MEMORY_KB (19u * 1024)
#define ARGON2_LANES 1
#define ARGON2_SALT_SIZE 16
#define ARGON2_HASH_SIZE 32
#define PASSWORD_JOBS_MAX 1000 /* a minute's work; more would wait longer than its caller */

struct passwords {
    const platform *platform;
    void (*wake)(void *context);
    void *context;
    mutex lock;
    condition changed;
    thread *worker;
    password_job *waiting_first, *waiting_last, *done;
    size_t waiting_count;
    bool stop;
};

status password_hash(const platform *p, bytes password, char hash[PASSWORD_HASH_SIZE_MAX])
{
    uint8_t salt[ARGON2_SALT_SIZE];
    p->random(p->context, salt, sizeof salt);
    int code = argon2id_hash_encoded(ARGON2_PASSES, ARGON2_MEMORY_KB, ARGON2_LANES, password.data,
                                     password.size, salt, sizeof salt, ARGON2_HASH_SIZE, hash,
                                     PASSWORD_HASH_SIZE_MAX);
    if (code != ARGON2_OK)
        return fail(ATOLL_ERROR_INTERNAL, "could not hash a password: %s",
                    argon2_error_message(code));
    return ATOLL_OK;
}

bool password_matches(bytes password, const char *hash)
{
    return argon2id_verify(hash, password.data, password.size) == ARGON2_OK;
}

static void job_forget_password(password_job *job)
{
    if (job->password != NULL) explicit_bzero(job->password, job->password_size);
    memory_free(job->password);
    job->password = NULL;
}

static void job_do(passwords *p, password_job *job)
{
    bytes password = bytes_of(job->password, job->password_size);
    job->code = ATOLL_OK;
    if (job->verify)
        job->matches = password_matches(password, job->hash);
    else
        job->code = password_hash(p->platform, password, job->hash);
    job_forget_password(job);
}

static void work(void *argument)
{
    passwords *p = argument;
    mutex_lock(&p->lock);
    while (!p->stop) {
        password_job *job = p->waiting_first;
        if (job == NULL) {
            condition_wait(&p->changed, &p->lock);
            continue;
        }
        p->waiting_first = job->after;
        if (p->waiting_first == NULL) p->waiting_last = NULL;
        p->waiting_count--;
        mutex_unlock(&p->lock);
        job_do(p, job);
        mutex_lock(&p->lock);
        job->after = p->done;
        p->done = job;
        mutex_unlock(&p->lock);
        p->wake(p->context);
        mutex_lock(&p->lock);
    }
    mutex_unlock(&p->lock);
}

status passwords_new(const platform *platform_table, void (*wake)(void *context), void *context,
                     passwords **out)
{
    passwords *p = memory_allocate_zero(sizeof *p);
    if (p == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    p->platform = platform_table;
    p->wake = wake;
    p->context = context;
    status result = mutex_init(&p->lock);
    if (result != ATOLL_OK) {
        memory_free(p);
        return result;
    }
    result = condition_init(&p->changed);
    if (result == ATOLL_OK) {
        result = thread_start("atoll-password", work, p, &p->worker);
        if (result != ATOLL_OK) condition_destroy(&p->changed);
    }
    if (result != ATOLL_OK) {
        mutex_destroy(&p->lock);
        memory_free(p);
        return result;
    }
    *out = p;
    return ATOLL_OK;
}

static void free_jobs(password_job *job)
{
    while (job != NULL) {
        password_job *after = job->after;
        job_forget_password(job);
        memory_free(job);
        job = after;
    }
}

void passwords_free(passwords *p)
{
    if (p == NULL) return;
    mutex_lock(&p->lock);
    p->stop = true;
    condition_broadcast(&p->changed);
    mutex_unlock(&p->lock);
    thread_join(p->worker);
    free_jobs(p->waiting_first);
    free_jobs(p->done);
    condition_destroy(&p->changed);
    mutex_destroy(&p->lock);
    memory_free(p);
}

status passwords_add(passwords *p, password_job *job, bytes password)
{
    job->after = NULL;
    job->password_size = password.size;
    job->password = memory_copy_text((const char *)password.data, password.size);
    if (job->password == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    mutex_lock(&p->lock);
    bool full = p->waiting_count >= PASSWORD_JOBS_MAX;
    if (!full) {
        if (p->waiting_last != NULL)
            p->waiting_last->after = job;
        else
            p->waiting_first = job;
        p->waiting_last = job;
        p->waiting_count++;
        condition_broadcast(&p->changed);
    }
    mutex_unlock(&p->lock);
    if (!full) return ATOLL_OK;
    job_forget_password(job);
    return fail(ATOLL_ERROR_BUSY, "too many log-ins at once: try again in a minute");
}

password_job *passwords_done(passwords *p)
{
    mutex_lock(&p->lock);
    password_job *job = p->done;
    if (job != NULL) p->done = job->after;
    mutex_unlock(&p->lock);
    return job;
}
