// The control logic of meta: membership, placement, directory, open puts, removal, eviction. A
// plain function of commands and time: no socket, no clock, no thread of its own, so that the same
// code runs behind the server and under a simulator. Effects leave as frames through the Outbox.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/hash.h"
#include "base/ids.h"
#include "meta/call_counts.h"
#include "meta/directory.h"
#include "meta/fill_leases.h"
#include "meta/handle_writer.h"
#include "meta/hot_objects.h"
#include "meta/open_puts.h"
#include "meta/segments.h"
#include "protocol/messages.h"
#include "rpc/frame.h"

namespace aquifer::meta {

/// Where frames for a session go.
class Outbox {
 public:
  virtual ~Outbox() = default;
  /// The buffer to which a frame for this session is appended; null when the session is gone.
  virtual rpc::Buffer* open(SessionId session) = 0;
  /// A frame was appended.
  virtual void appended(SessionId session) = 0;
  /// Ends the connection of a session; disconnected() is not called for it.
  virtual void close(SessionId session) = 0;
};

struct StateOptions {
  base::PoolId pool{};
  std::uint64_t epoch = 1;
  std::uint64_t process = 0;  ///< random id of this meta
  std::uint64_t secret = 0;   ///< key of the directory's hash
  Time node_grace{5000};
  Time suspect_after{1000};
  Time client_grace{1000};
  Reserve reserve{};
  double pinned_share_max = 0.5;                                   ///< of a node's space
  std::uint64_t copy_bytes_per_second = std::uint64_t{256} << 20;  ///< of all nodes together
  std::uint32_t hot_uses_per_second = 2000;  ///< of one object, for another replica; 0: never
  Time forget_after{3'600'000};  ///< a lost node whose memory lasts is remembered for so long
  /// Told of every replica that is evicted; may be empty.
  std::function<void(base::SegmentId, std::uint32_t slot, std::uint64_t generation)> on_evicted{};
  bool fault_failed_check = false;
  bool fault_reuse_limbo = false;
  /// Faults planted on purpose, each of which the simulator has to find.
  struct Faults {
    bool adopts_removed = false;        ///< a cut is not looked at when a node reports
    bool allocates_unreported = false;  ///< hands out space before the report is complete
    bool publishes_half = false;        ///< a part of a group that is reported is enough
  } faults;
};

class StateMachine {
 public:
  StateMachine(const StateOptions& options, Outbox& outbox);

  /// A frame came in. A malformed one is answered with an error.
  void handle(SessionId session, const rpc::Frame& frame, Time now);
  /// True for a session that has said who it is.
  bool knows(SessionId session) const;
  /// The connection of a session ended.
  void disconnected(SessionId session, Time now);
  /// Time passed; call every 10 ms or so.
  void tick(Time now);

  /// For the status and for tests: free + used + limbo = capacity, per segment.
  protocol::PoolStatusReply status();

 private:
  struct StartItem {
    base::Hash128 hash{};
    std::uint64_t value_bytes = 0;
    base::Hash128 parent{};
    std::uint32_t units = 0;
    bool answered = false;
    Status status = Status::kOk;
    base::PutId put{};  ///< open when it is answered with kOk

    void answer(Status with) {
      answered = true;
      status = with;
    }
  };
  struct WaitingStart {
    SessionId session = 0;
    std::uint64_t request = 0;
    base::ClientId client{};
    std::uint64_t ticket = 0;
    unsigned replicas = 1;
    std::string preferred;
    Time deadline{};
    Time node_deadline{};  ///< until then a first node may still join
    Time put_expires{};
    PutMode mode = PutMode::kKeep;
    bool group = false;
    bool failed = false;  ///< a group of which one cannot be put
    std::vector<StartItem> items;
  };
  /// Objects that become visible together (groups.cc): those of open puts, or those that nodes have
  /// reported and of which none is known to have been published.
  struct Group {
    // Open puts.
    SessionId session = 0;
    std::uint64_t request = 0;  ///< 0: nobody waits for the answer any more
    Time deadline{};
    base::ClientId client{};
    struct Item {
      base::PutId put{};
      std::vector<std::uint64_t> header_digests;
    };
    std::vector<Item> items;
    bool failed = false;
    // Reported ones.
    struct Held {
      protocol::RecoveredObject object;
      PlacedReplica replica;
      bool is_sealed = false;
    };
    std::map<std::pair<SegmentIndex, std::uint32_t>, Held> held;  ///< by their slots
    std::map<std::uint16_t, std::uint32_t> replicas;  ///< held, of the objects of which there are
    std::uint16_t count = 0;                          ///< of objects
    bool is_whole = false;

    std::uint32_t owing = 0;  ///< slots that nodes have been told to seal
  };
  /// A request that took values away and is answered when no reader can get them any more.
  struct WaitingRemove {
    SessionId session = 0;
    protocol::Method method = protocol::Method::kRemove;
    std::uint64_t request = 0;
    Time deadline{};
    std::vector<Status> statuses;
    std::vector<std::uint32_t> owing;  ///< per key
    std::uint32_t owing_in_all = 0;
    std::vector<base::PutId> puts{};  ///< of kPutFinish
  };
  struct WaitingList {
    SessionId session = 0;
    std::uint64_t request = 0;
    Time deadline{};
    std::string name_space;
    std::string prefix;
    std::uint32_t entries_max = 0;
    SegmentIndex segment = kNone;  ///< being asked
  };
  struct ClientState {
    SessionId session = 0;
    Time gone_since{};
    std::deque<std::uint64_t> abandoned;  ///< the latest tickets, in case their requests come late
  };

  // state_machine.cc: sessions, dispatch, time
  template <class T>
  void send(SessionId session, protocol::Method method, const T& message);
  static rpc::FrameHeader reply_header(protocol::Method method, std::uint64_t request) {
    rpc::FrameHeader header;
    header.method = static_cast<std::uint16_t>(method);
    header.flags = rpc::kFlagReply;
    header.id = request;
    return header;
  }
  template <class T>
  void reply(SessionId session, protocol::Method method, std::uint64_t request, const T& message);
  template <class Write>  // write(HandleWriter&)
  void reply_handles(SessionId session, protocol::Method method, std::uint64_t request,
                     CallKind kind, Write write);
  void refuse(SessionId session, protocol::Method method, std::uint64_t request, Status status,
              std::string_view message, std::string_view hint);
  template <class T, class Handle>
  void decode_and(SessionId session, const rpc::Frame& frame, Handle handle);
  void handle_client(SessionId session, const rpc::Frame& frame, Time now);
  void handle_node(SessionId session, const rpc::Frame& frame, Time now);
  void client_hello(SessionId session, std::uint64_t request, const protocol::ClientHello& hello);
  void settle();
  void forget_clients(Time now);

  // puts.cc
  void put_start(SessionId session, std::uint64_t request, const protocol::PutStart& start,
                 Time now);
  void put_finish(SessionId session, std::uint64_t request, const protocol::PutFinishView& finish,
                  Time now);
  StartItem start_item(const protocol::PutStart& start, const protocol::PutStartItem& item,
                       const base::KeyHasher::InNamespace& hash);
  void answer_what_exists(std::span<StartItem> items, PutMode mode, Time now);
  bool is_being_put(const base::Hash128& hash) const;
  bool is_readable(ObjectIndex object);
  void serve_waiting_starts();
  bool fill(WaitingStart& start);
  void open(OpenPut& put, const WaitingStart& start, StartItem& item);
  bool can_ever_be_placed(const WaitingStart& start, const StartItem& item);
  bool can_ever_hold(const WaitingStart& start);
  bool awaits_nodes() const;
  void answer(WaitingStart& start);
  void end_failed_group(WaitingStart& start);
  void end_unanswered(StartItem& item);
  void forget_starts(SessionId session);
  void finish_puts(SessionId session, std::uint64_t request, base::ClientId client,
                   const protocol::PutFinishView& finish, bool may_commit, Time deadline, Time now);
  void judge_earlier_group(const protocol::PutFinishView& finish,
                           std::vector<Status>& statuses) const;
  Status finish_put(base::ClientId client, const protocol::PutFinishItemView& item, bool may_commit,
                    RemoveId remove, std::uint32_t& owing, Time now);
  Status commit(OpenPut& put, const protocol::PutFinishItemView& item, RemoveId remove,
                std::uint32_t& owing, Time now);
  std::uint32_t cancel(OpenPut& put, RemoveId waiting = 0);
  void expire_puts(Time now);
  void cancel_puts_of(base::ClientId client, Time now);
  void abandon(base::ClientId client, std::uint64_t ticket);

  // groups.cc
  static base::PutId group_id(const base::PutId& put, base::GroupPlace place);
  bool can_publish(const protocol::PutFinishView& finish, base::ClientId client) const;
  bool wait_again(SessionId session, std::uint64_t request, const protocol::PutFinishView& finish,
                  Time deadline);
  void publish(SessionId session, std::uint64_t request, const protocol::PutFinishView& finish,
               Time deadline);
  void seal(const base::PutId& id, const PlacedReplica& replica);
  void tell_to_publish();
  void published(SegmentIndex index, const protocol::Published& message, Time now);
  void end_group(const base::PutId& id, Time now);
  void expire_groups(Time now);
  void hold(const protocol::RecoveredObject& object, PlacedReplica replica);
  void publish_held(const base::PutId& id);
  void end_held(const base::PutId& id, Time now);
  void drop_from_groups(SegmentIndex index);
  void take_back_held();

  // lookups.cc
  void refuse_batch(SessionId session, protocol::Method method, std::uint64_t request);
  void lookup(SessionId session, std::uint64_t request, const protocol::Lookup& lookup, Time now);
  void match_prefix(SessionId session, std::uint64_t request, const protocol::MatchPrefix& match);
  bool is_visible(ObjectIndex object) const;
  bool write_replicas(ObjectIndex object, HandleWriter& handles);
  bool has_open_put(std::string_view name_space, std::string_view key) const;
  Time ask_to_fill(const base::Hash128& hash, SessionId session, Time hold, Time now);
  template <class Visit>
  void for_each_object(std::string_view name_space, std::span<const std::string_view> keys,
                       Visit visit);
  void remove(SessionId session, std::uint64_t request, const protocol::Remove& remove, Time now);
  void report(const protocol::Report& report, Time now);
  Status remove_key(const base::Hash128& hash, RemoveId id, std::uint32_t& owing);
  struct Retired {
    std::uint32_t owing = 0;  ///< slots whose nodes have yet to confirm
    bool is_missing = false;  ///< some node is lost: it confirms when it comes back
  };
  Retired retire(ObjectIndex object, RemoveId id);
  void answer_when_gone(RemoveId id, WaitingRemove waiting);
  void finish_removes(const std::vector<RemoveId>& done);
  static Status unconfirmed(protocol::Method method, Status status);
  void expire_removes(Time now);

  // pins.cc
  void pin(SessionId session, std::uint64_t request, const protocol::Pin& pin, Time now);
  Status pin_object(ObjectIndex object, Time until);
  void unpin(ObjectIndex object, Time now);
  void expire_pins(Time now);
  void count_pinned(ObjectIndex object, bool pinned);

  // lists.cc
  void list(SessionId session, std::uint64_t request, const protocol::List& list, Time now);
  void scan(std::uint64_t id, SegmentIndex segment, std::uint32_t first_slot);
  SegmentIndex next_listed(std::uint64_t after) const;
  void scanned(SegmentIndex index, const protocol::Scanned& message);
  void answer_list(std::uint64_t id, const protocol::Listed& page);
  void expire_lists(Time now);

  // recovery.cc
  Status take_over(const protocol::NodeHello& hello, Time now);
  bool recovering() const;
  bool is_whole() const;
  bool all_is_reported() const;
  bool keeps_cuts() const;
  bool has_heard_past() const { return has_heard_pool_ || has_heard_list_; }
  void end_expectations(Time now, bool was_away);
  void note_earlier(std::uint64_t epoch);
  void rise_above(std::uint64_t epoch);
  base::PoolId pool_to_tell() const;
  void learn_gone(std::span<const base::SegmentId> gone);
  void give_up(base::SegmentId segment);
  void cut(const base::Hash128& hash, const base::PutId& last);
  void begin_recovery(Segment& segment, const protocol::NodeHello& hello);
  void recovered(SegmentIndex index, const protocol::Recovered& report, Time now);
  void adopt(SegmentIndex index, const protocol::RecoveredObject& object, Time now);
  void adopt(const protocol::RecoveredObject& object, PlacedReplica replica, Time now);
  Status finish_earlier(const protocol::PutFinishItemView& item, ObjectIndex object,
                        bool is_of_group) const;

  // upkeep.cc
  void walk_again();
  void upkeep(Time now);
  bool is_short(ObjectIndex object);
  bool look_after(ObjectIndex object, Time now);
  void drop_one(ReplicaIndex replica);
  bool copy(ObjectIndex object, Time now);
  void copied(SegmentIndex index, const protocol::Copied& message, Time now);
  void add_another(ObjectIndex object, PlacedReplica replica, std::uint64_t header_digest,
                   Time now);
  void expire_copies(Time now);
  std::uint32_t cancel_copies(const base::PutId& put, RemoveId waiting);
  void drain(SessionId session, std::uint64_t request, const protocol::Drain& message);
  protocol::DrainState drain_state(SegmentIndex index);
  void finish_drains();

  // nodes.cc
  void node_hello(SessionId session, std::uint64_t request, const protocol::NodeHello& hello,
                  Time now);
  static void step_aside(Segment& segment);
  void welcome(SessionId session, std::uint64_t request, SegmentIndex index);
  std::uint32_t trust_ms() const;
  void node_leave(SessionId session, std::uint64_t request);
  void tell_members();
  void list_nodes(SessionId session, std::uint64_t request);
  void verified(SegmentIndex index, const protocol::Verified& message);
  void drop_segment(SegmentIndex index);
  bool watch_nodes(Time now);
  void forget_nodes(Time now);

  StateOptions options_;
  Outbox& outbox_;
  base::KeyHasher hasher_;
  LeastRecentlyUsed policy_;
  Directory directory_;
  Segments segments_;
  std::unordered_map<SessionId, base::ClientId> client_of_;
  std::unordered_map<base::ClientId, ClientState> clients_;
  OpenPuts open_puts_;
  std::deque<WaitingStart> waiting_starts_;
  std::unordered_map<RemoveId, WaitingRemove> waiting_removes_;
  RemoveId next_remove_ = 0;
  std::unordered_map<std::uint64_t, WaitingList> waiting_lists_;
  std::uint64_t next_list_ = 0;
  std::unordered_map<base::Hash128, Time> pinned_until_;
  std::uint64_t integrity_failures_ = 0;
  CallCounts calls_;
  Time last_watch_{};

  std::map<base::PutId, Group> groups_;
  /// Slots that nodes are to seal, until they have answered.
  struct ToSeal {
    std::uint64_t generation = 0;
    base::PutId group{};
    SessionId told = 0;  ///< the session in which the node was told
  };
  std::map<std::pair<SegmentIndex, std::uint32_t>, ToSeal> to_seal_;
  bool tell_to_publish_ = false;
  std::size_t held_owing_ = 0;  ///< of to_seal_, those that were reported

  FillLeases fills_;
  HotObjects hot_;
  /// A replica on its way to another node.
  struct CopyJob {
    base::PutId put{};
    PlacedReplica replica;
    SegmentIndex source = kNone;
    SessionId session = 0;  ///< of the node that was told
    Time deadline{};
  };
  std::map<std::pair<SegmentIndex, std::uint32_t>, CopyJob> copies_;  ///< by their slots
  std::unordered_set<base::PutId> copying_;
  /// The walk over the directory that looks after every object.
  struct {
    bool active = false;
    bool again = false;         ///< something has changed since it began
    bool has_work = false;      ///< seen in this walk
    bool is_unsure = false;     ///< something has changed since the last one that found all began
    std::uint64_t missing = 0;  ///< objects with too few replicas, seen in this walk
    std::uint64_t found_missing = 0;  ///< and in the one before
    ReplicaIndex next = 0;
    Time not_before{};
    Time last{};
    std::int64_t tokens = 0;  ///< bytes that may be copied now
  } walk_;
  std::unordered_map<std::string, protocol::DrainState> drained_;

  // What this meta has learned of the pool, and has still to learn.
  std::uint64_t epoch_;
  base::PoolId pool_;
  std::optional<Time> started_;
  bool has_heard_ = false;       ///< of a node, and of one with a past where there is one
  bool was_restarted_ = false;   ///< somebody knows an earlier meta: there are nodes with a past
  std::uint64_t latest_ = 0;     ///< epoch of an earlier meta that this one was told of
  bool has_heard_pool_ = false;  ///< of a node that knows the name of the pool
  bool has_heard_list_ = false;  ///< of one that the latest meta has told who is in it
  bool names_pool_ = false;
  bool is_young_ = true;  ///< no node has been heard of, for as long as old ones take to come back
  /// Since when nodes have been told of a pool that no node has brought.
  std::optional<Time> pool_named_;
  bool tell_members_ = false;
  std::size_t recovering_ = 0;  ///< segments whose report is not complete
  /// Members that this meta has never heard of, and until when they may come back with what they
  /// hold. What is removed meanwhile is cut.
  std::unordered_map<base::NodeId, Time> missing_;
  std::optional<Time> expect_until_;  ///< until then their absence may be a matter of moments
  bool expects_ = false;              ///< it is not yet then
  std::unordered_map<base::Hash128, base::PutId> cuts_;  ///< removed while some were missing
  std::unordered_set<base::SegmentId> gone_;  ///< given up: may hold what was removed since
  std::deque<base::SegmentId> told_gone_;     ///< the latest of them
  /// The same, of members whose segments this meta has never heard of.
  std::unordered_set<base::NodeId> forgotten_members_;
};

template <class T>
void StateMachine::send(SessionId session, protocol::Method method, const T& message) {
  if (rpc::Buffer* out = outbox_.open(session)) {
    rpc::FrameHeader header;
    header.method = static_cast<std::uint16_t>(method);
    rpc::append_frame(*out, header, message);
    outbox_.appended(session);
  }
}

template <class T>
void StateMachine::reply(SessionId session, protocol::Method method, std::uint64_t request,
                         const T& message) {
  if (request == 0) {
    return;  // nobody waits for it
  }
  if (rpc::Buffer* out = outbox_.open(session)) {
    rpc::append_frame(*out, reply_header(method, request), message);
    outbox_.appended(session);
  }
}

template <class Write>
void StateMachine::reply_handles(SessionId session, protocol::Method method, std::uint64_t request,
                                 CallKind kind, Write write) {
  if (request == 0) {
    return;  // nobody waits for it
  }
  if (rpc::Buffer* out = outbox_.open(session)) {
    HandleWriter handles(*out, reply_header(method, request));
    write(handles);
    handles.end();
    calls_.count(kind, handles.keys(), handles.failed());
    outbox_.appended(session);
  }
}

}  // namespace aquifer::meta
