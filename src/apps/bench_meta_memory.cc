#include "apps/bench_meta_memory.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <string_view>
#include <utility>
#include <vector>

#include "apps/bench_small.h"
#include "apps/bench_synthetic_node.h"
#include "apps/workload_pool.h"
#include "apps/workload_usage.h"
#include "base/random.h"
#include "base/strings.h"
#include "io/socket.h"
#include "pool/object.h"
#include "protocol/messages.h"
#include "rpc/channel.h"

namespace aquifer::apps {
namespace {

using protocol::Method;

constexpr double kBytesPerObject = 160;
constexpr std::uint32_t kObjects = 10'000'000;
constexpr std::uint32_t kObjectsQuick = 200'000;
constexpr std::uint32_t kBatch = 4096;
constexpr std::uint32_t kSpare = 2 * kBatch;  // room, so that nothing has to be evicted
constexpr std::uint64_t kCheckedOf = 16;      // each so manieth batch is looked up at the end
constexpr std::size_t kValueBytes = 64;
constexpr std::string_view kNameSpace = "default";
constexpr std::chrono::seconds kPatience{60};

/// What a client would report of the header it has written.
std::uint64_t digest_of(std::uint64_t number) { return base::Random(number).next() | 1; }

/// Fills a meta with objects that no node stores: the two calls of a put, nothing between them.
class Catalog {
 public:
  Catalog(const io::Address& meta, std::uint64_t seed)
      : objects_(base::cat("bench/", base::hex(base::random_id()), "/"), kValueBytes, seed),
        channel_([meta](io::Deadline deadline) { return io::connect_tcp(meta, deadline); },
                 [](rpc::Channel& channel, io::Deadline deadline) -> Result<void> {
                   protocol::ClientWelcome welcome;
                   return ask(channel, Method::kClientHello,
                              protocol::ClientHello{{base::random_id()},
                                                    static_cast<std::uint64_t>(getpid())},
                              welcome, deadline);
                 }) {}

  Result<void> put(std::uint64_t first, std::uint32_t count);
  /// Looks up a batch and a key that is not there; true when all is as it was put.
  Result<bool> verify(std::uint64_t first, std::uint32_t count, std::uint64_t absent);
  Result<std::uint64_t> count();

 private:
  /// A reply without strings, so nothing points into the payload afterwards.
  template <class Request, class Reply>
  static Result<void> ask(rpc::Channel& channel, Method method, const Request& request,
                          Reply& reply, io::Deadline deadline = io::Clock::now() + kPatience) {
    const auto payload = channel.call(static_cast<std::uint16_t>(method), request, deadline);
    if (!payload) return payload.error();
    if (rpc::decode({payload->data(), payload->size()}, reply)) return {};
    return Error{Status::kVersionMismatch, "the answer of meta cannot be read", ""};
  }

  const SmallObjects objects_;
  rpc::Channel channel_;
  std::uint64_t tickets_ = 0;
};

Result<void> Catalog::put(std::uint64_t first, std::uint32_t count) {
  const auto keys = objects_.keys(first, count);
  protocol::PutStart start;
  start.ticket = ++tickets_;
  start.name_space = kNameSpace;
  start.timeout_ms = static_cast<std::uint32_t>(std::chrono::milliseconds(kPatience).count());
  for (const std::string& key : keys) start.items.push_back({key, kValueBytes, {}});
  protocol::Handles handles;
  if (auto asked = ask(channel_, Method::kPutStart, start, handles); !asked) return asked.error();
  protocol::PutFinish finish;
  for (std::size_t i = 0; i < handles.items.size(); ++i) {
    const protocol::Handle& handle = handles.items[i];
    if (handle.status != Status::kOk) return Error{handle.status, "meta refused a put", ""};
    finish.items.push_back({handle.put, true, {digest_of(first + i)}});
  }
  protocol::Statuses statuses;
  if (auto asked = ask(channel_, Method::kPutFinish, finish, statuses); !asked) {
    return asked.error();
  }
  for (const Status status : statuses.items) {
    if (status != Status::kOk) return Error{status, "meta refused a commit", ""};
  }
  return {};
}

Result<bool> Catalog::verify(std::uint64_t first, std::uint32_t count, std::uint64_t absent) {
  auto keys = objects_.keys(first, count);
  keys.push_back(objects_.key(absent));
  protocol::Lookup lookup{kNameSpace, false, {keys.begin(), keys.end()}};
  protocol::Handles handles;
  if (auto asked = ask(channel_, Method::kLookup, lookup, handles); !asked) return asked.error();
  if (handles.items.size() != count + 1) return false;
  if (handles.items.back().status != Status::kNotFound) return false;
  for (std::uint32_t i = 0; i < count; ++i) {
    const protocol::Handle& handle = handles.items[i];
    if (handle.status != Status::kOk || handle.value_bytes != kValueBytes ||
        handle.replicas.size() != 1 || handle.replicas[0].header_digest != digest_of(first + i)) {
      return false;
    }
  }
  return true;
}

Result<std::uint64_t> Catalog::count() {
  protocol::PoolStatusReply reply;
  const auto asked = ask(channel_, Method::kPoolStatus, protocol::Empty{}, reply);
  return asked ? Result<std::uint64_t>(reply.objects) : asked.error();
}

Result<void> fill(Catalog& catalog, std::uint32_t objects, Progress& progress, BenchRow& row) {
  for (std::uint64_t first = 0; first < objects; first += kBatch) {
    const auto count = static_cast<std::uint32_t>(std::min<std::uint64_t>(kBatch, objects - first));
    if (auto put = catalog.put(first, count); !put) return put.error();
    progress.advance();
  }
  const auto there = catalog.count();
  if (!there) return there.error();
  row.verified = *there == objects;
  for (std::uint64_t first = 0; first + kBatch <= objects; first += kCheckedOf * kBatch) {
    const auto right = catalog.verify(first, kBatch, objects + first);
    if (!right) return right.error();
    row.verified = row.verified && *right;
  }
  return {};
}

/// A real object of this size, with its header.
std::uint64_t stored_bytes() {
  return pool::stored_bytes(
      kValueBytes, pool::header_bytes(kNameSpace.size(), SmallObjects::kKeyBytes, kValueBytes));
}

}  // namespace

Result<void> measure_meta_memory(const BenchSettings& settings, Progress& progress,
                                 BenchReport& report) {
  const std::uint32_t objects = settings.quick ? kObjectsQuick : kObjects;
  auto row = bound_row("meta.memory", "bytes/object", "lower", kBytesPerObject, settings.quick);
  row.reference_name = base::cat("bound; ", objects, " synthetic");
  progress.begin(objects / kBatch);
  progress.describe(row.name);
  auto pool = PrivatePool::start({.program = settings.program, .nodes = 0, .evicts_ahead = false});
  if (!pool) return pool.error();
  const auto address = io::Address::parse(pool->meta());
  if (!address) return address.error();
  {
    auto node = SyntheticNode::join(pool->meta(), objects + kSpare, stored_bytes());
    if (!node) return node.error();
    Catalog catalog(*address, settings.seed);
    const auto empty = resident_bytes(pool->meta_process());
    if (!empty) return empty.error();
    if (auto filled = fill(catalog, objects, progress, row); !filled) return filled.error();
    const auto resident = resident_bytes(pool->meta_process());
    if (!resident) return resident.error();
    row.value = static_cast<double>(*resident) / objects;
    row.samples = {row.value};
    row.candidates = {{"of_the_empty_meta", static_cast<double>(*empty) / objects}};
  }
  report.rows.push_back(std::move(row));
  return pool->stop();
}

}  // namespace aquifer::apps
