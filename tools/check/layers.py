"""Who may include what.

base → platform → storage → model → query → sync → api: a layer includes itself and what stands before it. The server
stands beside api, on sync. A library from outside is included by one file only, the operating system by platform/.
"""

import re
import sys

import tree

LAYERS = ["base", "platform", "storage", "model", "query", "sync", "api"]
BELOW = {layer: set(LAYERS[:position + 1]) for position, layer in enumerate(LAYERS)}
BELOW["server"] = BELOW["sync"] | {"server"}

# Header prefix of a library and the files that may include it.
DOORS = {
    r"rocksdb/": r"core/storage/storage_rocksdb\.c",
    r"nghttp2/": r"core/sync/http2\.c",
    r"zstd\.h": r"core/sync/compress\.c",
    r"openssl/": r"core/(platform/\w+|server/tokens(_\w+)?)\.c",
    r"descriptors\.h": r"core/server/services_reflection\.c",
    r"jwt\.h": r"core/server/tokens(_\w+)?\.c",
    r"yaml\.h": r"core/server/config(_\w+)?\.[ch]",
    r"bid_(conf|functions)\.h": r"core/base/decimal\.c",
    r"libpq-fe\.h": r"core/server/postgres\.c",
    r"argon2\.h": r"core/server/passwords\.c",
    r"jansson\.h": r"core/(server/\w+|sync/account)\.c",
    r"(\w+/)?\w+\.pb-c\.h": r"core/(sync/(codec\w*|runner_calls\w*)\.[ch]|server/(users?(_\w+)?|services(_\w+)?|codec\w*|records\w*)\.[ch])",
    # The log's one lock: base lies below the mutexes of platform.
    r"pthread\.h": r"core/(platform/\w+\.[ch]|base/log\.c)",
    # The compiler's, not the operating system's: the wide instructions.
    r"immintrin\.h": r"core/query/kernels\.c",
    r"protobuf-c/": r"core/(sync/(codec\w*|arena|runner_calls\w*|runner_internal)\.[ch]|server/(users?(_\w+)?|services(_\w+)?|codec\w*|records\w*)\.[ch])",
}
PLAIN_C = {f"{name}.h" for name in (
    "assert ctype errno float inttypes limits locale math setjmp signal stdalign stdarg stdatomic stdbool stddef "
    "stdint stdio stdlib string stdnoreturn threads").split()}
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)


def judge(path, header, quoted):
    """What is wrong with one include, or nothing."""
    layer = path.split("/")[1]
    for prefix, door in DOORS.items():
        if re.match(prefix, header):
            return "" if re.fullmatch(door, path) else f"only {door} may include <{header}>"
    if header.startswith("atoll/"):
        return ""
    if quoted:
        target = header.split("/")[0]
        if "/" not in header:
            return f'"{header}" must be written with its layer'
        if target not in BELOW[layer]:
            return f'{layer} must not include "{header}"'
        if header.endswith("_internal.h") and target != layer:
            return f'"{header}" is visible in {target}/ only'
        return ""
    if header in PLAIN_C or layer == "platform":
        return ""
    return f"<{header}> is the operating system's: only core/platform may include it"


def complaints(files):
    out = []
    for path, text in files.items():
        layer = path.split("/")[1]
        if layer == "include":
            out += [f"{path}:{tree.line_of(text, m.start())}: a public header must not include <{m.group(2)}>"
                    for m in INCLUDE.finditer(text)
                    if not m.group(2).startswith("atoll/") and m.group(2) not in PLAIN_C]
            continue
        if layer not in BELOW:
            out.append(f"{path}: {layer} is no layer")
            continue
        for found in INCLUDE.finditer(text):
            problem = judge(path, found.group(2), found.group(1) == '"')
            if problem:
                out.append(f"{path}:{tree.line_of(text, found.start())}: {problem}")
    return out


if __name__ == "__main__":
    checked = tree.files("core/**/*.[ch]")
    sys.exit(tree.finish("layers", complaints(checked), len(checked)))
