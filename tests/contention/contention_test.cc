// Writers, readers, views, evictions and removals at full rate on a pool that is much too small:
// not one wrong byte, the space adds up, and nothing is left behind. AQUIFER_CONTENTION_SECONDS
// says for how long (5), AQUIFER_SEED repeats the draws of a run.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <thread>
#include <vector>

#include "aquifer/pool.h"
#include "base/random.h"
#include "children.h"
#include "crew.h"
#include "leftovers.h"
#include "one_mapping.h"

namespace aquifer::contention {
namespace {

using Clock = std::chrono::steady_clock;
#if defined(AQUIFER_THREAD_SANITIZER)
constexpr std::uint64_t kPoolBytes = 6u << 20;  // what goes twenty times slower fills it as often
#else
constexpr std::uint64_t kPoolBytes = 24u << 20;
#endif
constexpr std::chrono::seconds kPatience{20};

std::uint64_t number_in(const char* variable, std::uint64_t otherwise) {
  const char* value = std::getenv(variable);
  return value != nullptr && *value != '\0' ? std::strtoull(value, nullptr, 10) : otherwise;
}

/// The thread sanitizer has a thread of its own from the first one on.
Holdings holdings_of_a_process_with_threads() {
  std::thread([] {}).join();
  return holdings_now();
}

class ContentionTest : public ::testing::Test {
 protected:
  ContentionTest()
      : seed_(number_in("AQUIFER_SEED", base::random_id() >> 32)),
        time_(number_in("AQUIFER_CONTENTION_SECONDS", 5)),
        before_(holdings_of_a_process_with_threads()),
        board_(Board::make(board_descriptor_)) {
    std::printf("AQUIFER_SEED=%llu\n", static_cast<unsigned long long>(seed_));
    auto pool = Pool::open({.dram_bytes = kPoolBytes});
    if (!pool) throw std::runtime_error(pool.error().text());
    pool_.emplace(std::move(*pool));
  }

  Client client(Transport transport) const {
    return *pool_->client({.transport = transport, .timeout = kPatience});
  }

  /// After all writers and readers: what they found, and the books of the pool.
  void finish();
  void expect_an_empty_pool(Client& client);

  const std::uint64_t seed_;
  const std::chrono::seconds time_;
  const Holdings before_;
  int board_descriptor_ = -1;
  Board* board_;
  std::optional<Pool> pool_;
};

PoolStatus status_of(Client& client) {
  const auto status = client.status();
  EXPECT_TRUE(status.ok()) << status.error().text();
  return status ? *status : PoolStatus{};
}

/// Waits until the pool is as it should be when nobody uses it.
PoolStatus wait_until(Client& client, bool (*is_so)(const PoolStatus&)) {
  const auto deadline = Clock::now() + kPatience;
  PoolStatus status = status_of(client);
  while (!is_so(status) && Clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    status = status_of(client);
  }
  return status;
}

void ContentionTest::expect_an_empty_pool(Client& client) {
  PoolStatus status =
      wait_until(client, [](const PoolStatus& s) { return s.limbo_bytes == 0 && s.views == 0; });
  EXPECT_EQ(status.limbo_bytes, 0u);
  EXPECT_EQ(status.views, 0u);
  EXPECT_EQ(status.free_bytes + status.used_bytes + status.limbo_bytes, status.capacity_bytes);
  EXPECT_EQ(status.capacity_bytes, kPoolBytes);
  EXPECT_EQ(status.integrity_failures, 0u);
  EXPECT_GT(status.evictions, 0u) << "the pool was not too small";
  const auto removed = client.remove_prefix("");
  ASSERT_TRUE(removed.ok()) << removed.error().text();
  status = wait_until(client, [](const PoolStatus& s) { return s.free_bytes == s.capacity_bytes; });
  EXPECT_EQ(status.free_bytes, status.capacity_bytes);
  EXPECT_EQ(status.used_bytes, 0u);
  EXPECT_EQ(status.objects, 0u);
  EXPECT_EQ(status.pinned_bytes, 0u);
}

void ContentionTest::finish() {
  {
    auto looker = client(Transport::kAuto);
    const PoolStatus status = status_of(looker);
    EXPECT_EQ(status.free_bytes + status.used_bytes + status.limbo_bytes, status.capacity_bytes);
    std::printf("%sevictions: %llu\n", board_->table().c_str(),
                static_cast<unsigned long long>(status.evictions));
    expect_an_empty_pool(looker);
  }
  EXPECT_EQ(board_->faults(), 0u) << board_->first_fault();
  for (const Call call : {Call::kPut, Call::kReplace, Call::kOpenPut, Call::kRemove, Call::kGet,
                          Call::kGetBatch, Call::kGetRange, Call::kView, Call::kList}) {
    EXPECT_GT(board_->total(call, Status::kOk), 0u) << name_of(call);
  }
  pool_.reset();
  Board::drop(board_, board_descriptor_);
  const Holdings after = wait_for(before_, kPatience);
  EXPECT_TRUE(after == before_) << "before: " << before_.text() << "\nafter: " << after.text();
}

TEST_F(ContentionTest, ThreadsRaceInOneProcessWithoutAWrongByte) {
  {
    std::array clients{client(Transport::kShm), client(Transport::kShm), client(Transport::kTcp)};
    const Crew crew(*board_, clients, 1, 2, seed_);
    std::this_thread::sleep_for(time_);
    board_->stop();
  }
#if defined(AQUIFER_THREAD_SANITIZER)
  EXPECT_GE(mappings_shared(), 2u) << "the sanitizer saw node and clients apart";
#endif
  finish();
}

TEST_F(ContentionTest, ProcessesCompeteAndDieWithoutAWrongByte) {
  constexpr std::array kTransports{Transport::kShm, Transport::kShm, Transport::kShm,
                                   Transport::kTcp};
  base::Random random(seed_);
  std::vector<pid_t> children;
  const auto start = [&](std::size_t place) {
    return start_child(
        {pool_->meta_address(), kTransports[place], board_descriptor_, random.next() >> 16});
  };
  for (std::size_t i = 0; i < kTransports.size(); ++i) children.push_back(start(i));
  unsigned killed = 0;
  const auto end = Clock::now() + time_;
  while (Clock::now() < end) {
    std::this_thread::sleep_for(std::chrono::milliseconds(500 + random.below(1000)));
    const std::size_t place = random.below(children.size());
    kill(children[place], SIGKILL);
    const int status = await_end(children[place]);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << "it had ended: " << status;
    children[place] = start(place);
    ++killed;
  }
  board_->stop();
  for (const pid_t child : children) EXPECT_EQ(await_end(child), 0);
  std::printf("processes killed: %u\n", killed);
  EXPECT_GT(killed, 0u);
  finish();
}

}  // namespace
}  // namespace aquifer::contention
