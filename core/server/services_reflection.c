/* The reflection service of gRPC and the health of the server, also watched.
 * Must never: tell more than schema/ does: it answers everybody.
 * Invariant: each request of a reflection stream has one response, in order. */
#include "server/services.h"

#include "descriptors.h"
#include "health.pb-c.h"
#include "reflection.pb-c.h"

#define REFLECTION_UNSENT_MAX (1u << 20)

typedef Grpc__Reflection__V1__ServerReflectionResponse reflection_response;

static status answer_error(unary *u, reflection_response *response, const char *text)
{
    Grpc__Reflection__V1__ErrorResponse error = GRPC__REFLECTION__V1__ERROR_RESPONSE__INIT;
    error.error_code = GRPC_NOT_FOUND;
    error.error_message = (char *)(uintptr_t)text;
    response->message_response_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_ERROR_RESPONSE;
    response->error_response = &error;
    return unary_send(u, &response->base);
}

static status answer_file(unary *u, reflection_response *response, int index)
{
    Grpc__Reflection__V1__FileDescriptorResponse files =
        GRPC__REFLECTION__V1__FILE_DESCRIPTOR_RESPONSE__INIT;
    const descriptor_file *file = &descriptor_files[index];
    ProtobufCBinaryData data = {file->size, (uint8_t *)(uintptr_t)file->data};
    files.file_descriptor_proto = &data;
    files.n_file_descriptor_proto = 1;
    response->message_response_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_FILE_DESCRIPTOR_RESPONSE;
    response->file_descriptor_response = &files;
    return unary_send(u, &response->base);
}

static status answer_services(unary *u, reflection_response *response)
{
    Grpc__Reflection__V1__ListServiceResponse list =
        GRPC__REFLECTION__V1__LIST_SERVICE_RESPONSE__INIT;
    Grpc__Reflection__V1__ServiceResponse services[16], *shown[16];
    for (size_t i = 0; descriptor_services[i] != NULL && i < 16; i++) {
        grpc__reflection__v1__service_response__init(&services[i]);
        services[i].name = (char *)(uintptr_t)descriptor_services[i];
        shown[list.n_service++] = &services[i];
    }
    list.service = shown;
    response->message_response_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_LIST_SERVICES_RESPONSE;
    response->list_services_response = &list;
    return unary_send(u, &response->base);
}

static status answer_symbol(unary *u, reflection_response *response, const char *name)
{
    for (size_t i = 0; descriptor_symbols[i].name != NULL; i++) {
        if (strcmp(descriptor_symbols[i].name, name) != 0) continue;
        return answer_file(u, response, descriptor_symbols[i].file);
    }
    return answer_error(u, response, "no such symbol");
}

static status answer_name(unary *u, reflection_response *response, const char *name)
{
    for (int i = 0; descriptor_files[i].name != NULL; i++) {
        if (strcmp(descriptor_files[i].name, name) != 0) continue;
        return answer_file(u, response, i);
    }
    return answer_error(u, response, "no such file");
}

status handle_reflection(unary *u, bytes request)
{
    if (grpc_unsent(u->call) > REFLECTION_UNSENT_MAX)
        return fail(ATOLL_ERROR_LIMIT_EXCEEDED, "read the answers before asking for more");
    Grpc__Reflection__V1__ServerReflectionRequest *m =
        grpc__reflection__v1__server_reflection_request__unpack(NULL, request.size, request.data);
    if (m == NULL) return fail_request();
    reflection_response response = GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__INIT;
    response.valid_host = m->host;
    response.original_request = m;
    status result;
    switch (m->message_request_case) {
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_BY_FILENAME:
        result = answer_name(u, &response, m->file_by_filename);
        break;
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_CONTAINING_SYMBOL:
        result = answer_symbol(u, &response, m->file_containing_symbol);
        break;
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_LIST_SERVICES:
        result = answer_services(u, &response);
        break;
    default: result = answer_error(u, &response, "there are no extensions"); break;
    }
    grpc__reflection__v1__server_reflection_request__free_unpacked(m, NULL);
    return result;
}

/* ---- health ---- */

static status read_service(bytes request, bool *known)
{
    Grpc__Health__V1__HealthCheckRequest *m =
        grpc__health__v1__health_check_request__unpack(NULL, request.size, request.data);
    if (m == NULL) return fail_request();
    *known = strcmp(m->service, "") == 0 || strcmp(m->service, "atoll.sync.v1.Sync") == 0 ||
             strcmp(m->service, "atoll.auth.v1.Auth") == 0;
    grpc__health__v1__health_check_request__free_unpacked(m, NULL);
    return ATOLL_OK;
}

status handle_health(unary *u, bytes request)
{
    bool known = false;
    Grpc__Health__V1__HealthCheckResponse response = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;
    TRY(read_service(request, &known));
    if (!known) return fail(ATOLL_ERROR_UNKNOWN_APP, "unknown service");
    response.status = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING;
    unary_answer(u, &response.base);
    return ATOLL_OK;
}

/* The state never changes while a server runs: the stream is told it once, and ends with the server. */
status handle_watch(unary *u, bytes request)
{
    bool known = false;
    Grpc__Health__V1__HealthCheckResponse response = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;
    TRY(read_service(request, &known));
    response.status =
        known ? GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING
              : GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVICE_UNKNOWN;
    return unary_send(u, &response.base);
}
