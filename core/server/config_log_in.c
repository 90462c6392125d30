/* How users log in, as the configuration says: ways, confirmation of addresses, tokens of others.
 * Must never: take a provider without a key, since its tokens would then prove nothing.
 * Invariant: a log_in_config that is shared is not changed any more. */
#include "server/config_internal.h"

#include "platform/file.h"
#include "server/tokens.h"

#define KEYS_FILE_SIZE_MAX (1u << 20)
#define SECRET_SIZE_MIN 32 /* RFC 7518, 3.2: as long as the hash */
#define TICKET_MS_DEFAULT (30ull * 60 * 1000)

status log_in_config_new(log_in_config **out)
{
    log_in_config *c = memory_allocate_zero(sizeof *c);
    if (c == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    atomic_init(&c->references, 1);
    c->api_keys = true;
    c->ticket_ms = TICKET_MS_DEFAULT;
    *out = c;
    return ATOLL_OK;
}

log_in_config *log_in_config_retain(log_in_config *c)
{
    atomic_fetch_add(&c->references, 1);
    return c;
}

static void provider_free(token_provider *p)
{
    for (size_t i = 0; i < p->keys.count; i++) {
        memory_free(p->keys.items[i].id);
        memory_free(p->keys.items[i].text);
    }
    for (size_t i = 0; i < p->audiences.count; i++) memory_free(p->audiences.items[i]);
    vector_free(&p->keys);
    vector_free(&p->audiences);
    memory_free(p->name);
    memory_free(p->issuer);
}

void log_in_config_release(log_in_config *c)
{
    if (c == NULL || atomic_fetch_sub(&c->references, 1) != 1) return;
    for (size_t i = 0; i < c->providers.count; i++) provider_free(&c->providers.items[i]);
    vector_free(&c->providers);
    memory_free(c->command);
    memory_free(c);
}

const token_provider *log_in_config_provider(const log_in_config *c, const char *name)
{
    for (size_t i = 0; i < c->providers.count; i++) {
        if (strcmp(c->providers.items[i].name, name) == 0) return &c->providers.items[i];
    }
    return NULL;
}

/* ---- log_in ---- */

status config_read_log_in(yaml_reading *r, const yaml_node_t *node, app_config *app)
{
    static const char expected[] = "log_in: expected anonymous, email or api-key";
    if (node->type != YAML_SEQUENCE_NODE)
        return config_fail_at(node, "log_in: expected a list of anonymous, email and api-key");
    app->anonymous = app->email = app->log_in->api_keys = false;
    for (yaml_node_item_t *item = node->data.sequence.items.start;
         item < node->data.sequence.items.top; item++) {
        const yaml_node_t *way = yaml_document_get_node(&r->document, *item);
        if (config_is(way, "anonymous"))
            app->anonymous = true;
        else if (config_is(way, "email"))
            app->email = true;
        else if (config_is(way, "api-key"))
            app->log_in->api_keys = true;
        else
            return config_fail_at(way, expected);
    }
    return ATOLL_OK;
}

/* ---- email ---- */

static status read_email_key(const yaml_node_t *key, const yaml_node_t *node, log_in_config *c)
{
    if (config_is(key, "confirm")) {
        c->confirm = config_is(node, "sent");
        return c->confirm || config_is(node, "automatic")
                   ? ATOLL_OK
                   : config_fail_at(node, "confirm: expected automatic or sent");
    }
    if (config_is(key, "command")) {
        if (config_scalar(node).size == 0 || config_scalar(node).data[0] != '/')
            return config_fail_at(node, "command: expected the path of a program, from /");
        return config_set_text(&c->command, config_scalar(node));
    }
    if (config_is(key, "seconds")) return config_read_seconds(node, &c->ticket_ms);
    return config_fail_at(key, "unknown key: expected confirm, command or seconds");
}

status config_read_email(yaml_reading *r, const yaml_node_t *node, app_config *app)
{
    if (node->type != YAML_MAPPING_NODE)
        return config_fail_at(node, "email: expected confirm, command or seconds");
    for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        TRY(read_email_key(yaml_document_get_node(&r->document, pair->key),
                           yaml_document_get_node(&r->document, pair->value), app->log_in));
    }
    return ATOLL_OK;
}

/* ---- tokens ---- */

static status read_file_of(const yaml_node_t *node, buffer *content)
{
    bytes path = config_scalar(node);
    char *copy = memory_copy_text((const char *)path.data, path.size);
    if (copy == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    status result = file_read(copy, KEYS_FILE_SIZE_MAX, content);
    memory_free(copy);
    if (result == ATOLL_OK || result == ATOLL_ERROR_OUT_OF_MEMORY) return result;
    return config_fail_at(node, fail_text());
}

static status add_secret(const yaml_node_t *node, token_provider *p, bytes content)
{
    while (content.size > 0 &&
           (content.data[content.size - 1] == '\n' || content.data[content.size - 1] == '\r')) {
        content.size--; /* an editor's, not the secret's */
    }
    if (content.size < SECRET_SIZE_MIN)
        return config_fail_at(node, "secret: expected a file of at least 32 bytes");
    provider_key key = {NULL, memory_copy_text((const char *)content.data, content.size),
                        content.size};
    if (key.text == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    status result = vector_push(&p->keys, key);
    if (result != ATOLL_OK) memory_free(key.text);
    return result;
}

static status read_keys(const yaml_node_t *node, token_provider *p, bool secret)
{
    buffer content;
    buffer_init(&content, KEYS_FILE_SIZE_MAX + 8192);
    status result = read_file_of(node, &content);
    if (result == ATOLL_OK && secret) result = add_secret(node, p, buffer_view(&content));
    if (result == ATOLL_OK && !secret) {
        result = provider_keys_read(buffer_view(&content), p);
        if (result == ATOLL_ERROR_MISMATCHED_CONFIG) result = config_fail_at(node, fail_text());
    }
    buffer_free(&content);
    if (result == ATOLL_OK) p->shared_secret = secret;
    return result;
}

static status add_audience(const yaml_node_t *node, token_provider *p)
{
    char *text = NULL;
    if (config_scalar(node).size == 0) return config_fail_at(node, "audience: expected a text");
    TRY(config_set_text(&text, config_scalar(node)));
    status result = vector_push(&p->audiences, text);
    if (result != ATOLL_OK) memory_free(text);
    return result;
}

static status read_audiences(yaml_reading *r, const yaml_node_t *node, token_provider *p)
{
    if (node->type != YAML_SEQUENCE_NODE) return add_audience(node, p);
    for (yaml_node_item_t *item = node->data.sequence.items.start;
         item < node->data.sequence.items.top; item++) {
        TRY(add_audience(yaml_document_get_node(&r->document, *item), p));
    }
    return ATOLL_OK;
}

static status read_provider_key(yaml_reading *r, const yaml_node_t *key, const yaml_node_t *node,
                                token_provider *p)
{
    if (config_is(key, "provider")) {
        bool known = config_is(node, "custom-token") || config_is(node, "oauth2-google") ||
                     config_is(node, "oauth2-apple");
        return known ? config_set_text(&p->name, config_scalar(node))
                     : config_fail_at(
                           node, "provider: expected custom-token, oauth2-google or oauth2-apple");
    }
    if (config_is(key, "keys")) return read_keys(node, p, false);
    if (config_is(key, "secret")) return read_keys(node, p, true);
    if (config_is(key, "issuer")) return config_set_text(&p->issuer, config_scalar(node));
    if (config_is(key, "audience")) return read_audiences(r, node, p);
    return config_fail_at(key, "unknown key: expected provider, keys, secret, issuer or audience");
}

static status read_provider(yaml_reading *r, const yaml_node_t *node, log_in_config *c,
                            token_provider *p)
{
    if (node->type != YAML_MAPPING_NODE)
        return config_fail_at(node, "expected provider, keys or secret, issuer, audience");
    for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        size_t before = p->keys.count;
        const yaml_node_t *key = yaml_document_get_node(&r->document, pair->key);
        TRY(read_provider_key(r, key, yaml_document_get_node(&r->document, pair->value), p));
        if (before > 0 && p->keys.count > before)
            return config_fail_at(key, "a provider has keys or a secret, once");
    }
    if (p->name == NULL) return config_fail_at(node, "the provider has no name: provider");
    if (p->keys.count == 0)
        return config_fail_at(node, "the provider has no keys: without one anybody could log in");
    if (strcmp(p->name, "custom-token") != 0 && (p->issuer == NULL || p->audiences.count == 0)) {
        return config_fail_at(node, "a public provider needs issuer and audience: else a token "
                                    "made for another app would do");
    }
    if (log_in_config_provider(c, p->name) != NULL)
        return config_fail_at(node, "a second provider of the same name");
    return ATOLL_OK;
}

status config_read_tokens(yaml_reading *r, const yaml_node_t *node, app_config *app)
{
    if (node->type != YAML_SEQUENCE_NODE)
        return config_fail_at(node, "tokens: expected a list of providers");
    for (yaml_node_item_t *item = node->data.sequence.items.start;
         item < node->data.sequence.items.top; item++) {
        token_provider p = {0};
        status result =
            read_provider(r, yaml_document_get_node(&r->document, *item), app->log_in, &p);
        if (result == ATOLL_OK) result = vector_push(&app->log_in->providers, p);
        if (result != ATOLL_OK) {
            provider_free(&p);
            return result;
        }
    }
    return ATOLL_OK;
}

/* ---- tls ---- */

status config_read_tls(yaml_reading *r, const yaml_node_t *node)
{
    server_config *c = r->config;
    if (node->type != YAML_MAPPING_NODE)
        return config_fail_at(node, "tls: expected certificate and key, two files");
    for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = yaml_document_get_node(&r->document, pair->key);
        const yaml_node_t *value = yaml_document_get_node(&r->document, pair->value);
        if (config_is(key, "certificate"))
            TRY(config_set_text(&c->certificate, config_scalar(value)));
        else if (config_is(key, "key"))
            TRY(config_set_text(&c->key, config_scalar(value)));
        else
            return config_fail_at(key, "unknown key: expected certificate or key");
    }
    return c->certificate != NULL && c->key != NULL
               ? ATOLL_OK
               : config_fail_at(node, "tls: expected certificate and key, two files");
}
