/* Moving a realm's folder aside, for the client resets that apps make themselves: at once, or before it is opened the next time.
 * It must never move a folder that anybody has open, nor lose one. Invariant: what is to be moved is named in a file beside the
 * folder until it is done. */
#include "api/api.h"
#include "base/log.h"
#include "platform/file.h"

#include <stdio.h>
#include <string.h>

enum { MARK_SIZE_MAX = 1 << 16, NAMES_MAX = 100 };

static const char category[] = "Realm.Storage";

static status mark_name(const char *path, char **out)
{
    size_t size = strlen(path) + sizeof ".aside";
    char *name = memory_allocate(size);
    if (name == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    snprintf(name, size, "%s.aside", path);
    *out = name;
    return ATOLL_OK;
}

status database_forget_aside(const char *path)
{
    char *mark = NULL;
    TRY(mark_name(path, &mark));
    status result = file_remove_tree(mark);
    memory_free(mark);
    return result;
}

/* To that name, or, where something is, to that name with a number. */
static status move_somewhere(const char *path, const char *to)
{
    size_t size = strlen(to) + 16;
    char *name = memory_allocate(size);
    if (name == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    snprintf(name, size, "%s", to);
    status result = storage_move_rocksdb(path, name);
    for (int i = 2; result == ATOLL_ERROR_FILE_EXISTS && i < NAMES_MAX; i++) {
        snprintf(name, size, "%s-%d", to, i);
        result = storage_move_rocksdb(path, name);
    }
    if (result == ATOLL_OK)
        log_write(LOG_INFO, category, "%s was moved to %s, as was asked for", path, name);
    memory_free(name);
    return result;
}

status database_move_aside(const char *path)
{
    char *mark = NULL;
    buffer to;
    buffer_init(&to, MARK_SIZE_MAX);
    TRY(mark_name(path, &mark));
    status result = file_exists(mark) ? file_read(mark, MARK_SIZE_MAX - 1, &to) : ATOLL_OK;
    if (result == ATOLL_OK && to.size > 0) result = buffer_append_byte(&to, 0);
    if (result == ATOLL_OK && to.size > 0 && file_exists(path))
        result = move_somewhere(path, (const char *)to.data);
    if (result == ATOLL_OK && file_exists(mark)) result = file_remove_tree(mark);
    buffer_free(&to);
    memory_free(mark);
    return result;
}

/* ---- asking for it ---- */

static status move_files(const atoll_config *config, const char *path, model_db *open, void *to)
{
    (void)config;
    if (open != NULL)
        return fail(ATOLL_ERROR_FILE_IN_USE,
                    "%s is open in this process; close every realm on it, and wait until its "
                    "session has ended",
                    path);
    if (!file_exists(path)) return fail(ATOLL_ERROR_FILE_NOT_FOUND, "%s does not exist", path);
    TRY(storage_move_rocksdb(path, to));
    return database_forget_aside(path);
}

atoll_status atoll_realm_move_files(const atoll_config *config, const char *path, size_t path_size,
                                    atoll_error **error)
{
    char *to = NULL;
    status result = API_NOT_NULL(config);
    if (result == ATOLL_OK) result = api_replace_text(&to, path, path_size, "path");
    if (result == ATOLL_OK) result = database_with_files(config, move_files, to);
    memory_free(to);
    return api_result(error, result);
}

typedef struct set_aside {
    char *to;
    bool moved;
} set_aside;

static status move_or_mark(const atoll_config *config, const char *path, model_db *open,
                           void *context)
{
    set_aside *x = context;
    status result = move_files(config, path, open, x->to);
    char *mark = NULL, *to = NULL;
    x->moved = result == ATOLL_OK;
    if (result != ATOLL_ERROR_FILE_IN_USE) return result;
    TRY(mark_name(path, &mark));
    result = file_canonical(x->to, true, &to);
    if (result == ATOLL_OK) result = file_write(mark, bytes_of(to, strlen(to)), 0600);
    memory_free(to);
    memory_free(mark);
    return result;
}

bool atoll_realm_set_aside(const atoll_config *config, const char *path, size_t path_size,
                           atoll_error **error)
{
    set_aside x = {NULL, false};
    status result = API_NOT_NULL(config);
    if (result == ATOLL_OK && config->in_memory)
        result = fail(ATOLL_ERROR_INVALID_ARGUMENT, "a realm in memory has no folder");
    if (result == ATOLL_OK) result = api_replace_text(&x.to, path, path_size, "path");
    if (result == ATOLL_OK) result = database_with_files(config, move_or_mark, &x);
    memory_free(x.to);
    return api_ok(error, result) && x.moved;
}
