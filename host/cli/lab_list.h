// The claims there are, and what each lacks on this machine.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "host/cli/lab_claim.h"

namespace duet::cli {

// `cache`: absolute, where packages would be.
std::string list_text(const std::vector<Claim>& claims, const std::string& cache);
// With everything that it takes to run an arm by hand: what it is, the options of `duet bench`.
nlohmann::ordered_json list_json(const std::vector<Claim>& claims, const std::string& cache);

}  // namespace duet::cli
