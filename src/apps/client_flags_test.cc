#include "apps/client_flags.h"

#include <gtest/gtest.h>

#include <array>

namespace aquifer::apps {
namespace {

ClientFlags parse(Arguments arguments, const base::Environment& environment) {
  ClientFlags flags;
  base::Options options("get", "");
  declare_client_flags(options, flags);
  EXPECT_TRUE(options.parse(arguments, environment).should_run());
  return flags;
}

TEST(ClientFlags, HaveTheLibrarysDefaults) {
  const ClientOptions options = parse({}, {}).client_options();
  EXPECT_EQ(options.meta, "tcp://127.0.0.1:5000");
  EXPECT_EQ(options.name_space, "default");
  EXPECT_EQ(options.transport, Transport::kAuto);
  EXPECT_EQ(options.timeout, std::chrono::seconds(5));
}

TEST(ClientFlags, TakeTheMetaFromTheEnvironmentUnlessAFlagNamesIt) {
  const base::Environment environment{{"AQUIFER_META", "tcp://a:1"}};
  EXPECT_EQ(parse({}, environment).meta, "tcp://a:1");
  const std::array flag = {"--meta", "tcp://b:2"};
  EXPECT_EQ(parse(flag, environment).meta, "tcp://b:2");
}

TEST(ClientFlags, ReachTheClient) {
  const std::array words = {"--namespace=n", "--transport=tcp", "--timeout=250ms", "--json"};
  const ClientFlags flags = parse(words, {});
  EXPECT_TRUE(flags.json);
  EXPECT_EQ(flags.client_options().name_space, "n");
  EXPECT_EQ(flags.client_options().transport, Transport::kTcp);
  EXPECT_EQ(flags.client_options().timeout, std::chrono::milliseconds(250));
}

TEST(AsksForJson, IsSeenBeforeTheOptionsAreRead) {
  const std::array plain = {"k", "--nonsense"};
  const std::array json = {"--nonsense", "--json"};
  const std::array no_json = {"--json=false"};
  const std::array a_key = {"--", "--json"};
  EXPECT_FALSE(asks_for_json("get", plain, {}));
  EXPECT_TRUE(asks_for_json("get", json, {}));
  EXPECT_FALSE(asks_for_json("get", no_json, {{"AQUIFER_GET_JSON", "1"}}));
  EXPECT_FALSE(asks_for_json("get", a_key, {}));
  EXPECT_TRUE(asks_for_json("get", plain, {{"AQUIFER_GET_JSON", "true"}}));
}

}  // namespace
}  // namespace aquifer::apps
