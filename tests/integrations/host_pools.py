"""Host memory of an engine in the layouts of SGLang, as numpy arrays, and what it answers."""

import numpy as np

LAYERS, HEADS, WIDTH, PAGE = 3, 4, 8, 4


class HostPool:
    """`arrays` are the tensors; `page_pieces(page)` yields views of a page, in SGLang's order."""

    dtype = np.dtype(np.float16)

    def __init__(self, arrays, page_size=PAGE):
        self.arrays = arrays
        self.kv_buffer = arrays[0]
        self.page_size = page_size

    def get_page_buffer_meta(self, host_indices):
        assert len(host_indices) % self.page_size == 0
        pieces = [p for i in host_indices[:: self.page_size]
                  for p in self.page_pieces(int(i) // self.page_size)]
        assert all(piece.flags.c_contiguous for piece in pieces)
        return [piece.ctypes.data for piece in pieces], [piece.nbytes for piece in pieces]

    def fill(self, seed):
        random = np.random.default_rng(seed)
        for array in self.arrays:
            array[...] = random.integers(-1000, 1000, array.shape)

    def clear(self):
        for array in self.arrays:
            array[...] = -1

    def page(self, number):
        return [np.copy(piece) for piece in self.page_pieces(number)]


class Mha(HostPool):
    """K and V of a model with heads."""

    head_num = HEADS

    def __init__(self, layout, pages=8, heads=HEADS):
        self.layout = layout
        self.head_num = heads
        shape = {
            "layer_first": (LAYERS, pages * PAGE, heads, WIDTH),
            "page_first": (pages * PAGE, LAYERS, heads, WIDTH),
            "page_first_direct": (pages, LAYERS, PAGE, heads, WIDTH),
            "page_head": (pages, heads, PAGE, LAYERS, WIDTH),
        }[layout]
        super().__init__([np.zeros(shape, self.dtype) for _ in range(2)])

    def page_pieces(self, page):
        slots = slice(page * PAGE, (page + 1) * PAGE)
        if self.layout == "layer_first":
            return [one[layer, slots] for layer in range(LAYERS) for one in self.arrays]
        if self.layout == "page_first":
            return [one[slots] for one in self.arrays]
        return [one[page] for one in self.arrays]

    def get_split_heads_page_buffer_meta(self, host_indices, split_factor):
        heads = self.head_num // split_factor
        pieces = [one[int(i) // PAGE, part * heads:(part + 1) * heads]
                  for i in host_indices[::PAGE] for part in range(split_factor)
                  for one in self.arrays]
        return [piece.ctypes.data for piece in pieces], [piece.nbytes for piece in pieces]

    def get_dummy_flat_data_page(self):
        return np.zeros(2 * LAYERS * PAGE * self.head_num * WIDTH, self.dtype)

    def get_data_page(self, index):
        return np.concatenate([p.ravel() for p in self.page_pieces(int(index) // PAGE)])


class Mla(HostPool):
    """The latent KV, which all tensor-parallel ranks have whole."""

    def __init__(self, layout, pages=8):
        self.layout = layout
        shapes = {
            "layer_first": [(LAYERS, pages * PAGE, 24)],
            "page_first": [(pages * PAGE, LAYERS, 24)],
            "page_first_kv_split": [(pages, LAYERS, PAGE, w) for w in (16, 8, 4, 2)],
        }[layout]
        super().__init__([np.zeros(shape, self.dtype) for shape in shapes])

    def page_pieces(self, page):
        slots = slice(page * PAGE, (page + 1) * PAGE)
        if self.layout == "layer_first":
            return [self.arrays[0][layer, slots] for layer in range(LAYERS)]
        if self.layout == "page_first":
            return [self.arrays[0][slots]]
        return [one[page] for one in self.arrays]


class Mamba(HostPool):
    """The states of a Mamba layer: one slot is one page."""

    layout = "page_first"

    def __init__(self, slots=8):
        super().__init__([np.zeros((slots, size), self.dtype) for size in (64, 12, 20)], 1)

    def page_pieces(self, page):
        return [one[page] for one in self.arrays]


class Anchor:
    """A KV pool without bytes of its own, as DeepSeek-V4 has it."""

    kv_buffer = None
    page_size = PAGE
    layout = "page_first"


def slots(pages):
    """The host_indices of whole pages."""
    return np.concatenate([np.arange(p * PAGE, (p + 1) * PAGE) for p in pages] or [[]]).astype(int)
