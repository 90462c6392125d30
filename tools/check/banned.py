"""Calls that the core must not make, markers that must not stay, and the opening comment of each C file."""

import re
import sys

import tree

# name: (what to use instead, files that may call it)
BANNED = {
    "strcpy": ("bytes_append or memcpy with a size", None),
    "strcat": ("bytes_append", None),
    "sprintf": ("snprintf", None),
    "vsprintf": ("vsnprintf", None),
    "gets": ("fgets", None),
    "strtok": ("a loop over the text", None),
    "atoi": ("strtoll with checks", None),
    "atol": ("strtoll with checks", None),
    "atof": ("strtod with checks", None),
    "rand": ("base/random.h", None),
    "srand": ("base/random.h", None),
    "random": ("base/random.h", r"core/platform/\w+\.c"),
    "time": ("the platform's clock", r"core/platform/\w+\.c"),
    "gettimeofday": ("the platform's clock", r"core/platform/\w+\.c"),
    "clock_gettime": ("the platform's clock", r"core/platform/\w+\.c"),
    "sleep": ("the platform's loop", r"core/platform/\w+\.c"),
    "usleep": ("the platform's loop", r"core/platform/\w+\.c"),
    "nanosleep": ("the platform's loop", r"core/platform/\w+\.c"),
    "malloc": ("memory_allocate", r"core/base/memory\.c"),
    "calloc": ("memory_allocate", r"core/base/memory\.c"),
    "realloc": ("memory_resize", r"core/base/memory\.c"),
    # A library that allocates by malloc hands over memory that only free can take.
    "free": ("memory_free", r"core/(base/memory|server/tokens(_\w+)?|storage/storage_rocksdb|sync/runner_calls|sync/account)\.c"),
    "strdup": ("memory_copy", None),
    "strndup": ("memory_copy", None),
    "exit": ("a status", None),
    "alloca": ("an arena", None),
}
CALL = re.compile(r"(?<![\w.>])(%s)\s*\(" % "|".join(BANNED))
MARKER = re.compile(r"\b(" + "TO" + "DO|FIX" + "ME|XX" + "X)\\b")


def complaints(files):
    out = []
    for path, text in files.items():
        if path.endswith(".c") and path.startswith("core/") and not text.lstrip().startswith("/*"):
            out.append(f"{path}: does not open with a comment that says what it is for")
        for found in MARKER.finditer(text):
            out.append(f"{path}:{tree.line_of(text, found.start())}: marker {found.group(1)}")
        if not path.startswith("core/") or not path.endswith((".c", ".h")):
            continue
        code = tree.code_only(text)
        for found in CALL.finditer(code):
            instead, allowed = BANNED[found.group(1)]
            if not (allowed and re.fullmatch(allowed, path)):
                line = tree.line_of(code, found.start())
                out.append(f"{path}:{line}: {found.group(1)}() is banned here: use {instead}")
    return out


if __name__ == "__main__":
    checked = tree.files("core/**/*.[ch]", "tools/**/*.[ch]", "bindings/**/*.py", "bindings/**/*.cs",
                         "bindings/**/*.java", "bindings/**/*.hpp", "bindings/**/*.i", "tests/**/*.[ch]", "schema/**/*.proto")
    sys.exit(tree.finish("banned", complaints(checked), len(checked)))
