"""Errors: one class per status of the core, all derived from AtollError.

The classes and the numbers are generated from the error table; this module adds the names and the built-in base classes
that Python programs expect, and makes the exception for an error of the core. ``error.status`` is the number,
``error.message`` the text, ``error.retryable`` whether the same call may succeed later. A number that this version
does not know becomes a plain AtollError. Since: 0.1
"""

from __future__ import annotations

import builtins
import dataclasses
from typing import Any, Optional, Type, TypeVar

from . import _constants
from ._constants import *  # type: ignore  # noqa: F401,F403
from ._constants import ERROR_CLASSES, RETRYABLE_STATUSES, STATUS_NAMES, AtollError

E = TypeVar("E", bound=AtollError)


class TimeoutError(_constants.TimedOutError, builtins.TimeoutError):  # noqa: A001
    """It took longer than its time limit; a request itself goes on. Also a built-in TimeoutError."""

    __str__ = Exception.__str__


class ConnectionFailedError(_constants.ConnectionFailedError, builtins.ConnectionError):
    """The server could not be reached. Also a built-in ConnectionError."""

    __str__ = Exception.__str__


@dataclasses.dataclass(frozen=True)
class RefusedWrite:
    """One write that the server took back. Since: 0.1"""

    class_name: str
    primary_key: Any
    reason: str


class CompensatingWriteError(_constants.CompensatingWriteError):
    """The server took back writes that the user may not make; the realm shows its state again.

    ``writes`` names them, at most 10,000.
    """

    writes: tuple[RefusedWrite, ...] = ()

    __str__ = Exception.__str__


class FileNotFoundError(_constants.FileNotFoundError, builtins.FileNotFoundError):  # noqa: A001
    """There is no realm at that path. Also a built-in FileNotFoundError."""

    __str__ = Exception.__str__


TimedOutError = TimeoutError
InvalidObjectError = _constants.ObjectInvalidError
"""The object was deleted, its realm closed, or it is asymmetric and committed."""

_WITH_BASES: tuple[Type[AtollError], ...] = (TimeoutError, ConnectionFailedError, FileNotFoundError,
                                                CompensatingWriteError)
_CLASSES: dict[int, Type[AtollError]] = {
    status: next((kind for kind in _WITH_BASES if issubclass(kind, generated)), generated)
    for status, generated in ERROR_CLASSES.items()
}
_STATUSES: dict[Type[AtollError], int] = {kind: status for status, kind in _CLASSES.items()}


def new(kind: Type[E], message: str) -> E:
    """The error that this layer raises by itself, shaped as the core's own."""
    status = _STATUSES[kind]
    return kind(status, message, status in RETRYABLE_STATUSES)


def from_status(status: int, message: str, retryable: Optional[bool] = None) -> AtollError:
    """The exception for a status of the core; unless told, the error table says whether to retry."""
    if retryable is None:
        retryable = status in RETRYABLE_STATUSES
    return _CLASSES.get(status, AtollError)(status, message, retryable)


def status_name(status: int) -> str:
    """``NO_TRANSACTION`` for 210; the number as text for one that this version does not know."""
    return STATUS_NAMES.get(status, str(status))
