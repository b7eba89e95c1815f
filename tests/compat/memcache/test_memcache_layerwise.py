"""Objects by global address: batch_alloc, batch_copy, batch_write_finish and leases."""

import time

from memcache_programs import Memory, open_store

DATA = bytes(range(250)) * 400


def test_written_piece_by_piece_and_then_published(store, meta):
    source = Memory(DATA)
    keys = ["a", "b"]
    gvas = store.batch_alloc(keys, [60_000, 40_000])
    assert all(0 < gva < 1 << 63 for gva in gvas)
    other = open_store(meta.url, init_bm=False)
    try:
        assert other.batch_is_exist(keys) == [0, 0] and store.batch_is_exist(keys) == [0, 0]
        assert other.get("a") == b"" and other.get_key_info("a").size() == 0
        assert other.batch_add_lease(["a", "none"]) == [-3101, -3102]  # not published yet
        # Layers in any order, of both objects in one call.
        assert store.batch_copy([gvas[0] + 30_000, gvas[1], gvas[0]],
                                [source.address + 30_000, source.address, source.address],
                                [30_000, 40_000, 30_000], 0) == 0
        assert store.batch_write_finish(keys, [0, 0]) == [0, 0]
        assert store.batch_write_finish(keys, [0, 0]) == [0, 0]
        assert other.get_batch(keys) == [DATA[:60_000], DATA[:40_000]]
    finally:
        other.close()


def test_layers_of_an_object_lie_one_behind_the_other(store):
    source, target = Memory(DATA), Memory(300)
    (gva,) = store.batch_alloc(["a"], [300])
    at = source.address
    assert store.batch_copy_layers([gva], [[at, at + 1000, at + 5]], [[100, 100, 100]], 3) == 0
    assert store.batch_write_finish(["a"], [0]) == [0]
    assert store.get("a") == DATA[:100] + DATA[1000:1100] + DATA[5:105]
    assert store.batch_add_lease(["a"]) == [0]
    there = target.address
    assert store.batch_copy_layers([gva], [[there + 100, there]], [[100, 100]], 1) == 0
    assert target[:200] == DATA[1000:1100] + DATA[:100]


def test_read_by_address_in_another_process_space(store, meta):
    (gva,) = store.batch_alloc(["a"], [len(DATA)])
    source, target = Memory(DATA), Memory(5000)
    assert store.batch_copy([gva], [source.address], [len(DATA)], 0) == 0
    assert store.batch_write_finish(["a"], [0]) == [0]
    other = open_store(meta.url, init_bm=False)
    try:
        (known,) = other.batch_get_key_info(["a"])
        assert known.gva_list() == [gva] and known.size() == len(DATA)
        assert other.batch_copy([gva], [target.address], [5000], 1) == -3000  # no lease yet
        assert other.batch_add_lease(["a"], 300_000) == [0]
        assert other.batch_copy([gva + 777, gva], [target.address, target.address + 2500],
                                [2500, 2500], 1) == 0
        assert bytes(target) == DATA[777:3277] + DATA[:2500]
        assert other.batch_remove_lease(["a"]) == 0
        assert other.batch_remove_lease(["a"]) == -3106
        assert other.batch_copy([gva], [target.address], [10], 1) == -3106
    finally:
        other.close()


def test_reads_into_one_place(store):
    store.put_batch(["a", "b"], [b"1" * 100, b"2" * 100])
    target = Memory(100)
    gvas = [store.get_key_info(key).gva_list()[0] for key in ("a", "b")]
    assert store.batch_add_lease(["a", "b"]) == [0, 0]
    assert store.batch_copy(gvas, [target.address] * 2, [100, 100], 1) == 0
    assert bytes(target) == b"2" * 100


def test_one_bad_key_costs_only_itself(store):
    assert [gva > 0 for gva in store.batch_alloc(["", "ok", "k" * 257], [10] * 3)] == [
        False, True, False]


def test_a_lease_ends(store):
    store.put("a", b"x" * 100)
    target = Memory(100)
    (gva,) = store.get_key_info("a").gva_list()
    assert store.batch_add_lease(["a"], 30) == [0]
    time.sleep(0.05)
    assert store.batch_copy([gva], [target.address], [100], 1) == -3106


def test_what_is_there_or_open_cannot_be_allocated_again(store):
    store.put("there", b"x")
    assert store.batch_alloc(["there", "new"], [10, 10])[0] == 0
    assert store.batch_alloc(["new"], [10]) == [0]
    assert store.batch_add_lease(["new", "none", "there"]) == [-3101, -3102, 0]
    assert store.batch_write_finish(["new", "none"], [1, 0]) == [0, -3102]  # given up
    assert store.batch_is_exist(["new"]) == [0]
    assert store.batch_alloc(["new"], [10])[0] > 0
    assert store.batch_write_finish(["new"], [1]) == [0]


def test_bytes_are_written_once_and_the_rest_is_zeros(store):
    source = Memory(DATA)
    (gva,) = store.batch_alloc(["a"], [1000])
    assert store.batch_copy([gva + 100], [source.address], [200], 0) == 0
    assert store.batch_copy([gva + 299], [source.address], [10], 0) == -3107
    assert store.batch_copy([gva + 990], [source.address], [11], 0) == -3000  # past the end
    assert store.batch_copy([gva, gva], [source.address], [1], 0) == -1
    assert store.batch_copy([12345], [source.address], [1], 0) == -3000
    assert store.batch_copy([], [], [], 0) == 0
    assert store.batch_write_finish(["a"], [0]) == [0]
    assert store.get("a") == bytes(100) + DATA[:200] + bytes(700)
    assert store.batch_copy([gva], [source.address], [10], 0) == 0  # published: left alone
    assert store.get("a")[:100] == bytes(100)


def test_what_is_not_finished_in_its_time_is_given_up(store):
    source = Memory(DATA)
    (gva,) = store.batch_alloc(["a"], [1000], 1, 50)
    time.sleep(0.1)
    assert store.batch_copy([gva], [source.address], [1000], 0) == -3106
    assert store.batch_write_finish(["a"], [1]) == [0]
