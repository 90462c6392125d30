/* The program that the crash tests kill. It must never buffer what it promises: an acknowledgement is one write(2) after
 * the commit returned. Every object carries its number, so that the driver can tell what is missing or doubled.
 *
 *   worker write PATH ACKS            a local realm: one object a commit, its number to ACKS, until killed
 *   worker count PATH                 prints the numbers in the realm, one a line
 *   worker sync URL FOLDER N ACKS     a synced realm: a Note and a Measurement a commit; N tells clients apart
 *   worker drain URL FOLDER           waits until everything is uploaded and downloaded; prints the numbers of the Notes
 *   worker once URL FOLDER FIRST N ACKS   writes N Notes from FIRST, waits for the upload, then acknowledges them */
#include <atoll/atoll.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define S(text) (text), strlen(text)

static atoll_error *error;

static void check(const char *what)
{
    if (error == NULL) return;
    fprintf(stderr, "%s: %s: %s\n", what, atoll_status_name(atoll_error_code(error)),
            atoll_error_message(error));
    exit(3);
}

typedef struct place {
    atoll_realm *realm;
    atoll_app *app;
    atoll_queue *queue;
    atoll_session *session;
    uint32_t note, note_id, note_text, measurement, measurement_value;
} place;

static atoll_schema *schema_of(int synced)
{
    atoll_schema *s = atoll_schema_new(&error);
    int32_t note = atoll_schema_add_class(s, S("Note"), ATOLL_CLASS_NORMAL, &error);
    atoll_schema_add_property(s, note, S("_id"), ATOLL_TYPE_INT, ATOLL_PROPERTY_PRIMARY_KEY, S(""),
                              &error);
    atoll_schema_add_property(s, note, S("text"), ATOLL_TYPE_STRING, ATOLL_PROPERTY_NULLABLE, S(""),
                              &error);
    if (synced) {
        int32_t measurement =
            atoll_schema_add_class(s, S("Measurement"), ATOLL_CLASS_ASYMMETRIC, &error);
        atoll_schema_add_property(s, measurement, S("_id"), ATOLL_TYPE_INT,
                                  ATOLL_PROPERTY_PRIMARY_KEY, S(""), &error);
        atoll_schema_add_property(s, measurement, S("value"), ATOLL_TYPE_DOUBLE, 0, S(""), &error);
    }
    check("schema");
    return s;
}

static void open_realm(place *p, atoll_config *config, int synced)
{
    atoll_schema *schema = schema_of(synced);
    atoll_config_set_schema(config, schema, &error);
    p->realm = atoll_realm_open(config, &error);
    check("open");
    p->note = atoll_realm_class(p->realm, S("Note"), &error);
    p->note_id = atoll_realm_property(p->realm, p->note, S("_id"), &error);
    p->note_text = atoll_realm_property(p->realm, p->note, S("text"), &error);
    if (synced) {
        p->measurement = atoll_realm_class(p->realm, S("Measurement"), &error);
        p->measurement_value = atoll_realm_property(p->realm, p->measurement, S("value"), &error);
    }
    check("keys");
    atoll_schema_free(schema);
}

static void open_local(place *p, const char *path)
{
    atoll_config *config = atoll_config_new(&error);
    atoll_config_set_path(config, S(path), &error);
    open_realm(p, config, 0);
    atoll_config_free(config);
}

static atoll_event *wait_for(place *p, uint64_t request)
{
    check("request");
    for (;;) {
        atoll_event *event = atoll_queue_next(p->queue, 60000, &error);
        if (event == NULL) fprintf(stderr, "a request did not end within a minute\n"), exit(4);
        if (atoll_event_type(event) == ATOLL_EVENT_SESSION_ERROR) {
            atoll_bytes text = atoll_event_message(event);
            fprintf(stderr, "session error %s: %.*s\n",
                    atoll_status_name(atoll_event_status(event)), (int)text.size, text.data);
        }
        if (atoll_event_registration(event) == request &&
            atoll_event_type(event) == ATOLL_EVENT_REQUEST_DONE) {
            atoll_bytes text = atoll_event_message(event);
            if (atoll_event_status(event) != ATOLL_OK) {
                fprintf(stderr, "request: %s: %.*s\n", atoll_status_name(atoll_event_status(event)),
                        (int)text.size, text.data);
                exit(5);
            }
            return event;
        }
        atoll_event_free(event);
    }
}

static void subscribe_all(place *p)
{
    atoll_results *all = atoll_results_new(p->realm, p->note, S(""), NULL, &error);
    atoll_subscription_update *update = atoll_subscription_update_begin(p->realm, &error);
    atoll_subscription_update_add(update, all, S("all"), true, &error);
    atoll_subscriptions_free(atoll_subscription_update_commit(update, &error));
    check("subscribe");
    atoll_subscription_update_free(update);
    atoll_results_free(all);
}

static void open_synced(place *p, const char *url, const char *folder)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/notes.atoll", folder);
    atoll_app_config *app = atoll_app_config_new(S("crash"), &error);
    atoll_app_config_set_base_url(app, S(url), &error);
    atoll_app_config_set_base_path(app, S(folder), &error);
    atoll_app_config_set_reconnect_delay_ms(app, 50, &error);
    atoll_app_config_set_reconnect_delay_max_ms(app, 200, &error);
    p->app = atoll_app_open(app, &error);
    p->queue = atoll_queue_new(&error);
    check("app");
    atoll_user *user = atoll_app_current_user(p->app, &error);
    if (user == NULL) {
        atoll_event *event =
            wait_for(p, atoll_app_log_in_anonymous(p->app, true, p->queue, &error));
        user = atoll_event_user(event);
        atoll_event_free(event);
    }
    atoll_config *config = atoll_config_new(&error);
    atoll_config_set_path(config, S(path), &error);
    atoll_config_set_flexible(config, user, &error);
    check("configuration");
    open_realm(p, config, 1);
    p->session = atoll_realm_session(p->realm, &error);
    atoll_session_observe_errors(p->session, p->queue, &error);
    subscribe_all(p);
    atoll_config_free(config);
    atoll_user_free(user);
    atoll_app_config_free(app);
}

static void close_place(place *p)
{
    atoll_session_free(p->session);
    atoll_realm_close(p->realm);
    atoll_realm_free(p->realm);
    atoll_queue_free(p->queue);
    atoll_app_free(p->app);
}

static long long highest(place *p, long long from)
{
    char query[80];
    snprintf(query, sizeof query, "_id >= %lld AND _id < %lld SORT(_id DESC)", from,
             from + 1000000000LL);
    atoll_results *results = atoll_results_new(p->realm, p->note, S(query), NULL, &error);
    long long last = from - 1;
    if (atoll_results_count(results, &error) > 0) {
        atoll_object *object = atoll_results_object(results, 0, &error);
        last = atoll_object_get_int(object, p->note_id, &error);
        atoll_object_free(object);
    }
    check("highest");
    atoll_results_free(results);
    return last;
}

static void create(place *p, long long number, uint32_t c)
{
    char text[40];
    atoll_values *key = atoll_values_new(&error);
    atoll_values_add_int(key, number, &error);
    atoll_object *object = atoll_realm_create(p->realm, c, key, &error);
    check("create");
    snprintf(text, sizeof text, "note %lld", number);
    if (c == p->note)
        atoll_object_set_string(object, p->note_text, S(text), &error);
    else
        atoll_object_set_double(object, p->measurement_value, (double)number, &error);
    check("set");
    atoll_object_free(object);
    atoll_values_free(key);
}

static void acknowledge(int file, long long number)
{
    char line[32];
    int size = snprintf(line, sizeof line, "%lld\n", number);
    if (write(file, line, (size_t)size) != size) perror("acknowledge"), exit(6);
}

static int open_acks(const char *path)
{
    int file = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (file < 0) perror(path), exit(6);
    return file;
}

static void write_for_ever(place *p, long long from, int acks, int synced)
{
    for (long long number = highest(p, from) + 1;; number++) {
        atoll_realm_begin(p->realm, &error);
        check("begin");
        create(p, number, p->note);
        if (synced) create(p, number, p->measurement);
        atoll_realm_commit(p->realm, &error);
        check("commit");
        acknowledge(acks, number);
    }
}

static void print_numbers(place *p)
{
    atoll_realm_refresh(p->realm, &error);
    atoll_results *results =
        atoll_results_new(p->realm, p->note, S("TRUEPREDICATE SORT(_id ASC)"), NULL, &error);
    int64_t count = atoll_results_count(results, &error);
    check("count");
    for (int64_t i = 0; i < count; i++) {
        char expected[40];
        atoll_object *object = atoll_results_object(results, i, &error);
        long long number = atoll_object_get_int(object, p->note_id, &error);
        snprintf(expected, sizeof expected, "note %lld", number);
        atoll_bytes text = atoll_object_get_string(object, p->note_text, &error);
        check("read");
        int whole = text.size == strlen(expected) && memcmp(text.data, expected, text.size) == 0;
        printf("%lld%s\n", number, whole ? "" : " torn");
        atoll_object_free(object);
    }
    atoll_results_free(results);
}

static void wait_session(place *p)
{
    atoll_event_free(wait_for(p, atoll_session_wait_for_upload(p->session, p->queue, &error)));
    atoll_event_free(wait_for(p, atoll_session_wait_for_download(p->session, p->queue, &error)));
}

static void write_once(place *p, long long from, long count, int acks)
{
    atoll_realm_begin(p->realm, &error);
    for (long i = 0; i < count; i++) create(p, from + i, p->note);
    atoll_realm_commit(p->realm, &error);
    check("commit");
    wait_session(p);
    for (long i = 0; i < count; i++) acknowledge(acks, from + i);
}

int main(int count, char **a)
{
    place p = {0};
    atoll_log_set_level(ATOLL_LOG_WARN);
    if (count == 4 && strcmp(a[1], "write") == 0) {
        open_local(&p, a[2]);
        write_for_ever(&p, 0, open_acks(a[3]), 0);
    } else if (count == 3 && strcmp(a[1], "count") == 0) {
        open_local(&p, a[2]);
        print_numbers(&p);
    } else if (count == 6 && strcmp(a[1], "sync") == 0) {
        open_synced(&p, a[2], a[3]);
        write_for_ever(&p, strtoll(a[4], NULL, 10) * 1000000000LL, open_acks(a[5]), 1);
    } else if (count == 4 && strcmp(a[1], "drain") == 0) {
        open_synced(&p, a[2], a[3]);
        wait_session(&p);
        print_numbers(&p);
    } else if (count == 7 && strcmp(a[1], "once") == 0) {
        open_synced(&p, a[2], a[3]);
        write_once(&p, strtoll(a[4], NULL, 10), strtol(a[5], NULL, 10), open_acks(a[6]));
    } else {
        fprintf(stderr, "usage: see the head of worker.c\n");
        return 2;
    }
    close_place(&p);
    return 0;
}
