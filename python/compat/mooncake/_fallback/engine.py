"""What stands in for `mooncake.engine` where no real one is installed.

The store needs no transfer engine. Engines that ask for one before they open a store (to register
memory with it, and to hand it to `setup`) get this: it keeps books and moves nothing. Transfers
from peer to peer are refused by name.
"""

import socket
import threading

SUPPORT_EFA = False


class TransferOpcode:
    """The directions of a transfer."""

    Read = 0
    Write = 1


class TransferNotify:
    """The name and the message of a notification; held, never sent."""

    def __init__(self, name="", msg=""):
        self.name = name
        self.msg = msg


class TransferEngine:
    """Answers the calls that come before a store's `setup`. Any number of threads."""

    def __init__(self):
        self._lock = threading.Lock()
        self._ranges = {}
        self._socket = None

    def initialize(self, local_hostname, metadata_server, protocol, device_name):
        """Takes a port for this engine. 0; -1 when there is none. The names are not used."""
        with self._lock:
            if self._socket is not None:
                return 0
            taken = socket.socket()
            try:
                taken.bind(("", 0))
            except OSError:
                taken.close()
                return -1
            self._socket = taken
            return 0

    def initialize_ext(self, local_hostname, metadata_server, protocol, device_name,
                       metadata_type):
        """As initialize; the kind of the metadata service is not used."""
        return self.initialize(local_hostname, metadata_server, protocol, device_name)

    def get_rpc_port(self):
        """The port that initialize took for this engine; 0 before. Nothing listens there."""
        with self._lock:
            return 0 if self._socket is None else self._socket.getsockname()[1]

    def get_engine(self):
        """An object for `setup(engine=...)`."""
        return self

    def register_memory(self, buffer_addr, capacity, location=None):
        """Writes a range down. 0; -1 for a null address or no bytes."""
        if buffer_addr <= 0 or capacity <= 0:
            return -1
        with self._lock:
            self._ranges[buffer_addr] = capacity
        return 0

    def unregister_memory(self, addr):
        """Forgets a range. 0; -1 when it is not known."""
        with self._lock:
            return 0 if self._ranges.pop(addr, None) is not None else -1

    def batch_register_memory(self, buffer_addrs, capacities):
        """register_memory for many: 0, or -1 and nothing is written down."""
        if len(buffer_addrs) != len(capacities) or min([*buffer_addrs, *capacities, 1]) <= 0:
            return -1
        with self._lock:
            self._ranges.update(zip(buffer_addrs, capacities))
        return 0

    def batch_unregister_memory(self, addrs):
        """unregister_memory for many: 0, or -1 when one is not known."""
        return min([self.unregister_memory(addr) for addr in addrs], default=0)

    def __getattr__(self, name):
        if name.startswith(("transfer_", "batch_transfer_")):
            raise AttributeError(
                f"{name}: transfers from peer to peer are Mooncake's transfer engine; install "
                "mooncake-transfer-engine beside this package")
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
