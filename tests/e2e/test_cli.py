"""The command line as a user meets it: what it prints, how it ends, and what its errors say."""

import json
import os
import signal
import socket
import subprocess
import time

import aquifer
import pytest
from clients import Putter
from processes import PROGRAM

GONE = "tcp://127.0.0.1:1"  # nothing listens there
SPACE_FIELDS = {"capacity_bytes", "free_bytes", "used_bytes", "limbo_bytes", "pinned_bytes",
                "views"}
POOL_FIELDS = {*SPACE_FIELDS, "objects", "evictions", "integrity_failures", "replicas_missing",
               "nodes", "calls"}
NODE_FIELDS = {*SPACE_FIELDS, "name", "state", "pid", "read_bytes", "written_bytes"}


def file_with(folder, content, name="value"):
    path = folder / name
    path.write_bytes(content)
    return path


def error_of(answer):
    """The error object, after checking its shape."""
    assert answer.errors == "", answer
    assert set(answer.json) == {"error"}
    error = answer.json["error"]
    assert set(error) == {"code", "message", "hint"} and error["message"]
    return error


# Without a pool


def test_alone_it_prints_the_help(processes):
    for words in [(), ("help",), ("--help",), ("-h",)]:
        answer = processes.run(*words)
        for command in ("demo", "meta", "node", "put", "get", "exists", "ls", "pin", "rm", "stat",
                        "status"):
            assert f"\n{command} " in answer.text


def test_each_command_has_help(processes):
    listing = processes.run().text.split("WHAT IT DOES\n")[1].split("\n\n")[0]
    commands = [line.split()[0] for line in listing.splitlines()]
    assert len(commands) >= 12
    for command in commands:
        answer = processes.run("help", command)
        assert answer.text and answer.errors == ""
        assert "--fault" not in answer.text


def test_the_version_is_the_one_of_the_repository(processes):
    version = (processes.run("--version").text.split())[1]
    assert processes.run("version", "--json").json["version"] == version
    assert processes.run("--version", "--json").json["protocol"] >= 1


def test_a_mistyped_command_names_the_nearest(processes):
    answer = processes.run("statsu", code=2)
    assert "statsu" in answer.errors and "aquifer status?" in answer.errors
    assert error_of(processes.run("statsu", "--json", code=2))["code"] == "invalid_argument"


@pytest.mark.parametrize("words", [
    ("put",), ("put", "k"), ("put", "k", "f", "surplus"), ("get",), ("get", "k", "-o"),
    ("exists",), ("rm",), ("stat",), ("status", "surplus"), ("put", "k", "f", "--replicas", "0"),
    ("put", "k", "f", "--replicas", "9"), ("get", "k", "--transport", "pigeon"),
    ("get", "k", "--timeout", "soon"), ("get", "k", "--nonsense"), ("node", "--dram", "4GiBB"),
    ("node", "--dram", "0"), ("meta", "--listen", "udp://127.0.0.1:1"), ("meta", "--listen", "x"),
    ("status", "--meta", "nonsense"), ("get", "k", "--namespace", ""),
    ("get", "k", "--timeout", "0"), ("get", "k", "--range", "5"), ("get", "k", "--range", "5:0"),
    ("rm", "k", "--prefix", "p"), ("rm", "--prefix", ""), ("rm", "--all"),
    ("rm", "k", "--all", "--yes"),
    ("pin", "k"), ("pin", "k", "--ttl", "25h"), ("pin", "k", "--ttl", "long"), ("pin",),
    ("put", "k", "f", "--replace", "--if-absent"), ("put", "k", "f", "--parent", "p" * 1025),
    ("ls", "p", "surplus"), ("ls", "--limit", "-1"),
    ("get", "k", "--namespace", "n" * 256), ("solo", "--listen", "tcp://127.0.0.1"),
])
def test_wrong_usage_ends_with_2_and_says_what_is_accepted(processes, words):
    answer = processes.run(*words, code=2)
    assert answer.output == b""
    assert answer.errors.startswith(f"aquifer {words[0]}: ") and "\n  hint: " in answer.errors


def test_a_mistyped_option_names_the_nearest(processes):
    assert "did you mean --timeout" in processes.run("get", "k", "--timeuot", "1s", code=2).errors


def test_wrong_usage_is_json_when_asked_for(processes):
    error = error_of(processes.run("put", "--json", code=2))
    assert error["code"] == "invalid_argument"
    assert "aquifer put --help" in error["hint"]


def test_keys_outside_the_limit_name_it(processes, tmp_path):
    file = file_with(tmp_path, b"x")
    for key in ("", "k" * 1025):
        for words in [("put", key, file), ("get", key), ("exists", key), ("rm", key),
                      ("stat", key)]:
            assert "1 to 1024 bytes" in processes.run(*words, code=2).errors
            assert "1024" in error_of(processes.run(*words, "--json", code=2))["hint"]


def test_files_that_cannot_be_a_value_are_named(processes, tmp_path):
    huge = tmp_path / "huge"
    with open(huge, "wb") as file:
        file.truncate((1 << 30) + 1)
    empty = file_with(tmp_path, b"", "empty")
    for path, code, name, words in [
            (tmp_path / "missing", 5, "io", "No such file"), (tmp_path, 5, "io", "directory"),
            (empty, 2, "invalid_argument", "is empty"), (huge, 2, "too_large", "1GiB")]:
        error = error_of(processes.run("put", "k", path, "--json", code=code))
        assert error["code"] == name and words in error["message"] and error["hint"]
        assert str(path) in error["message"]
    assert "standard input is empty" in processes.run("put", "k", "-", code=2).errors


def test_a_meta_that_is_not_there_is_3_within_the_deadline(processes, tmp_path):
    file = file_with(tmp_path, b"x")
    for words in [("put", "k", file), ("get", "k"), ("exists", "k"), ("rm", "k"), ("stat", "k"),
                  ("status",)]:
        answer = processes.run(*words, "--meta", GONE, "--timeout", "300ms", code=3)
        assert GONE in answer.errors and "hint:" in answer.errors, answer
        assert answer.seconds < 3, answer
        error = error_of(processes.run(*words, "--meta", GONE, "--timeout", "300ms", "--json",
                                       code=3))
        assert error["code"] == "unreachable" and GONE in error["message"] and error["hint"]


def test_a_meta_that_says_nothing_ends_with_the_deadline(processes):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        answer = processes.run("exists", "k", "--meta", address, "--timeout", "500ms", code=None)
        assert answer.code in (3, 5) and answer.seconds < 3, answer


def test_the_configuration_comes_from_flag_environment_file_default_in_this_order(
        processes, tmp_path):
    config = tmp_path / "get.conf"

    def namespace(*words, environment=None):
        text = processes.run("get", "--print-config", *words, environment=environment).text
        return next(line for line in text.splitlines() if line.startswith("namespace"))

    config.write_text("namespace = from-file\n")
    environment = {"AQUIFER_GET_NAMESPACE": "from-environment"}
    file = ("--config", config)
    assert namespace() == "namespace = default  # default"
    assert "from-file" in namespace(*file)
    assert "from-environment" in namespace(*file, environment=environment)
    assert "from-flag" in namespace(*file, "--namespace", "from-flag", environment=environment)
    config.write_text("namespcae = x\n")
    assert "did you mean namespace" in processes.run("get", "k", *file, code=2).errors


# Against a pool


def test_a_value_goes_in_and_comes_back(pool, tmp_path):
    content = os.urandom(3_000_001)
    file = file_with(tmp_path, content)
    back = tmp_path / "back"
    assert "2.86 MiB" in pool.run("put", "k", file).text
    pool.run("get", "k", "-o", back)
    assert back.read_bytes() == content
    assert pool.run("get", "k").output == content
    assert pool.run("get", "k", "-o", "-").output == content
    assert sorted(p.name for p in tmp_path.iterdir() if p.suffix != ".log") == ["back", "value"]


def test_the_standard_streams_serve_as_files(pool):
    pool.run("put", "k", "-", data=b"hello")
    assert pool.run("get", "k").output == b"hello"


def test_the_answers_are_json_when_asked_for(pool, tmp_path):
    file = file_with(tmp_path, b"x" * 1000)
    assert pool.run("put", "k", file, "--json").json == {"key": "k", "status": "ok", "size": 1000}
    assert pool.run("put", "k", file, "--json").json["status"] == "exists"
    assert pool.run("exists", "k", "--json").json == {"key": "k", "status": "ok", "size": 1000}
    answer = pool.run("get", "k", "-o", tmp_path / "back", "--json")
    assert answer.json == {"key": "k", "status": "ok", "size": 1000}
    answer = pool.run("get", "k", "--json")
    assert answer.output == b"x" * 1000 and json.loads(answer.errors)["size"] == 1000
    assert pool.run("stat", "k", "--json").json == {
        "key": "k", "size": 1000, "replicas": [{"node": "a"}]}
    assert pool.run("rm", "k", "--json").json["status"] in ("ok", "pending")


def test_a_key_that_is_not_there_is_1(pool, tmp_path):
    untouched = file_with(tmp_path, b"before", "untouched")
    for words in [("get", "k", "-o", untouched), ("get", "k"), ("rm", "k"), ("stat", "k")]:
        answer = pool.run(*words, code=1)
        assert answer.output == b"" and "'k'" in answer.errors and "hint:" in answer.errors
        assert error_of(pool.run(*words, "--json", code=1))["code"] == "not_found"
    assert untouched.read_bytes() == b"before"
    assert pool.run("exists", "k", code=1).errors == ""
    assert pool.run("exists", "k", "--json", code=1).json == {"key": "k", "status": "not_found"}


def test_a_removed_key_is_gone_and_can_be_put_again(pool):
    pool.run("put", "k", "-", data=b"one")
    pool.run("rm", "k")
    pool.run("get", "k", code=1)
    pool.run("put", "k", "-", data=b"two")
    assert pool.run("get", "k").output == b"two"


def test_a_second_put_moves_nothing_and_keeps_the_first_value(pool):
    pool.run("put", "k", "-", data=b"first")
    assert "already" in pool.run("put", "k", "-", data=b"second").text
    assert pool.run("get", "k").output == b"first"


def test_namespaces_do_not_mix(pool):
    pool.run("put", "k", "-", "--namespace", "one", data=b"1")
    pool.run("put", "k", "-", "--namespace", "two", data=b"2")
    assert pool.run("get", "k", "--namespace", "one").output == b"1"
    assert pool.run("get", "k", "--namespace", "two").output == b"2"
    pool.run("get", "k", code=1)


def test_keys_are_bytes(pool):
    for key in (b"with space", b"\xff\xfe", "schlüssel".encode(), b"new\nline", b"k" * 1024):
        pool.run("put", key, "-", data=key)
        assert pool.run("get", key).output == key
        assert pool.run("exists", key, "--json").json["status"] == "ok"
    pool.run("put", "--", "--json", "-", data=b"dashes")
    assert pool.run("get", "--", "--json").output == b"dashes"


@pytest.mark.parametrize("transport", ["shm", "tcp"])
def test_the_transport_asked_for_carries_the_bytes(pool, transport):
    content = os.urandom(1_000_000)
    pool.run("put", "k", "-", "--transport", transport, data=content)
    assert pool.run("get", "k", "--transport", transport).output == content
    other = {"shm": "tcp", "tcp": "shm"}[transport]
    deadline = time.monotonic() + 10
    while True:  # what clients report arrives a little later
        node = pool.status()["nodes"][0]
        if node["read_bytes"][transport] >= len(content):
            break
        assert time.monotonic() < deadline, node
        time.sleep(0.05)
    assert node["written_bytes"][transport] >= len(content)
    assert node["read_bytes"][other] == node["written_bytes"][other] == 0


def test_the_status_shows_the_pool_and_its_nodes(pool):
    node = pool.node("--name", "b", dram="32MiB")
    pool.run("put", "k", "-", data=b"x" * 100_000)
    status = pool.status()
    assert set(status) == POOL_FIELDS
    assert all(set(n) == NODE_FIELDS for n in status["nodes"])
    assert sorted(n["name"] for n in status["nodes"]) == ["a", "b"]
    assert {n["state"] for n in status["nodes"]} == {"alive"}
    assert next(n for n in status["nodes"] if n["name"] == "b")["pid"] == node.pid
    assert status["objects"] == 1 and status["used_bytes"] >= 100_000
    assert status["capacity_bytes"] == sum(n["capacity_bytes"] for n in status["nodes"])
    for part in (status, *status["nodes"]):
        assert part["capacity_bytes"] == sum(
            part[f"{kind}_bytes"] for kind in ("free", "used", "limbo"))
    text = pool.run("status").text
    assert "objects             1\n" in text
    assert "alive" in text and "\nb " in text


def keys_of(pool, *words):
    """What ls answers, as a dictionary, after checking that text and JSON say the same."""
    listing = pool.run("ls", *words, "--json").json
    assert set(listing) == {"keys"} and all(set(k) == {"key", "size"} for k in listing["keys"])
    found = {entry["key"]: entry["size"] for entry in listing["keys"]}
    assert len(found) == len(listing["keys"])
    if "--limit" not in words:
        lines = pool.run("ls", *words).text.splitlines()
        assert sorted(line.split("  ")[-1] for line in lines) == sorted(found)
    return found


def put_all(pool, keys, *words):
    for number, key in enumerate(keys, 1):
        pool.run("put", key, "-", *words, data=b"x" * number)


def test_a_listing_has_the_keys_that_begin_with_a_prefix(pool):
    assert keys_of(pool) == {} and pool.run("ls").output == b""
    put_all(pool, ["a/1", "a/2", "b/1"])
    put_all(pool, ["a/other"], "--namespace", "other")
    assert keys_of(pool) == {"a/1": 1, "a/2": 2, "b/1": 3}
    assert keys_of(pool, "a/") == {"a/1": 1, "a/2": 2}
    assert keys_of(pool, "c") == {}
    assert keys_of(pool, "--namespace", "other") == {"a/other": 1}
    assert len(keys_of(pool, "--limit", 2)) == 2
    assert "       1 B  a/1\n" in pool.run("ls").text


def test_a_listing_of_many_pages_is_whole(pool):
    client = aquifer.Client(pool.meta_address)
    keys = {f"many/{number}" for number in range(2500)}
    client.put_batch(list(keys), [b"x"] * len(keys))
    client.close()
    assert set(keys_of(pool, "many/")) == keys
    assert len(keys_of(pool, "--limit", 1500)) == 1500
    done = subprocess.run(["bash", "-c", f"'{PROGRAM}' ls | head -n 1"], capture_output=True,
                          env=pool.environment({"AQUIFER_META": pool.meta_address}), check=True)
    assert done.stdout.startswith(b"       1 B  many/") and done.stderr == b""


def test_all_keys_with_a_prefix_are_removed_at_once(pool):
    put_all(pool, ["a/1", "a/2", "b/1"])
    answer = pool.run("rm", "--prefix", "a/", "--json")
    assert answer.json == {"namespace": "default", "prefix": "a/", "removed": 2}
    assert keys_of(pool) == {"b/1": 3}
    assert pool.run("rm", "--prefix", "a/").text == "removed 0 keys that begin with 'a/'\n"
    pool.run("get", "a/1", code=1)


def test_a_whole_namespace_is_removed_only_when_that_is_meant(pool):
    put_all(pool, ["a", "b"])
    put_all(pool, ["c"], "--namespace", "other")
    answer = pool.run("rm", "--all", code=2)
    assert "namespace 'default'" in answer.errors and "--yes" in answer.errors
    assert len(keys_of(pool)) == 2
    assert pool.run("rm", "--all", "--yes").text == "removed 2 keys of namespace 'default'\n"
    assert keys_of(pool) == {} and keys_of(pool, "--namespace", "other") == {"c": 1}


def test_a_part_of_a_value_comes_alone(pool, tmp_path):
    content = os.urandom(300_000)
    pool.run("put", "k", "-", data=content)
    assert pool.run("get", "k", "--range", "0:10").output == content[:10]
    assert pool.run("get", "k", "--range", "100KB:65536").output == content[100_000:165_536]
    assert pool.run("get", "k", "--range", "299999:").output == content[-1:]
    back = tmp_path / "back"
    answer = pool.run("get", "k", "--range", "299990:1MiB", "-o", back, "--json")
    assert answer.json == {"key": "k", "status": "ok", "offset": 299_990, "size": 10}
    assert back.read_bytes() == content[-10:]
    assert pool.run("get", "k", "--range", "300000:1", code=2).errors
    pool.run("get", "other", "--range", "0:1", code=1)


def test_a_value_is_replaced_when_that_is_said(pool):
    pool.run("put", "k", "-", data=b"first")
    assert pool.run("put", "k", "-", "--replace", "--json", data=b"second").json["status"] in (
        "ok", "pending")
    assert pool.run("get", "k").output == b"second"
    assert pool.run("put", "new", "-", "--replace", data=b"x").text == "stored 'new' (1 B)\n"


def test_a_put_if_absent_tells_what_is_there_from_what_is_being_put(pool):
    assert pool.run("put", "k", "-", "--if-absent", "--json", data=b"x").json["status"] == "ok"
    assert pool.run("put", "k", "-", "--if-absent", "--json", data=b"y").json["status"] == "exists"
    size = 10_000_000
    with aquifer.Client(pool.meta_address) as client, \
            Putter(pool, "open", size, transport="tcp") as putter:
        pool.servers[-1].send(signal.SIGSTOP)  # the node: the put stays open
        putter.go()
        end = time.monotonic() + 10
        while client.status()["used_bytes"] < size:  # until it has been given its space
            assert time.monotonic() < end, "the put never started"
        answer = pool.run("put", "open", "-", "--if-absent", data=b"x", code=5)
        assert "another put of 'open' is open" in answer.errors
        answer = pool.run("put", "open", "-", "--if-absent", "--json", data=b"x", code=5)
        assert error_of(answer)["code"] == "in_flight"
        pool.servers[-1].send(signal.SIGCONT)
        assert putter.line() == "OK"


def test_a_put_names_the_key_that_it_continues(pool):
    pool.run("put", "root", "-", data=b"x")
    pool.run("put", "leaf", "-", "--parent", "root", data=b"y")
    assert pool.run("get", "leaf").output == b"y"


def test_a_pinned_key_is_kept_for_a_time(processes):
    processes.meta()
    processes.node(dram="4MiB")
    processes.run("put", "mine", "-", data=b"x" * 1000)
    assert processes.run("pin", "mine", "--ttl", "10m").text == "pinned 'mine' for 10m\n"
    assert processes.status()["pinned_bytes"] >= 1000
    with aquifer.Client(processes.meta_address) as client:
        for number in range(20):
            client.put(f"other {number}", b"y" * 1_000_000)
    assert processes.status()["evictions"] > 0
    assert processes.run("get", "mine").output == b"x" * 1000
    answer = processes.run("pin", "mine", "--ttl", "0", "--json")
    assert answer.json == {"key": "mine", "status": "ok", "ttl_ms": 0}
    assert processes.status()["pinned_bytes"] == 0
    processes.run("pin", "nobody", "--ttl", "1s", code=1)


def test_a_pool_without_nodes_says_what_to_do(processes):
    processes.meta()
    assert "aquifer node" in processes.run("status").text
    assert processes.status()["nodes"] == []
    answer = processes.run("put", "k", "-", "--timeout", "1s", data=b"x", code=3)
    assert "aquifer node --meta" in answer.errors and answer.seconds < 4, answer


def test_replicas_lie_on_different_nodes(pool):
    pool.node("--name", "b")
    pool.run("put", "k", "-", "--replicas", "2", "--json", data=b"x" * 1000)
    replicas = pool.run("stat", "k", "--json").json["replicas"]
    assert sorted(r["node"] for r in replicas) == ["a", "b"]


def test_more_replicas_than_nodes_are_refused(pool):
    answer = pool.run("put", "k", "-", "--replicas", "2", data=b"x", code=5)
    assert "no 2 nodes" in answer.errors and "--replicas" in answer.errors


def test_a_preferred_node_gets_the_object(pool):
    pool.node("--name", "b")
    for number, node in enumerate("abbaab"):
        pool.run("put", f"k{number}", "-", "--node", node, data=b"x")
        assert pool.run("stat", f"k{number}", "--json").json["replicas"] == [{"node": node}]


def test_an_object_larger_than_the_pool_is_refused(pool, tmp_path):
    large = tmp_path / "large"
    with open(large, "wb") as file:
        file.truncate(100 << 20)
    error = error_of(pool.run("put", "k", large, "--json", code=5))
    assert error["code"] == "no_space" and error["hint"]


def test_a_damaged_object_is_4_and_nothing_is_delivered(processes, tmp_path):
    segments = tmp_path / "segments"
    segments.mkdir()
    processes.meta().expect_warning("damage|integrity|digest")
    node = processes.node("--segments", segments)
    node.expect_warning("damage|integrity|digest")
    pattern = os.urandom(64) * 100
    processes.run("put", "k", "-", data=pattern)
    path = next(p for p in segments.rglob("*") if p.is_file())
    with open(path, "r+b") as file:
        at = file.read().find(pattern)
        assert at > 0
        file.seek(at + 4321)
        file.write(bytes([pattern[4321] ^ 1]))
    back = tmp_path / "back"
    answer = processes.run("get", "k", "-o", back, code=4)
    assert "damaged" in answer.errors and not back.exists()
    assert processes.status()["integrity_failures"] >= 1


def test_a_reader_that_leaves_early_is_no_error(pool):
    pool.run("put", "k", "-", data=b"x" * 5_000_000)
    with subprocess.Popen([PROGRAM, "get", "k"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env=pool.environment({"AQUIFER_META": pool.meta_address})) as get:
        assert get.stdout.read(1) == b"x"
        get.stdout.close()
        errors = get.stderr.read()
        assert get.wait(30) == 0 and errors == b""


def test_an_output_that_cannot_be_written_is_said(pool, tmp_path):
    pool.run("put", "k", "-", data=b"x" * 5_000_000)
    answer = pool.run("get", "k", "-o", tmp_path / "no" / "folder", code=5)
    assert "folder" in answer.errors
    with open("/dev/full", "wb") as full:
        done = subprocess.run([PROGRAM, "get", "k"], stdout=full, stderr=subprocess.PIPE,
                              env=pool.environment({"AQUIFER_META": pool.meta_address}),
                              check=False)
    assert done.returncode == 5 and b"No space left" in done.stderr


def test_the_demo_verifies_what_it_moves_and_says_what_to_type_next(processes):
    answer = processes.run("demo", cwd=PROGRAM.parent, seconds=180)
    for row in ("shm.put", "shm.get", "tcp.put", "tcp.get", "replay.hits"):
        assert f"\n{row}" in answer.text
    assert " verified" in answer.text and "NOT VERIFIED" not in answer.text
    assert answer.text.endswith("  ./aquifer meta & ./aquifer node &\n"
                                "  ./aquifer put readme README.md && ./aquifer status\n")


# Servers


def test_the_ready_line_is_the_only_output(processes):
    meta = processes.meta()
    node = processes.node("--name", "a")
    assert meta.ready_line.startswith("ready meta tcp://127.0.0.1:")
    assert node.ready_line.startswith("ready node a tcp://127.0.0.1:")
    for server in (node, meta):
        assert server.stop() == 0
        assert server.process.stdout.read() == b""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_each_server_in_the_orderly_way(processes, number):
    meta = processes.meta()
    node = processes.node()
    solo = processes.solo()
    for server in (node, meta, solo):
        start = time.monotonic()
        assert server.stop(number) == 0, server.errors
        assert time.monotonic() - start < 5


def test_a_node_waits_for_its_meta_and_says_so(processes):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    node = processes.node("--name", "early", meta=address, wait=False)
    node.wait_error_line(rf"waiting for meta at {address}")
    assert not node.is_ready(0.3)
    processes.meta(listen=address)
    node.wait_ready()
    assert processes.status()["nodes"][0]["name"] == "early"


def test_a_node_that_waits_for_its_meta_ends_with_a_signal(processes):
    node = processes.node(meta=GONE, wait=False)
    node.wait_error_line("waiting for meta")
    assert node.stop() == 0


def test_a_port_in_use_is_named(processes):
    taken = processes.meta().address
    second = processes.start("meta", "--listen", taken)
    assert second.wait() == 5
    assert taken.rpartition(":")[2] in second.errors and "hint:" in second.errors


def test_a_second_node_of_the_same_name_is_refused(pool):
    second = pool.node("--name", "a", wait=False)
    second.expect_warning(".")
    assert second.wait() == 5
    assert "'a'" in second.errors or " a " in second.errors
    assert "hint:" in second.errors
    assert [n["name"] for n in pool.status()["nodes"]] == ["a"]


def test_a_node_that_says_nothing_ends_the_call_with_the_deadline(pool):
    pool.run("put", "k", "-", data=b"x")
    node = pool.servers[-1]
    node.send(signal.SIGSTOP)
    answer = pool.run("get", "k", "--transport", "tcp", "--timeout", "700ms", code=5)
    assert answer.seconds < 3 and "--timeout" in answer.errors, answer
    error = error_of(pool.run("get", "k", "--transport", "tcp", "--timeout", "700ms", "--json",
                              code=5))
    assert error["code"] == "timeout" and "deadline" in error["message"]
    node.send(signal.SIGCONT)
    assert pool.run("get", "k").output == b"x"


def test_a_node_that_was_killed_is_3_for_what_it_held(pool):
    pool.node("--name", "b")
    pool.run("put", "k", "-", "--node", "b", data=b"x")
    pool.run("put", "both", "-", "--replicas", "2", data=b"y")
    pool.servers[0].expect_warning(".")
    pool.servers[-1].kill()
    answer = pool.run("get", "k", "--timeout", "1s", code=None)
    assert answer.code in (1, 3) and "hint:" in answer.errors, answer
    assert pool.run("get", "both").output == b"y"


def test_a_node_leaves_and_another_takes_its_name(pool):
    first = pool.servers[-1]
    pool.run("put", "k", "-", data=b"x")
    assert first.stop() == 0
    pool.run("get", "k", "--timeout", "2s", code=None)
    pool.node("--name", "a")
    pool.run("put", "k2", "-", data=b"y")
    assert pool.run("get", "k2").output == b"y"


def test_a_whole_pool_in_one_process(processes):
    solo = processes.solo("--name", "s")
    assert solo.ready_line.startswith("ready solo tcp://127.0.0.1:")
    processes.run("put", "k", "-", data=b"x" * 100_000)
    assert processes.run("get", "k").output == b"x" * 100_000
    status = processes.status()
    assert [n["name"] for n in status["nodes"]] == ["s"] and status["objects"] == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="a network of its own needs root")
def test_the_default_ports_need_no_flags(processes, tmp_path):
    script = """
        ip link set lo up
        "$0" meta >meta.out 2>meta.err & meta=$!
        "$0" node --dram 64MiB >node.out 2>node.err & node=$!
        for i in $(seq 200); do grep -q ready node.out && break; sleep 0.1; done
        echo hello | "$0" put k - && "$0" get k
        kill $node && wait $node && kill $meta && wait $meta && echo ended
    """
    done = subprocess.run(["unshare", "--net", "bash", "-c", script, PROGRAM], cwd=tmp_path,
                          env=processes.environment(), capture_output=True, timeout=60, check=False)
    if b"unshare" in done.stderr:
        pytest.skip(f"no network of its own here: {done.stderr}")
    assert done.stdout.endswith(b"hello\nended\n"), done
    assert (tmp_path / "meta.out").read_text() == "ready meta tcp://127.0.0.1:5000\n"
