"""The low level of Python: values there and back, and an error. Usage: smoke.py FOLDER_OF_NATIVE_SO"""

import sys
import threading
import time
import types

TEXT = "palm 🌴\0é"

# The extension is a part of the package atoll; here it is loaded alone.
package = types.ModuleType("atoll")
package.__path__ = [sys.argv[1]]
sys.modules["atoll"] = package

from atoll import _native  # noqa: E402


class Failed(Exception):
    def __init__(self, status, message, retryable):
        super().__init__(message)
        self.status, self.retryable = status, retryable


def expect_error(error_class, call, *arguments):
    try:
        call(*arguments)
    except error_class as error:
        return error
    raise AssertionError(f"{call.__name__}{arguments} did not fail")


values = _native.atoll_values_new()
assert isinstance(values, int) and values > 0
_native.atoll_values_add_string(values, TEXT)
_native.atoll_values_add_binary(values, b"\0\xff")
_native.atoll_values_add_timestamp(values, (-5, 999_999_999))
_native.atoll_values_add_null(values)
_native.atoll_values_add_int(values, -2**63)
_native.atoll_values_add_bool(values, True)
assert _native.atoll_values_count(values) == 6
assert _native.atoll_values_get_string(values, 0) == TEXT
assert _native.atoll_values_get_binary(values, 1) == b"\0\xff"
assert _native.atoll_values_get_timestamp(values, 2) == (-5, 999_999_999)
assert _native.atoll_values_get_int(values, 4) == -2**63
assert _native.atoll_values_get_bool(values, 5) is True

plain = expect_error(_native.NativeError, _native.atoll_values_get_int, values, 99)
status, message, retryable = plain.args
assert status == 105 and message and retryable is False, plain.args
_native.set_error_factory(Failed)
made = expect_error(Failed, _native.atoll_values_get_int, values, 99)
assert made.status == 105 and str(made) == message and made.retryable is False
expect_error(Failed, _native.atoll_values_add_uuid, values, b"short")
expect_error(TypeError, _native.atoll_values_add_string, values, 5)
expect_error(UnicodeEncodeError, _native.atoll_values_add_string, values, "\ud800")
expect_error(TypeError, _native.set_error_factory, 5)
_native.atoll_values_free(values)
_native.atoll_values_free(None)

# A call that waits must not stop the interpreter: with the lock held nobody could wake it before its time runs out.
queue = _native.atoll_queue_new()
waiting = threading.Thread(target=lambda: events.append(_native.atoll_queue_next(queue, 20_000)))
events = []
begin = time.monotonic()
waiting.start()
_native.atoll_queue_wake(queue)
waiting.join()
assert time.monotonic() - begin < 10 and _native.atoll_event_type(events[0]) == 11
_native.atoll_event_free(events[0])
assert _native.atoll_queue_next(queue, 0) is None
_native.atoll_queue_free(queue)

assert _native.atoll_status_name(105) == "OUT_OF_RANGE"
assert _native.atoll_version().count(".") == 2
assert not hasattr(_native, "atoll_error_free")
print("python ok")
