#include "client/refusal.h"

#include "base/strings.h"

namespace aquifer::client {
namespace {

struct Words {
  std::string_view message;
  std::string_view hint;
};

Words words_of(Status status) {
  switch (status) {
    case Status::kBusy:
      return {"no space could be made within the deadline",
              "allow more time, or give the pool more memory"};
    case Status::kTimeout:
      return {"the deadline passed",
              "a node or the network is slow or stopped: see `aquifer status`, or allow more time"};
    case Status::kUnknown:
      return {"the deadline passed while the put was being committed: it may be stored",
              "ask with exists; putting it again is safe"};
    case Status::kUnreachable:
      return {"no node could be reached for it",
              "see `aquifer status`; start nodes with `aquifer node`"};
    case Status::kNoSpace:
      return {"it fits into no node, or there are fewer nodes than replicas asked for",
              "add a larger node, or more of them"};
    case Status::kTooLarge:
      return {"the value is over 1 GiB or in over 4096 pieces", "store it as several objects"};
    case Status::kTooSmall:
      return {"the buffers are smaller than the value",
              "the outcome tells the bytes that are needed"};
    case Status::kInvalidArgument:
      return {"the key must have 1 to 1024 bytes, the value at least 1, and no piece may be null",
              {}};
    case Status::kIntegrity:
      return {"the bytes found are not those that were put, in any replica", "put it again"};
    case Status::kCancelled:
      return {"the key was removed while it was being put", {}};
    default:
      return {name_of(status), {}};
  }
}

}  // namespace

std::optional<Error> refusal(Status status, std::string_view key) {
  if (is_success(status) || status == Status::kNotFound) {
    return std::nullopt;
  }
  const Words words = words_of(status);
  constexpr std::size_t kShownMax = 80;
  return Error{status, base::cat("\"", key.substr(0, kShownMax), "\": ", words.message),
               std::string(words.hint)};
}

}  // namespace aquifer::client
