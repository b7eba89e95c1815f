#include "memory/touchable.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <string>
#include <vector>

namespace aquifer::memory {
namespace {

TEST(TouchableTest, OrdinaryMemoryIs) {
  std::string heap(1 << 20, 'x');
  char stack = 'y';
  const std::vector<Piece> pieces{{heap.data(), heap.size()}, {&stack, 1}};
  EXPECT_EQ(first_untouchable(pieces), std::nullopt);
  EXPECT_EQ(first_untouchable({}), std::nullopt);
}

TEST(TouchableTest, ReservedAddressesAndNonsenseAreNot) {
  void* const reserved =
      mmap(nullptr, 1 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  ASSERT_NE(reserved, MAP_FAILED);
  std::string heap(100, 'x');
  const std::vector<Piece> pieces{{heap.data(), heap.size()}, {reserved, 4096}};
  EXPECT_EQ(first_untouchable(pieces), 1u);
  munmap(reserved, 1 << 20);
  const std::vector<Piece> nonsense{{reinterpret_cast<void*>(0x100000000000), 8}};
  EXPECT_EQ(first_untouchable(nonsense), 0u);
}

TEST(TouchableTest, AnEndBehindTheMemoryIsFound) {
  auto* const two = static_cast<char*>(
      mmap(nullptr, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(two, MAP_FAILED);
  munmap(two + 4096, 4096);
  std::vector<Piece> pieces(1300, Piece{two, 4096});
  EXPECT_EQ(first_untouchable(pieces), std::nullopt);
  pieces[1111].bytes = 4097;
  EXPECT_EQ(first_untouchable(pieces), 1111u);
  munmap(two, 4096);
}

}  // namespace
}  // namespace aquifer::memory
