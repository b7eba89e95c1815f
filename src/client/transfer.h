// Moving the bytes of many objects to and from their replicas: by mapped memory and by TCP, with
// the same inputs and the same outcomes, so that everything above is ignorant of the way. One
// Transfer per object and replica.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "aquifer/types.h"
#include "client/handle.h"
#include "client/peers.h"
#include "client/put_verdict.h"
#include "client/workers.h"
#include "io/socket.h"
#include "memory/scatter.h"

namespace aquifer::client {

/// One value to be read from, or written to, one replica.
struct Transfer {
  std::string_view name_space;
  std::string_view key;
  base::PutId put{};
  std::uint64_t value_bytes = 0;
  std::uint16_t replicas = 1;  ///< writes: that the put asked for
  base::GroupPlace group{};    ///< writes
  ReplicaPlace place;
  std::shared_ptr<Peer> peer;
  std::shared_ptr<MappedSegment> mapped;  ///< by memory; null: by TCP
  bool remembered = false;                ///< reads: the handle comes from an earlier call
  std::uint64_t first_page = 0;           ///< the pages to move ...
  std::uint64_t end_page = UINT64_MAX;    ///< ... end before this one; capped by the value
  std::span<const Piece> destination;     ///< reads: of these pages
  std::span<const ConstPiece> source;     ///< writes: of these pages

  std::atomic<Outcome> outcome{Outcome::kDone};
  std::vector<std::uint64_t>
      page_digests;                 ///< reads: what the header says; writes: what was written
  std::uint64_t header_digest = 0;  ///< writes: for the commit
  bool may_be_sealed = false;       ///< writes: the last step was tried

  std::uint32_t header_bytes() const {
    return pool::header_bytes(name_space.size(), key.size(), value_bytes);
  }
  std::uint64_t stored_bytes() const { return pool::stored_bytes(value_bytes, header_bytes()); }
  pool::ObjectIdentity identity() const {
    return {name_space, key, put, place.segment, place.slot, place.generation, value_bytes};
  }
  std::uint64_t pages_end() const { return std::min(end_page, pool::page_count(value_bytes)); }
  /// Where a page of the value lies in `destination` or `source`.
  std::uint64_t offset_of(std::uint64_t page) const {
    return (page - first_page) * pool::kPageBytes;
  }
  /// Bytes of value in the pages to move.
  std::uint64_t bytes() const {
    return std::min(pages_end() * pool::kPageBytes, value_bytes) - first_page * pool::kPageBytes;
  }
  bool failed() const { return outcome.load(std::memory_order_relaxed) != Outcome::kDone; }
  void fail(Outcome why) {
    Outcome done = Outcome::kDone;
    outcome.compare_exchange_strong(done, why);
  }
};

using Transfers = std::vector<std::unique_ptr<Transfer>>;

/// A run of whole pages of one transfer: what one thread does between two looks at the deadline.
struct PageRun {
  Transfer* transfer = nullptr;
  std::uint64_t first_page = 0;
  std::uint64_t pages = 0;
};
constexpr std::uint64_t kRunPages = (std::uint64_t{1} << 20) / pool::kPageBytes;
std::vector<PageRun> page_runs(std::span<Transfer* const> transfers,
                               std::uint64_t run_pages = kRunPages);

/// Told before each step by which a transfer touches mapped memory, where another process may do
/// something first: the simulator lets it.
class Steps {
 public:
  enum class Step : std::uint8_t {
    kLook,       ///< at the slot, before a read
    kRead,       ///< of a run of pages, or of those of a view
    kLookAgain,  ///< at the slot, after the read
    kEnter,      ///< the slot is held for writing
    kDescribe,   ///< what the slot says of the object
    kWrite,      ///< of a run of pages
    kHeader,     ///< is written
    kSeal,
  };
  virtual ~Steps() = default;
  virtual void before(Step step, const Transfer& transfer) = 0;
};

/// Who helps, for how long, and in which steps.
struct Effort {
  Workers& workers;
  Time& time;
  unsigned copy_threads = 1;
  unsigned tcp_streams = 2;
  io::Deadline deadline{};
  Steps* steps = nullptr;
  std::uint64_t run_pages = kRunPages;

  void before(Steps::Step step, const Transfer& transfer) const {
    if (steps != nullptr) {
      steps->before(step, transfer);
    }
  }
};

/// Moves the pages of all transfers; each one's outcome is set. After the call nothing touches the
/// pieces.
void read_shm(std::span<Transfer* const> transfers, const Effort& effort);
void read_tcp(std::span<Transfer* const> transfers, const Effort& effort);
void write_shm(std::span<Transfer* const> transfers, const Effort& effort);
void write_tcp(std::span<Transfer* const> transfers, const Effort& effort);

/// Checks headers and pages where they lie, without moving them; the slots are held by views.
void verify_shm(std::span<Transfer* const> transfers, const Effort& effort);

/// True while the node of a mapped segment says that it lives.
bool is_kept(const MappedSegment& mapped, io::Deadline now);

/// True when the place of the transfer lies within its mapped segment.
bool may_enter(const Transfer& transfer);

/// Writes the headers and seals the slots of transfers all of whose pages have been written, their
/// digests in `page_digests`.
void seal_shm(std::span<Transfer* const> transfers, const Effort& effort);
void seal_tcp(std::span<Transfer* const> transfers, const Effort& effort);

}  // namespace aquifer::client
