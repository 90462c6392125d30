#ifndef ATOLL_SYNC_RUNNER_INTERNAL_H
#define ATOLL_SYNC_RUNNER_INTERNAL_H
#include "sync/account.h"
#include "sync/channel.h"

#include <protobuf-c/protobuf-c.h>

/* One HTTP/2 connection: of a user's sessions (account), or of the unary calls (account NULL). Network thread only. */
typedef struct net_connection {
    struct runner *runner;
    account *account;
    channel *channel;
    uint64_t idle_since_ms; /* 0: it has calls */
    status failed;
    char text[256];
    bool announced; /* its sessions were told that it is up */
} net_connection;

typedef enum net_call_kind { NET_SESSION = 1, NET_UNARY } net_call_kind;
typedef struct net_call {
    net_call_kind kind;
} net_call; /* what a call's user pointer points at */

typedef enum attach_state { SESSION_ATTACHED, SESSION_DETACHING, SESSION_RELEASED } attach_state;

struct runner_session {
    net_call state_of_call; /* first */
    atomic_int references;
    struct runner *runner;
    account *account;
    session_options options; /* texts copied */
    char *partition_property, *user_id, *app_id, *partition_text;
    session *machine; /* NULL once it has died */
    grpc_call *call;
    net_connection *connection;
    bool listening; /* to the commits of options.db */
    bool opening;   /* OPEN was asked for, session_opened not yet called */
    bool waiting_token, token_renewed;
    char reason[32];
    uint64_t attempts;
    bool logged_out;        /* stopped by a log-out: the next log-in of the user starts it again */
    bool urgent;            /* poll although the stream is full: it was stopped or closed */
    attach_state attached;  /* under the runner's lock; so is */
    session_choices chosen; /* what the realm was opened with last, since a revival */
    void (*released)(void *context);
    void *released_context;
    mutex progress_lock;
    session_progress progress;
    atomic_int shown_state, shown_connection;
    atomic_int
        controls_waiting; /* stop and start that the loop has not seen: what they showed stays shown */
    atomic_bool stopped, committed;
};

typedef enum command_kind {
    COMMAND_LOG_IN_ANONYMOUS = 1,
    COMMAND_LOG_IN_EMAIL,
    COMMAND_REGISTER,
    COMMAND_LOG_OUT,
    COMMAND_ASK,
    COMMAND_SAVE,
    COMMAND_RECONNECT,
    COMMAND_ATTACH,
    COMMAND_DETACH,
    COMMAND_REVIVE,
    COMMAND_STOP,
    COMMAND_START,
    COMMAND_WAIT_UPLOAD,
    COMMAND_WAIT_DOWNLOAD,
    COMMAND_WAIT_SUBSCRIPTIONS,
    COMMAND_SUBSCRIPTIONS,
    COMMAND_RESET_CONTINUE,
    COMMAND_SIMULATE,
    COMMAND_NETWORK
} command_kind;
typedef struct command {
    struct command *after;
    command_kind kind;
    uint64_t request, version;
    bool reuse;
    account *user;           /* reference */
    runner_session *session; /* reference */
    runner_ask ask;
    char *texts[3]; /* of a log-in: address and password */
    status code;
    char *text;
} command;

/* A unary call under way. */
typedef struct unary_call {
    net_call state; /* first */
    struct runner *runner;
    command_kind kind; /* COMMAND_SAVE stands for a refresh that nobody asked for */
    runner_ask ask;    /* of COMMAND_ASK */
    uint64_t request;
    account *user; /* reference, or NULL */
    buffer answer;
} unary_call;

/* Of "http://HOST:PORT" or "https://HOST:PORT". */
typedef struct server_address {
    char *host, *authority;
    uint16_t port;
    bool secure;
} server_address;
status server_address_read(const char *url, server_address *out) MUST_CHECK;
void server_address_free(server_address *a);
status runner_secure(struct runner *r,
                     const server_address *a) MUST_CHECK; /* has TLS if a asks for it */

struct runner {
    runner_options options;
    char *app_id, *base_url, *base_path, *users_path;
    uint8_t metadata_key[64];
    server_address address; /* network thread */
    tls_context *tls;       /* NULL: not needed yet; network thread */
    char *trusted;          /* PEM, or NULL */
    proxy proxy;            /* host NULL: none */
    account_texts headers;
    loop *loop;
    thread *thread;
    _Atomic uint64_t thread_number;
    bool made_much; /* in this turn: the sockets are asked next; network thread */
    mutex lock;     /* of: commands, accounts, attached states */
    command *first, *last;
    account_list accounts;
    VECTOR(runner_session *) sessions;    /* network thread */
    VECTOR(net_connection *) connections; /* network thread */
    atomic_bool stop, free_itself, no_network;
};

/* runner.c */
uint64_t net_now_ms(const runner *r);
void runner_send(runner *r, const runner_event *event);
void runner_post(runner *r, const command *c); /* takes its references and texts */
/* runner_connection.c */
status net_open(runner *r, account *of,
                net_connection **out) MUST_CHECK; /* the open one, or a new one being connected */
void net_turn(runner *r, bool *again);
uint64_t net_deadline(const runner *r);
void net_close_all(runner *r, const char *why);
/* runner_calls.c, runner_calls_ask.c: unary */
unary_call *unary_new(runner *r, command_kind kind, uint64_t request, account *user);
void unary_free(unary_call *u);
/* bearer: the user's refresh token goes along. */
status unary_start(runner *r, unary_call *u, const char *path, const ProtobufCMessage *message,
                   bool bearer) MUST_CHECK;
void runner_done(runner *r, uint64_t request, status code, const char *text, account *user);
void runner_save(runner *r);
void runner_user_changed(runner *r, account *a);
status take_tokens(runner *r, unary_call *u, account **out) MUST_CHECK; /* out: a reference */
void account_leaves(runner *r, account *a,
                    int32_t state); /* sessions stop; REMOVED: off the list */
void log_in_done(unary_call *u, status code, const char *text);
void token_refused(runner *r, account *a); /* the log-in has ended elsewhere */
void ask_command(runner *r, command *c);
void ask_done(unary_call *u, status code, const char *text);
void calls_command(runner *r, command *c);
void calls_message(net_call *state, bytes message);
void calls_closed(net_call *state, status code, const char *text);
void calls_refresh(runner *r, account *a); /* token_refreshed follows */
/* runner_session.c */
void session_command(runner *r, command *c);
void session_turn(runner_session *s, bool *again);
void session_connected(runner_session *s);
void session_message(net_call *state, bytes message);
void session_call_closed(net_call *state, status code, const char *text);
void session_token_refreshed(runner *r, account *a, status code, const char *text);
void session_drop_all(runner *r);
void session_stop_account(runner *r, account *a);  /* log-out */
void session_start_account(runner *r, account *a); /* log-in */
#endif
