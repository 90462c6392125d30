"""Sets and dictionaries: live collections of a stored object.

Both belong to the thread of their realm, see its current version, and hold no copy of the data.
"""

from __future__ import annotations

import collections.abc
from typing import Any, Callable, Generic, Iterable, Iterator, TypeVar

from . import _kinds as kinds
from . import errors
from ._access import MixedPlace, element, read_mixed, write_mixed
from ._bridge import native, take_value
from .live import Collection
from .schema import ObjectBase

T = TypeVar("T")


class Set(Collection, collections.abc.MutableSet, Generic[T]):
    """A set property of a stored object, live. Works as a Python set does; writes need ``with realm.write():``.

    Objects that are not stored yet are added when they are put in. Iterates in the order of the values. Thread: the
    realm's. Errors: InvalidObjectError when its object is gone, TypeMismatchError, NoTransactionError. Since: 0.1
    """

    _prefix = "atoll_set"

    @classmethod
    def _from_iterable(cls, it: Iterable[Any]) -> Any:
        return set(it)  # what ``a | b`` and its like give is a plain set

    def __len__(self) -> int:
        return native.atoll_set_count(self._handle.pointer)

    def __iter__(self) -> Iterator[T]:
        position = 0
        while position < native.atoll_set_count(self._handle.pointer):
            yield self._at(position)
            position += 1

    def _at(self, position: int) -> Any:
        if self._declared.target is not None:
            pointer = native.atoll_set_get_object(self._handle.pointer, position)
            return self._realm._wrap(pointer) if pointer else None
        return take_value(native.atoll_set_get_value(self._handle.pointer, position), self._realm._wrap)

    def _call(self, function: Callable[[int, int], bool], value: Any) -> bool:
        values = element(self._declared, value)
        try:
            return function(self._handle.pointer, values.pointer)
        finally:
            values.close()

    def __contains__(self, value: object) -> bool:
        if isinstance(value, ObjectBase) and value._atoll_handle is None:
            return False
        try:
            return self._call(native.atoll_set_contains, value)
        except (errors.TypeMismatchError, errors.NullNotAllowedError):
            return False

    def add(self, value: T) -> None:
        """Put a value in; nothing happens when it is there. Since: 0.1"""
        self._add(value, False)

    def _add(self, value: Any, update: bool) -> None:
        value = self._declared.check_one(value)
        if isinstance(value, ObjectBase):
            self._realm._ensure_stored(value, update)
        self._call(native.atoll_set_add, value)

    def discard(self, value: T) -> None:
        """Take a value out, if it is there. Since: 0.1"""
        if value in self:
            self._call(native.atoll_set_remove, value)

    def clear(self) -> None:
        """Remove all elements. Since: 0.1"""
        native.atoll_set_clear(self._handle.pointer)

    def update(self, *others: Iterable[T]) -> None:
        """Put in all values of the others. Since: 0.1"""
        for other in others:
            for value in list(other):
                self.add(value)

    def _replace(self, values: Iterable[Any], update: bool) -> None:
        """Make the elements these; what stays is not written again."""
        wanted = list(values)
        for mine in list(self):
            if not any(mine == value for value in wanted):
                self.discard(mine)
        for value in wanted:
            self._add(value, update)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, collections.abc.Set):
            return len(self) == len(other) and all(value in self for value in other)
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Set({list(self)!r})" if self.is_valid else "<Set: no longer valid>"


class Dictionary(Collection, collections.abc.MutableMapping, Generic[T]):
    """A dictionary property of a stored object, live. Works as a dict with str keys; writes need ``with realm.write():``.

    Keys hold no ``.`` and do not begin with ``$`` (NotSupportedError). Iterates in the order of the keys' bytes. A
    link to a deleted object reads None. Two devices that write different keys at once both keep theirs. Thread: the
    realm's. Errors: KeyError, InvalidObjectError when its object is gone, TypeMismatchError, NoTransactionError.
    Since: 0.1
    """

    _prefix = "atoll_dictionary"

    def __len__(self) -> int:
        return native.atoll_dictionary_count(self._handle.pointer)

    def __iter__(self) -> Iterator[str]:
        position = 0
        while position < native.atoll_dictionary_count(self._handle.pointer):
            yield native.atoll_dictionary_key_at(self._handle.pointer, position)
            position += 1

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and native.atoll_dictionary_contains(self._handle.pointer, key)

    def __getitem__(self, key: str) -> Any:
        handle = self._handle.pointer
        if key not in self:
            native.atoll_dictionary_count(handle)  # a dictionary that is gone says so, not that it lacks the key
            raise KeyError(key)
        if self._declared.target is not None:
            pointer = native.atoll_dictionary_get_object(handle, key)
            return self._realm._wrap(pointer) if pointer else None
        if self._declared.type == kinds.MIXED:
            return read_mixed(self._place(key), self._realm, self._owner, self._declared)
        return take_value(native.atoll_dictionary_get_value(handle, key))

    def _place(self, key: str) -> MixedPlace:
        return MixedPlace(native, "atoll_dictionary", self._handle.pointer, key, "put_value")

    def __setitem__(self, key: str, value: Any) -> None:
        self._put(key, value, False)

    def _put(self, key: str, value: Any, update: bool) -> None:
        key = self._declared.check_key(key)
        value = self._declared.check_one(value)
        handle = self._handle.pointer
        if self._declared.type == kinds.MIXED:
            write_mixed(self._place(key), self._realm, self._owner, self._declared, value, update)
            return
        if self._declared.type == kinds.EMBEDDED and value is not None:
            self._realm._check_unowned(value)
            self._realm._fill_embedded(value, native.atoll_dictionary_put_embedded(handle, key), update)
            return
        if self._declared.type == kinds.LINK and value is not None:
            self._realm._ensure_stored(value, update)
        values = element(self._declared, value)
        try:
            native.atoll_dictionary_put_value(handle, key, values.pointer)
        finally:
            values.close()

    def __delitem__(self, key: str) -> None:
        if not isinstance(key, str) or not native.atoll_dictionary_erase(self._handle.pointer, key):
            raise KeyError(key)

    def clear(self) -> None:
        """Remove all keys. Since: 0.1"""
        native.atoll_dictionary_clear(self._handle.pointer)

    def _replace(self, values: "collections.abc.Mapping[str, Any]", update: bool) -> None:
        """Make the elements these; what stays the same is not written again."""
        for key in list(self):
            if key not in values:
                del self[key]
        for key, value in values.items():
            if self._declared.type != kinds.EMBEDDED and key in self and self[key] == value:
                continue
            self._put(key, value, update)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, collections.abc.Mapping):
            return len(self) == len(other) and all(key in self and self[key] == other[key] for key in other)
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Dictionary({dict(self)!r})" if self.is_valid else "<Dictionary: no longer valid>"
