"""The asyncio forms: the same answers, awaited; cancelled calls leave the caller's memory alone."""

import ast
import asyncio
import gc
import pathlib
import threading
import time

import numpy as np
import pytest

import aquifer
from aquifer import AsyncClient, Status

STUBS = pathlib.Path(__file__).resolve().parents[1] / "aquifer"
RANDOM = np.random.default_rng(37)


def threads_of_aquifer():
    return [t for t in threading.enumerate() if t.name.startswith("aquifer")]


def run(pool, name, work, **options):
    """Runs `work(client)` with an AsyncClient of a namespace of its own."""

    async def main():
        async with AsyncClient(pool.meta, namespace=name, **options) as client:
            await work(client)

    asyncio.run(main())
    assert threads_of_aquifer() == []


def test_single_calls(pool):
    async def work(client):
        assert await client.put("key", [b"some", b"thing"]) is Status.OK
        assert await client.get("key") == b"something"
        buffer = bytearray(9)
        assert await client.get_into("key", buffer) == 9 and buffer == b"something"
        assert await client.exists("key") is True
        assert (await client.stat("key"))["size"] == 9
        assert (await client.status())["objects"] >= 1
        assert await client.get("key", namespace="async-elsewhere") is None
        assert await client.remove("key") is Status.OK
        assert await client.get("key") is None
        assert client.counters()["hits"] >= 2 and client.last_error() == ""

    run(pool, "async-single", work)


def test_batches(pool):
    async def work(client):
        keys, values = [f"key{i}" for i in range(20)], [RANDOM.bytes(1000 + i) for i in range(20)]
        assert await client.put_batch(keys, values) == [Status.OK] * 20
        assert await client.get_batch([*keys, "missing"]) == [*values, None]
        buffers = [bytearray(2000) for _ in keys]
        assert await client.get_into_batch(keys, buffers) == [len(value) for value in values]
        assert await client.exists_batch(["key3", "missing"]) == [True, False]
        assert await client.match_prefix([*keys, "missing"]) == 20
        assert await client.remove_batch(["key3", "missing"]) == [Status.OK, Status.NOT_FOUND]

    run(pool, "async-batches", work)


def test_ranges_views_pins_and_listings(pool):
    value = RANDOM.bytes(200_000)

    async def work(client):
        assert await client.put_if_absent("key", value) is Status.OK
        assert await client.get_range("key", 70_000, 10) == value[70_000:70_010]
        buffer = bytearray(10)
        assert await client.get_range_into("key", 70_000, buffer) == 10
        assert await client.get_range_batch(["key"], [5], [5]) == [value[5:10]]
        view = await client.view("key")
        assert bytes(view) == value
        assert [bytes(found) for found in await client.view_batch(["key"])] == [value]
        assert await client.pin("key", 60) is Status.OK
        assert await client.unpin("key") is Status.OK
        entries, cursor = await client.list()
        while cursor is not None:
            more, cursor = await client.list(cursor=cursor)
            entries += more
        assert entries == [("key", 200_000)]
        assert await client.replace("key", b"other") in {Status.OK, Status.PENDING}
        assert bytes(view) == value
        assert await client.remove_prefix("k") == 1
        assert await client.clear() == 0

    run(pool, "async-more", work)


def test_keys_are_iterated(pool):
    async def work(client):
        keys = [f"key{i}" for i in range(1500)]
        await client.put_batch(keys, [b"v"] * 1500)
        iterator = client.iter_keys("key")
        found = [key async for key in iterator]
        assert len(found) == 1500 and set(found) == set(keys)
        assert iterator.complete
        assert [key async for key in iterator] == []

    run(pool, "async-keys", work)


def test_open_puts(pool):
    async def work(client):
        async with await client.open_put("key", 10) as put:
            assert put and put.size == 10
            assert await put.write(5, b"world") is Status.OK
            assert await put.write(0, b"hello") is Status.OK
            assert await put.commit() is Status.OK
        assert not put and put.status is Status.OK
        assert await client.get("key") == b"helloworld"
        async with await client.open_put("other", 10) as put:
            assert await put.write(0, b"half!") is Status.OK
        assert put.status is Status.CANCELLED
        first, second = await client.open_put_batch(["key", "other"], [5, 5])
        assert first.status is Status.EXISTS and second
        await second.abort()

    run(pool, "async-open", work)


def test_calls_run_beside_each_other(pool):
    async def work(client):
        values = [RANDOM.bytes(50_000) for _ in range(40)]
        puts = [client.put(f"key{i}", value) for i, value in enumerate(values)]
        assert await asyncio.gather(*puts) == [Status.OK] * 40
        assert await asyncio.gather(*(client.get(f"key{i}") for i in range(40))) == values

    run(pool, "async-beside", work, threads=4)


def test_the_loop_goes_on_during_a_call(silent_meta):
    async def main():
        steps = 0
        async with AsyncClient(silent_meta) as client:
            call = asyncio.ensure_future(client.get("key", timeout=0.5))
            while not call.done():
                await asyncio.sleep(0.005)
                steps += 1
            assert call.result() is None
        assert steps >= 10

    asyncio.run(main())


def test_wrong_arguments_are_raised_where_they_are_awaited(pool):
    async def work(client):
        with pytest.raises(ValueError, match="key has 0 bytes"):
            await client.get("")
        with pytest.raises(TypeError, match="value must be"):
            await client.put("key", 5)
        with pytest.raises(TypeError):
            await client.get("key", unknown=1)
        with pytest.raises(ValueError, match="prefix"):
            client.iter_keys("p" * 2000)

    run(pool, "async-wrong", work)


@pytest.mark.parametrize(
    "options, error, words",
    [
        ({"threads": 0}, ValueError, "threads must be 1 to 256"),
        ({"threads": 257}, ValueError, "threads must be 1 to 256"),
        ({"threads": 1.5}, TypeError, "threads must be int, not float"),
        ({"namespace": ""}, ValueError, "namespace has 0 bytes"),
        ({"unknown": 1}, TypeError, "unknown"),
    ],
)
def test_bad_options_of_an_async_client(pool, options, error, words):
    with pytest.raises(error, match=words):
        AsyncClient(pool.meta, **options)
    with pytest.raises(ValueError):
        AsyncClient("nonsense")


class Watched(bytearray):
    """Tells by its size whether somebody holds its memory: a held one cannot be resized."""

    def held(self):
        try:
            self.append(0)
            self.pop()
        except BufferError:
            return True
        return False


def test_a_cancelled_call_has_ended_when_it_says_so(silent_meta):
    async def main():
        async with AsyncClient(silent_meta) as client:
            buffer = Watched(1000)
            call = asyncio.ensure_future(client.get_into("key", buffer, timeout=0.5))
            while not buffer.held():
                await asyncio.sleep(0.001)
            call.cancel()
            await asyncio.sleep(0)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            assert not buffer.held()

    asyncio.run(main())


def test_a_call_that_waits_for_a_thread_is_cancelled_at_once(silent_meta):
    async def main():
        async with AsyncClient(silent_meta, threads=1) as client:
            buffers = [Watched(10), Watched(10)]
            calls = [
                asyncio.ensure_future(client.get_into("key", buffer, timeout=3))
                for buffer in buffers
            ]
            while not buffers[0].held():
                await asyncio.sleep(0.001)
            calls[1].cancel()
            with pytest.raises(asyncio.CancelledError):
                await calls[1]
            assert not calls[0].done() and buffers[0].held() and not buffers[1].held()
            await client.aclose()
            assert await calls[0] in {-Status.CLOSED, -Status.UNREACHABLE}

    asyncio.run(main())


def test_a_timeout_of_asyncio_is_one(silent_meta):
    async def main():
        async with AsyncClient(silent_meta) as client:
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(client.get("key", timeout=0.4), 0.05)

    asyncio.run(main())


def test_a_cancelled_open_put_is_aborted(pool):
    async def work(client):
        cancelled = 0
        for _ in range(50):
            calls = [
                asyncio.ensure_future(client.open_put("key", 1000)),
                asyncio.ensure_future(client.open_put_batch(["key"], [1000])),
            ]
            await asyncio.sleep(0)
            for call in calls:
                call.cancel()
            for answer in await asyncio.gather(*calls, return_exceptions=True):
                cancelled += isinstance(answer, asyncio.CancelledError)
        assert cancelled == 100
        assert await client.put_if_absent("key", b"value") is Status.OK

    run(pool, "async-cancelled", work)


def test_a_closed_client_answers_closed(pool):
    async def main():
        client = AsyncClient(pool.meta)
        assert await client.exists("missing") is False
        await client.aclose()
        await client.aclose()
        assert await client.put("key", b"value") is Status.CLOSED
        assert await client.get("key") is None
        assert threads_of_aquifer() == []

    asyncio.run(main())


def test_a_dropped_client_leaves_no_thread_behind(pool):
    async def main():
        assert await AsyncClient(pool.meta).get("missing") is None

    asyncio.run(main())
    gc.collect()
    deadline = time.monotonic() + 10
    while threads_of_aquifer() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threads_of_aquifer() == []


def test_a_child_gets_clean_errors(run_python):
    run_python(
        """
import asyncio, os, signal, aquifer
from aquifer import Status

pool = aquifer.Pool("16MiB")
client = aquifer.AsyncClient(pool.meta)

async def parent():
    assert await client.put("key", b"value") is Status.OK

async def child():
    assert await client.put("other", b"value") is Status.CLOSED
    assert await client.get("key") is None
    await client.aclose()
    async with aquifer.AsyncClient(pool.meta) as mine:
        assert await mine.get("key") == b"value"

asyncio.run(parent())
process = os.fork()
if process == 0:
    signal.alarm(60)
    asyncio.run(child())
    os._exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0

async def after():
    assert await client.get("key") == b"value"
    await client.aclose()

asyncio.run(after())
"""
    )


def functions(stub, owner):
    """name -> its arguments, of the methods of a class in a stub."""
    for item in ast.parse((STUBS / stub).read_text()).body:
        if isinstance(item, ast.ClassDef) and item.name == owner:
            methods = (ast.FunctionDef, ast.AsyncFunctionDef)
            return {m.name: ast.unparse(m.args) for m in item.body if isinstance(m, methods)}
    raise AssertionError(owner)


@pytest.mark.parametrize("name", ["Client", "PendingPut", "KeyIterator"])
def test_it_has_all_that_the_other_has(name):
    plain = functions("_aquifer.pyi", name)
    awaited = functions("_async.pyi", "Async" + name)
    for method in ("__init__", "close", "__enter__", "__exit__", "__iter__", "__next__"):
        plain.pop(method, None)
    assert {method: awaited[method] for method in plain} == plain
    assert all(hasattr(getattr(aquifer, "Async" + name), method) for method in awaited)
