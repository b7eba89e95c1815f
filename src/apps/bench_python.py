"""Times gets of 4 KiB by cached handles through the Python module, for `aquifer bench --only latency`.

Run as `python -c` with: address of meta, calls in a round, rounds. Prints a line for each round,
"p50 p99 mean wrong", in microseconds; a first round warms up. Where there is no module it
says why and exits with 3.
"""

import os
import sys
import time

try:
    import aquifer
except ImportError as error:
    print(error, end="")
    sys.exit(3)

OBJECTS = 128
BYTES = 4096


def measure(client, values, calls):
    keys = list(values)
    buffer = bytearray(BYTES)
    times = []
    wrong = 0
    for i in range(calls):
        key = keys[i % OBJECTS]
        buffer[:] = bytes(BYTES)
        begin = time.perf_counter_ns()
        client.get_into(key, buffer)
        times.append(time.perf_counter_ns() - begin)
        wrong += buffer != values[key]
    times.sort()
    last = len(times) - 1
    return times[last // 2] / 1e3, times[last * 99 // 100] / 1e3, sum(times) / len(times) / 1e3, wrong


def main(meta, calls, rounds):
    prefix = f"bench/python/{os.urandom(8).hex()}/"
    values = {f"{prefix}{i}".ljust(90, "x"): os.urandom(BYTES) for i in range(OBJECTS)}
    with aquifer.Client(meta) as client:
        for key, value in values.items():
            client.put(key, value)
        measure(client, values, calls)
        for _ in range(rounds):
            print(*measure(client, values, calls), flush=True)
        for key in values:
            client.remove(key)


main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
