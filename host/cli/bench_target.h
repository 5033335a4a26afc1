// What a plan sends to a server.
#pragma once

#include <string>

#include "host/base/result.h"
#include "host/bench/plan.h"
#include "host/bench/target.h"

namespace duet::cli {

// `address`: a URL. Looks its host up when it is a name.
Result<bench::Target> bench_target(const bench::Plan& plan, const std::string& address);

}  // namespace duet::cli
