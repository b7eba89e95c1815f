"""The names of Mooncake's Python package, served by an Aquifer pool.

Only the store is replaced: `mooncake.store` and what belongs to it. Where a real Mooncake is
installed as well, further along `sys.path`, its other modules stay reachable through this package,
`mooncake.engine` among them; the small one of `_fallback` serves where there is none. Importing
starts nothing.
"""

import os.path
from pkgutil import extend_path

__path__ = extend_path(__path__, __name__)
# Last, so that every other place has the first word.
__path__.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "_fallback"))

__all__ = ["BufferPool", "RegisteredBufferPool"]


def __getattr__(name):
    if name in ("BufferPool", "RegisteredBufferPool"):
        from aquifer_compat.mooncake_pools import BufferPool

        return BufferPool
    if name == "__version__":
        from aquifer import __version__

        return __version__
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *__all__, "__version__"})
