"""Memory that is not there: a tmpfs too small for the node, one that others fill, and a segment
file that is cut short. No client gets a SIGBUS.

The tmpfs is mounted in a mount namespace of the node's own, which ends with it; the test reaches it
through /proc/PID/root.
"""

import os
import shutil
import signal
import tempfile
import time
from pathlib import Path

import aquifer
import pytest
from contents import content, is_content

needs_root = pytest.mark.skipif(os.geteuid() != 0 or shutil.which("unshare") is None,
                                reason="a mount namespace needs root and unshare")
SIZE = 1 << 20


@pytest.fixture
def folder():
    """A mount point, or a folder for segment files; made before the programs start and removed
    after they have ended."""
    path = tempfile.mkdtemp(prefix="aquifer-test-", dir="/dev/shm")
    yield Path(path)
    shutil.rmtree(path)


def on_tmpfs(folder, size):
    """The prefix of a command that gets a tmpfs of its own at the folder."""
    return ("unshare", "-m", "--propagation", "private", "sh", "-c",
            f'mount -t tmpfs -o size={size} tmpfs "$0" && exec "$@"', str(folder))


def fill(folder):
    """Takes all that is left of the file system."""
    step = 16 << 20
    with open(folder / "of somebody else", "wb") as file:
        while step >= 4096:
            try:
                os.posix_fallocate(file.fileno(), os.fstat(file.fileno()).st_size, step)
            except OSError:
                step //= 2


@needs_root
def test_a_tmpfs_smaller_than_the_segment_is_an_error_that_says_what_to_do(folder, processes):
    processes.meta()
    node = processes.start("node", "--meta", processes.meta_address, "--dram", "64MiB",
                           "--segments", folder, prefix=on_tmpfs(folder, "32m"))
    assert node.wait() == 5, node.describe()
    error = node.errors
    assert str(folder) in error and "hint:" in error, error
    assert str(32 << 20) in error and "--dram" in error and "--segments" in error, error
    assert any(str(bytes_) in error for bytes_ in range(64 << 20, 70 << 20, 65536)), error
    assert "ready" not in (node.ready_line or "")
    with aquifer.Client(processes.meta_address) as client:
        assert client.status()["nodes"] == []


@needs_root
def test_a_tmpfs_that_others_fill_leaves_the_node_with_what_it_has(folder, processes):
    processes.meta()
    dram = 480 << 20
    node = processes.start("node", "--name", "a", "--meta", processes.meta_address,
                           "--dram", dram, "--segments", folder, prefix=on_tmpfs(folder, "512m"))
    node.expect_warning("smaller than asked for")
    node.wait_ready()
    node.send(signal.SIGSTOP)  # in the middle of getting its memory
    fill(Path(f"/proc/{node.pid}/root{folder}"))
    node.send(signal.SIGCONT)
    node.wait_error_line("smaller than asked for")
    assert "full" in node.errors and "--dram" in node.errors
    clients = [aquifer.Client(processes.meta_address, transport=transport)
               for transport in ("shm", "tcp")]
    # More than was asked for: evictions make room as in a pool of the size that is there.
    for number in range(500):
        client = clients[number % 2]
        key = f"k{number}"
        assert client.put(key, content(key, SIZE)) == aquifer.Status.OK, number
        assert is_content(clients[(number + 1) % 2].get(key), key)
    status = clients[0].status()
    assert status["evictions"] > 0 and status["integrity_failures"] == 0
    held = sum(client is not None for client in clients[0].get_batch(
        [f"k{number}" for number in range(500)]))
    assert held >= 10
    assert status["used_bytes"] < status["capacity_bytes"] < dram, status
    for client in clients:
        client.close()
    assert node.process.poll() is None


@pytest.mark.parametrize("keep", ["the catalog", "nothing"])
@pytest.mark.parametrize("transport", ["shm", "tcp"])
def test_a_segment_file_cut_short_under_everybody_is_a_miss(folder, processes, keep, transport):
    processes.meta()
    node = processes.node("--name", "a", "--segments", folder, dram="32MiB")
    path, = folder.glob("*.segment")
    with aquifer.Client(processes.meta_address, transport=transport, timeout=2) as client, \
            aquifer.Client(processes.meta_address, transport=transport, timeout=2) as fresh:
        keys = [f"k{n}" for n in range(16)]
        assert all(s.ok for s in client.put_batch(keys, [content(key, SIZE) for key in keys]))
        assert all(is_content(value, key) for key, value in zip(keys, client.get_batch(keys)))
        data_offset = path.stat().st_size - (32 << 20)
        os.truncate(path, data_offset if keep == "the catalog" else 0)
        start = time.monotonic()
        for one in (client, fresh):
            assert one.get_batch(keys) == [None] * len(keys)
            assert one.get(keys[0]) is None
            assert not one.put("new", content("new", SIZE)).ok
        assert time.monotonic() - start < 20
        if keep == "the catalog":
            assert node.process.poll() is None
            assert node.stop() == 0
    node.kill()  # without its catalog it cannot go on
    processes.node("--name", "a")
    with aquifer.Client(processes.meta_address, transport=transport) as client:
        assert client.put("k0", content("k0", SIZE)).ok
        assert is_content(client.get("k0"), "k0")
