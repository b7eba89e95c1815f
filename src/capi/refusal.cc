#include "capi/refusal.h"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "capi/structs.h"

namespace aquifer::capi {
namespace {

// Cuts between characters: a UTF-8 character continues in bytes of the form 10xxxxxx.
template <std::size_t N>
void copy_text(std::string_view text, char (&room)[N]) {
  std::size_t size = std::min(text.size(), N - 1);
  while (size != 0 && size < text.size() && (static_cast<unsigned char>(text[size]) >> 6) == 2) {
    --size;
  }
  std::memcpy(room, text.data(), size);
  room[size] = '\0';
}

}  // namespace

Error error_of(const Refusal& refusal) { return {refusal.status, refusal.message, refusal.hint}; }

aquifer_status_t write_error(const Error& error, aquifer_error_t* out) {
  if (out == nullptr) {
    return AQUIFER_OK;
  }
  aquifer_error_t filled{};
  filled.status = static_cast<aquifer_status_t>(error.code);
  copy_text(error.message, filled.message);
  copy_text(error.hint, filled.hint);
  return write_struct(filled, out) ? AQUIFER_OK : AQUIFER_INVALID_ARGUMENT;
}

}  // namespace aquifer::capi
