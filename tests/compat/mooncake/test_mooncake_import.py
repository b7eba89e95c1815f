"""Importing, beside a real Mooncake and without one."""

import subprocess
import sys
from pathlib import Path

import pytest

COMPAT = str(Path(__file__).resolve().parents[3] / "python" / "compat")


@pytest.fixture
def run_python():
    def run(script, *arguments):
        done = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True,
                              text=True, timeout=60)
        assert (done.returncode, done.stderr) == (0, ""), done
        return done.stdout.strip()

    return run


def test_importing_has_no_side_effects(run_python):
    assert run_python("""
import os, signal, sys, threading
before = [signal.getsignal(number) for number in range(1, 32)], len(os.listdir("/proc/self/fd"))
import mooncake, mooncake.store, mooncake.async_store, mooncake.mooncake_config
import mooncake.http_metadata_server, mooncake.mooncake_store_service, mooncake.engine
after = [signal.getsignal(number) for number in range(1, 32)], len(os.listdir("/proc/self/fd"))
print(before == after, threading.active_count(), len(os.listdir("/proc/self/task")))
print("torch" in sys.modules, "numpy" in sys.modules, "http.server" in sys.modules)
""") == "True 1 1\nFalse False False"


def test_the_package_imports_nothing_by_itself(run_python):
    assert run_python("""
import sys
import mooncake
print("aquifer" in sys.modules)
from mooncake import BufferPool, RegisteredBufferPool
import mooncake.store
print(BufferPool is RegisteredBufferPool is mooncake.store.BufferPool, bool(mooncake.__version__))
try:
    mooncake.nothing
except AttributeError as error:
    print(error)
""") == "False\nTrue True\nmodule 'mooncake' has no attribute 'nothing'"


def test_what_a_real_mooncake_has_stays_reachable(run_python, tmp_path):
    real = tmp_path / "mooncake"
    real.mkdir()
    (real / "__init__.py").write_text(
        "from pkgutil import extend_path\n__path__ = extend_path(__path__, __name__)\n")
    (real / "engine.py").write_text("class TransferEngine:\n    real = True\n")
    (real / "store.py").write_text("class MooncakeDistributedStore:\n    real = True\n")
    (real / "ep.py").write_text("name = 'ep'\n")
    assert run_python(f"""
import sys
sys.path.insert(0, {COMPAT!r})
sys.path.append({str(tmp_path)!r})
from mooncake.engine import TransferEngine
from mooncake.store import MooncakeDistributedStore
import mooncake.ep
print(TransferEngine.real, hasattr(MooncakeDistributedStore, "real"), mooncake.ep.name)
""") == "True False ep"


def test_our_engine_where_there_is_no_other():
    from mooncake.engine import SUPPORT_EFA, TransferEngine, TransferNotify, TransferOpcode

    first, second = TransferEngine(), TransferEngine()
    assert first.get_rpc_port() == 0
    for engine in (first, second):
        assert engine.initialize("127.0.0.1", "P2PHANDSHAKE", "ascend", "") == 0
        assert engine.initialize("127.0.0.1", "P2PHANDSHAKE", "ascend", "") == 0
    assert 0 < first.get_rpc_port() != second.get_rpc_port() > 0
    assert first.register_memory(4096, 100) == 0 and first.register_memory(0, 100) == -1
    assert first.register_memory(8192, 100, "cpu:0") == 0
    assert first.unregister_memory(4096) == 0 and first.unregister_memory(4096) == -1
    assert first.batch_register_memory([1, 2], [3, 4]) == 0
    assert first.batch_unregister_memory([1, 2]) == 0
    assert first.get_engine() is not None
    for name in ("transfer_sync_write", "batch_transfer_sync_read"):
        assert not hasattr(first, name)
        with pytest.raises(AttributeError, match=f"{name}: transfers from peer to peer"):
            getattr(first, name)
    assert not hasattr(first, "other")
    assert TransferOpcode.Read != TransferOpcode.Write and SUPPORT_EFA is False
    assert TransferNotify("a", "b").msg == "b"


def test_the_names_of_the_store_module():
    import mooncake.store as module

    assert all(hasattr(module, name) for name in module.__all__)
    assert [kind.name for kind in module.ObjectDataType] == [
        "UNKNOWN", "KVCACHE", "TENSOR", "WEIGHT", "SAMPLE", "ACTIVATION", "GRADIENT",
        "OPTIMIZER_STATE", "METADATA", "GENERAL"]
    assert [action.name for action in module.SoftPinAction] == ["PRESERVE", "ENABLE", "DISABLE"]
    module.bind_to_numa_node(0)
    assert module._tensor_metadata_size() == 96


def test_binding_to_a_node_that_is_not_there(warned):
    from mooncake.store import bind_to_numa_node

    bind_to_numa_node(4000)
    assert any("NUMA" in line for line in warned)
