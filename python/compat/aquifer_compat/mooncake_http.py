"""A small HTTP server: a table of methods and paths, one thread for each connection.

Nothing is logged. What a handler raises is answered with 500 and its text.
"""

import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

BODY_BYTES_MAX = 1 << 30
_IDLE_SECONDS = 30
TEXT = "text/plain; version=0.0.4; charset=utf-8"
JSON = "application/json; charset=utf-8"
BYTES = "application/octet-stream"


class Request:
    """What was asked: `method`, `path` (decoded), `query` (name to first value), `body`.

    `rest` is what follows the path of a table's entry that ends in a slash.
    """

    def __init__(self, method, target, body):
        parts = urlsplit(target)
        self.method = method
        self.raw_path = parts.path
        self.path = unquote(parts.path)
        self.query = {name: values[0]
                      for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        self.body = body
        self.rest = ""

    def json(self):
        """The body as a JSON object. ValueError when it is none."""
        found = json.loads(self.body)
        if not isinstance(found, dict):
            raise ValueError("the body must be a JSON object")
        return found


class HttpServer:
    """Serves a table {(method, path): handler} until close().

    A handler takes a Request and answers (status, text | bytes | JSON value[, content type]). A
    path that ends in "/" stands for all below it. `otherwise` answers what is not in the table.
    """

    def __init__(self, host, port, table, otherwise=None):
        """Binds and serves. OSError when the address cannot be had."""
        handler = type("Handler", (_Handler,), {
            "table": table, "otherwise": staticmethod(otherwise) if otherwise else None})
        kind = _Server6 if ":" in host else _Server
        self._server = kind((host, port), handler)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,),
                                        name="http", daemon=True)
        self._thread.start()

    @property
    def serving(self):
        """Whether it still serves."""
        return self._thread.is_alive()

    def close(self):
        """Ends it. Repeatable."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def server_bind(self):
        # HTTPServer asks the name service for this host's name here, which can take long.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = self.server_address[:2]

    def handle_error(self, request, client_address):
        pass  # a client that went away


class _Server6(_Server):
    address_family = socket.AF_INET6


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = _IDLE_SECONDS
    table = {}
    otherwise = None

    def log_message(self, *_):
        pass

    def _answer(self):
        try:
            length = int(self.headers.get("Content-Length") or 0)
        except ValueError:
            length = -1
        if not 0 <= length <= BODY_BYTES_MAX:
            self.close_connection = True
            return self._send(413, {"error": "bad length of the body"})
        request = Request(self.command, self.path, self.rfile.read(length))
        try:
            answer = self._handle(request)
        except Exception as error:  # a fault of a handler must not end the server
            answer = 500, {"error": str(error) or type(error).__name__}
        self._send(*answer)

    def _handle(self, request):
        method = "GET" if request.method == "HEAD" else request.method
        handler = self.table.get((method, request.path))
        if handler is not None:
            return handler(request)
        for (wanted, path), below in self.table.items():
            if wanted == method and path.endswith("/") and request.raw_path.startswith(path):
                request.rest = unquote(request.raw_path[len(path):])
                return below(request)
        if self.otherwise is not None:
            return self.otherwise(request)
        known = any(path == request.path for _, path in self.table)
        return (405, {"error": "method not allowed"}) if known else (404, {"error": "not found"})

    def _send(self, status, content, kind=None):
        if isinstance(content, bytes):
            data, usual = content, BYTES
        elif isinstance(content, str):
            data, usual = content.encode(errors="replace"), TEXT
        else:
            data, usual = json.dumps(content).encode(), JSON
        self.send_response(status)
        self.send_header("Content-Type", kind or usual)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = _answer
