#ifndef ATOLL_TOOLS_CLI_H
#define ATOLL_TOOLS_CLI_H
#include "auth.pb-c.h"
#include "base/bytes.h"

#include <stdio.h>

/* The arguments of every command; each takes what it knows and refuses the rest. */
typedef struct arguments {
    const char *words[5]; /* app list; user add EMAIL; ingest tail; import FILE; ... */
    int word_count;
    const char *data, *url, *token_file, *app;
    const char *password, *class_name, *key, *email, *partition, *format;
    const char *ca_file;       /* certificates that are trusted; NULL: those of the system */
    const char *since, *until; /* when ingested objects came */
    uint64_t after;
    bool json, follow, asymmetric, progress, quiet;
} arguments;

/* client.c: one blocking unary call to the server's Admin service. */
typedef struct admin admin;
status admin_open(const arguments *a, admin **out) MUST_CHECK;
void admin_close(admin *c);
status admin_call(admin *c, const char *method, const ProtobufCMessage *request,
                  const ProtobufCMessageDescriptor *type, ProtobufCMessage **answer) MUST_CHECK;
/* One call: opens, asks, and gives the answer; the caller frees it. */
status admin_ask(const arguments *a, const char *method, const ProtobufCMessage *request,
                 const ProtobufCMessageDescriptor *type, ProtobufCMessage **answer) MUST_CHECK;
status admin_find(const arguments *a, char *url,
                  size_t size) MUST_CHECK; /* http:// or https://HOST:PORT of the server */
/* commands */
status command_app_list(const arguments *a) MUST_CHECK;
status command_user(const arguments *a) MUST_CHECK;
status command_key(const arguments *a) MUST_CHECK;
status command_session_list(const arguments *a) MUST_CHECK;
status command_sync_terminate(const arguments *a) MUST_CHECK;
status command_schema_show(const arguments *a) MUST_CHECK;
status command_schema_change(const arguments *a, bool restore) MUST_CHECK;
status command_ingest_tail(const arguments *a, bool follow) MUST_CHECK;
status command_ingest_export(const arguments *a) MUST_CHECK;
status command_hash(const arguments *a) MUST_CHECK;
status command_import(const arguments *a) MUST_CHECK;
status read_ca(const arguments *a, buffer *out) MUST_CHECK; /* nothing without --ca */
void print_json_text(const char *text);
#endif
