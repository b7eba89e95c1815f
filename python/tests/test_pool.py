"""A pool inside this process: it starts, ends, and leaves nothing behind."""

import pytest

import aquifer
from aquifer import Status


@pytest.mark.parametrize("dram", ["16MiB", "16.5 MiB", "17MB", "20000KB", 16 * 1024 * 1024])
def test_sizes_are_text_or_bytes(dram):
    with aquifer.Pool(dram) as pool, pool.client() as client:
        assert client.put("key", b"value") is Status.OK
        assert client.status()["capacity_bytes"] >= 15_000_000


def test_other_clients_join_by_address(pool):
    assert pool.meta.startswith("tcp://127.0.0.1:")
    with pool.client() as one, aquifer.Client(pool.meta) as two:
        one.put("joined", b"value")
        assert two.get("joined") == b"value"


def test_other_processes_join_by_address(pool, run_python):
    script = """
import sys, aquifer
with aquifer.Client(sys.argv[1], transport=sys.argv[2]) as client:
    assert client.get("shared") == b"s" * 100_000, client.last_error()
    assert client.put("answer-" + sys.argv[2], b"a" * 50_000) is aquifer.Status.OK
"""
    with pool.client() as client:
        client.put("shared", b"s" * 100_000)
        for transport in ("shm", "tcp"):
            run_python(script, pool.meta, transport)
            assert client.get("answer-" + transport) == b"a" * 50_000


def test_two_pools_are_apart(pool):
    with aquifer.Pool("16MiB") as other, other.client() as client:
        assert other.meta != pool.meta
        client.put("apart", b"value")
        with pool.client() as here:
            assert not here.exists("apart")


def test_a_closed_pool_is_a_status(pool):
    other = aquifer.Pool("16MiB")
    client = other.client(timeout=0.5)
    client.put("key", b"value")
    other.close()
    other.close()
    assert client.put("other", b"value") in {Status.CLOSED, Status.UNREACHABLE, Status.TIMEOUT}
    assert client.get("key") is None
    assert client.exists("key") is False
    late = other.client(timeout=0.5)
    assert late.put("key", b"value") in {Status.CLOSED, Status.UNREACHABLE}


def test_a_client_keeps_its_pool_alive():
    client = aquifer.Pool("16MiB").client()
    assert client.put("key", b"value") is Status.OK
    assert client.get("key") == b"value"


def test_a_pool_keeps_taking_new_values_when_it_is_full():
    with aquifer.Pool("16MiB") as pool, pool.client() as client:
        for i in range(100):
            assert client.put(f"key{i}", bytes([i]) * 1_000_000) is Status.OK, client.last_error()
        assert client.get("key99") == bytes([99]) * 1_000_000
        assert client.get("key0") is None
        assert client.status()["evictions"] > 0


LEFTOVERS = """
import gc, glob, os, sys, aquifer

def held_by_others():
    # Pools of other processes come and go while this one looks.
    lines = []
    for path in glob.glob("/proc/[0-9]*/maps"):
        try:
            lines += [line for line in open(path) if "/dev/shm/" in line]
        except OSError:
            pass
    return {line.split("/dev/shm/")[1].split()[0] for line in lines}

def state():
    gc.collect()
    maps = [line.split()[-1] for line in open("/proc/self/maps") if "memfd" in line]
    descriptors = [f"/proc/self/fd/{fd}" for fd in os.listdir("/proc/self/fd")]
    descriptors = sorted(os.readlink(path) for path in descriptors if os.path.lexists(path))
    return maps, descriptors, len(os.listdir("/proc/self/task"))

files = set(os.listdir("/dev/shm"))
before = state()
for round in range(3):
    pool = aquifer.Pool("16MiB")
    client = pool.client(transport=["auto", "shm", "tcp"][round])
    assert client.put("key", b"x" * 100_000).ok, client.last_error()
    assert client.get("key") == b"x" * 100_000
    if sys.argv[1] == "close":
        client.close()
        pool.close()
    del client, pool
after = state()
assert before == after, (before, after)
files = set(os.listdir("/dev/shm")) - files - held_by_others()
assert not {name for name in files if os.path.exists("/dev/shm/" + name)}, files
"""


@pytest.mark.parametrize("end", ["close", "drop"])
def test_a_pool_leaves_no_thread_descriptor_mapping_or_file_behind(run_python, end):
    run_python(LEFTOVERS, end)


@pytest.mark.parametrize("clients", [0, 1])
def test_a_pool_left_open_ends_with_the_interpreter(run_python, clients):
    script = """
import sys, aquifer
pool = aquifer.Pool("16MiB")
if sys.argv[1] == "1":
    client = pool.client()
    assert client.put("key", b"value").ok
# A cycle through a module that lives to the very end.
sys.pool = [pool]
sys.pool.append(sys.pool)
print("done")
"""
    assert run_python(script, str(clients)) == "done\n"
