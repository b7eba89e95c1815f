// Copy and digest in one pass, with either kind of stores, over memory in and beyond the caches;
// and the digest alone.
#include <benchmark/benchmark.h>

#include <vector>

#include "memory/digest.h"

namespace aquifer::memory {
namespace {

/// Source and destination with room for many pieces, walked through in turn.
struct Buffers {
  explicit Buffers(std::size_t bytes) : source(bytes, 1), destination(bytes, 2) {}
  std::vector<char> source;
  std::vector<char> destination;
};

void copy(benchmark::State& state, Stores stores) {
  const auto bytes = static_cast<std::size_t>(state.range(0));
  Buffers buffers(static_cast<std::size_t>(state.range(1)));
  std::size_t at = 0;
  std::uint64_t digest = ~std::uint64_t{0};
  for (auto _ : state) {
    digest = copy_digest(digest, &buffers.destination[at], &buffers.source[at], bytes, stores);
    finish_stores();
    at = at + 2 * bytes <= buffers.source.size() ? at + bytes : 0;
  }
  benchmark::DoNotOptimize(digest);
  state.SetBytesProcessed(state.iterations() * state.range(0));
  state.SetLabel(std::string(digest_build()));
}

void CopyDigestCached(benchmark::State& state) { copy(state, Stores::kCached); }
void CopyDigestStreaming(benchmark::State& state) { copy(state, Stores::kStreaming); }

void Digest(benchmark::State& state) {
  const auto bytes = static_cast<std::size_t>(state.range(0));
  const std::vector<char> source(bytes, 1);
  std::uint64_t digest = ~std::uint64_t{0};
  for (auto _ : state) {
    digest = memory::digest(digest, source.data(), bytes);
    benchmark::DoNotOptimize(digest);
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}

void sizes(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"bytes", "over"});
  for (const std::int64_t bytes : {4 << 10, 128 << 10}) {
    for (const std::int64_t over : {256 << 10, 256 << 20}) benchmark->Args({bytes, over});
  }
}

BENCHMARK(CopyDigestCached)->Apply(sizes);
BENCHMARK(CopyDigestStreaming)->Apply(sizes);
BENCHMARK(Digest)->ArgName("bytes")->Arg(64)->Arg(4 << 10)->Arg(64 << 10);

}  // namespace
}  // namespace aquifer::memory
