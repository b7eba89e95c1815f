#include "meta/directory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "base/random.h"

namespace aquifer::meta {
namespace {

base::Hash128 hash_of(std::uint64_t key) { return {key * 0x9e3779b97f4a7c15u, key}; }

PlacedReplica placed(SegmentIndex segment, std::uint32_t slot, std::uint64_t generation,
                     pool::Extent extent) {
  return {segment, slot, generation, Extents({&extent, 1})};
}

ObjectIndex add(Directory& directory, std::uint64_t key, SegmentIndex segment, std::uint32_t slot) {
  return directory.add({hash_of(key), {1, key}, 100}, placed(segment, slot, 1, {slot * 10, 10}), 5,
                       Time(0));
}

/// Takes an object out with all its replicas.
std::vector<PlacedReplica> drop(Directory& directory, ObjectIndex object) {
  std::vector<PlacedReplica> dropped;
  for (ReplicaIndex at = object; at != kNone;) {
    const ReplicaIndex next = directory.replica(at).next;
    dropped.push_back(directory.drop_replica(at));
    at = next;
  }
  return dropped;
}

TEST(Directory, AnObjectIsFoundByKeyPutAndSlotUntilItIsDropped) {
  LeastRecentlyUsed policy;
  Directory directory(policy);
  const ObjectIndex object = add(directory, 1, 0, 3);
  EXPECT_EQ(directory.find(hash_of(1)), object);
  EXPECT_EQ(directory.find_put({1, 1}), object);
  EXPECT_NE(directory.find_slot(0, 3, 1), kNone);
  EXPECT_EQ(directory.find_slot(0, 3, 2), kNone) << "another generation is another object";
  EXPECT_EQ(directory.find_slot(1, 3, 1), kNone);
  const auto dropped = drop(directory, object);
  ASSERT_EQ(dropped.size(), 1u);
  ASSERT_EQ(dropped[0].extents.all().size(), 1u);
  EXPECT_EQ(dropped[0].extents.all()[0], (pool::Extent{30, 10}));
  EXPECT_EQ(directory.find(hash_of(1)), kNone);
  EXPECT_EQ(directory.find_put({1, 1}), kNone);
  EXPECT_EQ(directory.find_slot(0, 3, 1), kNone);
  EXPECT_EQ(policy.victim(0), kNone);
  EXPECT_EQ(directory.objects(), 0u);
}

TEST(Directory, TheObjectGoesWithItsLastReplica) {
  LeastRecentlyUsed policy;
  Directory directory(policy);
  const ObjectIndex object = add(directory, 1, 0, 0);
  directory.add_replica(object, placed(1, 0, 9, {0, 10}), 5, {}, Time(0));
  directory.drop_replica(directory.find_slot(0, 0, 1));
  const ObjectIndex left = directory.find(hash_of(1));
  ASSERT_NE(left, kNone) << "under the name of the replica that is left";
  EXPECT_EQ(directory.replica(left).segment, 1u);
  EXPECT_EQ(directory.find_put({1, 1}), left);
  EXPECT_EQ(directory.object_of(left), left);
  directory.drop_replica(directory.find_slot(1, 0, 9));
  EXPECT_EQ(directory.find(hash_of(1)), kNone);
}

TEST(Directory, ReplicasKeepTheOrderOfThePut) {
  LeastRecentlyUsed policy;
  Directory directory(policy);
  const ObjectIndex object = add(directory, 1, 4, 0);
  std::vector<SegmentIndex> order;
  for (const SegmentIndex segment : {0u, 2u}) {
    directory.add_replica(object, placed(segment, 0, 1, {0, 1}), 5, {}, Time(0));
  }
  for (ReplicaIndex at = object; at != kNone; at = directory.replica(at).next) {
    order.push_back(directory.replica(at).segment);
  }
  EXPECT_EQ(order, (std::vector<SegmentIndex>{4, 0, 2}));
}

TEST(Directory, TheOldestOfASegmentIsTheLeastRecentlyUsed) {
  LeastRecentlyUsed policy;
  Directory directory(policy);
  const ObjectIndex first = add(directory, 1, 0, 0);
  const ObjectIndex second = add(directory, 2, 0, 1);
  EXPECT_EQ(directory.object_of(policy.victim(0)), first);
  directory.touch(first, Time(1));
  EXPECT_EQ(directory.object_of(policy.victim(0)), second);
  EXPECT_EQ(policy.count(0), 2u);
}

TEST(Directory, WhatIsPinnedIsNoVictimAndCountsAsUsedWhenThePinEnds) {
  LeastRecentlyUsed policy;
  Directory directory(policy);
  const ObjectIndex first = add(directory, 1, 0, 0);
  const ObjectIndex second = add(directory, 2, 0, 1);
  directory.pin(first);
  directory.pin(first);
  directory.touch(first, Time(1));
  EXPECT_EQ(directory.object_of(policy.victim(0)), second);
  EXPECT_EQ(policy.count(0), 1u);
  directory.unpin(first, Time(2));
  directory.unpin(first, Time(2));
  EXPECT_EQ(directory.object_of(policy.victim(0)), second);
  EXPECT_EQ(policy.count(0), 2u);
  directory.pin(second);
  drop(directory, second);
  drop(directory, first);
  EXPECT_EQ(policy.victim(0), kNone);
  EXPECT_EQ(policy.count(0), 0u);
}

TEST(Directory, ASegmentGoesWithAllItsReplicasPinnedOrNot) {
  LeastRecentlyUsed policy;
  Directory directory(policy);
  directory.pin(add(directory, 1, 0, 0));
  add(directory, 2, 0, 1);
  const ObjectIndex elsewhere = add(directory, 3, 1, 0);
  directory.drop_segment(0);
  EXPECT_EQ(directory.objects(), 1u);
  EXPECT_EQ(directory.find(hash_of(3)), elsewhere);
  EXPECT_EQ(policy.victim(0), kNone);
}

// The same by lists and linear searches.
struct Model {
  struct Replica {
    std::uint64_t key;
    SegmentIndex segment;
    std::uint32_t slot;
  };
  std::vector<Replica> by_use;  ///< oldest first

  bool has(std::uint64_t key) const {
    return std::any_of(by_use.begin(), by_use.end(), [&](const auto& r) { return r.key == key; });
  }
  void touch(std::uint64_t key) {
    std::stable_partition(by_use.begin(), by_use.end(),
                          [&](const auto& r) { return r.key != key; });
  }
};

TEST(Directory, ARandomWalkAgreesWithAPlainModel) {
  constexpr std::uint64_t kSeed = 20240811;
  SCOPED_TRACE(testing::Message() << "seed " << kSeed);
  base::Random random(kSeed);
  LeastRecentlyUsed policy;
  Directory directory(policy);
  Model model;
  std::uint32_t next_slot = 0;
  for (int step = 0; step < 20000; ++step) {
    const std::uint64_t key = 1 + random.below(50);
    const ObjectIndex object = directory.find(hash_of(key));
    ASSERT_EQ(object != kNone, model.has(key));
    switch (random.below(4)) {
      case 0:
        if (object == kNone) {
          const ObjectIndex added =
              directory.add({hash_of(key), {1, key}, 100}, placed(0, next_slot, 1, {next_slot, 1}),
                            5, Time(step));
          model.by_use.push_back({key, 0, next_slot++});
          for (SegmentIndex segment = 1; segment <= random.below(3); ++segment) {
            directory.add_replica(added, placed(segment, next_slot, 1, {next_slot, 1}), 5, {},
                                  Time(step));
            model.by_use.push_back({key, segment, next_slot++});
          }
        }
        break;
      case 1:
        if (object != kNone) {
          directory.touch(object, Time(step));
          model.touch(key);
        }
        break;
      case 2:
        if (object != kNone && random.below(4) == 0) {
          drop(directory, object);
          std::erase_if(model.by_use, [&](const auto& r) { return r.key == key; });
        }
        break;
      default: {
        const auto segment = static_cast<SegmentIndex>(random.below(3));
        const auto oldest = std::find_if(model.by_use.begin(), model.by_use.end(),
                                         [&](const auto& r) { return r.segment == segment; });
        const ReplicaIndex found = policy.victim(segment);
        ASSERT_EQ(found == kNone, oldest == model.by_use.end());
        if (found != kNone) {
          ASSERT_EQ(directory.replica(found).slot, oldest->slot);
          ASSERT_EQ(directory.drop_replica(found).slot, oldest->slot);
          model.by_use.erase(oldest);
        }
      }
    }
  }
}

}  // namespace
}  // namespace aquifer::meta
