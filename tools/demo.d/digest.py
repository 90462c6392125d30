"""The hash of a set of objects, computed from what a client printed. Shares no code with core/sync/digest.c.

The hash of a set is the sum of its objects' hashes; that of an object the mixed sum over its properties that hold
something. So neither the order of rows nor who wrote what when makes a difference.
"""

import functools
import struct

MASK = (1 << 64) - 1
INT, DOUBLE, STRING, LIST = 2, 3, 4, 11  # the type numbers of the C interface
AIRPORT = {
    "_id": STRING,
    "name": STRING,
    "city": STRING,
    "state": STRING,
    "country": STRING,
    "latitude": DOUBLE,
    "longitude": DOUBLE,
    "visits": INT,
    "tags": LIST,  # of strings
}
ZIP_CODE = {
    "_id": STRING,
    "latitude": DOUBLE,
    "longitude": DOUBLE,
    "city": STRING,
    "state": STRING,
    "county": STRING,
}


def hash_u64(x):
    """One step of splitmix64."""
    x = x + 0x9E3779B97F4A7C15 & MASK
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 & MASK
    x = (x ^ x >> 27) * 0x94D049BB133111EB & MASK
    return x ^ x >> 31


def hash_bytes(data, seed):
    state = seed ^ hash_u64(len(data))
    full = len(data) // 8 * 8
    for (word,) in struct.iter_unpack("<Q", data[:full]):
        state = hash_u64(state ^ word)
    return hash_u64(state ^ int.from_bytes(data[full:], "little"))


def mix(value, more):
    return hash_u64(value ^ (more + 0x9E3779B97F4A7C15 + (value << 6 & MASK) + (value >> 2)) & MASK)


def value_hash(kind, value):
    seed = kind * 1099511628211 & MASK
    if kind == STRING:
        return hash_bytes(value.encode(), seed)
    if kind == DOUBLE:
        return mix(seed, struct.unpack("<Q", struct.pack("<d", value))[0])
    return mix(seed, value & MASK)


@functools.lru_cache(maxsize=None)
def name_hash(name):
    return hash_bytes(name.encode(), 17)


def list_hash(values):
    hashed = 3
    for value in values:
        hashed = mix(hashed, value_hash(STRING, value))
    return hashed


def object_hash(row, types):
    total = 7
    for name, kind in types.items():
        value = row[name]
        if value is None or value == []:
            continue
        total += mix(name_hash(name), list_hash(value) if kind == LIST else value_hash(kind, value))
    return hash_u64(total & MASK)


def digest(rows, types):
    """The hash of rows, each a dictionary of all properties that the types name."""
    return sum(object_hash(row, types) for row in rows) & MASK
