// Where claims are found.
#pragma once

#include <string>
#include <vector>

#include "host/base/result.h"
#include "host/cli/lab_claim.h"
#include "host/config/diagnostic.h"

namespace duet::cli {

// The folder of the claims that come with duet: ../share/duet/claims from the executable.
std::string shipped_claims();

// Those that are named, by their names in `folder` or as paths of folders, in that order; without
// names all of `folder`, by name. Mistakes in a claim.toml go to `diagnostics`; a name that is
// none, or a folder that cannot be read, is the error.
Result<std::vector<Claim>> find_claims(const std::string& folder,
                                       const std::vector<std::string>& names,
                                       config::Diagnostics& diagnostics);

}  // namespace duet::cli
