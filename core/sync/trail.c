/* Names of commits, so that two copies of a folder send nothing of their common past twice.
 *
 *   c w version → name
 *
 * A name is a hash over the names before it, the commit's clocks and what it added: copies have the same up to the commit at
 * which they parted, and no other after it. It must never name a commit twice, nor forget a name before the commit is
 * acknowledged. Invariant: parts of a field add up to what is unsent of it, where the build that wrote it kept parts. */
#include "sync/trail.h"
#include "sync/pending_block.h"
#include "sync/side.h"

enum { KEY_SIZE = 10, PARTS_MAX = 64 };

static void key_of(uint8_t key[KEY_SIZE], uint64_t version)
{
    key[0] = 'c';
    key[1] = 'w';
    key_put_u64(key + 2, version);
}

/* ---- names ---- */

/* *any: it counts. */
static uint64_t hash_commit(const local_commit *commit, uint64_t before, bool *any)
{
    const uint64_t clocks[] = {commit->version, (uint64_t)commit->wall_ms, commit->monotonic_ms,
                               commit->boot_id};
    uint64_t hash = hash_bytes(clocks, sizeof clocks, before);
    *any = commit->asymmetric_count > 0;
    for (size_t i = 0; i < model_changes_count(commit->changes); i++) {
        const row_change *c = model_changes_row(commit->changes, i);
        for (size_t k = 0; c->increments != NULL && k < c->property_count; k++) {
            if (!c->increments[k].incremented) continue;
            const uint64_t added[] = {c->class_of, c->row, c->properties[k],
                                      (uint64_t)c->increments[k].added};
            hash = hash_bytes(added, sizeof added, hash);
            *any = true;
        }
    }
    for (size_t i = 0; i < commit->asymmetric_count; i++) {
        bytes payload = commit->asymmetric[i].payload;
        hash = hash_bytes(payload.data, payload.size, hash ^ commit->asymmetric[i].class_of);
    }
    return hash | 1;
}

status trail_put(model_txn *txn, uint64_t version, uint64_t name)
{
    uint8_t key[KEY_SIZE], record[8];
    key_of(key, version);
    key_put_u64(record, name);
    return model_side_put(txn, bytes_of(key, sizeof key), bytes_of(record, sizeof record));
}

status trail_fold(model_txn *txn, sync_state *state, const local_commit *commit)
{
    bool any = false;
    uint64_t name = hash_commit(commit, state->trail_newest, &any);
    if (!any) return ATOLL_OK;
    TRY(trail_put(txn, commit->version, name));
    if (state->trail == 0) state->trail = name;
    state->trail_newest = name;
    return ATOLL_OK;
}

typedef struct walk {
    trail_names *names;
    model_txn *txn;
    uint64_t bound, wanted, version;
} walk;

static status damaged(bytes key, bytes record)
{
    return fail(ATOLL_ERROR_FILE_CORRUPT, "the name of a commit is damaged: key of %zu, %zu bytes",
                key.size, record.size);
}

static status collect(void *context, bytes key, bytes record)
{
    walk *w = context;
    if (key.size != KEY_SIZE || record.size != 8) return damaged(key, record);
    if (key_get_u64(key.data + 2) > w->bound) return ATOLL_ERROR_CANCELLED;
    return vector_push(w->names, key_get_u64(record.data));
}

status trail_through(model_db *db, uint64_t bound, trail_names *out)
{
    trail_names names = {0};
    walk w = {.names = &names, .bound = bound};
    status result = side_each(db, 'w', collect, &w);
    if (result == ATOLL_ERROR_CANCELLED) result = ATOLL_OK;
    if (result != ATOLL_OK) {
        vector_free(&names);
        return result;
    }
    size_t over = names.count > TRAIL_NAMES_MAX ? names.count - TRAIL_NAMES_MAX : 0;
    if (over > 0) memmove(names.items, names.items + over, TRAIL_NAMES_MAX * sizeof *names.items);
    names.count -= over;
    *out = names;
    return ATOLL_OK;
}

static status look(void *context, bytes key, bytes record)
{
    walk *w = context;
    if (key.size != KEY_SIZE || record.size != 8) return damaged(key, record);
    if (key_get_u64(record.data) == w->wanted) w->version = key_get_u64(key.data + 2);
    return ATOLL_OK;
}

status trail_find(model_db *db, uint64_t name, uint64_t *version)
{
    walk w = {.wanted = name};
    TRY(side_each(db, 'w', look, &w));
    *version = w.version;
    return ATOLL_OK;
}

static status drop(void *context, bytes key, bytes record)
{
    walk *w = context;
    if (key.size != KEY_SIZE) return damaged(key, record);
    if (key_get_u64(key.data + 2) > w->bound) return ATOLL_ERROR_CANCELLED;
    return model_side_delete(w->txn, key);
}

status trail_acknowledge(model_txn *txn, model_db *db, uint64_t bound)
{
    walk w = {.txn = txn, .bound = bound};
    status result = side_each(db, 'w', drop, &w);
    return result == ATOLL_ERROR_CANCELLED ? ATOLL_OK : result;
}

/* ---- parts ---- */

static void drop_part(pending_entry *e, size_t i)
{
    e->parts.count--;
    memmove(e->parts.items + i, e->parts.items + i + 1,
            (e->parts.count - i) * sizeof *e->parts.items);
}

static int64_t sum(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a + (uint64_t)b); /* Wrapping, as the engine counts. */
}

/* Of very many the two oldest become one, which counts as the later of them; but not over what is on its way. */
status trail_part(pending_entry *e, property_key p, uint64_t version, int64_t added,
                  uint64_t sent_bound)
{
    size_t count = 0, first = 0, second = 0;
    for (size_t i = e->parts.count; i-- > 0;) {
        if (e->parts.items[i].property != p || e->parts.items[i].version <= sent_bound) continue;
        second = first;
        first = i;
        count++;
    }
    if (count >= PARTS_MAX) {
        e->parts.items[second].added =
            sum(e->parts.items[second].added, e->parts.items[first].added);
        drop_part(e, first);
    }
    return vector_push(&e->parts, ((pending_part){p, version, added}));
}

void trail_drop_parts(pending_entry *e, property_key p)
{
    for (size_t i = e->parts.count; i-- > 0;)
        if (e->parts.items[i].property == p) drop_part(e, i);
}

void trail_parts_acknowledged(pending_entry *e, uint64_t bound)
{
    for (size_t i = e->parts.count; i-- > 0;) {
        const pending_part *x = &e->parts.items[i];
        if (x->version <= bound || pending_entry_field(e, x->property) == NULL) drop_part(e, i);
    }
}

/* ---- what another copy sent ---- */

/* What was added later stays, though it was folded into one. */
static void take_shared(pending_entry *e, pending_field *f, uint64_t version)
{
    int64_t shared = 0;
    bool later = false, any = false;
    for (size_t i = 0; i < e->parts.count; i++) {
        const pending_part *x = &e->parts.items[i];
        if (x->property != f->property) continue;
        any |= x->version <= version;
        later |= x->version > version;
        if (x->version <= version) shared = sum(shared, x->added);
    }
    if (!any) return;
    uint64_t own = (uint64_t)pending_field_added(f) - (uint64_t)pending_field_claimed(f);
    uint64_t newest = f->added_version > f->sent_version ? f->added_version : f->sent_version;
    f->added = later ? (int64_t)(own - (uint64_t)shared) : 0;
    f->added_version = later ? newest : 0;
    f->sent = 0;
    f->sent_version = 0;
}

static status shared_row(model_txn *txn, class_key c, row_key row, uint64_t version)
{
    pending_entry e;
    bool found = false;
    TRY(pending_get(txn, c, row, &e, &found));
    for (size_t i = 0; i < e.fields.count; i++) take_shared(&e, &e.fields.items[i], version);
    trail_parts_acknowledged(&e, version);
    status result = found ? pending_put(txn, &e) : ATOLL_OK;
    pending_entry_free(&e);
    return result;
}

static status shared_block(void *context, class_key c, uint64_t number)
{
    walk *w = context;
    pending_block *b = NULL;
    for (uint32_t i = 0; i < PENDING_BLOCK_ROWS; i++) {
        TRY(pending_block_of(w->txn, c, number, &b));
        uint16_t at = pending_block_at(b, i);
        if (at == 0 || b->shared.items[at - 1].parts.count == 0) continue;
        TRY(shared_row(w->txn, c, number * PENDING_BLOCK_ROWS + i, w->bound));
    }
    return ATOLL_OK;
}

status trail_shared(model_txn *txn, model_db *db, uint64_t version)
{
    walk w = {.txn = txn, .bound = version};
    TRY(pending_block_each(db, shared_block, &w));
    return pending_acknowledge(txn, db, version);
}
