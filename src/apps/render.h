// Answers as text: tables for people, JSON for programs. Pure functions of what the client said;
// who prints it is report.h. The JSON names are an interface: they are added to, never renamed.
#pragma once

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

/// {"key", "size", "replicas": [{"node"}]}.
std::string stat_json(std::string_view key, const ObjectStat& stat);
std::string stat_text(std::string_view key, const ObjectStat& stat);

/// The pool and its nodes; docs/operations/cli.md has the shape.
std::string status_json(const PoolStatus& status);
std::string status_text(const PoolStatus& status);

/// {"version", "protocol"}.
std::string version_json();

}  // namespace aquifer::apps
