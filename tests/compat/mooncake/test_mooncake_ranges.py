"""Calls that read and write parts of objects."""

VALUE = bytes(range(256)) * 1024


def test_get_into_ranges(store, memory, make_memory):
    room = make_memory(8192)
    assert store.register_buffer(room.address, room.size) == 0
    store.put("a", VALUE)
    store.put("b", b"b" * 100)
    answer = store.get_into_ranges(
        [room.address], [["a", "b"]], [[[0, 100], [200]]], [[[70000, 0], [90]]],
        [[[50, 20], [10]]])
    assert answer == [[[50, 20], [10]]]
    assert room[:50] == VALUE[70000:70050] and room[100:120] == VALUE[:20]
    assert room[200:210] == b"b" * 10


def test_get_into_ranges_refuses_what_leaves_object_or_buffer(store, make_memory):
    room = make_memory(4096)
    assert store.register_buffer(room.address, room.size) == 0
    store.put("a", b"a" * 100)
    (answers,), = [store.get_into_ranges(
        [room.address], [["a"]], [[[0, 4090, 0, 0, -1, 10, 20]]], [[[95, 0, 100, -1, 0, 0, 0]]],
        [[[10, 10, 1, 1, 1, 5, 0]]])]
    (found,) = answers
    assert all(code < 0 for code in found[:5]) and found[5:] == [5, 0]


def test_get_into_ranges_needs_registered_memory(store, make_memory):
    room = make_memory(4096)
    store.put("a", b"a" * 100)
    arguments = ([room.address + 10], [["a"]], [[[0]]], [[[0]]], [[[5]]])
    assert store.get_into_ranges(*arguments) == [[[-600]]]
    store.register_buffer(room.address, room.size)
    assert store.get_into_ranges(*arguments) == [[[5]]]
    store.unregister_buffer(room.address)
    assert store.get_into_ranges(*arguments) == [[[-600]]]


def test_get_into_ranges_with_shapes_that_do_not_match(store, make_memory):
    room = make_memory(4096)
    store.register_buffer(room.address, room.size)
    store.put("a", b"a" * 100)
    assert store.get_into_ranges([room.address], [["a", "a"]], [[[0], [8, 9]]], [[[0], [0]]],
                                 [[[5], [5]]]) == [[[5], [-600]]]
    assert store.get_into_ranges([room.address], [["a"]], [[]], [[[0]]], [[[5]]]) == [[[-600]]]
    assert store.get_into_ranges([room.address], [["a"]], [], [], []) == [[[-600]]]
    assert store.get_into_ranges([], [], [], [], []) == []


def test_get_into_ranges_with_misses_and_bad_keys(store, make_memory):
    room = make_memory(4096)
    store.register_buffer(room.address, room.size)
    store.put("a", b"a" * 100)
    assert store.get_into_ranges(
        [room.address], [["none", "", "a"]], [[[0], [8], [16]]], [[[0], [0], [0]]],
        [[[5], [5], [5]]]) == [[[-704], [-600], [5]]]


def test_two_fragments_to_the_same_bytes(store, make_memory):
    room = make_memory(4096)
    store.register_buffer(room.address, room.size)
    store.put("a", b"abcdef")
    assert store.get_into_ranges([room.address], [["a"]], [[[0, 0]]], [[[0, 3]]],
                                 [[[3, 3]]]) == [[[3, 3]]]
    assert room[:3] == b"def"


def test_read_sessions(store, memory, make_memory):
    room = make_memory(4096)
    store.put("a", VALUE)
    assert store.batch_get_session_start(["a", "none"]) == [0, -704]
    assert store.batch_get_into_multi_buffer_ranges(
        ["a", "none"], [[room.address, room.address + 100], [room.address + 200]],
        [[50, 60], [10]], [[0, 1000], [0]]) == [110, -704]
    assert room[:50] == VALUE[:50] and room[100:160] == VALUE[1000:1060]
    assert store.batch_get_into_multi_buffer_ranges(
        ["a", "a"], [[room.address], [room.address]], [[10], [10, 1]],
        [[len(VALUE) - 5], [0, 0]]) == [-600, -600]
    assert store.batch_get_session_end(["a", "none"]) == 0


def test_write_sessions(store, memory):
    assert store.batch_put_session_start(["a", "b", ""], [100, 50, 5]) == [0, 0, -600]
    assert store.is_exist("a") == 0
    address = memory.address
    assert store.batch_put_from_multi_buffer_ranges(
        ["a", "none"], [[address], [address]], [[40], [1]], [[60], [0]]) == [0, -600]
    assert store.batch_put_session_end(["a"]) == [-600]  # bytes are missing
    assert store.batch_put_from_multi_buffer_ranges(
        ["a"], [[address + 100, address]], [[30, 30]], [[0, 30]]) == [0]
    assert store.batch_put_session_end(["a", "a"]) == [0, -600]
    assert store.get("a") == memory[100:130] + memory[:30] + memory[:40]
    assert store.batch_put_session_revoke(["b", "b"]) == [0, -600]
    assert store.batch_put_session_end(["b"]) == [-600] and store.is_exist("b") == 0


def test_a_write_session_of_an_existing_object_keeps_it(store, memory):
    store.put("a", b"old")
    assert store.batch_put_session_start(["a"], [10]) == [0]
    assert store.batch_put_from_multi_buffer_ranges(["a"], [[memory.address]], [[10]],
                                                    [[0]]) == [0]
    assert store.batch_put_session_end(["a"]) == [0] and store.get("a") == b"old"
    assert store.batch_put_session_start(["x"], [1, 2]) == [-600]
