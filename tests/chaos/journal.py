"""What each client called and when, as records in files: what is written there outlives its writer."""

import os
import time

import numpy

PUT, GET, LOOKUP, REMOVE, OTHER = range(5)
NAMES = ("put", "get", "look-up", "remove", "other")
RECORD = numpy.dtype([("start", "f8"), ("end", "f8"), ("kind", "u1"), ("ok", "u1"),
                      ("reserved", "u1", 6)])


class Journal:
    def __init__(self, path):
        self._file = os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)

    def timed(self, kind, succeeded, call, *arguments, **options):
        """Makes the call and notes it; `succeeded` says of its answer whether it was one."""
        start = time.monotonic()
        answer = call(*arguments, **options)
        end = time.monotonic()
        record = numpy.zeros(1, RECORD)
        record[0] = (start, end, kind, bool(succeeded(answer)), 0)
        os.write(self._file, record.tobytes())
        return answer

    def close(self):
        os.close(self._file)


def read(path):
    """All whole records."""
    with open(path, "rb") as file:
        data = file.read()
    return numpy.frombuffer(data[:len(data) // RECORD.itemsize * RECORD.itemsize], RECORD)
