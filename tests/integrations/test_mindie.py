"""The MindIE backend against a pool, with tensors of this host and of a device."""

import json
import sys

import fake_torch
import numpy as np
import pytest

from aquifer.integrations.mindie import UnifiedCacheMempool

LAYERS = 3


@pytest.fixture(autouse=True)
def torch(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", fake_torch)


@pytest.fixture
def mempool(options, tmp_path):
    def make(role="worker", **more):
        path = tmp_path / "pool.json"
        path.write_text(json.dumps({**options, **more}))
        return UnifiedCacheMempool(str(path), role, device_id=0, kv_caches=[])

    return make


def block(seed, device="cpu"):
    """K and V of each layer."""
    random = np.random.default_rng(seed)
    return [[fake_torch.Tensor(random.integers(0, 99, (4, 8)).astype(np.float16), device)
             for _ in range(2)] for _ in range(LAYERS)]


def arrays(value):
    return [tensor.array for layer in value for tensor in layer]


def same(one, two):
    return all(np.array_equal(a, b) for a, b in zip(arrays(one), arrays(two)))


KEYS = [f"{i:x}_0_1_org/model" for i in range(4)]


@pytest.mark.parametrize("device", ["cpu", "npu"])
def test_blocks_come_back(mempool, device):
    worker, scheduler, other = mempool(), mempool("scheduler"), mempool()
    blocks = [block(i, device) for i in range(3)]
    assert scheduler.batch_exist(KEYS) == [False] * 4
    assert worker.put(KEYS[:3], blocks) == [True] * 3
    assert worker.put(KEYS[:3], blocks) == [True] * 3
    assert scheduler.batch_exist(KEYS) == [True, True, True, False]
    assert (scheduler.exists(KEYS[0]), scheduler.exists(KEYS[3])) == (True, False)
    targets = [block(10 + i, device) for i in range(4)]
    assert other.get(KEYS, targets) == [True, True, True, False]
    assert all(same(a, b) for a, b in zip(blocks, targets))


def test_one_key_and_one_tensor(mempool):
    pool, value, target = mempool(), block(1), block(2)
    assert pool.put(KEYS[0], value[0][0]) == [True]
    assert pool.get(KEYS[0], target[0][0]) == [True]
    assert np.array_equal(value[0][0].array, target[0][0].array)
    assert pool.put(KEYS[1:2], value) == [True]
    assert pool.get(KEYS[1], target) == [True]
    assert same(value, target)


def test_tensors_with_gaps(mempool):
    pool = mempool()
    wide = np.arange(64, dtype=np.float16).reshape(8, 8)
    target = fake_torch.Tensor(np.zeros((8, 8), np.float16)[:, ::2])
    assert pool.put("a", fake_torch.Tensor(wide[:, ::2])) == [True]
    assert pool.get("a", target) == [True]
    assert np.array_equal(target.array, wide[:, ::2])


def test_nothing_raises_whatever_is_given(mempool):
    pool = mempool()
    assert pool.put(KEYS, block(1)) == [False] * 4
    assert pool.get(KEYS[:2], [None, None]) == [False] * 2
    assert pool.put(KEYS[0], object()) == [False]
    assert pool.exists(None) is False
    assert pool.batch_exist([]) == []
    assert pool.put([], []) == []
    pool.put(KEYS[0], block(1))
    assert pool.get(KEYS[0], block(1)[0]) == [False]  # of another size
    pool.close()
    assert pool.get(KEYS[0], block(1)) == [False]
    assert pool.batch_exist(KEYS[:1]) == [False]


def test_a_pool_that_is_killed_and_comes_back(mempool, processes):
    solo = processes.solo()
    pool = mempool(meta=processes.meta_address, timeout=1)
    assert pool.put(KEYS[:2], [block(0), block(1)]) == [True] * 2
    solo.kill()
    assert pool.batch_exist(KEYS[:2]) == [False] * 2
    assert pool.put(KEYS[2:], [block(0), block(1)]) == [False] * 2
    assert pool.get(KEYS[2:], [block(0), block(1)]) == [False] * 2


def test_a_configuration_that_cannot_be_read(tmp_path, mempool):
    with pytest.raises(OSError):
        UnifiedCacheMempool(str(tmp_path / "absent.json"))
    (tmp_path / "list.json").write_text("[]")
    with pytest.raises(ValueError, match="list.json"):
        UnifiedCacheMempool(str(tmp_path / "list.json"))
    with pytest.raises(ValueError, match="replicas"):
        mempool(replicas="many")
