#include "apps/bench_meta_clients.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <span>
#include <utility>

#include "aquifer/client.h"
#include "base/random.h"
#include "base/strings.h"

namespace aquifer::apps {
namespace {

constexpr std::size_t kBatch = MetaLoad::kBatch;

/// One process.
class MetaClient {
 public:
  MetaClient(Client client, const MetaLoad& load, const SmallObjects& standing, std::uint64_t seed,
             unsigned member)
      : client_(std::move(client)),
        load_(load),
        standing_keys_(standing.keys(0, load.objects)),
        standing_(standing),
        fresh_(base::cat(standing.prefix(), "put/", member, "/"), standing.bytes(), seed),
        random_(seed + member),
        memory_(kBatch * standing.bytes()) {}

  BenchTally carry_out(BenchOrder order) {
    tally_ = {};
    const auto act = static_cast<MetaAct>(order.act);
    if (act == MetaAct::kLookup) {
      for (std::uint64_t i = 0; i < load_.lookup_batches; ++i) look_up();
    } else if (act == MetaAct::kLookupAbsent) {
      look_up_absent();
    } else {
      for (std::uint64_t i = 0; i < load_.put_batches; ++i) {
        const std::uint64_t first = (order.round * load_.put_batches + i) * kBatch;
        const auto keys = fresh_.keys(first, kBatch);
        if (act == MetaAct::kPut) put(keys);
        if (act == MetaAct::kReadBack) read_back(keys);
        if (act == MetaAct::kRemove) remove(keys);
      }
    }
    return tally_;
  }

 private:
  std::span<std::byte> value(std::size_t at) {
    return std::span(memory_).subspan(at * fresh_.bytes(), fresh_.bytes());
  }

  void expect(std::span<const Status> statuses, Status wanted, std::string_view what) {
    tally_.done += statuses.size();
    for (const Status status : statuses) {
      if (status != wanted) note(base::cat(what, ": ", name_of(status)));
    }
    if (statuses.size() != kBatch) note(base::cat(what, ": ", statuses.size(), " answers"));
  }

  void note(std::string trouble) {
    ++tally_.wrong;
    if (!tally_.trouble.empty()) return;
    const Error last = client_.last_error();
    tally_.trouble =
        last.code == Status::kOk ? trouble : base::cat(trouble, " (", last.message, ")");
  }

  void look_up() {
    const std::size_t first = random_.below(standing_keys_.size() / kBatch) * kBatch;
    const auto run = std::span(standing_keys_).subspan(first, kBatch);
    const std::vector<std::string_view> keys(run.begin(), run.end());
    expect(client_.exists_batch(keys), Status::kOk, "look-up");
  }

  void look_up_absent() {
    const auto keys = standing_.keys(load_.objects, kBatch);
    const std::vector<std::string_view> views(keys.begin(), keys.end());
    expect(client_.exists_batch(views), Status::kNotFound, "look-up of what is not there");
  }

  void put(const std::vector<std::string>& keys) {
    std::vector<ConstPiece> pieces(kBatch);
    std::vector<PutItem> items(kBatch);
    for (std::size_t i = 0; i < kBatch; ++i) {
      fresh_.fill(keys[i], value(i));
      pieces[i] = {value(i).data(), value(i).size()};
      items[i] = {.key = keys[i], .pieces = {&pieces[i], 1}};
    }
    expect(client_.put_batch(items), Status::kOk, "put");
  }

  void read_back(const std::vector<std::string>& keys) {
    std::fill(memory_.begin(), memory_.end(), std::byte{0});
    std::vector<Piece> pieces(kBatch);
    std::vector<GetItem> items(kBatch);
    for (std::size_t i = 0; i < kBatch; ++i) {
      pieces[i] = {value(i).data(), value(i).size()};
      items[i] = {.key = keys[i], .pieces = {&pieces[i], 1}};
    }
    const auto outcomes = client_.get_batch(items);
    std::vector<Status> statuses;
    for (const GetOutcome& outcome : outcomes) statuses.push_back(outcome.status);
    expect(statuses, Status::kOk, "read-back");
    for (std::size_t i = 0; i < kBatch; ++i) {
      if (outcomes[i].bytes != fresh_.bytes() || !fresh_.matches(keys[i], value(i))) {
        note("read-back: a wrong byte");
      }
    }
  }

  void remove(const std::vector<std::string>& keys) {
    const std::vector<std::string_view> views(keys.begin(), keys.end());
    expect(client_.remove_batch(views), Status::kOk, "removal");
  }

  Client client_;
  const MetaLoad load_;
  const std::vector<std::string> standing_keys_;
  const SmallObjects standing_;
  const SmallObjects fresh_;
  base::Random random_;
  std::vector<std::byte> memory_;
  BenchTally tally_;
};

}  // namespace

Result<BenchForks> start_meta_clients(const std::string& meta, const MetaLoad& load,
                                      const SmallObjects& standing, std::uint64_t seed) {
  return BenchForks::start(MetaLoad::kProcesses, [&](unsigned member) -> BenchForks::Work {
    // No handles: every key of every batch is looked up at meta, and remembering is not measured.
    auto client =
        Client::open({.meta = meta, .timeout = std::chrono::seconds(60), .cached_handles = 0});
    if (!client) {
      return [why = client.error().message](BenchOrder) {
        return BenchTally{.wrong = 1, .trouble = why};
      };
    }
    auto state = std::make_shared<MetaClient>(std::move(*client), load, standing, seed, member);
    return [state](BenchOrder order) { return state->carry_out(order); };
  });
}

}  // namespace aquifer::apps
