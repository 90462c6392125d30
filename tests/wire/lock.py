"""The contract of the wire: every field of schema/sync.proto and schema/auth.proto keeps its number, type and place.

    lock.py SCHEMA_FOLDER LOCK           names what changed or went since the lock was written; additions are fine
    lock.py SCHEMA_FOLDER LOCK --write   adds what is new to the lock, and takes nothing out of it
    lock.py SCHEMA_FOLDER LOCK --self-test   changed copies of the schema must be refused by name
"""

import pathlib
import re
import subprocess
import sys
import tempfile

from google.protobuf import descriptor_pb2

FILES = ["sync.proto", "auth.proto"]
TYPE = descriptor_pb2.FieldDescriptorProto.Type
LABEL = descriptor_pb2.FieldDescriptorProto.Label


def _message_lines(prefix, message):
    name = f"{prefix}.{message.name}"
    for field in message.field:
        kind = TYPE.Name(field.type)[len("TYPE_") :].lower()
        words = [f"field {name}.{field.name} = {field.number}", LABEL.Name(field.label)[len("LABEL_") :].lower(), kind]
        if field.type_name:
            words.append(field.type_name.lstrip("."))
        if field.HasField("oneof_index"):
            words.append(f"oneof {message.oneof_decl[field.oneof_index].name}")
        yield " ".join(words)
    for nested in message.nested_type:
        yield from _message_lines(name, nested)
    for enum in message.enum_type:
        yield from _enum_lines(name, enum)


def _enum_lines(prefix, enum):
    for value in enum.value:
        yield f"value {prefix}.{enum.name}.{value.name} = {value.number}"


def read(schema):
    """One line for each thing of the schema that is on the wire."""
    with tempfile.NamedTemporaryFile() as out:
        subprocess.run(["protoc", f"-I{schema}", f"--descriptor_set_out={out.name}", *FILES], check=True)
        files = descriptor_pb2.FileDescriptorSet.FromString(pathlib.Path(out.name).read_bytes())
    lines = []
    for file in files.file:
        for message in file.message_type:
            lines += _message_lines(file.package, message)
        for enum in file.enum_type:
            lines += _enum_lines(file.package, enum)
        for service in file.service:
            for m in service.method:
                streams = ("stream " if m.client_streaming else "", "stream " if m.server_streaming else "")
                lines.append(
                    f"method {file.package}.{service.name}.{m.name} = "
                    f"{streams[0]}{m.input_type.lstrip('.')} -> {streams[1]}{m.output_type.lstrip('.')}"
                )
    return lines


def compare(locked, today):
    """What the lock has and today's schema has not, each with what stands there now."""
    now = {line.split(" = ")[0]: line for line in today}
    problems = []
    for line in locked:
        key = line.split(" = ")[0]
        if now.get(key) != line:
            problems.append(f"locked: {line}\n   now: {now.get(key, 'gone')}")
    numbers = {}
    for line in today:
        match = re.match(r"field (\S+)\.\w+ = (\d+)", line)
        if match and numbers.setdefault(match.groups(), line) != line:
            problems.append(f"one number twice: {line}")
    return problems


def self_test(schema, locked):
    """A field that was renumbered, retyped, removed or taken out of its oneof is named; one that was added is not."""
    text = (schema / "sync.proto").read_text()
    changes = [
        ("uint64 bound = 3; ", "uint64 bound = 33; ", "field atoll.sync.v1.Upload.bound"),
        ("uint64 ident = 6; ", "sint64 ident = 6; ", "field atoll.sync.v1.Bind.ident"),
        ("repeated uint64 lives = 4; ", "uint64 lives = 4; ", "field atoll.sync.v1.Rows.lives"),
        ("  bytes heap = 11;\n", "", "field atoll.sync.v1.Column.heap"),
        ("ROW_KIND_EDIT = 2;", "ROW_KIND_EDIT = 12;", "value atoll.sync.v1.RowKind.ROW_KIND_EDIT"),
        ("returns (stream ServerMessage)", "returns (ServerMessage)", "method atoll.sync.v1.Sync.Session"),
        ("  uint64 cursor = 7; ", "  uint64 added = 77;\n  uint64 cursor = 7; ", None),
    ]
    for old, new, name in changes:
        assert text.count(old) >= 1, f"the self-test changes what is not there: {old}"
        with tempfile.TemporaryDirectory() as folder:
            copy = pathlib.Path(folder)
            for file in schema.glob("*.proto"):
                (copy / file.name).write_text(file.read_text())
            (copy / "sync.proto").write_text(text.replace(old, new, 1))
            problems = compare(locked, read(copy))
        named = [p for p in problems if name is not None and f"locked: {name} = " in p]
        assert len(problems) == len(named) == (name is not None), (old, new, problems)


def main():
    schema, lock = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    today = read(schema)
    locked = lock.read_text().splitlines() if lock.exists() else []
    if "--write" in sys.argv:
        lock.write_text("".join(f"{line}\n" for line in locked + [x for x in today if x not in locked]))
        return 0
    if "--self-test" in sys.argv:
        self_test(schema, locked)
        return 0
    problems = compare(locked, today)
    for problem in problems:
        print(problem)
    if problems:
        print("version 1 of the wire is settled: add a field of a new number instead (docs/protocol.md, Versions)")
    new = [line for line in today if line not in locked]
    if new:
        print(f"{len(new)} lines are not locked yet: tests/wire/lock.py {schema} {lock} --write")
    return 1 if problems or not locked else 0


if __name__ == "__main__":
    sys.exit(main())
