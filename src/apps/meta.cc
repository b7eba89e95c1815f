#include "apps/commands.h"
#include "apps/server_loop.h"
#include "base/strings.h"
#include "meta/server.h"

namespace aquifer::apps {
namespace {

struct Flags {
  meta::ServerOptions server;
  base::LogLevel log_level = base::LogLevel::kInfo;
};

void declare(base::Options& options, Flags& flags, bool with_faults) {
  options
      .text("listen", flags.server.listen,
            "address to serve clients and nodes at; port 0 takes a free one", {.unit = "ADDRESS"})
      .duration("node-grace", flags.server.node_grace,
                "a node silent for longer is lost, with what it holds")
      .duration("suspect-after", flags.server.suspect_after,
                "a node silent for longer gets nothing new until it is heard again")
      .duration("client-grace", flags.server.client_grace,
                "a client gone for longer has its open puts aborted")
      .duration("hello-time", flags.server.hello_time,
                "a connection that has not said who it is by then is closed")
      .size("reserve-low", flags.server.reserve_low_bytes,
            "eviction ahead of need begins on a node that has less free (at most 1/64 of it)")
      .size("reserve-high", flags.server.reserve_high_bytes,
            "and ends when this much is free (at most 1/32 of the node)")
      .size("copy-rate", flags.server.copy_bytes_per_second,
            "bytes a second that repairs and drains copy between nodes, all together")
      .integer("hot-uses", flags.server.hot_uses_per_second,
               "an object used more often than this in a second gets another replica; 0: none does")
      .duration("forget-after", flags.server.forget_after,
                "a lost node that keeps its memory may come back with all it held for so long")
      .real("pin-limit", flags.server.pinned_share_max,
            "share of a node's space that may be pinned", {.min = 0, .max = 1})
      .integer("connections-max", flags.server.connections_max, "connections served at once",
               {.min = 1, .max = 1u << 20});
  declare_log_level(options, flags.log_level);
  if (with_faults) {
    options.flag("fault-reuse-limbo", flags.server.fault_reuse_limbo,
                 "hand out bytes that may still have a writer");
  }
}

}  // namespace

int run_meta(Arguments arguments, const base::Environment& environment) {
  StopSignals signals;
  Flags flags;
  base::Options options("meta", "Runs the MetaService: it knows where the objects of a pool are.");
  declare(options, flags, asks_for_faults(arguments));
  if (const auto ended = parse_options(options, arguments, environment)) return *ended;
  base::set_log_level(flags.log_level);

  const Report report("meta", false);
  const auto started = meta::Server::start(flags.server);
  if (!started) return report.fail(started.error());
  meta::Server& server = **started;
  const Served served{
      .wait_failed = [&server](std::chrono::milliseconds time) { return server.wait_failed(time); },
      .stop = [&server] { server.stop(); }};
  return serve(report, signals, served, base::cat("ready meta ", server.address()));
}

}  // namespace aquifer::apps
