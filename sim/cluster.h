// One run: a pool of a meta, nodes and clients in a world of its own, the trouble that comes over
// it, and the end, when all is well again and what was promised is counted.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "sim/client_process.h"
#include "sim/meta_process.h"
#include "sim/network.h"
#include "sim/node_process.h"
#include "sim/oracle.h"
#include "sim/plan.h"
#include "sim/world.h"

namespace aquifer::sim {

class Cluster {
 public:
  Cluster(std::uint64_t seed, Fault fault, std::ostream* trace);
  ~Cluster();

  /// Throws a Violation.
  void run();

  const Oracle& oracle() const { return oracle_; }
  std::uint64_t steps() const { return world_.step(); }

 private:
  void make_processes();
  NodeProcess* find_node(const std::string& unix_name);

  // Work.
  void begin_work(ClientProcess& client);
  void next_call(ClientProcess& client);
  std::shared_ptr<Call> draw_call(ClientProcess& client);
  std::vector<std::uint32_t> draw_keys(std::uint32_t first, std::uint32_t among);
  std::shared_ptr<Call> draw_put(ClientProcess& client, PutMode mode, bool open, Micros deadline);
  std::shared_ptr<Call> draw_group(ClientProcess& client, Micros deadline);
  std::uint64_t draw_bytes();
  void restart(ClientProcess& client);

  // Trouble.
  struct Kind {
    Micros every = 0;
    std::function<void()> happens;
  };
  void begin_trouble();
  void wait_for(const Kind& kind);
  void something_happens();
  void meta_crashes();
  void node_crashes(NodeProcess& node, bool with_memory);
  void client_crashes(ClientProcess& client);
  void stops(Process& process);
  Connection* some_connection();
  NodeProcess& some_node() { return *nodes_[world_.below(nodes_.size())]; }
  ClientProcess& some_client() { return *clients_[world_.below(clients_.size())]; }
  Micros outage();

  // The end.
  void heal();
  void wait_until(const char* what, Micros at_most, const std::function<bool()>& is_so);
  bool is_quiet();
  void check_all_there();
  void check_all_removed();
  Status get(std::uint32_t key);
  Status remove(std::uint32_t key);

  World world_;
  const Plan plan_;
  Network network_;
  Oracle oracle_;
  MetaProcess meta_;
  std::vector<std::unique_ptr<NodeProcess>> nodes_;
  std::vector<std::unique_ptr<ClientProcess>> clients_;
  std::vector<Kind> kinds_;  ///< of trouble in this run
  std::uint32_t keys_ = 0;   ///< used so far: those of the plan, and behind them those of groups
  std::uint32_t groups_ = 0;
  bool is_troubled_ = true;  ///< things go wrong, and clients are at work
};

/// What one run came to.
struct RunResult {
  std::optional<std::string> violation;
  std::uint64_t steps = 0;
  std::uint64_t puts = 0;
  std::uint64_t gets = 0;
  std::uint64_t removes = 0;
};
RunResult run_once(std::uint64_t seed, Fault fault, std::ostream* trace);

}  // namespace aquifer::sim
