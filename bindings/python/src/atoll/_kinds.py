"""The numbers of value types, as plain ints: attribute access compares with them, and an enum member costs more."""

from ._constants import ValueType

NULL = int(ValueType.NULL)
BOOL = int(ValueType.BOOL)
INT = int(ValueType.INT)
DOUBLE = int(ValueType.DOUBLE)
STRING = int(ValueType.STRING)
BINARY = int(ValueType.BINARY)
TIMESTAMP = int(ValueType.TIMESTAMP)
UUID = int(ValueType.UUID)
OBJECT_ID = int(ValueType.OBJECT_ID)
LINK = int(ValueType.LINK)
EMBEDDED = int(ValueType.EMBEDDED)
