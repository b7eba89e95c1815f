"""A node's segment file as another process sees it: which object lies where, and single bits of it.

The layout is the one of src/pool/segment.h and src/pool/object.h. Nothing here asks the node.
"""

import mmap
import struct
from pathlib import Path

import numpy

SLOT_BYTES = 128
FIRST_SLOT = 4096
UNIT_BYTES = 512
SEALED = 2
# put epoch, put sequence, header digest, value bytes, header bytes, extents; then the extents
CONTENT = struct.Struct("<QQQQII16I")


class Stored:
    """Where one replica lies: the offset of its slot and the ranges of its header and its value."""

    def __init__(self, slot_offset, header, value):
        self.slot_offset = slot_offset
        self.header = header  # list of (offset, bytes)
        self.value = value

    @staticmethod
    def position(ranges, draw):
        """A byte of the ranges, chosen by a number in [0, 1)."""
        at = int(draw * sum(size for _, size in ranges))
        for offset, size in ranges:
            if at < size:
                return offset + at
            at -= size
        raise AssertionError("no bytes")


class SegmentFile:
    def __init__(self, folder):
        path, = Path(folder).glob("aquifer-*.segment")
        with open(path, "r+b") as file:
            self.bytes = mmap.mmap(file.fileno(), 0)
        assert self.bytes[:8] == b"AQAQSEG1"
        self.slots, = struct.unpack_from("<I", self.bytes, 12)
        self.data_offset, self.data_bytes = struct.unpack_from("<QQ", self.bytes, 32)

    def close(self):
        self.bytes.close()

    def flip(self, offset, bit):
        self.bytes[offset] ^= 1 << bit

    def word(self, stored):
        """The word of the slot: its generation and state."""
        return self.bytes[stored.slot_offset:stored.slot_offset + 8]

    def stored(self):
        """All sealed replicas by key."""
        table = numpy.frombuffer(self.bytes, numpy.uint64, self.slots * SLOT_BYTES // 8, FIRST_SLOT)
        words = table.reshape(self.slots, SLOT_BYTES // 8)[:, 0]
        sealed = [int(slot) for slot in numpy.flatnonzero((words & 0xff) == SEALED)]
        del table, words  # a view of the mapping would keep it from being closed
        return dict(self._read(slot) for slot in sealed)

    def _read(self, slot):
        offset = FIRST_SLOT + slot * SLOT_BYTES
        content = CONTENT.unpack_from(self.bytes, offset + 8)
        value_bytes, header_bytes, extents = content[3:6]
        runs = content[6:6 + 2 * extents]
        ranges = [(self.data_offset + first * UNIT_BYTES, units * UNIT_BYTES)
                  for first, units in zip(runs[::2], runs[1::2])]
        header = self._cut(ranges, (value_bytes + 63) // 64 * 64, header_bytes)
        value = self._cut(ranges, 0, value_bytes)
        start = b"".join(self.bytes[at:at + size] for at, size in header)
        name_space_bytes, = struct.unpack_from("<H", start, 6)
        key_bytes, = struct.unpack_from("<H", start, 60)
        key = start[64 + name_space_bytes:64 + name_space_bytes + key_bytes]
        return key.decode(), Stored(offset, header, value)

    @staticmethod
    def _cut(ranges, skip, size):
        cut = []
        for offset, length in ranges:
            dropped = min(skip, length)
            taken = min(length - dropped, size)
            if taken:
                cut.append((offset + dropped, taken))
            skip -= dropped
            size -= taken
        return cut
