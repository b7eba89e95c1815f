"""The engine: loads what the pool has of a prompt, computes the rest, gives that to the pool."""

import time
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
from paged_cache import PAGE_TOKENS, PagedCache, page_keys

from aquifer.integrations.sglang import AquiferHiCache


@dataclass
class Answer:
    """What a request gave, and what it took."""

    tokens: list
    pages_loaded: int
    pages_computed: int
    first_token_seconds: float
    store_seconds: float


class Engine:
    """Serves one request at a time. `pool` is a dict of options for the plug-in, such as
    {"meta": "tcp://127.0.0.1:5000"}; without it every prompt is computed from its beginning."""

    def __init__(self, model, pages, pool=None):
        self.model = model
        self.cache = PagedCache(model.shape, pages)
        self.store = None
        if pool is not None:
            # SGLang passes an object like this one to a storage backend.
            config = SimpleNamespace(
                model_name=model.shape.name, extra_config={**pool, "interface_v1": 1}
            )
            self.store = AquiferHiCache(config)
            self.store.register_mem_pool_host(self.cache)

    def generate(self, prompt, new_tokens):
        """The next tokens of a prompt, the likeliest one each time."""
        begin = time.perf_counter()
        sequence = self.cache.sequence(len(prompt) + new_tokens)
        try:
            keys = page_keys(prompt)
            loaded = self._load(sequence, keys, len(prompt))
            tokens = [self._prefill(sequence, prompt, loaded * PAGE_TOKENS)]
            first = time.perf_counter()
            self._keep(sequence, keys, loaded)
            kept = time.perf_counter()
            while len(tokens) < new_tokens:
                position = len(prompt) + len(tokens) - 1
                logits = self.model.forward(np.array(tokens[-1:]), position, sequence)
                tokens.append(int(logits.argmax()))
        finally:
            sequence.close()
        return Answer(tokens, loaded, len(keys) - loaded, first - begin, kept - first)

    def close(self):
        if self.store is not None:
            self.store.close()

    def _load(self, sequence, keys, prompt_tokens):
        """Brings the first pages from the pool into the cache; returns how many."""
        if self.store is None:
            return 0
        keys = keys[: (prompt_tokens - 1) // PAGE_TOKENS]  # the last token is always computed
        found = self.store.batch_exists(keys)
        loaded = self.store.batch_get_v1(keys[:found], sequence.slots(0, found))
        # A page may have left the pool between the two calls: what counts is what was delivered.
        return next((i for i, good in enumerate(loaded) if not good), found)

    def _prefill(self, sequence, prompt, start):
        """Computes the prompt from `start` on; returns the first new token. It goes page by page,
        so that a page is computed by the same steps, to the last bit, wherever the work begins."""
        for begin in range(start, len(prompt), PAGE_TOKENS):
            page = np.asarray(prompt[begin : begin + PAGE_TOKENS])
            logits = self.model.forward(page, begin, sequence)
        return int(logits.argmax())

    def _keep(self, sequence, keys, loaded):
        """Gives the computed pages to the pool. A failure costs time later, and nothing now."""
        if self.store is not None and keys[loaded:]:
            before = SimpleNamespace(prefix_keys=keys[:loaded])
            slots = sequence.slots(loaded, len(keys))
            self.store.batch_set_v1(keys[loaded:], slots, before)
