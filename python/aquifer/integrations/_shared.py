"""What the plug-ins share: options, keys, lists of addresses, and a store that never raises."""

import functools
import hashlib
import logging
import threading
import time
from dataclasses import dataclass, fields
from typing import Optional

import aquifer

_MODEL_BYTES_MAX = 200
_COMPLAINT_SECONDS = 30


@dataclass(frozen=True)
class Options:
    """What every plug-in can be told, under these names in the engine's own configuration."""

    meta: Optional[str] = None  # tcp://HOST:PORT; None takes AQUIFER_META
    namespace: str = "default"
    timeout: float = 5.0  # seconds that a call may take
    zone: Optional[str] = None  # of this host; its nodes are read from first
    replicas: int = 1  # nodes on which each object is kept
    transport: str = "auto"
    copy_threads: int = 1
    tcp_streams: int = 2
    tag: str = ""  # keeps apart what would have the same keys

    @classmethod
    def read(cls, settings, **defaults):
        """The options among `settings`, a mapping that may hold other things too. Raises ValueError
        for a number that is none."""
        values = dict(defaults)
        for field in fields(cls):
            given = (settings or {}).get(field.name)
            if given is None:
                continue
            kind = type(field.default) if field.default is not None else str
            try:
                values[field.name] = kind(given)
            except (TypeError, ValueError):
                raise ValueError(
                    f"bad value {given!r} for {field.name}: expected {kind.__name__}"
                ) from None
        return cls(**values)

    def client(self, kind=aquifer.Client):
        """A client with these options, or an AsyncClient; it connects at its first call."""
        return kind(
            self.meta,
            namespace=self.namespace,
            transport=self.transport,
            timeout=self.timeout,
            copy_threads=self.copy_threads,
            tcp_streams=self.tcp_streams,
            zone=self.zone,
        )


def shortened(name, bytes_max):
    """The name itself, or its beginning and its digest when it is longer: keys have a limit of 1024
    bytes, and models may be named by long paths."""
    text = name.encode()
    if len(text) <= bytes_max:
        return name
    digest = hashlib.sha256(text).hexdigest()[:32]
    return f"{text[: bytes_max - len(digest) - 1].decode(errors='ignore')}-{digest}"


def model_prefix(engine, model, tag=""):
    """What the keys of a model begin with."""
    name = ":".join(part.replace(":", "-") for part in (tag, str(model or "model")) if part)
    return f"{engine}:{shortened(name, _MODEL_BYTES_MAX)}:"


def type_name(dtype):
    """The short name of a type of numbers: "bfloat16" for torch.bfloat16."""
    return str(getattr(dtype, "name", None) or dtype).rpartition(".")[2]


def tensor_bytes(tensor):
    """The size of a tensor of torch or an array of numpy."""
    size = getattr(tensor, "nbytes", None)
    return tensor.numel() * tensor.element_size() if size is None else int(size)


def cut(items, count):
    """The items in `count` lists of equal length, in order. ValueError when that cannot be."""
    each = len(items) // count
    if each * count != len(items) or not each:
        raise ValueError(f"{len(items)} addresses or sizes for {count} objects")
    return [list(items[i : i + each]) for i in range(0, len(items), each)]


class Places:
    """Where objects lie in this process. `pieces` is what a batch method of the client takes,
    `sizes` has the bytes of each object. Whoever makes one keeps the memory alive."""

    def __init__(self, addresses, sizes):
        """A list of addresses and a list of sizes in bytes for each object."""
        self.pieces = aquifer.Addresses(addresses, sizes)
        self.sizes = [sum(one) for one in sizes]

    @classmethod
    def of_tensors(cls, tensors):
        """Each tensor, contiguous and in this host's memory, is an object."""
        places = cls.__new__(cls)
        places.pieces = list(tensors)
        places.sizes = [tensor_bytes(tensor) for tensor in places.pieces]
        return places


class Complaints:
    """Warnings in the engine's log: the first at once, then at most one in half a minute, so that
    a pool that is away for an hour does not fill the disk. Thread-safe."""

    def __init__(self, logger):
        self._logger = logger
        self._lock = threading.Lock()
        self._next = 0.0
        self._silent = 0

    def report(self, text, *arguments, trace=False):
        """Logs, or counts what it did not log."""
        with self._lock:
            now = time.monotonic()
            if now < self._next:
                self._silent += 1
                return
            self._next = now + _COMPLAINT_SECONDS
            silent, self._silent = self._silent, 0
        if silent:
            text += f" ({silent} warnings before this one were not logged)"
        self._logger.warning(text, *arguments, exc_info=trace)


def never_raises(fallback):
    """For methods of an object with `complaints`: an exception is logged, and what
    `fallback(*arguments)` answers is returned. Engines call them in threads that they do not
    restart."""

    def decorate(method):
        @functools.wraps(method)
        def call(self, *arguments, **named):
            try:
                return method(self, *arguments, **named)
            except Exception as error:
                self.complaints.report("%s: %s", method.__name__, error, trace=True)
                return fallback(*arguments, **named)

        return call

    return decorate


@dataclass
class Traffic:
    """Sums of one direction: objects that were moved or stored already, those that were not (misses
    and failures), bytes and seconds."""

    done: int = 0
    not_done: int = 0
    bytes: int = 0
    seconds: float = 0.0


class Store:
    """A client as plug-ins need it: lists of objects in, lists of bool out, troubles into the log.

    Keys of one call are distinct. Thread-safe, as the client is.
    """

    def __init__(self, options, logger):
        self.complaints = Complaints(logger)
        self.client = options.client()
        self._replicas = options.replicas
        self._lock = threading.Lock()
        self._read = Traffic()
        self._written = Traffic()

    def leading(self, keys):
        """How many of the first keys exist, by one call to meta. A read of them soon after needs no
        other: the client has been told where they are."""
        return self.client.match_prefix(keys) if keys else 0

    def present(self, keys):
        """Whether each key exists; as `leading` otherwise."""
        return self.client.exists_batch(keys) if keys else []

    def write(self, keys, places, parents=None):
        """Whether each object is in the pool now. One that was there already is a success, and
        costs no copy. The memory may be used again when this returns."""
        if not keys:
            return []
        start = time.perf_counter()
        answers = self.client.put_batch(
            keys, places.pieces, parents=parents, replicas=self._replicas
        )
        done = [answer.ok for answer in answers]
        if not all(done):
            why = next(answer.name for answer in answers if not answer.ok)
            self._complain("stored", len(done) - sum(done), len(done), why)
        self._count(self._written, done, places.sizes, start)
        return done

    def read(self, keys, places):
        """Whether each object was read whole and verified. The memory of one that was not has
        undefined content."""
        if not keys:
            return []
        start = time.perf_counter()
        sizes = self.client.get_into_batch(keys, places.pieces)
        done = [size == expected > 0 for size, expected in zip(sizes, places.sizes)]
        bad = [size for size, good in zip(sizes, done) if size != 0 and not good]
        if bad:
            why = aquifer.Status(-bad[0]).name if bad[0] < 0 else f"an object has {bad[0]} bytes"
            self._complain("read", len(bad), len(done), why)
        self._count(self._read, done, places.sizes, start)
        return done

    def remove(self, prefix, seconds=60.0):
        """Removes the objects whose keys begin so; False when that did not come to its end."""
        removed = self.client.remove_prefix(prefix, timeout=seconds)
        if removed < 0:
            why = aquifer.Status(-removed).name
            self.complaints.report("keys not removed: %s: %s", why, self.client.last_error())
        return removed >= 0

    def traffic(self):
        """A dict with "read" and "written", each the sums so far."""
        with self._lock:
            return {"read": dict(vars(self._read)), "written": dict(vars(self._written))}

    def close(self):
        """Ends the connections; calls answer as if the pool were empty from then on."""
        self.client.close()

    def _complain(self, what, count, of, why):
        text = "%d of %d objects not %s: %s: %s"
        self.complaints.report(text, count, of, what, why, self.client.last_error())

    def _count(self, sums, done, sizes, start):
        seconds = time.perf_counter() - start
        with self._lock:
            good = sum(done)
            sums.done += good
            sums.not_done += len(done) - good
            sums.bytes += sum(size for size, moved in zip(sizes, done) if moved)
            sums.seconds += seconds
