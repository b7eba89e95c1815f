"""How wrong arguments are refused: by code as the original does, by TypeError for wrong types."""

import ctypes
import enum
import mmap

import pytest
from memcache_programs import Memory

from memcache_hybrid import ReplicateConfig

LONG = "k" * 257


@pytest.mark.parametrize("key", ["", LONG])
def test_keys_have_1_to_256_bytes(store, key):
    memory = Memory(8)
    at = memory.address
    assert store.put(key, b"x") == -1 and store.get(key) == b""
    assert store.put_from(key, at, 8) == -1 and store.get_into(key, at, 8) == -1
    assert store.is_exist(key) == -3000 and store.remove(key) == -3000
    assert store.batch_put_from(["good", key], [at, at], [8, 8]) == [-1, -1]
    assert store.batch_is_exist(["good", key]) == [0, -3000]
    assert store.batch_put_from_layers(["good", key], [[at], [at]], [[8], [8]], 0) == [0, -3000]
    assert store.batch_get_into(["good", key], [at, at], [8, 8]) == [-1, -1]
    assert store.batch_get_into_layers(["good", key], [[at], [at]], [[8], [8]], 1) == [0, -3000]


def test_long_keys_of_engines(store):
    key = "org/model-name@pcp0@dcp0@head_or_tp_rank:3@pp_rank:0@group:0@" + "f" * 150 + "/é"
    assert store.put(key, b"value") == 0
    assert store.get(key) == b"value" and store.get(key.encode()) == b"value"


def test_null_and_foreign_addresses(store):
    memory = Memory(8)
    assert store.batch_put_from(["a", "b"], [memory.address, 0], [8, 8]) == [-1, -1]
    assert store.is_exist("a") == 0
    assert store.put_from("a", 0, 8) == -1
    assert store.put_from_layers("a", [memory.address, 0], [4, 4]) == -3000
    device = 0x100000000000
    assert store.batch_put_from(["a"], [device], [4096]) == [-1]
    assert store.put_from_layers("a", [device], [4096], 9) == -3000
    store.put("a", b"12345678")
    assert store.get_into("a", device, 8) == -1
    assert store.batch_get_into_layers(["a"], [[device]], [[8]], 1) == [-3000]


@pytest.mark.parametrize("address", [1, 0x10, 0x1000, 0x1fffff])
def test_numbers_that_are_no_addresses(store, address):
    store.put("there", b"12345678")
    assert store.put_from("a", address, 10) == -1
    assert store.batch_put_from(["a"], [address], [10]) == [-1]
    assert store.put_from_layers("a", [address], [10], 0) == -3000
    assert store.get_into("there", address, 8) == -1
    (gva,) = store.batch_alloc(["open"], [100])
    assert store.batch_copy([gva], [address], [10], 0) == -3000
    assert store.batch_write_finish(["open"], [1]) == [0]


def test_reserved_memory_is_not_touched(store):
    libc = ctypes.CDLL(None)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int,
                          ctypes.c_long]
    libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
    size = 8 << 20
    at = libc.mmap(None, size, 0, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1, 0)
    try:
        assert store.register_buffer(at, size) == 0
        assert store.batch_put_from(["a"], [at + (4 << 20)], [4096]) == [-1]
    finally:
        libc.munmap(at, size)


@pytest.mark.parametrize("direct", [1, 2, 4, 7, -1])
def test_directions_that_do_not_put(store, direct):
    memory = Memory(8)
    at = memory.address
    assert store.put_from("a", at, 8, direct) == -1
    assert store.batch_put_from(["a", "b"], [at, at], [8, 8], direct) == [-1, -1]
    assert store.put_from_layers("a", [at], [8], direct) == -3000
    assert store.batch_put_from_layers(["a"], [[at]], [[8]], direct) == [-3000]
    assert store.is_exist("a") == 0


@pytest.mark.parametrize("direct", [0, 3, 4, 7, -1])
def test_directions_that_do_not_get(store, direct):
    memory = Memory(8)
    store.put("a", b"12345678")
    assert store.get_into("a", memory.address, 8, direct) == -1
    assert store.batch_get_into(["a"], [memory.address], [8], direct) == [-1]
    assert store.batch_get_into_layers(["a"], [[memory.address]], [[8]], direct) == [-3000]


def test_lists_that_do_not_fit_together(store):
    memory = Memory(8)
    at = memory.address
    assert store.batch_put_from(["a", "b"], [at], [8]) == [-1, -1]
    assert store.batch_put_from(["a", "b"], [at, at], [8]) == [-1, -1]
    assert store.batch_get_into(["a"], [at, at], [8, 8]) == [-1]
    assert store.batch_put_from_layers(["a", "b"], [[at]], [[8]], 0) == [-3000, -3000]
    assert store.batch_put_from_layers(["a", "b"], [[at], [at, at]], [[8], [8]], 0) == [0, -3000]
    assert store.put_from_layers("c", [at, at], [8]) == -3000
    assert store.put_from_layers("c", [], []) == -3000
    assert store.put_from_layers("c", [at] * 256, [1] * 256) == -3000


@pytest.mark.parametrize(
    "name, arguments",
    [
        ("put", (1, b"x")),
        ("put", ("k", "text")),
        ("put", ("k", 5)),
        ("put", ("k", memoryview(bytes(10))[::2])),
        ("put", ("k", b"x", 2)),
        ("put_from", ("k", -1, 8)),
        ("put_from", ("k", "address", 8)),
        ("put_from", ("k", 1.5, 8)),
        ("put_from", ("k", 4096, -8)),
        ("batch_put_from", ("k", [1], [1])),
        ("batch_put_from", (["k"], 1, [1])),
        ("batch_put_from", ([1], [4096], [1])),
        ("batch_put_from_layers", (["k"], [4096], [8])),
        ("batch_is_exist", ("keys",)),
        ("is_exist", (None,)),
        ("get", ()),
        ("init", ("device",)),
        ("setup", ({},)),
    ],
)
def test_wrong_types_are_type_errors(store, name, arguments):
    with pytest.raises(TypeError):
        getattr(store, name)(*arguments)


class Copy(enum.Enum):
    L2G = 0


def test_an_enum_is_not_an_int_but_its_value_is(store):
    memory = Memory(8)
    with pytest.raises(TypeError):
        store.put_from("a", memory.address, 8, Copy.L2G)
    assert store.put_from("a", memory.address, 8, Copy.L2G.value) == 0


@pytest.mark.parametrize("name", ["put", "put_from", "batch_put_from", "get_into", "batch_copy"])
def test_an_unknown_keyword_is_named(store, name):
    with pytest.raises(TypeError, match="no_such_keyword"):
        getattr(store, name)("k", no_such_keyword=1)


@pytest.mark.parametrize("name", ["remove", "remove_batch", "is_exist", "get", "get_batch"])
def test_some_are_positional_only(store, name):
    with pytest.raises(TypeError):
        getattr(store, name)(**{"keys" if "batch" in name else "key": "k"})


def test_keywords_as_the_original_has_them(store):
    memory, config = Memory(b"12345678"), ReplicateConfig()
    at = memory.address
    assert store.put(key="a", buf=b"12345678", replicateConfig=config) == 0
    assert store.put_batch(keys=["b"], values=[b"1"], replicateConfig=config) == 0
    assert store.put_from(key="c", buffer_ptr=at, size=8, direct=3, replicateConfig=config) == 0
    assert store.batch_put_from(keys=["d"], buffer_ptrs=[at], sizes=[8], direct=0,
                                replicateConfig=config) == [0]
    assert store.put_from_layers(key="e", buffer_ptrs=[at], sizes=[8], direct=9,
                                 replicateConfig=config) == 0
    assert store.batch_put_from_layers(keys=["f"], buffer_ptrs=[[at]], sizes=[[8]], direct=0,
                                       replicateConfig=config) == [0]
    assert store.get_into(key="a", buffer_ptr=at, size=8, direct=1) == 0
    assert store.batch_get_into(keys=["a"], buffer_ptrs=[at], sizes=[8], direct=2) == [0]
    assert store.get_into_layers(key="a", buffer_ptrs=[at], sizes=[8], direct=9) == 0
    assert store.batch_get_into_layers(keys=["a"], buffer_ptrs=[[at]], sizes=[[8]], direct=1) == [0]
    assert store.register_buffer(buffer_ptr=at, size=8) == 0
    assert store.unregister_buffer(buffer_ptr=at, size=8) == 0


def test_replicate_config_types():
    config = ReplicateConfig()
    for value in (-1, "2", 1 << 16, None):
        with pytest.raises(TypeError):
            config.replicaNum = value
    for value in (1, ["a"], [1 << 40]):
        with pytest.raises(TypeError):
            config.preferredLocalServiceIDs = value
