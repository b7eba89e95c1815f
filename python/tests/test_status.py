import pickle
from enum import IntEnum

import pytest

import aquifer
from aquifer import Status


def test_numbers_are_those_of_the_protocol():
    assert {status.name: int(status) for status in Status} == {
        "OK": 0,
        "EXISTS": 1,
        "NOT_FOUND": 2,
        "BUSY": 10,
        "TIMEOUT": 11,
        "UNKNOWN": 12,
        "RECOVERING": 13,
        "PENDING": 14,
        "IN_FLIGHT": 15,
        "UNREACHABLE": 20,
        "NO_SPACE": 21,
        "CLOSED": 22,
        "INVALID_ARGUMENT": 30,
        "TOO_LARGE": 31,
        "TOO_SMALL": 32,
        "NOT_SUPPORTED": 33,
        "VERSION_MISMATCH": 34,
        "CONFLICT": 35,
        "DENIED": 36,
        "CANCELLED": 40,
        "INTEGRITY": 50,
        "INTERNAL": 51,
        "IO": 52,
    }


def test_only_ok_and_exists_are_ok_and_true():
    assert {status for status in Status if status.ok} == {Status.OK, Status.EXISTS}
    assert all(bool(status) is status.ok for status in Status)


def test_is_an_int_enum():
    assert issubclass(Status, IntEnum)
    assert Status.OK == 0 and Status(10) is Status.BUSY and Status["IO"] is Status.IO
    assert str(Status.BUSY) == "Status.BUSY"
    assert Status.__module__ == "aquifer"
    with pytest.raises(ValueError):
        Status(99)


@pytest.mark.parametrize("status", Status)
def test_survives_pickling(status):
    assert pickle.loads(pickle.dumps(status)) is status


def test_put_answers_members(client):
    assert client.put("key", b"value") is Status.OK
    assert client.put("key", b"value") is Status.EXISTS


def test_public_names_are_all_there():
    assert sorted(aquifer.__all__) == [
        "Addresses",
        "AsyncClient",
        "AsyncKeyIterator",
        "AsyncPendingPut",
        "Client",
        "KeyIterator",
        "Meta",
        "Node",
        "PendingPut",
        "Pool",
        "Status",
        "View",
        "__version__",
        "include_dir",
        "library_dir",
    ]
    assert set(aquifer.__all__) <= set(dir(aquifer))
    for name in set(aquifer.__all__) - {"__version__", "include_dir", "library_dir"}:
        assert getattr(aquifer, name).__module__ == "aquifer"
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        aquifer.Nothing
