"""What `mooncake_master` answers over HTTP: the pool's segments, keys and numbers.

All of it is asked of the pool with a client of the program itself, within two seconds. A master
that serves this is the leader: there is no other.
"""

import json
import threading
import time
import uuid

from aquifer_compat.mooncake_codes import (
    INVALID_PARAMS,
    NOT_SUPPORTED,
    OBJECT_NOT_FOUND,
    RPC_FAIL,
    SEGMENT_NOT_FOUND,
)
from aquifer_compat.mooncake_http import JSON

_KEYS_AT_ONCE = 4096
_JOBS_MAX = 1000
_QUOTA_TEXT = "tenants have no quotas"


def admin_table(client, leader):
    """The table for an HttpServer. client: of the pool. leader: "host:port" of the master."""
    pool = _Pool(client, leader)
    jobs = _DrainJobs(client)
    table = {("GET", path): getattr(pool, name) for path, name in {
        "/get_all_segments": "segments", "/metrics": "metrics", "/metrics/summary": "summary",
        "/health": "health", "/role": "role", "/ha_status": "ha_status", "/leader": "leader",
        "/query_key": "query_key", "/batch_query_keys": "query_keys", "/get_all_keys": "keys",
        "/get_segments_detail": "segments_detail", "/query_segment": "query_segment",
        "/api/v1/segments/status": "segment_status", "/kv_events/status": "events"}.items()}
    table["POST", "/api/v1/remove_all"] = pool.remove_all
    for method in ("GET", "PUT", "DELETE"):
        table[method, "/api/v1/tenant_quotas"] = _quotas
    table["POST", "/api/v1/drain_jobs"] = jobs.create
    table["GET", "/api/v1/drain_jobs/query"] = jobs.query
    table["POST", "/api/v1/drain_jobs/cancel"] = jobs.cancel
    return table


def _quotas(_):
    return 501, {"success": False, "error_code": NOT_SUPPORTED, "error_message": _QUOTA_TEXT}


def _error(status, code, message):
    return status, {"success": False, "error_code": code, "error_message": message}


class _Pool:
    def __init__(self, client, leader):
        self._client = client
        self._leader = leader

    def _status(self):
        return self._client.status() or {}

    def _nodes(self):
        return [node for node in self._status().get("nodes", ()) if node["state"] != "lost"]

    def _node(self, request):
        return next((node for node in self._nodes()
                     if node["name"] == request.query.get("segment")), None)

    def segments(self, _):
        return 200, "".join(f"{node['name']}\n" for node in self._nodes())

    def segments_detail(self, _):
        nodes = [_segment(node) for node in self._nodes()]
        return 200, {"total_segments": len(nodes),
                     "total_capacity": sum(node["capacity"] for node in nodes),
                     "total_used": sum(node["used"] for node in nodes), "segments": nodes}

    def query_segment(self, request):
        node = self._node(request)
        if node is None:
            return 500, "segment not found\n"
        return 200, (f"{node['name']}\nUsed(bytes): {node['used_bytes']}\n"
                     f"Capacity(bytes) : {node['capacity_bytes']}\n")

    def segment_status(self, request):
        if not request.query.get("segment"):
            return _error(400, INVALID_PARAMS, "segment is missing")
        node = self._node(request)
        if node is None:
            return _error(404, SEGMENT_NOT_FOUND, "segment not found")
        return 200, {"success": True, "segment": node["name"], "status": node["state"],
                     **_segment(node)}

    def _tenant(self, request):
        tenant = request.query.get("tenant_id") or "default"
        return tenant if len(tenant.encode(errors="replace")) < 256 else "default"

    def _describe(self, key, tenant):
        """Buffer descriptors of the replicas; empty on a miss."""
        try:
            found = self._client.stat(key, namespace=tenant)
        except ValueError:
            return []
        return [{"size_": found["size"], "buffer_address_": 0,
                 "transport_endpoint_": replica["node"]}
                for replica in found["replicas"]] if found else []

    def query_key(self, request):
        if "key" not in request.query:
            return _error(400, INVALID_PARAMS, "key is missing")
        found = self._describe(request.query["key"], self._tenant(request))
        if not found:
            return _error(404, OBJECT_NOT_FOUND, "OBJECT_NOT_FOUND")
        return 200, {"success": True, "data": found}

    def query_keys(self, request):
        keys = [key for key in request.query.get("keys", "").split(",") if key]
        if not keys:
            return _error(400, INVALID_PARAMS, "keys are missing")
        data = {}
        for key in keys:
            found = self._describe(key, self._tenant(request))
            data[key] = {"ok": bool(found), "error": "" if found else "OBJECT_NOT_FOUND",
                         "values": found, "disk_values": [], "local_disk_values": []}
        return 200, {"success": True, "data": data}

    def keys(self, request):
        names, cursor = [], None
        while True:
            page = self._client.list("", cursor=cursor, limit=_KEYS_AT_ONCE,
                                     namespace=self._tenant(request))
            if page is None:
                return _error(500, RPC_FAIL, self._client.last_error())
            entries, cursor = page
            names += [key if isinstance(key, str) else key.decode(errors="replace")
                      for key, _ in entries]
            if cursor is None:
                return 200, "".join(f"{name}\n" for name in names)

    def remove_all(self, request):
        count = self._client.clear(namespace=self._tenant(request))
        if count < 0:
            return _error(500, RPC_FAIL, self._client.last_error())
        return 200, {"success": True, "removed_count": count}

    def health(self, _):
        ready = bool(self._status())
        return 200, {"status": "ok", "role": "leader", "ha_state": "disabled",
                     "service_ready": ready, "leader_address": self._leader, "view_version": 0}

    def role(self, _):
        return 200, "leader"

    def ha_status(self, _):
        return 200, "disabled"

    def leader(self, _):
        return 200, {"present": True, "leader_address": self._leader, "view_version": 0}

    def events(self, _):
        return 200, {"enabled": False, "published": 0, "dropped": 0, "queued": 0}

    def summary(self, _):
        status = self._status()
        if not status:
            return 200, "the pool's numbers cannot be told\n"
        used, total = status["used_bytes"], status["capacity_bytes"]
        return 200, (f"Mem Storage: {used} B / {total} B "
                     f"({100 * used / total if total else 0:.1f}%) | Keys: {status['objects']} | "
                     f"Segments: {len(status['nodes'])} | Evictions: {status['evictions']}\n")

    def metrics(self, _):
        lines = []
        for name, kind, meaning, value in _metrics(self._status()):
            lines += [f"# HELP {name} {meaning}", f"# TYPE {name} {kind}", f"{name} {value}"]
        for family, field, meaning in (
                ("segment_allocated_bytes", "used_bytes", "Bytes in use of a segment"),
                ("segment_total_capacity_bytes", "capacity_bytes", "Bytes of a segment")):
            lines += [f"# HELP {family} {meaning}", f"# TYPE {family} gauge"]
            lines += [f'{family}{{segment="{node["name"]}"}} {node[field]}'
                      for node in self._nodes()]
        return 200, "\n".join(lines) + "\n"


def _segment(node):
    return {"name": node["name"], "state": node["state"], "capacity": node["capacity_bytes"],
            "used": node["used_bytes"], "free": node["free_bytes"]}


def _metrics(status):
    nodes = status.get("nodes", ())
    used, total = status.get("used_bytes", 0), status.get("capacity_bytes", 0)
    yield ("master_service_ready", "gauge", "1 when the pool answers", int(bool(status)))
    yield ("master_key_count", "gauge", "Objects in the pool", status.get("objects", 0))
    yield ("master_allocated_bytes", "gauge", "Bytes in use", used)
    yield ("master_total_capacity_bytes", "gauge", "Bytes of all segments", total)
    yield ("master_used_ratio", "gauge", "Share of the bytes in use", used / total if total else 0)
    yield ("master_limbo_bytes", "gauge", "Bytes that may still have a reader or writer",
           status.get("limbo_bytes", 0))
    yield ("master_soft_pin_bytes", "gauge", "Bytes that are pinned",
           status.get("pinned_bytes", 0))
    yield ("master_segment_count", "gauge", "Segments that serve",
           sum(node["state"] == "alive" for node in nodes))
    yield ("master_evicted_key_count", "counter", "Objects evicted", status.get("evictions", 0))
    yield ("master_integrity_failures", "counter", "Replicas found damaged",
           status.get("integrity_failures", 0))
    yield ("master_replicas_missing", "gauge", "Objects with too few replicas",
           status.get("replicas_missing", 0))


class _DrainJobs:
    """Nodes being emptied on request. The latest thousand jobs are remembered."""

    def __init__(self, client):
        self._client = client
        self._lock = threading.Lock()
        self._jobs = {}

    def create(self, request):
        try:
            asked = request.json()
        except ValueError as error:
            return _error(400, INVALID_PARAMS, str(error))
        names = asked.get("segments") or [asked.get("segment")] if isinstance(asked, dict) else []
        known = {node["name"] for node in self._client.status().get("nodes", ())}
        if not isinstance(names, list) or not names or not all(
                isinstance(name, str) and name in known for name in names):
            return _error(400, INVALID_PARAMS, "segments must name segments of the pool")
        for name in names:
            if not self._client.drain(name):
                return _error(500, RPC_FAIL, self._client.last_error())
        job = str(uuid.uuid4())
        with self._lock:
            while len(self._jobs) >= _JOBS_MAX:
                del self._jobs[next(iter(self._jobs))]
            self._jobs[job] = {"segments": names, "created": time.time(), "canceled": False}
        return 200, json.dumps({"success": True, "job_id": job}), JSON

    def _find(self, request):
        with self._lock:
            return self._jobs.get(request.query.get("job_id"))

    def query(self, request):
        job = self._find(request)
        if job is None:
            return _error(404, INVALID_PARAMS, "no such job")
        states = [] if job["canceled"] else [self._client.drain(name)
                                             for name in job["segments"]]
        done = bool(states) and all(
            state and (state["gone"] or not state["objects"]) for state in states)
        status = "CANCELED" if job["canceled"] else "SUCCEEDED" if done else "RUNNING"
        moved = sum(state.get("moved", 0) for state in states)
        return 200, {"success": True, "job_id": request.query["job_id"], "status": status,
                     "segments": job["segments"], "succeeded_units": moved,
                     "remaining_units": sum(state.get("objects", 0) for state in states)}

    def cancel(self, request):
        job = self._find(request)
        if job is None:
            return _error(404, INVALID_PARAMS, "no such job")
        for name in job["segments"]:
            self._client.drain(name, cancel=True)
        job["canceled"] = True
        return 200, {"success": True, "job_id": request.query["job_id"], "status": "CANCELED"}
