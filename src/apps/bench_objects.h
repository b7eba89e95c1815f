// The objects of a bench in the pool: a ring of keys from the oldest to the newest, put and read in
// samples, every byte checked outside the time that is measured. Does not know what it is compared
// with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "apps/bench_copies.h"
#include "apps/workload_blocks.h"
#include "aquifer/client.h"

namespace aquifer::apps {

/// One sample: some calls of one batch each.
struct BenchSample {
  double seconds = 0;  ///< inside the calls
  std::size_t objects = 0;
  bool verified = true;
  std::size_t failed = 0;              ///< objects whose call did not say ok
  std::vector<double> milliseconds{};  ///< of each call
};

class BenchObjects {
 public:
  /// `ring` objects are kept in the pool. The buffers have at least as many slots as a sample has
  /// objects, and outlive this.
  BenchObjects(std::string prefix, std::uint64_t seed, unsigned replicas, std::size_t ring,
               const BlockBuffers& source, const BlockBuffers& destination);

  /// Puts `range.count` new objects from these slots of the source, in calls of `batch`; before
  /// that as many of the oldest are removed, where the ring is full. All are read back and compared
  /// afterwards.
  BenchSample put(Client& client, SlotRange range, std::size_t batch);

  /// Reads the `range.count` objects that were not read for the longest time into these slots of
  /// the destination, poisoned before, in calls of `batch`; compares them afterwards.
  BenchSample get(Client& client, SlotRange range, std::size_t batch);

  /// Puts and reads as often as it takes until all the memory of the pool that these objects use
  /// has been touched.
  bool warm_up(Client& client, std::size_t objects, std::size_t batch);

  /// Keeps so many objects from the next put on.
  void keep(std::size_t ring) { ring_ = ring; }

  /// Damages one byte of what the next get() reads, before it is compared.
  void plant_wrong_byte() { is_wrong_byte_due_ = true; }

  void remove_all(Client& client);

  /// Bytes of values that calls have said were put, or read, so far; what a read-back reads
  /// included.
  std::uint64_t moved_bytes(Direction direction) const {
    return direction == Direction::kPut ? put_bytes_ : got_bytes_;
  }

  /// The first thing that went wrong, in words; empty when nothing did.
  const std::string& trouble() const { return trouble_; }

 private:
  std::uint64_t object_bytes() const;
  void make_room(Client& client, std::size_t count);
  void put_slots(Client& client, SlotRange range, std::size_t batch, BenchSample& sample);
  void get_keys(Client& client, const std::vector<std::string>& keys, SlotRange range,
                std::size_t batch, BenchSample& sample);
  void compare(const std::vector<std::string>& keys, SlotRange range, BenchSample& sample);
  void note_trouble(Client& client, std::string_view what, std::string_view key, Status status);

  std::string prefix_;
  std::uint64_t seed_;
  unsigned replicas_;
  std::size_t ring_;
  const BlockBuffers& source_;
  const BlockBuffers& destination_;
  std::deque<std::string> live_;  // oldest first
  std::uint64_t made_ = 0;        // keys so far
  std::size_t next_read_ = 0;     // index into live_
  std::uint64_t put_bytes_ = 0;
  std::uint64_t got_bytes_ = 0;
  bool is_wrong_byte_due_ = false;
  std::string trouble_;
};

}  // namespace aquifer::apps
