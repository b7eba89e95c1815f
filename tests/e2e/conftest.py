"""Fixtures of the tests that start real programs; what they do is in processes.py."""

import pytest
from processes import Processes


@pytest.fixture
def processes(tmp_path):
    """Starts programs; fails the test when one of them leaves something behind."""
    started = Processes(tmp_path)
    yield started
    started.close()


@pytest.fixture
def pool(processes):
    """The same, with a meta and one node called "a" running."""
    processes.meta()
    processes.node("--name", "a")
    return processes
