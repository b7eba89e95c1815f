"""Objects with the methods of torch's tensors and of device arrays, over memory of ctypes."""

import ctypes
from types import SimpleNamespace


class FakeTensor:
    """A tensor as torch's are: a data_ptr and no buffer."""

    def __init__(self, data, device="cpu", contiguous=True, requires_grad=False):
        self._memory = (ctypes.c_char * len(data)).from_buffer_copy(data) if data else None
        self._bytes = len(data)
        self._contiguous = contiguous
        self.device = SimpleNamespace(type=device)
        self.requires_grad = requires_grad

    def data_ptr(self):
        return ctypes.addressof(self._memory) if self._memory else 0

    def is_contiguous(self):
        return self._contiguous

    @property
    def nbytes(self):
        return self._bytes

    def content(self):
        return bytes(self._memory)


class ElementsTensor(FakeTensor):
    """One that tells elements and their size only, as older ones do."""

    @property
    def nbytes(self):
        raise AttributeError("nbytes")

    def numel(self):
        return self._bytes // 2

    def element_size(self):
        return 2


class BrokenTensor(FakeTensor):
    def data_ptr(self):
        raise RuntimeError("cannot access the data pointer of this tensor")


class UndecidedTensor(FakeTensor):
    def is_contiguous(self):
        return Undecided()


class Undecided:
    def __bool__(self):
        raise RuntimeError("the truth of this is ambiguous")


class ConjugateTensor(FakeTensor):
    def is_conj(self):
        return True


class DeviceArray:
    """What cupy and numba have."""

    __cuda_array_interface__ = {"data": (4096, False), "shape": (10,), "typestr": "|u1"}
