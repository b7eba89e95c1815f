"""What a call through memcache_hybrid and mooncake costs beside the same call of aquifer.

    ./dev bench compat [--rounds N] [--json FILE] [--svg FILE]

One pool in this process, one client of each kind. A round times each pair of calls alternately,
many times; its figure is the ratio of their medians, and the row shows the median of the rounds.
Status 1 when a ratio is above the target.
"""

import argparse
import ctypes
import itertools
import json
import statistics
import sys
import time

import aquifer
from memcache_hybrid import DistributedObjectStore, LocalConfig
from mooncake.store import MooncakeDistributedStore

TARGET = 1.15
SMALL = 4096
BLOCKS = 32
PIECES = [128 << 10, 16 << 10] * 61  # a block of DeepSeek-R1, 8.6 MiB
BLOCK = sum(PIECES)


class Memory:
    """Bytes of this process by address: blocks beside each other."""

    def __init__(self, fill):
        self._bytes = (ctypes.c_char * (BLOCK * BLOCKS))()
        self.begin = ctypes.addressof(self._bytes)
        ctypes.memset(self.begin, fill, BLOCK * BLOCKS)
        self.blocks = [self.begin + n * BLOCK for n in range(BLOCKS)]
        self.sizes = [BLOCK] * BLOCKS
        offsets = list(itertools.accumulate(PIECES, initial=0))[:-1]
        self.layers = [[block + offset for offset in offsets] for block in self.blocks]
        self.layer_sizes = [PIECES] * BLOCKS


class Pair:
    """The same work by aquifer and by a store; `undo` makes it possible again."""

    def __init__(self, name, native, compat, times, undo=None):
        self.name, self.native, self.compat, self.times = name, native, compat, times
        self.undo = undo or (lambda: None)
        self.ratios, self.medians = [], ([], [])

    def round(self):
        taken = ([], [])
        for n in range(self.times):
            order = (0, 1) if n % 2 == 0 else (1, 0)
            for which in order:
                call = (self.native, self.compat)[which]
                begin = time.perf_counter_ns()
                call()
                taken[which].append(time.perf_counter_ns() - begin)
                self.undo()
        native, compat = (statistics.median(one) / 1e3 for one in taken)
        self.ratios.append(compat / native)
        self.medians[0].append(native)
        self.medians[1].append(compat)

    def row(self):
        return {"name": self.name, "native_us": statistics.median(self.medians[0]),
                "compat_us": statistics.median(self.medians[1]),
                "ratio": statistics.median(self.ratios), "target": TARGET,
                "met": statistics.median(self.ratios) <= TARGET}


def checked(call, wanted):
    """The call, that once has been seen to do what it is timed for."""
    found = call()
    assert found == wanted, (found, wanted)
    return call


def pairs(client, name, store, conventions):
    """Pairs of calls for one store. `conventions`: what its gets answer for these sizes."""
    source, target = Memory(7), Memory(0)
    keys = [f"{name}/block {n}".ljust(90, "x") for n in range(BLOCKS)]
    small = f"{name}/small".ljust(90, "x")
    value = bytes(SMALL)
    assert client.put(small, value).ok
    addresses = aquifer.Addresses
    put_all = checked(lambda: store.batch_put_from(keys, source.blocks, source.sizes), [0] * BLOCKS)

    def remove_small():
        client.remove("fresh")

    def remove_blocks():
        client.remove_batch(keys)

    yield Pair(f"{name} put, 4 KiB", lambda: client.put("fresh", value),
               lambda: store.put("fresh", value), 400, remove_small)
    yield Pair(f"{name} get, 4 KiB", lambda: client.get(small), checked(lambda: store.get(small),
                                                                        value), 2000)
    yield Pair(f"{name} get_into, 4 KiB", lambda: client.get_into(small, (target.begin, SMALL)),
               checked(lambda: store.get_into(small, target.begin, SMALL), conventions(SMALL)), 2000)
    yield Pair(f"{name} is_exist", lambda: client.exists(small),
               checked(lambda: store.is_exist(small), 1), 1000)
    yield Pair(f"{name} get, 32 blocks",
               lambda: client.get_into_batch(keys, addresses(target.blocks, target.sizes)),
               checked(lambda: store.batch_get_into(keys, target.blocks, target.sizes),
                       [conventions(BLOCK)] * BLOCKS), 12)
    layered = (store.batch_get_into_layers if hasattr(store, "batch_get_into_layers")
               else store.batch_get_into_multi_buffers)
    yield Pair(f"{name} get, 32 blocks in layers",
               lambda: client.get_into_batch(keys, addresses(target.layers, target.layer_sizes)),
               checked(lambda: layered(keys, target.layers, target.layer_sizes),
                       [conventions(BLOCK)] * BLOCKS), 12)
    remove_blocks()
    yield Pair(f"{name} put, 32 blocks",
               lambda: client.put_batch(keys, addresses(source.blocks, source.sizes)), put_all, 12,
               remove_blocks)
    layered_put = (store.batch_put_from_layers if hasattr(store, "batch_put_from_layers")
                   else store.batch_put_from_multi_buffers)
    yield Pair(f"{name} put, 32 blocks in layers",
               lambda: client.put_batch(keys, addresses(source.layers, source.layer_sizes)),
               lambda: layered_put(keys, source.layers, source.layer_sizes), 12, remove_blocks)


def open_memcache(meta):
    config = LocalConfig()
    config.meta_service_url, config.protocol, config.dram_size = meta, "host_tcp", "64MB"
    store = DistributedObjectStore()
    assert store.setup(config) == 0 and store.init(0, False) == 0
    return store


def open_mooncake(meta):
    store = MooncakeDistributedStore()
    assert store.setup("localhost", "P2PHANDSHAKE", 0, 16 << 20, "tcp", "", meta) == 0
    return store


def draw(rows, path):
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 0.35 * len(rows) + 1))
    axes.barh([row["name"] for row in rows], [row["ratio"] for row in rows],
              color=["#4878a8" if row["met"] else "#c04848" for row in rows])
    axes.axvline(TARGET, color="black", linestyle="--", linewidth=1)
    axes.set_xlabel("time of the call / time of the same native call")
    axes.invert_yaxis()
    figure.tight_layout()
    figure.savefig(path)


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--times", type=int, help="calls of a kind in a round, at most")
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--svg", metavar="FILE")
    options = parser.parse_args(arguments)
    rows = []
    with aquifer.Pool("768MiB") as pool, pool.client() as client:
        stores = [("memcache", open_memcache(pool.meta), lambda bytes_: 0),
                  ("mooncake", open_mooncake(pool.meta), lambda bytes_: bytes_)]
        print(f"{'call':36}{'native us':>12}{'compat us':>12}{'ratio':>8}  target")
        for name, store, conventions in stores:
            for pair in pairs(client, name, store, conventions):
                pair.times = min(pair.times, options.times or pair.times)
                pair.round()  # warms up
                pair.ratios, pair.medians = [], ([], [])
                for number in range(options.rounds):
                    if sys.stderr.isatty():
                        print(f"\r{pair.name} {number + 1}/{options.rounds} ", end="",
                              file=sys.stderr)
                    pair.round()
                row = pair.row()
                rows.append(row)
                if sys.stderr.isatty():
                    print("\r\033[K", end="", file=sys.stderr)
                print(f"{row['name']:36}{row['native_us']:12.2f}{row['compat_us']:12.2f}"
                      f"{row['ratio']:8.2f}  {TARGET} {'met' if row['met'] else 'NO'}", flush=True)
            store.close()
    if options.json:
        with open(options.json, "w") as file:
            json.dump({"rows": rows}, file, indent=1)
    if options.svg:
        draw(rows, options.svg)
    return 0 if all(row["met"] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
