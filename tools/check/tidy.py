"""clang-tidy over the C files of the core, with the checks of .clang-tidy.

tidy.py BUILD_FOLDER checks what changed since the last run in that folder: a file that was clean is not looked at again
until it, a header that it includes, its compiler flags, the checks or clang-tidy itself change.
"""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import tree

INCLUDE = re.compile(rb'^[ \t]*#[ \t]*include[ \t]*[<"]([^>"]+)[>"]', re.M)
FINDING = re.compile(r"^.*?:\d+:\d+: (?:warning|error): ", re.M)


def headers(path, folders, seen):
    """Adds to {path: bytes} the file and what it includes of the project and of the generated headers."""
    if path in seen:
        return seen
    seen[path] = path.read_bytes()
    for name in INCLUDE.findall(seen[path]):
        for folder in (path.parent, *folders):
            found = folder / name.decode()
            if found.is_file():
                headers(found, folders, seen)
                break
    return seen


def fingerprint(source, command, folders, common):
    digest = hashlib.sha256(common)
    digest.update(command.encode())
    for path, text in sorted(headers(source, folders, {}).items()):
        digest.update(f"\0{path}\0".encode() + text)
    return digest.hexdigest()


def sources(folder):
    """{path: entry of the compilation} of the core's own C files, as they are built for the core."""
    out = {}
    for entry in json.loads((folder / "compile_commands.json").read_text(encoding="utf-8")):
        if not entry["output"].startswith("core/"):
            continue  # some tests compile them once more, with other flags: one look is enough
        path = pathlib.Path(os.path.normpath(os.path.join(entry["directory"], entry["file"])))
        if path.suffix == ".c" and path.is_relative_to(tree.ROOT / "core") and not path.is_relative_to(folder):
            out.setdefault(path, entry)
    return out


def check(source, folder):
    """What clang-tidy complains of; empty: nothing."""
    run = subprocess.run(["clang-tidy", "-p", folder, "--quiet", source], cwd=tree.ROOT, capture_output=True, text=True,
                         stdin=subprocess.DEVNULL)
    if run.returncode == 0 and not FINDING.search(run.stdout):
        return ""
    return run.stdout.strip() or f"exit code {run.returncode}: {run.stderr.strip()}"


def load(place):
    try:
        known = json.loads(place.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def main():
    if shutil.which("clang-tidy") is None:
        print("clang-tidy is missing, tools/setup installs it")
        print("0 passed, 1 failed")
        return 1
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else tree.ROOT / "build").resolve()
    place = folder / "tidy-clean.json"
    version = subprocess.run(["clang-tidy", "--version"], capture_output=True, check=True).stdout
    common = version + (tree.ROOT / ".clang-tidy").read_bytes()
    folders = [tree.ROOT / "core", tree.ROOT / "core/include", folder / "schema"]
    known = load(place)
    entries = sources(folder)
    prints = {path: fingerprint(path, entry["command"], folders, common) for path, entry in entries.items()}
    commands = folder / "tidy"
    commands.mkdir(exist_ok=True)
    (commands / "compile_commands.json").write_text(json.dumps(list(entries.values())), encoding="utf-8")
    clean = {str(path): mark for path, mark in prints.items() if known.get(str(path)) == mark}
    due = [path for path in sorted(prints) if str(path) not in clean]
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(max_workers=min(os.cpu_count() or 1, 8)) as pool:
        for path, complaint in zip(due, pool.map(lambda source: check(source, commands), due)):
            if complaint:
                failed += 1
                print(complaint, flush=True)
            else:
                clean[str(path)] = prints[path]
                # At once, so that a run that is stopped was not for nothing.
                place.write_text(json.dumps(clean, indent=0), encoding="utf-8")
    print(f"{len(due)} of {len(prints)} files were new or changed")
    print(f"{len(prints) - failed} passed, {failed + (not prints)} failed")
    return 1 if failed or not prints else 0


if __name__ == "__main__":
    sys.exit(main())
