// An experiment as JSON text: its state, exact to the last bit, and what is to be known of its
// configuration to show it without the host.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "host/experiment/live.h"
#include "host/experiment/live_spec.h"

namespace duet::store {

std::string to_json(const experiment::Live::State& state, const experiment::LiveSpec& spec);
// Nothing when the text is not such a state. Whether it fits an experiment: Live::restore.
std::optional<experiment::Live::State> state_of(std::string_view json);

// As much of the configuration as makes a Live that shows the state; nothing when there is none.
std::optional<experiment::LiveSpec> spec_of(std::string_view json);

// What makes an experiment another one when it changes: variants with their handlers, control,
// salt, key, alpha and guardrails. Weights, ramp, schedule and eligibility may change as it goes
// on.
std::string fingerprint(const experiment::LiveSpec& spec);

}  // namespace duet::store
