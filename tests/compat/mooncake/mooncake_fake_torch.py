"""As much of torch as the tensor calls of a store and their tests use, over numpy arrays."""

import numpy


class dtype:
    def __init__(self, name):
        self.name = name

    def __repr__(self):
        return f"torch.{self.name}"


_KINDS = {name: dtype(name) for name in ("float32", "int8", "int32", "uint8", "bool")}
globals().update(_KINDS)


class Tensor:
    def __init__(self, array):
        self.array = array

    @property
    def dtype(self):
        return _KINDS[self.array.dtype.name]

    @property
    def shape(self):
        return self.array.shape

    def __getitem__(self, part):
        return Tensor(self.array[part])

    def __mul__(self, factor):
        return Tensor(self.array * self.array.dtype.type(factor))

    def detach(self):
        return self

    cpu = detach

    def contiguous(self):
        return Tensor(numpy.ascontiguousarray(self.array).reshape(self.array.shape))

    def dim(self):
        return self.array.ndim

    def numel(self):
        return self.array.size

    def element_size(self):
        return self.array.itemsize

    def data_ptr(self):
        return self.array.ctypes.data

    def to(self, kind):
        return Tensor(self.array.astype(kind.name))

    def view(self, kind):
        return Tensor(self.array.view(kind.name))

    def reshape(self, *shape):
        return Tensor(self.array.reshape(*shape))

    def t(self):
        return Tensor(self.array.T)

    def chunk(self, count, dim=0):
        size = self.array.shape[dim]
        step = -(-size // count)
        parts = [self.array.take(range(begin, min(begin + step, size)), dim)
                 for begin in range(0, size, step)]
        return [Tensor(part) for part in parts]

    def tolist(self):
        return self.array.tolist()

    def item(self):
        return self.array.item()


def _numpy(kind):
    return "float32" if kind is None else kind.name


def arange(count, dtype=None):
    chosen = _numpy(dtype) if dtype or isinstance(count, float) else "int32"
    return Tensor(numpy.arange(int(count), dtype=chosen))


def zeros(*shape, dtype=None):
    return Tensor(numpy.zeros(shape[0] if isinstance(shape[0], list) else shape, _numpy(dtype)))


def ones(*shape):
    return Tensor(numpy.ones(shape, "float32"))


def empty(*shape, dtype=None):
    return Tensor(numpy.empty(shape[0] if len(shape) == 1 else shape, _numpy(dtype)))


def empty_like(other):
    return Tensor(numpy.empty_like(other.array))


def tensor(value):
    return Tensor(numpy.array(value, "float32"))


def equal(one, other):
    return numpy.array_equal(one.array, other.array)


def frombuffer(buffer, dtype, count=-1, offset=0):
    return Tensor(numpy.frombuffer(buffer, dtype.name, count, offset))
