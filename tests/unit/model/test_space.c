/* Space on the real store, in bytes of its folder: what deleted objects took comes back, and a realm in which every object
 * was changed once, in any order, takes hardly more than a fresh one. Bounds are generous: it is the order that counts. */
#include "fixture.h"
#include "support/temp.h"
#include <dirent.h>
#include <sys/stat.h>

enum { OBJECTS = 60000, BATCH = 1000, THING = 1, KEY = 1, NUMBER = 2, TEXT = 3, COUNT = 4 };

/* What a realm that was closed may hold twice: the store's journal, and tables before they are worth a compaction. */
#define WASTE_MAX ((uint64_t)8 << 20)

typedef struct place {
    char folder[64], path[96];
    model_db *db;
    row_key rows[OBJECTS];
    int order[OBJECTS];
    random_state r;
} place;

static void open_place(place *p)
{
    model_options options = {.platform = platform_posix(), .use = SCHEMA_LOCAL, .durable = false};
    storage_options how = {.create = true};
    model_schema s = {0};
    storage *store = NULL;
    size_t c = 0;
    MUST(schema_add_class(&s, bytes_text("Thing"), CLASS_NORMAL, &c));
    MUST(schema_add_property(&s, c, bytes_text("_id"), VALUE_INT, PROPERTY_PRIMARY_KEY,
                             bytes_text("")));
    MUST(schema_add_property(&s, c, bytes_text("number"), VALUE_DOUBLE, 0, bytes_text("")));
    MUST(schema_add_property(&s, c, bytes_text("text"), VALUE_STRING, PROPERTY_INDEXED,
                             bytes_text("")));
    MUST(schema_add_property(&s, c, bytes_text("count"), VALUE_INT, 0, bytes_text("")));
    MUST(storage_open_rocksdb(p->path, &how, &store));
    MUST(model_open(store, &options, &s, &p->db));
    schema_free(&s);
}

static uint64_t folder_bytes(const char *path)
{
    uint64_t sum = 0;
    DIR *d = opendir(path);
    cr_assert_not_null(d);
    for (struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
        char name[512];
        struct stat found;
        snprintf(name, sizeof name, "%s/%s", path, e->d_name);
        if (stat(name, &found) == 0 && S_ISREG(found.st_mode)) sum += (uint64_t)found.st_size;
    }
    closedir(d);
    return sum;
}

/* Of the folder of a realm that is closed; it is open again afterwards. */
static uint64_t size_closed(place *p)
{
    model_close(p->db);
    uint64_t size = folder_bytes(p->path);
    open_place(p);
    return size;
}

static void write_object(place *p, model_txn *txn, int i)
{
    char text[48];
    uint64_t noise = random_next(&p->r);
    int size = snprintf(text, sizeof text, "text %016llx", (unsigned long long)noise);
    value number = value_double((double)noise / 3), count = value_int((int64_t)(noise % 100000)),
          name = value_string(bytes_of(text, (size_t)size));
    MUST(model_set(txn, THING, p->rows[i], NUMBER, &number));
    MUST(model_set(txn, THING, p->rows[i], TEXT, &name));
    MUST(model_set(txn, THING, p->rows[i], COUNT, &count));
}

static void shuffle(place *p)
{
    for (int i = 0; i < OBJECTS; i++) p->order[i] = i;
    for (int i = OBJECTS - 1; i > 0; i--) {
        int k = (int)random_below(&p->r, (uint64_t)i + 1), moved = p->order[i];
        p->order[i] = p->order[k];
        p->order[k] = moved;
    }
}

typedef void (*step_function)(place *p, model_txn *txn, int i);

static void create_object(place *p, model_txn *txn, int i)
{
    value key = value_int(i * 7919ll);
    MUST(model_create(txn, THING, &key, &p->rows[i]));
    write_object(p, txn, i);
}

static void delete_object(place *p, model_txn *txn, int i)
{
    MUST(model_delete(txn, THING, p->rows[i]));
}

/* In that order, so many to a commit. */
static void each(place *p, int count, step_function step)
{
    for (int i = 0; i < count;) {
        model_txn *txn = test_begin(p->db);
        for (int end = i + BATCH; i < end && i < count; i++) step(p, txn, p->order[i]);
        test_commit(txn);
    }
}

static place *make_place(void)
{
    place *p = calloc(1, sizeof *p);
    cr_assert_not_null(p);
    cr_assert_not_null(temp_folder(p->folder));
    snprintf(p->path, sizeof p->path, "%s/space.atoll", p->folder);
    open_place(p);
    for (int i = 0; i < OBJECTS; i++) p->order[i] = i;
    each(p, OBJECTS, create_object);
    return p;
}

static void drop_place(place *p)
{
    model_close(p->db);
    temp_folder_remove(p->folder);
    free(p);
}

Test(space, half_of_the_objects_take_half_of_the_space)
{
    for (int random_order = 0; random_order < 2; random_order++) {
        place *p = make_place();
        uint64_t full = size_closed(p);
        if (random_order) shuffle(p);
        each(p, OBJECTS / 2, delete_object);
        uint64_t closed = size_closed(p);
        MUST(model_compact(p->db));
        uint64_t compacted = size_closed(p);
        cr_assert_lt(closed, full + WASTE_MAX, "%lu bytes became %lu", (unsigned long)full,
                     (unsigned long)closed);
        cr_assert_lt(compacted, full * 65 / 100, "%lu bytes of %lu are left",
                     (unsigned long)compacted, (unsigned long)full);
        drop_place(p);
    }
}

Test(space, a_realm_in_which_everything_was_changed_once_is_hardly_larger)
{
    place *p = make_place();
    uint64_t fresh = size_closed(p);
    shuffle(p);
    each(p, OBJECTS, write_object);
    uint64_t closed = size_closed(p);
    MUST(model_compact(p->db));
    uint64_t compacted = size_closed(p);
    cr_assert_lt(closed, fresh + WASTE_MAX, "%lu bytes became %lu", (unsigned long)fresh,
                 (unsigned long)closed);
    cr_assert_lt(compacted, fresh * 120 / 100, "%lu bytes became %lu", (unsigned long)fresh,
                 (unsigned long)compacted);
    drop_place(p);
}
