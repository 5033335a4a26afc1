// What became of claims as one page that stands alone. Pure.
#pragma once

#include <string>
#include <vector>

#include "host/cli/lab_result.h"

namespace duet::cli {

// `about`: when, and on what machine.
std::string lab_page(const std::vector<LabResult>& results, const std::string& about);

}  // namespace duet::cli
