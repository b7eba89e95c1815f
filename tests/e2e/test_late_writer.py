"""A writer that lost its put and wakes up late: nobody sees its bytes, and nothing of others is
damaged by them.

Each round stops a client process in the middle of a large put, removes its key, drives several
times the pool's size through by others, and then lets the writer go on, or kills it. `AQUIFER_SEED`
repeats the draws of a run, though not its timing.
"""

import signal

import aquifer
import pytest
from clients import Putter
from contents import content, is_content, seeded_random, wait_until

POOL = 128 << 20
LATE = 48 << 20
SIZE = 2 << 20


class Stage:
    def __init__(self, processes, *meta_options):
        self.processes = processes
        processes.meta(*meta_options)
        self.keeps_limbo = "--fault-reuse-limbo" not in meta_options
        processes.node("--name", "a", dram=POOL)
        self.client = aquifer.Client(processes.meta_address, transport="shm")
        self.readers = [aquifer.Client(processes.meta_address, transport=transport)
                        for transport in ("shm", "tcp")]
        self.random = seeded_random()
        self.acknowledged = []
        self._next = 0
        wait_until(lambda: self.client.put("whole", content("whole", POOL * 3 // 4)).ok)
        self.client.remove("whole")

    def stopped_writer(self, transport="shm"):
        """A process that is stopped in the middle of a put, whose key has then been removed."""
        for attempt in range(60):
            late = Putter(self.processes, f"late {attempt}", LATE, transport=transport)
            if late.stop_in_the_middle(self.client, self.random.random() * 0.004):
                assert self.client.remove(late.key) in (aquifer.Status.OK, aquifer.Status.PENDING)
                if transport == "tcp" or not self.keeps_limbo or self.limbo() >= LATE:
                    return late  # otherwise it was stopped before its first byte, or after its last
            late.close()
            self.client.remove(late.key)
        raise AssertionError("no put could be stopped in its middle")

    def drive(self, times):
        """Puts `times` the pool's size; keeps in mind what was acknowledged last, and reads."""
        for _ in range(int(times * POOL / (4 * SIZE))):
            keys = [f"k{self._next + n}" for n in range(4)]
            self._next += 4
            statuses = self.client.put_batch(keys, [content(key, SIZE) for key in keys])
            assert all(status.ok for status in statuses), statuses
            self.acknowledged += keys
            self.read(self.random.choice(self.acknowledged[-20:]))

    def read(self, *keys):
        """Right bytes or none, from every reader; how many were none."""
        missing = 0
        for reader in self.readers:
            for key in keys:
                value = reader.get(key)
                assert value is None or is_content(value, key), f"wrong bytes under {key}"
                missing += value is None
        return missing

    def present(self):
        """Acknowledged keys that meta still has."""
        recent = self.acknowledged[-(POOL // SIZE):]
        return [key for key, there in zip(recent, self.client.exists_batch(recent)) if there]

    def limbo(self):
        status = self.client.status()
        assert status["used_bytes"] + status["limbo_bytes"] <= status["capacity_bytes"]
        return status["limbo_bytes"]

    def failures(self):
        for reader in self.readers:
            reader.status()  # reports
        return self.client.status()["integrity_failures"]

    def check_all_is_free_again(self):
        """After removing everything, the pool holds an object of nearly its whole size."""
        self.client.remove_batch(self.acknowledged)
        wait_until(lambda: self.client.status()["used_bytes"] == 0)
        assert self.limbo() == 0
        size = POOL * 15 // 16  # the rest is what eviction keeps free ahead of need
        assert self.client.put("all of it", content("all of it", size)).ok
        assert is_content(self.client.get("all of it"), "all of it")
        self.client.remove("all of it")

    def close(self):
        for client in (self.client, *self.readers):
            client.close()


@pytest.fixture
def stage(processes):
    stage = Stage(processes)
    yield stage
    stage.close()


@pytest.mark.parametrize("ending", ["wakes up", "is killed"])
def test_a_stopped_writer_harms_nobody_when_it(stage, ending):
    for _ in range(2):
        with stage.stopped_writer() as late:
            stage.drive(3)
            assert stage.limbo() >= LATE, "space of a writer that may still write was given away"
            late.send(signal.SIGCONT if ending == "wakes up" else signal.SIGKILL)
            while late.process.poll() is None:
                stage.read(late.key, *stage.random.sample(stage.present(), 3))
            if ending == "wakes up":
                assert late.line() == "CANCELLED"
        wait_until(lambda: stage.limbo() == 0)
        present = stage.present()
        assert len(present) * SIZE > (POOL - LATE) * 0.8
        assert stage.read(*present) == 0
        for reader in stage.readers:
            assert reader.get(late.key) is None and not reader.exists(late.key)
    assert stage.failures() == 0
    stage.check_all_is_free_again()


def test_a_stopped_writer_over_tcp_keeps_nothing_and_harms_nobody(stage):
    for ending in (signal.SIGCONT, signal.SIGKILL):
        with stage.stopped_writer("tcp") as late:
            # The node writes for it, and has ended that: nothing is left to wait for.
            wait_until(lambda: stage.limbo() == 0)
            stage.drive(3)
            late.send(ending)
            while late.process.poll() is None:
                stage.read(late.key, *stage.random.sample(stage.present(), 3))
            if ending == signal.SIGCONT:
                assert late.line() == "CANCELLED"
        assert stage.limbo() == 0
        assert stage.read(*stage.present()) == 0
        for reader in stage.readers:
            assert reader.get(late.key) is None and not reader.exists(late.key)
    assert stage.failures() == 0
    stage.check_all_is_free_again()


def test_the_digest_catches_what_limbo_would_have_prevented(processes):
    """With limbo taken away on purpose the late writer does write over objects of others."""
    stage = Stage(processes, "--fault-reuse-limbo")
    try:
        missing = 0
        for _ in range(8):
            with stage.stopped_writer() as late:
                stage.drive(1.2)
                late.send(signal.SIGCONT)
                while late.process.poll() is None:
                    stage.read(late.key, *stage.random.sample(stage.present(), 3))
            missing += stage.read(*stage.present())
            for reader in stage.readers:
                assert reader.get(late.key) is None
            if missing and stage.failures():
                break
        assert missing > 0 and stage.failures() > 0
    finally:
        stage.close()
