"""The asyncio forms: each call of a Client runs in a thread and is awaited.

The promise of a call, that nothing touches the caller's memory once it has returned, holds for a
cancelled one too: it ends when the call in its thread has ended, at the latest by its timeout. One
that was still waiting for a thread is never begun.
"""

import asyncio
import functools
import itertools
import os
from concurrent.futures import Future, ThreadPoolExecutor

from ._aquifer import Client, PendingPut

_THREADS_MAX = 256

# What waits for the pool and answers plain values, with the arguments and answers of Client.
_METHODS = [
    "put",
    "put_batch",
    "put_if_absent",
    "put_if_absent_batch",
    "replace",
    "replace_batch",
    "get",
    "get_batch",
    "get_into",
    "get_into_batch",
    "get_range",
    "get_range_batch",
    "get_range_into",
    "get_range_into_batch",
    "view",
    "view_batch",
    "exists",
    "exists_batch",
    "exists_or_fill_batch",
    "match_prefix",
    "remove",
    "remove_batch",
    "pin",
    "pin_batch",
    "unpin",
    "unpin_batch",
    "list",
    "remove_prefix",
    "clear",
    "stat",
    "drain",
    "status",
]


class _Threads:
    """Threads that calls wait in."""

    def __init__(self, count):
        self._executor = ThreadPoolExecutor(count, thread_name_prefix="aquifer")
        self._process = os.getpid()

    async def run(self, call, undo=None):
        """Awaits what `call()` returns; `undo` takes it back when nobody waits for it any more."""
        waiter, cancelled = await self._end_of(call)
        if cancelled is None:
            return waiter.result()
        # Asking for the exception also tells asyncio that it was seen.
        if not waiter.cancelled() and waiter.exception() is None and undo is not None:
            await self._end_of(functools.partial(undo, waiter.result()))
        raise cancelled

    async def _end_of(self, call):
        """The finished call, and the cancellation that came meanwhile."""
        future = self._submit(call)
        waiter = asyncio.wrap_future(future)
        cancelled = None
        while not waiter.done():
            try:
                await asyncio.wait([waiter])
            except asyncio.CancelledError as error:
                cancelled = error
                future.cancel()  # of use only when it has not begun
        return waiter, cancelled

    def _submit(self, call):
        if os.getpid() == self._process:
            try:
                return self._executor.submit(call)
            except RuntimeError:
                pass
        # No thread takes it after a fork and after the end. The client answers CLOSED then, so that
        # it does not wait here either.
        future = Future()
        try:
            future.set_result(call())
        except Exception as error:
            future.set_exception(error)
        return future

    def end(self):
        if os.getpid() == self._process:
            self._executor.shutdown()


class AsyncPendingPut:
    """A PendingPut whose write, commit and abort are awaited; `async with` aborts it at the end of
    the block unless it was committed."""

    def __init__(self, put, threads):
        self._put = put
        self._threads = threads

    async def write(self, offset, value, *, timeout=None):
        return await self._threads.run(lambda: self._put.write(offset, value, timeout=timeout))

    async def commit(self, *, timeout=None):
        return await self._threads.run(lambda: self._put.commit(timeout=timeout))

    async def abort(self):
        await self._threads.run(self._put.abort)

    @property
    def size(self):
        return self._put.size

    @property
    def status(self):
        return self._put.status

    def __bool__(self):
        return bool(self._put)

    async def __aenter__(self):
        return self

    async def __aexit__(self, kind, error, traceback):
        await self.abort()


class AsyncKeyIterator:
    """The keys of a listing, for `async for`. `complete` is True once it has ended because there
    were no more."""

    def __init__(self, keys, threads):
        self._keys = keys
        self._threads = threads
        self._ahead = iter(())

    @property
    def complete(self):
        return self._keys.complete and self._ahead is None

    def __aiter__(self):
        return self

    async def __anext__(self):
        if self._ahead is None:
            raise StopAsyncIteration
        for key in self._ahead:
            return key
        # As many as a page has, so that few steps change the thread.
        found = await self._threads.run(lambda: [*itertools.islice(self._keys, 1000)])
        self._ahead = iter(found) if found else None
        return await self.__anext__()


class AsyncClient:
    """A Client for asyncio: what waits is a coroutine. `threads` calls wait at a time; more queue.

    A cancelled call ends when the call in its thread has: give it a timeout."""

    def __init__(self, meta=None, *, threads=8, **options):
        if not isinstance(threads, int) or isinstance(threads, bool):
            raise TypeError(f"threads must be int, not {type(threads).__name__}")
        if not 1 <= threads <= _THREADS_MAX:
            raise ValueError(f"threads must be 1 to {_THREADS_MAX}")
        self._client = Client(meta, **options)
        self._threads = _Threads(threads)

    @property
    def client(self):
        """The Client behind it, for code that may wait: both know the same handles."""
        return self._client

    async def open_put(self, key, size, **options):
        call = functools.partial(self._client.open_put, key, size, **options)
        put = await self._threads.run(call, undo=PendingPut.abort)
        return AsyncPendingPut(put, self._threads)

    async def open_put_batch(self, keys, sizes, **options):
        call = functools.partial(self._client.open_put_batch, keys, sizes, **options)
        puts = await self._threads.run(call, undo=_abort_all)
        return [AsyncPendingPut(put, self._threads) for put in puts]

    def iter_keys(self, prefix="", **options):
        return AsyncKeyIterator(self._client.iter_keys(prefix, **options), self._threads)

    def counters(self):
        return self._client.counters()

    def last_error(self):
        return self._client.last_error()

    async def aclose(self):
        """Ends all connections and threads. Calls in progress return soon, later ones answer
        CLOSED."""
        await asyncio.to_thread(self._end)

    def _end(self):
        self._client.close()
        self._threads.end()

    async def __aenter__(self):
        return self

    async def __aexit__(self, kind, error, traceback):
        await self.aclose()


def _abort_all(puts):
    for put in puts:
        put.abort()


def _awaited(name):
    method = getattr(Client, name)

    async def call(self, *arguments, **options):
        return await self._threads.run(
            functools.partial(method, self._client, *arguments, **options)
        )

    call.__name__ = name
    call.__qualname__ = f"AsyncClient.{name}"
    call.__doc__ = method.__doc__
    return call


for _name in _METHODS:
    setattr(AsyncClient, _name, _awaited(_name))
for _type in (AsyncClient, AsyncKeyIterator, AsyncPendingPut):
    _type.__module__ = "aquifer"
