/* Folders that are none of ours, are in use, or are not there. */
#include "platform/file.h"
#include "storage/storage.h"
#include "support/temp.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static const storage_options creating = {.create = true};

Test(folder, one_that_holds_other_files_is_refused_and_left_alone)
{
    storage *s = NULL;
    char folder[64], path[128];
    temp_folder(folder);
    snprintf(path, sizeof path, "%s/letter.txt", folder);
    cr_assert_eq(file_write(path, bytes_text("dear"), 0644), ATOLL_OK);
    cr_assert_eq(storage_open_rocksdb(folder, &creating, &s), ATOLL_ERROR_FILE_NOT_REALM, "%s",
                 fail_text());
    cr_assert_eq(storage_open_rocksdb(path, &creating, &s), ATOLL_ERROR_FILE_NOT_REALM, "%s",
                 fail_text());
    snprintf(path, sizeof path, "%s/CURRENT", folder);
    cr_assert_not(file_exists(path));
    temp_folder_remove(folder);
}

Test(folder, a_missing_one_is_made_only_when_asked)
{
    storage *s = NULL;
    char folder[64], path[128];
    temp_folder(folder);
    snprintf(path, sizeof path, "%s/a/b", folder);
    storage_options reading = {0};
    cr_assert_eq(storage_open_rocksdb(path, &reading, &s), ATOLL_ERROR_FILE_NOT_FOUND);
    cr_assert_not(file_exists(path));
    cr_assert_eq(storage_open_rocksdb(path, &creating, &s), ATOLL_OK, "%s", fail_text());
    storage_close(s);
    cr_assert_eq(storage_open_rocksdb(path, &reading, &s), ATOLL_OK, "%s", fail_text());
    storage_close(s);
    temp_folder_remove(folder);
}

Test(folder, a_second_process_is_told_who_has_it)
{
    storage *s = NULL, *second = NULL;
    char folder[64], holder[32];
    int ready[2], done[2];
    char byte = 0;
    temp_folder(folder);
    cr_assert_eq(pipe(ready), 0);
    cr_assert_eq(pipe(done), 0);
    pid_t child = fork();
    if (child == 0) {
        bool fine = storage_open_rocksdb(folder, &creating, &s) == ATOLL_OK &&
                    write(ready[1], "r", 1) == 1 && read(done[0], &byte, 1) == 1;
        _exit(fine ? 0 : 1);
    }
    cr_assert_eq(read(ready[0], &byte, 1), 1);
    snprintf(holder, sizeof holder, "process %ld", (long)child);
    cr_assert_eq(storage_open_rocksdb(folder, &creating, &second), ATOLL_ERROR_FILE_IN_USE);
    cr_assert_neq(strstr(fail_text(), holder), NULL, "'%s' does not name %s", fail_text(), holder);
    cr_assert_eq(write(done[1], "d", 1), 1);
    int code = 1;
    cr_assert_eq(waitpid(child, &code, 0), child);
    cr_assert_eq(code, 0);
    cr_assert_eq(storage_open_rocksdb(folder, &creating, &second), ATOLL_OK, "%s", fail_text());
    storage_close(second);
    temp_folder_remove(folder);
}

Test(folder, a_read_only_store_reads_and_does_not_write)
{
    storage *s = NULL;
    storage_batch *batch = NULL;
    buffer out;
    bool found = false;
    char folder[64];
    temp_folder(folder);
    buffer_init(&out, 100);
    cr_assert_eq(storage_open_rocksdb(folder, &creating, &s), ATOLL_OK);
    cr_assert_eq(storage_batch_new(s, &batch), ATOLL_OK);
    cr_assert_eq(storage_batch_put(batch, bytes_text("k"), bytes_text("v")), ATOLL_OK);
    cr_assert_eq(storage_write(s, batch, true), ATOLL_OK);
    storage_close(s);
    storage_options reading = {.read_only = true};
    cr_assert_eq(storage_open_rocksdb(folder, &reading, &s), ATOLL_OK, "%s", fail_text());
    cr_assert_eq(storage_get(s, bytes_text("k"), &out, &found), ATOLL_OK);
    cr_assert(found);
    cr_assert_eq(storage_write(s, batch, true), ATOLL_ERROR_READ_ONLY);
    storage_batch_free(batch);
    storage_close(s);
    buffer_free(&out);
    temp_folder_remove(folder);
}
