"""The library loads where pages have 16 KB, as on new Android devices: each of its segments is aligned so.

usage: pages.py LIBRARY
"""
import re
import subprocess
import sys

PAGE = 16384


def alignments(library):
    told = subprocess.run(["readelf", "-lW", library], stdout=subprocess.PIPE, text=True, check=True).stdout
    return [int(line.split()[-1], 16) for line in told.splitlines() if re.match(r"\s*LOAD\s", line)]


def main():
    found = alignments(sys.argv[1])
    print("segments aligned to", [hex(each) for each in found])
    return 0 if len(found) >= 2 and all(each % PAGE == 0 for each in found) else 1


if __name__ == "__main__":
    sys.exit(main())
