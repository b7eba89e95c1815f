"""MooncakeConfig, from files and from the environment."""

import json

import pytest

from mooncake import mooncake_config
from mooncake.mooncake_config import MooncakeConfig, _parse_bool, _parse_segment_size

NAMES = ["MOONCAKE_CONFIG_PATH", "MOONCAKE_MASTER", "MOONCAKE_LOCAL_HOSTNAME",
         "MOONCAKE_TE_META_DATA_SERVER", "MOONCAKE_GLOBAL_SEGMENT_SIZE",
         "MOONCAKE_LOCAL_BUFFER_SIZE", "MOONCAKE_PROTOCOL", "MOONCAKE_DEVICE",
         "MOONCAKE_OFFLOAD_ENABLED", "MOONCAKE_OFFLOAD_FILE_STORAGE_PATH", "MOONCAKE_TENANT_ID",
         "MOONCAKE_ENABLE_CLIENT_HTTP_SERVER", "MOONCAKE_CLIENT_HTTP_PORT"]
REQUIRED = {"local_hostname": "h", "metadata_server": "P2PHANDSHAKE",
            "master_server_address": "m:1"}


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


@pytest.fixture
def from_file(tmp_path):
    def load(**fields):
        path = tmp_path / "config.json"
        path.write_text(json.dumps(fields))
        return MooncakeConfig.from_file(str(path))

    return load


@pytest.mark.parametrize("value, wanted", [
    (5, 5), ("5", 5), ("1.5kb", 1536), ("4gb", 4 << 30), ("4 GB", 4 << 30), (" 2m ", 2 << 20),
    ("1T", 1 << 40), ("1tb", 1 << 40), ("7b", 7), ("3k", 3072), ("1g", 1 << 30), ("1.5e3", 1500),
    ("0", 0), ("80GB", 80 << 30)])
def test_sizes(value, wanted):
    assert _parse_segment_size(value) == wanted


@pytest.mark.parametrize("value", ["", "gb", "x", "5 x", "50%", None, "1e999", "nan", True])
def test_bad_sizes(value):
    with pytest.raises(ValueError):
        _parse_segment_size(value)


def test_truths():
    for word in ("true", "1", "YES", "on", "enable", True, 1):
        assert _parse_bool(word) is True
    for word in ("false", "0", "no", "off", "disable", "", None, False, 0):
        assert _parse_bool(word) is False
    with pytest.raises(ValueError):
        _parse_bool("perhaps")


def test_defaults_of_a_file(from_file):
    config = from_file(**REQUIRED)
    assert config == MooncakeConfig("h", "P2PHANDSHAKE", 3355443200, 1073741824, "tcp", "", "m:1")
    assert mooncake_config.DEFAULT_GLOBAL_SEGMENT_SIZE == 3355443200
    assert mooncake_config.DEFAULT_LOCAL_BUFFER_SIZE == 1073741824
    assert (config.enable_ssd_offload, config.ssd_offload_path, config.tenant_id) == (
        False, "", "default")
    assert (config.enable_client_http_server, config.client_http_port) == (False, 9300)


def test_all_fields_of_a_file(from_file):
    config = from_file(**REQUIRED, global_segment_size="1gb", local_buffer_size=5, protocol="RDMA",
                       device_name="d", enable_ssd_offload="on", ssd_offload_path=None,
                       tenant_id=None, enable_client_http_server=True, client_http_port="9400",
                       something_else=1)
    assert (config.global_segment_size, config.local_buffer_size, config.protocol) == (
        1 << 30, 5, "rdma")
    assert config.enable_ssd_offload and config.ssd_offload_path == ""
    assert config.tenant_id == "default" and config.client_http_port == 9400


@pytest.mark.parametrize("field", sorted(REQUIRED))
def test_a_missing_field_is_named(from_file, field):
    with pytest.raises(ValueError, match=f"Missing required config field: {field}"):
        from_file(**{name: value for name, value in REQUIRED.items() if name != field})


@pytest.mark.parametrize("change", [
    {"local_hostname": ""}, {"metadata_server": " "}, {"master_server_address": None},
    {"protocol": ""}, {"protocol": 5}, {"global_segment_size": -1}, {"local_buffer_size": "x"},
    {"client_http_port": "x"}])
def test_bad_fields(from_file, change):
    with pytest.raises(ValueError):
        from_file(**{**REQUIRED, **change})


def test_an_unknown_protocol_is_only_warned_about(from_file, warned):
    assert from_file(**REQUIRED, protocol="Pigeon").protocol == "pigeon"
    assert any("pigeon" in line for line in warned)


def test_the_environment(environment, tmp_path):
    with pytest.raises(ValueError, match="MOONCAKE_MASTER"):
        MooncakeConfig.load_from_env()
    environment.setenv("MOONCAKE_MASTER", "m:1")
    config = MooncakeConfig.load_from_env()
    assert (config.local_hostname, config.metadata_server, config.master_server_address) == (
        "localhost", "P2PHANDSHAKE", "m:1")
    for name, value in [("LOCAL_HOSTNAME", "h"), ("TE_META_DATA_SERVER", "http://x"),
                        ("GLOBAL_SEGMENT_SIZE", "2gb"), ("LOCAL_BUFFER_SIZE", "16mb"),
                        ("PROTOCOL", "rdma"), ("DEVICE", "d"), ("OFFLOAD_ENABLED", "1"),
                        ("OFFLOAD_FILE_STORAGE_PATH", "/p"), ("TENANT_ID", "t"),
                        ("ENABLE_CLIENT_HTTP_SERVER", "yes"), ("CLIENT_HTTP_PORT", "9301")]:
        environment.setenv(f"MOONCAKE_{name}", value)
    assert MooncakeConfig.load_from_env() == MooncakeConfig(
        "h", "http://x", 2 << 30, 16 << 20, "rdma", "d", "m:1", True, "/p", "t", True, 9301)
    path = tmp_path / "config.json"
    path.write_text(json.dumps({**REQUIRED, "local_hostname": "of the file"}))
    environment.setenv("MOONCAKE_CONFIG_PATH", str(path))
    assert MooncakeConfig.load_from_env().local_hostname == "of the file"
