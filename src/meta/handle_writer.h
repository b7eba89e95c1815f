// Writes a reply of handles, straight from where replicas are recorded into the connection's
// buffer: no handle is built first, and nothing is allocated for one.
#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "meta/segments.h"
#include "protocol/messages.h"
#include "rpc/frame.h"

namespace aquifer::meta {

class HandleWriter {
 public:
  HandleWriter(rpc::Buffer& out, const rpc::FrameHeader& header) : frame_(out, header) {}

  /// The handle that is to be written next: replicas, then add().
  void replica(const Segment& segment, std::uint32_t slot, std::uint64_t generation,
               std::uint64_t header_digest, const Extents& extents) {
    const std::size_t first_run = runs_used_;
    for (const pool::Extent& extent : extents.all()) {
      runs_[runs_used_++] = {extent.first_unit, extent.units};
    }
    replicas_[replicas_used_++] = {
        segment.node.id,     segment.id,    slot,
        generation,          header_digest, {&runs_[first_run], runs_used_ - first_run},
        segment.node.suspect};
  }
  bool has_replicas() const { return replicas_used_ != 0; }
  void add(Status status, const base::PutId& put, std::uint64_t value_bytes) {
    frame_.add(protocol::HandleView{status, put, value_bytes,
                                    std::span(replicas_.data(), replicas_used_)});
    replicas_used_ = runs_used_ = 0;
    count(status);
  }
  /// A key that another client has been filling for so long.
  void add_being_filled(Time time) {
    frame_.add(protocol::BeingFilled{
        Status::kInFlight, {}, 0, {}, static_cast<std::uint64_t>(time.count())});
    count(Status::kInFlight);
  }
  /// A key without a handle.
  void add(Status status) {
    frame_.add(protocol::NoHandle{status});
    count(status);
  }

  /// Keys so far, and whether one of them has failed or is missing.
  std::size_t keys() const { return keys_; }
  bool failed() const { return failed_; }

  void end() { frame_.end(); }

 private:
  void count(Status status) {
    ++keys_;
    failed_ = failed_ || !is_success(status);
  }

  rpc::ListFrame frame_;
  std::array<protocol::ReplicaView, Limits::kReplicas> replicas_;
  std::array<protocol::Run, Limits::kReplicas * pool::kExtentsMax> runs_;
  std::size_t replicas_used_ = 0;
  std::size_t runs_used_ = 0;
  std::size_t keys_ = 0;
  bool failed_ = false;
};

}  // namespace aquifer::meta
