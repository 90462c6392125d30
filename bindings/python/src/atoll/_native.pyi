# The extension made from bindings/swig; its shape is in bindings/swig/README.md.
from typing import Any

def __getattr__(name: str) -> Any: ...
