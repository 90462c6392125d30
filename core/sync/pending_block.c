/* The pending table as it is kept in the side table: blocks of rows. Rows that a commit changed alike share one entry, so that
 * a commit of a thousand objects costs four records, and dropping them as many deletes.
 *
 *   c e class block → the distinct entries of the block, and runs that say which of them each row has
 *
 * It must never judge what an entry means. What a transaction changes waits in its companion and is written before the commit.
 * Invariant: a block in the companion says what the store says, with the changes of its transaction. */
#include "sync/pending_block.h"
#include "sync/side.h"

enum {
    KEY_SIZE = 14,
    RECORD_SIZE_MAX = 256 << 20,
    SHARED_MAX = 512, /* then those that no row has any more are dropped */
    HELD_MAX =
        1 << 18, /* entries of a transaction in memory; then the blocks are written and let go */
    NUMBERINGS_LOAD = 20, /* bits: those of one block while it is in memory */
    SEARCHED = 8          /* rows that are alike come together */
};

static void key_of(uint8_t key[KEY_SIZE], class_key c, uint64_t number)
{
    key[0] = 'c';
    key[1] = 'e';
    key_put_u32(key + 2, c);
    key_put_u64(key + 6, number);
}

/* ---- entries ---- */

void pending_entry_free(pending_entry *e)
{
    vector_free(&e->fields);
    vector_free(&e->claims);
    vector_free(&e->parts);
}

status pending_entry_copy(const pending_entry *e, class_key c, row_key row, pending_entry *out)
{
    pending_entry copy = *e;
    copy.class_of = c;
    copy.row = row;
    copy.fields.items = NULL;
    copy.fields.count = copy.fields.capacity = 0;
    copy.claims.items = NULL;
    copy.claims.count = copy.claims.capacity = 0;
    copy.parts.items = NULL;
    copy.parts.count = copy.parts.capacity = 0;
    if (e->fields.count > 0) {
        TRY(vector_reserve(&copy.fields, e->fields.count));
        memcpy(copy.fields.items, e->fields.items, e->fields.count * sizeof *e->fields.items);
        copy.fields.count = e->fields.count;
    }
    status result = ATOLL_OK;
    for (size_t i = 0; i < e->claims.count && result == ATOLL_OK; i++)
        result = vector_push(&copy.claims, e->claims.items[i]);
    for (size_t i = 0; i < e->parts.count && result == ATOLL_OK; i++)
        result = vector_push(&copy.parts, e->parts.items[i]);
    if (result != ATOLL_OK) {
        pending_entry_free(&copy);
        return result;
    }
    *out = copy;
    return ATOLL_OK;
}

bool pending_same_stamp(const claim_stamp *a, const claim_stamp *b)
{
    return a->stamp == b->stamp && a->began == b->began && a->place == b->place;
}

static bool same_claim(const pending_claim *a, const pending_claim *b)
{
    return a->property == b->property && a->added == b->added &&
           pending_same_stamp(&a->stamp, &b->stamp);
}

static bool same_field(const pending_field *a, const pending_field *b)
{
    return a->property == b->property && a->is_default == b->is_default &&
           a->version == b->version && a->added == b->added &&
           a->added_version == b->added_version && a->sent == b->sent &&
           a->sent_version == b->sent_version && a->claimed == b->claimed &&
           a->claimed_version == b->claimed_version && pending_same_stamp(&a->set, &b->set);
}

static bool same_entry(const pending_entry *a, const pending_entry *b)
{
    bool same = a->base == b->base && a->life == b->life && a->alive_before == b->alive_before &&
                a->met == b->met && a->created == b->created && a->deleted == b->deleted &&
                a->flight == b->flight && a->presumed == b->presumed && a->newest == b->newest &&
                a->hidden == b->hidden && a->fields.count == b->fields.count &&
                a->claims.count == b->claims.count && a->parts.count == b->parts.count;
    for (size_t i = 0; same && i < a->fields.count; i++)
        same = same_field(&a->fields.items[i], &b->fields.items[i]);
    for (size_t i = 0; same && i < a->claims.count; i++)
        same = same_claim(&a->claims.items[i], &b->claims.items[i]);
    for (size_t i = 0; same && i < a->parts.count; i++)
        same = a->parts.items[i].property == b->parts.items[i].property &&
               a->parts.items[i].version == b->parts.items[i].version &&
               a->parts.items[i].added == b->parts.items[i].added;
    return same;
}

status pending_claim_write(buffer *to, const claim_stamp *c)
{
    TRY(buffer_append_fixed64(to, c->stamp));
    TRY(buffer_append_fixed64(to, c->began));
    return buffer_append_varint(to, c->place);
}

claim_stamp pending_claim_read(reader *r)
{
    claim_stamp c = {.stamp = reader_fixed64(r)};
    c.began = reader_fixed64(r);
    c.place = reader_varint(r);
    return c;
}

static status field_write(buffer *to, const pending_field *f)
{
    bool added = f->added_version != 0 || f->sent_version != 0;
    bool claims = f->set.place != 0 || f->claimed_version != 0;
    TRY(buffer_append_varint(to, (uint64_t)f->property << 3 | claims << 2 | added << 1 |
                                     f->is_default));
    TRY(buffer_append_varint(to, f->version));
    if (claims) {
        TRY(pending_claim_write(to, &f->set));
        TRY(buffer_append_fixed64(to, (uint64_t)f->claimed));
        TRY(buffer_append_varint(to, f->claimed_version));
    }
    if (!added) return ATOLL_OK;
    TRY(buffer_append_fixed64(to, (uint64_t)f->added));
    TRY(buffer_append_varint(to, f->added_version));
    TRY(buffer_append_fixed64(to, (uint64_t)f->sent));
    return buffer_append_varint(to, f->sent_version);
}

static pending_field field_read(reader *r)
{
    uint64_t head = reader_varint(r);
    pending_field f = {.property = (property_key)(head >> 3), .is_default = (head & 1) != 0};
    f.version = reader_varint(r);
    if ((head & 4) != 0) {
        f.set = pending_claim_read(r);
        f.claimed = (int64_t)reader_fixed64(r);
        f.claimed_version = reader_varint(r);
    }
    if ((head & 2) == 0) return f;
    f.added = (int64_t)reader_fixed64(r);
    f.added_version = reader_varint(r);
    f.sent = (int64_t)reader_fixed64(r);
    f.sent_version = reader_varint(r);
    return f;
}

static status parts_write(buffer *to, const pending_entry *e)
{
    if (e->parts.count == 0) return ATOLL_OK;
    TRY(buffer_append_varint(to, e->parts.count));
    for (size_t i = 0; i < e->parts.count; i++) {
        TRY(buffer_append_varint(to, e->parts.items[i].property));
        TRY(buffer_append_varint(to, e->parts.items[i].version));
        TRY(buffer_append_fixed64(to, (uint64_t)e->parts.items[i].added));
    }
    return ATOLL_OK;
}

static status parts_read(reader *r, pending_entry *e)
{
    uint64_t count = reader_varint(r);
    for (uint64_t i = 0; i < count && !r->failed; i++) {
        pending_part x = {.property = (property_key)reader_varint(r)};
        x.version = reader_varint(r);
        x.added = (int64_t)reader_fixed64(r);
        TRY(vector_push(&e->parts, x));
    }
    return ATOLL_OK;
}

static status entry_write(buffer *to, const pending_entry *e)
{
    const uint64_t flags = (uint64_t)e->hidden | (uint64_t)(e->parts.count > 0) << 1;
    const uint64_t numbers[] = {e->base,         e->life,   e->met,         e->created,
                                e->deleted,      e->newest, e->flight,      e->presumed,
                                e->alive_before, flags,     e->fields.count};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        TRY(buffer_append_varint(to, numbers[i]));
    for (size_t i = 0; i < e->fields.count; i++) TRY(field_write(to, &e->fields.items[i]));
    TRY(buffer_append_varint(to, e->claims.count));
    for (size_t i = 0; i < e->claims.count; i++) {
        TRY(buffer_append_varint(to, e->claims.items[i].property));
        TRY(pending_claim_write(to, &e->claims.items[i].stamp));
        TRY(buffer_append_fixed64(to, (uint64_t)e->claims.items[i].added));
    }
    return parts_write(to, e);
}

static status entry_read(reader *r, pending_entry *out)
{
    pending_entry e = {0};
    uint64_t *numbers[] = {&e.base,    &e.life,   &e.met,    &e.created,
                           &e.deleted, &e.newest, &e.flight, &e.presumed};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) *numbers[i] = reader_varint(r);
    e.alive_before = reader_varint(r) != 0;
    uint64_t flags = reader_varint(r);
    e.hidden = (flags & 1) != 0;
    uint64_t count = reader_varint(r);
    status result = ATOLL_OK;
    for (uint64_t i = 0; i < count && !r->failed && result == ATOLL_OK; i++) {
        pending_field f = field_read(r);
        result = vector_push(&e.fields, f);
    }
    count = reader_varint(r);
    for (uint64_t i = 0; i < count && !r->failed && result == ATOLL_OK; i++) {
        pending_claim x = {.property = (property_key)reader_varint(r)};
        x.stamp = pending_claim_read(r);
        x.added = (int64_t)reader_fixed64(r);
        result = vector_push(&e.claims, x);
    }
    if (result == ATOLL_OK && (flags & 2) != 0) result = parts_read(r, &e);
    if (result != ATOLL_OK) {
        pending_entry_free(&e);
        return result;
    }
    *out = e;
    return ATOLL_OK;
}

/* ---- a block ---- */

static void block_clear(pending_block *b)
{
    if (b->held != NULL) *b->held -= b->shared.count;
    for (size_t i = 0; i < b->shared.count; i++) pending_entry_free(&b->shared.items[i]);
    vector_free(&b->shared);
}

/* Drops the entries that no row has any more, and puts the others in the order of their first rows. */
static void renumber(pending_block *b)
{
    uint16_t to[SHARED_MAX + 1] = {0}, count = 0;
    pending_entry kept[PENDING_BLOCK_ROWS];
    for (size_t i = 0; i < PENDING_BLOCK_ROWS; i++) {
        uint16_t at = b->at[i];
        if (at == 0) continue;
        if (to[at] == 0) {
            kept[count] = b->shared.items[at - 1];
            to[at] = ++count;
            b->shared.items[at - 1].fields.items = NULL; /* It moved. */
            b->shared.items[at - 1].claims.items = NULL;
            b->shared.items[at - 1].parts.items = NULL;
        }
        b->at[i] = to[at];
    }
    for (size_t i = 0; i < b->shared.count; i++) pending_entry_free(&b->shared.items[i]);
    for (size_t i = 0; i < count; i++) b->shared.items[i] = kept[i];
    if (b->held != NULL) *b->held -= b->shared.count - count;
    b->shared.count = count;
    b->numbering++;
}

status pending_block_share(pending_block *b, const pending_entry *e, uint16_t *at)
{
    pending_entry copy;
    size_t searched = 0;
    for (size_t i = b->shared.count; i > 0 && searched < SEARCHED; i--, searched++) {
        if (!same_entry(&b->shared.items[i - 1], e)) continue;
        *at = (uint16_t)i;
        return ATOLL_OK;
    }
    if (b->shared.count >= SHARED_MAX) renumber(b);
    TRY(pending_entry_copy(e, 0, 0, &copy));
    status result = vector_push(&b->shared, copy);
    if (result != ATOLL_OK) {
        pending_entry_free(&copy);
        return result;
    }
    if (b->held != NULL) ++*b->held;
    *at = (uint16_t)b->shared.count;
    return ATOLL_OK;
}

void pending_block_set(pending_block *b, row_key row, uint16_t at)
{
    b->at[row % PENDING_BLOCK_ROWS] = at;
    b->changed = true;
}

static status block_write(buffer *to, pending_block *b)
{
    size_t end = PENDING_BLOCK_ROWS;
    renumber(b);
    TRY(buffer_append_varint(to, b->shared.count));
    for (size_t i = 0; i < b->shared.count; i++) TRY(entry_write(to, &b->shared.items[i]));
    while (end > 0 && b->at[end - 1] == 0) end--;
    for (size_t i = 0, next = 0; i < end; i = next) {
        while (next < end && b->at[next] == b->at[i]) next++;
        TRY(buffer_append_varint(to, b->at[i]));
        TRY(buffer_append_varint(to, next - i));
    }
    return ATOLL_OK;
}

static status damaged(bytes record)
{
    return fail(ATOLL_ERROR_FILE_CORRUPT, "a pending record of %zu bytes is damaged", record.size);
}

static status runs_read(pending_block *b, reader *r, bytes record)
{
    size_t row = 0;
    while (!r->failed && r->at != r->end) {
        uint64_t at = reader_varint(r), length = reader_varint(r);
        if (r->failed || at > b->shared.count || length > PENDING_BLOCK_ROWS - row)
            return damaged(record);
        for (uint64_t i = 0; i < length; i++) b->at[row++] = (uint16_t)at;
    }
    return r->failed ? damaged(record) : ATOLL_OK;
}

/* Into a block that is empty. */
static status block_read(pending_block *b, bytes record)
{
    reader r = reader_of(record);
    uint64_t count = reader_varint(&r);
    status result = count > PENDING_BLOCK_ROWS ? damaged(record) : ATOLL_OK;
    for (uint64_t i = 0; i < count && result == ATOLL_OK; i++) {
        pending_entry e;
        result = entry_read(&r, &e);
        if (result != ATOLL_OK) break;
        result = vector_push(&b->shared, e);
        if (result != ATOLL_OK) pending_entry_free(&e);
    }
    if (result == ATOLL_OK) result = runs_read(b, &r, record);
    if (result != ATOLL_OK) block_clear(b);
    return result;
}

/* ---- the blocks of a transaction ---- */

typedef struct block_cache {
    map64 index; /* class and block → index in blocks */
    VECTOR(pending_block *) blocks;
    pending_block *last;
    uint64_t loads;
    size_t held;
} block_cache;

static void let_go(block_cache *k)
{
    for (size_t i = 0; i < k->blocks.count; i++) {
        block_clear(k->blocks.items[i]);
        memory_free(k->blocks.items[i]);
    }
    k->blocks.count = 0;
    k->last = NULL;
    map64_clear(&k->index);
}

static void cache_release(void *companion)
{
    block_cache *k = companion;
    let_go(k);
    vector_free(&k->blocks);
    map64_free(&k->index);
    memory_free(k);
}

static status flush_block(model_txn *txn, pending_block *b, buffer *record)
{
    uint8_t key[KEY_SIZE];
    key_of(key, b->class_of, b->number);
    buffer_clear(record);
    TRY(block_write(record, b));
    bool empty = b->shared.count == 0;
    if (!empty) {
        TRY(model_side_put(txn, bytes_of(key, sizeof key), buffer_view(record)));
    } else if (b->stored) {
        TRY(model_side_delete(txn, bytes_of(key, sizeof key)));
    }
    b->stored = !empty;
    b->changed = false;
    return ATOLL_OK;
}

static status cache_flush(model_txn *txn, void *companion)
{
    block_cache *k = companion;
    buffer record;
    status result = ATOLL_OK;
    buffer_init(&record, RECORD_SIZE_MAX);
    for (size_t i = 0; i < k->blocks.count && result == ATOLL_OK; i++) {
        if (k->blocks.items[i]->changed) result = flush_block(txn, k->blocks.items[i], &record);
    }
    buffer_free(&record);
    return result;
}

static const model_companion cache_type = {cache_flush, cache_release};

static status cache_of(model_txn *txn, block_cache **out)
{
    block_cache *k = model_txn_companion(txn, &cache_type);
    if (k == NULL) {
        k = memory_allocate_zero(sizeof *k);
        if (k == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
        model_txn_accompany(txn, &cache_type, k);
    }
    *out = k;
    return ATOLL_OK;
}

static status block_load(model_txn *txn, pending_block *b)
{
    uint8_t key[KEY_SIZE];
    buffer record;
    key_of(key, b->class_of, b->number);
    buffer_init(&record, RECORD_SIZE_MAX);
    status result = model_side_get_txn(txn, bytes_of(key, sizeof key), &record, &b->stored);
    if (result == ATOLL_OK && b->stored) result = block_read(b, buffer_view(&record));
    buffer_free(&record);
    return result;
}

static status cache_add(block_cache *k, model_txn *txn, class_key c, uint64_t number,
                        pending_block **out)
{
    pending_block *b = memory_allocate_zero(sizeof *b);
    if (b == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    b->class_of = c;
    b->number = number;
    b->numbering = ++k->loads << NUMBERINGS_LOAD;
    status result = block_load(txn, b);
    if (result == ATOLL_OK) result = vector_reserve(&k->blocks, 1);
    if (result == ATOLL_OK)
        result = map64_put(&k->index, (uint64_t)c << 44 ^ number, k->blocks.count);
    if (result != ATOLL_OK) {
        block_clear(b);
        memory_free(b);
        return result;
    }
    k->blocks.items[k->blocks.count++] = b;
    b->held = &k->held;
    k->held += b->shared.count;
    *out = b;
    return ATOLL_OK;
}

status pending_block_of(model_txn *txn, class_key c, uint64_t number, pending_block **out)
{
    block_cache *k = NULL;
    TRY(cache_of(txn, &k));
    if (k->last == NULL || k->last->class_of != c || k->last->number != number) {
        uint64_t *at = map64_get(&k->index, (uint64_t)c << 44 ^ number);
        if (at != NULL) {
            k->last = k->blocks.items[*at];
        } else {
            if (k->held >= HELD_MAX) {
                TRY(cache_flush(txn, k));
                let_go(k);
            }
            TRY(cache_add(k, txn, c, number, &k->last));
        }
    }
    *out = k->last;
    return ATOLL_OK;
}

/* ---- one row ---- */

status pending_get(model_txn *txn, class_key c, row_key row, pending_entry *out, bool *found)
{
    pending_block *b = NULL;
    TRY(pending_block_of(txn, c, row / PENDING_BLOCK_ROWS, &b));
    uint16_t at = pending_block_at(b, row);
    if (at != 0)
        TRY(pending_entry_copy(&b->shared.items[at - 1], c, row, out));
    else
        *out = (pending_entry){.class_of = c, .row = row};
    *found = at != 0;
    return ATOLL_OK;
}

status pending_put(model_txn *txn, const pending_entry *e)
{
    pending_block *b = NULL;
    uint16_t at = 0;
    TRY(pending_block_of(txn, e->class_of, e->row / PENDING_BLOCK_ROWS, &b));
    TRY(pending_block_share(b, e, &at));
    pending_block_set(b, e->row, at);
    return ATOLL_OK;
}

status pending_drop(model_txn *txn, class_key c, row_key row)
{
    pending_block *b = NULL;
    TRY(pending_block_of(txn, c, row / PENDING_BLOCK_ROWS, &b));
    if (pending_block_at(b, row) != 0) pending_block_set(b, row, 0);
    return ATOLL_OK;
}

/* ---- all of them ---- */

typedef struct block_visit {
    status (*each)(void *context, class_key c, uint64_t number);
    void *context;
} block_visit;

static status visit_block(void *context, bytes key, bytes record)
{
    (void)record;
    const block_visit *v = context;
    if (key.size != KEY_SIZE)
        return fail(ATOLL_ERROR_FILE_CORRUPT, "a pending key has %zu bytes", key.size);
    return v->each(v->context, key_get_u32(key.data + 2), key_get_u64(key.data + 6));
}

status pending_block_each(model_db *db, status (*each)(void *context, class_key c, uint64_t number),
                          void *context)
{
    block_visit v = {each, context};
    return side_each(db, 'e', visit_block, &v);
}

static status snapshot_add(void *context, bytes key, bytes record)
{
    pending_snapshot *s = context;
    if (key.size != KEY_SIZE)
        return fail(ATOLL_ERROR_FILE_CORRUPT, "a pending key has %zu bytes", key.size);
    TRY(buffer_append(&s->blocks, key.data + 2, KEY_SIZE - 2));
    return buffer_append_bytes(&s->blocks, record);
}

static status count_rows(pending_snapshot *s)
{
    pending_cursor c = {0};
    pending_run run = {0};
    status result = ATOLL_OK;
    do {
        result = pending_cursor_next(s, &c, &run);
        if (result == ATOLL_OK) s->rows += run.count;
    } while (result == ATOLL_OK && run.count > 0);
    pending_cursor_free(&c);
    return result;
}

status pending_snapshot_take(model_db *db, pending_snapshot *out)
{
    pending_snapshot s = {0};
    buffer_init(&s.blocks, SIZE_MAX / 2);
    status result = side_each(db, 'e', snapshot_add, &s);
    if (result == ATOLL_OK) result = count_rows(&s);
    if (result != ATOLL_OK) {
        buffer_free(&s.blocks);
        return result;
    }
    *out = s;
    return ATOLL_OK;
}

void pending_snapshot_free(pending_snapshot *s)
{
    buffer_free(&s->blocks);
    s->rows = 0;
}

void pending_cursor_free(pending_cursor *c)
{
    block_clear(&c->block);
    *c = (pending_cursor){0};
}

static status open_next(const pending_snapshot *s, pending_cursor *c)
{
    reader r = reader_of(bytes_of(s->blocks.data + c->next, s->blocks.size - c->next));
    bytes key = reader_take(&r, KEY_SIZE - 2), record = reader_bytes(&r);
    block_clear(&c->block);
    c->block =
        (pending_block){.class_of = key_get_u32(key.data), .number = key_get_u64(key.data + 4)};
    TRY(block_read(&c->block, record));
    c->next = s->blocks.size - (size_t)(r.end - r.at);
    c->row = 0;
    c->open = true;
    return ATOLL_OK;
}

status pending_cursor_next(const pending_snapshot *s, pending_cursor *c, pending_run *out)
{
    for (;;) {
        uint32_t first = c->row;
        while (c->open && first < PENDING_BLOCK_ROWS && c->block.at[first] == 0) first++;
        if (c->open && first < PENDING_BLOCK_ROWS) {
            uint32_t end = first + 1;
            while (end < PENDING_BLOCK_ROWS && c->block.at[end] == c->block.at[first]) end++;
            *out = (pending_run){&c->block.shared.items[c->block.at[first] - 1], c->block.class_of,
                                 c->block.number * PENDING_BLOCK_ROWS + first, end - first};
            c->row = end;
            return ATOLL_OK;
        }
        if (c->next == s->blocks.size) {
            *out = (pending_run){0};
            return ATOLL_OK;
        }
        c->open = false;
        TRY(open_next(s, c));
    }
}

void pending_cursor_return(pending_cursor *c, uint32_t count)
{
    c->row -= count;
}

status pending_each_run(model_db *db, status (*each)(void *context, const pending_run *run),
                        void *context)
{
    pending_snapshot s;
    pending_cursor c = {0};
    pending_run run;
    TRY(pending_snapshot_take(db, &s));
    status result = ATOLL_OK;
    for (;;) {
        result = pending_cursor_next(&s, &c, &run);
        if (result != ATOLL_OK || run.count == 0) break;
        result = each(context, &run);
        if (result != ATOLL_OK) break;
    }
    pending_cursor_free(&c);
    pending_snapshot_free(&s);
    return result;
}
