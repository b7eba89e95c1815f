"""MemCache's Python interface over an Aquifer pool.

DistributedObjectStore joins a pool and puts, gets and removes objects by addresses; LocalConfig,
MetaConfig and ReplicateConfig configure it; MetaService runs the metadata service. Importing starts
nothing: no thread, no socket, no signal handler.
"""

from ._meta_service import MetaService
from ._pymmc import DistributedObjectStore, KeyInfo, LocalConfig, MetaConfig, ReplicateConfig

__all__ = [
    "DistributedObjectStore",
    "KeyInfo",
    "LocalConfig",
    "MetaConfig",
    "MetaService",
    "ReplicateConfig",
]

# Directions of copies, by the names of MemCache's documents and of its transfer library. Calls take
# plain ints too.
L2G = SMEMB_COPY_L2G = 0
G2L = SMEMB_COPY_G2L = 1
G2H = SMEMB_COPY_G2H = 2
H2G = SMEMB_COPY_H2G = 3
G2G = SMEMB_COPY_G2G = 4
AUTO = SMEMB_COPY_AUTO = 9
