#!/usr/bin/env python3
"""Real programs, really killed: one meta, nodes and clients that check every byte, while programs are
killed with -9, stopped, restarted and cut off from each other at random.

Each promise is a check of its own in the table at the end; the exit status is 0 when all that are judged
hold. The times in the timeline are from an event to the first call that began after it and succeeded.
"""

import argparse
import json
import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(1, str(HERE.parent / "e2e"))  # processes.py, proxy.py

import journal  # noqa: E402 (the path is set first)
import report  # noqa: E402
from cluster import Cluster  # noqa: E402
from director import EVENTS, Director  # noqa: E402
from judge import LastLook, late_calls, outages  # noqa: E402
from ledger import Ledger  # noqa: E402
from plants import PLANTS, PLANTS_OF_CLIENTS, Plants  # noqa: E402
from report import Check  # noqa: E402
from watch import Watch, unreadable_seconds  # noqa: E402

GRACE_SECONDS = 1.0  # beyond a call's deadline, on a machine that is starved
CALM_SECONDS = 2.0  # at the end, in which everybody must have worked again
CLIENT_END_SECONDS = 15
PROGRESS_SECONDS = 0.5
REPLICAS_MISSING = "replicas_missing"  # in the status of a pool that copies again what it has lost

CHECKS = {
    "wrong_bytes": "reads with bytes that were never put there",
    "wrong_version": "reads of a version replaced, removed or refused before",
    "removed_is_back": "removed objects that are there at the end",
    "lost_2": "objects with 2 replicas lost",
    "lost_1": "objects with 1 replica lost",
    "safe_miss": "misses of an object with 2 replicas that was there",
    "late": "calls later than deadline and grace",
    "damage": "damage found by pool or clients",
    "unexpected_end": "programs that ended by themselves, or would not end",
    "not_back": "times that something did not come back",
    "idle": "clients that did not work again at the end",
    "evictions": "evictions, which make losses uncertain",
    "leftovers": "processes, ports and files left behind",
}


def parse():
    parser = argparse.ArgumentParser(prog="./dev chaos", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--seconds", type=float, default=60, help="how long things go wrong (%(default)s)")
    add("--seed", type=int, help="of what is drawn; without it a fresh one, which is printed")
    add("--events", default="all", metavar="KIND,KIND",
        help=f"what may go wrong: all, none, or some of {', '.join(EVENTS)}")
    add("--pause", type=float, default=1.2, help="mean seconds from event to event (%(default)s)")
    add("--away", type=float, metavar="SECONDS",
        help="how long what was killed stays away; without it up to 1.5 s, drawn")
    add("--patience", type=float, default=30,
        help="seconds within which what was brought back must be there (%(default)s)")
    add("--cold", action="store_true",
        help="half of the killed nodes come back empty; objects with 1 replica are then not judged")
    add("--nodes", type=int, default=3, help="(%(default)s)")
    add("--clients", type=int, default=4, help="(%(default)s)")
    add("--keys", type=int, default=600, help="of each client (%(default)s)")
    add("--size-max", type=int, default=512 << 10, help="bytes of the largest value (%(default)s)")
    add("--dram", default="256MiB", help="memory of each node (%(default)s)")
    add("--rate", type=float, default=150, help="calls a second of each client (%(default)s)")
    add("--timeout", type=float, default=2, help="deadline of each call, in seconds (%(default)s)")
    add("--meta-option", action="append", default=[], metavar="WORD", help="handed to aquifer meta")
    add("--node-option", action="append", default=[], metavar="WORD", help="handed to aquifer node")
    add("--not-judged", action="append", default=[], metavar="CHECK", choices=CHECKS,
        help=f"count and show, but do not fail for: {', '.join(CHECKS)}")
    add("--plant", action="append", default=[], choices=PLANTS,
        help="make up a fault, to see that it is found: %(choices)s")
    add("--json", type=Path, metavar="FILE", help="write the results to this file")
    add("--logs", type=Path, metavar="DIR", help="keep the programs' logs and the journals there")
    options = parser.parse_args()
    if options.seed is None:
        options.seed = random.SystemRandom().getrandbits(32)
    options.kinds = chosen_events(parser, options)
    return options


def chosen_events(parser, options):
    if options.events in ("all", "none"):
        return list(EVENTS) if options.events == "all" else []
    kinds = options.events.split(",")
    for kind in kinds:
        if kind not in EVENTS:
            parser.error(f"unknown event {kind!r}; there are {', '.join(EVENTS)}")
    return kinds


def has_all_replicas(status):
    """Whether what an empty node has lost was copied again, and the next loss may come."""
    return status.get(REPLICAS_MISSING) == 0


class Run:
    """One run in two temporary folders: the programs' segments, and everything that is written down."""

    def __init__(self, options, folder, segments):
        self.options = options
        self.folder = folder
        self.segments = segments
        self.ledger = Ledger(folder / "ledger", options.clients, options.keys, create=True)
        self.began = time.monotonic()
        self.faults = []
        self.looks = []
        self.plants = Plants(options.plant)
        self._shown = 0.0
        self.cluster = Cluster(folder, segments, options, self.worker_words)
        self.watch = Watch(self.cluster.meta.address, self.cluster.nodes,
                           settled=has_all_replicas if options.cold else lambda status: True)
        self.director = Director(
            self.cluster, self.watch, random.Random(options.seed), kinds=options.kinds,
            pause=options.pause, patience=options.patience, away=options.away,
            cold=options.cold, say=self.say)

    def worker_words(self, owner):
        options = self.options
        words = {"ledger": self.folder / "ledger", "journal": self.journal_path(owner),
                 "faults": self.folder / "faults", "seed": options.seed,
                 "owners": options.clients, "keys": options.keys, "size-max": options.size_max,
                 "rate": options.rate, "timeout": options.timeout,
                 "began": self.began, "seconds": options.seconds,
                 "late": options.timeout + 2 * GRACE_SECONDS}
        plants = [f"--plant={plant}" for plant in options.plant
                  if plant in PLANTS_OF_CLIENTS and owner == 0]
        return [f"--{name}={value}" for name, value in words.items()] + plants

    def journal_path(self, owner):
        return self.folder / f"journal-{owner}"

    def say(self, words):
        clear = "\r\033[K" if sys.stdout.isatty() else ""
        print(f"{clear}{time.monotonic() - self.began:6.1f} s  {words}", flush=True)

    def progress(self, elapsed):
        if not sys.stdout.isatty() or elapsed < self._shown + PROGRESS_SECONDS:
            return
        self._shown = elapsed
        print(f"\r\033[K{elapsed:6.1f} s of {self.options.seconds:g}: {self.totals()}", end="",
              flush=True)

    def totals(self):
        total = self.ledger.total
        return (f"{len(self.director.events)} events, {total('gets')} values verified "
                f"({total('read_bytes') / 2**20:.0f} MiB), {total('puts')} puts, "
                f"{total('removes')} removes, {total('misses')} misses, "
                f"{total('trouble')} calls in trouble, {total('unknown')} unknown, "
                f"{total('faults') + len(self.director.faults) + len(self.watch.faults)} faults")

    def run(self):
        if self.options.cold and REPLICAS_MISSING not in self.watch.status():
            raise SystemExit("./dev chaos: --cold: this pool does not tell when objects have all "
                             f"their replicas again (no {REPLICAS_MISSING} in its status)")
        self.watch.start()
        self.director.began = self.began = time.monotonic()
        self.plants.at_start(self.cluster)
        self.director.run(self.options.seconds, self.progress)
        self.say("no more events")
        self.plants.before_calm(self.cluster)
        calm_from = time.monotonic()
        self.director.calm(CALM_SECONDS, self.progress)
        self.plants.after_calm(self.cluster)
        self.end_clients()
        self.plants.before_last_look(self.cluster, self.segments, self.ledger,
                                     self.options.size_max)
        for transport in ("shm", "tcp"):
            self.looks.append(LastLook(self.ledger, self.cluster.meta.address, transport,
                                       self.options.size_max, self.options.timeout))
        self.find_idle_clients(calm_from)

    def end_clients(self):
        self.ledger.stop()
        end = time.monotonic() + CLIENT_END_SECONDS
        for client in self.cluster.clients:
            client.ordered_end = True
            while not client.ended and time.monotonic() < end:
                time.sleep(0.02)
            if not client.ended or client.process.returncode != 0:
                self.fault("unexpected_end", party=client.name, status=client.process.poll(),
                           said=client.said[-2000:])

    def fault(self, what, **details):
        self.faults.append({"at": time.monotonic(), "what": what, **details})

    def find_idle_clients(self, since):
        """Those that have not both put and got since the last event was over."""
        for client, records in zip(self.cluster.clients, self.journals()):
            late = records[(records["start"] > since) & (records["ok"] == 1)]
            if not {journal.PUT, journal.GET} <= set(late["kind"].tolist()):
                self.fault("idle", party=client.name)

    def journals(self):
        return [journal.read(self.journal_path(client.owner)) for client in self.cluster.clients]

    def close(self):
        """Ends everything; what is left behind counts as faults."""
        self.ledger.stop()
        try:
            self.watch.close()
        finally:
            self.close_programs()

    def close_programs(self):
        with self.plants:
            for problem in self.cluster.close():
                self.fault("leftovers", problem=problem)

    # What came of it

    def all_faults(self):
        path = self.folder / "faults"
        lines = path.read_text().splitlines() if path.exists() else []
        faults = [json.loads(line) for line in lines] + self.faults + self.director.faults \
            + self.watch.faults + [fault for look in self.looks for fault in look.faults]
        return sorted(faults, key=lambda fault: fault["at"])

    def late(self):
        found = [late_calls(records, client.stops, self.options.timeout, GRACE_SECONDS)
                 for client, records in zip(self.cluster.clients, self.journals())]
        return sum(count for count, _ in found), max(worst for _, worst in found)

    def told_events(self):
        journals = self.journals()
        ends = [event.at for event in self.director.events[1:]] + [float("inf")]
        return [self.told(event, end, journals) for event, end in zip(self.director.events, ends)]

    def told(self, event, end, journals):
        whom = "node" if event.party in self.cluster.nodes else \
            "meta" if event.party is self.cluster.meta else "client"
        told = {"at": event.at, "kind": f"{event.how}-{whom}", "words": event.words,
                "away": event.seconds, "outages": outages(event, journals),
                "whole": "-", "unreadable": "-"}
        if whom != "client":
            told["whole"] = event.whole and event.whole - event.at
        if whom == "node":
            until = max(end, event.whole or float("inf"))
            told["unreadable"] = unreadable_seconds(self.watch.probes[event.party.name], event.at,
                                                    until)
        return told

    def checks(self, faults):
        def count(what, **wanted):
            keys = {(fault.get("key") or fault["at"]) for fault in faults if fault["what"] == what
                    and all(fault.get(name) == value for name, value in wanted.items())}
            return len(keys)

        late, worst = self.late()
        looks = self.looks[0]
        values = {name: count(name) for name in CHECKS}
        values |= {"lost_1": count("lost", replicas=1), "lost_2": count("lost", replicas=2),
                   "late": late, "evictions": self.watch.evictions,
                   "damage": count("damage") + self.watch.damage,
                   "unexpected_end": count("unexpected_end") + count("not_ended")}
        of = {"wrong_bytes": f"of {self.ledger.total('gets')} values, "
                             f"{self.ledger.total('read_bytes') / 2**20:.0f} MiB",
              "lost_1": f"of {looks.judged[1]}", "lost_2": f"of {looks.judged[2]}",
              "removed_is_back": f"of {looks.removed}",
              "late": f"the worst {worst:.3f} s beyond its deadline of {self.options.timeout:g} s"}
        unjudged = set(self.options.not_judged) | ({"lost_1"} if self.options.cold else set())
        return [Check(words, values[name], of.get(name, ""), name not in unjudged)
                for name, words in CHECKS.items()]


def show(run):
    """Prints all of it. Answers what goes into the JSON."""
    faults = run.all_faults()
    checks = run.checks(faults)
    events = run.told_events()
    print(f"\nTimeline (seconds)\n\n" + "\n".join(report.timeline(events, run.began)))
    print("\nMedian and longest of each kind (seconds)\n\n" + "\n".join(report.kinds_table(events)))
    if faults:
        print("\nFaults\n\n" + "\n".join(report.faults_text(faults, run.began)))
    print(f"\n{run.totals()}\n\n" + "\n".join(report.checks_table(checks)))
    return {"seed": run.options.seed, "seconds": run.options.seconds, "began": run.began,
            "events": events, "faults": faults,
            "checks": {name: {"value": check.value, "verdict": check.verdict, "name": check.name,
                              "of": check.of} for name, check in zip(CHECKS, checks)}}


def chaos(options, folder, segments):
    print(f"seed {options.seed}: {options.seconds:g} s, 1 meta, {options.nodes} nodes of "
          f"{options.dram}, {options.clients} clients", flush=True)
    run = Run(options, folder, segments)
    try:
        run.run()
    finally:
        run.close()
    results = show(run)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")
    failed = [check for check in results["checks"].values() if check["verdict"] == "FAILED"]
    print(f"\n{len(failed)} checks failed" if failed else "\nall judged checks hold",
          f"(seed {options.seed})")
    return 1 if failed else 0


def main():
    options = parse()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with tempfile.TemporaryDirectory(prefix="aquifer-chaos-") as folder, \
            tempfile.TemporaryDirectory(prefix="aquifer-chaos-", dir="/dev/shm") as segments:
        try:
            return chaos(options, Path(folder), Path(segments))
        except KeyboardInterrupt:
            print("\ninterrupted; everything was ended", file=sys.stderr)
            return 130
        finally:
            if options.logs:
                shutil.copytree(folder, options.logs, dirs_exist_ok=True)


if __name__ == "__main__":
    sys.exit(main())
