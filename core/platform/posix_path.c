/* Names of folders. It must never open the folder itself. Invariant: the result is absolute. */
#include "platform/file.h"
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

/* The parent's absolute path, made first if asked. */
static status canonical_parent(const char *parent, bool make, char resolved[PATH_MAX])
{
    if (make) TRY(file_make_folders(parent));
    if (realpath(parent, resolved) != NULL) return ATOLL_OK;
    int code = errno;
    return fail(code == ENOENT ? ATOLL_ERROR_FILE_NOT_FOUND : ATOLL_ERROR_FILE_ACCESS,
                "the folder %s cannot be reached: %s", parent, strerror(code));
}

status file_canonical(const char *path, bool make_parents, char **out)
{
    size_t size = strlen(path);
    while (size > 1 && path[size - 1] == '/') size--;
    if (size == 0 || size >= PATH_MAX)
        return fail(ATOLL_ERROR_INVALID_ARGUMENT, "a path has 1 to %d bytes, got %zu", PATH_MAX - 1,
                    size);
    size_t start = size;
    while (start > 0 && path[start - 1] != '/') start--;
    bytes name = bytes_of(path + start, size - start);
    if (bytes_equal(name, bytes_text(".")) || bytes_equal(name, bytes_text("..")) || name.size == 0)
        return fail(ATOLL_ERROR_INVALID_ARGUMENT, "%s names no folder of a realm; add a name",
                    path);
    char parent[PATH_MAX], resolved[PATH_MAX];
    memcpy(parent, path, start);
    parent[start] = 0;
    TRY(canonical_parent(start == 0 ? "." : parent, make_parents, resolved));
    size_t used = strlen(resolved);
    char *joined = memory_allocate(used + name.size + 2);
    if (joined == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    memcpy(joined, resolved, used);
    if (used == 0 || joined[used - 1] != '/') joined[used++] = '/';
    memcpy(joined + used, name.data, name.size);
    joined[used + name.size] = 0;
    *out = joined;
    return ATOLL_OK;
}
