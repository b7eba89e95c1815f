// A KV block that lies at many addresses, put under one key and read back into another place,
// without being gathered first.
//
//     scattered_block [META]        with a pool running: aquifer solo
#include <aquifer/client.h>

#include <iostream>
#include <vector>

int main(int argc, char** argv) {
  aquifer::ClientOptions options;
  if (argc > 1) options.meta = argv[1];
  auto client = aquifer::Client::open(options);
  if (!client) {
    std::cerr << client.error().text() << '\n';
    return 1;
  }

  constexpr std::size_t kLayers = 4;
  constexpr std::size_t kBytes = 16 * 1024;
  using Layers = std::vector<std::vector<char>>;
  Layers layers;
  Layers others(2 * kLayers, std::vector<char>(kBytes));
  for (std::size_t i = 0; i < 2 * kLayers; ++i) {
    layers.emplace_back(kBytes, static_cast<char>('a' + i));
  }

  // The value is the concatenation of its pieces; a get may cut it in another way.
  std::vector<aquifer::ConstPiece> block;
  std::vector<aquifer::Piece> place;
  for (const auto& layer : layers) block.push_back({layer.data(), layer.size()});
  for (auto& layer : others) place.push_back({layer.data(), layer.size()});

  const aquifer::Status put = client->put("model/prefix/0", block);
  const aquifer::GetOutcome got = client->get_into("model/prefix/0", place);
  if (!is_success(put) || got.status != aquifer::Status::kOk) {
    std::cerr << client->last_error().text() << '\n';
    return 1;
  }
  std::cout << name_of(put) << ": " << got.bytes << " bytes, "
            << (others == layers ? "as they were" : "damaged") << '\n';
}
