"""Real programs for the tests: started on free ports, watched, and always ended by their pid."""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path

READY_SECONDS = 30
STOP_SECONDS = 15
HOST = f"127.0.{random.randint(1, 250)}.{random.randint(2, 250)}"  # of this run


def free_port():
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


class Program:
    """`python -m MODULE WORDS`, with stdout and stderr in files."""

    def __init__(self, module, words, folder, environment):
        self.words = [module, *map(str, words)]
        self.output, self.errors = folder / "out", folder / "err"
        with open(self.output, "wb") as out, open(self.errors, "wb") as err:
            self.process = subprocess.Popen([sys.executable, "-m", *self.words], stdout=out,
                                            stderr=err, stdin=subprocess.DEVNULL, env=environment)

    def describe(self):
        return f"{self.words}: {self.process.poll()}\n{self.errors.read_text()}"

    def wait_port(self, port, host=HOST):
        """Waits until somebody answers there."""
        end = time.monotonic() + READY_SECONDS
        while True:
            with socket.socket() as probe:
                probe.settimeout(1)
                if probe.connect_ex((host, port)) == 0:
                    return self
            assert self.process.poll() is None, self.describe()
            assert time.monotonic() < end, f"not ready: {self.describe()}"
            time.sleep(0.02)

    def stop(self, number=signal.SIGTERM):
        """Ends it; the exit status."""
        if self.process.poll() is None:
            os.kill(self.process.pid, number)
        return self.process.wait(STOP_SECONDS)

    def run_out(self):
        """Waits for its end: (status, stdout, stderr)."""
        status = self.process.wait(READY_SECONDS)
        return status, self.output.read_text(), self.errors.read_text()


class Master(Program):
    """A mooncake_master of this host."""

    def __init__(self, ports, words, folder, environment):
        self.port, self.http_port = ports
        super().__init__("aquifer_compat.mooncake_master",
                         ["--rpc_address", HOST, "--port", self.port, "--metrics_host", HOST,
                          "--metrics_port", self.http_port, *words], folder, environment)
        self.address = f"{HOST}:{self.port}"

    def http(self, path, method="GET", body=None):
        """(status, text)."""
        return http(self.http_port, path, method, body)

    def wait_segments(self, count):
        """Waits until so many segments are in the pool; their names."""
        end = time.monotonic() + READY_SECONDS
        while True:
            names = self.http("/get_all_segments")[1].split()
            if len(names) == count:
                return names
            assert time.monotonic() < end, (names, self.describe())
            time.sleep(0.05)


def http(port, path, method="GET", body=None, host=HOST):
    """(status, bytes as text)."""
    data = json.dumps(body).encode() if isinstance(body, dict) else body
    request = urllib.request.Request(f"http://{host}:{port}{path}", data, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


class Worker:
    """An engine's process: runs a script that speaks lines of JSON with the test."""

    def __init__(self, script, arguments, folder, environment):
        self.errors = folder / "err"
        with open(self.errors, "wb") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-c", script, *map(str, arguments)], stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, stderr=err, env=environment, text=True)

    def ask(self, *command):
        """Sends a command and returns what it answers."""
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, f"{self.process.poll()} {self.errors.read_text()}"
        return json.loads(line)

    def stop(self, number=None):
        """Ends it, by the end of its input or by a signal; the exit status."""
        if number is not None and self.process.poll() is None:
            os.kill(self.process.pid, number)
        self.process.stdin.close()
        status = self.process.wait(STOP_SECONDS)
        self.process.stdout.close()
        return status


class Programs:
    """All that one test starts."""

    def __init__(self, folder):
        self._folder = Path(folder)
        self._started = []
        self._mark = uuid.uuid4().hex

    def environment(self, extra=None):
        kept = {name: value for name, value in os.environ.items()
                if not name.startswith(("AQUIFER_", "MOONCAKE_"))}
        return {**kept, "COMPAT_TEST_MARK": self._mark, **(extra or {})}

    def _next_folder(self):
        folder = self._folder / str(len(self._started))
        folder.mkdir()
        return folder

    def start(self, module, *words, environment=None):
        program = Program(module, words, self._next_folder(), self.environment(environment))
        self._started.append(program)
        return program

    def master(self, *words, ports=None):
        master = Master(ports or (free_port(), free_port()), words, self._next_folder(),
                        self.environment())
        self._started.append(master)
        master.wait_port(master.port)
        return master.wait_port(master.http_port)

    def worker(self, script, *arguments, environment=None):
        worker = Worker(script, arguments, self._next_folder(), self.environment(environment))
        self._started.append(worker)
        return worker

    def close(self):
        problems = []
        for program in reversed(self._started):
            if program.process.poll() is None:
                os.kill(program.process.pid, signal.SIGCONT)
                program.process.terminate()
                try:
                    program.process.wait(STOP_SECONDS)
                except subprocess.TimeoutExpired:
                    program.process.kill()
                    program.process.wait()
                    problems.append(f"SIGTERM did not end {program.errors.read_text()}")
            for stream in (program.process.stdin, program.process.stdout):
                if stream is not None:
                    stream.close()
            errors = program.errors.read_text()
            if "Traceback" in errors:
                problems.append(errors)
        problems += self._left_processes()
        assert not problems, "\n".join(problems)

    def _left_processes(self):
        mark = f"COMPAT_TEST_MARK={self._mark}".encode()
        left = []
        for folder in Path("/proc").iterdir():
            if not folder.name.isdigit() or int(folder.name) == os.getpid():
                continue
            try:
                if mark in (folder / "environ").read_bytes():
                    left.append(f"left process {folder.name}: {(folder / 'cmdline').read_bytes()}")
                    os.kill(int(folder.name), signal.SIGKILL)
            except OSError:
                continue
        return left
