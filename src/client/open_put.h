// One object between the start of its put and the end: the transfers to its replicas, and what
// became of them.
#pragma once

#include <algorithm>
#include <memory>
#include <string_view>

#include "client/session.h"

namespace aquifer::client {

struct Session::OpenPut {
  std::size_t index = 0;  ///< in the batch
  base::PutId put{};
  Transfers replicas;
  PutVerdict verdict{};

  /// A transfer per replica of the handle; the names outlive it.
  static OpenPut of(std::size_t index, const Handle& handle, std::string_view name_space,
                    std::string_view key) {
    OpenPut put{index, handle.put, {}, {}};
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

  bool may_be_sealed() const {
    return std::any_of(replicas.begin(), replicas.end(), [](const auto& transfer) {
      return transfer->may_be_sealed && transfer->outcome.load() != Outcome::kStale;
    });
  }

  /// The outcome of a replica that failed, if one did.
  Status failure_of_replicas() const {
    Status found = Status::kOk;
    for (const auto& transfer : replicas) {
      if (const Status failure = failure_of(transfer->outcome.load()); failure != Status::kOk) {
        found = failure;
      }
    }
    return found;
  }
};

}  // namespace aquifer::client
