// Pins and listings: requests to meta, nothing more.
#include <algorithm>

#include "client/session.h"

namespace aquifer::client {

using protocol::Method;

namespace {

constexpr std::size_t kRemovePage = 1024;

}  // namespace

std::vector<Status> Session::pin(std::span<const std::string_view> keys,
                                 std::chrono::milliseconds ttl, const Call& call) {
  if (ttl.count() < 0 || ttl > Limits::kPinTtl) {
    remember({Status::kInvalidArgument, "a pin lasts from 0 (which ends it) to 24 hours", {}});
    return std::vector<Status>(keys.size(), Status::kInvalidArgument);
  }
  protocol::Statuses reply;
  const auto payload =
      ask(Method::kPin,
          protocol::Pin{
              call.name_space, static_cast<std::uint64_t>(ttl.count()), {keys.begin(), keys.end()}},
          reply, call.deadline);
  if (!payload) {
    return std::vector<Status>(keys.size(), payload.code());
  }
  reply.items.resize(keys.size(), Status::kInternal);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (keys[i].empty() || keys[i].size() > Limits::kKeyBytes) {
      reply.items[i] = Status::kInvalidArgument;
    }
    if (reply.items[i] == Status::kBusy) {
      remember({Status::kBusy, "as many bytes are pinned as meta allows",
                "end other pins, or allow more with aquifer meta --pin-limit"});
      break;
    }
  }
  return reply.items;
}

Result<ListPage> Session::list(std::string_view prefix, std::string_view cursor,
                               std::size_t entries_max, const Call& call) {
  // What is left for meta to answer in, so that its answer comes before the deadline.
  const auto timeout_ms =
      static_cast<std::uint32_t>(std::max<std::int64_t>(left(call).count() * 9 / 10, 1));
  protocol::Listed reply;
  const auto payload =
      ask(Method::kList,
          protocol::List{call.name_space, prefix, cursor,
                         static_cast<std::uint32_t>(std::min(entries_max, Limits::kListEntries)),
                         timeout_ms},
          reply, call.deadline);
  if (!payload) {
    return payload.error();
  }
  ListPage page;
  page.cursor = reply.cursor;
  for (const protocol::ListedKey& entry : reply.entries) {
    page.entries.push_back({std::string(entry.key), entry.value_bytes});
  }
  return page;
}

// Page by page; over again until a pass finds nothing, because keys come while others go.
Result<std::uint64_t> Session::remove_prefix(std::string_view prefix, const Call& call) {
  std::uint64_t removed = 0;
  for (std::uint64_t found = 1; found != 0;) {
    found = 0;
    std::string cursor;
    do {
      auto page = list(prefix, cursor, kRemovePage, call);
      if (!page) {
        return std::move(page).error();
      }
      std::vector<std::string_view> keys;
      for (const ListEntry& entry : page->entries) {
        keys.push_back(entry.key);
      }
      if (!keys.empty()) {
        for (const Status status : remove(keys, call)) {
          if (status != Status::kOk && status != Status::kNotFound) {
            return explain(status, prefix);
          }
          found += status == Status::kOk ? 1 : 0;
        }
      }
      cursor = std::move(page->cursor);
    } while (!cursor.empty());
    removed += found;
  }
  return removed;
}

}  // namespace aquifer::client
