// What an operator may tell an experiment by the admin API.
#pragma once

#include <string>
#include <string_view>

#include "host/base/result.h"
#include "host/experiment/live.h"

namespace duet::admin {

// Carries `action` out: start, stop, ramp (share=20%, or nothing: the configured ramp), promote
// (variant=), pin (key=, variant=; without a variant the key is pinned no more). `query` is that
// of the request; `who` goes into the audit. The sentence says what is so now. Errors: no such
// action, a parameter that is missing or makes no sense; nothing has changed then.
Result<experiment::Decision> command(experiment::Live& live, std::string_view action,
                                     std::string_view query, const std::string& who);

}  // namespace duet::admin
