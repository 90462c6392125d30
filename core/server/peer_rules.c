/* What a peer's user may do: his roles are chosen at Bind, and again when the configuration or his data changes.
 * It must never let a copy go on that was made with other rules: its view is sent anew, and the client sweeps.
 * Invariant: an ident's record names the rules that its copy has from some version on, so that a change while the device
 * was away is noticed too. */
#include "server/app.h"

status peer_set_user_data(peer *p, bytes json)
{
    user_data *data = NULL;
    TRY(user_data_read(json, &data));
    user_data_free(p->data);
    p->data = data;
    return ATOLL_OK;
}

status peer_make_rules(peer *p, const value *partition)
{
    session_rules rules;
    role_subject subject = {p->user_id, p->data, partition};
    model_view *view = model_view_newest(p->app->db);
    if (view == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    status result = rules_new(p->app->roles, model_view_schema(view), &p->client_schema->schema,
                              &subject, &rules);
    model_view_release(view);
    if (result != ATOLL_OK) return result;
    early_drop_of(p); /* It was judged by the others. */
    rules_free(&p->rules);
    p->rules = rules;
    return ATOLL_OK;
}

static uint64_t fingerprint_of(const peer *p)
{
    return p->rules.fingerprint + (p->rules.reads_partition ? 0 : 1);
}

status peer_keep_rules(peer *p, ident_record *r, uint64_t cursor, bool *changed)
{
    model_txn *txn = NULL;
    uint64_t fingerprint = fingerprint_of(p);
    bool same = r->rules_fingerprint == fingerprint;
    *changed = cursor > 0 && (!same || cursor < r->rules_version);
    if (same) return ATOLL_OK;
    TRY(app_begin(p->app, &txn));
    r->rules_fingerprint = fingerprint;
    r->rules_version = model_txn_version(txn);
    status result = ident_write(txn, p->ident, r);
    if (result == ATOLL_OK) return model_commit(txn, NULL);
    model_rollback(txn);
    return result;
}

status peer_renew_view(peer *p)
{
    server_view made;
    TRY(view_again(p->app, &p->rules, p->has_next_view ? &p->next_view : &p->view, &made));
    status result = view_declare_queryables(p->app, &made);
    if (result != ATOLL_OK) {
        view_free(&made);
        return result;
    }
    if (p->has_next_view)
        view_free(&p->next_view);
    else
        p->next_view_version = p->view_version;
    p->next_view = made;
    p->has_next_view = p->view_unknown = true;
    p->view_stale = false;
    return ATOLL_OK;
}

/* What may be written changes at once, what is seen between two groups. */
static status renew_rules(peer *p)
{
    ident_record record;
    bool found = false, changed = false;
    uint64_t before = fingerprint_of(p);
    TRY(peer_make_rules(p, p->view.partition ? &p->view.partition_value : NULL));
    if (fingerprint_of(p) == before) return ATOLL_OK;
    p->view_stale = !BREAKAGE(BREAKAGE_VIEW_NOT_RENEWED);
    TRY(ident_read(p->app, p->ident, &record, &found));
    status result = peer_keep_rules(p, &record, p->cursor, &changed);
    ident_record_free(&record);
    if (result == ATOLL_OK && p->view_stale && !p->group.active) result = peer_renew_view(p);
    peer_wake(p);
    return result;
}

status server_app_set_roles(server_app *app, role_set *roles)
{
    role_set *before = app->roles;
    app->roles = role_set_retain(roles);
    role_set_release(before);
    for (size_t i = 0; i < app->peers.count; i++) {
        if (app->peers.items[i]->bound) TRY(renew_rules(app->peers.items[i]));
    }
    return ATOLL_OK;
}

status server_app_set_user_data(server_app *app, const char *user_id, bytes json)
{
    for (size_t i = 0; i < app->peers.count; i++) {
        peer *p = app->peers.items[i];
        if (strcmp(p->user_id, user_id) != 0) continue;
        TRY(peer_set_user_data(p, json));
        if (p->bound) TRY(renew_rules(p));
    }
    return ATOLL_OK;
}
