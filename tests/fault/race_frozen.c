/* One frozen realm read by several threads at once, while the live one is written, frozen again, refers things to other
 * threads and waits for the write lock elsewhere: without a test framework, so that the thread sanitizer can watch
 * (meson setup -Db_sanitize=thread, then run it). What is frozen must stay what it was. */
#include <atoll/atoll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "temp.h"

#define S(text) (text), strlen(text)
enum { ITEMS = 3000, READERS = 4, COMMITS = 150, LOOKS = 60 };

static void must(atoll_error *error, const char *what)
{
    if (error == NULL) return;
    fprintf(stderr, "%s: %s\n", what, atoll_error_message(error));
    exit(1);
}

typedef struct shared {
    char path[96];
    uint32_t item, rank, list;
    atoll_results *ranks; /* frozen: whoever comes first finds its rows */
    atoll_object *first;
    atoll_list *friends;
    pthread_mutex_t lock;
    atoll_reference *reference; /* the newest, taken by whoever comes */
    atomic_bool done;
} shared;

static atoll_realm *open_realm(const char *path)
{
    atoll_error *error = NULL;
    atoll_schema *schema = atoll_schema_new(&error);
    int32_t c = atoll_schema_add_class(schema, S("Item"), ATOLL_CLASS_NORMAL, &error);
    atoll_schema_add_property(schema, c, S("rank"), ATOLL_TYPE_INT, 0, S(""), &error);
    atoll_schema_add_property(schema, c, S("friends"), ATOLL_TYPE_LINK, ATOLL_PROPERTY_LIST,
                              S("Item"), &error);
    atoll_config *config = atoll_config_new(&error);
    atoll_config_set_path(config, S(path), &error);
    atoll_config_set_schema(config, schema, &error);
    atoll_config_set_sync_commits(config, false, &error);
    atoll_realm *realm = atoll_realm_open(config, &error);
    must(error, "open");
    atoll_config_free(config);
    atoll_schema_free(schema);
    return realm;
}

static atoll_object *add_item(shared *s, atoll_realm *realm, int64_t rank)
{
    atoll_error *error = NULL;
    atoll_object *object = atoll_realm_create(realm, s->item, NULL, &error);
    atoll_object_set_int(object, s->rank, rank, &error);
    must(error, "create");
    return object;
}

static void befriend(shared *s, atoll_object *object, atoll_object *other)
{
    atoll_error *error = NULL;
    atoll_list *list = atoll_object_get_list(object, s->list, &error);
    atoll_values *link = atoll_values_new(&error);
    atoll_values_add_object(link, other, &error);
    atoll_list_insert_value(list, 0, link, &error);
    must(error, "befriend");
    atoll_values_free(link);
    atoll_list_free(list);
}

static void look(shared *s)
{
    atoll_error *error = NULL;
    int64_t count = atoll_results_count(s->ranks, &error);
    for (int64_t i = 0; i < count; i += 97) {
        atoll_object *object = atoll_results_object(s->ranks, i, &error);
        if (atoll_object_get_int(object, s->rank, &error) != i) must(error, "a frozen rank moved");
        atoll_object_free(object);
    }
    atoll_object *copy = atoll_object_copy(s->first, &error);
    atoll_realm *realm = atoll_object_realm(copy);
    bool good = count == ITEMS && atoll_list_count(s->friends, &error) == 1 &&
                atoll_realm_is_frozen(realm) && atoll_object_get_int(copy, s->rank, &error) == 0;
    must(error, "look");
    if (!good) {
        fprintf(stderr, "what was frozen changed\n");
        exit(1);
    }
    atoll_realm_free(realm);
    atoll_object_free(copy);
}

static void *read_on(void *argument)
{
    shared *s = argument;
    for (int i = 0; i < LOOKS; i++) look(s);
    return NULL;
}

static void *take_references(void *argument)
{
    shared *s = argument;
    atoll_error *error = NULL;
    atoll_realm *realm = open_realm(s->path);
    while (!atomic_load(&s->done)) {
        pthread_mutex_lock(&s->lock);
        atoll_reference *reference = s->reference;
        s->reference = NULL;
        pthread_mutex_unlock(&s->lock);
        if (reference == NULL) continue;
        atoll_object *object = atoll_reference_resolve_object(reference, realm, &error);
        if (object != NULL) (void)atoll_object_get_int(object, s->rank, &error);
        must(error, "resolve");
        atoll_object_free(object);
        atoll_reference_free(reference);
    }
    atoll_realm_close(realm);
    atoll_realm_free(realm);
    return NULL;
}

static void write_once(shared *s, atoll_realm *realm, atoll_queue *queue, int round)
{
    atoll_error *error = NULL;
    if (round % 3 == 0) {
        uint64_t asked = atoll_realm_begin_async(realm, queue, &error);
        must(error, "ask");
        for (bool here = false; !here;) {
            atoll_event *event = atoll_queue_next(queue, -1, &error);
            here = atoll_event_registration(event) == asked;
            atoll_event_free(event);
        }
    }
    atoll_realm_begin(realm, &error);
    atoll_object *object = add_item(s, realm, ITEMS + round);
    if (round % 2 == 0)
        atoll_realm_commit(realm, &error);
    else
        atoll_realm_commit_async(realm, queue, &error);
    atoll_object *frozen = atoll_object_freeze(object, &error);
    atoll_reference *reference = atoll_reference_of_object(object, &error);
    must(error, "write");
    pthread_mutex_lock(&s->lock);
    atoll_reference *old = s->reference;
    s->reference = reference;
    pthread_mutex_unlock(&s->lock);
    atoll_reference_free(old);
    atoll_object_free(frozen);
    atoll_object_free(object);
}

static void freeze_all(shared *s, atoll_realm *realm)
{
    atoll_error *error = NULL;
    s->item = atoll_realm_class(realm, S("Item"), &error);
    s->rank = atoll_realm_property(realm, s->item, S("rank"), &error);
    s->list = atoll_realm_property(realm, s->item, S("friends"), &error);
    atoll_realm_begin(realm, &error);
    atoll_object *first = add_item(s, realm, 0);
    for (int i = 1; i < ITEMS; i++) atoll_object_free(add_item(s, realm, i));
    befriend(s, first, first);
    atoll_realm_commit(realm, &error);
    atoll_results *live =
        atoll_results_new(realm, s->item, S("rank >= 0 SORT(rank ASC)"), NULL, &error);
    atoll_list *list = atoll_object_get_list(first, s->list, &error);
    s->ranks = atoll_results_freeze(live, &error);
    s->first = atoll_object_freeze(first, &error);
    s->friends = atoll_list_freeze(list, &error);
    must(error, "freeze");
    atoll_list_free(list);
    atoll_results_free(live);
    atoll_object_free(first);
}

int main(void)
{
    char folder[64];
    shared s = {.lock = PTHREAD_MUTEX_INITIALIZER};
    pthread_t readers[READERS], taker;
    atoll_error *error = NULL;
    temp_folder(folder);
    snprintf(s.path, sizeof s.path, "%s/race.atoll", folder);
    atoll_log_set_level(ATOLL_LOG_ERROR);
    atoll_realm *realm = open_realm(s.path);
    atoll_queue *queue = atoll_queue_new(&error);
    freeze_all(&s, realm);
    for (int i = 0; i < READERS; i++) pthread_create(&readers[i], NULL, read_on, &s);
    pthread_create(&taker, NULL, take_references, &s);
    for (int i = 0; i < COMMITS; i++) write_once(&s, realm, queue, i);
    for (int i = 0; i < READERS; i++) pthread_join(readers[i], NULL);
    atomic_store(&s.done, true);
    pthread_join(taker, NULL);
    atoll_reference_free(s.reference);
    atoll_results_free(s.ranks);
    atoll_object_free(s.first);
    atoll_list_free(s.friends);
    atoll_realm_close(realm);
    atoll_realm_free(realm);
    atoll_queue_free(queue);
    temp_folder_remove(folder);
    printf("%d commits beside %d readers\n", COMMITS, READERS);
    return 0;
}
