"""Aquifer: a shared pool of KV-cache memory for LLM inference.

A Client puts immutable values under keys into a pool and reads them back, verified; an AsyncClient
does so for asyncio; a Pool is a whole pool inside this process, a Meta and a Node are its parts.
Importing starts nothing: no thread, no socket, no signal handler.
"""

from ._aquifer import (
    Addresses,
    Client,
    KeyIterator,
    Meta,
    Node,
    PendingPut,
    Pool,
    Status,
    View,
    __version__,
)
from ._paths import include_dir, library_dir

# Brought in when they are asked for: asyncio takes longer to import than all the rest.
_ASYNC = ["AsyncClient", "AsyncKeyIterator", "AsyncPendingPut"]

__all__ = [
    "Addresses",
    "AsyncClient",
    "AsyncKeyIterator",
    "AsyncPendingPut",
    "Client",
    "KeyIterator",
    "Meta",
    "Node",
    "PendingPut",
    "Pool",
    "Status",
    "View",
    "__version__",
    "include_dir",
    "library_dir",
]


def __getattr__(name):
    if name not in _ASYNC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import _async

    return getattr(_async, name)


def __dir__():
    return sorted({*globals(), *__all__})
