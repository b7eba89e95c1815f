"""A store's part in the pool: its client, the memory it gives, and how both end."""

import os
import time

import aquifer

from aquifer_compat.mooncake_codes import INVALID_PARAMS, NO_AVAILABLE_HANDLE, RPC_FAIL
from aquifer_compat.mooncake_log import warn_once
from aquifer_compat.mooncake_settings import Refused, complete_hostname, listen_address, node_name

MASTER_SECONDS = 3.0
NODE_SECONDS = 30.0
NODE_BYTES_MIN = 1 << 20
_NAMESAKES = 16
_PAUSE_SECONDS = 0.05
_CONFLICT = "already joined"


def call_seconds():
    """The deadline of a call: AQUIFER_MOONCAKE_TIMEOUT in seconds, or 5."""
    text = os.environ.get("AQUIFER_MOONCAKE_TIMEOUT", "")
    try:
        seconds = float(text or 5.0)
    except ValueError:
        seconds = 0.0
    if not 0.0 < seconds <= 3600.0:
        warn_once("timeout", f"bad AQUIFER_MOONCAKE_TIMEOUT {text!r}: expected seconds, more than "
                             "0 and at most 3600; 5 are used")
        return 5.0
    return seconds


class Membership:
    """What `setup` opened. Ends with close(), which a forked child leaves to its parent."""

    def __init__(self, settings):
        """Opens all, within a bounded time. Raises Refused with a code when that fails."""
        self._process = os.getpid()
        self._settings = settings
        self._nodes = {}
        self._http = None
        self._port_socket = None
        self.seconds = call_seconds()
        self.client = aquifer.Client(settings.master, namespace=settings.tenant_id,
                                     timeout=self.seconds, copy_threads=_copy_threads())
        try:
            self.hostname, self._port_socket = complete_hostname(settings.local_hostname)
            self._wait_for_master()
            self.node_name = ""
            if settings.global_segment_size:
                self.node_name = self.add_node(settings.global_segment_size)
            if settings.http_port:
                self._http = client_http_server(self.client, settings.http_port)
        except BaseException:
            self.close()
            raise

    def _wait_for_master(self):
        end = time.monotonic() + MASTER_SECONDS
        while not self.client.status(timeout=MASTER_SECONDS):
            if time.monotonic() >= end:
                raise Refused(self.client.last_error(), RPC_FAIL)
            time.sleep(_PAUSE_SECONDS)

    @property
    def node_names(self):
        """The names of the nodes that this process gives."""
        return list(self._nodes)

    def add_node(self, size):
        """Gives `size` bytes to the pool; the name of the node. Raises Refused with a code."""
        base = node_name(self.hostname)
        for number in range(_NAMESAKES):
            name = base if number == 0 else f"{base[:120]}-{number + 1}"
            if name in self._nodes:
                continue
            failure = self._start_node(name, size)
            if failure is None:
                return name
            if _CONFLICT not in failure:
                raise Refused(failure, RPC_FAIL)
        raise Refused(f"{_NAMESAKES} nodes called {base} have joined already")

    def _start_node(self, name, size):
        """Why it did not join; None when it did."""
        try:
            node = aquifer.Node(self._settings.master, max(size, NODE_BYTES_MIN), name=name,
                                listen=listen_address(self.hostname, self._settings.master))
        except (ValueError, MemoryError) as error:
            raise Refused(f"{size} bytes cannot be given to the pool: {error}",
                          NO_AVAILABLE_HANDLE) from None
        end = time.monotonic() + NODE_SECONDS
        while not node.wait_ready(0.2):
            failure = node.failure()
            if failure is None and time.monotonic() >= end:
                failure = f"the node {name} was not ready within {NODE_SECONDS:.0f} s"
            if failure is not None:
                node.close()
                return failure
        self._nodes[name] = node
        return None

    def remove_node(self, name, grace_seconds=0.0):
        """Takes memory back, after what it holds has moved away or the time is over.

        Returns 0, or a code when the name is not one of this process's nodes.
        """
        node = self._nodes.get(name)
        if node is None:
            return INVALID_PARAMS
        end = time.monotonic() + grace_seconds
        while time.monotonic() < end:
            drained = self.client.drain(name)
            if not drained or drained["gone"] or node.failure() is not None:
                break  # it ends by itself when nothing is left on it
            time.sleep(_PAUSE_SECONDS)
        self._nodes.pop(name)
        node.close()
        return 0

    def close(self):
        """Ends all, with what the nodes hold. Repeatable; any thread."""
        if os.getpid() != self._process:
            return
        if self._http is not None:
            self._http.close()
        for name in list(self._nodes):
            node = self._nodes.pop(name, None)
            if node is not None:
                node.close()
        self.client.close()
        if self._port_socket is not None:
            self._port_socket.close()


def _copy_threads():
    return max(1, min(4, (os.cpu_count() or 1) // 4))


def client_http_server(client, port):
    """The HTTP server of a store: its health and numbers. A port in use is warned about."""
    from aquifer_compat.mooncake_http import HttpServer  # few stores have one

    def health(_):
        good = bool(client.status(timeout=1.0))
        return 200, {"status": "ok" if good else "master unreachable", "code": 0 if good else 2}

    def summary(_):
        return 200, " ".join(f"{name}={value}" for name, value in _numbers(client)) + "\n"

    def metrics(_):
        return 200, "".join(f"# TYPE mooncake_client_{name} counter\n"
                            f"mooncake_client_{name} {value}\n"
                            for name, value in _numbers(client))

    try:
        return HttpServer("0.0.0.0", port, {
            ("GET", "/health"): health, ("GET", "/metrics"): metrics,
            ("GET", "/metrics/summary"): summary})
    except OSError as error:
        warn_once("client http", f"no HTTP server on port {port}: {error}")
        return None


def _numbers(client):
    for name, value in client.counters().items():
        if isinstance(value, dict):
            for part, number in value.items():
                yield f"{name}_{part}", number
        else:
            yield name, value
