// Requests from threads that wait for the answer: one connection, many callers. There is no thread
// behind it: of the callers that wait, one reads for all and passes the role on when it has its own
// answer. So an answer wakes the thread that wants it and no other, and a process that makes no
// calls runs nothing.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "aquifer/result.h"
#include "io/socket.h"
#include "rpc/caller.h"

namespace aquifer::rpc {

class Channel final : public Caller {
 public:
  /// `connect` makes a fresh connection; `greet` (may be empty) is the first request of each, and a
  /// connection whose greeting fails is dropped.
  using Connect = std::function<Result<base::UniqueFd>(io::Deadline)>;
  using Greet = std::function<Result<void>(Channel&, io::Deadline)>;
  Channel(Connect connect, Greet greet);
  ~Channel() override;

  void close() override;

 private:
  class Line;
  Result<Payload> exchange(std::uint64_t id, const Buffer& frame, io::Deadline deadline,
                           bool* sent) override;
  bool post_frame(const Buffer& frame, io::Deadline deadline) override;
  Result<std::shared_ptr<Line>> line(io::Deadline deadline);
  Result<std::shared_ptr<Line>> connect(io::Deadline deadline);
  std::shared_ptr<Line> current_line();
  void set_line(std::shared_ptr<Line> line);

  Connect connect_;
  Greet greet_;
  std::timed_mutex connecting_;
  std::atomic<bool> closed_{false};
  std::atomic<std::thread::id>
      greeting_thread_{};  ///< its calls go over the new connection while the others wait
  std::mutex line_mutex_;  ///< guards line_; a leaf
  std::shared_ptr<Line> line_;
};

}  // namespace aquifer::rpc
