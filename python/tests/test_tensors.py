"""Tensors are values and destinations, without torch being needed; device memory is refused."""

import gc
import sys
import threading
import time
import weakref

import numpy as np
import pytest
from fake_tensor import (
    BrokenTensor,
    ConjugateTensor,
    DeviceArray,
    ElementsTensor,
    FakeTensor,
    UndecidedTensor,
)

import aquifer
from aquifer import Status

RANDOM = np.random.default_rng(17)


@pytest.mark.parametrize("kind", [FakeTensor, ElementsTensor])
def test_a_tensor_is_a_value_and_a_destination(client, kind):
    source = kind(RANDOM.bytes(5000), requires_grad=True)
    assert client.put("key", source) is Status.OK
    assert client.get("key") == source.content()
    target = kind(bytes(5000), requires_grad=True)
    assert client.get_into("key", target) == 5000
    assert target.content() == source.content()


def test_tensors_are_pieces_beside_others(client):
    tensors = [FakeTensor(RANDOM.bytes(size)) for size in (100, 7, 3000)]
    assert client.put("key", [tensors[0], b"between", *tensors[1:]]) is Status.OK
    targets = [
        FakeTensor(bytes(100)),
        bytearray(7),
        (FakeTensor(bytes(7))),
        FakeTensor(bytes(3000)),
    ]
    assert client.get_into("key", targets) == 3114
    assert bytes(targets[1]) == b"between"
    assert [t.content() for t in (targets[0], *targets[2:])] == [t.content() for t in tensors]


def test_tensors_go_through_batches(client):
    sources = [FakeTensor(RANDOM.bytes(1000)) for _ in range(5)]
    keys = [f"key{i}" for i in range(5)]
    assert client.put_batch(keys, sources) == [Status.OK] * 5
    targets = [FakeTensor(bytes(1000)) for _ in range(5)]
    assert client.get_into_batch(keys, targets) == [1000] * 5
    assert [t.content() for t in targets] == [s.content() for s in sources]


def test_a_tensor_is_let_go_after_the_call(client):
    tensor = FakeTensor(b"value")
    gone = weakref.ref(tensor)
    client.put("key", [tensor, b"more"])
    del tensor
    gc.collect()
    assert gone() is None


def test_a_tensor_is_held_during_the_call(silent_meta):
    pieces = [FakeTensor(bytes(10)), FakeTensor(bytes(10))]
    gone = [weakref.ref(tensor) for tensor in pieces]
    with aquifer.Client(silent_meta) as client:
        call = threading.Thread(target=client.get_into, args=("key", pieces), kwargs={"timeout": 1})
        call.start()
        # Read when its first piece has one more owner than this list and the question.
        while call.is_alive() and sys.getrefcount(pieces[0]) < 3:
            time.sleep(0.001)
        pieces.clear()
        assert call.is_alive() and all(tensor() is not None for tensor in gone)
        call.join()
    gc.collect()
    assert all(tensor() is None for tensor in gone)


REFUSED = [
    (FakeTensor(b"value", device="cuda"), "is in the memory of device cuda.*not supported yet"),
    (FakeTensor(b"value", device="meta"), "is in the memory of device meta"),
    (FakeTensor(b"value", contiguous=False), r"must be contiguous: tensor.contiguous\(\)"),
    (FakeTensor(b""), "has no bytes"),
    (BrokenTensor(b"value"), "is a tensor that cannot be read: cannot access"),
    (UndecidedTensor(b"value"), "is a tensor that cannot be read: the truth of this is ambiguous"),
    (ConjugateTensor(b"value"), "is a lazy conjugate"),
    (DeviceArray(), "is in the memory of another device; device memory is not supported yet"),
]


@pytest.mark.parametrize("tensor, words", REFUSED)
def test_other_tensors_are_refused(client, tensor, words):
    with pytest.raises(ValueError, match=f"value {words}"):
        client.put("key", tensor)
    with pytest.raises(ValueError, match=f"buffers {words}"):
        client.get_into("key", tensor)
    if "no bytes" not in words:
        with pytest.raises(ValueError, match=rf"value\[1\] {words}"):
            client.put("key", [b"first", tensor])
    assert not client.exists("key")


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch", reason="torch is not installed")


DTYPES = ["float32", "float16", "bfloat16", "float8_e4m3fn", "int64", "complex64", "bool"]


@pytest.mark.parametrize("dtype", DTYPES)
def test_torch_tensors_of_every_type(client, torch, dtype):
    source = torch.randint(0, 2, (31, 17)).to(getattr(torch, dtype))
    assert client.put("key", source) is Status.OK
    assert client.get("key") == source.view(torch.uint8).numpy().tobytes()
    target = torch.zeros_like(source)
    assert client.get_into("key", target) == source.nbytes
    assert torch.equal(target.view(torch.uint8), source.view(torch.uint8))


def test_rows_of_a_torch_tensor_are_pieces(client, torch):
    cache = torch.rand(61, 2, 64, dtype=torch.float32, requires_grad=True)
    assert client.put("key", [cache[layer, 1] for layer in range(61)]) is Status.OK
    wanted = cache.detach()[:, 1].contiguous().numpy().tobytes()
    assert client.get("key") == wanted


def test_torch_tensors_that_are_not_their_bytes_are_refused(client, torch):
    matrix = torch.rand(4, 4)
    with pytest.raises(ValueError, match="contiguous"):
        client.put("key", matrix.T)
    with pytest.raises(ValueError, match="lazy conjugate"):
        client.put("key", matrix.to(torch.complex64).conj())
    with pytest.raises(ValueError, match="device meta"):
        client.put("key", torch.empty(4, device="meta"))
    with pytest.raises(ValueError, match="value"):
        client.put("key", matrix.to_sparse())
