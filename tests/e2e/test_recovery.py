"""Restarts: what was acknowledged is there when meta, a node, or all of them come back."""

import os
import signal
import threading
import time

import aquifer
import pytest
from aquifer import Status
from clients import Putter
from contents import content, is_content, wait_until

SIZE = 64 << 10


class Restartable:
    """A meta at a fixed port and nodes with files; each can be killed and started again."""

    def __init__(self, processes, folder, names=("a", "b", "c"), dram="64MiB"):
        self.processes, self.folder, self.dram = processes, folder, dram
        folder.mkdir(exist_ok=True)
        self.meta = processes.meta()
        self.meta.wait_ready()
        self.nodes = {name: self.start(name) for name in names}
        self.client = aquifer.Client(processes.meta_address)

    def start(self, name, *arguments, **options):
        return self.processes.node("--name", name, "--segments", self.folder, *arguments,
                                   dram=self.dram, **options)

    def restart_meta(self):
        self.meta.kill()
        self.meta = self.processes.meta(listen=self.processes.meta_address)

    def restart(self, name, number=signal.SIGKILL):
        self.nodes[name].send(number)
        self.nodes[name].wait()
        self.nodes[name] = self.start(name)

    def recovered(self, nodes):
        """Waits until meta knows again what so many nodes hold."""
        def all_alive():
            with aquifer.Client(self.processes.meta_address) as client:
                states = [node["state"] for node in client.status().get("nodes", [])]
            return states.count("alive") == nodes
        wait_until(all_alive)

    def close(self):
        self.client.close()


@pytest.fixture
def pool(processes, tmp_path):
    pool = Restartable(processes, tmp_path / "segments")
    yield pool
    pool.close()


def fill(client, count=200, replicas=1, prefix="k"):
    keys = [f"{prefix}{n}" for n in range(count)]
    statuses = client.put_batch(keys, [content(key, SIZE) for key in keys], replicas=replicas)
    assert all(status == Status.OK for status in statuses), statuses
    return keys


def check_all(pool, keys):
    """A client that knows nothing finds every key, with the right bytes."""
    with aquifer.Client(pool.processes.meta_address) as client:
        for key in keys:
            assert is_content(client.get(key), key), key
        status = client.status()
    assert status["used_bytes"] + status["free_bytes"] + status["limbo_bytes"] == \
        status["capacity_bytes"]
    assert status["integrity_failures"] == 0
    return status


def test_what_was_acknowledged_survives_a_meta_that_is_killed(pool):
    keys = fill(pool.client) + fill(pool.client, 20, replicas=2, prefix="twice")
    for _ in range(3):
        before = pool.client.get(keys[0])
        pool.meta.kill()
        assert is_content(pool.client.get(keys[0]), keys[0]), "a cached handle needs no meta"
        pool.meta = pool.processes.meta(listen=pool.processes.meta_address)
        pool.recovered(3)
        status = check_all(pool, keys)
        assert status["objects"] == len(keys) and status["limbo_bytes"] == 0
        assert before is not None
        key = f"later{len(keys)}"
        wait_until(lambda key=key: pool.client.put(key, content(key, SIZE)).ok)
        keys.append(key)
    statuses = pool.client.remove_batch(keys)
    assert set(statuses) == {Status.OK}
    status = pool.client.status()
    assert status["free_bytes"] == status["capacity_bytes"]


def test_what_was_acknowledged_under_load_survives_metas_that_are_killed(pool):
    acknowledged, stop, failed = [], threading.Event(), []

    def write(number):
        with aquifer.Client(pool.processes.meta_address, timeout=5) as client:
            count = 0
            while not stop.is_set():
                keys = [f"w{number}-{count}-{n}" for n in range(2)]
                count += 1
                values = [content(key, 8192) for key in keys]
                for key, status in zip(keys, client.put_batch(keys, values)):
                    if status == Status.OK:
                        acknowledged.append(key)
                value = client.get(keys[0])
                if value is not None and not is_content(value, keys[0]):
                    failed.append(keys[0])

    writers = [threading.Thread(target=write, args=(n,)) for n in range(3)]
    for writer in writers:
        writer.start()
    for _ in range(4):
        done = len(acknowledged)
        wait_until(lambda done=done: len(acknowledged) > done + 50)
        pool.restart_meta()
    done = len(acknowledged)
    wait_until(lambda: len(acknowledged) > done + 50)
    stop.set()
    for writer in writers:
        writer.join()
    pool.recovered(3)
    assert not failed
    assert pool.client.status()["evictions"] == 0
    check_all(pool, acknowledged)


def test_a_node_that_is_stopped_while_it_reports_begins_anew(pool):
    keys = [f"k{n}" for n in range(30_000)]
    values = [content(key, 300) for key in keys]
    for first in range(0, len(keys), 10_000):
        part = slice(first, first + 10_000)
        assert set(pool.client.put_batch(keys[part], values[part])) == {Status.OK}
    node = pool.nodes["a"]
    for delay in (0, 0.01, 0.03):
        told = node.errors.count("reporting to meta")
        pool.restart_meta()
        wait_until(lambda told=told: node.errors.count("reporting to meta") > told, every=0.001)
        time.sleep(delay)
        node.send(signal.SIGSTOP)
        time.sleep(1.3)  # longer than the lease of its heartbeat
        node.send(signal.SIGCONT)
        pool.recovered(3)
        with aquifer.Client(pool.processes.meta_address) as client:
            assert all(client.exists_batch(keys[:10_000]))
            status = client.status()
            assert status["objects"] == len(keys) and status["limbo_bytes"] == 0
            new = [f"new{delay}-{n}" for n in range(100)]
            assert set(client.put_batch(new, [b"new"] * 100)) == {Status.OK}
            assert set(client.remove_batch(new)) == {Status.OK}


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_node_comes_back_with_what_it_held(pool, number):
    keys = fill(pool.client)
    for name in pool.nodes:
        pool.restart(name, number)
    pool.recovered(3)
    status = check_all(pool, keys)
    assert status["objects"] == len(keys) and status["limbo_bytes"] == 0
    for key in keys:
        assert is_content(pool.client.get(key), key)


def test_everything_may_be_killed_at_once(pool):
    keys = fill(pool.client, replicas=2)
    for _ in range(2):
        for server in (pool.meta, *pool.nodes.values()):
            server.kill()
        pool.meta = pool.processes.meta(listen=pool.processes.meta_address)
        for name in pool.nodes:
            pool.nodes[name] = pool.start(name)
        pool.recovered(3)
        status = check_all(pool, keys)
        assert status["objects"] == len(keys) and status["limbo_bytes"] == 0


def test_a_writer_that_is_stopped_keeps_its_bytes_through_a_restart(processes, tmp_path):
    pool = Restartable(processes, tmp_path / "segments", ["a"], dram="192MiB")
    keys = fill(pool.client, 50)
    for attempt in range(60):
        with Putter(processes, f"late {attempt}", 48 << 20, transport="shm") as late:
            if not late.stop_in_the_middle(pool.client, 0.002):
                continue
            pool.restart_meta()
            pool.recovered(1)
            wait_until(pool.client.status)  # its connection has broken
            if pool.client.status()["limbo_bytes"] < 48 << 20:
                continue  # stopped before its first byte, or after its last
            for n in range(6):  # more than fits beside it, were its bytes free
                assert pool.client.put(f"big{n}", content(f"big{n}", 24 << 20)).ok
            assert pool.client.status()["limbo_bytes"] >= 48 << 20
            late.send(signal.SIGCONT)
            assert late.line() in ("CANCELLED", "UNKNOWN", "TIMEOUT", "UNREACHABLE")
            wait_until(lambda: pool.client.status()["limbo_bytes"] == 0)
            assert pool.client.get(late.key) is None
            for key in [*keys, *(f"big{n}" for n in range(6))]:
                value = pool.client.get(key)
                assert value is None or is_content(value, key), key
            assert pool.client.status()["integrity_failures"] == 0
            pool.close()
            return
    raise AssertionError("no put could be stopped in its middle")


def test_what_was_removed_while_a_node_was_away_does_not_return_with_it(pool):
    keys = fill(pool.client, 30)
    with aquifer.Client(pool.processes.meta_address, timeout=0.5) as impatient:
        pool.nodes["a"].kill()
        statuses = impatient.remove_batch(keys)
        assert set(statuses) == {Status.OK, Status.PENDING}
    pool.nodes["a"] = pool.start("a")
    pool.recovered(3)
    wait_until(lambda: pool.client.status()["used_bytes"] == 0)
    with aquifer.Client(pool.processes.meta_address) as client:
        assert client.exists_batch(keys) == [False] * len(keys)


def test_the_later_of_two_values_stays(pool):
    pool.client.put("key", content("old", SIZE), preferred_node="a")
    pool.nodes["a"].kill()
    with aquifer.Client(pool.processes.meta_address, timeout=1) as client:
        assert client.replace("key", content("new", SIZE)) == Status.PENDING
    pool.restart_meta()
    pool.nodes["a"] = pool.start("a")
    pool.recovered(3)
    with aquifer.Client(pool.processes.meta_address) as client:
        assert is_content(client.get("key"), "new")
        assert client.status()["objects"] == 1


def test_fresh_starts_empty(pool):
    keys = fill(pool.client)
    pool.nodes["a"].kill()
    pool.nodes["a"] = pool.start("a", "--fresh")
    pool.recovered(3)
    with aquifer.Client(pool.processes.meta_address) as client:
        found = client.exists_batch(keys)
        assert 0 < sum(found) < len(keys)
        assert all(is_content(client.get(key), key) for key, there in zip(keys, found) if there)


def test_another_size_is_refused_and_keeps_the_file(pool):
    keys = fill(pool.client)
    pool.nodes["a"].kill()
    other = pool.processes.start("node", "--meta", pool.processes.meta_address, "--name", "a",
                                 "--segments", pool.folder, "--dram", "32MiB")
    assert other.wait() != 0
    assert "--dram asks for" in other.errors and "--fresh" in other.errors
    pool.nodes["a"] = pool.start("a")
    pool.recovered(3)
    check_all(pool, keys)


@pytest.mark.parametrize("damage", ["header", "magic", "short", "layout"])
def test_a_damaged_segment_is_set_aside(pool, damage):
    fill(pool.client)
    pool.nodes["a"].kill()
    path = pool.folder / "aquifer-a.segment"
    with path.open("r+b") as file:
        if damage == "short":
            file.truncate(1000)
        else:
            file.seek({"magic": 0, "layout": 8, "header": 17}[damage])
            file.write(b"\x77")
    pool.nodes["a"] = pool.start("a")
    pool.nodes["a"].expect_warning("set aside")
    assert "set aside" in pool.nodes["a"].errors
    assert (pool.folder / "aquifer-a.segment.aside").exists()
    pool.recovered(3)
    key = "afterwards"
    assert pool.client.put(key, content(key, SIZE), preferred_node="a").ok
    assert is_content(pool.client.get(key), key)


@pytest.mark.parametrize("meta_too", [False, True])
def test_damaged_objects_are_misses_and_the_others_are_served(pool, meta_too):
    keys = fill(pool.client, 300)
    pool.nodes["a"].kill()
    if meta_too:
        pool.meta.kill()
    path = pool.folder / "aquifer-a.segment"
    size = path.stat().st_size
    with path.open("r+b") as file:
        for place in range(5000, size, size // 977):
            file.seek(place)
            byte = file.read(1)
            file.seek(place)
            file.write(bytes([byte[0] ^ 0x41]))
    if meta_too:
        pool.meta = pool.processes.meta(listen=pool.processes.meta_address)
    pool.nodes["a"] = pool.start("a")
    pool.recovered(3)
    found = 0
    with aquifer.Client(pool.processes.meta_address) as client:
        for key in keys:
            value = client.get(key)
            assert value is None or is_content(value, key), key
            found += value is not None
        assert 150 < found < 300
        for n in range(100):
            key = f"new{n}"
            assert client.put(key, content(key, SIZE)).ok
            assert is_content(client.get(key), key)


def test_a_node_of_another_pool_is_refused_by_name(processes, tmp_path):
    pool = Restartable(processes, tmp_path / "one", ["a"])
    fill(pool.client, 10)
    other = Restartable(processes, tmp_path / "two", ["b"])
    fill(other.client, 10)
    time.sleep(2)  # a new pool names itself when nodes of an older one would have come
    pool.nodes["a"].stop()
    pool.meta.stop()
    other.restart_meta()
    other.recovered(1)
    stranger = processes.start("node", "--meta", other.processes.meta_address, "--name", "a",
                               "--segments", tmp_path / "one", "--dram", "64MiB")
    assert stranger.wait() != 0
    assert "belongs to another pool" in stranger.errors
    pool.close()
    other.close()


def test_without_a_folder_the_memory_goes_with_an_orderly_stop_only(processes):
    name = f"test-{os.getpid()}-{time.monotonic_ns()}"
    path = f"/dev/shm/aquifer-{name}.segment"
    processes.meta().wait_ready()
    arguments = ("node", "--meta", processes.meta_address, "--dram", "64MiB", "--name", name)
    node = processes.start(*arguments)
    node.wait_ready()
    with aquifer.Client(processes.meta_address) as client:
        keys = fill(client, 20)
        node.kill()
        assert os.path.exists(path)
        node = processes.start(*arguments)
        node.wait_ready()
        wait_until(lambda: all(is_content(client.get(key), key) for key in keys))
    assert node.stop() == 0
    assert not os.path.exists(path)
