"""After fork() calls of the child answer CLOSED; the parent and new clients go on."""

import pytest

PREAMBLE = """
import gc, os, signal, sys, threading, time, traceback
import aquifer
from aquifer import Status

def in_child(work, leave=os._exit):
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        signal.alarm(60)
        try:
            work()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        leave(0)
    return child

def wait(child):
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0, status

pool = aquifer.Pool("32MiB")
client = pool.client()
value = os.urandom(100_000)
assert client.put("key", value) is Status.OK
assert client.get("key") == value
"""

CLOSED = """
def work():
    global client, pool
    assert client.put("other", b"value") is Status.CLOSED
    assert client.put_batch(["a", "b"], [b"1", b"2"]) == [Status.CLOSED] * 2
    assert client.get("key") is None
    assert client.get_batch(["key", "key"]) == [None, None]
    assert client.get_into("key", bytearray(100_000)) == -Status.CLOSED
    assert client.get_into_batch(["key"], [bytearray(100_000)]) == [-Status.CLOSED]
    assert client.exists("key") is False
    assert client.exists_batch(["key"]) == [False]
    assert client.match_prefix(["key"]) == 0
    assert client.remove("key") is Status.CLOSED
    assert client.remove_batch(["key"]) == [Status.CLOSED]
    assert client.stat("key") is None
    assert client.status() == {}
    assert client.put_if_absent("other", b"value") is Status.CLOSED
    assert client.replace("other", b"value") is Status.CLOSED
    assert client.open_put("other", 5).status is Status.CLOSED
    assert client.get_range("key", 0, 5) is None
    assert client.get_range_into("key", 0, bytearray(5)) == -Status.CLOSED
    assert client.view("key") is None
    assert client.pin("key", 60) is Status.CLOSED
    assert client.list() is None
    assert list(client.iter_keys()) == []
    assert client.clear() == -Status.CLOSED
    client.counters()
    client.last_error()
    client.close()
    pool.close()
    del client, pool
    gc.collect()
"""


@pytest.mark.parametrize("leave", ["os._exit", "sys.exit"])
def test_the_child_gets_clean_errors_and_the_parent_goes_on(run_python, leave):
    run_python(
        PREAMBLE
        + CLOSED
        + f"""
wait(in_child(work, {leave}))
assert client.get("key") == value
assert client.put("after", b"value") is Status.OK
client.close()
pool.close()
"""
    )


def test_a_child_that_touches_nothing_disturbs_nobody(run_python):
    run_python(
        PREAMBLE
        + """
for leave in (os._exit, sys.exit):
    wait(in_child(lambda: None, leave))
assert client.get("key") == value
"""
    )


def test_the_child_can_open_a_client_of_its_own(run_python):
    run_python(
        PREAMBLE
        + """
def work():
    with aquifer.Client(pool.meta) as mine, pool.client(transport="tcp") as another:
        assert mine.get("key") == value, mine.last_error()
        assert mine.put("from the child", b"value") is Status.OK
        assert another.get("from the child") == b"value", another.last_error()

wait(in_child(work, sys.exit))
assert client.get("from the child") == b"value"
"""
    )


def test_the_child_can_have_a_pool_of_its_own(run_python):
    run_python(
        PREAMBLE
        + """
def work():
    with aquifer.Pool("16MiB") as mine, mine.client() as another:
        assert another.put("key", b"mine") is Status.OK
        assert another.get("key") == b"mine"

wait(in_child(work, sys.exit))
"""
    )


def test_a_fork_in_the_middle_of_calls_leaves_no_lock_behind(run_python):
    run_python(
        PREAMBLE
        + CLOSED
        + """
stop = threading.Event()
def hammer(number):
    while not stop.is_set():
        client.put(f"hammer{number}", value)
        assert client.get("key") == value
        client.remove(f"hammer{number}")

threads = [threading.Thread(target=hammer, args=(n,)) for n in range(3)]
for thread in threads:
    thread.start()
for _ in range(20):
    wait(in_child(work))
stop.set()
for thread in threads:
    thread.join()
assert client.get("key") == value
"""
    )


def test_views_and_open_puts_belong_to_the_parent(run_python):
    run_python(
        PREAMBLE
        + """
view = client.view("key")
pieces = view.pieces
copy = aquifer.Client(pool.meta, transport="tcp").view("key")
put = client.open_put("open", 10)
assert put.write(0, b"hello") is Status.OK
keys = client.iter_keys()

def work():
    global view, pieces, copy, put, keys
    for inherited in (view, copy):
        for use in (lambda: inherited.pieces, lambda: bytes(inherited), inherited.verify):
            try:
                use()
            except ValueError as error:
                assert "before fork()" in str(error), error
            else:
                raise AssertionError("no error")
    assert put.write(5, b"other") is Status.CLOSED
    assert list(keys) == [] and not keys.complete
    view.release()
    put.abort()
    del view, pieces, copy, put, keys
    gc.collect()

for leave in (os._exit, sys.exit):
    wait(in_child(work, leave))
wait(in_child(lambda: None, sys.exit))
assert b"".join(pieces) == bytes(copy) == value and view.verify() is Status.OK
assert put.write(5, b"world") is Status.OK and put.commit() is Status.OK
assert client.get("open") == b"helloworld"
assert client.status()["views"] == 1
"""
    )
