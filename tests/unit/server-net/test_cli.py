"""atolld and atoll as programs: arguments, exit codes, output, restart. Usage: test_cli.py ATOLLD ATOLL."""

import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest

ATOLLD, ATOLL = map(os.path.abspath, sys.argv[1:3])
PATIENCE = 30  # seconds


class Server:
    def __init__(self, folder, *more):
        self.data = os.path.join(folder, "data")
        self.port_file = os.path.join(folder, "port")
        if os.path.exists(self.port_file):
            os.unlink(self.port_file)
        self.process = subprocess.Popen(
            [ATOLLD, "--data", self.data, "--listen", "127.0.0.1:0", "--port-file", self.port_file, *more],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        deadline = time.monotonic() + PATIENCE
        while not os.path.exists(self.port_file):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError("atolld did not start: " + self.process.communicate()[1])
            time.sleep(0.01)

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        self.process.communicate(timeout=PATIENCE)
        return self.process.returncode


def atoll(*arguments, given=None):
    return subprocess.run([ATOLL, *arguments], input=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          timeout=PATIENCE, check=False)


class Programs(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="atoll-cli-")
        self.addCleanup(lambda: subprocess.run(["rm", "-rf", self.folder], check=True))

    def start(self, *more):
        server = Server(self.folder, *more)
        self.addCleanup(lambda: server.process.poll() is None and server.stop(signal.SIGKILL))
        return server

    def good(self, *arguments, given=None):
        done = atoll(*arguments, given=given)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def bad(self, code, text, *arguments):
        done = atoll(*arguments)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertIn(text, done.stderr)

    def file(self, name, content):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(content)
        return path

    def test_arguments_that_make_no_sense_end_with_2(self):
        for arguments, text in ((["blah"], "--app"), (["app", "list"], "--data DIR is missing"), (["app", "list", "--nope"], "--help"),
                                (["ingest", "tail", "--app", "a", "--after", "x", "--data", "."], "no number")):
            self.bad(2, text, *arguments)
        for arguments in ([], ["--data"], ["--data", "d", "more"], ["--data", "d", "--log-level", "loud"], ["--data", "d", "--listen", "x"]):
            done = subprocess.run([ATOLLD, *arguments], capture_output=True, text=True, cwd=self.folder, timeout=PATIENCE, check=False)
            self.assertEqual(done.returncode, 2, done.stderr)

    def test_wrong_configuration_names_its_line(self):
        config = self.file("wrong.yaml", "listen: 127.0.0.1:0\napps:\n- id: a\n  sink: flexible\n")
        done = subprocess.run([ATOLLD, "--data", os.path.join(self.folder, "d"), "--config", config], capture_output=True, text=True,
                              timeout=PATIENCE, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("line 4 column 3: unknown key", done.stderr)

    def test_signals_stop_the_server_cleanly_and_the_folder_is_locked_until_then(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            server = self.start()
            second = subprocess.run([ATOLLD, "--data", server.data, "--listen", "127.0.0.1:0"], capture_output=True, text=True,
                                    timeout=PATIENCE, check=False)
            self.assertEqual(second.returncode, 1)
            self.assertIn(f"process {server.process.pid}", second.stderr)
            self.assertEqual(server.stop(number), 0)
        self.assertEqual(os.stat(os.path.join(server.data, "admin.token")).st_mode & 0o777, 0o600)
        self.assertEqual(os.stat(os.path.join(server.data, "token.key")).st_mode & 0o777, 0o600)

    def test_users_are_added_listed_and_disabled_and_survive_a_kill(self):
        server = self.start()
        on = ["--app", "shop", "--data", server.data]
        self.good("user", "add", "ann@x.org", *on, given="secret1\n")
        self.bad(1, "already registered", "user", "add", "ann@x.org", "--password", "secret1", *on)
        self.bad(1, "6 to 128", "user", "add", "bob@x.org", "--password", "short", *on)
        self.assertEqual(self.good("user", "data", "get", "ann@x.org", *on), "\n")
        self.assertEqual(self.good("user", "data", "set", "ann@x.org", '{"team": 3}', *on), '{"team": 3}\n')
        self.bad(2, "no JSON", "user", "data", "set", "ann@x.org", "3", *on)
        self.bad(2, "no user", "user", "data", "get", "bob@x.org", *on)
        self.good("user", "disable", "ann@x.org", *on)
        self.assertEqual(server.stop(signal.SIGKILL), -signal.SIGKILL)
        server = self.start()
        source = self.file("one.ndjson", '{"_id": 1}\n')
        self.assertEqual(self.good("user", "data", "get", "ann@x.org", *on), '{"team": 3}\n')
        users = {user["email"]: user for user in json.loads(self.good("user", "list", "--json", *on))}
        self.assertTrue(users["ann@x.org"]["disabled"])
        self.bad(1, "disabled", "import", source, "--class", "Thing", "--email", "ann@x.org", "--password", "secret1", *on)
        self.good("user", "enable", "ann@x.org", *on)
        self.good("import", source, "--class", "Thing", "--email", "ann@x.org", "--password", "secret1", *on)

    def test_users_are_deleted_and_servers_have_keys(self):
        server = self.start()
        on = ["--app", "shop", "--data", server.data]
        self.good("user", "add", "ann@x.org", "--password", "secret1", *on)
        self.good("user", "delete", "ann@x.org", *on)
        self.assertEqual(json.loads(self.good("user", "list", "--json", *on)), [])
        self.bad(2, "no user", "user", "delete", "ann@x.org", *on)
        made = json.loads(self.good("key", "create", "backend", "--json", *on))[0]
        self.assertEqual(len(made["key"]), 64)
        self.assertEqual([user["provider"] for user in json.loads(self.good("user", "list", "--json", *on))], ["api-key"])
        self.good("key", "disable", made["id"], *on)
        listed = json.loads(self.good("key", "list", "--json", *on))
        self.assertEqual([(key["name"], key["disabled"], "key" in key) for key in listed], [("backend", True, False)])
        self.good("key", "enable", made["id"], *on)
        self.bad(2, "no key", "key", "enable", "nothing", *on)
        self.good("key", "delete", made["id"], *on)
        self.assertEqual(json.loads(self.good("key", "list", "--json", *on)), [])
        self.assertEqual(json.loads(self.good("user", "list", "--json", *on)), [], "its user goes with a server's key")

    def test_a_server_with_tls_is_administered_with_its_ca(self):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=here",
                        "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "cert.pem"],
                       cwd=self.folder, check=True, stderr=subprocess.DEVNULL)
        config = self.file("tls.yaml", f"tls: {{certificate: {self.folder}/cert.pem, key: {self.folder}/key.pem}}\napps:\n- {{id: a, sync: flexible}}\n")
        server = self.start("--config", config)
        self.bad(1, "certificate", "user", "list", "--app", "a", "--data", server.data)
        self.good("user", "list", "--app", "a", "--data", server.data, "--ca", f"{self.folder}/cert.pem")

    def test_roles_and_custom_data_count_from_the_moment_that_they_change(self):
        roles = ("listen: 127.0.0.1:0\napps:\n- id: shop\n  sync: flexible\n  development: true\n  default_roles:\n"
                 "  - {name: x, apply_when: '%s', read: true, write: true, insert: true}\n")
        config = self.file("roles.yaml", roles % "%%user.custom_data.level > 2")
        server = self.start("--config", config)
        on = ["--app", "shop", "--data", server.data]
        self.good("user", "add", "ann@x.org", *on, given="secret1\n")
        source = self.file("one.ndjson", '{"_id": 1, "name": "a"}\n{"_id": 2, "name": "b"}\n')
        ann = ["import", source, "--class", "Thing", "--email", "ann@x.org", "--password", "secret1", *on]

        def count():
            return json.loads(self.good("hash", "Thing", "--json", *on))["count"]

        atoll(*ann)
        self.assertEqual(count(), 0)
        self.good("user", "data", "set", "ann@x.org", '{"level": 3}', *on)
        self.good(*ann)
        self.assertEqual(count(), 2)
        self.file("roles.yaml", roles % "%%user.custom_data.level > 3")
        server.process.send_signal(signal.SIGHUP)
        time.sleep(0.5)
        self.file("one.ndjson", '{"_id": 3, "name": "c"}\n')
        atoll(*ann)
        self.assertEqual(count(), 2)
        self.file("roles.yaml", "nonsense")
        server.process.send_signal(signal.SIGHUP)
        self.good("user", "data", "set", "ann@x.org", '{"level": 4}', *on)
        self.good(*ann)
        self.assertEqual(count(), 3)

    def test_wrong_token_is_refused(self):
        server = self.start()
        token = self.file("token", "0" * 64)
        with open(os.path.join(server.data, "address"), encoding="utf-8") as file:
            url = "http://" + file.read().strip()
        self.bad(1, "admin.token", "app", "list", "--url", url, "--token", token)
        self.good("app", "list", "--url", url, "--token", os.path.join(server.data, "admin.token"))

    def test_import_is_repeatable_and_types_follow_the_columns(self):
        server = self.start()
        on = ["--app", "shop", "--data", server.data]
        source = self.file("rows.csv", 'code,name,price,zip,ok\n7,"a ""b"", c",1.5,00501,true\n8,,2,12345,false\n')
        out = self.good("import", source, "--class", "Row", "--key", "code", *on)
        self.assertRegex(out, "^2 rows of Row in ")
        first = self.good("hash", "Row", *on)
        self.assertRegex(first, "^[0-9a-f]{16} 2\n$")
        self.good("import", source, "--class", "Row", "--key", "code", "--quiet", *on)
        self.assertEqual(self.good("hash", "Row", *on), first)
        for query, count in (('zip == "00501"', 1), ("price > 1.6", 1), ("ok == true", 1), ("name == null", 1), ("_id == 8", 1)):
            self.assertEqual(self.good("hash", "Row", query, *on).split()[1], str(count), query)
        self.bad(1, "no class", "hash", "Nope", *on)
        self.bad(1, "1:", "hash", "Row", "price >", *on)
        self.assertEqual([app["sync"] for app in json.loads(self.good("app", "list", "--json", "--data", server.data))], ["flexible"])

    def test_a_property_is_removed_redefined_and_given_back(self):
        server = self.start()
        on = ["--app", "shop", "--data", server.data]
        source = self.file("rows.csv", "code,price\n7,1.5\n8,2\n")
        self.good("import", source, "--class", "Row", "--key", "code", *on)

        def types():
            classes = json.loads(self.good("schema", "show", *on))["classes"]
            (row,) = [c for c in classes if c["name"] == "Row"]
            return {(p["name"], p["type"].split(",")[0], p.get("removed", False)) for p in row["properties"]}

        self.assertIn(("price", "double", False), types())
        self.bad(1, "no class", "schema", "remove", "Nope", *on)
        self.bad(2, "primary key", "schema", "remove", "Row", "_id", *on)
        self.good("schema", "remove", "Row", "price", *on)
        self.assertIn(("price", "double", True), types())
        self.bad(1, "price", "hash", "Row", "price > 1.6", *on)
        text = self.file("text.csv", 'code,price\n7,cheap\n8,dear\n')
        self.good("import", text, "--class", "Row", "--key", "code", *on)
        self.assertEqual(self.good("hash", "Row", 'price == "dear"', *on).split()[1], "1")
        self.bad(2, "there already", "schema", "restore", "Row", "price", *on)
        self.good("schema", "remove", "Row", *on)
        self.bad(1, "no class", "hash", "Row", *on)
        self.good("schema", "restore", "Row", *on)
        self.assertEqual(self.good("hash", "Row", 'price == "dear"', *on).split()[1], "1")

    def test_import_names_the_line_of_a_mistake(self):
        server = self.start()
        on = ["--class", "Row", "--app", "shop", "--data", server.data]
        for name, content, text in (("a.csv", 'a,b\n1,2\n3,"4\n', "line 4: a quoted field has no end"), ("b.csv", "a\n1,2\n", "line 2 has more fields"),
                                    ("c.csv", "a,a\n", "twice"), ("d.ndjson", '{"_id": 1}\n{"_id": }\n', "line 2"),
                                    ("e.ndjson", '{"_id": 1, "x": {"y": 1}}\n', "not supported yet"), ("f.csv", "x,y\n1,2\n", 'no column "_id"'),
                                    ("g.csv", "_id\n\n1.5\n", "can't be the key")):
            done = atoll("import", self.file(name, content), *on)
            self.assertNotEqual(done.returncode, 0, name)
            self.assertIn(text, done.stderr)

    def test_import_shows_a_progress_bar(self):
        server = self.start()
        source = self.file("rows.ndjson", "".join(f'{{"_id": {i}}}\n' for i in range(100)))
        done = atoll("import", source, "--class", "Row", "--app", "a", "--data", server.data, "--progress")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(re.search(r"writing +\[#+\] 100 %", done.stderr), done.stderr)
        self.assertTrue(re.search(r"sending +\[#+\] 100 %", done.stderr), done.stderr)

    def test_ingest_arrives_once_in_order_and_sessions_count_it(self):
        server = self.start()
        on = ["--app", "station", "--data", server.data]
        source = self.file("rows.ndjson", "".join(f'{{"_id": {i}, "t": {i}.5}}\n' for i in range(3000)))
        self.good("import", source, "--class", "Reading", "--asymmetric", *on)
        lines = [json.loads(line) for line in self.good("ingest", "tail", "--no-follow", *on).splitlines()]
        self.assertEqual([line["object"]["_id"] for line in lines], list(range(3000)))
        rest = self.good("ingest", "tail", "--no-follow", "--after", str(lines[2989]["position"]), *on).splitlines()
        self.assertEqual(len(rest), 10)
        sessions = json.loads(self.good("session", "list", "--json", *on))
        self.assertEqual(len(sessions), 1)
        self.assertEqual(sessions[0]["rows_in"], 3000)
        self.assertGreater(sessions[0]["ident"], 0)
        self.assertIsNone(sessions[0]["partition"])

    def test_ingest_query_answers_one_class_to_its_end(self):
        server = self.start()
        on = ["--app", "station", "--data", server.data]
        for name, count in (("Reading", 2500), ("Rare", 3), ("Rar", 1)):
            source = self.file("rows.ndjson", "".join(f'{{"_id": {i}}}\n' for i in range(count)))
            self.good("import", source, "--class", name, "--asymmetric", *on)
        for name, count in (("Reading", 2500), ("Rare", 3), ("Rar", 1), ("Ra", 0)):
            lines = [json.loads(line) for line in self.good("ingest", "query", "--class", name, *on).splitlines()]
            self.assertEqual([line["object"]["_id"] for line in lines], list(range(count)), name)
        self.assertEqual(len(self.good("ingest", "query", "--after", "2499", *on).splitlines()), 5)

    def test_ingest_is_exported_as_csv_and_found_by_time(self):
        server = self.start()
        on = ["--app", "station", "--data", server.data]
        rows = [{"_id": 0, "name": 'a "quoted", name', "t": 1.5}, {"_id": 1, "name": "", "on": True}, {"_id": 2, "name": "plain"}]
        source = self.file("rows.ndjson", "".join(json.dumps(row) + "\n" for row in rows))
        self.good("import", source, "--class", "Reading", "--asymmetric", *on)
        source = self.file("rows.ndjson", "".join(f'{{"_id": {i}}}\n' for i in range(1500)))
        self.good("import", source, "--class", "Other", "--asymmetric", *on)
        lines = list(csv.DictReader(io.StringIO(self.good("ingest", "export", "--class", "Reading", "--format", "csv", *on), newline="")))
        self.assertEqual([line["_id"] for line in lines], ["0", "1", "2"])
        self.assertEqual([line["name"] for line in lines], ['a "quoted", name', "", "plain"])
        self.assertEqual((lines[0]["t"], lines[1]["on"], lines[2]["t"], lines[0]["position"]), ("1.5", "true", "", "1"))
        self.assertEqual(len(self.good("ingest", "export", *on).splitlines()), 1503)
        for option, time_text, count in (("--since", "2020-01-01", 1503), ("--since", "2999-12-31T23:59:59Z", 0),
                                         ("--until", "2020-01-01T10:00", 0), ("--until", lines[2]["at"][:4] + "-12-31", 1503)):
            self.assertEqual(len(self.good("ingest", "query", option, time_text, *on).splitlines()), count, option + time_text)
        self.bad(2, "is no time", "ingest", "query", "--since", "yesterday", *on)
        self.bad(2, "--class NAME is missing", "ingest", "export", "--format", "csv", *on)
        self.bad(2, "csv or ndjson", "ingest", "export", "--format", "xml", *on)

    def test_ingested_objects_go_after_their_time(self):
        config = self.file("keep.yaml", "apps:\n- id: station\n  sync: flexible\n  development: true\n  ingest: {keep_seconds: 2}\n")
        server = self.start("--config", config)
        on = ["--app", "station", "--data", server.data]
        source = self.file("rows.ndjson", "".join(f'{{"_id": {i}}}\n' for i in range(100)))
        self.good("import", source, "--class", "Reading", "--asymmetric", *on)
        deadline = time.monotonic() + PATIENCE
        while self.good("ingest", "query", *on):
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.1)

    def test_partition_app_says_its_partition(self):
        server = self.start()
        on = ["--app", "p", "--data", server.data]
        source = self.file("rows.ndjson", '{"_id": 1}\n')
        self.good("import", source, "--class", "Row", "--partition", '"north"', *on)
        self.assertEqual([s["partition"] for s in json.loads(self.good("session", "list", "--json", *on))], ["north"])
        server.stop()
        server = self.start()
        apps = json.loads(self.good("app", "list", "--json", "--data", server.data))
        self.assertEqual([(app["id"], app["sync"]) for app in apps], [("p", "partition")])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
