"""LocalConfig, MetaConfig and the two files."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from memcache_programs import local_config

import memcache_hybrid
from memcache_hybrid import (
    DistributedObjectStore,
    LocalConfig,
    MetaConfig,
    MetaService,
    _pymmc,
)

LOCAL_DEFAULTS = {
    "meta_service_url": "tcp://127.0.0.1:5000", "config_store_url": "tcp://127.0.0.1:6000",
    "log_level": "info", "world_size": 256, "protocol": "host_rdma",
    "hcom_url": "tcp://127.0.0.1:7000", "dram_size": "1GB", "hbm_size": "0",
    "max_dram_size": "64GB", "max_hbm_size": "0", "client_retry_milliseconds": 0,
    "client_timeout_seconds": 60, "read_thread_pool_size": 32, "write_thread_pool_size": 4,
    "aggregate_io": True, "aggregate_num": 122, "ubs_io_enable": False,
    "memory_pool_mode": "standard",
}
META_DEFAULTS = {
    "meta_service_url": "tcp://127.0.0.1:5000", "config_store_url": "tcp://127.0.0.1:6000",
    "metrics_url": "http://127.0.0.1:8000", "ha_enable": False, "log_level": "info",
    "log_path": "/var/log/memcache_hybrid", "log_rotation_file_size": 20,
    "log_rotation_file_count": 50, "evict_threshold_high": 90, "evict_threshold_low": 80,
    "ubs_io_enable": False,
}
TLS = ["enable", "ca_path", "ca_crl_path", "cert_path", "key_path", "key_pass_path",
       "package_path", "decrypter_path"]


@pytest.mark.parametrize("kind, defaults", [(LocalConfig, LOCAL_DEFAULTS),
                                            (MetaConfig, META_DEFAULTS)])
def test_defaults_and_assignment(kind, defaults):
    config = kind()
    assert {name: getattr(config, name) for name in defaults} == defaults
    for prefix in ("tls_", "config_store_tls_"):
        for name in TLS:
            assert getattr(config, prefix + name) == (False if name == "enable" else "")
    for name, value in defaults.items():
        other = (not value if isinstance(value, bool) else value + 1 if isinstance(value, int)
                 else "error" if name == "log_level" else value + "1")
        setattr(config, name, other)
        assert getattr(config, name) == other
    with pytest.raises(AttributeError):
        config.no_such_field = 1


def test_local_config_has_hcom_tls():
    config = LocalConfig()
    assert [hasattr(config, "hcom_tls_" + name) for name in TLS] == [
        name != "package_path" for name in TLS]


def test_sizes_may_be_ints():
    config = LocalConfig()
    config.dram_size = 64 << 20
    assert config.dram_size == "67108864"


def test_wrong_types_and_lengths():
    config = LocalConfig()
    for name, value in (("world_size", "many"), ("aggregate_io", "yes"), ("world_size", -1)):
        with pytest.raises(TypeError):
            setattr(config, name, value)
    with pytest.raises(ValueError, match="protocol"):
        config.protocol = "x" * 64
    with pytest.raises(ValueError, match="log_level"):
        MetaConfig().log_level = "loud"


def test_text():
    text = str(LocalConfig())
    assert text.startswith("LocalConfig {\n  meta_service_url: tcp://127.0.0.1:5000\n  config_store")
    assert "\n  aggregate_io: true\n" in text and text.endswith("}")
    assert text == repr(LocalConfig()) == LocalConfig().str()
    meta = str(MetaConfig())
    assert "\n  log_level: 1\n" in meta and "\n  log_rotation_file_size: 20971520\n" in meta


@pytest.mark.parametrize(
    "field, value",
    [("dram_size", "0"), ("dram_size", "much"), ("dram_size", "2TB"), ("max_dram_size", "1MB"),
     ("protocol", "carrier_pigeon"), ("world_size", 0), ("world_size", 1025),
     ("client_timeout_seconds", 0), ("client_retry_milliseconds", 600001),
     ("aggregate_num", 0), ("read_thread_pool_size", 65), ("meta_service_url", "here"),
     ("meta_service_url", "tcp://127.0.0.1:80"), ("hbm_size", "1GB"), ("tls_enable", True),
     ("config_store_url", "nonsense"), ("config_store_url", "tcp://127.0.0.1:80"),
     ("hcom_url", "xx"), ("memory_pool_mode", "weird"), ("log_level", "loud"),
     ("config_store_tls_enable", True), ("hcom_tls_enable", True)],
)
def test_what_cannot_be_used_is_refused_by_setup(field, value):
    assert DistributedObjectStore().setup(local_config("tcp://127.0.0.1:5000", **{field: value})) == -3000


def test_the_network_before_the_port(meta):
    config = local_config(meta.url, hcom_url="tcp://0.0.0.0/0:7000", memory_pool_mode="expanded")
    assert DistributedObjectStore().setup(config) == 0


def test_the_log_level_counts(meta):
    code = ("from memcache_hybrid import *\n"
            "config = LocalConfig()\n"
            "config.log_level = {!r}\n"
            "assert DistributedObjectStore().setup(config) == 0\n")
    for level, lines in (("warn", 1), ("error", 0)):
        done = subprocess.run([sys.executable, "-c", code.format(level)], capture_output=True,
                              text=True, timeout=30)
        assert len(done.stderr.splitlines()) == lines, done.stderr  # of host_rdma


@pytest.mark.parametrize("protocol", ["host_shm", "HOST_SHM", "host_tcp", "host_rdma", "host_urma",
                                      "device_sdma", "device_rdma", "device_urma", "device_uboe"])
def test_protocols(meta, protocol):
    config = local_config(meta.url, protocol=protocol)
    if protocol.startswith("device"):
        config.hbm_size = "1GB"  # asked for besides; only the memory of the host is given
        config.max_hbm_size = "1GB"
    store = DistributedObjectStore()
    assert store.setup(config) == 0
    assert store.init(0, False) == 0
    assert store.is_exist("k") == 0
    assert store.close() == 0


def test_setup_and_init_twice(meta):
    store = DistributedObjectStore()
    assert store.setup(local_config(meta.url)) == 0
    assert store.setup(local_config("tcp://127.0.0.1:1")) == 0  # ignored
    assert store.init(0) == 0 and store.init(0, init_bm=False) == 0
    assert store.close() == 0
    assert store.setup(local_config(meta.url, dram_size="32MB")) == 0
    assert store.init(device_id=3, init_bm=True) == 0
    assert store.put("k", b"x") == 0 and store.get("k") == b"x"
    assert store.close() == 0 and store.close() == 0
    assert store.init(384) == -3000


LOCAL = """
# a comment
ock.mmc.meta_service_url = {url}
   ock.mmc.local_service.protocol=Host_SHM
ock.mmc.local_service.dram.size = 64mb
a line without equals
ock.mmc.client.aggregate.io = TRUE
ock.mmc.meta.lease_ttl_ms = 10000
ock.mmc.something.of.tomorrow = 1
"""


def init_by_file(path, *, variable="MMC_LOCAL_CONFIG_PATH"):
    """What init answers in a fresh process, and what it writes to stderr."""
    code = ("from memcache_hybrid import DistributedObjectStore\n"
            "store = DistributedObjectStore()\n"
            "print(store.init(0), store.put('by file', b'x'), store.close())\n")
    done = subprocess.run([sys.executable, "-c", code], env={**os.environ, variable: str(path)},
                          capture_output=True, text=True, timeout=60)
    return done.stdout.split(), done.stderr


def test_init_by_file(meta, tmp_path):
    path = tmp_path / "mmc-local.conf"
    path.write_text(LOCAL.format(url=meta.url))
    answer, errors = init_by_file(path)
    assert answer == ["0", "0", "0"], errors
    assert "ock.mmc.meta.lease_ttl_ms has no effect here" in errors
    assert "ock.mmc.something.of.tomorrow is not known" in errors
    assert init_by_file(path, variable="OTHER")[0] == ["-3000", "-3019", "0"]


@pytest.mark.parametrize(
    "line, complaint",
    [("ock.mmc.local_service.dram.size = 1GB", "there twice"),
     (" = value", "no key"),
     ("ock.mmc.client.aggregate.num = 12 # a comment", "whole number"),
     ("ock.mmc.client.aggregate.num = 0", "1 to 131072"),
     ("ock.mmc.tls.enable = maybe", "true, false"),
     ("ock.mmc.local_service.max.dram.size = 1 pound", "a size"),
     ("ock.mmc.client.timeout.seconds = 601", "1 to 600"),
     ("ock.mmc.tls.enable = true", "TLS"),
     ("x = " + "y" * 5000, "too long")],
)
def test_files_that_cannot_be_used(meta, tmp_path, line, complaint):
    path = tmp_path / "mmc-local.conf"
    path.write_text(LOCAL.format(url=meta.url) + line + "\n")
    answer, errors = init_by_file(path)
    assert answer[0] == "-3000" and complaint in errors, errors


def test_files_that_are_none(meta, tmp_path):
    path, link = tmp_path / "mmc-local.conf", tmp_path / "link"
    path.write_text(LOCAL.format(url=meta.url))
    link.symlink_to(path)
    for other in (link, tmp_path, tmp_path / "none"):
        assert init_by_file(other)[0][0] == "-3000"
    path.write_text("ock.mmc.local_service.protocol = host_shm\n")
    assert "dram.size is missing" in init_by_file(path)[1]


@pytest.mark.parametrize("name", ["mmc-local.conf", "mmc-meta.conf"])
def test_the_files_that_come_along_can_be_used(name):
    path = (Path(memcache_hybrid.__file__).parent / "config" / name).resolve()
    if name == "mmc-meta.conf":
        assert _pymmc.read_meta_config(str(path)) is not None
    else:
        # Nobody listens there; the file itself is good.
        assert init_by_file(path)[0][0] == "-3014"


def test_meta_service_setup():
    assert MetaService.setup(MetaConfig()) == 0
    assert MetaService.setup({}) == -1
    MetaService._config = None
