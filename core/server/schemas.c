/* Schemas that many sessions have in common: what the apps of one version declare, and what the server has now.
 * A shared one must never change. Invariant: no two in the list have the same record, and each is used by somebody. */
#include "server/app.h"

static void free_one(shared_schema *s)
{
    schema_free(&s->schema);
    buffer_free(&s->record);
    memory_free(s);
}

static shared_schema *find(const server_app *app, bytes record)
{
    for (size_t i = 0; i < app->schemas.count; i++) {
        if (bytes_equal(buffer_view(&app->schemas.items[i]->record), record))
            return app->schemas.items[i];
    }
    return NULL;
}

status schemas_share(server_app *app, const model_schema *from, shared_schema **out)
{
    shared_schema *s = memory_allocate_zero(sizeof *s);
    if (s == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    buffer_init(&s->record, SIZE_MAX / 2);
    status result = schema_write(&s->record, from);
    shared_schema *same = result == ATOLL_OK ? find(app, buffer_view(&s->record)) : NULL;
    if (same != NULL) {
        free_one(s);
        same->users++;
        *out = same;
        return ATOLL_OK;
    }
    if (result == ATOLL_OK) result = schema_copy(from, &s->schema);
    if (result == ATOLL_OK) result = vector_push(&app->schemas, s);
    if (result != ATOLL_OK) {
        free_one(s);
        return result;
    }
    s->app = app;
    s->users = 1;
    *out = s;
    return ATOLL_OK;
}

void schemas_drop(shared_schema *s)
{
    if (s == NULL || --s->users > 0) return;
    server_app *app = s->app;
    for (size_t i = 0; i < app->schemas.count; i++) {
        if (app->schemas.items[i] != s) continue;
        app->schemas.items[i] = app->schemas.items[--app->schemas.count];
        break;
    }
    free_one(s);
}
