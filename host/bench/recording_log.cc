// Access logs in the common and the combined format, as Apache, nginx and others write them:
//   203.0.113.7 - ada [27/Nov/2026:18:39:00 +0100] "GET /x?y=1 HTTP/1.1" 200 123 "referrer" "agent"
#include <cctype>

#include "host/bench/recording_builder.h"

namespace duet::bench {

namespace {

int hexadecimal(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const int lower = std::tolower(static_cast<unsigned char>(c));
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// Takes a quoted string from the front, with \" \\ \xHH taken back.
std::optional<std::string> take_quoted(std::string_view& line) {
  const std::size_t begin = line.find('"');
  if (begin == std::string_view::npos) return std::nullopt;
  std::string text;
  for (std::size_t i = begin + 1; i < line.size(); ++i) {
    if (line[i] == '"') {
      line.remove_prefix(i + 1);
      return text;
    }
    if (line[i] == '\\' && i + 1 < line.size()) {
      ++i;
      if (line[i] == 'x' && i + 2 < line.size() && hexadecimal(line[i + 1]) >= 0 &&
          hexadecimal(line[i + 2]) >= 0) {
        text += static_cast<char>(hexadecimal(line[i + 1]) * 16 + hexadecimal(line[i + 2]));
        i += 2;
        continue;
      }
    }
    text += line[i];
  }
  return std::nullopt;
}

void read_line(std::string_view line, const std::string& place, RecordingBuilder& builder) {
  const std::size_t open = line.find('[');
  const std::size_t close = line.find(']', std::min(open, line.size()));
  if (close == std::string_view::npos) {
    builder.leave_out(place, "it has no [time]");
    return;
  }
  const auto at = parse_log_time(line.substr(open + 1, close - open - 1));
  if (!at) {
    builder.leave_out(place, "its time is not like [27/Nov/2026:18:39:00 +0100]");
    return;
  }
  line.remove_prefix(close + 1);
  const auto request = take_quoted(line);
  if (!request) {
    builder.leave_out(place, "it has no \"request\" behind its time");
    return;
  }
  const std::string_view whole = *request;
  const std::size_t space = whole.find(' '), last = whole.rfind(' ');
  if (space == std::string_view::npos || space == last ||
      !whole.substr(last + 1).starts_with("HTTP/")) {
    builder.leave_out(place, "its request is not like \"GET /path HTTP/1.1\"");
    return;
  }
  RequestSpec spec;
  spec.method = whole.substr(0, space);
  spec.path = whole.substr(space + 1, last - space - 1);
  if (spec.path.starts_with("http://") || spec.path.starts_with("https://")) {
    const std::size_t path = spec.path.find('/', spec.path.find("//") + 2);
    spec.path = path == std::string::npos ? "/" : spec.path.substr(path);
  }
  for (const char* name : {"Referer", "User-Agent"}) {
    const auto value = take_quoted(line);
    if (value && !value->empty() && *value != "-") spec.fields.emplace_back(name, *value);
  }
  builder.add(std::move(spec), at, place);
}

}  // namespace

void read_access_log(std::string_view text, RecordingBuilder& builder) {
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.find_first_not_of(" \t") == std::string_view::npos || line.starts_with('#')) continue;
    read_line(line, "line " + std::to_string(number), builder);
  }
}

}  // namespace duet::bench
