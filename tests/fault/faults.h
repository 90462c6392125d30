#ifndef ATOLL_TESTS_FAULTS_H
#define ATOLL_TESTS_FAULTS_H
#include "api_support.h"
#include "base/log.h"

/* What the tests that let the k-th call fail share. Each defines E, the place of its error. */
#define GO(call)                  \
    do {                          \
        call;                     \
        if (*(E) != NULL) return; \
    } while (0)

/* The error of a fault is the fault's own, and says more than its name; frees it. */
static inline void faults_check_error(atoll_error *error, uint64_t k, bool allocation)
{
    cr_assert_eq(atoll_error_code(error),
                 allocation ? ATOLL_ERROR_OUT_OF_MEMORY : ATOLL_ERROR_DISK_FULL,
                 "fault %lu: %s: %s", k, atoll_status_name(atoll_error_code(error)),
                 atoll_error_message(error));
    cr_assert_gt(strlen(atoll_error_message(error)), 10);
    atoll_error_free(error);
}

/* Fault after fault, until that many in a row made nothing fail: then there is none further out. */
static inline void faults_each(bool (*live_through)(const char *folder, uint64_t k,
                                                    bool allocation),
                               bool allocation, uint64_t misses_max, uint64_t failures_min)
{
    char folder[64];
    temp_folder(folder);
    log_set_level(LOG_ERROR);
    uint64_t misses = 0, failures = 0;
    for (uint64_t k = 1; misses < misses_max; k++) {
        bool failed = live_through(folder, k, allocation);
        failures += failed;
        misses = failed ? 0 : misses + 1;
    }
    cr_assert_gt(failures, failures_min, "only %lu faults", failures);
    temp_folder_remove(folder);
}
#endif
