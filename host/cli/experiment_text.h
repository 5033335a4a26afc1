// The documents of GET /api/experiments as text for people.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace duet::cli {

// One line an experiment: name, state, shares, verdict.
std::string experiments_text(const nlohmann::json& document);
// Everything of one, without its histograms.
std::string experiment_text(const nlohmann::json& document);

}  // namespace duet::cli
