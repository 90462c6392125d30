/* The embedded store of ingested objects: what is read of it by class and time, and what goes by age, size and delivery. */
#include "copies.h"
#include "server/app.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void send(world *w, int64_t from, int64_t to)
{
    for (int64_t id = from; id < to; id++)
        MUST(fixture_reading(w, &w->clients[0], id, "a text of some length, for the bytes"));
    SETTLE(w);
}

/* Positions that are there, and their bytes; the store's own sum must agree. */
static size_t look(world *w, uint64_t *first, uint64_t *last)
{
    buffer lines;
    uint64_t at = 0;
    size_t count = 0;
    buffer_init(&lines, 64u << 20);
    *first = *last = 0;
    MUST(server_ingest_read(w->app, 0, 1000000, &lines, &at));
    const char *text = (const char *)lines.data, *end = text + lines.size;
    for (const char *line = text; line < end; line = strchr(line, '\n') + 1, count++) {
        unsigned long long position = 0;
        cr_assert_eq(sscanf(line, "{\"position\":%llu", &position), 1);
        if (*first == 0) *first = position;
        cr_assert(*last == 0 || position == *last + 1, "a hole before %llu", position);
        *last = position;
    }
    cr_assert_eq(w->app->ingest_bytes, lines.size, "the sum of bytes is %llu, not %zu",
                 (unsigned long long)w->app->ingest_bytes, lines.size);
    buffer_free(&lines);
    return count;
}

static size_t count_of(world *w, const ingest_filter *filter)
{
    buffer lines;
    uint64_t at = 0;
    size_t count = 0;
    buffer_init(&lines, 64u << 20);
    MUST(server_ingest_read_some(w->app, 0, 1000000, filter, &lines, &at));
    for (size_t i = 0; i < lines.size; i++) count += lines.data[i] == '\n';
    buffer_free(&lines);
    return count;
}

static void drop(world *w, const ingest_keep *keep, uint64_t through)
{
    bool more = true;
    while (more) MUST(server_ingest_drop(w->app, keep, through, &more));
}

Test(ingest_store, the_oldest_go_by_age_and_none_beyond_what_was_delivered)
{
    world w;
    uint64_t first, last;
    MUST(world_start(&w, 7, 1, true, fixture_schema(true, false)));
    SETTLE(&w);
    send(&w, 0, 100);
    world_run(&w, 3600000);
    send(&w, 100, 150);
    const ingest_keep hour = {.ms = 1800000}, ever = {0};
    drop(&w, &ever, UINT64_MAX);
    cr_assert_eq(look(&w, &first, &last), 150);
    drop(&w, &hour, 40);
    cr_assert_eq(look(&w, &first, &last), 110, "only what may go: %llu", (unsigned long long)first);
    drop(&w, &hour, UINT64_MAX);
    cr_assert_eq(look(&w, &first, &last), 50);
    cr_assert_eq(first, 101);
    uint64_t durable = 0;
    MUST(model_sync(server_app_db(w.app), &durable)); /* Else they may come back, to go again. */
    world_crash_server(&w, 1000);
    SETTLE(&w);
    cr_assert_eq(look(&w, &first, &last), 50, "after a restart");
    send(&w, 150, 160);
    cr_assert_eq(look(&w, &first, &last), 60);
    cr_assert_eq(last, 160, "positions are never given again");
    world_end(&w);
}

Test(ingest_store, the_oldest_go_by_size_and_what_was_delivered_goes_if_wanted)
{
    world w;
    uint64_t first, last;
    MUST(world_start(&w, 8, 1, true, fixture_schema(true, false)));
    SETTLE(&w);
    send(&w, 0, 300);
    uint64_t line = w.app->ingest_bytes / 300;
    const ingest_keep small = {.bytes = 100 * line}, delivered = {.drop_delivered = true};
    drop(&w, &small, UINT64_MAX);
    size_t left = look(&w, &first, &last);
    cr_assert(w.app->ingest_bytes <= small.bytes && left >= 95 && left <= 101, "%zu left", left);
    cr_assert_eq(last, 300);
    drop(&w, &delivered, 250);
    cr_assert_eq(look(&w, &first, &last), 50);
    cr_assert_eq(first, 251);
    drop(&w, &delivered, UINT64_MAX);
    cr_assert_eq(look(&w, &first, &last), 0);
    send(&w, 300, 301);
    cr_assert_eq(look(&w, &first, &last), 1);
    cr_assert_eq(first, 301);
    world_end(&w);
}

Test(ingest_store, objects_are_found_by_when_they_came)
{
    world w;
    MUST(world_start(&w, 9, 1, true, fixture_schema(true, false)));
    SETTLE(&w);
    send(&w, 0, 10);
    world_run(&w, 60000);
    int64_t between = app_now_ms(w.app);
    world_run(&w, 60000);
    send(&w, 10, 17);
    cr_assert_eq(count_of(&w, &(ingest_filter){.since_ms = between}), 7);
    cr_assert_eq(count_of(&w, &(ingest_filter){.until_ms = between}), 10);
    cr_assert_eq(count_of(&w, &(ingest_filter){.since_ms = between, .until_ms = between}), 0);
    cr_assert_eq(count_of(&w, &(ingest_filter){bytes_text("Reading"), 1, 0}), 17);
    cr_assert_eq(count_of(&w, &(ingest_filter){bytes_text("Other"), 1, 0}), 0);
    world_end(&w);
}
