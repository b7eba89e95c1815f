"""What happens when a program is missing, refused, killed or stopped: each a clear answer within
the deadline, and a pool that works again."""

import os
import signal
import socket
import threading
import time

import aquifer
import pytest
from aquifer import Status
from clients import Putter
from contents import content, is_content, wait_until
from proxy import Proxy

SIZE = 100_000
LATE_SECONDS = 2  # how much later than its deadline a call may return on a busy machine
ABSENT = "tcp://127.0.0.1:1"  # nothing listens there


class Traffic:
    """Threads that put and get until stopped, and keep what was not as it must be."""

    def __init__(self, meta, *, transports=("shm", "tcp"), timeout=1.0):
        self.timeout = timeout
        self.clients = [aquifer.Client(meta, transport=t, timeout=timeout) for t in transports]
        self.faults = []
        self.calls = self.puts = self.hits = 0
        self._ending = False
        self._threads = [threading.Thread(target=self._run, args=(number, client))
                         for number, client in enumerate(self.clients)]
        for thread in self._threads:
            thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
        for client in self.clients:
            client.close()

    def stop(self):
        self._ending = True
        for thread in self._threads:
            thread.join()

    def check(self):
        assert not self.faults, self.faults[:5]

    def _timed(self, what, call):
        start = time.monotonic()
        answer = call()
        seconds = time.monotonic() - start
        self.calls += 1
        if seconds > self.timeout + LATE_SECONDS:
            self.faults.append(f"{what} took {seconds:.1f} s with a deadline of {self.timeout} s")
        return answer

    def _run(self, number, client):
        count = 0
        while not self._ending:
            key = f"traffic {number} {count}"
            count += 1
            status = self._timed("put", lambda: client.put(key, content(key, SIZE)))
            self.puts += status.ok
            for one in (key, f"traffic {number} {count // 2}"):
                value = self._timed("get", lambda: client.get(one))
                self.hits += value is not None
                if value is not None and not is_content(value, one):
                    self.faults.append(f"wrong bytes under {one}")
            if not status.ok:
                time.sleep(0.01)


def timed(call, deadline):
    """The answer of a call that must keep its deadline."""
    start = time.monotonic()
    answer = call()
    assert time.monotonic() - start < deadline + LATE_SECONDS, answer
    return answer


# Starting


def test_without_a_meta_every_call_ends_by_its_deadline_and_names_the_address():
    with aquifer.Client(ABSENT, timeout=0.3) as client:
        for call in (lambda: client.put("k", b"x") in (Status.UNREACHABLE, Status.TIMEOUT),
                     lambda: client.get("k") is None, lambda: client.exists("k") is False,
                     lambda: not client.remove("k").ok,
                     lambda: client.match_prefix(["k"]) == 0,
                     lambda: client.get_into("k", bytearray(9)) < 0):
            assert timed(call, 0.3)
            assert ABSENT in client.last_error()


def ended(server):
    """What a server that refuses to serve has said."""
    assert server.wait() == 5, server.describe()
    assert "hint:" in server.errors and not server.is_ready(0)
    return server.errors


def test_a_port_in_use_is_named(processes):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        assert address in ended(processes.start("meta", "--listen", address))
        processes.meta()
        assert address in ended(processes.start(
            "node", "--meta", processes.meta_address, "--listen", address, "--dram", "16MiB"))
    assert processes.status()["nodes"] == []


def test_a_second_node_of_a_name_is_refused_and_the_first_stays(pool):
    error = ended(pool.start("node", "--meta", pool.meta_address, "--name", "a",
                             "--dram", "16MiB"))
    assert '"a"' in error and "--name" in error and str(pool.servers[1].pid) in error
    assert [node["name"] for node in pool.status()["nodes"]] == ["a"]
    pool.run("put", "k", "-", data=b"x")
    assert pool.run("get", "k").output == b"x"


@pytest.mark.parametrize("command, typo, meant",
                         [("meta", "lisen", "listen"), ("node", "drm", "dram")])
def test_a_typo_in_a_file_or_a_flag_names_what_was_meant(processes, tmp_path, command, typo, meant):
    config = tmp_path / "server.conf"
    config.write_text(f"{typo} = 1\n")
    for words in (("--config", config), (f"--{typo}", "1")):
        server = processes.start(command, *words)
        assert server.wait() == 2, server.describe()
        assert typo in server.errors and meant in server.errors


def test_a_node_may_be_started_before_its_meta(processes):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{probe.getsockname()[1]}"
    node = processes.node("--name", "a", meta=address, wait=False)
    node.wait_error_line(f"waiting for meta at {address}")
    assert not node.is_ready(0.2)
    processes.meta(listen=address)
    node.wait_ready(10)
    with aquifer.Client(address) as client:
        assert client.put("k", b"x").ok and client.get("k") == b"x"


# Dying


def test_killing_meta_ends_no_call_late_and_a_new_one_takes_over(processes):
    meta = processes.meta()
    node = processes.node("--name", "a")
    address = processes.meta_address
    keys = [f"k{number}" for number in range(20)]
    with aquifer.Client(address, timeout=1) as cached, Traffic(address) as traffic:
        assert all(s.ok for s in cached.put_batch(keys, [content(key, SIZE) for key in keys]))
        wait_until(lambda: traffic.puts > 20)
        meta.kill()
        # What a client knows where to find it still gets.
        values = timed(lambda: cached.get_batch(keys), 1)
        assert all(is_content(value, key) for key, value in zip(keys, values))
        assert not timed(lambda: cached.put("new", b"x"), 1).ok
        assert timed(lambda: cached.get("unknown"), 1) is None
        calls = traffic.calls
        wait_until(lambda: traffic.calls > calls + 4)
        processes.meta(listen=address)
        assert processes.meta_address == address
        # Refused until the next probe has found it: an empty status.
        wait_until(lambda: (n := cached.status().get("nodes")) and n[0]["state"] == "alive")
        puts = traffic.puts
        wait_until(lambda: traffic.puts > puts + 20)
        traffic.check()
        key = "after the restart"
        assert cached.put(key, content(key, SIZE)).ok and is_content(cached.get(key), key)
        for key in keys:  # forgotten, or still right
            value = cached.get(key)
            assert value is None or is_content(value, key)
        assert node.process.poll() is None and cached.status()["integrity_failures"] == 0


@pytest.mark.parametrize("transport", ["shm", "tcp"])
def test_killing_a_node_gives_misses_within_the_deadline_and_a_new_one_serves(
        processes, transport):
    processes.meta("--node-grace", "1s")
    node = processes.node("--name", "a")
    keys = [f"k{number}" for number in range(20)]
    with aquifer.Client(processes.meta_address, transport=transport, timeout=1) as client, \
            aquifer.Client(processes.meta_address, transport=transport, timeout=1) as fresh, \
            Traffic(processes.meta_address) as traffic:
        assert all(s.ok for s in client.put_batch(keys, [content(key, SIZE) for key in keys]))
        wait_until(lambda: traffic.puts > 20)
        node.kill()
        for one in (client, fresh):
            for _ in range(3):
                for key, value in zip(keys, timed(lambda one=one: one.get_batch(keys), 1)):
                    # Memory that is mapped already outlives its node, and is verified all the same.
                    assert value is None or is_content(value, key)
            timed(lambda one=one: one.put("new", b"x"), 1)
        assert fresh.get_batch(keys) == [None] * len(keys)
        processes.node("--name", "a")
        puts, hits = traffic.puts, traffic.hits
        wait_until(lambda: traffic.puts > puts + 20 and traffic.hits > hits + 20)
        traffic.check()
        for key in keys:
            wait_until(lambda key=key: client.put(key, content(key, SIZE)) == Status.OK)
            assert is_content(client.get(key), key) and is_content(fresh.get(key), key)


@pytest.mark.parametrize("transport", ["shm", "tcp"])
def test_a_client_killed_in_the_middle_of_a_put_gives_space_and_key_back(processes, transport):
    # So large that its copy takes many times as long as it takes to see that it has begun.
    size, most = 192 << 20, 256 << 20
    processes.meta()
    processes.node("--name", "a", dram="272MiB")
    with aquifer.Client(processes.meta_address) as client:
        wait_until(lambda: client.put("whole", content("whole", most)).ok)
        client.remove("whole")
        middle = 0
        for attempt in range(40):
            with Putter(processes, f"k{attempt}", size, transport=transport) as writer:
                if not writer.stop_in_the_middle(client, 0.002 * (attempt % 3)):
                    client.remove(writer.key)
                    continue
                middle += 1
            # Killed by now.
            assert client.get(writer.key) is None
            wait_until(lambda: client.status()["used_bytes"] == 0)
            wait_until(lambda: client.status()["limbo_bytes"] == 0)
            key, value = writer.key, content(writer.key, 80 << 20)
            assert client.put(key, value) == Status.OK
            assert is_content(client.get(key), key)
            client.remove(key)
            if middle == 3:
                break
        assert middle == 3
        assert client.status()["integrity_failures"] == 0


def test_sigterm_under_load_ends_everything_with_0_and_leaves_nothing(processes, tmp_path):
    for order in ([0, 1, 2], [2, 1, 0]):
        processes.meta()
        meta = processes.servers[-1]
        segments = tmp_path / f"segments {order[0]}"
        segments.mkdir()
        nodes = [processes.node("--name", "a"),
                 processes.node("--name", "b", "--segments", segments)]
        with Traffic(processes.meta_address) as traffic:
            wait_until(lambda traffic=traffic: traffic.puts > 20 and traffic.hits > 20)
            for number in order:
                server = [meta, *nodes][number]
                start = time.monotonic()
                assert server.stop() == 0, server.describe()
                assert time.monotonic() - start < 5
            traffic.stop()
            traffic.check()
        assert os.listdir(segments) == ["aquifer-b.segment"]  # kept, as --segments promises
    # The fixture looks for what is left: processes, ports, files in /dev/shm, warnings.


def test_a_put_waits_for_a_node_that_is_coming_back(processes):
    processes.meta()
    with Proxy(processes.meta_address) as between:
        node = processes.node("--name", "a", meta=between.address)
        with aquifer.Client(processes.meta_address) as client:
            for number in range(5):
                between.cut_all()
                wait_until(lambda: client.status()["nodes"][0]["state"] == "lost", every=0)
                key = f"k{number}"
                assert client.put(key, content(key, SIZE)) == Status.OK
                assert is_content(client.get(key), key)
            node.kill()
            wait_until(lambda: client.status()["nodes"][0]["state"] == "lost")
            assert timed(lambda: client.put("k", b"x"), 1) == Status.UNREACHABLE


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_what_a_dead_node_held_is_not_read_once_it_was_replaced_or_removed(processes, how):
    processes.meta("--node-grace", "2s")
    node = processes.node("--name", "a", dram="32MiB")
    processes.node("--name", "b", dram="32MiB")
    address = processes.meta_address
    with aquifer.Client(address, timeout=15) as client, aquifer.Client(address) as reader:
        for key in ("x", "y", "z"):
            assert client.put(key, content(key, SIZE), preferred_node="a") == Status.OK
            assert is_content(reader.get(key), key)
        if how == signal.SIGKILL:
            node.kill()
        else:
            node.send(signal.SIGSTOP)
        assert client.replace("x", content("new", SIZE)) == Status.OK
        assert client.remove("y") in (Status.OK, Status.NOT_FOUND)
        assert is_content(reader.get("x"), "new")
        assert reader.view("y") is None and reader.get("y") is None
        with reader.view("x") as view:
            assert is_content(bytes(view), "new")
        if how == signal.SIGSTOP:
            node.send(signal.SIGCONT)
            wait_until(lambda: len(client.status()["nodes"]) == 2)
            assert is_content(reader.get("x"), "new") and reader.get("y") is None


def test_a_meta_that_was_stopped_blames_no_node_for_it(processes):
    meta = processes.meta("--node-grace", "2s")
    processes.node("--name", "a", dram="32MiB")
    with aquifer.Client(processes.meta_address) as client:
        assert client.put("k", content("k", SIZE)) == Status.OK
        meta.send(signal.SIGSTOP)
        time.sleep(0.5)
        assert is_content(client.get("k"), "k"), "remembered handles need no meta"
        time.sleep(2.5)
        meta.send(signal.SIGCONT)
        assert client.status()["nodes"][0]["state"] == "alive"
        with aquifer.Client(processes.meta_address) as other:
            assert is_content(other.get("k"), "k")


# Stopping


@pytest.mark.parametrize("who", ["meta", "node"])
@pytest.mark.parametrize("transport", ["shm", "tcp"])
def test_no_call_outlives_its_deadline_when_somebody_is_stopped(processes, who, transport):
    meta = processes.meta()
    node = processes.node("--name", "a", dram="32MiB")
    address = processes.meta_address
    keys = [f"k{number}" for number in range(8)]
    deadline = 0.4
    with aquifer.Client(address, transport=transport, timeout=deadline) as cached, \
            aquifer.Client(address, transport=transport, timeout=deadline) as fresh:
        assert all(s.ok for s in cached.put_batch(keys, [content(key, SIZE) for key in keys]))
        stopped = meta if who == "meta" else node
        stopped.send(signal.SIGSTOP)
        try:
            for client in (cached, fresh):
                for call in (lambda: client.get_batch(keys), lambda: client.get("unknown"),
                             lambda: client.put("new", content("new", SIZE)),
                             lambda: client.put("larger", content("larger", 20 << 20)),
                             lambda: client.exists("k0"), lambda: client.match_prefix(keys),
                             lambda: client.remove("k7"), lambda: client.stat("k1"),
                             lambda: client.status(), client.last_error):
                    timed(call, deadline)
            if who == "meta" or transport == "shm":  # who was not asked is not missed
                assert all(is_content(value, key) for key, value in
                           zip(keys[:7], timed(lambda: cached.get_batch(keys[:7]), deadline)))
            start = time.monotonic()
            cached.close()
            assert time.monotonic() - start < 2
        finally:
            stopped.send(signal.SIGCONT)
        wait_until(lambda: fresh.put("after", content("after", SIZE)).ok)
        wait_until(lambda: (value := fresh.get("after")) and is_content(value, "after"))
        for key in keys[:7]:
            value = wait_until(lambda key=key: fresh.get(key))
            assert is_content(value, key)
        assert fresh.status()["integrity_failures"] == 0
