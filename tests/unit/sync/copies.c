/* Questions to a world of items that more than one test program asks. */
#include "copies.h"
#include "server/app.h"

#include <stdio.h>
#include <stdlib.h>

void subscribe(world *w, int who, const char *query)
{
    const char *classes[] = {"Item"};
    MUST(world_subscribe(w, &w->clients[who], classes, &query, 1));
}

void away(world *w, client *c)
{
    c->offline = true;
    world_cut(w, c);
}

size_t readings(world *w)
{
    buffer lines;
    uint64_t last = 0;
    size_t count = 0;
    buffer_init(&lines, 1 << 20);
    MUST(server_ingest_read(w->app, 0, 10000, &lines, &last));
    for (size_t i = 0; i < lines.size; i++) count += lines.data[i] == '\n';
    buffer_free(&lines);
    return count;
}

void expect_dump(model_db *db, const char *query, const char *wanted, const char *who)
{
    char *text = fixture_dump(db, query);
    cr_expect_str_eq(text, wanted, "%s has\n%sand not\n%s", who, text, wanted);
    free(text);
}

void expect_all(world *w, const char *wanted)
{
    expect_dump(server_app_db(w->app), "TRUEPREDICATE", wanted, "the server");
    for (int i = 0; i < w->client_count; i++) {
        char who[20];
        snprintf(who, sizeof who, "client %d", i);
        expect_dump(w->clients[i].db, "TRUEPREDICATE", wanted, who);
    }
}
