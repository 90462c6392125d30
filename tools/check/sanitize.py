#!/usr/bin/python3
"""Builds everything in C with the address and undefined behaviour sanitizers and runs what can be run so.

usage: sanitize.py BUILD_DIR
Tests of the unit, api, fault and fuzz suites, ten seeds of the simulator, and a server with two clients that close all
that they opened. Any report of a sanitizer is a failure, whichever process wrote it. The build is BUILD_DIR/sanitize.
The last line is "N passed, N failed".
"""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
SUITES = {"unit", "api", "fault", "fuzz"}
# It loads the library into an interpreter that is not built with a sanitizer.
NOT_HERE = {"nulls"}
TEST_SECONDS_MAX = 150
CHECKED = "-fsanitize=address,undefined"


class Runner:
    def __init__(self, folder, reports):
        self.folder, self.reports = folder, reports
        self.passed = self.failed = 0
        library = subprocess.run(["gcc", "-print-file-name=libasan.so"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
        self.preload = f"{library} {folder / 'sanitize_exit.so'}"

    def environment(self, preload=False):
        options = f"log_path={self.reports}/report"
        return {**os.environ, "ASAN_OPTIONS": f"detect_leaks=1:{options}",
                "UBSAN_OPTIONS": f"halt_on_error=1:print_stacktrace=1:{options}",
                **({"LD_PRELOAD": self.preload} if preload else {})}

    def taken_reports(self):
        """Reports since the last call. A line that says only that a thread could not be stopped is none."""
        texts = []
        for path in sorted(self.reports.iterdir()):
            text = path.read_text(encoding="utf-8", errors="replace")
            path.unlink()
            if "SUMMARY:" in text or "runtime error:" in text:
                texts.append(text)
        return texts

    def count(self, name, problem, output=""):
        # The second sanitizer writes to the standard error output only.
        reports = self.taken_reports()
        if problem is None and (reports or "runtime error:" in output):
            problem = "a report"
        print(f"{'ok  ' if problem is None else 'FAIL'} {name}{'' if problem is None else ': ' + problem}", flush=True)
        if problem is None:
            self.passed += 1
            return
        self.failed += 1
        for text in reports[:3]:
            print(text[:4000])
        print(output[-3000:], flush=True)

    def command(self, name, command, preload=False, seconds_max=TEST_SECONDS_MAX):
        """One test. Its group is ended with it, so that no worker outlives a test that hangs."""
        with subprocess.Popen([str(part) for part in command], cwd=self.folder, env=self.environment(preload), text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              errors="replace", start_new_session=True) as process:
            try:
                output, _ = process.communicate(timeout=seconds_max)
                problem = None if process.returncode == 0 else f"exit code {process.returncode}"
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                output, _ = process.communicate()
                problem = f"it did not end within {seconds_max} s"
        self.count(name, problem, output)


def build(folder):
    environment = dict(os.environ)
    if shutil.which("ccache") and "CC" not in environment:
        environment.update(CC="ccache gcc", CXX="ccache g++")
    if not (folder / "build.ninja").exists():
        subprocess.run(["meson", "setup", folder, ROOT, "-Db_sanitize=address,undefined", "-Db_lundef=false",
                        "-Dbindings=[]", "-Doptimization=2"], env=environment, stdout=subprocess.DEVNULL, check=True)
    subprocess.run(["ninja", "-C", folder], env=environment, check=True)
    subprocess.run(["gcc", "-shared", "-fPIC", "-Wall", "-Wextra", "-Werror", "-o", folder / "sanitize_exit.so",
                    ROOT / "tools/check/sanitize_exit.c"], check=True)


def reports_are_seen(runner):
    """A run that sees nothing proves nothing: a leak and an overflow, made on purpose, must each leave a report."""
    source = runner.folder / "sanitize_bad.c"
    program = source.with_suffix("")
    source.write_text("#include <stdlib.h>\n#include <unistd.h>\nint main(int n, char **a)\n{\n    (void)a;\n"
                      "    volatile int number = 0x7fffffff;\n    char *volatile piece = NULL;\n"
                      "    if (n == 1) piece = malloc(9), piece = NULL, _exit(0);\n"
                      "    number = number + 1;\n    return piece != NULL;\n}\n", encoding="utf-8")
    subprocess.run(["gcc", "-g", CHECKED, source, "-o", program], check=True)
    for what, arguments in {"a leak is seen": [], "an overflow is seen": ["overflow"]}.items():
        done = subprocess.run([program, *arguments], env=runner.environment(True), check=False, timeout=60, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        seen = runner.taken_reports() or "runtime error:" in done.stdout
        runner.count(what, None if seen else "there is no report of it")


def meson_tests(runner):
    listed = subprocess.run(["meson", "introspect", "--tests", runner.folder], stdout=subprocess.PIPE, text=True, check=True)
    for test in json.loads(listed.stdout):
        suites = {suite.split(":")[-1] for suite in test["suite"]}
        if suites & SUITES and test["name"] not in NOT_HERE:
            # An interpreter leaves memory of its own: there the processes that it starts are what is judged.
            interpreted = os.path.basename(test["cmd"][0]).startswith("python")
            runner.command(test["name"], test["cmd"], preload=not interpreted)


def end_to_end(runner):
    worker, atolld = runner.folder / "tests/crash/crash-worker", runner.folder / "tools/atolld/atolld"
    with tempfile.TemporaryDirectory(prefix="atoll-sanitize-") as temporary:
        place = pathlib.Path(temporary)
        port = place / "port"
        for client in ("first", "second"):
            (place / client).mkdir()
        with subprocess.Popen([atolld, "--data", place / "data", "--listen", "127.0.0.1:0", "--port-file", port,
                               "--log-level", "warn"], env=runner.environment(), stdin=subprocess.DEVNULL) as server:
            try:
                for _ in range(300):
                    if (port.exists() and port.read_text().strip()) or server.poll() is not None:
                        break
                    time.sleep(0.1)
                url = f"http://127.0.0.1:{port.read_text().strip()}" if port.exists() else "http://127.0.0.1:1"
                runner.command("a client writes and closes", [worker, "once", url, place / "first", 0, 300, place / "acks"])
                runner.command("a client reads and closes", [worker, "drain", url, place / "second"])
                server.terminate()
                code = server.wait(timeout=60)
                runner.count("the server ends", None if code == 0 else f"exit code {code}")
            finally:
                server.kill()


def main():
    if len(sys.argv) != 2:
        print(__doc__)
        return 2
    folder = pathlib.Path(sys.argv[1]).resolve() / "sanitize"
    try:
        build(folder)
    except subprocess.CalledProcessError as problem:
        print(f"{problem}\n0 passed, 1 failed")
        return 1
    with tempfile.TemporaryDirectory(prefix="atoll-sanitize-reports-") as reports:
        runner = Runner(folder, pathlib.Path(reports))
        reports_are_seen(runner)
        meson_tests(runner)
        runner.command("ten seeds of the simulator", [folder / "tests/sim/atoll-sim", "--seed", 1, "--count", 10])
        end_to_end(runner)
    print(f"{runner.passed} passed, {runner.failed} failed")
    return 1 if runner.failed else 0


if __name__ == "__main__":
    sys.exit(main())
