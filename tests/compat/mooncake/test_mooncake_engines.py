"""The sequences of calls that inference engines make, against a pool of real processes: a master,
memory in one process, engines in others. What each engine checks is checked here."""

import asyncio
import ctypes
import inspect
import json
import signal
import threading
import time

import pytest
from mooncake_programs import HOST, free_port

from mooncake.engine import TransferEngine
from mooncake.store import MooncakeDistributedStore, ObjectDataType, ReplicateConfig

MIB = 1 << 20
PAGE = 8192

# A process with a store. Commands: name and arguments; memory is one buffer of 1 MiB, in which
# "@N" stands for the address N bytes into it.
WORKER = """
import ctypes, json, sys
from mooncake.store import MooncakeDistributedStore, ReplicateConfig
buffer = ctypes.create_string_buffer(1 << 20)
base = ctypes.addressof(buffer)
store = MooncakeDistributedStore()

def real(value):
    if isinstance(value, list):
        return [real(one) for one in value]
    if isinstance(value, str) and value.startswith("@"):
        return base + int(value[1:])
    return value

for line in sys.stdin:
    name, *arguments = json.loads(line)
    if name == "fill":
        ctypes.memset(base, arguments[0], len(buffer)); answer = 0
    elif name == "look":
        answer = sorted(set(buffer.raw[arguments[0]:arguments[1]]))
    else:
        answer = getattr(store, name)(*real(arguments))
        if isinstance(answer, bytes):
            answer = len(answer)
    print(json.dumps(answer), flush=True)
"""


@pytest.fixture
def master(programs):
    return programs.master("--client_ttl=2")


@pytest.fixture
def pool(programs, master):
    """A master, and 64 MiB in a process of their own."""
    giving = programs.worker(WORKER)
    assert giving.ask("setup", HOST, "P2PHANDSHAKE", 64 * MIB, 16 * MIB, "tcp", "",
                      master.address) == 0
    return master


@pytest.fixture
def engine_store():
    stores = []

    def make():
        stores.append(MooncakeDistributedStore())
        return stores[-1]

    yield make
    for store in stores:
        store.close()


def other_engine(programs, master):
    """Another engine's process, without memory for the pool."""
    worker = programs.worker(WORKER)
    assert worker.ask("setup", HOST, "P2PHANDSHAKE", 0, MIB, "tcp", "", master.address) == 0
    return worker


def test_sglang(programs, pool, engine_store, memory):
    # check_server: until the body is not empty.
    end = time.monotonic() + 20
    while not pool.http("/get_all_segments")[1]:
        assert time.monotonic() < end
    # Eight positional arguments and options, those that a TypeError names dropped.
    store = engine_store()
    options = {"enable_client_http_server": True, "client_http_port": free_port(),
               "enable_ssd_offload": True, "ssd_offload_path": "/tmp/x", "tenant_id": "default"}
    assert not store.setup(HOST, "P2PHANDSHAKE", 16 * MIB, 16 * MIB, "rdma", "mlx5_0",
                           pool.address, None, **options)
    # Warm-up.
    key = "sglang_mooncake_store_warmup_key" + "x" * 20
    value = bytes(4096)
    assert store.put(key, value) == 0
    assert store.is_exist(key) == 1 and store.get(key) == value

    assert not store.register_buffer(memory.address, memory.size)
    assert hasattr(ReplicateConfig, "group_ids")
    keys = [f"org-model-7b_{'%064x' % number}_0_{part}" for number in range(128)
            for part in ("k", "v")]
    pointers = [memory.address + 4096 * number for number in range(256)]
    sizes = [4096] * 256
    config = ReplicateConfig()
    config.group_ids = [f"sglang-hicache:{key[:-2]}" for key in keys]
    # Partial hits: another rank has stored a part before.
    other = other_engine(programs, pool)
    assert other.ask("batch_put_from", keys[:64], [f"@{4096 * i}" for i in range(64)],
                     sizes[:64]) == [0] * 64
    found = store.batch_is_exist(keys)
    assert found == [1] * 64 + [0] * 192
    missing = [index for index, one in enumerate(found) if one != 1]
    # ... and stores more between the look and the put.
    assert other.ask("batch_put_from", keys[64:66], ["@0", "@4096"], sizes[:2]) == [0, 0]
    config.group_ids = [config.group_ids[index] for index in missing]
    assert store.batch_put_from([keys[index] for index in missing],
                                [pointers[index] for index in missing],
                                [4096] * len(missing), config) == [0] * len(missing)
    got = store.batch_get_into(keys, pointers, sizes)
    assert all(one > 0 for one in got) and len(got) == 256
    got = store.batch_get_into([*keys[:3], "none"], pointers[:4], sizes[:4])
    assert [one > 0 for one in got] == [True, True, True, False]
    # Hybrid pools: several pieces to an object.
    pieces = [[pointers[2 * number], pointers[2 * number + 1]] for number in range(4)]
    config.group_ids = ["g"] * 4
    multi = [f"H_0_swa_{number}" for number in range(4)]
    assert store.batch_put_from_multi_buffers(multi, pieces, [[4096] * 2] * 4, config) == [0] * 4
    assert all(one > 0 for one in store.batch_get_into_multi_buffers(multi, pieces,
                                                                     [[4096] * 2] * 4))
    # The linker: whole objects by ranges.
    assert store.batch_get_session_start(multi) == [0] * 4
    assert store.batch_get_into_multi_buffer_ranges(
        multi, pieces, [[4096, 2048]] * 4, [[0, 4096]] * 4) == [6144] * 4
    assert store.batch_get_session_end(multi) == 0
    store.remove_all()
    assert store.batch_is_exist(keys) == [0] * 256
    # close is never called: the destructor does it.


def test_vllm_store_connector(programs, pool, engine_store, memory):
    store = engine_store()
    assert store.setup(HOST, "P2PHANDSHAKE", 16 * MIB, MIB, "rdma", "", pool.address) == 0
    segment = pool.wait_segments(2)[0]
    config = ReplicateConfig()
    config.preferred_segment = segment
    store.register_buffer(memory.address, memory.size)
    keys = [f"model@tp_rank:{rank}@pcp0@dcp0@pp_rank:0@group:0@{'%x' % block:>064}"
            for rank in range(2) for block in range(16)]
    layers = [[memory.address + block * 4096 + layer * 1024 for layer in range(4)]
              for block in range(32)]
    sizes = [[1024] * 4] * 32
    assert store.batch_is_exist(keys) == [0] * 32
    assert all(code >= 0 for code in store.batch_put_from_multi_buffers(
        keys, layers, sizes, config))
    # The lookup server asks for all ranks; another process loads.
    worker = other_engine(programs, pool)
    assert worker.ask("batch_is_exist", [*keys, "more"]) == [1] * 32 + [0]
    assert worker.ask("fill", 0) == 0
    got = worker.ask("batch_get_into_multi_buffers", [*keys[:3], "none"],
                     [["@0", "@100"], ["@4096"], ["@8192"], ["@20000"]],
                     [[100, 3996], [4096], [4096], [4096]])
    assert got[:3] == [4096] * 3 and got[3] < 0
    assert len(worker.ask("look", 0, 12288)) > 1
    described = store.batch_get_replica_desc(keys)
    assert set(described) == set(keys)
    assert all(one.is_memory_replica() and not one.is_disk_replica()
               and not one.is_local_disk_replica() for found in described.values()
               for one in found)
    assert store.remove_all(force=True) == 32
    assert store.close() == 0


def test_vllm_no_space_is_told(programs, master, engine_store, make_memory):
    room = make_memory(24 * MIB)
    store = engine_store()
    assert store.setup(HOST, "P2PHANDSHAKE", 16 * MIB, MIB, "tcp", "", master.address) == 0
    code, = store.batch_put_from_multi_buffers(["large"], [[room.address]], [[room.size]],
                                               ReplicateConfig())
    assert code == -200


def test_vllm_encoder_cache(pool, engine_store, memory):
    put_tolerated = {-200, -703, -704, -705, -900, -901, -1700}
    get_tolerated = put_tolerated | {-600, -702, -707}
    store = engine_store()
    assert store.setup(HOST, "P2PHANDSHAKE", 0, MIB, "tcp", "", pool.address) == 0
    config = ReplicateConfig()
    config.data_type = ObjectDataType.TENSOR
    assert store.register_buffer(memory.address, memory.size) == 0
    codes = store.batch_put_from_multi_buffers(["mm"], [[memory.address]], [[5000]], config)
    assert codes == [0] and type(codes) is list
    got = store.batch_get_into(["mm", "none"], [memory.address, memory.address + 8192],
                               [5000, 5000])
    assert got[0] == 5000 and got[1] in get_tolerated
    assert store.batch_get_into(["mm"], [memory.address], [10])[0] in get_tolerated
    assert store.put_batch(["aux1", "aux2"], [b"one", b"two"]) == 0
    assert [None if one is None else bytes(one)
            for one in store.batch_get_buffer(["aux1", "none", "aux2"])] == [b"one", None, b"two"]
    pool.stop()
    assert store.put_batch(["x"], [b"x"]) in put_tolerated
    assert store.batch_put_from_multi_buffers(
        ["y"], [[memory.address]], [[5000]], config)[0] in put_tolerated
    assert store.batch_get_into(["z"], [memory.address], [10])[0] in get_tolerated
    assert store.unregister_buffer(memory.address) == 0
    assert store.close() == 0


@pytest.mark.parametrize("names", [("rdma_devices", "master_server_addr"),
                                   ("device_name", "master_server_address")])
def test_lmcache(pool, engine_store, memory, make_memory, names):
    store = engine_store()
    assert store.setup({
        "local_hostname": HOST, "metadata_server": "http://127.0.0.1:8080/metadata",
        "global_segment_size": "16777216", "local_buffer_size": "1073741824", "protocol": "tcp",
        names[0]: "", names[1]: pool.address}) == 0
    config = ReplicateConfig()
    config.replica_num = 1
    config.preferred_segment = store.get_hostname()
    assert ":" in config.preferred_segment
    assert store.register_buffer(memory.address, memory.size) == 0
    key = "org/model@1@0@" + "a" * 64 + "@bfloat16"
    assert not store.is_exist(key)
    assert store.put_from(key, memory.address, 3000, config) == 0
    assert store.batch_put_from([key + "1", key + "2"], [memory.address] * 2, [4096, 100],
                                config) == [0, 0]
    (where,) = store.get_replica_desc(key)
    assert (where.get_memory_descriptor().buffer_descriptor.transport_endpoint
            == config.preferred_segment)
    room = make_memory(3 * 8192)
    # A partial chunk: the object's size counts, not the buffer's.
    assert store.batch_get_into([key, key + "1", "none"],
                                [room.address + 8192 * number for number in range(3)],
                                [8192] * 3) == [3000, 4096, -704]
    assert store.is_exist(key)
    # With metadata in front.
    assert store.put_parts("meta", b"m" * 28, memoryview(bytearray(b"kv" * 100))) == 0
    assert store.put_parts("empty first", b"", b"data") == 0
    meta, none, first = store.batch_get_buffer(["meta", "none", "empty first"])
    assert none is None and bytes(memoryview(first)) == b"data"
    assert bytes(memoryview(meta)[:28]) == b"m" * 28 and len(meta) == 228
    assert store.unregister_buffer(memory.address) == 0
    store.close()


@pytest.mark.parametrize("fabric", [False, True])
def test_vllm_ascend(programs, pool, engine_store, memory, fabric):
    assert "enable_ssd_offload" in inspect.signature(MooncakeDistributedStore.setup).parameters
    arguments = dict(local_hostname=HOST, metadata_server="P2PHANDSHAKE",
                     global_segment_size=16 * MIB, local_buffer_size=16 * MIB, protocol="ascend",
                     rdma_devices="", master_server_addr=pool.address)
    if fabric:
        arguments["local_buffer_size"] = 0
    else:
        engine = TransferEngine()
        assert engine.initialize(HOST, "P2PHANDSHAKE", "ascend", "") == 0
        arguments["local_hostname"] = f"{HOST}:{engine.get_rpc_port()}"
        arguments["engine"] = engine.get_engine()
        assert engine.register_memory(memory.address, memory.size) == 0
    worker_store, scheduler_store = engine_store(), engine_store()
    assert worker_store.setup(**arguments, enable_ssd_offload=True, ssd_offload_path="/x") == 0
    assert scheduler_store.setup(**{**arguments, "global_segment_size": 0,
                                    "local_buffer_size": 0}) == 0
    config = ReplicateConfig()
    config.preferred_segment = arguments["local_hostname"]
    config.prefer_alloc_in_same_node = True
    keys = [f"org/model@pcp0@dcp0@head_or_tp_rank:0@pp_rank:0@group:0@{number}"
            for number in range(20)]
    addresses = [[memory.address + number * 6144 + layer * 64 for layer in range(96)]
                 for number in range(20)]
    sizes = [[64] * 96] * 20
    assert worker_store.batch_put_from_multi_buffers(keys, addresses, sizes, config) == [0] * 20
    assert scheduler_store.batch_is_exist([*keys, "none"]) == [1] * 20 + [0]
    assert all(code > 0 for code in worker_store.batch_get_into_multi_buffers(
        keys, addresses, sizes))
    assert worker_store.batch_get_into_multi_buffers(["none"], addresses[:1], sizes[:1])[0] < 0


@pytest.mark.parametrize("direct", [True, False])
def test_mindie(pool, engine_store, memory, direct):
    scheduler, worker = engine_store(), engine_store()
    assert scheduler.setup(HOST, "P2PHANDSHAKE", 0, 0, "ascend_no_transport", "",
                           pool.address) == 0
    if not direct:
        assert worker.setup(f"{HOST}:8790:npu_0", "P2PHANDSHAKE", 16 * MIB, MIB, "ascend", "",
                            pool.address) == 0
        pieces = [memory.address, memory.address + 4096]
        assert worker.batch_put_from_ascend("hash_0_1_m", pieces, [4096, 100])[0] == 0
        assert worker.batch_get_into_ascend("hash_0_1_m", pieces, [4096, 100])[0] == 4196
        assert scheduler.is_exist("hash_0_1_m") == 1
        return
    engine = TransferEngine()
    assert engine.initialize(HOST, "P2PHANDSHAKE", "ascend", "") == 0
    name = f"{HOST}:{engine.get_rpc_port()}"
    assert worker.setup(name, "P2PHANDSHAKE", 16 * MIB, MIB, "ascend", "", pool.address,
                        engine.get_engine()) == 0
    for layer in range(4):
        assert worker.register_buffer(memory.address + layer * 65536, 65536) == 0
    config = ReplicateConfig()
    config.preferred_segment = name
    config.prefer_alloc_in_same_node = True
    keys = [f"{number}_0_1_model" for number in range(4)]
    addresses = [[memory.address + layer * 65536 + number * 512 for layer in range(4)]
                 for number in range(4)]
    sizes = [[512] * 4] * 4
    for _ in range(2):  # the second time they exist
        assert worker.batch_put_from_multi_buffers(keys, addresses, sizes, config) == [0] * 4
    assert worker.batch_get_into_multi_buffers(keys, addresses, sizes, True) == [2048] * 4
    assert scheduler.batch_is_exist([*keys, "none"]) == [1] * 4 + [0]


def test_an_engine_is_killed(programs, pool, memory):
    """What it gave is lost, and nothing else; another may take its place at once."""
    first = programs.worker(WORKER)
    name = f"{HOST}:{free_port()}"
    arguments = ("setup", name, "P2PHANDSHAKE", 16 * MIB, MIB, "tcp", "", pool.address)
    assert first.ask(*arguments) == 0
    other = other_engine(programs, pool)
    keys = [f"key{number}" for number in range(60)]
    assert first.ask("batch_put_from", keys, ["@0"] * 60, [PAGE] * 60) == [0] * 60
    first.stop(signal.SIGKILL)
    found = other.ask("batch_get_into", keys, [f"@{PAGE * i}" for i in range(60)], [PAGE] * 60)
    assert all(one == PAGE or one < 0 for one in found)
    second = programs.worker(WORKER)
    assert second.ask(*arguments) == 0 and second.ask("get_hostname") == name
    end = time.monotonic() + 20
    while name not in pool.wait_segments(2):
        assert time.monotonic() < end
    assert second.ask("put_parts", "x") == 0
    assert second.ask("batch_put_from", keys, ["@0"] * 60, [PAGE] * 60) == [0] * 60
    assert other.ask("batch_is_exist", keys) == [1] * 60


def test_the_master_dies_and_comes_back(programs, master, engine_store, memory):
    """Calls return within their deadline, with misses and codes, and recover by themselves."""
    giving = programs.worker(WORKER)
    assert giving.ask("setup", HOST, "P2PHANDSHAKE", 64 * MIB, MIB, "tcp", "",
                      master.address) == 0
    store = engine_store()
    assert store.setup(HOST, "P2PHANDSHAKE", 0, MIB, "tcp", "", master.address) == 0
    keys = [f"key{number}" for number in range(32)]
    pointers = [memory.address + 4096 * number for number in range(32)]
    sizes = [4096] * 32
    stop, problems, longest = threading.Event(), [], [0.0]

    def engine(rank):
        turn = 0
        while not stop.is_set():
            turn += 1
            begin = time.monotonic()
            try:
                named = [f"{key}@{rank}@{turn % 50}" for key in keys]
                codes = store.batch_put_from(named, pointers, sizes)
                found = store.batch_is_exist(keys)
                got = store.batch_get_into(["none", *keys[:3]],
                                           [p + 131072 * (rank + 1) for p in pointers[:4]],
                                           sizes[:4])
            except Exception as error:  # nothing may be raised
                problems.append(repr(error))
                return
            longest[0] = max(longest[0], time.monotonic() - begin)
            if len(codes) != 32 or len(found) != 32 or len(got) != 4:
                problems.append("a wrong length")
            if any(code > 0 for code in codes) or not set(found) <= {0, 1} or 0 in got:
                problems.append(f"{codes} {found} {got}")

    assert store.batch_put_from(keys, pointers, sizes) == [0] * 32
    threads = [threading.Thread(target=engine, args=(rank,), daemon=True) for rank in range(2)]
    for thread in threads:
        thread.start()
    time.sleep(0.3)
    master.stop(signal.SIGKILL)
    begin = time.monotonic()
    assert store.put("while it is away", b"x") < 0
    assert store.get("while it is away") == b"" and store.is_exist("while it is away") == 0
    assert time.monotonic() - begin < 20
    time.sleep(0.5)
    again = programs.master("--client_ttl=2", ports=(master.port, master.http_port))
    end = time.monotonic() + 30
    while store.put("after it is back", b"x") != 0:
        assert time.monotonic() < end
    while sum(store.batch_is_exist(keys)) < 32:  # what was stored is still there
        assert time.monotonic() < end
    stop.set()
    for thread in threads:
        thread.join()
    assert problems == [] and longest[0] < 25
    assert store.batch_get_into(keys, pointers, sizes) == sizes
    assert giving.ask("put_parts", "nothing") == 0
    assert again.stop() == 0


def test_a_master_that_hangs(pool, engine_store, memory, monkeypatch):
    monkeypatch.setenv("AQUIFER_MOONCAKE_TIMEOUT", "1")
    store = engine_store()
    assert store.setup(HOST, "P2PHANDSHAKE", 0, MIB, "tcp", "", pool.address) == 0
    pool.process.send_signal(signal.SIGSTOP)
    try:
        begin = time.monotonic()
        assert store.put("key", b"x") in (-900, -901)
        assert store.batch_is_exist(["key"] * 5) == [0] * 5
        assert store.batch_get_into(["key"], [memory.address], [10])[0] in (-900, -901)
        assert store.health_check() == 2
        assert time.monotonic() - begin < 25
    finally:
        pool.process.send_signal(signal.SIGCONT)
    end = time.monotonic() + 20
    while store.put("key", b"x") != 0:
        assert time.monotonic() < end


def test_a_caller_that_does_not_wait(pool, engine_store, memory, monkeypatch):
    """LMCache gives up waiting after a second, and the call ends in its thread."""
    monkeypatch.setenv("AQUIFER_MOONCAKE_TIMEOUT", "1.5")
    store = engine_store()
    assert store.setup(HOST, "P2PHANDSHAKE", 0, MIB, "tcp", "", pool.address) == 0
    pool.process.send_signal(signal.SIGSTOP)

    async def use():
        try:
            await asyncio.wait_for(asyncio.to_thread(
                store.put_from, "late", memory.address, 4096), timeout=0.2)
        except asyncio.TimeoutError:
            return "gone on"

    begin = time.monotonic()
    assert asyncio.run(use()) == "gone on"
    assert time.monotonic() - begin < 20
    pool.process.send_signal(signal.SIGCONT)


def test_hosts_without_shared_names(programs, master, engine_store):
    """A hostname that is not of this host: its memory can be reached all the same."""
    store = engine_store()
    assert store.setup("some-host-that-is-not-known.invalid", "P2PHANDSHAKE", 4 * MIB, MIB, "tcp",
                       "", master.address) == 0
    other = other_engine(programs, master)
    assert store.put("key", b"x" * 100) == 0
    assert other.ask("get", "key") == 100
    assert json.loads(master.http("/get_segments_detail")[1])["total_segments"] == 1


def test_reads_of_device_memory_do_not_end_a_process(programs, pool):
    worker = other_engine(programs, pool)
    assert worker.ask("put_parts", "x") == 0
    assert worker.ask("batch_put_from", ["key"], ["@0"], [100]) == [0]
    for call in (("put_from", "d", 1 << 55, 100), ("get_into", "key", 1 << 55, 100)):
        assert worker.ask(*call) == -600
    assert worker.ask("batch_get_into", ["key", "key"], ["@0", 1 << 55], [100, 100]) == [
        100, -600]
    assert worker.stop() == 0


def test_large_batches(pool, engine_store, make_memory):
    """Thousands of keys with hundreds of pieces, in one call."""
    count, pieces, size = 2000, 120, 64
    room = make_memory(count * size)
    store = engine_store()
    assert store.setup(HOST, "P2PHANDSHAKE", 0, MIB, "tcp", "", pool.address) == 0
    keys = [f"model@{number}" for number in range(count)]
    addresses = [[room.address + size * number] * pieces for number in range(count)]
    assert store.batch_put_from_multi_buffers(keys, addresses, [[size] * pieces] * count) == [
        0] * count
    target = ctypes.create_string_buffer(count * pieces * size)
    base = ctypes.addressof(target)
    into = [[base + (number * pieces + piece) * size for piece in range(pieces)]
            for number in range(count)]
    assert store.batch_get_into_multi_buffers(keys, into, [[size] * pieces] * count) == [
        pieces * size] * count
