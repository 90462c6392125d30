"""What the server counts and what it took in, as JSON on one line. Use: admin.py PORT DATA sessions|ingest APP"""

import json
import pathlib
import sys

import grpc

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "python"))

from harness import generated  # noqa: E402


def call(port, data, name, message, **fields):
    auth, stubs = generated("auth")
    token = (pathlib.Path(data) / "admin.token").read_text().strip()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        request = getattr(auth, message)(**fields)
        return getattr(stubs.AdminStub(channel), name)(request, metadata=[("authorization", f"Bearer {token}")], timeout=20)


def sessions(port, data, app):
    return [
        {
            "user": s.user_id, "partition": s.partition, "open": s.open, "number": s.number,
            "messages_in": s.messages_in, "messages_out": s.messages_out, "rows_in": s.rows_in, "rows_out": s.rows_out,
        }
        for s in call(port, data, "ListSessions", "AppRequest", app_id=app).sessions
    ]


def ingest(port, data, app):
    rows, after = [], 0
    while True:
        answer = call(port, data, "ReadIngest", "ReadIngestRequest", app_id=app, after=after, limit=1000)
        lines = answer.lines.splitlines()
        rows += [json.loads(line) for line in lines]
        if not lines or answer.last == after:
            return rows
        after = answer.last


port, data, what, app = sys.argv[1:]
print(json.dumps({"sessions": sessions, "ingest": ingest}[what](port, data, app)))
