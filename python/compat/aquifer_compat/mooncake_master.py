"""The program `mooncake_master`: the metadata service of a pool, and its HTTP server."""

import sys

import aquifer

from aquifer_compat.mooncake_admin import admin_table
from aquifer_compat.mooncake_http import HttpServer
from aquifer_compat.mooncake_log import Log, fail
from aquifer_compat.mooncake_master_flags import FLAGS
from aquifer_compat.mooncake_program import StopSignals, read_command_line, warn_of_flags
from aquifer_compat.mooncake_settings import bracketed

PROGRAM = "mooncake_master"
_REPORT_SECONDS = 60.0
_LOOK_SECONDS = 0.5
_NODE_GRACE_MIN = 2.0
_NODE_GRACE_MAX = 600.0


def main(arguments=None):
    """Runs until SIGINT or SIGTERM. Returns the exit status: 0, or 1 when it cannot start or
    ended by itself; the reason is on stderr. Nothing is written to stdout.

    arguments: the words of the command line; None takes those of the process.
    """
    line, status = read_command_line(PROGRAM, FLAGS, arguments)
    if line is None:
        return status
    stop = StopSignals()
    log = Log(PROGRAM)
    opened = []
    try:
        return _serve(line, stop, log, opened)
    except (ValueError, OSError) as error:
        return fail(PROGRAM, str(error))
    finally:
        for one in reversed(opened):
            one.close()


def _serve(line, stop, log, opened):
    warn_of_flags(line, log)
    meta = _start_meta(line)
    opened.append(meta)
    port = int(meta.address.rpartition(":")[2])
    client = aquifer.Client(f"tcp://{_reachable(line['rpc_address'])}:{port}", timeout=2.0)
    opened.append(client)
    if line["enable_http_metadata_server"]:
        opened.append(_start_metadata(line))
    http = _start_http(line["metrics_host"], line["metrics_port"], "metrics_port",
                       admin_table(client, f"{line['rpc_address']}:{port}"))
    opened.append(http)
    log.line(f"serving at {line['rpc_address']}:{port}, HTTP at {line['metrics_host']}:"
             f"{http.port}")
    return _watch(line, stop, log, meta, client)


def _start_meta(line):
    listen = f"tcp://{bracketed(line['rpc_address'])}:{line['rpc_port'] or line['port']}"
    high = line["eviction_high_watermark_ratio"]
    grace = min(max(float(line["client_ttl"]), _NODE_GRACE_MIN), _NODE_GRACE_MAX)
    options = {"node_grace": grace}
    if high > 0.0:
        high = min(high, 0.999)
        low = min(max(high - line["eviction_ratio"], 0.01 * high), 0.99 * high)
        options.update(eviction_high=high, eviction_low=low)
    return aquifer.Meta(listen, **options)


def _start_http(host, port, flag, table):
    try:
        return HttpServer(host, port, table)
    except (OSError, OverflowError) as error:
        raise ValueError(f"cannot serve HTTP at {host}:{port} (--{flag}): {error}") from None


def _start_metadata(line):
    from aquifer_compat.mooncake_metadata import MetadataTable

    return _start_http(line["http_metadata_server_host"], line["http_metadata_server_port"],
                       "http_metadata_server_port", MetadataTable().routes(health=True))


def _reachable(address):
    """Where this process reaches an address that it serves at."""
    return {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(address, bracketed(address))


def _watch(line, stop, log, meta, client):
    left = _REPORT_SECONDS
    while not stop.wait(_LOOK_SECONDS):
        failure = meta.failure()
        if failure is not None:
            return fail(PROGRAM, failure)
        left -= _LOOK_SECONDS
        if left <= 0:
            left = _REPORT_SECONDS
            if line["enable_metric_reporting"]:
                log.line(_report(client.status(timeout=1.0)))
    log.line("ended by a signal")
    return 0


def _report(status):
    if not status:
        return "the pool's numbers cannot be told"
    return (f"{status['objects']} objects, {status['used_bytes']} of {status['capacity_bytes']} "
            f"bytes in use, {len(status['nodes'])} nodes, {status['evictions']} evictions")


if __name__ == "__main__":
    sys.exit(main())
