/* The assertions of plain.h. */
#include "plain.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void plain_die(const char *file, int line, const char *what, const char *format, ...)
{
    va_list arguments;
    fprintf(stderr, "%s:%d: %s fails: ", file, line, what);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(1);
}
