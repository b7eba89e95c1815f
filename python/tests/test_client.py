"""A client's life: its options, where it finds meta, and what it answers when there is none."""

import os
import time
import weakref

import pytest

import aquifer
from aquifer import Status

# Every call that asks the pool, with the answer of a pool that is not there.
CALLS = {
    "put": (lambda c, t: c.put("key", b"value", timeout=t), "status"),
    "put_batch": (lambda c, t: c.put_batch(["a", "b"], [b"1", b"2"], timeout=t), "statuses"),
    "get": (lambda c, t: c.get("key", timeout=t), None),
    "get_batch": (lambda c, t: c.get_batch(["a", "b"], timeout=t), [None, None]),
    "get_into": (lambda c, t: c.get_into("key", bytearray(5), timeout=t), "negative"),
    "get_into_batch": (
        lambda c, t: c.get_into_batch(["a", "b"], [bytearray(5), bytearray(5)], timeout=t),
        "negatives",
    ),
    "put_if_absent": (lambda c, t: c.put_if_absent("key", b"value", timeout=t), "status"),
    "put_if_absent_batch": (
        lambda c, t: c.put_if_absent_batch(["a", "b"], [b"1", b"2"], timeout=t),
        "statuses",
    ),
    "replace": (lambda c, t: c.replace("key", b"value", timeout=t), "status"),
    "replace_batch": (
        lambda c, t: c.replace_batch(["a", "b"], [b"1", b"2"], timeout=t),
        "statuses",
    ),
    "open_put": (lambda c, t: c.open_put("key", 5, timeout=t).status, "status"),
    "open_put_batch": (
        lambda c, t: [put.status for put in c.open_put_batch(["a", "b"], [5, 6], timeout=t)],
        "statuses",
    ),
    "get_range": (lambda c, t: c.get_range("key", 0, 5, timeout=t), None),
    "get_range_batch": (
        lambda c, t: c.get_range_batch(["a", "b"], [0, 1], [5, 6], timeout=t),
        [None, None],
    ),
    "get_range_into": (
        lambda c, t: c.get_range_into("key", 0, bytearray(5), timeout=t),
        "negative",
    ),
    "get_range_into_batch": (
        lambda c, t: c.get_range_into_batch(
            ["a", "b"], [0, 1], [bytearray(5), bytearray(5)], timeout=t
        ),
        "negatives",
    ),
    "view": (lambda c, t: c.view("key", timeout=t), None),
    "view_batch": (lambda c, t: c.view_batch(["a", "b"], timeout=t), [None, None]),
    "pin": (lambda c, t: c.pin("key", 60, timeout=t), "status"),
    "pin_batch": (lambda c, t: c.pin_batch(["a", "b"], 60, timeout=t), "statuses"),
    "unpin": (lambda c, t: c.unpin("key", timeout=t), "status"),
    "unpin_batch": (lambda c, t: c.unpin_batch(["a", "b"], timeout=t), "statuses"),
    "list": (lambda c, t: c.list(timeout=t), None),
    "iter_keys": (lambda c, t: list(c.iter_keys(timeout=t)), []),
    "remove_prefix": (lambda c, t: c.remove_prefix("k", timeout=t), "negative"),
    "clear": (lambda c, t: c.clear(timeout=t), "negative"),
    "exists": (lambda c, t: c.exists("key", timeout=t), False),
    "exists_batch": (lambda c, t: c.exists_batch(["a", "b"], timeout=t), [False, False]),
    "match_prefix": (lambda c, t: c.match_prefix(["a", "b"], timeout=t), 0),
    "remove": (lambda c, t: c.remove("key", timeout=t), "status"),
    "remove_batch": (lambda c, t: c.remove_batch(["a", "b"], timeout=t), "statuses"),
    "stat": (lambda c, t: c.stat("key", timeout=t), None),
    "status": (lambda c, t: c.status(timeout=t), {}),
}


def check(call, client, allowed, timeout=0.3):
    """Makes the call and compares its answer with that of a pool in trouble."""
    function, wanted = CALLS[call]
    answer = function(client, timeout)
    if wanted == "status":
        assert type(answer) is Status and answer in allowed
    elif wanted == "statuses":
        assert len(answer) == 2 and set(answer) <= allowed
    elif wanted == "negative":
        assert answer in {-status for status in allowed}
    elif wanted == "negatives":
        assert len(answer) == 2 and set(answer) <= {-status for status in allowed}
    else:
        assert answer == wanted and type(answer) is type(wanted)


AWAY = {Status.UNREACHABLE, Status.TIMEOUT}


@pytest.mark.parametrize("call", CALLS)
def test_a_meta_that_is_not_there_is_no_exception(absent_meta, call):
    with aquifer.Client(absent_meta) as client:
        check(call, client, AWAY)
        assert absent_meta.removeprefix("tcp://") in client.last_error()


@pytest.mark.parametrize("call", CALLS)
def test_a_meta_that_does_not_answer_costs_the_timeout_and_no_more(silent_meta, call):
    with aquifer.Client(silent_meta) as client:
        start = time.monotonic()
        check(call, client, AWAY, timeout=0.3)
        assert time.monotonic() - start < 2


@pytest.mark.parametrize("call", CALLS)
def test_a_closed_client_answers_closed(pool, call):
    client = pool.client()
    client.put("here", b"value")
    client.close()
    check(call, client, {Status.CLOSED})
    client.close()


def test_the_clients_timeout_holds_for_calls_without_one(silent_meta):
    with aquifer.Client(silent_meta, timeout=0.2) as client:
        start = time.monotonic()
        assert client.put("key", b"value") in AWAY
        assert client.get("key") is None
        assert client.get_batch(["a"]) == [None]
        assert time.monotonic() - start < 3


def test_last_error_is_empty_when_nothing_went_wrong(client):
    for size in (10, 1_000_000, 20):
        client.put(f"key{size}", bytes(size))
        assert client.get(f"key{size}") == bytes(size)
        assert client.get_batch([f"key{size}", "missing"]) == [bytes(size), None]
    assert client.get("missing") is None
    assert client.last_error() == ""


def test_meta_comes_from_argument_then_environment(pool, monkeypatch):
    monkeypatch.setenv("AQUIFER_META", pool.meta)
    with aquifer.Client(namespace="environment") as client:
        assert client.put("key", b"value") is Status.OK
    monkeypatch.setenv("AQUIFER_META", "nonsense")
    with aquifer.Client(pool.meta, namespace="environment") as client:
        assert client.get("key") == b"value"
    with pytest.raises(ValueError):
        aquifer.Client()


def test_without_argument_and_environment_the_default_address_is_used(monkeypatch):
    monkeypatch.delenv("AQUIFER_META", raising=False)
    aquifer.Client().close()
    monkeypatch.setenv("AQUIFER_META", "")
    aquifer.Client().close()


def test_the_namespace_of_a_client_is_that_of_its_calls(pool):
    with pool.client(namespace="one") as one, pool.client(namespace="two") as two:
        one.put("key", b"value")
        assert not two.exists("key")
        assert two.get("key", namespace="one") == b"value"


def test_all_options_are_accepted(pool):
    options = {"namespace": "all", "transport": "tcp", "timeout": 2, "copy_threads": 2}
    with aquifer.Client(pool.meta, tcp_streams=3, **options) as client:
        assert client.put("key", bytes(5_000_000)).ok
        assert client.get("key") == bytes(5_000_000)


def test_a_context_manager_closes_its_client(pool):
    with pool.client() as client:
        assert client.put("context", b"value").ok
    assert client.put("context2", b"value") is Status.CLOSED
    with pytest.raises(KeyError):
        with pool.client():
            raise KeyError("passes through")


def test_a_client_leaves_no_descriptor_behind(pool):
    def descriptors():
        return len(os.listdir("/proc/self/fd"))

    with pool.client() as client:
        client.put("descriptors", b"value")
    before = descriptors()
    for _ in range(20):
        with pool.client() as client:
            assert client.get("descriptors") == b"value"
        dropped = pool.client()
        assert dropped.get("descriptors") == b"value"
        gone = weakref.ref(dropped)
        del dropped
        assert gone() is None
    # The pool closes its ends of the connections a moment later.
    deadline = time.monotonic() + 10
    while descriptors() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert descriptors() <= before
