#include "io/socket.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <cstring>
#include <thread>

#include "io/loop.h"

namespace aquifer::io {
namespace {

Deadline soon() { return Clock::now() + std::chrono::seconds(5); }

TEST(Address, IsWrittenAsSchemeHostPort) {
  EXPECT_EQ(Address::parse("tcp://127.0.0.1:5000")->port, 5000);
  EXPECT_EQ(Address::parse("host:1")->host, "host");
  EXPECT_EQ(Address::parse("tcp://[::1]:7")->text(), "tcp://[::1]:7");
  for (const char* bad : {"", "tcp://", "host", "tcp://host", ":1", "tcp://h:x", "tcp://h:70000",
                          "tcp://h:1/x", "::1:5"}) {
    EXPECT_EQ(Address::parse(bad).code(), Status::kInvalidArgument) << bad;
  }
}

TEST(Socket, BytesArriveInOrderAndTheDeadlineEndsAWait) {
  auto listening = listen_tcp({"127.0.0.1", 0});
  ASSERT_TRUE(listening.ok());
  const auto address = local_address(listening->get());
  auto one = connect_tcp(*address, soon());
  ASSERT_TRUE(one.ok());
  ASSERT_TRUE(wait_readable(listening->get(), soon()));
  auto two = accept_one(listening->get());
  std::array<char, 4> sent{'a', 'b', 'c', 'd'};
  std::array<iovec, 2> out{iovec{sent.data(), 2}, iovec{sent.data() + 2, 2}};
  ASSERT_TRUE(write_all(one->get(), out, soon()).ok());
  std::array<char, 4> got{};
  std::array<iovec, 1> in{iovec{got.data(), 4}};
  ASSERT_TRUE(read_exact(two.get(), in, soon()).ok());
  EXPECT_EQ(got, sent);
  std::array<iovec, 1> more{iovec{got.data(), 1}};
  EXPECT_EQ(read_exact(two.get(), more, Clock::now() + std::chrono::milliseconds(5)).code(),
            Status::kTimeout);
}

TEST(Socket, APortInUseIsAConflictThatNamesTheRemedy) {
  auto listening = listen_tcp({"127.0.0.1", 0});
  const auto again = listen_tcp(*local_address(listening->get()));
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.code(), Status::kConflict);
  EXPECT_NE(again.error().hint.find("port"), std::string::npos);
}

TEST(Socket, NobodyListeningIsUnreachable) {
  auto listening = listen_tcp({"127.0.0.1", 0});
  const auto address = *local_address(listening->get());
  listening->reset();
  EXPECT_EQ(connect_tcp(address, soon()).code(), Status::kUnreachable);
}

TEST(Socket, ADescriptorCrossesAUnixSocket) {
  const std::string name = "aquifer-test-" + std::to_string(getpid());
  auto listening = listen_unix(name);
  ASSERT_TRUE(listening.ok());
  auto client = connect_unix(name);
  ASSERT_TRUE(client.ok());
  auto server = accept_one(listening->get());
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  base::UniqueFd read_end(ends[0]);
  base::UniqueFd write_end(ends[1]);
  ASSERT_TRUE(send_with_fd(server.get(), std::as_bytes(std::span("hi", 2)), write_end.get()));
  std::array<std::byte, 8> buffer{};
  std::size_t count = 0;
  auto received = receive_with_fd(client->get(), buffer, count, soon());
  ASSERT_TRUE(received.ok());
  EXPECT_EQ(count, 2u);
  ASSERT_EQ(write(received->get(), "x", 1), 1);
  char letter = 0;
  ASSERT_EQ(read(read_end.get(), &letter, 1), 1);
  EXPECT_EQ(letter, 'x');
}

TEST(Socket, AHostThatVanishedIsNoticed) {
  auto listening = listen_tcp(*Address::parse("tcp://127.0.0.1:0"));
  ASSERT_TRUE(listening.ok());
  const auto peer =
      connect_tcp(*local_address(listening->get()), Clock::now() + std::chrono::seconds(10));
  ASSERT_TRUE(peer.ok());
  const base::UniqueFd accepted = accept_one(listening->get());
  ASSERT_TRUE(accepted);
  int on = 0;
  socklen_t bytes = sizeof on;
  ASSERT_EQ(getsockopt(accepted.get(), SOL_SOCKET, SO_KEEPALIVE, &on, &bytes), 0);
  EXPECT_EQ(on, 1);
}

TEST(Loop, AWatchThatIsGoneIsNotCalled) {
  Loop loop;
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  base::UniqueFd write_end(ends[1]);
  auto watch = std::make_unique<Watch>(loop, base::UniqueFd(ends[0]));
  bool called = false;
  watch->when_readable([&] { called = true; });
  ASSERT_EQ(write(write_end.get(), "x", 1), 1);
  loop.post([&] { watch.reset(); });
  loop.after(std::chrono::milliseconds(1), [&] { loop.stop(); });
  loop.run();
  EXPECT_FALSE(called);
}

TEST(Loop, ThreadsCanPostToIt) {
  Loop loop;
  int count = 0;
  std::thread other([&] {
    for (int i = 0; i < 100; ++i) {
      loop.post([&] { ++count; });
    }
    loop.post([&] { loop.stop(); });
  });
  loop.run();
  other.join();
  EXPECT_EQ(count, 100);
}

TEST(SocketTest, TheOwnAddressOnTheWayToALoopbackIsOne) {
  const auto own = own_host_towards({"127.0.0.1", 5000});
  ASSERT_TRUE(own.ok());
  EXPECT_EQ(*own, "127.0.0.1");
  EXPECT_EQ(own_host_towards({"no.such.host.invalid", 1}).code(), Status::kUnreachable);
}

}  // namespace
}  // namespace aquifer::io
