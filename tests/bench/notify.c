/* From a commit that returned to the event in the queue of an observer of results, on another realm instance of the same
 * thread: what the notification itself costs, without a hand-over between threads. */
#include "bench.h"

static void notify(const bench_options *o, const char *name, const char *query)
{
    enum { ROUNDS = 50 };
    static double times[ROUNDS];
    char path[512];
    bench_realm writer, reader;
    atoll_error *error = NULL;
    bench_path(o, "bulk", path);
    bench_open(&writer, path, 1);
    bench_open(&reader, path, 1);
    atoll_queue *queue = atoll_queue_new(&error);
    atoll_results *results = atoll_results_new(reader.realm, reader.item, S(query), NULL, &error);
    bench_check(error, query);
    uint64_t registration = atoll_results_observe(results, queue, &error);
    atoll_event_free(atoll_queue_next(queue, 10000, &error));
    bench_check(error, "observe");
    for (int i = 0; i < ROUNDS; i++) {
        bench_begin(&writer);
        atoll_object *object = bench_find(&writer, (uint64_t)i);
        atoll_object_set_double(object, writer.score, 0.9 + i * 1e-6, &error);
        atoll_object_free(object);
        bench_commit(&writer);
        double start = bench_now();
        atoll_realm_refresh(reader.realm, &error);
        atoll_event *event = atoll_queue_next(queue, 10000, &error);
        bench_check(error, "event");
        if (event == NULL || atoll_event_registration(event) != registration)
            fprintf(stderr, "%s: no event\n", name), exit(1);
        times[i] = (bench_now() - start) * 1e6;
        atoll_event_free(event);
    }
    bench_percentiles(name, times, ROUNDS);
    atoll_realm_unobserve(reader.realm, registration);
    atoll_results_free(results);
    atoll_queue_free(queue);
    bench_close(&reader);
    bench_close(&writer);
}

/* Under the peer's names; they need the realm of insert_bulk. */
void bench_notify_1k(const bench_options *o)
{
    notify(o, "notify_1k_objects", "created < 2023-11-14@22:30:00");
}

void bench_notify_big(const bench_options *o)
{
    notify(o, "notify_1m_objects", "");
}
