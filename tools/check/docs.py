"""What the documents point at exists: relative links, files named in backquotes, tests named as `suite.name`."""

import pathlib
import re
import sys

import state
import tree

LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
FILE = re.compile(r"`([\w./-]*\w\.(?:c|h|hpp|py|proto|md|sh|i|map))`")
TEST = re.compile(r"`([a-z_]+)\.([a-z0-9_]+)`")


def complaints(documents, paths, tests):
    """paths: of every file. A file may be named by the end of its path; a test counts if its suite is one of ours."""
    out = []
    endings = {"/".join(parts[i:]) for parts in (path.split("/") for path in paths) for i in range(len(parts))}
    folders = {str(folder) for path in paths for folder in pathlib.PurePosixPath(path).parents}
    suites = {name.split(".")[0] for name in tests if "." in name}
    for path, text in documents.items():
        here = pathlib.PurePosixPath(path).parent
        for found in LINK.finditer(text):
            target = normal(here / found.group(1))
            if "://" not in found.group(1) and target not in paths and target not in folders:
                out.append(f"{path}:{tree.line_of(text, found.start())}: the link {found.group(1)} leads nowhere")
        for found in FILE.finditer(text):
            if found.group(1) not in endings and normal(here / found.group(1)) not in paths:
                out.append(f"{path}:{tree.line_of(text, found.start())}: there is no file {found.group(1)}")
        for found in TEST.finditer(text):
            known = found.group(1) not in suites or f"{found.group(1)}.{found.group(2)}" in tests
            if not known and not FILE.match(found.group(0)):
                out.append(f"{path}:{tree.line_of(text, found.start())}: there is no test {found.group(0)}")
    return out


def normal(path):
    parts = []
    for part in path.parts:
        if part == ".." and parts:
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts)


if __name__ == "__main__":
    everything = tree.files("**")
    documents = {p: t for p, t in everything.items() if p.endswith(".md") and not p.startswith("tests/data/")}
    found = complaints(documents, set(everything), state.test_names(everything))
    sys.exit(tree.finish("docs", found, len(documents)))
