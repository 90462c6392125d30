"""Asks the server's administration for the Java flows: admin.py DATA PORT sessions APP | ingest APP; one JSON value."""

import json
import pathlib
import sys

from harness import Server

server = object.__new__(Server)  # Only its administration calls: the flow owns the process.
server.data, server.port = pathlib.Path(sys.argv[1]), int(sys.argv[2])
what, app = sys.argv[3:5]
if what == "ingest":
    print(json.dumps(server.ingested(app)))
else:
    found = server.admin("ListSessions", "AppRequest", app_id=app).sessions
    for s in found:
        numbers = (s.number, int(s.open), s.messages_in, s.messages_out, s.rows_in, s.rows_out)
        print(s.user_id, json.loads(s.partition or "null"), *numbers)
