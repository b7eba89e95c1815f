// What a put does: start (meta places it), write and seal every replica, finish (meta makes it
// visible).
#include <algorithm>
#include <numeric>
#include <unordered_set>

#include "base/strings.h"
#include "client/open_put.h"
#include "client/session.h"

namespace aquifer::client {

using protocol::Method;

namespace {

constexpr int kWriteTries = 3;

Status check(const PutItem& item) {
  if (item.pieces.size() > Limits::kPieces) {
    return Status::kTooLarge;
  }
  const std::uint64_t bytes = memory::total_bytes(item.pieces);
  const bool null = std::any_of(
      item.pieces.begin(), item.pieces.end(),
      [](const ConstPiece& piece) { return piece.address == nullptr && piece.bytes != 0; });
  if (item.key.empty() || item.key.size() > Limits::kKeyBytes || bytes == 0 || null) {
    return Status::kInvalidArgument;
  }
  return bytes > Limits::kValueBytes ? Status::kTooLarge : Status::kOk;
}

// What is wrong with the items of a group; kCancelled where it is another one.
std::vector<Status> check_group(std::span<const PutItem> items) {
  std::vector<Status> statuses(items.size(), Status::kCancelled);
  std::unordered_set<std::string_view> keys;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (const Status status = check(items[i]); status != Status::kOk) {
      statuses[i] = status;
    } else if (!keys.insert(items[i].key).second) {
      statuses[i] = Status::kInvalidArgument;
    }
  }
  return statuses;
}

}  // namespace

std::vector<Status> Session::put(std::span<const PutItem> items, const PutOptions& options,
                                 const Call& call) {
  std::vector<Status> statuses(items.size(), Status::kBusy);
  std::vector<std::size_t> left;
  for (std::size_t i = 0; i < items.size(); ++i) {
    statuses[i] = check(items[i]);
    if (statuses[i] == Status::kOk) {
      statuses[i] = Status::kBusy;
      left.push_back(i);
    }
  }
  // Under pressure a batch can be larger than what is free at once: what found room is written and
  // committed, which makes it evictable, and the rest starts again.
  int failures = 0;
  std::vector<bool> found(items.size());
  while (!left.empty() && time_.now() < call.deadline) {
    const std::size_t before = left.size();
    const bool started = put_round(items, left, options, call, statuses, found);
    const bool again = started && ++failures < kWriteTries;
    std::erase_if(left, [&](std::size_t i) {
      return statuses[i] != Status::kBusy && !(again && is_tried_again(statuses[i]));
    });
    if (left.size() == before && !again) {
      break;
    }
  }
  for (std::size_t i = 0; i < items.size(); ++i) {
    statuses[i] = end_of_tries(statuses[i], found[i]);
  }
  for (std::size_t i = 0;
       i < items.size() && !remember(statuses[i], items[i].key, options.replicas); ++i) {
  }
  report_soon(call.deadline, false);
  return statuses;
}

// As a whole, or not at all; so it is tried again as a whole.
std::vector<Status> Session::put_group(std::span<const PutItem> items, const PutOptions& options,
                                       const Call& call) {
  std::vector<Status> statuses = check_group(items);
  std::vector<std::size_t> all(items.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  std::vector<bool> found(items.size());
  const auto any = [&](auto is) { return std::any_of(statuses.begin(), statuses.end(), is); };
  const bool good = !any([](Status status) { return status != Status::kCancelled; });
  bool again = good;
  for (int tries = 0; again && tries < kWriteTries && time_.now() < call.deadline; ++tries) {
    again = put_round(items, all, options, call, statuses, found) && any(is_tried_again);
  }
  const bool was_left = std::find(found.begin(), found.end(), true) != found.end();
  for (Status& status : statuses) {
    status = end_of_tries(status, was_left);
  }
  // The others fell with one that says why.
  const auto why = std::find_if(statuses.begin(), statuses.end(), [](Status status) {
    return !is_success(status) && status != Status::kCancelled;
  });
  const std::size_t told = why == statuses.end() ? 0 : why - statuses.begin();
  if (!items.empty()) {
    remember(statuses[told], items[told].key, options.replicas);
  }
  report_soon(call.deadline, false);
  return statuses;
}

bool Session::put_round(std::span<const PutItem> items, std::span<std::size_t const> indexes,
                        const PutOptions& options, const Call& call, std::vector<Status>& statuses,
                        std::vector<bool>& found) {
  protocol::PutStart request;
  for (const std::size_t i : indexes) {
    request.items.push_back({items[i].key, memory::total_bytes(items[i].pieces), items[i].parent});
  }
  std::vector<OpenPut> open;
  std::vector<Status> answers(indexes.size());
  const Status failure = start_puts(request, options, call, answers, open);
  for (std::size_t n = 0; n < indexes.size(); ++n) {
    statuses[indexes[n]] = failure == Status::kOk ? answers[n] : failure;
  }
  if (failure != Status::kOk || open.empty()) {
    return false;
  }
  const bool group = options.group && open.size() > 1;
  for (OpenPut& put : open) {
    put.index = indexes[put.index];
    for (auto& transfer : put.replicas) {
      transfer->source = items[put.index].pieces;
      if (group) {
        transfer->group = {static_cast<std::uint16_t>(put.put.sequence - open[0].put.sequence),
                           static_cast<std::uint16_t>(open.size())};
      }
    }
  }
  write_puts(open, group, call);
  finish_puts(open, group, call, statuses);
  for (const OpenPut& put : open) {
    found[put.index] = found[put.index] || put.verdict.may_be_found;
  }
  return true;
}

io::Deadline Session::a_moment_past(const Call& call) const {
  return std::max(call.deadline, time_.now() + std::chrono::milliseconds(5));
}

Status Session::start_puts(protocol::PutStart& request, const PutOptions& options, const Call& call,
                           std::vector<Status>& statuses, std::vector<OpenPut>& open) {
  request.name_space = call.name_space;
  request.replicas = options.replicas;
  request.preferred_node = options.preferred_node;
  request.mode = options.mode;
  request.group = options.group;
  protocol::Handles reply;
  const auto start = [&](bool& sent) {
    request.ticket = next_ticket_.fetch_add(1);
    request.timeout_ms =
        static_cast<std::uint32_t>(std::max<std::int64_t>(left(call).count() * 9 / 10, 1));
    auto payload = ask(Method::kPutStart, request, reply, call.deadline, &sent);
    if (!payload && sent) {
      give_up({{}, {request.ticket}, 0}, a_moment_past(call));
    }
    return payload;
  };
  bool sent = false;
  auto payload = start(sent);
  if (!payload && sent && payload.code() == Status::kUnreachable && time_.now() < call.deadline) {
    payload = start(sent);  // the connection broke: as another start, for the first may have come
  }
  if (!payload) {
    return payload.code();
  }
  pay_owed(call.deadline);
  if (reply.items.size() != request.items.size()) {
    return Status::kVersionMismatch;
  }
  for (std::size_t i = 0; i < reply.items.size(); ++i) {
    const auto handle = reply.items[i].status == Status::kOk ? Handle::of(reply.items[i]) : nullptr;
    statuses[i] = reply.items[i].status;
    if (handle == nullptr) {
      if (statuses[i] == Status::kOk) {
        statuses[i] = Status::kVersionMismatch;  // nothing can be written there, so nothing was put
      }
      continue;
    }
    open.push_back(OpenPut::of(i, *handle, call.name_space, request.items[i].key));
  }
  return Status::kOk;
}

void Session::write_puts(std::vector<OpenPut>& open, bool group, const Call& call) {
  std::vector<Transfer*> transfers;
  for (OpenPut& put : open) {
    for (auto& transfer : put.replicas) {
      transfers.push_back(transfer.get());
    }
  }
  move(transfers, Work::kWrite, call);
  move(transfers, Work::kSeal, call);
  const bool late = time_.now() >= call.deadline;
  // One of a group can be found only when all can.
  const bool all =
      std::all_of(open.begin(), open.end(), [](const OpenPut& put) { return put.may_be_sealed(); });
  for (OpenPut& put : open) {
    put.verdict = judge_put(put.failure_of_replicas(), late, group ? all : put.may_be_sealed());
  }
  const auto is_good = [](const OpenPut& put) { return put.verdict.failure == Status::kOk; };
  if (group && !std::all_of(open.begin(), open.end(), is_good)) {
    for (OpenPut& put : open) {
      put.verdict.failure = is_good(put) ? falls_with_its_group(all) : put.verdict.failure;
    }
  }
}

// Commits what is whole and gives up the rest. A commit whose answer is lost is asked again until
// the deadline; after that nobody can say.
void Session::finish_puts(std::vector<OpenPut>& open, bool group, const Call& call,
                          std::vector<Status>& statuses) {
  protocol::PutFinish request;
  request.group = group;
  request.timeout_ms =
      static_cast<std::uint32_t>(std::max<std::int64_t>(left(call).count() * 8 / 10, 1));
  bool commits = false;
  for (const OpenPut& put : open) {
    protocol::PutFinishItem item{put.put, put.verdict.failure == Status::kOk, {}};
    for (const auto& transfer : put.replicas) {
      item.header_digests.push_back(transfer->header_digest);
    }
    commits = commits || item.commit;
    request.items.push_back(std::move(item));
    statuses[put.index] = put.verdict.failure;
    if (put.verdict.failure == Status::kIntegrity) {
      ++counters_.integrity_failures;
    }
  }
  if (!commits) {
    return give_up(std::move(request), a_moment_past(call));
  }
  protocol::Statuses reply;
  auto payload = ask(Method::kPutFinish, request, reply, call.deadline);
  // Meta may be away, or have been, and not have heard yet of the nodes that hold what was sealed.
  const auto not_yet = [&] {
    return payload ? std::find(reply.items.begin(), reply.items.end(), Status::kRecovering) !=
                         reply.items.end()
                   : payload.code() == Status::kUnreachable;
  };
  while (not_yet() && time_.now() < call.deadline) {
    time_.sleep_until(std::min(call.deadline, time_.now() + std::chrono::milliseconds(10)));
    payload = ask(Method::kPutFinish, request, reply, call.deadline);
  }
  if (!payload) {
    give_up(request, a_moment_past(call));
  }
  for (std::size_t n = 0; n < open.size(); ++n) {
    OpenPut& put = open[n];
    if (put.verdict.failure != Status::kOk) {
      continue;
    }
    if (!payload || n >= reply.items.size()) {
      statuses[put.index] = Status::kUnknown;  // sealed: see write_puts
      continue;
    }
    statuses[put.index] = reply.items[n] == Status::kRecovering ? Status::kUnknown : reply.items[n];
    if (reply.items[n] == Status::kOk || reply.items[n] == Status::kPending) {
      cache_.put(call.name_space, put.replicas[0]->key,
                 std::make_shared<const Handle>(put.handle()));
    }
  }
}

}  // namespace aquifer::client
