/* The commands of keys by which servers log in.
 * Must never: show a key after its creation; the server doesn't have it any more.
 * Invariant: with --json, standard output is one JSON array or object, nothing else. */
#include "cli.h"

#include <inttypes.h>

static void print_key(const Atoll__Auth__V1__Key *k, bool json, const char *separator)
{
    if (!json) {
        printf("%-26s %-9s %-24s %s\n", k->id, k->disabled ? "disabled" : "enabled", k->name,
               k->secret);
        return;
    }
    printf("%s\"id\": \"%s\", \"name\": ", separator, k->id);
    print_json_text(k->name);
    printf(", \"disabled\": %s, \"created_ms\": %" PRId64, k->disabled ? "true" : "false",
           k->created_ms);
    if (k->secret[0] != '\0') printf(", \"key\": \"%s\"", k->secret);
    putchar('}');
}

static void print_list(const Atoll__Auth__V1__KeyList *list, bool json)
{
    if (json) putchar('[');
    if (!json) printf("%-26s %-9s %-24s %s\n", "ID", "STATE", "NAME", "KEY");
    for (size_t i = 0; i < list->n_keys; i++)
        print_key(list->keys[i], json, i == 0 ? "\n {" : ",\n {");
    if (json) fputs("\n]\n", stdout);
}

status command_key(const arguments *a)
{
    Atoll__Auth__V1__KeyRequest request = ATOLL__AUTH__V1__KEY_REQUEST__INIT;
    ProtobufCMessage *answer = NULL;
    const char *what = a->words[1];
    bool create = strcmp(what, "create") == 0, list = strcmp(what, "list") == 0;
    const char *method = create                        ? "CreateServerKey"
                         : list                        ? "ListServerKeys"
                         : strcmp(what, "delete") == 0 ? "DeleteServerKey"
                                                       : "EnableServerKey";
    request.app_id = (char *)(uintptr_t)a->app;
    request.disable = strcmp(what, "disable") == 0;
    if (create)
        request.name = (char *)(uintptr_t)a->words[2];
    else if (!list)
        request.id = (char *)(uintptr_t)a->words[2];
    TRY(admin_ask(a, method, &request.base,
                  create || list ? &atoll__auth__v1__key_list__descriptor
                                 : &atoll__auth__v1__nothing__descriptor,
                  &answer));
    if (create || list) print_list((const Atoll__Auth__V1__KeyList *)answer, a->json);
    protobuf_c_message_free_unpacked(answer, NULL);
    return ATOLL_OK;
}
