"""mooncake_master, mooncake_client, the metadata server and the store service, as processes."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.parse

import pytest
from mooncake_programs import HOST, free_port, http

from aquifer_compat.mooncake_flags import CommandLine, FlagError
from aquifer_compat.mooncake_master_flags import FLAGS
from mooncake.http_metadata_server import KVBootstrapServer
from mooncake.store import MooncakeDistributedStore

MASTER = "aquifer_compat.mooncake_master"


def parse(*words):
    line = CommandLine(FLAGS)
    line.parse(words)
    return line


# The command line.


def test_the_forms_of_a_flag():
    line = parse("--port=1", "--metrics_port", "2", "-rpc_thread_num", "128", "-rpc_port=3",
                 "--enable_offload", "--noenable_metric_reporting", "--enable-snapshot=yes",
                 "a word", "--eviction_ratio", ".1")
    assert [line[name] for name in ("port", "metrics_port", "rpc_thread_num", "rpc_port")] == [
        1, 2, 128, 3]
    assert line["enable_offload"] is True and line["enable_metric_reporting"] is False
    assert line["enable_snapshot"] is True and line["eviction_ratio"] == 0.1
    assert parse("--", "--bogus")["port"] == 50051
    assert parse("--enable_offload", "false")["enable_offload"] is True  # as gflags has it


@pytest.mark.parametrize("words", [
    ["--bogus"], ["--bogus=1"], ["--noport"], ["--port"], ["--port=x"], ["--port=70000"],
    ["--eviction_ratio=1.5"], ["--eviction_ratio=nan"], ["--enable_offload=perhaps"],
    ["--default_kv_lease_ttl=10 years"], ["--client_ttl=0"], ["--noenable_offload=1"],
    ["--config_path"]])
def test_what_is_no_flag(words):
    with pytest.raises(FlagError):
        parse(*words)


@pytest.mark.parametrize("text, wanted", [("10000", 10000), ("500ms", 500), ("10s", 10000),
                                          ("5m", 300000), ("1h", 3600000)])
def test_times(text, wanted):
    assert parse(f"--default_kv_lease_ttl={text}")["default_kv_lease_ttl"] == wanted


@pytest.mark.parametrize("words", [
    "--port 50088 --eviction_high_watermark_ratio 0.9 --eviction_ratio 0.1 --default_kv_lease_ttl "
    "11000", "--enable_offload=false --client_ttl=120 --metrics_port 9004",
    "--port 12345 --eviction_high_watermark_ratio 0.8 --eviction_ratio 0.05 --rpc_thread_num 128",
    "--enable_offload=true", "--enable_http_metadata_server=true --http_metadata_server_port=8080"
    " --http_metadata_server_host=0.0.0.0", "--max_threads=64 --root_fs_dir=/x --cluster_id=y"])
def test_command_lines_of_engines(words):
    parse(*words.split())


def test_files(tmp_path):
    path = tmp_path / "master.json"
    path.write_text(json.dumps({"port": 7, "enable_offload": True, "eviction_ratio": 0.2,
                                "default_kv_lease_ttl": "5s"}))
    line = parse("--port=8")
    line.load(path)
    assert (line["port"], line["enable_offload"], line["eviction_ratio"]) == (8, True, 0.2)
    assert line["default_kv_lease_ttl"] == 5000
    for text in ('{"bogus": 1}', "[1]", "{", '{"port": "x"}'):
        path.write_text(text)
        with pytest.raises(FlagError):
            parse().load(path)
    with pytest.raises(FlagError, match="none.json"):
        parse().load(tmp_path / "none.json")


def test_yaml_files(tmp_path, monkeypatch):
    path = tmp_path / "master.yaml"
    path.write_text("port: 7\nenable_offload: true\n")
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(FlagError, match="PyYAML"):
        parse().load(path)
    monkeypatch.undo()
    pytest.importorskip("yaml")
    line = parse()
    line.load(path)
    assert line["port"] == 7 and line["enable_offload"] is True


# The master.


def test_version_and_help(programs):
    for word in ("--version", "-version"):
        status, out, err = programs.start(MASTER, word).run_out()
        assert status == 0 and out.startswith("mooncake_master") and err == ""
    status, out, err = programs.start(MASTER, "--help").run_out()
    assert status == 0 and all(f"--{flag.name} " in out for flag in FLAGS) and err == ""


@pytest.mark.parametrize("words, text", [
    (["--bogus=1"], "bogus"), (["--port=x"], "port"), (["--enable_ha"], "enable_ha"),
    (["--enable_cxl=true"], "enable_cxl"), (["--config_path=/none"], "/none")])
def test_what_ends_a_master(programs, words, text):
    status, out, err = programs.start(MASTER, *words).run_out()
    assert status == 1 and out == "" and text in err and len(err.splitlines()) == 1


def test_ports_that_are_taken(programs):
    master = programs.master()
    for words in (["--rpc_address", HOST, "--port", master.port, "--metrics_host", HOST,
                   "--metrics_port", free_port()],
                  ["--rpc_address", HOST, "--port", free_port(), "--metrics_host", HOST,
                   "--metrics_port", master.http_port]):
        status, out, err = programs.start(MASTER, *words).run_out()
        assert status == 1 and out == "" and (str(master.port) in err
                                              or str(master.http_port) in err)
    assert master.stop() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_end_a_master(programs, number):
    master = programs.master("--enable_offload", "--root_fs_dir=/x")
    begin = time.monotonic()
    assert master.stop(number) == 0
    assert time.monotonic() - begin < 5
    assert master.output.read_text() == ""
    lines = master.errors.read_text().splitlines()
    assert len(lines) == 4 and "enable_offload" in lines[0] and "root_fs_dir" in lines[1]


@pytest.mark.parametrize("words", [
    "--client_ttl=1", "--client_ttl=1000000",
    "--eviction_high_watermark_ratio=1 --eviction_ratio=1",
    "--eviction_high_watermark_ratio=0.5 --eviction_ratio=0",
    "--eviction_high_watermark_ratio=0 --eviction_ratio=0.9"])
def test_values_at_the_edges(programs, words):
    assert programs.master(*words.split()).stop() == 0


def test_a_master_whose_pipes_nobody_reads(programs):
    port, http_port = free_port(), free_port()
    with subprocess.Popen(
            [sys.executable, "-m", MASTER, f"--rpc_address={HOST}", f"--port={port}",
             f"--metrics_host={HOST}", f"--metrics_port={http_port}"], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env=programs.environment()) as process:
        try:
            end = time.monotonic() + 30
            while True:
                try:
                    if http(http_port, "/health")[0] == 200:
                        break
                except OSError:
                    assert time.monotonic() < end
                    time.sleep(0.05)
            for _ in range(50):
                http(http_port, "/nothing")
        finally:
            process.terminate()
        assert process.wait(15) == 0
        assert process.stdout.read() == b"" and len(process.stderr.read()) < 1000


def test_log_lines_never_wait(tmp_path):
    from aquifer_compat.mooncake_log import Log

    read, write = os.pipe()
    log = Log("program", write)
    begin = time.monotonic()
    for _ in range(3000):
        log.line("x" * 200)
    log.line("y" * 100_000)
    assert time.monotonic() - begin < 20
    os.close(read)
    log.line("nobody")
    os.close(write)


def open_store(master, size=16 << 20, name="localhost", **options):
    store = MooncakeDistributedStore()
    assert store.setup(name, "P2PHANDSHAKE", size, 0, "tcp", "", master.address, **options) == 0
    return store


def test_the_http_server_of_a_master(programs):
    master = programs.master()
    assert master.http("/get_all_segments") == (200, "")
    store = open_store(master)
    other = open_store(master, 0, tenant_id="other")
    odd = "org/model@tp:0 \u6a21\u578b%2F"
    assert store.put("key", b"x" * 1000) == 0 and store.put(odd, b"yy") == 0
    assert other.put("theirs", b"z") == 0
    name = store.get_hostname()
    quoted = urllib.parse.quote(odd, safe="")

    assert master.http("/get_all_segments") == (200, f"{name}\n")
    assert sorted(master.http("/get_all_keys")[1].splitlines()) == sorted(["key", odd])
    assert master.http("/get_all_keys?tenant_id=other")[1] == "theirs\n"
    status, text = master.http(f"/query_key?key={quoted}")
    assert status == 200 and json.loads(text)["data"][0]["transport_endpoint_"] == name
    status, text = master.http("/query_key?key=none")
    assert status == 404 and json.loads(text)["success"] is False
    assert json.loads(text)["error_code"] == -704 and json.loads(text)["error_message"]
    assert master.http("/query_key")[0] == 400
    status, text = master.http(f"/batch_query_keys?keys=none,key,{quoted}")
    data = json.loads(text)["data"]
    assert [data[key]["ok"] for key in ("none", "key", odd)] == [False, True, True]
    assert set(data["key"]) == {"ok", "error", "values", "disk_values", "local_disk_values"}
    assert master.http("/batch_query_keys")[0] == 400
    assert master.http("/batch_query_keys?keys=")[0] == 400

    detail = json.loads(master.http("/get_segments_detail")[1])
    assert detail["total_segments"] == 1 and detail["total_capacity"] == 16 << 20
    assert detail["segments"][0]["name"] == name and detail["total_used"] >= 1002
    status, text = master.http(f"/query_segment?segment={name}")
    assert status == 200 and text.splitlines()[0] == name
    assert "Used(bytes): " in text and f"Capacity(bytes) : {16 << 20}" in text
    assert master.http("/query_segment?segment=none")[0] == 500
    assert [master.http(f"/api/v1/segments/status{query}")[0]
            for query in ("", "?segment=none", f"?segment={name}")] == [400, 404, 200]

    status, text = master.http("/health")
    health = json.loads(text)
    assert status == 200 and health["status"] == "ok" and health["service_ready"] is True
    assert set(health) == {"status", "role", "ha_state", "service_ready", "leader_address",
                           "view_version"}
    assert set(json.loads(master.http("/leader")[1])) == {"present", "leader_address",
                                                          "view_version"}
    assert master.http("/role") == (200, "leader") and master.http("/ha_status")[0] == 200
    assert json.loads(master.http("/kv_events/status")[1])["enabled"] is False
    text = master.http("/metrics")[1]
    assert "master_key_count 3\n" in text
    assert f'segment_total_capacity_bytes{{segment="{name}"}} {16 << 20}' in text
    assert all(line.startswith("#") or len(line.split()) == 2 for line in text.splitlines())
    assert "Keys: 3" in master.http("/metrics/summary")[1]

    for method in ("GET", "PUT", "DELETE"):
        assert master.http("/api/v1/tenant_quotas?tenant_id=x", method)[0] == 501
    assert master.http("/api/v1/remove_all")[0] == 405 and master.http("/nothing")[0] == 404
    status, text = master.http("/api/v1/remove_all?force=true&tenant_id=other", "POST")
    assert status == 200 and json.loads(text) == {"success": True, "removed_count": 1}
    assert store.is_exist("key") == 1 and other.is_exist("theirs") == 0
    assert json.loads(master.http("/api/v1/remove_all", "POST")[1])["removed_count"] == 2
    store.close()
    other.close()
    assert master.wait_segments(0) == []
    assert master.stop() == 0


def test_drain_jobs(programs):
    master = programs.master()
    stores = [open_store(master), open_store(master)]
    for number in range(20):
        assert stores[0].put(f"key{number}", b"x" * 1000) == 0
    name = stores[0].get_hostname()
    assert master.http("/api/v1/drain_jobs", "POST", {"segments": ["none"]})[0] == 400
    assert master.http("/api/v1/drain_jobs", "POST", b"x")[0] == 400
    status, text = master.http("/api/v1/drain_jobs", "POST", {"segments": [name]})
    job = json.loads(text)["job_id"]
    assert status == 200
    end = time.monotonic() + 20
    while True:
        status, text = master.http(f"/api/v1/drain_jobs/query?job_id={job}")
        assert status == 200
        if json.loads(text)["status"] == "SUCCEEDED":
            break
        assert time.monotonic() < end, text
        time.sleep(0.05)
    stores[0].close()
    assert stores[1].batch_is_exist([f"key{number}" for number in range(20)]) == [1] * 20
    assert master.http("/api/v1/drain_jobs/query?job_id=none")[0] == 404
    assert master.http("/api/v1/drain_jobs/cancel?job_id=none", "POST")[0] == 404
    second = stores[1].get_hostname()
    job = json.loads(master.http("/api/v1/drain_jobs", "POST", {"segments": [second]})[1])["job_id"]
    assert master.http(f"/api/v1/drain_jobs/cancel?job_id={job}", "POST")[0] == 200
    stores[1].close()


def test_eviction_by_watermarks(programs):
    master = programs.master("--eviction_high_watermark_ratio=0.5", "--eviction_ratio", "0.1")
    store = open_store(master, 64 << 20)
    value = bytes(1 << 20)
    for number in range(150):
        assert store.put(f"key{number}", value) == 0
    end = time.monotonic() + 20
    while True:
        detail = json.loads(master.http("/get_segments_detail")[1])
        if detail["total_used"] <= 34 << 20:
            break
        assert time.monotonic() < end, detail
        time.sleep(0.05)
    assert store.is_exist("key149") == 1 and store.is_exist("key0") == 0
    store.close()


# The standalone contributor.


def test_a_standalone_client(programs):
    master = programs.master()
    port = free_port()
    words = ["--host", HOST, f"--port={port}", f"--master_server_address={master.address}",
             "--global_segment_size=32 MB", "--tenant_id=t", "--protocol=rdma"]
    client = programs.start("aquifer_compat.mooncake_client", *words)
    client.wait_port(port)
    assert master.wait_segments(1) == [f"{HOST}:{port}"]
    dummy, plain = MooncakeDistributedStore(), open_store(master, 0, tenant_id="t")
    assert dummy.setup_dummy(16 << 20, 16 << 20, f"{HOST}:{port}") == 0
    assert dummy.put("key", b"x" * 4096) == 0 and plain.get("key") == b"x" * 4096
    from mooncake.store import MooncakeHostMemAllocator

    address = MooncakeHostMemAllocator().alloc(1 << 20)
    assert dummy.register_buffer(address, 1 << 20) == 0
    assert dummy.get_into("key", address, 1 << 20) == 4096
    status, out, err = programs.start("aquifer_compat.mooncake_client", *words).run_out()
    assert status == 1 and out == "" and str(port) in err
    assert client.stop() == 0 and client.output.read_text() == ""
    assert dummy.get("key") == b""
    dummy.close()
    plain.close()


def test_a_standalone_client_that_waits_for_its_master(programs):
    port, ports = free_port(), (free_port(), free_port())
    client = programs.start("aquifer_compat.mooncake_client", "--host", HOST, "--port", port,
                            "--master_server_address", f"{HOST}:{ports[0]}",
                            "--global_segment_size", "0")
    end = time.monotonic() + 20
    while "waiting" not in client.errors.read_text():
        assert time.monotonic() < end and client.process.poll() is None
        time.sleep(0.05)
    master = programs.master(ports=ports)
    client.wait_port(port)
    assert client.stop() == 0 and master.stop() == 0


@pytest.mark.parametrize("words, text", [
    (["--bogus"], "bogus"), (["--global_segment_size=much"], "much"),
    (["--master_server_address=etcd://x"], "etcd"), (["--host=no-such-host.invalid"], "invalid")])
def test_what_ends_a_standalone_client(programs, words, text):
    status, out, err = programs.start("aquifer_compat.mooncake_client",
                                      f"--port={free_port()}", *words).run_out()
    assert status == 1 and out == "" and text in err and "Traceback" not in err


# The metadata server.


class FakeRequest:
    def __init__(self, method, key=None, body=b""):
        self.method = method
        self.query = {} if key is None else {"key": key}
        self._body = body

    async def read(self):
        return self._body


def test_the_metadata_coroutine():
    server = KVBootstrapServer(port=0)

    def ask(*arguments):
        answer = asyncio.run(server._handle_metadata(FakeRequest(*arguments)))
        assert answer.content_type == "application/json"
        return answer.status, answer.body

    assert ask("GET", "k") == (404, b"metadata not found")
    assert ask("PUT", "k", b"value") == (200, b"metadata updated")
    assert server.store == {"k": b"value"}
    assert ask("GET", " k ") == (200, b"value")
    assert ask("PUT", "k", b"new") == (200, b"metadata updated")
    assert ask("PUT", "mooncake/rpc_meta/x", b"1")[0] == 200
    assert ask("PUT", "mooncake/rpc_meta/x", b"1")[0] == 400
    assert ask("DELETE", "k") == (200, b"metadata deleted") and ask("DELETE", "k")[0] == 404
    for method in ("GET", "PUT", "DELETE", "POST"):
        assert ask(method)[0] == 400 and ask(method, "  ")[0] == 400
    assert ask("POST", "k")[0] == 405
    assert server.poll() is False


def test_the_metadata_class_serves():
    server = KVBootstrapServer(0, host="127.0.0.1")
    server.run()
    assert server.poll() is True and server.port > 0
    assert http(server.port, "/metadata?key=a%2Fb", "PUT", b"v", "127.0.0.1") == (
        200, "metadata updated")
    assert server.store == {"a/b": b"v"}
    server.close()
    server.close()
    assert server.poll() is False


def test_the_metadata_program(programs):
    port = free_port()
    server = programs.start("mooncake.http_metadata_server", "--port", port, "--host", HOST,
                            "--log-level", "INFO").wait_port(port)
    assert http(port, "/metadata")[0] == 400
    assert http(port, "/metadata?key=k") == (404, "metadata not found")
    assert http(port, "/metadata?key=k", "PUT", b"value")[0] == 200
    assert http(port, "/metadata?key=k") == (200, "value")
    assert http(port, "/metadata?key=k", "POST", b"value")[0] == 405
    assert http(port, "/metadata?key=k", "DELETE") == (200, "metadata deleted")
    status, _, err = programs.start("mooncake.http_metadata_server", "--port", port, "--host",
                                    HOST).run_out()
    assert status == 1 and str(port) in err
    assert server.stop() == 0 and server.output.read_text() == ""


def test_the_metadata_server_of_a_master(programs):
    port = free_port()
    master = programs.master("--enable_http_metadata_server=true",
                             f"--http_metadata_server_port={port}",
                             f"--http_metadata_server_host={HOST}")
    assert http(port, "/health") == (200, "OK")
    assert http(port, "/metadata?key=k", "PUT", b"v")[0] == 200
    assert http(port, "/metadata?key=k") == (200, "v")
    assert master.stop() == 0


# The store behind HTTP.


def test_the_store_service(programs, tmp_path):
    master = programs.master()
    port = free_port()
    config = tmp_path / "store.json"
    config.write_text(json.dumps({
        "local_hostname": HOST, "metadata_server": "P2PHANDSHAKE", "global_segment_size": "16mb",
        "local_buffer_size": "16mb", "protocol": "tcp", "device_name": "",
        "master_server_address": master.address}))
    service = programs.start("mooncake.mooncake_store_service", "--config", config, "--port", port,
                             "--host", HOST).wait_port(port)

    def ask(method, path, body=None):
        return http(port, path, method, body)

    assert ask("PUT", "/api/put", {"key": "a/b c", "value": "text"}) == (
        200, '{"status": "success"}')
    assert ask("PUT", "/api/put", {"key": "k"})[0] == 400 and ask("PUT", "/api/put", b"x")[0] == 400
    assert ask("GET", "/api/get/a%2Fb%20c") == (200, "text")
    assert ask("GET", "/api/get/none") == (404, '{"error": "Key not found"}')
    assert ask("GET", "/api/exist/a%2Fb%20c") == (200, '{"exists": true}')
    assert ask("GET", "/api/exist/none") == (200, '{"exists": false}')
    assert ask("DELETE", "/api/remove/a%2Fb%20c")[0] == 200
    assert ask("DELETE", "/api/remove/a%2Fb%20c")[0] == 500
    for key in "abc":
        ask("PUT", "/api/put", {"key": key, "value": "v"})
    assert ask("DELETE", "/api/remove_all") == (200, '{"status": "success removed 3 keys"}')
    status, text = ask("POST", "/api/mount", {"size": 8 << 20, "protocol": "tcp"})
    mounted = json.loads(text)
    assert status == 200 and mounted["allocated_size"] == 8 << 20
    assert len(master.wait_segments(2)) == 2
    assert ask("POST", "/api/mount", {"size": "x"})[0] == 400
    assert ask("POST", "/api/unmount", {"segment_ids": mounted["segment_ids"]})[0] == 200
    assert ask("POST", "/api/unmount", {"segment_ids": mounted["segment_ids"]})[0] == 500
    assert ask("POST", "/api/unmount", {})[0] == 400
    assert ask("POST", "/api/mount", {"size": 8 << 20})[0] == 200
    assert ask("POST", "/api/reconfigure", {"mode": "prefill"})[0] == 200
    assert len(master.wait_segments(1)) == 1
    assert ask("POST", "/api/reconfigure", {"mode": "decode", "path": "/x", "size": 1})[0] == 500
    assert ask("POST", "/api/reconfigure", {})[0] == 400
    assert ask("POST", "/api/mount_shm", {"name": "x", "size": 1})[0] == 500
    assert ask("POST", "/api/mount_shm", {})[0] == 400
    assert ask("POST", "/api/unmount_shm", {"segment_ids": "x"})[0] == 500
    assert ask("POST", "/api/unmount_local_disk", {"grace_period_seconds": 5})[0] == 500
    assert ask("POST", "/api/unmount_local_disk", {"grace_period_seconds": 5000})[0] == 400
    assert service.stop() == 0 and service.output.read_text() == ""
    assert master.wait_segments(0) == []


def test_the_store_service_without_a_pool(programs):
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        status, out, err = programs.start(
            "mooncake.mooncake_store_service", "-D", "local_hostname=localhost", "-D",
            "metadata_server=P2PHANDSHAKE", "-D",
            f"master_server_address={HOST}:{taken.getsockname()[1]}", "--max-wait-time",
            "0.1").run_out()
    assert status == 1 and out == "" and "-900" in err
    status, _, err = programs.start("mooncake.mooncake_store_service", "-D", "x").run_out()
    assert status == 1 and "key=value" in err
