#include "client/refusal.h"

#include "base/strings.h"

namespace aquifer::client {
namespace {

struct Words {
  std::string message;
  std::string hint;
};

Words no_space(const Refused& refused) {
  if (refused.replicas > 1) {
    return {base::cat("there are no ", refused.replicas, " nodes with room for a copy each"),
            "see `aquifer status`; start more nodes, or ask for fewer replicas (--replicas, "
            "replicas=)"};
  }
  return {"the object does not fit into any node, or what is pinned leaves no room for it",
          "see `aquifer status`; end pins, or add a larger node with `aquifer node --dram SIZE`"};
}

Words words_of(Status status, const Refused& refused) {
  switch (status) {
    case Status::kBusy:
      return {"no space could be made within the deadline",
              "allow more time (--timeout, timeout=), or give the pool more memory"};
    case Status::kTimeout:
      return {"the deadline passed",
              "meta, a node or the network is slow or stopped: see `aquifer status`, or allow more "
              "time (--timeout, timeout=)"};
    case Status::kUnknown:
      return {"the deadline passed while it was being committed: it may be stored",
              "ask with exists; putting it again is safe"};
    case Status::kUnreachable:
      return {"the pool has no node that can be reached for it",
              base::cat("see `aquifer status`; start a node with `aquifer node --meta ",
                        refused.meta, "`")};
    case Status::kNoSpace:
      return no_space(refused);
    case Status::kTooLarge:
      return {"the value is over 1 GiB or in over 4096 pieces", "store it as several objects"};
    case Status::kTooSmall:
      return {"the buffers are smaller than the value",
              "the outcome tells the bytes that are needed"};
    case Status::kInvalidArgument:
      return {"the key must have 1 to 1024 bytes, the value at least 1, and no piece may be null",
              {}};
    case Status::kIntegrity:
      return {"the bytes found are not those that were put, in any replica; nothing was delivered",
              "put it again"};
    case Status::kCancelled:
      return {
          "its put has ended: the key was removed meanwhile, its node was lost, or the lifetime of "
          "the open put is over",
          "put it again"};
    case Status::kPending:
      return {"it is done, but a node has still to confirm that the old value is gone", {}};
    case Status::kInFlight:
      return {"another put of it is open", "try again when that has ended"};
    case Status::kRecovering:
      return {"it was not found, but nodes are missing after a restart of meta",
              "try again when `aquifer status` shows every node alive"};
    default:
      return {base::cat("the pool answered ", name_of(status)), {}};
  }
}

}  // namespace

std::optional<Error> refusal(Status status, const Refused& refused) {
  if (is_success(status) || status == Status::kNotFound) {
    return std::nullopt;
  }
  const Words words = words_of(status, refused);
  constexpr std::size_t kShownMax = 80;
  return Error{status, base::cat("\"", refused.key.substr(0, kShownMax), "\": ", words.message),
               words.hint};
}

}  // namespace aquifer::client
