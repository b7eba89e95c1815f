#include "client/session.h"

#include <unistd.h>

#include <algorithm>

#include "base/hash.h"
#include "base/random.h"
#include "base/strings.h"
#include "client/refusal.h"

namespace aquifer::client {

using protocol::Method;

namespace {

constexpr std::size_t kReportUses = 1024;
constexpr std::chrono::milliseconds kReportEvery{200};
constexpr std::chrono::hours kTimeoutMax{1};
constexpr std::chrono::minutes kFillMax{10};
// A meta that was there is looked for this long by calls that have the time: restarts take less.
constexpr std::chrono::seconds kPatience{2};
// A report waits for room on its connection no longer.
constexpr std::chrono::milliseconds kPostTime{5};

Result<void> check(const ClientOptions& options) {
  if (options.name_space.empty() || options.name_space.size() > Limits::kNamespaceBytes ||
      options.name_space.find('\0') != std::string::npos) {
    return Error{
        Status::kInvalidArgument, "the namespace must have 1 to 255 bytes and no zero byte", {}};
  }
  if (options.timeout.count() <= 0 || options.timeout > kTimeoutMax) {
    return Error{
        Status::kInvalidArgument, "the timeout must be more than 0 and at most one hour", {}};
  }
  if (options.copy_threads == 0 || options.copy_threads > 64 || options.tcp_streams == 0 ||
      options.tcp_streams > 64) {
    return Error{Status::kInvalidArgument, "copy_threads and tcp_streams go from 1 to 64", {}};
  }
  return {};
}

}  // namespace

Result<std::shared_ptr<Session>> Session::open(ClientOptions options,
                                               std::unique_ptr<Surroundings> around) {
  if (auto checked = check(options); !checked) {
    return std::move(checked).error();
  }
  auto meta = io::Address::parse(options.meta);
  if (!meta) {
    return std::move(meta).error();
  }
  return std::shared_ptr<Session>(
      new Session(std::move(options), std::move(around), *std::move(meta)));
}

Session::Session(ClientOptions options, std::unique_ptr<Surroundings> around, io::Address meta)
    : options_(std::move(options)),
      around_(std::move(around)),
      time_(around_->time()),
      meta_(std::move(meta)),
      id_{around_->random_id()},
      process_(getpid()),
      host_(around_->host()),
      cache_(options_.cached_handles),
      peers_(id_, *around_, [this](io::Deadline deadline) { refresh_nodes(deadline); }),
      workers_(std::max(options_.copy_threads, options_.tcp_streams) - 1),
      channel_(around_->call_meta(meta_,
                                  [this](rpc::Caller& caller, io::Deadline deadline) {
                                    return greet(caller, id_, deadline);
                                  })),
      breaker_(time_, around_->random_id(), kPatience,
               [this](io::Deadline deadline) { return probe_meta(deadline); }) {}

Session::~Session() { close(); }

bool Session::in_forked_child() const { return getpid() != process_; }

Result<Call> Session::begin(const CallOptions& options) {
  if (in_forked_child()) {
    return Error{Status::kClosed, "this client was opened before fork()",
                 "open a client in the child"};
  }
  if (closed_.load(std::memory_order_relaxed)) {
    return Error{Status::kClosed, "this client has been closed", "open another"};
  }
  if (error_is_fresh_.load(std::memory_order_relaxed)) {
    error_is_fresh_.store(false, std::memory_order_relaxed);
  }
  Call call{options.name_space.empty() ? std::string_view(options_.name_space) : options.name_space,
            {},
            {}};
  if (call.name_space.size() > Limits::kNamespaceBytes ||
      call.name_space.find('\0') != std::string_view::npos) {
    return Error{
        Status::kInvalidArgument, "the namespace must have 1 to 255 bytes and no zero byte", {}};
  }
  if (options.timeout.count() < 0 || options.timeout > kTimeoutMax) {
    return Error{
        Status::kInvalidArgument, "the timeout must be more than 0 and at most one hour", {}};
  }
  call.deadline = time_.now() + (options.timeout.count() == 0 ? options_.timeout : options.timeout);
  if (options.fill.count() < 0 || options.fill > kFillMax) {
    return Error{Status::kInvalidArgument,
                 "the right to fill a key is asked for no or some time, at most ten minutes",
                 {}};
  }
  call.fill = options.fill;
  return call;
}

Result<void> Session::greet(rpc::Caller& meta, base::ClientId id, io::Deadline deadline) {
  auto reply = meta.call(static_cast<std::uint16_t>(Method::kClientHello),
                         protocol::ClientHello{id, around_->process(), epoch_.load()}, deadline);
  if (!reply) {
    return std::move(reply).error();
  }
  if (protocol::ClientWelcome welcome; rpc::decode({reply->data(), reply->size()}, welcome)) {
    epoch_ = welcome.epoch;
  }
  return {};
}

// Under an id of its own: a meta that wakes up finds the hellos of several probes, and a client
// belongs to the connection that greeted last.
Result<void> Session::probe_meta(io::Deadline deadline) {
  const auto meta = around_->call_meta(meta_, {});
  auto greeted = greet(*meta, base::ClientId{around_->random_id()}, deadline);
  if (!greeted && greeted.error().code != Status::kUnreachable &&
      greeted.error().code != Status::kTimeout) {
    return {};  // it refuses, so it is there: the calls shall say why
  }
  return greeted;
}

template <class Request>
Result<rpc::Payload> Session::call_meta(Method method, const Request& request,
                                        io::Deadline deadline, bool* sent) {
  for (bool has_broken = false;;) {
    const auto attempt = breaker_.admit(deadline);
    if (!attempt) {
      return attempt.error();
    }
    bool may_have_come = false;
    auto payload =
        channel_->call(static_cast<std::uint16_t>(method), request, deadline, &may_have_come);
    if (sent != nullptr && may_have_come) {
      *sent = true;
    }
    const Status code = payload.code();
    if (code == Status::kClosed) {
      return payload;
    }
    if (code != Status::kUnreachable && code != Status::kTimeout) {
      breaker_.answered();
      return payload;
    }
    if (time_.now() >= deadline) {
      breaker_.silent(*attempt, payload.error());
      return payload;
    }
    if (may_have_come && sent != nullptr) {
      return payload;
    }
    // A connection that was left over from before is no evidence: a fresh one is.
    if (!has_broken && may_have_come) {
      has_broken = true;
    } else if (!breaker_.unreachable(payload.error())) {
      return payload;
    }
  }
}

// A request to meta and its reply, decoded; the payload is kept because the reply's strings point
// into it.
template <class Reply, class Request>
Result<rpc::Payload> Session::ask(Method method, const Request& request, Reply& reply,
                                  io::Deadline deadline, bool* sent) {
  auto payload = call_meta(method, request, deadline, sent);
  if (payload && !rpc::decode({payload->data(), payload->size()}, reply)) {
    payload = Error{Status::kVersionMismatch, "the answer of meta cannot be read",
                    "use the same version of aquifer on both sides"};
  }
  if (!payload) {
    Error error = payload.error();
    if (error.code == Status::kUnreachable || error.code == Status::kTimeout) {
      error.message = base::cat("meta at ", meta_.text(), ": ", error.message);
      if (error.hint.empty()) {
        error.hint =
            error.code == Status::kTimeout
                ? "it is stopped or overloaded, or what listens there is no meta; or allow more "
                  "time"
                : "start it with `aquifer meta`, or give the client another address (--meta or "
                  "AQUIFER_META at the command line and in Python)";
      }
    }
    remember(error);
    return error;
  }
  return payload;
}

// The templates are used from other files with these types.
template Result<rpc::Payload> Session::ask(Method, const protocol::PutStart&, protocol::Handles&,
                                           io::Deadline, bool*);
template Result<rpc::Payload> Session::ask(Method, const protocol::PutFinish&, protocol::Statuses&,
                                           io::Deadline, bool*);
template Result<rpc::Payload> Session::ask(Method, const protocol::Lookup&,
                                           protocol::EncodedHandles&, io::Deadline, bool*);
template Result<rpc::Payload> Session::ask(Method, const protocol::MatchPrefix&,
                                           protocol::EncodedHandles&, io::Deadline, bool*);
template Result<rpc::Payload> Session::ask(Method, const protocol::Pin&, protocol::Statuses&,
                                           io::Deadline, bool*);
template Result<rpc::Payload> Session::ask(Method, const protocol::List&, protocol::Listed&,
                                           io::Deadline, bool*);
template Result<rpc::Payload> Session::ask(Method, const protocol::Remove&, protocol::Statuses&,
                                           io::Deadline, bool*);

Session::Found Session::learn(std::string_view key, std::string_view encoded, const Call& call) {
  // An answer that is word for word the one before is neither decoded nor stored again.
  const std::uint64_t fingerprint = base::hash_bytes(encoded);
  if (HandlePtr known = cache_.find(call.name_space, key);
      known != nullptr && known->fingerprint == fingerprint) {
    return {Status::kOk, std::move(known), {}};
  }
  protocol::Handle message;
  if (!rpc::Reader::decode_fields(encoded, message)) {
    message.status = Status::kVersionMismatch;
  }
  if (message.status != Status::kOk) {
    cache_.drop(call.name_space, key, nullptr);
    return {message.status, nullptr, std::chrono::milliseconds(message.filling_ms)};
  }
  const auto handle = Handle::of(message);
  if (handle == nullptr) {
    return {Status::kVersionMismatch, nullptr, {}};
  }
  handle->fingerprint = fingerprint;
  cache_.put(call.name_space, key, handle);
  return {Status::kOk, handle, {}};
}

void Session::refresh_nodes(io::Deadline deadline) {
  protocol::NodeList list;
  const auto payload = ask(Method::kListNodes, protocol::Empty{}, list, deadline);
  if (!payload) {
    return;
  }
  for (const protocol::NodeEntry& node : list.nodes) {
    auto address = io::Address::parse(node.address);
    if (address) {
      peers_.learn(node.node, {std::string(node.name), *std::move(address),
                               std::string(node.unix_name), node.host == host_ && !host_.empty(),
                               node.zone == options_.zone && !options_.zone.empty()});
    }
  }
}

Effort Session::effort(const Call& call) {
  return {workers_, time_, options_.copy_threads, options_.tcp_streams, call.deadline};
}

std::chrono::milliseconds Session::left(const Call& call) const {
  return std::chrono::duration_cast<std::chrono::milliseconds>(call.deadline - time_.now());
}

bool Session::route(Transfer& transfer, Work work, io::Deadline deadline) {
  if (transfer.peer != nullptr) {
    return true;
  }
  transfer.peer = peers_.find(transfer.place.node, deadline);
  if (transfer.peer == nullptr) {
    return false;
  }
  if (options_.transport != Transport::kTcp) {
    transfer.mapped = transfer.peer->segment(transfer.place.segment, deadline);
  }
  // A client that the node could give no bit to cannot say what it writes: the node writes for it.
  if (work != Work::kRead && transfer.mapped != nullptr && !transfer.mapped->uses.usable()) {
    transfer.mapped = nullptr;
  }
  if (transfer.mapped == nullptr && options_.transport == Transport::kShm) {
    if (time_.now() >= deadline) {
      return false;  // the node did not answer
    }
    remember({Status::kUnreachable,
              base::cat("the memory of node \"", transfer.peer->place().name,
                        "\" cannot be mapped here"),
              "it is on another host or of another user, or it has stopped: use transport auto or "
              "tcp, or see `aquifer status`"});
    return false;
  }
  if (transfer.mapped == nullptr && !transfer.peer->admits(deadline)) {
    remember({Status::kUnreachable,
              base::cat("node \"", transfer.peer->place().name, "\" at ",
                        transfer.peer->place().address.text(), " does not answer"),
              "it has stopped, or the network between is gone: see `aquifer status`; it is used "
              "again by itself when it answers"});
    return false;
  }
  return true;
}

void Session::move(std::span<Transfer* const> transfers, Work work, const Call& call) {
  std::vector<Transfer*> by_memory;
  std::vector<Transfer*> by_tcp;
  for (Transfer* transfer : transfers) {
    if (transfer->failed()) {
      continue;
    }
    if (!route(*transfer, work, call.deadline)) {
      transfer->fail(time_.now() >= call.deadline ? Outcome::kTimeout : Outcome::kUnreachable);
    } else {
      (transfer->mapped != nullptr ? by_memory : by_tcp).push_back(transfer);
    }
  }
  if (!by_memory.empty()) {
    around_->move_by_memory(work, by_memory, effort(call));
  }
  if (!by_tcp.empty()) {
    const auto move_by_tcp = work == Work::kRead    ? read_tcp
                             : work == Work::kWrite ? write_tcp
                                                    : seal_tcp;
    move_by_tcp(by_tcp, effort(call));
  }
  for (const Transfer* transfer : transfers) {
    if (!transfer->failed() && work != Work::kSeal) {
      note_moved(*transfer, work);
    }
  }
}

void Session::note_moved(const Transfer& transfer, Work work) {
  const bool write = work == Work::kWrite;
  if (transfer.mapped == nullptr) {
    (write ? counters_.tcp_written : counters_.tcp_read) += transfer.bytes();
    return;
  }
  (write ? counters_.shm_written : counters_.shm_read) += transfer.bytes();
  const std::lock_guard lock(report_mutex_);
  auto& moved = report_.moved;
  auto found = std::find_if(moved.begin(), moved.end(),
                            [&](const auto& m) { return m.node == transfer.place.node; });
  if (found == moved.end()) {
    found = moved.insert(moved.end(), {transfer.place.node, 0, 0});
  }
  (write ? found->written : found->read) += transfer.bytes();
}

void Session::note_use(const Handle& handle) {
  const std::lock_guard lock(report_mutex_);
  report_.uses.push_back(handle.put);
}

// Same generation, other bytes: counted, and the node is to have a look.
void Session::note_damage(const Transfer& transfer) {
  ++counters_.integrity_failures;
  const std::lock_guard lock(report_mutex_);
  ++report_.integrity_failures;
  report_.suspects.push_back(
      {transfer.place.segment, transfer.place.slot, transfer.place.generation});
}

void Session::give_up(protocol::PutFinish finish, io::Deadline deadline) {
  if (channel_->post(static_cast<std::uint16_t>(Method::kPutFinish), finish, deadline)) {
    return;
  }
  for (protocol::PutFinishItem& item : finish.items) {
    item.commit = false;
  }
  const std::lock_guard lock(report_mutex_);
  owed_.items.insert(owed_.items.end(), finish.items.begin(), finish.items.end());
  owed_.abandoned.insert(owed_.abandoned.end(), finish.abandoned.begin(), finish.abandoned.end());
}

void Session::pay_owed(io::Deadline deadline) {
  protocol::PutFinish owed;
  {
    const std::lock_guard lock(report_mutex_);
    owed = std::exchange(owed_, {});
  }
  if (!owed.items.empty() || !owed.abandoned.empty()) {
    give_up(std::move(owed), deadline);
  }
}

// Tells meta what happened without it; now and then, and nobody waits for it.
void Session::report_soon(io::Deadline deadline, bool at_once) {
  protocol::Report report;
  {
    const std::lock_guard lock(report_mutex_);
    const auto now = time_.now();
    if (!breaker_.lets_calls_go()) {
      if (report_.uses.size() >= kReportUses) {
        report_.uses.clear();  // a meta that is back has its own order of use
      }
      return;
    }
    const bool nothing = report_.uses.empty() && report_.moved.empty() &&
                         report_.suspects.empty() && report_.integrity_failures == 0;
    if (nothing ||
        (!at_once && report_.uses.size() < kReportUses && now - reported_ < kReportEvery)) {
      return;
    }
    reported_ = now;
    report = std::exchange(report_, {});
  }
  channel_->post(static_cast<std::uint16_t>(Method::kReport), report,
                 std::min(deadline, time_.now() + kPostTime));
}

namespace {

bool is_key(std::string_view key) { return !key.empty() && key.size() <= Limits::kKeyBytes; }

}  // namespace

std::vector<Status> Session::remove(std::span<const std::string_view> keys, const Call& call) {
  for (const std::string_view key : keys) {
    cache_.drop(call.name_space, key, nullptr);
  }
  protocol::Remove request{
      call.name_space,
      static_cast<std::uint32_t>(std::max<std::int64_t>(left(call).count() * 8 / 10, 1)),
      {keys.begin(), keys.end()}};
  protocol::Statuses reply;
  const auto payload = ask(Method::kRemove, request, reply, call.deadline);
  if (!payload) {
    return std::vector<Status>(keys.size(), payload.code());
  }
  reply.items.resize(keys.size(), Status::kInternal);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (!is_key(keys[i])) {
      reply.items[i] = Status::kInvalidArgument;
    }
  }
  for (std::size_t i = 0; i < keys.size() && !remember(reply.items[i], keys[i]); ++i) {
  }
  return reply.items;
}

std::vector<ObjectStat> Session::stat(std::span<const std::string_view> keys, const Call& call) {
  std::vector<ObjectStat> stats(keys.size());
  protocol::Lookup request{call.name_space, false, {}};
  request.tell_open = true;
  std::vector<ObjectStat*> asked;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (is_key(keys[i])) {
      request.keys.push_back(keys[i]);
      asked.push_back(&stats[i]);
    } else {
      stats[i].status = Status::kInvalidArgument;
    }
  }
  if (asked.empty()) {
    return stats;
  }
  protocol::Handles reply;
  const auto payload = ask(Method::kLookup, request, reply, call.deadline);
  for (std::size_t i = 0; i < asked.size(); ++i) {
    if (!payload || i >= reply.items.size()) {
      asked[i]->status = payload ? Status::kInternal : payload.code();
      continue;
    }
    const auto& found = reply.items[i];
    *asked[i] = {found.status, found.value_bytes, {}};
    for (const protocol::Replica& replica : found.replicas) {
      const auto peer = peers_.find(replica.node, call.deadline);
      asked[i]->replicas.push_back(
          {peer == nullptr ? base::hex(replica.node.value) : peer->place().name});
    }
  }
  return stats;
}

Result<DrainProgress> Session::drain(std::string_view node, bool cancel, const Call& call) {
  protocol::DrainState reply;
  const auto payload = ask(Method::kDrain, protocol::Drain{node, cancel}, reply, call.deadline);
  if (!payload) {
    return payload.error();
  }
  return DrainProgress{reply.gone, reply.objects, reply.bytes, reply.moved, reply.given_up};
}

Result<PoolStatus> Session::status(const Call& call) {
  report_soon(call.deadline, true);
  protocol::PoolStatusReply reply;
  const auto payload = ask(Method::kPoolStatus, protocol::Empty{}, reply, call.deadline);
  if (!payload) {
    return payload.error();
  }
  PoolStatus status;
  status.objects = reply.objects;
  status.evictions = reply.evictions;
  status.integrity_failures = reply.integrity_failures;
  status.replicas_missing = reply.replicas_missing;
  for (const protocol::CallCount& call_count : reply.calls) {
    status.calls.push_back({std::string(call_count.name), call_count.single,
                            call_count.single_failed, call_count.batches,
                            call_count.batches_failed});
  }
  for (const protocol::NodeStatusEntry& node : reply.nodes) {
    status.capacity_bytes += node.capacity_bytes;
    status.free_bytes += node.free_bytes;
    status.used_bytes += node.used_bytes;
    status.limbo_bytes += node.limbo_bytes;
    status.pinned_bytes += node.pinned_bytes;
    status.views += node.views;
    NodeStatus& out = status.nodes.emplace_back();
    out.name = node.name;
    out.state = node.state;
    out.process = node.process;
    out.capacity_bytes = node.capacity_bytes;
    out.free_bytes = node.free_bytes;
    out.used_bytes = node.used_bytes;
    out.limbo_bytes = node.limbo_bytes;
    out.pinned_bytes = node.pinned_bytes;
    out.views = node.views;
    out.read_bytes = {node.shm_read, node.tcp_read};
    out.written_bytes = {node.shm_written, node.tcp_written};
  }
  return status;
}

ClientCounters Session::counters() const {
  ClientCounters out;
  out.hits = counters_.hits;
  out.misses = counters_.misses;
  out.integrity_failures = counters_.integrity_failures;
  out.stale_handles = counters_.stale_handles;
  out.meta_calls = channel_->calls();
  out.breaker_opens = breaker_.opens();
  out.read_bytes = {counters_.shm_read, counters_.tcp_read};
  out.written_bytes = {counters_.shm_written, counters_.tcp_written};
  return out;
}

void Session::remember(const Error& error) {
  const std::lock_guard lock(error_mutex_);
  last_error_ = error;
  error_is_fresh_.store(true, std::memory_order_relaxed);
}

bool Session::remember(Status status, std::string_view key, unsigned replicas) {
  const bool is_error = !is_success(status) && status != Status::kNotFound;
  if (is_error) {
    explain(status, key, replicas);
  }
  return is_error;
}

Error Session::explain(Status status, std::string_view key, unsigned replicas) {
  auto words = refusal(status, {key, meta_.text(), replicas});
  if (!words) {
    return {status,
            base::cat("\"", key, "\": ",
                      status == Status::kNotFound ? "it is not in the pool"
                                                  : "it is in the pool already"),
            {}};
  }
  const std::lock_guard lock(error_mutex_);
  if (last_error_.code != status || !error_is_fresh_.load(std::memory_order_relaxed)) {
    last_error_ = *std::move(words);
  }
  return last_error_;
}

Error Session::last_error() const {
  const std::lock_guard lock(error_mutex_);
  return last_error_;
}

void Session::close() {
  if (!in_forked_child() && !closed_.exchange(true)) {
    report_soon(time_.now() + std::chrono::milliseconds(100), true);
    channel_->close();
    breaker_.close();
    peers_.clear();
    cache_.clear();
  }
}

}  // namespace aquifer::client
