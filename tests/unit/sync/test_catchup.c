/* Catching up: what a session that was away is sent, by the index of places, by reading all that changed, and as SQLite says.
 * The first two must be the same message for message; the objects that the session then has are those of the query. */
#include "base/random.h"
#include "copies.h"
#include "server/app.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

enum { ROWS = 200, READERS = 6, TEXT = 400 };

typedef struct reader_copy {
    uint64_t ident, epoch, cursor;
    uint8_t secret[16];
    char ours[TEXT], theirs[TEXT]; /* the query of each language */
    bool has[ROWS];
} reader_copy;

typedef struct catching {
    world w;
    random_state random;
    sqlite3 *sql;
    peer *writer;
    uint64_t bound, lives[ROWS];
    uint8_t last_batch[16];
    bool alive[ROWS], shut;
    reader_copy readers[READERS];
} catching;

static int pick(catching *t, int bound)
{
    return (int)random_below(&t->random, (uint64_t)bound);
}

static void execute(catching *t, const char *format, ...)
{
    char sql[600], *error = NULL;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sql, sizeof sql, format, arguments);
    va_end(arguments);
    cr_assert_eq(sqlite3_exec(t->sql, sql, NULL, NULL, &error), SQLITE_OK, "%s: %s", sql, error);
}

/* ---- messages ---- */

static void say(catching *t, peer *p, const client_message *m)
{
    buffer raw;
    buffer_init(&raw, LIMIT_MESSAGE_SIZE_MAX);
    MUST(codec_client_write(&raw, m));
    peer_received(p, t->w.now_ms, buffer_view(&raw));
    buffer_free(&raw);
}

static void take_rows(reader_copy *r, const wire_rows *rows)
{
    if (strcmp(rows->class_name, "Item") != 0) return;
    for (size_t i = 0; i < rows->count; i++) {
        int64_t id = wire_column_value(&rows->key, i).as.integer;
        cr_assert(id >= 0 && id < ROWS);
        uint8_t kind = rows->kinds.items[i];
        if (kind == ROW_DELTA) cr_assert(r->has[id], "a change of what is not there: %d", (int)id);
        r->has[id] = kind == ROW_FULL || kind == ROW_DELTA;
    }
}

static void take_download(reader_copy *r, const wire_download *d, bool *swept)
{
    if (d->sweep && !*swept) memset(r->has, 0, sizeof r->has);
    *swept = d->sweep;
    for (size_t i = 0; i < d->rows.count; i++) take_rows(r, d->rows.items[i]);
    if (d->last) r->cursor = d->to;
    if (d->last) *swept = false;
}

/* Takes what is there for a session; downloads are kept as they came. */
static void drain(catching *t, peer *p, reader_copy *r, buffer *downloads)
{
    peer_action a;
    bool swept = false;
    MUST(server_app_sync(t->w.app));
    while (peer_poll(p, t->w.now_ms, &a)) {
        arena memory;
        server_message m;
        arena_init(&memory, 1 << 24);
        cr_assert_eq(a.kind, PEER_ACTION_SEND, "%s", a.text);
        MUST(codec_server_read(a.message, &memory, &m));
        cr_assert_neq(m.kind, SERVER_ERROR, "%s", m.error.text);
        if (m.kind == SERVER_BOUND && r != NULL) {
            r->ident = m.bound.ident;
            r->epoch = m.bound.epoch;
            memcpy(r->secret, m.bound.secret.data, 16);
        }
        if (m.kind == SERVER_SUBSCRIPTION_STATE)
            cr_assert_eq(m.subscription_state.code, ATOLL_OK, "%s", m.subscription_state.text);
        if (m.kind == SERVER_DOWNLOAD && r != NULL) take_download(r, &m.download, &swept);
        if (m.kind == SERVER_DOWNLOAD && downloads != NULL)
            MUST(buffer_append_bytes(downloads, a.message));
        server_message_free(&m);
        arena_free(&memory);
    }
}

static peer *bind(catching *t, const reader_copy *r, const char *user)
{
    peer *p = NULL;
    wire_query q = {"Item", r == NULL ? "TRUEPREDICATE" : r->ours};
    client_message m = {.kind = CLIENT_BIND};
    MUST(peer_new(t->w.app, user, &p));
    m.bind = (wire_bind){.version_minimum = 1,
                         .version_maximum = 1,
                         .app_id = "app",
                         .flexible = true,
                         .schema = t->w.schema};
    if (r != NULL && r->ident != 0) {
        m.bind.ident = r->ident;
        m.bind.secret = bytes_of(r->secret, 16);
        m.bind.epoch = r->epoch;
        m.bind.cursor = r->cursor;
        m.bind.view_version = 1;
        m.bind.view.items = &q;
        m.bind.view.count = 1;
    }
    say(t, p, &m);
    if (r != NULL && r->ident != 0) return p;
    m = (client_message){.kind = CLIENT_SUBSCRIBE};
    m.subscribe.version = 1;
    m.subscribe.queries.items = &q;
    m.subscribe.queries.count = 1;
    say(t, p, &m);
    return p;
}

/* ---- writing ---- */

typedef struct batch {
    arena memory;
    wire_builder b;
    wire_rows *group;
} batch;

static void batch_begin(batch *x)
{
    arena_init(&x->memory, 1 << 26);
    x->b = (wire_builder){.memory = &x->memory};
    MUST(wire_builder_group(&x->b, "Item", "", "", &x->group));
}

static void put_row(catching *t, batch *x, int id, row_kind kind)
{
    value key = value_int(id);
    MUST(wire_builder_row(&x->b, x->group, kind, &key, t->lives[id],
                          model_version(server_app_db(t->w.app))));
}

static void put_int(catching *t, batch *x, const char *name, int64_t number)
{
    value v = value_int(number);
    MUST(wire_builder_put(&x->b, x->group, name, VALUE_INT, VALUE_NULL, &v, ++t->bound << 20,
                          false));
}

static void batch_send(catching *t, batch *x)
{
    uint8_t id[16] = {0};
    MUST(wire_builder_finish(&x->b));
    uint64_t bound = ++t->bound;
    bool first = t->last_batch[0] + t->last_batch[1] + t->last_batch[2] == 0;
    memcpy(id, &bound, 8);
    client_message m = {.kind = CLIENT_UPLOAD};
    m.upload =
        (wire_upload){.batch = bytes_of(id, 16), .bound = bound, .last = true, .rows = x->b.rows};
    m.upload.cursor = model_version(server_app_db(t->w.app));
    if (!first) m.upload.previous_batch = bytes_of(t->last_batch, 16);
    say(t, t->writer, &m);
    memcpy(t->last_batch, id, 16);
    arena_free(&x->memory);
    drain(t, t->writer, NULL, NULL);
}

static void put_fields(catching *t, batch *x, int id, bool created)
{
    static const char *const names[] = {"", "a", "ab", "abc", "b", "bca"};
    int team = pick(t, 6), score = pick(t, 10), name = pick(t, 7), which = pick(t, 3);
    if (created || which == 0) {
        put_int(t, x, "team", team);
        execute(t, "UPDATE item SET team = %d WHERE id = %d", team, id);
    }
    if (created || which == 1) {
        put_int(t, x, "score", score);
        execute(t, "UPDATE item SET score = %d WHERE id = %d", score, id);
    }
    if ((created || which == 2) && name < 6) {
        value v = value_string(bytes_text(names[name]));
        MUST(wire_builder_put(&x->b, x->group, "name", VALUE_STRING, VALUE_NULL, &v,
                              ++t->bound << 20, false));
        execute(t, "UPDATE item SET name = '%s' WHERE id = %d", names[name], id);
    }
}

static void write_row(catching *t, batch *x, int id)
{
    if (!t->alive[id]) {
        put_row(t, x, id, ROW_CREATE);
        execute(t, "INSERT INTO item(id, team, score) VALUES(%d, 0, 0)", id);
        put_fields(t, x, id, true);
        t->alive[id] = true;
        t->lives[id]++;
    } else if (pick(t, 5) == 0) {
        put_row(t, x, id, ROW_REMOVE);
        execute(t, "DELETE FROM item WHERE id = %d", id);
        t->alive[id] = false;
    } else {
        put_row(t, x, id, ROW_EDIT);
        put_fields(t, x, id, false);
    }
}

static void write_some(catching *t)
{
    batch x;
    bool taken[ROWS] = {false};
    batch_begin(&x);
    for (int count = 1 + pick(t, 8); count > 0; count--) {
        int id = pick(t, ROWS);
        if (!taken[id]) write_row(t, &x, id);
        taken[id] = true;
    }
    batch_send(t, &x);
}

/* ---- queries in both languages ---- */

static void append(reader_copy *r, const char *ours, const char *theirs)
{
    size_t ours_at = strlen(r->ours), theirs_at = strlen(r->theirs);
    snprintf(r->ours + ours_at, TEXT - ours_at, "%s", ours);
    snprintf(r->theirs + theirs_at, TEXT - theirs_at, "%s", theirs);
}

static void condition(catching *t, reader_copy *r, int depth)
{
    int a = pick(t, 6), b = pick(t, 10), form = pick(t, depth > 0 ? 9 : 6);
    char ours[TEXT], theirs[TEXT];
    snprintf(ours, TEXT, "team == %d", a);
    snprintf(theirs, TEXT, "team = %d", a);
    if (form == 1) snprintf(ours, TEXT, "team IN {%d, %d}", a, b);
    if (form == 1) snprintf(theirs, TEXT, "team IN (%d, %d)", a, b);
    if (form == 2) snprintf(ours, TEXT, "name == '%s'", b < 5 ? "ab" : "b");
    if (form == 2) snprintf(theirs, TEXT, "name IS '%s'", b < 5 ? "ab" : "b");
    if (form == 3) snprintf(ours, TEXT, "score > %d", b);
    if (form == 3) snprintf(theirs, TEXT, "score > %d", b);
    if (form == 4) snprintf(ours, TEXT, "_id == %d", b * 17);
    if (form == 4) snprintf(theirs, TEXT, "id = %d", b * 17);
    if (form == 5) snprintf(ours, TEXT, "name BEGINSWITH 'a'");
    if (form == 5) snprintf(theirs, TEXT, "name IS NOT NULL AND substr(name, 1, 1) = 'a'");
    if (form < 6) {
        append(r, "(", "(");
        append(r, ours, theirs);
        append(r, ")", ")");
        return;
    }
    append(r, form == 8 ? "(NOT " : "(", form == 8 ? "(NOT " : "(");
    condition(t, r, depth - 1);
    if (form != 8) {
        append(r, form == 6 ? " AND " : " OR ", form == 6 ? " AND " : " OR ");
        condition(t, r, depth - 1);
    }
    append(r, ")", ")");
}

static void expect_copy(catching *t, const reader_copy *r, uint64_t seed)
{
    char sql[2 * TEXT];
    sqlite3_stmt *statement = NULL;
    bool wanted[ROWS] = {false};
    snprintf(sql, sizeof sql, "SELECT id FROM item WHERE (%s) %s", r->theirs,
             t->shut ? "AND score < 7" : "");
    cr_assert_eq(sqlite3_prepare_v2(t->sql, sql, -1, &statement, NULL), SQLITE_OK, "%s", sql);
    while (sqlite3_step(statement) == SQLITE_ROW) wanted[sqlite3_column_int(statement, 0)] = true;
    sqlite3_finalize(statement);
    for (int i = 0; i < ROWS; i++)
        cr_assert_eq(r->has[i], wanted[i], "seed %llu, %s: object %d is %s",
                     (unsigned long long)seed, r->ours, i, wanted[i] ? "missing" : "left over");
}

/* ---- worlds ---- */

static const char shut_roles[] =
    "  default_roles:\n"
    "  - {name: writer, apply_when: \"%%user.id == 'writer'\", read: true, write: true, insert: "
    "true, delete: true}\n"
    "  - {name: reader, document_filters: {read: 'score < 7', write: false}, read: true}\n";

static void begin(catching *t, uint64_t seed)
{
    memset(t, 0, sizeof *t);
    t->random.state = seed;
    cr_assert_eq(sqlite3_open(":memory:", &t->sql), SQLITE_OK);
    execute(t, "CREATE TABLE item(id INTEGER PRIMARY KEY, team, score, name)");
    MUST(world_start(&t->w, seed, 0, true, fixture_schema(true, false)));
    t->shut = seed % 3 == 0;
    if (t->shut) MUST(world_set_roles(&t->w, shut_roles));
    t->writer = bind(t, NULL, "writer");
    drain(t, t->writer, NULL, NULL);
}

static void end(catching *t)
{
    peer_free(t->writer);
    world_end(&t->w);
    sqlite3_close(t->sql);
}

/* The session comes, takes what there is, and goes: by reading all that changed, and by the index. */
static void come_and_go(catching *t, reader_copy *r, uint64_t seed)
{
    buffer downloads[2];
    reader_copy copies[2] = {*r, *r};
    bool first = r->ident == 0;
    if (pick(t, 4) == 0) MUST(server_app_index(t->w.app));
    for (int by_index = first ? 1 : 0; by_index < 2; by_index++) {
        buffer_init(&downloads[by_index], 1 << 26);
        t->w.app->scans = by_index == 0;
        peer *p = bind(t, &copies[by_index], "reader");
        drain(t, p, &copies[by_index], &downloads[by_index]);
        peer_free(p);
    }
    if (!first) {
        cr_assert(bytes_equal(buffer_view(&downloads[0]), buffer_view(&downloads[1])),
                  "seed %llu: the index and the scan differ for %s", (unsigned long long)seed,
                  r->ours);
        buffer_free(&downloads[0]);
    }
    buffer_free(&downloads[1]);
    *r = copies[1];
    expect_copy(t, r, seed);
}

/* What lies below the horizon names living rows by their newest change, and nothing else. */
static void expect_trimmed(catching *t)
{
    const uint8_t from[2] = {'s', 'x'}, to[2] = {'s', 'y'};
    storage_iterator *i = NULL;
    bytes key, record;
    server_app *app = t->w.app;
    size_t count = 0;
    app->options.offline_ms = 64000;
    MUST(server_app_housekeep(app));
    t->w.now_ms += 100000;
    write_some(t);
    MUST(server_app_housekeep(app));
    cr_assert_gt(app->history.horizon, 0u);
    MUST(model_side_iterate(app->db, bytes_of(from, 2), bytes_of(to, 2), &i));
    while (storage_iterator_next(i, &key, &record)) {
        uint64_t rows[MODEL_BLOCK_ROWS / 64] = {0}, version = key_get_u64(key.data + 18);
        if (version > app->history.horizon) continue;
        MUST(marks_rows_read(record, rows));
        for (row_key row = 0; row < MODEL_BLOCK_ROWS; row++) {
            row_mark *mark = NULL;
            if ((rows[row / 64] >> (row % 64) & 1) == 0) continue;
            MUST(marks_peek(app, key_get_u32(key.data + 2), row, &mark));
            cr_assert(mark->alive && mark->changed == version, "row %d of version %d is left over",
                      (int)row, (int)version);
            count++;
        }
    }
    MUST(storage_iterator_status(i));
    storage_iterator_free(i);
    cr_assert_gt(count, 0u);
}

static catching t;

Test(catchup, index_scan_and_sqlite_agree_on_every_view)
{
    for (uint64_t seed = 1; seed <= 40; seed++) {
        begin(&t, seed);
        for (int i = 0; i < READERS; i++) condition(&t, &t.readers[i], 2);
        for (int step = 0; step < 40; step++) {
            write_some(&t);
            reader_copy *r = &t.readers[pick(&t, READERS)];
            if (pick(&t, 2) == 0) come_and_go(&t, r, seed);
        }
        for (int i = 0; i < READERS; i++) come_and_go(&t, &t.readers[i], seed);
        expect_trimmed(&t);
        end(&t);
    }
}

/* ---- cost ---- */

static void write_range(int64_t first, int count, int64_t (*team)(int64_t id), bool created)
{
    batch x;
    batch_begin(&x);
    for (int64_t id = first; id < first + count; id++) {
        value key = value_int(id);
        MUST(wire_builder_row(&x.b, x.group, created ? ROW_CREATE : ROW_EDIT, &key, created ? 0 : 1,
                              model_version(server_app_db(t.w.app))));
        if (created) put_int(&t, &x, "team", team(id));
        put_int(&t, &x, "score", id + (int64_t)t.bound);
    }
    batch_send(&t, &x);
}

static int64_t of_thousand(int64_t id)
{
    return id / 10;
}

static uint64_t looked_at(reader_copy *r)
{
    peer_counters counters;
    buffer downloads;
    buffer_init(&downloads, 1 << 26);
    peer *p = bind(&t, r, "reader");
    drain(&t, p, NULL, &downloads);
    peer_get_counters(p, &counters);
    peer_free(p);
    buffer_free(&downloads);
    return counters.rows_looked_at;
}

static status count_row(void *context, class_key c, row_key row)
{
    (void)c;
    (void)row;
    ++*(size_t *)context;
    return ATOLL_OK;
}

/* What the index alone knows of a query; SIZE_MAX: it does not answer. */
static size_t indexed(const char *text)
{
    reader_copy r = {.ident = 0};
    size_t count = 0;
    bool usable = false;
    snprintf(r.ours, TEXT, "%s", text);
    peer *p = bind(&t, &r, "reader");
    model_view *view = model_view_newest(server_app_db(t.w.app));
    MUST(places_of_query(t.w.app, &p->next_view, p->next_view.queries.items[0], view, count_row,
                         &count, &usable));
    model_view_release(view);
    peer_free(p);
    return usable ? count : SIZE_MAX;
}

Test(catchup, objects_that_were_there_come_into_the_index_by_and_by)
{
    begin(&t, 1);
    write_range(0, 10010, of_thousand, true);
    cr_expect_eq(indexed("team == 7"), SIZE_MAX);
    MUST(server_app_index(t.w.app));
    cr_expect_eq(indexed("team == 7"), SIZE_MAX, "some are not in it yet");
    write_range(70, 4, NULL, false);
    MUST(server_app_index(t.w.app));
    cr_expect_eq(indexed("team == 7"), 10u);
    cr_expect_eq(indexed("team == 1000"), 10u);
    cr_expect_eq(indexed("name == 'b'"), SIZE_MAX);
    end(&t);
}

Test(catchup, a_session_that_was_away_looks_at_its_own_rows)
{
    begin(&t, 1);
    reader_copy *r = &t.readers[0];
    snprintf(r->ours, TEXT, "team == 7");
    peer *p = bind(&t, r, "reader");
    drain(&t, p, r, NULL);
    peer_free(p);
    write_range(0, 10010, of_thousand, true);
    /* A first download does not read the others either, nor does one of what came since. */
    cr_expect_eq(looked_at(r), 10u);
    reader_copy fresh = {.ident = 0};
    snprintf(fresh.ours, TEXT, "team == 8");
    cr_expect_eq(looked_at(&fresh), 10u);
    r->cursor = model_version(server_app_db(t.w.app));
    cr_expect_eq(looked_at(r), 0u);
    for (int i = 0; i < 3; i++) write_range(0, 10010, NULL, false);
    cr_expect_eq(looked_at(r), 10u, "rows changed three times are looked at once");
    t.w.app->scans = true;
    cr_expect_eq(looked_at(r), 10010u, "without the index all that changed is looked at");
    end(&t);
}
