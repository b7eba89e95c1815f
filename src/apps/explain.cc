#include "apps/explain.h"

#include "base/strings.h"

namespace aquifer::apps {

Error explain(Status status, std::string_view key, std::string_view name_space, const Error& last) {
  if (status == Status::kNotFound) {
    return {status, base::cat(quoted(key), " is not in namespace ", quoted(name_space)),
            "it was never put there, or was removed or evicted; aquifer status counts evictions"};
  }
  if (status == Status::kInFlight) {
    return {status, base::cat("another put of ", quoted(key), " is open"),
            "try again when it has ended, or without --if-absent: the first that ends wins"};
  }
  // A message that only repeats the status says no more than we do.
  const bool has_words = !last.message.empty() && last.message != name_of(status);
  if (last.code == status && has_words) return last;
  return {status, base::cat("the pool answered ", name_of(status)),
          "aquifer status shows its state"};
}

std::optional<Error> check_key(std::string_view key) {
  const std::string limit = base::cat("a key has 1 to ", Limits::kKeyBytes, " bytes");
  if (key.empty()) return Error{Status::kInvalidArgument, "the key is empty", limit};
  if (key.size() > Limits::kKeyBytes) {
    return Error{Status::kInvalidArgument, base::cat("the key has ", key.size(), " bytes"), limit};
  }
  return std::nullopt;
}

std::string quoted(std::string_view text) { return base::cat("'", escaped(text), "'"); }

std::string escaped(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string result;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      result += "\\x";
      result += kDigits[byte >> 4];
      result += kDigits[byte & 15];
    } else {
      result += c;
    }
  }
  return result;
}

}  // namespace aquifer::apps
