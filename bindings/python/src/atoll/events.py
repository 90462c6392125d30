"""Event queues: how the core tells Python that something happened.

The core never calls Python. It puts events into queues; a queue is read by the thread that waits on it, by an asyncio
loop over its file descriptor, or by one background thread for observers that belong to no thread. Invariant: an event
is decoded and freed by the reader of its queue, and a callback runs with no lock held.
"""

from __future__ import annotations

import asyncio
import atexit
import dataclasses
import logging
import threading
import time
import warnings
from typing import Any, Awaitable, Callable, Generator, Generic, Optional, TypeVar

from . import errors
from ._bridge import Handle, get_value, native
from ._constants import ChangeKind, EventType

T = TypeVar("T")
_log = logging.getLogger("atoll")
_SLICE_MS = 100  # how long a wait may keep Ctrl-C waiting


@dataclasses.dataclass(frozen=True)
class Changes:
    """What a commit did to results or a collection, as indexes.

    Apply them in this order: ``deletions`` (indexes before), ``insertions`` (indexes after), ``modifications`` (indexes
    before) or ``modifications_new`` (the same elements, indexes after). Each is sorted. Since: 0.1
    """

    deletions: tuple[int, ...] = ()
    insertions: tuple[int, ...] = ()
    modifications: tuple[int, ...] = ()
    modifications_new: tuple[int, ...] = ()
    is_deleted: bool = False
    """The collection's object is gone; nothing more will come."""
    moves: tuple[tuple[int, int], ...] = ()
    """From where to where elements went, which are deletions and insertions too."""
    is_cleared: bool = False
    """Everything that was there is gone, and nothing came instead."""
    deleted_keys: tuple[str, ...] = ()
    """Of a dictionary: the keys that go with the deletions; so too the next two."""
    inserted_keys: tuple[str, ...] = ()
    modified_keys: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class ObjectChange:
    """What a commit did to an object: ``is_deleted``, else the Python names of changed ``properties``. Since: 0.1"""

    is_deleted: bool = False
    properties: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Progress:
    """Progress of a session in one direction.

    ``fraction`` rises from 0.0 to 1.0, which it is only when nothing is left; with something new to do it begins anew.
    ``transferred`` and ``transferable`` are bytes before compression, the second an estimate until all is there.
    ``is_complete`` is True at the last report of ``ProgressMode.CURRENT_WORK``. Since: 0.1
    """

    fraction: float
    transferred: int
    transferable: int
    is_complete: bool


class Event:
    """One event, borrowed from the core until ``close``."""

    __slots__ = ("pointer", "type", "registration")

    def __init__(self, pointer: int) -> None:
        self.pointer = pointer
        self.type = native.atoll_event_type(pointer)
        self.registration = native.atoll_event_registration(pointer)

    def close(self) -> None:
        native.atoll_event_free(self.pointer)
        self.pointer = 0

    def error(self) -> Optional[errors.AtollError]:
        status = native.atoll_event_status(self.pointer)
        if status == 0:
            return None
        error = errors.from_status(status, native.atoll_event_message(self.pointer) or "")
        if isinstance(error, errors.CompensatingWriteError):
            error.writes = self._refused_writes()
        if self.type == EventType.SESSION_ERROR:
            error.is_fatal = native.atoll_event_number(self.pointer, 0) != 0
        return error

    def _refused_writes(self) -> tuple[errors.RefusedWrite, ...]:
        pointer = native.atoll_event_refused_writes(self.pointer)
        try:
            count = native.atoll_values_count(pointer)
            return tuple(
                errors.RefusedWrite(*(get_value(pointer, index) for index in range(start, start + 3)))
                for start in range(0, count, 3)
            )
        finally:
            native.atoll_values_free(pointer)

    def indexes(self, kind: int) -> tuple[int, ...]:
        count = native.atoll_event_change_count(self.pointer, kind)
        return tuple(native.atoll_event_change(self.pointer, kind, position) for position in range(count))

    def changes(self) -> Optional[Changes]:
        """None for the first event, which says that the collection is ready."""
        if native.atoll_event_is_initial(self.pointer):
            return None
        return Changes(
            self.indexes(ChangeKind.DELETIONS),
            self.indexes(ChangeKind.INSERTIONS),
            self.indexes(ChangeKind.MODIFICATIONS),
            self.indexes(ChangeKind.MODIFICATIONS_NEW),
            native.atoll_event_is_deleted(self.pointer),
            tuple(zip(self.indexes(ChangeKind.MOVES_FROM), self.indexes(ChangeKind.MOVES_TO))),
            native.atoll_event_is_cleared(self.pointer),
            self.keys(ChangeKind.DELETIONS),
            self.keys(ChangeKind.INSERTIONS),
            self.keys(ChangeKind.MODIFICATIONS),
        )

    def keys(self, kind: int) -> tuple[str, ...]:
        """The keys of a dictionary that changed; none for other collections."""
        found: list[str] = []
        while (key := native.atoll_event_change_key(self.pointer, kind, len(found))) is not None:
            found.append(key)
        return tuple(found)

    def object_change(self, names: dict[int, str]) -> ObjectChange:
        keys = self.indexes(ChangeKind.PROPERTIES)
        return ObjectChange(
            native.atoll_event_is_deleted(self.pointer), tuple(names[key] for key in keys if key in names)
        )

    def progress(self) -> Progress:
        number = native.atoll_event_number
        return Progress(
            native.atoll_event_fraction(self.pointer),
            number(self.pointer, 0),
            number(self.pointer, 1),
            number(self.pointer, 2) != 0,
        )


class Queue:
    """An event queue of the core; any thread may use it."""

    __slots__ = ("_handle",)

    def __init__(self) -> None:
        self._handle = Handle(native.atoll_queue_new(), native.atoll_queue_free)

    @property
    def pointer(self) -> int:
        return self._handle.pointer

    def fileno(self) -> int:
        """Readable while events wait."""
        return native.atoll_queue_fd(self._handle.pointer)

    def next(self, timeout_ms: int) -> Optional[Event]:
        """The next event, or None when time ran out; 0 only looks, -1 waits without limit."""
        pointer = native.atoll_queue_next(self._handle.pointer, timeout_ms)
        return Event(pointer) if pointer else None

    def next_until(self, deadline: Optional[float]) -> Optional[Event]:
        """Like next, until ``time.monotonic()`` reaches the deadline, in slices that let Ctrl-C through."""
        while True:
            if deadline is None:
                slice_ms = _SLICE_MS
            else:
                left = deadline - time.monotonic()
                slice_ms = max(0, min(_SLICE_MS, int(left * 1000) + 1)) if left > 0 else 0
            event = self.next(slice_ms)
            if event is not None:
                return event
            if deadline is not None and time.monotonic() >= deadline:
                return None

    def wake(self) -> None:
        native.atoll_queue_wake(self._handle.pointer)


class Request(Awaitable[T], Generic[T]):
    """Something that the network has to answer: a log-in, a wait for upload, …  It is under way already.

    In asyncio code ``await`` it; elsewhere ask for ``result(timeout)``. Either raises the error that ended it. A
    request that nobody asks about is reported by a RuntimeWarning, as a coroutine would be. Since: 0.1
    """

    def __init__(self, start: Callable[[int], int], convert: Callable[[Event], T], what: str) -> None:
        self._what = what
        self._convert = convert
        self._is_asked = True  # until it has begun
        self._is_done = False
        self._value: Optional[T] = None
        self._error: Optional[BaseException] = None
        self._queue = Queue()
        self._registration = start(self._queue.pointer)
        self._is_asked = False

    @property
    def is_done(self) -> bool:
        """Whether the answer is there; never waits. Since: 0.1"""
        self._poll()
        return self._is_done

    def result(self, timeout: Optional[float] = None) -> T:
        """Wait for the answer, at most ``timeout`` seconds (None: without limit), and return it.

        Blocks the thread: in asyncio code use ``await``. Any thread, one at a time.
        Errors: TimeoutError when the time ran out (the request goes on), else what ended the request. Since: 0.1
        """
        self._is_asked = True
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self._is_done:
            event = self._queue.next_until(deadline)
            if event is None:
                raise errors.new(errors.TimeoutError, f"{self._what} took longer than {timeout} s")
            self._take(event)
        return self._outcome()

    def __await__(self) -> Generator[Any, None, T]:
        self._is_asked = True
        return self._wait().__await__()

    async def _wait(self) -> T:
        loop = asyncio.get_running_loop()
        while not self._is_done:
            self._poll()
            if self._is_done:
                break
            ready = loop.create_future()
            descriptor = self._queue.fileno()
            loop.add_reader(descriptor, lambda: ready.done() or ready.set_result(None))
            try:
                await ready
            finally:
                loop.remove_reader(descriptor)
        return self._outcome()

    def _poll(self) -> None:
        while not self._is_done:
            event = self._queue.next(0)
            if event is None:
                return
            self._take(event)

    def _take(self, event: Event) -> None:
        try:
            if event.type != EventType.REQUEST_DONE or event.registration != self._registration:
                return
            self._error = event.error()
            if self._error is None:
                self._value = self._convert(event)
            self._is_done = True
        finally:
            event.close()

    def _outcome(self) -> T:
        if self._error is not None:
            raise self._error
        return self._value  # type: ignore[return-value]

    def __del__(self) -> None:
        if not getattr(self, "_is_asked", True):
            warnings.warn(f"nobody waited for {self._what}", RuntimeWarning, stacklevel=2)


class Token:
    """Keeps an observation going until ``stop()``; also a context manager. Dropping it does not stop it. Since: 0.1"""

    def __init__(self, stop: Callable[[], None]) -> None:
        self._stop: Optional[Callable[[], None]] = stop

    def stop(self) -> None:
        """End the observation; no callback begins afterwards. May be called twice, and inside the callback."""
        stop, self._stop = self._stop, None
        if stop is not None:
            stop()

    def __enter__(self) -> "Token":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def call(callback: Callable[..., Any], *arguments: Any) -> None:
    """Run a callback of the program; what it raises is logged, as nobody is there to catch it."""
    try:
        callback(*arguments)
    except Exception:
        _log.exception("a callback raised")


class _Pump:
    """One background thread for observers of sessions and of the log.

    An observer that was registered inside a running asyncio loop is called there, any other on this thread.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._handlers: dict[tuple[int, int], tuple[Callable[[Event], Callable[[], None]], Any]] = {}
        self._queue: Optional[Queue] = None
        self._thread: Optional[threading.Thread] = None
        self._is_stopping = False
        self.log: Optional[Callable[[Event], Callable[[], None]]] = None

    def queue(self) -> Queue:
        """The queue to register with; starts the thread."""
        with self._lock:
            return self._started()

    def _started(self) -> Queue:
        if self._queue is None:
            self._queue = Queue()
            self._thread = threading.Thread(target=self._run, name="atoll-events", daemon=True)
            self._thread.start()
            atexit.register(self.stop)
        return self._queue

    def observe(
        self,
        event_type: int,
        start: Callable[[int], int],
        decode: Callable[[Event], tuple],
        callback: Callable[..., Any],
        end: Callable[[int], None],
    ) -> Token:
        """Register with the core and call ``callback(*decode(event))`` for each event of this type."""
        try:
            loop: Any = asyncio.get_running_loop()
        except RuntimeError:
            loop = None

        def prepare(event: Event) -> Callable[[], None]:
            arguments = decode(event)
            return lambda: call(callback, *arguments)

        with self._lock:
            registration = start(self._started().pointer)
            self._handlers[event_type, registration] = (prepare, loop)

        def stop() -> None:
            with self._lock:
                self._handlers.pop((event_type, registration), None)
            end(registration)

        return Token(stop)

    def _run(self) -> None:
        queue = self._queue
        assert queue is not None
        while not self._is_stopping:
            event = queue.next(-1)
            if event is None:
                continue
            try:
                self._dispatch(event)
            finally:
                event.close()

    def _dispatch(self, event: Event) -> None:
        if event.type == EventType.LOG:
            prepare, loop = self.log, None
        else:
            with self._lock:
                prepare, loop = self._handlers.get((event.type, event.registration), (None, None))
        if prepare is None:
            return
        run = prepare(event)
        if loop is None:
            run()
        elif not loop.is_closed():
            try:
                loop.call_soon_threadsafe(run)
            except RuntimeError:
                pass  # the loop was closed meanwhile: nobody is there to be told

    def stop(self) -> None:
        """End the thread; at exit, so that it does not touch an interpreter that is going away."""
        self._is_stopping = True
        if self._queue is not None and self._thread is not None:
            native.atoll_log_set_queue(None)
            self._queue.wake()
            self._thread.join(timeout=2)


pump = _Pump()
