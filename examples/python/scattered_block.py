"""Puts a KV block whose pieces lie apart, and gets it back into other places.

The block is one of DeepSeek-R1: 61 layers, each with 128 KiB and 16 KiB somewhere in the engine's
caches. The pool copies from and into those places; nothing is gathered before or scattered after.

    python scattered_block.py        with a pool at AQUIFER_META, or tcp://127.0.0.1:5000
"""

import numpy as np
from numpy.typing import NDArray

import aquifer

LAYERS, BLOCKS = 61, 4


def main() -> None:
    # What an engine has: for each layer two caches, in which a block is one row.
    random = np.random.default_rng(1)
    wide = [random.integers(0, 256, (BLOCKS, 128 << 10), np.uint8) for _ in range(LAYERS)]
    narrow = [random.integers(0, 256, (BLOCKS, 16 << 10), np.uint8) for _ in range(LAYERS)]

    def pieces(block: int) -> list[NDArray[np.uint8]]:
        return [cache[block] for layer in zip(wide, narrow) for cache in layer]

    with aquifer.Client(namespace="scattered-block") as client:
        status = client.put("block", pieces(0))
        if not status:
            raise SystemExit(f"put: {status.name}: {client.last_error()}")

        size = client.get_into("block", pieces(3))
        if size <= 0:
            raise SystemExit(f"get: {client.last_error() or 'not there'}")

        same = all(np.array_equal(cache[0], cache[3]) for cache in wide + narrow)
        print(f"{size} bytes from {2 * LAYERS} places into {2 * LAYERS} others, equal: {same}")
        client.clear()


if __name__ == "__main__":
    main()
