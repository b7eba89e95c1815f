"""LMCache's side of a remote connector: its own classes when it is installed, else their shapes."""

from abc import ABC, abstractmethod
from enum import Enum

try:
    from lmcache.v1.storage_backend.connector import ConnectorAdapter
    from lmcache.v1.storage_backend.connector.base_connector import RemoteConnector
except ImportError:

    class ConnectorAdapter(ABC):
        """Makes connectors for addresses of one kind."""

        def __init__(self, schema):
            self.schema = schema

        @abstractmethod
        def can_parse(self, url): ...

        @abstractmethod
        def create_connector(self, context): ...

    class RemoteConnector(ABC):
        """What LMCache asks of a remote store."""

        @abstractmethod
        async def exists(self, key): ...

        @abstractmethod
        def exists_sync(self, key): ...

        @abstractmethod
        async def get(self, key): ...

        @abstractmethod
        async def put(self, key, memory_obj): ...

        @abstractmethod
        async def list(self): ...

        @abstractmethod
        async def close(self): ...


try:
    from lmcache.v1.memory_management import MemoryFormat
except ImportError:

    class MemoryFormat(Enum):
        """In which order a chunk's numbers lie."""

        UNDEFINED = 0
        KV_2LTD = 1
        KV_T2D = 2


__all__ = ["ConnectorAdapter", "MemoryFormat", "RemoteConnector"]
