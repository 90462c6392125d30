/* The same class in SQLite: prepared statements, write-ahead log, synced as ours is. For the table, not as a target. */
#include "bench.h"

#if defined HAVE_SQLITE
#include <sqlite3.h>

static sqlite3 *db;

static void check(int code, const char *what)
{
    if (code == SQLITE_OK || code == SQLITE_DONE || code == SQLITE_ROW) return;
    fprintf(stderr, "sqlite %s: %s\n", what, sqlite3_errmsg(db));
    exit(1);
}

static sqlite3_stmt *prepare(const char *text)
{
    sqlite3_stmt *statement = NULL;
    check(sqlite3_prepare_v2(db, text, -1, &statement, NULL), text);
    return statement;
}

static void run(const char *text)
{
    check(sqlite3_exec(db, text, NULL, NULL, NULL), text);
}

static void insert(sqlite3_stmt *s, long i)
{
    char name[17] = "item-0123456789a";
    uint64_t hash = bench_mix((uint64_t)i);
    for (int k = 5; k < 16; k++, hash >>= 4) name[k] = "0123456789abcdef"[hash & 15];
    name[0] = (char)('a' + bench_mix((uint64_t)i) % 26);
    sqlite3_bind_int64(s, 1, bench_key((uint64_t)i));
    sqlite3_bind_text(s, 2, name, 16, SQLITE_STATIC);
    sqlite3_bind_double(s, 3, bench_score((uint64_t)i));
    sqlite3_bind_int64(s, 4, 1700000000 + i);
    sqlite3_bind_int(s, 5, (int)(i & 1));
    sqlite3_bind_int64(s, 6, i < 16 ? 0 : bench_key((uint64_t)(i / 16 * 16 - 16)));
    check(sqlite3_step(s), "insert");
    sqlite3_reset(s);
}

static void scalar(const bench_options *o, const char *name, const char *text)
{
    double best = 1e9;
    sqlite3_stmt *s = prepare(text);
    for (int round = 0; round < 3; round++) {
        double start = bench_now();
        check(sqlite3_step(s), text);
        double took = bench_now() - start;
        if (took < best) best = took;
        sqlite3_reset(s);
    }
    sqlite3_finalize(s);
    bench_print(name, (double)o->objects / best, "rows/s");
}

static void by_key(const bench_options *o, const char *name, const char *text, long count,
                   int update)
{
    sqlite3_stmt *s = prepare(text);
    double start = bench_now();
    if (update) run("BEGIN");
    for (long i = 0; i < count; i++) {
        int64_t key = bench_key(bench_mix((uint64_t)i) % (uint64_t)o->objects);
        if (update) sqlite3_bind_double(s, 2, bench_score((uint64_t)i + 9));
        sqlite3_bind_int64(s, 1, key);
        check(sqlite3_step(s), text);
        sqlite3_reset(s);
    }
    if (update) run("COMMIT");
    bench_print(name, (double)count / (bench_now() - start), "ops/s");
    sqlite3_finalize(s);
}

void bench_sqlite(const bench_options *o)
{
    char path[512], wal[520];
    snprintf(path, sizeof path, "%s/sqlite.db", o->folder);
    snprintf(wal, sizeof wal, "%s-wal", path);
    remove(path);
    remove(wal);
    check(sqlite3_open(path, &db), "open");
    run("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-262144;"
        "CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT, score REAL, created INTEGER, done "
        "INTEGER,"
        "link INTEGER)");
    sqlite3_stmt *s = prepare("INSERT INTO item VALUES(?,?,?,?,?,?)");
    double start = bench_now();
    for (long i = 0; i < o->objects; i++) {
        if (i % 1000 == 0) run("BEGIN");
        insert(s, i);
        if (i % 1000 == 999 || i + 1 == o->objects) run("COMMIT");
    }
    bench_print("sqlite.insert_bulk_1000_per_tx", (double)o->objects / (bench_now() - start),
                "objects/s");
    start = bench_now();
    for (long i = 0; i < 300; i++) insert(s, o->objects + i);
    bench_print("sqlite.insert_single_tx_durable", 300 / (bench_now() - start), "tx/s");
    sqlite3_finalize(s);
    by_key(o, "sqlite.get_by_pk", "SELECT score, name FROM item WHERE id=?1", 100000, 0);
    by_key(o, "sqlite.update_by_pk", "UPDATE item SET score=?2 WHERE id=?1", 100000, 1);
    scalar(o, "sqlite.scan_count_score_gt_half", "SELECT count(*) FROM item WHERE score>0.5");
    scalar(o, "sqlite.scan_count_name_beginswith_a",
           "SELECT count(*) FROM item WHERE name GLOB 'a*'");
    scalar(o, "sqlite.sum_score", "SELECT sum(score) FROM item");
    check(sqlite3_close(db), "close");
    bench_print("sqlite.file_bytes_per_object", bench_file_bytes(path) / (double)o->objects,
                "bytes");
}
#else
void bench_sqlite(const bench_options *o)
{
    (void)o;
    fprintf(stderr, "sqlite: libsqlite3-dev was not there when this program was built\n");
}
#endif
