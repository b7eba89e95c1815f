// How much of a prompt has been computed before? Each block of tokens has a key that stands for all
// tokens up to its end, so that the blocks which are there are the first ones.
//
//     prefix [META]        with a pool running: aquifer solo
#include <aquifer/client.h>

#include <iostream>
#include <string>
#include <vector>

int main(int argc, char** argv) {
  aquifer::ClientOptions options;
  if (argc > 1) options.meta = argv[1];
  auto client = aquifer::Client::open(options);
  if (!client) {
    std::cerr << client.error().text() << '\n';
    return 1;
  }

  constexpr std::size_t kBlocks = 6;
  constexpr std::size_t kCached = 4;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < kBlocks; ++i) {
    names.push_back("prompt/hash-of-tokens-0-" + std::to_string(16 * (i + 1)));
  }
  const std::vector<std::string_view> keys(names.begin(), names.end());

  // Somebody has computed the first blocks; each continues the one before it, so that eviction
  // takes leaves first ...
  const std::vector<char> bytes(4096);
  const aquifer::ConstPiece piece{bytes.data(), bytes.size()};
  std::vector<aquifer::PutItem> items;
  for (std::size_t i = 0; i < kCached; ++i) {
    items.push_back({keys[i], {&piece, 1}, i == 0 ? std::string_view() : keys[i - 1]});
  }
  for (const aquifer::Status status : client->put_batch(items)) {
    if (!is_success(status)) {
      std::cerr << client->last_error().text() << '\n';
      return 1;
    }
  }

  // ... and whoever comes next asks, with one call, how many of them are there.
  const std::size_t matched = client->match_prefix(keys);
  std::cout << matched << " of " << kBlocks << " blocks are there; compute from token "
            << 16 * matched << " on\n";
}
