#ifndef ATOLL_TESTS_GOLDEN_GOLDEN_H
#define ATOLL_TESTS_GOLDEN_GOLDEN_H
#include "model/list.h"
#include "model/model.h"
#ifdef ATOLL_PLAIN
#include "unit/model/plain.h"
#else
#include <criterion/criterion.h>
#endif
#include <stdio.h>
#include <stdlib.h>

/* Realms that hold something of everything, made by numbers alone: whoever makes one again gets the same contents. What
 * is here is what the archives beside it hold, so it never changes; another format gets files of its own. */
#define MUST(expression) cr_assert_eq((expression), ATOLL_OK, "%s: %s", #expression, fail_text())
enum { GOLDEN_KEY_SIZE = 64 };

typedef enum golden_kind {
    GOLDEN_PLAIN,    /* checkpointed, closed */
    GOLDEN_SEALED,   /* the same with a key, smaller */
    GOLDEN_TAIL,     /* checkpointed; then changed, and that is in the log alone */
    GOLDEN_LOG,      /* everything is in the log */
    GOLDEN_MIGRATED, /* renamed, removed, of other types */
    GOLDEN_KINDS
} golden_kind;
extern const char *const golden_names[GOLDEN_KINDS];

bytes golden_key(golden_kind kind);                        /* empty: not sealed */
model_db *golden_open(golden_kind kind, const char *path); /* made if it is not there */
void golden_fill(golden_kind kind, model_db *db);          /* all that it holds, but the change */
void golden_change(golden_kind kind, model_db *db);        /* of each kind of thing something */
void golden_migrate(model_db *db);
/* All of it as text, and every index and back link compared with what they lead to. */
void golden_dump(model_db *db, buffer *to);
#endif
