"""Loads the blocks of many requests at a time from one event loop.

    python asyncio_client.py         with a pool at AQUIFER_META, or tcp://127.0.0.1:5000
"""

import asyncio

import numpy as np

import aquifer

BLOCK_BYTES = 256 << 10


async def request(client: aquifer.AsyncClient, number: int) -> str:
    """Loads a block, or computes and stores it."""
    key = f"block-{number % 4}"
    block = np.empty(BLOCK_BYTES, np.uint8)
    if await client.get_into(key, block, timeout=1) > 0:
        return "loaded"
    block[:] = number % 4
    status = await client.put(key, block)
    return "stored" if status else status.name


async def main() -> None:
    async with aquifer.AsyncClient(namespace="asyncio", threads=8) as client:
        for wave in range(2):
            answers = await asyncio.gather(*(request(client, number) for number in range(16)))
            counts = {answer: answers.count(answer) for answer in sorted(set(answers))}
            print(f"wave {wave}: {counts}")
        keys = [key async for key in client.iter_keys("block-")]
        print(f"{len(keys)} keys, {await client.clear()} removed")


if __name__ == "__main__":
    asyncio.run(main())
