// One writer of a contention test: puts, replaces, opens and removes its own keys.
#pragma once

#include <array>
#include <vector>

#include "aquifer/client.h"
#include "base/random.h"
#include "board.h"

namespace aquifer::contention {

class Writer {
 public:
  Writer(Board& board, Client& client, std::uint64_t seed);
  void run();

 private:
  ValueId next_value();
  std::span<const ConstPiece> pieces(const ValueId& id);
  void put();
  void put_if_absent();
  void put_batch();
  void replace();
  void open_put();
  void remove();
  void count(Call call, Status status, const ValueId& id);

  Board& board_;
  Client& client_;
  base::Random random_;
  const std::uint32_t owner_;
  std::vector<std::byte> buffer_;
  std::vector<ConstPiece> pieces_;
};

}  // namespace aquifer::contention
