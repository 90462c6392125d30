#ifndef ATOLL_SERVER_SERVICES_H
#define ATOLL_SERVER_SERVICES_H
#include "server/runner_internal.h"

#include "auth.pb-c.h"

/* A unary call under way: services.c has those of apps, admin.c those of the command line. */
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
    char *email; /* of a registration whose password is being hashed */
    user who;    /* of a log-in whose password is being verified */
    bool as_admin;
};
void unary_answer(unary *u, const ProtobufCMessage *message);
void unary_fail(unary *u, status code);
unary_handler admin_handler(bytes path); /* NULL: not one of them */
/* Shared: a registration, by an app or by the command line. */
status register_user(unary *u, bytes request, bool as_admin) MUST_CHECK;
void fill_user(const user *from, Atoll__Auth__V0__User *to);
#endif
