"""The LMCache connector against a pool, with keys and chunks in LMCache's shapes."""

import asyncio
import sys
from types import SimpleNamespace

import fake_torch
import numpy as np
import pytest

from aquifer.integrations._lmcache_interface import MemoryFormat
from aquifer.integrations.lmcache import AquiferConnector, AquiferConnectorAdapter


class Key:
    def __init__(self, number, model="org/model"):
        self.text = f"{model}@1@0@{number:016x}@half"

    def to_string(self):
        return self.text


class Chunk:
    """A MemoryObj of LMCache."""

    def __init__(self, shape, dtype, fmt, several=False):
        self.array = np.full([int(n) for n in shape], 5, dtype)
        self.metadata = SimpleNamespace(shape=shape, dtype=dtype, fmt=fmt,
                                        shapes=[shape] if several else None,
                                        dtypes=[dtype] if several else None)
        self.references = 1

    @property
    def byte_array(self):
        return memoryview(self.array).cast("B")

    def ref_count_down(self):
        self.references -= 1


class Backend:
    """LMCache's own memory."""

    def __init__(self, chunks=1000):
        self.given = []
        self.left = chunks

    def allocate(self, shapes, dtypes, fmt):
        if self.left == 0:
            return None
        self.left -= 1
        several = isinstance(shapes, list)
        shape, dtype = (shapes[0], dtypes[0]) if several else (shapes, dtypes)
        assert isinstance(shape, fake_torch.Size)
        self.given.append(Chunk(shape, dtype, fmt, several))
        return self.given[-1]


def filled(seed, tokens=16, several=False):
    shape = fake_torch.Size((2, 3, tokens, 8))
    chunk = Chunk(shape, fake_torch.float16, MemoryFormat.KV_2LTD, several)
    chunk.array[...] = np.random.default_rng(seed).integers(0, 1000, shape)
    return chunk


@pytest.fixture(autouse=True)
def torch(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", fake_torch)


def connector(options, backend=None, **extra):
    address = options["meta"].replace("tcp://", "aquifer://")
    context = SimpleNamespace(
        url=f"{address}/?namespace={options.get('namespace', 'default')}", loop=None,
        local_cpu_backend=backend or Backend(),
        config=SimpleNamespace(extra_config=extra or None), metadata=None)
    return AquiferConnectorAdapter().create_connector(context)


KEYS = [Key(i) for i in range(6)]


def test_chunks_come_back_as_they_were(options):
    async def script():
        one, backend = connector(options), Backend()
        other = connector(options, backend)
        sizes = [16, 16, 16, 16, 7]  # the last chunk of a prompt is shorter
        chunks = [filled(i, tokens, several=i % 2) for i, tokens in enumerate(sizes)]
        assert one.support_batched_put() and one.support_batched_get()
        await one.batched_put(KEYS[:4], chunks[:4])
        await one.put(KEYS[4], chunks[4])
        assert await other.exists(KEYS[4]) is True
        assert await other.exists(KEYS[5]) is False
        assert (other.exists_sync(KEYS[0]), other.exists_sync(KEYS[5])) == (True, False)
        got = await other.batched_get(KEYS)
        assert got[5] is None
        for chunk, its in zip(chunks, got):
            assert np.array_equal(chunk.array, its.array)
            assert its.metadata == chunk.metadata
        assert (await other.get(KEYS[4])).array.shape == (2, 3, 7, 8)
        assert [chunk.references for chunk in backend.given] == [1] * 6
        for each in (one, other):
            await each.close()

    asyncio.run(script())


def test_a_look_up_and_the_get_after_it_are_one_call_to_meta(options):
    async def script():
        one = connector(options)
        await one.batched_put(KEYS[:5], [filled(i) for i in range(5)])
        other = connector(options)
        await other.get(KEYS[0])  # connects, and maps the node's memory
        before = other._async.counters()["meta_calls"]
        assert other.batched_contains(KEYS) == 5
        assert other._async.counters()["meta_calls"] == before + 1
        assert all(await other.batched_get(KEYS[:5]))
        assert other._async.counters()["meta_calls"] == before + 1
        for each in (one, other):
            await each.close()

    asyncio.run(script())


def test_a_hole_ends_the_leading_run(options):
    async def script():
        backend = Backend()
        one = connector(options, backend)
        await one.batched_put(KEYS, [filled(i) for i in range(6)])
        assert one.remove_sync(KEYS[2]) is True
        assert one.remove_sync(KEYS[2]) is False
        assert one.batched_contains(KEYS) == 2
        assert await one.batched_async_contains("look-up", KEYS, pin=True) == 2
        assert [chunk is None for chunk in await one.batched_get(KEYS)] == [False] * 2 + [True] + [
            False] * 3
        backend.given.clear()
        assert len(await one.batched_get_non_blocking("look-up", KEYS)) == 2
        assert sorted(chunk.references for chunk in backend.given) == [0, 0, 0, 1, 1]
        assert sorted(await one.list()) == [key.text for i, key in enumerate(KEYS) if i != 2]
        await one.close()

    asyncio.run(script())


def test_without_memory_a_chunk_is_a_miss(options):
    async def script():
        one = connector(options, Backend(chunks=2))
        await one.batched_put(KEYS[:3], [filled(i) for i in range(3)])
        got = await one.batched_get(KEYS[:3])
        assert [chunk is None for chunk in got] == [False, False, True]
        await one.close()

    asyncio.run(script())


def test_what_is_no_chunk_is_a_miss(options, client):
    async def script():
        one = connector(options)
        await one.put(KEYS[0], filled(0))
        for i, junk in enumerate((b"x", bytes(100), b"\x10\0\0\0" + b'{"a": 1}        ')):
            client.put(f"lmcache:{KEYS[i + 1].text}", junk)
        got = await one.batched_get(KEYS[:4])
        assert [chunk is None for chunk in got] == [False, True, True, True]
        assert await one.batched_put(KEYS[:1], [object()]) is None
        await one.close()

    asyncio.run(script())


def test_long_names_of_models_stay_apart(options):
    async def script():
        one = connector(options)
        path = "/very/long" * 120
        first, second = Key(1, path + "/a"), Key(1, path + "/b")
        await one.put(first, filled(1))
        assert (await one.exists(first), await one.exists(second)) == (True, False)
        await one.close()

    asyncio.run(script())


def test_tags_keep_apart(options):
    async def script():
        one, two = connector(options, **{"aquifer.tag": "a"}), connector(options)
        await one.put(KEYS[0], filled(0))
        assert (await one.exists(KEYS[0]), await two.exists(KEYS[0])) == (True, False)
        for each in (one, two):
            await each.close()

    asyncio.run(script())


def test_a_pool_that_fails_under_it(processes):
    solo = processes.solo()

    async def script():
        backend = Backend()
        one = connector({"meta": processes.meta_address}, backend)
        await one.batched_put(KEYS[:3], [filled(i) for i in range(3)])
        assert one.support_ping() and await one.ping() == 0
        solo.kill()
        assert await one.ping() != 0
        assert await one.batched_get([Key(99)]) == [None]
        assert await one.batched_put(KEYS[3:], [filled(i) for i in range(3)]) is None
        assert await one.exists(KEYS[3]) is False
        assert one.batched_contains([Key(98)]) == 0
        assert one.remove_sync(KEYS[0]) is False
        assert await one.list() == []
        await one.close()
        assert await one.get(KEYS[0]) is None
        assert (one.exists_sync(KEYS[0]), one.batched_contains(KEYS)) == (False, 0)

    asyncio.run(script())


def test_a_put_that_is_given_up_ends_with_its_memory_unused(options, absent_meta):
    async def script():
        one = connector({"meta": absent_meta})
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(one.put(KEYS[0], filled(0)), 0)
        await one.close()

    asyncio.run(script())


def test_addresses():
    adapter = AquiferConnectorAdapter()
    assert adapter.can_parse("aquifer://host:5000") and adapter.can_parse("plugin://aquifer")
    assert not adapter.can_parse("redis://host:6379")
    with pytest.raises(ValueError, match="timeout"):
        AquiferConnector("aquifer://host:5000?timeout=soon", None, None)
    config = SimpleNamespace(extra_config={"aquifer.meta": "nonsense"})
    with pytest.raises(ValueError, match="nonsense"):
        AquiferConnector("plugin://aquifer", None, None, config)
