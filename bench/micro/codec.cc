// Encoding and decoding the messages of a look-up of 128 keys.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "protocol/messages.h"
#include "rpc/codec.h"

namespace aquifer::protocol {
namespace {

constexpr std::size_t kKeys = 128;

struct Messages {
  Messages() {
    for (std::size_t i = 0; i < kKeys; ++i)
      keys.push_back(std::string(80, 'k') + std::to_string(i));
    lookup.name_space = "default";
    lookup.keys.assign(keys.begin(), keys.end());
    for (std::uint64_t i = 0; i < kKeys; ++i) {
      Replica replica{{1}, {2}, static_cast<std::uint32_t>(i), 3, i, {{0, 17568}}};
      reply.items.push_back({Status::kOk, {1, i}, 8784 << 10, {replica}});
    }
  }
  std::vector<std::string> keys;
  Lookup lookup;
  Handles reply;
};

template <class Message>
std::string encoded(const Message& message) {
  std::string bytes(rpc::encoded_bytes(message), '\0');
  rpc::Writer(bytes.data()).put(message);
  return bytes;
}

template <class Message>
void encode(benchmark::State& state, const Message& message) {
  std::vector<char> bytes;
  for (auto _ : state) {
    bytes.resize(rpc::encoded_bytes(message));
    rpc::Writer(bytes.data()).put(message);
    benchmark::DoNotOptimize(bytes.data());
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kKeys));
}

template <class Message>
void decode(benchmark::State& state, const std::string& bytes) {
  for (auto _ : state) {
    Message message;
    if (!rpc::decode(bytes, message)) state.SkipWithError("a good message is refused");
    benchmark::DoNotOptimize(message);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kKeys));
}

void EncodeLookup(benchmark::State& state) { encode(state, Messages().lookup); }
void DecodeLookup(benchmark::State& state) {
  const Messages messages;
  decode<Lookup>(state, encoded(messages.lookup));
}
void EncodeHandles(benchmark::State& state) { encode(state, Messages().reply); }
void DecodeHandles(benchmark::State& state) {
  const Messages messages;
  decode<Handles>(state, encoded(messages.reply));
}

BENCHMARK(EncodeLookup);
BENCHMARK(DecodeLookup);
BENCHMARK(EncodeHandles);
BENCHMARK(DecodeHandles);

}  // namespace
}  // namespace aquifer::protocol
