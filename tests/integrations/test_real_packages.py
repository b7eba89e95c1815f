"""The plug-ins take the engines' own classes when these are installed, in older and newer shapes.

The packages are written to a folder: no more of each than the plug-in imports.
"""

import subprocess
import sys
import textwrap

import pytest

import aquifer

SGLANG_OLD = """
from abc import ABC, abstractmethod
class HiCacheStorageConfig: pass
class HiCacheStorage(ABC):
    def register_mem_pool_host(self, mem_pool_host): self.mem_pool_host = mem_pool_host
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
"""
SGLANG_NEW = SGLANG_OLD + """
from dataclasses import dataclass
from enum import Enum
class PoolHitPolicy(str, Enum):
    ALL_PAGES = "all_pages"
    TRAILING_PAGES = "trailing_pages"
class PoolName(str, Enum):
    KV = "kv"
    MAMBA = "mamba"
    def __str__(self): return self.value
@dataclass
class PoolTransfer:
    name: PoolName
    host_indices: object = None
    device_indices: object = None
    keys: list = None
    hit_policy: PoolHitPolicy = PoolHitPolicy.ALL_PAGES
@dataclass
class PoolTransferResult:
    kv_hit_pages: int
    extra_pool_hit_pages: dict
"""
SGLANG_USE = """
import importlib
from types import SimpleNamespace
from sglang.srt.mem_cache import hicache_storage as real
# What SGLang's dynamic loader does.
kind = getattr(importlib.import_module("aquifer.integrations.sglang"), "AquiferHiCache")
assert issubclass(kind, real.HiCacheStorage)
config = SimpleNamespace(tp_rank=0, tp_size=1, is_mla_model=False, model_name="m",
                         extra_config={"interface_v1": 1, "meta": META})
store = kind(config, {})
store.register_mem_pool_host(SimpleNamespace(page_size=1, layout="page_first", kv_buffer=0))
assert store.set("0" * 64, memoryview(b"page")) is True and store.exists("0" * 64) is True
"""
SGLANG_USE_NEW = SGLANG_USE + """
mamba = SimpleNamespace(page_size=1, get_page_buffer_meta=None)
store.register_mem_host_pool_v2(mamba, real.PoolName.MAMBA)
asked = real.PoolTransfer(real.PoolName.MAMBA, keys=["0" * 64])
found = store.batch_exists_v2(["0" * 64], [asked])
assert type(found) is real.PoolTransferResult
assert found.extra_pool_hit_pages == {real.PoolName.MAMBA: 0}
assert store.batch_get_v2([asked]) == {real.PoolName.MAMBA: [False]}
"""

VLLM = """
from abc import ABC, abstractmethod
from enum import Enum
class KVConnectorRole(Enum):
    SCHEDULER = 0
    WORKER = 1
class KVConnectorMetadata(ABC): pass
class KVConnectorBase_V1(ABC):
    def __init__(self, vllm_config, role%s):
        self.made_with = (vllm_config, role)
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
"""
VLLM_REPORTS = "    def get_block_ids_with_load_errors(self): return set()\n"
VLLM_USE = """
from types import SimpleNamespace as Some
from vllm.distributed.kv_transfer.kv_connector.v1.base import KVConnectorBase_V1, KVConnectorRole
from aquifer.integrations.vllm import AquiferConnector
assert issubclass(AquiferConnector, KVConnectorBase_V1)
config = Some(
    kv_transfer_config=Some(kv_connector_extra_config={"meta": META}, is_kv_producer=True,
                            is_kv_consumer=True),
    model_config=Some(model="m", dtype="torch.bfloat16"),
    cache_config=Some(block_size=16, cache_dtype="auto"),
    parallel_config=Some(tensor_parallel_size=1, pipeline_parallel_size=1))
ARGUMENTS = (config, KVConnectorRole.SCHEDULER)
try:
    made = AquiferConnector(*ARGUMENTS)
except ValueError as error:
    print(error)
else:
    assert made.made_with == ARGUMENTS
    asked = Some(request_id="r", prompt_token_ids=[1] * 40, num_tokens=40,
                 status=Some(name="FINISHED_ABORTED"))
    assert made.get_num_new_matched_tokens(asked, 0) == (0, False)
    assert made.request_finished(asked, []) == (False, None)
    made.shutdown()
"""

LMCACHE = {
    "lmcache/v1/storage_backend/connector/base_connector.py": """
from abc import ABC, abstractmethod
class RemoteConnector(ABC):
    %s
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
""",
    "lmcache/v1/storage_backend/connector/__init__.py": """
class ConnectorAdapter:
    def __init__(self, schema): self.schema = schema
""",
    "lmcache/v1/memory_management.py": """
from enum import Enum
class MemoryFormat(Enum):
    KV_2LTD = 1
""",
}
LMCACHE_USE = """
from types import SimpleNamespace
from lmcache.v1.storage_backend.connector.base_connector import RemoteConnector
from lmcache.v1.storage_backend.connector import ConnectorAdapter
from aquifer.integrations.lmcache import AquiferConnectorAdapter
adapter = AquiferConnectorAdapter()
assert isinstance(adapter, ConnectorAdapter) and adapter.schema == "aquifer://"
context = SimpleNamespace(url=META.replace("tcp", "aquifer"), loop=None, local_cpu_backend=None,
                          config=SimpleNamespace(extra_config=None), metadata=None)
made = adapter.create_connector(context)
assert isinstance(made, RemoteConnector) and made.exists_sync("key") is False
"""

MINDIE = {
    "mindie_llm/text_generator/mempool/__init__.py": """
class MemPool:
    @staticmethod
    def create_pool(backend, config_path, role="scheduler", **kwargs):
        from .unifiedcache_mempool import UnifiedCacheMempool
        return UnifiedCacheMempool(config_path, role, **kwargs)
""",
    "mindie_llm/text_generator/mempool/unifiedcache_mempool.py":
        "from aquifer.integrations.mindie import UnifiedCacheMempool\n",
}
MINDIE_USE = """
import json, pathlib, sys
from mindie_llm.text_generator.mempool import MemPool
path = pathlib.Path(sys.path[0]) / "pool.json"
path.write_text(json.dumps({"meta": META}))
made = MemPool.create_pool("unifiedcache", str(path), device_id=0)
assert isinstance(made, MemPool) and made.exists("key") is False
made.close()
"""


@pytest.fixture
def use(tmp_path):
    def run(files, script):
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text))
        with aquifer.Pool("4MiB") as pool:
            start = f"import sys\nsys.path.insert(0, {str(tmp_path)!r})\nMETA = {pool.meta!r}\n"
            done = subprocess.run([sys.executable, "-c", start + script], capture_output=True,
                                  text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.mark.parametrize(("package", "script"), [
    (SGLANG_OLD, SGLANG_USE), (SGLANG_NEW, SGLANG_USE_NEW)], ids=["old", "new"])
def test_sglang(use, package, script):
    use({"sglang/srt/mem_cache/hicache_storage.py": package}, script)


@pytest.mark.parametrize("parameter", ["", ", kv_cache_config=None"], ids=["old", "new"])
def test_vllm(use, parameter):
    base = "vllm/distributed/kv_transfer/kv_connector/v1/base.py"
    assert use({base: VLLM % parameter + VLLM_REPORTS}, VLLM_USE) == ""


def test_a_vllm_that_cannot_hear_of_failed_loads_is_refused(use):
    base = "vllm/distributed/kv_transfer/kv_connector/v1/base.py"
    assert "too old" in use({base: VLLM % ""}, VLLM_USE)


@pytest.mark.parametrize("constructor", [
    "", "def __init__(self, config, metadata): self.config = config"], ids=["old", "new"])
def test_lmcache(use, constructor):
    files = {name: text % constructor if "%s" in text else text for name, text in LMCACHE.items()}
    use(files, LMCACHE_USE)


def test_mindie(use):
    use(MINDIE, MINDIE_USE)
