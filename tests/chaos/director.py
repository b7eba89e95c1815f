"""Decides what goes wrong when: draws events from a seed, carries them out, and sees to it that everything
comes back. At most one node at a time is away; meta and clients may be so at the same time."""

import heapq
import time

TICK_SECONDS = 0.01
NOTICE_SECONDS = 0.2  # in which the status of the pool follows what happened
RESTART_SECONDS = 0.5  # before a program that ended by itself is started once more
WORDS = {"kill": "kill -9", "stop": "SIGSTOP", "restart": "SIGTERM", "cut": "connections cut",
                "stall": "connections stalled"}

# What can go wrong, and how often each compared with the others.
EVENTS = {
    "kill-meta": 3, "stop-meta": 2,
    "kill-node": 4, "stop-node": 3, "restart-node": 2, "cut-node": 2, "stall-node": 1,
    "kill-client": 2, "stop-client": 2, "cut-client": 2, "stall-client": 1,
}


class Event:
    def __init__(self, how, party, seconds):
        self.how = how
        self.party = party
        self.seconds = seconds  # until it is ended on purpose
        self.at = time.monotonic()
        self.restored = None  # when it was told to come back
        self.ready = None  # when it said that it is
        self.whole = None  # when the pool was whole again; of nodes and meta
        self.fresh = False

    @property
    def words(self):
        lasting = "" if self.how in ("cut", "restart") else f", {self.seconds:.1f} s"
        fresh = ", comes back empty" if self.fresh else ""
        return f"{self.party.name}: {WORDS[self.how]}{lasting}{fresh}"


class Director:
    def __init__(self, cluster, watch, random, *, kinds, pause, patience, away, cold, say):
        self.cluster = cluster
        self.watch = watch
        self.random = random
        self.kinds = kinds
        self.pause = pause
        self.patience = patience
        self.away = away
        self.cold = cold
        self.say = say
        self.events = []
        self.faults = []
        self.began = time.monotonic()
        self._open = {}  # the event that a party is in
        self._due = []  # heap of (when, number, what to do)
        self._next = self.began + pause
        self._number = 0

    def run(self, seconds, progress):
        """Events for so long; then brings everything back, which may take somewhat longer."""
        end = self.began + seconds
        while time.monotonic() < end or self._open:
            self._tick(time.monotonic() < end)
            progress(time.monotonic() - self.began)
            time.sleep(TICK_SECONDS)

    def calm(self, seconds, progress):
        """No events, for so long from now, and from when the pool is whole."""
        start = time.monotonic()
        while time.monotonic() < start + seconds or not self.watch.whole_for(seconds):
            self._tick(False)
            progress(time.monotonic() - self.began)
            if time.monotonic() > start + seconds + self.patience:
                self._fault("not_back", party="the pool", seconds=self.patience)
                return
            time.sleep(TICK_SECONDS)

    def _tick(self, may_begin):
        now = time.monotonic()
        while self._due and self._due[0][0] <= now:
            heapq.heappop(self._due)[2]()
        self._look_for_ends()
        for event in list(self._open.values()):
            self._follow(event)
        if may_begin and self.kinds and now >= self._next:
            self._next = now + min(4 * self.pause, self.random.expovariate(1 / self.pause))
            self._begin()

    def _after(self, seconds, action):
        self._number += 1
        heapq.heappush(self._due, (time.monotonic() + seconds, self._number, action))

    def _fault(self, what, **details):
        self.faults.append({"at": time.monotonic(), "what": what, **details})

    def _look_for_ends(self):
        """A program that ends by itself is a fault; it is started again, as a supervisor would."""
        for party in self.cluster.parties:
            if party.ended and not party.ordered_end:
                self._fault("unexpected_end", party=party.name, status=party.process.returncode)
                self.say(f"{party.name} ended by itself, exit status {party.process.returncode}")
                party.ordered_end = True
                self._after(RESTART_SECONDS, party.restart)

    # One event

    def _begin(self):
        names = list(self.kinds)
        kind = self.random.choices(names, [EVENTS[name] for name in names])[0]
        how, whom = kind.split("-")
        party = self.random.choice(self._candidates(how, whom))
        seconds = self._draw_seconds(how)
        if not self._may(party, whom):
            return
        event = Event(how, party, seconds)
        if self.cold and kind == "kill-node":
            event.fresh = party.fresh = self.random.random() < 0.5
        self.events.append(event)
        self._open[party] = event
        self.say(event.words)
        if whom != "client":
            self.watch.doubt()
        getattr(self, f"_{how}")(event)

    def _draw_seconds(self, how):
        drawn = self.random.uniform(0, 1)
        if how in ("stop", "stall"):
            return 0.1 + 2.9 * drawn
        if how == "kill":
            return 1.5 * drawn if self.away is None else self.away
        return 0

    def _candidates(self, how, whom):
        parties = {"meta": [self.cluster.meta], "node": self.cluster.nodes,
                   "client": self.cluster.clients}[whom]
        return [one for one in parties if one.proxy] if how in ("cut", "stall") else parties

    def _may(self, party, whom):
        if party in self._open or party.ordered_end:
            return False
        if whom != "node":
            return True
        return self.watch.whole_for(0) and not any(node in self._open for node in self.cluster.nodes)

    def _kill(self, event):
        event.party.kill()
        self._after(event.seconds, lambda: self._restore(event, event.party.restart))

    def _restart(self, event):
        event.party.terminate()
        self._after(0, lambda: self._restart_ended(event))

    def _restart_ended(self, event):
        if event.party.ended:
            self._restore(event, event.party.restart)
        elif time.monotonic() < event.at + self.patience:
            self._after(TICK_SECONDS, lambda: self._restart_ended(event))
        else:
            self._fault("not_ended", party=event.party.name, seconds=self.patience)
            event.party.kill()
            self._restore(event, event.party.restart)

    def _stop(self, event):
        event.party.stop()
        self._after(event.seconds, lambda: self._restore(event, event.party.resume))

    def _cut(self, event):
        self._restore(event, event.party.cut)

    def _stall(self, event):
        event.party.stall()
        self._after(event.seconds, lambda: self._restore(event, event.party.release))

    @staticmethod
    def _restore(event, how):
        how()
        event.restored = time.monotonic()

    def _follow(self, event):
        """Notes how far it has come back."""
        if event.restored is None:
            return
        now = time.monotonic()
        if event.ready is None and not event.party.ended and event.party.is_ready():
            event.ready = now
            if event.party not in self.cluster.clients:
                self.watch.doubt()
        since = self.watch.whole_since
        late = now > event.restored + self.patience
        if event.ready and event.party in self.cluster.clients:
            del self._open[event.party]
        elif event.ready and since and now > event.restored + NOTICE_SECONDS:
            event.whole = since
            del self._open[event.party]
        elif late:
            self._fault("not_back", party=event.party.name, seconds=self.patience)
            del self._open[event.party]
