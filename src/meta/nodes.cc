// Membership: nodes join, leave, are lost and come back.
#include "base/strings.h"
#include "meta/state_machine.h"

#include <algorithm>
#include <utility>

namespace aquifer::meta {

using protocol::Method;

namespace {

constexpr Time kAway{500};                   // between two ticks
constexpr std::size_t kTextBytesMax = 1024;  // they travel in lists of all nodes

Segment segment_of(const protocol::NodeHello& hello, SessionId session) {
  Segment segment;
  segment.id = hello.segment;
  segment.node.id = hello.node;
  segment.node.name = hello.name;
  segment.node.address = hello.address;
  segment.node.unix_name = hello.unix_name;
  segment.node.host = hello.host;
  segment.node.zone = hello.zone;
  segment.node.process = hello.process;
  segment.node.session = session;
  segment.node.lasts = hello.lasts;
  segment.units_max = static_cast<std::uint32_t>(
      std::min<std::uint64_t>(hello.data_bytes / pool::kUnitBytes, UINT32_MAX));
  segment.capacity_units = segment.units_max;
  segment.slots_max = hello.slots;
  return segment;
}

}  // namespace

void StateMachine::node_hello(SessionId session, std::uint64_t request,
                              const protocol::NodeHello& hello, Time now) {
  if (hello.name.empty() || hello.data_bytes < pool::kUnitBytes || !hello.node || !hello.segment) {
    return refuse(session, Method::kNodeHello, request, Status::kInvalidArgument,
                  "the node's hello is incomplete", {});
  }
  for (const std::string_view text :
       {hello.name, hello.address, hello.unix_name, hello.host, hello.zone}) {
    if (text.size() > kTextBytesMax) {
      return refuse(
          session, Method::kNodeHello, request, Status::kInvalidArgument,
          base::cat("the node's name and addresses have at most ", kTextBytesMax, " bytes"), {});
    }
  }
  const SegmentIndex before = segments_.find_session(session);
  if (before != kNone && segments_.get(before)->node.id != hello.node) {
    return refuse(session, Method::kNodeHello, request, Status::kConflict,
                  "this connection belongs to another node already", {});
  }
  const SegmentIndex namesake = segments_.find_name(hello.name);
  if (namesake != kNone && segments_.get(namesake)->node.id != hello.node) {
    const Segment& other = *segments_.get(namesake);
    if (other.alive()) {
      return refuse(session, Method::kNodeHello, request, Status::kConflict,
                    base::cat("a node named \"", hello.name, "\" has already joined from ",
                              other.node.address, " (process ", other.node.process, ")"),
                    "choose another --name, or stop that node");
    }
    step_aside(*segments_.get(namesake));
  }
  SegmentIndex index = segments_.find_node(hello.node);
  if (index != kNone && segments_.get(index)->id != hello.segment) {
    drop_segment(index);
    index = kNone;
  }
  if (index != kNone) {
    const SessionId other = segments_.get(index)->node.session;
    if (other != 0 && other != session) {
      outbox_.close(other);  // if that is the one it means, it connects again
    }
  }
  if (index != kNone && segments_.get(index)->recovering) {
    const base::SegmentId id = segments_.get(index)->id;
    const bool is_same = segments_.get(index)->node.session == session;
    drop_segment(index);  // its report broke off, and begins anew
    gone_.erase(id);
    std::erase(told_gone_, id);
    if (is_same) {
      return outbox_.close(session);  // with another connection: parts of the old one may follow
    }
    index = kNone;
  }
  if (index == kNone) {
    if (gone_.contains(hello.segment) || forgotten_members_.contains(hello.node)) {
      forgotten_members_.erase(hello.node);
      return reply(
          session, Method::kNodeHello, request,
          protocol::NodeWelcome{pool_to_tell(), epoch_, 0, 0, protocol::NodeWelcome::What::kFresh,
                                options_.secret, trust_ms()});
    }
    if (take_over(hello, now) != Status::kOk) {
      return refuse(session, Method::kNodeHello, request, Status::kConflict,
                    base::cat("the segment of node \"", hello.name, "\" belongs to another pool"),
                    "start it with --fresh, or with the --meta of that pool");
    }
    Segment segment = segment_of(hello, session);
    if (hello.granted_units != 0 || hello.granted_slots != 0) {
      begin_recovery(segment, hello);
    }
    index = segments_.add(std::move(segment));
    tell_members_ = true;
    walk_again();
  } else {
    // Another process may serve it from here on.
    segments_.get(index)->node = segment_of(hello, session).node;
    segments_.repeat_reclaims(index);
    tell_to_publish_ = true;
    tell_members_ = true;  // the process may be another
    walk_again();
  }
  missing_.erase(hello.node);
  segments_.get(index)->node.last_heard = now;
  welcome(session, request, index);
}

// Another node has taken the name of one that is lost. What that one holds may still be read on its
// host, so it is forgotten when its time is over and not before.
void StateMachine::step_aside(Segment& segment) {
  segment.node.name += " (before)";
  segment.node.lasts = false;
}

void StateMachine::welcome(SessionId session, std::uint64_t request, SegmentIndex index) {
  using What = protocol::NodeWelcome::What;
  const Segment& segment = *segments_.get(index);
  calls_.count(CallKind::kJoin);
  reply(session, Method::kNodeHello, request,
        protocol::NodeWelcome{pool_to_tell(), epoch_, segment.granted_units, segment.granted_slots,
                              segment.recovering ? What::kRecover : What::kKnown, options_.secret,
                              trust_ms()});
}

// Readers trust a heartbeat for a while more, and by then the node may be given up.
std::uint32_t StateMachine::trust_ms() const {
  return static_cast<std::uint32_t>(
      std::max<Time>(options_.node_grace - pool::kHeartbeatLease, Time(1)).count());
}

void StateMachine::node_leave(SessionId session, std::uint64_t request) {
  drop_segment(segments_.find_session(session));
  calls_.count(CallKind::kLeave);
  reply(session, Method::kNodeLeave, request, protocol::Empty{});
}

void StateMachine::tell_members() {
  if (!tell_members_) {
    return;
  }
  tell_members_ = false;
  protocol::Members members{pool_to_tell(), epoch_, {}, {}, {told_gone_.begin(), told_gone_.end()}};
  // Where there was a meta before, a list without those who know its members would be one that the
  // next meta takes for the whole.
  if (!was_restarted_ || has_heard_past() || names_pool_) {
    segments_.for_each([&](SegmentIndex, Segment& segment) {
      (segment.node.lasts ? members.lasting : members.nodes).push_back(segment.node.id);
    });
    for (const auto& [member, until] : missing_) {  // the next meta is to wait for them, too
      members.lasting.push_back(member);
    }
  }
  segments_.for_each([&](SegmentIndex, Segment& segment) {
    if (segment.alive()) {
      send(segment.node.session, Method::kMembers, members);
    }
  });
}

void StateMachine::drop_segment(SegmentIndex index) {
  recovering_ -= segments_.get(index)->recovering ? 1 : 0;
  give_up(segments_.get(index)->id);
  tell_members_ = true;
  walk_again();
  std::erase_if(copies_, [&](const auto& entry) {
    if (entry.first.first != index) {
      return false;
    }
    copying_.erase(entry.second.put);
    return true;
  });
  drop_from_groups(index);
  // Puts that write there can only fail; their other replicas are taken back.
  const auto is_lost = [&](const PlacedReplica& replica) { return replica.segment == index; };
  open_puts_.for_each([&](OpenPutIndex at) {
    OpenPut& put = open_puts_[at];
    if (std::any_of(put.replicas.begin(), put.replicas.end(), is_lost)) {
      cancel(put);
      std::erase_if(put.replicas, is_lost);
    }
  });
  finish_removes(segments_.drop(index));
}

void StateMachine::list_nodes(SessionId session, std::uint64_t request) {
  protocol::NodeList list;
  segments_.for_each([&](SegmentIndex, Segment& segment) {
    const Node& node = segment.node;
    list.nodes.push_back({node.id, node.name, node.address, node.unix_name, node.host, node.zone});
  });
  reply(session, Method::kListNodes, request, list);
}

void StateMachine::verified(SegmentIndex index, const protocol::Verified& message) {
  const ReplicaIndex replica = directory_.find_slot(index, message.slot, message.generation);
  if (message.bad && replica != kNone) {
    const ReplicaRecord& record = directory_.replica(replica);
    if (record.pinned) {
      segments_.get(index)->pinned_units -= record.extents.units();
    }
    segments_.reclaim(directory_.drop_replica(replica));
  }
}

// Silent for a moment: suspect, and heard again: not. Silent for the grace time: as if its
// connection had broken then. When it was meta that was away (stopped, or starved), what the nodes
// have said meanwhile is still to be heard: their silence counts from now.
bool StateMachine::watch_nodes(Time now) {
  const bool was_away = now - std::exchange(last_watch_, now) >= kAway;
  segments_.for_each([&](SegmentIndex, Segment& segment) {
    Node& node = segment.node;
    if (!segment.alive()) {
      return;
    }
    if (was_away) {
      node.last_heard = now;
    }
    node.suspect = now - node.last_heard >= options_.suspect_after;
    if (now - node.last_heard >= std::max(options_.node_grace, options_.suspect_after)) {
      outbox_.close(node.session);
      node.session = 0;
      node.lost_since = node.last_heard;
    }
  });
  return was_away;
}

void StateMachine::forget_nodes(Time now) {
  std::vector<SegmentIndex> gone;
  segments_.for_each([&](SegmentIndex index, Segment& segment) {
    const Time away = segment.alive() ? Time(0) : now - segment.node.lost_since;
    if (!std::exchange(segment.node.lost, away >= options_.node_grace) && segment.node.lost) {
      calls_.count(CallKind::kLeave, 1, true);
      walk_again();
    }
    const Time patience = segment.node.lasts ? options_.forget_after : Time(0);
    if (segment.node.lost && away >= patience) {
      gone.push_back(index);
    }
  });
  for (const SegmentIndex index : gone) {
    drop_segment(index);
  }
}

}  // namespace aquifer::meta
