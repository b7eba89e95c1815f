"""Serves prompts with a shared prefix: what one has computed, the next one only loads.

A prompt is cut into blocks of tokens. The key of a block is the hash of all tokens up to its end,
so equal keys mean equal prefixes. One call tells how many leading blocks the pool has.

    python prefix_reuse.py           with a pool at AQUIFER_META, or tcp://127.0.0.1:5000
"""

import hashlib

import numpy as np
from numpy.typing import NDArray

import aquifer

BLOCK_TOKENS = 16
BLOCK_SHAPE = (2, 8, BLOCK_TOKENS, 64)  # keys and values, layers, tokens, width
Block = NDArray[np.float16]


def keys_of(tokens: list[int]) -> list[str]:
    """One key per full block of a prompt."""
    chain, keys = hashlib.sha256(), []
    for end in range(BLOCK_TOKENS, len(tokens) + 1, BLOCK_TOKENS):
        chain.update(np.array(tokens[end - BLOCK_TOKENS : end], np.int64).tobytes())
        keys.append(chain.hexdigest())
    return keys


def compute(key: str) -> Block:
    """Stands for the prefill of one block."""
    random = np.random.default_rng(int(key[:8], 16))
    return random.random(BLOCK_SHAPE).astype(np.float16)


def serve(client: aquifer.Client, tokens: list[int]) -> tuple[int, list[Block]]:
    """The KV blocks of a prompt, and how many of them were loaded."""
    keys = keys_of(tokens)
    blocks: list[Block] = [np.empty(BLOCK_SHAPE, np.float16) for _ in keys]

    found = client.match_prefix(keys)
    sizes = client.get_into_batch(keys[:found], blocks[:found])
    # A block may go between the two calls: what counts is what was delivered.
    loaded = next((i for i, size in enumerate(sizes) if size <= 0), len(sizes))

    for i in range(loaded, len(keys)):
        blocks[i][:] = compute(keys[i])
    # The parents tell the pool which block continues which: it evicts the ends of chains first.
    parents = [None, *keys[:-1]]
    client.put_batch(keys[loaded:], blocks[loaded:], parents=parents[loaded:])
    return loaded, blocks


def main() -> None:
    random = np.random.default_rng(2)
    system = random.integers(0, 50_000, 160).tolist()
    with aquifer.Client(namespace="prefix-reuse") as client:
        for question in range(4):
            own = np.random.default_rng(question).integers(0, 50_000, 48).tolist()
            loaded, blocks = serve(client, system + own)
            print(f"prompt {question}: {len(blocks)} blocks, {loaded} loaded")
            assert all(np.array_equal(b, compute(k)) for b, k in zip(blocks, keys_of(system + own)))
        client.clear()


if __name__ == "__main__":
    main()
