/* PostgreSQL by libpq; the only file that includes it.
 * Must never: put a connection string into a message or a log, since it may hold a password.
 * Invariant: a call that failed leaves the connection good for postgres_close only. */
#include "server/postgres.h"

#include "base/memory.h"
#include "platform/loop.h"

#include <libpq-fe.h>
#include <stdlib.h>

#define CONNECT_STEPS 100   /* ten seconds */
#define CONNECT_STEP_MS 100 /* how late a stop is seen */
#define COPY_PIECE_SIZE (64u << 10)

struct postgres {
    PGconn *connection;
    int socket;
};

/* The message of libpq ends with a line break. */
static status fail_postgres(const char *what, const char *message)
{
    size_t size = strlen(message);
    while (size > 0 && message[size - 1] == '\n') size--;
    return fail(ATOLL_ERROR_CONNECTION_FAILED, "PostgreSQL, %s: %.*s", what,
                (int)(size < 600 ? size : 600), message);
}

static status wait_connected(PGconn *c, const atomic_bool *stop)
{
    PostgresPollingStatusType want = PGRES_POLLING_WRITING;
    for (int idle = 0; want != PGRES_POLLING_OK && want != PGRES_POLLING_FAILED;) {
        if (atomic_load(stop)) return fail(ATOLL_ERROR_CANCELLED, "the server is stopping");
        if (socket_wait(PQsocket(c), want != PGRES_POLLING_READING, CONNECT_STEP_MS))
            want = PQconnectPoll(c);
        else if (++idle >= CONNECT_STEPS)
            return fail_postgres("connecting", "no answer within ten seconds");
    }
    return want == PGRES_POLLING_OK ? ATOLL_OK : fail_postgres("connecting", PQerrorMessage(c));
}

/* The other end must notice soon that we are gone: its transaction holds the row of the mark until then. */
static status prepare(postgres *p)
{
    const char *encoding = PQparameterStatus(p->connection, "server_encoding");
    if (encoding == NULL || strcmp(encoding, "UTF8") != 0)
        return fail(ATOLL_ERROR_MISMATCHED_CONFIG,
                    "PostgreSQL: the database's encoding is %s; ingest needs one of UTF8",
                    encoding == NULL ? "unknown" : encoding);
    return postgres_run(p,
                        "SELECT set_config('tcp_keepalives_idle', '20', false), "
                        "set_config('tcp_keepalives_interval', '10', false), "
                        "set_config('tcp_keepalives_count', '3', false), "
                        "set_config('idle_in_transaction_session_timeout', '60s', false), "
                        "set_config('client_min_messages', 'warning', false), "
                        "set_config('DateStyle', 'ISO, YMD', false)",
                        NULL, 0, NULL);
}

static void ignore_notice(void *context, const char *message)
{
    (void)context, (void)message;
}

status postgres_open(const char *connection, const atomic_bool *stop, postgres **out)
{
    /* What comes after dbname goes before what the connection string says. */
    const char *names[] = {
        "fallback_application_name", "keepalives_idle", "keepalives_interval", "keepalives_count",
        "tcp_user_timeout",          "dbname",          "client_encoding",     NULL};
    const char *values[] = {"atolld", "20", "10", "3", "60000", connection, "UTF8", NULL};
    postgres *p = memory_allocate_zero(sizeof *p);
    if (p == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    p->socket = -1;
    p->connection = PQconnectStartParams(names, values, 1);
    status result = ATOLL_OK;
    if (p->connection == NULL)
        result = ATOLL_ERROR_OUT_OF_MEMORY;
    else if (PQstatus(p->connection) == CONNECTION_BAD)
        result = fail_postgres("connecting", PQerrorMessage(p->connection));
    if (result == ATOLL_OK) result = wait_connected(p->connection, stop);
    if (result == ATOLL_OK) {
        p->socket = PQsocket(p->connection);
        PQsetNoticeProcessor(p->connection, ignore_notice, NULL);
        result = prepare(p);
    }
    if (result != ATOLL_OK)
        postgres_close(p);
    else
        *out = p;
    return result;
}

void postgres_close(postgres *p)
{
    if (p == NULL) return;
    PQfinish(p->connection);
    memory_free(p);
}

void postgres_interrupt(postgres *p)
{
    socket_shut_down(p->socket);
}

static status check(postgres *p, const PGresult *r, const char *what)
{
    ExecStatusType is = PQresultStatus(r);
    if (is == PGRES_COMMAND_OK || is == PGRES_TUPLES_OK) return ATOLL_OK;
    const char *text = r != NULL ? PQresultErrorMessage(r) : "";
    return fail_postgres(what, text[0] != '\0' ? text : PQerrorMessage(p->connection));
}

/* Some words are enough to say which statement it was. */
static void name_of(const char *sql, char out[64])
{
    size_t size = 0;
    while (sql[size] != '\0' && sql[size] != '(' && size < 63) {
        out[size] = sql[size];
        size++;
    }
    out[size] = '\0';
}

status postgres_run(postgres *p, const char *sql, const char *const *parameters, int count,
                    uint64_t *changed)
{
    char name[64];
    PGresult *r = PQexecParams(p->connection, sql, count, NULL, parameters, NULL, NULL, 0);
    name_of(sql, name);
    status result = check(p, r, name);
    if (result == ATOLL_OK && changed != NULL) *changed = strtoull(PQcmdTuples(r), NULL, 10);
    PQclear(r);
    return result;
}

status postgres_read(postgres *p, const char *sql, const char *const *parameters, int count,
                     postgres_each each, void *context)
{
    char name[64];
    PGresult *r = PQexecParams(p->connection, sql, count, NULL, parameters, NULL, NULL, 0);
    name_of(sql, name);
    status result = check(p, r, name);
    for (int i = 0; result == ATOLL_OK && i < PQntuples(r); i++)
        result = each(context, PQgetisnull(r, i, 0) ? NULL : PQgetvalue(r, i, 0));
    PQclear(r);
    return result;
}

status postgres_copy(postgres *p, const char *sql, bytes text)
{
    PGresult *r = PQexec(p->connection, sql);
    char name[64];
    status result = ATOLL_OK;
    name_of(sql, name);
    if (PQresultStatus(r) != PGRES_COPY_IN) {
        result = check(p, r, name);
        if (result == ATOLL_OK) result = fail_postgres(name, "it is no COPY FROM STDIN");
    }
    PQclear(r);
    if (result != ATOLL_OK) return result;
    for (size_t at = 0; at < text.size && result == ATOLL_OK; at += COPY_PIECE_SIZE) {
        size_t size = text.size - at < COPY_PIECE_SIZE ? text.size - at : COPY_PIECE_SIZE;
        if (PQputCopyData(p->connection, (const char *)text.data + at, (int)size) != 1)
            result = fail_postgres(name, PQerrorMessage(p->connection));
    }
    if (result == ATOLL_OK && PQputCopyEnd(p->connection, NULL) != 1)
        result = fail_postgres(name, PQerrorMessage(p->connection));
    while (result == ATOLL_OK && (r = PQgetResult(p->connection)) != NULL) {
        result = check(p, r, name);
        PQclear(r);
    }
    return result;
}
