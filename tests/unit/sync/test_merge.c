/* Merge as pure functions: the laws that make replicas converge, and the table of lives. */
#include "base/random.h"
#include "sync/merge.h"

#include <criterion/criterion.h>

static field_claim claim_of(random_state *r)
{
    return (field_claim){.stamp = random_below(r, 4),
                         .author = 1 + random_below(r, 3),
                         .is_default = random_below(r, 4) == 0};
}

static bool same(const field_claim *a, const field_claim *b)
{
    return a->stamp == b->stamp && a->author == b->author && a->is_default == b->is_default;
}

static field_claim join(field_claim a, field_claim b)
{
    return merge_field_wins(&b, &a) ? b : a;
}

Test(merge_laws, fields_are_commutative_associative_and_idempotent)
{
    random_state r = {5};
    for (int i = 0; i < 20000; i++) {
        field_claim a = claim_of(&r), b = claim_of(&r), c = claim_of(&r);
        field_claim ab = join(a, b), ba = join(b, a), aa = join(a, a);
        cr_assert(same(&ab, &ba), "commutative");
        cr_assert(same(&aa, &a), "idempotent");
        field_claim left = join(join(a, b), c), right = join(a, join(b, c));
        cr_assert(same(&left, &right), "associative");
    }
}

Test(merge_laws, a_default_loses_whatever_its_time)
{
    field_claim late_default = {100, 9, true}, early = {1, 1, false};
    cr_expect(merge_field_wins(&early, &late_default));
    cr_expect_not(merge_field_wins(&late_default, &early));
}

Test(merge_laws, equal_stamps_are_decided_by_the_ident)
{
    field_claim low = {7, 1, false}, high = {7, 2, false};
    cr_expect(merge_field_wins(&high, &low));
    cr_expect_not(merge_field_wins(&low, &high));
}

typedef struct life_case {
    const char *what;
    row_mark stored;
    row_kind kind;
    uint64_t life, base;
    merge_verdict wanted;
    bool joined;
} life_case;

Test(merge_lives, every_pair_has_its_outcome)
{
    const row_mark never = {0}, alive1 = {.life = 1, .alive = true},
                   dead1 = {.life = 1, .ended = 50},
                   alive2 = {.life = 2, .alive = true, .ended = 50};
    const row_mark dead2 = {.life = 2, .ended = 80};
    const life_case cases[] = {
        {"create of a new key", never, ROW_CREATE, 0, 0, MERGE_BEGIN, false},
        {"create meets create", alive1, ROW_CREATE, 0, 0, MERGE_APPLY, true},
        {"create whose base is before the tombstone", dead1, ROW_CREATE, 0, 49, MERGE_LOSE, false},
        {"create whose base is at the tombstone", dead1, ROW_CREATE, 0, 50, MERGE_BEGIN, false},
        {"create of the life after the one seen to end", dead1, ROW_CREATE, 1, 10, MERGE_BEGIN,
         false},
        {"create meets create of the same next life", alive2, ROW_CREATE, 1, 10, MERGE_APPLY, true},
        {"create concurrent with a deletion and a life after it", alive2, ROW_CREATE, 0, 49,
         MERGE_LOSE, false},
        {"create that knew an older end, before a newer one", dead2, ROW_CREATE, 1, 60, MERGE_LOSE,
         false},
        {"create that knew an older end, after a newer one", dead2, ROW_CREATE, 1, 80, MERGE_BEGIN,
         false},
        {"edit of the life that is there", alive1, ROW_EDIT, 1, 0, MERGE_APPLY, false},
        {"edit of a deleted object", dead1, ROW_EDIT, 1, 90, MERGE_LOSE, false},
        {"edit of an earlier life", alive2, ROW_EDIT, 1, 90, MERGE_LOSE, false},
        {"delete", alive1, ROW_REMOVE, 1, 0, MERGE_END, false},
        {"delete of what is deleted", dead1, ROW_REMOVE, 1, 0, MERGE_SAME, false},
        {"delete of an earlier life", alive2, ROW_REMOVE, 1, 0, MERGE_LOSE, false},
        {"replace", alive1, ROW_REPLACE, 1, 0, MERGE_RESTART, false},
        {"replace of what another deleted", dead1, ROW_REPLACE, 1, 0, MERGE_BEGIN, false},
        {"replace that another did too", alive2, ROW_REPLACE, 1, 0, MERGE_APPLY, true},
        {"replace of a life long gone", dead2, ROW_REPLACE, 1, 0, MERGE_LOSE, false},
        {"replace of a life that never was", alive1, ROW_REPLACE, 3, 0, MERGE_LOSE, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const life_case *c = &cases[i];
        bool joined = false;
        merge_verdict verdict = merge_row(&c->stored, c->kind, c->life, c->base, &joined);
        cr_expect_eq(verdict, c->wanted, "%s: verdict %d instead of %d", c->what, verdict,
                     c->wanted);
        cr_expect_eq(joined, c->joined, "%s: joined", c->what);
    }
}

Test(merge_marks, a_record_reads_back_as_it_was_written_and_damage_is_found)
{
    row_mark m = {.life = 3,
                  .alive = true,
                  .since = 9,
                  .since_author = 4,
                  .ended = 8,
                  .changed = 12},
             back;
    buffer record;
    buffer_init(&record, 1 << 16);
    for (uint32_t p = 1; p <= 5; p++) {
        field_mark f = {p, p == 3, 1000 + p / 3, 7, 12};
        cr_assert_eq(row_mark_set(&m, &f), ATOLL_OK);
    }
    cr_assert_eq(row_mark_write(&record, &m), ATOLL_OK);
    cr_assert_eq(row_mark_read(buffer_view(&record), &back), ATOLL_OK);
    cr_expect(back.life == 3 && back.alive && back.since == 9 && back.since_author == 4 &&
              back.ended == 8 && back.changed == 12);
    cr_assert_eq(back.fields.count, 5u);
    for (uint32_t p = 1; p <= 5; p++) {
        field_mark *f = row_mark_field(&back, p);
        cr_assert_not_null(f);
        cr_expect(f->stamp == 1000 + p / 3 && f->author == 7 && f->version == 12 &&
                  f->is_default == (p == 3));
    }
    row_mark_free(&back);
    for (size_t size = 0; size < record.size; size++)
        cr_expect_neq(row_mark_read(bytes_of(record.data, size), &back), ATOLL_OK,
                      "cut to %zu bytes", size);
    row_mark_free(&m);
    buffer_free(&record);
}
