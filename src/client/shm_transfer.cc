// Transfers through mapped memory.
#include <algorithm>
#include <array>

#include "client/transfer.h"
#include "memory/fault_guard.h"
#include "memory/streaming.h"

namespace aquifer::client {
namespace {

using memory::Cursor;
using memory::Stores;
using pool::SlotState;
using pool::SlotWord;
using Step = Steps::Step;

// How a run is copied: a value that does not fit where its reader will look for it soon is streamed
// past the caches, and how long whole runs took is what the next ones go by.
class RunStores {
 public:
  RunStores(const PageRun& run, memory::StreamingChoice& choice)
      : choice_(choice),
        is_timed_(run.pages == kRunPages),
        stores_(run.transfer->bytes() < memory::streaming_threshold() ? Stores::kCached
                                                                      : choice.next()) {
    if (is_timed_) begin_ = io::Clock::now();
  }
  Stores stores() const { return stores_; }
  void finish() {
    memory::finish_stores();
    if (is_timed_) choice_.took(stores_, kRunPages * pool::kPageBytes, io::Clock::now() - begin_);
  }

 private:
  memory::StreamingChoice& choice_;
  bool is_timed_;
  Stores stores_;
  io::Clock::time_point begin_{};
};

// The replica's memory, checked against the bounds of the segment.
struct Target {
  std::array<Piece, pool::kExtentsMax> pieces;
  std::size_t count = 0;
  std::span<const Piece> span() const { return {pieces.data(), count}; }
};

bool resolve(const Transfer& transfer, Target& target) {
  const auto& view = transfer.mapped->view;
  const std::uint64_t stored = transfer.stored_bytes();
  if (transfer.place.slot >= view.slot_count() ||
      !view.extents_fit(transfer.place.used_extents(), stored)) {
    return false;
  }
  target.count = view.resolve(transfer.place.used_extents(), stored, target.pieces);
  return true;
}

// Maps in what a run is about to touch, where the thread that does so ahead has not come yet: large
// runs, and all that write, since what is written next lies mostly behind what was written last.
void map_in(const Transfer& transfer, const Target& target, std::uint64_t offset) {
  Cursor<Piece> at(target.span(), offset);
  for (std::uint64_t left = kRunPages * pool::kPageBytes; left > 0;) {
    const std::size_t run = at.run(left);
    if (run == 0) return;
    const auto* first = reinterpret_cast<const std::byte*>(at.address());
    transfer.mapped->prefault.ensure(
        static_cast<std::uint64_t>(first - transfer.mapped->bytes.data()), run);
    at.advance(run);
    left -= run;
  }
}

template <class Body>
bool guarded(const Transfer& transfer, Body body) {
  return memory::guarded(transfer.mapped->bytes.data(), transfer.mapped->bytes.size(), body);
}

bool slot_is(const Transfer& transfer, SlotState state) {
  bool is = false;
  const bool readable = guarded(transfer, [&] {
    const auto& view = transfer.mapped->view;
    is = view.slot(transfer.place.slot).word.load(std::memory_order_acquire) ==
             SlotWord{transfer.place.generation, state}.raw() &&
         view.header().live.load(std::memory_order_acquire) == 1;
  });
  return readable && is;
}

bool is_live(const Transfer& transfer) {
  bool is = false;
  const bool readable = guarded(transfer, [&] {
    is = transfer.mapped->view.header().live.load(std::memory_order_acquire) == 1;
  });
  return readable && is;
}

void settle(Transfer& transfer, bool no_fault, bool match) {
  if (!no_fault) {
    transfer.fail(Outcome::kUnreachable);
  } else if (!match) {
    transfer.fail(Outcome::kDamaged);
  }
}

// The header, copied out and checked against the handle; yields the page digests.
void check_header(Transfer& transfer) {
  Target target;
  if (!resolve(transfer, target)) {
    return transfer.fail(Outcome::kStale);
  }
  std::vector<std::byte> header(transfer.header_bytes());
  const Piece piece{header.data(), header.size()};
  const bool no_fault = guarded(transfer, [&] {
    Cursor<Piece> from(target.span(), pool::header_offset(transfer.value_bytes));
    Cursor<Piece> to({&piece, 1}, 0);
    memory::copy_digest(0, to, from, header.size(), Stores::kCached);
  });
  settle(transfer, no_fault,
         no_fault && pool::check_header(header, transfer.identity(), transfer.place.header_digest,
                                        transfer.page_digests));
}

void read_run(const PageRun& run) {
  Transfer& transfer = *run.transfer;
  Target target;
  if (!resolve(transfer, target)) {
    return transfer.fail(Outcome::kStale);
  }
  const std::uint64_t offset = run.first_page * pool::kPageBytes;
  if (transfer.bytes() >= memory::streaming_threshold()) {
    map_in(transfer, target, offset);
  }
  RunStores way(run, memory::reading_choice());
  const Stores stores = way.stores();
  bool match = true;
  const bool no_fault = guarded(transfer, [&] {
    Cursor<Piece> from(target.span(), offset);
    Cursor<Piece> to(transfer.destination, transfer.offset_of(run.first_page));
    for (std::uint64_t page = run.first_page; page < run.first_page + run.pages && match; ++page) {
      const std::uint64_t digest =
          memory::copy_digest(pool::page_seed(transfer.put, page), to, from,
                              pool::page_bytes(transfer.value_bytes, page), stores);
      match = digest == transfer.page_digests[page];
    }
  });
  way.finish();
  settle(transfer, no_fault, match);
}

void verify_run(const PageRun& run) {
  Transfer& transfer = *run.transfer;
  Target target;
  if (!resolve(transfer, target)) {
    return transfer.fail(Outcome::kStale);
  }
  const std::uint64_t offset = run.first_page * pool::kPageBytes;
  bool match = true;
  const bool no_fault = guarded(transfer, [&] {
    Cursor<Piece> from(target.span(), offset);
    for (std::uint64_t page = run.first_page; page < run.first_page + run.pages && match; ++page) {
      match = memory::digest(pool::page_seed(transfer.put, page), from,
                             pool::page_bytes(transfer.value_bytes, page)) ==
              transfer.page_digests[page];
    }
  });
  settle(transfer, no_fault, match);
}

void write_run(const PageRun& run) {
  Transfer& transfer = *run.transfer;
  Target target;
  if (!resolve(transfer, target)) {
    return transfer.fail(Outcome::kUnreachable);
  }
  const std::uint64_t offset = run.first_page * pool::kPageBytes;
  map_in(transfer, target, offset);
  RunStores way(run, memory::writing_choice());
  const Stores stores = way.stores();
  const bool no_fault = guarded(transfer, [&] {
    Cursor<ConstPiece> from(transfer.source, transfer.offset_of(run.first_page));
    Cursor<Piece> to(target.span(), offset);
    for (std::uint64_t page = run.first_page; page < run.first_page + run.pages; ++page) {
      transfer.page_digests[page] =
          memory::copy_digest(pool::page_seed(transfer.put, page), to, from,
                              pool::page_bytes(transfer.value_bytes, page), stores);
    }
  });
  way.finish();
  settle(transfer, no_fault, true);
}

// What the slot is to say of its replica; readable before the seal, so that the node knows what a
// writer who stays away may still touch.
void describe(Transfer& transfer) {
  pool::SlotContent content;
  content.put = transfer.put;
  content.header_digest = transfer.header_digest;
  content.value_bytes = static_cast<std::uint32_t>(transfer.value_bytes);
  content.group = transfer.group;
  content.header_bytes = transfer.header_bytes();
  content.extent_count = transfer.place.extent_count;
  content.replicas = transfer.replicas;
  content.extents = transfer.place.extents;
  const bool no_fault = guarded(transfer, [&] {
    pool::write_content(transfer.mapped->view.slot(transfer.place.slot), transfer.place.generation,
                        content);
  });
  settle(transfer, no_fault, true);
}

// Holds the slots of transfers for writing; those that have been taken back fail.
class Writing {
 public:
  Writing(std::span<Transfer* const> transfers, const Effort& effort) {
    for (Transfer* transfer : transfers) {
      if (transfer->failed()) {
        continue;
      }
      effort.before(Step::kEnter, *transfer);
      if (transfer->place.slot < transfer->mapped->view.slot_count() && is_live(*transfer) &&
          transfer->mapped->uses.enter(transfer->place.slot, transfer->place.generation,
                                       SlotUses::Kind::kWrite)) {
        held_.push_back(transfer);
      } else {
        transfer->fail(Outcome::kStale);
      }
    }
  }
  ~Writing() {
    for (Transfer* transfer : held_) {
      transfer->mapped->uses.leave(transfer->place.slot, SlotUses::Kind::kWrite);
    }
  }
  Writing(const Writing&) = delete;
  Writing& operator=(const Writing&) = delete;

  std::span<Transfer* const> held() const { return held_; }

 private:
  std::vector<Transfer*> held_;
};

// Header and slot, then the seal: the only change of a slot's state that a client makes.
void seal(Transfer& transfer, const Effort& effort) {
  Target target;
  if (!resolve(transfer, target)) {
    return transfer.fail(Outcome::kUnreachable);
  }
  const std::vector<std::byte> header =
      pool::encode_header(transfer.identity(), transfer.page_digests);
  transfer.header_digest = pool::digest_of_header(transfer.put, header);
  effort.before(Step::kDescribe, transfer);
  describe(transfer);
  effort.before(Step::kHeader, transfer);
  const ConstPiece piece{header.data(), header.size()};
  bool no_fault = guarded(transfer, [&] {
    Cursor<ConstPiece> from({&piece, 1}, 0);
    Cursor<Piece> to(target.span(), pool::header_offset(transfer.value_bytes));
    memory::copy_digest(0, to, from, piece.bytes, Stores::kCached);
  });
  effort.before(Step::kSeal, transfer);
  bool sealed = false;
  no_fault = no_fault && guarded(transfer, [&] {
               sealed =
                   pool::swap_word(transfer.mapped->view.slot(transfer.place.slot),
                                   {transfer.place.generation, SlotState::kGranted},
                                   {transfer.place.generation, pool::sealed_state(transfer.group)});
             });
  transfer.may_be_sealed = sealed;
  if (!no_fault) {
    transfer.fail(Outcome::kUnreachable);
  } else if (!sealed) {
    transfer.fail(Outcome::kStale);
  }
}

// Runs the pieces of all transfers that are still good, until the deadline.
void for_each_run(std::span<Transfer* const> transfers, const Effort& effort, Step step,
                  void (*move)(const PageRun&)) {
  const std::vector<PageRun> runs = page_runs(transfers, effort.run_pages);
  effort.workers.run(runs.size(), effort.copy_threads, [&](std::size_t i) {
    Transfer& transfer = *runs[i].transfer;
    if (transfer.failed()) {
      return;
    }
    effort.before(step, transfer);
    if (effort.time.now() >= effort.deadline) {
      return transfer.fail(Outcome::kTimeout);
    }
    move(runs[i]);
  });
}

}  // namespace

std::vector<PageRun> page_runs(std::span<Transfer* const> transfers, std::uint64_t run_pages) {
  std::vector<PageRun> runs;
  for (Transfer* transfer : transfers) {
    if (transfer->failed()) {
      continue;
    }
    const std::uint64_t end = transfer->pages_end();
    for (std::uint64_t first = transfer->first_page; first < end; first += run_pages) {
      runs.push_back({transfer, first, std::min(run_pages, end - first)});
    }
  }
  return runs;
}

void read_shm(std::span<Transfer* const> transfers, const Effort& effort) {
  for (Transfer* transfer : transfers) {
    effort.before(Step::kLook, *transfer);
    if ((!transfer->remembered || is_kept(*transfer->mapped, effort.time.now())) &&
        slot_is(*transfer, SlotState::kSealed)) {
      check_header(*transfer);
    } else {
      transfer->fail(Outcome::kStale);
    }
  }
  for_each_run(transfers, effort, Step::kRead, read_run);
  std::atomic_thread_fence(std::memory_order_acquire);
  for (Transfer* transfer : transfers) {
    // The second look, after the last access: only now are the bytes known to have been the
    // object's all along, and only now does a mismatch mean damage rather than a reader that came
    // late.
    effort.before(Step::kLookAgain, *transfer);
    const Outcome outcome = transfer->outcome.load();
    if ((outcome == Outcome::kDone || outcome == Outcome::kDamaged) &&
        !slot_is(*transfer, SlotState::kSealed)) {
      transfer->outcome = Outcome::kStale;
    }
  }
}

bool is_kept(const MappedSegment& mapped, io::Deadline now) {
  std::uint64_t heartbeat = 0;
  const bool readable = memory::guarded(mapped.bytes.data(), mapped.bytes.size(), [&] {
    heartbeat = mapped.view.header().heartbeat_ms.load(std::memory_order_acquire);
  });
  const auto since_boot = std::chrono::duration_cast<std::chrono::milliseconds>(
      now.time_since_epoch());  // as pool::monotonic_ms() counts
  return readable && static_cast<std::uint64_t>(since_boot.count()) <
                         heartbeat + static_cast<std::uint64_t>(pool::kHeartbeatLease.count());
}

bool may_enter(const Transfer& transfer) {
  Target target;
  return resolve(transfer, target);
}

void verify_shm(std::span<Transfer* const> transfers, const Effort& effort) {
  for (Transfer* transfer : transfers) {
    check_header(*transfer);
  }
  for_each_run(transfers, effort, Step::kRead, verify_run);
}

void write_shm(std::span<Transfer* const> transfers, const Effort& effort) {
  for (Transfer* transfer : transfers) {
    transfer->page_digests.resize(pool::page_count(transfer->value_bytes));
  }
  const Writing writing(transfers, effort);
  for (Transfer* transfer : writing.held()) {
    effort.before(Step::kDescribe, *transfer);
    describe(*transfer);
  }
  for_each_run(writing.held(), effort, Step::kWrite, write_run);
}

void seal_shm(std::span<Transfer* const> transfers, const Effort& effort) {
  const Writing writing(transfers, effort);
  for (Transfer* transfer : writing.held()) {
    seal(*transfer, effort);
  }
}

}  // namespace aquifer::client
