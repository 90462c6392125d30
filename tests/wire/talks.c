/* The conversations that are recorded: together they hold every message of the protocol, every type, and what goes wrong.
 * Must never: be changed once recorded; a new conversation is a new entry and a new file. */
#include "talks.h"

#include "base/decimal.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static void add(model_schema *s, const char *name, value_type type, uint8_t flags,
                const char *target)
{
    MUST(schema_add_property(s, 0, bytes_text(name), type, flags, bytes_text(target)));
}

static model_schema make_schema(const talk *t)
{
    model_schema s = fixture_schema(!t->partition, t->partition);
    static const value_type scalars[] = {VALUE_BOOL,   VALUE_FLOAT,    VALUE_DOUBLE,
                                         VALUE_BINARY, VALUE_DECIMAL,  VALUE_TIMESTAMP,
                                         VALUE_UUID,   VALUE_OBJECT_ID};
    static const char *const names[] = {"yes",   "single", "real", "blob",
                                        "exact", "when",   "uuid", "oid"};
    for (size_t i = 0; i < 8; i++) add(&s, names[i], scalars[i], PROPERTY_NULLABLE, "");
    add(&s, "count", VALUE_INT, PROPERTY_NULLABLE, "");
    add(&s, "labels", VALUE_INT, PROPERTY_SET, "");
    add(&s, "friends", VALUE_LINK, PROPERTY_SET, "Item");
    add(&s, "notes", VALUE_STRING, PROPERTY_DICTIONARY | PROPERTY_NULLABLE, "");
    add(&s, "parts", VALUE_EMBEDDED, PROPERTY_DICTIONARY, "Part");
    add(&s, "any", VALUE_MIXED, 0, "");
    add(&s, "anys", VALUE_MIXED, PROPERTY_LIST, "");
    add(&s, "whens", VALUE_TIMESTAMP, PROPERTY_LIST, "");
    return s;
}

void talk_world(world *w, const talk *t, uint64_t seed, int clients)
{
    MUST(world_start(w, seed, clients, !t->partition, make_schema(t)));
}

/* ---- what the apps do ---- */

static void subscribe_all(world *w, client *c)
{
    subscribe(w, (int)c->number, "TRUEPREDICATE");
}

static void subscribe_team(world *w, client *c)
{
    subscribe(w, (int)c->number, "team == 5 AND score < 100");
}

static void subscribe_badly(world *w, client *c)
{
    subscribe(w, (int)c->number, "nothing == 5");
}

static void set(changing *x, const char *name, value v)
{
    MUST(model_set(x->txn, x->item, x->row, change_property(x, name), &v));
}

static void put_scalars(changing *x)
{
    static const uint8_t id[16] = {0xab, 1, 2, [11] = 0xcd, [15] = 0xef};
    decimal d = {{0}};
    MUST(decimal_parse(bytes_text("-12.50"), &d));
    set(x, "yes", value_bool(true));
    set(x, "single", value_float(0.1f));
    set(x, "real", value_double(-2.5e300));
    set(x, "blob", value_binary(bytes_of("\0\1\377", 3)));
    set(x, "exact", value_decimal(&d));
    set(x, "when", value_timestamp(-3, -500));
    set(x, "uuid", value_uuid(id));
    set(x, "oid", value_object_id(id));
    set(x, "count", value_int(-7));
}

static void put_collections(changing *x)
{
    bool changed = false;
    row_key part = 0;
    element_id id;
    item_keys k = fixture_keys(x->c->db);
    value one = value_int(1), text = value_string(bytes_text("one")), nothing = value_null();
    value when = value_timestamp(9, 8), real = value_double(0.5), friend_of = change_link(x, 2);
    MUST(model_set_insert(x->txn, x->item, x->row, change_property(x, "labels"), &one, &changed));
    MUST(model_set_insert(x->txn, x->item, x->row, change_property(x, "friends"), &friend_of,
                          &changed));
    MUST(model_dictionary_put(x->txn, x->item, x->row, change_property(x, "notes"), bytes_text("a"),
                              &text));
    MUST(model_dictionary_put(x->txn, x->item, x->row, change_property(x, "notes"),
                              bytes_text("none"), &nothing));
    MUST(model_dictionary_put_embedded(x->txn, x->item, x->row, change_property(x, "parts"),
                                       bytes_text("wheel"), &part));
    MUST(model_set(x->txn, k.part, part, k.part_x, &one));
    MUST(model_list_insert(x->txn, x->item, x->row, change_property(x, "whens"), 0, &when));
    MUST(model_list_insert(x->txn, x->item, x->row, change_property(x, "anys"), 0, &real));
    MUST(model_list_insert(x->txn, x->item, x->row, change_property(x, "anys"), 1, &nothing));
    value list = {.type = VALUE_LIST}, held;
    MUST(model_list_insert(x->txn, x->item, x->row, change_property(x, "anys"), 2, &list));
    MUST(model_list_get(model_txn_view(x->txn), x->item, x->row, change_property(x, "anys"), 2,
                        &held, &id));
    MUST(model_list_insert(x->txn, held.as.link.class_of, held.as.link.row, SCHEMA_HIDDEN_ITEMS, 0,
                           &text));
}

static void write_everything(world *w, client *c)
{
    MUST(fixture_create(w, c, 2, 5, "two"));
    MUST(fixture_create_default(w, c, 1, 5, 3));
    changing x = change_begin(w, c, 1);
    put_scalars(&x);
    put_collections(&x);
    set(&x, "any", change_typed(&x, 2));
    set(&x, "friend", change_link(&x, 2));
    change_end(&x);
    MUST(fixture_append(w, c, 1, "first"));
    MUST(fixture_append(w, c, 1, "second"));
    MUST(fixture_append(w, c, 1, "third"));
    MUST(fixture_part(w, c, 1, 4));
    MUST(fixture_add_part(w, c, 1, 5));
    MUST(fixture_reading(w, c, 1, "measured"));
    MUST(fixture_reading(w, c, 2, "measured again"));
}

static void count_up(world *w, client *c)
{
    changing x = change_begin(w, c, 1);
    MUST(model_increment(x.txn, x.item, x.row, change_property(&x, "count"), 10));
    change_end(&x);
}

static void edit_what_came(world *w, client *c)
{
    MUST(fixture_move(w, c, 1, 0, 2));
    MUST(fixture_erase(w, c, 1, 0));
    count_up(w, c);
    MUST(fixture_set_name(w, c, 1, "named by the other"));
    changing x = change_begin(w, c, 1);
    value dictionary = {.type = VALUE_DICTIONARY};
    set(&x, "any", dictionary);
    bool removed = false;
    MUST(model_dictionary_erase(x.txn, x.item, x.row, change_property(&x, "notes"), bytes_text("a"),
                                &removed));
    MUST(model_list_clear(x.txn, x.item, x.row, change_property(&x, "labels")));
    change_end(&x);
    MUST(fixture_part_null(w, c, 1));
}

static void score_out_of_view(world *w, client *c)
{
    MUST(fixture_set_int(w, c, 2, "score", 100));
}

static void replace_two(world *w, client *c)
{
    MUST(fixture_delete(w, c, 2));
    MUST(fixture_create(w, c, 2, 5, "again"));
    MUST(fixture_create(w, c, 3, 5, "three"));
}

static void delete_three(world *w, client *c)
{
    MUST(fixture_delete(w, c, 3));
}

static void ask_for_all(world *w, client *c)
{
    session_wait_upload(c->session, w->now_ms, 1);
    session_wait_download(c->session, w->now_ms, 2);
}

static void create_four(world *w, client *c)
{
    MUST(fixture_create(w, c, 4, 5, "four"));
    MUST(fixture_reading(w, c, 7, "once"));
}

static void create_one(world *w, client *c)
{
    MUST(fixture_create(w, c, 1, 5, "one"));
    MUST(fixture_append(w, c, 1, "tag"));
}

static void write_partition(world *w, client *c)
{
    create_one(w, c);
    changing x = change_begin(w, c, 1);
    put_scalars(&x);
    change_end(&x);
    MUST(fixture_create(w, c, 3, 0, "three"));
    MUST(fixture_delete(w, c, 3));
}

static void name_one(world *w, client *c)
{
    MUST(fixture_set_name(w, c, 1, "named"));
}

static void score_one(world *w, client *c)
{
    MUST(fixture_set_int(w, c, 1, "score", 9));
}

static void create_foreign(world *w, client *c)
{
    MUST(fixture_create(w, c, 5, 6, "of another team"));
    MUST(fixture_create(w, c, 6, 5, "of the team"));
}

/* ---- what the operator and the network do ---- */

static void allow_team(world *w, client *c)
{
    (void)c;
    MUST(world_set_roles(w, "  default_roles:\n"
                            "  - name: team\n"
                            "    document_filters: {read: 'team == 5', write: 'team == 5'}\n"
                            "    read: true\n"
                            "    write: true\n"
                            "    insert: true\n"
                            "    delete: true\n"));
}

static void terminate(world *w, client *c)
{
    (void)c;
    MUST(server_app_terminate(w->app));
}

static void take_offline(world *w, client *c)
{
    (void)c;
    everything_offline(w, &w->clients[0], true);
}

static void take_online(world *w, client *c)
{
    (void)c;
    everything_offline(w, &w->clients[0], false);
}

/* Applied, and the acknowledgement is lost. */
static void lose_acknowledgement(world *w, client *c)
{
    (void)c;
    uint64_t before = model_version(server_app_db(w->app)), until = w->now_ms + 60000;
    while (model_version(server_app_db(w->app)) == before && w->now_ms < until)
        world_step(w, until);
    world_cut(w, &w->clients[0]);
}

const talk talks[] = {
    {"types",
     2,
     false,
     true,
     4,
     {{0, subscribe_all, 0},
      {1, subscribe_team, 0},
      {0, write_everything, 0},
      {1, edit_what_came, 0},
      {0, count_up, 0},
      {0, score_out_of_view, 0},
      {0, replace_two, 0},
      {1, delete_three, 0},
      {1, ask_for_all, 0},
      {TALK_NETWORK, take_online, 70000}}},
    {"partition", 1, true, true, 7, {{0, write_partition, 0}}},
    {"rights",
     1,
     false,
     false,
     10,
     {{TALK_SERVER, allow_team, 0},
      {0, subscribe_badly, 0},
      {0, subscribe_all, 0},
      {0, create_foreign, 0}}},
    {"resets",
     2,
     false,
     false,
     13,
     {{0, subscribe_all, 0},
      {1, subscribe_all, 0},
      {1, create_one, 0},
      {TALK_NETWORK, take_offline, 1000},
      {0, name_one, 1000},
      {0, create_four, 1000},
      {1, score_one, 3000},
      {TALK_SERVER, terminate, 5000},
      {TALK_NETWORK, take_online, 0}}},
    {"lost",
     1,
     false,
     false,
     16,
     {{0, subscribe_all, 0},
      {0, create_four, 1},
      {TALK_NETWORK, lose_acknowledgement, 0},
      {0, create_foreign, 0}}},
};
const size_t talk_count = sizeof talks / sizeof *talks;
