#include "meta/put_numbers.h"

#include "base/check.h"

namespace aquifer::meta {

std::uint64_t PutNumbers::begin(std::uint32_t put) {
  const std::uint64_t at = last_++ % kBlock;
  if (at == 0) {
    if (!blocks_.empty() && blocks_.back() != nullptr && blocks_.back()->open == 0) {
      to_forget_.push_back({first_block_ + blocks_.size() - 1, ended_});
    }
    blocks_.push_back(std::make_unique<Block>());
  }
  Block& block = *blocks_.back();
  block.entries[at].put = put;
  ++block.open;
  return last_;
}

PutNumbers::Block* PutNumbers::block_of(std::uint64_t number) const {
  if (number == 0 || number > last_ || (number - 1) / kBlock < first_block_) {
    return nullptr;
  }
  return blocks_[(number - 1) / kBlock - first_block_].get();
}

std::uint32_t PutNumbers::find(std::uint64_t number) const {
  const Block* block = block_of(number);
  return block == nullptr ? kNone : block->entries[(number - 1) % kBlock].put;
}

std::optional<Status> PutNumbers::outcome(std::uint64_t number) const {
  const Block* block = block_of(number);
  if (block == nullptr || block->entries[(number - 1) % kBlock].put != kNone) {
    return std::nullopt;
  }
  return block->entries[(number - 1) % kBlock].outcome;
}

void PutNumbers::end(std::uint64_t number, Status outcome) {
  Block* block = block_of(number);
  AQ_CHECK(block != nullptr && block->entries[(number - 1) % kBlock].put != kNone);
  block->entries[(number - 1) % kBlock] = {kNone, outcome};
  ++ended_;
  const std::uint64_t block_number = (number - 1) / kBlock;
  if (--block->open == 0 && block_number != (last_ - 1) / kBlock) {
    to_forget_.push_back({block_number, ended_});
  }
  forget();
}

void PutNumbers::amend(std::uint64_t number, Status outcome) {
  Block* block = block_of(number);
  if (block != nullptr && block->entries[(number - 1) % kBlock].put == kNone) {
    block->entries[(number - 1) % kBlock].outcome = outcome;
  }
}

void PutNumbers::forget() {
  while (!to_forget_.empty() && to_forget_.front().when + kOutcomes <= ended_) {
    blocks_[to_forget_.front().block - first_block_].reset();
    to_forget_.pop_front();
  }
  for (; !blocks_.empty() && blocks_.front() == nullptr; ++first_block_) {
    blocks_.pop_front();
  }
}

}  // namespace aquifer::meta
