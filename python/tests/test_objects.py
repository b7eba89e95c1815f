"""Single calls: put, get, get_into, exists, remove, stat and the reports."""

import numpy as np
import pytest

from aquifer import Status

RANDOM = np.random.default_rng(7)

# Around the room that a get reserves before it knows the size, and far from it.
SIZES = [1, 2, 100, 4095, 4096, 4097, 65535, 65536, 65537, 1_000_003, 8784 * 1024]


@pytest.mark.parametrize("size", SIZES)
def test_get_returns_what_was_put(client, size):
    value = RANDOM.bytes(size)
    assert client.put("key", value) is Status.OK
    for _ in range(2):
        found = client.get("key")
        assert type(found) is bytes and found == value


def test_sizes_may_change_from_get_to_get(client):
    values = {f"key{size}": RANDOM.bytes(size) for size in SIZES}
    for key, value in values.items():
        assert client.put(key, value).ok
    for key in [*values, *reversed(values), *sorted(values)]:
        assert client.get(key) == values[key]


def test_get_of_a_missing_key_is_none(client):
    assert client.get("missing") is None
    assert client.get_into("missing", bytearray(10)) == 0
    assert client.exists("missing") is False
    assert client.remove("missing") is Status.NOT_FOUND
    assert client.stat("missing") is None


def test_an_existing_key_keeps_its_value(client):
    assert client.put("key", b"first") is Status.OK
    assert client.put("key", b"second, and longer") is Status.EXISTS
    assert client.get("key") == b"first"


def test_remove_takes_the_value_away(client):
    client.put("key", b"value")
    assert client.exists("key") is True
    assert client.remove("key") is Status.OK
    assert client.exists("key") is False
    assert client.get("key") is None


def test_a_key_can_be_put_again_after_remove(client):
    for size in (10, 100_000, 50):
        value = RANDOM.bytes(size)
        assert client.put("key", value) is Status.OK
        assert client.get("key") == value
        assert client.remove("key") is Status.OK


def test_str_and_its_utf8_are_the_same_key(client):
    client.put("blöck-ключ", b"value")
    assert client.get("blöck-ключ".encode()) == b"value"


KEYS = ["k", "k" * 1024, b"\x00", b"a\x00b", bytes(range(256)), "é" * 512]


@pytest.mark.parametrize("key", KEYS)
def test_keys_are_any_1_to_1024_bytes(client, key):
    assert client.put(key, b"value") is Status.OK
    assert client.get(key) == b"value"
    assert client.stat(key)["key"] == key


def test_get_into_fills_the_front_of_a_larger_buffer(client):
    value = RANDOM.bytes(5000)
    client.put("key", value)
    buffer = bytearray(b"\xaa" * 6000)
    assert client.get_into("key", buffer) == 5000
    assert buffer == value + b"\xaa" * 1000


def test_get_into_too_small_a_buffer_is_a_negative_status(client):
    client.put("key", bytes(5000))
    assert client.get_into("key", bytearray(4999)) == -Status.TOO_SMALL


def test_namespaces_are_apart(client):
    client.put("key", b"here")
    assert client.put("key", b"there", namespace="elsewhere") is Status.OK
    assert client.get("key") == b"here"
    assert client.get("key", namespace="elsewhere") == b"there"
    assert client.remove("key", namespace="elsewhere") is Status.OK
    assert not client.exists("key", namespace="elsewhere")
    assert client.exists("key")


def test_stat_tells_size_and_places(client):
    client.put("key", bytes(12345))
    stat = client.stat("key")
    assert stat["key"] == "key" and stat["size"] == 12345
    assert [sorted(replica) for replica in stat["replicas"]] == [["node"]]


def test_status_tells_of_pool_and_nodes(client):
    client.put("key", bytes(100_000))
    status = client.status()
    assert set(status) == {
        "capacity_bytes",
        "free_bytes",
        "used_bytes",
        "limbo_bytes",
        "pinned_bytes",
        "views",
        "objects",
        "evictions",
        "integrity_failures",
        "replicas_missing",
        "nodes",
        "calls",
    }
    assert status["calls"]["put"]["single"] >= 1
    assert set(status["calls"]["put"]) == {"single", "single_failed", "batches", "batches_failed"}
    (node,) = status["nodes"]
    assert node["name"] == client.stat("key")["replicas"][0]["node"]
    assert node["state"] == "alive"
    for size in ("capacity", "free", "used", "limbo", "pinned"):
        assert node[f"{size}_bytes"] == status[f"{size}_bytes"]
    assert node["views"] == status["views"] >= 0
    assert set(node["read_bytes"]) == set(node["written_bytes"]) == {"shm", "tcp"}
    parts = [status[f"{part}_bytes"] for part in ("free", "used", "limbo")]
    assert 0 < status["used_bytes"] and sum(parts) == status["capacity_bytes"]
    assert status["objects"] >= 1 and status["integrity_failures"] == 0


def test_counters_count_hits_misses_and_bytes(client):
    buffer = bytearray(10_000)
    client.put("key", buffer)
    assert client.get_into("key", buffer) == 10_000
    assert client.get_into("missing", buffer) == 0
    counters = client.counters()
    assert counters["hits"] == 1 and counters["misses"] == 1
    assert sum(counters["read_bytes"].values()) == 10_000
    assert sum(counters["written_bytes"].values()) == 10_000
    assert counters["integrity_failures"] == 0
    assert counters["meta_calls"] >= 1


def test_a_preferred_node_and_one_replica_are_accepted(client):
    node = client.status()["nodes"][0]["name"]
    assert client.put("key", b"value", replicas=1, preferred_node=node) is Status.OK
    assert client.stat("key")["replicas"] == [{"node": node}]


@pytest.mark.parametrize("transport", ["auto", "shm", "tcp"])
def test_every_transport_carries_the_same_bytes(pool, transport):
    value = RANDOM.bytes(300_000)
    with pool.client(transport=transport, namespace="transport-" + transport) as client:
        assert client.put("key", value) is Status.OK
        assert client.get("key") == value
        carried = client.counters()["read_bytes"]
        assert carried["tcp" if transport == "tcp" else "shm"] == 300_000


def test_a_value_over_the_limit_is_a_status(client):
    # Never touched, so it costs no memory.
    assert client.put("key", np.empty(2**30 + 1, np.uint8)) is Status.TOO_LARGE


def test_a_value_larger_than_the_pool_is_a_status(client):
    assert client.put("key", np.empty(2**29, np.uint8)) in {Status.NO_SPACE, Status.TOO_LARGE}
    assert client.get("key") is None


@pytest.mark.parametrize("size", [2**29, 2**30 + 1])
def test_a_refused_put_says_why(client, size):
    assert not client.put("key", np.empty(size, np.uint8))
    assert client.last_error() != ""


def test_a_drain_tells_how_far_it_has_come(client):
    node = client.status()["nodes"][0]["name"]
    client.put("to move", b"value")
    progress = client.drain(node)
    assert set(progress) == {"gone", "objects", "bytes", "moved", "given_up"}
    assert progress["gone"] is False and progress["moved"] == 0
    assert client.drain(node, cancel=True)["gone"] is False
    assert client.status()["nodes"][0]["state"] == "alive"
    assert client.drain("no such node") == {}
    assert "no such node" in client.last_error()
    with pytest.raises(TypeError, match="cancel must be bool"):
        client.drain(node, cancel=1)
