"""Puts that are written range by range: nobody sees the object before the commit."""

import gc
import os
import random
import threading
import weakref

import numpy as np
import pytest
from fake_tensor import FakeTensor
from pools import eventually

import aquifer
from aquifer import Status

RANDOM = np.random.default_rng(29)
SIZE = 500_001


def cuts(size, count, seed):
    """Ranges that cover a value once, in mixed order."""
    generator = random.Random(seed)
    ends = sorted(generator.sample(range(1, size), count - 1)) + [size]
    ranges = list(zip([0, *ends[:-1]], ends, strict=True))
    generator.shuffle(ranges)
    return ranges


@pytest.mark.parametrize("transport", ["shm", "tcp"])
@pytest.mark.parametrize("count", [1, 2, 61, 300])
def test_ranges_in_any_order_make_the_value(pool, transport, count):
    seed = int(os.environ.get("AQUIFER_TEST_SEED") or random.randrange(2**32))
    print(f"seed {seed}")
    value = RANDOM.bytes(SIZE)
    with pool.client(namespace=f"open-{transport}-{count}", transport=transport) as client:
        put = client.open_put("key", SIZE)
        assert put and put.status is Status.OK and put.size == SIZE
        for begin, end in cuts(SIZE, count, seed):
            assert put.write(begin, value[begin:end]) is Status.OK, client.last_error()
            assert not client.exists("key")
        assert put.commit() is Status.OK
        assert not put and put.status is Status.OK
        assert client.get("key") == value


def test_a_write_takes_every_kind_of_value(client):
    floats = np.arange(100, dtype=np.float32)
    tensor = FakeTensor(RANDOM.bytes(50))
    with client.open_put("key", 465) as put:
        assert put.write(10, [floats, tensor]) is Status.OK
        assert put.write(460, (floats.ctypes.data, 5)) is Status.OK
        assert put.write(0, bytearray(10)) is Status.OK
        assert put.commit() is Status.OK
    assert client.get("key") == (
        bytes(10) + floats.tobytes() + tensor.content() + floats.tobytes()[:5]
    )


def test_the_end_of_a_block_aborts_what_was_not_committed(client):
    with client.open_put("key", 10) as put:
        assert put.write(0, b"half!") is Status.OK
    assert not put and put.status is Status.CANCELLED
    assert put.write(5, b"other") is Status.CANCELLED and put.commit() is Status.CANCELLED
    assert not client.exists("key")
    with pytest.raises(KeyError):
        with client.open_put("key", 5) as put:
            raise KeyError("passes through")
    assert client.put_if_absent("key", b"value") is Status.OK


def test_a_dropped_put_is_aborted(client):
    put = client.open_put("key", 10)
    put.write(0, b"half!")
    gone = weakref.ref(put)
    del put
    assert gone() is None
    assert client.put_if_absent("key", b"value") is Status.OK


def test_abort_is_repeatable_and_leaves_a_committed_put_alone(client):
    put = client.open_put("key", 5)
    put.abort()
    put.abort()
    assert put.status is Status.CANCELLED
    put = client.open_put("key", 5)
    put.write(0, b"value")
    assert put.commit() is Status.OK
    put.abort()
    assert put.status is Status.OK and client.get("key") == b"value"
    assert put.commit() is Status.OK and put.write(0, b"other") is Status.CANCELLED
    assert client.get("key") == b"value"


def test_one_that_could_not_be_begun_says_why(client):
    client.put("key", b"value")
    put = client.open_put("key", 5)
    assert not put and put.status is Status.EXISTS
    assert put.write(0, b"other") is Status.EXISTS and put.commit() is Status.EXISTS
    put.abort()
    assert put.status is Status.EXISTS
    assert client.get("key") == b"value"

    large = client.open_put("large", 2**30 + 1)
    assert not large and large.status is Status.TOO_LARGE and large.size == 2**30 + 1
    assert large.write(0, b"value") is Status.TOO_LARGE
    assert client.open_put("large", 2**29).status in {Status.NO_SPACE, Status.TOO_LARGE}
    assert client.last_error() != ""


def test_missing_bytes_can_still_be_written(client):
    with client.open_put("key", 10) as put:
        assert put.commit() is Status.INVALID_ARGUMENT
        put.write(5, b"world")
        assert put.commit() is Status.INVALID_ARGUMENT
        assert put and put.status is Status.OK
        put.write(0, b"hello")
        assert put.commit() is Status.OK
    assert client.get("key") == b"helloworld"


def test_a_range_that_does_not_fit_changes_nothing(client):
    with client.open_put("key", 10) as put:
        assert put.write(0, b"hello") is Status.OK
        for offset, value in [(0, b"HELLO"), (4, b"XX"), (0, b"X"), (9, b"XX"), (10, b"X")]:
            assert put.write(offset, value) is Status.INVALID_ARGUMENT
        assert put.write(5, b"world") is Status.OK
        assert put.commit() is Status.OK
    assert client.get("key") == b"helloworld"


def test_modes_are_those_of_the_puts(client):
    first = client.open_put("key", 5)
    assert client.open_put("key", 5, mode="if_absent").status is Status.IN_FLIGHT
    assert client.put_if_absent("key", b"value") is Status.IN_FLIGHT
    second = client.open_put("key", 6)
    assert second
    first.write(0, b"first")
    second.write(0, b"second")
    assert first.commit() is Status.OK
    assert second.commit() is Status.EXISTS and second.status is Status.EXISTS
    with client.open_put("key", 5, mode="replace") as third:
        third.write(0, b"third")
        assert client.get("key") == b"first"
        assert third.commit() in {Status.OK, Status.PENDING}
    assert client.get("key") == b"third"


def test_a_removed_key_cancels_its_open_put(client):
    put = client.open_put("key", 5)
    put.write(0, b"value")
    client.remove("key")
    assert put.commit() is Status.CANCELLED
    assert not client.exists("key")


def test_a_put_ends_with_its_lifetime(client):
    put = client.open_put("key", 5, lifetime=0.2)
    assert put.write(0, b"value") is Status.OK
    # The same bytes again are refused in other words while it lasts.
    assert eventually(lambda: put.write(0, b"value") is Status.CANCELLED)
    assert put.commit() is Status.CANCELLED
    # Its space and its key are free although the object is still held.
    assert eventually(lambda: client.put_if_absent("key", b"other").ok)
    assert eventually(lambda: client.status()["limbo_bytes"] == 0)


def test_nothing_is_written_after_the_end(client):
    put = client.open_put("key", 5)
    assert put.write(0, b"value") is Status.OK and put.commit() is Status.OK
    assert put.write(0, b"other") is Status.CANCELLED
    assert client.get("key") == b"value"


def test_batches_begin_puts_for_each_key(client):
    client.put("b", b"there already")
    keys, sizes = ["a", "b", "c"], [1000, 2000, 3000]
    puts = client.open_put_batch(keys, sizes, parents=[None, "a", "b"])
    assert [bool(put) for put in puts] == [True, False, True]
    assert [put.status for put in puts] == [Status.OK, Status.EXISTS, Status.OK]
    values = [RANDOM.bytes(size) for size in sizes]
    for put, value in zip(puts, values, strict=True):
        assert put.write(500, value[500:]).ok and put.write(0, value[:500]).ok
        assert put.commit().ok
    assert client.get_batch(keys) == [values[0], b"there already", values[2]]
    assert client.open_put_batch([], []) == []


def test_threads_write_at_a_time(client):
    value = RANDOM.bytes(8_000_000)
    put = client.open_put("key", len(value))
    step = len(value) // 8
    statuses = []

    def write(number):
        for begin in range(number * step, (number + 1) * step, 100_000):
            statuses.append(put.write(begin, value[begin : begin + 100_000]))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(statuses) == {Status.OK}
    assert put.commit() is Status.OK
    assert client.get("key") == value


def test_a_put_outlives_the_names_of_its_client_and_pool():
    pool = aquifer.Pool("16MiB")
    client = pool.client()
    put = client.open_put("key", 5)
    del client, pool
    gc.collect()
    assert put.write(0, b"value") is Status.OK and put.commit() is Status.OK


def test_a_closed_client_ends_its_puts(pool):
    client = pool.client(namespace="closed-puts")
    put = client.open_put("key", 5)
    client.close()
    assert put.write(0, b"value") is Status.CLOSED
    assert not put.commit()
    with pool.client(namespace="closed-puts") as other:
        assert not other.exists("key")


def test_bad_arguments_of_a_write(client):
    with client.open_put("key", 5) as put:
        for offset, error in [(-1, ValueError), (1.5, TypeError), (None, TypeError)]:
            with pytest.raises(error, match="offset must be"):
                put.write(offset, b"value")
        for value, error in [(b"", ValueError), ("text", TypeError), (None, TypeError)]:
            with pytest.raises(error, match="value"):
                put.write(0, value)
        with pytest.raises(ValueError, match="timeout must be more than 0"):
            put.write(0, b"value", timeout=0)
        with pytest.raises(ValueError, match="timeout must be more than 0"):
            put.commit(timeout=-1)
        assert put.write(0, b"value") is Status.OK and put.commit() is Status.OK


def test_it_is_only_made_by_a_client():
    for made in (aquifer.PendingPut, aquifer.View, aquifer.KeyIterator):
        with pytest.raises(TypeError):
            made()
