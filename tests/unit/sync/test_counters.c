/* Counters between devices: what is added adds up, and each pair with a set has the outcome that docs/merge.md says. */
#include "everything.h"

#include <stdio.h>

static void set_count(changing *x, value v)
{
    MUST(model_set(x->txn, x->item, x->row, change_property(x, "count"), &v));
}

static void add_count(changing *x, int64_t by)
{
    MUST(model_increment(x->txn, x->item, x->row, change_property(x, "count"), by));
}

static void from_ten(changing *x)
{
    set_count(x, value_int(10));
}

static void expect_count(world *w, const char *count)
{
    char wanted[100];
    snprintf(wanted, sizeof wanted, "(_id=1 team=0 score=0%s%s)",
             count[0] == '\0' ? "" : " count=", count);
    EXPECT_EVERYWHERE(w, 1, wanted);
}

Test(sync_counters, increments_of_all_devices_add_up)
{
    for (int first = 0; first < 3; first++) {
        world w;
        apart_begin(&w, 3, from_ten);
        for (int i = 0; i < 3; i++) {
            for (int k = 0; k < 4; k++) { /* In commits of their own. */
                changing x = change_begin(&w, &w.clients[i], 1);
                add_count(&x, 100 * i + k);
                change_end(&x);
            }
        }
        apart_meet(&w, first);
        expect_count(&w, "1228");
        world_end(&w);
    }
}

Test(sync_counters, they_wrap_as_the_engine_counts)
{
    world w;
    apart_begin(&w, 2, from_ten);
    for (int i = 0; i < 2; i++) {
        changing x = change_begin(&w, &w.clients[i], 1);
        add_count(&x, INT64_MAX);
        change_end(&x);
    }
    apart_meet(&w, 0);
    expect_count(&w, "8"); /* 10 + 2 * (2^63 - 1) */
    world_end(&w);
}

/* One sets, the other one adds; which is later, and who comes first. */
static void set_and_add(value set, bool add_later, int first, const char *wanted)
{
    world w;
    apart_begin(&w, 2, from_ten);
    for (int step = 0; step < 2; step++) {
        bool add = add_later == (step == 1);
        changing x = change_begin(&w, &w.clients[add], 1);
        if (add)
            add_count(&x, 5);
        else
            set_count(&x, set);
        change_end(&x);
        world_run(&w, 1000);
    }
    apart_meet(&w, first);
    expect_count(&w, wanted);
    world_end(&w);
}

Test(sync_counters, an_increment_counts_beside_an_earlier_set_and_not_beside_a_later_one)
{
    for (int first = 0; first < 2; first++) {
        set_and_add(value_int(50), true, first, "55");
        set_and_add(value_int(50), false, first, "50");
    }
}

Test(sync_counters, nothing_is_added_to_null)
{
    for (int first = 0; first < 2; first++) {
        set_and_add(value_null(), true, first, "");
        set_and_add(value_null(), false, first, "");
    }
}

Test(sync_counters, an_increment_counts_beside_a_default_whatever_its_time)
{
    for (int first = 0; first < 2; first++) {
        world w;
        everything_start(&w, 11, 2);
        for (int i = 0; i < 2; i++) everything_offline(&w, &w.clients[i], true);
        /* Both make the object, with the default of its class; the one that adds is the earlier one. */
        for (int i = 0; i < 2; i++) {
            changing x = change_begin(&w, &w.clients[i], 1);
            model_txn_set_default(x.txn, true);
            set_count(&x, value_int(7));
            model_txn_set_default(x.txn, false);
            if (i == 0) add_count(&x, 3);
            change_end(&x);
            world_run(&w, 1000);
        }
        apart_meet(&w, first);
        expect_count(&w, "10");
        world_end(&w);
    }
}

Test(sync_counters, what_was_set_and_then_added_to_is_told_apart)
{
    for (int first = 0; first < 2; first++) {
        world w;
        apart_begin(&w, 2, from_ten);
        changing x = change_begin(&w, &w.clients[0], 1);
        add_count(&x, 1000); /* Before its own set: gone. */
        set_count(&x, value_int(20));
        add_count(&x, 1);
        change_end(&x);
        world_run(&w, 1000);
        x = change_begin(&w, &w.clients[1], 1);
        set_count(&x, value_int(30));
        change_end(&x);
        world_run(&w, 1000);
        x = change_begin(&w, &w.clients[0], 1);
        add_count(&x, 2); /* After the other one's set. */
        change_end(&x);
        apart_meet(&w, first);
        /* What is folded counts as its newest part: 1 and 2 are one increment. */
        expect_count(&w, "33");
        world_end(&w);
    }
}

Test(sync_counters, an_increment_during_an_upload_is_sent_once_whatever_is_lost)
{
    /* The connection goes away at every moment of the upload, in both directions. */
    for (uint64_t moment = 0; moment < 60; moment += 3) {
        world w;
        apart_begin(&w, 2, from_ten);
        w.delay_ms_max = 20;
        changing x = change_begin(&w, &w.clients[0], 1);
        add_count(&x, 1);
        change_end(&x);
        everything_offline(&w, &w.clients[1], false);
        everything_offline(&w, &w.clients[0], false);
        world_run(&w, 12000); /* Until it tries again. */
        for (int i = 0; i < 20; i++) {
            x = change_begin(&w, &w.clients[0], 1);
            add_count(&x, 100);
            change_end(&x);
            world_run(&w, moment / 3);
            if (i % 4 == 3) world_cut(&w, &w.clients[0]);
            if (i % 4 == 3) world_run(&w, 3000 + moment);
        }
        world_run(&w, 30000);
        everything_settle(&w);
        expect_count(&w, "2011");
        world_end(&w);
    }
}

Test(sync_counters, the_value_of_a_device_is_the_servers_and_what_it_added_itself)
{
    world w;
    apart_begin(&w, 2, from_ten);
    changing x = change_begin(&w, &w.clients[0], 1);
    add_count(&x, 5);
    change_end(&x);
    x = change_begin(&w, &w.clients[1], 1);
    set_count(&x, value_int(100));
    change_end(&x);
    everything_offline(&w, &w.clients[1], false);
    world_run(&w, 30000);
    /* It gets the other one's value before its own increment has left. */
    w.delay_ms_max = 0;
    everything_offline(&w, &w.clients[0], false);
    session_stop(w.clients[0].session, w.now_ms);
    session_start(w.clients[0].session, w.now_ms);
    world_run(&w, 30000);
    everything_settle(&w);
    expect_count(&w, "100"); /* The set was later. */
    for (int i = 0; i < 2; i++) {
        x = change_begin(&w, &w.clients[i], 1);
        add_count(&x, 1 + i);
        change_end(&x);
    }
    everything_settle(&w);
    expect_count(&w, "103");
    world_end(&w);
}
