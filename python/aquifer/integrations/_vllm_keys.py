"""Names of vLLM's blocks in the pool.

    vllm:[TAG:]MODEL:SHAPE:RANK:BLOCK

BLOCK is the hash of all that the content of a block depends on: the tokens up to its end, what
stands in the place of tokens (images), the adapter, and the salt of the request. It is made here
and not taken from vLLM, whose hashes differ between processes unless PYTHONHASHSEED is set.
"""

import hashlib
from array import array

from ._shared import model_prefix, type_name


class BlockKeys:
    """The keys of a model's blocks, for its scheduler (all ranks) and its workers (one rank)."""

    def __init__(self, config, tag=""):
        """`config` is vLLM's VllmConfig. ValueError for what is divided in ways that the keys do
        not know."""
        parallel, model, cache = config.parallel_config, config.model_config, config.cache_config
        for axis in ("decode_context_parallel_size", "prefill_context_parallel_size"):
            if getattr(parallel, axis, 1) > 1:
                raise ValueError(f"Aquifer's connector does not support {axis} > 1")
        device = getattr(getattr(config, "device_config", None), "device_type", "")
        shape = (
            f"{cache.block_size}.{type_name(model.dtype)}"
            f".{getattr(cache, 'cache_dtype', 'auto')}.{device}"
        )
        self.block_size = cache.block_size
        self.is_mla = bool(getattr(model, "use_mla", False))
        self._prefix = f"{model_prefix('vllm', model.model, tag)}{shape}:"
        self._tp_size = parallel.tensor_parallel_size
        self._pp_size = parallel.pipeline_parallel_size
        self._rank = getattr(parallel, "rank", 0)

    @property
    def saves(self):
        """Whether this worker stores: with MLA all tensor-parallel ranks have the same bytes."""
        return not self.is_mla or self._rank % self._tp_size == 0

    def worker_prefix(self):
        """What the keys of this worker's part of the blocks begin with."""
        return self._part(self._rank % self._tp_size, self._rank // self._tp_size)

    def all_prefixes(self):
        """The same for all workers: a block is there when all its parts are."""
        ranks = range(1 if self.is_mla else self._tp_size)
        return [self._part(tp, pp) for pp in range(self._pp_size) for tp in ranks]

    def _part(self, tp, pp):
        tensor = "all" if self.is_mla else f"tp{tp}of{self._tp_size}"
        return f"{self._prefix}{tensor}.pp{pp}of{self._pp_size}:"

    def blocks(self, request, tokens):
        """The hashes in hex of all full blocks of a request's first tokens. None when its prompt
        is not made of tokens."""
        if request.prompt_token_ids is None or getattr(request, "prompt_embeds", None) is not None:
            return []
        adapter = getattr(request, "lora_request", None)
        salt = (getattr(request, "cache_salt", None), adapter and adapter.lora_name)
        chain, hashes, items = hashlib.sha256(repr(salt).encode()), [], _items(request)
        for end in range(self.block_size, len(tokens) + 1, self.block_size):
            start = end - self.block_size
            chain.update(array("q", list(tokens[start:end])).tobytes())
            within = [item for item in items if item[0] < end and item[0] + item[1] > start]
            if within:
                chain.update(repr(within).encode())
            hashes.append(chain.hexdigest())
        return hashes


def _items(request):
    """(offset, length, hash) of the images and sounds of a prompt, in both of vLLM's forms."""
    features = getattr(request, "mm_features", None)
    if features is not None:
        return [
            (one.mm_position.offset, one.mm_position.length, one.identifier) for one in features
        ]
    places = getattr(request, "mm_positions", None) or ()
    hashes = getattr(request, "mm_hashes", None) or ()
    if len(places) != len(hashes):
        raise ValueError("the request has images without hashes")
    return [(place.offset, place.length, name) for place, name in zip(places, hashes)]
