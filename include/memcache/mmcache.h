// MemCache's C++ class for a pool: put, get, exists and remove objects by plain addresses, single
// and batch, contiguous and in layers. Answers are codes (0 or negative), never exceptions; all
// calls are thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "mmc_def.h"

#pragma GCC visibility push(default)

/// Configurations with every default filled in, and as text for people.
local_config create_default_local_config();
std::string local_config_to_string(const local_config& config);
mmc_meta_service_config_t create_default_meta_config();
std::string meta_config_to_string(const mmc_meta_service_config_t& config);

namespace ock {
namespace mmc {

/// Size and places of one object; size 0 when it is not there.
class KeyInfo {
 public:
  KeyInfo(uint64_t size, uint32_t blobNum) : size_(size), blobs_(blobNum) {}
  KeyInfo() = default;

  uint64_t Size() const { return size_; }
  uint32_t GetBlobNum() const { return blobs_; }
  const std::vector<int>& GetLocs() const { return locs_; }
  const std::vector<int>& GetTypes() const { return types_; }
  const std::vector<uint64_t>& GetGvas() const { return gvas_; }
  void AddLoc(int loc) { locs_.push_back(loc); }
  void AddType(int type) { types_.push_back(type); }
  void AddGva(uint64_t gva) { gvas_.push_back(gva); }

  /// "loc:0, type:1, blobNum:1, size:5".
  std::string ToString() const;

 private:
  uint64_t size_ = 0;
  uint32_t blobs_ = 0;
  std::vector<int> locs_;
  std::vector<int> types_;
  std::vector<uint64_t> gvas_;
};

std::ostream& operator<<(std::ostream& out, const KeyInfo& info);

struct ReplicateConfig {
  uint16_t replicaNum = 1;                        ///< 1 to 8, on distinct local services
  std::vector<int32_t> preferredLocalServiceIDs;  ///< distinct, at most replicaNum
};

/// `direct`: 0 and 3 put, 1 and 2 get (host or device, as the address says), 9 either.
class ObjectStore {
 public:
  static std::shared_ptr<ObjectStore> CreateObjectStore();

  ObjectStore() = default;
  virtual ~ObjectStore() = default;
  ObjectStore(const ObjectStore&) = delete;
  ObjectStore& operator=(const ObjectStore&) = delete;

  virtual int Setup(const local_config& config) = 0;
  virtual int Init(uint32_t deviceId, bool initBm = true) = 0;
  virtual int TearDown() = 0;

  virtual int RegisterBuffer(void* buffer, size_t size) = 0;
  virtual int UnRegisterBuffer(void* buffer, size_t size) = 0;

  virtual int GetInto(const std::string& key, void* buffer, size_t size, int32_t direct = 2) = 0;
  virtual std::vector<int> BatchGetInto(const std::vector<std::string>& keys,
                                        const std::vector<void*>& buffers,
                                        const std::vector<size_t>& sizes, int32_t direct = 2) = 0;
  virtual int GetIntoLayers(const std::string& key, const std::vector<void*>& buffers,
                            const std::vector<size_t>& sizes, int32_t direct = 2) = 0;
  virtual std::vector<int> BatchGetIntoLayers(const std::vector<std::string>& keys,
                                              const std::vector<std::vector<void*>>& buffers,
                                              const std::vector<std::vector<size_t>>& sizes,
                                              int32_t direct = 2) = 0;

  virtual int PutFrom(const std::string& key, void* buffer, size_t size, int32_t direct = 3,
                      const ReplicateConfig& replicateConfig = {}) = 0;
  virtual std::vector<int> BatchPutFrom(const std::vector<std::string>& keys,
                                        const std::vector<void*>& buffers,
                                        const std::vector<size_t>& sizes, int32_t direct = 3,
                                        const ReplicateConfig& replicateConfig = {}) = 0;
  virtual int PutFromLayers(const std::string& key, const std::vector<void*>& buffers,
                            const std::vector<size_t>& sizes, int32_t direct = 3,
                            const ReplicateConfig& replicateConfig = {}) = 0;
  virtual std::vector<int> BatchPutFromLayers(const std::vector<std::string>& keys,
                                              const std::vector<std::vector<void*>>& buffers,
                                              const std::vector<std::vector<size_t>>& sizes,
                                              int32_t direct = 3,
                                              const ReplicateConfig& replicateConfig = {}) = 0;

  virtual int GetLocalServiceId(uint32_t& localServiceId) = 0;

  virtual int Remove(const std::string& key) = 0;
  virtual std::vector<int> BatchRemove(const std::vector<std::string>& keys) = 0;
  virtual int RemoveAll() = 0;

  /// 1 there, 0 not there, negative: it could not be told.
  virtual int IsExist(const std::string& key) = 0;
  virtual std::vector<int> BatchIsExist(const std::vector<std::string>& keys) = 0;

  virtual KeyInfo GetKeyInfo(const std::string& key, uint32_t flag = 0) = 0;
  virtual std::vector<KeyInfo> BatchGetKeyInfo(const std::vector<std::string>& keys,
                                               uint32_t flag = 0) = 0;

  /// Space for objects that are written piece by piece: a global address per key, 0 on failure.
  virtual std::vector<uintptr_t> BatchMalloc(const std::vector<std::string>& keys,
                                             const std::vector<size_t>& sizes, uint16_t media = 1,
                                             uint64_t leaseTtlMs = 0) = 0;

  /// Copies between global addresses and local memory: direct 0 and 3 write, 1 and 2 read.
  virtual int BatchCopy(const std::vector<void*>& gvas, const std::vector<void*>& buffers,
                        const std::vector<size_t>& sizes, int32_t direct = 3) = 0;

  /// Publishes (results[i] 0) or gives up what BatchMalloc began.
  virtual std::vector<int> BatchWriteFinish(const std::vector<std::string>& keys,
                                            const std::vector<int>& results) = 0;

  /// Lets this process read objects by their global addresses, and keeps them there, for so long.
  virtual std::vector<int> BatchAddLease(const std::vector<std::string>& keys,
                                         uint64_t leaseTtlMs = 0) = 0;
  virtual int BatchRemoveLease(const std::vector<std::string>& keys) = 0;
};

}  // namespace mmc
}  // namespace ock

#pragma GCC visibility pop
