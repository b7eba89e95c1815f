"""Fixtures: a pool inside this process for most tests, real programs for those that kill them."""

import integration_setup  # noqa: F401  (first: it makes the others importable)
import pytest
from processes import Processes

import aquifer


@pytest.fixture(scope="session")
def pool():
    with aquifer.Pool("128MiB") as pool:
        yield pool


@pytest.fixture
def options(pool, request):
    """Options of a plug-in: the pool of the session, a namespace of the test's own."""
    return {"meta": pool.meta, "namespace": request.node.name[:200]}


@pytest.fixture
def client(options):
    with aquifer.Client(options["meta"], namespace=options["namespace"]) as client:
        yield client


@pytest.fixture
def processes(tmp_path):
    """Starts programs; fails the test when one of them leaves something behind."""
    started = Processes(tmp_path)
    yield started
    started.close()


@pytest.fixture
def absent_meta(processes):
    """The address of a meta that has ended."""
    meta = processes.meta()
    meta.stop()
    return meta.ready_line.split()[-1]
