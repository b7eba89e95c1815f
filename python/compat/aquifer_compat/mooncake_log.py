"""Lines on stderr, few of them, and none that could hold its writer up.

Programs are often started with pipes that nobody reads: a line that does not fit in at once is
dropped. The library part warns through `logging`, each thing once in a process.
"""

import logging
import os
import select
import threading
import time

_PIPE_BYTES = 4096  # what a pipe that is ready to be written takes in one piece

_once_lock = threading.Lock()
_warned = set()


def warn_once(topic, text):
    """Warns through the logger `aquifer.mooncake`; a topic is warned about once in a process."""
    with _once_lock:
        if topic in _warned:
            return
        _warned.add(topic)
    logging.getLogger("aquifer.mooncake").warning("mooncake on Aquifer: %s", text)


class Log:
    """Lines of a program on its stderr, with the time and the program's name. Never blocks."""

    def __init__(self, program, descriptor=2):
        self._program = program
        self._descriptor = descriptor
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLOUT)

    def line(self, text):
        """Writes a line, cut to 4,096 bytes, or drops it where there is no room for it."""
        moment = time.strftime("%Y-%m-%dT%H:%M:%S")
        data = f"{moment} {self._program}: {text}\n".encode(errors="replace")
        try:
            if self._poll.poll(0):
                os.write(self._descriptor, data[:_PIPE_BYTES - 1].rstrip(b"\n") + b"\n")
        except OSError:
            pass  # whoever read it has gone


def fail(program, text):
    """Says why a program ends, on stderr, and returns its exit status 1."""
    Log(program).line(text)
    return 1
