// mmc.h and mmc_client.h: one store of the process behind plain functions.
#include <algorithm>
#include <cstring>

#include "compat/memcache/config_file.h"
#include "compat/memcache/log.h"
#include "compat/memcache/store.h"
#include "memcache/mmc.h"
#include "memcache/mmc_client.h"

namespace memcache = aquifer::compat::memcache;

namespace {

using aquifer::ConstPiece;
using aquifer::GetItem;
using aquifer::Piece;
using aquifer::PutItem;
using memcache::Form;
using memcache::Store;

// Never destroyed: threads of the engine may still call when the process ends.
Store& store() {
  static Store* const instance = new Store;
  return *instance;
}

void* address_of(const mmc_buffer& buffer) {
  return reinterpret_cast<void*>(buffer.addr + buffer.offset);  // NOLINT(*-no-int-to-ptr)
}

std::string_view view(const char* key) { return key == nullptr ? "" : key; }

std::vector<std::string_view> views(const char** keys, std::size_t count) {
  std::vector<std::string_view> all(count);
  std::transform(keys, keys + count, all.begin(), view);
  return all;
}

memcache::Replicas replicas_of(const mmc_put_options& options) {
  memcache::Replicas replicas{options.replicaNum, {}};
  for (const std::int32_t id : options.preferredLocalServiceIDs) {
    if (id >= 0) replicas.preferred.push_back(id);
  }
  return replicas;
}

/// 0 there, -3102 not there.
std::int32_t presence(int exists) {
  if (exists < 0) return exists;
  return exists == 1 ? memcache::kDone : memcache::kUnmatchedKey;
}

/// A whole batch may be refused with one code.
void spread(const std::vector<int>& codes, std::size_t count, std::int32_t* results) {
  for (std::size_t i = 0; i < count; ++i) {
    results[i] = codes.size() == count ? codes[i] : codes.front();
  }
}

void fill(const memcache::KeyFacts& facts, mmc_data_info& info) {
  info = {};
  info.size = facts.bytes;
  info.valid = !facts.ranks.empty();
  info.numBlobs = static_cast<std::uint8_t>(std::min<std::size_t>(facts.ranks.size(), 8));
  for (std::size_t i = 0; i < info.numBlobs; ++i) {
    info.ranks[i] = static_cast<std::uint32_t>(facts.ranks[i]);
    info.types[i] = 1;
  }
}

template <std::size_t N, std::size_t M>
void copy_text(char (&to)[N], const char (&from)[M]) {
  const std::size_t bytes = std::min(strnlen(from, M), N - 1);
  std::memset(to, 0, N);
  std::memcpy(to, from, bytes);
}

}  // namespace

extern "C" {

int32_t mmc_setup(const local_config* config) {
  return config == nullptr ? int{memcache::kInvalidParam} : store().setup(*config);
}

int32_t mmc_init(const mmc_init_config* config) {
  return config == nullptr ? int{memcache::kInvalidParam}
                           : store().init(config->deviceId, config->initBm);
}

int32_t mmc_set_extern_logger(void (*func)(int level, const char* message)) {
  memcache::set_logger(func);
  return memcache::kDone;
}

int32_t mmc_set_log_level(int level) {
  if (level < 0 || level > 3) return memcache::kInvalidParam;
  memcache::set_level(level);
  return memcache::kDone;
}

void mmc_uninit(void) { store().close(); }

int32_t mmcc_init(mmc_client_config_t* config) {
  if (config == nullptr) return memcache::kInvalidParam;
  local_config local = memcache::default_local_config();
  copy_text(local.meta_service_url, config->discoveryURL);
  if (config->dataOpType[0] != '\0') copy_text(local.protocol, config->dataOpType);
  local.client_retry_milliseconds = config->rpcRetryTimeOut;
  if (config->timeOut != 0) local.client_timeout_seconds = config->timeOut;
  if (config->readThreadPoolNum != 0) local.read_thread_pool_size = config->readThreadPoolNum;
  if (config->writeThreadPoolNum != 0) local.write_thread_pool_size = config->writeThreadPoolNum;
  local.ubs_io_enable = config->ubsIoEnable;
  local.tls_enable = config->tlsConfig.tlsEnable;
  if (config->logFunc != nullptr) memcache::set_logger(config->logFunc);
  if (const int code = store().setup(local); code != memcache::kDone) return code;
  return store().init(0, false);
}

void mmcc_uninit(void) { store().close(); }

int32_t mmcc_register_buffer(uint64_t addr, uint64_t size) {
  return store().register_buffer(addr, size);
}

int32_t mmcc_unregister_buffer(uint64_t addr, uint64_t size) {
  return store().register_buffer(addr, size);
}

int32_t mmcc_put(const char* key, mmc_buffer* buf, mmc_put_options options, uint32_t flags) {
  int result = memcache::kInvalidParam;
  return buf == nullptr ? result : mmcc_batch_put(&key, 1, buf, options, flags, &result), result;
}

int32_t mmcc_get(const char* key, mmc_buffer* buf, uint32_t flags) {
  int result = memcache::kInvalidParam;
  return buf == nullptr ? result : mmcc_batch_get(&key, 1, buf, flags, &result), result;
}

int32_t mmcc_local_service_id(uint32_t* localServiceId) {
  if (localServiceId == nullptr) return memcache::kInvalidParam;
  *localServiceId = store().rank();
  return *localServiceId == memcache::Membership::kNoRank ? int{memcache::kClientNotInit}
                                                          : int{memcache::kDone};
}

int32_t mmcc_query(const char* key, mmc_data_info* info, uint32_t flags) {
  const int code = mmcc_batch_query(&key, 1, info, flags);
  if (code != memcache::kDone) return code;
  return info->valid ? memcache::kDone : memcache::kUnmatchedKey;
}

int32_t mmcc_batch_query(const char** keys, size_t keys_count, mmc_data_info* info,
                         uint32_t /*flags*/) {
  if (keys == nullptr || info == nullptr || keys_count > memcache::kBatchMax) {
    return memcache::kInvalidParam;
  }
  if (store().rank() == memcache::Membership::kNoRank) return memcache::kClientNotInit;
  const auto facts = store().facts(views(keys, keys_count));
  for (std::size_t i = 0; i < keys_count; ++i) fill(facts[i], info[i]);
  return memcache::kDone;
}

int32_t mmcc_remove(const char* key, uint32_t flags) {
  int32_t result = memcache::kDone;
  const int32_t code = mmcc_batch_remove(&key, 1, &result, flags);
  return code != memcache::kDone ? code : result;
}

int32_t mmcc_batch_remove(const char** keys, uint32_t keys_count, int32_t* remove_results,
                          uint32_t /*flags*/) {
  if (keys == nullptr || remove_results == nullptr) return memcache::kInvalidParam;
  spread(store().remove(views(keys, keys_count)), keys_count, remove_results);
  return memcache::kDone;
}

int32_t mmcc_exist(const char* key, uint32_t flags) {
  int32_t result = memcache::kDone;
  const int32_t code = mmcc_batch_exist(&key, 1, &result, flags);
  return code != memcache::kDone ? code : result;
}

int32_t mmcc_batch_exist(const char** keys, uint32_t keys_count, int32_t* exist_results,
                         uint32_t /*flags*/) {
  if (keys == nullptr || exist_results == nullptr) return memcache::kInvalidParam;
  spread(store().exists(views(keys, keys_count)), keys_count, exist_results);
  std::transform(exist_results, exist_results + keys_count, exist_results, presence);
  return memcache::kDone;
}

int32_t mmcc_batch_put(const char** keys, uint32_t keys_count, const mmc_buffer* bufs,
                       mmc_put_options& options, uint32_t /*flags*/, int* results) {
  if (keys == nullptr || bufs == nullptr || results == nullptr) return memcache::kInvalidParam;
  std::vector<ConstPiece> pieces(keys_count);
  std::vector<PutItem> items(keys_count);
  for (std::size_t i = 0; i < keys_count; ++i) {
    pieces[i] = {address_of(bufs[i]), bufs[i].len};
    items[i] = {view(keys[i]), {&pieces[i], 1}, {}};
  }
  const Form form = keys_count == 1 ? Form::kSingle : Form::kFlat;
  spread(store().put(items, form, memcache::kH2G, replicas_of(options), memcache::strict_put_code),
         keys_count, results);
  return memcache::kDone;
}

int32_t mmcc_batch_get(const char** keys, uint32_t keys_count, mmc_buffer* bufs, uint32_t /*flags*/,
                       int* results) {
  if (keys == nullptr || bufs == nullptr || results == nullptr) return memcache::kInvalidParam;
  std::vector<Piece> pieces(keys_count);
  std::vector<GetItem> items(keys_count);
  for (std::size_t i = 0; i < keys_count; ++i) {
    pieces[i] = {address_of(bufs[i]), bufs[i].len};
    items[i] = {view(keys[i]), {&pieces[i], 1}};
  }
  const Form form = keys_count == 1 ? Form::kSingle : Form::kFlat;
  spread(store().get(items, form, memcache::kG2H), keys_count, results);
  return memcache::kDone;
}

}  // extern "C"
