// A trace of requests: which blocks of KV cache each request reads, in order. The lines are those
// of the Mooncake FAST'25 traces; anything else in a file is an error with its place.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

#include "aquifer/result.h"

namespace aquifer::apps {

/// The blocks of one request, from the root of its prefix to the leaf. Equal ids are equal
/// prefixes.
using TraceRequest = std::vector<std::uint64_t>;

struct Trace {
  std::vector<TraceRequest> requests;

  std::uint64_t blocks() const;
  std::size_t longest_request() const;
};

/// Reads one request a line: {"timestamp", "input_length", "output_length", "hash_ids": [...]};
/// only hash_ids is used, the others must be numbers where they stand. Errors: kInvalidArgument as
/// "NAME:LINE: what is wrong"; a trace without a request is one.
Result<Trace> read_trace(std::istream& input, const std::string& name);

/// The same from a file. Errors: also kIo.
Result<Trace> read_trace_file(const std::string& path);

}  // namespace aquifer::apps
