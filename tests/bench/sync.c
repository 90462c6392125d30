/* The sections with a server: latency, and what was written offline. */
#include "sync.h"

void bench_sync_offline(const bench_options *o)
{
    enum { OBJECTS = 100000 };
    server s;
    client a, b;
    atoll_error *error = NULL;
    server_start(&s, o);
    client_open(&a, o, "sync-a", s.url);
    subscribe(&a, "");
    wait_download(&a);
    atoll_session_stop(a.session, &error);
    double start = bench_now();
    for (long i = 0; i < OBJECTS; i += 1000) {
        atoll_realm_begin(a.b.realm, &error);
        for (long k = i; k < i + 1000; k++)
            atoll_object_free(bench_insert(&a.b, (uint64_t)k, NULL));
        atoll_realm_commit(a.b.realm, &error);
    }
    bench_check(error, "offline writes");
    bench_print("sync_100k_offline.local_write_with_sync_history", OBJECTS / (bench_now() - start),
                "objects/s");
    double client_cpu = own_cpu_seconds(), server_cpu = server_cpu_seconds(&s);
    double loopback = loopback_bytes();
    start = bench_now();
    atoll_session_start(a.session, &error);
    wait_upload(&a);
    bench_print("sync_100k_offline.upload", OBJECTS / (bench_now() - start), "objects/s");
    bench_print("sync_100k_offline.upload.client_cpu", own_cpu_seconds() - client_cpu, "s");
    bench_print("sync_100k_offline.upload.server_cpu", server_cpu_seconds(&s) - server_cpu, "s");
    bench_print("sync_100k_offline.upload_loopback_bytes_per_object",
                (loopback_bytes() - loopback) / OBJECTS, "bytes");
    double uploaded = server_wire_bytes(&s, o);
    loopback = loopback_bytes();
    start = bench_now();
    client_open(&b, o, "sync-b", s.url);
    subscribe(&b, "");
    wait_download(&b);
    atoll_realm_refresh(b.b.realm, &error);
    double took = bench_now() - start;
    atoll_results *all = atoll_results_new(b.b.realm, b.b.item, S(""), NULL, &error);
    if (atoll_results_count(all, &error) != OBJECTS)
        fprintf(stderr, "sync_offline: %lld objects arrived\n",
                (long long)atoll_results_count(all, &error)),
            exit(1);
    bench_print("sync_100k_offline.download", OBJECTS / took, "objects/s");
    bench_print("sync_100k_offline.download_loopback_bytes_per_object",
                (loopback_bytes() - loopback) / OBJECTS, "bytes");
    atoll_results_free(all);
    double downloaded = server_wire_bytes(&s, o) - uploaded;
    bench_print("sync_100k_offline.wire_bytes_up", uploaded / OBJECTS, "bytes");
    bench_print("sync_100k_offline.wire_bytes_down", downloaded / OBJECTS, "bytes");
    client_close(&a);
    client_close(&b);
    server_stop(&s);
    bench_print("sync_100k_offline.server_file", bench_folder_bytes(s.data), "bytes");
    bench_print("sync_100k_offline.server_bytes_per_object", bench_folder_bytes(s.data) / OBJECTS,
                "bytes");
}

void bench_sync_latency(const bench_options *o)
{
    enum { ROUNDS = 200 };
    static double visible[ROUNDS], committed[ROUNDS];
    server s;
    client a, b;
    atoll_error *error = NULL;
    server_start(&s, o);
    client_open(&a, o, "latency-a", s.url);
    client_open(&b, o, "latency-b", s.url);
    subscribe(&a, "");
    subscribe(&b, "");
    wait_download(&a);
    wait_download(&b);
    uint64_t pending = atoll_realm_observe(b.b.realm, b.queue, &error);
    for (int i = 0; i < ROUNDS; i++) {
        double start = bench_now();
        atoll_realm_begin(a.b.realm, &error);
        atoll_object_free(bench_insert(&a.b, (uint64_t)i, NULL));
        atoll_realm_commit(a.b.realm, &error);
        committed[i] = (bench_now() - start) * 1e6;
        atoll_values *key = atoll_values_new(&error);
        atoll_values_add_int(key, bench_key((uint64_t)i), &error);
        for (atoll_object *found = NULL; found == NULL;) {
            atoll_event *event = atoll_queue_next(b.queue, 10000, &error);
            if (event == NULL) fprintf(stderr, "sync_latency: a change did not arrive\n"), exit(1);
            if (atoll_event_registration(event) == pending) {
                atoll_realm_refresh(b.b.realm, &error);
                found = atoll_realm_find(b.b.realm, b.b.item, key, &error);
                atoll_object_free(found);
            }
            atoll_event_free(event);
        }
        visible[i] = (bench_now() - start) * 1e6;
        atoll_values_free(key);
        bench_check(error, "latency");
    }
    bench_percentiles("sync_latency.commit_to_visible", visible, ROUNDS);
    bench_percentiles("sync_latency.commit_itself", committed, ROUNDS);
    client_close(&a);
    client_close(&b);
    server_stop(&s);
}
