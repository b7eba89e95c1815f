#include "node/segment_host.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <cstring>
#include <mutex>

#include "node/segment_fixture.h"

namespace aquifer::node {
namespace {

using pool::SlotState;
using pool::SlotWord;

class SegmentHostTest : public ::testing::Test, protected SegmentFixture {
 protected:
  /// What client::SlotUses does.
  void begin_writing(std::uint32_t slot, const SegmentHost::HandedOut& client) {
    host_->view().header().writes[client.user].fetch_add(1);
    host_->view().slot(slot).users.fetch_or(std::uint64_t{1} << client.user);
  }
};

TEST_F(SegmentHostTest, GrantsGoUpToTheMarksAndNeverBack) {
  auto fresh = make_host();
  EXPECT_EQ(fresh->granted_units(), 0u);
  fresh->grant(100, 10);
  EXPECT_EQ(fresh->granted_units(), 100u);
  EXPECT_EQ(fresh->granted_slots(), 10u);
  fresh->grant(50, 5);
  EXPECT_EQ(fresh->granted_units(), 100u);
  const auto message = fresh->granted_since(4);
  EXPECT_EQ(message.units, 100u);
  EXPECT_EQ(message.first_slot, 4u);
  EXPECT_EQ(message.generations, std::vector<std::uint64_t>(6, 1));
  EXPECT_EQ(fresh->view().slot(9).word.load(), (SlotWord{1, SlotState::kGranted}.raw()));
  EXPECT_EQ(fresh->view().slot(10).word.load(), 0u) << "not granted";
  fresh->grant(UINT32_MAX, UINT32_MAX);
  EXPECT_EQ(fresh->granted_units(), kDataBytes / pool::kUnitBytes);
  EXPECT_EQ(fresh->granted_slots(), fresh->view().slot_count());
}

TEST_F(SegmentHostTest, ASealedSlotIsTakenBackAtOnce) {
  store(0, "value");
  EXPECT_EQ(reclaim(0, 1).next_generation, 2u);
  EXPECT_EQ(word(0), (SlotWord{2, SlotState::kGranted}));
}

TEST_F(SegmentHostTest, AGrantedSlotThatNobodyWritesIsTakenBackAtOnce) {
  const auto client = host_->hand_out();
  ASSERT_TRUE(client.ok());
  EXPECT_EQ(reclaim(0, 1).next_generation, 2u);
  EXPECT_EQ(word(0), (SlotWord{2, SlotState::kGranted}));
}

TEST_F(SegmentHostTest, ASlotThatIsBeingWrittenStaysInLimboUntilTheWriterLeaves) {
  const auto client = host_->hand_out();
  ASSERT_TRUE(client.ok());
  begin_writing(0, *client);
  EXPECT_EQ(reclaim(0, 1).next_generation, 0u);
  EXPECT_EQ(word(0), (SlotWord{1, SlotState::kLimbo}));
  EXPECT_EQ(reclaim(1, 1).next_generation, 2u) << "another slot";
  EXPECT_TRUE(host_->release_limbo().empty());
  EXPECT_FALSE(
      pool::swap_word(host_->view().slot(0), {1, SlotState::kGranted}, {1, SlotState::kSealed}));
  host_->view().slot(0).users = 0;
  host_->view().header().writes[client->user] = 0;
  const auto released = host_->release_limbo();
  ASSERT_EQ(released.size(), 1u);
  EXPECT_EQ(released[0].next_generation, 2u);
  EXPECT_EQ(word(0), (SlotWord{2, SlotState::kGranted}));
  EXPECT_TRUE(host_->release_limbo().empty());
}

TEST_F(SegmentHostTest, AWriterIsGoneWithItsMappingNotWithItsDescriptor) {
  std::optional<memory::Mapping> mapping;
  {
    const auto client = host_->hand_out();
    ASSERT_TRUE(client.ok());
    mapping = std::move(
        memory::Mapping::map(client->fd.get(), host_->view().shape().total_bytes()).value());
    begin_writing(0, *client);
  }  // the descriptor is closed, the mapping lives
  EXPECT_EQ(reclaim(0, 1).next_generation, 0u);
  EXPECT_TRUE(host_->release_limbo().empty());
  mapping.reset();
  const auto released = host_->release_limbo();
  ASSERT_EQ(released.size(), 1u);
  EXPECT_EQ(released[0].next_generation, 2u);
  EXPECT_EQ(host_->view().slot(0).users.load(), 0u);
  EXPECT_EQ(host_->view().header().writes[0].load(), 0u);
}

TEST_F(SegmentHostTest, RepeatsAreHarmless) {
  auto client = host_->hand_out();
  ASSERT_TRUE(client.ok());
  begin_writing(0, *client);
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(reclaim(0, 1).next_generation, 0u);
    EXPECT_EQ(word(0), (SlotWord{1, SlotState::kLimbo}));
  }
  client->fd.reset();
  EXPECT_EQ(host_->release_limbo().size(), 1u);
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(reclaim(0, 1).next_generation, 2u);
    EXPECT_EQ(word(0), (SlotWord{2, SlotState::kGranted}));
  }
}

TEST_F(SegmentHostTest, ALateRequestNeverTakesAGenerationBack) {
  for (std::uint64_t generation = 1; generation < 5; ++generation) {
    EXPECT_EQ(reclaim(0, generation).next_generation, generation + 1);
  }
  store(0, "value", 5);
  EXPECT_EQ(reclaim(0, 1).next_generation, 0u);
  EXPECT_EQ(reclaim(0, 9).next_generation, 0u) << "of the future";
  EXPECT_EQ(reclaim(0, 4).next_generation, 5u) << "a repeat";
  EXPECT_EQ(word(0), (SlotWord{5, SlotState::kSealed}));
}

TEST_F(SegmentHostTest, ASlotThatWasNeverGrantedIsLeftAlone) {
  auto fresh = make_host();
  fresh->grant(10, 3);
  for (const std::uint32_t slot : {3u, 255u, 256u, UINT32_MAX}) {
    EXPECT_EQ(fresh->reclaim({slot, 0}).next_generation, 0u);
  }
  EXPECT_EQ(fresh->view().slot(3).word.load(), 0u);
}

TEST_F(SegmentHostTest, ADamagedSlotWordIsRecovered) {
  std::uint32_t slot = 0;
  for (std::uint64_t bit = 0; bit < 64; ++bit, ++slot) {
    const auto handle = store(slot, "value");
    host_->view().slot(slot).word.fetch_xor(std::uint64_t{1} << bit);
    EXPECT_TRUE(host_->find_bad(handle)) << bit;
    EXPECT_EQ(reclaim(slot, 1).next_generation, 2u) << bit;
    EXPECT_EQ(word(slot), (SlotWord{2, SlotState::kGranted})) << bit;
  }
  host_->view().slot(slot).word.store(0x1234567890abcdef);
  EXPECT_EQ(host_->granted_since(slot).generations.at(0), 1u) << "meta hears of no damage";
}

TEST_F(SegmentHostTest, ADamagedWordDoesNotTakeTheSlotFromAWriterAtWork) {
  auto client = host_->hand_out();
  ASSERT_TRUE(client.ok());
  begin_writing(0, *client);
  host_->view().slot(0).word.store(0x1234567890abcdef);
  EXPECT_EQ(reclaim(0, 1).next_generation, 0u);
  client->fd.reset();
  EXPECT_EQ(host_->release_limbo().size(), 1u);
  EXPECT_EQ(word(0), (SlotWord{2, SlotState::kGranted}));
}

TEST_F(SegmentHostTest, AGoodObjectIsNotFoundBad) {
  for (const std::size_t bytes : {1u, 5000u, 65536u, 200'000u}) {
    const auto handle = store(7, std::string(bytes, 'v'), word(7).generation);
    EXPECT_FALSE(host_->find_bad(handle)) << bytes;
    EXPECT_EQ(word(7).state, SlotState::kSealed);
    reclaim(7, handle.generation);
  }
}

TEST_F(SegmentHostTest, AFlippedBitInValueHeaderOrSlotIsFoundAndMarked) {
  const std::string value(70'000, 'v');
  const std::size_t stored = value.size() + pool::header_bytes(kSpace.size(), kKey.size(), 70'000);
  const auto damage_at = [&](std::byte* at) {
    const auto handle = store(0, value, word(0).generation);
    ASSERT_FALSE(host_->find_bad(handle));
    *at ^= std::byte{4};
    EXPECT_TRUE(host_->find_bad(handle));
    EXPECT_EQ(word(0), (SlotWord{handle.generation, SlotState::kBad}));
    EXPECT_EQ(reclaim(0, handle.generation).next_generation, handle.generation + 1);
  };
  for (std::size_t offset = 0; offset < stored; offset += offset < 400 ? 13 : 7919) {
    SCOPED_TRACE(testing::Message() << "byte " << offset << " of the object");
    damage_at(data(0) + offset);
  }
  auto* slot = reinterpret_cast<std::byte*>(&host_->view().slot(0));
  for (std::size_t offset = offsetof(pool::Slot, content); offset < offsetof(pool::Slot, users);
       ++offset) {
    SCOPED_TRACE(testing::Message() << "byte " << offset << " of the slot");
    damage_at(slot + offset);
  }
}

TEST_F(SegmentHostTest, AnotherHeaderThanTheOneMetaKnowsIsBad) {
  auto handle = store(0, "value");
  ++handle.header_digest;
  EXPECT_TRUE(host_->find_bad(handle));
  EXPECT_EQ(word(0).state, SlotState::kBad);
}

TEST_F(SegmentHostTest, AnObjectThatIsLookedAtStaysInLimboUntilTheViewEnds) {
  auto client = host_->hand_out();
  ASSERT_TRUE(client.ok());
  ASSERT_LT(client->user, pool::kUsersMax);
  const auto handle = store(0, "value");
  auto& users = host_->view().slot(0).users;
  users.fetch_or(std::uint64_t{1} << client->user);
  host_->view().header().views[client->user] = 1;
  EXPECT_EQ(host_->views(), 1u);
  EXPECT_EQ(reclaim(0, handle.generation).next_generation, 0u);
  EXPECT_EQ(word(0), (SlotWord{handle.generation, SlotState::kRetired})) << "no get finds it";
  EXPECT_TRUE(host_->release_limbo().empty());
  users.fetch_and(~(std::uint64_t{1} << client->user));
  host_->view().header().views[client->user] = 0;
  const auto released = host_->release_limbo();
  ASSERT_EQ(released.size(), 1u);
  EXPECT_EQ(released[0].next_generation, handle.generation + 1);
}

TEST_F(SegmentHostTest, TheViewsOfAClientThatIsGoneEnd) {
  auto client = host_->hand_out();
  ASSERT_TRUE(client.ok());
  const auto handle = store(0, "value");
  host_->view().slot(0).users.fetch_or(std::uint64_t{1} << client->user);
  host_->view().header().views[client->user] = 1;
  EXPECT_EQ(reclaim(0, handle.generation).next_generation, 0u);
  client->fd.reset();
  EXPECT_EQ(host_->release_limbo().size(), 1u);
  EXPECT_EQ(host_->view().slot(0).users.load(), 0u);
  EXPECT_EQ(host_->views(), 0u);
}

TEST_F(SegmentHostTest, OnlyLivingClientsHoldASlot) {
  const auto handle = store(0, "value");
  host_->view().slot(0).users = ~std::uint64_t{0};  // as damaged memory would show it
  EXPECT_EQ(reclaim(0, handle.generation).next_generation, handle.generation + 1);
}

TEST_F(SegmentHostTest, MoreClientsThanBitsGetTheMemoryWithoutViews) {
  std::vector<SegmentHost::HandedOut> clients;
  for (std::uint64_t id = 1; id <= pool::kUsersMax + 1; ++id) {
    auto client = host_->hand_out();
    ASSERT_TRUE(client.ok());
    clients.push_back(*std::move(client));
  }
  EXPECT_EQ(clients.back().user, pool::kUsersMax);
  clients.front().fd.reset();
  host_->release_limbo();
  EXPECT_EQ(host_->hand_out()->user, clients.front().user);
}

TEST_F(SegmentHostTest, AScanFindsTheSealedObjectsOfANamespaceByPrefix) {
  const auto first = store(0, "value");
  store(2, "value");
  protocol::Scan request{host_->view().id(), 1, 0, 100, 10, kSpace, kKey.substr(0, 1)};
  auto scanned = host_->scan(request);
  ASSERT_EQ(scanned.found.size(), 2u);
  EXPECT_EQ(scanned.found[0].key, kKey);
  EXPECT_EQ(scanned.found[0].generation, first.generation);
  EXPECT_EQ(scanned.found[1].slot, 2u);
  request.entries_max = 1;
  scanned = host_->scan(request);
  EXPECT_EQ(scanned.found.size(), 1u);
  EXPECT_EQ(scanned.next_slot, 1u);
  EXPECT_FALSE(scanned.end);
  request.entries_max = 10;
  request.prefix = "no such prefix";
  EXPECT_TRUE(host_->scan(request).found.empty());
  request.prefix = {};
  request.name_space = "another";
  EXPECT_TRUE(host_->scan(request).found.empty());
}

TEST_F(SegmentHostTest, TheSegmentIsMarkedDeadWhenItsHostEnds) {
  auto fd = host_->hand_out();
  ASSERT_TRUE(fd.ok());
  auto mapping = memory::Mapping::map(fd->fd.get(), host_->view().shape().total_bytes());
  ASSERT_TRUE(mapping.ok());
  const auto view = *pool::SegmentView::open(mapping->data(), mapping->size());
  EXPECT_EQ(view.header().live.load(), 1u);
  host_.reset();
  EXPECT_EQ(view.header().live.load(), 0u);
}

}  // namespace
}  // namespace aquifer::node
