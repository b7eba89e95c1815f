// How many calls meta has answered, by kind: for people and monitors.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "protocol/messages.h"

namespace aquifer::meta {

enum class CallKind : std::uint8_t {
  kPut,
  kCommit,
  kGet,
  kExists,
  kMatchPrefix,
  kRemove,
  kPin,
  kList,
  kStatus,
  kJoin,
  kLeave,
};

class CallCounts {
 public:
  /// A call about so many keys. It has failed when one of them has.
  void count(CallKind kind, std::size_t keys = 1, bool failed = false) {
    Count& count = counts_[static_cast<std::size_t>(kind)];
    (keys == 1 ? count.single : count.batches) += 1;
    (keys == 1 ? count.single_failed : count.batches_failed) += failed ? 1 : 0;
  }

  std::vector<protocol::CallCount> all() const {
    constexpr std::array<std::string_view, kKinds> kNames{
        "put", "commit", "get",    "exists", "match_prefix", "remove",
        "pin", "list",   "status", "join",   "leave"};
    std::vector<protocol::CallCount> all;
    for (std::size_t i = 0; i < kKinds; ++i) {
      const Count& count = counts_[i];
      all.push_back(
          {kNames[i], count.single, count.single_failed, count.batches, count.batches_failed});
    }
    return all;
  }

 private:
  static constexpr std::size_t kKinds = static_cast<std::size_t>(CallKind::kLeave) + 1;
  struct Count {
    std::uint64_t single = 0, single_failed = 0, batches = 0, batches_failed = 0;
  };
  std::array<Count, kKinds> counts_{};
};

}  // namespace aquifer::meta
