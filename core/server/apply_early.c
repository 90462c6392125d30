/* Ahead of time: the messages of a batch are applied as they arrive, into a transaction that stays open until the last one,
 * while nobody else writes to the app. It must never be seen by anybody before its commit, nor keep anybody waiting: whoever
 * wants to write drops it, and the batch, which is staged all the same, is applied once it is whole.
 * Invariant: between two messages the app's clock, positions, marks and places are those of what is committed. */
#include "server/apply.h"

enum { IDLE_MS_MAX = 2000 }; /* a stream that says nothing more holds no transaction */

/* What says which objects the batch may write; as soon as it differs the judgement may, too. */
typedef struct early_views {
    uint64_t version, next;
    size_t before;
    bool has_next, stale;
} early_views;

struct early_batch {
    batch_apply a;
    peer *p;
    size_t parts; /* applied so far */
    judging_views views;
    early_views judged_by;
    app_state state; /* of the transaction; of what is committed, while a message is applied */
    uint64_t touched_ms;
};

static early_views views_of(const peer *p)
{
    return (early_views){.version = p->view_version,
                         .next = p->next_view_version,
                         .before = p->before_count,
                         .has_next = p->has_next_view,
                         .stale = p->view_stale};
}

static bool same_views(const early_views *a, const early_views *b)
{
    return a->version == b->version && a->next == b->next && a->before == b->before &&
           a->has_next == b->has_next && a->stale == b->stale;
}

void app_state_swap(server_app *app, app_state *s)
{
    const app_state now = {app->clock, app->ingest_position, app->ingest_bytes, app->marks,
                           app->places};
    app->clock = s->clock;
    app->ingest_position = s->ingest_position;
    app->ingest_bytes = s->ingest_bytes;
    app->marks = s->marks;
    app->places = s->places;
    *s = now;
}

/* The marks and places that the app does not use now. */
void app_state_free(server_app *app, app_state *s)
{
    app_state_swap(app, s);
    marks_close(app);
    places_close(app);
    app_state_swap(app, s);
}

static uint64_t monotonic_ms(const server_app *app)
{
    return app->options.platform->monotonic_ms(app->options.platform->context);
}

static void early_free(server_app *app, early_batch *e)
{
    if (e->a.txn != NULL) model_rollback(e->a.txn);
    app_state_free(app, &e->state);
    batch_free(&e->a);
    memory_free(e);
}

void early_drop(server_app *app)
{
    early_batch *e = app->early;
    if (e == NULL) return;
    app->early = NULL;
    app->early_dropped++;
    early_free(app, e);
}

void early_drop_of(const peer *p)
{
    if (p->app->early != NULL && p->app->early->p == p) early_drop(p->app);
}

void early_drop_batch(server_app *app, const staged_batch *b)
{
    if (app->early != NULL && &app->early->p->staged == b) early_drop(app);
}

void early_expire(server_app *app)
{
    if (app->early != NULL && monotonic_ms(app) - app->early->touched_ms > IDLE_MS_MAX)
        early_drop(app);
}

status app_begin(server_app *app, model_txn **out)
{
    early_drop(app);
    return model_begin(app->db, COMMIT_SERVER, out);
}

/* What is written inside of embedded objects is judged with their roots, wherever in the batch it stands. */
static bool needs_all(const peer *p)
{
    model_view *view = p->rules.restricts ? model_view_newest(p->app->db) : NULL;
    bool any = p->rules.restricts && view == NULL;
    const model_schema *schema = view == NULL ? NULL : model_view_schema(view);
    for (size_t i = 0; schema != NULL && i < schema->class_count; i++)
        any |= schema->classes[i].kind == CLASS_EMBEDDED;
    model_view_release(view);
    return any;
}

static status early_new(peer *p, const judging_views *views, const wire_upload *first,
                        early_batch **out)
{
    server_app *app = p->app;
    early_batch *e = memory_allocate_zero(sizeof *e);
    if (e == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    e->p = p;
    e->views = *views;
    e->judged_by = views_of(p);
    e->a =
        (batch_apply){.app = app, .view = views->items[0], .views = &e->views, .ident = p->ident};
    e->state = (app_state){app->clock, app->ingest_position, app->ingest_bytes, NULL, NULL};
    app_state_swap(app, &e->state);
    status result = marks_open(app);
    app_state_swap(app, &e->state);
    if (result == ATOLL_OK) result = places_fork(app, &e->state.places);
    if (result == ATOLL_OK) result = batch_begin(&e->a, first);
    if (result != ATOLL_OK) {
        early_free(app, e);
        return result;
    }
    *out = e;
    return ATOLL_OK;
}

static status early_apply(early_batch *e, const wire_upload *u)
{
    server_app *app = e->p->app;
    app_state_swap(app, &e->state);
    status result = batch_part(&e->a, u);
    app_state_swap(app, &e->state);
    e->parts++;
    e->touched_ms = monotonic_ms(app);
    return result;
}

void early_part(peer *p, const judging_views *views, const wire_upload *u)
{
    server_app *app = p->app;
    early_batch *e = app->early != NULL && app->early->p == p ? app->early : NULL;
    const early_views now = views_of(p);
    bool first = p->staged.parts.count == 1, alone = app->staged_size == p->staged.size;
    bool may = first && alone && app->early == NULL && batch_judges_plainly(views) && !needs_all(p);
    if (e == NULL && !may) return;
    status result = e == NULL ? early_new(p, views, u, &app->early) : ATOLL_OK;
    e = app->early;
    bool follows =
        e != NULL && same_views(&e->judged_by, &now) && e->parts + 1 == p->staged.parts.count;
    if (result == ATOLL_OK && follows) result = early_apply(e, u);
    /* What is wrong with it is found, and told, when it is applied whole. */
    if (result != ATOLL_OK || !follows) early_drop(app);
}

bool early_take(server_app *app, const staged_batch *b, batch_apply *a, size_t *parts,
                app_state *state)
{
    early_batch *e = app->early;
    if (e == NULL || &e->p->staged != b) return false;
    const early_views now = views_of(e->p);
    if (!same_views(&e->judged_by, &now) || e->parts + 1 != b->parts.count) return false;
    *a = e->a;
    *parts = e->parts;
    *state = e->state;
    app->early = NULL;
    memory_free(e);
    return true;
}
