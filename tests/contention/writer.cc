#include "writer.h"

#include <algorithm>
#include <numeric>

#include "base/strings.h"
#include "crew.h"

namespace aquifer::contention {

Writer::Writer(Board& board, Client& client, std::uint64_t seed)
    : board_(board),
      client_(client),
      random_(seed),
      owner_(board.new_owner()),
      buffer_(kValueBytesMax) {}

void Writer::run() {
  if (owner_ >= kOwnersMax) return board_.fault("more writers than the board has room for");
  while (!board_.stopped()) {
    const std::uint64_t draw = random_.below(100);
    if (draw < 35) {
      put();
    } else if (draw < 65) {
      replace();
    } else if (draw < 75) {
      open_put();
    } else if (draw < 82) {
      put_batch();
    } else if (draw < 95) {
      put_if_absent();
    } else {
      remove();
    }
  }
}

void Writer::count(Call call, Status status, const ValueId& id) {
  board_.count(call, status);
  if (is_allowed(call, status)) return;
  board_.fault(base::cat(name_of(call), " of ", key_of(id), " version ", id.version, ": ",
                         aquifer::name_of(status), " (", client_.last_error().text(), ")"));
}

ValueId Writer::next_value() {
  ValueId id{owner_, draw_number(random_, kKeysEach), 0};
  id.version = board_.new_version(id);
  return id;
}

std::span<const ConstPiece> Writer::pieces(const ValueId& id) {
  const std::size_t bytes = bytes_of(id);
  fill(id, 0, {buffer_.data(), bytes});
  pieces_.clear();
  std::size_t at = 0;
  while (at < bytes) {
    const std::size_t count = random_.below(4) == 0 ? 1 + random_.below(bytes - at) : bytes - at;
    pieces_.push_back({buffer_.data() + at, count});
    at += count;
  }
  return pieces_;
}

void Writer::put() {
  const ValueId id = next_value();
  count(Call::kPut, client_.put(key_of(id), pieces(id)), id);
}

void Writer::put_if_absent() {
  const ValueId id = next_value();
  count(Call::kPutIfAbsent, client_.put_if_absent(key_of(id), pieces(id)), id);
}

void Writer::replace() {
  const ValueId id = next_value();
  const Status status = client_.replace(key_of(id), pieces(id));
  if (status == Status::kOk) board_.replaced(id);
  count(Call::kReplace, status, id);
}

void Writer::put_batch() {
  constexpr std::size_t kBatch = 6;
  std::vector<ValueId> ids;
  std::vector<std::string> keys;
  std::vector<std::vector<std::byte>> values;
  std::vector<ConstPiece> each;
  const auto first = draw_number(random_, kKeysEach - kBatch);
  for (std::uint32_t i = 0; i < kBatch; ++i) {
    ValueId id{owner_, first + i, 0};
    id.version = board_.new_version(id);
    ids.push_back(id);
    keys.push_back(key_of(id));
    values.emplace_back(bytes_of(id));
    fill(id, 0, values.back());
  }
  for (const auto& value : values) each.push_back({value.data(), value.size()});
  std::vector<PutItem> items;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    items.push_back({keys[i], {&each[i], 1}, i > 0 ? std::string_view(keys[i - 1]) : ""});
  }
  const auto statuses = client_.put_batch(items);
  for (std::size_t i = 0; i < ids.size(); ++i) count(Call::kPutBatch, statuses[i], ids[i]);
}

void Writer::open_put() {
  const ValueId id = next_value();
  const std::size_t bytes = bytes_of(id);
  auto opened = client_.open_put(key_of(id), bytes);
  if (!opened) return count(Call::kOpenPut, opened.code(), id);
  fill(id, 0, {buffer_.data(), bytes});
  const std::size_t step = 1 + random_.below(bytes);
  std::vector<std::size_t> offsets;
  for (std::size_t at = 0; at < bytes; at += std::max(step, bytes / 8 + 1)) offsets.push_back(at);
  for (std::size_t i = offsets.size(); i > 1; --i) {
    std::swap(offsets[i - 1], offsets[random_.below(i)]);
  }
  const bool is_given_up = random_.below(10) == 0;
  if (is_given_up) offsets.resize(offsets.size() / 2);
  for (const std::size_t at : offsets) {
    const std::size_t count_here = std::min(std::max(step, bytes / 8 + 1), bytes - at);
    const Status status = opened->write(at, buffer_.data() + at, count_here);
    if (status != Status::kOk) return count(Call::kOpenPut, status, id);
  }
  if (is_given_up) return opened->abort();
  count(Call::kOpenPut, opened->commit(), id);
}

void Writer::remove() {
  const ValueId id{owner_, draw_number(random_, kKeysEach), 0};
  count(Call::kRemove, client_.remove(key_of(id)), id);
}

}  // namespace aquifer::contention
