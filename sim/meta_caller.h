// Requests of a client to meta over the simulated network, as rpc/channel.cc makes them over a
// socket: whoever finds no connection makes one and greets, while the others wait for that.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>

#include "client/surroundings.h"
#include "rpc/caller.h"
#include "sim/meta_process.h"
#include "sim/network.h"
#include "sim/threads.h"

namespace aquifer::sim {

class MetaCaller final : public rpc::Caller {
 public:
  /// `on_answer` hears of each request that is answered well before its caller does, with the life
  /// of the meta that has answered.
  using OnAnswer =
      std::function<void(const rpc::Frame& request, std::string_view reply, std::uint64_t meta)>;
  MetaCaller(Process& process, Threads& threads, Network& network, MetaProcess& meta,
             client::Surroundings::Greet greet, OnAnswer on_answer);
  ~MetaCaller() override;

  void close() override;

 private:
  /// A caller that waits for its answer.
  struct Waiter {
    Threads::ThreadPtr thread;
    std::uint64_t meta = 0;  ///< the life of the one that is asked
    std::optional<Result<rpc::Payload>> outcome;
  };
  Result<rpc::Payload> exchange(std::uint64_t id, const rpc::Buffer& frame, io::Deadline deadline,
                                bool* sent) override;
  bool post_frame(const rpc::Buffer& frame, io::Deadline deadline) override;
  Result<void> have_line(io::Deadline deadline);
  Result<void> connect(io::Deadline deadline);
  std::shared_ptr<Connection> knock(io::Deadline deadline);
  void on_frame(const rpc::Frame& frame);
  void drop_line(const Error& why);
  bool greets() const { return greeting_ != nullptr && greeting_ == threads_.running(); }

  Process& process_;
  Threads& threads_;
  Network& network_;
  MetaProcess& meta_;
  const client::Surroundings::Greet greet_;
  const OnAnswer on_answer_;
  std::shared_ptr<Connection> line_;
  std::uint64_t meta_life_ = 0;
  std::mutex mutex_;  // of the bell; one thread is at work at a time
  const std::unique_ptr<client::Bell> connected_;
  bool is_connecting_ = false;
  Threads::ThreadPtr greeting_;
  bool closed_ = false;
  std::map<std::uint64_t, std::shared_ptr<Waiter>> waiting_;
};

}  // namespace aquifer::sim
