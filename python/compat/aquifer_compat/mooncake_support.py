"""What of Mooncake's interface this package does: one row (support.py) for each name of it."""

from aquifer_compat.mooncake_client import FLAGS as _CLIENT_FLAGS
from aquifer_compat.mooncake_master_flags import FLAGS as _MASTER_FLAGS
from aquifer_compat.mooncake_tensors import REFUSED_GETS, REFUSED_PUTS
from aquifer_compat.support import DOES, IGNORED, REFUSES, WARNS, Row
from aquifer_compat.support import rows as _rows

METHOD = "MooncakeDistributedStore"
ARGUMENT = "setup argument"
STORE = "mooncake.store"
CONFIG = "ReplicateConfig"
MODULE = "module or program"
KEY = "configuration key"
VARIABLE = "environment variable"
MASTER_FLAG = "mooncake_master flag"
CLIENT_FLAG = "mooncake_client flag"
MASTER_HTTP = "mooncake_master HTTP"
SERVICE_HTTP = "mc_store_rest_server HTTP"
CLIENT_HTTP = "store HTTP"
METADATA_HTTP = "metadata server HTTP"
ENGINE = "mooncake.engine"


_METHODS = [
    *_rows(METHOD, DOES, """
        setup | Returns when master and memory can be used; refused settings and trouble are codes.
        setup_dummy | Joins the pool of a mooncake_client; has no memory of its own.
        init_all | setup with MOONCAKE_MASTER or 127.0.0.1:50051.
        register_buffer | Other overlaps than identical ranges, and device memory, are -600.
        unregister_buffer | -600 for an address that is not registered.
        get_hostname | "host:port"; a name without a port is given one.
        is_exist | 0 also when it cannot be told; negative only before setup.
        batch_is_exist | A list of 1 and 0 of the length of the keys.
        put | What exists is kept and counts as put; no bytes are -600.
        put_parts | No bytes at all: 0, and nothing is stored.
        put_batch | One code for all: 0, or that of the first that failed.
        put_from | Memory need not be registered; device memory is -600.
        batch_put_from | A code for each key; lists of other lengths are -600 for each.
        batch_put_from_multi_buffers | Exactly 0 where it is stored or was there.
        get | Empty bytes on a miss.
        get_batch | A list of bytes.
        get_buffer | A BufferHandle with a copy; None on a miss.
        batch_get_buffer | A list of BufferHandle and None.
        get_size | -704 on a miss.
        get_into | The object's bytes; -600 when it does not fit.
        batch_get_into | The objects' bytes, whatever the sizes of the buffers.
        batch_get_into_multi_buffers | Fills the pieces in order; a short read is never a success.
        get_into_ranges | Only into registered memory; what leaves object or buffer is negative.
        batch_get_session_start | Says what is there; nothing is held meanwhile.
        batch_get_into_multi_buffer_ranges | The bytes of all fragments of a key, or a code.
        batch_get_session_end | 0.
        batch_put_session_start | Open puts, of at most ten minutes.
        batch_put_from_multi_buffer_ranges | Each byte is written once.
        batch_put_session_end | Makes the objects visible; -600 while bytes are missing.
        batch_put_session_revoke | Gives open puts up.
        remove | There are no leases: removes at once, with or without force.
        remove_by_regex | Python's syntax; searches the keys of the tenant.
        remove_all | The number of removed objects of the tenant; force changes nothing.
        batch_remove | A code for each key.
        close | 0, repeatable; what the store's own memory held is lost; setup works again.
        health_check | 0, 1 before setup and after close, 2 when the master does not answer.
        upsert | As put, in the place of what is there.
        upsert_from | As put_from, in the place of what is there.
        upsert_parts | As put_parts, in the place of what is there.
        upsert_batch | As put_batch, in the place of what is there.
        batch_upsert_from | As batch_put_from, in the place of what is there.
        put_from_with_metadata | One object: the metadata, and the bytes behind it.
        batch_get_replica_desc | Replicas in memory, with the names of their nodes; addresses are 0.
        get_replica_desc | As the batch, for one key.
        batch_replica_clear | Removes objects; with a segment those that lie only there.
        allocate_and_mount_segment | One more node inside this process.
        unmount_segment | What it held moves away within the grace, and the rest is lost.
        unmount_and_free_segment | The same as unmount_segment.
        alloc_from_mem_pool | Memory of this process, until it ends.
        get_offload_rpc_read_count | 0.
        batch_put_from_ascend | A list with the code of the one object.
        batch_get_into_ascend | A list with the bytes of the one object.
        put_tensor | A header of 96 bytes and the elements; needs torch, else -1012.
        pub_tensor | The same as put_tensor.
        upsert_tensor | As put_tensor, in the place of what is there.
        get_tensor | In the host's memory; None without torch.
        batch_put_tensor | A list of codes.
        batch_pub_tensor | A list of codes.
        batch_upsert_tensor | A list of codes.
        batch_get_tensor | A list of tensors and None.
        put_tensor_with_tp | Slices along a dimension, one object for each rank.
        pub_tensor_with_tp | The same as put_tensor_with_tp.
        upsert_tensor_with_tp | As put_tensor_with_tp, in the place of what is there.
        get_tensor_with_tp | The slice of a rank.
        batch_put_tensor_with_tp | A list of codes.
        batch_get_tensor_with_tp | A list of tensors and None.
        put_tensor_from | Memory with header and elements.
        batch_put_tensor_from | A list of codes.
        upsert_tensor_from | As put_tensor_from, in the place of what is there.
        batch_upsert_tensor_from | A list of codes.
        get_tensor_into | A tensor over the caller's memory.
        batch_get_tensor_into | A list of tensors and None.
        get_tensor_with_tp_into | The slice of a rank, over the caller's memory.
        batch_get_tensor_with_tp_into | A list of tensors and None.
    """),
    *_rows(METHOD, REFUSES, """
        mount_segment | {"ret": -1012}: nodes make their memory and take nobody's file.
        unmount_local_disk_segment | -1012: there are no segments on disks.
        create_copy_task | (None, -1012): copies are kept by the pool itself.
        create_move_task | (None, -1012): objects move when their node is drained.
        query_task | (None, -1012): there are no tasks.
        save_tensor_to_safetensor | -1012: use the package safetensors.
        load_tensor_from_safetensor | None: use the package safetensors.
        _get_pyclient_capsule | AttributeError: there is no C++ object of Mooncake's behind it.
    """),
    *(Row(METHOD, name, REFUSES, "None: placement on devices and by axes is left to the caller.")
      for name in REFUSED_GETS),
    *(Row(METHOD, name, REFUSES, "-1012: placement by axes is left to the caller.")
      for name in REFUSED_PUTS),
]

_ARGUMENTS = [
    *_rows(ARGUMENT, DOES, """
        local_hostname | Names the store's memory; "host[:port]".
        global_segment_size | Bytes given to the pool: 0, or 1024 and more; at least 1 MiB is given.
        master_server_addr | "host[:port]"; of a list the first; other schemes than tcp are -1012.
        tenant_id | A namespace of its own: tenants do not see each other.
        enable_client_http_server | /health and /metrics of the store.
        client_http_port | Its port; one in use is warned about.
    """),
    *_rows(ARGUMENT, IGNORED, """
        metadata_server | The pool needs none.
        local_buffer_size | Nothing is staged, so 0 works for all calls; read and checked.
        rdma_devices | The system chooses the way.
        engine | The object of any transfer engine is taken and not used.
        device_name | In the dict form: another spelling of rdma_devices.
    """),
    *_rows(ARGUMENT, DOES, """
        master_server_address | In the dict form: another spelling of master_server_addr.
    """),
    *_rows(ARGUMENT, WARNS, """
        protocol | Any name; all but tcp warn that shared memory and TCP are used.
        enable_ssd_offload | There is no disk tier: objects stay in memory.
        ssd_offload_path | There is no disk tier.
        ipc_socket_path | In the dict form: not used.
    """),
]

_NAMES = [
    *_rows(STORE, DOES, """
        ReplicateConfig | Takes any further attribute, too.
        ObjectDataType | Told to the store, and of no effect.
        SoftPinAction | A time with PRESERVE or DISABLE is -600 for upserts.
        BufferHandle | A writable buffer with ptr(), size() and len().
        ReplicaDescriptor | Of replicas in memory; there are no others.
        MemoryDescriptor | With its Descriptor.
        Descriptor | size and transport_endpoint; buffer_address is 0.
        ReplicaStatus | What is listed is COMPLETE.
        MooncakeHostMemAllocator | Memory of this process; stores reach all of it.
        bind_to_numa_node | Binds the process's threads; warns where that cannot be done.
        BufferPool | Registered buffers for reuse.
        RegisteredBufferPool | The same as BufferPool.
        BufferLease | buffer, ptr, size, release().
        BufferLeaseView | A part of a lease.
        _serialize_tensor | Header and elements of a tensor.
        _deserialize_tensor | A tensor over a buffer.
        _tensor_metadata_size | 96.
    """),
    *_rows(STORE, IGNORED, """
        DiskDescriptor | The name is there; there are no replicas on disks.
        ParallelAxis | The name is there; calls that take it are refused.
        TensorParallelism | The name is there; calls that take it are refused.
        ReadTarget | The name is there; calls that take it are refused.
        TaskType | The name is there; there are no tasks.
        TaskStatus | The name is there; there are no tasks.
        QueryTaskResponse | The name is there; there are no tasks.
    """),
    *_rows(STORE, REFUSES, """
        get_alloc_func_addr | ImportError: memory for other allocators is not made here.
        get_free_func_addr | ImportError: memory for other allocators is not made here.
        MooncakeDistributedStoreNoFRegister | ImportError: there are no segments on fabrics.
        Engram | ImportError: not part of a KV store.
    """),
    *_rows(CONFIG, DOES, """
        replica_num | 1 to 8 copies on distinct nodes, as far as there are so many.
        preferred_segment | The memory asked first; one that is not there changes nothing.
        preferred_segments | The first of them counts, where preferred_segment is empty.
        prefer_alloc_in_same_node | Only with batch_put_from_multi_buffers and one copy, else -600.
        soft_pin_action | ENABLE keeps from eviction; DISABLE ends that.
        soft_pin_ttl_ms | Of ENABLE, at most a day; half an hour without it.
    """),
    *_rows(CONFIG, WARNS, """
        with_hard_pin | A pin of a day, the longest there is.
        nof_replica_num | No replicas outside of memory.
        dfs_replica_num | No replicas outside of memory.
        preferred_nof_segments | No replicas outside of memory.
    """),
    *_rows(CONFIG, IGNORED, """
        data_type | The pool makes no difference.
        group_ids | One per key, else -600; what is used together is evicted together by age.
    """),
]

_MODULES = [
    *_rows(MODULE, DOES, """
        mooncake | Extends its path, so other modules of a real Mooncake stay reachable.
        mooncake.BufferPool | That of mooncake.store.
        mooncake.RegisteredBufferPool | That of mooncake.store.
        mooncake.store | The store.
        mooncake.async_store | MooncakeDistributedStoreAsync: all calls with the prefix async_.
        mooncake.mooncake_config | MooncakeConfig, from a file or the environment.
        mooncake.http_metadata_server | The metadata protocol; KVBootstrapServer.
        mooncake.mooncake_store_service | A store behind HTTP.
        mooncake.engine | A real one wins; else one that keeps books and moves nothing.
        mooncake_master | The metadata service of a pool, and its HTTP server.
        mooncake_client | Gives memory to a pool, and tells local processes which pool that is.
        mooncake_http_metadata_server | The program of mooncake.http_metadata_server.
        mc_store_rest_server | The program of mooncake.mooncake_store_service.
    """),
]

_KEYS = [
    *_rows(KEY, DOES, """
        local_hostname | Required; not empty.
        metadata_server | Required; not empty.
        global_segment_size | Bytes, or text such as "4gb"; 3355443200.
        local_buffer_size | Bytes, or text such as "1gb"; 1073741824.
        protocol | A name in small letters; unknown ones warn; tcp.
        device_name | Empty.
        master_server_address | Required; not empty.
        enable_ssd_offload | Words such as true, on, no; false.
        ssd_offload_path | Empty.
        tenant_id | default.
        enable_client_http_server | false.
        client_http_port | 9300.
    """),
]

_VARIABLES = [
    *_rows(VARIABLE, DOES, """
        MOONCAKE_CONFIG_PATH | File of load_from_env, before all other variables.
        MOONCAKE_MASTER | Master of load_from_env (required) and of init_all.
        MOONCAKE_LOCAL_HOSTNAME | localhost.
        MOONCAKE_TE_META_DATA_SERVER | P2PHANDSHAKE; the master does not read it.
        MOONCAKE_GLOBAL_SEGMENT_SIZE | As the configuration key.
        MOONCAKE_LOCAL_BUFFER_SIZE | As the configuration key.
        MOONCAKE_PROTOCOL | tcp.
        MOONCAKE_DEVICE | Empty.
        MOONCAKE_OFFLOAD_ENABLED | As enable_ssd_offload.
        MOONCAKE_OFFLOAD_FILE_STORAGE_PATH | As ssd_offload_path.
        MOONCAKE_TENANT_ID | As tenant_id.
        MOONCAKE_ENABLE_CLIENT_HTTP_SERVER | As enable_client_http_server.
        MOONCAKE_CLIENT_HTTP_PORT | As client_http_port.
        MC_STORE_CLIENT_MIN_PORT | Lowest port for hostnames without one; 12300.
        MC_STORE_CLIENT_MAX_PORT | Highest port for hostnames without one; 14300.
        AQUIFER_MOONCAKE_TIMEOUT | Of this package: seconds until a call answers; 5.
    """),
    *_rows(VARIABLE, IGNORED, """
        MOONCAKE_STORAGE_ROOT_DIR | There is no disk tier.
        POD_NAME | The master has no use for it.
        POD_NAMESPACE | The master has no use for it.
    """),
]

_HTTP = [
    *_rows(MASTER_HTTP, DOES, """
        GET /get_all_segments | Names of the nodes, one in a line.
        GET /metrics | Prometheus text.
        GET /metrics/summary | One line.
        GET /health | Always 200; service_ready says whether the pool answers.
        GET /role | leader.
        GET /ha_status | disabled.
        GET /leader | This master.
        GET /query_key | Descriptors of the replicas; 404 on a miss; tenant_id may be given.
        GET /batch_query_keys | The same for keys=a,b.
        GET /get_all_keys | Keys of a tenant, one in a line.
        GET /get_segments_detail | Totals, and each node.
        GET /query_segment | Text; 500 for an unknown one.
        GET /api/v1/segments/status | JSON; 400 without a name, 404 for an unknown one.
        POST /api/v1/drain_jobs | Begins to empty nodes.
        GET /api/v1/drain_jobs/query | How far that is.
        POST /api/v1/drain_jobs/cancel | Ends it.
        POST /api/v1/remove_all | Of a tenant; the number removed.
        GET /kv_events/status | Zeros: no events are published.
    """),
    *_rows(MASTER_HTTP, REFUSES, """
        GET /api/v1/tenant_quotas | 501: tenants have no quotas.
        PUT /api/v1/tenant_quotas | 501: tenants have no quotas.
        DELETE /api/v1/tenant_quotas | 501: tenants have no quotas.
    """),
    *_rows(CLIENT_HTTP, DOES, """
        GET /health | status and code; code 2 when the master does not answer.
        GET /metrics | Counters of the client, as Prometheus text.
        GET /metrics/summary | The same in one line.
    """),
    *_rows(METADATA_HTTP, DOES, """
        GET /metadata | 200 with the bytes, 404, or 400 without a key.
        PUT /metadata | 200; 400 for a key with rpc_meta that exists.
        DELETE /metadata | 200 or 404.
        GET /health | OK; only inside mooncake_master.
    """),
    *_rows(SERVICE_HTTP, DOES, """
        PUT /api/put | Text under a key.
        GET /api/get/ | The bytes, or 404.
        GET /api/exist/ | true or false.
        DELETE /api/remove/ | 500 for what is not there.
        DELETE /api/remove_all | The number removed.
        POST /api/mount | One more node inside the process.
        POST /api/unmount | Takes it back.
        POST /api/reconfigure | prefill takes back what was mounted; decode is refused with 500.
    """),
    *_rows(SERVICE_HTTP, REFUSES, """
        POST /api/mount_shm | 500: nodes make their memory and take nobody's file.
        POST /api/unmount_shm | 500, with the ids as failed.
        POST /api/unmount_local_disk | 500: there are no segments on disks.
    """),
]

_ENGINE = [
    *_rows(ENGINE, DOES, """
        TransferEngine.initialize | 0; takes a port, and connects to nothing.
        TransferEngine.get_rpc_port | That port.
        TransferEngine.get_engine | An object for setup(engine=...).
        TransferEngine.register_memory | 0; written down only.
        TransferEngine.unregister_memory | 0, or -1.
        TransferOpcode | Read, Write.
        TransferNotify | name, msg.
        SUPPORT_EFA | False.
    """),
    *_rows(ENGINE, REFUSES, """
        TransferEngine.transfer_sync_write | AttributeError, as all transfers: hasattr is False.
        TransferEngine.transfer_sync_read | The same.
    """),
]

ROWS = [
    *_METHODS, *_ARGUMENTS, *_NAMES, *_MODULES, *_KEYS, *_VARIABLES,
    *(Row(MASTER_FLAG, flag.name, flag.verdict, flag.meaning) for flag in _MASTER_FLAGS),
    *(Row(CLIENT_FLAG, flag.name, flag.verdict, flag.meaning) for flag in _CLIENT_FLAGS),
    *_HTTP, *_ENGINE,
]
