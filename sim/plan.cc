#include "sim/plan.h"

#include <array>

namespace aquifer::sim {
namespace {

constexpr std::array<std::string_view, static_cast<std::size_t>(Fault::kMax)> kNames{
    "none",           "acknowledges-unsealed",  "allocates-unreported",
    "frees-granted",  "seals-by-store",         "reuses-limbo",
    "adopts-removed", "retires-any-generation", "reads-any-generation",
    "publishes-half"};

// In half of the runs it does not happen at all.
Micros every(World& world, std::uint64_t low_ms, std::uint64_t high_ms) {
  const Micros mean = ms(world.between(low_ms, high_ms));
  return world.chance(0.5) ? mean : 0;
}

}  // namespace

std::string_view name_of(Fault fault) { return kNames[static_cast<std::size_t>(fault)]; }

Fault fault_named(std::string_view name) {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == name) {
      return static_cast<Fault>(i);
    }
  }
  return Fault::kMax;
}

Plan draw_plan(World& world, Fault fault) {
  Plan plan;
  plan.fault = fault;
  plan.nodes = static_cast<unsigned>(world.between(2, 3));
  plan.clients = static_cast<unsigned>(world.between(2, 4));
  plan.callers = static_cast<unsigned>(world.between(1, 2));
  plan.data_bytes = world.between(1, 6) * (64u << 10);
  plan.lasting = world.chance(0.7);
  plan.forget_after_ms = world.chance(0.8) ? 3'600'000 : world.between(0, 3000);
  plan.report_slots = static_cast<std::uint32_t>(world.between(4, 64));

  plan.keys = static_cast<std::uint32_t>(world.between(3, 16));
  constexpr std::array<std::uint64_t, 4> kBytesMax{600, 4000, 20'000, 150'000};
  plan.bytes_max = kBytesMax[world.below(kBytesMax.size())];
  plan.two_replicas = world.chance(0.5) ? 0 : 0.6;
  plan.think_max = ms(world.between(5, 60));
  plan.deadline_min = ms(world.between(10, 100));
  plan.deadline_max = ms(world.between(200, 2500));
  auto& mix = plan.mix;
  mix.get = static_cast<unsigned>(world.between(2, 10));
  mix.put = static_cast<unsigned>(world.between(2, 8));
  mix.replace = static_cast<unsigned>(world.below(5));
  mix.put_if_absent = static_cast<unsigned>(world.below(3));
  mix.remove = static_cast<unsigned>(world.below(5));
  mix.pin = static_cast<unsigned>(world.below(2));
  mix.view = static_cast<unsigned>(world.below(3));
  mix.put_group = static_cast<unsigned>(world.below(4));
  mix.put_open = static_cast<unsigned>(world.below(3));
  mix.get_range = static_cast<unsigned>(world.below(3));
  mix.find = static_cast<unsigned>(world.below(2));
  plan.batch = world.chance(0.5) ? 0 : 0.2;

  auto& trouble = plan.trouble;
  trouble.meta_crash = every(world, 200, 2500);
  trouble.meta_stop = every(world, 500, 3000);
  trouble.node_crash = every(world, 300, 2500);
  trouble.node_loss = every(world, 800, 4000);
  trouble.node_stop = every(world, 300, 2500);
  trouble.client_crash = every(world, 200, 2500);
  trouble.client_stop = every(world, 200, 2500);
  trouble.cut = every(world, 50, 1500);
  trouble.hold = every(world, 50, 1500);
  if (trouble.meta_crash != 0) {
    // What one meta has forgotten, the next may adopt (docs/design/open-points.md). Nodes that have
    // lost their memory are waited for until the end of the run.
    plan.lasting = true;
    plan.forget_after_ms = trouble.node_loss != 0 ? 20'000 : 3'600'000;
  }
  plan.spite = world.chance(0.5) ? 0 : 0.01 * static_cast<double>(world.between(1, 5));
  plan.preempted = world.chance(0.4) ? 0 : 0.005 * static_cast<double>(world.between(1, 8));
  plan.network_delay = world.chance(0.5) ? 300 : 5000;
  plan.time = ms(world.between(800, 4000));
  return plan;
}

}  // namespace aquifer::sim
