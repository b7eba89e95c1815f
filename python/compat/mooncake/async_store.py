"""The store for asyncio: every call of MooncakeDistributedStore, with the prefix `async_`.

A call runs in a thread of the event loop's default executor. A call that is cancelled goes on in
its thread: memory that it was given must stay until then.
"""

import asyncio
import functools

from mooncake.store import MooncakeDistributedStore

__all__ = ["MooncakeDistributedStoreAsync"]


class MooncakeDistributedStoreAsync(MooncakeDistributedStore):
    """A store whose calls can be awaited, and made as they are, too."""

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        await self.async_close()


def _awaitable(name, method):
    async def call(self, *arguments, **named):
        return await asyncio.get_running_loop().run_in_executor(
            None, functools.partial(getattr(self, name), *arguments, **named))

    call.__name__ = f"async_{name}"
    call.__doc__ = f"Waits for `{name}` in another thread.\n\n{method.__doc__}"
    return call


for _name in dir(MooncakeDistributedStore):
    if not _name.startswith("_"):
        setattr(MooncakeDistributedStoreAsync, f"async_{_name}",
                _awaitable(_name, getattr(MooncakeDistributedStore, _name)))
