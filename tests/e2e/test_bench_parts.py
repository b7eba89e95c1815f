"""Each part of `aquifer bench` in its smallest form: the rows are there under their names, and they verify. How fast
anything was is not looked at."""

import json
import os
import shutil
import sys
from pathlib import Path

import pytest

OBJECT_BYTES = 8784 * 1024
SMALLEST = ("--quick", "--rounds", "1", "--rotation", "1MiB")


def measure(processes, *arguments, environment=None):
    """The rows of a bench by name, its remarks, and what it printed."""
    path = processes.folder / "bench.json"
    answer = processes.run("bench", *SMALLEST, "--json", path, *arguments, seconds=120,
                           environment=environment)
    results = json.loads(path.read_text())
    rows = {row["name"]: row for row in results["rows"]}
    assert len(rows) == len(results["rows"])
    for row in rows.values():
        assert row["verified"] is True, results["remarks"]
        assert row["client_process"] not in [0, *row["node_processes"]]
        assert f"{row['name']} " in answer.text
    return rows, results["remarks"], answer


def test_a_full_pool_is_measured_beside_one_with_room(processes):
    rows, remarks, _ = measure(processes, "--only", "full")
    assert set(rows) == {"full.put", "full.put.p99", "full.refused"}
    assert (rows["full.put"]["unit"], rows["full.put"]["target"]) == ("GB/s", 0.9)
    assert rows["full.put"]["moved_bytes"] == 16 * OBJECT_BYTES
    assert rows["full.put"]["node_bytes"] >= rows["full.put"]["moved_bytes"]
    late = rows["full.put.p99"]
    assert (late["unit"], late["better"], late["target"]) == ("ms", "lower", 2)
    assert late["value"] > 0 and late["reference"] > 0
    refused = rows["full.refused"]
    assert (refused["value"], refused["reference"], refused["met"]) == (0, 16, True)
    assert len(set(refused["node_processes"])) == 2
    assert any("evictions in 16 puts into the full pool, 0 in 16" in text for text in remarks)


def test_digests_are_measured_beside_the_same_copy_without(processes):
    rows, _, _ = measure(processes, "--only", "digest")
    assert set(rows) == {"digest.put", "digest.get"}
    for row in rows.values():
        assert (row["unit"], row["target"]) == ("GB/s", 0.97)
        assert row["reference_name"].startswith("copy ")
        assert row["value"] > 0 and row["reference"] > 0


def test_a_cold_client_is_measured_beside_a_warm_one(processes):
    rows, remarks, _ = measure(processes, "--only", "cold")
    assert set(rows) == {"cold.get", "cold.put"}
    for row in rows.values():
        assert row["unit"] == "GB/s" and row["reference_name"] == "the pass repeated"
        assert row["value"] > 0 and row["reference"] > 0
        assert row["node_bytes"] >= row["moved_bytes"] >= 2 * 400 * (1 << 20)
        assert row["target"] is None, "nothing is promised for a pool this small"
    assert any("cores" in text and "huge pages" in text for text in remarks)


def test_a_start_is_measured_up_to_the_first_put_and_up_to_all_memory(processes):
    rows, remarks, _ = measure(processes, "--only", "start")
    assert set(rows) == {"start.first_put", "start.full"}
    first, full = rows["start.first_put"], rows["start.full"]
    assert (first["unit"], first["better"], first["reference"]) == ("s", "lower", 1)
    assert first["target"] is None, "nothing is promised for a node this small"
    assert 0 < first["value"] <= full["value"] and full["reference"] > 0
    assert any(text.startswith("start: a node of ") for text in remarks)


def test_an_outage_is_measured_at_its_first_call_and_at_those_after_it(processes):
    rows, remarks, _ = measure(processes, "--only", "outage")
    assert set(rows) == {"outage.stopped.first", "outage.stopped.p99", "outage.stopped.back",
                         "outage.killed.first", "outage.killed.p99"}
    for kind in ("stopped", "killed"):
        first, refused = rows[f"outage.{kind}.first"], rows[f"outage.{kind}.p99"]
        assert (first["unit"], first["better"], first["reference_name"]) == ("ms", "lower", "deadline")
        assert (refused["unit"], refused["better"], refused["reference"], refused["target"]) == ("us", "lower", 50, 1)
        assert 0 < refused["candidates"][0]["value"] <= refused["value"]
    assert (rows["outage.stopped.back"]["unit"], rows["outage.stopped.back"]["reference"]) == ("ms", 2000)
    assert sum(text.startswith("outage: meta ") for text in remarks) == 2


def test_a_restart_is_measured_and_nothing_is_lost(processes):
    rows, remarks, _ = measure(processes, "--only", "restart")
    seconds = {"restart.meta.put": 2, "restart.meta.10m.put": 5, "restart.meta.10m.report": 5,
               "restart.node.readable": 1, "restart.node.64k.readable": 1}
    lost = {f"restart.{what}.lost" for what in ("meta", "meta.10m", "node", "node.64k", "replicas")}
    assert set(rows) == {*seconds, *lost, "restart.replicas", "restart.replicas.rate"}
    for name, bound in seconds.items():
        row = rows[name]
        assert (row["unit"], row["better"], row["reference"]) == ("s", "lower", bound)
        assert row["value"] > 0 and len(row["samples"]) == 1
    for name in lost:
        row = rows[name]
        assert (row["unit"], row["value"], row["target"], row["met"]) == ("objects", 0, 0, True)
        assert row["reference"] > 0
    assert rows["restart.meta.10m.put"]["reference_name"] == "bound; 100000 synthetic"
    assert rows["restart.meta.10m.put"]["value"] <= rows["restart.meta.10m.report"]["value"]
    assert rows["restart.meta.10m.put"]["target"] is None, "nothing is promised of so few"
    assert rows["restart.node.readable"]["candidates"][0]["value"] > rows["restart.node.readable"]["value"]
    assert rows["restart.replicas"]["moved_bytes"] >= OBJECT_BYTES and rows["restart.replicas.rate"]["value"] > 0
    assert sum(text.startswith("restart") for text in remarks) >= 5
    ours = f"aquifer-private-{rows['restart.node.lost']['client_process']}-"
    assert not [name for name in os.listdir("/dev/shm") if name.startswith(ours)]


def test_several_parts_come_in_one_report(processes):
    rows, _, answer = measure(processes, "--only", "full,start")
    assert {name.split(".")[0] for name in rows} == {"full", "start"}
    assert "rotate over" not in answer.text, "that is said of the block alone"


def test_a_part_that_does_not_exist_is_refused(processes):
    answer = processes.run("bench", "--only", "fulll", code=2)
    assert "did you mean full?" in answer.errors


# Other servers


@pytest.fixture
def fake_redis(processes):
    """An environment in which redis-server is fake_redis.py, with a folder of its own for sockets."""
    folder = processes.folder / "bin"
    folder.mkdir()
    program = folder / "redis-server"
    script = Path(__file__).with_name("fake_redis.py")
    program.write_text(f"#!/bin/sh\nexec {sys.executable} {script} \"$@\"\n")
    program.chmod(0o755)
    sockets = processes.folder / "tmp"
    sockets.mkdir()

    def environment(fault=""):
        return {"PATH": f"{folder}:{os.environ['PATH']}", "TMPDIR": str(sockets), "REDIS_FAULT": fault}
    yield environment
    assert list(sockets.iterdir()) == [], "the folder of the socket is left"


def check_peer_rows(rows, peer):
    assert set(rows) == {f"{peer}.{act}.{kind}" for act in ("put", "get") for kind in ("4k", "block")}
    for name, row in rows.items():
        is_block = name.endswith("block")
        assert (row["unit"], row["better"]) == (("GB/s", "higher") if is_block else ("us", "lower"))
        assert row["value"] > 0 and row["reference"] > 0 and row["reference_name"] == peer
        assert row["target"] is None and len(set(row["node_processes"])) == 2
        assert row["node_bytes"] >= row["moved_bytes"] > 0


@pytest.mark.parametrize("peer", ["redis", "memcached"])
def test_the_same_objects_go_through_a_real_server(processes, peer):
    program = {"redis": "redis-server"}.get(peer, peer)
    if shutil.which(program, path=f"{os.environ['PATH']}:/usr/bin:/usr/sbin") is None:
        pytest.skip(f"{program} is not installed; ./dev bench --against {peer} brings it")
    rows, remarks, _ = measure(processes, "--against", peer)
    check_peer_rows(rows, peer)
    assert any(text.startswith(f"{peer}: one connection") for text in remarks)


def test_a_stand_in_for_a_server_is_measured_as_well(processes, fake_redis):
    rows, _, _ = measure(processes, "--against", "redis", environment=fake_redis())
    check_peer_rows(rows, "redis")


@pytest.mark.parametrize(("fault", "trouble"), [("damage", "wrong byte at"), ("lose", "redis answered '$-1'"),
                                                ("refuse", "redis answered '-")])
def test_a_server_that_does_not_keep_what_it_was_given_is_noticed(processes, fake_redis, fault, trouble):
    answer = processes.run("bench", *SMALLEST, "--against", "redis", environment=fake_redis(fault), code=4)
    assert "NOT VERIFIED" in answer.text and trouble in answer.text


def test_a_server_that_ends_at_once_is_an_error_with_its_words(processes, fake_redis):
    answer = processes.run("bench", *SMALLEST, "--against", "redis", environment=fake_redis("deaf"), code=5)
    assert "redis-server ended before it was ready: cannot listen" in answer.errors


@pytest.mark.parametrize(("words", "says"), [
    (("--against", "postgres"), "there is no server 'postgres'"),
    (("--only", "peers"), "no server is named"),
])
def test_a_server_that_nobody_knows_or_names_is_refused(processes, words, says):
    assert says in processes.run("bench", *words, code=2).errors
