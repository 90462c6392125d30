#ifndef ATOLL_SYNC_RUNNER_H
#define ATOLL_SYNC_RUNNER_H
#include "sync/session.h"

/* The client's only loop: one network thread per app. It joins session machines to HTTP/2 streams (one connection per
 * server and user, shared by its sessions), makes the unary log-in calls, refreshes tokens, keeps the users.
 * Every function may be called from any thread; calls are queued to the loop. Events come through one sink. */
typedef struct runner runner;
typedef struct account account;               /* a logged-in user; reference counted; any thread */
typedef struct runner_session runner_session; /* reference counted; any thread */

typedef enum runner_event_kind {
    RUNNER_EVENT_REQUEST_DONE =
        1,                      /* request, code, text; account for log-ins (borrowed: retain it) */
    RUNNER_EVENT_CONNECTION,    /* session, number_old, number_new */
    RUNNER_EVENT_PROGRESS,      /* session; read runner_session_progress */
    RUNNER_EVENT_ERROR,         /* session, code, text; number_old: 1 when it ended the session */
    RUNNER_EVENT_SUBSCRIPTIONS, /* session */
    RUNNER_EVENT_USER,          /* user: its state, tokens or profile changed */
    RUNNER_EVENT_RESET /* session, number_old: 1 before, 2 after; number_new: 1 discards. Answer it */
} runner_event_kind;
typedef struct runner_event {
    runner_event_kind kind;
    uint64_t request;
    runner_session *session;
    account *user;
    status code;
    const char *text;
    struct refusals *refused; /* ERROR of refused writes; retain it */
    int32_t number_old, number_new;
    const char *const *answer; /* of a request that asked for texts; NULL among them: none there */
    size_t answer_count;
} runner_event;
typedef void (*runner_sink)(
    void *context,
    const runner_event *event); /* on the network thread, no lock held; must not block */

typedef struct runner_options {
    const platform *platform;
    const char *app_id, *base_url; /* http://host:port or https:// */
    const char
        *base_path; /* users are kept in <base_path>/<app id>/users.json (tokens; mode 0600) */
    uint64_t connect_timeout_ms, request_timeout_ms, ping_period_ms, pong_timeout_ms;
    uint64_t connection_linger_ms; /* after the last session or call */
    uint64_t reconnect_delay_ms, reconnect_delay_ms_max;
    uint32_t reconnect_multiplier, reconnect_jitter_divisor;
    bytes trusted_certificates; /* PEM; none: those of the system */
    const char *proxy_url;      /* NULL: none */
    const char *const *headers; /* of every call: name and value in turn */
    size_t header_count;        /* of both */
    bytes metadata_key;         /* 64 bytes: the users' file is sealed; none: it is not */
    runner_sink sink;
    void *sink_context;
} runner_options;
status runner_new(const runner_options *options, runner **out) MUST_CHECK;
void runner_free(
    runner *
        r); /* joins the thread; sessions that are still attached are dropped (their data is on disk) */

/* The process is about to exit: joins the thread for good; the runner can only be freed after it. */
void runner_quiesce(runner *r);

/* Requests: the caller gives a number that the REQUEST_DONE event repeats. */
void runner_log_in_anonymous(runner *r, uint64_t request, bool reuse);
void runner_log_in_email(runner *r, uint64_t request, bytes email, bytes password);
void runner_register_email(runner *r, uint64_t request, bytes email, bytes password);
void runner_log_out(runner *r, uint64_t request, account *user);
/* Everything else that is asked of the server: up to three texts, and the user who asks. */
typedef enum runner_ask {
    RUNNER_LOG_IN_TOKEN = 1,    /* provider, token */
    RUNNER_CONFIRM,             /* token, token id */
    RUNNER_RESEND_CONFIRMATION, /* address */
    RUNNER_SEND_RESET,          /* address */
    RUNNER_RESET_PASSWORD,      /* password, token, token id */
    RUNNER_SET_BASE_URL,        /* URL: all users are logged out */
    RUNNER_LINK_EMAIL,          /* of a user from here: address, password */
    RUNNER_LINK_TOKEN,          /* provider, token */
    RUNNER_REFRESH_USER,        /* profile and custom data */
    RUNNER_REMOVE_USER,         /* from this device */
    RUNNER_DELETE_USER,         /* from the server, too */
    RUNNER_CREATE_KEY,          /* name; answers id, name, "true" when enabled, secret */
    RUNNER_FIND_KEYS,           /* id, or "": all; answers as above, each without its secret */
    RUNNER_ENABLE_KEY,          /* id */
    RUNNER_DISABLE_KEY,         /* id */
    RUNNER_DELETE_KEY           /* id */
} runner_ask;
void runner_ask_server(runner *r, uint64_t request, runner_ask what, account *user,
                       const bytes *texts, size_t count);
account *runner_current_account(runner *r); /* new reference or NULL */
size_t runner_account_count(runner *r);
account *runner_account_at(runner *r, size_t index); /* new reference or NULL */
status runner_switch_account(runner *r, account *user) MUST_CHECK;
account *account_retain(account *a);
void account_release(account *a);
const char *account_id(const account *a);       /* lives as long as the account */
const char *account_provider(const account *a); /* "anon-user", "local-userpass" */
int32_t account_state(const account *a);        /* atoll user state */
typedef enum account_kind {
    ACCOUNT_CUSTOM_DATA = 1, /* one text of JSON, or none */
    ACCOUNT_IDENTITIES,      /* provider and id in turn */
    ACCOUNT_FIELDS,          /* name and value in turn */
    ACCOUNT_REFRESH_TOKEN    /* one, or none */
} account_kind;
/* Copies: the caller frees each and the array by memory_free. */
status account_about(const account *a, account_kind kind, char ***texts, size_t *count) MUST_CHECK;
char *runner_device_id(runner *r); /* NULL: none yet; memory_free it */
status account_access_token(const account *a, buffer *out) MUST_CHECK;

void runner_reconnect(runner *r);
/* Starts a session for an open synced realm. The runner keeps using options->db until runner_session_detach returns;
 * detach with wait_upload keeps it alive in the background until uploads are done: then `released` is called on the
 * network thread and db may be closed. */
status runner_session_attach(runner *r, account *user, const session_options *options,
                             runner_session **out) MUST_CHECK;
runner_session *runner_session_retain(runner_session *s);
void runner_session_release(runner_session *s);
void runner_session_detach(runner_session *s, void (*released)(void *context), void *context);
/* Undoes a detach of a session that still lives (the realm was opened again): false when it has been released already
 * or `released` is about to run. True: `released` will not be called, its context is the caller's again, and the session
 * goes on as chosen now. */
bool runner_session_revive(runner_session *s, const session_choices *chosen);
void runner_session_stop(runner_session *s);
void runner_session_start(runner_session *s);
void runner_session_wait_upload(runner_session *s, uint64_t request);
void runner_session_wait_download(runner_session *s, uint64_t request);
void runner_session_wait_subscriptions(runner_session *s, uint64_t request, uint64_t version);
void runner_session_subscriptions_changed(runner_session *s);
/* The answer to RUNNER_EVENT_RESET. Not ATOLL_OK: the reset has failed. */
void runner_session_reset_continue(runner_session *s, status code, bytes text);
/* For tests of apps: as if the server had said so; no connection is made or kept. */
void runner_session_simulate_error(runner_session *s, status code, bytes text, bool fatal);
void runner_set_network(runner *r, bool on);
int32_t runner_session_state(
    const runner_session *s); /* as of the last loop turn; stop/start show at once */
int32_t runner_session_connection_state(const runner_session *s);
void runner_session_progress(const runner_session *s, session_progress *out);
#endif
