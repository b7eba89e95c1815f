// The data port, spoken to by hand.
#include "node/bulk_connection.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <atomic>
#include <thread>

#include "base/random.h"
#include "io/socket.h"
#include "node/segment_fixture.h"

namespace aquifer::node {
namespace {

using pool::SlotState;
using pool::SlotWord;
using protocol::BulkOp;
using protocol::BulkReply;
using protocol::BulkRequest;
using protocol::BulkTrailer;

/// A connection whose calls are bounded in time.
class Wire {
 public:
  explicit Wire(const io::Address& address) : fd_(*io::connect_tcp(address, soon())) {}

  bool send(const void* bytes, std::size_t count) {
    iovec part{const_cast<void*>(bytes), count};
    return io::write_all(fd_.get(), {&part, 1}, soon()).ok();
  }
  bool receive(void* bytes, std::size_t count) {
    iovec part{bytes, count};
    return io::read_exact(fd_.get(), {&part, 1}, soon()).ok();
  }
  /// The status of the next reply; nothing when the node closed the connection.
  std::optional<Status> status() {
    BulkReply reply;
    if (!receive(&reply, sizeof reply)) {
      return std::nullopt;
    }
    EXPECT_TRUE(protocol::intact(reply));
    return static_cast<Status>(reply.status);
  }
  bool closed() {
    char byte = 0;
    return io::wait_readable(fd_.get(), soon()) && recv(fd_.get(), &byte, 1, 0) <= 0;
  }
  void finish_sending() { shutdown(fd_.get(), SHUT_WR); }

 private:
  static io::Deadline soon() { return io::Clock::now() + std::chrono::seconds(30); }
  base::UniqueFd fd_;
};

class BulkConnectionTest : public ::testing::Test, protected SegmentFixture {
 protected:
  BulkConnectionTest() {
    auto listening = io::listen_tcp({"127.0.0.1", 0});
    address_ = *io::local_address(listening->get());
    served_ = std::shared_ptr<SegmentHost>(std::move(host_));
    host_view_ = served_.get();
    server_.emplace(
        *std::move(listening), 2, [this] { return served_; },
        [this](const std::string&) { ++failures_; });
  }
  ~BulkConnectionTest() override {
    server_.reset();
    EXPECT_EQ(failures_.load(), 0);
  }

  BulkRequest request(BulkOp op, std::uint32_t slot, std::uint64_t generation,
                      std::string_view value) const {
    BulkRequest request;
    request.op = op;
    request.segment = served_->view().id();
    request.slot = slot;
    request.generation = generation;
    request.put = put_;
    request.value_bytes = static_cast<std::uint32_t>(value.size());
    request.header_bytes = pool::header_bytes(kSpace.size(), kKey.size(), value.size());
    request.extent_count = 1;
    const auto extent = extent_of(slot, pool::stored_bytes(value.size(), request.header_bytes));
    request.extents[0] = {extent.first_unit, extent.units};
    return request;
  }
  std::vector<std::byte> header(std::uint32_t slot, std::uint64_t generation,
                                std::string_view value) const {
    return pool::encode_header(
        {kSpace, kKey, put_, served_->view().id(), slot, generation, value.size()},
        digests_of(put_, value));
  }
  static std::string frame(BulkRequest request, std::string_view body = {}) {
    request = protocol::sealed(request);
    return std::string(reinterpret_cast<const char*>(&request), sizeof request) + std::string(body);
  }
  std::string write_frame(std::uint32_t slot, std::uint64_t generation, std::string_view value,
                          std::uint64_t offset, std::uint64_t bytes) const {
    auto head = request(BulkOp::kWrite, slot, generation, value);
    head.offset = offset;
    head.bytes = static_cast<std::uint32_t>(bytes);
    const auto all = digests_of(put_, value);
    const auto* digests = reinterpret_cast<const char*>(all.data() + offset / pool::kPageBytes);
    return frame(head, std::string(value.substr(offset, bytes)) +
                           std::string(digests, pool::page_count(bytes) * sizeof all[0]));
  }
  std::string seal_frame(std::uint32_t slot, std::uint64_t generation,
                         std::string_view value) const {
    auto head = request(BulkOp::kSeal, slot, generation, value);
    const auto bytes = header(slot, generation, value);
    head.bytes = static_cast<std::uint32_t>(bytes.size());
    head.header_digest = pool::digest_of_header(put_, bytes);
    return frame(head, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  }
  std::string read_frame(std::uint32_t slot, std::uint64_t generation, std::uint64_t offset,
                         std::uint64_t bytes) const {
    auto head = request(BulkOp::kRead, slot, generation, "v");
    head.offset = offset;
    head.bytes = static_cast<std::uint32_t>(bytes);
    return frame(head);
  }
  static std::optional<Status> ask(Wire& wire, const std::string& bytes) {
    EXPECT_TRUE(wire.send(bytes.data(), bytes.size()));
    return wire.status();
  }
  SlotWord slot_word(std::uint32_t slot) const {
    return SlotWord::of(served_->view().slot(slot).word.load());
  }
  const std::byte* memory_of(std::uint32_t slot) const {
    const auto& view = served_->view();
    return view.base() + view.shape().data_offset +
           extent_of(slot, 1).first_unit * pool::kUnitBytes;
  }

  const base::PutId put_{1, 77};
  io::Address address_;
  std::shared_ptr<SegmentHost> served_;
  SegmentHost* host_view_ = nullptr;
  std::atomic<int> failures_{0};
  std::optional<BulkServer> server_;
};

std::string sample(std::size_t bytes) {
  std::string value(bytes, '\0');
  base::Random random(bytes);
  for (char& byte : value) {
    byte = static_cast<char>(random.next());
  }
  return value;
}

TEST_F(BulkConnectionTest, WhatIsWrittenAndSealedIsReadBack) {
  const std::string value = sample(200'000);
  Wire wire(address_);
  EXPECT_EQ(ask(wire, write_frame(0, 1, value, 131072, value.size() - 131072)), Status::kOk);
  EXPECT_EQ(ask(wire, write_frame(0, 1, value, 0, 131072)), Status::kOk);
  EXPECT_EQ(ask(wire, seal_frame(0, 1, value)), Status::kOk);
  EXPECT_EQ(slot_word(0), (SlotWord{1, SlotState::kSealed}));
  EXPECT_EQ(ask(wire, seal_frame(0, 1, value)), Status::kOk) << "a repeat";
  Wire reader(address_);
  ASSERT_EQ(ask(reader, read_frame(0, 1, 0, value.size())), Status::kOk);
  std::string got(value.size(), '\0');
  BulkTrailer trailer;
  ASSERT_TRUE(reader.receive(got.data(), got.size()));
  ASSERT_TRUE(reader.receive(&trailer, sizeof trailer));
  EXPECT_TRUE(protocol::intact(trailer));
  EXPECT_EQ(trailer.status, 0);
  EXPECT_EQ(got, value);
  EXPECT_EQ(server_->counters().written.load(), value.size());
}

TEST_F(BulkConnectionTest, DuplicatedPiecesAreHarmless) {
  const std::string value = sample(100'000);
  Wire one(address_);
  Wire two(address_);
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(ask(one, write_frame(0, 1, value, 0, 65536)), Status::kOk);
    EXPECT_EQ(ask(two, write_frame(0, 1, value, 65536, value.size() - 65536)), Status::kOk);
  }
  EXPECT_EQ(ask(two, seal_frame(0, 1, value)), Status::kOk);
  EXPECT_EQ(ask(one, write_frame(0, 1, value, 0, 65536)), Status::kCancelled) << "sealed";
  EXPECT_EQ(ask(one, seal_frame(0, 1, value)), Status::kOk);
}

TEST_F(BulkConnectionTest, ASealBeforeAllPagesHaveComeIsRefused) {
  const std::string value = sample(200'000);
  Wire wire(address_);
  EXPECT_EQ(ask(wire, seal_frame(0, 1, value)), Status::kIntegrity);
  EXPECT_EQ(ask(wire, write_frame(0, 1, value, 0, 65536)), Status::kOk);
  EXPECT_EQ(ask(wire, seal_frame(0, 1, value)), Status::kIntegrity);
  EXPECT_EQ(slot_word(0), (SlotWord{1, SlotState::kGranted}));
}

TEST_F(BulkConnectionTest, APieceDamagedOnTheWireIsToldAndCanBeSentAgain) {
  const std::string value = sample(50'000);
  Wire wire(address_);
  std::string damaged = write_frame(0, 1, value, 0, value.size());
  damaged[sizeof(BulkRequest) + 100] ^= 1;
  EXPECT_EQ(ask(wire, damaged), Status::kIntegrity);
  EXPECT_EQ(ask(wire, seal_frame(0, 1, value)), Status::kIntegrity);
  EXPECT_EQ(ask(wire, write_frame(0, 1, value, 0, value.size())), Status::kOk);
  EXPECT_EQ(ask(wire, seal_frame(0, 1, value)), Status::kOk);
}

TEST_F(BulkConnectionTest, AHeaderThatIsNotOfThisPutIsRefused) {
  const std::string value = sample(1000);
  Wire wire(address_);
  ASSERT_EQ(ask(wire, write_frame(0, 1, value, 0, value.size())), Status::kOk);
  std::string damaged = seal_frame(0, 1, value);
  damaged.back() = static_cast<char>(damaged.back() ^ 1);
  EXPECT_EQ(ask(wire, damaged), Status::kIntegrity);
  const std::string other = sample(999);  // another size, digested correctly
  EXPECT_NE(ask(wire, seal_frame(0, 1, other)), Status::kOk);
  EXPECT_EQ(ask(wire, seal_frame(0, 1, value)), Status::kOk);
  std::string again = seal_frame(0, 1, sample(1001));
  EXPECT_NE(ask(wire, again), Status::kOk) << "sealed, but with another header";
}

TEST_F(BulkConnectionTest, RequestsOutOfRangeAreRefusedAndTheConnectionGoesOn) {
  const std::string value = sample(100'000);
  Wire wire(address_);
  const auto refused = [&](auto change) {
    auto head = request(BulkOp::kWrite, 0, 1, value);
    head.bytes = 512;
    change(head);
    const std::string body(head.bytes + pool::page_count(head.bytes) * 8, 'x');
    return ask(wire, frame(head, body));
  };
  EXPECT_EQ(refused([](auto& r) { r.offset = 512; }), Status::kInvalidArgument);
  EXPECT_EQ(refused([](auto&) {}), Status::kInvalidArgument) << "a page in part";
  EXPECT_EQ(refused([](auto& r) { r.offset = ~std::uint64_t{65535}; }), Status::kInvalidArgument);
  EXPECT_EQ(refused([](auto& r) { r.bytes = 131072; }), Status::kInvalidArgument);
  EXPECT_EQ(refused([](auto& r) { r.value_bytes = UINT32_MAX; }), Status::kInvalidArgument);
  EXPECT_EQ(refused([](auto& r) { r.value_bytes = 0; }), Status::kInvalidArgument);
  EXPECT_EQ(refused([](auto& r) { r.extent_count = 9; }), Status::kInvalidArgument);
  EXPECT_EQ(refused([](auto& r) { r.extent_count = 0; }), Status::kInvalidArgument);
  EXPECT_EQ(refused([](auto& r) { r.extents[0].first_unit = UINT32_MAX; }),
            Status::kInvalidArgument);
  EXPECT_EQ(refused([](auto& r) { r.extents[0].units = 1; }), Status::kInvalidArgument);
  EXPECT_EQ(refused([](auto& r) {
              r.extent_count = 2;
              r.extents[1] = r.extents[0];
            }),
            Status::kInvalidArgument);
  EXPECT_EQ(refused([](auto& r) { r.slot = UINT32_MAX; }), Status::kNotFound);
  EXPECT_EQ(refused([](auto& r) { r.segment.value ^= 1; }), Status::kNotFound);
  EXPECT_EQ(ask(wire, write_frame(0, 1, value, 65536, value.size() - 65536)), Status::kOk);
}

TEST_F(BulkConnectionTest, AReadOfWhatIsNotThereOrTooLongIsAnsweredSo) {
  const std::string value = sample(1000);
  Wire wire(address_);
  EXPECT_EQ(ask(wire, read_frame(0, 1, 0, 100)), Status::kNotFound);
  ASSERT_EQ(ask(wire, write_frame(0, 1, value, 0, value.size())), Status::kOk);
  EXPECT_EQ(ask(wire, read_frame(0, 1, 0, 100)), Status::kNotFound) << "not sealed";
  ASSERT_EQ(ask(wire, seal_frame(0, 1, value)), Status::kOk);
  EXPECT_EQ(ask(wire, read_frame(0, 2, 0, 100)), Status::kNotFound);
  EXPECT_EQ(ask(wire, read_frame(0, 1, 0, 5000)), Status::kIntegrity);
  EXPECT_EQ(ask(wire, read_frame(0, 1, ~std::uint64_t{0}, 100)), Status::kIntegrity);
  const std::uint64_t stored =
      pool::stored_bytes(value.size(), static_cast<std::uint32_t>(header(0, 1, value).size()));
  EXPECT_EQ(ask(wire, read_frame(0, 1, stored - 1, 2)), Status::kIntegrity);
  served_->view().slot(0).content.extents[0].first_unit ^= 1;  // damaged
  EXPECT_EQ(ask(wire, read_frame(0, 1, 0, 100)), Status::kIntegrity);
}

TEST_F(BulkConnectionTest, ALateWriterCannotWriteIntoASlotThatWasTakenBack) {
  const std::string value = sample(65536);
  const std::string head = write_frame(0, 1, value, 0, value.size());
  Wire late(address_);
  ASSERT_TRUE(late.send(head.data(), sizeof(BulkRequest) + 1000));  // then it stalls
  const auto deadline = io::Clock::now() + std::chrono::seconds(30);
  while (std::memcmp(memory_of(0), value.data(), 1000) != 0 && io::Clock::now() < deadline) {
    std::this_thread::yield();
  }
  ASSERT_EQ(host_view_->reclaim({0, 1}).next_generation, 2u);
  const std::string next = sample(65500);
  Wire owner(address_);
  ASSERT_EQ(ask(owner, write_frame(0, 2, next, 0, next.size())), Status::kOk);
  ASSERT_TRUE(late.send(head.data() + sizeof(BulkRequest) + 1000,
                        head.size() - sizeof(BulkRequest) - 1000));
  EXPECT_EQ(late.status(), Status::kCancelled);
  EXPECT_EQ(ask(late, head), Status::kCancelled);
  EXPECT_EQ(ask(late, seal_frame(0, 1, value)), Status::kCancelled);
  EXPECT_EQ(ask(owner, seal_frame(0, 2, next)), Status::kOk) << "the new owner is not disturbed";
  EXPECT_EQ(std::memcmp(memory_of(0), next.data(), next.size()), 0);
}

TEST_F(BulkConnectionTest, AReclaimRacingWithWritersLeavesNoByteOfTheOldOwner) {
  const std::string value = sample(65536);
  std::atomic<bool> stop{false};
  std::vector<std::thread> writers;
  for (int writer = 0; writer < 2; ++writer) {
    writers.emplace_back([&] {
      Wire wire(address_);
      for (std::uint64_t generation = 1; !stop;) {
        const auto status = ask(wire, write_frame(0, generation, value, 0, value.size()));
        ASSERT_TRUE(status.has_value());
        generation = slot_word(0).generation;
      }
    });
  }
  auto* to = const_cast<std::byte*>(memory_of(0));
  for (std::uint64_t generation = 1; generation < 60; ++generation) {
    // Waits for a write to be at work, takes the slot away, and looks whether anything still comes.
    served_->view().slot(1).word.load();
    std::this_thread::yield();
    auto& slot = served_->view().slot(0);
    ASSERT_TRUE(
        pool::swap_word(slot, {generation, SlotState::kGranted}, {generation, SlotState::kLimbo}));
    served_->open_writes().fence(0);
    std::memset(to, 0xee, 70'000);
    for (int look = 0; look < 20; ++look) {
      std::this_thread::yield();
    }
    for (std::size_t i = 0; i < 70'000; ++i) {
      ASSERT_EQ(to[i], std::byte{0xee}) << "byte " << i << " of generation " << generation;
    }
    ASSERT_EQ(host_view_->reclaim({0, generation}).next_generation, generation + 1);
  }
  stop = true;
  for (std::thread& writer : writers) {
    writer.join();
  }
}

TEST_F(BulkConnectionTest, WhoSaysNothingMakesRoomForWhoAsks) {
  auto listening = io::listen_tcp({"127.0.0.1", 0});
  const io::Address crowded = *io::local_address(listening->get());
  constexpr std::size_t kMost = 4;
  const BulkServer server(
      *std::move(listening), 1, [this] { return served_; },
      [this](const std::string&) { ++failures_; }, kMost);
  Wire known(crowded);
  EXPECT_EQ(ask(known, read_frame(0, 1, 0, 1)), Status::kNotFound);
  std::vector<std::unique_ptr<Wire>> silent;
  for (std::size_t i = 0; i < kMost - 1; ++i) {
    silent.push_back(std::make_unique<Wire>(crowded));
  }
  Wire asking(crowded);
  EXPECT_EQ(ask(asking, read_frame(0, 1, 0, 1)), Status::kNotFound) << "the oldest made room";
  EXPECT_TRUE(silent.front()->closed());
  EXPECT_EQ(ask(known, read_frame(0, 1, 0, 1)), Status::kNotFound) << "who has asked stays";
  EXPECT_EQ(ask(*silent.back(), read_frame(0, 1, 0, 1)), Status::kNotFound);
}

TEST_F(BulkConnectionTest, GarbageEndsTheConnectionAndNothingElse) {
  constexpr std::uint64_t kSeed = 5;
  SCOPED_TRACE(testing::Message() << "seed " << kSeed);
  base::Random random(kSeed);
  const std::string value = sample(3000);
  const std::string good = write_frame(3, 1, value, 0, value.size());
  for (int round = 0; round < 300; ++round) {
    Wire wire(address_);
    std::string bytes = good.substr(0, sizeof(BulkRequest));
    if (round % 2 == 0) {
      bytes[random.below(bytes.size())] ^= static_cast<char>(1 << random.below(8));
    } else {
      for (char& byte : bytes) {
        byte = static_cast<char>(random.next());
      }
    }
    ASSERT_TRUE(wire.send(bytes.data(), bytes.size()));
    ASSERT_TRUE(wire.closed()) << "round " << round;
  }
  auto unknown = request(BulkOp::kWrite, 3, 1, value);
  unknown.op = static_cast<BulkOp>(9);
  auto newer = request(BulkOp::kWrite, 3, 1, value);
  newer.version = protocol::kBulkVersion + 1;
  auto huge = request(BulkOp::kWrite, 3, 1, value);
  huge.bytes = protocol::kBulkPieceBytes + 1;
  for (const BulkRequest& odd : {unknown, newer, huge}) {
    Wire wire(address_);
    const std::string bytes = frame(odd);
    ASSERT_TRUE(wire.send(bytes.data(), bytes.size()));
    EXPECT_TRUE(wire.closed());
  }
  Wire wire(address_);
  EXPECT_EQ(ask(wire, good), Status::kOk);
}

TEST_F(BulkConnectionTest, ARequestCutShortAnywhereLeavesTheNodeWell) {
  const std::string value = sample(3000);
  const std::string whole = write_frame(3, 1, value, 0, value.size());
  for (std::size_t bytes = 0; bytes < whole.size(); bytes += 61) {
    Wire wire(address_);
    ASSERT_TRUE(bytes == 0 || wire.send(whole.data(), bytes));
    wire.finish_sending();
    EXPECT_TRUE(wire.closed()) << bytes;
  }
  Wire wire(address_);
  for (const char byte : whole) {  // and one that comes in the smallest pieces
    ASSERT_TRUE(wire.send(&byte, 1));
  }
  EXPECT_EQ(wire.status(), Status::kOk);
  EXPECT_EQ(ask(wire, seal_frame(3, 1, value)), Status::kOk);
}

TEST_F(BulkConnectionTest, ManyRequestsInFlightAreAnsweredInOrder) {
  const std::string value = sample(65536);
  Wire wire(address_);
  std::string all;
  for (int i = 0; i < 5; ++i) {
    all += write_frame(0, 1, value, 0, value.size());
    all += write_frame(1, 9, value, 0, value.size());
  }
  all += seal_frame(0, 1, value);
  ASSERT_TRUE(wire.send(all.data(), all.size()));
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(wire.status(), Status::kOk);
    EXPECT_EQ(wire.status(), Status::kCancelled) << "that generation was not granted";
  }
  EXPECT_EQ(wire.status(), Status::kOk);
}

}  // namespace
}  // namespace aquifer::node
