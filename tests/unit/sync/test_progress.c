/* What observers of progress are told: bytes that never become fewer, and 1 only when all is done. */
#include "copies.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 600, NAME_SIZE = 6000 }; /* several messages */

static void fill(world *w, client *c, int64_t from, int64_t to)
{
    char *name = malloc(NAME_SIZE + 1);
    memset(name, 'n', NAME_SIZE);
    name[NAME_SIZE] = 0;
    for (int64_t id = from; id < to; id++) MUST(fixture_create(w, c, id, 1, name));
    free(name);
}

static uint64_t count_of(model_db *db)
{
    item_keys k = fixture_keys(db);
    model_view *view = model_view_newest(db);
    uint64_t count = model_count(view, k.c);
    model_view_release(view);
    return count;
}

typedef struct seen {
    session_progress last;
    int between; /* fractions that were neither nothing nor all */
} seen;

static void look(seen *s, const session_progress *p, const char *when)
{
    cr_assert(p->uploaded_bytes >= s->last.uploaded_bytes, "%s: fewer uploaded bytes", when);
    cr_assert(p->downloaded_bytes >= s->last.downloaded_bytes, "%s: fewer downloaded bytes", when);
    cr_assert(p->uploaded_bytes <= p->uploadable_bytes, "%s: more uploaded than there is", when);
    cr_assert(p->downloaded_bytes <= p->downloadable_bytes, "%s: more downloaded", when);
    cr_assert(p->upload_fraction <= 1 && p->download_fraction <= 1);
    s->last = *p;
}

Test(progress, an_upload_is_1_only_when_the_server_has_all_and_bytes_never_become_fewer)
{
    world w;
    seen s = {0};
    session_progress p;
    MUST(world_start(&w, 7, 1, true, fixture_schema(true, false)));
    client *c = &w.clients[0];
    session_get_progress(c->session, &p);
    cr_assert(p.upload_fraction < 0, "nothing is known before the first connection");
    subscribe(&w, 0, "TRUEPREDICATE");
    SETTLE(&w);
    session_get_progress(c->session, &p);
    cr_assert_eq(p.upload_fraction, 1.0, "there is nothing to upload: %f", p.upload_fraction);
    c->offline = true;
    world_cut(&w, c);
    fill(&w, c, 0, ROWS);
    session_get_progress(c->session, &p);
    cr_assert_eq(p.upload_fraction, 0.0, "offline, with something to upload: %f",
                 p.upload_fraction);
    c->offline = false;
    w.delay_ms_max = 50;
    bool cut = false;
    for (int i = 0; i < 200000; i++) {
        world_step(&w, w.now_ms + 100);
        session_get_progress(c->session, &p);
        look(&s, &p, "upload");
        if (p.upload_fraction > 0 && p.upload_fraction < 1) s.between++;
        if (!cut && p.upload_fraction > 0.5) world_cut(&w, c), cut = true;
        if (p.upload_fraction == 1.0) break;
        cr_assert(p.upload_fraction >= 0);
    }
    cr_assert(cut && s.between > 2, "%d reports between nothing and all", s.between);
    cr_assert_eq(p.upload_fraction, 1.0);
    cr_assert_eq(count_of(server_app_db(w.app)), ROWS, "1 was told when the server had %llu",
                 (unsigned long long)count_of(server_app_db(w.app)));
    cr_assert_eq(p.uploaded_bytes, p.uploadable_bytes);
    cr_assert(p.uploaded_bytes > (uint64_t)ROWS * NAME_SIZE, "%llu bytes",
              (unsigned long long)p.uploaded_bytes);
    MUST(fixture_create(&w, c, ROWS, 1, "one more"));
    session_get_progress(c->session, &p);
    cr_assert(p.upload_fraction < 1, "there is something to upload again");
    SETTLE(&w);
    session_get_progress(c->session, &p);
    cr_assert_eq(p.upload_fraction, 1.0);
    world_end(&w);
}

/* Before the client takes a message: how far it was after the one before. */
static void look_down(world *w, client *c, const server_message *m)
{
    seen *s = w->context;
    session_progress p;
    (void)m;
    if (c->number != w->clients[1].number) return;
    session_get_progress(c->session, &p);
    look(s, &p, "download");
    if (p.download_fraction > 0 && p.download_fraction < 1) s->between++;
    if (count_of(c->db) == 0) cr_assert(p.download_fraction < 1, "1 before anything is there");
}

Test(progress, a_download_is_1_only_when_it_is_in_the_realm)
{
    world w;
    seen s = {0};
    session_progress p;
    MUST(world_start(&w, 8, 2, true, fixture_schema(true, false)));
    client *c = &w.clients[1];
    subscribe(&w, 0, "TRUEPREDICATE");
    c->offline = true;
    world_cut(&w, c);
    fill(&w, &w.clients[0], 0, ROWS);
    world_run(&w, 60000);
    cr_assert_eq(count_of(server_app_db(w.app)), ROWS);
    subscribe(&w, 1, "TRUEPREDICATE");
    session_get_progress(c->session, &p);
    cr_assert(p.download_fraction < 1, "nothing has come yet: %f", p.download_fraction);
    c->offline = false;
    w.context = &s;
    w.on_down = look_down;
    SETTLE(&w);
    session_get_progress(c->session, &p);
    look(&s, &p, "download");
    cr_assert(s.between > 1, "%d reports between nothing and all", s.between);
    cr_assert_eq(p.download_fraction, 1.0);
    cr_assert_eq(p.downloaded_bytes, p.downloadable_bytes);
    cr_assert_eq(count_of(c->db), ROWS, "1 was told too early");
    world_end(&w);
}
