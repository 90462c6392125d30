"""Every test that docs/state.md, docs/testing.md and docs/merge.md name exists.

In their tables the last column names what shows a promise, each in backquotes: a path, a meson test, a
Criterion test as suite.name, or the name of a test function of another language.
"""

import re
import sys

import tree

FOUND_IN = [
    (r"\.c(c|pp)?$", re.compile(r"^\s*(?:Parameterized)?Test\(\s*(\w+)\s*,\s*(\w+)", re.M)),
    (r"\.cpp$", re.compile(r"^TEST\((\w+)\)", re.M)),
    (r"\.py$", re.compile(r"^\s*(?:async )?def (test_\w+)", re.M)),
    (r"\.py$", re.compile(r"^class (Test\w+)", re.M)),
    (r"\.cs$", re.compile(r"\[(?:Fact|Theory|Test)\b[^\]]*\]\s*(?:\[[^\]]*\]\s*)*public (?:async )?[\w<>]+ (\w+)\(")),
    (r"\.java$", re.compile(r"@Test\s+(?:@\w+(?:\([^)]*\))?\s+)*(?:public |private )?(?:static )?void (\w+)\(")),
    (r"meson\.build$", re.compile(r"^\s*(?:test|benchmark)\('([^']+)'", re.M)),
    (r"\.(cs|java|cpp|cc|hpp)$", re.compile(r"\b(?:TEST|CHECK_CASE|Case|test|check_case)\(\s*\"([^\"]+)\"")),
]
DOCUMENTS = ["docs/state.md", "docs/testing.md", "docs/merge.md"]
SEPARATOR = re.compile(r"^\|[\s:|-]+\|$")


def test_names(files):
    out = set()
    for path, text in files.items():
        for ending, pattern in FOUND_IN:
            if re.search(ending, path):
                for found in pattern.finditer(text):
                    out.add(".".join(found.groups()))
                    out.add(found.groups()[-1])
    return out


def named(state):
    """(line, name) of every test that the document names."""
    for number, line in enumerate(state.splitlines(), 1):
        line = line.strip()
        if not line.startswith("|") or SEPARATOR.match(line):
            continue
        last = re.split(r"(?<!\\)\|", line.strip("|"))[-1]
        for name in re.findall(r"`([^`]+)`", last):
            yield number, name


def complaints(state, files, exists, document="docs/state.md"):
    known = test_names(files)
    names = list(named(state))
    if not names:
        return [f"{document} names no test"]
    return [f"{document}:{line}: there is no test {name}" for line, name in names
            if name not in known and not exists(name.split("::")[0])]


def main():
    checked = tree.files("tests/**", "bindings/**", "tools/**", "core/**/meson.build")
    found = []
    for document in DOCUMENTS:
        text = (tree.ROOT / document).read_text(encoding="utf-8")
        found += complaints(text, checked, lambda name: (tree.ROOT / name).exists(), document)
    return tree.finish("state", found, len(checked))


if __name__ == "__main__":
    sys.exit(main())
