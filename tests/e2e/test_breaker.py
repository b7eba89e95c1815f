"""What a store that is dead or stopped costs its callers: the first call at most its deadline, those
after it next to nothing, until it is back, which nobody has to tell them."""

import contextlib
import os
import signal
import threading
import time

import aquifer
import pytest
from aquifer import Status
from contents import content, is_content, wait_until

TIMEOUT = 2.0
CALLS = 200  # that are over long before one of them would have had to wait for its deadline
SIZE = 50_000


def threads():
    return set(os.listdir("/proc/self/task"))


@contextlib.contextmanager
def opened(address, **options):
    """A client that leaves no thread behind."""
    before = threads()
    # One stream: with more, a thread that helps to copy lives as long as the client object.
    with aquifer.Client(address, timeout=TIMEOUT, tcp_streams=1, **options) as client:
        yield client
    wait_until(lambda: threads() <= before)  # a thread that was joined is seen for a moment more


def check_cheap(client, count=CALLS, said="no answer for"):
    """Calls that need meta are refused, all of them in the time of one."""
    begin = time.monotonic()
    for number in range(count):
        if number % 4 == 0:
            assert client.put(f"new {number}", b"x") == Status.UNREACHABLE
        elif number % 4 == 1:
            assert client.get(f"unknown {number}") is None
        elif number % 4 == 2:
            assert not client.exists(f"unknown {number}")
        else:
            assert client.match_prefix(["a", "b"]) == 0
        assert said in client.last_error()
    assert time.monotonic() - begin < TIMEOUT, "calls of a dead store waited"


def stop(server):
    """Stops it; returns when all its threads have stopped."""
    server.send(signal.SIGSTOP)
    os.waitid(os.P_PID, server.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)


@pytest.fixture
def stored(processes):
    """A pool with values; the meta, the keys."""
    meta = processes.meta()
    processes.node("--name", "a")
    keys = [f"k{number}" for number in range(8)]
    with aquifer.Client(processes.meta_address) as client:
        assert all(s.ok for s in client.put_batch(keys, [content(key, SIZE) for key in keys]))
    return meta, keys


def check_cached(client, keys):
    for key, value in zip(keys, client.get_batch(keys)):
        assert is_content(value, key)


@pytest.mark.parametrize("transport", ["shm", "tcp"])
def test_a_stopped_meta_costs_one_deadline_and_is_found_again(processes, stored, transport):
    meta, keys = stored
    with opened(processes.meta_address, transport=transport) as client:
        check_cached(client, keys)
        before = threads()
        stop(meta)
        begin = time.monotonic()
        assert not client.exists("unknown")
        assert time.monotonic() - begin >= TIMEOUT, "it was given its time"
        check_cheap(client)
        assert client.counters()["breaker_opens"] == 1
        assert len(threads() - before) == 1, "somebody looks whether it is back"
        begin = time.monotonic()
        for _ in range(20):
            check_cached(client, keys)
        assert time.monotonic() - begin < TIMEOUT, "what needs no meta goes on"
        meta.send(signal.SIGCONT)
        wait_until(lambda: client.put("after", b"x").ok)
        assert client.get("after") == b"x"
        check_cached(client, keys)
        wait_until(lambda: threads() <= before)
        assert client.counters()["breaker_opens"] == 1


def test_a_killed_meta_costs_a_little_patience_and_its_successor_is_found(processes, stored):
    meta, keys = stored
    address = processes.meta_address
    with opened(address) as client:
        check_cached(client, keys)
        meta.kill()
        assert not client.exists("unknown")
        check_cheap(client)
        assert address in client.last_error() and "Connection refused" in client.last_error()
        assert client.counters()["breaker_opens"] == 1
        check_cached(client, keys)
        processes.meta(listen=address)
        wait_until(lambda: client.put("after", b"x").ok)
        assert client.get("after") == b"x"


def test_a_call_with_time_left_waits_for_a_meta_that_restarts(processes, stored):
    meta, keys = stored
    address = processes.meta_address
    with aquifer.Client(address, timeout=30) as client:
        check_cached(client, keys)
        meta.kill()
        outcomes = []
        calls = [threading.Thread(target=lambda: outcomes.append(client.exists("unknown")))
                 for _ in range(4)]
        calls.append(threading.Thread(target=lambda: outcomes.append(client.put("new", b"x").ok)))
        for call in calls:
            call.start()
        processes.meta(listen=address)
        for call in calls:
            call.join()
        # Whoever had to ask again got an answer, whatever it is: no call was refused.
        assert client.counters()["breaker_opens"] == 0, client.last_error()
        assert len(outcomes) == 5


def test_an_idle_client_does_not_notice_a_restart_of_meta(processes, stored):
    meta, keys = stored
    address = processes.meta_address
    with opened(address) as client:
        check_cached(client, keys)
        meta.kill()
        processes.meta(listen=address)
        assert client.match_prefix(["unknown"]) == 0 and not client.exists("unknown")
        assert client.counters()["breaker_opens"] == 0
        assert client.last_error() == "" or "missing after a restart" in client.last_error()


def test_a_meta_that_was_never_there_is_not_waited_for_and_found_when_it_comes(processes):
    processes.meta()
    address = processes.meta_address
    processes.servers[-1].stop()
    with opened(address) as client:
        check_cheap(client, said=address)
        processes.meta(listen=address)
        processes.node("--name", "a")
        wait_until(lambda: client.put("k", b"x").ok)


def test_callers_in_a_hurry_do_not_condemn_a_meta_that_answers_others(processes, stored):
    _, keys = stored
    with opened(processes.meta_address) as client:
        assert client.exists(keys[0])
        for _ in range(50):
            client.exists(keys[0], timeout=0.001)
            assert client.exists(keys[0])


def test_closing_a_client_whose_meta_is_stopped_ends_its_threads(processes, stored):
    meta, _ = stored
    stop(meta)
    before = threads()
    client = aquifer.Client(processes.meta_address, timeout=0.3)
    assert not client.exists("unknown") and threads() - before
    client.close()
    wait_until(lambda: threads() <= before)
    assert client.put("k", b"x") == Status.CLOSED
    meta.send(signal.SIGCONT)


def test_a_forked_child_has_no_part_in_the_looking(processes, stored):
    meta, _ = stored
    with opened(processes.meta_address) as client:
        stop(meta)
        assert not client.exists("unknown", timeout=0.3)
        child = os.fork()
        if child == 0:
            alone = len(threads()) == 1 and client.put("k", b"x") == Status.CLOSED
            os._exit(0 if alone else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        meta.send(signal.SIGCONT)
        wait_until(lambda: client.put("k", b"x").ok)


def test_the_helper_thread_takes_no_signals(processes, stored):
    meta, _ = stored
    with opened(processes.meta_address) as client:
        client.exists("unknown")
        before = threads()
        stop(meta)
        client.exists("unknown", timeout=0.3)
        (helper,) = threads() - before
        with open(f"/proc/self/task/{helper}/status", encoding="ascii") as status:
            blocked = next(line for line in status if line.startswith("SigBlk:"))
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGALRM):
            assert int(blocked.split()[1], 16) >> (number - 1) & 1
        meta.send(signal.SIGCONT)


@pytest.mark.parametrize("transport", ["tcp", "shm"])
def test_a_stopped_node_costs_one_deadline_and_is_found_again(processes, transport):
    processes.meta("--node-grace", "60s")
    node = processes.node("--name", "a")
    keys = [f"k{number}" for number in range(8)]
    with aquifer.Client(processes.meta_address) as client:
        assert all(s.ok for s in client.put_batch(keys, [content(key, SIZE) for key in keys]))
    with opened(processes.meta_address, transport=transport) as client:
        stop(node)
        assert client.get(keys[0]) is None
        begin = time.monotonic()
        for _ in range(CALLS // len(keys)):
            assert client.get_batch(keys) == [None] * len(keys)
        assert time.monotonic() - begin < TIMEOUT, "calls waited for a stopped node"
        assert client.counters()["breaker_opens"] == 0, "meta is well"
        node.send(signal.SIGCONT)
        wait_until(lambda: client.get(keys[0]) is not None)
        check_cached(client, keys)


def test_a_caller_with_little_time_does_not_wait_for_one_with_much(processes, stored):
    meta, keys = stored
    node = processes.servers[-1]
    with opened(processes.meta_address) as client:
        assert client.exists(keys[0])
        stop(node)
        patient = threading.Thread(target=client.get, args=(keys[0],), kwargs={"timeout": 20})
        patient.start()
        begin = time.monotonic()
        assert client.get(keys[1], timeout=0.3) is None
        assert time.monotonic() - begin < 10
        node.send(signal.SIGCONT)
        patient.join()
