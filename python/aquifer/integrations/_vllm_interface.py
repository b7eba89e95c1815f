"""vLLM's side of a KV connector: its own classes when it is installed, else the same shapes."""

from abc import ABC, abstractmethod
from enum import Enum

try:
    from vllm.distributed.kv_transfer.kv_connector.v1.base import (
        KVConnectorBase_V1,
        KVConnectorMetadata,
        KVConnectorRole,
    )
except ImportError:

    class KVConnectorRole(Enum):
        """In which process of vLLM a connector is."""

        SCHEDULER = 0
        WORKER = 1

    class KVConnectorMetadata:
        """What the scheduler's connector tells the workers' ones in a step."""

    class KVConnectorBase_V1(ABC):
        """What vLLM asks of a connector."""

        def __init__(self, vllm_config, role, kv_cache_config=None):
            self._connector_metadata = None
            self._vllm_config = vllm_config
            self._role = role

        def bind_connector_metadata(self, connector_metadata):
            self._connector_metadata = connector_metadata

        def clear_connector_metadata(self):
            self._connector_metadata = None

        def _get_connector_metadata(self):
            assert self._connector_metadata is not None
            return self._connector_metadata

        def get_block_ids_with_load_errors(self):
            return set()

        @abstractmethod
        def start_load_kv(self, forward_context, **kwargs): ...

        @abstractmethod
        def wait_for_layer_load(self, layer_name): ...

        @abstractmethod
        def save_kv_layer(self, layer_name, kv_layer, attn_metadata, **kwargs): ...

        @abstractmethod
        def wait_for_save(self): ...

        @abstractmethod
        def get_num_new_matched_tokens(self, request, num_computed_tokens): ...

        @abstractmethod
        def update_state_after_alloc(self, request, blocks, num_external_tokens): ...

        @abstractmethod
        def build_connector_meta(self, scheduler_output): ...


__all__ = ["KVConnectorBase_V1", "KVConnectorMetadata", "KVConnectorRole"]
