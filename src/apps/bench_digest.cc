// The part `digest`: what it costs to digest every byte while it is copied. The pool's own copy of
// the block, page by page as puts and gets do it, beside the plain copy that takes the same walk.
#include <unistd.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "apps/bench_copies.h"
#include "apps/bench_parts.h"
#include "apps/workload_content.h"
#include "apps/workload_copy.h"
#include "memory/digest.h"
#include "pool/object.h"

namespace aquifer::apps {
namespace {

constexpr double kTarget = 0.97;
constexpr std::size_t kSampleSlots = 16;
constexpr unsigned kTimes = 4;         // a sample copies them so often
constexpr unsigned kRoundsForOne = 3;  // a few hundredths are to be told apart

std::uint64_t g_digests = 0;  // of all that was copied last; read, so that none is left out

void copy_and_digest(std::byte* to, const std::byte* from, std::size_t bytes) {
  for (std::size_t at = 0; at < bytes; at += pool::kPageBytes) {
    const std::size_t run = std::min<std::size_t>(pool::kPageBytes, bytes - at);
    g_digests += memory::copy_digest(at, to + at, from + at, run, memory::Stores::kStreaming);
  }
  memory::finish_stores();
}

/// The plain copy with the same instructions and the same order as the digest build in use.
const CopyVariant& same_walk() {
  const std::string_view build = memory::digest_build();
  const std::string_view name = build == "avx512"   ? "nt_avx512_ahead"
                                : build == "pclmul" ? "nt_sse2"
                                                    : "memcpy";
  const auto variants = copy_variants();
  const auto found = std::find_if(variants.begin(), variants.end(),
                                  [&](const auto& variant) { return variant.name == name; });
  return found == variants.end() ? variants.front() : *found;
}

/// Both ways of one direction, in turn.
BenchRow measure(Direction direction, const BenchSettings& settings, const BlockBuffers& buffers,
                 const BenchCopies& copies) {
  const CopyVariant ours{"copy_digest", copy_and_digest};
  const CopyVariant& plain = same_walk();
  BenchCrew crew(1);
  std::size_t next = 0;
  const double gigabytes =
      static_cast<double>(kTimes * kSampleSlots * bytes_of(settings.shape)) / 1e9;
  const auto sample = [&](const CopyVariant& variant) {
    const SlotRange range{next, kSampleSlots};
    next = (next + kSampleSlots) % buffers.slots();
    return gigabytes / copies.run(variant, direction, buffers, range, kTimes, crew);
  };
  BenchRow row;
  row.name = direction == Direction::kPut ? "digest.put" : "digest.get";
  row.reference_name = std::string("copy ") + std::string(plain.name);
  row.target = kTarget;
  std::vector<double> limits;
  for (unsigned round = 0; round <= settings.rounds * kRoundsForOne; ++round) {
    const double limit = sample(plain);
    const double value = sample(ours);
    if (round == 0) continue;  // warms up
    limits.push_back(limit);
    row.samples.push_back(value);
  }
  row.value = median(row.samples);
  row.reference = median(limits);
  row.moved_bytes = row.samples.size() * kTimes * kSampleSlots * bytes_of(settings.shape);
  return row;
}

/// True when a copy there and back changes nothing, and its digests are those of the bytes alone.
bool verifies(const BlockBuffers& buffers, const BenchCopies& copies, const Content& content) {
  const CopyVariant ours{"copy_digest", copy_and_digest};
  BenchCrew crew(1);
  buffers.fill(0, content);
  g_digests = 0;
  copies.run(ours, Direction::kPut, buffers, {0, 1}, 1, crew);
  std::uint64_t alone = 0;
  for (const Piece& piece : buffers.pieces(0)) {
    const auto* bytes = static_cast<const std::byte*>(piece.address);
    for (std::size_t at = 0; at < piece.bytes; at += pool::kPageBytes) {
      alone +=
          memory::digest(at, bytes + at, std::min<std::size_t>(pool::kPageBytes, piece.bytes - at));
    }
  }
  buffers.poison(0);
  copies.run(ours, Direction::kGet, buffers, {0, 1}, 1, crew);
  return g_digests == 2 * alone && !buffers.mismatch(0, content);
}

}  // namespace

Result<void> measure_digest(const BenchSettings& settings, Progress& progress,
                            BenchReport& report) {
  progress.describe("digests");
  const std::uint64_t wanted =
      settings.rotation_bytes != 0 ? settings.rotation_bytes : rotation_bytes(report.machine);
  const std::size_t slots =
      std::max<std::size_t>(wanted / bytes_of(settings.shape) + 1, kSampleSlots + 1);
  const auto buffers = BlockBuffers::make(settings.shape, slots);
  if (!buffers) return buffers.error();
  const auto copies = BenchCopies::make(bytes_of(settings.shape), slots);
  if (!copies) return copies.error();
  for (const Direction direction : {Direction::kPut, Direction::kGet}) {
    BenchRow row = measure(direction, settings, *buffers, *copies);
    row.client_process = static_cast<std::uint64_t>(getpid());
    row.verified = verifies(*buffers, *copies, Content("digest", settings.seed));
    report.rows.push_back(std::move(row));
  }
  return {};
}

}  // namespace aquifer::apps
