#!/usr/bin/python3
"""What is too long for every change: run by tools/test --nightly after all the other suites, about two hours more.

usage: nightly.py BUILD_DIR [--only TEXT] [--scale X]
10,000 simulated worlds, 20,000 walks of the model, a power cut before each disk call of 1,000 scenarios, queries over
40,000 random schemas, the crash suite with ten times its rounds, hostile peers with five seeds, ten minutes of clients in
four languages on a bad network, and each fuzzer for ten minutes (where clang and its runtime are). `--scale 0.01` does a hundredth of all that. Seeds begin at the day's number, so that every night sees
others; what fails is printed with its seed. The last line is "N passed, N failed".
"""

import argparse
import datetime
import glob
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
TESTS = ROOT / "tests"


def fuzzers(build, seconds):
    """(name, command) of the fuzzers, built with libFuzzer beside the normal build; None without clang's runtime."""
    if not shutil.which("clang") or not glob.glob("/usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.fuzzer-x86_64.a"):
        return None
    folder = build / "libfuzzer"
    if not (folder / "build.ninja").exists():
        subprocess.run(
            ["meson", "setup", folder, ROOT, "-Dfuzz=true", "-Dbindings=[]", "-Db_lundef=false", "-Db_sanitize=address",
             "-Dc_args=-fsanitize=fuzzer-no-link"],
            env={**os.environ, "CC": "clang", "CXX": "clang++"}, check=True,
        )  # fmt: skip
    names = sorted(path.stem.removeprefix("fuzz_") for path in (TESTS / "fuzz").glob("fuzz_*.c"))
    subprocess.run(["ninja", "-C", folder, *(f"tests/fuzz/libfuzzer_{name}" for name in names)], check=True)
    found = []
    for name in names:
        # What it finds goes into a copy: the corpus in the sources changes by hand only.
        corpus = pathlib.Path(tempfile.mkdtemp(prefix=f"atoll-fuzz-{name}-"))
        shutil.copytree(TESTS / "fuzz/corpus" / name, corpus, dirs_exist_ok=True)
        program = folder / "tests/fuzz" / f"libfuzzer_{name}"
        found.append((f"fuzz {name}", [program, f"-max_total_time={max(5, round(seconds))}", "-rss_limit_mb=4096", corpus]))
    return found


def suites(build, scale, first):
    def count(number):
        return max(1, round(number * scale))

    sim, walk = build / "tests/sim/atoll-sim", build / "tests/unit/model/walk"
    yield "10,000 simulated worlds", [sim, "--seed", first, "--count", count(10_000)]
    yield "30,000 worlds with changed messages", [build / "tests/sim/atoll-sim-hostile", "--seed", first, "--count", count(30_000)]
    yield "5,000 worlds of resets", [build / "tests/sim/atoll-sim-resets", "--seed", first, "--count", count(5_000)]
    yield "5,000 worlds of odd ends", [build / "tests/sim/atoll-sim-swarm", "--seed", first, "--count", count(5_000), "--coverage"]
    yield "20,000 walks of the model", [walk, first, count(20_000), 1000]
    yield "power cuts before each disk call", [build / "tests/unit/model/cuts", first, count(1_000)]
    for seed in range(first, first + count(50_000), 1_000):
        yield f"queries over random schemas from seed {seed}", [
            "env", f"ATOLL_FIRST_SEED={seed}", build / "tests/unit/query/query_test", "--filter", "query_random_s*/*"
        ]  # fmt: skip
    yield "crashes", [TESTS / "crash/run.py", build, "--rounds", count(200), "--seed", first]
    for seed in range(first, first + count(5)):
        yield f"hostile peers, seed {seed}", [TESTS / "hostile/run.py", build, "--seed", seed]
    yield "four languages on a bad network", [
        TESTS / "soak/run.py", build, "--seconds", max(10, 600 * scale), "--seed", first
    ]  # fmt: skip


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("build", type=pathlib.Path)
    options.add_argument("--only", default="", help="run what has this in its name")
    options.add_argument("--scale", type=float, default=1)
    chosen = options.parse_args()
    build = chosen.build.resolve()
    first = 1_000_000 + datetime.date.today().toordinal() % 100_000 * 100_000
    work = list(suites(build, chosen.scale, first))
    if not chosen.only or "fuzz" in chosen.only:
        found = fuzzers(build, 600 * chosen.scale)
        print("fuzz: clang or libclang-rt-14-dev is missing: skipped" if found is None else f"{len(found)} fuzzers")
        work += found or []
    passed = failed = 0
    for name, command in work:
        if chosen.only not in name:
            continue
        print(f"\n==> {name}: {' '.join(map(str, command))}", flush=True)
        code = subprocess.run([str(part) for part in command], check=False).returncode
        passed += code == 0
        failed += code != 0
        print(f"{'ok  ' if code == 0 else 'FAIL'} {name}", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
