"""One property of many objects as a NumPy array. NumPy is asked for only here, when a column is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import _kinds as kinds
from . import errors
from ._bridge import native

if TYPE_CHECKING:
    from .schema import Property

# Others are read as raw bytes: numpy has no type for them.
_TYPES = {
    kinds.BOOL: "?",
    kinds.INT: "i8",
    kinds.DOUBLE: "f8",
    kinds.FLOAT: "f4",
    kinds.TIMESTAMP: "i8",
    kinds.UUID: "V16",
    kinds.OBJECT_ID: "V12",
    kinds.DECIMAL128: "V16",
}


def _numpy() -> Any:
    try:
        import numpy
    except ImportError:
        raise errors.new(
            errors.NotSupportedError, "columns are NumPy arrays, and NumPy is not installed: pip install numpy"
        ) from None
    return numpy


def read_column(results: int, key: int, declared: "Property") -> Any:
    """The column of the results behind a native pointer."""
    numpy = _numpy()
    packed = native.atoll_results_column(results, key)
    values = numpy.frombuffer(packed or b"", dtype=_TYPES[declared.type])
    if declared.type == kinds.TIMESTAMP:
        pairs = values.reshape(-1, 2)
        values = (pairs[:, 0] * 1_000_000 + pairs[:, 1] // 1_000).view("M8[us]")
    if not declared.is_nullable:
        return values
    nulls = numpy.frombuffer(native.atoll_results_column_nulls(results, key) or b"", dtype="?")
    if declared.type in (kinds.DOUBLE, kinds.FLOAT):
        return numpy.where(nulls, values.dtype.type("nan"), values)
    if declared.type == kinds.TIMESTAMP:
        return numpy.where(nulls, numpy.datetime64("NaT"), values)
    return numpy.ma.MaskedArray(values, nulls)
