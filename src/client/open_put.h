// One object between the start of its put and the end: the transfers to its replicas, and what
// became of them.
#pragma once

#include <memory>
#include <string_view>

#include "client/session.h"

namespace aquifer::client {

struct Session::OpenPut {
  std::size_t index = 0;  ///< in the batch
  base::PutId put{};
  Transfers replicas;
  Status failure = Status::kOk;

  /// A transfer per replica of the handle; the names outlive it.
  static OpenPut of(std::size_t index, const Handle& handle, std::string_view name_space,
                    std::string_view key) {
    OpenPut put{index, handle.put, {}, Status::kOk};
    for (const ReplicaPlace& place : handle.replicas) {
      auto transfer = std::make_unique<Transfer>();
      transfer->name_space = name_space;
      transfer->key = key;
      transfer->put = handle.put;
      transfer->value_bytes = handle.value_bytes;
      transfer->replicas = static_cast<std::uint16_t>(handle.replicas.size());
      transfer->place = place;
      put.replicas.push_back(std::move(transfer));
    }
    return put;
  }

  /// What a reader needs once it is committed.
  Handle handle() const {
    Handle whole;
    whole.put = put;
    whole.value_bytes = replicas.front()->value_bytes;
    for (const auto& transfer : replicas) {
      whole.replicas.push_back(transfer->place);
      whole.replicas.back().header_digest = transfer->header_digest;
    }
    return whole;
  }

  /// What the put has to be given up for: the outcome of a replica that failed, if one did.
  Status failure_of_replicas() const {
    Status found = Status::kOk;
    for (const auto& transfer : replicas) {
      switch (transfer->outcome.load()) {
        case Outcome::kDone:
          break;
        case Outcome::kStale:
          found = Status::kCancelled;
          break;
        case Outcome::kDamaged:
          found = Status::kIntegrity;
          break;
        case Outcome::kUnreachable:
          found = Status::kUnreachable;
          break;
        case Outcome::kTimeout:
          found = Status::kTimeout;
          break;
      }
    }
    return found;
  }
};

}  // namespace aquifer::client
