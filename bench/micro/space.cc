// Taking and giving back space of a segment: of one size, where runs fit exactly, and of mixed
// sizes, where they are cut and merged.
#include <benchmark/benchmark.h>

#include <deque>

#include "base/random.h"
#include "meta/space.h"

namespace aquifer::meta {
namespace {

constexpr std::uint32_t kUnits = 1u << 25;  // 16 GiB
constexpr std::uint32_t kBlock = units_for(8785u << 10);

/// Keeps a segment 3/4 full, giving back in an order that is not that of taking.
template <class Units>
void take_and_give_back(benchmark::State& state, Units&& units_of_next) {
  Space space;
  space.add_units({0, kUnits});
  for (std::uint32_t slot = 0; slot < 1u << 18; ++slot) space.add_slot({slot, 1});
  std::deque<Placement> taken;
  base::Random random(1);
  const auto give_back = [&](std::size_t which) {
    for (const pool::Extent run : taken[which].extents.all()) space.add_units(run);
    space.add_slot(taken[which].slot);
    taken[which] = std::move(taken.back());
    taken.pop_back();
  };
  const auto take = [&] {
    auto placement = space.take(units_of_next(random));
    if (placement) taken.push_back(std::move(*placement));
    return placement.has_value();
  };
  while (space.free_units() > kUnits / 4 && take()) {
  }
  for (auto _ : state) {
    give_back(random.below(taken.size()));
    if (!take()) state.SkipWithError("a segment with a quarter free has no room");
  }
  state.counters["runs"] = static_cast<double>(space.runs());
}

void SpaceOfBlocks(benchmark::State& state) {
  take_and_give_back(state, [](base::Random&) { return kBlock; });
}
void SpaceOfMixedSizes(benchmark::State& state) {
  take_and_give_back(state, [](base::Random& random) {
    return 9 + static_cast<std::uint32_t>(random.below(2 * kBlock));
  });
}

BENCHMARK(SpaceOfBlocks);
BENCHMARK(SpaceOfMixedSizes);

}  // namespace
}  // namespace aquifer::meta
