"""Pools of registered buffers."""

import threading

import pytest

from mooncake import BufferPool, RegisteredBufferPool
from mooncake.store import BufferLease, BufferLeaseView, MooncakeDistributedStore


def test_leases(store):
    assert BufferPool is RegisteredBufferPool
    pool = BufferPool(store, min_size_class=1024, alignment=64)
    with pool.acquire(1500) as lease:
        assert isinstance(lease, BufferLease) and lease.size == 1500 and lease.ptr % 64 == 0
        lease.buffer[:5] = b"hello"
        assert store.put_from("key", lease.ptr, 5) == 0 and store.get("key") == b"hello"
        assert store.get_into_ranges([lease.ptr], [["key"]], [[[100]]], [[[1]]], [[[4]]]) == [
            [[4]]]
        view = lease.view(100, 4)
        assert isinstance(view, BufferLeaseView) and bytes(view.buffer) == b"ello"
        assert (view.ptr, view.size, len(view)) == (lease.ptr + 100, 4, 4)
        with pytest.raises(ValueError):
            lease.view(1000, 1000)
        address = lease.ptr
    lease.release()
    again = pool.acquire(1100)
    assert again.ptr == address  # reused
    pool.close()
    assert store.unregister_buffer(address) == 0  # still out, so still registered
    with pytest.raises(RuntimeError):
        pool.acquire(10)


def test_limits(store):
    with BufferPool(store, min_size_class=1024, max_bytes=4096) as pool:
        first = pool.acquire(4096)
        with pytest.raises(BufferError):
            pool.acquire(10, block=False)
        with pytest.raises(TimeoutError):
            pool.acquire(10, timeout=0.05)
        for bad in (0, -1, 5000):
            with pytest.raises(ValueError):
                pool.acquire(bad)
        timer = threading.Timer(0.1, first.release)
        timer.start()
        with pool.acquire(10, timeout=20) as second:
            assert second.size == 10
        timer.join()
    for bad in ({"alignment": 3}, {"min_size_class": 0}):
        with pytest.raises(ValueError):
            BufferPool(store, **bad)


def test_a_store_that_is_not_open():
    with pytest.raises(RuntimeError):
        BufferPool(MooncakeDistributedStore()).acquire(10)


def test_forgotten_leases_come_back(store):
    pool = BufferPool(store, max_bytes=4096)
    for _ in range(3):
        pool.acquire(4096, timeout=5)
