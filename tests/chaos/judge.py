"""What a run has shown: the objects as they are found at its end, the calls that took too long, and how
long each event kept clients from putting and getting."""

import time

import aquifer
import journal
import numpy
from values import first_wrong, size_of, version_of

PATIENCE_SECONDS = 15  # for a pool that answers with trouble instead of objects


class LastLook:
    """Reads every object that was ever put, by a client that knows nothing from before."""

    def __init__(self, ledger, meta, transport, size_max, timeout):
        self.faults = []
        self.judged = {1: 0, 2: 0}  # objects that had to be there, by replicas
        self.removed = 0  # keys that had to be gone
        self._size_max = size_max
        self._transport = transport
        self._end = time.monotonic() + PATIENCE_SECONDS
        buffer = numpy.zeros(size_max, numpy.uint8)
        with aquifer.Client(meta, transport=transport, timeout=timeout) as client:
            for row in ledger.rows():
                if row.attempted:
                    self._look(client, row, buffer)

    def _look(self, client, row, buffer):
        expected = row.expectation(fresh=True)
        answer = client.get_into(row.key, buffer)
        while answer < 0 and time.monotonic() < self._end:
            time.sleep(0.05)
            answer = client.get_into(row.key, buffer)
        if expected.must:
            self.judged[row.replicas] += 1
        elif expected.floor > row.attempted:
            self.removed += 1
        if answer > 0:
            self._check(buffer[:answer], row, expected)
        elif expected.must:
            why = "not found" if answer == 0 else aquifer.Status(-answer).name
            self._fault("lost", row, why=why)

    def _check(self, data, row, expected):
        version = version_of(data, row.key)
        if version is None or first_wrong(data, row.key, version) is not None \
                or len(data) != size_of(row.key, version, self._size_max):
            self._fault("wrong_bytes", row, version=version)
        elif why := expected.fault(version, row.attempted):
            gone = not expected.must and expected.floor > row.attempted
            self._fault("removed_is_back" if gone else "wrong_version", row, version=version,
                        why=why, floor=expected.floor, dead=expected.dead)

    def _fault(self, what, row, **details):
        self.faults.append({"at": time.monotonic(), "what": what, "how": self._transport,
                            "key": row.key, "replicas": row.replicas, "attempted": row.attempted,
                            **details})


def overlap(start, end, spans):
    return sum(max(0.0, min(end, until) - max(start, since)) for since, until in spans)


def late_calls(records, stops, deadline, grace):
    """(how many calls returned later than deadline and grace, the most that a call took beyond its
    deadline). The time in which the client itself was stopped does not count."""
    count, worst = 0, 0.0
    for record in records[records["end"] - records["start"] > deadline]:
        start, end = record["start"].item(), record["end"].item()
        beyond = end - start - overlap(start, end, stops) - deadline
        worst = max(worst, beyond)
        count += beyond > grace
    return count, worst


def first_success(records, kind, at):
    """When the first call of the kind that began at `at` or later had succeeded; None: never."""
    chosen = records[(records["kind"] == kind) & (records["ok"] == 1) & (records["start"] >= at)]
    return chosen["end"].min().item() if len(chosen) else None


def outage(event, journals, kind):
    """(until the first client, until the last client had a success); None where there was none."""
    firsts = [first_success(records, kind, event.at) for records in journals]
    known = [first - event.at for first in firsts if first is not None]
    return min(known, default=None), max(known) if len(known) == len(firsts) else None


def outages(event, journals):
    return {name: outage(event, journals, kind) for kind, name in enumerate(journal.NAMES)
            if kind in (journal.PUT, journal.GET, journal.LOOKUP)}
