// Objects that a pool is to keep whatever happens to its processes: put once, and looked for later
// through a client that knows nothing of them, every byte compared. Measures nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "apps/workload_blocks.h"
#include "apps/workload_progress.h"
#include "aquifer/client.h"

namespace aquifer::apps {

class KeptObjects {
 public:
  /// `count` objects of one shape, with keys that begin with `prefix`. Errors: kIo.
  static Result<KeptObjects> make(std::string prefix, const BlockShape& shape, std::size_t count,
                                  std::uint64_t seed, unsigned replicas = 1);

  std::size_t count() const { return count_; }
  std::uint64_t bytes() const { return count_ * object_bytes_; }
  std::string key(std::size_t number) const;

  /// Puts all of them. Errors: that of the first put that does not succeed.
  Result<void> put_all(Client& client, Progress& progress) const;

  /// Errors: that of the first removal that does not succeed.
  Result<void> remove_all(Client& client) const;

  /// True when one is there, with its bytes.
  bool reads(Client& client, std::size_t number) const;

  /// How many of them a new client of this pool does not find, or finds with other bytes.
  Result<std::size_t> lost(const std::string& meta, Progress& progress) const;

 private:
  KeptObjects(BlockBuffers room, std::string prefix, std::size_t object_bytes, std::size_t count,
              std::uint64_t seed, unsigned replicas);
  Content content(std::size_t number) const { return {key(number), seed_}; }
  std::size_t lost(Client& client, std::size_t first, std::size_t count) const;

  BlockBuffers room_;  // of one batch; both ways
  std::string prefix_;
  std::size_t object_bytes_;
  std::size_t count_;
  std::uint64_t seed_;
  unsigned replicas_;
};

}  // namespace aquifer::apps
