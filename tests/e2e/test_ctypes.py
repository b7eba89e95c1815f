"""libaquifer.so from a language that only knows how to call C, against a pool of other processes."""

import ctypes
import os
from ctypes import byref, c_char, c_int32, c_size_t, c_uint64, c_void_p, sizeof

import capi
import pytest
from capi import Text, pieces, struct


@pytest.fixture(scope="module")
def c():
    return capi.Library()


@pytest.fixture
def client(c, pool):
    """A client of a meta and the node "a"."""
    handle = c_void_p()
    options = struct(capi.ClientOptions, meta=Text.of(pool.meta_address.encode()))
    assert c.client_open(byref(options), byref(handle), None) == capi.OK
    yield handle
    c.client_free(handle)


def put(c, client, key, *parts, options=None):
    return c.put(client, Text.of(key), pieces(*parts), len(parts), options)


def get(c, client, key):
    """The value, or the status."""
    value, size = c_void_p(), c_uint64()
    status = c.get(client, Text.of(key), None, byref(value), byref(size))
    if status != capi.OK:
        return status
    found = ctypes.string_at(value, size.value)
    c.free(value)
    return found


def last_error(c, client):
    error = struct(capi.Error)
    assert c.last_error(client, byref(error)) == capi.OK
    return error


def test_values_keys_and_names_go_through(c, client):
    key = b"a key\0with a zero"
    value = os.urandom(300_000)
    assert put(c, client, key, value[:1000], value[1000:]) == capi.OK
    assert put(c, client, key, b"other") == capi.EXISTS
    assert get(c, client, key) == value
    assert get(c, client, b"a key") == capi.NOT_FOUND
    left, right = bytearray(200_000), bytearray(200_000)
    size = c_uint64()
    assert c.get_into(client, Text.of(key), pieces(left, right), 2, None, byref(size)) == capi.OK
    assert size.value == len(value)
    assert left + right[:100_000] == value and not any(right[100_000:])
    assert c.get_into(client, Text.of(key), pieces(left), 1, None, byref(size)) == capi.TOO_SMALL
    assert size.value == len(value)
    assert c.status_name(capi.TOO_SMALL) == b"too_small"
    assert c.version().count(b".") == 2


def test_batches_answer_each_key(c, client):
    values = [b"one", b"four", b"three"]
    parts = [pieces(value) for value in values]
    items = (capi.PutItem * 3)(*[
        capi.PutItem(Text.of(b"k%d" % i), part, 1, Text()) for i, part in enumerate(parts)])
    statuses = (c_int32 * 3)(-1, -1, -1)
    assert c.put_batch(client, items, 3, None, statuses) == capi.OK
    assert list(statuses) == [capi.OK] * 3

    keys = (Text * 4)(*[Text.of(key) for key in (b"k0", b"k1", b"absent", b"k2")])
    matched = c_size_t(9)
    assert c.match_prefix(client, keys, 4, None, byref(matched)) == capi.OK
    assert matched.value == 2
    found = (c_int32 * 4)()
    assert c.exists_batch(client, keys, 4, None, found) == capi.NOT_FOUND
    assert list(found) == [capi.OK, capi.OK, capi.NOT_FOUND, capi.OK]

    rooms = [bytearray(8) for _ in range(4)]
    places = [pieces(room) for room in rooms]
    gets = (capi.GetItem * 4)(*[capi.GetItem(key, place, 1) for key, place in zip(keys, places)])
    outcomes = (capi.GetOutcome * 4)()
    assert c.get_batch(client, gets, 4, None, outcomes) == capi.NOT_FOUND
    assert [outcome.bytes for outcome in outcomes] == [3, 4, 0, 5]
    assert rooms[3] == b"three\0\0\0"


def test_options_of_a_call_reach_the_pool(c, client):
    absent = struct(capi.PutOptions, mode=capi.IF_ABSENT)
    replace = struct(capi.PutOptions, mode=capi.REPLACE, preferred_node=Text.of(b"a"))
    elsewhere = struct(capi.PutOptions, name_space=Text.of(b"elsewhere"), timeout_ms=1000)
    assert put(c, client, b"key", b"old", options=byref(absent)) == capi.OK
    assert put(c, client, b"key", b"new", options=byref(absent)) == capi.EXISTS
    assert put(c, client, b"key", b"new", options=byref(replace)) == capi.OK
    assert get(c, client, b"key") == b"new"
    assert put(c, client, b"key", b"other", options=byref(elsewhere)) == capi.OK
    call = struct(capi.CallOptions, name_space=Text.of(b"elsewhere"))
    assert c.remove(client, Text.of(b"key"), byref(call)) == capi.OK
    assert c.exists(client, Text.of(b"key"), byref(call)) == capi.NOT_FOUND
    assert c.exists(client, Text.of(b"key"), None) == capi.OK


def test_an_open_put_is_written_in_any_order(c, client):
    value = os.urandom(200_000)
    handle = c_void_p()
    assert c.open_put(client, Text.of(b"key"), len(value), None, 0, byref(handle)) == capi.OK
    assert c.pending_put_bytes(handle) == len(value)
    absent = struct(capi.PutOptions, mode=capi.IF_ABSENT)
    assert put(c, client, b"key", b"other", options=byref(absent)) == capi.IN_FLIGHT
    for offset in (150_000, 0, 50_000, 100_000):
        part = pieces(value[offset:offset + 50_000])
        assert c.pending_put_write(handle, offset, part, 1, 0) == capi.OK
    assert c.exists(client, Text.of(b"key"), None) == capi.NOT_FOUND
    assert c.pending_put_commit(handle, 0) == capi.OK
    c.pending_put_free(handle)
    assert get(c, client, b"key") == value
    room, size = bytearray(70_000), c_uint64()
    assert c.get_range(client, Text.of(b"key"), 140_000, pieces(room), 1, None,
                       byref(size)) == capi.OK
    assert room[:size.value] == value[140_000:]

    other = c_void_p()
    assert c.open_put(client, Text.of(b"other"), 5, None, 0, byref(other)) == capi.OK
    c.pending_put_abort(other)
    assert c.pending_put_write(other, 0, pieces(b"value"), 1, 0) == capi.CANCELLED
    c.pending_put_free(other)


def test_a_view_shows_memory_of_another_process(c, client):
    value = os.urandom(3_000_000)
    assert put(c, client, b"key", value) == capi.OK
    view, count = c_void_p(), c_size_t()
    assert c.view(client, Text.of(b"key"), None, byref(view)) == capi.OK
    assert c.remove(client, Text.of(b"key"), None) == capi.OK
    parts = c.view_pieces(view, byref(count))
    seen = b"".join(ctypes.string_at(parts[i].address, parts[i].bytes) for i in range(count.value))
    assert seen == value and c.view_bytes(view) == len(value)
    assert not c.view_is_copy(view)
    assert c.view_verify(view) == capi.OK
    c.view_release(view)
    assert c.view(client, Text.of(b"key"), None, byref(view)) == capi.NOT_FOUND
    assert not view


def test_keys_are_listed_pinned_and_removed_by_prefix(c, client):
    names = {b"p/%d" % i for i in range(30)}
    for name in names:
        assert put(c, client, name, name) == capi.OK
    assert put(c, client, b"q", b"value") == capi.OK
    listed, cursor = [], b""
    while True:
        page = c_void_p()
        assert c.list(client, Text.of(b"p/"), Text.of(cursor), 7, None, byref(page)) == capi.OK
        for index in range(c.page_count(page)):
            key, size = Text(), c_uint64()
            assert c.page_entry(page, index, byref(key), byref(size)) == capi.OK
            listed.append(ctypes.string_at(key.data, key.size))
            assert size.value == len(listed[-1])
        following = c.page_cursor(page)
        # A cursor is bytes and may hold zeros, so it is copied by its size.
        cursor = ctypes.string_at(_address(following), following.size) if following.size else b""
        c.page_free(page)
        if not cursor:
            break
    assert len(listed) == len(names) and set(listed) == names

    assert c.pin(client, Text.of(b"q"), 60_000, None) == capi.OK
    assert c.pin(client, Text.of(b"absent"), 60_000, None) == capi.NOT_FOUND
    removed = c_uint64()
    assert c.remove_prefix(client, Text.of(b"p/"), None, byref(removed)) == capi.OK
    assert removed.value == 30
    assert c.exists(client, Text.of(b"q"), None) == capi.OK


def _address(text):
    return ctypes.cast(byref(text), ctypes.POINTER(c_void_p)).contents


def test_reports_tell_of_objects_nodes_and_the_client(c, client):
    assert put(c, client, b"key", b"value") == capi.OK
    assert get(c, client, b"key") == b"value"
    found = c_void_p()
    assert c.stat(client, Text.of(b"key"), None, byref(found)) == capi.OK
    assert (c.object_bytes(found), c.object_replica_count(found)) == (5, 1)
    assert c.object_replica_node(found, 0) == b"a"
    assert c.object_replica_node(found, 1) is None
    c.object_free(found)

    report, pool, node = c_void_p(), struct(capi.PoolStatus), struct(capi.NodeStatus)
    assert c.status(client, None, byref(report)) == capi.OK
    assert c.report_pool(report, byref(pool)) == capi.OK
    assert pool.objects == 1
    assert pool.free_bytes + pool.used_bytes + pool.limbo_bytes == pool.capacity_bytes
    assert c.report_node_count(report) == 1
    assert c.report_node(report, 0, byref(node)) == capi.OK
    assert (node.name, node.state) == (b"a", b"alive") and node.process != os.getpid()
    c.report_free(report)

    counters = struct(capi.Counters)
    assert c.counters(client, byref(counters)) == capi.OK
    assert (counters.hits, counters.written_bytes_shm, counters.read_bytes_shm) == (1, 5, 5)


def test_every_struct_size_of_options_is_accepted_or_refused_and_never_fatal(c, client):
    memory = (c_char * 8192)()
    for size in [*range(0, 200), 4095, 4096, 4097, 8192, 1 << 40, (1 << 64) - 1]:
        ctypes.memset(memory, 0, sizeof(memory))
        c_size_t.from_buffer(memory).value = size
        wanted = capi.NOT_FOUND if 8 <= size <= 4096 else capi.INVALID_ARGUMENT
        assert c.exists(client, Text.of(b"key"), memory) == wanted, size
    assert "struct_size" in last_error(c, client).message.decode()


def test_options_of_a_later_version_are_refused_where_they_ask_for_something(c, client):
    known = sizeof(capi.CallOptions)
    memory = (c_char * (known + 16))()
    c_size_t.from_buffer(memory).value = known + 16
    assert c.exists(client, Text.of(b"key"), memory) == capi.NOT_FOUND
    for place in range(known, known + 16):
        memory[place] = 1
        assert c.exists(client, Text.of(b"key"), memory) == capi.INVALID_ARGUMENT, place
        memory[place] = 0


def test_answers_fill_as_much_as_the_caller_knows(c, client):
    report = c_void_p()
    assert c.status(client, None, byref(report)) == capi.OK
    known = sizeof(capi.PoolStatus)
    for size in (16, 24, known, known + 8, known + 64):
        memory = (c_char * (known + 128))(*b"\x55" * (known + 128))
        c_size_t.from_buffer(memory).value = size
        assert c.report_pool(report, memory) == capi.OK
        assert c_size_t.from_buffer(memory).value == size
        assert c_uint64.from_buffer(memory, 8).value == 64 << 20
        assert memory.raw[known:max(known, size)].strip(b"\0") == b""
        assert memory.raw[size:].strip(b"\x55") == b""
    c.report_free(report)


def test_bad_input_is_a_status_with_words(c, client):
    null = c_void_p()
    assert c.put(client, Text.of(b"key"), None, 3, None) == capi.INVALID_ARGUMENT
    assert b"NULL" in last_error(c, client).message
    assert c.exists(client, Text(None, 5), None) == capi.INVALID_ARGUMENT
    assert c.exists(None, Text.of(b"key"), None) == capi.INVALID_ARGUMENT
    assert c.exists(client, Text.of(b""), None) == capi.INVALID_ARGUMENT
    assert c.exists(client, Text.of(b"k" * 1025), None) == capi.INVALID_ARGUMENT
    assert c.exists_batch(client, None, 2, None, (c_int32 * 2)()) == capi.INVALID_ARGUMENT
    assert c.exists_batch(client, None, capi.BATCH_KEYS + 1, None, None) == capi.TOO_LARGE
    assert put(c, client, b"key", b"") == capi.INVALID_ARGUMENT
    assert c.view(client, Text.of(b"key"), None, None) == capi.INVALID_ARGUMENT
    assert c.pin(client, Text.of(b"key"), (1 << 32) - 1, None) == capi.INVALID_ARGUMENT
    wrong = struct(capi.ClientOptions, meta=Text.of(b"nonsense"))
    error = struct(capi.Error)
    assert c.client_open(byref(wrong), byref(null), byref(error)) == capi.INVALID_ARGUMENT
    assert not null and b"nonsense" in error.message


def test_a_pool_that_went_away_is_a_status(c, client, pool):
    assert put(c, client, b"key", b"value") == capi.OK
    soon = struct(capi.CallOptions, timeout_ms=300)
    pool.servers[0].stop()
    assert c.exists(client, Text.of(b"key"), byref(soon)) != capi.OK
    error = last_error(c, client)
    assert error.status != capi.OK and error.message and error.hint
    c.client_close(client)
    assert c.exists(client, Text.of(b"key"), None) == capi.CLOSED
