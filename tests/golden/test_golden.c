/* Folders that earlier versions wrote: each opens, holds what it held, takes changes, and holds them when it is opened
 * again. What a realm of today holds after the same steps is the measure, and that is held fast by a sum.
 * make_golden.sh beside this file wrote the archives. */
#include "golden.h"
#include "support/temp.h"

/* Of the texts that golden_dump gives before and after the change; if one of these has to change, an old realm reads
 * differently than it did. */
static const uint32_t sums[GOLDEN_KINDS][2] = {
    {0x1f1f9105, 0xa1100174}, {0xb34168c6, 0x96f838f4}, {0xa1100174, 0xa1100174},
    {0x1f1f9105, 0xa1100174}, {0x94d06a53, 0x94d06a53},
};

static void unpack(golden_kind kind, const char *folder, char path[128])
{
    char command[4096];
    /* tar has leaks of its own, which a preloaded sanitizer would report. */
    snprintf(command, sizeof command, "LD_PRELOAD= tar -xzf '%s/format1/%s.tar.gz' -C '%s'", GOLDEN_FOLDER,
             golden_names[kind], folder);
    cr_assert_eq(system(command), 0, "%s", command);
    snprintf(path, 128, "%s/%s", folder, golden_names[kind]);
}

/* What such a realm holds when it is made today. */
static model_db *make_today(golden_kind kind, const char *folder)
{
    char path[128];
    snprintf(path, sizeof path, "%s/today", folder);
    model_db *db = golden_open(kind, path);
    golden_fill(kind, db);
    if (kind == GOLDEN_TAIL) golden_change(kind, db);
    if (kind == GOLDEN_MIGRATED) golden_migrate(db);
    return db;
}

static void expect_same(golden_kind kind, int step, model_db *golden, model_db *today)
{
    buffer was, is;
    buffer_init(&was, 1 << 28);
    buffer_init(&is, 1 << 28);
    golden_dump(golden, &was);
    golden_dump(today, &is);
    size_t at = 0;
    while (at < was.size && at < is.size && was.data[at] == is.data[at]) at++;
    size_t from = at < 60 ? 0 : at - 60;
    cr_assert(was.size == is.size && at == was.size, "%s, step %d: `%.*s` is `%.*s` today",
              golden_names[kind], step, (int)(was.size - from > 120 ? 120 : was.size - from),
              (const char *)was.data + from, (int)(is.size - from > 120 ? 120 : is.size - from),
              (const char *)is.data + from);
    cr_assert_gt(was.size, 5000);
    uint32_t sum = crc32c(0, was.data, was.size);
    cr_assert_eq(sum, sums[kind][step], "%s, step %d: the sum is 0x%08x", golden_names[kind], step,
                 sum);
    buffer_free(&was);
    buffer_free(&is);
}

Test(golden, realms_of_format_1_hold_what_they_held_and_take_changes, .timeout = 60)
{
    for (golden_kind kind = 0; kind < GOLDEN_KINDS; kind++) {
        char folder[64], path[128];
        temp_folder(folder);
        unpack(kind, folder, path);
        model_db *golden = golden_open(kind, path), *today = make_today(kind, folder);
        expect_same(kind, 0, golden, today);
        if (kind != GOLDEN_TAIL && kind != GOLDEN_MIGRATED) {
            golden_change(kind, golden);
            golden_change(kind, today);
        }
        model_close(golden);
        golden = golden_open(kind, path);
        expect_same(kind, 1, golden, today);
        MUST(model_compact(golden));
        model_close(golden);
        golden = golden_open(kind, path);
        expect_same(kind, 1, golden, today);
        model_close(golden);
        model_close(today);
        temp_folder_remove(folder);
    }
}

/* The format record with another number; gives the number that was there. */
static uint64_t put_format(const char *path, uint64_t format)
{
    storage_options how = {.create = false};
    storage *store = NULL;
    storage_batch *batch = NULL;
    buffer record;
    bool found = false;
    buffer_init(&record, 1000);
    MUST(storage_open_rocksdb(path, &how, &store));
    MUST(storage_get(store, bytes_text("MF"), &record, &found));
    cr_assert(found && record.size > 12);
    uint64_t was = 0;
    for (int i = 0; i < 8; i++) was |= (uint64_t)record.data[4 + i] << (8 * i);
    for (int i = 0; i < 8; i++) record.data[4 + i] = (uint8_t)(format >> (8 * i));
    uint32_t crc = crc32c(0, record.data + 4, record.size - 4);
    for (int i = 0; i < 4; i++) record.data[i] = (uint8_t)(crc >> (8 * i));
    MUST(storage_batch_new(store, &batch));
    MUST(storage_batch_put(batch, bytes_text("MF"), buffer_view(&record)));
    MUST(storage_write(store, batch, true));
    storage_batch_free(batch);
    storage_close(store);
    buffer_free(&record);
    return was;
}

Test(golden, a_realm_of_a_later_format_is_refused_and_left_alone)
{
    char folder[64], path[128];
    model_options options = {.platform = platform_posix(), .use = SCHEMA_LOCAL};
    storage_options how = {.create = true};
    storage *store = NULL;
    model_db *db = NULL;
    temp_folder(folder);
    unpack(GOLDEN_PLAIN, folder, path);
    uint64_t format = put_format(path, 77);
    cr_assert_eq(format, 1);
    MUST(storage_open_rocksdb(path, &how, &store));
    cr_assert_eq(model_open(store, &options, NULL, &db), ATOLL_ERROR_FILE_NEWER_FORMAT);
    cr_assert(strstr(fail_text(), "format 77") != NULL, "%s", fail_text());
    cr_assert_eq(put_format(path, format), 77, "it was not written to");
    model_db *golden = golden_open(GOLDEN_PLAIN, path), *today = make_today(GOLDEN_PLAIN, folder);
    expect_same(GOLDEN_PLAIN, 0, golden, today);
    model_close(golden);
    model_close(today);
    temp_folder_remove(folder);
}
