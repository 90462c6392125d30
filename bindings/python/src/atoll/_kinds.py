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
FLOAT = int(ValueType.FLOAT)
DECIMAL128 = int(ValueType.DECIMAL128)
MIXED = int(ValueType.MIXED)
LIST = int(ValueType.LIST)
DICTIONARY = int(ValueType.DICTIONARY)
LINK = int(ValueType.LINK)
EMBEDDED = int(ValueType.EMBEDDED)
