// The parts of a bench's JSON that other measurements share, so that one program reads all of them.
// The names of the fields are an interface: they are added to, never renamed.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "apps/bench_report.h"

namespace aquifer::apps {

nlohmann::ordered_json json_of(const Machine& machine);
nlohmann::ordered_json json_of(const BenchRow& row);

}  // namespace aquifer::apps
