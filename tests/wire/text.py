"""What the recorded messages say by the field names of today's schema, against the text that was written when they were recorded.

    text.py SCHEMA_FOLDER RECORDS              compares; a field that was renumbered or retyped reads as something else
    text.py SCHEMA_FOLDER RECORDS --write      writes the text of records that have none
    text.py SCHEMA_FOLDER RECORDS --self-test  changed copies of the schema must read as something else, a longer one not
"""

import pathlib
import subprocess
import sys
import tempfile

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format


def message_types(schema):
    with tempfile.NamedTemporaryFile() as out:
        subprocess.run(["protoc", f"-I{schema}", f"--descriptor_set_out={out.name}", "sync.proto"], check=True)
        files = descriptor_pb2.FileDescriptorSet.FromString(pathlib.Path(out.name).read_bytes())
    pool = descriptor_pool.DescriptorPool()
    for file in files.file:
        pool.Add(file)
    factory = message_factory.MessageFactory(pool)
    names = ("atoll.sync.v1.ClientMessage", "atoll.sync.v1.ServerMessage")
    return [factory.GetPrototype(pool.FindMessageTypeByName(name)) for name in names]


def read(path, types):
    """The text of a record: each message with who sent it; a packed one as it was before it was packed."""
    client, server = types
    lines = []
    for line in path.read_text().splitlines():
        _, who, event, number, data = line.split(" ", 4)
        if event not in ("up", "down", "inner"):
            continue
        from_client = event == "up" or (event == "inner" and number == "1")
        raw = bytes.fromhex(data)
        if event != "inner" and raw[0] == 15 << 3 | 2:
            continue
        message = (client if from_client else server).FromString(raw)
        lines.append(f"{who} {'>' if from_client else '<'} {text_format.MessageToString(message, as_one_line=True)}")
    return "".join(f"{line}\n" for line in lines)


def differences(schema, records):
    types = message_types(schema)
    found = []
    for path in sorted(records.glob("*.talk")):
        wanted = path.with_suffix(".txt").read_text().splitlines()
        try:
            has = read(path, types).splitlines()
        except Exception as error:  # whatever the library says of bytes that it can't read
            found.append(f"{path.name}: {error}")
            continue
        pairs = [(a, b) for a, b in zip(has, wanted) if a != b]
        if pairs or len(has) != len(wanted):
            found.append(f"{path.name}: {len(has)} messages for {len(wanted)}" + "".join(f"\n  {a}\n  was {b}" for a, b in pairs[:1]))
    return found


def self_test(schema, records):
    text = (schema / "sync.proto").read_text()
    changes = [
        ("uint64 bound = 3; ", "uint64 bound = 33; ", True),
        ("repeated sfixed64 integers = 7;", "repeated fixed64 integers = 7;", True),
        ("ROW_KIND_EDIT = 2;", "ROW_KIND_EDIT = 2;\n  ROW_KIND_MORE = 99;", False),
        ("  bytes heap = 11;\n", "", True),
        ("Download download = 3;", "Download download = 9;", True),
        ("  uint64 cursor = 7; ", "  uint64 added = 77;\n  uint64 cursor = 7; ", False),
    ]
    for old, new, noticed in changes:
        assert old in text, f"the self-test changes what is not there: {old}"
        with tempfile.TemporaryDirectory() as folder:
            for file in schema.glob("*.proto"):
                (pathlib.Path(folder) / file.name).write_text(file.read_text())
            (pathlib.Path(folder) / "sync.proto").write_text(text.replace(old, new, 1))
            assert bool(differences(folder, records)) == noticed, (old, new)


def main():
    schema, records = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    if "--write" in sys.argv:
        types = message_types(schema)
        for path in records.glob("*.talk"):
            if not path.with_suffix(".txt").exists():
                path.with_suffix(".txt").write_text(read(path, types))
        return 0
    if "--self-test" in sys.argv:
        self_test(schema, records)
        return 0
    found = differences(schema, records)
    for difference in found:
        print(difference)
    return 1 if found or not list(records.glob("*.talk")) else 0


if __name__ == "__main__":
    sys.exit(main())
