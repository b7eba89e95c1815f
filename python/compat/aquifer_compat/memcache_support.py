"""What of MemCache's interface this package does: one row (support.py) for each name of it."""

from aquifer_compat.support import DOES, IGNORED, REFUSES, WARNS, rows

METHOD = "DistributedObjectStore"
MODULE = "memcache_hybrid"
LOCAL = "LocalConfig and mmc-local.conf"
META = "MetaConfig and mmc-meta.conf"
FILE = "files and environment"
PROTOCOL = "protocol"
REST = "REST"
C = "C functions"
CXX = "ock::mmc::ObjectStore"


_METHODS = [
    *rows(METHOD, DOES, """
        setup | 0, or -3000 for a configuration that cannot be used; ignored when set up already.
        init | 0 once the pool can be used; init_bm=False gives no memory, and can put and get.
        close | Always 0; what the own memory held is gone. No signal handlers, no niceness.
        get_local_service_id | The rank; 0 without memory; 4294967295 before init.
        put | 0 only if the value is stored or the key was there; its value stays.
        put_batch | 0, or the first code that is not.
        put_from | Memory need not be registered; what is not memory of this process is -1.
        batch_put_from | A code per key; one bad argument refuses all, as there.
        put_from_layers | 1 to 255 pieces, one behind the other.
        batch_put_from_layers | A code per key.
        get | Empty bytes when it cannot be had; verified, like every read.
        get_batch | A list of bytes.
        get_into | 0; -1 when the size is not exactly that of the object.
        batch_get_into | A code per key; buffers of one call must not overlap (-1).
        get_into_layers | The pieces may be others than at the put.
        batch_get_into_layers | A code per key.
        remove | 0, or -3102. No lease has to end first.
        remove_batch | A code per key.
        remove_all | 0.
        is_exist | 1, 0 or negative.
        batch_is_exist | A list of these.
        get_key_info | size 0 when it is not there; nodes without a rank are 1024 and up.
        batch_get_key_info | The same for many, by one call to the metadata.
        register_buffer | Looked at (-3000 for none), and not needed.
        unregister_buffer | The same.
        batch_alloc | An address per key, the same in every process; 0 for a key that is there.
        batch_copy | Any ranges, in any order; each byte is written once (-3107).
        batch_copy_layers | The same with pieces.
        batch_write_finish | Bytes that were not written are zeros.
        batch_add_lease | -3101 for what this store has not published yet, -3102 otherwise.
        batch_remove_lease | 0, or -3106 when one was over.
    """),
    *rows(MODULE, DOES, """
        DistributedObjectStore | Several of a process are independent.
        KeyInfo | size(), loc_list(), type_list(), gva_list(), str().
        LocalConfig | All attributes; sizes may be ints. What is too long is a ValueError.
        MetaConfig | All attributes.
        MetaService | setup() and main(); several may run on one host.
        ReplicateConfig | Replicas are on distinct nodes.
        ReplicateConfig.replicaNum | 1 to 8; more than there are local services is -1.
        an empty value | Stored as such: there, and b"".
        H2G, L2G, G2H, G2L, AUTO | Copy directions, also as SMEMB_COPY_*; plain ints do as well.
    """),
    *rows(MODULE, WARNS, """
        ReplicateConfig.preferredLocalServiceIDs | The first is honoured, where it has room; the \
pool places the others.
    """),
    *rows(MODULE, REFUSES, """
        addresses of a device | -1, and -3000 with layers: memory of devices is not supported yet.
    """),
]

_CONFIGS = [
    *rows(LOCAL, DOES, """
        meta_service_url | The metadata service.
        log_level | Of lines on stderr or to the engine's logger.
        world_size | At most so many ranks.
        protocol | See below.
        dram_size | Memory given to the pool; it ends with the process.
        max_dram_size | Checked against dram_size.
        max_hbm_size | Checked against hbm_size.
        client_retry_milliseconds | How long init waits for the metadata, at least 2 s.
        client_timeout_seconds | Of a call; 60, the default, stands for the pool's own 5 s.
        read_thread_pool_size | Threads that copy: at most half the cores, and 8.
        write_thread_pool_size | The same.
    """),
    *rows(LOCAL, IGNORED, """
        config_store_url | Members find each other through the metadata service.
        hcom_url | The same.
        aggregate_io | Copies are always put together.
        aggregate_num | The same.
        memory_pool_mode | Addresses are not reserved beforehand.
        tls_*_path | Paths without tls_enable.
        config_store_tls_*_path | The same.
        hcom_tls_*_path | The same.
    """),
    *rows(LOCAL, WARNS, """
        hbm_size | Only dram_size is given; without it, -3000.
        ubs_io_enable | There is no SSD tier yet: what is evicted is gone.
    """),
    *rows(LOCAL, REFUSES, """
        tls_enable | -3000: keys and values would travel in the clear.
        config_store_tls_enable | The same.
        hcom_tls_enable | The same.
    """),
    *rows(META, DOES, """
        meta_service_url | Where it listens.
        config_store_url | Listens, so that those who wait for it see that the service is up.
        metrics_url | REST.
        log_level | Of the log.
        log_path | log_path/logs/mmc-meta.log; stderr when that cannot be written.
        log_rotation_file_size | MB.
        log_rotation_file_count | Files.
        evict_threshold_high | Percent of a segment at which eviction begins.
        evict_threshold_low | And ends.
    """),
    *rows(META, IGNORED, """
        tls_*_path | Paths without tls_enable.
        config_store_tls_*_path | The same.
    """),
    *rows(META, WARNS, """
        ubs_io_enable | There is no SSD tier yet.
    """),
    *rows(META, REFUSES, """
        ha_enable | Status 255: one service, whose metadata the nodes bring back after a restart.
        tls_enable | Status 255.
        config_store_tls_enable | Status 255.
    """),
    *rows(FILE, DOES, """
        MMC_LOCAL_CONFIG_PATH | Read at init without setup; also when set after the import.
        MMC_META_CONFIG_PATH | Read by MetaService.main() without setup.
        key = value | Duplicate keys, empty keys, bad values and symbolic links are refused (-3000).
    """),
    *rows(FILE, WARNS, """
        unknown keys | Those of newer versions by name.
    """),
    *rows(PROTOCOL, DOES, """
        host_shm | Memory mapped within the host, and nothing else.
        host_tcp | Memory mapped within a host, TCP between hosts.
    """),
    *rows(PROTOCOL, WARNS, """
        host_rdma | Not available yet: as host_tcp.
        host_urma | The same.
        device_sdma | The same; addresses of a device are refused.
        device_rdma | The same.
        device_urma | The same.
        device_uboe | The same.
    """),
]

_SERVICES = [
    *rows(REST, DOES, """
        GET / | ok: engines poll the bare URL.
        GET /livez | ok.
        GET /health | JSON; role and ha_state are unknown without an election.
        GET /role | unknown.
        GET /ha_status | unknown.
        GET /leader | JSON.
        GET /metadata | A small store of keys and values.
        PUT /metadata | The same.
        DELETE /metadata | The same.
        GET /get_all_keys | One key a line.
        GET /query_key | JSON.
        GET /batch_query_keys | JSON.
        DELETE /key | Removes it.
        DELETE /all_keys | Removes all.
        GET /get_all_segments | rank-N-dram, one a line.
        GET /query_segment | JSON.
        GET /api/v1/segments/status | JSON.
        GET /api/v1/capacity/usage | JSON.
        GET /api/v1/capacity/segment_remaining | JSON.
        GET /metrics | Prometheus; requests are counted by the metadata of the pool.
        GET /metrics/summary | One line.
        GET /metrics/ptracer | The header: there is no tracer in the library.
        GET /api/v1/analysis/alloc_free_latency | The same.
        GET /kv_events/status | JSON: not enabled.
    """),
    *rows(REST, REFUSES, """
        /api/v1/drain_jobs | Not supported, as there; `aquifer drain` empties a node.
    """),
    *rows(C, DOES, """
        mmc_setup | As setup.
        mmc_init | As init.
        mmc_uninit | As close.
        mmc_set_extern_logger | Lines of the library go there.
        mmc_set_log_level | 0 debug to 3 error.
        mmcc_init | A client without memory.
        mmcc_uninit | As close.
        mmcc_register_buffer | As register_buffer.
        mmcc_unregister_buffer | The same.
        mmcc_put | -3006 for a key that is there.
        mmcc_get | As get_into.
        mmcc_local_service_id | As get_local_service_id.
        mmcc_query | -3102 when it is not there.
        mmcc_batch_query | valid is false where it is not there.
        mmcc_remove | As remove.
        mmcc_batch_remove | A code per key.
        mmcc_exist | 0 or -3102.
        mmcc_batch_exist | The same.
        mmcc_batch_put | -3006 for keys that are there.
        mmcc_batch_get | A code per key.
        mmcs_meta_service_start | Null when it cannot be started.
        mmcs_meta_service_stop | Ends it.
        mmcs_local_service_start | Memory given to a pool.
        mmcs_local_service_stop | Ends it.
    """),
    *rows(CXX, DOES, """
        CreateObjectStore | Several of a process are independent.
        Setup, Init, TearDown | As in Python.
        RegisterBuffer, UnRegisterBuffer | As in Python.
        PutFrom, BatchPutFrom, PutFromLayers, BatchPutFromLayers | As in Python.
        GetInto, BatchGetInto, GetIntoLayers, BatchGetIntoLayers | As in Python.
        Remove, BatchRemove, RemoveAll | As in Python.
        IsExist, BatchIsExist, GetKeyInfo, BatchGetKeyInfo | As in Python.
        BatchMalloc, BatchCopy, BatchWriteFinish | As batch_alloc and so on.
        BatchAddLease, BatchRemoveLease | As in Python.
        GetLocalServiceId | -3019 before Init.
    """),
]

ROWS = [*_METHODS, *_CONFIGS, *_SERVICES]
