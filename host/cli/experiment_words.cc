#include "host/cli/experiment_words.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>

#include "host/base/escape.h"

namespace duet::cli {

std::string text(const nlohmann::json& value) { return printable(value.get<std::string>()); }

std::string instant(double seconds) {
  return fmt::format("{:%Y-%m-%d %H:%M:%S}Z", fmt::gmtime(static_cast<std::time_t>(seconds)));
}

std::string micros(double value) {
  if (value < 1000) return fmt::format("{:.3g} us", value);
  if (value < 1e6) return fmt::format("{:.3g} ms", value / 1e3);
  return fmt::format("{:.3g} s", value / 1e6);
}

std::string table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string out;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const bool words = i == 0 || i + 1 == row.size();  // the last are notes
      line += words ? fmt::format("  {:<{}}", row[i], widths[i])
                    : fmt::format("  {:>{}}", row[i], widths[i]);
    }
    out += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return out;
}

}  // namespace duet::cli
