/* The contract of the storage door: the same random operations on both stores, compared with a plain table. */
#include "base/random.h"
#include "storage/storage.h"
#include "support/temp.h"
#include <criterion/criterion.h>

enum { KEY_COUNT = 64 };

typedef struct oracle {
    bool present[KEY_COUNT];
    uint32_t value[KEY_COUNT];
} oracle;

static bytes key_of(uint8_t to[3], unsigned i)
{
    to[0] = 'k';
    to[1] = (uint8_t)(i / 8);
    to[2] = (uint8_t)(i % 8 * 31);
    return bytes_of(to, 3);
}

static bytes value_of(uint8_t to[40], uint32_t v)
{
    memset(to, (int)(v & 0xff), 40);
    memcpy(to, &v, sizeof v);
    return bytes_of(to, 4 + v % 36);
}

static void check_key(storage *s, const oracle *o, unsigned i)
{
    uint8_t key[3], value[40];
    buffer out;
    bool found = true;
    buffer_init(&out, 1 << 20);
    cr_assert_eq(storage_get(s, key_of(key, i), &out, &found), ATOLL_OK);
    cr_assert_eq(found, o->present[i], "key %u", i);
    if (found) cr_assert(bytes_equal(buffer_view(&out), value_of(value, o->value[i])), "key %u", i);
    if (!found) cr_assert_eq(out.size, 0);
    buffer_free(&out);
}

/* Reads from..to (to == KEY_COUNT: no end) of an iterator that was made when the oracle was as given. */
static void check_iterator(storage_iterator *iterator, const oracle *o, unsigned from, unsigned to)
{
    bytes key, value;
    uint8_t expected_key[3], expected_value[40];
    for (unsigned i = from; i < to; i++) {
        if (!o->present[i]) continue;
        cr_assert(storage_iterator_next(iterator, &key, &value), "key %u is missing", i);
        cr_assert(bytes_equal(key, key_of(expected_key, i)), "key %u is out of order", i);
        cr_assert(bytes_equal(value, value_of(expected_value, o->value[i])), "value of key %u", i);
    }
    cr_assert_not(storage_iterator_next(iterator, &key, &value));
    cr_assert_eq(storage_iterator_status(iterator), ATOLL_OK);
    storage_iterator_free(iterator);
}

static storage_iterator *iterate(storage *s, unsigned from, unsigned to)
{
    uint8_t from_key[3], to_key[3];
    storage_iterator *iterator = NULL;
    bytes end = to == KEY_COUNT ? bytes_of(NULL, 0) : key_of(to_key, to);
    cr_assert_eq(storage_iterate(s, key_of(from_key, from), end, &iterator), ATOLL_OK);
    return iterator;
}

static void write_random(storage *s, oracle *o, random_state *r)
{
    storage_batch *batch = NULL;
    uint8_t key[3], other[3], value[40];
    cr_assert_eq(storage_batch_new(s, &batch), ATOLL_OK);
    for (uint64_t n = random_below(r, 6); n > 0; n--) {
        unsigned i = (unsigned)random_below(r, KEY_COUNT),
                 end = (unsigned)random_below(r, KEY_COUNT);
        switch (random_below(r, 8)) {
        case 0:
            cr_assert_eq(storage_batch_delete(batch, key_of(key, i)), ATOLL_OK);
            o->present[i] = false;
            break;
        case 1:
            cr_assert_eq(storage_batch_delete_range(batch, key_of(key, i), key_of(other, end)),
                         ATOLL_OK);
            for (; i < end; i++) o->present[i] = false;
            break;
        default:
            o->present[i] = true;
            o->value[i] = (uint32_t)random_next(r);
            cr_assert_eq(storage_batch_put(batch, key_of(key, i), value_of(value, o->value[i])),
                         ATOLL_OK);
        }
    }
    cr_assert_eq(storage_write(s, batch, random_below(r, 8) == 0), ATOLL_OK);
    storage_batch_free(batch);
}

static void run(storage *s, uint64_t seed)
{
    random_state r = {seed};
    oracle now = {0}, then = {0};
    for (int step = 0; step < 1500; step++) {
        unsigned from = (unsigned)random_below(&r, KEY_COUNT),
                 to = from + (unsigned)random_below(&r, KEY_COUNT - from + 1);
        then = now;
        storage_iterator *before = iterate(s, from, to);
        write_random(s, &now, &r);
        check_iterator(before, &then, from, to);
        check_iterator(iterate(s, from, to), &now, from, to);
        check_key(s, &now, (unsigned)random_below(&r, KEY_COUNT));
        if (step % 400 == 399)
            cr_assert_eq(step % 800 == 399 ? storage_settle(s) : storage_sync(s), ATOLL_OK);
    }
    for (unsigned i = 0; i < KEY_COUNT; i++) check_key(s, &now, i);
}

Test(store, memory_store_does_what_a_table_does)
{
    for (uint64_t seed = 1; seed <= 5; seed++) {
        storage *s = NULL;
        memory_disk *disk = memory_disk_new(seed);
        cr_assert_eq(storage_open_memory(disk, &s), ATOLL_OK);
        run(s, seed);
        storage_close(s);
        memory_disk_free(disk);
    }
    cr_assert_eq(memory_live_count(), 0);
}

Test(store, rocksdb_store_does_what_a_table_does)
{
    storage *s = NULL;
    char folder[64];
    storage_options options = {.create = true};
    temp_folder(folder);
    cr_assert_eq(storage_open_rocksdb(folder, &options, &s), ATOLL_OK, "%s", fail_text());
    run(s, 7);
    storage_close(s);
    temp_folder_remove(folder);
}

Test(store, sealed_stores_do_what_a_table_does)
{
    static const char secret[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    bytes secret_key = bytes_of(secret, 64);
    char folder[64];
    storage_options options = {.create = true};
    storage *plain = NULL, *s = NULL;
    cr_assert_eq(storage_open_volatile(&plain), ATOLL_OK);
    cr_assert_eq(storage_seal(plain, secret_key, &s), ATOLL_OK, "%s", fail_text());
    run(s, 11);
    storage_close(s);
    temp_folder(folder);
    for (int round = 0; round < 2; round++) {
        cr_assert_eq(storage_open_rocksdb(folder, &options, &plain), ATOLL_OK);
        cr_assert_eq(storage_seal(plain, secret_key, &s), ATOLL_OK, "%s", fail_text());
        cr_assert(storage_is_sealed(s));
        if (round == 0) run(s, 12);
        storage_close(s);
    }
    temp_folder_remove(folder);
    cr_assert_eq(memory_live_count(), 0);
}

Test(store, a_sealed_record_that_was_changed_or_moved_is_not_read)
{
    static const char secret[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    memory_disk *disk = memory_disk_new(1);
    for (int round = 0; round < 3; round++) {
        storage *plain = NULL, *s = NULL;
        storage_batch *batch = NULL;
        buffer record;
        bool found = false;
        buffer_init(&record, 100);
        cr_assert_eq(storage_open_memory(disk, &plain), ATOLL_OK);
        cr_assert_eq(storage_seal(plain, bytes_of(secret, 64), &s), ATOLL_OK, "%s", fail_text());
        cr_assert_eq(storage_batch_new(s, &batch), ATOLL_OK);
        cr_assert_eq(storage_batch_put(batch, bytes_text("a"), bytes_text("secret")), ATOLL_OK);
        cr_assert_eq(storage_write(s, batch, true), ATOLL_OK);
        storage_batch_free(batch);
        cr_assert_eq(storage_get(s, bytes_text("a"), &record, &found), ATOLL_OK);
        cr_assert(found && bytes_equal(buffer_view(&record), bytes_text("secret")));
        storage_close(s);
        /* Behind its back: a bit, the place, the end. */
        cr_assert_eq(storage_open_memory(disk, &plain), ATOLL_OK);
        cr_assert_eq(storage_get(plain, bytes_text("a"), &record, &found), ATOLL_OK);
        cr_assert_eq(record.size, 6 + 28);
        if (round == 0) record.data[2] ^= 1;
        if (round == 2) record.size -= 7;
        const char *place = round == 1 ? "b" : "a";
        cr_assert_eq(storage_batch_new(plain, &batch), ATOLL_OK);
        cr_assert_eq(storage_batch_put(batch, bytes_text(place), buffer_view(&record)), ATOLL_OK);
        cr_assert_eq(storage_write(plain, batch, true), ATOLL_OK);
        storage_batch_free(batch);
        cr_assert_eq(storage_seal(plain, bytes_of(secret, 64), &s), ATOLL_OK);
        found = true;
        cr_assert_eq(storage_get(s, bytes_text(place), &record, &found), ATOLL_ERROR_FILE_CORRUPT);
        cr_assert(!found && record.size == 0);
        buffer_free(&record);
        storage_close(s);
    }
    memory_disk_free(disk);
    cr_assert_eq(memory_live_count(), 0);
}

Test(store, an_iterator_cuts_a_prefix_off_its_keys)
{
    storage *s = NULL;
    storage_batch *batch = NULL;
    storage_iterator *i = NULL;
    bytes key, value;
    memory_disk *disk = memory_disk_new(1);
    cr_assert_eq(storage_open_memory(disk, &s), ATOLL_OK);
    cr_assert_eq(storage_batch_new(s, &batch), ATOLL_OK);
    cr_assert_eq(storage_batch_put(batch, bytes_text("Sabc"), bytes_text("v")), ATOLL_OK);
    cr_assert_eq(storage_write(s, batch, true), ATOLL_OK);
    storage_batch_free(batch);
    cr_assert_eq(storage_iterate(s, bytes_text("S"), bytes_text("T"), &i), ATOLL_OK);
    storage_iterator_strip(i, 1);
    cr_assert(storage_iterator_next(i, &key, &value));
    cr_assert(bytes_equal(key, bytes_text("abc")));
    storage_iterator_free(i);
    storage_close(s);
    memory_disk_free(disk);
}
