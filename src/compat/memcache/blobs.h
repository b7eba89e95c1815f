// Objects by global address, as layer-wise transfers use them: space that is written piece by
// piece before it is published, and objects that are read piece by piece under a lease. An address
// says nothing but which object and which byte of it: every read is verified like any other. The
// address of a key is the same in every process. Thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "aquifer/client.h"

namespace aquifer::compat::memcache {

/// One copy between global addresses and local memory.
struct BlobCopy {
  std::uint64_t gva = 0;
  Piece local;
};

class Blobs {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::seconds kLease{10};

  /// Where an object of this key begins. Positive as a signed number, far from any real memory.
  static std::uint64_t address_of(std::string_view key);

  /// Space for objects: an address per key, 0 on failure (also for a key that is there already).
  std::vector<std::uint64_t> allocate(Client& client, std::span<const std::string_view> keys,
                                      std::span<const std::uint64_t> sizes,
                                      std::string_view preferred_node,
                                      std::chrono::milliseconds lease);

  /// kDone, or the code of the first copy that could not be made.
  int write(std::span<const BlobCopy> copies);
  int read(Client& client, std::span<const BlobCopy> copies);

  /// Publishes (result 0) or gives up what was allocated: a code per key.
  std::vector<int> finish(std::span<const std::string_view> keys, std::span<const int> results);

  /// Read leases: a code per key.
  std::vector<int> add_lease(Client& client, std::span<const std::string_view> keys,
                             std::chrono::milliseconds lease);
  int remove_lease(Client& client, std::span<const std::string_view> keys);

  /// Gives up what was not published.
  void clear();

 private:
  class Blob;
  using BlobPtr = std::shared_ptr<Blob>;

  /// What lies at an address, and the byte of it; null when nothing that is known does.
  std::pair<BlobPtr, std::uint64_t> find(const BlobCopy& copy);
  BlobPtr find(std::string_view key);
  bool add(BlobPtr blob);
  void drop(std::string_view key);
  void drop_expired();

  std::mutex mutex_;
  std::map<std::uint64_t, BlobPtr> by_address_;
};

}  // namespace aquifer::compat::memcache
