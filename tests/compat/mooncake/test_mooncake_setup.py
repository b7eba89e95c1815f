"""All the ways into a pool, and out of it."""

import inspect
import os
import socket
import time

import pytest

import aquifer
from aquifer_compat import mooncake_membership
from mooncake.store import MooncakeDistributedStore, MooncakeHostMemAllocator

MIB = 1 << 20


@pytest.fixture
def store():
    store = MooncakeDistributedStore()
    yield store
    assert store.close() == 0


@pytest.fixture
def master(pool):
    return pool.meta[len("tcp://"):]


@pytest.fixture
def soon(monkeypatch):
    """Masters are not waited for as long as usual."""
    monkeypatch.setattr(mooncake_membership, "MASTER_SECONDS", 0.5)


def works(store):
    return store.put("works", b"x") == 0 and store.get("works") == b"x"


def test_seven_positional(store, master):
    assert store.setup("localhost", "P2PHANDSHAKE", 0, 16 * MIB, "tcp", "", master) == 0
    assert works(store)


@pytest.mark.parametrize("engine", [None, object(), 5])
def test_eight_positional_and_options(store, master, engine):
    assert store.setup("localhost", "http://x:8080/metadata", 2 * MIB, 0, "rdma", "mlx5_0", master,
                       engine, enable_ssd_offload=True, ssd_offload_path="/x", tenant_id="t",
                       enable_client_http_server=False, client_http_port=9300) == 0
    assert works(store)


def test_all_keywords(store, master):
    assert store.setup(local_hostname="127.0.0.1:17812", metadata_server="P2PHANDSHAKE",
                       global_segment_size=2 * MIB, local_buffer_size=0, protocol="ascend",
                       rdma_devices="", master_server_addr=master, engine=object()) == 0
    assert store.get_hostname() == "127.0.0.1:17812"
    assert works(store)


def test_a_dict_of_strings(store, master):
    assert store.setup({"local_hostname": "localhost", "metadata_server": "P2PHANDSHAKE",
                        "global_segment_size": "2 MB", "local_buffer_size": "1073741824",
                        "protocol": "tcp", "rdma_devices": "", "master_server_addr": master,
                        "unheard_of": "x"}) == 0
    assert works(store)


def test_a_dict_with_the_names_of_older_engines(store, master):
    assert store.setup(config={"local_hostname": "localhost", "metadata_server": "P2PHANDSHAKE",
                               "global_segment_size": 0, "device_name": "eth0",
                               "master_server_address": master, "tenant_id": None}) == 0
    assert works(store)


@pytest.mark.parametrize("change", [
    {"local_hostname": None}, {"metadata_server": ""}, {"global_segment_size": "50%"},
    {"global_segment_size": "100"}, {"local_buffer_size": "many"}, {"global_segment_size": "-1"},
    {"enable_ssd_offload": "perhaps"}, {"client_http_port": "x"}, {"tenant_id": "x" * 300},
    {"enable_client_http_server": "true", "client_http_port": "0"},
    {"master_server_addr": "host:99999"}])
def test_a_dict_that_cannot_be_meant(store, master, change):
    config = {"local_hostname": "localhost", "metadata_server": "P2PHANDSHAKE",
              "global_segment_size": "0", "master_server_addr": master}
    assert store.setup({**config, **change}) == -600
    assert store.setup(config) == 0  # the object is as good as before


def test_master_addresses(store, master, warned):
    arguments = ("localhost", "P2PHANDSHAKE", 0, 0, "tcp", "")
    assert store.setup(*arguments, "etcd://127.0.0.1:2379") == -1012
    assert any("etcd" in line for line in warned)
    assert store.setup(*arguments, f"tcp://{master}") == 0
    store.close()
    assert store.setup(*arguments, f"{master},10.0.0.1:50051") == 0
    store.close()
    assert store.setup(*arguments, "") == -600


def test_type_errors_name_the_argument(store, master):
    good = dict(local_hostname="localhost", metadata_server="P2PHANDSHAKE", global_segment_size=0,
                local_buffer_size=0, protocol="tcp", rdma_devices="", master_server_addr=master)
    for name in ("unheard_of", "ipc_path", "another_option"):
        with pytest.raises(TypeError, match=name):
            store.setup(**good, **{name: 1})
    for name, wrong in [("local_hostname", 5), ("global_segment_size", "4gb"),
                        ("global_segment_size", 1.5), ("protocol", b"tcp"),
                        ("metadata_server", object()), ("tenant_id", 7),
                        ("client_http_port", "9300")]:
        with pytest.raises(TypeError, match=name):
            store.setup(**{**good, name: wrong})
    for name in good:
        with pytest.raises(TypeError, match=name):
            store.setup(**{other: value for other, value in good.items() if other != name})
    with pytest.raises(TypeError):
        store.setup()
    with pytest.raises(TypeError):
        store.setup(object())


def test_options_that_are_dropped_one_by_one(store, master):
    """As SGLang does: what a TypeError names is left out, and the call repeated."""
    options = {"enable_ssd_offload": True, "tenant_id": "t", "future_one": 1, "future_two": 2}
    for _ in range(4):
        try:
            code = store.setup("localhost", "P2PHANDSHAKE", 0, MIB, "tcp", "", master, None,
                               **options)
            break
        except TypeError as error:
            named = [name for name in options if name in str(error)]
            assert named and "tenant_id" not in named
            for name in named:
                del options[name]
    assert code == 0 and set(options) == {"enable_ssd_offload", "tenant_id"}


def test_the_signature_tells_the_options():
    names = inspect.signature(MooncakeDistributedStore.setup).parameters
    assert {"enable_ssd_offload", "ssd_offload_path", "tenant_id", "engine"} <= set(names)
    assert list(names)[1:8] == ["local_hostname", "metadata_server", "global_segment_size",
                                "local_buffer_size", "protocol", "rdma_devices",
                                "master_server_addr"]
    assert "enable_ssd_offload" in MooncakeDistributedStore.setup.__doc__


@pytest.mark.parametrize("protocol", ["tcp", "rdma", "ascend", "ascend_no_transport", "host_shm",
                                      "device_sdma", "cxl", "RDMA", "anything"])
def test_any_protocol(store, master, protocol, warned):
    for _ in range(2):
        assert store.setup("localhost", "P2PHANDSHAKE", 0, 0, protocol, "", master) == 0
        assert works(store)
        store.close()
    assert sum("protocol" in line for line in warned) == (protocol != "tcp")


def test_sizes(store, master):
    for size in (1, 1023, -5):
        assert store.setup("localhost", "P", size, 0, "tcp", "", master) == -600
        assert store.setup("localhost", "P", 0, size, "tcp", "", master) == -600
    assert store.setup("localhost", "P", 1024, 0, "tcp", "", master) == 0
    assert works(store)


def test_setup_of_an_open_store_is_refused(store, master):
    assert store.setup("localhost", "P", 0, 0, "tcp", "", master) == 0
    assert store.setup("localhost", "P", 0, 0, "tcp", "", master) == -600
    assert works(store)


def test_hostnames(store, master, monkeypatch):
    monkeypatch.setenv("MC_STORE_CLIENT_MIN_PORT", "23450")
    monkeypatch.setenv("MC_STORE_CLIENT_MAX_PORT", "23499")
    seen = set()
    others = [MooncakeDistributedStore() for _ in range(3)]
    for one in others:
        assert one.setup("localhost", "P", MIB, 0, "tcp", "", master) == 0
        host, port = one.get_hostname().split(":")
        assert host == "localhost" and 23450 <= int(port) <= 23499
        seen.add(port)
    assert len(seen) == 3
    for one in others:
        one.close()
    for given, shown in [("host:8790:npu_0", "host:8790:npu_0"), ("[::1]:17999", "[::1]:17999"),
                         ("odd name/1:5", "odd name/1:5")]:
        assert store.setup(given, "P", MIB, 0, "tcp", "", master) == 0
        assert store.get_hostname() == shown and works(store)
        store.close()


def test_a_hostname_twice(store, master):
    """Nodes have distinct names; the second store finds its own memory all the same."""
    other = MooncakeDistributedStore()
    for one in (store, other):
        assert one.setup("localhost:17999", "P", MIB, 0, "tcp", "", master) == 0
        assert one.get_hostname() == "localhost:17999"
    assert other.close() == 0
    assert works(store)


def test_a_master_that_is_not_there(store, soon):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        begin = time.monotonic()
        assert store.setup("localhost", "P", MIB, 0, "tcp", "", address) == -900
        assert time.monotonic() - begin < 20
    assert store.put("key", b"x") == -600 and store.close() == 0


def test_a_master_that_does_not_answer(store, soon):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        begin = time.monotonic()
        assert store.setup("localhost", "P", 0, 0, "tcp", "",
                           f"127.0.0.1:{silent.getsockname()[1]}") == -900
        assert time.monotonic() - begin < 20


def test_a_master_whose_name_is_unknown(store, soon):
    assert store.setup("localhost", "P", 0, 0, "tcp", "", "no-such-host.invalid:50051") == -900


def test_memory_that_cannot_be_had_is_a_code(store, master):
    assert store.setup("localhost", "P", 1 << 50, 0, "tcp", "", master) < 0
    assert store.setup("localhost", "P", 0, 0, "tcp", "", master) == 0


def test_close_and_setup_again(store, master):
    for _ in range(3):
        assert store.setup("localhost", "P", 0, 0, "tcp", "", master, tenant_id="again") == 0
        assert works(store)
        assert store.close() == 0 and store.close() == 0
        assert store.get("works") == b""


def test_tenants_do_not_see_each_other(master):
    stores = []
    for tenant in ("default", "", "a", "b"):
        one = MooncakeDistributedStore()
        assert one.setup("localhost", "P", 0, 0, "tcp", "", master, tenant_id=tenant) == 0
        stores.append(one)
    default, also_default, a, b = stores
    assert a.put("tenant key", b"a") == 0 and b.put("tenant key", b"bb") == 0
    assert a.get("tenant key") == b"a" and b.get("tenant key") == b"bb"
    assert default.is_exist("tenant key") == 0
    default.put("tenant key", b"d")
    assert also_default.get("tenant key") == b"d"
    assert a.remove_all(force=True) == 1
    assert b.is_exist("tenant key") == 1 and default.is_exist("tenant key") == 1
    for one in stores:
        one.remove_all()
        one.close()


def test_what_a_closed_store_held_is_gone():
    with aquifer.Meta() as meta:
        stores = [MooncakeDistributedStore(), MooncakeDistributedStore()]
        giving, other = stores
        for one, size in zip(stores, (4 * MIB, 0)):
            assert one.setup("localhost", "P", size, 0, "tcp", "", meta.address) == 0
        assert giving.put("key", b"x" * 100) == 0 and other.get("key") == b"x" * 100
        assert giving.close() == 0
        assert other.get("key") == b"" and other.is_exist("key") == 0
        assert other.put("key", b"x") < 0  # no memory is left
        assert giving.setup("localhost", "P", 4 * MIB, 0, "tcp", "", meta.address) == 0
        assert giving.get("key") == b"" and works(giving)
        for one in stores:
            one.close()


def test_embedded_alone():
    """Mooncake's own test: what a store held is gone after close and setup."""
    with aquifer.Meta() as meta:
        store = MooncakeDistributedStore()
        arguments = ("localhost:17813", "P2PHANDSHAKE", 16 * MIB, MIB, "tcp", "", meta.address)
        assert store.setup(*arguments) == 0
        assert store.put("key", b"value") == 0
        assert store.close() == 0
        assert store.setup(*arguments) == 0
        assert store.get("key") == b"" and store.put("key", b"new") == 0
        assert store.get("key") == b"new"
        store.close()


def test_mounted_memory(master):
    with aquifer.Meta() as meta:
        store = MooncakeDistributedStore()
        assert store.setup("localhost", "P", 0, 0, "tcp", "", meta.address) == 0
        assert store.put("key", b"x") < 0
        first = store.allocate_and_mount_segment(4 * MIB)
        second = store.allocate_and_mount_segment(size=4 * MIB, protocol="tcp", location="cpu:0")
        assert first["ret"] == second["ret"] == 0 and first["allocated_size"] == 4 * MIB
        assert first["segment_ids"] != second["segment_ids"]
        assert store.put("key", b"x") == 0
        (node,) = store.get_replica_desc("key")
        where = node.get_memory_descriptor().buffer_descriptor.transport_endpoint
        assert store.unmount_segment([where], grace_period_seconds=20) == 0  # it moves
        assert store.get("key") == b"x"
        other = {*first["segment_ids"], *second["segment_ids"]} - {where}
        assert store.unmount_segment([where]) == -600
        assert store.unmount_and_free_segment(list(other)) == 0
        assert store.get("key") == b""
        assert store.allocate_and_mount_segment(0)["ret"] == -600
        store.close()


def test_init_all(store, master, monkeypatch):
    monkeypatch.setenv("MOONCAKE_MASTER", master)
    assert store.init_all("tcp", "", 2 * MIB) == 0
    assert works(store)


def test_the_http_server_of_a_store(store, master):
    from mooncake_programs import http

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert store.setup("localhost", "P", 0, 0, "tcp", "", master, enable_client_http_server=True,
                       client_http_port=port) == 0
    status, text = http(port, "/health", host="127.0.0.1")
    assert status == 200 and '"code": 0' in text
    store.get("none")
    assert "mooncake_client_misses 1" in http(port, "/metrics", host="127.0.0.1")[1]
    assert "misses=1" in http(port, "/metrics/summary", host="127.0.0.1")[1]
    other = MooncakeDistributedStore()
    assert other.setup("localhost", "P", 0, 0, "tcp", "", master, enable_client_http_server=True,
                       client_http_port=port) == 0  # the port is in use: warned about
    other.close()
    store.close()
    with pytest.raises(OSError):
        http(port, "/health", host="127.0.0.1")


def test_a_dummy_store_without_a_local_service(store):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        assert store.setup_dummy(MIB, MIB, f"127.0.0.1:{probe.getsockname()[1]}") == -900


def test_health(store, pool):
    assert store.health_check() == 1
    with aquifer.Pool("4MiB") as own:
        assert store.setup("localhost", "P", 0, 0, "tcp", "", own.meta) == 0
        assert store.health_check() == 0
    assert store.health_check() == 2
    assert store.is_exist("key") == 0 and store.batch_is_exist(["a", "b"]) == [0, 0]
    assert store.put("key", b"x") in (-900, -901) and store.get("key") == b""
    assert store.remove_all() < 0 and store.remove_by_regex("x") < 0


def test_host_allocator():
    allocator = MooncakeHostMemAllocator()
    address = allocator.alloc(1 << 20)
    assert address > 0 and allocator.free(address) == 0 and allocator.free(address) == -600
    assert allocator.alloc(-1) == 0


def test_a_bad_timeout_is_warned_about(store, master, monkeypatch, warned):
    for text, wanted in [("2.5", 0), ("soon", 1), ("-1", 1)]:
        monkeypatch.setenv("AQUIFER_MOONCAKE_TIMEOUT", text)
        assert store.setup("localhost", "P", 0, 0, "tcp", "", master) == 0
        store.close()
        assert sum("AQUIFER_MOONCAKE_TIMEOUT" in line for line in warned) == wanted
    assert os.environ["AQUIFER_MOONCAKE_TIMEOUT"] == "-1"
