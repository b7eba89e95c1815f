#include "apps/commands.h"
#include "apps/server_loop.h"
#include "aquifer/pool.h"
#include "base/strings.h"

namespace aquifer::apps {

int run_solo(Arguments arguments, const base::Environment& environment) {
  StopSignals signals;
  PoolOptions pool_options;
  pool_options.listen = ClientOptions{}.meta;
  base::LogLevel log_level = base::LogLevel::kInfo;
  base::Options options("solo", "Runs a whole pool, meta and one node, in one process.");
  options
      .text("listen", pool_options.listen, "address to serve clients at; port 0 takes a free one",
            {.unit = "ADDRESS"})
      .size("dram", pool_options.dram_bytes, "memory of the pool", {.min = 1u << 20})
      .text("name", pool_options.node_name, "name of the node; empty takes HOST-PID",
            {.unit = "NAME"});
  declare_log_level(options, log_level);
  if (const auto ended = parse_options(options, arguments, environment)) return *ended;
  base::set_log_level(log_level);

  const Report report("solo", false);
  auto pool = Pool::open(pool_options);
  if (!pool) return report.fail(pool.error());
  const Served served{.stop = [&pool] { pool->close(); }};
  return serve(report, signals, served, base::cat("ready solo ", pool->meta_address()));
}

}  // namespace aquifer::apps
