"""Not run: what mypy --strict accepts and refuses. An ignore that is not needed is an error too."""

import asyncio
from typing import Any

import numpy as np

import aquifer
from aquifer import AsyncClient, AsyncPendingPut, Client, PendingPut, Pool, Status, View


class Tensor:
    """What of torch's tensors matters here; torch is not there to be checked against."""

    def data_ptr(self) -> int:
        return 0

    def is_contiguous(self, memory_format: object = None) -> bool:
        return True


def puts(client: Client, tensor: Tensor) -> list[Status]:
    array = np.zeros((3, 4), np.float32)
    one: Status = client.put("key", b"value", replicas=2, preferred_node="a", timeout=1)
    client.put(b"key", bytearray(5), namespace=None)
    client.put("key", array, parent="root")
    client.put("key", tensor)
    client.put("key", (0x1000, 16))
    client.put("key", [array, tensor, memoryview(b"x"), (0x1000, 16)])
    client.put("key", (array, tensor))
    names = [f"key{i}" for i in range(2)]
    client.put_batch(names, [array, [array, b"x"]], parents=[None, "key"])
    client.put_if_absent_batch((b"a", "b"), (array, array), parents=names)
    client.put("key", "text")  # type: ignore[arg-type]
    client.put(5, b"value")  # type: ignore[arg-type]
    client.put("key", b"value", mode="replace")  # type: ignore[call-arg]
    client.put("key", b"value", "root")  # type: ignore[misc]
    return [one, client.replace("key", array), *client.replace_batch(["key"], [b"v"])]


def gets(client: Client, tensor: Tensor) -> bytes:
    array = np.zeros(10, np.uint8)
    counts: list[int] = client.get_into_batch(["a", "b"], [array, [array, tensor]])
    count: int = client.get_into("key", tensor) + client.get_range_into("key", 5, array)
    parts: list[bytes | None] = client.get_range_batch(["a"], [0], [5])
    client.get("key").hex()  # type: ignore[union-attr]
    client.get_range("key", "0", 5)  # type: ignore[arg-type]
    found = client.get("key") or client.get_range("key", 0, 5)
    return (found or b"") + bytes(count + sum(counts) + len(parts))


def views(client: Client) -> "memoryview | None":
    view: View | None = client.view("key")
    client.view("key").pieces  # type: ignore[union-attr]
    if not view:
        return None
    with view as shown:
        pieces: tuple[memoryview, ...] = shown.pieces
        array = np.frombuffer(pieces[0], np.float32)
        client.put("copy", pieces)
        assert shown.verify().ok and not shown.is_copy and len(bytes(shown)) == len(shown)
    shown.pieces = ()  # type: ignore[misc]
    return array.data


def open_puts(client: Client, tensor: Tensor) -> Status:
    with client.open_put("key", 100, mode="replace", lifetime=5) as put:
        status: Status = put.write(0, tensor, timeout=1)
        assert put and status.ok and put.size == 100 and put.status is Status.OK
        client.open_put("key", 100, mode="sometimes")  # type: ignore[arg-type]
        client.open_put("key")  # type: ignore[call-arg]
    every: list[PendingPut] = client.open_put_batch(["a"], [5], parents=["b"])
    return every[0].commit(timeout=2)


def listings(client: Client) -> int:
    page = client.list("a/", limit=5)
    entries, cursor = page  # type: ignore[misc]
    if page is not None:
        entries, cursor = page
        page = client.list("a/", cursor=cursor)
        sizes: list[int] = [size for _, size in entries]
    keys = client.iter_keys()
    names: list[str | bytes] = list(keys)
    client.get_batch(names)
    client.list(cursor="text")  # type: ignore[arg-type]
    pinned: list[Status] = client.pin_batch(names, 60) + [client.pin("a", 0.5), client.unpin("a")]
    return client.remove_prefix("a/") + client.clear() + keys.complete + len(pinned) + sum(sizes)


def reports(client: Client) -> None:
    status: dict[str, Any] = client.status()
    stat: dict[str, Any] | None = client.stat("key")
    text: str = client.last_error() + aquifer.__version__
    print(status, stat, text, client.counters()["hits"])


def pools() -> None:
    with Pool("1GiB") as pool, pool.client(transport="shm") as client, Client(pool.meta) as other:
        puts(client, Tensor())
        other.close()
    Pool(1 << 30).client(meta="tcp://a:1")  # type: ignore[call-arg]
    Client(transport="rdma")  # type: ignore[arg-type]


async def awaited(tensor: Tensor) -> list[str | bytes]:
    async with AsyncClient("tcp://127.0.0.1:5000", threads=4, timeout=2) as client:
        status: Status = await client.put("key", tensor, parent="root")
        value: bytes | None = await client.get("key")
        count: int = await client.get_into("key", [tensor, bytearray(5)])
        client.get("key").hex()  # type: ignore[attr-defined]
        view: View | None = await client.view("key")
        pair = await asyncio.gather(client.put("a", b"1"), client.get("a"))
        first: Status = pair[0]
        put: AsyncPendingPut = await client.open_put("key", 5)
        async with put:
            assert put and (await put.write(0, b"value")).ok and (await put.commit()).ok
        print(status, value, count, view, first, client.last_error())
        return [key async for key in client.iter_keys("prefix")]
