"""How live things come into another instance of their realm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import errors
from ._bridge import Handle, native
from .live import Collection, Live
from .schema import ObjectBase
from .sequences import Results

if TYPE_CHECKING:
    from .realm import Realm


def resolve_in(realm: "Realm", what: Any) -> Any:
    """What stands for it in the realm; None when its object is deleted."""
    if isinstance(what, ObjectBase):
        if what._atoll_handle is None:
            raise errors.new(errors.InvalidArgumentError, f"{what!r} is in no realm")
        pointer = native.atoll_object_resolve_in(what._atoll_handle.pointer, realm._pointer())
        return realm._wrap(pointer) if pointer else None
    if isinstance(what, Results):
        return Results(realm, realm._info(what._info.cls), what._native("resolve_in", realm._pointer()))
    if isinstance(what, Collection):
        pointer = what._native("resolve_in", realm._pointer())
        return type(what)(realm, what._declared, pointer, resolve_in(realm, what._owner)) if pointer else None
    raise errors.new(
        errors.TypeMismatchError, f"an object, a collection or Results can be resolved; got {type(what).__name__}"
    )


class Reference:
    """Hands an object, a List, Set, Dictionary or Results to another thread: ``reference = atoll.Reference(dog)`` on the
    thread of the one realm, ``dog = realm.resolve(reference)`` on that of another instance, once.

    Holds its version until it is resolved or dropped. Errors: InvalidObjectError, WrongThreadError. Since: 0.1
    """

    def __init__(self, what: Any) -> None:
        owner = what._owner if isinstance(what, Collection) else what
        if isinstance(owner, ObjectBase) and owner._atoll_handle is None or not isinstance(owner, (ObjectBase, Live)):
            raise errors.new(errors.InvalidArgumentError, f"{what!r} is in no realm: only what is stored has a reference")
        self._what = (type(what), what._declared) if isinstance(what, Collection) else None
        self._class = what._info.cls if isinstance(what, Results) else None
        self._owner = self._of(owner)
        self._collection = self._of(what) if isinstance(what, Collection) else None

    @staticmethod
    def _of(what: Any) -> Handle:
        if isinstance(what, ObjectBase):
            return Handle(native.atoll_reference_of_object(what._atoll_handle.pointer), native.atoll_reference_free)
        make = getattr(native, f"atoll_reference_of_{what._prefix.removeprefix('atoll_')}")
        return Handle(make(what._handle.pointer), native.atoll_reference_free)

    def _resolve(self, realm: "Realm") -> Any:
        to = realm._pointer()
        if self._class is not None:
            info = realm._info(self._class)
            return Results(realm, info, native.atoll_reference_resolve_results(self._owner.pointer, to))
        pointer = native.atoll_reference_resolve_object(self._owner.pointer, to)
        if not pointer:
            return None
        owner = realm._wrap(pointer)
        if self._what is None or self._collection is None:
            return owner
        kind, declared = self._what
        resolve = getattr(native, f"atoll_reference_resolve_{kind._prefix.removeprefix('atoll_')}")
        pointer = resolve(self._collection.pointer, to)
        return kind(realm, declared, pointer, owner) if pointer else None
