// The time of the system: its steady clock, threads and condition variables.
#pragma once

#include "client/time.h"

namespace aquifer::client {

class SystemTime final : public Time {
 public:
  io::Deadline now() const override { return io::Clock::now(); }
  void sleep_until(io::Deadline time) override;
  std::unique_ptr<Bell> make_bell() override;
  /// The thread takes no signal: those are for the threads of the application.
  std::unique_ptr<Task> run_beside(std::function<void()> body) override;
};

}  // namespace aquifer::client
