"""Parts of values: get_range, get_range_into and their batches."""

import numpy as np
import pytest

from aquifer import Status

RANDOM = np.random.default_rng(19)
SIZE = 1_000_003

# Inside a page of 64 KiB, at its edges, over several, and past the end of the value.
RANGES = [
    (0, 1),
    (0, SIZE),
    (0, SIZE + 1000),
    (65535, 1),
    (65535, 2),
    (65536, 65536),
    (1, 200_000),
    (SIZE - 1, 1),
    (SIZE - 1, 1000),
    (777_777, 2**30),
]


@pytest.fixture
def value(client):
    value = RANDOM.bytes(SIZE)
    assert client.put("key", value) is Status.OK
    return value


@pytest.mark.parametrize("offset, length", RANGES)
def test_a_range_is_that_part_of_the_value(client, value, offset, length):
    wanted = value[offset : offset + length]
    found = client.get_range("key", offset, length)
    assert type(found) is bytes and found == wanted
    buffer = bytearray(b"\xaa" * (min(length, SIZE) + 10))
    answer = client.get_range_into("key", offset, memoryview(buffer)[: min(length, SIZE)])
    assert answer == len(wanted)
    assert buffer[:answer] == wanted
    assert buffer[answer:] == b"\xaa" * (len(buffer) - answer)


def test_every_transport_reads_ranges(pool, request):
    value = RANDOM.bytes(300_000)
    with pool.client(namespace=request.node.name) as client:
        client.put("key", value)
    for transport in ("auto", "shm", "tcp"):
        with pool.client(namespace=request.node.name, transport=transport) as client:
            assert client.get_range("key", 65_000, 70_000) == value[65_000:135_000]


def test_a_range_fills_pieces_in_order(client, value):
    target = np.zeros(SIZE, np.uint8)
    pieces = [target[500_000:600_000], (target.ctypes.data, 5), target[10:200_000]]
    assert client.get_range_into("key", 12345, pieces) == 100_000 + 5 + 199_990
    assert target[500_000:600_000].tobytes() == value[12345:112_345]
    assert target[:5].tobytes() == value[112_345:112_350]
    assert target[10:200_000].tobytes() == value[112_350 : 112_350 + 199_990]


@pytest.mark.parametrize("offset", [SIZE, SIZE + 1, 2**30])
def test_a_range_behind_the_end_is_no_range(client, value, offset):
    assert client.get_range("key", offset, 5) is None
    assert client.get_range_into("key", offset, bytearray(5)) == -Status.INVALID_ARGUMENT
    assert client.last_error() != ""


def test_a_range_of_a_missing_key_is_a_miss(client):
    assert client.get_range("missing", 0, 5) is None
    assert client.get_range_into("missing", 0, bytearray(5)) == 0
    assert client.last_error() == ""


def test_batches_of_ranges_answer_for_each_key(client, value):
    other = RANDOM.bytes(5000)
    client.put("other", other)
    keys = ["key", "missing", "other", "key", "other"]
    offsets, lengths = [100, 0, 4990, 999_000, 5000], [70_000, 5, 100, 500, 1]
    wanted = [value[100:70_100], None, other[4990:], value[999_000:999_500], None]
    assert client.get_range_batch(keys, offsets, lengths) == wanted
    buffers = [bytearray(length) for length in lengths]
    answers = client.get_range_into_batch(keys, offsets, buffers)
    assert answers == [70_000, 0, 10, 500, -Status.INVALID_ARGUMENT]
    for answer, buffer, part in zip(answers, buffers, wanted, strict=True):
        assert answer <= 0 or buffer[:answer] == part


def test_empty_batches_of_ranges_answer_empty_lists(client):
    assert client.get_range_batch([], [], []) == []
    assert client.get_range_into_batch([], [], []) == []


def test_ranges_know_namespaces(client, value):
    assert client.get_range("key", 0, 5, namespace="ranges-elsewhere") is None
    client.put("key", b"elsewhere", namespace="ranges-elsewhere")
    assert client.get_range("key", 4, 5, namespace="ranges-elsewhere") == b"where"
    assert client.get_range_batch(["key"], [4], [5], namespace="ranges-elsewhere") == [b"where"]
