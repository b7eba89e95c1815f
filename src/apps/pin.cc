#include "apps/client_flags.h"
#include "apps/commands.h"
#include "apps/render.h"
#include "base/size.h"
#include "base/strings.h"

namespace aquifer::apps {

int run_pin(Arguments arguments, const base::Environment& environment) {
  ClientCommand command("pin", "Keeps a key from eviction for a time. It can still be removed.");
  std::string key;
  std::chrono::milliseconds ttl{};
  command.options()
      .argument("KEY", key, "the key, 1 to 1024 bytes")
      .duration("ttl", ttl, "for how long from now, at most 24h; 0 ends an earlier pin",
                {.required = true});
  if (const auto ended = command.begin(arguments, environment)) return *ended;
  if (const auto wrong = check_key(key)) return command.report().fail(*wrong);
  if (ttl > Limits::kPinTtl) {
    return command.report().fail({Status::kInvalidArgument,
                                  base::cat("--ttl ", base::format_duration(ttl), " is too long"),
                                  "a pin lasts at most 24h; pin the key again before it ends"});
  }
  const Status status = command.client().pin(key, ttl);
  if (status != Status::kOk) return command.fail(status, key);
  const std::string text = ttl.count() == 0 ? base::cat(quoted(key), " may be evicted again\n")
                                            : base::cat("pinned ", quoted(key), " for ",
                                                        base::format_duration(ttl), "\n");
  return command.report().done(text, pin_json(key, ttl));
}

}  // namespace aquifer::apps
