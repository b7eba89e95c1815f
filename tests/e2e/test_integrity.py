"""No wrong byte is served: single bits of a node's memory are flipped under its clients.

`AQUIFER_SEED` repeats a run.
"""

import shutil
import tempfile
import time

import aquifer
import numpy
import pytest
from contents import content, is_content, seeded_random, wait_until
from segment_file import SegmentFile

POSITIONS = 10_000
BATCH = 100
SIZES = [1, 100, 3000, 4096, 9001, 70_000, 140_000]  # the last two have several digests
POISON = 0xA5


@pytest.fixture
def folder():
    """For segment files. Made before the programs start and removed after they have ended."""
    path = tempfile.mkdtemp(prefix="aquifer-test-", dir="/dev/shm")
    yield path
    shutil.rmtree(path)


class Bench:
    """Objects in a mapped segment, and clients whose cached handles are good."""

    def __init__(self, pool, folder, random):
        self.pool = pool
        self.random = random
        self.values = {f"object {n}": content(f"object {n}", random.choice(SIZES))
                       for n in range(BATCH)}
        self.keys = list(self.values)
        self.buffers = [numpy.empty(value.size, numpy.uint8) for value in self.values.values()]
        self.cached = {name: self.client(name) for name in ("shm", "tcp")}
        self.segment = SegmentFile(folder)

    def client(self, transport):
        return aquifer.Client(self.pool.meta_address, transport=transport)

    def get(self, client):
        """Per key: True for the right bytes, False for none. Anything else is what must not be."""
        for buffer in self.buffers:
            buffer.fill(POISON)
        outcomes = client.get_into_batch(self.keys, self.buffers)
        right = []
        for key, buffer, outcome in zip(self.keys, self.buffers, outcomes):
            value = self.values[key]
            right.append(outcome > 0)
            assert outcome <= 0 or (outcome == value.size and numpy.array_equal(buffer, value)), (
                f"wrong bytes were served under {key!r} (size {value.size}, outcome {outcome})")
        return right

    def heal(self):
        """Puts again what a node has thrown away, and makes every cached handle a good one."""
        for client in self.cached.values():
            lost = [key for key, right in zip(self.keys, self.get(client)) if not right]
            if lost:
                statuses = client.put_batch(lost, [self.values[key] for key in lost])
                assert all(status.ok for status in statuses), statuses
        for client in self.cached.values():
            assert all(self.get(client))
            client.status()  # reports what it has to report, and then not again for a while

    def fresh_clients(self):
        """Clients that know where the nodes are, have reported just now, and know no object."""
        clients = [self.client("shm"), self.client("tcp")]
        for client in clients:
            assert client.exists("no such object") is False
            client.status()
        return clients

    def draw(self, stored):
        """One bit of the object, of its header, or of its slot."""
        part = self.random.random()
        if part < 0.4:
            at = stored.position(stored.value, self.random.random())
        elif part < 0.7:
            at = stored.position(stored.header, self.random.random())
        else:
            at = stored.slot_offset + self.random.randrange(128)
        return at, self.random.randrange(8)

    def round(self):
        """Flips one bit of every object; how many flips were detected and how many were harmless.
        """
        self.heal()
        fresh = self.fresh_clients()
        stored = self.segment.stored()
        flips = [self.draw(stored[key]) for key in self.keys]
        for flip in flips:
            self.segment.flip(*flip)
        words = [self.segment.word(stored[key]) for key in self.keys]
        answers = [self.get(client) for client in (*self.cached.values(), *fresh)]
        for key, word, flip in zip(self.keys, words, flips):
            # A slot that the node has found damaged and taken back meanwhile is no longer ours.
            if self.segment.word(stored[key]) == word:
                self.segment.flip(*flip)
        for client in fresh:
            client.close()
        harmless = sum(all(outcomes) for outcomes in zip(*answers))
        return len(flips) - harmless, harmless


def test_flipped_bits_are_never_served(folder, processes, capsys):
    random = seeded_random()
    processes.meta()
    processes.node("--name", "a", "--segments", folder, dram="32MiB")
    bench = Bench(processes, folder, random)
    detected = harmless = 0
    start = time.monotonic()
    while detected + harmless < POSITIONS:
        more = bench.round()
        detected += more[0]
        harmless += more[1]
    with capsys.disabled():
        print(f" detected {detected} harmless {harmless} served 0"
              f" ({time.monotonic() - start:.0f} s) ", end="")
    # Only the last 8 of the 128 bytes of a slot are read by nobody.
    assert harmless < 0.05 * POSITIONS
    assert processes.status()["integrity_failures"] > 0
    bench.heal()
    bench.segment.close()


def test_damage_that_stays_is_found_by_the_node_and_the_object_can_be_put_again(
        folder, processes):
    random = seeded_random()
    processes.meta()
    processes.node("--name", "a", "--segments", folder, dram="16MiB")
    with aquifer.Client(processes.meta_address) as client:
        value = content("k", 200_000)
        for transport in ("shm", "tcp"):
            assert client.put("k", value).ok
            segment = SegmentFile(folder)
            stored = segment.stored()["k"]
            segment.flip(stored.position(stored.value, random.random()), random.randrange(8))
            segment.close()
            before = client.status()["integrity_failures"]
            with aquifer.Client(processes.meta_address, transport=transport) as reader:
                assert reader.get("k") is None
                assert "damaged" in reader.last_error()
            wait_until(lambda before=before: client.status()["integrity_failures"] > before)
            wait_until(lambda: client.exists("k") is False)
            wait_until(lambda: client.status()["used_bytes"] == 0)
        assert client.put("k", value) == aquifer.Status.OK
        assert is_content(client.get("k"), "k")


@pytest.mark.parametrize("transport", ["shm", "tcp"])
def test_a_damaged_slot_word_does_not_bar_its_key_for_good(folder, processes, transport):
    processes.meta()
    processes.node("--name", "a", "--segments", folder, dram="16MiB")
    with aquifer.Client(processes.meta_address, transport=transport) as client:
        for bit in range(8):
            for byte in (0, 1, 7):  # state, and generation
                assert client.put("k", content("k", 3000)) == aquifer.Status.OK
                segment = SegmentFile(folder)
                segment.flip(segment.stored()["k"].slot_offset + byte, bit)
                segment.close()
                assert client.get("k") is None
                wait_until(lambda: client.status() and not client.exists("k"))
        assert client.put("k", content("k", 3000)).ok and is_content(client.get("k"), "k")
        wait_until(lambda: client.status()["objects"] == 1)


def test_a_sound_replica_answers_for_a_damaged_one(folder, processes):
    processes.meta()
    processes.node("--name", "a", "--segments", folder, dram="16MiB")
    processes.node("--name", "b", dram="16MiB")
    with aquifer.Client(processes.meta_address) as client:
        value = content("k", 100_000)
        assert client.put("k", value, replicas=2, preferred_node="a").ok
        segment = SegmentFile(folder)
        segment.flip(segment.stored()["k"].value[0][0] + 5000, 3)
        segment.close()
        for transport in ("shm", "tcp") * 12:  # each client begins with a replica of its choice
            with aquifer.Client(processes.meta_address, transport=transport) as reader:
                assert is_content(reader.get("k"), "k")
        wait_until(lambda: client.status()["integrity_failures"] > 0)
        # The damaged one is dropped; a new one may have been made on its node already.
        wait_until(lambda: client.stat("k")["replicas"][0] == {"node": "b"})
        failures = client.status()["integrity_failures"]
        for _ in range(8):
            with aquifer.Client(processes.meta_address) as reader:
                assert is_content(reader.get("k"), "k")
        assert client.status()["integrity_failures"] == failures
