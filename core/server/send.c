/* What a peer sends: acknowledgements with their outcome, download groups, marks; each message made on demand.
 * It must never send what is not durable, nor name an object that the session does not see. Invariant: a group is read at one
 * version, and nothing else leaves between its parts. */
#include "server/app.h"
#include "sync/breakage.h"

#include <stdio.h>
#include <stdlib.h>

enum { ACK_ROWS_MAX = 20000, CURSOR_LAG_MAX = 1000 };

/* ---- one row ---- */

typedef struct row_writer {
    peer *p;
    wire_builder *b;
    const model_view *view;
    bool whole;
    uint64_t after; /* fields changed above this version, unless whole */
} row_writer;

static status put_one_field(row_writer *w, wire_rows *group, const model_class *c, row_key row,
                            const model_property *p)
{
    if ((p->flags & PROPERTY_COLLECTION) != 0)
        return rows_put_list(w->b, group, w->view, c, row, p, w->whole ? 0 : w->after, UINT64_MAX,
                             0);
    value v;
    if (w->whole) {
        TRY(rows_field(w->view, c, row, p, &v));
        if (v.type == VALUE_NULL) return ATOLL_OK; /* Absent means null. */
    }
    return rows_put_field(w->b, group, w->view, c, row, p, 0, false);
}

/* Whether others changed a property since. Elements have no author: all that changed goes. So does a slot that holds an object or a
 * collection: its mark names who set it last, and what is in it may be another's that this client lacks. */
static bool is_news(row_mark *mark, const model_property *p, uint64_t after, uint64_t ident)
{
    bool holds = p->type == VALUE_EMBEDDED || p->type == VALUE_MIXED;
    if ((p->flags & PROPERTY_COLLECTION) == 0 && !holds)
        return row_mark_news(mark, p->key, after, ident);
    const field_mark *f = row_mark_field(mark, p->key);
    return f != NULL && f->version > after;
}

static bool has_news(const model_class *c, row_mark *mark, uint64_t after, uint64_t ident)
{
    for (size_t i = 0; i < c->property_count; i++) {
        if (is_news(mark, &c->properties[i], after, ident)) return true;
    }
    return false;
}

static status put_fields(row_writer *w, wire_rows *group, const model_class *c, row_key row,
                         row_mark *mark)
{
    for (size_t i = 0; i < c->property_count; i++) {
        const model_property *p = &c->properties[i];
        if ((p->flags & PROPERTY_PRIMARY_KEY) != 0) continue;
        bool secret = c->kind == CLASS_NORMAL && !rules_reads_field(&w->p->rules, c->key, p->key);
        if (secret && !BREAKAGE(BREAKAGE_SECRET_FIELD_SENT)) continue;
        if (removed_hides(&w->p->gone, c, p)) continue;
        if (!w->whole && !is_news(mark, p, w->after, w->p->ident)) continue;
        TRY(put_one_field(w, group, c, row, p));
    }
    return ATOLL_OK;
}

static status put_embedded(void *context, const model_class *c, row_key row,
                           const model_owner *owner)
{
    row_writer *w = context;
    row_mark *mark = NULL;
    wire_rows *group = NULL;
    model_owner top = *owner;
    if (w->p->rules.restricts) TRY(rules_top_owner(w->view, &top));
    if (!rules_reads_field(&w->p->rules, top.class_of, top.property)) return ATOLL_OK;
    bool hidden = false;
    TRY(removed_hides_owned(w->p->app, &w->p->gone, w->view, owner, &hidden));
    if (hidden) return ATOLL_OK;
    TRY(marks_peek(w->p->app, c->key, row, &mark));
    if (!w->whole && !has_news(c, mark, w->after, w->p->ident)) return ATOLL_OK;
    TRY(rows_put_embedded(w->b, w->view, c, row, owner, &group));
    return put_fields(w, group, c, row, mark);
}

static status put_row(row_writer *w, class_key class_of, row_key row, row_kind kind, uint64_t life)
{
    const model_class *c = schema_class(model_view_schema(w->view), class_of);
    value key;
    wire_rows *group = NULL;
    if (c == NULL || schema_class_named(&w->p->client_schema->schema, bytes_text(c->name)) == NULL)
        return ATOLL_OK;
    TRY(rows_key(w->view, c, row, &key));
    TRY(wire_builder_group(w->b, c->name, "", "", &group));
    TRY(wire_builder_row(w->b, group, kind, &key, life, 0));
    w->p->counters.rows_out++;
    if (kind != ROW_FULL && kind != ROW_DELTA && kind != ROW_REVERTED) return ATOLL_OK;
    row_mark *mark = NULL;
    w->whole = kind != ROW_DELTA;
    if (!w->whole) TRY(marks_peek(w->p->app, class_of, row, &mark));
    TRY(put_fields(w, group, c, row, mark));
    return rows_walk_embedded(w->view, c, row, put_embedded, w);
}

/* ---- planning a group ---- */

static uint64_t name_of(class_key c, row_key row)
{
    return (uint64_t)c << 44 ^ row;
}

typedef struct plan {
    peer *p;
    download_group *g;
    const server_view *old_view, *new_view;
    map64 seen;
    map64
        uncertain; /* rows of the last outcome: the client may have dropped them, whatever it had at its cursor */
    resume_point there; /* rows before it are at the client, as of a version */
} plan;

/* Whether the client has the row at its cursor. */
static status plan_had(plan *x, class_key c, row_key row, const row_mark *mark, bool *out)
{
    leave_record oldest;
    bool left = false;
    uint64_t from = x->g->from;
    *out = false;
    if (x->old_view == NULL) return ATOLL_OK;
    if (from > 0)
        TRY(meta_oldest_leave(x->p->app, NULL, c, row, mark, from, x->p->ident, &oldest, &left));
    *out =
        view_had(x->old_view, x->g->view, c, row, mark, left ? &oldest : NULL, from, x->p->ident);
    if (left) buffer_free(&oldest.values);
    return ATOLL_OK;
}

typedef struct news {
    const plan *x;
    bool any;
} news;

static status look_for_news(void *context, const model_class *c, row_key row,
                            const model_owner *owner)
{
    (void)owner;
    news *n = context;
    row_mark *mark = NULL;
    if (n->any) return ATOLL_OK;
    TRY(marks_peek(n->x->p->app, c->key, row, &mark));
    n->any = has_news(c, mark, n->x->g->from, n->x->p->ident);
    return ATOLL_OK;
}

/* Only what others changed: nothing is sent back to its author. */
static status row_has_news(const plan *x, class_key class_of, row_key row, row_mark *mark,
                           bool *out)
{
    news n = {x, false};
    const model_class *c = schema_class(model_view_schema(x->g->view), class_of);
    if (c == NULL) return ATOLL_OK;
    /* A row whose fields were all written at once has no marks of their own. */
    n.any = mark->fields.count + mark->counters.count == 0
                ? mark->changed > x->g->from
                : has_news(c, mark, x->g->from, x->p->ident);
    if (!n.any) TRY(rows_walk_embedded(x->g->view, c, row, look_for_news, &n));
    *out = n.any;
    return ATOLL_OK;
}

enum { RUN_MAX = (1 << 28) - 1 };

static status plan_push(download_group *g, const group_row *r)
{
    g->left++;
    if (g->rows.count > 0) {
        group_row *last = &g->rows.items[g->rows.count - 1];
        bool next = last->class_of == r->class_of && last->row + last->count == r->row;
        if (next && last->kind == r->kind && last->life == r->life && last->count < RUN_MAX) {
            last->count++;
            return ATOLL_OK;
        }
    }
    return vector_push(&g->rows, *r);
}

/* A row that the client has from the part of the group that came before the cut. */
static status plan_there(plan *x, class_key c, row_key row, const row_mark *mark)
{
    leave_record oldest;
    bool left = false, has = mark->alive && view_matches(x->new_view, x->g->view, c, row);
    uint64_t from = x->there.version, ident = x->p->ident;
    group_row r = {.class_of = c, .count = 1, .row = row, .life = mark->life, .kind = ROW_FULL};
    TRY(meta_oldest_leave(x->p->app, NULL, c, row, mark, from, ident, &oldest, &left));
    bool same = mark->changed <= from && !left;
    bool had =
        same || view_had(x->new_view, x->g->view, c, row, mark, left ? &oldest : NULL, from, ident);
    if (left) buffer_free(&oldest.values);
    if (same) {
        x->p->counters.rows_spared += has;
        return ATOLL_OK;
    }
    if (has) return plan_push(x->g, &r);
    r.kind = mark->alive ? ROW_EVICTED : ROW_DELETED;
    return had ? plan_push(x->g, &r) : ATOLL_OK;
}

static status plan_row(void *context, class_key c, row_key row)
{
    plan *x = context;
    row_mark *mark = NULL;
    peer *p = x->p;
    bool had = false, sweep = x->g->sweep;
    p->counters.rows_looked_at++;
    if (map64_has_bit(&x->seen, name_of(c, row))) return ATOLL_OK;
    TRY(map64_put_bit(&x->seen, name_of(c, row), true));
    model_read_pause(x->g->view); /* Nothing is held of the row before. */
    TRY(marks_peek(p->app, c, row, &mark));
    if (resume_has(&x->there, c, row)) return plan_there(x, c, row, mark);
    TRY(plan_had(x, c, row, mark, &had));
    bool has = mark->alive &&
               (view_matches(x->new_view, x->g->view, c, row) || BREAKAGE(BREAKAGE_VIEW_IGNORED));
    bool same_life = mark->since <= x->g->from || mark->since_author == p->ident;
    bool uncertain = map64_has_bit(&x->uncertain, name_of(c, row));
    group_row r = {.class_of = c, .count = 1, .row = row, .life = mark->life};
    if (has) {
        /* A cursor of zero: the client has nothing, or no longer trusts what it has. */
        bool delta = had && same_life && !uncertain && x->g->from > 0;
        r.kind = delta ? ROW_DELTA : ROW_FULL;
    } else if ((had || uncertain) && !sweep && !BREAKAGE(BREAKAGE_EVICTION_NOT_SENT)) {
        bool own = !mark->alive && mark->since_author == p->ident;
        r.kind = mark->alive ? ROW_EVICTED : own ? 0 : ROW_DELETED;
    }
    if (has && r.kind == ROW_DELTA && !sweep) {
        bool any = false;
        TRY(row_has_news(x, c, row, mark, &any));
        if (!any) r.kind = 0;
    }
    return r.kind == 0 ? ATOLL_OK : plan_push(x->g, &r);
}

static status plan_changed(void *context, uint64_t version, class_key c, row_key row)
{
    (void)version;
    return plan_row(context, c, row);
}

static status plan_left(void *context, class_key c, row_key row, const leave_record *r)
{
    (void)r;
    return plan_row(context, c, row);
}

static status plan_query(plan *x, const query *q)
{
    row_vector rows = {0};
    bool usable = false;
    TRY(places_of_query(x->p->app, x->new_view, q, x->g->view, plan_row, x, &usable));
    if (usable) return ATOLL_OK;
    status result = query_run(q, x->g->view, &rows);
    for (size_t k = 0; k < rows.count && result == ATOLL_OK; k++)
        result = plan_row(x, query_class(q), rows.items[k]);
    vector_free(&rows);
    return result;
}

static int compare_rows(const void *a, const void *b)
{
    const group_row *x = a, *y = b;
    if (x->class_of != y->class_of) return x->class_of < y->class_of ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

static status plan_uncertain(plan *x)
{
    ident_record record;
    bool found = false;
    TRY(ident_read(x->p->app, x->p->ident, &record, &found));
    status result = ATOLL_OK;
    for (size_t i = 0; i < record.uncertain.count && result == ATOLL_OK; i++) {
        const uncertain_row *u = &record.uncertain.items[i];
        if (u->version > x->g->from)
            result = map64_put_bit(&x->uncertain, name_of(u->class_of, u->row), true);
    }
    /* What it made outside of its view is found by nothing else. */
    for (size_t i = 0; i < record.uncertain.count && result == ATOLL_OK && !x->g->sweep; i++) {
        const uncertain_row *u = &record.uncertain.items[i];
        row_mark *mark = NULL;
        if (u->version <= x->g->from || x->g->from == 0) continue;
        result = marks_peek(x->p->app, u->class_of, u->row, &mark);
        if (result == ATOLL_OK && mark->changed > x->g->from)
            result = plan_row(x, u->class_of, u->row);
    }
    ident_record_free(&record);
    return result;
}

/* What changed since the cursor: what the predicate index told of, what the index of places knows, or all of it. */
static status plan_changes(plan *x)
{
    peer *p = x->p;
    uint64_t from = x->g->from;
    bool usable = false;
    status result = ATOLL_OK;
    if (p->live && !p->wanted_all) {
        for (size_t i = 0; i < p->wanted.count && result == ATOLL_OK; i++)
            result = plan_row(x, p->wanted.items[i].class_of, p->wanted.items[i].row);
        return result;
    }
    if (x->old_view == x->new_view)
        TRY(places_changed(p->app, x->new_view, x->g->view, from, plan_row, x, &usable));
    if (usable) return ATOLL_OK;
    TRY(meta_changed(p->app, from, plan_changed, x));
    return meta_leaves(p->app, from, plan_left, x);
}

/* All that matches; of what the client has from before a cut, what changed since. */
static status plan_view(plan *x)
{
    download_group *g = x->g;
    status result = ATOLL_OK;
    TRY(resume_take(x->p, g, x->old_view, &x->there));
    g->continued = x->there.known;
    g->start = (group_row){.class_of = x->there.class_of, .row = x->there.row};
    for (size_t i = 0; i < x->new_view->queries.count && result == ATOLL_OK; i++)
        result = plan_query(x, x->new_view->queries.items[i]);
    if (result != ATOLL_OK || !g->continued || BREAKAGE(BREAKAGE_BEHIND_NOT_SENT)) return result;
    TRY(meta_changed(x->p->app, x->there.version, plan_changed, x));
    return meta_leaves(x->p->app, x->there.version, plan_left, x);
}

static status plan_group(peer *p, download_group *g)
{
    plan x = {.p = p,
              .g = g,
              .old_view = &p->view,
              .new_view = p->has_next_view ? &p->next_view : &p->view};
    g->sweep = p->has_next_view;
    g->view_version = p->has_next_view ? p->next_view_version : p->view_version;
    if (p->view_unknown) x.old_view = NULL;
    status result = plan_uncertain(&x);
    if (result == ATOLL_OK && (g->sweep || g->from == 0)) {
        result = plan_view(&x);
    } else if (result == ATOLL_OK) {
        result = plan_changes(&x);
    }
    if (g->rows.count > 1) qsort(g->rows.items, g->rows.count, sizeof *g->rows.items, compare_rows);
    map64_free(&x.seen);
    map64_free(&x.uncertain);
    return result;
}

void send_group_end(peer *p)
{
    vector_free(&p->group.rows);
    model_view_release_resting(p->group.view);
    p->group = (download_group){0};
}

static status group_begin(peer *p)
{
    download_group *g = &p->group;
    TRY(watch_advance(p->app));
    *g = (download_group){.active = true, .from = p->cursor};
    g->view = model_view_newest(p->app->db);
    if (g->view == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    model_view_rest(g->view); /* A slow reader pins the version, not what was read of it. */
    g->to = model_view_version(g->view);
    g->with_schema = p->schema_generation != p->app->schema_generation;
    status result = plan_group(p, g);
    if (result == ATOLL_OK && (!p->live || p->has_next_view)) {
        result = watch_begin(p, p->has_next_view ? &p->next_view : &p->view);
    } else {
        vector_free(&p->wanted);
        p->wanted_all = false;
    }
    p->uploaded = false;
    if (result != ATOLL_OK) send_group_end(p);
    return result;
}

/* ---- messages ---- */

static status write_out(peer *p, const server_message *m)
{
    buffer_clear(&p->out);
    TRY(codec_server_write(&p->out, m));
    return p->packs ? codec_server_pack(&p->out) : ATOLL_OK;
}

static bool group_take(download_group *g, group_row *out)
{
    if (g->next == g->rows.count) return false;
    *out = g->rows.items[g->next];
    out->row += g->within++;
    g->left--;
    if (g->within < out->count) return true;
    g->within = 0;
    g->next++;
    return true;
}

static status group_part(peer *p, arena *memory)
{
    download_group *g = &p->group;
    wire_builder b = {.memory = memory};
    row_writer w = {.p = p, .b = &b, .view = g->view, .after = g->from};
    server_message m = {.kind = SERVER_DOWNLOAD};
    group_row r;
    if (BREAKAGE(BREAKAGE_ROW_SKIPPED) && g->left > 1) (void)group_take(g, &r);
    while (b.size < MESSAGE_SIZE_TARGET && group_take(g, &r)) {
        model_read_pause(g->view); /* Nothing is held of the row before. */
        TRY(put_row(&w, r.class_of, r.row, (row_kind)r.kind, r.life));
    }
    TRY(wire_builder_finish(&b));
    bool last = g->left == 0;
    m.download = (wire_download){.from = g->from,
                                 .to = g->to,
                                 .last = last,
                                 .sweep = g->sweep || g->from == 0,
                                 .continues = g->continued,
                                 .view_version = g->view_version,
                                 .rows = b.rows,
                                 .clock = p->app->clock,
                                 .remaining_rows = g->left};
    TRY(resume_position(p, memory, &m.download.position));
    if (g->with_schema)
        TRY(app_schema_for(p->app, &p->client_schema->schema, &p->gone, &m.download.schema));
    status result = write_out(p, &m);
    schema_free(&m.download.schema);
    if (result != ATOLL_OK) return result;
    if (g->with_schema) p->schema_generation = p->app->schema_generation;
    g->with_schema = false;
    if (!last) return ATOLL_OK;
    p->cursor = p->told_cursor = g->to;
    if (g->sweep) {
        /* What was written under the view before is still on the way, perhaps. */
        peer_view_passed(p, p->view, g->to);
        p->view = p->next_view;
        p->view_version = p->next_view_version;
        p->has_next_view = p->view_unknown = false;
    }
    send_group_end(p);
    return ATOLL_OK;
}

static status cursor_only(peer *p)
{
    server_message m = {.kind = SERVER_DOWNLOAD};
    m.download = (wire_download){.from = p->told_cursor,
                                 .to = p->cursor,
                                 .last = true,
                                 .view_version = p->view_version,
                                 .clock = p->app->clock};
    p->told_cursor = p->cursor;
    return write_out(p, &m);
}

static status outcome_row_put(row_writer *w, const outcome_row *o)
{
    row_mark *mark = NULL;
    TRY(marks_peek(w->p->app, o->class_of, o->row, &mark));
    bool visible = mark->alive && view_matches(&w->p->view, w->view, o->class_of, o->row);
    if (mark->alive && w->p->has_next_view)
        visible |= view_matches(&w->p->next_view, w->view, o->class_of, o->row);
    /* The life that the upload got into has ended since: what was done on top of it ended too. */
    bool reverted = o->reverted || (o->life != 0 && o->life != mark->life);
    row_kind kind = visible                           ? reverted ? ROW_REVERTED : ROW_FULL
                    : mark->life != 0 && !mark->alive ? ROW_DELETED
                                                      : ROW_EVICTED;
    uint64_t life = kind == ROW_EVICTED && reverted ? 0 : mark->life;
    return put_row(w, o->class_of, o->row, kind, life);
}

static void key_text(const value *key, char *to, size_t size)
{
    int at = 0;
    switch (key->type) {
    case VALUE_INT: snprintf(to, size, "%lld", (long long)key->as.integer); return;
    case VALUE_STRING:
        snprintf(to, size, "'%.*s'", (int)(key->as.text.size < 100 ? key->as.text.size : 100),
                 (const char *)key->as.text.data);
        return;
    default:
        for (int i = 0; i < (key->type == VALUE_OBJECT_ID ? 12 : 16) && (size_t)at + 3 < size; i++)
            at += snprintf(to + at, size - (size_t)at, "%02x", key->as.id[i]);
    }
}

static status put_one_rejected(peer *p, arena *memory, const model_schema *schema,
                               const rejected_row *r, wire_ack *a)
{
    const model_class *c = schema_class(schema, r->class_of);
    char text[160] = "";
    reader from = reader_of(bytes_of(r->packed, r->packed_size));
    value key = value_read(&from);
    if (from.failed) key = value_null();
    key_text(&key, text, sizeof text);
    wire_rejected x = {arena_text(memory, bytes_text(c == NULL ? "" : c->name)),
                       arena_text(memory, bytes_text(text)), r->reason, key};
    if (x.class_name == NULL || x.key == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    if (key.type == VALUE_STRING) { /* The record is gone when the message is made. */
        const char *copy = arena_text(memory, key.as.text);
        if (copy == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
        x.primary_key.as.text = bytes_of(copy, key.as.text.size);
    }
    peer_log_refused(p, x.class_name, x.reason);
    return arena_push(memory, &a->rejected, x);
}

static status put_rejected(peer *p, arena *memory, const ident_record *r, wire_ack *a)
{
    model_view *view = model_view_newest(p->app->db);
    if (view == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    status result = ATOLL_OK;
    for (size_t i = 0; i < r->rejected.count && result == ATOLL_OK; i++)
        result = put_one_rejected(p, memory, model_view_schema(view), &r->rejected.items[i], a);
    model_view_release(view);
    return result;
}

static status ack_part(peer *p, arena *memory)
{
    ident_record record;
    bool found = false;
    server_message m = {.kind = SERVER_UPLOAD_ACK};
    wire_builder b = {.memory = memory};
    TRY(ident_read(p->app, p->ident, &record, &found));
    model_view *view = model_view_newest(p->app->db);
    status result = view == NULL || !found
                        ? fail(ATOLL_ERROR_INTERNAL, "the ident of a session is gone")
                        : ATOLL_OK;
    row_writer w = {.p = p, .b = &b, .view = view};
    size_t first = p->ack_next;
    while (result == ATOLL_OK && p->ack_next < record.outcome.count &&
           p->ack_next - first < ACK_ROWS_MAX && b.size < MESSAGE_SIZE_TARGET) {
        result = outcome_row_put(&w, &record.outcome.items[p->ack_next++]);
    }
    if (result == ATOLL_OK) result = wire_builder_finish(&b);
    bool last = p->ack_next >= record.outcome.count;
    if (BREAKAGE(BREAKAGE_REFUSAL_NOT_TOLD)) record.rejected.count = 0;
    m.ack = (wire_ack){.batch = bytes_of(p->ack.batch, 16),
                       .bound = p->ack.bound,
                       .version = p->ack.version,
                       .clock = p->app->clock,
                       .cursor = p->cursor,
                       .last = last,
                       .rows = b.rows};
    if (result == ATOLL_OK && last) result = put_rejected(p, memory, &record, &m.ack);
    if (result == ATOLL_OK) result = write_out(p, &m);
    if (result == ATOLL_OK && last) {
        p->has_ack = false;
        p->acknowledged = p->large;
        p->told_cursor = p->cursor;
    }
    model_view_release(view);
    ident_record_free(&record);
    return result;
}

static status mark_reply(peer *p, bool *made)
{
    *made = false;
    if (p->tell_cursor && p->told_cursor < p->cursor && !p->has_next_view) {
        p->tell_cursor = false;
        *made = true;
        return cursor_only(p);
    }
    if (p->marks.count == 0 || p->marks.items[0].target > p->cursor || p->has_next_view)
        return ATOLL_OK;
    *made = true;
    if (p->told_cursor < p->cursor) return cursor_only(p);
    server_message m = {.kind = SERVER_MARK_REPLY, .mark = p->marks.items[0].request};
    memmove(p->marks.items, p->marks.items + 1, (p->marks.count - 1) * sizeof *p->marks.items);
    p->marks.count--;
    return write_out(p, &m);
}

bool send_is_clean(const peer *p)
{
    return p->live && !p->uploaded && !p->wanted_all && p->wanted.count == 0 && !p->group.active &&
           !p->has_next_view && !p->view_stale && p->schema_generation == p->app->schema_generation;
}

/* Commits that are none of its business cost nothing but this. */
static status catch_up(peer *p)
{
    TRY(watch_advance(p->app));
    uint64_t version = model_version(p->app->db);
    bool quiet = !p->live && !p->group.active && !p->has_next_view && p->cursor == version &&
                 p->schema_generation == p->app->schema_generation;
    if (quiet) TRY(watch_begin(p, &p->view));
    if (send_is_clean(p)) p->cursor = version;
    return ATOLL_OK;
}

static status make_next(peer *p, bool *made)
{
    arena memory;
    status result = ATOLL_OK;
    *made = false;
    if (!p->bound) return ATOLL_OK;
    if (p->view_stale && !p->group.active) {
        TRY(peer_renew_view(p));
        peer_wake(p); /* It may have made a commit, without which nothing leaves. */
    }
    arena_init(&memory, LIMIT_TRANSACTION_SIZE_MAX);
    bool durable = p->app->durable == model_version(p->app->db);
    bool acknowledges = p->has_ack && !p->group.active; /* That waits for nothing else. */
    if (durable && !acknowledges) result = catch_up(p);
    if (result != ATOLL_OK) return result;
    if (p->group.active) {
        *made = true;
        result = group_part(p, &memory);
    } else if (p->has_ack && (durable || BREAKAGE(BREAKAGE_ACKNOWLEDGE_BEFORE_COMMIT))) {
        *made = true;
        result = ack_part(p, &memory);
    } else if (durable &&
               (p->has_next_view || (p->cursor < model_version(p->app->db) && !p->held))) {
        result = group_begin(p);
        if (result == ATOLL_OK && p->group.rows.count == 0 && !p->group.sweep &&
            p->group.from != 0 && !p->group.with_schema) {
            /* Nothing of it is for this session. */
            p->cursor = p->group.to;
            send_group_end(p);
            result = mark_reply(p, made);
        } else if (result == ATOLL_OK) {
            *made = true;
            result = group_part(p, &memory);
        }
    } else if (durable) {
        result = mark_reply(p, made);
        if (result == ATOLL_OK && !*made && p->cursor - p->told_cursor >= CURSOR_LAG_MAX) {
            *made = true;
            result = cursor_only(p);
        }
    }
    arena_free(&memory);
    return result;
}

status send_next(peer *p, bool *made)
{
    model_reader *reader = model_read_begin(p->app->db);
    status result = make_next(p, made);
    model_read_end(p->app->db, reader);
    return result;
}
