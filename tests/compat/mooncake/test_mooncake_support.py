"""The table of what is supported: complete, and true."""

import inspect
import os

import pytest

import mooncake.store as store_module
from aquifer_compat import mooncake_support as support
from aquifer_compat.mooncake_admin import admin_table
from aquifer_compat.mooncake_client import FLAGS as CLIENT_FLAGS
from aquifer_compat.mooncake_flags import REFUSED, WARNED, CommandLine
from aquifer_compat.mooncake_master_flags import FLAGS
from aquifer_compat.mooncake_metadata import MetadataTable
from aquifer_compat.mooncake_settings import _ALIASES
from mooncake.mooncake_config import _ENVIRONMENT, MooncakeConfig
from mooncake.mooncake_store_service import MooncakeStoreService
from mooncake.store import MooncakeDistributedStore, ReplicateConfig

# Of the interface: all calls of a store, and the flags and their defaults.
METHODS = """
setup setup_dummy init_all register_buffer unregister_buffer get_hostname is_exist batch_is_exist
put put_parts put_batch put_from batch_put_from batch_put_from_multi_buffers get get_batch
get_buffer batch_get_buffer get_size get_into batch_get_into batch_get_into_multi_buffers
get_into_ranges batch_get_session_start batch_get_into_multi_buffer_ranges batch_get_session_end
batch_put_session_start batch_put_from_multi_buffer_ranges batch_put_session_end
batch_put_session_revoke remove remove_by_regex remove_all batch_remove close health_check upsert
upsert_from upsert_parts upsert_batch batch_upsert_from put_from_with_metadata
batch_get_replica_desc get_replica_desc batch_replica_clear mount_segment
allocate_and_mount_segment unmount_segment unmount_and_free_segment unmount_local_disk_segment
alloc_from_mem_pool create_copy_task create_move_task query_task get_offload_rpc_read_count
batch_put_from_ascend batch_get_into_ascend put_tensor get_tensor pub_tensor upsert_tensor
batch_put_tensor batch_get_tensor put_tensor_with_tp get_tensor_with_tp get_tensor_into
put_tensor_from get_tensor_into_cuda put_tensor_with_parallelism save_tensor_to_safetensor
load_tensor_from_safetensor _get_pyclient_capsule
""".split()
FLAG_DEFAULTS = dict(
    port=50051, rpc_port=0, max_threads=16, rpc_thread_num=0, metrics_port=9003,
    metrics_host="0.0.0.0", enable_metric_reporting=True, default_kv_lease_ttl=10000,
    eviction_high_watermark_ratio=0.9, eviction_ratio=0.05, client_ttl=10, enable_offload=False,
    root_fs_dir="", cluster_id="mooncake_cluster", enable_http_metadata_server=False,
    http_metadata_server_port=8080, http_metadata_server_host="0.0.0.0",
    enable_multi_tenants=False, config_path="", default_kv_soft_pin_ttl=1800000,
    max_kv_soft_pin_ttl=86400000, allow_evict_soft_pinned_objects=True, rpc_address="0.0.0.0",
    rpc_interface="", rpc_conn_timeout_seconds=0, rpc_enable_tcp_no_delay=True,
    put_start_discard_timeout_sec=30, put_start_release_timeout_sec=600,
    memory_allocator="offset", allocation_strategy="random", enable_disk_eviction=True,
    quota_bytes=0, global_file_segment_size=2**63 - 1, offload_on_evict=False,
    offload_force_evict=False, offloading_queue_limit=50000, offload_cap_ratio=0.5,
    promotion_on_hit=False, promotion_admission_threshold=2, promotion_queue_limit=50000,
    promotion_max_per_heartbeat=1, dynamic_replication_mode="off",
    dynamic_replication_heat_window_seconds=10, dynamic_replication_admission_qps_threshold=0.8,
    dynamic_replication_max_memory_replicas=2, enable_ha=False, ha_backend_type="etcd",
    ha_backend_connstring="", etcd_endpoints="", enable_oplog=False, oplog_poll_interval_ms=1000,
    oplog_batch_max_entries=1024, batch_oplog_retry_timeout_sec=180,
    enable_metadata_cleanup_on_timeout=False, pod_name="", pod_namespace="",
    enable_kv_events=False, kv_events_bind_endpoint="", kv_events_backend_id="",
    kv_events_emit_legacy_compat=True, kv_events_emit_object_key=True,
    kv_events_queue_capacity=65536, tenant_quota_connector_type="file",
    tenant_quota_connector_uri="", enable_snapshot=False, enable_snapshot_restore=False,
    snapshot_interval_seconds=600, snapshot_child_timeout_seconds=300, snapshot_retention_count=2,
    max_total_finished_tasks=10000, max_total_pending_tasks=10000,
    max_total_processing_tasks=10000, pending_task_timeout_sec=300,
    processing_task_timeout_sec=300, max_retry_attempts=10, enable_cxl=False,
    cxl_path="/dev/dax0.0", cxl_size=8 << 30)


def rows(part):
    return {row.name: row for row in support.ROWS if row.part == part}


def test_rows_are_well_formed():
    assert len({(row.part, row.name) for row in support.ROWS}) == len(support.ROWS)
    for row in support.ROWS:
        assert row.verdict in ("does", "ignored", "warns", "refuses"), row
        assert row.name and row.sentence and row.name == row.name.strip(), row


def test_every_call_of_a_store_is_in_it():
    public = {name for name in dir(MooncakeDistributedStore) if not name.startswith("_")}
    assert set(rows(support.METHOD)) - {"_get_pyclient_capsule"} == public
    assert set(METHODS) <= set(rows(support.METHOD))
    for name in public:
        assert getattr(MooncakeDistributedStore, name).__doc__, name


def test_refused_calls_answer_what_it_says(store, warned):
    refused = {name: row for name, row in rows(support.METHOD).items() if row.verdict == "refuses"}
    assert len(refused) > 20
    for name, row in refused.items():
        wanted = row.sentence.partition(":")[0]
        if name == "_get_pyclient_capsule":
            assert wanted == "AttributeError"
            with pytest.raises(AttributeError):
                getattr(store, name)
            continue
        if wanted.startswith("{"):
            wanted = row.sentence[:row.sentence.index("}") + 1]
        method = getattr(store, name)
        parameters = [one for one in inspect.signature(method).parameters.values()
                      if one.default is one.empty and one.kind == one.POSITIONAL_OR_KEYWORD]
        answer = method(*["x"] * len(parameters))
        if isinstance(answer, dict):
            assert answer["ret"] == eval(wanted)["ret"], name
        else:
            assert answer == eval(wanted), name


def test_arguments_of_setup_are_in_it():
    parameters = [*inspect.signature(MooncakeDistributedStore.setup).parameters][1:]
    assert set(rows(support.ARGUMENT)) == {
        *parameters, *_ALIASES, "ipc_socket_path"} - {"config"}


def test_names_of_the_module_are_in_it():
    named = rows(support.STORE)
    for name, row in named.items():
        assert hasattr(store_module, name) is (row.verdict != "refuses"), name
    assert set(store_module.__all__) - {"MooncakeDistributedStore"} <= set(named)


def test_fields_of_a_config_are_in_it():
    fields = {name for name in dir(ReplicateConfig()) if not name.startswith("_")}
    assert set(rows(support.CONFIG)) == fields


def test_flags_are_in_it():
    for part, flags in ((support.MASTER_FLAG, FLAGS), (support.CLIENT_FLAG, CLIENT_FLAGS)):
        assert {flag.name: flag.verdict for flag in flags} == {
            name: row.verdict for name, row in rows(part).items()}
    line = CommandLine(FLAGS)
    for name, default in FLAG_DEFAULTS.items():
        assert line[name] == default and type(line[name]) is type(default), name
    line.parse(["--enable_ha", "--enable_offload", "--rpc_thread_num=9"])
    assert [flag.name for flag in line.asked(REFUSED)] == ["enable_ha"]
    assert [flag.name for flag in line.asked(WARNED)] == ["enable_offload"]


def test_keys_and_variables_are_in_it():
    fields = {field for field in MooncakeConfig.__dataclass_fields__}
    assert set(rows(support.KEY)) == fields
    assert set(_ENVIRONMENT.values()) <= set(rows(support.VARIABLE))


def test_endpoints_are_in_it():
    def names(table):
        return {f"{method} {path}" for method, path in table}

    assert names(admin_table(None, "")) == set(rows(support.MASTER_HTTP))
    assert names(MooncakeStoreService(None).routes()) == set(rows(support.SERVICE_HTTP))
    assert set(rows(support.METADATA_HTTP)) <= names(MetadataTable().routes(health=True))


def test_modules_and_the_engine_are_in_it():
    import importlib

    from mooncake import engine

    for name, row in rows(support.MODULE).items():
        if name.startswith("mooncake") and "_" not in name.partition(".")[0]:
            module, _, attribute = name.partition(".Buffer")
            importlib.import_module(module.removesuffix(".RegisteredBufferPool"))
    for name, row in rows(support.ENGINE).items():
        owner, _, attribute = name.partition(".")
        found = getattr(engine, owner)
        if attribute and row.verdict == "refuses":
            with pytest.raises(AttributeError):
                getattr(found(), attribute)
        elif attribute:
            assert hasattr(found, attribute)


def test_no_line_is_too_long():
    import mooncake

    for folder in (os.path.dirname(support.__file__), os.path.dirname(mooncake.__file__)):
        for name in os.listdir(folder):
            if name.endswith(".py") and (name.startswith("mooncake_") or "mooncake" in folder):
                with open(os.path.join(folder, name), encoding="utf-8") as file:
                    assert all(len(line) <= 101 for line in file), name
