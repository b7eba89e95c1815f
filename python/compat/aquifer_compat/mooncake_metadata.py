"""The metadata protocol of Mooncake's transfer engine: values under keys, in memory.

One path, /metadata?key=K, with GET, PUT and DELETE. The pool does not need it; engines that speak
to a transfer engine as well do.
"""

import threading

_JSON = "application/json"
# Enough for the keys of some thousand hosts.
KEYS_MAX = 1 << 20


class MetadataTable:
    """The values, by key. Any number of threads."""

    def __init__(self, store=None):
        self.store = {} if store is None else store
        self._lock = threading.Lock()

    def answer(self, method, key, body):
        """(status, text or bytes). key: None where there is none; blanks around it are cut."""
        key = (key or "").strip()
        if not key:
            return 400, "missing key parameter"
        with self._lock:
            if method == "GET":
                found = self.store.get(key)
                return (404, "metadata not found") if found is None else (200, found)
            if method == "PUT":
                if "rpc_meta" in key and key in self.store:
                    return 400, "duplicate rpc_meta key not allowed"
                if len(self.store) >= KEYS_MAX and key not in self.store:
                    return 507, "too many keys"
                self.store[key] = body
                return 200, "metadata updated"
            if method == "DELETE":
                if self.store.pop(key, None) is None:
                    return 404, "metadata not found"
                return 200, "metadata deleted"
        return 405, "method not allowed"

    def routes(self, health=False):
        """The table for an HttpServer; with GET /health where that is asked for."""
        def handle(request):
            status, content = self.answer(request.method, request.query.get("key"), request.body)
            data = content.encode() if isinstance(content, str) else content
            return status, data, _JSON

        table = {(method, "/metadata"): handle
                 for method in ("GET", "PUT", "DELETE", "POST", "PATCH", "OPTIONS")}
        if health:
            table["GET", "/health"] = lambda _: (200, "OK")
        return table
