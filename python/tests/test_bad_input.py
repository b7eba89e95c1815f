"""What is wrong with an argument is TypeError or ValueError, which name it and the limit."""

import numpy as np
import pytest

import aquifer

KEY_CALLS = {
    "get": (),
    "exists": (),
    "remove": (),
    "stat": (),
    "view": (),
    "unpin": (),
    "pin": (60,),
    "put": (b"value",),
    "put_if_absent": (b"value",),
    "replace": (b"value",),
    "open_put": (5,),
    "get_into": (bytearray(1),),
    "get_range": (0, 5),
    "get_range_into": (0, bytearray(1)),
}
KEYS_CALLS = {
    "get_batch": (),
    "exists_batch": (),
    "exists_or_fill_batch": (),
    "remove_batch": (),
    "match_prefix": (),
    "view_batch": (),
    "unpin_batch": (),
    "pin_batch": (60,),
    "put_batch": ([b"value"],),
    "put_if_absent_batch": ([b"value"],),
    "replace_batch": ([b"value"],),
    "open_put_batch": ([5],),
    "get_into_batch": ([bytearray(1)],),
    "get_range_batch": ([0], [5]),
    "get_range_into_batch": ([0], [bytearray(1)]),
}


@pytest.mark.parametrize("method", KEY_CALLS)
@pytest.mark.parametrize(
    "key, error, words",
    [
        ("", ValueError, "key has 0 bytes.*1 to 1024"),
        (b"", ValueError, "key has 0 bytes.*1 to 1024"),
        ("k" * 1025, ValueError, "key has 1025 bytes.*1 to 1024"),
        ("é" * 513, ValueError, "key has 1026 bytes.*1 to 1024"),
        ("\ud800", ValueError, "key is not valid Unicode"),
        (5, TypeError, "key must be str or bytes, not int"),
        (None, TypeError, "key must be str or bytes, not NoneType"),
        (bytearray(b"key"), TypeError, "key must be str or bytes, not bytearray"),
        (["key"], TypeError, "key must be str or bytes, not list"),
    ],
)
def test_bad_keys(client, method, key, error, words):
    with pytest.raises(error, match=words):
        getattr(client, method)(key, *KEY_CALLS[method])


@pytest.mark.parametrize("method", KEYS_CALLS)
@pytest.mark.parametrize(
    "keys, error, words",
    [
        ("abc", TypeError, "keys must be a list or tuple of str or bytes, not str"),
        (b"abc", TypeError, "not bytes"),
        ({"a": 1}, TypeError, "not dict"),
        (iter(["a"]), TypeError, "not list_iterator"),
        (None, TypeError, "not NoneType"),
        (["a", ""], ValueError, r"keys\[1\] has 0 bytes.*1 to 1024"),
        (["a", "b", 3], TypeError, r"keys\[2\] must be str or bytes, not int"),
        (["a"] * 16385, ValueError, "keys has 16385 elements.*at most 16384"),
    ],
)
def test_bad_lists_of_keys(client, method, keys, error, words):
    with pytest.raises(error, match=words):
        getattr(client, method)(keys, *KEYS_CALLS[method])


BAD_VALUES = [
    (b"", ValueError, "value has no bytes; a value has at least 1"),
    ([], ValueError, "value has no bytes"),
    ([b"", b""], ValueError, "value has no bytes"),
    ((1, 0), ValueError, "value has no bytes"),
    (np.zeros(0), ValueError, "value has no bytes"),
    ("text", TypeError, "value must be a bytes-like object.*not str"),
    (None, TypeError, "not NoneType"),
    (5, TypeError, "not int"),
    ({"a": b"b"}, TypeError, "not dict"),
    ([b"a", "text"], TypeError, r"value\[1\] must be a bytes-like object.*not str"),
    ([b"a", [b"b"]], TypeError, r"value\[1\].*not list"),
    ([1, 2], TypeError, r"value\[0\].*not int"),
    ((1, 2, 3), TypeError, r"value\[0\].*not int"),
    ([(1, 2.5)], TypeError, r"value\[0\].*not tuple"),
    ((0, 10), ValueError, "value has a null address"),
    ([b"a", (0, 10)], ValueError, r"value\[1\] has a null address"),
    ((-1, 10), ValueError, "address that is not one of memory"),
    ((1 << 64, 10), ValueError, "address that is not one of memory"),
    ([(4096, -10)], ValueError, r"value\[0\] has a length that is negative"),
    ((4096, 1 << 80), ValueError, "length that is negative or larger than any memory"),
    (((1 << 64) - 5, 10), ValueError, "past the end of the address space"),
    ([b"a"] * 4097, ValueError, "value has 4097 pieces.*at most 4096"),
    (np.zeros((4, 4)).T, ValueError, "value must be C-contiguous"),
    (np.zeros(10)[::2], ValueError, "value must be C-contiguous"),
    (memoryview(bytes(10))[::-1], ValueError, "value must be C-contiguous"),
]


@pytest.mark.parametrize("value, error, words", BAD_VALUES)
def test_bad_values(client, value, error, words):
    with pytest.raises(error, match=words):
        client.put("key", value)
    with pytest.raises(error, match=words.replace("value", r"values\[1\]", 1)):
        client.put_batch(["a", "key"], [b"good", value])
    assert client.exists_batch(["a", "key"]) == [False, False]


@pytest.mark.parametrize("value, error, words", BAD_VALUES)
def test_bad_destinations(client, value, error, words):
    words = words.replace("value", "buffers", 1).replace("be C-", "be writable and C-")
    if isinstance(value, bytes):
        value = bytearray(value)
    if isinstance(value, list):
        value = [bytearray(piece) if isinstance(piece, bytes) else piece for piece in value]
    with pytest.raises(error, match=words):
        client.get_into("key", value)


@pytest.mark.parametrize(
    "buffer", [b"read-only", memoryview(b"read-only"), np.frombuffer(b"read-only", np.uint8)]
)
def test_read_only_destinations(client, buffer):
    with pytest.raises(ValueError, match="buffers must be writable"):
        client.get_into("key", buffer)
    with pytest.raises(ValueError, match=r"buffers\[0\]\[1\] must be writable"):
        client.get_into_batch(["key"], [[bytearray(5), buffer]])


def test_overlapping_destinations(client):
    memory = np.zeros(100, np.uint8)
    overlapping = [
        [memory[:60], memory[59:]],
        [memory[50:], memory[:51]],
        [memory, memory[10:20]],
        [memory[10:20], memory[90:], memory],
        [memory, (memory.ctypes.data + 99, 1)],
    ]
    for buffers in overlapping:
        with pytest.raises(ValueError, match="buffers overlap"):
            client.get_into("key", buffers)
        with pytest.raises(ValueError, match="buffers overlap"):
            client.get_into_batch([f"key{i}" for i in range(len(buffers))], buffers)
    assert client.get_into("key", [memory[50:], memory[:50]]) == 0


def test_counts_of_keys_and_values_must_agree(client):
    with pytest.raises(ValueError, match="values has 1 elements for 2 keys"):
        client.put_batch(["a", "b"], [b"1"])
    with pytest.raises(ValueError, match="values has 2 elements for 1 keys"):
        client.put_batch(["a"], [b"1", b"2"])
    with pytest.raises(ValueError, match="buffers has 0 elements for 1 keys"):
        client.get_into_batch(["a"], [])
    with pytest.raises(TypeError, match="values must be a list or tuple"):
        client.put_batch(["a"], b"1")
    with pytest.raises(TypeError, match="values must be a list or tuple"):
        client.put_batch(["a"], np.zeros((1, 5)))


@pytest.mark.parametrize(
    "options, error, words",
    [
        ({"replicas": 0}, ValueError, "replicas must be 1 to 8"),
        ({"replicas": 9}, ValueError, "replicas must be 1 to 8"),
        ({"replicas": -1}, ValueError, "replicas must be 1 to 8"),
        ({"replicas": 10**30}, ValueError, "replicas must be 1 to 8"),
        ({"replicas": 1.5}, TypeError, "replicas must be int, not float"),
        ({"replicas": True}, TypeError, "replicas must be int, not bool"),
        ({"preferred_node": 5}, TypeError, "preferred_node must be str, not int"),
        ({"namespace": ""}, ValueError, "namespace has 0 bytes.*1 to 255"),
        ({"namespace": "n" * 256}, ValueError, "namespace has 256 bytes.*1 to 255"),
        ({"namespace": "a\0b"}, ValueError, "namespace has a zero byte"),
        ({"namespace": b"bytes"}, TypeError, "namespace must be str, not bytes"),
        ({"timeout": 0}, ValueError, "timeout must be more than 0"),
        ({"timeout": -1.0}, ValueError, "timeout must be more than 0"),
        ({"timeout": float("nan")}, ValueError, "timeout must be more than 0"),
        ({"timeout": float("inf")}, ValueError, "timeout must be more than 0 and at most 3600"),
        ({"timeout": 10**400}, ValueError, "timeout must be more than 0 and at most 3600"),
        ({"timeout": "5s"}, TypeError, "timeout must be a number of seconds, not str"),
        ({"unknown": 1}, TypeError, "unknown"),
    ],
)
def test_bad_options_of_a_call(client, options, error, words):
    with pytest.raises(error, match=words):
        client.put("key", b"value", **options)
    with pytest.raises(error, match=words):
        client.put_batch(["key"], [b"value"], **options)


@pytest.mark.parametrize(
    "options, error, words",
    [
        ({"parent": ""}, ValueError, "parent has 0 bytes.*1 to 1024"),
        ({"parent": 5}, TypeError, "parent must be str or bytes, not int"),
        ({"mode": "maybe"}, ValueError, "mode must be 'keep', 'if_absent' or 'replace'"),
        ({"mode": None}, TypeError, "mode must be str, not NoneType"),
        ({"lifetime": 0}, ValueError, "lifetime must be more than 0 and at most 600 seconds"),
        ({"lifetime": 601}, ValueError, "lifetime must be more than 0 and at most 600 seconds"),
        ({"lifetime": "60s"}, TypeError, "lifetime must be a number of seconds, not str"),
    ],
)
def test_bad_options_of_an_open_put(client, options, error, words):
    with pytest.raises(error, match=words):
        client.open_put("key", 5, **options)
    if "parent" not in options:
        with pytest.raises(error, match=words):
            client.open_put_batch(["key"], [5], **options)


@pytest.mark.parametrize(
    "parents, error, words",
    [
        ([None], ValueError, "parents has 1 elements for 2 keys"),
        (["root", ""], ValueError, r"parents\[1\] has 0 bytes"),
        (["root", 5], TypeError, r"parents\[1\] must be str or bytes, not int"),
        ("root", TypeError, "parents must be a list or tuple"),
    ],
)
def test_bad_parents(client, parents, error, words):
    with pytest.raises(error, match=words):
        client.put_batch(["a", "b"], [b"1", b"2"], parents=parents)
    with pytest.raises(error, match=words):
        client.open_put_batch(["a", "b"], [1, 2], parents=parents)
    assert client.exists_batch(["a", "b"]) == [False, False]


SECOND_OF_TWO = [
    (-1, ValueError, "must be {low} to"),
    (2**48 + 1, ValueError, "must be {low} to"),
    (10**30, ValueError, "must be {low} to"),
    (1.5, TypeError, "must be int, not float"),
    (True, TypeError, "must be int, not bool"),
    (None, TypeError, "must be int, not NoneType"),
]


@pytest.mark.parametrize("number, error, words", SECOND_OF_TWO)
def test_bad_sizes_offsets_and_lengths(client, number, error, words):
    keys, buffers = ["a", "b"], [bytearray(5), bytearray(5)]
    for low, name, single, batch in [
        (1, "size", lambda: client.open_put("key", number), client.open_put_batch),
        (
            0,
            "offset",
            lambda: client.get_range("key", number, 5),
            lambda keys, numbers: client.get_range_batch(keys, numbers, [5, 5]),
        ),
        (
            0,
            "offset",
            lambda: client.get_range_into("key", number, bytearray(5)),
            lambda keys, numbers: client.get_range_into_batch(keys, numbers, buffers),
        ),
        (
            1,
            "length",
            lambda: client.get_range("key", 0, number),
            lambda keys, numbers: client.get_range_batch(keys, [0, 0], numbers),
        ),
    ]:
        wanted = words.format(low=low)
        with pytest.raises(error, match=f"{name} {wanted}"):
            single()
        with pytest.raises(error, match=rf"{name}s\[1\] {wanted}"):
            batch(keys, [5, number])
        with pytest.raises(ValueError, match=f"{name}s has 1 elements for 2 keys"):
            batch(keys, [5])
        with pytest.raises(TypeError, match=f"{name}s must be a list or tuple"):
            batch(keys, 5)


def test_overlapping_and_read_only_destinations_of_ranges(client):
    memory = np.zeros(100, np.uint8)
    with pytest.raises(ValueError, match="buffers overlap"):
        client.get_range_into("key", 0, [memory[:60], memory[59:]])
    with pytest.raises(ValueError, match="buffers overlap"):
        client.get_range_into_batch(["a", "b"], [0, 0], [memory[:60], memory[59:]])
    with pytest.raises(ValueError, match="buffers must be writable"):
        client.get_range_into("key", 0, b"read-only")


@pytest.mark.parametrize(
    "ttl, error, words",
    [
        (-1, ValueError, "ttl must be 0 or more and at most 86400 seconds"),
        (86401, ValueError, "ttl must be 0 or more and at most 86400 seconds"),
        (float("nan"), ValueError, "ttl must be 0 or more"),
        ("1h", TypeError, "ttl must be a number of seconds, not str"),
        (None, TypeError, "ttl must be a number of seconds, not NoneType"),
    ],
)
def test_bad_times_of_a_pin(client, ttl, error, words):
    with pytest.raises(error, match=words):
        client.pin("key", ttl)
    with pytest.raises(error, match=words):
        client.pin_batch(["key"], ttl)


@pytest.mark.parametrize(
    "arguments, options, error, words",
    [
        (("p" * 1025,), {}, ValueError, "prefix has 1025 bytes"),
        ((5,), {}, TypeError, "prefix must be str or bytes, not int"),
        ((None,), {}, TypeError, "prefix must be str or bytes, not NoneType"),
        ((), {"cursor": "text"}, TypeError, "cursor must be bytes, not str"),
        ((), {"limit": 0}, ValueError, "limit must be 1 to 4096"),
        ((), {"limit": 4097}, ValueError, "limit must be 1 to 4096"),
        ((), {"limit": None}, TypeError, "limit must be int, not NoneType"),
    ],
)
def test_bad_listings(client, arguments, options, error, words):
    with pytest.raises(error, match=words):
        client.list(*arguments, **options)
    if arguments:
        with pytest.raises(error, match=words):
            client.remove_prefix(*arguments)
        with pytest.raises(error, match=words):
            client.iter_keys(*arguments)


def test_options_of_calls_are_given_by_name(client):
    with pytest.raises(TypeError):
        client.get("key", "namespace")
    with pytest.raises(TypeError):
        client.put("key", b"value", 2)
    with pytest.raises(TypeError):
        client.put("key")


@pytest.mark.parametrize(
    "options, error, words",
    [
        ({"meta": "127.0.0.1:5000:7"}, ValueError, ""),
        ({"meta": "http://127.0.0.1:5000"}, ValueError, ""),
        ({"meta": "tcp://127.0.0.1:99999"}, ValueError, ""),
        ({"meta": ""}, ValueError, ""),
        ({"meta": 5000}, TypeError, "meta must be str, not int"),
        ({"namespace": ""}, ValueError, "namespace has 0 bytes"),
        ({"namespace": None}, TypeError, "namespace must be str, not NoneType"),
        ({"transport": "rdma"}, ValueError, "transport must be 'auto', 'shm' or 'tcp', not 'rdma'"),
        ({"transport": None}, TypeError, "transport must be str"),
        ({"timeout": 0}, ValueError, "timeout must be more than 0"),
        ({"timeout": None}, TypeError, "timeout must be a number"),
        ({"copy_threads": 0}, ValueError, "copy_threads must be 1 to 64"),
        ({"copy_threads": 65}, ValueError, "copy_threads must be 1 to 64"),
        ({"tcp_streams": 0}, ValueError, "tcp_streams must be 1 to 64"),
        ({"tcp_streams": "2"}, TypeError, "tcp_streams must be int, not str"),
        ({"unknown": 1}, TypeError, "unknown"),
    ],
)
def test_bad_options_of_a_client(pool, options, error, words):
    with pytest.raises(error, match=words):
        aquifer.Client(**options)
    if "meta" not in options:
        with pytest.raises(error, match=words):
            pool.client(**options)


@pytest.mark.parametrize(
    "dram, error, words",
    [
        ("", ValueError, "dram is not a size such as"),
        ("lots", ValueError, "dram is not a size such as"),
        ("5 potatoes", ValueError, "dram is not a size such as"),
        ("-1GiB", ValueError, "dram is not a size such as"),
        (0, ValueError, "dram must be a positive number of bytes"),
        (-5, ValueError, "dram must be a positive number of bytes"),
        (10**30, ValueError, "dram"),
        ("100KiB", ValueError, "1 ?MiB"),
        (1.5, TypeError, "dram must be int or str, not float"),
        (None, TypeError, "dram must be int or str, not NoneType"),
    ],
)
def test_bad_sizes_of_a_pool(dram, error, words):
    with pytest.raises(error, match=words):
        aquifer.Pool(dram)


class Surprise:
    """Raises what it likes where an int is asked for."""

    def __index__(self):
        raise RuntimeError("surprise")


def test_errors_of_the_callers_objects_become_ours(client):
    with pytest.raises(TypeError):
        client.put("key", (Surprise(), 10))
    with pytest.raises(ValueError):
        client.put("key", b"value", replicas=Surprise())
    released = memoryview(b"value")
    released.release()
    with pytest.raises(ValueError, match="released"):
        client.put("key", released)


@pytest.mark.parametrize("wrap", [lambda array: array, memoryview])
def test_arrays_of_python_objects_are_refused(client, wrap):
    array = np.empty(2, dtype=object)
    with pytest.raises(ValueError, match="Python objects"):
        client.put("objects", wrap(array))
    client.put("plain", bytes(16))
    with pytest.raises(ValueError, match="Python objects"):
        client.get_into("plain", wrap(array))
    assert list(array) == [None, None]
    with pytest.raises(ValueError, match="Python objects"):
        client.put("record", np.zeros(2, dtype=[("a", "i4"), ("b", "O")]))


def test_misses_of_every_kind_of_get_are_counted(client):
    before = client.counters()["misses"]
    client.get("none")
    client.get_batch(["none", "nothing"])
    client.get_into("none", bytearray(1))
    client.view("none")
    assert client.counters()["misses"] - before == 5
