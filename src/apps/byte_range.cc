#include "apps/byte_range.h"

#include <algorithm>

#include "apps/explain.h"
#include "base/size.h"
#include "base/strings.h"

namespace aquifer::apps {

Result<ByteRange> parse_range(std::string_view text) {
  const auto wrong = [text](std::string_view why) {
    return Error{Status::kInvalidArgument,
                 base::cat("bad value ", quoted(text), " for --range: ", why),
                 "like this: --range 64KiB:4096, or 64KiB: for all from there on"};
  };
  const auto colon = text.find(':');
  if (colon == std::string_view::npos) return wrong("there is no ':' in it");
  const auto offset = base::parse_size(text.substr(0, colon));
  if (!offset) return wrong("OFFSET is no size");
  if (*offset >= Limits::kValueBytes) return wrong("no value is that long");
  const std::uint64_t most = Limits::kValueBytes - *offset;
  const std::string_view length = text.substr(colon + 1);
  if (length.empty()) return ByteRange{*offset, most};
  const auto bytes = base::parse_size(length);
  if (!bytes) return wrong("LENGTH is no size");
  if (*bytes == 0) return wrong("LENGTH is 0");
  return ByteRange{*offset, std::min(*bytes, most)};
}

}  // namespace aquifer::apps
