"""Fixtures: a pool for the whole run, stores of a tenant of their own, memory by address, and
real programs on free ports."""

import ctypes
import itertools
import logging

import pytest
from mooncake_programs import Programs

import aquifer
from mooncake.store import MooncakeDistributedStore

_tenants = itertools.count()


@pytest.fixture(scope="session")
def pool():
    with aquifer.Pool("256MiB") as pool:
        yield pool


@pytest.fixture
def open_store(pool):
    """Opens stores that share a tenant nobody else has; closes them at the end."""
    tenant, stores = f"test-{next(_tenants)}", []

    def make(size=0, **options):
        store = MooncakeDistributedStore()
        options = {"tenant_id": tenant, **options}
        assert store.setup("localhost", "P2PHANDSHAKE", size, 16 << 20, "tcp", "", pool.meta,
                           **options) == 0
        stores.append(store)
        return store

    yield make
    for store in stores:
        assert store.close() == 0


@pytest.fixture
def store(open_store):
    return open_store()


class Memory:
    """Bytes of this process by address."""

    def __init__(self, size):
        self._bytes = ctypes.create_string_buffer(size)
        self.size = size
        self.address = ctypes.addressof(self._bytes)

    def __getitem__(self, part):
        return self._bytes.raw[part]

    def write(self, offset, data):
        ctypes.memmove(self.address + offset, data, len(data))


@pytest.fixture
def memory():
    memory = Memory(1 << 20)
    memory.write(0, bytes(range(256)) * 4096)
    return memory


@pytest.fixture
def make_memory():
    return Memory


@pytest.fixture
def programs(tmp_path):
    """Starts programs; fails the test when one of them leaves something behind."""
    started = Programs(tmp_path)
    yield started
    started.close()


@pytest.fixture
def warned(monkeypatch):
    """The warnings of this test, as if nothing had been warned about before."""
    from aquifer_compat import mooncake_log

    monkeypatch.setattr(mooncake_log, "_warned", set())
    lines = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())
    logger = logging.getLogger("aquifer.mooncake")
    logger.addHandler(handler)
    yield lines
    logger.removeHandler(handler)
