#include "host/cli/experiment_words.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>

#include "host/base/escape.h"

namespace duet::cli {

std::string text(const nlohmann::json& value) { return printable(value.get<std::string>()); }

std::string instant(double seconds) {
  return fmt::format("{:%Y-%m-%d %H:%M:%S}Z", fmt::gmtime(static_cast<std::time_t>(seconds)));
}

std::string micros(double value) {
  // 999.5 has four digits when it is rounded, which would be shown with an exponent.
  if (value < 999.5) return fmt::format("{:.3g} µs", value);
  if (value < 999.5e3) return fmt::format("{:.3g} ms", value / 1e3);
  if (value < 999.5e6) return fmt::format("{:.3g} s", value / 1e6);
  return fmt::format("{:.0f} s", value / 1e6);
}

}  // namespace duet::cli
