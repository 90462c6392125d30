"""The demo's atolld, and the questions that it is asked by the administration calls of schema/auth.proto."""

import importlib
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

import grpc

ROOT = pathlib.Path(__file__).resolve().parents[2]
LIMIT = 60  # seconds


def stubs():
    """Protobuf classes and gRPC stubs of schema/auth.proto."""
    from grpc_tools import protoc

    folder = tempfile.mkdtemp(prefix="atoll-stubs-")
    schema = str(ROOT / "schema")
    outputs = [f"--python_out={folder}", f"--grpc_python_out={folder}"]
    protoc.main(["protoc", f"-I{schema}", *outputs, f"{schema}/auth.proto"])
    sys.path.insert(0, folder)
    try:
        return importlib.import_module("auth_pb2"), importlib.import_module("auth_pb2_grpc")
    finally:
        sys.path.remove(folder)
        shutil.rmtree(folder)


class Server:
    def __init__(self, build, folder):
        self.folder = folder
        self.data = folder / "data"
        port_file = folder / "port"
        with open(folder / "atolld.log", "ab") as log:
            self.process = subprocess.Popen(
                [build / "tools/atolld/atolld", "--data", self.data, "--listen", "127.0.0.1:0"]
                + ["--port-file", port_file],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + LIMIT
        while not (port_file.exists() and port_file.read_text().strip()):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit("atolld did not start:\n" + (folder / "atolld.log").read_text(errors="replace"))
            time.sleep(0.02)
        self.address = f"127.0.0.1:{port_file.read_text().strip().rpartition(':')[2]}"
        self.url = f"http://{self.address}"
        self._auth, grpc_stubs = stubs()
        self._channel = grpc.insecure_channel(self.address, options=[("grpc.max_receive_message_length", -1)])
        self._admin = grpc_stubs.AdminStub(self._channel)

    def _ask(self, call, message, **fields):
        token = (self.data / "admin.token").read_text().strip()
        request = getattr(self._auth, message)(**fields)
        return getattr(self._admin, call)(request, metadata=[("authorization", f"Bearer {token}")], timeout=LIMIT)

    def hash(self, app_id, class_name, query):
        """(digest, count) of what the server holds for a query."""
        found = self._ask("HashQuery", "HashQueryRequest", app_id=app_id, class_name=class_name, query=query)
        return found.digest, found.count

    def sessions(self, app_id):
        return list(self._ask("ListSessions", "AppRequest", app_id=app_id).sessions)

    def ingested(self, app_id):
        rows, after = [], 0
        while True:
            answer = self._ask("ReadIngest", "ReadIngestRequest", app_id=app_id, after=after, limit=1000)
            lines = answer.lines.splitlines()
            rows += [json.loads(line) for line in lines]
            if not lines or answer.last == after:
                return rows
            after = answer.last

    def stop(self):
        self._channel.close()
        self.process.terminate()
        return self.process.wait(LIMIT)
