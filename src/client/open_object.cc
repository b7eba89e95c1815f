#include "client/open_object.h"

#include <algorithm>
#include <exception>

#include "memory/scatter.h"

namespace aquifer::client {
namespace {

constexpr std::uint64_t page_of(std::uint64_t offset) { return offset / pool::kPageBytes; }

// The pieces that hold `bytes` bytes from `offset` on.
std::vector<ConstPiece> part_of(std::span<const ConstPiece> pieces, std::uint64_t offset,
                                std::uint64_t bytes) {
  std::vector<ConstPiece> part;
  memory::Cursor<ConstPiece> from(pieces, offset);
  while (bytes > 0) {
    const std::size_t run = from.run(bytes);
    part.push_back({from.address(), run});
    from.advance(run);
    bytes -= run;
  }
  return part;
}

}  // namespace

OpenObject::OpenObject(std::shared_ptr<Session> session, std::string_view name_space,
                       std::string_view key, const Handle& handle, io::Deadline expires)
    : session_(std::move(session)),
      name_space_(name_space),
      key_(key),
      handle_(handle),
      expires_(expires),
      idle_(session_->time_.make_bell()),
      page_digests_(handle.replicas.size(),
                    std::vector<std::uint64_t>(pool::page_count(handle.value_bytes))) {}

OpenObject::~OpenObject() { abort(); }

Result<Call> OpenObject::begin(std::chrono::milliseconds timeout) {
  return session_->begin({name_space_, timeout});
}

Session::OpenPut OpenObject::transfers() const {
  return Session::OpenPut::of(0, handle_, name_space_, key_);
}

// Counted out however it ends.
struct OpenObject::Writing {
  OpenObject& object;
  Status status = Status::kInternal;
  ~Writing() {
    const std::lock_guard lock(object.mutex_);
    if (status != Status::kOk && object.state_ == State::kOpen) {
      object.state_ = State::kFailed;
    }
    --object.writing_;
    object.idle_->ring();
  }
};

Status OpenObject::write(std::uint64_t offset, std::span<const ConstPiece> pieces,
                         std::chrono::milliseconds timeout) {
  auto call = begin(timeout);
  if (!call) {
    return call.code();
  }
  if (pieces.size() > Limits::kPieces) {
    return Status::kTooLarge;
  }
  const std::uint64_t size = memory::total_bytes(pieces);
  const bool null = std::any_of(pieces.begin(), pieces.end(), [](const ConstPiece& piece) {
    return piece.address == nullptr && piece.bytes != 0;
  });
  if (null || size == 0 || offset > bytes() || size > bytes() - offset) {
    return Status::kInvalidArgument;
  }
  if (const Status claimed = claim(offset, offset + size); claimed != Status::kOk) {
    return claimed;
  }
  Writing writing{*this};
  writing.status = write_claimed(offset, offset + size, pieces, *call);
  return writing.status;
}

Status OpenObject::claim(std::uint64_t first, std::uint64_t end) {
  const std::lock_guard lock(mutex_);
  if (state_ != State::kOpen || session_->time_.now() >= expires_) {
    return Status::kCancelled;
  }
  if (!written_.add(first, end)) {
    return Status::kInvalidArgument;
  }
  ++writing_;
  return Status::kOk;
}

Status OpenObject::write_claimed(std::uint64_t first, std::uint64_t end,
                                 std::span<const ConstPiece> pieces, const Call& call) {
  // The last page of the value is whole where the value ends.
  const std::uint64_t whole_first = page_of(first + pool::kPageBytes - 1);
  const std::uint64_t whole_end = end == bytes() ? pool::page_count(end) : page_of(end);
  if (whole_first >= whole_end) {
    return collect(first, end, pieces, call);
  }
  const std::uint64_t middle = whole_first * pool::kPageBytes;
  const std::uint64_t after = std::min(whole_end * pool::kPageBytes, end);
  Status status = Status::kOk;
  if (first < middle) {
    status = collect(first, middle, part_of(pieces, 0, middle - first), call);
  }
  if (status == Status::kOk) {
    status =
        move_pages(whole_first, whole_end, part_of(pieces, middle - first, after - middle), call);
  }
  if (status == Status::kOk && after < end) {
    status = collect(after, end, part_of(pieces, after - first, end - after), call);
  }
  return status;
}

// Takes the bytes of pages that the range does not cover, one page at a time, and moves those that
// are whole then.
Status OpenObject::collect(std::uint64_t first, std::uint64_t end, std::span<const ConstPiece> from,
                           const Call& call) {
  memory::Cursor<ConstPiece> cursor(from, 0);
  while (first < end) {
    const std::uint64_t page = page_of(first);
    const std::uint64_t page_bytes = pool::page_bytes(bytes(), page);
    const std::uint64_t within = first - page * pool::kPageBytes;
    const std::uint64_t count = std::min(end - first, page_bytes - within);
    std::shared_ptr<PartialPage> partial;
    {
      const std::lock_guard lock(mutex_);
      auto& entry = partial_[page];
      if (entry == nullptr) {
        entry = std::make_shared<PartialPage>();
        entry->bytes.resize(page_bytes);
      }
      partial = entry;
    }
    const Piece place{partial->bytes.data() + within, count};
    memory::Cursor<Piece> to({&place, 1}, 0);
    memory::copy_digest(0, to, cursor, count, memory::Stores::kCached);
    bool whole = false;
    {
      const std::lock_guard lock(mutex_);
      partial->filled += count;
      whole = partial->filled == page_bytes;
      if (whole) {
        partial_.erase(page);
      }
    }
    if (whole) {
      const ConstPiece source{partial->bytes.data(), page_bytes};
      if (const Status status = move_pages(page, page + 1, {&source, 1}, call);
          status != Status::kOk) {
        return status;
      }
    }
    first += count;
  }
  return Status::kOk;
}

Status OpenObject::move_pages(std::uint64_t first_page, std::uint64_t end_page,
                              std::span<const ConstPiece> from, const Call& call) {
  const Session::OpenPut put = transfers();
  std::vector<Transfer*> all;
  for (const auto& transfer : put.replicas) {
    transfer->first_page = first_page;
    transfer->end_page = end_page;
    transfer->source = from;
    all.push_back(transfer.get());
  }
  session_->move(all, Work::kWrite, call);
  if (const Status status = put.failure_of_replicas(); status != Status::kOk) {
    return status;
  }
  const std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < all.size(); ++i) {
    std::copy(all[i]->page_digests.begin() + static_cast<std::ptrdiff_t>(first_page),
              all[i]->page_digests.begin() + static_cast<std::ptrdiff_t>(end_page),
              page_digests_[i].begin() + static_cast<std::ptrdiff_t>(first_page));
  }
  return Status::kOk;
}

Status OpenObject::commit(std::chrono::milliseconds timeout) {
  auto call = begin(timeout);
  if (!call) {
    return call.code();
  }
  {
    std::unique_lock lock(mutex_);
    if (state_ != State::kOpen || session_->time_.now() >= expires_) {
      lock.unlock();
      abort();  // what is left of it goes back now
      session_->remember(Status::kCancelled, key_);
      return Status::kCancelled;
    }
    if (writing_ != 0 || written_.leading() != bytes()) {
      return Status::kInvalidArgument;
    }
    state_ = State::kEnded;
  }
  return seal_and_finish(*call);
}

Status OpenObject::seal_and_finish(const Call& call) {
  std::vector<Session::OpenPut> open;
  open.push_back(transfers());
  std::vector<Transfer*> all;
  for (std::size_t i = 0; i < open[0].replicas.size(); ++i) {
    open[0].replicas[i]->page_digests = std::move(page_digests_[i]);
    all.push_back(open[0].replicas[i].get());
  }
  session_->move(all, Work::kSeal, call);
  PutVerdict& verdict = open[0].verdict;
  verdict = judge_put(open[0].failure_of_replicas(), session_->time_.now() >= call.deadline,
                      open[0].may_be_sealed());
  verdict.failure = end_of_tries(verdict.failure, verdict.may_be_found);  // there is no other one
  std::vector<Status> statuses(1);
  session_->finish_puts(open, false, call, statuses);
  session_->remember(statuses[0], key_);
  session_->report_soon(call.deadline, false);
  return statuses[0];
}

void OpenObject::abort() {
  std::unique_lock lock(mutex_);
  if (state_ == State::kEnded) {
    return;
  }
  state_ = State::kEnded;
  // By their own deadlines.
  idle_->wait_until(lock, io::Deadline::max(), [this] { return writing_ == 0; });
  partial_.clear();
  lock.unlock();
  give_up();
}

void OpenObject::give_up() {
  constexpr std::chrono::milliseconds kMoment{100};
  protocol::PutFinish finish;
  finish.items.push_back({handle_.put, false, {}});
  session_->give_up(std::move(finish), session_->time_.now() + kMoment);
}

std::vector<Result<PendingPut>> Session::open_puts(std::span<const OpenItem> items,
                                                   const PutOptions& options,
                                                   std::chrono::milliseconds lifetime,
                                                   const Call& call) {
  std::vector<Result<PendingPut>> results;
  results.reserve(items.size());
  for (auto& object : open_objects(items, options, lifetime, call)) {
    if (object) {
      results.emplace_back(PendingPut(*std::move(object)));
    } else {
      results.emplace_back(std::move(object).error());
    }
  }
  return results;
}

std::vector<Result<std::shared_ptr<OpenObject>>> Session::open_objects(
    std::span<const OpenItem> items, const PutOptions& options, std::chrono::milliseconds lifetime,
    const Call& call) {
  protocol::PutStart request;
  std::vector<Status> statuses(items.size(), Status::kOk);
  std::vector<std::size_t> asked;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const OpenItem& item = items[i];
    if (item.key.empty() || item.key.size() > Limits::kKeyBytes || item.bytes == 0 ||
        lifetime.count() <= 0 || lifetime > Limits::kOpenPutTtl) {
      statuses[i] = Status::kInvalidArgument;
    } else if (item.bytes > Limits::kValueBytes) {
      statuses[i] = Status::kTooLarge;
    } else {
      request.items.push_back({item.key, item.bytes, item.parent});
      asked.push_back(i);
    }
  }
  request.lifetime_ms = static_cast<std::uint32_t>(lifetime.count());
  const io::Deadline expires = time_.now() + lifetime;
  std::vector<OpenPut> open;
  if (!asked.empty()) {
    std::vector<Status> answers(asked.size());
    const Status failure = start_puts(request, options, call, answers, open);
    for (std::size_t n = 0; n < asked.size(); ++n) {
      statuses[asked[n]] = failure == Status::kOk ? answers[n] : failure;
    }
  }
  std::vector<Result<std::shared_ptr<OpenObject>>> results;
  results.reserve(items.size());
  for (std::size_t i = 0; i < items.size(); ++i) {
    results.emplace_back(explain(statuses[i], items[i].key, options.replicas));
  }
  for (const OpenPut& put : open) {
    const std::size_t i = asked[put.index];
    results[i] = std::make_shared<OpenObject>(shared_from_this(), call.name_space, items[i].key,
                                              put.handle(), expires);
  }
  return results;
}

}  // namespace aquifer::client

namespace aquifer {
namespace {

// Nothing of ours is thrown across the border.
template <class Run>
Status contained(Run run) noexcept {
  try {
    return run();
  } catch (const std::exception&) {
    return Status::kInternal;
  }
}

}  // namespace

PendingPut::PendingPut(std::shared_ptr<client::OpenObject> object) : object_(std::move(object)) {}
PendingPut::PendingPut(PendingPut&&) noexcept = default;

PendingPut& PendingPut::operator=(PendingPut&& other) noexcept {
  std::swap(object_, other.object_);
  return *this;
}

PendingPut::~PendingPut() {
  if (object_ != nullptr && object_->in_forked_child()) {
    // Its locks and connections are the parent's; nothing here can be taken apart.
    new std::shared_ptr<client::OpenObject>(std::move(object_));
  }
}

std::uint64_t PendingPut::bytes() const { return object_ == nullptr ? 0 : object_->bytes(); }

Status PendingPut::write(std::uint64_t offset, std::span<const ConstPiece> pieces,
                         std::chrono::milliseconds timeout) {
  return object_ == nullptr ? Status::kCancelled
                            : contained([&] { return object_->write(offset, pieces, timeout); });
}

Status PendingPut::write(std::uint64_t offset, const void* from, std::size_t bytes,
                         std::chrono::milliseconds timeout) {
  const ConstPiece piece{from, bytes};
  return write(offset, {&piece, 1}, timeout);
}

Status PendingPut::commit(std::chrono::milliseconds timeout) {
  return object_ == nullptr ? Status::kCancelled
                            : contained([&] { return object_->commit(timeout); });
}

void PendingPut::abort() {
  if (object_ != nullptr && !object_->in_forked_child()) {
    object_->abort();
  }
}

}  // namespace aquifer
