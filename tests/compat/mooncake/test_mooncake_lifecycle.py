"""Threads, forks, and the ends of stores and of processes."""

import ctypes
import gc
import os
import signal
import subprocess
import sys
import threading
import time

import aquifer
from mooncake.store import MooncakeDistributedStore

OPEN = """
import os, sys, time
from mooncake.store import MooncakeDistributedStore
store = MooncakeDistributedStore()
assert store.setup("localhost", "P2PHANDSHAKE", 4 << 20, 0, "tcp", "", sys.argv[1]) == 0
assert store.put("key", b"value") == 0
"""


def run(script, *arguments, **options):
    return subprocess.run([sys.executable, "-c", OPEN + script, *arguments], capture_output=True,
                          text=True, timeout=60, **options)


def wait_nodes(meta, count):
    with aquifer.Client(meta.address) as client:
        end = time.monotonic() + 20
        while True:
            alive = [node for node in client.status()["nodes"] if node["state"] == "alive"]
            if len(alive) == count:
                return
            assert time.monotonic() < end, alive
            time.sleep(0.05)


def test_the_destructor_closes():
    with aquifer.Meta() as meta:
        store = MooncakeDistributedStore()
        assert store.setup("localhost", "P", 4 << 20, 0, "tcp", "", meta.address) == 0
        wait_nodes(meta, 1)
        del store
        gc.collect()
        wait_nodes(meta, 0)


def test_a_process_ends_without_close():
    with aquifer.Meta() as meta:
        for script in ("", "sys.exit(0)", "import threading; threading.Thread(target=lambda: [store"
                       ".get('key') for _ in range(10**7)], daemon=True).start(); time.sleep(0.1)",
                       "keep = [store]; keep.append(keep)"):
            begin = time.monotonic()
            done = run(script, meta.address)
            assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), done
            assert time.monotonic() - begin < 30
            wait_nodes(meta, 0)


def test_a_process_is_killed():
    with aquifer.Meta(node_grace=2.0) as meta:
        before = set(os.listdir("/dev/shm"))
        done = run("os.kill(os.getpid(), 9)", meta.address)
        assert done.returncode == -signal.SIGKILL
        wait_nodes(meta, 0)
        assert set(os.listdir("/dev/shm")) <= before
        store = MooncakeDistributedStore()  # another comes, even with its name
        assert store.setup("localhost", "P", 4 << 20, 0, "tcp", "", meta.address) == 0
        assert store.is_exist("key") == 0 and store.put("key", b"new") == 0
        store.close()


def test_stores_come_and_go_while_an_object_is_hot():
    """A store that leaves may just then be told to copy what others use a lot."""
    with aquifer.Pool("16MiB") as pool:
        done = run("""
import threading
stop = threading.Event()
def use():
    while not stop.is_set():
        store.get("key")
        store.put("key", b"value")
threads = [threading.Thread(target=use) for _ in range(2)]
for thread in threads:
    thread.start()
end = time.monotonic() + 3
while time.monotonic() < end:
    other = MooncakeDistributedStore()
    assert other.setup("localhost", "P2PHANDSHAKE", 1 << 20, 0, "tcp", "", sys.argv[1]) == 0
    assert other.close() == 0
stop.set()
for thread in threads:
    thread.join()
""", pool.meta)
        assert (done.returncode, done.stderr) == (0, ""), done


def test_signals_are_left_alone():
    with aquifer.Meta() as meta:
        done = run("""
import signal
assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
# Ignored in what a shell runs in the background.
assert signal.getsignal(signal.SIGINT) in (signal.default_int_handler, signal.SIG_IGN)
os.kill(os.getpid(), signal.SIGTERM)
time.sleep(20)
""", meta.address)
        assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGTERM, "", "")


def test_a_forked_child_gets_codes():
    with aquifer.Meta() as meta:
        done = run("""
import ctypes
buffer = ctypes.create_string_buffer(100)
child = os.fork()
if child == 0:
    assert store.put("k", b"x") < 0
    assert store.get("key") == b"" and store.is_exist("key") <= 0
    assert store.batch_is_exist(["key"])[0] <= 0
    assert store.batch_get_into(["key"], [ctypes.addressof(buffer)], [100])[0] < 0
    assert store.batch_put_from(["k"], [ctypes.addressof(buffer)], [100])[0] < 0
    assert store.remove_all() < 0 and store.get_buffer("key") is None
    assert store.close() == 0
    own = MooncakeDistributedStore()
    assert own.setup("localhost", "P2PHANDSHAKE", 0, 0, "tcp", "", sys.argv[1]) == 0
    assert own.get("key") == b"value"
    assert store.setup("localhost", "P2PHANDSHAKE", 0, 0, "tcp", "", sys.argv[1]) == 0
    assert store.get("key") == b"value"
    sys.exit(7)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
assert store.get("key") == b"value" and store.put("k", b"x") == 0
child = os.fork()
if child == 0:
    sys.exit(8)  # with all that it inherited
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 8
assert store.get("key") == b"value"
print("done")
""", meta.address)
        assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", ""), done


def test_spawned_workers():
    with aquifer.Meta() as meta:
        done = run("""
import multiprocessing
def work(address):
    from mooncake.store import MooncakeDistributedStore
    one = MooncakeDistributedStore()
    assert one.setup("localhost", "P2PHANDSHAKE", 0, 0, "tcp", "", address) == 0
    return one.get("key")
with multiprocessing.get_context("fork").Pool(3) as workers:
    print(workers.map(work, [sys.argv[1]] * 3))
""", meta.address)
        assert done.stdout == f"{[b'value'] * 3}\n", done


def test_many_threads_share_a_store(store):
    problems = []

    def work(number):
        buffer = ctypes.create_string_buffer(4 * 512)
        pointers = [ctypes.addressof(buffer) + 512 * part for part in range(4)]
        for turn in range(50):
            keys = [f"{number}-{turn}-{part}" for part in range(4)]
            ctypes.memset(buffer, turn + number, len(buffer))
            if store.batch_put_from(keys, pointers, [512] * 4) != [0] * 4:
                problems.append("put")
            if store.batch_is_exist(keys) != [1] * 4:
                problems.append("exist")
            if store.batch_get_into(keys, pointers, [512] * 4) != [512] * 4:
                problems.append("get")
            if buffer.raw != bytes([turn + number]) * len(buffer):
                problems.append("bytes")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []


def test_two_ranks_write_the_same_key(open_store, memory):
    stores = [open_store(), open_store()]
    keys = [f"same{number}" for number in range(200)]
    pointers = [memory.address + 64 * number for number in range(200)]
    codes = [None, None]
    together = threading.Barrier(2)

    def work(index):
        together.wait()
        codes[index] = stores[index].batch_put_from(keys, pointers, [64] * 200)

    threads = [threading.Thread(target=work, args=(index,)) for index in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == [[0] * 200] * 2


def test_close_while_others_call():
    with aquifer.Pool("4MiB") as pool:
        close_while_others_call(pool)


def close_while_others_call(pool):
    store = MooncakeDistributedStore()
    assert store.setup("localhost", "P", 0, 0, "tcp", "", pool.meta) == 0
    stop, answers = threading.Event(), set()

    def work():
        while not stop.is_set():
            answers.add(store.put("key", b"x"))
            answers.add(store.get("key"))

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    time.sleep(0.1)
    assert store.close() == 0
    time.sleep(0.1)
    stop.set()
    for thread in threads:
        thread.join()
    assert {0, b"x"} <= answers and all(
        code < 0 for code in answers - {0, b"x", b""}), answers


def test_closing_one_leaves_the_other(open_store, pool):
    first, second = open_store(), open_store()
    first.put("key", b"x")
    assert first.close() == 0
    assert second.get("key") == b"x" and second.put("other", b"y") == 0


def test_other_threads_run_during_calls(store):
    """A call that waits for a meta which does not answer lets the interpreter go on."""
    import socket

    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        other = MooncakeDistributedStore()
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        thread = threading.Thread(
            target=other.setup, args=("localhost", "P", 0, 0, "tcp", "", address))
        thread.start()
        turns = 0
        while thread.is_alive():
            turns += 1
            assert store.put(f"key{turns}", b"x") == 0
        thread.join()
    assert turns > 100


def test_a_pool_without_memory_has_no_space():
    """-200, which vLLM backs off from, and not the code of a master that is away."""
    with aquifer.Meta() as meta:
        store = MooncakeDistributedStore()
        assert store.setup("localhost", "P2PHANDSHAKE", 0, 0, "tcp", "", meta.address) == 0
        assert store.put("k", b"x") == -200 and store.put_batch(["k"], [b"x"]) == -200
        memory = ctypes.create_string_buffer(100)
        assert store.batch_put_from(["k"], [ctypes.addressof(memory)], [100]) == [-200]
        assert store.close() == 0
