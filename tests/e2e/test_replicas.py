"""Replicas: on distinct nodes and zones, made again after a loss, taken back when they are too many;
nodes that join take their turn, nodes that are drained leave empty."""

import aquifer
import pytest
from aquifer import Status
from contents import content, is_content, wait_until

SIZE = 64 << 10


@pytest.fixture
def pool(processes):
    """A meta that gives nodes up soon."""
    processes.meta("--node-grace", "2s", "--suspect-after", "500ms")
    return processes


def nodes_of(processes, key):
    return sorted(replica["node"] for replica in
                  processes.run("stat", key, "--json").json["replicas"])


def state_of(client, name):
    return next((node["state"] for node in client.status()["nodes"] if node["name"] == name), None)


def check_all(processes, keys):
    with aquifer.Client(processes.meta_address) as client:
        for key in keys:
            assert is_content(client.get(key), key), key


def fill(client, count, replicas=1, prefix="k"):
    keys = [f"{prefix}{n}" for n in range(count)]
    statuses = client.put_batch(keys, [content(key, SIZE) for key in keys], replicas=replicas)
    assert set(statuses) == {Status.OK}
    return keys


def test_replicas_go_to_different_zones(pool):
    for name, zone in (("a1", "a"), ("a2", "a"), ("b1", "b"), ("b2", "b")):
        pool.node("--name", name, "--zone", zone)
    with aquifer.Client(pool.meta_address) as client:
        for key in fill(client, 40, replicas=2):
            assert [name[0] for name in nodes_of(pool, key)] == ["a", "b"]
        client.put("three", content("three", SIZE), replicas=3)
        names = nodes_of(pool, "three")
        assert len(set(names)) == 3, "a zone twice rather than no replica"


def test_what_was_lost_with_a_node_is_copied_from_what_is_left(pool):
    nodes = {name: pool.node("--name", name) for name in "abc"}
    with aquifer.Client(pool.meta_address) as client:
        keys = fill(client, 60, replicas=2)
        assert client.pin(keys[0], 60) == Status.OK
        lost = [key for key in keys if "a" in nodes_of(pool, key)]
        assert lost
        nodes["a"].kill()
        wait_until(lambda: all(nodes_of(pool, key) == ["b", "c"] for key in keys))
        nodes["b"].kill()
        wait_until(lambda: state_of(client, "b") != "alive")
        check_all(pool, keys)
        status = client.status()
        assert status["integrity_failures"] == 0


def test_a_node_that_comes_back_leaves_no_replica_too_many(pool, tmp_path):
    nodes = {name: pool.node("--name", name, "--segments", tmp_path) for name in "abc"}
    with aquifer.Client(pool.meta_address) as client:
        keys = fill(client, 60, replicas=2)
        nodes["a"].kill()
        wait_until(lambda: all({"b", "c"} <= set(nodes_of(pool, key)) for key in keys))
        nodes["a"] = pool.node("--name", "a", "--segments", tmp_path)
        wait_until(lambda: all(len(nodes_of(pool, key)) == 2 for key in keys))
        check_all(pool, keys)
        unit = client.status()["used_bytes"] / len(keys) / 2
        wait_until(lambda: client.status()["used_bytes"] == unit * 2 * len(keys))


def test_equally_near_replicas_share_the_reads(pool):
    for name in "ab":
        pool.node("--name", name)
    with aquifer.Client(pool.meta_address, transport="tcp") as client:
        keys = fill(client, 60, replicas=2)
        before = client.status()["nodes"]
        for _ in range(3):
            values = client.get_batch(keys)
            assert all(is_content(value, key) for key, value in zip(keys, values))
        whole = 3 * SIZE * len(keys)

        def read():
            nodes = zip(client.status()["nodes"], before)
            return [now["read_bytes"]["tcp"] - then["read_bytes"]["tcp"] for now, then in nodes]
        wait_until(lambda: sum(read()) == whole)
        assert min(read()) > whole / 4


def test_a_drained_node_leaves_empty_and_nothing_is_lost(pool, tmp_path):
    nodes = {name: pool.node("--name", name, "--segments", tmp_path) for name in "abc"}
    with aquifer.Client(pool.meta_address) as client:
        keys = fill(client, 200) + fill(client, 50, replicas=2, prefix="twice")
        answer = pool.run("drain", "b", "--json")
        assert answer.json["gone"] is True and answer.json["moved"] > 0
        assert answer.json["given_up"] == 0
        assert nodes["b"].wait() == 0
        assert "drained" in nodes["b"].errors
        assert not (tmp_path / "aquifer-b.segment").exists()
        check_all(pool, keys)
        wait_until(lambda: state_of(client, "b") is None)
        assert all(nodes_of(pool, key) == ["a", "c"] for key in keys if key.startswith("twice"))
        assert client.status()["objects"] == len(keys)
        assert pool.run("drain", "nobody", code=None).code != 0


def test_a_drain_can_be_ended(pool):
    pool.node("--name", "a")
    with aquifer.Client(pool.meta_address) as client:
        keys = fill(client, 20)
        answer = pool.run("drain", "a", "--cancel", "--json")
        assert answer.json["gone"] is False
        check_all(pool, keys)
        assert state_of(client, "a") == "alive"
        assert client.put("more", b"x").ok


def test_a_drain_without_room_elsewhere_gives_up_what_is_worth_least(pool):
    pool.node("--name", "a", dram="32MiB")
    with aquifer.Client(pool.meta_address) as client:
        keys = fill(client, 400)
        pool.node("--name", "b", dram="16MiB")
        answer = pool.run("drain", "a", "--json")
        assert answer.json["gone"] is True and answer.json["given_up"] > 0
        there = client.exists_batch(keys)
        assert 150 < sum(there) < 260
        for key, is_there in zip(keys, there):
            if is_there:
                assert is_content(client.get(key), key)


def test_nodes_of_any_size_fill_to_the_same_ratio_and_a_new_one_takes_its_turn(pool):
    sizes = {"a": 32, "b": 64, "c": 128}
    for name, size in sizes.items():
        pool.node("--name", name, dram=f"{size}MiB")
    with aquifer.Client(pool.meta_address) as client:
        wait_until(lambda: client.status()["capacity_bytes"] == 224 << 20)
        for name, size in sizes.items():  # until its memory is there
            whole = content(name, size * 15 << 16)

            def is_there(name=name, whole=whole):
                found = client.put(name, whole, preferred_node=name).ok and nodes_of(pool, name)
                client.remove(name)
                return found == [name]
            wait_until(is_there)
        fill(client, 1600)
        shares = [node["used_bytes"] / node["capacity_bytes"] for node in client.status()["nodes"]]
        assert max(shares) - min(shares) < 0.1, shares
        pool.node("--name", "new", dram="64MiB")
        before = {node["name"]: node["used_bytes"] for node in client.status()["nodes"]}
        fill(client, 300, prefix="later")
        after = {node["name"]: node["used_bytes"] for node in client.status()["nodes"]}
        grown = {name: after[name] - before.get(name, 0) for name in after}
        assert 0.1 < grown["new"] / sum(grown.values()) < 0.6, grown


def test_a_hot_object_gets_another_replica(processes):
    processes.meta("--hot-uses", "50")
    for name in "abc":
        processes.node("--name", name)
    with aquifer.Client(processes.meta_address) as client:
        fill(client, 10)

        def use():
            for _ in range(200):
                assert is_content(client.get("k3"), "k3")
            return len(nodes_of(processes, "k3")) > 1
        wait_until(use)
        assert len(nodes_of(processes, "k4")) == 1
