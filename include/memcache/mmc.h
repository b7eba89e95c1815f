// MemCache's process-wide interface: set up, join, leave. The data calls are in mmc_client.h.
#pragma once

#include "mmc_def.h"

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

/* Takes the configuration that the next mmc_init uses. 0, or an error code. */
int32_t mmc_setup(const local_config* config);

/* Joins the pool; without mmc_setup by the file that MMC_LOCAL_CONFIG_PATH names. Repeatable. */
int32_t mmc_init(const mmc_init_config* config);

/* Lines of this library go there instead of stderr; null: to stderr. */
int32_t mmc_set_extern_logger(void (*func)(int level, const char* message));

/* 0 debug, 1 info, 2 warning, 3 error. */
int32_t mmc_set_log_level(int level);

/* Leaves the pool and gives the memory back. Repeatable. */
void mmc_uninit(void);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop
