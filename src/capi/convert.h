// From the structs of aquifer.h to the arguments of the C++ client, which borrow from them. What
// cannot be an argument (bytes at a null pointer) becomes one that the client refuses for that key
// alone, so that one bad item does not spoil its batch.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "aquifer/aquifer.h"
#include "aquifer/client.h"
#include "aquifer/pool.h"
#include "capi/refusal.h"

namespace aquifer::capi {

inline bool is_text(aquifer_text_t text) { return text.data != nullptr || text.size == 0; }

/// Empty for bytes at a null pointer: whoever may not take them for empty asks is_text.
inline std::string_view view_of(aquifer_text_t text) {
  return text.data == nullptr ? std::string_view() : std::string_view(text.data, text.size);
}

inline aquifer_text_t text_of(std::string_view text) { return {text.data(), text.size()}; }

/// Pieces at a null pointer become one piece that no call accepts.
std::span<const ConstPiece> pieces_of(const aquifer_const_piece_t* pieces, std::size_t count);
std::span<const Piece> pieces_of(const aquifer_piece_t* pieces, std::size_t count);
/// The other way; null when there are none.
const aquifer_const_piece_t* from_pieces(std::span<const ConstPiece> pieces);

/// The arguments of a batch, and whether one of them named bytes at a null pointer.
template <class T>
struct Batch {
  std::vector<T> items;
  bool null_bytes = false;
};

Batch<std::string_view> keys_of(const aquifer_text_t* keys, std::size_t count);
/// `parent` is for items that name none.
Batch<PutItem> items_of(const aquifer_put_item_t* items, std::size_t count,
                        std::string_view parent);
Batch<OpenItem> items_of(const aquifer_open_item_t* items, std::size_t count,
                         std::string_view parent);
Batch<GetItem> items_of(const aquifer_get_item_t* items, std::size_t count);
Batch<RangeItem> items_of(const aquifer_range_item_t* items, std::size_t count);

/// A put's options, and the parent that its items share.
struct PutCall {
  PutOptions options;
  std::string_view parent;
};

/// What a struct says, or why it was refused: no version or no value of it.
template <class T>
struct Read {
  T value{};
  const Refusal* refused = nullptr;
};

Read<CallOptions> read(const aquifer_call_options_t* options);
Read<PutCall> read(const aquifer_put_options_t* options);
Read<ClientOptions> read(const aquifer_client_options_t* options);
Read<PoolOptions> read(const aquifer_pool_options_t* options);

}  // namespace aquifer::capi
