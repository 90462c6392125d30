"""Names: whole words, no _t, the public prefix, header guards."""

import re
import sys

import tree

# Abbreviations that a header must not have as a word of a name, and what to write instead.
SHORT = {
    "len": "size or count", "idx": "index", "cnt": "count", "cfg": "config", "buf": "buffer", "ptr": "the noun",
    "msg": "message", "tmp": "what it is", "num": "count", "str": "text", "ctx": "context", "cb": "function",
    "val": "value", "pos": "position", "prev": "previous", "cur": "current", "err": "error", "fn": "function",
    "conn": "connection", "sess": "session", "prop": "property", "obj": "object",
    "req": "request", "resp": "response", "src": "source", "dst": "target", "addr": "address", "sz": "size",
}
WORD = re.compile(r"\b[A-Za-z_][A-Za-z0-9_]*\b")
TYPE_ENDING = re.compile(r"\btypedef\b[^;{]*?\b(\w+_t)\s*;|\}\s*(\w+_t)\s*;")
PUBLIC = re.compile(r"^ATOLL_API\b[^;(]*?(\w+)\(", re.M)
MACRO = re.compile(r"^#\s*define\s+(\w+)", re.M)


def complaints(files):
    out = []
    for path, text in files.items():
        code = tree.code_only(text)
        includes_gone = re.sub(r"^[ \t]*#[ \t]*include.*$", "", code, flags=re.M)
        for found in TYPE_ENDING.finditer(code):
            name = found.group(1) or found.group(2)
            out.append(f"{path}:{tree.line_of(code, found.start())}: type {name} must not end in _t")
        for found in WORD.finditer(includes_gone):
            for word in found.group(0).lower().split("_"):
                if word in SHORT:
                    line = tree.line_of(includes_gone, found.start())
                    out.append(f"{path}:{line}: {found.group(0)}: write {SHORT[word]} instead of {word}")
        if path.startswith("core/include/"):
            out += [f"{path}: {m.group(1)} must begin with atoll_" for m in PUBLIC.finditer(code)
                    if not m.group(1).startswith("atoll_")]
            out += [f"{path}: macro {m.group(1)} must begin with ATOLL_" for m in MACRO.finditer(code)
                    if not m.group(1).startswith("ATOLL_")]
        if not re.search(r"^#ifndef (\w+)\n#define \1$", text, re.M) and "#pragma once" not in text:
            out.append(f"{path}: no include guard")
    return out


if __name__ == "__main__":
    checked = tree.files("core/**/*.h")
    sys.exit(tree.finish("names", complaints(checked), len(checked)))
