#include "node/left_segments.h"
#include "node/server.h"

#include "apps/commands.h"
#include "apps/server_loop.h"
#include "base/strings.h"

namespace aquifer::apps {
namespace {

constexpr std::string_view kAnonymous = "memfd";

struct Flags {
  node::ServerOptions server;
  base::LogLevel log_level = base::LogLevel::kInfo;
};

void declare(base::Options& options, Flags& flags) {
  options
      .text("meta", flags.server.meta, "address of the pool's meta; waited for until it is there",
            {.unit = "ADDRESS", .environment = "AQUIFER_META"})
      .size("dram", flags.server.dram_bytes, "memory to give to the pool", {.min = 1u << 20})
      .text("name", flags.server.name,
            "name in the pool, and of its segment file; empty takes HOST, or HOST-2 and so on",
            {.unit = "NAME"})
      .text("listen", flags.server.listen, "address of the data port; port 0 takes a free one",
            {.unit = "ADDRESS"})
      .text("advertise", flags.server.advertise,
            "address of the data port as clients reach it; empty takes the one of --listen",
            {.unit = "ADDRESS"})
      .text("segments", flags.server.segments,
            "folder for files with the memory (a tmpfs, hugetlbfs, a memory device), kept when the "
            "node stops; empty takes /dev/shm and removes the file at a stop, or anonymous memory "
            "where there is no room; memfd takes anonymous memory, which ends with the process",
            {.unit = "DIR"})
      .text(
          "zone", flags.server.zone,
          "what this node shares the fate of, as a rack or a power line: replicas of an object go "
          "to different zones",
          {.unit = "ZONE"})
      .flag("keep", flags.server.keep,
            "keep the memory when the node stops, for the next one of this name; always so with "
            "--segments")
      .flag("fresh", flags.server.fresh,
            "start empty, whatever an earlier node of this name has left")
      .integer("data-threads", flags.server.data_threads,
               "threads that serve reads and writes by TCP", {.min = 1, .max = 256});
  declare_log_level(options, flags.log_level);
}

/// Where the memory lies, and whether it stays when the node stops.
void choose_segments(node::ServerOptions& server, const Report& report) {
  if (server.segments == kAnonymous) {
    server.segments.clear();
    server.keep = false;
  } else if (!server.segments.empty()) {
    server.keep = true;
  } else {
    server.segments = node::kDefaultSegments;
    const auto why_not = node::no_room_for_segment(server);
    if (why_not && !server.keep) {
      report.note(base::cat("memory that does not survive this process: ", *why_not));
      server.segments.clear();
    }
  }
}

}  // namespace

int run_node(Arguments arguments, const base::Environment& environment) {
  StopSignals signals;
  Flags flags;
  base::Options options("node", "Gives memory of this host to a pool.");
  declare(options, flags);
  if (const auto ended = parse_options(options, arguments, environment)) return *ended;
  base::set_log_level(flags.log_level);

  const Report report("node", false);
  choose_segments(flags.server, report);
  const auto started =
      node::Server::start(flags.server, [report](const std::string& event) { report.note(event); });
  if (!started) return report.fail(started.error());
  node::Server& server = **started;
  const Served served{
      .wait_ready = [&server](std::chrono::milliseconds time) { return server.wait_ready(time); },
      .wait_failed = [&server](std::chrono::milliseconds time) { return server.wait_failed(time); },
      .stop = [&server] { server.stop(); }};
  return serve(report, signals, served,
               base::cat("ready node ", server.name(), " ", server.address()));
}

}  // namespace aquifer::apps
