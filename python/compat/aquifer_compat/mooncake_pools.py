"""Pools of registered buffers of a store, for reuse."""

import ctypes
import mmap
import threading
import time


class BufferLeaseView:
    """A part of a lease: `buffer`, `ptr`, `size`. It keeps the lease."""

    def __init__(self, lease, offset, size):
        self.lease = lease
        self.buffer = lease.buffer[offset:offset + size]
        self.ptr = lease.ptr + offset
        self.size = size

    def __len__(self):
        return self.size


class BufferLease:
    """Registered memory that its holder may use until release(). A context manager."""

    def __init__(self, pool, block, size):
        self._pool = pool
        self._block = block
        self.buffer = memoryview(block.memory)[block.offset:block.offset + size]
        self.ptr = block.address
        self.size = size

    def view(self, offset=0, size=None):
        """A part of it, to the end if `size` is not given. ValueError outside of it."""
        size = self.size - offset if size is None else size
        if offset < 0 or size < 0 or offset + size > self.size:
            raise ValueError(f"{size} bytes at {offset} are not inside a lease of {self.size}")
        return BufferLeaseView(self, offset, size)

    def release(self):
        """Gives the memory back to its pool. Repeatable."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool._give_back(self._block)
            self.buffer = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.release()

    def __del__(self):
        self.release()


class _Block:
    """Memory of one size class, aligned inside its mapping."""

    def __init__(self, size, alignment):
        self.size = size
        self.memory = mmap.mmap(-1, size + alignment,
                                flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self._anchor = ctypes.c_char.from_buffer(self.memory)
        begin = ctypes.addressof(self._anchor)
        self.offset = -begin % alignment
        self.address = begin + self.offset


class BufferPool:
    """Hands out registered buffers of a store and takes them back for reuse. Thread-safe.

    store: an open store. min_size_class: bytes of the smallest buffer; larger ones are powers of
    two. alignment: of their addresses, a power of two. max_bytes: of all buffers together; None
    has no limit.
    """

    def __init__(self, store, min_size_class=4096, alignment=4096, max_bytes=None):
        if min_size_class <= 0 or alignment <= 0 or alignment & (alignment - 1):
            raise ValueError("min_size_class must be positive, and alignment a power of two")
        self._store = store
        self._min = min_size_class
        self._alignment = alignment
        self._max = max_bytes
        self._free = {}
        self._bytes = 0
        self._closed = False
        self._changed = threading.Condition()

    def acquire(self, size, block=True, timeout=None):
        """A BufferLease of at least `size` bytes.

        block, timeout (seconds): whether and how long to wait for room under max_bytes. Raises
        ValueError for a size that can never be, TimeoutError (or BufferError without block) when
        there is no room, RuntimeError when the store refuses the memory or the pool is closed.
        """
        if size <= 0 or (self._max is not None and self._class(size) > self._max):
            raise ValueError(f"a buffer of {size} bytes cannot be had from this pool")
        end = None if timeout is None else time.monotonic() + timeout
        with self._changed:
            while True:
                if self._closed:
                    raise RuntimeError("the pool is closed")
                found = self._take(self._class(size))
                if found is not None:
                    return BufferLease(self, found, size)
                left = None if end is None else end - time.monotonic()
                if not block:
                    raise BufferError(f"no room for {size} bytes")
                if left is not None and left <= 0:
                    raise TimeoutError(f"no room for {size} bytes within {timeout} s")
                self._changed.wait(left)

    def close(self):
        """Unregisters what is free; what is out is unregistered when it comes back."""
        with self._changed:
            self._closed = True
            blocks = [block for free in self._free.values() for block in free]
            self._free.clear()
            self._changed.notify_all()
        for block in blocks:
            self._store.unregister_buffer(block.address)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _class(self, size):
        number = self._min
        while number < size:
            number *= 2
        return number

    def _take(self, size):
        free = self._free.get(size)
        if free:
            return free.pop()
        if self._max is not None and not self._make_room(size):
            return None
        made = _Block(size, self._alignment)
        if self._store.register_buffer(made.address, size) != 0:
            raise RuntimeError("the store does not register memory: is it set up?")
        self._bytes += size
        return made

    def _make_room(self, size):
        """Whether `size` bytes more may be had, after free ones of other sizes are given up."""
        for free in list(self._free.values()):
            while free and self._bytes + size > self._max:
                gone = free.pop()
                self._store.unregister_buffer(gone.address)
                self._bytes -= gone.size
        return self._bytes + size <= self._max

    def _give_back(self, block):
        with self._changed:
            if not self._closed:
                self._free.setdefault(block.size, []).append(block)
                self._changed.notify()
                return
        self._store.unregister_buffer(block.address)


RegisteredBufferPool = BufferPool
