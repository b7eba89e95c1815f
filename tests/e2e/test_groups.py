"""Groups: objects that become visible together or not at all, whatever dies in between."""

import threading
import time

import aquifer
import pytest
from aquifer import Status
from contents import content, is_content, seeded_random, wait_until

SIZE = 24 << 10


class Pool:
    """A meta at a fixed port and two nodes with files; each can be killed and started again."""

    def __init__(self, processes, folder):
        self.processes, self.folder = processes, folder
        folder.mkdir()
        self.meta = processes.meta()
        self.meta.wait_ready()
        self.nodes = {name: self._start(name) for name in ("a", "b")}

    def _start(self, name, wait=True):
        return self.processes.node("--name", name, "--segments", self.folder, wait=wait)

    def client(self, **options):
        return aquifer.Client(self.processes.meta_address, **options)

    def restart_meta(self):
        self.meta.kill()
        self.meta = self.processes.meta(listen=self.processes.meta_address)

    def restart_node(self, name):
        self.nodes[name].kill()
        self.nodes[name] = self._start(name, wait=False)

    def is_whole(self):
        with self.client() as client:
            states = [node["state"] for node in client.status().get("nodes", [])]
        return states == ["alive", "alive"]


@pytest.fixture
def pool(processes, tmp_path):
    return Pool(processes, tmp_path / "segments")


def put(client, keys, **options):
    return client.put_batch(keys, [content(key, SIZE) for key in keys], group=True, **options)


@pytest.mark.parametrize("transport", ["shm", "tcp"])
def test_a_group_is_put_and_read(pool, transport):
    keys = [f"k{n}" for n in range(40)]
    with pool.client(transport=transport) as client:
        assert set(put(client, keys)) == {Status.OK}
        for key in keys:
            assert is_content(client.get(key), key)
        assert set(put(client, [*keys[:5], "new1", "new2"])) == {Status.EXISTS, Status.OK}
        assert set(put(client, ["x", "y"], replicas=2)) == {Status.OK}
        assert {place["node"] for place in client.stat("x")["replicas"]} == {"a", "b"}
        assert put(client, ["alone"]) == [Status.OK]
        assert put(client, []) == []
        values = [b"1" * SIZE, b"2" * SIZE]
        assert client.replace_batch(["x", "y"], values, group=True) == [Status.OK] * 2
        assert client.get_batch(["x", "y"]) == values


def test_one_that_cannot_be_put_keeps_all_out(pool):
    with pool.client() as client:
        assert put(client, ["a", "b", "a"]) == [Status.CANCELLED] * 2 + [Status.INVALID_ARGUMENT]
        statuses = client.put_batch(["a", "b"], [b"small", bytes(100 << 20)], group=True)
        assert statuses == [Status.CANCELLED, Status.NO_SPACE], client.last_error()
        assert client.exists_batch(["a", "b"]) == [False, False]

        def all_is_free():
            status = client.status()
            return status["free_bytes"] == status["capacity_bytes"]
        wait_until(all_is_free)  # the node has still to confirm what was taken back
        with pytest.raises(TypeError, match="group must be bool, not int"):
            client.put_batch(["a"], [b"a"], group=1)


def test_a_group_larger_than_what_is_free_evicts_for_all_of_it(pool):
    with pool.client() as client:
        filling = [f"fill{n}" for n in range(30)]
        client.put_batch(filling, [bytes(6 << 20)] * len(filling))
        keys = [f"k{n}" for n in range(10)]
        statuses = client.put_batch(keys, [bytes(5 << 20)] * len(keys), group=True)
        assert set(statuses) == {Status.OK}, client.last_error()
        assert all(client.exists_batch(keys))


def test_what_was_acknowledged_is_there_whole_after_every_crash(pool):
    random = seeded_random()
    stop, acknowledged, tried, mixed = threading.Event(), [], [], []

    def work(number):
        with pool.client(timeout=4) as client:
            count = 0
            while not stop.is_set():
                keys = [f"g{number}-{count}-{n}" for n in range(4)]
                count += 1
                tried.append(keys)
                values = [content(key, 2000) for key in keys]
                # With two replicas a group lies on both nodes.
                statuses = client.put_batch(keys, values, group=True, replicas=1 + number)
                time.sleep(0.003)  # all have room: what is missing in the end was not evicted
                if all(status.ok for status in statuses):
                    acknowledged.append(keys)
                elif any(status.ok for status in statuses):
                    mixed.append(statuses)

    writers = [threading.Thread(target=work, args=(number,)) for number in range(2)]
    for writer in writers:
        writer.start()
    for _ in range(4):
        time.sleep(random.uniform(0.2, 0.5))
        pool.restart_meta()
        wait_until(pool.is_whole)
        time.sleep(random.uniform(0.05, 0.2))
        pool.restart_node(random.choice(["a", "b"]))
        wait_until(pool.is_whole)
    stop.set()
    for writer in writers:
        writer.join()
    pool.restart_meta()
    wait_until(pool.is_whole)
    assert len(acknowledged) > 10 and not mixed
    with pool.client() as client:
        for keys in acknowledged:
            for key in keys:
                assert is_content(client.get(key), key), key
        for keys in tried:
            there = client.exists_batch(keys)
            assert all(there) or not any(there), (keys, there)
