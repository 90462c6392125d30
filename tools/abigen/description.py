"""Reads schema/abi into a plain model and refuses descriptions that leave something out.

Nothing else of the generator touches protobuf. The rules are collected, so that one run shows every mistake with its
file and line.
"""

import dataclasses
import importlib
import pathlib
import re
import subprocess
import sys
import tempfile

SCALARS = {
    "TYPE_BOOL": "bool", "TYPE_INT32": "int32_t", "TYPE_INT64": "int64_t", "TYPE_UINT32": "uint32_t",
    "TYPE_UINT64": "uint64_t", "TYPE_DOUBLE": "double", "TYPE_FLOAT": "float",
    "TYPE_STRING": "text", "TYPE_BYTES": "binary",
}
NUMBERS = {"int32_t", "int64_t", "uint32_t", "uint64_t", "double", "float"}
UNIT_ENDINGS = {"ms": "_ms", "bytes": "_bytes", "count": "_count", "percent": "_percent"}


class DescriptionError(Exception):
    """The description breaks rules; the message has one line for each."""


@dataclasses.dataclass
class Type:
    """What a parameter or a result is: kind is a C scalar, text, binary, timestamp, handle, enum or raw."""

    kind: str
    name: str = ""


@dataclasses.dataclass
class Parameter:
    name: str
    type: Type
    changed: bool = False
    null_allowed: str = ""


@dataclasses.dataclass
class Function:
    """One function of the ABI; `handle` is the service that lists it."""

    name: str
    doc: str
    handle: "HandleType"
    takes_self: bool
    reads: bool
    fallible: bool
    parameters: list
    result: Type
    errors: list
    owns: str
    until: str
    null_means: str
    thread: str
    since: str
    blocking: bool
    hidden: str
    frees: bool
    setting: "Setting" = None


@dataclasses.dataclass
class HandleType:
    name: str
    doc: str
    c_type: str
    free: str
    prefix: str
    thread: str
    errors: list
    since: str
    header: str
    shared: bool
    functions: list = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Setting:
    name: str
    doc: str
    type: Type
    unit: str
    default: str
    minimum: int
    maximum: int


@dataclasses.dataclass
class EnumValue:
    name: str
    number: int
    doc: str
    text: str = ""
    retryable: bool = False


@dataclasses.dataclass
class Enum:
    name: str
    doc: str
    type_name: str
    header: str
    values: list


@dataclasses.dataclass
class Description:
    handles: list
    enums: list

    @property
    def functions(self):
        return [function for handle in self.handles for function in handle.functions]

    @property
    def statuses(self):
        return next(enum for enum in self.enums if enum.name == "Status")

    @property
    def headers(self):
        names = [e.header for e in self.enums] + [h.header for h in self.handles]
        return list(dict.fromkeys(names))


def snake(name):
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()


class Reader:
    """Walks one descriptor set."""

    def __init__(self, files, options):
        self.files = files
        self.options = options
        self.problems = []
        self.messages = {}
        self.comments = {}
        self.lines = {}
        for file in files:
            for location in file.source_code_info.location:
                key = (file.name, tuple(location.path))
                self.comments[key] = " ".join(location.leading_comments.split())
                self.lines[key] = location.span[0] + 1
            for index, message in enumerate(file.message_type):
                self.messages[f".{file.package}.{message.name}"] = (file, index, message)

    def refuse(self, file, path, problem):
        line = self.lines.get((file.name, tuple(path)), 0)
        self.problems.append(f"{file.name}:{line}: {problem}")

    def doc(self, file, path, what):
        text = self.comments.get((file.name, tuple(path)), "")
        if not text:
            self.refuse(file, path, f"{what} has no comment that says what it is")
        return text

    def read(self):
        enums = [self.enum(f, i, e) for f in self.files for i, e in enumerate(f.enum_type)]
        description = Description([], enums)
        self.status_names = set()
        for enum in enums:
            if enum.name == "Status":
                self.status_names = {v.name.removeprefix("ERROR_") for v in enum.values}
        for file in self.files:
            for index, service in enumerate(file.service):
                description.handles.append(self.handle(file, index, service))
        for file in self.files:
            for index, message in enumerate(file.message_type):
                if message.options.HasExtension(self.options.configures):
                    self.settings(file, index, message, description)
        shared = {handle.c_type for handle in description.handles if handle.shared}
        for function in description.functions:
            for parameter in function.parameters:
                parameter.changed = parameter.changed or parameter.type.name in shared
        self.check_names(description)
        if self.problems:
            raise DescriptionError("\n".join(self.problems))
        return description

    def check_names(self, description):
        seen = set()
        names = [f.name for f in description.functions]
        for name in names:
            if name in seen:
                self.problems.append(f"{name} is described twice")
            seen.add(name)
        for handle in description.handles:
            if handle.free and handle.free not in seen:
                self.problems.append(f"{handle.name}: its free function {handle.free} is not described")

    def enum(self, file, index, enum):
        path = [5, index]
        options = enum.options
        values = []
        numbers = {}
        is_status = enum.name == "Status"
        for position, value in enumerate(enum.value):
            place = path + [2, position]
            failure = value.options.Extensions[self.options.failure]
            if value.number in numbers:
                self.refuse(file, place, f"{value.name} reuses number {value.number} of {numbers[value.number]}")
            numbers[value.number] = value.name
            doc = failure.text
            if is_status and value.number != 0:
                if not failure.text:
                    self.refuse(file, place, f"{value.name} has no text")
                if not value.name.startswith("ERROR_"):
                    self.refuse(file, place, f"{value.name} must begin with ERROR_")
            else:
                doc = self.doc(file, place, value.name)
            values.append(EnumValue(value.name, value.number, doc, failure.text, failure.retryable))
        header = options.Extensions[self.options.enum_header]
        if not header:
            self.refuse(file, path, f"enum {enum.name} names no header")
        doc = self.comments.get((file.name, tuple(path)), "") or "Statuses."
        return Enum(enum.name, doc, options.Extensions[self.options.type_name], header, values)

    def handle(self, file, index, service):
        path = [6, index]
        data = service.options.Extensions[self.options.handle]
        thread = self.options.Thread.Name(data.thread)
        if data.thread == 0:
            self.refuse(file, path, f"service {service.name} has no thread rule")
        if not data.since:
            self.refuse(file, path, f"service {service.name} does not say since when")
        if not data.header:
            self.refuse(file, path, f"service {service.name} names no header")
        if data.type and not data.free:
            self.refuse(file, path, f"service {service.name} names no free function")
        doc = self.doc(file, path, f"service {service.name}")
        handle = HandleType(service.name, doc, data.type, data.free, data.prefix or data.type + "_", thread,
                            list(data.errors), data.since, data.header, data.shared)
        for position, method in enumerate(service.method):
            handle.functions.append(self.function(file, path + [2, position], method, handle))
        return handle

    def type_of(self, file, path, field):
        kind = field.DESCRIPTOR.fields_by_name["type"].enum_type.values_by_number[field.type].name
        if kind in SCALARS:
            return Type(SCALARS[kind])
        if kind == "TYPE_ENUM":
            name = field.type_name.rsplit(".", 1)[1]
            for other in self.files:
                for enum in other.enum_type:
                    if enum.name == name:
                        return Type("enum", enum.options.Extensions[self.options.type_name] or "int32_t")
        if kind == "TYPE_MESSAGE":
            raw = field.options.Extensions[self.options.raw_type]
            if raw:
                return Type("raw", raw)
            _, _, message = self.messages[field.type_name]
            c_type = message.options.Extensions[self.options.c_type]
            if c_type == "atoll_timestamp":
                return Type("timestamp", c_type)
            if c_type:
                return Type("handle", c_type)
        self.refuse(file, path, f"{field.name} has a type that cannot cross the interface")
        return Type("void")

    def function(self, file, path, method, handle):
        name = handle.prefix + snake(method.name)
        call = method.options.Extensions[self.options.call]
        request_file, request_index, request = self.messages[method.input_type]
        parameters = []
        for position, field in enumerate(request.field):
            place = [4, request_index, 2, position]
            parameters.append(Parameter(field.name, self.type_of(request_file, place, field),
                                        field.options.Extensions[self.options.changed],
                                        field.options.Extensions[self.options.null_allowed]))
        response_file, response_index, response = self.messages[method.output_type]
        result = Type("void")
        if len(response.field) == 1:
            result = self.type_of(response_file, [4, response_index, 2, 0], response.field[0])
        elif response.field:
            self.refuse(file, path, f"{name}: its response has {len(response.field)} fields instead of one")
        errors = [] if call.infallible else list(dict.fromkeys(list(handle.errors) + list(call.errors)))
        self.check_call(file, path, name, call, result, errors)
        return Function(
            name=name, doc=self.doc(file, path, name), handle=handle,
            takes_self=bool(handle.c_type) and not call.free_standing, reads=call.reads,
            fallible=not call.infallible, parameters=parameters, result=result, errors=errors,
            owns=self.options.Ownership.Name(call.owns), until=call.until, null_means=call.null_means,
            thread=self.options.Thread.Name(call.thread) if call.thread else handle.thread,
            since=call.since or handle.since, blocking=call.blocking, hidden=call.hidden, frees=call.frees)

    def check_call(self, file, path, name, call, result, errors):
        owns = self.options.Ownership.Name(call.owns)
        if call.infallible and call.errors:
            self.refuse(file, path, f"{name} cannot fail and still lists errors")
        if not call.infallible and not errors:
            self.refuse(file, path, f"{name} can fail and lists no error")
        for error in errors:
            if error not in self.status_names:
                self.refuse(file, path, f"{name} lists {error}, which the error table does not have")
        if result.kind == "void":
            return
        if owns == "OWNERSHIP_UNSPECIFIED":
            self.refuse(file, path, f"{name} does not say who owns its result")
        elif result.kind == "handle" and owns != "NEW":
            self.refuse(file, path, f"{name} returns a handle and must say NEW")
        elif result.kind in ("text", "binary") and owns not in ("BORROWED", "CONSTANT"):
            self.refuse(file, path, f"{name} returns a view and must say BORROWED or CONSTANT")
        if owns == "BORROWED" and not call.until:
            self.refuse(file, path, f"{name} lends its result and does not say until when")

    def settings(self, file, index, message, description):
        c_type = message.options.Extensions[self.options.configures]
        handle = next((h for h in description.handles if h.c_type == c_type), None)
        if handle is None:
            self.refuse(file, [4, index], f"{message.name} configures {c_type}, which no service describes")
            return
        setters = []
        for position, field in enumerate(message.field):
            path = [4, index, 2, position]
            data = field.options.Extensions[self.options.setting]
            kind = self.type_of(file, path, field)
            setting = Setting(field.name, self.doc(file, path, field.name), kind, data.unit, data.default_value,
                              data.minimum, data.maximum)
            self.check_setting(file, path, setting)
            setters.append(Function(
                name=f"{c_type}_set_{field.name}", doc=setting.doc, handle=handle, takes_self=True, reads=False,
                fallible=True, parameters=[Parameter("value", kind)], result=Type("void"),
                errors=list(handle.errors) + (["OUT_OF_RANGE"] if kind.kind in NUMBERS else []),
                owns="VALUE", until="", null_means="", thread=handle.thread, since=handle.since, blocking=False,
                hidden="", frees=False, setting=setting))
        handle.functions[2:2] = setters

    def check_setting(self, file, path, setting):
        name = setting.name
        if not setting.default:
            self.refuse(file, path, f"{name} has no default")
        for unit, ending in UNIT_ENDINGS.items():
            if (setting.unit == unit) != name.endswith(ending):
                self.refuse(file, path, f"{name}: the ending {ending} and the unit {unit} go together")
        if setting.type.kind not in NUMBERS:
            return
        if not setting.unit:
            self.refuse(file, path, f"{name} is a number without a unit")
        if setting.minimum >= setting.maximum:
            self.refuse(file, path, f"{name} has no range")
        elif not re.fullmatch(r"-?\d+", setting.default):
            self.refuse(file, path, f"{name}: its default must be a number")
        elif not setting.minimum <= int(setting.default) <= setting.maximum:
            self.refuse(file, path, f"{name}: its default {setting.default} lies outside its range")


def load(schema_folder, includes=("/usr/include",)):
    """Runs protoc over the folder's abi/*.proto and returns the checked Description."""
    folder = pathlib.Path(schema_folder)
    sources = sorted(str(p.relative_to(folder)) for p in folder.glob("abi/*.proto"))
    with tempfile.TemporaryDirectory() as scratch:
        command = ["protoc", f"-I{folder}", *[f"-I{i}" for i in includes]]
        run = subprocess.run(
            command + [f"--descriptor_set_out={scratch}/set.bin", "--include_imports", "--include_source_info",
                       f"--python_out={scratch}", *sources, "options.proto", "protobuf-c/protobuf-c.proto"],
            capture_output=True, text=True)
        if run.returncode != 0:
            raise DescriptionError(run.stderr.strip())
        sys.path.insert(0, scratch)
        try:
            options = importlib.import_module("options_pb2")
        finally:
            sys.path.remove(scratch)
        from google.protobuf import descriptor_pb2
        parsed = descriptor_pb2.FileDescriptorSet()
        parsed.ParseFromString(pathlib.Path(scratch, "set.bin").read_bytes())
    files = [f for f in parsed.file if f.name.startswith("abi/")]
    return Reader(sorted(files, key=lambda f: f.name), options).read()
