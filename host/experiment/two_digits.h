// A number that is known about, for sentences: 934.2 as "930". Pure.
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <string>

namespace duet::experiment {

// Two digits of a number of at least 1 and at most 1e15, without an exponent.
inline std::string two_digits(double number) {
  const double unit = std::pow(10, std::floor(std::log10(number)) - 1);
  return std::to_string(std::llround(unit < 1 ? number : std::round(number / unit) * unit));
}

// Likewise of a percentage, 0 or more and finite: "0.5", "8", "63", "200".
inline std::string percent(double value) {
  return value < 99.5 ? fmt::format("{:.2g}", value) : two_digits(value);
}

}  // namespace duet::experiment
