// A copy of a replica to another node, as node/copier.cc makes it, in steps: each range is read
// from the source between two looks at its slot, and written here while the slot is granted.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "node/open_writes.h"
#include "node/segment_host.h"
#include "protocol/messages.h"
#include "sim/segment_memory.h"
#include "sim/world.h"

namespace aquifer::sim {

class CopyWork : public std::enable_shared_from_this<CopyWork> {
 public:
  /// The memory of the node that a copy comes from; null when it does not answer.
  using FindSource = std::function<std::shared_ptr<SegmentMemory>(base::SegmentId)>;
  CopyWork(Process& process, const protocol::Copy& order, std::shared_ptr<node::SegmentHost> target,
           FindSource find_source, std::function<void(const protocol::Copied&)> done);
  void start();

 private:
  void next(void (CopyWork::*step)());
  void read_header();
  void copy_page();
  void seal();
  void end(Status status);
  bool read(std::uint64_t offset, std::span<std::byte> to);
  bool write(std::uint64_t offset, std::span<const std::byte> from);
  bool is_granted() const;

  Process& process_;
  const protocol::Copy order_;
  const std::shared_ptr<node::SegmentHost> target_;
  const FindSource find_source_;
  const std::function<void(const protocol::Copied&)> done_;
  pool::SlotContent content_;
  std::shared_ptr<node::OpenWrite> entry_;
  std::vector<std::byte> header_;
  std::vector<std::uint64_t> digests_;
  std::uint64_t page_ = 0;
  std::uint64_t header_digest_ = 0;
};

}  // namespace aquifer::sim
