#ifndef ATOLL_BASE_REAL_H
#define ATOLL_BASE_REAL_H
#include "base/bytes.h"

/* Doubles as text. */
enum { REAL_TEXT_SIZE = 32 };
/* A short text that strtod reads as the same double: 21.5, -0.001, 3, 1e+100. It has a digit more than the shortest one now and
 * then. The number is finite. Answers the size; NUL at the end. */
size_t real_print(double real, char to[REAL_TEXT_SIZE]);
#endif
