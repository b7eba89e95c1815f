// The threads of one process of a contention test: writers, each the only one for its keys, and
// readers that check every byte they get. They make all calls that there are, at full rate, until
// the board says stop.
#pragma once

#include <cstdint>
#include <span>
#include <thread>
#include <vector>

#include "aquifer/client.h"
#include "board.h"

namespace aquifer::contention {

class Crew {
 public:
  /// Starts `writers` and `readers` threads on each of the clients, which outlive this.
  Crew(Board& board, std::span<Client> clients, unsigned writers, unsigned readers,
       std::uint64_t seed);
  /// Joins them; the board has said stop.
  ~Crew();

 private:
  std::vector<std::thread> threads_;
};

/// True for what a call may end with when the pool is full, and processes die.
bool is_allowed(Call call, Status status);

}  // namespace aquifer::contention
