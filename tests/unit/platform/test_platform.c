/* The machine's seam: clocks, randomness, locks, threads, files. */
#include "base/memory.h"
#include "platform/file.h"
#include "platform/platform.h"
#include "platform/spool.h"
#include "platform/thread.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

Test(clock, monotonic_time_never_goes_back_and_boot_id_stays)
{
    const platform *p = platform_posix();
    uint64_t before = p->monotonic_ms(p->context);
    for (int i = 0; i < 10000; i++) {
        uint64_t now = p->monotonic_ms(p->context);
        cr_assert_geq(now, before);
        before = now;
    }
    cr_assert_eq(p->boot_id(p->context), p->boot_id(p->context));
    cr_assert_gt(p->wall_ms(p->context), 1600000000000);
}

Test(random, fills_every_byte_of_long_requests)
{
    const platform *p = platform_posix();
    uint8_t bytes[1000] = {0};
    int zeros = 0;
    p->random(p->context, bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++) zeros += bytes[i] == 0;
    cr_assert_lt(zeros, 50);
    cr_assert_neq(platform_random_u64(p), platform_random_u64(p));
}

typedef struct meeting {
    mutex lock;
    condition changed;
    int turns;
    uint64_t other;
} meeting;

static void arrive(void *argument)
{
    meeting *m = argument;
    mutex_lock(&m->lock);
    m->other = thread_self();
    m->turns++;
    condition_broadcast(&m->changed);
    mutex_unlock(&m->lock);
}

Test(thread, condition_wakes_waiter_and_threads_have_own_numbers)
{
    meeting m = {0};
    thread *t = NULL;
    cr_assert_eq(mutex_init(&m.lock), ATOLL_OK);
    cr_assert_eq(condition_init(&m.changed), ATOLL_OK);
    cr_assert_eq(thread_start("arrive", arrive, &m, &t), ATOLL_OK);
    mutex_lock(&m.lock);
    while (m.turns == 0) cr_assert(condition_wait_ms(&m.changed, &m.lock, 10000));
    cr_assert_neq(m.other, thread_self());
    mutex_unlock(&m.lock);
    thread_join(t);
    condition_destroy(&m.changed);
    mutex_destroy(&m.lock);
    cr_assert_eq(memory_live_count(), 0);
}

Test(thread, condition_wait_ends_when_time_runs_out)
{
    mutex lock;
    condition never;
    cr_assert_eq(mutex_init(&lock), ATOLL_OK);
    cr_assert_eq(condition_init(&never), ATOLL_OK);
    const platform *p = platform_posix();
    uint64_t start = p->monotonic_ms(p->context);
    mutex_lock(&lock);
    bool woken = true;
    while (woken) woken = condition_wait_ms(&never, &lock, 20);
    mutex_unlock(&lock);
    cr_assert_geq(p->monotonic_ms(p->context) - start, 19u);
}

Test(process, number_changes_in_a_forked_child)
{
    uint64_t parent = process_self();
    pid_t child = fork();
    if (child == 0) _exit(process_self() == parent ? 1 : 0);
    int state = 0;
    waitpid(child, &state, 0);
    cr_assert_eq(WEXITSTATUS(state), 0);
}

static void temporary_folder(char *to)
{
    strcpy(to, "/tmp/atoll-platform-XXXXXX");
    cr_assert_not_null(mkdtemp(to));
}

Test(file, written_content_replaces_the_old_with_its_mode)
{
    char folder[64], path[128], nested[160];
    temporary_folder(folder);
    snprintf(nested, sizeof nested, "%s/a/b", folder);
    cr_assert_eq(file_make_folders(nested), ATOLL_OK);
    cr_assert_eq(file_make_folders(nested), ATOLL_OK);
    snprintf(path, sizeof path, "%s/a/b/users", folder);
    cr_assert_eq(file_write(path, bytes_text("first and longer"), 0600), ATOLL_OK);
    cr_assert_eq(file_write(path, bytes_text("second"), 0600), ATOLL_OK);
    buffer content;
    buffer_init(&content, 1 << 20);
    cr_assert_eq(file_read(path, 6, &content), ATOLL_OK);
    cr_assert(bytes_equal(buffer_view(&content), bytes_text("second")));
    cr_assert_eq(file_read(path, 5, &content), ATOLL_ERROR_LIMIT_EXCEEDED);
    cr_assert_eq(content.size, 6u);
    buffer_free(&content);
    struct stat info;
    cr_assert_eq(stat(path, &info), 0);
    cr_assert_eq(info.st_mode & 0777, 0600u);
    cr_assert_eq(file_remove_tree(folder), ATOLL_OK);
    cr_assert_not(file_exists(folder));
    cr_assert_eq(file_read(path, 5, &content), ATOLL_ERROR_FILE_NOT_FOUND);
}

Test(file, a_second_lock_names_the_holder_until_it_lets_go)
{
    char folder[64], path[128];
    temporary_folder(folder);
    snprintf(path, sizeof path, "%s/lock", folder);
    file_lock *first = NULL, *second = NULL;
    cr_assert_eq(file_lock_take(path, "the first one", &first), ATOLL_OK);
    cr_assert_eq(file_lock_take(path, NULL, &second), ATOLL_ERROR_FILE_IN_USE);
    cr_assert_not_null(strstr(fail_text(), "the first one"));
    cr_assert_null(second);
    file_lock_free(first);
    cr_assert_eq(file_lock_take(path, NULL, &second), ATOLL_OK);
    file_lock_free(second);
    cr_assert_eq(file_remove_tree(folder), ATOLL_OK);
    cr_assert_eq(memory_live_count(), 0);
}

static status count_name(void *context, const char *name)
{
    (void)name;
    ++*(int *)context;
    return ATOLL_OK;
}

Test(spool, gives_back_what_was_put_aside_and_leaves_no_name)
{
    char folder[64], inner[96];
    spool *s = NULL;
    uint8_t there[5];
    int names = 0;
    temporary_folder(folder);
    snprintf(inner, sizeof inner, "%s/made", folder);
    cr_assert_eq(spool_open_file(inner, &s), ATOLL_OK, "%s", fail_text());
    cr_assert_eq(spool_append(s, bytes_text("first")), ATOLL_OK);
    cr_assert_eq(spool_append(s, bytes_text("second")), ATOLL_OK);
    cr_assert_eq(s->size, 11u);
    cr_assert_eq(spool_read(s, 5, there, sizeof there), ATOLL_OK);
    cr_assert_eq(memcmp(there, "secon", 5), 0);
    cr_assert_eq(spool_read(s, 8, there, sizeof there), ATOLL_ERROR_FILE_ACCESS, "past the end");
    cr_assert_eq(file_list(inner, count_name, &names), ATOLL_OK);
    cr_assert_eq(names, 0);
    spool_free(s);
    cr_assert_eq(file_remove_tree(folder), ATOLL_OK);
    cr_assert_eq(memory_live_count(), 0);
}

/* A limit of the process stands for a full disk. */
Test(spool, what_does_not_fit_leaves_nothing_and_the_rest_stays_readable)
{
    char folder[64], there[6] = "";
    static uint8_t large[5000];
    spool *s = NULL;
    struct rlimit limit = {3000, 3000};
    temporary_folder(folder);
    cr_assert_eq(spool_open_file(folder, &s), ATOLL_OK);
    signal(SIGXFSZ, SIG_IGN);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    cr_assert_eq(spool_append(s, bytes_text("first")), ATOLL_OK);
    cr_assert_eq(spool_append(s, bytes_of(large, sizeof large)), ATOLL_ERROR_DISK_FULL);
    cr_assert_eq(s->size, 5u);
    cr_assert_eq(spool_append(s, bytes_text("second")), ATOLL_OK);
    cr_assert_eq(spool_read(s, 5, (uint8_t *)there, 6), ATOLL_OK);
    cr_assert_eq(memcmp(there, "second", 6), 0);
    spool_free(s);
    cr_assert_eq(file_remove_tree(folder), ATOLL_OK);
}
