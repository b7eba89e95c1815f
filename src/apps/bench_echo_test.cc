#include "apps/bench_echo.h"

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cerrno>

namespace aquifer::apps {
namespace {

TEST(BenchEcho, AnswersBothWaysWithAsManyBytesAsAsked) {
  {
    auto echo = BenchEcho::start();
    ASSERT_TRUE(echo.ok()) << echo.error().message;
    for (const EchoBytes bytes :
         {EchoBytes{1, 1}, EchoBytes{200, 150}, EchoBytes{300, 9000}, EchoBytes{500'000, 40}}) {
      EXPECT_TRUE(echo->call(bytes)) << bytes.request << " " << bytes.reply;
      EXPECT_TRUE(echo->call_raw(bytes)) << bytes.request << " " << bytes.reply;
    }
  }
  EXPECT_TRUE(waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD);
}

}  // namespace
}  // namespace aquifer::apps
