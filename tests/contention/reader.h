// One reader of a contention test: looks at the keys of all writers in every way there is, and
// checks each byte.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "aquifer/client.h"
#include "base/random.h"
#include "board.h"

namespace aquifer::contention {

class Reader {
 public:
  Reader(Board& board, Client& client, std::uint64_t seed);
  void run();

 private:
  ValueId some_key();
  void get();
  void get_batch();
  void get_range();
  void view();
  void exists();
  void pin();
  void list();
  void count(Call call, Status status, const ValueId& key);
  void check(Call call, const ValueId& key, std::uint32_t floor, std::uint64_t offset,
             std::span<const std::byte> bytes, std::optional<std::uint64_t> whole);
  void check_behind(const ValueId& key, std::uint64_t end);
  void check_view(const ValueId& key, std::uint32_t floor, const View& view);

  Board& board_;
  Client& client_;
  base::Random random_;
  std::vector<std::byte> buffer_;
};

}  // namespace aquifer::contention
