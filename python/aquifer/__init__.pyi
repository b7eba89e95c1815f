from ._aquifer import Addresses as Addresses
from ._aquifer import Client as Client
from ._aquifer import KeyIterator as KeyIterator
from ._aquifer import Meta as Meta
from ._aquifer import Node as Node
from ._aquifer import PendingPut as PendingPut
from ._aquifer import Pool as Pool
from ._aquifer import Status as Status
from ._aquifer import View as View
from ._aquifer import __version__ as __version__
from ._async import AsyncClient as AsyncClient
from ._async import AsyncKeyIterator as AsyncKeyIterator
from ._async import AsyncPendingPut as AsyncPendingPut
from ._paths import include_dir as include_dir
from ._paths import library_dir as library_dir

__all__ = [
    "Addresses",
    "AsyncClient",
    "AsyncKeyIterator",
    "AsyncPendingPut",
    "Client",
    "KeyIterator",
    "Meta",
    "Node",
    "PendingPut",
    "Pool",
    "Status",
    "View",
    "__version__",
    "include_dir",
    "library_dir",
]
