"""Values looked at in place: what is made from a view stays readable, and nothing can write it."""

import gc

import numpy as np
import pytest
from pools import eventually, fill

import aquifer
from aquifer import Status

RANDOM = np.random.default_rng(23)
SIZES = [1, 4096, 65537, 8784 * 1024]


def content(view):
    return b"".join(view.pieces)


@pytest.fixture
def small_pool():
    with aquifer.Pool("24MiB") as pool:
        yield pool


@pytest.mark.parametrize("transport", ["shm", "tcp"])
@pytest.mark.parametrize("size", SIZES)
def test_a_view_shows_the_value(pool, transport, size):
    value = RANDOM.bytes(size)
    with pool.client(namespace=f"view-{transport}-{size}", transport=transport) as client:
        client.put("key", value)
        view = client.view("key")
        assert view and len(view) == size
        assert type(view.pieces) is tuple and content(view) == value
        assert bytes(view) == value
        assert view.is_copy is (transport == "tcp")
        assert view.verify() is Status.OK
        assert client.last_error() == ""


def test_pieces_are_plain_bytes_and_read_only(client):
    client.put("key", RANDOM.bytes(100_000))
    for piece in client.view("key").pieces:
        assert type(piece) is memoryview
        assert piece.readonly and piece.format == "B" and piece.ndim == 1 and piece.contiguous
        with pytest.raises(TypeError):
            piece[0] = 1


def test_a_miss_is_none(client):
    assert client.view("missing") is None
    assert client.last_error() == ""


def test_a_batch_answers_for_each_key(client):
    values = [RANDOM.bytes(size) for size in SIZES]
    keys = [f"key{size}" for size in SIZES]
    client.put_batch(keys, values)
    views = client.view_batch([keys[2], "missing", *keys])
    assert views[1] is None
    assert [content(view) for view in [views[0], *views[2:]]] == [values[2], *values]
    assert client.view_batch([]) == []


def test_numpy_arrays_are_made_without_a_copy(client):
    source = RANDOM.random(10_000).astype(np.float32)
    client.put("key", source)
    (piece,) = client.view("key").pieces
    array = np.frombuffer(piece, np.float32)
    assert np.array_equal(array, source)
    assert array.ctypes.data == np.frombuffer(piece, np.uint8).ctypes.data
    assert not array.flags.writeable and not array.flags.owndata
    with pytest.raises(ValueError):
        array.flags.writeable = True


def test_pieces_of_a_view_are_a_value(client):
    value = RANDOM.bytes(300_000)
    client.put("key", value)
    assert client.put("copy", client.view("key").pieces) is Status.OK
    assert client.get("copy") == value


def test_a_released_view_has_nothing_to_show(client):
    client.put("key", b"value")
    with client.view("key") as view:
        assert bytes(view) == b"value"
    view.release()
    assert not view
    for use in (lambda: view.pieces, lambda: bytes(view), lambda: len(view), view.verify):
        with pytest.raises(ValueError, match="this view has been released"):
            use()


def test_what_is_made_from_a_view_outlives_it(small_pool):
    client = small_pool.client()
    value = RANDOM.bytes(3_000_000)
    client.put("key", value)
    view = client.view("key")
    pieces = view.pieces
    array = np.frombuffer(pieces[0], np.uint8)[5:]
    front, pieces = pieces[0][:10], pieces[1:]
    view.release()
    del view
    gc.collect()
    assert client.remove("key") in {Status.OK, Status.PENDING}
    fill(client)
    assert array.tobytes() + b"".join(pieces) == value[5:]
    client.close()
    small_pool.close()
    del client, pieces
    gc.collect()
    assert front == value[:10] and array[:5].tobytes() == value[5:10]


def test_a_view_keeps_its_value_through_eviction_and_replacement(small_pool):
    with small_pool.client() as client:
        values = {key: RANDOM.bytes(2_000_000) for key in ("evicted", "replaced")}
        for key, value in values.items():
            client.put(key, value)
        views = {key: client.view(key) for key in values}
        assert client.replace("replaced", b"other") in {Status.OK, Status.PENDING}
        fill(client)
        for key, view in views.items():
            assert view.verify() is Status.OK and content(view) == values[key]


def test_memory_is_held_until_the_last_reader_is_gone(small_pool):
    with small_pool.client() as client:
        client.put("key", RANDOM.bytes(3_000_000))

        def views():
            return client.status()["views"]

        assert views() == 0
        view = client.view("key")
        assert eventually(lambda: views() == 1)
        array = np.frombuffer(view.pieces[0], np.uint8)
        view.release()
        del view
        client.get("key")
        assert views() == 1
        del array
        assert eventually(lambda: views() == 0)


def test_many_views_of_one_value_are_apart(client):
    client.put("key", b"value")
    views = [client.view("key") for _ in range(100)]
    for view in views[:99]:
        view.release()
    assert bytes(views[99]) == b"value"


def test_a_dropped_client_and_pool_leave_the_view_readable():
    value = RANDOM.bytes(200_000)
    pool = aquifer.Pool("16MiB")
    client = pool.client()
    client.put("key", value)
    view = client.view("key")
    del client, pool
    gc.collect()
    assert content(view) == value


def test_a_view_left_open_ends_with_the_interpreter(run_python):
    script = """
import sys, aquifer
pool = aquifer.Pool("16MiB")
client = pool.client()
client.put("key", b"value")
sys.view = client.view("key")
sys.pieces = client.view("key").pieces
sys.put = client.open_put("other", 10)
sys.put.write(0, b"half")
print("done")
"""
    assert run_python(script) == "done\n"
