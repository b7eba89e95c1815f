from enum import IntEnum
from types import TracebackType
from typing import Any, Literal, Protocol, TypeAlias

from typing_extensions import Buffer, Self

__version__: str

# numpy's arrays say that they are buffers only to Python 3.12 and newer.
class _Array(Protocol):
    @property
    def __array_interface__(self) -> dict[str, Any]: ...

_Key: TypeAlias = str | bytes
_Keys: TypeAlias = list[str] | list[bytes] | list[_Key] | tuple[_Key, ...]
_Piece: TypeAlias = Buffer | _Array | tuple[int, int]
_Value: TypeAlias = _Piece | list[Any] | tuple[_Piece, ...]
_Values: TypeAlias = list[Any] | tuple[_Value, ...]
_Transport: TypeAlias = Literal["auto", "shm", "tcp"]

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
    ) -> None: ...
    def put(
        self,
        key: _Key,
        value: _Value,
        *,
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
        replicas: int = 1,
        preferred_node: str | None = None,
        namespace: str | None = None,
        timeout: float | None = None,
    ) -> list[Status]: ...
    def get(
        self, key: _Key, *, namespace: str | None = None, timeout: float | None = None
    ) -> bytes | None: ...
    def get_batch(
        self, keys: _Keys, *, namespace: str | None = None, timeout: float | None = None
    ) -> list[bytes | None]: ...
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
    ) -> list[int]: ...
    def exists(
        self, key: _Key, *, namespace: str | None = None, timeout: float | None = None
    ) -> bool: ...
    def exists_batch(
        self, keys: _Keys, *, namespace: str | None = None, timeout: float | None = None
    ) -> list[bool]: ...
    def match_prefix(
        self, keys: _Keys, *, namespace: str | None = None, timeout: float | None = None
    ) -> int: ...
    def remove(
        self, key: _Key, *, namespace: str | None = None, timeout: float | None = None
    ) -> Status: ...
    def remove_batch(
        self, keys: _Keys, *, namespace: str | None = None, timeout: float | None = None
    ) -> list[Status]: ...
    def stat(
        self, key: _Key, *, namespace: str | None = None, timeout: float | None = None
    ) -> dict[str, Any] | None: ...
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
