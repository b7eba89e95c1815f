"""What the checks of a chaos run rest on: values that tell whose they are, and the ledger of what may be
read."""

import numpy
import pytest
from aquifer import Status
from ledger import PUT, REMOVE, REPLACE, Ledger
from values import content, first_wrong, size_of, version_of

KEY = "chaos/0/0"


@pytest.fixture
def row(tmp_path):
    return Ledger(tmp_path / "ledger", 1, 4, create=True).row(0, 0)


def done(row, operation, status):
    row.begin(operation)
    return row.finish(status)


def fault(row, version, **options):
    return row.expectation(**options).fault(version, row.attempted)


@pytest.mark.parametrize("offset, length", [(0, 1000), (0, 64), (3, 500), (808, 192), (985, 15)])
def test_any_part_of_a_value_tells_its_version_and_its_first_wrong_byte(offset, length):
    part = content(KEY, 7, 1000)[offset:offset + length].copy()
    assert version_of(part, KEY, offset) == 7
    assert first_wrong(part, KEY, 7, offset) is None
    for at in {0, length // 2, length - 1}:
        part[at] ^= 1
        assert first_wrong(part, KEY, 7, offset) == offset + at
        part[at] ^= 1


def test_bytes_of_another_key_place_or_version_are_wrong():
    value = content(KEY, 7, 1000)
    assert version_of(content("chaos/0/1", 7, 1000), KEY) is None
    assert version_of(value[8:], KEY) is None
    assert version_of(numpy.zeros(1000, numpy.uint8), KEY) is None
    mixed = numpy.concatenate([value[:504], content(KEY, 8, 1000)[504:]])
    assert first_wrong(mixed, KEY, 7) == 504


def test_sizes_are_within_their_bounds_and_differ():
    sizes = {size_of(KEY, version, 4096) for version in range(500)}
    assert min(sizes) >= 64 and max(sizes) <= 4096 and len(sizes) > 100


def test_what_was_acknowledged_must_be_there_and_what_it_replaced_must_not(row):
    assert fault(row, 1) == "never_put"
    done(row, PUT, Status.OK)
    assert row.must and fault(row, 1) is None
    done(row, REPLACE, Status.OK)
    assert row.must and fault(row, 1) == "stale" and fault(row, 2) is None


def test_a_put_does_not_promise_that_what_was_there_before_is_gone(row):
    done(row, PUT, Status.UNKNOWN)
    done(row, PUT, Status.OK)
    assert row.must and fault(row, 1) is None and fault(row, 2) is None


def test_what_was_removed_must_be_gone_until_it_is_put_again(row):
    done(row, PUT, Status.OK)
    done(row, REMOVE, Status.OK)
    assert not row.must and fault(row, 1) == "stale"
    done(row, PUT, Status.OK)
    assert row.must and fault(row, 1) == "stale" and fault(row, 2) is None


def test_while_a_node_owes_a_removal_only_a_reader_without_handles_must_not_find_it(row):
    done(row, PUT, Status.OK)
    done(row, REMOVE, Status.PENDING)
    assert fault(row, 1) is None and fault(row, 1, fresh=True) == "stale"


def test_a_put_that_was_refused_must_not_be_there_and_one_that_is_unknown_may(row):
    done(row, PUT, Status.TIMEOUT)
    assert fault(row, 1) == "stale" and not row.must
    done(row, PUT, Status.OK)
    done(row, REPLACE, Status.TIMEOUT)
    assert fault(row, 2) is None and fault(row, 3) == "not_stored"
    done(row, REPLACE, Status.UNKNOWN)
    assert row.must and row.rests_until > 0
    assert fault(row, 2) is None and fault(row, 4) is None


def test_an_owner_that_was_killed_in_the_middle_leaves_an_unknown_outcome(row):
    done(row, PUT, Status.OK)
    row.begin(REPLACE)
    row.settle()
    assert row.must and row.rests_until > 0 and row.sequence % 2 == 0
    assert fault(row, 1) is None and fault(row, 2) is None
    row.begin(REMOVE)
    row.settle()
    assert not row.must


def test_a_remove_that_finds_nothing_where_an_object_must_be_is_told(row):
    assert not done(row, REMOVE, Status.NOT_FOUND)
    done(row, PUT, Status.OK)
    assert done(row, REMOVE, Status.NOT_FOUND) and not row.must


def test_a_miss_counts_only_when_the_object_had_to_be_there_all_the_time(row):
    assert not row.had_to_be_there(row.expectation())
    done(row, PUT, Status.OK)
    before = row.expectation()
    assert row.had_to_be_there(before)
    row.begin(REMOVE)
    assert not row.had_to_be_there(before) and not row.had_to_be_there(row.expectation())
