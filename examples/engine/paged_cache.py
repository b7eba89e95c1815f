"""The engine's own KV cache: pages of 64 tokens, and the names under which the pool knows them."""

import hashlib

import numpy as np

PAGE_TOKENS = 64


def page_keys(tokens):
    """A key for each full page of a prompt: the hash of all tokens up to its end. So equal keys
    mean equal tokens from the beginning on, and therefore equal keys and values of the model."""
    chain, keys = hashlib.sha256(), []
    for end in range(PAGE_TOKENS, len(tokens) + 1, PAGE_TOKENS):
        chain.update(np.asarray(tokens[end - PAGE_TOKENS : end], np.int64).tobytes())
        keys.append(chain.hexdigest())
    return keys


class PagedCache:
    """Memory for `pages` pages. It answers what SGLang's host pools answer, which is all that the
    plug-in needs to move pages between this memory and the pool."""

    page_size = PAGE_TOKENS
    layout = "page_first"
    dtype = np.dtype(np.float32)

    def __init__(self, shape, pages):
        place = (pages, 2, shape.layers, shape.heads, PAGE_TOKENS, shape.head_width)
        self.kv_buffer = np.zeros(place, self.dtype)
        self._free = list(range(pages))

    def get_page_buffer_meta(self, host_indices):
        """The address and the size of K and of V for each page. `host_indices` are the slots of
        its tokens, numbered over the whole cache."""
        halves = [
            self.kv_buffer[slot // PAGE_TOKENS, half]
            for slot in host_indices[::PAGE_TOKENS]
            for half in (0, 1)
        ]
        return [half.ctypes.data for half in halves], [half.nbytes for half in halves]

    def sequence(self, tokens):
        """Pages for one request of up to `tokens` tokens, to be given back by its close()."""
        count = -(-tokens // PAGE_TOKENS)
        if count > len(self._free):
            raise MemoryError(f"{count} pages are needed, and {len(self._free)} are free")
        taken, self._free = self._free[:count], self._free[count:]
        return Sequence(self, taken)

    def give_back(self, pages):
        self._free += pages


class Sequence:
    """The keys and values of one request, in pages that lie anywhere in the cache."""

    def __init__(self, cache, pages):
        self._cache = cache
        self._pages = pages

    def slots(self, first, last):
        """The slots of the tokens of pages `first` to `last - 1`."""
        starts = np.asarray(self._pages[first:last], np.int64) * PAGE_TOKENS
        return (starts[:, None] + np.arange(PAGE_TOKENS)).ravel()

    def write(self, layer, start, keys, values):
        """Keeps keys and values, (heads, tokens, width) each, of tokens that lie in one page."""
        page, offset = self._pages[start // PAGE_TOKENS], start % PAGE_TOKENS
        place = slice(offset, offset + keys.shape[1])
        self._cache.kv_buffer[page, 0, layer, :, place] = keys
        self._cache.kv_buffer[page, 1, layer, :, place] = values

    def read(self, layer, tokens):
        """Keys and values of the first `tokens` tokens, gathered from their pages."""
        pages = self._pages[: -(-tokens // PAGE_TOKENS)]
        kv = self._cache.kv_buffer[pages, :, layer]  # (pages, K and V, heads, tokens, width)
        _, _, heads, _, width = kv.shape
        kv = kv.transpose(1, 2, 0, 3, 4).reshape(2, heads, -1, width)
        return kv[0, :, :tokens], kv[1, :, :tokens]

    def close(self):
        self._cache.give_back(self._pages)
        self._pages = []
