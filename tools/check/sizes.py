"""Sizes: a function has at most 70 lines, a file at most 800. The
width of a line is the formatter's matter.

What was longer when the rule came stands in sizes_allowed.txt (`path [function] lines`) and may only become shorter.
"""

import pathlib
import re
import sys

import tree

FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 800
ALLOWED = pathlib.Path(__file__).with_name("sizes_allowed.txt")
OPENING = re.compile(r"^(?!typedef|struct\s+\w+\s*$|enum|union|extern)[A-Za-z_][^;={}]*?\b(\w+)\([^;{}]*\)\s*\n?\{[ \t]*$", re.M)


def functions(text):
    """(name, first line, lines) of each function whose closing brace stands in the first column."""
    code = tree.code_only(text)
    for found in OPENING.finditer(code):
        end = code.find("\n}", found.end())
        if end < 0:
            continue
        first = tree.line_of(code, found.end())
        yield found.group(1), first, tree.line_of(code, end + 1) - first - 1


def complaints(files, allowed):
    out = []
    for path, text in files.items():
        if tree.is_generated(text):
            continue
        lines = text.count("\n")
        if lines > max(FILE_LINES_MAX, allowed.get((path, ""), 0)):
            out.append(f"{path}: {lines} lines, at most {FILE_LINES_MAX}")
        if not path.endswith((".c", ".h")):
            continue
        for name, first, count in functions(text):
            if count > max(FUNCTION_LINES_MAX, allowed.get((path, name), 0)):
                out.append(f"{path}:{first}: {name} has {count} lines, at most {FUNCTION_LINES_MAX}")
    return out


def read_allowed(text):
    out = {}
    for line in text.splitlines():
        words = line.split("#")[0].split()
        if words:
            out[words[0], words[1] if len(words) == 3 else ""] = int(words[-1])
    return out


if __name__ == "__main__":
    checked = tree.files("core/**/*.[ch]", "tools/**/*.[ch]", "tests/**/*.[ch]", "tools/**/*.py", "bindings/cpp/**/*.hpp", "bindings/**/*.py",
                         "bindings/**/*.cs", "bindings/**/*.java", "bindings/**/*.i", "tests/**/*.py")
    known = read_allowed(ALLOWED.read_text(encoding="utf-8")) if ALLOWED.exists() else {}
    sys.exit(tree.finish("sizes", complaints(checked, known), len(checked)))
