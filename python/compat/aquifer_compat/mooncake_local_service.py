"""How a process finds out which pool the `mooncake_client` of its host belongs to.

That program answers every connection with one line of JSON, {"master": ..., "tenant_id": ...}, and
closes it: on its TCP port, and on the abstract socket `@mooncake_client_<port>.sock`.
"""

import json
import socket

from aquifer_compat.mooncake_codes import RPC_FAIL
from aquifer_compat.mooncake_settings import Refused, split_host

DEFAULT_PORT = 50052
_SECONDS = 3.0
_ANSWER_BYTES_MAX = 65536


def socket_name(port):
    """The abstract socket of the program at this port."""
    return f"\0mooncake_client_{port}.sock"


def answer_line(master, tenant_id):
    """What the program answers."""
    return json.dumps({"master": master, "tenant_id": tenant_id}).encode() + b"\n"


def ask_local_service(server_address):
    """The answer as a dict. server_address: "host:port". Raises Refused with a code."""
    host, port = split_host(server_address.rpartition("://")[2])
    port = DEFAULT_PORT if port is None else port
    reasons = []
    for family, address in ((socket.AF_UNIX, socket_name(port)), (None, (host, port))):
        try:
            answer = json.loads(_read(family, address))
            if isinstance(answer["master"], str) and isinstance(answer["tenant_id"], str):
                return answer
            reasons.append("its answer is none of mooncake_client's")
        except (OSError, ValueError, KeyError, TypeError) as error:
            reasons.append(str(error) or type(error).__name__)
    raise Refused(f"no mooncake_client at {server_address}: {reasons[-1]}", RPC_FAIL)


def _read(family, address):
    if family is None:
        connection = socket.create_connection(address, _SECONDS)
    else:
        connection = socket.socket(family)
        connection.settimeout(_SECONDS)
    with connection:
        if family is not None:
            connection.connect(address)
        found = b""
        while not found.endswith(b"\n") and len(found) < _ANSWER_BYTES_MAX:
            piece = connection.recv(4096)
            if not piece:
                break
            found += piece
    return found
