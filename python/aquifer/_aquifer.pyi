from builtins import list as _list
from enum import IntEnum
from types import TracebackType
from typing import Any, Literal, Protocol, TypeAlias

from typing_extensions import Buffer, Self

__version__: str

# numpy's arrays say that they are buffers only to Python 3.12 and newer.
class _Array(Protocol):
    @property
    def __array_interface__(self) -> dict[str, Any]: ...

# What torch's tensors have; torch itself need not be there.
class _Tensor(Protocol):
    def data_ptr(self) -> int: ...
    def is_contiguous(self) -> bool: ...

_Key: TypeAlias = str | bytes
_Keys: TypeAlias = list[str] | list[bytes] | list[_Key] | tuple[_Key, ...]
_Parents: TypeAlias = _Keys | list[str | None] | list[bytes | None] | tuple[_Key | None, ...] | None
_Numbers: TypeAlias = list[int] | tuple[int, ...]
_Piece: TypeAlias = Buffer | _Array | _Tensor | tuple[int, int]
_Value: TypeAlias = _Piece | list[Any] | tuple[_Piece, ...]
_Values: TypeAlias = list[Any] | tuple[_Value, ...] | Addresses
_Page: TypeAlias = tuple[list[tuple[_Key, int]], bytes | None]
_Mode: TypeAlias = Literal["keep", "if_absent", "replace"]
_Transport: TypeAlias = Literal["auto", "shm", "tcp"]

_Lists: TypeAlias = _Numbers | list[list[int]] | list[_Numbers] | tuple[_Numbers, ...]

class Addresses:
    def __init__(self, addresses: _Lists, sizes: _Lists, *, check: bool = False) -> None: ...
    def __len__(self) -> int: ...

class Status(IntEnum):
    OK = 0
    EXISTS = 1
    NOT_FOUND = 2
    BUSY = 10
    TIMEOUT = 11
    UNKNOWN = 12
    RECOVERING = 13
    PENDING = 14
    IN_FLIGHT = 15
    UNREACHABLE = 20
    NO_SPACE = 21
    CLOSED = 22
    INVALID_ARGUMENT = 30
    TOO_LARGE = 31
    TOO_SMALL = 32
    NOT_SUPPORTED = 33
    VERSION_MISMATCH = 34
    CONFLICT = 35
    DENIED = 36
    CANCELLED = 40
    INTEGRITY = 50
    INTERNAL = 51
    IO = 52
    def __bool__(self) -> bool: ...
    @property
    def ok(self) -> bool: ...

class Client:
    def __init__(
        self,
        meta: str | None = None,
        *,
        namespace: str = "default",
        transport: _Transport = "auto",
        timeout: float = 5.0,
        copy_threads: int = 1,
        tcp_streams: int = 2,
        zone: str | None = None,
    ) -> None: ...
    def put(
        self,
        key: _Key,
        value: _Value,
        *,
        parent: _Key | None = None,
        replicas: int = 1,
        preferred_node: str | None = None,
        namespace: str | None = None,
        timeout: float | None = None,
    ) -> Status: ...
    def put_batch(
        self,
        keys: _Keys,
        values: _Values,
        *,
        parents: _Parents = None,
        group: bool = False,
        replicas: int = 1,
        preferred_node: str | None = None,
        namespace: str | None = None,
        timeout: float | None = None,
    ) -> _list[Status]: ...
    def put_if_absent(
        self,
        key: _Key,
        value: _Value,
        *,
        parent: _Key | None = None,
        replicas: int = 1,
        preferred_node: str | None = None,
        namespace: str | None = None,
        timeout: float | None = None,
    ) -> Status: ...
    def put_if_absent_batch(
        self,
        keys: _Keys,
        values: _Values,
        *,
        parents: _Parents = None,
        group: bool = False,
        replicas: int = 1,
        preferred_node: str | None = None,
        namespace: str | None = None,
        timeout: float | None = None,
    ) -> _list[Status]: ...
    def replace(
        self,
        key: _Key,
        value: _Value,
        *,
        parent: _Key | None = None,
        replicas: int = 1,
        preferred_node: str | None = None,
        namespace: str | None = None,
        timeout: float | None = None,
    ) -> Status: ...
    def replace_batch(
        self,
        keys: _Keys,
        values: _Values,
        *,
        parents: _Parents = None,
        group: bool = False,
        replicas: int = 1,
        preferred_node: str | None = None,
        namespace: str | None = None,
        timeout: float | None = None,
    ) -> _list[Status]: ...
    def open_put(
        self,
        key: _Key,
        size: int,
        *,
        mode: _Mode = "keep",
        lifetime: float = 60.0,
        parent: _Key | None = None,
        replicas: int = 1,
        preferred_node: str | None = None,
        namespace: str | None = None,
        timeout: float | None = None,
    ) -> PendingPut: ...
    def open_put_batch(
        self,
        keys: _Keys,
        sizes: _Numbers,
        *,
        mode: _Mode = "keep",
        lifetime: float = 60.0,
        parents: _Parents = None,
        replicas: int = 1,
        preferred_node: str | None = None,
        namespace: str | None = None,
        timeout: float | None = None,
    ) -> _list[PendingPut]: ...
    def get(
        self, key: _Key, *, namespace: str | None = None, timeout: float | None = None
    ) -> bytes | None: ...
    def get_batch(
        self, keys: _Keys, *, namespace: str | None = None, timeout: float | None = None
    ) -> _list[bytes | None]: ...
    def get_into(
        self,
        key: _Key,
        buffers: _Value,
        *,
        namespace: str | None = None,
        timeout: float | None = None,
    ) -> int: ...
    def get_into_batch(
        self,
        keys: _Keys,
        buffers: _Values,
        *,
        namespace: str | None = None,
        timeout: float | None = None,
    ) -> _list[int]: ...
    def get_range(
        self,
        key: _Key,
        offset: int,
        length: int,
        *,
        namespace: str | None = None,
        timeout: float | None = None,
    ) -> bytes | None: ...
    def get_range_batch(
        self,
        keys: _Keys,
        offsets: _Numbers,
        lengths: _Numbers,
        *,
        namespace: str | None = None,
        timeout: float | None = None,
    ) -> _list[bytes | None]: ...
    def get_range_into(
        self,
        key: _Key,
        offset: int,
        buffers: _Value,
        *,
        namespace: str | None = None,
        timeout: float | None = None,
    ) -> int: ...
    def get_range_into_batch(
        self,
        keys: _Keys,
        offsets: _Numbers,
        buffers: _Values,
        *,
        namespace: str | None = None,
        timeout: float | None = None,
    ) -> _list[int]: ...
    def view(
        self, key: _Key, *, namespace: str | None = None, timeout: float | None = None
    ) -> View | None: ...
    def view_batch(
        self, keys: _Keys, *, namespace: str | None = None, timeout: float | None = None
    ) -> _list[View | None]: ...
    def exists(
        self, key: _Key, *, namespace: str | None = None, timeout: float | None = None
    ) -> bool: ...
    def exists_batch(
        self, keys: _Keys, *, namespace: str | None = None, timeout: float | None = None
    ) -> _list[bool]: ...
    def exists_or_fill_batch(
        self,
        keys: _Keys,
        *,
        hold: float = 5.0,
        namespace: str | None = None,
        timeout: float | None = None,
    ) -> _list[tuple[Status, float]]: ...
    def match_prefix(
        self, keys: _Keys, *, namespace: str | None = None, timeout: float | None = None
    ) -> int: ...
    def remove(
        self, key: _Key, *, namespace: str | None = None, timeout: float | None = None
    ) -> Status: ...
    def remove_batch(
        self, keys: _Keys, *, namespace: str | None = None, timeout: float | None = None
    ) -> _list[Status]: ...
    def pin(
        self, key: _Key, ttl: float, *, namespace: str | None = None, timeout: float | None = None
    ) -> Status: ...
    def pin_batch(
        self, keys: _Keys, ttl: float, *, namespace: str | None = None, timeout: float | None = None
    ) -> _list[Status]: ...
    def unpin(
        self, key: _Key, *, namespace: str | None = None, timeout: float | None = None
    ) -> Status: ...
    def unpin_batch(
        self, keys: _Keys, *, namespace: str | None = None, timeout: float | None = None
    ) -> _list[Status]: ...
    def list(
        self,
        prefix: _Key = "",
        *,
        cursor: bytes | None = None,
        limit: int = 1000,
        namespace: str | None = None,
        timeout: float | None = None,
    ) -> _Page | None: ...
    def iter_keys(
        self, prefix: _Key = "", *, namespace: str | None = None, timeout: float | None = None
    ) -> KeyIterator: ...
    def remove_prefix(
        self, prefix: _Key, *, namespace: str | None = None, timeout: float | None = None
    ) -> int: ...
    def clear(self, *, namespace: str | None = None, timeout: float | None = None) -> int: ...
    def stat(
        self, key: _Key, *, namespace: str | None = None, timeout: float | None = None
    ) -> dict[str, Any] | None: ...
    def drain(
        self, node: str, *, cancel: bool = False, timeout: float | None = None
    ) -> dict[str, Any]: ...
    def status(self, *, timeout: float | None = None) -> dict[str, Any]: ...
    def counters(self) -> dict[str, Any]: ...
    def last_error(self) -> str: ...
    def close(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None: ...

class PendingPut:
    def write(self, offset: int, value: _Value, *, timeout: float | None = None) -> Status: ...
    def commit(self, *, timeout: float | None = None) -> Status: ...
    def abort(self) -> None: ...
    @property
    def size(self) -> int: ...
    @property
    def status(self) -> Status: ...
    def __bool__(self) -> bool: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None: ...

class View:
    @property
    def pieces(self) -> tuple[memoryview, ...]: ...
    @property
    def is_copy(self) -> bool: ...
    def verify(self) -> Status: ...
    def release(self) -> None: ...
    def __len__(self) -> int: ...
    def __bytes__(self) -> bytes: ...
    def __bool__(self) -> bool: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None: ...

class KeyIterator:
    @property
    def complete(self) -> bool: ...
    def __iter__(self) -> Self: ...
    def __next__(self) -> _Key: ...

class Pool:
    def __init__(self, dram: int | str = "1GiB") -> None: ...
    def client(
        self,
        *,
        namespace: str = "default",
        transport: _Transport = "auto",
        timeout: float = 5.0,
        copy_threads: int = 1,
        tcp_streams: int = 2,
        zone: str | None = None,
    ) -> Client: ...
    @property
    def meta(self) -> str: ...
    def close(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None: ...

class Meta:
    def __init__(
        self,
        listen: str = "tcp://127.0.0.1:0",
        *,
        eviction_high: float | None = None,
        eviction_low: float | None = None,
        node_grace: float = 5.0,
        client_grace: float = 1.0,
    ) -> None: ...
    @property
    def address(self) -> str: ...
    def failure(self) -> str | None: ...
    def close(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None: ...

class Node:
    def __init__(
        self,
        meta: str | None = None,
        dram: int | str = "1GiB",
        *,
        name: str | None = None,
        listen: str | None = None,
        advertise: str | None = None,
        zone: str | None = None,
        segments: str | None = None,
        keep: bool = False,
    ) -> None: ...
    @property
    def name(self) -> str: ...
    @property
    def address(self) -> str: ...
    def wait_ready(self, timeout: float) -> bool: ...
    def failure(self) -> str | None: ...
    def close(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None: ...
