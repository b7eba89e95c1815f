"""Configuration of a store, from a JSON file or the environment."""

import json
import os
from dataclasses import dataclass

from aquifer_compat.mooncake_log import warn_once
from aquifer_compat.mooncake_sizes import parse_bool as _parse_bool
from aquifer_compat.mooncake_sizes import parse_size as _parse_segment_size

DEFAULT_GLOBAL_SEGMENT_SIZE = 3355443200
DEFAULT_LOCAL_BUFFER_SIZE = 1073741824

_REQUIRED = ("local_hostname", "metadata_server", "master_server_address")
_PROTOCOLS = {"tcp", "rdma", "ascend", "cxl", "nvlink", "efa", "barex", "hip", "ub"}


@dataclass
class MooncakeConfig:
    """What `setup` needs. Sizes in bytes. ValueError for values that cannot be meant."""

    local_hostname: str
    metadata_server: str
    global_segment_size: int
    local_buffer_size: int
    protocol: str
    device_name: str
    master_server_address: str
    enable_ssd_offload: bool = False
    ssd_offload_path: str = ""
    tenant_id: str = "default"
    enable_client_http_server: bool = False
    client_http_port: int = 9300

    def __post_init__(self):
        for name in _REQUIRED:
            value = getattr(self, name)
            if not isinstance(value, str) or not value.strip():
                raise ValueError(f"{name} must be a non-empty string, not {value!r}")
        if not isinstance(self.protocol, str) or not self.protocol.strip():
            raise ValueError(f"protocol must be a non-empty string, not {self.protocol!r}")
        self.protocol = self.protocol.strip().lower()
        if self.protocol not in _PROTOCOLS:
            warn_once(f"protocol name {self.protocol}",
                      f"unknown protocol {self.protocol!r} in the configuration")
        for name in ("global_segment_size", "local_buffer_size"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 0:
                raise ValueError(f"{name} must be 0 or more bytes, not {value!r}")

    @staticmethod
    def from_file(file_path):
        """Reads a JSON file. ValueError names a missing field; OSError as of open."""
        with open(file_path, encoding="utf-8") as file:
            return _from_dict(json.load(file))

    @staticmethod
    def load_from_env():
        """From the file that MOONCAKE_CONFIG_PATH names, or from the variables MOONCAKE_*.

        ValueError when neither that nor MOONCAKE_MASTER is set.
        """
        path = os.getenv("MOONCAKE_CONFIG_PATH")
        if path:
            return MooncakeConfig.from_file(path)
        if not os.getenv("MOONCAKE_MASTER"):
            raise ValueError("Neither the environment variable 'MOONCAKE_CONFIG_PATH' nor "
                             "'MOONCAKE_MASTER' is set.")
        found = {field: os.environ[name] for field, name in _ENVIRONMENT.items()
                 if name in os.environ}
        return _from_dict({"local_hostname": "localhost", "metadata_server": "P2PHANDSHAKE",
                           **found})


_ENVIRONMENT = {
    "master_server_address": "MOONCAKE_MASTER",
    "local_hostname": "MOONCAKE_LOCAL_HOSTNAME",
    "metadata_server": "MOONCAKE_TE_META_DATA_SERVER",
    "global_segment_size": "MOONCAKE_GLOBAL_SEGMENT_SIZE",
    "local_buffer_size": "MOONCAKE_LOCAL_BUFFER_SIZE",
    "protocol": "MOONCAKE_PROTOCOL",
    "device_name": "MOONCAKE_DEVICE",
    "enable_ssd_offload": "MOONCAKE_OFFLOAD_ENABLED",
    "ssd_offload_path": "MOONCAKE_OFFLOAD_FILE_STORAGE_PATH",
    "tenant_id": "MOONCAKE_TENANT_ID",
    "enable_client_http_server": "MOONCAKE_ENABLE_CLIENT_HTTP_SERVER",
    "client_http_port": "MOONCAKE_CLIENT_HTTP_PORT",
}


def _from_dict(found):
    for name in _REQUIRED:
        if name not in found:
            raise ValueError(f"Missing required config field: {name}")
    try:
        port = int(found.get("client_http_port", 9300))
    except (TypeError, ValueError):
        raise ValueError(f"bad client_http_port {found['client_http_port']!r}") from None
    return MooncakeConfig(
        local_hostname=found["local_hostname"],
        metadata_server=found["metadata_server"],
        global_segment_size=_parse_segment_size(
            found.get("global_segment_size", DEFAULT_GLOBAL_SEGMENT_SIZE)),
        local_buffer_size=_parse_segment_size(
            found.get("local_buffer_size", DEFAULT_LOCAL_BUFFER_SIZE)),
        protocol=found.get("protocol", "tcp"),
        device_name=found.get("device_name") or "",
        master_server_address=found["master_server_address"],
        enable_ssd_offload=_parse_bool(found.get("enable_ssd_offload")),
        ssd_offload_path=found.get("ssd_offload_path") or "",
        tenant_id=found.get("tenant_id") or "default",
        enable_client_http_server=_parse_bool(found.get("enable_client_http_server")),
        client_http_port=port)
