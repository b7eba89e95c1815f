"""The KV caches of a vLLM worker: where a block lies, in this host's memory or on a device."""

from ._shared import Places

_STAGED_BLOCKS = 128  # at a time through this host's memory


class KvMemory:
    """All layers of a worker. A block is one object: its pieces are those of the first layer, then
    of the next one."""

    def __init__(self, caches, blocks):
        """`caches` are the tensors by their layers' names, `blocks` how many blocks each has.
        Raises ValueError for a tensor that is not of blocks, each in one or two pieces."""
        distinct = {}
        for name in sorted(caches):
            layer = _Layer(name, caches[name], blocks)
            distinct.setdefault(caches[name].data_ptr(), layer)  # layers may share a cache
        self._layers = list(distinct.values())
        self._staged = any(layer.tensor.device.type != "cpu" for layer in self._layers)

    def save(self, blocks, write):
        """Calls write(first, last, places) for the contents of blocks[first:last] until all were
        written; returns its answers in one list."""
        if not self._staged:
            return write(0, len(blocks), self._places(self._layers, blocks))
        done = []
        for first in range(0, len(blocks), _STAGED_BLOCKS):
            some = blocks[first : first + _STAGED_BLOCKS]
            copies = [layer.to_host(some) for layer in self._layers]
            done += write(first, first + len(some), self._places(copies, range(len(some))))
        return done

    def load(self, blocks, read):
        """The same for reading into blocks. Of a device, those whose answer is true are written."""
        if not self._staged:
            return read(0, len(blocks), self._places(self._layers, blocks))
        done = []
        for first in range(0, len(blocks), _STAGED_BLOCKS):
            some = blocks[first : first + _STAGED_BLOCKS]
            copies = [layer.like_host(len(some)) for layer in self._layers]
            answers = read(first, first + len(some), self._places(copies, range(len(some))))
            good = [i for i, answer in enumerate(answers) if answer]
            for layer, copy in zip(self._layers, copies):
                layer.from_host([some[i] for i in good], copy, good)
            done += answers
        return done

    @staticmethod
    def _places(layers, blocks):
        pieces = [[piece for layer in layers for piece in layer.pieces(one)] for one in blocks]
        return Places(
            [[address for address, _ in one] for one in pieces],
            [[size for _, size in one] for one in pieces],
        )


class _Layer:
    """One layer's tensor: (blocks, ...), or (2, blocks, ...) for K and V apart."""

    def __init__(self, name, tensor, blocks):
        shape = tuple(getattr(tensor, "shape", ()))
        axis = next((i for i in (0, 1) if i < len(shape) and shape[i] == blocks), None)
        if axis is None or (axis == 1 and shape[0] > 2):
            raise ValueError(f"layer {name}: no axis of {blocks} blocks in the shape {shape}")
        strides, item = tensor.stride(), tensor.element_size()
        length = 1
        for extent in shape[axis + 1 :]:
            length *= extent
        reach = sum((n - 1) * s for n, s in zip(shape[axis + 1 :], strides[axis + 1 :]))
        if reach + 1 != length:
            raise ValueError(f"layer {name}: a block is not in one piece: strides {strides}")
        self.tensor = tensor
        self._name = name
        self._axis = axis
        self._blocks = blocks
        self._base = tensor.data_ptr()
        self._step = strides[axis] * item
        self._bytes = length * item
        self._starts = [i * strides[0] * item for i in range(shape[0])] if axis else [0]

    def pieces(self, block):
        """(address, bytes) of each piece of a block."""
        start = self._base + block * self._step
        return [(start + offset, self._bytes) for offset in self._starts]

    def to_host(self, blocks):
        """A copy of some blocks in this host's memory."""
        copy = self.tensor.index_select(self._axis, self._indices(blocks)).to("cpu")
        return _Layer(self._name, copy.contiguous(), len(blocks))

    def like_host(self, blocks):
        """Pinned host memory for so many blocks."""
        import torch

        shape = list(self.tensor.shape)
        shape[self._axis] = blocks
        empty = torch.empty(shape, dtype=self.tensor.dtype, device="cpu", pin_memory=True)
        return _Layer(self._name, empty, blocks)

    def from_host(self, blocks, copy, numbers):
        """Writes the blocks `numbers` of a copy to `blocks` of the device."""
        if not blocks:
            return
        import torch

        chosen = copy.tensor.index_select(copy._axis, torch.tensor(numbers, device="cpu"))
        self.tensor.index_copy_(
            self._axis, self._indices(blocks), chosen.to(self.tensor.device)
        )

    def _indices(self, blocks):
        import torch

        return torch.tensor(blocks, device=self.tensor.device)
