/* Codec, second half: whole messages. With codec_rows.c the only place that sees the generated protobuf code.
 * It must never trust a length, and never call the system's allocator: unpacking takes from the message's arena, whose bound
 * follows from the size of the bytes. Invariant: a message that was read can be used without further checks of shape. */
#include "sync/codec_internal.h"
#include "sync/compress.h"

typedef Atoll__Sync__V1__ClientMessage pb_client;
typedef Atoll__Sync__V1__ServerMessage pb_server;
typedef Atoll__Sync__V1__Value pb_value;

static void *take_for_protobuf(void *context, size_t size)
{
    return arena_take(context, size);
}

static void keep_for_protobuf(void *context, void *pointer)
{
    (void)context;
    (void)pointer;
}

static bytes bytes_in(const ProtobufCBinaryData *from)
{
    return bytes_of(from->data, from->len);
}

static ProtobufCBinaryData bytes_out(bytes from)
{
    return (ProtobufCBinaryData){from.size, (uint8_t *)from.data};
}

static status read_id(const ProtobufCBinaryData *from, const char *what, bytes *out)
{
    if (from->len != 0 && from->len != WIRE_ID_SIZE) {
        return fail(ATOLL_ERROR_INVALID_ARGUMENT, "%s has %zu bytes, it must have %d or none", what,
                    from->len, WIRE_ID_SIZE);
    }
    *out = bytes_in(from);
    return ATOLL_OK;
}

static status read_partition(const pb_value *from, value *out)
{
    *out = value_null();
    if (from == NULL) return ATOLL_OK;
    switch ((int)from->type) {
    case VALUE_NULL: return ATOLL_OK;
    case VALUE_INT: *out = value_int(from->integer); return ATOLL_OK;
    case VALUE_STRING:
        if (!utf8_is_valid(bytes_in(&from->data))) break;
        *out = value_string(bytes_in(&from->data));
        return ATOLL_OK;
    case VALUE_UUID:
        if (from->data.len != 16) break;
        *out = value_uuid(from->data.data);
        return ATOLL_OK;
    case VALUE_OBJECT_ID:
        if (from->data.len != 12) break;
        *out = value_object_id(from->data.data);
        return ATOLL_OK;
    default: break;
    }
    return fail(ATOLL_ERROR_BAD_PARTITION_VALUE,
                "a partition is a string, an int, an object id, a uuid or null");
}

static status read_queries(arena *memory, pb_query **from, size_t count, wire_queries *out)
{
    if (count > LIMIT_SUBSCRIPTIONS_MAX)
        return fail(ATOLL_ERROR_LIMIT_EXCEEDED, "more than %d subscriptions",
                    LIMIT_SUBSCRIPTIONS_MAX);
    for (size_t i = 0; i < count; i++) {
        wire_query q = {from[i]->class_name, from[i]->text};
        TRY(arena_push(memory, out, q));
    }
    return ATOLL_OK;
}

static status write_queries(arena *memory, const wire_queries *from, size_t *count, pb_query ***out)
{
    pb_query **list = arena_take(memory, (from->count + 1) * sizeof *list);
    if (list == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    for (size_t i = 0; i < from->count; i++) {
        list[i] = arena_take(memory, sizeof *list[i]);
        if (list[i] == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
        atoll__sync__v1__query__init(list[i]);
        list[i]->class_name = (char *)from->items[i].class_name;
        list[i]->text = (char *)from->items[i].text;
    }
    *count = from->count;
    *out = list;
    return ATOLL_OK;
}

static status read_bind(arena *memory, const Atoll__Sync__V1__Bind *b, wire_bind *out)
{
    *out = (wire_bind){.version_minimum = b->protocol_version_min,
                       .version_maximum = b->protocol_version_max,
                       .app_id = b->app_id,
                       .user_agent = b->user_agent,
                       .flexible = b->flexible,
                       .ident = b->ident,
                       .cursor = b->cursor,
                       .epoch = b->epoch,
                       .sent_bound = b->sent_bound,
                       .view_version = b->view_version,
                       .previous_ident = b->previous_ident,
                       .run = b->run,
                       .acknowledged_version = b->acknowledged_version,
                       .wall_ms = b->wall_ms,
                       .log_level = b->log_level,
                       .trail = b->trail,
                       .commits = {b->commits, b->n_commits, b->n_commits},
                       .resume = bytes_in(&b->resume),
                       .accepts_zstd = b->accepts_zstd};
    TRY(read_partition(b->partition, &out->partition));
    TRY(read_id(&b->secret, "secret", &out->secret));
    TRY(read_id(&b->previous_secret, "previous_secret", &out->previous_secret));
    TRY(read_id(&b->sent_batch, "sent_batch", &out->sent_batch));
    TRY(read_id(&b->acknowledged_batch, "acknowledged_batch", &out->acknowledged_batch));
    TRY(read_queries(memory, b->view, b->n_view, &out->view));
    TRY(read_queries(memory, b->view_before, b->n_view_before, &out->view_before));
    return codec_schema_read(b->schema, b->n_schema, &out->schema);
}

static status read_upload(arena *memory, const Atoll__Sync__V1__Upload *u, wire_upload *out)
{
    *out = (wire_upload){.bound = u->bound,
                         .cursor = u->cursor,
                         .part = u->part,
                         .last = u->last,
                         .trail = u->trail,
                         .commits = {u->commits, u->n_commits, u->n_commits}};
    TRY(read_id(&u->batch, "batch", &out->batch));
    TRY(read_id(&u->previous_batch, "previous_batch", &out->previous_batch));
    if (out->batch.size == 0 || u->bound == 0)
        return fail(ATOLL_ERROR_INVALID_ARGUMENT,
                    "an upload has a batch id and a bound of at least 1");
    return codec_rows_read(memory, u->rows, u->n_rows, true, &out->rows);
}

static status take_client(const pb_client *m, arena *memory, client_message *out)
{
    switch (m->body_case) {
    case ATOLL__SYNC__V1__CLIENT_MESSAGE__BODY_BIND:
        TRY(read_bind(memory, m->bind, &out->bind));
        out->kind = CLIENT_BIND;
        return ATOLL_OK;
    case ATOLL__SYNC__V1__CLIENT_MESSAGE__BODY_SUBSCRIBE:
        out->kind = CLIENT_SUBSCRIBE;
        out->subscribe.version = m->subscribe->version;
        return read_queries(memory, m->subscribe->queries, m->subscribe->n_queries,
                            &out->subscribe.queries);
    case ATOLL__SYNC__V1__CLIENT_MESSAGE__BODY_UPLOAD:
        out->kind = CLIENT_UPLOAD;
        return read_upload(memory, m->upload, &out->upload);
    case ATOLL__SYNC__V1__CLIENT_MESSAGE__BODY_MARK:
        out->kind = CLIENT_MARK;
        out->mark = m->mark->request;
        return ATOLL_OK;
    case ATOLL__SYNC__V1__CLIENT_MESSAGE__BODY_AUTHENTICATE:
        out->kind = CLIENT_AUTHENTICATE;
        out->token = m->authenticate->access_token;
        return ATOLL_OK;
    case ATOLL__SYNC__V1__CLIENT_MESSAGE__BODY_PING:
        out->kind = CLIENT_PING;
        out->ping = m->ping->sent_ms;
        return ATOLL_OK;
    case ATOLL__SYNC__V1__CLIENT_MESSAGE__BODY_UNBIND: out->kind = CLIENT_UNBIND; return ATOLL_OK;
    default:
        return fail(ATOLL_ERROR_INVALID_ARGUMENT,
                    "a client message without a body that this version knows");
    }
}

static status unpack_client(bytes from, arena *memory, pb_client **out)
{
    ProtobufCAllocator allocator = {take_for_protobuf, keep_for_protobuf, memory};
    if (from.size > LIMIT_MESSAGE_SIZE_MAX)
        return fail(ATOLL_ERROR_MESSAGE_TOO_LARGE, "a message of %zu bytes", from.size);
    *out = atoll__sync__v1__client_message__unpack(&allocator, from.size, from.data);
    if (*out == NULL && memory->starved) return ATOLL_ERROR_OUT_OF_MEMORY;
    return *out != NULL ? ATOLL_OK
                        : fail(ATOLL_ERROR_INVALID_ARGUMENT,
                               "a client message of %zu bytes can't be decoded", from.size);
}

status codec_client_read(bytes from, arena *memory, client_message *out)
{
    pb_client *m = NULL;
    *out = (client_message){0};
    TRY(unpack_client(from, memory, &m));
    if (m->body_case == ATOLL__SYNC__V1__CLIENT_MESSAGE__BODY_PACKED) {
        bytes inner;
        TRY(decompress(bytes_in(&m->packed->zstd), m->packed->size, memory, &inner));
        TRY(unpack_client(inner, memory, &m));
    }
    return take_client(m, memory, out);
}

static status read_download(arena *memory, const Atoll__Sync__V1__Download *d, wire_download *out)
{
    *out = (wire_download){.from = d->from,
                           .to = d->to,
                           .view_version = d->view_version,
                           .clock = d->clock,
                           .remaining_rows = d->remaining_rows,
                           .last = d->last,
                           .sweep = d->sweep,
                           .continues = d->continues,
                           .position = bytes_in(&d->position)};
    TRY(codec_rows_read(memory, d->rows, d->n_rows, false, &out->rows));
    return codec_schema_read(d->schema, d->n_schema, &out->schema);
}

static status read_ack(arena *memory, const Atoll__Sync__V1__UploadAck *a, wire_ack *out)
{
    *out = (wire_ack){.bound = a->bound,
                      .version = a->version,
                      .clock = a->clock,
                      .cursor = a->cursor,
                      .last = a->last};
    TRY(read_id(&a->batch, "batch", &out->batch));
    for (size_t i = 0; i < a->n_rejected; i++) {
        wire_rejected r = {a->rejected[i]->class_name, a->rejected[i]->key, a->rejected[i]->reason,
                           value_null()};
        TRY(read_partition(a->rejected[i]->primary_key, &r.primary_key));
        TRY(arena_push(memory, &out->rejected, r));
    }
    return codec_rows_read(memory, a->rows, a->n_rows, false, &out->rows);
}

static status read_bound(arena *memory, const Atoll__Sync__V1__Bound *b, wire_bound *out)
{
    *out = (wire_bound){.version = b->protocol_version,
                        .ident = b->ident,
                        .epoch = b->epoch,
                        .high_water = b->high_water,
                        .sequence_mark = b->sequence_mark,
                        .newest = b->version,
                        .previous_high_water = b->previous_high_water,
                        .previous_version = b->previous_version,
                        .offline_ms = b->offline_ms,
                        .shared_commit = b->shared_commit,
                        .log_id = b->log_id,
                        .server_ms = b->server_ms,
                        .accepts_zstd = b->accepts_zstd};
    for (size_t i = 0; i < b->n_history; i++) {
        wire_epoch e = {b->history[i]->id, b->history[i]->last, b->history[i]->began};
        TRY(arena_push(memory, &out->history, e));
    }
    TRY(read_id(&b->secret, "secret", &out->secret));
    TRY(read_id(&b->last_batch, "last_batch", &out->last_batch));
    return codec_schema_read(b->schema, b->n_schema, &out->schema);
}

/* The bodies without rows. */
static status read_small(const pb_server *m, server_message *out)
{
    switch (m->body_case) {
    case ATOLL__SYNC__V1__SERVER_MESSAGE__BODY_SUBSCRIPTION_STATE:
        out->kind = SERVER_SUBSCRIPTION_STATE;
        out->subscription_state =
            (wire_subscription_state){m->subscription_state->version, m->subscription_state->code,
                                      m->subscription_state->text};
        return ATOLL_OK;
    case ATOLL__SYNC__V1__SERVER_MESSAGE__BODY_MARK_REPLY:
        out->kind = SERVER_MARK_REPLY;
        out->mark = m->mark_reply->request;
        return ATOLL_OK;
    case ATOLL__SYNC__V1__SERVER_MESSAGE__BODY_PONG:
        out->kind = SERVER_PONG;
        out->pong_sent_ms = m->pong->sent_ms;
        out->pong_server_ms = m->pong->server_ms;
        return ATOLL_OK;
    case ATOLL__SYNC__V1__SERVER_MESSAGE__BODY_ERROR:
        out->kind = SERVER_ERROR;
        out->error =
            (wire_error){m->error->code,           m->error->text,        m->error->fatal,
                         m->error->retry_delay_ms, m->error->no_recovery, m->error->log_id};
        return ATOLL_OK;
    case ATOLL__SYNC__V1__SERVER_MESSAGE__BODY_LOG_LINE:
        out->kind = SERVER_LOG_LINE;
        out->log = (wire_log){m->log_line->level, m->log_line->text};
        return ATOLL_OK;
    default:
        return fail(ATOLL_ERROR_PROTOCOL,
                    "a server message without a body that this version knows");
    }
}

static status take_server(const pb_server *m, arena *memory, server_message *out)
{
    switch (m->body_case) {
    case ATOLL__SYNC__V1__SERVER_MESSAGE__BODY_BOUND:
        TRY(read_bound(memory, m->bound, &out->bound));
        out->kind = SERVER_BOUND;
        return ATOLL_OK;
    case ATOLL__SYNC__V1__SERVER_MESSAGE__BODY_DOWNLOAD:
        TRY(read_download(memory, m->download, &out->download));
        out->kind = SERVER_DOWNLOAD;
        return ATOLL_OK;
    case ATOLL__SYNC__V1__SERVER_MESSAGE__BODY_UPLOAD_ACK:
        out->kind = SERVER_UPLOAD_ACK;
        return read_ack(memory, m->upload_ack, &out->ack);
    default: return read_small(m, out);
    }
}

static status unpack_server(bytes from, arena *memory, pb_server **out)
{
    ProtobufCAllocator allocator = {take_for_protobuf, keep_for_protobuf, memory};
    if (from.size > LIMIT_MESSAGE_SIZE_MAX)
        return fail(ATOLL_ERROR_MESSAGE_TOO_LARGE, "a message of %zu bytes", from.size);
    *out = atoll__sync__v1__server_message__unpack(&allocator, from.size, from.data);
    if (*out == NULL && memory->starved) return ATOLL_ERROR_OUT_OF_MEMORY;
    return *out != NULL ? ATOLL_OK
                        : fail(ATOLL_ERROR_PROTOCOL,
                               "a server message of %zu bytes can't be decoded", from.size);
}

status codec_server_read(bytes from, arena *memory, server_message *out)
{
    pb_server *m = NULL;
    *out = (server_message){0};
    TRY(unpack_server(from, memory, &m));
    if (m->body_case == ATOLL__SYNC__V1__SERVER_MESSAGE__BODY_PACKED) {
        bytes inner;
        TRY(decompress(bytes_in(&m->packed->zstd), m->packed->size, memory, &inner));
        TRY(unpack_server(inner, memory, &m));
    }
    return take_server(m, memory, out);
}

/* ---- writing ---- */

static status pack(buffer *to, const ProtobufCMessage *m)
{
    size_t size = protobuf_c_message_get_packed_size(m);
    if (size > LIMIT_MESSAGE_SIZE_MAX)
        return fail(ATOLL_ERROR_MESSAGE_TOO_LARGE,
                    "a message of %zu bytes; one object must stay below 32 MB", size);
    TRY(buffer_reserve(to, size));
    to->size += protobuf_c_message_pack(m, to->data + to->size);
    return ATOLL_OK;
}

static void write_partition(const value *from, pb_value *to)
{
    atoll__sync__v1__value__init(to);
    to->type = (Atoll__Sync__V1__ValueType)from->type;
    if (from->type == VALUE_INT) to->integer = from->as.integer;
    if (from->type == VALUE_STRING) to->data = bytes_out(from->as.text);
    if (from->type == VALUE_UUID) to->data = bytes_out(bytes_of(from->as.id, 16));
    if (from->type == VALUE_OBJECT_ID) to->data = bytes_out(bytes_of(from->as.id, 12));
}

static status write_bind(buffer *to, arena *memory, const wire_bind *w)
{
    Atoll__Sync__V1__Bind b = ATOLL__SYNC__V1__BIND__INIT;
    pb_value partition;
    write_partition(&w->partition, &partition);
    b.protocol_version_min = w->version_minimum;
    b.protocol_version_max = w->version_maximum;
    b.app_id = (char *)(w->app_id != NULL ? w->app_id : "");
    b.user_agent = (char *)(w->user_agent != NULL ? w->user_agent : "");
    b.flexible = w->flexible;
    if (!w->flexible) b.partition = &partition;
    b.ident = w->ident;
    b.secret = bytes_out(w->secret);
    b.cursor = w->cursor;
    b.epoch = w->epoch;
    b.sent_bound = w->sent_bound;
    b.sent_batch = bytes_out(w->sent_batch);
    b.acknowledged_batch = bytes_out(w->acknowledged_batch);
    b.view_version = w->view_version;
    b.previous_ident = w->previous_ident;
    b.run = w->run;
    b.acknowledged_version = w->acknowledged_version;
    b.log_level = w->log_level;
    b.trail = w->trail;
    b.commits = w->commits.items;
    b.n_commits = w->commits.count;
    b.previous_secret = bytes_out(w->previous_secret);
    b.wall_ms = w->wall_ms;
    b.accepts_zstd = w->accepts_zstd;
    b.resume = bytes_out(w->resume);
    TRY(write_queries(memory, &w->view, &b.n_view, &b.view));
    TRY(write_queries(memory, &w->view_before, &b.n_view_before, &b.view_before));
    TRY(codec_schema_write(memory, &w->schema, &b.n_schema, &b.schema));
    pb_client m = ATOLL__SYNC__V1__CLIENT_MESSAGE__INIT;
    m.body_case = ATOLL__SYNC__V1__CLIENT_MESSAGE__BODY_BIND;
    m.bind = &b;
    return pack(to, &m.base);
}

static status write_subscribe(buffer *to, arena *memory, const wire_subscribe *w)
{
    Atoll__Sync__V1__Subscribe s = ATOLL__SYNC__V1__SUBSCRIBE__INIT;
    s.version = w->version;
    TRY(write_queries(memory, &w->queries, &s.n_queries, &s.queries));
    pb_client m = ATOLL__SYNC__V1__CLIENT_MESSAGE__INIT;
    m.body_case = ATOLL__SYNC__V1__CLIENT_MESSAGE__BODY_SUBSCRIBE;
    m.subscribe = &s;
    return pack(to, &m.base);
}

static status write_upload(buffer *to, arena *memory, const wire_upload *w)
{
    Atoll__Sync__V1__Upload u = ATOLL__SYNC__V1__UPLOAD__INIT;
    u.batch = bytes_out(w->batch);
    u.previous_batch = bytes_out(w->previous_batch);
    u.bound = w->bound;
    u.cursor = w->cursor;
    u.part = w->part;
    u.last = w->last;
    u.trail = w->trail;
    u.commits = w->commits.items;
    u.n_commits = w->commits.count;
    TRY(codec_rows_write(memory, &w->rows, &u.n_rows, &u.rows));
    pb_client m = ATOLL__SYNC__V1__CLIENT_MESSAGE__INIT;
    m.body_case = ATOLL__SYNC__V1__CLIENT_MESSAGE__BODY_UPLOAD;
    m.upload = &u;
    return pack(to, &m.base);
}

static status write_client(buffer *to, arena *memory, const client_message *w)
{
    pb_client m = ATOLL__SYNC__V1__CLIENT_MESSAGE__INIT;
    Atoll__Sync__V1__Mark mark = ATOLL__SYNC__V1__MARK__INIT;
    Atoll__Sync__V1__Authenticate token = ATOLL__SYNC__V1__AUTHENTICATE__INIT;
    Atoll__Sync__V1__Ping ping = ATOLL__SYNC__V1__PING__INIT;
    Atoll__Sync__V1__Unbind unbind = ATOLL__SYNC__V1__UNBIND__INIT;
    switch (w->kind) {
    case CLIENT_BIND: return write_bind(to, memory, &w->bind);
    case CLIENT_SUBSCRIBE: return write_subscribe(to, memory, &w->subscribe);
    case CLIENT_UPLOAD: return write_upload(to, memory, &w->upload);
    case CLIENT_MARK:
        mark.request = w->mark;
        m.body_case = ATOLL__SYNC__V1__CLIENT_MESSAGE__BODY_MARK;
        m.mark = &mark;
        break;
    case CLIENT_AUTHENTICATE:
        token.access_token = (char *)w->token;
        m.body_case = ATOLL__SYNC__V1__CLIENT_MESSAGE__BODY_AUTHENTICATE;
        m.authenticate = &token;
        break;
    case CLIENT_PING:
        ping.sent_ms = w->ping;
        m.body_case = ATOLL__SYNC__V1__CLIENT_MESSAGE__BODY_PING;
        m.ping = &ping;
        break;
    case CLIENT_UNBIND:
        m.body_case = ATOLL__SYNC__V1__CLIENT_MESSAGE__BODY_UNBIND;
        m.unbind = &unbind;
        break;
    }
    return pack(to, &m.base);
}

status codec_client_write(buffer *to, const client_message *w)
{
    arena memory;
    arena_init(&memory, LIMIT_MESSAGE_SIZE_MAX);
    status result = write_client(to, &memory, w);
    arena_free(&memory);
    return result;
}

static status write_history(arena *memory, const wire_bound *w, Atoll__Sync__V1__Bound *b)
{
    size_t count = w->history.count;
    if (count == 0) return ATOLL_OK;
    b->history = arena_take(memory, count * sizeof *b->history);
    Atoll__Sync__V1__Epoch *epochs = arena_take(memory, count * sizeof *epochs);
    if (b->history == NULL || epochs == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    for (size_t i = 0; i < count; i++) {
        atoll__sync__v1__epoch__init(&epochs[i]);
        epochs[i].id = w->history.items[i].id;
        epochs[i].last = w->history.items[i].last;
        epochs[i].began = w->history.items[i].began;
        b->history[i] = &epochs[i];
    }
    b->n_history = count;
    return ATOLL_OK;
}

static status write_bound(buffer *to, arena *memory, const wire_bound *w)
{
    Atoll__Sync__V1__Bound b = ATOLL__SYNC__V1__BOUND__INIT;
    b.protocol_version = w->version;
    b.ident = w->ident;
    b.secret = bytes_out(w->secret);
    b.epoch = w->epoch;
    b.server_ms = w->server_ms;
    b.high_water = w->high_water;
    b.last_batch = bytes_out(w->last_batch);
    b.sequence_mark = w->sequence_mark;
    b.version = w->newest;
    b.accepts_zstd = w->accepts_zstd;
    b.previous_high_water = w->previous_high_water;
    b.previous_version = w->previous_version;
    b.offline_ms = w->offline_ms;
    b.shared_commit = w->shared_commit;
    b.log_id = (char *)(w->log_id != NULL ? w->log_id : "");
    TRY(write_history(memory, w, &b));
    TRY(codec_schema_write(memory, &w->schema, &b.n_schema, &b.schema));
    pb_server m = ATOLL__SYNC__V1__SERVER_MESSAGE__INIT;
    m.body_case = ATOLL__SYNC__V1__SERVER_MESSAGE__BODY_BOUND;
    m.bound = &b;
    return pack(to, &m.base);
}

static status write_download(buffer *to, arena *memory, const wire_download *w)
{
    Atoll__Sync__V1__Download d = ATOLL__SYNC__V1__DOWNLOAD__INIT;
    d.from = w->from;
    d.to = w->to;
    d.last = w->last;
    d.sweep = w->sweep;
    d.view_version = w->view_version;
    d.clock = w->clock;
    d.remaining_rows = w->remaining_rows;
    d.continues = w->continues;
    d.position = bytes_out(w->position);
    TRY(codec_rows_write(memory, &w->rows, &d.n_rows, &d.rows));
    TRY(codec_schema_write(memory, &w->schema, &d.n_schema, &d.schema));
    pb_server m = ATOLL__SYNC__V1__SERVER_MESSAGE__INIT;
    m.body_case = ATOLL__SYNC__V1__SERVER_MESSAGE__BODY_DOWNLOAD;
    m.download = &d;
    return pack(to, &m.base);
}

static status write_ack(buffer *to, arena *memory, const wire_ack *w)
{
    Atoll__Sync__V1__UploadAck a = ATOLL__SYNC__V1__UPLOAD_ACK__INIT;
    a.batch = bytes_out(w->batch);
    a.bound = w->bound;
    a.version = w->version;
    a.clock = w->clock;
    a.cursor = w->cursor;
    a.last = w->last;
    a.rejected = arena_take(memory, (w->rejected.count + 1) * sizeof *a.rejected);
    if (a.rejected == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    a.n_rejected = w->rejected.count;
    for (size_t i = 0; i < w->rejected.count; i++) {
        Atoll__Sync__V1__Rejected *r = arena_take(memory, sizeof *r);
        if (r == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
        pb_value *key = arena_take(memory, sizeof *key);
        if (key == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
        atoll__sync__v1__rejected__init(r);
        write_partition(&w->rejected.items[i].primary_key, key);
        r->primary_key = key;
        r->class_name = (char *)w->rejected.items[i].class_name;
        r->key = (char *)w->rejected.items[i].key;
        r->reason = (char *)w->rejected.items[i].reason;
        a.rejected[i] = r;
    }
    TRY(codec_rows_write(memory, &w->rows, &a.n_rows, &a.rows));
    pb_server m = ATOLL__SYNC__V1__SERVER_MESSAGE__INIT;
    m.body_case = ATOLL__SYNC__V1__SERVER_MESSAGE__BODY_UPLOAD_ACK;
    m.upload_ack = &a;
    return pack(to, &m.base);
}

static status write_error(buffer *to, const wire_error *w)
{
    Atoll__Sync__V1__Error e = ATOLL__SYNC__V1__ERROR__INIT;
    e.code = w->code;
    e.text = (char *)w->text;
    e.fatal = w->fatal;
    e.retry_delay_ms = w->retry_delay_ms;
    e.no_recovery = w->no_recovery;
    e.log_id = (char *)(w->log_id != NULL ? w->log_id : "");
    pb_server m = ATOLL__SYNC__V1__SERVER_MESSAGE__INIT;
    m.body_case = ATOLL__SYNC__V1__SERVER_MESSAGE__BODY_ERROR;
    m.error = &e;
    return pack(to, &m.base);
}

static status write_server(buffer *to, arena *memory, const server_message *w)
{
    pb_server m = ATOLL__SYNC__V1__SERVER_MESSAGE__INIT;
    Atoll__Sync__V1__SubscriptionState state = ATOLL__SYNC__V1__SUBSCRIPTION_STATE__INIT;
    Atoll__Sync__V1__MarkReply mark = ATOLL__SYNC__V1__MARK_REPLY__INIT;
    Atoll__Sync__V1__Pong pong = ATOLL__SYNC__V1__PONG__INIT;
    Atoll__Sync__V1__LogLine line = ATOLL__SYNC__V1__LOG_LINE__INIT;
    switch (w->kind) {
    case SERVER_BOUND: return write_bound(to, memory, &w->bound);
    case SERVER_DOWNLOAD: return write_download(to, memory, &w->download);
    case SERVER_UPLOAD_ACK: return write_ack(to, memory, &w->ack);
    case SERVER_ERROR: return write_error(to, &w->error);
    case SERVER_SUBSCRIPTION_STATE:
        state.version = w->subscription_state.version;
        state.code = w->subscription_state.code;
        state.text = (char *)w->subscription_state.text;
        m.body_case = ATOLL__SYNC__V1__SERVER_MESSAGE__BODY_SUBSCRIPTION_STATE;
        m.subscription_state = &state;
        break;
    case SERVER_MARK_REPLY:
        mark.request = w->mark;
        m.body_case = ATOLL__SYNC__V1__SERVER_MESSAGE__BODY_MARK_REPLY;
        m.mark_reply = &mark;
        break;
    case SERVER_PONG:
        pong.sent_ms = w->pong_sent_ms;
        pong.server_ms = w->pong_server_ms;
        m.body_case = ATOLL__SYNC__V1__SERVER_MESSAGE__BODY_PONG;
        m.pong = &pong;
        break;
    case SERVER_LOG_LINE:
        line.level = w->log.level;
        line.text = (char *)w->log.text;
        m.body_case = ATOLL__SYNC__V1__SERVER_MESSAGE__BODY_LOG_LINE;
        m.log_line = &line;
        break;
    }
    return pack(to, &m.base);
}

status codec_server_write(buffer *to, const server_message *w)
{
    arena memory;
    arena_init(&memory, LIMIT_MESSAGE_SIZE_MAX);
    status result = write_server(to, &memory, w);
    arena_free(&memory);
    return result;
}

/* ---- compressed messages ---- */

static status pack_again(buffer *message, bool client)
{
    Atoll__Sync__V1__Packed packed = ATOLL__SYNC__V1__PACKED__INIT;
    pb_client from_client = ATOLL__SYNC__V1__CLIENT_MESSAGE__INIT;
    pb_server from_server = ATOLL__SYNC__V1__SERVER_MESSAGE__INIT;
    buffer small;
    bool made = false;
    buffer_init(&small, 2 * LIMIT_MESSAGE_SIZE_MAX);
    status result = compress(buffer_view(message), &small, &made);
    if (result == ATOLL_OK && made) {
        packed.size = (uint32_t)message->size;
        packed.zstd = bytes_out(buffer_view(&small));
        from_client.body_case = ATOLL__SYNC__V1__CLIENT_MESSAGE__BODY_PACKED;
        from_server.body_case = ATOLL__SYNC__V1__SERVER_MESSAGE__BODY_PACKED;
        from_client.packed = from_server.packed = &packed;
        buffer_clear(message);
        result = pack(message, client ? &from_client.base : &from_server.base);
    }
    buffer_free(&small);
    return result;
}

status codec_client_pack(buffer *message)
{
    return pack_again(message, true);
}

status codec_server_pack(buffer *message)
{
    return pack_again(message, false);
}
