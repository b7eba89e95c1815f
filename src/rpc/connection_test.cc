#include "rpc/connection.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstring>
#include <future>
#include <thread>

#include "io/address.h"

namespace aquifer::rpc {
namespace {

constexpr std::size_t kRequests = 400;
constexpr std::size_t kAnswerBytes = 64 << 10;

/// A connection on a loop of its own that answers each frame with 64 KiB.
class ConnectionTest : public ::testing::Test {
 protected:
  ConnectionTest() {
    std::array<int, 2> ends{};
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
    peer_.reset(ends[0]);
    base::UniqueFd served(ends[1]);
    EXPECT_EQ(fcntl(served.get(), F_SETFL, O_NONBLOCK), 0);
    Connection::Handlers handlers;
    handlers.on_frame = [this](Connection& connection, const Frame& frame) {
      ++handled_;
      connection.reply(frame.header.method, frame.header.id, ErrorMessage{answer_, ""});
    };
    handlers.on_close = [this](Connection&, const std::string&) { closed_ = true; };
    connection_ = Connection::start(loop_, std::move(served), std::move(handlers));
    thread_ = std::thread([this] { loop_.run(); });
  }

  ~ConnectionTest() override {
    on_loop([this] { connection_.reset(); });
    loop_.stop();
    thread_.join();
  }

  /// Runs `work` on the loop and waits for it.
  void on_loop(const std::function<void()>& work) {
    std::promise<void> done;
    loop_.post([&] {
      work();
      done.set_value();
    });
    done.get_future().wait();
  }

  void send(const Buffer& bytes) {
    ASSERT_EQ(::send(peer_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }

  const std::string answer_ = std::string(kAnswerBytes, 'a');
  io::Loop loop_;
  base::UniqueFd peer_;
  std::shared_ptr<Connection> connection_;
  std::atomic<std::size_t> handled_{0};
  std::atomic<bool> closed_{false};
  std::thread thread_;
};

Buffer requests(std::size_t count) {
  Buffer bytes;
  for (std::size_t i = 0; i < count; ++i) {
    FrameHeader header;
    header.id = i;
    append_frame(bytes, header, ErrorMessage{"", ""});
  }
  return bytes;
}

TEST_F(ConnectionTest, APeerThatReadsNothingIsNotListenedToAndGetsAllAnswersWhenItDoes) {
  send(requests(kRequests));
  for (int turn = 0; turn < 200; ++turn) {  // of the loop: it has seen all there is by then
    on_loop([] {});
  }
  EXPECT_GT(handled_, 0u);
  EXPECT_LT(handled_ * kAnswerBytes, 2 * Connection::kOutBytesPause);
  std::string in;
  std::vector<char> piece(1 << 20);
  std::size_t answers = 0;
  while (answers < kRequests) {
    const ssize_t got = recv(peer_.get(), piece.data(), piece.size(), 0);
    ASSERT_GT(got, 0) << answers;
    in.append(piece.data(), static_cast<std::size_t>(got));
    Frame frame;
    while (read_frame(in, frame) == FrameState::kWhole) {
      ASSERT_EQ(frame.header.id, answers++);
      in.erase(0, sizeof(FrameHeader) + frame.header.length);
    }
  }
  EXPECT_EQ(handled_, kRequests);
  EXPECT_FALSE(closed_);
}

long faults_so_far() {
  rusage use{};
  getrusage(RUSAGE_SELF, &use);
  return use.ru_minflt;
}

TEST_F(ConnectionTest, AFrameThatIsOnlyAnnouncedTakesNoMemory) {
  FrameHeader header;
  header.length = kFrameBytesMax;
  Buffer bytes(sizeof header);
  std::memcpy(bytes.data(), &header, sizeof header);
  const long before = faults_so_far();
  send(bytes);
  for (int turn = 0; turn < 200; ++turn) on_loop([] {});
  send(Buffer(100));
  for (int turn = 0; turn < 200; ++turn) on_loop([] {});
  // 32 MiB would be 8192 pages.
  EXPECT_LT(faults_so_far() - before, 4096);
  EXPECT_FALSE(closed_);
}

TEST(Acceptor, WaitsWhileThereAreNoDescriptorsAndGoesOnWhenThereAre) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "the sanitizer opens a pipe to look at memory, and takes a failure for a fault";
#endif
  io::Loop loop;
  auto listening = io::listen_tcp(*io::Address::parse("tcp://127.0.0.1:0"));
  ASSERT_TRUE(listening.ok());
  const auto address = io::local_address(listening->get());
  std::promise<void> accepted;
  Acceptor acceptor(loop, *std::move(listening), [&](base::UniqueFd) {
    accepted.set_value();
    loop.stop();
  });
  auto peer = io::connect_tcp(*address, io::Clock::now() + std::chrono::seconds(10));
  ASSERT_TRUE(peer.ok());
  // No descriptor is left, until one is given back from the loop.
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  const rlimit none{0, limit.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  int turns = 0;
  loop.every(std::chrono::milliseconds(1), [&] {
    if (++turns == 20) setrlimit(RLIMIT_NOFILE, &limit);
  });
  loop.run();
  accepted.get_future().get();
  EXPECT_GE(turns, 20);
}

}  // namespace
}  // namespace aquifer::rpc
