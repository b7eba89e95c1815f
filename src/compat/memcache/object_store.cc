// ock::mmc::ObjectStore and the free functions of mmcache.h.
#include "memcache/mmcache.h"

#include <algorithm>
#include <string_view>

#include "base/strings.h"
#include "compat/memcache/config_file.h"
#include "compat/memcache/store.h"

namespace memcache = aquifer::compat::memcache;

local_config create_default_local_config() { return memcache::default_local_config(); }

std::string local_config_to_string(const local_config& config) {
  return memcache::to_text("LocalConfig", &config, memcache::local_fields());
}

mmc_meta_service_config_t create_default_meta_config() { return memcache::default_meta_config(); }

std::string meta_config_to_string(const mmc_meta_service_config_t& config) {
  return memcache::to_text("MetaConfig", &config, memcache::meta_fields());
}

namespace ock::mmc {
namespace {

using aquifer::ConstPiece;
using aquifer::GetItem;
using aquifer::Piece;
using aquifer::PutItem;
using memcache::Form;

template <class T>
std::string joined(const char* name, const std::vector<T>& values) {
  std::string out = aquifer::base::cat(name, ":");
  for (const T value : values) out += aquifer::base::cat(value, ",");
  return out;
}

std::vector<std::string_view> views(const std::vector<std::string>& keys) {
  return {keys.begin(), keys.end()};
}

memcache::Replicas replicas_of(const ReplicateConfig& config) {
  return {config.replicaNum, config.preferredLocalServiceIDs};
}

/// Objects of a batch with their pieces: P = ConstPiece for puts, Piece for gets.
template <class Item, class P>
class Items {
 public:
  void add(std::string_view key, const std::vector<void*>& buffers,
           const std::vector<std::size_t>& sizes) {
    std::vector<P>& pieces = pieces_.emplace_back(buffers.size());
    for (std::size_t i = 0; i < pieces.size(); ++i) pieces[i] = {buffers[i], sizes[i]};
    keys_.push_back(key);
  }
  std::vector<Item> items() const {
    std::vector<Item> items(keys_.size());
    for (std::size_t i = 0; i < items.size(); ++i) {
      items[i].key = keys_[i];
      items[i].pieces = pieces_[i];
    }
    return items;
  }

 private:
  std::vector<std::string_view> keys_;
  std::vector<std::vector<P>> pieces_;
};
using Puts = Items<PutItem, ConstPiece>;
using Gets = Items<GetItem, Piece>;

/// The objects of a call for layers; `codes` has -3000 for those whose lists do not fit.
template <class All>
All layered(const std::vector<std::string>& keys, const std::vector<std::vector<void*>>& buffers,
            const std::vector<std::vector<std::size_t>>& sizes) {
  All all;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    // No pieces: refused.
    const bool fit = buffers[i].size() == sizes[i].size();
    all.add(keys[i], fit ? buffers[i] : std::vector<void*>{},
            fit ? sizes[i] : std::vector<std::size_t>{});
  }
  return all;
}

template <class All>
All flat(const std::vector<std::string>& keys, const std::vector<void*>& buffers,
         const std::vector<std::size_t>& sizes) {
  All all;
  for (std::size_t i = 0; i < keys.size(); ++i) all.add(keys[i], {buffers[i]}, {sizes[i]});
  return all;
}

std::vector<int> refused(std::size_t count, int code) { return std::vector<int>(count, code); }

class Adaptor final : public ObjectStore {
 public:
  int Setup(const local_config& config) override { return store_.setup(config); }
  int Init(std::uint32_t device, bool give_memory) override {
    return store_.init(device, give_memory);
  }
  int TearDown() override { return store_.close(); }

  int RegisterBuffer(void* buffer, std::size_t size) override {
    return store_.register_buffer(reinterpret_cast<std::uint64_t>(buffer), size);
  }
  int UnRegisterBuffer(void* buffer, std::size_t size) override {
    return RegisterBuffer(buffer, size);
  }

  int GetInto(const std::string& key, void* buffer, std::size_t size,
              std::int32_t direct) override {
    Gets all;
    all.add(key, {buffer}, {size});
    return store_.get(all.items(), Form::kSingle, direct).front();
  }
  std::vector<int> BatchGetInto(const std::vector<std::string>& keys,
                                const std::vector<void*>& buffers,
                                const std::vector<std::size_t>& sizes,
                                std::int32_t direct) override {
    if (buffers.size() != keys.size() || sizes.size() != keys.size()) {
      return refused(keys.size(), memcache::kError);
    }
    const auto all = flat<Gets>(keys, buffers, sizes);
    return store_.get(all.items(), Form::kFlat, direct);
  }
  int GetIntoLayers(const std::string& key, const std::vector<void*>& buffers,
                    const std::vector<std::size_t>& sizes, std::int32_t direct) override {
    return BatchGetIntoLayers({key}, {buffers}, {sizes}, direct).front();
  }
  std::vector<int> BatchGetIntoLayers(const std::vector<std::string>& keys,
                                      const std::vector<std::vector<void*>>& buffers,
                                      const std::vector<std::vector<std::size_t>>& sizes,
                                      std::int32_t direct) override {
    if (buffers.size() != keys.size() || sizes.size() != keys.size()) {
      return refused(keys.size(), memcache::kInvalidParam);
    }
    const auto all = layered<Gets>(keys, buffers, sizes);
    return store_.get(all.items(), Form::kLayers, direct);
  }

  int PutFrom(const std::string& key, void* buffer, std::size_t size, std::int32_t direct,
              const ReplicateConfig& config) override {
    Puts all;
    all.add(key, {buffer}, {size});
    return store_.put(all.items(), Form::kSingle, direct, replicas_of(config)).front();
  }
  std::vector<int> BatchPutFrom(const std::vector<std::string>& keys,
                                const std::vector<void*>& buffers,
                                const std::vector<std::size_t>& sizes, std::int32_t direct,
                                const ReplicateConfig& config) override {
    if (buffers.size() != keys.size() || sizes.size() != keys.size()) {
      return refused(keys.size(), memcache::kError);
    }
    const auto all = flat<Puts>(keys, buffers, sizes);
    return store_.put(all.items(), Form::kFlat, direct, replicas_of(config));
  }
  int PutFromLayers(const std::string& key, const std::vector<void*>& buffers,
                    const std::vector<std::size_t>& sizes, std::int32_t direct,
                    const ReplicateConfig& config) override {
    return BatchPutFromLayers({key}, {buffers}, {sizes}, direct, config).front();
  }
  std::vector<int> BatchPutFromLayers(const std::vector<std::string>& keys,
                                      const std::vector<std::vector<void*>>& buffers,
                                      const std::vector<std::vector<std::size_t>>& sizes,
                                      std::int32_t direct, const ReplicateConfig& config) override {
    if (buffers.size() != keys.size() || sizes.size() != keys.size()) {
      return refused(keys.size(), memcache::kInvalidParam);
    }
    const auto all = layered<Puts>(keys, buffers, sizes);
    return store_.put(all.items(), Form::kLayers, direct, replicas_of(config));
  }

  int GetLocalServiceId(std::uint32_t& id) override {
    id = store_.rank();
    return id == memcache::Membership::kNoRank ? int{memcache::kClientNotInit} : 0;
  }

  int Remove(const std::string& key) override { return BatchRemove({key}).front(); }
  std::vector<int> BatchRemove(const std::vector<std::string>& keys) override {
    return store_.remove(views(keys));
  }
  int RemoveAll() override { return store_.remove_all(); }
  int IsExist(const std::string& key) override { return BatchIsExist({key}).front(); }
  std::vector<int> BatchIsExist(const std::vector<std::string>& keys) override {
    return store_.exists(views(keys));
  }

  KeyInfo GetKeyInfo(const std::string& key, std::uint32_t flag) override {
    return BatchGetKeyInfo({key}, flag).front();
  }
  std::vector<KeyInfo> BatchGetKeyInfo(const std::vector<std::string>& keys,
                                       std::uint32_t /*flag*/) override {
    std::vector<KeyInfo> infos;
    for (const memcache::KeyFacts& facts : store_.facts(views(keys))) {
      KeyInfo& info =
          infos.emplace_back(facts.bytes, static_cast<std::uint32_t>(facts.ranks.size()));
      for (const int rank : facts.ranks) {
        info.AddLoc(rank);
        info.AddType(1);
        info.AddGva(facts.gva);
      }
    }
    return infos;
  }

  std::vector<std::uintptr_t> BatchMalloc(const std::vector<std::string>& keys,
                                          const std::vector<std::size_t>& sizes,
                                          std::uint16_t /*media*/, std::uint64_t lease) override {
    const std::vector<std::uint64_t> bytes(sizes.begin(), sizes.end());
    const auto addresses = store_.allocate(views(keys), bytes, lease);
    return {addresses.begin(), addresses.end()};
  }
  int BatchCopy(const std::vector<void*>& gvas, const std::vector<void*>& buffers,
                const std::vector<std::size_t>& sizes, std::int32_t direct) override {
    if (buffers.size() != gvas.size() || sizes.size() != gvas.size()) return memcache::kError;
    std::vector<memcache::BlobCopy> copies(gvas.size());
    for (std::size_t i = 0; i < copies.size(); ++i) {
      copies[i] = {reinterpret_cast<std::uint64_t>(gvas[i]), {buffers[i], sizes[i]}};
    }
    return store_.copy(copies, direct);
  }
  std::vector<int> BatchWriteFinish(const std::vector<std::string>& keys,
                                    const std::vector<int>& results) override {
    return store_.finish(views(keys), results);
  }
  std::vector<int> BatchAddLease(const std::vector<std::string>& keys, std::uint64_t ttl) override {
    return store_.add_lease(views(keys), ttl);
  }
  int BatchRemoveLease(const std::vector<std::string>& keys) override {
    return store_.remove_lease(views(keys));
  }

 private:
  memcache::Store store_;
};

}  // namespace

std::string KeyInfo::ToString() const {
  return aquifer::base::cat(joined("loc", locs_), " ", joined("type", types_), " ",
                            "blobNum:", blobs_, ", size:", size_);
}

std::ostream& operator<<(std::ostream& out, const KeyInfo& info) {
  return out << "keyinfo{" << info.ToString() << "}";
}

std::shared_ptr<ObjectStore> ObjectStore::CreateObjectStore() {
  return std::make_shared<Adaptor>();
}

}  // namespace ock::mmc
