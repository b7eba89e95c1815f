"""A small transformer with random weights: what it says means nothing, how it works is real.

It keeps the keys and values of all tokens in a paged cache (paged_cache.py) and reads them from
there, so it does not matter who wrote them: this process, or another one through the pool.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Shape:
    """The numbers that say what a model is. Equal shapes have equal weights."""

    layers: int = 8
    heads: int = 8
    head_width: int = 64
    vocabulary: int = 4096
    seed: int = 1

    @property
    def width(self):
        return self.heads * self.head_width

    @property
    def name(self):
        return (
            f"example-{self.layers}x{self.heads}x{self.head_width}"
            f"-{self.vocabulary}-seed{self.seed}"
        )


class Model:
    """The weights, and one pass through them. Nothing in it changes, so threads may share it."""

    def __init__(self, shape):
        self.shape = shape
        random = np.random.default_rng(shape.seed)

        def weights(rows, columns):
            return random.standard_normal((rows, columns), np.float32) / np.float32(rows**0.5)

        width = shape.width
        self._embedding = random.standard_normal((shape.vocabulary, width), np.float32)
        self._head = weights(width, shape.vocabulary)
        self._layers = [
            {
                "qkv": 2 * weights(width, 3 * width),  # so that attention picks, and not averages
                "out": weights(width, width),
                "up": weights(width, 4 * width),
                "down": weights(4 * width, width),
            }
            for _ in range(shape.layers)
        ]

    def forward(self, tokens, start, kv):
        """Computes `tokens`, the first of which is at position `start`, after what `kv` has before
        it. Writes their keys and values into `kv`, and returns the logits of the last token."""
        x = self._embedding[tokens] + positions(start, len(tokens), self.shape.width)
        for number, layer in enumerate(self._layers):
            q, k, v = np.split(normalised(x) @ layer["qkv"], 3, axis=1)
            kv.write(number, start, self._by_head(k), self._by_head(v))
            keys, values = kv.read(number, start + len(tokens))
            seen = attention(self._by_head(q), keys, values, start)
            x = x + seen.transpose(1, 0, 2).reshape(x.shape) @ layer["out"]
            x = x + np.maximum(normalised(x) @ layer["up"], 0) @ layer["down"]
        return (normalised(x[-1:]) @ self._head)[0]

    def _by_head(self, x):
        """From (tokens, width) to (heads, tokens, head width)."""
        shape = self.shape
        return x.reshape(len(x), shape.heads, shape.head_width).transpose(1, 0, 2)


def positions(start, count, width):
    """Waves that tell the model where each token stands."""
    place = np.arange(start, start + count, dtype=np.float32)[:, None]
    speed = np.float32(10_000) ** (-np.arange(0, width, 2, dtype=np.float32) / width)
    return np.concatenate([np.sin(place * speed), np.cos(place * speed)], axis=1)


def normalised(x):
    return x / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + np.float32(1e-6))


def attention(q, keys, values, start):
    """Each token looks at itself and at all before it. `start` is the position of the first."""
    scores = q @ keys.transpose(0, 2, 1) / np.float32(q.shape[-1] ** 0.5)
    last_seen = start + np.arange(q.shape[1])
    future = np.arange(keys.shape[1]) > last_seen[:, None]
    scores = np.where(future, np.float32(-1e30), scores)
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True) @ values
