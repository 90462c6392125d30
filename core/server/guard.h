#ifndef ATOLL_SERVER_GUARD_H
#define ATOLL_SERVER_GUARD_H
#include "base/bytes.h"
#include "platform/platform.h"

/* Against guessing: who fails too often for one name has to wait, whoever asks. Bounded memory. */
typedef struct guard guard;
status guard_new(const platform *p, guard **out) MUST_CHECK;
void guard_free(guard *g);
/* LIMIT_EXCEEDED says how long to wait. */
status guard_check(guard *g, const char *app_id, bytes name) MUST_CHECK;
void guard_failed(guard *g, const char *app_id, bytes name);
void guard_passed(guard *g, const char *app_id, bytes name);
#endif
