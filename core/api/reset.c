/* Client resets as an app sees them: the question before and after one.
 * It must never let a session wait for somebody who is not there. Invariant: a question that nobody answered is kept as long
 * as a realm is open, for the first who observes resets. */
#include "api/api.h"

static bool heard(const database *d)
{
    for (size_t i = 0; i < d->observers.count; i++)
        if (d->observers.items[i].kind == OBSERVE_RESETS) return true;
    return false;
}

void database_tell_reset(database *d, const api_session_observer *o)
{
    if (d->reset_step == ATOLL_RESET_STEP_NONE) return;
    atoll_event *event = event_new(ATOLL_EVENT_CLIENT_RESET, o->id);
    if (event != NULL) event->numbers[0] = d->reset_step, event->numbers[1] = d->reset_discards;
    queue_push(o->queue, event);
}

void database_reset_event(database *d, int32_t step, int32_t discards)
{
    mutex_lock(&d->lock);
    d->reset_step = step;
    d->reset_discards = discards;
    bool answer = d->dying && !heard(d);
    for (size_t i = 0; i < d->observers.count; i++)
        if (d->observers.items[i].kind == OBSERVE_RESETS)
            database_tell_reset(d, &d->observers.items[i]);
    mutex_unlock(&d->lock);
    if (answer) database_continue_reset(d, ATOLL_OK, bytes_of("", 0));
}

bool database_reset_unheard(const database *d)
{
    return d->reset_step != ATOLL_RESET_STEP_NONE && !heard(d);
}

void database_continue_reset(database *d, status code, bytes text)
{
    mutex_lock(&d->lock);
    bool waits = d->reset_step != ATOLL_RESET_STEP_NONE;
    d->reset_step = ATOLL_RESET_STEP_NONE;
    mutex_unlock(&d->lock);
    if (waits && d->session != NULL) runner_session_reset_continue(d->session, code, text);
}
