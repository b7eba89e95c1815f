"""The calls of a store that take and give torch tensors. torch is imported when they are used.

An object is a header of 96 bytes and the elements behind it, row by row:

    magic 8 | dtype 16 (name, zero padded) | dimensions 8 | up to 8 sizes of 8 bytes

all numbers little-endian. Tensors on a device are copied to the host first. Without torch the puts
answer -1012 and the gets None.
"""

import ctypes
import struct

from aquifer_compat.mooncake_batches import key_list
from aquifer_compat.mooncake_codes import INVALID_PARAMS, NOT_SUPPORTED, OK
from aquifer_compat.mooncake_log import warn_once

_MAGIC = b"AQTENS01"
_DIMENSIONS_MAX = 8
_HEADER = struct.Struct("<8s16sQ8Q")


def _tensor_metadata_size():
    """Bytes in front of the elements."""
    return _HEADER.size


def _torch():
    try:
        import torch
    except ImportError:
        warn_once("torch", "tensors need torch, which cannot be imported")
        return None
    return torch


def _serialize_tensor(tensor):
    """(header, elements), two buffers of bytes. ValueError for more than 8 dimensions."""
    if tensor.dim() > _DIMENSIONS_MAX:
        raise ValueError(f"a tensor may have {_DIMENSIONS_MAX} dimensions, not {tensor.dim()}")
    plain = tensor.detach().cpu().contiguous()
    sizes = [*plain.shape, *[0] * (_DIMENSIONS_MAX - plain.dim())]
    name = str(plain.dtype).rpartition(".")[2].encode()
    count = plain.numel() * plain.element_size()
    data = (ctypes.c_ubyte * count).from_address(plain.data_ptr()) if count else b""
    if count:
        data._tensor = plain  # the memory is the tensor's
    return _HEADER.pack(_MAGIC, name, plain.dim(), *sizes), data


def _deserialize_tensor(buffer):
    """A tensor over the memory of a writable buffer, which it keeps. ValueError for no tensor."""
    torch = _torch()
    if torch is None or len(buffer) < _HEADER.size:
        raise ValueError("not the bytes of a tensor")
    magic, name, dimensions, *sizes = _HEADER.unpack_from(buffer)
    kind = getattr(torch, name.rstrip(b"\0").decode("ascii", "replace"), None)
    if magic != _MAGIC or dimensions > _DIMENSIONS_MAX or not isinstance(kind, torch.dtype):
        raise ValueError("not the bytes of a tensor")
    shape = sizes[:dimensions]
    count = 1
    for size in shape:
        count *= size
    if count == 0:
        return torch.empty(shape, dtype=kind)
    room = memoryview(buffer)
    if len(room) < _HEADER.size + count * torch.empty(0, dtype=kind).element_size():
        raise ValueError("the bytes of a tensor are cut off")
    return torch.frombuffer(buffer, dtype=kind, count=count, offset=_HEADER.size).reshape(shape)


def _tp_key(key, rank):
    return f"{key}_tp_{rank}"


class TensorCalls:
    """A part of MooncakeDistributedStore. Calls for one tensor; batches repeat them."""

    def _store_tensor(self, key, tensor, config, replacing):
        torch = _torch()
        if torch is None:
            return NOT_SUPPORTED
        if not isinstance(tensor, torch.Tensor):
            return INVALID_PARAMS
        try:
            header, elements = _serialize_tensor(tensor)
        except ValueError:
            return INVALID_PARAMS
        put = self.upsert_parts if replacing else self.put_parts
        return put(key, header, elements, config=config)

    def _store_slices(self, key, tensor, config, tp_size, split_dim, replacing):
        if tp_size <= 1:
            return self._store_tensor(key, tensor, config, replacing)
        torch = _torch()
        if torch is None:
            return NOT_SUPPORTED
        if not isinstance(tensor, torch.Tensor) or not 0 <= split_dim < tensor.dim():
            return INVALID_PARAMS
        slices = tensor.chunk(tp_size, split_dim)
        if len(slices) != tp_size:
            return INVALID_PARAMS
        for rank, piece in enumerate(slices):
            code = self._store_tensor(_tp_key(key, rank), piece, config, replacing)
            if code != OK:
                return code
        return OK

    def put_tensor(self, key, tensor, config=None):
        """Stores a tensor with its type and shape. 0 or a code; -1012 without torch."""
        return self._store_tensor(key, tensor, config, False)

    def pub_tensor(self, key, tensor, config=None):
        """The same as put_tensor."""
        return self._store_tensor(key, tensor, config, False)

    def upsert_tensor(self, key, tensor, config=None):
        """As put_tensor, in the place of what is there."""
        return self._store_tensor(key, tensor, config, True)

    def get_tensor(self, key):
        """The tensor, in the host's memory; None when it is not there, or is none."""
        return self.batch_get_tensor([key])[0]

    def batch_put_tensor(self, keys, tensors_list, config=None):
        """put_tensor for many: a list of codes."""
        return self._store_tensors(keys, tensors_list, config, False)

    def batch_pub_tensor(self, keys, tensors_list, config=None):
        """The same as batch_put_tensor."""
        return self._store_tensors(keys, tensors_list, config, False)

    def batch_upsert_tensor(self, keys, tensors_list, config=None):
        """upsert_tensor for many: a list of codes."""
        return self._store_tensors(keys, tensors_list, config, True)

    def _store_tensors(self, keys, tensors, config, replacing):
        keys = key_list(keys)
        if len(tensors) != len(keys):
            return [INVALID_PARAMS] * len(keys)
        return [self._store_tensor(key, tensor, config, replacing)
                for key, tensor in zip(keys, tensors)]

    def batch_get_tensor(self, keys):
        """get_tensor for many: a list of tensors and None."""
        keys = key_list(keys)
        if _torch() is None:
            return [None] * len(keys)
        return [_tensor_or_none(buffer) for buffer in self.batch_get_buffer(keys)]

    def put_tensor_with_tp(self, key, tensor, config=None, tp_rank=0, tp_size=1, split_dim=0):
        """Stores a tensor in tp_size slices along a dimension. 0 or the first code."""
        return self._store_slices(key, tensor, config, tp_size, split_dim, False)

    def pub_tensor_with_tp(self, key, tensor, config=None, tp_rank=0, tp_size=1, split_dim=0):
        """The same as put_tensor_with_tp."""
        return self._store_slices(key, tensor, config, tp_size, split_dim, False)

    def upsert_tensor_with_tp(self, key, tensor, config=None, tp_rank=0, tp_size=1, split_dim=0):
        """As put_tensor_with_tp, in the place of what is there."""
        return self._store_slices(key, tensor, config, tp_size, split_dim, True)

    def get_tensor_with_tp(self, key, tp_rank=0, tp_size=1, split_dim=0):
        """The slice of a rank; None when it is not there."""
        return self.get_tensor(key if tp_size <= 1 else _tp_key(key, tp_rank))

    def batch_put_tensor_with_tp(self, base_keys, tensors_list, config=None, tp_rank=0, tp_size=1,
                                 split_dim=0):
        """put_tensor_with_tp for many: a list of codes."""
        if len(tensors_list) != len(base_keys):
            return [INVALID_PARAMS] * len(base_keys)
        return [self._store_slices(key, tensor, config, tp_size, split_dim, False)
                for key, tensor in zip(base_keys, tensors_list)]

    def batch_get_tensor_with_tp(self, base_keys, tp_rank=0, tp_size=1):
        """get_tensor_with_tp for many: a list of tensors and None."""
        return self.batch_get_tensor(
            [key if tp_size <= 1 else _tp_key(key, tp_rank) for key in base_keys])

    def put_tensor_from(self, key, buffer_ptr, size, config=None):
        """Stores a tensor that get_tensor_into has left at an address, header and elements. 0 or
        a code."""
        return self.put_from(key, buffer_ptr, size, config)

    def batch_put_tensor_from(self, keys, buffer_ptrs, sizes, config=None):
        """put_tensor_from for many: a list of codes."""
        return self.batch_put_from(keys, buffer_ptrs, sizes, config)

    def upsert_tensor_from(self, key, buffer_ptr, size, config=None):
        """As put_tensor_from, in the place of what is there."""
        return self.upsert_from(key, buffer_ptr, size, config)

    def batch_upsert_tensor_from(self, keys, buffer_ptrs, sizes, config=None):
        """upsert_tensor_from for many: a list of codes."""
        return self.batch_upsert_from(keys, buffer_ptrs, sizes, config)

    def get_tensor_into(self, key, buffer_ptr, size):
        """Reads a tensor to an address. A tensor over that memory, which must outlive it; None
        when it is not there or does not fit."""
        return self.batch_get_tensor_into([key], [buffer_ptr], [size])[0]

    def batch_get_tensor_into(self, keys, buffer_ptrs, sizes):
        """get_tensor_into for many: a list of tensors and None."""
        keys = key_list(keys)
        if _torch() is None:
            return [None] * len(keys)
        return [_tensor_or_none((ctypes.c_ubyte * count).from_address(address))
                if count > 0 else None
                for count, address in zip(self.batch_get_into(keys, buffer_ptrs, sizes),
                                          buffer_ptrs)]

    def get_tensor_with_tp_into(self, key, buffer_ptr, size, tp_rank=0, tp_size=1):
        """get_tensor_into for the slice of a rank."""
        return self.get_tensor_into(key if tp_size <= 1 else _tp_key(key, tp_rank), buffer_ptr,
                                    size)

    def batch_get_tensor_with_tp_into(self, base_keys, buffer_ptrs, sizes, tp_rank=0, tp_size=1):
        """get_tensor_with_tp_into for many: a list of tensors and None."""
        return self.batch_get_tensor_into(
            [key if tp_size <= 1 else _tp_key(key, tp_rank) for key in base_keys], buffer_ptrs,
            sizes)

    def save_tensor_to_safetensor(self, key, file_path):
        """-1012: write what get_tensor gives with the package safetensors."""
        return NOT_SUPPORTED

    def load_tensor_from_safetensor(self, file_path, key=""):
        """None: read it with the package safetensors, and put it."""
        return None


def _tensor_or_none(buffer):
    try:
        return None if buffer is None else _deserialize_tensor(buffer)
    except ValueError:
        return None


def _refusing(name, answer):
    def method(self, *arguments, **named):
        warn_once(name, f"{name} is not supported")
        return answer

    method.__name__ = name
    method.__doc__ = (f"{answer!r}: refused, with one warning. Placement on devices and by "
                      "parallel axes is left to the caller.")
    return method


REFUSED_GETS = (
    "get_tensor_into_cuda", "batch_get_tensor_into_cuda", "get_tensor_with_parallelism",
    "batch_get_tensor_with_parallelism", "get_tensor_with_parallelism_into",
    "batch_get_tensor_with_parallelism_into")
REFUSED_PUTS = tuple(
    f"{batch}{verb}_tensor_with_parallelism{end}"
    for batch in ("", "batch_") for verb in ("put", "pub", "upsert") for end in ("", "_from"))
for _name in REFUSED_GETS:
    setattr(TensorCalls, _name, _refusing(_name, None))
for _name in REFUSED_PUTS:
    setattr(TensorCalls, _name, _refusing(_name, NOT_SUPPORTED))
