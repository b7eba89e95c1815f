"""Clients in processes of their own, which tests stop and kill in the middle of a call."""

import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent

PUT = """
import sys
sys.path.insert(0, sys.argv[1])
import aquifer
from contents import content
meta, transport, key, size, timeout = sys.argv[2:]
value = content(key, int(size))
with aquifer.Client(meta, transport=transport, timeout=float(timeout)) as client:
    client.get("no such key")
    if client.put("warm " + key, b"x", timeout=5).ok:  # the way to the node is known now
        client.remove("warm " + key)
    print("ready", flush=True)
    sys.stdin.readline()
    print(client.put(key, value).name, flush=True)
"""


class ClientProcess:
    """A Python script with the client's module; always ended by close()."""

    def __init__(self, processes, script, *arguments, prefix=()):
        environment = processes.environment()
        environment.setdefault("PYTHONDONTWRITEBYTECODE", "1")
        self.process = subprocess.Popen(
            [*prefix, sys.executable, "-c", script, str(HERE), *map(str, arguments)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
        self._read = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def pid(self):
        return self.process.pid

    def line(self, seconds=30):
        """The next line of its output; None when it has none within the time, or has ended."""
        end = time.monotonic() + seconds
        while b"\n" not in self._read:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                return None
            piece = os.read(self.process.stdout.fileno(), 65536)
            if not piece:
                return None
            self._read += piece
        line, self._read = self._read.split(b"\n", 1)
        return line.decode()

    def go(self):
        self.process.stdin.write(b"go\n")
        self.process.stdin.flush()

    def stop(self):
        """Stops it; returns when all its threads have stopped."""
        self.send(signal.SIGSTOP)
        os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def send(self, number):
        os.kill(self.pid, number)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


class Putter(ClientProcess):
    """Puts one value when told to, and prints the status."""

    def __init__(self, processes, key, size, *, transport="shm", timeout=60, meta=None):
        super().__init__(processes, PUT, meta or processes.meta_address, transport, key, size,
                         timeout)
        self.key = key
        assert self.line() == "ready"

    def stop_in_the_middle(self, client, delay):
        """Starts the put and stops the process `delay` seconds after its space was given to it.
        False when the put has ended by then."""
        before = client.status()["used_bytes"]
        self.go()
        end = time.monotonic() + 10
        while client.status()["used_bytes"] == before:
            assert time.monotonic() < end, "the put never started"
        time.sleep(delay)
        self.stop()
        return self.line(0) is None and not client.exists(self.key)
