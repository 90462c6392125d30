/* A shim to preload (LD_PRELOAD) that records what a process does to the files below ATOLL_POWER_CUT_ROOT: writes,
 * truncations, renames, unlinks, folder creations and the fsyncs between them, as a journal in ATOLL_POWER_CUT_JOURNAL.
 * tools replay the journal into a folder as a power cut would leave it (power_cut_replay.py).
 * It must never change what the calls do. Invariant: one journal record per call that succeeded, in the order of calls.
 *
 * Record: "ATJ1", u32 operation, u64 offset, u32 path size, u32 data size, path, data. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum operation {
    OP_WRITE = 1,
    OP_TRUNCATE = 2,
    OP_SYNC = 3,
    OP_RENAME = 4,
    OP_UNLINK = 5,
    OP_FOLDER = 6,
    OP_CREATE = 7,
    OP_LINK = 8
};

static pthread_mutex_t journal_lock = PTHREAD_MUTEX_INITIALIZER;
static int journal = -1;
static const char *root;
static size_t root_size;
static int
    no_sync; /* ATOLL_POWER_CUT_NO_SYNC: as a program that never syncs; the test must fail then */

#define REAL(name) ((__typeof__(&name))real(#name))
static void *real(const char *name)
{
    return dlsym(RTLD_NEXT, name);
}

__attribute__((constructor)) static void start(void)
{
    root = getenv("ATOLL_POWER_CUT_ROOT");
    const char *path = getenv("ATOLL_POWER_CUT_JOURNAL");
    if (root == NULL || path == NULL) return;
    root_size = strlen(root);
    no_sync = getenv("ATOLL_POWER_CUT_NO_SYNC") != NULL;
    journal = REAL(open)(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static int watched(const char *path)
{
    return journal >= 0 && path != NULL && strncmp(path, root, root_size) == 0;
}

/* The path of an open file, or an empty text. */
static void path_of(int file, char path[PATH_MAX])
{
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t size = readlink(link, path, PATH_MAX - 1);
    path[size > 0 ? size : 0] = 0;
}

static void record(uint32_t operation, uint64_t offset, const char *path, const void *data,
                   size_t size)
{
    int kept = errno;
    uint32_t path_size = (uint32_t)strlen(path), data_size = (uint32_t)size;
    struct iovec parts[] = {{"ATJ1", 4},
                            {&operation, 4},
                            {&offset, 8},
                            {&path_size, 4},
                            {&data_size, 4},
                            {(void *)(uintptr_t)path, path_size},
                            {(void *)(uintptr_t)data, size}};
    pthread_mutex_lock(&journal_lock);
    if (REAL(writev)(journal, parts, 7) < 0) abort(); /* a journal with holes proves nothing */
    pthread_mutex_unlock(&journal_lock);
    errno = kept;
}

static void record_write(int file, off_t offset, const void *data, ssize_t size)
{
    char path[PATH_MAX];
    if (journal < 0 || size <= 0 || file == journal) return;
    path_of(file, path);
    if (watched(path)) record(OP_WRITE, (uint64_t)offset, path, data, (size_t)size);
}

ssize_t write(int file, const void *data, size_t size)
{
    if (journal < 0 || file == journal) return REAL(write)(file, data, size);
    ssize_t done = REAL(write)(file, data, size);
    off_t end = done > 0 ? lseek(file, 0, SEEK_CUR) : -1;
    if (end >= 0) record_write(file, end - done, data, done);
    return done;
}

ssize_t pwrite(int file, const void *data, size_t size, off_t offset)
{
    ssize_t done = REAL(pwrite)(file, data, size, offset);
    record_write(file, offset, data, done);
    return done;
}

ssize_t pwrite64(int file, const void *data, size_t size, off_t offset)
{
    return pwrite(file, data, size, offset);
}

int ftruncate(int file, off_t size)
{
    char path[PATH_MAX];
    int done = REAL(ftruncate)(file, size);
    if (done == 0 && journal >= 0) {
        path_of(file, path);
        if (watched(path)) record(OP_TRUNCATE, (uint64_t)size, path, "", 0);
    }
    return done;
}

int ftruncate64(int file, off_t size)
{
    return ftruncate(file, size);
}

static void record_sync(int file)
{
    char path[PATH_MAX];
    if (journal < 0) return;
    path_of(file, path);
    if (watched(path)) record(OP_SYNC, 0, path, "", 0);
}

int fsync(int file)
{
    if (no_sync) return 0;
    int done = REAL(fsync)(file);
    if (done == 0) record_sync(file);
    return done;
}

int fdatasync(int file)
{
    if (no_sync) return 0;
    int done = REAL(fdatasync)(file);
    if (done == 0) record_sync(file);
    return done;
}

int sync_file_range(int file, off_t offset, off_t size, unsigned flags)
{
    return REAL(sync_file_range)(file, offset, size,
                                 flags); /* promises nothing, so nothing is recorded */
}

int rename(const char *from, const char *to)
{
    int done = REAL(rename)(from, to);
    if (done == 0 && (watched(from) || watched(to))) record(OP_RENAME, 0, from, to, strlen(to));
    return done;
}

int unlink(const char *path)
{
    int done = REAL(unlink)(path);
    if (done == 0 && watched(path)) record(OP_UNLINK, 0, path, "", 0);
    return done;
}

int link(const char *from, const char *to)
{
    int done = REAL(link)(from, to);
    if (done == 0 && watched(to)) record(OP_LINK, 0, from, to, strlen(to));
    return done;
}

int mkdir(const char *path, mode_t mode)
{
    int done = REAL(mkdir)(path, mode);
    if (done == 0 && watched(path)) record(OP_FOLDER, 0, path, "", 0);
    return done;
}

static void record_open(const char *path, int flags, int file, int existed)
{
    char full[PATH_MAX];
    if (file < 0 || journal < 0 || (flags & O_ACCMODE) == O_RDONLY) return;
    (void)path;
    path_of(file, full);
    if (!watched(full)) return;
    if (!existed) record(OP_CREATE, 0, full, "", 0);
    if (existed && (flags & O_TRUNC)) record(OP_TRUNCATE, 0, full, "", 0);
}

int open(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = flags & O_CREAT ? (mode_t)va_arg(arguments, int) : 0;
    va_end(arguments);
    int existed = access(path, F_OK) == 0;
    int file = REAL(open)(path, flags, mode);
    record_open(path, flags, file, existed);
    return file;
}

int open64(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = flags & O_CREAT ? (mode_t)va_arg(arguments, int) : 0;
    va_end(arguments);
    return open(path, flags, mode);
}

/* stdio writes by internal calls that no shim sees; the one stdio writer below the root would go unnoticed. */
FILE *fopen(const char *path, const char *mode)
{
    FILE *file = REAL(fopen)(path, mode);
    if (file != NULL && watched(path) && mode[0] != 'r') setvbuf(file, NULL, _IONBF, 0);
    return file;
}
