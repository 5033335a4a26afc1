// Pages that stand alone: one file, light and dark, nothing fetched, no script. For `duet report`
// and whoever else writes one.
//
// Everything given as "text" is plain and escaped here; everything given as "html" was made by a
// function of this folder. Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace duet::report {

// For element content and quoted attributes. Bytes that are no UTF-8 become U+FFFD, control
// characters as host/base/escape.h shows them.
std::string escape(std::string_view text);

// A cell of a table. Numbers are set flush right, with digits of one width.
struct Cell {
  std::string text;
  bool number = false;
  // 0: none; 1: the strongest shade of a table's cells (a matrix as a heat map).
  double shade = 0;
  enum class Tone : unsigned char { kPlain, kGood, kBad, kQuiet } tone = Tone::kPlain;
  std::string below = {};  // small, in a line of its own: an interval
};
inline Cell number(std::string text, std::string below = {}) {
  return {std::move(text), true, 0, Cell::Tone::kPlain, std::move(below)};
}
inline Cell words(std::string text, Cell::Tone tone = Cell::Tone::kPlain) {
  return {std::move(text), false, 0, tone};
}

struct Table {
  std::vector<std::string> head;  // text; a column whose cells are numbers is headed flush right
  std::vector<std::vector<Cell>> rows;  // the first cell of a row is its heading
};
std::string table(const Table& table);

// A short figure with what it is, for a row of them.
struct Tile {
  std::string label, value, note;
  Cell::Tone tone = Cell::Tone::kPlain;
};
std::string tiles(const std::vector<Tile>& tiles);

std::string paragraph(std::string_view text);
// Small and quiet: how to read what stands above.
std::string note(std::string_view text);
// A box that must be seen: "the split is not the one that was configured".
std::string warning(std::string_view text);
// A drawing of svg.h, with what it shows in words below it.
std::string figure(std::string_view svg_html, std::string_view caption);

struct Section {
  std::string title;  // text
  std::string html;
};

struct Page {
  std::string title;  // text; the window's, and the small line above the verdict
  // The one sentence that the page is for, in large letters, and whether it is good news.
  std::string verdict;
  Cell::Tone tone = Cell::Tone::kPlain;
  std::string about;  // text below it: when and where this was measured
  std::vector<Section> sections;
};
// A complete document.
std::string page(const Page& page);

}  // namespace duet::report
