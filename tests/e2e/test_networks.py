"""Pools of several nodes: which of them answers, and which way the bytes go, by the nodes' own
counters."""

import json
import os
import shutil
import signal
import subprocess
import time
import uuid

import aquifer
import pytest
from clients import ClientProcess
from contents import content, is_content, wait_until
from processes import PROGRAM

COUNT = 24
SIZE = 200_000

# Puts and gets in another network namespace; prints what the client and the pool have counted.
PUT_AND_GET = """
import json, sys
sys.path.insert(0, sys.argv[1])
import aquifer
from contents import content, is_content
meta, count, size = sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
keys = [f"k{n}" for n in range(count)]
with aquifer.Client(meta) as client:
    statuses = client.put_batch(keys, [content(key, size) for key in keys])
    right = [value is not None and len(value) == size and is_content(value, key)
             for key, value in zip(keys, client.get_batch(keys))]
    answer = {"statuses": [status.name for status in statuses], "right": right,
              "error": client.last_error(), **client.counters()}
# Closed: meta has been told what was moved, before the test ends this process.
print(json.dumps(answer), flush=True)
"""

REMOVE_ALL = """
import sys
import aquifer
with aquifer.Client(sys.argv[2]) as client:
    statuses = client.remove_batch([f"k{n}" for n in range(int(sys.argv[3]))])
    print("removed" if set(statuses) == {aquifer.Status.OK} else statuses, flush=True)
"""


def nodes_of(client):
    return {node["name"]: node for node in client.status()["nodes"]}


def moved(client, name, what, transport):
    """Bytes by the counters of a node; they arrive a little after the call."""
    return nodes_of(client)[name][what][transport]


@pytest.fixture
def two_nodes(processes):
    """Nodes "a" on 127.0.0.1 and "b" on 127.0.0.2."""
    processes.meta()
    nodes = {"a": processes.node("--name", "a", "--listen", "tcp://127.0.0.1:0"),
             "b": processes.node("--name", "b", "--listen", "tcp://127.0.0.2:0")}
    assert nodes["b"].address.startswith("tcp://127.0.0.2:")
    return nodes


def test_replicas_on_two_nodes_survive_one_of_them_over_tcp(two_nodes, processes):
    values = {f"k{n}": content(f"k{n}", SIZE) for n in range(COUNT)}
    keys = list(values)
    with aquifer.Client(processes.meta_address, transport="tcp") as cached, \
            aquifer.Client(processes.meta_address, transport="tcp") as fresh:
        for status in cached.put_batch(keys, list(values.values()), replicas=2):
            assert status == aquifer.Status.OK
        for key in keys:
            assert sorted(r["node"] for r in cached.stat(key)["replicas"]) == ["a", "b"]
        for name in two_nodes:
            assert wait_until(
                lambda name=name: moved(cached, name, "written_bytes", "tcp") >= COUNT * SIZE)
            assert moved(cached, name, "written_bytes", "shm") == 0
        assert all(is_content(value, key) for key, value in zip(keys, cached.get_batch(keys)))
        two_nodes["b"].kill()
        start = time.monotonic()
        for client in (cached, fresh):
            assert all(is_content(value, key) for key, value in zip(keys, client.get_batch(keys)))
        assert time.monotonic() - start < 5
        wait_until(lambda: moved(cached, "a", "read_bytes", "tcp") >= COUNT * SIZE)
        assert moved(cached, "a", "read_bytes", "shm") == 0
        assert cached.counters()["read_bytes"]["shm"] == 0
        wait_until(lambda: cached.stat("k0")["replicas"] == [{"node": "a"}])
        assert cached.put("more", b"more").ok and fresh.get("more") == b"more"


def test_the_preferred_node_gets_the_first_replica(two_nodes, processes):
    with aquifer.Client(processes.meta_address, transport="tcp") as client:
        for number, name in enumerate("abbaabab"):
            key = f"k{number}"
            assert client.put(key, content(key, SIZE), preferred_node=name).ok
            assert client.stat(key)["replicas"] == [{"node": name}]
            assert client.put(f"{key} twice", content(key, SIZE), preferred_node=name,
                              replicas=2).ok
            assert client.stat(f"{key} twice")["replicas"][0] == {"node": name}
            assert is_content(client.get(key), key)
        two_nodes["b"].kill()  # no reason to refuse: it is a preference
        wait_until(lambda: nodes_of(client)["b"]["state"] == "lost")
        assert client.put("k", b"x", preferred_node="b").ok
        assert client.stat("k")["replicas"] == [{"node": "a"}]


def test_objects_on_a_lost_node_are_misses_within_the_deadline_and_others_stay(
        two_nodes, processes):
    with aquifer.Client(processes.meta_address, transport="tcp", timeout=2) as client:
        for name in two_nodes:
            assert client.put(f"on {name}", content(f"on {name}", SIZE), preferred_node=name).ok
        two_nodes["b"].send(signal.SIGKILL)
        start = time.monotonic()
        assert client.get("on b") is None
        values = client.get_batch(["on a", "on b"])
        assert is_content(values[0], "on a") and values[1] is None
        assert time.monotonic() - start < 4


# Namespaces


def ip(*words):
    subprocess.run(["ip", *words], check=True, capture_output=True, timeout=30)


@pytest.fixture
def namespaces():
    """Two network namespaces joined by a pair of virtual cards; prefixes of commands, and the
    address of the first."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("network namespaces need root and iproute2")
    mark = uuid.uuid4().hex[:6]
    names = [f"aquifer-{mark}-{side}" for side in "ab"]
    cards = [f"aq{mark}{side}" for side in "ab"]
    made = []
    try:
        for name in names:
            ip("netns", "add", name)
            made.append(name)
        ip("link", "add", cards[0], "netns", names[0], "type", "veth",
           "peer", "name", cards[1], "netns", names[1])
        for number, (name, card) in enumerate(zip(names, cards)):
            ip("-n", name, "address", "add", f"198.18.7.{number + 1}/24", "dev", card)
            ip("-n", name, "link", "set", card, "up")
            ip("-n", name, "link", "set", "lo", "up")
        yield [("ip", "netns", "exec", name) for name in names], "198.18.7.1"
    finally:
        for name in made:
            subprocess.run(["ip", "netns", "delete", name], check=False, timeout=30)


def answer_of(processes, prefix):
    with ClientProcess(processes, PUT_AND_GET, processes.meta_address, COUNT, SIZE,
                       prefix=prefix) as client:
        line = client.line(60)
        assert line, "the client has ended without an answer"
        answer = json.loads(line)
    assert set(answer["statuses"]) == {"OK"} and all(answer["right"]), answer
    return answer


def node_of(processes, prefix):
    """The counters of the only node, asked for from within its namespace."""
    done = subprocess.run(
        [*prefix, str(PROGRAM), "status", "--json", "--meta", processes.meta_address],
        capture_output=True, check=True, timeout=30, env=processes.environment())
    node, = json.loads(done.stdout)["nodes"]
    return node


@pytest.mark.parametrize("listen", ["198.18.7.1", "0.0.0.0"])
def test_between_network_namespaces_tcp_carries_the_bytes_and_within_one_shm(
        namespaces, processes, listen):
    prefixes, host = namespaces
    total = COUNT * SIZE
    processes.meta(listen=f"tcp://{host}:0", prefix=prefixes[0])
    processes.node("--name", "a", "--listen", f"tcp://{listen}:0", prefix=prefixes[0])

    far = answer_of(processes, prefixes[1])
    assert far["written_bytes"] == far["read_bytes"] == {"shm": 0, "tcp": total}
    node = wait_until(lambda: (now := node_of(processes, prefixes[0]))
                      ["read_bytes"]["tcp"] >= total and now)
    assert node["written_bytes"]["tcp"] >= total
    assert node["read_bytes"]["shm"] == node["written_bytes"]["shm"] == 0

    before = node
    with ClientProcess(processes, REMOVE_ALL, processes.meta_address, COUNT,
                       prefix=prefixes[0]) as client:
        assert client.line() == "removed"
    near = answer_of(processes, prefixes[0])
    assert near["written_bytes"] == near["read_bytes"] == {"shm": total, "tcp": 0}
    node = wait_until(lambda: (now := node_of(processes, prefixes[0]))
                      ["read_bytes"]["shm"] >= total and now)
    assert node["written_bytes"]["shm"] >= total
    assert node["read_bytes"]["tcp"] == before["read_bytes"]["tcp"]
    assert node["written_bytes"]["tcp"] == before["written_bytes"]["tcp"]
