"""Classes made at run time from the schema that a folder holds: access without declarations.

Invariant: a class made here has the properties of the stored class, each under its stored name.
"""

from __future__ import annotations

from typing import Any

from . import _kinds as kinds
from ._bridge import native
from ._constants import ClassKind, PropertyFlag
from .schema import AsymmetricObject, EmbeddedObject, FieldOptions, Object, Property

_BASES = {
    int(ClassKind.NORMAL): Object,
    int(ClassKind.EMBEDDED): EmbeddedObject,
    int(ClassKind.ASYMMETRIC): AsymmetricObject,
}


def classes_of(schema: int) -> list[type]:
    """The classes of a native schema, which the caller frees."""
    made: dict[str, Any] = {}
    indexes = range(native.atoll_schema_class_count(schema))
    for index in indexes:
        name = native.atoll_schema_class_name(schema, index)
        base = _BASES[native.atoll_schema_class_kind(schema, index)]
        made[name] = type(name, (base,), {"__module__": __name__}, map_to=name)
    for index, cls in zip(indexes, made.values()):
        _fill(schema, index, cls, made)
    return list(made.values())


def _fill(schema: int, index: int, cls: Any, made: dict[str, Any]) -> None:
    properties: dict[str, Property] = {}
    for position in range(native.atoll_schema_property_count(schema, index)):
        name = native.atoll_schema_property_name(schema, index, position)
        flags = native.atoll_schema_property_flags(schema, index, position)
        options = FieldOptions(
            is_primary_key=bool(flags & PropertyFlag.PRIMARY_KEY), is_indexed=bool(flags & PropertyFlag.INDEXED)
        )
        declared = Property(cls, name, None, options)
        declared.type = native.atoll_schema_property_type(schema, index, position)
        declared.is_nullable = bool(flags & PropertyFlag.NULLABLE) or declared.type == kinds.MIXED
        declared.is_list = bool(flags & PropertyFlag.LIST)
        declared.is_set = bool(flags & PropertyFlag.SET)
        declared.is_dictionary = bool(flags & PropertyFlag.DICTIONARY)
        target = native.atoll_schema_property_target(schema, index, position)
        declared.target = made[target] if target else None
        properties[name] = declared
        setattr(cls, name, declared)
        if declared.is_primary_key:
            cls._atoll_key = declared
    cls._atoll_properties = properties
    cls._atoll_is_resolved = True
