"""Compares the library with the baseline of the interface: functions may join, none may go or change.

    abidiff.py ABIDW ABIDIFF BASELINE LIBRARY HEADERS

It also damages a copy of the baseline and expects the comparison to notice, so that it cannot pass by seeing nothing.
To take a new baseline, with a release: tests/abi/baseline/README.md.
"""
import pathlib
import re
import subprocess
import sys
import tempfile


SKIPPED = 77  # meson's number for it
DESCRIBE = ["--drop-private-types", "--exported-interfaces-only", "--no-show-locs", "--no-corpus-path",
            "--no-comp-dir-path", "--no-elf-needed", "--drop-undefined-syms"]


def compare(tool, baseline, now):
    """The text of abidiff and the numbers of removed and changed functions."""
    run = subprocess.run([tool, str(baseline), str(now)], capture_output=True, text=True)
    removed = re.search(r"Functions changes summary: (\d+) Removed, (\d+) Changed", run.stdout)
    symbols = re.search(r"Function symbols changes summary: (\d+) Removed", run.stdout)
    # Bits 0 and 1 say that abidiff itself failed; without a summary nothing was compared.
    if run.returncode & 3 or (removed is None and run.returncode != 0):
        sys.exit(f"abidiff failed ({run.returncode}):\n{run.stdout}{run.stderr}")
    gone = (int(removed.group(1)) if removed else 0) + (int(symbols.group(1)) if symbols else 0)
    return run.stdout, gone, int(removed.group(2)) if removed else 0


def main():
    dump, tool, baseline, library, headers = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        now = pathlib.Path(folder) / "now.abi"
        subprocess.run([dump, *DESCRIBE, "--headers-dir", headers, "--out-file", now, library], check=True)
        if "<parameter " not in now.read_text():
            print("built without the description of its types (-g1 or less): nothing to compare")
            sys.exit(SKIPPED)
        check(tool, baseline, now)
    print("the interface keeps its baseline")


def check(tool, baseline, now):
    text, removed, changed = compare(tool, baseline, now)
    if removed or changed:
        sys.exit(f"the interface broke with its baseline: {removed} functions are gone, {changed} changed\n{text}")
    xml = pathlib.Path(baseline).read_text()
    name = "atoll_object_get_int"
    wanted = {
        "a function that is gone": xml.replace(name, "atoll_object_get_integer"),
        "a result of another type": re.sub(
            rf"(<function-decl name='{name}'.*?<return type-id=')[^']*", r"\g<1>" + void_type(xml), xml, flags=re.S),
    }
    for what, damaged in wanted.items():
        if damaged == xml:
            sys.exit(f"the baseline has no {name}: nothing was damaged to show {what}")
        with tempfile.NamedTemporaryFile("w", suffix=".abi") as file:
            file.write(damaged)
            file.flush()
            seen, removed, changed = compare(tool, file.name, now)
            if not removed and not changed:
                sys.exit(f"{what} was not noticed:\n{seen}")


def void_type(xml):
    """The id of `void` in an ABI description."""
    return re.search(r"<type-decl name='void' id='([^']*)'", xml).group(1)


if __name__ == "__main__":
    main()
