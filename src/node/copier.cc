#include "node/copier.h"

#include <signal.h>

#include <algorithm>
#include <array>
#include <atomic>

#include "io/address.h"
#include "io/socket.h"
#include "memory/fault_guard.h"
#include "memory/scatter.h"
#include "pool/object.h"
#include "protocol/bulk.h"

namespace aquifer::node {
namespace {

using pool::SlotState;
using pool::SlotWord;

constexpr std::chrono::seconds kCopyTime{20};

Error stale(const char* what) { return {Status::kCancelled, what, {}}; }

// One replica of the other node, read range by range.
class Source {
 public:
  Source(const protocol::Copy& copy, base::UniqueFd fd, io::Deadline deadline)
      : copy_(copy), fd_(std::move(fd)), deadline_(deadline) {}

  Result<void> read(std::uint64_t offset, std::span<std::byte> to) {
    protocol::BulkRequest request;
    request.op = protocol::BulkOp::kRead;
    request.segment = copy_.from_segment;
    request.slot = copy_.from_slot;
    request.generation = copy_.from_generation;
    request.offset = offset;
    request.bytes = static_cast<std::uint32_t>(to.size());
    request = protocol::sealed(request);
    iovec out{&request, sizeof request};
    if (auto sent = io::write_all(fd_.get(), {&out, 1}, deadline_); !sent) {
      return sent;
    }
    protocol::BulkReply reply;
    iovec in{&reply, sizeof reply};
    if (auto got = io::read_exact(fd_.get(), {&in, 1}, deadline_); !got) {
      return got;
    }
    if (!protocol::intact(reply) || reply.status != 0) {
      return stale("the replica to copy is not there any more");
    }
    protocol::BulkTrailer trailer;
    std::array<iovec, 2> rest{iovec{to.data(), to.size()}, iovec{&trailer, sizeof trailer}};
    if (auto got = io::read_exact(fd_.get(), rest, deadline_); !got) {
      return got;
    }
    if (!protocol::intact(trailer) || trailer.status != 0) {
      return stale("the replica to copy went while it was read");
    }
    return {};
  }

  /// The header, whose size stands at its begin. Checked, but for its names.
  Result<std::vector<std::byte>> header(std::vector<std::uint64_t>& page_digests) {
    std::vector<std::byte> header(pool::kHeaderStart);
    const std::uint64_t at = pool::header_offset(copy_.value_bytes);
    if (auto got = read(at, header); !got) {
      return got.error();
    }
    const std::uint32_t bytes = pool::header_bytes_in(header);
    if (bytes < header.size() || bytes > protocol::kBulkPieceBytes) {
      return Error{Status::kIntegrity, "the header of the replica to copy is damaged", {}};
    }
    header.resize(bytes);
    if (auto got = read(at, header); !got) {
      return got.error();
    }
    const pool::ObjectIdentity identity{{},
                                        {},
                                        copy_.put,
                                        copy_.from_segment,
                                        copy_.from_slot,
                                        copy_.from_generation,
                                        copy_.value_bytes};
    if (!pool::check_header_unnamed(header, identity, copy_.header_digest, page_digests)) {
      return Error{Status::kIntegrity, "the header of the replica to copy is damaged", {}};
    }
    return header;
  }

 private:
  const protocol::Copy& copy_;
  base::UniqueFd fd_;
  const io::Deadline deadline_;
};

// The slot here, written under its entry as all that the node writes for others.
class Target {
 public:
  Target(const protocol::Copy& copy, SegmentHost& segment) : copy_(copy), segment_(segment) {
    content_.put = copy.put;
    content_.value_bytes = static_cast<std::uint32_t>(copy.value_bytes);
    content_.replicas = copy.replicas;
    content_.extent_count = static_cast<std::uint16_t>(copy.extents.size());
    for (std::size_t i = 0; i < copy.extents.size() && i < pool::kExtentsMax; ++i) {
      content_.extents[i] = {copy.extents[i].first_unit, copy.extents[i].units};
    }
  }

  Result<void> open(std::uint32_t header_bytes) {
    content_.header_bytes = header_bytes;
    const auto& view = segment_.view();
    if (copy_.slot >= view.slot_count() || copy_.extents.size() > pool::kExtentsMax ||
        !view.extents_fit(content_.used_extents(), content_.stored_bytes())) {
      return Error{Status::kInvalidArgument, "the copy does not fit where meta put it", {}};
    }
    piece_count_ = view.resolve(content_.used_extents(), content_.stored_bytes(), pieces_);
    entry_ =
        segment_.open_writes().enter(copy_.slot, copy_.generation, copy_.put, copy_.value_bytes);
    return entry_ == nullptr ? Result<void>(stale("the copy was given up")) : Result<void>();
  }

  Result<void> write(std::uint64_t offset, std::span<const std::byte> from) {
    return while_granted([&] { put_bytes(offset, from); });
  }

  Result<void> seal(std::span<const std::byte> header, std::uint64_t header_digest) {
    content_.header_digest = header_digest;
    pool::Slot& slot = segment_.view().slot(copy_.slot);
    bool sealed = false;
    auto done = while_granted([&] {
      put_bytes(pool::header_offset(copy_.value_bytes), header);
      pool::write_content(slot, copy_.generation, content_);
      sealed = pool::swap_word(slot, {copy_.generation, SlotState::kGranted},
                               {copy_.generation, SlotState::kSealed});
    });
    if (done && !sealed) {
      done = stale("the copy was given up");
    }
    if (done) {
      segment_.open_writes().fence(copy_.slot);
    }
    return done;
  }

 private:
  template <class Body>
  Result<void> while_granted(Body body) {
    const std::lock_guard lock(entry_->mutex);
    const auto& view = segment_.view();
    bool granted = false;
    const bool whole = memory::guarded(view.base(), view.shape().total_bytes(), [&] {
      granted = view.slot(copy_.slot).word.load(std::memory_order_acquire) ==
                SlotWord{copy_.generation, SlotState::kGranted}.raw();
      if (granted) {
        body();
      }
    });
    return whole && granted ? Result<void>() : stale("the copy was given up");
  }
  void put_bytes(std::uint64_t offset, std::span<const std::byte> from) {
    const ConstPiece piece{from.data(), from.size()};
    memory::Cursor<ConstPiece> read({&piece, 1}, 0);
    memory::Cursor<Piece> to({pieces_.data(), piece_count_}, offset);
    memory::copy_digest(0, to, read, from.size(), memory::Stores::kCached);
  }

  const protocol::Copy& copy_;
  SegmentHost& segment_;
  pool::SlotContent content_;
  std::array<Piece, pool::kExtentsMax> pieces_{};
  std::size_t piece_count_ = 0;
  std::shared_ptr<OpenWrite> entry_;
};

}  // namespace

Copier::Copier(CurrentSegment segment, std::function<void(const protocol::Copied&)> on_done)
    : segment_(std::move(segment)), on_done_(std::move(on_done)), thread_([this] { run(); }) {}

void Copier::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    orders_.clear();
  }
  changed_.notify_all();
  if (thread_.joinable()) {
    thread_.join();
  }
}

void Copier::order(const protocol::Copy& copy) {
  const std::lock_guard lock(mutex_);
  if (stopping_) {
    return;
  }
  orders_.push_back({copy, std::string(copy.from_address)});
  changed_.notify_all();
}

void Copier::run() {
  while (true) {
    Order order;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return stopping_ || !orders_.empty(); });
      if (stopping_) {
        return;
      }
      order = std::move(orders_.front());
      orders_.pop_front();
    }
    const auto digest = carry_out(order);
    on_done_({order.copy.segment, order.copy.slot, order.copy.generation, digest.code(),
              digest ? *digest : 0});
  }
}

// The digest of the header as it lies here now.
Result<std::uint64_t> Copier::carry_out(const Order& order) {
  const protocol::Copy& copy = order.copy;
  const auto segment = segment_();
  if (segment == nullptr || segment->view().id() != copy.segment || copy.value_bytes == 0 ||
      copy.value_bytes > Limits::kValueBytes) {
    return stale("the copy is for another segment");
  }
  const auto deadline = io::Clock::now() + kCopyTime;
  auto address = io::Address::parse(order.address);
  if (!address) {
    return std::move(address).error();
  }
  auto fd = io::connect_tcp(*address, deadline);
  if (!fd) {
    return std::move(fd).error();
  }
  Source source(copy, *std::move(fd), deadline);
  std::vector<std::uint64_t> digests;
  const auto header = source.header(digests);
  if (!header) {
    return header.error();
  }
  Target target(copy, *segment);
  if (auto opened = target.open(static_cast<std::uint32_t>(header->size())); !opened) {
    return opened.error();
  }
  std::vector<std::byte> piece;
  for (std::uint64_t offset = 0; offset < copy.value_bytes; offset += piece.size()) {
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) {
        return stale("the node stops");
      }
    }
    piece.resize(std::min<std::uint64_t>(copy.value_bytes - offset, protocol::kBulkPieceBytes));
    if (auto got = source.read(offset, piece); !got) {
      return got.error();
    }
    for (std::uint64_t at = 0; at < piece.size(); at += pool::kPageBytes) {
      const std::uint64_t page = (offset + at) / pool::kPageBytes;
      if (memory::digest(pool::page_seed(copy.put, page), piece.data() + at,
                         pool::page_bytes(copy.value_bytes, page)) != digests[page]) {
        return Error{Status::kIntegrity, "the replica to copy is damaged", {}};
      }
    }
    if (auto written = target.write(offset, piece); !written) {
      return written.error();
    }
  }
  const auto names = pool::names_in_header(*header);
  const auto own = pool::encode_header({names.name_space, names.key, copy.put, copy.segment,
                                        copy.slot, copy.generation, copy.value_bytes},
                                       digests);
  const std::uint64_t digest = pool::digest_of_header(copy.put, own);
  if (auto sealed = target.seal(own, digest); !sealed) {
    return sealed.error();
  }
  return digest;
}

}  // namespace aquifer::node
