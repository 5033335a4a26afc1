// What goes on, as lines that are drawn again and again in the same place of a terminal. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace duet::cli {

// How far something is: one line for the whole, and one for each thing that is measured.
struct LivePicture {
  struct Row {
    std::string name;                // printable
    std::vector<std::string> cells;  // figures, the most important first; as many in all rows
    double bar = 0;                  // of 1: the longest of all rows; 0: none
    std::string trouble;             // "3 failed"; mostly empty
  };
  std::string doing;            // "measuring"
  std::optional<double> share;  // of 1; nothing where the end is not known
  std::string left;             // "4.3 s left"
  std::vector<Row> rows;
};

struct LiveSpace {
  std::size_t columns = 80, rows = 24;
  bool color = false;  // ANSI sequences
};

// No line is wider than space.columns - 1, so that none wraps, and there are at most space.rows - 1
// of them. Where room is short, bars get shorter and figures are left out from the end.
std::vector<std::string> live_lines(const LivePicture& picture, const LiveSpace& space);

}  // namespace duet::cli
