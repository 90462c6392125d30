#!/usr/bin/python3
"""Clients in four languages write for a while, through a network and beside kills that are as bad as they get.

usage: run.py BUILD_DIR [--seconds N] [--seed N] [--languages csharp,java,cpp,python]

The network delays, cuts, truncates and falls silent; server and clients are killed and stopped in the middle of work.
At the end all is calm, and then every client and the server hold the same objects, every commit that a client was
told of is there, and none twice. Ends with a line "N passed, N failed".
"""

import argparse
import contextlib
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import threading
import time
import traceback

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
APP = "soak"
SHARED = 12  # objects that everybody writes


class Killed(Exception):
    """The client's process is gone; what was asked of it may have happened or not."""


class Client:
    """One client program (tools/demo.d/README.md has its commands), driven by a thread of its own."""

    def __init__(self, language, build, url, folder, seed):
        self.language, self.build, self.url, self.folder = language, build, url, folder
        self.random = random.Random(seed)
        self.own = {}  # key: the values of `visits` that it may have
        self.tags = []  # (shared key, tag) that this client was told of
        self.commits = self.kills = 0
        self.stopped = False
        self.problem = None
        self.process = None
        folder.mkdir()
        self.begin()

    def begin(self):
        role = json.dumps({"name": self.language, "folder": str(self.folder)})
        self.process = subprocess.Popen(
            [ROOT / "bindings" / self.language / "examples/demo/run.sh", self.build, self.url, APP, role],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            stderr=open(self.folder.with_suffix(".log"), "ab"),
        )  # fmt: skip
        self.answer()
        self.stopped = False

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise Killed
        found = json.loads(line)
        assert found["ok"], f"{self.language}: {found.get('error')}"
        return found

    def do(self, what, **fields):
        try:
            self.process.stdin.write(json.dumps({"do": what, **fields}) + "\n")
            self.process.stdin.flush()
        except OSError:
            raise Killed from None
        return self.answer()

    def step(self, number):
        """One random commit; what it may lead to is noted before, what it did after."""
        key = f"{self.language}-{self.random.randrange(40)}"
        shared = f"_id == 'S{self.random.randrange(SHARED)}'"
        what = self.random.randrange(10)
        if what < 5 and key not in self.own:
            self.own[key] = {None, 0}
            self.do("create", values={"_id": key, "name": f"{self.language} {number}", "country": "x"})
            self.own[key] = {0}
        elif what < 7 and key in self.own:
            self.own[key] = self.own[key] | {number}
            self.do("set", query=f"_id == '{key}'", values={"visits": number})
            self.own[key] = {number}
        elif what < 8:
            self.do("set", query=shared, values={"name": f"{self.language} {number}", "visits": number})
        elif what < 9:
            tag = f"{self.language}/{number}"
            if self.do("tag", query=shared, value=tag)["count"]:
                self.tags.append((shared[8:-1], tag))
        elif self.stopped:
            self.do("start")
            self.stopped = False
        else:
            self.do("stop")
            self.stopped = True
        self.commits += 1

    def work(self, until):
        number = 0
        try:
            while time.monotonic() < until:
                number += 1
                try:
                    self.step(number)
                    time.sleep(self.random.random() * 0.02)
                except Killed:
                    self.process.wait()
                    self.kills += 1
                    self.begin()
        except BaseException as problem:
            self.problem = problem
            traceback.print_exc()

    def settle(self):
        while True:
            try:
                if self.stopped:
                    self.do("start")
                    self.stopped = False
                self.do("subscribe", query="TRUEPREDICATE")
                self.do("wait")
                return
            except Killed:
                self.process.wait()
                self.begin()

    def close(self):
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        self.process.wait(30)


def torment(server, proxy, clients, source, until):
    """Does something bad every now and then; counts what it did."""
    kinds = ["delay", "truncate", "silent", "cut", "kill client", "kill server", "stop server", "pass"]
    did, left = {}, []
    while time.monotonic() < until:
        left = left or source.sample(kinds, len(kinds))  # each of them once before one of them again
        what = left.pop()
        did[what] = did.get(what, 0) + 1
        proxy.mode = what if what in ("delay", "truncate", "silent") else "pass"
        if what == "cut":
            proxy.cut()
        elif what == "kill client":
            # The shell that started it has become the program itself.
            source.choice(clients).process.send_signal(signal.SIGKILL)
        elif what == "kill server":
            server.kill()
            time.sleep(source.random())
            server.start()
        elif what == "stop server":
            server.process.send_signal(signal.SIGSTOP)
            time.sleep(2 * source.random())
            server.process.send_signal(signal.SIGCONT)
        time.sleep(0.2 + source.random())
    proxy.mode = "pass"
    proxy.cut()
    return did


def check(build, server, clients, digest):
    """[(what, problem or None)] of the calm end."""
    rows = {client.language: {row["_id"]: row for row in client.do("dump")["rows"]} for client in clients}
    first = clients[0].language
    for client in clients[1:]:
        different = [
            key for key in {*rows[first], *rows[client.language]} if rows[first].get(key) != rows[client.language].get(key)
        ]
        yield f"{client.language} holds what {first} holds", different[:3] and [
            (rows[first].get(key), rows[client.language].get(key)) for key in different[:3]
        ]
    for client in clients:
        lost = []
        for key, allowed in client.own.items():
            row = rows[first].get(key)
            if (row["visits"] if row else None) not in allowed:
                lost.append((key, row and row["visits"], sorted(allowed, key=str)))
        yield f"{client.language} lost none of its {client.commits} commits", lost
        tags = [tag for key, tag in client.tags if rows[first][key]["tags"].count(tag) != 1]
        yield f"{client.language}'s {len(client.tags)} tags are there once each", tags
    told = subprocess.run(
        [build / "tools/atoll/atoll", "hash", "Airport", "TRUEPREDICATE", "--app", APP, "--data", server.data, "--json"],
        check=True, stdout=subprocess.PIPE, text=True,
    ).stdout  # fmt: skip
    found = json.loads(told)
    held = {"count": len(rows[first]), "digest": f"{digest.digest(rows[first].values(), digest.AIRPORT):016x}"}
    different = {name: (found[name], held[name]) for name in held if found[name] != held[name]}
    yield "the server holds what the clients hold", different


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("build", type=pathlib.Path)
    options.add_argument("--seconds", type=float, default=30)
    options.add_argument("--seed", type=int, default=int(time.time()))
    options.add_argument("--languages", default="csharp,java,cpp,python")
    chosen = options.parse_args()
    build = chosen.build.resolve()
    os.environ["ATOLL_BUILD"] = str(build)
    sys.path[:0] = [str(ROOT / "tests/acceptance/python"), str(ROOT / "tools/demo.d"), str(HERE)]
    sys.dont_write_bytecode = True
    import digest
    from harness import Server
    from proxy import Proxy

    print(f"seed {chosen.seed}, {chosen.seconds:.0f} s", flush=True)
    source = random.Random(chosen.seed)
    passed = failed = 0
    with Server() as server:
        proxy = Proxy(server.port, source.random())
        url = f"http://127.0.0.1:{proxy.port}"
        clients = []
        for language in chosen.languages.split(","):
            clients.append(Client(language, build, url, server.folder / language, source.random()))
            clients[-1].do("subscribe", query="TRUEPREDICATE")
        for number in range(SHARED):
            clients[0].do("create", values={"_id": f"S{number}", "name": "shared", "country": "x"})
        for client in clients:
            clients[0].do("wait")
            client.do("wait")
        until = time.monotonic() + chosen.seconds
        threads = [threading.Thread(target=client.work, args=(until,)) for client in clients]
        for thread in threads:
            thread.start()
        did = torment(server, proxy, clients, source, until)
        for thread in threads:
            thread.join()
        print(f"commits {sum(c.commits for c in clients)}, " + ", ".join(f"{v} x {k}" for k, v in sorted(did.items())))
        for client in clients:
            assert client.problem is None, client.problem
        for _ in range(2):  # what one uploads in the first round the others have after the second
            for client in clients:
                client.settle()
        for what, problem in check(build, server, clients, digest):
            passed += not problem
            failed += bool(problem)
            print(f"{'FAIL' if problem else 'ok  '} {what}{f': {problem}' if problem else ''}")
        for client in clients:
            client.close()
        proxy.close()
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
