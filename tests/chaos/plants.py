"""Faults that are made up, each to show that the check that is for it finds it."""

import contextlib
import mmap
import tempfile

import aquifer
from values import content, size_of

PLANTS_OF_CLIENTS = ("wrong-byte", "wrong-version", "safe-miss", "late")  # made up by worker.py
PLANTS = (*PLANTS_OF_CLIENTS, "unexpected-end", "not-back", "idle", "loss", "removed-is-back",
          "damage", "leftover")
BEGINNING_BYTES = 48  # of a value, by which it is found in a segment


class Plants(contextlib.ExitStack):
    """As a context manager around the end of the programs: what was left behind for them is then gone."""

    def __init__(self, names):
        super().__init__()
        self._names = names

    def at_start(self, cluster):
        if "unexpected-end" in self._names:
            cluster.nodes[0].process.kill()

    def before_calm(self, cluster):
        if "not-back" in self._names:
            cluster.nodes[-1].stop()
        if "idle" in self._names:
            cluster.clients[-1].stop()

    def after_calm(self, cluster):
        if {"not-back", "idle"} & set(self._names):
            cluster.resume_all()

    def before_last_look(self, cluster, segments, ledger, size_max):
        """While no client is at work any more."""
        rows = ledger.rows()
        if "leftover" in self._names:
            self.enter_context(tempfile.NamedTemporaryFile(dir="/dev/shm", prefix="aquifer-"))
        if "damage" in self._names:
            assert any(flip_in_segments(segments, row) for row in rows if row.must)
        with aquifer.Client(cluster.meta.address) as client:
            if "loss" in self._names:
                for replicas in (1, 2):
                    client.remove(next(row.key for row in reversed(rows)
                                       if row.must and row.replicas == replicas))
            if "removed-is-back" in self._names:
                row = next(row for row in rows if row.attempted and row.floor > row.attempted)
                size = size_of(row.key, row.attempted, size_max)
                client.put(row.key, content(row.key, row.attempted, size))


def flip_in_segments(segments, row):
    """Flips one bit of each replica of the object. False when there is none."""
    beginning = content(row.key, row.attempted, BEGINNING_BYTES).tobytes()
    found = False
    for path in segments.iterdir():
        with open(path, "r+b") as file, mmap.mmap(file.fileno(), 0) as memory:
            at = memory.find(beginning)
            if at >= 0:
                memory[at] ^= 1
                found = True
    return found
