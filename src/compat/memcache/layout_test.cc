// The structs of MemCache's C interface lie in memory as its users have compiled them (x86-64).
#include <gtest/gtest.h>

#include <cstddef>

#include "memcache/mmc_def.h"

namespace {

#define AT(type, member, offset) static_assert(offsetof(type, member) == (offset))

static_assert(sizeof(mmc_tls_config) == 1793);
AT(mmc_tls_config, caPath, 1);

static_assert(sizeof(mmc_meta_service_config_t) == 7704);
AT(mmc_meta_service_config_t, configStoreURL, 1024);
AT(mmc_meta_service_config_t, httpURL, 2048);
AT(mmc_meta_service_config_t, haEnable, 3072);
AT(mmc_meta_service_config_t, logLevel, 3076);
AT(mmc_meta_service_config_t, logPath, 3080);
AT(mmc_meta_service_config_t, logRotationFileSize, 4104);
AT(mmc_meta_service_config_t, logRotationFileCount, 4108);
AT(mmc_meta_service_config_t, evictThresholdHigh, 4112);
AT(mmc_meta_service_config_t, evictThresholdLow, 4114);
AT(mmc_meta_service_config_t, accTlsConfig, 4116);
AT(mmc_meta_service_config_t, configStoreTlsConfig, 5909);
AT(mmc_meta_service_config_t, ubsIoEnable, 7702);

static_assert(sizeof(mmc_local_service_config_t) == 8656);
AT(mmc_local_service_config_t, deviceId, 1024);
AT(mmc_local_service_config_t, rankId, 1028);
AT(mmc_local_service_config_t, worldSize, 1032);
AT(mmc_local_service_config_t, bmIpPort, 1036);
AT(mmc_local_service_config_t, bmHcomUrl, 2060);
AT(mmc_local_service_config_t, createId, 3084);
AT(mmc_local_service_config_t, dataOpType, 3088);
AT(mmc_local_service_config_t, localDRAMSize, 3152);
AT(mmc_local_service_config_t, localMaxDRAMSize, 3160);
AT(mmc_local_service_config_t, localHBMSize, 3168);
AT(mmc_local_service_config_t, localMaxHBMSize, 3176);
AT(mmc_local_service_config_t, memoryPoolMode, 3184);
AT(mmc_local_service_config_t, flags, 3248);
AT(mmc_local_service_config_t, accTlsConfig, 3252);
AT(mmc_local_service_config_t, logLevel, 5048);
AT(mmc_local_service_config_t, logFunc, 5056);
AT(mmc_local_service_config_t, hcomTlsConfig, 5064);
AT(mmc_local_service_config_t, configStoreTlsConfig, 6857);
AT(mmc_local_service_config_t, ubsIoEnable, 8650);

static_assert(sizeof(mmc_client_config_t) == 2928);
AT(mmc_client_config_t, rankId, 1024);
AT(mmc_client_config_t, rpcRetryTimeOut, 1028);
AT(mmc_client_config_t, timeOut, 1032);
AT(mmc_client_config_t, readThreadPoolNum, 1036);
AT(mmc_client_config_t, writeThreadPoolNum, 1040);
AT(mmc_client_config_t, aggregateIO, 1044);
AT(mmc_client_config_t, aggregateNum, 1048);
AT(mmc_client_config_t, logLevel, 1052);
AT(mmc_client_config_t, logFunc, 1056);
AT(mmc_client_config_t, tlsConfig, 1064);
AT(mmc_client_config_t, ubsIoEnable, 2857);
AT(mmc_client_config_t, dataOpType, 2858);

static_assert(sizeof(mmc_buffer) == 32);
AT(mmc_buffer, type, 8);
AT(mmc_buffer, offset, 16);
AT(mmc_buffer, len, 24);

static_assert(sizeof(mmc_put_options) == 44);
AT(mmc_put_options, policy, 4);
AT(mmc_put_options, replicaNum, 8);
AT(mmc_put_options, preferredLocalServiceIDs, 12);

static_assert(sizeof(mmc_data_info) == 64);
AT(mmc_data_info, prot, 8);
AT(mmc_data_info, numBlobs, 10);
AT(mmc_data_info, valid, 11);
AT(mmc_data_info, ranks, 12);
AT(mmc_data_info, types, 44);

static_assert(sizeof(mmc_init_config) == 8);
AT(mmc_init_config, initBm, 4);

static_assert(sizeof(local_config) == 9644);
AT(local_config, meta_service_url, 1024);
AT(local_config, config_store_url, 2048);
AT(local_config, log_level, 3072);
AT(local_config, world_size, 3084);
AT(local_config, protocol, 3088);
AT(local_config, hcom_url, 3152);
AT(local_config, dram_size, 4176);
AT(local_config, hbm_size, 4240);
AT(local_config, max_dram_size, 4304);
AT(local_config, max_hbm_size, 4368);
AT(local_config, client_retry_milliseconds, 4432);
AT(local_config, client_timeout_seconds, 4436);
AT(local_config, read_thread_pool_size, 4440);
AT(local_config, write_thread_pool_size, 4444);
AT(local_config, aggregate_io, 4448);
AT(local_config, aggregate_num, 4452);
AT(local_config, ubs_io_enable, 4456);
AT(local_config, memory_pool_mode, 4457);
AT(local_config, tls_enable, 4521);
AT(local_config, config_store_tls_enable, 6314);
AT(local_config, hcom_tls_enable, 8107);

TEST(LayoutTest, IsCheckedByTheCompiler) { EXPECT_EQ(sizeof(local_config), 9644u); }

}  // namespace
