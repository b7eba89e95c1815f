#include "sim/client_process.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/check.h"
#include "sim/surroundings.h"

namespace aquifer::sim {

namespace {

constexpr Micros kStepMax = 60;
constexpr std::size_t kHandlesMax = 64;
constexpr Micros kLateMax = ms(5);  // a step in hand, and the word that a put is given up

// The catalogs of segments as they are now, to be put back.
class Catalogs {
 public:
  explicit Catalogs(const std::vector<std::weak_ptr<SegmentMemory>>& segments) {
    std::set<const SegmentMemory*> seen;
    for (const auto& segment : segments) {
      if (auto memory = segment.lock(); memory != nullptr && seen.insert(memory.get()).second) {
        const std::byte* const base = memory->view.base();
        std::vector<std::byte> bytes(base, base + memory->view.shape().data_offset);
        saved_.push_back({std::move(memory), std::move(bytes)});
      }
    }
  }
  ~Catalogs() {
    for (const Saved& one : saved_) {
      std::copy(one.bytes.begin(), one.bytes.end(), one.memory->view.base());
    }
  }
  Catalogs(const Catalogs&) = delete;
  Catalogs& operator=(const Catalogs&) = delete;

 private:
  struct Saved {
    std::shared_ptr<SegmentMemory> memory;
    std::vector<std::byte> bytes;
  };
  std::vector<Saved> saved_;
};

}  // namespace

Call::Call(ClientProcess& client, std::uint32_t key, Micros deadline)
    : client_(client),
      key_(key),
      name_(key_name(key)),
      deadline_(client.world().now() + deadline),
      stopped_before_(client.stopped_for()) {}

World& Call::world() const { return client_.world(); }
client::Session& Call::session() const { return client_.session(); }
Oracle& Call::oracle() const { return client_.oracle(); }

bool Call::is_late() const { return world().now() >= deadline_; }

client::Call Call::begin() const {
  const auto begun = session().begin({kSpace, time_left()});
  AQ_CHECK(begun.ok());
  return *begun;
}

void Call::on_answer(const rpc::Frame&, std::string_view, std::uint64_t meta) {
  answered_by_ = meta;
}

void Call::step() {
  Micros delay = world().between(1, kStepMax);
  if (!client_.is_calm && world().chance(client_.plan().preempted)) {
    const Micros still = world().between(1, ms(world().chance(0.3) ? 3000 : 60));
    say("its thread stands still");
    excused_ += still;
    delay += still;
  }
  client_.threads().stand_still(delay);
}

void Call::run() {
  begun_ = world().step();
  make();
  const Micros stopped = client_.stopped_for() - stopped_before_;
  if (world().now() > deadline_ + excused_ + stopped + kLateMax) {
    world().violated(client_.name(), ": a call on ", name_, " ends ",
                     (world().now() - deadline_) / 1000, " ms after its deadline");
  }
}

ClientProcess::ClientProcess(World& world, Network& network, Oracle& oracle, MetaProcess& meta,
                             const Plan& plan, unsigned number, FindNode find_node)
    : Process(world, base::cat("client-", number)),
      network_(network),
      oracle_(oracle),
      meta_(meta),
      plan_(plan),
      find_node_(std::move(find_node)),
      threads_(*this) {}

ClientProcess::~ClientProcess() { vanish(); }

void ClientProcess::start() {
  begin();
  say("starts");
  ClientOptions options;
  options.meta = "meta:1";
  options.name_space = kSpace;
  options.transport = Transport::kShm;
  options.tcp_streams = 1;
  options.cached_handles = kHandlesMax;
  auto opened = client::Session::open(std::move(options),
                                      std::make_unique<Surroundings>(*this, network_, meta_));
  AQ_CHECK(opened.ok());
  session_ = *std::move(opened);
}

void ClientProcess::crash() {
  say("is killed");
  network_.process_ended(*this);
  end();
  vanish();
}

// A killed process does nothing any more: what the destructors of its stacks and of its session do
// to the memory of others is undone.
void ClientProcess::vanish() {
  const Catalogs catalogs(mapped_);
  threads_.kill_all();
  session_.reset();
  mapped_.clear();
  calls_ = 0;
}

void ClientProcess::begin_call(std::shared_ptr<Call> call, std::function<void()> on_end) {
  ++calls_;
  Call* const of = call.get();
  threads_.start(
      [this, call = std::move(call), on_end = std::move(on_end)] {
        call->run();
        --calls_;
        after(0, on_end);
      },
      of);
}

}  // namespace aquifer::sim
