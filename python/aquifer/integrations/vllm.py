"""vLLM: a KV connector that keeps the blocks of prompts and answers in the pool.

    vllm serve MODEL --kv-transfer-config '{"kv_connector": "AquiferConnector",
      "kv_connector_module_path": "aquifer.integrations.vllm", "kv_role": "kv_both",
      "kv_load_failure_policy": "recompute",
      "kv_connector_extra_config": {"meta": "tcp://HOST:5000"}}'

The extra config takes what `_shared.Options` lists: meta (else AQUIFER_META), namespace, timeout,
zone, replicas, transport, copy_threads, tcp_streams, tag; and `lookup_timeout` (1.0), the seconds
for which vLLM's scheduler waits for an answer. `kv_producer` only saves, `kv_consumer` only loads.
Engines share blocks when model, block size, types, device and division into ranks are the same;
another quantisation of the same model needs a `tag` of its own.

Every full block is one object per worker, with one or two pieces per layer. Blocks in this host's
memory move without a copy; those on a device go through pinned memory. A step waits for its loads
and its saves. A prompt is saved in the step after its computation, or at the end of the request
where vLLM plans steps ahead (asynchronous scheduling, pipelines); what it has answered, at its end.
Models have one group of KV layers; context parallelism is refused.
"""

import dataclasses
import inspect
import logging

from ._shared import Options, Store
from ._vllm_interface import KVConnectorBase_V1, KVConnectorRole
from ._vllm_keys import BlockKeys
from ._vllm_scheduler import Scheduler
from ._vllm_worker import Worker


class AquiferConnector(KVConnectorBase_V1):
    """vLLM's connector over a pool; one in the scheduler and one in each worker.

    Raises ValueError at its start for a bad option, a model or a division that it does not
    support, and a vLLM that cannot be told of blocks that failed to load (which would compute
    with undefined content). Later on, a pool in trouble raises nothing: what it cannot do is
    computed again.
    """

    def __init__(self, vllm_config, role, kv_cache_config=None):
        if not hasattr(KVConnectorBase_V1, "get_block_ids_with_load_errors"):
            raise ValueError("this vLLM is too old: its connectors cannot report failed loads")
        if "kv_cache_config" in inspect.signature(KVConnectorBase_V1.__init__).parameters:
            super().__init__(vllm_config, role, kv_cache_config)
        else:
            super().__init__(vllm_config, role)
        groups = getattr(kv_cache_config, "kv_cache_groups", None) or ()
        if len(groups) > 1:
            raise ValueError(f"Aquifer's connector takes one group of KV layers, not {len(groups)}")
        transfer = vllm_config.kv_transfer_config
        extra = transfer.kv_connector_extra_config or {}
        options = Options.read(extra)
        keys = BlockKeys(vllm_config, options.tag)
        logger = logging.getLogger(__name__)
        self._config, self._kv_cache_config = vllm_config, kv_cache_config
        self._scheduler = self._worker = None
        if role == KVConnectorRole.SCHEDULER:
            patience = min(options.timeout, float(extra.get("lookup_timeout", 1.0)))
            self._store = Store(dataclasses.replace(options, timeout=patience), logger)
            roles = transfer.is_kv_consumer, transfer.is_kv_producer
            self._scheduler = Scheduler(keys, self._store, *roles, early=_waits(vllm_config))
        else:
            self._store = Store(options, logger)
            self._worker = Worker(keys, self._store)

    # In the scheduler.

    def get_num_new_matched_tokens(self, request, num_computed_tokens):
        """How many more tokens of a prompt the pool has; they are loaded within the step."""
        return self._scheduler.matched_tokens(request, num_computed_tokens), False

    def update_state_after_alloc(self, request, blocks, num_external_tokens):
        """Notes how many of them vLLM has made room for."""
        self._scheduler.allocated(request, num_external_tokens)

    def build_connector_meta(self, scheduler_output):
        """What the workers shall load before the next step and save after it."""
        return self._scheduler.step(scheduler_output)

    def request_finished(self, request, block_ids):
        """Forgets a request. The first of the answer says whether its blocks are still needed,
        until get_finished names it."""
        return self._scheduler.finished(request, block_ids), None

    # In a worker.

    def register_kv_caches(self, kv_caches):
        """Takes the KV caches: a dict of tensors by the names of their layers."""
        blocks = getattr(self._kv_cache_config, "num_blocks", None)
        self._worker.register(kv_caches, blocks or self._config.cache_config.num_gpu_blocks)

    def start_load_kv(self, forward_context, **kwargs):
        """Loads all blocks of the step; they are there when it returns."""
        self._worker.begin(self._get_connector_metadata())

    def wait_for_layer_load(self, layer_name):
        """Nothing: start_load_kv has waited."""

    def save_kv_layer(self, layer_name, kv_layer, attn_metadata, **kwargs):
        """Nothing: a block is saved when all its layers are there."""

    def wait_for_save(self):
        """Saves the blocks of earlier steps, and those of requests that have ended."""
        self._worker.save()

    def get_finished(self, finished_req_ids):
        """The requests whose last blocks are saved. In a step that computes nothing vLLM does not
        call wait_for_save, so the saves are made here."""
        self._worker.save()
        return self._worker.ended() or None, None

    def get_block_ids_with_load_errors(self):
        """The blocks of this step that vLLM must compute again."""
        return self._worker.failed()

    def shutdown(self):
        """Ends the connections."""
        self._store.close()

    def traffic(self):
        """Objects, bytes and seconds read and written since the start, as a dict."""
        return self._store.traffic()


def _waits(config):
    """Whether vLLM plans a step only when it knows how the one before has ended."""
    scheduler = getattr(config, "scheduler_config", None)
    ahead = getattr(scheduler, "async_scheduling", False)
    return not ahead and config.parallel_config.pipeline_parallel_size == 1
