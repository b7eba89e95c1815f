"""Peers that mean no good, or are broken: 1,000 silent, slow and half-open connections, clients that
never read, and one that floods. The others go on: all their calls are right, and the servers'
memory stays within docs/operations/limits.md. How much slower they get is printed, not asserted."""

import contextlib
import os
import select
import socket
import statistics
import struct
import threading
import time
from pathlib import Path

import aquifer
import pytest
from contents import content, is_content

CROWD = 1000
VALUE_BYTES = 1_000_000
ROUNDS = 7
CALLS = 120  # in one round
HEADER = struct.Struct("<IHHHHIQQ")  # magic, version, method, flags, status, length, id, digest
FRAME_MAGIC = 0x46515141
FRAME_BYTES_MAX = 32 << 20
BULK_MAGIC = 0x42515141


def frame_header(length):
    """A header that announces so many bytes. Its digest is not looked at before they have come."""
    return HEADER.pack(FRAME_MAGIC, 1, 1, 0, 0, length, 1, 0)


def resident_bytes(server):
    for line in Path(f"/proc/{server.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) << 10
    raise AssertionError("no VmRSS")


def cpu_seconds(server):
    fields = Path(f"/proc/{server.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Victims:
    """Well-behaved clients, one by mapped memory and one by TCP, that check what they get."""

    def __init__(self, address):
        self.clients = [aquifer.Client(address, transport=way, timeout=20)
                        for way in ("shm", "tcp")]
        self.number = 0

    def round(self):
        """Puts and gets; calls a second. Each call must be right."""
        start = time.monotonic()
        for _ in range(CALLS // 4):
            for client in self.clients:
                key = f"victim/{self.number % 30}"
                self.number += 1
                assert client.put(key, content(key, VALUE_BYTES)).ok
                assert is_content(client.get(key), key)
        return CALLS / (time.monotonic() - start)

    def newcomer(self, address):
        """A client that was not there before gets in as well."""
        for way in ("shm", "tcp"):
            with aquifer.Client(address, transport=way, timeout=20) as client:
                assert client.put("newcomer", b"x").ok
                assert client.get("newcomer") == b"x"

    def close(self):
        for client in self.clients:
            client.close()


def unix_name(node):
    """The abstract socket on which a node hands out its memory."""
    inodes = set()
    for link in Path(f"/proc/{node.pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            target = os.readlink(link)
            if target.startswith("socket:["):
                inodes.add(target[8:-1])
    for line in Path("/proc/net/unix").read_text().splitlines()[1:]:
        words = line.split()
        if words[6] in inodes and len(words) > 7 and words[7].startswith("@"):
            return "\0" + words[7][1:]
    raise AssertionError("the node has no abstract socket")


def address_of(server):
    host, port = server.address.removeprefix("tcp://").rsplit(":", 1)
    return host, int(port)


def connect(target):
    family = socket.AF_UNIX if isinstance(target, str) else socket.AF_INET
    peer = socket.socket(family)
    peer.settimeout(10)
    with contextlib.suppress(OSError):  # refused or dropped is an answer, too
        peer.connect(target)
    return peer


class Crowd:
    """1,000 connections: silent ones, ones that have sent a piece of something, ones that have closed
    their sending half, and ones that send a byte now and then."""

    def __init__(self, target, piece):
        self.peers = [connect(target) for _ in range(CROWD)]
        for number, peer in enumerate(self.peers):
            with contextlib.suppress(OSError):
                if number % 4 == 1:
                    peer.sendall(piece)
                elif number % 4 == 2:
                    peer.shutdown(socket.SHUT_WR)
        self.stopping = threading.Event()
        self.piece = piece
        self.thread = threading.Thread(target=self._drip)
        self.thread.start()

    def _drip(self):
        at = 0
        while not self.stopping.wait(0.05):
            for peer in self.peers[3::4]:
                with contextlib.suppress(OSError):
                    peer.send(self.piece[at % len(self.piece):][:1], socket.MSG_DONTWAIT)
            at += 1

    def close(self):
        self.stopping.set()
        self.thread.join()
        for peer in self.peers:
            peer.close()


class NeverReads:
    """Clients that ask for as much as the connection takes and read nothing of the answers."""

    def __init__(self, target, hellos, request):
        self.peers = {connect(target): hello for hello in hellos}  # with what is to be sent next
        self.more = request * 2000
        self.sent = 0
        self.cut_off = 0
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._send)
        self.thread.start()
        self._settle()

    def _settle(self):
        """Until all that can wait somewhere does."""
        end = time.monotonic() + 20
        seen = -1
        while seen != self.sent:
            assert time.monotonic() < end, "it goes on listening to who does not read"
            seen = self.sent
            time.sleep(0.2)

    def _send(self):
        while self.peers and not self.stopping.is_set():
            _, ready, _ = select.select([], list(self.peers), [], 0.05)
            for peer in ready:
                left = self.peers[peer] or self.more
                try:
                    count = peer.send(left, socket.MSG_DONTWAIT)
                    self.peers[peer] = left[count:]
                    self.sent += count
                except BlockingIOError:
                    pass
                except OSError:
                    del self.peers[peer]
                    self.cut_off += 1
                    peer.close()

    def close(self):
        self.stopping.set()
        self.thread.join()
        for peer in self.peers:
            peer.close()


class Flood:
    """A client that makes calls from several threads without a pause."""

    def __init__(self, address):
        self.client = aquifer.Client(address, timeout=20)
        self.calls = 0
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self._call) for _ in range(4)]
        for thread in self.threads:
            thread.start()

    def _call(self):
        keys = [f"flood/{number}" for number in range(2000)]
        while not self.stopping.is_set():
            self.client.exists_batch(keys)
            self.calls += len(keys)

    def close(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join()
        self.client.close()
        assert self.calls > 0


def recorded_frames(address, action):
    """The frames that a client sends to the server at `address` for an action: the hello first."""
    near_end = socket.create_server(("127.0.0.1", 0))
    taken = bytearray()

    def serve():
        with contextlib.suppress(OSError), near_end.accept()[0] as near, connect(address) as far:
            while True:
                for end in select.select([near, far], [], [], 10)[0]:
                    piece = end.recv(1 << 20)
                    if not piece:
                        return
                    if end is near:
                        taken.extend(piece)
                    (far if end is near else near).sendall(piece)

    thread = threading.Thread(target=serve)
    thread.start()
    action(f"tcp://127.0.0.1:{near_end.getsockname()[1]}")
    thread.join(20)
    near_end.close()
    frames = []
    while taken:
        length = HEADER.size + HEADER.unpack_from(taken)[5]
        frames.append(bytes(taken[:length]))
        del taken[:length]
    return frames


def method_of(frame):
    return HEADER.unpack_from(frame)[2]


@pytest.fixture
def crowded(processes):
    meta = processes.meta()
    node = processes.node(dram="128MiB")
    for server in (meta, node):
        server.expect_warning("connection")
    victims = Victims(processes.meta_address)
    victims.round()
    yield processes, meta, node, victims
    victims.close()


def compare(capsys, what, victims, abuse, processes):
    """Rounds without and with the abuse in turn; prints the ratio of their medians."""
    calm, loud = [], []
    for _ in range(ROUNDS):
        calm.append(victims.round())
        with contextlib.closing(abuse()):
            victims.newcomer(processes.meta_address)
            loud.append(victims.round())
            victims.newcomer(processes.meta_address)
    ratio = statistics.median(loud) / statistics.median(calm)
    with capsys.disabled():
        print(f"\n  {what}: others make {statistics.median(loud):.0f} calls/s, "
              f"{statistics.median(calm):.0f} without: ratio {ratio:.2f}", end="")
    assert ratio > 0


CROWDS = {
    "meta": lambda meta, node: (address_of(meta), frame_header(FRAME_BYTES_MAX) + bytes(100)),
    "the data port": lambda meta, node: (address_of(node),
                                         struct.pack("<I", BULK_MAGIC) + bytes(100)),
    "the Unix socket": lambda meta, node: (unix_name(node), bytes(3)),
}


@pytest.mark.parametrize("where", CROWDS)
def test_a_crowd_of_silent_slow_and_half_open_connections_keeps_nobody_out(crowded, capsys, where):
    processes, meta, node, victims = crowded
    target, piece = CROWDS[where](meta, node)
    before = {server: resident_bytes(server) for server in (meta, node)}
    compare(capsys, f"{CROWD} connections to {where}", victims, lambda: Crowd(target, piece),
            processes)
    crowd = Crowd(target, piece)
    try:
        victims.round()
        for server in (meta, node):
            # 64 KiB for each connection that has said nothing yet, and as much for all else.
            grown = resident_bytes(server) - before[server]
            assert grown < CROWD * (128 << 10), f"{server.arguments}: {grown} bytes more"
        used = {server: cpu_seconds(server) for server in (meta, node)}
        time.sleep(1)
        for server in (meta, node):
            assert cpu_seconds(server) - used[server] < 0.9, f"{server.arguments} spins"
    finally:
        crowd.close()
    victims.round()


def test_clients_that_never_read_cost_no_more_than_their_limit(crowded, capsys):
    processes, meta, _, victims = crowded

    def ask_for_the_status_often(address):
        with aquifer.Client(address, timeout=20) as client:
            for _ in range(5):
                client.status()

    count = 8
    # Of one client meta knows one connection: each has a hello of its own.
    hellos = [recorded_frames(address_of(meta), ask_for_the_status_often)[0] for _ in range(count)]
    _, *rest = recorded_frames(address_of(meta), ask_for_the_status_often)
    methods = [method_of(frame) for frame in rest]
    request = next(frame for frame in rest if methods.count(method_of(frame)) == 5)
    before = resident_bytes(meta)

    def abuse():
        return NeverReads(address_of(meta), hellos, request)

    compare(capsys, f"{count} clients that never read", victims, abuse, processes)
    running = abuse()
    try:
        for _ in range(3):
            victims.round()
        assert running.sent > 1_000_000 and running.cut_off == 0, "they were not that bad"
        # What waits for one of them, as much again while it grows, and what has come from it.
        grown = resident_bytes(meta) - before
        assert grown < count * (16 << 20), f"{grown} bytes more"
    finally:
        running.close()
    victims.round()


def test_a_client_that_floods_does_not_stop_the_others(crowded, capsys):
    processes, meta, _, victims = crowded
    before = resident_bytes(meta)
    compare(capsys, "a client that floods", victims, lambda: Flood(processes.meta_address),
            processes)
    assert resident_bytes(meta) - before < 128 << 20
