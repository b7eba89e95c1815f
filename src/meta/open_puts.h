// The open puts: which have been given room and are not finished yet, by put, by key, by client and
// in the order in which they expire; and how the latest ones ended, for commits that are repeated.
// Not here: what follows from any of it (state_machine.h).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <unordered_map>
#include <vector>

#include "aquifer/types.h"
#include "base/check.h"
#include "base/chunked_vector.h"
#include "base/ids.h"
#include "base/index_table.h"
#include "meta/directory.h"
#include "meta/put_numbers.h"
#include "protocol/epoch.h"

namespace aquifer::meta {

using OpenPutIndex = std::uint32_t;

struct OpenPut {
  struct Links {
    OpenPutIndex before = kNone;
    OpenPutIndex after = kNone;
  };
  base::Hash128 hash{};
  base::Hash128 parent{};
  std::uint64_t epoch = 0;
  std::uint64_t sequence = 0;  ///< 0: the record is free
  std::uint64_t value_bytes = 0;
  base::ClientId client{};
  std::uint64_t ticket = 0;
  Time expires{};
  std::vector<PlacedReplica> replicas;
  PutMode mode = PutMode::kKeep;
  bool cancelled = false;
  bool publishing = false;  ///< with its group: it neither expires nor goes with its client
  // The lists that it is in belong to OpenPuts.
  Links of_key;
  Links of_client;
  Links of_time;
};

class OpenPuts {
 public:
  /// Numbers puts within an epoch, from 1 on.
  explicit OpenPuts(std::uint64_t epoch) : epoch_(epoch) {}

  /// Puts that are opened from here on are of this epoch of the same meta. The numbers go on.
  void raise(std::uint64_t epoch) { epoch_ = epoch; }
  /// The id that no put opened so far is above.
  base::PutId last() const { return {epoch_, numbers_.last()}; }

  OpenPut& operator[](OpenPutIndex index) {
    AQ_CHECK(index < records_.size());
    return records_[index];
  }
  const OpenPut& operator[](OpenPutIndex index) const {
    AQ_CHECK(index < records_.size());
    return records_[index];
  }
  /// True for an id given out by this meta, whatever its number was then.
  bool is_ours(const base::PutId& id) const { return protocol::same_meta(id.epoch, epoch_); }
  base::PutId id_of(OpenPutIndex put) const {
    return {records_[put].epoch, records_[put].sequence};
  }
  std::uint64_t size() const { return records_.size() - free_.size(); }

  /// A blank record, without a place in any order yet: to be filled in and then opened, or to be
  /// left. The next call may return the same one.
  OpenPut& blank();
  /// Opens the put of the blank record: gives it its id and keeps it in all orders.
  OpenPutIndex open();
  /// kNone: there is none, or not any more.
  OpenPutIndex find(const base::PutId& id) const {
    return is_ours(id) ? numbers_.find(id.sequence) : kNone;
  }
  /// Ends a put.
  void close(OpenPutIndex put, Status outcome);
  /// How a put ended, if it was one of the latest PutNumbers::kOutcomes or more.
  void amend(const base::PutId& id, Status outcome) {
    if (is_ours(id)) {
      numbers_.amend(id.sequence, outcome);
    }
  }
  std::optional<Status> outcome(const base::PutId& id) const {
    return is_ours(id) ? numbers_.outcome(id.sequence) : std::nullopt;
  }

  // visit(OpenPutIndex); it may close what it is called for, and nothing else.
  template <class Visit>
  void for_each_of_key(const base::Hash128& hash, Visit visit) const {
    walk<&OpenPut::of_key>(first_of_key(hash), visit);
  }
  template <class Visit>
  void for_each_of_client(base::ClientId client, Visit visit) const {
    const auto found = by_client_.find(client);
    walk<&OpenPut::of_client>(found == by_client_.end() ? kNone : found->second, visit);
  }
  template <class Visit>
  void for_each(Visit visit) const {
    for (OpenPutIndex put = 0; put < records_.size(); ++put) {
      if (records_[put].sequence != 0) {
        visit(put);
      }
    }
  }
  /// Those whose time is over, each once; they stay open. visit(OpenPutIndex) closes nothing.
  template <class Visit>
  void expire(Time now, Visit visit) {
    while (!by_time_.empty() && by_time_.begin()->first <= now) {
      const OpenPutIndex first = by_time_.begin()->second;
      by_time_.erase(by_time_.begin());
      walk<&OpenPut::of_time>(first, [&](OpenPutIndex put) {
        records_[put].expires = kNever;
        visit(put);
      });
    }
  }

 private:
  static constexpr Time kNever = Time::max();  ///< has expired: in no list of by_time_

  template <OpenPut::Links OpenPut::*kLinks, class Visit>
  void walk(OpenPutIndex put, Visit visit) const {
    while (put != kNone) {
      const OpenPutIndex after = (records_[put].*kLinks).after;
      visit(put);
      put = after;
    }
  }
  template <OpenPut::Links OpenPut::*kLinks>
  void link_first(OpenPutIndex put, OpenPutIndex first);
  template <OpenPut::Links OpenPut::*kLinks>
  OpenPutIndex unlink(OpenPutIndex put, OpenPutIndex first);
  OpenPutIndex first_of_key(const base::Hash128& hash) const;

  std::uint64_t epoch_;
  PutNumbers numbers_;
  base::ChunkedVector<OpenPut, 256> records_;
  std::vector<OpenPutIndex> free_;
  // The first of the list of each.
  base::IndexTable by_key_;
  std::unordered_map<base::ClientId, OpenPutIndex> by_client_;
  std::map<Time, OpenPutIndex> by_time_;
};

}  // namespace aquifer::meta
