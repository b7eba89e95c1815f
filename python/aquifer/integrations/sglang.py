"""SGLang: HiCache keeps its third level in the pool.

    python -m sglang.launch_server ... --enable-hierarchical-cache \\
      --hicache-mem-layout page_first --hicache-storage-backend dynamic \\
      --hicache-storage-backend-extra-config '{"backend_name": "aquifer", "interface_v1": 1,
        "module_path": "aquifer.integrations.sglang", "class_name": "AquiferHiCache",
        "meta": "tcp://HOST:5000"}'

Further keys of the extra config are namespace, timeout (seconds), zone, replicas, transport,
copy_threads, tcp_streams and tag, as in `_shared.Options`. Without `meta` the environment's
AQUIFER_META is taken. With `interface_v1` pages move between the pool and SGLang's host memory
without a copy in between, in every layout; without it SGLang copies each page once more.

Engines share pages when model name, layout, page size, type of numbers and division into ranks are
the same (see `_sglang_keys`). What they cannot tell from these, such as another quantisation of the
same model, needs a `tag` of its own.
"""

import logging
import threading
import time
from collections import deque

from ._sglang_hybrid import Found, leading, result
from ._sglang_interface import HiCacheStorage, metrics_class
from ._sglang_keys import KV, PageKeys, object_keys, parent_keys, pool_name
from ._shared import Options, Places, Store, cut, never_raises

_SAMPLES_MAX = 1024


def _false_for_each(keys, *_, **__):
    return [False] * len(keys or ())


def _nothing_read(keys, target_locations=None, target_sizes=None):
    return [None] * len(keys or ()) if target_sizes is None else 0


def _false_for_all(transfers, *_, **__):
    return {one.name: [False] * len(one.keys or ()) for one in transfers or ()}


class AquiferHiCache(HiCacheStorage):
    """SGLang's storage backend over a pool.

    `storage_config` is SGLang's HiCacheStorageConfig; the second argument is the dict that the
    dynamic loader passes, or the host pool. Raises ValueError for a bad option. No other method
    raises: what the pool cannot do is False, None or 0, and a line in the log. Thread-safe, but
    for the methods that register pools.
    """

    def __init__(self, storage_config, kwargs_or_mem_pool=None):
        extra = getattr(storage_config, "extra_config", None) or {}
        options = Options.read(extra)
        self.registered_pools = {}
        self.mem_pool_host = None
        self._keys = PageKeys(storage_config, options.tag)
        self._flat = not extra.get("interface_v1")
        self._store = Store(options, logging.getLogger(__name__))
        self.complaints = self._store.complaints
        self._metrics = _Metrics() if getattr(storage_config, "enable_storage_metrics", 0) else None
        given = kwargs_or_mem_pool
        pool = given.get("mem_pool_host") if isinstance(given, dict) else given
        if pool is not None:
            self.register_mem_pool_host(pool)

    def register_mem_pool_host(self, mem_pool_host):
        """Names SGLang's host memory. The pool needs no registration of addresses."""
        self.mem_pool_host = mem_pool_host

    def register_mem_host_pool_v2(self, host_pool, host_pool_name):
        """Names a further host memory of a hybrid model."""
        self.registered_pools[pool_name(host_pool_name)] = host_pool

    # Which pages there are.

    @never_raises(lambda *_, **__: False)
    def exists(self, key):
        """Whether the pool has a page, by whichever path it was stored."""
        ways = [self._prefixes(KV, flat) for flat in (False, True)]
        found = iter(self._store.present([prefix + key for way in ways for prefix in way]))
        return any([all([next(found) for _ in way]) for way in ways])

    @never_raises(lambda *_, **__: 0)
    def batch_exists(self, keys, extra_info=None):
        """The number of leading pages that the pool has, by one call to meta; a read of them that
        follows needs none."""
        if self._is_anchor():
            return len(keys)
        prefixes = self._prefixes(KV, self._flat)
        return self._store.leading(object_keys(prefixes, keys)) // len(prefixes)

    @never_raises(lambda *_, **__: result(0, []))
    def batch_exists_v2(self, keys, pool_transfers=None, extra_info=None):
        """How far a hybrid model's prefix can be restored, as SGLang's PoolTransferResult. One call
        to meta asks for the pages of all pools."""
        asked, parts, questions = [], [], []
        if not self._is_anchor():
            questions.append((KV, list(keys), None))
        for transfer in pool_transfers or ():
            pages, found = Found.wanted(transfer, keys)
            questions.append((pool_name(transfer.name), pages, found))
        for pool, pages, _ in questions:
            prefixes = self._prefixes(pool)
            asked += object_keys(prefixes, pages)
            parts.append(len(prefixes))
        answers = iter(self._store.present(asked))
        kv_pages, pools = len(keys), []
        for (_, pages, found), count in zip(questions, parts):
            exists = [all([next(answers) for _ in range(count)]) for _ in pages]
            if found is None:
                kv_pages = leading(exists)
            else:
                found.exists.extend(exists)
                pools.append(found)
        return result(kv_pages, pools)

    # Pages between the pool and SGLang's host memory, without a copy in between.

    @never_raises(_false_for_each)
    def batch_get_v1(self, keys, host_indices, extra_info=None):
        """Reads pages into the host slots `host_indices`: a bool for each."""
        return self._move(self._read, [(KV, keys, host_indices)])[0]

    @never_raises(_false_for_each)
    def batch_set_v1(self, keys, host_indices, extra_info=None):
        """Stores the pages of the host slots `host_indices`: a bool for each. One that the pool has
        already is a success, whoever put it."""
        prefix = getattr(extra_info, "prefix_keys", None)
        before = prefix[-1] if prefix else None
        return self._move(self._write, [(KV, keys, host_indices)], before)[0]

    @never_raises(_false_for_all)
    def batch_get_v2(self, transfers, extra_info=None):
        """Reads pages of several pools of a hybrid model: for each pool a bool per page."""
        return self._move_pools(self._read, transfers)

    @never_raises(_false_for_all)
    def batch_set_v2(self, transfers, extra_info=None):
        """Stores pages of several pools of a hybrid model: for each pool a bool per page."""
        return self._move_pools(self._write, transfers)

    # Pages between the pool and tensors, or addresses of any memory: SGLang's generic path.

    @never_raises(lambda *_, **__: None)
    def get(self, key, target_location=None, target_sizes=None):
        """Reads a page into a tensor and returns it, or None. For an address and its size: a bool.
        Without a target, a new tensor of the host pool's kind."""
        done = self.batch_get(
            [key],
            None if target_location is None else [target_location],
            None if target_sizes is None else [target_sizes],
        )
        return bool(done) if isinstance(done, int) else done[0]

    @never_raises(_nothing_read)
    def batch_get(self, keys, target_locations=None, target_sizes=None):
        """Reads pages into tensors: a list of these and None. For addresses: how many leading ones
        were read."""
        targets = target_locations
        if targets is None:
            targets = [self.mem_pool_host.get_dummy_flat_data_page() for _ in keys]
        done = self._read(*self._generic(keys, targets, target_sizes))
        if target_sizes is not None:
            return leading(done)
        return [target if good else None for target, good in zip(targets, done)]

    def set(self, key, value=None, target_location=None, target_sizes=None):
        """Stores a page from a tensor, or from an address and its size; whether it is stored."""
        return self.batch_set(
            [key],
            None if value is None else [value],
            None if target_location is None else [target_location],
            None if target_sizes is None else [target_sizes],
        )

    @never_raises(lambda *_, **__: False)
    def batch_set(self, keys, values=None, target_locations=None, target_sizes=None):
        """Stores pages as `set`; whether all are stored."""
        given = target_locations if values is None else values
        objects, places = self._generic(keys, given, target_sizes)
        parents = parent_keys(self._prefixes(KV, flat=True), keys)
        return all(self._write(objects, places, parents))

    # The rest.

    @never_raises(lambda *_, **__: None)
    def clear(self):
        """Removes all pages of this model and tag, those of other ranks and engines too."""
        self._store.remove(self._keys.prefix)

    @never_raises(lambda *_, **__: None)
    def get_stats(self):
        """What moved since the last call, as SGLang's StorageMetrics; None when SGLang did not
        enable storage metrics or has no such class."""
        return self._metrics and self._metrics.take()

    def traffic(self):
        """Objects, bytes and seconds read and written since the start, as a dict."""
        return self._store.traffic()

    @never_raises(lambda *_, **__: None)
    def close(self):
        """Ends the connections. Later calls find nothing and store nothing."""
        self._store.close()

    def _is_anchor(self):
        """Whether the KV pool is a logical one, which has no bytes of its own."""
        pool = self.mem_pool_host
        return pool is not None and getattr(pool, "kv_buffer", self) is None

    def _host_pool(self, name):
        if name in self.registered_pools:
            return self.registered_pools[name]
        for entry in getattr(self.mem_pool_host, "entries", None) or ():
            if pool_name(entry.name) == name:
                return entry.host_pool
        if name == KV:
            return self.mem_pool_host
        raise KeyError(f"no host pool {name!r} is registered")

    def _prefixes(self, pool, flat=False):
        return self._keys.prefixes(self._host_pool(pool), pool, flat)

    def _generic(self, keys, targets, sizes):
        """The object keys and places of pages that are tensors or addresses."""
        objects = object_keys(self._prefixes(KV, flat=True), keys)
        if len(targets) != len(keys) or (sizes is not None and len(sizes) != len(keys)):
            raise ValueError(f"{len(keys)} keys, {len(targets)} targets")
        if sizes is None:
            return objects, Places.of_tensors(targets)
        return objects, Places([[address] for address in targets], [[size] for size in sizes])

    def _pages(self, pool, keys, host_indices):
        """The prefixes of a pool, and the addresses and sizes of the pieces of each object."""
        host_pool = self._host_pool(pool)
        tokens = len(keys) * getattr(host_pool, "page_size", 1) if pool == KV else None
        if tokens not in (None, len(host_indices)):
            raise ValueError(f"{len(host_indices)} slots for {len(keys)} pages of {pool}")
        parts = self._keys.parts(pool)
        if parts > 1:
            where = host_pool.get_split_heads_page_buffer_meta(host_indices, parts)
        else:
            where = host_pool.get_page_buffer_meta(host_indices)
        return (self._prefixes(pool), *(cut(items, len(keys) * parts) for items in where))

    def _move(self, move, transfers, before=None):
        """Reads or writes pages of several pools in one batch: a list of bools for each."""
        objects, parents, addresses, sizes, ends = [], [], [], [], []
        answers = [None] * len(transfers)
        for i, (pool, keys, host_indices) in enumerate(transfers):
            if not keys or (pool == KV and self._is_anchor()):
                answers[i] = [True] * len(keys or ())
                continue
            prefixes, its_addresses, its_sizes = self._pages(pool, keys, host_indices)
            objects += object_keys(prefixes, keys)
            parents += parent_keys(prefixes, keys, before)
            addresses += its_addresses
            sizes += its_sizes
            ends.append((i, len(keys), len(prefixes)))
        done = iter(move(objects, Places(addresses, sizes), parents) if objects else ())
        for i, pages, parts in ends:
            answers[i] = [all([next(done) for _ in range(parts)]) for _ in range(pages)]
        return answers

    def _move_pools(self, move, transfers):
        known = [(pool_name(one.name), one.keys, one.host_indices) for one in transfers]
        return dict(zip((one.name for one in transfers), self._move(move, known)))

    def _read(self, objects, places, parents=None):
        return self._measured("prefetch", places, lambda: self._store.read(objects, places))

    def _write(self, objects, places, parents):
        return self._measured("backup", places, lambda: self._store.write(objects, places, parents))

    def _measured(self, direction, places, call):
        if self._metrics is None:
            return call()
        start = time.perf_counter()
        done = call()
        moved = sum(size for size, good in zip(places.sizes, done) if good)
        self._metrics.add(direction, sum(done), moved, time.perf_counter() - start)
        return done


class _Metrics:
    """Pages and GB/s of each transfer until SGLang asks; the oldest go when it does not."""

    def __init__(self):
        self._lock = threading.Lock()
        self._samples = {}

    def add(self, direction, pages, size, seconds):
        with self._lock:
            for name, value in (("pgs", pages), ("bandwidth", size / max(seconds, 1e-9) / 1e9)):
                kept = self._samples.setdefault(f"{direction}_{name}", deque(maxlen=_SAMPLES_MAX))
                kept.append(value)

    def take(self):
        kind = metrics_class()
        if kind is None:
            return None
        with self._lock:
            samples, self._samples = self._samples, {}
        metrics = kind()
        for name, values in samples.items():
            getattr(metrics, name).extend(values)
        return metrics
