// Hands the segment to same-host clients over an abstract Unix socket (protocol/shm_hello.h). Only
// the user that runs the node (or root) gets it. Lives on the node's control loop.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "aquifer/result.h"
#include "io/loop.h"
#include "node/segment_host.h"
#include "rpc/connection.h"

namespace aquifer::node {

class ShmServer {
 public:
  ShmServer(io::Loop& loop, base::UniqueFd listening,
            std::function<std::shared_ptr<SegmentHost>()> segment);

 private:
  void accept(base::UniqueFd fd);
  void on_request(std::uint64_t number);
  void answer(int fd);

  io::Loop& loop_;
  std::function<std::shared_ptr<SegmentHost>()> segment_;
  std::map<std::uint64_t, std::unique_ptr<io::Watch>> waiting_;  ///< in the order they came
  std::uint64_t next_ = 0;
  rpc::Acceptor acceptor_;
};

}  // namespace aquifer::node
