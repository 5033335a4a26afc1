#include "host/config/diagnostic.h"

#include <algorithm>
#include <cstdio>
#include <tuple>

#include "host/base/escape.h"

namespace duet::config {
namespace {

// A longer line is shown in part, around the mistake.
constexpr std::size_t kShown = 100;

struct Colors {
  const char *bold = "", *error = "", *warning = "", *caret = "", *dim = "", *reset = "";
};

Colors colors_for(bool color) {
  if (!color) return {};
  return {"\x1b[1m", "\x1b[1;31m", "\x1b[1;33m", "\x1b[1;32m", "\x1b[2m", "\x1b[0m"};
}

// Characters that the text takes on a terminal. Wide (CJK) ones count as one: without a table of
// widths the caret is then a little to the left.
std::size_t width(std::string_view text) {
  std::size_t count = 0;
  for (std::size_t at = 0; at < text.size(); at += utf8_at(text, at).length) ++count;
  return count;
}

// The line in three parts: before the mistake, the mistake, after it; each printable.
struct Shown {
  std::string before, marked, after;
};

Shown show(std::string_view line, const Place& place) {
  std::vector<std::string> cells;  // one a character of the file
  for (std::size_t at = 0; at < line.size();) {
    const std::size_t length = utf8_at(line, at).length;
    const std::string_view character = line.substr(at, length);
    cells.push_back(character == "\t" ? " " : printable(character));
    at += length;
  }
  const std::size_t begin = std::min(place.column - 1, cells.size());
  const std::size_t end = std::min(begin + std::max<std::size_t>(place.length, 1), cells.size());

  std::size_t first = 0;
  std::size_t last = cells.size();
  if (cells.size() > kShown) {
    first = begin > kShown / 2 ? begin - kShown / 2 : 0;
    last = std::min(cells.size(), first + kShown);
  }
  Shown shown;
  if (first > 0) shown.before = "...";
  for (std::size_t i = first; i < last; ++i) {
    (i < begin ? shown.before : i < end ? shown.marked : shown.after) += cells[i];
  }
  if (last < cells.size()) shown.after += "...";
  return shown;
}

std::string count_of(std::size_t count, const char* noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

}  // namespace

void Diagnostics::add_source(std::string file, std::string text) {
  sources_.insert_or_assign(std::move(file), std::move(text));
}

void Diagnostics::error(std::string message, std::string hint) {
  add({Severity::kError, {}, {}, std::move(message), std::move(hint)});
}

std::size_t Diagnostics::errors() const {
  return static_cast<std::size_t>(std::count_if(all_.begin(), all_.end(), [](const Diagnostic& d) {
    return d.severity == Severity::kError;
  }));
}

void Diagnostics::sort() {
  std::stable_sort(all_.begin(), all_.end(), [](const Diagnostic& a, const Diagnostic& b) {
    return std::tie(a.file, a.place.line, a.place.column) <
           std::tie(b.file, b.place.line, b.place.column);
  });
}

std::string_view Diagnostics::line_of(const Diagnostic& diagnostic) const {
  const auto source = sources_.find(diagnostic.file);
  if (source == sources_.end() || diagnostic.place.line == 0) return {};
  std::string_view rest = source->second;
  for (std::size_t line = 1; line < diagnostic.place.line; ++line) {
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos) return {};
    rest.remove_prefix(end + 1);
  }
  rest = rest.substr(0, rest.find('\n'));
  if (!rest.empty() && rest.back() == '\r') rest.remove_suffix(1);
  return rest;
}

std::string Diagnostics::render(bool color) const {
  const Colors colors = colors_for(color);
  std::string out;
  for (const Diagnostic& diagnostic : all_) {
    const Place& place = diagnostic.place;
    out += colors.bold;
    if (diagnostic.file.empty()) {
      out += "duet: ";
    } else {
      append_printable(out, diagnostic.file);
      if (place.line > 0) {
        out += ":" + std::to_string(place.line) + ":" + std::to_string(place.column);
      }
      out += ": ";
    }
    out += colors.reset;
    const bool error = diagnostic.severity == Severity::kError;
    out += error ? colors.error : colors.warning;
    out += error ? "error:" : "warning:";
    out += colors.reset;
    out += ' ';
    out += colors.bold;
    append_printable(out, diagnostic.message);
    out += colors.reset;
    if (!diagnostic.hint.empty()) {
      out += " (";
      append_printable(out, diagnostic.hint);
      out += ')';
    }
    out += '\n';

    const std::string_view line = line_of(diagnostic);
    if (line.empty()) continue;
    const Shown shown = show(line, place);
    char number[32];
    std::snprintf(number, sizeof number, "%5zu | ", place.line);
    out += colors.dim;
    out += number;
    out += colors.reset;
    out += shown.before + shown.marked + shown.after + '\n';
    out += colors.dim;
    out += "      | ";
    out += colors.reset;
    out.append(width(shown.before), ' ');
    out += colors.caret;
    out += '^';
    const std::size_t marked = width(shown.marked);
    if (marked > 1) out.append(marked - 1, '~');
    out += colors.reset;
    out += '\n';
  }
  return out;
}

std::string Diagnostics::summary() const {
  std::string text;
  if (errors() > 0) text = count_of(errors(), "error");
  if (warnings() > 0) {
    if (!text.empty()) text += ", ";
    text += count_of(warnings(), "warning");
  }
  return text;
}

}  // namespace duet::config
