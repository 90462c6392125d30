"""ObjectId: a 12 byte identifier that is unique without a server."""

from __future__ import annotations

import datetime
import itertools
import os
import struct
import time
from typing import Union

_PROCESS = os.urandom(5)
_COUNTER = itertools.count(int.from_bytes(os.urandom(3), "big"))


class ObjectId:
    """A 12 byte identifier: 4 bytes of seconds since 1970, 5 random bytes, 3 bytes of a counter.

    ``ObjectId()`` makes a new one; ``ObjectId("507f1f77bcf86cd799439011")`` and ``ObjectId(twelve_bytes)`` take
    an existing one. Immutable, hashable, ordered by bytes; any thread may use it.

    Errors: ``ValueError`` for text that is not 24 hexadecimal digits or bytes that are not 12 long,
    ``TypeError`` for another type. Since: 0.1
    """

    __slots__ = ("_binary",)

    _binary: bytes

    def __init__(self, value: Union[str, bytes, "ObjectId", None] = None) -> None:
        if value is None:
            binary = (
                struct.pack(">I", int(time.time()) & 0xFFFFFFFF)
                + _PROCESS
                + (next(_COUNTER) & 0xFFFFFF).to_bytes(3, "big")
            )
        elif isinstance(value, ObjectId):
            binary = value._binary
        elif isinstance(value, str):
            if len(value) != 24:
                raise ValueError(f"an ObjectId has 24 hexadecimal digits, not {len(value)}: {value!r}")
            try:
                binary = bytes.fromhex(value)
            except ValueError:
                raise ValueError(f"an ObjectId has 24 hexadecimal digits, got {value!r}") from None
            if len(binary) != 12:
                raise ValueError(f"an ObjectId has 24 hexadecimal digits, got {value!r}")
        elif isinstance(value, (bytes, bytearray, memoryview)):
            binary = bytes(value)
            if len(binary) != 12:
                raise ValueError(f"an ObjectId has 12 bytes, not {len(binary)}")
        else:
            raise TypeError(f"an ObjectId is made from str or bytes, not {type(value).__name__}")
        object.__setattr__(self, "_binary", binary)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("an ObjectId does not change")

    def __reduce__(self) -> tuple:
        return (ObjectId, (self._binary,))

    @property
    def binary(self) -> bytes:
        """The 12 bytes. Since: 0.1"""
        return self._binary

    @property
    def generation_time(self) -> datetime.datetime:
        """When it was made, by the clock of the device that made it; UTC, whole seconds. Since: 0.1"""
        seconds = struct.unpack(">I", self._binary[:4])[0]
        return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)

    def __str__(self) -> str:
        return self._binary.hex()

    def __repr__(self) -> str:
        return f"ObjectId('{self._binary.hex()}')"

    def __bytes__(self) -> bytes:
        return self._binary

    def __hash__(self) -> int:
        return hash(self._binary)

    def __eq__(self, other: object) -> bool:
        return self._binary == other._binary if isinstance(other, ObjectId) else NotImplemented

    def __lt__(self, other: "ObjectId") -> bool:
        return self._binary < other._binary if isinstance(other, ObjectId) else NotImplemented

    def __le__(self, other: "ObjectId") -> bool:
        return self._binary <= other._binary if isinstance(other, ObjectId) else NotImplemented

    def __gt__(self, other: "ObjectId") -> bool:
        return self._binary > other._binary if isinstance(other, ObjectId) else NotImplemented

    def __ge__(self, other: "ObjectId") -> bool:
        return self._binary >= other._binary if isinstance(other, ObjectId) else NotImplemented
