// One path of a bench (transport, batch, copy threads): its puts and gets, each measured in turn
// with what limits it. For bench_run.cc, which owns everything that is referred to here.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "apps/bench_crew.h"
#include "apps/bench_node_bytes.h"
#include "apps/bench_objects.h"
#include "apps/bench_plan.h"
#include "apps/bench_report.h"
#include "apps/bench_sockets.h"
#include "apps/workload_progress.h"

namespace aquifer::apps {

/// Raw sockets set up in one way.
struct SocketKind {
  std::string suffix;  ///< of the names of its limits
  BenchSockets sockets;
};

/// What all paths of a bench share.
struct BenchSetup {
  const BenchSettings& settings;
  const BenchPlan& plan;
  const Machine& machine;
  const BlockBuffers& source;
  const BlockBuffers& destination;
  const BenchCopies& copies;
  const std::vector<SocketKind>& sockets;  // none where TCP is not measured
  BenchObjects& objects;
  Progress& progress;
};

class BenchPath {
 public:
  /// `client` uses this transport and so many copy threads.
  BenchPath(BenchSetup& setup, Client& client, Transport transport, unsigned threads);

  /// Moves objects until the client has touched all of the pool that the bench uses. Before
  /// measure(), once. Errors: a pool that does not answer.
  Result<void> warm_up();

  /// Rows for puts and gets with this batch, appended to `rows`. Errors: kIo, and a pool that does
  /// not answer.
  Result<void> measure(std::size_t batch, std::vector<BenchRow>& rows);

  /// How many steps of progress measure() takes.
  static std::uint64_t steps(const BenchSettings& settings);

 private:
  /// One way to reach the limit; seconds for moving a range of slots.
  struct Limit {
    std::string name;
    std::function<Result<double>(Direction, SlotRange)> run;
    bool digests = false;          // sockets that digest too: the reference of a row of their own
    std::vector<double> values{};  // GB/s, one a round
  };

  std::vector<Limit> limits(std::size_t batch);
  Result<BenchRow> measure(Direction direction, std::size_t batch, std::vector<Limit>& limits);
  Result<void> round(Direction direction, std::size_t batch, std::vector<Limit>& limits,
                     BenchRow& row);
  Result<std::uint64_t> settled_bytes(Direction direction);
  void add_rows(BenchRow row, std::size_t batch, const std::vector<Limit>& tried,
                std::vector<BenchRow>& rows) const;
  SlotRange next_slots(std::size_t batch);
  double gigabytes_a_second(std::size_t objects, double seconds) const;

  BenchSetup& setup_;
  Client& client_;
  Transport transport_;
  unsigned threads_;
  BenchCrew crew_;         // as many threads as the client uses
  BenchCrew stream_crew_;  // one thread a stream
  std::size_t next_slot_ = 0;

  /// Where the nodes' counters and the objects' own stood before this path.
  struct Mark {
    BenchNodeBytes counted{};
    std::uint64_t moved = 0;
  };
  Mark put_mark_;
  Mark get_mark_;
};

}  // namespace aquifer::apps
