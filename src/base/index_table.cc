#include "base/index_table.h"

#include <algorithm>

#include "base/check.h"

namespace aquifer::base {

IndexTable::IndexTable() {
  pages_.push_back(std::make_unique<Page>());
  directory_.push_back(pages_.back().get());
}

void IndexTable::put(Page& page, Entry entry) {
  std::uint32_t at = home(entry.hash);
  while (page.entries[at].index != kNone) {
    at = next(at);
  }
  page.entries[at] = entry;
  ++page.count;
}

void IndexTable::insert(std::uint32_t hash, std::uint32_t index) {
  while (page_of(hash).count >= kFull && page_of(hash).depth < kDepthMax) {
    split(page_of(hash), hash);
  }
  AQ_CHECK(page_of(hash).count < kPlaces - 1);  // a search ends at a free place
  put(page_of(hash), {hash, index});
  ++size_;
}

// Those whose next bit is set move to a page of their own.
void IndexTable::split(Page& page, std::uint32_t hash) {
  if (page.depth == depth_) {
    std::vector<Page*> doubled(directory_.size() * 2);
    for (std::size_t i = 0; i < doubled.size(); ++i) {
      doubled[i] = directory_[i / 2];
    }
    directory_ = std::move(doubled);
    ++depth_;
  }
  const std::array<Entry, kPlaces> entries = page.entries;
  const unsigned depth = page.depth + 1;
  Page& upper = *pages_.emplace_back(std::make_unique<Page>());
  page.entries.fill({});
  page.count = 0;
  page.depth = upper.depth = depth;
  for (const Entry& entry : entries) {
    if (entry.index != kNone) {
      put((entry.hash >> (32 - depth) & 1) != 0 ? upper : page, entry);
    }
  }
  // The page had a run of places in the directory; the new one has its second half.
  const std::size_t run = std::size_t{1} << (depth_ - depth);
  const std::size_t second = (page_number(hash) / (2 * run)) * 2 * run + run;
  std::fill_n(directory_.begin() + static_cast<std::ptrdiff_t>(second), run, &upper);
}

std::uint32_t IndexTable::place_of(const Page& page, std::uint32_t hash, std::uint32_t index) {
  std::uint32_t at = home(hash);
  while (page.entries[at].index != index) {
    AQ_CHECK(page.entries[at].index != kNone);
    at = next(at);
  }
  return at;
}

void IndexTable::erase(std::uint32_t hash, std::uint32_t index) {
  Page& page = page_of(hash);
  std::uint32_t hole = place_of(page, hash, index);
  // Entries behind the hole move up, unless that were in front of their own home.
  for (std::uint32_t at = next(hole); page.entries[at].index != kNone; at = next(at)) {
    const std::uint32_t from_home = (at - home(page.entries[at].hash)) % kPlaces;
    if (from_home >= (at - hole) % kPlaces) {
      page.entries[hole] = page.entries[at];
      hole = at;
    }
  }
  page.entries[hole] = {};
  --page.count;
  --size_;
}

void IndexTable::replace(std::uint32_t hash, std::uint32_t before, std::uint32_t index) {
  Page& page = page_of(hash);
  page.entries[place_of(page, hash, before)].index = index;
}

}  // namespace aquifer::base
