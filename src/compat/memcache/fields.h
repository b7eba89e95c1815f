// One table says what a configuration has: the member of the C struct, its name to Python, its key
// in a file and its range. Files, texts and attributes are made from it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "memcache/mmc_def.h"

namespace aquifer::compat::memcache {

enum class Kind : std::uint8_t {
  kText,       ///< a char array
  kSize,       ///< a char array that holds "1GB"
  kUnsigned,   ///< uint32_t
  kShort,      ///< uint16_t
  kMegabytes,  ///< int32_t of bytes, which people write in MB
  kSigned,     ///< int32_t
  kFlag,       ///< bool
  kLevel,      ///< int32_t: debug, info, warn, error
};

struct Field {
  std::string_view name;  ///< as MemCache's Python and str() say
  std::string_view key;   ///< in a file
  Kind kind;
  std::size_t offset;
  std::size_t bytes;
  std::uint32_t low = 0;
  std::uint32_t high = UINT32_MAX;

  bool is_text() const { return kind == Kind::kText || kind == Kind::kSize; }
};

std::span<const Field> local_fields();
std::span<const Field> meta_fields();

/// Numbers: in the unit that people write. Flags: 0 and 1.
std::uint32_t number_of(const void* config, const Field& field);
std::string text_of(const void* config, const Field& field);

/// False when the text is too long for the field, or the level has no name.
bool set_text(void* config, const Field& field, std::string_view text);
void set_number(void* config, const Field& field, std::uint32_t number);

/// Parses what a file or a person wrote for the field. An explanation when it cannot be.
std::optional<std::string> parse_into(void* config, const Field& field, std::string_view text);

/// What is out of its range; nothing when all is well.
std::optional<std::string> check_range(const void* config, const Field& field);

/// "LocalConfig {\n  name: value\n ... }".
std::string to_text(std::string_view type, const void* config, std::span<const Field> fields);

/// Bytes of "134217728", "2048KB", "200mb", "2.5G", "1TB": powers of 1024, any case. Nothing for
/// other text.
std::optional<std::uint64_t> parse_bytes(std::string_view text);

}  // namespace aquifer::compat::memcache
