#ifndef ATOLL_BASE_CALENDAR_H
#define ATOLL_BASE_CALENDAR_H
#include <stdint.h>

/* Days since 1970-01-01 to a date of the proleptic Gregorian calendar. */
void calendar_date(int64_t days, int64_t *year, unsigned *month, unsigned *day);
#endif
