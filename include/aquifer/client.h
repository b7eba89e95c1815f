// The client: put, get, exists and remove objects of a pool. One object per process is enough;
// every call is thread-safe, returns by its deadline (plus the time to stop a piece of at most 1
// MiB), and touches none of the caller's memory afterwards. A pool in trouble is a status, never an
// exception, a signal or an abort.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "aquifer/result.h"
#include "aquifer/types.h"

namespace aquifer {

namespace client {
class Session;
}

/// A connection to one pool. Connects at the first call, reconnects by itself. After fork() the
/// child's calls answer kClosed: a child opens its own client.
class Client {
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

  /// Reads a value into the caller's pieces. Every byte is verified. After any status but kOk their
  /// content is undefined. Status: kOk, kNotFound, kTooSmall, kIntegrity (every replica damaged),
  /// kUnreachable, kTimeout ...
  GetOutcome get_into(std::string_view key, std::span<const Piece> pieces,
                      const CallOptions& options = {});

  /// As get_into, for many keys, with at most one call to meta and none when all handles are
  /// cached.
  std::vector<GetOutcome> get_batch(std::span<const GetItem> items,
                                    const CallOptions& options = {});

  /// Reads a value into a fresh string. A miss is an Error with kNotFound.
  Result<std::string> get(std::string_view key, const CallOptions& options = {});

  /// kOk with the size of the value, or kNotFound, per key; remembers the handles, so that a get
  /// that follows needs no call to meta. Answers from handles that are remembered already where
  /// there are any: a size, not a promise of presence (exists_batch asks).
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

  /// Size and places of one object.
  Result<ObjectStat> stat(std::string_view key, const CallOptions& options = {});

  /// The state of the whole pool.
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
