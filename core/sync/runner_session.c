/* Joins session machines to streams.
 * Must never: touch a machine from another thread than the network's; wait for it from another.
 * Invariant: `call` is set while, and only while, a stream of this session is open or being opened. */
#include "sync/runner_internal.h"

#include "base/log.h"

#include <stdio.h>

#define STREAM_UNSENT_TARGET (2u << 20) /* messages are made while less than this waits */
#define ACTIONS_PER_TURN 1000           /* then the sockets have their turn */
#define UNSENT_PER_TURN (128u << 10)    /* the same: the server works on what it has meanwhile */
#define STATE_PAUSED 4                  /* the numbers of the ABI */
#define STATE_WAITING_FOR_ACCESS_TOKEN 3
#define STATE_INACTIVE 2
#define CATEGORY "Realm.Sync.Client.Session"
#define CATEGORY_NETWORK "Realm.Sync.Client.Network"

static void send_event(runner_session *s, runner_event event)
{
    event.session = s;
    runner_send(s->runner, &event);
}

/* ---- the stream ---- */

static void drop_call(runner_session *s)
{
    if (s->call != NULL) {
        grpc_call_set_user(s->call, NULL);
        grpc_cancel(s->call);
    }
    s->call = NULL;
    s->connection = NULL;
    s->opening = s->waiting_token = false;
}

static void attempt_failed(runner_session *s, status code, const char *text)
{
    drop_call(s);
    log_write(LOG_INFO, CATEGORY_NETWORK, "attempt %llu to %s failed: %s",
              (unsigned long long)s->attempts, s->runner->address.authority, text);
    if (s->machine != NULL) session_closed(s->machine, net_now_ms(s->runner), code, text);
}

static status start_call(runner_session *s)
{
    runner *r = s->runner;
    if (atomic_load(&r->no_network))
        return fail(ATOLL_ERROR_CONNECTION_FAILED, "the network of the app is cut, by a test");
    char *token = account_copy_token(s->account, false);
    if (token == NULL)
        return fail(ATOLL_ERROR_NOT_LOGGED_IN, "the user has no access token: log in again");
    status result = net_open(r, s->account, &s->connection);
    grpc_request request = {
        .path = "/atoll.sync.v1.Sync/Session", .authorization = token, .user = &s->state_of_call};
    if (result == ATOLL_OK)
        result =
            grpc_start(channel_grpc(s->connection->channel), &request, net_now_ms(r), &s->call);
    memory_free(token);
    return result;
}

static void open_stream(runner_session *s)
{
    status result = start_call(s);
    if (result != ATOLL_OK)
        attempt_failed(s, result, fail_text());
    else if (channel_is_connected(s->connection->channel))
        session_connected(s);
}

void session_connected(runner_session *s)
{
    if (!s->opening || s->call == NULL || s->machine == NULL) return;
    s->opening = false;
    session_opened(s->machine, net_now_ms(s->runner));
}

static void start_attempt(runner_session *s, const char *reason)
{
    runner *r = s->runner;
    drop_call(s);
    s->attempts++;
    s->opening = true;
    log_write(LOG_INFO, CATEGORY_NETWORK, "attempt %llu to %s (reason: %s)",
              (unsigned long long)s->attempts, r->address.authority,
              reason == NULL ? "first" : reason);
    if (account_state(s->account) != ACCOUNT_LOGGED_IN) {
        attempt_failed(s, ATOLL_ERROR_NOT_LOGGED_IN, "the user is logged out: log in again");
    } else if (net_now_ms(r) >= s->account->refresh_at_ms) {
        s->waiting_token = true;
        calls_refresh(r, s->account);
    } else {
        open_stream(s);
    }
}

void session_message(net_call *state, bytes message)
{
    runner_session *s = (runner_session *)state;
    if (s->machine == NULL || atomic_load(&s->stopped))
        return; /* stopped: nothing crosses, from the call of stop on */
    s->token_renewed = false;
    session_received(s->machine, net_now_ms(s->runner), message);
    if (s->call != NULL && s->machine != NULL && !session_takes_messages(s->machine))
        grpc_pause(s->call, true);
}

void session_call_closed(net_call *state, status code, const char *text)
{
    runner_session *s = (runner_session *)state;
    bool was_opening = s->opening;
    s->call = NULL;
    s->connection = NULL;
    s->opening = false;
    if (s->machine == NULL) return;
    uint64_t now_ms = net_now_ms(s->runner);
    if (code == ATOLL_ERROR_BAD_TOKEN && !s->token_renewed) {
        s->token_renewed = s->waiting_token = true;
        s->opening = was_opening;
        if (!was_opening) session_closed(s->machine, now_ms, ATOLL_ERROR_CONNECTION_CLOSED, text);
        calls_refresh(s->runner, s->account);
        return;
    }
    if (code == ATOLL_OK)
        session_closed(s->machine, now_ms, ATOLL_ERROR_CONNECTION_CLOSED,
                       "the server ended the session");
    else
        session_closed(s->machine, now_ms, code, text);
}

void session_token_refreshed(runner *r, account *a, status code, const char *text)
{
    for (size_t i = 0; i < r->sessions.count; i++) {
        runner_session *s = r->sessions.items[i];
        if (s->account != a || !s->waiting_token) continue;
        s->waiting_token = false;
        if (code == ATOLL_OK && s->opening)
            open_stream(s);
        else if (code == ATOLL_OK && s->machine != NULL)
            session_reconnect(s->machine, net_now_ms(r));
        else if (s->opening)
            attempt_failed(s, code, text);
        else if (s->machine != NULL)
            session_closed(s->machine, net_now_ms(r), code, text);
    }
}

/* ---- the machine's wishes ---- */

static void on_commit(void *context, uint64_t version, commit_origin origin)
{
    (void)version;
    runner_session *s = context;
    if (origin != COMMIT_LOCAL || atomic_exchange(&s->committed, true)) return;
    loop_wake(s->runner->loop);
}

static void forget_machine(runner_session *s)
{
    drop_call(s);
    if (s->listening) model_unlisten(s->options.db, on_commit, s);
    s->listening = false;
    if (s->machine != NULL) session_free(s->machine);
    s->machine = NULL;
}

static status make_machine(runner_session *s)
{
    TRY(session_new(&s->options, &s->machine));
    status result = model_listen(s->options.db, on_commit, s);
    if (result != ATOLL_OK) {
        session_free(s->machine);
        s->machine = NULL;
        return result;
    }
    s->listening = true;
    return ATOLL_OK;
}

static void release_if_detached(runner_session *s)
{
    runner *r = s->runner;
    forget_machine(s);
    mutex_lock(&r->lock);
    bool release = s->attached == SESSION_DETACHING;
    if (release) s->attached = SESSION_RELEASED;
    void (*released)(void *context) = s->released;
    void *context = s->released_context;
    mutex_unlock(&r->lock);
    atomic_store(&s->shown_state, STATE_INACTIVE);
    atomic_store(&s->shown_connection, 0);
    if (!release) return; /* the realm was opened again meanwhile: a COMMAND_REVIVE is on its way */
    for (size_t i = 0; i < r->sessions.count; i++) {
        if (r->sessions.items[i] == s)
            r->sessions.items[i] = r->sessions.items[--r->sessions.count];
    }
    if (released != NULL) released(context);
    runner_session_release(s);
}

static void show_progress(runner_session *s)
{
    session_progress progress;
    session_get_progress(s->machine, &progress);
    mutex_lock(&s->progress_lock);
    s->progress = progress;
    mutex_unlock(&s->progress_lock);
    send_event(s, (runner_event){.kind = RUNNER_EVENT_PROGRESS});
}

static void send_message(runner_session *s, bytes message)
{
    if (s->call == NULL || atomic_load(&s->stopped)) return;
    status result = grpc_send(s->call, message);
    if (result == ATOLL_OK) return;
    drop_call(s);
    session_closed(s->machine, net_now_ms(s->runner), result, fail_text());
}

static void show_state(runner_session *s)
{
    if (s->machine == NULL || atomic_load(&s->controls_waiting) > 0) return;
    int32_t state = session_state(s->machine);
    if (s->waiting_token && state == 0) state = STATE_WAITING_FOR_ACCESS_TOKEN;
    atomic_store(&s->shown_state, state);
    atomic_store(&s->shown_connection, session_connection_state(s->machine));
}

/* False: the session is gone. */
static bool do_action(runner_session *s, const session_action *a)
{
    switch (a->kind) {
    case SESSION_ACTION_OPEN: start_attempt(s, a->text); break;
    case SESSION_ACTION_CLOSE: drop_call(s); break;
    case SESSION_ACTION_SEND: send_message(s, a->message); break;
    case SESSION_ACTION_DONE:
        show_state(s); /* who is told that a wait ended sees the state that belongs to it */
        send_event(s, (runner_event){.kind = RUNNER_EVENT_REQUEST_DONE,
                                     .request = a->request,
                                     .code = a->code,
                                     .text = a->text});
        break;
    case SESSION_ACTION_ERROR:
        log_write(LOG_ERROR, CATEGORY, "error %d: %s", (int)a->code, a->text);
        show_state(s);
        send_event(s, (runner_event){.kind = RUNNER_EVENT_ERROR,
                                     .code = a->code,
                                     .text = a->text,
                                     .refused = a->refused,
                                     .number_old = a->number_old});
        break;
    case SESSION_ACTION_CONNECTION:
        show_state(s);
        send_event(s, (runner_event){.kind = RUNNER_EVENT_CONNECTION,
                                     .number_old = a->number_old,
                                     .number_new = a->number_new});
        break;
    case SESSION_ACTION_PROGRESS: show_progress(s); break;
    case SESSION_ACTION_SUBSCRIPTIONS:
        send_event(s, (runner_event){.kind = RUNNER_EVENT_SUBSCRIPTIONS});
        break;
    case SESSION_ACTION_RESET:
        show_state(s);
        send_event(s, (runner_event){.kind = RUNNER_EVENT_RESET,
                                     .number_old = a->number_old,
                                     .number_new = a->number_new});
        break;
    case SESSION_ACTION_DIED: release_if_detached(s); return false;
    }
    return true;
}

void session_turn(runner_session *s, bool *again)
{
    if (s->machine == NULL) return;
    uint64_t now_ms = net_now_ms(s->runner);
    session_action action;
    if (atomic_exchange(&s->committed, false)) session_committed(s->machine, now_ms);
    if (now_ms >= session_deadline(s->machine)) session_tick(s->machine, now_ms);
    if (s->call != NULL && session_takes_messages(s->machine)) grpc_pause(s->call, false);
    if (s->machine == NULL) return;
    size_t before = s->call == NULL ? 0 : grpc_unsent(s->call);
    for (int i = 0; i < ACTIONS_PER_TURN; i++) {
        size_t unsent = s->call == NULL ? 0 : grpc_unsent(s->call);
        if (!s->urgent && unsent >= STREAM_UNSENT_TARGET) break;
        s->runner->made_much |= unsent >= before + UNSENT_PER_TURN;
        if (unsent >= before + UNSENT_PER_TURN) break;
        if (!session_poll(s->machine, now_ms, &action)) break;
        *again = true;
        if (!do_action(s, &action) || s->machine == NULL) return;
    }
    s->urgent = false;
    show_state(s);
}

/* ---- commands, on the network thread ---- */

static void revive(runner_session *s)
{
    mutex_lock(&s->runner->lock);
    bool gone = s->attached == SESSION_RELEASED;
    session_choices chosen = s->chosen;
    mutex_unlock(&s->runner->lock);
    if (gone) return;
    forget_machine(s);
    s->options.chosen = chosen;
    status result = make_machine(s);
    if (result == ATOLL_OK) return;
    send_event(
        s, (runner_event){
               .kind = RUNNER_EVENT_ERROR, .code = result, .text = fail_text(), .number_old = 1});
}

static void control(runner_session *s, command_kind kind, uint64_t now_ms)
{
    atomic_fetch_sub(&s->controls_waiting, 1);
    if (s->machine == NULL) return;
    s->urgent = true;
    if (kind == COMMAND_STOP)
        session_stop(s->machine, now_ms);
    else
        session_start(s->machine, now_ms);
}

static void wait_for(runner_session *s, const command *c, uint64_t now_ms)
{
    if (s->machine == NULL) {
        send_event(s, (runner_event){.kind = RUNNER_EVENT_REQUEST_DONE,
                                     .request = c->request,
                                     .code = ATOLL_ERROR_SESSION_INACTIVE,
                                     .text = "Sync session became inactive"});
        return;
    }
    if (c->kind == COMMAND_WAIT_UPLOAD)
        session_wait_upload(s->machine, now_ms, c->request);
    else if (c->kind == COMMAND_WAIT_DOWNLOAD)
        session_wait_download(s->machine, now_ms, c->request);
    else
        session_wait_subscriptions(s->machine, now_ms, c->request, c->version);
}

static void attach(runner *r, runner_session *s)
{
    if (vector_push(&r->sessions, s) == ATOLL_OK) {
        runner_session_retain(s);
        return;
    }
    send_event(s, (runner_event){.kind = RUNNER_EVENT_ERROR,
                                 .code = ATOLL_ERROR_OUT_OF_MEMORY,
                                 .text = fail_text(),
                                 .number_old = 1});
}

static void reconnect_all(runner *r, uint64_t now_ms)
{
    for (size_t i = 0; i < r->sessions.count; i++) {
        if (r->sessions.items[i]->machine != NULL)
            session_reconnect(r->sessions.items[i]->machine, now_ms);
    }
    for (size_t i = 0; i < r->connections.count; i++) {
        if (r->connections.items[i]->announced)
            grpc_ping(channel_grpc(r->connections.items[i]->channel), now_ms);
    }
}

/* Cut: every stream is lost at once. Back: nobody waits for the backoff. */
static void change_network(runner *r, uint64_t now_ms)
{
    for (size_t i = 0; i < r->sessions.count; i++) {
        runner_session *s = r->sessions.items[i];
        if (s->machine == NULL) continue;
        if (atomic_load(&r->no_network))
            attempt_failed(s, ATOLL_ERROR_CONNECTION_CLOSED, "the network was cut, by a test");
        else
            session_reconnect(s->machine, now_ms);
    }
}

void session_command(runner *r, command *c)
{
    runner_session *s = c->session;
    uint64_t now_ms = net_now_ms(r);
    switch (c->kind) {
    case COMMAND_ATTACH: attach(r, s); break;
    case COMMAND_DETACH:
        if (s->machine != NULL)
            session_close_when_uploaded(s->machine, now_ms), s->urgent = true;
        else
            release_if_detached(s);
        break;
    case COMMAND_REVIVE: revive(s); break;
    case COMMAND_STOP:
    case COMMAND_START: control(s, c->kind, now_ms); break;
    case COMMAND_WAIT_UPLOAD:
    case COMMAND_WAIT_DOWNLOAD:
    case COMMAND_WAIT_SUBSCRIPTIONS:
        /* What was committed before the call belongs to what it waits for. */
        if (s->machine != NULL && atomic_exchange(&s->committed, false))
            session_committed(s->machine, now_ms);
        wait_for(s, c, now_ms);
        break;
    case COMMAND_SUBSCRIPTIONS:
        if (s->machine != NULL) session_subscriptions_changed(s->machine, now_ms);
        break;
    case COMMAND_RECONNECT: reconnect_all(r, now_ms); break;
    case COMMAND_RESET_CONTINUE:
        if (s->machine != NULL) session_reset_continue(s->machine, now_ms, c->code, c->text);
        break;
    case COMMAND_SIMULATE:
        if (s->machine != NULL)
            session_simulate_error(s->machine, now_ms, c->code, c->text != NULL ? c->text : "",
                                   c->reuse);
        break;
    case COMMAND_NETWORK: change_network(r, now_ms); break;
    case COMMAND_LOG_IN_ANONYMOUS:
    case COMMAND_LOG_IN_EMAIL:
    case COMMAND_REGISTER:
    case COMMAND_LOG_OUT:
    case COMMAND_ASK:
    case COMMAND_SAVE: break; /* runner_calls.c has these */
    }
}

void session_stop_account(runner *r, account *a)
{
    for (size_t i = 0; i < r->sessions.count; i++) {
        runner_session *s = r->sessions.items[i];
        if (s->account != a || s->machine == NULL || atomic_load(&s->stopped)) continue;
        s->urgent = s->logged_out = true;
        session_stop(s->machine, net_now_ms(r));
    }
}

void session_start_account(runner *r, account *a)
{
    for (size_t i = 0; i < r->sessions.count; i++) {
        runner_session *s = r->sessions.items[i];
        if (s->account != a || s->machine == NULL || !s->logged_out) continue;
        s->logged_out = false;
        if (!atomic_load(&s->stopped)) session_start(s->machine, net_now_ms(r));
    }
}

void session_drop_all(runner *r)
{
    while (r->sessions.count > 0) {
        runner_session *s = r->sessions.items[--r->sessions.count];
        forget_machine(s);
        runner_session_release(s);
    }
}

/* ---- from any thread ---- */

static status copy_option(const char *from, char **to, const char **shown)
{
    if (from == NULL) return ATOLL_OK;
    *to = memory_copy_text(from, strlen(from));
    *shown = *to;
    return *to == NULL ? ATOLL_ERROR_OUT_OF_MEMORY : ATOLL_OK;
}

static status copy_options(runner_session *s, const session_options *options)
{
    s->options = *options;
    TRY(copy_option(options->partition_property, &s->partition_property,
                    &s->options.partition_property));
    TRY(copy_option(options->user_id, &s->user_id, &s->options.user_id));
    TRY(copy_option(options->app_id, &s->app_id, &s->options.app_id));
    if (options->partition.type != VALUE_STRING || options->flexible) return ATOLL_OK;
    bytes text = options->partition.as.text;
    s->partition_text = memory_copy_text((const char *)text.data, text.size);
    if (s->partition_text == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    s->options.partition = value_string(bytes_of(s->partition_text, text.size));
    return ATOLL_OK;
}

status runner_session_attach(runner *r, account *user, const session_options *options,
                             runner_session **out)
{
    runner_session *s = memory_allocate_zero(sizeof *s);
    if (s == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    status result = mutex_init(&s->progress_lock);
    if (result != ATOLL_OK) {
        memory_free(s);
        return result;
    }
    s->state_of_call.kind = NET_SESSION;
    atomic_init(&s->references, 1);
    s->runner = r;
    s->account = account_retain(user);
    result = copy_options(s, options);
    if (result == ATOLL_OK) result = make_machine(s);
    if (result != ATOLL_OK) {
        runner_session_release(s);
        return result;
    }
    show_state(s);
    session_get_progress(s->machine, &s->progress);
    runner_post(r, &(command){.kind = COMMAND_ATTACH, .session = runner_session_retain(s)});
    *out = s;
    return ATOLL_OK;
}

runner_session *runner_session_retain(runner_session *s)
{
    atomic_fetch_add(&s->references, 1);
    return s;
}

void runner_session_release(runner_session *s)
{
    if (s == NULL || atomic_fetch_sub(&s->references, 1) != 1) return;
    account_release(s->account);
    mutex_destroy(&s->progress_lock);
    memory_free(s->partition_property);
    memory_free(s->user_id);
    memory_free(s->app_id);
    memory_free(s->partition_text);
    memory_free(s);
}

static void post(runner_session *s, command c)
{
    c.session = runner_session_retain(s);
    runner_post(s->runner, &c);
}

void runner_session_detach(runner_session *s, void (*released)(void *context), void *context)
{
    mutex_lock(&s->runner->lock);
    s->attached = SESSION_DETACHING;
    s->released = released;
    s->released_context = context;
    mutex_unlock(&s->runner->lock);
    post(s, (command){.kind = COMMAND_DETACH});
}

bool runner_session_revive(runner_session *s, const session_choices *chosen)
{
    mutex_lock(&s->runner->lock);
    bool alive = s->attached == SESSION_DETACHING;
    if (alive) {
        s->attached = SESSION_ATTACHED;
        s->chosen = *chosen;
    }
    mutex_unlock(&s->runner->lock);
    if (alive) {
        atomic_store(&s->stopped, false); /* a pause does not survive the close */
        post(s, (command){.kind = COMMAND_REVIVE});
    }
    return alive;
}

void runner_session_stop(runner_session *s)
{
    atomic_fetch_add(&s->controls_waiting, 1);
    atomic_store(&s->stopped, true);
    atomic_store(&s->shown_state, STATE_PAUSED);
    atomic_store(&s->shown_connection, 0);
    post(s, (command){.kind = COMMAND_STOP});
}

void runner_session_start(runner_session *s)
{
    atomic_fetch_add(&s->controls_waiting, 1);
    atomic_store(&s->stopped, false);
    if (atomic_load(&s->shown_state) == STATE_PAUSED) atomic_store(&s->shown_state, 0);
    post(s, (command){.kind = COMMAND_START});
}

void runner_session_wait_upload(runner_session *s, uint64_t request)
{
    post(s, (command){.kind = COMMAND_WAIT_UPLOAD, .request = request});
}

void runner_session_wait_download(runner_session *s, uint64_t request)
{
    post(s, (command){.kind = COMMAND_WAIT_DOWNLOAD, .request = request});
}

void runner_session_wait_subscriptions(runner_session *s, uint64_t request, uint64_t version)
{
    post(s, (command){.kind = COMMAND_WAIT_SUBSCRIPTIONS, .request = request, .version = version});
}

void runner_session_subscriptions_changed(runner_session *s)
{
    post(s, (command){.kind = COMMAND_SUBSCRIPTIONS});
}

static void post_text(runner_session *s, command_kind kind, status code, bytes text, bool flag)
{
    char *copy = memory_copy_text(text.size == 0 ? "" : (const char *)text.data, text.size);
    post(s, (command){.kind = kind, .code = code, .text = copy, .reuse = flag});
}

void runner_session_reset_continue(runner_session *s, status code, bytes text)
{
    post_text(s, COMMAND_RESET_CONTINUE, code, text, false);
}

void runner_session_simulate_error(runner_session *s, status code, bytes text, bool fatal)
{
    post_text(s, COMMAND_SIMULATE, code, text, fatal);
}

void runner_set_network(runner *r, bool on)
{
    atomic_store(&r->no_network, !on);
    runner_post(r, &(command){.kind = COMMAND_NETWORK});
}

int32_t runner_session_state(const runner_session *s)
{
    return atomic_load(&s->shown_state);
}

int32_t runner_session_connection_state(const runner_session *s)
{
    return atomic_load(&s->shown_connection);
}

void runner_session_progress(const runner_session *s, session_progress *out)
{
    mutex *lock = (mutex *)(uintptr_t)&s->progress_lock;
    mutex_lock(lock);
    *out = s->progress;
    mutex_unlock(lock);
}
