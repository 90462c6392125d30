/* Trails: which commits of a folder and its copies are applied here, by the names that the copies give them.
 *
 *   s k trail, version → ident, names that there are up to here, names
 *
 * It must never let two copies of a folder send the same commit, nor look at other folders than the one that is asked about.
 * Invariant: names are written in the commit that applies what they name. */
#include "server/app.h"

enum { KEY_SIZE = 18, NAMES_KEPT = 1 << 16, RECORD_SIZE_MAX = 64 << 20 };

static void key_of(uint8_t key[KEY_SIZE], uint64_t trail, uint64_t version)
{
    key[0] = 's';
    key[1] = 'k';
    key_put_u64(key + 2, trail);
    key_put_u64(key + 10, version);
}

typedef struct trail_record {
    uint64_t version, ident, total;
    reader names;
} trail_record;

static status each_record(server_app *app, uint64_t trail, uint64_t after,
                          status (*each)(void *context, const trail_record *r), void *context)
{
    uint8_t from[KEY_SIZE], to[KEY_SIZE];
    storage_iterator *i = NULL;
    bytes key, value;
    key_of(from, trail, after + 1);
    key_of(to, trail, UINT64_MAX);
    TRY(model_side_iterate(app->db, bytes_of(from, KEY_SIZE), bytes_of(to, KEY_SIZE), &i));
    status result = ATOLL_OK;
    while (result == ATOLL_OK && storage_iterator_next(i, &key, &value)) {
        reader r = reader_of(value);
        trail_record x = {.version = key_get_u64(key.data + 10), .ident = reader_varint(&r)};
        x.total = reader_varint(&r);
        x.names = r;
        result = r.failed ? fail(ATOLL_ERROR_FILE_CORRUPT, "a record of a trail is damaged")
                          : each(context, &x);
    }
    if (result == ATOLL_OK) result = storage_iterator_status(i);
    storage_iterator_free(i);
    return result;
}

typedef struct trail_search {
    map64 wanted; /* name → place in what was told + 1 */
    uint64_t trail, ident, newest, place, total;
    model_txn *txn;
} trail_search;

static status want(trail_search *s, const wire_u64 *names)
{
    for (size_t i = 0; i < names->count; i++) TRY(map64_put(&s->wanted, names->items[i], i + 1));
    return ATOLL_OK;
}

/* The newest of those that are wanted. */
static status search(void *context, const trail_record *x)
{
    trail_search *s = context;
    reader r = x->names;
    if (x->ident == s->ident) return ATOLL_OK;
    while (r.at != r.end && !r.failed) {
        uint64_t name = reader_fixed64(&r), *place = map64_get(&s->wanted, name);
        if (place == NULL || *place <= s->place) continue;
        s->place = *place;
        s->newest = name;
    }
    return ATOLL_OK;
}

status trails_newest(server_app *app, uint64_t trail, const wire_u64 *names, uint64_t *out)
{
    trail_search s = {0};
    status result = names->count == 0 ? ATOLL_OK : want(&s, names);
    if (result == ATOLL_OK && names->count > 0) result = each_record(app, trail, 0, search, &s);
    map64_free(&s.wanted);
    if (result == ATOLL_OK) *out = s.newest;
    return result;
}

/* ---- a batch ---- */

/* How many names there ever were. */
static status total_read(server_app *app, uint64_t trail, uint64_t *out)
{
    uint8_t key[KEY_SIZE];
    buffer record;
    bool found = false;
    buffer_init(&record, 64);
    key_of(key, trail, 0);
    status result = model_side_get(app->db, bytes_of(key, sizeof key), &record, &found);
    reader r = reader_of(buffer_view(&record));
    if (result == ATOLL_OK && found) *out = reader_varint(&r);
    buffer_free(&record);
    return result;
}

static status drop_old(void *context, const trail_record *x)
{
    trail_search *s = context;
    uint8_t key[KEY_SIZE];
    if (x->total + NAMES_KEPT >= s->total) return ATOLL_ERROR_CANCELLED;
    key_of(key, s->trail, x->version);
    return model_side_delete(s->txn, bytes_of(key, KEY_SIZE));
}

static status write_records(model_txn *txn, uint64_t ident, uint64_t total, const wire_upload *u)
{
    uint8_t key[KEY_SIZE];
    buffer record, head;
    buffer_init(&record, RECORD_SIZE_MAX);
    buffer_init(&head, 64);
    status result = buffer_append_varint(&record, ident);
    if (result == ATOLL_OK) result = buffer_append_varint(&record, total);
    if (result == ATOLL_OK) result = buffer_append_varint(&head, total);
    for (size_t i = 0; i < u->commits.count && result == ATOLL_OK; i++)
        result = buffer_append_fixed64(&record, u->commits.items[i]);
    key_of(key, u->trail, model_txn_version(txn));
    if (result == ATOLL_OK)
        result = model_side_put(txn, bytes_of(key, sizeof key), buffer_view(&record));
    key_of(key, u->trail, 0);
    if (result == ATOLL_OK)
        result = model_side_put(txn, bytes_of(key, sizeof key), buffer_view(&head));
    buffer_free(&record);
    buffer_free(&head);
    return result;
}

/* after: the ident's batch before, at which nothing was there twice; each batch is everything pending. */
status trails_take(server_app *app, model_txn *txn, uint64_t ident, uint64_t after,
                   const wire_upload *u)
{
    trail_search s = {.trail = u->trail, .ident = ident, .txn = txn};
    if (u->trail == 0 || u->commits.count == 0) return ATOLL_OK;
    status result = want(&s, &u->commits);
    if (result == ATOLL_OK) result = each_record(app, u->trail, after, search, &s);
    map64_free(&s.wanted);
    if (result == ATOLL_OK && s.newest != 0 && !BREAKAGE(BREAKAGE_COPIES_SEND_TWICE))
        result = fail(ATOLL_ERROR_COPIED_FOLDER,
                      "another copy of this realm's folder sent the same changes before");
    if (result == ATOLL_OK) result = total_read(app, u->trail, &s.total);
    s.total += u->commits.count;
    if (result == ATOLL_OK) result = write_records(txn, ident, s.total, u);
    if (result == ATOLL_OK) result = each_record(app, u->trail, 0, drop_old, &s);
    return result == ATOLL_ERROR_CANCELLED ? ATOLL_OK : result;
}
