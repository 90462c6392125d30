#ifndef ATOLL_TESTS_UNIT_MODEL_KILL_WRITER_H
#define ATOLL_TESTS_UNIT_MODEL_KILL_WRITER_H
#include "model/model.h"

/* What the process that is killed writes: one class, the newest KILL_KEPT objects and number 0. Its memory budget is a
 * small part of it, and it migrates, checkpoints and compacts between its commits. */
enum {
    KILL_ITEM = 1,
    KILL_COUNT = 2,
    KILL_TAGS = 3,
    KILL_DATA = 4,
    KILL_KEPT = 40,
    KILL_DATA_SIZE = 3000,
    KILL_BUDGET = 6000
};
#endif
