/* Views that change while writes are on their way: what was written where the device saw it is taken. */
#include "everything.h"

#include <stdlib.h>

/* A batch is on its way; a write follows that is not in it; and the view changes twice, before and after. */
static void change_twice(uint64_t before_write, uint64_t before_second)
{
    world w;
    everything_start(&w, 9, 2);
    w.delay_ms_max = 40;
    MUST(fixture_create(&w, &w.clients[0], 1, 3, "one"));
    MUST(fixture_create(&w, &w.clients[0], 2, 3, "two"));
    everything_settle(&w);
    subscribe(&w, 0, "team == 1");
    MUST(fixture_set_name(&w, &w.clients[0], 2, "first"));
    world_run(&w, before_write);
    status written =
        fixture_set_name(&w, &w.clients[0], 1, "second"); /* Unless it has left already. */
    world_run(&w, before_second);
    subscribe(&w, 0, "team == 2");
    everything_settle(&w);
    cr_expect_eq(w.clients[0].compensations, 0u, "refused at %d, %d", (int)before_write,
                 (int)before_second);
    char *server = everything_text(server_app_db(w.app), 1);
    cr_expect_str_eq(server, written == ATOLL_OK ? "(_id=1 team=3 name='second' score=0)"
                                                 : "(_id=1 team=3 name='one' score=0)");
    free(server);
    world_end(&w);
}

Test(sync_views, a_write_under_a_view_that_changed_twice_since_is_taken)
{
    for (uint64_t before_write = 1; before_write < 100; before_write += 7) {
        for (uint64_t before_second = 1; before_second < 120; before_second += 7)
            change_twice(before_write, before_second);
    }
}
