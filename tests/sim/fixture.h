#ifndef ATOLL_SIM_FIXTURE_H
#define ATOLL_SIM_FIXTURE_H
#include "world.h"

/* The schema of the tests: Item, with a field of each kind that merges differently, Part (embedded), Reading (asymmetric). */
enum { FIXTURE_ITEM_PROPERTIES = 9 };
model_schema fixture_schema(bool flexible, bool partition_in_model);
/* What the simulator has besides: a counter, a set, a dictionary, a mixed field. */
void fixture_add_types(model_schema *schema);
typedef struct item_keys {
    class_key c, part, reading;
    property_key id, team, name, score, tags, one, many, friend_of;
    property_key part_x, reading_id, reading_text;
    property_key hits, marks, pairs, any; /* 0 without fixture_add_types */
    property_key extra;                   /* 0 where no newer version of the app was */
} item_keys;
item_keys fixture_keys(model_db *db);
/* One small local commit each; the session is told. */
status fixture_create(world *w, client *c, int64_t id, int64_t team, const char *name);
/* The score is a default, which loses to what anybody decided. */
status fixture_create_default(world *w, client *c, int64_t id, int64_t team, int64_t score);
status fixture_set_int(world *w, client *c, int64_t id, const char *property, int64_t v);
status fixture_set_name(world *w, client *c, int64_t id, const char *name);
status fixture_delete(world *w, client *c, int64_t id);
status fixture_append(world *w, client *c, int64_t id, const char *tag);
status fixture_erase(world *w, client *c, int64_t id, uint64_t index);
status fixture_move(world *w, client *c, int64_t id, uint64_t from, uint64_t to);
status fixture_part(world *w, client *c, int64_t id, int64_t x);
status fixture_add_part(world *w, client *c, int64_t id, int64_t x);
status fixture_reading(world *w, client *c, int64_t id, const char *text);
status fixture_add(world *w, client *c, int64_t id, int64_t by); /* to hits, or else score */
status fixture_mark(world *w, client *c, int64_t id, int64_t v, bool there);
status fixture_pair(world *w, client *c, int64_t id, const char *key,
                    int64_t v); /* below 0: erased */
status fixture_clear(world *w, client *c, int64_t id, bool pairs);
status fixture_any(world *w, client *c, int64_t id, const value *v);
/* All objects as text, in key order: the same on every copy that holds the same. Caller frees. */
char *fixture_dump(model_db *db, const char *query);
/* The same with tags in numeric order and without `many`, as the reference model tells it. */
char *fixture_dump_sorted(model_db *db, const char *query);
status fixture_part_null(world *w, client *c, int64_t id);
status fixture_friend(world *w, client *c, int64_t id, int64_t of); /* below 0: none */
#endif
