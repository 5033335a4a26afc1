// Waiting without sleeping blindly: for a condition, until a deadline.
#pragma once

#include <chrono>
#include <functional>

namespace duet::testing_support {

using Clock = std::chrono::steady_clock;

// How long a test waits for something that should happen at once. Generous, because the machine
// may be busy with something else and because sanitizers are slow; a passing test never waits.
inline constexpr std::chrono::seconds kPatience{20};

// True as soon as `condition` is; false when it is not within `patience`. Looks every millisecond.
bool eventually(const std::function<bool()>& condition,
                std::chrono::milliseconds patience = kPatience);

}  // namespace duet::testing_support
