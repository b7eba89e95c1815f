#include "board.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "base/check.h"
#include "base/strings.h"

namespace aquifer::contention {

std::string_view name_of(Call call) {
  constexpr std::array<std::string_view, static_cast<std::size_t>(Call::kEnd)> kNames{
      "put",       "put_if_absent", "put_batch", "replace", "open_put", "remove", "get",
      "get_batch", "get_range",     "view",      "exists",  "pin",      "list"};
  return kNames[static_cast<std::size_t>(call)];
}

Board* Board::make(int& descriptor) {
  // Without CLOEXEC: the children are to have it.
  descriptor = memfd_create("contention-board", 0);
  AQ_CHECK(descriptor >= 0 && ftruncate(descriptor, sizeof(Board)) == 0);
  return open(descriptor);
}

Board* Board::open(int descriptor) {
  void* memory = mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  AQ_CHECK(memory != MAP_FAILED);
  // Fresh memory is zeros, and zeros are an empty board.
  return static_cast<Board*>(memory);
}

void Board::drop(Board* board, int descriptor) {
  munmap(board, sizeof(Board));
  close(descriptor);
}

void Board::count(Call call, Status status) {
  ++counts_[static_cast<std::size_t>(call)][static_cast<std::size_t>(status)];
}

std::uint64_t Board::total(Call call, Status status) const {
  return counts_[static_cast<std::size_t>(call)][static_cast<std::size_t>(status)];
}

std::string Board::table() const {
  std::string text;
  for (std::size_t call = 0; call < counts_.size(); ++call) {
    std::string line;
    for (std::size_t status = 0; status < kStatuses; ++status) {
      const std::uint64_t count = counts_[call][status];
      if (count == 0) continue;
      line += base::cat("  ", aquifer::name_of(static_cast<Status>(status)), " ", count);
    }
    if (!line.empty()) text += base::cat(name_of(static_cast<Call>(call)), ":", line, "\n");
  }
  return text;
}

void Board::fault(std::string_view words) {
  if (faults_++ != 0) return;
  const std::size_t count = std::min(words.size(), first_fault_.size() - 1);
  std::memcpy(first_fault_.data(), words.data(), count);
}

}  // namespace aquifer::contention
