#include "apps/replay_run.h"

#include <algorithm>
#include <chrono>
#include <span>
#include <utility>

#include "apps/workload_blocks.h"
#include "apps/workload_content.h"
#include "apps/workload_pool.h"
#include "base/check.h"
#include "base/random.h"
#include "base/strings.h"

namespace aquifer::apps {
namespace {

using Clock = std::chrono::steady_clock;

// Calls that move more are split: the memory of the replay stays bounded whatever the size of the
// objects.
constexpr std::uint64_t kCallBytes = 256ull << 20;

double milliseconds_since(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

/// One replay in progress.
class Replay {
 public:
  Replay(Client& client, const ReplaySettings& settings, const std::string& prefix,
         const BlockBuffers& buffers)
      : client_(client), settings_(settings), prefix_(prefix), buffers_(buffers) {}

  void request(const TraceRequest& request, bool is_counted);
  ReplayOutcome finish();

 private:
  /// The keys in the order in which the pool is to see them used: from the last block to the first,
  /// so that a leaf is older than its root.
  using Keys = std::span<const std::string_view>;

  bool read(Keys keys, double& spent);
  std::size_t store(Keys keys, double& spent);
  void note_trouble(std::string_view what, std::string_view key, Status status);

  Client& client_;
  const ReplaySettings& settings_;
  const std::string& prefix_;
  const BlockBuffers& buffers_;
  ReplayOutcome outcome_;
  std::vector<double> get_times_;
  std::vector<double> put_times_;
};

void Replay::request(const TraceRequest& request, bool is_counted) {
  std::vector<std::string> names;
  for (const std::uint64_t id : request) names.push_back(base::cat(prefix_, id));
  const std::vector<std::string_view> keys(names.begin(), names.end());
  const std::vector<std::string_view> reversed(keys.rbegin(), keys.rend());
  const auto begin = Clock::now();
  std::size_t run = keys.empty() ? 0 : client_.match_prefix(keys);
  double get_time = milliseconds_since(begin);
  const std::size_t matched = run;
  const auto missing = Keys(reversed).first(keys.size() - matched);
  if (!read(Keys(reversed).last(matched), get_time)) run = 0;
  double put_time = 0;
  const std::size_t stored = store(missing, put_time);
  if (!keys.empty()) (void)client_.exists_batch(reversed);
  if (!is_counted) return;
  ++outcome_.requests;
  outcome_.hits.blocks += keys.size();
  outcome_.hits.hits += run;
  outcome_.read_bytes += run * settings_.object_bytes;
  outcome_.written_bytes += stored * settings_.object_bytes;
  if (matched > 0) get_times_.push_back(get_time);
  if (!missing.empty()) put_times_.push_back(put_time);
}

/// Whether all keys were delivered; adds the time of the calls to `spent`, not that of comparing.
bool Replay::read(Keys keys, double& spent) {
  bool is_whole = true;
  while (!keys.empty()) {
    const Keys now = keys.first(std::min(keys.size(), buffers_.slots()));
    keys = keys.subspan(now.size());
    std::vector<GetItem> items;
    for (std::size_t i = 0; i < now.size(); ++i) {
      buffers_.poison(i);
      items.push_back({now[i], buffers_.pieces(i)});
    }
    const auto begin = Clock::now();
    const auto outcomes = client_.get_batch(items);
    spent += milliseconds_since(begin);
    for (std::size_t i = 0; i < now.size(); ++i) {
      if (outcomes[i].status != Status::kOk) {
        ++outcome_.lost_blocks;
        is_whole = false;
        note_trouble("get", now[i], outcomes[i].status);
      } else if (outcomes[i].bytes != settings_.object_bytes ||
                 buffers_.mismatch(i, Content(now[i], settings_.seed))) {
        ++outcome_.wrong_blocks;
        note_trouble("compare", now[i], Status::kIntegrity);
      }
    }
  }
  return is_whole;
}

/// The number of objects stored; adds the time of the calls to `spent`.
std::size_t Replay::store(Keys keys, double& spent) {
  std::size_t stored = 0;
  while (!keys.empty()) {
    const Keys now = keys.first(std::min(keys.size(), buffers_.slots()));
    keys = keys.subspan(now.size());
    std::vector<PutItem> items;
    for (std::size_t i = 0; i < now.size(); ++i) {
      buffers_.fill(i, Content(now[i], settings_.seed));
      items.push_back({now[i], buffers_.const_pieces(i)});
    }
    const auto begin = Clock::now();
    const auto statuses = client_.put_batch(items);
    spent += milliseconds_since(begin);
    for (std::size_t i = 0; i < now.size(); ++i) {
      if (is_success(statuses[i])) {
        stored += statuses[i] == Status::kOk ? 1 : 0;
        continue;
      }
      ++outcome_.failed_puts;
      note_trouble("put", now[i], statuses[i]);
    }
  }
  return stored;
}

void Replay::note_trouble(std::string_view what, std::string_view key, Status status) {
  if (!outcome_.trouble.empty()) return;
  outcome_.trouble = base::cat(what, " of ", key, ": ", name_of(status));
  const Error last = client_.last_error();
  if (last.code == status) outcome_.trouble += " (" + last.message + ")";
}

ReplayOutcome Replay::finish() {
  outcome_.get = summarize(get_times_);
  outcome_.put = summarize(put_times_);
  return std::move(outcome_);
}

/// Removes what the replay has put, so that a given pool is as it was.
void remove_keys(Client& client, const Trace& trace, const std::string& prefix) {
  for (const TraceRequest& request : trace.requests) {
    std::vector<std::string> names;
    for (const std::uint64_t id : request) names.push_back(base::cat(prefix, id));
    const std::vector<std::string_view> keys(names.begin(), names.end());
    if (!keys.empty()) (void)client.remove_batch(keys);
  }
}

}  // namespace

Result<ReplayOutcome> replay_on(Client& client, const Trace& trace, const ReplaySettings& settings,
                                const std::string& prefix, Progress& progress) {
  AQ_CHECK(settings.object_bytes > 0);
  const auto before = client.status();
  if (!before) return before.error();
  const std::size_t slots = std::clamp<std::size_t>(
      kCallBytes / settings.object_bytes, 1, std::max<std::size_t>(1, trace.longest_request()));
  auto buffers = BlockBuffers::make({settings.object_bytes}, slots);
  if (!buffers) return buffers.error();
  Replay replay(client, settings, prefix, *buffers);
  const std::size_t skip = skipped_requests(settings.skip, trace.requests.size());
  progress.begin(trace.requests.size());
  progress.describe("replay");
  const auto begin = Clock::now();
  for (std::size_t i = 0; i < trace.requests.size(); ++i) {
    replay.request(trace.requests[i], i >= skip);
    progress.advance();
  }
  ReplayOutcome outcome = replay.finish();
  outcome.seconds = milliseconds_since(begin) / 1000;
  const auto after = client.status();
  if (!after) return after.error();
  outcome.evictions = after->evictions - before->evictions;
  // The smallest pool there is can hold more than was asked for.
  const std::uint64_t fits =
      pool_blocks_in(after->capacity_bytes, settings.object_bytes, !settings.meta.empty());
  const bool is_as_asked =
      settings.blocks != 0 && fits <= settings.blocks + settings.blocks / 100 + 1;
  const std::uint64_t held = is_as_asked ? settings.blocks : fits;
  outcome.model_capacity = held;
  outcome.model = lru_hits(trace, held, skip);
  outcome.known = known_lru_ratio(trace, settings.blocks, skip);
  return outcome;
}

Result<ReplayOutcome> replay_trace(const Trace& trace, const ReplaySettings& settings,
                                   Progress& progress) {
  std::optional<PrivatePool> pool;
  if (settings.meta.empty()) {
    progress.describe("starting a private pool");
    const std::uint64_t bytes = settings.blocks != 0
                                    ? pool_bytes_for(settings.blocks, settings.object_bytes, false)
                                    : settings.capacity_bytes;
    auto started = PrivatePool::start(
        {.program = settings.program, .dram_bytes = bytes, .evicts_ahead = false});
    if (!started) return started.error();
    pool.emplace(std::move(*started));
  }
  // No cached handles: their uses reach meta a moment later, in which a replay has gone through
  // what is minutes of the trace, and would look like uses of much later requests.
  auto client = Client::open({.meta = pool ? pool->meta() : settings.meta,
                              .transport = settings.transport,
                              .copy_threads = settings.copy_threads,
                              .cached_handles = 0});
  if (!client) return client.error();
  const std::string prefix = base::cat("replay/", base::hex(base::random_id()), "/");
  auto outcome = replay_on(*client, trace, settings, prefix, progress);
  if (!pool) {
    progress.describe("removing the keys");
    remove_keys(*client, trace, prefix);
  }
  client->close();
  if (pool) {
    if (auto stopped = pool->stop(); !stopped && outcome) return stopped.error();
  }
  return outcome;
}

}  // namespace aquifer::apps
