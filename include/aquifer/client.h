// The client: put, get, exists and remove objects of a pool. One object per process is enough;
// every call is thread-safe, returns by its deadline (plus the time to stop a piece of at most 1
// MiB), and touches none of the caller's memory afterwards. A pool in trouble is a status, never an
// exception, a signal or an abort.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "aquifer/export.h"
#include "aquifer/pending_put.h"
#include "aquifer/result.h"
#include "aquifer/types.h"
#include "aquifer/view.h"

namespace aquifer {

namespace client {
class Session;
}

/// A connection to one pool. Connects at the first call, reconnects by itself. After fork() the
/// child's calls answer kClosed: a child opens its own client.
class AQUIFER_EXPORT Client {
 public:
  /// Checks the options (address, namespace, ranges) and returns a client. Does not connect: a meta
  /// that is not there yet is no error here. Errors: kInvalidArgument.
  static Result<Client> open(ClientOptions options = {});

  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;
  ~Client();

  /// Stores a value under a key. kExists is a success that moved nothing. After any other status
  /// than kOk and kExists the value is not there, except kUnknown, which says that it may be.
  Status put(std::string_view key, std::span<const ConstPiece> pieces,
             const PutOptions& options = {});

  /// As put, contiguous: `bytes` bytes from `value`.
  Status put(std::string_view key, const void* value, std::size_t bytes,
             const PutOptions& options = {});

  /// As put, for many keys with at most two calls to meta. One status per item, in order.
  std::vector<Status> put_batch(std::span<const PutItem> items, const PutOptions& options = {});

  /// Stores a value only if no other put of the key is open: kInFlight tells that one is, kExists
  /// that the key is there. Otherwise as put.
  Status put_if_absent(std::string_view key, std::span<const ConstPiece> pieces,
                       PutOptions options = {});

  /// Stores a value in the place of the one that is there, if any. kOk: every get that starts after
  /// this returns the new value. kPending: stored, but a node has still to confirm that the old
  /// value is gone, and a get by a cached handle may return it until then. Otherwise the old value
  /// is as it was.
  Status replace(std::string_view key, std::span<const ConstPiece> pieces, PutOptions options = {});

  /// Begins a put whose value of `bytes` bytes is written later, range by range. It is given up
  /// when it has not been committed within `lifetime` (at most Limits::kOpenPutTtl). Errors: those
  /// of put, kExists included.
  Result<PendingPut> open_put(std::string_view key, std::uint64_t bytes,
                              const PutOptions& options = {},
                              std::chrono::milliseconds lifetime = std::chrono::seconds(60));

  /// As open_put, for many keys with one call to meta: one result per item, in order.
  std::vector<Result<PendingPut>> open_put_batch(
      std::span<const OpenItem> items, const PutOptions& options = {},
      std::chrono::milliseconds lifetime = std::chrono::seconds(60));

  /// Reads a value into the caller's pieces. Every byte is verified. After any status but kOk their
  /// content is undefined. Status: kOk, kNotFound, kTooSmall, kIntegrity (every replica damaged),
  /// kUnreachable, kTimeout ...
  GetOutcome get_into(std::string_view key, std::span<const Piece> pieces,
                      const CallOptions& options = {});

  /// As get_into, for many keys, with at most one call to meta and none when all handles are
  /// cached.
  std::vector<GetOutcome> get_batch(std::span<const GetItem> items,
                                    const CallOptions& options = {});

  /// Reads a range of a value, every page of it verified. Status: those of get_into;
  /// kInvalidArgument when the range starts at or behind the end of the value.
  GetOutcome get_range(std::string_view key, std::uint64_t offset, std::span<const Piece> pieces,
                       const CallOptions& options = {});
  std::vector<GetOutcome> get_range_batch(std::span<const RangeItem> items,
                                          const CallOptions& options = {});

  /// Shows a value in place: verified, and held where it is until the view ends. Where the memory
  /// of the node cannot be mapped, the view is a copy. Errors: kNotFound, kIntegrity,
  /// kUnreachable, kTimeout ...
  Result<View> view(std::string_view key, const CallOptions& options = {});
  std::vector<Result<View>> view_batch(std::span<const std::string_view> keys,
                                       const CallOptions& options = {});

  /// Reads a value into a fresh string. A miss is an Error with kNotFound.
  Result<std::string> get(std::string_view key, const CallOptions& options = {});

  /// kOk with the size of the value, or kNotFound, per key; remembers the handles, so that a get
  /// that follows needs no call to meta. Answers from handles that are remembered already where
  /// there are any: a size, not a promise of presence (exists_batch asks). What is not there counts
  /// as a miss.
  std::vector<GetOutcome> locate_batch(std::span<const std::string_view> keys,
                                       const CallOptions& options = {});

  /// kOk, kNotFound, or what stood in the way. Always asks meta, one view for all keys, and
  /// remembers the handles.
  Status exists(std::string_view key, const CallOptions& options = {});
  std::vector<Status> exists_batch(std::span<const std::string_view> keys,
                                   const CallOptions& options = {});

  /// The number of leading keys that exist, by one call to meta; 0 when meta cannot be reached.
  std::size_t match_prefix(std::span<const std::string_view> keys, const CallOptions& options = {});

  /// Removes a key: kOk when no get that starts after this returns it, kPending when a node has
  /// still to confirm, kNotFound.
  Status remove(std::string_view key, const CallOptions& options = {});
  std::vector<Status> remove_batch(std::span<const std::string_view> keys,
                                   const CallOptions& options = {});

  /// Keeps objects from eviction for `ttl` from now (at most Limits::kPinTtl; a later call counts
  /// anew, zero ends it). kOk, kNotFound, or kBusy when as many bytes are pinned as meta allows.
  std::vector<Status> pin_batch(std::span<const std::string_view> keys,
                                std::chrono::milliseconds ttl, const CallOptions& options = {});
  Status pin(std::string_view key, std::chrono::milliseconds ttl, const CallOptions& options = {});

  /// One page of the keys that begin with `prefix`, in no order. `cursor` is that of the page
  /// before, empty for the first; a page may hold fewer entries, or none, while more follow. What
  /// is there all the time is listed once; what comes or goes meanwhile may be.
  Result<ListPage> list(std::string_view prefix = {}, std::string_view cursor = {},
                        std::size_t entries_max = 1000, const CallOptions& options = {});

  /// Removes all keys that begin with `prefix` (empty: all of the namespace) and returns how many
  /// there were.
  Result<std::uint64_t> remove_prefix(std::string_view prefix, const CallOptions& options = {});

  /// Size and places of one object.
  Result<ObjectStat> stat(std::string_view key, const CallOptions& options = {});

  /// The same of many, with one call to meta: one answer per key, whose status says kOk, kNotFound,
  /// kInFlight (not there, and being put) or what stood in the way.
  std::vector<ObjectStat> stat_batch(std::span<const std::string_view> keys,
                                     const CallOptions& options = {});

  /// The state of the whole pool.
  /// Begins to drain a node, or says how far that has come: nothing new is placed on it, what it
  /// holds moves to other nodes at the rate that meta was given, and when it is empty it leaves.
  /// `cancel` ends a drain before that. Call it again for the progress. Errors: kNotFound (no node
  /// of this name), and those of a meta that does not answer. Thread-safe.
  Result<DrainProgress> drain(std::string_view node, bool cancel = false,
                              const CallOptions& options = {});

  Result<PoolStatus> status(const CallOptions& options = {});

  /// What this client has done so far.
  ClientCounters counters() const;

  /// The latest operating error met by any call of this client; code kOk when there was none. For
  /// messages: the statuses are what to act on.
  Error last_error() const;

  /// Ends all connections; calls in progress return soon, later ones answer kClosed.
  void close();

 private:
  explicit Client(std::shared_ptr<client::Session> session);
  std::shared_ptr<client::Session> session_;
};

}  // namespace aquifer
