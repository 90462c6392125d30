/* The per-thread text of the last failure. It must never allocate: it also reports running out of memory.
 * Invariant: the buffer always holds a terminated string. */
#include "base/status.h"
#include <stdio.h>
#include <string.h>

#define FAIL_TEXT_SIZE_MAX 1024

static _Thread_local char fail_buffer[FAIL_TEXT_SIZE_MAX];

void fail_format(const char *format, ...)
{
    /* An argument may point into the old text, so the new one is built beside it. */
    char text[FAIL_TEXT_SIZE_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    memcpy(fail_buffer, text, sizeof text);
}

const char *fail_text(void)
{
    return fail_buffer;
}

status fail_context(status code, const char *format, ...)
{
    char text[FAIL_TEXT_SIZE_MAX];
    va_list arguments;
    va_start(arguments, format);
    int used = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (used < 0 || used >= (int)sizeof text) used = (int)sizeof text - 1;
    snprintf(text + used, sizeof text - (size_t)used, "%s", fail_buffer);
    memcpy(fail_buffer, text, sizeof text);
    return code;
}
