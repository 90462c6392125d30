#ifndef ATOLL_TESTS_SUPPORT_TEMP_H
#define ATOLL_TESTS_SUPPORT_TEMP_H
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A fresh folder for one test; removed by temp_folder_remove. */
static inline const char *temp_folder(char path[64])
{
    snprintf(path, 64, "/tmp/atoll-test-XXXXXX");
    return mkdtemp(path);
}
static inline void temp_folder_remove(const char *path)
{
    char command[128];
    if (strncmp(path, "/tmp/atoll-test-", 16) != 0) return;
    snprintf(command, sizeof command, "rm -rf '%s'", path);
    if (system(command) != 0) fprintf(stderr, "could not remove %s\n", path);
}
#endif
