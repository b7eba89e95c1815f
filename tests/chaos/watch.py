"""Threads that look at the pool from outside while a run goes on: what its status says, and whether the
object that was put on each node can be read."""

import threading
import time

import aquifer
from values import content, first_wrong

STATUS_SECONDS = 0.05
BEACON_SECONDS = 0.01
BEACON_BYTES = 8192
# How long a pool that calls itself whole may go on to miss a beacon before that is a loss.
PATIENCE_SECONDS = 2.0


class Watch:
    def __init__(self, meta, nodes, *, settled=lambda status: True):
        self.meta = meta
        self.nodes = nodes
        self.settled = settled
        self.evictions = 0
        self.damage = 0
        self.faults = []
        self.whole_since = None
        self.probes = {node.name: [] for node in nodes}  # (start, end, read)
        self._doubted = 0.0
        self._last = {"evictions": 0, "integrity_failures": 0}
        self._ending = threading.Event()
        self._client = aquifer.Client(meta, timeout=0.5)
        self._threads = [threading.Thread(target=self._watch_status)]
        self._threads += [threading.Thread(target=self._watch_beacon, args=(node,))
                          for node in nodes]

    def start(self):
        for thread in self._threads:
            thread.start()

    def close(self):
        """Ends the threads, after a last look."""
        self._ending.set()
        for thread in self._threads:
            if thread.ident:
                thread.join()
        self._look()
        self._client.close()

    def status(self):
        return self._client.status()

    def doubt(self):
        """What was known of the pool so far says nothing of how it is from now on."""
        self._doubted = time.monotonic()
        self.whole_since = None

    def whole_for(self, seconds):
        """Whether every node has been in the pool, well, for so long."""
        since = self.whole_since
        return since is not None and time.monotonic() - since >= seconds

    def _watch_status(self):
        while not self._ending.wait(STATUS_SECONDS):
            self._look()

    def _look(self):
        asked = time.monotonic()
        status = self.status()
        if not status:
            self.whole_since = None
            return
        # A restarted meta counts anew.
        if evicted := counted(status, self._last, "evictions"):
            self.evictions += evicted
            free = {node["name"]: node["free_bytes"] for node in status["nodes"]}
            self.faults.append({"at": asked, "what": "evictions", "count": evicted, "free": free})
        self.damage += counted(status, self._last, "integrity_failures")
        self._last = status
        self._judge_whole(status, asked)

    def _judge_whole(self, status, asked):
        alive = sorted(node["name"] for node in status["nodes"] if node["state"] == "alive")
        if alive != sorted(node.name for node in self.nodes) or not self.settled(status):
            self.whole_since = None
        elif self.whole_since is None and asked > self._doubted:
            self.whole_since = asked

    def _watch_beacon(self, node):
        key = f"beacon/{node.name}"
        value = content(key, 1, BEACON_BYTES)
        probes = self.probes[node.name]
        with aquifer.Client(self.meta, timeout=0.5) as client:
            while not client.put(key, value, preferred_node=node.name).ok:
                if self._ending.wait(BEACON_SECONDS):
                    return
            while not self._ending.wait(BEACON_SECONDS):
                start = time.monotonic()
                read = client.get(key)
                probes.append((start, time.monotonic(), read is not None))
                if read is not None:
                    if len(read) != BEACON_BYTES or first_wrong(read, key, 1) is not None:
                        self._fault("wrong_bytes", key)
                elif self.whole_for(PATIENCE_SECONDS) and client.get(key) is None:
                    self._fault("lost", key)
                    client.put(key, value, preferred_node=node.name)

    def _fault(self, what, key):
        self.faults.append({"at": time.monotonic(), "what": what, "key": key, "replicas": 1,
                            "how": "beacon"})


def counted(status, last, name):
    return status[name] - (last[name] if status[name] >= last[name] else 0)


def unreadable_seconds(probes, start, end):
    """From the first probe that failed between the two moments until one succeeded again. 0 when none
    failed; None when none succeeded after that."""
    failed = [probe for probe in probes if start <= probe[1] and probe[0] < end and not probe[2]]
    if not failed:
        return 0.0
    after = [probe[1] for probe in probes if probe[0] >= failed[-1][1] and probe[2]]
    return after[0] - max(start, failed[0][0]) if after else None
