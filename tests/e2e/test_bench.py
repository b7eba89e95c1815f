"""`aquifer bench` and `aquifer replay` as a user runs them: what they measure is not looked at here, only that
it verifies, has the documented form, and leaves nothing behind."""

import importlib.util
import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections import OrderedDict
from pathlib import Path

import pytest
from processes import PROGRAM, ROOT

DATA = ROOT / "tests" / "data"
TRACES = ["conversation_extract.jsonl", "synthetic_extract.jsonl"]
# One batch and few bytes: the smallest bench there is.
SMALL = ("--batches", "8", "--threads", "1", "--rounds", "1", "--rotation", "1MiB")
ROW_FIELDS = {"name", "unit", "value", "reference", "reference_name", "ratio", "better", "target",
              "met", "verified"}
OBJECT_BYTES = 8784 * 1024
SMALL_OBJECTS = 32  # what one sample of SMALL moves


def bench(processes, *arguments, code=0):
    """Runs a small bench; its JSON and what it printed."""
    path = processes.folder / "bench.json"
    answer = processes.run("bench", *SMALL, "--json", path, *arguments, code=code)
    return json.loads(path.read_text()), answer


def rows_by_name(results):
    rows = {row["name"]: row for row in results["rows"]}
    assert len(rows) == len(results["rows"])
    return rows


def lru_ratio(requests, blocks, skip):
    """The ideal: a plain LRU whose requests touch their blocks from the last to the first."""
    cache = OrderedDict()
    hits = total = 0
    for number, ids in enumerate(requests):
        run = next((i for i, block in enumerate(ids) if block not in cache), len(ids))
        if number >= skip:
            hits += run
            total += len(ids)
        for block in reversed(ids):
            cache[block] = True
            cache.move_to_end(block)
            if len(cache) > blocks:
                cache.popitem(last=False)
    return hits / total


def requests_of(path):
    return [json.loads(line)["hash_ids"] for line in path.read_text().splitlines()]


# Bench


def test_bench_measures_both_transports_and_verifies(processes):
    results, answer = bench(processes)
    rows = rows_by_name(results)
    assert set(rows) == {f"{way}.{act}.r1.b8.t1{bound}" for act in ("put", "get")
                         for way, bound in (("shm", ""), ("shm", ".memcpy"), ("tcp", ""),
                                            ("tcp", ".digests"))}
    for name, row in rows.items():
        assert ROW_FIELDS <= set(row)
        assert row["verified"] is True and row["unit"] == "GB/s" and row["better"] == "higher"
        assert row["value"] > 0 and row["reference"] > 0
        assert row["ratio"] == pytest.approx(row["value"] / row["reference"])
        assert row["met"] == (row["ratio"] >= row["target"])
        assert row["moved_bytes"] == SMALL_OBJECTS * OBJECT_BYTES
        assert row["node_bytes"] >= row["moved_bytes"]
        assert len(row["node_processes"]) == 1
        assert row["client_process"] not in [0, *row["node_processes"]]
        line = next(line for line in answer.text.splitlines() if line.startswith(f"{name} "))
        assert f"{row['client_process']} > {row['node_processes'][0]}" in line
    assert {"memcpy", "nt_sse2"} <= {c["name"] for c in rows["shm.get.r1.b8.t1"]["candidates"]}
    assert rows["shm.get.r1.b8.t1"]["target"] == 0.92
    assert rows["tcp.get.r1.b8.t1"]["target"] == 0.90
    assert results["machine"]["cores"] >= 1
    assert answer.errors == "", "no progress bar where there is no terminal"


def test_a_planted_wrong_byte_is_noticed(processes):
    results, answer = bench(processes, "--transport", "shm", "--plant-wrong-byte", code=4)
    rows = rows_by_name(results)
    assert rows["shm.get.r1.b8.t1"]["verified"] is False
    assert rows["shm.put.r1.b8.t1"]["verified"] is True
    assert "NOT VERIFIED" in answer.text and "wrong byte at" in answer.text
    assert "plant" not in processes.run("bench", "--help").text


def test_bench_writes_each_replica_to_a_node_of_its_own(processes):
    results, _ = bench(processes, "--transport", "shm", "--replicas", "2")
    row = rows_by_name(results)["shm.put.r2.b8.t1"]
    assert row["verified"] is True and row["target"] is None and row["met"] is None
    assert len(set(row["node_processes"])) == 2
    assert row["node_bytes"] >= 2 * row["moved_bytes"]


def test_bench_takes_its_keys_out_of_a_given_pool(processes):
    processes.meta()
    node = processes.node(dram="700MiB")
    processes.run("put", "mine", "-", data=b"stays")
    results, _ = bench(processes, "--transport", "tcp", "--meta", processes.meta_address)
    assert rows_by_name(results)["tcp.get.r1.b8.t1"]["node_processes"] == [node.pid]
    assert processes.status()["objects"] == 1
    assert processes.run("get", "mine").output == b"stays"


def test_bench_says_when_a_given_pool_is_too_small(pool):
    answer = pool.run("bench", *SMALL, "--meta", pool.meta_address, code=None)
    assert answer.code == 5 and "the pool holds" in answer.errors and "--batches" in answer.errors


@pytest.mark.parametrize("words", [("--batches", "x"), ("--batches", "0"), ("--threads", "1,-1"),
                                   ("--streams", "0"), ("--rotation", "much"), ("surplus",)])
def test_bench_refuses_what_it_cannot_measure(processes, words):
    answer = processes.run("bench", *words, code=2)
    assert answer.errors.startswith("aquifer bench: ") or "aquifer bench" in answer.errors


def test_a_killed_bench_leaves_no_process_behind(processes):
    started = subprocess.Popen([PROGRAM, "bench", "--quick"], stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, env=processes.environment())
    children = Path(f"/proc/{started.pid}/task/{started.pid}/children")
    wait_until(lambda: len(children.read_text().split()) >= 4)  # two peers, meta and node
    pids = children.read_text().split()
    started.send_signal(signal.SIGKILL)
    started.wait()
    wait_until(lambda: not any(is_running(pid) for pid in pids))


# Parts of a bench


BESIDE_BOUNDS = {"view.block": 3.0, "view.4k": 3.0, "get.4k.cached": 1.5}
BESIDE_ECHO = ["get.4k.lookup", "put.4k", "exists.128"]
PYTHON_ROW = "get.4k.cached.python"


def part(processes, name, *arguments, code=0):
    """The smallest form of one part; its results and what it printed."""
    path = processes.folder / f"{name}.json"
    answer = processes.run("bench", "--only", name, "--quick", "--rounds", "1", "--json", path, *arguments,
                           code=code)
    return json.loads(path.read_text()), answer


def assert_looks(rows):
    """Quick looks verify and promise nothing."""
    for name, row in rows.items():
        assert ROW_FIELDS <= set(row)
        assert row["verified"] is True, name
        assert row["value"] > 0 and row["reference"] > 0 and len(row["samples"]) == 1
        assert row["target"] is None and row["met"] is None


def test_latency_stands_beside_bounds_echoes_and_raw_sockets(processes):
    results, answer = part(processes, "latency", "--python", sys.executable)
    rows = rows_by_name(results)
    names = {*BESIDE_BOUNDS, *BESIDE_ECHO, *(f"echo.{name}" for name in BESIDE_ECHO)}
    if importlib.util.find_spec("aquifer") is not None:
        names.add(PYTHON_ROW)
        assert rows[PYTHON_ROW]["client_process"] != rows["put.4k"]["client_process"]
    assert set(rows) == names
    assert_looks(rows)
    for name, row in rows.items():
        assert row["unit"] == "us" and row["better"] == "lower" and len(row["node_processes"]) == 1
        assert {"mean", "p99"} <= {c["name"] for c in row["candidates"]}
        if name in BESIDE_BOUNDS:
            assert row["reference_name"] == "bound" and row["reference"] == BESIDE_BOUNDS[name]
    assert all(rows[name]["reference_name"] == "echo" for name in BESIDE_ECHO)
    assert all(rows[f"echo.{name}"]["reference_name"] == "raw socket" for name in BESIDE_ECHO)
    assert answer.errors == ""


def test_latency_takes_its_keys_out_of_a_given_pool_and_does_without_python(processes):
    processes.meta()
    node = processes.node(dram="64MiB")
    results, _ = part(processes, "latency", "--python", "no-such-python", "--meta", processes.meta_address)
    rows = rows_by_name(results)
    assert_looks(rows)
    assert PYTHON_ROW not in rows
    assert results["remarks"] == [f"{PYTHON_ROW} was left out: there is no no-such-python"]
    assert rows["put.4k"]["node_processes"] == [node.pid]
    assert processes.status()["objects"] == 0


def test_latency_notices_a_wrong_byte(processes):
    results, answer = part(processes, "latency", "--python", "no-such-python", "--plant-wrong-byte", code=4)
    assert [row["name"] for row in results["rows"] if not row["verified"]] == ["get.4k.cached"]
    assert "NOT VERIFIED" in answer.text


def test_meta_is_measured_by_its_own_processor_time_and_memory(processes):
    results, _ = part(processes, "meta")
    rows = rows_by_name(results)
    assert set(rows) == {"meta.lookup", "meta.put", "meta.memory"}
    assert_looks(rows)
    assert {name: row["reference"] for name, row in rows.items()} == {
        "meta.lookup": 4.0, "meta.put": 1.0, "meta.memory": 160.0}
    assert {name: row["better"] for name, row in rows.items()} == {
        "meta.lookup": "higher", "meta.put": "higher", "meta.memory": "lower"}
    assert "synthetic" in rows["meta.memory"]["reference_name"]
    assert rows["meta.put"]["moved_bytes"] > 0


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def wait_until(condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_terminal_sees_a_progress_bar(processes):
    reader, terminal = pty.openpty()
    started = subprocess.Popen([PROGRAM, "replay", DATA / TRACES[0], "--blocks", "100",
                                "--object-size", "1KiB"], stdout=subprocess.DEVNULL,
                               stderr=terminal, env=processes.environment())
    os.close(terminal)
    seen = b""
    try:
        while piece := os.read(reader, 4096):
            seen += piece
    except OSError:  # the other end is gone
        pass
    os.close(reader)
    assert started.wait(30) == 0
    assert re.search(rb"\[[#.]+\] +\d+ %", seen) and seen.endswith(b"\r\x1b[K")


# Replay


@pytest.mark.parametrize("trace", TRACES)
@pytest.mark.parametrize("blocks", [200, 800])
def test_replay_hits_as_a_plain_lru_does(processes, trace, blocks):
    path = processes.folder / "replay.json"
    answer = processes.run("replay", DATA / trace, "--object-size", "8KiB", "--blocks", blocks,
                           "--skip", "0.25", "--json", path)
    results = json.loads(path.read_text())
    requests = requests_of(DATA / trace)
    skip = len(requests) // 4
    assert results["verified"] is True and results["failed_puts"] == results["lost_blocks"] == 0
    assert results["requests"] == len(requests) - skip
    assert results["blocks"] == sum(map(len, requests[skip:]))
    assert results["hit_ratio"] == results["hits"] / results["blocks"]
    ideal = lru_ratio(requests, blocks, skip)
    assert results["model"]["hit_ratio"] == pytest.approx(ideal)
    assert results["hit_ratio"] == pytest.approx(ideal, abs=0.02)
    assert results["latency"]["get"]["p99_ms"] >= results["latency"]["get"]["p50_ms"] > 0
    assert results["known_hit_ratio"] is None
    assert f"{results['hit_ratio']:.4f}" in answer.text and answer.errors == ""


def test_replay_takes_its_keys_out_of_a_given_pool(pool):
    pool.run("put", "mine", "-", data=b"stays")
    answer = pool.run("replay", DATA / TRACES[0], "--object-size", "4KiB", "--meta",
                      pool.meta_address, "--json", "-")
    assert answer.json["verified"] is True and answer.json["hits"] > 0
    assert pool.status()["objects"] == 1


def test_replay_names_the_line_that_is_no_request(processes):
    path = processes.folder / "trace.jsonl"
    path.write_text('{"hash_ids": [1, 2]}\n{"hash_ids": [1, "x"]}\n')
    answer = processes.run("replay", path, code=2)
    assert f"{path}:2: hash_ids holds something that is not a whole number" in answer.errors


def test_replay_wants_a_trace_that_is_there(processes):
    assert "/nonexistent" in processes.run("replay", "/nonexistent", code=5).errors
    processes.run("replay", code=2)
