#include <thread>

#include "apps/client_flags.h"
#include "apps/commands.h"
#include "apps/render.h"
#include "apps/workload_progress.h"
#include "base/size.h"
#include "base/strings.h"

namespace aquifer::apps {
namespace {

/// Until the node has left, or the time is over.
Result<DrainProgress> follow(Client& client, const std::string& node,
                             std::chrono::milliseconds time) {
  constexpr std::chrono::milliseconds kEvery(200);
  const auto end = std::chrono::steady_clock::now() + time;
  Progress bar;
  std::uint64_t total = 0;
  std::uint64_t shown = 0;
  while (true) {
    auto state = client.drain(node);
    const bool late = std::chrono::steady_clock::now() + kEvery >= end;
    if (!state || state->gone || late) return state;
    if (state->bytes > total) {
      bar.begin(total = state->bytes);
      shown = 0;
    }
    bar.describe(base::cat("draining ", node, ": ", base::format_size(state->bytes), " left"));
    bar.advance(total - state->bytes - std::min(shown, total - state->bytes));
    shown = total - state->bytes;
    std::this_thread::sleep_for(kEvery);
  }
}

}  // namespace

int run_drain(Arguments arguments, const base::Environment& environment) {
  ClientCommand command(
      "drain", "Moves all that a node holds to others and lets it leave, empty. May be repeated.");
  std::string node;
  std::chrono::milliseconds wait(std::chrono::hours(1));
  bool cancel = false;
  command.options()
      .argument("NODE", node, "name of the node, as in aquifer status")
      .duration("wait", wait, "how long to follow it; the drain goes on after that")
      .flag("cancel", cancel,
            "end a drain that was begun: the node stays, with what is left on it");
  if (const auto ended = command.begin(arguments, environment)) return *ended;
  const auto state =
      cancel ? command.client().drain(node, true) : follow(command.client(), node, wait);
  if (!state) return command.fail(state.error());
  const std::string moved =
      base::cat(state->moved, " objects moved, ", state->given_up,
                " given up (worth less than what they would have displaced)\n");
  if (cancel) {
    return command.report().done(base::cat("the drain of ", node, " has ended; ", moved),
                                 drain_json(node, *state));
  }
  if (!state->gone) {
    return command.fail(
        Error{Status::kPending,
              base::cat("node ", node, " still holds ", base::format_size(state->bytes), " in ",
                        state->objects, " objects; ", moved),
              "the drain goes on; follow it with the same command, or end it with --cancel"});
  }
  return command.report().done(base::cat(node, " is empty and has left; ", moved),
                               drain_json(node, *state));
}

}  // namespace aquifer::apps
