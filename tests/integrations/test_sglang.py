"""The SGLang backend against a pool, driven with the calls that SGLang's controller makes."""

import hashlib
import threading
from types import SimpleNamespace

import numpy as np
import pytest
from host_pools import HEADS, PAGE, Anchor, Mamba, Mha, Mla, slots

from aquifer.integrations._sglang_interface import (
    HiCacheStorage,
    HiCacheStorageConfig,
    PoolHitPolicy,
    PoolTransfer,
)
from aquifer.integrations.sglang import AquiferHiCache

LAYOUTS = [
    *[(Mha, layout) for layout in ("layer_first", "page_first", "page_first_direct", "page_head")],
    *[(Mla, layout) for layout in ("layer_first", "page_first", "page_first_kv_split")],
]


def chain(count, name="prompt"):
    keys, digest = [], hashlib.sha256(name.encode())
    for i in range(count):
        digest.update(bytes([i]))
        keys.append(digest.hexdigest())
    return keys


def backend(options, host_pool=None, interface_v1=1, **config):
    extra = {"backend_name": "aquifer", "module_path": "aquifer.integrations.sglang",
             "class_name": "AquiferHiCache", "interface_v1": interface_v1, **options}
    config.setdefault("model_name", "org/model")
    made = AquiferHiCache(HiCacheStorageConfig(extra_config=extra, **config), {})
    if host_pool is not None:
        made.register_mem_pool_host(host_pool)
    return made


def calls(store):
    return store._store.client.counters()["meta_calls"]


def same(pool, page, content):
    return all(np.array_equal(a, b) for a, b in zip(pool.page(page), content, strict=True))


@pytest.mark.parametrize(("kind", "layout"), LAYOUTS)
def test_pages_come_back_into_other_slots_in_every_layout(options, kind, layout):
    pool, keys = kind(layout), chain(4)
    pool.fill(1)
    content = [pool.page(page) for page in (5, 0, 2, 7)]
    store = backend(options, pool, is_mla_model=kind is Mla)
    assert store.batch_exists(keys) == 0
    assert store.batch_get_v1(keys, slots(range(4))) == [False] * 4
    assert store.batch_set_v1(keys, slots([5, 0, 2, 7])) == [True] * 4
    assert store.batch_exists([*keys, "f" * 64]) == 4

    pool.clear()
    other = backend(options, pool, is_mla_model=kind is Mla)  # another process has it from the pool
    assert other.batch_get_v1(keys, slots([1, 3, 4, 6])) == [True] * 4
    assert all(same(pool, page, content[i]) for i, page in enumerate((1, 3, 4, 6)))
    assert (pool.page(0)[0] == -1).all()  # nothing beside its target was touched


@pytest.mark.parametrize("transport", ["shm", "tcp"])
def test_a_get_after_exists_asks_meta_nothing(options, transport):
    options = {**options, "transport": transport}
    pool, keys, others = Mha("page_first"), chain(8), chain(6, "another prompt")
    for some in (others, keys[:6]):
        assert all(backend(options, pool).batch_set_v1(some, slots(range(6))))
    store = backend(options, pool)
    for _ in range(2):  # connects to meta and the node, and learns of both
        assert store.batch_exists(others) == 6
        assert all(store.batch_get_v1(others, slots(range(6))))
    before = calls(store)
    assert store.batch_exists(keys) == 6
    assert calls(store) == before + 1
    assert store.batch_get_v1(keys[:6], slots(range(6))) == [True] * 6
    assert calls(store) == before + 1


def test_the_page_before_a_batch_may_be_named(options):
    pool, keys = Mha("page_first"), chain(6)
    store = backend(options, pool)
    for prefix in ([], None, keys[:2]):
        extra = SimpleNamespace(prefix_keys=prefix, extra_info=None)
        assert store.batch_set_v1(keys[2:], slots(range(4)), extra) == [True] * 4
        store.clear()


def test_put_of_pages_that_are_there_succeeds_for_every_rank(options):
    pool, keys = Mla("page_first"), chain(8)
    ranks = [backend(options, pool, is_mla_model=True, tp_rank=i, tp_size=4) for i in range(4)]
    answers = [None] * 4

    def put(rank):
        answers[rank] = ranks[rank].batch_set_v1(keys, slots(range(8)))

    threads = [threading.Thread(target=put, args=[rank]) for rank in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [[True] * 8] * 4
    assert [rank.batch_exists(keys) for rank in ranks] == [8] * 4


def test_ranks_with_heads_of_their_own_do_not_meet(options):
    pool, keys = Mha("page_first"), chain(2)
    first, second = (backend(options, pool, tp_rank=i, tp_size=2) for i in range(2))
    assert first.batch_set_v1(keys, slots([0, 1])) == [True, True]
    assert (first.batch_exists(keys), second.batch_exists(keys)) == (2, 0)
    stages = [backend(options, pool, tp_size=2, pp_rank=i, pp_size=2) for i in range(2)]
    assert [stage.batch_exists(keys) for stage in stages] == [0, 0]


@pytest.mark.parametrize("change", [
    {"model_name": "other/model"}, {"tag": "b"}, {"layout": "page_first_direct"},
    {"namespace": "elsewhere"}, {"dtype": np.dtype(np.float32)}])
def test_what_makes_bytes_differ_makes_keys_differ(options, change):
    keys = chain(2)
    assert all(backend(options, Mha("page_first")).batch_set_v1(keys, slots([0, 1])))
    pool = Mha(change.get("layout", "page_first"))
    pool.dtype = change.get("dtype", pool.dtype)
    config = {name: change[name] for name in ("model_name",) if name in change}
    extra = {name: change[name] for name in ("tag", "namespace") if name in change}
    assert backend({**options, **extra}, pool, **config).batch_exists(keys) == 0
    assert backend(options, Mha("page_first")).batch_exists(keys) == 2


def test_an_engine_with_half_as_many_ranks_finds_the_heads_of_all(options):
    wide, keys = Mha("page_head"), chain(3)
    wide.fill(3)
    split = backend(options, wide, tp_rank=0, tp_size=2, tp_lcm_size=4, should_split_heads=True)
    assert split.batch_set_v1(keys, slots([0, 1, 2])) == [True] * 3
    assert split.batch_exists(keys) == 3
    for rank in range(2):
        narrow = Mha("page_head", heads=HEADS // 2)
        whole = backend(options, narrow, tp_rank=rank, tp_size=4, tp_lcm_size=4)
        assert whole.batch_exists(keys) == 3
        assert whole.batch_get_v1(keys, slots([4, 5, 6])) == [True] * 3
        heads = slice(rank * 2, rank * 2 + 2)
        for ours, theirs in zip(narrow.arrays, wide.arrays):
            assert np.array_equal(ours[4:7], theirs[0:3, heads])
    wide.clear()
    assert split.batch_get_v1(keys, slots([3, 4, 5])) == [True] * 3


def test_half_of_a_split_page_is_a_miss(options, client):
    pool, keys = Mha("page_head"), chain(2)
    store = backend(options, pool, tp_size=2, tp_lcm_size=4, should_split_heads=True)
    store.batch_set_v1(keys, slots([0, 1]))
    [gone] = [key for key in client.iter_keys() if keys[1] in key and "tp1of4" in key]
    client.remove(gone)
    assert store.batch_exists(keys) == 1
    assert store.batch_get_v1(keys, slots([0, 1])) == [True, False]


def test_a_hole_ends_the_run_and_is_one_false(options, client):
    pool, keys = Mha("page_first"), chain(6)
    store = backend(options, pool)
    store.batch_set_v1(keys, slots(range(6)))
    [hole] = [key for key in client.iter_keys() if keys[3] in key]
    client.remove(hole)
    assert store.batch_exists(keys) == 3
    assert store.batch_get_v1(keys, slots(range(6))) == [True] * 3 + [False, True, True]
    assert store.batch_set_v1(keys, slots(range(6))) == [True] * 6
    assert store.batch_exists(keys) == 6


def test_the_generic_path_moves_tensors(options):
    pool, keys = Mha("layer_first"), chain(3)
    pool.fill(4)
    pages = [pool.get_data_page(i * PAGE) for i in range(3)]
    store = backend(options, pool, interface_v1=0)
    assert store.batch_set(keys[:2], pages[:2]) is True
    assert store.set(keys[2], pages[2]) is True
    assert store.batch_exists(keys) == 3
    assert store.exists(keys[2]) is True
    assert store.exists("0" * 64) is False
    targets = [pool.get_dummy_flat_data_page() for _ in range(4)]
    got = store.batch_get([*keys, "0" * 64], targets)
    assert all(np.array_equal(a, b) for a, b in zip(got, pages)) and got[3] is None
    assert np.array_equal(store.get(keys[1]), pages[1])
    assert store.get("0" * 64, pool.get_dummy_flat_data_page()) is None
    assert store.get(keys[0], np.zeros(3, np.float16)) is None  # too small a target


def test_the_generic_path_takes_addresses(options):
    source, target = np.arange(100, dtype=np.uint8), np.zeros((2, 50), np.uint8)
    store = backend(options, interface_v1=0)
    first, second = source.ctypes.data, source.ctypes.data + 50
    assert store.set("a", target_location=first, target_sizes=50) is True
    assert store.batch_set(["b"], target_locations=[second], target_sizes=[50]) is True
    assert store.get("b", target[1].ctypes.data, 50) is True
    assert store.get("c", target[1].ctypes.data, 50) is False
    into = [target[0].ctypes.data, target[1].ctypes.data]
    assert store.batch_get(["a", "c"], into, [50, 50]) == 1
    assert np.array_equal(target.ravel(), source)


def test_both_paths_are_found_by_exists(options):
    pool, (key, other) = Mha("page_first"), chain(2)
    store = backend(options, pool)
    assert store.set(key, pool.get_data_page(0)) is True
    assert store.batch_set_v1([other], slots([1])) == [True]
    assert (store.exists(key), store.exists(other)) == (True, True)


def hybrid(options, kv, **pools):
    store = backend(options, kv)
    for name, pool in pools.items():
        store.register_mem_host_pool_v2(pool, name)
    return store


def test_a_hybrid_model_needs_its_last_state(options):
    kv, mamba, keys = Mha("page_first"), Mamba(), chain(6)
    kv.fill(5)
    mamba.fill(6)
    store = hybrid(options, kv, mamba=mamba)
    trailing = PoolTransfer("mamba", keys=keys[-1:], hit_policy=PoolHitPolicy.TRAILING_PAGES)
    assert store.batch_exists_v2(keys, [trailing]).kv_hit_pages == 0
    done = store.batch_set_v2([
        PoolTransfer("kv", slots(range(6)), keys=keys),
        PoolTransfer("mamba", np.array([0, 1]), keys=[keys[1], keys[3]])])
    assert done == {"kv": [True] * 6, "mamba": [True, True]}
    before = calls(store)
    found = store.batch_exists_v2(keys, [trailing])
    assert calls(store) == before + 1
    assert (found.kv_hit_pages, found.restorable_prefix_pages) == (4, [2, 4])
    assert found.extra_pool_hit_pages == {"mamba": 4}

    states = [mamba.page(1), kv.page(2)]
    mamba.clear()
    kv.clear()
    got = store.batch_get_v2([
        PoolTransfer("kv", slots(range(4)), keys=keys[:4]),
        PoolTransfer("mamba", np.array([7, 6]), keys=[keys[3], keys[5]])])
    assert got == {"kv": [True] * 4, "mamba": [True, False]}
    assert same(mamba, 7, states[0]) and same(kv, 2, states[1])
    assert calls(store) == before + 2  # for the state that is not there


def test_a_window_needs_its_last_pages_and_a_full_pool_all(options):
    kv, swa, indexer, keys = Mha("page_first"), Mha("page_first"), Mha("page_first"), chain(6)
    store = hybrid(options, kv, swa=swa, indexer=indexer)
    store.batch_set_v2([
        PoolTransfer("kv", slots(range(6)), keys=keys),
        PoolTransfer("indexer", slots(range(5)), keys=keys[:5]),
        PoolTransfer("swa", slots(range(4)), keys=keys[1:5])])
    asked = [PoolTransfer("indexer", keys=keys),
             PoolTransfer("swa", keys=keys[-2:], hit_policy=PoolHitPolicy.TRAILING_PAGES)]
    found = store.batch_exists_v2(keys, asked)
    assert (found.kv_hit_pages, found.restorable_prefix_pages) == (5, [3, 4, 5])
    found = store.batch_exists_v2(keys[:2], asked)
    assert (found.kv_hit_pages, found.restorable_prefix_pages) == (0, [])


def test_objects_of_several_logical_pages_bound_the_prefix_in_their_steps(options):
    keys, wide = chain(7), Mha("page_first")
    store = hybrid(options, Anchor(), deepseek_v4_c4=wide)
    objects = [keys[3], keys[6]]
    assert store.batch_exists(keys) == 7
    assert store.batch_get_v1(keys, slots(range(7))) == [True] * 7
    assert store.batch_set_v1(keys, slots(range(7))) == [True] * 7
    transfer = PoolTransfer("deepseek_v4_c4", slots([0]), keys=objects[:1],
                            logical_pages_per_object=4)
    assert store.batch_set_v2([transfer]) == {"deepseek_v4_c4": [True]}
    asked = PoolTransfer("deepseek_v4_c4", keys=objects, logical_pages_per_object=4)
    assert store.batch_exists_v2(keys, [asked]).kv_hit_pages == 4
    assert store.batch_exists_v2(keys[:3], [
        PoolTransfer("deepseek_v4_c4", logical_pages_per_object=4)]).kv_hit_pages == 0


def test_pools_of_a_group_are_found(options):
    kv, draft, keys = Mha("page_first"), Mha("page_first"), chain(2)
    group = SimpleNamespace(kv_buffer=kv.kv_buffer, page_size=PAGE, entries=[
        SimpleNamespace(name="kv", host_pool=kv), SimpleNamespace(name="draft", host_pool=draft)])
    store = backend(options, group)
    transfers = [PoolTransfer(name, slots([0, 1]), keys=keys) for name in ("kv", "draft")]
    assert store.batch_set_v2(transfers) == {"kv": [True] * 2, "draft": [True] * 2}
    assert store.batch_exists_v2(keys, [PoolTransfer("draft", keys=keys)]).kv_hit_pages == 2


def test_clear_removes_this_model_only(options):
    pool, keys = Mha("page_first"), chain(3)
    one, two = backend(options, pool), backend(options, pool, model_name="org/model-2")
    for store in (one, two):
        store.batch_set_v1(keys, slots(range(3)))
    assert one.clear() is None
    assert (one.batch_exists(keys), two.batch_exists(keys)) == (0, 3)


def test_nothing_raises_whatever_is_given(options):
    pool, keys = Mha("page_first"), chain(2)
    store = backend(options, pool)
    assert store.batch_get_v1(keys, slots([0])) == [False] * 2  # slots for one page only
    assert store.batch_set_v1(keys, None) == [False] * 2
    assert store.batch_set_v1([], slots([])) == []
    assert store.batch_get_v1([], slots([])) == []
    assert store.batch_exists([]) == 0
    assert store.batch_exists([None]) == 0
    assert store.exists(17) is False
    assert store.batch_get(keys, [None, None]) == [None, None]
    assert store.batch_set(keys, ["text", object()]) is False
    assert store.set(keys[0]) is False
    assert store.batch_exists_v2(keys, [PoolTransfer("no such pool")]).kv_hit_pages == 0
    transfers = [PoolTransfer("no such pool", slots([0]), keys=keys[:1])]
    assert store.batch_set_v2(transfers) == {"no such pool": [False]}
    assert store.batch_get_v2(transfers) == {"no such pool": [False]}
    unregistered = backend(options)
    assert unregistered.batch_get_v1(keys, slots([0, 1])) == [False] * 2
    assert unregistered.get(keys[0]) is None


def test_after_close_everything_is_a_miss(options):
    pool, keys = Mha("page_first"), chain(2)
    store = backend(options, pool)
    store.batch_set_v1(keys, slots([0, 1]))
    store.close()
    store.close()
    assert store.batch_exists(keys) == 0
    assert store.batch_get_v1(keys, slots([0, 1])) == [False] * 2
    assert store.batch_set_v1(keys, slots([0, 1])) == [False] * 2
    store.clear()


@pytest.mark.parametrize("bad", [{"timeout": "soon"}, {"replicas": "two"}, {"meta": "nowhere"}])
def test_a_bad_option_is_refused_at_the_start(options, bad):
    with pytest.raises(ValueError, match=next(iter(bad.values()))):
        backend({**options, **bad})


def test_statistics_are_given_to_an_sglang_that_has_a_class_for_them(options, monkeypatch):
    class StorageMetrics:
        def __init__(self):
            self.prefetch_pgs, self.backup_pgs = [], []
            self.prefetch_bandwidth, self.backup_bandwidth = [], []

    pool, keys = Mha("page_first"), chain(3)
    store = backend(options, pool, enable_storage_metrics=True)
    store.batch_set_v1(keys, slots(range(3)))
    store.batch_get_v1(keys[:2], slots([0, 1]))
    assert store.get_stats() is None  # no SGLang here
    monkeypatch.setattr("aquifer.integrations.sglang.metrics_class", lambda: StorageMetrics)
    stats = store.get_stats()
    assert (stats.backup_pgs, stats.prefetch_pgs) == ([3], [2])
    assert len(stats.backup_bandwidth) == 1 and stats.prefetch_bandwidth[0] > 0
    assert store.get_stats().backup_pgs == []
    assert backend(options, pool).get_stats() is None
    traffic = store.traffic()
    assert (traffic["written"]["done"], traffic["read"]["done"]) == (3, 2)


def test_the_dynamic_loader_takes_it(options):
    assert issubclass(AquiferHiCache, HiCacheStorage)
    pool = Mha("page_first")
    config = HiCacheStorageConfig(extra_config={**options, "interface_v1": 1})
    assert AquiferHiCache(config, pool).mem_pool_host is pool
    assert AquiferHiCache(config, {"mem_pool_host": pool}).mem_pool_host is pool
    old = SimpleNamespace(tp_rank=0, tp_size=1, is_mla_model=False, model_name=None,
                          extra_config=options)  # without the fields of later versions
    assert AquiferHiCache(old, {}).batch_exists(chain(2)) == 0
