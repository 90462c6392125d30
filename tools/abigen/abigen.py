#!/usr/bin/python3
"""Generates every form of the C interface from schema/abi.

    abigen.py            writes the files into the checkout
    abigen.py --check    writes nothing; fails if a file differs from what would be written
    --schema, --output   other folders, for tests
"""

import argparse
import difflib
import pathlib
import sys

import description as model
import emit_c
import emit_constants
import emit_reference
import emit_swig

ROOT = pathlib.Path(__file__).resolve().parents[2]


def generate(schema_folder):
    """Everything that the description becomes: {path below the checkout: text}."""
    described = model.load(schema_folder)
    out = {}
    for emitter in (emit_c, emit_swig, emit_constants, emit_reference):
        out.update(emitter.files(described))
    return out


def difference(path, old, new):
    lines = difflib.unified_diff(old.splitlines(), new.splitlines(), f"{path} (committed)", f"{path} (generated)", lineterm="")
    return "\n".join(list(lines)[:40])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--schema", default=ROOT / "schema")
    parser.add_argument("--output", default=ROOT, type=pathlib.Path)
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    try:
        wanted = generate(arguments.schema)
    except model.DescriptionError as problem:
        print(problem, file=sys.stderr)
        return 1
    stale = 0
    for path, text in sorted(wanted.items()):
        target = arguments.output / path
        old = target.read_text(encoding="utf-8") if target.exists() else ""
        if old == text:
            continue
        stale += 1
        if arguments.check:
            print(difference(path, old, text))
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
            print(f"wrote {path}")
    if arguments.check and stale:
        print(f"{stale} generated files are stale: run tools/abigen/abigen.py", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
