"""What `setup` was given, read and checked: addresses, sizes, names. Nothing is opened here."""

import functools
import ipaddress
import operator
import os
import random
import re
import socket
from dataclasses import dataclass, field

from aquifer_compat.mooncake_codes import INVALID_PARAMS, NOT_SUPPORTED
from aquifer_compat.mooncake_log import warn_once
from aquifer_compat.mooncake_sizes import parse_bool, parse_size

DEFAULT_MASTER = "127.0.0.1:50051"
DEFAULT_MASTER_PORT = 50051
DEFAULT_SIZE = 16 << 20
SIZE_MIN = 1024

_REQUIRED = ("local_hostname", "metadata_server", "global_segment_size", "local_buffer_size",
             "protocol", "rdma_devices", "master_server_addr")
_TEXTS = ("local_hostname", "metadata_server", "protocol", "rdma_devices", "master_server_addr",
          "ssd_offload_path", "tenant_id")
_SIZES = ("global_segment_size", "local_buffer_size")
# Spellings of configuration files and of older engines.
_ALIASES = {"device_name": "rdma_devices", "master_server_address": "master_server_addr"}


class Refused(Exception):
    """Arguments that `setup` answers with a code. The text says which and why."""

    def __init__(self, text, code=INVALID_PARAMS):
        super().__init__(text)
        self.code = code


@dataclass
class Settings:
    """The arguments of `setup`, complete and checked. Sizes in bytes."""

    local_hostname: str
    global_segment_size: int
    master: str
    tenant_id: str = "default"
    http_port: int = 0  # 0: no HTTP server
    taken_port: socket.socket = field(default=None, repr=False)


def from_arguments(arguments):
    """Settings from the arguments of a call, by name; None marks one that was not given.

    TypeError for a missing one and for a wrong type; Refused for a wrong value.
    """
    for name in _REQUIRED:
        if arguments[name] is None:
            raise TypeError(f"setup() is missing the argument {name!r}, or it is None")
    for name in _TEXTS:
        if not isinstance(arguments[name], str):
            raise TypeError(f"setup() argument {name!r} must be str, "
                            f"not {type(arguments[name]).__name__}")
    sizes = {name: _index(arguments, name) for name in _SIZES}
    return _settings({**arguments, **sizes,
                      "client_http_port": _index(arguments, "client_http_port")})


def from_dict(config):
    """Settings from a dict whose values may all be text. Refused for what cannot be meant."""
    given = {str(name): str(value) for name, value in config.items() if value is not None}
    for old, name in _ALIASES.items():
        given.setdefault(name, given.get(old, ""))
    for name in ("local_hostname", "metadata_server"):
        if not given.get(name):
            raise Refused(f"the configuration lacks {name}")
    if given.get("ipc_socket_path"):
        warn_once("ipc_socket_path", "ipc_socket_path is not used")
    arguments = {"protocol": "tcp", "rdma_devices": "", "ssd_offload_path": "",
                 "tenant_id": "default", **given}
    arguments["master_server_addr"] = given.get("master_server_addr") or DEFAULT_MASTER
    try:
        for name in _SIZES:
            arguments[name] = parse_size(given.get(name, DEFAULT_SIZE))
        for name in ("enable_ssd_offload", "enable_client_http_server"):
            arguments[name] = parse_bool(given.get(name))
        arguments["client_http_port"] = int(given.get("client_http_port", 9300))
    except ValueError as error:
        raise Refused(str(error)) from None
    return _settings(arguments)


def _index(arguments, name):
    try:
        return operator.index(arguments[name])
    except TypeError:
        raise TypeError(f"setup() argument {name!r} must be int, "
                        f"not {type(arguments[name]).__name__}") from None


def _settings(arguments):
    for name in _SIZES:
        if arguments[name] != 0 and arguments[name] < SIZE_MIN:
            raise Refused(f"{name} must be 0 or at least {SIZE_MIN} bytes, not {arguments[name]}")
    if not arguments["local_hostname"].strip():
        raise Refused("local_hostname is empty")
    tenant = arguments["tenant_id"] or "default"
    if not 0 < len(tenant.encode(errors="replace")) < 256 or "\0" in tenant:
        raise Refused("tenant_id must have 1 to 255 bytes, none of them zero")
    http_port = 0
    if arguments["enable_client_http_server"]:
        http_port = arguments["client_http_port"]
        if not 0 < http_port < 65536:
            raise Refused(f"client_http_port must be 1 to 65535, not {http_port}")
    if arguments["enable_ssd_offload"] or arguments["ssd_offload_path"]:
        warn_once("ssd", "SSD offload is not available; objects stay in memory")
    protocol = arguments["protocol"].strip().lower()
    if protocol != "tcp":
        warn_once(f"protocol {protocol}",
                  f"protocol {protocol!r} is not available; shared memory and TCP are used")
    master = master_address(arguments["master_server_addr"])
    return Settings(arguments["local_hostname"].strip(), arguments["global_segment_size"], master,
                    tenant, http_port)


def master_address(text):
    """The pool's address from "host[:port]", with or without "tcp://"; of a list the first.

    Refused (not supported) for other schemes, such as "etcd://".
    """
    first = text.split(",")[0].strip()
    scheme, separator, rest = first.rpartition("://")
    if separator and scheme.lower() != "tcp":
        raise Refused(f"master addresses of {scheme}:// are not supported; give host:port",
                      NOT_SUPPORTED)
    host, port = split_host(rest or first)
    if not host:
        raise Refused(f"master_server_addr {text!r} names no host")
    return f"tcp://{bracketed(host)}:{DEFAULT_MASTER_PORT if port is None else port}"


def split_host(text):
    """(host, port or None) of "host", "host:port", "[v6]", "[v6]:port" or a bare IPv6 address."""
    if _is_ipv6(text):
        return text, None
    match = re.fullmatch(r"\[(?P<v6>[^]]*)\](?::(?P<port>\d+))?", text)
    if match:
        return match["v6"], _port(match["port"])
    host, colon, port = text.partition(":")
    if not colon:
        return text, None
    return host, _port(re.match(r"\d*", port)[0])


def _port(digits):
    if not digits:
        return None
    if int(digits) > 65535:
        raise Refused(f"port {digits} is above 65535")
    return int(digits)


def _is_ipv6(text):
    try:
        return ipaddress.ip_address(text).version == 6
    except ValueError:
        return False


def bracketed(host):
    """The host as it stands in front of a port."""
    return f"[{host}]" if ":" in host else host


def complete_hostname(text):
    """("host:port", socket or None): a port of its own for a name without one.

    The port is from MC_STORE_CLIENT_MIN_PORT..MC_STORE_CLIENT_MAX_PORT (12300..14300), and the
    socket keeps it from others as long as it is open. Nothing listens there.
    """
    host, port = split_host(text)
    if port is not None:
        return text, None
    low = _environment_port("MC_STORE_CLIENT_MIN_PORT", 12300)
    high = max(low, _environment_port("MC_STORE_CLIENT_MAX_PORT", 14300))
    for _ in range(200):
        taken = socket.socket()
        number = random.randint(low, high)
        try:
            taken.bind(("", number))
        except OSError:
            taken.close()
            continue
        return f"{bracketed(host)}:{number}", taken
    raise Refused(f"no free port between {low} and {high}")


def _environment_port(name, otherwise):
    text = os.environ.get(name, "")
    return int(text) if text.isdigit() and 0 < int(text) < 65536 else otherwise


@functools.lru_cache(1024)
def node_name(hostname):
    """The name in the pool of the memory that the store of this hostname gives.

    Names have at most 128 letters, digits, dots, underscores, dashes and colons; whatever else
    is in a hostname becomes a dash.
    """
    name = re.sub(r"[^A-Za-z0-9._:-]", "-", hostname)[:128]
    return f"-{name[1:]}" if name.startswith(".") else name


def listen_address(hostname, master):
    """The address, with port 0, at which other hosts of the pool can reach this process.

    The one that the hostname says where it is of this host, else the one from which the master
    is reached.
    """
    host = split_host(hostname)[0]
    server = split_host(master[len("tcp://"):])
    for name in (host, None):
        address = _own_address(name) if name else _address_towards(*server)
        if address is not None:
            return f"tcp://{bracketed(address)}:0"
    return "tcp://127.0.0.1:0"


def _own_address(host):
    """The address of a name, if it is one of this host and others can use it."""
    try:
        found = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return None
    for family, kind, number, _, address in found:
        if ipaddress.ip_address(address[0].split("%")[0]).is_loopback:
            continue
        try:
            with socket.socket(family, kind, number) as probe:
                probe.bind(address)
            return address[0]
        except OSError:
            continue
    return None


def _address_towards(host, port):
    """This host's address on the way to another; nothing is sent."""
    try:
        for family, kind, number, _, address in socket.getaddrinfo(
                host, port or 1, type=socket.SOCK_DGRAM):
            with socket.socket(family, kind, number) as probe:
                probe.connect(address)
                return probe.getsockname()[0]
    except (OSError, UnicodeError):
        pass
    return None
