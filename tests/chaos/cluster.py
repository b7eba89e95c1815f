"""The programs of a run: one meta, nodes, clients, and the proxies through which they reach meta.

A party is one of them across all its restarts. It knows how to kill, stop, and bring itself back, and
what it is expected to be doing; when and why is decided elsewhere (director.py). Programs die with this
process, whatever ends it.
"""

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from processes import Processes
from proxy import Proxy

HERE = Path(__file__).resolve().parent
# Also when this process is killed.
DIES_WITH_US = ("setpriv", "--pdeathsig", "KILL")
LOOK_SECONDS = 0.001


class Stall:
    """Holds back what goes through a proxy until it is released."""

    def __init__(self):
        self._released = threading.Event()

    def release(self):
        self._released.set()

    def __call__(self, _direction, data, _offset):
        self._released.wait()
        return data


class Party:
    def __init__(self, name, proxy=None):
        self.name = name
        self.proxy = proxy
        self.stops = []  # [from, until] of each time that it was stopped
        self.ordered_end = False
        self._stall = None

    # For the kinds of parties

    def start(self):
        raise NotImplementedError

    @property
    def process(self):
        raise NotImplementedError

    def is_ready(self):
        raise NotImplementedError

    # For the director

    @property
    def pid(self):
        return self.process.pid

    @property
    def ended(self):
        return self.process.poll() is not None

    def kill(self):
        self.ordered_end = True
        self.process.kill()
        self.process.wait()

    def terminate(self):
        self.ordered_end = True
        self.process.send_signal(signal.SIGTERM)

    def stop(self):
        self.process.send_signal(signal.SIGSTOP)
        self.stops.append([time.monotonic(), float("inf")])

    def resume(self):
        self.process.send_signal(signal.SIGCONT)
        if self.stops:
            self.stops[-1][1] = min(self.stops[-1][1], time.monotonic())

    def cut(self):
        self.proxy.cut_all()

    def stall(self):
        self._stall = self.proxy.damage = Stall()

    def release(self):
        self.proxy.damage = None
        if self._stall:
            self._stall.release()

    def restart(self):
        self.process.wait()
        self.ordered_end = False
        self.start()


class ServerParty(Party):
    """Meta or a node, which say when they are ready."""

    server = None

    @property
    def process(self):
        return self.server.process

    def is_ready(self):
        return self.server.is_ready(LOOK_SECONDS)


class MetaParty(ServerParty):
    def __init__(self, processes, options):
        super().__init__("meta")
        self._processes = processes
        self._options = options
        self._address = "tcp://127.0.0.1:0"
        self.start()
        self._address = self.server.address

    @property
    def address(self):
        return self._address

    def start(self):
        self.server = self._processes.start("meta", "--listen", self._address, *self._options,
                                            prefix=DIES_WITH_US)


class NodeParty(ServerParty):
    def __init__(self, processes, name, meta, segments, dram, options):
        super().__init__(name, Proxy(meta))
        self._processes = processes
        self._words = ["--meta", self.proxy.address, "--name", name, "--dram", dram,
                       "--segments", segments, *options]
        self.fresh = False  # whether the next start is one without what it held
        self.start()

    def start(self):
        fresh = ["--fresh"] if self.fresh else []
        self.fresh = False
        self.server = self._processes.start("node", *self._words, *fresh, prefix=DIES_WITH_US)


class ClientParty(Party):
    def __init__(self, processes, owner, transport, meta, by_proxy, words):
        super().__init__(f"client {owner} ({transport})", Proxy(meta) if by_proxy else None)
        self.owner = owner
        self._log = processes.folder / f"client-{owner}.log"
        self._environment = processes.environment()
        self._words = [*words, "--meta", self.proxy.address if by_proxy else meta,
                       "--owner", str(owner), "--transport", transport]
        self._incarnation = 0
        self.start()

    @property
    def process(self):
        return self._process

    def start(self):
        with open(self._log, "ab") as log:
            self._process = subprocess.Popen(
                [*DIES_WITH_US, sys.executable, "-B", str(HERE / "worker.py"), *self._words,
                 "--incarnation", str(self._incarnation)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self._environment)
        self._incarnation += 1

    def is_ready(self):
        return True

    @property
    def said(self):
        return self._log.read_text(errors="replace")


class Cluster:
    """Started by the constructor, and ended by close(), which answers what was left behind."""

    def __init__(self, folder, segments, options, worker_words):
        self.processes = Processes(folder)
        self.parties = []
        try:
            self._start(segments, options, worker_words)
        except BaseException:
            self.close()
            raise

    def _start(self, segments, options, worker_words):
        self.meta = self._add(MetaParty(self.processes, options.meta_option))
        self.nodes = [self._add(NodeParty(self.processes, f"node-{number}", self.meta.address,
                                          segments, options.dram, options.node_option))
                      for number in range(options.nodes)]
        for node in self.nodes:
            node.server.wait_ready()
        self.clients = []
        for owner in range(options.clients):
            # The last one by TCP; every other one through a proxy.
            transport = "tcp" if owner == options.clients - 1 else "shm"
            self.clients.append(self._add(ClientParty(
                self.processes, owner, transport, self.meta.address, owner % 2 == 1,
                worker_words(owner))))

    def _add(self, party):
        self.parties.append(party)
        return party

    def resume_all(self):
        for party in self.parties:
            if party.proxy:
                party.release()
            if not party.ended:
                party.resume()

    def close(self):
        """Ends everything by its pid. Answers what was left behind, in words."""
        problems = []
        self.resume_all()
        for party in self.parties:
            if isinstance(party, ClientParty):
                party.process.kill()
                party.process.wait()
        for server in self.processes.servers:
            # What a program says of a world in which others are killed is for the log.
            server.expect_warning(r"T\S+ [WE] ")
        try:
            self.processes.close()
        except AssertionError as error:
            problems += str(error).splitlines()
        for party in self.parties:
            if party.proxy:
                party.proxy.close()
        return problems
