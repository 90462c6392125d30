"""What results, lists, sets and dictionaries have in common: they live in a realm, freeze, cross threads, are observed.

Invariant: ``_prefix`` names the native functions of the kind, so that what all kinds do is written once, here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, ClassVar, Iterable, Optional, TypeVar

from . import errors
from ._bridge import Handle, Values, native
from ._constants import EventType
from .events import Token
from .schema import ObjectBase, Property

if TYPE_CHECKING:
    from .realm import Realm
    from .sequences import Results

L = TypeVar("L", bound="Live")


def stored_path(cls: Any, path: str) -> str:
    """A path of Python names along links as a path of stored names; what is no property is left to the core."""
    parts = []
    for name in path.split("."):
        declared = cls._atoll_properties.get(name) if cls is not None else None
        parts.append(name if declared is None else declared.stored_name)
        cls = None if declared is None else declared.target
    return ".".join(parts)


def key_path_values(cls: Any, key_paths: Optional[Iterable[str]]) -> Optional[Values]:
    """Key paths for the core, to be closed by the caller; None is its default."""
    if isinstance(key_paths, str):
        raise errors.new(errors.InvalidArgumentError, f'key_paths is a list of names: ["{key_paths}"]')
    return None if key_paths is None else Values([stored_path(cls, path) for path in key_paths])


class Live:
    """A live view of data of a realm."""

    _prefix: ClassVar[str]
    _event: ClassVar[EventType]
    _realm: "Realm"
    _handle: Handle

    def _native(self, name: str, *arguments: Any) -> Any:
        return getattr(native, f"{self._prefix}_{name}")(self._handle.pointer, *arguments)

    def _element_class(self) -> Any:
        """The class of the elements, or None for values."""
        raise NotImplementedError

    @property
    def realm(self) -> "Realm":
        """The realm that it reads from. Since: 0.1"""
        return self._realm

    @property
    def is_frozen(self) -> bool:
        """Whether it is of a frozen realm: readable on any thread, never changing. Since: 0.1"""
        return self._realm.is_frozen

    def freeze(self: L) -> L:
        """What it is now, for ever, readable on any thread; what is frozen gives itself.

        Readable while the realm is open; ``realm.resolve(frozen)`` gives the live one. Errors: TransactionActiveError,
        WrongThreadError. Since: 0.1
        """
        return self._realm._freeze(self)

    def observe(self: L, callback: Callable[[L, Any], Any], *, key_paths: Optional[Iterable[str]] = None) -> Token:
        """Call ``callback(this, changes)``: first with None once it is ready, then with Changes after each change.

        ``key_paths`` limits that to changes of some properties: names, joined by dots along links, ``*`` for any; None
        is everything up to four links away, an empty list the collection itself, not its elements.
        Callbacks run on the realm's thread, inside ``refresh()``, a commit, or the asyncio loop that runs there.
        Cost follows what changed. Returns a Token; ``token.stop()`` ends it. Errors: UnknownPropertyError, FrozenError,
        InvalidObjectError. Since: 0.1
        """
        paths = key_path_values(self._element_class(), key_paths)
        try:
            return self._realm._observe(
                self._event,
                lambda queue: self._native("observe_key_paths", None if paths is None else paths.pointer, queue),
                lambda event: (self, event.changes()),
                callback,
            )
        finally:
            if paths is not None:
                paths.close()


class Collection(Live):
    """A collection that a property of a stored object holds."""

    _event = EventType.LIST_CHANGED

    def __init__(self, realm: "Realm", declared: Property, pointer: int, owner: ObjectBase) -> None:
        self._realm = realm
        self._declared = declared
        self._handle = Handle(pointer, getattr(native, f"{self._prefix}_free"))
        self._owner = owner  # its realm and class stay alive with it

    def _element_class(self) -> Any:
        return self._declared.target

    @property
    def is_valid(self) -> bool:
        """False once its object is gone. Since: 0.1"""
        return self._native("is_valid")

    def as_results(self) -> "Results[Any]":
        """The objects of the collection as Results: live, in its order, to be filtered, sorted and summed.

        Errors: NotSupportedError for a collection of values, InvalidObjectError. Since: 0.1
        """
        from .sequences import Results

        if self._declared.target is None:
            raise errors.new(errors.NotSupportedError, "only a collection of objects can be queried: values have no properties")
        return Results(self._realm, self._realm._info(self._declared.target), self._native("as_results"))

    def where(self, query: str, *arguments: Any) -> "Results[Any]":
        """Those of the objects that match the query; see Results.where. Since: 0.1"""
        return self.as_results().where(query, *arguments)
