// Types and constants of MemCache's C interface, as its users compile them: names, order and sizes
// are part of the binary interface (checked in src/compat/memcache/layout_test.cc).
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DISCOVERY_URL_SIZE 1024
#define PATH_MAX_SIZE 1024
#define PROTOCOL_SIZE 64
#define TLS_PATH_SIZE 256
#define MEM_POOL_MODE_SIZE 64
#define MAX_BLOB_COPIES 8

#ifdef __cplusplus
extern "C" {
#endif

typedef void* mmc_meta_service_t;
typedef void* mmc_local_service_t;

/* Takes a level (0 debug, 1 info, 2 warning, 3 error) and a line. */
typedef void (*ExternalLog)(int level, const char* message);

typedef struct {
  bool tlsEnable;
  char caPath[TLS_PATH_SIZE];
  char crlPath[TLS_PATH_SIZE];
  char certPath[TLS_PATH_SIZE];
  char keyPath[TLS_PATH_SIZE];
  char keyPassPath[TLS_PATH_SIZE];
  char packagePath[TLS_PATH_SIZE];
  char decrypterLibPath[TLS_PATH_SIZE];
} mmc_tls_config;

typedef struct {
  char discoveryURL[DISCOVERY_URL_SIZE];   /* tcp://HOST:PORT of the metadata */
  char configStoreURL[DISCOVERY_URL_SIZE]; /* tcp://HOST:PORT; a port that says the service is up */
  char httpURL[DISCOVERY_URL_SIZE];        /* http://HOST:PORT of the REST interface */
  bool haEnable;
  int32_t logLevel;
  char logPath[PATH_MAX_SIZE];
  int32_t logRotationFileSize; /* bytes */
  int32_t logRotationFileCount;
  uint16_t evictThresholdHigh; /* percent */
  uint16_t evictThresholdLow;  /* percent */
  mmc_tls_config accTlsConfig;
  mmc_tls_config configStoreTlsConfig;
  bool ubsIoEnable;
} mmc_meta_service_config_t;

typedef struct {
  char discoveryURL[DISCOVERY_URL_SIZE];
  uint32_t deviceId;
  uint32_t rankId;
  uint32_t worldSize;
  char bmIpPort[DISCOVERY_URL_SIZE];
  char bmHcomUrl[DISCOVERY_URL_SIZE];
  uint32_t createId;
  char dataOpType[PROTOCOL_SIZE];
  uint64_t localDRAMSize; /* bytes */
  uint64_t localMaxDRAMSize;
  uint64_t localHBMSize;
  uint64_t localMaxHBMSize;
  char memoryPoolMode[MEM_POOL_MODE_SIZE];
  uint32_t flags;
  mmc_tls_config accTlsConfig;
  int32_t logLevel;
  ExternalLog logFunc;
  mmc_tls_config hcomTlsConfig;
  mmc_tls_config configStoreTlsConfig;
  bool ubsIoEnable;
} mmc_local_service_config_t;

typedef struct {
  char discoveryURL[DISCOVERY_URL_SIZE];
  uint32_t rankId;
  uint32_t rpcRetryTimeOut; /* milliseconds */
  uint32_t timeOut;         /* seconds */
  uint32_t readThreadPoolNum;
  uint32_t writeThreadPoolNum;
  bool aggregateIO;
  int32_t aggregateNum;
  int32_t logLevel;
  ExternalLog logFunc;
  mmc_tls_config tlsConfig;
  bool ubsIoEnable;
  char dataOpType[PROTOCOL_SIZE];
} mmc_client_config_t;

typedef struct {
  uint64_t addr;
  uint32_t type; /* 0 HBM, 1 DRAM */
  uint64_t offset;
  uint64_t len;
} mmc_buffer;

#ifdef __cplusplus
enum affinity_policy : int {
#else
enum affinity_policy {
#endif
  NATIVE_AFFINITY = 0,
};

typedef struct {
  uint16_t mediaType;
  enum affinity_policy policy;
  uint16_t replicaNum;
  int32_t preferredLocalServiceIDs[MAX_BLOB_COPIES]; /* unused ones are -1 */
} mmc_put_options;

typedef struct {
  uint64_t size;
  uint16_t prot;
  uint8_t numBlobs;
  bool valid;
  uint32_t ranks[MAX_BLOB_COPIES];
  uint16_t types[MAX_BLOB_COPIES];
} mmc_data_info;

typedef struct {
  uint32_t deviceId;
  bool initBm;
} mmc_init_config;

#define MMC_LOCAL_TLS_PATHS(prefix)        \
  char prefix##ca_path[TLS_PATH_SIZE];     \
  char prefix##ca_crl_path[TLS_PATH_SIZE]; \
  char prefix##cert_path[TLS_PATH_SIZE];   \
  char prefix##key_path[TLS_PATH_SIZE];    \
  char prefix##key_pass_path[TLS_PATH_SIZE]

typedef struct {
  char config_path[PATH_MAX_SIZE]; /* when set, this file is read and the rest has no meaning */
  char meta_service_url[DISCOVERY_URL_SIZE];
  char config_store_url[DISCOVERY_URL_SIZE];
  char log_level[10];
  uint32_t world_size;
  char protocol[PROTOCOL_SIZE];
  char hcom_url[DISCOVERY_URL_SIZE];
  char dram_size[64];
  char hbm_size[64];
  char max_dram_size[64];
  char max_hbm_size[64];
  uint32_t client_retry_milliseconds;
  uint32_t client_timeout_seconds;
  uint32_t read_thread_pool_size;
  uint32_t write_thread_pool_size;
  bool aggregate_io;
  uint32_t aggregate_num;
  bool ubs_io_enable;
  char memory_pool_mode[MEM_POOL_MODE_SIZE];
  bool tls_enable;
  MMC_LOCAL_TLS_PATHS(tls_);
  char tls_package_path[TLS_PATH_SIZE];
  char tls_decrypter_path[TLS_PATH_SIZE];
  bool config_store_tls_enable;
  MMC_LOCAL_TLS_PATHS(config_store_tls_);
  char config_store_tls_package_path[TLS_PATH_SIZE];
  char config_store_tls_decrypter_path[TLS_PATH_SIZE];
  bool hcom_tls_enable;
  MMC_LOCAL_TLS_PATHS(hcom_tls_);
  char hcom_tls_decrypter_path[TLS_PATH_SIZE];
} local_config;

#undef MMC_LOCAL_TLS_PATHS

#ifdef __cplusplus
}
#endif
