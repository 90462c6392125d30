/* The virtual disk: what a power cut keeps, failures to order, the hook. */
#include "base/random.h"
#include "storage/storage.h"
#include <criterion/criterion.h>

static storage *open_disk(memory_disk *disk)
{
    storage *s = NULL;
    cr_assert_eq(storage_open_memory(disk, &s), ATOLL_OK, "%s", fail_text());
    return s;
}

static status put_number(storage *s, uint8_t key, uint64_t number, bool sync)
{
    storage_batch *batch = NULL;
    status result = storage_batch_new(s, &batch);
    cr_assert_eq(result, ATOLL_OK);
    /* Two keys a batch: a cut between them would show. */
    uint8_t other = key + 128;
    cr_assert_eq(storage_batch_put(batch, bytes_of(&key, 1), bytes_of(&number, sizeof number)),
                 ATOLL_OK);
    cr_assert_eq(storage_batch_put(batch, bytes_of(&other, 1), bytes_of(&number, sizeof number)),
                 ATOLL_OK);
    result = storage_write(s, batch, sync);
    storage_batch_free(batch);
    return result;
}

static uint64_t get_number(storage *s, uint8_t key)
{
    buffer out;
    bool found = false;
    uint64_t number = 0;
    buffer_init(&out, 100);
    cr_assert_eq(storage_get(s, bytes_of(&key, 1), &out, &found), ATOLL_OK);
    if (found) memcpy(&number, out.data, sizeof number);
    buffer_free(&out);
    return number;
}

Test(disk, a_crash_drops_a_suffix_of_what_was_not_synced)
{
    bool lost = false, kept = false;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        random_state r = {seed};
        memory_disk *disk = memory_disk_new(seed);
        storage *s = open_disk(disk);
        uint64_t written = 1 + random_below(&r, 20), synced = 0;
        for (uint64_t i = 1; i <= written; i++) {
            bool sync = random_below(&r, 5) == 0;
            cr_assert_eq(put_number(s, (uint8_t)(i % 3), i, sync), ATOLL_OK);
            if (sync) synced = i;
        }
        memory_disk_crash(disk);
        cr_assert_neq(put_number(s, 1, 99, true), ATOLL_OK);
        storage_close(s);
        s = open_disk(disk);
        uint64_t newest = 0;
        for (uint8_t key = 0; key < 3; key++) {
            uint64_t number = get_number(s, key);
            cr_assert_eq(number, get_number(s, key + 128), "seed %lu: half a batch", seed);
            if (number > newest) newest = number;
        }
        cr_assert_geq(newest, synced, "seed %lu", seed);
        for (uint8_t key = 0; key < 3; key++) {
            uint64_t expected = newest;
            while (expected > 0 && expected % 3 != key) expected--;
            cr_assert_eq(get_number(s, key), expected, "seed %lu: not a prefix", seed);
        }
        lost |= newest < written;
        kept |= newest == written && synced < written;
        storage_close(s);
        memory_disk_free(disk);
    }
    cr_assert(lost && kept, "the crash always does the same");
}

Test(disk, ignoring_sync_loses_what_was_promised)
{
    bool lost = false;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        memory_disk *disk = memory_disk_new(seed);
        memory_disk_set_ignore_sync(disk, true);
        storage *s = open_disk(disk);
        cr_assert_eq(put_number(s, 1, 5, true), ATOLL_OK);
        memory_disk_crash(disk);
        storage_close(s);
        s = open_disk(disk);
        lost |= get_number(s, 1) == 0;
        storage_close(s);
        memory_disk_free(disk);
    }
    cr_assert(lost);
}

Test(disk, the_chosen_call_fails_once_and_changes_nothing)
{
    memory_disk *disk = memory_disk_new(1);
    storage *s = open_disk(disk);
    cr_assert_eq(put_number(s, 1, 5, true), ATOLL_OK);
    memory_disk_fail_at(disk, 2, ATOLL_ERROR_DISK_FULL);
    cr_assert_eq(get_number(s, 1), 5);
    cr_assert_eq(put_number(s, 1, 6, true), ATOLL_ERROR_DISK_FULL);
    cr_assert_eq(get_number(s, 1), 5);
    cr_assert_eq(put_number(s, 1, 7, true), ATOLL_OK);
    cr_assert_eq(get_number(s, 1), 7);
    storage_close(s);
    memory_disk_free(disk);
}

Test(disk, a_copied_disk_goes_its_own_way)
{
    memory_disk *disk = memory_disk_new(1);
    storage *s = open_disk(disk);
    cr_assert_eq(put_number(s, 1, 5, true), ATOLL_OK);
    memory_disk *copy = memory_disk_copy(disk);
    storage *other = open_disk(copy);
    cr_assert_eq(put_number(other, 1, 6, true), ATOLL_OK);
    cr_assert_eq(get_number(s, 1), 5);
    cr_assert_eq(get_number(other, 1), 6);
    storage_close(s);
    storage_close(other);
    memory_disk_free(copy);
    memory_disk_free(disk);
}

static bool third_call(void *context)
{
    return ++*(int *)context == 3;
}

Test(disk, a_hook_cuts_the_power_before_a_call)
{
    int calls = 0;
    memory_disk *disk = memory_disk_new(1);
    storage *s = open_disk(disk);
    memory_disk_set_hook(disk, third_call, &calls);
    cr_assert_eq(put_number(s, 1, 1, true), ATOLL_OK);
    cr_assert_eq(put_number(s, 1, 2, true), ATOLL_OK);
    cr_assert_neq(put_number(s, 1, 3, true), ATOLL_OK);
    cr_assert_neq(put_number(s, 1, 4, true), ATOLL_OK);
    storage_close(s);
    s = open_disk(disk);
    cr_assert_eq(get_number(s, 1), 2);
    cr_assert_eq(memory_disk_operations(disk), 3);
    storage_close(s);
    memory_disk_free(disk);
}

Test(disk, a_second_handle_is_refused)
{
    storage *second = NULL;
    memory_disk *disk = memory_disk_new(1);
    storage *s = open_disk(disk);
    cr_assert_eq(storage_open_memory(disk, &second), ATOLL_ERROR_FILE_IN_USE);
    storage_close(s);
    s = open_disk(disk);
    storage_close(s);
    memory_disk_free(disk);
}

Test(disk, a_failed_allocation_leaves_a_batch_undone)
{
    memory_disk *disk = memory_disk_new(1);
    storage *s = open_disk(disk);
    cr_assert_eq(put_number(s, 1, 5, true), ATOLL_OK);
    for (uint64_t k = 1;; k++) {
        storage_batch *batch = NULL;
        uint8_t keys[2] = {1, 2};
        memory_fail_at(k);
        status result = storage_batch_new(s, &batch);
        for (int i = 0; i < 2 && result == ATOLL_OK; i++)
            result = storage_batch_put(batch, bytes_of(&keys[i], 1), bytes_text("12345678"));
        if (result == ATOLL_OK) result = storage_write(s, batch, true);
        memory_fail_at(0);
        storage_batch_free(batch);
        if (result == ATOLL_OK) break;
        cr_assert_eq(result, ATOLL_ERROR_OUT_OF_MEMORY);
        cr_assert_eq(get_number(s, 1), 5, "allocation %lu", k);
        cr_assert_eq(get_number(s, 2), 0, "allocation %lu", k);
    }
    cr_assert_neq(get_number(s, 2), 0);
    storage_close(s);
    memory_disk_free(disk);
    cr_assert_eq(memory_live_count(), 0);
}
