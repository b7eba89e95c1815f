// Ranges, views, open puts, modes of a put, pins and listings through a whole pool.
#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <set>
#include <thread>
#include <vector>

#include "embed/pool_fixture.h"

namespace aquifer {
namespace {

using PoolObjects = PoolTest;

INSTANTIATE_TEST_SUITE_P(Transports, PoolObjects,
                         ::testing::Values(Transport::kShm, Transport::kTcp), transport_name);

std::string text_of(const View& view) {
  std::string text;
  for (const ConstPiece& piece : view.pieces()) {
    text.append(static_cast<const char*>(piece.address), piece.bytes);
  }
  return text;
}

ConstPiece piece_of(std::string_view text) { return {text.data(), text.size()}; }

TEST_P(PoolObjects, ARangeIsTheSameBytesAsThoseOfTheValue) {
  const std::string value = random_value(300'000, 1);
  ASSERT_EQ(put("key", value), Status::kOk);
  for (const auto& [offset, bytes] : {std::pair{0u, 1u},
                                      {0u, 65'536u},
                                      {1u, 65'535u},
                                      {65'535u, 2u},
                                      {65'536u, 65'536u},
                                      {70'000u, 5u},
                                      {100u, 299'900u},
                                      {0u, 300'000u},
                                      {299'999u, 1u},
                                      {131'072u, 168'928u}}) {
    std::string got(bytes + 2, '#');
    // In two pieces, with a guard byte around them.
    const std::size_t half = bytes / 2;
    const std::array<Piece, 2> pieces{
        {{got.data() + 1, half}, {got.data() + 1 + half, bytes - half}}};
    const GetOutcome outcome = client_.get_range("key", offset, pieces);
    ASSERT_EQ(outcome.status, Status::kOk) << offset << "+" << bytes;
    EXPECT_EQ(outcome.bytes, bytes);
    EXPECT_EQ(got, "#" + value.substr(offset, bytes) + "#") << offset << "+" << bytes;
  }
}

TEST_P(PoolObjects, ARangeEndsWithTheValue) {
  const std::string value = random_value(100'000, 2);
  ASSERT_EQ(put("key", value), Status::kOk);
  std::string got(50, '#');
  const Piece piece{got.data(), got.size()};
  const GetOutcome outcome = client_.get_range("key", 99'990, {&piece, 1});
  EXPECT_EQ(outcome.status, Status::kOk);
  EXPECT_EQ(outcome.bytes, 10u);
  EXPECT_EQ(got, value.substr(99'990) + std::string(40, '#'));
  EXPECT_EQ(client_.get_range("key", 100'000, {&piece, 1}).status, Status::kInvalidArgument);
  EXPECT_EQ(client_.get_range("key", UINT64_MAX, {&piece, 1}).status, Status::kInvalidArgument);
  EXPECT_EQ(client_.get_range("none", 0, {&piece, 1}).status, Status::kNotFound);
  EXPECT_EQ(client_.get_range("key", 0, {}).status, Status::kInvalidArgument);
}

TEST_P(PoolObjects, ViewsShowTheValueAndCountAsLongAsTheyLast) {
  const std::string value = random_value(1'000'000, 3);
  ASSERT_EQ(put("key", value), Status::kOk);
  auto view = client_.view("key");
  ASSERT_TRUE(view.ok()) << view.error().text();
  EXPECT_EQ(view->bytes(), value.size());
  EXPECT_EQ(view->is_copy(), GetParam() == Transport::kTcp);
  EXPECT_EQ(text_of(*view), value);
  EXPECT_EQ(view->verify(), Status::kOk);
  const std::uint64_t counted = GetParam() == Transport::kTcp ? 0 : 1;
  EXPECT_TRUE(status_becomes([&](const PoolStatus& s) { return s.views == counted; }));
  auto second = client_.view("key");
  ASSERT_TRUE(second.ok());
  view->release();
  EXPECT_TRUE(view->pieces().empty());
  EXPECT_EQ(text_of(*second), value);
  second->release();
  EXPECT_TRUE(status_becomes([](const PoolStatus& s) { return s.views == 0; }));
  EXPECT_EQ(client_.view("none").code(), Status::kNotFound);
}

TEST_P(PoolObjects, AViewOutlivesItsObjectAndItsClient) {
  const std::string value = random_value(500'000, 4);
  std::optional<View> view;
  {
    auto other = *pool_.client({.transport = GetParam()});
    ASSERT_EQ(put("key", value), Status::kOk);
    view = *other.view("key");
  }
  ASSERT_EQ(client_.remove("key"), Status::kOk);
  EXPECT_EQ(client_.get("key").code(), Status::kNotFound);
  EXPECT_EQ(client_.view("key").code(), Status::kNotFound);
  // Everything that could overwrite it.
  for (int i = 0; i < 200; ++i) {
    ASSERT_EQ(put("filler-" + std::to_string(i), random_value(1'000'000, 1000 + i)), Status::kOk);
  }
  EXPECT_EQ(text_of(*view), value);
  EXPECT_EQ(view->verify(), Status::kOk);
  if (GetParam() == Transport::kShm) {
    EXPECT_TRUE(status_becomes([](const PoolStatus& s) { return s.limbo_bytes >= 500'000; }));
  }
  view.reset();
  EXPECT_TRUE(status_becomes([](const PoolStatus& s) {
    return s.limbo_bytes == 0 && s.views == 0 &&
           s.free_bytes + s.used_bytes + s.limbo_bytes == s.capacity_bytes;
  }));
}

TEST_P(PoolObjects, APutWaitsForSpaceThatViewsHold) {
  if (GetParam() == Transport::kTcp) {
    GTEST_SKIP() << "these views are copies";
  }
  const std::string value = random_value(8u << 20, 12);
  std::vector<View> views;
  for (int i = 0; i < 7; ++i) {
    const std::string key = "viewed-" + std::to_string(i);
    ASSERT_EQ(put(key, value), Status::kOk);
    auto view = client_.view(key);
    ASSERT_TRUE(view.ok());
    views.push_back(*std::move(view));
  }
  EXPECT_EQ(client_.put("late", value.data(), value.size(),
                        {.call = {.timeout = std::chrono::milliseconds(500)}}),
            Status::kBusy);
  std::thread releases([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    views.clear();
  });
  EXPECT_EQ(put("late", value), Status::kOk) << client_.last_error().text();
  releases.join();
}

TEST_P(PoolObjects, SizesThatCannotBeAreRefused) {
  const char byte = 'x';
  const std::array<ConstPiece, 2> huge{{{&byte, SIZE_MAX}, {&byte, 2}}};
  EXPECT_EQ(client_.put("key", huge), Status::kTooLarge);
  EXPECT_EQ(client_.put("key", std::span<const ConstPiece>(huge.data(), SIZE_MAX / 16)),
            Status::kTooLarge)
      << "so many pieces are not even looked at";
  auto open = client_.open_put("key", 10);
  ASSERT_TRUE(open.ok());
  EXPECT_NE(open->write(0, huge), Status::kOk);
}

TEST_P(PoolObjects, ABatchOfViewsHasOneResultPerKey) {
  ASSERT_EQ(put("a", "one"), Status::kOk);
  ASSERT_EQ(put("c", "three"), Status::kOk);
  const std::array<std::string_view, 3> keys{"a", "b", "c"};
  auto views = client_.view_batch(keys);
  ASSERT_EQ(views.size(), 3u);
  EXPECT_EQ(text_of(*views[0]), "one");
  EXPECT_EQ(views[1].code(), Status::kNotFound);
  EXPECT_EQ(text_of(*views[2]), "three");
}

TEST_P(PoolObjects, AnOpenPutTakesRangesInAnyOrder) {
  const std::string value = random_value(700'001, 5);
  std::vector<std::pair<std::size_t, std::size_t>> ranges;
  base::Random random(11);
  for (std::size_t at = 0; at < value.size();) {
    const std::size_t bytes = std::min<std::size_t>(1 + random.below(90'000), value.size() - at);
    ranges.emplace_back(at, bytes);
    at += bytes;
  }
  for (std::size_t i = ranges.size() - 1; i > 0; --i) {
    std::swap(ranges[i], ranges[random.below(i + 1)]);
  }
  auto open = client_.open_put("key", value.size());
  ASSERT_TRUE(open.ok()) << open.error().text();
  for (const auto& [at, bytes] : ranges) {
    EXPECT_EQ(open->commit(), Status::kInvalidArgument) << "bytes are missing";
    EXPECT_EQ(client_.exists("key"), Status::kNotFound);
    ASSERT_EQ(open->write(at, value.data() + at, bytes), Status::kOk);
  }
  EXPECT_EQ(open->write(5, value.data(), 1), Status::kInvalidArgument) << "written already";
  ASSERT_EQ(open->commit(), Status::kOk);
  EXPECT_EQ(open->commit(), Status::kCancelled) << "it has ended";
  EXPECT_EQ(*client_.get("key"), value);
  auto other = *pool_.client({.transport = GetParam()});
  EXPECT_EQ(*other.get("key"), value);
}

TEST_P(PoolObjects, ManyThreadsWriteOneOpenPut) {
  const std::string value = random_value(3'000'000, 6);
  auto open = client_.open_put("key", value.size());
  ASSERT_TRUE(open.ok());
  std::vector<std::thread> writers;
  std::atomic<int> failed{0};
  constexpr std::size_t kStep = 10'007;
  std::atomic<std::size_t> next{0};
  for (int i = 0; i < 4; ++i) {
    writers.emplace_back([&] {
      for (std::size_t at = next.fetch_add(kStep); at < value.size(); at = next.fetch_add(kStep)) {
        const std::size_t bytes = std::min(kStep, value.size() - at);
        failed += open->write(at, value.data() + at, bytes) == Status::kOk ? 0 : 1;
      }
    });
  }
  for (std::thread& writer : writers) {
    writer.join();
  }
  EXPECT_EQ(failed, 0);
  ASSERT_EQ(open->commit(), Status::kOk);
  EXPECT_EQ(*client_.get("key"), value);
}

TEST_P(PoolObjects, AnOpenPutThatIsDroppedLeavesNothing) {
  {
    auto open = client_.open_put("key", 1'000'000);
    ASSERT_TRUE(open.ok());
    ASSERT_EQ(open->write(0, random_value(100, 1).data(), 100), Status::kOk);
  }
  EXPECT_EQ(client_.exists("key"), Status::kNotFound);
  EXPECT_TRUE(status_becomes([](const PoolStatus& s) {
    return s.used_bytes == 0 && s.limbo_bytes == 0 && s.free_bytes == s.capacity_bytes;
  }));
  ASSERT_EQ(put("key", "value"), Status::kOk);
}

TEST_P(PoolObjects, AnOpenPutEndsWithItsLifetimeOrItsRemoval) {
  auto brief = client_.open_put("brief", 10, {}, std::chrono::milliseconds(1));
  ASSERT_TRUE(brief.ok());
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_EQ(brief->write(0, "0123456789", 10), Status::kCancelled);
  EXPECT_EQ(brief->commit(), Status::kCancelled);
  auto removed = client_.open_put("removed", 10);
  ASSERT_TRUE(removed.ok());
  ASSERT_EQ(removed->write(0, "0123456789", 10), Status::kOk);
  EXPECT_EQ(client_.remove("removed"), Status::kOk);
  EXPECT_EQ(removed->commit(), Status::kCancelled);
  EXPECT_EQ(client_.exists("removed"), Status::kNotFound);
}

TEST_P(PoolObjects, AnOpenPutOutlivesItsClientHarmlessly) {
  auto other = *pool_.client({.transport = GetParam()});
  auto open = other.open_put("key", 10);
  ASSERT_TRUE(open.ok());
  other.close();
  EXPECT_EQ(open->write(0, "0123456789", 10), Status::kClosed);
  EXPECT_EQ(open->commit(), Status::kClosed);
  EXPECT_EQ(client_.exists("key"), Status::kNotFound);
}

TEST_P(PoolObjects, AbsentMeansNeitherThereNorOnTheWay) {
  auto open = client_.open_put("key", 3);
  ASSERT_TRUE(open.ok());
  const ConstPiece other = piece_of("two");
  EXPECT_EQ(client_.put_if_absent("key", {&other, 1}), Status::kInFlight);
  ASSERT_EQ(open->write(0, "one", 3), Status::kOk);
  ASSERT_EQ(open->commit(), Status::kOk);
  EXPECT_EQ(client_.put_if_absent("key", {&other, 1}), Status::kExists);
  EXPECT_EQ(client_.put_if_absent("another", {&other, 1}), Status::kOk);
  EXPECT_EQ(*client_.get("key"), "one");
  EXPECT_EQ(client_.open_put("key", 3).code(), Status::kExists);
}

TEST_P(PoolObjects, AReplacedValueIsGoneForEveryHandle) {
  auto other = *pool_.client({.transport = GetParam()});
  std::string before = random_value(200'000, 7);
  ASSERT_EQ(put("key", before), Status::kOk);
  ASSERT_EQ(*other.get("key"), before);
  for (int round = 0; round < 20; ++round) {
    const std::string value = random_value(100'000 + 10'000 * (round % 7), 100 + round);
    const ConstPiece piece = piece_of(value);
    ASSERT_EQ(client_.replace("key", {&piece, 1}), Status::kOk);
    const auto got = other.get("key");
    ASSERT_TRUE(got.ok()) << got.error().text();
    ASSERT_EQ(*got, value) << "by a cached handle";
  }
  EXPECT_EQ(client_.status()->objects, 1u);
  const ConstPiece fresh = piece_of("fresh");
  EXPECT_EQ(client_.replace("new", {&fresh, 1}), Status::kOk) << "nothing to replace";
}

TEST_P(PoolObjects, WhatIsPinnedSurvivesPressureUntilThePinEnds) {
  const std::string value = random_value(1'000'000, 8);
  ASSERT_EQ(put("pinned", value), Status::kOk);
  ASSERT_EQ(put("loose", value), Status::kOk);
  ASSERT_EQ(client_.pin("pinned", std::chrono::minutes(1)), Status::kOk);
  EXPECT_EQ(client_.pin("none", std::chrono::minutes(1)), Status::kNotFound);
  EXPECT_EQ(client_.pin("pinned", std::chrono::hours(25)), Status::kInvalidArgument);
  EXPECT_GE(client_.status()->pinned_bytes, value.size());
  const auto drive = [&](const std::string& name) {
    for (int i = 0; i < 150; ++i) {
      ASSERT_EQ(put(name + std::to_string(i), value), Status::kOk) << client_.last_error().text();
    }
  };
  drive("one-");
  EXPECT_EQ(client_.exists("pinned"), Status::kOk);
  EXPECT_EQ(*client_.get("pinned"), value);
  EXPECT_EQ(client_.exists("loose"), Status::kNotFound);
  ASSERT_EQ(client_.pin("pinned", std::chrono::milliseconds(0)), Status::kOk);
  EXPECT_EQ(client_.status()->pinned_bytes, 0u);
  drive("two-");
  EXPECT_EQ(client_.exists("pinned"), Status::kNotFound);
}

TEST_P(PoolObjects, APinEndsByItself) {
  ASSERT_EQ(put("key", "value"), Status::kOk);
  ASSERT_EQ(client_.pin("key", std::chrono::milliseconds(1)), Status::kOk);
  EXPECT_TRUE(status_becomes([](const PoolStatus& s) { return s.pinned_bytes == 0; }));
  ASSERT_EQ(client_.pin("key", std::chrono::hours(1)), Status::kOk);
  ASSERT_EQ(client_.remove("key"), Status::kOk) << "a pin is against eviction, not against removal";
  EXPECT_EQ(client_.status()->pinned_bytes, 0u);
}

TEST_P(PoolObjects, PinsLeaveRoomAndWhatTheyDoNotLeaveIsNoSpace) {
  const std::string value = random_value(8u << 20, 9);
  int pinned = 0;
  for (int i = 0; i < 7; ++i) {
    const std::string key = "pinned-" + std::to_string(i);
    ASSERT_EQ(put(key, value), Status::kOk);
    const Status status = client_.pin(key, std::chrono::minutes(1));
    ASSERT_TRUE(status == Status::kOk || status == Status::kBusy);
    pinned += status == Status::kOk ? 1 : 0;
  }
  EXPECT_EQ(pinned, 3) << "half of 64 MiB, and a little is taken by headers";
  EXPECT_EQ(put("large", random_value(50u << 20, 10)), Status::kNoSpace);
  EXPECT_EQ(put("small", value), Status::kOk);
}

TEST_P(PoolObjects, AListingPagesThroughTheKeysOfANamespace) {
  std::set<std::string> wanted;
  for (int i = 0; i < 300; ++i) {
    const std::string key = (i % 3 == 0 ? "a/" : "b/") + std::to_string(i);
    ASSERT_EQ(put(key, std::string(static_cast<std::size_t>(i) + 1, 'x')), Status::kOk);
    if (i % 3 == 0) {
      wanted.insert(key);
    }
  }
  ASSERT_EQ(client_.put("a/elsewhere", "x", 1, {.call = {.name_space = "other"}}), Status::kOk);
  auto open = client_.open_put("a/open", 10);
  ASSERT_TRUE(open.ok());
  std::set<std::string> found;
  std::string cursor;
  int pages = 0;
  do {
    const auto page = client_.list("a/", cursor, 30);
    ASSERT_TRUE(page.ok()) << page.error().text();
    EXPECT_LE(page->entries.size(), 30u);
    for (const ListEntry& entry : page->entries) {
      EXPECT_TRUE(found.insert(entry.key).second) << entry.key << " came twice";
      EXPECT_EQ(entry.bytes, std::stoull(entry.key.substr(2)) + 1);
    }
    cursor = page->cursor;
    ++pages;
  } while (!cursor.empty());
  EXPECT_EQ(found, wanted);
  EXPECT_GE(pages, 4);
  EXPECT_EQ(client_.list("a/", "nonsense").code(), Status::kInvalidArgument);
  EXPECT_EQ(client_.list("", "", 0).code(), Status::kInvalidArgument);
}

TEST_P(PoolObjects, APrefixAndAWholeNamespaceCanBeRemoved) {
  for (int i = 0; i < 50; ++i) {
    ASSERT_EQ(put("a/" + std::to_string(i), "x"), Status::kOk);
    ASSERT_EQ(put("b/" + std::to_string(i), "x"), Status::kOk);
  }
  ASSERT_EQ(client_.put("a/1", "x", 1, {.call = {.name_space = "other"}}), Status::kOk);
  const auto some = client_.remove_prefix("a/");
  ASSERT_TRUE(some.ok()) << some.error().text();
  EXPECT_EQ(*some, 50u);
  EXPECT_EQ(client_.status()->objects, 51u);
  EXPECT_EQ(*client_.remove_prefix(""), 50u);
  EXPECT_EQ(*client_.remove_prefix(""), 0u);
  EXPECT_EQ(client_.exists("a/1", {.name_space = "other"}), Status::kOk);
}

}  // namespace
}  // namespace aquifer
