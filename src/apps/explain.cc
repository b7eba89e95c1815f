#include "apps/explain.h"

#include "base/strings.h"

namespace aquifer::apps {
namespace {

Error explain_key(Status status, const Request& request) {
  const std::string key = quoted(request.key);
  switch (status) {
    case Status::kNotFound:
      return {status, base::cat(key, " is not in namespace ", quoted(request.name_space)),
              "it was never put there, or was removed or evicted; aquifer status counts evictions"};
    case Status::kRecovering:
      return {status, base::cat(key, " was not found, but nodes are missing after a restart"),
              "try again when aquifer status shows every node alive"};
    case Status::kInFlight:
      return {status, base::cat("another put of ", key, " is open"), "try again when it has ended"};
    case Status::kUnknown:
      return {status,
              base::cat("the connection or the deadline ended while ", key,
                        " was being committed: it may be stored"),
              "aquifer exists tells; putting it again is safe"};
    case Status::kIntegrity:
      return {status, base::cat("every replica of ", key, " is damaged; nothing was delivered"),
              "remove it with aquifer rm, and put it again"};
    default:
      return {status, base::cat("the pool answered ", name_of(status)), ""};
  }
}

Error explain_no_space(const Request& request) {
  if (request.replicas > 1) {
    return {Status::kNoSpace,
            base::cat("there are no ", request.replicas, " nodes with room for a copy each"),
            "aquifer status shows the nodes; start more of them, or ask for fewer --replicas"};
  }
  return {Status::kNoSpace, "the object does not fit into any node",
          "aquifer status shows the nodes; add a larger one with aquifer node --dram SIZE"};
}

Error explain_pool(Status status, const Request& request) {
  switch (status) {
    case Status::kBusy:
      return {status, "no space could be made within the deadline",
              "give more time with --timeout, or more memory with aquifer node --dram SIZE"};
    case Status::kTimeout:
      return {status, "the deadline passed",
              base::cat("meta at ", request.meta,
                        " or a node answers slowly or not at all: see aquifer status, or give "
                        "more time with --timeout")};
    case Status::kUnreachable:
      return {status,
              base::cat("meta at ", request.meta, " knows no node that can be reached for this"),
              base::cat("aquifer status shows the nodes; start one with: aquifer node --meta ",
                        request.meta)};
    case Status::kNoSpace:
      return explain_no_space(request);
    default:
      return explain_key(status, request);
  }
}

}  // namespace

Error explain(Status status, const Request& request, const Error& last) {
  // A message that only repeats the status says no more than we do.
  const bool has_words = !last.message.empty() && last.message != name_of(status);
  if (status != Status::kNotFound && last.code == status && has_words) return last;
  return explain_pool(status, request);
}

std::optional<Error> check_key(std::string_view key) {
  const std::string limit = base::cat("a key has 1 to ", Limits::kKeyBytes, " bytes");
  if (key.empty()) return Error{Status::kInvalidArgument, "the key is empty", limit};
  if (key.size() > Limits::kKeyBytes) {
    return Error{Status::kInvalidArgument, base::cat("the key has ", key.size(), " bytes"), limit};
  }
  return std::nullopt;
}

std::string quoted(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string result = "'";
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
  return result + "'";
}

}  // namespace aquifer::apps
