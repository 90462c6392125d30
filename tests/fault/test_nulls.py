#!/usr/bin/python3
"""Calls every function of the public headers with null where a pointer goes, first with nothing else, then with a live
handle in front, and with sizes that do not fit the null. Nothing may crash: the last name printed is the culprit."""
import ctypes
import re
import subprocess
import sys
import tempfile
from pathlib import Path

HANDLES = ["schema", "config", "realm", "object", "list", "results", "values", "queue"]
SKIPPED = {"atoll_log_set_sink", "atoll_log_set_queue", "atoll_log_set_level", "atoll_realm_close"}
NUMBERS = [0, 5, -1]


class Bytes(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("size", ctypes.c_size_t)]


class Timestamp(ctypes.Structure):
    _fields_ = [("seconds", ctypes.c_int64), ("nanoseconds", ctypes.c_int32), ("zero", ctypes.c_int32)]


TYPES = {"bool": ctypes.c_bool, "int32_t": ctypes.c_int32, "int64_t": ctypes.c_int64, "uint32_t": ctypes.c_uint32, "uint64_t": ctypes.c_uint64,
         "double": ctypes.c_double, "float": ctypes.c_float, "size_t": ctypes.c_size_t, "atoll_status": ctypes.c_int32, "atoll_value_type": ctypes.c_int32,
         "atoll_bytes": Bytes, "atoll_timestamp": Timestamp, "void": None}


def type_of(text):
    text = re.sub(r"\bconst\b", "", text).strip()
    if "*" in text or "function" in text:
        return ctypes.c_void_p
    return TYPES[text.split()[0]]


def functions(folder):
    for header in sorted(Path(folder).glob("*.h")):
        text = re.sub(r"/\*.*?\*/", "", header.read_text(), flags=re.S)
        for result, name, parameters in re.findall(r"ATOLL_API\s+([\w\s\*]+?)\s*(atoll_\w+)\(([^;]*?)\)[^;()]*;", text):
            result = re.sub(r"ATOLL_\w+", "", result)
            parameters = [] if parameters.strip() in ("", "void") else [p.strip() for p in parameters.split(",")]
            yield name, result, parameters


def live_handles(library, folder):
    def call(name, result, *arguments):
        function = getattr(library, name)
        function.restype = result
        return function(*arguments)

    text = lambda t: (t.encode(), ctypes.c_size_t(len(t.encode())))
    pointer, none = ctypes.c_void_p, None
    schema = pointer(call("atoll_schema_new", pointer, none))
    call("atoll_schema_add_class", ctypes.c_int32, schema, *text("Dog"), 0, none)
    call("atoll_schema_add_property", ctypes.c_int32, schema, 0, *text("_id"), 2, 4, *text(""), none)
    call("atoll_schema_add_property", ctypes.c_int32, schema, 0, *text("name"), 4, 0, *text(""), none)
    call("atoll_schema_add_property", ctypes.c_int32, schema, 0, *text("tags"), 4, 2, *text(""), none)
    call("atoll_schema_add_property", ctypes.c_int32, schema, 0, *text("next"), 9, 1, *text("Dog"), none)
    config = pointer(call("atoll_config_new", pointer, none))
    call("atoll_config_set_path", ctypes.c_int32, config, *text(folder + "/nulls.atoll"), none)
    call("atoll_config_set_schema", ctypes.c_int32, config, schema, none)
    realm = pointer(call("atoll_realm_open", pointer, config, none))
    values = pointer(call("atoll_values_new", pointer, none))
    call("atoll_values_add_int", ctypes.c_int32, values, ctypes.c_int64(1), none)
    call("atoll_realm_begin", ctypes.c_int32, realm, none)
    handle = pointer(call("atoll_realm_create", pointer, realm, 1, values, none))
    items = pointer(call("atoll_object_get_list", pointer, handle, 3, none))
    results = pointer(call("atoll_results_new", pointer, realm, 1, *text(""), none, none))
    queue = pointer(call("atoll_queue_new", pointer, none))
    live = {"schema": schema, "config": config, "realm": realm, "object": handle, "list": items, "results": results, "values": values, "queue": queue}
    assert all(h.value for h in live.values()), live
    return live


def arguments_of(name, parameters, number, first):
    made = []
    for i, parameter in enumerate(parameters):
        kind = type_of(parameter)
        if i == 0 and first is not None:
            made.append(first)
        elif kind is ctypes.c_void_p:
            made.append(None)
        elif kind is Timestamp:
            made.append(Timestamp(number, number, 0))
        elif kind in (ctypes.c_size_t, ctypes.c_uint32, ctypes.c_uint64):
            made.append(kind(number if number >= 0 else 5))
        elif name == "atoll_queue_next":
            made.append(kind(0))  # less than 0 waits for ever
        else:
            made.append(kind(number))
    return made


def sweep(library_path, headers):
    library = ctypes.CDLL(library_path)
    count = 0
    with tempfile.TemporaryDirectory() as folder:
        live = live_handles(library, folder)
        for name, result, parameters in functions(headers):
            if name in SKIPPED:
                continue
            function = getattr(library, name)
            function.restype, function.argtypes = type_of(result), [type_of(p) for p in parameters]
            owner = re.search(r"atoll_(\w+)\s*\*", parameters[0]) if parameters else None
            first = live.get(owner.group(1)) if owner and "_free" not in name else None
            for number in NUMBERS:
                for handle in (None, first) if first else (None,):
                    print(name, number, "live" if handle else "null", flush=True)
                    function(*arguments_of(name, parameters, number, handle))
                    count += 1
    assert count > 400, f"only {count} calls: the headers were not understood"
    print("done", count)


if __name__ == "__main__":
    if len(sys.argv) == 4 and sys.argv[3] == "--inside":
        sweep(sys.argv[1], sys.argv[2])
        sys.exit(0)
    outcome = subprocess.run([sys.executable, __file__, *sys.argv[1:3], "--inside"], stdout=subprocess.PIPE, text=True, timeout=100)
    last = outcome.stdout.strip().splitlines()[-1] if outcome.stdout.strip() else "nothing"
    if outcome.returncode != 0 or not last.startswith("done"):
        sys.exit(f"ended with {outcome.returncode} in: {last}")
    print(last)
