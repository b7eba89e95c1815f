"""Every kind of value that put reads and get_into writes; contents are compared byte by byte."""

import array
import ctypes
import mmap

import numpy as np
import pytest

from aquifer import Status

RANDOM = np.random.default_rng(11)


def numpy_of(dtype, shape=(31, 17)):
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    return np.frombuffer(bytearray(RANDOM.bytes(size)), dtype).reshape(shape)


def mapped(data):
    memory = mmap.mmap(-1, len(data))
    memory[:] = data
    return memory


BUFFERS = {
    "bytes": lambda: RANDOM.bytes(1000),
    "bytearray": lambda: bytearray(RANDOM.bytes(1000)),
    "memoryview": lambda: memoryview(RANDOM.bytes(1000))[100:900],
    "memoryview of ints": lambda: memoryview(bytearray(RANDOM.bytes(1000))).cast("I"),
    "memoryview of a matrix": lambda: memoryview(bytearray(range(200))).cast("B", (10, 20)),
    "array": lambda: array.array("d", RANDOM.random(100)),
    "ctypes": lambda: (ctypes.c_uint16 * 500)(*RANDOM.integers(0, 65536, 500).tolist()),
    "mmap": lambda: mapped(RANDOM.bytes(5000)),
    "read-only numpy": lambda: np.frombuffer(RANDOM.bytes(1000), np.uint8),
    "numpy float32": lambda: numpy_of(np.float32),
    "numpy float16": lambda: numpy_of(np.float16),
    "numpy big-endian": lambda: numpy_of(">i4"),
    "numpy complex": lambda: numpy_of(np.complex128),
    "numpy bool": lambda: RANDOM.random((5, 5)) > 0.5,
    "numpy datetime": lambda: np.arange(50).astype("datetime64[s]"),
    "numpy records": lambda: numpy_of(np.dtype([("a", "i4"), ("b", "f8")])),
    "numpy strings": lambda: np.array(["kv", "block"]),
    "numpy scalar array": lambda: np.array(3.5),
    "rows of a matrix": lambda: numpy_of(np.int64)[3:7],
}


@pytest.mark.parametrize("kind", BUFFERS)
def test_every_buffer_is_a_value(client, kind):
    value = BUFFERS[kind]()
    wanted = value.tobytes() if hasattr(value, "tobytes") else bytes(value)
    assert client.put("key", value) is Status.OK
    assert client.get("key") == wanted


WRITABLE = [kind for kind in BUFFERS if kind not in {"bytes", "memoryview", "read-only numpy"}]


@pytest.mark.parametrize("kind", WRITABLE)
def test_every_writable_buffer_is_a_destination(client, kind):
    buffer = BUFFERS[kind]()
    value = RANDOM.bytes(np.asarray(buffer).nbytes)
    client.put("key", value)
    assert client.get_into("key", buffer) == len(value)
    assert np.asarray(buffer).tobytes() == value


def test_a_list_of_pieces_is_their_concatenation(client):
    floats = numpy_of(np.float32)
    pieces = [b"head", bytearray(b"abc"), floats, memoryview(b"xyz"), b"", b"!"]
    wanted = b"headabc" + floats.tobytes() + b"xyz!"
    assert client.put("list", pieces) is Status.OK
    assert client.put("tuple", tuple(pieces)) is Status.OK
    assert client.get("list") == client.get("tuple") == wanted


def test_ranges_of_memory_are_values_and_destinations(client):
    source = numpy_of(np.uint8, (10_000,))
    address = source.ctypes.data
    pieces = [(address + 5000, 5000), (address, 5000), (0, 0)]
    wanted = source[5000:].tobytes() + source[:5000].tobytes()
    assert client.put("list", pieces) is Status.OK
    assert client.put("one", (address, 100)) is Status.OK
    assert client.get("list") == wanted
    assert client.get("one") == source[:100].tobytes()

    target = np.zeros(10_000, np.uint8)
    address = target.ctypes.data
    assert client.get_into("list", [(address + 5000, 5000), (address, 5000)]) == 10_000
    assert np.array_equal(target, source)


def test_numpy_integers_are_addresses_too(client):
    source = numpy_of(np.uint8, (100,))
    piece = (np.uint64(source.ctypes.data), np.int64(100))
    assert client.put("one", piece) is Status.OK
    assert client.put("list", [piece, b"tail"]) is Status.OK
    assert client.get("one") == source.tobytes()
    assert client.get("list") == source.tobytes() + b"tail"


def test_a_tuple_of_two_arrays_is_two_pieces(client):
    keys, values = numpy_of(np.int64, (1,)), numpy_of(np.int64, (1,))
    assert client.put("key", (keys, values)) is Status.OK
    assert client.get("key") == keys.tobytes() + values.tobytes()


def test_4096_pieces_are_accepted(client):
    source = RANDOM.bytes(4096)
    assert client.put("key", [source[i : i + 1] for i in range(4096)]) is Status.OK
    target = np.zeros(8192, np.uint8)
    assert client.get_into("key", [target[2 * i : 2 * i + 1] for i in range(4096)]) == 4096
    assert target[::2].tobytes() == source and not target[1::2].any()


def scattered(sizes):
    """Views of these sizes in one poisoned arena: apart from each other, in mixed order."""
    arena = np.full(sum(sizes) + 4096 * (len(sizes) + 1), 0xA5, np.uint8)
    views = [None] * len(sizes)
    offset = 4096
    for index in RANDOM.permutation(len(sizes)):
        views[index] = arena[offset : offset + sizes[index]]
        offset += sizes[index] + 4096
    return arena, views


BLOCK = [128 * 1024] * 61 + [16 * 1024] * 61


def test_a_block_of_122_pieces_is_scattered_and_gathered(client):
    source_arena, source = scattered(BLOCK)
    for view in source:
        view[:] = np.frombuffer(RANDOM.bytes(len(view)), np.uint8)
    value = b"".join(view.tobytes() for view in source)
    assert client.put("block", source) is Status.OK
    assert client.get("block") == value

    target_arena, target = scattered(BLOCK)
    assert client.get_into("block", target) == 8784 * 1024
    assert b"".join(view.tobytes() for view in target) == value
    # Nothing between the pieces was touched.
    for view in target:
        view[:] = 0xA5
    assert (target_arena == 0xA5).all()


def test_pieces_of_a_get_need_not_be_those_of_the_put(client):
    value = RANDOM.bytes(8784 * 1024)
    assert client.put("block", value) is Status.OK
    _, target = scattered([1, 4095, 4097, 100_000, 8784 * 1024 - 108_193])
    assert client.get_into("block", target) == len(value)
    assert b"".join(view.tobytes() for view in target) == value


def test_a_buffer_can_be_resized_again_after_the_call(client):
    buffer = bytearray(1000)
    client.put("key", buffer)
    buffer.extend(b"more")
    client.get_into("key", buffer)
    buffer.extend(b"more")
    with pytest.raises(ValueError):
        client.put("other", [buffer, (0, 5)])
    buffer.extend(b"more")


def test_the_value_may_change_after_put(client):
    buffer = bytearray(b"before")
    client.put("key", buffer)
    buffer[:] = b"after!"
    assert client.get("key") == b"before"
