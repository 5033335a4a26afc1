// What shadow traffic has shown, as JSON text, and back.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "host/experiment/shadow_counts.h"

namespace duet::store {

std::string shadow_json(const experiment::ShadowState& state);
// Nothing when the text is not such a state. Whether it fits an experiment: ShadowCounts::restore.
std::optional<experiment::ShadowState> shadow_of(std::string_view json);

}  // namespace duet::store
