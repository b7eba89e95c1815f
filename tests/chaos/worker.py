"""A client that puts, gets and removes, and checks every byte it is given. It runs until the ledger says
stop or its parent is gone, and is meant to be killed and stopped at any moment.

What must not happen goes as a line of JSON into the file of faults; it prints what is wrong with its calls.
"""

import argparse
import json
import os
import random
import signal
import time

import aquifer
import numpy
from aquifer import Status
from journal import GET, LOOKUP, OTHER, PUT, REMOVE, Journal
from ledger import Ledger
from ledger import PUT as PUTTING
from ledger import REMOVE as REMOVING
from ledger import REPLACE as REPLACING
from values import content, first_wrong, size_of, version_of

BATCH = 6
READS = {"get": 40, "get_batch": 10, "fresh": 10, "get_range": 10, "view": 6}
WRITES = {"put": 10, "put_batch": 4, "open_put": 4, "replace": 12, "remove": 8}
VIEW_SECONDS = 2.0
BEHIND_THE_END = -Status.INVALID_ARGUMENT  # a range of a version that is shorter


class Worker:
    def __init__(self, options):
        self.options = options
        self.random = random.Random(f"{options.seed} {options.owner} {options.incarnation}")
        self.ledger = Ledger(options.ledger, options.owners, options.keys)
        self.count = self.ledger.counts[options.owner]
        self.rows = self.ledger.rows()
        self.own = self.ledger.rows(options.owner)
        self.journal = Journal(options.journal)
        self.buffers = [numpy.zeros(options.size_max, numpy.uint8) for _ in range(BATCH)]
        self.client = self.connect()
        self.held = None  # (view, row, what it showed first, until when)
        self.trouble = ""  # as the client tells it
        self.plants = set(options.plant if options.incarnation == 0 else ())
        self.plant_at = time.monotonic() + 1

    def connect(self):
        return aquifer.Client(self.options.meta, transport=self.options.transport,
                              timeout=self.options.timeout)

    def run(self):
        for row in self.own:
            row.settle()
        parent = os.getppid()
        actions = {**READS, **WRITES}
        names, weights = list(actions), list(actions.values())
        while not self.ledger.stopped and os.getppid() == parent:
            began = time.monotonic()
            if self.plants:
                self.make_up()
            getattr(self, self.random.choices(names, weights)[0])()
            if self.held and began > self.held[3]:
                self.end_view()
            time.sleep(max(0.0005, began + 1 / self.options.rate - time.monotonic()))
        if self.held:
            self.end_view()
        if damaged := self.client.counters()["integrity_failures"]:
            self.fault("damage", count=damaged)
        self.client.close()
        self.journal.close()

    def in_trouble(self):
        """Counts it; what the client says of it goes to the log whenever it is something else."""
        self.count["trouble"] += 1
        if (trouble := self.client.last_error()) != self.trouble:
            print(f"{time.monotonic() - self.options.began:.2f} s: {trouble}", flush=True)
            self.trouble = trouble

    def planted(self, name):
        """True once, some time after the start, where that fault is to be made up."""
        if name not in self.plants or time.monotonic() < self.plant_at:
            return False
        self.plants.remove(name)
        return True

    def fault(self, what, **details):
        self.count["faults"] += 1
        line = json.dumps({"at": time.monotonic(), "owner": self.options.owner, "what": what,
                           **details})
        with open(self.options.faults, "a", encoding="utf-8") as file:
            file.write(line + "\n")

    def timed(self, kind, succeeded, call, *arguments, **options):
        if self.planted("late"):
            return self.journal.timed(kind, succeeded, self.late, call, *arguments, **options)
        return self.journal.timed(kind, succeeded, call, *arguments, **options)

    def late(self, call, *arguments, **options):
        time.sleep(self.options.late)
        return call(*arguments, **options)

    def make_up(self):
        """Faults of the pool, as they would look to the others."""
        rows = [row for row in self.own if row.must and row.replicas > 1]
        if len(rows) > 1 and self.planted("safe-miss"):
            self.client.remove(rows[0].key)
        if len(rows) > 1 and self.planted("wrong-version"):
            rows[-1].begin(REPLACING)
            rows[-1].finish(Status.OK)

    # Reads

    def any_row(self):
        """Mostly one that is there."""
        drawn = self.random.choices(self.own if self.random.random() < 0.5 else self.rows, k=3)
        return next((row for row in drawn if row.must), drawn[0])

    def check(self, data, row, expected, *, offset=0, how):
        """Every byte, the version, and the length. `data` is an array that may be written."""
        if self.planted("wrong-byte"):
            data[len(data) // 2] ^= 1
        version = self.version_read(data, row, offset)
        details = {"key": row.key, "replicas": row.replicas, "how": how, "offset": offset,
                   "bytes": len(data), "version": version}
        attempted = row.attempted
        if version is None:
            self.fault("wrong_bytes", why="no version of this key", **details)
        elif (at := first_wrong(data, row.key, version, offset)) is not None:
            self.fault("wrong_bytes", why=f"byte {at} is the first wrong one", **details)
        elif wrong := expected.fault(version, attempted):
            self.fault("wrong_version", why=wrong, floor=expected.floor, dead=expected.dead,
                       attempted=attempted, **details)
        elif offset == 0 and how != "get_range" and len(data) != self.size(row, version):
            self.fault("wrong_bytes", why=f"not its size, {self.size(row, version)}", **details)
        self.count["gets"] += 1
        self.count["read_bytes"] += len(data)

    @staticmethod
    def version_read(data, row, offset):
        if len(data) >= 16:
            return version_of(data, row.key, offset)
        fits = (version for version in range(1, row.attempted + 1)
                if first_wrong(data, row.key, version, offset) is None)
        return next(fits, None)

    def size(self, row, version):
        return size_of(row.key, version, self.options.size_max)

    def without_bytes(self, answer, row, expected):
        """A read that delivered nothing: a miss (0), or trouble (negative)."""
        if answer == BEHIND_THE_END:
            return
        if answer < 0:
            self.in_trouble()
            return
        self.count["misses"] += 1
        if row.replicas > 1 and row.had_to_be_there(expected):
            self.count["safe_misses"] += 1
            self.fault("safe_miss", key=row.key, attempted=row.attempted)

    def judge(self, answer, buffer, row, expected, *, offset=0, how):
        if answer > 0:
            self.check(buffer[:answer], row, expected, offset=offset, how=how)
        else:
            self.without_bytes(answer, row, expected)

    def get(self, client=None, kind=GET, how="get"):
        row, buffer = self.any_row(), self.buffers[0]
        expected = row.expectation(fresh=client is not None)
        answer = self.timed(kind, lambda got: got > 0,
                                    (client or self.client).get_into, row.key, buffer)
        self.judge(answer, buffer, row, expected, how=how)

    def get_batch(self):
        rows = [self.any_row() for _ in range(BATCH)]
        expected = [row.expectation() for row in rows]
        answers = self.timed(GET, lambda got: max(got) > 0, self.client.get_into_batch,
                                     [row.key for row in rows], self.buffers)
        for answer, buffer, row, one in zip(answers, self.buffers, rows, expected):
            self.judge(answer, buffer, row, one, how="get_batch")

    def fresh(self):
        """By a client that knows nothing yet, and asks meta."""
        with self.connect() as client:
            self.get(client, LOOKUP, "fresh")

    def get_range(self):
        row = self.any_row()
        expected = row.expectation()
        size = self.size(row, row.attempted)
        offset = self.random.randrange(size)
        buffer = self.buffers[0][:self.random.randint(1, size)]
        answer = self.timed(GET, lambda got: got > 0, self.client.get_range_into, row.key,
                                    offset, buffer)
        self.judge(answer, buffer, row, expected, offset=offset, how="get_range")

    def view(self):
        """Looks at a value where it lies, and keeps it in view for a while."""
        row = self.any_row()
        expected = row.expectation()
        view = self.timed(GET, bool, self.client.view, row.key)
        if not view:
            return
        seen = bytes(view)
        self.check(numpy.frombuffer(bytearray(seen), numpy.uint8), row, expected, how="view")
        if self.held:
            view.release()
        else:
            until = time.monotonic() + self.random.uniform(0, VIEW_SECONDS)
            self.held = (view, row, seen, until)

    def end_view(self):
        """What was seen through a view must not have changed while it was held."""
        view, row, seen, _ = self.held
        self.held = None
        if bytes(view) != seen:
            self.fault("wrong_bytes", how="view", key=row.key, why="changed while it was held")
        view.release()

    # Writes

    def own_rows(self, count, operation=PUTTING):
        """Of the owner's keys some whose last outcome is known, or was given the time to become so.
        Lasting ones are put once, so that what the pool forgets is not covered up by the next put;
        their turns are spread over the run."""
        now = time.monotonic()
        turn = len(self.own) * (now - self.options.began) / self.options.seconds
        drawn = self.random.sample(list(enumerate(self.own)), min(len(self.own), 4 * count))
        return [row for number, row in drawn if row.rests_until < now and not
                (row.lasting and (row.must or operation != PUTTING or number > turn))][:count]

    def value(self, row, version):
        return content(row.key, version, self.size(row, version))

    def finish(self, row, status, counted):
        if row.finish(status):
            self.count["misses"] += 1
            if row.replicas > 1:
                self.count["safe_misses"] += 1
                self.fault("safe_miss", key=row.key, attempted=row.attempted, how="remove")
        self.count[counted] += status in (Status.OK, Status.PENDING)
        self.count["unknown"] += status == Status.UNKNOWN
        if status not in (Status.OK, Status.PENDING, Status.EXISTS, Status.NOT_FOUND):
            self.in_trouble()

    def put_one(self, operation, call):
        for row in self.own_rows(1, operation):
            value = self.value(row, row.begin(operation))
            status = self.timed(PUT, lambda got: got == Status.OK, call, row.key, value,
                                replicas=row.replicas)
            self.finish(row, status, "puts")

    def put(self):
        self.put_one(PUTTING, self.client.put)

    def replace(self):
        self.put_one(REPLACING, self.client.replace)

    def put_batch(self):
        replicas = self.random.choice((1, 2))
        rows = [row for row in self.own_rows(2 * BATCH) if row.replicas == replicas]
        if not rows:
            return
        values = [self.value(row, row.begin(PUTTING)) for row in rows]
        statuses = self.timed(PUT, lambda got: Status.OK in got, self.client.put_batch,
                              [row.key for row in rows], values, replicas=replicas)
        for row, status in zip(rows, statuses):
            self.finish(row, status, "puts")

    def open_put(self):
        """In ranges, the later half first."""
        for row in self.own_rows(1):
            value = self.value(row, row.begin(PUTTING))
            with self.timed(OTHER, bool, self.client.open_put, row.key, len(value),
                            replicas=row.replicas) as put:
                half = len(value) // 2
                status = put.status
                for offset, part in ((half, value[half:]), (0, value[:half])):
                    if status == Status.OK:
                        status = self.timed(OTHER, bool, put.write, offset, part)
                if status == Status.OK:
                    status = self.timed(PUT, lambda got: got == Status.OK, put.commit)
            self.finish(row, status, "puts")

    def remove(self):
        for row in self.own_rows(1, REMOVING):
            row.begin(REMOVING)
            status = self.timed(REMOVE, bool, self.client.remove, row.key)
            self.finish(row, status, "removes")


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("meta", "transport", "ledger", "journal", "faults", "seed"):
        parser.add_argument(f"--{name}", required=True)
    for name in ("owner", "owners", "keys", "incarnation", "size-max"):
        parser.add_argument(f"--{name}", type=int, required=True)
    for name in ("rate", "timeout", "late", "began", "seconds"):
        parser.add_argument(f"--{name}", type=float, required=True)
    parser.add_argument("--plant", action="append", default=[])
    return parser.parse_args()


if __name__ == "__main__":
    # Ctrl-C is for the parent, which tells its clients to end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Worker(parse()).run()
