"""What must be true of each key, in memory that outlives any of the processes that share it.

Each key has one writer, its owner, which notes what it is about to do before each call and what was
answered after it. Readers, and the judge at the end, take from here which versions they may find. A
writer that was killed in the middle leaves a note that says so, and what came of its call counts as
unknown, like a call that was answered so.

    floor       no get that starts now may bring an older version
    floor_fresh the same, for one who has no handle from before (differs while a node owes a removal)
    attempted   no version above it was ever put
    dead        the latest version of which the pool said that it is not stored
    must        whether there must be a version at all
    rests_until a key with an unknown outcome is left alone until then: a message on its way may still
                decide it
"""

import dataclasses
import mmap
import time
from pathlib import Path

import numpy
from aquifer import Status

PUT, REPLACE, REMOVE = 1, 2, 3
REST_SECONDS = 10

ROW = numpy.dtype([("sequence", "u4"), ("attempted", "u4"), ("floor", "u4"), ("floor_fresh", "u4"),
                   ("dead", "u4"), ("must", "u2"), ("operation", "u2"), ("rests_until", "f8")])
COUNTS = numpy.dtype([(name, "u8") for name in (
    "gets", "read_bytes", "misses", "trouble", "puts", "removes", "unknown", "safe_misses", "faults")])


def key_name(owner, number):
    return f"chaos/{owner}/{number}"


def replicas_of(number):
    """Every other object has a second replica."""
    return 2 - number % 2


def is_lasting(number):
    """Half of the objects stay as they were put."""
    return number // 2 % 2 == 0


@dataclasses.dataclass(frozen=True)
class Expectation:
    """What a row said before a read began."""

    sequence: int
    floor: int
    dead: int
    must: bool

    def fault(self, version, attempted):
        """What is wrong with having read this version; None when nothing is."""
        if version > attempted:
            return "never_put"
        if version < self.floor:
            return "stale"
        return "not_stored" if version == self.dead else None


class Row:
    """One key. Whoever writes to it is its owner; all others look."""

    def __init__(self, fields, key, replicas, lasting):
        self._fields = fields
        self.key = key
        self.replicas = replicas
        self.lasting = lasting

    def __getattr__(self, name):
        return self._fields[name].item()

    def _set(self, **values):
        for name, value in values.items():
            self._fields[name] = value

    # The owner

    def begin(self, operation):
        """Notes a call; answers the version that it puts."""
        self._set(sequence=self.sequence + 1, operation=operation)
        if operation != REMOVE:
            self._set(attempted=self.attempted + 1)
        return self.attempted

    def finish(self, status):
        """Notes what was answered. True when a key was not found that must be there."""
        missed = False
        if self.operation == REMOVE:
            missed = self._finish_remove(status)
        else:
            self._finish_put(status)
        self._set(sequence=self.sequence + 1)
        return missed

    def _finish_remove(self, status):
        missed = bool(self.must) and status == Status.NOT_FOUND
        gone = self.attempted + 1
        if status == Status.OK:
            self._set(floor=gone, floor_fresh=gone)
        elif status == Status.PENDING:
            self._set(floor_fresh=gone)
        elif status != Status.NOT_FOUND or missed:
            self._rest()
        self._set(must=False)
        return missed

    def _finish_put(self, status):
        version = self.attempted
        # A put promises that something is there, not that nothing older is: its version is the floor
        # already where nothing was.
        if self.operation == PUT and status in (Status.OK, Status.EXISTS):
            self._set(must=True)
        elif status == Status.OK:
            self._set(floor=version, floor_fresh=version, must=True)
        elif status == Status.PENDING:
            self._set(floor_fresh=version, must=True)
        elif status in (Status.UNKNOWN, Status.EXISTS):
            self._rest()
        else:
            self._set(dead=version)
            for name in ("floor", "floor_fresh"):
                if getattr(self, name) == version:
                    self._set(**{name: version + 1})

    def _rest(self):
        self._set(rests_until=time.monotonic() + REST_SECONDS)

    def settle(self):
        """For the successor of an owner that was killed: what was begun counts as unknown."""
        if self.sequence % 2 == 0:
            return
        if self.operation == REMOVE:
            self._set(must=False)
        self._rest()
        self._set(sequence=self.sequence + 1)

    # Everybody

    def expectation(self, fresh=False):
        """To be taken before a read begins; `fresh` for a reader without handles from before."""
        floor = max(self.floor, self.floor_fresh) if fresh else self.floor
        return Expectation(self.sequence, floor, self.dead, bool(self.must))

    def had_to_be_there(self, expectation):
        """Whether the object had to be there all the time since the expectation was taken."""
        return expectation.must and expectation.sequence % 2 == 0 \
            and self.sequence == expectation.sequence


class Ledger:
    """The file: a word that says whether to go on, counts per owner, rows."""

    HEAD = 4096

    def __init__(self, path, owners, keys_each, *, create=False):
        counts = owners * COUNTS.itemsize
        size = self.HEAD + counts + owners * keys_each * ROW.itemsize
        if create:
            Path(path).write_bytes(bytes(size))
        with open(path, "r+b") as file:
            self._map = mmap.mmap(file.fileno(), size)
        self._stop = numpy.frombuffer(self._map, numpy.uint8, 1)
        self.counts = numpy.frombuffer(self._map, COUNTS, owners, self.HEAD)
        self._rows = numpy.frombuffer(self._map, ROW, owners * keys_each,
                                      self.HEAD + counts).reshape(owners, keys_each)
        self.owners = owners
        self.keys_each = keys_each
        if create:
            self._rows["floor"] = self._rows["floor_fresh"] = 1

    def row(self, owner, number):
        return Row(self._rows[owner, number], key_name(owner, number), replicas_of(number),
                   is_lasting(number))

    def rows(self, owner=None):
        owners = range(self.owners) if owner is None else [owner]
        return [self.row(one, number) for one in owners for number in range(self.keys_each)]

    @property
    def stopped(self):
        return bool(self._stop[0])

    def stop(self):
        self._stop[0] = 1

    def total(self, name):
        return int(self.counts[name].sum())
