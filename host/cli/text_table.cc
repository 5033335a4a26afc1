#include "host/cli/text_table.h"

#include <algorithm>

#include "host/base/wrap.h"

namespace duet::cli {

std::string table(const std::vector<std::vector<std::string>>& rows, LastColumn last) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  }
  std::string out;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const bool words = i == 0 || (last == LastColumn::kNotes && i + 1 == row.size());
      const std::string room(widths[i] - width_of(row[i]), ' ');
      line += "  " + (words ? row[i] + room : room + row[i]);
    }
    out += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return out;
}

}  // namespace duet::cli
