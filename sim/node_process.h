// A node as a process: its control logic and its segment, connected to meta as node/meta_link.cc
// connects it, over memory that may outlive it.
#pragma once

#include <functional>
#include <memory>

#include "node/control.h"
#include "node/segment_host.h"
#include "sim/copy_work.h"
#include "sim/meta_process.h"
#include "sim/network.h"
#include "sim/oracle.h"
#include "sim/plan.h"
#include "sim/segment_memory.h"
#include "sim/world.h"

namespace aquifer::sim {

class NodeProcess final : public Process, private node::Control::Line {
 public:
  NodeProcess(World& world, Network& network, Oracle& oracle, MetaProcess& meta, const Plan& plan,
              unsigned number, std::uint64_t data_bytes);
  ~NodeProcess() override;

  /// Attaches to what an earlier process has left, if there is any.
  void start();
  /// With its memory, when that does not outlive it.
  void crash();
  /// The memory goes too: the host has died, or somebody has removed the file.
  void lose_memory();
  std::function<void()> on_refused;  ///< the process has ended for that
  CopyWork::FindSource find_source;
  bool is_joined() const { return control_ != nullptr && joined_; }
  base::NodeId id() const { return id_; }
  /// Where it hands out its segment.
  std::string unix_name() const { return base::cat(name(), "-", base::hex(id_.value)); }
  /// What it serves; null when it does not run, or is stopped.
  std::shared_ptr<SegmentMemory> served() const {
    return runs() && !is_stopped() ? memory_ : nullptr;
  }

  /// A client's descriptor of the segment: the memory, its bit, and its lock.
  struct HandedOut {
    std::shared_ptr<SegmentMemory> memory;
    std::uint32_t user = 0;
    std::shared_ptr<UserLock> lock;
  };
  HandedOut hand_out();

 private:
  void make_host(bool is_attached);
  Result<void> replace_segment();
  void drop_host(bool tells);
  node::Control::Hooks hooks();
  void connect();
  void retry();
  void tell(const rpc::Frame& frame) const;
  void tick();

  rpc::Buffer* out() override { return connection_ == nullptr ? nullptr : &out_; }
  void appended() override;
  void close() override;
  void on_joined() override;
  void step_soon() override;

  Network& network_;
  Oracle& oracle_;
  MetaProcess& meta_;
  const Plan& plan_;
  const std::uint64_t data_bytes_;
  base::NodeId id_{};
  std::shared_ptr<SegmentMemory> memory_;
  std::shared_ptr<node::SegmentHost> host_;
  std::unique_ptr<node::Control> control_;
  std::shared_ptr<Connection> connection_;
  rpc::Buffer out_;
  Micros backoff_ = 0;
  bool joined_ = false;
};

}  // namespace aquifer::sim
