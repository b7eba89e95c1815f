#include "node/bulk_connection.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "memory/fault_guard.h"
#include "memory/scatter.h"
#include "pool/object.h"

namespace aquifer::node {
namespace {

using pool::SlotState;
using pool::SlotWord;
using protocol::BulkOp;

constexpr std::size_t kInBytes = 16u << 10;
constexpr std::size_t kReceiveStep = 256u << 10;  // still in the cache when it is digested
constexpr int kStepsInARow = 16;  // then the other connections of the loop have their turn

bool holds(const pool::Slot& slot, std::uint64_t generation, SlotState state) {
  return slot.word.load(std::memory_order_acquire) == SlotWord{generation, state}.raw();
}

// A seal that was made before: its first answer was lost.
bool is_done(const pool::Slot& slot, const protocol::BulkRequest& request) {
  return holds(slot, request.generation, pool::sealed_state(request.group)) ||
         holds(slot, request.generation, SlotState::kSealed);
}

// What the slot is to say of its replica.
pool::SlotContent content_of(const protocol::BulkRequest& request) {
  pool::SlotContent content;
  content.put = request.put;
  content.header_digest = request.header_digest;
  content.value_bytes = request.value_bytes;
  content.group = request.group;
  content.header_bytes = request.header_bytes;
  content.extent_count = request.extent_count;
  content.replicas = request.replicas;
  for (std::size_t i = 0; i < pool::kExtentsMax; ++i) {
    content.extents[i] = {request.extents[i].first_unit, request.extents[i].units};
  }
  return content;
}

// Touches the segment; `fault` when its file was cut short, or its memory failed.
template <class Body>
Status guarded(const pool::SegmentView& view, Status fault, Body body) {
  Status status = Status::kOk;
  const bool whole =
      memory::guarded(view.base(), view.shape().total_bytes(), [&] { status = body(); });
  return whole ? status : fault;
}

}  // namespace

BulkConnection::BulkConnection(io::Loop& loop, base::UniqueFd fd, CurrentSegment segment,
                               BulkCounters& counters,
                               std::function<void(BulkConnection*)> on_close)
    : loop_(loop),
      watch_(loop, std::move(fd)),
      current_(std::move(segment)),
      counters_(counters),
      on_close_(std::move(on_close)),
      in_(kInBytes) {}

void BulkConnection::step() {
  Progress progress = Progress::kMore;
  for (int i = 0; i < kStepsInARow && progress == Progress::kMore; ++i) {
    progress = advance();
  }
  const auto again = [weak = weak_from_this()] {
    if (const auto self = weak.lock()) {
      self->step();
    }
  };
  switch (progress) {
    case Progress::kMore:
      return loop_.post(again);
    case Progress::kWaitToRead:
      return watch_.when_readable(again);
    case Progress::kWaitToWrite:
      return watch_.when_writable(again);
    case Progress::kClosed:
      return on_close_(this);
  }
}

BulkConnection::Progress BulkConnection::advance() {
  switch (phase_) {
    case Phase::kRequest:
      return take_request();
    case Phase::kSend:
      return send_some();
    case Phase::kReceive:
      return receive_some();
    case Phase::kDigests:
      return take_digests();
    case Phase::kHeader:
      return take_header();
  }
  return Progress::kClosed;
}

BulkConnection::Progress BulkConnection::fill() {
  if (in_from_ != 0) {
    std::memmove(in_.data(), in_.data() + in_from_, in_end_ - in_from_);
    in_end_ -= in_from_;
    in_from_ = 0;
  }
  if (in_end_ == in_.size()) {
    in_.resize(in_.size() * 2);  // bounded: only digests and object headers are collected here
  }
  const ssize_t got = recv(watch_.fd(), in_.data() + in_end_, in_.size() - in_end_, 0);
  if (got > 0) {
    in_end_ += static_cast<std::size_t>(got);
    return Progress::kMore;
  }
  return got < 0 && (errno == EAGAIN || errno == EINTR) ? Progress::kWaitToRead : Progress::kClosed;
}

BulkConnection::Progress BulkConnection::take_request() {
  if (in_end_ - in_from_ < sizeof request_) {
    // Nothing more to answer at once: what has been collected leaves now.
    if (const Progress flushed = flush(); flushed != Progress::kMore) {
      return flushed;
    }
    return fill();
  }
  std::memcpy(&request_, in_.data() + in_from_, sizeof request_);
  if (!protocol::intact(request_) || request_.version != protocol::kBulkVersion ||
      request_.bytes > protocol::kBulkPieceBytes) {
    return Progress::kClosed;  // damaged, foreign, or out of step: nothing that follows can be
                               // trusted
  }
  stranger_ = false;
  in_from_ += sizeof request_;
  moved_ = 0;
  verdict_ = Status::kOk;
  write_.reset();
  segment_ = current_();
  if (segment_ == nullptr || segment_->view().id() != request_.segment ||
      request_.slot >= segment_->view().slot_count()) {
    segment_.reset();
    verdict_ = Status::kNotFound;
  }
  switch (request_.op) {
    case BulkOp::kRead:
      begin_read();
      return Progress::kMore;
    case BulkOp::kWrite:
      begin_write();
      return Progress::kMore;
    case BulkOp::kSeal:
      begin_seal();
      return Progress::kMore;
  }
  return Progress::kClosed;
}

bool BulkConnection::resolve(const pool::SlotContent& content) {
  const auto& view = segment_->view();
  if (content.extent_count > pool::kExtentsMax ||
      !view.extents_fit(content.used_extents(), content.stored_bytes())) {
    return false;
  }
  piece_count_ = view.resolve(content.used_extents(), content.stored_bytes(), pieces_);
  return true;
}

void BulkConnection::begin_read() {
  if (verdict_ == Status::kOk) {
    verdict_ = guarded(segment_->view(), Status::kNotFound, [this] {
      const pool::Slot& slot = segment_->view().slot(request_.slot);
      if (!holds(slot, request_.generation, SlotState::kSealed)) {
        return Status::kNotFound;
      }
      const auto content = pool::read_content(slot, request_.generation);
      const bool good = content && resolve(*content) &&
                        request_.offset <= content->stored_bytes() &&
                        request_.bytes <= content->stored_bytes() - request_.offset;
      const std::uint64_t end = request_.offset + request_.bytes;
      header_part_ = content && end > content->value_bytes
                         ? end - std::max<std::uint64_t>(content->value_bytes, request_.offset)
                         : 0;
      return good ? Status::kOk : Status::kIntegrity;
    });
  }
  if (verdict_ != Status::kOk) {
    return answer(verdict_);
  }
  protocol::BulkReply reply;
  reply.bytes = request_.bytes;
  reply = protocol::sealed(reply);
  append_out(&reply, sizeof reply);
  phase_ = Phase::kSend;
}

BulkConnection::Progress BulkConnection::send_some() {
  std::array<iovec, pool::kExtentsMax + 1> parts;
  std::size_t count = 0;
  if (out_.size() > out_from_) {
    parts[count++] = {out_.data() + out_from_, out_.size() - out_from_};
  }
  memory::Cursor<Piece> from({pieces_.data(), piece_count_}, request_.offset + moved_);
  std::uint64_t left = request_.bytes - moved_;
  while (left > 0) {
    const std::size_t run = from.run(left);
    parts[count++] = {const_cast<char*>(from.address()), run};
    from.advance(run);
    left -= run;
  }
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = count;
  ssize_t sent = count == 0 ? 0 : sendmsg(watch_.fd(), &message, MSG_NOSIGNAL);
  if (sent < 0) {
    return errno == EAGAIN || errno == EINTR ? Progress::kWaitToWrite : Progress::kClosed;
  }
  const auto small = std::min<std::size_t>(static_cast<std::size_t>(sent), out_.size() - out_from_);
  out_from_ += small;
  if (out_from_ == out_.size()) {
    out_.clear();
    out_from_ = 0;
  }
  moved_ += static_cast<std::uint64_t>(sent) - small;
  if (moved_ == request_.bytes) {
    finish_read();
  }
  return Progress::kMore;
}

// The kernel has taken the last byte: the look that decides whether they were still the object's.
void BulkConnection::finish_read() {
  std::atomic_thread_fence(std::memory_order_acquire);
  const auto& view = segment_->view();
  const Status verdict = guarded(view, Status::kNotFound, [&] {
    const bool still = holds(view.slot(request_.slot), request_.generation, SlotState::kSealed) &&
                       view.header().live.load(std::memory_order_acquire) == 1;
    return still ? Status::kOk : Status::kNotFound;
  });
  protocol::BulkTrailer trailer;
  trailer.status = static_cast<std::int32_t>(verdict);
  trailer = protocol::sealed(trailer);
  append_out(&trailer, sizeof trailer);
  counters_.read.fetch_add(request_.bytes - header_part_, std::memory_order_relaxed);
  phase_ = Phase::kRequest;
}

// What writes and seals have in common: the slot's extents, and the entry of the open put.
void BulkConnection::open_write() {
  if (verdict_ != Status::kOk) {
    return;
  }
  const pool::SlotContent content = content_of(request_);
  if (request_.bytes == 0 || request_.value_bytes == 0 ||
      request_.value_bytes > Limits::kValueBytes || !resolve(content)) {
    verdict_ = Status::kInvalidArgument;
    return;
  }
  // A late message of an earlier owner of the slot must not touch the entry of the present one.
  const pool::Slot& slot = segment_->view().slot(request_.slot);
  const Status state = guarded(segment_->view(), Status::kUnreachable, [&] {
    const bool repeat = request_.op == BulkOp::kSeal && is_done(slot, request_);
    return repeat                                                  ? Status::kExists
           : holds(slot, request_.generation, SlotState::kGranted) ? Status::kOk
                                                                   : Status::kCancelled;
  });
  if (state == Status::kOk) {
    write_ = segment_->open_writes().enter(request_.slot, request_.generation, request_.put,
                                           request_.value_bytes);
  }
  if (state != Status::kExists && write_ == nullptr) {
    verdict_ = state == Status::kOk ? Status::kCancelled : state;
  }
}

void BulkConnection::begin_write() {
  phase_ = Phase::kReceive;
  open_write();
  const bool whole_pages = request_.offset % pool::kPageBytes == 0 &&
                           request_.offset <= request_.value_bytes &&
                           request_.bytes <= request_.value_bytes - request_.offset &&
                           (request_.bytes % pool::kPageBytes == 0 ||
                            request_.offset + request_.bytes == request_.value_bytes);
  if (verdict_ == Status::kOk && !whole_pages) {
    verdict_ = Status::kInvalidArgument;
  }
  const std::uint64_t first = request_.offset / pool::kPageBytes;
  page_states_.clear();
  for (std::uint64_t page = 0; page < pool::page_count(request_.bytes); ++page) {
    page_states_.push_back(pool::page_seed(request_.put, first + page));
  }
}

// Moves bytes into the segment, from the buffer or from the socket, if the slot is still its
// writer's.
Status BulkConnection::write_arrived(const char* from, std::size_t bytes, int fd,
                                     std::size_t& moved) {
  const std::shared_lock lock(write_->mutex);
  return guarded(segment_->view(), Status::kUnreachable,
                 [&] { return write_unlocked(from, bytes, fd, moved); });
}

Status BulkConnection::write_unlocked(const char* from, std::size_t bytes, int fd,
                                      std::size_t& moved) {
  if (!holds(segment_->view().slot(request_.slot), request_.generation, SlotState::kGranted)) {
    return Status::kCancelled;
  }
  memory::Cursor<Piece> to({pieces_.data(), piece_count_}, request_.offset + moved_);
  const std::size_t run = to.run(bytes);
  if (from != nullptr) {
    memory::copy_digest(0, to.address(), from, run, memory::Stores::kCached);
    moved = run;
  } else {
    const ssize_t got = recv(fd, to.address(), run, 0);
    if (got <= 0) {
      moved = 0;
      return got < 0 && (errno == EAGAIN || errno == EINTR) ? Status::kBusy : Status::kUnreachable;
    }
    moved = static_cast<std::size_t>(got);
  }
  digest_arrived(moved_, moved);
  return Status::kOk;
}

// Continues the page digests over what now lies in the segment.
void BulkConnection::digest_arrived(std::uint64_t first, std::uint64_t bytes) {
  while (bytes > 0) {
    const std::uint64_t page = first / pool::kPageBytes;
    const std::uint64_t run = std::min<std::uint64_t>(bytes, (page + 1) * pool::kPageBytes - first);
    memory::Cursor<Piece> from({pieces_.data(), piece_count_}, request_.offset + first);
    page_states_[page] = memory::digest(page_states_[page], from, run);
    first += run;
    bytes -= run;
  }
}

BulkConnection::Progress BulkConnection::receive_some() {
  const std::size_t left = request_.bytes - moved_;
  if (left == 0) {
    phase_ = Phase::kDigests;
    return Progress::kMore;
  }
  const std::size_t buffered = std::min(left, in_end_ - in_from_);
  std::size_t moved = 0;
  if (verdict_ == Status::kOk) {
    const Status status =
        buffered > 0 ? write_arrived(in_.data() + in_from_, buffered, -1, moved)
                     : write_arrived(nullptr, std::min(left, kReceiveStep), watch_.fd(), moved);
    if (status == Status::kBusy) {
      const Progress flushed = flush();
      return flushed == Progress::kMore ? Progress::kWaitToRead : flushed;
    }
    if (status == Status::kUnreachable) {
      return Progress::kClosed;
    }
    verdict_ = status;
  } else if (buffered > 0) {
    moved = buffered;  // dropped
  } else {
    return fill();
  }
  if (buffered > 0) {
    in_from_ += moved;
  }
  moved_ += moved;
  return Progress::kMore;
}

BulkConnection::Progress BulkConnection::take_digests() {
  const std::size_t bytes = pool::page_count(request_.bytes) * sizeof(std::uint64_t);
  if (in_end_ - in_from_ < bytes) {
    const Progress flushed = flush();
    return flushed == Progress::kMore ? fill() : flushed;
  }
  if (verdict_ == Status::kOk) {
    const std::lock_guard lock(write_->mutex);
    const std::uint64_t first = request_.offset / pool::kPageBytes;
    for (std::size_t page = 0; page < page_states_.size(); ++page) {
      std::uint64_t claimed = 0;
      std::memcpy(&claimed, in_.data() + in_from_ + page * sizeof claimed, sizeof claimed);
      const bool right = claimed == page_states_[page];
      verdict_ = right ? verdict_ : Status::kIntegrity;
      write_->page_digests[first + page] = page_states_[page];
      write_->page_whole[first + page] = right;
    }
    counters_.written.fetch_add(request_.bytes, std::memory_order_relaxed);
  }
  in_from_ += bytes;
  answer(verdict_);
  return Progress::kMore;
}

void BulkConnection::begin_seal() {
  phase_ = Phase::kHeader;
  open_write();
  if (verdict_ == Status::kOk && request_.bytes != request_.header_bytes) {
    verdict_ = Status::kInvalidArgument;
  }
}

BulkConnection::Progress BulkConnection::take_header() {
  if (in_end_ - in_from_ < request_.bytes) {
    const Progress flushed = flush();
    return flushed == Progress::kMore ? fill() : flushed;
  }
  const auto* from = reinterpret_cast<const std::byte*>(in_.data() + in_from_);
  const std::vector<std::byte> header(from, from + request_.bytes);
  in_from_ += request_.bytes;
  answer(verdict_ == Status::kOk ? seal(header) : verdict_);
  return Progress::kMore;
}

// Seals what has come whole: the header must say exactly what this node has digested.
Status BulkConnection::seal(const std::vector<std::byte>& header) {
  std::vector<std::uint64_t> digests;
  const pool::ObjectIdentity identity{{},
                                      {},
                                      request_.put,
                                      request_.segment,
                                      request_.slot,
                                      request_.generation,
                                      request_.value_bytes};
  if (!pool::check_header_unnamed(header, identity, request_.header_digest, digests)) {
    return Status::kIntegrity;
  }
  pool::Slot& slot = segment_->view().slot(request_.slot);
  const Status before = guarded(segment_->view(), Status::kUnreachable, [&] {
    if (!is_done(slot, request_)) {
      return write_ == nullptr ? Status::kCancelled : Status::kOk;
    }
    const auto content = pool::read_content(slot, request_.generation);
    return content && content->put == request_.put &&
                   content->header_digest == request_.header_digest
               ? Status::kExists
               : Status::kCancelled;
  });
  if (before != Status::kOk) {
    return before == Status::kExists ? Status::kOk : before;
  }
  Status status = Status::kOk;
  {
    const std::lock_guard lock(write_->mutex);
    const bool whole =
        std::all_of(write_->page_whole.begin(), write_->page_whole.end(), [](bool b) { return b; });
    if (!whole || digests != write_->page_digests) {
      return Status::kIntegrity;
    }
    status = guarded(segment_->view(), Status::kUnreachable,
                     [&] { return seal_unlocked(slot, header); });
  }
  if (status == Status::kOk) {
    segment_->open_writes().fence(request_.slot);
  }
  return status;
}

Status BulkConnection::seal_unlocked(pool::Slot& slot, const std::vector<std::byte>& header) {
  if (!holds(slot, request_.generation, SlotState::kGranted)) {
    return Status::kCancelled;
  }
  const ConstPiece source{header.data(), header.size()};
  memory::Cursor<ConstPiece> read({&source, 1}, 0);
  memory::Cursor<Piece> write({pieces_.data(), piece_count_},
                              pool::header_offset(request_.value_bytes));
  memory::copy_digest(0, write, read, header.size(), memory::Stores::kCached);
  pool::write_content(slot, request_.generation, content_of(request_));
  const bool sealed = pool::swap_word(slot, {request_.generation, SlotState::kGranted},
                                      {request_.generation, pool::sealed_state(request_.group)});
  return sealed ? Status::kOk : Status::kCancelled;
}

void BulkConnection::answer(Status status) {
  protocol::BulkReply reply;
  reply.status = static_cast<std::int32_t>(status);
  reply = protocol::sealed(reply);
  append_out(&reply, sizeof reply);
  phase_ = Phase::kRequest;
}

void BulkConnection::append_out(const void* bytes, std::size_t count) {
  const auto* from = static_cast<const char*>(bytes);
  out_.insert(out_.end(), from, from + count);
}

BulkConnection::Progress BulkConnection::flush() {
  while (out_from_ < out_.size()) {
    const ssize_t sent =
        send(watch_.fd(), out_.data() + out_from_, out_.size() - out_from_, MSG_NOSIGNAL);
    if (sent < 0) {
      return errno == EAGAIN  ? Progress::kWaitToWrite
             : errno == EINTR ? Progress::kMore
                              : Progress::kClosed;
    }
    out_from_ += static_cast<std::size_t>(sent);
  }
  out_.clear();
  out_from_ = 0;
  return Progress::kMore;
}

}  // namespace aquifer::node
