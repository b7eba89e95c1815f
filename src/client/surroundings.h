// What a session needs of the world around it: time and chance, the way to meta, the memory of
// nodes, and the moving of bytes there. Those of this process (own_surroundings.h), or those that
// the simulator makes up. Not here: TCP, which is of this process alone.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "client/time.h"
#include "client/transfer.h"
#include "io/address.h"
#include "rpc/caller.h"

namespace aquifer::client {

/// What is to be done with transfers: their pages moved, or headers and slots sealed; or what lies
/// there is looked at, its slots being held by views.
enum class Work : std::uint8_t { kRead, kWrite, kSeal, kVerify };

class Surroundings {
 public:
  virtual ~Surroundings() = default;

  virtual Time& time() = 0;
  /// Never zero, and of no other.
  virtual std::uint64_t random_id() = 0;
  /// Processes that share it may share memory; may be empty.
  virtual std::string host() = 0;
  /// What tells this process from others of its host.
  virtual std::uint64_t process() = 0;

  /// `greet` (may be empty) is the first request of each connection; one whose greeting fails is
  /// dropped.
  using Greet = std::function<Result<void>(rpc::Caller&, io::Deadline)>;
  virtual std::unique_ptr<rpc::Caller> call_meta(const io::Address& address, Greet greet) = 0;

  /// The segment of a node of this host; null when it cannot be had.
  virtual std::shared_ptr<MappedSegment> map(const Peer::Place& node, base::ClientId client,
                                             io::Deadline deadline) = 0;

  /// Does the work on mapped transfers; each one's outcome is set. After the call nothing touches
  /// the pieces.
  virtual void move_by_memory(Work work, std::span<Transfer* const> transfers,
                              const Effort& effort) = 0;
};

}  // namespace aquifer::client
