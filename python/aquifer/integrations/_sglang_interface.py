"""SGLang's side of a storage backend: its own classes when it is installed, else the same shapes.

The shapes are for tests and for engines that speak SGLang's interface without SGLang. Hybrid models
came later than the rest, so an installed SGLang may lack their classes.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Optional

try:
    from sglang.srt.mem_cache.hicache_storage import HiCacheStorage, HiCacheStorageConfig
except ImportError:

    class HiCacheStorage(ABC):
        """What SGLang asks of a storage backend. One key names one page of tokens."""

        mem_pool_host = None

        @abstractmethod
        def get(self, key, target_location=None, target_sizes=None): ...

        @abstractmethod
        def batch_get(self, keys, target_locations=None, target_sizes=None): ...

        @abstractmethod
        def set(self, key, value=None, target_location=None, target_sizes=None): ...

        @abstractmethod
        def batch_set(self, keys, values=None, target_locations=None, target_sizes=None): ...

        @abstractmethod
        def exists(self, key): ...

        def register_mem_pool_host(self, mem_pool_host):
            self.mem_pool_host = mem_pool_host

    @dataclass
    class HiCacheStorageConfig:
        """What SGLang tells a backend at its start."""

        tp_rank: int = 0
        tp_size: int = 1
        pp_rank: int = 0
        pp_size: int = 1
        attn_cp_rank: int = 0
        attn_cp_size: int = 1
        is_mla_model: bool = False
        enable_storage_metrics: bool = False
        is_page_first_layout: bool = True
        model_name: Optional[str] = None
        dp_rank: int = 0
        dp_size: int = 1
        tp_lcm_size: Optional[int] = None
        should_split_heads: bool = False
        extra_config: Optional[dict] = None


try:
    from sglang.srt.mem_cache.hicache_storage import (
        PoolHitPolicy,
        PoolTransfer,
        PoolTransferResult,
    )
except ImportError:

    class PoolHitPolicy(str, Enum):
        """Which pages of a pool must exist for a prefix to be of use."""

        ALL_PAGES = "all_pages"
        TRAILING_PAGES = "trailing_pages"

    @dataclass
    class PoolTransfer:
        """Pages of one pool of a hybrid model."""

        name: Any
        host_indices: Any = None
        device_indices: Any = None
        keys: Optional[list] = None
        hit_policy: PoolHitPolicy = PoolHitPolicy.ALL_PAGES
        nodes_to_load: Any = None
        indices_from_pool: Any = None
        logical_pages_per_object: int = 1

    @dataclass
    class PoolTransferResult:
        """How far the storage can restore a prefix, in pages."""

        kv_hit_pages: int
        extra_pool_hit_pages: dict
        restorable_prefix_pages: list = field(default_factory=list)


def metrics_class():
    """SGLang's record for its monitor, whose module has moved; None without one."""
    try:
        from sglang.srt.observability.metrics_collector import StorageMetrics
    except ImportError:
        try:
            from sglang.srt.metrics.collector import StorageMetrics
        except ImportError:
            return None
    return StorageMetrics


__all__ = [
    "HiCacheStorage",
    "HiCacheStorageConfig",
    "PoolHitPolicy",
    "PoolTransfer",
    "PoolTransferResult",
    "metrics_class",
]
