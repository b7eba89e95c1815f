// Every message of the pool, in one place: what clients and nodes say to meta and what meta says to
// nodes. Plain structs with their field lists (rpc/codec.h); numbers are never reused. Bulk bytes
// do not travel here (bulk.h).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "aquifer/types.h"
#include "base/ids.h"
#include "base/small_vector.h"
#include "rpc/codec.h"

namespace aquifer::protocol {

enum class Method : std::uint16_t {
  // client -> meta, request and reply
  kClientHello = 1,
  kListNodes = 2,
  kPutStart = 3,
  kPutFinish = 4,
  kLookup = 5,
  kMatchPrefix = 6,
  kRemove = 7,
  kReport = 8,
  kPoolStatus = 9,
  kPin = 10,
  kList = 11,
  kDrain = 12,
  // node -> meta
  kNodeHello = 20,  // request and reply
  kNodeLeave = 21,  // request and reply
  kNodeBeat = 22,   // answered with nothing
  kGranted = 23,    // one way
  kReclaimed = 24,  // one way
  kVerified = 25,   // one way
  kScanned = 26,    // one way
  kRecovered = 27,  // one way
  kCopied = 28,     // one way
  kPublished = 29,  // one way
  // meta -> node, one way
  kGrantMore = 30,
  kReclaim = 31,
  kVerify = 32,
  kScan = 33,
  kMembers = 34,
  kCopy = 35,
  kLeave = 36,
  kPublish = 37,
};

/// A run of units of a segment's data.
struct Run {
  std::uint32_t first_unit = 0;
  std::uint32_t units = 0;
  static constexpr auto wire = std::tuple{&Run::first_unit, &Run::units};
};

/// One replica as a handle carries it.
struct Replica {
  base::NodeId node{};
  base::SegmentId segment{};
  std::uint32_t slot = 0;
  std::uint64_t generation = 0;
  std::uint64_t header_digest = 0;  ///< 0 in the reply to kPutStart
  base::SmallVector<Run, 2> extents;
  bool may_hang = false;  ///< its node has not been heard of for a while
  static constexpr auto wire = std::tuple{
      &Replica::node,          &Replica::segment, &Replica::slot,    &Replica::generation,
      &Replica::header_digest, &Replica::extents, &Replica::may_hang};
};

/// What a lookup returns for one key: enough to read and to verify without asking again.
struct Handle {
  Status status = Status::kNotFound;
  base::PutId put{};
  std::uint64_t value_bytes = 0;
  base::SmallVector<Replica, 1> replicas;
  std::uint64_t filling_ms =
      0;  ///< kInFlight: for how long another client has been filling the key
  static constexpr auto wire = std::tuple{&Handle::status, &Handle::put, &Handle::value_bytes,
                                          &Handle::replicas, &Handle::filling_ms};
};

/// Replica and Handle as meta writes them: the same on the wire, of what lies somewhere already.
struct ReplicaView {
  base::NodeId node{};
  base::SegmentId segment{};
  std::uint32_t slot = 0;
  std::uint64_t generation = 0;
  std::uint64_t header_digest = 0;
  std::span<const Run> extents;
  bool may_hang = false;
  static constexpr auto wire =
      std::tuple{&ReplicaView::node,       &ReplicaView::segment,       &ReplicaView::slot,
                 &ReplicaView::generation, &ReplicaView::header_digest, &ReplicaView::extents,
                 &ReplicaView::may_hang};
};
struct HandleView {
  Status status = Status::kNotFound;
  base::PutId put{};
  std::uint64_t value_bytes = 0;
  std::span<const ReplicaView> replicas;
  static constexpr auto wire = std::tuple{&HandleView::status, &HandleView::put,
                                          &HandleView::value_bytes, &HandleView::replicas};
};
/// A Handle for a key that another client is filling.
struct BeingFilled {
  Status status = Status::kInFlight;
  base::PutId put{};
  std::uint64_t value_bytes = 0;
  std::span<const ReplicaView> replicas;
  std::uint64_t filling_ms = 0;
  static constexpr auto wire =
      std::tuple{&BeingFilled::status, &BeingFilled::put, &BeingFilled::value_bytes,
                 &BeingFilled::replicas, &BeingFilled::filling_ms};
};
/// A Handle that is its status alone: fields that are not sent stay what they are by default.
struct NoHandle {
  Status status = Status::kNotFound;
  static constexpr auto wire = std::tuple{&NoHandle::status};
};

struct Empty {
  std::uint8_t nothing = 0;
  static constexpr auto wire = std::tuple{&Empty::nothing};
};

struct ClientHello {
  base::ClientId client{};
  std::uint64_t process = 0;
  std::uint64_t epoch = 0;  ///< of the meta it was connected with last; 0: none
  static constexpr auto wire =
      std::tuple{&ClientHello::client, &ClientHello::process, &ClientHello::epoch};
};
struct ClientWelcome {
  base::PoolId pool{};
  std::uint64_t epoch = 0;
  static constexpr auto wire = std::tuple{&ClientWelcome::pool, &ClientWelcome::epoch};
};

/// How to reach a node.
struct NodeEntry {
  base::NodeId node{};
  std::string_view name;
  std::string_view address;    ///< of the data port
  std::string_view unix_name;  ///< abstract Unix socket that hands out segments
  std::string_view host;       ///< boot id: equal means the same kernel
  std::string_view zone;
  static constexpr auto wire =
      std::tuple{&NodeEntry::node,      &NodeEntry::name, &NodeEntry::address,
                 &NodeEntry::unix_name, &NodeEntry::host, &NodeEntry::zone};
};
struct NodeList {
  std::vector<NodeEntry> nodes;
  static constexpr auto wire = std::tuple{&NodeList::nodes};
};

struct PutStartItem {
  std::string_view key;
  std::uint64_t value_bytes = 0;
  std::string_view parent;  ///< the key that this one continues; empty: none
  static constexpr auto wire =
      std::tuple{&PutStartItem::key, &PutStartItem::value_bytes, &PutStartItem::parent};
};
struct PutStart {
  std::uint64_t ticket = 0;  ///< number of this request in the client's session, for abandoning it
  std::string_view name_space;
  std::uint32_t timeout_ms = 0;
  std::uint32_t replicas = 1;
  std::string_view preferred_node;
  std::vector<PutStartItem> items;
  PutMode mode = PutMode::kKeep;
  std::uint32_t lifetime_ms = 0;  ///< from the start to the commit; 0: the timeout and a grace
  bool group = false;  ///< all items that are not there already are given room, or none is
  static constexpr auto wire =
      std::tuple{&PutStart::ticket,   &PutStart::name_space,     &PutStart::timeout_ms,
                 &PutStart::replicas, &PutStart::preferred_node, &PutStart::items,
                 &PutStart::mode,     &PutStart::lifetime_ms,    &PutStart::group};
};
/// Answer of kPutStart and kLookup (one handle per key, in order) and of kMatchPrefix (those of the
/// leading run).
struct Handles {
  std::vector<Handle> items;
  static constexpr auto wire = std::tuple{&Handles::items};
};

/// The same, every handle left as it came: a Handle to decode, or to recognise.
struct EncodedHandles {
  std::vector<std::string_view> items;
  static constexpr auto wire = std::tuple{&EncodedHandles::items};
};

struct PutFinishItem {
  base::PutId put{};
  bool commit = false;  ///< false: the put is given up and none of its writers is at work any more
  std::vector<std::uint64_t> header_digests;  ///< one per replica, in the order of kPutStart
  static constexpr auto wire =
      std::tuple{&PutFinishItem::put, &PutFinishItem::commit, &PutFinishItem::header_digests};
};
struct PutFinish {
  std::vector<PutFinishItem> items;
  std::vector<std::uint64_t>
      abandoned;  ///< tickets whose answer never came: nothing was or will be written for them
  std::uint32_t timeout_ms = 0;  ///< how long a replaced value may take to go
  bool group = false;            ///< the items are all that was given room together
  static constexpr auto wire = std::tuple{&PutFinish::items, &PutFinish::abandoned,
                                          &PutFinish::timeout_ms, &PutFinish::group};
};
/// The same as meta reads them: what they list stays in the frame.
struct PutFinishItemView {
  base::PutId put{};
  bool commit = false;
  rpc::PlainList<std::uint64_t> header_digests;
  static constexpr auto wire = std::tuple{&PutFinishItemView::put, &PutFinishItemView::commit,
                                          &PutFinishItemView::header_digests};
};
struct PutFinishView {
  std::vector<PutFinishItemView> items;
  std::vector<std::uint64_t> abandoned;
  std::uint32_t timeout_ms = 0;
  bool group = false;
  static constexpr auto wire = std::tuple{&PutFinishView::items, &PutFinishView::abandoned,
                                          &PutFinishView::timeout_ms, &PutFinishView::group};
};
struct Statuses {
  std::vector<Status> items;
  static constexpr auto wire = std::tuple{&Statuses::items};
};

struct Lookup {
  std::string_view name_space;
  bool use = true;  ///< counts as a use for eviction
  std::vector<std::string_view> keys;
  std::uint32_t fill_ms = 0;  ///< the right to fill what is missing is asked for, for so long
  bool tell_open = false;     ///< kInFlight for what is missing and has a put open
  static constexpr auto wire = std::tuple{&Lookup::name_space, &Lookup::use, &Lookup::keys,
                                          &Lookup::fill_ms, &Lookup::tell_open};
};
struct MatchPrefix {
  std::string_view name_space;
  std::vector<std::string_view> keys;
  static constexpr auto wire = std::tuple{&MatchPrefix::name_space, &MatchPrefix::keys};
};
struct Remove {
  std::string_view name_space;
  std::uint32_t timeout_ms = 0;
  std::vector<std::string_view> keys;
  static constexpr auto wire = std::tuple{&Remove::name_space, &Remove::timeout_ms, &Remove::keys};
};

/// Keep objects from eviction for a while; 0 ends it.
struct Pin {
  std::string_view name_space;
  std::uint64_t ttl_ms = 0;
  std::vector<std::string_view> keys;
  static constexpr auto wire = std::tuple{&Pin::name_space, &Pin::ttl_ms, &Pin::keys};
};

/// A page of the keys of a namespace. They stand in the segments, so meta asks the nodes.
struct List {
  std::string_view name_space;
  std::string_view prefix;
  std::string_view cursor;  ///< of the reply before; empty: from the start
  std::uint32_t entries_max = 0;
  std::uint32_t timeout_ms = 0;
  static constexpr auto wire = std::tuple{&List::name_space, &List::prefix, &List::cursor,
                                          &List::entries_max, &List::timeout_ms};
};
struct ListedKey {
  std::string_view key;
  std::uint64_t value_bytes = 0;
  static constexpr auto wire = std::tuple{&ListedKey::key, &ListedKey::value_bytes};
};
struct Listed {
  std::vector<ListedKey> entries;
  std::string_view cursor;  ///< empty: that was the last page
  static constexpr auto wire = std::tuple{&Listed::entries, &Listed::cursor};
};

/// Bytes of values a client moved through mapped memory of one node, since its last report.
struct MovedBytes {
  base::NodeId node{};
  std::uint64_t read = 0;
  std::uint64_t written = 0;
  static constexpr auto wire =
      std::tuple{&MovedBytes::node, &MovedBytes::read, &MovedBytes::written};
};
/// A replica whose digests did not match although its generation was right.
struct Suspect {
  base::SegmentId segment{};
  std::uint32_t slot = 0;
  std::uint64_t generation = 0;
  static constexpr auto wire = std::tuple{&Suspect::segment, &Suspect::slot, &Suspect::generation};
};
/// What a client did by itself since its last report: uses of cached handles (by put), bytes,
/// suspicions.
struct Report {
  std::vector<base::PutId> uses;
  std::vector<MovedBytes> moved;
  std::vector<Suspect> suspects;
  std::uint64_t integrity_failures = 0;
  static constexpr auto wire =
      std::tuple{&Report::uses, &Report::moved, &Report::suspects, &Report::integrity_failures};
};

struct NodeStatusEntry {
  std::string_view name;
  std::string_view state;
  std::uint64_t process = 0;
  std::uint64_t capacity_bytes = 0;
  std::uint64_t used_bytes = 0;
  std::uint64_t limbo_bytes = 0;
  std::uint64_t shm_read = 0;
  std::uint64_t shm_written = 0;
  std::uint64_t tcp_read = 0;
  std::uint64_t tcp_written = 0;
  std::uint64_t free_bytes = 0;
  std::uint64_t pinned_bytes = 0;
  std::uint64_t views = 0;
  static constexpr auto wire =
      std::tuple{&NodeStatusEntry::name,       &NodeStatusEntry::state,
                 &NodeStatusEntry::process,    &NodeStatusEntry::capacity_bytes,
                 &NodeStatusEntry::used_bytes, &NodeStatusEntry::limbo_bytes,
                 &NodeStatusEntry::shm_read,   &NodeStatusEntry::shm_written,
                 &NodeStatusEntry::tcp_read,   &NodeStatusEntry::tcp_written,
                 &NodeStatusEntry::free_bytes, &NodeStatusEntry::pinned_bytes,
                 &NodeStatusEntry::views};
};
/// Calls of one kind that meta has answered: about one key, and about many.
struct CallCount {
  std::string_view name;
  std::uint64_t single = 0;
  std::uint64_t single_failed = 0;
  std::uint64_t batches = 0;
  std::uint64_t batches_failed = 0;
  static constexpr auto wire =
      std::tuple{&CallCount::name, &CallCount::single, &CallCount::single_failed,
                 &CallCount::batches, &CallCount::batches_failed};
};
struct PoolStatusReply {
  std::uint64_t objects = 0;
  std::uint64_t evictions = 0;
  std::uint64_t integrity_failures = 0;
  std::vector<NodeStatusEntry> nodes;
  std::uint64_t replicas_missing = 0;
  std::vector<CallCount> calls;
  static constexpr auto wire = std::tuple{&PoolStatusReply::objects,
                                          &PoolStatusReply::evictions,
                                          &PoolStatusReply::integrity_failures,
                                          &PoolStatusReply::nodes,
                                          &PoolStatusReply::replicas_missing,
                                          &PoolStatusReply::calls};
};

/// A node introduces itself with its one segment.
struct NodeHello {
  base::NodeId node{};
  std::string_view name;
  std::string_view address;
  std::string_view unix_name;
  std::string_view host;
  std::uint64_t process = 0;
  base::SegmentId segment{};
  std::uint64_t data_bytes = 0;
  std::uint32_t slots = 0;
  std::uint64_t epoch = 0;  ///< the highest it has accepted
  base::PoolId pool{};      ///< none: it has never been in one
  std::uint32_t granted_units = 0;
  std::uint32_t granted_slots = 0;
  bool lasts = false;                 ///< its memory survives its process
  std::vector<base::NodeId> members;  ///< the nodes of the pool, as it was told last
  std::vector<base::NodeId> lasting;  ///< those whose memory survives their process
  std::string_view zone;              ///< what it shares the fate of; empty: of no other node
  std::vector<base::SegmentId> gone;  ///< given up by the pool, as it was told last
  static constexpr auto wire =
      std::tuple{&NodeHello::node,          &NodeHello::name,       &NodeHello::address,
                 &NodeHello::unix_name,     &NodeHello::host,       &NodeHello::process,
                 &NodeHello::segment,       &NodeHello::data_bytes, &NodeHello::slots,
                 &NodeHello::epoch,         &NodeHello::pool,       &NodeHello::granted_units,
                 &NodeHello::granted_slots, &NodeHello::lasts,      &NodeHello::members,
                 &NodeHello::lasting,       &NodeHello::zone,       &NodeHello::gone};
};
struct NodeWelcome {
  enum class What : std::uint8_t {
    kKnown = 0,    ///< meta knows what lies in the segment
    kRecover = 1,  ///< it does not: the node fences what was granted and reports
    kFresh = 2,    ///< it has forgotten the segment: the node starts with an empty one
  };
  base::PoolId pool{};
  std::uint64_t epoch = 0;  ///< see epoch.h
  std::uint32_t granted_units =
      0;  ///< what meta knows to be granted already: the node repeats what is above
  std::uint32_t granted_slots = 0;
  What what = What::kKnown;
  std::uint64_t secret = 0;  ///< of the directory's hash, for reports
  std::uint32_t trust_ms =
      0;  ///< how long after a beat that was answered the node counts as a member
  static constexpr auto wire =
      std::tuple{&NodeWelcome::pool,          &NodeWelcome::epoch, &NodeWelcome::granted_units,
                 &NodeWelcome::granted_slots, &NodeWelcome::what,  &NodeWelcome::secret,
                 &NodeWelcome::trust_ms};
};
/// What all nodes of a pool are to know: who else is in it, so that the next meta knows whom to
/// expect.
struct Members {
  base::PoolId pool{};
  std::uint64_t epoch = 0;
  std::vector<base::NodeId> nodes;
  std::vector<base::NodeId> lasting;  ///< those whose memory survives their process
  std::vector<base::SegmentId> gone;  ///< given up lately: they may hold what was removed since
  static constexpr auto wire = std::tuple{&Members::pool, &Members::epoch, &Members::nodes,
                                          &Members::lasting, &Members::gone};
};

/// A sealed object, as a node found it in its catalog: header and slot checked, names hashed with
/// the secret of NodeWelcome.
struct RecoveredObject {
  std::uint64_t hash_low = 0;
  std::uint64_t hash_high = 0;
  base::PutId put{};
  std::uint64_t value_bytes = 0;
  std::uint64_t header_digest = 0;
  std::uint32_t slot = 0;
  std::uint64_t generation = 0;
  std::uint16_t replicas = 1;  ///< that its put asked for
  base::SmallVector<Run, 1> extents;
  base::GroupPlace group{};
  bool prepared = false;  ///< of a group of which nothing is known to be published
  static constexpr auto wire = std::tuple{
      &RecoveredObject::hash_low,    &RecoveredObject::hash_high,     &RecoveredObject::put,
      &RecoveredObject::value_bytes, &RecoveredObject::header_digest, &RecoveredObject::slot,
      &RecoveredObject::generation,  &RecoveredObject::replicas,      &RecoveredObject::extents,
      &RecoveredObject::group,       &RecoveredObject::prepared};
};
/// A slot that somebody still writes or looks at, and what of the segment it covers.
struct RecoveredLimbo {
  std::uint32_t slot = 0;
  std::uint64_t generation = 0;
  base::SmallVector<Run, 1> extents;
  static constexpr auto wire =
      std::tuple{&RecoveredLimbo::slot, &RecoveredLimbo::generation, &RecoveredLimbo::extents};
};
struct RecoveredSlot {
  std::uint32_t slot = 0;
  std::uint64_t generation = 0;
  static constexpr auto wire = std::tuple{&RecoveredSlot::slot, &RecoveredSlot::generation};
};
/// Make another replica here of one that another node holds: read it there, verify it, seal it.
struct Copy {
  base::SegmentId segment{};
  std::uint64_t epoch = 0;
  std::uint32_t slot = 0;
  std::uint64_t generation = 0;
  base::SmallVector<Run, 1> extents;
  base::PutId put{};
  std::uint64_t value_bytes = 0;
  std::uint16_t replicas = 1;  ///< that the put asked for
  std::string_view from_address;
  base::SegmentId from_segment{};
  std::uint32_t from_slot = 0;
  std::uint64_t from_generation = 0;
  std::uint64_t header_digest = 0;  ///< of the one to copy
  static constexpr auto wire = std::tuple{
      &Copy::segment,      &Copy::epoch,        &Copy::slot,        &Copy::generation,
      &Copy::extents,      &Copy::put,          &Copy::value_bytes, &Copy::replicas,
      &Copy::from_address, &Copy::from_segment, &Copy::from_slot,   &Copy::from_generation,
      &Copy::header_digest};
};
struct Copied {
  base::SegmentId segment{};
  std::uint32_t slot = 0;
  std::uint64_t generation = 0;
  Status status = Status::kOk;
  std::uint64_t header_digest = 0;  ///< of the new replica
  static constexpr auto wire = std::tuple{&Copied::segment, &Copied::slot, &Copied::generation,
                                          &Copied::status, &Copied::header_digest};
};

/// Nothing new is placed on a node, and what it holds moves to others; when it is empty it leaves.
struct Drain {
  std::string_view node;
  bool cancel = false;  ///< go on as before
  static constexpr auto wire = std::tuple{&Drain::node, &Drain::cancel};
};
struct DrainState {
  bool gone = false;           ///< it was empty, and has left
  std::uint64_t objects = 0;   ///< still to move
  std::uint64_t bytes = 0;     ///< still in use or in limbo
  std::uint64_t moved = 0;     ///< objects copied to others since the drain began
  std::uint64_t given_up = 0;  ///< objects that were worth less than what they would displace
  static constexpr auto wire =
      std::tuple{&DrainState::gone, &DrainState::objects, &DrainState::bytes, &DrainState::moved,
                 &DrainState::given_up};
};

/// A part of a node's report. What is in no list is in limbo until a later message has it.
struct Recovered {
  base::SegmentId segment{};
  std::vector<RecoveredObject> objects;
  std::vector<RecoveredLimbo> limbo;
  std::vector<RecoveredSlot> free_slots;  ///< granted under these generations
  std::vector<Run> free_runs;
  bool end = false;  ///< all slots have been named
  static constexpr auto wire =
      std::tuple{&Recovered::segment,    &Recovered::objects,   &Recovered::limbo,
                 &Recovered::free_slots, &Recovered::free_runs, &Recovered::end};
};

/// The node's own counters, since it started.
struct NodeBeat {
  std::uint64_t tcp_read = 0;
  std::uint64_t tcp_written = 0;
  std::uint64_t views = 0;  ///< open now
  static constexpr auto wire =
      std::tuple{&NodeBeat::tcp_read, &NodeBeat::tcp_written, &NodeBeat::views};
};

struct GrantMore {
  base::SegmentId segment{};
  std::uint64_t epoch = 0;
  std::uint32_t units = 0;  ///< wanted in all, counted from the start of the data
  std::uint32_t slots = 0;
  static constexpr auto wire =
      std::tuple{&GrantMore::segment, &GrantMore::epoch, &GrantMore::units, &GrantMore::slots};
};
/// What the node has marked as granted: everything below these marks. The generations are those of
/// the slots from `first_slot` on.
struct Granted {
  base::SegmentId segment{};
  std::uint32_t units = 0;
  std::uint32_t first_slot = 0;
  std::vector<std::uint64_t> generations;
  std::uint32_t units_max =
      0;  ///< all the segment will ever have: less than its size when memory ran out
  static constexpr auto wire = std::tuple{&Granted::segment, &Granted::units, &Granted::first_slot,
                                          &Granted::generations, &Granted::units_max};
};

/// Take a slot back, whatever became of its put: retired, or in limbo while somebody writes it or
/// looks at it in place, then granted anew.
struct ReclaimItem {
  std::uint32_t slot = 0;
  std::uint64_t generation = 0;
  static constexpr auto wire = std::tuple{&ReclaimItem::slot, &ReclaimItem::generation};
};
struct Reclaim {
  base::SegmentId segment{};
  std::uint64_t epoch = 0;
  std::vector<ReclaimItem> items;
  static constexpr auto wire = std::tuple{&Reclaim::segment, &Reclaim::epoch, &Reclaim::items};
};
struct ReclaimedItem {
  std::uint32_t slot = 0;
  std::uint64_t generation = 0;       ///< the one named in the request
  std::uint64_t next_generation = 0;  ///< granted anew under this one; 0: the slot is in limbo
  static constexpr auto wire =
      std::tuple{&ReclaimedItem::slot, &ReclaimedItem::generation, &ReclaimedItem::next_generation};
};
struct Reclaimed {
  base::SegmentId segment{};
  std::vector<ReclaimedItem> items;
  static constexpr auto wire = std::tuple{&Reclaimed::segment, &Reclaimed::items};
};

/// Seal these prepared slots: the group that each is of is whole.
struct PublishItem {
  std::uint32_t slot = 0;
  std::uint64_t generation = 0;
  static constexpr auto wire = std::tuple{&PublishItem::slot, &PublishItem::generation};
};
struct Publish {
  base::SegmentId segment{};
  std::uint64_t epoch = 0;
  std::vector<PublishItem> items;
  static constexpr auto wire = std::tuple{&Publish::segment, &Publish::epoch, &Publish::items};
};
struct PublishedItem {
  std::uint32_t slot = 0;
  std::uint64_t generation = 0;
  bool sealed = false;  ///< it is; false: it has been taken back, or is damaged
  static constexpr auto wire =
      std::tuple{&PublishedItem::slot, &PublishedItem::generation, &PublishedItem::sealed};
};
struct Published {
  base::SegmentId segment{};
  std::vector<PublishedItem> items;
  static constexpr auto wire = std::tuple{&Published::segment, &Published::items};
};

/// Check the digests of a sealed slot; only the node's own finding marks it bad.
struct Verify {
  base::SegmentId segment{};
  std::uint32_t slot = 0;
  std::uint64_t generation = 0;
  std::uint64_t header_digest = 0;
  static constexpr auto wire =
      std::tuple{&Verify::segment, &Verify::slot, &Verify::generation, &Verify::header_digest};
};
struct Verified {
  base::SegmentId segment{};
  std::uint32_t slot = 0;
  std::uint64_t generation = 0;
  bool bad = false;
  static constexpr auto wire =
      std::tuple{&Verified::segment, &Verified::slot, &Verified::generation, &Verified::bad};
};

/// Which objects of a namespace lie in a run of slots.
struct Scan {
  base::SegmentId segment{};
  std::uint64_t id = 0;  ///< comes back with the answer
  std::uint32_t first_slot = 0;
  std::uint32_t slots = 0;
  std::uint32_t entries_max = 0;
  std::string_view name_space;
  std::string_view prefix;
  static constexpr auto wire =
      std::tuple{&Scan::segment,     &Scan::id,         &Scan::first_slot, &Scan::slots,
                 &Scan::entries_max, &Scan::name_space, &Scan::prefix};
};
struct ScannedItem {
  std::uint32_t slot = 0;
  std::uint64_t generation = 0;
  std::string_view key;
  static constexpr auto wire =
      std::tuple{&ScannedItem::slot, &ScannedItem::generation, &ScannedItem::key};
};
struct Scanned {
  base::SegmentId segment{};
  std::uint64_t id = 0;
  std::uint32_t next_slot = 0;  ///< where to go on
  bool end = false;             ///< nothing has been granted behind it
  std::vector<ScannedItem> items;
  static constexpr auto wire = std::tuple{&Scanned::segment, &Scanned::id, &Scanned::next_slot,
                                          &Scanned::end, &Scanned::items};
};

}  // namespace aquifer::protocol
