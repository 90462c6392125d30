/* Schemas that many sessions have in common: what the apps of one version declare, and what the server has now.
 * The queries of subscriptions likewise, which point into a schema. What is shared must never change. Invariant: no two in
 * the list have the same record, and each is used by somebody; of queries at most as many are nobody's as were somebody's. */
#include "server/app.h"

enum { QUERIES_KEPT_MIN = 64 };

static void free_query(shared_query *x)
{
    query_free(x->query);
    memory_free(x->text);
}

static void free_one(session_schema *s)
{
    for (size_t i = 0; i < s->queries.count; i++) free_query(&s->queries.items[i]);
    vector_free(&s->queries);
    map64_free(&s->query_places);
    schema_free(&s->schema);
    buffer_free(&s->record);
    memory_free(s);
}

static session_schema *find(const server_app *app, bytes record)
{
    for (size_t i = 0; i < app->schemas.count; i++) {
        if (bytes_equal(buffer_view(&app->schemas.items[i]->record), record))
            return app->schemas.items[i];
    }
    return NULL;
}

status schemas_share(server_app *app, const model_schema *from, session_schema **out)
{
    session_schema *s = memory_allocate_zero(sizeof *s);
    if (s == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    buffer_init(&s->record, SIZE_MAX / 2);
    status result = schema_write(&s->record, from);
    session_schema *same = result == ATOLL_OK ? find(app, buffer_view(&s->record)) : NULL;
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

void schemas_drop(session_schema *s)
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

/* ---- queries ---- */

/* What nobody uses goes, when it may be half of them. */
static status drop_unused(session_schema *s)
{
    size_t kept = 0;
    if (s->queries.count < 2 * s->queries_kept + QUERIES_KEPT_MIN) return ATOLL_OK;
    map64_clear(&s->query_places);
    for (size_t i = 0; i < s->queries.count; i++) {
        if (query_is_shared(s->queries.items[i].query))
            s->queries.items[kept++] = s->queries.items[i];
        else
            free_query(&s->queries.items[i]);
    }
    s->queries.count = s->queries_kept = kept;
    for (size_t i = 0; i < kept; i++) TRY(map64_put(&s->query_places, s->queries.items[i].hash, i));
    return ATOLL_OK;
}

static status keep(session_schema *s, uint64_t hash, const char *text, query *q)
{
    shared_query x = {hash, memory_copy_text(text, strlen(text)), query_retain(q)};
    status result = x.text == NULL ? ATOLL_ERROR_OUT_OF_MEMORY : vector_push(&s->queries, x);
    if (result != ATOLL_OK) {
        free_query(&x);
        return result;
    }
    return map64_put(&s->query_places, hash, s->queries.count - 1);
}

static const shared_query *query_at(const session_schema *s, uint64_t hash)
{
    const uint64_t *place = map64_get(&s->query_places, hash);
    return place == NULL || s->queries.items == NULL ? NULL : &s->queries.items[*place];
}

status schemas_query(session_schema *s, class_key c, const char *text, query **out)
{
    uint64_t hash = hash_bytes(text, strlen(text), c);
    const shared_query *there = query_at(s, hash);
    if (there != NULL && query_class(there->query) == c && strcmp(there->text, text) == 0) {
        *out = query_retain(there->query);
        return ATOLL_OK;
    }
    query *q = NULL;
    TRY(query_new(&s->schema, c, bytes_text(text), NULL, &q));
    /* Another text of the same hash is nobody's loss: this one is not shared. */
    status result = there != NULL ? ATOLL_OK : drop_unused(s);
    if (result == ATOLL_OK && there == NULL) result = keep(s, hash, text, q);
    if (result != ATOLL_OK) {
        query_free(q);
        return result;
    }
    *out = q;
    return ATOLL_OK;
}
