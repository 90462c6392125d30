/* The server's end of one session: what a client says, and in which state it may.
 * It must never touch a socket or a clock. Invariant: before Bind nothing but Authenticate is taken, and after an error or
 * Unbind nothing more is. */
#include "server/app.h"

#include <stdio.h>

enum { ARENA_FACTOR = 16, TOLD_EPOCHS_MAX = 1000, MADE_MAX = 1 << 16 };
/* Bytes of room for the next message: a session that is idle costs little. */
enum { MESSAGE_KEPT_MAX = 4096 };

static const char category[] = "Realm.Sync.Server";

/* ---- life ---- */

status peer_new(server_app *app, const char *user_id, peer **out)
{
    peer *p = memory_allocate_zero(sizeof *p);
    if (p == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    p->app = app;
    buffer_init(&p->out, LIMIT_MESSAGE_SIZE_MAX);
    p->user_id = memory_copy_text(user_id, strlen(user_id));
    if (p->user_id == NULL || watch_join(p) != ATOLL_OK ||
        vector_push(&app->peers, p) != ATOLL_OK) {
        memory_free(p->user_id);
        memory_free(p);
        return ATOLL_ERROR_OUT_OF_MEMORY;
    }
    p->index = app->peers.count - 1;
    *out = p;
    return ATOLL_OK;
}

static void unbind(peer *p)
{
    if (p->bound) map64_remove(&p->app->bound, p->ident);
    p->bound = false;
}

void peer_free(peer *p)
{
    if (p == NULL) return;
    watch_leave(p);
    unbind(p);
    peer *last = p->app->peers.items[--p->app->peers.count];
    p->app->peers.items[p->index] = last;
    last->index = p->index;
    staging_drop(p->app, &p->staged);
    send_group_end(p);
    view_free(&p->view);
    if (p->has_next_view) view_free(&p->next_view);
    for (size_t i = 0; i < p->before_count; i++) view_free(&p->before[i].view);
    schemas_drop(p->client_schema);
    rules_free(&p->rules);
    user_data_free(p->data);
    for (size_t i = p->queue_first; i < p->queue.count; i++) memory_free(p->queue.items[i].data);
    vector_free(&p->queue);
    vector_free(&p->marks);
    memory_free(p->last_message);
    memory_free(p->close_text);
    memory_free(p->user_id);
    gone_free(&p->gone);
    buffer_free(&p->out);
    memory_free(p);
}

status peer_queue(peer *p, const server_message *m)
{
    buffer encoded;
    buffer_init(&encoded, LIMIT_MESSAGE_SIZE_MAX);
    status result = codec_server_write(&encoded, m);
    if (result == ATOLL_OK && p->packs) result = codec_server_pack(&encoded);
    queued_message q = {encoded.data, encoded.size};
    if (result == ATOLL_OK) result = vector_push(&p->queue, q);
    if (result != ATOLL_OK) buffer_free(&encoded);
    return result;
}

status server_public_error(status code, const char **text)
{
    bool own = (code >= 400 && code < 500) || code == ATOLL_ERROR_INTERNAL;
    if (!own) return code;
    log_write(LOG_ERROR, category, "error %d, told to a client as one of the server: %s", code,
              *text);
    *text = "the server could not read or keep data, its log says why; what it did not acknowledge "
            "is sent again";
    return ATOLL_ERROR_SERVER;
}

void peer_end(peer *p, status code, const char *text, bool fatal)
{
    if (p->closing) return;
    char copy[512];
    code = server_public_error(code, &text);
    snprintf(copy, sizeof copy, "%s", text);
    bool reset = code == ATOLL_ERROR_CLIENT_RESET || code == ATOLL_ERROR_COPIED_FOLDER;
    server_message m = {
        .kind = SERVER_ERROR,
        .error = {code, copy, fatal, 0, reset && p->app->options.no_recovery, p->log_id}};
    if (code != ATOLL_OK && peer_queue(p, &m) != ATOLL_OK)
        log_write(LOG_ERROR, category, "an error could not be sent: %s", copy);
    if (code != ATOLL_OK) peer_log_error(p, code, copy, fatal);
    p->closing = true;
    peer_wake(p);
    unbind(p);
    p->close_code = code;
    p->close_text = memory_copy_text(copy, strlen(copy));
    staging_drop(p->app, &p->staged);
    send_group_end(p);
}

/* Errors after which a client may come again by itself. */
static bool is_transient(status code)
{
    return code == ATOLL_ERROR_OUT_OF_MEMORY || code == ATOLL_ERROR_DISK_FULL ||
           code == ATOLL_ERROR_FILE_ACCESS || code == ATOLL_ERROR_CLOSED ||
           code == ATOLL_ERROR_SERVER;
}

/* ---- bind ---- */

/* The newest version that both speak. */
static status choose_version(peer *p, const wire_bind *b)
{
    uint32_t newest =
        b->version_maximum < WIRE_VERSION_MAXIMUM ? b->version_maximum : WIRE_VERSION_MAXIMUM;
    if (newest < WIRE_VERSION_MINIMUM || newest < b->version_minimum)
        return fail(ATOLL_ERROR_PROTOCOL_VERSION,
                    "the client speaks versions %u to %u of the protocol, this server %d to %d",
                    b->version_minimum, b->version_maximum, WIRE_VERSION_MINIMUM,
                    WIRE_VERSION_MAXIMUM);
    p->protocol_version = newest;
    return ATOLL_OK;
}

static status check_mode(peer *p, const wire_bind *b)
{
    const server_app_options *o = &p->app->options;
    if (strcmp(b->app_id, o->app_id) != 0)
        return fail(ATOLL_ERROR_UNKNOWN_APP, "this is the app '%s', not '%s'", o->app_id,
                    b->app_id);
    /* A partition is the subscription `property == value` on every class: clients of before the switch need no more. */
    bool hidden = !b->flexible && o->flexible && o->partition_clients;
    if (b->flexible != o->flexible && !hidden) {
        return fail(ATOLL_ERROR_WRONG_SYNC_TYPE, "the app '%s' uses %s sync", o->app_id,
                    o->flexible ? "flexible" : "partition");
    }
    return ATOLL_OK;
}

static status new_ident(peer *p, ident_record *r)
{
    model_txn *txn = NULL;
    const platform *platform = p->app->options.platform;
    p->ident = p->app->next_ident;
    platform->random(platform->context, r->secret, 16);
    r->user_id = memory_copy_text(p->user_id, strlen(p->user_id));
    if (r->user_id == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    TRY(app_begin(p->app, &txn));
    p->app->next_ident++;
    status result = ident_write(txn, p->ident, r);
    if (result == ATOLL_OK) result = app_record_write(p->app, txn);
    if (result == ATOLL_OK) return model_commit(txn, NULL);
    model_rollback(txn);
    return result;
}

static bool same_id(bytes id, const uint8_t *mine)
{
    return id.size == 16 && memcmp(id.data, mine, 16) == 0;
}

/* A folder that went on under another copy, or was restored: nothing of it may be applied (design rule 4). */
static status check_copy(const wire_bind *b, const ident_record *r, bool *lost_ack)
{
    *lost_ack = false;
    if (!r->has_batch && b->acknowledged_batch.size == 0) return ATOLL_OK;
    if (r->has_batch && same_id(b->acknowledged_batch, r->last_batch)) return ATOLL_OK;
    if (r->has_batch && same_id(b->sent_batch, r->last_batch) && b->sent_bound == r->bound) {
        *lost_ack = true;
        return ATOLL_OK;
    }
    return fail(ATOLL_ERROR_COPIED_FOLDER,
                "this realm is a copy of a folder that went on elsewhere, or an older state of it; "
                "its data stays usable offline");
}

/* A run of the client whose ident another run took has ended, or the folder is a copy and both go on. */
static status check_run(peer *p, const wire_bind *b)
{
    uint64_t *now = map64_get(&p->app->runs, b->ident),
             *before = map64_get(&p->app->runs_before, b->ident);
    if (b->run == 0 || (now != NULL && *now == b->run)) return ATOLL_OK;
    if (before != NULL && *before == b->run)
        return fail(ATOLL_ERROR_COPIED_FOLDER,
                    "this realm is a copy of a folder that goes on elsewhere");
    if (now != NULL) TRY(map64_put(&p->app->runs_before, b->ident, *now));
    return map64_put(&p->app->runs, b->ident, b->run);
}

static void end_others(const peer *p)
{
    uint64_t *other = map64_get(&p->app->bound, p->ident);
    if (other != NULL)
        peer_end((peer *)(uintptr_t)*other, ATOLL_ERROR_CONNECTION_CLOSED,
                 "the realm was bound again by another stream", false);
}

/* A run that has no ident gets one, once: who comes for it again did not hear the answer, or says again what was said before. */
static status first_ident(peer *p, const wire_bind *b, ident_record *r, bool *lost_ack)
{
    /* Idents are given again by data that was restored: the secret tells them apart. */
    bytes before = b->previous_secret;
    uint64_t name = before.size == 0 ? b->run : hash_bytes(before.data, before.size, b->run);
    uint64_t *made = b->run == 0 ? NULL : map64_get(&p->app->made, name);
    bool found = false;
    if (made != NULL) TRY(ident_read(p->app, *made, r, &found));
    if (found && strcmp(r->user_id, p->user_id) == 0) {
        TRY(check_copy(b, r, lost_ack));
        p->ident = *made;
        end_others(p);
        return ATOLL_OK;
    }
    ident_record_free(r);
    TRY(new_ident(p, r));
    if (p->app->made.count >= MADE_MAX) map64_clear(&p->app->made);
    return b->run == 0 ? ATOLL_OK : map64_put(&p->app->made, name, p->ident);
}

static status known_ident(peer *p, const wire_bind *b, ident_record *r, bool *lost_ack)
{
    bool found = false;
    TRY(history_check(p->app, b->epoch, b->cursor, b->acknowledged_version));
    TRY(ident_read(p->app, b->ident, r, &found));
    if (!found)
        return fail(ATOLL_ERROR_CLIENT_RESET, "the server does not know the ident %llu",
                    (unsigned long long)b->ident);
    if (!same_id(b->secret, r->secret))
        /* A restored server gave it to somebody else; a copy would know it. */
        return fail(ATOLL_ERROR_CLIENT_RESET, "the ident %llu is somebody else's now",
                    (unsigned long long)b->ident);
    if (strcmp(r->user_id, p->user_id) != 0)
        return fail(ATOLL_ERROR_USER_MISMATCH, "the realm belongs to another user");
    TRY(check_copy(b, r, lost_ack));
    TRY(check_run(p, b));
    p->ident = b->ident;
    end_others(p);
    return ATOLL_OK;
}

/* Of which stretches the history is that the client is bound in: what it does not know yet. */
static status tell_epochs(const peer *p, const wire_bind *b, arena *memory, wire_bound *out)
{
    const app_history *h = &p->app->history;
    size_t from = h->epochs.count > TOLD_EPOCHS_MAX ? h->epochs.count - TOLD_EPOCHS_MAX : 0;
    for (size_t i = from; i < h->epochs.count && b->ident != 0; i++)
        if (h->epochs.items[i].id == b->epoch) from = i;
    for (size_t i = from; i < h->epochs.count; i++) {
        const app_epoch *x = &h->epochs.items[i];
        wire_epoch e = {x->id, history_last(p->app, i), x->began};
        TRY(arena_push(memory, &out->history, e));
    }
    return ATOLL_OK;
}

/* A client that begins anew after a reset: whether its last batch is here. */
static status tell_history(peer *p, const wire_bind *b, arena *memory, wire_bound *out)
{
    ident_record r;
    bool found = false;
    TRY(tell_epochs(p, b, memory, out));
    if (b->ident != 0 || b->previous_ident == 0) return ATOLL_OK;
    TRY(trails_newest(p->app, b->trail, &b->commits, &out->shared_commit));
    TRY(ident_read(p->app, b->previous_ident, &r, &found));
    bool own = found && same_id(b->previous_secret, r.secret) && strcmp(r.user_id, p->user_id) == 0;
    for (size_t i = 0; own && i < r.applied.count; i++) {
        if (same_id(b->sent_batch, r.applied.items[i].id) &&
            r.applied.items[i].bound == b->sent_bound) {
            out->previous_high_water = b->sent_bound;
            out->previous_version = r.applied.items[i].version;
        }
    }
    ident_record_free(&r);
    return ATOLL_OK;
}

static status answer_bind(peer *p, const wire_bind *b, const ident_record *r, bool lost_ack)
{
    server_message m = {.kind = SERVER_BOUND};
    m.bound = (wire_bound){.version = p->protocol_version,
                           .ident = p->ident,
                           .epoch = p->app->epoch,
                           .high_water = r->bound,
                           .sequence_mark = r->sequence_mark,
                           .newest = model_version(p->app->db),
                           .secret = bytes_of(r->secret, 16),
                           .server_ms = app_now_ms(p->app),
                           .accepts_zstd = true,
                           .log_id = p->log_id};
    if (r->has_batch) m.bound.last_batch = bytes_of(r->last_batch, 16);
    p->packs = b->accepts_zstd;
    m.bound.offline_ms = p->app->options.offline_ms;
    TRY(app_schema_for(p->app, &p->client_schema->schema, &p->gone, &m.bound.schema));
    arena memory;
    arena_init(&memory, 1u << 20);
    status result = tell_history(p, b, &memory, &m.bound);
    if (result == ATOLL_OK) result = peer_queue(p, &m);
    arena_free(&memory);
    schema_free(&m.bound.schema);
    if (result != ATOLL_OK) return result;
    p->schema_generation = p->app->schema_generation;
    p->cursor = p->told_cursor = b->cursor;
    resume_read(p, b->resume);
    TRY(map64_put(&p->app->bound, p->ident, (uint64_t)(uintptr_t)p));
    p->bound = true;
    p->has_ack = lost_ack;
    p->ack_next = 0;
    p->ack = (waiting_ack){.bound = r->bound, .version = r->batch_version};
    memcpy(p->ack.batch, r->last_batch, 16);
    return ATOLL_OK;
}

static status bind_view(peer *p, const wire_bind *b, ident_record *r)
{
    bool changed = false;
    TRY(peer_make_rules(p, b->flexible ? NULL : &b->partition));
    if (!p->rules.reads_partition)
        return fail(ATOLL_ERROR_PERMISSION_DENIED,
                    "the user may not read this partition: see the app's partition rules");
    if (!b->flexible) {
        TRY(view_partition(p->app, &p->rules, &b->partition, &p->view));
    } else {
        TRY(view_flexible(p->app, &p->rules, &b->view, false, &p->view));
        p->view_version = b->view_version;
    }
    TRY(peer_keep_rules(p, r, b->cursor, &changed));
    if (changed) TRY(peer_renew_view(p));
    if (b->flexible && b->view_before.count > 0) {
        server_view before;
        TRY(view_flexible(p->app, &p->rules, &b->view_before, false, &before));
        peer_view_passed(p, before, b->cursor);
        TRY(view_declare_queryables(p->app, &p->before[0].view));
    }
    return view_declare_queryables(p->app, &p->view);
}

/* One that was taken since the server's own has changed last says nothing new. */
static status take_schema(peer *p, wire_bind *b)
{
    gone_free(&p->gone);
    TRY(removed_from_schema(p->app, &b->schema, &p->gone));
    schemas_drop(p->client_schema); /* of a Bind that failed */
    p->client_schema = NULL;
    TRY(schemas_share(p->app, &b->schema, &p->client_schema));
    if (b->flexible && p->client_schema->taken == p->app->schema_generation) return ATOLL_OK;
    TRY(app_take_schema(p->app, &b->schema, b->flexible, &b->partition));
    if (b->flexible) p->client_schema->taken = p->app->schema_generation;
    return ATOLL_OK;
}

static status take_bind(peer *p, wire_bind *b)
{
    ident_record r = {0};
    bool lost_ack = false;
    if (p->bound) return fail(ATOLL_ERROR_PROTOCOL, "a second Bind");
    TRY(choose_version(p, b));
    TRY(check_mode(p, b));
    TRY(take_schema(p, b));
    status result =
        b->ident != 0 ? known_ident(p, b, &r, &lost_ack) : first_ident(p, b, &r, &lost_ack);
    if (result == ATOLL_OK) result = bind_view(p, b, &r);
    if (result == ATOLL_OK) result = answer_bind(p, b, &r, lost_ack);
    if (result == ATOLL_OK) {
        p->log_level = b->log_level;
        peer_log_bound(p, b->user_agent != NULL ? b->user_agent : "", b->cursor);
    }
    ident_record_free(&r);
    return result;
}

/* ---- the rest ---- */

static status take_subscribe(peer *p, const wire_subscribe *w)
{
    server_view next;
    server_message m = {.kind = SERVER_SUBSCRIPTION_STATE,
                        .subscription_state = {w->version, ATOLL_OK, ""}};
    if (!p->app->options.flexible)
        return fail(ATOLL_ERROR_WRONG_SYNC_TYPE,
                    "the app uses partition sync: there are no subscriptions");
    status result = view_flexible(p->app, &p->rules, &w->queries, true, &next);
    if (result == ATOLL_OK) {
        result = view_declare_queryables(p->app, &next);
        if (result != ATOLL_OK) view_free(&next);
    }
    if (result == ATOLL_OK) {
        if (p->group.active && p->group.sweep) {
            /* The set before was not answered in full: its download ends here, and what it promised comes with this one. */
            return fail(ATOLL_ERROR_BUSY,
                        "a subscription set came before the download of the one before it ended");
        }
        if (p->has_next_view) view_free(&p->next_view);
        p->next_view = next;
        p->has_next_view = true;
        p->next_view_version = w->version;
        return peer_queue(p, &m);
    }
    char text[512];
    snprintf(text, sizeof text, "%s", fail_text());
    m.subscription_state = (wire_subscription_state){w->version, result, text};
    return peer_queue(p, &m);
}

static status check_upload(peer *p, const wire_upload *u)
{
    const staged_batch *s = &p->staged;
    if (p->has_ack)
        return fail(ATOLL_ERROR_PROTOCOL, "a batch came before the one before it was acknowledged");
    if (u->part != s->parts.count)
        return fail(ATOLL_ERROR_PROTOCOL, "part %u of a batch came where part %zu was due", u->part,
                    s->parts.count);
    if (u->part > 0 && (!same_id(u->batch, s->id) || s->bound != u->bound))
        return fail(ATOLL_ERROR_PROTOCOL, "parts of different batches");
    return ATOLL_OK;
}

/* The batch follows the one that the server applied last, or it is not ours to apply. */
static status check_order(peer *p)
{
    ident_record r;
    bool found = false;
    const staged_batch *s = &p->staged;
    bytes previous = bytes_of(s->previous, s->has_previous ? sizeof s->previous : 0);
    TRY(ident_read(p->app, p->ident, &r, &found));
    bool follows =
        r.has_batch ? same_id(previous, r.last_batch) && s->bound >= r.bound : previous.size == 0;
    ident_record_free(&r);
    return follows ? ATOLL_OK
                   : fail(ATOLL_ERROR_COPIED_FOLDER,
                          "the batch doesn't follow the last one of this ident");
}

void peer_view_passed(peer *p, server_view view, uint64_t until)
{
    if (view.queries.count == 0) {
        view_free(&view);
        return;
    }
    if (p->before_count == VIEWS_BEFORE_MAX) {
        view_free(&p->before[0].view);
        p->before_count--;
        memmove(p->before, p->before + 1, p->before_count * sizeof *p->before);
    }
    p->before[p->before_count++] = (past_view){view, until};
}

/* Everything that the client wrote before it had integrated this version has arrived. */
static void forget_views(peer *p, uint64_t cursor)
{
    size_t kept = 0;
    for (size_t i = 0; i < p->before_count; i++) {
        if (p->before[i].until <= cursor)
            view_free(&p->before[i].view);
        else
            p->before[kept++] = p->before[i];
    }
    p->before_count = kept;
}

static judging_views judged_by(const peer *p)
{
    judging_views views = {{&p->view}, 1, 1, &p->rules};
    if (p->has_next_view) views.items[views.count++] = &p->next_view;
    views.in_force = views.count;
    for (size_t i = 0; i < p->before_count; i++) views.items[views.count++] = &p->before[i].view;
    return views;
}

static status apply_staged(peer *p)
{
    staged_batch *s = &p->staged;
    uint64_t version = 0;
    TRY(check_order(p));
    const judging_views views = judged_by(p);
    TRY(watch_advance(p->app));
    if (send_is_clean(p)) p->cursor = model_version(p->app->db);
    TRY(apply_batch(p->app, p->ident, &views, s, &version));
    forget_views(p, s->cursor);
    p->uploaded = true;
    p->has_ack = true;
    p->large = s->parts.count > 1;
    p->ack_next = 0;
    p->ack = (waiting_ack){.bound = s->bound, .version = version};
    memcpy(p->ack.batch, s->id, sizeof p->ack.batch);
    p->counters.uploads_applied++;
    staging_drop(p->app, s);
    return ATOLL_OK;
}

static status take_upload(peer *p, bytes message, arena *memory, client_message *m)
{
    const wire_upload *u = &m->upload;
    bool last = u->last;
    removed_from_upload(&p->gone, &m->upload);
    TRY(check_upload(p, u));
    for (size_t i = 0; i < u->rows.count; i++) p->counters.rows_in += u->rows.items[i]->count;
    TRY(staging_add(p, message, memory, m));
    if (last) return apply_staged(p);
    const judging_views views = judged_by(p);
    if (u->part > 0 || check_order(p) == ATOLL_OK) early_part(p, &views, u);
    return ATOLL_OK;
}

static status take_body(peer *p, bytes message, arena *memory, client_message *m)
{
    if (!p->bound && m->kind != CLIENT_BIND && m->kind != CLIENT_AUTHENTICATE)
        return fail(ATOLL_ERROR_PROTOCOL, "the first message must be Bind");
    switch (m->kind) {
    case CLIENT_BIND: return take_bind(p, &m->bind);
    case CLIENT_SUBSCRIBE: return take_subscribe(p, &m->subscribe);
    case CLIENT_UPLOAD: return take_upload(p, message, memory, m);
    case CLIENT_MARK: {
        waiting_mark w = {m->mark, model_version(p->app->db)};
        return vector_push(&p->marks, w);
    }
    case CLIENT_AUTHENTICATE:
        return p->authenticator == NULL ? ATOLL_OK
                                        : p->authenticator(p->owner, bytes_text(m->token));
    case CLIENT_PING: {
        server_message pong = {
            .kind = SERVER_PONG, .pong_sent_ms = m->ping, .pong_server_ms = app_now_ms(p->app)};
        return peer_queue(p, &pong);
    }
    case CLIENT_UNBIND: peer_end(p, ATOLL_OK, "unbound", false); return ATOLL_OK;
    }
    return ATOLL_OK;
}

void peer_arena_init(arena *memory, bytes message)
{
    arena_init(memory, ARENA_FACTOR * message.size + (1u << 20));
}

void peer_received(peer *p, uint64_t now_ms, bytes message)
{
    arena memory;
    client_message m = {0};
    (void)now_ms;
    if (p->closing) return;
    p->counters.messages_in++;
    p->counters.bytes_in += message.size;
    peer_arena_init(&memory, message);
    status result = codec_client_read(message, &memory, &m);
    if (result == ATOLL_OK) result = take_body(p, message, &memory, &m);
    client_message_free(&m);
    arena_free(&memory);
    if (result == ATOLL_OK) return;
    char text[512];
    snprintf(text, sizeof text, "%s", fail_text());
    peer_end(p, result, text, !is_transient(result) && result != ATOLL_ERROR_BUSY);
}

/* ---- outputs ---- */

static void count_out(peer *p, size_t size)
{
    p->counters.messages_out++;
    p->counters.bytes_out += size;
}

bool peer_poll(peer *p, uint64_t now_ms, peer_action *out)
{
    (void)now_ms;
    /* Nothing leaves that tells of what is not durable: idents and schemas as little as acknowledgements. */
    bool durable = p->app->durable == model_version(p->app->db) ||
                   BREAKAGE(BREAKAGE_ACKNOWLEDGE_BEFORE_COMMIT);
    if (!durable && !p->closing) return false;
    memory_free(p->last_message);
    p->last_message = NULL;
    if (p->queue_first < p->queue.count) {
        queued_message q = p->queue.items[p->queue_first++];
        if (p->queue_first == p->queue.count) p->queue_first = p->queue.count = 0;
        p->last_message = q.data;
        count_out(p, q.size);
        *out = (peer_action){.kind = PEER_ACTION_SEND, .message = bytes_of(q.data, q.size)};
        return true;
    }
    if (p->closing) {
        if (p->closed) return false;
        p->closed = true;
        *out =
            (peer_action){.kind = PEER_ACTION_CLOSE, .code = p->close_code, .text = p->close_text};
        return true;
    }
    bool made = false;
    status result = send_next(p, &made);
    if (result != ATOLL_OK) {
        char text[512];
        snprintf(text, sizeof text, "%s", fail_text());
        peer_end(p, result, text, false);
        return peer_poll(p, now_ms, out);
    }
    if (!made && p->out.capacity > MESSAGE_KEPT_MAX) buffer_free(&p->out);
    if (!made) return false;
    count_out(p, p->out.size);
    *out = (peer_action){.kind = PEER_ACTION_SEND, .message = buffer_view(&p->out)};
    return true;
}

bool peer_hold(peer *p, bool held)
{
    p->held = held;
    return p->bound && !p->group.active && p->live && !send_is_clean(p);
}

void peer_set_owner(peer *p, void *owner)
{
    p->owner = owner;
}

void peer_set_authenticator(peer *p, status (*check)(void *owner, bytes token))
{
    p->authenticator = check;
}

bool peer_acknowledged(peer *p)
{
    bool is = p->acknowledged;
    p->acknowledged = false;
    return is;
}

void *peer_owner(const peer *p)
{
    return p->owner;
}

void peer_get_counters(const peer *p, peer_counters *out)
{
    *out = p->counters;
}
