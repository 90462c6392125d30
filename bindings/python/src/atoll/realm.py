"""Realms: opening, transactions, objects, notifications.

Invariant: a Realm and everything read from it belong to the thread that opened it; the core checks that, and answers
WrongThreadError.
"""

from __future__ import annotations

import asyncio
import os
import time
from typing import TYPE_CHECKING, Any, Callable, Iterable, Optional, Sequence, Type, TypeVar, Union

from . import _kinds as kinds
from . import errors
from ._access import ClassInfo, require_key
from ._bridge import Handle, native
from ._constants import Direction, EventType, ProgressMode, PropertyFlag
from .dynamic import classes_of
from .events import Event, Progress, Queue, Request, Token, call
from .references import Reference, resolve_in
from .schema import AsymmetricObject, EmbeddedObject, Object, ObjectBase
from .sequences import List, Results, stored_classes
from .transactions import AsyncWriteTransaction, WriteTransaction

if TYPE_CHECKING:
    from .sync import ResetCalls, Session, SubscriptionSet, SyncConfiguration

T = TypeVar("T", bound=Object)
A = TypeVar("A", bound=ObjectBase)
Target = Union[str, "os.PathLike[str]", "SyncConfiguration"]


def _native_schema(classes: Sequence[Any]) -> Handle:
    schema = Handle(native.atoll_schema_new(), native.atoll_schema_free)
    for cls in classes:
        index = native.atoll_schema_add_class(schema.pointer, cls._atoll_class_name, cls._atoll_kind)
        for declared in cls._atoll_properties.values():
            flags = 0
            is_single_object = declared.target is not None and not declared.is_collection
            if declared.is_nullable or is_single_object:
                flags |= PropertyFlag.NULLABLE
            if declared.is_list:
                flags |= PropertyFlag.LIST
            if declared.is_set:
                flags |= PropertyFlag.SET
            if declared.is_dictionary:
                flags |= PropertyFlag.DICTIONARY
            if declared.is_primary_key:
                flags |= PropertyFlag.PRIMARY_KEY
            if declared.is_indexed:
                flags |= PropertyFlag.INDEXED
            if declared.options.is_full_text:
                flags |= PropertyFlag.FULL_TEXT
            target: Any = declared.target
            native.atoll_schema_add_property(
                schema.pointer,
                index,
                declared.stored_name,
                declared.type,
                int(flags),
                "" if target is None else target._atoll_class_name,
            )
    return schema


def _native_config(
    target: Target,
    classes: Sequence[Any],
    sync_commits: bool = True,
    in_memory: bool = False,
    read_only: bool = False,
    encryption_key: Optional[bytes] = None,
    schema_version: int = 0,
    delete_if_migration_needed: bool = False,
) -> Handle:
    config = Handle(native.atoll_config_new(), native.atoll_config_free)
    if schema_version != 0:
        native.atoll_config_set_schema_version(config.pointer, schema_version)
    if delete_if_migration_needed:
        native.atoll_config_set_delete_if_migration_needed(config.pointer, True)
    if in_memory:
        native.atoll_config_set_in_memory(config.pointer, True)
    if read_only:
        native.atoll_config_set_read_only(config.pointer, True)
    if encryption_key is not None:
        native.atoll_config_set_encryption_key(config.pointer, bytes(encryption_key))
    if isinstance(target, (str, os.PathLike)):
        path = os.fspath(target)
        native.atoll_config_set_path(config.pointer, path if in_memory else os.path.abspath(path))
    else:
        target._apply(config.pointer)
    if classes:
        schema = _native_schema(classes)
        native.atoll_config_set_schema(config.pointer, schema.pointer)
    native.atoll_config_set_sync_commits(config.pointer, sync_commits)
    return config


def open(  # noqa: A001
    target: Target,
    schema: Optional[Iterable[type]],
    *,
    sync_commits: bool = True,
    in_memory: bool = False,
    read_only: bool = False,
    encryption_key: Optional[bytes] = None,
    schema_version: int = 0,
    migration: Optional[Callable[["Migration"], Any]] = None,
    delete_if_migration_needed: bool = False,
) -> "Realm":
    """Open a realm: a folder given by its path, or a synced one given by a SyncConfiguration.

    ``schema`` lists the classes that the program uses; classes that they link to or embed come along by themselves.
    None takes the classes of the folder: ``realm.classes`` has them by their stored names. A folder that does not exist
    is made; new classes are added to one that does. A local realm whose classes changed needs a higher
    ``schema_version`` than it had: new properties then have their defaults, removed ones go, and ``migration(m)`` may
    move values over (see Migration); what it raises undoes all of it. ``delete_if_migration_needed=True`` empties the
    realm instead. A synced one just gets what is new. ``sync_commits=False`` lets a commit return before the disk confirmed it: a power cut may then undo the last commits, never half of one.
    ``in_memory=True`` makes the path a name within the process: the realm is gone when its last instance closes.
    ``read_only=True`` opens a folder that exists and has the schema, also while another process writes it.
    ``encryption_key``, 64 random bytes that the program keeps, seals all that is in the folder; each opening needs it.
    A synced realm opens at once with what is on the device and syncs in the background; ``open_async`` waits for the
    server first. Close it by ``close()`` or ``with``.

    Thread: the realm belongs to the calling thread. Inside a running asyncio loop its observers are called as changes
    arrive; elsewhere call ``refresh()`` or ``wait_for_change()``.
    Errors: SchemaInvalidError, SchemaMismatchError, MigrationRequiredError, SchemaVersionLowerError,
    DuplicatePrimaryKeyError (after a migration), FileAccessError, FileNotRealmError, FileNewerFormatError,
    FileInUseError (the message names the holder), FilePermissionError, WrongKeyError, FileNotFoundError,
    CopiedFolderError, UserMismatchError. Since: 0.1
    """
    settings: dict[str, Any] = {
        "sync_commits": sync_commits,
        "in_memory": in_memory,
        "read_only": read_only,
        "encryption_key": encryption_key,
        "schema_version": schema_version,
        "delete_if_migration_needed": delete_if_migration_needed,
    }
    if migration is not None and schema is not None:
        schema = stored_classes(schema)  # once: what can be iterated once only is spent then
        _migrate(_native_config(target, schema, **settings), schema, migration)
    return Realm(target, schema, **settings)


class Migration:
    """A change of the schema under way; only inside the function that ``open(..., migration=...)`` was given.

    ``old`` is the realm as it was, read-only, its classes in ``old.classes`` by their stored names; ``new`` is the realm
    as it will be, inside of its transaction, with the classes of the schema. Since: 0.1
    """

    def __init__(self, pointer: int, classes: Sequence[Any]) -> None:
        self._pointer = pointer
        self.old = Realm._of(native.atoll_migration_old_realm(pointer), None)
        self.new = Realm._of(native.atoll_migration_new_realm(pointer), classes)
        self.old_version: int = native.atoll_migration_old_version(pointer)

    def rename_property(self, cls: type, old_name: str, new_name: str) -> None:
        """Move the values of a stored property to another stored name of the class (of the new schema). Since: 0.1"""
        name: str = cls._atoll_class_name  # type: ignore[attr-defined]
        native.atoll_migration_rename_property(self._pointer, name, old_name, new_name)

    def remove_class(self, name: str) -> None:
        """Remove a class that the new schema lacks, with its objects; else they stay, unseen. Since: 0.1"""
        native.atoll_migration_remove_class(self._pointer, name)

    def find_new(self, old_object: ObjectBase) -> Any:
        """The object of ``new`` that was this one of ``old``; None when it is deleted. Since: 0.1"""
        pointer = native.atoll_migration_find_new(self._pointer, old_object._atoll_handle.pointer)
        return self.new._wrap(pointer) if pointer else None


def _migrate(config: Handle, classes: Sequence[Any], function: Callable[[Migration], Any]) -> None:
    pointer = native.atoll_migration_begin(config.pointer)
    if not pointer:
        return  # nothing to migrate
    try:
        function(Migration(pointer, classes))
        native.atoll_migration_commit(pointer)
    finally:
        native.atoll_migration_free(pointer)


async def open_async(
    target: "SyncConfiguration",
    schema: Iterable[type],
    *,
    sync_commits: bool = True,
    encryption_key: Optional[bytes] = None,
    on_progress: Optional[Callable[[Progress], Any]] = None,
) -> "Realm":
    """Open a synced realm and wait until everything that the server has for it has arrived.

    ``on_progress(progress)`` is called on the loop as it arrives. A flexible realm waits for its newest subscriptions; one
    without any has nothing to wait for. Errors: as ``open``, and what ends the session. Since: 0.1
    """
    realm = Realm(target, schema, sync_commits=sync_commits, encryption_key=encryption_key)
    try:
        session = realm.session
        if session is None:
            raise errors.new(errors.InvalidArgumentError, "open_async is for synced realms; use open for a local one")
        token = None
        if on_progress is not None:
            token = session.observe_progress(Direction.DOWNLOAD, on_progress, ProgressMode.CURRENT_WORK)
        try:
            if target._is_flexible and len(realm.subscriptions) > 0:
                await realm.subscriptions.wait()
            await session.wait_for_download()
            await asyncio.sleep(0)  # What was told before the end of the wait is called now.
        finally:
            if token is not None:
                token.stop()
        realm.refresh()
    except BaseException:
        realm.close()
        raise
    return realm


def delete_realm(target: Target) -> None:
    """Delete the folder of a realm and all that is in it.

    Errors: FileInUseError while it is open, FileNotFoundError (Atoll's own, in ``atoll.errors``). Since: 0.1
    """
    config = _native_config(target, ())
    native.atoll_realm_delete_files(config.pointer)


def set_aside(target: Target, path: Union[str, os.PathLike]) -> bool:
    """Move the folder of a realm, for a manual client reset: a backup, and the next opening begins with an empty one.

    True: it is moved. False: it is open, and is moved before it is opened the next time after that; a number is added to
    the name if something is there by then. Errors: FileNotFoundError, FileExistsError. Since: 0.1
    """
    config = _native_config(target, ())
    return native.atoll_realm_set_aside(config.pointer, os.path.abspath(os.fspath(path)))


def compact(target: Target, *, encryption_key: Optional[bytes] = None) -> bool:
    """Give the space of what was deleted or replaced back to the disk; False when the realm is open somewhere.

    Needs free space for a copy. Errors: FileNotFoundError, WrongKeyError, DiskFullError. Since: 0.1
    """
    config = _native_config(target, (), encryption_key=encryption_key)
    return native.atoll_realm_compact(config.pointer)


def realm_path(target: Target) -> str:
    """Where the realm's folder is or would be. Since: 0.1"""
    config = _native_config(target, ())
    return native.atoll_config_path(config.pointer)


class Realm:
    """An open realm. See ``atoll.open``. Thread: the one that opened it, except where a member says otherwise."""

    def __init__(self, target: Target, schema: Optional[Iterable[type]], **settings: Any) -> None:
        classes = None if schema is None else stored_classes(schema)
        config = _native_config(target, classes or (), **settings)
        self._take_over(native.atoll_realm_open(config.pointer), classes)
        if not isinstance(target, (str, os.PathLike)):
            try:
                target._subscribe_initially(self)
            except BaseException:
                self.close()
                raise
            self._resets = target._answer_resets(self, lambda silent: Realm(silent, classes, **settings))

    @classmethod
    def _of(cls, pointer: int, classes: Optional[Sequence[Any]]) -> "Realm":
        realm = cls.__new__(cls)
        realm._take_over(pointer, classes)
        return realm

    def _take_over(self, pointer: int, classes: Optional[Sequence[Any]]) -> None:
        self._handle = Handle(pointer, native.atoll_realm_free)
        if classes is None:
            schema = Handle(native.atoll_realm_schema(pointer), native.atoll_schema_free)
            classes = classes_of(schema.pointer)
        self._resets: Optional["ResetCalls"] = None
        self._queue: Optional[Queue] = None
        self._loop: Optional[asyncio.AbstractEventLoop] = None
        self._descriptor = -1
        self._turns = asyncio.Lock()
        self._pending = False
        self._is_draining = False
        self._observer_count = 0
        self._handlers: dict[tuple[int, int], tuple[Callable[[Event], tuple], Callable[..., Any]]] = {}
        self._infos: dict[type, ClassInfo] = {}
        self._infos_by_key: dict[int, ClassInfo] = {}
        for cls in classes:
            info = ClassInfo(self, cls)
            self._infos[cls] = info
            self._infos_by_key[info.key] = info

    # ---------- life ----------

    def close(self) -> None:
        """Close this instance: its objects, results and lists answer errors from now on. Twice does nothing.

        A synced realm's session goes on until what was written is uploaded. Since: 0.1
        """
        self._stop_listening()
        self._handlers.clear()
        if self._resets is not None:
            self._resets.close()
            self._resets = None
        native.atoll_realm_close(self._handle.pointer)

    def __enter__(self) -> "Realm":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def is_closed(self) -> bool:
        """Whether ``close`` was called. Since: 0.1"""
        return native.atoll_realm_is_closed(self._handle.pointer)

    @property
    def path(self) -> str:
        """The realm's folder. Since: 0.1"""
        return native.atoll_realm_path(self._handle.pointer)

    @property
    def version(self) -> int:
        """The version that this instance reads; it grows with each commit of anybody that was taken in. Since: 0.1"""
        return native.atoll_realm_version(self._handle.pointer)

    def __repr__(self) -> str:
        return f"<Realm {self.path}{', closed' if self.is_closed else ''}>"

    @property
    def classes(self) -> dict[str, type]:
        """The classes of this realm by their stored names: ``realm.objects(realm.classes["Dog"])``. Since: 0.1"""
        return {info.cls._atoll_class_name: cls for cls, info in self._infos.items()}

    # ---------- frozen realms, other threads ----------

    @property
    def is_frozen(self) -> bool:
        """Whether this is a frozen realm. Since: 0.1"""
        return native.atoll_realm_is_frozen(self._handle.pointer)

    def freeze(self) -> "Realm":
        """The realm as it is now, for ever: it can be read on any thread, and neither written nor observed.

        Readable while this realm is open; close it too when it is not needed, since it keeps its version. A frozen
        realm gives itself. Errors: TransactionActiveError, WrongThreadError, ClosedError. Since: 0.1
        """
        if self.is_frozen:
            return self
        return Realm._of(native.atoll_realm_freeze(self._handle.pointer), list(self._infos))

    def resolve(self, what: Any) -> Any:
        """What stands for a Reference, or for something frozen or of another instance, in this realm.

        Takes an object, a collection or Results, or a Reference to one of them; the realm is refreshed if it is older.
        None when the object, or the collection's object, is deleted. Errors: WrongRealmError when it is of another folder,
        WrongThreadError for live things of another thread, InvalidArgumentError for a Reference that was resolved
        before. Since: 0.1
        """
        if isinstance(what, Reference):
            return what._resolve(self)
        return resolve_in(self, what)

    def write_copy(self, target: Target, *, encryption_key: Optional[bytes] = None) -> None:
        """Write a compacted copy to another place, sealed with the key if one is given.

        The copy is of the same kind, or local, or of partition sync where this one is local: then its objects are uploaded,
        and their classes need a key named ``_id``. A synced realm must have uploaded everything (BusyError). Errors:
        FileExistsError, TransactionActiveError, InvalidArgumentError for a copy of another kind, SchemaInvalidError. Since: 0.1
        """
        config = _native_config(target, (), encryption_key=encryption_key)
        native.atoll_realm_write_copy(self._handle.pointer, config.pointer)

    def _freeze(self, what: Any) -> Any:
        return what if self.is_frozen else resolve_in(self.freeze(), what)

    # ---------- transactions ----------

    def write(self) -> WriteTransaction:
        """A write transaction: ``with realm.write(): dog.age += 1``.

        All or nothing: commits when the block ends, rolls back when it raises. Begins at the newest version; waits
        while another thread, or the session, writes. Errors of the beginning: TransactionActiveError, ClosedError,
        WrongThreadError, DiskFullError. Since: 0.1
        """
        return WriteTransaction(self)

    def write_async(self) -> AsyncWriteTransaction:
        """A write transaction in asyncio code: ``async with realm.write_async(): dog.age += 1``.

        As ``write``, but neither waiting for the turn to write nor for the disk holds up the loop: the block begins when
        it is this realm's turn; everybody sees what it wrote when it ends, and it has ended once that is on the disk. Do
        not await inside of the block: other writers wait. Errors: as ``write``. Since: 0.1
        """
        return AsyncWriteTransaction(self)

    def begin_write(self) -> None:
        """Begin a transaction by hand; end it by ``commit`` or ``rollback``. Since: 0.1"""
        native.atoll_realm_begin(self._handle.pointer)

    def commit(self) -> int:
        """Commit the transaction that ``begin_write`` began; returns the new version.

        When it returns, the write is on the disk (unless ``sync_commits=False``). Observers of this instance are called
        before it returns. Errors: NoTransactionError, DiskFullError. Since: 0.1
        """
        version = native.atoll_realm_commit(self._handle.pointer)
        self._drain()
        return version

    def rollback(self) -> None:
        """Undo the transaction. Errors: NoTransactionError. Since: 0.1"""
        native.atoll_realm_rollback(self._handle.pointer)

    @property
    def is_in_transaction(self) -> bool:
        """Whether a transaction of this instance is open. Since: 0.1"""
        return native.atoll_realm_is_in_transaction(self._handle.pointer)

    def refresh(self) -> bool:
        """Move to the newest version, of other threads and of the server; True if there was one.

        Observers are called before it returns. Errors: TransactionActiveError, WrongThreadError. Since: 0.1
        """
        advanced = native.atoll_realm_refresh(self._handle.pointer)
        self._pending = False
        self._drain()
        return advanced

    def wait_for_change(self, timeout: Optional[float] = None) -> bool:
        """Wait at most ``timeout`` seconds (None: without limit) for a newer version, and refresh; False if none came.

        Blocks the thread: for programs without asyncio. Since: 0.1
        """
        self._listen()
        if self.refresh():
            return True
        deadline = None if timeout is None else time.monotonic() + timeout
        queue = self._queue
        while queue is not None and not self.is_closed:
            event = queue.next_until(deadline)
            if event is None:
                return self.refresh()
            self._take(event)
            if self._pending and self.refresh():
                return True
        return False

    # ---------- objects ----------

    def add(self, instance: A, *, update: bool = False) -> A:
        """Store an object and all unstored objects that it refers to; the instance itself becomes live.

        With ``update=True`` an object with the same key is overwritten in all its properties, and so are the
        objects that it refers to. Returns the instance. Errors: NoTransactionError, DuplicatePrimaryKeyError
        (without update), UnknownClassError for a class outside of the schema, WrongRealmError, AsymmetricError for
        an asymmetric object in a realm without flexible sync, NoSubscriptionError, InvalidArgumentError for an
        embedded object. Since: 0.1
        """
        if isinstance(instance, EmbeddedObject):
            raise errors.new(
                errors.InvalidArgumentError,
                f"{type(instance).__name__} is embedded: it is stored as the value of its parent's property",
            )
        self._ensure_stored(instance, update)
        return instance

    def add_all(self, instances: Iterable[ObjectBase], *, update: bool = False) -> None:
        """Store many objects. See ``add``. Since: 0.1"""
        for instance in instances:
            self.add(instance, update=update)  # type: ignore[type-var]

    def create(self, cls: Type[A], **values: Any) -> A:
        """``add(cls(**values))``. Since: 0.1"""
        return self.add(cls(**values))

    def upsert(self, cls: Type[T], **values: Any) -> T:
        """The object with the key in ``values``, made if there is none, with the given properties set.

        Unlike ``add(update=True)``, properties of an existing object that are not named keep their values.
        Errors: NoPrimaryKeyError, and those of ``add``. Since: 0.1
        """
        info = self._info(cls)
        key = require_key(cls)
        if key.name not in values:
            raise errors.new(errors.InvalidArgumentError, f"upsert needs the key {cls.__name__}.{key.name}")
        for name in values:
            self._property(info, name)
        found = self.find(cls, values[key.name])
        if found is None:
            return self.create(cls, **values)
        info.fill(found, [(cls._atoll_properties[name], value) for name, value in values.items()])
        return found

    def find(self, cls: Type[T], key: Any) -> Optional[T]:
        """The object with a primary key, or None. Errors: NoPrimaryKeyError, TypeMismatchError. Since: 0.1"""
        info = self._queryable(cls)
        declared = require_key(cls)
        if key is None and not declared.is_nullable:
            return None
        values = info.key_values(key)
        assert values is not None
        try:
            pointer = native.atoll_realm_find(self._handle.pointer, info.key, values.pointer)
        finally:
            values.close()
        return info.wrap(pointer) if pointer else None

    def objects(self, cls: Type[T]) -> Results[T]:
        """All objects of a class, live; narrow them by ``where`` and ``sort``.

        Errors: UnknownClassError, AsymmetricError for an asymmetric class, InvalidArgumentError for an embedded one.
        Since: 0.1
        """
        info = self._queryable(cls)
        return Results(self, info, native.atoll_results_new(self._handle.pointer, info.key, "", None))

    def delete(self, what: Union[ObjectBase, Results[Any], Iterable[ObjectBase]]) -> None:
        """Delete an object, or several: results, a list, any iterable of stored objects.

        Embedded objects go with their parent; links to a deleted object read None. Errors: NoTransactionError,
        InvalidObjectError. Since: 0.1
        """
        if isinstance(what, ObjectBase):
            if what._atoll_handle is None:
                raise errors.new(errors.InvalidArgumentError, f"{what!r} is in no realm")
            native.atoll_object_delete(what._atoll_handle.pointer)
        elif isinstance(what, Results):
            what.delete_all()
        elif isinstance(what, List) and what._declared.type == kinds.EMBEDDED:
            what.clear()
        else:
            for instance in list(what):
                self.delete(instance)

    def delete_all(self, cls: type) -> None:
        """Delete all objects of a class. Errors: NoTransactionError. Since: 0.1"""
        native.atoll_realm_delete_class(self._handle.pointer, self._queryable(cls).key)

    # ---------- observing ----------

    def observe(self, callback: Callable[["Realm"], Any]) -> Token:
        """Call ``callback(realm)`` after each version that this instance took in, own commits included. Since: 0.1"""
        self._listen()
        self._observer_count += 1
        key = (int(EventType.REALM_CHANGED), self._observer_count)
        self._handlers[key] = (lambda event: (self,), callback)

        def stop() -> None:
            self._handlers.pop(key, None)

        return Token(stop)

    def _observe(
        self,
        event_type: int,
        start: Callable[[int], int],
        decode: Callable[[Event], tuple],
        callback: Callable[..., Any],
    ) -> Token:
        queue = self._listen()
        registration = start(queue.pointer)
        key = (event_type, registration)
        self._handlers[key] = (decode, callback)

        def stop() -> None:
            self._handlers.pop(key, None)
            native.atoll_realm_unobserve(self._handle.pointer, registration)

        return Token(stop)

    def _listen(self) -> Queue:
        """Start to take events; the first call inside a running loop ties the realm to that loop."""
        if self._queue is None:
            self._queue = Queue()
            native.atoll_realm_observe(self._handle.pointer, self._queue.pointer)
        if self._loop is None:
            try:
                loop = asyncio.get_running_loop()
            except RuntimeError:
                return self._queue
            self._descriptor = self._queue.fileno()
            loop.add_reader(self._descriptor, self._on_readable)
            self._loop = loop
        return self._queue

    def _stop_listening(self) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.remove_reader(self._descriptor)
        self._loop = None

    def _on_readable(self) -> None:
        """The loop saw events: take them, and take in the newer version that they may announce."""
        self._drain()
        while self._pending and not self.is_closed and not self.is_in_transaction:
            self.refresh()

    def _drain(self) -> None:
        if self._queue is None or self._is_draining:
            return
        self._is_draining = True
        try:
            while True:
                event = self._queue.next(0)
                if event is None:
                    return
                self._take(event)
        finally:
            self._is_draining = False

    def _take(self, event: Event) -> None:
        calls = []
        try:
            if event.type == EventType.REALM_PENDING:
                self._pending = True
            elif event.type == EventType.REALM_CHANGED:
                for (kind, _), (decode, callback) in list(self._handlers.items()):
                    if kind == EventType.REALM_CHANGED:
                        calls.append((callback, decode(event)))
            else:
                handler = self._handlers.get((event.type, event.registration))
                if handler is not None:
                    calls.append((handler[1], handler[0](event)))
        finally:
            event.close()
        for callback, arguments in calls:
            call(callback, *arguments)

    # ---------- sync ----------

    @property
    def session(self) -> Optional["Session"]:
        """The session of a synced realm; None for a local one. Since: 0.1"""
        from .sync import Session

        pointer = native.atoll_realm_session(self._handle.pointer)
        return Session(pointer) if pointer else None

    @property
    def subscriptions(self) -> "SubscriptionSet":
        """The newest subscription set of a realm with flexible sync. Errors: NotSupportedError otherwise. Since: 0.1"""
        from .sync import SubscriptionSet

        return SubscriptionSet(self, native.atoll_realm_subscriptions(self._handle.pointer))

    # ---------- for the other modules of this package ----------

    def _pointer(self) -> int:
        return self._handle.pointer

    def _info(self, cls: Any) -> ClassInfo:
        info = self._infos.get(cls)
        if info is None:
            name = getattr(cls, "__name__", repr(cls))
            raise errors.new(
                errors.UnknownClassError,
                f"{name} is not in the schema of this realm ({', '.join(known.__name__ for known in self._infos)}): "
                "name it in open(..., schema=[...])",
            )
        return info

    def _queryable(self, cls: Any) -> ClassInfo:
        info = self._info(cls)
        if issubclass(cls, AsymmetricObject):
            raise errors.new(
                errors.AsymmetricError, f"{cls.__name__} is asymmetric: its objects are sent, never read on the device"
            )
        if issubclass(cls, EmbeddedObject):
            raise errors.new(
                errors.InvalidArgumentError, f"{cls.__name__} is embedded: reach its objects through their parents"
            )
        return info

    def _property(self, info: ClassInfo, name: str) -> int:
        key = info.keys.get(name)
        if key is None:
            raise errors.new(
                errors.UnknownPropertyError,
                f"{info.cls.__name__} has no property {name!r}; it has {', '.join(info.keys)}",
            )
        return key

    def _wrap(self, pointer: int) -> Any:
        return self._infos_by_key[native.atoll_object_class(pointer)].wrap(pointer)

    def _check_unowned(self, value: Optional[ObjectBase]) -> None:
        if value is not None and value._atoll_handle is not None:
            raise errors.new(
                errors.InvalidArgumentError,
                f"this {type(value).__name__} already belongs to a parent: assign a new one with the same values",
            )

    def _ensure_stored(self, instance: ObjectBase, update: bool) -> None:
        if instance._atoll_handle is not None:
            if instance._atoll_info.realm is not self:
                raise errors.new(
                    errors.WrongRealmError, f"{instance!r} belongs to another realm instance: find it in this one"
                )
            return
        info = self._info(type(instance))
        cls = info.cls
        given = dict(instance._atoll_values)
        defaulted = set(instance._atoll_defaulted)
        key = cls._atoll_key
        values = info.key_values(given.get(key.name, key.zero())) if key is not None else None
        overwrite = False
        try:
            argument = None if values is None else values.pointer
            pointer = None
            if update and argument is not None and not isinstance(instance, AsymmetricObject):
                pointer = native.atoll_realm_find(self._handle.pointer, info.key, argument)
                overwrite = bool(pointer)
            if not pointer:
                pointer = native.atoll_realm_create(self._handle.pointer, info.key, argument)
        finally:
            if values is not None:
                values.close()
        info.adopt(instance, pointer)
        self._fill(info, instance, given, defaulted, update, overwrite)

    def _fill(
        self,
        info: ClassInfo,
        instance: ObjectBase,
        given: dict[str, Any],
        defaulted: set[str],
        update: bool,
        overwrite: bool,
    ) -> None:
        """Write the values of a new object, the defaults as defaults, or all values of one that is overwritten."""
        properties = info.cls._atoll_properties
        if overwrite:
            info.fill(instance, [(p, given.get(p.name, p.zero())) for p in properties.values()], update)
            return
        defaults = [
            (properties[name], given[name]) for name in defaulted if given[name] != properties[name].zero()
        ]
        if defaults:
            native.atoll_realm_set_defaults(self._handle.pointer, True)
            try:
                info.fill(instance, defaults, update)
            finally:
                native.atoll_realm_set_defaults(self._handle.pointer, False)
        chosen = [(properties[name], value) for name, value in given.items() if name not in defaulted]
        info.fill(instance, chosen, update)

    def _fill_embedded(self, value: Optional[ObjectBase], pointer: int, update: bool) -> None:
        assert value is not None
        info = self._info(type(value))
        given = dict(value._atoll_values)
        defaulted = set(value._atoll_defaulted)
        info.adopt(value, pointer)
        self._fill(info, value, given, defaulted, update, False)


__all__ = ["Migration", "Realm", "Reference", "Request", "AsyncWriteTransaction", "WriteTransaction", "compact", "delete_realm", "open", "open_async", "realm_path", "set_aside"]
