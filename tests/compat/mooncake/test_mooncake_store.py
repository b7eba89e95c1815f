"""Each call of a store: what it answers, in all forms of its arguments."""

import array

import pytest

from mooncake.store import BufferHandle, MooncakeDistributedStore, ReplicateConfig

VALUE = bytes(range(256)) * 16


def test_put_and_get(store):
    assert store.put("key", VALUE) == 0
    assert store.get("key") == VALUE
    assert store.is_exist("key") == 1 and store.get_size("key") == len(VALUE)


@pytest.mark.parametrize("value", [bytearray(VALUE), memoryview(VALUE), array.array("I", [1, 2]),
                                   memoryview(bytearray(VALUE))[::2]])
def test_put_takes_any_buffer(store, value):
    assert store.put("key", value) == 0
    assert store.get("key") == memoryview(value).tobytes()


def test_put_takes_its_arguments_by_name(store):
    assert store.put(key="key", value=VALUE, config=ReplicateConfig()) == 0
    assert store.put("other", VALUE, None) == 0
    for wrong in ("name", "data", "cfg"):
        with pytest.raises(TypeError, match=wrong):
            store.put("key", VALUE, **{wrong: 1})


@pytest.mark.parametrize("value", ["text", 5, None, [VALUE], (1, 2), [(1, 2)]])
def test_put_refuses_what_is_no_buffer(store, value):
    with pytest.raises(TypeError):
        store.put("key", value)
    with pytest.raises(TypeError):
        store.upsert("key", value)
    with pytest.raises(TypeError):
        store.put_batch(["key"], [value])
    with pytest.raises(TypeError):
        store.put_parts("key", value)
    assert store.is_exist("key") == 0


def test_put_of_an_existing_key_keeps_it(store, memory):
    assert store.put("key", b"old") == 0
    assert store.put("key", b"newer") == 0
    assert store.put_parts("key", b"ne", b"wer") == 0
    assert store.put_batch(["key"], [b"newer"]) == 0
    assert store.put_from("key", memory.address, 100) == 0
    assert store.batch_put_from(["key"], [memory.address], [100]) == [0]
    assert store.batch_put_from_multi_buffers(["key"], [[memory.address]], [[100]]) == [0]
    assert store.get("key") == b"old"


def test_no_bytes(store, memory):
    assert store.put("key", b"") == -600
    assert store.put_batch(["key", "good"], [b"", b"x"]) == -600
    assert store.put_parts("key") == 0
    assert store.put_parts("key", b"", b"") == 0
    assert store.put_from("key", memory.address, 0) == 0
    assert store.put_from("key", 0, 0) == 0
    assert store.batch_put_from(["key", "other"], [memory.address] * 2, [0, 5]) == [0, 0]
    assert store.batch_put_from_multi_buffers(["key"], [[memory.address]], [[0]]) == [0]
    assert store.batch_is_exist(["key", "good", "other"]) == [0, 1, 1]


def test_put_parts_with_an_empty_first_part(store):
    assert store.put_parts("key", b"", bytearray(b"ab"), memoryview(b"cd"), b"") == 0
    assert store.get("key") == b"abcd"
    assert store.put_parts("other", b"x", config=ReplicateConfig()) == 0
    assert store.put_parts("many", *[b"x"] * 5000) == 0
    assert store.get("many") == b"x" * 5000


def test_put_batch_answers_one_int(store):
    assert store.put_batch(["a", "b"], [b"1", b"22"]) == 0
    assert store.get_batch(["a", "b", "c"]) == [b"1", b"22", b""]
    assert store.put_batch([], []) == 0
    assert store.put_batch(["a"], []) == -600


def test_misses(store, memory):
    assert store.get("none") == b""
    assert store.get_batch(["none"]) == [b""]
    assert store.get_buffer("none") is None
    assert store.batch_get_buffer(["none"]) == [None]
    assert store.get_size("none") == -704
    assert store.get_into("none", memory.address, 10) == -704
    assert store.batch_get_into(["none"], [memory.address], [10]) == [-704]
    assert store.batch_get_into_multi_buffers(["none"], [[memory.address]], [[10]]) == [-704]
    assert store.is_exist("none") == 0 and store.batch_is_exist(["none"]) == [0]
    assert store.remove("none") == -704 and store.batch_remove(["none"]) == [-704]
    assert store.get_replica_desc("none") == [] and store.batch_get_replica_desc(["none"]) == {}


def test_answers_are_plain_lists_of_plain_ints(store, memory):
    keys, pointers = ["a", "b"], [memory.address, memory.address + 64]
    answers = [
        store.batch_put_from(keys, pointers, [64, 64]), store.batch_is_exist([*keys, "c"]),
        store.batch_get_into(keys, pointers, [64, 64]),
        store.batch_put_from_multi_buffers(["c", "d"], [[p] for p in pointers], [[64]] * 2),
        store.batch_get_into_multi_buffers(keys, [[p] for p in pointers], [[64]] * 2),
        store.batch_upsert_from(keys, pointers, [64, 64]), store.batch_remove(keys)]
    for answer in answers:
        assert type(answer) is list and {type(one) for one in answer} == {int}
    for one in (store.put("x", b"1"), store.is_exist("x"), store.get_into("x", pointers[0], 9),
                store.remove("x"), store.remove_all(), store.close()):
        assert type(one) is int


def test_empty_batches(store):
    assert store.batch_is_exist([]) == []
    assert store.batch_put_from([], [], []) == []
    assert store.batch_put_from_multi_buffers([], [], []) == []
    assert store.batch_get_into([], [], []) == []
    assert store.batch_get_into_multi_buffers([], [], []) == []
    assert store.batch_get_buffer([]) == [] and store.get_batch([]) == []
    assert store.batch_remove([]) == [] and store.batch_upsert_from([], [], []) == []


@pytest.mark.parametrize("name", ["batch_put_from", "batch_get_into", "batch_upsert_from",
                                  "batch_put_from_multi_buffers", "batch_get_into_multi_buffers"])
def test_other_lengths_are_a_code_for_each_key(store, memory, name):
    call = getattr(store, name)
    keys = ["a", "b", "c"]
    assert call(keys, [memory.address], [1]) == [-600] * 3
    assert call(keys, [memory.address] * 3, [1] * 2) == [-600] * 3
    assert call(keys, [], []) == [-600] * 3
    assert store.batch_is_exist(keys) == [0] * 3


def test_lists_of_one_key_that_do_not_match(store, memory):
    two = [memory.address, memory.address + 8]
    assert store.batch_put_from_multi_buffers(["bad", "good"], [two, two], [[8], [8, 8]]) == [
        -600, 0]
    assert store.batch_get_into_multi_buffers(["good", "good"], [two, [two[0]]],
                                              [[8], [16]]) == [-600, 16]


def test_bad_elements_spoil_only_themselves(store, memory):
    address = memory.address
    assert store.batch_put_from(["a", "", "x" * 2000, "n", "z", "d"],
                                [address, address, address, 0, address, 1 << 60],
                                [8, 8, 8, 8, 0, 8]) == [0, -600, -600, -600, 0, -600]
    assert store.batch_is_exist(["a", "", "x" * 2000, "n"]) == [1, 0, 0, 0]
    assert store.batch_get_into(["a", "", "a", "a"], [address, address, 0, address + 64],
                                [8, 8, 8, 0]) == [8, -600, -600, -600]
    assert store.is_exist("") == 0 and store.is_exist("x" * 2000) == 0
    assert store.put("", b"x") == -600 and store.get("") == b""
    assert store.remove("") == -600 and store.get_size("") == -600
    assert store.get_buffer("") is None
    assert store.batch_get_buffer(["a", ""])[0] == memory[:8]


@pytest.mark.parametrize("keys", ["key", 5, [5], [None]])
def test_keys_of_a_wrong_type_are_a_type_error(store, keys):
    with pytest.raises(TypeError):
        store.batch_is_exist(keys)
    with pytest.raises(TypeError):
        store.batch_get_buffer(keys)


def test_get_into_answers_the_bytes_of_the_object(store, memory):
    assert store.put("key", VALUE) == 0
    room = memory.address + 8192
    assert store.get_into("key", room, len(VALUE)) == len(VALUE)
    assert store.get_into("key", room, 3 * len(VALUE)) == len(VALUE)
    assert memory[8192:8192 + len(VALUE)] == VALUE
    assert store.get_into("key", room, len(VALUE) - 1) == -600
    assert store.batch_get_into(["key", "key"], [room, room + 8192], [8192, 10]) == [
        len(VALUE), -600]


def test_pieces_are_filled_in_order(store, memory, make_memory):
    room = make_memory(4096)
    assert store.batch_put_from_multi_buffers(
        ["key"], [[memory.address + 100, memory.address]], [[50, 30]]) == [0]
    wanted = memory[100:150] + memory[:30]
    assert store.get("key") == wanted
    pieces = [room.address + 1000, room.address, room.address + 2000]
    assert store.batch_get_into_multi_buffers(["key"], [pieces], [[20, 60, 500]]) == [80]
    assert room[1000:1020] + room[:60] == wanted
    assert store.batch_get_into_multi_buffers(["key"], [pieces], [[20, 60, 0]], True) == [80]
    assert store.batch_get_into_multi_buffers(["key"], [pieces], [[20, 59, 0]]) == [-600]


def test_two_gets_to_the_same_memory(store, memory):
    store.put("a", b"x" * 10)
    store.put("b", b"y" * 10)
    assert store.batch_get_into(["a", "b"], [memory.address] * 2, [10, 10]) == [10, 10]
    assert memory[:10] == b"y" * 10


def test_lists_may_be_tuples_and_arrays(store, memory):
    numpy = pytest.importorskip("numpy")
    pointers = numpy.array([memory.address, memory.address + 64])
    assert store.batch_put_from(("a", "b"), pointers, numpy.array([64, 64])) == [0, 0]
    assert store.batch_get_into(iter_list(["a", "b"]), list(pointers), (64, 64)) == [64, 64]
    assert store.batch_put_from_multi_buffers(["c"], [pointers], [numpy.array([64, 64])]) == [0]
    assert store.get("c") == memory[:128]


class iter_list(list):
    pass


def test_device_memory_is_a_code(store, warned):
    device = 0x7F0000000000000
    assert store.register_buffer(device, 1 << 30) == -600
    assert store.put_from("key", device, 4096) == -600
    assert store.batch_put_from(["key"], [device], [4096]) == [-600]
    assert store.batch_put_from_multi_buffers(["key"], [[device]], [[4096]]) == [-600]
    store.put("there", VALUE)
    assert store.get_into("there", device, 4096) == -600
    assert store.batch_get_into(["there"], [device], [4096]) == [-600]
    assert store.batch_get_into_multi_buffers(["there"], [[device]], [[4096]]) == [-600]
    assert sum("device memory" in line for line in warned) == 1


def test_memory_need_not_be_registered(store, make_memory):
    room = make_memory(3 << 20)
    assert store.put_from("key", room.address, room.size) == 0
    assert store.get_into("key", room.address, room.size) == room.size


def test_registration(store, memory):
    address = memory.address
    assert store.register_buffer(address, 4096) == 0
    assert store.register_buffer(address, 4096) == 0  # shared storage: counts twice
    assert store.register_buffer(address + 8, 16) == -600
    assert store.register_buffer(address, 8192) == -600
    assert store.register_buffer(address + 4096, 4096) == 0
    assert store.register_buffer(0, 4096) == -600 and store.register_buffer(address, 0) == -600
    assert [store.unregister_buffer(address) for _ in range(3)] == [0, 0, -600]
    assert store.unregister_buffer(address + 4096) == 0
    assert store.unregister_buffer(0x1234) == -600
    with pytest.raises(TypeError):
        store.unregister_buffer(address, 4096)


def test_handles(store):
    store.put("small", b"abc")
    store.put("large", VALUE * 100)
    for _ in range(2):  # the sizes are learned
        small, none, large = store.batch_get_buffer(["small", "none", "large"])
        assert none is None
        assert type(small) is type(large) is BufferHandle
        assert bytes(small) == b"abc" and len(small) == small.size() == small.len() == 3
        assert large == VALUE * 100 and memoryview(large)[5] == VALUE[5]
        view = memoryview(small)
        assert (view.format, view.ndim, view.nbytes) == ("B", 1, 3)
    import ctypes

    assert ctypes.string_at(large.ptr(), large.size()) == VALUE * 100
    assert store.get_buffer("small") == b"abc"
    store.close()
    assert bytes(large) == VALUE * 100


def test_upserts_replace(store, memory):
    assert store.upsert("key", b"one") == 0 and store.get("key") == b"one"
    assert store.upsert("key", b"second") == 0 and store.get("key") == b"second"
    assert store.upsert_parts("key", b"th", b"ird") == 0 and store.get("key") == b"third"
    assert store.upsert_batch(["key", "new"], [b"4", b"5"]) == 0
    assert store.get_batch(["key", "new"]) == [b"4", b"5"]
    assert store.upsert_batch(["key"], []) == -600
    assert store.upsert_from("key", memory.address, 7) == 0 and store.get("key") == memory[:7]
    assert store.batch_upsert_from(["key", "z"], [memory.address + 1] * 2, [9, 0]) == [0, 0]
    assert store.get("key") == memory[1:10]
    assert store.upsert("key", b"") == -600


def test_removals(store):
    for number in range(10):
        store.put(f"key{number}", b"x")
    assert store.remove("key0") == 0 and store.remove("key0") == -704
    assert store.remove("key1", force=True) == 0
    assert store.batch_remove(["key2", "none", ""], True) == [0, -704, -600]
    assert store.remove_by_regex("^key[34]$") == 2
    assert store.remove_by_regex("(") == -600
    assert store.remove_all() == 5
    assert store.remove_all(force=True) == 0
    assert store.batch_is_exist([f"key{number}" for number in range(10)]) == [0] * 10


def test_right_after_a_read_it_can_be_removed(store):
    store.put("key", b"x")
    assert store.is_exist("key") == 1 and store.get("key") == b"x"
    assert store.remove("key") == 0


def test_put_from_with_metadata(store, memory):
    assert store.put_from_with_metadata("key", memory.address, memory.address + 100, 50, 8) == 0
    assert store.get("key") == memory[100:108] + memory[:50]


def test_replica_descriptors(store, pool):
    store.put("key", VALUE)
    (replica,) = store.get_replica_desc("key")
    assert replica.is_memory_replica()
    assert not replica.is_disk_replica() and not replica.is_local_disk_replica()
    where = replica.get_memory_descriptor().buffer_descriptor
    assert where.size == len(VALUE) and where.transport_endpoint
    assert replica.status.name == "COMPLETE"
    with pytest.raises(RuntimeError):
        replica.get_disk_descriptor()
    assert list(store.batch_get_replica_desc(["none", "key"])) == ["key"]
    assert store.batch_replica_clear(["key"], "elsewhere") == []
    assert store.batch_replica_clear(["key", "none"], where.transport_endpoint) == ["key"]
    store.put("key", VALUE)
    assert store.batch_replica_clear(["key"]) == ["key"] and store.is_exist("key") == 0


def test_before_setup_and_after_close(store, memory):
    store.put("key", VALUE)
    store.close()
    address = memory.address
    for one in (store, MooncakeDistributedStore()):
        for code in (one.put("k", b"x"), one.put_batch(["k"], [b"x"]), one.put_parts("k", b"x"),
                     one.put_parts("k"), one.put_from("k", address, 1), one.is_exist("k"),
                     one.get_into("k", address, 1), one.get_size("k"), one.remove("k"),
                     one.remove_all(), one.remove_by_regex("k"), one.upsert("k", b"x"),
                     one.upsert_parts("k", b"x"), one.register_buffer(address, 1),
                     one.unregister_buffer(address), one.unmount_segment(["x"])):
            assert code == -600
        for codes in (one.batch_put_from(["k"], [address], [1]), one.batch_is_exist(["k"]),
                      one.batch_get_into(["k"], [address], [1]), one.batch_remove(["k"]),
                      one.batch_put_from_multi_buffers(["k"], [[address]], [[1]]),
                      one.batch_get_into_multi_buffers(["k"], [[address]], [[1]]),
                      one.batch_upsert_from(["k"], [address], [1]),
                      one.batch_put_session_start(["k"], [1]), one.batch_put_session_end(["k"]),
                      one.batch_put_from_multi_buffer_ranges(["k"], [[address]], [[1]], [[0]]),
                      one.batch_get_session_start(["k"]),
                      one.batch_get_into_multi_buffer_ranges(["k"], [[address]], [[1]], [[0]])):
            assert codes == [-600]
        assert one.get("k") == b"" and one.get_batch(["k"]) == [b""]
        assert one.get_buffer("k") is None and one.batch_get_buffer(["k"]) == [None]
        assert one.batch_get_replica_desc(["k"]) == {} and one.get_replica_desc("k") == []
        assert one.get_into_ranges([address], [["k"]], [[[0]]], [[[0]]], [[[1]]]) == [[[-600]]]
        assert one.allocate_and_mount_segment(1 << 20)["ret"] == -600
        assert one.health_check() == 1 and one.close() == 0


def test_long_batches(store, make_memory):
    count, size = 20000, 16
    room = make_memory(count * size)
    keys = [f"key{number}" for number in range(count)]
    pointers = [room.address + number * size for number in range(count)]
    room.write(0, b"".join(number.to_bytes(size, "big") for number in range(count)))
    assert store.batch_put_from(keys, pointers, [size] * count) == [0] * count
    assert store.batch_is_exist([*keys, ""]) == [1] * count + [0]
    before = room[:]
    room.write(0, bytes(count * size))
    assert store.batch_get_into(keys, pointers, [size] * count) == [size] * count
    assert room[:] == before
    assert store.get_batch(keys)[-1] == before[-size:]
    assert store.batch_get_buffer(keys)[1] == (1).to_bytes(size, "big")
    assert store.put_batch(keys, [b"x"] * count) == 0
    assert store.batch_remove(keys) == [0] * count


def test_key_characters_and_lengths(store):
    keys = ["org/model-7b@tp_rank:0@" + "f" * 64, "模型/層@1", "a b\tc", "k" * 1000, "%2F?&=#"]
    assert store.put_batch(keys, [key.encode() for key in keys]) == 0
    assert store.batch_is_exist(keys) == [1] * len(keys)
    assert store.get_batch(keys) == [key.encode() for key in keys]


def test_values_larger_than_a_page_of_anything(store):
    value = bytes(range(251)) * 100_000
    assert store.put("large", value) == 0
    assert store.get("large") == value and store.get_buffer("large") == value
    assert store.get_size("large") == len(value)


def test_no_space_is_its_own_code(store, make_memory):
    room = make_memory(300 << 20)
    assert store.put_from("key", room.address, room.size) == -200
    assert store.batch_put_from_multi_buffers(["key"], [[room.address]], [[room.size]]) == [-200]
    assert store.is_exist("key") == 0


def test_one_object_by_the_old_names(store, memory):
    pieces = [memory.address, memory.address + 100]
    assert store.batch_put_from_ascend("key", pieces, [10, 20]) == [0]
    assert store.batch_get_into_ascend("key", pieces, [10, 20]) == [30]
    assert store.batch_get_into_ascend("none", pieces, [10, 20]) == [-704]


def test_host_memory_by_address(store):
    address = store.alloc_from_mem_pool(8192)
    assert address % 4096 == 0
    assert store.put_from("key", address, 8192) == 0 and store.get("key") == bytes(8192)
    assert store.alloc_from_mem_pool(0) == 0


def test_counts_without_a_meaning(store):
    assert store.get_offload_rpc_read_count() == 0
    assert store.create_copy_task("key", ["a"]) == (None, -1012)
    assert store.create_move_task("key", "a", "b") == (None, -1012)
    assert store.query_task("x") == (None, -1012)
    assert store.health_check() == 0
    assert store.unmount_local_disk_segment() == -1012
    assert store.mount_segment("/dev/shm/x", 1 << 20) == {"ret": -1012, "segment_ids": []}


@pytest.mark.parametrize("address", [1, 0x10, 0x1000, 0x1fffff])
def test_numbers_that_are_no_addresses(store, address):
    assert store.put("there", b"12345678") == 0
    assert store.put_from("k", address, 10) == -600
    assert store.batch_put_from(["k"], [address], [10]) == [-600]
    assert store.batch_put_from_multi_buffers(["k"], [[address]], [[10]]) == [-600]
    assert store.get_into("there", address, 100) == -600
    assert store.register_buffer(address, 4096) == -600
