// A put that is written range by range, in any order: what layer-wise transfers need. Nobody sees
// the object before the commit.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "aquifer/export.h"
#include "aquifer/types.h"

namespace aquifer {

namespace client {
class OpenObject;
class Session;
}  // namespace client

/// One object of Client::open_put_batch.
struct OpenItem {
  std::string_view key;
  std::uint64_t bytes = 0;    ///< size of the value
  std::string_view parent{};  ///< as in PutItem
};

/// Destroyed without commit: aborted. Calls are thread-safe; several threads may write at a time.
/// Move-only; outlives its client harmlessly (calls answer kClosed).
class AQUIFER_EXPORT PendingPut {
 public:
  PendingPut(PendingPut&&) noexcept;
  PendingPut& operator=(PendingPut&&) noexcept;
  ~PendingPut();

  std::uint64_t bytes() const;

  /// Writes the bytes at [offset, offset + size of the pieces). Each byte is written once: a range
  /// that overlaps an earlier one, or the end of the value, is kInvalidArgument and changes
  /// nothing. After any other error the put can only be aborted. `timeout` zero: the client's.
  Status write(std::uint64_t offset, std::span<const ConstPiece> pieces,
               std::chrono::milliseconds timeout = {});
  Status write(std::uint64_t offset, const void* from, std::size_t bytes,
               std::chrono::milliseconds timeout = {});

  /// Makes the object visible. As put: kOk, kExists, kPending, kUnknown, kCancelled (removed, or
  /// its lifetime is over) ... kInvalidArgument while bytes are missing or being written; the put
  /// stays open then.
  Status commit(std::chrono::milliseconds timeout = {});

  /// Gives the put up; what was written is gone. Repeatable.
  void abort();

 private:
  friend class client::Session;
  explicit PendingPut(std::shared_ptr<client::OpenObject> object);
  std::shared_ptr<client::OpenObject> object_;
};

}  // namespace aquifer
