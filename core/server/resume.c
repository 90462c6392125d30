/* Groups that were cut: how far the client has one is told with each part, and a later session goes on from there.
 * It must never believe that the client has what was read for other rules, another view or schema, or before a batch of its
 * own. Invariant: a position names the newest version of which the client has every row before it that it is to have. */
#include "server/app.h"

enum { RESUME_FORMAT = 1 };

/* What a part was made for, besides the rows: what is not the same any more can't be gone on with. */
static uint64_t fingerprint_of(const peer *p)
{
    const server_view *v = p->has_next_view ? &p->next_view : &p->view;
    bytes schema = buffer_view(&p->client_schema->record);
    uint64_t sum = hash_bytes(schema.data, schema.size, p->rules.fingerprint);
    for (size_t i = 0; i < v->sources.count; i++) {
        const view_source *x = &v->sources.items[i];
        sum = hash_bytes(x->class_name, strlen(x->class_name), sum);
        sum = hash_bytes(x->text, strlen(x->text), sum);
    }
    uint64_t partition = v->partition ? value_hash(&v->partition_value) : 0;
    return hash_bytes(&partition, sizeof partition, sum);
}

void resume_read(peer *p, bytes position)
{
    reader r = reader_of(position);
    resume_point x = {.known = reader_byte(&r) == RESUME_FORMAT};
    x.epoch = reader_varint(&r);
    x.version = reader_varint(&r);
    x.from = reader_varint(&r);
    x.fingerprint = reader_fixed64(&r);
    x.class_of = (class_key)reader_varint(&r);
    x.row = reader_varint(&r);
    p->resume = r.failed || !x.known ? (resume_point){0} : x;
}

status resume_position(const peer *p, arena *memory, bytes *out)
{
    const download_group *g = &p->group;
    buffer b;
    *out = bytes_of(NULL, 0);
    if (g->left == 0 || !(g->sweep || g->from == 0)) return ATOLL_OK;
    const group_row *next = &g->rows.items[g->next];
    row_key row = next->row + g->within;
    resume_point start = {
        .known = g->continued, .class_of = g->start.class_of, .row = g->start.row};
    if (resume_has(&start, next->class_of, row)) return ATOLL_OK;
    uint8_t *bytes_made = arena_take(memory, RESUME_SIZE_MAX);
    if (bytes_made == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    buffer_init(&b, RESUME_SIZE_MAX);
    const uint64_t before[] = {p->app->epoch, g->to, g->from}, after[] = {next->class_of, row};
    status result = buffer_append_byte(&b, RESUME_FORMAT);
    for (size_t i = 0; i < 3 && result == ATOLL_OK; i++)
        result = buffer_append_varint(&b, before[i]);
    if (result == ATOLL_OK) result = buffer_append_fixed64(&b, fingerprint_of(p));
    for (size_t i = 0; i < 2 && result == ATOLL_OK; i++)
        result = buffer_append_varint(&b, after[i]);
    if (result == ATOLL_OK) {
        memcpy(bytes_made, b.data, b.size);
        *out = bytes_of(bytes_made, b.size);
    }
    buffer_free(&b);
    return result;
}

/* What was read before a batch of the client's own, or before its rules changed, is older than what it has. */
static status is_current(const peer *p, const resume_point *x, bool *out)
{
    ident_record record;
    bool found = false;
    *out = false;
    if (history_check(p->app, x->epoch, x->version, 0) != ATOLL_OK) return ATOLL_OK;
    if (x->version > model_version(p->app->db)) return ATOLL_OK;
    TRY(ident_read(p->app, p->ident, &record, &found));
    *out = found && record.batch_version <= x->version && record.rules_version <= x->version;
    ident_record_free(&record);
    return ATOLL_OK;
}

status resume_take(peer *p, const download_group *g, const server_view *old_view, resume_point *out)
{
    resume_point x = p->resume;
    bool current = false;
    *out = (resume_point){0};
    if (!x.known || !(g->sweep || g->from == 0)) return ATOLL_OK;
    p->resume = (resume_point){0};
    /* Rows were sent as what differs from the cursor, unless the view before had none. */
    bool same = x.from == g->from || (old_view != NULL && old_view->queries.count == 0);
    if (!same || x.fingerprint != fingerprint_of(p)) return ATOLL_OK;
    TRY(is_current(p, &x, &current));
    if (current) *out = x;
    return ATOLL_OK;
}
