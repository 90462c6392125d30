"""Synced realms: configuration, session, subscriptions.

A SyncConfiguration says with whom and what; a Session is the connection's life as a program sees it; a SubscriptionSet
says which objects a realm with flexible sync wants.
"""

from __future__ import annotations

import collections.abc
import dataclasses
import datetime
import os
import uuid
from typing import TYPE_CHECKING, Any, Callable, ClassVar, Iterator, Optional, Union

from . import errors
from ._bridge import Handle, Values, from_timestamp, native, take_value
from ._constants import (
    ConnectionState,
    Direction,
    EventType,
    ProgressMode,
    ResetMode,
    ResetStep,
    SessionState,
    Status,
    SubscriptionsState,
)
from .app import User
from .sequences import Results
from .events import Progress, Request, Token, pump
from .object_id import ObjectId

if TYPE_CHECKING:
    from .realm import Realm

Path = Union[str, "os.PathLike[str]"]
PartitionValue = Union[str, int, ObjectId, uuid.UUID, None]
InitialSubscriptions = Callable[["Realm", "SubscriptionUpdate"], Any]


@dataclasses.dataclass(frozen=True)
class ClientReset:
    """What happens when the server cannot go on with a realm: it was restored from a backup, sync was terminated, the
    realm was away for too long, its folder is a copy.

    ``before(frozen)`` is called with the realm as it is, ``after(frozen, realm, recovered)`` with what it was, what it is
    now, and whether unsent changes were recovered (else they were discarded). Both are called on a background thread;
    what they are given is theirs only while they run. When one raises, the session ends with
    AutoClientResetFailedError, and the next opening tries the reset again. Since: 0.1
    """

    mode: ResetMode = ResetMode.RECOVER_OR_DISCARD
    before: Optional[Callable[["Realm"], Any]] = None
    after: Optional[Callable[["Realm", "Realm", bool], Any]] = None


class ResetCalls:
    """Answers the questions of client resets of one realm, by the functions of its ClientReset."""

    active: ClassVar[set[str]] = set()  # paths; the first instance of a path answers

    def __init__(self, session: "Session", reset: ClientReset, open_realm: Callable[[], "Realm"]) -> None:
        self._session = session._handle
        self._reset = reset
        self._open = open_realm
        self._before: Optional["Realm"] = None
        self._opened: Optional["Realm"] = None
        self._path = session.path
        self.active.add(self._path)
        self.token = session._observe(
            EventType.CLIENT_RESET,
            native.atoll_session_observe_resets,
            lambda event: (
                native.atoll_event_number(event.pointer, 0),
                native.atoll_event_number(event.pointer, 1) == 0,
            ),
            self._answer,
        )

    def close(self) -> None:
        self.active.discard(self._path)
        self.token.stop()

    def _answer(self, step: int, recovered: bool) -> None:
        status, message = int(Status.OK), ""
        try:
            self._call(step, recovered)
        except Exception as error:  # noqa: BLE001 - it is the reset's to fail, and the session's to say so
            status, message = int(Status.INTERNAL), f"the handler of a client reset raised {error!r}"
        native.atoll_session_continue_reset(self._session.pointer, status, message)

    def _call(self, step: int, recovered: bool) -> None:
        if step == ResetStep.STEP_BEFORE:
            self._end()
            self._opened = self._open()  # What is frozen from it lives as long as it is open.
            self._before = self._opened.freeze()
            if self._reset.before is not None:
                self._reset.before(self._before)
            return
        try:
            with self._open() as realm:
                if self._reset.after is not None:
                    self._reset.after(self._before or realm.freeze(), realm, recovered)
        finally:
            self._end()

    def _end(self) -> None:
        opened, self._opened, self._before = self._opened, None, None
        if opened is not None:
            opened.close()


class SyncConfiguration:
    """With whom a realm syncs, and what: ``atoll.open(SyncConfiguration.flexible(user), schema=[Dog])``. Since: 0.1"""

    def __init__(
        self,
        user: User,
        apply: Callable[[int], None],
        path: Optional[Path],
        client_reset: ClientReset = ClientReset(),
        cancel_waits_on_errors: bool = False,
    ) -> None:
        self._initial_subscriptions: Optional[InitialSubscriptions] = None
        self._reruns_on_open = False
        self._is_flexible = False
        self._user = user
        self._cancel_waits_on_errors = cancel_waits_on_errors
        self._client_reset = client_reset
        self._apply_mode = apply
        self._path = path

    @staticmethod
    def flexible(
        user: User,
        *,
        path: Optional[Path] = None,
        client_reset: ClientReset = ClientReset(),
        cancel_waits_on_errors: bool = False,
        initial_subscriptions: Optional["InitialSubscriptions"] = None,
        rerun_on_open: bool = False,
    ) -> "SyncConfiguration":
        """A realm that holds what its subscriptions ask for. ``path``: a folder under the app's.

        ``initial_subscriptions(realm, update)`` is called when a realm is opened that has never had subscriptions, with
        ``rerun_on_open`` at every opening; what it adds takes effect as one update. When it raises, nothing is added, the
        opening fails with its exception, and the next one calls it again.

        With ``cancel_waits_on_errors`` waits for uploads and downloads fail when the connection does, instead of going
        on with the next one. Since: 0.1
        """

        def apply(config: int) -> None:
            native.atoll_config_set_flexible(config, user._handle.pointer)

        made = SyncConfiguration(user, apply, path, client_reset, cancel_waits_on_errors)
        made._initial_subscriptions = initial_subscriptions
        made._reruns_on_open = rerun_on_open
        made._is_flexible = True
        return made

    @staticmethod
    def partition(
        user: User,
        value: PartitionValue,
        *,
        property_name: str = "_partition",
        path: Optional[Path] = None,
        client_reset: ClientReset = ClientReset(),
        cancel_waits_on_errors: bool = False,
    ) -> "SyncConfiguration":
        """A realm of all objects whose partition property has one value: a str, int, ObjectId, UUID or None.

        Each value has a folder of its own. Errors, at opening: BadPartitionValueError, AsymmetricError for a schema
        with asymmetric classes. Since: 0.1
        """
        if isinstance(value, bool) or not isinstance(value, (str, int, ObjectId, uuid.UUID, type(None))):
            raise errors.new(
                errors.BadPartitionValueError,
                f"a partition is a str, int, ObjectId, UUID or None, not a {type(value).__name__}",
            )

        def apply(config: int) -> None:
            with Values([value]) as values:
                native.atoll_config_set_partition(config, user._handle.pointer, values)
            native.atoll_config_set_partition_property(config, property_name)

        return SyncConfiguration(user, apply, path, client_reset, cancel_waits_on_errors)

    @property
    def user(self) -> User:
        """The user it syncs as. Since: 0.1"""
        return self._user

    def _apply(self, config: int) -> None:
        if self._path is not None:
            native.atoll_config_set_path(config, os.fspath(self._path))
        native.atoll_config_set_client_reset_mode(config, int(self._client_reset.mode))
        native.atoll_config_set_ask_client_resets(config, self._asks)
        native.atoll_config_set_cancel_waits_on_errors(config, self._cancel_waits_on_errors)
        self._apply_mode(config)

    def _subscribe_initially(self, realm: "Realm") -> None:
        if self._initial_subscriptions is None:
            return
        subscriptions = realm.subscriptions
        if subscriptions.version == 0 or self._reruns_on_open:
            with subscriptions.update() as update:
                self._initial_subscriptions(realm, update)

    @property
    def _asks(self) -> bool:
        return self._client_reset.before is not None or self._client_reset.after is not None

    def _answer_resets(
        self, realm: "Realm", open_realm: Callable[["SyncConfiguration"], "Realm"]
    ) -> Optional["ResetCalls"]:
        if not self._asks or realm.path in ResetCalls.active:
            return None
        mode = ClientReset(self._client_reset.mode)
        silent = SyncConfiguration(self._user, self._apply_mode, self._path, mode, self._cancel_waits_on_errors)
        session = realm.session
        assert session is not None
        return ResetCalls(session, self._client_reset, lambda: open_realm(silent))


class Session:
    """The sync session of a realm's folder; all Realm instances of the folder share it. Thread: any. Since: 0.1

    Local writes never wait for it: they queue, on the disk, until it sends them.
    """

    def __init__(self, pointer: int) -> None:
        self._handle = Handle(pointer, native.atoll_session_free)

    @property
    def state(self) -> SessionState:
        """Since: 0.1"""
        return SessionState(native.atoll_session_state(self._handle.pointer))

    @property
    def connection_state(self) -> ConnectionState:
        """Since: 0.1"""
        return ConnectionState(native.atoll_session_connection_state(self._handle.pointer))

    def stop(self) -> None:
        """Stop sending and receiving; waits that are under way fail with SessionInactiveError. Twice does nothing.

        Other sessions are not touched. A stop does not outlive closing the realm. Since: 0.1
        """
        native.atoll_session_stop(self._handle.pointer)

    def start(self) -> None:
        """Resume after ``stop``: tries to connect at once, whatever the wait for the next attempt was. Since: 0.1"""
        native.atoll_session_start(self._handle.pointer)

    @property
    def path(self) -> str:
        """The folder of its realm. Since: 0.1"""
        return native.atoll_session_path(self._handle.pointer)

    @property
    def user(self) -> User:
        """Whom it syncs as. Since: 0.1"""
        return User(native.atoll_session_user(self._handle.pointer))

    def wait_for_upload(self) -> Request[None]:
        """Done when the server acknowledged every write that is on the device now.

        ``await session.wait_for_upload()``, or ``.wait_for_upload().result(timeout)``. A wait that begins while the
        session is stopped ends after ``start()``. Errors: SessionInactiveError when it is stopped meanwhile, and what
        ends the session. Since: 0.1
        """
        pointer = self._handle.pointer
        return Request(
            lambda queue: native.atoll_session_wait_for_upload(pointer, queue), lambda event: None, "wait_for_upload"
        )

    def wait_for_download(self) -> Request[None]:
        """Done when all that the server has now is on the device; ``realm.refresh()`` then shows it.

        Errors: as ``wait_for_upload``. Since: 0.1
        """
        pointer = self._handle.pointer
        return Request(
            lambda queue: native.atoll_session_wait_for_download(pointer, queue),
            lambda event: None,
            "wait_for_download",
        )

    def observe_connection(self, callback: Callable[[ConnectionState, ConnectionState], Any]) -> Token:
        """Call ``callback(old, new)`` as the connection comes and goes.

        Called on the asyncio loop that runs where this is called, else on a background thread: don't touch a realm of
        another thread there. Since: 0.1
        """
        return self._observe(
            EventType.CONNECTION_CHANGED,
            native.atoll_session_observe_connection,
            lambda event: (
                ConnectionState(native.atoll_event_number(event.pointer, 0)),
                ConnectionState(native.atoll_event_number(event.pointer, 1)),
            ),
            callback,
        )

    def observe_progress(
        self,
        direction: Direction,
        callback: Callable[[Progress], Any],
        mode: ProgressMode = ProgressMode.INDEFINITELY,
    ) -> Token:
        """Call ``callback(progress)`` now and as bytes move. Where: as ``observe_connection``. Since: 0.1"""
        return self._observe(
            EventType.PROGRESS,
            lambda session, queue: native.atoll_session_observe_progress(session, int(direction), int(mode), queue),
            lambda event: (event.progress(),),
            callback,
        )

    def observe_errors(self, callback: Callable[[errors.AtollError], Any]) -> Token:
        """Call ``callback(error)`` for errors that no call waits for, such as a refused write (CompensatingWriteError).

        Where: as ``observe_connection``. Since: 0.1
        """
        return self._observe(
            EventType.SESSION_ERROR,
            native.atoll_session_observe_errors,
            lambda event: (event.error(),),
            callback,
        )

    def _observe(self, kind: int, start: Any, decode: Any, callback: Any) -> Token:
        handle = self._handle
        return pump.observe(
            kind,
            lambda queue: start(handle.pointer, queue),
            decode,
            callback,
            lambda registration: native.atoll_session_unobserve(handle.pointer, registration),
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Session):
            return NotImplemented
        return native.atoll_session_equals(self._handle.pointer, other._handle.pointer)

    def __hash__(self) -> int:
        return hash(self.path)

    def __repr__(self) -> str:
        return f"<Session {self.path}: {self.state.name}, {self.connection_state.name}>"


@dataclasses.dataclass(frozen=True)
class Subscription:
    """One query whose matches the realm wants. Since: 0.1"""

    name: Optional[str]
    class_name: str
    """The stored name of the class."""
    query: str
    created_at: datetime.datetime
    updated_at: datetime.datetime


class SubscriptionSet(collections.abc.Sequence):
    """The subscriptions of a realm at one version: a sequence of Subscription. Thread: any. Since: 0.1

    ::

        with realm.subscriptions.update() as subscriptions:
            subscriptions.add(realm.objects(Dog).where("age > 3"), name="old dogs")
        await realm.subscriptions.wait()
    """

    def __init__(self, realm: "Realm", pointer: int) -> None:
        self._realm = realm
        self._handle = Handle(pointer, native.atoll_subscriptions_free)

    @property
    def version(self) -> int:
        """Grows with each update. Since: 0.1"""
        return native.atoll_subscriptions_version(self._handle.pointer)

    @property
    def state(self) -> SubscriptionsState:
        """Of this version, now. Since: 0.1"""
        return SubscriptionsState(native.atoll_subscriptions_state(self._handle.pointer))

    @property
    def error(self) -> Optional[str]:
        """Why the server refused this version, or None. Since: 0.1"""
        return take_value(native.atoll_subscriptions_error(self._handle.pointer))

    def wait(self) -> Request[None]:
        """Done when this version is complete.

        Then ``realm.refresh()`` shows the objects. Errors: SubscriptionFailedError, SessionInactiveError when the
        session is stopped meanwhile. Since: 0.1
        """
        pointer = self._handle.pointer
        return Request(
            lambda queue: native.atoll_subscriptions_wait(pointer, queue), lambda event: None, "subscriptions.wait"
        )

    def update(self) -> "SubscriptionUpdate":
        """Change the newest set: see SubscriptionUpdate. This object then stands for the new version. Since: 0.1"""
        return SubscriptionUpdate(self)

    def find(self, name: str) -> Optional[Subscription]:
        """The subscription of a name, or None. Since: 0.1"""
        index = native.atoll_subscriptions_find_name(self._handle.pointer, name)
        return self[index] if index >= 0 else None

    def find_results(self, results: Results[Any]) -> Optional[Subscription]:
        """A subscription of the same class and query, or None. Since: 0.1"""
        index = native.atoll_subscriptions_find_results(self._handle.pointer, results._handle.pointer)
        return self[index] if index >= 0 else None

    def __len__(self) -> int:
        return native.atoll_subscriptions_count(self._handle.pointer)

    def __getitem__(self, index: Any) -> Any:
        count = len(self)
        if isinstance(index, slice):
            return [self[position] for position in range(*index.indices(count))]
        position = index + count if index < 0 else index
        if not 0 <= position < count:
            raise IndexError(f"index {index} is outside of {count} subscriptions")
        pointer = self._handle.pointer
        return Subscription(
            native.atoll_subscriptions_name(pointer, position),
            native.atoll_subscriptions_class(pointer, position),
            native.atoll_subscriptions_query(pointer, position),
            from_timestamp(native.atoll_subscriptions_created_at(pointer, position)),
            from_timestamp(native.atoll_subscriptions_updated_at(pointer, position)),
        )

    def __iter__(self) -> Iterator[Subscription]:
        return (self[position] for position in range(len(self)))

    def __repr__(self) -> str:
        return f"<SubscriptionSet version {self.version}: {len(self)} subscriptions, {self.state.name}>"


class SubscriptionUpdate:
    """A change of the subscription set: all of it takes effect when the ``with`` block ends, none if it raises.

    Thread: the realm's, as queries are. Since: 0.1
    """

    def __init__(self, owner: SubscriptionSet) -> None:
        self._owner = owner
        self._handle: Optional[Handle] = None

    def __enter__(self) -> "SubscriptionUpdate":
        pointer = native.atoll_subscription_update_begin(self._owner._realm._pointer())
        self._handle = Handle(pointer, native.atoll_subscription_update_free)
        return self

    def __exit__(self, kind: Any, *_: object) -> None:
        handle, self._handle = self._handle, None
        assert handle is not None
        try:
            if kind is None:
                committed = native.atoll_subscription_update_commit(handle.pointer)
                self._owner._handle = Handle(committed, native.atoll_subscriptions_free)
        finally:
            handle.close()

    def _pointer(self) -> int:
        if self._handle is None:
            raise errors.new(errors.ClosedError, "subscriptions change inside of `with subscriptions.update() as ...:`")
        return self._handle.pointer

    def add(self, results: Results[Any], name: Optional[str] = None, *, update_existing: bool = True) -> None:
        """Subscribe to what results match. A ``name`` that exists is given the new query, unless ``update_existing`` is
        False: then another query under that name is an InvalidArgumentError. Since: 0.1"""
        native.atoll_subscription_update_add(self._pointer(), results._handle.pointer, name or "", update_existing)

    def remove(self, what: Union[str, Subscription, Results[Any]], *, remove_named: bool = False) -> bool:
        """Remove by name, by subscription, or all with the query of results (named ones only with ``remove_named``);
        False if there was none. Since: 0.1"""
        pointer = self._pointer()
        if isinstance(what, str):
            return native.atoll_subscription_update_remove_name(pointer, what)
        if isinstance(what, Results):
            return native.atoll_subscription_update_remove_results(pointer, what._handle.pointer, remove_named) > 0
        if what.name is not None:
            return native.atoll_subscription_update_remove_name(pointer, what.name)
        newest = self._owner._realm.subscriptions
        for index, subscription in enumerate(newest):
            if (subscription.name, subscription.class_name, subscription.query) == (None, what.class_name, what.query):
                return native.atoll_subscription_update_remove_at(pointer, newest._handle.pointer, index)
        return False

    def remove_class(self, cls: Any, *, remove_named: bool = False) -> int:
        """Remove all subscriptions to a class; returns how many. Since: 0.1"""
        return native.atoll_subscription_update_remove_class(self._pointer(), cls._atoll_class_name, remove_named)

    def remove_all(self, *, remove_named: bool = False) -> int:
        """Remove all subscriptions; returns how many. Since: 0.1"""
        return native.atoll_subscription_update_remove_all(self._pointer(), remove_named)
