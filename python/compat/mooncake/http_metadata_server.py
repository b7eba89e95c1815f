"""The metadata server of Mooncake's transfer engine, as a program and as a class.

`python -m mooncake.http_metadata_server --port 8080 --host 0.0.0.0 --log-level INFO`. A pool does
not need it. Nothing is written to stdout, and little to stderr.
"""

import argparse
import sys

from aquifer_compat.mooncake_metadata import MetadataTable

__all__ = ["KVBootstrapServer", "main"]


class Response:
    """The answer to a request: `status`, `content_type`, `body` (bytes), `text`."""

    content_type = "application/json"

    def __init__(self, status, body):
        self.status = status
        self.body = body.encode() if isinstance(body, str) else body

    @property
    def text(self):
        return self.body.decode(errors="replace")


class KVBootstrapServer:
    """Serves /metadata. `store` is the dict with the values.

    run() serves in a thread of its own and returns; poll() tells whether it serves; close() ends
    it. port 0 takes a free one, which `port` then is.
    """

    def __init__(self, port, host="0.0.0.0"):
        self.port = port
        self.host = host
        self.store = {}
        self._table = MetadataTable(self.store)
        self._server = None

    def run(self):
        """Begins to serve. OSError when the address cannot be had."""
        from aquifer_compat.mooncake_http import HttpServer

        if self._server is None:
            self._server = HttpServer(self.host, self.port, self._table.routes())
            self.port = self._server.port

    def close(self):
        """Ends it. Repeatable."""
        server, self._server = self._server, None
        if server is not None:
            server.close()

    def poll(self):
        """Whether it serves."""
        return self._server is not None and self._server.serving

    async def _handle_metadata(self, request):
        """Answers a request with `method`, `query` and a coroutine `read()`."""
        key = request.query.get("key") or ""
        body = await request.read() if request.method == "PUT" and key.strip() else b""
        return Response(*self._table.answer(request.method, key, body))


def main(arguments=None):
    """Runs until SIGINT or SIGTERM. Returns the exit status."""
    from aquifer_compat.mooncake_log import Log, fail
    from aquifer_compat.mooncake_program import StopSignals

    parser = argparse.ArgumentParser("mooncake_http_metadata_server", description=__doc__)
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--host", default="0.0.0.0")
    parser.add_argument("--log-level", default="INFO", help="not used: it hardly logs")
    asked = parser.parse_args(arguments)
    stop = StopSignals()
    server = KVBootstrapServer(asked.port, asked.host)
    try:
        server.run()
    except (OSError, OverflowError) as error:
        return fail(parser.prog, f"cannot serve at {asked.host}:{asked.port}: {error}")
    Log(parser.prog).line(f"serving at {asked.host}:{server.port}")
    while not stop.wait(60.0):
        pass
    server.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
