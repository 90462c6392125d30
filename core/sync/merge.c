/* Merge: lives and fields. Pure functions over what both sides know; the client and the server call the same ones.
 * It must never read a clock, a realm or a table. Invariant: for fields and lives the outcome depends on the set of writes,
 * not on the order in which they arrive, except where a create's base says that it came after a deletion. */
#include "sync/merge.h"
#include "sync/breakage.h"

void row_mark_free(row_mark *m)
{
    vector_free(&m->fields);
    vector_free(&m->counters);
}

void row_mark_begin(row_mark *m)
{
    m->fields.count = m->counters.count = 0;
}

field_mark *row_mark_field(row_mark *m, property_key p)
{
    for (size_t i = 0; i < m->fields.count; i++) {
        if (m->fields.items[i].property == p) return &m->fields.items[i];
    }
    return NULL;
}

status row_mark_set(row_mark *m, const field_mark *f)
{
    field_mark *there = row_mark_field(m, f->property);
    if (there == NULL) return vector_push(&m->fields, *f);
    *there = *f;
    return ATOLL_OK;
}

/* Fields written by one commit share stamp, author and version: a run stores them once. */
status row_mark_write(buffer *to, const row_mark *m)
{
    TRY(buffer_append_varint(to, m->life << 1 | (m->alive ? 1 : 0)));
    TRY(buffer_append_varint(to, m->since));
    TRY(buffer_append_varint(to, m->since_author));
    TRY(buffer_append_varint(to, m->ended));
    TRY(buffer_append_varint(to, m->changed));
    TRY(buffer_append_varint(to, m->left));
    TRY(buffer_append_varint(to, m->fields.count));
    const field_mark *before = NULL;
    for (size_t i = 0; i < m->fields.count; i++) {
        const field_mark *f = &m->fields.items[i];
        bool same = before != NULL && before->stamp == f->stamp && before->author == f->author &&
                    before->version == f->version;
        TRY(buffer_append_varint(to, (uint64_t)f->property << 2 | (f->is_default ? 2 : 0) |
                                         (same ? 1 : 0)));
        if (!same) {
            TRY(buffer_append_fixed64(to, f->stamp));
            TRY(buffer_append_varint(to, f->author));
            TRY(buffer_append_varint(to, f->version));
        }
        before = f;
    }
    if (m->counters.count == 0) return ATOLL_OK;
    TRY(buffer_append_varint(to, m->counters.count));
    for (size_t i = 0; i < m->counters.count; i++) {
        const counter_mark *c = &m->counters.items[i];
        const uint64_t numbers[] = {c->property, c->stamp, c->author, c->version};
        for (int k = 0; k < 4; k++) TRY(buffer_append_varint(to, numbers[k]));
        TRY(buffer_append_fixed64(to, (uint64_t)c->added));
    }
    return ATOLL_OK;
}

static status counters_read(reader *r, row_mark *m)
{
    if (r->failed || r->at == r->end) return ATOLL_OK;
    uint64_t count = reader_varint(r);
    for (uint64_t i = 0; i < count && !r->failed; i++) {
        counter_mark c = {.property = (property_key)reader_varint(r)};
        c.stamp = reader_varint(r);
        c.author = reader_varint(r);
        c.version = reader_varint(r);
        c.added = (int64_t)reader_fixed64(r);
        if (!r->failed) TRY(vector_push(&m->counters, c));
    }
    return ATOLL_OK;
}

status row_mark_read(bytes from, row_mark *out)
{
    reader r = reader_of(from);
    row_mark m = {0};
    uint64_t life = reader_varint(&r);
    m.life = life >> 1;
    m.alive = (life & 1) != 0;
    m.since = reader_varint(&r);
    m.since_author = reader_varint(&r);
    m.ended = reader_varint(&r);
    m.changed = reader_varint(&r);
    m.left = reader_varint(&r);
    uint64_t count = reader_varint(&r);
    field_mark f = {0};
    for (uint64_t i = 0; i < count && !r.failed; i++) {
        uint64_t head = reader_varint(&r);
        f.property = (property_key)(head >> 2);
        f.is_default = (head & 2) != 0;
        if ((head & 1) == 0) {
            f.stamp = reader_fixed64(&r);
            f.author = reader_varint(&r);
            f.version = reader_varint(&r);
        }
        if (!r.failed && vector_push(&m.fields, f) != ATOLL_OK) {
            row_mark_free(&m);
            return ATOLL_ERROR_OUT_OF_MEMORY;
        }
    }
    if (counters_read(&r, &m) != ATOLL_OK) {
        row_mark_free(&m);
        return ATOLL_ERROR_OUT_OF_MEMORY;
    }
    if (r.failed) {
        row_mark_free(&m);
        return fail(ATOLL_ERROR_FILE_CORRUPT, "a row's merge record of %zu bytes is damaged",
                    from.size);
    }
    *out = m;
    return ATOLL_OK;
}

bool merge_field_wins(const field_claim *incoming, const field_claim *stored)
{
    if (incoming->is_default != stored->is_default && !BREAKAGE(BREAKAGE_DEFAULT_WINS))
        return !incoming->is_default;
    if (BREAKAGE(BREAKAGE_LAST_ARRIVED_WINS)) return true;
    if (incoming->stamp != stored->stamp) return incoming->stamp > stored->stamp;
    if (BREAKAGE(BREAKAGE_WRONG_TIE_BREAK)) return incoming->author <= stored->author;
    return incoming->author >= stored->author;
}

bool merge_increment_counts(const field_claim *increment, const field_claim *set)
{
    if (set == NULL || set->is_default) return true;
    if (increment->stamp != set->stamp) return increment->stamp > set->stamp;
    return increment->author >= set->author; /* Of one commit: what was set and then added to. */
}

status row_mark_add(row_mark *m, const counter_mark *c)
{
    if (m->counters.count >= COUNTER_MARKS_MAX) {
        m->counters.count--;
        memmove(m->counters.items, m->counters.items + 1,
                m->counters.count * sizeof *m->counters.items);
    }
    return vector_push(&m->counters, *c);
}

int64_t row_mark_added(row_mark *m, property_key p, const field_claim *set, bool drop)
{
    uint64_t sum = 0;
    size_t kept = 0;
    for (size_t i = 0; i < m->counters.count; i++) {
        counter_mark c = m->counters.items[i];
        field_claim claim = {c.stamp, c.author, false};
        bool counts = c.property != p || merge_increment_counts(&claim, set);
        if (c.property == p && counts) sum += (uint64_t)c.added;
        if (counts || !drop) m->counters.items[kept++] = c;
    }
    m->counters.count = kept;
    return (int64_t)sum;
}

bool row_mark_news(const row_mark *m, property_key p, uint64_t after, uint64_t author)
{
    for (size_t i = 0; i < m->fields.count; i++) {
        const field_mark *f = &m->fields.items[i];
        bool of_other = author == 0 || f->author != author;
        if ((p == 0 || f->property == p) && f->version > after && of_other) return true;
    }
    for (size_t i = 0; i < m->counters.count; i++) {
        const counter_mark *c = &m->counters.items[i];
        bool of_other = author == 0 || c->author != author;
        if ((p == 0 || c->property == p) && c->version > after && of_other) return true;
    }
    return false;
}

/* A create loses to a deletion that its writer can't have known: not by its base, nor by the life that it saw end. */
static merge_verdict merge_create(const row_mark *stored, uint64_t life, uint64_t base,
                                  bool *joined)
{
    bool knows = stored->ended <= base || life >= stored->life || BREAKAGE(BREAKAGE_NO_TOMBSTONE);
    bool next = stored->alive && stored->life == life + 1; /* Somebody began the same life. */
    if (!knows && !(life != 0 && next) && !BREAKAGE(BREAKAGE_CREATE_REVIVES)) return MERGE_LOSE;
    if (!stored->alive) return MERGE_BEGIN;
    *joined = true;
    return MERGE_APPLY;
}

merge_verdict merge_row(const row_mark *stored, row_kind kind, uint64_t life, uint64_t base,
                        bool *joined)
{
    *joined = false;
    switch (kind) {
    case ROW_CREATE: return merge_create(stored, life, base, joined);
    case ROW_REPLACE:
        if (stored->life < life || life == 0) return MERGE_LOSE;
        if (stored->life == life) return stored->alive ? MERGE_RESTART : MERGE_BEGIN;
        return merge_create(stored, life, base, joined);
    case ROW_EDIT:
        if (stored->alive && stored->life == life) return MERGE_APPLY;
        if (BREAKAGE(BREAKAGE_NO_TOMBSTONE) && !stored->alive) return MERGE_BEGIN;
        return MERGE_LOSE;
    case ROW_REMOVE:
        if (stored->life != life) return MERGE_LOSE;
        if (BREAKAGE(BREAKAGE_DELETE_IGNORED)) return MERGE_SAME;
        return stored->alive ? MERGE_END : MERGE_SAME;
    case ROW_NONE:
    case ROW_FULL:
    case ROW_DELTA:
    case ROW_DELETED:
    case ROW_EVICTED:
    case ROW_REVERTED: break;
    }
    return MERGE_LOSE;
}
