// The node's one segment: makes it or attaches to one that an earlier process left, gives it memory
// ahead of need on a thread of its own, grants slots and space to meta, takes slots back, hands the
// memory to same-host clients, and knows when each of those is gone. Not here: sockets.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "aquifer/result.h"
#include "base/hash.h"
#include "base/ids.h"
#include "base/unique_fd.h"
#include "memory/shared_memory.h"
#include "node/open_writes.h"
#include "pool/segment.h"
#include "protocol/messages.h"

namespace aquifer::node {

class SegmentHost {
 public:
  struct Options {
    std::uint64_t data_bytes = 0;
    std::string path;  ///< empty: anonymous memory
    base::NodeId node{};
    bool fresh = false;  ///< what an earlier process left is replaced, not attached to
    std::uint32_t report_slots = 32768;  ///< looked at in one step of a report
    /// Faults planted on purpose, each of which the simulator has to find.
    struct Faults {
      bool frees_granted = false;  ///< a report calls slots free that somebody still writes
      bool retires_any_generation = false;  ///< a slot is taken back whatever was meant
    } faults{};
  };

  /// Memory that is there already, laid out as a segment, and the word on which of its users live:
  /// for a world without processes (the simulator). Both outlive the host.
  struct Given {
    pool::SegmentView view;
    bool is_attached = false;  ///< it holds what an earlier host has left
    bool lasts = false;
    std::function<bool(std::uint32_t user)> lives;
  };

  /// Makes the segment, or attaches to the one that is there, and starts giving it memory. One that
  /// cannot be used is set aside under another name, and said so in the log. `on_progress` is
  /// called on the helper thread whenever more has been populated, with the error once when memory
  /// ran out. Errors: kNoSpace, kConflict (in use, or of another size), kIo.
  using Progress = std::function<void(const std::optional<Error>&)>;
  static Result<std::unique_ptr<SegmentHost>> make(const Options& options, Progress on_progress);

  static std::unique_ptr<SegmentHost> over(const Options& options, Given given);

  /// Stops the helper. Marks the segment dead and removes the file, unless it is to be kept.
  ~SegmentHost();
  void keep() { is_kept_ = true; }
  /// True when its memory survives this process.
  bool lasts() const { return lasts_; }
  /// True when it was there already, with what it holds.
  bool was_attached() const { return was_attached_; }
  /// Looks at the slots and headers of all sealed objects; marks those bad that are damaged, and
  /// returns them. For a segment that was attached to. Control thread only.
  std::vector<protocol::RecoveredSlot> find_damaged();

  const pool::SegmentView& view() const { return view_; }
  OpenWrites& open_writes() { return open_writes_; }

  /// Grants up to the marks, as far as memory is populated. Control thread only.
  void grant(std::uint32_t units, std::uint32_t slots);
  /// What has been granted from `first_slot` on, to tell meta.
  protocol::Granted granted_since(std::uint32_t first_slot) const;
  std::uint32_t granted_units() const { return granted_units_; }
  std::uint32_t granted_slots() const { return granted_slots_; }
  /// Units there will ever be: fewer than the segment has once memory ran out.
  std::uint64_t units_max() const { return units_max_; }

  /// Takes one slot back; see protocol::ReclaimItem. Control thread only.
  protocol::ReclaimedItem reclaim(const protocol::ReclaimItem& item);
  /// Seals a prepared slot. True when it is sealed. Control thread only.
  bool publish(const protocol::PublishItem& item);
  /// Limbo slots whose users have left, or are gone, since the last call. Control thread only.
  std::vector<protocol::ReclaimedItem> release_limbo();

  // The report to a meta that does not know what lies here. Control thread only.
  /// Fences all that was granted before: what is not sealed cannot be any more.
  void begin_report();
  /// The next part; its `end` is true for the last one.
  protocol::Recovered report_step(const base::KeyHasher& hasher);
  /// Runs that the report had to hold back since they may still have been written, some at a time;
  /// empty as long as that is so.
  std::vector<protocol::Run> take_held_runs();

  /// Checks a sealed slot against its digests; marks it bad and says true when they do not match.
  bool find_bad(const protocol::Verify& verify);

  /// The committed or not yet committed objects of a namespace whose keys begin with a prefix, in a
  /// run of slots. Control thread only.
  struct Found {
    std::uint32_t slot = 0;
    std::uint64_t generation = 0;
    std::string key;
  };
  struct Scanned {
    std::vector<Found> found;
    std::uint32_t next_slot = 0;
    bool end = false;
  };
  Scanned scan(const protocol::Scan& scan) const;

  /// Views open now, by all clients of this host.
  std::uint64_t views() const;

  /// A descriptor of the segment for one client, locked for it, and its bit for using slots in
  /// place (beyond the last when none is left). Control thread only. Errors: kIo.
  struct HandedOut {
    base::UniqueFd fd;
    std::uint32_t user = pool::kUsersMax;
  };
  Result<HandedOut> hand_out();
  /// The bit alone, for a client that will be known to live. Control thread only.
  std::uint32_t take_user();

 private:
  SegmentHost(Options options, Given given);
  SegmentHost(Options options, base::UniqueFd fd, memory::Mapping mapping, pool::SegmentView view,
              bool was_attached, Progress on_progress);
  static Result<std::unique_ptr<SegmentHost>> attach(const Options& options, base::UniqueFd fd,
                                                     Progress on_progress);
  void read_catalog();
  void report_slot(std::uint32_t slot, const base::KeyHasher& hasher, protocol::Recovered& out);
  bool claim(const pool::SlotContent& content);
  std::vector<protocol::Run> next_unclaimed();
  void populate_loop();
  bool populate_step(std::uint64_t& slots, std::uint64_t& units);
  bool is_used(std::uint32_t slot) const;
  template <class Body>
  bool guarded(Body body) const;
  std::uint64_t lock_of(std::uint32_t user) const;
  bool retire(std::uint32_t slot, std::uint64_t generation);
  std::uint64_t take_back(std::uint32_t slot, std::uint64_t generation);
  void end_uses_of(std::uint32_t user);
  /// The header of a sealed object, checked, with its page digests; empty when it is not whole.
  std::vector<std::byte> checked_header(std::uint32_t slot, std::uint64_t generation,
                                        std::uint64_t header_digest,
                                        std::vector<std::uint64_t>& page_digests,
                                        pool::SlotContent& content) const;

  const Options options_;
  base::UniqueFd fd_;
  memory::Mapping mapping_;
  pool::SegmentView view_;
  const std::function<bool(std::uint32_t)> lives_;
  const bool lasts_;
  OpenWrites open_writes_;
  Progress on_progress_;

  std::atomic<std::uint64_t> populated_units_{0};
  std::atomic<std::uint64_t> populated_slots_{0};
  std::atomic<std::uint64_t> units_max_;
  std::atomic<bool> stopping_{false};
  std::thread populator_;

  std::uint32_t granted_units_ = 0;
  std::uint32_t granted_slots_ = 0;
  std::vector<std::uint64_t> generations_;  ///< of granted slots: their words may be damaged
  const bool was_attached_;
  std::atomic<bool> is_kept_{false};
  struct Report {
    std::uint32_t next_slot = 0;
    std::uint32_t units = 0;             ///< granted when it began
    std::uint32_t next_unit = 0;         ///< free runs below this have been told
    std::vector<bool> claimed;           ///< units of objects and of limbo
    std::vector<std::uint32_t> unknown;  ///< slots in limbo that do not say what they cover
    bool held = false;                   ///< for their sake no run is free yet
  };
  Report report_;
  std::uint64_t users_taken_ = 0;  ///< bits of living clients
  std::vector<protocol::ReclaimItem> limbo_;
};

}  // namespace aquifer::node
