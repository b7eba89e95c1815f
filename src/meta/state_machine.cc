#include "meta/state_machine.h"

#include <algorithm>

namespace aquifer::meta {

using protocol::Method;

namespace {

// Nothing follows from it: no room comes or goes.
bool only_reads(Method method) {
  return method == Method::kLookup || method == Method::kMatchPrefix ||
         method == Method::kListNodes || method == Method::kPoolStatus;
}

}  // namespace

StateMachine::StateMachine(const StateOptions& options, Outbox& outbox)
    : options_(options),
      outbox_(outbox),
      hasher_(options.secret),
      directory_(policy_),
      segments_(directory_, policy_, options.reserve, options.on_evicted),
      open_puts_(protocol::make_epoch(options.epoch, options.process)),
      hot_(options.hot_uses_per_second),
      epoch_(protocol::make_epoch(options.epoch, options.process)),
      pool_(options.pool) {}

void StateMachine::refuse(SessionId session, Method method, std::uint64_t request, Status status,
                          std::string_view message, std::string_view hint) {
  if (rpc::Buffer* out = outbox_.open(session)) {
    rpc::FrameHeader header;
    header.method = static_cast<std::uint16_t>(method);
    header.flags = rpc::kFlagReply;
    header.status = static_cast<std::uint16_t>(status);
    header.id = request;
    rpc::append_frame(*out, header, rpc::ErrorMessage{message, hint});
    outbox_.appended(session);
  }
}

template <class T, class Handle>
void StateMachine::decode_and(SessionId session, const rpc::Frame& frame, Handle handle) {
  T message;
  if (rpc::decode(frame.payload, message)) {
    handle(message);
  } else {
    refuse(session, static_cast<Method>(frame.header.method), frame.header.id,
           Status::kInvalidArgument, "the request cannot be read",
           "use the same version of aquifer on both sides");
  }
}

void StateMachine::handle(SessionId session, const rpc::Frame& frame, Time now) {
  if (frame.header.method < static_cast<std::uint16_t>(Method::kNodeHello)) {
    handle_client(session, frame, now);
  } else {
    handle_node(session, frame, now);
  }
  if (!only_reads(static_cast<Method>(frame.header.method))) {
    settle();
  }
}

void StateMachine::handle_client(SessionId session, const rpc::Frame& frame, Time now) {
  const auto method = static_cast<Method>(frame.header.method);
  const std::uint64_t request = frame.header.id;
  if (method == Method::kClientHello) {
    return decode_and<protocol::ClientHello>(
        session, frame, [&](const auto& m) { client_hello(session, request, m); });
  }
  if (!client_of_.contains(session)) {
    return refuse(session, method, request, Status::kInvalidArgument, "a client says hello first",
                  {});
  }
  switch (method) {
    case Method::kListNodes:
      return list_nodes(session, request);
    case Method::kPutStart:
      return decode_and<protocol::PutStart>(
          session, frame, [&](const auto& m) { put_start(session, request, m, now); });
    case Method::kPutFinish:
      return decode_and<protocol::PutFinishView>(
          session, frame, [&](const auto& m) { put_finish(session, request, m, now); });
    case Method::kLookup:
      return decode_and<protocol::Lookup>(session, frame,
                                          [&](const auto& m) { lookup(session, request, m, now); });
    case Method::kMatchPrefix:
      return decode_and<protocol::MatchPrefix>(
          session, frame, [&](const auto& m) { match_prefix(session, request, m); });
    case Method::kRemove:
      return decode_and<protocol::Remove>(session, frame,
                                          [&](const auto& m) { remove(session, request, m, now); });
    case Method::kReport:
      return decode_and<protocol::Report>(session, frame, [&](const auto& m) {
        report(m, now);
        reply(session, method, request, protocol::Empty{});
      });
    case Method::kPin:
      return decode_and<protocol::Pin>(session, frame,
                                       [&](const auto& m) { pin(session, request, m, now); });
    case Method::kList:
      return decode_and<protocol::List>(session, frame,
                                        [&](const auto& m) { list(session, request, m, now); });
    case Method::kDrain:
      return decode_and<protocol::Drain>(session, frame,
                                         [&](const auto& m) { drain(session, request, m); });
    case Method::kPoolStatus:
      calls_.count(CallKind::kStatus);
      return reply(session, method, request, status());
    default:
      return refuse(session, method, request, Status::kNotSupported,
                    "this meta does not know the request",
                    "use the same version of aquifer on both sides");
  }
}

void StateMachine::handle_node(SessionId session, const rpc::Frame& frame, Time now) {
  const auto method = static_cast<Method>(frame.header.method);
  if (method == Method::kNodeHello) {
    return decode_and<protocol::NodeHello>(
        session, frame, [&](const auto& m) { node_hello(session, frame.header.id, m, now); });
  }
  const SegmentIndex index = segments_.find_session(session);
  if (index == kNone) {
    return refuse(session, method, frame.header.id, Status::kInvalidArgument,
                  "a node says hello first", {});
  }
  Segment& segment = *segments_.get(index);
  segment.node.last_heard = now;
  switch (method) {
    case Method::kNodeLeave:
      return node_leave(session, frame.header.id);
    case Method::kNodeBeat:
      return decode_and<protocol::NodeBeat>(session, frame, [&](const auto& beat) {
        segment.node.read.tcp = beat.tcp_read;
        segment.node.written.tcp = beat.tcp_written;
        segment.views = beat.views;
        reply(session, method, frame.header.id, protocol::Empty{});
      });
    case Method::kGranted:
      return decode_and<protocol::Granted>(session, frame, [&](const auto& m) {
        if (m.segment == segment.id) {
          segments_.granted(index, m);
        }
      });
    case Method::kReclaimed:
      return decode_and<protocol::Reclaimed>(session, frame, [&](const auto& m) {
        if (m.segment == segment.id) {
          finish_removes(segments_.reclaimed(index, m, options_.fault_reuse_limbo));
        }
      });
    case Method::kPublished:
      return decode_and<protocol::Published>(session, frame, [&](const auto& m) {
        if (m.segment == segment.id) {
          published(index, m, now);
        }
      });
    case Method::kCopied:
      return decode_and<protocol::Copied>(session, frame, [&](const auto& m) {
        if (m.segment == segment.id) {
          copied(index, m, now);
        }
      });
    case Method::kRecovered:
      return decode_and<protocol::Recovered>(session, frame,
                                             [&](const auto& m) { recovered(index, m, now); });
    case Method::kScanned:
      return decode_and<protocol::Scanned>(session, frame,
                                           [&](const auto& m) { scanned(index, m); });
    case Method::kVerified:
      return decode_and<protocol::Verified>(session, frame,
                                            [&](const auto& m) { verified(index, m); });
    default:
      return refuse(session, method, frame.header.id, Status::kNotSupported,
                    "this meta does not know the request", {});
  }
}

void StateMachine::client_hello(SessionId session, std::uint64_t request,
                                const protocol::ClientHello& hello) {
  const auto before = client_of_.find(session);
  if (before != client_of_.end() && before->second != hello.client) {
    return refuse(session, Method::kClientHello, request, Status::kConflict,
                  "this connection belongs to another client already", {});
  }
  ClientState& client = clients_[hello.client];
  if (client.session != 0 && client.session != session) {
    // The client has another connection now; what it asked for on this one it will not hear of.
    // Where this hello is a late one of a connection that the client has given up, it will hear so,
    // and connect again.
    forget_starts(client.session);
    client_of_.erase(client.session);
    outbox_.close(client.session);
  }
  client.session = session;
  client_of_[session] = hello.client;
  rise_above(hello.epoch);
  note_earlier(hello.epoch);
  reply(session, Method::kClientHello, request, protocol::ClientWelcome{pool_, epoch_});
}

bool StateMachine::knows(SessionId session) const {
  return client_of_.contains(session) || segments_.find_session(session) != kNone;
}

void StateMachine::disconnected(SessionId session, Time now) {
  forget_starts(session);
  if (const auto found = client_of_.find(session); found != client_of_.end()) {
    ClientState& client = clients_[found->second];
    client.session = 0;
    client.gone_since = now;
    client_of_.erase(found);
  }
  if (const SegmentIndex index = segments_.find_session(session); index != kNone) {
    Node& node = segments_.get(index)->node;
    node.session = 0;
    node.lost_since = now;
  }
  settle();
}

void StateMachine::tick(Time now) {
  while (!waiting_starts_.empty()) {
    const bool no_node = !segments_.any_alive();
    const auto late = std::find_if(waiting_starts_.begin(), waiting_starts_.end(),
                                   [&](const WaitingStart& start) {
                                     return (no_node ? start.node_deadline : start.deadline) <= now;
                                   });
    if (late == waiting_starts_.end()) {
      break;
    }
    for (StartItem& item : late->items) {
      if (!item.answered) {
        item.answer(no_node ? Status::kUnreachable : Status::kBusy);
      }
    }
    answer(*late);
    waiting_starts_.erase(late);
  }
  expire_puts(now);
  expire_groups(now);
  expire_removes(now);
  expire_pins(now);
  expire_lists(now);
  forget_clients(now);
  const bool was_away = watch_nodes(now);
  forget_nodes(now);
  fills_.tick(now);
  end_expectations(now, was_away);
  upkeep(now);
  settle();
}

void StateMachine::forget_clients(Time now) {
  for (auto at = clients_.begin(); at != clients_.end();) {
    const bool gone =
        at->second.session == 0 && now - at->second.gone_since >= options_.client_grace;
    if (gone) {
      cancel_puts_of(at->first, now);
      fills_.end_of(at->first);
      at = clients_.erase(at);
    } else {
      ++at;
    }
  }
}

// What follows from any change: waiting puts are served, reserves kept, and nodes told.
void StateMachine::settle() {
  serve_waiting_starts();
  segments_.keep_reserve();
  tell_members();
  tell_to_publish();
  segments_.for_each([&](SegmentIndex index, Segment& segment) {
    if (!segment.alive()) {
      return;
    }
    while (const auto message = segments_.take_reclaims(index, epoch_)) {
      send(segment.node.session, Method::kReclaim, *message);
    }
    if (const auto message = segments_.take_grant_request(index, epoch_)) {
      send(segment.node.session, Method::kGrantMore, *message);
    }
  });
}

protocol::PoolStatusReply StateMachine::status() {
  protocol::PoolStatusReply reply;
  reply.objects = directory_.objects();
  reply.evictions = segments_.evictions();
  reply.integrity_failures = integrity_failures_;
  reply.calls = calls_.all();
  reply.replicas_missing =
      std::max({walk_.found_missing, walk_.missing, std::uint64_t{walk_.is_unsure ? 1u : 0u}});
  segments_.for_each([&](SegmentIndex, Segment& segment) {
    protocol::NodeStatusEntry entry;
    entry.name = segment.node.name;
    entry.state = !segment.alive()       ? "lost"
                  : segment.recovering   ? "recovering"
                  : segment.draining     ? "draining"
                  : segment.node.suspect ? "suspect"
                                         : "alive";
    entry.process = segment.node.process;
    entry.capacity_bytes = segment.capacity_units * pool::kUnitBytes;
    entry.used_bytes = segment.used_units * pool::kUnitBytes;
    entry.limbo_bytes = segment.limbo_units * pool::kUnitBytes;
    entry.free_bytes = segment.free_units() * pool::kUnitBytes;
    entry.pinned_bytes = segment.pinned_units * pool::kUnitBytes;
    entry.views = segment.views;
    entry.shm_read = segment.node.read.shm;
    entry.shm_written = segment.node.written.shm;
    entry.tcp_read = segment.node.read.tcp;
    entry.tcp_written = segment.node.written.tcp;
    reply.nodes.push_back(entry);
  });
  return reply;
}

}  // namespace aquifer::meta
