/* Runs a fuzz target over files and folders of files: the corpus in every test run, or one input that crashed. It must
 * fail when it finds no input, so that a lost corpus does not pass. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t run_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) return 0;
    size_t capacity = 1 << 20, size = 0;
    /* Exactly as large as the input, so that a sanitizer sees a read past its end. */
    uint8_t *data = malloc(capacity);
    if (data != NULL) size = fread(data, 1, capacity, file);
    fclose(file);
    uint8_t *exact = malloc(size == 0 ? 1 : size);
    if (data == NULL || exact == NULL) abort();
    for (size_t i = 0; i < size; i++) exact[i] = data[i];
    free(data);
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
    return 1;
}

static size_t run_path(const char *path)
{
    struct stat what;
    if (stat(path, &what) != 0) return 0;
    if (!S_ISDIR(what.st_mode)) return run_file(path);
    DIR *folder = opendir(path);
    size_t count = 0;
    if (folder == NULL) return 0;
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        char inner[4096];
        if (entry->d_name[0] == '.') continue;
        snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name);
        count += run_file(inner);
    }
    closedir(folder);
    return count;
}

int main(int argc, char **argv)
{
    size_t count = 0;
    for (int i = 1; i < argc; i++) count += run_path(argv[i]);
    printf("%zu inputs\n", count);
    return count == 0;
}
