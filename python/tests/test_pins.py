"""Pins, parents, and the puts that say what to do with a key that is taken."""

import numpy as np
import pytest
from pools import eventually, fill

import aquifer
from aquifer import Status

RANDOM = np.random.default_rng(31)


@pytest.fixture
def small():
    with aquifer.Pool("24MiB") as pool, pool.client() as client:
        yield client


def test_a_pinned_object_is_not_evicted(small):
    value = RANDOM.bytes(2_000_000)
    small.put_batch(["pinned", "loose"], [value, value])
    assert small.pin("pinned", 3600) is Status.OK
    status = small.status()
    assert status["pinned_bytes"] >= len(value) and status["nodes"][0]["pinned_bytes"] >= len(value)
    fill(small)
    assert small.get("pinned") == value
    assert not small.exists("loose")


def test_an_unpinned_object_is_evicted_as_others(small):
    value = RANDOM.bytes(2_000_000)
    keys = ["a", "b", "c"]
    small.put_batch(keys, [value] * 3)
    assert small.pin_batch(keys, 3600) == [Status.OK] * 3
    assert small.unpin("a") is Status.OK
    assert small.unpin_batch(["b", "missing"]) == [Status.OK, Status.NOT_FOUND]
    assert small.pin("c", 0) is Status.OK
    assert small.status()["pinned_bytes"] == 0
    fill(small)
    assert small.exists_batch(keys) == [False] * 3


def test_a_pin_ends_by_itself(small):
    small.put("key", b"value")
    assert small.pin("key", 0.1) is Status.OK
    assert eventually(lambda: small.status()["pinned_bytes"] == 0)


def test_a_missing_key_cannot_be_pinned(client):
    client.put("key", b"value")
    assert client.pin("missing", 60) is Status.NOT_FOUND
    assert client.pin_batch(["key", "missing"], 60) == [Status.OK, Status.NOT_FOUND]
    assert client.pin_batch([], 60) == []
    assert client.unpin("key") is Status.OK


def test_more_than_the_pool_allows_cannot_be_pinned(small):
    keys = [f"key{i}" for i in range(20)]
    assert small.put_batch(keys, [bytes(1_000_000)] * 20) == [Status.OK] * 20
    answers = small.pin_batch(keys, 3600)
    assert set(answers) == {Status.OK, Status.BUSY}


def test_put_if_absent_keeps_what_is_there(client):
    assert client.put_if_absent("key", b"first") is Status.OK
    assert client.put_if_absent("key", b"second") is Status.EXISTS
    answers = client.put_if_absent_batch(["key", "other"], [b"second", b"third"])
    assert answers == [Status.EXISTS, Status.OK]
    assert client.get_batch(["key", "other"]) == [b"first", b"third"]


def test_replace_puts_the_new_value_in_the_place_of_the_old(client):
    stored = {Status.OK, Status.PENDING}
    for size in (10, 1_000_000, 3):
        value = RANDOM.bytes(size)
        assert client.replace("key", value) in stored
        assert client.get("key") == value
        assert client.stat("key")["size"] == size
    answers = client.replace_batch(["key", "new"], [b"again", [b"in ", b"pieces"]])
    assert set(answers) <= stored
    assert client.get_batch(["key", "new"]) == [b"again", b"in pieces"]


def test_another_client_gets_the_new_value_too(pool, request):
    name = request.node.name
    with pool.client(namespace=name) as one, pool.client(namespace=name) as two:
        one.put("key", b"old")
        assert two.get("key") == b"old"
        assert one.replace("key", b"new") is Status.OK
        assert two.get("key") == b"new"


def test_puts_take_the_key_that_they_continue(client):
    assert client.put("root", b"0") is Status.OK
    assert client.put("root/1", b"1", parent="root") is Status.OK
    assert client.replace("root/1", b"2", parent=b"root") in {Status.OK, Status.PENDING}
    keys = ["root/2", "root/3", "apart"]
    parents = ["root/1", b"root/2", None]
    assert client.put_batch(keys, [b"2", b"3", b"4"], parents=parents) == [Status.OK] * 3
    with client.open_put("root/4", 1, parent="root/3") as put:
        assert put.write(0, b"4") and put.commit() is Status.OK
    assert client.get_batch(keys) == [b"2", b"3", b"4"]
