"""Values that can be told apart: every 8 bytes depend on key and position, so that bytes of another
object, of another place, or of nobody are noticed. And the seed of the tests that draw."""

import hashlib
import os
import random
import time

import numpy


def content(key, size):
    """The value of a key, a numpy array of bytes."""
    start = int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "little")
    words = numpy.arange((size + 7) // 8, dtype=numpy.uint64)
    words += numpy.uint64(start)
    words *= numpy.uint64(0x9E3779B97F4A7C15)
    return words.view(numpy.uint8)[:size]


def is_content(value, key):
    """Whether these are the bytes of the key; nothing is not."""
    if value is None:
        return False
    return numpy.array_equal(numpy.frombuffer(value, numpy.uint8), content(key, len(value)))


def seeded_random():
    """Draws from AQUIFER_SEED, or from a fresh seed; pytest shows the line when the test fails."""
    seed = int(os.environ.get("AQUIFER_SEED") or random.SystemRandom().getrandbits(32))
    print(f"AQUIFER_SEED={seed}")
    return random.Random(seed)


def wait_until(condition, seconds=20, every=0.02):
    """The first truthy answer of the condition."""
    end = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        assert time.monotonic() < end, f"not within {seconds} s: {condition}"
        time.sleep(every)
