/* A session's way through a client reset: which kind, whom to ask, when to give up.
 * It must never begin one that the app wants to make itself. Invariant: while the app is asked nothing of the server is
 * integrated and no attempt is made. */
#include "sync/session_internal.h"

#include <stdio.h>

/* A reset of a reset is nothing bad: the server may have been restored twice. That many in a row are a circle. */
enum { RESETS_IN_A_ROW_MAX = 5 };

static const char category[] = "Realm.Sync.Client.Reset";

bool session_reset_needed(status code)
{
    return code == ATOLL_ERROR_CLIENT_RESET || code == ATOLL_ERROR_COPIED_FOLDER;
}

static void reset_failed(session *s, const char *text)
{
    log_write(LOG_ERROR, category, "the client reset failed: %s", text);
    s->reset_asks = RESET_ASKS_NOTHING;
    s->reset_agreed = false;
    session_fatal(s, ATOLL_ERROR_AUTO_CLIENT_RESET_FAILED, text);
    session_unstage(s);
}

/* Which kind it will be; false: none is possible. */
static bool choose(session *s, bool no_recovery, bool *discard)
{
    int32_t mode = s->options.chosen.reset_mode;
    bool circle = s->reset.phase != RESET_NONE && s->reset.in_a_row >= RESETS_IN_A_ROW_MAX;
    *discard = mode == SESSION_RESET_DISCARD ||
               (mode == SESSION_RESET_RECOVER_OR_DISCARD && (no_recovery || circle));
    if (mode == SESSION_RESET_RECOVER && (no_recovery || circle)) return false;
    return !circle || (*discard && !s->reset.discard);
}

void session_reset(session *s, uint64_t now_ms, status code, const char *text, bool no_recovery)
{
    bool discard = false;
    if (s->options.chosen.reset_mode == SESSION_RESET_MANUAL) {
        session_fatal(s, code, text);
        return;
    }
    if (!choose(s, no_recovery, &discard)) {
        reset_failed(s, no_recovery ? "the server does not allow that unsent changes are recovered"
                                    : "one reset follows the other without an end");
        return;
    }
    log_write(LOG_WARN, category, "client reset, unsent changes are %s: %s",
              discard ? "discarded" : "recovered", text);
    s->wants_close = s->phase != PHASE_CLOSED;
    session_lost(s, now_ms, 0);
    session_publish_end(s); /* It was of the history that is given up. */
    status result =
        reset_begin(s->options.db, &s->sync, &s->reset, discard, code == ATOLL_ERROR_COPIED_FOLDER);
    if (result != ATOLL_OK)
        log_write(LOG_ERROR, category, "the reset could not begin, and is tried again: %s",
                  fail_text());
}

/* ---- asking ---- */

static void ask(session *s, int step)
{
    s->reset_asks = step;
    session_queue_numbers(s, SESSION_ACTION_RESET, step, s->reset.discard);
}

bool session_reset_asks(session *s)
{
    if (s->reset.phase != RESET_DOWNLOADING || !s->options.chosen.ask_resets || s->reset_agreed)
        return false;
    ask(s, RESET_ASKS_BEFORE);
    return true;
}

void session_hold(session *s, bytes message)
{
    held_message h = {memory_allocate(message.size + 1), message.size};
    s->pong_deadline_ms = 0; /* It is alive. */
    if (h.data != NULL) memcpy(h.data, message.data, message.size);
    if (h.data == NULL || vector_push(&s->held, h) != ATOLL_OK) {
        memory_free(h.data);
        s->wants_close = true;
        session_lost(s, 0, 0);
    }
}

void session_drop_held(session *s)
{
    for (size_t i = 0; i < s->held.count; i++) memory_free(s->held.items[i].data);
    s->held.count = 0;
}

void session_take_held(session *s, uint64_t now_ms)
{
    size_t count = s->held.count;
    held_message *all = s->held.items;
    s->held.items = NULL;
    s->held.count = s->held.capacity = 0;
    for (size_t i = 0; i < count; i++) {
        session_received(s, now_ms,
                         bytes_of(all[i].data, all[i].size)); /* Holds it when asking again. */
        memory_free(all[i].data);
    }
    memory_free(all);
}

void session_reset_continue(session *s, uint64_t now_ms, status code, const char *text)
{
    int step = s->reset_asks;
    if (step == RESET_ASKS_NOTHING) return;
    if (code != ATOLL_OK) {
        reset_failed(s, text != NULL && text[0] != '\0' ? text : "the app's handler failed");
        return;
    }
    s->reset_asks = RESET_ASKS_NOTHING;
    s->reset_agreed = step == RESET_ASKS_BEFORE;
    status result = step == RESET_ASKS_BEFORE ? session_reset_take(s) : ATOLL_OK;
    if (step == RESET_ASKS_BEFORE) session_unstage(s);
    if (result != ATOLL_OK) {
        /* Nothing was taken: the view comes again. */
        char copy[512];
        snprintf(copy, sizeof copy, "while taking the server's state: %s", fail_text());
        s->wants_close = s->phase != PHASE_CLOSED;
        session_lost(s, now_ms, 0);
        session_queue(s, SESSION_ACTION_ERROR, 0, result, copy);
        return;
    }
    session_take_held(s, now_ms);
    session_check_waits(s, now_ms);
}

/* ---- the transaction ---- */

static status take_rows(void *context, const wire_download *d)
{
    return integrate_rows(context, &d->rows);
}

static status integrate_reset(session *s, reset_apply *r, uint64_t to)
{
    TRY(reset_prepare(r));
    TRY(session_each_download(s, take_rows, r->g));
    TRY(reset_finish(r, to));
    if (r->record->discard && s->options.flexible) TRY(subscription_set_revert(r->g->txn));
    /* In this commit: after a crash it would be a complete group of this very ident, to be published again. */
    TRY(stage_drop(r->g->txn, s->stage.record.count));
    return sync_state_write(r->g->txn, r->state);
}

status session_reset_take(session *s)
{
    const download_end *last = &s->ended;
    row_set told = {0};
    sync_state next = s->sync;
    reset_record record = s->reset;
    integration g;
    model_txn *txn = NULL;
    if (last->from != 0 || !last->sweep)
        return fail(ATOLL_ERROR_PROTOCOL, "the answer to a bind without a cursor is not the view");
    TRY(session_take_schemas(s)); /* The app may have been asked meanwhile. */
    TRY(model_begin(s->options.db, COMMIT_REMOTE, &txn));
    integration_begin(&g, txn, 0, 0);
    g.told = &told;
    g.reset = model_txn_version(txn);
    reset_apply r = {.g = &g,
                     .db = s->options.db,
                     .state = &next,
                     .record = &record,
                     .platform = s->options.platform};
    if (last->clock > next.seen) next.seen = last->clock;
    next.cursor = last->to;
    status result = integrate_reset(s, &r, last->to);
    integration_end(&g);
    row_set_free(&told);
    reset_apply_end(&r);
    if (result != ATOLL_OK) {
        model_rollback(txn);
        return result;
    }
    TRY(model_commit(txn, NULL));
    s->sync = next;
    s->reset = record;
    s->reset_agreed = false;
    s->remembered = 0;
    s->local_changes = true;
    s->subscribe_wanted = s->options.flexible;
    log_write(LOG_INFO, category, "the client reset is done, at version %llu of the server",
              (unsigned long long)next.cursor);
    if (s->options.chosen.ask_resets) ask(s, RESET_ASKS_AFTER);
    return ATOLL_OK;
}

status session_reset_done(session *s)
{
    reset_record record = s->reset;
    model_txn *txn = NULL;
    if (record.phase != RESET_UPLOADING) return ATOLL_OK;
    TRY(model_begin(s->options.db, COMMIT_REMOTE, &txn));
    status result = reset_acknowledged(txn, &record, UINT64_MAX);
    if (result != ATOLL_OK) {
        model_rollback(txn);
        return result;
    }
    TRY(model_commit(txn, NULL));
    s->reset = record;
    return ATOLL_OK;
}

/* ---- for tests of apps ---- */

void session_simulate_error(session *s, uint64_t now_ms, status code, const char *text, bool fatal)
{
    if (session_reset_needed(code)) {
        session_reset(s, now_ms, code, text, false);
    } else if (fatal) {
        session_fatal(s, code, text);
    } else {
        session_queue(s, SESSION_ACTION_ERROR, 0, code, text);
        s->wants_close = s->phase != PHASE_CLOSED;
        session_lost(s, now_ms, 0);
    }
}
