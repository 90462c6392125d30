/* Where ingested objects go and how long they are kept, as the configuration says: the key `ingest` of an app.
 * Must never: show the connection string in an error, since it may hold a password.
 * Invariant: a sink that was read has a connection string and a schema. */
#include "server/config_internal.h"

#define NAME_SIZE_MAX 63 /* PostgreSQL cuts longer ones off */

status sink_config_new(sink_config **out)
{
    sink_config *c = memory_allocate_zero(sizeof *c);
    if (c == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    atomic_init(&c->references, 1);
    *out = c;
    return ATOLL_OK;
}

sink_config *sink_config_retain(sink_config *c)
{
    if (c != NULL) atomic_fetch_add(&c->references, 1);
    return c;
}

void sink_config_release(sink_config *c)
{
    if (c == NULL || atomic_fetch_sub(&c->references, 1) != 1) return;
    for (size_t i = 0; i < c->tables.count; i++) {
        memory_free(c->tables.items[i].class_name);
        memory_free(c->tables.items[i].table);
    }
    vector_free(&c->tables);
    memory_free(c->connection);
    memory_free(c->schema);
    memory_free(c);
}

bool sink_config_equal(const sink_config *a, const sink_config *b)
{
    if (a == NULL || b == NULL) return a == b;
    bool equal = strcmp(a->connection, b->connection) == 0 && strcmp(a->schema, b->schema) == 0 &&
                 a->create == b->create && a->tables.count == b->tables.count;
    for (size_t i = 0; equal && i < a->tables.count; i++)
        equal = strcmp(a->tables.items[i].class_name, b->tables.items[i].class_name) == 0 &&
                strcmp(a->tables.items[i].table, b->tables.items[i].table) == 0;
    return equal;
}

static status read_name(const yaml_node_t *node, char **to)
{
    bytes name = config_scalar(node);
    if (name.size == 0 || name.size > NAME_SIZE_MAX || memchr(name.data, 0, name.size) != NULL)
        return config_fail_at(node, "expected a name of 1 to 63 bytes");
    return config_set_text(to, name);
}

static status read_table(const yaml_node_t *key, const yaml_node_t *node, sink_config *c)
{
    sink_table t = {0};
    status result = read_name(key, &t.class_name);
    if (result == ATOLL_OK) result = read_name(node, &t.table);
    if (result == ATOLL_OK) result = vector_push(&c->tables, t);
    if (result != ATOLL_OK) {
        memory_free(t.class_name);
        memory_free(t.table);
    }
    return result;
}

static status read_tables(yaml_reading *r, const yaml_node_t *node, sink_config *c)
{
    if (node->type != YAML_MAPPING_NODE)
        return config_fail_at(node, "tables: expected {Class: table, ...}");
    for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        TRY(read_table(yaml_document_get_node(&r->document, pair->key),
                       yaml_document_get_node(&r->document, pair->value), c));
    }
    return ATOLL_OK;
}

static status read_key(yaml_reading *r, const yaml_node_t *key, const yaml_node_t *node,
                       app_config *app)
{
    sink_config *c = app->sink;
    if (config_is(key, "postgres")) {
        if (config_scalar(node).size == 0)
            return config_fail_at(node, "postgres: expected a connection string of libpq");
        return config_set_text(&c->connection, config_scalar(node));
    }
    if (config_is(key, "schema")) return read_name(node, &c->schema);
    if (config_is(key, "tables")) return read_tables(r, node, c);
    if (config_is(key, "create")) {
        app->sink_create_said = true;
        return config_bool(node, &c->create);
    }
    if (config_is(key, "keep_seconds")) return config_read_seconds(node, &app->keep.ms);
    if (config_is(key, "keep_megabytes")) return config_read_megabytes(node, &app->keep.bytes);
    if (config_is(key, "keep_delivered")) {
        bool keep = true;
        TRY(config_bool(node, &keep));
        app->keep.drop_delivered = !keep;
        return ATOLL_OK;
    }
    return config_fail_at(key, "unknown key: expected postgres, schema, tables, create, "
                               "keep_seconds, keep_megabytes or keep_delivered");
}

status config_read_ingest(yaml_reading *r, const yaml_node_t *node, app_config *app)
{
    if (node->type != YAML_MAPPING_NODE)
        return config_fail_at(node, "ingest: expected postgres, schema, tables, create, "
                                    "keep_seconds, keep_megabytes, keep_delivered");
    app->keep = (ingest_keep){0};
    sink_config_release(app->sink);
    app->sink = NULL;
    TRY(sink_config_new(&app->sink));
    TRY(config_set_text(&app->sink->schema, bytes_text("public")));
    for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        TRY(read_key(r, yaml_document_get_node(&r->document, pair->key),
                     yaml_document_get_node(&r->document, pair->value), app));
    }
    bool delivers = app->sink->tables.count > 0 || app->sink_create_said ||
                    strcmp(app->sink->schema, "public") != 0 || app->keep.drop_delivered;
    if (app->sink->connection == NULL && delivers)
        return config_fail_at(node, "ingest does not say postgres: a connection string of libpq");
    if (app->sink->connection == NULL) { /* It only says how long they are kept. */
        sink_config_release(app->sink);
        app->sink = NULL;
    }
    return ATOLL_OK;
}
