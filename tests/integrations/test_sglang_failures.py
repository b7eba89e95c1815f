"""The store fails under a running SGLang: misses and no exception, and all is well afterwards."""

import os
import signal

import pytest
from integration_setup import eventually
from host_pools import Mha, slots
from test_sglang import PoolTransfer, backend, chain, same


@pytest.fixture
def host():
    pool = Mha("page_first")
    pool.fill(9)
    return pool


def options_of(processes):
    return {"meta": processes.meta_address, "timeout": 1}


def everything(store, keys):
    """All that SGLang calls; what it gets is a bool, an int, None or a list of them."""
    all_of_them = slots(range(len(keys)))
    return [
        store.batch_exists(keys),
        store.batch_get_v1(keys, all_of_them),
        store.batch_set_v1(keys, all_of_them),
        store.batch_exists_v2(keys, []).kv_hit_pages,
        store.batch_get_v2([PoolTransfer("kv", all_of_them, keys=keys)])["kv"],
        store.batch_set_v2([PoolTransfer("kv", all_of_them, keys=keys)])["kv"],
        store.exists(keys[0]),
        store.get(keys[0]),
        store.set(keys[0], store.mem_pool_host.get_dummy_flat_data_page()),
        store.clear(),
    ]


NOTHING = [0, [False] * 4, [False] * 4, 0, [False] * 4, [False] * 4, False, None, False, None]


def test_without_a_meta_nothing_is_found(absent_meta, host):
    store = backend({"meta": absent_meta, "timeout": 1}, host)
    assert everything(store, chain(4)) == NOTHING


def test_a_meta_that_hangs(processes, host):
    meta = processes.meta()
    processes.node()
    store, keys = backend(options_of(processes), host), chain(4)
    assert store.batch_set_v1(keys, slots(range(4))) == [True] * 4
    stranger = backend(options_of(processes), host)
    meta.expect_warning("")
    meta.send(signal.SIGSTOP)
    os.waitid(os.P_PID, meta.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
    assert everything(stranger, chain(4)) == NOTHING
    # Who knows where pages are reads on without meta.
    assert store.batch_get_v1(keys, slots(range(4))) == [True] * 4
    meta.send(signal.SIGCONT)
    eventually(lambda: stranger.batch_exists(keys) == 4)


def test_a_meta_that_is_killed_between_exists_and_get(processes, host):
    meta = processes.meta()
    processes.node().expect_warning("")
    store, keys, content = backend(options_of(processes), host), chain(4), host.page(2)
    assert store.batch_set_v1(keys, slots(range(4))) == [True] * 4
    assert store.batch_exists(keys) == 4
    meta.kill()
    host.clear()
    assert store.batch_get_v1(keys, slots(range(4))) == [True] * 4
    assert same(host, 2, content)
    more = chain(4, "another prompt")
    assert store.batch_exists(more) == 0
    assert store.batch_set_v1(more, slots(range(4))) == [False] * 4

    processes.meta(listen=processes.meta_address).expect_warning("")
    eventually(lambda: store.batch_exists(keys) == 4)
    eventually(lambda: all(store.batch_set_v1(more, slots(range(4)))))
    assert store.batch_get_v1(more, slots(range(4))) == [True] * 4


def test_a_node_that_is_killed_between_exists_and_get(processes, host):
    processes.meta("--node-grace", "2s").expect_warning("")
    node = processes.node()
    store, keys = backend(options_of(processes), host), chain(4)
    assert store.batch_set_v1(keys, slots(range(4))) == [True] * 4
    assert store.batch_exists(keys) == 4
    node.kill()
    eventually(lambda: not any(store.batch_get_v1(keys, slots(range(4)))))
    assert store.batch_set_v1(chain(1, "no room"), slots([0])) == [False]

    processes.node()
    eventually(lambda: all(store.batch_set_v1(keys, slots(range(4)))))
    content = host.page(1)
    host.clear()
    assert store.batch_exists(keys) == 4
    assert store.batch_get_v1(keys, slots(range(4))) == [True] * 4
    assert same(host, 1, content)


def test_with_two_replicas_a_killed_node_costs_nothing(processes, host):
    processes.meta("--node-grace", "2s").expect_warning("")
    nodes = [processes.node() for _ in range(2)]
    store, keys = backend({**options_of(processes), "replicas": 2}, host), chain(4)
    assert store.batch_set_v1(keys, slots(range(4))) == [True] * 4
    content = [host.page(i) for i in range(4)]
    nodes[0].kill()
    host.clear()
    assert store.batch_get_v1(keys, slots(range(4))) == [True] * 4
    assert all(same(host, i, page) for i, page in enumerate(content))
