/* Tables of ingested objects and the mark in PostgreSQL, as SQL.
 * Must never: change or drop a column that is there; it only adds what is missing, and only when it may.
 * Invariant: names come from the schema and the configuration and are always quoted. */
#include "server/sink.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define SQL_SIZE_MAX (4u << 20)
#define MARK_TABLE "atoll_ingest_mark"

typedef struct sql {
    buffer text;
    status result; /* the first failure; what follows does nothing */
} sql;

static void sql_begin(sql *s)
{
    buffer_init(&s->text, SQL_SIZE_MAX);
    s->result = ATOLL_OK;
}

static void add(sql *s, const char *text)
{
    if (s->result == ATOLL_OK) s->result = buffer_append(&s->text, text, strlen(text));
}

static void add_name(sql *s, const char *name)
{
    add(s, "\"");
    for (const char *c = name; *c != '\0'; c++) {
        if (*c == '"') add(s, "\"");
        if (s->result == ATOLL_OK) s->result = buffer_append_byte(&s->text, (uint8_t)*c);
    }
    add(s, "\"");
}

static void add_table(sql *s, const sink_config *config, const char *table)
{
    add_name(s, config->schema);
    add(s, ".");
    add_name(s, table);
}

static status sql_end(sql *s)
{
    if (s->result == ATOLL_OK) s->result = buffer_append_byte(&s->text, '\0');
    return s->result;
}

static const char *sql_text(const sql *s)
{
    return (const char *)s->text.data;
}

/* ---- columns ---- */

bool sink_column_is_json(const model_property *p)
{
    return (p->flags & PROPERTY_COLLECTION) != 0 || p->type == VALUE_MIXED ||
           p->type == VALUE_EMBEDDED;
}

static const char *plain_type(value_type type)
{
    switch (type) {
    case VALUE_BOOL: return "boolean";
    case VALUE_INT: return "bigint";
    case VALUE_DOUBLE: return "double precision";
    case VALUE_FLOAT: return "real";
    case VALUE_STRING:
    case VALUE_OBJECT_ID: return "text";
    case VALUE_BINARY: return "bytea";
    case VALUE_TIMESTAMP: return "timestamp with time zone";
    case VALUE_UUID: return "uuid";
    case VALUE_DECIMAL: return "numeric";
    default: return "jsonb";
    }
}

static const char *column_type(const model_schema *schema, const model_property *p)
{
    if (sink_column_is_json(p)) return "jsonb";
    if (p->type != VALUE_LINK) return plain_type(p->type);
    const model_class *target = schema_class(schema, p->target);
    const model_property *key = target == NULL ? NULL : class_property(target, target->primary_key);
    return plain_type(key == NULL ? VALUE_LINK : key->type);
}

static const char *table_of(const sink_config *config, const model_class *c)
{
    for (size_t i = 0; i < config->tables.count; i++) {
        if (strcmp(config->tables.items[i].class_name, c->name) == 0)
            return config->tables.items[i].table;
    }
    return c->name;
}

typedef struct column {
    const char *name, *type;
} column;
static const column own_columns[] = {
    {"_atoll_position", "bigint"}, {"_atoll_ident", "bigint"}, {"_atoll_sequence", "bigint"}};
enum { OWN_COLUMNS = sizeof own_columns / sizeof *own_columns };
static const column object_column = {"_atoll_object", "json"};

/* In the order of COPY. */
static column column_at(const model_schema *schema, const model_class *c, size_t i)
{
    if (i < OWN_COLUMNS) return own_columns[i];
    i -= OWN_COLUMNS;
    if (i == c->property_count) return object_column;
    return (column){c->properties[i].name,
                    schema == NULL ? "" : column_type(schema, &c->properties[i])};
}

static size_t column_count(const model_class *c)
{
    return c->property_count + OWN_COLUMNS + 1;
}

/* ---- what is there ---- */

typedef struct present {
    VECTOR(char *) names;
    bool table;
} present;

static status keep_name(void *context, const char *value)
{
    present *p = context;
    p->table = true;
    char *copy = memory_copy_text(value, strlen(value));
    if (copy == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    status result = vector_push(&p->names, copy);
    if (result != ATOLL_OK) memory_free(copy);
    return result;
}

static bool has_name(const present *p, const char *name)
{
    for (size_t i = 0; i < p->names.count; i++)
        if (strcmp(p->names.items[i], name) == 0) return true;
    return false;
}

static status read_present(postgres *p, const sink_config *config, const char *table, present *out)
{
    const char *parameters[] = {config->schema, table};
    return postgres_read(p,
                         "SELECT attname FROM pg_attribute WHERE attrelid = (SELECT c.oid FROM "
                         "pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname "
                         "= $1 AND c.relname = $2) AND attnum > 0 AND NOT attisdropped",
                         parameters, 2, keep_name, out);
}

static void free_present(present *p)
{
    for (size_t i = 0; i < p->names.count; i++) memory_free(p->names.items[i]);
    vector_free(&p->names);
}

/* CREATE TABLE, or ALTER TABLE with what is missing; *any false: nothing is. */
static status write_change(const sink_config *config, const model_schema *schema,
                           const model_class *c, const present *there, sql *s, bool *any)
{
    *any = !there->table;
    add(s, there->table ? "ALTER TABLE " : "CREATE TABLE ");
    add_table(s, config, table_of(config, c));
    add(s, there->table ? "" : " (");
    for (size_t i = 0, written = 0; i < column_count(c); i++) {
        column k = column_at(schema, c, i);
        if (has_name(there, k.name)) continue;
        *any = true;
        add(s, written++ == 0 ? "" : ",");
        add(s, there->table ? " ADD COLUMN " : " ");
        add_name(s, k.name);
        add(s, " ");
        add(s, k.type);
    }
    add(s, there->table ? "" : ")");
    return sql_end(s);
}

status sink_table_prepare(postgres *p, const sink_config *config, const model_schema *schema,
                          const model_class *c)
{
    present there = {0};
    bool any = false;
    sql change;
    sql_begin(&change);
    status result = read_present(p, config, table_of(config, c), &there);
    if (result == ATOLL_OK) result = write_change(config, schema, c, &there, &change, &any);
    if (result == ATOLL_OK && any) {
        if (config->create)
            result = postgres_run(p, sql_text(&change), NULL, 0, NULL);
        else
            result = fail(ATOLL_ERROR_MISMATCHED_CONFIG,
                          "PostgreSQL: objects of class \"%s\" have no place; run: %s", c->name,
                          sql_text(&change));
    }
    buffer_free(&change.text);
    free_present(&there);
    return result;
}

status sink_table_copy(postgres *p, const sink_config *config, const sink_rows *rows)
{
    sql s;
    sql_begin(&s);
    add(&s, "COPY ");
    add_table(&s, config, table_of(config, rows->of));
    for (size_t i = 0; i < column_count(rows->of); i++) {
        add(&s, i == 0 ? " (" : ", ");
        add_name(&s, column_at(NULL, rows->of, i).name);
    }
    add(&s, ") FROM STDIN");
    status result = sql_end(&s);
    if (result == ATOLL_OK) result = postgres_copy(p, sql_text(&s), buffer_view(&rows->lines));
    buffer_free(&s.text);
    return result;
}

/* ---- the mark ---- */

enum { NUMBER_SIZE = 24 };

static void number(uint64_t value, char out[NUMBER_SIZE])
{
    snprintf(out, NUMBER_SIZE, "%" PRIu64, value);
}

/* before, the table's name, after. */
static status mark_sql(const sink_config *config, const char *before, const char *after, sql *s)
{
    sql_begin(s);
    add(s, before);
    add_table(s, config, MARK_TABLE);
    add(s, after);
    return sql_end(s);
}

static status run_mark(postgres *p, const sink_config *config, const char *before,
                       const char *after, const char *const *parameters, int count,
                       uint64_t *changed)
{
    sql s;
    status result = mark_sql(config, before, after, &s);
    if (result == ATOLL_OK) result = postgres_run(p, sql_text(&s), parameters, count, changed);
    buffer_free(&s.text);
    return result;
}

static status prepare_schema(postgres *p, const sink_config *config)
{
    const char *parameters[] = {config->schema};
    present there = {0};
    sql s;
    status result = postgres_read(p, "SELECT nspname FROM pg_namespace WHERE nspname = $1",
                                  parameters, 1, keep_name, &there);
    bool found = there.table;
    free_present(&there);
    if (result != ATOLL_OK || found) return result;
    sql_begin(&s);
    add(&s, "CREATE SCHEMA ");
    add_name(&s, config->schema);
    result = sql_end(&s);
    if (result == ATOLL_OK) result = postgres_run(p, sql_text(&s), NULL, 0, NULL);
    buffer_free(&s.text);
    return result;
}

#define MARK_COLUMNS                                                                           \
    " (app text NOT NULL, store bigint NOT NULL, position bigint NOT NULL, PRIMARY KEY (app, " \
    "store))"

status sink_mark_prepare(postgres *p, const sink_config *config, const char *app_id, uint64_t store)
{
    char number_text[NUMBER_SIZE];
    const char *parameters[] = {app_id, number_text};
    present there = {0};
    number(store, number_text);
    status result = read_present(p, config, MARK_TABLE, &there);
    free_present(&there);
    if (result != ATOLL_OK) return result;
    if (!there.table && !config->create)
        return fail(ATOLL_ERROR_MISMATCHED_CONFIG,
                    "PostgreSQL: the table of marks is missing; run: CREATE TABLE \"%s\"."
                    "\"" MARK_TABLE "\"" MARK_COLUMNS,
                    config->schema);
    if (!there.table) TRY(prepare_schema(p, config));
    if (!there.table)
        TRY(run_mark(p, config, "CREATE TABLE IF NOT EXISTS ", MARK_COLUMNS, NULL, 0, NULL));
    return run_mark(p, config, "INSERT INTO ", " VALUES ($1, $2, 0) ON CONFLICT DO NOTHING",
                    parameters, 2, NULL);
}

typedef struct mark_reading {
    uint64_t position;
    bool found;
} mark_reading;

static status keep_mark(void *context, const char *value)
{
    mark_reading *m = context;
    char *end = NULL;
    m->position = strtoull(value, &end, 10);
    m->found = end != value;
    return ATOLL_OK;
}

status sink_mark_read(postgres *p, const sink_config *config, const char *app_id, uint64_t store,
                      uint64_t *out)
{
    char number_text[NUMBER_SIZE];
    const char *parameters[] = {app_id, number_text};
    mark_reading m = {0};
    sql s;
    number(store, number_text);
    status result = mark_sql(config, "SELECT position FROM ", " WHERE app = $1 AND store = $2", &s);
    if (result == ATOLL_OK) result = postgres_read(p, sql_text(&s), parameters, 2, keep_mark, &m);
    buffer_free(&s.text);
    if (result != ATOLL_OK) return result;
    if (!m.found)
        return fail(ATOLL_ERROR_INTERNAL, "PostgreSQL: the mark of the app \"%s\" is gone", app_id);
    *out = m.position;
    return ATOLL_OK;
}

status sink_mark_move(postgres *p, const sink_config *config, const char *app_id, uint64_t store,
                      uint64_t from, uint64_t to, bool *moved)
{
    char numbers[3][NUMBER_SIZE];
    const char *parameters[] = {app_id, numbers[0], numbers[1], numbers[2]};
    uint64_t changed = 0;
    number(store, numbers[0]);
    number(from, numbers[1]);
    number(to, numbers[2]);
    TRY(run_mark(p, config, "UPDATE ",
                 " SET position = $4 WHERE app = $1 AND store = $2 AND position = $3", parameters,
                 4, &changed));
    *moved = changed == 1;
    return ATOLL_OK;
}
