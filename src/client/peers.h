// The nodes a client knows: their addresses, the segments mapped from them, and connections to
// their data ports. Learned from meta when a handle names a node that is not known yet.
// Thread-safe.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "aquifer/result.h"
#include "base/ids.h"
#include "base/random.h"
#include "client/breaker.h"
#include "client/slot_uses.h"
#include "client/time.h"
#include "io/address.h"
#include "io/socket.h"
#include "memory/prefault.h"
#include "memory/shared_memory.h"
#include "pool/segment.h"

namespace aquifer::client {

class Surroundings;

/// A segment in this process's address space. The mapping keeps the lock by which the node knows
/// that we live.
struct MappedSegment {
  MappedSegment(memory::Mapping memory, const pool::SegmentView& segment, std::uint32_t user)
      : mapping(std::move(memory)),
        bytes(mapping.data(), mapping.size()),
        view(segment),
        uses(segment, user),
        prefault(mapping) {}
  /// Of memory that somebody else keeps.
  MappedSegment(const pool::SegmentView& segment, std::uint32_t user)
      : bytes(segment.base(), segment.shape().total_bytes()),
        view(segment),
        uses(segment, user),
        prefault(mapping) {}

  memory::Mapping mapping;
  std::span<std::byte> bytes;
  pool::SegmentView view;
  SlotUses uses;
  memory::Prefault prefault;
};

/// One node.
class Peer {
 public:
  struct Place {
    std::string name;
    io::Address address;
    std::string unix_name;
    bool same_host = false;
    bool same_zone = false;
  };
  Peer(Place place, base::ClientId client, Surroundings& around);

  const Place& place() const { return place_; }

  /// The mapped segment; null when it cannot be had (another host or network namespace, another
  /// segment by now, a node that does not answer).
  std::shared_ptr<MappedSegment> segment(base::SegmentId id, io::Deadline deadline);

  /// A connection to the data port, an idle one if there is one. Errors: kUnreachable.
  Result<base::UniqueFd> take_stream(io::Deadline deadline);

  /// The breaker of the data port. There are many nodes and another one may do, so there is no
  /// patience and no thread: while the port does not answer, one caller at a time asks it for
  /// nothing now and then, for a moment at most, and calls are refused. False: refused.
  bool admits(io::Deadline deadline);
  /// False since the data port did not answer, until it does.
  bool port_is_sound() const { return port_is_sound_.load(std::memory_order_relaxed); }
  void port_answered();
  void port_unreachable();
  void port_silent(io::Clock::duration waited);

  /// Gives back a connection that is in step: nothing sent or expected.
  void give_stream(base::UniqueFd fd);
  /// Closes the idle connections: the node may have been restarted.
  void drop_streams();

  /// Remembers for a while that the node did not answer, so that others are asked first; longer
  /// each time, until it answers.
  void avoid();
  void answered() { penalty_ = std::chrono::seconds(0); }
  bool is_avoided() const;

  /// Bytes that calls of this client are reading from it, where they had a choice.
  std::atomic<std::uint64_t> being_read{0};

 private:
  bool ping(io::Deadline deadline);

  const Place place_;
  const base::ClientId client_;
  Surroundings& around_;
  Time& time_;
  std::mutex mutex_;
  std::shared_ptr<MappedSegment> segment_;
  bool is_mapping_ = false;             ///< a caller does, without the lock
  const std::unique_ptr<Bell> mapped_;  ///< it has ended
  bool map_was_silent_ = false;         ///< when it was tried last
  io::Deadline no_map_before_{};
  Breaker port_;
  bool is_pinging_ = false;  ///< as is_mapping_
  base::Random random_;
  std::atomic<bool> port_is_sound_{true};  ///< port_.is_sound(), for calls without trouble
  std::vector<base::UniqueFd> idle_;
  std::atomic<io::Clock::rep> avoided_until_{};
  std::atomic<std::chrono::seconds> penalty_{};
};

class Peers {
 public:
  /// `refresh` asks meta for the nodes and calls learn() for each.
  Peers(base::ClientId client, Surroundings& around, std::function<void(io::Deadline)> refresh);

  /// Null when meta does not know the node either.
  std::shared_ptr<Peer> find(base::NodeId node, io::Deadline deadline);
  std::shared_ptr<Peer> find_known(base::NodeId node);
  void learn(base::NodeId node, Peer::Place place);
  void clear();

 private:
  const base::ClientId client_;
  Surroundings& around_;
  Time& time_;
  const std::function<void(io::Deadline)> refresh_;
  std::mutex mutex_;
  io::Deadline refreshed_{};  ///< when meta was asked last
  std::unordered_map<base::NodeId, std::shared_ptr<Peer>> by_node_;
};

}  // namespace aquifer::client
