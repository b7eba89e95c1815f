// What a bench found, as plain values, and its two forms: a table for people and JSON for programs.
// The names of rows and of JSON fields are an interface: they are added to, never renamed. Measures
// nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "apps/workload_machine.h"

namespace aquifer::apps {

/// One way to reach the limit: a copy variant, a use of sockets.
struct BenchCandidate {
  std::string name;
  double value = 0;
};

/// One measured path beside one bound. A path with two bounds has two rows.
struct BenchRow {
  std::string name;  ///< "shm.get.r1.b8.t1": transport, operation, replicas, batch, copy threads
  std::string unit = "GB/s";  ///< 10^9 bytes of values a second
  double value = 0;           ///< the median
  double reference = 0;       ///< the median of the bound
  std::string reference_name;
  std::string better = "higher";
  std::optional<double> target;  ///< for the ratio; none where nothing is promised
  bool verified = false;         ///< every byte compared, and the bytes seen in the nodes' counters

  std::vector<double> samples;             ///< of the value, in the order of the rounds
  std::vector<BenchCandidate> candidates;  ///< everything that was tried for the reference
  std::uint64_t moved_bytes = 0;           ///< of values, in all samples
  std::uint64_t node_bytes = 0;            ///< what the nodes' own counters say about the same time
  std::uint64_t client_process = 0;        ///< pid
  std::vector<std::uint64_t> node_processes;  ///< pids

  double ratio() const { return reference > 0 ? value / reference : 0; }
  std::optional<bool> met() const;
};

struct BenchReport {
  Machine machine;
  std::uint64_t object_bytes = 0;
  std::size_t pieces = 0;
  std::uint64_t rotation_bytes = 0;  ///< source, pool and destination each rotate over so much
  unsigned rounds = 0;
  unsigned streams = 0;
  std::vector<BenchRow> rows;
  std::vector<std::string> remarks;  ///< what a reader has to know besides

  bool verified() const;
};

/// A row of what one measurement found, the less the better, by this process.
BenchRow cost_row(std::string name, const char* unit, const std::vector<double>& samples,
                  bool verified, std::vector<std::uint64_t> node_processes);

/// The median; 0 of nothing. The mean of the two in the middle where the count is even.
double median(std::vector<double> values);

/// The promised share of the bound, as the project states it; none where nothing is promised.
std::optional<double> bench_target(const std::string& transport, std::size_t batch,
                                   unsigned threads, unsigned replicas, unsigned cores);

/// What is promised against glibc's memcpy over mapped memory.
std::optional<double> bench_memcpy_target(std::size_t batch, unsigned threads, unsigned replicas);

std::string bench_text(const BenchReport& report);
std::string bench_json(const BenchReport& report);

}  // namespace aquifer::apps
