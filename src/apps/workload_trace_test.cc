#include "apps/workload_trace.h"

#include <gtest/gtest.h>

#include <sstream>

namespace aquifer::apps {
namespace {

Result<Trace> read(const std::string& text) {
  std::istringstream input(text);
  return read_trace(input, "some.jsonl");
}

std::string error_of(const std::string& text) {
  const auto trace = read(text);
  return trace ? "no error" : trace.error().message;
}

const std::string kGood =
    R"({"timestamp": 0, "input_length": 9, "output_length": 5, "hash_ids": [0, 1, 2]})"
    "\n";

TEST(Trace, OneRequestALine) {
  const auto trace = read(kGood + R"({"hash_ids": []})" + "\n" + R"({"hash_ids": [7, 0]})");
  ASSERT_TRUE(trace.ok()) << trace.error().message;
  ASSERT_EQ(trace->requests.size(), 3u);
  EXPECT_EQ(trace->requests[0], (TraceRequest{0, 1, 2}));
  EXPECT_TRUE(trace->requests[1].empty());
  EXPECT_EQ(trace->requests[2], (TraceRequest{7, 0}));
  EXPECT_EQ(trace->blocks(), 5u);
  EXPECT_EQ(trace->longest_request(), 3u);
}

TEST(Trace, GarbageIsAnErrorWithItsPlace) {
  EXPECT_EQ(error_of(kGood + "garbage\n"), "some.jsonl:2: not JSON");
  EXPECT_EQ(error_of("\n" + kGood), "some.jsonl:1: not JSON");
  EXPECT_EQ(error_of("[1, 2]\n"), "some.jsonl:1: not a JSON object");
  EXPECT_EQ(error_of(kGood + kGood + "{}\n"), "some.jsonl:3: hash_ids is missing");
  EXPECT_EQ(error_of(R"({"hash_ids": 3})"), "some.jsonl:1: hash_ids is not a list");
  EXPECT_EQ(error_of(R"({"hash_ids": [1, 2, 1]})"), "some.jsonl:1: hash_ids holds 1 twice");
  EXPECT_EQ(error_of(R"({"timestamp": "now", "hash_ids": []})"),
            "some.jsonl:1: timestamp is not a number");
  for (const char* id : {"-1", "1.5", "\"1\"", "null", "18446744073709551616"}) {
    EXPECT_EQ(error_of(std::string(R"({"hash_ids": [)") + id + "]}"),
              "some.jsonl:1: hash_ids holds something that is not a whole number >= 0")
        << id;
  }
  EXPECT_EQ(error_of(""), "some.jsonl:1: no request");
}

TEST(Trace, AFileThatIsNotThereIsNamed) {
  const auto trace = read_trace_file("/nonexistent/trace.jsonl");
  ASSERT_FALSE(trace.ok());
  EXPECT_EQ(trace.error().code, Status::kIo);
  EXPECT_NE(trace.error().message.find("/nonexistent/trace.jsonl"), std::string::npos);
}

TEST(Trace, AFolderIsAnError) { EXPECT_FALSE(read_trace_file("/").ok()); }

}  // namespace
}  // namespace aquifer::apps
