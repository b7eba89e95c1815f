"""The metadata service: its REST interface, its program, and what becomes of stores without it."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time

import pytest
from memcache_programs import (
    MAIN,
    PROGRAM,
    Memory,
    MetaProcess,
    free_port,
    local_config,
    open_store,
    wait_until,
)

from memcache_hybrid import DistributedObjectStore

WAYS = pytest.mark.parametrize(
    "words", [(PROGRAM,), (sys.executable, "-c", MAIN)], ids=["program", "python"])
OPERATIONS = """alloc batch_alloc get batch_get remove batch_remove remove_all update_state
batch_update_state query batch_query get_all_keys exist_key batch_exist_key mount unmount""".split()


def test_health_and_roles(meta):
    for path in ("/health", "/role", "/ha_status", "/leader", "/", "/livez"):
        assert meta.get(path)[0] == 200
    health = meta.json("/health")
    assert health == {"status": "ok", "role": "unknown", "ha_state": "unknown",
                      "service_ready": True, "leader_address": "unknown", "view_version": 0}
    assert meta.json("/leader") == {"present": False, "leader_address": "unknown",
                                    "view_version": 0}
    assert meta.get("/role") == (200, "unknown") and meta.get("/nothing")[0] == 404


def test_config_store(meta):
    key = "/metadata?key=some%2Fkey%20here"
    assert json.loads(meta.get(key)[1])["error_message"] == "Metadata key not found"
    assert meta.get(key, "PUT", b"value") == (200, "metadata updated")
    assert meta.get("/metadata?key=some/key+here") == (200, "value")
    assert meta.get(key, "DELETE") == (200, "metadata deleted")
    assert json.loads(meta.get(key, "DELETE")[1])["success"] is False
    answer = json.loads(meta.get("/metadata")[1])
    assert answer["error_message"] == "Missing 'key' parameter" and answer["timestamp"] > 1e9


def test_keys(meta, store):
    keys = ["plain", "model/name:x@y", "with ümlaut"]
    store.put_batch(keys, [b"1", b"22", b"333"])
    assert sorted(meta.get("/get_all_keys")[1].split("\n")) == sorted(["", *keys])
    rank = store.get_local_service_id()
    fact = meta.json("/query_key?key=model%2Fname%3Ax%40y")
    assert fact == {"key": "model/name:x@y", "size": 2, "prot": 0, "numBlobs": 1, "valid": True,
                    "blobs": [{"rank": rank, "medium": "DRAM"}]}
    assert meta.json("/query_key?key=none")["error_message"] == "Key not found"
    assert meta.json("/query_key")["error_message"] == "Missing 'key' parameter"
    both = meta.json("/batch_query_keys?keys=plain,none")
    assert both["success"] is True
    assert [(one["size"], one["valid"]) for one in both["data"]] == [(1, True), (0, False)]
    assert meta.json("/batch_query_keys")["success"] is False
    assert meta.get("/key?key=plain", "DELETE")[0] == 200 and store.is_exist("plain") == 0
    assert meta.get("/all_keys", "DELETE")[0] == 200 and store.batch_is_exist(keys) == [0, 0, 0]


def test_segments_and_capacity(meta, store):
    store.put("key", b"x" * (4 << 20))
    name = f"rank-{store.get_local_service_id()}-dram"
    assert meta.get("/get_all_segments") == (200, name + "\n")
    segment = meta.json(f"/query_segment?segment={name}")
    assert (segment["segment"], segment["medium"], segment["total_bytes"]) == (name, "dram", 64 << 20)
    assert segment["used_bytes"] >= 4 << 20
    assert segment["used_bytes"] + segment["remaining_bytes"] == 64 << 20
    assert 0 < segment["remaining_ratio"] < 1
    assert meta.json("/query_segment?segment=rank-9-dram")["error_message"] == "Segment not found"
    assert meta.json("/query_segment")["error_message"] == "Missing 'segment' parameter"
    assert meta.json(f"/api/v1/segments/status?segment={name}") == {
        "success": True, "segment": name, "status": 1, "status_name": "OK"}
    usage = meta.json("/api/v1/capacity/usage")
    assert usage["npu"] == {"total_bytes": 0, "used_bytes": 0, "free_bytes": 0, "usage_ratio": 0.0}
    assert usage["cpu"]["total_bytes"] == 64 << 20 and usage["data_source_ready"] is True
    (one,) = meta.json("/api/v1/capacity/segment_remaining")["segments"]
    assert one["segment_name"] == name and one["total_bytes"] == 64 << 20
    for path in ("", "/query", "/cancel"):
        assert meta.json(f"/api/v1/drain_jobs{path}")["error_message"] == "Not supported"


def metrics(meta):
    status, text = meta.get("/metrics")
    assert status == 200
    return dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#")), text


def test_metrics_count_what_was_asked(meta, store):
    before = metrics(meta)[0]
    store.put("a", b"x")
    store.put_batch(["b", "c"], [b"x", b"x"])
    store.is_exist("a"), store.is_exist("none"), store.batch_is_exist(["a", "none"])
    store.remove("b"), store.remove("b"), store.remove_batch(["c", "d"])
    after, text = metrics(meta)

    def grown(name):
        return int(after[f"memcache_{name}_total"]) - int(before[f"memcache_{name}_total"])

    assert grown("alloc_requests") == 1 and grown("batch_alloc_requests") == 1
    assert (grown("exist_key_requests"), grown("exist_key_failures")) == (2, 1)
    assert (grown("batch_exist_key_requests"), grown("batch_exist_key_failures")) == (1, 1)
    assert (grown("remove_requests"), grown("remove_failures")) == (2, 1)
    assert (grown("batch_remove_requests"), grown("batch_remove_failures")) == (1, 1)
    assert after["memcache_stored_keys"] == "1"
    name = f"rank-{store.get_local_service_id()}-dram"
    assert after[f'memcache_segment_capacity_bytes{{segment="{name}"}}'] == str(64 << 20)
    assert after['memcache_total_capacity_bytes{medium="dram"}'] == str(64 << 20)
    for operation in OPERATIONS:
        for kind in ("requests", "failures"):
            assert f"# TYPE memcache_{operation}_{kind}_total counter" in text
    assert "# HELP memcache_batch_alloc_requests_total Total number of BatchAlloc requests" in text


def test_summary_is_one_line_in_a_fixed_order(meta, store):
    line = meta.get("/metrics/summary")[1]
    names = [pair.split("=")[0] for pair in line.split()]
    assert names == ["keys", "evict", "hbm_used", "dram_used"] + [
        f"{operation}_{what}" for operation in OPERATIONS for what in ("req", "fail")]
    assert re.search(r"hbm_used=0/0 dram_used=\d+/67108864 ", line)
    assert meta.get("/metrics/ptracer")[1].split()[:3] == ["TIME", "NAME", "BEGIN"]


@pytest.mark.parametrize(
    "values, complaint",
    [({"ock.mmc.evict_threshold_high": 80, "ock.mmc.evict_threshold_low": 80}, "is not above"),
     ({"ock.mmc.meta.ha.enable": "true"}, "election"),
     ({"ock.mmc.tls.enable": "true"}, "TLS"),
     ({"ock.mmc.log_level": "loud"}, "debug, info"),
     ({"ock.mmc.meta_service.metrics_url": "tcp://127.0.0.1:8000"}, "http://")],
)
@WAYS
def test_what_cannot_be_started_ends_with_255(tmp_path, values, complaint, words):
    meta = MetaProcess(tmp_path, **values).start(wait=False, words=words)
    assert meta.process.wait(20) == 255
    meta.stop()
    assert complaint in (tmp_path / "meta.stderr").read_text() + "".join(
        path.read_text() for path in tmp_path.glob("log/logs/*"))


def test_a_port_that_is_taken(tmp_path, meta):
    other = MetaProcess(tmp_path, **{"ock.mmc.meta_service_url": meta.url}).start(wait=False)
    assert other.process.wait(20) == 255
    other.stop()


@WAYS
def test_signals_end_it_with_0_and_it_logs(tmp_path, words):
    for number in (signal.SIGINT, signal.SIGTERM):
        meta = MetaProcess(tmp_path).start(words=words)
        assert meta.get("/health")[0] == 200
        meta.process.send_signal(number)
        assert meta.process.wait(10) == 0
        meta.stop()
    assert "the metadata service is at" in (tmp_path / "log/logs/mmc-meta.log").read_text()
    assert "Meta service log level 1, log path: " in (tmp_path / "meta.stderr").read_text()


@WAYS
def test_nobody_has_to_read_what_it_says(tmp_path, words):
    meta = MetaProcess(tmp_path, **{"ock.mmc.log_path": "/proc/not/there"})
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    try:
        while True:  # a pipe that is full already
            os.write(writing, b"x" * 4096)
    except BlockingIOError:
        os.set_blocking(writing, True)
    for end in (lambda: None, lambda: os.close(reading)):
        end()
        meta.start(words=words, errors=writing)
        assert meta.get("/health")[0] == 200
        assert meta.stop() == 0
    os.close(writing)


def test_without_a_configuration_it_has_the_defaults(tmp_path):
    code = ("import memcache_hybrid as m, threading, os, signal\n"
            "config = m.MetaConfig()\n"
            f"config.meta_service_url = 'tcp://127.0.0.1:{free_port()}'\n"
            f"config.config_store_url = 'tcp://127.0.0.1:{free_port()}'\n"
            f"config.metrics_url = 'http://127.0.0.1:{free_port()}'\n"
            f"config.log_path = {str(tmp_path)!r}\n"
            "assert m.MetaService.setup(config) == 0\n"
            "threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGTERM)).start()\n"
            "assert m.MetaService.main() == 0\n")
    assert subprocess.run([sys.executable, "-c", code], timeout=30).returncode == 0
    assert "MetaService.main()" in MAIN


def test_a_store_without_its_metadata_answers_codes_and_recovers(tmp_path):
    meta = MetaProcess(tmp_path).start()
    store = open_store(meta.url, client_timeout_seconds=1)
    memory = Memory(b"x" * 1000)
    assert store.batch_put_from(["a", "b"], [memory.address] * 2, [1000, 1000]) == [0, 0]
    target = Memory(2000)
    assert store.get_into("a", target.address, 1000) == 0  # its handle is known now
    meta.kill()
    start = time.monotonic()
    assert store.is_exist("a") < 0 and store.batch_is_exist(["a", "b"])[0] < 0
    assert store.put("c", b"x") < 0 and store.get("c") == b"" and store.remove("d") < 0
    assert store.get_into("a", target.address, 1000) == 0  # by the handle
    assert time.monotonic() - start < 15
    meta.start()
    wait_until(lambda: store.is_exist("a") == 1)
    wait_until(lambda: store.put("c", b"y") == 0)
    assert store.get_batch(["a", "b", "c"]) == [b"x" * 1000, b"x" * 1000, b"y"]
    assert store.close() == 0
    assert meta.stop() == 0


def test_init_without_a_metadata_service_fails_soon(tmp_path):
    store = DistributedObjectStore()
    assert store.setup(local_config(f"tcp://127.0.0.1:{free_port()}")) == 0
    start = time.monotonic()
    assert store.init(0) == -3014
    assert time.monotonic() - start < 10
    assert store.put("k", b"x") == -3019


def test_a_store_whose_process_is_killed_leaves_its_rank_and_nothing_else(tmp_path):
    meta = MetaProcess(tmp_path).start()
    code = ("import sys, time\n"
            f"sys.path.insert(0, {str(tmp_path.parent)!r})\n"
            "from memcache_hybrid import DistributedObjectStore, LocalConfig\n"
            "config = LocalConfig()\n"
            f"config.meta_service_url = {meta.url!r}\n"
            "config.protocol, config.dram_size = 'host_shm', '32MB'\n"
            "store = DistributedObjectStore()\n"
            "assert store.setup(config) == 0 and store.init(0) == 0\n"
            "assert store.put('k', b'x') == 0\n"
            "print(store.get_local_service_id(), flush=True)\n"
            "time.sleep(60)\n")
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"0\n"
        store = open_store(meta.url)
        assert store.get_local_service_id() == 1 and store.get("k") == b"x"
        other.kill()
    wait_until(lambda: store.is_exist("k") == 0, 30)  # an embedded segment dies with its owner
    assert store.put("k", b"y") == 0 and store.get("k") == b"y"
    assert store.close() == 0 and meta.stop() == 0


def test_the_config_port_only_says_that_it_is_up(meta):
    with socket.create_connection(("127.0.0.1", meta.config_port), 5) as one:
        one.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert one.recv(100).startswith(b"HTTP/1.1 404")
