// One connection of the data port; see bulk_server.h. Lives on its loop's thread.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "io/loop.h"
#include "node/bulk_server.h"
#include "protocol/bulk.h"

namespace aquifer::node {

class BulkConnection : public std::enable_shared_from_this<BulkConnection> {
 public:
  BulkConnection(io::Loop& loop, base::UniqueFd fd, CurrentSegment segment, BulkCounters& counters,
                 std::function<void(BulkConnection*)> on_close);
  void start() { step(); }
  /// True until it has made a request that is one.
  bool is_stranger() const { return stranger_; }

 private:
  enum class Phase : std::uint8_t { kRequest, kSend, kReceive, kDigests, kHeader };
  enum class Progress : std::uint8_t { kMore, kWaitToRead, kWaitToWrite, kClosed };

  void step();
  Progress advance();
  Progress fill();  ///< reads what is there into in_
  Progress take_request();
  void begin_read();
  void open_write();
  void begin_write();
  void begin_seal();
  Progress send_some();
  Progress receive_some();
  Progress take_digests();
  Progress take_header();
  Status write_arrived(const char* from, std::size_t bytes, int fd, std::size_t& moved);
  Status write_unlocked(const char* from, std::size_t bytes, int fd, std::size_t& moved);
  void digest_arrived(std::uint64_t first, std::uint64_t bytes);
  Status seal(const std::vector<std::byte>& header);
  Status seal_unlocked(pool::Slot& slot, const std::vector<std::byte>& header);
  void answer(Status status);
  void finish_read();
  Progress flush();
  void append_out(const void* bytes, std::size_t count);
  bool resolve(const pool::SlotContent& content);

  io::Loop& loop_;
  io::Watch watch_;
  CurrentSegment current_;
  BulkCounters& counters_;
  std::function<void(BulkConnection*)> on_close_;

  Phase phase_ = Phase::kRequest;
  bool stranger_ = true;
  std::vector<char> in_;
  std::size_t in_from_ = 0;
  std::size_t in_end_ = 0;
  std::vector<char> out_;  ///< replies and trailers not sent yet
  std::size_t out_from_ = 0;

  protocol::BulkRequest request_{};
  std::shared_ptr<SegmentHost> segment_;
  std::array<Piece, pool::kExtentsMax> pieces_{};
  std::size_t piece_count_ = 0;
  std::uint64_t moved_ = 0;        ///< raw bytes of the request done
  Status verdict_ = Status::kOk;   ///< of a write: once it is not kOk the rest is read and dropped
  std::uint64_t header_part_ = 0;  ///< of a read: bytes that are object header, which nobody counts
  std::shared_ptr<OpenWrite> write_;
  std::vector<std::uint64_t> page_states_;
};

}  // namespace aquifer::node
