"""MindIE-LLM: its prefix cache in the pool, through the backend called "unifiedcache".

MindIE imports this backend from a file of its own package that its public tree lacks. It needs that
file, mindie_llm/text_generator/mempool/unifiedcache_mempool.py, with the one line

    from aquifer.integrations.mindie import UnifiedCacheMempool

and in config.json, with the prefix-cache plug-in on:

    "BackendConfig": {
      "kvPoolConfig": {"backend": "unifiedcache", "configPath": "/etc/aquifer.json"}}

The file of configPath is a JSON object with the fields of `_shared.Options`, such as
{"meta": "tcp://HOST:5000", "namespace": "mindie"}. Without `meta` the environment's AQUIFER_META is
taken. Tensors of an NPU go through this host's memory.
"""

import json
import logging

from ._shared import Options, Places, Store, never_raises, shortened, tensor_bytes

try:
    from mindie_llm.text_generator.mempool import MemPool
except ImportError:
    MemPool = object

_KEY_BYTES_MAX = 900


def _false_for_each(keys, *_, **__):
    return [False] * (1 if isinstance(keys, str) else len(keys or ()))


class UnifiedCacheMempool(MemPool):
    """MindIE's MemPool over a pool.

    `role` is "scheduler" or "worker"; both do the same here. Raises OSError and ValueError for a
    configuration that cannot be read. No other method raises. Thread-safe.
    """

    def __init__(self, config_path, role="scheduler", **kwargs):
        with open(config_path, encoding="utf-8") as file:
            settings = json.load(file)
        if not isinstance(settings, dict):
            raise ValueError(f"{config_path}: expected a JSON object")
        options = Options.read(settings)
        self.role = role
        self._prefix = f"mindie:{options.tag}:" if options.tag else "mindie:"
        self._store = Store(options, logging.getLogger(__name__))
        self.complaints = self._store.complaints

    @never_raises(lambda *_, **__: False)
    def exists(self, key):
        """Whether the pool has a block."""
        return self._store.present(self._names([key]))[0]

    @never_raises(_false_for_each)
    def batch_exist(self, keys):
        """Whether the pool has each block, by one call to meta."""
        return self._store.present(self._names(keys))

    @never_raises(_false_for_each)
    def put(self, keys, tensors):
        """Stores blocks: for each key a tensor, or lists of them to any depth. One key may be given
        without its list. A bool for each; a block that is there already is a success."""
        keys, values = _paired(keys, tensors)
        host = [[_on_host(one) for one in value] for value in values]
        return self._store.write(self._names(keys), _places(host))

    @never_raises(_false_for_each)
    def get(self, keys, tensors):
        """Reads blocks into tensors, given as for put. A bool for each; the content of the tensors
        of one that is False is undefined."""
        keys, values = _paired(keys, tensors)
        host = [[_host_target(one) for one in value] for value in values]
        done = self._store.read(self._names(keys), _places(host))
        for good, value, copies in zip(done, values, host):
            for target, copy in zip(value, copies):
                if good and copy is not target:
                    target.copy_(copy)
        return done

    @never_raises(lambda *_, **__: None)
    def close(self):
        """Ends the connections. Later calls find nothing and store nothing."""
        self._store.close()

    def _names(self, keys):
        return [self._prefix + shortened(key, _KEY_BYTES_MAX) for key in keys]


def _paired(keys, tensors):
    """A list of keys, and for each a flat list of tensors."""
    if isinstance(keys, str):
        return [keys], [list(_flat(tensors))]
    if len(keys) == 1:
        return keys, [list(_flat(tensors))]
    if not isinstance(tensors, (list, tuple)) or len(tensors) != len(keys):
        raise ValueError(f"{len(keys)} keys need as many tensors, or lists of tensors")
    return keys, [list(_flat(one)) for one in tensors]


def _flat(tensors):
    if isinstance(tensors, (list, tuple)):
        for one in tensors:
            yield from _flat(one)
    else:
        yield tensors


def _places(values):
    return Places(
        [[one.data_ptr() for one in value] for value in values],
        [[tensor_bytes(one) for one in value] for value in values],
    )


def _on_host(tensor):
    """The tensor, or a contiguous copy of it in this host's memory."""
    return tensor.to("cpu").contiguous()


def _host_target(tensor):
    """The tensor, or memory of this host's for its bytes."""
    if tensor.device.type == "cpu" and tensor.is_contiguous():
        return tensor
    import torch

    return torch.empty(tensor.shape, dtype=tensor.dtype, device="cpu")
