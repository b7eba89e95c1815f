#include "apps/render.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace aquifer::apps {
namespace {

using nlohmann::json;

PoolStatus example_pool() {
  PoolStatus pool{.capacity_bytes = 4096,
                  .free_bytes = 3067,
                  .used_bytes = 1024,
                  .limbo_bytes = 5,
                  .pinned_bytes = 512,
                  .views = 7,
                  .objects = 3,
                  .evictions = 2,
                  .integrity_failures = 1,
                  .replicas_missing = 4,
                  .calls = {{"put", 5, 1, 3, 2}}};
  pool.nodes.push_back({.name = "a",
                        .state = "alive",
                        .process = 77,
                        .capacity_bytes = 4096,
                        .free_bytes = 3067,
                        .used_bytes = 1024,
                        .limbo_bytes = 5,
                        .pinned_bytes = 512,
                        .views = 7,
                        .read_bytes = {.shm = 10, .tcp = 11},
                        .written_bytes = {.shm = 12, .tcp = 13}});
  return pool;
}

TEST(RenderJson, StatusHasThePoolAndEachNode) {
  const json expected = json::parse(R"({
      "capacity_bytes": 4096, "free_bytes": 3067, "used_bytes": 1024, "limbo_bytes": 5,
      "pinned_bytes": 512, "views": 7,
      "objects": 3, "evictions": 2, "integrity_failures": 1, "replicas_missing": 4,
      "nodes": [{"name": "a", "state": "alive", "pid": 77,
                 "capacity_bytes": 4096, "free_bytes": 3067, "used_bytes": 1024,
                 "limbo_bytes": 5, "pinned_bytes": 512, "views": 7,
                 "read_bytes": {"shm": 10, "tcp": 11},
                 "written_bytes": {"shm": 12, "tcp": 13}}],
      "calls": {"put": {"single": 5, "single_failed": 1, "batches": 3, "batches_failed": 2}}})");
  EXPECT_EQ(json::parse(status_json(example_pool())), expected);
}

TEST(RenderJson, StatusWithoutNodesHasAnEmptyList) {
  EXPECT_EQ(json::parse(status_json({}))["nodes"], json::array());
}

TEST(RenderJson, StatNamesTheNodeOfEachReplica) {
  const ObjectStat stat{Status::kOk, 9, {{"a"}, {"b"}}};
  const json expected =
      json::parse(R"({"key": "k", "size": 9, "replicas": [{"node": "a"}, {"node": "b"}]})");
  EXPECT_EQ(json::parse(stat_json("k", stat)), expected);
}

TEST(RenderJson, ErrorsCarryTheNameOfTheirStatus) {
  const json expected =
      json::parse(R"({"error": {"code": "not_found", "message": "gone", "hint": "look"}})");
  EXPECT_EQ(json::parse(error_json({Status::kNotFound, "gone", "look"})), expected);
}

TEST(RenderJson, AKeyThatIsNoUtf8IsStillJson) {
  EXPECT_TRUE(json::accept(outcome_json("\xff\xfe", Status::kOk, 1)));
}

TEST(RenderJson, AnUnknownSizeIsLeftOut) {
  EXPECT_FALSE(json::parse(outcome_json("k", Status::kOk, std::nullopt)).contains("size"));
}

TEST(RenderJson, AListingOfSeveralPagesIsOneObject) {
  const ListPage first{{{"a", 1}, {"b", 2}}, "more"};
  const ListPage empty{{}, "more"};
  const ListPage last{{{"\xff", 3}}, ""};
  const std::string text = listing_json_begin() + listing_json_entries(empty, true) +
                           listing_json_entries(first, true) + listing_json_entries(empty, false) +
                           listing_json_entries(last, false) + listing_json_end(nullptr);
  const json listing = json::parse(text);
  ASSERT_EQ(listing["keys"].size(), 3u);
  EXPECT_EQ(listing["keys"][1], json::parse(R"({"key": "b", "size": 2})"));
  EXPECT_FALSE(listing.contains("error"));
}

TEST(RenderJson, AListingThatBreaksOffSaysWhyInTheSameObject) {
  const Error error{Status::kUnreachable, "gone", "look"};
  const std::string text = listing_json_begin() + listing_json_entries({{{"a", 1}}, "more"}, true) +
                           listing_json_end(&error);
  const json listing = json::parse(text);
  EXPECT_EQ(listing["keys"].size(), 1u);
  EXPECT_EQ(listing["error"]["code"], "unreachable");
}

TEST(RenderJson, AnEmptyListingHasAnEmptyList) {
  EXPECT_EQ(json::parse(listing_json_begin() + listing_json_end(nullptr)),
            json::parse(R"({"keys": []})"));
}

TEST(RenderJson, PartsPinsAndRemovalsHaveTheirFields) {
  EXPECT_EQ(json::parse(range_json("k", 5, 6)),
            json::parse(R"({"key": "k", "status": "ok", "offset": 5, "size": 6})"));
  EXPECT_EQ(json::parse(pin_json("k", std::chrono::seconds(2))),
            json::parse(R"({"key": "k", "status": "ok", "ttl_ms": 2000})"));
  EXPECT_EQ(json::parse(removed_json("n", "p", 3)),
            json::parse(R"({"namespace": "n", "prefix": "p", "removed": 3})"));
}

TEST(RenderText, AListingHasALineForEachKeyWhateverIsInIt) {
  EXPECT_EQ(listing_text({{{"a", 1}, {"b\nc", 3 << 20}}, ""}),
            "       1 B  a\n  3.00 MiB  b\\x0ac\n");
}

TEST(RenderText, StatusShowsHumanSizesAndTheStateOfEachNode) {
  const std::string text = status_text(example_pool());
  EXPECT_NE(text.find("used                1.00 KiB (25 %)"), std::string::npos) << text;
  EXPECT_NE(text.find("\na     alive"), std::string::npos) << text;
}

TEST(RenderText, StatusWithoutNodesSaysWhatToDo) {
  EXPECT_NE(status_text({}).find("aquifer node"), std::string::npos);
}

TEST(RenderText, StatListsTheNodes) {
  const ObjectStat stat{Status::kOk, 2048, {{"a"}, {"b"}}};
  EXPECT_EQ(stat_text("k", stat),
            "key       'k'\nsize      2.00 KiB (2048 bytes)\nreplicas  2: a, b\n");
}

}  // namespace
}  // namespace aquifer::apps
