"""How a server is run: its log, what a hang-up reads again, how it stops. Usage: test_operation.py ATOLLD SCHEMA_DIR."""

import json
import os
import signal
import subprocess
import tempfile
import time
import unittest

import grpc
import test_interop as stock
from test_interop import ATOLLD, PATIENCE, Stream, auth, sync

CONFIG = """
apps:
- id: shop
  sync: flexible
  development: true
  log_in: [anonymous, email]
  default_roles:
  - name: small
    document_filters: {read: 'true', write: '_id < 100'}
    read: true
    write: true
    insert: true
"""


class Operated:
    """A server with a configuration, whose log is kept."""

    def __init__(self, config, *more):
        self.folder = tempfile.mkdtemp(prefix="atoll-operation-")
        self.config, self.log_file = (os.path.join(self.folder, name) for name in ("atolld.yaml", "log"))
        self.write_config(config)
        port_file = os.path.join(self.folder, "port")
        with open(self.log_file, "wb") as log:
            self.process = subprocess.Popen(
                [ATOLLD, "--data", self.folder + "/data", "--config", self.config, "--listen", "127.0.0.1:0", "--port-file", port_file, *more],
                stderr=log,
            )
        self.wait(lambda: os.path.exists(port_file) and os.path.getsize(port_file) > 0, "atolld does not start")
        with open(port_file, encoding="utf-8") as file:
            self.channel = grpc.insecure_channel(f"127.0.0.1:{int(file.read())}")

    def write_config(self, text):
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(text)

    def wait(self, holds, what):
        deadline = time.monotonic() + PATIENCE
        while not holds():
            assert time.monotonic() < deadline, f"{what}: {self.log()}"
            time.sleep(0.02)

    def log(self):
        with open(self.log_file, encoding="utf-8") as file:
            return file.read()

    def events(self, name):
        lines = [json.loads(line) for line in self.log().splitlines()]
        return [line for line in lines if line.get("event") == name]

    def ask(self, path, message, answer):
        call = self.channel.unary_unary(path, request_serializer=lambda m: m.SerializeToString(), response_deserializer=answer.FromString)
        return call(message, timeout=PATIENCE)

    def log_in(self, **credentials):
        request = auth.LogInRequest(app_id="shop", **(credentials or {"anonymous": auth.Anonymous()}))
        return self.ask("/atoll.auth.v1.Auth/LogIn", request, auth.Tokens)

    def stop(self):
        self.channel.close()
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(PATIENCE)
        subprocess.run(["rm", "-rf", self.folder], check=True)
        return code


def upload(ids, batch=b"b" * 16, bound=1, previous=b"", last=True, part=0):
    message = sync.ClientMessage()
    message.upload.batch, message.upload.bound, message.upload.last, message.upload.part = batch, bound, last, part
    message.upload.previous_batch = previous
    rows = message.upload.rows.add(class_name="Thing", kinds=bytes([sync.ROW_KIND_CREATE] * len(ids)))
    rows.key.property, rows.key.type = "_id", sync.VALUE_TYPE_INT
    rows.key.integers.extend(ids)
    return message


def until(stream, body):
    """The next message of that kind, and those before it."""
    before = []
    for message in stream.answers:
        if message.WhichOneof("body") == body:
            return getattr(message, body), before
        before.append(message)
    raise AssertionError(f"the stream ended without {body}: {before}")


def bind(level=0):
    message = stock.bind("shop")
    message.bind.log_level = level
    return message


class Log(unittest.TestCase):
    def test_the_log_tells_of_sessions_uploads_downloads_refusals_and_errors_as_json(self):
        server = Operated(CONFIG, "--log-format", "json", "--log-level", "detail")
        self.addCleanup(server.stop)
        with self.assertRaises(grpc.RpcError):
            server.log_in(email_password=auth.EmailPassword(email="ann@x.org", password="secret-word"))
        tokens = server.log_in()
        stream = Stream(server.channel, tokens.access_token)
        stream.send(bind(level=3))
        bound, _ = until(stream, "bound")
        query = sync.Query(class_name="Thing", text="TRUEPREDICATE")
        stream.send(sync.ClientMessage(subscribe=sync.Subscribe(version=1, queries=[query])))
        until(stream, "subscription_state")
        stream.send(upload([1, 2, 500]))
        acknowledgement, _ = until(stream, "upload_ack")
        self.assertEqual([r.class_name for r in acknowledgement.rejected], ["Thing"])
        self.assertIn("refused", until(stream, "log_line")[0].text)  # the client's own log has it as well
        other = Stream(server.channel, tokens.access_token)
        other.send(bind())
        its, _ = until(other, "bound")
        other.send(sync.ClientMessage(subscribe=sync.Subscribe(version=1, queries=[query])))
        download, told = until(other, "download")
        while not download.rows:
            download, more = until(other, "download")
            told += more
        self.assertFalse([m for m in told if m.WhichOneof("body") == "log_line"])  # it wanted none
        stream.send(upload([3], batch=b"c" * 16, bound=2, previous=b"x" * 16))
        error, _ = until(stream, "error")
        self.assertEqual((error.code, error.log_id), (608, bound.log_id))
        other.end()
        stream.end()
        server.wait(lambda: len(server.events("session ends")) == 2, "the sessions do not end")

        about = {"session": bound.log_id, "app": "shop", "user": tokens.user_id, "ident": bound.ident}
        for name, level, more in (
            ("session starts", "info", {"client": "stock"}),
            ("upload applied", "detail", {"rows": 3}),
            ("write refused", "info", {"class": "Thing"}),
            ("client has to reset", "warn", {"code": 608, "text": error.text}),
            ("session ends", "info", {"code": 608, "uploads": 1, "rows_in": 4, "refused": 1}),
        ):
            found = [line for line in server.events(name) if line["session"] == bound.log_id]
            self.assertEqual(len(found), 1, (name, server.log()))
            wanted = {"level": level, "category": "Realm.Sync.Server", **about, **more}
            self.assertLessEqual(wanted.items(), found[0].items())
            self.assertRegex(found[0]["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        self.assertEqual([(line["user"], line["provider"]) for line in server.events("log-in")], [(tokens.user_id, "anon-user")])
        self.assertEqual([(line["app"], line["code"]) for line in server.events("call refused")], [("shop", 701)])
        self.assertEqual([line["rows"] for line in server.events("download sent") if line["session"] == its.log_id], [2])
        for secret in (tokens.access_token, tokens.refresh_token, "secret-word", "ann@x.org"):
            self.assertNotIn(secret, server.log())

    def test_lines_of_text_have_one_line_each_and_quote_what_is_not_plain(self):
        server = Operated(CONFIG)
        self.addCleanup(server.stop)
        stream = Stream(server.channel, server.log_in().access_token)
        message = bind()
        message.bind.user_agent = 'a "name"\nINFO forged line'
        stream.send(message)
        bound, _ = until(stream, "bound")
        lines = [line for line in server.log().splitlines() if f"session starts session={bound.log_id} app=shop " in line]
        self.assertEqual(len(lines), 1, server.log())
        self.assertRegex(lines[0], r"^\d{4}-\d\d-\d\dT[0-9:.]+Z info \[Realm\.Sync\.Server\] ")
        self.assertIn(r'client="a \"name\"\x0aINFO forged line"', lines[0])
        self.assertFalse([line for line in server.log().splitlines() if line.startswith("INFO")])
        stream.end()


class Reload(unittest.TestCase):
    def test_a_hang_up_reads_log_ins_apps_and_limits_again_and_names_what_waits(self):
        server = Operated(CONFIG, "--log-format", "json")
        self.addCleanup(server.stop)
        old = server.log_in()
        self.assertAlmostEqual(old.access_expires_ms - old.server_ms, 1800 * 1000, delta=1000)
        other = CONFIG.replace("log_in: [anonymous, email]", "log_in: [email]").replace("development: true", "development: false")
        other = other.replace("sync: flexible", "sync: partition") + "- id: second\n  sync: flexible\n"
        server.write_config("listen: 127.0.0.1:1\naccess_token_seconds: 60\n" + other)
        server.process.send_signal(signal.SIGHUP)
        server.wait(lambda: "was read again" in server.log(), "the configuration is not read")
        with self.assertRaises(grpc.RpcError) as refused:
            server.log_in()
        self.assertIn("doesn't allow to log in anonymously", refused.exception.details())
        request = auth.LogInRequest(app_id="second", anonymous=auth.Anonymous())
        fresh = server.ask("/atoll.auth.v1.Auth/LogIn", request, auth.Tokens)
        self.assertEqual(fresh.access_expires_ms - fresh.server_ms, 60 * 1000)
        self.assertEqual(sorted((line.get("app"), line["setting"]) for line in server.events("setting waits for a restart") if line["setting"] != "listen"),
                         [("shop", "sync")])
        stream = Stream(server.channel, old.access_token)  # who is logged in stays so; new classes are not taken any more
        stream.send(bind())
        error, _ = until(stream, "error")
        self.assertEqual(error.code, 611)
        stream.end()
        server.write_config("apps: nonsense\n")
        server.process.send_signal(signal.SIGHUP)
        server.wait(lambda: "was not taken" in server.log(), "the mistake is not told")
        server.ask("/atoll.auth.v1.Auth/LogIn", request, auth.Tokens)


class Stop(unittest.TestCase):
    def begin(self, server):
        stream = Stream(server.channel, server.log_in().access_token)
        stream.send(bind())
        until(stream, "bound")
        query = sync.Query(class_name="Thing", text="TRUEPREDICATE")
        stream.send(sync.ClientMessage(subscribe=sync.Subscribe(version=1, queries=[query])))
        until(stream, "subscription_state")
        stream.send(upload([1], last=False))
        stream.send(sync.ClientMessage(ping=sync.Ping(sent_ms=1)))
        until(stream, "pong")  # the first part has arrived
        return stream

    def test_a_batch_that_is_under_way_is_finished_and_the_stream_ends_then(self):
        server = Operated(CONFIG)
        stream, idle = self.begin(server), Stream(server.channel, server.log_in().access_token)
        idle.send(bind())
        until(idle, "bound")
        server.process.send_signal(signal.SIGTERM)
        with self.assertRaises(grpc.RpcError) as ended:
            list(idle.answers)
        self.assertEqual(ended.exception.code(), grpc.StatusCode.UNAVAILABLE)
        stream.send(upload([2], part=1))
        acknowledgement, _ = until(stream, "upload_ack")
        self.assertEqual((acknowledgement.bound, list(acknowledgement.rejected)), (1, []))
        with self.assertRaises(grpc.RpcError) as ended:
            list(stream.answers)
        self.assertEqual(ended.exception.code(), grpc.StatusCode.UNAVAILABLE)
        stream.end()
        idle.end()
        self.assertEqual(server.process.wait(PATIENCE), 0)
        self.assertIn("stopped", server.log())
        server.stop()

    def test_who_does_not_finish_his_batch_is_not_waited_for_for_long(self):
        server = Operated(CONFIG)
        stream = self.begin(server)
        begin = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        self.assertEqual(server.process.wait(PATIENCE), 0)
        self.assertLess(time.monotonic() - begin, 8)
        stream.end()
        server.stop()


if __name__ == "__main__":
    unittest.main(argv=["test_operation.py"])
