"""aquifer.Addresses: the memory of a batch by numbers."""

import ctypes
import mmap

import numpy
import pytest

import aquifer
from aquifer import Addresses, Status


def address(array):
    return array.ctypes.data


def test_values_and_buffers_by_numbers(client):
    values = [numpy.full(5000 + n, n, numpy.uint8) for n in range(3)]
    keys = [f"k{n}" for n in range(3)]
    sizes = [len(value) for value in values]
    assert client.put_batch(keys, Addresses([address(v) for v in values], sizes)) == [Status.OK] * 3
    targets = [numpy.zeros_like(value) for value in values]
    assert client.get_into_batch(keys, Addresses([address(t) for t in targets], sizes)) == sizes
    assert all(map(numpy.array_equal, values, targets))


def test_scattered_objects_are_lists(client):
    memory = numpy.arange(100_000, dtype=numpy.uint8)
    base = address(memory)
    pieces = [[base + 7, base + 70_000], (base, base + 50_000, base + 60_000)]
    sizes = [[1000, 2000], [1, 0, 30_000]]
    assert len(Addresses(pieces, sizes)) == 2
    assert client.replace_batch(["a", "b"], Addresses(pieces, sizes)) == [Status.OK] * 2
    value = memory.tobytes()
    assert client.get("a") == value[7:1007] + value[70_000:72_000]
    assert client.get("b") == value[:1] + value[60_000:90_000]
    out = numpy.zeros(3000, numpy.uint8)
    where = address(out)
    assert client.get_into_batch(["a"], Addresses([[where + 1500, where]], [[1500, 1500]])) == [3000]
    assert bytes(out[1500:]) + bytes(out[:1500]) == client.get("a")
    assert client.get_range_into_batch(["a"], [5], Addresses([where], [10])) == [10]
    assert bytes(out[:10]) == value[12:22]


@pytest.mark.parametrize(
    "addresses, sizes, message",
    [
        ([1, 2], [1], "sizes has 1 elements for 2 addresses"),
        ([[1, 2]], [[1]], r"sizes\[0\] has 1 elements for 2"),
        ([0], [5], r"addresses\[0\] is null"),
        ([[5, 0]], [[1, 5]], r"addresses\[0\]\[1\] is null"),
        ([-1], [5], r"addresses\[0\] must be 0 to"),
        ([2**64 - 2], [5], r"addresses\[0\] must be 0 to"),
        ([5], [-1], r"sizes\[0\] must be 0 to"),
        ([5], [2**50], r"sizes\[0\] must be 0 to"),
    ],
)
def test_what_cannot_be_memory_is_a_value_error(addresses, sizes, message):
    with pytest.raises(ValueError, match=message):
        Addresses(addresses, sizes)


@pytest.mark.parametrize(
    "addresses, sizes", [(5, 5), (["x"], [1]), ([1], ["x"]), ([1.5], [1]), ([[1]], [1]), (None, [])]
)
def test_other_types_are_type_errors(addresses, sizes):
    with pytest.raises(TypeError):
        Addresses(addresses, sizes)


def test_one_per_key_and_none_without_bytes(client):
    memory = numpy.zeros(100, numpy.uint8)
    with pytest.raises(ValueError, match="values has 1 elements for 2 keys"):
        client.put_batch(["a", "b"], Addresses([address(memory)], [100]))
    with pytest.raises(ValueError, match=r"values\[0\] has no bytes"):
        client.put_batch(["a"], Addresses([[]], [[]]))
    assert client.put_batch([], Addresses([], [])) == []


def test_check_finds_what_cannot_be_touched():
    memory = numpy.zeros(100, numpy.uint8)
    Addresses([address(memory)], [100], check=True)
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int,
                          ctypes.c_long]
    libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
    reserved = libc.mmap(None, 4096, 0, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1, 0)
    try:
        with pytest.raises(ValueError, match=r"addresses\[1\]\[1\] is not memory of this process"):
            Addresses([[address(memory)], [address(memory), reserved]], [[100], [100, 8]],
                      check=True)
    finally:
        libc.munmap(reserved, 4096)


def test_it_is_named_where_users_find_it():
    assert repr(Addresses) == "<class 'aquifer.Addresses'>"
    assert aquifer.Addresses is Addresses
