"""The half of the connector in vLLM's scheduler: which blocks to load and to save in each step.

A block is saved only when vLLM's scheduler has heard how the step ended in which it was computed.
Before that, a load that has failed in any worker may have spoiled it in all of them, and a spoiled
block under a good key would never leave the pool. So blocks are saved a step later, or, where vLLM
plans further ahead than that, when their request has ended well.
"""

from dataclasses import dataclass, field

from ._shared import never_raises
from ._vllm_interface import KVConnectorMetadata

_NULL_BLOCK = 0  # stands in tables where vLLM has given a block up
_ENDED_WELL = ("FINISHED_STOPPED", "FINISHED_LENGTH_CAPPED")


@dataclass
class Move:
    """Blocks of a request to be loaded or saved: their hashes, and their numbers."""

    request: str
    hashes: list
    blocks: list
    last: bool = False  # the request has ended, and vLLM waits for this to free its blocks


@dataclass
class StepMetadata(KVConnectorMetadata):
    """What the workers do in a step."""

    loads: list = field(default_factory=list)
    saves: list = field(default_factory=list)


@dataclass
class _Request:
    hashes: list  # of the full blocks of the prompt
    blocks: list = field(default_factory=list)
    saved: int = 0  # leading blocks that are in the pool, or on their way
    found: int = 0  # the first block that the latest look-up asked for
    load: tuple = (0, 0)  # the range of blocks to load in the next step


class Scheduler:
    """Keeps a record for each request between its arrival and its end. `early`: whether all earlier
    steps have ended when the next one is planned. Called by one thread."""

    def __init__(self, keys, store, loads=True, saves=True, early=True):
        self._keys = keys
        self._store = store
        self._loads = loads
        self._saves = saves
        self._early = early
        self._prefixes = keys.all_prefixes()
        self._requests = {}
        self._last_saves = []
        self.complaints = store.complaints

    @never_raises(lambda *_: 0)
    def matched_tokens(self, request, computed):
        """How many tokens after the first `computed` ones the pool has, in whole blocks; at least
        one token is left to compute."""
        record = self._record(request)
        size = self._keys.block_size
        first = computed // size
        last = min(len(record.hashes), (request.num_tokens - 1) // size)
        if not self._loads or computed % size or first >= last or _needs_all(request):
            return 0
        asked = [prefix + one for one in record.hashes[first:last] for prefix in self._prefixes]
        record.found = first
        return self._store.leading(asked) // len(self._prefixes) * size

    def allocated(self, request, external):
        """vLLM has made room for `external` tokens of those that were matched."""
        record = self._record(request)
        record.load = (record.found, record.found + external // self._keys.block_size)

    def step(self, output):
        """The metadata of a step, from vLLM's SchedulerOutput. Raises ValueError for several groups
        of KV layers: no answer would be better than one computed with blocks never loaded."""
        metadata = StepMetadata(saves=self._last_saves)
        self._last_saves = []
        for new in output.scheduled_new_reqs:
            record = self._requests.get(new.req_id)
            if record is not None:
                record.blocks = _only_group(new.block_ids)
                self._add_load(metadata, new.req_id, record)
        cached = output.scheduled_cached_reqs
        for i, name in enumerate(cached.req_ids):
            record = self._requests.get(name)
            if record is not None:
                blocks = _only_group(cached.new_block_ids[i])
                if _resumed(cached, i):
                    record.blocks = blocks
                    self._add_load(metadata, name, record)
                else:
                    record.blocks += blocks
                    self._add_save(metadata, name, record, cached.num_computed_tokens[i])
        return metadata

    @never_raises(lambda *_: False)
    def finished(self, request, blocks):
        """The request has ended, or was given up. Whether the workers will save blocks of it, which
        must not be freed until they say so. Tokens of the answer are saved too: the next prompt of
        a conversation has them."""
        record = self._requests.pop(request.request_id, None)
        if record is None or not self._saves or request.status.name not in _ENDED_WELL:
            return False
        computed = min(request.num_tokens - 1, request.num_computed_tokens)
        hashes = self._keys.blocks(request, request.all_token_ids[:computed])
        table = _only_group(blocks if isinstance(blocks, tuple) else (blocks,))
        move = _move(request.request_id, hashes, table, record.saved, len(hashes), last=True)
        if not move.blocks:
            return False
        self._last_saves.append(move)
        return True

    def _record(self, request):
        record = self._requests.get(request.request_id)
        if record is None:
            record = _Request(self._keys.blocks(request, request.prompt_token_ids))
            self._requests[request.request_id] = record
        return record

    def _add_load(self, metadata, name, record):
        first, last = record.load
        record.load = (0, 0)
        if last > len(record.blocks):
            raise ValueError(f"{last} blocks to load, and a table of {len(record.blocks)}")
        move = _move(name, record.hashes, record.blocks, first, last)
        if move.blocks:
            metadata.loads.append(move)

    def _add_save(self, metadata, name, record, computed):
        full = min(len(record.hashes), len(record.blocks), computed // self._keys.block_size)
        if not (self._saves and self._early) or full <= record.saved:
            return
        move = _move(name, record.hashes, record.blocks, record.saved, full)
        record.saved = full
        if move.blocks:
            metadata.saves.append(move)


def _move(name, hashes, blocks, start, end, **more):
    """The blocks start to end - 1 of a table that are there."""
    there = [i for i in range(start, min(end, len(blocks))) if blocks[i] != _NULL_BLOCK]
    return Move(name, [hashes[i] for i in there], [blocks[i] for i in there], **more)


def _only_group(block_ids):
    """The block numbers of the only group of layers; None means no new ones."""
    groups = block_ids or ([],)
    if len(groups) != 1:
        raise ValueError("Aquifer's connector takes models with one group of KV layers")
    return list(groups[0])


def _resumed(cached, i):
    """Whether request i was preempted and starts with a new table, in both of vLLM's forms."""
    names = getattr(cached, "resumed_req_ids", None)
    if names is not None:
        return cached.req_ids[i] in names
    return cached.resumed_from_preemption[i]


def _needs_all(request):
    """Whether vLLM must compute the whole prompt, because its probabilities are asked for."""
    sampling = getattr(request, "sampling_params", None)
    return getattr(sampling, "prompt_logprobs", None) is not None or getattr(
        request, "skip_reading_prefix_cache", False
    )
