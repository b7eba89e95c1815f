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
  for (const std::uintptr_t address : {0x1ul, 0x10ul, 0x1000ul, 0x1ffffful, 0x4000000000000000ul}) {
    const std::vector<Piece> nonsense{{reinterpret_cast<void*>(address), 8}};
    EXPECT_EQ(first_untouchable(nonsense), 0u) << address;
  }
}

TEST(TouchableTest, AnEndInMemoryThatIsReservedIsFound) {
  constexpr std::size_t kHuge = std::size_t{2} << 20;
  auto* const area = static_cast<char*>(
      mmap(nullptr, 4 * kHuge, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
  ASSERT_NE(area, MAP_FAILED);
  char* const edge = area + 2 * kHuge - reinterpret_cast<std::uintptr_t>(area) % kHuge;
  ASSERT_EQ(mprotect(edge - kHuge, kHuge, PROT_READ | PROT_WRITE), 0);
  std::vector<Piece> pieces(1300, Piece{edge - 4096, 4096});
  EXPECT_EQ(first_untouchable(pieces), std::nullopt);
  pieces[1111].bytes = 4097;
  EXPECT_EQ(first_untouchable(pieces), 1111u);
  munmap(area, 4 * kHuge);
}

}  // namespace
}  // namespace aquifer::memory
