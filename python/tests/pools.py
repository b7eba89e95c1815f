"""What several tests do with a pool: fill it, and wait for what it does behind the scenes."""

import time

from aquifer import Status


def eventually(condition):
    """Waits until the condition holds; False when it does not."""
    deadline = time.monotonic() + 20
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()


def fill(client, times=3):
    """Puts more than the pool holds, so that what is not held is evicted and overwritten."""
    size = 1_000_000
    for i in range(times * client.status()["capacity_bytes"] // size):
        status = client.put(f"fill{i}", bytes([i % 251]) * size)
        assert status is Status.OK, (status, client.last_error())
