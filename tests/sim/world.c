/* The world around the machines: clock, network, disks, crashes. It must never decide what the machines should do, nor know
 * what is right. Invariant: nothing happens but by a seeded choice, so that a seed is a whole run. */
#include "world.h"
#include "server/config.h"
#include "server/roles.h"
#include "sync/breakage.h"

#include <stdio.h>
#include <stdlib.h>

static const uint64_t epoch_ms = 1760000000000ull; /* the world's beginning, ms since 1970 */

/* ---- platform ---- */

static int64_t wall_ms(void *context)
{
    node *n = context;
    return (int64_t)(epoch_ms + n->world->now_ms) + n->wall_offset_ms;
}

static uint64_t monotonic_ms(void *context)
{
    node *n = context;
    return n->world->now_ms - n->booted_ms + 1000;
}

static uint64_t boot_id(void *context)
{
    return ((node *)context)->boot_id;
}

static void random_bytes(void *context, void *to, size_t size)
{
    node *n = context;
    uint8_t *at = to;
    for (size_t i = 0; i < size; i++) at[i] = (uint8_t)random_next(&n->random);
}

static bool before_disk(void *context)
{
    node *n = context;
    if (n->crashing) return true;
    if (n->crash_in == 0 || --n->crash_in > 0) return false;
    n->crashing = true;
    return true;
}

static void node_start(world *w, node *n, uint64_t seed)
{
    *n = (node){
        .world = w, .disk = memory_disk_new(seed), .boot_id = seed | 1, .random = {seed * 31}};
    n->platform = (platform){n, wall_ms, monotonic_ms, boot_id, random_bytes, NULL};
}

static void node_boot(world *w, node *n)
{
    memory_disk_crash(n->disk);
    n->boot_id += 2;
    n->booted_ms = w->now_ms;
    n->crashing = false;
    n->crash_in = 0;
    n->crashes++;
}

/* ---- packets ---- */

static void queue_put(packet_queue *q, packet p)
{
    if (q->count == q->capacity) {
        q->capacity = q->capacity == 0 ? 16 : q->capacity * 2;
        q->items = realloc(q->items, q->capacity * sizeof *q->items);
        if (q->items == NULL) abort();
    }
    q->items[q->count++] = p;
}

static void queue_clear(packet_queue *q)
{
    for (size_t i = q->first; i < q->count; i++) free(q->items[i].data);
    q->first = q->count = 0;
}

static void send_packet(world *w, packet_queue *q, uint64_t *free_ms, bytes data, status code,
                        const char *text)
{
    uint64_t at = w->now_ms + random_below(&w->random, w->delay_ms_max + 1);
    if (at < *free_ms) at = *free_ms;
    *free_ms = at;
    packet p = {.at_ms = at, .code = code};
    if (data.data != NULL) {
        p.data = malloc(data.size + 1);
        if (p.data == NULL) abort();
        memcpy(p.data, data.data, data.size);
        p.size = data.size;
    } else {
        snprintf(p.text, sizeof p.text, "%s", text == NULL ? "" : text);
    }
    queue_put(q, p);
}

/* A field with a number that no version has yet ends the message of a newer one. */
static void send_message(world *w, client *c, packet_queue *q, uint64_t *free_ms, bytes message)
{
    static const uint8_t unknown[] = {0x80, 0x7d, 0x05}; /* 2000: 5 */
    buffer longer;
    buffer_init(&longer, message.size + sizeof unknown);
    if (c->newer && (buffer_append(&longer, message.data, message.size) != ATOLL_OK ||
                     buffer_append(&longer, unknown, sizeof unknown) != ATOLL_OK))
        abort();
    send_packet(w, q, free_ms, c->newer ? buffer_view(&longer) : message, ATOLL_OK, NULL);
    buffer_free(&longer);
}

/* ---- life of nodes ---- */

static void tell(world *w, client *c, world_event what, bytes data, status code)
{
    if (w->on_wire != NULL) w->on_wire(w, c, what, data, code);
}

static void drop_stream(client *c)
{
    queue_clear(&c->said);
    queue_clear(&c->up);
    queue_clear(&c->down);
    if (c->peer != NULL) {
        tell(c->node.world, c, WORLD_CUT, bytes_of(NULL, 0), ATOLL_OK);
        peer_free(c->peer);
    }
    c->peer = NULL;
    c->stream_open = c->stream_wanted = false;
}

static model_schema copy_schema(const model_schema *s)
{
    model_schema copy = {0};
    if (schema_copy(s, &copy) != ATOLL_OK) abort();
    return copy;
}

status world_set_roles(world *w, const char *yaml)
{
    char text[16384];
    server_config config;
    snprintf(text, sizeof text, "apps:\n- id: app\n  sync: %s\n%s",
             w->flexible ? "flexible" : "partition", yaml);
    TRY(server_config_read(bytes_text(text), &config));
    role_set_release(w->roles);
    w->roles = role_set_retain(config.apps.items[0].roles);
    server_config_free(&config);
    return w->app == NULL ? ATOLL_OK : server_app_set_roles(w->app, w->roles);
}

status world_set_user_data(world *w, client *c, const char *json)
{
    free(c->user_data);
    c->user_data = strdup(json);
    return w->app == NULL ? ATOLL_OK
                          : server_app_set_user_data(
                                w->app, c->user_id == NULL ? "user" : c->user_id, bytes_text(json));
}

/* What a newer version of the app has. */
static void upgrade(model_schema *s, value_type type)
{
    size_t index = 0;
    if (schema_add_property(s, 0, bytes_text("extra"), type, PROPERTY_NULLABLE, bytes_of("", 0)) !=
            ATOLL_OK ||
        schema_add_class(s, bytes_text("Later"), CLASS_NORMAL, &index) != ATOLL_OK ||
        schema_add_property(s, index, bytes_text("_id"), VALUE_INT, PROPERTY_PRIMARY_KEY,
                            bytes_of("", 0)) != ATOLL_OK)
        abort();
}

bool world_client_open(world *w, client *c)
{
    storage *store = NULL;
    memory_disk_set_hook(c->node.disk, before_disk, &c->node);
    model_options model = {.platform = &c->node.platform,
                           .use = w->flexible != c->other_mode ? SCHEMA_FLEXIBLE : SCHEMA_PARTITION,
                           .identity_rows = true,
                           .durable = true,
                           .memory_budget = w->memory_budget};
    if (storage_open_memory(c->node.disk, &store) != ATOLL_OK) return false;
    model_schema schema = copy_schema(&w->schema);
    if (c->upgraded) upgrade(&schema, c->breaking ? VALUE_STRING : VALUE_INT);
    status result = model_open(store, &model, &schema, &c->db);
    schema_free(&schema);
    if (result != ATOLL_OK) {
        c->db = NULL;
        return false;
    }
    if (w->on_client_up != NULL) w->on_client_up(w, c, model_version(c->db));
    session_options options = {.db = c->db,
                               .platform = &c->node.platform,
                               .flexible = w->flexible != c->other_mode,
                               .partition = w->partition,
                               .user_id = "user",
                               .app_id = "app",
                               .reconnect_delay_ms = 1000,
                               .reconnect_delay_ms_max = 8000,
                               .reconnect_multiplier = 2,
                               .reconnect_jitter_divisor = 4,
                               .chosen.reset_mode = w->reset_mode,
                               .chosen.cancel_waits = w->cancel_waits,
                               .ping_period_ms = w->ping_ms,
                               .pong_timeout_ms = w->ping_ms * 2,
                               .plain = c->plain,
                               .chosen.ask_resets = w->ask_resets};
    result = session_new(&options, &c->session);
    if (result != ATOLL_OK) {
        c->session = NULL;
        model_close(c->db);
        c->db = NULL;
        return false;
    }
    c->node.up = true;
    return true;
}

void world_crash_client(world *w, client *c, uint64_t down_ms)
{
    c->node.crashing = true;
    drop_stream(c);
    if (c->session != NULL) session_free(c->session);
    if (c->db != NULL) model_close(c->db);
    c->session = NULL;
    c->db = NULL;
    c->node.up = false;
    node_boot(w, &c->node);
    c->restart_at_ms = w->now_ms + down_ms;
    w->client_crashes++;
}

void world_new_device(world *w, client *c)
{
    drop_stream(c);
    if (c->session != NULL) session_free(c->session);
    if (c->db != NULL) model_close(c->db);
    memory_disk_free(c->node.disk);
    node_start(w, &c->node, random_next(&w->random));
    if (!world_client_open(w, c)) abort();
}

/* ---- what the server puts aside: on its disk as far as crashes go, and gone with it ---- */

typedef struct node_spool {
    spool base;
    node *n;
    uint8_t *data;
} node_spool;

static status spool_call(node *n, bool adds)
{
    if (before_disk(n)) return fail(ATOLL_ERROR_FILE_ACCESS, "the node has no power");
    if (!adds || !n->world->spool_full) return ATOLL_OK;
    return fail(ATOLL_ERROR_DISK_FULL, "the disk is full");
}

static status node_spool_append(spool *base, bytes data)
{
    node_spool *s = (node_spool *)base;
    TRY(spool_call(s->n, true));
    s->data = realloc(s->data, base->size + data.size + 1);
    if (s->data == NULL) abort();
    memcpy(s->data + base->size, data.data, data.size);
    base->size += data.size;
    s->n->world->spooled++;
    return ATOLL_OK;
}

static status node_spool_read(spool *base, uint64_t at, uint8_t *to, size_t size)
{
    node_spool *s = (node_spool *)base;
    if (at > base->size || size > base->size - at) abort();
    TRY(spool_call(s->n, false));
    memcpy(to, s->data + at, size);
    return ATOLL_OK;
}

static void node_spool_release(spool *base)
{
    free(((node_spool *)base)->data);
    free(base);
}

static status node_spool_open(void *context, spool **out)
{
    static const spool_operations operations = {node_spool_append, node_spool_read,
                                                node_spool_release};
    TRY(spool_call(context, true));
    node_spool *s = calloc(1, sizeof *s);
    if (s == NULL) abort();
    *s = (node_spool){.base = {&operations, 0}, .n = context};
    *out = &s->base;
    return ATOLL_OK;
}

static status server_open(world *w)
{
    storage *store = NULL;
    memory_disk_set_hook(w->server_node.disk, before_disk, &w->server_node);
    server_app_options options = {.platform = &w->server_node.platform,
                                  .app_id = "app",
                                  .flexible = w->flexible,
                                  .partition_property = "_partition",
                                  .partition_clients = w->partition_clients,
                                  .development = true,
                                  .roles = w->roles,
                                  .memory_budget = w->memory_budget,
                                  .staged_memory = w->staged_memory,
                                  .spools = {&w->server_node, node_spool_open},
                                  .offline_ms = w->offline_ms};
    status result = storage_open_memory(w->server_node.disk, &store);
    if (result == ATOLL_OK) result = server_app_open(store, &options, &w->app);
    if (result != ATOLL_OK) w->app = NULL;
    w->server_node.up = result == ATOLL_OK;
    if (result == ATOLL_OK && w->on_server_up != NULL)
        w->on_server_up(w, model_version(server_app_db(w->app)) - 1); /* The start is one. */
    return result;
}

static void close_later(world *w, client *c)
{
    if (c->stream_open || c->stream_wanted)
        send_packet(w, &c->down, &c->down_free_ms, bytes_of(NULL, 0), ATOLL_ERROR_CONNECTION_CLOSED,
                    "the server went away");
}

static void forget_lost_ends(world *w)
{
    for (int i = 0; i < w->lost_ends.count; i++) peer_free(w->lost_ends.items[i]);
    w->lost_ends.count = 0;
}

void world_crash_server(world *w, uint64_t down_ms)
{
    w->server_node.crashing = true;
    for (int i = 0; i < w->client_count; i++) {
        client *c = &w->clients[i];
        /* What has left the server is on the way and arrives. */
        queue_clear(&c->up);
        if (c->peer != NULL) peer_free(c->peer);
        c->peer = NULL;
        close_later(w, c);
    }
    forget_lost_ends(w);
    if (w->app != NULL) server_app_close(w->app);
    w->app = NULL;
    w->server_node.up = false;
    node_boot(w, &w->server_node);
    w->server_restart_at_ms = w->now_ms + down_ms;
    w->server_crashes++;
}

void world_cut(world *w, client *c)
{
    bool open = c->stream_open || c->stream_wanted;
    drop_stream(c);
    w->cuts++;
    c->stream_open = open;
    close_later(w, c);
}

void world_restore_server(world *w, memory_disk *image, uint64_t down_ms)
{
    world_crash_server(w, down_ms);
    memory_disk_free(w->server_node.disk);
    w->server_node.disk = memory_disk_copy(image);
}

void world_choose_slices(uint64_t seed)
{
    bool small = seed % 4 != 1;
    simulator_slice_rows = small ? 1 + (unsigned)(seed / 4 % 4) : 2000;
    simulator_slice_delay_ms = small ? (unsigned)(seed / 16 % 3) * 20 : 0;
    simulator_stage_bytes = small ? 100 + (unsigned)(seed * 37 % 600) : 1u << 20;
}

status world_start(world *w, uint64_t seed, int clients, bool flexible, model_schema schema)
{
    *w = (world){.now_ms = 1000,
                 .random = {seed},
                 .client_count = clients,
                 .flexible = flexible,
                 .partition = value_string(bytes_text("p")),
                 .memory_budget = seed % 3 == 0   ? 1
                                  : seed % 3 == 1 ? 50000
                                                  : 0,
                 .staged_memory = seed % 4 == 1   ? 1
                                  : seed % 4 == 2 ? 300
                                                  : 0,
                 .schema = schema,
                 .delay_ms_max = 40};
    node_start(w, &w->server_node, random_next(&w->random));
    status result = server_open(w);
    for (int i = 0; i < clients && result == ATOLL_OK; i++) {
        client *c = &w->clients[i];
        node_start(w, &c->node, random_next(&w->random));
        c->number = i;
        if (!world_client_open(w, c)) result = ATOLL_ERROR_INTERNAL;
    }
    return result;
}

void world_end(world *w)
{
    for (int i = 0; i < w->client_count; i++) {
        client *c = &w->clients[i];
        drop_stream(c);
        if (c->session != NULL) session_free(c->session);
        if (c->db != NULL) model_close(c->db);
        memory_disk_free(c->node.disk);
        free(c->up.items);
        free(c->down.items);
        queue_clear(&c->said);
        free(c->said.items);
        free(c->user_data);
    }
    forget_lost_ends(w);
    if (w->app != NULL) server_app_close(w->app);
    role_set_release(w->roles);
    memory_disk_free(w->server_node.disk);
    schema_free(&w->schema);
}

/* ---- streams with one end ---- */

/* What the server says there is heard by nobody; it ends when the server finds out. */
static void poll_lost_ends(world *w)
{
    int kept = 0;
    for (int i = 0; i < w->lost_ends.count; i++) {
        peer *p = w->lost_ends.items[i];
        peer_action a;
        bool ended = false;
        for (int n = 0; n < 100000 && !ended && peer_poll(p, w->now_ms, &a); n++)
            ended = a.kind == PEER_ACTION_CLOSE;
        if (ended) {
            peer_free(p);
        } else {
            w->lost_ends.items[kept++] = p;
        }
    }
    w->lost_ends.count = kept;
}

static void lose_end(world *w, peer *p)
{
    if (w->lost_ends.count == 16) {
        peer_free(w->lost_ends.items[0]);
        memmove(w->lost_ends.items, w->lost_ends.items + 1, 15 * sizeof(peer *));
        w->lost_ends.count--;
    }
    peer_set_owner(p, NULL);
    w->lost_ends.items[w->lost_ends.count++] = p;
}

void world_half_open(world *w, client *c, bool servers_end_stays)
{
    if (!c->stream_open || c->peer == NULL) return;
    queue_clear(&c->up);
    queue_clear(&c->down);
    if (servers_end_stays) {
        lose_end(w, c->peer);
        c->peer = NULL;
        drop_stream(c);
        c->stream_open = true;
        close_later(w, c);
    } else {
        peer_free(c->peer);
        c->peer = NULL;
    }
}

void world_replay(world *w, client *c)
{
    peer *p = NULL;
    if (w->app == NULL || w->server_node.crashing || c->said.count == 0) return;
    if (peer_new(w->app, c->user_id == NULL ? "user" : c->user_id, &p) != ATOLL_OK) return;
    for (size_t i = 0; i < c->said.count && !w->server_node.crashing; i++)
        peer_received(p, w->now_ms, bytes_of(c->said.items[i].data, c->said.items[i].size));
    lose_end(w, p);
}

/* ---- the session's wishes ---- */

static void note_action(world *w, client *c, const session_action *a)
{
    int32_t state = session_state(c->session);
    w->states[c->state_before][state] += state != c->state_before;
    c->state_before = state;
    if (a->kind == SESSION_ACTION_CONNECTION) w->connections[a->number_old][a->number_new]++;
    if (a->kind == SESSION_ACTION_ERROR) {
        c->errors++;
        if (a->code == ATOLL_ERROR_COMPENSATING_WRITE) c->compensations++;
        c->last_error = a->code;
        snprintf(c->last_error_text, sizeof c->last_error_text, "%s",
                 a->text == NULL ? "" : a->text);
        if (w->on_error != NULL) w->on_error(w, c, a);
    }
    if (a->kind == SESSION_ACTION_RESET) c->resets[a->number_old][a->number_new & 1]++;
    if (a->kind == SESSION_ACTION_DONE) {
        c->requests_done++;
        c->request_last = a->request;
        c->request_code = a->code;
    }
}

static void note_opening(world *w, const char *reason)
{
    static const char *const reasons[] = {"first", "retry", "resume", "reconnect"};
    for (int i = 0; i < 4; i++) w->openings[i] += strcmp(reasons[i], reason) == 0;
}

static void poll_session(world *w, client *c)
{
    session_action a;
    for (int n = 0; n < 100000 && c->session != NULL && !c->node.crashing &&
                    session_poll(c->session, w->now_ms, &a);
         n++) {
        if (w->verbose)
            fprintf(stderr, "%llu c%d action %d %s\n", (unsigned long long)w->now_ms, c->number,
                    a.kind, a.text == NULL ? "" : a.text);
        note_action(w, c, &a);
        if (a.kind == SESSION_ACTION_OPEN) {
            note_opening(w, a.text);
            drop_stream(c);
            c->stream_wanted = true;
            c->open_at_ms = c->up_free_ms = c->down_free_ms =
                w->now_ms + random_below(&w->random, w->delay_ms_max + 1);
        } else if (a.kind == SESSION_ACTION_CLOSE) {
            drop_stream(c);
        } else if (a.kind == SESSION_ACTION_SEND && c->stream_open && c->peer != NULL) {
            send_message(w, c, &c->up, &c->up_free_ms, a.message);
        }
    }
}

static void open_stream(world *w, client *c)
{
    c->stream_wanted = false;
    bool there = !c->offline && w->server_node.up &&
                 peer_new(w->app, c->user_id == NULL ? "user" : c->user_id, &c->peer) == ATOLL_OK;
    if (there && c->user_data != NULL &&
        peer_set_user_data(c->peer, bytes_text(c->user_data)) != ATOLL_OK) {
        peer_free(c->peer);
        there = false;
    }
    if (!there) {
        c->peer = NULL;
        session_closed(c->session, w->now_ms, ATOLL_ERROR_CONNECTION_FAILED, "no connection");
        return;
    }
    peer_set_owner(c->peer, c);
    c->stream_open = true;
    tell(w, c, WORLD_OPENED, bytes_of(NULL, 0), ATOLL_OK);
    session_opened(c->session, w->now_ms);
}

/* ---- delivery ---- */

static void tap_up(world *w, client *c, const packet *p)
{
    arena memory;
    client_message m;
    arena_init(&memory, 64u << 20);
    if (codec_client_read(bytes_of(p->data, p->size), &memory, &m) == ATOLL_OK) {
        w->messages_up[m.kind & 15]++;
        if (m.kind == CLIENT_UPLOAD && w->on_upload != NULL) w->on_upload(w, c, &m);
        client_message_free(&m);
    }
    arena_free(&memory);
}

static void tap_down(world *w, client *c, const packet *p)
{
    arena memory;
    server_message m;
    arena_init(&memory, 64u << 20);
    if (codec_server_read(bytes_of(p->data, p->size), &memory, &m) == ATOLL_OK) {
        w->messages_down[m.kind & 15]++;
        if (w->on_down != NULL) w->on_down(w, c, &m);
        if (m.kind == SERVER_UPLOAD_ACK && m.ack.last && w->on_ack != NULL)
            w->on_ack(w, c, m.ack.bound);
        server_message_free(&m);
    }
    arena_free(&memory);
}

static void deliver_up(world *w, client *c)
{
    packet p = c->up.items[c->up.first++];
    peer_counters before, after;
    if (c->up.first == c->up.count) c->up.first = c->up.count = 0;
    tap_up(w, c, &p);
    if (c->peer != NULL) {
        peer_get_counters(c->peer, &before);
        tell(w, c, WORLD_UP, bytes_of(p.data, p.size), ATOLL_OK);
        if (w->records) {
            packet same = {.data = malloc(p.size + 1), .size = p.size};
            if (same.data == NULL) abort();
            memcpy(same.data, p.data, p.size);
            queue_put(&c->said, same);
        }
        peer_received(c->peer, w->now_ms, bytes_of(p.data, p.size));
        if (w->server_node.crashing) {
            free(p.data);
            return;
        }
        peer_get_counters(c->peer, &after);
        if (after.uploads_applied > before.uploads_applied && w->on_applied != NULL) {
            w->on_applied(w, c, bytes_of(p.data, p.size), 0, model_version(server_app_db(w->app)));
        }
    }
    free(p.data);
}

static void deliver_down(world *w, client *c)
{
    packet p = c->down.items[c->down.first++];
    if (c->down.first == c->down.count) c->down.first = c->down.count = 0;
    if (c->session == NULL) {
        free(p.data);
    } else if (p.data == NULL) {
        drop_stream(c);
        tell(w, c, WORLD_CLOSED, bytes_text(p.text), p.code);
        session_closed(c->session, w->now_ms, p.code, p.text);
    } else {
        tap_down(w, c, &p);
        tell(w, c, WORLD_DOWN, bytes_of(p.data, p.size), ATOLL_OK);
        session_received(c->session, w->now_ms, bytes_of(p.data, p.size));
        free(p.data);
    }
}

static void poll_peer(world *w, client *c)
{
    peer_action a;
    for (int n = 0; n < 100000 && c->peer != NULL && !w->server_node.crashing &&
                    peer_poll(c->peer, w->now_ms, &a);
         n++) {
        if (a.kind == PEER_ACTION_SEND) {
            send_message(w, c, &c->down, &c->down_free_ms, a.message);
        } else {
            send_packet(w, &c->down, &c->down_free_ms, bytes_of(NULL, 0),
                        a.code == ATOLL_OK ? ATOLL_ERROR_CONNECTION_CLOSED : a.code, a.text);
            peer_free(c->peer);
            c->peer = NULL;
            queue_clear(&c->up);
        }
    }
}

static void server_turn(world *w)
{
    for (int i = 0; i < w->client_count && w->app != NULL && !w->server_node.crashing; i++) {
        client *c = &w->clients[i];
        while (!w->server_node.crashing && c->peer != NULL && c->up.first < c->up.count &&
               c->up.items[c->up.first].at_ms <= w->now_ms) {
            c->to_poll = true;
            deliver_up(w, c);
        }
    }
    if (w->app == NULL || w->server_node.crashing) return;
    if (BREAKAGE(BREAKAGE_ACKNOWLEDGE_BEFORE_COMMIT)) {
        for (int i = 0; i < w->client_count; i++) poll_peer(w, &w->clients[i]);
    }
    if (server_app_sync(w->app) != ATOLL_OK || w->server_node.crashing) return;
    /* As the runner does it: only those that said something, or of whom the app says that they are concerned. */
    if (server_app_watch(w->app) != ATOLL_OK || w->server_node.crashing) return;
    for (peer *p = server_app_woken(w->app); p != NULL; p = server_app_woken(w->app))
        if (peer_owner(p) != NULL) ((client *)peer_owner(p))->to_poll = true;
    poll_lost_ends(w);
    for (int i = 0; i < w->client_count && !w->server_node.crashing; i++) {
        client *c = &w->clients[i];
        if (!c->to_poll) continue;
        c->to_poll = false;
        poll_peer(w, c);
    }
}

static void client_turn(world *w, client *c)
{
    if (c->session == NULL || c->node.crashing) return;
    if (c->stream_wanted && w->now_ms >= c->open_at_ms) open_stream(w, c);
    while (c->session != NULL && !c->node.crashing && session_takes_messages(c->session) &&
           c->down.first < c->down.count && c->down.items[c->down.first].at_ms <= w->now_ms)
        deliver_down(w, c);
    if (c->node.crashing) return;
    if (session_deadline(c->session) <= w->now_ms) session_tick(c->session, w->now_ms);
    poll_session(w, c);
}

static uint64_t next_event(world *w)
{
    uint64_t at = UINT64_MAX;
    for (int i = 0; i < w->client_count; i++) {
        client *c = &w->clients[i];
        if (!c->node.up) {
            if (c->restart_at_ms < at) at = c->restart_at_ms;
            continue;
        }
        if (c->up.first < c->up.count && c->up.items[c->up.first].at_ms < at)
            at = c->up.items[c->up.first].at_ms;
        bool takes = session_takes_messages(c->session);
        if (takes && c->down.first < c->down.count && c->down.items[c->down.first].at_ms < at)
            at = c->down.items[c->down.first].at_ms;
        if (c->stream_wanted && c->open_at_ms < at) at = c->open_at_ms;
        uint64_t deadline = session_deadline(c->session);
        if (deadline < at) at = deadline;
    }
    if (!w->server_node.up && w->server_restart_at_ms < at) at = w->server_restart_at_ms;
    return at;
}

void world_step(world *w, uint64_t until_ms)
{
    uint64_t at = next_event(w);
    if (at > until_ms) at = until_ms;
    if (at > w->now_ms) w->now_ms = at;
    if (!w->server_node.up && w->now_ms >= w->server_restart_at_ms && server_open(w) != ATOLL_OK)
        world_crash_server(w, 100);
    server_turn(w);
    if (w->server_node.crashing) world_crash_server(w, 200 + random_below(&w->random, 3000));
    for (int i = 0; i < w->client_count; i++) {
        client *c = &w->clients[i];
        if (!c->node.up && w->now_ms >= c->restart_at_ms && !world_client_open(w, c))
            world_crash_client(w, c, 100);
        client_turn(w, c);
        if (c->node.crashing) world_crash_client(w, c, 200 + random_below(&w->random, 3000));
    }
}

void world_run(world *w, uint64_t for_ms)
{
    uint64_t until = w->now_ms + for_ms;
    while (w->now_ms < until) {
        uint64_t before = w->now_ms, at = next_event(w);
        world_step(w, until);
        if (w->now_ms == before && at > w->now_ms) w->now_ms++;
    }
}

static bool quiet(world *w)
{
    if (w->app == NULL) return false;
    for (int i = 0; i < w->client_count; i++) {
        client *c = &w->clients[i];
        if (!c->node.up || session_connection_state(c->session) != 2) return false;
        if (c->up.first < c->up.count || c->down.first < c->down.count) return false;
        if (!session_takes_messages(c->session)) return false;
    }
    return true;
}

bool world_settle(world *w, uint64_t limit_ms)
{
    uint64_t until = w->now_ms + limit_ms;
    int calm = 0;
    while (w->now_ms < until && calm < 5) {
        world_run(w, 100);
        calm = quiet(w) ? calm + 1 : 0;
    }
    return calm >= 5;
}

status world_subscribe(world *w, client *c, const char *const *classes, const char *const *queries,
                       size_t count)
{
    subscription_set set;
    TRY(subscription_set_newest(c->db, &set));
    while (set.items.count > 0) subscription_set_remove_at(&set, 0);
    status result = ATOLL_OK;
    for (size_t i = 0; i < count && result == ATOLL_OK; i++) {
        result = subscription_set_add(&set, &c->node.platform, bytes_of("", 0), false,
                                      bytes_text(classes[i]), bytes_text(queries[i]), true);
    }
    if (result == ATOLL_OK) result = subscription_set_commit(c->db, &set);
    subscription_set_free(&set);
    if (result == ATOLL_OK) session_subscriptions_changed(c->session, w->now_ms);
    return result;
}
