/* Buffers, readers, hashes, maps, the allocator's switch, the text of failures, the log. */
#include "base/bytes.h"
#include "base/log.h"
#include "base/random.h"
#include "base/vector.h"
#include <criterion/criterion.h>
#include <stdio.h>

Test(bytes, numbers_read_back_and_cut_ones_fail)
{
    const uint64_t numbers[] = {0, 1, 127, 128, 16383, 16384, UINT32_MAX, 1ull << 63, UINT64_MAX};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        buffer b;
        buffer_init(&b, 100);
        cr_assert_eq(buffer_append_varint(&b, numbers[i]), ATOLL_OK);
        size_t varint_size = b.size;
        cr_assert_eq(buffer_append_fixed32(&b, (uint32_t)numbers[i]), ATOLL_OK);
        cr_assert_eq(buffer_append_fixed64(&b, numbers[i]), ATOLL_OK);
        reader r = reader_of(buffer_view(&b));
        cr_assert_eq(reader_varint(&r), numbers[i]);
        cr_assert_eq(reader_fixed32(&r), (uint32_t)numbers[i]);
        cr_assert_eq(reader_fixed64(&r), numbers[i]);
        cr_assert(!r.failed && r.at == r.end);
        cr_assert_eq(reader_byte(&r), 0);
        cr_assert(r.failed);
        r = reader_of(bytes_of(b.data, varint_size - 1));
        (void)reader_varint(&r);
        cr_assert(r.failed);
        buffer_free(&b);
    }
    reader r = reader_of(bytes_of("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10));
    (void)reader_varint(&r);
    cr_assert(r.failed, "more than 64 bits");
    r = reader_of(bytes_of("\x05"
                           "abc",
                           4));
    (void)reader_bytes(&r);
    cr_assert(r.failed, "a size past the end");
}

Test(bytes, a_buffer_stops_at_its_maximum_and_keeps_what_it_has)
{
    buffer b;
    buffer_init(&b, 10);
    cr_assert_eq(buffer_append(&b, "0123456789", 10), ATOLL_OK);
    cr_assert_eq(buffer_append_byte(&b, 'x'), ATOLL_ERROR_LIMIT_EXCEEDED);
    cr_assert(bytes_equal(buffer_view(&b), bytes_text("0123456789")));
    buffer_clear(&b);
    cr_assert_eq(buffer_append(&b, "0123456", 7), ATOLL_OK);
    cr_assert_eq(buffer_append_bytes(&b, bytes_text("abc")), ATOLL_ERROR_LIMIT_EXCEEDED);
    cr_assert_eq(b.size, 7);
    buffer_free(&b);
}

Test(bytes, keys_keep_the_order_of_numbers)
{
    random_state r = {1};
    for (int i = 0; i < 1000; i++) {
        uint64_t a = random_next(&r) >> random_below(&r, 64),
                 b = random_next(&r) >> random_below(&r, 64);
        uint8_t x[8], y[8];
        key_put_u64(x, a);
        key_put_u64(y, b);
        cr_assert_eq(memcmp(x, y, 8) < 0, a < b);
        cr_assert_eq(key_get_u64(x), a);
        key_put_u32(x, (uint32_t)a);
        cr_assert_eq(key_get_u32(x), (uint32_t)a);
    }
}

static uint32_t crc_bit_by_bit(const uint8_t *at, size_t size)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < size; i++) {
        crc ^= at[i];
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (0x82f63b78u & (0u - (crc & 1)));
    }
    return ~crc;
}

Test(bytes, crc32c_is_the_standard_one)
{
    uint8_t data[300];
    random_state r = {2};
    cr_assert_eq(crc32c(0, "123456789", 9), 0xe3069283u);
    for (size_t i = 0; i < sizeof data; i++) data[i] = (uint8_t)random_next(&r);
    for (size_t size = 0; size < 200; size++) {
        cr_assert_eq(crc32c(0, data + size % 7, size), crc_bit_by_bit(data + size % 7, size));
        cr_assert_eq(crc32c(crc32c(0, data, size), data + size, 100),
                     crc_bit_by_bit(data, size + 100));
    }
}

Test(bytes, hashes_do_not_change_between_releases)
{
    cr_assert_eq(hash_u64(0), 0xe220a8397b1dcdafull);
    uint64_t empty = hash_bytes("", 0, 0),
             text = hash_bytes("a text of more than eight bytes", 31, 7);
    cr_assert_neq(empty, hash_bytes("", 0, 1));
    cr_assert_neq(hash_bytes("a", 1, 0), hash_bytes("a\0", 2, 0));
    cr_assert_eq(text, hash_bytes("a text of more than eight bytes", 31, 7));
}

Test(bytes, utf8_is_checked_as_the_standard_says)
{
    const char *good[] = {"",
                          "plain",
                          "gr\xc3\xbc\xc3\x9f",
                          "\xe2\x82\xac",
                          "\xf0\x9f\x8f\x9d",
                          "\xf4\x8f\xbf\xbf",
                          "\xed\x9f\xbf"};
    const char *bad[] = {"\x80",
                         "\xc3",
                         "\xc0\x80",
                         "\xc1\xbf",
                         "\xe0\x80\x80",
                         "\xed\xa0\x80",
                         "\xf0\x80\x80\x80",
                         "\xf4\x90\x80\x80",
                         "\xf5\x80\x80\x80",
                         "\xe2\x82",
                         "a\xff"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        cr_assert(utf8_is_valid(bytes_text(good[i])), "good %zu", i);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        cr_assert_not(utf8_is_valid(bytes_text(bad[i])), "bad %zu", i);
}

Test(map, it_does_what_a_table_does)
{
    enum { KEYS = 500 };
    for (uint64_t seed = 1; seed <= 5; seed++) {
        bool present[KEYS] = {0};
        uint64_t values[KEYS] = {0};
        size_t count = 0;
        map64 m = {0};
        random_state r = {seed};
        for (int i = 0; i < 20000; i++) {
            uint64_t k = random_below(&r, KEYS), key = seed % 2 ? k : hash_u64(k);
            if (random_below(&r, 3) == 0) {
                map64_remove(&m, key);
                count -= present[k];
                present[k] = false;
            } else {
                values[k] = random_next(&r);
                cr_assert_eq(map64_put(&m, key, values[k]), ATOLL_OK);
                count += !present[k];
                present[k] = true;
            }
            uint64_t other = random_below(&r, KEYS),
                     *found = map64_get(&m, seed % 2 ? other : hash_u64(other));
            cr_assert_eq(found != NULL, present[other]);
            if (found != NULL) cr_assert_eq(*found, values[other]);
            cr_assert_eq(m.count, count);
        }
        map64_clear(&m);
        cr_assert(m.count == 0 && map64_get(&m, 0) == NULL);
        map64_free(&m);
    }
}

Test(memory, the_chosen_allocation_fails_once)
{
    VECTOR(int) v = {0};
    memory_fail_at(1);
    cr_assert_eq(vector_push(&v, 1), ATOLL_ERROR_OUT_OF_MEMORY);
    cr_assert_eq(v.count, 0);
    for (int i = 0; i < 1000; i++) cr_assert_eq(vector_push(&v, i), ATOLL_OK);
    for (int i = 0; i < 1000; i++) cr_assert_eq(v.items[i], i);
    cr_assert_eq(memory_live_count(), 1);
    vector_free(&v);
    cr_assert_eq(memory_live_count(), 0);
}

static status inner(void)
{
    return fail(ATOLL_ERROR_DISK_FULL, "no room for %d", 5);
}

static status outer(void)
{
    TRY(inner());
    return ATOLL_OK;
}

Test(status, a_failure_keeps_its_text_and_takes_a_prefix)
{
    cr_assert_eq(outer(), ATOLL_ERROR_DISK_FULL);
    cr_assert_str_eq(fail_text(), "no room for 5");
    cr_assert_eq(fail_context(ATOLL_ERROR_DISK_FULL, "while writing %s: ", "x"),
                 ATOLL_ERROR_DISK_FULL);
    cr_assert_str_eq(fail_text(), "while writing x: no room for 5");
    (void)fail(ATOLL_ERROR_INTERNAL, "again: %s", fail_text());
    cr_assert_str_eq(fail_text(), "again: while writing x: no room for 5");
}

static char last_line[256];
static int frees;

static void sink(void *user_data, int32_t level, const char *category, const char *message)
{
    (void)user_data;
    snprintf(last_line, sizeof last_line, "%d %s %s", (int)level, category, message);
    log_write(LOG_FATAL, "Inner", "a sink that logs is ignored");
}

static void sink_free(void *user_data)
{
    (void)user_data;
    frees++;
}

Test(log, it_goes_to_the_sink_from_the_level_on)
{
    log_set_sink(sink, NULL, sink_free);
    log_set_level(LOG_WARN);
    log_write(LOG_INFO, "Realm", "quiet");
    cr_assert_str_empty(last_line);
    log_write(LOG_WARN, "Realm", "loud %d", 3);
    cr_assert_str_eq(last_line, "5 Realm loud 3");
    log_set_sink(NULL, NULL, NULL);
    cr_assert_eq(frees, 1);
}
