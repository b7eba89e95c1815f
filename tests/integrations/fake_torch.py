"""As much of torch as the plug-ins use, over numpy. Tensors of a device have no host address."""

import itertools
from types import SimpleNamespace

import numpy as np

_device_address = itertools.count(0x7000_0000_0000_0000, 1 << 30)


class Tensor:
    def __init__(self, array, device="cpu"):
        self.array = array
        self.device = SimpleNamespace(type=str(getattr(device, "type", device)))
        self._address = array.ctypes.data if self.device.type == "cpu" else next(_device_address)

    @property
    def shape(self):
        return self.array.shape

    @property
    def dtype(self):
        return self.array.dtype

    @property
    def nbytes(self):
        return self.array.nbytes

    def stride(self):
        return tuple(step // self.array.itemsize for step in self.array.strides)

    def element_size(self):
        return self.array.itemsize

    def data_ptr(self):
        return self._address

    def is_contiguous(self):
        return self.array.flags.c_contiguous

    def contiguous(self):
        return Tensor(np.ascontiguousarray(self.array), self.device)

    def to(self, device):
        kind = getattr(device, "type", device)
        return self if kind == self.device.type else Tensor(self.array.copy(), device)

    def cpu(self):
        return self.to("cpu")

    def copy_(self, other):
        self.array[...] = other.array

    def index_select(self, axis, index):
        assert index.device.type == self.device.type
        return Tensor(np.take(self.array, index.array, axis), self.device)

    def index_copy_(self, axis, index, source):
        assert index.device.type == source.device.type == self.device.type
        place = [slice(None)] * self.array.ndim
        place[axis] = index.array
        self.array[tuple(place)] = source.array


def tensor(values, device="cpu"):
    return Tensor(np.asarray(values), device)


def empty(shape, dtype=None, device="cpu", pin_memory=False):
    return Tensor(np.full(shape, 77, dtype), device)


def empty_like(other, device=None, pin_memory=False):
    return empty(other.shape, other.dtype, device or other.device)


class Size(tuple):
    pass


float16 = np.dtype(np.float16)
