#ifndef ATOLL_TESTS_UNIT_MODEL_PLAIN_H
#define ATOLL_TESTS_UNIT_MODEL_PLAIN_H
/* The assertions of the test framework for a plain program: the first one that fails ends it. */
void plain_die(const char *file, int line, const char *what, const char *format, ...);
#define cr_assert(c, ...) ((c) ? (void)0 : plain_die(__FILE__, __LINE__, #c, "" __VA_ARGS__))
#define cr_assert_eq(a, b, ...) cr_assert((a) == (b), ##__VA_ARGS__)
#define cr_assert_lt(a, b, ...) cr_assert((a) < (b), ##__VA_ARGS__)
#endif
