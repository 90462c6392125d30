/* The model test itself is walk.c; here is what shows that it would notice. */
#include "oracle.h"

Test(random, without_syncing_something_acknowledged_is_lost)
{
    bool lost = false;
    for (uint64_t seed = 1; seed <= 20 && !lost; seed++) {
        model_options options = test_options(false);
        memory_disk *disk = memory_disk_new(seed);
        model_db *db = test_open(disk, &options);
        memory_disk_set_ignore_sync(disk, true);
        model_txn *txn = test_begin(db);
        test_create(txn, 1);
        uint64_t version = test_commit(txn);
        memory_disk_crash(disk);
        model_close(db);
        db = test_open(disk, &options);
        lost = model_version(db) < version;
        model_close(db);
        memory_disk_free(disk);
    }
    cr_assert(lost);
}
