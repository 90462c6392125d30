/* Spools on POSIX: a file that lost its name as soon as it was made, so that the system takes it away with its process.
 * It must never sync, nor leave a part of what could not be appended whole. Invariant: `size` is the end of what was appended. */
#include "platform/file.h"
#include "platform/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SPOOL_PATH_SIZE_MAX 4096

typedef struct file_spool {
    spool base;
    int handle;
} file_spool;

static status fail_spool(const char *what)
{
    int code = errno;
    bool full = code == ENOSPC || code == EDQUOT || code == EFBIG;
    return fail(full ? ATOLL_ERROR_DISK_FULL : ATOLL_ERROR_FILE_ACCESS,
                "could not %s what is put aside: %s", what, strerror(code));
}

static status file_append(spool *base, bytes data)
{
    file_spool *s = (file_spool *)base;
    size_t done = 0;
    while (done < data.size) {
        ssize_t put =
            pwrite(s->handle, data.data + done, data.size - done, (off_t)(base->size + done));
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) {
            status result = fail_spool("write");
            /* What the disk took of it is of no use, and others may need the room. */
            if (ftruncate(s->handle, (off_t)base->size) != 0) errno = 0;
            return result;
        }
        done += (size_t)put;
    }
    base->size += data.size;
    return ATOLL_OK;
}

static status file_read_at(spool *base, uint64_t at, uint8_t *to, size_t size)
{
    file_spool *s = (file_spool *)base;
    size_t done = 0;
    while (done < size) {
        ssize_t got = pread(s->handle, to + done, size - done, (off_t)(at + done));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail_spool("read");
        if (got == 0) return fail(ATOLL_ERROR_FILE_ACCESS, "what is put aside ends before its end");
        done += (size_t)got;
    }
    return ATOLL_OK;
}

static void file_release(spool *base)
{
    file_spool *s = (file_spool *)base;
    close(s->handle);
    memory_free(s);
}

static const spool_operations file_operations = {file_append, file_read_at, file_release};

status spool_open_file(void *context, spool **out)
{
    const char *folder = context;
    char path[SPOOL_PATH_SIZE_MAX];
    int size = snprintf(path, sizeof path, "%s/spool-XXXXXX", folder);
    if (size < 0 || (size_t)size >= sizeof path)
        return fail(ATOLL_ERROR_INVALID_ARGUMENT, "the path of a folder is too long");
    TRY(file_make_folders(folder));
    file_spool *s = memory_allocate_zero(sizeof *s);
    if (s == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    s->base.operations = &file_operations;
    s->handle = mkstemp(path);
    if (s->handle < 0) {
        status result = fail_spool("make a file for");
        memory_free(s);
        return result;
    }
    unlink(path);
    fcntl(s->handle, F_SETFD, FD_CLOEXEC);
    *out = &s->base;
    return ATOLL_OK;
}
