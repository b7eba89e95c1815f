"""Mooncake's store, served by an Aquifer pool.

`MooncakeDistributedStore` has the methods and conventions of Mooncake's: puts answer 0 or a
negative code, gets the number of bytes of the object or a negative code, and trouble is a code and
never an exception. TypeError is for arguments of a wrong type only. All of it may be used from any
number of threads, and other Python threads run during every call that waits. The codes are in
aquifer_compat/mooncake_codes.py; what is done, ignored and refused is listed in
aquifer_compat/mooncake_support.py.
"""

import os
import threading
import weakref

from aquifer_compat.mooncake_binding import BOUND as _BOUND
from aquifer_compat.mooncake_buffers import (
    BufferHandle,
    MooncakeHostMemAllocator,
    Registry,
    bind_to_numa_node,
)
from aquifer_compat.mooncake_codes import INVALID_PARAMS, OK
from aquifer_compat.mooncake_gets import GetCalls
from aquifer_compat.mooncake_local_service import ask_local_service
from aquifer_compat.mooncake_log import warn_once
from aquifer_compat.mooncake_membership import Membership
from aquifer_compat.mooncake_pools import (
    BufferLease,
    BufferLeaseView,
    BufferPool,
    RegisteredBufferPool,
)
from aquifer_compat.mooncake_puts import PutCalls
from aquifer_compat.mooncake_ranges import RangeCalls
from aquifer_compat.mooncake_segments import SegmentCalls
from aquifer_compat.mooncake_settings import (
    Refused,
    Settings,
    from_arguments,
    from_dict,
)
from aquifer_compat.mooncake_tensors import (
    TensorCalls,
    _deserialize_tensor,
    _serialize_tensor,
    _tensor_metadata_size,
)
from aquifer_compat.mooncake_types import (
    Descriptor,
    DiskDescriptor,
    MemoryDescriptor,
    ObjectDataType,
    ParallelAxis,
    QueryTaskResponse,
    ReadTarget,
    ReplicaDescriptor,
    ReplicaStatus,
    ReplicateConfig,
    SoftPinAction,
    TaskStatus,
    TaskType,
    TensorParallelism,
)

__all__ = [
    "BufferHandle",
    "BufferLease",
    "BufferLeaseView",
    "BufferPool",
    "Descriptor",
    "DiskDescriptor",
    "MemoryDescriptor",
    "MooncakeDistributedStore",
    "MooncakeHostMemAllocator",
    "ObjectDataType",
    "ParallelAxis",
    "QueryTaskResponse",
    "ReadTarget",
    "RegisteredBufferPool",
    "ReplicaDescriptor",
    "ReplicaStatus",
    "ReplicateConfig",
    "SoftPinAction",
    "TaskStatus",
    "TaskType",
    "TensorParallelism",
    "bind_to_numa_node",
]


class MooncakeDistributedStore(PutCalls, GetCalls, RangeCalls, SegmentCalls, TensorCalls):
    """A client of the pool, and the memory that it gives to it.

    Construction does nothing; `setup` opens it, `close` or the destructor ends it.
    """

    def __init__(self):
        self._lock = threading.Lock()
        self._registry = Registry()
        self._allocator = MooncakeHostMemAllocator()
        self._sessions = {}
        self._finalizer = None
        self._hostname = ""

    # Opening and ending.

    def setup(self, local_hostname=None, metadata_server=None, global_segment_size=None,
              local_buffer_size=None, protocol=None, rdma_devices=None, master_server_addr=None,
              engine=None, enable_ssd_offload=False, ssd_offload_path="", tenant_id="default",
              enable_client_http_server=False, client_http_port=9300, *, config=None):
        """Joins the pool of a master and, with a segment size, gives it memory. Returns when both
        can be used: 0, or a code, within some 30 s. Also `setup(dict)`, with the same names.

        local_hostname: "host[:port]", the name of this store's memory; without a port it gets one.
        global_segment_size: bytes to give to the pool, 0 for none. master_server_addr:
        "host:port". tenant_id: keys of one are invisible to others. enable_client_http_server,
        client_http_port: /health and /metrics of this store. Not used: metadata_server,
        local_buffer_size, rdma_devices, engine; protocol, enable_ssd_offload and ssd_offload_path
        warn where they ask for what is not there. Raises TypeError only.
        """
        given = config if config is not None else local_hostname
        try:
            if isinstance(given, dict):
                settings = from_dict(given)
            else:
                settings = from_arguments({
                    "local_hostname": local_hostname, "metadata_server": metadata_server,
                    "global_segment_size": global_segment_size,
                    "local_buffer_size": local_buffer_size, "protocol": protocol,
                    "rdma_devices": rdma_devices, "master_server_addr": master_server_addr,
                    "enable_ssd_offload": enable_ssd_offload,
                    "ssd_offload_path": ssd_offload_path, "tenant_id": tenant_id,
                    "enable_client_http_server": enable_client_http_server,
                    "client_http_port": client_http_port})
            return self._open(settings)
        except Refused as error:
            warn_once(f"setup {error}", f"setup: {error}")
            return error.code

    def setup_dummy(self, mem_pool_size, local_buffer_size, server_address):
        """Joins the pool that a `mooncake_client` of this host belongs to, without memory of its
        own. server_address: "host:port" of that program; the sizes are not used. 0 or a code.
        """
        try:
            answer = ask_local_service(server_address)
            return self._open(Settings("localhost", 0, answer["master"], answer["tenant_id"]))
        except Refused as error:
            warn_once(f"setup {error}", f"setup_dummy: {error}")
            return error.code

    def init_all(self, protocol, device_name, mount_segment_size=16 << 20):
        """setup with MOONCAKE_MASTER, or 127.0.0.1:50051, and this host's loopback name."""
        return self.setup({"local_hostname": "localhost", "metadata_server": "P2PHANDSHAKE",
                           "global_segment_size": mount_segment_size, "protocol": protocol,
                           "rdma_devices": device_name,
                           "master_server_addr": os.environ.get("MOONCAKE_MASTER", "")})

    def _open(self, settings):
        with self._lock:
            if self._client is not None:
                raise Refused("the store is open; close it first")
            membership = Membership(settings)
            client = membership.client
            self._membership = membership
            self._hostname = membership.hostname
            self._finalizer = weakref.finalize(self, membership.close)
            for name in _BOUND:
                setattr(self, f"_{name}", getattr(client, name))
            self._client = client
        return OK

    def close(self):
        """Leaves the pool; what its memory held is lost. 0, also when it is not open."""
        with self._lock:
            membership = self._membership
            for name in _BOUND:
                self.__dict__.pop(f"_{name}", None)
            self.__dict__.pop("_client", None)
            self.__dict__.pop("_membership", None)
            if membership is not None:
                self._finalizer.detach()
                self._sessions.clear()
                membership.close()
                self._registry.clear()
        return OK

    def get_hostname(self):
        """"host:port", good as a preferred_segment; "" before setup."""
        return self._hostname

    def health_check(self):
        """0: well; 1: not open; 2: the master does not answer within a second."""
        client = self._client
        if client is None:
            return 1
        return 0 if client.status(timeout=1.0) else 2

    # Memory of the caller.

    def register_buffer(self, buffer_ptr, size):
        """Announces memory. Calls reach all memory of the process, registered or not; only
        get_into_ranges asks for it. 0; -600 for a null or empty range, one that overlaps another
        (an identical one counts once more), and for memory of a device.
        """
        return INVALID_PARAMS if self._client is None else self._registry.add(buffer_ptr, size)

    def unregister_buffer(self, buffer_ptr):
        """Takes one register_buffer back. 0; -600 when the address is not registered."""
        return INVALID_PARAMS if self._client is None else self._registry.remove(buffer_ptr)

    def alloc_from_mem_pool(self, size):
        """The address of fresh page-aligned memory, which lasts; 0 when there is none."""
        return self._allocator.alloc(size)
