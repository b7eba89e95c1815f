"""The batch forms: lists of equal length, in order, one answer for each key."""

import numpy as np
import pytest

from aquifer import Status

RANDOM = np.random.default_rng(13)


def test_put_and_get_of_many_keys(client):
    keys = [f"key{i}" for i in range(200)]
    values = [RANDOM.bytes(1 + 997 * i % 50_000) for i in range(200)]
    assert client.put_batch(keys, values) == [Status.OK] * 200
    assert client.get_batch(keys) == values
    assert client.get_batch(tuple(reversed(keys))) == values[::-1]


def test_each_key_has_its_own_answer(client):
    client.put("b", b"there already")
    assert client.put_batch(["a", "b", "c"], [b"1", b"22", b"333"]) == [
        Status.OK,
        Status.EXISTS,
        Status.OK,
    ]
    keys = ["missing", "c", "missing too", "b", b"a"]
    assert client.get_batch(keys) == [None, b"333", None, b"there already", b"1"]
    assert client.exists_batch(keys) == [False, True, False, True, True]
    assert client.remove_batch(keys[:3]) == [Status.NOT_FOUND, Status.OK, Status.NOT_FOUND]
    assert client.exists_batch(keys) == [False, False, False, True, True]


def test_get_into_batch_tells_bytes_misses_and_failures(client):
    client.put_batch(["a", "b"], [b"x" * 100, b"y" * 200])
    buffers = [bytearray(100), bytearray(150), [bytearray(50), bytearray(100)], bytearray(10)]
    keys = ["a", "b", "b", "missing"]
    assert client.get_into_batch(keys[:1], buffers[:1]) == [100]
    answers = client.get_into_batch(keys, buffers)
    assert answers == [100, -Status.TOO_SMALL, -Status.TOO_SMALL, 0]
    assert all(type(answer) is int for answer in answers)
    assert buffers[0] == b"x" * 100


def test_get_into_batch_takes_pieces_per_key(client):
    values = [RANDOM.bytes(300), RANDOM.bytes(5000)]
    client.put_batch(["a", "b"], [[values[0][:7], values[0][7:]], values[1]])
    first, second = np.zeros(300, np.uint8), np.zeros(5000, np.uint8)
    buffers = ([first[:100], first[100:]], (second.ctypes.data, 5000))
    assert client.get_into_batch(["a", "b"], buffers) == [300, 5000]
    assert [first.tobytes(), second.tobytes()] == values


def test_empty_batches_answer_empty_lists(client):
    assert client.put_batch([], []) == []
    assert client.get_batch([]) == []
    assert client.get_into_batch((), ()) == []
    assert client.exists_batch([]) == []
    assert client.remove_batch([]) == []
    assert client.match_prefix([]) == 0


def test_match_prefix_is_the_leading_run(client):
    keys = [f"chain{i}" for i in range(10)]
    assert client.match_prefix(keys) == 0
    client.put_batch(keys, [b"value"] * 10)
    assert client.match_prefix(keys) == 10
    client.remove(keys[6])
    assert client.match_prefix(keys) == 6
    assert client.match_prefix(keys[7:]) == 3
    client.remove(keys[0])
    assert client.match_prefix(keys) == 0


def test_a_namespace_holds_for_the_whole_batch(client):
    client.put_batch(["a", "b"], [b"1", b"2"], namespace="other")
    assert client.get_batch(["a", "b"]) == [None, None]
    assert client.get_batch(["a", "b"], namespace="other") == [b"1", b"2"]
    assert client.match_prefix(["a", "b"], namespace="other") == 2
    assert client.exists_batch(["a"], namespace="other") == [True]
    buffer = bytearray(1)
    assert client.get_into_batch(["a"], [buffer], namespace="other") == [1]
    assert client.remove_batch(["a", "b"], namespace="other") == [Status.OK] * 2


def test_a_key_twice_in_a_get_is_answered_twice(client):
    client.put("key", b"value")
    assert client.get_batch(["key", "key"]) == [b"value"] * 2


def test_a_batch_of_16384_keys_is_answered(client):
    keys = [f"key{i}" for i in range(16384)]
    assert client.exists_batch(keys) == [False] * 16384
    assert client.put_batch(keys[:1000], [b"v"] * 1000) == [Status.OK] * 1000
    assert client.match_prefix(keys) == 1000


@pytest.mark.parametrize("batch", [1, 8, 40])
def test_scattered_blocks_come_back_in_batches(client, batch):
    # A 20th of the public test block each: 122 pieces of two sizes.
    sizes = [6400] * 61 + [800] * 61
    sources = [[RANDOM.bytes(size) for size in sizes] for _ in range(batch)]
    keys = [f"block{i}" for i in range(batch)]
    assert all(client.put_batch(keys, sources))
    targets = [[np.zeros(size, np.uint8) for size in sizes] for _ in range(batch)]
    assert client.get_into_batch(keys, targets) == [sum(sizes)] * batch
    for source, target in zip(sources, targets, strict=True):
        assert [view.tobytes() for view in target] == source
