// The writers and readers of a pressure run: a thread and a client each. What they find is theirs
// until they have been joined.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "apps/pressure_run.h"

namespace aquifer::apps {

/// What all of them share, and the boundaries of the phases. Thread-safe.
class PressureCourse {
 public:
  PressureCourse(const PressureLoad& load, std::uint64_t pool_bytes, std::uint64_t goal_bytes)
      : load_(load), pool_bytes_(pool_bytes), goal_bytes_(goal_bytes) {}

  const PressureLoad& load() const { return load_; }

  /// The number of the next object to put, or false when enough has been.
  bool take(std::uint64_t& number);
  std::uint64_t taken() const { return next_; }
  std::uint64_t written() const { return written_; }

  PressurePhase phase() const;

  /// Counts a put that succeeded, and looks for the first eviction where there was none so far.
  void stored(std::uint64_t bytes, Client& client);
  std::uint64_t live_bytes_at_first_eviction() const { return evicts_ ? live_.load() : 0; }

 private:
  const PressureLoad& load_;
  const std::uint64_t pool_bytes_;
  const std::uint64_t goal_bytes_;
  std::atomic<std::uint64_t> next_{0};
  std::atomic<std::uint64_t> asked_{0};    // bytes of the objects taken
  std::atomic<std::uint64_t> written_{0};  // bytes of the puts that succeeded
  std::atomic<std::uint64_t> live_{0};     // the most that were seen without an eviction
  std::atomic<bool> evicts_{false};
};

/// One writer's puts of one phase.
struct PressureCalls {
  std::vector<double> milliseconds;
  std::uint64_t bytes = 0;
};

class PressureWriter {
 public:
  PressureWriter(PressureCourse& course, Client client, PressureBuffer buffer)
      : course_(course), client_(std::move(client)), buffer_(std::move(buffer)) {}

  /// Puts until the course is done.
  void run();
  /// Adds what it found. After run().
  void report(PressureOutcome& outcome, std::array<std::vector<double>, 3>& times);

 private:
  void put(std::uint64_t number);

  PressureCourse& course_;
  Client client_;
  PressureBuffer buffer_;
  std::array<PressureCalls, kPressurePhases.size()> calls_;
  std::uint64_t puts_ = 0;
  std::uint64_t refused_ = 0;
  std::string trouble_;
};

class PressureReader {
 public:
  PressureReader(const PressureCourse& course, Client client, PressureBuffer buffer,
                 std::uint64_t seed)
      : course_(course), client_(std::move(client)), buffer_(std::move(buffer)), seed_(seed) {}

  /// Reads objects out of the newest that fit into a pool of `pool_bytes` until `stop`.
  void run(const std::atomic<bool>& stop, std::uint64_t pool_bytes);
  /// Reads and checks one object; the bytes of it, 0 when it was not delivered.
  std::uint64_t read(std::uint64_t number);
  void plant_wrong_byte() { is_wrong_byte_due_ = true; }
  void report(PressureOutcome& outcome);

 private:
  void check(std::uint64_t number, std::span<const Piece> pieces, std::uint64_t bytes);

  const PressureCourse& course_;
  Client client_;
  PressureBuffer buffer_;
  std::uint64_t seed_;
  std::uint64_t reads_ = 0;
  std::uint64_t misses_ = 0;
  std::uint64_t failed_ = 0;
  std::uint64_t wrong_ = 0;
  bool is_wrong_byte_due_ = false;
  std::string trouble_;
};

}  // namespace aquifer::apps
