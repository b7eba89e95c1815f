"""A TCP proxy that damages what it passes on.

`damage(direction, data, offset)` gets each piece of each connection with its offset in that
direction's stream (UP: towards the server, DOWN: towards the client) and answers the bytes to pass
on, or raises Cut after setting its bytes. None passes everything on as it is.
"""

import socket
import threading

UP, DOWN = "up", "down"
PIECE_BYTES = 64 << 10


class Cut(Exception):
    """Ends the connection after these bytes."""

    def __init__(self, data=b""):
        super().__init__()
        self.data = data


class Proxy:
    def __init__(self, target=None):
        self.target = target  # an address "tcp://HOST:PORT"; may be set later
        self.damage = None
        self.connections = 0
        self._lock = threading.Lock()
        self._sockets = set()
        self._threads = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.address = f"tcp://127.0.0.1:{self._listener.getsockname()[1]}"
        self._acceptor = threading.Thread(target=self._accept)
        self._acceptor.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._acceptor.join()
        self.cut_all()
        for thread in self._threads:
            thread.join()

    def cut_all(self):
        """Ends all connections; new ones are taken as before."""
        with self._lock:
            for one in self._sockets:
                self._shut(one)

    def _accept(self):
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            host, port = self.target.removeprefix("tcp://").rsplit(":", 1)
            try:
                far = socket.create_connection((host, int(port)), timeout=5)
            except OSError:
                near.close()
                continue
            far.settimeout(None)
            self.connections += 1
            with self._lock:
                self._sockets |= {near, far}
            ended = []
            for direction, source, sink in ((UP, near, far), (DOWN, far, near)):
                thread = threading.Thread(target=self._pump, args=(direction, source, sink, ended))
                self._threads.append(thread)
                thread.start()

    def _pump(self, direction, source, sink, ended):
        offset = 0
        try:
            while data := source.recv(PIECE_BYTES):
                damage = self.damage
                sink.sendall(damage(direction, data, offset) if damage else data)
                offset += len(data)
        except Cut as cut:
            self._send(sink, cut.data)
        except OSError:
            pass
        self._shut(source)
        self._shut(sink)
        with self._lock:
            ended.append(direction)
            if len(ended) == 2:
                self._sockets -= {source, sink}
                source.close()
                sink.close()

    @staticmethod
    def _send(sink, data):
        try:
            sink.sendall(data)
        except OSError:
            pass

    @staticmethod
    def _shut(one):
        try:
            one.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def flipped(data, bit):
    """The data with one bit flipped; `bit` counts from its start."""
    data = bytearray(data)
    data[bit // 8] ^= 1 << bit % 8
    return bytes(data)


class FlipOnce:
    """Flips one bit of one direction, at an offset counted over all connections since it was set.
    """

    def __init__(self, direction, offset, bit):
        self.direction = direction
        self.offset = offset
        self.bit = bit
        self.done = False
        self._passed = 0
        self._lock = threading.Lock()

    def __call__(self, direction, data, _):
        with self._lock:
            if direction != self.direction or self.done:
                return data
            at = self.offset - self._passed
            self._passed += len(data)
            if at >= len(data):
                return data
            self.done = True
        return flipped(data, at * 8 + self.bit)


class FlipAll:
    """Flips one bit of every piece of at least `least` bytes."""

    def __init__(self, random, direction, least=1):
        self.random = random
        self.direction = direction
        self.least = least

    def __call__(self, direction, data, _):
        if direction != self.direction or len(data) < self.least:
            return data
        return flipped(data, self.random.randrange(len(data) * 8))


class Havoc:
    """Flips, drops, repeats, inserts and cuts, each piece with the given probability."""

    def __init__(self, random, probability):
        self.random = random
        self.probability = probability

    def __call__(self, _direction, data, _offset):
        random = self.random
        if random.random() >= self.probability:
            return data
        at = random.randrange(len(data) + 1)
        kind = random.randrange(6)
        if kind == 0:
            return flipped(data, random.randrange(len(data) * 8))
        if kind == 1:
            return data[:at]  # the rest is lost, and what comes next follows
        if kind == 2:
            return data + data[at:]
        if kind == 3:
            return data[:at] + random.randbytes(random.randrange(1, 4096)) + data[at:]
        if kind == 4:
            return random.randbytes(len(data))
        raise Cut(data[:at])


class Record:
    """Keeps what went towards the server, by the order of the pieces."""

    def __init__(self):
        self.up = b""

    def __call__(self, direction, data, _):
        if direction == UP:
            self.up += data
        return data
