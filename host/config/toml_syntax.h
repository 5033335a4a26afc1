// Syntax errors of TOML in words that help, and how to go on behind them. Works on lines of text;
// the parser itself (toml_tree.cc) stops at the first error and speaks its grammar's language.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/config/diagnostic.h"

namespace duet::config {

std::vector<std::string> split_lines(std::string_view text);
// The first `count` lines, each with its line feed.
std::string join_lines(const std::vector<std::string>& lines, std::size_t count);

// What the parser said of a statement of lines[begin] to lines[line] (from 0).
struct FoundError {
  std::string_view description;
  Place place;
  const std::vector<std::string>& lines;
  std::size_t begin;
  std::size_t line;
};

struct SyntaxError {
  Place place;
  std::string message;
  std::string hint;
};

SyntaxError explain_syntax_error(const FoundError& found);

// The first character that TOML does not allow where it stands: not ASCII outside of texts in
// quotes and comments, or bytes that are no UTF-8 anywhere. `line` is from 0. Nothing when there is
// none.
struct ForeignCharacter {
  std::size_t line;
  SyntaxError error;
};
std::optional<ForeignCharacter> find_foreign_character(const std::vector<std::string>& lines);

// Takes the broken statement out of `lines`, which keeps its number of lines. A broken table
// header becomes one that is_lost_header() knows, so that its keys do not count as those of the
// table before it. False when there is nothing left to take out.
bool leave_out(std::vector<std::string>& lines, std::size_t begin, std::size_t line);
bool is_lost_header(std::string_view key);

}  // namespace duet::config
