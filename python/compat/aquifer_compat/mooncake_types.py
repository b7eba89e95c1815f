"""Small types of Mooncake's interface: how an object is to be stored, and where it lies."""

from enum import Enum, IntEnum


class ObjectDataType(IntEnum):
    """What an object holds; told to the store, and of no effect there."""

    UNKNOWN = 0
    KVCACHE = 1
    TENSOR = 2
    WEIGHT = 3
    SAMPLE = 4
    ACTIVATION = 5
    GRADIENT = 6
    OPTIMIZER_STATE = 7
    METADATA = 8
    GENERAL = 9


class SoftPinAction(IntEnum):
    """What a put does to the soft pin of its object."""

    PRESERVE = 0
    ENABLE = 1
    DISABLE = 2


class ReplicateConfig:
    """How objects are to be stored. Plain attributes; others than these may be set, and are kept.

    replica_num: copies, on distinct nodes (1 to 8; more are taken for 8, and where the pool has
    fewer nodes there are fewer copies). preferred_segment: the hostname of a store, "host:port",
    whose memory is asked first; preferred_segments: the same, the first counts. with_hard_pin,
    soft_pin_action, soft_pin_ttl_ms (milliseconds): kept from eviction, at most for a day.
    prefer_alloc_in_same_node: the memory of the store that puts is asked first. group_ids: one
    per key, or None; a hint without effect. data_type: of no effect. nof_replica_num,
    dfs_replica_num, preferred_nof_segments: of no effect, with a warning.
    """

    replica_num = 1
    nof_replica_num = 0
    dfs_replica_num = 0
    soft_pin_action = SoftPinAction.PRESERVE
    with_hard_pin = False
    preferred_segment = ""
    prefer_alloc_in_same_node = False
    data_type = ObjectDataType.UNKNOWN
    group_ids = None
    _soft_pin_ttl_ms = None

    def __init__(self):
        self.preferred_segments = []
        self.preferred_nof_segments = []

    @property
    def soft_pin_ttl_ms(self):
        """Milliseconds of a soft pin, or None for the usual half hour."""
        return self._soft_pin_ttl_ms

    @soft_pin_ttl_ms.setter
    def soft_pin_ttl_ms(self, value):
        if value is not None and (isinstance(value, bool) or not isinstance(value, int)
                                  or not 0 <= value < 1 << 64):
            raise TypeError(f"soft_pin_ttl_ms must be None or an int from 0 to 2**64-1, "
                            f"not {value!r}")
        self._soft_pin_ttl_ms = value

    def __str__(self):
        names = ("replica_num", "nof_replica_num", "dfs_replica_num", "soft_pin_action",
                 "soft_pin_ttl_ms", "with_hard_pin", "preferred_segments",
                 "preferred_nof_segments", "preferred_segment", "prefer_alloc_in_same_node",
                 "data_type", "group_ids")
        inside = ", ".join(f"{name}: {_text(getattr(self, name))}" for name in names)
        return f"ReplicateConfig {{ {inside} }}"

    __repr__ = __str__


def _text(value):
    return value.name if isinstance(value, Enum) else str(value)


class ReplicaStatus(IntEnum):
    """The states of a replica; what a store lists is complete."""

    UNDEFINED = 0
    INITIALIZED = 1
    PROCESSING = 2
    COMPLETE = 3
    REMOVED = 4
    FAILED = 5


class Descriptor:
    """Where bytes lie: `size`, and the node `transport_endpoint`. Addresses are not told."""

    def __init__(self, size, transport_endpoint):
        self.size = size
        self.buffer_address = 0
        self.transport_endpoint = transport_endpoint

    # Names of older versions of the interface.
    size_ = property(lambda self: self.size)
    buffer_address_ = property(lambda self: self.buffer_address)
    transport_endpoint_ = property(lambda self: self.transport_endpoint)


class MemoryDescriptor:
    """A replica in the memory of a node."""

    def __init__(self, buffer_descriptor):
        self.buffer_descriptor = buffer_descriptor


class DiskDescriptor:
    """A replica in a file; the pool has none."""

    def __init__(self, file_path="", object_size=0):
        self.file_path = file_path
        self.object_size = object_size


class ReplicaDescriptor:
    """One complete copy of an object, in the memory of a node."""

    def __init__(self, size, node):
        self.status = ReplicaStatus.COMPLETE
        self._memory = MemoryDescriptor(Descriptor(size, node))

    def is_memory_replica(self):
        """True: all replicas are in memory."""
        return True

    def is_disk_replica(self):
        """False."""
        return False

    def is_local_disk_replica(self):
        """False."""
        return False

    def get_memory_descriptor(self):
        """The MemoryDescriptor."""
        return self._memory

    def get_disk_descriptor(self):
        """RuntimeError: this is no disk replica."""
        raise RuntimeError("not a disk replica: the pool keeps objects in memory")


class ParallelAxis:
    """Named by training frameworks; the calls that take it are refused."""

    def __init__(self, *arguments, **fields):
        self.arguments = arguments
        self.__dict__.update(fields)


class TensorParallelism(ParallelAxis):
    """Named by training frameworks; the calls that take it are refused."""


class ReadTarget(ParallelAxis):
    """Named by training frameworks; the calls that take it are refused."""


class TaskType(IntEnum):
    """Kinds of tasks; none can be created."""

    REPLICA_COPY = 0
    REPLICA_MOVE = 1


class TaskStatus(IntEnum):
    """States of a task; none can be created."""

    PENDING = 0
    PROCESSING = 1
    SUCCESS = 2
    FAILED = 3


class QueryTaskResponse:
    """The answer to a query for a task; never given out."""

    def __init__(self, status=TaskStatus.FAILED, message=""):
        self.status = status
        self.message = message
