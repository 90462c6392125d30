/* The client's network thread: commands from other threads in, events out.
 *
 *   turn: sockets → commands → session machines (polled until they want nothing more) → sockets
 *
 * Must never: hold its lock while a machine, a call or the sink runs; wait for an application thread.
 * Invariant: machines, calls and connections are touched by the network thread alone. */
#include "sync/runner_internal.h"

#include "base/log.h"
#include "platform/file.h"
#include "storage/storage.h"

#include <stdio.h>
#include <stdlib.h>

#define CATEGORY "Realm.Sync.Client"

uint64_t net_now_ms(const runner *r)
{
    return r->options.platform->monotonic_ms(r->options.platform->context);
}

void runner_send(runner *r, const runner_event *event)
{
    if (r->options.sink != NULL && !atomic_load(&r->stop))
        r->options.sink(r->options.sink_context, event);
}

/* ---- commands ---- */

static void command_free(command *c)
{
    if (c->user != NULL) account_release(c->user);
    if (c->session != NULL) runner_session_release(c->session);
    for (size_t i = 0; i < sizeof c->texts / sizeof *c->texts; i++) {
        if (c->texts[i] != NULL) explicit_bzero(c->texts[i], strlen(c->texts[i]));
        memory_free(c->texts[i]);
    }
    memory_free(c->text);
    memory_free(c);
}

void runner_post(runner *r, const command *given)
{
    command *c = memory_allocate(sizeof *c);
    if (c == NULL) {
        log_write(LOG_ERROR, CATEGORY, "out of memory: a request was dropped");
        return;
    }
    *c = *given;
    c->after = NULL;
    mutex_lock(&r->lock);
    if (r->last != NULL)
        r->last->after = c;
    else
        r->first = c;
    r->last = c;
    mutex_unlock(&r->lock);
    loop_wake(r->loop);
}

static void run_commands(runner *r)
{
    mutex_lock(&r->lock);
    command *c = r->first;
    r->first = r->last = NULL;
    mutex_unlock(&r->lock);
    while (c != NULL) {
        command *after = c->after;
        if (c->session != NULL)
            session_command(r, c);
        else
            calls_command(r, c);
        command_free(c);
        c = after;
    }
}

/* ---- the thread ---- */

static uint64_t next_deadline(const runner *r)
{
    uint64_t next = net_deadline(r);
    for (size_t i = 0; i < r->sessions.count; i++) {
        const runner_session *s = r->sessions.items[i];
        uint64_t wanted = s->machine == NULL ? UINT64_MAX : session_deadline(s->machine);
        if (wanted < next) next = wanted;
    }
    return next;
}

static void runner_destroy(runner *r)
{
    session_drop_all(r);
    net_close_all(r, "the app was closed");
    while (r->first != NULL) {
        command *c = r->first;
        r->first = c->after;
        command_free(c);
    }
    account_list_free(&r->accounts);
    vector_free(&r->sessions);
    vector_free(&r->connections);
    loop_free(r->loop);
    mutex_destroy(&r->lock);
    memory_free(r->app_id);
    memory_free(r->base_url);
    memory_free(r->base_path);
    memory_free(r->users_path);
    server_address_free(&r->address);
    tls_context_free(r->tls);
    memory_free(r->trusted);
    proxy_free(&r->proxy);
    for (size_t i = 0; i < r->headers.count; i++) memory_free(r->headers.items[i]);
    vector_free(&r->headers);
    explicit_bzero(r->metadata_key, sizeof r->metadata_key);
    memory_free(r);
}

static void run(void *argument)
{
    runner *r = argument;
    uint64_t deadline_ms = 0;
    r->thread_number = thread_self();
    while (!atomic_load(&r->stop)) {
        if (loop_turn(r->loop, deadline_ms) != ATOLL_OK) {
            log_write(LOG_ERROR, CATEGORY, "%s", fail_text());
            break;
        }
        bool again = true;
        if (r->made_much) net_turn(r, &again); /* The window may be open again. */
        r->made_much = false;
        again = true;
        for (int i = 0; again && i < 100 && !r->made_much && !atomic_load(&r->stop); i++) {
            again = false;
            run_commands(r);
            for (size_t k = 0; k < r->sessions.count; k++)
                session_turn(r->sessions.items[k], &again);
            net_turn(r, &again);
        }
        deadline_ms = again ? 0 : next_deadline(r);
    }
    run_commands(r); /* a user who was switched to is still saved */
    if (atomic_load(&r->free_itself)) runner_destroy(r);
}

/* ---- start and end ---- */

void server_address_free(server_address *a)
{
    memory_free(a->host);
    memory_free(a->authority);
    *a = (server_address){0};
}

static status refuse_address(const char *url)
{
    return fail(ATOLL_ERROR_INVALID_ARGUMENT,
                "\"%s\" is no server address: expected http://HOST:PORT or https://HOST:PORT", url);
}

status server_address_read(const char *url, server_address *out)
{
    server_address a = {.secure = strncmp(url, "https://", 8) == 0};
    if (!a.secure && strncmp(url, "http://", 7) != 0) return refuse_address(url);
    const char *host = url + (a.secure ? 8 : 7);
    size_t size = strcspn(host, "/");
    const char *start = host, *colon = memrchr(host, ':', size);
    if (colon != NULL && memchr(colon, ']', (size_t)(host + size - colon)) != NULL)
        colon = NULL; /* inside [::1] */
    size_t host_size = colon == NULL ? size : (size_t)(colon - host);
    char *end = NULL;
    unsigned long port = a.secure ? 443 : 80;
    if (colon != NULL) port = strtoul(colon + 1, &end, 10);
    if (host_size == 0 || port == 0 || port > 65535 || (colon != NULL && end != host + size))
        return refuse_address(url);
    if (host[0] == '[' && host[host_size - 1] == ']') host++, host_size -= 2;
    a.port = (uint16_t)port;
    a.authority = memory_copy_text(start, size);
    a.host = memory_copy_text(host, host_size);
    if (a.host == NULL || a.authority == NULL) {
        server_address_free(&a);
        return ATOLL_ERROR_OUT_OF_MEMORY;
    }
    *out = a;
    return ATOLL_OK;
}

status runner_secure(runner *r, const server_address *a)
{
    if (!a->secure || r->tls != NULL) return ATOLL_OK;
    return tls_context_client(r->trusted == NULL ? bytes_of(NULL, 0) : bytes_text(r->trusted),
                              &r->tls);
}

/* Metadata that HTTP/2 and gRPC leave to their users. */
static status check_header(const char *name, const char *value)
{
    static const char *const ours[] = {"authorization", "te",         "host",
                                       "connection",    "user-agent", "content-type"};
    bool good = name[0] != '\0' && strlen(name) <= 100 && strlen(value) <= 4000;
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        good = good && strcmp(name, ours[i]) != 0;
    good = good && strncmp(name, "grpc-", 5) != 0 && strncmp(name, "atoll-", 6) != 0;
    for (const char *at = name; good && *at != '\0'; at++)
        good = (*at >= 'a' && *at <= 'z') || (*at >= '0' && *at <= '9') || *at == '-' || *at == '_';
    for (const char *at = value; good && *at != '\0'; at++) good = *at >= ' ' && *at < 0x7f;
    return good ? ATOLL_OK
                : fail(ATOLL_ERROR_INVALID_ARGUMENT,
                       "\"%s\" is no header that can be set: a name has small letters, digits, "
                       "'-' and '_' and is none of the protocol's own, a value is ASCII text",
                       name);
}

static status copy_network(runner *r, const runner_options *options)
{
    bytes trusted = options->trusted_certificates;
    if (trusted.size > 0) {
        r->trusted = memory_copy_text((const char *)trusted.data, trusted.size);
        if (r->trusted == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    }
    if (options->proxy_url != NULL && options->proxy_url[0] != '\0')
        TRY(proxy_read(options->proxy_url, &r->proxy));
    if (options->header_count > 2 * GRPC_HEADERS_MAX)
        return fail(ATOLL_ERROR_LIMIT_EXCEEDED, "more than %d headers", GRPC_HEADERS_MAX);
    for (size_t i = 0; i + 1 < options->header_count; i += 2) {
        TRY(check_header(options->headers[i], options->headers[i + 1]));
        TRY(account_texts_add(&r->headers, options->headers[i]));
        TRY(account_texts_add(&r->headers, options->headers[i + 1]));
    }
    TRY(server_address_read(r->base_url, &r->address));
    return runner_secure(r, &r->address);
}

static status copy_options(runner *r, const runner_options *options)
{
    char path[4096];
    r->options = *options;
    r->app_id = memory_copy_text(options->app_id, strlen(options->app_id));
    r->base_url = memory_copy_text(options->base_url, strlen(options->base_url));
    r->base_path = memory_copy_text(options->base_path, strlen(options->base_path));
    if (r->app_id == NULL || r->base_url == NULL || r->base_path == NULL)
        return ATOLL_ERROR_OUT_OF_MEMORY;
    r->options.app_id = r->app_id;
    r->options.base_url = r->base_url;
    r->options.base_path = r->base_path;
    int size = snprintf(path, sizeof path, "%s/%s/users.json", options->base_path, options->app_id);
    if (size < 0 || (size_t)size >= sizeof path)
        return fail(ATOLL_ERROR_INVALID_ARGUMENT, "the base path is too long");
    r->users_path = memory_copy_text(path, (size_t)size);
    if (r->users_path == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    if (options->metadata_key.size > 0) {
        if (options->metadata_key.size != sizeof r->metadata_key)
            return fail(ATOLL_ERROR_INVALID_ARGUMENT, "a metadata encryption key has 64 bytes");
        memcpy(r->metadata_key, options->metadata_key.data, sizeof r->metadata_key);
        r->options.metadata_key = bytes_of(r->metadata_key, sizeof r->metadata_key);
    }
    return copy_network(r, options);
}

/* One realm of a user who was removed. Those that cannot be deleted now are tried at the next start. */
static status remove_realm(void *context, const char *name)
{
    char path[4096];
    const char *folder = context;
    int size = snprintf(path, sizeof path, "%s/%s", folder, name);
    if (size < 0 || (size_t)size >= sizeof path) return ATOLL_ERROR_FILE_IN_USE;
    return storage_delete_rocksdb(path);
}

static void remove_realms(runner *r)
{
    account_texts *removed = &r->accounts.removed;
    for (size_t i = 0; i < removed->count;) {
        char folder[4096];
        int size =
            snprintf(folder, sizeof folder, "%s/%s/%s", r->base_path, r->app_id, removed->items[i]);
        bool fits = size > 0 && (size_t)size < sizeof folder;
        bool gone =
            fits && (!file_exists(folder) || (file_list(folder, remove_realm, folder) == ATOLL_OK &&
                                              file_remove_tree(folder) == ATOLL_OK));
        if (!gone) {
            i++;
            continue;
        }
        memory_free(removed->items[i]);
        removed->items[i] = removed->items[--removed->count];
    }
}

status runner_new(const runner_options *options, runner **out)
{
    runner *r = memory_allocate_zero(sizeof *r);
    if (r == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    status result = mutex_init(&r->lock);
    if (result != ATOLL_OK) {
        memory_free(r);
        return result;
    }
    result = copy_options(r, options);
    if (result == ATOLL_OK)
        result = account_list_read(&r->accounts, r->users_path, r->options.metadata_key);
    if (result == ATOLL_OK) remove_realms(r);
    if (result == ATOLL_OK) result = loop_new(options->platform, &r->loop);
    if (result == ATOLL_OK) result = thread_start("atoll-network", run, r, &r->thread);
    if (result != ATOLL_OK)
        runner_destroy(r);
    else
        *out = r;
    return result;
}

void runner_free(runner *r)
{
    if (r == NULL) return;
    /* The last reference to an app may go with an event, on the network thread: it can't wait for itself. */
    bool own = thread_self() == r->thread_number;
    if (own) {
        thread_detach(r->thread);
        atomic_store(&r->free_itself, true);
        atomic_store(&r->stop, true);
        return;
    }
    atomic_store(&r->stop, true);
    loop_wake(r->loop);
    if (r->thread != NULL) thread_join(r->thread);
    runner_destroy(r);
}

void runner_quiesce(runner *r)
{
    if (r->thread == NULL || thread_self() == r->thread_number) return;
    atomic_store(&r->stop, true);
    loop_wake(r->loop);
    thread_join(r->thread);
    r->thread = NULL;
}

/* ---- what other threads ask ---- */

account *runner_current_account(runner *r)
{
    mutex_lock(&r->lock);
    account *a = r->accounts.current;
    if (a != NULL) account_retain(a);
    mutex_unlock(&r->lock);
    return a;
}

size_t runner_account_count(runner *r)
{
    mutex_lock(&r->lock);
    size_t count = r->accounts.items.count;
    mutex_unlock(&r->lock);
    return count;
}

account *runner_account_at(runner *r, size_t index)
{
    mutex_lock(&r->lock);
    account *a =
        index < r->accounts.items.count ? account_retain(r->accounts.items.items[index]) : NULL;
    mutex_unlock(&r->lock);
    return a;
}

status runner_switch_account(runner *r, account *user)
{
    bool known = false;
    if (account_state(user) != ACCOUNT_LOGGED_IN) {
        return fail(ATOLL_ERROR_NOT_LOGGED_IN,
                    "user %s is not logged in: log in again before switching", account_id(user));
    }
    mutex_lock(&r->lock);
    known = account_list_find(&r->accounts, account_id(user)) == user;
    if (known) r->accounts.current = user;
    mutex_unlock(&r->lock);
    if (!known)
        return fail(ATOLL_ERROR_USER_MISMATCH, "user %s belongs to another app", account_id(user));
    runner_post(r, &(command){.kind = COMMAND_SAVE});
    return ATOLL_OK;
}

void runner_log_in_anonymous(runner *r, uint64_t request, bool reuse)
{
    runner_post(r,
                &(command){.kind = COMMAND_LOG_IN_ANONYMOUS, .request = request, .reuse = reuse});
}

static void post_texts(runner *r, command c, const bytes *texts, size_t count)
{
    bool good = true;
    for (size_t i = 0; i < count; i++) {
        c.texts[i] = memory_copy_text((const char *)texts[i].data, texts[i].size);
        good = good && c.texts[i] != NULL;
    }
    for (size_t i = 0; i < count && !good; i++) { /* the loop answers with OUT_OF_MEMORY */
        memory_free(c.texts[i]);
        c.texts[i] = NULL;
    }
    runner_post(r, &c);
}

void runner_log_in_email(runner *r, uint64_t request, bytes email, bytes password)
{
    bytes texts[] = {email, password};
    post_texts(r, (command){.kind = COMMAND_LOG_IN_EMAIL, .request = request}, texts, 2);
}

void runner_register_email(runner *r, uint64_t request, bytes email, bytes password)
{
    bytes texts[] = {email, password};
    post_texts(r, (command){.kind = COMMAND_REGISTER, .request = request}, texts, 2);
}

void runner_ask_server(runner *r, uint64_t request, runner_ask what, account *user,
                       const bytes *texts, size_t count)
{
    command c = {.kind = COMMAND_ASK, .request = request, .ask = what};
    if (user != NULL) c.user = account_retain(user);
    post_texts(r, c, texts, count);
}

char *runner_device_id(runner *r)
{
    mutex_lock(&r->lock);
    const char *id = r->accounts.device_id;
    char *copy = id == NULL ? NULL : memory_copy_text(id, strlen(id));
    mutex_unlock(&r->lock);
    return copy;
}

void runner_log_out(runner *r, uint64_t request, account *user)
{
    runner_post(
        r, &(command){.kind = COMMAND_LOG_OUT, .request = request, .user = account_retain(user)});
}

void runner_reconnect(runner *r)
{
    runner_post(r, &(command){.kind = COMMAND_RECONNECT});
}
