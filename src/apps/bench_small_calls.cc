#include "apps/bench_small_calls.h"

#include <algorithm>
#include <utility>

#include "apps/workload_content.h"
#include "base/random.h"
#include "base/strings.h"

namespace aquifer::apps {
namespace {

std::string new_prefix() { return base::cat("bench/", base::hex(base::random_id()), "/"); }

bool same(std::span<const ConstPiece> a, std::span<const ConstPiece> b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& one, const auto& other) {
    return one.address == other.address && one.bytes == other.bytes;
  });
}

}  // namespace

SmallCalls::SmallCalls(Client remembering, Client asking, const BlockShape& block,
                       std::uint64_t seed)
    : remembering_(std::move(remembering)),
      asking_(std::move(asking)),
      shape_(block),
      seed_(seed),
      objects_(new_prefix(), kBytes, seed),
      fresh_(new_prefix(), kBytes, seed),
      block_key_(base::cat(objects_.prefix(), "block")),
      block_bytes_(bytes_of(block)),
      keys_(objects_.keys(0, kObjects)),
      memory_(kBytes),
      all_keys_(keys_.begin(), keys_.end()) {}

Result<void> SmallCalls::set_up() {
  for (const std::string& key : keys_) {
    objects_.fill(key, memory_);
    if (asking_.put(key, memory_.data(), memory_.size()) != Status::kOk) {
      return asking_.last_error();
    }
  }
  auto block = BlockBuffers::make(shape_, 1);
  if (!block) return block.error();
  block->fill(0, Content(block_key_, seed_));
  if (asking_.put(block_key_, block->const_pieces(0)) != Status::kOk) return asking_.last_error();
  return {};
}

void SmallCalls::remove_all() {
  view_.reset();
  (void)asking_.remove_prefix(objects_.prefix());
  (void)asking_.remove_prefix(fresh_.prefix());
}

TimedCall SmallCalls::get(Client& client) {
  return {.before =
              [this] {
                next_ = (next_ + 1) % kObjects;
                std::fill(memory_.begin(), memory_.end(), std::byte{0});
              },
          .call =
              [this, &client] {
                const Piece piece{memory_.data(), memory_.size()};
                got_ = client.get_into(keys_[next_], {&piece, 1});
              },
          .check =
              [this] {
                if (std::exchange(is_wrong_byte_due_, false)) memory_.back() ^= std::byte{1};
                return got_.status == Status::kOk && got_.bytes == kBytes &&
                       objects_.matches(keys_[next_], memory_);
              }};
}

TimedCall SmallCalls::put() {
  return {
      .before =
          [this] {
            put_keys_.push_back(fresh_.key(fresh_made_++));
            fresh_.fill(put_keys_.back(), memory_);
          },
      .call =
          [this] { put_status_ = asking_.put(put_keys_.back(), memory_.data(), memory_.size()); },
      .check = [this] { return put_status_ == Status::kOk; },
      .after_round = [this] { return check_puts(); }};
}

/// Reads back what was put in this round, and makes room for the next.
bool SmallCalls::check_puts() {
  bool is_right = true;
  const Piece piece{memory_.data(), memory_.size()};
  for (const std::string& key : put_keys_) {
    std::fill(memory_.begin(), memory_.end(), std::byte{0});
    const GetOutcome got = asking_.get_into(key, {&piece, 1});
    is_right = is_right && got.status == Status::kOk && got.bytes == kBytes &&
               fresh_.matches(key, memory_);
  }
  const std::vector<std::string_view> views(put_keys_.begin(), put_keys_.end());
  for (const Status status : asking_.remove_batch(views)) {
    is_right = is_right && status == Status::kOk;
  }
  put_keys_.clear();
  return is_right;
}

TimedCall SmallCalls::exists() {
  return {.call = [this] { found_ = asking_.exists_batch(all_keys_); },
          .check =
              [this] {
                return found_.size() == kObjects &&
                       std::all_of(found_.begin(), found_.end(),
                                   [](Status status) { return status == Status::kOk; });
              }};
}

/// One call ends the view before and begins the next. A view shows memory in place: that it shows
/// the same places as before is looked at each time, and what stands there once a round.
TimedCall SmallCalls::view(const std::string& key, std::uint64_t bytes) {
  return {.call =
              [this, &key] {
                view_.reset();
                auto shown = remembering_.view(key);
                if (shown) view_.emplace(std::move(*shown));
              },
          .check =
              [this, &key, bytes] {
                if (!view_ || view_->bytes() != bytes || view_->is_copy()) return false;
                const auto pieces = view_->pieces();
                if (same(pieces, seen_)) return true;
                seen_.assign(pieces.begin(), pieces.end());
                return holds(*view_, key);
              },
          .after_round =
              [this, &key] {
                const bool is_right = view_ && holds(*view_, key);
                view_.reset();
                seen_.clear();
                return is_right;
              }};
}

bool SmallCalls::holds(const View& view, const std::string& key) const {
  const Content content(key, seed_);
  std::uint64_t offset = 0;
  for (const ConstPiece& piece : view.pieces()) {
    const std::span bytes{static_cast<const std::byte*>(piece.address), piece.bytes};
    if (content.mismatch(offset, bytes)) return false;
    offset += piece.bytes;
  }
  return offset == view.bytes();
}

}  // namespace aquifer::apps
