#!/usr/bin/env python3
"""Stands in the place of redis-server for the bench: keeps values, and does what REDIS_FAULT says.

    damage   a byte of each value of a block is wrong
    lose     no value is found
    refuse   no value is taken
    deaf     ends before anyone can connect
"""

import contextlib
import os
import signal
import socket
import sys

FAULT = os.environ.get("REDIS_FAULT", "")


def read_words(stream):
    """The bulk strings of one request; nothing at the end."""
    line = stream.readline()
    if not line:
        return None
    words = []
    for _ in range(int(line[1:])):
        words.append(stream.read(int(stream.readline()[1:])))
        stream.read(2)
    return words


def answer(words, values):
    if words[0] == b"SET" and FAULT == "refuse":
        return b"-OOM command not allowed\r\n"
    if words[0] == b"SET":
        values[words[1]] = words[2]
        return b"+OK\r\n"
    if FAULT == "lose":
        return b"$-1\r\n"
    value = bytearray(values[words[1]])
    if FAULT == "damage" and len(value) > 4096:
        value[-1] ^= 1
    return b"$%d\r\n%s\r\n" % (len(value), value)


def main():
    if FAULT == "deaf":
        sys.exit("cannot listen")
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    server = socket.socket(socket.AF_UNIX)
    server.bind(sys.argv[sys.argv.index("--unixsocket") + 1])
    server.listen()
    connection, _ = server.accept()
    values = {}
    with contextlib.suppress(ConnectionError), connection, connection.makefile("rb") as stream:
        while words := read_words(stream):
            connection.sendall(answer(words, values))
    signal.pause()


if __name__ == "__main__":
    main()
