#ifndef ATOLL_SERVER_SERVICES_H
#define ATOLL_SERVER_SERVICES_H
#include "server/runner_internal.h"

#include "auth.pb-c.h"

/* A unary call under way: services*.c have those of apps, admin.c those of the command line. */
typedef struct unary unary;
typedef status (*unary_handler)(unary *u, bytes request);
struct unary {
    call_state state; /* first */
    server_runner *runner;
    connection *connection;
    grpc_call *call;   /* NULL: the client has gone */
    password_job *job; /* NULL: none */
    unary_handler handle;
    void (*password_done)(unary *u, password_job *job);
    bool received;
    served_app *app;
    char *email;  /* of a registration whose password is being hashed */
    user who;     /* of a log-in whose password is being verified */
    user linked;  /* of a call that links: who gets another identity */
    token proven; /* and by which log-in */
    char *device_id;
    bool as_admin, linking;
};
status unary_send(unary *u, const ProtobufCMessage *message); /* and more may follow */
void unary_answer(unary *u, const ProtobufCMessage *message);
void unary_answer_nothing(unary *u);
void unary_fail(unary *u, status code);
status fail_request(void) MUST_CHECK; /* the message cannot be read */
/* done gets the job back on the loop's thread, once hashed, or compared with hash if there is one. */
status unary_start_job(unary *u, bytes password, const char *hash,
                       void (*done)(unary *u, password_job *job)) MUST_CHECK;
/* The user of the refresh token in the metadata, as u->who, and u->app. */
status unary_user(unary *u, const char *app_id, token *t) MUST_CHECK;
unary_handler admin_handler(bytes path); /* NULL: not one of them */
/* Shared: a registration, by an app or by the command line. */
status register_user(unary *u, bytes request, bool as_admin) MUST_CHECK;
void fill_user(const user *from, Atoll__Auth__V1__User *to);
/* services_reflection.c */
status handle_reflection(unary *u, bytes request);
status handle_health(unary *u, bytes request);
status handle_watch(unary *u, bytes request);
/* services_log_in.c */
void answer_tokens(unary *u, const user *who, const char *provider, const char *log_in,
                   bool with_refresh);
status handle_log_in(unary *u, bytes request);
status handle_link(unary *u, bytes request);
/* services_account.c */
status send_ticket(unary *u, const user *who, bool reset) MUST_CHECK;
status handle_confirm(unary *u, bytes request);
status handle_resend(unary *u, bytes request);
status handle_send_reset(unary *u, bytes request);
status handle_reset(unary *u, bytes request);
status handle_delete_user(unary *u, bytes request);
/* services_keys.c: keys of users, and those of servers for admin.c */
status handle_create_key(unary *u, bytes request);
status handle_find_keys(unary *u, bytes request);
status handle_enable_key(unary *u, bytes request);
status handle_delete_key(unary *u, bytes request);
status do_server_key(unary *u, bytes request,
                     const char *what) MUST_CHECK; /* "create", "list", "enable", "delete" */
#endif
