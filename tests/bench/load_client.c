/* The client of the load tool: many sessions in one thread.
 * Must never: do more for a message than the measurement needs; its work is on the same machine as the server's. */
#include "load.h"

#include "auth.pb-c.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

void must(status result)
{
    if (result == ATOLL_OK) return;
    fprintf(stderr, "%s\n", fail_text());
    exit(1);
}

uint64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static uint64_t now_ms(const load *l)
{
    return l->platform->monotonic_ms(l->platform->context);
}

/* ---- messages ---- */

static void send_message(load_session *s, const client_message *m)
{
    buffer raw;
    buffer_init(&raw, LIMIT_MESSAGE_SIZE_MAX);
    must(codec_client_write(&raw, m));
    must(grpc_send(s->call, buffer_view(&raw)));
    buffer_free(&raw);
}

/* Session 0 writes. Then ten ask for owner 1, a thousand for 2, ten thousand for 3, and each for one of its own. */
static void query_of(long i, char *text, size_t size)
{
    snprintf(text, size, i == 0 ? "TRUEPREDICATE" : "owner == %ld", 100 + i);
    size_t at = strlen(text);
    if (i >= 1 && i <= 10) at += (size_t)snprintf(text + at, size - at, " OR owner == 1");
    if (i >= 1 && i <= 1000) at += (size_t)snprintf(text + at, size - at, " OR owner == 2");
    if (i >= 1 && i <= 10000) snprintf(text + at, size - at, " OR owner == 3");
}

static void send_bind(load_session *s)
{
    char text[120];
    wire_query q = {"Item", text};
    query_of(s->number, text, sizeof text);
    client_message m = {.kind = CLIENT_BIND};
    m.bind = (wire_bind){.version_minimum = 1,
                         .version_maximum = 1,
                         .app_id = "load",
                         .flexible = true,
                         .schema = s->load->schema,
                         .user_agent = "atoll-bench-load",
                         .ident = s->ident,
                         .epoch = s->epoch,
                         .cursor = s->cursor};
    if (s->ident != 0) {
        m.bind.secret = bytes_of(s->secret, 16);
        m.bind.view_version = 1;
        m.bind.view.items = &q;
        m.bind.view.count = 1;
        if (s->number == 0 && s->load->acknowledged > 0) {
            m.bind.acknowledged_batch = bytes_of(s->load->last_batch, 16);
            m.bind.sent_batch = m.bind.acknowledged_batch;
            m.bind.sent_bound = s->load->acknowledged;
        }
        send_message(s, &m);
        return;
    }
    send_message(s, &m);
    m = (client_message){.kind = CLIENT_SUBSCRIBE};
    m.subscribe.version = 1;
    m.subscribe.queries.items = &q;
    m.subscribe.queries.count = 1;
    send_message(s, &m);
}

static void take_bound(load_session *s, const wire_bound *b)
{
    bool again = s->ident != 0;
    s->ident = b->ident;
    s->epoch = b->epoch;
    memcpy(s->secret, b->secret.data, 16);
    if (!s->bound) s->load->bound++;
    s->bound = true;
    if (again && !s->ready) {
        s->ready = true;
        s->load->ready++;
    }
}

static void take_download(load_session *s, const wire_download *d)
{
    if (d->last) s->cursor = d->to;
    for (size_t i = 0; i < d->rows.count; i++) {
        s->rows += d->rows.items[i]->count;
        s->load->rows += d->rows.items[i]->count;
        s->load->last_row_us = now_us();
    }
    if (d->last && d->view_version == 1 && !s->ready) {
        s->ready = true;
        s->load->ready++;
    }
}

static void on_message(void *context, grpc_call *call, bytes message)
{
    (void)context;
    load_session *s = grpc_call_user(call);
    arena memory;
    server_message m;
    arena_init(&memory, 16 * message.size + (1u << 16));
    must(codec_server_read(message, &memory, &m));
    if (m.kind == SERVER_BOUND) take_bound(s, &m.bound);
    if (m.kind == SERVER_DOWNLOAD) take_download(s, &m.download);
    if (m.kind == SERVER_UPLOAD_ACK && m.ack.last) s->load->acknowledged = m.ack.bound;
    if (m.kind == SERVER_ERROR && m.error.fatal)
        fprintf(stderr, "session %ld: %d %s\n", s->number, m.error.code, m.error.text), exit(1);
    server_message_free(&m);
    arena_free(&memory);
}

static void on_closed(void *context, grpc_call *call, status code, const char *text)
{
    (void)context, (void)code, (void)text;
    load_session *s = grpc_call_user(call);
    if (s == NULL) return;
    s->call = NULL;
    s->load->closed++;
    s->load->bound -= s->bound;
    s->load->ready -= s->ready;
    s->bound = s->ready = false;
}

/* ---- connections ---- */

static void on_touched(void *context, channel *c)
{
    (void)c;
    line *x = context;
    if (x->touched) return;
    x->touched = true;
    x->load->touched[x->load->touched_count++] = x;
}

static void connect_line(load *l, line *x)
{
    static const char authority[] = "127.0.0.1";
    channel_options options = {
        .loop = l->loop,
        .platform = l->platform,
        .grpc = {.authority = authority,
                 .events = {NULL, on_message, NULL, NULL, on_closed},
                 .context = x},
        .touched = on_touched,
        .context = x,
        .tls = l->tls,
    };
    x->failed = false;
    must(channel_connect(&options, "127.0.0.1", l->port, 120000, &x->channel));
    on_touched(x, x->channel);
}

static void open_session(load *l, load_session *s)
{
    line *x = &l->lines[s->number / l->streams_a_line];
    if (x->channel == NULL) connect_line(l, x);
    grpc_request request = {
        .path = "/atoll.sync.v1.Sync/Session", .authorization = l->token, .user = s};
    must(grpc_start(channel_grpc(x->channel), &request, now_ms(l), &s->call));
    s->on = x;
    send_bind(s);
    on_touched(x, x->channel);
}

static void end_line(line *x)
{
    channel *c = x->channel;
    x->channel = NULL;
    channel_free(c);
}

void load_turn(load *l, uint64_t wait_ms)
{
    must(loop_turn(l->loop, l->touched_count > 0 ? 0 : now_ms(l) + wait_ms));
    size_t count = l->touched_count;
    line **turned = malloc((count + 1) * sizeof(line *));
    if (turned == NULL) exit(1);
    memcpy(turned, l->touched, count * sizeof(line *));
    l->touched_count = 0;
    for (size_t i = 0; i < count; i++) turned[i]->touched = false;
    for (size_t i = 0; i < count; i++) {
        line *x = turned[i];
        if (x->channel == NULL || channel_turn(x->channel, now_ms(l)) == ATOLL_OK) continue;
        x->failed = true;
        end_line(x);
    }
    free(turned);
}

void load_drop(load *l)
{
    for (long i = 0; i < l->line_count; i++)
        if (l->lines[i].channel != NULL) end_line(&l->lines[i]);
}

void load_open(load *l, long at_once)
{
    uint64_t retry_ms = now_ms(l);
    for (long next = 0; l->ready < l->count;) {
        if (next == l->count && l->closed > 0 && now_ms(l) > retry_ms + 500) next = 0;
        long under_way = 0;
        for (; next < l->count; next++) {
            load_session *s = &l->sessions[next];
            if (s->call != NULL) continue;
            if (next - l->ready >= at_once || under_way++ >= at_once) break;
            open_session(l, s);
            retry_ms = now_ms(l);
        }
        load_turn(l, 100);
    }
}

/* ---- uploads ---- */

void load_upload(load *l, int64_t owner)
{
    arena memory;
    wire_rows *group = NULL;
    uint8_t batch[16] = {0};
    uint64_t bound = ++l->bound_number;
    arena_init(&memory, 1 << 20);
    wire_builder w = {.memory = &memory};
    value key = value_int((int64_t)bound), v = value_int(owner), score = value_double(0.5);
    must(wire_builder_group(&w, "Item", "", "", &group));
    must(wire_builder_row(&w, group, ROW_CREATE, &key, 0, 0));
    must(wire_builder_put(&w, group, "owner", VALUE_INT, VALUE_NULL, &v, bound << 20, false));
    must(
        wire_builder_put(&w, group, "score", VALUE_DOUBLE, VALUE_NULL, &score, bound << 20, false));
    must(wire_builder_finish(&w));
    memcpy(batch, &bound, 8);
    client_message m = {.kind = CLIENT_UPLOAD};
    m.upload =
        (wire_upload){.batch = bytes_of(batch, 16), .bound = bound, .last = true, .rows = w.rows};
    if (bound > 1) m.upload.previous_batch = bytes_of(l->last_batch, 16);
    send_message(&l->sessions[0], &m);
    on_touched(l->sessions[0].on, l->sessions[0].on->channel);
    memcpy(l->last_batch, batch, 16);
    arena_free(&memory);
}

/* ---- log-in ---- */

typedef struct answer {
    load *load;
    bool done;
} answer;

static void on_tokens(void *context, grpc_call *call, bytes message)
{
    (void)context;
    answer *a = grpc_call_user(call);
    Atoll__Auth__V1__Tokens *t = atoll__auth__v1__tokens__unpack(NULL, message.size, message.data);
    if (t == NULL) exit(1);
    snprintf(a->load->token, sizeof a->load->token, "%s", t->access_token);
    atoll__auth__v1__tokens__free_unpacked(t, NULL);
}

static void on_answered(void *context, grpc_call *call, status code, const char *text)
{
    (void)context;
    answer *a = grpc_call_user(call);
    if (code != ATOLL_OK) fprintf(stderr, "log-in: %s\n", text), exit(1);
    a->done = true;
}

void load_log_in(load *l)
{
    answer a = {l, false};
    channel *c = NULL;
    grpc_call *call = NULL;
    uint8_t packed[200];
    channel_options options = {
        .loop = l->loop,
        .platform = l->platform,
        .grpc = {.authority = "127.0.0.1", .events = {NULL, on_tokens, NULL, NULL, on_answered}},
        .tls = l->tls};
    must(channel_connect(&options, "127.0.0.1", l->port, 10000, &c));
    Atoll__Auth__V1__LogInRequest request = ATOLL__AUTH__V1__LOG_IN_REQUEST__INIT;
    Atoll__Auth__V1__Anonymous anonymous = ATOLL__AUTH__V1__ANONYMOUS__INIT;
    request.app_id = "load";
    request.credentials_case = ATOLL__AUTH__V1__LOG_IN_REQUEST__CREDENTIALS_ANONYMOUS;
    request.anonymous = &anonymous;
    size_t size = atoll__auth__v1__log_in_request__pack(&request, packed);
    grpc_request what = {.path = "/atoll.auth.v1.Auth/LogIn", .user = &a};
    must(grpc_start(channel_grpc(c), &what, now_ms(l), &call));
    must(grpc_send(call, bytes_of(packed, size)));
    must(grpc_half_close(call));
    while (!a.done) {
        must(channel_turn(c, now_ms(l)));
        if (!a.done) must(loop_turn(l->loop, now_ms(l) + 100));
    }
    channel_free(c);
}

/* ---- begin and end ---- */

static void make_schema(model_schema *schema)
{
    size_t c = 0;
    must(schema_add_class(schema, bytes_text("Item"), CLASS_NORMAL, &c));
    must(schema_add_property(schema, c, bytes_text("_id"), VALUE_INT, PROPERTY_PRIMARY_KEY,
                             bytes_text("")));
    must(schema_add_property(schema, c, bytes_text("owner"), VALUE_INT, 0, bytes_text("")));
    must(schema_add_property(schema, c, bytes_text("score"), VALUE_DOUBLE, 0, bytes_text("")));
}

void load_start(load *l, uint16_t port, long count, long streams_a_line)
{
    *l = (load){.platform = platform_posix(),
                .port = port,
                .count = count,
                .streams_a_line = streams_a_line,
                .line_count = (count + streams_a_line - 1) / streams_a_line};
    must(loop_new(l->platform, &l->loop));
    make_schema(&l->schema);
    l->sessions = calloc((size_t)count, sizeof *l->sessions);
    l->lines = calloc((size_t)l->line_count, sizeof *l->lines);
    l->touched = calloc((size_t)l->line_count + 1, sizeof *l->touched);
    if (l->sessions == NULL || l->lines == NULL || l->touched == NULL) exit(1);
    for (long i = 0; i < count; i++) l->sessions[i] = (load_session){.load = l, .number = i};
    for (long i = 0; i < l->line_count; i++) l->lines[i].load = l;
}

void load_end(load *l)
{
    for (long i = 0; i < l->count; i++)
        if (l->sessions[i].call != NULL) grpc_call_set_user(l->sessions[i].call, NULL);
    load_drop(l);
    loop_free(l->loop);
    schema_free(&l->schema);
    free(l->sessions);
    free(l->lines);
    free(l->touched);
}
