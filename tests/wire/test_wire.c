/* Version 1 of the wire, held to recorded conversations: each build reads their messages as they were meant, answers the
 * clients in them as they were answered, and follows the servers in them to where they led.
 *
 * With ATOLL_WIRE_RECORD=1 missing records are made; one that is there is never written again. */
#include "replay.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

static void path_of(const talk *t, char *path, size_t size)
{
    snprintf(path, size, "%s/%s.talk", WIRE_FOLDER, t->name);
}

static void read_record(const talk *t, record *out)
{
    char path[1000];
    path_of(t, path, sizeof path);
    record_read(path, out);
    cr_assert_gt(out->count, 10u, "%s holds nothing", path);
}

Test(wire, conversations_go_as_their_machines_want)
{
    for (size_t i = 0; i < talk_count; i++) {
        record r;
        char path[1000];
        talk_record(&talks[i], &r);
        path_of(&talks[i], path, sizeof path);
        FILE *there = fopen(path, "r");
        if (there != NULL)
            (void)fclose(there);
        else if (getenv("ATOLL_WIRE_RECORD") != NULL)
            record_write(path, &r);
        record_free(&r);
    }
}

Test(wire, recorded_messages_are_written_as_they_were_read)
{
    bool seen[2][16] = {{false}};
    for (size_t i = 0; i < talk_count; i++) {
        record r;
        buffer again;
        read_record(&talks[i], &r);
        buffer_init(&again, LIMIT_MESSAGE_SIZE_MAX);
        for (size_t k = 0; k < r.count; k++) {
            const event *e = &r.items[k];
            if (e->kind != EVENT_UP && e->kind != EVENT_DOWN) continue;
            bool packed = message_again(e->kind == EVENT_UP, bytes_of(e->data, e->size), &again);
            const event *wanted = packed ? e + 1 : e;
            cr_expect(bytes_equal(bytes_of(wanted->data, wanted->size), buffer_view(&again)),
                      "%s: message %zu is written in another way", talks[i].name, k);
            cr_assert_gt(again.size, 0u);
            seen[e->kind == EVENT_DOWN][(e->data[0] >> 3) & 15] = true;
            seen[e->kind == EVENT_DOWN][(again.data[0] >> 3) & 15] = true;
        }
        buffer_free(&again);
        record_free(&r);
    }
    /* Bind, Subscribe, Upload, Mark, Ping, Packed; Bound, states, downloads, acknowledgements, replies, Pong, Error, Packed. */
    static const int up[] = {1, 2, 3, 4, 6, 15}, down[] = {1, 2, 3, 4, 5, 6, 7, 15};
    for (size_t i = 0; i < sizeof up / sizeof *up; i++) cr_expect(seen[0][up[i]], "up %d", up[i]);
    for (size_t i = 0; i < sizeof down / sizeof *down; i++)
        cr_expect(seen[1][down[i]], "down %d", down[i]);
}

static int replay_all(bool server, bool other_seed, replay_change change)
{
    int differences = 0;
    for (size_t i = 0; i < talk_count; i++) {
        record r;
        read_record(&talks[i], &r);
        uint64_t seed = talks[i].seed + (other_seed ? 3000 : 0);
        if (server) differences += replay_server(&talks[i], &r, seed, change);
        bool skip = server || (other_seed && talks[i].returns_elements);
        for (int who = 0; !skip && who < talks[i].clients; who++)
            differences += replay_client(&talks[i], &r, who, seed, change);
        record_free(&r);
    }
    return differences;
}

Test(wire, todays_server_answers_recorded_clients)
{
    cr_expect_eq(replay_all(true, false, REPLAY_AS_IT_WAS), 0);
    cr_expect_eq(replay_all(true, true, REPLAY_AS_IT_WAS), 0, "with other idents and secrets");
}

Test(wire, todays_client_follows_recorded_servers)
{
    cr_expect_eq(replay_all(false, false, REPLAY_AS_IT_WAS), 0);
    cr_expect_eq(replay_all(false, true, REPLAY_AS_IT_WAS), 0, "with other batches");
}

Test(wire, fields_that_are_not_known_are_ignored_both_ways)
{
    cr_expect_eq(replay_all(true, false, REPLAY_UNKNOWN_ADDED), 0, "by the server");
    cr_expect_eq(replay_all(false, false, REPLAY_UNKNOWN_ADDED), 0, "by the client");
}

Test(wire, a_field_of_another_number_is_noticed)
{
    cr_expect_gt(replay_all(true, false, REPLAY_RENUMBERED), 0, "by the server");
    record r;
    const talk *rights = &talks[2]; /* whose app does nothing that needs what it did not get */
    read_record(rights, &r);
    cr_expect_gt(replay_client(rights, &r, 0, rights->seed, REPLAY_RENUMBERED), 0, "by the client");
    record_free(&r);
}
