// A place in a pool under MemCache's terms: a client, and, for a local service that gives memory, a
// node named by the lowest rank that is free ("rank-0").
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aquifer/client.h"
#include "aquifer/node.h"
#include "compat/memcache/settings.h"

namespace aquifer::compat::memcache {

/// "rank-3" <-> 3. Other nodes have no rank.
std::string node_of(std::uint32_t rank);
std::optional<std::uint32_t> rank_of(std::string_view node);

class Membership {
 public:
  static constexpr std::uint32_t kNoRank = UINT32_MAX;

  /// Answers when the pool can be used. Errors: kUnreachable (no meta), kNoSpace, kConflict (all
  /// ranks are taken), kInvalidArgument ...
  static Result<std::shared_ptr<Membership>> join(const Settings& settings, bool give_memory);

  aquifer::Client& client() { return client_; }
  /// 0 for one without memory.
  std::uint32_t rank() const { return node_ ? rank_ : 0; }
  /// Name of the own node; empty without.
  const std::string& node() const { return node_name_; }

  /// True when all these ranks, and at least `replicas` nodes, are in the pool now, or were a
  /// moment ago.
  bool has(std::span<const std::int32_t> ranks, unsigned replicas);

  /// True when meta answers and knows of no node.
  bool is_empty();

  /// The number by which a node is told to callers: its rank, or 1024 and up for others.
  int number_of(std::string_view node);

  /// In a forked child nothing: the threads are the parent's.
  void leave();
  ~Membership();

 private:
  explicit Membership(aquifer::Client client);
  Result<void> give(const Settings& settings);
  std::vector<std::string> nodes(bool fresh);

  const int process_;
  aquifer::Client client_;
  std::optional<Node> node_;
  std::uint32_t rank_ = kNoRank;
  std::string node_name_;
  std::mutex mutex_;  ///< guards what follows
  std::vector<std::string> nodes_;
  std::vector<std::string> others_;  ///< nodes without a rank, in the order they were seen
  std::chrono::steady_clock::time_point nodes_read_{};
};

}  // namespace aquifer::compat::memcache
