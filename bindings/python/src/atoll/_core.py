"""The native library, loaded; or the error that says how to get it."""

from __future__ import annotations

try:
    from . import _native as native
except ImportError as problem:  # a source tree without a build, or a wheel of another platform
    raise ImportError(
        f"atoll's native library can't be loaded: {problem}. Install the wheel of this platform, or, in a source tree, "
        "build it and put BUILD/bindings/swig/python/_native.so beside atoll/__init__.py"
    ) from problem

__all__ = ["native"]
