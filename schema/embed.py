"""Writes the descriptors of .proto files as C: embed.py DESCRIPTOR_SET OUTPUT. The set comes from protoc."""

import sys

from google.protobuf import descriptor_pb2


def names(prefix, messages):
    """The full names of messages and enums, nested ones too."""
    for message in messages:
        full = prefix + message.name
        yield full
        yield from names(full + ".", message.nested_type)
        yield from (f"{full}.{enum.name}" for enum in message.enum_type)


def symbols(file):
    prefix = file.package + "."
    yield from names(prefix, file.message_type)
    yield from (prefix + enum.name for enum in file.enum_type)
    for service in file.service:
        yield prefix + service.name
        yield from (f"{prefix}{service.name}.{method.name}" for method in service.method)


def main():
    with open(sys.argv[1], "rb") as source:
        files = descriptor_pb2.FileDescriptorSet.FromString(source.read()).file
    out = ['#include "descriptors.h"\n\n']
    for index, file in enumerate(files):
        data = file.SerializeToString()
        out.append(f"static const unsigned char file_{index}[] = {{{','.join(map(str, data))}}};\n")
    rows = "".join(f'    {{"{file.name}", file_{index}, sizeof file_{index}}},\n' for index, file in enumerate(files))
    out.append(f"const descriptor_file descriptor_files[] = {{\n{rows}    {{0, 0, 0}}}};\n")
    rows = "".join(f'    {{"{name}", {index}}},\n' for index, file in enumerate(files) for name in symbols(file))
    out.append(f"const descriptor_symbol descriptor_symbols[] = {{\n{rows}    {{0, 0}}}};\n")
    rows = "".join(f'    "{file.package}.{service.name}",\n' for file in files for service in file.service)
    out.append(f"const char *const descriptor_services[] = {{\n{rows}    0}};\n")
    with open(sys.argv[2], "w", encoding="utf-8") as target:
        target.writelines(out)


main()
