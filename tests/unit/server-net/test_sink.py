"""Ingested objects in PostgreSQL: each once, whatever is killed. Usage: test_sink.py ATOLLD ATOLL CRASH_WORKER."""

import contextlib
import glob
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import postgres

ATOLLD, ATOLL, WORKER = map(os.path.abspath, sys.argv[1:4])
PATIENCE = 60  # seconds
BILLION = 1000000000
WITHOUT = "PostgreSQL's server is not installed (Debian: postgresql)"


def children(parent):
    """The processes whose parent it is."""
    found = []
    for stat in glob.glob("/proc/[0-9]*/stat"):
        try:
            with open(stat, encoding="utf-8", errors="replace") as file:
                fields = file.read().rpartition(")")[2].split()
        except OSError:
            continue  # it has ended meanwhile
        if int(fields[1]) == parent:
            found.append(int(stat.split("/")[2]))
    return found


def signal_all(pids, what):
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):  # a worker of the cluster may just have ended
            os.kill(pid, what)


@unittest.skipIf(postgres.programs() is None, WITHOUT)
class Sink(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = postgres.Cluster()
        cls.addClassCleanup(cls.cluster.remove)
        cls.cluster.start()

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="atoll-sink-")
        self.addCleanup(lambda: subprocess.run(["rm", "-rf", self.folder], check=True))
        self.data = os.path.join(self.folder, "data")
        self.schema = f"s{random.getrandbits(48)}"
        self.server = None
        self.addCleanup(self.stop)

    def configure(self, app, more=""):
        path = os.path.join(self.folder, "atolld.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"apps:\n- id: {app}\n  sync: flexible\n  development: true\n  ingest:\n"
                       f"    postgres: {self.cluster.connection()}\n    schema: {self.schema}\n{more}")

    def start(self, listen="127.0.0.1:0"):
        port_file = os.path.join(self.folder, "port")
        if os.path.exists(port_file):
            os.unlink(port_file)
        log = open(os.path.join(self.folder, "log"), "a", encoding="utf-8")
        self.addCleanup(log.close)
        self.server = subprocess.Popen([ATOLLD, "--data", self.data, "--listen", listen, "--port-file", port_file, "--config",
                                        os.path.join(self.folder, "atolld.yaml")], stdin=subprocess.DEVNULL, stderr=log)
        deadline = time.monotonic() + PATIENCE
        while not os.path.exists(port_file):
            if self.server.poll() is not None or time.monotonic() > deadline:
                raise AssertionError("atolld did not start: " + self.log())
            time.sleep(0.01)
        with open(port_file, encoding="utf-8") as file:
            self.port = int(file.read())

    def log(self):
        with open(os.path.join(self.folder, "log"), encoding="utf-8") as file:
            return file.read()

    def stop(self, number=signal.SIGKILL):
        if self.server is None or self.server.poll() is not None:
            return None
        self.server.send_signal(number)
        return self.server.wait(timeout=PATIENCE)

    def atoll(self, *arguments):
        done = subprocess.run([ATOLL, *arguments, "--data", self.data], capture_output=True, text=True, timeout=PATIENCE, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def insert(self, app, rows, class_name="Reading"):
        path = os.path.join(self.folder, "rows.ndjson")
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)
        self.atoll("import", path, "--app", app, "--class", class_name, "--asymmetric", "--quiet")

    def head(self, app):
        """The last position of the embedded store."""
        lines = self.atoll("ingest", "tail", "--no-follow", "--app", app).splitlines()
        return json.loads(lines[-1])["position"] if lines else 0

    def mark(self):
        return int(self.cluster.ask(f"SELECT coalesce(max(position), 0) FROM {self.schema}.atoll_ingest_mark")[0][0])

    def wait(self, app):
        head, deadline = self.head(app), time.monotonic() + PATIENCE
        while True:
            try:
                if self.mark() == head:
                    return head
            except RuntimeError as error:
                if time.monotonic() > deadline:
                    raise AssertionError(self.log()) from error
            if time.monotonic() > deadline:
                raise AssertionError(f"the mark does not reach {head}: {self.log()}")
            time.sleep(0.05)

    def test_objects_arrive_in_tables_with_columns_of_their_types(self):
        self.configure("station", "    tables: {Other: \"other things\"}\n")
        self.start()
        rows = [{"_id": 1, "name": "a\tb\\c\nd\re\"", "t": 1.5, "ok": True}, {"_id": 2, "name": "żółw 🐢 \\N", "t": -1e300, "ok": False},
                {"_id": 3, "name": None, "t": None, "ok": None}]
        self.insert("station", rows)
        self.insert("station", [{"_id": "x", "n": 2**62}], "Other")
        self.assertEqual(self.wait("station"), 4)
        ask = self.cluster.ask
        read = ask(f"SELECT json_build_object('_id', _id, 'name', name, 't', t, 'ok', ok) FROM {self.schema}.\"Reading\" "
                   "ORDER BY _atoll_position")
        self.assertEqual([json.loads(row[0]) for row in read], rows)
        self.assertEqual(ask(f"SELECT _id, n, _atoll_object FROM {self.schema}.\"other things\""), [["x", str(2**62), "\\N"]])
        types = ask("SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'Reading' AND table_schema = "
                    f"'{self.schema}' ORDER BY 1")
        self.assertEqual(dict(types), {"_atoll_position": "bigint", "_atoll_ident": "bigint", "_atoll_sequence": "bigint",
                                       "_atoll_object": "json", "_id": "bigint", "name": "text", "t": "double precision", "ok": "boolean"})

    def test_what_is_delivered_is_dropped_if_wanted(self):
        self.configure("a", "    keep_delivered: false\n")
        self.start()
        self.insert("a", [{"_id": i} for i in range(2000)])
        deadline = time.monotonic() + PATIENCE
        while self.head("a") != 0:
            self.assertLess(time.monotonic(), deadline, self.log())
            time.sleep(0.1)
        self.assertEqual(self.cluster.ask(f'SELECT count(*), max("_id") FROM {self.schema}."Reading"')[0], ["2000", "1999"])
        self.assertEqual(self.stop(signal.SIGTERM), 0)
        self.start()
        self.insert("a", [{"_id": i} for i in range(2000, 2010)])
        while int(self.cluster.ask(f'SELECT count(*) FROM {self.schema}."Reading"')[0][0]) < 2010:
            self.assertLess(time.monotonic(), deadline, self.log())
            time.sleep(0.1)
        self.assertEqual(self.mark(), 2010)

    def test_new_properties_become_columns_and_what_was_ingested_before_goes_too(self):
        self.configure("station")
        sinkless = os.path.join(self.folder, "atolld.yaml")
        with open(sinkless, encoding="utf-8") as file:
            full = file.read()
        with open(sinkless, "w", encoding="utf-8") as file:
            file.write(full[:full.index("  ingest:")])
        self.start()
        self.insert("station", [{"_id": i} for i in range(2500)])
        self.assertEqual(self.stop(signal.SIGTERM), 0)
        with open(sinkless, "w", encoding="utf-8") as file:
            file.write(full)
        self.start()
        self.assertEqual(self.wait("station"), 2500)
        self.insert("station", [{"_id": i, "more": f"m{i}"} for i in range(2500, 2600)])
        self.wait("station")
        self.assertEqual(self.cluster.ask(f"SELECT count(*), count(DISTINCT _id), count(more) FROM {self.schema}.\"Reading\""),
                         [["2600", "2600", "100"]])

    def test_what_may_not_be_made_is_named_and_goes_on_once_it_is_there(self):
        self.cluster.ask(f"CREATE SCHEMA {self.schema}")
        self.configure("station", "    create: false\n")
        self.start()
        self.insert("station", [{"_id": 1}, {"_id": 2}])
        done = 0
        deadline = time.monotonic() + PATIENCE
        while done < 2 and time.monotonic() < deadline:
            statements = [line.split("run: ")[1] for line in self.log().splitlines() if "run: " in line]
            for statement in statements[-1:]:
                try:
                    self.cluster.ask(statement)
                    done += 1
                except RuntimeError as error:
                    self.assertIn("already exists", str(error))
            time.sleep(0.1)
        self.wait("station")
        self.assertEqual(self.cluster.ask(f"SELECT _id FROM {self.schema}.\"Reading\" ORDER BY _atoll_position"), [["1"], ["2"]])

    def test_a_folder_that_was_set_back_delivers_what_comes_next(self):
        self.configure("station")
        self.start()
        self.insert("station", [{"_id": i} for i in range(10)])
        self.wait("station")
        self.assertEqual(self.stop(signal.SIGTERM), 0)
        subprocess.run(["cp", "-a", self.data, self.data + ".backup"], check=True)
        self.start()
        self.insert("station", [{"_id": i} for i in range(10, 30)])
        self.wait("station")
        self.stop()
        subprocess.run(["rm", "-rf", self.data], check=True)
        os.rename(self.data + ".backup", self.data)
        self.cluster.kill()
        try:  # meanwhile the folder grows beyond what PostgreSQL has of the lost one
            self.start()
            self.insert("station", [{"_id": i} for i in range(30, 65)])
        finally:
            self.cluster.start()
        deadline = time.monotonic() + PATIENCE
        while "was set back" not in self.log() and time.monotonic() < deadline:
            time.sleep(0.05)
        self.assertEqual(self.wait("station"), 45)
        read = self.cluster.ask(f"SELECT _id FROM {self.schema}.\"Reading\" ORDER BY _id")
        self.assertEqual([int(row[0]) for row in read], list(range(65)))

    def test_the_server_stops_at_once_though_postgresql_hangs(self):
        self.configure("station")
        self.start()
        self.insert("station", [{"_id": 1}])
        self.wait("station")
        workers = children(self.cluster.pid())
        signal_all(workers, signal.SIGSTOP)
        try:
            self.insert("station", [{"_id": 2}])  # nor does it keep clients waiting
            before = time.monotonic()
            self.assertEqual(self.stop(signal.SIGTERM), 0)
            self.assertLess(time.monotonic() - before, 10)
        finally:
            signal_all(workers, signal.SIGCONT)
        self.start()
        self.wait("station")
        self.assertEqual(self.cluster.ask(f"SELECT count(*) FROM {self.schema}.\"Reading\""), [["2"]])

    def test_each_object_is_there_once_and_in_order_whatever_is_killed(self):
        self.configure("crash")
        self.start()
        listen = f"127.0.0.1:{self.port}"
        seed = random.getrandbits(32)
        chance = random.Random(seed)
        clients = [subprocess.Popen([WORKER, "sync", f"http://{listen}", os.path.join(self.folder, f"home{n}"), str(n),
                                     os.path.join(self.folder, f"acks{n}")], stderr=subprocess.DEVNULL) for n in (1, 2)]
        kills = {"server": 0, "database": 0}
        try:
            for _ in range(8):
                time.sleep(chance.uniform(0.1, 0.5))
                what = chance.choice(("server", "database", "both", "backend"))
                if what == "backend":
                    self.cluster.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'atolld'")
                if what in ("server", "both"):
                    self.stop()
                    kills["server"] += 1
                if what in ("database", "both"):
                    self.cluster.kill()
                    time.sleep(chance.uniform(0, 0.3))
                    self.cluster.start()
                    kills["database"] += 1
                if what in ("server", "both"):
                    self.start(listen)
        finally:
            for client in clients:
                client.kill()
                client.wait(timeout=PATIENCE)
        self.wait("crash")
        stored = [json.loads(line) for line in self.atoll("ingest", "tail", "--no-follow", "--app", "crash").splitlines()]
        wanted = [[str(line[key]) for key in ("position", "ident", "sequence")] + [str(line["object"]["_id"])] for line in stored]
        read = self.cluster.ask("SELECT _atoll_position, _atoll_ident, _atoll_sequence, _id FROM "
                                f"{self.schema}.\"Measurement\" ORDER BY _atoll_position")
        self.assertEqual(len(read), len(wanted), f"seed {seed}")
        self.assertTrue(read == wanted, f"seed {seed}: the rows are not those of the embedded store, in their order")
        self.assertGreater(len(read), 20)
        for n in (1, 2):
            own = [int(row[3]) for row in read if int(row[3]) // BILLION == n]
            self.assertEqual(own, list(range(own[0], own[0] + len(own))), f"seed {seed}")
        print(f"seed {seed}: {len(read)} objects, kills {kills}")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
