"""ReplicateConfig: its fields, and what they do to a put."""

import pytest

import aquifer
from mooncake.store import (
    MooncakeDistributedStore,
    ObjectDataType,
    ReplicateConfig,
    SoftPinAction,
)

MIB = 1 << 20


@pytest.fixture(scope="module")
def meta():
    with aquifer.Meta() as meta:
        yield meta


@pytest.fixture
def stores(meta):
    """Two stores with memory, one without."""
    opened = []
    for size in (8 * MIB, 8 * MIB, 0):
        store = MooncakeDistributedStore()
        assert store.setup("localhost", "P", size, 0, "tcp", "", meta.address) == 0
        opened.append(store)
    yield opened
    for store in opened:
        store.close()


def config(**fields):
    made = ReplicateConfig()
    for name, value in fields.items():
        setattr(made, name, value)
    return made


def segments(store, key):
    return {replica.get_memory_descriptor().buffer_descriptor.transport_endpoint
            for replica in store.get_replica_desc(key)}


def test_defaults():
    made = ReplicateConfig()
    assert (made.replica_num, made.nof_replica_num, made.dfs_replica_num) == (1, 0, 0)
    assert made.soft_pin_action == SoftPinAction.PRESERVE and made.soft_pin_ttl_ms is None
    assert made.with_hard_pin is False and made.prefer_alloc_in_same_node is False
    assert made.preferred_segments == [] and made.preferred_segment == ""
    assert made.preferred_nof_segments == [] and made.group_ids is None
    assert made.data_type == ObjectDataType.UNKNOWN
    assert hasattr(ReplicateConfig, "group_ids") and hasattr(made, "group_ids")
    made.preferred_segments.append("x")
    assert ReplicateConfig().preferred_segments == []
    assert "replica_num: 1" in str(made) and "KVCACHE" in str(config(
        data_type=ObjectDataType.KVCACHE))


def test_fields_of_newer_engines_are_taken(store):
    made = config(field_of_tomorrow=5, data_type=ObjectDataType.TENSOR)
    assert made.field_of_tomorrow == 5
    assert store.put("key", b"x", made) == 0


@pytest.mark.parametrize("bad", [-1, 1 << 64, "x", 1.5, True])
def test_a_ttl_has_its_limits(bad):
    made = ReplicateConfig()
    with pytest.raises(TypeError):
        made.soft_pin_ttl_ms = bad
    made.soft_pin_ttl_ms = (1 << 64) - 1
    made.soft_pin_ttl_ms = None


def test_other_types_are_a_type_error(store, memory):
    """Such as the number that another interface has in this place."""
    for wrong in (0, 1, {}, "x"):
        with pytest.raises(TypeError):
            store.batch_put_from(["k"], [memory.address], [1], wrong)
        with pytest.raises(TypeError):
            store.put("k", b"x", wrong)
    assert store.is_exist("k") == 0


def test_the_preferred_segment(stores):
    for index, giving in enumerate(stores[:2]):
        for number in range(4):
            key = f"key{index}-{number}"
            assert stores[2].put(key, b"x", config(preferred_segment=giving.get_hostname())) == 0
            assert segments(stores[2], key) == {giving.get_hostname()}
            assert giving.put(f"l{key}", b"x", config(
                preferred_segments=[giving.get_hostname()])) == 0
            assert segments(giving, f"l{key}") == {giving.get_hostname()}


@pytest.mark.parametrize("name", ["nowhere:1234", "odd name/\u00e9", "x" * 500])
def test_a_preferred_segment_that_is_not_there(stores, memory, name):
    assert stores[2].put(f"key {name}", b"x", config(preferred_segment=name)) == 0
    assert stores[2].batch_put_from_multi_buffers(
        [f"multi {name}"], [[memory.address]], [[8]], config(preferred_segment=name)) == [0]


def test_the_own_segment_with_a_name_that_is_taken(stores, meta):
    store = MooncakeDistributedStore()
    name = stores[0].get_hostname()
    assert store.setup(name, "P", 8 * MIB, 0, "tcp", "", meta.address) == 0
    own = config(preferred_segment=store.get_hostname())
    for number in range(50):  # a preference: the first moments of a node may miss it
        assert store.put(f"taken{number}", b"x", own) == 0
    assert segments(store, "taken49") == {f"{name}-2"}
    store.close()


def test_same_node_only_where_it_may_be_asked_for(stores, memory):
    giving = stores[0]
    same = config(prefer_alloc_in_same_node=True)
    assert giving.batch_put_from_multi_buffers(["same"], [[memory.address]], [[8]], same) == [0]
    assert segments(giving, "same") == {giving.get_hostname()}
    assert stores[2].batch_put_from_multi_buffers(["same2"], [[memory.address]], [[8]],
                                                  same) == [0]
    assert giving.put("k", b"x", same) == -600
    assert giving.put_parts("k", b"x", config=same) == -600
    assert giving.put_batch(["k"], [b"x"], same) == -600
    assert giving.put_from("k", memory.address, 8, same) == -600
    assert giving.batch_put_from(["k", "l"], [memory.address] * 2, [8, 8], same) == [-600] * 2
    assert giving.upsert("k", b"x", same) == -600
    assert giving.upsert_from("k", memory.address, 8, same) == -600
    assert giving.upsert_parts("k", b"x", config=same) == -600
    assert giving.upsert_batch(["k"], [b"x"], same) == -600
    assert giving.batch_upsert_from(["k"], [memory.address], [8], same) == [-600]
    two = config(prefer_alloc_in_same_node=True, replica_num=2)
    assert giving.batch_put_from_multi_buffers(["k"], [[memory.address]], [[8]], two) == [-600]
    assert giving.is_exist("k") == 0


def test_replicas(stores, memory):
    assert stores[2].put("two", b"x", config(replica_num=2)) == 0
    assert segments(stores[2], "two") == {one.get_hostname() for one in stores[:2]}
    assert stores[2].batch_put_from(["many", "n"], [memory.address] * 2, [9, 9],
                                    config(replica_num=5)) == [0, 0]
    assert len(segments(stores[2], "many")) == 2  # as many as there are nodes
    assert stores[2].put("most", b"x", config(replica_num=100)) == 0
    for bad in (0, -1):
        assert stores[2].put("bad", b"x", config(replica_num=bad)) == -600


def test_replicas_that_are_not_in_memory_are_warned_about(stores, warned):
    assert stores[2].put("nof", b"x", config(nof_replica_num=1)) == 0
    assert stores[2].put("dfs", b"x", config(dfs_replica_num=1)) == 0
    assert sum("outside of memory" in line for line in warned) == 1


def test_groups(stores, memory):
    keys = ["g_k", "g_v"]
    assert stores[0].batch_put_from(keys, [memory.address] * 2, [8, 8],
                                    config(group_ids=["g", "g"])) == [0, 0]
    assert stores[0].batch_put_from(["h"], [memory.address], [8],
                                    config(group_ids=["g", "g"])) == [-600]
    assert stores[0].is_exist("h") == 0


def test_pins(meta):
    store = MooncakeDistributedStore()
    assert store.setup("localhost", "P", 16 * MIB, 0, "tcp", "", meta.address) == 0
    client = aquifer.Client(meta.address)

    def pinned():
        return client.status()["pinned_bytes"]

    assert store.put("soft", b"x" * MIB, config(soft_pin_action=SoftPinAction.ENABLE)) == 0
    first = pinned()
    assert first >= MIB
    assert store.put("hard", b"x" * MIB, config(with_hard_pin=True)) == 0
    second = pinned()
    assert second >= first + MIB
    assert store.upsert("soft", b"y", config(soft_pin_action=SoftPinAction.DISABLE)) == 0
    assert pinned() <= second - MIB + 4096
    ttl = config(soft_pin_action=SoftPinAction.ENABLE, soft_pin_ttl_ms=100_000)
    assert store.upsert("ttl", b"x", ttl) == 0
    for action in (SoftPinAction.PRESERVE, SoftPinAction.DISABLE):
        wrong = config(soft_pin_action=action, soft_pin_ttl_ms=1000)
        assert store.upsert("ttl", b"z", wrong) == -600
    assert store.get("ttl") == b"x"
    assert store.remove("hard") == 0
    client.close()
    store.close()
