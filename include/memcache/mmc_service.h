// MemCache's services inside a process: the metadata service, and memory given to a pool.
#pragma once

#include "mmc_def.h"

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

/* Null when it cannot be started; a line in the log says why. */
mmc_meta_service_t mmcs_meta_service_start(mmc_meta_service_config_t* config);
void mmcs_meta_service_stop(mmc_meta_service_t handle);

/* The same. */
mmc_local_service_t mmcs_local_service_start(mmc_local_service_config_t* config);
void mmcs_local_service_stop(mmc_local_service_t handle);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop
