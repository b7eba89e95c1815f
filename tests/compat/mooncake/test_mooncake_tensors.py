"""Tensors, with torch or what stands in for it (mooncake_fake_torch.py), and without."""

import ctypes
import sys

import pytest

from aquifer_compat.mooncake_tensors import REFUSED_GETS, REFUSED_PUTS


@pytest.fixture
def torch(monkeypatch):
    try:
        import torch
    except ImportError:
        pytest.importorskip("numpy")
        import mooncake_fake_torch as torch

        monkeypatch.setitem(sys.modules, "torch", torch)
    return torch


def test_without_torch(store, memory, monkeypatch, warned):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert store.put_tensor("t", object()) == -1012
    assert store.batch_put_tensor(["t", "u"], [object()] * 2) == [-1012] * 2
    assert store.put_tensor_with_tp("t", object(), tp_size=2) == -1012
    assert store.get_tensor("t") is None and store.batch_get_tensor(["t"]) == [None]
    assert store.get_tensor_into("t", memory.address, 10) is None
    assert sum("torch" in line for line in warned) == 1


@pytest.mark.parametrize("name, answer", [*((name, None) for name in REFUSED_GETS),
                                          *((name, -1012) for name in REFUSED_PUTS)])
def test_what_is_refused(store, name, answer, warned):
    assert getattr(store, name)("key", 1, tp_size=2) == answer
    assert [name in line for line in warned] == [True]


def test_safetensors_are_refused(store):
    assert store.save_tensor_to_safetensor("t", "/tmp/x") == -1012
    assert store.load_tensor_from_safetensor("/tmp/x") is None


def test_tensors(store, torch):
    names = ("float32", "bfloat16", "int8", "bool", "float8_e4m3fn")
    for kind in (getattr(torch, name) for name in names if hasattr(torch, name)):
        tensor = torch.arange(24).reshape(2, 3, 4).to(kind)
        assert store.upsert_tensor("t", tensor) == 0
        found = store.get_tensor("t")
        assert found.dtype == kind and found.shape == tensor.shape
        assert torch.equal(found.view(torch.uint8), tensor.view(torch.uint8))
    assert store.put_tensor("t", torch.zeros(3)) == 0 and store.get_tensor("t").dim() == 3
    assert store.pub_tensor("scalar", torch.tensor(5.0)) == 0
    assert store.get_tensor("scalar").item() == 5.0
    assert store.put_tensor("empty", torch.empty(0, 3)) == 0
    assert store.get_tensor("empty").shape == (0, 3)
    assert store.put_tensor("turned", torch.arange(6.0).reshape(2, 3).t()) == 0
    assert store.get_tensor("turned").tolist() == [[0, 3], [1, 4], [2, 5]]
    assert store.put_tensor("bad", [1, 2]) == -600
    assert store.put_tensor("bad", torch.zeros([1] * 9)) == -600
    store.put("bytes", b"x" * 200)
    assert store.batch_get_tensor(["bytes", "none", "scalar"])[:2] == [None, None]
    assert store.batch_put_tensor(["a", "b"], [torch.ones(2), torch.zeros(2)]) == [0, 0]
    assert store.batch_put_tensor(["a", "b"], []) == [-600] * 2
    assert store.batch_upsert_tensor(["a"], [torch.zeros(2)]) == [0]
    assert store.batch_pub_tensor(["c"], [torch.zeros(2)]) == [0]
    assert store.get_tensor("a").tolist() == [0, 0]


def test_slices(store, torch):
    whole = torch.arange(32.0).reshape(4, 8)
    assert store.put_tensor_with_tp("w", whole, tp_size=2, split_dim=1) == 0
    for rank in range(2):
        part = store.get_tensor_with_tp("w", tp_rank=rank, tp_size=2, split_dim=1)
        assert torch.equal(part, whole.chunk(2, 1)[rank])
    assert store.batch_put_tensor_with_tp(["x", "y"], [whole] * 2, tp_size=4) == [0, 0]
    found = store.batch_get_tensor_with_tp(["x", "none"], tp_rank=3, tp_size=4)
    assert torch.equal(found[0], whole[3:]) and found[1] is None
    assert store.upsert_tensor_with_tp("w", whole * 2, tp_size=2) == 0
    assert torch.equal(store.get_tensor_with_tp("w", 1, 2), whole[2:] * 2)
    assert store.pub_tensor_with_tp("one", whole) == 0
    assert torch.equal(store.get_tensor_with_tp("one"), whole)
    assert store.put_tensor_with_tp("bad", whole, tp_size=2, split_dim=5) == -600
    assert store.put_tensor_with_tp("bad", torch.zeros(1), tp_size=2) == -600


def test_tensors_in_the_callers_memory(store, torch, make_memory):
    room, other = make_memory(8192), make_memory(8192)
    tensor = torch.arange(100.0)
    assert store.put_tensor("t", tensor) == 0
    found = store.get_tensor_into("t", room.address, room.size)
    assert torch.equal(found, tensor) and found.data_ptr() == room.address + 96
    assert store.get_tensor_into("t", other.address, 100) is None
    assert store.put_tensor_from("u", room.address, 496) == 0
    assert torch.equal(store.get_tensor("u"), tensor)
    assert store.batch_put_tensor_from(["v"], [room.address], [496]) == [0]
    assert store.upsert_tensor_from("v", room.address, 496) == 0
    assert store.batch_upsert_tensor_from(["v"], [room.address], [496]) == [0]
    one, none = store.batch_get_tensor_into(["v", "none"], [room.address, other.address],
                                            [8192, 8192])
    assert torch.equal(one, tensor) and none is None
    store.put_tensor_with_tp("w", tensor, tp_size=2)
    assert torch.equal(store.get_tensor_with_tp_into("w", other.address, 8192, 1, 2), tensor[50:])
    (first,) = store.batch_get_tensor_with_tp_into(["w"], [other.address], [8192], 0, 2)
    assert first.numel() == 50


def test_handles_are_buffers_for_torch(store, torch):
    store.put("key", bytes(range(64)))
    tensor = torch.frombuffer(store.get_buffer("key"), dtype=torch.uint8)
    assert tensor.tolist() == list(range(64))


def test_memory_of_tensors(store, torch):
    tensor = torch.arange(1000, dtype=torch.int32)
    size = tensor.numel() * 4
    assert store.register_buffer(tensor.data_ptr(), size) == 0
    assert store.put_from("key", tensor.data_ptr(), size) == 0
    target = torch.empty_like(tensor)
    assert store.batch_get_into(["key"], [target.data_ptr()], [size]) == [size]
    assert torch.equal(tensor, target)
    assert ctypes.string_at(target.data_ptr(), size) == store.get("key")
