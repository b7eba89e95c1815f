// MemCache's C data calls, on the pool that mmc_init or mmcc_init has joined. All answer 0 or an
// error code; a key that is there already is -3006 for a put. `flags` say where a put goes: 0 the
// own memory first, 1 exactly the preferred one, 2 anywhere. Thread-safe. C++ for a reference.
#pragma once

#include "mmc_def.h"

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

int32_t mmcc_init(mmc_client_config_t* config);
void mmcc_uninit(void);

int32_t mmcc_register_buffer(uint64_t addr, uint64_t size);
int32_t mmcc_unregister_buffer(uint64_t addr, uint64_t size);

int32_t mmcc_put(const char* key, mmc_buffer* buf, mmc_put_options options, uint32_t flags);
int32_t mmcc_get(const char* key, mmc_buffer* buf, uint32_t flags);
int32_t mmcc_local_service_id(uint32_t* localServiceId);
int32_t mmcc_query(const char* key, mmc_data_info* info, uint32_t flags);
int32_t mmcc_batch_query(const char** keys, size_t keys_count, mmc_data_info* info, uint32_t flags);
int32_t mmcc_remove(const char* key, uint32_t flags);
int32_t mmcc_batch_remove(const char** keys, uint32_t keys_count, int32_t* remove_results,
                          uint32_t flags);

/* 0 there, -3102 not there. */
int32_t mmcc_exist(const char* key, uint32_t flags);
int32_t mmcc_batch_exist(const char** keys, uint32_t keys_count, int32_t* exist_results,
                         uint32_t flags);

#ifdef __cplusplus
int32_t mmcc_batch_put(const char** keys, uint32_t keys_count, const mmc_buffer* bufs,
                       mmc_put_options& options, uint32_t flags, int* results);
#endif
int32_t mmcc_batch_get(const char** keys, uint32_t keys_count, mmc_buffer* bufs, uint32_t flags,
                       int* results);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop
