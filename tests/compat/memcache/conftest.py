"""Fixtures: one metadata service and one local service for the whole run, emptied for each test."""

import pytest
from memcache_programs import MetaProcess, open_store


@pytest.fixture(scope="session")
def meta(tmp_path_factory):
    process = MetaProcess(tmp_path_factory.mktemp("meta")).start()
    yield process
    assert process.stop() == 0


@pytest.fixture(scope="session")
def shared_store(meta):
    store = open_store(meta.url)
    yield store
    assert store.close() == 0


@pytest.fixture
def store(shared_store):
    yield shared_store
    assert shared_store.remove_all() == 0
