"""A store behind HTTP: `python -m mooncake.mooncake_store_service --config FILE --port 8080`.

The configuration is a file as of mooncake_config, `-D key=value` pairs, or the environment. It
tries once a second to join the pool, and gives up after --max-wait-time seconds. Nothing is
written to stdout.
"""

import argparse
import dataclasses
import sys
import time

from aquifer_compat.mooncake_log import Log, fail
from mooncake.mooncake_config import MooncakeConfig, _from_dict

__all__ = ["MooncakeStoreService", "main"]

_GRACE_SECONDS_MAX = 3600
_NO_FILES = "memory of files cannot be given to the pool; use /api/mount"


class MooncakeStoreService:
    """An open store and the table of what it answers. store: a MooncakeDistributedStore."""

    def __init__(self, store):
        self._store = store
        self._segments = []

    def routes(self):
        """The table for an HttpServer."""
        return {
            ("PUT", "/api/put"): self.put,
            ("GET", "/api/get/"): self.get,
            ("GET", "/api/exist/"): self.exist,
            ("DELETE", "/api/remove/"): self.remove,
            ("DELETE", "/api/remove_all"): self.remove_all,
            ("POST", "/api/mount"): self.mount,
            ("POST", "/api/unmount"): self.unmount,
            ("POST", "/api/mount_shm"): self.mount_shm,
            ("POST", "/api/unmount_shm"): self.unmount_shm,
            ("POST", "/api/unmount_local_disk"): self.unmount_local_disk,
            ("POST", "/api/reconfigure"): self.reconfigure,
        }

    def put(self, request):
        """{"key", "value"}, both text."""
        asked = _asked(request)
        key, value = asked.get("key"), asked.get("value")
        if not isinstance(key, str) or not isinstance(value, str) or not key or not value:
            return 400, {"error": "Missing key or value"}
        return _done(self._store.put(key, value.encode()), "put")

    def get(self, request):
        """The bytes of the key in the path."""
        value = self._store.get(request.rest)
        return (200, value) if value else (404, {"error": "Key not found"})

    def exist(self, request):
        """Whether the key in the path is there."""
        found = self._store.is_exist(request.rest)
        return (200, {"exists": found == 1}) if found >= 0 else (500, {"error": f"code {found}"})

    def remove(self, request):
        """Removes the key in the path."""
        return _done(self._store.remove(request.rest), "remove")

    def remove_all(self, _):
        """Removes all keys of the tenant."""
        count = self._store.remove_all()
        if count < 0:
            return 500, {"error": f"code {count}"}
        return 200, {"status": f"success removed {count} keys"}

    def mount(self, request):
        """{"size"}: gives that much more memory to the pool."""
        size = _asked(request).get("size")
        if isinstance(size, bool) or not isinstance(size, int) or size <= 0:
            return 400, {"error": "size must be a positive int"}
        done = self._store.allocate_and_mount_segment(size)
        if done["ret"] != 0:
            return 500, {"error": f"code {done['ret']}"}
        self._segments += done["segment_ids"]
        return 200, {"status": "success", "segment_ids": done["segment_ids"],
                     "allocated_size": done["allocated_size"]}

    def unmount(self, request):
        """{"segment_ids", "grace_period_seconds"}: takes memory back."""
        asked = _asked(request)
        ids, grace = asked.get("segment_ids"), asked.get("grace_period_seconds", 0)
        if not isinstance(ids, list) or not ids or not _is_grace(grace):
            return 400, {"error": "segment_ids must be a list, and grace_period_seconds 0..3600"}
        code = self._store.unmount_segment(ids, grace)
        self._segments = [name for name in self._segments if name not in ids]
        return _done(code, "unmount")

    def mount_shm(self, request):
        """Refused: the pool makes its memory itself."""
        asked = _asked(request)
        if not asked.get("name") or not asked.get("size"):
            return 400, {"error": "Missing name or size"}
        return 500, {"error": _NO_FILES}

    def unmount_shm(self, request):
        """Refused likewise: there is nothing to take back."""
        ids = _asked(request).get("segment_ids")
        if not isinstance(ids, (str, list)) or not ids:
            return 400, {"error": "Missing segment_ids"}
        return 500, {"error": _NO_FILES, "failed": [ids] if isinstance(ids, str) else ids}

    def unmount_local_disk(self, request):
        """Refused: there are no segments on disks."""
        if not _is_grace(_asked(request).get("grace_period_seconds", 0)):
            return 400, {"error": "grace_period_seconds must be 0..3600"}
        return 500, {"error": "there is no disk tier"}

    def reconfigure(self, request):
        """{"mode": "prefill"}: takes back what was mounted here. "decode" is refused."""
        mode = _asked(request).get("mode")
        if mode not in ("prefill", "decode"):
            return 400, {"error": "mode must be prefill or decode"}
        if mode == "decode":
            return 500, {"error": _NO_FILES}
        ids, self._segments = self._segments, []
        code = self._store.unmount_segment(ids) if ids else 0
        if code != 0:
            return 500, {"error": f"code {code}"}
        return 200, {"status": "success", "mode": mode, "segment_ids": ids}


def _asked(request):
    try:
        return request.json()
    except ValueError:
        return {}


def _is_grace(value):
    return (isinstance(value, int) and not isinstance(value, bool)
            and 0 <= value <= _GRACE_SECONDS_MAX)


def _done(code, what):
    return (200, {"status": "success"}) if code == 0 else (500, {
        "error": f"{what} failed with code {code}"})


def _read_config(asked):
    given = {}
    for pair in asked.define:
        name, equals, value = pair.partition("=")
        if not equals:
            raise ValueError(f"-D {pair}: expected key=value")
        given[name.strip()] = value
    if asked.config:
        return MooncakeConfig.from_file(asked.config)
    return _from_dict(given) if given else MooncakeConfig.load_from_env()


def _join(config, seconds, stop):
    """An open store; None when a signal came first. ValueError when the pool does not come."""
    from mooncake.store import MooncakeDistributedStore

    store = MooncakeDistributedStore()
    fields = dataclasses.asdict(config)
    end = time.monotonic() + seconds
    while True:
        code = store.setup(fields)
        if code == 0:
            return store
        if time.monotonic() >= end:
            raise ValueError(f"setup failed with code {code} for {seconds} s")
        if stop.wait(1.0):
            return None


def main(arguments=None):
    """Runs until SIGINT or SIGTERM. Returns the exit status."""
    from aquifer_compat.mooncake_http import HttpServer
    from aquifer_compat.mooncake_program import StopSignals

    parser = argparse.ArgumentParser("mc_store_rest_server", description=__doc__)
    parser.add_argument("--config", help="JSON file, as of mooncake_config")
    parser.add_argument("-D", dest="define", action="append", default=[], metavar="key=value",
                        help="a field of the configuration")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--host", default="0.0.0.0")
    parser.add_argument("--max-wait-time", type=float, default=60.0,
                        help="seconds to wait for the pool")
    asked = parser.parse_args(arguments)
    stop = StopSignals()
    store = None
    try:
        store = _join(_read_config(asked), asked.max_wait_time, stop)
        if store is None:
            return 0
        server = HttpServer(asked.host, asked.port, MooncakeStoreService(store).routes())
    except (ValueError, OSError, OverflowError) as error:
        if store is not None:
            store.close()
        return fail(parser.prog, str(error))
    Log(parser.prog).line(f"serving at {asked.host}:{server.port}")
    while not stop.wait(60.0):
        pass
    server.close()
    store.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
