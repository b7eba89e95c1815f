"""The right to fill a missing key goes to one client at a time."""

import time

import aquifer
import pytest
from aquifer import Status
from contents import wait_until


@pytest.fixture
def clients(pool):
    opened = [aquifer.Client(pool.meta_address) for _ in range(3)]
    yield opened
    for client in opened:
        client.close()


def ask(client, *keys, hold=30):
    return client.exists_or_fill_batch(list(keys), hold=hold)


def test_one_client_fills_and_the_others_hear_for_how_long(clients):
    first, second, third = clients
    assert ask(first, "a", "b") == [(Status.NOT_FOUND, 0)] * 2
    time.sleep(0.05)
    for client in (second, third):
        (status, seconds), (_, _), (other, _) = ask(client, "a", "b", f"own {id(client)}")
        assert status == Status.IN_FLIGHT and 0.04 < seconds < 20
        assert other == Status.NOT_FOUND
    assert ask(first, "a") == [(Status.NOT_FOUND, 0)], "the holder still has it"
    assert first.put("a", b"value").ok
    assert ask(second, "a")[0] == (Status.OK, 0)
    assert second.get("a") == b"value"
    assert ask(second, "b")[0][0] == Status.IN_FLIGHT


def test_the_right_ends_with_its_time_and_with_its_holder(clients):
    first, second, third = clients
    ask(first, "a", hold=0.2)
    ask(first, "b")
    assert ask(second, "a", "b")[0][0] == Status.IN_FLIGHT
    wait_until(lambda: ask(second, "a")[0][0] == Status.NOT_FOUND)
    first.close()
    wait_until(lambda: ask(third, "b")[0][0] == Status.NOT_FOUND)


def test_a_plain_exists_asks_for_nothing(clients):
    first, second, _ = clients
    assert not first.exists("a")
    assert first.get("a") is None
    assert ask(second, "a") == [(Status.NOT_FOUND, 0)]
    assert not first.exists("a"), "and is told nothing"
    with pytest.raises(ValueError):
        ask(first, "a", hold=-1)
