#include "compat/memcache/blobs.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <optional>

#include "base/hash.h"
#include "compat/memcache/codes.h"

namespace aquifer::compat::memcache {
namespace {

// Known for reading at once; those whose lease is over go first.
constexpr std::size_t kBlobsMax = 65536;

std::chrono::milliseconds lease_or_default(std::chrono::milliseconds lease) {
  return lease.count() > 0 ? lease : Blobs::kLease;
}

}  // namespace

/// One object that this process knows by its address: open for writing, or published.
class Blobs::Blob {
 public:
  Blob(std::string_view key, std::uint64_t bytes, std::chrono::milliseconds lease,
       std::optional<PendingPut> put = std::nullopt)
      : key_(key), bytes_(bytes), lease_end_(Clock::now() + lease), put_(std::move(put)) {}

  const std::string& key() const { return key_; }
  std::uint64_t bytes() const { return bytes_; }
  bool is_leased() const { return lease_end_.load() >= Clock::now(); }
  void end_lease() { lease_end_ = Clock::time_point{}; }

  bool is_open() {
    const std::lock_guard lock(mutex_);
    return put_.has_value();
  }

  int write(std::uint64_t offset, const Piece& from) {
    {
      const std::lock_guard lock(mutex_);
      if (!put_) return kDone;  // published: what it holds stays
      if (!is_leased()) return kLeaseExpired;
      if (!claim(offset, offset + from.bytes)) return kRangeAlreadyWritten;
      ++writers_;
    }
    // The put stays while somebody writes.
    const int code = put_code(put_->write(offset, from.address, from.bytes));
    const std::lock_guard lock(mutex_);
    --writers_;
    return code;
  }

  /// Makes it visible, or gives it up. Nothing happens to one that is visible already.
  int finish(bool good) {
    const std::lock_guard lock(mutex_);
    if (!put_) return kDone;
    if (writers_ != 0) return kUnmatchedState;
    if (!good) {
      put_->abort();
      return kDone;
    }
    const int code = put_code(publish());
    if (code == kDone) put_.reset();
    return code;
  }

 private:
  // False when some of it was written before.
  bool claim(std::uint64_t begin, std::uint64_t end) {
    const auto next = written_.upper_bound(begin);
    if (next != written_.begin() && std::prev(next)->second > begin) return false;
    if (next != written_.end() && next->first < end) return false;
    written_.emplace(begin, end);
    return true;
  }

  // Bytes that nobody wrote are zeros: a partial block is published as it is.
  Status publish() {
    static constexpr std::array<std::byte, 65536> kZeros{};
    std::uint64_t at = 0;
    written_.emplace(bytes_, bytes_);
    for (const auto& [begin, end] : written_) {
      while (at < begin) {
        const std::uint64_t some = std::min<std::uint64_t>(begin - at, kZeros.size());
        const Status status = put_->write(at, kZeros.data(), some);
        if (status != Status::kOk) return status;
        at += some;
      }
      at = end;
    }
    return put_->commit();
  }

  const std::string key_;
  const std::uint64_t bytes_;
  std::atomic<Clock::time_point> lease_end_;
  std::mutex mutex_;  ///< guards what follows
  std::optional<PendingPut> put_;
  std::map<std::uint64_t, std::uint64_t> written_;  ///< offset -> end
  int writers_ = 0;
};

std::uint64_t Blobs::address_of(std::string_view key) {
  constexpr std::uint64_t kLow = std::uint64_t{1} << 61;  // above any memory of a process
  return kLow + ((base::hash_bytes(key) >> 4) & ~std::uint64_t{4095});
}

std::pair<Blobs::BlobPtr, std::uint64_t> Blobs::find(const BlobCopy& copy) {
  const std::lock_guard lock(mutex_);
  const auto behind = by_address_.upper_bound(copy.gva);
  if (behind == by_address_.begin()) return {};
  const auto& [begin, blob] = *std::prev(behind);
  const std::uint64_t offset = copy.gva - begin;
  if (offset > blob->bytes() || copy.local.bytes > blob->bytes() - offset) return {};
  return {blob, offset};
}

Blobs::BlobPtr Blobs::find(std::string_view key) {
  const std::lock_guard lock(mutex_);
  const auto found = by_address_.find(address_of(key));
  return found != by_address_.end() && found->second->key() == key ? found->second : nullptr;
}

// False when another object has some of its addresses: rare among 2^49 beginnings.
bool Blobs::add(BlobPtr blob) {
  const std::lock_guard lock(mutex_);
  if (by_address_.size() >= kBlobsMax) drop_expired();
  const std::uint64_t begin = address_of(blob->key());
  const auto next = by_address_.upper_bound(begin);
  if (next != by_address_.end() && next->first < begin + blob->bytes()) return false;
  if (next != by_address_.begin()) {
    const auto& [before, known] = *std::prev(next);
    const bool same = before == begin && known->key() == blob->key();
    if (!same && before + known->bytes() > begin) return false;
  }
  by_address_.insert_or_assign(begin, std::move(blob));
  return true;
}

void Blobs::drop(std::string_view key) {
  const std::lock_guard lock(mutex_);
  const auto found = by_address_.find(address_of(key));
  if (found != by_address_.end() && found->second->key() == key) by_address_.erase(found);
}

void Blobs::drop_expired() {
  std::erase_if(by_address_, [](const auto& entry) { return !entry.second->is_leased(); });
}

std::vector<std::uint64_t> Blobs::allocate(Client& client, std::span<const std::string_view> keys,
                                           std::span<const std::uint64_t> sizes,
                                           std::string_view preferred_node,
                                           std::chrono::milliseconds lease) {
  lease = std::min<std::chrono::milliseconds>(lease_or_default(lease), Limits::kOpenPutTtl);
  std::vector<OpenItem> items(keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i) items[i] = {keys[i], sizes[i], {}};
  PutOptions options;
  options.mode = PutMode::kIfAbsent;
  options.preferred_node = preferred_node;
  auto puts = client.open_put_batch(items, options, lease);
  std::vector<std::uint64_t> addresses(keys.size(), 0);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (!puts[i]) continue;
    if (add(std::make_shared<Blob>(keys[i], sizes[i], lease, *std::move(puts[i]))))
      addresses[i] = address_of(keys[i]);
  }
  return addresses;
}

int Blobs::write(std::span<const BlobCopy> copies) {
  for (const BlobCopy& copy : copies) {
    const auto [blob, offset] = find(copy);
    if (blob == nullptr) return kInvalidParam;
    if (copy.local.bytes == 0) continue;
    if (const int code = blob->write(offset, copy.local); code != kDone) return code;
  }
  return kDone;
}

int Blobs::read(Client& client, std::span<const BlobCopy> copies) {
  std::vector<BlobPtr> held;
  std::vector<RangeItem> items;
  for (const BlobCopy& copy : copies) {
    const auto [blob, offset] = find(copy);
    if (blob == nullptr) return kInvalidParam;
    if (blob->is_open()) return kUnmatchedState;
    if (!blob->is_leased()) return kLeaseExpired;
    if (copy.local.bytes == 0) continue;
    items.push_back({blob->key(), offset, {&copy.local, 1}});
    held.push_back(blob);
  }
  for (std::size_t first = 0; first < items.size(); first += Limits::kBatchKeys) {
    const std::size_t count = std::min(Limits::kBatchKeys, items.size() - first);
    auto outcomes = client.get_range_batch(std::span(items).subspan(first, count));
    for (std::size_t i = 0; i < count; ++i) {
      if (outcomes[i].status == Status::kInvalidArgument) {  // some share memory: one by one
        outcomes[i] = client.get_range_batch({&items[first + i], 1}).front();
      }
      if (outcomes[i].status != Status::kOk) return get_code(outcomes[i].status);
      if (outcomes[i].bytes != items[first + i].pieces[0].bytes) return kError;
    }
  }
  const bool leased =
      std::all_of(held.begin(), held.end(), [](const BlobPtr& blob) { return blob->is_leased(); });
  return leased ? kDone : kLeaseExpired;
}

std::vector<int> Blobs::finish(std::span<const std::string_view> keys,
                               std::span<const int> results) {
  std::vector<int> codes(keys.size(), kUnmatchedKey);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const BlobPtr blob = find(keys[i]);
    if (blob == nullptr) continue;
    codes[i] = blob->finish(results[i] == kDone);
    if (blob->is_open()) drop(keys[i]);  // aborted, or it cannot be published
  }
  return codes;
}

std::vector<int> Blobs::add_lease(Client& client, std::span<const std::string_view> keys,
                                  std::chrono::milliseconds lease) {
  lease = std::min<std::chrono::milliseconds>(lease_or_default(lease), Limits::kPinTtl);
  const std::vector<ObjectStat> stats = client.stat_batch(keys);
  std::vector<std::string_view> found;
  std::vector<int> codes(keys.size(), kDone);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (stats[i].status != Status::kOk) {
      const bool open = stats[i].status == Status::kInFlight;
      codes[i] = open ? int{kUnmatchedState} : remove_code(stats[i].status);
      continue;
    }
    if (!add(std::make_shared<Blob>(keys[i], stats[i].bytes, lease))) codes[i] = kError;
    found.push_back(keys[i]);
  }
  // As many as may be pinned are; the others are verified like any other and may be a miss.
  if (!found.empty()) client.pin_batch(found, lease);
  return codes;
}

int Blobs::remove_lease(Client& client, std::span<const std::string_view> keys) {
  int code = kDone;
  std::vector<std::string_view> held;
  for (const std::string_view key : keys) {
    const BlobPtr blob = find(key);
    if (blob == nullptr || blob->is_open() || !blob->is_leased()) {
      code = kLeaseExpired;
      continue;
    }
    blob->end_lease();
    held.push_back(key);
  }
  if (!held.empty()) client.pin_batch(held, std::chrono::milliseconds(0));
  return code;
}

void Blobs::clear() {
  std::map<std::uint64_t, BlobPtr> all;
  const std::lock_guard lock(mutex_);
  all.swap(by_address_);
}

}  // namespace aquifer::compat::memcache
