/* How far a session's transfers are, for those who observe its progress. Must never be asked by the session itself whether
 * something is done. Invariants: the bytes never become fewer; a fraction is 1 only when nothing is left to do, and below 0
 * while nothing is known yet. Bytes are those of messages before compression. */
#include "sync/session_internal.h"

#define FRACTION_UNKNOWN (-1.0)
#define FRACTION_NEARLY 0.99

static void set_fraction(session *s, double *fraction, double value)
{
    if (*fraction != value) s->progress_changed = true;
    *fraction = value;
}

static double part_of(uint64_t done, uint64_t all)
{
    double part = all == 0 ? 0 : (double)done / (double)all;
    return part > FRACTION_NEARLY ? FRACTION_NEARLY : part;
}

void session_progress_init(session *s)
{
    s->progress.upload_fraction = s->progress.download_fraction = FRACTION_UNKNOWN;
}

/* ---- uploads ---- */

/* A run is what happens between two moments at which nothing is unsent. */
void session_progress_to_upload(session *s)
{
    if (s->progress.upload_fraction >= 0 && s->progress.upload_fraction < 1) return;
    s->upload_run_from = s->progress.uploaded_bytes;
    set_fraction(s, &s->progress.upload_fraction, 0);
}

/* A batch that is sent again after a cut counts once: what was transferred is what was acknowledged, and the most of the
 * batch behind it that was ever sent. */
void session_progress_sent(session *s, size_t bytes, double part)
{
    session_progress *p = &s->progress;
    const upload_batch *u = &s->batch;
    session_progress_to_upload(s);
    s->batch_bytes += bytes;
    uint64_t expected = s->batch_bytes;
    if (!u->sent_all && part > 0 && part < 1) expected = (uint64_t)((double)expected / part);
    uint64_t sent = s->acknowledged_bytes + s->batch_bytes;
    if (sent > p->uploaded_bytes) p->uploaded_bytes = sent;
    p->uploadable_bytes = s->acknowledged_bytes + expected;
    if (!u->sent_all) p->uploadable_bytes++; /* At least something follows. */
    if (p->uploadable_bytes < p->uploaded_bytes) p->uploadable_bytes = p->uploaded_bytes;
    s->progress_changed = true;
    p->upload_fraction =
        part_of(p->uploaded_bytes - s->upload_run_from, p->uploadable_bytes - s->upload_run_from);
}

void session_progress_batch_begins(session *s)
{
    s->batch_bytes = 0;
}

/* Whether more is to be sent the next look at the pending table tells. */
void session_progress_acknowledged(session *s)
{
    session_progress *p = &s->progress;
    s->acknowledged_bytes = p->uploadable_bytes = p->uploaded_bytes;
    s->batch_bytes = 0;
    s->progress_changed = true;
}

void session_progress_all_sent(session *s)
{
    s->progress.uploadable_bytes = s->progress.uploaded_bytes;
    set_fraction(s, &s->progress.upload_fraction, 1);
}

/* ---- downloads ---- */

void session_progress_received(session *s, size_t bytes, size_t rows, uint64_t rows_left)
{
    session_progress *p = &s->progress;
    p->downloaded_bytes += bytes;
    s->group_bytes += bytes;
    uint64_t left = rows == 0
                        ? rows_left
                        : (uint64_t)((double)s->group_bytes / (double)rows * (double)rows_left);
    p->downloadable_bytes = p->downloaded_bytes + left;
    p->download_fraction = part_of(rows, rows + rows_left);
    s->progress_changed = true;
}

/* Whether the newest set of subscriptions still waits for its objects. */
static bool wants_another_view(session *s)
{
    subscription_set newest = {0};
    if (!s->options.flexible) return false;
    if (s->subscribed.version > s->sync.view_version) return true;
    if (!s->subscribe_wanted || subscription_set_newest(s->options.db, &newest) != ATOLL_OK)
        return false;
    bool pending = newest.state == SUBSCRIPTION_PENDING && newest.version > s->sync.view_version;
    subscription_set_free(&newest);
    return pending;
}

void session_progress_to_download(session *s)
{
    if (s->progress.download_fraction == 1) set_fraction(s, &s->progress.download_fraction, 0);
}

/* What was received is in the realm now, or was given up. */
void session_progress_group_ends(session *s, bool integrated)
{
    s->group_bytes = 0;
    if (!integrated || wants_another_view(s)) return;
    s->progress.downloadable_bytes = s->progress.downloaded_bytes;
    set_fraction(s, &s->progress.download_fraction, 1);
}

void session_get_progress(const session *s, session_progress *out)
{
    *out = s->progress;
}
