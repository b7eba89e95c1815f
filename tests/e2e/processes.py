"""Real programs for the tests: started on free ports, watched, and always ended by their pid.

`Processes` is what tests get as the fixture `processes` (conftest.py). It starts metas, nodes and
solo pools, runs client commands, and at the end fails the test when something is left behind: a
process, a port, a file in /dev/shm, or a warning on a server's stderr that no test has announced
with `expect_warning`. Nothing here knows what a command should answer.
"""

import json
import os
import re
import select
import signal
import socket
import subprocess
import time
import uuid
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("AQUIFER_BUILD_DIR", "build/dev"))
PROGRAM = (BUILD if BUILD.is_absolute() else ROOT / BUILD) / "bin" / "aquifer"

READY_SECONDS = 30
STOP_SECONDS = 15
COMMAND_SECONDS = 60
DEV_SHM = Path("/dev/shm")

# The log's level letter, the command line's own word, and what a sanitizer writes.
WARNING = re.compile(r"^\S+T\S+ [WEC] |: warning: |(ERROR|WARNING): \w+Sanitizer|runtime error:")


class Answer:
    """What a client command printed and how it ended."""

    def __init__(self, arguments, code, output, errors, seconds):
        self.arguments = arguments
        self.code = code
        self.output = output  # bytes
        self.errors = errors  # text
        self.seconds = seconds

    @property
    def text(self):
        return self.output.decode()

    @property
    def json(self):
        return json.loads(self.output)

    def __repr__(self):
        return f"{self.arguments} -> {self.code}\n{self.output[:2000]!r}\n{self.errors}"


class Server:
    """A program that serves until it is told to end. Its stderr is in the file `log`."""

    def __init__(self, arguments, log, environment, prefix=()):
        self.arguments = arguments
        self.log = log
        self.warnings_expected = []
        self.ready_line = None
        self._output = b""
        with open(log, "wb") as errors:
            self.process = subprocess.Popen(
                [*prefix, str(PROGRAM), *arguments], stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=errors, env=environment)

    @property
    def pid(self):
        return self.process.pid

    @property
    def errors(self):
        return self.log.read_text(errors="replace")

    @property
    def address(self):
        """The address of the ready line, the last word of it."""
        return self.wait_ready().split()[-1]

    @property
    def name(self):
        """The name of a node, from "ready node NAME ADDRESS"."""
        return self.wait_ready().split()[2]

    def describe(self):
        return f"{self.arguments}, exit status {self.process.poll()}\n{self.errors}"

    def _read_line(self, end):
        while b"\n" not in self._output:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                return None
            piece = os.read(self.process.stdout.fileno(), 4096)
            if not piece:
                return None
            self._output += piece
        line, self._output = self._output.split(b"\n", 1)
        return line.decode()

    def wait_ready(self, seconds=READY_SECONDS):
        """The line that says it serves. Fails when it ends before that, or takes longer."""
        if self.ready_line is None:
            self.ready_line = self._read_line(time.monotonic() + seconds)
            assert self.ready_line, f"not ready: {self.describe()}"
            assert self.ready_line.startswith("ready "), self.ready_line
        return self.ready_line

    def is_ready(self, seconds):
        """Whether the ready line comes within the time."""
        if self.ready_line is None:
            self.ready_line = self._read_line(time.monotonic() + seconds)
        return self.ready_line is not None

    def wait_error_line(self, pattern, seconds=READY_SECONDS):
        """Waits until a line of stderr matches."""
        end = time.monotonic() + seconds
        while not re.search(pattern, self.errors):
            assert time.monotonic() < end, f"no {pattern!r}: {self.describe()}"
            assert self.process.poll() is None, f"ended: {self.describe()}"
            time.sleep(0.02)

    def expect_warning(self, pattern):
        """Lines that match are no fault of this server."""
        self.warnings_expected.append(re.compile(pattern))

    def unexpected_warnings(self):
        return [line for line in self.errors.splitlines() if WARNING.search(line)
                and not any(pattern.search(line) for pattern in self.warnings_expected)]

    def send(self, number):
        os.kill(self.pid, number)

    def wait(self, seconds=STOP_SECONDS):
        """The exit status."""
        return self.process.wait(seconds)

    def stop(self, number=signal.SIGTERM):
        """Ends it in the orderly way; returns its exit status."""
        if self.process.poll() is None:
            self.send(number)
        return self.wait()

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def close(self):
        """Ends it whatever state it is in (stopped, too)."""
        if self.process.poll() is None:
            self.send(signal.SIGCONT)
            self.send(signal.SIGTERM)
            try:
                self.wait()
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError(f"SIGTERM did not end it: {self.describe()}") from None
            finally:
                self.process.stdout.close()
        else:
            self.process.stdout.close()


class Processes:
    """All that one test starts. Client commands speak to the meta that was started latest."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.servers = []
        self.meta_address = None
        self._mark = uuid.uuid4().hex
        self._shm_before = set(os.listdir(DEV_SHM))
        assert PROGRAM.exists(), f"{PROGRAM} is missing: build it with ./dev build"

    def environment(self, extra=None):
        """For a program: nothing of ours from outside, and the mark of this test."""
        kept = {name: value for name, value in os.environ.items()
                if not name.startswith("AQUIFER_")}
        return {**kept, "AQUIFER_TEST_MARK": self._mark, **(extra or {})}

    def start(self, *arguments, environment=None, prefix=()):
        """Any serving command; does not wait until it is ready."""
        log = self.folder / f"{len(self.servers)}-{arguments[0]}.log"
        server = Server([str(a) for a in arguments], log, self.environment(environment), prefix)
        self.servers.append(server)
        return server

    def meta(self, *arguments, listen="tcp://127.0.0.1:0", **options):
        server = self.start("meta", "--listen", listen, *arguments, **options)
        self.meta_address = server.address
        return server

    def node(self, *arguments, meta=None, dram="64MiB", wait=True, **options):
        if "--segments" not in arguments and "--keep" not in arguments:
            arguments += ("--segments", "memfd")  # killed nodes leave nothing
        server = self.start("node", "--meta", meta or self.meta_address, "--dram", dram,
                            *arguments, **options)
        if wait:
            server.wait_ready()
        return server

    def solo(self, *arguments, dram="64MiB", **options):
        server = self.start("solo", "--listen", "tcp://127.0.0.1:0", "--dram", dram,
                            *arguments, **options)
        self.meta_address = server.address
        return server

    def run(self, *arguments, code=0, data=b"", environment=None, cwd=None,
            seconds=COMMAND_SECONDS):
        """Runs a command to its end. `code` is the exit status it must have; None takes any."""
        extra = {"AQUIFER_META": self.meta_address} if self.meta_address else {}
        words = [str(a) if not isinstance(a, bytes) else a for a in arguments]
        start = time.monotonic()
        done = subprocess.run([str(PROGRAM), *words], input=data, capture_output=True, cwd=cwd,
                              timeout=seconds, check=False,
                              env=self.environment({**extra, **(environment or {})}))
        answer = Answer(words, done.returncode, done.stdout, done.stderr.decode(errors="replace"),
                        time.monotonic() - start)
        assert code is None or answer.code == code, answer
        return answer

    def status(self):
        return self.run("status", "--json").json

    def close(self):
        """Ends everything, clients' nodes before their meta, and says what was left behind."""
        problems = []
        for server in reversed(self.servers):
            try:
                server.close()
            except AssertionError as error:
                problems.append(str(error))
        for server in self.servers:
            problems += [f"{server.arguments}: {line}" for line in server.unexpected_warnings()]
            problems += self._open_ports(server)
        problems += self._left_processes()
        problems += [f"left in /dev/shm: {name}" for name in self._left_in_shm()]
        assert not problems, "\n".join(problems)

    @staticmethod
    def _open_ports(server):
        match = re.search(r"tcp://([\d.]+):(\d+)$", server.ready_line or "")
        if not match:
            return []
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex((match[1], int(match[2]))) == 0:
                return [f"{server.arguments} has ended, and its port {match[0]} is still served"]
        return []

    def _left_processes(self):
        mark = f"AQUIFER_TEST_MARK={self._mark}".encode()
        left = []
        for folder in Path("/proc").iterdir():
            if not folder.name.isdigit() or int(folder.name) == os.getpid():
                continue
            try:
                if mark in (folder / "environ").read_bytes():
                    words = (folder / "cmdline").read_bytes()
                    left.append(f"left process {folder.name}: {words!r}")
                    os.kill(int(folder.name), signal.SIGKILL)
            except OSError:
                continue
        return left

    def _left_in_shm(self):
        """New files that nobody maps: those of a test that runs beside this one are mapped."""
        new = set(os.listdir(DEV_SHM)) - self._shm_before
        if not new:
            return []
        mapped = b""
        for maps in Path("/proc").glob("[0-9]*/maps"):
            try:
                mapped += maps.read_bytes()
            except OSError:
                continue
        return sorted(name for name in new
                      if (DEV_SHM / name).exists() and f"/dev/shm/{name}".encode() not in mapped)
