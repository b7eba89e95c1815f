"""libaquifer.so through ctypes: the structs of aquifer.h, and its functions with their types.

What a binding of some other language would have. Only what test_ctypes.py needs is declared.
"""

import ctypes
from ctypes import POINTER, Structure, c_bool, c_char, c_char_p, c_int32, c_size_t, c_uint32
from ctypes import c_uint64, c_void_p

from processes import BUILD, ROOT

LIBRARY = (BUILD if BUILD.is_absolute() else ROOT / BUILD) / "lib" / "libaquifer.so"

OK, EXISTS, NOT_FOUND = 0, 1, 2
IN_FLIGHT, UNREACHABLE, CLOSED = 15, 20, 22
INVALID_ARGUMENT, TOO_LARGE, TOO_SMALL, CANCELLED = 30, 31, 32, 40
IF_ABSENT, REPLACE = 1, 2
BATCH_KEYS = 16384


class Text(Structure):
    _fields_ = [("data", c_char_p), ("size", c_size_t)]

    @classmethod
    def of(cls, words):
        return cls(words, len(words))


class Piece(Structure):
    _fields_ = [("address", c_void_p), ("bytes", c_size_t)]


class Error(Structure):
    _fields_ = [("struct_size", c_size_t), ("status", c_int32), ("reserved", c_uint32),
                ("message", c_char * 512), ("hint", c_char * 512)]


class ClientOptions(Structure):
    _fields_ = [("struct_size", c_size_t), ("meta", Text), ("name_space", Text),
                ("transport", c_uint32), ("timeout_ms", c_uint32), ("copy_threads", c_uint32),
                ("tcp_streams", c_uint32), ("cached_handles", c_uint64), ("zone", Text)]


class CallOptions(Structure):
    _fields_ = [("struct_size", c_size_t), ("name_space", Text), ("timeout_ms", c_uint32),
                ("fill_ms", c_uint32)]


class PutOptions(Structure):
    _fields_ = [("struct_size", c_size_t), ("mode", c_uint32), ("replicas", c_uint32),
                ("preferred_node", Text), ("parent", Text), ("name_space", Text),
                ("timeout_ms", c_uint32), ("group", c_uint32)]


class PutItem(Structure):
    _fields_ = [("key", Text), ("pieces", POINTER(Piece)), ("piece_count", c_size_t),
                ("parent", Text)]


class GetItem(Structure):
    _fields_ = [("key", Text), ("pieces", POINTER(Piece)), ("piece_count", c_size_t)]


class GetOutcome(Structure):
    _fields_ = [("status", c_int32), ("filling_ms", c_uint32), ("bytes", c_uint64)]


class PoolStatus(Structure):
    _fields_ = [("struct_size", c_size_t)] + [(name, c_uint64) for name in (
        "capacity_bytes", "free_bytes", "used_bytes", "limbo_bytes", "pinned_bytes", "views",
        "objects", "evictions", "integrity_failures", "replicas_missing")]


class NodeStatus(Structure):
    _fields_ = [("struct_size", c_size_t), ("name", c_char_p), ("state", c_char_p)] + [
        (name, c_uint64) for name in (
            "process", "capacity_bytes", "free_bytes", "used_bytes", "limbo_bytes", "pinned_bytes",
            "views", "read_bytes_shm", "read_bytes_tcp", "written_bytes_shm", "written_bytes_tcp")]


class Counters(Structure):
    _fields_ = [("struct_size", c_size_t)] + [(name, c_uint64) for name in (
        "hits", "misses", "integrity_failures", "stale_handles", "meta_calls", "read_bytes_shm",
        "read_bytes_tcp", "written_bytes_shm", "written_bytes_tcp", "breaker_opens")]


# name -> (what it returns, its arguments). Structs of options are void pointers, so that tests can
# pass those of other versions.
HANDLE = c_void_p
FUNCTIONS = {
    "status_name": (c_char_p, [c_int32]),
    "version": (c_char_p, []),
    "client_open": (c_int32, [c_void_p, POINTER(HANDLE), c_void_p]),
    "client_close": (None, [HANDLE]),
    "client_free": (None, [HANDLE]),
    "last_error": (c_int32, [HANDLE, c_void_p]),
    "counters": (c_int32, [HANDLE, c_void_p]),
    "put": (c_int32, [HANDLE, Text, POINTER(Piece), c_size_t, c_void_p]),
    "put_batch": (c_int32, [HANDLE, POINTER(PutItem), c_size_t, c_void_p, POINTER(c_int32)]),
    "open_put": (c_int32, [HANDLE, Text, c_uint64, c_void_p, c_uint32, POINTER(HANDLE)]),
    "pending_put_bytes": (c_uint64, [HANDLE]),
    "pending_put_write": (c_int32, [HANDLE, c_uint64, POINTER(Piece), c_size_t, c_uint32]),
    "pending_put_commit": (c_int32, [HANDLE, c_uint32]),
    "pending_put_abort": (None, [HANDLE]),
    "pending_put_free": (None, [HANDLE]),
    "get_into": (c_int32, [HANDLE, Text, POINTER(Piece), c_size_t, c_void_p, POINTER(c_uint64)]),
    "get_batch": (c_int32, [HANDLE, POINTER(GetItem), c_size_t, c_void_p, POINTER(GetOutcome)]),
    "get": (c_int32, [HANDLE, Text, c_void_p, POINTER(c_void_p), POINTER(c_uint64)]),
    "free": (None, [c_void_p]),
    "get_range": (c_int32, [HANDLE, Text, c_uint64, POINTER(Piece), c_size_t, c_void_p,
                            POINTER(c_uint64)]),
    "view": (c_int32, [HANDLE, Text, c_void_p, POINTER(HANDLE)]),
    "view_pieces": (POINTER(Piece), [HANDLE, POINTER(c_size_t)]),
    "view_bytes": (c_uint64, [HANDLE]),
    "view_is_copy": (c_bool, [HANDLE]),
    "view_verify": (c_int32, [HANDLE]),
    "view_release": (None, [HANDLE]),
    "exists": (c_int32, [HANDLE, Text, c_void_p]),
    "exists_batch": (c_int32, [HANDLE, POINTER(Text), c_size_t, c_void_p, POINTER(c_int32)]),
    "match_prefix": (c_int32, [HANDLE, POINTER(Text), c_size_t, c_void_p, POINTER(c_size_t)]),
    "remove": (c_int32, [HANDLE, Text, c_void_p]),
    "remove_prefix": (c_int32, [HANDLE, Text, c_void_p, POINTER(c_uint64)]),
    "pin": (c_int32, [HANDLE, Text, c_uint32, c_void_p]),
    "list": (c_int32, [HANDLE, Text, Text, c_size_t, c_void_p, POINTER(HANDLE)]),
    "page_count": (c_size_t, [HANDLE]),
    "page_entry": (c_int32, [HANDLE, c_size_t, POINTER(Text), POINTER(c_uint64)]),
    "page_cursor": (Text, [HANDLE]),
    "page_free": (None, [HANDLE]),
    "stat": (c_int32, [HANDLE, Text, c_void_p, POINTER(HANDLE)]),
    "object_bytes": (c_uint64, [HANDLE]),
    "object_replica_count": (c_size_t, [HANDLE]),
    "object_replica_node": (c_char_p, [HANDLE, c_size_t]),
    "object_free": (None, [HANDLE]),
    "status": (c_int32, [HANDLE, c_void_p, POINTER(HANDLE)]),
    "report_pool": (c_int32, [HANDLE, c_void_p]),
    "report_node_count": (c_size_t, [HANDLE]),
    "report_node": (c_int32, [HANDLE, c_size_t, c_void_p]),
    "report_free": (None, [HANDLE]),
}


class Library:
    """The functions of aquifer.h without their prefix."""

    def __init__(self):
        library = ctypes.CDLL(str(LIBRARY))
        for name, (result, arguments) in FUNCTIONS.items():
            function = getattr(library, f"aquifer_{name}")
            function.restype, function.argtypes = result, arguments
            setattr(self, name, function)


def struct(kind, **values):
    """A struct with its size set."""
    return kind(struct_size=ctypes.sizeof(kind), **values)


def pieces(*buffers):
    """An array of pieces for writable buffers or bytes, which it keeps alive."""
    def address(buffer):
        if isinstance(buffer, bytes):
            return ctypes.cast(c_char_p(buffer), c_void_p)
        return ctypes.cast((c_char * len(buffer)).from_buffer(buffer), c_void_p)
    array = (Piece * len(buffers))(*[Piece(address(buffer), len(buffer)) for buffer in buffers])
    array.buffers = buffers
    return array
