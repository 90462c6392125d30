"""libatoll.so exports exactly the names of atoll.map, and these are exactly the functions of the public headers.

Usage: symbols.py PATH_OF_LIBATOLL_SO
"""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def exported(library):
    """Names that the library defines for others; version nodes are absolute symbols and do not count."""
    run = subprocess.run(["nm", "-D", "--defined-only", library], check=True, capture_output=True, text=True)
    rows = [line.split() for line in run.stdout.splitlines()]
    return {row[2].split("@")[0] for row in rows if row[1] != "A"}


def main():
    in_map = set(re.findall(r"^    (\w+);", (ROOT / "core/api/atoll.map").read_text(encoding="utf-8"), re.M))
    declared = set()
    for header in (ROOT / "core/include/atoll").glob("*.h"):
        declared |= set(re.findall(r"^ATOLL_API [^;]*?\b(atoll_\w+)\(", header.read_text(encoding="utf-8"), re.M))
    found = exported(sys.argv[1])
    complaints = [f"{name}: exported, but not in atoll.map" for name in sorted(found - in_map)]
    complaints += [f"{name}: in atoll.map, but not exported" for name in sorted(in_map - found)]
    complaints += [f"{name}: in atoll.map, but not declared" for name in sorted(in_map - declared)]
    complaints += [f"{name}: declared, but not in atoll.map" for name in sorted(declared - in_map)]
    print("\n".join(complaints) or f"{len(found)} names agree")
    return 1 if complaints or not found else 0


if __name__ == "__main__":
    sys.exit(main())
