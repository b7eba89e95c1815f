// Listing. Meta knows keys by their hashes only, so it asks the nodes, one run of slots after the
// other, and keeps what the directory says is committed. An object of several replicas is listed
// where its first one lies.
#include <algorithm>
#include <charconv>

#include "base/strings.h"
#include "meta/state_machine.h"

namespace aquifer::meta {

using protocol::Method;

namespace {

constexpr std::uint32_t kScanSlots = 4096;
constexpr std::uint32_t kTimeoutMaxMs = 600'000;

// "SEGMENT.SLOT" in hexadecimal: where the next page begins.
struct Cursor {
  std::uint64_t segment = 0;
  std::uint32_t slot = 0;

  std::string text() const { return base::cat(base::hex(segment), ".", base::hex(slot)); }

  static std::optional<Cursor> parse(std::string_view text) {
    Cursor cursor;
    if (text.empty()) {
      return cursor;
    }
    const char* const end = text.data() + text.size();
    const auto segment = std::from_chars(text.data(), end, cursor.segment, 16);
    if (segment.ec != std::errc() || segment.ptr == end || *segment.ptr != '.') {
      return std::nullopt;
    }
    const auto slot = std::from_chars(segment.ptr + 1, end, cursor.slot, 16);
    return slot.ec == std::errc() && slot.ptr == end ? std::optional(cursor) : std::nullopt;
  }
};

}  // namespace

void StateMachine::list(SessionId session, std::uint64_t request, const protocol::List& list,
                        Time now) {
  calls_.count(CallKind::kList);
  const auto cursor = Cursor::parse(list.cursor);
  if (!cursor || list.entries_max == 0 || list.prefix.size() > Limits::kKeyBytes) {
    return refuse(session, Method::kList, request, Status::kInvalidArgument,
                  "the cursor, the prefix or the number of entries cannot be right",
                  "pass the cursor of the page before, or none, and ask for at least one entry");
  }
  const std::uint64_t id = ++next_list_;
  const Time timeout{std::min(list.timeout_ms, kTimeoutMaxMs)};
  waiting_lists_[id] = {session,
                        request,
                        now + timeout,
                        std::string(list.name_space),
                        std::string(list.prefix),
                        std::min<std::uint32_t>(list.entries_max, Limits::kListEntries),
                        kNone};
  const SegmentIndex begun = segments_.find({cursor->segment});
  if (begun != kNone && segments_.get(begun)->alive()) {
    return scan(id, begun, cursor->slot);
  }
  scan(id, next_listed(cursor->segment), 0);
}

// The segment to be listed after the one with this id (0: the first): segments go by their ids, so
// that a cursor stays right whatever joins and leaves.
SegmentIndex StateMachine::next_listed(std::uint64_t after) const {
  SegmentIndex next = kNone;
  std::uint64_t next_id = 0;
  segments_.for_each([&](SegmentIndex index, const Segment& segment) {
    const std::uint64_t id = segment.id.value;
    if (segment.alive() && id > after && (next == kNone || id < next_id)) {
      next = index;
      next_id = id;
    }
  });
  return next;
}

void StateMachine::scan(std::uint64_t id, SegmentIndex index, std::uint32_t first_slot) {
  WaitingList& waiting = waiting_lists_.at(id);
  waiting.segment = index;
  if (index == kNone) {
    return answer_list(id, {});
  }
  const Segment& segment = *segments_.get(index);
  send(segment.node.session, Method::kScan,
       protocol::Scan{segment.id, id, first_slot, kScanSlots, waiting.entries_max,
                      waiting.name_space, waiting.prefix});
}

void StateMachine::scanned(SegmentIndex index, const protocol::Scanned& message) {
  const auto found = waiting_lists_.find(message.id);
  if (found == waiting_lists_.end() || found->second.segment != index ||
      message.segment != segments_.get(index)->id) {
    return;  // answered at its deadline
  }
  protocol::Listed page;
  for (const protocol::ScannedItem& item : message.items) {
    const ReplicaIndex replica = directory_.find_slot(index, item.slot, item.generation);
    if (replica == kNone) {
      continue;  // not committed, or gone by now
    }
    if (directory_.object_of(replica) == replica) {
      page.entries.push_back({item.key, directory_.replica(replica).value_bytes});
    }
  }
  const std::uint64_t segment = message.segment.value;
  const SegmentIndex next = message.end ? next_listed(segment) : index;
  const std::uint32_t next_slot = message.end ? 0 : message.next_slot;
  if (page.entries.empty()) {
    return scan(message.id, next, next_slot);
  }
  const std::string cursor =
      next == kNone ? "" : Cursor{segments_.get(next)->id.value, next_slot}.text();
  page.cursor = cursor;
  answer_list(message.id, page);
}

void StateMachine::answer_list(std::uint64_t id, const protocol::Listed& page) {
  const WaitingList& waiting = waiting_lists_.at(id);
  reply(waiting.session, Method::kList, waiting.request, page);
  waiting_lists_.erase(id);
}

// Nodes that went away are left out; whoever waited too long is told so.
void StateMachine::expire_lists(Time now) {
  std::vector<std::uint64_t> stuck;
  for (const auto& [id, waiting] : waiting_lists_) {
    const Segment* segment = segments_.get(waiting.segment);
    if (waiting.deadline <= now || segment == nullptr || !segment->alive()) {
      stuck.push_back(id);
    }
  }
  for (const std::uint64_t id : stuck) {
    const WaitingList& waiting = waiting_lists_.at(id);
    refuse(waiting.session, Method::kList, waiting.request,
           waiting.deadline <= now ? Status::kTimeout : Status::kUnreachable,
           "a node did not list its keys", "see aquifer status, and list again");
    waiting_lists_.erase(id);
  }
}

}  // namespace aquifer::meta
