#include "sim/meta_process.h"

#include "base/check.h"
#include "protocol/epoch.h"

namespace aquifer::sim {

using protocol::Method;

namespace {

constexpr Micros kTick = ms(10);
constexpr unsigned kTicksPerCheck = 8;

template <class Runs>
std::vector<pool::Extent> extents_of(const Runs& runs) {
  std::vector<pool::Extent> extents;
  for (const protocol::Run& run : runs) {
    extents.push_back({run.first_unit, run.units});
  }
  return extents;
}

}  // namespace

void MetaProcess::start() {
  begin();
  meta::StateOptions options;
  options.pool = {world().random_id()};
  options.process = process_ = world().random_id();
  options.secret = world().random_id();
  options.node_grace = meta::Time(2000);
  options.suspect_after = meta::Time(400);
  options.client_grace = meta::Time(300);
  options.forget_after = meta::Time(plan_.forget_after_ms);
  options.fault_reuse_limbo = plan_.fault == Fault::kReusesLimbo;
  options.faults.adopts_removed = plan_.fault == Fault::kAdoptsRemoved;
  options.faults.publishes_half = plan_.fault == Fault::kPublishesHalf;
  options.faults.allocates_unreported = plan_.fault == Fault::kAllocatesUnreported;
  options.on_evicted = [this](base::SegmentId segment, std::uint32_t slot,
                              std::uint64_t generation) {
    oracle_.evicted({segment, slot, generation});
  };
  state_.emplace(options, static_cast<meta::Outbox&>(*this));
  say("starts");
  is_informed_ = life() == 1;
  if (is_informed_) {
    oracle_.meta_is_informed(life());
  }
  tick();
}

void MetaProcess::crash() {
  say("is killed");
  network_.process_ended(*this);
  end();
  sessions_.clear();
  state_.reset();
}

meta::Time MetaProcess::now() const {
  return meta::Time(static_cast<std::int64_t>(world().now_ms()));
}

void MetaProcess::tick() {
  state_->tick(now());
  flush();
  if (++ticks_ % kTicksPerCheck == 0) {
    check_space();
  }
  after(kTick, [this] { tick(); });
}

void MetaProcess::accept(std::shared_ptr<Connection> connection) {
  const meta::SessionId session = ++last_session_;
  Handlers handlers;
  handlers.on_frame = [this, session](const rpc::Frame& frame) {
    if (sessions_.contains(session)) {
      hear(frame);
      state_->handle(session, frame, now());
      flush();
    }
  };
  handlers.on_close = [this, session] {
    if (sessions_.erase(session) != 0) {
      say("a connection has ended");
      state_->disconnected(session, now());
      flush();
    }
  };
  connection->listen(1, std::move(handlers));
  sessions_.emplace(session, Session{std::move(connection), {}});
}

rpc::Buffer* MetaProcess::open(meta::SessionId session) {
  const auto found = sessions_.find(session);
  return found == sessions_.end() ? nullptr : &found->second.out;
}

void MetaProcess::close(meta::SessionId session) {
  const auto found = sessions_.find(session);
  if (found != sessions_.end()) {
    say("ends a connection");
    found->second.connection->close(1);
    sessions_.erase(found);
  }
}

void MetaProcess::flush() {
  for (auto& [id, session] : sessions_) {
    if (!session.out.empty()) {
      const std::string_view frames(session.out.data(), session.out.size());
      observe(frames);
      session.connection->send(1, frames);
      session.out.clear();
    }
  }
}

// Hears what is given to writers.
void MetaProcess::observe(std::string_view frames) {
  while (!frames.empty()) {
    rpc::Frame frame;
    AQ_CHECK(rpc::read_frame(frames, frame) == rpc::FrameState::kWhole);
    frames.remove_prefix(sizeof frame.header + frame.payload.size());
    const auto method = static_cast<Method>(frame.header.method);
    if (method == Method::kCopy) {
      protocol::Copy copy;
      AQ_CHECK(rpc::decode(frame.payload, copy));
      oracle_.claimed(copy.put, {copy.segment, copy.slot, copy.generation},
                      extents_of(copy.extents), true);
    }
    if (method != Method::kPutStart || frame.header.status != 0) {
      continue;
    }
    protocol::Handles handles;
    AQ_CHECK(rpc::decode(frame.payload, handles));
    for (const protocol::Handle& handle : handles.items) {
      for (const protocol::Replica& replica : handle.replicas) {
        oracle_.claimed(handle.put, {replica.segment, replica.slot, replica.generation},
                        extents_of(replica.extents), false);
      }
    }
  }
}

// Who has known an earlier meta says so in its hello.
void MetaProcess::hear(const rpc::Frame& frame) {
  if (is_informed_) {
    return;
  }
  const auto is_earlier = [this](std::uint64_t epoch) {
    return epoch != 0 && !protocol::same_meta(epoch, process_);
  };
  const auto method = static_cast<Method>(frame.header.method);
  if (method == Method::kNodeHello) {
    protocol::NodeHello hello;
    AQ_CHECK(rpc::decode(frame.payload, hello));
    is_informed_ = hello.pool || is_earlier(hello.epoch);
  } else if (method == Method::kClientHello) {
    protocol::ClientHello hello;
    AQ_CHECK(rpc::decode(frame.payload, hello));
    is_informed_ = is_earlier(hello.epoch);
  }
  if (is_informed_) {
    oracle_.meta_is_informed(life());
  }
}

void MetaProcess::check_space() {
  for (const auto& node : state_->status().nodes) {
    if (node.free_bytes + node.used_bytes + node.limbo_bytes != node.capacity_bytes) {
      world().violated("on ", node.name, " ", node.free_bytes, " bytes free, ", node.used_bytes,
                       " used and ", node.limbo_bytes, " in limbo are not the ",
                       node.capacity_bytes, " there are");
    }
  }
}

}  // namespace aquifer::sim
