/* Log records in memory, folded to what changed: who asks what changed between two versions does not ask for values.
 * It must never drop what a change of a row tells. Invariant: from the folded form the changes are those that the record
 * gives; rows that follow each other and changed alike take the room of one. */
#include "model/changeset.h"

/* Of a row: its operations, each a head (kind and default bit) and the lives or the property. */
typedef struct fold_row {
    class_key class_of;
    row_key first;
    uint64_t count;
    buffer steps;
} fold_row;

typedef struct folding {
    fold_row run, row; /* rows alike so far; the one that is being read */
    buffer out;
} folding;

enum { DEFAULT_BIT = 0x40, KIND_MASK = 0x3f };

static status run_end(folding *f)
{
    const fold_row *run = &f->run;
    if (run->count == 0) return ATOLL_OK;
    TRY(buffer_append_varint(&f->out, run->class_of));
    TRY(buffer_append_varint(&f->out, run->first));
    TRY(buffer_append_varint(&f->out, run->count));
    return buffer_append_bytes(&f->out, buffer_view(&run->steps));
}

static status row_end(folding *f)
{
    fold_row *run = &f->run, *row = &f->row;
    if (row->count == 0 || row->steps.size == 0) return ATOLL_OK;
    bool alike = run->count > 0 && run->class_of == row->class_of &&
                 run->first + run->count == row->first &&
                 bytes_equal(buffer_view(&run->steps), buffer_view(&row->steps));
    if (alike) {
        run->count++;
        return ATOLL_OK;
    }
    TRY(run_end(f));
    fold_row before = *run;
    *run = *row;
    *row = before;
    return ATOLL_OK;
}

static status row_begin(folding *f, class_key c, row_key row)
{
    TRY(row_end(f));
    f->row.class_of = c;
    f->row.first = row;
    f->row.count = 1;
    buffer_clear(&f->row.steps);
    return ATOLL_OK;
}

static status step(folding *f, const change_step *s)
{
    uint8_t *at = NULL;
    TRY(buffer_room(&f->row.steps, 1 + VARINT_SIZE_MAX, &at));
    *at++ = (uint8_t)(s->kind | (s->is_default ? DEFAULT_BIT : 0));
    if (s->kind == OP_LIFE)
        *at++ = s->lives;
    else
        at = varint_put(at, s->property);
    f->row.steps.size = (size_t)(at - f->row.steps.data);
    return ATOLL_OK;
}

static status fold_all(folding *f, bytes record, bool *foldable)
{
    changeset_reader r;
    record_header header;
    change_step s;
    bool more = true;
    f->row.class_of = 0;
    TRY(changeset_open(&r, record, &header));
    for (;;) {
        TRY(changeset_step(&r, &s, &more, foldable));
        if (!more || !*foldable) break;
        if (s.class_of != f->row.class_of || s.row != f->row.first)
            TRY(row_begin(f, s.class_of, s.row));
        if (s.kind != OP_KEY) TRY(step(f, &s));
    }
    if (!*foldable) return ATOLL_OK;
    TRY(row_end(f));
    return run_end(f);
}

status changes_fold(bytes record, buffer *out, bool *foldable)
{
    folding f = {0};
    buffer_init(&f.out, record.size + 1);
    buffer_init(&f.run.steps, LIMIT_VALUE_SIZE_MAX);
    buffer_init(&f.row.steps, LIMIT_VALUE_SIZE_MAX);
    *foldable = true;
    status result = fold_all(&f, record, foldable);
    buffer_free(&f.run.steps);
    buffer_free(&f.row.steps);
    if (result == ATOLL_OK && *foldable)
        *out = f.out;
    else
        buffer_free(&f.out);
    return result;
}

/* ---- reading ---- */

static bool read_step(reader *steps, operation *o)
{
    uint8_t head = reader_byte(steps);
    o->kind = (operation_kind)(head & KIND_MASK);
    o->is_default = (head & DEFAULT_BIT) != 0;
    if (o->kind == OP_LIFE) {
        uint8_t lives = reader_byte(steps);
        o->from = lives & 15;
        o->to = lives >> 4;
    } else {
        o->property = (property_key)reader_varint(steps);
    }
    return !steps->failed;
}

status changes_unfold(bytes folded, fold_visitor each, void *context)
{
    reader r = reader_of(folded);
    operation o = {0};
    while (r.at != r.end) {
        o.class_of = (class_key)reader_varint(&r);
        row_key first = reader_varint(&r);
        uint64_t count = reader_varint(&r);
        bytes steps = reader_bytes(&r);
        if (r.failed) return fail(ATOLL_ERROR_INTERNAL, "a folded record does not read back");
        for (uint64_t i = 0; i < count; i++) {
            reader one = reader_of(steps);
            o.row = first + i;
            while (one.at != one.end && read_step(&one, &o)) TRY(each(context, &o));
        }
    }
    return ATOLL_OK;
}
