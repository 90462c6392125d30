"""Every public header compiles alone, as C11 -pedantic and as C++17, without a warning; so does what is C++ only."""

import os
import pathlib
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
INCLUDE = ROOT / "core/include"
CPP_INCLUDE = ROOT / "bindings/cpp/include"
COMMON = ["-fsyntax-only", "-pedantic", "-Wall", "-Wextra", "-Werror", "-Wno-unused-variable", f"-I{INCLUDE}",
          f"-I{CPP_INCLUDE}"]
COMPILERS = [
    (shlex.split(os.environ.get("CC", "cc")), ["-std=c11", "-Wstrict-prototypes", "-x", "c", "-"]),
    (shlex.split(os.environ.get("CXX", "c++")), ["-std=c++17", "-x", "c++", "-"]),
]


def main():
    bad = 0
    headers = sorted(INCLUDE.glob("atoll/*.h"))
    if not headers:
        print("no public headers found", file=sys.stderr)
        return 1
    headers.append(CPP_INCLUDE / "atoll/constants.hpp")
    for header in headers:
        # Twice, so that a missing include guard shows; the declaration keeps the unit from being empty.
        source = f"#include <atoll/{header.name}>\n#include <atoll/{header.name}>\nextern int not_empty;\n"
        for compiler, options in COMPILERS[1 if header.suffix == ".hpp" else 0:]:
            run = subprocess.run(compiler + COMMON + options, input=source, text=True, capture_output=True)
            if run.returncode != 0:
                bad += 1
                print(f"{header.name} ({options[0]}):\n{run.stderr}", file=sys.stderr)
    print(f"{len(headers)} headers, {bad} complaints")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
