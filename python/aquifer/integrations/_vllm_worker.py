"""The half of the connector in a vLLM worker: moves blocks between its KV caches and the pool."""

from ._vllm_memory import KvMemory


class Worker:
    """Does what a step's metadata says, each time until it is done. Called by one thread."""

    def __init__(self, keys, store):
        self._store = store
        self._prefix = keys.worker_prefix()
        self._stores = keys.saves
        self._memory = None
        self._saves = []  # of this step, not done yet
        self._ended = set()  # requests whose last blocks are saved in this step
        self._failed = set()  # blocks of this step
        self.complaints = store.complaints

    def register(self, caches, blocks):
        """Takes the KV caches of all layers."""
        self._memory = KvMemory(caches, blocks)

    def begin(self, metadata):
        """Loads the blocks of all requests of a step, by one call. Does not raise: what could not
        be loaded is in failed()."""
        self._saves = list(metadata.saves)
        self._ended = {save.request for save in metadata.saves if save.last}
        # Two requests of a step may share a prefix, and then they load it to the same blocks.
        pairs = {block: one for load in metadata.loads for one, block in _pairs(load)}
        blocks, keys = list(pairs), [self._prefix + one for one in pairs.values()]
        done = []
        if blocks:
            try:
                done = self._memory.load(
                    blocks, lambda i, j, places: self._store.read(keys[i:j], places)
                )
            except Exception as error:
                self.complaints.report("load: %s", error, trace=True)
                done = [False] * len(blocks)
        self._failed = {block for block, good in zip(blocks, done) if not good}

    def save(self):
        """Saves what the step's metadata says, once, by one call. Does not raise."""
        wanted = dict(pair for save in self._saves for pair in _pairs(save))
        self._saves = []
        if not wanted or not self._stores:
            return
        try:
            self._save_missing(wanted)
        except Exception as error:
            self.complaints.report("save: %s", error, trace=True)

    def _save_missing(self, wanted):
        """Asks first, so that what the pool has is not brought from a device."""
        names = [self._prefix + one for one in wanted]
        there = self._store.present(names)
        keys = [name for name, one in zip(names, there) if not one]
        blocks = [block for block, one in zip(wanted.values(), there) if not one]
        if keys:
            self._memory.save(blocks, lambda i, j, places: self._store.write(keys[i:j], places))

    def ended(self):
        """The requests whose blocks vLLM may free now."""
        ended, self._ended = self._ended, set()
        return ended

    def failed(self):
        """The blocks of this step whose content is undefined."""
        return set(self._failed)


def _pairs(move):
    return zip(move.hashes, move.blocks)
