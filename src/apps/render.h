// Answers as text: tables for people, JSON for programs. Pure functions of what the client said;
// who prints it is report.h. The JSON names are an interface: they are added to, never renamed.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "aquifer/result.h"
#include "aquifer/types.h"

namespace aquifer::apps {

/// {"error": {"code", "message", "hint"}}; the code is the name of the status.
std::string error_json(const Error& error);

/// {"key", "status", "size"}; without a size where it is not known.
std::string outcome_json(std::string_view key, Status status, std::optional<std::uint64_t> size);

/// {"key", "status", "offset", "size"}: a part of a value, `size` bytes from `offset` on.
std::string range_json(std::string_view key, std::uint64_t offset, std::uint64_t size);

/// {"key", "status", "ttl_ms"}.
std::string pin_json(std::string_view key, std::chrono::milliseconds ttl);

/// {"namespace", "prefix", "removed"}.
std::string drain_json(std::string_view node, const DrainProgress& progress);
std::string removed_json(std::string_view name_space, std::string_view prefix,
                         std::uint64_t removed);

/// {"keys": [{"key", "size"}...]}, page by page, because a listing may be larger than memory:
/// begin, the entries of each page (`is_first` until there was one), end. With an error that came
/// after the beginning, "error" stands behind "keys".
std::string listing_json_begin();
std::string listing_json_entries(const ListPage& page, bool is_first);
std::string listing_json_end(const Error* error);

/// The entries of one page, "SIZE  KEY" a line; control characters as \xNN.
std::string listing_text(const ListPage& page);

/// {"key", "size", "replicas": [{"node"}]}.
std::string stat_json(std::string_view key, const ObjectStat& stat);
std::string stat_text(std::string_view key, const ObjectStat& stat);

/// The pool and its nodes; docs/operations/cli.md has the shape.
std::string status_json(const PoolStatus& status);
std::string status_text(const PoolStatus& status);

/// {"version", "protocol"}.
std::string version_json();

}  // namespace aquifer::apps
