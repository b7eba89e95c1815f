// A program that uses MemCache's C++ class and C functions as their users do. Arguments: the URL of
// a metadata service. Prints what went wrong and ends with 1, or ends with 0.
#include <cstdio>
#include <cstring>
#include <sstream>
#include <string>
#include <vector>

#include "mmc.h"
#include "mmc_client.h"
#include "mmc_service.h"
#include "mmcache.h"

namespace {

int failures = 0;

void expect(bool good, const char* what, int line) {
  if (good) return;
  std::printf("line %d: %s\n", line, what);
  ++failures;
}
#define EXPECT(condition) expect((condition), #condition, __LINE__)

local_config config_for(const char* url) {
  local_config config = create_default_local_config();
  std::strcpy(config.meta_service_url, url);
  std::strcpy(config.protocol, "host_shm");
  std::strcpy(config.dram_size, "32MB");
  return config;
}

void use_class(const char* url) {
  using ock::mmc::ObjectStore;
  const auto store = ObjectStore::CreateObjectStore();
  EXPECT(store->IsExist("k") == -3019);
  EXPECT(store->Setup(config_for(url)) == 0);
  EXPECT(store->Init(0) == 0);
  uint32_t id = 99;
  EXPECT(store->GetLocalServiceId(id) == 0 && id == 0);

  std::vector<char> from(1000, 'x'), to(1000);
  EXPECT(store->RegisterBuffer(from.data(), from.size()) == 0);
  EXPECT(store->PutFrom("k", from.data(), 1000) == 0);
  EXPECT(store->PutFrom("k", from.data(), 500) == 0);  // kept
  EXPECT(store->GetInto("k", to.data(), 1000) == 0 && to == from);
  EXPECT(store->GetInto("k", to.data(), 500) == -1);
  EXPECT(store->BatchIsExist({"k", "none"}) == (std::vector<int>{1, 0}));
  EXPECT(store->BatchPutFrom({"a", "b"}, {from.data(), from.data()}, {10, 20}) ==
         (std::vector<int>{0, 0}));
  EXPECT(store->BatchPutFromLayers({"l"}, {{from.data(), from.data()}}, {{10, 20}}, 0) ==
         std::vector<int>{0});
  EXPECT(store->GetIntoLayers("l", {to.data(), to.data() + 15}, {15, 15}, 1) == 0);
  EXPECT(store->BatchGetIntoLayers({"l", "none"}, {{to.data()}, {to.data() + 50}}, {{30}, {30}},
                                   1) == (std::vector<int>{0, -1}));

  const ock::mmc::KeyInfo info = store->GetKeyInfo("k");
  EXPECT(info.Size() == 1000 && info.GetBlobNum() == 1 && info.GetLocs() == std::vector<int>{0});
  std::ostringstream text;
  text << info;
  EXPECT(text.str() == "keyinfo{loc:0, type:1, blobNum:1, size:1000}");

  const auto gvas = store->BatchMalloc({"g"}, {1000}, 1);
  EXPECT(gvas.size() == 1 && gvas[0] != 0);
  EXPECT(store->BatchCopy({reinterpret_cast<void*>(gvas[0])}, {from.data()}, {1000}, 3) == 0);
  EXPECT(store->BatchWriteFinish({"g"}, {0}) == std::vector<int>{0});
  EXPECT(store->BatchAddLease({"g"}) == std::vector<int>{0});
  EXPECT(store->BatchCopy({reinterpret_cast<void*>(gvas[0] + 10)}, {to.data()}, {100}, 2) == 0);
  EXPECT(store->BatchRemoveLease({"g"}) == 0);

  EXPECT(store->Remove("k") == 0 && store->Remove("k") == -3102);
  EXPECT(store->BatchRemove({"a", "none"}) == (std::vector<int>{0, -3102}));
  EXPECT(store->RemoveAll() == 0 && store->IsExist("b") == 0);
  EXPECT(store->TearDown() == 0 && store->TearDown() == 0);
}

mmc_buffer buffer_of(char* memory, std::size_t bytes) {
  return {reinterpret_cast<uint64_t>(memory) - 8, 1, 8, bytes};  // the offset counts
}

void use_functions(const char* url) {
  EXPECT(mmcc_exist("k", 0) == -3019);
  const local_config config = config_for(url);
  EXPECT(mmc_setup(nullptr) == -3000 && mmc_setup(&config) == 0);
  const mmc_init_config init{0, true};
  EXPECT(mmc_init(&init) == 0 && mmc_init(&init) == 0);
  uint32_t id = 99;
  EXPECT(mmcc_local_service_id(&id) == 0 && id == 0);

  char from[100], to[100] = {};
  std::memset(from, 'y', sizeof from);
  mmc_put_options options{1, NATIVE_AFFINITY, 1, {-1, -1, -1, -1, -1, -1, -1, -1}};
  mmc_buffer source = buffer_of(from, 100), target = buffer_of(to, 100);
  EXPECT(mmcc_register_buffer(source.addr, 100) == 0);
  EXPECT(mmcc_put("k", &source, options, 0) == 0);
  EXPECT(mmcc_put("k", &source, options, 0) == -3006);
  EXPECT(mmcc_get("k", &target, 0) == 0 && std::memcmp(from, to, 100) == 0);
  EXPECT(mmcc_exist("k", 0) == 0 && mmcc_exist("none", 0) == -3102);
  const char* keys[] = {"k", "none"};
  int32_t results[2] = {9, 9};
  EXPECT(mmcc_batch_exist(keys, 2, results, 0) == 0 && results[0] == 0 && results[1] == -3102);
  mmc_data_info info[2];
  EXPECT(mmcc_batch_query(keys, 2, info, 0) == 0 && info[0].valid && info[0].size == 100 &&
         !info[1].valid);
  EXPECT(mmcc_query("none", info, 0) == -3102);
  const mmc_buffer both[] = {source, source};
  const char* fresh[] = {"k", "new"};
  EXPECT(mmcc_batch_put(fresh, 2, both, options, 2, results) == 0 && results[0] == -3006 &&
         results[1] == 0);
  mmc_buffer targets[] = {buffer_of(to, 100), buffer_of(from, 100)};
  EXPECT(mmcc_batch_get(keys, 2, targets, 0, results) == 0 && results[0] == 0 && results[1] == -1);
  EXPECT(mmcc_batch_remove(fresh, 2, results, 0) == 0 && results[0] == 0 && results[1] == 0);
  EXPECT(mmcc_remove("k", 0) == -3102);
  mmc_uninit();
  EXPECT(mmcc_get("k", &target, 0) == -3019);
}

void use_services(const char* url) {
  mmc_local_service_config_t local{};
  std::strcpy(local.discoveryURL, url);
  std::strcpy(local.dataOpType, "host_shm");
  local.localDRAMSize = 32 << 20;
  local.worldSize = 4;
  const mmc_local_service_t service = mmcs_local_service_start(&local);
  EXPECT(service != nullptr);
  mmc_client_config_t client{};
  std::strcpy(client.discoveryURL, url);
  std::strcpy(client.dataOpType, "host_shm");
  EXPECT(mmcc_init(&client) == 0);
  char value[10] = "value";
  mmc_put_options options{1, NATIVE_AFFINITY, 1, {-1, -1, -1, -1, -1, -1, -1, -1}};
  mmc_buffer buffer = buffer_of(value, 10);
  EXPECT(mmcc_put("served", &buffer, options, 0) == 0);
  mmcc_uninit();
  mmcs_local_service_stop(service);
  mmcs_local_service_stop(nullptr);
  mmc_meta_service_config_t meta = create_default_meta_config();
  std::strcpy(meta.discoveryURL, url);  // taken
  EXPECT(mmcs_meta_service_start(&meta) == nullptr);
  EXPECT(mmcs_meta_service_start(nullptr) == nullptr);
}

int lines = 0;
void count_lines(int, const char*) { ++lines; }

}  // namespace

int main(int, char** arguments) {
  EXPECT(mmc_set_extern_logger(count_lines) == 0 && mmc_set_log_level(2) == 0);
  EXPECT(mmc_set_log_level(7) == -3000);
  EXPECT(local_config_to_string(create_default_local_config()).find("world_size: 256") !=
         std::string::npos);
  EXPECT(meta_config_to_string(create_default_meta_config()).find("evict_threshold_high: 90") !=
         std::string::npos);
  use_class(arguments[1]);
  use_functions(arguments[1]);
  use_services(arguments[1]);
  EXPECT(lines > 0);  // the port that is taken
  return failures == 0 ? 0 : 1;
}
