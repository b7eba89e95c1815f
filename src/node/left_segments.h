// The segment files of a folder, looked at from outside: whose they are, what they hold, and
// whether a node uses them. For people who clean up. Not here: using them (segment_host.h).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "aquifer/result.h"

namespace aquifer::node {

/// The folder of nodes that are given none.
inline constexpr std::string_view kDefaultSegments = "/dev/shm";

/// Where the segment of a node lies in a folder.
std::string segment_path(const std::string& folder, const std::string& name);

/// Says to who has a segment mapped that its node gives it up. A file that is none is left alone.
void mark_dead(int fd);

struct LeftSegment {
  enum class State : std::uint8_t {
    kInUse,     ///< by a running node
    kLeft,      ///< the next node of this name takes it
    kSetAside,  ///< could not be used
    kUnusable,  ///< the next node of this name will set it aside
  };
  std::string path;
  std::string name;  ///< of its node
  State state = State::kLeft;
  std::uint64_t file_bytes = 0;
  std::uint64_t data_bytes = 0;  ///< 0 when the header cannot be read, as the next ones
  std::uint64_t objects = 0;     ///< sealed slots; their headers are not looked at
  std::string why;               ///< why it is unusable
};

/// All segment files of a folder, by name. Errors: kIo.
Result<std::vector<LeftSegment>> list_segments(const std::string& folder);

/// Removes one that no node uses, marked dead for who may still have it mapped. Errors: kConflict
/// (in use), kIo.
Result<void> remove_segment(const LeftSegment& segment);

}  // namespace aquifer::node
