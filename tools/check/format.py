"""C and C++ are laid out as .clang-format says. `format.py --write` lays them out."""

import shutil
import subprocess
import sys

import tree


def main():
    if shutil.which("clang-format") is None:
        print("clang-format is missing, tools/setup installs it")
        return 77
    checked = tree.files("core/**/*.[ch]", "tools/**/*.[ch]", "tests/**/*.[ch]", "tests/**/*.cc", "tests/**/*.cpp",
                         "bindings/cpp/**/*.hpp", "bindings/cpp/**/*.cpp")
    names = [name for name, text in checked.items() if not tree.is_generated(text) and "/golden/" not in name]
    if "--write" in sys.argv:
        return subprocess.run(["clang-format", "-i", *names], cwd=tree.ROOT).returncode
    bad = []
    for name in names:
        run = subprocess.run(["clang-format", name], cwd=tree.ROOT, capture_output=True, text=True)
        if run.returncode != 0 or run.stdout != checked[name]:
            bad.append(f"{name}: run tools/check/format.py --write")
    return tree.finish("format", bad, len(names))


if __name__ == "__main__":
    sys.exit(main())
