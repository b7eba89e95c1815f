// A node that has no memory: it joins a meta as any other, grants whatever it is asked for, and
// keeps its session, so that a meta can be filled with more objects than this machine could store.
// What is put there cannot be written or read. One that comes back says that it holds a catalog of
// objects, to every meta that it finds, as a node does that a meta does not know. A thread of its
// own.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "aquifer/result.h"

namespace aquifer::apps {

/// What a node has to report: objects that follow from their numbers.
struct SyntheticCatalog {
  std::uint32_t objects = 0;
  std::uint64_t value_bytes = 0;   ///< of each
  std::uint64_t object_bytes = 0;  ///< of each, header included
  std::string name_space{};
  std::function<std::string(std::uint64_t number)> key{};
};

class SyntheticNode {
 public:
  /// Joins the meta with room for `objects` objects of at most `object_bytes` (header included).
  /// Errors: those of connecting, and what meta says.
  static Result<SyntheticNode> join(const std::string& meta, std::uint32_t objects,
                                    std::uint64_t object_bytes);

  /// Joins the meta with these objects and no room for more, reports them, and does so again
  /// whenever the meta is another. Errors: those of join().
  static Result<SyntheticNode> come_back(const std::string& meta, SyntheticCatalog catalog);

  SyntheticNode(SyntheticNode&&) noexcept;
  SyntheticNode& operator=(SyntheticNode&&) = delete;
  /// Ends the session.
  ~SyntheticNode();

 private:
  class Link;
  explicit SyntheticNode(std::unique_ptr<Link> link);
  static Result<SyntheticNode> start(const std::string& meta, std::uint32_t slots,
                                     std::uint64_t object_bytes,
                                     std::optional<SyntheticCatalog> catalog);
  std::unique_ptr<Link> link_;
};

}  // namespace aquifer::apps
