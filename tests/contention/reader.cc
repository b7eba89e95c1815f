#include "reader.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <thread>

#include "base/strings.h"
#include "crew.h"

namespace aquifer::contention {
namespace {

constexpr std::byte kPoison{0xa5};

}  // namespace

Reader::Reader(Board& board, Client& client, std::uint64_t seed)
    : board_(board), client_(client), random_(seed), buffer_(kValueBytesMax) {}

void Reader::run() {
  while (!board_.stopped()) {
    if (board_.owners() == 0) {
      std::this_thread::yield();
      continue;
    }
    const std::uint64_t draw = random_.below(100);
    if (draw < 40) {
      get();
    } else if (draw < 55) {
      get_batch();
    } else if (draw < 75) {
      get_range();
    } else if (draw < 88) {
      view();
    } else if (draw < 97) {
      exists();
    } else if (draw < 99) {
      pin();
    } else {
      list();
    }
  }
}

/// The keys of the newest writers more often: those of killed ones are gone soon.
ValueId Reader::some_key() {
  const std::uint32_t owners = std::min(board_.owners(), kOwnersMax);
  const std::uint32_t newest = std::min<std::uint32_t>(owners, 8);
  const auto back = random_.below(random_.below(8) == 0 ? owners : newest);
  return {owners - 1 - static_cast<std::uint32_t>(back), draw_number(random_, kKeysEach), 0};
}

void Reader::count(Call call, Status status, const ValueId& key) {
  board_.count(call, status);
  if (is_allowed(call, status)) return;
  board_.fault(base::cat(name_of(call), " of ", key_of(key), ": ", aquifer::name_of(status), " (",
                         client_.last_error().text(), ")"));
}

/// `floor` was read before the call; `whole` is the size of the value where that is known.
void Reader::check(Call call, const ValueId& key, std::uint32_t floor, std::uint64_t offset,
                   std::span<const std::byte> bytes, std::optional<std::uint64_t> whole) {
  const auto version = version_in(key, offset, bytes);
  const auto fault = [&](std::string_view what) {
    board_.fault(base::cat(name_of(call), " of ", key_of(key), " from ", offset, ", ", bytes.size(),
                           " bytes: ", what));
  };
  if (!version) return fault("not the bytes of one version of it");
  if (*version > board_.latest(key)) return fault("a version that nobody has put");
  if (whole && *whole != bytes_of({key.owner, key.number, *version})) {
    return fault(base::cat("not the size of version ", *version));
  }
  if (*version < floor) {
    fault(base::cat("version ", *version, " after a replace by version ", floor, " was done"));
  }
}

void Reader::get() {
  const ValueId key = some_key();
  const std::uint32_t floor = board_.floor(key);
  std::fill(buffer_.begin(), buffer_.end(), kPoison);
  const std::size_t cut = 1 + random_.below(buffer_.size() - 1);
  const Piece pieces[] = {{buffer_.data(), cut}, {buffer_.data() + cut, buffer_.size() - cut}};
  const GetOutcome got = client_.get_into(key_of(key), pieces);
  count(Call::kGet, got.status, key);
  if (got.status != Status::kOk) return;
  check(Call::kGet, key, floor, 0, {buffer_.data(), got.bytes}, got.bytes);
  check_behind(key, got.bytes);
}

/// Nothing is written behind a value, but what a longer version left there that was read first, by
/// a cached handle, and turned out to be gone.
void Reader::check_behind(const ValueId& key, std::uint64_t end) {
  constexpr std::size_t kLook = 32;
  if (end + kLook > buffer_.size()) return;
  const std::span<const std::byte> behind(buffer_.data() + end, kLook);
  const bool is_untouched =
      std::all_of(behind.begin(), behind.end(), [](std::byte b) { return b == kPoison; });
  if (is_untouched || version_in(key, end, behind)) return;
  board_.fault(base::cat("get of ", key_of(key), " wrote behind the end of the value, ", end));
}

void Reader::get_batch() {
  constexpr std::size_t kBatch = 5;
  std::vector<ValueId> ids;
  std::vector<std::uint32_t> floors;
  std::vector<std::string> keys;
  std::vector<std::vector<std::byte>> values(kBatch, std::vector<std::byte>(kValueBytesMax));
  std::vector<Piece> each;
  for (std::size_t i = 0; i < kBatch; ++i) {
    ids.push_back(some_key());
    floors.push_back(board_.floor(ids.back()));
    keys.push_back(key_of(ids.back()));
    each.push_back({values[i].data(), values[i].size()});
  }
  std::vector<GetItem> items;
  for (std::size_t i = 0; i < kBatch; ++i) items.push_back({keys[i], {&each[i], 1}});
  const auto outcomes = client_.get_batch(items);
  for (std::size_t i = 0; i < kBatch; ++i) {
    count(Call::kGetBatch, outcomes[i].status, ids[i]);
    if (outcomes[i].status != Status::kOk) continue;
    check(Call::kGetBatch, ids[i], floors[i], 0, {values[i].data(), outcomes[i].bytes},
          outcomes[i].bytes);
  }
}

void Reader::get_range() {
  const ValueId key = some_key();
  const std::uint32_t floor = board_.floor(key);
  constexpr std::size_t kLeast = 16;
  const std::size_t least = bytes_at_least(key);
  if (least <= kLeast) return;
  const std::uint64_t offset = random_.below(least - kLeast);
  const std::size_t wanted = kLeast + random_.below(least - offset - kLeast + 1);
  const Piece piece{buffer_.data(), wanted};
  const GetOutcome got = client_.get_range(key_of(key), offset, {&piece, 1});
  count(Call::kGetRange, got.status, key);
  if (got.status != Status::kOk) return;
  if (got.bytes != wanted) {
    return board_.fault(
        base::cat("range of ", key_of(key), ": ", got.bytes, " bytes, not ", wanted));
  }
  check(Call::kGetRange, key, floor, offset, {buffer_.data(), wanted}, std::nullopt);
}

void Reader::view() {
  const ValueId key = some_key();
  const std::uint32_t floor = board_.floor(key);
  auto view = client_.view(key_of(key));
  count(Call::kView, view.code(), key);
  if (!view) return;
  check_view(key, floor, *view);
  // Whatever happens to the object meanwhile, what is looked at stays.
  std::this_thread::sleep_for(std::chrono::microseconds(random_.below(3000)));
  check_view(key, floor, *view);
  if (view->verify() != Status::kOk) {
    board_.fault(base::cat("view of ", key_of(key), " does not verify any more"));
  }
}

void Reader::check_view(const ValueId& key, std::uint32_t floor, const View& view) {
  std::size_t bytes = 0;
  for (const ConstPiece& piece : view.pieces()) {
    if (bytes + piece.bytes > buffer_.size()) break;
    std::memcpy(buffer_.data() + bytes, piece.address, piece.bytes);
    bytes += piece.bytes;
  }
  check(Call::kView, key, floor, 0, {buffer_.data(), bytes}, view.bytes());
}

void Reader::exists() {
  const ValueId key = some_key();
  count(Call::kExists, client_.exists(key_of(key)), key);
}

void Reader::pin() {
  const ValueId key = some_key();
  count(Call::kPin, client_.pin(key_of(key), std::chrono::milliseconds(random_.below(30))), key);
}

void Reader::list() {
  const ValueId key = some_key();
  const std::string prefix = base::cat("contention/", key.owner, "/");
  std::string cursor;
  do {
    auto page = client_.list(prefix, cursor, 7);
    count(Call::kList, page.code(), key);
    if (!page) return;
    for (const ListEntry& entry : page->entries) {
      if (!entry.key.starts_with(prefix) || entry.bytes == 0 || entry.bytes > kValueBytesMax) {
        board_.fault(base::cat("the listing of ", prefix, " has ", entry.key));
      }
    }
    cursor = page->cursor;
  } while (!cursor.empty() && !board_.stopped());
}

}  // namespace aquifer::contention
