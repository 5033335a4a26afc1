// Figures in columns, for a terminal.
#pragma once

#include <string>
#include <vector>

namespace duet::cli {

enum class LastColumn { kNotes, kNumbers };

// Columns as wide as they need to be, by characters; the first is words, the last words or numbers,
// the others numbers. Rows may be shorter than others. Nothing stands behind the last word of a
// line.
std::string table(const std::vector<std::vector<std::string>>& rows,
                  LastColumn last = LastColumn::kNotes);

}  // namespace duet::cli
