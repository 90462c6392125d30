#ifndef ATOLL_PLATFORM_FILE_H
#define ATOLL_PLATFORM_FILE_H
#include "base/bytes.h"

/* Folders, small files and folder locks. Database files are RocksDB's own affair, behind the storage door. */
bool file_exists(const char *path);
status file_make_folders(const char *path) MUST_CHECK; /* with parents; fine when it exists */
status file_remove_tree(const char *path) MUST_CHECK;  /* fine when it is absent */
status file_move(const char *from,
                 const char *to) MUST_CHECK; /* FILE_EXISTS; parents of `to` are made */
status file_read(const char *path, size_t size_max,
                 buffer *out) MUST_CHECK; /* appended to out; FILE_NOT_FOUND */
/* Replaces the file in one step and syncs it and its folder; mode as for open(2), e.g. 0600. */
status file_write(const char *path, bytes content, unsigned mode) MUST_CHECK;

/* The absolute path without links and dots, so that one folder has one name; the last part need not exist. Makes the
 * parent folders when asked, else a missing one gives FILE_NOT_FOUND. The caller frees *out with memory_free. */
status file_canonical(const char *path, bool make_parents, char **out) MUST_CHECK;

/* Names in a folder, without . and .., in no order. */
status file_list(const char *path, status (*each)(void *context, const char *name),
                 void *context) MUST_CHECK;

/* One process at a time: the lock dies with its holder. text is kept in the file for the error of the next one who
 * comes; NULL: "process N". FILE_IN_USE names the holder. */
typedef struct file_lock file_lock;
status file_lock_take(const char *path, const char *text, file_lock **out) MUST_CHECK;
void file_lock_free(file_lock *lock);
#endif
