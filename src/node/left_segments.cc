#include "node/left_segments.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/strings.h"
#include "memory/fault_guard.h"
#include "memory/shared_memory.h"
#include "pool/segment.h"

namespace aquifer::node {
namespace {

constexpr std::string_view kPrefix = "aquifer-";
constexpr std::string_view kSuffix = ".segment";
constexpr std::string_view kAside = ".segment.aside";

// Reads what the header and the slots say.
void look_into(int fd, LeftSegment& segment) {
  auto mapping = memory::Mapping::map(fd, segment.file_bytes);
  if (segment.file_bytes < 4096 || !mapping) {
    segment.why = "it is too short to be a segment";
    return;
  }
  const bool readable = memory::guarded(mapping->data(), mapping->size(), [&] {
    const auto view = pool::SegmentView::open(mapping->data(), mapping->size());
    if (!view) {
      segment.why = view.error().message;
      return;
    }
    segment.data_bytes = view->shape().data_bytes;
    if (view->header().live.load() != 1) {
      segment.why = "its node has given it up";
    }
    const auto slots = std::min<std::uint64_t>(view->header().granted_slots, view->slot_count());
    for (std::uint32_t slot = 0; slot < slots; ++slot) {
      const auto word = pool::SlotWord::of(view->slot(slot).word.load(std::memory_order_relaxed));
      segment.objects += word.state == pool::SlotState::kSealed ? 1 : 0;
    }
  });
  if (!readable) {
    segment.why = "its memory cannot be read";
  }
}

}  // namespace

std::string segment_path(const std::string& folder, const std::string& name) {
  return base::cat(folder, "/", kPrefix, name, kSuffix);
}

void mark_dead(int fd) {
  const auto bytes = memory::size_of(fd);
  if (!bytes || *bytes < 4096) {
    return;
  }
  auto mapping = memory::Mapping::map(fd, *bytes);
  if (!mapping) {
    return;
  }
  [[maybe_unused]] const bool readable = memory::guarded(mapping->data(), mapping->size(), [&] {
    if (auto view = pool::SegmentView::open(mapping->data(), mapping->size())) {
      view->header().live.store(0, std::memory_order_release);
    }
  });
}

Result<std::vector<LeftSegment>> list_segments(const std::string& folder) {
  std::error_code error;
  std::filesystem::directory_iterator files(folder, error);
  if (error) {
    return Error{Status::kIo, base::cat("cannot list the folder ", folder, ": ", error.message()),
                 "name the folder that the nodes' --segments named"};
  }
  std::vector<LeftSegment> found;
  for (const auto& entry : files) {
    const std::string name = entry.path().filename();
    const bool aside = name.ends_with(kAside);
    const std::string_view suffix = aside ? kAside : kSuffix;
    if (!name.starts_with(kPrefix) || !name.ends_with(suffix)) {
      continue;
    }
    LeftSegment segment;
    segment.path = entry.path();
    segment.name = name.substr(kPrefix.size(), name.size() - kPrefix.size() - suffix.size());
    const auto fd = memory::open_in_folder(segment.path);
    if (fd) {
      segment.file_bytes = memory::size_of(fd->get()).ok() ? *memory::size_of(fd->get()) : 0;
      look_into(fd->get(), segment);
    } else {
      segment.file_bytes = entry.file_size(error);
      segment.why = fd.error().message;
    }
    segment.state = aside                            ? LeftSegment::State::kSetAside
                    : fd.code() == Status::kConflict ? LeftSegment::State::kInUse
                    : !segment.why.empty()           ? LeftSegment::State::kUnusable
                                                     : LeftSegment::State::kLeft;
    found.push_back(std::move(segment));
  }
  std::sort(found.begin(), found.end(),
            [](const auto& a, const auto& b) { return a.path < b.path; });
  return found;
}

Result<void> remove_segment(const LeftSegment& segment) {
  const auto fd = memory::open_in_folder(segment.path);
  if (!fd) {
    return fd.error();
  }
  mark_dead(fd->get());
  if (unlink(segment.path.c_str()) != 0) {
    return Error{
        Status::kIo, base::cat("cannot remove ", segment.path, ": ", std::strerror(errno)), {}};
  }
  return {};
}

}  // namespace aquifer::node
