// A put that is written while the model computes: layer by layer, in any order, here by two
// threads. Nobody sees the object before the commit.
//
//     layer_by_layer [META]        with a pool running: aquifer solo
#include <aquifer/client.h>

#include <array>
#include <iostream>
#include <thread>
#include <vector>

namespace {

constexpr std::size_t kLayers = 8;
constexpr std::size_t kBytes = 32 * 1024;

void compute(aquifer::PendingPut& put, std::size_t first) {
  for (std::size_t layer = first; layer < kLayers; layer += 2) {
    const std::vector<char> computed(kBytes, static_cast<char>('a' + layer));
    put.write(layer * kBytes, computed.data(), computed.size());  // a failure shows in the commit
  }
}

}  // namespace

int main(int argc, char** argv) {
  aquifer::ClientOptions options;
  if (argc > 1) options.meta = argv[1];
  auto client = aquifer::Client::open(options);
  if (!client) {
    std::cerr << client.error().text() << '\n';
    return 1;
  }
  client->remove("model/layered/0");  // of an earlier run

  // Destroyed without commit, the put is given up.
  auto put = client->open_put("model/layered/0", kLayers * kBytes);
  if (!put) {
    std::cerr << put.error().text() << '\n';
    return 1;
  }
  std::thread odd(compute, std::ref(*put), 1);
  compute(*put, 0);
  odd.join();
  std::cout << "before the commit: " << name_of(client->exists("model/layered/0")) << '\n';
  if (const aquifer::Status status = put->commit(); status != aquifer::Status::kOk) {
    std::cerr << "commit: " << name_of(status) << '\n';
    return 1;
  }

  // A single layer is read as a range of the value.
  std::array<char, kBytes> layer{};
  const aquifer::Piece place{layer.data(), layer.size()};
  const auto got = client->get_range("model/layered/0", 3 * kBytes, {&place, 1});
  std::cout << "layer 3: " << name_of(got.status) << ", begins with '" << layer[0] << "'\n";
  return got.status == aquifer::Status::kOk ? 0 : 1;
}
