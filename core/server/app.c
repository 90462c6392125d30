/* One app of the server: its records, its schema, its clock.
 * It must never commit what clients uploaded (apply.c does), nor talk to a stream. Invariant: the app record, idents and
 * objects change in the same commits, so that a crash leaves them agreeing. */
#include "server/app.h"
#include "sync/breakage.h"

enum { RECORD_SIZE_MAX = 256u << 20, REJECTED_NAMED_MAX = 10000, REJECTED_SIZE_MAX = 1u << 20 };
static const uint8_t app_key[2] = {'s', 's'};

status app_record_write(server_app *app, model_txn *txn)
{
    buffer record;
    buffer_init(&record, 256);
    const uint64_t numbers[] = {app->epoch, app->next_ident, app->clock, app->ingest_position,
                                app->ingest_bytes};
    status result = ATOLL_OK;
    for (int i = 0; i < 5 && result == ATOLL_OK; i++)
        result = buffer_append_fixed64(&record, numbers[i]);
    if (result == ATOLL_OK)
        result = model_side_put(txn, bytes_of(app_key, 2), buffer_view(&record));
    buffer_free(&record);
    return result;
}

static status app_record_read(server_app *app, bool *found)
{
    buffer record;
    buffer_init(&record, 256);
    status result = model_side_get(app->db, bytes_of(app_key, 2), &record, found);
    if (result == ATOLL_OK && *found) {
        reader r = reader_of(buffer_view(&record));
        app->epoch = reader_fixed64(&r);
        app->next_ident = reader_fixed64(&r);
        app->clock = reader_fixed64(&r);
        app->ingest_position = reader_fixed64(&r);
        bool counted = record.size > 4 * sizeof(uint64_t); /* Folders of before do not tell it. */
        app->ingest_bytes = counted ? reader_fixed64(&r) : 0;
        if (!counted && app->ingest_position > 0) result = ingest_count_bytes(app);
        if (r.failed)
            result = fail(ATOLL_ERROR_FILE_CORRUPT, "the record of the app '%s' is damaged",
                          app->app_id);
    }
    buffer_free(&record);
    return result;
}

static status app_start(server_app *app)
{
    bool found = false;
    TRY(app_record_read(app, &found));
    TRY(history_load(app));
    TRY(removed_load(app));
    TRY(paths_load(app));
    model_txn *txn = NULL;
    if (!found) app->next_ident = 1;
    TRY(app_begin(app, &txn));
    status result = history_begin(app, txn);
    if (result == ATOLL_OK) result = app_record_write(app, txn);
    if (result != ATOLL_OK) {
        model_rollback(txn);
        return result;
    }
    TRY(model_commit(txn, NULL));
    return server_app_sync(app);
}

status server_app_open(storage *store, const server_app_options *options, server_app **out)
{
    server_app *app = memory_allocate_zero(sizeof *app);
    if (app == NULL) {
        storage_close(store);
        return ATOLL_ERROR_OUT_OF_MEMORY;
    }
    const char *partition =
        options->partition_property != NULL ? options->partition_property : "_partition";
    app->options = *options;
    app->app_id = memory_copy_text(options->app_id, strlen(options->app_id));
    app->partition_property = memory_copy_text(partition, strlen(partition));
    app->options.app_id = app->app_id;
    app->options.partition_property = app->partition_property;
    app->roles = role_set_retain(options->roles);
    app->schema_generation = 1;
    status result = app->app_id == NULL || app->partition_property == NULL
                        ? ATOLL_ERROR_OUT_OF_MEMORY
                        : ATOLL_OK;
    if (result != ATOLL_OK) storage_close(store);
    model_options model = {.platform = options->platform,
                           .use = options->flexible ? SCHEMA_FLEXIBLE : SCHEMA_PARTITION,
                           .identity_rows = true,
                           .memory_budget = options->memory_budget,
                           .checkpoint_thread = options->checkpoint_thread,
                           .settle_size = options->settle_size,
                           .plain = true};
    if (result == ATOLL_OK) result = model_open(store, &model, NULL, &app->db);
    if (result == ATOLL_OK) result = marks_open(app);
    if (result == ATOLL_OK) result = places_open(app);
    if (result == ATOLL_OK) result = app_start(app);
    if (result == ATOLL_OK) result = watch_open(app);
    if (result == ATOLL_OK) result = model_sync(app->db, &app->durable);
    if (result != ATOLL_OK) {
        server_app_close(app);
        return result;
    }
    *out = app;
    return ATOLL_OK;
}

void server_app_set_limits(server_app *app, const server_app_options *limits)
{
    app->options.development = limits->development;
    app->options.offline_ms = limits->offline_ms;
    app->options.staged_max = limits->staged_max;
    app->options.no_recovery = limits->no_recovery;
}

void server_app_close(server_app *app)
{
    if (app == NULL) return;
    early_drop(app);
    if (app->db != NULL) model_close(app->db);
    watch_close(app);
    marks_close(app);
    places_close(app);
    vector_free(&app->paths);
    links_close(app);
    vector_free(&app->history.epochs);
    removed_free(app);
    map64_free(&app->runs);
    map64_free(&app->runs_before);
    map64_free(&app->made);
    vector_free(&app->peers);
    vector_free(&app->schemas);
    map64_free(&app->bound);
    memory_free(app->app_id);
    memory_free(app->partition_property);
    role_set_release(app->roles);
    memory_free(app);
}

model_db *server_app_db(server_app *app)
{
    return app->db;
}

status server_app_sync(server_app *app)
{
    if (app->durable == model_version(app->db)) return ATOLL_OK;
    if (BREAKAGE(BREAKAGE_SKIPPED_SYNC)) {
        app->durable = model_version(app->db);
        return ATOLL_OK;
    }
    return model_sync(app->db, &app->durable);
}

uint64_t server_app_ingested(const server_app *app)
{
    return app->ingest_position;
}

int64_t app_now_ms(const server_app *app)
{
    int64_t now = app->options.platform->wall_ms(app->options.platform->context),
            applied = (int64_t)(app->clock >> 16);
    return now > applied ? now : applied;
}

/* ---- idents ---- */

void ident_forget_rejected(ident_record *r)
{
    for (size_t i = 0; i < r->rejected.count; i++) memory_free(r->rejected.items[i].packed);
    r->rejected.count = r->rejected_size = 0;
}

static status push_rejected(ident_record *r, class_key c, bytes packed, const char *reason)
{
    rejected_row row = {c, reason, memory_copy_text((const char *)packed.data, packed.size),
                        packed.size};
    status result = row.packed == NULL ? ATOLL_ERROR_OUT_OF_MEMORY : vector_push(&r->rejected, row);
    if (result != ATOLL_OK) memory_free(row.packed);
    return result;
}

/* So many are named that record and message stay small; those beyond are reverted all the same. */
status ident_reject(ident_record *r, class_key c, const value *key, const char *reason)
{
    buffer packed;
    if (r->rejected.count >= REJECTED_NAMED_MAX || r->rejected_size >= REJECTED_SIZE_MAX)
        return ATOLL_OK;
    buffer_init(&packed, LIMIT_VALUE_SIZE_MAX);
    status result = value_write(&packed, key);
    if (result == ATOLL_OK) result = push_rejected(r, c, buffer_view(&packed), reason);
    if (result == ATOLL_OK) r->rejected_size += packed.size;
    buffer_free(&packed);
    return result;
}

void ident_record_free(ident_record *r)
{
    ident_forget_rejected(r);
    vector_free(&r->rejected);
    vector_free(&r->outcome);
    vector_free(&r->uncertain);
    vector_free(&r->applied);
    memory_free(r->user_id);
    *r = (ident_record){0};
}

static void ident_key(uint8_t key[10], uint64_t ident)
{
    key[0] = 's';
    key[1] = 'i';
    key_put_u64(key + 2, ident);
}

static const char *const reasons[] = {"",
                                      rules_outside,
                                      "the object belongs to another partition",
                                      rules_key_taken,
                                      "the class takes no objects of a client",
                                      rules_no_insert,
                                      rules_no_remove,
                                      rules_no_write,
                                      rules_no_field,
                                      rules_no_partition};

static uint8_t reason_number(const char *reason)
{
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        if (strcmp(reasons[i], reason) == 0) return (uint8_t)i;
    }
    return 0;
}

status ident_write(model_txn *txn, uint64_t ident, const ident_record *r)
{
    buffer record;
    uint8_t key[10];
    buffer_init(&record, RECORD_SIZE_MAX);
    ident_key(key, ident);
    status result = buffer_append(&record, r->secret, 16);
    if (result == ATOLL_OK) result = buffer_append(&record, r->last_batch, 16);
    if (result == ATOLL_OK) result = buffer_append_byte(&record, r->has_batch);
    const uint64_t numbers[] = {r->bound, r->sequence_mark, r->batch_version, r->rules_fingerprint,
                                r->rules_version};
    for (int i = 0; i < 5 && result == ATOLL_OK; i++)
        result = buffer_append_varint(&record, numbers[i]);
    if (result == ATOLL_OK) result = buffer_append_bytes(&record, bytes_text(r->user_id));
    if (result == ATOLL_OK) result = buffer_append_varint(&record, r->outcome.count);
    for (size_t i = 0; i < r->outcome.count && result == ATOLL_OK; i++) {
        result = buffer_append_varint(&record, r->outcome.items[i].class_of);
        if (result == ATOLL_OK)
            result = buffer_append_varint(&record, r->outcome.items[i].row << 1 |
                                                       r->outcome.items[i].reverted);
        if (result == ATOLL_OK) result = buffer_append_varint(&record, r->outcome.items[i].life);
    }
    if (result == ATOLL_OK) result = buffer_append_varint(&record, r->rejected.count);
    for (size_t i = 0; i < r->rejected.count && result == ATOLL_OK; i++) {
        const rejected_row *x = &r->rejected.items[i];
        result = buffer_append_varint(&record, x->class_of);
        if (result == ATOLL_OK) result = buffer_append_byte(&record, reason_number(x->reason));
        if (result == ATOLL_OK)
            result = buffer_append_bytes(&record, bytes_of(x->packed, x->packed_size));
    }
    if (result == ATOLL_OK) result = buffer_append_varint(&record, r->uncertain.count);
    for (size_t i = 0; i < r->uncertain.count && result == ATOLL_OK; i++) {
        const uint64_t triple[] = {r->uncertain.items[i].class_of, r->uncertain.items[i].row,
                                   r->uncertain.items[i].version};
        for (int k = 0; k < 3 && result == ATOLL_OK; k++)
            result = buffer_append_varint(&record, triple[k]);
    }
    if (result == ATOLL_OK) result = buffer_append_varint(&record, r->applied.count);
    for (size_t i = 0; i < r->applied.count && result == ATOLL_OK; i++) {
        result = buffer_append(&record, r->applied.items[i].id, 16);
        if (result == ATOLL_OK) result = buffer_append_varint(&record, r->applied.items[i].bound);
        if (result == ATOLL_OK) result = buffer_append_varint(&record, r->applied.items[i].version);
    }
    if (result == ATOLL_OK)
        result = model_side_put(txn, bytes_of(key, sizeof key), buffer_view(&record));
    buffer_free(&record);
    return result;
}

static status ident_parse(bytes from, ident_record *out)
{
    reader r = reader_of(from);
    ident_record x = {0};
    bytes ids = reader_take(&r, 32);
    if (!r.failed) memcpy(x.secret, ids.data, 16);
    if (!r.failed) memcpy(x.last_batch, ids.data + 16, 16);
    x.has_batch = reader_byte(&r) != 0;
    x.bound = reader_varint(&r);
    x.sequence_mark = reader_varint(&r);
    x.batch_version = reader_varint(&r);
    x.rules_fingerprint = reader_varint(&r);
    x.rules_version = reader_varint(&r);
    bytes user = reader_bytes(&r);
    x.user_id = r.failed
                    ? NULL
                    : memory_copy_text(user.size == 0 ? "" : (const char *)user.data, user.size);
    uint64_t count = reader_varint(&r);
    status result = r.failed || x.user_id != NULL ? ATOLL_OK : ATOLL_ERROR_OUT_OF_MEMORY;
    for (uint64_t i = 0; i < count && !r.failed && result == ATOLL_OK; i++) {
        outcome_row row = {.class_of = (class_key)reader_varint(&r)};
        uint64_t packed = reader_varint(&r);
        row.row = packed >> 1;
        row.reverted = (packed & 1) != 0;
        row.life = reader_varint(&r);
        result = vector_push(&x.outcome, row);
    }
    count = reader_varint(&r);
    for (uint64_t i = 0; i < count && !r.failed && result == ATOLL_OK; i++) {
        class_key class_of = (class_key)reader_varint(&r);
        uint8_t reason = reader_byte(&r);
        bytes key = reader_bytes(&r);
        if (r.failed) break;
        result = push_rejected(&x, class_of, key,
                               reasons[reason < sizeof reasons / sizeof *reasons ? reason : 0]);
    }
    count = reader_varint(&r);
    for (uint64_t i = 0; i < count && !r.failed && result == ATOLL_OK; i++) {
        uncertain_row row = {.class_of = (class_key)reader_varint(&r)};
        row.row = reader_varint(&r);
        row.version = reader_varint(&r);
        result = vector_push(&x.uncertain, row);
    }
    count = reader_varint(&r);
    for (uint64_t i = 0; i < count && !r.failed && result == ATOLL_OK; i++) {
        applied_batch batch = {0};
        bytes id = reader_take(&r, 16);
        if (!r.failed) memcpy(batch.id, id.data, 16);
        batch.bound = reader_varint(&r);
        batch.version = reader_varint(&r);
        result = vector_push(&x.applied, batch);
    }
    if (r.failed) result = fail(ATOLL_ERROR_FILE_CORRUPT, "the record of an ident is damaged");
    if (result != ATOLL_OK) {
        ident_record_free(&x);
        return result;
    }
    *out = x;
    return ATOLL_OK;
}

status ident_read(server_app *app, uint64_t ident, ident_record *out, bool *found)
{
    buffer record;
    uint8_t key[10];
    buffer_init(&record, RECORD_SIZE_MAX);
    ident_key(key, ident);
    *out = (ident_record){0};
    status result = model_side_get(app->db, bytes_of(key, sizeof key), &record, found);
    if (result == ATOLL_OK && *found) result = ident_parse(buffer_view(&record), out);
    buffer_free(&record);
    return result;
}

/* ---- schema ---- */

/* In partition sync every object belongs to a partition, whether the app's model says so or not. */
static status add_partition_property(server_app *app, model_schema *schema, const value *partition)
{
    value_type type = partition->type == VALUE_NULL ? VALUE_STRING : partition->type;
    for (size_t i = 0; i < schema->class_count; i++) {
        const model_class *c = &schema->classes[i];
        if (c->kind != CLASS_NORMAL) continue;
        const model_property *p = class_property_named(c, bytes_text(app->partition_property));
        if (p == NULL) {
            TRY(schema_add_property(schema, i, bytes_text(app->partition_property), type,
                                    PROPERTY_NULLABLE, bytes_of("", 0)));
        } else if (partition->type != VALUE_NULL && p->type != partition->type) {
            return fail(
                ATOLL_ERROR_BAD_PARTITION_VALUE, "the partition is a %s, but '%s.%s' is a %s",
                value_type_name(partition->type), c->name, p->name, value_type_name(p->type));
        }
    }
    return ATOLL_OK;
}

static status merge_schema(server_app *app, model_schema *merged, model_schema *given,
                           bool flexible, const value *partition, bool *changed)
{
    status result = schema_validate(given, flexible ? SCHEMA_FLEXIBLE : SCHEMA_PARTITION);
    if (result != ATOLL_OK) return result;
    if (!flexible) TRY(add_partition_property(app, given, partition));
    result = schema_merge(merged, given, changed);
    if (result == ATOLL_ERROR_SCHEMA_MISMATCH) {
        char text[400];
        strncpy(text, fail_text(), sizeof text - 1);
        text[sizeof text - 1] = '\0';
        return fail(ATOLL_ERROR_INVALID_SCHEMA_CHANGE,
                    "the app's schema differs from the server's: %s. Give what changed another "
                    "name; a device "
                    "that has it under this one keeps its data, and does not sync",
                    text);
    }
    if (result == ATOLL_OK && *changed && !app->options.development) {
        return fail(ATOLL_ERROR_INVALID_SCHEMA_CHANGE,
                    "the app has classes or properties that the server lacks, and it is not in "
                    "development mode");
    }
    return result;
}

status app_take_schema(server_app *app, const model_schema *schema, bool flexible,
                       const value *partition)
{
    model_schema merged = {0}, given = {0};
    bool changed = false;
    model_view *view = model_view_newest(app->db);
    if (view == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    status result = schema_copy(model_view_schema(view), &merged);
    model_view_release(view);
    if (result != ATOLL_OK) return result;
    result = schema_copy(schema, &given);
    if (result == ATOLL_OK)
        result = merge_schema(app, &merged, &given, flexible, partition, &changed);
    if (result == ATOLL_OK && changed) {
        early_drop(app); /* It is a commit. */
        result = model_add_schema(app->db, &given);
        app->schema_generation++;
    }
    schema_free(&given);
    schema_free(&merged);
    return result;
}

status app_schema_for(server_app *app, const model_schema *client, const gone_names *gone,
                      model_schema *out)
{
    model_schema schema = {0};
    model_view *view = model_view_newest(app->db);
    if (view == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    status result = ATOLL_OK;
    for (size_t i = 0; i < client->class_count && result == ATOLL_OK; i++) {
        const model_class *c =
            schema_class_named(model_view_schema(view), bytes_text(client->classes[i].name));
        size_t index = 0;
        if (c == NULL) continue;
        result = schema_add_class(&schema, bytes_text(c->name), c->kind, &index);
        for (size_t k = 0; k < c->property_count && result == ATOLL_OK; k++) {
            const model_property *p = &c->properties[k];
            bool known = p->target_name == NULL || p->target_name[0] == '\0' ||
                         schema_class_named(client, bytes_text(p->target_name)) != NULL;
            if (!known || removed_hides(gone, c, p)) continue;
            result = schema_add_property(&schema, index, bytes_text(p->name), p->type, p->flags,
                                         bytes_text(p->target_name != NULL ? p->target_name : ""));
        }
    }
    model_view_release(view);
    if (result != ATOLL_OK) {
        schema_free(&schema);
        return result;
    }
    *out = schema;
    return ATOLL_OK;
}
