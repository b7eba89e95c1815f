"""Memory in the caller's process: what gets hand out, and registered ranges."""

import bisect
import ctypes
import mmap
import os
import threading

from aquifer import Addresses

from aquifer_compat.mooncake_codes import INVALID_PARAMS
from aquifer_compat.mooncake_log import warn_once

_resize = ctypes.pythonapi.PyByteArray_Resize
_resize.argtypes = (ctypes.py_object, ctypes.c_ssize_t)
_resize.restype = ctypes.c_int


class BufferHandle(bytearray):
    """The bytes of an object, in memory of their own: `memoryview`, `bytes`, `len`, numpy and
    torch take it as a buffer of bytes. It lives as long as somebody refers to it.
    """

    __slots__ = ()

    def ptr(self):
        """The address of the first byte, as long as nobody changes the size of the buffer."""
        return ctypes.addressof(ctypes.c_char.from_buffer(self))

    def size(self):
        """Bytes."""
        return len(self)

    def len(self):
        """Bytes."""
        return len(self)


def uninitialised(size):
    """A BufferHandle of `size` bytes that nothing has been written to yet. MemoryError."""
    handle = BufferHandle()
    _resize(handle, size)
    return handle


def shrink(handle, size):
    """Cuts a handle that nobody has seen yet to its first `size` bytes."""
    if size != len(handle):
        _resize(handle, size)
    return handle


def is_touchable(address, size):
    """Whether this process can read and write there, as far as the two ends tell."""
    try:
        Addresses([address, address + size - 1], [1, 1], check=True)
    except (ValueError, OverflowError):
        return False
    return True


class Registry:
    """The ranges that a store's user has registered. Any number of threads.

    Nothing needs registration; it is where get_into_ranges finds out how far it may write. An
    identical range counts once more (engines share storage between pools); one that overlaps
    another is refused.
    """

    def __init__(self):
        self._lock = threading.Lock()
        self._begins = []
        self._ends = {}
        self._uses = {}

    def add(self, address, size):
        """0, or INVALID_PARAMS: null, empty, overlapping, or no memory of this process."""
        if address <= 0 or size <= 0:
            return INVALID_PARAMS
        if not is_touchable(address, size):
            warn_once("device memory", f"the memory at {address:#x} is not this process's: device "
                                       "memory is not supported, copy it to the host")
            return INVALID_PARAMS
        with self._lock:
            if self._ends.get(address) == address + size:
                self._uses[address] += 1
                return 0
            at = bisect.bisect_right(self._begins, address)
            if at > 0 and self._ends[self._begins[at - 1]] > address:
                return INVALID_PARAMS
            if at < len(self._begins) and self._begins[at] < address + size:
                return INVALID_PARAMS
            self._begins.insert(at, address)
            self._ends[address] = address + size
            self._uses[address] = 1
        return 0

    def remove(self, address):
        """0, or INVALID_PARAMS when no range begins there."""
        with self._lock:
            if address not in self._uses:
                return INVALID_PARAMS
            self._uses[address] -= 1
            if self._uses[address] == 0:
                del self._uses[address], self._ends[address]
                self._begins.remove(address)
        return 0

    def end_of(self, address):
        """The end of the range that holds this address, or None."""
        with self._lock:
            at = bisect.bisect_right(self._begins, address)
            end = self._ends[self._begins[at - 1]] if at else 0
        return end if end > address else None

    def clear(self):
        """Forgets all."""
        with self._lock:
            self._begins.clear()
            self._ends.clear()
            self._uses.clear()


class MooncakeHostMemAllocator:
    """Page-aligned memory of this process, by address. Any number of threads.

    A store reaches all memory of its process, so nothing is shared with the local service. What
    was handed out lasts until it is freed, longer than the object that handed it out.
    """

    _lock = threading.Lock()
    _blocks = {}

    def alloc(self, size):
        """The address of `size` fresh zero bytes; 0 when there is no memory."""
        if size <= 0:
            return 0
        try:
            block = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        except (OSError, OverflowError, MemoryError):
            return 0
        anchor = ctypes.c_char.from_buffer(block)
        address = ctypes.addressof(anchor)
        with self._lock:
            self._blocks[address] = (block, anchor)
        return address

    def free(self, ptr):
        """Gives memory back. 0; INVALID_PARAMS when alloc has not handed the address out."""
        with self._lock:
            found = self._blocks.pop(ptr, None)
        return INVALID_PARAMS if found is None else 0


def bind_to_numa_node(node):
    """Lets this process run on the processors of a NUMA node. Of no effect where there is none.

    node: its number. Memory follows by first touch.
    """
    try:
        with open(f"/sys/devices/system/node/node{int(node)}/cpulist", encoding="ascii") as file:
            ranges = [part.split("-") for part in file.read().strip().split(",") if part]
        os.sched_setaffinity(0, {number for ends in ranges
                                 for number in range(int(ends[0]), int(ends[-1]) + 1)})
    except (OSError, ValueError) as error:
        warn_once("numa", f"not bound to NUMA node {node}: {error}")
