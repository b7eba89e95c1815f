"""Fixtures: a pool for the whole run, a client with a namespace of its own for each test."""

import socket
import subprocess
import sys

import pytest

import aquifer


@pytest.fixture(scope="session")
def pool():
    with aquifer.Pool("192MiB") as pool:
        yield pool


@pytest.fixture
def client(pool, request):
    # Tests share the pool and not their keys.
    with pool.client(namespace=request.node.name[:200]) as client:
        yield client


@pytest.fixture
def silent_meta():
    """The address of a server that takes connections and never answers."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        yield f"tcp://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def absent_meta():
    """An address at which nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"tcp://127.0.0.1:{taken.getsockname()[1]}"


@pytest.fixture
def run_python():
    """Runs a script in another interpreter, which must end well and print only its answer."""

    def run(script, *arguments, env=None):
        command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", script, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=env)
        assert (done.returncode, done.stderr) == (0, ""), done
        return done.stdout

    return run
