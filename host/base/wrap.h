// Text in lines that fit a terminal. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace duet {

// Columns that `text` takes: a code point has one, an ANSI sequence none.
std::size_t width_of(std::string_view text);

// One line, broken between words where it is wider than `columns`; the later lines are indented by
// `indent`. A word that is wider than all that stays whole.
std::string wrap(std::string_view line, std::size_t columns, std::size_t indent);

// Sentences among other lines: each is broken by itself, two columns further in than it begins.
// A line with a gap of two spaces is a row of a table: it stays as it is, as all does with 0
// columns.
std::string fit(std::string_view text, std::size_t columns);

}  // namespace duet
