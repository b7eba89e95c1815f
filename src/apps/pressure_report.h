// What a pressure run found, as a text for people and as JSON with the rows of a bench
// (bench_report.h). Pure functions of the outcome.
#pragma once

#include <string>
#include <vector>

#include "apps/bench_report.h"
#include "apps/pressure_run.h"

namespace aquifer::apps {

/// "pressure.block.put.full", "pressure.random.utilisation" ...; names never change.
std::vector<BenchRow> pressure_rows(const PressureOutcome& outcome);

std::string pressure_text(const PressureSettings& settings,
                          const std::vector<PressureOutcome>& outcomes);
std::string pressure_json(const PressureSettings& settings,
                          const std::vector<PressureOutcome>& outcomes);

}  // namespace aquifer::apps
