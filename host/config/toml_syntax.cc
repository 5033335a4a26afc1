#include "host/config/toml_syntax.h"

#include <algorithm>
#include <charconv>
#include <system_error>

#include "host/base/escape.h"
#include "host/config/text.h"

namespace duet::config {
namespace {

constexpr char kLostHeader = '\x01';
constexpr std::size_t kToLineEnd = static_cast<std::size_t>(-1) / 2;

bool is_header(std::string_view line) { return trimmed(line).starts_with('['); }

bool is_bare_key(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-';
}

// "key = …" or "[table]": where a new statement begins for sure. A list's rows do not look so.
bool begins_statement(std::string_view line) {
  line = trimmed(line);
  if (line.starts_with("[[")) return true;
  if (line.starts_with('[')) return line.size() > 1 && is_bare_key(line[1]);
  std::size_t at = 0;
  while (at < line.size() && (is_bare_key(line[at]) || line[at] == '.' || line[at] == '"')) ++at;
  if (at == 0) return false;
  return trimmed(line.substr(at)).starts_with('=');
}

// Column (from 1, in characters) of a byte of the line.
std::size_t column_of(std::string_view line, std::size_t byte) {
  std::size_t column = 1;
  for (std::size_t at = 0; at < byte && at < line.size(); at += utf8_at(line, at).length) ++column;
  return column;
}

std::size_t byte_of(std::string_view line, std::size_t column) {
  std::size_t at = 0;
  for (std::size_t c = 1; c < column && at < line.size(); ++c) at += utf8_at(line, at).length;
  return std::min(at, line.size());
}

// "key = value # why" → "key" and "value", with the value's place in the line.
struct Assignment {
  std::string_view key;
  std::string_view value;
  std::size_t value_at = 0;  // byte
};

Assignment assignment(std::string_view line, char sign) {
  const std::size_t equals = line.find(sign);
  if (equals == std::string_view::npos) return {};
  Assignment result;
  result.key = trimmed(line.substr(0, equals));
  std::size_t begin = equals + 1;
  while (begin < line.size() && is_space(line[begin])) ++begin;
  result.value_at = begin;
  result.value = line.substr(begin);
  const std::size_t comment = result.value.find(" #");
  result.value = trimmed(result.value.substr(0, comment));
  return result;
}

// A text as TOML: in double quotes, or in single ones where they save escapes.
std::string as_toml(std::string_view text) {
  if (text.find_first_of("\"\\") != std::string_view::npos &&
      text.find('\'') == std::string_view::npos) {
    return "'" + std::string(text) + "'";
  }
  return '"' + std::string(text) + '"';
}

// The line (from 1) before `before` whose trimmed text begins with `begin`; 0: none.
std::size_t find_line(const FoundError& found, std::string_view begin, bool from_table) {
  for (std::size_t i = found.begin; i-- > 0;) {
    const std::string_view line = trimmed(found.lines[i]);
    if (line.starts_with(begin) &&
        (line.size() == begin.size() || !is_bare_key(line[begin.size()]))) {
      return i + 1;
    }
    if (from_table && is_header(line)) return 0;  // keys of one table only
  }
  return 0;
}

std::string between_quotes(std::string_view description) {
  const std::size_t first = description.find('\'');
  const std::size_t last = description.rfind('\'');
  if (first == std::string_view::npos || last <= first) return {};
  return std::string(description.substr(first + 1, last - first - 1));
}

Place whole(const FoundError& found, std::size_t line) {
  const std::string& text = found.lines[line];
  const std::size_t begin = text.find_first_not_of(" \t");
  return {line + 1, column_of(text, begin == std::string::npos ? 0 : begin), kToLineEnd};
}

bool says(const FoundError& found, std::string_view words) {
  return found.description.find(words) != std::string_view::npos;
}

SyntaxError explain_unclosed(const FoundError& found) {
  const std::string& line = found.lines[found.begin];
  const Assignment statement = assignment(line, '=');
  SyntaxError error;
  error.place = {found.begin + 1, column_of(line, statement.value_at), kToLineEnd};
  const std::string key = "the value of '" + std::string(statement.key) + "' ";
  if (statement.value.starts_with("\"\"\"") || statement.value.starts_with("'''")) {
    const std::string quotes(statement.value.substr(0, 3));
    error.message = key + "is never closed";
    error.hint = "end the text with " + quotes;
  } else if (statement.value.starts_with('[')) {
    error.message = key + "is never closed";
    error.hint = "end the list with ']'";
  } else if (statement.value.starts_with('{')) {
    error.message = key + "is not closed on its line";
    error.hint = "write { … } on one line, or make it a table of its own: [… ." +
                 std::string(statement.key) + "]";
  } else {
    error.message = key + "is never closed";
    error.hint = "is a closing quote missing?";
  }
  return error;
}

SyntaxError explain_header(const FoundError& found) {
  const std::string_view line = trimmed(found.lines[found.line]);
  SyntaxError error{whole(found, found.line), {}, {}};
  if (says(found, "cannot redefine")) {
    const std::string name = between_quotes(found.description);
    const std::size_t first = find_line(found, "[" + name + "]", false);
    error.message = "[" + name + "] is defined twice";
    error.hint = first > 0 ? "first at line " + std::to_string(first) +
                                 ": merge the two, or give this one another name"
                           : "merge the two, or give this one another name";
    if (line.starts_with("[[")) {
      error.message = "[[" + name + "]] is a table already";
      error.hint = "use either [" + name + "] or [[" + name + "]] for all of them";
    }
    return error;
  }
  if (says(found, "saw '\\n'") || says(found, "end-of-file") || line.find(']') == line.npos) {
    error.message = "the table header is not closed";
    const std::string_view close = line.starts_with("[[") ? "]]" : "]";
    std::string name(line.substr(0, line.find('#')));
    while (!name.empty() && (name.back() == ']' || is_space(name.back()))) name.pop_back();
    error.hint = "write " + name + std::string(close);
    return error;
  }
  if (says(found, "expected ']'")) {
    error.place = found.place;
    error.message = "a table's name may hold letters, digits, '-' and '_' only";
    error.hint = "put other names in quotes: [handlers.\"my handler\"]";
    return error;
  }
  error.message = "this is no table header";
  error.hint = "write [server], [handlers.NAME] or [[routes]]";
  return error;
}

// A number by its form that no double holds: "1e400".
bool is_huge_number(std::string_view word) {
  if (word.starts_with('+') || word.starts_with('-')) word.remove_prefix(1);
  double value = 0;
  const auto [end, code] = std::from_chars(word.data(), word.data() + word.size(), value);
  return code == std::errc::result_out_of_range && end == word.data() + word.size();
}

// A value without quotes: "listen = 127.0.0.1:80", "deadline = 30s", "methods = [GET]".
SyntaxError explain_bare_value(const FoundError& found) {
  const std::string& line = found.lines[found.line];
  const Assignment statement = assignment(line, '=');
  SyntaxError error;

  std::size_t begin = statement.value_at;
  std::string_view word = statement.value;
  std::string key(statement.key);
  if (found.begin != found.line || word.starts_with('[') || word.starts_with('{')) {
    // One item of a list.
    constexpr std::string_view kEnds = ",[]{}= \t\"'#";
    begin = byte_of(line, found.place.column);
    while (begin > 0 && kEnds.find(line[begin - 1]) == kEnds.npos) --begin;
    std::size_t end = begin;
    while (end < line.size() && kEnds.find(line[end]) == kEnds.npos) ++end;
    word = trimmed(std::string_view(line).substr(begin, end - begin));
    key.clear();
  }
  error.place = {found.line + 1, column_of(line, begin),
                 std::max<std::size_t>(1, column_of(word, word.size()) - 1)};
  const std::string write = "write " + (key.empty() ? "" : key + " = ");
  const std::string low = lower(word);
  if (word.empty()) {
    error.place = found.place;
    error.message = key.empty() ? "a value is missing here" : "'" + key + "' has no value";
    error.hint = "write a text in quotes, a number, true, false, or a list";
  } else if (low == "true" || low == "yes" || low == "on") {
    error.message = "'" + std::string(word) + "' is not a value";
    error.hint = write + "true";
  } else if (low == "false" || low == "no" || low == "none" || low == "null") {
    error.message = "'" + std::string(word) + "' is not a value";
    error.hint = write + "false";
  } else if (is_huge_number(word)) {
    error.message = "'" + std::string(word) + "' is larger than any number that TOML can hold";
    error.hint = "write a smaller one";
  } else {
    error.message = "text must be in quotes";
    error.hint = write + as_toml(word);
  }
  return error;
}

SyntaxError explain_string(const FoundError& found) {
  const std::string& line = found.lines[found.line];
  const Assignment statement = assignment(line, '=');
  SyntaxError error{found.place, {}, {}};
  if (says(found, "escape sequence")) {
    error.message = "a backslash in \"…\" begins an escape, and this is none that TOML knows";
    error.hint = "double it (\\\\), or write the text in single quotes: 'C:\\dir'";
    return error;
  }
  const bool at_end = byte_of(line, found.place.column) >= line.find_last_not_of(" \t\r") + 1;
  if (at_end) {
    const std::size_t quote = statement.key.empty() ? line.find_first_of("\"'")
                                                    : line.find_first_of("\"'", statement.value_at);
    if (quote != std::string::npos) {
      error.place = {found.line + 1, column_of(line, quote), kToLineEnd};
      error.message = "the text is not closed";
      error.hint = std::string("add the closing ") + line[quote];
      return error;
    }
  }
  error.message = "a control character in a text must be written as an escape";
  error.hint = "such as \\n for a new line or \\u0007";
  return error;
}

SyntaxError explain_statement(const FoundError& found) {
  const std::string& line = found.lines[found.line];
  SyntaxError error{found.place, {}, {}};
  if (says(found, "cannot redefine")) {
    const Assignment statement = assignment(line, '=');
    const std::size_t first = find_line(found, statement.key, true);
    error.place = whole(found, found.line);
    error.message = "'" + std::string(statement.key) + "' is set twice";
    error.hint = first > 0 ? "first at line " + std::to_string(first) + ": keep one of them"
                           : "keep one of them";
    return error;
  }
  if (says(found, "expected '='")) {
    const Assignment colon = assignment(line, ':');
    if (!colon.key.empty() && !colon.value.empty() &&
        std::all_of(colon.key.begin(), colon.key.end(), is_bare_key)) {
      const bool bare = colon.value.find_first_of("\"'[{") == colon.value.npos;
      error.message = "a key and its value are joined by '='";
      error.hint = "write " + std::string(colon.key) + " = " +
                   (bare ? as_toml(colon.value) : std::string(colon.value));
      return error;
    }
    error.place = whole(found, found.line);
    error.message = "this is neither 'key = value' nor a [table]";
    error.hint = "comments begin with '#'";
    return error;
  }
  if (says(found, "expected a comment or whitespace")) {
    error.message = "unexpected text after the value";
    error.hint = "a line holds one value; several go in a list: [\"a\", \"b\"]";
    return error;
  }
  return explain_bare_value(found);
}

SyntaxError explain_foreign(std::string_view character, const Place& place) {
  const Utf8Character c = utf8_at(character, 0);
  SyntaxError error{place, {}, {}};
  if (!c.valid) {
    error.message = "the file is not valid UTF-8 here";
    error.hint = "save it in the encoding UTF-8";
  } else if (c.code == 0xa0 || c.code == 0x3000 || c.code == 0xfeff ||
             (c.code >= 0x2000 && c.code <= 0x200f)) {
    error.message = "an invisible character that is no ordinary space";
    error.hint = "replace it by a space; it often comes with text copied from a web page";
  } else if ((c.code >= 0x2018 && c.code <= 0x201f) || c.code == 0xab || c.code == 0xbb) {
    error.message = "a typographic quote";
    error.hint = "write straight quotes: \"…\"";
  } else {
    error.message = "'" + std::string(character) + "' is allowed only inside quotes";
    error.hint = "write \"" + std::string(character) + "…\"";
  }
  return error;
}

}  // namespace

std::vector<std::string> split_lines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    lines.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return lines;
}

std::string join_lines(const std::vector<std::string>& lines, std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count && i < lines.size(); ++i) text += lines[i] + '\n';
  return text;
}

SyntaxError explain_syntax_error(const FoundError& found) {
  if (found.lines.empty()) return {found.place, std::string(found.description), {}};
  const std::string& line = found.lines[found.line];
  const bool ended = says(found, "end-of-file");
  if ((found.begin < found.line && (ended || begins_statement(line))) ||
      (found.begin == found.line && says(found, "while parsing inline table") &&
       says(found, "saw '\\n'")) ||
      (ended && !is_header(line) && assignment(line, '=').value.find_first_of("[{\"'") == 0)) {
    return explain_unclosed(found);
  }
  if (says(found, "while parsing table header")) return explain_header(found);
  if (says(found, "string:")) return explain_string(found);

  SyntaxError error{found.place, {}, {}};
  if (says(found, "dangling comma")) {
    error.message = "no comma is allowed before '}'";
    error.hint = "remove it";
    return error;
  }
  if (says(found, "expected comma or closing")) {
    error.message = "a comma is missing before this item";
    error.hint = "write [\"a\", \"b\"]";
    return error;
  }
  if (says(found, "expected keys, tables")) {
    error.message = "a statement cannot begin like this";
    error.hint =
        "write 'key = value' or a [table]; keys with other characters than letters, "
        "digits, '-' and '_' need quotes";
    return error;
  }
  if (says(found, "expected bare key starting")) {
    error.message = "a name is expected here: letters, digits, '-', '_', or text in quotes";
    error.hint =
        is_header(line) ? "write [server], [handlers.NAME] or [[routes]]" : "write 'key = value'";
    return error;
  }
  if (says(found, "leading zeroes")) {
    error.message = "a number cannot begin with a zero";
    error.hint = "remove it, or write the value as text in quotes";
    return error;
  }
  if (says(found, "key-value pair") || says(found, "value:") || says(found, "boolean") ||
      says(found, "integer") || says(found, "floating") || says(found, "time") ||
      says(found, "date")) {
    return explain_statement(found);
  }
  const std::size_t colon = found.description.find(": ");
  error.message = std::string(
      colon == std::string_view::npos ? found.description : found.description.substr(colon + 2));
  error.hint = "see https://toml.io for the format";
  return error;
}

std::optional<ForeignCharacter> find_foreign_character(const std::vector<std::string>& lines) {
  std::string_view quotes;  // that end the text the scan is in; empty outside of one
  for (std::size_t line = 0; line < lines.size(); ++line) {
    const std::string_view text = lines[line];
    bool comment = false;
    if (quotes.size() == 1) quotes = {};  // a text of one line: its missing end is told elsewhere
    std::size_t at = line == 0 && text.starts_with("\xef\xbb\xbf") ? 3 : 0;  // byte order mark
    while (at < text.size()) {
      const Utf8Character c = utf8_at(text, at);
      const std::string_view rest = text.substr(at);
      if (!c.valid || (c.code >= 0x80 && quotes.empty() && !comment)) {
        return ForeignCharacter{
            line, explain_foreign(rest.substr(0, c.length), {line + 1, column_of(text, at), 1})};
      }
      if (!quotes.empty()) {
        if (c.code == '\\' && quotes.front() == '"') {
          const bool escapes = at + 1 < text.size() && static_cast<signed char>(text[at + 1]) >= 0;
          at += escapes ? 2 : 1;
          continue;
        }
        if (rest.starts_with(quotes)) {
          at += quotes.size();
          // Up to two quotes may stand before the three that end a text of several lines.
          while (quotes.size() == 3 && at < text.size() && text[at] == quotes.front()) ++at;
          quotes = {};
          continue;
        }
      } else if (!comment) {
        if (c.code == '#') comment = true;
        for (const std::string_view kind : {"\"\"\"", "'''", "\"", "'"}) {
          if (!rest.starts_with(kind)) continue;
          quotes = kind;
          at += kind.size() - 1;
          break;
        }
      }
      at += c.length;
    }
  }
  return std::nullopt;
}

bool leave_out(std::vector<std::string>& lines, std::size_t begin, std::size_t line) {
  if (begin >= lines.size() || trimmed(lines[begin]).empty()) return false;
  const std::string_view value = assignment(lines[begin], '=').value;
  const bool spans_lines = begin < line || value.starts_with('[') || value.starts_with("\"\"\"") ||
                           value.starts_with("'''");
  if (is_header(lines[begin])) {
    const std::string lost = "[\"\\u0001" + std::to_string(begin) + "\"]";
    if (lines[begin] == lost) return false;
    lines[begin] = lost;
    return true;
  } else {
    lines[begin].clear();
  }
  // Up to where something new begins for sure; comments are harmless.
  for (std::size_t i = begin + 1; spans_lines && i < lines.size(); ++i) {
    if (begins_statement(lines[i])) break;
    lines[i].clear();
  }
  return true;
}

bool is_lost_header(std::string_view key) { return key.starts_with(kLostHeader); }

}  // namespace duet::config
