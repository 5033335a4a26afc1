// What became of claims, for a person and for a program. Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "host/cli/lab_result.h"

namespace duet::cli {

// One claim: what is claimed, what is measured here, and what was left out; lines of at most
// so many columns. `color`: emphasis by ANSI sequences.
std::string lab_text(const LabResult& result, bool color, std::size_t columns);
// All of them, a row for each thing that is claimed.
std::string lab_table(const std::vector<LabResult>& results);
// Durations in nanoseconds.
nlohmann::ordered_json lab_json(const std::vector<LabResult>& results);

}  // namespace duet::cli
