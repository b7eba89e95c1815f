"""What a damaged wire does: nothing wrong is stored or served, what can be tried again is, and
nobody crashes. A proxy between the programs damages the stream; `AQUIFER_SEED` repeats a run.
"""

import socket
import time

import aquifer
import pytest
from aquifer import Status
from contents import content, is_content, seeded_random, wait_until
from proxy import DOWN, UP, FlipAll, FlipOnce, Havoc, Proxy, Record

SIZE = 700_001
# How a put may end. After all but the first two, and UNKNOWN, it is not stored.
ENDINGS = {Status.OK, Status.EXISTS, Status.BUSY, Status.TIMEOUT, Status.UNKNOWN,
           Status.UNREACHABLE, Status.CANCELLED, Status.INTEGRITY, Status.IN_FLIGHT,
           Status.VERSION_MISMATCH}  # a flipped bit in the number of the version looks like one


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Wire:
    """A pool whose node is reached by TCP through `proxy`, and a client beside it by memory."""

    def __init__(self, processes):
        self.processes = processes
        self.proxy = Proxy()
        self.proxy.target = f"tcp://127.0.0.1:{free_port()}"
        self.meta = processes.meta()
        self.node = processes.node("--name", "a", "--listen", self.proxy.target,
                                   "--advertise", self.proxy.address)
        self.far = aquifer.Client(processes.meta_address, transport="tcp")
        self.near = aquifer.Client(processes.meta_address, transport="shm")

    def alive(self):
        return self.meta.process.poll() is None and self.node.process.poll() is None

    def close(self):
        self.far.close()
        self.near.close()
        self.proxy.close()


@pytest.fixture
def wire(processes):
    wire = Wire(processes)
    yield wire
    wire.close()


def test_a_bit_flipped_in_a_put_is_noticed_and_sent_again(wire):
    random = seeded_random()
    wire.proxy.damage = sound = Record()
    assert wire.far.put("sound", content("sound", SIZE)).ok
    sent = len(sound.up)
    for number in range(40):
        key = f"k{number}"
        # The first request, the bytes, and their digests and the seal at the end.
        flip = FlipOnce(UP, random.choice([random.randrange(152), random.randrange(sent),
                                           random.randrange(SIZE, sent)]), random.randrange(8))
        wire.proxy.damage = flip
        start = time.monotonic()
        status = wire.far.put(key, content(key, SIZE))
        assert flip.done and status == Status.OK, (flip.offset, flip.bit, status)
        assert time.monotonic() - start < 5
        wire.proxy.damage = None
        assert is_content(wire.near.get(key), key)
        assert is_content(wire.far.get(key), key)
    assert wire.near.status()["integrity_failures"] == 0 and wire.alive()


def test_a_put_whose_every_try_is_damaged_ends_in_an_error_and_is_absent(wire):
    random = seeded_random()
    wire.proxy.damage = FlipAll(random, UP)
    for number in range(10):
        start = time.monotonic()
        status = wire.far.put(f"k{number}", content(f"k{number}", SIZE), timeout=2)
        assert status in ENDINGS and not status.ok and status != Status.UNKNOWN, status
        assert time.monotonic() - start < 3
    wire.proxy.damage = None
    # The far client has stopped asking, and looks now and then.
    wait_until(lambda: wire.far.put("again", content("again", SIZE)).ok)
    assert wire.near.remove("again").ok
    assert wire.near.exists_batch([f"k{number}" for number in range(10)]) == [False] * 10
    wait_until(lambda: wire.near.status()["used_bytes"] == 0)
    assert wire.near.status()["limbo_bytes"] == 0
    assert wire.far.put("k0", content("k0", SIZE)) == Status.OK
    assert is_content(wire.near.get("k0"), "k0") and wire.alive()


def test_a_bit_flipped_in_a_get_is_noticed_and_read_again(wire):
    random = seeded_random()
    assert wire.near.put("k", content("k", SIZE)).ok
    for _ in range(40):
        flip = FlipOnce(DOWN, random.choice([random.randrange(300), random.randrange(SIZE)]),
                        random.randrange(8))
        wire.proxy.damage = flip
        assert is_content(wire.far.get("k"), "k")
        assert flip.done
    assert wire.far.counters()["integrity_failures"] > 0
    wire.proxy.damage = None
    wait_until(lambda: wire.near.status()["integrity_failures"] > 0)
    # What the wire did is not held against the object.
    assert wire.near.exists("k") and is_content(wire.near.get("k"), "k") and wire.alive()


def test_a_get_whose_every_try_is_damaged_is_a_miss_that_says_so(wire):
    random = seeded_random()
    key = "k"
    assert wire.near.put(key, content(key, SIZE)).ok
    # Only pieces that are too large for a header: the bytes of the value itself.
    wire.proxy.damage = FlipAll(random, DOWN, least=16 << 10)
    buffer = bytearray(SIZE)
    for _ in range(10):
        assert wire.far.get_into(key, buffer) == -Status.INTEGRITY
        assert "damaged" in wire.far.last_error()
        assert wire.far.get(key) is None
    answer = wire.processes.run("get", key, "--transport", "tcp", code=4)
    assert answer.output == b"" and "damaged" in answer.errors
    wire.proxy.damage = FlipAll(random, DOWN)
    for _ in range(10):
        assert wire.far.get(key, timeout=2) is None
    wire.proxy.damage = None
    assert is_content(wait_until(lambda: wire.far.get(key)), key) and wire.alive()


def test_any_damage_between_client_and_node_gives_the_right_bytes_or_none(wire):
    random = seeded_random()
    kept = []
    for number in range(50):
        key = f"k{number}"
        wire.proxy.damage = Havoc(random, random.choice([0.02, 0.1, 0.4]))
        start = time.monotonic()
        value = content(key, random.choice([1, 5000, 70_000, SIZE]))
        status = wire.far.put(key, value, timeout=0.3)
        assert status in ENDINGS, status
        if status.ok:
            kept.append(key)
        for reader in (wire.far, wire.near):
            other = random.choice(kept or [key])
            value = reader.get(other, timeout=0.3)
            assert value is None or is_content(value, other)
        value = wire.near.get(key)
        assert is_content(value, key) if status.ok else value is None or status == Status.UNKNOWN
        assert time.monotonic() - start < 3 and wire.alive()
        if status == Status.UNREACHABLE:
            time.sleep(0.05)  # refused at once, while the client looks for the node now and then
    wire.proxy.damage = None
    assert kept and wait_until(lambda: wire.far.get(kept[0]) is not None)
    assert all(is_content(wire.far.get(key), key) for key in kept)
    wire.proxy.cut_all()
    assert all(is_content(wire.far.get(key), key) for key in kept)


def test_damage_between_clients_and_meta_ends_the_connection_and_nothing_else(processes):
    random = seeded_random()
    meta = processes.meta()
    node = processes.node("--name", "a")
    with Proxy(processes.meta_address) as proxy, \
            aquifer.Client(processes.meta_address) as sound, \
            aquifer.Client(proxy.address, timeout=0.2) as client:
        kept = []
        for number in range(80):
            key = f"k{number}"
            proxy.damage = Havoc(random, random.choice([0.05, 0.3]))
            status = Status.UNREACHABLE
            for _ in range(50):  # refused at once, while the client looks for meta now and then
                start = time.monotonic()
                status = client.put(key, content(key, 3000))
                assert status in ENDINGS, status
                assert time.monotonic() - start < 3
                if status != Status.UNREACHABLE:
                    break
                time.sleep(0.05)
            proxy.damage = Havoc(random, 0.3)
            asked = [*kept[-5:], key]
            for one, value in zip(asked, client.get_batch(asked)):
                assert value is None or is_content(value, one)
            assert client.match_prefix([key, "no such key"]) <= 1
            if status.ok:
                kept.append(key)
                assert is_content(sound.get(key), key)
            assert meta.process.poll() is None and node.process.poll() is None
        assert len(kept) > 10, len(kept)
        proxy.damage = None
        assert all(is_content(client.get(key), key) for key in kept)
        # What was started and never finished comes back.
        for key in kept:
            assert sound.remove(key) in (Status.OK, Status.PENDING)
        wait_until(lambda: sound.remove_batch([f"k{n}" for n in range(80)]) and
                   sound.status()["used_bytes"] == 0)


def test_damage_between_node_and_meta_ends_the_connection_and_nothing_else(processes):
    random = seeded_random()
    meta = processes.meta()
    with Proxy(processes.meta_address) as proxy, \
            aquifer.Client(processes.meta_address, timeout=1) as client:
        node = processes.node("--name", "a", meta=proxy.address, dram="16MiB")
        kept = []
        proxy.damage = Havoc(random, 0.1)
        end = time.monotonic() + 90
        while len(kept) < 70:  # more than the pool holds: evictions need the node's answers
            key = f"k{len(kept)}"
            status = client.put(key, content(key, 300_000))
            assert status in ENDINGS, status
            if status.ok:
                kept.append(key)
            else:
                time.sleep(0.02)
            other = random.choice(kept or [key])
            value = client.get(other)
            assert value is None or is_content(value, other)
            assert meta.process.poll() is None and node.process.poll() is None
            assert time.monotonic() < end
        proxy.damage = None
        wait_until(lambda: [n["state"] for n in client.status()["nodes"]] == ["alive"])
        assert client.put("after", content("after", 300_000)).ok
        assert is_content(client.get("after"), "after")
        present = [key for key, there in zip(kept, client.exists_batch(kept)) if there]
        assert all(is_content(client.get(key), key) for key in present)
        for key in [*kept, "after"]:
            client.remove(key)
        wait_until(lambda: client.status()["used_bytes"] == 0)
        node.stop()


def variants(random, stream):
    """A recorded stream as nobody should send it."""
    for _ in range(12):
        at = random.randrange(len(stream))
        yield stream[:at]
        yield stream[at:]
        yield stream[:at] + random.randbytes(random.randrange(1, 300)) + stream[at:]
        damaged = bytearray(stream[:20_000])
        damaged[random.randrange(min(len(damaged), 200))] ^= 1 << random.randrange(8)
        yield bytes(damaged)
    yield stream
    yield stream + stream
    for size in (1, 31, 32, 151, 152, 5000, 200_000):
        yield random.randbytes(size)
        yield bytes(size)
        yield b"\xff" * size
    yield b"GET / HTTP/1.1\r\nHost: pool\r\n\r\n"


def send_to(address, data):
    """Sends bytes and waits until the other side has closed, answered, or had its time."""
    host, port = address.removeprefix("tcp://").rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=5) as raw:
        raw.settimeout(0.02)
        try:
            raw.sendall(data)
            raw.recv(1 << 16)
        except OSError:
            pass


def test_strange_streams_end_neither_node_nor_meta(wire):
    random = seeded_random()
    kept = [f"k{number}" for number in range(20)]
    with Proxy(wire.processes.meta_address) as in_front, \
            aquifer.Client(in_front.address, transport="tcp") as client:
        in_front.damage, wire.proxy.damage = to_meta, to_node = Record(), Record()
        for key in kept:
            assert client.put(key, content(key, 5000)).ok
            assert is_content(client.get(key), key)
        assert client.status()["objects"] == len(kept)
    for recorded, address in ((to_meta, wire.processes.meta_address),
                              (to_node, wire.proxy.target)):
        assert len(recorded.up) > 1000
        for data in variants(random, recorded.up):
            send_to(address, data)
            assert wire.alive()
        for reader in (wire.near, wire.far):
            assert all(is_content(reader.get(key), key) for key in kept)
    assert wire.near.status()["integrity_failures"] == 0
    # The puts that the repeated streams have opened end by themselves, and their space comes back.
    wire.near.remove_batch(kept)
    wait_until(lambda: wire.near.status()["used_bytes"] == 0)
