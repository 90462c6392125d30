"""Results and lists: live sequences of a realm.

Both belong to the thread of their realm, see its current version, and hold no copy of the data.
"""

from __future__ import annotations

import collections.abc
from typing import TYPE_CHECKING, Any, Callable, Generic, Iterable, Iterator, Optional, TypeVar, Union, overload

from . import _kinds as kinds
from . import errors
from ._access import ClassInfo, MixedPlace, element, read_mixed, write_mixed
from ._bridge import Handle, Values, native, take_value
from ._constants import EventType
from .columns import read_column
from .live import Collection, Live, stored_path
from .schema import ObjectBase, closure

if TYPE_CHECKING:
    from .realm import Realm

T = TypeVar("T")


def _position(index: int, count: int, what: str) -> int:
    position = index + count if index < 0 else index
    if not 0 <= position < count:
        raise IndexError(f"index {index} is outside of {what} of {count}")
    return position


class Results(Live, collections.abc.Sequence, Generic[T]):
    """The objects that match a query, live: each access sees the realm's current version.

    A sequence: ``len(results)``, ``results[0]``, ``results[-1]``, ``results[2:5]`` (a list of objects), ``for dog in
    results`` (over those that match when the loop begins, without those deleted meanwhile). Evaluated when used.
    Thread: the realm's. Since: 0.1
    """

    _prefix = "atoll_results"
    _event = EventType.RESULTS_CHANGED

    def __init__(self, realm: "Realm", info: ClassInfo, pointer: int) -> None:
        self._realm = realm
        self._info = info
        self._handle = Handle(pointer, native.atoll_results_free)

    def where(self, query: str, *arguments: Any) -> "Results[T]":
        """Those that match the query too: ``dogs.where("age > $0 AND name BEGINSWITH[c] $1", 3, "r")``.

        ``$0``, ``$1``, … take the arguments: bool, int, float, str, bytes, datetime, UUID, ObjectId, a stored
        object, None, or a list of these. Errors: QuerySyntaxError (position and what was expected), QueryTypeError,
        QueryArgumentError, WrongThreadError, ClosedError. Since: 0.1
        """
        with Values(arguments) as values:
            pointer = native.atoll_results_filter(self._handle.pointer, query, values)
        return Results(self._realm, self._info, pointer)

    def sort(self, *properties: str, descending: bool = False) -> "Results[T]":
        """The same objects in order: ``dogs.sort("age", "-name")``; a leading ``-`` turns one property round.

        ``descending`` turns all of them round. Nulls come first in ascending order. Errors: as ``where``. Since: 0.1
        """
        if not properties:
            raise errors.new(errors.InvalidArgumentError, "sort by at least one property")
        keys = []
        for text in properties:
            is_down = text.startswith("-") != descending
            keys.append(f"{stored_path(self._info.cls, text.lstrip('-'))} {'DESC' if is_down else 'ASC'}")
        return self.where(f"TRUEPREDICATE SORT({', '.join(keys)})")

    def _element_class(self) -> Any:
        return self._info.cls

    def first(self) -> Optional[T]:
        """The first object, or None. Since: 0.1"""
        return self[0] if len(self) else None

    def sum(self, name: str) -> Any:
        """The sum of an int or float property, nulls ignored; 0 for no objects.

        Errors: UnknownPropertyError, TypeMismatchError for another type. Since: 0.1
        """
        return take_value(native.atoll_results_sum(self._handle.pointer, self._info.realm._property(self._info, name)))

    def minimum(self, name: str) -> Any:
        """The least value of a number or datetime property, None for no objects. Errors: as ``sum``. Since: 0.1"""
        return self._aggregate(native.atoll_results_minimum, name)

    def maximum(self, name: str) -> Any:
        """The greatest value of a number or datetime property, None for no objects. Errors: as ``sum``. Since: 0.1"""
        return self._aggregate(native.atoll_results_maximum, name)

    def average(self, name: str) -> Any:
        """The mean of a number property, nulls ignored, None for no objects. Errors: as ``sum``. Since: 0.1"""
        return self._aggregate(native.atoll_results_average, name)

    def column(self, name: str) -> Any:
        """One property of all objects, in their order, as a NumPy array: ``dogs.column("weight").mean()``.

        int is int64, float float64, Float32 float32, bool bool, datetime ``datetime64[us]`` in UTC; UUID, ObjectId and
        Decimal are raw bytes. Nulls: NaN in floats, NaT in datetimes, masked in a ``MaskedArray`` in the others. A
        copy, a hundred times as fast as a loop. Errors: UnknownPropertyError, TypeMismatchError for texts, links and
        collections, NotSupportedError without NumPy. Since: 0.1
        """
        key = self._info.realm._property(self._info, name)
        return read_column(self._handle.pointer, key, self._info.cls._atoll_properties[name])

    def _aggregate(self, function: Callable[[int, int], int], name: str) -> Any:
        return take_value(function(self._handle.pointer, self._info.realm._property(self._info, name)))

    def delete_all(self) -> None:
        """Delete every object that matches. Errors: NoTransactionError outside of ``realm.write()``. Since: 0.1"""
        native.atoll_results_delete_all(self._handle.pointer)

    @property
    def query(self) -> str:
        """The query as text, with its arguments filled in. Since: 0.1"""
        return native.atoll_results_query(self._handle.pointer)

    def __len__(self) -> int:
        return native.atoll_results_count(self._handle.pointer)

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> list[T]: ...
    def __getitem__(self, index: Union[int, slice]) -> Union[T, list[T]]:
        if isinstance(index, slice):
            return [self._at(position) for position in range(*index.indices(len(self)))]
        return self._at(_position(index, len(self), "results"))

    def _at(self, position: int) -> T:
        return self._info.wrap(native.atoll_results_object(self._handle.pointer, position))

    def __iter__(self) -> Iterator[T]:
        snapshot = Handle(native.atoll_results_snapshot(self._handle.pointer), native.atoll_results_free)
        wrap = self._info.wrap
        for position in range(native.atoll_results_count(snapshot.pointer)):
            found = native.atoll_results_object(snapshot.pointer, position)
            if native.atoll_object_is_valid(found):
                yield wrap(found)
            else:
                native.atoll_object_free(found)  # deleted since the loop began

    def __contains__(self, item: object) -> bool:
        return self._index_of(item) >= 0

    def _index_of(self, item: object) -> int:
        if not isinstance(item, ObjectBase) or item._atoll_handle is None:
            return -1
        return native.atoll_results_index_of(self._handle.pointer, item._atoll_handle.pointer)

    def index(self, value: Any, start: int = 0, stop: Optional[int] = None) -> int:
        """Where an object is. Errors: ValueError when it does not match. Since: 0.1"""
        found = self._index_of(value)
        end = len(self) if stop is None else stop
        if found < 0 or not start <= found < end:
            raise ValueError(f"{value!r} is not in these results")
        return found

    def count(self, value: Any = None) -> int:
        """How many match; with an object: 1 if it does, else 0. Since: 0.1"""
        return len(self) if value is None else int(value in self)

    def __repr__(self) -> str:
        return f"<Results of {self._info.cls.__name__}: {self.query}>"


class List(Collection, collections.abc.MutableSequence, Generic[T]):
    """A list property of a stored object, live. Works as a Python list does; writes need ``with realm.write():``.

    Objects that are not stored yet are added when they are put in; an embedded object becomes the list's own. Two
    devices that insert at once both keep their elements. Thread: the realm's.
    Errors: InvalidObjectError when its object is gone, IndexError, TypeMismatchError, NoTransactionError. Since: 0.1
    """

    _prefix = "atoll_list"

    def __len__(self) -> int:
        return native.atoll_list_count(self._handle.pointer)

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> list[T]: ...
    def __getitem__(self, index: Union[int, slice]) -> Union[T, list[T]]:
        if isinstance(index, slice):
            return [self._at(position) for position in range(*index.indices(len(self)))]
        return self._at(_position(index, len(self), "a list"))

    def _at(self, position: int) -> Any:
        if self._declared.target is not None:
            pointer = native.atoll_list_get_object(self._handle.pointer, position)
            return self._realm._wrap(pointer) if pointer else None
        if self._declared.type == kinds.MIXED:
            return read_mixed(self._place(position), self._realm, self._owner, self._declared)
        return take_value(native.atoll_list_get_value(self._handle.pointer, position))

    def _place(self, position: int, put: str = "set_value") -> MixedPlace:
        return MixedPlace(native, "atoll_list", self._handle.pointer, position, put)

    @overload
    def __setitem__(self, index: int, value: T) -> None: ...
    @overload
    def __setitem__(self, index: slice, value: Iterable[T]) -> None: ...
    def __setitem__(self, index: Union[int, slice], value: Any) -> None:
        if isinstance(index, slice):
            self._set_slice(index, list(value))
            return
        self._set(_position(index, len(self), "a list"), value, False)

    def _set_slice(self, index: slice, values: list[Any]) -> None:
        positions = list(range(*index.indices(len(self))))
        if len(positions) == len(values):
            for position, value in zip(positions, values):
                self._set(position, value, False)
            return
        if index.step not in (None, 1):
            raise ValueError(f"a slice of {len(positions)} elements takes as many values, not {len(values)}")
        start = index.indices(len(self))[0]
        for position in reversed(positions):
            native.atoll_list_erase(self._handle.pointer, position)
        for offset, value in enumerate(values):
            self._insert(start + offset, value, False)

    def __delitem__(self, index: Union[int, slice]) -> None:
        if isinstance(index, slice):
            for position in sorted(range(*index.indices(len(self))), reverse=True):
                native.atoll_list_erase(self._handle.pointer, position)
            return
        native.atoll_list_erase(self._handle.pointer, _position(index, len(self), "a list"))

    def insert(self, index: int, value: T) -> None:
        """Insert before an index, as ``list.insert`` does. Since: 0.1"""
        count = len(self)
        self._insert(max(0, index + count) if index < 0 else min(index, count), value, False)

    def move(self, position: int, to: int) -> None:
        """Move the element at an index to another one; it keeps its identity, and what others do to it meanwhile.

        Errors: IndexError, NoTransactionError. Since: 0.1
        """
        count = len(self)
        native.atoll_list_move(
            self._handle.pointer, _position(position, count, "a list"), _position(to, count, "a list")
        )

    def clear(self) -> None:
        """Remove all elements. Since: 0.1"""
        native.atoll_list_clear(self._handle.pointer)

    def _set(self, position: int, value: Any, update: bool) -> None:
        self._put(position, value, update, native.atoll_list_set_value, native.atoll_list_set_embedded)

    def _insert(self, position: int, value: Any, update: bool) -> None:
        self._put(position, value, update, native.atoll_list_insert_value, native.atoll_list_insert_embedded)

    def _put(self, position: int, value: Any, update: bool, put: Any, put_embedded: Any) -> None:
        value = self._declared.check_one(value)
        if self._declared.type == kinds.MIXED:
            name = "insert_value" if put is native.atoll_list_insert_value else "set_value"
            place = self._place(position, name)
            write_mixed(place, self._realm, self._owner, self._declared, value, update)
            return
        if self._declared.type == kinds.EMBEDDED:
            self._realm._check_unowned(value)
            self._realm._fill_embedded(value, put_embedded(self._handle.pointer, position), update)
            return
        if self._declared.type == kinds.LINK:
            self._realm._ensure_stored(value, update)
        values = element(self._declared, value)
        try:
            put(self._handle.pointer, position, values.pointer)
        finally:
            values.close()

    def _replace(self, values: list[Any], update: bool) -> None:
        """Make the elements these; the same elements in the same places are not written again."""
        if self._declared.type == kinds.EMBEDDED:
            for value in values:
                self._realm._check_unowned(value)
        elif len(self) == len(values) and all(self._at(i) == value for i, value in enumerate(values)):
            return
        self.clear()
        for position, value in enumerate(values):
            self._insert(position, value, update)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, (List, list, tuple)):
            return len(self) == len(other) and all(mine == theirs for mine, theirs in zip(self, other))
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"List({list(self)!r})" if self.is_valid else "<List: no longer valid>"


def stored_classes(schema: Iterable[type]) -> list[type]:
    """The classes of a schema with all they need; at least one."""
    found = closure(schema)
    if not found:
        raise errors.new(errors.SchemaInvalidError, "a realm needs a schema: open(..., schema=[Dog, ...])")
    return found
