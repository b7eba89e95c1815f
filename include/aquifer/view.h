// A value looked at in place: in memory that a node of this host shares with this process. Not a
// copy, so what is read later is read from the pool's memory; where that cannot be mapped, the view
// holds a copy and behaves the same.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "aquifer/export.h"
#include "aquifer/types.h"

namespace aquifer {

namespace client {
class Session;
class ViewState;
}  // namespace client

/// Readable until it is released or destroyed, even if the object is removed, evicted or replaced
/// meanwhile, and after its client is closed. Its bytes were verified when this client first saw
/// this object. Const calls are thread-safe. Move-only.
class AQUIFER_EXPORT View {
 public:
  View(View&&) noexcept;
  View& operator=(View&&) noexcept;
  ~View();

  /// The value, in order; a few long pieces. Must not be written.
  std::span<const ConstPiece> pieces() const;
  std::uint64_t bytes() const;
  /// True when the bytes are this process's own copy.
  bool is_copy() const;

  /// Checks the bytes against the digests once more: kOk or kIntegrity.
  Status verify() const;

  /// Ends the view; pieces() is empty afterwards. Repeatable.
  void release();

 private:
  friend class client::Session;
  explicit View(std::unique_ptr<client::ViewState> state);
  std::unique_ptr<client::ViewState> state_;
};

}  // namespace aquifer
