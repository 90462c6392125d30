#ifndef ATOLL_TESTS_UNIT_MODEL_FIXTURE_H
#define ATOLL_TESTS_UNIT_MODEL_FIXTURE_H
#include "base/random.h"
#include "model/list.h"
#include "model/model.h"
#ifdef ATOLL_PLAIN
#include "plain.h"
#else
#include <criterion/criterion.h>
#endif
#include <stdio.h>
#include <stdlib.h>

/* One schema for all tests: Item (int key, a property of every type, lists, embedded), Note (no key), Part and Deep (embedded). */
enum { ITEM = 1, NOTE = 2, PART = 3, DEEP = 4 };
enum {
    ITEM_ID = 1,
    ITEM_NAME,
    ITEM_SCORE,
    ITEM_AT,
    ITEM_DONE,
    ITEM_DATA,
    ITEM_UID,
    ITEM_LINK,
    ITEM_TAGS,
    ITEM_ONE,
    ITEM_MANY,
    ITEM_COUNT,
    ITEM_RATIO,
    ITEM_PRICE,
    ITEM_ANY,
    ITEM_REFS,
    ITEM_MARKS,
    ITEM_WORDS,
    ITEM_FRIENDS,
    ITEM_MAP,
    ITEM_MATES,
    ITEM_NAMED
};
enum { NOTE_TEXT = 1 };
enum { PART_X = 1, PART_DEEP = 2 };
enum { DEEP_Y = 1 };

#define MUST(expression) cr_assert_eq((expression), ATOLL_OK, "%s: %s", #expression, fail_text())

model_schema test_schema(void);
extern const platform test_platform; /* clocks that stand still, seeded random numbers */
model_options test_options(bool identity);
model_db *test_open(memory_disk *disk, const model_options *options); /* with the schema */
model_txn *test_begin(model_db *db);
uint64_t test_commit(model_txn *txn);
row_key test_create(model_txn *txn, int64_t key);
void test_set(model_txn *txn, class_key c, row_key row, property_key p, value v);
value test_get(const model_view *view, class_key c, row_key row, property_key p);
row_key test_find(const model_view *view, int64_t key); /* an alive Item, or 0 */
#endif
