/* The switch of the deliberate breakages (sync/breakage.h): none unless a test asks for one. */
#include "sync/breakage.h"

#include <string.h>

int breakage_active = BREAKAGE_NONE;
unsigned simulator_mended;
unsigned simulator_message_size = 1u << 20;
unsigned simulator_slice_rows = 2000, simulator_slice_delay_ms, simulator_stage_bytes = 1u << 20;
unsigned simulator_slices, simulator_resumed, simulator_continued;

int breakage_named(const char *name)
{
    static const char *const names[] = {"none",
                                        "acknowledge-before-commit",
                                        "no-tombstone",
                                        "wrong-tie-break",
                                        "mark-moved-on-a-miss",
                                        "evict-of-a-pending-row",
                                        "leaves-not-watched",
                                        "place-not-left",
                                        "default-wins",
                                        "last-arrived-wins",
                                        "create-revives",
                                        "delete-ignored",
                                        "no-leave-record",
                                        "life-not-raised",
                                        "ingest-lost",
                                        "skipped-sync",
                                        "view-ignored",
                                        "eviction-not-sent",
                                        "row-skipped",
                                        "refusal-not-told",
                                        "pending-overwritten",
                                        "list-replaced",
                                        "no-sweep",
                                        "acknowledged-without-outcome",
                                        "acknowledged-too-much",
                                        "added-over-a-bound",
                                        "clear-forgotten",
                                        "write-not-judged",
                                        "view-not-renewed",
                                        "secret-field-sent",
                                        "cursor-with-the-first-slice",
                                        "slices-not-resumed",
                                        "behind-not-sent",
                                        "told-forgotten",
                                        "copies-send-twice"};
    _Static_assert(sizeof names / sizeof *names == BREAKAGE_COUNT, "each breakage has a name");
    for (int i = 0; i < BREAKAGE_COUNT; i++) {
        if (strcmp(names[i], name) == 0) return i;
    }
    return -1;
}
