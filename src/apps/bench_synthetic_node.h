// A node that has no memory: it joins a meta as any other, grants whatever it is asked for, and
// keeps its session, so that a meta can be filled with more objects than this machine could store.
// What is put there cannot be written or read. A thread of its own.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "aquifer/result.h"

namespace aquifer::apps {

class SyntheticNode {
 public:
  /// Joins the meta with room for `objects` objects of at most `object_bytes` (header included).
  /// Errors: those of connecting, and what meta says.
  static Result<SyntheticNode> join(const std::string& meta, std::uint32_t objects,
                                    std::uint64_t object_bytes);

  SyntheticNode(SyntheticNode&&) noexcept;
  SyntheticNode& operator=(SyntheticNode&&) = delete;
  /// Ends the session.
  ~SyntheticNode();

 private:
  class Link;
  explicit SyntheticNode(std::unique_ptr<Link> link);
  std::unique_ptr<Link> link_;
};

}  // namespace aquifer::apps
