"""What the acceptance programs share: a fresh atolld and its administration calls, in a folder that goes at the end."""

import importlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import grpc

ROOT = pathlib.Path(__file__).resolve().parents[3]
BUILD = pathlib.Path(os.environ["ATOLL_BUILD"])
LIMIT = 30  # seconds that a single wait may take


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """An atolld of our own: starts, is killed, starts again on the same port and data."""

    def __init__(self, config=None):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="atoll-acceptance-"))
        self.data = self.folder / "data"
        self.config = config
        self.port = None
        self.process = None
        self.start()

    def start(self):
        port_file = self.folder / "port"
        port_file.unlink(missing_ok=True)
        arguments = ["--data", self.data, "--listen", f"127.0.0.1:{self.port or 0}", "--port-file", port_file]
        if self.config is not None:
            config_file = self.folder / "atolld.yaml"
            config_file.write_text(self.config)
            arguments += ["--config", config_file]
        with open(self.folder / "atolld.log", "ab") as log:
            self.process = subprocess.Popen(
                [BUILD / "tools/atolld/atolld", *arguments], stdout=log, stderr=subprocess.STDOUT
            )
        deadline = time.monotonic() + LIMIT
        while not (port_file.exists() and port_file.read_text().strip()):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("atolld did not start:\n" + (self.folder / "atolld.log").read_text(errors="replace"))
            time.sleep(0.02)
        self.port = int(port_file.read_text().strip().rpartition(":")[2])
        self.url = f"http://127.0.0.1:{self.port}"

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        self.process.terminate()
        return self.process.wait(LIMIT)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        code = self.stop() if self.process.poll() is None else 0
        if kind is not None:
            sys.stderr.write((self.folder / "atolld.log").read_text(errors="replace")[-4000:])
        shutil.rmtree(self.folder, ignore_errors=True)
        if kind is None:
            assert code == 0, f"atolld ended with {code} after SIGTERM"

    # ---------- administration, by the calls of schema/auth.proto ----------

    def admin(self, call, message, **fields):
        auth, stubs = generated("auth")
        token = (self.data / "admin.token").read_text().strip()
        with grpc.insecure_channel(f"127.0.0.1:{self.port}") as channel:
            stub = stubs.AdminStub(channel)
            request = getattr(auth, message)(**fields)
            return getattr(stub, call)(request, metadata=[("authorization", f"Bearer {token}")], timeout=LIMIT)

    def sessions(self, app_id, user_id, partition=None):
        """The streams of a user, ended ones too; of one partition (as a Python value) if given."""
        found = self.admin("ListSessions", "AppRequest", app_id=app_id).sessions
        return [
            s
            for s in found
            if s.user_id == user_id and (partition is None or json.loads(s.partition or "null") == partition)
        ]

    def ingested(self, app_id):
        """All asymmetric objects that arrived, as dictionaries."""
        rows, after = [], 0
        while True:
            answer = self.admin("ReadIngest", "ReadIngestRequest", app_id=app_id, after=after, limit=1000)
            lines = answer.lines.splitlines()
            rows += [json.loads(line) for line in lines]
            if not lines or answer.last == after:
                return rows
            after = answer.last


_generated = {}


def generated(name):
    """The protobuf module and the gRPC stubs of schema/<name>.proto, made once."""
    if name not in _generated:
        from grpc_tools import protoc

        folder = tempfile.mkdtemp(prefix="atoll-stubs-")
        schema = str(ROOT / "schema")
        code = protoc.main(
            ["protoc", f"-I{schema}", f"--python_out={folder}", f"--grpc_python_out={folder}", f"{schema}/{name}.proto"]
        )
        assert code == 0, f"protoc could not read {name}.proto"
        sys.path.insert(0, folder)
        _generated[name] = (importlib.import_module(f"{name}_pb2"), importlib.import_module(f"{name}_pb2_grpc"))
        shutil.rmtree(folder)
        sys.path.remove(folder)
    return _generated[name]


def until(check, what, limit=LIMIT):
    """Wait for something that another process does."""
    deadline = time.monotonic() + limit
    while True:
        found = check()
        if found:
            return found
        assert time.monotonic() < deadline, f"it did not happen within {limit} s: {what}"
        time.sleep(0.02)


def counters(session):
    return (session.number, session.messages_in, session.messages_out, session.rows_in, session.rows_out)
