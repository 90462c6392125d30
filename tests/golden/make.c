/* Writes the golden realms of the format that this library writes: make_golden FOLDER. make_golden.sh packs them. */
#include "golden.h"

int main(int count, char **arguments)
{
    if (count != 2) return fprintf(stderr, "usage: make_golden FOLDER\n"), 2;
    for (golden_kind kind = 0; kind < GOLDEN_KINDS; kind++) {
        char path[4096], command[13000];
        snprintf(path, sizeof path, "%s/%s", arguments[1], golden_names[kind]);
        model_db *db = golden_open(kind, path);
        golden_fill(kind, db);
        if (kind != GOLDEN_LOG) MUST(model_checkpoint(db));
        if (kind == GOLDEN_MIGRATED) golden_migrate(db);
        if (kind != GOLDEN_LOG) MUST(model_compact(db));
        if (kind == GOLDEN_TAIL) golden_change(kind, db);
        /* As after a crash: what is on disk while it is open. */
        snprintf(command, sizeof command, "cp -r '%s' '%s.open'", path, path);
        if ((kind == GOLDEN_TAIL || kind == GOLDEN_LOG) && system(command) != 0) return 1;
        model_close(db);
        snprintf(command, sizeof command, "rm -rf '%s' && mv '%s.open' '%s'", path, path, path);
        if ((kind == GOLDEN_TAIL || kind == GOLDEN_LOG) && system(command) != 0) return 1;
    }
    return 0;
}
