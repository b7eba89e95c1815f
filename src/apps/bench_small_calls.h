// The small calls of a client that a bench times: gets, puts, views, look-ups of 4 KiB objects and
// one large one, with what each must answer. Does not know what they are compared with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "apps/bench_calls.h"
#include "apps/bench_small.h"
#include "apps/workload_blocks.h"
#include "aquifer/client.h"
#include "aquifer/result.h"

namespace aquifer::apps {

class SmallCalls {
 public:
  static constexpr std::size_t kBytes = 4096;
  static constexpr std::size_t kObjects = 128;  ///< that gets rotate over, and one look-up asks for

  /// `remembering` caches handles, `asking` none.
  SmallCalls(Client remembering, Client asking, const BlockShape& block, std::uint64_t seed);

  /// Stores the objects. Errors: what the pool says.
  Result<void> set_up();
  /// Removes everything that was put.
  void remove_all();

  /// The calls. They refer to this.
  TimedCall get_cached() { return get(remembering_); }
  TimedCall get_lookup() { return get(asking_); }
  TimedCall put();
  TimedCall exists();
  TimedCall view_block() { return view(block_key_, block_bytes_); }
  TimedCall view_small() { return view(keys_.front(), kBytes); }

  /// The next value that is read gets a wrong byte before it is compared.
  void plant_wrong_byte() { is_wrong_byte_due_ = true; }

  /// Requests to meta so far, of the client that remembers.
  std::uint64_t meta_calls() const { return remembering_.counters().meta_calls; }
  Client& client() { return asking_; }

 private:
  TimedCall get(Client& client);
  TimedCall view(const std::string& key, std::uint64_t bytes);
  bool holds(const View& view, const std::string& key) const;
  bool check_puts();

  Client remembering_;
  Client asking_;
  const BlockShape shape_;
  const std::uint64_t seed_;
  const SmallObjects objects_;
  const SmallObjects fresh_;
  const std::string block_key_;
  const std::uint64_t block_bytes_;
  std::vector<std::string> keys_;
  std::vector<std::byte> memory_;
  bool is_wrong_byte_due_ = false;

  std::size_t next_ = 0;  // of keys_
  GetOutcome got_;
  std::uint64_t fresh_made_ = 0;
  std::vector<std::string> put_keys_;  // of this round
  Status put_status_ = Status::kOk;
  std::vector<std::string_view> all_keys_;
  std::vector<Status> found_;
  std::optional<View> view_;
  std::vector<ConstPiece> seen_;  // the pieces that have been compared
};

}  // namespace aquifer::apps
