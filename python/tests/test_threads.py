"""Threads share a client; what may wait lets others run; daemon threads may be left behind."""

import os
import random
import threading
import time

import numpy as np
import pytest

import aquifer
from aquifer import Status
from test_client import CALLS


def run_all(functions, timeout=120):
    """Runs each function in a thread; raises what one of them raised."""
    errors = []

    def guarded(function):
        try:
            function()
        except BaseException as error:  # handed to the test's own thread
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(f,), daemon=True) for f in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout)
    assert not any(thread.is_alive() for thread in threads)
    if errors:
        raise errors[0]


def content(key, version):
    """One of the values that may be found under a key: size and bytes made from both numbers."""
    size = 1 + (key * 7919 + version * 104_729) % 150_000
    return np.random.default_rng(key * 1000 + version).bytes(size)


def test_threads_hammer_one_client(client):
    seed = int(os.environ.get("AQUIFER_TEST_SEED") or random.randrange(2**32))
    print(f"seed {seed}")
    keys, versions = range(16), range(8)
    modes = ["keep", "if_absent", "replace"]
    put = {Status.OK, Status.EXISTS, Status.IN_FLIGHT, Status.CANCELLED}
    removed = {Status.OK, Status.NOT_FOUND, Status.PENDING}
    allowed = {f"key{k}": {content(k, v) for v in versions} for k in keys}

    def one_step(rng):
        k = rng.choice(keys)
        key = f"key{k}"
        match rng.randrange(13):
            case 0 | 1:
                status = client.put(key, content(k, rng.choice(versions)))
                assert status in put, status
            case 2:
                status = client.remove(key)
                assert status in removed, status
            case 3:
                buffer = bytearray(150_001)
                view = memoryview(buffer)
                size = client.get_into(key, [view[:70_000], view[70_000:]])
                assert size >= 0, size
                assert size == 0 or bytes(buffer[:size]) in allowed[key]
            case 4:
                names = [f"key{n}" for n in rng.sample(keys, 5)]
                for name, value in zip(names, client.get_batch(names), strict=True):
                    assert value is None or value in allowed[name]
            case 5:
                client.exists(key), client.match_prefix([key]), client.stat(key), client.counters()
            case 6:
                status = client.replace(key, content(k, rng.choice(versions)))
                assert status in put | {Status.PENDING}, status
            case 7:
                found = client.get_range(key, 100, 70_000)
                assert found is None or found in {value[100:70_100] for value in allowed[key]}
            case 8:
                view = client.view(key)
                if view:
                    held = view.pieces
                    view.release()
                    client.remove(key)
                    assert b"".join(held) in allowed[key]
            case 9:
                value = content(k, rng.choice(versions))
                half = len(value) // 2
                with client.open_put(key, len(value), mode=rng.choice(modes)) as pending:
                    statuses = {pending.write(half, value[half:])}
                    statuses |= {pending.write(0, value[:half])} if half else set()
                    if all(statuses) and rng.randrange(2):
                        statuses.add(pending.commit())
                assert statuses <= put | {Status.PENDING}, statuses
            case 10:
                page = client.list("key")
                assert page is not None and {name for name, _ in page[0]} <= set(allowed)
            case _:
                value = client.get(key)
                assert value is None or value in allowed[key]

    def hammer(number):
        rng = random.Random(seed + number)
        for _ in range(300):
            one_step(rng)

    run_all([lambda number=number: hammer(number) for number in range(8)])
    assert client.counters()["integrity_failures"] == 0


def test_close_ends_calls_of_other_threads(silent_meta):
    client = aquifer.Client(silent_meta, timeout=6)
    started = threading.Barrier(5)

    def wait():
        started.wait()
        assert client.put("key", b"value") in {Status.CLOSED, Status.UNREACHABLE}

    def close():
        started.wait()
        time.sleep(0.2)
        client.close()

    start = time.monotonic()
    run_all([wait] * 4 + [close])
    assert time.monotonic() - start < 4


@pytest.mark.parametrize("call", CALLS)
def test_other_threads_run_during_a_call(silent_meta, call):
    with aquifer.Client(silent_meta) as client:
        thread = threading.Thread(target=CALLS[call][0], args=(client, 0.5))
        thread.start()
        steps = 0
        while thread.is_alive():
            time.sleep(0.005)
            steps += 1
        thread.join()
        # With the interpreter held for half a second there would be one or two.
        assert steps >= 10


def test_other_threads_run_while_a_pool_starts_and_ends():
    def use():
        with aquifer.Pool("16MiB") as pool, pool.client() as client:
            assert client.put("key", b"value").ok

    run_all([use] * 4)


def test_daemon_threads_in_calls_do_not_disturb_the_end(run_python):
    script = """
import threading, time, aquifer
pool = aquifer.Pool("32MiB")
client = pool.client()
value = bytes(1_000_000)
started = threading.Barrier(5)

def work(number):
    started.wait()
    while True:
        client.put(f"key{number}", value)
        client.get(f"key{number}")
        client.get_batch([f"key{n}" for n in range(4)])
        client.remove(f"key{number}")

for number in range(4):
    threading.Thread(target=work, args=(number,), daemon=True).start()
started.wait()
time.sleep(0.1)
print("done")
"""
    for _ in range(3):
        assert run_python(script) == "done\n"


def test_a_daemon_thread_waiting_for_meta_does_not_disturb_the_end(run_python, silent_meta):
    script = """
import sys, threading, time, aquifer
client = aquifer.Client(sys.argv[1], timeout=0.3)
def work():
    while True:
        client.get("key")
threading.Thread(target=work, daemon=True).start()
time.sleep(0.5)
print("done")
"""
    assert run_python(script, silent_meta) == "done\n"
