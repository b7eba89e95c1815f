"""Each method of memcache_hybrid.DistributedObjectStore, and what it returns."""

import array

import numpy
import pytest
from memcache_programs import Memory, MetaProcess, open_store

import memcache_hybrid
from memcache_hybrid import DistributedObjectStore, ReplicateConfig

DATA = bytes(range(256)) * 40


def test_the_package_exports_what_the_original_does():
    assert memcache_hybrid.__all__ == ["DistributedObjectStore", "KeyInfo", "LocalConfig",
                                       "MetaConfig", "MetaService", "ReplicateConfig"]
    assert [memcache_hybrid.SMEMB_COPY_L2G, memcache_hybrid.G2L, memcache_hybrid.G2H,
            memcache_hybrid.H2G, memcache_hybrid.AUTO] == [0, 1, 2, 3, 9]


@pytest.mark.parametrize("value", [b"x", bytearray(DATA), memoryview(DATA), array.array("i", [1, 2]),
                                   bytes(4096)])
def test_put_and_get_of_any_buffer(store, value):
    assert store.put("key", value) == 0
    assert store.get("key") == bytes(value)
    assert store.is_exist("key") == 1


def test_a_key_that_is_there_keeps_its_value(store):
    assert store.put("key", b"first") == 0
    assert store.put("key", b"second") == 0
    assert store.get("key") == b"first"
    source = Memory(b"third")
    assert store.batch_put_from(["key", "new"], [source.address] * 2, [5, 5]) == [0, 0]
    assert store.get_batch(["key", "new"]) == [b"first", b"third"]


def test_an_empty_value_is_one(store, meta):
    target = Memory(64)
    for key, put in (("a", lambda: store.put("a", b"")), ("b", lambda: store.put("b", bytearray())),
                     ("c", lambda: store.put_from("c", target.address, 0)),
                     ("d", lambda: store.put_batch(["d"], [b""]))):
        assert put() == 0
        assert store.is_exist(key) == 1 and store.get(key) == b""
        assert store.get_key_info(key).size() == 0 and store.get_key_info(key).loc_list() == [0]
        assert store.get_into(key, target.address, 32) == -1
        assert store.get_into(key, target.address, 0) == 0
        assert store.put(key, b"value") == 0 and store.get(key) == b""  # kept
        assert store.remove(key) == 0 and store.is_exist(key) == 0
    store.put("e", b"x" * 32)
    assert store.get_into("e", target.address, 0) == -1 and store.get_key_info("e").size() == 32
    assert store.get("e") == b"x" * 32


def test_put_batch_returns_one_int(store):
    assert store.put_batch(["a", "b"], [b"1", b"22"]) == 0
    assert store.get_batch(["a", "none", "b"]) == [b"1", b"", b"22"]
    assert store.put_batch(["c", ""], [b"1", b"2"]) != 0
    assert store.put_batch(["c"], [b"1", b"2"]) != 0
    assert store.put_batch([], []) == 0


def test_misses(store):
    target = Memory(10)
    assert store.get("none") == b""
    assert store.get_into("none", target.address, 10) == -1
    assert store.batch_get_into(["none", "none2"], [target.address, target.address + 5],
                                [5, 5]) == [-1, -1]
    assert store.get_into_layers("none", [target.address], [10]) == -1
    assert store.is_exist("none") == 0
    assert store.remove("none") == -3102
    assert store.get_key_info("none").size() == 0


def test_by_address(store):
    source, target = Memory(DATA), Memory(len(DATA))
    assert store.put_from("a", source.address, len(DATA)) == 0
    assert store.get_into("a", target.address, len(DATA)) == 0
    assert bytes(target) == DATA
    assert store.put_from("b", source.address + 5, 100, 3) == 0
    assert store.get_into("b", target.address, 100, direct=2) == 0
    assert target[:100] == DATA[5:105]


def test_many_by_address(store):
    source, target = Memory(DATA), Memory(len(DATA))
    keys, sizes = [f"k{n}" for n in range(20)], [100 + n for n in range(20)]
    places = [n * 300 for n in range(20)]
    assert store.batch_put_from(keys, [source.address + at for at in places], sizes) == [0] * 20
    assert store.batch_is_exist(keys=keys) == [1] * 20
    got = store.batch_get_into(keys=keys, buffer_ptrs=[target.address + at for at in places],
                               sizes=sizes)
    assert type(got) is list and got == [0] * 20
    for at, size in zip(places, sizes):
        assert target[at:at + size] == DATA[at:at + size]


def test_lists_may_be_arrays(store):
    source = Memory(DATA)
    places = numpy.array([source.address, source.address + 5], dtype=numpy.uint64)
    sizes = numpy.array([100, 200])
    assert store.batch_put_from(["a", "b"], places, sizes) == [0, 0]
    assert store.put_from_layers("c", places, sizes) == 0
    assert store.get("c") == DATA[:100] + DATA[5:205]


def test_layers_may_be_split_otherwise_at_the_get(store):
    source, target = Memory(DATA), Memory(len(DATA))
    base = source.address
    assert store.put_from_layers("a", [base, base + 1000, base + 7], [10, 20, 30]) == 0
    value = DATA[:10] + DATA[1000:1020] + DATA[7:37]
    assert store.get("a") == value
    assert store.get_into_layers("a", [target.address, target.address + 100], [25, 35]) == 0
    assert target[:25] + target[100:135] == value
    many = store.batch_put_from_layers(["b", "c"], [[base, base + 50], [base + 9]], [[5, 6], [7]], 0)
    assert many == [0, 0]
    assert store.batch_get_into_layers(
        ["b", "none", "c"], [[target.address], [target.address + 50], [target.address + 99]],
        [[11], [1], [7]], 1) == [0, -1, 0]
    assert target[:11] == DATA[:5] + DATA[50:56] and target[99:106] == DATA[9:16]


def test_as_many_layers_as_engines_have(store):
    source, target = Memory(bytes(range(255)) * 64), Memory(255 * 64)
    sizes = [64] * 255
    assert store.put_from_layers("a", [source.address + 64 * n for n in range(255)], sizes, 9) == 0
    assert store.get_into_layers("a", [target.address + 64 * n for n in range(255)], sizes, 9) == 0
    assert bytes(target) == bytes(source)


def test_the_size_of_the_buffer_is_the_size_of_the_object(store):
    store.put("key", b"12345")
    target = Memory(10)
    assert store.get_into("key", target.address, 4) == -1
    assert store.get_into("key", target.address, 6) == -1
    assert store.get_into_layers("key", [target.address, target.address + 5], [3, 3]) == -1
    assert store.get_into("key", target.address, 5) == 0


def test_buffers_of_one_call_may_share_memory(store):
    """Then the later one wins, as where copies are made one by one."""
    keys = [f"k{n}" for n in range(8)]
    store.put_batch(keys, [bytes([n]) * 64 for n in range(8)])
    target = Memory(96)
    at = target.address
    assert store.batch_get_into(keys, [at] * 8, [64] * 8) == [0] * 8
    assert target[:64] == bytes([7]) * 64
    assert store.batch_get_into_layers(["k1", "none", "k2"], [[at], [at], [at + 32]], [[64]] * 3,
                                       1) == [0, -1, 0]
    assert target[:96] == bytes([1]) * 32 + bytes([2]) * 64
    store.put("two", b"a" * 32 + b"b" * 32)
    assert store.get_into_layers("two", [at, at], [32, 32], 1) == 0
    assert target[:32] == b"b" * 32


def test_remove(store):
    store.put_batch(["a", "b", "c"], [b"1", b"2", b"3"])
    assert store.remove("a") == 0 and store.remove("a") == -3102
    assert store.remove_batch(["b", "none", ""]) == [0, -3102, -3000]
    assert store.batch_is_exist(["a", "b", "c"]) == [0, 0, 1]
    assert store.remove_all() == 0 and store.remove_all() == 0
    assert store.is_exist("c") == 0


def test_key_info(store):
    store.put("key", b"12345")
    info = store.get_key_info("key")
    rank = store.get_local_service_id()
    assert (info.size(), info.loc_list(), info.type_list()) == (5, [rank], [1])
    assert len(info.gva_list()) == 1 and info.gva_list()[0] > 0
    assert str(info) == repr(info) == f"loc:{rank}, type:1, blobNum:1, size:5"
    both = store.batch_get_key_info(["none", "key"])
    assert [one.size() for one in both] == [0, 5]
    assert str(both[0]) == "loc: type: blobNum:0, size:0"
    assert store.batch_get_key_info([]) == []
    assert store.get_key_info("key", flag=1).size() == 5


def test_register_buffer_is_only_looked_at(store):
    memory = Memory(100)
    for call in (store.register_buffer, store.unregister_buffer):
        assert call(memory.address, 100) == 0 and call(memory.address, 100) == 0
        assert call(0, 100) == -3000 and call(memory.address, 0) == -3000
    assert store.register_buffer(memory.address, 1 << 45) == 0  # a whole host pool


def test_replicas_and_preferred_services(store, meta):
    other = open_store(meta.url)
    try:
        ranks = [store.get_local_service_id(), other.get_local_service_id()]
        assert len(set(ranks)) == 2
        config = ReplicateConfig()
        assert (config.replicaNum, config.preferredLocalServiceIDs) == (1, [])
        config.replicaNum = 2
        assert store.put("both", b"x" * 1000, config) == 0
        assert sorted(store.get_key_info("both").loc_list()) == sorted(ranks)
        for rank in ranks:
            config = ReplicateConfig()
            config.preferredLocalServiceIDs = [rank]
            assert store.put(f"at {rank}", b"x" * 1000, replicateConfig=config) == 0
            assert store.get_key_info(f"at {rank}").loc_list() == [rank]
        assert store.put("own", b"x") == 0 and other.put("others", b"x") == 0
        assert [store.get_key_info(key).loc_list() for key in ("own", "others")] == [
            [rank] for rank in ranks]
    finally:
        other.close()
    assert store.get("both") == b"x" * 1000  # on the other one too
    assert store.get(f"at {ranks[1]}") == b""  # gone with its local service


@pytest.mark.parametrize("replicas, preferred", [(0, []), (9, []), (1, [0, 1]), (2, [0, 0]),
                                                 (1, [77]), (5, [])])
def test_replicas_that_cannot_be(store, replicas, preferred):
    config = ReplicateConfig()
    config.replicaNum = replicas
    config.preferredLocalServiceIDs = preferred
    assert store.put("key", b"x", config) == -1
    assert store.is_exist("key") == 0


def test_what_does_not_fit_is_told_and_not_stored(store):
    huge = Memory(80 << 20)
    assert store.put_from("huge", huge.address, huge.size) == -1
    assert store.is_exist("huge") == 0


def test_a_pool_without_memory_has_no_room(tmp_path):
    meta = MetaProcess(tmp_path).start()
    store = open_store(meta.url, init_bm=False)
    assert store.put("k", b"x") == -1 and store.is_exist("k") == 0
    assert store.put_batch(["a", "b"], [b"x", b"y"]) == -1
    assert store.close() == 0 and meta.stop() == 0


def test_eviction_makes_room(store):
    block = Memory(8 << 20)
    for n in range(20):  # 160 MiB through 64
        assert store.put_from(f"k{n}", block.address, block.size) == 0
    assert store.is_exist("k19") == 1 and store.is_exist("k0") == 0


def test_calls_before_init_and_after_close():
    store = DistributedObjectStore()
    memory = Memory(8)
    for _ in range(2):
        assert store.put("k", b"x") == -3019
        assert store.get("k") == b"" and store.get_batch(["k", "l"]) == [b"", b""]
        assert store.is_exist("k") == -3019 and store.batch_is_exist(["k", "l"]) == [-3019]
        assert store.batch_put_from(["k"], [memory.address], [8]) == [-3019]
        assert store.batch_get_into_layers(["k"], [[memory.address]], [[8]]) == [-3019]
        assert store.remove("k") == -3019 and store.remove_all() == -3019
        assert store.get_local_service_id() == 4294967295
        assert store.get_key_info("k").size() == 0
        assert store.register_buffer(memory.address, 8) == -3019
        assert store.close() == 0


def test_a_batch_has_an_end(store):
    assert store.batch_is_exist(["k"] * 16384) == [0] * 16384
    assert store.batch_is_exist(["k"] * 16385) == [-3000]
    assert store.batch_is_exist([]) == [] and store.batch_put_from([], [], []) == []
