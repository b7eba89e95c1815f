from builtins import list as _list
from types import TracebackType
from typing import Any

from typing_extensions import Self

from ._aquifer import (
    Client,
    Status,
    View,
    _Key,
    _Keys,
    _Mode,
    _Numbers,
    _Page,
    _Parents,
    _Transport,
    _Value,
    _Values,
)

class AsyncClient:
    def __init__(
        self,
        meta: str | None = None,
        *,
        threads: int = 8,
        namespace: str = "default",
        transport: _Transport = "auto",
        timeout: float = 5.0,
        copy_threads: int = 1,
        tcp_streams: int = 2,
        zone: str | None = None,
    ) -> None: ...
    @property
    def client(self) -> Client: ...
    async def put(
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
    async def put_batch(
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
    async def put_if_absent(
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
    async def put_if_absent_batch(
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
    async def replace(
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
    async def replace_batch(
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
    async def open_put(
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
    ) -> AsyncPendingPut: ...
    async def open_put_batch(
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
    ) -> _list[AsyncPendingPut]: ...
    async def get(
        self, key: _Key, *, namespace: str | None = None, timeout: float | None = None
    ) -> bytes | None: ...
    async def get_batch(
        self, keys: _Keys, *, namespace: str | None = None, timeout: float | None = None
    ) -> _list[bytes | None]: ...
    async def get_into(
        self,
        key: _Key,
        buffers: _Value,
        *,
        namespace: str | None = None,
        timeout: float | None = None,
    ) -> int: ...
    async def get_into_batch(
        self,
        keys: _Keys,
        buffers: _Values,
        *,
        namespace: str | None = None,
        timeout: float | None = None,
    ) -> _list[int]: ...
    async def get_range(
        self,
        key: _Key,
        offset: int,
        length: int,
        *,
        namespace: str | None = None,
        timeout: float | None = None,
    ) -> bytes | None: ...
    async def get_range_batch(
        self,
        keys: _Keys,
        offsets: _Numbers,
        lengths: _Numbers,
        *,
        namespace: str | None = None,
        timeout: float | None = None,
    ) -> _list[bytes | None]: ...
    async def get_range_into(
        self,
        key: _Key,
        offset: int,
        buffers: _Value,
        *,
        namespace: str | None = None,
        timeout: float | None = None,
    ) -> int: ...
    async def get_range_into_batch(
        self,
        keys: _Keys,
        offsets: _Numbers,
        buffers: _Values,
        *,
        namespace: str | None = None,
        timeout: float | None = None,
    ) -> _list[int]: ...
    async def view(
        self, key: _Key, *, namespace: str | None = None, timeout: float | None = None
    ) -> View | None: ...
    async def view_batch(
        self, keys: _Keys, *, namespace: str | None = None, timeout: float | None = None
    ) -> _list[View | None]: ...
    async def exists(
        self, key: _Key, *, namespace: str | None = None, timeout: float | None = None
    ) -> bool: ...
    async def exists_batch(
        self, keys: _Keys, *, namespace: str | None = None, timeout: float | None = None
    ) -> _list[bool]: ...
    async def exists_or_fill_batch(
        self,
        keys: _Keys,
        *,
        hold: float = 5.0,
        namespace: str | None = None,
        timeout: float | None = None,
    ) -> _list[tuple[Status, float]]: ...
    async def match_prefix(
        self, keys: _Keys, *, namespace: str | None = None, timeout: float | None = None
    ) -> int: ...
    async def remove(
        self, key: _Key, *, namespace: str | None = None, timeout: float | None = None
    ) -> Status: ...
    async def remove_batch(
        self, keys: _Keys, *, namespace: str | None = None, timeout: float | None = None
    ) -> _list[Status]: ...
    async def pin(
        self, key: _Key, ttl: float, *, namespace: str | None = None, timeout: float | None = None
    ) -> Status: ...
    async def pin_batch(
        self, keys: _Keys, ttl: float, *, namespace: str | None = None, timeout: float | None = None
    ) -> _list[Status]: ...
    async def unpin(
        self, key: _Key, *, namespace: str | None = None, timeout: float | None = None
    ) -> Status: ...
    async def unpin_batch(
        self, keys: _Keys, *, namespace: str | None = None, timeout: float | None = None
    ) -> _list[Status]: ...
    async def list(
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
    ) -> AsyncKeyIterator: ...
    async def remove_prefix(
        self, prefix: _Key, *, namespace: str | None = None, timeout: float | None = None
    ) -> int: ...
    async def clear(self, *, namespace: str | None = None, timeout: float | None = None) -> int: ...
    async def stat(
        self, key: _Key, *, namespace: str | None = None, timeout: float | None = None
    ) -> dict[str, Any] | None: ...
    async def drain(
        self, node: str, *, cancel: bool = False, timeout: float | None = None
    ) -> dict[str, Any]: ...
    async def status(self, *, timeout: float | None = None) -> dict[str, Any]: ...
    def counters(self) -> dict[str, Any]: ...
    def last_error(self) -> str: ...
    async def aclose(self) -> None: ...
    async def __aenter__(self) -> Self: ...
    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...

class AsyncPendingPut:
    async def write(
        self, offset: int, value: _Value, *, timeout: float | None = None
    ) -> Status: ...
    async def commit(self, *, timeout: float | None = None) -> Status: ...
    async def abort(self) -> None: ...
    @property
    def size(self) -> int: ...
    @property
    def status(self) -> Status: ...
    def __bool__(self) -> bool: ...
    async def __aenter__(self) -> Self: ...
    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...

class AsyncKeyIterator:
    @property
    def complete(self) -> bool: ...
    def __aiter__(self) -> Self: ...
    async def __anext__(self) -> _Key: ...
