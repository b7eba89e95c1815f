// The directory as clients use it, through meta's state machine and its frames, with everything but
// the sockets: look-ups of 128 keys that are there or not, and puts into a pool that is full, each
// of which inserts 128 objects and evicts as many. The node is simulated, and its work is in the
// last.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "meta/state_machine_fixture.h"

namespace aquifer::meta {
namespace {

constexpr std::size_t kBatch = 128;
constexpr std::uint64_t kValueBytes = 1000;
constexpr std::uint32_t kUnitsEach = 4;  // an object of that size with its header, rounded up

class Pool {
 public:
  /// Room for `objects`, of which none is there yet.
  explicit Pool(std::uint32_t objects) {
    simulation_.nodes.push_back(std::make_unique<SimulatedNode>(
        1, "node", objects * kUnitsEach + objects / 8, objects + 1024));
    simulation_.connect(*simulation_.nodes.back());
    simulation_.deliver();
    client_ = &simulation_.add_client();
  }

  /// The next keys, 90 bytes each.
  std::vector<std::string> next_keys() {
    std::vector<std::string> keys;
    for (std::size_t i = 0; i < kBatch; ++i) {
      const std::string number = std::to_string(made_++);
      keys.push_back(std::string(90 - number.size(), 'k') + number);
    }
    return keys;
  }

  /// False when something was not stored.
  bool put(const std::vector<std::string>& keys) {
    const std::uint64_t request = simulation_.start(*client_, keys, kValueBytes);
    simulation_.deliver();
    protocol::PutFinish finish;
    for (const protocol::Handle& handle : simulation_.handles(*client_, request)) {
      if (handle.status != Status::kOk) return false;
      simulation_.seal(handle);
      finish.items.push_back({handle.put, true, {5}});
    }
    const auto done = simulation_.ask(*client_, protocol::Method::kPutFinish, finish);
    const auto statuses = simulation_.statuses(*client_, done);
    client_->replies.clear();
    simulation_.deliver();
    return statuses == std::vector<Status>(kBatch, Status::kOk);
  }

  /// One look-up frame, answered; the bytes of the answer.
  std::size_t look_up(const Letter& frame) {
    simulation_.handle(client_->session, frame);
    rpc::Buffer* answer = simulation_.outbox.open(client_->session);
    const std::size_t bytes = answer->size();
    answer->clear();
    return bytes;
  }
  std::uint64_t objects() { return simulation_.meta.status().objects; }

 private:
  Simulation simulation_;
  SimulatedClient* client_ = nullptr;
  std::uint64_t made_ = 0;
};

Letter frame_for(const std::vector<std::string>& keys) {
  protocol::Lookup lookup{"default", true, {}};
  lookup.keys.assign(keys.begin(), keys.end());
  return letter(protocol::Method::kLookup, lookup, 1);
}

/// Look-ups of all objects in turn, or of keys that nobody has put.
void look_up(benchmark::State& state, bool is_there) {
  const auto objects = static_cast<std::uint32_t>(state.range(0));
  Pool pool(objects);
  std::vector<Letter> frames;
  for (std::uint32_t done = 0; done < objects; done += kBatch) {
    const auto keys = pool.next_keys();
    if (!pool.put(keys)) return state.SkipWithError("a put failed");
    frames.push_back(frame_for(is_there ? keys : pool.next_keys()));
  }
  std::size_t next = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(pool.look_up(frames[next]));
    next = (next + 1) % frames.size();
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kBatch));
}

void DirectoryFind(benchmark::State& state) { look_up(state, true); }
void DirectoryMiss(benchmark::State& state) { look_up(state, false); }

void DirectoryInsertAndEvict(benchmark::State& state) {
  const auto objects = static_cast<std::uint32_t>(state.range(0));
  Pool pool(objects);
  for (std::uint32_t done = 0; done < 2 * objects; done += kBatch) {
    if (!pool.put(pool.next_keys())) return state.SkipWithError("a put failed");
  }
  for (auto _ : state) {
    if (!pool.put(pool.next_keys())) state.SkipWithError("a put failed");
  }
  state.counters["objects"] = static_cast<double>(pool.objects());
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kBatch));
}

BENCHMARK(DirectoryFind)->ArgName("objects")->Arg(1 << 10)->Arg(1 << 17);
BENCHMARK(DirectoryMiss)->ArgName("objects")->Arg(1 << 17);
BENCHMARK(DirectoryInsertAndEvict)->ArgName("objects")->Arg(1 << 15);

}  // namespace
}  // namespace aquifer::meta
