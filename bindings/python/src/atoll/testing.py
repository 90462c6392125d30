"""What tests of an app need: errors, cuts and clocks as no test could wait for.

``from atoll import testing``. Nothing here belongs into a program that users run.
"""

from __future__ import annotations

import contextlib
import datetime
from typing import Iterator, Type

from . import errors
from ._bridge import native
from ._constants import ERROR_CLASSES, Status
from .app import App
from .sync import Session


def simulate_error(session: Session, error: Type[errors.AtollError], message: str = "", *, fatal: bool = True) -> None:
    """Let the session meet an error as if the server had sent it; with ``fatal`` it ends. Since: 0.1"""
    status = next(number for number, known in ERROR_CLASSES.items() if known is error)
    native.atoll_testing_simulate_error(session._handle.pointer, status, message, fatal)


def simulate_client_reset(session: Session, message: str = "a client reset, by a test") -> None:
    """Begin a client reset as if the server had asked for it. Since: 0.1"""
    native.atoll_testing_simulate_error(session._handle.pointer, int(Status.CLIENT_RESET), message, True)


@contextlib.contextmanager
def no_network(app: App) -> Iterator[None]:
    """Inside of it the app's sessions have no network; after it they connect at once. Since: 0.1"""
    native.atoll_testing_set_network(app._handle.pointer, False)
    try:
        yield
    finally:
        native.atoll_testing_set_network(app._handle.pointer, True)


@contextlib.contextmanager
def clock_offset(offset: datetime.timedelta) -> Iterator[None]:
    """Inside of it the wall clock of the process is off by that much, for what is written and sent. Since: 0.1"""
    native.atoll_testing_set_clock_offset(int(offset / datetime.timedelta(milliseconds=1)))
    try:
        yield
    finally:
        native.atoll_testing_set_clock_offset(0)
