#include "rpc/channel.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "base/random.h"
#include "rpc/connection.h"

namespace aquifer::rpc {
namespace {

struct Echo {
  std::uint64_t number = 0;
  std::string_view text;
  std::vector<std::string_view> list;
  static constexpr auto wire = std::tuple{&Echo::number, &Echo::text, &Echo::list};
};

constexpr std::uint16_t kEcho = 1;
constexpr std::uint16_t kSilence = 2;
constexpr std::uint16_t kRefuse = 3;

// A server that echoes, on a thread of its own.
class EchoServer {
 public:
  EchoServer() {
    auto listening = io::listen_tcp({"127.0.0.1", 0});
    address_ = *io::local_address(listening->get());
    acceptor_.emplace(loop_, *std::move(listening),
                      [this](base::UniqueFd fd) { accept(std::move(fd)); });
    thread_ = std::thread([this] { loop_.run(); });
  }
  ~EchoServer() {
    loop_.stop();
    thread_.join();
  }
  Channel::Connect connector() const {
    return
        [address = address_](io::Deadline deadline) { return io::connect_tcp(address, deadline); };
  }
  void drop_all() {
    loop_.post([this] { connections_.clear(); });
  }
  std::atomic<int> closed{0};

 private:
  void accept(base::UniqueFd fd) {
    Connection::Handlers handlers;
    handlers.on_frame = [](Connection& from, const Frame& frame) {
      Echo echo;
      if (frame.header.method == kRefuse || !decode(frame.payload, echo)) {
        from.reply_error(frame.header.method, frame.header.id, Status::kInvalidArgument, "no",
                         "ask better");
      } else if (frame.header.method == kEcho) {
        from.reply(kEcho, frame.header.id, echo);
      }
    };
    handlers.on_close = [this](Connection&, const std::string&) { ++closed; };
    connections_.push_back(Connection::start(loop_, std::move(fd), std::move(handlers)));
  }
  io::Loop loop_;
  io::Address address_;
  std::optional<Acceptor> acceptor_;
  std::vector<std::shared_ptr<Connection>> connections_;
  std::thread thread_;
};

io::Deadline in_ms(int ms) { return io::Clock::now() + std::chrono::milliseconds(ms); }

TEST(Codec, ComesBackAndAnyTruncationIsRefused) {
  const Echo echo{7, "text", {"a", "", "ccc"}};
  Buffer frame;
  append_frame(frame, {}, echo);
  const std::string_view payload(frame.data() + sizeof(FrameHeader),
                                 frame.size() - sizeof(FrameHeader));
  Echo back;
  ASSERT_TRUE(decode(payload, back));
  EXPECT_EQ(back.text, "text");
  EXPECT_EQ(back.list, echo.list);
  for (std::size_t bytes = 0; bytes < payload.size(); ++bytes) {
    Echo cut;
    EXPECT_FALSE(decode(payload.substr(0, bytes), cut)) << bytes;
  }
}

TEST(Codec, AHugeCountAllocatesNothing) {
  std::string bytes(4 + 8 + 4 + 4, '\xff');
  const std::uint32_t size = 16;
  bytes.replace(0, 4, reinterpret_cast<const char*>(&size), 4);
  Echo echo;
  EXPECT_FALSE(decode(bytes, echo));
}

TEST(Frame, AnyFlippedBitBreaksIt) {
  Buffer frame;
  append_frame(frame, {}, Echo{1, "hello", {"x"}});
  Frame out;
  ASSERT_EQ(read_frame({frame.data(), frame.size()}, out), FrameState::kWhole);
  for (std::size_t bit = 0; bit < frame.size() * 8; ++bit) {
    frame[bit / 8] = static_cast<char>(frame[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_NE(read_frame({frame.data(), frame.size()}, out), FrameState::kWhole) << bit;
    frame[bit / 8] = static_cast<char>(frame[bit / 8] ^ (1 << (bit % 8)));
  }
}

TEST(Channel, ManyThreadsShareOneConnectionAndGetTheirOwnAnswers) {
  EchoServer server;
  Channel channel(server.connector(), {});
  std::vector<std::thread> threads;
  std::atomic<int> right{0};
  for (int t = 0; t < 6; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 300; ++i) {
        const auto number = static_cast<std::uint64_t>(t * 1000 + i);
        const auto reply = channel.call(kEcho, Echo{number, "x", {}}, in_ms(5000));
        Echo echo;
        right += reply.ok() && decode({reply->data(), reply->size()}, echo) && echo.number == number
                     ? 1
                     : 0;
      }
    });
  }
  for (auto& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(right, 1800);
}

TEST(Channel, ACallWithoutAnswerEndsAtItsDeadlineAndTheNextOneWorks) {
  EchoServer server;
  Channel channel(server.connector(), {});
  EXPECT_EQ(channel.call(kSilence, Echo{}, in_ms(20)).code(), Status::kTimeout);
  EXPECT_TRUE(channel.call(kEcho, Echo{}, in_ms(5000)).ok());
}

TEST(Channel, ReconnectsAfterTheConnectionBroke) {
  EchoServer server;
  Channel channel(server.connector(), {});
  ASSERT_TRUE(channel.call(kEcho, Echo{}, in_ms(5000)).ok());
  server.drop_all();
  EXPECT_EQ(channel.call(kSilence, Echo{}, in_ms(5000)).code(), Status::kUnreachable);
  EXPECT_TRUE(channel.call(kEcho, Echo{}, in_ms(5000)).ok());
}

TEST(Channel, AnErrorOfTheServerArrivesWithItsHint) {
  EchoServer server;
  Channel channel(server.connector(), {});
  const auto reply = channel.call(kRefuse, Echo{}, in_ms(5000));
  ASSERT_FALSE(reply.ok());
  EXPECT_EQ(reply.error().text(), "no (ask better)");
}

TEST(Channel, CloseEndsAWaitingCall) {
  EchoServer server;
  Channel channel(server.connector(), {});
  std::thread closer([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    channel.close();
  });
  EXPECT_NE(channel.call(kSilence, Echo{}, in_ms(20'000)).code(), Status::kTimeout);
  closer.join();
  EXPECT_EQ(channel.call(kEcho, Echo{}, in_ms(5000)).code(), Status::kClosed);
}

TEST(Connection, GarbageClosesTheConnectionAndOthersGoOn) {
  EchoServer server;
  base::Random random(1);
  for (int round = 0; round < 50; ++round) {
    auto fd = server.connector()(in_ms(5000));
    ASSERT_TRUE(fd.ok());
    std::vector<char> garbage(1 + random.below(200));
    for (char& byte : garbage) {
      byte = static_cast<char>(random.next());
    }
    iovec part{garbage.data(), garbage.size()};
    ASSERT_TRUE(io::write_all(fd->get(), {&part, 1}, in_ms(5000)).ok());
  }
  Channel channel(server.connector(), {});
  EXPECT_TRUE(channel.call(kEcho, Echo{}, in_ms(5000)).ok());
}

}  // namespace
}  // namespace aquifer::rpc
