"""The log of the core: its level, and where its lines go."""

from __future__ import annotations

import logging
from typing import Callable, Optional

from ._bridge import native
from ._constants import LogLevel
from .events import Event, call, pump


LogSink = Callable[[LogLevel, str, str], None]

_TO_LOGGING = {
    LogLevel.TRACE: logging.DEBUG,
    LogLevel.DEBUG: logging.DEBUG,
    LogLevel.DETAIL: logging.DEBUG,
    LogLevel.INFO: logging.INFO,
    LogLevel.WARN: logging.WARNING,
    LogLevel.ERROR: logging.ERROR,
    LogLevel.FATAL: logging.CRITICAL,
}


def log_level(category: str = "Realm") -> LogLevel:
    """The level in force for a category. Errors: InvalidArgumentError for no category. Thread: any. Since: 0.1"""
    return LogLevel(native.atoll_log_category_level(category))


def set_log_level(level: LogLevel, category: str = "Realm") -> None:
    """Log lines of this level and above, of a category and of all that belong to it: of all, if none is named.

    "Realm.Sync" is also "Realm.Sync.Client.Session". Errors: InvalidArgumentError for no category. Thread: any. Since: 0.1
    """
    native.atoll_log_set_category_level(category, int(level))


def log_categories() -> list[str]:
    """The names of all categories: "Realm", and those that belong to it. Thread: any. Since: 0.1"""
    return [native.atoll_log_category_name(index) for index in range(native.atoll_log_category_count())]


def set_log_sink(sink: Optional[LogSink]) -> None:
    """Hand each line to ``sink(level, category, message)`` instead of writing it to stderr; None goes back.

    The sink is called on a background thread; of more than 10,000 lines that wait, the oldest are dropped. Since: 0.1
    """
    if sink is None:
        native.atoll_log_set_queue(None)
        pump.log = None
        return
    chosen = sink

    def prepare(event: Event) -> Callable[[], None]:
        level = LogLevel(native.atoll_event_number(event.pointer, 0))
        category = native.atoll_event_text(event.pointer, 0) or ""
        message = native.atoll_event_text(event.pointer, 1) or ""
        return lambda: call(chosen, level, category, message)

    pump.log = prepare
    native.atoll_log_set_queue(pump.queue().pointer)


def log_to_logging() -> None:
    """Hand the lines to Python's ``logging``, under ``atoll.`` and the category's name. Since: 0.1"""
    set_log_sink(
        lambda level, category, message: logging.getLogger(f"atoll.{category}").log(
            _TO_LOGGING.get(level, logging.INFO), "%s", message
        )
    )
