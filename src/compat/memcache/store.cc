#include "compat/memcache/store.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>

#include "compat/memcache/config_file.h"
#include "compat/memcache/log.h"
#include "memory/touchable.h"

namespace aquifer::compat::memcache {
namespace {

constexpr std::uint32_t kDeviceMax = 383;
constexpr std::uint64_t kLeaseMsMax = 86'400'000;

bool is_key(std::string_view key) { return !key.empty() && key.size() <= kKeyBytesMax; }

int refusal_code(Form form) { return form == Form::kLayers ? kInvalidParam : kError; }

std::uint64_t bytes_of(std::span<const Piece> pieces) {
  std::uint64_t bytes = 0;
  for (const Piece& piece : pieces) bytes += piece.bytes;
  return bytes;
}

// Pieces of puts are not written; the rest is the same for both.
std::span<const Piece> as_pieces(std::span<const ConstPiece> pieces) {
  static_assert(sizeof(Piece) == sizeof(ConstPiece));
  return {reinterpret_cast<const Piece*>(pieces.data()), pieces.size()};
}
std::span<const Piece> as_pieces(std::span<const Piece> pieces) { return pieces; }

// An object of ours has at least one byte; one of MemCache's may have none, and is stored as these.
// They are nobody's value: 256 random bits.
constexpr std::array<std::uint64_t, 4> kNothing{0x8e1c5fd0b27a6943, 0x3db94e72c60f18a5,
                                                0xf0672b8d914ce35a, 0x5ac8e13f7d20b694};
constexpr ConstPiece kNothingPiece{kNothing.data(), sizeof kNothing};

bool is_nothing(std::span<const Piece> pieces) {
  std::array<std::byte, sizeof kNothing> bytes;
  std::size_t at = 0;
  for (const Piece& piece : pieces) {
    if (piece.bytes > bytes.size() - at) return false;
    std::memcpy(bytes.data() + at, piece.address, piece.bytes);
    at += piece.bytes;
  }
  return at == bytes.size() && std::memcmp(bytes.data(), kNothing.data(), at) == 0;
}

/// Gets of which some share memory: the later one wins, as where they are copied one by one.
GetOutcome get_alone(Client& client, const GetItem& item) {
  GetOutcome got = client.get_batch({&item, 1}).front();
  if (got.status != Status::kInvalidArgument) return got;
  std::string bytes(bytes_of(item.pieces), '\0');
  const Piece whole{bytes.data(), bytes.size()};
  got = client.get_into(item.key, {&whole, 1});
  std::size_t at = 0;
  for (const Piece& piece : item.pieces) {
    if (got.status == Status::kOk) std::memcpy(piece.address, bytes.data() + at, piece.bytes);
    at += piece.bytes;
  }
  return got;
}

std::vector<GetOutcome> get_all(Client& client, std::span<const GetItem> items) {
  std::vector<GetOutcome> outcomes = client.get_batch(items);
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (outcomes[i].status == Status::kInvalidArgument) outcomes[i] = get_alone(client, items[i]);
  }
  return outcomes;
}

/// Whether the object of this key, of as many bytes, stands for one of none.
bool stands_for_nothing(Client& client, std::string_view key) {
  std::array<std::uint64_t, kNothing.size()> found{};
  const Piece piece{found.data(), sizeof found};
  const GetOutcome got = client.get_into(key, {&piece, 1});
  return got.status == Status::kOk && got.bytes == sizeof found && found == kNothing;
}

bool has_no_bytes(const PutItem& item) { return bytes_of(as_pieces(item.pieces)) == 0; }

bool has_good_pieces(std::span<const Piece> pieces, Form form) {
  if (form == Form::kLayers && (pieces.empty() || pieces.size() > kLayersMax)) return false;
  return std::all_of(pieces.begin(), pieces.end(), [](const Piece& piece) {
    return piece.address != nullptr || piece.bytes == 0;
  });
}

/// The code by which each item is refused; kDone for those that may be tried. One bad item of a
/// flat batch refuses them all, as there.
template <class Item>
std::vector<int> refusals(std::span<const Item> items, Form form) {
  std::vector<int> codes(items.size(), kDone);
  bool all_good = true;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const auto pieces = as_pieces(items[i].pieces);
    if (is_key(items[i].key) && has_good_pieces(pieces, form)) {
      if (!memory::first_untouchable(pieces)) continue;
      warn_once(
          "an address that is not memory of this process was refused: memory of a device "
          "is not supported yet");
    }
    codes[i] = refusal_code(form);
    all_good = false;
  }
  if (!all_good && form == Form::kFlat) {
    codes.assign(items.size(), kError);
  }
  return codes;
}

/// The items that may be tried, and then their codes in their places.
template <class Item, class Run>
std::vector<int> try_good(std::span<const Item> items, std::vector<int> codes, Run run) {
  if (std::all_of(codes.begin(), codes.end(), [](int code) { return code == kDone; })) {
    return run(items);
  }
  std::vector<Item> good;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (codes[i] == kDone) good.push_back(items[i]);
  }
  if (good.empty()) return codes;
  const std::vector<int> outcomes = run(std::span<const Item>(good));
  auto next = outcomes.begin();
  for (int& code : codes) {
    if (code == kDone) code = *next++;
  }
  return codes;
}

template <class Key, class Run>
std::vector<int> per_key(std::span<const Key> keys, Run run) {
  std::vector<int> codes(keys.size(), kDone);
  std::transform(keys.begin(), keys.end(), codes.begin(),
                 [](std::string_view key) { return is_key(key) ? kDone : kInvalidParam; });
  return try_good(keys, std::move(codes), run);
}

std::string environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

const std::string loaded_local_path = environment("MMC_LOCAL_CONFIG_PATH");
const std::string loaded_meta_path = environment("MMC_META_CONFIG_PATH");

int code_of(const Error& error) {
  log(Level::kError, error.text());
  switch (error.code) {
    case Status::kInvalidArgument:
    case Status::kNotSupported:
      return kInvalidParam;
    case Status::kUnreachable:
    case Status::kTimeout:
      return trouble_code(error.code);
    default:
      return kError;
  }
}

}  // namespace

const std::string& local_config_path() { return loaded_local_path; }
const std::string& meta_config_path() { return loaded_meta_path; }

bool is_put(int direct, Form form) {
  return direct == kL2G || direct == kH2G || (direct == kAuto && form == Form::kLayers);
}

bool is_get(int direct, Form form) {
  return direct == kG2L || direct == kG2H || (direct == kAuto && form == Form::kLayers);
}

std::shared_ptr<Membership> Store::member() {
  const std::lock_guard lock(mutex_);
  return member_;
}

int Store::setup(const local_config& config) {
  const std::lock_guard lock(mutex_);
  if (settings_) return kDone;
  std::vector<std::string> warnings;
  const std::string path = config.config_path;
  auto chosen = path.empty() ? Result<local_config>(config) : read_local_config(path, warnings);
  if (!chosen) return code_of(chosen.error());
  auto settings = read_settings(*chosen);
  if (!settings) return code_of(settings.error());
  set_level(settings->log_level);
  for (const std::string& warning : warnings) warn_once(warning);
  for (const std::string& warning : settings->warnings) warn_once(warning);
  settings_ = *std::move(settings);
  return kDone;
}

int Store::init(std::uint32_t device, bool give_memory) {
  if (device > kDeviceMax) return kInvalidParam;
  bool is_set_up = false;
  {
    const std::lock_guard lock(mutex_);
    if (member_ != nullptr) return kDone;
    is_set_up = settings_.has_value();
  }
  if (!is_set_up) {
    // The library may have been loaded before the engine said where the file is.
    const std::string now = environment("MMC_LOCAL_CONFIG_PATH");
    const std::string& path = now.empty() ? local_config_path() : now;
    if (path.empty()) {
      log(Level::kError, "no configuration: call setup() first, or set MMC_LOCAL_CONFIG_PATH");
      return kInvalidParam;
    }
    local_config config = default_local_config();
    if (path.size() >= sizeof config.config_path) return kInvalidParam;
    path.copy(config.config_path, path.size());
    if (const int code = setup(config); code != kDone) return code;
  }
  const std::lock_guard lock(mutex_);
  if (member_ != nullptr) return kDone;
  if (!settings_) return kNotStarted;
  auto joined = Membership::join(*settings_, give_memory);
  if (!joined) return code_of(joined.error());
  member_ = *std::move(joined);
  return kDone;
}

int Store::close() {
  const std::lock_guard lock(mutex_);
  blobs_.clear();
  if (member_ != nullptr) member_->leave();
  member_.reset();
  settings_.reset();
  return kDone;
}

std::uint32_t Store::rank() {
  const auto member = this->member();
  return member == nullptr ? Membership::kNoRank : member->rank();
}

// As there: too many replicas, or a preferred rank that is not in the pool, is an error.
bool Store::may_place(Membership& member, const Replicas& replicas) {
  const auto& preferred = replicas.preferred;
  if (replicas.count == 0 || replicas.count > Limits::kReplicas ||
      preferred.size() > replicas.count) {
    return false;
  }
  for (std::size_t i = 1; i < preferred.size(); ++i) {
    if (std::find(preferred.begin(), preferred.begin() + static_cast<std::ptrdiff_t>(i),
                  preferred[i]) != preferred.begin() + static_cast<std::ptrdiff_t>(i)) {
      return false;
    }
  }
  if (preferred.size() > 1) {
    warn_once("of preferredLocalServiceIDs the first is honoured; the pool places the others");
  }
  if (replicas.count == 1 && preferred.empty()) return true;
  return member.has(preferred, replicas.count);
}

std::vector<int> Store::put(std::span<const PutItem> items, Form form, int direct,
                            const Replicas& replicas, int (*code_of)(Status)) {
  const auto member = this->member();
  if (member == nullptr) return {kClientNotInit};
  if (items.size() > kBatchMax) return {kInvalidParam};
  if (!is_put(direct, form)) return std::vector<int>(items.size(), refusal_code(form));
  if (!may_place(*member, replicas)) return std::vector<int>(items.size(), kError);
  PutOptions options;
  options.replicas = replicas.count;
  std::string preferred;
  if (!replicas.preferred.empty()) {
    preferred = node_of(static_cast<std::uint32_t>(replicas.preferred.front()));
  } else if (items.size() == 1) {
    preferred = member->node();  // one by one they stay where they are made
  }
  options.preferred_node = preferred;
  return try_good(items, refusals(items, form), [&](std::span<const PutItem> good) {
    std::vector<PutItem> with_nothing;
    if (std::ranges::any_of(good, has_no_bytes)) {
      with_nothing.assign(good.begin(), good.end());
      for (PutItem& item : with_nothing) {
        if (has_no_bytes(item)) item.pieces = {&kNothingPiece, 1};
      }
      good = with_nothing;
    }
    const std::vector<Status> statuses = member->client().put_batch(good, options);
    std::vector<int> codes(statuses.size());
    std::transform(statuses.begin(), statuses.end(), codes.begin(), code_of);
    const bool unreachable = std::ranges::find(codes, kLinkNotFound) != codes.end();
    if (unreachable && member->is_empty()) {  // there is a pool, and no memory in it
      std::ranges::replace(codes, int{kLinkNotFound}, int{kError});
    }
    return codes;
  });
}

std::vector<int> Store::get(std::span<const GetItem> items, Form form, int direct) {
  const auto member = this->member();
  if (member == nullptr) return {kClientNotInit};
  if (items.size() > kBatchMax) return {kInvalidParam};
  if (!is_get(direct, form)) return std::vector<int>(items.size(), refusal_code(form));
  return try_good(items, refusals(items, form), [&](std::span<const GetItem> good) {
    const std::vector<GetOutcome> outcomes = get_all(member->client(), good);
    std::vector<int> codes(outcomes.size());
    for (std::size_t i = 0; i < codes.size(); ++i) {
      codes[i] = get_code(outcomes[i].status);
      // The size of the buffers is the size of the object, or it is another object.
      const std::uint64_t room = bytes_of(good[i].pieces);
      if (room == 0 && outcomes[i].bytes == sizeof kNothing) {
        codes[i] = stands_for_nothing(member->client(), good[i].key) ? kDone : kError;
      } else if (codes[i] == kDone) {
        const bool nothing = room == sizeof kNothing && is_nothing(good[i].pieces);
        if (outcomes[i].bytes != room || nothing) codes[i] = kError;
      }
    }
    return codes;
  });
}

std::vector<std::int64_t> Store::sizes(std::span<const std::string_view> keys) {
  std::vector<std::int64_t> sizes(keys.size(), kClientNotInit);
  const auto member = this->member();
  if (member == nullptr) return sizes;
  const std::vector<GetOutcome> outcomes = member->client().locate_batch(keys);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    sizes[i] = outcomes[i].status == Status::kOk ? static_cast<std::int64_t>(outcomes[i].bytes)
                                                 : get_code(outcomes[i].status);
  }
  return sizes;
}

int Store::remove_all() {
  const auto member = this->member();
  if (member == nullptr) return kClientNotInit;
  const auto removed = member->client().remove_prefix("");
  return removed ? int{kDone} : trouble_code(removed.code());
}

std::vector<int> Store::remove(std::span<const std::string_view> keys) {
  const auto member = this->member();
  if (member == nullptr) return {kClientNotInit};
  if (keys.size() > kBatchMax) return {kInvalidParam};
  return per_key(keys, [&](std::span<const std::string_view> good) {
    const std::vector<Status> statuses = member->client().remove_batch(good);
    std::vector<int> codes(statuses.size());
    std::transform(statuses.begin(), statuses.end(), codes.begin(), remove_code);
    return codes;
  });
}

std::vector<int> Store::exists(std::span<const std::string_view> keys) {
  const auto member = this->member();
  if (member == nullptr) return {kClientNotInit};
  if (keys.size() > kBatchMax) return {kInvalidParam};
  return per_key(keys, [&](std::span<const std::string_view> good) {
    const std::vector<Status> statuses = member->client().exists_batch(good);
    std::vector<int> codes(statuses.size());
    std::transform(statuses.begin(), statuses.end(), codes.begin(), exist_code);
    return codes;
  });
}

std::vector<KeyFacts> Store::facts(std::span<const std::string_view> keys) {
  std::vector<KeyFacts> facts(keys.size());
  const auto member = this->member();
  if (member == nullptr || keys.size() > kBatchMax) return facts;
  const std::vector<ObjectStat> stats = member->client().stat_batch(keys);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (stats[i].status != Status::kOk) continue;
    facts[i].bytes = stats[i].bytes;
    if (stats[i].bytes == sizeof kNothing && stands_for_nothing(member->client(), keys[i])) {
      facts[i].bytes = 0;
    }
    facts[i].gva = Blobs::address_of(keys[i]);
    for (const ReplicaStat& replica : stats[i].replicas) {
      facts[i].ranks.push_back(member->number_of(replica.node));
    }
  }
  return facts;
}

// Nothing has to be known beforehand about memory of the host.
int Store::register_buffer(std::uint64_t address, std::uint64_t bytes) {
  if (member() == nullptr) return kClientNotInit;
  return address == 0 || bytes == 0 ? kInvalidParam : kDone;
}

std::vector<std::uint64_t> Store::allocate(std::span<const std::string_view> keys,
                                           std::span<const std::uint64_t> sizes,
                                           std::uint64_t lease_ms) {
  const auto member = this->member();
  std::vector<std::uint64_t> addresses(keys.size(), 0);
  if (member == nullptr || sizes.size() != keys.size() || keys.size() > kBatchMax) return addresses;
  std::vector<std::string_view> good;
  std::vector<std::uint64_t> bytes;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (!is_key(keys[i])) continue;
    good.push_back(keys[i]);
    bytes.push_back(sizes[i]);
  }
  const std::chrono::milliseconds lease(std::min<std::uint64_t>(lease_ms, kLeaseMsMax));
  const auto found = blobs_.allocate(member->client(), good, bytes, member->node(), lease);
  auto next = found.begin();
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (is_key(keys[i])) addresses[i] = *next++;
  }
  return addresses;
}

int Store::copy(std::span<const BlobCopy> copies, int direct) {
  const auto member = this->member();
  if (member == nullptr) return kClientNotInit;
  const bool writes = is_put(direct, Form::kFlat);
  if (!writes && !is_get(direct, Form::kFlat)) return kInvalidParam;
  std::vector<Piece> pieces;
  pieces.reserve(copies.size());
  for (const BlobCopy& copy : copies) {
    if (copy.local.address == nullptr) return kInvalidParam;
    pieces.push_back(copy.local);
  }
  if (memory::first_untouchable(pieces)) return kInvalidParam;
  return writes ? blobs_.write(copies) : blobs_.read(member->client(), copies);
}

std::vector<int> Store::finish(std::span<const std::string_view> keys,
                               std::span<const int> results) {
  if (member() == nullptr) return {kClientNotInit};
  if (results.size() != keys.size()) return std::vector<int>(keys.size(), kInvalidParam);
  return blobs_.finish(keys, results);
}

std::vector<int> Store::add_lease(std::span<const std::string_view> keys, std::uint64_t lease_ms) {
  const auto member = this->member();
  if (member == nullptr) return {kClientNotInit};
  if (keys.size() > kBatchMax) return {kInvalidParam};
  return per_key(keys, [&](std::span<const std::string_view> good) {
    return blobs_.add_lease(
        member->client(), good,
        std::chrono::milliseconds(std::min<std::uint64_t>(lease_ms, kLeaseMsMax)));
  });
}

int Store::remove_lease(std::span<const std::string_view> keys) {
  const auto member = this->member();
  return member == nullptr ? int{kClientNotInit} : blobs_.remove_lease(member->client(), keys);
}

}  // namespace aquifer::compat::memcache
