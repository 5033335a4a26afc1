#include "host/config/dotenv.h"

#include <algorithm>

#include "host/base/escape.h"
#include "host/config/text.h"

namespace duet::config {
namespace {

class Reader {
 public:
  Reader(std::string_view text, const std::string& file, Diagnostics& diagnostics)
      : text_(text), file_(file), diagnostics_(diagnostics) {}

  std::vector<DotenvEntry> read() {
    if (text_.starts_with("\xef\xbb\xbf")) at_ = line_begin_ = 3;  // a byte order mark
    while (at_ < text_.size()) {
      read_statement();
      next_line();
    }
    return std::move(entries_);
  }

 private:
  // The rest of the current line.
  std::string_view rest() const { return text_.substr(at_, text_.find('\n', at_) - at_); }

  void skip_spaces() {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  }

  void next_line() {
    const std::size_t end = text_.find('\n', at_);
    at_ = line_begin_ = end == std::string_view::npos ? text_.size() : end + 1;
    ++line_;
  }

  Place place(std::size_t at, std::size_t length) const {
    std::size_t column = 1;
    for (std::size_t i = line_begin_; i < at; i += utf8_at(text_, i).length) ++column;
    return {line_, column, std::max<std::size_t>(length, 1)};
  }

  void error(Place place, std::string message, std::string hint) {
    diagnostics_.add({Severity::kError, file_, place, std::move(message), std::move(hint)});
  }

  void read_statement() {
    skip_spaces();
    std::string_view line = rest();
    if (trimmed(line).empty() || line.front() == '#') return;
    if (line.starts_with("export ") || line.starts_with("export\t")) {
      at_ += 7;
      skip_spaces();
      line = rest();
    }
    const std::size_t equals = line.find('=');
    const std::string_view name = trimmed(line.substr(0, equals));
    if (equals == std::string_view::npos) {
      return error(place(at_, trimmed(line).size()), "a variable is written NAME=value",
                   "comments begin with '#'");
    }
    if (!is_variable_name(name)) {
      return error(place(at_, name.size()), "'" + printable(name) + "' is no name for a variable",
                   "use letters, digits and '_', and no digit first");
    }
    at_ += equals + 1;
    skip_spaces();

    DotenvEntry entry{std::string(name), {}, file_, place(at_, 1)};
    if (!rest().empty() && (rest().front() == '"' || rest().front() == '\'')) {
      if (!read_quoted(entry)) return;
    } else {
      std::string_view value = rest();
      if (value.starts_with('#')) value = {};
      for (std::size_t i = 1; i < value.size(); ++i) {
        if (value[i] == '#' && is_space(value[i - 1])) value = value.substr(0, i);
      }
      entry.value = std::string(trimmed(value));
    }
    entry.place.length = std::max<std::size_t>(entry.place.length, entry.value.size());
    if (entry.value.find('\0') != std::string::npos) {
      return error(entry.place, "a value cannot hold a NUL character", "remove it");
    }
    std::erase_if(entries_, [&](const DotenvEntry& e) { return e.name == entry.name; });
    entries_.push_back(std::move(entry));
  }

  bool read_quoted(DotenvEntry& entry) {
    const char quote = text_[at_];
    const Place begin = place(at_, rest().size());
    std::size_t i = at_ + 1;
    for (;; ++i) {
      if (i >= text_.size()) {
        error(begin, "the quote is never closed", std::string("add the closing ") + quote);
        return false;  // the next statement may be fine: only this line is skipped
      }
      const char c = text_[i];
      if (c == quote) break;
      if (quote == '"' && c == '\\' && i + 1 < text_.size()) {
        const char next = text_[++i];
        switch (next) {
          case 'n':
            entry.value += '\n';
            break;
          case 'r':
            entry.value += '\r';
            break;
          case 't':
            entry.value += '\t';
            break;
          case '"':
          case '\\':
          case '$':
            entry.value += next;
            break;
          default:
            entry.value += c, entry.value += next;
        }
        continue;
      }
      entry.value += c;
    }
    line_ +=
        static_cast<std::size_t>(std::count(text_.begin() + static_cast<std::ptrdiff_t>(at_),
                                            text_.begin() + static_cast<std::ptrdiff_t>(i), '\n'));
    const std::size_t line_feed = text_.rfind('\n', i);
    if (line_feed != std::string_view::npos) line_begin_ = line_feed + 1;
    at_ = i + 1;
    const std::string_view after = trimmed(rest());
    if (!after.empty() && after.front() != '#') {
      skip_spaces();
      error(place(at_, after.size()), "unexpected text after the closing quote",
            "write quotes inside a quoted value as \\\"");
      return false;
    }
    return true;
  }

  std::string_view text_;
  const std::string& file_;
  Diagnostics& diagnostics_;
  std::vector<DotenvEntry> entries_;
  std::size_t at_ = 0;
  std::size_t line_begin_ = 0;
  std::size_t line_ = 1;
};

}  // namespace

std::vector<DotenvEntry> parse_dotenv(std::string_view text, const std::string& file,
                                      Diagnostics& diagnostics) {
  return Reader(text, file, diagnostics).read();
}

bool is_variable_name(std::string_view name) {
  if (name.empty() || (name.front() >= '0' && name.front() <= '9')) return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

}  // namespace duet::config
