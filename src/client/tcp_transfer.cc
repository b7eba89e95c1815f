// Transfers through the data ports of nodes (protocol/bulk.h): the pieces of all objects of one
// node are dealt out to a few connections, each driven by one thread with many requests in flight.
#include <algorithm>
#include <deque>
#include <map>

#include "base/strings.h"
#include "client/transfer.h"
#include "protocol/bulk.h"

namespace aquifer::client {
namespace {

using memory::Cursor;
using protocol::BulkOp;
using protocol::BulkReply;
using protocol::BulkRequest;
using protocol::BulkTrailer;

// A write is on its way when it has been sent; a read that was asked for is a lane's to the end, so
// few are asked for ahead.
constexpr std::size_t kWritesInFlight = 32;
constexpr std::size_t kReadsInFlight = 4;
constexpr std::uint64_t kStepBytes = 512u << 10;  // digested while still in the cache
constexpr int kTries = 4;                         // connections tried for the pieces of one lane

// One request and its reply: a run of pages, the header of a read, or the seal of a write.
struct Exchange {
  enum class What : std::uint8_t { kHeader, kPages, kSeal } what = What::kPages;
  PageRun run;
  int tries = 0;
  bool done = false;
};

// What the reads of one object collect; the header may come after its pages, on another connection.
struct Arrived {
  std::vector<std::byte> header;
  std::vector<std::uint64_t> digests;
};

std::uint64_t run_offset(const PageRun& run) { return run.first_page * pool::kPageBytes; }
std::uint64_t run_bytes(const PageRun& run) {
  return std::min(run.pages * pool::kPageBytes, run.transfer->value_bytes - run_offset(run));
}

BulkRequest request_for(const Exchange& exchange, BulkOp op) {
  const Transfer& transfer = *exchange.run.transfer;
  BulkRequest request;
  request.op = op;
  request.segment = transfer.place.segment;
  request.generation = transfer.place.generation;
  request.slot = transfer.place.slot;
  request.put = transfer.put;
  request.header_bytes = transfer.header_bytes();
  request.value_bytes = static_cast<std::uint32_t>(transfer.value_bytes);
  request.group = transfer.group;
  request.header_digest = transfer.header_digest;
  request.extent_count = transfer.place.extent_count;
  request.replicas = transfer.replicas;
  for (std::size_t i = 0; i < transfer.place.extent_count; ++i) {
    request.extents[i] = {transfer.place.extents[i].first_unit, transfer.place.extents[i].units};
  }
  switch (exchange.what) {
    case Exchange::What::kHeader:
      request.bytes = request.header_bytes;
      request.offset = pool::header_offset(transfer.value_bytes);
      break;
    case Exchange::What::kPages:
      request.bytes = static_cast<std::uint32_t>(run_bytes(exchange.run));
      request.offset = run_offset(exchange.run);
      break;
    case Exchange::What::kSeal:
      request.bytes = request.header_bytes;
      break;
  }
  return protocol::sealed(request);
}

Outcome outcome_of(Status status) {
  switch (status) {
    case Status::kOk:
      return Outcome::kDone;
    case Status::kIntegrity:
      return Outcome::kDamaged;
    case Status::kNotFound:
    case Status::kCancelled:
      return Outcome::kStale;
    default:
      return Outcome::kUnreachable;
  }
}

// The exchanges with one node. Its lanes take one after the other, so that they end together
// however fast each of them is.
class Deal {
 public:
  explicit Deal(std::vector<Exchange> exchanges) : exchanges_(std::move(exchanges)) {}

  // The next that nobody has taken; null at the end. Thread-safe.
  Exchange* take() {
    const std::size_t index = next_.fetch_add(1, std::memory_order_relaxed);
    return index < exchanges_.size() ? &exchanges_[index] : nullptr;
  }
  std::span<const Exchange> all() const { return exchanges_; }

 private:
  std::vector<Exchange> exchanges_;
  std::atomic<std::size_t> next_{0};
};

// One connection, and the exchanges that it has taken.
class Lane {
 public:
  Lane(Peer& peer, Deal& deal, io::Deadline deadline)
      : peer_(peer), deal_(deal), deadline_(deadline) {}
  virtual ~Lane() = default;

  // Exchanges until there are none; what a broken connection left is tried again on a fresh one.
  void run() {
    // First something to do, then a connection: others may have taken all.
    if (Exchange* const first = deal_.take()) {
      taken_.push_back(first);
    } else {
      return;
    }
    heard_ = io::Clock::now();
    for (int attempt = 0; attempt < kTries && io::Clock::now() < deadline_; ++attempt) {
      auto stream = peer_.take_stream(deadline_);
      if (!stream) {
        break;
      }
      fd_ = stream->get();
      if (run_once()) {
        return peer_.give_stream(*std::move(stream));
      }
      peer_.drop_streams();
    }
    for (const Exchange* exchange : taken_) {
      if (!exchange->done) {
        exchange->run.transfer->fail(why());
      }
    }
    if (why() == Outcome::kTimeout) {
      peer_.port_silent(io::Clock::now() - heard_);
    } else {
      peer_.port_unreachable();
    }
  }

  // What became of exchanges that no lane could do.
  Outcome why() const {
    return io::Clock::now() >= deadline_ ? Outcome::kTimeout : Outcome::kUnreachable;
  }

 protected:
  // Sends the request with what belongs to it; false when the connection broke.
  virtual bool send(const Exchange& exchange) = 0;
  // Takes what follows an affirmative reply; false when the connection broke.
  virtual bool receive(const Exchange& exchange) = 0;
  // Requests sent ahead of their replies.
  virtual std::size_t in_flight_max() const = 0;
  // A reply that says no.
  virtual void refused(Exchange& exchange, Status status) {
    exchange.run.transfer->fail(outcome_of(status));
    exchange.done = true;
  }

  bool write(std::span<iovec> parts) { return io::write_all(fd_, parts, deadline_).ok(); }
  bool read(std::span<iovec> parts) { return io::read_exact(fd_, parts, deadline_).ok(); }
  bool read(void* to, std::size_t bytes) {
    iovec part{to, bytes};
    return read({&part, 1});
  }

 private:
  bool run_once() {
    std::deque<Exchange*> waiting;
    std::size_t again = 0;
    while (Exchange* const exchange = next(again)) {
      if (exchange->done || exchange->run.transfer->failed()) {
        continue;
      }
      if (waiting.size() == in_flight_max() && !take_reply(waiting)) {
        return false;
      }
      if (io::Clock::now() >= deadline_ || !send(*exchange)) {
        return false;
      }
      waiting.push_back(exchange);
    }
    while (!waiting.empty()) {
      if (!take_reply(waiting)) {
        return false;
      }
    }
    return true;
  }

  // Those taken before, from number `again` on, then fresh ones.
  Exchange* next(std::size_t& again) {
    if (again == taken_.size()) {
      if (Exchange* const fresh = deal_.take()) {
        taken_.push_back(fresh);
      }
    }
    return again < taken_.size() ? taken_[again++] : nullptr;
  }

  bool take_reply(std::deque<Exchange*>& waiting) {
    Exchange& exchange = *waiting.front();
    BulkReply reply;
    if (!read(&reply, sizeof reply) || !protocol::intact(reply)) {
      return false;
    }
    heard_ = io::Clock::now();
    peer_.port_answered();
    if (reply.status != 0) {
      refused(exchange, static_cast<Status>(reply.status));
    } else {
      if (!receive(exchange)) {
        return false;
      }
      exchange.done = true;
    }
    waiting.pop_front();
    return true;
  }

  Peer& peer_;
  Deal& deal_;
  const io::Deadline deadline_;
  int fd_ = -1;
  io::Deadline heard_{};  ///< when there was a reply last
  std::vector<Exchange*> taken_;
};

class ReadLane final : public Lane {
 public:
  ReadLane(Peer& peer, Deal& deal, io::Deadline deadline, std::map<Transfer*, Arrived>& arrived)
      : Lane(peer, deal, deadline), arrived_(arrived) {}

 private:
  std::size_t in_flight_max() const override { return kReadsInFlight; }

  bool send(const Exchange& exchange) override {
    BulkRequest request = request_for(exchange, BulkOp::kRead);
    iovec part{&request, sizeof request};
    return write({&part, 1});
  }

  bool receive(const Exchange& exchange) override {
    Transfer& transfer = *exchange.run.transfer;
    Arrived& arrived = arrived_.find(&transfer)->second;
    const bool got = exchange.what == Exchange::What::kHeader
                         ? read(arrived.header.data(), arrived.header.size())
                         : receive_pages(exchange.run, arrived);
    BulkTrailer trailer;
    if (!got || !read(&trailer, sizeof trailer) || !protocol::intact(trailer)) {
      return false;
    }
    if (trailer.status != 0) {
      transfer.fail(Outcome::kStale);
    }
    return true;
  }

  bool receive_pages(const PageRun& run, Arrived& arrived) {
    const Transfer& transfer = *run.transfer;
    const std::uint64_t end = run_offset(run) + run_bytes(run);
    Cursor<Piece> to(transfer.destination, transfer.offset_of(run.first_page));
    Cursor<Piece> digested = to;
    for (std::uint64_t at = run_offset(run); at < end;) {
      const std::uint64_t step = std::min(kStepBytes, end - at);
      parts_.clear();
      for (std::uint64_t left = step; left > 0;) {
        const std::size_t bytes = to.run(left);
        parts_.push_back({to.address(), bytes});
        to.advance(bytes);
        left -= bytes;
      }
      if (!read(parts_)) {
        return false;
      }
      for (const std::uint64_t step_end = at + step; at < step_end;) {
        const std::uint64_t page = at / pool::kPageBytes;
        const std::uint64_t bytes = pool::page_bytes(transfer.value_bytes, page);
        arrived.digests[page] =
            memory::digest(pool::page_seed(transfer.put, page), digested, bytes);
        at += bytes;
      }
    }
    return true;
  }

  std::map<Transfer*, Arrived>& arrived_;
  std::vector<iovec> parts_;
};

class WriteLane final : public Lane {
 public:
  using Lane::Lane;

 private:
  std::size_t in_flight_max() const override { return kWritesInFlight; }

  bool send(const Exchange& exchange) override {
    return exchange.what == Exchange::What::kSeal ? send_seal(exchange) : send_pages(exchange);
  }

  bool send_seal(const Exchange& exchange) {
    const Transfer& transfer = *exchange.run.transfer;
    std::vector<std::byte> header = pool::encode_header(transfer.identity(), transfer.page_digests);
    BulkRequest request = request_for(exchange, BulkOp::kSeal);
    std::array<iovec, 2> parts{iovec{&request, sizeof request},
                               iovec{header.data(), header.size()}};
    return write(parts);
  }

  bool send_pages(const Exchange& exchange) {
    const PageRun& run = exchange.run;
    Transfer& transfer = *run.transfer;
    BulkRequest request = request_for(exchange, BulkOp::kWrite);
    parts_.assign(1, {&request, sizeof request});
    const std::uint64_t end = run_offset(run) + run_bytes(run);
    Cursor<ConstPiece> from(transfer.source, transfer.offset_of(run.first_page));
    Cursor<ConstPiece> digested = from;
    for (std::uint64_t at = run_offset(run); at < end;) {
      const std::uint64_t step_end = std::min(at + kStepBytes, end);
      for (std::uint64_t left = step_end - at; left > 0;) {
        const std::size_t bytes = from.run(left);
        parts_.push_back({const_cast<char*>(from.address()), bytes});
        from.advance(bytes);
        left -= bytes;
      }
      while (at < step_end) {
        const std::uint64_t page = at / pool::kPageBytes;
        const std::uint64_t bytes = pool::page_bytes(transfer.value_bytes, page);
        transfer.page_digests[page] =
            memory::digest(pool::page_seed(transfer.put, page), digested, bytes);
        at += bytes;
      }
      if (at == end) {
        parts_.push_back(
            {&transfer.page_digests[run.first_page], run.pages * sizeof(std::uint64_t)});
      }
      if (!write(parts_)) {
        return false;
      }
      parts_.clear();
    }
    return true;
  }

  bool receive(const Exchange&) override { return true; }

  // Bytes that were damaged on the way are sent again.
  void refused(Exchange& exchange, Status status) override {
    if (status == Status::kIntegrity && ++exchange.tries < kTries) {
      again_.push_back(exchange);
      exchange.done = true;
      return;
    }
    Lane::refused(exchange, status);
  }

 public:
  std::vector<Exchange> take_again() { return std::exchange(again_, {}); }

 private:
  std::vector<iovec> parts_;
  std::vector<Exchange> again_;
};

// Does all exchanges with each node over up to `streams` lanes; the lanes, for what they know
// besides. `make` makes one.
template <class L, class Make>
std::vector<std::unique_ptr<L>> exchange_all(std::map<Peer*, std::vector<Exchange>> exchanges,
                                             unsigned streams, const Effort& effort, Make make) {
  std::deque<Deal> deals;
  std::vector<std::unique_ptr<L>> lanes;
  for (auto& [peer, of_peer] : exchanges) {
    const std::size_t count = std::min<std::size_t>(streams, of_peer.size());
    Deal& deal = deals.emplace_back(std::move(of_peer));
    for (std::size_t lane = 0; lane < count; ++lane) {
      lanes.push_back(make(*peer, deal));
    }
  }
  effort.workers.run(lanes.size(), static_cast<unsigned>(std::max<std::size_t>(lanes.size(), 1)),
                     [&](std::size_t i) { lanes[i]->run(); });
  for (const Deal& deal : deals) {
    for (const Exchange& exchange : deal.all()) {
      if (!exchange.done) {
        exchange.run.transfer->fail(lanes.front()->why());
      }
    }
  }
  return lanes;
}

// Writes exchanges by so many streams to each node, and again those that arrived damaged.
void write_exchanges(std::map<Peer*, std::vector<Exchange>> exchanges, unsigned streams,
                     const Effort& effort) {
  while (!exchanges.empty()) {
    const auto lanes =
        exchange_all<WriteLane>(std::move(exchanges), streams, effort, [&](Peer& peer, Deal& deal) {
          return std::make_unique<WriteLane>(peer, deal, effort.deadline);
        });
    exchanges.clear();
    for (auto& lane : lanes) {
      for (const Exchange& exchange : lane->take_again()) {
        if (!exchange.run.transfer->failed()) {
          exchanges[exchange.run.transfer->peer.get()].push_back(
              {exchange.what, exchange.run, exchange.tries, false});
        }
      }
    }
  }
}

// True when what came is what the header, and the handle, say.
bool is_whole(Transfer& transfer, const Arrived& arrived) {
  if (!pool::check_header(arrived.header, transfer.identity(), transfer.place.header_digest,
                          transfer.page_digests)) {
    return false;
  }
  const auto first = static_cast<std::ptrdiff_t>(transfer.first_page);
  const auto end = static_cast<std::ptrdiff_t>(transfer.pages_end());
  return std::equal(arrived.digests.begin() + first, arrived.digests.begin() + end,
                    transfer.page_digests.begin() + first);
}

}  // namespace

void read_tcp(std::span<Transfer* const> transfers, const Effort& effort) {
  std::map<Transfer*, Arrived> arrived;
  std::map<Peer*, std::vector<Exchange>> exchanges;
  for (Transfer* transfer : transfers) {
    if (transfer->failed()) {
      continue;
    }
    Arrived& mine = arrived[transfer];
    mine.header.resize(transfer->header_bytes());
    mine.digests.resize(pool::page_count(transfer->value_bytes));
    auto& of_peer = exchanges[transfer->peer.get()];
    of_peer.push_back({Exchange::What::kHeader, {transfer, 0, 0}, 0, false});
    for (const PageRun& run : page_runs({&transfer, 1})) {
      of_peer.push_back({Exchange::What::kPages, run, 0, false});
    }
  }
  exchange_all<ReadLane>(std::move(exchanges), effort.tcp_streams, effort,
                         [&](Peer& peer, Deal& deal) {
                           return std::make_unique<ReadLane>(peer, deal, effort.deadline, arrived);
                         });
  for (auto& [transfer, mine] : arrived) {
    if (!transfer->failed() && !is_whole(*transfer, mine)) {
      transfer->fail(Outcome::kDamaged);
    }
  }
}

void write_tcp(std::span<Transfer* const> transfers, const Effort& effort) {
  std::map<Peer*, std::vector<Exchange>> pages;
  for (Transfer* transfer : transfers) {
    transfer->page_digests.resize(pool::page_count(transfer->value_bytes));
    for (const PageRun& run : page_runs({&transfer, 1})) {
      pages[transfer->peer.get()].push_back({Exchange::What::kPages, run, 0, false});
    }
  }
  write_exchanges(std::move(pages), effort.tcp_streams, effort);
}

void seal_tcp(std::span<Transfer* const> transfers, const Effort& effort) {
  std::map<Peer*, std::vector<Exchange>> seals;
  for (Transfer* transfer : transfers) {
    if (!transfer->failed()) {
      const auto header = pool::encode_header(transfer->identity(), transfer->page_digests);
      transfer->header_digest = pool::digest_of_header(transfer->put, header);
      transfer->may_be_sealed = true;
      seals[transfer->peer.get()].push_back({Exchange::What::kSeal, {transfer, 0, 0}, 0, false});
    }
  }
  // A few small messages: one stream, by this thread, is there sooner than another thread wakes.
  write_exchanges(std::move(seals), 1, effort);
}

}  // namespace aquifer::client
