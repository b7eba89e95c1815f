"""aquifer.Meta and aquifer.Node: the parts of a pool as servers inside this process."""

import os
import time

import pytest

import aquifer
from aquifer import Status


def test_a_pool_of_parts():
    with aquifer.Meta() as meta, aquifer.Node(meta.address, "8MiB", name="host:1234") as node:
        assert meta.address.startswith("tcp://127.0.0.1:")
        assert node.wait_ready(20)
        assert node.name == "host:1234" and node.address.startswith("tcp://127.0.0.1:")
        with aquifer.Client(meta.address) as client:
            assert client.put("key", b"value") == Status.OK
            assert client.get("key") == b"value"
            assert [one["name"] for one in client.status()["nodes"]] == ["host:1234"]
        assert meta.failure() is None and node.failure() is None


def test_what_a_node_held_is_gone_when_it_leaves():
    with aquifer.Meta() as meta, aquifer.Client(meta.address) as client:
        with aquifer.Node(meta.address, "8MiB") as node:
            assert node.wait_ready(20)
            assert client.put("key", b"value") == Status.OK
        assert client.get("key") is None
        with aquifer.Node(meta.address, "8MiB") as node:
            assert node.wait_ready(20)
            assert client.put("key", b"other") == Status.OK
            assert client.get("key") == b"other"


def test_a_name_that_is_taken_ends_the_second_node():
    with aquifer.Meta() as meta, aquifer.Node(meta.address, "1MiB", name="a") as first:
        assert first.wait_ready(20)
        with aquifer.Node(meta.address, "1MiB", name="a") as second:
            end = time.monotonic() + 20
            while second.failure() is None and time.monotonic() < end:
                time.sleep(0.01)
            assert "already joined" in second.failure()
            assert not second.wait_ready(0.1)


def test_a_meta_that_is_not_there_is_waited_for():
    with aquifer.Node("tcp://127.0.0.1:1", "1MiB") as node:
        assert not node.wait_ready(0.2)
        assert node.failure() is None


def test_eviction_begins_and_ends_where_it_was_told():
    with aquifer.Meta(eviction_high=0.5, eviction_low=0.25) as meta:
        with aquifer.Node(meta.address, "64MiB") as node, aquifer.Client(meta.address) as client:
            assert node.wait_ready(20)
            most = 0
            for n in range(48):
                assert client.put(f"k{n}", b"x" * (2 << 20)).ok
                most = max(most, client.status()["used_bytes"])
            # The memory is granted in steps, and only what is granted counts as used up.
            assert most <= 36 << 20
            assert client.status()["evictions"] > 0


@pytest.mark.parametrize(
    "options",
    [{"listen": "nonsense"}, {"eviction_high": 1.5, "eviction_low": 0.5}, {"eviction_high": 0.5},
     {"eviction_high": 0.5, "eviction_low": 0.6}, {"node_grace": 0}],
)
def test_a_meta_that_cannot_be(options):
    with pytest.raises(ValueError):
        aquifer.Meta(**options)


def test_a_port_that_is_taken():
    with aquifer.Meta() as meta:
        with pytest.raises(ValueError, match="in use"):
            aquifer.Meta(meta.address)


@pytest.mark.parametrize(
    "options", [{"name": "no blanks"}, {"dram": 5}, {"dram": "much"}, {"segments": "/not/there"}])
def test_a_node_that_cannot_be(options):
    with pytest.raises(ValueError):
        aquifer.Node("tcp://127.0.0.1:1", **{"dram": "1MiB", **options})


def test_a_forked_child_leaves_them_alone():
    with aquifer.Meta() as meta, aquifer.Node(meta.address, "1MiB") as node:
        assert node.wait_ready(20)
        child = os.fork()
        if child == 0:
            good = "child" in node.failure() and not node.wait_ready(1)
            node.close()
            meta.close()
            os._exit(0 if good else 1)
        assert os.waitpid(child, 0)[1] == 0
        with aquifer.Client(meta.address) as client:
            assert client.put("key", b"value") == Status.OK


def test_close_is_repeatable():
    meta = aquifer.Meta()
    node = aquifer.Node(meta.address, "1MiB")
    for one in (node, meta, node, meta):
        one.close()
