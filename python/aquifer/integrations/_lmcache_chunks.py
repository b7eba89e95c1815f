"""How a chunk of LMCache stands in the pool: a header that says what it is, then its bytes.

    length of the text (4 bytes) | JSON text | zeros up to a multiple of 64 | the chunk

So chunks of every size and type come back as they were, also the last one of a prompt, which is
shorter than the others, whatever LMCache's `save_chunk_meta` says.
"""

import json
import struct
from dataclasses import dataclass

from ._lmcache_interface import MemoryFormat
from ._shared import type_name

HEADER_BYTES_MAX = 2048
_LENGTH = struct.Struct("<I")
_ALIGNMENT = 64


@dataclass(frozen=True)
class Chunk:
    """What a header says. `kinds` are names of torch's types; `several`: LMCache keeps lists of
    shapes and types, one for each group of layers."""

    shapes: list
    kinds: list
    order: int
    size: int
    several: bool
    offset: int = 0  # of the chunk's bytes in the object

    @classmethod
    def of(cls, memory_obj):
        """Describes one of LMCache's MemoryObj."""
        about = memory_obj.metadata
        shapes, dtypes = getattr(about, "shapes", None), getattr(about, "dtypes", None)
        several = bool(shapes) and bool(dtypes)
        return cls(
            [list(one) for one in (shapes if several else [about.shape])],
            [type_name(one) for one in (dtypes if several else [about.dtype])],
            about.fmt.value,
            len(memory_obj.byte_array),
            several,
        )

    def header(self):
        """The bytes before the chunk's. ValueError when they are too many."""
        text = json.dumps([self.shapes, self.kinds, self.order, self.size, self.several]).encode()
        length = -(-(_LENGTH.size + len(text)) // _ALIGNMENT) * _ALIGNMENT
        if length > HEADER_BYTES_MAX:
            raise ValueError(f"a header of {length} bytes, and the limit is {HEADER_BYTES_MAX}")
        return (_LENGTH.pack(len(text)) + text).ljust(length, b"\0")

    @classmethod
    def read(cls, data):
        """From the first HEADER_BYTES_MAX bytes of an object. ValueError when that is no header."""
        try:
            (length,) = _LENGTH.unpack_from(data)
            fields = json.loads(data[_LENGTH.size : _LENGTH.size + length])
            offset = -(-(_LENGTH.size + length) // _ALIGNMENT) * _ALIGNMENT
            return cls(*fields, offset)
        except (struct.error, TypeError, ValueError):
            raise ValueError("the object is no chunk of LMCache") from None

    def allocate(self, backend):
        """Memory of LMCache's for the chunk, or None when it has none to give."""
        import torch

        shapes = [torch.Size(shape) for shape in self.shapes]
        dtypes = [getattr(torch, kind) for kind in self.kinds]
        if not self.several:
            shapes, dtypes = shapes[0], dtypes[0]
        return backend.allocate(shapes, dtypes, MemoryFormat(self.order))
