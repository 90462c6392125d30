/* Half an hour of an app that never waits: transactions that begin and end elsewhere, observers of key paths, an index and
 * words to search by, and a compaction at the end, again and again with the k-th allocation or the k-th call to the store
 * failing. Each time there is an error or none is needed, no wait is in vain, nothing crashes or leaks, and the realm
 * holds what was acknowledged. The store is a memory store on a virtual disk. */
#include "faults.h"
#include "base/memory.h"
#include "storage/storage.h"
#include <unistd.h>

static memory_disk *disk;

status __real_storage_open_rocksdb(const char *path, const storage_options *options, storage **out);
status __wrap_storage_open_rocksdb(const char *path, const storage_options *options, storage **out);
status __wrap_storage_open_rocksdb(const char *path, const storage_options *options, storage **out)
{
    if (disk == NULL) return __real_storage_open_rocksdb(path, options, out);
    return storage_open_memory(disk, out);
}

enum { TALES = 3, STEPS = 2 };

typedef struct day {
    char path[96];
    atoll_error *error;
    atoll_realm *realm;
    atoll_queue *queue;
    uint32_t tale, title, body, next, others;
    atoll_object *tales[TALES];
    atoll_list *others_of;
    atoll_results *found;
    int committed, tried; /* steps: acknowledged, and asked for */
    int events;
} day;

#define E &d->error

static void add_property(day *d, atoll_schema *s, int32_t c, const char *name,
                         atoll_value_type type, int32_t flags, const char *target)
{
    if (d->error == NULL) atoll_schema_add_property(s, c, S(name), type, flags, S(target), E);
}

static void fill_schema(day *d, atoll_schema *s)
{
    int32_t c = 0;
    GO(c = atoll_schema_add_class(s, S("Tale"), ATOLL_CLASS_NORMAL, E));
    add_property(d, s, c, "_id", ATOLL_TYPE_INT, ATOLL_PROPERTY_PRIMARY_KEY, "");
    add_property(d, s, c, "title", ATOLL_TYPE_STRING, ATOLL_PROPERTY_INDEXED, "");
    add_property(d, s, c, "body", ATOLL_TYPE_STRING, ATOLL_PROPERTY_FULL_TEXT, "");
    add_property(d, s, c, "next", ATOLL_TYPE_LINK, ATOLL_PROPERTY_NULLABLE, "Tale");
    add_property(d, s, c, "others", ATOLL_TYPE_LINK, ATOLL_PROPERTY_LIST, "Tale");
}

/* NULL on failure. */
static atoll_config *config_of(day *d, bool with_schema)
{
    atoll_schema *schema = NULL;
    atoll_config *config = atoll_config_new(E);
    if (d->error == NULL && with_schema) schema = atoll_schema_new(E);
    if (d->error == NULL && with_schema) fill_schema(d, schema);
    if (d->error == NULL && with_schema) atoll_config_set_schema(config, schema, E);
    if (d->error == NULL) atoll_config_set_path(config, S(d->path), E);
    atoll_schema_free(schema);
    if (d->error == NULL) return config;
    atoll_config_free(config);
    return NULL;
}

static void open_day(day *d, bool with_schema)
{
    atoll_config *config = config_of(d, with_schema);
    if (config != NULL) d->realm = atoll_realm_open(config, E);
    atoll_config_free(config);
}

static void learn_keys(day *d)
{
    GO(d->tale = atoll_realm_class(d->realm, S("Tale"), E));
    GO(d->title = atoll_realm_property(d->realm, d->tale, S("title"), E));
    GO(d->body = atoll_realm_property(d->realm, d->tale, S("body"), E));
    GO(d->next = atoll_realm_property(d->realm, d->tale, S("next"), E));
    GO(d->others = atoll_realm_property(d->realm, d->tale, S("others"), E));
}

/* The event of a request always comes; what it says is the outcome. */
static void wait_for(day *d, uint64_t registration)
{
    for (bool found = false; !found;) {
        atoll_event *event = NULL;
        do {
            atoll_error_free(d->error); /* taking the event may have failed: it is still there */
            d->error = NULL;
            event = atoll_queue_next(d->queue, 20000, E);
        } while (event == NULL && d->error != NULL);
        cr_assert_not_null(event, "a request was never answered");
        found = atoll_event_registration(event) == registration;
        d->events += !found;
        atoll_status code = found ? atoll_event_status(event) : ATOLL_OK;
        atoll_event_free(event);
        if (code == ATOLL_OK) continue;
        cr_assert(code == ATOLL_ERROR_OUT_OF_MEMORY || code == ATOLL_ERROR_DISK_FULL,
                  "the request ended with %s", atoll_status_name(code));
        d->committed = -1 - d->committed; /* see request_failed */
        return;
    }
}

static bool request_failed(const day *d)
{
    return d->committed < 0;
}

static void begin_later(day *d)
{
    uint64_t asked = 0;
    GO(asked = atoll_realm_begin_async(d->realm, d->queue, E));
    wait_for(d, asked);
    if (!request_failed(d)) atoll_realm_begin(d->realm, E);
}

static void commit_later(day *d)
{
    uint64_t asked = 0;
    d->tried++;
    GO(asked = atoll_realm_commit_async(d->realm, d->queue, E));
    wait_for(d, asked);
    if (!request_failed(d)) d->committed++;
}

static atoll_object *add_tale(day *d, int64_t id)
{
    atoll_object *tale = NULL;
    atoll_values *key = atoll_values_new(E);
    if (d->error == NULL) atoll_values_add_int(key, id, E);
    if (d->error == NULL) tale = atoll_realm_create(d->realm, d->tale, key, E);
    atoll_values_free(key);
    return tale;
}

static void add_other(day *d)
{
    atoll_values *link = atoll_values_new(E);
    if (d->error == NULL) atoll_values_add_object(link, d->tales[2], E);
    if (d->error == NULL) atoll_list_insert_value(d->others_of, 0, link, E);
    atoll_values_free(link);
}

static void first_write(day *d)
{
    static const char *const bodies[TALES] = {"A red fish in the sea", "The sea is wide",
                                              "Nothing of this kind"};
    begin_later(d);
    if (d->error != NULL || request_failed(d)) return;
    for (int i = 0; i < TALES; i++) {
        GO(d->tales[i] = add_tale(d, i));
        GO(atoll_object_set_string(d->tales[i], d->title, S("old"), E));
        GO(atoll_object_set_string(d->tales[i], d->body, S(bodies[i]), E));
    }
    GO(atoll_object_set_object(d->tales[0], d->next, d->tales[1], E));
    GO(d->others_of = atoll_object_get_list(d->tales[0], d->others, E));
    GO(add_other(d));
    commit_later(d);
}

static void observe(day *d)
{
    atoll_values *path = atoll_values_new(E), *title = NULL;
    if (d->error == NULL) title = atoll_values_new(E);
    if (d->error == NULL) atoll_values_add_string(path, S("next.title"), E);
    if (d->error == NULL) atoll_values_add_string(title, S("title"), E);
    if (d->error == NULL) atoll_object_observe_key_paths(d->tales[0], path, d->queue, E);
    if (d->error == NULL)
        d->found = atoll_results_new(d->realm, d->tale, S("body TEXT 'sea'"), NULL, E);
    if (d->error == NULL) atoll_results_observe_key_paths(d->found, title, d->queue, E);
    if (d->error == NULL) atoll_list_observe_key_paths(d->others_of, title, d->queue, E);
    atoll_values_free(title);
    atoll_values_free(path);
}

static void second_write(day *d)
{
    begin_later(d);
    if (d->error != NULL || request_failed(d)) return;
    GO(atoll_object_set_string(d->tales[1], d->title, S("new"), E));
    GO(atoll_object_set_string(d->tales[2], d->title, S("new"), E));
    GO(atoll_object_set_string(d->tales[2], d->body, S("Far from the SEA"), E));
    commit_later(d);
}

static void ask(day *d, const char *query, int64_t expected)
{
    atoll_results *results = NULL;
    int64_t count = 0;
    GO(results = atoll_results_new(d->realm, d->tale, S(query), NULL, E));
    count = atoll_results_count(results, E);
    atoll_results_free(results);
    if (d->error == NULL) cr_assert_eq(count, expected, "%s: %ld", query, (long)count);
}

static void ask_all(day *d)
{
    GO(ask(d, "body TEXT 'sea'", 3));
    GO(ask(d, "body TEXT 'red sea' AND title == 'old'", 1));
    GO(ask(d, "title == 'new' AND body TEXT 'se*'", 2));
    GO(ask(d, "next.title == 'new'", 1));
}

static void free_handles(day *d)
{
    atoll_list_free(d->others_of);
    atoll_results_free(d->found);
    for (int i = 0; i < TALES; i++) atoll_object_free(d->tales[i]);
    atoll_realm_close(d->realm);
    atoll_realm_free(d->realm);
    atoll_queue_free(d->queue);
    memset(d->tales, 0, sizeof d->tales);
    d->others_of = NULL;
    d->found = NULL;
    d->realm = NULL;
    d->queue = NULL;
}

static void compact(day *d)
{
    atoll_config *config = config_of(d, false);
    if (config == NULL) return;
    bool done = atoll_realm_compact(config, E);
    cr_assert(done || d->error != NULL, "nobody has it open");
    atoll_config_free(config);
}

static void run_day(day *d)
{
    GO(d->queue = atoll_queue_new(E));
    GO(open_day(d, true));
    GO(learn_keys(d));
    GO(first_write(d));
    if (request_failed(d)) return;
    GO(observe(d));
    GO(second_write(d));
    if (request_failed(d)) return;
    GO(ask_all(d));
}

static int64_t count_of_tales(day *d, const char *query)
{
    atoll_results *results = atoll_results_new(d->realm, d->tale, S(query), NULL, E);
    GOOD(d->error);
    int64_t count = atoll_results_count(results, E);
    GOOD(d->error);
    atoll_results_free(results);
    return count;
}

static bool holds_step(day *d, int step)
{
    if (step == 0) return d->tale == 0 || count_of_tales(d, "") == 0;
    return count_of_tales(d, "") == TALES && count_of_tales(d, "title == 'old'") == 5 - 2 * step &&
           count_of_tales(d, "body TEXT 'sea'") == step + 1 &&
           count_of_tales(d, "next.title == 'new'") == step - 1 &&
           count_of_tales(d, "others.@count == 1 AND @links.@count == 0") == 1;
}

/* What is under way on other threads when the handles are freed ends soon. */
static void wait_for_threads(int64_t before, uint64_t k)
{
    for (int i = 0; i < 5000 && memory_live_count() != before; i++) usleep(1000);
    cr_assert_eq(memory_live_count(), before, "fault %lu leaks %ld", k,
                 (long)(memory_live_count() - before));
}

static void check_step(const day *d, uint64_t k, bool unsure)
{
    day tomorrow = {0};
    memcpy(tomorrow.path, d->path, sizeof d->path);
    open_day(&tomorrow, false);
    GOOD(tomorrow.error);
    tomorrow.tale = atoll_realm_class(tomorrow.realm, S("Tale"), NULL);
    int committed = d->committed < 0 ? -1 - d->committed : d->committed;
    bool good = holds_step(&tomorrow, committed) ||
                (unsure && d->tried > committed && holds_step(&tomorrow, d->tried));
    cr_assert(good, "fault %lu: not what was acknowledged after %d commits", k, committed);
    free_handles(&tomorrow);
}

typedef struct outcome {
    bool failed, reached;
    int events;
} outcome;

static outcome live_through(const char *folder, uint64_t k, bool allocation)
{
    day today = {0};
    int64_t before = memory_live_count();
    disk = memory_disk_new(k);
    snprintf(today.path, sizeof today.path, "%s/later.atoll", folder);
    if (allocation)
        memory_fail_at(k);
    else
        memory_disk_fail_at(disk, k, ATOLL_ERROR_DISK_FULL);
    run_day(&today);
    bool failed = today.error != NULL || request_failed(&today);
    free_handles(&today);
    if (!failed) compact(&today);
    failed = failed || today.error != NULL;
    outcome end = {.failed = failed, .events = today.events};
    end.reached = allocation ? memory_fail_at(0) == 0 : failed;
    memory_disk_fail_at(disk, 0, ATOLL_OK);
    if (today.error != NULL) faults_check_error(today.error, k, allocation);
    if (!failed) cr_assert_eq(today.committed, STEPS);
    check_step(&today, k, true);
    memory_disk_free(disk);
    disk = NULL;
    wait_for_threads(before, k);
    return end;
}

Test(later_faults, any_allocation_may_fail, .timeout = 150)
{
    char folder[64];
    temp_folder(folder);
    log_set_level(LOG_ERROR);
    uint64_t failures = 0;
    outcome o = {.reached = true};
    for (uint64_t k = 1; o.reached; k++) {
        o = live_through(folder, k, true);
        failures += o.failed;
    }
    /* Two say that the contents are there, and each of the three observers is told of the change. */
    cr_assert(!o.failed && o.events == 5, "%d events came without a fault", o.events);
    cr_assert_gt(failures, 300, "only %lu faults", failures);
    temp_folder_remove(folder);
}

static bool fails(const char *folder, uint64_t k, bool allocation)
{
    return live_through(folder, k, allocation).failed;
}

Test(later_faults, any_call_to_the_store_may_fail, .timeout = 150)
{
    faults_each(fails, false, 12, 12);
}
