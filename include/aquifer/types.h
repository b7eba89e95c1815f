// Words of the public API that carry no behaviour: status codes, limits, pieces of memory, options
// and reports. Std types only, so that an engine can include this next to anything. Not here:
// Result (result.h), the calls (client.h).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "aquifer/export.h"

namespace aquifer {

/// What became of one key, or of one call. Grouped by what the caller should do next. The numbers
/// travel between processes and languages; they are never reused.
enum class Status : std::int32_t {
  kOk = 0,
  kExists = 1,    ///< success: the key was there already, nothing was moved
  kNotFound = 2,  ///< a miss

  // Try again here.
  kBusy = 10,     ///< no space could be made within the deadline
  kTimeout = 11,  ///< the deadline passed; a put that ends so was not stored
  kUnknown = 12,  ///< the deadline passed or the connection broke while a put was being committed:
                  ///< it may be stored
  kRecovering = 13,  ///< not found, while nodes are still missing after a restart
  kPending = 14,     ///< removed from sight; some node has still to confirm it
  kInFlight = 15,    ///< another put of the key is open

  // Try elsewhere, or later.
  kUnreachable = 20,  ///< meta, or every node that holds the object, cannot be reached
  kNoSpace = 21,  ///< can never fit: larger than the largest node, or pinned bytes leave no room
  kClosed = 22,   ///< this client or pool has been closed

  // Mend the request.
  kInvalidArgument = 30,
  kTooLarge = 31,      ///< over a limit of the pool
  kTooSmall = 32,      ///< the caller's buffers are smaller than the value
  kNotSupported = 33,  ///< named in the API, absent from this version
  kVersionMismatch = 34,
  kConflict = 35,  ///< a name or id is taken by a live session
  kDenied = 36,

  // Gone.
  kCancelled = 40,  ///< the open put was removed or aborted before it was committed

  // Broken.
  kIntegrity = 50,  ///< the bytes found are not the bytes that were put; nothing was delivered
  kInternal = 51,   ///< a failed check; the pool or client has closed itself
  kIo = 52,         ///< the operating system refused
};

/// The name of a status in snake_case ("not_found"); "unrecognized" for a number this version does
/// not know.
AQUIFER_EXPORT std::string_view name_of(Status status);

/// True for the two successes of a put, kOk and kExists.
constexpr bool is_success(Status status) {
  return status == Status::kOk || status == Status::kExists;
}

/// Limits every pool keeps. A larger request is answered kTooLarge or kInvalidArgument without
/// being tried.
struct Limits {
  static constexpr std::size_t kKeyBytes = 1024;
  static constexpr std::size_t kNamespaceBytes = 255;
  static constexpr std::uint64_t kValueBytes = std::uint64_t{1} << 30;
  static constexpr std::size_t kBatchKeys = 16384;
  static constexpr std::size_t kListEntries = 4096;
  static constexpr std::chrono::hours kPinTtl{24};
  static constexpr std::chrono::minutes kOpenPutTtl{10};
  static constexpr std::size_t kPieces = 4096;
  static constexpr unsigned kReplicas = 8;
};

/// A range of the caller's memory that a get writes. Bytes.
struct Piece {
  void* address = nullptr;
  std::size_t bytes = 0;
};

/// A range of the caller's memory that a put reads. Bytes.
struct ConstPiece {
  const void* address = nullptr;
  std::size_t bytes = 0;
};

/// One object of a put: the value is the concatenation of its pieces (1 byte to Limits::kValueBytes
/// in all).
struct PutItem {
  std::string_view key;
  std::span<const ConstPiece> pieces;
  std::string_view parent{};  ///< the key that this one continues, for eviction; empty: none
};

/// One object of a get: the value fills the pieces in order. The pieces may be larger than the
/// value; what the rest of them holds afterwards is not said. Pieces of one batch must not overlap.
struct GetItem {
  std::string_view key;
  std::span<const Piece> pieces;
};

/// One range of a value: the bytes from `offset` on that fill the pieces, in order. Pieces of one
/// batch must not overlap.
struct RangeItem {
  std::string_view key;
  std::uint64_t offset = 0;
  std::span<const Piece> pieces;
};

/// Outcome of one get. `bytes` is the size of the value: with kOk the bytes delivered, with
/// kTooSmall the bytes needed. For a range with kOk: the bytes delivered, fewer than the pieces
/// hold where the value ends before.
struct GetOutcome {
  Status status = Status::kNotFound;
  std::uint64_t bytes = 0;
  /// With CallOptions::fill and kInFlight: for how long another client has been filling the key.
  std::chrono::milliseconds filling{0};
};

/// What every call may carry.
struct CallOptions {
  std::string_view name_space{};         ///< empty: the client's namespace
  std::chrono::milliseconds timeout{0};  ///< zero: the client's timeout
  /// Get and exists: asks for the right to fill what is missing, for so long (at most ten minutes).
  /// kNotFound then means that the key is the caller's to compute and put; kInFlight that another
  /// client is at it. The right ends with the put, with its time, or with its holder. It saves work
  /// and promises nothing: after a restart of meta two may have it.
  std::chrono::milliseconds fill{0};
};

/// What a put does when the key is taken.
enum class PutMode : std::uint8_t {
  kKeep,      ///< kExists when the key is there; of two puts at a time the first to end wins
  kIfAbsent,  ///< as kKeep, and kInFlight at once while another put of the key is open
  kReplace,   ///< the new value takes the place of the old one, in one step
};

/// What a put may carry besides.
struct PutOptions {
  PutMode mode = PutMode::kKeep;
  unsigned replicas = 1;              ///< 1 to Limits::kReplicas, on distinct nodes
  std::string_view preferred_node{};  ///< name of the node for the first replica, where it has room
  CallOptions call{};
  /// Of a batch: all its objects become visible together, or none does, whatever fails in between.
  /// Those that are there already (kExists) count as visible. When one cannot be put, its status
  /// says why and the others end as kCancelled. Its keys are distinct; costs one more exchange
  /// between meta and the nodes.
  bool group = false;
};

enum class Transport : std::uint8_t {
  kAuto,  ///< mapped memory where the node is on this host, TCP otherwise
  kShm,   ///< mapped memory only; other nodes are unreachable
  kTcp,   ///< TCP only, also on this host
};

/// How a client reaches its pool and how much of the machine it may use.
struct ClientOptions {
  std::string meta = "tcp://127.0.0.1:5000";  ///< address of the MetaService
  std::string name_space = "default";
  Transport transport = Transport::kAuto;
  std::chrono::milliseconds timeout{5000};  ///< default deadline of each call
  unsigned copy_threads =
      1;  ///< threads that move bytes for one call, the caller's included (1 to 64)
  unsigned tcp_streams = 2;               ///< connections to one node used by one call (1 to 64)
  std::size_t cached_handles = 1u << 20;  ///< handles remembered; 0 looks up on every get
  std::string
      zone;  ///< where the client is, as nodes say with --zone; empty: nowhere in particular
};

/// One object of a listing.
struct ListEntry {
  std::string key;
  std::uint64_t bytes = 0;  ///< size of the value
};

/// A page of a listing. `cursor` asks for the next one; empty after the last.
struct ListPage {
  std::vector<ListEntry> entries;
  std::string cursor;
};

/// Where one replica lies.
struct ReplicaStat {
  std::string node;  ///< the node's name
};

/// Answer of stat.
struct ObjectStat {
  Status status = Status::kNotFound;
  std::uint64_t bytes = 0;  ///< size of the value
  std::vector<ReplicaStat> replicas;
};

/// Bytes of values moved, by transport.
struct TransportBytes {
  std::uint64_t shm = 0;
  std::uint64_t tcp = 0;
};

/// One node in PoolStatus. Sizes in bytes of the data area.
struct NodeStatus {
  std::string name;
  std::string state;          ///< "alive", "suspect" (not heard of lately), "lost"
  std::uint64_t process = 0;  ///< its pid on its host
  std::uint64_t capacity_bytes = 0;
  std::uint64_t free_bytes = 0;
  std::uint64_t used_bytes = 0;
  std::uint64_t limbo_bytes = 0;
  std::uint64_t pinned_bytes = 0;
  std::uint64_t views = 0;       ///< objects that clients of this host look at in place
  TransportBytes read_bytes;     ///< shm: as reported by clients; tcp: counted by the node
  TransportBytes written_bytes;  ///< the same
};

/// Calls of one kind that meta has answered since it began. A call has failed when one of its keys
/// was missing or refused.
struct CallCount {
  std::string name;          ///< "put", "commit", "get" (look-ups), "exists", "match_prefix",
                             ///< "remove", "pin", "list", "status", "join", "leave" (of nodes)
  std::uint64_t single = 0;  ///< about one key
  std::uint64_t single_failed = 0;
  std::uint64_t batches = 0;  ///< about many, or none
  std::uint64_t batches_failed = 0;
};

/// The whole pool at one moment. free + used + limbo = capacity.
struct PoolStatus {
  std::uint64_t capacity_bytes = 0;
  std::uint64_t free_bytes = 0;
  std::uint64_t used_bytes = 0;   ///< of open and stored objects, pinned ones included
  std::uint64_t limbo_bytes = 0;  ///< bytes that may still have a writer, or a reader in place:
                                  ///< counted, never handed out
  std::uint64_t pinned_bytes = 0;
  std::uint64_t views = 0;
  std::uint64_t objects = 0;
  std::uint64_t evictions = 0;
  std::uint64_t integrity_failures = 0;
  /// Objects that were found with fewer replicas than their puts asked for; 1 at least while what
  /// has changed is still being looked at.
  std::uint64_t replicas_missing = 0;
  std::vector<NodeStatus> nodes;
  std::vector<CallCount> calls;
};

/// How far the draining of a node has come.
struct DrainProgress {
  bool gone = false;           ///< it was empty, and has left the pool
  std::uint64_t objects = 0;   ///< still to move
  std::uint64_t bytes = 0;     ///< still in use or in limbo
  std::uint64_t moved = 0;     ///< objects copied to other nodes since the drain began
  std::uint64_t given_up = 0;  ///< objects that were worth less than what they would have displaced
};

/// Counters of one client, all since it was opened.
struct ClientCounters {
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;
  std::uint64_t integrity_failures =
      0;                            ///< digests that did not match under an unchanged generation
  std::uint64_t stale_handles = 0;  ///< cached handles whose object had moved on
  std::uint64_t meta_calls = 0;     ///< requests sent to meta
  std::uint64_t breaker_opens = 0;  ///< times that meta did not answer, and calls began to be
                                    ///< refused at once
  TransportBytes read_bytes;
  TransportBytes written_bytes;
};

}  // namespace aquifer
