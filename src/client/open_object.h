// What a PendingPut stands for: the replicas granted by meta, what has been written of them, and
// the pages that are not whole yet. Pages are digested while they are copied, so a page that comes
// in several ranges is collected here (64 KiB each) and moved when its last byte has come.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "client/open_put.h"
#include "client/session.h"
#include "client/written_ranges.h"

namespace aquifer::client {

/// Thread-safe.
class OpenObject {
 public:
  OpenObject(std::shared_ptr<Session> session, std::string_view name_space, std::string_view key,
             const Handle& handle, io::Deadline expires);
  /// Aborts what has not been committed.
  ~OpenObject();

  std::uint64_t bytes() const { return handle_.value_bytes; }
  Status write(std::uint64_t offset, std::span<const ConstPiece> pieces,
               std::chrono::milliseconds timeout);
  Status commit(std::chrono::milliseconds timeout);
  void abort();
  bool in_forked_child() const { return session_->in_forked_child(); }

 private:
  /// A page some of whose bytes have come.
  struct PartialPage {
    std::vector<std::byte> bytes;
    std::uint64_t filled = 0;
  };
  enum class State : std::uint8_t { kOpen, kEnded, kFailed };

  /// Begins a write; writing_ counts it until its Writing ends.
  Status claim(std::uint64_t first, std::uint64_t end);
  struct Writing;
  Status write_claimed(std::uint64_t first, std::uint64_t end, std::span<const ConstPiece> pieces,
                       const Call& call);
  Status collect(std::uint64_t first, std::uint64_t end, std::span<const ConstPiece> from,
                 const Call& call);
  Status move_pages(std::uint64_t first_page, std::uint64_t end_page,
                    std::span<const ConstPiece> from, const Call& call);
  Session::OpenPut transfers() const;
  Status seal_and_finish(const Call& call);
  void give_up();
  Result<Call> begin(std::chrono::milliseconds timeout);

  const std::shared_ptr<Session> session_;
  const std::string name_space_;
  const std::string key_;
  const Handle handle_;
  const io::Deadline expires_;

  std::mutex mutex_;
  const std::unique_ptr<Bell> idle_;
  State state_ = State::kOpen;
  unsigned writing_ = 0;  ///< calls of write() at work
  WrittenRanges written_;
  std::unordered_map<std::uint64_t, std::shared_ptr<PartialPage>> partial_;  ///< by page
  std::vector<std::vector<std::uint64_t>> page_digests_;                     ///< by replica
};

}  // namespace aquifer::client
