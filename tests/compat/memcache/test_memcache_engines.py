"""The calls that engines make of memcache_hybrid, in their order, against a real pool of processes."""

import os
import subprocess
import sys
import threading

import pytest
from memcache_programs import Memory, MetaProcess, local_config, open_store, wait_until

from memcache_hybrid import DistributedObjectStore, LocalConfig

PAGE = 64 << 10


class Pages:
    """Pages of a host pool, K and V halves beside each other, as SGLang hands them out."""

    def __init__(self, count):
        self.memory = Memory(b"".join(bytes([n % 251]) * PAGE for n in range(2 * count)))
        self.addresses = [self.memory.address + n * PAGE for n in range(2 * count)]

    def keys(self, rank, count):
        return [f"{n:064x}_{rank}_{half}" for n in range(count) for half in "kv"]


def test_sglang_npu_memcache(meta, store):
    given = {"meta_service_url": meta.url, "protocol": "host_shm", "dram_size": 64 << 20,
             "world_size": 16, "unknown_of_tomorrow": 1}
    config = LocalConfig()
    for name, value in given.items():
        if hasattr(config, name):
            setattr(config, name, value)
    assert config.protocol == "host_shm"
    engine = DistributedObjectStore()
    assert engine.setup(config) == 0
    assert engine.init(0, True) == 0
    pages = Pages(128)
    assert engine.register_buffer(pages.memory.address, pages.memory.size) == 0
    warm = bytearray(4096)
    assert engine.put("warmup", warm) == 0
    assert engine.is_exist("warmup") == 1 and engine.get("warmup") == bytes(warm)

    keys = pages.keys(0, 128)
    hits = engine.batch_is_exist(keys)
    assert len(hits) == 256 and not any(hit == 1 for hit in hits)
    stored = engine.batch_put_from(keys[:200], pages.addresses[:200], [PAGE] * 200)
    assert all(code == 0 for code in stored)
    assert [hit == 1 for hit in engine.batch_is_exist(keys)] == [True] * 200 + [False] * 56
    target = Memory(256 * PAGE)
    places = [target.address + n * PAGE for n in range(256)]
    got = engine.batch_get_into(keys, places, [PAGE] * 256)
    assert [code == 0 for code in got] == [True] * 200 + [False] * 56
    assert target[:200 * PAGE] == pages.memory[:200 * PAGE]

    # A second, short-lived one that only clears.
    cleaner = DistributedObjectStore()
    assert cleaner.setup(config) == 0 and cleaner.init(0, False) == 0
    assert int(cleaner.remove_all()) == 0
    cleaner.close()
    assert engine.batch_is_exist(keys) == [0] * 256
    assert engine.batch_put_from(keys[:2], pages.addresses[:2], [PAGE] * 2) == [0, 0]
    engine.close()


def test_the_older_sglang_fork(meta, store):
    pages = Pages(4)
    assert store.put("warm", bytes(4096)) == 0
    keys = [f"{n:064x}_0" for n in range(4)]
    assert store.batch_put_from_layers(keys, [[at] for at in pages.addresses[:4]], [[PAGE]] * 4,
                                       0) == [0] * 4
    target = Memory(5 * PAGE)
    assert store.batch_get_into_layers(
        [*keys, "none"], [[target.address + n * PAGE] for n in range(5)], [[PAGE]] * 5,
        1) == [0, 0, 0, 0, -1]
    assert target[:4 * PAGE] == pages.memory[:4 * PAGE]
    assert store.remove(keys[0]) == 0 and store.is_exist(keys[0]) == 0
    assert store.remove_all() == 0


WORKER = """
import sys
from memcache_hybrid import DistributedObjectStore
sys.path.insert(0, sys.argv[1])
from memcache_programs import Memory
rank = int(sys.argv[2])
store = DistributedObjectStore()
assert store.init(rank, init_bm=True) == 0
memory = Memory(bytes([rank + 1]) * 120 * 1024)
store.register_buffer(memory.address, memory.size)
keys = [f"model@pcp0@dcp0@head_or_tp_rank:{rank}@pp_rank:0@group:0@{n:x}" for n in range(8)]
# A block is 60 layers of 2 KiB.
places = [[memory.address + layer * 2048 for layer in range(60)] for _ in keys]
sizes = [[2048] * 60 for _ in keys]
assert store.batch_put_from_layers(keys, places, sizes, 0) == [0] * 8
print("stored", flush=True)
sys.stdin.readline()
target = Memory(120 * 1024)
code = store.batch_get_into_layers(keys[:1], [[target.address + n * 2048 for n in range(60)]],
                                   [[2048] * 60], 1)
assert code == [0] and bytes(target) == bytes(memory)
print("read", flush=True)
sys.stdin.readline()
"""


def test_vllm_ascend_workers_and_scheduler(tmp_path):
    meta = MetaProcess(tmp_path).start()
    conf = tmp_path / "mmc-local.conf"
    conf.write_text(f"ock.mmc.meta_service_url = {meta.url}\n"
                    "ock.mmc.local_service.protocol = device_sdma\n"
                    "ock.mmc.local_service.dram.size = 1GB\n")
    environment = {**os.environ, "MMC_LOCAL_CONFIG_PATH": str(conf), "PYTHONHASHSEED": "0"}
    workers = [
        subprocess.Popen([sys.executable, "-c", WORKER, os.path.dirname(__file__), str(rank)],
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True)
        for rank in range(2)]
    try:
        for worker in workers:
            assert worker.stdout.readline() == "stored\n"
        scheduler = open_store(meta.url, init_bm=False)
        keys = [f"model@pcp0@dcp0@head_or_tp_rank:{rank}@pp_rank:0@group:0@{n:x}"
                for n in range(10) for rank in range(2)]
        assert scheduler.batch_is_exist(keys) == [1] * 16 + [0] * 4
        assert [one.size() for one in scheduler.batch_get_key_info(keys)] == (
            [120 * 1024] * 16 + [0] * 4)
        for worker in workers:
            worker.stdin.write("\n")
            worker.stdin.flush()
            assert worker.stdout.readline() == "read\n"
        workers[0].kill()  # what its memory held is recomputed
        wait_until(lambda: scheduler.batch_is_exist(keys[1::2])[:8] == [1] * 8)
        target = Memory(120 * 1024)
        wait_until(lambda: scheduler.batch_get_into_layers(
            [keys[1]], [[target.address]], [[120 * 1024]], 1) == [0])
        assert bytes(target) == bytes([2]) * 120 * 1024
        scheduler.close()
    finally:
        for worker in workers:
            worker.kill()
            worker.communicate()
    assert meta.stop() == 0


def test_mindie(meta, store, tmp_path):
    """Nothing is registered; the scheduler only asks."""
    memory, target = Memory(b"k" * 4096 + b"v" * 4096), Memory(8192)
    keys = [f"{n}_0_1_model" for n in range(3)]
    assert store.batch_put_from_layers(keys, [[memory.address, memory.address + 4096]] * 3,
                                       [[4096, 4096]] * 3, 0) == [0] * 3
    scheduler = open_store(meta.url, False)
    assert scheduler.is_exist(keys[0]) == 1
    assert scheduler.batch_is_exist([*keys, "none"]) == [1, 1, 1, 0]
    assert scheduler.close() == 0
    assert store.batch_get_into_layers(keys[:1], [[target.address, target.address + 4096]],
                                       [[4096, 4096]], 1) == [0]
    assert bytes(target) == bytes(memory)


def test_two_ranks_write_the_same_key_and_both_are_told_0(meta, store):
    other = open_store(meta.url)
    memory = Memory(b"m" * (1 << 20))
    keys = [f"mla {n}" for n in range(16)]
    answers = []

    def write(one):
        answers.append(one.batch_put_from(keys, [memory.address] * 16, [1 << 20] * 16))

    threads = [threading.Thread(target=write, args=(one,)) for one in (store, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [[0] * 16] * 2
    assert store.get(keys[7]) == bytes(memory)
    assert other.close() == 0


def test_many_threads_share_a_store(store):
    failures = []

    def work(number):
        memory, target = Memory(bytes([number]) * 10_000), Memory(10_000)
        for n in range(50):
            key = f"{number} {n}"
            if (store.put_from(key, memory.address, 10_000) != 0 or store.is_exist(key) != 1
                    or store.get_into(key, target.address, 10_000) != 0
                    or bytes(target) != bytes(memory)):
                failures.append(key)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_several_stores_of_a_process_are_independent(meta, store):
    store.put("mine", b"x")
    other = open_store(meta.url)
    assert other.get("mine") == b"x" and other.put("theirs", b"y") == 0
    assert other.close() == 0
    assert store.get("mine") == b"x" and store.is_exist("theirs") == 0


def test_a_forked_child_gets_codes(meta, store):
    store.put("k", b"x")
    child = os.fork()
    if child == 0:
        good = store.is_exist("k") < 0 and store.get("k") == b"" and store.close() == 0
        os._exit(0 if good else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert store.get("k") == b"x"


@pytest.mark.parametrize("end", ["", "del store", "store.close()", "import os; os.kill(os.getpid(), 9)"])
def test_a_process_may_end_as_it_likes(tmp_path, end):
    meta = MetaProcess(tmp_path).start()
    code = ("from memcache_hybrid import DistributedObjectStore, LocalConfig\n"
            "config = LocalConfig()\n"
            f"config.meta_service_url = {meta.url!r}\n"
            "config.protocol, config.dram_size = 'host_shm', '32MB'\n"
            "store = DistributedObjectStore()\n"
            "assert store.setup(config) == 0 and store.init(0) == 0 and store.put('k', b'x') == 0\n"
            + end + "\n")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)
    assert done.returncode == (-9 if "kill" in end else 0) and done.stderr == "", done.stderr
    assert done.stdout == ""
    assert meta.stop() == 0


def test_importing_starts_nothing():
    code = ("import threading, signal, os, memcache_hybrid\n"
            "memcache_hybrid.DistributedObjectStore()\n"
            "assert len(os.listdir('/proc/self/task')) == 1\n"
            "assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL\n"
            "assert os.nice(0) == 0\n")
    assert subprocess.run([sys.executable, "-c", code], timeout=30).returncode == 0


def test_setup_is_what_the_name_says(meta):
    assert DistributedObjectStore().setup(local_config(meta.url)) == 0
