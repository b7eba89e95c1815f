"""The program `mooncake_client`: gives memory of this host to a pool, and tells the processes of
this host which pool that is (mooncake_local_service.py)."""

import os
import socket
import sys
import threading

from aquifer_compat.mooncake_flags import HONOURED, IGNORED, WARNED, Flag, port
from aquifer_compat.mooncake_local_service import DEFAULT_PORT, answer_line, socket_name
from aquifer_compat.mooncake_log import Log, fail
from aquifer_compat.mooncake_membership import Membership
from aquifer_compat.mooncake_program import StopSignals, read_command_line, warn_of_flags
from aquifer_compat.mooncake_settings import DEFAULT_MASTER, Refused, Settings, master_address
from aquifer_compat.mooncake_sizes import parse_size

PROGRAM = "mooncake_client"
_JOIN_SECONDS = 60.0
_RETRY_SECONDS = 1.0

FLAGS = [
    Flag("host", "0.0.0.0", HONOURED, "this host's name or address"),
    Flag("port", DEFAULT_PORT, HONOURED, "port at which processes of this host ask", port),
    Flag("master_server_address", DEFAULT_MASTER, HONOURED, "the master to join"),
    Flag("global_segment_size", "4 GB", HONOURED, "memory to give to the pool"),
    Flag("tenant_id", "default", HONOURED, "tenant of the stores that ask here"),
    Flag("metadata_server", "http://127.0.0.1:8080/metadata", IGNORED, "the pool needs none"),
    Flag("device_names", "", IGNORED, "the system chooses the way"),
    Flag("protocol", "tcp", IGNORED, "shared memory and TCP are used"),
    Flag("local_buffer_size", "0", IGNORED, "nothing is staged"),
    Flag("threads", 1, IGNORED, "two threads serve other hosts"),
    Flag("start_offload_rpc_server", True, IGNORED, "there is no disk tier"),
    Flag("enable_offload", False, WARNED, "there is no disk tier: objects stay in memory"),
]


def main(arguments=None):
    """Runs until SIGINT or SIGTERM. Returns the exit status: 0, or 1 when it cannot start; the
    reason is on stderr. Nothing is written to stdout."""
    line, status = read_command_line(PROGRAM, FLAGS, arguments)
    if line is None:
        return status
    stop = StopSignals()
    log = Log(PROGRAM)
    warn_of_flags(line, log)
    try:
        settings = Settings(_hostname(line), parse_size(line["global_segment_size"]),
                            master_address(line["master_server_address"]), line["tenant_id"])
        with _LocalService(line["host"], line["port"],
                           answer_line(settings.master, settings.tenant_id)) as service:
            return _serve(settings, service, stop, log)
    except (Refused, ValueError, OSError) as error:
        return fail(PROGRAM, str(error))


def _serve(settings, service, stop, log):
    membership = _join(settings, stop, log)
    if membership is None:
        return 0
    service.begin()
    log.line(f"{settings.global_segment_size} bytes in {settings.master} as "
             f"{membership.node_name or 'nothing'}, port {service.port}")
    while not stop.wait(60.0):
        pass
    membership.close()
    return 0


def _join(settings, stop, log):
    """A Membership; None when a signal came first. Refused when the master does not come."""
    tries = int(_JOIN_SECONDS / _RETRY_SECONDS)
    for left in reversed(range(tries)):
        try:
            return Membership(settings)
        except Refused as error:
            if left == 0:
                raise
            if left == tries - 1:
                log.line(f"waiting for {settings.master}: {error}")
        if stop.wait(_RETRY_SECONDS):
            return None
    return None


def _hostname(line):
    host = line["host"]
    if host in ("0.0.0.0", "::", ""):
        host = socket.gethostname()
    return f"[{host}]:{line['port']}" if ":" in host else f"{host}:{line['port']}"


class _LocalService:
    """Answers each connection with one line. A context manager."""

    def __init__(self, host, number, answer):
        self._answer = answer
        self._thread = None
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        address = host if host else "0.0.0.0"
        tcp = socket.socket(family)
        self._listeners = [tcp]
        try:
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tcp.bind((address, number))
            self.port = tcp.getsockname()[1]
            local = socket.socket(socket.AF_UNIX)
            self._listeners.append(local)
            local.bind(socket_name(self.port))
            self._wake = os.pipe()
        except OSError as error:
            for listener in self._listeners:
                listener.close()
            raise ValueError(f"cannot serve at {host}:{number}: {error}") from None

    def begin(self):
        """Serves from now on."""
        for listener in self._listeners:
            listener.listen(64)
        self._thread = threading.Thread(target=self._run, name="local service", daemon=True)
        self._thread.start()

    def _run(self):
        import select

        while True:
            ready = select.select([*self._listeners, self._wake[0]], [], [])[0]
            if self._wake[0] in ready:
                return
            for listener in ready:
                try:
                    connection = listener.accept()[0]
                    with connection:
                        connection.settimeout(1.0)
                        connection.sendall(self._answer)
                except OSError:
                    continue  # a client that went away

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.write(self._wake[1], b"x")
        if self._thread is not None:
            self._thread.join()
        for listener in self._listeners:
            listener.close()
        for descriptor in self._wake:
            os.close(descriptor)


if __name__ == "__main__":
    sys.exit(main())
