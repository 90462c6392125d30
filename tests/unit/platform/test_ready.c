#include "platform/ready.h"

#include <criterion/criterion.h>
#include <poll.h>

static bool is_readable(const ready_flag *flag)
{
    struct pollfd watched = {.fd = flag->shown, .events = POLLIN};
    return poll(&watched, 1, 0) == 1;
}

Test(ready, descriptor_is_readable_exactly_while_the_flag_is_raised)
{
    ready_flag flag;
    cr_assert_eq(ready_flag_open(&flag), ATOLL_OK);
    cr_assert(!is_readable(&flag));
    for (int round = 0; round < 3; round++) {
        ready_flag_raise(&flag);
        cr_assert(is_readable(&flag));
        ready_flag_lower(&flag);
        cr_assert(!is_readable(&flag));
        ready_flag_lower(&flag);
    }
    /* More often than a pipe has room for: raising must not block. */
    for (int i = 0; i < 100000; i++) ready_flag_raise(&flag);
    cr_assert(is_readable(&flag));
    ready_flag_lower(&flag);
    cr_assert(!is_readable(&flag));
    ready_flag_close(&flag);
}
