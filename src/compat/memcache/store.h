// MemCache's store: its calls, checks and return codes over a client of ours. The C, C++ and
// Python faces only turn their arguments into what is here. Thread-safe; never throws for what
// goes wrong in the pool. Several stores of a process are independent.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compat/memcache/blobs.h"
#include "compat/memcache/codes.h"
#include "compat/memcache/membership.h"

namespace aquifer::compat::memcache {

/// How a call names its memory, and with that how it refuses: the calls for layers answer -3000
/// per key, the others -1.
enum class Form : std::uint8_t {
  kSingle,  ///< one key
  kFlat,    ///< many keys, a piece each: one bad argument refuses all
  kLayers,  ///< many pieces each
};

/// Where copies go; engines pass 0 and 1 even for memory of the host, so only sense is checked.
enum Direction : int { kL2G = 0, kG2L = 1, kG2H = 2, kH2G = 3, kAuto = 9 };
bool is_put(int direct, Form form);
bool is_get(int direct, Form form);

struct Replicas {
  unsigned count = 1;
  std::vector<std::int32_t> preferred;
};

/// What is known of one object.
struct KeyFacts {
  std::uint64_t bytes = 0;  ///< 0: it is not there
  std::vector<int> ranks;
  std::uint64_t gva = 0;
};

constexpr std::size_t kKeyBytesMax = 256;
constexpr std::size_t kLayersMax = 255;
constexpr std::size_t kBatchMax = 16384;

class Store {
 public:
  Store() = default;
  ~Store() { close(); }
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  int setup(const local_config& config);
  /// Without setup before, by the file that `config_path` names (MMC_LOCAL_CONFIG_PATH).
  int init(std::uint32_t device, bool give_memory);
  int close();
  std::uint32_t rank();

  /// One code per item. A batch before init, or of too many keys, has one element.
  std::vector<int> put(std::span<const PutItem> items, Form form, int direct,
                       const Replicas& replicas = {}, int (*code_of)(Status) = put_code);
  std::vector<int> get(std::span<const GetItem> items, Form form, int direct);

  /// Sizes for a get into memory of its own: negative is a code. Asks nobody when it is known.
  std::vector<std::int64_t> sizes(std::span<const std::string_view> keys);

  int remove_all();
  std::vector<int> remove(std::span<const std::string_view> keys);
  std::vector<int> exists(std::span<const std::string_view> keys);
  std::vector<KeyFacts> facts(std::span<const std::string_view> keys);

  int register_buffer(std::uint64_t address, std::uint64_t bytes);

  std::vector<std::uint64_t> allocate(std::span<const std::string_view> keys,
                                      std::span<const std::uint64_t> sizes, std::uint64_t lease_ms);
  int copy(std::span<const BlobCopy> copies, int direct);
  std::vector<int> finish(std::span<const std::string_view> keys, std::span<const int> results);
  std::vector<int> add_lease(std::span<const std::string_view> keys, std::uint64_t lease_ms);
  int remove_lease(std::span<const std::string_view> keys);

 private:
  std::shared_ptr<Membership> member();
  bool may_place(Membership& member, const Replicas& replicas);

  std::mutex mutex_;  ///< guards what follows, and lets one init or close go on at a time
  std::optional<Settings> settings_;
  std::shared_ptr<Membership> member_;
  Blobs blobs_;
};

/// The file named by an environment variable when this library was loaded; empty: none.
const std::string& local_config_path();
const std::string& meta_config_path();

}  // namespace aquifer::compat::memcache
