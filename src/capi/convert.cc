#include "capi/convert.h"

#include <type_traits>
#include <utility>

#include "capi/structs.h"

namespace aquifer::capi {
namespace {

// The pieces of both languages are the same in memory, so that those of a call (there may be
// thousands) are not copied.
template <class Theirs, class Ours>
constexpr bool is_same_layout() {
  return sizeof(Theirs) == sizeof(Ours) && std::is_standard_layout_v<Theirs> &&
         std::is_standard_layout_v<Ours> && offsetof(Theirs, address) == offsetof(Ours, address) &&
         offsetof(Theirs, bytes) == offsetof(Ours, bytes);
}
static_assert(is_same_layout<aquifer_piece_t, Piece>());
static_assert(is_same_layout<aquifer_const_piece_t, ConstPiece>());

constexpr Piece kNoPiece{nullptr, 1};
constexpr ConstPiece kNoConstPiece{nullptr, 1};

// Gathers the arguments of a batch, and notices bytes at null pointers.
template <class T>
class Gathering {
 public:
  explicit Gathering(std::size_t count) { batch_.items.reserve(count); }

  // An empty key is refused by every call, which is what a null one deserves.
  std::string_view text(aquifer_text_t text) {
    batch_.null_bytes |= !is_text(text);
    return view_of(text);
  }
  template <class P>
  auto pieces(const P* pieces, std::size_t count) {
    batch_.null_bytes |= pieces == nullptr && count != 0;
    return pieces_of(pieces, count);
  }
  void add(T item) { batch_.items.push_back(item); }
  Batch<T> take() { return std::move(batch_); }

 private:
  Batch<T> batch_;
};

std::string_view or_else(std::string_view own, std::string_view shared) {
  return own.empty() ? shared : own;
}

std::chrono::milliseconds milliseconds(std::uint32_t count) {
  return std::chrono::milliseconds(count);
}

}  // namespace

std::span<const ConstPiece> pieces_of(const aquifer_const_piece_t* pieces, std::size_t count) {
  if (pieces == nullptr) {
    return {&kNoConstPiece, count == 0 ? 0u : 1u};
  }
  return {reinterpret_cast<const ConstPiece*>(pieces), count};
}

std::span<const Piece> pieces_of(const aquifer_piece_t* pieces, std::size_t count) {
  if (pieces == nullptr) {
    return {&kNoPiece, count == 0 ? 0u : 1u};
  }
  return {reinterpret_cast<const Piece*>(pieces), count};
}

const aquifer_const_piece_t* from_pieces(std::span<const ConstPiece> pieces) {
  return pieces.empty() ? nullptr : reinterpret_cast<const aquifer_const_piece_t*>(pieces.data());
}

Batch<std::string_view> keys_of(const aquifer_text_t* keys, std::size_t count) {
  Gathering<std::string_view> all(count);
  for (std::size_t i = 0; i < count; ++i) {
    all.add(all.text(keys[i]));
  }
  return all.take();
}

// A null parent is refused with its item, too: the item loses its key.
Batch<PutItem> items_of(const aquifer_put_item_t* items, std::size_t count,
                        std::string_view parent) {
  Gathering<PutItem> all(count);
  for (const aquifer_put_item_t& item : std::span(items, count)) {
    all.add({.key = is_text(item.parent) ? all.text(item.key) : std::string_view(),
             .pieces = all.pieces(item.pieces, item.piece_count),
             .parent = or_else(all.text(item.parent), parent)});
  }
  return all.take();
}

Batch<OpenItem> items_of(const aquifer_open_item_t* items, std::size_t count,
                         std::string_view parent) {
  Gathering<OpenItem> all(count);
  for (const aquifer_open_item_t& item : std::span(items, count)) {
    all.add({.key = is_text(item.parent) ? all.text(item.key) : std::string_view(),
             .bytes = item.bytes,
             .parent = or_else(all.text(item.parent), parent)});
  }
  return all.take();
}

Batch<GetItem> items_of(const aquifer_get_item_t* items, std::size_t count) {
  Gathering<GetItem> all(count);
  for (const aquifer_get_item_t& item : std::span(items, count)) {
    all.add({.key = all.text(item.key), .pieces = all.pieces(item.pieces, item.piece_count)});
  }
  return all.take();
}

Batch<RangeItem> items_of(const aquifer_range_item_t* items, std::size_t count) {
  Gathering<RangeItem> all(count);
  for (const aquifer_range_item_t& item : std::span(items, count)) {
    all.add({.key = all.text(item.key),
             .offset = item.offset,
             .pieces = all.pieces(item.pieces, item.piece_count)});
  }
  return all.take();
}

Read<CallOptions> read(const aquifer_call_options_t* options) {
  const auto known = read_struct(options);
  if (!known) {
    return {.refused = &kWrongStruct};
  }
  if (!is_text(known->name_space)) {
    return {.refused = &kNullBytes};
  }
  return {.value = {view_of(known->name_space), milliseconds(known->timeout_ms),
                    milliseconds(known->fill_ms)}};
}

Read<PutCall> read(const aquifer_put_options_t* options) {
  const auto known = read_struct(options);
  if (!known || known->group > 1) {
    return {.refused = &kWrongStruct};
  }
  if (!is_text(known->name_space) || !is_text(known->preferred_node) || !is_text(known->parent)) {
    return {.refused = &kNullBytes};
  }
  if (known->mode > AQUIFER_PUT_REPLACE) {
    return {.refused = &kUnknownMode};
  }
  PutCall call;
  call.options.mode = static_cast<PutMode>(known->mode);
  call.options.replicas = known->replicas == 0 ? 1 : known->replicas;
  call.options.preferred_node = view_of(known->preferred_node);
  call.options.call = {view_of(known->name_space), milliseconds(known->timeout_ms)};
  call.options.group = known->group != 0;
  call.parent = view_of(known->parent);
  return {.value = call};
}

Read<ClientOptions> read(const aquifer_client_options_t* options) {
  const auto known = read_struct(options);
  if (!known) {
    return {.refused = &kWrongStruct};
  }
  if (!is_text(known->meta) || !is_text(known->name_space) || !is_text(known->zone)) {
    return {.refused = &kNullBytes};
  }
  if (known->transport > AQUIFER_TRANSPORT_TCP) {
    return {.refused = &kUnknownMode};
  }
  ClientOptions ours;
  if (known->meta.size != 0) ours.meta = view_of(known->meta);
  if (known->name_space.size != 0) ours.name_space = view_of(known->name_space);
  ours.zone = view_of(known->zone);
  ours.transport = static_cast<Transport>(known->transport);
  if (known->timeout_ms != 0) ours.timeout = milliseconds(known->timeout_ms);
  if (known->copy_threads != 0) ours.copy_threads = known->copy_threads;
  if (known->tcp_streams != 0) ours.tcp_streams = known->tcp_streams;
  if (known->cached_handles == AQUIFER_NO_CACHED_HANDLES) {
    ours.cached_handles = 0;
  } else if (known->cached_handles != 0) {
    ours.cached_handles = known->cached_handles;
  }
  return {.value = std::move(ours)};
}

Read<PoolOptions> read(const aquifer_pool_options_t* options) {
  const auto known = read_struct(options);
  if (!known) {
    return {.refused = &kWrongStruct};
  }
  if (!is_text(known->listen) || !is_text(known->node_name)) {
    return {.refused = &kNullBytes};
  }
  PoolOptions ours;
  if (known->dram_bytes != 0) ours.dram_bytes = known->dram_bytes;
  if (known->listen.size != 0) ours.listen = view_of(known->listen);
  ours.node_name = view_of(known->node_name);
  return {.value = std::move(ours)};
}

}  // namespace aquifer::capi
