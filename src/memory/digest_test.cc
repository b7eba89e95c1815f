#include "memory/digest.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "base/random.h"

namespace aquifer::memory {
namespace {

constexpr const char* kBuildNames[] = {"avx512", "pclmul", "table"};

// Runs `body` with every build this CPU has, then returns to the best.
template <class Body>
void with_each_build(Body body) {
  const std::string best(digest_build());
  for (const char* name : kBuildNames) {
    if (use_digest_build(name)) {
      SCOPED_TRACE(name);
      body();
    }
  }
  ASSERT_TRUE(use_digest_build(best));
}

std::uint64_t bitwise(std::uint64_t state, const char* data, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i) {
    state ^= static_cast<unsigned char>(data[i]);
    for (int bit = 0; bit < 8; ++bit) {
      state = (state >> 1) ^ ((state & 1) != 0 ? 0x9a6c9329ac4bc9b5u : 0);
    }
  }
  return state;
}

std::vector<char> random_bytes(std::size_t bytes, std::uint64_t seed) {
  base::Random random(seed);
  std::vector<char> data(bytes);
  for (char& byte : data) {
    byte = static_cast<char>(random.next());
  }
  return data;
}

TEST(Digest, IsCrc64OfTheNvmeStandard) {
  with_each_build(
      [] { EXPECT_EQ(~digest(~std::uint64_t{0}, "123456789", 9), 0xae8b14860a799888u); });
}

TEST(Digest, EveryBuildAgreesWithTheBitwiseDefinitionAtEveryLength) {
  const auto data = random_bytes(3000, 1);
  with_each_build([&] {
    for (std::size_t bytes = 0; bytes <= data.size(); bytes += bytes < 600 ? 1 : 97) {
      ASSERT_EQ(digest(42, data.data(), bytes), bitwise(42, data.data(), bytes)) << bytes;
    }
  });
}

TEST(Digest, SplittingTheInputAnywhereChangesNothing) {
  const auto data = random_bytes(5000, 2);
  const auto whole = bitwise(7, data.data(), data.size());
  with_each_build([&] {
    for (std::size_t split = 0; split <= data.size(); split += 131) {
      const auto first = digest(7, data.data(), split);
      ASSERT_EQ(digest(first, data.data() + split, data.size() - split), whole) << split;
    }
  });
}

TEST(Digest, ACopyMovesEveryByteAndNoOther) {
  const auto data = random_bytes(2500, 3);
  with_each_build([&] {
    for (const Stores stores : {Stores::kCached, Stores::kStreaming, Stores::kStreamingPages}) {
      for (std::size_t offset = 0; offset < 70; offset += 7) {
        for (std::size_t bytes = 0; bytes < 2400; bytes += bytes < 300 ? 13 : 251) {
          std::vector<char> destination(2600, '\x5a');
          const auto state =
              copy_digest(9, destination.data() + offset, data.data() + offset % 5, bytes, stores);
          ASSERT_EQ(state, bitwise(9, data.data() + offset % 5, bytes));
          ASSERT_EQ(std::memcmp(destination.data() + offset, data.data() + offset % 5, bytes), 0);
          for (std::size_t i = 0; i < destination.size(); ++i) {
            if (i < offset || i >= offset + bytes) {
              ASSERT_EQ(destination[i], '\x5a') << i;
            }
          }
        }
      }
    }
  });
}

TEST(Digest, LargeCopiesAreTheSameByEveryWalk) {
  const auto data = random_bytes(70'000, 5);
  const std::vector<std::size_t> sizes{16 << 10, (16 << 10) + 64, (32 << 10) - 1, 65536, 69'900};
  with_each_build([&] {
    for (const Stores stores : {Stores::kCached, Stores::kStreaming, Stores::kStreamingPages}) {
      for (const std::size_t bytes : sizes) {
        for (const std::size_t offset : {std::size_t{0}, std::size_t{24}}) {
          std::vector<char> destination(data.size() + 64);
          ASSERT_EQ(copy_digest(9, destination.data() + offset, data.data(), bytes, stores),
                    bitwise(9, data.data(), bytes));
          finish_stores();
          ASSERT_EQ(std::memcmp(destination.data() + offset, data.data(), bytes), 0);
          ASSERT_EQ(destination[offset + bytes], 0);
        }
      }
    }
  });
}

TEST(Digest, AnySingleFlippedBitIsSeen) {
  auto data = random_bytes(700, 4);
  const auto right = digest(0, data.data(), data.size());
  for (std::size_t bit = 0; bit < data.size() * 8; ++bit) {
    data[bit / 8] = static_cast<char>(data[bit / 8] ^ (1 << (bit % 8)));
    ASSERT_NE(digest(0, data.data(), data.size()), right);
    data[bit / 8] = static_cast<char>(data[bit / 8] ^ (1 << (bit % 8)));
  }
}

}  // namespace
}  // namespace aquifer::memory
