/* Folders, small files and folder locks on POSIX.
 * Must never: leave a half-written file under its final name.
 * Invariant: file_write is visible as the old content or the new one, and durable once it returns. */
#include "platform/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_PATH_SIZE_MAX 4096

struct file_lock {
    int handle;
    pid_t owner;
};

static status fail_errno(const char *what, const char *path)
{
    int code = errno;
    status kind = ATOLL_ERROR_FILE_ACCESS;
    if (code == ENOENT) kind = ATOLL_ERROR_FILE_NOT_FOUND;
    if (code == EACCES || code == EPERM || code == EROFS) kind = ATOLL_ERROR_FILE_PERMISSION;
    if (code == ENOSPC || code == EDQUOT) kind = ATOLL_ERROR_DISK_FULL;
    return fail(kind, "could not %s \"%s\": %s", what, path, strerror(code));
}

bool file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

status file_make_folders(const char *path)
{
    char part[FILE_PATH_SIZE_MAX];
    size_t size = strlen(path);
    if (size == 0 || size >= sizeof part) {
        return fail(ATOLL_ERROR_INVALID_ARGUMENT, "folder path is empty or longer than %d bytes",
                    FILE_PATH_SIZE_MAX - 1);
    }
    for (size_t i = 1; i <= size; i++) {
        if (path[i] != '/' && path[i] != '\0') continue;
        memcpy(part, path, i);
        part[i] = '\0';
        if (mkdir(part, 0777) != 0 && errno != EEXIST) return fail_errno("create folder", part);
    }
    struct stat info;
    if (stat(path, &info) != 0) return fail_errno("look at", path);
    if (!S_ISDIR(info.st_mode))
        return fail(ATOLL_ERROR_FILE_ACCESS, "\"%s\" is a file where a folder is needed", path);
    return ATOLL_OK;
}

status file_list(const char *path, status (*each)(void *context, const char *name), void *context)
{
    DIR *folder = opendir(path);
    if (folder == NULL) return fail_errno("list", path);
    status result = ATOLL_OK;
    struct dirent *entry;
    while (result == ATOLL_OK && (entry = readdir(folder)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        result = each(context, entry->d_name);
    }
    closedir(folder);
    return result;
}

static status remove_entry(void *context, const char *name)
{
    const char *folder = context;
    char child[FILE_PATH_SIZE_MAX];
    int size = snprintf(child, sizeof child, "%s/%s", folder, name);
    if (size < 0 || (size_t)size >= sizeof child) {
        return fail(ATOLL_ERROR_FILE_ACCESS, "a path in \"%s\" is longer than %d bytes", folder,
                    FILE_PATH_SIZE_MAX - 1);
    }
    return file_remove_tree(child);
}

status file_remove_tree(const char *path)
{
    struct stat info;
    if (lstat(path, &info) != 0) return errno == ENOENT ? ATOLL_OK : fail_errno("look at", path);
    if (!S_ISDIR(info.st_mode)) {
        if (unlink(path) != 0 && errno != ENOENT) return fail_errno("remove", path);
        return ATOLL_OK;
    }
    TRY(file_list(path, remove_entry, (void *)(uintptr_t)path));
    if (rmdir(path) != 0 && errno != ENOENT) return fail_errno("remove folder", path);
    return ATOLL_OK;
}

status file_move(const char *from, const char *to)
{
    char *absolute = NULL;
    TRY(file_canonical(to, true, &absolute));
    status result = ATOLL_OK;
    if (file_exists(absolute))
        result = fail(ATOLL_ERROR_FILE_EXISTS, "%s is there already", absolute);
    else if (rename(from, absolute) != 0)
        result = fail_errno("move", from);
    memory_free(absolute);
    return result;
}

status file_read(const char *path, size_t size_max, buffer *out)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return fail_errno("open", path);
    size_t before = out->size;
    status result = ATOLL_OK;
    for (;;) {
        result = buffer_reserve(out, 4096);
        if (result != ATOLL_OK) break;
        ssize_t got = read(file, out->data + out->size, out->capacity - out->size);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) result = fail_errno("read", path);
        if (got <= 0) break;
        out->size += (size_t)got;
        if (out->size - before > size_max) {
            result =
                fail(ATOLL_ERROR_LIMIT_EXCEEDED, "\"%s\" is larger than %zu bytes", path, size_max);
            break;
        }
    }
    if (result != ATOLL_OK) out->size = before;
    close(file);
    return result;
}

static status write_all(int file, const char *path, bytes content)
{
    size_t done = 0;
    while (done < content.size) {
        ssize_t put = write(file, content.data + done, content.size - done);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return fail_errno("write", path);
        done += (size_t)put;
    }
    if (fsync(file) != 0) return fail_errno("sync", path);
    return ATOLL_OK;
}

static void sync_folder_of(const char *path)
{
    char folder[FILE_PATH_SIZE_MAX];
    snprintf(folder, sizeof folder, "%s", path);
    char *slash = strrchr(folder, '/');
    if (slash == NULL)
        snprintf(folder, sizeof folder, ".");
    else if (slash == folder)
        slash[1] = '\0';
    else
        *slash = '\0';
    int handle = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (handle < 0)
        return; /* a folder that may be written but not read: its own sync is then the system's affair */
    fsync(handle);
    close(handle);
}

status file_write(const char *path, bytes content, unsigned mode)
{
    char beside[FILE_PATH_SIZE_MAX];
    int size = snprintf(beside, sizeof beside, "%s.%ld.new", path, (long)getpid());
    if (size < 0 || (size_t)size >= sizeof beside) {
        return fail(ATOLL_ERROR_INVALID_ARGUMENT, "file path is longer than %d bytes",
                    FILE_PATH_SIZE_MAX - 16);
    }
    int file = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, (mode_t)mode);
    if (file < 0) return fail_errno("create", beside);
    status result = write_all(file, beside, content);
    close(file);
    if (result == ATOLL_OK && rename(beside, path) != 0) result = fail_errno("replace", path);
    if (result != ATOLL_OK)
        unlink(beside);
    else
        sync_folder_of(path);
    return result;
}

status file_lock_take(const char *path, const char *text, file_lock **out)
{
    file_lock *lock = memory_allocate_zero(sizeof *lock);
    if (lock == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    lock->handle = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (lock->handle < 0) {
        status result = fail_errno("open the lock file", path);
        memory_free(lock);
        return result;
    }
    if (flock(lock->handle, LOCK_EX | LOCK_NB) != 0) {
        char holder[128] = "another process";
        ssize_t got = pread(lock->handle, holder, sizeof holder - 1, 0);
        if (got > 0) holder[got] = '\0';
        close(lock->handle);
        memory_free(lock);
        return fail(ATOLL_ERROR_FILE_IN_USE, "\"%s\" is held by %s: close it there first", path,
                    holder);
    }
    char own[32];
    if (text == NULL) {
        snprintf(own, sizeof own, "process %ld", (long)getpid());
        text = own;
    }
    /* The text is for people; a lock without it still locks. */
    if (ftruncate(lock->handle, 0) == 0 && pwrite(lock->handle, text, strlen(text), 0) < 0)
        errno = 0;
    lock->owner = getpid();
    *out = lock;
    return ATOLL_OK;
}

void file_lock_free(file_lock *lock)
{
    if (lock == NULL) return;
    /* A forked child has the open file too: without this its copy would hold the lock until the child ends. */
    if (lock->owner == getpid()) flock(lock->handle, LOCK_UN);
    close(
        lock->handle); /* the lock goes with the open file; the name stays, so that nobody locks a deleted one */
    memory_free(lock);
}
