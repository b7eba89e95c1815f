#include "apps/bench_plan.h"

#include <algorithm>

#include "apps/workload_pool.h"
#include "base/size.h"
#include "base/strings.h"

namespace aquifer::apps {
namespace {

constexpr std::size_t kObjectsPerSample = 32;
// Objects beyond those that rotate, so that what was just removed need not be free again at once.
constexpr std::size_t kSpareObjects = 4;
// Of the memory that is available; the rest is the system's.
constexpr std::uint64_t kUsablePercent = 80;

/// Objects that the pool has to hold: all that rotate, and the largest sample while the one before
/// is retired.
std::size_t pool_objects(std::size_t slots, std::size_t sample_slots) {
  return slots + sample_slots + kSpareObjects;
}

/// Everything that a run with so many slots takes: source, destination and the limit's stand-in,
/// and the pool.
std::uint64_t needed_bytes(const BenchSettings& settings, std::size_t slots,
                           std::size_t sample_slots) {
  const std::uint64_t object_bytes = bytes_of(settings.shape);
  const bool is_private = settings.meta.empty();
  return 3 * slots * object_bytes +
         (is_private
              ? settings.replicas * pool_bytes_for(pool_objects(slots, sample_slots), object_bytes)
              : 0);
}

Result<void> check(const BenchSettings& settings) {
  const auto fail = [](std::string what) {
    return Error{Status::kInvalidArgument, std::move(what), ""};
  };
  if (settings.transports.empty()) return fail("no transport to measure");
  if (settings.batches.empty()) return fail("no batch to measure");
  for (const std::size_t batch : settings.batches) {
    if (batch < 1 || batch > 1024) return fail("a batch has 1 to 1024 objects");
  }
  if (settings.threads.empty()) return fail("no number of threads to measure");
  for (const unsigned threads : settings.threads) {
    if (threads < 1 || threads > 64) return fail("there can be 1 to 64 copy threads");
  }
  if (settings.streams < 1 || settings.streams > 64) return fail("there can be 1 to 64 streams");
  if (settings.replicas < 1 || settings.replicas > Limits::kReplicas) {
    return fail(base::cat("there can be 1 to ", Limits::kReplicas, " replicas"));
  }
  if (settings.rounds < 1) return fail("at least one round is needed");
  return {};
}

}  // namespace

BenchSettings quick_bench_settings() {
  BenchSettings settings;
  settings.batches = {1, 8, 32};
  settings.rounds = 3;
  return settings;
}

std::size_t calls_per_sample(std::size_t batch) {
  return std::max<std::size_t>(1, kObjectsPerSample / batch);
}

Result<BenchPlan> plan_bench(const BenchSettings& settings, const Machine& machine) {
  if (auto checked = check(settings); !checked) return checked.error();
  BenchPlan plan;
  for (const std::size_t batch : settings.batches) {
    plan.sample_slots = std::max(plan.sample_slots, batch * calls_per_sample(batch));
  }
  const std::uint64_t object_bytes = bytes_of(settings.shape);
  const std::uint64_t wanted =
      settings.rotation_bytes != 0 ? settings.rotation_bytes : rotation_bytes(machine);
  plan.slots = std::max(plan.sample_slots, (wanted + object_bytes - 1) / object_bytes);
  if (machine.available_bytes != 0) {
    const std::uint64_t usable = machine.available_bytes / 100 * kUsablePercent;
    const std::size_t asked = plan.slots;
    while (plan.slots > plan.sample_slots &&
           needed_bytes(settings, plan.slots, plan.sample_slots) > usable) {
      --plan.slots;
    }
    const std::uint64_t needed = needed_bytes(settings, plan.slots, plan.sample_slots);
    if (needed > usable) {
      return Error{Status::kNoSpace,
                   base::cat("this bench needs ", base::format_size_rounded(needed), " of memory; ",
                             base::format_size_rounded(usable), " can be used"),
                   "try smaller batches: --batches 1,8"};
    }
    if (plan.slots < asked) {
      plan.remarks.push_back(
          base::cat("little memory: buffers rotate over ",
                    base::format_size_rounded(plan.slots * object_bytes), " instead of ",
                    base::format_size_rounded(asked * object_bytes), ", so caches may help"));
    }
  }
  plan.pool_bytes = pool_bytes_for(pool_objects(plan.slots, plan.sample_slots), object_bytes);
  return plan;
}

Result<BenchPlan> fit_bench_plan(BenchPlan plan, const BenchSettings& settings,
                                 std::uint64_t capacity_bytes) {
  const std::uint64_t object_bytes = bytes_of(settings.shape);
  const std::size_t objects = pool_blocks_in(capacity_bytes / settings.replicas, object_bytes);
  const std::size_t least = pool_objects(plan.sample_slots, plan.sample_slots);
  if (objects < least) {
    return Error{
        Status::kNoSpace,
        base::cat("the pool holds ", objects, " objects of this bench; it needs room for ", least),
        "give the pool more memory, or try smaller batches: --batches 1,8"};
  }
  const std::size_t most = objects - (least - plan.sample_slots);
  if (most < plan.slots) {
    plan.slots = most;
    plan.remarks.push_back(base::cat("a small pool: buffers rotate over ",
                                     base::format_size_rounded(plan.slots * object_bytes),
                                     ", so caches may help"));
  }
  return plan;
}

}  // namespace aquifer::apps
