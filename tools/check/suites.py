"""Builds, runs every suite and sums their counts; called by tools/test.

A suite is a command. What it printed is parsed for its counts; one that crashes, hangs or prints no counts is a
failure, so that a suite can never vanish silently.
"""

import argparse
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
COUNTS = re.compile(r"^(?:\w+: )?(\d+) passed, (\d+) failed(?:, (\d+) skipped)?\s*$")
BINDINGS = {"python": "/usr/bin/python3", "csharp": "dotnet", "java": "javac", "cpp": "g++"}
PROGRAMS = {"acceptance": "run", "crash": "run.py", "hostile": "run.py", "soak": "run.py", "package": "run"}
SUITE_SECONDS_MAX = 1500
NIGHTLY_SECONDS_MAX = 4 * 3600
STOP_SIGNALS = {signal.SIGINT, signal.SIGTERM}
SLOW_SUITES = ["slow", "bindings"]


class Totals:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.lines = []

    def add(self, name, passed, failed, skipped=0, note=""):
        self.passed += passed
        self.failed += failed
        self.skipped += skipped
        text = f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else "")
        self.lines.append(f"{'ok  ' if not failed else 'FAIL'} {name}: {text}{' (' + note + ')' if note else ''}")


def let_signals_through():
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)


def run(command, seconds_max, keep=None):
    """Runs a command with its output shown as it comes; answers (exit code, lines). A hanging one is ended."""
    print(f"\n==> {' '.join(str(part) for part in command)}", flush=True)
    # A signal between the start of the suite and the `try` below would leave it behind.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        process = subprocess.Popen([str(part) for part in command], cwd=ROOT, stdin=subprocess.DEVNULL, text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors="replace",
                                   start_new_session=True, preexec_fn=let_signals_through)
    except OSError:
        let_signals_through()
        raise
    ended = threading.Event()

    def end():
        ended.set()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)

    timer = threading.Timer(seconds_max, end)
    lines = []
    try:
        timer.start()
        let_signals_through()
        for line in process.stdout:
            sys.stdout.write(line)
            sys.stdout.flush()
            lines.append(line.rstrip("\n"))
            if keep:
                del lines[:-keep]
        code = process.wait()
    except BaseException:
        # Whoever stops this run must not leave the suite, a group of its own, behind.
        end()
        raise
    finally:
        timer.cancel()
        process.stdout.close()
    if ended.is_set():
        lines.append(f"ended after {seconds_max} s")
    return code, lines


def build(folder, totals):
    if shutil.which("ccache") and "CC" not in os.environ:
        os.environ["CC"], os.environ["CXX"] = "ccache gcc", "ccache g++"
    if not (folder / "build.ninja").exists():
        code, _ = run(["meson", "setup", folder, ROOT], SUITE_SECONDS_MAX, keep=200)
        if code:
            totals.add("meson setup", 0, 1, note=f"exit code {code}")
            return False
    code, _ = run(["ninja", "-C", folder], SUITE_SECONDS_MAX, keep=200)
    if code:
        totals.add("build", 0, 1, note=f"exit code {code}")
    return code == 0


def meson_tests(folder, quick, totals):
    log = folder / "meson-logs/testlog.json"
    log.unlink(missing_ok=True)
    command = ["meson", "test", "-C", folder, "--no-rebuild", "--print-errorlogs", "--timeout-multiplier", "3"]
    if quick:
        for suite in SLOW_SUITES:
            command += ["--no-suite", suite]
    code, _ = run(command, 2 * SUITE_SECONDS_MAX, keep=200)
    passed = failed = skipped = 0
    if log.exists():
        for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
            result = json.loads(line)["result"]
            if result in ("OK", "EXPECTEDFAIL"):
                passed += 1
            elif result == "SKIP":
                skipped += 1
            else:
                failed += 1
    note = ""
    if (code != 0 and not failed) or passed == 0:
        failed += 1
        note = f"exit code {code} with {passed} passed"
    totals.add("core (meson)", passed, failed, skipped, note)


def counted(name, command, totals, seconds_max=SUITE_SECONDS_MAX):
    """A suite whose last line is `N passed, N failed`."""
    try:
        code, lines = run(command, seconds_max, keep=400)
    except OSError as problem:
        totals.add(name, 0, 1, note=str(problem))
        return
    last = next((line for line in reversed(lines) if line.strip()), "")
    found = COUNTS.match(last.strip())
    if not found:
        totals.add(name, 0, 1, note=f"exit code {code}, and its last line has no counts")
        return
    passed, failed, skipped = (int(part or 0) for part in found.groups())
    note = ""
    if code != 0 and failed == 0:
        failed, note = 1, f"exit code {code}"
    elif code == 0 and failed:
        note = "its exit code hides the failure"
    elif passed + failed + skipped == 0:
        failed, note = 1, "it ran nothing"
    totals.add(name, passed, failed, skipped, note)


def bindings(folder, totals):
    for name, tool in BINDINGS.items():
        place = ROOT / "bindings" / name
        script = place / "test.sh"
        if not place.exists():
            continue
        if shutil.which(tool) is None:
            totals.add(name, 0, 0, 1, note=f"{tool} is missing, tools/setup says how to get it")
        elif not script.exists():
            totals.add(name, 0, 1, note="there are sources, but no test.sh")
        else:
            counted(name, ["bash", script, folder], totals)


def stop(signal_number, _frame):
    sys.exit(128 + signal_number)


def main():
    signal.signal(signal.SIGTERM, stop)
    parser = argparse.ArgumentParser(description="builds and runs every suite")
    parser.add_argument("--quick", action="store_true", help="without clang-tidy, bindings, acceptance, packages and slow suites")
    parser.add_argument("--nightly", action="store_true", help="two hours more: long runs of the random tests, fuzzers")
    arguments = parser.parse_args()
    folder = pathlib.Path(os.environ.get("ATOLL_BUILD_DIR", ROOT / "build")).resolve()
    for quiet in ("DOTNET_NOLOGO", "DOTNET_CLI_TELEMETRY_OPTOUT", "DOTNET_SKIP_FIRST_TIME_EXPERIENCE"):
        os.environ.setdefault(quiet, "1")
    totals = Totals()
    begin = time.monotonic()
    if build(folder, totals):
        meson_tests(folder, arguments.quick, totals)
        if not arguments.quick:
            counted("clang-tidy", [sys.executable, ROOT / "tools/check/tidy.py", folder], totals)
            bindings(folder, totals)
            for name, script in PROGRAMS.items():
                counted(name, [ROOT / "tests" / name / script, folder], totals)
            counted("sanitize", [ROOT / "tools/check/sanitize.py", folder], totals)
        if arguments.nightly:
            counted("nightly", [sys.executable, ROOT / "tools/check/nightly.py", folder], totals, NIGHTLY_SECONDS_MAX)
    print(f"\n{'-' * 60}")
    print("\n".join(totals.lines))
    print(f"{time.monotonic() - begin:.0f} s")
    skipped = f", {totals.skipped} skipped" if totals.skipped else ""
    print(f"{totals.passed} passed, {totals.failed} failed{skipped}")
    return 0 if totals.passed and not totals.failed else 1


if __name__ == "__main__":
    sys.exit(main())
